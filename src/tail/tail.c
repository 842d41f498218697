#include "base/clock.h"
#include "base/random.h"
#include "tail/tail_inside.h"
#include <stdio.h>
#include <stdlib.h>

enum { TAILS_MAX = 64, PROJECT_TAILS_MAX = 16, MATCHING_PERCENT = 25, RING_ROWS_MIN = 64, RING_ROWS_MAX = 16384 };
static const size_t RING_BYTES_MIN = 64u << 10, RING_BYTES_MAX = 4u << 20;

struct tails *tails_create(const struct tails_options *options)
{
    struct tails *tails = mem_calloc(1, sizeof *tails);
    tails->options = *options;
    if (tails->options.tails_max == 0) tails->options.tails_max = TAILS_MAX;
    if (tails->options.project_tails_max == 0) tails->options.project_tails_max = PROJECT_TAILS_MAX;
    if (tails->options.matching_percent == 0) tails->options.matching_percent = MATCHING_PERCENT;
    pthread_mutex_init(&tails->lock, NULL);
    return tails;
}

/* ---- the ring; its tail's lock is held ---- */

static void ring_drop_first(struct ring *ring)
{
    struct ring_row **at = &ring->rows[ring->first++ & (ring->cap - 1)];
    ring->bytes -= sizeof **at + (*at)->len;
    free(*at);
    *at = NULL;
}

static void ring_grow(struct ring *ring)
{
    uint32_t cap = ring->cap ? ring->cap * 2 : RING_ROWS_MIN;
    struct ring_row **rows = mem_calloc(cap, sizeof(struct ring_row *));
    for (uint64_t n = ring->first; n < ring->next; n++) rows[n & (cap - 1)] = ring->rows[n & (ring->cap - 1)];
    free(ring->rows);
    ring->rows = rows;
    ring->cap = cap;
}

static void ring_add(struct ring *ring, struct bytes row, size_t bytes_max)
{
    size_t bytes = sizeof(struct ring_row) + row.len;
    while (ring->first < ring->next && (ring->bytes + bytes > bytes_max || ring->next - ring->first >= RING_ROWS_MAX))
        ring_drop_first(ring);
    if (ring->next - ring->first == ring->cap) ring_grow(ring);
    struct ring_row *kept = mem_alloc(bytes);
    kept->len = (uint32_t)row.len;
    memcpy(kept->bytes, row.ptr, row.len);
    ring->rows[ring->next++ & (ring->cap - 1)] = kept;
    ring->bytes += bytes;
}

/* Of one ring: all together stay under the limit. */
static size_t ring_bytes_max(const struct tails *tails)
{
    uint32_t count = atomic_load(&tails->count);
    uint64_t share = tails->options.bytes_max / (count > 0 ? count : 1);
    return share < RING_BYTES_MIN ? RING_BYTES_MIN : share > RING_BYTES_MAX ? RING_BYTES_MAX : (size_t)share;
}

void tail_add(struct tail *tail, struct bytes row)
{
    size_t bytes_max = ring_bytes_max(tail->tails);
    pthread_mutex_lock(&tail->lock);
    ring_add(&tail->ring, row, bytes_max);
    tail->counts.matched++;
    pthread_mutex_unlock(&tail->lock);
}

void tail_add_counts(struct tail *tail, uint64_t dropped, uint64_t skipped)
{
    pthread_mutex_lock(&tail->lock);
    tail->counts.matched += dropped;
    tail->counts.dropped += dropped;
    tail->counts.skipped += skipped;
    pthread_mutex_unlock(&tail->lock);
}

void tail_counts(struct tail *tail, struct tail_counts *counts)
{
    pthread_mutex_lock(&tail->lock);
    *counts = tail->counts;
    pthread_mutex_unlock(&tail->lock);
}

/* ---- a tail's life; the list's lock is held ---- */

