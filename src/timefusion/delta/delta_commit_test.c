/* Commits that take away as well as add: what they say of themselves, conflicts, lost answers, racing rewriters. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <unistd.h>

#include <cmocka.h>

#include "timefusion/delta/delta_table.h"
#include "timefusion/delta/delta_test_table.h"
#include "timefusion/object/object_ops.h"

static const char *path_of(uint8_t project, uint8_t file, char path[160])
{
    delta_file_path(test_uuid(project), 20000, test_uuid(file), path);
    return path;
}

/* Project 1's file old out, file new in. */
static bool replace_file(struct delta_table *table, uint8_t old, uint8_t new, bool data_change, struct err *err)
{
    struct test_add add;
    char path[160];
    const char *removes[] = { path_of(1, old, path) };
    uint64_t version;
    test_add_init(&add, schema_table(SCHEMA_METRICS), 1, new, new *INT64_C(1000000));
    return delta_commit(table,
                        &(struct delta_change){ .adds = &add.add,
                                                .add_count = 1,
                                                .removes = removes,
                                                .remove_count = 1,
                                                .operation = data_change ? "DELETE" : "OPTIMIZE",
                                                .parameters_json = "{\"predicate\":\"[]\"}",
                                                .metrics_json = "{\"numBatches\":\"1\"}",
                                                .data_change = data_change },
                        &version, err);
}

static bool remove_file(struct delta_table *table, uint8_t old, struct err *err)
{
    char path[160];
    const char *removes[] = { path_of(1, old, path) };
    uint64_t version;
    return delta_commit(table,
                        &(struct delta_change){
                            .removes = removes, .remove_count = 1, .operation = "DELETE", .data_change = true },
                        &version, err);
}

static uint32_t files_of(struct delta_table *table, uint64_t *version)
{
    struct delta_snapshot *snapshot = delta_snapshot_acquire(table);
    uint32_t count = snapshot->file_count;
    if (version) *version = snapshot->version;
    delta_snapshot_release(snapshot);
    return count;
}

static bool has_file(struct delta_table *table, uint8_t file)
{
    struct delta_snapshot *snapshot = delta_snapshot_acquire(table);
    char path[160];
    bool found = false;
    path_of(1, file, path);
    for (uint32_t i = 0; i < snapshot->file_count; i++)
        found = found || strcmp(delta_snapshot_file(snapshot, i)->path, path) == 0;
    delta_snapshot_release(snapshot);
    return found;
}

static void assert_commit_says(struct fixture *fixture, uint64_t version, const char *words)
{
    struct err err = { 0 };
    struct buf buf;
    char key[200];
    buf_init(&buf, 1 << 20);
    snprintf(key, sizeof key, LOG_FOLDER "%020" PRIu64 ".json", version);
    assert_true(object_get(fixture->store, key, 1 << 20, &buf, &err));
    if (!memmem(buf.ptr, buf.len, words, strlen(words)))
        fail_msg("version %" PRIu64 " does not say %s: %.*s", version, words, (int)buf.len, buf.ptr);
    buf_deinit(&buf);
}

struct told {
    uint32_t count;
    struct delta_removed last;
    char path[200];
};
static bool removed_take(void *ctx, const struct delta_removed *removed)
{
    struct told *told = ctx;
    told->count++;
    told->last = *removed;
    snprintf(told->path, sizeof told->path, "%s", removed->path);
    return true;
}

/* Goal: one commit puts a file in another's place, for all who read the log. Method: replace; look at the snapshot, the
 * lines, the removed files; open again. */
