#include "patterns/mask.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define TEXT_BYTES_MAX     4096
#define OUT_BYTES_MAX      (MASK_BYTES_MAX + 128) /* what is behind the limit may still be taken back */
#define MAIL_BYTES_MAX     128
#define UUID_TEXT_LEN      36
#define HEX_ID_BYTES_MIN   8 /* shorter ones may be words: "cafe12" */
#define POD_SUFFIX_BYTES   5
#define POD_HASH_BYTES_MIN 8
#define POD_HASH_BYTES_MAX 10
static_assert(OUT_BYTES_MAX + 16 + 3 <= MASK_ROOM_BYTES, "a step writes at most 16 bytes past the limit");

/* Classes of bytes. Those over 127 are letters of some script. */
enum {
    LETTER = 1,
    DIGIT = 2,
    HEX = 4,
    POD = 8,        /* of what Kubernetes makes its suffixes: no vowels, no 0, 1 and 3 */
    MAIL = 16,      /* of the part before the @ */
    QUERY_END = 32, /* ends a URL in a text */
    STOP = 64,      /* digits, '?', '@' and ESC: where something may have to go */
    ALNUM = LETTER | DIGIT,
};
#define D(more) (DIGIT | HEX | MAIL | STOP | (more))
#define L(more) (LETTER | MAIL | (more))
static const uint8_t classes[256] = {
    ['\t'] = QUERY_END,   ['\n'] = QUERY_END,   ['\r'] = QUERY_END,   [' '] = QUERY_END,      ['"'] = QUERY_END,
    ['\''] = QUERY_END,   ['`'] = QUERY_END,    ['<'] = QUERY_END,    ['>'] = QUERY_END,      [')'] = QUERY_END,
    [']'] = QUERY_END,    ['}'] = QUERY_END,    ['\x1b'] = STOP,      ['?'] = STOP,           ['@'] = STOP,
    ['.'] = MAIL,         ['_'] = MAIL,         ['%'] = MAIL,         ['+'] = MAIL,           ['-'] = MAIL,
    ['0'] = D(0),         ['1'] = D(0),         ['2'] = D(POD),       ['3'] = D(0),           ['4'] = D(POD),
    ['5'] = D(POD),       ['6'] = D(POD),       ['7'] = D(POD),       ['8'] = D(POD),         ['9'] = D(POD),
    ['a'] = L(HEX),       ['b'] = L(HEX | POD), ['c'] = L(HEX | POD), ['d'] = L(HEX | POD),   ['e'] = L(HEX),
    ['f'] = L(HEX | POD), ['g'] = L(POD),       ['h'] = L(POD),       ['i'] = L(0),           ['j'] = L(POD),
    ['k'] = L(POD),       ['l'] = L(POD),       ['m'] = L(POD),       ['n'] = L(POD),         ['o'] = L(0),
    ['p'] = L(POD),       ['q'] = L(POD),       ['r'] = L(POD),       ['s'] = L(POD),         ['t'] = L(POD),
    ['u'] = L(0),         ['v'] = L(POD),       ['w'] = L(POD),       ['x'] = L(POD),         ['y'] = L(0),
    ['z'] = L(POD),       ['A'] = L(HEX),       ['B'] = L(HEX),       ['C'] = L(HEX),         ['D'] = L(HEX),
    ['E'] = L(HEX),       ['F'] = L(HEX),       ['G' ... 'Z'] = L(0), [128 ... 255] = LETTER,
};
#undef D
#undef L

struct masker {
    const uint8_t *at, *end;
    const uint8_t *floor; /* what is between floor and at was copied as it is */
    uint8_t *out, *out_start;
};

static inline bool is_of(uint8_t byte, unsigned class)
{
    return (classes[byte] & class) != 0;
}

static inline bool ends_masked(const struct masker *masker, const uint8_t *out)
{
    return out - masker->out_start >= 3 && out[-1] == '>' && out[-2] == '*' && out[-3] == '<';
}

