/* Passes, each linear, until nothing changes: what one takes away may put together what the one before looks for. */
#include "llm/plain.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "base/utf8.h"

enum {
    ROUNDS_MAX = 8,
    DEPTH_MAX = 64,         /* brackets within brackets; deeper ones are text */
    DESTINATION_MAX = 4096, /* bytes of a link's address */
    REMOVED = 1,            /* stands for a byte that goes: control characters are out by then */
};
static const char gone[] = "\xE2\x80\xB9link removed\xE2\x80\xBA"; /* brackets that mean nothing to anyone */

static bool put(struct buf *out, const void *ptr, size_t len)
{
    return buf_add(out, ptr, len);
}

/* ---- characters ---- */

/* One character that is valid UTF-8; its bytes. */
static size_t character_read(struct bytes text, size_t at, uint32_t *code)
{
    uint8_t first = text.ptr[at];
    size_t len = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    *code = len == 1 ? first : first & (0xFFu >> (len + 1));
    for (size_t i = 1; i < len; i++) *code = *code << 6 | (text.ptr[at + i] & 0x3F);
    return len;
}

static size_t character_write(uint32_t code, uint8_t utf8[4])
{
    size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const uint8_t marks[] = { 0, 0, 0xC0, 0xE0, 0xF0 };
    for (size_t i = len; i-- > 1; code >>= 6) utf8[i] = (uint8_t)(0x80 | (code & 0x3F));
    utf8[0] = (uint8_t)(marks[len] | code);
    return len;
}

/* Not seen, or changes how others are seen. */
static bool is_hidden(uint32_t code)
{
    static const uint32_t ranges[][2] = {
        { 0x00, 0x08 },     { 0x0B, 0x1F },     { 0x7F, 0x9F },       { 0xAD, 0xAD },       { 0x34F, 0x34F },
        { 0x61C, 0x61C },   { 0x115F, 0x1160 }, { 0x17B4, 0x17B5 },   { 0x180B, 0x180F },   { 0x200B, 0x200F },
        { 0x2028, 0x202E }, { 0x2060, 0x206F }, { 0x3164, 0x3164 },   { 0xFE00, 0xFE0F },   { 0xFEFF, 0xFEFF },
        { 0xFFA0, 0xFFA0 }, { 0xFFF0, 0xFFFB }, { 0x1D173, 0x1D17A }, { 0xE0000, 0xE0FFF }, { 0xD800, 0xDFFF },
    };
    for (size_t r = 0; r < COUNT_OF(ranges); r++)
        if (code >= ranges[r][0] && code <= ranges[r][1]) return true;
    return code > 0x10FFFF;
}

/* "&lt;" and the like at text[at]: its length, 0 when it is none. */
static size_t entity_read(struct bytes text, size_t at, uint32_t *code)
{
    static const struct {
        const char *name;
        uint32_t code;
    } names[] = {
        { "amp", '&' },    { "lt", '<' },      { "gt", '>' },     { "quot", '"' },
        { "apos", '\'' },  { "nbsp", ' ' },    { "colon", ':' },  { "sol", '/' },
        { "period", '.' }, { "lpar", '(' },    { "rpar", ')' },   { "lsqb", '[' },
        { "rsqb", ']' },   { "lbrack", '[' },  { "rbrack", ']' }, { "excl", '!' },
        { "Tab", ' ' },    { "NewLine", ' ' }, { "bsol", '\\' },  { "num", '#' },
        { "commat", '@' }, { "semi", ';' },    { "shy", 0xAD },   { "ZeroWidthSpace", 0x200B },
        { "AMP", '&' },    { "LT", '<' },      { "GT", '>' },     { "QUOT", '"' },
        { "grave", '`' },  { "lowbar", '_' },
    };
    size_t end = at + 1;
    while (end < text.len && end < at + 16 && (isalnum(text.ptr[end]) || text.ptr[end] == '#')) end++;
    const char *name = (const char *)text.ptr + at + 1;
    size_t len = end - at - 1, more = end < text.len && text.ptr[end] == ';' ? 1 : 0;
    if (len > 1 && name[0] == '#') {
        char digits[16] = "", *stop;
        bool is_hex = name[1] == 'x' || name[1] == 'X';
        size_t skip = is_hex ? 2 : 1;
        memcpy(digits, name + skip, len - skip);
        *code = (uint32_t)strtoul(digits, &stop, is_hex ? 16 : 10);
        bool is_number = stop > digits && digits[0] != '#';
        size_t used = (size_t)(stop - digits);
        if (!is_number) return 0;
        return 1 + skip + used + (used == len - skip ? more : 0);
    }
    for (size_t n = 0; n < COUNT_OF(names) && more == 1; n++) {
        if (strlen(names[n].name) != len || memcmp(names[n].name, name, len) != 0) continue;
        *code = names[n].code;
        return len + 2;
    }
    return 0;
}

static bool characters_pass(struct bytes text, struct buf *out)
{
    for (size_t at = 0; at < text.len;) {
        uint32_t code = 0;
        uint8_t utf8[4];
        size_t len = text.ptr[at] == '&' ? entity_read(text, at, &code) : 0;
        if (len == 0) len = character_read(text, at, &code);
        at += len;
        if (is_hidden(code)) continue;
        if (!put(out, utf8, character_write(code, utf8))) return false;
    }
    return true;
}

