/* rows_key.h -- attribute keys met so far: their column, their current name, their part in the summary.
 *
 *   key text --keys_follow--> struct key     senders repeat keys in the same order, so the key that came behind the
 *                                            last one before is tried first; else a hash table
 *
 * Thread: one owner (struct rows).
 * Memory: keys are forgotten together by keys_trim, between records, once there are more than KEYS_MAX or their text
 *         takes more than KEYS_BYTES_MAX; pointers to keys live until then. What a project may name is bounded apart:
 *         struct key_sets. */
#pragma once
#include "base/arena.h"
#include "base/uuid.h"
#include "timefusion/schema/schema.h"
#include "worker/otlp/otlp.h"
#include "worker/rows/rows_rename.h"

#define KEYS_MAX       8192
#define KEYS_BYTES_MAX (2u << 20)

/* Attributes that the summary, the hashes and the errors look at. */
enum key_role {
    ROLE_NONE,
    ROLE_HTTP_METHOD,
    ROLE_HTTP_ROUTE,
    ROLE_HTTP_STATUS,
    ROLE_URL_PATH,
    ROLE_URL_FULL,
    ROLE_URL_TEMPLATE,
    ROLE_SERVER_ADDRESS,
    ROLE_PEER_SERVICE,
    ROLE_DB_SYSTEM,
    ROLE_DB_NAMESPACE,
    ROLE_DB_OPERATION,
    ROLE_DB_COLLECTION,
    ROLE_DB_SUMMARY,
    ROLE_DB_TEXT,
    ROLE_RPC_SYSTEM,
    ROLE_RPC_SERVICE,
    ROLE_RPC_METHOD,
    ROLE_RPC_STATUS,
    ROLE_MESSAGING_SYSTEM,
    ROLE_MESSAGING_OPERATION,
    ROLE_MESSAGING_DESTINATION,
    ROLE_MESSAGING_TEMPLATE,
    ROLE_MESSAGING_TEMPORARY,
    ROLE_MESSAGING_COUNT,
    ROLE_FAAS_TRIGGER,
    ROLE_FAAS_INVOKED,
    ROLE_FAAS_COLDSTART,
    ROLE_AI_PROVIDER,
    ROLE_AI_OPERATION,
    ROLE_AI_MODEL,
    ROLE_AI_ANSWERED_MODEL,
    ROLE_AI_TOOL,
    ROLE_AI_AGENT,
    ROLE_AI_TOKENS_IN,
    ROLE_AI_TOKENS_OUT,
    ROLE_VITAL_NAME,
    ROLE_VITAL_VALUE,
    ROLE_VITAL_RATING,
    ROLE_TARGET_ELEMENT,
    ROLE_K8S_REASON,
    ROLE_K8S_COUNT,
    ROLE_EVENT_NAME,
    ROLE_LEVEL,
    ROLE_ERROR_TYPE,
    ROLE_EXCEPTION_TYPE,
    ROLE_EXCEPTION_MESSAGE,
    ROLE_EXCEPTION_STACKTRACE,
    ROLE_SERVICE_NAME,
    ROLE_SERVICE_VERSION,
    ROLE_SDK_LANGUAGE,
    ROLE_ENVIRONMENT,
    ROLE_DEBUG_IDS,
    ROLE_USER_ID,
    ROLE_SESSION_ID,
    ROLE_SCOPE, /* the sender says itself what we would say of the scope */
    ROLE_COUNT
};

struct key {
    struct bytes text;
    struct bytes json; /* "text": as it stands in a JSON object */
    uint64_t hash;
    struct key *followers[2];    /* the keys that came behind this one, the last first: spans have a few shapes */
    const struct rename *rename; /* NULL: the name is current */
    struct key *targets[2];      /* of rename's to and second; NULL: not looked up yet */
    uint64_t record;             /* stamp of the last record that has it ... */
    uint32_t slot;               /* ... and where, in rows->slots */
    enum key_role role;
    struct key_column {
        int16_t column;               /* -1: none */
        uint8_t type;                 /* enum schema_type of it */
    } columns[SCHEMA_TABLE_COUNT][2]; /* [table][is_resource] */
    uint64_t admitted_request;        /* the project's set was asked in this request ... */
    bool is_admitted;                 /* ... and said so */
};

struct keys {
    struct arena arena;
    struct key **table;
    uint32_t count, cap; /* cap: a power of two */
    uint64_t seed;
    uint64_t forgotten_count; /* how often keys_trim forgot all: pointers from before are gone */
};
void keys_init(struct keys *keys);
void keys_deinit(struct keys *keys);
void keys_trim(struct keys *keys);
struct key *keys_find_slow(struct keys *keys, struct bytes text);

/* Equality of keys, mostly 8 to 24 bytes long, without a call for those up to 16. */
static inline bool key_text_equal(struct bytes a, struct bytes b)
{
    if (a.len != b.len) return false;
    if (a.len >= 8) {
        uint64_t head_a, head_b, tail_a, tail_b;
        memcpy(&head_a, a.ptr, 8);
        memcpy(&head_b, b.ptr, 8);
        memcpy(&tail_a, a.ptr + a.len - 8, 8);
        memcpy(&tail_b, b.ptr + a.len - 8, 8);
        if (((head_a ^ head_b) | (tail_a ^ tail_b)) != 0) return false;
        return a.len <= 16 || memcmp(a.ptr + 8, b.ptr + 8, a.len - 16) == 0;
    }
    return bytes_equal(a, b);
}
static inline struct key *keys_follow(struct keys *keys, struct key *previous, struct bytes text)
{
    struct key *guess = previous->followers[0];
    if (likely(guess != NULL && key_text_equal(guess->text, text))) return guess;
    struct key *other = previous->followers[1];
    if (other == NULL || !key_text_equal(other->text, text)) other = keys_find_slow(keys, text);
    previous->followers[1] = guess;
    return previous->followers[0] = other;
}
struct key *keys_find(struct keys *keys, const char *text);

/* The distinct keys a project has used, apart from those with a column: 8 bytes each, allocated by need.
 * When all projects together hold KEY_SETS_SHARE times keys_max, the set unused for longest is dropped and learned
 * anew. */
#define KEY_SETS_SHARE        16
#define KEY_SETS_PROJECTS_MAX 1024
struct key_set {
    struct uuid project;
    uint64_t *hashes; /* open addressing; 0: free */
    uint32_t count, cap;
    uint32_t keys_max; /* of the project, as of the last key_sets_open */
    uint64_t used_tick;
};
struct key_sets {
    struct key_set *at;
    uint32_t count, keys_max;
    uint64_t tick, keys_total;
    uint32_t (*keys_max_of)(void *ctx, struct uuid project); /* NULL: keys_max of each */
    void *ctx;
};
void key_sets_init(struct key_sets *sets, uint32_t keys_max);
void key_sets_deinit(struct key_sets *sets);
/* Index of the project's set, to use until the next call. */
uint32_t key_sets_open(struct key_sets *sets, struct uuid project);
/* Whether the project may use a key of this hash: it did before, or has fewer than keys_max. */
bool key_sets_admit(struct key_sets *sets, uint32_t set, uint64_t hash);
