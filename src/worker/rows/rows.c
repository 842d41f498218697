#include "worker/rows/rows.h"

#include <stdlib.h>

#include "worker/rows/rows_inside.h"

#define US_PER_DAY                 86400000000
#define ATTRIBUTE_KEYS_MAX_DEFAULT 100000
#define TEXT_BYTES_KEPT            (256u << 10) /* of rows->text, between requests */
#define RESERVE_BYTES_MAX          (64u << 10)  /* a remainder that may be larger is written aside and copied */
#define ARENA_BLOCK_BYTES          (16u << 10)  /* there may be hundreds of struct rows */
#define SLOTS_KEPT                 1024

const struct bytes word_texts[WORD_COUNT] = {
#define X(name, text) [WORD_##name] = { (const uint8_t *)(text), sizeof(text) - 1 },
    WORDS(X)
#undef X
};

const char *const rows_kind_words[ROWS_KIND_COUNT] = { "internal", "server", "client", "producer",
                                                       "consumer", "log",    "metric" };

struct rows *rows_create(const struct rows_options *options)
{
    struct rows *rows = mem_calloc(1, sizeof *rows);
    uint32_t keys_max = options->attribute_keys_max > 0 ? options->attribute_keys_max : ATTRIBUTE_KEYS_MAX_DEFAULT;
    keys_init(&rows->keys);
    key_sets_init(&rows->key_sets, keys_max);
    rows->key_sets.keys_max_of = options->attribute_keys_of;
    rows->key_sets.ctx = options->ctx;
    rows->rules_source = options->rules;
    rows->stacks = options->stacks;
    arena_init(&rows->arena, ARENA_BLOCK_BYTES);
    arena_init(&rows->record_arena, ARENA_BLOCK_BYTES);
    buf_init(&rows->text, SIZE_MAX / 4);
    return rows;
}

void rows_destroy(struct rows *rows)
{
    if (rows == NULL) return;
    keys_deinit(&rows->keys);
    key_sets_deinit(&rows->key_sets);
    ids_deinit(&rows->ids);
    free(rows->hashes.at);
    arena_deinit(&rows->arena);
    arena_deinit(&rows->record_arena);
    buf_deinit(&rows->text);
    free(rows->slots);
    free(rows);
}

/* ---- where rows go ---- */

struct columns *rows_columns_at(struct rows *rows, int64_t timestamp_us)
{
    int64_t day = timestamp_us / US_PER_DAY - (timestamp_us % US_PER_DAY < 0);
    if (likely(rows->columns != NULL && rows->day == (int32_t)day)) return rows->columns;
    rows->day = (int32_t)day;
    rows->columns = rows->sink->columns(rows->sink->ctx, rows->table, rows->day);
    rows->generation++;
    assert(columns_table(rows->columns)->id == rows->table);
    return rows->columns;
}

static void listener_tell(struct rows *rows, enum rows_kind kind, uint32_t resource, int64_t timestamp_us)
{
    struct rows_row *row = &rows->row;
    row->kind = kind;
    row->resource = resource;
    row->timestamp_us = timestamp_us;
    row->service = rows->resources[resource].service_name;
    row->resource_attributes = rows->resources[resource].attributes;
    row->resource_attribute_count = rows->resources[resource].attribute_count;
    rows->sink->row(rows->sink->ctx, row);
}

void rows_row_end(struct rows *rows, enum rows_kind kind, uint32_t resource, int64_t timestamp_us)
{
    columns_row_end(rows->columns);
    if (rows->sink->row != NULL) listener_tell(rows, kind, resource, timestamp_us);
    if (!rows->sink->row_done(rows->sink->ctx, rows->columns)) rows->columns = NULL;
}

/* ---- attributes of a record ---- */

static void slots_reserve(struct rows *rows, uint32_t count)
{
    if (likely(count <= rows->slot_cap)) return;
    rows->slot_cap = count + count / 2;
    rows->slots = mem_realloc(rows->slots, rows->slot_cap * sizeof *rows->slots);
}

