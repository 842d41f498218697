/* api_inside.h -- what the files of the API share, and handlers need not know. Thread: see api.h. */
#pragma once
#include "net/http.h"
#include "web/api/api_call.h"
#include "web/api/schema.h"

enum { API_HEADERS_MAX = 12, API_QUERY_MAX = 16 };

struct api_value {
    struct bytes name, text; /* decoded */
};
struct api_watch {
    struct api_watch *prev, *next;
    struct http_request *request;
    void (*cancel)(void *ctx); /* NULL: not watched, or told already */
    void *ctx;
    bool is_listed;
    struct uuid statement_of; /* the project of a statement; none: it is something else */
};
enum api_progress { API_ASKED, API_STREAMING, API_ANSWERED };

/* The answer of a call that another handler made (api_inner): kept for it, not sent. */
struct api_capture {
    struct buf body; /* of at most bytes_max */
    int status;
    char tag[36]; /* its ETag; empty: none */
    bool is_over; /* there was more than it takes */
};

struct api_inside {
    struct api *api;
    struct api_capture *capture; /* NULL: the answer goes to the client */
    struct http_request *client; /* whose client may go; of an inner call the outer one's; NULL: of our own */
    const struct actor *own;     /* who asks, of our own: no credential was sent; NULL: it is in the request */
    struct api_match match;
    struct bytes path_names[API_PATH_VALUES_MAX], path_values[API_PATH_VALUES_MAX];
    struct api_value query[API_QUERY_MAX];
    uint32_t query_count;
    struct http_header headers[API_HEADERS_MAX];
    uint32_t header_count;
    enum api_progress progress;
    char tag[36]; /* api_tag; empty: of the answer */
    int status;   /* that was answered */
    struct api_watch watch;
    struct buf piece; /* of a stream: small writes are gathered */
    /* of a request with Idempotency-Key (once.h) */
    bool is_once;
    struct bytes once_key;
};

const struct schemas *api_schemas(const struct api *api);
bool api_is_stopping(const struct api *api);
/* A thread for queries will wait for a language model. False: as many as half of them do already. */
MUST_CHECK bool api_model_begin(struct api *api);
void api_model_end(struct api *api);

/* A call of our own, by nobody's request: work may ask routes by api_inner, as that actor. On the caller's thread. */
void api_own(struct api *api, const struct actor *actor, void (*work)(void *ctx, struct api_call *call), void *ctx);

/* Who asks, by key or session; an unsafe request by cookie must prove that it comes from our pages. */
MUST_CHECK bool account_find(struct api_call *call, struct actor *actor, struct err *err);

/* One route as the same caller would ask it, with all the checks that there are before a handler: its answer comes back here.
 * path: encoded, without its query; body empty: none. capture->body is initialised by the caller, who frees it. */
struct api_inner_ask {
    const char *method;
    struct bytes path, query, body;
    struct http_header header; /* besides those of the outer request; without a name: none */
};
void api_inner(struct api_call *outer, const struct api_inner_ask *ask, struct api_capture *capture);

/* Of all Cookie headers; empty: none. */
struct bytes account_cookie(const struct http_request *request, struct bytes name);

/* Answers with problem+json; no call needed. pointer may be NULL. */
void problem_answer(struct http_request *request, const struct err *err, int status, const char *pointer,
                    const struct http_header *headers, uint32_t header_count);
/* Of a call, wherever its answer goes. */
void api_problem(struct api_call *call, const struct err *err, int status, const char *pointer);
/* Its body alone. */
void problem_write(struct buf *out, const struct err *err, int status, const char *pointer);
/* Percent-decoding. False: it is not right, or not UTF-8, or has a NUL. */
MUST_CHECK bool percent_decode(struct arena *arena, struct bytes text, bool plus_is_blank, struct bytes *out);

/* A list's place back into the texts it was made of; false: it is none of that route with so many keys. */
MUST_CHECK bool cursor_read(struct arena *arena, const char *route_id, uint32_t keys, struct bytes cursor,
                            struct bytes *after);

/* The whole document, made once at start. */
MUST_CHECK bool openapi_make(const struct schemas *schemas, const char *version, struct buf *out, struct err *err);
struct bytes api_document(const struct api *api);
