#include "replay/replay_gaps.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/hash.h"

enum { WAYS = 4, AHEAD_MAX = 64, BEGIN_MAX = 16 };

struct recording {
    uint64_t key;                                     /* 0: none is here */
    int64_t next;                                     /* all before it has come, or is not needed */
    uint64_t later;                                   /* bit n: next + 1 + n has come */
    int64_t gap_unix_us, asked_unix_us, seen_unix_us; /* 0: never */
};
struct replay_gaps {
    pthread_mutex_t lock;
    uint32_t set_count;
    struct recording *recordings; /* WAYS of them a set */
};

struct replay_gaps *replay_gaps_create(uint32_t recordings_max)
{
    struct replay_gaps *gaps = mem_calloc(1, sizeof *gaps);
    pthread_mutex_init(&gaps->lock, NULL);
    gaps->set_count = recordings_max / WAYS > 0 ? recordings_max / WAYS : 1;
    gaps->recordings = mem_calloc((size_t)gaps->set_count * WAYS, sizeof *gaps->recordings);
    return gaps;
}

void replay_gaps_destroy(struct replay_gaps *gaps)
{
    if (!gaps) return;
    pthread_mutex_destroy(&gaps->lock);
    free(gaps->recordings);
    free(gaps);
}

static uint64_t key_of(struct uuid project_id, const struct replay_batch *batch)
{
    uint64_t key = hash64_of(bytes_from(project_id.bytes, sizeof project_id.bytes));
    const struct bytes ids[] = { batch->session, batch->tab, batch->recording };
    for (size_t i = 0; i < COUNT_OF(ids); i++) key = key * UINT64_C(0x9E3779B97F4A7C15) + hash64_of(ids[i]);
    return key ? key : 1;
}

/* A page that has been there since before this process: what came before is not known, and counts as there. */
static struct recording *recording_get(struct replay_gaps *gaps, uint64_t key, int64_t sequence)
{
    struct recording *set = &gaps->recordings[key % gaps->set_count * WAYS], *oldest = set;
    for (struct recording *at = set; at < set + WAYS; at++) {
        if (at->key == key) return at;
        if (at->seen_unix_us < oldest->seen_unix_us) oldest = at;
    }
    *oldest = (struct recording){ .key = key, .next = sequence <= BEGIN_MAX ? 0 : sequence };
    return oldest;
}

static void next_step(struct recording *recording)
{
    recording->next++;
    for (; recording->later & 1; recording->later >>= 1) recording->next++;
    recording->later >>= 1;
}

static void sequence_come(struct recording *recording, const struct replay_batch *batch, int64_t now_unix_us)
{
    int64_t ahead = batch->sequence - recording->next;
    if (ahead < 0) return;
    if (ahead > 0 && batch->has_snapshot) { /* what is missing before it is not needed any more */
        recording->later = ahead < AHEAD_MAX ? recording->later >> ahead : 0;
        recording->next = batch->sequence;
        ahead = 0;
    }
    if (ahead == 0) {
        next_step(recording);
        recording->gap_unix_us = recording->later ? now_unix_us : 0;
        return;
    }
    if (ahead <= AHEAD_MAX) recording->later |= UINT64_C(1) << (ahead - 1);
    if (recording->gap_unix_us == 0) recording->gap_unix_us = now_unix_us;
}

bool replay_gaps_come(struct replay_gaps *gaps, struct uuid project_id, const struct replay_batch *batch,
                      int64_t now_unix_us)
{
    if (!batch->is_numbered) return false;
    uint64_t key = key_of(project_id, batch);
    pthread_mutex_lock(&gaps->lock);
    struct recording *recording = recording_get(gaps, key, batch->sequence);
    recording->seen_unix_us = now_unix_us;
    sequence_come(recording, batch, now_unix_us);
    bool asks = recording->gap_unix_us != 0 && now_unix_us - recording->gap_unix_us >= REPLAY_GAP_WAIT_US &&
                now_unix_us - recording->asked_unix_us >= REPLAY_ASK_EVERY_US && !batch->is_last;
    if (asks) recording->asked_unix_us = now_unix_us;
    pthread_mutex_unlock(&gaps->lock);
    return asks;
}
