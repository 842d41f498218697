#include "timefusion/query/kept.h"
#include "base/clock.h"
#include "base/hash.h"
#include "timefusion/index/index.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define WAIT_NS       50000000ull /* between looks whether the client still wants it */
#define UNUSED_NS_MAX (KEPT_UNUSED_S_MAX * 1000000000ull)

/* One select's parts. The table kept_<number> is there once it has a file. */
struct kept {
    struct kept *newer, *older; /* by use */
    struct bytes key;
    uint64_t hash, number, used_mono_ns, row_count;
    struct uuid project_id;
    uint64_t *files; /* ids */
    uint32_t file_count, users;
    bool is_making;  /* a session asks for more files */
    bool is_refused; /* too many groups: asked as written until it has been forgotten */
    bool is_dead;    /* not found any more; goes with its last user */
};
struct kepts {
    pthread_mutex_t lock; /* guards all, and may be taken before a session's; nothing is asked of DuckDB under it */
    pthread_cond_t is_made;
    struct kept *newest, *oldest;
    uint64_t next_number, row_count;
    uint32_t count;
};
struct held_kept {
    struct held_kept *next;
    struct kept *kept;
};

struct kepts *kepts_create(void)
{
    struct kepts *kepts = mem_calloc(1, sizeof *kepts);
    pthread_condattr_t attributes;
    pthread_mutex_init(&kepts->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&kepts->is_made, &attributes);
    pthread_condattr_destroy(&attributes);
    return kepts;
}

static void kept_free(struct kept *kept)
{
    free((void *)(uintptr_t)kept->key.ptr);
    free(kept->files);
    free(kept);
}

void kepts_destroy(struct kepts *kepts)
{
    if (!kepts) return;
    while (kepts->oldest) {
        struct kept *kept = kepts->oldest;
        kepts->oldest = kept->newer;
        kept_free(kept);
    }
    pthread_cond_destroy(&kepts->is_made);
    pthread_mutex_destroy(&kepts->lock);
    free(kepts);
}

/* ---- the list; under the lock ---- */

static void list_take(struct kepts *kepts, struct kept *kept)
{
    *(kept->newer ? &kept->newer->older : &kepts->newest) = kept->older;
    *(kept->older ? &kept->older->newer : &kepts->oldest) = kept->newer;
    kept->newer = kept->older = NULL;
}

static void list_put(struct kepts *kepts, struct kept *kept)
{
    kept->older = kepts->newest;
    *(kepts->newest ? &kepts->newest->newer : &kepts->oldest) = kept;
    kepts->newest = kept;
}

static bool is_idle(const struct kept *kept)
{
    return kept->users == 0 && !kept->is_making;
}

/* Takes out what is to go; linked by older. */
static struct kept *list_trim(struct kepts *kepts, uint64_t now_ns)
{
    struct kept *gone = NULL, *newer;
    for (struct kept *kept = kepts->oldest; kept; kept = newer) {
        newer = kept->newer;
        bool is_over = kepts->count > KEPT_ENTRIES_MAX || kepts->row_count > KEPT_ROWS_MAX;
        if (!is_idle(kept) || !(is_over || kept->is_dead || now_ns - kept->used_mono_ns > UNUSED_NS_MAX)) continue;
        list_take(kepts, kept);
        kepts->count--;
        kepts->row_count -= kept->row_count;
        kept->older = gone;
        gone = kept;
    }
    return gone;
}

/* ---- one select ---- */

static bool lane_run(struct query_cursor *cursor, const char *sql, uint64_t *rows, struct err *err)
{
    duckdb_result result;
    if (!lane_begin(cursor->session, cursor->lane, err)) return false;
    bool ok = engine_query(cursor->lane->connection, sql, &result, err);
    lane_end(cursor->session);
    if (!ok) return cursor_failed(cursor, err);
    if (rows) *rows = duckdb_rows_changed(&result);
    duckdb_destroy_result(&result);
    return true;
}

static void drop(struct query_cursor *cursor, struct kept *gone)
{
    while (gone) {
        struct kept *next = gone->older;
        char sql[64];
        struct err err = { .code = ERR_OK };
        snprintf(sql, sizeof sql, "DROP TABLE IF EXISTS kept_%" PRIu64, gone->number);
        if (!engine_query(cursor->lane->connection, sql, NULL, &err))
            log_warn(cursor->session->engine->options.log, "query.kept_not_dropped", log_text("err", err.text));
        kept_free(gone);
        gone = next;
    }
}

