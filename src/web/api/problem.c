/* application/problem+json (RFC 9457):
 *   {"type":"urn:monoscope:problem:input","title":"Bad Request","status":400,"detail":"it must be ...","code":"input",
 *    "pointer":"/sql","position":17} */
#include "base/json.h"
#include "base/utf8.h"
#include "net/http_head.h"
#include "web/api/api_inside.h"
#include <ctype.h>
#include <stdio.h>

enum { HEADERS_MAX = API_HEADERS_MAX + 4 };

/* "ERR_NOT_FOUND" is "not_found" to others. */
static void code_write(enum err_code code, char out[40])
{
    const char *name = err_name(code) + 4;
    size_t i = 0;
    for (; name[i] != '\0' && i < 39; i++) out[i] = (char)tolower((unsigned char)name[i]);
    out[i] = '\0';
}

static bool text_put(struct buf *out, const char *name, const char *text)
{
    struct bytes bytes = bytes_of_text(text);
    uint8_t quoted[6 * sizeof((struct err){ 0 }.text) + 2];
    if (bytes.len > sizeof((struct err){ 0 }.text)) bytes.len = sizeof((struct err){ 0 }.text);
    bytes.len = utf8_cut(bytes, bytes.len);
    if (!utf8_is_valid(bytes)) bytes = BYTES("(not text)");
    uint8_t *end = json_put_text(quoted, bytes);
    return buf_printf(out, ",\"%s\":", name) && buf_add(out, quoted, (size_t)(end - quoted));
}

void problem_write(struct buf *out, const struct err *err, int status, const char *pointer)
{
    char code[40];
    code_write(err->code, code);
    bool ok = buf_printf(out, "{\"type\":\"urn:monoscope:problem:%s\"", code) &&
              text_put(out, "title", http_reason(status)) && buf_printf(out, ",\"status\":%d", status) &&
              text_put(out, "detail", err->text) && text_put(out, "code", code);
    if (ok && err->hint[0] != '\0') ok = text_put(out, "hint", err->hint);
    if (ok && pointer != NULL && pointer[0] != '\0') ok = text_put(out, "pointer", pointer);
    if (ok && err->position > 0) ok = buf_printf(out, ",\"position\":%d", err->position);
    ok = ok && buf_printf(out, "}\n");
    assert(ok); /* all of it is bounded */
}

void problem_answer(struct http_request *request, const struct err *err, int status, const char *pointer,
                    const struct http_header *headers, uint32_t header_count)
{
    struct http_header all[HEADERS_MAX] = { { BYTES("content-type"), BYTES("application/problem+json") },
                                            { BYTES("cache-control"), BYTES("no-store") },
                                            { BYTES("x-content-type-options"), BYTES("nosniff") } };
    uint32_t count = 3;
    struct buf out;
    buf_init(&out, 1 << 20);
    for (uint32_t h = 0; h < header_count && count < HEADERS_MAX - 2; h++) {
        bool is_ours = false;
        for (uint32_t a = 0; a < 3; a++) is_ours = is_ours || bytes_equal(headers[h].name, all[a].name);
        if (!is_ours) all[count++] = headers[h];
    }
    if (status == 401) { /* RFC 9110, 15.5.2 */
        bool is_told = false;
        for (uint32_t h = 3; h < count; h++) is_told = is_told || bytes_equal(all[h].name, BYTES("www-authenticate"));
        if (!is_told)
            all[count++] = (struct http_header){ BYTES("www-authenticate"), BYTES("Bearer realm=\"monoscope\"") };
    }
    if (status == 503 || status == 429) {
        bool is_told = false;
        for (uint32_t h = 3; h < count; h++) is_told = is_told || bytes_equal(all[h].name, BYTES("retry-after"));
        if (!is_told) all[count++] = (struct http_header){ BYTES("retry-after"), BYTES("1") };
    }
    problem_write(&out, err, status, pointer);
    http_answer(request, &(struct http_response){ status, all, count, buf_bytes(&out) });
    buf_deinit(&out);
}
