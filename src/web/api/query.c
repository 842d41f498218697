/* SQL by HTTP: one statement, its rows as JSON, NDJSON, CSV or Parquet, sent as they come. */
#include "base/clock.h"
#include "base/json.h"
#include "web/api/api_inside.h"
#include "web/api/handlers.h"
#include "web/api/sql_parquet.h"
#include "web/api/sql_run.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    ROWS_DEFAULT = 10000,
    TIMEOUT_MS_DEFAULT = 30000,
    FILE_TIMEOUT_MS = 600000, /* of a file: it also waits for its reader */
    ROW_BYTES_MAX = 32 << 20, /* of one row, as text */
    FILE_NAME_BYTES_MAX = 120,
    PARAMETERS_MAX = 100,
};

#define RIGHTS_NS 1000000000ull

enum form { FORM_JSON, FORM_NDJSON, FORM_CSV, FORM_PARQUET, FORMS };
static const char *const form_types[FORMS] = { "application/json", "application/x-ndjson", "text/csv; charset=utf-8",
                                               "application/vnd.apache.parquet" };
static const char *const form_names[FORMS] = { "json", "ndjson", "csv", "parquet" }; /* and the ends of files' names */

struct output {
    struct api_call *call;
    struct sql_run *run;
    enum form form;
    struct buf row;
    struct sql_parquet *parquet;
    uint64_t row_count, rows_max;
    uint64_t rights_mono_ns; /* when it was last asked whether a link still opens this */
    bool is_cut;
};

/* RFC 9110, 12.5.1, without weights: the first that we have; none: JSON. */
static bool form_find(struct api_call *call, enum form *form, struct err *err)
{
    struct bytes rest = api_request_header(call, "accept");
    *form = FORM_JSON;
    if (rest.len == 0) return true;
    while (rest.len > 0) {
        const uint8_t *comma = memchr(rest.ptr, ',', rest.len);
        struct bytes one = bytes_from(rest.ptr, comma == NULL ? rest.len : (size_t)(comma - rest.ptr));
        rest = comma == NULL ? (struct bytes){ 0 } : bytes_from(comma + 1, rest.len - one.len - 1);
        const uint8_t *parameters = one.len == 0 ? NULL : memchr(one.ptr, ';', one.len);
        one = http_trimmed(bytes_from(one.ptr, parameters == NULL ? one.len : (size_t)(parameters - one.ptr)));
        *form = FORM_CSV;
        if (http_text_is(one, "text/csv") || http_text_is(one, "text/*")) return true;
        *form = FORM_PARQUET;
        if (http_text_is(one, "application/vnd.apache.parquet")) return true;
        *form = FORM_NDJSON;
        if (http_text_is(one, "application/x-ndjson")) return true;
        *form = FORM_JSON;
        if (http_text_is(one, "application/json") || http_text_is(one, "*/*") || http_text_is(one, "application/*"))
            return true;
    }
    return err_set(
        err, ERR_INPUT,
        "rows can be had as application/json, application/x-ndjson, text/csv or application/vnd.apache.parquet");
}

/* Values of JSON as SQL takes them: texts as they are, the rest in its JSON form; types are the statement's. */
static uint32_t parameters_read(struct api_call *call, struct query_parameter *parameters)
{
    yyjson_val *list = yyjson_obj_get(call->body, "parameters"), *one;
    size_t i, count;
    yyjson_arr_foreach(list, i, count, one)
    {
        if (i == PARAMETERS_MAX) break; /* its schema says so, too */
        parameters[i] = (struct query_parameter){ .is_null = yyjson_is_null(one) };
        if (yyjson_is_str(one)) {
            parameters[i].value = bytes_from(yyjson_get_str(one), yyjson_get_len(one));
        } else if (!yyjson_is_null(one)) {
            size_t len = 0;
            char *text = yyjson_val_write(one, 0, &len);
            parameters[i].value = arena_copy(call->arena, bytes_from(text, len));
            free(text);
        }
    }
    return list == NULL ? 0 : (uint32_t)yyjson_arr_size(list);
}

static bool put(struct buf *out, const char *text)
{
    return buf_add(out, text, strlen(text));
}

static bool put_text(struct buf *out, const char *text)
{
    struct bytes bytes = bytes_of_text(text);
    if (!buf_reserve(out, json_text_bytes_max(bytes.len))) return false;
    out->len = (size_t)(json_put_text(out->ptr + out->len, bytes) - out->ptr);
    return true;
}

static bool row_send(struct output *output, struct err *err)
{
    bool ok = api_stream_write(output->call, buf_bytes(&output->row), err);
    output->row.len = 0;
    return ok;
}

static bool too_large(struct err *err)
{
    return err_set(err, ERR_TOO_LARGE, "a row is larger than %d MiB", ROW_BYTES_MAX >> 20);
}

static bool csv_field_put(struct buf *row, const char *name)
{
    struct query_value value = { .bytes = bytes_of_text(name) };
    return sql_put_csv(row, NULL, 0, QUERY_TYPE_TEXT, value);
}

