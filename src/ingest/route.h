/* route.h -- a request without a key in a header: the keys of its resources say whose it is.
 *
 *   resource[0] at-project-key A --find--> project 1 --.
 *   resource[1] at-project-key B --find--> project 2 --+--> parts[] = { 0, 1, 0, NONE }, keys[] = { 1, 2 }
 *   resource[2] at-project-key A ----------------------'
 *   resource[3] none, or unknown: its records are rejected
 *
 * Thread: any; keys are looked up in memory. Memory: route_deinit frees. The work of a stranger's request is bounded: at most
 * ROUTE_SECRETS_MAX different keys are looked up, resources with further ones are rejected.
 * Errors: ERR_UNAUTHENTICATED (ERR_FORBIDDEN for web pages' keys) when no resource has a key that counts. */
#pragma once
#include "ingest/ingest.h"
#include "worker/otlp/otlp.h"

#define ROUTE_NONE        UINT32_MAX
#define ROUTE_SECRETS_MAX 64

struct route {
    uint32_t *parts;                           /* of each resource: whose it is, an index of keys; or ROUTE_NONE */
    struct ingest_key keys[ROUTE_SECRETS_MAX]; /* one a project */
    uint32_t key_count;
    bool is_whole; /* all resources are of keys[0]: nothing to take apart */
    uint64_t rejected_count;
    char rejected_reason[sizeof((struct otlp_request *)0)->rejected_reason]; /* the first */
};
/* Whatever comes out, route_deinit. */
MUST_CHECK bool route_find(struct route *route, const struct ingest_keys *keys, const struct otlp_request *request,
                           struct err *err);
void route_deinit(struct route *route);

/* Without looking at the message: false when no resource can have a key. Cheap, for strangers. */
bool route_may_have_keys(struct bytes body);
/* The error of a request that has no key anywhere; false. */
bool route_no_key(struct err *err);
