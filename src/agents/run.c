#include "agents/run.h"
#include "agents/think.h"
#include "ask/zone.h"
#include "base/clock.h"
#include "base/fail.h"
#include "channels/delivery.h"
#include <stdio.h>
#include <stdlib.h>

#define MINUTE_US INT64_C(60000000)

struct working {
    const struct agents_options *options;
    struct job_run *run;
    struct arena *arena;
    struct agent agent;
    bool is_gone;
    char project[64 + 1];
    struct evidences evidences;
    struct report report;
    struct collecting collecting;
    struct thought thought;
    struct agent_report made;
    uint32_t delivered;
};

/* ---- what it is of ---- */

static bool name_take(void *ctx, struct db_row *row, struct err *err)
{
    (void)err;
    db_row_text_copy(row, 0, ctx, 65);
    return true;
}

static bool load_run(struct db_session *session, void *ctx, struct err *err)
{
    struct working *working = ctx;
    int64_t id;
    working->is_gone = false;
    if (!agent_subject_read(working->run->subject, &id))
        return err_set(err, ERR_CORRUPT, "a job of no agent: \"%.*s\"", (int)working->run->subject.len,
                       (const char *)working->run->subject.ptr);
    if (!agent_find(session, working->arena, working->run->project_id, id, &working->agent, err)) {
        working->is_gone = err->code == ERR_NOT_FOUND;
        return false;
    }
    return db_run(session, "SELECT name FROM projects WHERE id = $1", DB_VALUES(db_uuid(working->run->project_id)),
                  name_take, working->project, NULL, err);
}

static bool keep(void *ctx, struct err *err)
{
    struct working *working = ctx;
    working->run->log = buf_bytes(&working->evidences.log);
    return job_run_keep(working->options->db, working->run, working->options->now_unix_us(), err);
}

static void begin(struct working *working, const atomic_bool *stops)
{
    const struct agent *agent = &working->agent;
    int64_t length = (int64_t)agent->range_hours * 60 * MINUTE_US;
    int64_t to = working->run->due_unix_us - working->run->due_unix_us % MINUTE_US;
    uint64_t now = clock_mono_ns();
    working->evidences = (struct evidences){ .queries_max = agent->queries_max,
                                             .until_mono_ns = now + (uint64_t)agent->seconds_max * UINT64_C(1000000000),
                                             .project_id = working->run->project_id,
                                             .tools = &working->options->tools,
                                             .arena = working->arena,
                                             .stops = stops,
                                             .keep = keep,
                                             .keep_ctx = working,
                                             .kept_mono_ns = now };
    snprintf(working->evidences.agent, sizeof working->evidences.agent, "agent %.*s",
             (int)(agent->name.len < 100 ? agent->name.len : 100), (const char *)agent->name.ptr);
    buf_init(&working->evidences.log, JOB_LOG_BYTES_MAX);
    report_init(&working->report, working->arena);
    working->collecting = (struct collecting){ .agent = agent,
                                               .evidences = &working->evidences,
                                               .report = &working->report,
                                               .from_unix_us = to - length,
                                               .to_unix_us = to,
                                               .before_unix_us = to - 2 * length };
    working->report.times = arena_printf(working->arena, "from=%s&to=%s", collect_time(working->arena, to - length),
                                         collect_time(working->arena, to));
    evidence_log(&working->evidences, "attempt %u%s, %u due time%s missed before", working->run->attempt,
                 working->run->is_asked ? ", asked for" : "", working->run->missed,
                 working->run->missed == 1 ? "" : "s");
}

/* ---- what came of it ---- */

static bool look(struct working *working, struct err *err)
{
    struct err why = { 0 };
    if (!collect(&working->collecting, &why)) {
        *err = why;
        if (why.code != ERR_QUOTA) return false;
        evidence_log(&working->evidences, "%s", why.text); /* what there is makes a report */
        report_note(&working->report, "Not whole", NULL, why.text);
    }
    report_summary(&working->report, collect_summary(&working->collecting), "rules", "");
    fail_point("agents.collected");
    if (working->agent.uses_model) {
        if (!think(&working->collecting, working->options->llm, &working->thought, err)) return false;
        yyjson_mut_obj_add_strcpy(working->report.doc, working->report.root, "problem", working->thought.problem);
    }
    fail_point("agents.thought");
    return true;
}

