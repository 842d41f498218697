#include "agents/agent.h"
#include "base/json_object.h"
#include "meta/db_rows.h"
#include <stdio.h>
#include <stdlib.h>
#include <yyjson.h>

const char *const agent_template_names[AGENT_TEMPLATE_COUNT] = { "health", "weekly",   "deploys",
                                                                 "errors", "database", "prompt" };
enum { SECONDS = 300, TOKENS = 50000, QUERIES = 30, JITTER_S = 30, DEFINITION_BYTES_MAX = 64 << 10 };

/* ---- the definition ---- */

static struct bytes text_of(yyjson_val *object, const char *name, struct arena *arena)
{
    return arena_copy(arena, json_text(yyjson_obj_get(object, name)));
}

static uint32_t number_of(yyjson_val *object, const char *name, uint32_t fallback)
{
    yyjson_val *value = yyjson_obj_get(object, name);
    return yyjson_is_uint(value) && yyjson_get_uint(value) <= UINT32_MAX ? (uint32_t)yyjson_get_uint(value) : fallback;
}

static void texts_read(yyjson_val *array, struct agent_texts *texts, struct arena *arena)
{
    yyjson_val *value;
    size_t at, count;
    texts->count = 0;
    yyjson_arr_foreach(array, at, count, value)
    {
        if (!yyjson_is_str(value) || texts->count == AGENT_LIST_MAX) continue;
        texts->items[texts->count++] = arena_copy(arena, bytes_from(yyjson_get_str(value), yyjson_get_len(value)));
    }
}

static uint32_t severity_of(const char *name)
{
    for (uint32_t s = 0; name != NULL && s < MESSAGE_SEVERITY_COUNT; s++)
        if (strcmp(message_severity_names[s], name) == 0) return s;
    return MESSAGE_INFO;
}

static bool template_read(struct agent *agent, yyjson_val *root, struct err *err)
{
    static const uint32_t hours[AGENT_TEMPLATE_COUNT] = { 24, 168, 24, 24, 24, 24 };
    const char *name = yyjson_get_str(yyjson_obj_get(root, "template"));
    for (uint32_t t = 0; name != NULL && t < AGENT_TEMPLATE_COUNT; t++) {
        if (strcmp(agent_template_names[t], name) != 0) continue;
        agent->template = (enum agent_template)t;
        agent->range_hours = number_of(root, "range_hours", hours[t]);
        return true;
    }
    return err_set(err, ERR_INPUT, "there is no template \"%.40s\"", name == NULL ? "" : name);
}

static void recipients_read(struct agent *agent, yyjson_val *array)
{
    yyjson_val *value;
    size_t at, count;
    agent->recipient_count = 0;
    yyjson_arr_foreach(array, at, count, value)
    {
        if (agent->recipient_count == AGENT_RECIPIENTS_MAX) break;
        struct agent_recipient *recipient = &agent->recipients[agent->recipient_count++];
        recipient->channel_id = yyjson_get_sint(yyjson_obj_get(value, "channel_id"));
        recipient->severity_min = (enum message_severity)severity_of(yyjson_get_str(yyjson_obj_get(value, "severity")));
    }
}

static bool root_read(struct agent *agent, yyjson_val *root, struct arena *arena, struct err *err)
{
    struct cadence cadence;
    yyjson_val *scope = yyjson_obj_get(root, "scope"), *budget = yyjson_obj_get(root, "budget");
    if (!template_read(agent, root, err)) return false;
    agent->prompt = text_of(root, "prompt", arena);
    agent->cadence = text_of(root, "schedule", arena);
    agent->zone = text_of(root, "zone", arena);
    if (agent->zone.len == 0) agent->zone = BYTES("UTC");
    agent->jitter_s = number_of(root, "jitter_seconds", JITTER_S);
    agent->is_paused = yyjson_get_bool(yyjson_obj_get(root, "is_paused"));
    agent->uses_model = yyjson_get_bool(yyjson_obj_get(root, "uses_model"));
    texts_read(yyjson_obj_get(scope, "services"), &agent->services, arena);
    texts_read(yyjson_obj_get(scope, "error_types"), &agent->error_types, arena);
    texts_read(yyjson_obj_get(scope, "metrics"), &agent->metrics, arena);
    agent->environment = text_of(scope, "environment", arena);
    recipients_read(agent, yyjson_obj_get(root, "recipients"));
    agent->seconds_max = number_of(budget, "seconds", SECONDS);
    agent->tokens_max = number_of(budget, "tokens", TOKENS);
    agent->queries_max = number_of(budget, "queries", QUERIES);
    if (agent->template == AGENT_PROMPT && agent->prompt.len == 0)
        return err_set(err, ERR_INPUT, "an agent of your own has a prompt");
    return cadence_parse(agent->cadence, &cadence, err);
}