static inline void mask_put(struct masker *masker)
{
    memcpy(masker->out, "<*>", 3);
    masker->out += 3;
}

/* Copies up to the next byte where something may have to go, or to where the template is long enough. */
static void plain_copy(struct masker *masker)
{
    const uint8_t *at = masker->at, *end = masker->end;
    uint8_t *out = masker->out, *out_end = masker->out_start + OUT_BYTES_MAX;
#ifdef __SSE2__
    const __m128i below_zero = _mm_set1_epi8((char)(0x80 - '0')), ten = _mm_set1_epi8((char)(0x80 + 10));
    while (end - at >= 16 && out < out_end) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)at);
        _mm_storeu_si128((__m128i *)out, bytes);
        __m128i stops = _mm_cmplt_epi8(_mm_add_epi8(bytes, below_zero), ten);
        stops = _mm_or_si128(stops, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('?')));
        stops = _mm_or_si128(stops, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('@')));
        stops = _mm_or_si128(stops, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\x1b')));
        int mask = _mm_movemask_epi8(stops);
        int step = mask == 0 ? 16 : __builtin_ctz((unsigned)mask);
        at += step;
        out += step;
        if (mask != 0) goto done;
    }
#endif
    while (at < end && out < out_end && !is_of(*at, STOP)) *out++ = *at++;
#ifdef __SSE2__
done:
#endif
    masker->at = at;
    masker->out = out;
}

/* ---- runs with digits ---- */

static bool uuid_is_at(const uint8_t *at, const uint8_t *end)
{
    if (end - at < UUID_TEXT_LEN) return false;
    for (int i = 0; i < UUID_TEXT_LEN; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (is_dash ? at[i] != '-' : !is_of(at[i], HEX)) return false;
    }
    return end - at == UUID_TEXT_LEN || !is_of(at[UUID_TEXT_LEN], ALNUM);
}

/* Widens a run of hex to the UUID that it is the first piece of, or, when pieces before had no digits, another. */
static bool uuid_widen(const struct masker *masker, const uint8_t **start, const uint8_t **stop)
{
    static const uint8_t pieces_at[] = { 0, 9, 14, 19, 24 };
    size_t len = (size_t)(*stop - *start);
    if (len != 4 && len != 8 && len != 12) return false;
    for (size_t i = 0; i < COUNT_OF(pieces_at); i++) {
        if ((i == 0) != (len == 8) || *start - masker->floor < pieces_at[i]) continue;
        const uint8_t *from = *start - pieces_at[i];
        if ((from > masker->floor && is_of(from[-1], ALNUM)) || !uuid_is_at(from, masker->end)) continue;
        *start = from;
        *stop = from + UUID_TEXT_LEN;
        return true;
    }
    return false;
}

/* IPv6 and MAC addresses: short pieces of hex between colons; widens [*start, *stop) to all of it. */
static bool colons_widen(const struct masker *masker, const uint8_t **start, const uint8_t **stop)
{
    const uint8_t *from = *start, *to = *stop, *floor = masker->floor;
    int colons = 0, piece = 0;
    bool has_double = false;
    while (from > floor && (is_of(from[-1], HEX) || from[-1] == ':')) from--;
    if (from > floor && is_of(from[-1], ALNUM)) return false;
    while (to < masker->end && (is_of(*to, HEX) || *to == ':')) to++;
    if (to < masker->end && is_of(*to, LETTER)) return false;
    while (to > *stop && to[-1] == ':') to--;
    for (const uint8_t *at = from; at < to; at++) {
        piece = *at == ':' ? 0 : piece + 1;
        if (piece > 4) return false;
        if (*at != ':') continue;
        colons++;
        has_double |= at > from && at[-1] == ':';
    }
    if (colons < (has_double ? 2 : 5)) return false;
    *start = from;
    *stop = to;
    return true;
}

