#include "sourcemaps/book.h"

#include <ctype.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

struct edition {
    struct arena arena;
    struct book_map *maps; /* by project, path, valid_from */
    uint32_t *by_debug_id; /* those that have one */
    uint32_t count, room, debug_id_count;
    atomic_uint holders;
};
struct book {
    struct db *db;
    int64_t number; /* of the change that was read; the refreshing thread's */
    pthread_mutex_t lock;
    struct edition *edition; /* guarded; NULL: none was read */
    atomic_uint count;
};

/* ---- files ---- */

bool book_file_split(struct bytes file, struct book_file *split)
{
    const uint8_t *scheme = file.len == 0 ? NULL : memmem(file.ptr, file.len, "://", 3);
    size_t at = 0, len = 0;
    split->host[0] = '\0';
    if (file.len >= 2 && file.ptr[0] == '~' && file.ptr[1] == '/') {
        at = 1;
    } else if (scheme != NULL) {
        at = (size_t)(scheme - file.ptr) + 3;
        size_t begin = at;
        while (at < file.len && file.ptr[at] != '/' && file.ptr[at] != '?' && file.ptr[at] != '#') at++;
        if (at - begin >= sizeof split->host) return false;
        for (size_t i = begin; i < at; i++) split->host[len++] = (char)tolower(file.ptr[i]);
        split->host[len] = '\0';
    }
    len = 0;
    if (at >= file.len || (file.ptr[at] != '/' && file.ptr[at] != '\\')) split->path[len++] = '/';
    for (; at < file.len && file.ptr[at] != '?' && file.ptr[at] != '#'; at++) {
        if (len + 1 >= sizeof split->path) return false;
        split->path[len++] = file.ptr[at] == '\\' ? '/' : (char)file.ptr[at];
    }
    split->path[len] = '\0';
    return len > 1;
}

/* ---- reading ---- */

static struct bytes kept(struct edition *edition, const char *text)
{
    return arena_copy(&edition->arena, bytes_of_text(text));
}
static bool map_take(void *ctx, const struct source_map *map)
{
    struct edition *edition = ctx;
    if (edition->count == edition->room) {
        edition->room = edition->room == 0 ? 64 : edition->room * 2;
        edition->maps = mem_realloc(edition->maps, edition->room * sizeof *edition->maps);
    }
    edition->maps[edition->count++] = (struct book_map){ .id = map->id,
                                                         .project_id = map->project_id,
                                                         .debug_id = map->debug_id,
                                                         .release = kept(edition, map->release),
                                                         .host = kept(edition, map->host),
                                                         .path = kept(edition, map->path),
                                                         .valid_from_unix_us = map->valid_from_unix_us,
                                                         .deleted_unix_us = map->deleted_unix_us };
    return true;
}

static int uuid_compare(struct uuid a, struct uuid b)
{
    return memcmp(a.bytes, b.bytes, sizeof a.bytes);
}
static int map_compare(const void *a, const void *b)
{
    const struct book_map *one = a, *other = b;
    int order = uuid_compare(one->project_id, other->project_id);
    if (order == 0) order = bytes_compare(one->path, other->path);
    if (order == 0) order = bytes_compare(one->release, other->release);
    if (order == 0)
        order = (one->valid_from_unix_us > other->valid_from_unix_us) -
                (one->valid_from_unix_us < other->valid_from_unix_us);
    return order != 0 ? order : uuid_compare(one->id, other->id);
}
static int debug_id_compare(const void *a, const void *b, void *ctx)
{
    const struct book_map *maps = ctx, *one = &maps[*(const uint32_t *)a], *other = &maps[*(const uint32_t *)b];
    int order = uuid_compare(one->project_id, other->project_id);
    if (order == 0) order = uuid_compare(one->debug_id, other->debug_id);
    return order != 0 ? order : map_compare(one, other);
}

static void edition_order(struct edition *edition)
{
    if (edition->count == 0) return;
    qsort(edition->maps, edition->count, sizeof *edition->maps, map_compare);
    edition->by_debug_id = mem_alloc(edition->count * sizeof *edition->by_debug_id);
    for (uint32_t m = 0; m < edition->count; m++) {
        if (!uuid_equal(edition->maps[m].debug_id, (struct uuid){ 0 }))
            edition->by_debug_id[edition->debug_id_count++] = m;
    }
    if (edition->debug_id_count > 0)
        qsort_r(edition->by_debug_id, edition->debug_id_count, sizeof *edition->by_debug_id, debug_id_compare,
                edition->maps);
}

