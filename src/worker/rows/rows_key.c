#include "worker/rows/rows_key.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/json.h"

static const struct {
    const char *key;
    enum key_role role;
} roles[] = {
    { "http.request.method", ROLE_HTTP_METHOD },
    { "http.route", ROLE_HTTP_ROUTE },
    { "http.response.status_code", ROLE_HTTP_STATUS },
    { "url.path", ROLE_URL_PATH },
    { "url.full", ROLE_URL_FULL },
    { "url.template", ROLE_URL_TEMPLATE },
    { "server.address", ROLE_SERVER_ADDRESS },
    { "service.peer.name", ROLE_PEER_SERVICE },
    { "db.system.name", ROLE_DB_SYSTEM },
    { "db.namespace", ROLE_DB_NAMESPACE },
    { "db.operation.name", ROLE_DB_OPERATION },
    { "db.collection.name", ROLE_DB_COLLECTION },
    { "db.query.summary", ROLE_DB_SUMMARY },
    { "db.query.text", ROLE_DB_TEXT },
    { "rpc.system.name", ROLE_RPC_SYSTEM },
    { "rpc.service", ROLE_RPC_SERVICE },
    { "rpc.method", ROLE_RPC_METHOD },
    { "rpc.response.status_code", ROLE_RPC_STATUS },
    { "messaging.system", ROLE_MESSAGING_SYSTEM },
    { "messaging.operation.type", ROLE_MESSAGING_OPERATION },
    { "messaging.destination.name", ROLE_MESSAGING_DESTINATION },
    { "messaging.destination.template", ROLE_MESSAGING_TEMPLATE },
    { "messaging.destination.temporary", ROLE_MESSAGING_TEMPORARY },
    { "messaging.destination.anonymous", ROLE_MESSAGING_TEMPORARY },
    { "messaging.batch.message_count", ROLE_MESSAGING_COUNT },
    { "faas.trigger", ROLE_FAAS_TRIGGER },
    { "faas.invoked_name", ROLE_FAAS_INVOKED },
    { "faas.coldstart", ROLE_FAAS_COLDSTART },
    { "gen_ai.provider.name", ROLE_AI_PROVIDER },
    { "gen_ai.operation.name", ROLE_AI_OPERATION },
    { "gen_ai.request.model", ROLE_AI_MODEL },
    { "gen_ai.response.model", ROLE_AI_ANSWERED_MODEL },
    { "gen_ai.tool.name", ROLE_AI_TOOL },
    { "gen_ai.agent.name", ROLE_AI_AGENT },
    { "gen_ai.usage.input_tokens", ROLE_AI_TOKENS_IN },
    { "gen_ai.usage.output_tokens", ROLE_AI_TOKENS_OUT },
    { "browser.web_vital.name", ROLE_VITAL_NAME },
    { "browser.web_vital.value", ROLE_VITAL_VALUE },
    { "browser.web_vital.rating", ROLE_VITAL_RATING },
    { "target_element", ROLE_TARGET_ELEMENT }, /* opentelemetry-js, user interaction */
    { "k8s.event.reason", ROLE_K8S_REASON },
    { "k8s.event.count", ROLE_K8S_COUNT },
    { "event.name", ROLE_EVENT_NAME },
    { "level", ROLE_LEVEL },
    { "severity", ROLE_LEVEL },
    { "log.level", ROLE_LEVEL },
    { "log.severity", ROLE_LEVEL },
    { "loglevel", ROLE_LEVEL },
    { "lvl", ROLE_LEVEL },
    { "severity_text", ROLE_LEVEL },
    { "error.type", ROLE_ERROR_TYPE },
    { "exception.type", ROLE_EXCEPTION_TYPE },
    { "exception.message", ROLE_EXCEPTION_MESSAGE },
    { "exception.stacktrace", ROLE_EXCEPTION_STACKTRACE },
    { "service.name", ROLE_SERVICE_NAME },
    { "service.version", ROLE_SERVICE_VERSION },
    { "telemetry.sdk.language", ROLE_SDK_LANGUAGE },
    { "deployment.environment.name", ROLE_ENVIRONMENT },
    { "monoscope.debug_ids", ROLE_DEBUG_IDS },
    { "user.id", ROLE_USER_ID },
    { "session.id", ROLE_SESSION_ID },
    { "otel.scope.name", ROLE_SCOPE },
    { "otel.scope.version", ROLE_SCOPE },
    { "otel.scope.attributes", ROLE_SCOPE },
};

