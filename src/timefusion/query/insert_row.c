/* A row that SQL writes: what is checked of it, and what is there without being said. */
#include "base/clock.h"
#include "base/date.h"
#include "base/utf8.h"
#include "base/uuid.h"
#include "timefusion/query/gate_defect.h"
#include "timefusion/query/insert.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define US_PER_DAY    INT64_C(86400000000)
#define TIME_MIN_US   INT64_C(946684800000000) /* 2000-01-01, as for OTLP */
#define FUTURE_MAX_US (2 * US_PER_DAY)
#define YEAR_1_US     INT64_C(-62135596800000000)
#define YEAR_10000_US INT64_C(253402300800000000)

void insert_row_begin(struct insert_row *row, const struct schema_table *table)
{
    row->table = table;
    memset(row->values, 0, table->column_count * sizeof row->values[0]);
}

bool insert_column_check(const struct schema_table *table, uint32_t column, struct err *err)
{
    const struct schema_column *found = &table->columns[column];
    if ((found->flags & SCHEMA_DERIVED) == 0) return true;
    return err_set(err, ERR_DERIVED, "column \"%s\" is made of the columns \"%s___...\"; write those", found->name,
                   found->name);
}

/* --- words that a column takes --- */

struct word_rule {
    enum schema_table_id table;
    uint32_t column;
    const char *words; /* as they are stored, between spaces */
};
static const struct word_rule word_rules[] = {
    { SCHEMA_LOGS_AND_SPANS, LOGS_AND_SPANS_kind, " internal server client producer consumer log " },
    { SCHEMA_LOGS_AND_SPANS, LOGS_AND_SPANS_status_code, " UNSET OK ERROR " },
    { SCHEMA_LOGS_AND_SPANS, LOGS_AND_SPANS_level, " TRACE DEBUG INFO WARN ERROR FATAL " },
    { SCHEMA_METRICS, METRICS_metric_type, " gauge sum histogram exponential_histogram summary " },
    { SCHEMA_METRICS, METRICS_aggregation_temporality, " delta cumulative " },
};

/* In any case; the value becomes the word as it is stored. */
static bool word_check(struct insert_value *value, const struct word_rule *rule, const char *name, struct err *err)
{
    struct bytes text = value->text;
    for (const char *at = rule->words + 1; *at; at += strcspn(at, " ") + 1) {
        size_t len = strcspn(at, " ");
        if (len != text.len || strncasecmp(at, (const char *)text.ptr, len) != 0) continue;
        value->text = bytes_from(at, len);
        return true;
    }
    return err_set(err, ERR_CHECK, "column \"%s\" cannot be \"%.*s\"; it is one of%s", name,
                   (int)(text.len < 40 ? text.len : 40), (const char *)text.ptr, rule->words);
}

static bool words_check(struct insert_row *row, struct err *err)
{
    for (size_t r = 0; r < COUNT_OF(word_rules); r++) {
        const struct word_rule *rule = &word_rules[r];
        struct insert_value *value = &row->values[rule->column];
        if (rule->table != row->table->id || !value->is_given) continue;
        if (!word_check(value, rule, row->table->columns[rule->column].name, err)) return false;
    }
    return true;
}

/* --- the rest of the rules --- */

static bool is_null(const struct insert_row *row, uint32_t column, struct err *err)
{
    if (row->values[column].is_given) return false;
    return !err_set(err, ERR_NULL, "null value in column \"%s\" of relation \"%s\" violates not-null constraint",
                    row->table->columns[column].name, row->table->name);
}

static bool time_check(const struct insert_row *row, int64_t now_us, struct err *err)
{
    int64_t time_us = row->values[row->table->timestamp].integer;
    if (time_us >= TIME_MIN_US && time_us <= now_us + FUTURE_MAX_US) return true;
    return err_set(err, ERR_TIME, "column \"timestamp\" must be between 2000-01-01 and two days from now");
}

static int32_t day_of(int64_t time_us)
{
    return (int32_t)(time_us / US_PER_DAY - (time_us % US_PER_DAY < 0));
}

/* Whose row it is says the credential; of what day it is, its time. */
static bool partition_check(const struct insert_row *row, struct uuid project_id, struct err *err)
{
    const struct insert_value *project = &row->values[row->table->project_id], *date = &row->values[row->table->date];
    struct uuid given;
    if (project->is_given && !GATE_DEFECT(NAMED) &&
        (!uuid_from_text(project->text, &given) || !uuid_equal(given, project_id)))
        return err_set(err, ERR_FORBIDDEN,
                       "project_id is not this project's: the credential says whose rows they are; leave it out");
    if (!date->is_given) return true;
    int32_t day = day_of(row->values[row->table->timestamp].integer);
    if (date->integer == day) return true;
    char text[16];
    date_text(day, text);
    return err_set(err, ERR_CHECK, "column \"date\" is the day of \"timestamp\" in UTC, %s; leave it out", text);
}

static bool text_check(const struct schema_column *column, struct bytes text, struct err *err)
{
    return (utf8_is_valid(text) && !(text.len > 0 && memchr(text.ptr, 0, text.len))) ||
           err_set(err, ERR_INPUT, "invalid byte sequence for encoding \"UTF8\" in column \"%s\"", column->name);
}

