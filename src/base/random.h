/* random.h -- bytes that nobody can guess: for secrets, salts and seeds.
 *
 * Thread: any. At most 256 bytes at once: those come whole or not at all (getrandom(2)); without them nothing safe can be
 * made, so the process ends. */
#pragma once
#include <assert.h>
#include <stdlib.h>
#include <sys/random.h>

static inline void random_fill(void *bytes, size_t len)
{
    assert(len <= 256);
    if (getrandom(bytes, len, 0) != (ssize_t)len) abort();
}