static void tail_free(struct tail *tail)
{
    while (tail->ring.first < tail->ring.next) ring_drop_first(&tail->ring);
    free(tail->ring.rows);
    free(tail->sources);
    search_match_destroy(tail->match);
    arena_deinit(&tail->arena);
    pthread_mutex_destroy(&tail->lock);
    free(tail);
}

void tail_release(struct tail *tail)
{
    if (--tail->users == 0) tail_free(tail);
}

static void unlist(struct tails *tails, struct tail **at)
{
    struct tail *tail = *at;
    *at = tail->next_tail;
    tail->is_listed = false;
    pthread_mutex_lock(&tail->lock);
    tails->gone.matched += tail->counts.matched;
    tails->gone.dropped += tail->counts.dropped;
    tails->gone.skipped += tail->counts.skipped;
    pthread_mutex_unlock(&tail->lock);
    atomic_fetch_sub(&tails->count, 1);
    tail_release(tail);
}

void tails_sweep(struct tails *tails, uint64_t now_ns)
{
    for (struct tail **at = &tails->first; *at;) {
        bool is_over = (*at)->readers == 0 && now_ns - (*at)->left_ns > TAIL_KEPT_MS * 1000000ull;
        if (is_over)
            unlist(tails, at);
        else
            at = &(*at)->next_tail;
    }
}

/* Of those that were left, the one that was so first; project NULL: of any. */
static bool left_evict(struct tails *tails, const struct uuid *project)
{
    struct tail **found = NULL;
    for (struct tail **at = &tails->first; *at; at = &(*at)->next_tail) {
        if ((*at)->readers > 0 || (project && !uuid_equal((*at)->ask.project_id, *project))) continue;
        if (!found || (*at)->left_ns < (*found)->left_ns) found = at;
    }
    if (found) unlist(tails, found);
    return found != NULL;
}

static uint32_t project_count(const struct tails *tails, struct uuid project)
{
    uint32_t count = 0;
    for (const struct tail *tail = tails->first; tail; tail = tail->next_tail)
        count += !tail->is_visited && uuid_equal(tail->ask.project_id, project);
    return count;
}

static bool room_make(struct tails *tails, const struct tail *tail, struct err *err)
{
    tails_sweep(tails, clock_mono_ns());
    if (!tail->is_visited && project_count(tails, tail->ask.project_id) >= tails->options.project_tails_max &&
        !left_evict(tails, &tail->ask.project_id))
        return err_set(err, ERR_QUOTA, "%u live tails of this project are open: close one",
                       tails->options.project_tails_max);
    if (atomic_load(&tails->count) >= tails->options.tails_max && !left_evict(tails, NULL))
        return err_set(err, ERR_QUOTA, "%u live tails are open on this server: try again later",
                       tails->options.tails_max);
    return true;
}

/* ---- what is asked ---- */

/* A column's name is read as a search for any value of it. */
static bool column_read(struct tail *tail, struct bytes name, struct search_problem *problem)
{
    struct search_node *node;
    const char *text = arena_printf(&tail->arena, "%.*s:*", (int)name.len, (const char *)name.ptr);
    if (!search_parse(&tail->arena, bytes_of_text(text), &node, problem)) return false;
    if (node->kind != SEARCH_TERM || node->test != SEARCH_HAS || tail->column_count == TAIL_COLUMNS_MAX) {
        snprintf(problem->text, sizeof problem->text, "up to %d names of fields belong here, with commas between",
                 TAIL_COLUMNS_MAX);
        return false;
    }
    tail->columns[tail->column_count++] = (struct tail_column){ node->column, node->name };
    return true;
}

static bool columns_read(struct tail *tail, struct search_problem *problem)
{
    struct bytes rest = tail->ask.columns;
    while (rest.len > 0) {
        const uint8_t *comma = memchr(rest.ptr, ',', rest.len);
        size_t len = comma ? (size_t)(comma - rest.ptr) : rest.len;
        if (len > 0 && !column_read(tail, bytes_from(rest.ptr, len), problem)) return false;
        rest = bytes_from(rest.ptr + len + (comma != NULL), rest.len - len - (comma != NULL));
    }
    return true;
}

