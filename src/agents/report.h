/* report.h -- a report while it is made: sections, findings with their evidence, a summary; as JSON, and as a message.
 *
 *   collect.c, think.c --report_*--> yyjson --report_write--> agent_reports.content
 *                                       '--report_message--> struct message, charts as PNG --> channels
 *
 * Content: {"summary", "by": "rules" | "model", "model", "problem", "sections": [{"heading", "kind": "table" | "chart" | "note", "text",
 * "columns", "rows", "paths", "evidence", "unit", "form", "from_unix_us", "step_us", "series": [{"name", "values"}]}], "findings":
 * [{"text", "severity", "evidence", "path"}], "rejected": [{"text", "why"}], "evidence": [{"id", "tool", "arguments", "answer",
 * "is_cut", "is_error", "ms"}]}. Paths are below the project's own.
 * Thread: the run's. Memory: arena and doc of the run. */
#pragma once
#include "agents/evidence.h"
struct zone;

#define REPORT_COLUMNS_MAX 8
#define REPORT_ROWS_MAX    50

struct report {
    yyjson_mut_doc *doc;
    yyjson_mut_val *root, *sections, *findings, *rejected, *evidence;
    enum message_severity severity; /* of the worst finding */
    struct arena *arena;
    const char *times; /* what paths get behind them: "from=...&to=..."; empty: nothing */
};
void report_init(struct report *report, struct arena *arena);
void report_deinit(struct report *report);

/* evidence may be NULL. A table answers its object, for rows. */
yyjson_mut_val *report_table(struct report *report, const char *heading, const struct evidence *evidence,
                             uint32_t column_count, const char *const *columns);
/* Cells are UTF-8; path: empty: none. */
void report_row(struct report *report, yyjson_mut_val *table, const struct bytes *cells, const char *path);
void report_note(struct report *report, const char *heading, const struct evidence *evidence, const char *text);
struct report_series {
    const char *name;
    const double *values; /* NAN: none */
};
struct report_chart {
    const char *heading, *unit;
    bool is_bars;
    int64_t from_unix_us, step_us;
    uint32_t step_count, series_count;
    struct report_series series[4];
};
void report_chart(struct report *report, const struct evidence *evidence, const struct report_chart *chart);
/* evidence: ids, separated by blanks. */
void report_finding(struct report *report, enum message_severity severity, const char *text, const char *evidence,
                    const char *path);
void report_reject(struct report *report, struct bytes text, const char *why);
void report_summary(struct report *report, struct bytes text, const char *by, const char *model);
/* All that was looked at; then the whole as JSON. */
MUST_CHECK bool report_write(struct report *report, const struct evidences *evidences, struct bytes *content,
                             struct err *err);
/* Of stored content. base: "/p/PROJECT/"; link: of the report's own page. */
MUST_CHECK bool report_message(const struct agent_report *report, struct bytes base, const struct zone *zone,
                               struct arena *arena, struct message *message, struct err *err);
