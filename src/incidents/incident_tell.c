/* Who is told of an incident, in which words. A telling's dedup_key names the incident, its episode and what is told: put twice it is
 * told once. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <yyjson.h>

#include "base/date.h"
#include "channels/channel.h"
#include "channels/delivery.h"
#include "incidents/incident_inside.h"

enum { FACTS_MAX = 8, TEXTS_MAX = 5 };
struct telling {
    struct db_session *session;
    struct arena *arena;
    const struct incident *incident;
    int64_t now_unix_us;
    struct incident_signal_row *signals;
    uint32_t signal_count;
    struct bytes project;
    const struct incident_signal *of; /* NULL: of none, or none that has an image */
};

/* ---- the words ---- */

static struct bytes time_text(struct arena *arena, int64_t unix_us)
{
    int64_t seconds = unix_us / 1000000;
    char day[16];
    date_text((int32_t)(seconds / 86400), day);
    return bytes_of_text(
        arena_printf(arena, "%s %02d:%02d UTC", day, (int)(seconds / 3600 % 24), (int)(seconds / 60 % 60)));
}

struct facts {
    struct bytes cells[2 * FACTS_MAX];
    uint32_t count;
};
static void fact(struct facts *facts, const char *what, struct bytes value)
{
    if (value.len == 0 || facts->count == FACTS_MAX) return;
    facts->cells[2 * facts->count] = bytes_of_text(what);
    facts->cells[2 * facts->count++ + 1] = value;
}

static struct bytes severity_text(enum incident_severity severity)
{
    return bytes_of_text(incident_severity_names[severity]);
}

static const char *heading_of(enum incident_happening what)
{
    switch (what) {
    case INCIDENT_HAPPENED_WORSE: return "Worse: ";
    case INCIDENT_HAPPENED_ACKNOWLEDGED: return "Acknowledged: ";
    case INCIDENT_HAPPENED_RESOLVED: return "Resolved: ";
    case INCIDENT_HAPPENED_REMINDED: return "Still open: ";
    case INCIDENT_HAPPENED_REOPENED: return "Again: ";
    default: return "";
    }
}

/* The worst and newest of what goes on come first; of all when nothing does. */
static int by_weight(const void *a, const void *b)
{
    const struct incident_signal *x = &((const struct incident_signal_row *)a)->signal;
    const struct incident_signal *y = &((const struct incident_signal_row *)b)->signal;
    if ((x->ended_unix_us == 0) != (y->ended_unix_us == 0)) return x->ended_unix_us == 0 ? -1 : 1;
    if (x->severity != y->severity) return x->severity > y->severity ? -1 : 1;
    return (x->started_unix_us > y->started_unix_us) - (x->started_unix_us < y->started_unix_us);
}

