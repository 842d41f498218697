#include "llm/cite.h"
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { WORD_BYTES = 256 };

struct sources {
    const struct bytes *texts;
    uint32_t count;
};

static bool occurs(const struct sources *sources, struct bytes word)
{
    for (uint32_t s = 0; s < sources->count; s++)
        if (word.len > 0 && sources->texts[s].len >= word.len &&
            memmem(sources->texts[s].ptr, sources->texts[s].len, word.ptr, word.len) != NULL)
            return true;
    return false;
}

static bool is_word(uint8_t c)
{
    return isalnum(c) || c == '_' || c >= 0x80;
}

/* A number of plain digits at *at, which then is behind it. */
static bool number_take(struct bytes text, size_t *at, double *number)
{
    char digits[64];
    size_t len = 0, i = *at;
    if (i < text.len && text.ptr[i] == '-') digits[len++] = (char)text.ptr[i++];
    size_t first = i;
    while (i < text.len && len < sizeof digits - 1 &&
           (isdigit(text.ptr[i]) || (text.ptr[i] == '.' && i > first && i + 1 < text.len && isdigit(text.ptr[i + 1]))))
        digits[len++] = (char)text.ptr[i++];
    if (i == first) return false;
    if (i + 1 < text.len && (text.ptr[i] == 'e' || text.ptr[i] == 'E') && len < sizeof digits - 6) {
        size_t exponent = i + 1 + (text.ptr[i + 1] == '-' || text.ptr[i + 1] == '+');
        if (exponent < text.len && isdigit(text.ptr[exponent])) {
            while (i < exponent) digits[len++] = (char)text.ptr[i++];
            while (i < text.len && isdigit(text.ptr[i]) && len < sizeof digits - 1) digits[len++] = (char)text.ptr[i++];
        }
    }
    digits[len] = '\0';
    *number = strtod(digits, NULL);
    *at = i;
    return true;
}

/* Does a number that stands there, in one of these units, round to it? */
static bool number_occurs(const struct sources *sources, double wanted, int decimals, double times, const double *units,
                          uint32_t unit_count)
{
    double within = 0.5 * pow(10, -decimals) * times * (1 + 1e-9);
    wanted *= times;
    for (uint32_t s = 0; s < sources->count; s++) {
        struct bytes text = sources->texts[s];
        for (size_t at = 0; at < text.len;) {
            double number;
            bool begins =
                isdigit(text.ptr[at]) || (text.ptr[at] == '-' && at + 1 < text.len && isdigit(text.ptr[at + 1]));
            if (begins && at > 0 && is_word(text.ptr[at - 1])) begins = false; /* in a name */
            if (!begins || !number_take(text, &at, &number)) {
                at++;
                continue;
            }
            for (uint32_t u = 0; u < unit_count; u++)
                if (fabs(number * units[u] - wanted) <= within) return true;
        }
    }
    return false;
}

static bool told(char why[CITE_WHY_BYTES], const char *what, struct bytes word)
{
    snprintf(why, CITE_WHY_BYTES, "%s \"%.*s\" is not in the evidence that it names", what,
             (int)(word.len < 100 ? word.len : 100), (const char *)word.ptr);
    return false;
}

/* "4,812.5ms" */
static bool figure_check(const struct sources *sources, struct bytes word, struct bytes next, char why[CITE_WHY_BYTES])
{
    static const double plain[] = { 1 }, ms[] = { 1, 1e-6, 1e3 }, seconds[] = { 1, 1e-9, 1e-3 }, percent[] = { 1, 100 },
                        micro[] = { 1, 1e-3 };
    char digits[WORD_BYTES];
    size_t len = 0, at = 0;
    int decimals = 0;
    bool has_point = false;
    for (; at < word.len && len < sizeof digits - 1; at++) {
        uint8_t c = word.ptr[at];
        if (c == ',' && at + 1 < word.len && isdigit(word.ptr[at + 1])) continue;
        if (c == '.' && !has_point && at + 1 < word.len && isdigit(word.ptr[at + 1])) {
            has_point = true;
        } else if (!isdigit(c) && !(c == '-' && len == 0)) {
            break;
        } else if (has_point) {
            decimals++;
        }
        digits[len++] = (char)c;
    }
    digits[len] = '\0';
    struct bytes unit = at < word.len ? bytes_from(word.ptr + at, word.len - at) : next;
    bool is_whole = at == word.len;
    if (!is_whole && unit.ptr[0] != '%' && !isalpha(unit.ptr[0])) /* 12:30, 2026-11-28, 3/4 */
        return occurs(sources, word) || told(why, "what is written as", word);
    const double *units = plain;
    uint32_t count = 1;
    double times = 1;
    if (bytes_equal(unit, BYTES("ms"))) {
        units = ms;
        count = COUNT_OF(ms);
    } else if (bytes_equal(unit, BYTES("s")) || bytes_equal(unit, BYTES("seconds"))) {
        units = seconds;
        count = COUNT_OF(seconds);
    } else if (bytes_equal(unit, BYTES("us"))) {
        units = micro;
        count = COUNT_OF(micro);
    } else if (unit.len > 0 && (unit.ptr[0] == '%' || bytes_equal(unit, BYTES("percent")))) {
        units = percent;
        count = COUNT_OF(percent);
    } else if (!is_whole && bytes_equal(unit, BYTES("k"))) {
        times = 1e3;
    } else if (!is_whole && bytes_equal(unit, BYTES("M"))) {
        times = 1e6;
    }
    return number_occurs(sources, strtod(digits, NULL), decimals, times, units, count) ||
           occurs(sources, is_whole ? bytes_from("", 0) : word) || told(why, "the number", word);
}