bool agent_read(struct agent *agent, struct arena *arena, struct err *err)
{
    yyjson_doc *doc = yyjson_read((const char *)agent->definition.ptr, agent->definition.len, 0);
    bool ok = doc == NULL ? err_set(err, ERR_CORRUPT, "the definition of an agent is no JSON")
                          : root_read(agent, yyjson_doc_get_root(doc), arena, err);
    yyjson_doc_free(doc);
    return ok;
}

struct bytes agent_subject(struct arena *arena, int64_t id)
{
    return bytes_of_text(arena_printf(arena, "agent/%lld", (long long)id));
}

bool agent_subject_read(struct bytes subject, int64_t *id)
{
    char text[32];
    if (subject.len <= 6 || subject.len >= sizeof text || memcmp(subject.ptr, "agent/", 6) != 0) return false;
    memcpy(text, subject.ptr, subject.len);
    text[subject.len] = '\0';
    *id = strtoll(text + 6, NULL, 10);
    return *id > 0;
}

/* ---- stored ---- */

static bool job_write(struct db_session *session, struct arena *arena, const struct agent *agent, int64_t now_unix_us,
                      struct err *err)
{
    struct job job = { .project_id = agent->project_id,
                       .subject = agent_subject(arena, agent->id),
                       .cadence = agent->cadence,
                       .zone = agent->zone,
                       .jitter_s = agent->jitter_s,
                       .is_paused = agent->is_paused };
    return job_put(session, &job, now_unix_us, err);
}

/* Channels that are there, and are the project's. */
static bool recipients_check(struct db_session *session, const struct agent *agent, struct err *err)
{
    for (uint32_t r = 0; r < agent->recipient_count; r++) {
        int64_t id = 0;
        if (!db_run(session, "SELECT id FROM channels WHERE id = $1 AND project_id = $2",
                    DB_VALUES(db_integer(agent->recipients[r].channel_id), db_uuid(agent->project_id)), db_take_integer,
                    &id, NULL, err))
            return false;
        if (id == 0)
            return err_set(err, ERR_INPUT, "there is no channel %lld in this project",
                           (long long)agent->recipients[r].channel_id);
    }
    return true;
}

bool agent_insert(struct db_session *session, struct arena *arena, struct agent *agent, int64_t now_unix_us,
                  struct err *err)
{
    int64_t count = 0;
    if (agent->definition.len > DEFINITION_BYTES_MAX) return err_set(err, ERR_TOO_LARGE, "the definition is too long");
    if (!agent_read(agent, arena, err) || !recipients_check(session, agent, err) ||
        !db_run(session, "SELECT count(*) FROM agents WHERE project_id = $1", DB_VALUES(db_uuid(agent->project_id)),
                db_take_integer, &count, NULL, err))
        return false;
    if (count >= AGENTS_MAX) return err_set(err, ERR_TOO_LARGE, "a project has at most %d agents", AGENTS_MAX);
    agent->created_unix_us = agent->changed_unix_us = now_unix_us;
    return db_run(session,
                  "INSERT INTO agents(project_id, name, definition, author, created_unix_us, changed_unix_us) "
                  "VALUES($1, $2, $3, $4, $5, $5) RETURNING id",
                  DB_VALUES(db_uuid(agent->project_id), db_text_bytes(agent->name), db_text_bytes(agent->definition),
                            db_text_bytes(agent->author), db_integer(now_unix_us)),
                  db_take_integer, &agent->id, NULL, err) &&
           job_write(session, arena, agent, now_unix_us, err);
}

