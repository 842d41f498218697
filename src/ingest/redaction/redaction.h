/* redaction.h -- what a project does not want kept is taken out of its telemetry before anything is kept.
 *
 *   rules --redaction_create--> struct redaction
 *   OTLP protobuf --redaction_rewrite--> the same message without it --> decode, log or Kafka, segments, tables
 *   a replay's batch --redaction_rewrite_replay--> the same batch without it --> log or Kafka, the object store
 *
 * Looked at: every attribute, nested ones too, of resources, scopes, spans, events, links, logs, points and exemplars;
 * log bodies; every other text (names, status messages, descriptions, trace states). In a text: what a regular expression
 * or a built-in matcher finds, and the value after a name that a rule is about: name=value, name: value, "name":"value" (a
 * URL's query, a form, JSON in a string, a header). Fields that OTLP does not have are left out: nobody reads them.
 * Ids of 8 and 16 bytes and numbers stay, but for whole numbers that are card numbers.
 * Time: linear in the body, whatever it holds: names and built-in matchers look at a byte a bounded number of times, RE2
 * is linear by construction, and a text with more matches than 64 and one in 64 bytes is redacted as a whole.
 * Thread: a struct redaction is constant and counted: any. A scratch has one owner.
 * Memory: a compiled regular expression up to 1 MiB; a scratch 180 KiB.
 * Errors: ERR_INPUT the body is not protobuf of that message (otlp_decode says where); ERR_TOO_LARGE it grew over
 * out->bytes_max. Nothing may be kept then. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "meta/redaction_rule.h"
#include "worker/otlp/otlp.h"

struct redaction;
struct redaction_scratch;

#define REDACTION_KEY_BYTES 32
/* key: of the project's keyed hashes. Rules that are off count, but do nothing. ERR_INPUT names the rule that is wrong. */
MUST_CHECK bool redaction_create(struct redaction **redaction, const struct redaction_rule *rules, uint32_t rule_count,
                                 const uint8_t key[REDACTION_KEY_BYTES], struct err *err);
struct redaction *redaction_hold(struct redaction *redaction);
void redaction_release(struct redaction *redaction); /* NULL is fine */
uint32_t redaction_rule_count(const struct redaction *redaction);
struct uuid redaction_rule_id(const struct redaction *redaction, uint32_t rule);

struct redaction_scratch *redaction_scratch_create(void);
void redaction_scratch_destroy(struct redaction_scratch *scratch); /* NULL is fine */

struct redaction_counts {
    uint64_t found[REDACTION_RULES_MAX]; /* by rule, in the order of redaction_create */
    uint64_t unknown_fields;             /* left out */
};
/* *is_changed false: body may be kept as it is, and out is empty. counts are added to.
 * is_lenient: of a message inside that is no protobuf what comes before the place stays, the rest goes; for a body that
 * otlp_decode takes, which looks no further into what it has rejected. */
MUST_CHECK bool redaction_rewrite(const struct redaction *redaction, struct redaction_scratch *scratch,
                                  enum otlp_signal signal, struct bytes body, bool is_lenient, struct buf *out,
                                  bool *is_changed, struct redaction_counts *counts, struct err *err);
/* The same of a batch of a replay (replay/replay_batch.h), but for its ids and what a player needs: rrweb's names and numbers. What is
 * not JSON stays as it is: its reader refuses it. ERR_INPUT: it is nested too deep. memory: of elements that rules are about, from one
 * batch to the next. */
struct redacted_replay {
    struct buf body; /* the caller's */
    bool is_changed;
    bool wants_snapshot; /* what is known of the page's elements does not do: more was taken out than rules say */
};
struct element_memory;
MUST_CHECK bool redaction_rewrite_replay(const struct redaction *redaction, struct redaction_scratch *scratch,
                                         struct element_memory *memory, struct bytes body, int64_t now_unix_us,
                                         struct redacted_replay *out, struct redaction_counts *counts, struct err *err);
/* The same of one text that is not telemetry: what texts go through, without attributes' names. Appended to out; ERR_TOO_LARGE. */
MUST_CHECK bool redaction_text(const struct redaction *redaction, struct redaction_scratch *scratch, struct bytes text,
                               struct buf *out, struct err *err);
/* A 128-bit name of what was sent that tells nothing of it without the key: requests that were sent twice are known by it. */
struct hash128;
void redaction_hash(const struct redaction *redaction, struct hash128 *hash);