void rows_slots_collect(struct rows *rows, struct key *first, struct otlp_range range, uint32_t span_kind)
{
    const struct otlp_attribute *attribute = rows->request->attributes.at + range.first;
    struct key *key = first;
    bool has_renames = false;
    uint64_t record = ++rows->record_number;
    slots_reserve(rows, range.count);
    struct slot *slots = rows->slots;
    uint32_t count = 0;
    for (uint32_t i = 0; i < range.count; i++, attribute++) {
        key = keys_follow(&rows->keys, key, attribute->key);
        if (unlikely(key->record == record)) {
            slots[key->slot].value = &attribute->value;
            continue;
        }
        key->record = record;
        key->slot = count;
        slots[count++] = (struct slot){ .key = key, .value = &attribute->value };
        has_renames |= key->rename != NULL;
    }
    rows->slot_count = count;
    if (unlikely(has_renames)) {
        slots_reserve(rows, count * 3); /* one old name gives at most two current ones */
        rows_slots_rename(rows, span_kind);
    }
}

const struct rows_attribute *rows_slots_listed(struct rows *rows, struct arena *arena, uint32_t *count)
{
    struct rows_attribute *listed = arena_alloc(arena, (rows->slot_count + 1) * sizeof *listed);
    *count = 0;
    for (uint32_t i = 0; i < rows->slot_count; i++) {
        const struct slot *slot = &rows->slots[i];
        if (slot->key != NULL)
            listed[(*count)++] = (struct rows_attribute){ arena_copy(arena, slot->key->text), slot->value };
    }
    return listed;
}

/* ---- flat columns ---- */

/* A text that is an integer as we would write it: "8080", "-1", not "08" or "1e3". */
static bool text_is_integer(struct bytes text, int64_t *integer)
{
    bool is_negative = text.len > 0 && text.ptr[0] == '-';
    size_t at = is_negative ? 1 : 0;
    if (text.len - at == 0 || text.len - at > 18) return false;
    if (text.ptr[at] == '0' && text.len > 1) return false;
    int64_t number = 0;
    for (; at < text.len; at++) {
        if (text.ptr[at] < '0' || text.ptr[at] > '9') return false;
        number = number * 10 + (text.ptr[at] - '0');
    }
    *integer = is_negative ? -number : number;
    return true;
}

static bool integer_fits(uint8_t type, int64_t integer)
{
    return type == SCHEMA_TYPE_BIGINT || (integer >= INT32_MIN && integer <= INT32_MAX);
}

/* Value as text for a text column; len 0 and NULL when it has no such form. */
static struct bytes value_as_text(const struct otlp_value *value, uint8_t room[JSON_NUMBER_BYTES_MAX])
{
    switch (value->type) {
    case OTLP_TEXT: return value->bytes;
    case OTLP_INT: return bytes_from(room, (size_t)(json_put_int(room, value->integer) - room));
    case OTLP_BOOL: return value->boolean ? BYTES("true") : BYTES("false");
    default: return (struct bytes){ 0 };
    }
}

/* A value whose type is not the column's. What form of it the column takes, it gets; the value itself stays in the
 * remainder. */
static void foreign_put(struct columns *columns, struct key_column column, const struct otlp_value *value)
{
    uint8_t room[JSON_NUMBER_BYTES_MAX];
    uint32_t index = (uint32_t)column.column;
    int64_t integer;
    if (column.type == SCHEMA_TYPE_TEXT) {
        struct bytes text = value_as_text(value, room);
        if (text.ptr != NULL) columns_put_text(columns, index, text);
    } else if (column.type == SCHEMA_TYPE_INTEGER || column.type == SCHEMA_TYPE_BIGINT) {
        if (value->type == OTLP_TEXT && text_is_integer(value->bytes, &integer) && integer_fits(column.type, integer)) {
            columns_put_int(columns, index, integer);
        }
    }
}

