#include "timefusion/query/number_pattern.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define DIGITS_MAX  400
#define PATTERN_MAX 200

enum sign { SIGN_USUAL, SIGN_LEADING, SIGN_TRAILING, SIGN_BRACKETS, SIGN_PLACED };

struct pattern {
    const char *at;
    size_t len;
    uint32_t before, after; /* digits */
    int first_zero;         /* among the digits before the point; -1 none */
    bool has_point, fills, has_ordinal, is_lower_ordinal, is_roman, is_lower_roman;
    enum sign sign;
};

/* The length of the mark at the pattern's place; 0: a character that stands for itself. */
static size_t mark_at(const char *at, size_t left)
{
    static const char *const marks[] = { "MI", "PL", "SG", "PR", "FM", "TH", "RN" };
    for (size_t i = 0; i < COUNT_OF(marks); i++)
        if (left >= 2 && strncasecmp(at, marks[i], 2) == 0) return 2;
    return strchr("90.DdGgSs,", *at) ? 1 : 0;
}

static bool pattern_read(struct pattern *pattern, struct bytes text, struct err *err)
{
    *pattern = (struct pattern){ .at = (const char *)text.ptr, .len = text.len, .fills = true, .first_zero = -1 };
    if (text.len > PATTERN_MAX || (text.len > 0 && memchr(text.ptr, '\0', text.len)))
        return err_set(err, ERR_INPUT, "the pattern of a number is too long");
    bool any_digit = false;
    for (size_t i = 0; i < text.len;) {
        const char *at = pattern->at + i;
        size_t left = text.len - i, len = mark_at(at, left);
        if (*at == '"') {
            for (i++; i < text.len && pattern->at[i] != '"'; i++) continue;
            i++;
            continue;
        }
        if ((left >= 4 && strncasecmp(at, "EEEE", 4) == 0) || (*at | 0x20) == 'v' || (*at | 0x20) == 'l')
            return err_set(err, ERR_INPUT, "the pattern of a number cannot have V, L or EEEE here");
        if (len == 1 && (*at == '9' || *at == '0')) {
            any_digit = true;
            if (pattern->has_point) {
                pattern->after++;
            } else {
                if (*at == '0' && pattern->first_zero < 0) pattern->first_zero = (int)pattern->before;
                pattern->before++;
            }
        } else if (len == 1 && (*at == '.' || (*at | 0x20) == 'd')) {
            if (pattern->has_point)
                return err_set(err, ERR_INPUT, "multiple decimal points in the pattern of a number");
            pattern->has_point = true;
        } else if (len == 1 && (*at | 0x20) == 's') {
            pattern->sign = any_digit ? SIGN_TRAILING : SIGN_LEADING;
        } else if (len == 2) {
            if (strncasecmp(at, "FM", 2) == 0) pattern->fills = false;
            if (strncasecmp(at, "PR", 2) == 0) pattern->sign = SIGN_BRACKETS;
            if (strncasecmp(at, "TH", 2) == 0) pattern->has_ordinal = true, pattern->is_lower_ordinal = at[0] == 't';
            if (strncasecmp(at, "RN", 2) == 0) pattern->is_roman = true, pattern->is_lower_roman = at[0] == 'r';
            if (strncasecmp(at, "MI", 2) == 0 || strncasecmp(at, "PL", 2) == 0 || strncasecmp(at, "SG", 2) == 0)
                pattern->sign = SIGN_PLACED;
        }
        i += len ? len : 1;
    }
    return true;
}

uint32_t number_pattern_scale(struct bytes text)
{
    struct pattern pattern;
    struct err err = { .code = ERR_OK };
    return pattern_read(&pattern, text, &err) ? pattern.after : 0;
}

/* "-1234.56" with so many digits behind the point, rounded away from zero: whole and fraction digits. false: no number. */
static bool digits_of(struct bytes number, uint32_t scale, char whole[DIGITS_MAX], char fraction[DIGITS_MAX],
                      bool *is_negative)
{
    char text[DIGITS_MAX];
    if (number.len == 0 || number.len >= sizeof text / 2) return false;
    memcpy(text, number.ptr, number.len);
    text[number.len] = '\0';
    if (strpbrk(text, "eE")) {
        double value = strtod(text, NULL);
        if (!isfinite(value) || fabs(value) > 1e100) return false;
        snprintf(text, sizeof text, "%.*f", 20, value);
    }
    const char *at = text;
    *is_negative = *at == '-';
    if (*at == '-' || *at == '+') at++;
    size_t before = strspn(at, "0123456789");
    const char *point = at + before;
    size_t after = *point == '.' ? strspn(point + 1, "0123456789") : 0;
    if (before + after == 0 || (*point == '.' ? point[1 + after] : *point) != '\0') return false;
    /* all digits as one row, rounded at the scale */
    char row[DIGITS_MAX * 2];
    size_t len = 0;
    row[len++] = '0';
    memcpy(row + len, at, before);
    len += before;
    for (uint32_t i = 0; i < scale; i++) row[len++] = i < after ? point[1 + i] : '0';
    if (after > scale && point[1 + scale] >= '5') {
        size_t i = len;
        while (i > 0 && row[i - 1] == '9') row[--i] = '0';
        if (i > 0) row[i - 1]++;
    }
    size_t whole_len = len - scale, skip = 0;
    while (skip < whole_len && row[skip] == '0') skip++;
    memcpy(whole, row + skip, whole_len - skip);
    whole[whole_len - skip] = '\0';
    memcpy(fraction, row + whole_len, scale);
    fraction[scale] = '\0';
    return true;
}