static void test_replace(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    fixture->options.checkpoint_every = 0;
    struct delta_table *table = test_open(&fixture->options);
    must_commit(table, 1, 1, "a", -1, 1);
    must_commit(table, 1, 2, "a", 1, 2);
    if (!replace_file(table, 1, 3, false, &err)) fail_msg("%s", err.text);
    char path[160], line[400];
    path_of(1, 1, path);
    assert_commit_says(fixture, 3, "\"dataChange\":false,\"stats\":");
    assert_commit_says(fixture, 3,
                       "\"dataChange\":false,\"extendedFileMetadata\":true,\"partitionValues\":{\"project_id\":");
    snprintf(line, sizeof line, "{\"remove\":{\"path\":\"%s\",\"deletionTimestamp\":", path);
    assert_commit_says(fixture, 3, line);
    assert_commit_says(fixture, 3, "\"date\":\"2024-10-04\"},\"size\":1001}}");
    for (int reopened = 0; reopened < 2; reopened++) {
        struct told told = { 0 };
        assert_int_equal(files_of(table, NULL), 2);
        assert_true(has_file(table, 2) && has_file(table, 3) && !has_file(table, 1));
        delta_removed_each(table, removed_take, &told);
        assert_int_equal(told.count, 1);
        assert_string_equal(told.path, path);
        assert_int_equal(told.last.bytes, 1001);
        assert_true(told.last.deletion_unix_ms > INT64_C(1600000000000));
        delta_close(table);
        if (!reopened) table = test_open(&fixture->options);
    }
}

struct heard {
    uint32_t count, stop_at;
    uint64_t versions[16];
    char operations[16][32], parameters[16][100], metrics[16][200];
    int64_t read_versions[16];
    bool blind[16];
};
static bool history_take(void *ctx, const struct delta_history_entry *entry)
{
    struct heard *heard = ctx;
    uint32_t at = heard->count++;
    assert_true(at < 16);
    heard->versions[at] = entry->version;
    heard->read_versions[at] = entry->read_version;
    heard->blind[at] = entry->is_blind_append;
    snprintf(heard->operations[at], 32, "%s", entry->operation ? entry->operation : "-");
    snprintf(heard->parameters[at], 100, "%s", entry->parameters_json ? entry->parameters_json : "-");
    snprintf(heard->metrics[at], 200, "%s", entry->metrics_json ? entry->metrics_json : "-");
    if (strcmp(heard->operations[at], "-") != 0) {
        assert_true(entry->timestamp_unix_ms > INT64_C(1600000000000));
        assert_memory_equal(entry->engine, "monoscope/", 10);
    }
    return heard->count != heard->stop_at;
}

/* Goal: commitInfo tells the truth, and history tells it: newest first, as far as asked and as the log goes. Method: one
 * commit of each kind, a silent one of another writer, the oldest cleaned away. */
static void test_history(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    fixture->options.checkpoint_every = 0;
    struct delta_table *table = test_open(&fixture->options);
    uint64_t version;
    must_commit(table, 1, 1, "a", -1, 1);
    assert_true(replace_file(table, 1, 2, false, &err));
    assert_true(replace_file(table, 2, 3, true, &err));
    assert_true(delta_commit(table, &(struct delta_change){ .operation = "VACUUM START" }, &version, &err));
    assert_int_equal(version, 4);
    test_put_commit(fixture->store, 5, "{\"domainMetadata\":{\"domain\":\"d\"}}\n");
    assert_true(delta_refresh(table, &err));
    struct heard heard = { 0 };
    assert_true(delta_history(table, 100, history_take, &heard, &err));
    assert_int_equal(heard.count, 6);
    static const struct {
        const char *operation, *metrics;
        int64_t read_version;
        bool blind;
    } wanted[] = {
        { "-", "-", -1, false },
        { "VACUUM START", "{}", 3, false },
        { "DELETE",
          "{\"numAddedFiles\":\"1\",\"numAddedRows\":\"13\",\"numAddedBytes\":\"1003\",\"numRemovedFiles\":\"1\","
          "\"numRemovedBytes\":\"1002\",\"numRemovedRows\":\"12\",\"numBatches\":\"1\"}",
          2, false },
        { "OPTIMIZE",
          "{\"numAddedFiles\":\"1\",\"numAddedRows\":\"12\",\"numAddedBytes\":\"1002\",\"numRemovedFiles\":\"1\","
          "\"numRemovedBytes\":\"1001\",\"numRemovedRows\":\"11\",\"numBatches\":\"1\"}",
          1, false },
        { "WRITE", "{\"numFiles\":\"1\",\"numOutputRows\":\"11\",\"numOutputBytes\":\"1001\"}", 0, true },
        { "CREATE TABLE", "{}", -1, false },
    };
    for (uint32_t i = 0; i < COUNT_OF(wanted); i++) {
        assert_int_equal(heard.versions[i], 5 - i);
        assert_string_equal(heard.operations[i], wanted[i].operation);
        assert_string_equal(heard.metrics[i], wanted[i].metrics);
        assert_int_equal(heard.read_versions[i], wanted[i].read_version);
        assert_int_equal(heard.blind[i], wanted[i].blind);
    }
    assert_string_equal(heard.parameters[2], "{\"predicate\":\"[]\"}");
    assert_non_null(strstr(heard.parameters[4], "\"mode\":\"Append\""));
    heard = (struct heard){ 0 };
    assert_true(delta_history(table, 2, history_take, &heard, &err));
    assert_int_equal(heard.count, 2);
    heard = (struct heard){ .stop_at = 3 };
    assert_true(delta_history(table, 100, history_take, &heard, &err));
    assert_int_equal(heard.count, 3);
    delete_commits(fixture->store, 0, 1);
    heard = (struct heard){ 0 };
    assert_true(delta_history(table, 100, history_take, &heard, &err));
    assert_int_equal(heard.count, 4);
    delta_close(table);
}

