#include "worker/rows/rows_json.h"

#include "base/base64.h"
#include "base/hex.h"

static uint8_t *base64_text_put(uint8_t *at, struct bytes bytes)
{
    *at++ = '"';
    at = base64_put(at, bytes, true);
    *at++ = '"';
    return at;
}

uint8_t *json_put_number(uint8_t *at, double number)
{
    uint8_t *end = json_put_double(at, number);
    for (const uint8_t *digit = at; digit < end; digit++) {
        if (*digit != '-' && (*digit < '0' || *digit > '9')) return end;
    }
    *end++ = '.';
    *end++ = '0';
    return end;
}

static uint8_t *entries_put(uint8_t *at, const struct otlp_value *value)
{
    bool has_keys = value->type == OTLP_KVLIST;
    struct otlp_value_reader reader;
    struct otlp_attribute entry;
    *at++ = has_keys ? '{' : '[';
    uint8_t *first = at;
    otlp_value_reader_init(&reader, value);
    while (otlp_value_reader_next(&reader, &entry)) {
        if (at > first) *at++ = ',';
        if (has_keys) {
            at = json_put_text(at, entry.key);
            *at++ = ':';
        }
        at = json_put_value(at, &entry.value);
    }
    *at++ = has_keys ? '}' : ']';
    return at;
}

uint8_t *json_put_value_slow(uint8_t *at, const struct otlp_value *value)
{
    switch (value->type) {
    case OTLP_EMPTY: return json_put_raw(at, BYTES("null"));
    case OTLP_TEXT: return json_put_text(at, value->bytes);
    case OTLP_BOOL: return json_put_raw(at, value->boolean ? BYTES("true") : BYTES("false"));
    case OTLP_INT: return json_put_int(at, value->integer);
    case OTLP_DOUBLE: return json_put_number(at, value->number);
    case OTLP_BYTES: return base64_text_put(at, value->bytes);
    case OTLP_ARRAY:
    case OTLP_KVLIST: return entries_put(at, value);
    }
    return at;
}

static uint8_t *digits_put(uint8_t *at, uint64_t number, int count)
{
    for (int i = count; i-- > 0; number /= 10) at[i] = (uint8_t)('0' + number % 10);
    return at + count;
}

uint8_t *json_put_time(uint8_t *at, uint64_t unix_ns)
{
    uint64_t seconds = unix_ns / 1000000000u;
    /* Days to a date by 400-year eras that begin on a 1st of March (the proleptic Gregorian calendar). */
    uint64_t day = seconds / 86400u + 719468u;
    uint64_t era = day / 146097u, day_of_era = day % 146097u;
    uint64_t year_of_era = (day_of_era - day_of_era / 1460u + day_of_era / 36524u - day_of_era / 146096u) / 365u;
    uint64_t day_of_year = day_of_era - (365u * year_of_era + year_of_era / 4u - year_of_era / 100u);
    uint64_t month_from_march = (5u * day_of_year + 2u) / 153u;
    uint64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    uint64_t year = year_of_era + era * 400u + (month <= 2 ? 1 : 0);
    *at++ = '"';
    at = digits_put(at, year, 4); /* 64 bits of nanoseconds end in 2554 */
    *at++ = '-';
    at = digits_put(at, month, 2);
    *at++ = '-';
    at = digits_put(at, day_of_year - (153u * month_from_march + 2u) / 5u + 1u, 2);
    *at++ = 'T';
    at = digits_put(at, seconds / 3600u % 24u, 2);
    *at++ = ':';
    at = digits_put(at, seconds / 60u % 60u, 2);
    *at++ = ':';
    at = digits_put(at, seconds % 60u, 2);
    *at++ = '.';
    at = digits_put(at, unix_ns % 1000000000u, 9);
    *at++ = 'Z';
    *at++ = '"';
    return at;
}

/* ---- JSON objects in bodies ---- */

struct reader {
    const uint8_t *at, *end;
    uint8_t *out;
};

static void space_skip(struct reader *reader)
{
    while (reader->at < reader->end &&
           (*reader->at == ' ' || *reader->at == '\n' || *reader->at == '\t' || *reader->at == '\r')) {
        reader->at++;
    }
}

static inline bool byte_take(struct reader *reader, uint8_t byte)
{
    if (reader->at == reader->end || *reader->at != byte) return false;
    *reader->out++ = byte;
    reader->at++;
    return true;
}