static void figures_make(struct working *working)
{
    const struct thought *thought = &working->thought;
    working->run->figures = bytes_of_text(
        arena_printf(working->arena,
                     "{\"queries\":%u,\"rounds\":%u,\"tool_calls\":%u,\"input_tokens\":%llu,\"output_tokens\":%llu,"
                     "\"cost_micros\":%lld,\"is_estimated\":%s,\"findings\":%zu,\"rejected\":%u}",
                     working->evidences.count, thought->rounds, thought->calls,
                     (unsigned long long)thought->input_tokens, (unsigned long long)thought->output_tokens,
                     (long long)thought->cost_micros, thought->is_estimated ? "true" : "false",
                     yyjson_mut_arr_size(working->report.findings), thought->rejected));
}

static bool deliver(struct db_session *session, struct working *working, int64_t now, struct err *err)
{
    struct message message;
    struct zone *zone = NULL;
    struct err ignored = { 0 };
    struct bytes base = bytes_of_text(arena_printf(working->arena, "/p/%s/", working->project));
    working->delivered = 0;
    if (working->agent.recipient_count == 0) return true;
    if (!zone_open(&zone, working->agent.zone, &ignored)) zone = NULL; /* in UTC then */
    bool ok = report_message(&working->made, base, zone, working->arena, &message, err);
    zone_close(zone);
    for (uint32_t r = 0; ok && r < working->agent.recipient_count; r++) {
        const struct agent_recipient *recipient = &working->agent.recipients[r];
        const char *key = arena_printf(working->arena, "report-%lld", (long long)working->run->id);
        struct err why = { 0 };
        if (working->made.severity < recipient->severity_min) continue;
        ok = delivery_put(session, working->run->project_id, recipient->channel_id, bytes_of_text(key), &message, now,
                          &why);
        if (!ok && why.code == ERR_NOT_FOUND) { /* the channel was deleted since */
            ok = true;
            continue;
        }
        if (!ok) *err = why;
        working->delivered += ok;
    }
    return ok;
}

static bool end_run(struct db_session *session, void *ctx, struct err *err)
{
    struct working *working = ctx;
    int64_t now = working->options->now_unix_us();
    working->made.made_unix_us = now;
    if (!agent_report_insert(session, &working->made, err) || !deliver(session, working, now, err)) return false;
    working->run->log = buf_bytes(&working->evidences.log);
    return job_run_end(session, working->run, JOB_DONE, now, err);
}

static bool end(struct working *working, struct err *err)
{
    const struct agent *agent = &working->agent;
    const char *from = collect_day(working->arena, working->collecting.from_unix_us),
               *to = collect_day(working->arena, working->collecting.to_unix_us);
    figures_make(working);
    working->made = (struct agent_report){ .project_id = working->run->project_id,
                                           .agent_id = agent->id,
                                           .run_id = working->run->id,
                                           .title = bytes_of_text(
                                               arena_printf(working->arena, "%.*s, %s to %s UTC", (int)agent->name.len,
                                                            (const char *)agent->name.ptr, from, to)),
                                           .severity = working->report.severity,
                                           .from_unix_us = working->collecting.from_unix_us,
                                           .to_unix_us = working->collecting.to_unix_us };
    if (!report_write(&working->report, &working->evidences, &working->made.content, err)) return false;
    fail_point("agents.before_end");
    if (!db_transaction(working->options->db, end_run, working, err)) return false;
    fail_point("agents.after_end");
    log_info(working->options->log, "agents.ran", log_number("run", working->run->id),
             log_number("report", working->made.id), log_number("deliveries", working->delivered),
             log_number("queries", working->evidences.count));
    return true;
}

static bool gone_run(struct db_session *session, void *ctx, struct err *err)
{
    struct working *working = ctx;
    working->run->why = BYTES("the agent is gone");
    return job_run_end(session, working->run, JOB_FAILED, working->options->now_unix_us(), err);
}

bool agents_work(void *ctx, struct job_run *run, struct arena *arena, const atomic_bool *stops, struct err *err)
{
    struct working *working = arena_calloc(arena, sizeof *working);
    working->options = ctx;
    working->run = run;
    working->arena = arena;
    if (!db_snapshot(working->options->db, load_run, working, err))
        return working->is_gone ? db_transaction(working->options->db, gone_run, working, err) : false;
    begin(working, stops);
    bool ok = look(working, err) && end(working, err);
    if (!ok) { /* what it came to is kept with the run, whose next attempt says more */
        evidence_log(&working->evidences, "%s", err->text);
        run->log = arena_copy(arena, buf_bytes(&working->evidences.log));
    }
    report_deinit(&working->report);
    evidences_deinit(&working->evidences);
    return ok;
}