/* Goal: who removes a file that is no longer there is told ERR_CONFLICT and writes nothing; appends and removals of other
 * files go on. Method: two handles, each with a view of its own. */
static void test_conflict(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    struct delta_table *a = test_open(&fixture->options), *b = test_open(&fixture->options);
    for (uint8_t i = 1; i <= 4; i++) must_commit(a, 1, i, "a", i == 1 ? -1 : i - 1, i);
    assert_true(delta_refresh(b, &err));
    assert_true(replace_file(a, 1, 11, false, &err));
    assert_false(replace_file(b, 1, 12, false, &err)); /* b has not seen it yet */
    assert_int_equal(err.code, ERR_CONFLICT);
    assert_non_null(strstr(err.text, "no longer in"));
    uint64_t version;
    assert_int_equal(files_of(b, &version), 4);
    assert_int_equal(version, 5);
    err = (struct err){ 0 };
    assert_false(remove_file(b, 1, &err)); /* nor now that it has */
    assert_int_equal(err.code, ERR_CONFLICT);
    err = (struct err){ 0 };
    assert_true(remove_file(a, 2, &err));
    assert_true(replace_file(b, 3, 13, true, &err)); /* over the other's */
    must_commit(a, 1, 5, "a", 4, 5);
    must_commit(b, 1, 6, "b", -1, 1);
    assert_true(delta_refresh(a, &err));
    assert_int_equal(files_of(a, &version), 5);
    assert_int_equal(version, 9);
    assert_true(has_file(a, 11) && has_file(a, 13) && has_file(a, 4) && has_file(a, 5) && has_file(a, 6));
    delta_close(a);
    delta_close(b);
}

static void configure(struct fixture *fixture, struct delta_table *table, uint64_t version, const char *configuration)
{
    struct err err = { 0 };
    struct buf lines;
    buf_init(&lines, 1 << 20);
    assert_true(buf_printf(&lines, "{\"metaData\":{\"id\":\"x\",\"schemaString\":") &&
                delta_put_json_text(&lines, bytes_of_text(table->state.schema)) &&
                buf_printf(&lines, ",\"partitionColumns\":" DELTA_PARTITION_COLUMNS ",\"configuration\":%s}}\n",
                           configuration));
    char *text = bytes_to_text(buf_bytes(&lines));
    test_put_commit(fixture->store, version, text);
    free(text);
    buf_deinit(&lines);
    if (!delta_refresh(table, &err)) fail_msg("%s", err.text);
}

/* Goal: a table that its owner made append-only keeps its rows. Method: set it by another writer; delete, optimize, add. */
static void test_append_only(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    struct delta_table *table = test_open(&fixture->options);
    must_commit(table, 1, 1, "a", -1, 1);
    configure(fixture, table, 2, "{\"delta.appendOnly\":\"true\"}");
    assert_false(replace_file(table, 1, 2, true, &err));
    assert_int_equal(err.code, ERR_UNSUPPORTED);
    assert_non_null(strstr(err.text, "appendOnly"));
    err = (struct err){ 0 };
    assert_true(replace_file(table, 1, 2, false, &err));
    must_commit(table, 1, 3, "a", 1, 2);
    configure(fixture, table, 5, "{\"delta.appendOnly\":\"false\"}");
    assert_true(remove_file(table, 2, &err));
    delta_close(table);
}

