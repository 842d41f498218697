#include "ingest/redact.h"

#include "replay/replay_batch.h"

struct rewriting {
    const struct redaction *redaction;
    struct redaction_scratch *scratch;
    struct redaction_counts counts;
    bool is_lenient;
};

static bool rewrite(void *ctx, enum otlp_signal signal, struct bytes body, struct buf *out, bool *is_changed,
                    struct err *err)
{
    struct rewriting *rewriting = ctx;
    rewriting->counts = (struct redaction_counts){ 0 };
    return redaction_rewrite(rewriting->redaction, rewriting->scratch, signal, body, rewriting->is_lenient, out,
                             is_changed, &rewriting->counts, err);
}

static bool replay_rewrite(struct rewriting *rewriting, struct element_memory *memory, struct inbound *inbound,
                           int64_t received_unix_us, bool *wants_snapshot, struct err *err)
{
    struct redacted_replay out;
    buf_init(&out.body, REPLAY_BATCH_BYTES_MAX);
    bool ok = redaction_rewrite_replay(rewriting->redaction, rewriting->scratch, memory, inbound_body(inbound),
                                       received_unix_us, &out, &rewriting->counts, err);
    if (ok && out.is_changed) inbound_replace(inbound, &out.body);
    *wants_snapshot = ok && out.wants_snapshot;
    buf_deinit(&out.body);
    return ok;
}

/* In the form of OTLP. */
static bool request_rewrite(struct rewriting *rewriting, struct inbound *inbound, enum otlp_signal signal,
                            int64_t received_unix_us, struct err *err)
{
    if (inbound_rewrite(inbound, signal, rewrite, rewriting, err)) return true;
    if (err->code != ERR_INPUT) return false;
    /* Either it is no request, and the decoder says where; or what is wrong is inside of records that it leaves out. */
    *err = (struct err){ 0 };
    rewriting->is_lenient = true;
    return inbound_decode(inbound, signal, received_unix_us, err) &&
           inbound_rewrite(inbound, signal, rewrite, rewriting, err);
}

bool redact(struct redactor *redactor, struct redaction_scratch *scratch, struct inbound *inbound,
            enum otlp_signal signal, int64_t received_unix_us, const struct ingest_key *key, struct redacted *redacted,
            struct err *err)
{
    struct redaction *redaction = NULL;
    *redacted = (struct redacted){ 0 };
    if (redactor == NULL) return true;
    if (!redactor_take(redactor, key->project_id, &redaction, err)) return false;
    if (redaction == NULL) return true;
    struct bytes sent = inbound_body(inbound);
    redacted->is_done = true;
    redacted->bytes = sent.len;
    redacted->hash = inbound_hash(key->project_id, signal, sent);
    redaction_hash(redaction, &redacted->hash);
    struct rewriting rewriting = { .redaction = redaction, .scratch = scratch };
    bool ok = signal == OTLP_REPLAY ? replay_rewrite(&rewriting, redactor_elements(redactor), inbound, received_unix_us,
                                                     &redacted->wants_snapshot, err)
                                    : request_rewrite(&rewriting, inbound, signal, received_unix_us, err);
    if (ok) {
        redactor_count(redactor, redaction, &rewriting.counts);
        for (uint32_t r = 0; r < redaction_rule_count(redaction); r++) redacted->found += rewriting.counts.found[r];
    }
    redaction_release(redaction);
    return ok;
}