static bool roman_put(struct buf *out, const struct pattern *pattern, struct bytes number)
{
    static const struct {
        int value;
        const char *digits;
    } romans[] = { { 1000, "M" }, { 900, "CM" }, { 500, "D" }, { 400, "CD" }, { 100, "C" }, { 90, "XC" }, { 50, "L" },
                   { 40, "XL" },  { 10, "X" },   { 9, "IX" },  { 5, "V" },    { 4, "IV" },  { 1, "I" } };
    char whole[DIGITS_MAX], fraction[DIGITS_MAX], text[40] = "", *to = text;
    bool is_negative = false; /* what is no number says no sign */
    long value = digits_of(number, 0, whole, fraction, &is_negative) && strlen(whole) < 6 ? strtol(whole, NULL, 10) : 0;
    if (is_negative || value < 1 || value > 3999) {
        to = stpcpy(to, "###############");
    } else {
        for (size_t i = 0; i < COUNT_OF(romans); i++)
            for (; value >= romans[i].value; value -= romans[i].value) to = stpcpy(to, romans[i].digits);
    }
    for (char *at = text; pattern->is_lower_roman && *at; at++)
        if (*at >= 'A' && *at <= 'Z') *at = (char)(*at | 0x20);
    return buf_printf(out, pattern->fills ? "%15s" : "%s", text);
}

static const char *ordinal_of(const char *whole, bool is_lower)
{
    static const char *const uppers[] = { "TH", "ST", "ND", "RD" }, *const lowers[] = { "th", "st", "nd", "rd" };
    size_t len = strlen(whole);
    int last = len ? whole[len - 1] - '0' : 0;
    bool is_teen = len > 1 && whole[len - 2] == '1';
    int which = is_teen || last > 3 ? 0 : last;
    return is_lower ? lowers[which] : uppers[which];
}

/* Where the text is being made: digits not yet begun are blanks, and the sign stands before the first one. */
struct made {
    struct buf *out;
    bool fills, has_begun, is_negative;
    enum sign sign;
};

static bool begin(struct made *made)
{
    if (made->has_begun) return true;
    made->has_begun = true;
    switch (made->sign) {
    case SIGN_USUAL: return made->is_negative ? buf_add(made->out, "-", 1) : !made->fills || buf_add(made->out, " ", 1);
    case SIGN_LEADING: return buf_add(made->out, made->is_negative ? "-" : "+", 1);
    case SIGN_BRACKETS:
        return made->is_negative ? buf_add(made->out, "<", 1) : !made->fills || buf_add(made->out, " ", 1);
    default: return true;
    }
}

