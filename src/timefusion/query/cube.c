#include "timefusion/query/cube.h"
#include "base/clock.h"
#include "base/disk.h"
#include "base/hash.h"
#include "timefusion/query/engine.h"
#include "timefusion/query/functions.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { BUCKETS = 1024, PROJECTS_MAX = 10000, LOOK_S = 15, FORMAT = 2, OPENED_MAX = 256 };
#define PATH_BYTES 1200

#define SERVICE     "resource___service___name"
#define ENVIRONMENT "resource___deployment___environment___name"
#define STATUS      "attributes___http___response___status_code"
#define METHOD      "attributes___http___request___method"
#define WHO         "attributes___user___id", "attributes___session___id"

#define USUAL SERVICE, "kind", "status_code", "level", ENVIRONMENT
#define MORE                                                                                                 \
    METHOD, "attributes___error___type", "attributes___exception___type", "attributes___db___system___name", \
        "resource___service___version"

/* Of a family the fullest first. */
const struct cube_kind cube_kinds[] = {
    { 'm', 1, CUBE_MINUTE_US, false, false, 16, { USUAL, STATUS }, { NULL } },
    { 'n', 1, CUBE_MINUTE_US, false, false, 8, { USUAL }, { NULL } },
    { 'h', 2, CUBE_HOUR_US, false, false, 32, { USUAL, STATUS }, { NULL } },
    { 'w', 3, CUBE_STEP_US, false, false, 12, { USUAL, STATUS, MORE, "name", "attributes___http___route" }, { NULL } },
    { 'x', 3, 0, false, false, 16, { USUAL, STATUS, MORE, "name", "attributes___http___route" }, { NULL } },
    { 'v', 3, 0, false, false, 8, { USUAL, STATUS, MORE }, { NULL } },
    { 'p', 4, CUBE_STEP_US, true, false, 8, { USUAL }, { NULL } },
    { 'q', 4, CUBE_STEP_US, true, false, 8, { SERVICE }, { NULL } },
    { 'r', 5, CUBE_HOUR_US, true, false, 4, { USUAL, "name", "attributes___http___route" }, { NULL } },
    { 's', 5, CUBE_HOUR_US, true, false, 16, { USUAL }, { NULL } },
    { 'd',
      6,
      CUBE_QUARTER_US,
      false,
      false,
      12,
      { USUAL, STATUS, MORE, "name", "attributes___http___route" },
      { NULL } },
    { 'e', 6, CUBE_QUARTER_US, false, false, 6, { SERVICE, "kind", "status_code", "level", "name" }, { NULL } },
    { 't', 7, CUBE_QUARTER_US, true, false, 4, { USUAL }, { NULL } },
    { 'u', 7, CUBE_QUARTER_US, true, false, 2, { SERVICE }, { NULL } },
    { 'y', 8, CUBE_STEP_US, true, false, 4, { NULL }, { NULL } },
    { 'z', 8, CUBE_HOUR_US, true, false, 4, { NULL }, { NULL } },
    { 'g', 9, 0, false, true, 1, { NULL }, { NULL } },
    { 'a', 10, CUBE_SKETCH_US, false, false, 1, { NULL }, { WHO, "context___trace_id" } },
    { 'b', 10, CUBE_HOUR_US, false, false, 1, { NULL }, { WHO, "context___trace_id" } },
    { 'c', 10, 0, false, false, 1, { NULL }, { WHO, "context___trace_id" } },
    { 'i', 11, CUBE_QUARTER_US, false, false, 1, { SERVICE }, { WHO } },
    { 'j', 11, 0, false, false, 1, { SERVICE }, { WHO } },
    { 'k', 12, CUBE_HOUR_US, true, false, 8, { "kind", "attributes___http___route" }, { NULL } },
};
const uint32_t cube_kind_count = COUNT_OF(cube_kinds);