/* ---- HTML ---- */

static bool name_is(struct bytes text, size_t at, const char *name)
{
    size_t len = strlen(name);
    return at + len <= text.len && strncasecmp((const char *)text.ptr + at, name, len) == 0 &&
           (at + len == text.len || !isalnum(text.ptr[at + len]));
}

/* Elements whose content is no text for people: where they end. */
static size_t content_end(struct bytes text, size_t at, size_t after)
{
    static const char *const names[] = { "script",   "style",    "iframe",   "object", "svg",
                                         "template", "noscript", "textarea", "title" };
    for (size_t n = 0; n < COUNT_OF(names); n++) {
        if (!name_is(text, at, names[n])) continue;
        for (size_t i = after; i + 2 < text.len; i++) {
            if (text.ptr[i] != '<' || text.ptr[i + 1] != '/' || !name_is(text, i + 2, names[n])) continue;
            const uint8_t *close = memchr(text.ptr + i, '>', text.len - i);
            return close == NULL ? text.len : (size_t)(close - text.ptr) + 1;
        }
        return text.len;
    }
    return after;
}

static bool tags_pass(struct bytes text, struct buf *out)
{
    bool has_close = true; /* is there any '>' behind? asked once there was none */
    for (size_t at = 0; at < text.len;) {
        uint8_t next = at + 1 < text.len ? text.ptr[at + 1] : 0;
        if (text.ptr[at] != '<' || !(isalpha(next) || next == '/' || next == '!' || next == '?')) {
            if (!put(out, text.ptr + at++, 1)) return false;
            continue;
        }
        const uint8_t *close = has_close ? memchr(text.ptr + at, '>', text.len - at) : NULL;
        has_close = close != NULL;
        if (close == NULL) { /* the sign alone goes */
            at++;
            continue;
        }
        size_t end = (size_t)(close - text.ptr) + 1;
        bool is_comment = end - at > 4 && memcmp(text.ptr + at, "<!--", 4) == 0;
        if (is_comment) {
            const uint8_t *stop = memmem(text.ptr + at + 4, text.len - at - 4, "-->", 3);
            if (stop != NULL) end = (size_t)(stop - text.ptr) + 3;
        }
        bool is_address =
            isalpha(next) && memchr(text.ptr + at, ' ', end - at) == NULL &&
            (memchr(text.ptr + at, ':', end - at) != NULL || memchr(text.ptr + at, '@', end - at) != NULL);
        if (is_address && !put(out, gone, sizeof gone - 1)) return false;
        at = content_end(text, at + 1, end);
    }
    return true;
}

/* ---- Markdown ---- */

/* Behind the ')' that ends what began at text[at] = '('; 0: it does not end. */
static size_t destination_end(struct bytes text, size_t at)
{
    size_t depth = 0, max = at + DESTINATION_MAX < text.len ? at + DESTINATION_MAX : text.len;
    for (size_t i = at; i < max; i++) {
        if (text.ptr[i] == '\\' && i + 1 < max) {
            i++;
        } else if (text.ptr[i] == '(') {
            depth++;
        } else if (text.ptr[i] == ')' && --depth == 0) {
            return i + 1;
        }
    }
    return 0;
}

static bool is_line_start(const struct buf *out, size_t at)
{
    while (at > 0 && (out->ptr[at - 1] == ' ' || out->ptr[at - 1] == '\t' || out->ptr[at - 1] == '>')) at--;
    return at == 0 || out->ptr[at - 1] == '\n';
}

/* The bracket that was opened at out[open] ends at text[at] = ']'. Answers where to go on; out's bracket is marked when it was
 * a link's. */
static size_t bracket_end(struct bytes text, size_t at, struct buf *out, size_t open)
{
    uint8_t next = at + 1 < text.len ? text.ptr[at + 1] : 0;
    size_t after = 0;
    if (next == '(') {
        after = destination_end(text, at + 1);
        if (after == 0) after = at + 2; /* the parenthesis alone goes */
    } else if (next == '[') {
        const uint8_t *close = memchr(text.ptr + at + 2, ']', text.len - at - 2 < 1000 ? text.len - at - 2 : 1000);
        if (close != NULL) after = (size_t)(close - text.ptr) + 1;
    } else if (next == ':' && is_line_start(out, open)) {
        const uint8_t *line = memchr(text.ptr + at, '\n', text.len - at);
        out->len = open;
        return line == NULL ? text.len : (size_t)(line - text.ptr);
    }
    if (after == 0) return 0;
    out->ptr[open] = REMOVED;
    if (open > 0 && out->ptr[open - 1] == '!') out->ptr[open - 1] = REMOVED;
    return after;
}

