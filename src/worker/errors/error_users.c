#include "worker/errors/error_users.h"

#include <stdlib.h>

#include "meta/error.h"

enum { COUNT_MAX = ERROR_USERS_MAX + ERROR_USERS_MAX / 5, CAP_MIN = 16 };

void error_users_deinit(struct error_users *users)
{
    free(users->slots);
    *users = (struct error_users){ 0 };
}

void error_users_reset(struct error_users *users)
{
    for (uint32_t s = 0; s < users->cap; s++) users->slots[s].hash = -1;
    users->count = 0;
    users->has_bound = false;
}

/* The hash is a good one: its low bits will do. */
static struct error_user_seen *slot_of(const struct error_users *users, int64_t hash)
{
    for (uint64_t at = (uint64_t)hash;; at++) {
        struct error_user_seen *slot = &users->slots[at & (users->cap - 1)];
        if (slot->hash == hash || slot->hash == -1) return slot;
    }
}

static int seen_compare(const void *left, const void *right)
{
    const struct error_user_seen *a = left, *b = right;
    return (a->hash > b->hash) - (a->hash < b->hash);
}

static uint32_t sorted(const struct error_users *users, struct error_user_seen *list)
{
    uint32_t count = 0;
    for (uint32_t s = 0; s < users->cap; s++)
        if (users->slots[s].hash != -1) list[count++] = users->slots[s];
    if (count > 1) qsort(list, count, sizeof *list, seen_compare);
    return count;
}

uint32_t error_users_list(const struct error_users *users, struct error_user_seen *list)
{
    uint32_t count = sorted(users, list);
    return count < ERROR_USERS_MAX ? count : ERROR_USERS_MAX;
}

static void all_put(struct error_users *users, const struct error_user_seen *list, uint32_t count)
{
    for (uint32_t s = 0; s < users->cap; s++) users->slots[s].hash = -1;
    for (uint32_t u = 0; u < count; u++) *slot_of(users, list[u].hash) = list[u];
    users->count = count;
}

static void users_grow(struct error_users *users)
{
    struct error_users old = *users;
    users->cap = old.cap ? old.cap * 2 : CAP_MIN;
    users->slots = mem_alloc(users->cap * sizeof *users->slots);
    all_put(users, NULL, 0);
    for (uint32_t s = 0; s < old.cap; s++)
        if (old.slots[s].hash != -1) *slot_of(users, old.slots[s].hash) = old.slots[s];
    users->count = old.count;
    free(old.slots);
}

static void users_cut(struct error_users *users)
{
    struct error_user_seen *list = mem_alloc(users->count * sizeof *list);
    sorted(users, list);
    all_put(users, list, ERROR_USERS_MAX);
    users->bound = list[ERROR_USERS_MAX - 1].hash;
    users->has_bound = true;
    free(list);
}

void error_users_add(struct error_users *users, struct error_user_seen user)
{
    if (users->has_bound && user.hash > users->bound) return;
    if (users->count * 4 >= users->cap * 3) users_grow(users);
    struct error_user_seen *slot = slot_of(users, user.hash);
    if (slot->hash == -1) {
        *slot = user;
        if (++users->count > COUNT_MAX) users_cut(users);
        return;
    }
    if (user.first_us < slot->first_us) slot->first_us = user.first_us;
    if (user.last_us > slot->last_us) slot->last_us = user.last_us;
}
