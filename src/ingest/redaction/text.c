/* text.c -- the places in a text that rules are about, and the text without them. */
#include "ingest/redaction/inside.h"

#include <stdlib.h>

#include "base/glob.h"
#include "base/hash.h"
#include "base/sha256.h"

enum { KEY_BYTES_MAX = 96, BLANKS_MAX = 8 };

/* ---- edits ---- */

/* False: there are too many; the text goes as a whole. */
static bool edit_add(struct redaction_scratch *scratch, size_t from, size_t to, int8_t rule, bool is_json)
{
    if (from >= to) return true;
    if (scratch->edit_count == EDITS_MAX) return false;
    scratch->edits[scratch->edit_count++] = (struct edit){ from, to, rule, is_json };
    return true;
}

static int edit_compare(const void *a, const void *b)
{
    const struct edit *x = a, *y = b;
    if (x->from != y->from) return x->from < y->from ? -1 : 1;
    return x->to == y->to ? 0 : x->to > y->to ? -1 : 1;
}

/* In order, and where two overlap one for both. */
static void edits_join(struct redaction_scratch *scratch)
{
    bool is_sorted = true;
    uint32_t kept = 0;
    for (uint32_t e = 1; e < scratch->edit_count && is_sorted; e++)
        is_sorted = scratch->edits[e - 1].from <= scratch->edits[e].from;
    if (!is_sorted) qsort(scratch->edits, scratch->edit_count, sizeof scratch->edits[0], edit_compare);
    for (uint32_t e = 0; e < scratch->edit_count; e++) {
        struct edit *edit = &scratch->edits[e], *last = kept > 0 ? &scratch->edits[kept - 1] : NULL;
        if (last != NULL && edit->from < last->to) {
            if (edit->to > last->to) last->to = edit->to;
            if (edit->rule < last->rule) last->rule = edit->rule;
        } else {
            scratch->edits[kept++] = *edit;
        }
    }
    scratch->edit_count = kept;
}

/* ---- name=value ---- */

