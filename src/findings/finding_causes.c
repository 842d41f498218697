/* What is read in the metadata, and the causes as JSON. */
#include "base/clock.h"
#include "base/rfc3339.h"
#include "findings/finding_causes_inside.h"
#include "meta/rollup_flows.h"
#include <math.h>
#include <stdlib.h>

static const int64_t MINUTE_US = INT64_C(60000000), BEFORE_US = 30 * INT64_C(60000000),
                     NEAR_US = 20 * INT64_C(60000000), SINCE_US_MAX = 60 * INT64_C(60000000),
                     SINCE_US_MIN = 2 * INT64_C(60000000);
static const uint64_t ASKS_NS = UINT64_C(20000000000);
static const double Z_MAX = 20;
enum { SYMPTOMS_READ = 500, ISSUES_READ = 200 };

static enum cause_trouble trouble_of(enum detect_kind kind)
{
    return kind == DETECT_ERROR_RATE || kind == DETECT_NEW_ERROR || kind == DETECT_NEW_PATTERN ? CAUSE_ERRORS
           : kind == DETECT_LATENCY                                                            ? CAUSE_LATENCY
                                                                                               : CAUSE_VOLUME;
}

/* What got better is no trouble; how many logs or client spans there are says nothing about who is called. */
static bool is_symptom(const struct finding_asked *found)
{
    bool is_request = bytes_equal(found->row_kind, BYTES("request")) || bytes_equal(found->row_kind, BYTES("server")) ||
                      bytes_equal(found->row_kind, BYTES("consumer"));
    return found->service.len > 0 && (trouble_of(found->kind) == CAUSE_VOLUME ? is_request : found->is_up);
}

struct finding_asked finding_asked_of(const struct finding *finding)
{
    return (struct finding_asked){ finding->kind,     finding->is_up, finding->service,
                                   finding->row_kind, finding->z,     finding->begin_unix_us };
}

/* Of a service and trouble one: the farthest off, since the first. */
void finding_causes_add(struct finding_causes *causes, const struct finding_asked *found)
{
    enum cause_trouble trouble = trouble_of(found->kind);
    double weight = fmin(Z_MAX, fabs(found->z));
    if (!is_symptom(found) || llabs(found->begin_unix_us - causes->begin_unix_us) > NEAR_US) return;
    for (uint32_t s = 0; s < causes->symptoms.count; s++) {
        struct cause_symptom *symptom = &((struct cause_symptom *)causes->symptoms.items)[s];
        if (symptom->trouble != trouble || !bytes_equal(symptom->service, found->service)) continue;
        symptom->weight = fmax(symptom->weight, weight);
        if (found->begin_unix_us < symptom->onset_unix_us) symptom->onset_unix_us = found->begin_unix_us;
        return;
    }
    struct cause_symptom *symptom = db_rows_add(&causes->symptoms, sizeof *symptom);
    *symptom = (struct cause_symptom){ .service = arena_copy(causes->arena, found->service),
                                       .trouble = trouble,
                                       .is_up = found->is_up,
                                       .weight = weight,
                                       .onset_unix_us = found->begin_unix_us };
}

static bool symptom_put(void *ctx, const struct finding *finding)
{
    const struct finding_asked found = finding_asked_of(finding);
    finding_causes_add(ctx, &found);
    return true;
}

/* ---- figures ---- */

static enum cause_place place_of(struct bytes kind)
{
    for (int k = 0; k < CAUSE_PLACES; k++)
        if (bytes_equal(kind, bytes_of_text(cause_place_names[k]))) return (enum cause_place)k;
    return CAUSE_EXTERNAL;
}

static struct cause_figures figures_of(const struct rollup_flow *flow, int time, double minutes)
{
    return (struct cause_figures){
        (double)flow->times[time].row_count / minutes, (double)flow->times[time].error_count / minutes,
        causes_mean_ns(flow->times[time].durations, flow->times[time].duration_bucket_count)
    };
}

