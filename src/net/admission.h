/* admission.h -- how many bytes of requests may be in flight at once, over all servers that share it; and bodies that were
 * just freed, kept warm for the next ones.
 *
 *   gRPC calls ---.                       over bytes_max: the request is refused before its body is kept
 *   HTTP requests-+--> admission_charge
 *
 * Thread: any. Memory: at most 16 MiB of spares. */
#pragma once
#include <pthread.h>
#include <stdatomic.h>

#include "base/bytes.h"

struct admission {
    uint64_t bytes_max;
    _Atomic uint64_t bytes;    /* charged and not yet returned */
    _Atomic uint64_t refused;  /* charges for which there was no room */
    _Atomic uint32_t requests; /* for their owners to count: not freed yet */
    _Atomic uint32_t holders;

    pthread_mutex_t lock; /* guards the rest */
    struct admission_spare {
        uint8_t *ptr;
        size_t cap;
    } spares[64];
    uint32_t spare_count;
    size_t spare_bytes;
};

/* Has one holder; each server takes a hold of its own. Freed with the last one: by then nothing is charged. */
struct admission *admission_create(uint64_t bytes_max);
void admission_hold(struct admission *admission);
void admission_release(struct admission *admission); /* NULL is fine */

/* False: there is no room now. */
MUST_CHECK bool admission_charge(struct admission *admission, uint64_t bytes);
void admission_return(struct admission *admission, uint64_t bytes);

/* A freed body of at least need bytes, not more than twice as large; NULL when there is none. */
uint8_t *admission_spare_take(struct admission *admission, size_t need, size_t *cap);
/* Takes ptr (from malloc), to keep it or to free it. */
void admission_spare_give(struct admission *admission, uint8_t *ptr, size_t cap);

/* A request's body as it comes, and what is charged for the request. */
struct admitted {
    struct admission *admission;
    uint8_t *ptr; /* from malloc or a spare */
    size_t len, cap;
    uint64_t charged;
};
/* False: there is no room now. */
MUST_CHECK bool admitted_charge(struct admitted *body, uint64_t bytes);
/* Of the same size or larger: the bytes stay. It was charged before. */
void admitted_grow(struct admitted *body, size_t cap);
/* Behind what is there already; there is room. */
static inline void admitted_add(struct admitted *body, struct bytes bytes)
{
    assert(bytes.len <= body->cap - body->len);
    if (bytes.len > 0) memcpy(body->ptr + body->len, bytes.ptr, bytes.len);
    body->len += bytes.len;
}
/* The bytes become the caller's, to free(); what is charged stays so. ptr is NULL when there are none. */
struct bytes admitted_take(struct admitted *body);
/* The bytes, and all that is charged. */
void admitted_free(struct admitted *body);
static inline struct bytes admitted_bytes(const struct admitted *body)
{
    return body->len == 0 ? BYTES("") : bytes_from(body->ptr, body->len);
}
