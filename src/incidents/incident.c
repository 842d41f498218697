/* A signal comes: it is known, or it joins an incident near it, or it opens one. */
#include <stdio.h>

#include "base/utf8.h"
#include "incidents/incident_inside.h"

struct putting {
    struct db_session *session;
    struct arena arena;
    struct incident_signal signal; /* texts cut to their bounds */
    int64_t now_unix_us;
    struct incident_signal_row before; /* its row */
    bool has_before;
    struct incident incident;
};

static struct bytes cut(struct bytes text, size_t bytes_max)
{
    return bytes_from(text.len > 0 ? text.ptr : (const uint8_t *)"", utf8_cut(text, bytes_max));
}

static bool check(struct putting *putting, const struct incident_signal *signal, struct err *err)
{
    const struct bytes texts[] = { signal->key,   signal->service, signal->endpoint, signal->environment,
                                   signal->title, signal->text,    signal->path,     signal->labels };
    if (signal->key.len == 0 || signal->key.len > INCIDENT_KEY_BYTES_MAX)
        return err_set(err, ERR_INPUT, "the key of a signal has 1 to %d bytes", INCIDENT_KEY_BYTES_MAX);
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        if (!utf8_is_valid(texts[i]) || (texts[i].len > 0 && memchr(texts[i].ptr, 0, texts[i].len) != NULL))
            return err_set(err, ERR_INPUT, "a text of the signal is not UTF-8 without NUL bytes");
    if (signal->started_unix_us <= 0 || (signal->ended_unix_us != 0 && signal->ended_unix_us < signal->started_unix_us))
        return err_set(err, ERR_INPUT, "a signal begins, and ends after that");
    putting->signal = *signal;
    putting->signal.title = cut(signal->title, INCIDENT_LINE_BYTES_MAX);
    putting->signal.service = cut(signal->service, INCIDENT_LINE_BYTES_MAX);
    putting->signal.endpoint = cut(signal->endpoint, INCIDENT_LINE_BYTES_MAX);
    putting->signal.environment = cut(signal->environment, INCIDENT_LINE_BYTES_MAX);
    putting->signal.text = cut(signal->text, INCIDENT_TEXT_BYTES_MAX);
    putting->signal.path = cut(signal->path, INCIDENT_TEXT_BYTES_MAX);
    putting->signal.labels = cut(signal->labels, INCIDENT_TEXT_BYTES_MAX);
    putting->signal.channels = cut(signal->channels, INCIDENT_TEXT_BYTES_MAX);
    return true;
}

static bool before_row(void *ctx, struct db_row *row, struct err *err)
{
    struct putting *putting = ctx;
    (void)err;
    incident_signal_take(&putting->arena, row, &putting->before);
    putting->has_before = true;
    return true;
}

static bool before_read(struct putting *putting, struct err *err)
{
    const struct incident_signal *signal = &putting->signal;
    const char *sql = arena_printf(&putting->arena,
                                   "SELECT %s FROM incident_signals WHERE project_id = $1 AND source = $2 AND key = "
                                   "$3 ORDER BY incident DESC LIMIT 1",
                                   incident_signal_columns);
    return db_run(putting->session, sql,
                  DB_VALUES(db_uuid(signal->project_id), db_integer(signal->source), db_text_bytes(signal->key)),
                  before_row, putting, NULL, err);
}

static bool is_same(const struct incident_signal *a, const struct incident_signal *b)
{
    return a->severity == b->severity && a->quiet == b->quiet && a->started_unix_us == b->started_unix_us &&
           a->ended_unix_us == b->ended_unix_us && bytes_equal(a->service, b->service) &&
           bytes_equal(a->endpoint, b->endpoint) && bytes_equal(a->environment, b->environment) &&
           bytes_equal(a->title, b->title) && bytes_equal(a->text, b->text) && bytes_equal(a->path, b->path) &&
           bytes_equal(a->labels, b->labels) && bytes_equal(a->channels, b->channels);
}

/* An incident of the same service, or else of one that calls it or is called by it, that is fresh enough. Of one that was resolved
 * it counts when. */