void book_release(struct edition *edition)
{
    if (edition == NULL || atomic_fetch_sub(&edition->holders, 1) != 1) return;
    arena_deinit(&edition->arena);
    free(edition->maps);
    free(edition->by_debug_id);
    free(edition);
}

static int id_compare(const void *a, const void *b)
{
    return uuid_compare(*(const struct uuid *)a, *(const struct uuid *)b);
}

static void news_tell(const struct edition *old, const struct edition *edition,
                      void (*news)(void *ctx, const struct book_map *map), void *ctx)
{
    struct uuid *ids = mem_alloc((old->count + 1) * sizeof *ids);
    for (uint32_t m = 0; m < old->count; m++) ids[m] = old->maps[m].id;
    if (old->count > 0) qsort(ids, old->count, sizeof *ids, id_compare);
    for (uint32_t m = 0; m < edition->count; m++) {
        if (old->count == 0 || bsearch(&edition->maps[m].id, ids, old->count, sizeof *ids, id_compare) == NULL)
            news(ctx, &edition->maps[m]);
    }
    free(ids);
}

bool book_refresh(struct book *book, void (*news)(void *ctx, const struct book_map *map), void *ctx, struct err *err)
{
    int64_t number;
    if (!db_change_number(book->db, SOURCE_MAPS_TOPIC, &number, err)) return false;
    if (number == book->number) return true;
    struct edition *edition = mem_calloc(1, sizeof *edition);
    atomic_init(&edition->holders, 1);
    arena_init(&edition->arena, 0);
    if (!source_map_each(book->db, map_take, edition, err)) {
        book_release(edition);
        return false;
    }
    edition_order(edition);
    pthread_mutex_lock(&book->lock);
    struct edition *old = book->edition;
    book->edition = edition;
    pthread_mutex_unlock(&book->lock);
    atomic_store(&book->count, edition->count);
    if (news != NULL && old != NULL) news_tell(old, edition, news, ctx);
    book_release(old);
    book->number = number;
    return true;
}

struct edition *book_hold(struct book *book)
{
    if (likely(atomic_load_explicit(&book->count, memory_order_relaxed) == 0)) return NULL;
    pthread_mutex_lock(&book->lock);
    struct edition *edition = book->edition;
    atomic_fetch_add(&edition->holders, 1);
    pthread_mutex_unlock(&book->lock);
    return edition;
}

uint32_t book_count(struct book *book)
{
    return atomic_load(&book->count);
}

bool book_open(struct book **out, struct db *db, struct err *err)
{
    struct book *book = mem_calloc(1, sizeof *book);
    book->db = db;
    book->number = -1;
    pthread_mutex_init(&book->lock, NULL);
    *out = book;
    if (book_refresh(book, NULL, NULL, err)) return true;
    book_close(book);
    *out = NULL;
    return false;
}

void book_close(struct book *book)
{
    if (book == NULL) return;
    book_release(book->edition);
    pthread_mutex_destroy(&book->lock);
    free(book);
}

/* ---- looking up ---- */

static bool is_valid(const struct book_map *map, int64_t at_unix_us)
{
    return map->valid_from_unix_us <= at_unix_us && (map->deleted_unix_us == 0 || at_unix_us < map->deleted_unix_us);
}

