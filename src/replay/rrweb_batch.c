#include "replay/rrweb_batch.h"

#include <stdlib.h>
#include <yyjson.h>

#include "base/utf8.h"
#include "replay/replay_batch.h"

#define TAB_UNKNOWN "rrweb"

static void text_put(yyjson_mut_doc *to, yyjson_mut_val *object, const char *name, yyjson_val *text)
{
    if (yyjson_is_str(text)) yyjson_mut_obj_add_val(to, object, name, yyjson_val_mut_copy(to, text));
}

static void user_put(yyjson_mut_doc *to, yyjson_mut_val *batch, yyjson_val *root)
{
    static const struct {
        const char *name, *in_root;
    } texts[] = { { "id", "userId" }, { "name", "userName" }, { "email", "userEmail" } };
    yyjson_mut_val *user = yyjson_mut_obj_add_obj(to, batch, "user");
    for (size_t t = 0; t < COUNT_OF(texts); t++) {
        yyjson_val *text = yyjson_obj_get(root, texts[t].in_root);
        if (!yyjson_is_str(text)) text = yyjson_obj_get(yyjson_obj_get(root, "user"), texts[t].name);
        text_put(to, user, texts[t].name, text);
    }
}

static bool is_id(yyjson_val *value)
{
    return yyjson_is_str(value) && replay_id_is_valid(bytes_from(yyjson_get_str(value), yyjson_get_len(value)));
}

static void batch_fill(yyjson_mut_doc *to, yyjson_mut_val *batch, yyjson_val *root, struct bytes agent)
{
    yyjson_val *tab = yyjson_obj_get(root, "tabId");
    const char *tab_text = is_id(tab) ? yyjson_get_str(tab) : TAB_UNKNOWN;
    text_put(to, batch, "session", yyjson_obj_get(root, "sessionId"));
    yyjson_mut_obj_add_strcpy(to, batch, "tab", tab_text);
    yyjson_mut_obj_add_strcpy(to, batch, "recording", tab_text);
    if (agent.len > 0 && utf8_is_valid(agent))
        yyjson_mut_obj_add_strncpy(to, batch, "userAgent", (const char *)agent.ptr, agent.len);
    user_put(to, batch, root);
    yyjson_mut_obj_add_val(to, batch, "events", yyjson_val_mut_copy(to, yyjson_obj_get(root, "events")));
}

static bool batch_write(yyjson_val *root, struct bytes agent, struct buf *out, struct err *err)
{
    yyjson_mut_doc *to = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *batch = yyjson_mut_obj(to);
    size_t len = 0;
    batch_fill(to, batch, root, agent);
    char *text = yyjson_mut_val_write(batch, 0, &len);
    bool ok = (text && buf_add(out, text, len)) ||
              err_set(err, ERR_TOO_LARGE, "a replay's batch is larger than this server takes: send smaller ones");
    free(text);
    yyjson_mut_doc_free(to);
    return ok;
}

bool rrweb_batch_convert(struct bytes body, struct bytes agent, struct buf *out, struct err *err)
{
    yyjson_read_err why;
    yyjson_doc *doc = yyjson_read_opts((char *)(uintptr_t)body.ptr, body.len, YYJSON_READ_NUMBER_AS_RAW, NULL, &why);
    if (!doc) return err_set(err, ERR_INPUT, "a replay's batch is JSON: byte %zu: %s", why.pos, why.msg);
    yyjson_val *root = yyjson_doc_get_root(doc);
    bool ok = is_id(yyjson_obj_get(root, "sessionId")) ||
              err_set(err, ERR_INPUT, "\"sessionId\" of a replay's batch is 1 to %d letters, digits, \"-\" and \"_\"",
                      REPLAY_ID_BYTES_MAX);
    ok = ok && batch_write(root, agent, out, err);
    yyjson_doc_free(doc);
    return ok;
}