/* New keys may come in floods: most are told apart by their first byte. */
static inline bool name_is(const char *name, struct bytes text)
{
    return text.len > 0 && name[0] == (char)text.ptr[0] && bytes_equal(bytes_of_text(name), text);
}

static enum key_role role_of(struct bytes text)
{
    for (size_t i = 0; i < COUNT_OF(roles); i++) {
        if (name_is(roles[i].key, text)) return roles[i].role;
    }
    return ROLE_NONE;
}

void keys_init(struct keys *keys)
{
    *keys = (struct keys){ .cap = 256 };
    arena_init(&keys->arena, 16u << 10);
    keys->table = mem_calloc(keys->cap, sizeof *keys->table);
    struct uuid seed = uuid_random();
    memcpy(&keys->seed, seed.bytes + 8, sizeof keys->seed);
}

void keys_deinit(struct keys *keys)
{
    free(keys->table);
    arena_deinit(&keys->arena);
}

void keys_trim(struct keys *keys)
{
    if (likely(keys->count <= KEYS_MAX && keys->arena.bytes <= KEYS_BYTES_MAX)) return;
    uint64_t seed = keys->seed, forgotten_count = keys->forgotten_count;
    keys_deinit(keys);
    keys_init(keys);
    keys->seed = seed; /* the sets of the projects hold hashes made with it */
    keys->forgotten_count = forgotten_count + 1;
}

static void table_grow(struct keys *keys)
{
    uint32_t cap = keys->cap * 2;
    struct key **table = mem_calloc(cap, sizeof *table);
    for (uint32_t i = 0; i < keys->cap; i++) {
        struct key *key = keys->table[i];
        if (key == NULL) continue;
        uint32_t at = (uint32_t)key->hash & (cap - 1);
        while (table[at] != NULL) at = (at + 1) & (cap - 1);
        table[at] = key;
    }
    free(keys->table);
    keys->table = table;
    keys->cap = cap;
}

static struct key *key_make(struct keys *keys, struct bytes text, uint64_t hash)
{
    struct key *key = arena_alloc(&keys->arena, sizeof *key);
    *key = (struct key){ .text = arena_copy(&keys->arena, text),
                         .hash = hash,
                         .rename = rename_of(&keys->arena, text),
                         .role = role_of(text) };

    /* The greatest size is six times the text's: write it aside when that would waste much. */
    size_t json_bytes_max = json_text_bytes_max(text.len) + 1;
    uint8_t *json = json_bytes_max <= 512 ? arena_alloc(&keys->arena, json_bytes_max) : mem_alloc(json_bytes_max);
    uint8_t *end = json_put_text(json, text);
    *end++ = ':';
    key->json = bytes_from(json, (size_t)(end - json));
    if (json_bytes_max > 512) {
        key->json = arena_copy(&keys->arena, key->json);
        free(json);
    }
    for (int table = 0; table < SCHEMA_TABLE_COUNT; table++) {
        for (int is_resource = 0; is_resource < 2; is_resource++) {
            const struct schema_table *schema = schema_table((enum schema_table_id)table);
            int column = schema_attribute_column(schema, is_resource != 0, text);
            key->columns[table][is_resource] =
                (struct key_column){ .column = (int16_t)column,
                                     .type = column < 0 ? 0 : (uint8_t)schema->columns[column].type };
        }
    }
    return key;
}