/* True when the column holds the value whole. */
static inline bool flat_put(struct columns *columns, struct key_column column, const struct otlp_value *value)
{
    uint32_t index = (uint32_t)column.column;
    if (value->type == OTLP_TEXT && column.type == SCHEMA_TYPE_TEXT) {
        columns_put_text(columns, index, value->bytes);
        return true;
    }
    if (value->type == OTLP_INT && (column.type == SCHEMA_TYPE_INTEGER || column.type == SCHEMA_TYPE_BIGINT) &&
        integer_fits(column.type, value->integer)) {
        columns_put_int(columns, index, value->integer);
        return true;
    }
    if (value->type == OTLP_BOOL && column.type == SCHEMA_TYPE_BOOLEAN) {
        columns_put_bool(columns, index, value->boolean);
        return true;
    }
    if (value->type == OTLP_DOUBLE && column.type == SCHEMA_TYPE_DOUBLE) {
        columns_put_double(columns, index, value->number);
        return true;
    }
    foreign_put(columns, column, value);
    return false;
}

/* ---- the remainder ---- */

static inline bool key_is_admitted(struct rows *rows, struct key *key)
{
    if (likely(key->admitted_request == rows->request_number)) return key->is_admitted;
    key->is_admitted = key_sets_admit(&rows->key_sets, rows->key_set, key->hash);
    key->admitted_request = rows->request_number;
    return key->is_admitted;
}

static inline uint8_t *entry_put(uint8_t *at, const struct slot *slot)
{
    at = json_put_raw(at, slot->key->json);
    at = json_put_value(at, slot->value);
    *at++ = ',';
    return at;
}

static inline size_t entry_bytes_max(const struct slot *slot)
{
    return slot->key->json.len + 1 + json_value_bytes_max(slot->value);
}

static uint8_t *count_put(uint8_t *at, struct bytes name, uint32_t count)
{
    if (count == 0) return at;
    at = json_put_int(json_put_raw(at, name), count);
    *at++ = ',';
    return at;
}

/* The slots' object, with those of keys over the project's limit in one member of it. */
static uint8_t *remainder_put(uint8_t *at, const struct slot *slots, uint32_t count, uint32_t overflow_count,
                              struct bytes scope_json, struct dropped dropped)
{
    *at++ = '{';
    for (uint32_t i = 0; i < count; i++) {
        if (likely(!slots[i].overflows)) at = entry_put(at, &slots[i]);
    }
    if (unlikely(overflow_count > 0)) {
        at = json_put_raw(at, BYTES("\"monoscope.attributes_overflow\":{"));
        for (uint32_t i = 0; i < count; i++) {
            if (slots[i].overflows) at = entry_put(at, &slots[i]);
        }
        at[-1] = '}';
        *at++ = ',';
    }
    at = count_put(at, BYTES("\"otel.dropped_attributes_count\":"), dropped.attributes);
    at = count_put(at, BYTES("\"otel.dropped_events_count\":"), dropped.events);
    at = count_put(at, BYTES("\"otel.dropped_links_count\":"), dropped.links);
    at = json_put_bytes(at, scope_json);
    assert(at[-1] == ','); /* the caller has something to say */
    at[-1] = '}';
    return at;
}

static const size_t remainder_frame_bytes_max = 320; /* the braces, the overflow's and the counts' entries */