static bool brackets_pass(struct bytes text, struct buf *out)
{
    size_t open[DEPTH_MAX], depth = 0;
    for (size_t at = 0; at < text.len;) {
        uint8_t byte = text.ptr[at];
        if (byte == '[') {
            if (depth == DEPTH_MAX) memmove(open, open + 1, --depth * sizeof open[0]); /* the outermost is text */
            open[depth++] = out->len;
        }
        if (byte == ']' && depth > 0) {
            size_t after = bracket_end(text, at, out, open[--depth]);
            if (after > 0) {
                at = after;
                continue;
            }
        } else if (byte == ']' && at + 1 < text.len && text.ptr[at + 1] == '(') {
            at += 2; /* nothing was opened: no link, and none to be */
            continue;
        }
        if (!put(out, &byte, 1)) return false;
        at++;
    }
    size_t kept = 0;
    for (size_t i = 0; i < out->len; i++)
        if (out->ptr[i] != REMOVED) out->ptr[kept++] = out->ptr[i];
    out->len = kept;
    return true;
}

/* ---- addresses ---- */

static bool ends_address(uint8_t byte)
{
    return byte <= ' ' || strchr("<>\"'`)]}|", byte) != NULL;
}

/* Does an address begin here, where a word does? */
static bool is_address(struct bytes text, size_t at)
{
    static const char *const schemes[] = { "javascript:", "vbscript:", "data:", "mailto:",
                                           "tel:",        "file:",     "blob:", "www." };
    size_t end = at;
    for (size_t s = 0; s < COUNT_OF(schemes); s++) {
        size_t len = strlen(schemes[s]);
        if (at + len < text.len && strncasecmp((const char *)text.ptr + at, schemes[s], len) == 0 &&
            !ends_address(text.ptr[at + len]))
            return true;
    }
    while (end < text.len && end < at + 40 && (isalnum(text.ptr[end]) || strchr("+.-", text.ptr[end]) != NULL)) end++;
    return end > at && end + 2 < text.len && memcmp(text.ptr + end, "://", 3) == 0;
}

static bool addresses_pass(struct bytes text, struct buf *out)
{
    bool was_word = false;
    for (size_t at = 0; at < text.len;) {
        bool is_word = isalnum(text.ptr[at]);
        if (is_word && !was_word && is_address(text, at)) {
            while (at < text.len && !ends_address(text.ptr[at])) at++;
            if (!put(out, gone, sizeof gone - 1)) return false;
            was_word = false;
            continue;
        }
        if (at + 2 < text.len && memcmp(text.ptr + at, "://", 3) == 0) at += 3; /* of no scheme */
        was_word = is_word;
        if (at < text.len && !put(out, text.ptr + at++, 1)) return false;
    }
    return true;
}

/* ---- all ---- */

typedef bool pass_fn(struct bytes text, struct buf *out);

/* What will not come to rest: without every sign that any of it is made of. */
static bool signs_pass(struct bytes text, struct buf *out)
{
    for (size_t at = 0; at < text.len; at++)
        if (strchr("<>[]()&!:/", text.ptr[at]) == NULL || text.ptr[at] == 0)
            if (!put(out, text.ptr + at, 1)) return false;
    return true;
}

static bool round_run(struct buf *now, struct buf *next, pass_fn *const *passes, size_t count)
{
    for (size_t p = 0; p < count; p++) {
        next->len = 0;
        if (!passes[p](buf_bytes(now), next)) return false;
        struct buf swap = *now;
        *now = *next;
        *next = swap;
    }
    return true;
}

static bool begin(struct bytes text, struct buf *now)
{
    if (utf8_is_valid(text)) return put(now, text.ptr, text.len);
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = text.ptr[i] < 0x80 ? text.ptr[i] : '?';
        if (!put(now, &byte, 1)) return false;
    }
    return true;
}

bool llm_plain(struct bytes text, struct buf *out, struct err *err)
{
    static pass_fn *const passes[] = { characters_pass, tags_pass, brackets_pass, addresses_pass };
    static pass_fn *const last[] = { signs_pass, characters_pass, addresses_pass };
    struct buf now, next, before;
    bool is_still = false;
    size_t bytes_max = text.len * 3 + 64;
    buf_init(&now, bytes_max);
    buf_init(&next, bytes_max);
    buf_init(&before, bytes_max);
    bool ok = begin(text, &now);
    for (int round = 0; ok && !is_still && round < ROUNDS_MAX; round++) {
        before.len = 0;
        ok = put(&before, now.ptr, now.len) && round_run(&now, &next, passes, COUNT_OF(passes));
        is_still = ok && bytes_equal(buf_bytes(&before), buf_bytes(&now));
    }
    if (ok && !is_still) ok = round_run(&now, &next, last, COUNT_OF(last));
    ok = ok && buf_add(out, now.ptr, now.len);
    buf_deinit(&now);
    buf_deinit(&next);
    buf_deinit(&before);
    return ok || err_set(err, ERR_TOO_LARGE, "the model's text is too long to be shown");
}

bool llm_is_plain(struct bytes text)
{
    struct buf plain;
    struct err err = { 0 };
    buf_init(&plain, SIZE_MAX);
    bool is = llm_plain(text, &plain, &err) && bytes_equal(text, buf_bytes(&plain));
    buf_deinit(&plain);
    return is;
}