/* A name of something rather than a word of English. */
static bool is_name(struct bytes word)
{
    static const char *const english[] = { "e.g", "i.e", "and/or", "etc.", "vs." };
    bool has_letter = false, has_digit = false, has_mark = false;
    for (size_t e = 0; e < COUNT_OF(english); e++)
        if (bytes_equal(word, bytes_of_text(english[e]))) return false;
    for (size_t i = 0; i < word.len; i++) {
        uint8_t c = word.ptr[i];
        bool is_inside = i > 0 && i + 1 < word.len;
        has_letter = has_letter || isalpha(c);
        has_digit = has_digit || isdigit(c);
        has_mark = has_mark || c == '_' || c == '/' || c == '@' || (is_inside && (c == '.' || c == ':'));
    }
    if (!has_letter) return false;
    /* p95, E12: how we speak of quantiles and of evidence itself. */
    if (has_digit && !has_mark && (word.ptr[0] == 'p' || word.ptr[0] == 'P' || word.ptr[0] == 'E')) {
        size_t digits = 1;
        while (digits < word.len && isdigit(word.ptr[digits])) digits++;
        if (digits == word.len) return false;
    }
    return has_mark || has_digit;
}

static bool is_edge(uint8_t c)
{
    return c <= ' ' || strchr("()[]{},;\"'`<>=~*|", c) != NULL;
}

static struct bytes word_at(struct bytes text, size_t *at)
{
    while (*at < text.len && is_edge(text.ptr[*at])) ++*at;
    size_t from = *at, to;
    while (*at < text.len && (!is_edge(text.ptr[*at]) || (text.ptr[*at] == ',' && *at > from && *at + 1 < text.len &&
                                                          isdigit(text.ptr[*at - 1]) && isdigit(text.ptr[*at + 1]))))
        ++*at;
    for (to = *at; to > from && strchr(".:!?", text.ptr[to - 1]) != NULL; to--) {}
    return bytes_from(text.ptr + from, to - from);
}

static bool quotes_check(const struct sources *sources, struct bytes text, char why[CITE_WHY_BYTES])
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t quote = text.ptr[i];
        if (quote != '`' && quote != '"') continue;
        const uint8_t *end = i + 1 < text.len ? memchr(text.ptr + i + 1, quote, text.len - i - 1) : NULL;
        if (end == NULL) return true;
        struct bytes inside = bytes_from(text.ptr + i + 1, (size_t)(end - text.ptr) - i - 1);
        if (inside.len > 0 && !occurs(sources, inside)) return told(why, "what is quoted as", inside);
        i = (size_t)(end - text.ptr);
    }
    return true;
}

bool cite_check(struct bytes text, const struct bytes *texts, uint32_t count, char why[CITE_WHY_BYTES])
{
    const struct sources sources = { texts, count };
    why[0] = '\0';
    if (!quotes_check(&sources, text, why)) return false;
    for (size_t at = 0; at < text.len;) {
        struct bytes word = word_at(text, &at);
        size_t ahead = at;
        bool is_figure =
            word.len > 0 && (isdigit(word.ptr[0]) || (word.len > 1 && word.ptr[0] == '-' && isdigit(word.ptr[1])));
        if (is_figure) {
            if (!figure_check(&sources, word, word_at(text, &ahead), why)) return false;
        } else if (is_name(word) && !occurs(&sources, word)) {
            return told(why, "the name", word);
        }
    }
    return true;
}