static bool is_word_before(const struct masker *masker, const uint8_t *out, const char (*names)[4], size_t name_count)
{
    if (out - masker->out_start < 3 || out[-3] < 'A' || out[-3] > 'W') return false; /* the usual case */
    if (out - masker->out_start > 3 && is_of(out[-4], ALNUM)) return false;
    for (size_t i = 0; i < name_count; i++) {
        if (memcmp(out - 3, names[i], 3) == 0) return true;
    }
    return false;
}

/* Takes back the name of a month or a day, or both, that stands before a number: "Mon, 02", "Mon Jan  2",
 * "02/Jan/2026". */
static void calendar_take(struct masker *masker)
{
    static const char months[][4] = {
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"
    };
    static const char days[][4] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };
    uint8_t *out = masker->out, *start = masker->out_start;
    if (out - start < 4 || (out[-1] != ' ' && out[-1] != '/' && out[-1] != '-')) return;
    uint8_t *word_end = out - 1;
    if (*word_end == ' ' && word_end[-1] == ' ') word_end--;
    if (is_word_before(masker, word_end, months, COUNT_OF(months))) {
        masker->out = out = word_end - 3;
        if (out - start < 4 || out[-1] != ' ') return;
        word_end = out - 1;
    }
    if (word_end > start && word_end[-1] == ',') word_end--;
    if (is_word_before(masker, word_end, days, COUNT_OF(days))) masker->out = word_end - 3;
}

/* A mask where the output ends: none when it goes on with one ("1.2", "10:30", "5, 7"), and no sign before it. */
static void mask_join(struct masker *masker)
{
    calendar_take(masker);
    uint8_t *out = masker->out;
    size_t len = (size_t)(out - masker->out_start);
    uint8_t before = len > 0 ? out[-1] : 0;
    bool is_sign = before == '-' || before == '+';
    if (is_sign || before == '.' || before == ':' || before == ',' || before == '/' || before == '_') {
        if (ends_masked(masker, out - 1)) {
            masker->out = out - 1;
            return;
        }
        if (is_sign && (len == 1 || out[-2] == '_' || !is_of(out[-2], ALNUM | MAIL))) masker->out--; /* "blk_-42" */
    } else if (before == ' ' && len > 4 && out[-2] == ',' && ends_masked(masker, out - 2)) {
        masker->out = out - 2;
        return;
    }
    mask_put(masker);
}

/* "3.14", "10.0.0.1:8080", "2026-01-02": numbers that would be joined one by one. One of 8 digits may begin a UUID. */
static const uint8_t *numbers_skip(const struct masker *masker, const uint8_t *stop)
{
    const uint8_t *end = masker->end;
    while (end - stop > 1 && is_of(stop[1], DIGIT) && (*stop == '.' || *stop == ':' || *stop == '-' || *stop == '/')) {
        const uint8_t *next = stop + 2;
        while (next < end && is_of(*next, DIGIT)) next++;
        if (next - stop > 8 || (next < end && is_of(*next, LETTER))) break;
        stop = next;
    }
    return stop;
}

static bool all_of(const uint8_t *from, const uint8_t *to, unsigned class)
{
    for (; from < to; from++) {
        if (!is_of(*from, class)) return false;
    }
    return true;
}

/* "web-7d9f8b6c5d-x2x4z": behind the hash of a ReplicaSet the suffix may have no digit ... */
static const uint8_t *pod_suffix_skip(const struct masker *masker, const uint8_t *stop)
{
    const uint8_t *suffix_end = stop + 1 + POD_SUFFIX_BYTES;
    if (suffix_end > masker->end || *stop != '-' || !all_of(stop + 1, suffix_end, POD)) return stop;
    if (suffix_end < masker->end && (is_of(*suffix_end, ALNUM) || *suffix_end == '-')) return stop;
    return suffix_end;
}

/* ... and before a suffix the hash. */
static void pod_hash_take(struct masker *masker)
{
    uint8_t *dash = masker->out - 1, *at = dash;
    if (dash <= masker->out_start || *dash != '-') return;
    while (at > masker->out_start && is_of(at[-1], POD)) at--;
    if (dash - at >= POD_HASH_BYTES_MIN && dash - at <= POD_HASH_BYTES_MAX && at > masker->out_start && at[-1] == '-') {
        masker->out = at;
    }
}

