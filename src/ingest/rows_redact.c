#include "ingest/rows_redact.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/varint.h"
#include "ingest/redaction/redactor.h"
#include "timefusion/batch/batch.h"
#include <stdlib.h>
#include <yyjson.h>

/* A row goes through the rules as a log record of OTLP with an attribute for each of its texts:
 * ExportLogsServiceRequest.resource_logs(1).scope_logs(2).log_records(2).attributes(6) = KeyValue{key(1), value(2){string(1)}} */
struct redacting {
    const struct redaction *redaction;
    struct redaction_scratch *scratch;
    struct redaction_counts counts;
    struct otlp_request decoded;
    struct buf attributes, message, rewritten;
    struct batch out;
    uint32_t at; /* of decoded.attributes: the next */
    struct err *err;
};

static bool head_put(struct buf *out, uint32_t field, size_t len)
{
    uint8_t bytes[2 * VARINT_BYTES_MAX];
    uint8_t *end = varint_put(varint_put(bytes, field << 3 | 2), len);
    return buf_add(out, bytes, (size_t)(end - bytes));
}

static bool field_put(struct buf *out, uint32_t field, struct bytes text)
{
    return head_put(out, field, text.len) && (text.len == 0 || buf_add(out, text.ptr, text.len));
}

static size_t field_bytes(size_t len)
{
    return 1 + varint_bytes(len) + len;
}

static bool attribute_put(struct buf *out, struct bytes key, struct bytes text)
{
    size_t value = field_bytes(text.len);
    return head_put(out, 6, field_bytes(key.len) + field_bytes(value)) && field_put(out, 1, key) &&
           head_put(out, 2, value) && field_put(out, 1, text);
}

static bool is_text(enum schema_type type)
{
    return type == SCHEMA_TYPE_TEXT || type == SCHEMA_TYPE_JSON;
}

static struct bytes key_of(const struct batch_row *row, uint32_t column)
{
    const struct schema_column *found = &schema_table(row->table)->columns[column];
    return bytes_of_text(found->attribute[0] ? found->attribute : found->name);
}

static bool message_make(struct redacting *redacting, const struct batch_row *row)
{
    struct buf *attributes = &redacting->attributes, *message = &redacting->message;
    bool ok = true;
    attributes->len = message->len = 0;
    for (uint32_t v = 0; ok && v < row->value_count; v++) {
        const struct batch_value *value = &row->values[v];
        if (is_text(value->type)) ok = attribute_put(attributes, key_of(row, value->column), value->text);
        if (value->type != SCHEMA_TYPE_TEXT_LIST) continue;
        const uint8_t *at = value->list.at;
        for (uint32_t i = 0; ok && i < value->list.count; i++)
            ok = attribute_put(attributes, key_of(row, value->column), batch_list_text(&at));
    }
    size_t record = attributes->len, scope = field_bytes(record), resource = field_bytes(scope);
    return (ok && head_put(message, 1, resource) && head_put(message, 2, scope) && head_put(message, 2, record) &&
            (record == 0 || buf_add(message, attributes->ptr, record))) ||
           err_set(redacting->err, ERR_TOO_LARGE, "a row is too large to look for what is not to be kept");
}

/* The next text, when it is of that key; false: it was dropped. */
static bool next_is(struct redacting *redacting, struct bytes key, struct bytes *text)
{
    if (redacting->at == redacting->decoded.attributes.count) return false;
    const struct otlp_attribute *attribute = &redacting->decoded.attributes.at[redacting->at];
    if (!bytes_equal(attribute->key, key)) return false;
    redacting->at++;
    *text = attribute->value.bytes;
    return attribute->value.type == OTLP_TEXT;
}

static bool json_is_good(struct bytes json)
{
    yyjson_doc *doc = yyjson_read((const char *)json.ptr, json.len, 0);
    yyjson_doc_free(doc);
    return doc != NULL;
}

static bool text_copy(struct redacting *redacting, const struct batch_row *row, const struct batch_value *value)
{
    struct bytes text;
    if (!next_is(redacting, key_of(row, value->column), &text)) return true;
    if (value->type == SCHEMA_TYPE_JSON && !bytes_equal(text, value->text) && !json_is_good(text))
        return err_set(redacting->err, ERR_INPUT,
                       "column \"%s\" holds what is not to be kept, and is no JSON without it; nothing was written",
                       schema_table(row->table)->columns[value->column].name);
    batch_put_text(&redacting->out, value->column, text);
    return true;
}

static void texts_copy(struct redacting *redacting, const struct batch_row *row, const struct batch_value *value)
{
    struct bytes *texts = mem_alloc((value->list.count + 1u) * sizeof *texts);
    uint32_t count = 0;
    while (count < value->list.count && next_is(redacting, key_of(row, value->column), &texts[count])) count++;
    batch_put_text_list(&redacting->out, value->column, texts, count);
    free(texts);
}

