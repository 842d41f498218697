#include "findings/finding_severity.h"
#include <math.h>
#include <yyjson.h>

/* Before, for what is usual of the service; since, as it is now: a few minutes, for the table is read for all its series. */
static const int64_t MINUTE_US = INT64_C(60000000), BEFORE_US = 10 * INT64_C(60000000),
                     SINCE_US_MAX = 10 * INT64_C(60000000);

static enum incident_severity by_effect(const struct detect_finding *found)
{
    double ratio = found->expected > 0 ? found->value / found->expected : found->value > 0 ? INFINITY : 1;
    switch (found->kind) {
    case DETECT_SILENCE: return INCIDENT_CRITICAL;
    case DETECT_VOLUME_DROP: return ratio <= 0.25 ? INCIDENT_CRITICAL : INCIDENT_WARNING;
    case DETECT_VOLUME_SPIKE: return ratio >= 4 ? INCIDENT_CRITICAL : ratio >= 3 ? INCIDENT_WARNING : INCIDENT_INFO;
    case DETECT_ERROR_RATE:
        return !found->is_up ? INCIDENT_INFO : found->effect >= 0.1 ? INCIDENT_CRITICAL : INCIDENT_WARNING;
    case DETECT_LATENCY: return !found->is_up ? INCIDENT_INFO : ratio >= 3 ? INCIDENT_CRITICAL : INCIDENT_WARNING;
    case DETECT_NEW_ERROR:
    case DETECT_NEW_PATTERN: return found->is_up ? INCIDENT_WARNING : INCIDENT_INFO;
    case DETECT_METRIC: return INCIDENT_INFO; /* whether more is better or worse is not known */
    }
    return INCIDENT_INFO;
}

enum incident_severity finding_severity(const struct detect_finding *found, const struct finding_weight *weight)
{
    enum incident_severity severity = by_effect(found);
    if (severity == INCIDENT_INFO) return severity;
    if (found->kind == DETECT_ERROR_RATE && weight->objective > 0) {
        if (weight->burn >= FINDING_BURN_FAST) return INCIDENT_CRITICAL;
        return weight->burn >= FINDING_BURN_SLOW ? severity : INCIDENT_WARNING;
    }
    return weight->breadth < FINDING_NARROW ? INCIDENT_WARNING : severity;
}

/* ---- its weight ---- */

static bool is_request(struct bytes kind)
{
    return bytes_equal(kind, BYTES("request")) || bytes_equal(kind, BYTES("server")) ||
           bytes_equal(kind, BYTES("consumer"));
}

struct sums {
    struct bytes service, kind; /* of the finding's rows */
    bool is_since;              /* those that come now are of its time */
    double alike_before, alike_since, requests, request_errors;
};

static bool sums_row(void *ctx, struct db_row *row, struct err *err)
{
    struct sums *sums = ctx;
    struct bytes kind = db_row_text(row, 0);
    double rows = (double)db_row_integer(row, 1);
    (void)err;
    if (bytes_equal(kind, sums->kind) || (is_request(kind) && is_request(sums->kind)))
        *(sums->is_since ? &sums->alike_since : &sums->alike_before) += rows;
    if (sums->is_since && is_request(kind)) {
        sums->requests += rows;
        sums->request_errors += (double)db_row_integer(row, 2);
    }
    return true;
}

/* Of one range, and of series named by their ids: two ranges, or a name, and SQLite reads every minute of the project. */
static bool sums_read(struct db_session *session, struct uuid project_id, int64_t from, int64_t to, struct sums *sums,
                      struct err *err)
{
    return db_run(session,
                  "SELECT s.kind, CAST(SUM(x.row_count) AS bigint), CAST(SUM(x.error_count) AS bigint) FROM "
                  "rollup_minutes x JOIN rollup_series s ON s.project_id = x.project_id AND s.id = x.series_id WHERE "
                  "x.project_id = $1 AND s.service = $2 AND s.kind <> 'edge' AND x.at_unix_us >= $3 AND x.at_unix_us < "
                  "$4 AND x.series_id IN (SELECT o.id FROM rollup_series o WHERE o.project_id = $1 AND o.service = $2) "
                  "GROUP BY 1",
                  DB_VALUES(db_uuid(project_id), db_text_bytes(sums->service), db_integer(from), db_integer(to)),
                  sums_row, sums, NULL, err);
}

struct objective {
    struct bytes service;
    double highest;
};

static bool objective_row(void *ctx, struct db_row *row, struct err *err)
{
    struct objective *objective = ctx;
    struct bytes content = db_row_text(row, 0);
    (void)err;
    yyjson_doc *doc = yyjson_read((const char *)content.ptr, content.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc), *condition = yyjson_obj_get(root, "condition"),
               *service = yyjson_obj_get(root, "service");
    double percent = yyjson_get_num(yyjson_obj_get(condition, "objective"));
    if (yyjson_equals_str(yyjson_obj_get(condition, "kind"), "burn") &&
        yyjson_equals_strn(service, (const char *)objective->service.ptr, objective->service.len) && percent > 0 &&
        percent < 100)
        objective->highest = fmax(objective->highest, percent / 100);
    yyjson_doc_free(doc);
    return true;
}

/* Rows a minute that the finding is about; of what is missing those that should be there. */
static double rows_about(const struct detect_finding *found)
{
    if (found->kind == DETECT_ERROR_RATE || found->kind == DETECT_LATENCY)
        return found->window_minutes > 0 ? found->rows / found->window_minutes : 0;
    return fmax(found->value, found->expected);
}

bool finding_weight_read(struct db_session *session, struct uuid project_id, const struct detect_finding *found,
                         const struct watch_subject *subject, struct finding_weight *weight, struct err *err)
{
    *weight = (struct finding_weight){ .breadth = 1 };
    if (!subject || subject->service.len == 0 || found->kind == DETECT_NEW_ERROR || found->kind == DETECT_NEW_PATTERN ||
        found->kind == DETECT_METRIC)
        return true;
    int64_t to = found->found_unix_us + MINUTE_US, begin = found->begin_unix_us,
            since = begin > to - SINCE_US_MAX ? begin : to - SINCE_US_MAX;
    struct sums sums = { .service = subject->service, .kind = bytes_of_text(subject->kind) };
    if (!sums_read(session, project_id, begin - BEFORE_US, begin, &sums, err)) return false;
    sums.is_since = true;
    if (!sums_read(session, project_id, since, to, &sums, err)) return false;
    double before_minutes = (double)(BEFORE_US / MINUTE_US), since_minutes = (double)(to - since) / (double)MINUTE_US,
           alike = fmax(sums.alike_before / before_minutes, sums.alike_since / since_minutes);
    if (alike > 0 && !bytes_equal(sums.kind, BYTES("request"))) weight->breadth = fmin(1, rows_about(found) / alike);
    if (found->kind != DETECT_ERROR_RATE || !found->is_up || sums.requests <= 0) return true;
    struct objective objective = { .service = subject->service };
    if (!db_run(session,
                "SELECT content FROM monitors WHERE project_id = $1 AND is_on = $2 AND content LIKE '%\"burn\"%'",
                DB_VALUES(db_uuid(project_id), db_boolean(true)), objective_row, &objective, NULL, err))
        return false;
    weight->objective = objective.highest > 0 ? objective.highest : FINDING_OBJECTIVE;
    weight->burn = sums.request_errors / sums.requests / (1 - weight->objective);
    return true;
}
