#include <stdlib.h>

#include "base/utf8.h"
#include "errors/rules.h"
#include "patterns/mask.h"
#include "worker/rows/rows_inside.h"

/* Where the hash with this key is, or goes. The table grows when keys that are in use push each other out. */
static struct kept_hash *kept_at(struct kept_hashes *kept, struct hash128 key)
{
    if (unlikely(kept->cap == 0 || (kept->pushed_count > kept->cap / 4 && kept->cap < HASHES_KEPT_MAX))) {
        uint32_t cap = kept->cap == 0 ? HASHES_KEPT_MIN : kept->cap * 2;
        struct kept_hash *at = mem_calloc(cap, sizeof *at);
        for (uint32_t i = 0; i < kept->cap; i++) at[kept->at[i].key.lo & (cap - 1)] = kept->at[i];
        free(kept->at);
        *kept = (struct kept_hashes){ .at = at, .cap = cap };
    }
    return &kept->at[key.lo & (kept->cap - 1)];
}

/* Elements of `hashes` are UUIDs of version 5 over project, a word, service and what else tells them apart. The same
 * ones come again and again: those made last are kept under a key made of their parts. */
static struct bytes hash_of(struct rows *rows, struct bytes head, struct hash128 key, const struct bytes *parts,
                            size_t part_count)
{
    struct kept_hash *kept = kept_at(&rows->hashes, key);
    if (unlikely(!hash128_equal(kept->key, key))) {
        struct id_name name = rows->id_start;
        for (size_t i = 0; i < part_count; i++) id_name_add(&name, parts[i]);
        assert(head.len + ID_TEXT_BYTES <= sizeof kept->text);
        id_text_put(json_put_bytes(kept->text, head), id_name_end(&name));
        rows->hashes.pushed_count += (kept->key.lo | kept->key.hi) != 0;
        kept->key = key;
    }
    uint8_t *text = arena_alloc(&rows->record_arena, sizeof kept->text); /* the next may fall on its place */
    memcpy(text, kept->text, sizeof kept->text);
    return bytes_from(text, head.len + ID_TEXT_BYTES);
}

static struct bytes parts_joined(struct rows *rows, const struct bytes *parts, size_t part_count)
{
    size_t len = sizeof rows->project_id.bytes;
    for (size_t i = 0; i < part_count; i++) len += sizeof(uint32_t) + parts[i].len;
    uint8_t *flat = arena_alloc(&rows->record_arena, len);
    uint8_t *at = json_put_bytes(flat, bytes_from(rows->project_id.bytes, sizeof rows->project_id.bytes));
    for (size_t i = 0; i < part_count; i++) {
        uint32_t part_len = (uint32_t)parts[i].len;
        memcpy(at, &part_len, sizeof part_len);
        at = json_put_bytes(at + sizeof part_len, parts[i]);
    }
    return bytes_from(flat, len);
}

static struct bytes hash_of_parts(struct rows *rows, struct bytes head, const struct bytes *parts, size_t part_count)
{
    return hash_of(rows, head, hash128_of(parts_joined(rows, parts, part_count)), parts, part_count);
}

/* For each log record: what the resource has to say to the key is made once. */
struct bytes rows_pattern_hash(struct rows *rows, struct resource *resource, struct bytes message)
{
    uint8_t *room = arena_alloc(&rows->record_arena, MASK_ROOM_BYTES);
    struct bytes parts[] = { BYTES("pattern"), resource->service_name, mask_text(room, message) };
    static_assert(PATTERNS_VERSION == 1, "the first part of another version's hashes is another word");
    if (unlikely(!resource->has_pattern_key)) {
        resource->pattern_key = hash128_of(parts_joined(rows, parts, 2));
        resource->has_pattern_key = true;
    }
    struct hash128 key = hash128_of(parts[2]), by = resource->pattern_key;
    key.lo = hash64_mix(key.lo ^ by.lo, key.hi ^ by.hi ^ 0x9E3779B97F4A7C15u);
    key.hi += by.hi + by.lo;
    struct bytes hash = hash_of(rows, BYTES("pat:"), key, parts, COUNT_OF(parts));
    if (rows->sink->row != NULL) { /* the message may be gone when the row ends */
        struct bytes start = message;
        if (start.len > ROWS_MESSAGE_BYTES_MAX) start.len = utf8_cut(start, ROWS_MESSAGE_BYTES_MAX);
        rows->row.pattern = hash;
        rows->row.template = parts[2];
        rows->row.message = arena_copy(&rows->record_arena, start);
    }
    return hash;
}

struct uuid rows_pattern_id(struct uuid project_id, struct bytes service, struct bytes template)
{
    struct id_name name;
    id_name_init(&name, project_id);
    id_name_add(&name, BYTES("pattern"));
    id_name_add(&name, service);
    id_name_add(&name, template);
    return id_name_end(&name);
}

