#include "channels/slack_answer.h"

#include <stdio.h>
#include <yyjson.h>

/* Words of letters, digits and '_' '.' '-' alone: they go into rows and headers. */
static void word_take(yyjson_val *object, const char *name, char *out, size_t bytes)
{
    const char *text = yyjson_get_str(yyjson_obj_get(object, name));
    size_t len = text != NULL ? yyjson_get_len(yyjson_obj_get(object, name)) : 0;
    out[0] = '\0';
    if (len >= bytes) return;
    for (size_t i = 0; i < len; i++) {
        char byte = text[i];
        if (!((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
              byte == '_' || byte == '.' || byte == '-'))
            return;
    }
    snprintf(out, bytes, "%.*s", (int)len, text != NULL ? text : "");
}

void slack_answer_read(struct bytes json, struct slack_answer *answer)
{
    static const char *const temporary[] = { "ratelimited",         "rate_limited",    "internal_error",
                                             "service_unavailable", "request_timeout", "fatal_error" };
    *answer = (struct slack_answer){ 0 };
    yyjson_doc *doc = json.len > 0 ? yyjson_read((const char *)json.ptr, json.len, 0) : NULL;
    yyjson_val *root = yyjson_doc_get_root(doc);
    answer->is_ok = yyjson_get_bool(yyjson_obj_get(root, "ok"));
    word_take(root, "error", answer->error, sizeof answer->error);
    word_take(root, "channel", answer->channel, sizeof answer->channel);
    word_take(root, "ts", answer->ts, sizeof answer->ts);
    for (size_t i = 0; i < COUNT_OF(temporary); i++)
        answer->is_temporary = answer->is_temporary || strcmp(answer->error, temporary[i]) == 0;
    answer->is_gone =
        strcmp(answer->error, "message_not_found") == 0 || strcmp(answer->error, "cant_update_message") == 0;
    yyjson_doc_free(doc);
}