/* The files of the one stored table whose rows all have the times that are asked for; the others stay in *now. */
struct split {
    enum schema_table_id id;
    struct timefusion_file **files;
    uint64_t *groups; /* as in struct pruned */
    uint32_t count;
    uint64_t row_count;
    struct choice now;
};

static bool is_within(const struct timefusion_file *file, const struct plan_table *table, const struct bound *bounds)
{
    for (uint32_t c = 0; c < table->condition_count; c++) {
        const struct bound *bound = &bounds[c];
        if (bound->column != table->schema->timestamp) continue;
        switch (bound->op) {
        case CONDITION_LT:
            if (!(file->timestamp_max_us < bound->integer)) return false;
            break;
        case CONDITION_LE:
            if (!(file->timestamp_max_us <= bound->integer)) return false;
            break;
        case CONDITION_GT:
            if (!(file->timestamp_min_us > bound->integer)) return false;
            break;
        case CONDITION_GE:
            if (!(file->timestamp_min_us >= bound->integer)) return false;
            break;
        default: break;
        }
    }
    return true;
}

bool kept_is_large(const struct query_cursor *cursor, const struct timefusion_file *file)
{
    uint32_t rows_min = cursor->session->engine->options.kept_file_rows_min;
    return file->origin == TIMEFUSION_DELTA && file->row_count >= (rows_min ? rows_min : KEPT_FILE_ROWS_MIN);
}

bool kept_times_are_known(const struct plan_table *table, const struct bound *bounds)
{
    for (uint32_t c = 0; c < table->condition_count; c++) {
        bool is_time = table->conditions[c].column == table->schema->timestamp &&
                       table->conditions[c].op >= CONDITION_LT && table->conditions[c].op <= CONDITION_GE;
        if (is_time && (!bounds || bounds[c].kind != BOUND_INTEGER)) return false;
    }
    return true;
}

static void split_make(struct query_cursor *cursor, const struct plan_table *table, const struct bound *bounds,
                       const struct choice *choice, struct split *split)
{
    *split =
        (struct split){ .id = table->source == PLAN_METRICS ? SCHEMA_METRICS : SCHEMA_LOGS_AND_SPANS, .now = *choice };
    const struct pruned *all = &choice->files[split->id];
    struct pruned *now = &split->now.files[split->id];
    split->files = arena_alloc(&cursor->arena, (all->count + 1) * sizeof *split->files);
    split->groups = arena_alloc(&cursor->arena, (all->count + 1) * sizeof *split->groups);
    now->files = arena_alloc(&cursor->arena, (all->count + 1) * sizeof *now->files);
    if (all->groups) now->groups = arena_alloc(&cursor->arena, (all->count + 1) * sizeof *now->groups);
    now->count = 0;
    for (uint32_t f = 0; f < all->count; f++) {
        struct timefusion_file *file = all->files[f];
        bool is_kept =
            split->count < KEPT_ENTRY_FILES_MAX && kept_is_large(cursor, file) && is_within(file, table, bounds);
        if (is_kept) {
            split->groups[split->count] = all->groups ? all->groups[f] : INDEX_GROUPS_ANY;
            split->files[split->count++] = file;
            split->row_count += file->row_count;
        } else {
            if (now->groups) now->groups[now->count] = all->groups[f];
            now->files[now->count++] = file;
        }
    }
}

/* The fold's part over one choice of files, or, choice NULL, with a word in the place of its table. */
static bool part_put(struct query_cursor *cursor, const struct plan_fold *fold, const char *template,
                     const struct choice *choice, struct buf *out, struct err *err)
{
    const struct plan *plan = cursor->plan;
    struct render render = cursor->render;
    const char **tables = arena_calloc(&cursor->arena, (plan->table_count + 1) * sizeof *tables);
    tables[fold->table] = choice ? choice_sql(cursor, fold->table, choice, err) : "T";
    if (!tables[fold->table]) return false;
    render.tables = tables;
    return render_sql(out, template, &render, err);
}

static bool has_file(const struct kept *kept, const struct timefusion_file *file)
{
    for (uint32_t f = 0; f < kept->file_count; f++)
        if (kept->files[f] == file->id) return true;
    return false;
}

