/* base64.h -- bytes as base64 (RFC 4648, 4), with or without the padding, and back; base64url (5) back. Thread: any. */
#pragma once
#include "base/bytes.h"

enum base64_kind {
    BASE64_PADDED, /* + and /, with its = */
    BASE64_URL,    /* - and _, without */
};
/* bytes has room for 3 for every 4 characters begun. False: not base64 of that kind, in the one way it can be written. */
MUST_CHECK bool base64_read(struct bytes text, enum base64_kind kind, uint8_t *bytes, size_t *len);

/* Returns the end of what was written: 4 characters for every 3 bytes begun, fewer without padding. */
static inline uint8_t *base64_put(uint8_t *at, struct bytes bytes, bool is_padded)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *from = bytes.ptr;
    size_t left = bytes.len;
    for (; left >= 3; left -= 3, from += 3) {
        uint32_t group = (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2];
        *at++ = (uint8_t)digits[group >> 18];
        *at++ = (uint8_t)digits[group >> 12 & 63];
        *at++ = (uint8_t)digits[group >> 6 & 63];
        *at++ = (uint8_t)digits[group & 63];
    }
    if (left > 0) {
        uint32_t group = (uint32_t)from[0] << 16 | (left == 2 ? (uint32_t)from[1] << 8 : 0);
        *at++ = (uint8_t)digits[group >> 18];
        *at++ = (uint8_t)digits[group >> 12 & 63];
        if (left == 2) *at++ = (uint8_t)digits[group >> 6 & 63];
        for (; is_padded && left < 3; left++) *at++ = '=';
    }
    return at;
}