struct project { /* whose cubes are looked after: somebody asked */
    struct project *next;
    struct uuid id;
};
struct cubes {
    struct query_engine *engine;
    char *dir;
    pthread_t maker;
    bool has_maker;
    atomic_bool stops;
    pthread_mutex_t lock; /* guards what follows; nothing is asked of DuckDB under it */
    pthread_cond_t wake;
    struct cube *buckets[BUCKETS];
    struct project *projects;
    uint32_t project_count;
    bool is_wanted;
};
struct held_cube {
    struct held_cube *next;
    struct cube *cube;
};

bool cube_has_key(const char *column)
{
    for (uint32_t k = 0; k < cube_kind_count; k++)
        for (uint32_t i = 0; i < CUBE_KEYS_MAX && cube_kinds[k].keys[i]; i++)
            if (strcmp(cube_kinds[k].keys[i], column) == 0) return true;
    return false;
}

bool cube_kind_sketches(const struct cube_kind *kind, const char *column)
{
    for (uint32_t i = 0; i < CUBE_SKETCHES_MAX && kind->sketches[i]; i++)
        if (strcmp(kind->sketches[i], column) == 0) return true;
    return false;
}

bool cube_has_sketch(const char *column)
{
    for (uint32_t k = 0; k < cube_kind_count; k++)
        if (cube_kind_sketches(&cube_kinds[k], column)) return true;
    return false;
}

/* ---- the list; under the lock ---- */

static struct cube **bucket_of(struct cubes *cubes, struct hash128 file)
{
    return &cubes->buckets[file.lo % BUCKETS];
}

static void cube_add(struct cubes *cubes, const struct cube *like)
{
    struct cube *cube = mem_alloc(sizeof *cube), **bucket = bucket_of(cubes, like->file);
    *cube = *like;
    cube->next = *bucket;
    *bucket = cube;
}

/* Takes a dead one out that nobody uses: its file goes. */
static void cube_bury(struct cubes *cubes, struct cube *cube)
{
    if (!cube->is_dead || cube->users > 0) return;
    struct cube **at = bucket_of(cubes, cube->file);
    while (*at != cube) at = &(*at)->next;
    *at = cube->next;
    if (cube->id != 0) duckdb_fs_drop(cubes->engine->fs, cube->id);
    if (cube->path) unlink(cube->path);
    free(cube->path);
    free(cube);
}

/* All of the project but those of these files. */
static void cubes_bury(struct cubes *cubes, struct uuid project_id, const struct hash128 *files, uint32_t count)
{
    for (uint32_t b = 0; b < BUCKETS; b++) {
        struct cube *next;
        for (struct cube *cube = cubes->buckets[b]; cube; cube = next) {
            bool is_live = !uuid_equal(cube->project_id, project_id);
            for (uint32_t f = 0; f < count && !is_live; f++) is_live = hash128_equal(files[f], cube->file);
            next = cube->next;
            if (is_live) continue;
            cube->is_dead = true;
            cube_bury(cubes, cube);
        }
    }
}

static void project_add(struct cubes *cubes, struct uuid id)
{
    for (const struct project *project = cubes->projects; project; project = project->next)
        if (uuid_equal(project->id, id)) return;
    if (cubes->project_count == PROJECTS_MAX) return;
    struct project *project = mem_alloc(sizeof *project);
    *project = (struct project){ cubes->projects, id };
    cubes->projects = project;
    cubes->project_count++;
}

/* ---- the disk ---- */

static void path_of(const struct cubes *cubes, struct uuid project_id, const char *name, char path[PATH_BYTES])
{
    char text[UUID_TEXT_BYTES + 1];
    uuid_to_text(project_id, text);
    snprintf(path, PATH_BYTES, name[0] ? "%s/%s/%s" : "%s/%s%s", cubes->dir, text, name);
}

static const struct cube_kind *kind_of(char letter)
{
    for (uint32_t k = 0; k < cube_kind_count; k++)
        if (cube_kinds[k].letter == letter) return &cube_kinds[k];
    return NULL;
}