static bool near_find(struct putting *putting, int64_t *number, struct err *err)
{
    const struct incident_signal *signal = &putting->signal;
    *number = 0;
    if (signal->service.len == 0) return true;
    return db_run(
        putting->session,
        "WITH near AS (SELECT $2 AS service, 0 AS far UNION ALL SELECT target, 1 FROM rollup_series WHERE project_id = "
        "$1 AND kind = 'edge' AND target_kind = 'service' AND service = $2 AND last_unix_us >= $3 UNION ALL SELECT "
        "service, 1 FROM rollup_series WHERE project_id = $1 AND kind = 'edge' AND target_kind = 'service' AND target "
        "= $2 AND last_unix_us >= $3) SELECT i.number, min(n.far) AS far FROM near n JOIN incident_signals s ON "
        "s.project_id = $1 AND s.service = n.service JOIN incidents i ON i.project_id = $1 AND i.number = s.incident "
        "WHERE n.service <> '' AND (s.environment = $4 OR s.environment = '' OR $4 = '') AND i.signal_count < $5 AND "
        "((i.state <> 2 AND i.last_unix_us >= $6 AND i.first_unix_us <= $7) OR (i.state = 2 AND i.ended_unix_us >= "
        "$8)) GROUP BY i.number ORDER BY min(n.far), i.number DESC LIMIT 1",
        DB_VALUES(db_uuid(signal->project_id), db_text_bytes(signal->service),
                  db_integer(putting->now_unix_us - INCIDENT_NEIGHBOUR_US), db_text_bytes(signal->environment),
                  db_integer(INCIDENT_SIGNALS_MAX), db_integer(signal->started_unix_us - INCIDENT_WINDOW_US),
                  db_integer((signal->ended_unix_us > 0 ? signal->ended_unix_us : signal->started_unix_us) +
                             INCIDENT_WINDOW_US),
                  db_integer(putting->now_unix_us - INCIDENT_WINDOW_US)),
        db_take_integer, number, NULL, err);
}

static bool signal_write(struct putting *putting, struct err *err)
{
    const struct incident_signal *signal = &putting->signal;
    return db_run(
        putting->session,
        "INSERT INTO incident_signals(project_id, incident, source, key, severity, service, endpoint, environment, "
        "title, body, path, labels, channels, is_quiet, started_unix_us, ended_unix_us, changed_unix_us) VALUES($1, "
        "$2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) ON CONFLICT(project_id, incident, "
        "source, key) DO UPDATE SET severity = excluded.severity, service = excluded.service, endpoint = "
        "excluded.endpoint, environment = excluded.environment, title = excluded.title, body = excluded.body, path = "
        "excluded.path, labels = excluded.labels, channels = excluded.channels, is_quiet = excluded.is_quiet, "
        "started_unix_us = excluded.started_unix_us, ended_unix_us = excluded.ended_unix_us, changed_unix_us = "
        "excluded.changed_unix_us",
        DB_VALUES(db_uuid(signal->project_id), db_integer(putting->incident.number), db_integer(signal->source),
                  db_text_bytes(signal->key), db_integer(signal->severity), db_text_bytes(signal->service),
                  db_text_bytes(signal->endpoint), db_text_bytes(signal->environment), db_text_bytes(signal->title),
                  db_text_bytes(signal->text), db_text_bytes(signal->path), db_text_bytes(signal->labels),
                  db_text_bytes(signal->channels), db_boolean(signal->quiet), db_integer(signal->started_unix_us),
                  db_integer(signal->ended_unix_us), db_integer(putting->now_unix_us)),
        NULL, NULL, NULL, err);
}

/* Which one is it of: sets putting->incident; *is_new: it opens it. */
static bool incident_choose(struct putting *putting, bool is_episode, bool *is_new, struct err *err)
{
    const struct incident_signal *signal = &putting->signal;
    bool is_there = false;
    int64_t near = 0;
    *is_new = false;
    if (putting->has_before) {
        if (!incident_row_read(putting->session, &putting->arena, signal->project_id, putting->before.incident,
                               &putting->incident, &is_there, err))
            return false;
        if (is_there && (!is_episode || putting->incident.state != INCIDENT_RESOLVED ||
                         putting->incident.ended_unix_us >= putting->now_unix_us - INCIDENT_WINDOW_US))
            return true;
    }
    if (!near_find(putting, &near, err)) return false;
    if (near > 0)
        return incident_row_read(putting->session, &putting->arena, signal->project_id, near, &putting->incident,
                                 &is_there, err) &&
               (is_there || err_set(err, ERR_CORRUPT, "an incident's signals are there, but not the incident"));
    *is_new = true;
    putting->incident = (struct incident){
        .project_id = signal->project_id,
        .title = signal->title,
        .service = signal->service,
        .environment = signal->environment,
        .severity = signal->severity,
        .worst = signal->severity,
        .episode = 1,
        .first_unix_us = signal->started_unix_us,
        .acknowledged_by = bytes_from("", 0),
    };
    return incident_row_insert(putting->session, &putting->incident, err);
}

