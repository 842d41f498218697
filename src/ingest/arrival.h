/* arrival.h -- a request as a transport (grpc_intake.c, http_intake.c) hands it to ingest.c: once its path, key and encoding
 * were looked at, all go one way. For the files of this folder.
 *
 *   grpc_request --grpc_intake--.                                  .--accept--> grpc_answer | http_answer
 *   http_request --http_intake--+--> ingest_take | ingest_refuse --+--refuse-->
 *
 * Thread: ingest_take and ingest_refuse on the loop; accept and refuse are called from any thread, one of them once. */
#pragma once
#include "buffer/buffer.h"
#include "ingest/ingest.h"
#include "worker/otlp/otlp.h"

/* How a request is answered. */
struct transport {
    /* It is safe; decoded tells what was left out. */
    void (*accept)(void *request, enum otlp_signal signal, const struct otlp_request *decoded);
    void (*refuse)(void *request, const struct err *err, uint32_t retry_delay_ms);
    /* Before accept: its answer is to ask for a snapshot. NULL: nobody sends replays this way. */
    void (*ask_snapshot)(void *request);
};

struct arrival {
    const struct transport *transport;
    void *request; /* the transport's */
    enum otlp_signal signal;
    enum buffer_encoding encoding;
    enum buffer_format format;
    bool is_rrweb; /* of replays: the body is as POST /api/v1/rrweb has it (replay/rrweb_batch.h) */
    bool has_key;  /* in a header; else its resources must name one */
    struct ingest_key key;
    struct bytes agent; /* how the sender calls itself; of the transport, until it is answered */
    struct bytes body;  /* by malloc */
    uint64_t received_unix_us;
    uint32_t retry_ms; /* of a refusal over a limit: when there is room; 0: as always */
};

/* Takes the body too. */
void ingest_take(struct ingest *ingest, const struct arrival *arrival);
void ingest_refuse(struct ingest *ingest, const struct arrival *arrival, const struct err *err);
/* The key of a header: empty is none. ERR_UNAUTHENTICATED when it is unknown, ERR_QUOTA over a limit of its own or of its
 * project. */
MUST_CHECK bool ingest_key_look(struct ingest *ingest, struct bytes secret, struct arrival *arrival, struct err *err);
/* Of what is refused in any case: whose it is, for the counts. */
void ingest_key_recall(struct ingest *ingest, struct bytes secret, struct arrival *arrival);
/* It was refused and answered before it came here. */
void ingest_note_refused(struct ingest *ingest, const struct arrival *arrival, const struct err *why);
const struct ingest_keys *ingest_keys_of(const struct ingest *ingest);