/* Goal: a commit whose answer was lost is done once, even when others have since taken away what it added. Method: the
 * put works and its sync fails; another handle removes the new file; the same call again. */
static void test_uncertain_then_removed(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    struct delta_table *table = test_open(&fixture->options);
    must_commit(table, 1, 1, "a", -1, 1);
    disk_sim_fail(fixture->sim, DISK_SIM_SYNC_DIR, 1, 1, EIO);
    assert_false(replace_file(table, 1, 2, false, &err));
    assert_int_equal(err.code, ERR_IO);
    err = (struct err){ 0 };
    struct delta_table *other = test_open(&fixture->options);
    assert_true(replace_file(other, 2, 3, false, &err));
    if (!replace_file(table, 1, 2, false, &err)) fail_msg("%s", err.text);
    uint64_t version;
    assert_int_equal(files_of(table, &version), 1);
    assert_int_equal(version, 3);
    assert_true(has_file(table, 3));
    assert_false(replace_file(table, 1, 2, false, &err)); /* once settled, it is a new call */
    assert_int_equal(err.code, ERR_CONFLICT);
    delta_close(table);
    delta_close(other);
}

static const struct object_ops *real_ops;
static bool put_twice(struct object_store *store, const char *key, struct bytes bytes, struct err *err)
{
    return real_ops->put_if_absent(store, key, bytes, err) && real_ops->put_if_absent(store, key, bytes, err);
}

/* Goal: a store that put what it was told, lost its answer and tried again by itself answers ERR_EXISTS: the version is
 * ours all the same. Method: every put is done twice; adds, and removes that leave no trace of who removed. */
static void test_answer_lost_in_store(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    struct object_ops twice = *fixture->store->ops;
    real_ops = fixture->store->ops;
    twice.put_if_absent = put_twice;
    fixture->store->ops = &twice;
    struct delta_table *table = test_open(&fixture->options);
    uint64_t version;
    must_commit(table, 1, 1, "a", -1, 1);
    must_commit(table, 1, 2, "a", 1, 2);
    if (!remove_file(table, 1, &err)) fail_msg("%s", err.text);
    assert_int_equal(files_of(table, &version), 1);
    assert_int_equal(version, 3);
    fixture->store->ops = real_ops;
    delta_close(table);
}

enum { REWRITERS = 4, REWRITE_FILES = 60 };
struct rewriter {
    struct delta_table *table;
    uint8_t number;
    atomic_int *conflicts, *failed;
};

/* Replaces two live files by one until fewer than four are left. */
static void *rewriter_run(void *ctx)
{
    struct rewriter *rewriter = ctx;
    for (uint32_t round = 0; round < 1000; round++) {
        struct err err = { 0 };
        char paths[2][200], path[160];
        uint64_t rows = 0, version;
        struct delta_snapshot *snapshot = delta_snapshot_acquire(rewriter->table);
        uint32_t count = snapshot->file_count, from = (round * 7 + rewriter->number * 13) % (count > 1 ? count - 1 : 1);
        for (uint32_t i = 0; i < 2 && count >= 4; i++) {
            const struct delta_file *file = delta_snapshot_file(snapshot, from + i);
            snprintf(paths[i], sizeof paths[i], "%s", file->path);
            rows += file->row_count;
        }
        delta_snapshot_release(snapshot);
        if (count < 4) break;
        struct test_footer footer;
        test_footer_init(&footer, schema_table(SCHEMA_METRICS), rows, round * 1000);
        delta_file_path(test_uuid(1), 20000, uuid_random(), path);
        const char *removes[] = { paths[0], paths[1] };
        struct delta_add add = { path, test_uuid(1), 20000, 5000, &footer.footer };
        bool ok = delta_commit(
            rewriter->table,
            &(struct delta_change){
                .adds = &add, .add_count = 1, .removes = removes, .remove_count = 2, .operation = "OPTIMIZE" },
            &version, &err);
        if (!ok && err.code == ERR_CONFLICT) {
            atomic_fetch_add(rewriter->conflicts, 1);
            if (!delta_refresh(rewriter->table, &err)) atomic_fetch_add(rewriter->failed, 1);
        } else if (!ok) {
            fprintf(stderr, "%s\n", err.text);
            atomic_fetch_add(rewriter->failed, 1);
        }
    }
    return NULL;
}