static struct tail *tail_create(struct tails *tails, const struct tail_ask *ask, struct tail_problem *problem)
{
    struct tail *tail = mem_calloc(1, sizeof *tail);
    tail->tails = tails;
    tail->users = 1;
    pthread_mutex_init(&tail->lock, NULL);
    arena_init(&tail->arena, 4096);
    tail->ask.project_id = ask->project_id;
    tail->ask.search = arena_copy(&tail->arena, ask->search);
    tail->ask.environment = arena_copy(&tail->arena, ask->environment);
    tail->ask.columns = arena_copy(&tail->arena, ask->columns);
    random_fill(&tail->began, sizeof tail->began);
    random_fill(&tail->id, sizeof tail->id);
    problem->where = "q";
    if (search_match_create(&tail->match, ask->search, &problem->problem)) {
        problem->where = "cols";
        if (columns_read(tail, &problem->problem)) return tail;
    }
    tail_free(tail);
    return NULL;
}

static bool is_same(const struct tail_ask *a, const struct tail_ask *b)
{
    return uuid_equal(a->project_id, b->project_id) && bytes_equal(a->search, b->search) &&
           bytes_equal(a->environment, b->environment) && bytes_equal(a->columns, b->columns);
}

/* Lists it, with its first reader. */
static bool tail_list(struct tails *tails, struct tail *tail, struct err *err)
{
    if (!room_make(tails, tail, err)) return false;
    tail->users++;
    tail->readers = 1;
    tail->is_listed = true;
    tail->next_tail = tails->first;
    tails->first = tail;
    atomic_fetch_add(&tails->count, 1);
    return true;
}

bool tails_open(struct tails *tails, const struct tail_ask *ask, struct tail_reader *reader,
                struct tail_problem *problem, struct err *err)
{
    struct tail *tail = tail_create(tails, ask, problem);
    if (!tail) return err_set(err, ERR_INPUT, "%s", problem->problem.text);
    pthread_mutex_lock(&tails->lock);
    bool ok = tail_list(tails, tail, err);
    if (!ok) tail_release(tail);
    pthread_mutex_unlock(&tails->lock);
    *reader = (struct tail_reader){ .tail = ok ? tail : NULL };
    return ok;
}

/* The list's lock is held. */
static struct tail *tail_find(struct tails *tails, struct uuid id, const struct tail_ask *ask)
{
    for (struct tail *tail = tails->first; tail; tail = tail->next_tail)
        if (uuid_equal(tail->id, id)) return is_same(&tail->ask, ask) ? tail : NULL;
    return NULL;
}

static void reader_add(struct tail *tail, uint64_t next, struct tail_reader *reader)
{
    tail->users++;
    tail->readers++;
    pthread_mutex_lock(&tail->lock);
    *reader = (struct tail_reader){
        .tail = tail,
        .generation = ++tail->generation,
        .next = next < tail->ring.next ? next : tail->ring.next,
    };
    pthread_mutex_unlock(&tail->lock);
}

bool tails_resume(struct tails *tails, struct uuid id, uint64_t next, const struct tail_ask *ask,
                  struct tail_reader *reader)
{
    pthread_mutex_lock(&tails->lock);
    tails_sweep(tails, clock_mono_ns());
    struct tail *tail = tail_find(tails, id, ask);
    if (tail) reader_add(tail, next, reader);
    pthread_mutex_unlock(&tails->lock);
    return tail != NULL;
}

