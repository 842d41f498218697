#include "agents/collect_inside.h"
#include "ask/zone.h"
#include "base/rfc3339.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

const char *collect_time(struct arena *arena, int64_t unix_us)
{
    char text[RFC3339_BYTES];
    rfc3339_write_seconds(unix_us, text);
    return arena_printf(arena, "%s", text);
}

const char *collect_day(struct arena *arena, int64_t unix_us)
{
    static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    struct zone_time time = zone_local(NULL, unix_us / 1000000);
    return arena_printf(arena, "%d %s %02d:%02d", time.day, months[time.month - 1], time.hour, time.minute);
}

const char *collect_arguments(const struct collecting *collecting, const char *more)
{
    struct arena *arena = collecting->report->arena;
    return arena_printf(arena, "{\"from\":\"%s\",\"to\":\"%s\"%s}", collect_time(arena, collecting->from_unix_us),
                        collect_time(arena, collecting->to_unix_us), more);
}

bool collect_has_service(const struct agent *agent, const char *service)
{
    for (uint32_t s = 0; s < agent->services.count; s++)
        if (bytes_equal(agent->services.items[s], bytes_of_text(service))) return true;
    return agent->services.count == 0;
}

bool collect_failed(struct collecting *collecting, const char *heading, const struct evidence *evidence)
{
    if (!evidence->is_error && evidence->root != NULL) return false;
    report_note(collecting->report, heading, evidence, "This could not be read; the run's log says why.");
    return true;
}

struct bytes collect_number(struct arena *arena, double number)
{
    return bytes_of_text(number == floor(number) ? arena_printf(arena, "%.0f", number)
                                                 : arena_printf(arena, "%.1f", number));
}

struct bytes collect_percent(struct arena *arena, double part)
{
    return bytes_of_text(arena_printf(arena, part > 0 && part < 0.01 ? "%.2f%%" : "%.1f%%", part * 100));
}

struct bytes collect_ms(struct arena *arena, double nanoseconds)
{
    return bytes_of_text(
        isfinite(nanoseconds) ? arena_printf(arena, nanoseconds < 1e8 ? "%.1f ms" : "%.0f ms", nanoseconds / 1e6) : "");
}

struct bytes collect_text(struct arena *arena, yyjson_val *value)
{
    size_t len = 0;
    if (yyjson_is_str(value)) return arena_copy(arena, bytes_from(yyjson_get_str(value), yyjson_get_len(value)));
    if (value == NULL || yyjson_is_null(value)) return bytes_from("", 0);
    char *json = yyjson_val_write(value, 0, &len);
    struct bytes text = arena_copy(arena, bytes_from(json, json == NULL ? 0 : len));
    free(json);
    return text;
}

/* Conditions of the scope, with parameters behind the first three. */
static const char *scope_of(struct collecting *collecting, yyjson_mut_doc *doc, yyjson_mut_val *parameters)
{
    struct arena *arena = collecting->report->arena;
    const struct agent *agent = collecting->agent;
    const char *sql = "";
    size_t next = yyjson_mut_arr_size(parameters) + 1;
    for (uint32_t s = 0; s < agent->services.count; s++) {
        sql = arena_printf(arena, "%s%s$%zu", sql, s == 0 ? " AND resource___service___name IN (" : ", ", next++);
        yyjson_mut_arr_add_strncpy(doc, parameters, (const char *)agent->services.items[s].ptr,
                                   agent->services.items[s].len);
    }
    if (agent->services.count > 0) sql = arena_printf(arena, "%s)", sql);
    if (agent->environment.len > 0) {
        sql = arena_printf(arena, "%s AND resource___deployment___environment___name = $%zu", sql, next);
        yyjson_mut_arr_add_strncpy(doc, parameters, (const char *)agent->environment.ptr, agent->environment.len);
    }
    return sql;
}

bool collect_sql(struct collecting *collecting, const char *sql, uint32_t limit, const struct evidence **got,
                 struct err *err)
{
    struct arena *arena = collecting->report->arena;
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc), *parameters = yyjson_mut_arr(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_arr_add_strcpy(doc, parameters, collect_time(arena, collecting->from_unix_us));
    yyjson_mut_arr_add_strcpy(doc, parameters, collect_time(arena, collecting->to_unix_us));
    yyjson_mut_arr_add_strcpy(doc, parameters, collect_time(arena, collecting->before_unix_us));
    const char *scope = scope_of(collecting, doc, parameters), *at = strstr(sql, "{scope}");
    if (at != NULL) sql = arena_printf(arena, "%.*s%s%s", (int)(at - sql), sql, scope, at + 7);
    yyjson_mut_obj_add_strcpy(doc, root, "sql", sql);
    yyjson_mut_obj_add_val(doc, root, "parameters", parameters);
    yyjson_mut_obj_add_uint(doc, root, "limit", limit);
    yyjson_doc *read = yyjson_mut_doc_imut_copy(doc, NULL);
    bool ok = evidence_get(collecting->evidences, "run_sql", yyjson_doc_get_root(read), got, err);
    yyjson_doc_free(read);
    yyjson_mut_doc_free(doc);
    return ok;
}

bool collect(struct collecting *collecting, struct err *err)
{
    typedef bool step(struct collecting * collecting, struct err * err);
    static step *const health[] = { collect_services, collect_issues, collect_patterns, collect_findings, NULL };
    static step *const weekly[] = { collect_services, collect_endpoints, collect_issues,   collect_deploys,
                                    collect_database, collect_patterns,  collect_findings, NULL };
    static step *const deploys[] = { collect_deploys, collect_services, collect_issues, NULL };
    static step *const errors[] = { collect_issues, NULL };
    static step *const database[] = { collect_database, NULL };
    static step *const *const templates[AGENT_TEMPLATE_COUNT] = { health, weekly, deploys, errors, database, health };
    for (step *const *at = templates[collecting->agent->template]; *at != NULL; at++)
        if (!(*at)(collecting, err)) return false;
    return true;
}

struct bytes collect_summary(const struct collecting *collecting)
{
    struct report *report = collecting->report;
    size_t count = yyjson_mut_arr_size(report->findings), at, max;
    uint32_t by[MESSAGE_SEVERITY_COUNT] = { 0 };
    yyjson_mut_val *finding;
    if (count == 0) return BYTES("Nothing stands out: no rule of this agent found anything in the time it looked at.");
    yyjson_mut_arr_foreach(report->findings, at, max, finding) for (uint32_t s = 0; s < MESSAGE_SEVERITY_COUNT; s++)
        by[s] += yyjson_mut_equals_str(yyjson_mut_obj_get(finding, "severity"), message_severity_names[s]);
    yyjson_mut_val *first = yyjson_mut_obj_get(yyjson_mut_arr_get_first(report->findings), "text");
    return bytes_of_text(arena_printf(report->arena, "%zu finding%s: %u critical, %u warning, %u to know. First: %s",
                                      count, count == 1 ? "" : "s", by[MESSAGE_CRITICAL], by[MESSAGE_WARNING],
                                      by[MESSAGE_INFO], yyjson_mut_get_str(first)));
}