/* The first of the maps that does not come before (project, path, release). */
static uint32_t path_first(const struct edition *edition, struct uuid project_id, struct bytes path,
                           struct bytes release)
{
    uint32_t low = 0, high = edition->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct book_map *map = &edition->maps[middle];
        int order = uuid_compare(map->project_id, project_id);
        if (order == 0) order = bytes_compare(map->path, path);
        if (order == 0) order = bytes_compare(map->release, release);
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool book_has_project(const struct edition *edition, struct uuid project_id)
{
    uint32_t first = path_first(edition, project_id, (struct bytes){ 0 }, (struct bytes){ 0 });
    return first < edition->count && uuid_equal(edition->maps[first].project_id, project_id);
}

/* What the sender says of the file: its own line, or the only id that there is. */
static bool debug_id_of(struct bytes ids, struct bytes file, struct uuid *id)
{
    while (ids.len > 0) {
        const uint8_t *end = memchr(ids.ptr, '\n', ids.len);
        size_t len = end == NULL ? ids.len : (size_t)(end - ids.ptr);
        const uint8_t *blank = memrchr(ids.ptr, ' ', len);
        size_t file_len = blank == NULL ? 0 : (size_t)(blank - ids.ptr), from = blank == NULL ? 0 : file_len + 1;
        bool is_of_file = blank == NULL || bytes_equal(bytes_from(ids.ptr, file_len), file);
        if (is_of_file && uuid_from_text(bytes_from(ids.ptr + from, len - from), id)) return true;
        ids = len < ids.len ? bytes_from(ids.ptr + len + 1, ids.len - len - 1) : (struct bytes){ 0 };
    }
    return false;
}

static const struct book_map *debug_id_find(const struct edition *edition, const struct book_ask *ask, struct uuid id)
{
    uint32_t low = 0, high = edition->debug_id_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct book_map *map = &edition->maps[edition->by_debug_id[middle]];
        int order = uuid_compare(map->project_id, ask->project_id);
        if (order == 0) order = uuid_compare(map->debug_id, id);
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    const struct book_map *found = NULL;
    for (; low < edition->debug_id_count; low++) {
        const struct book_map *map = &edition->maps[edition->by_debug_id[low]];
        if (!uuid_equal(map->project_id, ask->project_id) || !uuid_equal(map->debug_id, id)) break;
        if (!is_valid(map, ask->received_unix_us)) continue;
        if (found == NULL || map->valid_from_unix_us >= found->valid_from_unix_us) found = map;
    }
    return found;
}

/* Of a path's maps of one release (NULL: of all) the newest, of the host before one of any host. */
static const struct book_map *path_find(const struct edition *edition, const struct book_ask *ask,
                                        const struct book_file *split, const struct bytes *release)
{
    struct bytes path = bytes_of_text(split->path), host = bytes_of_text(split->host);
    const struct book_map *found = NULL;
    bool is_of_host = false;
    uint32_t m = path_first(edition, ask->project_id, path, release == NULL ? (struct bytes){ 0 } : *release);
    for (; m < edition->count; m++) {
        const struct book_map *map = &edition->maps[m];
        if (!uuid_equal(map->project_id, ask->project_id) || !bytes_equal(map->path, path)) break;
        if (release != NULL && !bytes_equal(map->release, *release)) break;
        bool is_host = map->host.len > 0;
        if (!is_valid(map, ask->received_unix_us) || (is_host && !bytes_equal(map->host, host))) continue;
        if (found == NULL || is_host > is_of_host ||
            (is_host == is_of_host && map->valid_from_unix_us >= found->valid_from_unix_us)) {
            found = map;
            is_of_host = is_host;
        }
    }
    return found;
}

const struct book_map *book_find(const struct edition *edition, const struct book_ask *ask, struct bytes file)
{
    const struct bytes any = { 0 };
    const struct book_map *found = NULL;
    struct book_file split;
    struct uuid debug_id;
    if (unlikely(ask->debug_ids.len > 0) && edition->debug_id_count > 0 && debug_id_of(ask->debug_ids, file, &debug_id))
        found = debug_id_find(edition, ask, debug_id);
    if (found != NULL || !book_file_split(file, &split)) return found;
    found = path_find(edition, ask, &split, ask->release.len > 0 ? &ask->release : NULL);
    return found != NULL || ask->release.len == 0 ? found : path_find(edition, ask, &split, &any);
}

uint32_t book_of_release(const struct edition *edition, const struct book_ask *ask, const struct book_map **maps,
                         uint32_t maps_max)
{
    uint32_t count = 0, m = path_first(edition, ask->project_id, (struct bytes){ 0 }, (struct bytes){ 0 });
    for (; m < edition->count && uuid_equal(edition->maps[m].project_id, ask->project_id); m++) {
        const struct book_map *map = &edition->maps[m];
        if (!is_valid(map, ask->received_unix_us)) continue;
        if (ask->release.len > 0 && map->release.len > 0 && !bytes_equal(map->release, ask->release)) continue;
        uint32_t at = count < maps_max ? count++ : maps_max;
        while (at > 0 && maps[at - 1]->valid_from_unix_us < map->valid_from_unix_us) {
            if (at < maps_max) maps[at] = maps[at - 1];
            at--;
        }
        if (at < maps_max) maps[at] = map;
    }
    return count;
}