/* Of the bytes, and of what their kind means to this program: one of another meaning is as good as damaged. */
static uint64_t content_hash(const struct cube_kind *kind, struct bytes bytes)
{
    char text[64];
    snprintf(text, sizeof text, "%d %c %" PRId64, FORMAT, kind->letter, kind->step_us);
    uint64_t hash = hash64_of(bytes) ^ hash64_of(bytes_of_text(text));
    for (uint32_t i = 0; i < CUBE_KEYS_MAX && kind->keys[i]; i++)
        hash = hash64_mix(hash ^ (i + 1), hash64_of(bytes_of_text(kind->keys[i])) | 1);
    for (uint32_t i = 0; i < CUBE_SKETCHES_MAX && kind->sketches[i]; i++)
        hash = hash64_mix(hash ^ (CUBE_KEYS_MAX + i + 1), hash64_of(bytes_of_text(kind->sketches[i])) | 1);
    return hash;
}

struct loading {
    struct cubes *cubes;
    struct uuid project_id;
};

/* The content of what says that there is no cube of a kind, so that it is not tried again after a restart. */
static struct bytes refusal(void)
{
    return BYTES("as many groups as rows\n");
}

/* A kind that is content with fewer rows a group is tried again. */
static uint64_t refusal_hash(const struct cube_kind *kind)
{
    return hash64_mix(content_hash(kind, refusal()), (uint64_t)kind->rows_a_group * 2 + 1);
}

static const char *suffix_of(const struct cube_kind *kind)
{
    return kind->is_words ? ".words" : ".parquet";
}

/* <file>-<kind><rows>-<hash>.parquet or .words; rows 0: a refusal; what is no such name is of a process that was killed, or of another version. */
static void file_load(void *ctx, const char *name, bool is_dir)
{
    struct loading *loading = ctx;
    struct cube cube = { .project_id = loading->project_id };
    char path[PATH_BYTES], letter;
    int end = 0;
    path_of(loading->cubes, loading->project_id, name, path);
    if (is_dir) return;
    bool ok = sscanf(name, "%16" SCNx64 "%16" SCNx64 "-%c%" SCNu64 "-%16" SCNx64 "%n", &cube.file.hi, &cube.file.lo,
                     &letter, &cube.rows, &cube.content, &end) == 5 &&
              (cube.kind = kind_of(letter)) != NULL && strcmp(name + end, suffix_of(cube.kind)) == 0;
    if (!ok) {
        unlink(path);
        return;
    }
    cube.is_refused = cube.rows == 0;
    if (cube.is_refused && cube.content != refusal_hash(cube.kind)) { /* the kind means something else now */
        unlink(path);
        return;
    }
    cube.path = mem_strdup(path);
    cube_add(loading->cubes, &cube);
}

static void project_load(void *ctx, const char *name, bool is_dir)
{
    struct loading *loading = ctx;
    char path[PATH_BYTES];
    struct err err = { 0 };
    if (!is_dir || !uuid_from_text(bytes_of_text(name), &loading->project_id)) return;
    project_add(loading->cubes, loading->project_id);
    path_of(loading->cubes, loading->project_id, "", path);
    if (!disk_real.ops->list(&disk_real, path, file_load, loading, &err))
        log_warn(loading->cubes->engine->options.log, "query.rollups_not_listed", log_text("err", err.text));
}