void rows_slots_put(struct rows *rows, uint32_t attributes_column, struct bytes scope_json, struct dropped dropped)
{
    struct columns *columns = rows->columns;
    struct slot *slots = rows->slots;
    size_t bytes_max = remainder_frame_bytes_max + scope_json.len;
    uint32_t left_count = 0, overflow_count = 0;
    enum schema_table_id table = rows->table;
    memset(rows->roles, 0, sizeof rows->roles);
    if (unlikely(rows->sink->wants_attributes != NULL && *rows->sink->wants_attributes))
        rows->row.attributes = rows_slots_listed(rows, &rows->record_arena, &rows->row.attribute_count);
    for (uint32_t i = 0; i < rows->slot_count; i++) {
        struct slot slot = slots[i];
        if (unlikely(slot.key == NULL)) continue;
        rows->roles[slot.key->role] = slot.value;
        struct key_column column = slot.key->columns[table][0];
        if (column.column >= 0) {
            if (likely(flat_put(columns, column, slot.value))) continue;
        } else if (unlikely(!key_is_admitted(rows, slot.key))) {
            slot.overflows = true;
            overflow_count++;
        }
        slots[left_count++] = slot;
        bytes_max += entry_bytes_max(&slot);
    }
    if (unlikely(rows->roles[ROLE_SCOPE] != NULL)) scope_json.len = 0; /* no key twice */
    if (left_count == 0 && scope_json.len == 0 && (dropped.attributes | dropped.events | dropped.links) == 0) return;

    if (likely(bytes_max <= RESERVE_BYTES_MAX)) {
        uint8_t *start = columns_text_reserve(columns, bytes_max);
        uint8_t *end = remainder_put(start, slots, left_count, overflow_count, scope_json, dropped);
        assert((size_t)(end - start) <= bytes_max);
        columns_put_text_reserved(columns, attributes_column, (size_t)(end - start));
        return;
    }
    rows->text.len = 0;
    uint8_t *start = rows_text_reserve(rows, bytes_max);
    rows_text_end(rows, remainder_put(start, slots, left_count, overflow_count, scope_json, dropped));
    columns_put_text(columns, attributes_column, buf_bytes(&rows->text));
}

void rows_attributes_add_json(struct rows *rows, struct otlp_range range)
{
    rows_slots_collect(rows, &rows->first_of_inner, range, 0);
    size_t bytes_max = 2;
    for (uint32_t i = 0; i < rows->slot_count; i++) {
        if (rows->slots[i].key != NULL) bytes_max += entry_bytes_max(&rows->slots[i]);
    }
    uint8_t *at = rows_text_reserve(rows, bytes_max);
    *at++ = '{';
    uint8_t *first = at;
    for (uint32_t i = 0; i < rows->slot_count; i++) {
        if (rows->slots[i].key != NULL) at = entry_put(at, &rows->slots[i]);
    }
    if (at > first) at--;
    *at++ = '}';
    rows_text_end(rows, at);
}

/* ---- resources and scopes ---- */

