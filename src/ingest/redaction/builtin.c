/* builtin.c -- secrets that can be known by their looks: tokens of well-known makers, card numbers, mail addresses.
 * Source: the makers' documentation of their tokens' forms; ISO/IEC 7812 (Luhn, issuers' numbers); RFC 7519, RFC 7468. */
#include "ingest/redaction/inside.h"

#define WORD  IS_WORD
#define START (IS_WORD | IS_TOKEN_START)
const uint8_t character_kinds[256] = {
    ['0' ... '9'] = WORD | IS_DIGIT,
    ['A'] = START,
    ['B'] = START,
    ['C'] = WORD,
    ['D'] = WORD,
    ['E'] = WORD,
    ['F'] = WORD,
    ['G'] = WORD,
    ['H'] = WORD,
    ['I'] = WORD,
    ['J'] = WORD,
    ['K'] = WORD,
    ['L'] = WORD,
    ['M'] = WORD,
    ['N'] = WORD,
    ['O'] = WORD,
    ['P'] = WORD,
    ['Q'] = WORD,
    ['R'] = WORD,
    ['S'] = START,
    ['T'] = WORD,
    ['U'] = WORD,
    ['V'] = WORD,
    ['W'] = WORD,
    ['X'] = WORD,
    ['Y'] = WORD,
    ['Z'] = WORD,
    ['a'] = WORD,
    ['b'] = START,
    ['c'] = WORD,
    ['d'] = START,
    ['e'] = START,
    ['f'] = WORD,
    ['g'] = START,
    ['h'] = START,
    ['i'] = WORD,
    ['j'] = WORD,
    ['k'] = WORD,
    ['l'] = WORD,
    ['m'] = START,
    ['n'] = START,
    ['o'] = WORD,
    ['p'] = START,
    ['q'] = WORD,
    ['r'] = START,
    ['s'] = START,
    ['t'] = WORD,
    ['u'] = WORD,
    ['v'] = WORD,
    ['w'] = WORD,
    ['x'] = START,
    ['y'] = START,
    ['z'] = WORD,
    ['_'] = WORD,
    ['-'] = IS_TOKEN_START,
    ['@'] = IS_AT,
    ['='] = IS_EQUALS,
    [':'] = IS_EQUALS,
    [0x80 ... 0xFF] = WORD,
};

/* ---- tokens ---- */

enum alphabet { UPPER_DIGITS, LETTERS_DIGITS, BASE64_URL, DASHED, ALPHABET_COUNT };
static bool is_of(enum alphabet alphabet, uint8_t byte)
{
    bool is_digit = byte >= '0' && byte <= '9', is_upper = byte >= 'A' && byte <= 'Z';
    bool is_lower = byte >= 'a' && byte <= 'z';
    switch (alphabet) {
    case UPPER_DIGITS: return is_digit || is_upper;
    case LETTERS_DIGITS: return is_digit || is_upper || is_lower;
    case BASE64_URL: return is_digit || is_upper || is_lower || byte == '_' || byte == '-';
    default: return is_digit || is_upper || is_lower || byte == '_' || byte == '-' || byte == '.';
    }
}

static size_t run_end(struct bytes text, size_t at, enum alphabet alphabet)
{
    while (at < text.len && is_of(alphabet, text.ptr[at])) at++;
    return at;
}

static bool begins(struct bytes text, size_t at, const char *word)
{
    size_t len = strlen(word);
    return text.len - at >= len && memcmp(text.ptr + at, word, len) == 0;
}

static bool begins_in_any_case(struct bytes text, size_t at, const char *word)
{
    size_t len = strlen(word);
    if (text.len - at < len) return false;
    for (size_t i = 0; i < len; i++) {
        if ((text.ptr[at + i] | 0x20) != word[i]) return false;
    }
    return true;
}

