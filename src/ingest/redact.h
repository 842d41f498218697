/* redact.h -- a request in ingest under its project's redaction rules. For the files of this folder.
 *
 *   inbound, inflated or decoded --redact--> its body is what may be kept; decode it (again)
 *
 * Thread: an ingest thread; scratch is its own. Errors: of inbound_rewrite and, when the body is no request, of
 * inbound_decode: as if there were no rules. ERR_BUSY when the rules cannot be read. */
#pragma once
#include "base/hash.h"
#include "ingest/ingest.h"
#include "ingest/redaction/redactor.h"
#include "worker/otlp/inbound.h"

struct redacted {
    bool is_done;        /* the project has rules: the rest is told */
    struct hash128 hash; /* of what was sent, by the project's key: it tells nothing of what was taken out */
    uint64_t bytes;      /* of what was sent */
    uint64_t found;
    bool wants_snapshot; /* of a replay: more was taken out than rules say, for want of one */
};
/* redactor NULL: there are no rules. */
MUST_CHECK bool redact(struct redactor *redactor, struct redaction_scratch *scratch, struct inbound *inbound,
                       enum otlp_signal signal, int64_t received_unix_us, const struct ingest_key *key,
                       struct redacted *redacted, struct err *err);