/* When what the caller sees changed: its errors if they rose, else its durations. */
static int64_t onset_of(const struct finding_causes *causes, const struct rollup_flow *flow,
                        const struct cause_call *call)
{
    double *values = arena_alloc(causes->arena, (flow->minute_count + 1) * sizeof *values),
           *weights = arena_alloc(causes->arena, (flow->minute_count + 1) * sizeof *weights);
    bool is_errors =
        call->since.errors / fmax(call->since.rows, 1e-9) > call->before.errors / fmax(call->before.rows, 1e-9) + 0.01;
    for (uint32_t m = 0; m < flow->minute_count; m++) {
        const struct rollup_flow_minute *minute = &flow->minutes[m];
        double count = (double)(is_errors ? minute->row_count : minute->duration_count);
        values[m] = count <= 0  ? 0
                    : is_errors ? (double)minute->error_count / count
                                : log(fmax(1, minute->duration_sum_ns / count));
        weights[m] = count;
    }
    uint32_t at = causes_onset(values, weights, flow->minute_count);
    return at > 0 ? flow->minutes[at].at_unix_us : 0;
}

static bool flows_read(struct finding_causes *causes, struct db *db, struct err *err)
{
    struct rollup_flow *flows;
    uint32_t count;
    struct cause_input *input = &causes->input;
    if (!rollup_flows_read(db, causes->project_id, causes->from_unix_us, causes->since_unix_us, causes->to_unix_us,
                           clock_unix_us(), causes->arena, &flows, &count, err))
        return false;
    struct cause_service *services = arena_alloc(causes->arena, (count + 1) * sizeof *services);
    struct cause_call *calls = arena_alloc(causes->arena, (count + 1) * sizeof *calls);
    for (uint32_t f = 0; f < count; f++) {
        const struct rollup_flow *flow = &flows[f];
        struct cause_figures before = figures_of(flow, 0, input->before_minutes),
                             since = figures_of(flow, 1, input->since_minutes);
        if (!flow->is_edge) {
            services[input->service_count++] = (struct cause_service){ flow->service, before, since };
            continue;
        }
        struct cause_call *call = &calls[input->call_count++];
        *call = (struct cause_call){ .source = flow->service,
                                     .target = flow->target,
                                     .source_kind = place_of(flow->source_kind),
                                     .target_kind = place_of(flow->target_kind),
                                     .before = before,
                                     .since = since };
        call->onset_unix_us = onset_of(causes, flow, call);
    }
    input->services = services;
    input->calls = calls;
    return true;
}

/* ---- issues ---- */

static bool issue_row(void *ctx, struct db_row *row, struct err *err)
{
    struct finding_causes *causes = ctx;
    struct cause_issue *issue = db_rows_add(&causes->issues, sizeof *issue);
    (void)err;
    *issue = (struct cause_issue){ .number = db_row_integer(row, 0),
                                   .service = db_text_keep(causes->arena, row, 1),
                                   .title = db_text_keep(causes->arena, row, 2),
                                   .before = (double)db_row_integer(row, 3) / causes->input.before_minutes,
                                   .since = (double)db_row_integer(row, 4) / causes->input.since_minutes };
    return true;
}

static bool issues_read(struct finding_causes *causes, struct db *db, struct err *err)
{
    causes->issues = (struct db_rows){ .arena = causes->arena };
    return db_read(
        db,
        "SELECT i.number, i.service, i.title, CAST(SUM(CASE WHEN m.at_unix_us < $3 THEN m.row_count ELSE 0 END) AS "
        "bigint), CAST(SUM(CASE WHEN m.at_unix_us >= $3 THEN m.row_count ELSE 0 END) AS bigint) FROM error_minutes m "
        "JOIN "
        "error_fingerprints f ON f.project_id = m.project_id AND f.id = m.fingerprint_id JOIN issues i ON i.project_id "
        "= "
        "f.project_id AND i.number = f.issue WHERE m.project_id = $1 AND m.at_unix_us >= $2 AND m.at_unix_us < $4 "
        "GROUP BY "
        "i.number, i.service, i.title ORDER BY 5 DESC, 1 LIMIT $5",
        DB_VALUES(db_uuid(causes->project_id), db_integer(causes->from_unix_us), db_integer(causes->since_unix_us),
                  db_integer(causes->to_unix_us), db_integer(ISSUES_READ)),
        issue_row, causes, err);
}