/* A beginning, then at least body_min characters. */
static const struct token_form {
    const char *beginning;
    enum alphabet alphabet;
    uint8_t body_min;
} token_forms[] = {
    { "AKIA", UPPER_DIGITS, 16 },
    { "ASIA", UPPER_DIGITS, 16 },
    { "AIza", BASE64_URL, 35 },
    { "SG.", DASHED, 40 },
    { "dop_v1_", LETTERS_DIGITS, 40 },
    { "ghp_", LETTERS_DIGITS, 36 },
    { "gho_", LETTERS_DIGITS, 36 },
    { "ghu_", LETTERS_DIGITS, 36 },
    { "ghs_", LETTERS_DIGITS, 36 },
    { "ghr_", LETTERS_DIGITS, 36 },
    { "github_pat_", BASE64_URL, 40 },
    { "glpat-", BASE64_URL, 20 },
    { "hf_", LETTERS_DIGITS, 30 },
    { "mono_", BASE64_URL, 40 },
    { "mos_", BASE64_URL, 32 },
    { "npm_", LETTERS_DIGITS, 36 },
    { "pypi-", BASE64_URL, 50 },
    { "rk_live_", LETTERS_DIGITS, 20 },
    { "rk_test_", LETTERS_DIGITS, 20 },
    { "sk_live_", LETTERS_DIGITS, 20 },
    { "sk_test_", LETTERS_DIGITS, 20 },
    { "sk-", BASE64_URL, 32 },
    { "xoxa-", BASE64_URL, 20 },
    { "xoxb-", BASE64_URL, 20 },
    { "xoxp-", BASE64_URL, 20 },
    { "xoxr-", BASE64_URL, 20 },
    { "xoxs-", BASE64_URL, 20 },
    { "xapp-", BASE64_URL, 20 },
    { "ya29.", DASHED, 30 },
};

/* "eyJ..." three parts with dots between; the last may be empty. */
static size_t jwt_at(struct bytes text, size_t at, struct token_place *place)
{
    enum { PART_MIN = 10 };
    if (at < place->no_jwt_before || !begins(text, at, "eyJ")) return 0;
    size_t first = run_end(text, at, BASE64_URL);
    if (first == text.len || text.ptr[first] != '.') {
        place->no_jwt_before = first;
        return 0;
    }
    if (first - at < PART_MIN) return 0;
    size_t second = run_end(text, first + 1, BASE64_URL);
    if (second == text.len || text.ptr[second] != '.') {
        place->no_jwt_before = second;
        return 0;
    }
    if (second - first < PART_MIN) return 0;
    return run_end(text, second + 1, BASE64_URL) - at;
}

static bool has_digit(struct bytes text, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        if (text.ptr[i] == '=' || (text.ptr[i] >= '0' && text.ptr[i] <= '9')) return true;
    }
    return false;
}

/* "Bearer ..." and "Basic ...": what comes after the scheme. Words of prose ("basic authentication") have no digit. */
static size_t scheme_at(struct bytes text, size_t at, size_t *from)
{
    size_t begin = begins_in_any_case(text, at, "bearer ")  ? at + 7
                   : begins_in_any_case(text, at, "basic ") ? at + 6
                                                            : 0;
    if (begin == 0) return 0;
    size_t end = begin;
    while (end < text.len && (is_of(DASHED, text.ptr[end]) || text.ptr[end] == '~' || text.ptr[end] == '+' ||
                              text.ptr[end] == '/' || text.ptr[end] == '='))
        end++;
    if (end - begin < 12 || !has_digit(text, begin, end)) return 0;
    *from = begin;
    return end - begin;
}

/* A private key in PEM, to its END or to the end of the text. */
static size_t private_key_at(struct bytes text, size_t at)
{
    static const char begin[] = "-----BEGIN ", end[] = "-----END ", dashes[] = "-----";
    if (!begins(text, at, begin)) return 0;
    size_t title = at + sizeof begin - 1, title_end = title;
    while (title_end < text.len && title_end - title < 40 &&
           (is_of(UPPER_DIGITS, text.ptr[title_end]) || text.ptr[title_end] == ' '))
        title_end++;
    if (!begins(text, title_end, dashes) || title_end - title < 11 ||
        memcmp(text.ptr + title_end - 11, "PRIVATE KEY", 11) != 0)
        return 0;
    const uint8_t *found = memmem(text.ptr + title_end, text.len - title_end, end, sizeof end - 1);
    if (found == NULL) return text.len - at;
    size_t last = (size_t)(found - text.ptr) + sizeof end - 1;
    while (last < text.len && (is_of(UPPER_DIGITS, text.ptr[last]) || text.ptr[last] == ' ')) last++;
    return (begins(text, last, dashes) ? last + sizeof dashes - 1 : last) - at;
}

size_t token_at(struct bytes text, size_t at, struct token_place *place, size_t *from)
{
    *from = at;
    switch (text.ptr[at]) {
    case '-': return private_key_at(text, at);
    case 'B':
    case 'b': return scheme_at(text, at, from);
    case 'e': return jwt_at(text, at, place);
    default: break;
    }
    for (size_t f = 0; f < COUNT_OF(token_forms); f++) {
        const struct token_form *form = &token_forms[f];
        if ((uint8_t)form->beginning[0] != text.ptr[at] || !begins(text, at, form->beginning)) continue;
        size_t body = at + strlen(form->beginning), end = run_end(text, body, form->alphabet);
        if (end - body >= form->body_min) return end - at;
    }
    return 0;
}

/* ---- card numbers ---- */

