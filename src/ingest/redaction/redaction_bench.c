/* What redaction costs a usual span (20 attributes, 0.9 KB), by the rules a project has. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "ingest/redaction/redaction.h"
#include "worker/otlp/otlp_encode.h"

enum { SPANS = 500, ROUNDS = 200 };

static void measure(const char *name, const struct redaction_rule *rules, uint32_t count, struct bytes body)
{
    static const uint8_t key[REDACTION_KEY_BYTES] = { 1 };
    struct redaction *redaction;
    struct err err = { 0 };
    struct redaction_counts counts = { 0 };
    struct buf out;
    bool is_changed = false;
    if (!redaction_create(&redaction, rules, count, key, &err)) abort();
    struct redaction_scratch *scratch = redaction_scratch_create();
    buf_init(&out, ENCODE_BYTES_MAX);
    uint64_t begin = clock_mono_ns();
    for (int r = 0; r < ROUNDS; r++) {
        if (!redaction_rewrite(redaction, scratch, OTLP_TRACES, body, false, &out, &is_changed, &counts, &err)) abort();
    }
    double ns = (double)(clock_mono_ns() - begin) / (ROUNDS * SPANS);
    printf("{\"bench\": \"redaction\", \"rules\": \"%s\", \"ns_per_span\": %.0f, \"changed\": %s}\n", name, ns,
           is_changed ? "true" : "false");
    buf_deinit(&out);
    redaction_scratch_destroy(scratch);
    redaction_release(redaction);
}

int main(void)
{
    static const struct redaction_rule rules[] = {
        { .name = "a", .finds = REDACTION_BUILT_IN, .pattern = "credentials", .is_on = true, .does = REDACTION_MASK },
        { .name = "b", .finds = REDACTION_BUILT_IN, .pattern = "tokens", .is_on = true, .does = REDACTION_MASK },
        { .name = "c", .finds = REDACTION_BUILT_IN, .pattern = "cards", .is_on = true, .does = REDACTION_MASK },
        { .name = "d", .finds = REDACTION_BUILT_IN, .pattern = "emails", .is_on = true, .does = REDACTION_MASK },
        { .name = "e", .finds = REDACTION_ATTRIBUTE, .pattern = "user.*", .is_on = true, .does = REDACTION_HASH },
        { .name = "f", .finds = REDACTION_VALUE, .pattern = "ACME-[0-9]{8}", .is_on = true, .does = REDACTION_MASK },
        { .name = "g", .finds = REDACTION_VALUE, .pattern = "[A-Z]{2}[0-9]{2}(?: ?[0-9]{4}){4}", .is_on = true },
    };
    uint64_t random = 7;
    struct buf records = message();
    for (int i = 0; i < SPANS; i++) put_usual_span(&records, &random);
    struct buf request = request_around(&records);
    struct bytes body = buf_bytes(&request);
    measure("none", rules, 0, body);
    measure("credentials", rules, 1, body);
    measure("all built in", rules, 4, body);
    measure("one name, which every span has", rules + 4, 1, body);
    measure("one regular expression", rules + 5, 1, body);
    measure("all of these, and another expression", rules, 7, body);
    buf_deinit(&request);
    return 0;
}
