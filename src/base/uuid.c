#include "base/uuid.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/clock.h"

static struct uuid with_version(struct uuid uuid, uint8_t version)
{
    uuid.bytes[6] = (uint8_t)((uuid.bytes[6] & 0x0F) | version << 4);
    uuid.bytes[8] = (uint8_t)((uuid.bytes[8] & 0x3F) | 0x80);
    return uuid;
}

static void random_fill(uint8_t *at, size_t len)
{
    /* Up to 256 bytes come whole once the kernel's pool is up; only a signal before that interrupts. */
    while (getrandom(at, len, 0) != (ssize_t)len) {
        if (errno != EINTR) abort(); /* a kernel without it: ids would not be unique */
    }
}

struct uuid uuid_random(void)
{
    struct uuid uuid;
    random_fill(uuid.bytes, sizeof uuid.bytes);
    return with_version(uuid, 4);
}

/* RFC 9562, 5.7 with 6.2 method 3: 48 bits of milliseconds, then 12 bits of the fraction, then random. */
struct uuid uuid_by_time(void)
{
    struct uuid uuid;
    random_fill(uuid.bytes + 8, 8);
    uint64_t now_ns = clock_unix_ns();
    uint64_t ms = now_ns / 1000000u;
    uint64_t fraction = now_ns % 1000000u * 4096u / 1000000u;
    for (int i = 0; i < 6; i++) uuid.bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
    uuid.bytes[6] = (uint8_t)(fraction >> 8);
    uuid.bytes[7] = (uint8_t)fraction;
    return with_version(uuid, 7);
}

struct uuid uuid_from_sha1(const uint8_t digest[20])
{
    struct uuid uuid;
    memcpy(uuid.bytes, digest, sizeof uuid.bytes);
    return with_version(uuid, 5);
}

struct uuid uuid_of_name(struct uuid name_space, struct bytes name)
{
    struct sha1 sha1;
    uint8_t digest[20];
    sha1_init(&sha1);
    sha1_add(&sha1, name_space.bytes, sizeof name_space.bytes);
    sha1_add(&sha1, name.ptr, name.len);
    sha1_end(&sha1, digest);
    return uuid_from_sha1(digest);
}

static bool dash_is_at(size_t position)
{
    return position == 8 || position == 13 || position == 18 || position == 23;
}

void uuid_to_text(struct uuid uuid, char text[UUID_TEXT_BYTES + 1])
{
    static const char digits[] = "0123456789abcdef";
    size_t at = 0;
    for (size_t i = 0; i < sizeof uuid.bytes; i++) {
        if (dash_is_at(at)) text[at++] = '-';
        text[at++] = digits[uuid.bytes[i] >> 4];
        text[at++] = digits[uuid.bytes[i] & 15];
    }
    assert(at == UUID_TEXT_BYTES);
    text[at] = '\0';
}

static int digit_value(uint8_t digit)
{
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
}

bool uuid_from_text(struct bytes text, struct uuid *uuid)
{
    if (text.len != UUID_TEXT_BYTES) return false;
    struct uuid read;
    size_t at = 0;
    for (size_t i = 0; i < sizeof read.bytes; i++) {
        if (dash_is_at(at) && text.ptr[at++] != '-') return false;
        int high = digit_value(text.ptr[at++]);
        int low = digit_value(text.ptr[at++]);
        if (high < 0 || low < 0) return false;
        read.bytes[i] = (uint8_t)(high << 4 | low);
    }
    *uuid = read;
    return true;
}