static void message_make(struct telling *telling, enum incident_happening what, struct bytes actor,
                         struct message *message)
{
    const struct incident *incident = telling->incident;
    struct arena *arena = telling->arena;
    struct facts *facts = arena_calloc(arena, sizeof *facts);
    struct message_block *blocks = arena_calloc(arena, (TEXTS_MAX + 3) * sizeof *blocks);
    struct message_link *links = arena_calloc(arena, (TEXTS_MAX + 1) * sizeof *links);
    uint32_t shown = telling->signal_count < TEXTS_MAX ? telling->signal_count : TEXTS_MAX;
    bool has_ended = what == INCIDENT_HAPPENED_RESOLVED;
    fact(facts, "Severity", severity_text(has_ended ? incident->worst : incident->severity));
    fact(facts, "Service", incident->service);
    fact(facts, "Environment", incident->environment);
    fact(facts, "Since", time_text(arena, incident->first_unix_us));
    if (has_ended) fact(facts, "Until", time_text(arena, telling->now_unix_us));
    fact(facts, "Signals", bytes_of_text(arena_printf(arena, "%" PRId64, incident->signal_count)));
    fact(facts, what == INCIDENT_HAPPENED_RESOLVED ? "Resolved by" : "Acknowledged by",
         has_ended ? actor : incident->acknowledged_by);
    *message = (struct message){
        .act = has_ended                                                                ? MESSAGE_RESOLVE
               : what == INCIDENT_HAPPENED_OPENED || what == INCIDENT_HAPPENED_REOPENED ? MESSAGE_OPEN
                                                                                        : MESSAGE_UPDATE,
        .severity = (enum message_severity)(has_ended ? incident->worst : incident->severity),
        .thread_key =
            bytes_of_text(arena_printf(arena, "incident-%" PRId64 "-%" PRId64, incident->number, incident->episode)),
        .title = bytes_of_text(arena_printf(arena, "%s%.*s", heading_of(what), (int)incident->title.len,
                                            (const char *)incident->title.ptr)),
        .blocks = blocks,
        .links = links,
        .incident = incident->number,
        .is_acknowledged = incident->state == INCIDENT_ACKNOWLEDGED,
    };
    blocks[message->block_count++] = (struct message_block){
        .kind = MESSAGE_FACTS, .column_count = 2, .row_count = facts->count, .cells = facts->cells
    };
    links[message->link_count++] = (struct message_link){
        bytes_of_text(arena_printf(arena, "Incident #%" PRId64, incident->number)),
        bytes_of_text(arena_printf(arena, "/p/%.*s/incidents/%" PRId64, (int)telling->project.len,
                                   (const char *)telling->project.ptr, incident->number)),
    };
    qsort(telling->signals, telling->signal_count, sizeof *telling->signals, by_weight);
    for (uint32_t i = 0; i < shown; i++) {
        const struct incident_signal *signal = &telling->signals[i].signal;
        blocks[message->block_count++] = (struct message_block){
            .kind = MESSAGE_TEXT,
            .text = bytes_of_text(arena_printf(arena, "%.*s%s%.*s", (int)signal->title.len,
                                               (const char *)signal->title.ptr, signal->text.len > 0 ? "\n" : "",
                                               (int)signal->text.len, (const char *)signal->text.ptr)),
        };
        if (signal->path.len == 0) continue;
        links[message->link_count++] = (struct message_link){
            signal->title,
            bytes_of_text(arena_printf(arena, "/p/%.*s/%.*s", (int)telling->project.len,
                                       (const char *)telling->project.ptr, (int)signal->path.len,
                                       (const char *)signal->path.ptr)),
        };
    }
    if (telling->of && telling->of->image.len > 0) {
        struct message_image *image = arena_calloc(arena, sizeof *image);
        *image = (struct message_image){ BYTES("chart1"), BYTES(""), telling->of->image };
        message->images = image;
        message->image_count = 1;
        blocks[message->block_count++] = (struct message_block){ .kind = MESSAGE_IMAGE, .text = image->id };
    }
    if (telling->signal_count > shown)
        blocks[message->block_count++] = (struct message_block){
            .kind = MESSAGE_TEXT,
            .text = bytes_of_text(arena_printf(arena, "and %" PRIu32 " more", telling->signal_count - shown)),
        };
}

/* ---- the channels ---- */

struct ids {
    int64_t ids[CHANNEL_IDS_MAX];
    uint32_t count;
};
static void id_add(struct ids *ids, int64_t id)
{
    for (uint32_t i = 0; i < ids->count; i++)
        if (ids->ids[i] == id) return;
    if (ids->count < CHANNEL_IDS_MAX) ids->ids[ids->count++] = id;
}

static bool id_row(void *ctx, struct db_row *row, struct err *err)
{
    (void)err;
    id_add(ctx, db_row_integer(row, 0));
    return true;
}

/* A monitor names channels of its own; one that is gone by now is left out. */
static bool own_channels(struct telling *telling, struct bytes channels, struct ids *ids, struct err *err)
{
    yyjson_doc *doc = channels.len > 0 ? yyjson_read((const char *)channels.ptr, channels.len, 0) : NULL;
    yyjson_val *list = yyjson_doc_get_root(doc), *id;
    size_t at, max;
    bool ok = true;
    if (yyjson_is_arr(list)) yyjson_arr_foreach(list, at, max, id)
        {
            ok = ok && (!yyjson_is_int(id) ||
                        db_run(telling->session, "SELECT id FROM channels WHERE project_id = $1 AND id = $2",
                               DB_VALUES(db_uuid(telling->incident->project_id), db_integer(yyjson_get_sint(id))),
                               id_row, ids, NULL, err));
        }
    yyjson_doc_free(doc);
    return ok;
}

