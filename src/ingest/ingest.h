/* ingest.h -- the OTLP service, over gRPC and over HTTP: telemetry in, an answer once it is safe.
 *
 *   gRPC call ----ingest_call-----.
 *   HTTP request --ingest_http----+-> [queue] --ingest threads: inflate, decode, hash--> buffer_append
 *      ^ at once: path, key, encoding, room                                                 |
 *      '--------------- answer <------------ done (the buffer's thread: fsynced) <----------'--> sink: struct inbound
 *
 * What the buffer's sink gets as `request` is a struct inbound (worker/otlp/inbound.h), the sink's to release.
 * Answers: success, with partial_success when records were left out; a request seen before, an empty one and one whose
 *          records are all rejected are successes that store nothing. docs/ingest.md tells senders what each error means.
 * Thread:  ingest_call and ingest_http on the loop, they never block; the rest on threads of its own. Stats from any.
 * Memory:  wire, inflated and decoded bytes count from the call until the worker releases them; over memory_bytes_max a
 *          request is answered ERR_BUSY with RetryInfo or Retry-After before it is inflated.
 * Errors:  ERR_UNAUTHENTICATED, ERR_UNSUPPORTED (path, encoding), ERR_TOO_LARGE, ERR_INPUT, ERR_BUSY, ERR_IO: to the client. */
#pragma once
#include "base/err.h"
#include "base/histogram.h"
#include "base/log.h"
#include "base/uuid.h"

struct buffer;
struct meter;
struct redactor;
struct grpc_request;
struct http_refusal;
struct http_request;
struct ingest;
struct intake;

struct ingest_key {
    struct uuid project_id, key_id;
    bool is_browser;    /* for web pages, of certain origins: over HTTP alone */
    bool is_for_asking; /* its scopes do not let it send */
};
/* On the loop and on ingest's threads: memory only. */
struct ingest_keys {
    /* False: unknown or revoked. */
    bool (*find)(void *ctx, struct bytes key, struct ingest_key *out);
    /* Whose is a key that opens nothing any more, for its project to be told? False: nobody's. NULL: not known. */
    bool (*find_ended)(void *ctx, struct bytes key, struct ingest_key *out);
    /* False: it cannot be said any more which keys are good; all are told to wait. NULL: always can. */
    bool (*is_current)(void *ctx);
    /* May pages of that origin use that browser key? And any browser key at all, for a preflight, which carries none?
     * NULL: there are no browser keys. */
    bool (*allows_origin)(void *ctx, struct bytes key, struct bytes origin);
    bool (*knows_origin)(void *ctx, struct bytes origin);
    void *ctx;
};
struct ingest_options {
    uint32_t threads;          /* 0: 1 */
    uint64_t memory_bytes_max; /* of all requests between the call and the worker's release */
    uint32_t queue_calls_max;  /* waiting to be inflated; 0: 1024 */
    uint32_t retry_delay_ms;   /* told with ERR_BUSY and other retryable errors; 0: 1000 */
    struct buffer *buffer;
    struct ingest_keys keys;
    struct meter *meter;   /* limits and usage; NULL: none are */
    struct intake *intake; /* counts of what comes and is refused, by key; NULL: none are kept */
    bool
        asks_snapshots; /* all batches of a recording come to this process: it tells which are missing (replay/replay_gaps.h) */
    struct redactor *redactor; /* what is not to be kept goes before it is; NULL: nothing does */
    const struct log *log;
};
struct ingest_stats {
    uint64_t requests;     /* calls of any kind */
    uint64_t records;      /* stored: spans, log records, data points */
    uint64_t rejected;     /* records left out of what was taken */
    uint64_t repeats;      /* requests that were stored before */
    uint64_t refused;      /* requests answered with an error */
    uint64_t bytes;        /* of stored requests, inflated */
    uint64_t memory_bytes; /* held now */
    uint64_t refused_by[ERR_CODE_COUNT];
    struct histogram_counts times; /* from the call to the answer that says it is safe */
};

MUST_CHECK bool ingest_open(struct ingest **ingest, const struct ingest_options *options, struct err *err);
/* A grpc_handler's call; ctx is the struct ingest. Takes the request. */
void ingest_call(void *ctx, struct grpc_request *request);
/* Its refused. */
void ingest_call_refused(void *ctx, const struct grpc_request *request, const struct err *why);
/* An http_handler's call and refuse; the same of HTTP. */
void ingest_http(void *ctx, struct http_request *request);
void ingest_http_refuse(void *ctx, struct http_request *request, const struct http_refusal *refusal);
void ingest_stats(struct ingest *ingest, struct ingest_stats *stats);
struct tally_entry;
/* What each project has sent (ingest/tally.h); *entries by malloc. */
uint32_t ingest_projects(struct ingest *ingest, struct tally_entry **entries);
/* Calls that come from now on are answered ERR_BUSY. Any thread. */
void ingest_stop(struct ingest *ingest);
/* Answers all it has taken, waiting for the buffer (which must still run). No ingest_call or ingest_http may run beside
 * it or come after: stop the loop first. NULL is fine. */
void ingest_close(struct ingest *ingest);
