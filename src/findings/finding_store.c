#include "findings/finding.h"
#include "findings/finding_account.h"
#include "findings/finding_chart.h"
#include "meta/db_rows.h"
#include <math.h>

#define COLUMNS                                                                                                 \
    "number, kind, is_up, service, row_kind, endpoint, method, route, severity, begin_unix_us, found_unix_us, " \
    "end_unix_us, is_accepted, window_minutes, value, expected, low, high, effect, z, p, row_count, incident, " \
    "breadth, "                                                                                                 \
    "burn, objective"
#define SELECTED                                                                                                       \
    COLUMNS ", coalesce((SELECT c.line FROM finding_causes c WHERE c.project_id = findings.project_id AND c.number = " \
            "findings.number), '')"
#define LIST_FROM (1LL << 62)

/* After it was found: some minutes, of which rows need three to be there. */
static const int64_t looks_us[] = { INT64_C(300000000), INT64_C(480000000), INT64_C(1080000000) };

/* 0: it was looked at often enough. */
static int64_t look_next(const struct finding *f, int64_t now_unix_us)
{
    for (size_t l = 0; l < COUNT_OF(looks_us); l++)
        if (f->found_unix_us + looks_us[l] > now_unix_us) return f->found_unix_us + looks_us[l];
    return 0;
}

struct telling {
    struct arena arena;
    struct finding finding;
    const struct detect_finding *found;
    const struct watch_subject *about;
    const char *subject; /* the same as one text */
    const struct finding_explained *explained;
    int64_t measure, now_unix_us;
    bool is_told, is_known;
};

enum detect_kind finding_measure(enum detect_kind kind)
{
    return kind == DETECT_VOLUME_DROP || kind == DETECT_SILENCE ? DETECT_VOLUME_SPIKE : kind;
}

bool finding_is_told(const struct detect_finding *found)
{
    static const struct finding_weight whole = { .breadth = 1 };
    return finding_severity(found, &whole) > INCIDENT_INFO; /* whatever it weighs */
}

/* Numbers that have no place in a database are none: an expectation of a series that is new. */
static double stored(double number)
{
    return isfinite(number) ? number : 0;
}

static bool known_row(void *ctx, struct db_row *row, struct err *err)
{
    struct telling *telling = ctx;
    (void)err;
    telling->finding.number = db_row_integer(row, 0);
    telling->finding.incident = db_row_integer(row, 1);
    telling->finding.severity = (enum incident_severity)db_row_integer(row, 2);
    telling->finding.cause = db_text_keep(&telling->arena, row, 3);
    telling->finding.weight = (struct finding_weight){ db_row_real(row, 4), db_row_real(row, 5), db_row_real(row, 6) };
    telling->is_known = true;
    return true;
}

static bool row_put(struct db_session *session, const struct telling *telling, struct err *err)
{
    const struct finding *f = &telling->finding;
    return db_run(
        session,
        "INSERT INTO findings(project_id, subject, measure, " COLUMNS ") VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, "
        "$10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29) ON "
        "CONFLICT(project_id, number) DO UPDATE SET kind = excluded.kind, severity = excluded.severity, "
        "end_unix_us = excluded.end_unix_us, is_accepted = excluded.is_accepted, incident = excluded.incident",
        DB_VALUES(db_uuid(f->project_id), db_text(telling->subject), db_integer(telling->measure),
                  db_integer(f->number), db_integer(f->kind), db_boolean(f->is_up), db_text_bytes(f->service),
                  db_text_bytes(f->row_kind), db_text_bytes(f->endpoint), db_text_bytes(f->method),
                  db_text_bytes(f->route), db_integer(f->severity), db_integer(f->begin_unix_us),
                  db_integer(f->found_unix_us), db_integer(f->end_unix_us), db_boolean(f->is_accepted),
                  db_integer(f->window_minutes), db_real(f->value), db_real(f->expected), db_real(f->low),
                  db_real(f->high), db_real(f->effect), db_real(f->z), db_real(f->p), db_real(f->rows),
                  db_integer(f->incident), db_real(f->weight.breadth), db_real(f->weight.burn),
                  db_real(f->weight.objective)),
        NULL, NULL, NULL, err);
}

