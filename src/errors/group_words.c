#include "errors/group_inside.h"

#define WORDS_MIN 2 /* a text of fewer means nothing */

static bool holds(struct bytes text, struct bytes part)
{
    return text.len >= part.len && memmem(text.ptr, text.len, part.ptr, part.len) != NULL;
}

static struct bytes behind(struct bytes text, struct bytes part)
{
    const uint8_t *found = text.len == 0 ? NULL : memmem(text.ptr, text.len, part.ptr, part.len);
    if (found == NULL) return bytes_from(text.ptr, 0);
    const uint8_t *at = found + part.len;
    return bytes_from(at, (size_t)(text.ptr + text.len - at));
}

static bool is_name(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
           c >= 128;
}

/* The last name of a path of names, which ends before a quote, a bracket or the end: "a.b().c'" --> "c". */
static struct bytes last_name(struct bytes text)
{
    size_t end = 0;
    if (text.len == 0) return text;
    while (end < text.len && text.ptr[end] != '\'' && text.ptr[end] != '"') end++;
    while (end > 0 && !is_name(text.ptr[end - 1])) end--;
    size_t start = end;
    while (start > 0 && is_name(text.ptr[start - 1])) start--;
    return bytes_from(text.ptr + start, end - start);
}

/* What engines of JavaScript say of the same fault, each in its own words; V8's of two ages, JavaScriptCore's, SpiderMonkey's.
 * Minifiers rename variables and keep properties: of a path its last name counts. */
static bool engine_words(struct bytes text, struct bytes *what, struct bytes *name)
{
    static const struct {
        const char *mark, *before_name, *what;
    } reads[] = {
        { "Cannot read propert", "(reading '", "read of nothing" },              /* V8 from 9.3 on */
        { "Cannot read property '", "property '", "read of nothing" },           /* V8 before */
        { "is not an object (evaluating '", "evaluating '", "read of nothing" }, /* JavaScriptCore */
        { "can't access property \"", "property \"", "read of nothing" },        /* SpiderMonkey */
        { "Cannot set propert", "(setting '", "write to nothing" },
        { "Cannot set property '", "property '", "write to nothing" },
        { "Can't find variable: ", "variable: ", "no such variable" },
    };
    static const struct {
        const char *mark, *what;
    } words[] = { { "Maximum call stack size exceeded", "recursion without end" },
                  { "too much recursion", "recursion without end" },
                  { "in JSON at position", "JSON malformed" },
                  { "is not valid JSON", "JSON malformed" },
                  { "JSON Parse error", "JSON malformed" },
                  { "JSON.parse: ", "JSON malformed" },
                  { "Unexpected end of JSON input", "JSON malformed" } };
    for (size_t i = 0; i < COUNT_OF(reads); i++) {
        if (!holds(text, bytes_of_text(reads[i].mark))) continue;
        struct bytes rest = behind(text, bytes_of_text(reads[i].before_name));
        *name = last_name(rest);
        *what = bytes_of_text(reads[i].what);
        if (name->len > 0) return true;
    }
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (!holds(text, bytes_of_text(words[i].mark))) continue;
        *what = bytes_of_text(words[i].what);
        *name = bytes_from(text.ptr, 0);
        return true;
    }
    if (text.len == 0) return false;
    const uint8_t *call = memmem(text.ptr, text.len, " is not a function", 18),
                  *none = memmem(text.ptr, text.len, " is not defined", 15);
    if (call == NULL && none == NULL) return false;
    *name = last_name(bytes_from(text.ptr, (size_t)((call != NULL ? call : none) - text.ptr)));
    *what = call != NULL ? BYTES("no function") : BYTES("no such variable");
    return name->len > 0;
}

static size_t put(uint8_t *out, size_t len, struct bytes text)
{
    size_t take = text.len < GROUP_WORDS_BYTES - len ? text.len : GROUP_WORDS_BYTES - len;
    memcpy(out + len, text.ptr, take);
    return len + take;
}

struct bytes group_words(const struct error_event *event, uint8_t out[GROUP_WORDS_BYTES], bool *is_telling)
{
    struct bytes template = similar_root(event)->template, what, name;
    size_t len = 0, words = 0;
    if (event->language == ERROR_LANGUAGE_JAVASCRIPT && engine_words(template, &what, &name)) {
        len = put(out, len, what);
        if (name.len > 0) len = put(out, put(out, len, BYTES(": ")), name);
        *is_telling = true;
        return bytes_from(out, len);
    }
    for (size_t at = 0; at < template.len && len + 1 < GROUP_WORDS_BYTES;) {
        size_t end = at;
        while (end < template.len && template.ptr[end] != ' ') end++;
        struct bytes token = bytes_from(template.ptr + at, end - at);
        at = end + 1;
        if (token.len == 0 || holds(token, BYTES("<*>"))) continue; /* cobalt<*> is a value as <*> is */
        size_t letters = 0;
        for (size_t i = 0; i < token.len; i++) letters += is_name(token.ptr[i]);
        words += letters >= 2;
        if (len > 0) out[len++] = ' ';
        len = put(out, len, token);
    }
    *is_telling = words >= WORDS_MIN;
    return bytes_from(out, len);
}
