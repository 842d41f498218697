/* A snapshot's list of files: complete, in order, of one moment, however often it is asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "timefusion/delta/delta_test_table.h"
#include "timefusion/timefusion.h"

enum { PROJECTS = 80, FILES = 40 }; /* more projects than lists are kept, more files than make one worth keeping */

struct store {
    char dir[40];
    struct object_store *objects;
    struct timefusion *timefusion;
    struct delta_table *delta;
};

static void store_open(struct store *store)
{
    struct err err = { 0 };
    char tables[64];
    snprintf(store->dir, sizeof store->dir, "/tmp/mono_timefusion_XXXXXX");
    assert_non_null(mkdtemp(store->dir));
    snprintf(tables, sizeof tables, "%s/tables", store->dir);
    assert_true(object_store_open_folder(&store->objects, tables, &disk_real, &err));
    struct timefusion_options options = {
        .dir = store->dir, .store = store->objects, .disk = &disk_real, .footer_bytes_max = 1 << 20, .log = &test_log
    };
    if (!timefusion_open(&store->timefusion, &options, &err)) fail_msg("%s", err.text);
    store->delta = timefusion_delta(store->timefusion, SCHEMA_METRICS);
}

static void store_close(struct store *store)
{
    char command[64];
    timefusion_close(store->timefusion);
    object_store_close(store->objects);
    snprintf(command, sizeof command, "rm -rf %s", store->dir);
    assert_int_equal(system(command), 0);
}

/* Files first to first + count - 1 of each project from low to high, in one commit; or, with remove, out again. */
static void change(struct store *store, uint8_t low, uint8_t high, uint8_t first, uint8_t count, bool remove)
{
    struct err err = { 0 };
    uint32_t total = (uint32_t)(high - low + 1) * count, at = 0;
    struct test_add *files = mem_alloc(total * sizeof *files);
    struct delta_add *adds = mem_alloc(total * sizeof *adds);
    const char **paths = mem_alloc(total * sizeof *paths);
    uint64_t version;
    for (uint8_t project = low; project <= high; project++) {
        for (uint8_t file = first; file < first + count; file++, at++) {
            test_add_init(&files[at], schema_table(SCHEMA_METRICS), project, file,
                          (int64_t)(file * 37 % 256) * 1000000);
            adds[at] = files[at].add;
            paths[at] = files[at].path;
        }
    }
    struct delta_change it = { .operation = "TEST", .data_change = true };
    if (remove) {
        it.removes = paths, it.remove_count = total;
    } else {
        it.adds = adds, it.add_count = total;
    }
    if (!delta_commit(store->delta, &it, &version, &err)) fail_msg("%s", err.text);
    free(files);
    free(adds);
    free(paths);
}

static struct timefusion_snapshot *must_acquire(struct store *store, uint8_t project, uint32_t file_count)
{
    struct err err = { 0 };
    struct timefusion_snapshot *snapshot;
    if (!timefusion_snapshot_acquire(store->timefusion, SCHEMA_METRICS, test_uuid(project), &snapshot, &err))
        fail_msg("%s", err.text);
    assert_int_equal(snapshot->file_count, file_count);
    uint64_t rows = 0;
    for (uint32_t i = 0; i < snapshot->file_count; i++) {
        rows += snapshot->files[i]->row_count;
        if (i > 0) assert_true(snapshot->files[i - 1]->timestamp_max_us >= snapshot->files[i]->timestamp_max_us);
        for (uint32_t k = 0; k < i; k++) assert_ptr_not_equal(snapshot->files[i], snapshot->files[k]);
    }
    assert_int_equal(rows, file_count * 10 + file_count * (file_count - 1) / 2);
    return snapshot;
}

static bool is_held(struct store *store, uint8_t project, uint8_t file)
{
    char path[160];
    delta_file_path(test_uuid(project), 20000, test_uuid(file), path);
    return timefusion_file_is_held(store->timefusion, SCHEMA_METRICS, path);
}

/* Goal: what is kept of one query's list for the next never shows another version, project or order, and holds no file.
 * Method: snapshots of many projects before and after commits that add and remove, some held over them. */
static void test_lists(void **state)
{
    (void)state;
    struct store store;
    store_open(&store);
    change(&store, 0, PROJECTS - 1, 0, FILES, false);
    for (int round = 0; round < 3; round++) {
        for (uint8_t project = 0; project < PROJECTS; project++)
            timefusion_snapshot_release(must_acquire(&store, project, FILES));
    }
    struct timefusion_snapshot *first = must_acquire(&store, 5, FILES), *second = must_acquire(&store, 5, FILES);
    for (uint32_t i = 0; i < FILES; i++) assert_ptr_equal(first->files[i], second->files[i]);
    timefusion_snapshot_release(second);
    assert_true(is_held(&store, 5, 3) && !is_held(&store, 6, 3));
    change(&store, 5, 5, FILES, 7, false);
    struct timefusion_snapshot *more = must_acquire(&store, 5, FILES + 7);
    timefusion_snapshot_release(must_acquire(&store, 6, FILES));
    change(&store, 5, 5, 20, 27, true);
    timefusion_snapshot_release(must_acquire(&store, 5, 20));
    timefusion_snapshot_release(must_acquire(&store, 5, 20));
    assert_int_equal(first->file_count, FILES);
    assert_int_equal(more->file_count, FILES + 7);
    assert_true(is_held(&store, 5, 45) && is_held(&store, 5, 25));
    timefusion_snapshot_release(more);
    assert_true(!is_held(&store, 5, 45) && is_held(&store, 5, 25));
    timefusion_snapshot_release(first);
    assert_true(!is_held(&store, 5, 25) && !is_held(&store, 5, 3));
    store_close(&store);
}

/* Goal: files that left the table leave the map too, without a list that still points at them. Method: most files go,
 * and some queries come. */
static void test_files_leave(void **state)
{
    (void)state;
    struct store store;
    store_open(&store);
    change(&store, 0, PROJECTS - 1, 0, FILES, false);
    for (uint8_t project = 0; project < PROJECTS; project++)
        timefusion_snapshot_release(must_acquire(&store, project, FILES));
    struct timefusion_snapshot *held = must_acquire(&store, 70, FILES);
    change(&store, 0, PROJECTS - 21, 0, FILES, true); /* 60 of 80 */
    for (uint8_t project = 0; project < PROJECTS; project++)
        timefusion_snapshot_release(must_acquire(&store, project, project < PROJECTS - 20 ? 0 : FILES));
    timefusion_snapshot_release(must_acquire(&store, 70, FILES));
    timefusion_snapshot_release(held);
    store_close(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_files_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