static bool happened(struct putting *putting, enum incident_happening what, struct err *err)
{
    struct buf detail;
    bool ok;
    buf_init(&detail, 6 * INCIDENT_LINE_BYTES_MAX + 200);
    ok = incident_signal_detail(&putting->signal, &detail, err) &&
         incident_event_add(putting->session, &putting->incident, bytes_from("", 0), what, buf_bytes(&detail),
                            putting->now_unix_us, err);
    buf_deinit(&detail);
    return ok;
}

/* After its row: what that makes of the incident, and who is told. */
static bool incident_go_on(struct putting *putting, bool is_new, bool is_episode, struct err *err)
{
    struct incident *incident = &putting->incident;
    const struct incident_signal *signal = &putting->signal;
    enum incident_severity severity = incident->severity;
    bool was_over = incident->over_unix_us != 0, is_over = signal->ended_unix_us != 0;
    if (!incident_row_reckon(putting->session, incident, err)) return false;
    bool is_worse = !is_new && !is_over && incident->severity > severity;
    bool reopens = incident->state == INCIDENT_RESOLVED && !is_over && (is_episode || is_worse);
    if (reopens) incident_reopen(incident);
    if (was_over && incident->over_unix_us == 0 && incident->state != INCIDENT_RESOLVED) incident->ended_unix_us = 0;
    if (is_new && !happened(putting, INCIDENT_HAPPENED_OPENED, err)) return false;
    if (reopens && !happened(putting, INCIDENT_HAPPENED_REOPENED, err)) return false;
    if (!is_new && !reopens && is_episode && !happened(putting, INCIDENT_HAPPENED_JOINED, err)) return false;
    if (!reopens && is_worse && !happened(putting, INCIDENT_HAPPENED_WORSE, err)) return false;
    if (!is_episode && is_over && putting->before.signal.ended_unix_us == 0 &&
        !happened(putting, INCIDENT_HAPPENED_SIGNAL_OVER, err))
        return false;
    if (!incident_remind_set(putting->session, incident, is_new || reopens, putting->now_unix_us, err) ||
        !incident_row_write(putting->session, incident, putting->now_unix_us, err))
        return false;
    if (signal->quiet || incident->state == INCIDENT_RESOLVED || incident_is_muted(incident, putting->now_unix_us))
        return true;
    char key[64];
    snprintf(key, sizeof key, "worse-%d", (int)incident->severity);
    if (is_worse && !reopens &&
        !incident_tell_on(putting->session, &putting->arena, incident, INCIDENT_HAPPENED_WORSE, bytes_from("", 0), key,
                          putting->now_unix_us, err))
        return false;
    return incident_tell_open(putting->session, &putting->arena, incident, signal, putting->now_unix_us, err);
}

static bool put(struct putting *putting, struct err *err)
{
    const struct incident_signal *signal = &putting->signal, *before = &putting->before.signal;
    bool is_new;
    if (!before_read(putting, err)) return false;
    if (putting->has_before && is_same(signal, before)) {
        putting->incident.number = putting->before.incident;
        return true;
    }
    bool is_episode = !putting->has_before ||
                      (before->ended_unix_us != 0 && signal->started_unix_us > before->ended_unix_us) ||
                      (before->ended_unix_us != 0 && signal->ended_unix_us == 0);
    return incident_choose(putting, is_episode, &is_new, err) && signal_write(putting, err) &&
           incident_go_on(putting, is_new, is_episode, err);
}

bool incident_signal_put(struct db_session *session, const struct incident_signal *signal, int64_t now_unix_us,
                         int64_t *incident, struct err *err)
{
    struct putting putting = { .session = session, .now_unix_us = now_unix_us };
    *incident = 0;
    if (!check(&putting, signal, err)) return false;
    arena_init(&putting.arena, 0);
    bool ok = put(&putting, err);
    *incident = putting.incident.number;
    arena_deinit(&putting.arena);
    return ok;
}
