/* Messages of strangers: whatever comes is answered in JSON, or by 202. */
#include "mcp/mcp.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void list(void *ctx, yyjson_mut_doc *doc, yyjson_mut_val *tools)
{
    (void)ctx;
    yyjson_mut_obj_add_str(doc, yyjson_mut_arr_add_obj(doc, tools), "name", "echo");
}

static bool call(void *ctx, const char *name, yyjson_val *arguments, struct buf *out, bool *is_error, struct err *err)
{
    yyjson_val *text = yyjson_obj_get(arguments, "text");
    (void)ctx;
    *is_error = text == NULL;
    if (strcmp(name, "echo") != 0) return err_set(err, ERR_NOT_FOUND, "there is no such tool");
    return !yyjson_is_str(text) || buf_add(out, yyjson_get_str(text), yyjson_get_len(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct mcp_face face = { "fuzz", "Fuzz", "1", "none", list, call, NULL };
    struct buf out;
    buf_init(&out, SIZE_MAX);
    int status = mcp_serve(&face, (struct bytes){ 0 }, bytes_from(data, len), &out);
    yyjson_doc *doc = yyjson_read((const char *)out.ptr, out.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc);
    bool has_one = (yyjson_obj_get(root, "result") != NULL) != (yyjson_obj_get(root, "error") != NULL);
    if (status != 202 && (!has_one || (status != 200 && status != 400))) abort();
    if (status == 202 && out.len > 0) abort();
    yyjson_doc_free(doc);
    buf_deinit(&out);
    return 0;
}