bool agent_update(struct db_session *session, struct arena *arena, struct agent *agent, int64_t now_unix_us,
                  struct err *err)
{
    int64_t changed = 0;
    if (agent->definition.len > DEFINITION_BYTES_MAX) return err_set(err, ERR_TOO_LARGE, "the definition is too long");
    if (!agent_read(agent, arena, err) || !recipients_check(session, agent, err)) return false;
    agent->changed_unix_us = now_unix_us > agent->changed_unix_us ? now_unix_us : agent->changed_unix_us + 1;
    return db_run(
               session,
               "UPDATE agents SET name = $3, definition = $4, changed_unix_us = $5 WHERE id = $1 AND project_id = $2",
               DB_VALUES(db_integer(agent->id), db_uuid(agent->project_id), db_text_bytes(agent->name),
                         db_text_bytes(agent->definition), db_integer(agent->changed_unix_us)),
               NULL, NULL, &changed, err) &&
           (changed == 1 || err_set(err, ERR_NOT_FOUND, "there is no such agent")) &&
           job_write(session, arena, agent, now_unix_us, err);
}

bool agent_delete(struct db_session *session, struct arena *arena, struct uuid project_id, int64_t id, struct err *err)
{
    int64_t changed = 0;
    return db_run(session, "DELETE FROM agents WHERE id = $1 AND project_id = $2",
                  DB_VALUES(db_integer(id), db_uuid(project_id)), NULL, NULL, &changed, err) &&
           (changed == 1 || err_set(err, ERR_NOT_FOUND, "there is no such agent")) &&
           job_delete(session, project_id, agent_subject(arena, id), err);
}

#define AGENT_COLUMNS "a.id, a.project_id, a.name, a.definition, a.author, a.created_unix_us, a.changed_unix_us"

struct found {
    struct agent *agent;
    struct arena *arena;
    bool (*each)(void *ctx, const struct agent *agent, const struct job *job);
    void *ctx;
    bool is_over;
};
static bool agent_take(void *ctx, struct db_row *row, struct err *err)
{
    struct found *found = ctx;
    struct agent *agent = found->agent;
    if (found->is_over) return true;
    *agent = (struct agent){ .id = db_row_integer(row, 0),
                             .project_id = db_row_uuid(row, 1),
                             .name = db_text_keep(found->arena, row, 2),
                             .definition = db_text_keep(found->arena, row, 3),
                             .author = db_text_keep(found->arena, row, 4),
                             .created_unix_us = db_row_integer(row, 5),
                             .changed_unix_us = db_row_integer(row, 6) };
    if (!agent_read(agent, found->arena, err)) return false;
    if (found->each == NULL) return true;
    struct job job = { .next_unix_us = db_row_integer(row, 7),
                       .start_unix_us = db_row_integer(row, 8),
                       .asked_unix_us = db_row_integer(row, 9),
                       .is_paused = agent->is_paused };
    found->is_over = !found->each(found->ctx, agent, &job);
    return true;
}

bool agent_find(struct db_session *session, struct arena *arena, struct uuid project_id, int64_t id,
                struct agent *agent, struct err *err)
{
    struct found found = { .agent = agent, .arena = arena };
    *agent = (struct agent){ 0 };
    return db_run(session, "SELECT " AGENT_COLUMNS " FROM agents AS a WHERE a.id = $1 AND a.project_id = $2",
                  DB_VALUES(db_integer(id), db_uuid(project_id)), agent_take, &found, NULL, err) &&
           (agent->id != 0 || err_set(err, ERR_NOT_FOUND, "there is no such agent"));
}

bool agent_list(struct db *db, struct uuid project_id, struct bytes after, uint32_t limit, struct arena *arena,
                bool (*each)(void *ctx, const struct agent *agent, const struct job *job), void *ctx, struct err *err)
{
    struct agent *agent = mem_calloc(1, sizeof *agent);
    struct found found = { agent, arena, each, ctx, false };
    bool ok = db_read(db,
                      "SELECT " AGENT_COLUMNS ", j.next_unix_us, j.start_unix_us, j.asked_unix_us FROM agents AS a "
                      "JOIN schedule_jobs AS j ON j.project_id = a.project_id AND j.subject = 'agent/' || "
                      "CAST(a.id AS text) WHERE a.project_id = $1 AND a.name > $2 ORDER BY a.name LIMIT $3",
                      DB_VALUES(db_uuid(project_id), db_text_bytes(after), db_integer(limit)), agent_take, &found, err);
    free(agent);
    return ok;
}

