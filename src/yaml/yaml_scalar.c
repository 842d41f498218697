/* YAML 1.2.2, 10.3.2: the core schema. */
#include "yaml/yaml_inside.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { NUMBER_BYTES_MAX = 64 };

static bool is_one_of(struct bytes text, const char *const *words, size_t count)
{
    for (size_t w = 0; w < count; w++)
        if (bytes_equal(text, bytes_of_text(words[w]))) return true;
    return false;
}
#define IS_ONE_OF(text, ...) \
    is_one_of(text, (const char *const[]){ __VA_ARGS__ }, COUNT_OF(((const char *const[]){ __VA_ARGS__ })))

static size_t digits(const char *text, size_t at, const char *of)
{
    return strspn(text + at, of);
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?    whole: it has neither point nor exponent */
static bool is_decimal(const char *text, bool *is_whole)
{
    static const char ten[] = "0123456789";
    size_t at = text[0] == '-' || text[0] == '+' ? 1 : 0, before = digits(text, at, ten), after = 0;
    at += before;
    *is_whole = true;
    if (text[at] == '.') {
        *is_whole = false;
        after = digits(text, at + 1, ten);
        at += 1 + after;
    }
    if (before == 0 && after == 0) return false;
    if (text[at] == 'e' || text[at] == 'E') {
        *is_whole = false;
        at++;
        if (text[at] == '-' || text[at] == '+') at++;
        size_t exponent = digits(text, at, ten);
        if (exponent == 0) return false;
        at += exponent;
    }
    return text[at] == '\0';
}

static bool based_read(const char *text, unsigned long long *number)
{
    bool is_hex = strncmp(text, "0x", 2) == 0, is_octal = strncmp(text, "0o", 2) == 0;
    size_t count = is_hex ? digits(text, 2, "0123456789abcdefABCDEF") : is_octal ? digits(text, 2, "01234567") : 0;
    if (count == 0 || count > (is_hex ? 16u : 21u) || text[2 + count] != '\0') return false;
    *number = strtoull(text + 2, NULL, is_hex ? 16 : 8);
    return true;
}

/* As JSON takes it: what does not fit into 64 bits is a real. */
static yyjson_mut_val *whole_make(const char *text, yyjson_mut_doc *doc)
{
    const char *first = text + (text[0] == '-' || text[0] == '+');
    size_t len = strlen(first);
    while (len > 1 && first[0] == '0') first++, len--;
    bool is_negative = text[0] == '-';
    if (len < 19) {
        long long number = strtoll(first, NULL, 10);
        return is_negative ? yyjson_mut_sint(doc, -number) : yyjson_mut_uint(doc, (uint64_t)number);
    }
    if (!is_negative && (len == 19 || (len == 20 && strcmp(first, "18446744073709551615") <= 0)))
        return yyjson_mut_uint(doc, strtoull(first, NULL, 10));
    if (is_negative && len == 19 && strcmp(first, "9223372036854775808") <= 0)
        return yyjson_mut_sint(doc, strcmp(first, "9223372036854775808") == 0 ? INT64_MIN : -strtoll(first, NULL, 10));
    return yyjson_mut_real(doc, strtod(text, NULL));
}

bool yaml_scalar_read(struct bytes text, yyjson_mut_doc *doc, yyjson_mut_val **value, bool *is_number)
{
    char number[NUMBER_BYTES_MAX];
    bool is_whole;
    unsigned long long based;
    *is_number = false;
    *value = NULL;
    if (text.len == 0 || IS_ONE_OF(text, "null", "Null", "NULL", "~")) {
        *value = yyjson_mut_null(doc);
    } else if (IS_ONE_OF(text, "true", "True", "TRUE")) {
        *value = yyjson_mut_true(doc);
    } else if (IS_ONE_OF(text, "false", "False", "FALSE")) {
        *value = yyjson_mut_false(doc);
    } else if (text.len < sizeof number && memchr(text.ptr, '\0', text.len) == NULL) {
        snprintf(number, sizeof number, "%.*s", (int)text.len, (const char *)text.ptr);
        const char *unsigned_part = number + (number[0] == '-' || number[0] == '+');
        bool is_infinite = IS_ONE_OF(bytes_of_text(unsigned_part), ".inf", ".Inf", ".INF");
        if (is_infinite || IS_ONE_OF(text, ".nan", ".NaN", ".NAN")) {
            *is_number = true;
        } else if (is_decimal(number, &is_whole)) {
            *is_number = true;
            if (is_whole)
                *value = whole_make(number, doc);
            else if (isfinite(strtod(number, NULL)))
                *value = yyjson_mut_real(doc, strtod(number, NULL));
        } else if (based_read(number, &based)) {
            *is_number = true;
            *value = yyjson_mut_uint(doc, based);
        }
    }
    return *value != NULL || *is_number;
}