/* SELECT of one file's part. */
static bool file_part_put(struct query_cursor *cursor, const struct plan_fold *fold, const struct split *split,
                          uint32_t f, struct buf *sql, struct err *err)
{
    struct choice one = split->now;
    for (uint32_t id = 0; id < SCHEMA_TABLE_COUNT; id++) one.files[id].count = 0;
    one.files[split->id] = (struct pruned){ &split->files[f], 1, &split->groups[f] };
    return (buf_printf(sql, "SELECT CAST(%" PRIu64 " AS UBIGINT) AS f, p.* FROM (", split->files[f]->id) ||
            err_set(err, ERR_TOO_LARGE, "the statement is too long")) &&
           part_put(cursor, fold, fold->part, &one, sql, err) && buf_printf(sql, ") AS p");
}

/* Asks files [from, to) of the list and puts their parts into the entry's table. */
static bool parts_make(struct query_cursor *cursor, const struct plan_fold *fold, const struct split *split,
                       const uint32_t *list, uint32_t from, uint32_t to, struct kept *kept, bool is_new,
                       struct err *err)
{
    struct buf sql;
    uint64_t rows = 0;
    buf_init(&sql, RENDER_SQL_BYTES_MAX);
    bool ok = buf_printf(&sql,
                         is_new ? "CREATE TABLE kept_%" PRIu64 " AS SELECT * FROM ("
                                : "INSERT INTO kept_%" PRIu64 " SELECT * FROM (",
                         kept->number);
    for (uint32_t i = from; ok && i < to; i++)
        ok = (i == from || buf_printf(&sql, " UNION ALL ")) && file_part_put(cursor, fold, split, list[i], &sql, err);
    ok = ok && buf_printf(&sql, ") AS u LIMIT %d", KEPT_ENTRY_ROWS_MAX + 1) && buf_add(&sql, "", 1);
    if (!ok && err->code == ERR_OK) err_set(err, ERR_TOO_LARGE, "the statement is too long with its values");
    ok = ok && lane_run(cursor, (const char *)sql.ptr, &rows, err);
    buf_deinit(&sql);
    kept->row_count += rows; /* its maker's alone until it is published */
    return ok;
}

/* The parts of the files that are not there yet. One file first: where its groups alone are many, the rest is not begun. */
static bool kept_fill(struct query_cursor *cursor, const struct plan_fold *fold, const struct split *split,
                      struct kept *kept, uint32_t *made, bool *is_refused, struct err *err)
{
    uint32_t *list = arena_alloc(&cursor->arena, (split->count + 1) * sizeof *list), count = 0;
    uint64_t rows_all = 0;
    for (uint32_t f = 0; f < split->count; f++) {
        if (has_file(kept, split->files[f])) continue;
        list[count++] = f;
        rows_all += split->files[f]->row_count;
    }
    *is_refused = kept->file_count + count > KEPT_ENTRY_FILES_MAX;
    *made = count;
    if (count == 0 || *is_refused) return true;
    for (uint32_t i = 1; i < count; i++) { /* the smallest first */
        if (split->files[list[i]]->row_count >= split->files[list[0]]->row_count) continue;
        uint32_t first = list[0];
        list[0] = list[i];
        list[i] = first;
    }
    uint32_t from = 0;
    if (kept->file_count == 0) {
        uint64_t rows_first = split->files[list[0]]->row_count;
        if (!parts_make(cursor, fold, split, list, 0, 1, kept, true, err)) return false;
        from = 1;
        *is_refused = kept->row_count > KEPT_ENTRY_ROWS_MAX / 4 ||
                      (double)kept->row_count * (double)rows_all / (double)(rows_first + 1) > 4.0 * KEPT_ENTRY_ROWS_MAX;
    }
    if (!*is_refused && from < count && !parts_make(cursor, fold, split, list, from, count, kept, false, err))
        return false;
    *is_refused = *is_refused || kept->row_count > KEPT_ENTRY_ROWS_MAX;
    if (*is_refused) return true;
    kept->files = mem_realloc(kept->files, (kept->file_count + count) * sizeof *kept->files);
    for (uint32_t i = 0; i < count; i++) kept->files[kept->file_count++] = split->files[list[i]]->id;
    return true;
}

static struct kept *kept_find(struct kepts *kepts, struct bytes key, uint64_t hash)
{
    for (struct kept *kept = kepts->newest; kept; kept = kept->older)
        if (!kept->is_dead && kept->hash == hash && bytes_equal(kept->key, key)) return kept;
    return NULL;
}