struct uuid rows_error_id(struct uuid project_id, struct hash128 key)
{
    struct id_name name;
    id_name_init(&name, project_id);
    id_name_add(&name, BYTES("error"));
    id_name_add(&name, bytes_from(&key, sizeof key));
    return id_name_end(&name);
}

static const struct rows_rules *rules_of(struct rows *rows)
{
    if (!rows->has_rules && rows->rules_source.take != NULL) {
        rows->rules_source.take(rows->rules_source.ctx, rows->project_id, rows->request->received_unix_us,
                                &rows->rules);
        rows->has_rules = true;
    }
    return &rows->rules;
}

/* What was read of an error before is not read again: the same bytes have, by the same rules, the same fingerprint. */
void rows_error_hash(struct rows *rows, const struct error_source *source, struct rows_error *error)
{
    static_assert(RULES_MAX <= UINT16_MAX && RULES_BYTES_MAX <= UINT16_MAX + 1u,
                  "a line's number fits in what is kept");
    const struct rows_rules *rules = rules_of(rows);
    struct hash128 stack = hash128_of(source->stacktrace);
    struct bytes told[] = {
        BYTES("error"),   source->service,
        source->language, source->type,
        source->message,  bytes_from(&stack, sizeof stack),
        source->place,    bytes_from(&rules->version, rules->version > 0 ? sizeof rules->version : 0)
    };
    struct hash128 key = hash128_of(parts_joined(rows, told, COUNT_OF(told)));
    struct fingerprint fingerprint = { .by = FINGERPRINT_BY_STACK };
    bool is_kept = hash128_equal(kept_at(&rows->hashes, key)->key, key);
    if (!is_kept) {
        const struct error_event *event = error_event_read(&rows->record_arena, source);
        fingerprint = fingerprint_of(&rows->record_arena, event, rules->rules);
    }
    struct bytes parts[] = { BYTES("error"), bytes_from(&fingerprint.key, sizeof fingerprint.key) };
    error->hash = hash_of(rows, BYTES("err:"), key, parts, COUNT_OF(parts));
    struct kept_hash *kept = kept_at(&rows->hashes, key);
    if (!is_kept) {
        kept->by = (uint8_t)fingerprint.by;
        kept->rule_line = (uint16_t)fingerprint.rule_line;
    }
    error->by = (enum fingerprint_by)kept->by;
    error->rule_line = kept->rule_line;
    error->rules_version = error->by == FINGERPRINT_BY_RULE ? rules->version : 0;
}

/* Where requests come in: a route, a method of a service, a queue; and where they go, when the client knows the
 * template of its URL. Empty: none. */
struct bytes rows_endpoint_hash(struct rows *rows, enum word kind, struct bytes service)
{
    struct bytes method = value_text(rows->roles[ROLE_HTTP_METHOD]), route = { 0 };
    if (kind == WORD_SERVER) {
        route = value_text(rows->roles[ROLE_HTTP_ROUTE]);
        struct bytes path = value_text(rows->roles[ROLE_URL_PATH]);
        if (route.len == 0 && path.len > 0) route = rows_path_template(&rows->record_arena, path);
        if (route.len == 0) {
            method = value_text(rows->roles[ROLE_RPC_SYSTEM]);
            route = value_text(rows->roles[ROLE_RPC_METHOD]);
        }
    } else if (kind == WORD_CONSUMER) {
        const struct otlp_value *temporary = rows->roles[ROLE_MESSAGING_TEMPORARY];
        method = value_text(rows->roles[ROLE_MESSAGING_OPERATION]);
        route = value_text(rows->roles[ROLE_MESSAGING_TEMPLATE]);
        if (route.len == 0 && (temporary == NULL || temporary->type != OTLP_BOOL || !temporary->boolean)) {
            route = value_text(rows->roles[ROLE_MESSAGING_DESTINATION]);
        }
    } else if (kind == WORD_CLIENT && rows->roles[ROLE_URL_TEMPLATE] != NULL) {
        route = value_text(rows->roles[ROLE_URL_TEMPLATE]);
        rows->row.method = method;
        rows->row.route = route;
        struct bytes parts[] = { BYTES("outgoing"), service, method, value_text(rows->roles[ROLE_SERVER_ADDRESS]),
                                 route };
        return hash_of_parts(rows, BYTES(""), parts, COUNT_OF(parts));
    }
    if (route.len == 0) return route;
    rows->row.method = method;
    rows->row.route = route;
    struct bytes parts[] = { BYTES("endpoint"), service, method, route };
    return hash_of_parts(rows, BYTES(""), parts, COUNT_OF(parts));
}