/* Goal: whoever rewrites beside others, no row is lost or doubled. Method: four threads on three handles join files two by
 * two; the rows of the live files add up to what was there. */
static void test_rewriters_race(void **state)
{
    struct fixture *fixture = *state;
    struct delta_table *tables[3];
    struct rewriter rewriters[REWRITERS];
    pthread_t threads[REWRITERS];
    atomic_int conflicts = 0, failed = 0;
    uint64_t rows = 0;
    for (int i = 0; i < 3; i++) tables[i] = test_open(&fixture->options);
    for (uint8_t i = 0; i < REWRITE_FILES; i++) {
        must_commit(tables[0], 1, i, "a", i == 0 ? -1 : i, i + 1u);
        rows += 10u + i;
    }
    for (int i = 0; i < 3; i++) {
        struct err err = { 0 };
        assert_true(delta_refresh(tables[i], &err));
    }
    for (uint8_t i = 0; i < REWRITERS; i++) {
        rewriters[i] = (struct rewriter){ tables[i % 3], i, &conflicts, &failed };
        assert_int_equal(pthread_create(&threads[i], NULL, rewriter_run, &rewriters[i]), 0);
    }
    for (uint8_t i = 0; i < REWRITERS; i++) pthread_join(threads[i], NULL);
    assert_int_equal(failed, 0);
    for (int i = 0; i < 3; i++) {
        struct err err = { 0 };
        uint64_t left = 0;
        assert_true(delta_refresh(tables[i], &err));
        struct delta_snapshot *snapshot = delta_snapshot_acquire(tables[i]);
        assert_in_range(snapshot->file_count, 1, 3);
        for (uint32_t f = 0; f < snapshot->file_count; f++) left += delta_snapshot_file(snapshot, f)->row_count;
        assert_int_equal(left, rows);
        assert_int_equal(snapshot->version, REWRITE_FILES + REWRITE_FILES - snapshot->file_count);
        delta_snapshot_release(snapshot);
        delta_close(tables[i]);
    }
}

/* Goal: what winners did to the table itself is looked at before we go on over it. Method: a stale handle commits over new
 * columns (fine), a feature and a column of another type (refused, nothing written). */
static void test_winners_change_the_table(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    struct delta_table *table = test_open(&fixture->options), *stale = test_open(&fixture->options);
    struct buf schema, lines;
    buf_init(&schema, 1 << 20);
    buf_init(&lines, 1 << 20);
    assert_true(delta_put_schema(&schema, schema_table(SCHEMA_METRICS)));
    schema.len -= 2; /* "]}" */
    assert_true(buf_printf(&schema, ",{\"name\":\"theirs\",\"type\":\"double\",\"nullable\":true,\"metadata\":{}}]}"));
    assert_true(buf_printf(&lines, "{\"metaData\":{\"id\":\"x\",\"schemaString\":") &&
                delta_put_json_text(&lines, buf_bytes(&schema)) &&
                buf_printf(&lines, ",\"partitionColumns\":" DELTA_PARTITION_COLUMNS ",\"configuration\":{}}}\n"));
    char *text = bytes_to_text(buf_bytes(&lines));
    test_put_commit(fixture->store, 1, text);
    must_commit(stale, 1, 1, "a", -1, 1);
    assert_non_null(strstr(stale->state.schema, "theirs"));
    char *type = strstr(text, "\\\"timestamp\\\",\\\"nullable");
    assert_non_null(type);
    memcpy(type + 2, "long\\\"    ", 10);
    type[11] = ' ', type[12] = ' ';
    test_put_commit(fixture->store, 3, text);
    assert_false(commit_file(stale, 1, 2, "a", 1, 2, &err));
    assert_int_equal(err.code, ERR_UNSUPPORTED);
    assert_non_null(strstr(err.text, "timestamp"));
    assert_int_equal(stale->version, 2);
    assert_true(object_delete(fixture->store, LOG_FOLDER "00000000000000000003.json", &err));
    test_put_commit(fixture->store, 3,
                    "{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7,\"readerFeatures\":"
                    "[\"deletionVectors\"],\"writerFeatures\":[\"deletionVectors\"]}}");
    err = (struct err){ 0 };
    assert_false(commit_file(stale, 1, 2, "a", 1, 2, &err));
    assert_int_equal(err.code, ERR_UNSUPPORTED);
    assert_non_null(strstr(err.text, "deletionVectors"));
    uint64_t bytes;
    assert_false(object_size(fixture->store, LOG_FOLDER "00000000000000000004.json", &bytes, &err));
    free(text);
    buf_deinit(&schema);
    buf_deinit(&lines);
    delta_close(table);
    delta_close(stale);
}