bool number_pattern_put(struct buf *out, struct bytes number, struct bytes text, struct err *err)
{
    struct pattern pattern;
    if (!pattern_read(&pattern, text, err)) return false;
    if (pattern.is_roman)
        return roman_put(out, &pattern, number) || err_set(err, ERR_TOO_LARGE, "the text is too long");
    char whole[DIGITS_MAX], fraction[DIGITS_MAX];
    bool is_negative;
    if (!digits_of(number, pattern.after, whole, fraction, &is_negative))
        return err_set(err, ERR_VALUE, "to_char() does not take this number");
    bool is_zero = whole[0] == '\0' && strspn(fraction, "0") == strlen(fraction);
    if (is_zero) is_negative = false;
    size_t digits = strlen(whole);
    bool is_over = digits > pattern.before;
    if (digits == 0 && pattern.after == 0) digits = 1, whole[0] = '0', whole[1] = '\0';
    /* FM leaves out the zeros at the end that a 9 stands for. */
    size_t fraction_shown = pattern.after;
    if (!pattern.fills) {
        size_t last_zero = 0, seen = 0;
        bool is_after = false;
        for (size_t i = 0; i < pattern.len; i++) {
            if (pattern.at[i] == '.' || (pattern.at[i] | 0x20) == 'd') is_after = true;
            if (is_after && (pattern.at[i] == '0' || pattern.at[i] == '9') && ++seen && pattern.at[i] == '0')
                last_zero = seen;
        }
        while (fraction_shown > last_zero && fraction[fraction_shown - 1] == '0') fraction_shown--;
    }
    struct made made = { .out = out, .fills = pattern.fills, .is_negative = is_negative, .sign = pattern.sign };
    uint32_t place = 0, after = 0;
    bool ok = true, is_after = false;
    for (size_t i = 0; ok && i < pattern.len;) {
        const char *at = pattern.at + i;
        size_t left = pattern.len - i, len = mark_at(at, left);
        if (*at == '"') {
            for (i++; ok && i < pattern.len && pattern.at[i] != '"'; i++) ok = buf_add(out, pattern.at + i, 1);
            i++;
            continue;
        }
        if (len == 0) {
            ok = buf_add(out, at, 1);
        } else if (*at == '9' || *at == '0') {
            if (!is_after) {
                uint32_t from_right = pattern.before - 1 - place;
                bool has_digit = is_over || from_right < digits;
                bool is_zero_place = pattern.first_zero >= 0 && (int)place >= pattern.first_zero;
                if (has_digit || is_zero_place)
                    ok = begin(&made) && buf_add(out,
                                                 is_over     ? "#"
                                                 : has_digit ? whole + digits - 1 - from_right
                                                             : "0",
                                                 1);
                else
                    ok = !pattern.fills || buf_add(out, " ", 1);
                place++;
            } else {
                if (after < fraction_shown) ok = begin(&made) && buf_add(out, is_over ? "#" : fraction + after, 1);
                after++;
            }
        } else if (*at == '.' || (*at | 0x20) == 'd') {
            is_after = true;
            ok = begin(&made) && buf_add(out, ".", 1);
        } else if (*at == ',' || (*at | 0x20) == 'g') {
            ok = made.has_begun ? buf_add(out, ",", 1) : !pattern.fills || buf_add(out, " ", 1);
        } else if (len == 1) { /* S */
            if (pattern.sign == SIGN_TRAILING) ok = buf_add(out, is_negative ? "-" : "+", 1);
        } else if (strncasecmp(at, "MI", 2) == 0) {
            ok = is_negative ? buf_add(out, "-", 1) : !pattern.fills || buf_add(out, " ", 1);
        } else if (strncasecmp(at, "PL", 2) == 0) {
            ok = !is_negative ? buf_add(out, "+", 1) : !pattern.fills || buf_add(out, " ", 1);
        } else if (strncasecmp(at, "SG", 2) == 0) {
            ok = buf_add(out, is_negative ? "-" : "+", 1);
        } else if (strncasecmp(at, "PR", 2) == 0) {
            ok = is_negative ? buf_add(out, ">", 1) : !pattern.fills || buf_add(out, " ", 1);
        } else if (strncasecmp(at, "TH", 2) == 0) {
            if (!is_negative && pattern.after == 0) ok = buf_add(out, ordinal_of(whole, pattern.is_lower_ordinal), 2);
        }
        i += len ? len : 1;
    }
    return ok || err_set(err, ERR_TOO_LARGE, "the text is too long");
}

bool number_pattern_take(struct buf *out, struct bytes text, struct bytes pattern_text, struct err *err)
{
    struct pattern pattern;
    if (!pattern_read(&pattern, pattern_text, err)) return false;
    bool is_negative = false, is_after = false, ok = true;
    uint32_t before = 0, after = 0;
    char whole[PATTERN_MAX + 1], fraction[PATTERN_MAX + 1];
    for (size_t i = 0; i < text.len; i++) {
        char byte = (char)text.ptr[i];
        if (byte == '-' || byte == '<') {
            is_negative = true;
        } else if (byte == '.') {
            if (is_after || !pattern.has_point) break;
            is_after = true;
        } else if (byte >= '0' && byte <= '9') {
            if (is_after && after < pattern.after)
                fraction[after++] = byte;
            else if (!is_after && before < pattern.before)
                whole[before++] = byte;
        }
    }
    if (before + after == 0)
        return err_set(err, ERR_VALUE, "invalid input syntax for type numeric: \"%.*s\"",
                       (int)(text.len < 40 ? text.len : 40), text.len ? (const char *)text.ptr : "");
    ok = (!is_negative || buf_add(out, "-", 1)) && (before ? buf_add(out, whole, before) : buf_add(out, "0", 1)) &&
         (after == 0 || (buf_add(out, ".", 1) && buf_add(out, fraction, after)));
    return ok || err_set(err, ERR_TOO_LARGE, "the text is too long");
}