static void resource_make(struct rows *rows, struct resource *resource, const struct otlp_resource *sent)
{
    uint8_t room[JSON_NUMBER_BYTES_MAX];
    rows_slots_collect(rows, &rows->first_of_inner, sent->attributes, 0);
    if (rows->sink->row != NULL)
        resource->attributes = rows_slots_listed(rows, &rows->arena, &resource->attribute_count);
    uint32_t remainder_column =
        rows->table == SCHEMA_METRICS ? (uint32_t)METRICS_resource : (uint32_t)LOGS_AND_SPANS_resource;
    resource->columns = arena_alloc(&rows->arena, (rows->slot_count + 1) * sizeof *resource->columns);
    struct slot *slots = rows->slots;
    size_t bytes_max = remainder_frame_bytes_max;
    uint32_t left_count = 0, overflow_count = 0;
    for (uint32_t i = 0; i < rows->slot_count; i++) {
        struct slot slot = slots[i];
        if (slot.key == NULL) continue;
        if (unlikely(slot.key->role == ROLE_DEBUG_IDS)) resource->debug_ids = slot.value;
        struct key_column column = slot.key->columns[rows->table][1];
        if (column.column >= 0) { /* all of them are text */
            assert(column.type == SCHEMA_TYPE_TEXT);
            struct bytes text = value_as_text(slot.value, room);
            if (text.ptr == room) text = arena_copy(&rows->arena, text);
            if (text.ptr != NULL) {
                resource->columns[resource->column_count++] =
                    (struct resource_column){ .column = (uint32_t)column.column, .text = text };
            }
            if (slot.key->role == ROLE_SERVICE_NAME) resource->service_name = text;
            if (slot.key->role == ROLE_SDK_LANGUAGE) resource->sdk_language = text;
            if (slot.key->role == ROLE_SERVICE_VERSION) resource->version = text;
            if (slot.key->role == ROLE_ENVIRONMENT) resource->environment = text;
            if (slot.value->type == OTLP_TEXT) continue;
        } else if (!key_is_admitted(rows, slot.key)) {
            slot.overflows = true;
            overflow_count++;
        }
        slots[left_count++] = slot;
        bytes_max += entry_bytes_max(&slot);
    }
    resource->is_made = true;
    if (left_count == 0 && sent->dropped_attributes_count == 0) return;
    struct dropped dropped = { .attributes = sent->dropped_attributes_count };
    rows->text.len = 0;
    uint8_t *start = rows_text_reserve(rows, bytes_max);
    rows_text_end(rows, remainder_put(start, slots, left_count, overflow_count, (struct bytes){ 0 }, dropped));
    resource->columns[resource->column_count++] =
        (struct resource_column){ .column = remainder_column,
                                  .text = arena_copy(&rows->arena, buf_bytes(&rows->text)) };
}

struct resource *rows_resource(struct rows *rows, uint32_t index)
{
    struct resource *resource = &rows->resources[index];
    if (unlikely(!resource->is_made)) resource_make(rows, resource, &rows->request->resources.at[index]);
    return resource;
}

void rows_resource_put(struct rows *rows, uint32_t index)
{
    struct resource *resource = &rows->resources[index];
    assert(resource->is_made);
    for (uint32_t i = 0; i < resource->column_count; i++) {
        struct resource_column *column = &resource->columns[i];
        rows_repeated_put(rows, column->column, column->text, &column->handle);
    }
}

struct scope *rows_scope(struct rows *rows, uint32_t index)
{
    struct scope *scope = &rows->scopes[index];
    if (likely(scope->is_made)) return scope;
    scope->is_made = true;
    const struct otlp_scope *sent = &rows->request->scopes.at[index];
    rows->text.len = 0;
    struct {
        struct bytes json, text;
    } parts[] = { { BYTES("\"otel.scope.name\":"), sent->name }, { BYTES("\"otel.scope.version\":"), sent->version } };
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        if (parts[i].text.len == 0) continue;
        rows_text_add(rows, parts[i].json);
        rows_text_end(rows,
                      json_put_text(rows_text_reserve(rows, json_text_bytes_max(parts[i].text.len)), parts[i].text));
        rows_text_add(rows, BYTES(","));
    }
    if (sent->attributes.count > 0) {
        rows_text_add(rows, BYTES("\"otel.scope.attributes\":"));
        rows_attributes_add_json(rows, sent->attributes);
        rows_text_add(rows, BYTES(","));
    }
    scope->json = arena_copy(&rows->arena, buf_bytes(&rows->text));
    return scope;
}

struct bytes rows_resource_encoded(struct rows *rows, uint32_t index)
{
    struct resource *resource = &rows->resources[index];
    if (!resource->is_encoded) {
        struct otlp_range range = rows->request->resources.at[index].attributes;
        resource->encoded = id_encode_attributes(&rows->arena, rows->request->attributes.at + range.first, range.count);
        resource->is_encoded = true;
    }
    return resource->encoded;
}

