/* error_users.h -- whom an error met, in memory: those ERROR_USERS_MAX with the least hashes, the same ones in any order.
 *
 *   error_users_add(hash, first, last)   above the bound: is not looked at again
 *   a fifth more than are kept --> the least stay, and the bound comes down to the greatest of them
 *
 * Thread: one owner. Memory: error_users_bytes; 24 bytes for each of a power of two, at most 192 KiB. */
#pragma once
#include "base/bytes.h"

struct error_user_seen {
    int64_t hash; /* from 0 on */
    int64_t first_us, last_us;
};
/* All zeros: empty. */
struct error_users {
    struct error_user_seen *slots; /* open addressing; hash -1: free */
    uint32_t cap, count;
    int64_t bound; /* when has_bound: greater ones are not kept */
    bool has_bound;
};
void error_users_deinit(struct error_users *users);
void error_users_reset(struct error_users *users); /* keeps its memory */
static inline size_t error_users_bytes(const struct error_users *users)
{
    return users->cap * sizeof *users->slots;
}
void error_users_add(struct error_users *users, struct error_user_seen user);
/* Those kept, at most ERROR_USERS_MAX, in the order of their hashes; room: error_users.count of them. Returns how many. */
uint32_t error_users_list(const struct error_users *users, struct error_user_seen *list);