static bool bytes_read(void *file, uint64_t offset, void *ptr, size_t len, struct err *err)
{
    const struct cube *cube = file;
    int fd = open(cube->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return err_os(err, "could not open " CUBE_NAME, cube->id);
    for (size_t done = 0; done < len;) {
        ssize_t got = pread(fd, (uint8_t *)ptr + done, len - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) {
            if (got < 0)
                err_os(err, "could not read " CUBE_NAME, cube->id);
            else
                err_set(err, ERR_CORRUPT, CUBE_NAME " is cut", cube->id);
            close(fd);
            return false;
        }
        done += (size_t)got;
    }
    close(fd);
    return true;
}

/* Once its bytes have proved to be those that were written it is shown to DuckDB. Under the lock. */
static bool cube_show(struct cubes *cubes, struct cube *cube)
{
    if (cube->bytes > 0) return true;
    struct err err = { 0 };
    struct disk_file *file;
    struct disk_stat stat = { 0 };
    if (!disk_real.ops->open(&disk_real, cube->path, DISK_READ, &file, &err)) return false;
    bool ok = disk_real.ops->stat(file, &stat, &err) && stat.bytes > 0 && stat.bytes <= CUBE_BYTES_MAX;
    disk_real.ops->close(file);
    if (!ok) return false;
    uint8_t *bytes = mem_alloc(stat.bytes);
    ok = bytes_read(cube, 0, bytes, stat.bytes, &err) &&
         content_hash(cube->kind, bytes_from(bytes, stat.bytes)) == cube->content;
    free(bytes);
    if (!ok) return false;
    char name[40];
    struct query_engine *engine = cubes->engine;
    cube->bytes = stat.bytes;
    if (cube->kind->is_words) return true; /* not DuckDB's to read */
    cube->id = atomic_fetch_add(&engine->next_snapshot_id, 1);
    snprintf(name, sizeof name, CUBE_NAME, cube->id);
    struct duckdb_fs_file shown = { name, cube->bytes, cube };
    struct duckdb_fs_snapshot snapshot = { .id = cube->id, .files = &shown, .file_count = 1, .read = bytes_read };
    duckdb_fs_add(engine->fs, &snapshot);
    return true;
}

/* The same; a damaged one is told, and goes. */
static bool cube_open(struct cubes *cubes, struct cube *cube)
{
    if (cube_show(cubes, cube)) return true;
    log_warn(cubes->engine->options.log, "query.rollup_damaged", log_text("path", cube->path));
    cube->is_dead = true;
    cube_bury(cubes, cube);
    return false;
}

/* ---- the maker ---- */

static void projects_copy(const struct cubes *cubes, struct uuid **ids, uint32_t *count)
{
    *ids = mem_alloc((cubes->project_count + 1) * sizeof **ids);
    *count = 0;
    for (const struct project *project = cubes->projects; project; project = project->next)
        (*ids)[(*count)++] = project->id;
}

static void newest_open(struct cubes *cubes, const struct uuid *ids, uint32_t count)
{
    uint32_t left = OPENED_MAX;
    for (uint32_t p = 0; p < count && left > 0 && !atomic_load(&cubes->stops); p++) {
        struct err err = { 0 };
        if (!cube_files_open(cubes->engine, ids[p], &left, &err))
            log_warn(cubes->engine->options.log, "query.files_not_opened", log_text("err", err.text));
    }
}

static void *maker_run(void *arg)
{
    struct cubes *cubes = arg;
    bool is_first = true;
    pthread_mutex_lock(&cubes->lock);
    while (!atomic_load(&cubes->stops)) {
        struct uuid *ids;
        uint32_t count;
        cubes->is_wanted = false;
        projects_copy(cubes, &ids, &count);
        pthread_mutex_unlock(&cubes->lock);
        if (is_first) newest_open(cubes, ids, count);
        is_first = false;
        for (uint32_t p = 0; p < count && !atomic_load(&cubes->stops); p++) {
            struct err err = { 0 };
            if (!cube_make(cubes->engine, ids[p], &cubes->stops, &err) && !atomic_load(&cubes->stops))
                log_warn(cubes->engine->options.log, "query.rollups_not_made", log_text("err", err.text));
        }
        free(ids);
        pthread_mutex_lock(&cubes->lock);
        uint64_t until_ns = clock_mono_ns() + LOOK_S * 1000000000ull;
        struct timespec until = { (time_t)(until_ns / 1000000000u), (long)(until_ns % 1000000000u) };
        while (!atomic_load(&cubes->stops) && !cubes->is_wanted && clock_mono_ns() < until_ns)
            pthread_cond_timedwait(&cubes->wake, &cubes->lock, &until);
    }
    pthread_mutex_unlock(&cubes->lock);
    return NULL;
}

bool cubes_open(struct cubes **out, struct query_engine *engine, const char *dir, struct err *err)
{
    *out = NULL;
    if (!dir) return true;
    struct cubes *cubes = mem_calloc(1, sizeof *cubes);
    struct loading loading = { .cubes = cubes };
    pthread_condattr_t attributes;
    cubes->engine = engine;
    cubes->dir = mem_strdup(dir);
    pthread_mutex_init(&cubes->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&cubes->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    *out = cubes;
    return disk_real.ops->mkdir(&disk_real, dir, err) &&
           disk_real.ops->list(&disk_real, dir, project_load, &loading, err);
}

void cubes_start(struct cubes *cubes)
{
    if (!cubes || cubes->engine->options.cubes_by_hand) return;
    cubes->has_maker = pthread_create(&cubes->maker, NULL, maker_run, cubes) == 0;
    if (!cubes->has_maker) log_warn(cubes->engine->options.log, "query.rollups_not_made", log_text("err", "no thread"));
}

void cubes_stop(struct cubes *cubes)
{
    if (!cubes) return;
    atomic_store(&cubes->stops, true);
    pthread_mutex_lock(&cubes->lock);
    pthread_cond_broadcast(&cubes->wake);
    pthread_mutex_unlock(&cubes->lock);
    if (cubes->has_maker) pthread_join(cubes->maker, NULL);
    cubes->has_maker = false;
}

void cubes_close(struct cubes *cubes)
{
    if (!cubes) return;
    for (uint32_t b = 0; b < BUCKETS; b++) {
        while (cubes->buckets[b]) {
            struct cube *cube = cubes->buckets[b];
            cubes->buckets[b] = cube->next;
            free(cube->path);
            free(cube);
        }
    }
    while (cubes->projects) {
        struct project *project = cubes->projects;
        cubes->projects = project->next;
        free(project);
    }
    pthread_cond_destroy(&cubes->wake);
    pthread_mutex_destroy(&cubes->lock);
    free(cubes->dir);
    free(cubes);
}

void cube_want(struct cubes *cubes, struct uuid project_id)
{
    pthread_mutex_lock(&cubes->lock);
    project_add(cubes, project_id);
    cubes->is_wanted = true;
    pthread_cond_signal(&cubes->wake);
    pthread_mutex_unlock(&cubes->lock);
}

enum cube_state cube_state(struct cubes *cubes, struct hash128 file, const struct cube_kind *kind)
{
    enum cube_state state = CUBE_MISSING;
    pthread_mutex_lock(&cubes->lock);
    for (const struct cube *cube = *bucket_of(cubes, file); cube; cube = cube->next)
        if (!cube->is_dead && cube->kind == kind && hash128_equal(cube->file, file))
            state = cube->is_refused ? CUBE_REFUSED : CUBE_THERE;
    pthread_mutex_unlock(&cubes->lock);
    return state;
}

bool cube_put(struct cubes *cubes, const struct cube_name *name, struct bytes bytes, struct err *err)
{
    struct cube cube = { .file = name->file,
                         .project_id = name->project_id,
                         .kind = name->kind,
                         .rows = bytes.ptr ? name->rows : 0,
                         .is_refused = bytes.ptr == NULL };
    char dir[PATH_BYTES], path[PATH_BYTES], text[120];
    cube.content = cube.is_refused ? refusal_hash(name->kind) : content_hash(name->kind, bytes);
    if (cube.is_refused) bytes = refusal();
    snprintf(text, sizeof text, "%016" PRIx64 "%016" PRIx64 "-%c%" PRIu64 "-%016" PRIx64 "%s", name->file.hi,
             name->file.lo, name->kind->letter, cube.rows, cube.content, suffix_of(name->kind));
    path_of(cubes, name->project_id, "", dir);
    path_of(cubes, name->project_id, text, path);
    if (!disk_real.ops->mkdir(&disk_real, dir, err) || !disk_file_replace(&disk_real, path, bytes, err)) return false;
    cube.path = mem_strdup(path);
    pthread_mutex_lock(&cubes->lock);
    cube_add(cubes, &cube);
    pthread_mutex_unlock(&cubes->lock);
    return true;
}

/* Does every line of the one lie in one line of the other? */
static bool feeds(const struct cube_kind *from, const struct cube_kind *kind)
{
    if (from->is_words || kind->is_words || (kind->has_steps && !from->has_steps)) return false;
    if (kind->step_us > 0 && (from->step_us == 0 || kind->step_us % from->step_us != 0)) return false;
    for (uint32_t i = 0; i < CUBE_KEYS_MAX && kind->keys[i]; i++) {
        uint32_t k = 0;
        while (k < CUBE_KEYS_MAX && from->keys[k] && strcmp(from->keys[k], kind->keys[i]) != 0) k++;
        if (k == CUBE_KEYS_MAX || !from->keys[k]) return false;
    }
    for (uint32_t i = 0; i < CUBE_SKETCHES_MAX && kind->sketches[i]; i++)
        if (!cube_kind_sketches(from, kind->sketches[i])) return false;
    return true;
}

struct cube *cube_source(struct cubes *cubes, struct hash128 file, const struct cube_kind *kind)
{
    struct cube *best = NULL;
    pthread_mutex_lock(&cubes->lock);
    for (struct cube *cube = *bucket_of(cubes, file), *next; cube; cube = next) {
        next = cube->next;
        if (!cube->is_dead && !cube->is_refused && hash128_equal(cube->file, file) && feeds(cube->kind, kind) &&
            (!best || cube->rows < best->rows) && cube_open(cubes, cube))
            best = cube;
    }
    if (best) best->users++;
    pthread_mutex_unlock(&cubes->lock);
    return best;
}

struct cube *cube_hold(struct cubes *cubes, struct hash128 file, const struct cube_kind *kind)
{
    struct cube *held = NULL;
    pthread_mutex_lock(&cubes->lock);
    for (struct cube *cube = *bucket_of(cubes, file), *next; cube && !held; cube = next) {
        next = cube->next;
        if (!cube->is_dead && !cube->is_refused && cube->kind == kind && hash128_equal(cube->file, file) &&
            cube_open(cubes, cube))
            held = cube;
    }
    if (held) held->users++;
    pthread_mutex_unlock(&cubes->lock);
    return held;
}

struct cube *cube_words_hold(struct cubes *cubes, struct hash128 file, bool *is_missing)
{
    const struct cube_kind *kind = cube_kinds;
    while (!kind->is_words) kind++; /* there is one */
    struct cube *held = cube_hold(cubes, file, kind);
    *is_missing = !held && cube_state(cubes, file, kind) != CUBE_REFUSED;
    return held;
}

void cube_unhold(struct cubes *cubes, struct cube *cube)
{
    pthread_mutex_lock(&cubes->lock);
    cube->users--;
    cube_bury(cubes, cube);
    pthread_mutex_unlock(&cubes->lock);
}

void cube_retain(struct cubes *cubes, struct uuid project_id, const struct hash128 *files, uint32_t count)
{
    pthread_mutex_lock(&cubes->lock);
    cubes_bury(cubes, project_id, files, count);
    pthread_mutex_unlock(&cubes->lock);
}

/* ---- answering ---- */

static bool covers(const struct cube_kind *kind, const struct plan_cube *wanted, const struct schema_table *schema)
{
    if (kind->is_words || (wanted->has_steps && !kind->has_steps)) return false;
    if (wanted->step_us > 0 && (kind->step_us == 0 || wanted->step_us % kind->step_us != 0)) return false;
    for (uint32_t c = 0; c < schema->column_count; c++) {
        if (column_set_has(&wanted->sketches, c) && !cube_kind_sketches(kind, schema->columns[c].name)) return false;
        if (!column_set_has(&wanted->keys, c)) continue;
        uint32_t i = 0;
        while (i < CUBE_KEYS_MAX && kind->keys[i] && strcmp(kind->keys[i], schema->columns[c].name) != 0) i++;
        if (i == CUBE_KEYS_MAX || !kind->keys[i]) return false;
    }
    return true;
}

/* Of two that know what is asked: of a file that the times cut that of the finer times, so that less of it is read as rows. */
static bool is_better(const struct cube *cube, const struct cube *best, bool is_cut)
{
    if (!best) return true;
    if (is_cut && cube->kind->step_us != best->kind->step_us) return cube->kind->step_us < best->kind->step_us;
    return cube->rows < best->rows;
}

struct cube *cube_acquire(struct query_cursor *cursor, struct hash128 file, const struct plan_cube *wanted, bool is_cut,
                          bool *is_missing)
{
    struct cubes *cubes = cursor->session->engine->cubes;
    const struct schema_table *schema = schema_table(SCHEMA_LOGS_AND_SPANS);
    struct cube *best = NULL;
    bool is_known = false;
    pthread_mutex_lock(&cubes->lock);
    for (struct cube *cube = *bucket_of(cubes, file), *next; cube; cube = next) {
        next = cube->next;
        if (cube->is_dead || !hash128_equal(cube->file, file) || !covers(cube->kind, wanted, schema)) continue;
        is_known = true;
        if (cube->is_refused || (is_cut && cube->kind->step_us == 0) || !is_better(cube, best, is_cut)) continue;
        if (cube_open(cubes, cube))
            best = cube;
        else
            is_known = best != NULL;
    }
    if (best) {
        struct held_cube *held = arena_alloc(&cursor->arena, sizeof *held);
        *held = (struct held_cube){ cursor->cubes, best };
        cursor->cubes = held;
        best->users++;
    }
    pthread_mutex_unlock(&cubes->lock);
    *is_missing = !best && !is_known;
    return best;
}

void cube_release(struct query_cursor *cursor)
{
    struct cubes *cubes = cursor->session->engine->cubes;
    if (!cursor->cubes) return;
    pthread_mutex_lock(&cubes->lock);
    for (const struct held_cube *held = cursor->cubes; held; held = held->next) {
        held->cube->users--;
        cube_bury(cubes, held->cube);
    }
    pthread_mutex_unlock(&cubes->lock);
    cursor->cubes = NULL;
}

bool cube_damaged(struct query_cursor *cursor, const struct err *err)
{
    struct cubes *cubes = cursor->session->engine->cubes;
    bool any = false;
    if (!cursor->cubes || err->code == ERR_CANCELLED || err->code == ERR_TIMEOUT || err->code == ERR_MEMORY)
        return false;
    pthread_mutex_lock(&cubes->lock);
    for (const struct held_cube *held = cursor->cubes; held; held = held->next) {
        char name[40];
        snprintf(name, sizeof name, CUBE_NAME, held->cube->id);
        any = any || strstr(err->text, name) || strstr(err->text, FUNCTIONS_SKETCH_DAMAGED);
    }
    for (const struct held_cube *held = cursor->cubes; any && held; held = held->next) held->cube->is_dead = true;
    pthread_mutex_unlock(&cubes->lock);
    if (any) log_warn(cubes->engine->options.log, "query.rollup_damaged", log_text("err", err->text));
    return any;
}

void cube_forget(struct query_cursor *cursor)
{
    struct cubes *cubes = cursor->session->engine->cubes;
    if (cubes) cube_retain(cubes, cursor->session->project_id, NULL, 0);
}