bool tails_visit(struct tails *tails, struct uuid id, const struct tail_ask *ask, uint64_t began, uint64_t next,
                 struct tail_reader *reader, struct err *err)
{
    struct tail_problem problem;
    if (tails_resume(tails, id, next, ask, reader)) {
        if (reader->tail->began != began) reader->next = 0;
        return true;
    }
    struct tail *tail = tail_create(tails, ask, &problem);
    if (!tail) return err_set(err, ERR_INPUT, "%s", problem.problem.text);
    tail->id = id;
    tail->is_visited = true;
    pthread_mutex_lock(&tails->lock);
    bool ok = tail_list(tails, tail, err);
    if (!ok) tail_release(tail);
    pthread_mutex_unlock(&tails->lock);
    *reader = (struct tail_reader){ .tail = ok ? tail : NULL };
    return ok;
}

struct uuid tail_id(const struct tail *tail)
{
    return tail->id;
}

const struct tail_ask *tail_asked(const struct tail *tail)
{
    return &tail->ask;
}

uint64_t tail_began(const struct tail *tail)
{
    return tail->began;
}

/* ---- reading ---- */

bool tail_read(struct tail_reader *reader, char separator, struct buf *out, size_t bytes, struct tail_batch *batch)
{
    struct tail *tail = reader->tail;
    struct ring *ring = &tail->ring;
    *batch = (struct tail_batch){ 0 };
    pthread_mutex_lock(&tail->lock);
    bool ok = reader->generation == tail->generation;
    if (ok && reader->next < ring->first) {
        batch->dropped = ring->first - reader->next;
        tail->counts.dropped += batch->dropped;
        reader->next = ring->first;
    }
    for (size_t begin = out->len; ok && reader->next < ring->next; reader->next++) {
        const struct ring_row *row = ring->rows[reader->next & (ring->cap - 1)];
        if (batch->rows > 0 && out->len - begin + row->len > bytes) break;
        if ((batch->rows > 0 && !buf_add(out, &separator, 1)) || !buf_add(out, row->bytes, row->len)) break;
        batch->rows++;
    }
    pthread_mutex_unlock(&tail->lock);
    return ok;
}

void tail_leave(struct tail_reader *reader)
{
    struct tail *tail = reader->tail;
    if (!tail) return;
    struct tails *tails = tail->tails;
    pthread_mutex_lock(&tails->lock);
    tail->readers--;
    tail->left_ns = clock_mono_ns();
    tail_release(tail);
    pthread_mutex_unlock(&tails->lock);
    reader->tail = NULL;
}

struct tail_source *tail_source(struct tail *tail, const char *name)
{
    for (uint32_t s = 0; s < tail->source_count; s++)
        if (strcmp(tail->sources[s].name, name) == 0) return &tail->sources[s];
    if (!tail->sources) tail->sources = mem_calloc(TAIL_SOURCES_MAX, sizeof *tail->sources);
    if (tail->source_count == TAIL_SOURCES_MAX) return NULL;
    struct tail_source *source = &tail->sources[tail->source_count++];
    snprintf(source->name, sizeof source->name, "%s", name);
    return source;
}

void tails_stats(struct tails *tails, struct tails_stats *stats)
{
    pthread_mutex_lock(&tails->lock);
    *stats = (struct tails_stats){
        .matched = tails->gone.matched,
        .dropped = tails->gone.dropped,
        .skipped = tails->gone.skipped,
    };
    for (struct tail *tail = tails->first; tail; tail = tail->next_tail) {
        pthread_mutex_lock(&tail->lock);
        stats->tails++;
        stats->matched += tail->counts.matched;
        stats->dropped += tail->counts.dropped;
        stats->skipped += tail->counts.skipped;
        stats->bytes += tail->ring.bytes;
        pthread_mutex_unlock(&tail->lock);
    }
    pthread_mutex_unlock(&tails->lock);
}

void tails_destroy(struct tails *tails)
{
    if (!tails) return;
    while (tails->first) {
        assert(tails->first->users == 1);
        unlist(tails, &tails->first);
    }
    pthread_mutex_destroy(&tails->lock);
    free(tails);
}