/* Goal: the way of committing is kept with the table, and another way is refused. Method: new and older tables; a change
 * under a running writer. */
static void test_commit_mode(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    struct delta_table *table = test_open(&fixture->options), *refused;
    struct buf text;
    uint64_t version;
    buf_init(&text, 1000);
    assert_false(delta_configuration(table, DELTA_COMMIT_MODE_KEY, &text));
    delta_close(table);
    fixture->options.commit_mode = "put-if-absent";
    for (int i = 0; i < 2; i++) {
        table = test_open(&fixture->options);
        (void)files_of(table, &version);
        assert_int_equal(version, 1); /* told once */
        text.len = 0;
        assert_true(delta_configuration(table, DELTA_COMMIT_MODE_KEY, &text));
        assert_string_equal(text.ptr, "put-if-absent");
        delta_close(table);
    }
    fixture->options.commit_mode = "dynamodb:delta_log s3://bucket/otel_metrics";
    assert_false(delta_open(&refused, &fixture->options, &err));
    assert_int_equal(err.code, ERR_UNSUPPORTED);
    assert_non_null(strstr(err.text, "--storage-lock"));
    fixture->options.prefix = "other";
    table = test_open(&fixture->options);
    (void)files_of(table, &version);
    assert_int_equal(version, 0);
    text.len = 0;
    assert_true(delta_configuration(table, DELTA_COMMIT_MODE_KEY, &text));
    delta_close(table);
    fixture->options.prefix = "otel_metrics";
    fixture->options.commit_mode = "put-if-absent";
    table = test_open(&fixture->options);
    err = (struct err){ 0 };
    fixture->options.commit_mode = NULL;
    struct delta_table *any = test_open(&fixture->options);
    configure(fixture, any, 2, "{\"monoscope.commit\":\"dynamodb:x\"}");
    assert_false(commit_file(table, 1, 1, "a", -1, 1, &err));
    assert_int_equal(err.code, ERR_UNSUPPORTED);
    buf_deinit(&text);
    delta_close(any);
    delta_close(table);
}

static bool is_not_local(struct object_store *store, const char *key, char *path, size_t path_bytes)
{
    (void)store, (void)key, (void)path, (void)path_bytes;
    return false;
}

/* Goal: many commits behind come in order though they are fetched side by side, a version that cannot be read ends it
 * without a gap, and history is the same. Method: a store that says it is not local; 70 commits; a read that fails. */
static void test_fetched_side_by_side(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    struct object_ops remote = *fixture->store->ops;
    remote.local_path = is_not_local;
    real_ops = fixture->store->ops;
    fixture->store->ops = &remote;
    fixture->options.checkpoint_every = 0;
    struct delta_table *behind = test_open(&fixture->options), *ahead = test_open(&fixture->options);
    uint64_t version;
    for (uint8_t i = 1; i <= 70; i++) {
        if (i % 7 == 0) {
            assert_true(replace_file(ahead, i - 1, 100 + i, false, &err));
        } else {
            must_commit(ahead, 1, i, "a", i == 1 ? -1 : i - 1 - (i - 1) / 7, (uint64_t)(i - i / 7));
        }
    }
    disk_sim_fail(fixture->sim, DISK_SIM_READ, 20, 1, EIO);
    assert_false(delta_refresh(behind, &err));
    assert_int_equal(err.code, ERR_IO);
    uint32_t files = files_of(behind, &version);
    assert_in_range(version, 1, 31);
    assert_int_equal(files, version - version / 7);
    disk_sim_fail(fixture->sim, DISK_SIM_READ, 1, 0, 0);
    err = (struct err){ 0 };
    if (!delta_refresh(behind, &err)) fail_msg("%s", err.text);
    struct delta_table *late = test_open(&fixture->options);
    struct delta_table *tables[] = { behind, ahead, late };
    for (int i = 0; i < 3; i++) {
        assert_int_equal(files_of(tables[i], &version), 60);
        assert_int_equal(version, 70);
        for (uint8_t file = 1; file <= 70; file++)
            assert_int_equal(has_file(tables[i], file), file % 7 != 0 && (file + 1) % 7 != 0);
    }
    struct heard heard = { .stop_at = 16 };
    assert_true(delta_history(late, 70, history_take, &heard, &err));
    for (uint32_t i = 0; i < 16; i++) assert_int_equal(heard.versions[i], 70 - i);
    assert_string_equal(heard.operations[0], "OPTIMIZE");
    for (int i = 0; i < 3; i++) delta_close(tables[i]);
    fixture->store->ops = real_ops;
}