/* image: a PNG, or empty. */
static bool signal_put(struct db_session *session, struct arena *arena, const struct finding *f, struct bytes image,
                       int64_t now_unix_us, int64_t *incident, struct err *err)
{
    const char *text = finding_text(arena, f);
    if (f->cause.len > 0)
        text = arena_printf(arena, "%s\nLikely cause: %.*s", text, (int)f->cause.len, (const char *)f->cause.ptr);
    const struct incident_signal signal = {
        .project_id = f->project_id,
        .source = INCIDENT_FINDING,
        .key = bytes_of_text(arena_printf(arena, "finding-%lld", (long long)f->number)),
        .severity = f->severity,
        .service = f->service,
        .endpoint = f->kind == DETECT_NEW_PATTERN /* it has no place but its service */
                        ? BYTES("")
                        : bytes_of_text(arena_printf(arena, "%.*s%s%.*s", (int)f->method.len,
                                                     (const char *)f->method.ptr, f->method.len > 0 ? " " : "",
                                                     (int)f->route.len, (const char *)f->route.ptr)),
        .title = bytes_of_text(finding_title(arena, f)),
        .text = bytes_of_text(text),
        .path = bytes_of_text(arena_printf(arena, "findings/%lld", (long long)f->number)),
        .started_unix_us = f->begin_unix_us,
        .ended_unix_us = f->end_unix_us,
        .image = image,
    };
    return incident_signal_put(session, &signal, now_unix_us, incident, err);
}

/* At its opening: with rows it is looked at soon, also when it was found late. */
static bool causes_put(struct db_session *session, const struct finding *f, const struct finding_explained *explained,
                       int64_t now_unix_us, struct err *err)
{
    int64_t next = f->found_unix_us + looks_us[0];
    return db_run(session,
                  "INSERT INTO finding_causes(project_id, number, content, line, looked_unix_us, next_unix_us) "
                  "VALUES($1, $2, $3, $4, $5, "
                  "$6) ON CONFLICT(project_id, number) DO NOTHING",
                  DB_VALUES(db_uuid(f->project_id), db_integer(f->number), db_text_bytes(explained->content),
                            db_text_bytes(explained->line), db_integer(now_unix_us),
                            db_integer(next > now_unix_us ? next : now_unix_us)),
                  NULL, NULL, NULL, err);
}

static bool tell_run(struct db_session *session, void *ctx, struct err *err)
{
    struct telling *telling = ctx;
    struct finding *f = &telling->finding;
    telling->is_known = false;
    if (!db_run(session,
                "SELECT f.number, f.incident, f.severity, coalesce(c.line, ''), f.breadth, f.burn, f.objective FROM "
                "findings f LEFT JOIN "
                "finding_causes c ON "
                "c.project_id = f.project_id AND c.number = f.number WHERE f.project_id = $1 AND f.subject = $2 AND "
                "f.measure = $3 AND (f.found_unix_us = $4 OR (f.end_unix_us = 0 AND f.begin_unix_us BETWEEN $5 AND "
                "$6)) ORDER BY CASE WHEN f.found_unix_us = $4 THEN 1 ELSE 0 END DESC, f.number DESC LIMIT 1",
                DB_VALUES(db_uuid(f->project_id), db_text(telling->subject), db_integer(telling->measure),
                          db_integer(f->found_unix_us), db_integer(f->begin_unix_us - FINDING_SAME_US),
                          db_integer(f->begin_unix_us + FINDING_SAME_US)),
                known_row, telling, NULL, err))
        return false;
    if (!telling->is_known &&
        (!finding_weight_read(session, f->project_id, telling->found, telling->about, &f->weight, err) ||
         !db_run(session, "SELECT coalesce(max(number), 0) + 1 FROM findings WHERE project_id = $1",
                 DB_VALUES(db_uuid(f->project_id)), db_take_integer, &f->number, NULL, err)))
        return false;
    /* What is known keeps its weight, and grows no milder. */
    enum incident_severity severity = finding_severity(telling->found, &f->weight);
    if (!telling->is_known || severity > f->severity) f->severity = severity;
    bool is_first = !telling->is_known || (telling->is_told && f->incident == 0); /* that people may hear of it */
    if (telling->explained && is_first) f->cause = telling->explained->line;
    if ((telling->is_told || f->incident > 0) && f->severity > INCIDENT_INFO) {
        struct bytes image = bytes_from("", 0);
        if (is_first && f->end_unix_us == 0 &&
            !finding_chart(session, &telling->arena, f, telling->now_unix_us, &image, err))
            return false;
        if (!signal_put(session, &telling->arena, f, image, telling->now_unix_us, &f->incident, err)) return false;
    }
    if (telling->explained && is_first && !causes_put(session, f, telling->explained, telling->now_unix_us, err))
        return false;
    return row_put(session, telling, err);
}

