#include "channels/template.h"

#include <stdlib.h>

#include "base/json.h"

const char *const template_names[TEMPLATE_NAME_COUNT] = { "id",  "act",     "severity", "title",  "text",
                                                          "url", "project", "incident", "thread", "time" };

static struct bytes trimmed(struct bytes text)
{
    while (text.len > 0 && text.ptr[0] == ' ') text = bytes_from(text.ptr + 1, text.len - 1);
    while (text.len > 0 && text.ptr[text.len - 1] == ' ') text.len--;
    return text;
}

static bool value_add(struct bytes value, bool with_quotes, struct buf *out, struct err *err)
{
    uint8_t *json = mem_alloc(json_text_bytes_max(value.len));
    size_t len = (size_t)(json_put_text(json, value) - json);
    bool ok = with_quotes ? buf_add(out, json, len) : buf_add(out, json + 1, len - 2);
    free(json);
    return ok || err_set(err, ERR_TOO_LARGE, "what the template makes is too long");
}

/* out NULL: it is only looked at. */
static bool walk(struct bytes text, const struct bytes *values, struct buf *out, struct err *err)
{
    if (text.len > TEMPLATE_BYTES_MAX)
        return err_set(err, ERR_INPUT, "a template has at most %d bytes", TEMPLATE_BYTES_MAX);
    while (text.len > 0) {
        const uint8_t *begin = memmem(text.ptr, text.len, "{{", 2);
        size_t plain = begin != NULL ? (size_t)(begin - text.ptr) : text.len;
        if (out != NULL && plain > 0 && !buf_add(out, text.ptr, plain))
            return err_set(err, ERR_TOO_LARGE, "what the template makes is too long");
        if (begin == NULL) return true;
        text = bytes_from(begin + 2, text.len - plain - 2);
        const uint8_t *end = text.len > 0 ? memmem(text.ptr, text.len, "}}", 2) : NULL;
        if (end == NULL) return err_set(err, ERR_INPUT, "a {{ of the template has no }}");
        struct bytes name = trimmed(bytes_from(text.ptr, (size_t)(end - text.ptr)));
        bool is_json = name.len > 5 && memcmp(name.ptr, "json:", 5) == 0;
        if (is_json) name = trimmed(bytes_from(name.ptr + 5, name.len - 5));
        size_t n = 0;
        while (n < TEMPLATE_NAME_COUNT && !bytes_equal(name, bytes_of_text(template_names[n]))) n++;
        if (n == TEMPLATE_NAME_COUNT)
            return err_set(err, ERR_INPUT, "the template asks for \"%.*s\", which a message does not have",
                           name.len < 40 ? (int)name.len : 40, (const char *)name.ptr);
        if (out != NULL && !value_add(values[n], is_json, out, err)) return false;
        text = bytes_from(end + 2, text.len - (size_t)(end - text.ptr) - 2);
    }
    return true;
}

bool template_check(struct bytes text, struct err *err)
{
    return walk(text, NULL, NULL, err);
}

bool template_fill(struct bytes text, const struct bytes values[TEMPLATE_NAME_COUNT], struct buf *out, struct err *err)
{
    return walk(text, values, out, err);
}
