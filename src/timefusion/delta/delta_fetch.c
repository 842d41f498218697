#include "timefusion/delta/delta_fetch.h"

struct get {
    struct delta_table *table;
    uint64_t version;
    struct delta_fetched *fetched;
};

static void *get_run(void *ctx)
{
    struct get *get = ctx;
    (void)!delta_commit_get(get->table, get->version, &get->fetched->lines, &get->fetched->err);
    return NULL;
}

void delta_fetch(struct delta_table *table, uint64_t first, uint32_t count, struct delta_fetched *fetched)
{
    struct get gets[DELTA_FETCH_MAX];
    pthread_t threads[DELTA_FETCH_MAX];
    uint32_t started = 0;
    char key[DELTA_KEY_BYTES];
    assert(count <= DELTA_FETCH_MAX);
    delta_commit_key(table, first, key);
    bool is_local = object_is_local(table->options.store, key);
    for (uint32_t i = 0; i < count; i++) {
        fetched[i].err = (struct err){ 0 };
        buf_init(&fetched[i].lines, DELTA_COMMIT_BYTES_MAX);
        gets[i] = (struct get){ table, first + i, &fetched[i] };
    }
    /* The last one is the caller's; so are all for which there is no thread. */
    while (!is_local && started + 1 < count && pthread_create(&threads[started], NULL, get_run, &gets[started]) == 0)
        started++;
    for (uint32_t i = started; i < count; i++) get_run(&gets[i]);
    for (uint32_t i = 0; i < started; i++) pthread_join(threads[i], NULL);
}

void delta_fetched_deinit(struct delta_fetched *fetched, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) buf_deinit(&fetched[i].lines);
}
