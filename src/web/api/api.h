/* api.h -- /api/v1: the REST API that the UI, the CLI and other people's programs speak.
 *
 *   http_request (loop) --router--> queue --> [a few threads] who? may they? is the body right? --> handler --> answer
 *                                                 account.h       routes.h    schemas/NOUN.json    its own file
 *
 * A route is a line in routes.h; its handler is a function in the file of its noun; what it takes and gives are schemas in
 * schemas/NOUN.json. Router, checks and the OpenAPI 3.1 document are made from these, so they cannot differ. How to add one:
 * README.md. Pages for people (sign-in) are routes too, outside /api/v1 and outside the document.
 * Thread: api_request on the loop; handlers on threads of the API: `quick` ones, `slow` ones for what may take seconds
 *         (passwords), those of queries, and those of streams that never end, so that none keeps the others waiting.
 * Memory: bodies by the port's admission; an arena a call; answers up to API_ANSWER_BYTES_MAX, longer ones are streamed.
 * Errors: every refusal is application/problem+json (RFC 9457): type, title, status, detail, code; see api_call.h. */
#pragma once
#include "base/err.h"
#include "base/histogram.h"
#include "base/log.h"
#include "base/uuid.h"
#include <stdatomic.h>

struct api;
struct db;
struct http_refusal;
struct http_request;
struct intake;
struct llm;
struct channels;
struct meta;
struct meter;
struct query_engine;
struct accounts;
struct oidc;
struct tail;
struct tails;
struct sourcemaps;
struct object_store;

#define API_ANSWER_BYTES_MAX (16u << 20)

struct api_parked {
    const char *id, *reason;
    uint32_t signal; /* 1 logs, 2 traces, 3 metrics */
    int64_t received_unix_us, parked_unix_us;
    uint32_t attempts;
    uint64_t bytes;
};

/* What handlers work with. A part that this process does not run (--role) is NULL: routes that need it answer 501. */
struct api_parts {
    struct meta *meta;
    struct db *db;
    struct query_engine *query;
    struct meter *meter;
    struct intake *intake;     /* counts of what comes: those of this process that are not saved yet */
    struct llm *llm;           /* language models */
    struct channels *channels; /* how people are told */
    uint32_t ask_model_wait_ms;
    struct tails *tails; /* who watches rows as they come */
    struct sourcemaps *source_maps;
    struct object_store *objects; /* of replays; NULL: no part of this process has one */
    /* Brings rows of other processes into a tail: at most some tenths of a second. NULL: there are no others. */
    void (*tail_pull)(void *ctx, struct tail *tail);
    const char *version;
    const char *own_project;         /* its name is the server's */
    uint32_t retention_days_default; /* where a project says nothing; 0: for ever */
    bool has_tls;                    /* cookies are for https alone */
    struct accounts *accounts;       /* signing in */
    struct oidc *oidc;               /* at an identity provider; NULL: none */
    const uint8_t *share_secret;     /* of links (meta/share.h); NULL: --shares off */
    const char *public_url;          /* "https://mono.example.com": as browsers know us; empty: as they say */
    const struct log *log;
    /* Records of the project that were acknowledged and cannot be stored, oldest first. NULL: this process does not know. */
    bool (*parked)(void *ctx, struct uuid project_id, void (*each)(void *to, const struct api_parked *one), void *to,
                   struct err *err);
    /* What the process counts (telemetry.h): lines of component|key|value|unit|description. */
    bool (*stats)(void *ctx, struct buf *lines);
    void *ctx;
};
struct api_options {
    struct api_parts parts;
    uint32_t quick_threads, slow_threads, query_threads, live_threads; /* 0: 4, 4, 16, 32 */
};
struct api_stats {
    uint64_t answers[6];   /* by status / 100 */
    uint64_t busy_refused; /* the queue was full */
    uint32_t running, waiting;
};
/* ERR_CORRUPT: a schema of the build is wrong (a test finds it first). */
MUST_CHECK bool api_open(struct api **api, const struct api_options *options, struct err *err);
/* On the loop thread; answers at once or later, in any case once. */
void api_request(struct api *api, struct http_request *request);
/* A page of the UI, with what it would ask for first (page_app.h). On the loop thread. False: not of somebody who says who they
 * are, or too much waits: the page as it is does, too. */
MUST_CHECK bool api_page(struct api *api, struct http_request *request);
/* What net/http.h does not take for its size or its time: as problem+json. */
void api_refuse(struct http_request *request, const struct http_refusal *refusal);
void api_stats(const struct api *api, struct api_stats *stats);
const struct histogram *api_durations(const struct api *api);
/* Takes no more, cancels what runs, joins the threads. Before the loop stops. NULL is fine. */
void api_stop(struct api *api);
void api_close(struct api *api); /* NULL is fine */