/* Does an issuer give numbers that begin so, of that many digits? */
static bool is_issued(const uint8_t *digits, uint32_t count)
{
    uint32_t two = (uint32_t)digits[0] * 10 + digits[1];
    uint32_t four = two * 100 + (uint32_t)digits[2] * 10 + digits[3], three = four / 10;
    if (digits[0] == 4) return count == 13 || count == 16 || count == 19;
    if ((two >= 51 && two <= 55) || (four >= 2221 && four <= 2720)) return count == 16;
    if (two == 34 || two == 37) return count == 15;
    if ((three >= 300 && three <= 305) || two == 36 || two == 38 || two == 39) return count >= 14 && count <= 19;
    if (four >= 3528 && four <= 3589) return count >= 16 && count <= 19;
    if (four == 6011 || two == 65 || (three >= 644 && three <= 649) || two == 62) return count >= 16 && count <= 19;
    if (two == 50 || (two >= 56 && two <= 58) || two == 63 || two == 67) return count >= 15 && count <= 19;
    return false;
}

static bool luhn_holds(const uint8_t *digits, uint32_t count)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t digit = digits[count - 1 - i];
        if (i % 2 == 1) digit = digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
        sum += digit;
    }
    return sum % 10 == 0;
}

static bool is_card(const uint8_t *digits, uint32_t count)
{
    return count >= 13 && count <= 19 && is_issued(digits, count) && luhn_holds(digits, count);
}

/* Digits in one run, or in groups of four (4-6-5, 4-6-4 too) with one blank or dash between. */
static bool groups_are_usual(const uint8_t *groups, uint32_t count)
{
    if (count == 1) return true;
    if (count == 3) return groups[0] == 4 && groups[1] == 6 && (groups[2] == 5 || groups[2] == 4);
    for (uint32_t g = 0; g + 1 < count; g++) {
        if (groups[g] != 4) return false;
    }
    return count >= 4 && groups[count - 1] <= 4;
}

/* The longest that is one: what follows after a blank may be no part of it ("4111 1111 1111 1111 12/27"). */
size_t card_at(struct bytes text, size_t at)
{
    enum { GROUPS_MAX = 5, DIGITS_MAX = 19 };
    uint8_t digits[DIGITS_MAX], groups[GROUPS_MAX] = { 0 }, separator = 0;
    uint32_t count = 0, group = 0;
    size_t found = 0;
    for (size_t i = at;; i++) {
        uint8_t byte = i < text.len ? text.ptr[i] : 0;
        if (byte >= '0' && byte <= '9') {
            if (count == DIGITS_MAX) return found;
            digits[count++] = (uint8_t)(byte - '0');
            groups[group]++;
            continue;
        }
        if ((character_kinds[byte] & IS_WORD) != 0) return found;
        if (groups_are_usual(groups, group + 1) && is_card(digits, count)) found = i - at;
        bool goes_on = (byte == ' ' || byte == '-') && (separator == 0 || byte == separator) &&
                       group + 1 < GROUPS_MAX && (groups[group] == 4 || groups[group] == 6) && i + 1 < text.len &&
                       text.ptr[i + 1] >= '0' && text.ptr[i + 1] <= '9';
        if (!goes_on) return found;
        separator = byte;
        group++;
    }
}

bool card_is_number(uint64_t number)
{
    uint8_t digits[20];
    uint32_t count = 0;
    if (number < UINT64_C(1000000000000)) return false;
    for (; number > 0; number /= 10) digits[count++] = (uint8_t)(number % 10);
    for (uint32_t i = 0; i < count / 2; i++) {
        uint8_t digit = digits[i];
        digits[i] = digits[count - 1 - i];
        digits[count - 1 - i] = digit;
    }
    return is_card(digits, count);
}

/* ---- mail addresses ---- */

static bool is_local(uint8_t byte)
{
    return is_of(DASHED, byte) || byte == '+' || byte == '%';
}

size_t email_at(struct bytes text, size_t at, size_t *from)
{
    size_t begin = at, end = at + 1, dot = 0;
    while (begin > 0 && at - begin < 64 && is_local(text.ptr[begin - 1])) begin--;
    while (end < text.len && end - at < 256 &&
           (is_of(LETTERS_DIGITS, text.ptr[end]) || text.ptr[end] == '-' || text.ptr[end] == '.')) {
        if (text.ptr[end] == '.' && end + 1 < text.len && is_of(LETTERS_DIGITS, text.ptr[end + 1])) dot = end;
        end++;
    }
    while (end > at + 1 && (text.ptr[end - 1] == '.' || text.ptr[end - 1] == '-')) end--;
    if (begin == at || dot == 0 || end - dot < 3) return 0; /* a top level of two letters at least */
    *from = begin;
    return end - begin;
}
