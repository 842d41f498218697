/* uuid.h -- 128-bit ids: RFC 9562 versions 4, 5 and 7, and their text. Thread: any. */
#pragma once
#include "base/bytes.h"
#define UUID_TEXT_BYTES 36
struct uuid {
    uint8_t bytes[16]; /* network order */
};
static inline bool uuid_equal(struct uuid a, struct uuid b)
{
    return memcmp(a.bytes, b.bytes, 16) == 0;
}
struct uuid uuid_random(void);  /* version 4 */
struct uuid uuid_by_time(void); /* version 7: sorts by time of making */
/* Version 5: SHA-1 over the namespace and the name (RFC 9562, 5.5). */
struct uuid uuid_of_name(struct uuid name_space, struct bytes name);
void uuid_to_text(struct uuid uuid, char text[UUID_TEXT_BYTES + 1]);  /* lower case, NUL-terminated */
MUST_CHECK bool uuid_from_text(struct bytes text, struct uuid *uuid); /* 36 characters, any case */
/* SHA-1 in parts, for version 5 names that are not in one piece (a hot path: one row id each). */
struct sha1 {
    uint32_t state[5];
    uint64_t bytes;
    uint8_t block[64];
};
void sha1_init(struct sha1 *sha1);
void sha1_add(struct sha1 *sha1, const void *ptr, size_t len);
void sha1_end(struct sha1 *sha1, uint8_t digest[20]);
/* A SHA-1 that has eaten the 16 bytes of a namespace can be copied as the start of each name. */
struct uuid uuid_from_sha1(const uint8_t digest[20]);