static void numbers_copy(struct batch *out, const struct batch_value *value)
{
    if (value->type == SCHEMA_TYPE_BIGINT_LIST) {
        int64_t *numbers = mem_alloc((value->list.count + 1u) * sizeof *numbers);
        for (uint32_t i = 0; i < value->list.count; i++) numbers[i] = batch_list_int(value, i);
        batch_put_int_list(out, value->column, numbers, value->list.count);
        free(numbers);
        return;
    }
    double *numbers = mem_alloc((value->list.count + 1u) * sizeof *numbers);
    for (uint32_t i = 0; i < value->list.count; i++) numbers[i] = batch_list_double(value, i);
    batch_put_double_list(out, value->column, numbers, value->list.count);
    free(numbers);
}

static bool value_copy(struct redacting *redacting, const struct batch_row *row, const struct batch_value *value)
{
    struct batch *out = &redacting->out;
    switch (value->type) {
    case SCHEMA_TYPE_TEXT:
    case SCHEMA_TYPE_JSON: return text_copy(redacting, row, value);
    case SCHEMA_TYPE_TEXT_LIST: texts_copy(redacting, row, value); return true;
    case SCHEMA_TYPE_UUID: batch_put_text(out, value->column, value->text); return true;
    case SCHEMA_TYPE_DOUBLE: batch_put_double(out, value->column, value->number); return true;
    case SCHEMA_TYPE_BOOLEAN: batch_put_bool(out, value->column, value->boolean); return true;
    case SCHEMA_TYPE_BIGINT_LIST:
    case SCHEMA_TYPE_DOUBLE_LIST: numbers_copy(out, value); return true;
    default: batch_put_int(out, value->column, value->integer); return true;
    }
}

static bool row_redact(struct redacting *redacting, const struct batch_row *row)
{
    bool is_changed = false;
    struct bytes body;
    if (!message_make(redacting, row)) return false;
    redacting->rewritten.len = 0;
    if (!redaction_rewrite(redacting->redaction, redacting->scratch, OTLP_LOGS, buf_bytes(&redacting->message), false,
                           &redacting->rewritten, &is_changed, &redacting->counts, redacting->err))
        return false;
    body = buf_bytes(is_changed ? &redacting->rewritten : &redacting->message);
    if (!otlp_decode(&redacting->decoded, OTLP_LOGS, body, clock_unix_us(), &otlp_limits_default, redacting->err))
        return false;
    if (redacting->decoded.logs.count != 1)
        return err_set(redacting->err, ERR_TOO_LARGE,
                       "a row cannot be looked through for what is not to be kept: %.120s",
                       redacting->decoded.rejected_reason);
    redacting->at = 0;
    batch_row_begin(&redacting->out, row->table, row->timestamp_us);
    for (uint32_t v = 0; v < row->value_count; v++)
        if (!value_copy(redacting, row, &row->values[v])) return false;
    return batch_row_end(&redacting->out, redacting->err);
}

static bool rows_all(struct redacting *redacting, struct bytes batch)
{
    struct batch_reader reader;
    struct batch_row row;
    bool ok = batch_reader_init(&reader, batch, redacting->err);
    while (ok && batch_reader_next(&reader, &row, redacting->err)) ok = row_redact(redacting, &row);
    return ok && redacting->err->code == ERR_OK;
}

bool rows_redact(struct redactor *redactor, struct uuid project_id, struct bytes *batch, uint64_t *found,
                 struct err *err)
{
    struct redaction *redaction = NULL;
    bool ok = redactor == NULL || redactor_take(redactor, project_id, &redaction, err);
    if (found) *found = 0;
    if (ok && redaction == NULL) return true;
    struct redacting redacting = { .redaction = redaction, .err = err };
    if (ok) {
        redacting.scratch = redaction_scratch_create();
        otlp_request_init(&redacting.decoded);
        buf_init(&redacting.attributes, 2 * BATCH_BYTES_MAX);
        buf_init(&redacting.message, 2 * BATCH_BYTES_MAX);
        buf_init(&redacting.rewritten, 4 * BATCH_BYTES_MAX);
        batch_init(&redacting.out, BATCH_BYTES_MAX);
        ok = rows_all(&redacting, *batch);
        if (found) redactor_count(redactor, redaction, &redacting.counts);
        for (uint32_t r = 0; found && r < redaction_rule_count(redaction); r++) *found += redacting.counts.found[r];
        redaction_scratch_destroy(redacting.scratch);
        otlp_request_deinit(&redacting.decoded);
        buf_deinit(&redacting.attributes);
        buf_deinit(&redacting.message);
        buf_deinit(&redacting.rewritten);
        redaction_release(redaction);
    }
    free((void *)(uintptr_t)batch->ptr);
    *batch = ok ? buf_bytes(&redacting.out.bytes) : (struct bytes){ 0 };
    if (!ok) batch_deinit(&redacting.out);
    return ok;
}