/* The run of letters and digits around the digit at masker->at. */
static void run_mask(struct masker *masker)
{
    const uint8_t *digit = masker->at, *start = digit, *stop = digit, *digits_end = NULL;
    unsigned of_all = HEX | POD, groups = 0;
    while (start > masker->floor && is_of(start[-1], ALNUM)) of_all &= classes[*--start];
    for (bool in_digits = false; stop < masker->end; stop++) {
        unsigned class = classes[*stop];
        if ((class & ALNUM) == 0) break;
        of_all &= class;
        if ((class & DIGIT) != 0) {
            groups += !in_digits;
            in_digits = true;
        } else if (in_digits) {
            in_digits = false;
            if (digits_end == NULL) digits_end = stop;
        }
    }
    if (digits_end == NULL) digits_end = stop;
    size_t len = (size_t)(stop - start);
    bool is_pod = false;
    if ((of_all & HEX) != 0 && uuid_widen(masker, &start, &stop)) {
        /* all of the UUID */
    } else if (len <= 4 && (of_all & HEX) != 0 &&
               ((stop < masker->end && *stop == ':') || (start > masker->floor && start[-1] == ':')) &&
               colons_widen(masker, &start, &stop)) {
        /* all of the address */
    } else if (start < digit) {
        bool is_hex_id = (of_all & HEX) != 0 && len >= HEX_ID_BYTES_MIN;
        bool is_behind_dash = start > masker->floor ? start[-1] == '-'
                                                    : masker->out_start < masker->out - (digit - start) &&
                                                          masker->out[start - digit - 1] == '-';
        is_pod = is_behind_dash && (of_all & POD) != 0 &&
                 (len == POD_SUFFIX_BYTES || (len >= POD_HASH_BYTES_MIN && len <= POD_HASH_BYTES_MAX));
        if (groups == 1 && !is_hex_id && !is_pod) { /* a word with a number: the number goes */
            mask_put(masker);
            masker->at = masker->floor = digits_end;
            return;
        }
    }
    masker->out -= digit - start;
    if (len == POD_SUFFIX_BYTES && (of_all & POD) != 0) pod_hash_take(masker);
    if (len >= POD_HASH_BYTES_MIN && len <= POD_HASH_BYTES_MAX && stop < masker->end)
        stop = pod_suffix_skip(masker, stop);
    while (masker->out - masker->out_start > 1 && masker->out[-1] == ' ' && masker->out[-2] == ' ') masker->out--;
    mask_join(masker);
    if (start == digit) stop = numbers_skip(masker, stop);
    while (masker->end - stop > 1 && stop[0] == ' ' && stop[1] == ' ') stop++; /* padding varies with the number */
    masker->at = masker->floor = stop;
}

/* ---- other signs ---- */

/* "ann@example.com" goes whole; of Java's "Cart@6d06d69c" the hash. */
static void at_mask(struct masker *masker)
{
    const uint8_t *at = masker->at + 1, *stop = at;
    bool has_point = false;
    while (stop < masker->end && stop - at < MAIL_BYTES_MAX && (is_of(*stop, ALNUM) || *stop == '.' || *stop == '-')) {
        has_point |= *stop == '.' && stop + 1 < masker->end && is_of(stop[1], LETTER);
        stop++;
    }
    uint8_t *out = masker->out;
    while (out > masker->out_start && masker->out - out < MAIL_BYTES_MAX) {
        if (ends_masked(masker, out)) {
            out -= 3;
        } else if (is_of(out[-1], MAIL)) {
            out--;
        } else {
            break;
        }
    }
    if (has_point && out < masker->out && stop > at) {
        if (stop[-1] == '.') stop--; /* the sentence's */
        masker->out = out;
        mask_put(masker);
        masker->at = masker->floor = stop;
        return;
    }
    *masker->out++ = '@';
    masker->at = masker->floor = at;
    if (stop - at >= 5 && stop - at <= 16 && all_of(at, stop, HEX)) {
        mask_put(masker);
        masker->at = masker->floor = stop;
    }
}

