/* What people do to an incident. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <yyjson.h>

#include "base/utf8.h"
#include "incidents/incident_inside.h"

struct changing {
    struct db_session *session;
    struct arena *arena;
    const struct incident_change *change;
    struct incident *incident;
    int64_t now_unix_us;
};

static bool write_and_say(struct changing *changing, enum incident_happening what, struct bytes detail, struct err *err)
{
    return incident_event_add(changing->session, changing->incident, changing->change->actor, what, detail,
                              changing->now_unix_us, err) &&
           incident_row_write(changing->session, changing->incident, changing->now_unix_us, err);
}

static bool acknowledge(struct changing *changing, struct err *err)
{
    struct incident *incident = changing->incident;
    if (incident->state == INCIDENT_ACKNOWLEDGED) return true;
    if (incident->state == INCIDENT_RESOLVED) return err_set(err, ERR_CONFLICT, "the incident is resolved");
    incident->state = INCIDENT_ACKNOWLEDGED;
    incident->acknowledged_unix_us = changing->now_unix_us;
    incident->acknowledged_by = changing->change->actor;
    incident->remind_unix_us = 0;
    return write_and_say(changing, INCIDENT_HAPPENED_ACKNOWLEDGED, BYTES(""), err) &&
           incident_tell_on(changing->session, changing->arena, incident, INCIDENT_HAPPENED_ACKNOWLEDGED,
                            changing->change->actor, "acknowledged", changing->now_unix_us, err);
}

static bool resolve(struct changing *changing, struct err *err)
{
    struct incident *incident = changing->incident;
    if (incident->state == INCIDENT_RESOLVED) return true;
    return incident_resolve(changing->session, changing->arena, incident, changing->change->actor,
                            changing->now_unix_us, err);
}

static bool reopen(struct changing *changing, struct err *err)
{
    if (changing->incident->state != INCIDENT_RESOLVED) return true;
    incident_reopen(changing->incident);
    changing->incident->over_unix_us = 0; /* until a signal or a person ends it */
    return incident_remind_set(changing->session, changing->incident, true, changing->now_unix_us, err) &&
           write_and_say(changing, INCIDENT_HAPPENED_REOPENED, BYTES(""), err) &&
           incident_tell_open(changing->session, changing->arena, changing->incident, NULL, changing->now_unix_us, err);
}

static bool mute(struct changing *changing, struct err *err)
{
    char detail[64];
    if (changing->change->until_unix_us <= changing->now_unix_us)
        return err_set(err, ERR_INPUT, "an incident is muted until a time that is to come");
    changing->incident->muted_until_unix_us = changing->change->until_unix_us;
    snprintf(detail, sizeof detail, "{\"until_unix_us\":%" PRId64 "}", changing->change->until_unix_us);
    return write_and_say(changing, INCIDENT_HAPPENED_MUTED, bytes_of_text(detail), err);
}

static bool unmute(struct changing *changing, struct err *err)
{
    if (!incident_is_muted(changing->incident, changing->now_unix_us)) return true;
    changing->incident->muted_until_unix_us = 0;
    return write_and_say(changing, INCIDENT_HAPPENED_UNMUTED, BYTES(""), err) &&
           (changing->incident->state == INCIDENT_RESOLVED ||
            incident_tell_open(changing->session, changing->arena, changing->incident, NULL, changing->now_unix_us,
                               err));
}

static bool note(struct changing *changing, struct err *err)
{
    struct bytes text = changing->change->note;
    if (text.len == 0 || text.len > INCIDENT_TEXT_BYTES_MAX || !utf8_is_valid(text))
        return err_set(err, ERR_INPUT, "a note has 1 to %d bytes", INCIDENT_TEXT_BYTES_MAX);
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    if (doc == NULL) abort(); /* no memory */
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_strn(doc, root, "text", (const char *)text.ptr, text.len);
    size_t len = 0;
    char *json = yyjson_mut_write(doc, 0, &len);
    yyjson_mut_doc_free(doc);
    if (json == NULL) return err_set(err, ERR_INPUT, "a note is text");
    bool ok = write_and_say(changing, INCIDENT_HAPPENED_NOTE, bytes_from(json, len), err);
    free(json);
    return ok;
}

bool incident_find(struct db_session *session, struct arena *arena, struct uuid project_id, int64_t number,
                   struct incident *incident, struct err *err)
{
    bool is_there = false;
    return incident_row_read(session, arena, project_id, number, incident, &is_there, err) &&
           (is_there || err_set(err, ERR_NOT_FOUND, "the project has no incident #%" PRId64, number));
}

bool incident_change(struct db_session *session, struct arena *arena, struct uuid project_id, int64_t number,
                     const struct incident_change *change, int64_t now_unix_us, struct incident *incident,
                     struct err *err)
{
    static bool (*const acts[])(struct changing *, struct err *) = {
        [INCIDENT_ACKNOWLEDGE] = acknowledge, [INCIDENT_RESOLVE] = resolve,
        [INCIDENT_REOPEN] = reopen,           [INCIDENT_MUTE] = mute,
        [INCIDENT_UNMUTE] = unmute,           [INCIDENT_NOTE] = note,
    };
    struct changing changing = { session, arena, change, incident, now_unix_us };
    return incident_find(session, arena, project_id, number, incident, err) && acts[change->act](&changing, err);
}