static bool head_put(struct output *output)
{
    struct buf *row = &output->row;
    const struct sql_run *run = output->run;
    bool ok = output->form != FORM_JSON || put(row, "{\"columns\":[");
    if (output->form == FORM_NDJSON || output->form == FORM_PARQUET ||
        (output->form == FORM_CSV && run->column_count == 0))
        return true;
    for (uint32_t c = 0; ok && c < run->column_count; c++) {
        char type[32];
        sql_type_name(run->columns[c].type, type);
        if (c > 0) ok = put(row, ",");
        if (output->form == FORM_CSV) {
            ok = ok && csv_field_put(row, run->columns[c].name);
        } else {
            ok = ok && put(row, "{\"name\":") && put_text(row, run->columns[c].name) &&
                 buf_printf(row, ",\"type\":\"%s\"}", type);
        }
    }
    return ok && put(row, output->form == FORM_CSV ? "\r\n" : "],\"rows\":[");
}

static bool row_put(struct output *output, const struct query_chunk *chunk, uint32_t r)
{
    struct buf *row = &output->row;
    const struct sql_run *run = output->run;
    bool is_csv = output->form == FORM_CSV, is_object = output->form == FORM_NDJSON;
    bool ok = true;
    if (!is_csv) ok = put(row, is_object ? "{" : output->row_count > 0 ? ",\n[" : "\n[");
    for (uint32_t c = 0; ok && c < run->column_count; c++) {
        struct query_value value = query_chunk_value(chunk, c, r);
        if (c > 0) ok = put(row, ",");
        if (is_object) ok = ok && put_text(row, run->columns[c].name) && put(row, ":");
        ok = ok && (is_csv ? sql_put_csv(row, chunk, c, run->columns[c].type, value)
                           : sql_put_json(row, chunk, c, run->columns[c].type, value));
    }
    return ok && put(row, is_csv ? "\r\n" : is_object ? "}\n" : "]");
}

static bool parquet_send(struct output *output, const struct query_chunk *chunk, uint32_t r, struct err *err)
{
    return sql_parquet_add(output->parquet, chunk, r, err) &&
           api_stream_write(output->call, sql_parquet_take(output->parquet), err);
}

static bool rows_send(struct output *output, const struct query_chunk *chunk, struct err *err)
{
    uint32_t count = query_chunk_rows(chunk);
    for (uint32_t r = 0; r < count; r++) {
        if (output->row_count == output->rows_max) {
            output->is_cut = true;
            return true;
        }
        if (output->form == FORM_PARQUET) {
            if (!parquet_send(output, chunk, r, err)) return false;
        } else {
            if (!row_put(output, chunk, r)) return too_large(err);
            if (!row_send(output, err)) return false;
        }
        output->row_count++;
    }
    return true;
}

static bool texts_put(struct buf *row, const char *name, const char *const *texts, uint32_t count)
{
    bool ok = buf_printf(row, ",\"%s\":[", name);
    for (uint32_t t = 0; ok && t < count; t++) ok = (t == 0 || put(row, ",")) && put_text(row, texts[t]);
    return ok && put(row, "]");
}

/* Behind the rows of JSON: what was found out on the way. failed: it broke off, and says why. */
static bool tail_put(struct output *output, const struct err *failed)
{
    struct buf *row = &output->row;
    const struct sql_run *run = output->run;
    const char *const *texts;
    char tag[64];
    uint32_t considered, opened, count;
    uint64_t changed = query_cursor_changed_rows(run->cursor);
    query_statement_tag(run->statement, changed > 0 ? changed : output->row_count, tag);
    query_cursor_files(run->cursor, &considered, &opened);
    count = query_cursor_warnings(run->cursor, &texts);
    bool ok = buf_printf(row, "\n],\"row_count\":%" PRIu64 ",\"is_cut\":%s,\"tag\":", output->row_count,
                         output->is_cut ? "true" : "false") &&
              put_text(row, tag) && texts_put(row, "warnings", texts, count);
    count = query_cursor_notices(run->cursor, &texts);
    ok = ok && texts_put(row, "notices", texts, count) &&
         buf_printf(row, ",\"files\":{\"considered\":%u,\"opened\":%u},\"answered_from\":\"%s\",\"duration_ms\":%.3f",
                    considered, opened, sql_answered_from(run), (double)(clock_mono_ns() - run->begin_mono_ns) / 1e6);
    if (ok && failed != NULL)
        ok = put(row, ",\"error\":{\"code\":") && put_text(row, err_name(failed->code) + 4) &&
             put(row, ",\"detail\":") && put_text(row, failed->text) && put(row, "}");
    return ok && put(row, "}\n");
}

static bool end_send(struct output *output, const struct err *failed, struct err *err)
{
    struct bytes rest;
    if (output->form == FORM_JSON) return tail_put(output, failed) && row_send(output, err);
    if (output->form != FORM_PARQUET || failed) return true; /* cut before its footer it is no file of Parquet */
    return sql_parquet_end(output->parquet, &rest, err) && api_stream_write(output->call, rest, err);
}

