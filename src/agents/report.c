#include "agents/report.h"
#include "base/utf8.h"
#include <math.h>
#include <stdlib.h>

enum { ANSWER_KEPT_BYTES = 16 << 10, CONTENT_BYTES_MAX = 2 << 20 };

void report_init(struct report *report, struct arena *arena)
{
    *report = (struct report){ .doc = yyjson_mut_doc_new(NULL), .arena = arena, .times = "" };
    if (report->doc == NULL) abort(); /* no memory */
    report->root = yyjson_mut_obj(report->doc);
    yyjson_mut_doc_set_root(report->doc, report->root);
    report->sections = yyjson_mut_arr(report->doc);
    report->findings = yyjson_mut_arr(report->doc);
    report->rejected = yyjson_mut_arr(report->doc);
    report->evidence = yyjson_mut_arr(report->doc);
}

void report_deinit(struct report *report)
{
    yyjson_mut_doc_free(report->doc);
}

/* What is no UTF-8 is left out: a report must be writable whatever was recorded. */
static void text_add(struct report *report, yyjson_mut_val *object, const char *name, struct bytes text)
{
    if (!utf8_is_valid(text)) text = BYTES("?");
    yyjson_mut_obj_add_strncpy(report->doc, object, name, text.len == 0 ? "" : (const char *)text.ptr, text.len);
}

/* The page, with the time of the report. */
static const char *path_timed(const struct report *report, const char *path)
{
    if (path[0] == '\0' || report->times[0] == '\0') return path;
    return arena_printf(report->arena, "%s%c%s", path, strchr(path, '?') != NULL ? '&' : '?', report->times);
}

static void ids_add(struct report *report, yyjson_mut_val *object, const char *ids)
{
    yyjson_mut_val *array = yyjson_mut_obj_add_arr(report->doc, object, "evidence");
    for (size_t len; *ids != '\0'; ids += len + strspn(ids + len, " ")) {
        len = strcspn(ids, " ");
        yyjson_mut_arr_add_strncpy(report->doc, array, ids, len);
    }
}

static yyjson_mut_val *section(struct report *report, const char *kind, const char *heading,
                               const struct evidence *evidence)
{
    yyjson_mut_val *section = yyjson_mut_arr_add_obj(report->doc, report->sections);
    yyjson_mut_obj_add_strcpy(report->doc, section, "kind", kind);
    text_add(report, section, "heading", bytes_of_text(heading));
    ids_add(report, section, evidence == NULL ? "" : evidence->id);
    return section;
}

yyjson_mut_val *report_table(struct report *report, const char *heading, const struct evidence *evidence,
                             uint32_t column_count, const char *const *columns)
{
    yyjson_mut_val *table = section(report, "table", heading, evidence);
    yyjson_mut_val *names = yyjson_mut_obj_add_arr(report->doc, table, "columns");
    assert(column_count <= REPORT_COLUMNS_MAX);
    for (uint32_t c = 0; c < column_count; c++) yyjson_mut_arr_add_strcpy(report->doc, names, columns[c]);
    yyjson_mut_obj_add_arr(report->doc, table, "rows");
    yyjson_mut_obj_add_arr(report->doc, table, "paths");
    return table;
}

void report_row(struct report *report, yyjson_mut_val *table, const struct bytes *cells, const char *path)
{
    yyjson_mut_val *rows = yyjson_mut_obj_get(table, "rows");
    size_t columns = yyjson_mut_arr_size(yyjson_mut_obj_get(table, "columns"));
    if (yyjson_mut_arr_size(rows) >= REPORT_ROWS_MAX) return;
    yyjson_mut_val *row = yyjson_mut_arr_add_arr(report->doc, rows);
    for (size_t c = 0; c < columns; c++) {
        struct bytes text = utf8_is_valid(cells[c]) ? cells[c] : BYTES("?");
        yyjson_mut_arr_add_strncpy(report->doc, row, text.len == 0 ? "" : (const char *)text.ptr, utf8_cut(text, 500));
    }
    yyjson_mut_arr_add_strcpy(report->doc, yyjson_mut_obj_get(table, "paths"), path_timed(report, path));
}

void report_note(struct report *report, const char *heading, const struct evidence *evidence, const char *text)
{
    text_add(report, section(report, "note", heading, evidence), "text", bytes_of_text(text));
}