/* ---- a reading ---- */

bool finding_causes_read(struct db *db, const struct finding_face *face, struct uuid project_id, int64_t begin_unix_us,
                         int64_t to_unix_us, struct arena *arena, struct finding_causes **out, struct err *err)
{
    struct finding_causes *causes = arena_calloc(arena, sizeof *causes);
    *out = NULL;
    *causes = (struct finding_causes){
        .arena = arena, .face = face, .project_id = project_id, .begin_unix_us = begin_unix_us
    };
    causes->symptoms = causes->deploys = causes->attributes = causes->asked = (struct db_rows){ .arena = arena };
    causes->to_unix_us = to_unix_us - to_unix_us % MINUTE_US;
    const struct finding_filter filter = { .is_open = true, .limit = SYMPTOMS_READ };
    if (!finding_list(db, project_id, arena, &filter, symptom_put, causes, err)) return false;
    int64_t since = begin_unix_us;
    for (uint32_t s = 0; s < causes->symptoms.count; s++) {
        int64_t onset = ((const struct cause_symptom *)causes->symptoms.items)[s].onset_unix_us;
        if (onset < since && onset >= begin_unix_us - CAUSES_TOGETHER_US) since = onset;
    }
    if (since > causes->to_unix_us - SINCE_US_MIN) since = causes->to_unix_us - SINCE_US_MIN;
    if (since < causes->to_unix_us - SINCE_US_MAX) since = causes->to_unix_us - SINCE_US_MAX;
    causes->since_unix_us = since - since % MINUTE_US;
    causes->from_unix_us = causes->since_unix_us - BEFORE_US;
    causes->input.before_minutes = (double)BEFORE_US / (double)MINUTE_US;
    causes->input.since_minutes = (double)(causes->to_unix_us - causes->since_unix_us) / (double)MINUTE_US;
    if (!flows_read(causes, db, err) || !issues_read(causes, db, err)) return false;
    causes->asks_until_mono_ns = clock_mono_ns() + ASKS_NS;
    finding_releases_ask(causes);
    *out = causes;
    return true;
}

bool finding_causes_serves(const struct finding_causes *causes, int64_t begin_unix_us)
{
    return llabs(begin_unix_us - causes->begin_unix_us) <= CAUSES_TOGETHER_US;
}

/* ---- the list ---- */

static void text_put(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *name, struct bytes text)
{
    yyjson_mut_obj_add_strncpy(doc, object, name, text.len > 0 ? (const char *)text.ptr : "", text.len);
}

static void time_put(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *name, int64_t unix_us)
{
    char text[RFC3339_BYTES];
    if (unix_us == 0) {
        yyjson_mut_obj_add_null(doc, object, name);
        return;
    }
    rfc3339_write_seconds(unix_us, text);
    yyjson_mut_obj_add_strcpy(doc, object, name, text);
}

static yyjson_mut_val *object_put(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *name, bool is_there)
{
    if (is_there) return yyjson_mut_obj_add_obj(doc, object, name);
    yyjson_mut_obj_add_null(doc, object, name);
    return NULL;
}