/* A name for the file that a browser makes of it; what a disk or a shell may take amiss is an underscore. */
static void file_named(struct output *output, struct bytes name)
{
    char text[FILE_NAME_BYTES_MAX + 1];
    size_t len = 0;
    for (; len < name.len && len < FILE_NAME_BYTES_MAX; len++) {
        uint8_t c = name.ptr[len];
        text[len] = isalnum(c) || c == '-' || (c == '.' && len > 0) ? (char)c : '_';
    }
    text[len] = '\0';
    const char *header = arena_printf(output->call->arena, "attachment; filename=\"%s.%s\"", len > 0 ? text : "rows",
                                      form_names[output->form]);
    api_header(output->call, "content-disposition", bytes_of_text(header));
}

/* What is known by the first rows; those of JSON tell all at their end. */
static bool head_ready(struct output *output, const struct query_chunk *first, struct err *err)
{
    const struct sql_run *run = output->run;
    if (output->form != FORM_JSON) sql_warnings_header(run);
    if (output->form != FORM_PARQUET) return true;
    if (run->column_count == 0) return err_set(err, ERR_INPUT, "the statement has no columns to make a file of");
    output->parquet = sql_parquet_create(run->columns, run->column_count, first);
    return true;
}

/* A link that ends, ends what it reads: within a second of reading. */
static bool link_holds(struct output *output, struct err *err)
{
    uint64_t now_ns = clock_mono_ns();
    if (output->call->actor->kind != ACTOR_SHARE || now_ns - output->rights_mono_ns < RIGHTS_NS) return true;
    output->rights_mono_ns = now_ns;
    return api_still_may(output->call, err);
}

/* The first rows are there before the status is told, so that most of what goes wrong has one of its own. */
static void answer_rows(struct output *output)
{
    struct err err = { 0 };
    const struct query_chunk *chunk;
    if (!sql_next(output->run, &chunk, &err) || !head_ready(output, chunk, &err) ||
        !api_stream_begin(output->call, form_types[output->form], &err)) {
        sql_fail(output->call, &err);
        return;
    }
    bool ok = head_put(output) ? row_send(output, &err) : too_large(&err);
    while (ok && chunk != NULL && !output->is_cut)
        ok = link_holds(output, &err) && rows_send(output, chunk, &err) &&
             (output->is_cut || sql_next(output->run, &chunk, &err));
    output->row.len = 0;
    if (err.code != ERR_CANCELLED) ok = end_send(output, ok ? NULL : &err, &err) && (ok || output->form == FORM_JSON);
    api_stream_end(output->call, ok);
}

static void answer(struct output *output, const struct sql_query *query)
{
    struct sql_run run;
    struct err err = { 0 };
    output->run = &run;
    output->rights_mono_ns = clock_mono_ns();
    buf_init(&output->row, ROW_BYTES_MAX);
    if (sql_open(&run, output->call, query, &err)) {
        answer_rows(output);
    } else {
        sql_fail(output->call, &err);
    }
    sql_close(&run);
    sql_parquet_destroy(output->parquet);
    buf_deinit(&output->row);
}

static const char *read_only_why(struct api_call *call)
{
    struct err ignored = { 0 };
    if (api_body_bool(call, "read_only", false)) return "the request says read_only";
    bool may = access_check(call->parts->db, call->actor, PERMISSION_DATA_WRITE, &call->project.id, &ignored);
    return may ? NULL : "the caller lacks the permission DATA_WRITE";
}

void api_query_run(struct api_call *call)
{
    struct query_parameter parameters[PARAMETERS_MAX];
    struct err err = { 0 };
    struct output output = { .call = call, .rows_max = (uint64_t)api_body_int(call, "limit", ROWS_DEFAULT) };
    struct sql_query query = {
        .sql = api_body_text(call, "sql"),
        .parameters = parameters,
        .parameter_count = parameters_read(call, parameters),
        .timeout_ms = (uint32_t)api_body_int(call, "timeout_ms", TIMEOUT_MS_DEFAULT),
        .read_only = read_only_why(call),
    };
    if (!form_find(call, &output.form, &err)) {
        api_fail_status(call, 406, &err);
        return;
    }
    answer(&output, &query);
}

/* A link does not change anything, whoever follows it. */
void api_query_file(struct api_call *call)
{
    struct output output = { .call = call, .rows_max = UINT64_MAX };
    struct sql_query query = { .sql = api_query(call, "sql"),
                               .timeout_ms = FILE_TIMEOUT_MS,
                               .read_only = "a file is only read" };
    struct bytes format = api_query(call, "format");
    if (query.sql.len == 0) {
        api_fail_at(call, "?sql", "it must be there: one statement");
        return;
    }
    for (enum form f = 0; f < FORMS; f++)
        if (bytes_equal(format, bytes_of_text(form_names[f]))) output.form = f;
    file_named(&output, api_query(call, "file"));
    answer(&output, &query);
}
