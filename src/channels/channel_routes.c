#include <yyjson.h>

#include "base/glob.h"
#include "channels/channel.h"
#include "channels/message.h"

const char *const channel_kind_names[CHANNEL_KIND_COUNT] = { "email",   "slack",     "slack_token",
                                                             "discord", "pagerduty", "webhook" };

/* An absent or empty list matches all. */
static bool globs_match(yyjson_val *globs, struct bytes text)
{
    size_t at, max;
    yyjson_val *glob;
    if (yyjson_arr_size(globs) == 0) return true;
    yyjson_arr_foreach(globs, at, max, glob)
    {
        if (yyjson_is_str(glob) && glob_match(bytes_from(yyjson_get_str(glob), yyjson_get_len(glob)), text, false))
            return true;
    }
    return false;
}

static bool route_matches(yyjson_val *route, const struct channel_topic *topic)
{
    uint32_t least = 0;
    if (!yyjson_is_obj(route)) return false;
    yyjson_val *severity = yyjson_obj_get(route, "severity");
    while (least < MESSAGE_SEVERITY_COUNT && !yyjson_equals_str(severity, message_severity_names[least])) least++;
    return topic->severity >= least && globs_match(yyjson_obj_get(route, "services"), topic->service) &&
           globs_match(yyjson_obj_get(route, "environments"), topic->environment);
}

bool channel_routes_match(struct bytes routes, const struct channel_topic *topic)
{
    yyjson_doc *doc = routes.len > 0 ? yyjson_read((const char *)routes.ptr, routes.len, 0) : NULL;
    yyjson_val *list = yyjson_doc_get_root(doc), *route;
    bool matches = false;
    size_t at, max;
    if (yyjson_is_arr(list)) yyjson_arr_foreach(list, at, max, route) matches = matches || route_matches(route, topic);
    yyjson_doc_free(doc);
    return matches;
}

struct matching {
    const struct channel_topic *topic;
    int64_t *ids;
    uint32_t count;
};
static bool channel_row(void *ctx, struct db_row *row, struct err *err)
{
    struct matching *matching = ctx;
    (void)err;
    if (matching->count < CHANNEL_IDS_MAX && channel_routes_match(db_row_text(row, 1), matching->topic))
        matching->ids[matching->count++] = db_row_integer(row, 0);
    return true;
}

bool channels_match(struct db_session *session, struct uuid project_id, const struct channel_topic *topic,
                    int64_t ids[CHANNEL_IDS_MAX], uint32_t *count, struct err *err)
{
    struct matching matching = { topic, ids, 0 };
    if (!db_run(session, "SELECT id, routes FROM channels WHERE project_id = $1 AND is_on = 1 ORDER BY id",
                DB_VALUES(db_uuid(project_id)), channel_row, &matching, NULL, err))
        return false;
    *count = matching.count;
    return true;
}
