/* json_number.h -- numbers of JSON, read to the last digit: 64-bit integers do not pass through a double.
 *
 *   "1.5e3" --json_number_read--> 15 * 10^2 --json_number_whole--> 1500
 *
 * Thread: values. Memory: none. Source: RFC 8259, section 6. */
#pragma once
#include "base/bytes.h"

#define JSON_NUMBER_TEXT_MAX 1000 /* characters; a double written out has at most 770 that matter */

struct json_number {
    uint64_t mantissa;
    int32_t exponent; /* of ten */
    bool is_negative;
    bool is_cut; /* digits other than 0 did not fit into the mantissa */
};
/* Where the number ends that begins at at; NULL when none does. */
const uint8_t *json_number_read(const uint8_t *at, const uint8_t *end, struct json_number *number);
/* Its magnitude; false when it is not whole or over 64 bits. */
MUST_CHECK bool json_number_whole(const struct json_number *number, uint64_t *magnitude);
/* The nearest double; text is what was read. False when it is larger than any, or longer than JSON_NUMBER_TEXT_MAX. */
MUST_CHECK bool json_number_double(const struct json_number *number, struct bytes text, double *value);
