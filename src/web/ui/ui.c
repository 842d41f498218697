#include "web/ui/ui.h"
#include <stdio.h>

struct ui_file {
    struct bytes path;
    const char *type;
    const char *tag;
    const uint8_t *raw, *raw_end, *gz, *gz_end, *br, *br_end;
};

/* The bytes of files.inc, each file in its three forms. */
#define TEXT(x) #x
#define INCLUDE_AS(number, form)                                                                               \
    __asm__(".section .rodata\n.balign 8\nui_" TEXT(number) "_" TEXT(form) ":\n.incbin \"web/ui/packed/" TEXT( \
        number) "." TEXT(form) "\"\nui_" TEXT(number) "_" TEXT(form) "_end:\n.byte 0\n.previous\n");           \
    extern const uint8_t ui_##number##_##form[], ui_##number##_##form##_end[];
#define F(path, type, tag, number) INCLUDE_AS(number, raw) INCLUDE_AS(number, gz) INCLUDE_AS(number, br)
#include "web/ui/files.inc"
#undef F

static const struct ui_file files[] = {
#define FORM(number, form) ui_##number##_##form, ui_##number##_##form##_end
#define F(path, type, tag, number) \
    { { (const uint8_t *)(path), sizeof(path) - 1 }, type, tag, FORM(number, raw), FORM(number, gz), FORM(number, br) },
#include "web/ui/files.inc"
#undef F
};

static const struct ui_file *file_find(struct bytes path)
{
    for (size_t f = 0; f < COUNT_OF(files); f++)
        if (bytes_equal(files[f].path, path)) return &files[f];
    return NULL;
}

/* Is the word in a list with commas? What comes after ";" is a weight: ";q=0" takes it back (RFC 9110, 12.5.3). */
static bool list_has(struct bytes list, struct bytes word)
{
    while (list.len > 0) {
        const uint8_t *end = memchr(list.ptr, ',', list.len);
        size_t len = end ? (size_t)(end - list.ptr) : list.len;
        struct bytes item = bytes_from(list.ptr, len);
        list = end ? bytes_from(end + 1, list.len - len - 1) : (struct bytes){ 0 };
        const uint8_t *weight = memchr(item.ptr, ';', item.len);
        struct bytes name = http_trimmed(weight ? bytes_from(item.ptr, (size_t)(weight - item.ptr)) : item);
        if (!bytes_equal(name, word)) continue;
        if (!weight) return true;
        struct bytes q = http_trimmed(bytes_from(weight + 1, (size_t)(item.ptr + item.len - weight - 1)));
        for (size_t i = 2; i < q.len; i++)
            if (q.ptr[i] >= '1' && q.ptr[i] <= '9') return true;
        return q.len < 2 || memcmp(q.ptr, "q=", 2) != 0;
    }
    return false;
}

static bool is_below(struct bytes path, struct bytes folder)
{
    return path.len > folder.len && memcmp(path.ptr, folder.ptr, folder.len) == 0;
}

static void file_answer(struct http_request *request, const struct ui_file *file)
{
    struct bytes accepted = http_request_header(request, "accept-encoding");
    bool is_br = list_has(accepted, BYTES("br")), is_gzip = !is_br && list_has(accepted, BYTES("gzip"));
    char tag[64];
    snprintf(tag, sizeof tag, "\"%s%s\"", file->tag, is_br ? "-br" : is_gzip ? "-gz" : "");
    bool is_named_by_content = is_below(file->path, BYTES("/assets/"));
    bool is_for_others = is_below(file->path, BYTES("/sdk/")); /* pages of other origins load it */
    bool is_stage = bytes_equal(file->path, BYTES("/replay/stage.html"));
    struct http_header headers[12] = {
        { BYTES("content-type"), bytes_of_text(file->type) },
        { BYTES("cache-control"), is_named_by_content ? BYTES("public, max-age=31536000, immutable")
                                  : is_for_others     ? BYTES("public, max-age=3600")
                                                      : BYTES("no-cache") },
        { BYTES("etag"), bytes_of_text(tag) },
        { BYTES("vary"), BYTES("accept-encoding") },
        { BYTES("content-security-policy"),
          is_stage ? BYTES(UI_STAGE_SECURITY_POLICY) : BYTES(UI_CONTENT_SECURITY_POLICY) },
        { BYTES("x-content-type-options"), BYTES("nosniff") },
        { BYTES("referrer-policy"), BYTES("same-origin") },
        { BYTES("cross-origin-opener-policy"), BYTES("same-origin") },
    };
    uint32_t header_count = 8;
    if (is_for_others) {
        headers[header_count++] = (struct http_header){ BYTES("access-control-allow-origin"), BYTES("*") };
        headers[header_count++] = (struct http_header){ BYTES("cross-origin-resource-policy"), BYTES("cross-origin") };
    }
    struct http_response response = { .status = 200, .headers = headers };
    if (list_has(http_request_header(request, "if-none-match"), bytes_of_text(tag))) {
        response.status = 304;
    } else if (is_br) {
        response.body = bytes_from(file->br, (size_t)(file->br_end - file->br));
        headers[header_count++] = (struct http_header){ BYTES("content-encoding"), BYTES("br") };
    } else if (is_gzip) {
        response.body = bytes_from(file->gz, (size_t)(file->gz_end - file->gz));
        headers[header_count++] = (struct http_header){ BYTES("content-encoding"), BYTES("gzip") };
    } else {
        response.body = bytes_from(file->raw, (size_t)(file->raw_end - file->raw));
    }
    response.header_count = header_count;
    http_answer(request, &response);
}