/* Goal: a commit of another writer that replaces what was gone already is told of; one that removes only, or files never
 * seen, is not. Method: logs read back from a file. */
static void test_removed_twice(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    char name[] = "/tmp/mono_delta_log_XXXXXX", text[4096] = "", path[160], lines[900];
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    const struct log log = { .fd = fd, .level_min = LOG_WARN };
    fixture->options.log = &log;
    struct delta_table *table = test_open(&fixture->options);
    must_commit(table, 1, 1, "a", -1, 1);
    assert_true(replace_file(table, 1, 2, false, &err));
    snprintf(lines, sizeof lines, "{\"remove\":{\"path\":\"%s\"}}\n", path_of(1, 1, path));
    test_put_commit(fixture->store, 3, lines);
    test_put_commit(fixture->store, 4, "{\"remove\":{\"path\":\"never.parquet\"}}\n");
    assert_true(delta_refresh(table, &err));
    assert_int_equal(lseek(fd, 0, SEEK_END), 0);
    snprintf(lines + strlen(lines), sizeof lines - strlen(lines),
             "{\"add\":{\"path\":\"new.parquet\",\"size\":1,\"partitionValues\":{\"project_id\":"
             "\"00000000-0000-4000-8000-000000000000\",\"date\":\"2026-11-22\"}}}\n");
    test_put_commit(fixture->store, 5, lines);
    assert_true(delta_refresh(table, &err));
    assert_true(pread(fd, text, sizeof text - 1, 0) > 0);
    assert_non_null(strstr(text, "delta.removed_twice"));
    assert_non_null(strstr(text, "\"version\":5"));
    delta_close(table);
    close(fd);
    unlink(name);
}

/* Goal: a process that slept while the log was cleaned does not commit into the gap. Method: two handles; the versions
 * behind the first go, its last look was long ago. */
static void test_sleeper(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    struct delta_table *sleeper = test_open(&fixture->options), *other = test_open(&fixture->options);
    must_commit(other, 1, 1, "a", -1, 1);
    must_commit(other, 1, 2, "a", 1, 2);
    must_commit(other, 1, 3, "a", 2, 3); /* checkpoint 3 */
    delete_commits(fixture->store, 0, 3);
    sleeper->looked_unix_ms = 0;
    assert_false(commit_file(sleeper, 1, 9, "b", -1, 1, &err));
    assert_int_equal(err.code, ERR_CONFLICT);
    err = (struct err){ 0 };
    assert_false(delta_refresh(sleeper, &err));
    uint64_t bytes;
    assert_false(object_size(fixture->store, LOG_FOLDER "00000000000000000001.json", &bytes, &err));
    other->looked_unix_ms = 0;
    must_commit(other, 1, 4, "a", 3, 4); /* who is awake goes on */
    delta_close(sleeper);
    delta_close(other);
}

int main(void)
{
#define WITH_TABLE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_TABLE(test_replace),
        WITH_TABLE(test_history),
        WITH_TABLE(test_conflict),
        WITH_TABLE(test_append_only),
        WITH_TABLE(test_uncertain_then_removed),
        WITH_TABLE(test_answer_lost_in_store),
        WITH_TABLE(test_rewriters_race),
        WITH_TABLE(test_winners_change_the_table),
        WITH_TABLE(test_commit_mode),
        WITH_TABLE(test_fetched_side_by_side),
        WITH_TABLE(test_removed_twice),
        WITH_TABLE(test_sleeper),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
