/* Any bytes as each of the three signals under rules of every kind: no read past the end; what the decoder takes is taken,
 * and what is written is a request with as many records; what it refuses is refused in words. */
#include "ingest/redaction/redaction.h"
#include "worker/otlp/otlp_dump.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct redaction *rules_make(void)
{
    static const struct redaction_rule rules[] = {
        { .name = "a", .finds = REDACTION_BUILT_IN, .pattern = "credentials", .is_on = true, .does = REDACTION_MASK },
        { .name = "b", .finds = REDACTION_BUILT_IN, .pattern = "tokens", .is_on = true, .does = REDACTION_HASH },
        { .name = "c", .finds = REDACTION_BUILT_IN, .pattern = "cards", .is_on = true, .does = REDACTION_DROP },
        { .name = "d", .finds = REDACTION_BUILT_IN, .pattern = "emails", .is_on = true, .does = REDACTION_MASK },
        { .name = "e", .finds = REDACTION_ATTRIBUTE, .pattern = "user.*", .is_on = true, .does = REDACTION_DROP },
        { .name = "f", .finds = REDACTION_ATTRIBUTE, .pattern = "http.*", .is_on = true, .does = REDACTION_HASH },
        { .name = "g", .finds = REDACTION_VALUE, .pattern = "[a-f]{3}[0-9]", .is_on = true, .does = REDACTION_MASK },
        { .name = "h", .finds = REDACTION_VALUE, .pattern = "\\bx+", .is_on = true, .does = REDACTION_DROP },
    };
    static const uint8_t key[REDACTION_KEY_BYTES] = { 1 };
    struct redaction *redaction;
    struct err err = { 0 };
    if (!redaction_create(&redaction, rules, COUNT_OF(rules), key, &err)) abort();
    return redaction;
}

/* Records with those left out; false: refused. */
static bool records_count(enum otlp_signal signal, struct bytes body, uint64_t *count, enum err_code *code)
{
    struct otlp_request request;
    struct err err = { 0 };
    otlp_request_init(&request);
    bool ok = otlp_decode(&request, signal, body, INT64_C(1763800000000000), &otlp_limits_default, &err);
    *count = otlp_record_count(&request) + request.rejected_count;
    *code = err.code;
    otlp_request_deinit(&request);
    return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct redaction *redaction; /* expressions take a while to be read */
    if (redaction == NULL) redaction = rules_make();
    struct redaction_scratch *scratch = redaction_scratch_create();
    struct bytes body = bytes_from(data, size);
    struct buf out;
    buf_init(&out, 32 * size + 4096);
    for (int s = OTLP_LOGS; s <= OTLP_METRICS; s++) {
        enum otlp_signal signal = (enum otlp_signal)s;
        struct redaction_counts counts = { 0 };
        struct err err = { 0 };
        bool is_changed = false;
        uint64_t before, after;
        enum err_code code;
        bool is_request = records_count(signal, body, &before, &code);
        bool ok = redaction_rewrite(redaction, scratch, signal, body, false, &out, &is_changed, &counts, &err);
        if (is_request && !ok) { /* what is wrong is inside of what was rejected */
            if (!redaction_rewrite(redaction, scratch, signal, body, true, &out, &is_changed, &counts, &err) ||
                !is_changed || !records_count(signal, buf_bytes(&out), &after, &code))
                abort();
            continue;
        }
        if (!ok && (err.code != ERR_INPUT || err.text[0] == '\0')) abort();
        if (ok && !is_changed && out.len > 0) abort();
        if (!ok || !is_request || !is_changed) continue;
        if (!records_count(signal, buf_bytes(&out), &after, &code) || after != before) abort();
    }
    buf_deinit(&out);
    redaction_scratch_destroy(scratch);
    return 0;
}
