#include "net/admission.h"

#include <stdlib.h>

enum {
    SPARE_BYTES_MIN = 64 << 10, /* below, malloc is as good */
    SPARES_BYTES_MAX = 16 << 20,
};

struct admission *admission_create(uint64_t bytes_max)
{
    struct admission *admission = mem_calloc(1, sizeof *admission);
    admission->bytes_max = bytes_max;
    admission->holders = 1;
    pthread_mutex_init(&admission->lock, NULL);
    return admission;
}

void admission_hold(struct admission *admission)
{
    atomic_fetch_add(&admission->holders, 1);
}

void admission_release(struct admission *admission)
{
    if (admission == NULL || atomic_fetch_sub(&admission->holders, 1) != 1) return;
    assert(admission->requests == 0 && admission->bytes == 0);
    for (uint32_t i = 0; i < admission->spare_count; i++) free(admission->spares[i].ptr);
    pthread_mutex_destroy(&admission->lock);
    free(admission);
}

bool admission_charge(struct admission *admission, uint64_t bytes)
{
    uint64_t held = atomic_load_explicit(&admission->bytes, memory_order_relaxed);
    do {
        if (bytes > admission->bytes_max || held > admission->bytes_max - bytes) {
            atomic_fetch_add_explicit(&admission->refused, 1, memory_order_relaxed);
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(&admission->bytes, &held, held + bytes, memory_order_relaxed,
                                                    memory_order_relaxed));
    return true;
}

void admission_return(struct admission *admission, uint64_t bytes)
{
    uint64_t held = atomic_fetch_sub_explicit(&admission->bytes, bytes, memory_order_relaxed);
    assert(held >= bytes);
}

uint8_t *admission_spare_take(struct admission *admission, size_t need, size_t *cap)
{
    uint8_t *found = NULL;
    if (need < SPARE_BYTES_MIN) return NULL;
    pthread_mutex_lock(&admission->lock);
    for (uint32_t i = admission->spare_count; found == NULL && i-- > 0;) {
        struct admission_spare spare = admission->spares[i];
        if (spare.cap < need || spare.cap / 2 > need) continue;
        admission->spares[i] = admission->spares[--admission->spare_count];
        admission->spare_bytes -= spare.cap;
        *cap = spare.cap;
        found = spare.ptr;
    }
    pthread_mutex_unlock(&admission->lock);
    return found;
}

void admission_spare_give(struct admission *admission, uint8_t *ptr, size_t cap)
{
    if (cap >= SPARE_BYTES_MIN) {
        pthread_mutex_lock(&admission->lock);
        bool has_room =
            admission->spare_count < COUNT_OF(admission->spares) && cap <= SPARES_BYTES_MAX - admission->spare_bytes;
        if (has_room) {
            admission->spares[admission->spare_count++] = (struct admission_spare){ ptr, cap };
            admission->spare_bytes += cap;
        }
        pthread_mutex_unlock(&admission->lock);
        if (has_room) return;
    }
    free(ptr);
}

bool admitted_charge(struct admitted *body, uint64_t bytes)
{
    if (!admission_charge(body->admission, bytes)) return false;
    body->charged += bytes;
    return true;
}

void admitted_grow(struct admitted *body, size_t cap)
{
    if (body->cap == 0) body->ptr = admission_spare_take(body->admission, cap, &body->cap);
    if (body->cap >= cap) return;
    body->ptr = mem_realloc(body->ptr, cap);
    body->cap = cap;
}

struct bytes admitted_take(struct admitted *body)
{
    if (body->len == 0) return (struct bytes){ 0 };
    struct bytes taken = bytes_from(body->ptr, body->len);
    body->ptr = NULL;
    body->len = body->cap = 0;
    return taken;
}

void admitted_free(struct admitted *body)
{
    if (body->ptr != NULL) admission_spare_give(body->admission, body->ptr, body->cap);
    body->ptr = NULL;
    body->len = body->cap = 0;
    admission_return(body->admission, body->charged);
    body->charged = 0;
}
