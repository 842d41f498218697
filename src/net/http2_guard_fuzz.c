/* Any bytes, in steps of any size: the guard sees the same however they are cut, and stops once for all. */
#include <stdlib.h>

#include "net/http2_guard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t take_all(struct http2_guard *guard, struct bytes bytes, size_t step_max)
{
    size_t total = 0;
    http2_guard_init(guard, 0);
    while (total < bytes.len) {
        size_t step = bytes.len - total < step_max ? bytes.len - total : step_max;
        size_t taken = http2_guard_take(guard, bytes_from(bytes.ptr + total, step), 0);
        if (taken > step || (taken < step) != (guard->reason != NULL)) abort();
        total += taken;
        if (guard->reason != NULL) break;
    }
    return total;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http2_guard whole, cut;
    if (size < 2) return 0;
    struct bytes bytes = bytes_from(data + 1, size - 1);
    size_t whole_len = take_all(&whole, bytes, bytes.len);
    size_t cut_len = take_all(&cut, bytes, 1 + data[0] % 16);
    if (whole.reason != cut.reason || whole.code != cut.code) abort();
    if (whole.reason == NULL && (whole_len != bytes.len || cut_len != bytes.len)) abort();
    /* The head of the frame that is too much may have been let through in part, its payload never. */
    if (whole_len > cut_len || cut_len - whole_len >= sizeof whole.head) abort();
    if (whole.reason != NULL && http2_guard_take(&whole, bytes, UINT64_MAX) != 0) abort();
    return 0;
}