void finding_make(struct finding *finding, struct uuid project_id, const struct detect_finding *found,
                  const struct watch_subject *subject)
{
    static const struct watch_subject all = { .kind = "" };
    struct bytes nothing = bytes_from("", 0);
    if (!subject) subject = &all;
    *finding = (struct finding){
        .project_id = project_id,
        .kind = found->kind,
        .is_up = found->is_up,
        .is_accepted = found->change == DETECT_ACCEPTED,
        .service = subject->service.len > 0 ? subject->service : nothing,
        .row_kind = bytes_of_text(subject->kind),
        .endpoint = subject->endpoint.len > 0 ? subject->endpoint : nothing,
        .method = subject->method.len > 0 ? subject->method : nothing,
        .route = subject->route.len > 0 ? subject->route : nothing,
        .begin_unix_us = found->begin_unix_us,
        .found_unix_us = found->found_unix_us,
        .end_unix_us = found->change == DETECT_CLOSED || found->change == DETECT_ACCEPTED
                           ? (found->end_unix_us > found->begin_unix_us ? found->end_unix_us : found->begin_unix_us + 1)
                           : 0,
        .window_minutes = found->window_minutes,
        .value = stored(found->value),
        .expected = stored(found->expected),
        .low = stored(found->low),
        .high = stored(found->high),
        .effect = stored(found->effect),
        .z = stored(found->z),
        .p = stored(found->p),
        .rows = stored(found->rows),
        .cause = nothing,
    };
}

bool finding_tell(struct db *db, struct uuid project_id, const struct detect_finding *found,
                  const struct watch_subject *subject, const struct finding_explained *explained, bool is_told,
                  int64_t now_unix_us, struct err *err)
{
    struct telling telling = { .found = found,
                               .about = subject,
                               .measure = finding_measure(found->kind),
                               .now_unix_us = now_unix_us,
                               .is_told = is_told,
                               .explained = explained };
    const struct finding *f = &telling.finding;
    finding_make(&telling.finding, project_id, found, subject);
    arena_init(&telling.arena, 4096);
    telling.subject = arena_printf(&telling.arena, "%.*s\n%.*s\n%.*s", (int)f->row_kind.len,
                                   (const char *)f->row_kind.ptr, (int)f->service.len, (const char *)f->service.ptr,
                                   (int)f->endpoint.len, (const char *)f->endpoint.ptr);
    bool ok = db_transaction(db, tell_run, &telling, err);
    arena_deinit(&telling.arena);
    return ok;
}

/* ---- reading ---- */

struct listing {
    struct arena *arena;
    struct uuid project_id;
    bool (*each)(void *ctx, const struct finding *finding);
    void *ctx;
};

static void row_take(struct listing *listing, struct db_row *row, struct finding *f)
{
    struct arena *arena = listing->arena;
    *f = (struct finding){
        .project_id = listing->project_id,
        .number = db_row_integer(row, 0),
        .kind = (enum detect_kind)db_row_integer(row, 1),
        .is_up = db_row_boolean(row, 2),
        .service = db_text_keep(arena, row, 3),
        .row_kind = db_text_keep(arena, row, 4),
        .endpoint = db_text_keep(arena, row, 5),
        .method = db_text_keep(arena, row, 6),
        .route = db_text_keep(arena, row, 7),
        .severity = (enum incident_severity)db_row_integer(row, 8),
        .begin_unix_us = db_row_integer(row, 9),
        .found_unix_us = db_row_integer(row, 10),
        .end_unix_us = db_row_integer(row, 11),
        .is_accepted = db_row_boolean(row, 12),
        .window_minutes = db_row_integer(row, 13),
        .value = db_row_real(row, 14),
        .expected = db_row_real(row, 15),
        .low = db_row_real(row, 16),
        .high = db_row_real(row, 17),
        .effect = db_row_real(row, 18),
        .z = db_row_real(row, 19),
        .p = db_row_real(row, 20),
        .rows = db_row_real(row, 21),
        .incident = db_row_integer(row, 22),
        .weight = { db_row_real(row, 23), db_row_real(row, 24), db_row_real(row, 25) },
        .cause = db_text_keep(arena, row, 26),
    };
    if (f->severity >= INCIDENT_SEVERITY_COUNT) row->is_bad = true;
}