static bool is_name(uint8_t byte)
{
    return (character_kinds[byte] & IS_WORD) != 0 || byte == '-' || byte == '.' || byte == '[' || byte == ']';
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

/* The name before text[at], which is = or :; how it is quoted: 0, 1 for "name", 2 for \"name\". */
static struct bytes name_before(struct bytes text, size_t at, int *quoting)
{
    size_t end = at;
    for (int b = 0; b < BLANKS_MAX && end > 0 && is_blank(text.ptr[end - 1]); b++) end--;
    *quoting = 0;
    if (end > 0 && (text.ptr[end - 1] == '"' || text.ptr[end - 1] == '\'')) {
        *quoting = 1;
        end--;
        while (end > 0 && text.ptr[end - 1] == '\\') { /* JSON within JSON, however deep */
            *quoting = 2;
            end--;
        }
    }
    size_t begin = end;
    while (begin > 0 && end - begin < KEY_BYTES_MAX && is_name(text.ptr[begin - 1])) begin--;
    return bytes_from(text.ptr + begin, end - begin);
}

/* The end of what is quoted, which begins at from: before the quote that ends it, or the text's end. */
static size_t quoted_end(struct bytes text, size_t from, uint8_t quote, size_t escapes)
{
    size_t backslashes = 0;
    for (size_t i = from; i < text.len; i++) {
        if (text.ptr[i] == '\\') {
            backslashes++;
            continue;
        }
        /* "a\"b" goes on; \"a\" ends where the quote is escaped as the first one was. */
        if (text.ptr[i] == quote && (escapes == 0 ? backslashes % 2 == 0 : backslashes <= escapes))
            return i - (escapes < backslashes ? escapes : backslashes);
        backslashes = 0;
    }
    return text.len;
}

/* The end of a list or object that begins at from, by its brackets; strings in it are stepped over. */
static size_t bracket_end(struct bytes text, size_t from)
{
    uint32_t depth = 0;
    for (size_t i = from; i < text.len; i++) {
        uint8_t byte = text.ptr[i];
        if (byte == '"') {
            i = quoted_end(text, i + 1, '"', 0);
        } else if (byte == '[' || byte == '{') {
            depth++;
        } else if ((byte == ']' || byte == '}') && --depth == 0) {
            return i + 1;
        }
    }
    return text.len;
}

static bool is_header(struct bytes name)
{
    return glob_match(BYTES("*authorization"), name, true) || glob_match(BYTES("*cookie"), name, true);
}

static size_t bare_end(struct bytes text, size_t from, bool is_line)
{
    static const char ends[] = "&;,\"'<>()[]{}#| \t\r\n\\";
    size_t at = from;
    if (is_line) {
        while (at < text.len && text.ptr[at] != '\r' && text.ptr[at] != '\n' && text.ptr[at] != '"') at++;
        return at;
    }
    while (at < text.len && (text.ptr[at] >= 0x80 || text.ptr[at] == 0 || strchr(ends, text.ptr[at]) == NULL)) at++;
    return at;
}

static bool is_json_word(struct bytes word)
{
    return bytes_equal(word, BYTES("null")) || bytes_equal(word, BYTES("true")) || bytes_equal(word, BYTES("false"));
}

/* The value after the = or : at text[at] of a name that a rule is about; where it ends, or at when there is none. */
static size_t value_after(struct bytes text, size_t at, struct bytes name, int quoting, struct edit *edit)
{
    size_t from = at + 1;
    if (from < text.len && text.ptr[at] == ':' && text.ptr[from] == '/') return at; /* token://... */
    if (from < text.len && text.ptr[at] == '=' && text.ptr[from] == '>') from++;    /* Ruby, PHP */
    for (int b = 0; b < BLANKS_MAX && from < text.len && is_blank(text.ptr[from]); b++) from++;
    size_t escapes = 0;
    while (from + escapes < text.len && text.ptr[from + escapes] == '\\') escapes++;
    uint8_t first = from + escapes < text.len ? text.ptr[from + escapes] : 0;
    *edit = (struct edit){ .from = from };
    if (first == '"' || first == '\'') {
        edit->from = from + escapes + 1;
        edit->to = quoted_end(text, edit->from, first, escapes);
        return edit->to;
    }
    if (quoting > 0 && (first == '[' || first == '{')) {
        edit->to = bracket_end(text, from);
        edit->is_json = true;
        return edit->to;
    }
    edit->to = bare_end(text, from, text.ptr[at] == ':' && is_header(name));
    struct bytes value = bytes_from(text.ptr + from, edit->to - from);
    if (quoting == 1 && is_json_word(value)) return at;
    edit->is_json = quoting == 1;
    /* "Authorization=Bearer x": the scheme is no secret, what comes next is. */
    if (edit->to < text.len && text.ptr[edit->to] == ' ' &&
        (glob_match(BYTES("bearer"), value, true) || glob_match(BYTES("basic"), value, true) ||
         glob_match(BYTES("token"), value, true)))
        edit->to = bare_end(text, edit->to + 1, false);
    return edit->to > from ? edit->to : at;
}

/* scheme://user:password@host: the password, or the user when there is none, for a token stands there then. */
static size_t userinfo_after(struct bytes text, size_t at, struct edit *edit)
{
    static const char ends[] = "/?# \t\r\n\"'<>";
    size_t begin = at + 3, colon = 0;
    if (begin >= text.len || text.ptr[at + 1] != '/' || text.ptr[at + 2] != '/') return at;
    for (size_t i = begin; i < text.len; i++) {
        uint8_t byte = text.ptr[i];
        if (byte == '@') {
            *edit = (struct edit){ .from = colon > 0 ? colon + 1 : begin, .to = i };
            return i > edit->from ? i : at;
        }
        if (byte == ':' && colon == 0) colon = i;
        if (byte != 0 && byte < 0x80 && strchr(ends, byte) != NULL) break;
    }
    return at;
}

/* ---- one pass for all but the regular expressions ---- */

struct look {
    const struct redaction *redaction;
    struct redaction_scratch *scratch;
    struct bytes text;
    struct token_place place;
};

/* Where to go on; SIZE_MAX when there are too many edits. */
static size_t equals_look(struct look *look, size_t at)
{
    struct edit edit = { 0 };
    int quoting;
    size_t next = at;
    int8_t rule = look->redaction->built_in[REDACTION_CREDENTIALS];
    if (rule != NO_RULE && look->text.ptr[at] == ':' && (next = userinfo_after(look->text, at, &edit)) != at)
        return edit_add(look->scratch, edit.from, edit.to, rule, false) ? next : SIZE_MAX;
    struct bytes name = name_before(look->text, at, &quoting);
    if (name.len == 0) return at + 1;
    rule = name_verdict(look->redaction, look->scratch, name).text;
    if (rule == NO_RULE) return at + 1;
    next = value_after(look->text, at, name, quoting, &edit);
    if (next == at) return at + 1;
    return edit_add(look->scratch, edit.from, edit.to, rule, edit.is_json) ? next : SIZE_MAX;
}

static size_t byte_look(struct look *look, size_t at, uint8_t kinds)
{
    const struct redaction *redaction = look->redaction;
    struct bytes text = look->text;
    size_t from = at, len = 0;
    int8_t rule = NO_RULE;
    if ((kinds & IS_EQUALS) != 0) return redaction->has_names ? equals_look(look, at) : at + 1;
    if ((kinds & IS_AT) != 0) {
        rule = redaction->built_in[REDACTION_EMAILS];
        if (rule != NO_RULE) len = email_at(text, at, &from);
    } else if ((kinds & IS_DIGIT) != 0) {
        rule = redaction->built_in[REDACTION_CARDS];
        bool is_fraction = at > 1 && text.ptr[at - 1] == '.' && (character_kinds[text.ptr[at - 2]] & IS_DIGIT) != 0;
        if (rule != NO_RULE && !is_fraction) len = card_at(text, at);
    } else {
        rule = redaction->built_in[REDACTION_TOKENS];
        if (rule != NO_RULE) len = token_at(text, at, &look->place, &from);
    }
    if (len == 0) return at + 1;
    return edit_add(look->scratch, from, from + len, rule, false) ? from + len : SIZE_MAX;
}

/* False: too many edits. */
static bool bytes_look(const struct redaction *redaction, struct redaction_scratch *scratch, struct bytes text)
{
    struct look look = { redaction, scratch, text, { 0 } };
    uint8_t wanted = (uint8_t)((redaction->has_names ? IS_EQUALS : 0) |
                               (redaction->built_in[REDACTION_TOKENS] != NO_RULE ? IS_TOKEN_START : 0) |
                               (redaction->built_in[REDACTION_CARDS] != NO_RULE ? IS_DIGIT : 0) |
                               (redaction->built_in[REDACTION_EMAILS] != NO_RULE ? IS_AT : 0));
    if (wanted == 0) return true;
    uint8_t before = 0;
    for (size_t at = 0; at < text.len;) {
        uint8_t kinds = character_kinds[text.ptr[at]];
        /* Tokens and numbers begin where a word begins. */
        bool is_inside = (before & kinds & IS_WORD) != 0 && (kinds & (IS_AT | IS_EQUALS)) == 0;
        before = kinds;
        if (likely((kinds & wanted) == 0 || is_inside)) {
            at++;
            continue;
        }
        size_t next = byte_look(&look, at, kinds);
        if (next == SIZE_MAX) return false;
        if (next > at + 1) before = character_kinds[text.ptr[next - 1]];
        at = next;
    }
    return true;
}

static bool patterns_look(const struct redaction *redaction, struct redaction_scratch *scratch, struct bytes text)
{
    for (uint32_t p = 0; p < redaction->pattern_count; p++) {
        size_t from = 0, begin, end, found_max = 64 + text.len / 64;
        while (regex_find(redaction->patterns[p], text, from, &begin, &end)) {
            if (found_max-- == 0 || !edit_add(scratch, begin, end, redaction->pattern_rules[p], false)) return false;
            from = end;
        }
    }
    return true;
}

bool text_look(const struct redaction *redaction, struct redaction_scratch *scratch, struct bytes text)
{
    scratch->edit_count = 0;
    if (text.len == 0 || (text.len < 3 && redaction->pattern_count == 0)) return false;
    uint64_t hash = 0, *clean = NULL;
    if (text.len <= CLEAN_BYTES_MAX) {
        hash = hash64_key(text, redaction->seed ^ CLEAN_KEPT) | 1; /* not the seed of names */
        clean = &scratch->clean[(uint32_t)(hash >> 32) & (CLEAN_KEPT - 1)];
        if (*clean == hash) return false;
    }
    if (!bytes_look(redaction, scratch, text) || !patterns_look(redaction, scratch, text)) {
        scratch->edits[0] = (struct edit){ 0, text.len, scratch->edits[0].rule, false };
        scratch->edit_count = 1;
    }
    if (scratch->edit_count > 1) edits_join(scratch);
    if (scratch->edit_count == 0 && clean != NULL) *clean = hash;
    return scratch->edit_count > 0;
}

/* ---- what stands there then ---- */

bool replacement_add(const struct redaction *redaction, int8_t rule, struct bytes value, struct buf *out)
{
    uint8_t mac[SHA256_BYTES];
    char text[5 + 2 * 8 + 1] = "hmac:";
    switch (redaction->rules[rule].does) {
    case REDACTION_DROP: return true;
    case REDACTION_HASH:
        hmac_sha256(bytes_from(redaction->key, sizeof redaction->key), value, mac);
        for (int i = 0; i < 8; i++) {
            text[5 + 2 * i] = "0123456789abcdef"[mac[i] >> 4];
            text[6 + 2 * i] = "0123456789abcdef"[mac[i] & 15];
        }
        return buf_add(out, text, 5 + 2 * 8);
    default: return buf_add(out, "[redacted]", 10);
    }
}

bool text_edit(const struct redaction *redaction, const struct redaction_scratch *scratch, struct bytes text,
               struct buf *out)
{
    size_t at = 0;
    for (uint32_t e = 0; e < scratch->edit_count; e++) {
        const struct edit *edit = &scratch->edits[e];
        struct bytes value = bytes_from(text.ptr + edit->from, edit->to - edit->from);
        if (!buf_add(out, text.ptr + at, edit->from - at)) return false;
        if (edit->is_json && !buf_add(out, "\"", 1)) return false;
        if (!replacement_add(redaction, edit->rule, value, out)) return false;
        if (edit->is_json && !buf_add(out, "\"", 1)) return false;
        at = edit->to;
    }
    return buf_add(out, text.ptr + at, text.len - at);
}

bool redaction_text(const struct redaction *redaction, struct redaction_scratch *scratch, struct bytes text,
                    struct buf *out, struct err *err)
{
    bool ok = text_look(redaction, scratch, text) ? text_edit(redaction, scratch, text, out)
                                                  : buf_add(out, text.ptr, text.len);
    return ok || err_set(err, ERR_TOO_LARGE, "the redacted text has more than %zu bytes", out->bytes_max);
}