/* Under the lock: finds or makes the entry, as the newest. Takes key. */
static struct kept *kept_of(struct query_cursor *cursor, struct kepts *kepts, struct bytes key, uint64_t now_ns)
{
    uint64_t hash = hash64_of(key);
    struct kept *kept = kept_find(kepts, key, hash);
    if (kept) {
        free((void *)(uintptr_t)key.ptr);
        list_take(kepts, kept);
    } else {
        kept = mem_calloc(1, sizeof *kept);
        *kept = (struct kept){
            .key = key, .hash = hash, .number = kepts->next_number++, .project_id = cursor->session->project_id
        };
        kepts->count++;
    }
    kept->used_mono_ns = now_ns;
    list_put(kepts, kept);
    return kept;
}

/* The entry for this cursor alone to fill, and to use; NULL: it is refused, or, with err, the statement is stopped. A page's
 * charts ask the same at the same time: who comes second waits for the files to be read once. */
static struct kept *kept_acquire(struct query_cursor *cursor, struct bytes key, struct kept **gone, struct err *err)
{
    struct kepts *kepts = cursor->session->engine->kepts;
    bool is_ours = false, is_stopped = false;
    pthread_mutex_lock(&kepts->lock);
    struct kept *kept = kept_of(cursor, kepts, key, clock_mono_ns());
    kept->users++;
    while (kept->is_making && !kept->is_dead && !is_stopped) {
        uint64_t until_ns = clock_mono_ns() + WAIT_NS;
        struct timespec until = { (time_t)(until_ns / 1000000000u), (long)(until_ns % 1000000000u) };
        pthread_cond_timedwait(&kepts->is_made, &kepts->lock, &until);
        is_stopped = session_is_stopped(cursor->session, err);
    }
    is_ours = !is_stopped && !kept->is_making && !kept->is_refused && !kept->is_dead;
    kept->is_making = kept->is_making || is_ours;
    if (!is_ours) kept->users--;
    *gone = list_trim(kepts, clock_mono_ns());
    pthread_mutex_unlock(&kepts->lock);
    return is_ours ? kept : NULL;
}

/* Under the lock: an entry of the same key, without a table. */
static void refused_put(struct kepts *kepts, const struct kept *like)
{
    struct kept *kept = mem_calloc(1, sizeof *kept);
    uint8_t *key = mem_alloc(like->key.len);
    memcpy(key, like->key.ptr, like->key.len);
    *kept = (struct kept){ .key = bytes_from(key, like->key.len),
                           .hash = like->hash,
                           .number = kepts->next_number++,
                           .project_id = like->project_id,
                           .used_mono_ns = like->used_mono_ns,
                           .is_refused = true };
    list_put(kepts, kept);
    kepts->count++;
}

/* What h0, h1 ... are: the part has only their numbers. */
static bool attributes_put(struct buf *out, const struct plan_table *table)
{
    bool ok = true;
    for (uint32_t n = 0; ok && n < table->attribute_count; n++) ok = buf_printf(out, "%s ", table->attributes[n]);
    return ok;
}

static bool key_make(struct query_cursor *cursor, const struct plan_fold *fold, struct bytes *key, struct err *err)
{
    char project[UUID_TEXT_BYTES + 1];
    struct buf buf;
    buf_init(&buf, RENDER_SQL_BYTES_MAX);
    uuid_to_text(cursor->session->project_id, project);
    bool ok =
        buf_printf(&buf, "%s %s %d %d ", project, cursor->lane->timezone, (int)cursor->plan->tables[fold->table].source,
                   (int)cursor->plan->tables[fold->table].schema->id) &&
        attributes_put(&buf, &cursor->plan->tables[fold->table]) && part_put(cursor, fold, fold->part, NULL, &buf, err);
    if (!ok && err->code == ERR_OK) err_set(err, ERR_TOO_LARGE, "the statement is too long with its values");
    *key = buf_bytes(&buf); /* its memory is the key's from here on */
    if (!ok) buf_deinit(&buf);
    return ok;
}

