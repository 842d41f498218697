#include "meta/throttle.h"
#include "base/hash.h"
#include "base/random.h"
#include <pthread.h>
#include <stdlib.h>

#define SECOND_NS 1000000000ull
#define FORGET_NS (900 * SECOND_NS)
enum { PAIR_FREE = 5, ADDRESS_FREE = 50, WAYS = 8, SETS = 512, DOUBLINGS_MAX = 9, WAIT_S_MAX = 300 };

struct tries {
    uint64_t hash; /* 0: empty */
    uint64_t last_mono_ns;
    uint32_t wrong;
};
struct throttle {
    pthread_mutex_t lock;
    uint64_t seed;
    struct tries sets[SETS][WAYS];
};

struct throttle *throttle_create(void)
{
    struct throttle *throttle = mem_calloc(1, sizeof *throttle);
    pthread_mutex_init(&throttle->lock, NULL);
    random_fill(&throttle->seed, sizeof throttle->seed);
    return throttle;
}

void throttle_destroy(struct throttle *throttle)
{
    if (!throttle) return;
    pthread_mutex_destroy(&throttle->lock);
    free(throttle);
}

static uint64_t hash_of(const struct throttle *throttle, struct bytes who, struct bytes address)
{
    uint64_t hash = hash64_key(address, throttle->seed);
    if (who.len > 0) hash = hash64_key(who, hash);
    return hash ? hash : 1;
}

/* NULL: nothing is held against it. */
static struct tries *tries_find(struct throttle *throttle, uint64_t hash, uint64_t now_mono_ns)
{
    struct tries *set = throttle->sets[hash % SETS];
    for (int w = 0; w < WAYS; w++) {
        if (set[w].hash != hash) continue;
        if (now_mono_ns - set[w].last_mono_ns < FORGET_NS) return &set[w];
        set[w].hash = 0;
    }
    return NULL;
}

/* The one that has been quiet longest makes room. */
static struct tries *tries_make(struct throttle *throttle, uint64_t hash, uint64_t now_mono_ns)
{
    struct tries *there = tries_find(throttle, hash, now_mono_ns), *set = throttle->sets[hash % SETS];
    if (there) return there;
    struct tries *oldest = set;
    for (int w = 0; w < WAYS; w++) {
        if (set[w].hash == 0) {
            oldest = &set[w];
            break;
        }
        if (set[w].last_mono_ns < oldest->last_mono_ns) oldest = &set[w];
    }
    *oldest = (struct tries){ .hash = hash };
    return oldest;
}

static uint64_t wait_ns(const struct tries *tries, uint32_t free_count, uint64_t now_mono_ns)
{
    if (!tries || tries->wrong < free_count) return 0;
    uint32_t over = tries->wrong - free_count;
    uint64_t wait_s = 1ull << (over < DOUBLINGS_MAX ? over : DOUBLINGS_MAX);
    uint64_t until = tries->last_mono_ns + (wait_s < WAIT_S_MAX ? wait_s : WAIT_S_MAX) * SECOND_NS;
    return until > now_mono_ns ? until - now_mono_ns : 0;
}

bool throttle_check(struct throttle *throttle, struct bytes who, struct bytes address, uint64_t now_mono_ns,
                    struct err *err)
{
    uint64_t pair = hash_of(throttle, who, address), alone = hash_of(throttle, BYTES(""), address);
    pthread_mutex_lock(&throttle->lock);
    uint64_t for_pair = wait_ns(tries_find(throttle, pair, now_mono_ns), PAIR_FREE, now_mono_ns);
    uint64_t for_address = wait_ns(tries_find(throttle, alone, now_mono_ns), ADDRESS_FREE, now_mono_ns);
    pthread_mutex_unlock(&throttle->lock);
    uint64_t wait = for_pair > for_address ? for_pair : for_address;
    return wait == 0 || err_set(err, ERR_QUOTA, "too many wrong passwords: try again in %llu s",
                                (unsigned long long)((wait + SECOND_NS - 1) / SECOND_NS));
}

void throttle_note(struct throttle *throttle, struct bytes who, struct bytes address, bool is_right,
                   uint64_t now_mono_ns)
{
    uint64_t pair = hash_of(throttle, who, address), alone = hash_of(throttle, BYTES(""), address);
    pthread_mutex_lock(&throttle->lock);
    if (is_right) {
        struct tries *tries = tries_find(throttle, pair, now_mono_ns);
        if (tries) tries->hash = 0;
    } else {
        const uint64_t hashes[] = { pair, alone };
        for (size_t h = 0; h < COUNT_OF(hashes); h++) {
            struct tries *tries = tries_make(throttle, hashes[h], now_mono_ns);
            tries->wrong++;
            tries->last_mono_ns = now_mono_ns;
        }
    }
    pthread_mutex_unlock(&throttle->lock);
}