/* A scope is a list of texts and attributes in one part: each with its length. */
struct bytes rows_scope_encoded(struct rows *rows, uint32_t index)
{
    struct scope *scope = &rows->scopes[index];
    if (scope->is_encoded) return scope->encoded;
    const struct otlp_scope *sent = &rows->request->scopes.at[index];
    struct bytes attributes = id_encode_attributes(&rows->arena, rows->request->attributes.at + sent->attributes.first,
                                                   sent->attributes.count);
    struct bytes parts[] = { sent->name, sent->version, attributes };
    size_t len = 0;
    for (size_t i = 0; i < COUNT_OF(parts); i++) len += 4 + parts[i].len;
    uint8_t *at = arena_alloc(&rows->arena, len);
    scope->encoded = bytes_from(at, len);
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        uint32_t part_len = __builtin_bswap32((uint32_t)parts[i].len);
        memcpy(at, &part_len, 4);
        at = json_put_bytes(at + 4, parts[i]);
    }
    scope->is_encoded = true;
    return scope->encoded;
}

/* ---- a request ---- */

static void request_begin(struct rows *rows, struct uuid project_id, const struct otlp_request *request,
                          const struct rows_sink *sink)
{
    rows->request = request;
    rows->sink = sink;
    rows->project_id = project_id;
    rows->table = request->signal == OTLP_METRICS ? SCHEMA_METRICS : SCHEMA_LOGS_AND_SPANS;
    rows->request_number++;
    rows->columns = NULL;
    rows->failed = NULL;
    rows->key_set = key_sets_open(&rows->key_sets, project_id);
    rows->resources = arena_calloc(&rows->arena, request->resources.count * sizeof *rows->resources);
    rows->scopes = arena_calloc(&rows->arena, request->scopes.count * sizeof *rows->scopes);
    rows->metrics = arena_calloc(&rows->arena, request->metrics.count * sizeof *rows->metrics);
    ids_begin(&rows->ids, otlp_record_count(request));
    id_name_init(&rows->id_start, project_id);
}

static void record_begin(struct rows *rows)
{
    uint64_t forgotten_count = rows->keys.forgotten_count;
    keys_trim(&rows->keys);
    if (unlikely(rows->keys.forgotten_count != forgotten_count)) {
        struct key *firsts[] = { &rows->first_of_span, &rows->first_of_log, &rows->first_of_point,
                                 &rows->first_of_inner };
        for (size_t i = 0; i < COUNT_OF(firsts); i++) firsts[i]->followers[0] = firsts[i]->followers[1] = NULL;
    }
    arena_reset(&rows->record_arena);
    if (rows->sink->row != NULL) rows->row = (struct rows_row){ 0 };
}

static void request_end(struct rows *rows)
{
    if (rows->has_rules) rows->rules_source.give_back(rows->rules_source.ctx, &rows->rules);
    rows->has_rules = false;
    rows->rules = (struct rows_rules){ 0 };
    arena_reset(&rows->arena);
    rows->request = NULL;
    rows->sink = NULL;
    rows->columns = NULL;
    if (rows->text.cap > TEXT_BYTES_KEPT) {
        buf_deinit(&rows->text);
        buf_init(&rows->text, SIZE_MAX / 4);
    }
    if (rows->slot_cap > SLOTS_KEPT) {
        free(rows->slots);
        rows->slots = NULL;
        rows->slot_cap = 0;
    }
}

void rows_build(struct rows *rows, struct uuid project_id, const struct otlp_request *request,
                const struct rows_sink *sink)
{
    request_begin(rows, project_id, request, sink);
    for (uint32_t i = 0; i < request->spans.count; i++) {
        record_begin(rows);
        rows_span_build(rows, &request->spans.at[i]);
    }
    for (uint32_t i = 0; i < request->logs.count; i++) {
        record_begin(rows);
        rows_log_build(rows, &request->logs.at[i]);
    }
    for (uint32_t i = 0; i < request->points.count; i++) {
        record_begin(rows);
        rows_point_build(rows, &request->points.at[i]);
    }
    request_end(rows);
}
