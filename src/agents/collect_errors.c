/* Issues, patterns of logs, findings of detection. */
#include "agents/collect_inside.h"
#include <stdio.h>

static const double COUNT_CRITICAL = 100;

static bool type_is_in(const struct agent *agent, struct bytes title)
{
    for (uint32_t t = 0; t < agent->error_types.count; t++)
        if (memmem(title.ptr, title.len, agent->error_types.items[t].ptr, agent->error_types.items[t].len) != NULL)
            return true;
    return agent->error_types.count == 0;
}

static void issue_judge(struct collecting *collecting, yyjson_val *item, struct bytes title, const char *path,
                        const struct evidence *evidence)
{
    static const char *const worth[] = { "new", "escalating", "regressed" };
    struct arena *arena = collecting->report->arena;
    const char *state = yyjson_get_str(yyjson_obj_get(item, "state")), *is = NULL;
    const char *service = yyjson_get_str(yyjson_obj_get(item, "service"));
    double count = yyjson_get_num(yyjson_obj_get(item, "count"));
    for (size_t w = 0; state != NULL && w < COUNT_OF(worth); w++)
        if (strcmp(worth[w], state) == 0) is = worth[w];
    if (is == NULL) return;
    bool is_bad = is != worth[0] || count >= COUNT_CRITICAL;
    report_finding(collecting->report, is_bad ? MESSAGE_WARNING : MESSAGE_INFO,
                   arena_printf(arena, "%s in %.100s is %s: %.0f events",
                                arena_printf(arena, "%.*s", (int)title.len, (const char *)title.ptr),
                                service == NULL ? "" : service, is, count),
                   evidence->id, path);
}

bool collect_issues(struct collecting *collecting, struct err *err)
{
    static const char *const columns[] = { "Error", "Message", "Service", "State", "Events", "Users", "First seen" };
    struct report *report = collecting->report;
    struct arena *arena = report->arena;
    const struct agent *agent = collecting->agent;
    const struct evidence *evidence;
    size_t at, count;
    yyjson_val *item;
    const char *more = ",\"sort\":\"count\",\"limit\":50";
    if (agent->environment.len > 0 && memchr(agent->environment.ptr, '"', agent->environment.len) == NULL &&
        memchr(agent->environment.ptr, '\\', agent->environment.len) == NULL)
        more = arena_printf(arena, "%s,\"environment\":\"%.*s\"", more, (int)agent->environment.len,
                            (const char *)agent->environment.ptr);
    if (!evidence_ask(collecting->evidences, "error_groups", collect_arguments(collecting, more), &evidence, err))
        return false;
    if (collect_failed(collecting, "Errors", evidence)) return true;
    yyjson_mut_val *table = report_table(report, "Errors", evidence, COUNT_OF(columns), columns);
    yyjson_arr_foreach(yyjson_obj_get(evidence->root, "items"), at, count, item)
    {
        const char *service = yyjson_get_str(yyjson_obj_get(item, "service"));
        struct bytes title = collect_text(arena, yyjson_obj_get(item, "title"));
        if (!collect_has_service(agent, service == NULL ? "" : service) || !type_is_in(agent, title)) continue;
        struct bytes cells[] = { title,
                                 collect_text(arena, yyjson_obj_get(item, "message")),
                                 collect_text(arena, yyjson_obj_get(item, "service")),
                                 collect_text(arena, yyjson_obj_get(item, "state")),
                                 collect_text(arena, yyjson_obj_get(item, "count")),
                                 collect_text(arena, yyjson_obj_get(item, "users")),
                                 collect_text(arena, yyjson_obj_get(item, "first_seen")) };
        const char *path =
            arena_printf(arena, "issues/%lld", (long long)yyjson_get_sint(yyjson_obj_get(item, "number")));
        report_row(report, table, cells, path);
        issue_judge(collecting, item, title, path, evidence);
    }
    return true;
}