/* The number behind \u, -1 when there are not four digits. */
static int32_t unit_at(const uint8_t *at, const uint8_t *end)
{
    if (end - at < 4) return -1;
    int32_t unit = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(at[i]);
        if (digit < 0) return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

/* Length of the escape at at[0] == '\\', a surrogate pair counting as one; 0: not one. */
static size_t escape_bytes(const uint8_t *at, const uint8_t *end)
{
    if (end - at < 2) return 0;
    switch (at[1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't': return 2;
    case 'u': break;
    default: return 0;
    }
    int32_t unit = unit_at(at + 2, end);
    if (unit < 0 || (unit >= 0xDC00 && unit <= 0xDFFF)) return 0;
    if (unit < 0xD800 || unit > 0xDBFF) return 6;
    if (end - at < 8 || at[6] != '\\' || at[7] != 'u') return 0;
    int32_t low = unit_at(at + 8, end);
    return low >= 0xDC00 && low <= 0xDFFF ? 12 : 0;
}

static bool text_take(struct reader *reader, struct bytes *inside)
{
    const uint8_t *start = reader->at;
    if (start == reader->end || *start != '"') return false;
    const uint8_t *at = start + 1;
    for (;;) {
        if (at == reader->end || *at < 0x20) return false;
        if (*at == '"') break;
        size_t step = *at == '\\' ? escape_bytes(at, reader->end) : 1;
        if (step == 0) return false;
        at += step;
    }
    *inside = bytes_from(start + 1, (size_t)(at - start) - 1);
    reader->out = json_put_raw(reader->out, bytes_from(start, inside->len + 2));
    reader->at = at + 1;
    return true;
}

static bool digits_take(struct reader *reader)
{
    const uint8_t *start = reader->at;
    while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9') *reader->out++ = *reader->at++;
    return reader->at > start;
}

static bool number_take(struct reader *reader)
{
    byte_take(reader, '-');
    if (!byte_take(reader, '0') && !digits_take(reader)) return false;
    if (byte_take(reader, '.') && !digits_take(reader)) return false;
    if (byte_take(reader, 'e') || byte_take(reader, 'E')) {
        if (!byte_take(reader, '+')) byte_take(reader, '-');
        return digits_take(reader);
    }
    return true;
}

static bool word_take(struct reader *reader, struct bytes word)
{
    if ((size_t)(reader->end - reader->at) < word.len || memcmp(reader->at, word.ptr, word.len) != 0) return false;
    reader->out = json_put_raw(reader->out, word);
    reader->at += word.len;
    return true;
}

/* 1 + the place of key, in any case, among the names; 0: it is none of them. */
static int rank_among(struct bytes key, const char *const *names, size_t name_count)
{
    char lower[24] = { 0 };
    if (key.len < 2 || key.len >= sizeof lower) return 0;
    for (size_t i = 0; i < key.len; i++) {
        lower[i] = (char)(key.ptr[i] >= 'A' && key.ptr[i] <= 'Z' ? key.ptr[i] - 'A' + 'a' : key.ptr[i]);
    }
    for (size_t i = 0; i < name_count; i++) {
        if (lower[0] == names[i][0] && strcmp(lower, names[i]) == 0) return (int)i + 1;
    }
    return 0;
}

int json_message_rank(struct bytes key)
{
    static const char *const names[] = {
        "message", "msg", "@m", "short_message", "log", "event", "error", "text", "@mt"
    };
    return rank_among(key, names, COUNT_OF(names));
}

int json_level_rank(struct bytes key)
{
    static const char *const names[] = { "level", "log.level", "loglevel",      "levelname",    "log_level", "lvl",
                                         "@l",    "severity",  "severity_text", "severitytext", "priority" };
    return rank_among(key, names, COUNT_OF(names));
}

bool json_is_stack(struct bytes key)
{
    static const char *const names[] = { "stack_trace", "stack",     "stacktrace", "exception", "exc_info",
                                         "exc_text",    "traceback", "backtrace",  "@x",        "error.stack_trace",
                                         "error.stack" };
    return rank_among(key, names, COUNT_OF(names)) > 0;
}

/* A value that is no object or array; the inside of a text goes to *text, a number to *number. */
static bool scalar_take(struct reader *reader, struct bytes *text, struct bytes *number)
{
    if (reader->at == reader->end) return false;
    const uint8_t *start = reader->at;
    switch (*start) {
    case '"': return text_take(reader, text);
    case 't': return word_take(reader, BYTES("true"));
    case 'f': return word_take(reader, BYTES("false"));
    case 'n': return word_take(reader, BYTES("null"));
    default: break;
    }
    if (!number_take(reader)) return false;
    *number = bytes_from(start, (size_t)(reader->at - start));
    return true;
}

/* What a top-level member may be for the reader of the log. */
static void member_note(struct json_object *object, int ranks[2], struct bytes key, struct bytes text,
                        struct bytes number)
{
    int rank = text.len > 0 ? json_message_rank(key) : 0;
    if (rank > 0 && (ranks[0] == 0 || rank < ranks[0])) {
        ranks[0] = rank;
        object->message = text;
    }
    struct bytes level = text.len > 0 ? text : number;
    rank = level.len > 0 ? json_level_rank(key) : 0;
    if (rank > 0 && (ranks[1] == 0 || rank < ranks[1])) {
        ranks[1] = rank;
        object->level = level;
    }
}

#define STACK_BYTES_MIN 16 /* shorter texts hold none */

struct json_object json_compact_object(uint8_t *at, struct bytes text)
{
    struct json_object object = { .end = NULL };
    struct reader reader = { .at = text.ptr, .end = text.ptr + text.len, .out = at };
    uint64_t is_object = 0; /* a bit each level, the innermost lowest */
    uint32_t depth = 0;
    int ranks[2] = { 0 };
    const uint8_t closed[2] = { ']', '}' };

    space_skip(&reader);
    if (reader.at == reader.end || *reader.at != '{') return object;
    for (;;) { /* at a value */
        struct bytes key = { 0 }, inside = { 0 }, number = { 0 };
        bool opens = false;
        if (depth > 0 && (is_object & 1) != 0) {
            if (!text_take(&reader, &key)) return object;
            space_skip(&reader);
            if (!byte_take(&reader, ':')) return object;
            space_skip(&reader);
        }
        if (reader.at < reader.end && (*reader.at == '{' || *reader.at == '[')) {
            if (depth == JSON_OBJECT_DEPTH_MAX) return object;
            is_object = is_object << 1 | (*reader.at == '{' ? 1 : 0);
            depth++;
            opens = true;
            *reader.out++ = *reader.at++;
        } else {
            if (!scalar_take(&reader, &inside, &number)) return object;
            if (depth == 1) member_note(&object, ranks, key, inside, number);
            if (inside.len >= STACK_BYTES_MIN && depth <= 2 && object.stack.len == 0 && json_is_stack(key))
                object.stack = inside;
        }
        space_skip(&reader);
        /* Ends of what is open; an empty object or array may end right away. */
        bool ends = false;
        while (depth > 0 && byte_take(&reader, closed[is_object & 1])) {
            is_object >>= 1;
            depth--;
            ends = true;
            space_skip(&reader);
        }
        if (depth == 0) break;
        if (opens && !ends) continue;
        if (!byte_take(&reader, ',')) return object;
        space_skip(&reader);
    }
    if (reader.at == reader.end) object.end = reader.out;
    return object;
}

static uint8_t *utf8_put(uint8_t *at, uint32_t code)
{
    if (code < 0x80) {
        *at++ = (uint8_t)code;
    } else if (code < 0x800) {
        *at++ = (uint8_t)(0xC0 | code >> 6);
        *at++ = (uint8_t)(0x80 | (code & 63));
    } else if (code < 0x10000) {
        *at++ = (uint8_t)(0xE0 | code >> 12);
        *at++ = (uint8_t)(0x80 | (code >> 6 & 63));
        *at++ = (uint8_t)(0x80 | (code & 63));
    } else {
        *at++ = (uint8_t)(0xF0 | code >> 18);
        *at++ = (uint8_t)(0x80 | (code >> 12 & 63));
        *at++ = (uint8_t)(0x80 | (code >> 6 & 63));
        *at++ = (uint8_t)(0x80 | (code & 63));
    }
    return at;
}

uint8_t *json_unescape(uint8_t *at, struct bytes text)
{
    static const uint8_t plain[128] = {
        ['"'] = '"', ['\\'] = '\\', ['/'] = '/', ['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t'
    };
    const uint8_t *from = text.ptr, *end = text.ptr + text.len;
    while (from < end) {
        if (*from != '\\') {
            *at++ = *from++;
            continue;
        }
        size_t step = escape_bytes(from, end);
        assert(step > 0); /* json_compact_object has checked it */
        uint32_t code = step == 2 ? plain[from[1]] : (uint32_t)unit_at(from + 2, end);
        if (step == 12) code = 0x10000 + ((code - 0xD800) << 10) + ((uint32_t)unit_at(from + 8, end) - 0xDC00);
        at = utf8_put(at, code);
        from += step;
    }
    return at;
}
