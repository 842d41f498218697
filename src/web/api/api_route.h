/* api_route.h -- one route, and the table of all: routes.h made into code.
 * Thread: any; constant. */
#pragma once
#include "base/bytes.h"
#include "meta/access.h"

struct api_call;

enum api_method { API_GET, API_POST, API_PUT, API_PATCH, API_DELETE, API_METHODS };

enum api_flag {
    API_OPEN = 1 << 0,   /* nobody needs to be signed in; the handler still sees who is */
    API_SLOW = 1 << 1,   /* may take seconds: on the slow threads */
    API_PAGED = 1 << 2,  /* takes limit and cursor; answers {"items": [...], "next_cursor": ...}; see api_page.h */
    API_ONCE = 1 << 3,   /* takes Idempotency-Key: the same request twice is done once, for 24 h */
    API_SECRET = 1 << 4, /* the answer holds a secret that is shown once: never kept, never cached */
    API_TAGGED = 1 << 5, /* has an ETag; with PUT, PATCH, DELETE If-Match counts */
    API_STREAM = 1 << 6, /* may answer in pieces, in the types that the document lists for it */
    API_LIVE = 1 << 8,   /* goes on until the client goes: a thread each; with API_STREAM, as text/event-stream */
    API_SHARED =
        1
        << 9, /* who has a link (ACTOR_SHARE) may, too: its handler reads rows by sql_run.h alone, which keeps to the link's time,
                            * and tells nothing else of other times */
    API_YAML = 1 << 10, /* the body may be YAML; a GET answers so by api_answer_yaml where it is asked to */
    API_PAGE = 1 << 7,  /* HTML for people: not in the document; the body is a form */
    API_APP = 1 << 11,  /* with API_PAGE, a page of the UI: what stands behind its "?" is its own */
};

struct api_route {
    enum api_method method;
    const char *path; /* "/api/v1/projects/{project}/keys/{key}" */
    const char *id;   /* "key_revoke": the handler's name, and operationId */
    const char *tag;  /* "Keys" */
    enum permission permission;
    const char *query;   /* names of parameters, from the schemas' "parameters"; "" none */
    const char *request; /* schema of the body; "" none */
    const char *answer;  /* schema of the answer; "" none */
    int status;          /* when all is well */
    uint32_t flags;
    const char *summary;
    void (*handle)(struct api_call *call);
};
extern const struct api_route api_routes[];
extern const uint32_t api_route_count;

#define API_PATH_VALUES_MAX 4
struct api_match {
    const struct api_route *route;
    struct bytes values[API_PATH_VALUES_MAX]; /* of {names}, in order; as sent: percent-encoded */
    uint32_t value_count;
    uint32_t allowed; /* without a route: bit of each method that the path has; 0: no such path */
};
/* False: match->allowed says whether it is the path or the method. */
MUST_CHECK bool api_route_find(struct bytes method, struct bytes path, struct api_match *match);
const char *api_method_name(enum api_method method);