static bool list_row(void *ctx, struct db_row *row, struct err *err)
{
    struct listing *listing = ctx;
    struct finding finding;
    (void)err;
    row_take(listing, row, &finding);
    return row->is_bad || listing->each(listing->ctx, &finding);
}

bool finding_list(struct db *db, struct uuid project_id, struct arena *arena, const struct finding_filter *filter,
                  bool (*each)(void *ctx, const struct finding *finding), void *ctx, struct err *err)
{
    struct listing listing = { arena, project_id, each, ctx };
    return db_read(db,
                   "SELECT " SELECTED
                   " FROM findings WHERE project_id = $1 AND number < $2 AND ($3 = '' OR service = $3) AND "
                   "(end_unix_us = 0 OR end_unix_us >= $4) AND begin_unix_us < $5 AND ($6 = 0 OR end_unix_us = 0) "
                   "ORDER BY number DESC LIMIT $7",
                   DB_VALUES(db_uuid(project_id), db_integer(filter->before > 0 ? filter->before : LIST_FROM),
                             db_text_bytes(filter->service), db_integer(filter->from_unix_us),
                             db_integer(filter->to_unix_us > 0 ? filter->to_unix_us : LIST_FROM),
                             db_boolean(filter->is_open), db_integer(filter->limit)),
                   list_row, &listing, err);
}

struct one {
    struct finding *finding;
    bool *is_there;
};
static bool one_put(void *ctx, const struct finding *finding)
{
    const struct one *one = ctx;
    *one->finding = *finding;
    return *one->is_there = true;
}

bool finding_find(struct db *db, struct uuid project_id, struct arena *arena, int64_t number, struct finding *finding,
                  bool *is_there, struct err *err)
{
    struct one one = { finding, is_there };
    struct listing listing = { arena, project_id, one_put, &one };
    *is_there = false;
    return db_read(db, "SELECT " SELECTED " FROM findings WHERE project_id = $1 AND number = $2",
                   DB_VALUES(db_uuid(project_id), db_integer(number)), list_row, &listing, err);
}

/* ---- causes ---- */

bool finding_causes_due(struct db *db, struct uuid project_id, struct arena *arena, int64_t now_unix_us,
                        bool (*each)(void *ctx, const struct finding *finding), void *ctx, struct err *err)
{
    struct listing listing = { arena, project_id, each, ctx };
    return db_read(db,
                   "SELECT " SELECTED
                   " FROM findings WHERE project_id = $1 AND end_unix_us = 0 AND number IN (SELECT d.number FROM "
                   "finding_causes d WHERE d.project_id = $1 AND d.next_unix_us > 0 AND d.next_unix_us <= $2) ORDER BY "
                   "begin_unix_us, number",
                   DB_VALUES(db_uuid(project_id), db_integer(now_unix_us)), list_row, &listing, err);
}

struct explaining {
    struct arena arena;
    struct finding finding;
    const struct finding_explained *explained;
    int64_t now_unix_us;
};

static bool explain_run(struct db_session *session, void *ctx, struct err *err)
{
    struct explaining *explaining = ctx;
    struct finding f = explaining->finding;
    const struct finding_explained *explained = explaining->explained;
    if (explained && f.incident > 0 && !bytes_equal(f.cause, explained->line)) {
        f.cause = explained->line;
        if (!signal_put(session, &explaining->arena, &f, bytes_from("", 0), explaining->now_unix_us, &f.incident, err))
            return false;
    }
    if (f.severity > INCIDENT_INFO && !finding_account_wish(session, &f, explaining->now_unix_us, err)) return false;
    return db_run(session,
                  "UPDATE finding_causes SET content = CASE WHEN $3 = '' THEN content ELSE $3 END, line = CASE WHEN $3 "
                  "= '' THEN line "
                  "ELSE $4 END, looked_unix_us = $5, next_unix_us = $6 WHERE project_id = $1 AND number = $2",
                  DB_VALUES(db_uuid(f.project_id), db_integer(f.number),
                            db_text_bytes(explained ? explained->content : BYTES("")),
                            db_text_bytes(explained ? explained->line : BYTES("")), db_integer(explaining->now_unix_us),
                            db_integer(look_next(&f, explaining->now_unix_us))),
                  NULL, NULL, NULL, err);
}

