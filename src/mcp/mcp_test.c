/* The protocol by hand: each kind of message, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "mcp/mcp.h"

static void list(void *ctx, yyjson_mut_doc *doc, yyjson_mut_val *tools)
{
    (void)ctx;
    yyjson_mut_obj_add_str(doc, yyjson_mut_arr_add_obj(doc, tools), "name", "echo");
}

static bool call(void *ctx, const char *name, yyjson_val *arguments, struct buf *out, bool *is_error, struct err *err)
{
    (void)ctx;
    if (strcmp(name, "echo") != 0) return err_set(err, ERR_NOT_FOUND, "there is no tool \"%s\"", name);
    const char *text = yyjson_get_str(yyjson_obj_get(arguments, "text"));
    *is_error = text == NULL;
    return buf_printf(out, "%s", text != NULL ? text : "no text");
}

/* Goal: each message gets the answer that the protocol has for it. Method: a list. */
static void test_messages(void **state)
{
    static const struct {
        const char *version, *body;
        int status;
        const char *answer; /* or its beginning */
    } rows[] = {
        { "",
          "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2025-06-18\"}}",
          200,
          "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"protocolVersion\":\"2025-06-18\",\"capabilities\":{\"tools\":{}}"
          ",\"serverInfo\":{\"name\":\"m\"" },
        { "", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"1999\"}}", 200,
          "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"protocolVersion\":\"2025-11-25\"" },
        { "", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\"}", 200,
          "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32602" },
        { "2025-06-18", "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}", 202, "" },
        { "", "{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":{}}", 202, "" },
        { "2025-11-25", "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"ping\"}", 200,
          "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"result\":{}}" },
        { "2024-11-05", "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"ping\"}", 400,
          "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"error\":{\"code\":-32600" },
        { "", "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/list\",\"params\":{}}", 200,
          "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"tools\":[{\"name\":\"echo\"}]}}" },
        { "",
          "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"tools/"
          "call\",\"params\":{\"name\":\"echo\",\"arguments\":{\"text\":\"hi\"}}}",
          200,
          "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"hi\"}],\"isError\":"
          "false}}" },
        { "", "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"tools/call\",\"params\":{\"name\":\"echo\"}}", 200,
          "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"no "
          "text\"}],\"isError\":true}}" },
        { "", "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"tools/call\",\"params\":{\"name\":\"rm\"}}", 200,
          "{\"jsonrpc\":\"2.0\",\"id\":3,\"error\":{\"code\":-32602,\"message\":\"there is no tool \\\"rm\\\"\"}}" },
        { "",
          "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"tools/call\",\"params\":{\"name\":\"echo\",\"arguments\":[]}}",
          200, "{\"jsonrpc\":\"2.0\",\"id\":3,\"error\":{\"code\":-32602" },
        { "", "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"resources/list\"}", 200,
          "{\"jsonrpc\":\"2.0\",\"id\":4,\"error\":{\"code\":-32601" },
        { "", "[{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"ping\"}]", 400,
          "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600" },
        { "", "{\"id\":4,\"method\":\"ping\"}", 400, "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600" },
        { "", "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"}", 400,
          "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600" },
        { "", "{\"jsonrpc\":", 400, "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700" },
    };
    struct mcp_face face = { "m", "M", "1", "none", list, call, NULL };
    (void)state;
    for (size_t r = 0; r < COUNT_OF(rows); r++) {
        struct buf out;
        buf_init(&out, SIZE_MAX);
        assert_int_equal(mcp_serve(&face, bytes_of_text(rows[r].version), bytes_of_text(rows[r].body), &out),
                         rows[r].status);
        size_t len = strlen(rows[r].answer);
        if (out.len < len || (len == 0 && out.len > 0) || (len > 0 && memcmp(out.ptr, rows[r].answer, len) != 0))
            fail_msg("row %zu: %.*s", r, (int)out.len, (const char *)out.ptr);
        buf_deinit(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_messages) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