/* "/search?q=x": the same place with and without its query. */
static void query_mask(struct masker *masker)
{
    const uint8_t *at = masker->at + 1;
    bool is_query = masker->out > masker->out_start && !is_of(masker->out[-1], QUERY_END) && at < masker->end &&
                    is_of(*at, ALNUM | MAIL);
    if (ends_masked(masker, masker->out) && at < masker->end && is_of(*at, ALNUM | MAIL)) is_query = true; /* "/42?q" */
    if (!is_query) {
        *masker->out++ = '?';
    } else {
        while (at < masker->end && !is_of(*at, QUERY_END)) at++;
    }
    masker->at = masker->floor = at;
}

/* ESC [ 31 m */
static void escape_skip(struct masker *masker)
{
    const uint8_t *at = masker->at + 1;
    if (at < masker->end && *at == '[') {
        at++;
        while (at < masker->end && (is_of(*at, DIGIT) || *at == ';')) at++;
        if (at < masker->end) at++;
    }
    masker->at = masker->floor = at;
}

/* ---- JSON objects ---- */

static const uint8_t *string_end(const uint8_t *at, const uint8_t *end)
{
    while (at < end && *at != '"') at += *at == '\\' && at + 1 < end ? 2 : 1;
    return at;
}

/* Keys, braces and brackets stay; equal masks side by side are one. */
static void object_mask(struct masker *masker)
{
    const uint8_t *at = masker->at, *end = masker->end;
    uint8_t *out_end = masker->out_start + OUT_BYTES_MAX;
    while (at < end && masker->out < out_end) {
        uint8_t byte = *at;
        if (byte == '"') {
            const uint8_t *close = string_end(at + 1, end), *behind = close < end ? close + 1 : end;
            while (behind < end && is_of(*behind, QUERY_END) && *behind <= ' ') behind++;
            if (behind < end && *behind == ':') {
                size_t len = (size_t)(close + 1 - at), room = (size_t)(out_end - masker->out);
                if (len > room) len = room;
                memcpy(masker->out, at, len);
                masker->out += len;
            } else {
                mask_join(masker);
            }
            at = behind;
        } else if (is_of(byte, ALNUM) || byte == '-') {
            while (at < end && (is_of(*at, ALNUM) || *at == '-' || *at == '+' || *at == '.')) at++;
            mask_join(masker);
        } else {
            if (byte > ' ') *masker->out++ = byte;
            at++;
        }
    }
}

struct bytes mask_text(uint8_t room[MASK_ROOM_BYTES], struct bytes text)
{
    if (text.len == 0) return bytes_from(room, 0);
    size_t text_len = text.len < TEXT_BYTES_MAX ? text.len : TEXT_BYTES_MAX;
    struct masker masker = { text.ptr, text.ptr + text_len, text.ptr, room, room };
    if (text_len > 1 && text.ptr[0] == '{' && (text.ptr[1] == '"' || text.ptr[1] == '}')) {
        object_mask(&masker);
        masker.at = masker.end;
    }
    while (masker.at < masker.end && masker.out < room + OUT_BYTES_MAX) {
        plain_copy(&masker);
        if (masker.at == masker.end || masker.out >= room + OUT_BYTES_MAX) break;
        switch (*masker.at) {
        case '@': at_mask(&masker); break;
        case '?': query_mask(&masker); break;
        case '\x1b': escape_skip(&masker); break;
        default: run_mask(&masker);
        }
    }
    size_t len = (size_t)(masker.out - room);
    assert(len <= MASK_ROOM_BYTES);
    return bytes_from(room, len < MASK_BYTES_MAX ? len : MASK_BYTES_MAX);
}