/* head (now UNION ALL the parts of the files) tail */
static const char *folded_sql(struct query_cursor *cursor, const struct plan_fold *fold, const struct split *split,
                              const struct kept *kept, struct err *err)
{
    struct buf sql;
    buf_init(&sql, RENDER_SQL_BYTES_MAX);
    bool ok = render_sql(&sql, fold->head, &cursor->render, err) &&
              part_put(cursor, fold, fold->now, &split->now, &sql, err) &&
              buf_printf(&sql, " UNION ALL SELECT * EXCLUDE (f) FROM kept_%" PRIu64 " WHERE f IN (", kept->number);
    for (uint32_t f = 0; ok && f < split->count; f++)
        ok = buf_printf(&sql, "%s%" PRIu64, f ? "," : "", split->files[f]->id);
    ok = ok && buf_add(&sql, ")", 1) && render_sql(&sql, fold->tail, &cursor->render, err);
    if (!ok && err->code == ERR_OK) err_set(err, ERR_TOO_LARGE, "the statement is too long with its values");
    const char *text = ok ? arena_printf(&cursor->arena, "%.*s", (int)sql.len, (const char *)sql.ptr) : NULL;
    buf_deinit(&sql);
    return text;
}

static bool is_on(const struct query_session *session)
{
    const char *value = session->settings[SETTING_KEPT_PARTS];
    return !value || strcmp(value, "on") == 0;
}

const char *kept_sql(struct query_cursor *cursor, uint32_t number, const struct choice *choice, struct err *err)
{
    const struct plan_fold *fold = &cursor->plan->folds[number];
    const struct plan_table *table = &cursor->plan->tables[fold->table];
    const struct query_session *session = cursor->session;
    const struct bound *bounds = cursor->bounds.tables[fold->table];
    if (cursor->plan->kind != PLAN_SELECT || session->last_us != 0 || choice->id_count > 0 ||
        choice->identity.present || !is_on(session) || !kept_times_are_known(table, bounds))
        return NULL;
    struct split split;
    split_make(cursor, table, bounds, choice, &split);
    if (split.count == 0) return NULL;
    struct bytes key;
    struct kept *gone;
    if (!key_make(cursor, fold, &key, err)) return NULL;
    struct kept *kept = kept_acquire(cursor, key, &gone, err);
    drop(cursor, gone);
    if (!kept) return NULL;
    struct kepts *kepts = session->engine->kepts;
    uint64_t rows_before = kept->row_count;
    uint32_t made = 0;
    bool is_refused = false, ok = kept_fill(cursor, fold, &split, kept, &made, &is_refused, err);
    if (!ok && err->code == ERR_MEMORY) { /* its parts are more than its groups; maybe there is room for these */
        *err = (struct err){ .code = ERR_OK };
        is_refused = true;
    }
    bool is_used = ok && !is_refused;
    pthread_mutex_lock(&kepts->lock);
    kepts->row_count += kept->row_count - rows_before;
    kept->is_making = false;
    pthread_cond_broadcast(&kepts->is_made);
    /* Of what failed some may be there, and another cursor may still read the parts of before: the entry is found no more, and
     * goes when nobody uses it. What is refused is remembered as such. */
    kept->is_dead = kept->is_dead || !is_used;
    if (!is_used) kept->users--;
    if (is_refused) refused_put(kepts, kept);
    gone = list_trim(kepts, clock_mono_ns());
    pthread_mutex_unlock(&kepts->lock);
    drop(cursor, gone);
    if (!is_used) return NULL;
    struct held_kept *held = arena_alloc(&cursor->arena, sizeof *held);
    *held = (struct held_kept){ cursor->kept, kept };
    cursor->kept = held;
    cursor->files_opened -= split.count - made;
    cursor->files_cubed += split.count - made;
    return folded_sql(cursor, fold, &split, kept, err);
}

void kept_release(struct query_cursor *cursor)
{
    struct kepts *kepts = cursor->session->engine->kepts;
    pthread_mutex_lock(&kepts->lock);
    for (const struct held_kept *held = cursor->kept; held; held = held->next) held->kept->users--;
    pthread_mutex_unlock(&kepts->lock);
    cursor->kept = NULL;
}

void kept_forget(struct query_cursor *cursor)
{
    struct kepts *kepts = cursor->session->engine->kepts;
    pthread_mutex_lock(&kepts->lock);
    for (struct kept *kept = kepts->newest; kept; kept = kept->older)
        kept->is_dead = kept->is_dead || uuid_equal(kept->project_id, cursor->session->project_id);
    struct kept *gone = list_trim(kepts, clock_mono_ns());
    pthread_mutex_unlock(&kepts->lock);
    drop(cursor, gone);
}
