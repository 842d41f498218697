/* Any bytes as a binary value of a parameter, of any type: refused in words, or one literal without a byte of its own making. The
 * first byte is the type. */
#include "timefusion/query/plan.h"
#include "timefusion/query/render.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Quotes are closed, brackets outside them too; nothing ends a statement or begins a comment. */
static void literal_check(struct bytes sql)
{
    bool in_text = false;
    int depth = 0;
    for (size_t i = 0; i < sql.len; i++) {
        char c = (char)sql.ptr[i];
        if (c == '\0') abort();
        if (c == '\'') in_text = !in_text;
        if (in_text) continue;
        if (c == ';' || (c == '-' && i + 1 < sql.len && sql.ptr[i + 1] == '-')) abort();
        depth += c == '(' || c == '[';
        depth -= c == ')' || c == ']';
        if (depth < 0) abort();
    }
    if (in_text || depth != 0) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 4096) return 0;
    enum query_type type = (enum query_type)(1 + (data[0] & 63) % QUERY_TYPE_REGROLE);
    if (data[0] & 64) type = type_list_of(type);
    struct plan plan = { .parameters = &type, .parameter_count = 1 };
    struct query_parameter parameter = { .value = bytes_from(data + 1, size - 1), .is_binary = true };
    struct render render = { .plan = &plan, .parameters = &parameter };
    struct err err = { .code = ERR_OK };
    struct buf out;
    buf_init(&out, 1u << 20);
    if (render_sql(&out, MARK_OPEN "P1" MARK_CLOSE, &render, &err)) {
        literal_check(buf_bytes(&out));
    } else if (err.code == ERR_OK || err.text[0] == '\0') {
        abort();
    }
    buf_deinit(&out);
    return 0;
}
