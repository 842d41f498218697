/* A row as JSON, as the search of the REST API has it: long texts cut, so that a row is some KB at most. */
#include "base/date.h"
#include "base/json.h"
#include "base/utf8.h"
#include "tail/tail_inside.h"
#include <inttypes.h>
#include <stdlib.h>

static const char CUT[] = "\xE2\x80\xA6"; /* an ellipsis */
enum { LIST_MAX = 64 };

static void add(struct buf *out, struct bytes bytes)
{
    if (!buf_add(out, bytes.ptr, bytes.len)) abort(); /* its limit is beyond all rows */
}

static void put_text(struct buf *out, struct bytes text)
{
    size_t len = utf8_cut(text, TAIL_TEXT_BYTES);
    if (!buf_reserve(out, json_text_bytes_max(len) + sizeof CUT)) abort();
    uint8_t *end = json_put_text(out->ptr + out->len, bytes_from(text.ptr, len));
    if (len < text.len) {
        memcpy(end - 1, CUT, sizeof CUT - 1);
        end += sizeof CUT - 1;
        end[-1] = '"';
    }
    out->len = (size_t)(end - out->ptr);
}

/* JSON as it is; a long string is cut between its characters, all else that is long becomes a string of its beginning. */
static void put_json(struct buf *out, struct bytes json)
{
    if (json.len <= TAIL_TEXT_BYTES) {
        add(out, json);
        return;
    }
    if (json.ptr[0] != '"') {
        put_text(out, json);
        return;
    }
    size_t at = 1;
    while (at < TAIL_TEXT_BYTES - 8) {
        uint8_t c = json.ptr[at];
        at += c == '\\' ? (json.ptr[at + 1] == 'u' ? 6 : 2) : c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    }
    add(out, bytes_from(json.ptr, at));
    add(out, bytes_of_text(CUT));
    add(out, BYTES("\""));
}

static void put_time(struct buf *out, int64_t unix_us)
{
    int64_t seconds = unix_us / 1000000, us = unix_us % 1000000, year;
    uint32_t month, day;
    if (us < 0) us += 1000000, seconds--;
    int64_t days = seconds / 86400, rest = seconds % 86400;
    if (rest < 0) rest += 86400, days--;
    date_of_days(days, &year, &month, &day);
    if (!buf_printf(out, "\"%04d-%02u-%02uT%02d:%02d:%02d.%06dZ\"", (int)year, month, day, (int)(rest / 3600),
                    (int)(rest / 60 % 60), (int)(rest % 60), (int)us))
        abort();
}

static void put_list(struct buf *out, const struct search_row *row, uint32_t column)
{
    struct bytes texts[LIST_MAX];
    uint32_t count = search_row_texts(row, column, texts, LIST_MAX);
    add(out, BYTES("["));
    for (uint32_t t = 0; t < count; t++) {
        if (t > 0) add(out, BYTES(","));
        put_text(out, texts[t]);
    }
    add(out, BYTES("]"));
}

/* null when the row has none. */
static void put_column(struct buf *out, const struct search_row *row, uint32_t column)
{
    enum schema_type type = schema_table(SCHEMA_LOGS_AND_SPANS)->columns[column].type;
    struct bytes text;
    int64_t number;
    bool truth;
    if (type == SCHEMA_TYPE_TEXT_LIST) {
        put_list(out, row, column);
    } else if (search_row_text(row, column, &text)) {
        if (type == SCHEMA_TYPE_JSON)
            put_json(out, text);
        else
            put_text(out, text);
    } else if (search_row_int(row, column, &number)) {
        if (type == SCHEMA_TYPE_TIMESTAMPTZ)
            put_time(out, number);
        else if (!buf_printf(out, "%" PRId64, number))
            abort();
    } else if (search_row_bool(row, column, &truth)) {
        add(out, truth ? BYTES("true") : BYTES("false"));
    } else {
        add(out, BYTES("null"));
    }
}

void tail_row_begin(struct buf *out, const struct search_row *row)
{
    static const struct {
        const char *head;
        uint32_t column;
    } fields[] = {
        { "{\"timestamp\":", LOGS_AND_SPANS_timestamp },
        { ",\"id\":", LOGS_AND_SPANS_id },
        { ",\"kind\":", LOGS_AND_SPANS_kind },
        { ",\"level\":", LOGS_AND_SPANS_level },
        { ",\"service\":", LOGS_AND_SPANS_resource___service___name },
        { ",\"name\":", LOGS_AND_SPANS_name },
        { ",\"body\":", LOGS_AND_SPANS_body },
        { ",\"status\":", LOGS_AND_SPANS_status_code },
        { ",\"status_message\":", LOGS_AND_SPANS_status_message },
        { ",\"duration_ns\":", LOGS_AND_SPANS_duration },
        { ",\"trace_id\":", LOGS_AND_SPANS_context___trace_id },
        { ",\"span_id\":", LOGS_AND_SPANS_context___span_id },
        { ",\"parent_id\":", LOGS_AND_SPANS_parent_id },
    };
    for (size_t f = 0; f < COUNT_OF(fields); f++) {
        add(out, bytes_of_text(fields[f].head));
        put_column(out, row, fields[f].column);
    }
}

void tail_row_end(struct buf *out, struct search_row *row, const struct tail *tail)
{
    struct bytes text;
    if (tail->column_count > 0) add(out, BYTES(",\"cols\":"));
    for (uint32_t c = 0; c < tail->column_count; c++) {
        const struct tail_column *column = &tail->columns[c];
        add(out, c == 0 ? BYTES("[") : BYTES(","));
        if (column->column >= 0)
            put_column(out, row, (uint32_t)column->column);
        else if (search_row_attribute(row, column->name, &text))
            put_text(out, text);
        else
            add(out, BYTES("null"));
    }
    add(out, tail->column_count > 0 ? BYTES("]}") : BYTES("}"));
}