bool collect_patterns(struct collecting *collecting, struct err *err)
{
    static const char *const columns[] = { "Service", "Log pattern", "Change", "Lines", "Before" };
    struct report *report = collecting->report;
    struct arena *arena = report->arena;
    const struct evidence *evidence;
    size_t at, count;
    yyjson_val *item;
    uint32_t shown = 0;
    if (!evidence_ask(collecting->evidences, "pattern_list",
                      collect_arguments(collecting, ",\"sort\":\"change\",\"pattern_limit\":50"), &evidence, err))
        return false;
    if (collect_failed(collecting, "Log patterns", evidence)) return true;
    yyjson_mut_val *table = report_table(report, "Log patterns that changed", evidence, COUNT_OF(columns), columns);
    yyjson_arr_foreach(yyjson_obj_get(evidence->root, "items"), at, count, item)
    {
        const char *service = yyjson_get_str(yyjson_obj_get(item, "service"));
        yyjson_val *change = yyjson_obj_get(item, "change"), *levels = yyjson_obj_get(item, "levels");
        bool is_error =
            yyjson_get_num(yyjson_obj_get(levels, "error")) > 0 || yyjson_get_num(yyjson_obj_get(levels, "fatal")) > 0;
        if (yyjson_equals_str(change, "same") || !collect_has_service(collecting->agent, service ? service : ""))
            continue;
        struct bytes cells[] = { collect_text(arena, yyjson_obj_get(item, "service")),
                                 collect_text(arena, yyjson_obj_get(item, "text")), collect_text(arena, change),
                                 collect_text(arena, yyjson_obj_get(item, "count")),
                                 collect_text(arena, yyjson_obj_get(item, "before")) };
        report_row(report, table, cells, "explore?viz=patterns");
        if (is_error && shown < 5 && (yyjson_equals_str(change, "new") || yyjson_equals_str(change, "more"))) {
            shown++;
            report_finding(report, MESSAGE_INFO,
                           arena_printf(arena, "%s logs %s: %.200s, %.0f lines, %.0f the time before",
                                        service ? service : "", yyjson_get_str(change),
                                        yyjson_get_str(yyjson_obj_get(item, "text")),
                                        yyjson_get_num(yyjson_obj_get(item, "count")),
                                        yyjson_get_num(yyjson_obj_get(item, "before"))),
                           evidence->id, "explore?viz=patterns");
        }
    }
    return true;
}

static bool has_tool(const struct evidences *evidences, const char *name)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *list = yyjson_mut_arr(doc), *tool;
    size_t at, count;
    bool has = false;
    evidences->tools->list(evidences->tools->ctx, evidences->project_id, doc, list);
    yyjson_mut_arr_foreach(list, at, count, tool) has =
        has || yyjson_mut_equals_str(yyjson_mut_obj_get(tool, "name"), name);
    yyjson_mut_doc_free(doc);
    return has;
}

/* What detection has stored, where this installation has it. */
bool collect_findings(struct collecting *collecting, struct err *err)
{
    static const char *const columns[] = {
        "Kind", "Service", "Severity", "Since", "Value", "Expected", "Likely cause"
    };
    struct report *report = collecting->report;
    struct arena *arena = report->arena;
    const struct evidence *evidence;
    size_t at, count;
    yyjson_val *item;
    if (!has_tool(collecting->evidences, "finding_list")) return true;
    if (!evidence_ask(collecting->evidences, "finding_list", collect_arguments(collecting, ",\"limit\":50"), &evidence,
                      err))
        return false;
    if (evidence->is_error) return true;
    yyjson_mut_val *table = report_table(report, "Findings", evidence, COUNT_OF(columns), columns);
    yyjson_arr_foreach(yyjson_obj_get(evidence->root, "items"), at, count, item)
    {
        const char *service = yyjson_get_str(yyjson_obj_get(item, "service"));
        if (!collect_has_service(collecting->agent, service ? service : "")) continue;
        struct bytes cells[] = { collect_text(arena, yyjson_obj_get(item, "kind")),
                                 collect_text(arena, yyjson_obj_get(item, "service")),
                                 collect_text(arena, yyjson_obj_get(item, "severity")),
                                 collect_text(arena, yyjson_obj_get(item, "since")),
                                 collect_text(arena, yyjson_obj_get(item, "value")),
                                 collect_text(arena, yyjson_obj_get(item, "expected")),
                                 collect_text(arena, yyjson_obj_get(item, "cause")) };
        report_row(report, table, cells, "findings");
    }
    return true;
}
