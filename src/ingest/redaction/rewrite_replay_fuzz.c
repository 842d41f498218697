/* Any bytes as a batch of a replay under rules of every kind: what was a batch still is one, of the same events at the same
 * times. */
#include "ingest/redaction/element_memory.h"
#include "ingest/redaction/redaction.h"
#include <stdlib.h>
#include <yyjson.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct redaction *rules_make(void)
{
    static const struct redaction_rule rules[] = {
        { .name = "a", .finds = REDACTION_BUILT_IN, .pattern = "credentials", .is_on = true, .does = REDACTION_MASK },
        { .name = "b", .finds = REDACTION_BUILT_IN, .pattern = "cards", .is_on = true, .does = REDACTION_DROP },
        { .name = "c", .finds = REDACTION_ATTRIBUTE, .pattern = "user.*", .is_on = true, .does = REDACTION_HASH },
        { .name = "d", .finds = REDACTION_ATTRIBUTE, .pattern = "*t*", .is_on = true, .does = REDACTION_DROP },
        { .name = "f", .finds = REDACTION_ELEMENT, .pattern = "p", .is_on = true, .does = REDACTION_MASK },
        { .name = "g", .finds = REDACTION_ELEMENT, .pattern = ".a", .is_on = true, .does = REDACTION_DROP },
        { .name = "e", .finds = REDACTION_VALUE, .pattern = "[a-f]{3}[0-9]", .is_on = true, .does = REDACTION_MASK },
    };
    static const uint8_t key[REDACTION_KEY_BYTES] = { 1 };
    struct redaction *redaction;
    struct err err = { 0 };
    if (!redaction_create(&redaction, rules, COUNT_OF(rules), key, &err)) abort();
    return redaction;
}

/* Of each event its type and time; 0: it is no batch. */
static uint64_t events_hash(struct bytes body)
{
    yyjson_doc *doc = yyjson_read((const char *)body.ptr, body.len, YYJSON_READ_NUMBER_AS_RAW);
    uint64_t hash = doc ? 1 : 0;
    size_t index, count;
    yyjson_val *event;
    yyjson_arr_foreach(yyjson_obj_get(yyjson_doc_get_root(doc), "events"), index, count, event)
    {
        static const char *const names[] = { "type", "timestamp" };
        for (size_t n = 0; n < COUNT_OF(names); n++) {
            yyjson_val *number = yyjson_obj_get(event, names[n]);
            for (size_t i = 0; yyjson_is_raw(number) && i < yyjson_get_len(number); i++)
                hash = hash * 31 + (uint8_t)yyjson_get_raw(number)[i];
        }
    }
    yyjson_doc_free(doc);
    return hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct redaction *redaction; /* expressions take a while to be read */
    if (redaction == NULL) redaction = rules_make();
    struct redaction_scratch *scratch = redaction_scratch_create();
    struct redaction_counts counts = { 0 };
    struct err err = { 0 };
    struct element_memory *memory = element_memory_create(4);
    struct redacted_replay out;
    buf_init(&out.body, 32 * size + 4096);
    if (redaction_rewrite_replay(redaction, scratch, memory, bytes_from(data, size), 1, &out, &counts, &err)) {
        if (out.is_changed && events_hash(buf_bytes(&out.body)) != events_hash(bytes_from(data, size))) abort();
        if (!out.is_changed && out.body.len > 0) abort();
    } else if (err.text[0] == '\0' || (err.code != ERR_INPUT && err.code != ERR_TOO_LARGE)) {
        abort();
    }
    buf_deinit(&out.body);
    element_memory_destroy(memory);
    redaction_scratch_destroy(scratch);
    return 0;
}