bool finding_explain(struct db *db, const struct finding *finding, const struct finding_explained *explained,
                     int64_t now_unix_us, struct err *err)
{
    struct explaining explaining = { .finding = *finding, .explained = explained, .now_unix_us = now_unix_us };
    arena_init(&explaining.arena, 4096);
    bool ok = db_transaction(db, explain_run, &explaining, err);
    arena_deinit(&explaining.arena);
    return ok;
}

struct explained_read {
    struct arena *arena;
    struct finding_explained *explained;
};
static bool explained_row(void *ctx, struct db_row *row, struct err *err)
{
    struct explained_read *read = ctx;
    (void)err;
    *read->explained =
        (struct finding_explained){ db_text_keep(read->arena, row, 0), db_text_keep(read->arena, row, 1) };
    return true;
}

bool finding_explained_find(struct db *db, struct uuid project_id, int64_t number, struct arena *arena,
                            struct finding_explained *explained, struct err *err)
{
    struct explained_read read = { arena, explained };
    *explained = (struct finding_explained){ BYTES(""), BYTES("") };
    return db_read(db, "SELECT content, line FROM finding_causes WHERE project_id = $1 AND number = $2",
                   DB_VALUES(db_uuid(project_id), db_integer(number)), explained_row, &read, err);
}

/* ---- upkeep ---- */

struct owning {
    struct uuid project_id, owner;
    int64_t now_unix_us, changed;
};

static bool take_run(struct db_session *session, void *ctx, struct err *err)
{
    struct owning *owning = ctx;
    return db_run(
        session,
        "INSERT INTO finding_owners(project_id, owner, until_unix_us) VALUES($1, $2, $3) ON CONFLICT(project_id) DO "
        "UPDATE SET owner = excluded.owner, until_unix_us = excluded.until_unix_us WHERE finding_owners.owner = "
        "excluded.owner OR finding_owners.until_unix_us < $4",
        DB_VALUES(db_uuid(owning->project_id), db_uuid(owning->owner),
                  db_integer(owning->now_unix_us + FINDING_LEASE_US), db_integer(owning->now_unix_us)),
        NULL, NULL, &owning->changed, err);
}

bool finding_owner_take(struct db *db, struct uuid project_id, struct uuid owner, int64_t now_unix_us, bool *got,
                        struct err *err)
{
    struct owning owning = { project_id, owner, now_unix_us, 0 };
    *got = db_transaction(db, take_run, &owning, err) && owning.changed > 0;
    return err->code == ERR_OK;
}

static bool release_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct owning *owning = ctx;
    return db_run(session, "DELETE FROM finding_owners WHERE owner = $1", DB_VALUES(db_uuid(owning->owner)), NULL, NULL,
                  NULL, err);
}

bool finding_owner_release(struct db *db, struct uuid owner, struct err *err)
{
    struct owning owning = { .owner = owner };
    return db_transaction(db, release_run, &owning, err);
}

static bool expire_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct owning *owning = ctx;
    return db_run(session,
                  "DELETE FROM finding_causes WHERE project_id = $1 AND number IN (SELECT number FROM findings WHERE "
                  "project_id = $1 AND end_unix_us > 0 AND end_unix_us < $2)",
                  DB_VALUES(db_uuid(owning->project_id), db_integer(owning->now_unix_us)), NULL, NULL, NULL, err) &&
           db_run(session,
                  "DELETE FROM finding_accounts WHERE project_id = $1 AND number IN (SELECT number FROM findings WHERE "
                  "project_id = $1 AND end_unix_us > 0 AND end_unix_us < $2)",
                  DB_VALUES(db_uuid(owning->project_id), db_integer(owning->now_unix_us)), NULL, NULL, NULL, err) &&
           db_run(session, "DELETE FROM findings WHERE project_id = $1 AND end_unix_us > 0 AND end_unix_us < $2",
                  DB_VALUES(db_uuid(owning->project_id), db_integer(owning->now_unix_us)), NULL, NULL, NULL, err);
}

bool finding_expire(struct db *db, struct uuid project_id, int64_t before_unix_us, struct err *err)
{
    struct owning owning = { .project_id = project_id, .now_unix_us = before_unix_us };
    return db_transaction(db, expire_run, &owning, err);
}