static bool value_check(const struct insert_row *row, uint32_t c, struct err *err)
{
    const struct schema_column *column = &row->table->columns[c];
    const struct insert_value *value = &row->values[c];
    switch (column->type) {
    case SCHEMA_TYPE_TIMESTAMPTZ:
        return (value->integer >= YEAR_1_US && value->integer < YEAR_10000_US) ||
               err_set(err, ERR_TIME, "timestamp out of range in column \"%s\"", column->name);
    case SCHEMA_TYPE_TEXT:
    case SCHEMA_TYPE_JSON: return text_check(column, value->text, err);
    case SCHEMA_TYPE_TEXT_LIST: {
        const struct bytes *texts = value->list.at;
        for (uint32_t i = 0; i < value->list.count; i++)
            if (!text_check(column, texts[i], err)) return false;
        return true;
    }
    default: return true;
    }
}

static bool object_check(const struct insert_row *row, uint32_t c, struct err *err)
{
    const struct insert_value *value = &row->values[c];
    if (!value->is_given || (value->text.len > 0 && value->text.ptr[0] == '{')) return true;
    return err_set(err, ERR_CHECK, "column \"%s\" must be a JSON object", row->table->columns[c].name);
}

static bool logs_and_spans_check(const struct insert_row *row, struct err *err)
{
    const struct insert_value *duration = &row->values[LOGS_AND_SPANS_duration];
    if (duration->is_given && duration->integer < 0)
        return err_set(err, ERR_CHECK, "column \"duration\" cannot be below zero");
    return object_check(row, LOGS_AND_SPANS_attributes, err) && object_check(row, LOGS_AND_SPANS_resource, err);
}

static bool metrics_check(const struct insert_row *row, struct err *err)
{
    return !is_null(row, METRICS_metric_name, err) && object_check(row, METRICS_attributes, err) &&
           object_check(row, METRICS_resource, err);
}

static bool row_check(struct insert_row *row, struct uuid project_id, int64_t now_us, struct err *err)
{
    if (is_null(row, row->table->timestamp, err)) return false;
    for (uint32_t c = 0; c < row->table->column_count; c++)
        if (row->values[c].is_given && !value_check(row, c, err)) return false;
    return time_check(row, now_us, err) && partition_check(row, project_id, err) && words_check(row, err) &&
           (row->table->id == SCHEMA_METRICS ? metrics_check(row, err) : logs_and_spans_check(row, err));
}

/* --- into the batch --- */

static void value_put(struct batch *batch, uint32_t column, enum schema_type type, const struct insert_value *value)
{
    switch (type) {
    case SCHEMA_TYPE_DATE:
    case SCHEMA_TYPE_TIMESTAMPTZ:
    case SCHEMA_TYPE_INTEGER:
    case SCHEMA_TYPE_BIGINT: batch_put_int(batch, column, value->integer); break;
    case SCHEMA_TYPE_UUID:
    case SCHEMA_TYPE_TEXT:
    case SCHEMA_TYPE_JSON: batch_put_text(batch, column, value->text); break;
    case SCHEMA_TYPE_DOUBLE: batch_put_double(batch, column, value->number); break;
    case SCHEMA_TYPE_BOOLEAN: batch_put_bool(batch, column, value->boolean); break;
    case SCHEMA_TYPE_TEXT_LIST: batch_put_text_list(batch, column, value->list.at, value->list.count); break;
    case SCHEMA_TYPE_BIGINT_LIST: batch_put_int_list(batch, column, value->list.at, value->list.count); break;
    case SCHEMA_TYPE_DOUBLE_LIST: batch_put_double_list(batch, column, value->list.at, value->list.count); break;
    }
}

/* As worker/written says it. */
static bool row_is_span(const struct insert_row *row)
{
    const struct insert_value *kind = &row->values[LOGS_AND_SPANS_kind];
    if (row->table->id == SCHEMA_METRICS) return false;
    if (kind->is_given) return !bytes_equal(kind->text, BYTES("log"));
    return row->values[LOGS_AND_SPANS_duration].is_given || row->values[LOGS_AND_SPANS_start_time].is_given ||
           row->values[LOGS_AND_SPANS_end_time].is_given;
}

bool insert_is_span(const struct batch_row *row)
{
    if (row->table == SCHEMA_METRICS) return false;
    const struct batch_value *kind = batch_row_value(row, LOGS_AND_SPANS_kind);
    if (kind) return !bytes_equal(kind->text, BYTES("log"));
    return batch_row_value(row, LOGS_AND_SPANS_duration) || batch_row_value(row, LOGS_AND_SPANS_start_time) ||
           batch_row_value(row, LOGS_AND_SPANS_end_time);
}

bool insert_row_end(struct insert_row *row, struct uuid project_id, int64_t now_us, struct batch *batch, bool *is_span,
                    struct err *err)
{
    const struct schema_table *table = row->table;
    char id[UUID_TEXT_BYTES + 1];
    if (!row_check(row, project_id, now_us, err)) return false;
    *is_span = row_is_span(row);
    if (!row->values[table->row_id].is_given) {
        uuid_to_text(uuid_by_time(), id);
        row->values[table->row_id] = (struct insert_value){ .is_given = true, .text = bytes_from(id, UUID_TEXT_BYTES) };
    }
    batch_row_begin(batch, table->id, row->values[table->timestamp].integer);
    for (uint32_t c = 0; c < table->column_count; c++) {
        if (!row->values[c].is_given || c == table->timestamp || !schema_column_is_stored(&table->columns[c])) continue;
        value_put(batch, c, table->columns[c].type, &row->values[c]);
    }
    return batch_row_end(batch, err);
}