void report_chart(struct report *report, const struct evidence *evidence, const struct report_chart *chart)
{
    yyjson_mut_val *made = section(report, "chart", chart->heading, evidence);
    text_add(report, made, "unit", bytes_of_text(chart->unit));
    yyjson_mut_obj_add_str(report->doc, made, "form", chart->is_bars ? "bars" : "lines");
    yyjson_mut_obj_add_sint(report->doc, made, "from_unix_us", chart->from_unix_us);
    yyjson_mut_obj_add_sint(report->doc, made, "step_us", chart->step_us);
    yyjson_mut_val *all = yyjson_mut_obj_add_arr(report->doc, made, "series");
    for (uint32_t s = 0; s < chart->series_count; s++) {
        yyjson_mut_val *series = yyjson_mut_arr_add_obj(report->doc, all);
        text_add(report, series, "name", bytes_of_text(chart->series[s].name));
        yyjson_mut_val *values = yyjson_mut_obj_add_arr(report->doc, series, "values");
        for (uint32_t v = 0; v < chart->step_count; v++) {
            double value = chart->series[s].values[v];
            if (isfinite(value)) {
                yyjson_mut_arr_add_real(report->doc, values, value);
            } else {
                yyjson_mut_arr_add_null(report->doc, values);
            }
        }
    }
}

void report_finding(struct report *report, enum message_severity severity, const char *text, const char *evidence,
                    const char *path)
{
    yyjson_mut_val *finding = yyjson_mut_arr_add_obj(report->doc, report->findings);
    text_add(report, finding, "text", bytes_of_text(text));
    yyjson_mut_obj_add_str(report->doc, finding, "severity", message_severity_names[severity]);
    ids_add(report, finding, evidence);
    text_add(report, finding, "path", bytes_of_text(path_timed(report, path)));
    if (severity > report->severity) report->severity = severity;
}

void report_reject(struct report *report, struct bytes text, const char *why)
{
    yyjson_mut_val *rejected = yyjson_mut_arr_add_obj(report->doc, report->rejected);
    text_add(report, rejected, "text", text);
    text_add(report, rejected, "why", bytes_of_text(why));
}

void report_summary(struct report *report, struct bytes text, const char *by, const char *model)
{
    yyjson_mut_obj_remove_key(report->root, "summary");
    yyjson_mut_obj_remove_key(report->root, "by");
    yyjson_mut_obj_remove_key(report->root, "model");
    text_add(report, report->root, "summary", text);
    text_add(report, report->root, "by", bytes_of_text(by));
    text_add(report, report->root, "model", bytes_of_text(model));
}

static void evidence_add(struct report *report, const struct evidence *evidence)
{
    yyjson_mut_val *one = yyjson_mut_arr_add_obj(report->doc, report->evidence);
    size_t kept = utf8_cut(evidence->answer, ANSWER_KEPT_BYTES);
    text_add(report, one, "id", bytes_of_text(evidence->id));
    text_add(report, one, "tool", bytes_of_text(evidence->tool));
    text_add(report, one, "arguments", evidence->arguments);
    text_add(report, one, "answer", bytes_from(evidence->answer.ptr, kept));
    yyjson_mut_obj_add_bool(report->doc, one, "is_cut", kept < evidence->answer.len);
    yyjson_mut_obj_add_bool(report->doc, one, "is_error", evidence->is_error);
    yyjson_mut_obj_add_uint(report->doc, one, "ms", evidence->ms);
}

bool report_write(struct report *report, const struct evidences *evidences, struct bytes *content, struct err *err)
{
    size_t len = 0;
    for (uint32_t e = 0; e < evidences->count; e++) evidence_add(report, &evidences->items[e]);
    yyjson_mut_obj_add_val(report->doc, report->root, "sections", report->sections);
    yyjson_mut_obj_add_val(report->doc, report->root, "findings", report->findings);
    yyjson_mut_obj_add_val(report->doc, report->root, "rejected", report->rejected);
    yyjson_mut_obj_add_val(report->doc, report->root, "evidence", report->evidence);
    char *text = yyjson_mut_write(report->doc, 0, &len);
    if (text == NULL || len > CONTENT_BYTES_MAX) {
        free(text);
        return err_set(err, ERR_TOO_LARGE, "the report is too long");
    }
    *content = arena_copy(report->arena, bytes_from(text, len));
    free(text);
    return true;
}