struct key *keys_find_slow(struct keys *keys, struct bytes text)
{
    uint64_t hash = hash64_key(text, keys->seed);
    if (hash == 0) hash = 1; /* 0 means free in a key set */
    uint32_t at = (uint32_t)hash & (keys->cap - 1);
    for (; keys->table[at] != NULL; at = (at + 1) & (keys->cap - 1)) {
        if (keys->table[at]->hash == hash && bytes_equal(keys->table[at]->text, text)) return keys->table[at];
    }
    struct key *key = key_make(keys, text, hash);
    keys->table[at] = key;
    keys->count++;
    if (keys->count > keys->cap / 2) table_grow(keys);
    return key;
}

struct key *keys_find(struct keys *keys, const char *text)
{
    return keys_find_slow(keys, bytes_of_text(text));
}

void key_sets_init(struct key_sets *sets, uint32_t keys_max)
{
    *sets = (struct key_sets){ .keys_max = keys_max };
}

void key_sets_deinit(struct key_sets *sets)
{
    for (uint32_t i = 0; i < sets->count; i++) free(sets->at[i].hashes);
    free(sets->at);
}

static uint32_t set_oldest(const struct key_sets *sets)
{
    uint32_t oldest = 0;
    for (uint32_t i = 1; i < sets->count; i++) {
        if (sets->at[i].used_tick < sets->at[oldest].used_tick) oldest = i;
    }
    return oldest;
}

static void set_drop(struct key_sets *sets, uint32_t index)
{
    sets->keys_total -= sets->at[index].count;
    free(sets->at[index].hashes);
    sets->at[index] = sets->at[--sets->count];
}

uint32_t key_sets_open(struct key_sets *sets, struct uuid project)
{
    uint32_t keys_max = sets->keys_max_of ? sets->keys_max_of(sets->ctx, project) : sets->keys_max;
    sets->tick++;
    while (sets->count > 1 && sets->keys_total > (uint64_t)sets->keys_max * KEY_SETS_SHARE) {
        set_drop(sets, set_oldest(sets));
    }
    for (uint32_t i = 0; i < sets->count; i++) {
        if (!uuid_equal(sets->at[i].project, project)) continue;
        sets->at[i].used_tick = sets->tick;
        sets->at[i].keys_max = keys_max;
        return i;
    }
    if (sets->count == KEY_SETS_PROJECTS_MAX) set_drop(sets, set_oldest(sets));
    /* Room in powers of two from 16. */
    if (sets->at == NULL || (sets->count >= 16 && (sets->count & (sets->count - 1)) == 0)) {
        uint32_t cap = sets->count < 16 ? 16 : sets->count * 2;
        sets->at = mem_realloc(sets->at, cap * sizeof *sets->at);
    }
    sets->at[sets->count] = (struct key_set){ .project = project, .keys_max = keys_max, .used_tick = sets->tick };
    return sets->count++;
}

static void set_add(struct key_set *set, uint64_t hash)
{
    uint32_t at = (uint32_t)(hash >> 32) & (set->cap - 1);
    while (set->hashes[at] != 0) at = (at + 1) & (set->cap - 1);
    set->hashes[at] = hash;
}

bool key_sets_admit(struct key_sets *sets, uint32_t index, uint64_t hash)
{
    struct key_set *set = &sets->at[index];
    if (set->cap > 0) {
        uint32_t at = (uint32_t)(hash >> 32) & (set->cap - 1);
        for (; set->hashes[at] != 0; at = (at + 1) & (set->cap - 1)) {
            if (set->hashes[at] == hash) return true;
        }
    }
    if (set->count >= set->keys_max) return false;
    if ((uint64_t)(set->count + 1) * 4 > (uint64_t)set->cap * 3) {
        uint64_t *hashes = set->hashes;
        uint32_t cap = set->cap;
        set->cap = cap == 0 ? 64 : cap * 2;
        set->hashes = mem_calloc(set->cap, sizeof *set->hashes);
        for (uint32_t i = 0; i < cap; i++) {
            if (hashes[i] != 0) set_add(set, hashes[i]);
        }
        free(hashes);
    }
    set_add(set, hash);
    set->count++;
    sets->keys_total++;
    return true;
}