static bool routed(struct telling *telling, struct ids *ids, struct err *err)
{
    for (uint32_t i = 0; i < telling->signal_count; i++) {
        const struct incident_signal *signal = &telling->signals[i].signal;
        struct ids more;
        const struct channel_topic topic = { (uint32_t)signal->severity, signal->service, signal->environment };
        if (signal->quiet || (signal->ended_unix_us != 0 && telling->incident->over_unix_us == 0)) continue;
        if (!channels_match(telling->session, telling->incident->project_id, &topic, more.ids, &more.count, err) ||
            !own_channels(telling, signal->channels, ids, err))
            return false;
        for (uint32_t m = 0; m < more.count; m++) id_add(ids, more.ids[m]);
    }
    return true;
}

static bool project_row(void *ctx, struct db_row *row, struct err *err)
{
    struct telling *telling = ctx;
    (void)err;
    telling->project = db_text_keep(telling->arena, row, 0);
    return true;
}

static bool begin(struct telling *telling, struct err *err)
{
    return incident_signals_of(telling->session, telling->arena, telling->incident->project_id,
                               telling->incident->number, &telling->signals, &telling->signal_count, err) &&
           db_run(telling->session, "SELECT name FROM projects WHERE id = $1",
                  DB_VALUES(db_uuid(telling->incident->project_id)), project_row, telling, NULL, err);
}

static bool put_all(struct telling *telling, const struct ids *ids, const struct message *message, const char *key,
                    struct err *err)
{
    const struct incident *incident = telling->incident;
    char dedup_key[128];
    snprintf(dedup_key, sizeof dedup_key, "incident-%" PRId64 "-%" PRId64 ":%s", incident->number, incident->episode,
             key);
    for (uint32_t i = 0; i < ids->count; i++)
        if (!delivery_put(telling->session, incident->project_id, ids->ids[i], bytes_of_text(dedup_key), message,
                          telling->now_unix_us, err))
            return false;
    return true;
}

bool incident_tell_open(struct db_session *session, struct arena *arena, const struct incident *incident,
                        const struct incident_signal *of, int64_t now_unix_us, struct err *err)
{
    struct telling telling = {
        .session = session, .arena = arena, .incident = incident, .now_unix_us = now_unix_us, .of = of
    };
    struct ids ids = { .count = 0 };
    struct message message;
    if (!begin(&telling, err) || !routed(&telling, &ids, err)) return false;
    if (ids.count == 0) return true;
    message_make(&telling, incident->episode > 1 ? INCIDENT_HAPPENED_REOPENED : INCIDENT_HAPPENED_OPENED,
                 bytes_from("", 0), &message);
    return put_all(&telling, &ids, &message, "open", err);
}

bool incident_tell_on(struct db_session *session, struct arena *arena, const struct incident *incident,
                      enum incident_happening what, struct bytes actor, const char *key, int64_t now_unix_us,
                      struct err *err)
{
    struct telling telling = { .session = session, .arena = arena, .incident = incident, .now_unix_us = now_unix_us };
    struct ids ids = { .count = 0 };
    struct message message;
    if (!begin(&telling, err) ||
        !db_run(session,
                "SELECT DISTINCT channel_id FROM deliveries WHERE project_id = $1 AND incident = $2 AND act = 0 ORDER "
                "BY channel_id",
                DB_VALUES(db_uuid(incident->project_id), db_integer(incident->number)), id_row, &ids, NULL, err))
        return false;
    if (ids.count == 0) return true;
    message_make(&telling, what, actor, &message);
    return put_all(&telling, &ids, &message, key, err);
}

bool incident_signal_detail(const struct incident_signal *signal, struct buf *json, struct err *err)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    if (doc == NULL) abort(); /* no memory */
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "source", incident_source_names[signal->source]);
    yyjson_mut_obj_add_str(doc, root, "severity", incident_severity_names[signal->severity]);
    yyjson_mut_obj_add_strn(doc, root, "title", (const char *)signal->title.ptr, signal->title.len);
    yyjson_mut_obj_add_strn(doc, root, "service", (const char *)signal->service.ptr, signal->service.len);
    size_t len = 0;
    char *text = yyjson_mut_write(doc, 0, &len);
    yyjson_mut_doc_free(doc);
    bool ok = text != NULL && buf_add(json, text, len);
    free(text);
    return ok || err_set(err, ERR_TOO_LARGE, "what happened to the incident is too long");
}
