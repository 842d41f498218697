/* hex.h -- what a hexadecimal digit counts, in either case; -1 when it is none. Thread: any. */
#pragma once
#include <stdint.h>

static inline int hex_digit(uint8_t digit)
{
    if ((uint8_t)(digit - '0') <= 9) return digit - '0';
    digit |= 0x20;
    return (uint8_t)(digit - 'a') <= 5 ? digit - 'a' + 10 : -1;
}
