#include "timefusion/query/turn.h"
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define ASKS_EACH_MS 50 /* whether the client still wants it */

struct waiter {
    struct waiter *next;
    pthread_cond_t granted;
    bool is_granted;
};
struct project {
    struct project *next;
    struct uuid id;
    uint32_t at_work, at_work_max;
    uint64_t served; /* when, as turns->served counts */
    struct waiter *first, **end;
};
struct turns {
    pthread_mutex_t lock; /* guards what follows */
    uint32_t slots, at_work, waiting;
    uint64_t served;
    struct project *projects; /* that have any at work or waiting */
};

struct turns *turns_create(uint32_t slots)
{
    struct turns *turns = mem_calloc(1, sizeof *turns);
    assert(slots > 0);
    turns->slots = slots;
    pthread_mutex_init(&turns->lock, NULL);
    return turns;
}

void turns_destroy(struct turns *turns)
{
    if (!turns) return;
    assert(!turns->projects);
    pthread_mutex_destroy(&turns->lock);
    free(turns);
}

static struct project *project_of(struct turns *turns, struct uuid id)
{
    for (struct project *project = turns->projects; project; project = project->next)
        if (uuid_equal(project->id, id)) return project;
    struct project *project = mem_calloc(1, sizeof *project);
    project->id = id;
    project->end = &project->first;
    project->next = turns->projects;
    turns->projects = project;
    return project;
}

static void project_drop_if_idle(struct turns *turns, struct project *project)
{
    if (project->at_work > 0 || project->first) return;
    struct project **at = &turns->projects;
    while (*at != project) at = &(*at)->next;
    *at = project->next;
    free(project);
}

static bool goes_before(const struct project *a, const struct project *b)
{
    return a->at_work != b->at_work ? a->at_work < b->at_work : a->served < b->served;
}

/* Gives free slots to whoever is next. */
static void slots_give(struct turns *turns)
{
    while (turns->at_work < turns->slots) {
        struct project *next = NULL;
        for (struct project *project = turns->projects; project; project = project->next)
            if (project->first && project->at_work < project->at_work_max && (!next || goes_before(project, next)))
                next = project;
        if (!next) return;
        struct waiter *waiter = next->first;
        next->first = waiter->next;
        if (!next->first) next->end = &next->first;
        next->at_work++;
        next->served = ++turns->served;
        turns->at_work++;
        turns->waiting--;
        waiter->is_granted = true;
        pthread_cond_signal(&waiter->granted);
    }
}

static uint32_t at_work_max(const struct turns *turns, uint32_t wanted)
{
    uint32_t most = turns->slots > 1 ? turns->slots - 1 : 1;
    return wanted > 0 && wanted < most ? wanted : most;
}

/* How many wait before it; it is taken out when it gives up. */
static uint32_t place_of(struct project *project, const struct waiter *waiter, bool takes_out)
{
    uint32_t before = 0;
    struct waiter **at = &project->first;
    for (; *at != waiter; at = &(*at)->next) before++;
    if (takes_out) {
        *at = waiter->next;
        if (!*at) project->end = at;
    }
    return before;
}

static void wait_a_while(struct turns *turns, struct waiter *waiter)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += ASKS_EACH_MS * 1000000l;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&waiter->granted, &turns->lock, &until);
}

bool turn_take(struct turns *turns, const struct turn_wanted *wanted, struct err *err)
{
    struct waiter waiter = { 0 };
    bool ok = true;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&waiter.granted, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_lock(&turns->lock);
    struct project *project = project_of(turns, wanted->project_id);
    project->at_work_max = at_work_max(turns, wanted->running_max);
    *project->end = &waiter;
    project->end = &waiter.next;
    turns->waiting++;
    slots_give(turns);
    while (ok && !waiter.is_granted) {
        wait_a_while(turns, &waiter);
        if (waiter.is_granted) break;
        uint32_t at_work = project->at_work, before = place_of(project, &waiter, false);
        pthread_mutex_unlock(&turns->lock);
        ok = wanted->wait(wanted->ctx, at_work, before, err);
        pthread_mutex_lock(&turns->lock);
    }
    if (!ok && waiter.is_granted) { /* just then */
        project->at_work--;
        turns->at_work--;
        slots_give(turns);
        project_drop_if_idle(turns, project);
    } else if (!ok) {
        place_of(project, &waiter, true);
        turns->waiting--;
        project_drop_if_idle(turns, project);
    }
    pthread_mutex_unlock(&turns->lock);
    pthread_cond_destroy(&waiter.granted);
    return ok;
}

void turn_give(struct turns *turns, struct uuid project_id)
{
    pthread_mutex_lock(&turns->lock);
    struct project *project = project_of(turns, project_id);
    assert(project->at_work > 0);
    project->at_work--;
    turns->at_work--;
    slots_give(turns);
    project_drop_if_idle(turns, project);
    pthread_mutex_unlock(&turns->lock);
}

void turns_state(struct turns *turns, struct turns_state *state)
{
    pthread_mutex_lock(&turns->lock);
    *state = (struct turns_state){ turns->slots, turns->at_work, turns->waiting };
    pthread_mutex_unlock(&turns->lock);
}