/* ---- reports ---- */

bool agent_report_insert(struct db_session *session, struct agent_report *report, struct err *err)
{
    return db_run(session,
                  "INSERT INTO agent_reports(project_id, agent_id, run_id, title, severity, from_unix_us, to_unix_us, "
                  "made_unix_us, content) VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id",
                  DB_VALUES(db_uuid(report->project_id), db_integer(report->agent_id), db_integer(report->run_id),
                            db_text_bytes(report->title), db_integer(report->severity),
                            db_integer(report->from_unix_us), db_integer(report->to_unix_us),
                            db_integer(report->made_unix_us), db_text_bytes(report->content)),
                  db_take_integer, &report->id, NULL, err) &&
           db_run(session, "DELETE FROM agent_reports WHERE project_id = $1 AND made_unix_us < $2",
                  DB_VALUES(db_uuid(report->project_id),
                            db_integer(report->made_unix_us - AGENT_REPORT_DAYS * INT64_C(86400000000))),
                  NULL, NULL, NULL, err);
}

#define REPORT_COLUMNS                                                                                      \
    "r.id, r.project_id, r.agent_id, r.run_id, coalesce(a.name, ''), r.title, r.severity, r.from_unix_us, " \
    "r.to_unix_us, r.made_unix_us"
#define REPORT_FROM " FROM agent_reports AS r LEFT JOIN agents AS a ON a.id = r.agent_id "

struct report_found {
    struct agent_report *report;
    struct arena *arena;
    bool (*each)(void *ctx, const struct agent_report *report);
    void *ctx;
    bool is_over;
};
static bool report_take(void *ctx, struct db_row *row, struct err *err)
{
    struct report_found *found = ctx;
    (void)err;
    if (found->is_over) return true;
    *found->report =
        (struct agent_report){ .id = db_row_integer(row, 0),
                               .project_id = db_row_uuid(row, 1),
                               .agent_id = db_row_integer(row, 2),
                               .run_id = db_row_integer(row, 3),
                               .agent_name = db_text_keep(found->arena, row, 4),
                               .title = db_text_keep(found->arena, row, 5),
                               .severity = (enum message_severity)(db_row_integer(row, 6) % MESSAGE_SEVERITY_COUNT),
                               .from_unix_us = db_row_integer(row, 7),
                               .to_unix_us = db_row_integer(row, 8),
                               .made_unix_us = db_row_integer(row, 9) };
    if (row->value_count > 10) found->report->content = db_text_keep(found->arena, row, 10);
    if (found->each != NULL) found->is_over = !found->each(found->ctx, found->report);
    return true;
}

bool agent_report_find(struct db *db, struct arena *arena, struct uuid project_id, int64_t id,
                       struct agent_report *report, struct err *err)
{
    struct report_found found = { .report = report, .arena = arena };
    *report = (struct agent_report){ 0 };
    return db_read(db, "SELECT " REPORT_COLUMNS ", r.content" REPORT_FROM "WHERE r.project_id = $1 AND r.id = $2",
                   DB_VALUES(db_uuid(project_id), db_integer(id)), report_take, &found, err) &&
           (report->id != 0 || err_set(err, ERR_NOT_FOUND, "there is no such report"));
}

bool agent_report_list(struct db *db, struct uuid project_id, int64_t agent_id, int64_t before, uint32_t limit,
                       bool (*each)(void *ctx, const struct agent_report *report), void *ctx, struct err *err)
{
    struct agent_report report;
    struct arena arena;
    struct report_found found = { &report, &arena, each, ctx, false };
    arena_init(&arena, 0);
    bool ok =
        db_read(db,
                "SELECT " REPORT_COLUMNS REPORT_FROM
                "WHERE r.project_id = $1 AND ($2 = 0 OR r.agent_id = $2) AND r.id < $3 ORDER BY r.id DESC LIMIT $4",
                DB_VALUES(db_uuid(project_id), db_integer(agent_id), db_integer(before > 0 ? before : INT64_MAX),
                          db_integer(limit)),
                report_take, &found, err);
    arena_deinit(&arena);
    return ok;
}