static void cause_put(yyjson_mut_doc *doc, yyjson_mut_val *list, const struct cause *cause)
{
    static const char *const troubles[CAUSE_TROUBLES] = { "volume", "errors", "latency" };
    yyjson_mut_val *object = yyjson_mut_arr_add_obj(doc, list), *part;
    text_put(doc, object, "place", cause->place);
    yyjson_mut_obj_add_str(doc, object, "kind", cause_place_names[cause->kind]);
    yyjson_mut_obj_add_str(doc, object, "trouble", troubles[cause->trouble]);
    yyjson_mut_obj_add_real(doc, object, "score", round(cause->score * 1000) / 1000);
    time_put(doc, object, "since", cause->onset_unix_us);
    part = object_put(doc, object, "release", cause->deploy != NULL);
    if (part) {
        text_put(doc, part, "version", cause->deploy->version);
        time_put(doc, part, "first_seen", cause->deploy->first_unix_us);
    }
    part = object_put(doc, object, "attribute", cause->attribute != NULL);
    if (part) {
        text_put(doc, part, "name", cause->attribute->name);
        text_put(doc, part, "value", cause->attribute->value);
        yyjson_mut_obj_add_real(doc, part, "in", cause->attribute->in);
        yyjson_mut_obj_add_real(doc, part, "out", cause->attribute->out);
    }
    part = object_put(doc, object, "issue", cause->issue != NULL);
    if (part) {
        yyjson_mut_obj_add_sint(doc, part, "number", cause->issue->number);
        text_put(doc, part, "title", cause->issue->title);
    }
    yyjson_mut_val *evidence = yyjson_mut_obj_add_arr(doc, object, "evidence");
    for (uint32_t e = 0; e < cause->evidence_count; e++) {
        yyjson_mut_val *one = yyjson_mut_arr_add_obj(doc, evidence);
        yyjson_mut_obj_add_str(doc, one, "kind", cause->evidence[e].kind);
        yyjson_mut_obj_add_str(doc, one, "text", cause->evidence[e].text);
    }
}

static struct bytes content_of(const struct finding_causes *causes, const struct cause *list, uint32_t count)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    size_t len;
    yyjson_mut_doc_set_root(doc, root);
    time_put(doc, root, "from", causes->from_unix_us);
    time_put(doc, root, "since", causes->since_unix_us);
    time_put(doc, root, "to", causes->to_unix_us);
    yyjson_mut_val *all = yyjson_mut_obj_add_arr(doc, root, "causes");
    for (uint32_t c = 0; c < count; c++) cause_put(doc, all, &list[c]);
    char *text = yyjson_mut_write(doc, 0, &len);
    struct bytes content = text ? arena_copy(causes->arena, bytes_from(text, len)) : BYTES("");
    free(text);
    yyjson_mut_doc_free(doc);
    return content;
}

bool finding_causes_rank(struct finding_causes *causes, const struct finding_asked *asked, bool asks_rows,
                         struct finding_explained *explained)
{
    struct cause_input *input = &causes->input;
    const struct cause *list;
    uint32_t count;
    *explained = (struct finding_explained){ BYTES(""), BYTES("") };
    if (asked->service.len == 0) return false;
    input->symptom_count = causes->symptoms.count;
    struct cause_symptom *symptoms = arena_alloc(causes->arena, (input->symptom_count + 1) * sizeof *symptoms);
    bool is_there = false;
    for (uint32_t s = 0; s < input->symptom_count; s++) {
        symptoms[s] = ((const struct cause_symptom *)causes->symptoms.items)[s];
        symptoms[s].is_asked =
            symptoms[s].trouble == trouble_of(asked->kind) && bytes_equal(symptoms[s].service, asked->service);
        is_there = is_there || symptoms[s].is_asked;
    }
    if (!is_there)
        symptoms[input->symptom_count++] = (struct cause_symptom){ .service = asked->service,
                                                                   .trouble = trouble_of(asked->kind),
                                                                   .is_up = asked->is_up,
                                                                   .is_asked = true,
                                                                   .weight = fmin(Z_MAX, fabs(asked->z)),
                                                                   .onset_unix_us = asked->begin_unix_us };
    input->symptoms = symptoms;
    input->onset_unix_us = asked->begin_unix_us;
    for (int turn = 0; turn <= asks_rows; turn++) {
        input->deploys = causes->deploys.items;
        input->deploy_count = causes->deploys.count;
        input->issues = causes->issues.items;
        input->issue_count = causes->issues.count;
        input->attributes = causes->attributes.items;
        input->attribute_count = causes->attributes.count;
        causes_rank(input, causes->arena, &list, &count);
        if (turn == 0 && asks_rows) finding_attributes_ask(causes, list, count);
    }
    if (count == 0) return false;
    explained->content = content_of(causes, list, count);
    explained->line = bytes_of_text(cause_line(causes->arena, &list[0]));
    return explained->content.len > 0;
}