static bool is_page_wanted(const struct http_request *request)
{
    struct bytes accept = http_request_header(request, "accept");
    return list_has(accept, BYTES("text/html"));
}

struct bytes ui_parameter(struct bytes query, struct bytes name)
{
    while (query.len > 0) {
        const uint8_t *end = memchr(query.ptr, '&', query.len);
        struct bytes pair = bytes_from(query.ptr, end ? (size_t)(end - query.ptr) : query.len);
        query = end ? bytes_from(end + 1, query.len - pair.len - 1) : (struct bytes){ 0 };
        if (is_below(pair, name) && pair.ptr[name.len] == '=')
            return bytes_from(pair.ptr + name.len + 1, pair.len - name.len - 1);
    }
    return (struct bytes){ 0 };
}

struct bytes ui_segment_take(struct bytes *rest)
{
    const uint8_t *end = rest->len > 0 ? memchr(rest->ptr, '/', rest->len) : NULL;
    struct bytes segment = bytes_from(rest->ptr, end ? (size_t)(end - rest->ptr) : rest->len);
    *rest = end ? bytes_from(end + 1, rest->len - segment.len - 1) : (struct bytes){ 0 };
    return segment;
}

/* "/p/shop/explore" and viz=line -> "/pages/explore.line.html", else "/pages/explore.html", else "/index.html" */
static const struct ui_file *page_find(const struct http_request *request)
{
    enum { NAME_BYTES_MAX = 40 };
    char path[16 + 2 * NAME_BYTES_MAX];
    const struct ui_file *file = NULL;
    struct bytes rest = request->path, viz = ui_parameter(request->query, BYTES("viz"));
    if (is_below(rest, BYTES("/p/"))) {
        rest = bytes_from(rest.ptr + 3, rest.len - 3);
        ui_segment_take(&rest); /* the project */
        struct bytes view = ui_segment_take(&rest);
        if (view.len <= NAME_BYTES_MAX && viz.len > 0 && viz.len <= NAME_BYTES_MAX) {
            int len = snprintf(path, sizeof path, "/pages/%.*s.%.*s.html", (int)view.len, (const char *)view.ptr,
                               (int)viz.len, (const char *)viz.ptr);
            file = file_find(bytes_from(path, (size_t)len));
        }
        if (!file && view.len > 0 && view.len <= NAME_BYTES_MAX) {
            int len = snprintf(path, sizeof path, "/pages/%.*s.html", (int)view.len, (const char *)view.ptr);
            file = file_find(bytes_from(path, (size_t)len));
        }
    }
    return file ? file : file_find(BYTES("/index.html"));
}

static bool is_read(const struct http_request *request)
{
    return bytes_equal(request->method, BYTES("GET")) || bytes_equal(request->method, BYTES("HEAD"));
}

bool ui_is_page(const struct http_request *request)
{
    return is_read(request) && !file_find(request->path) && is_page_wanted(request);
}

bool ui_answer(struct http_request *request)
{
    if (!is_read(request)) return false;
    const struct ui_file *file = file_find(request->path);
    if (!file && is_page_wanted(request)) file = page_find(request);
    if (file) file_answer(request, file);
    return file != NULL;
}

/* "<" stands in JSON only in texts. As \u003c it begins no tag, whatever people and senders called their things. */
static bool json_put(struct buf *out, struct bytes json)
{
    for (size_t at = 0; at < json.len;) {
        const uint8_t *found = memchr(json.ptr + at, '<', json.len - at);
        size_t end = found ? (size_t)(found - json.ptr) : json.len;
        if (!buf_add(out, json.ptr + at, end - at) || (found && !buf_add(out, "\\u003c", 6))) return false;
        at = end + (found != NULL);
    }
    return true;
}

bool ui_page(const struct http_request *request, struct bytes json, struct buf *out)
{
    static const char before[] = "<script type=\"application/json\" id=\"brought\">", after[] = "</script>";
    const struct ui_file *file = page_find(request);
    struct bytes page = bytes_from(file->raw, (size_t)(file->raw_end - file->raw));
    const uint8_t *end = memmem(page.ptr, page.len, "</body>", 7);
    assert(end != NULL); /* ours, by ui/index.html */
    size_t head = (size_t)(end - page.ptr);
    return buf_add(out, page.ptr, head) && buf_add(out, before, sizeof before - 1) && json_put(out, json) &&
           buf_add(out, after, sizeof after - 1) && buf_add(out, end, page.len - head);
}
