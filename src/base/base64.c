#include "base/base64.h"

static int digit_of(uint8_t c, enum base64_kind kind)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == (kind == BASE64_URL ? '-' : '+')) return 62;
    if (c == (kind == BASE64_URL ? '_' : '/')) return 63;
    return -1;
}

bool base64_read(struct bytes text, enum base64_kind kind, uint8_t *bytes, size_t *len)
{
    uint32_t held = 0, bits = 0;
    *len = 0;
    if (kind == BASE64_PADDED) {
        if (text.len % 4 != 0) return false;
        for (int padding = 0; padding < 2 && text.len > 0 && text.ptr[text.len - 1] == '='; padding++) text.len--;
    }
    if (text.len % 4 == 1) return false;
    for (size_t i = 0; i < text.len; i++) {
        int digit = digit_of(text.ptr[i], kind);
        if (digit < 0) return false;
        held = held << 6 | (uint32_t)digit;
        bits += 6;
        if (bits < 8) continue;
        bits -= 8;
        bytes[(*len)++] = (uint8_t)(held >> bits);
    }
    return (held & ((1u << bits) - 1)) == 0; /* what is left over says nothing */
}
