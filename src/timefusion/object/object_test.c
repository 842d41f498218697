/* The folder store: names, races, other file systems, and power cuts. */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/disk_sim.h"
#include "timefusion/object/object.h"

struct fixture {
    char dir[64];
    struct object_store *store;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct err err = { 0 };
    strcpy(fixture->dir, "/tmp/mono_object_XXXXXX");
    assert_non_null(mkdtemp(fixture->dir));
    char dir[128];
    snprintf(dir, sizeof dir, "%s/new/store/", fixture->dir);
    if (!object_store_open_folder(&fixture->store, dir, &disk_real, &err)) fail_msg("%s", err.text);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    char command[128];
    object_store_close(fixture->store);
    snprintf(command, sizeof command, "rm -rf %s", fixture->dir);
    assert_int_equal(system(command), 0);
    free(fixture);
    return 0;
}

static void put(struct object_store *store, const char *key, const char *text)
{
    struct err err = { 0 };
    if (!object_put(store, key, bytes_of_text(text), &err)) fail_msg("%s", err.text);
}

static void assert_object(struct object_store *store, const char *key, const char *text)
{
    struct err err = { 0 };
    struct buf buf;
    buf_init(&buf, 1 << 20);
    if (!object_get(store, key, 1 << 20, &buf, &err)) fail_msg("%s", err.text);
    assert_int_equal(buf.len, strlen(text));
    assert_memory_equal(buf.ptr, text, buf.len);
    buf_deinit(&buf);
}

/* Goal: a key cannot leave the store's folder or meet the store's own files. Method: good and bad keys. */
static void test_keys(void **state)
{
    struct fixture *fixture = *state;
    static const char *const good[] = { "a",
                                        "a/b",
                                        "project_id=x/date=2026-11-22/part-1.parquet",
                                        "..a",
                                        "a..",
                                        "_delta_log/0.json",
                                        "t/_delta_log/.tmp/0.json.4b6a",
                                        "a/t/_delta_log/.tmp/x" };
    static const char *const bad[] = { "",
                                       "/",
                                       "/etc/passwd",
                                       "a/",
                                       "a//b",
                                       ".",
                                       "..",
                                       "../a",
                                       "a/../../b",
                                       "a/..",
                                       "a/.",
                                       ".tmp/x",
                                       ".tmp",
                                       "_delta_log/.tmp/x",
                                       "t/.tmp/x",
                                       "t/_delta_log/.tmp",
                                       "t/_delta_log/.tmpx/y",
                                       "t/x_delta_log/.tmp/y" };
    for (size_t i = 0; i < COUNT_OF(good); i++) assert_true(object_key_is_valid(good[i]));
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct err err = { 0 };
        assert_false(object_key_is_valid(bad[i]));
        assert_false(object_put(fixture->store, bad[i], BYTES("x"), &err));
        assert_int_equal(err.code, ERR_INPUT);
    }
    char long_key[OBJECT_KEY_BYTES_MAX + 2];
    memset(long_key, 'k', sizeof long_key - 1);
    long_key[sizeof long_key - 1] = 0;
    assert_false(object_key_is_valid(long_key));
}

/* Goal: what was put is what is got, by every way of reading. Method: put, replace, read whole and in ranges, delete. */
static void test_put_get_delete(void **state)
{
    struct fixture *fixture = *state;
    struct object_store *store = fixture->store;
    struct err err = { 0 };
    put(store, "t/log/0.json", "first");
    put(store, "t/log/0.json", "second one");
    assert_object(store, "t/log/0.json", "second one");
    uint64_t bytes = 0;
    assert_true(object_size(store, "t/log/0.json", &bytes, &err));
    assert_int_equal(bytes, 10);
    char piece[4];
    assert_true(object_get_range(store, "t/log/0.json", 7, piece, 3, &err));
    assert_memory_equal(piece, "one", 3);
    assert_false(object_get_range(store, "t/log/0.json", 8, piece, 3, &err));
    assert_int_equal(err.code, ERR_CORRUPT);
    struct buf buf;
    buf_init(&buf, 100);
    assert_false(object_get(store, "t/log/0.json", 9, &buf, &err));
    assert_int_equal(err.code, ERR_TOO_LARGE);
    assert_false(object_get(store, "t/log/1.json", 9, &buf, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    buf_deinit(&buf);

    /* An open reader outlives the name. */
    struct object_reader *reader;
    assert_true(object_reader_open(store, "t/log/0.json", &reader, &err));
    assert_true(object_delete(store, "t/log/0.json", &err));
    assert_true(object_delete(store, "t/log/0.json", &err));
    assert_true(object_reader_pread(reader, 0, piece, 3, &err));
    assert_memory_equal(piece, "sec", 3);
    object_reader_close(reader);
    assert_false(object_size(store, "t/log/0.json", &bytes, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

struct seen {
    char keys[16][64];
    uint64_t bytes[16];
    uint32_t count, stop_at;
};

static bool seen_add(void *ctx, const char *key, uint64_t bytes, int64_t modified_unix_us)
{
    struct seen *seen = ctx;
    assert_true(modified_unix_us > INT64_C(1577836800000000));
    assert_true(seen->count < 16);
    snprintf(seen->keys[seen->count], sizeof seen->keys[0], "%s", key);
    seen->bytes[seen->count++] = bytes;
    return seen->count != seen->stop_at;
}

/* Goal: a listing holds exactly the keys with the prefix, in byte order. Method: neighbours that share parts of names. */
static void test_list(void **state)
{
    struct fixture *fixture = *state;
    static const char *const keys[] = { "t/b/2", "t/a", "t/b/10", "tt/x", "t/b.z", "u", "t/b/c/d" };
    struct err err = { 0 };
    for (size_t i = 0; i < COUNT_OF(keys); i++) put(fixture->store, keys[i], keys[i]);
    static const struct {
        const char *prefix, *expected;
    } cases[] = {
        { "t/b/", "t/b/10 t/b/2 t/b/c/d " },
        { "t/b/1", "t/b/10 " },
        { "t/b", "t/b.z t/b/10 t/b/2 t/b/c/d " },
        { "t", "t/a t/b.z t/b/10 t/b/2 t/b/c/d tt/x " },
        { "", "t/a t/b.z t/b/10 t/b/2 t/b/c/d tt/x u " },
        { "none/", "" },
        { "t/a/", "" },
        { "t/b/c/", "t/b/c/d " },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct seen seen = { 0 };
        char all[256] = "";
        if (!object_list(fixture->store, cases[i].prefix, seen_add, &seen, &err)) fail_msg("%s", err.text);
        for (uint32_t k = 0; k < seen.count; k++) {
            strcat(strcat(all, seen.keys[k]), " ");
            assert_int_equal(seen.bytes[k], strlen(seen.keys[k]));
        }
        assert_string_equal(all, cases[i].expected);
    }
    struct seen seen = { .stop_at = 2 };
    assert_true(object_list(fixture->store, "t", seen_add, &seen, &err));
    assert_int_equal(seen.count, 2);
    assert_false(object_list(fixture->store, "../", seen_add, &seen, &err));
    assert_int_equal(err.code, ERR_INPUT);
}

/* Goal: a listing can begin behind any key. Method: every key of a list, and names between them, as its beginning. */
static void test_list_from(void **state)
{
    struct fixture *fixture = *state;
    static const char *const keys[] = { "log/01", "log/02", "log/02.x", "log/03", "log/sub/04" };
    static const struct {
        const char *start_after;
        uint32_t first;
    } cases[] = { { "", 0 },         { "log/", 0 },   { "log/01", 1 },     { "log/015", 1 }, { "log/02", 2 },
                  { "log/02.x", 3 }, { "log/03", 4 }, { "log/sub/04", 5 }, { "m", 5 },       { "a", 0 } };
    struct err err = { 0 };
    for (size_t i = 0; i < COUNT_OF(keys); i++) put(fixture->store, keys[i], keys[i]);
    put(fixture->store, "m/05", "m/05");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct seen seen = { 0 };
        if (!object_list_from(fixture->store, "log/", cases[i].start_after, seen_add, &seen, &err))
            fail_msg("%s", err.text);
        assert_int_equal(seen.count, COUNT_OF(keys) - cases[i].first);
        for (uint32_t k = 0; k < seen.count; k++) assert_string_equal(seen.keys[k], keys[cases[i].first + k]);
    }
}

/* Goal: ranges come each into its place; one past the end fails them all and says so. Method: three of ten bytes. */
static void test_ranges(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    char a[3], b[4], c[10];
    struct object_range ranges[] = { { 7, sizeof a, a }, { 0, sizeof b, b }, { 0, sizeof c, c } };
    put(fixture->store, "t/digits", "0123456789");
    if (!object_get_ranges(fixture->store, "t/digits", ranges, 3, &err)) fail_msg("%s", err.text);
    assert_memory_equal(a, "789", 3);
    assert_memory_equal(b, "0123", 4);
    assert_memory_equal(c, "0123456789", 10);
    ranges[1].offset = 7;
    assert_false(object_get_ranges(fixture->store, "t/digits", ranges, 3, &err));
    assert_int_equal(err.code, ERR_CORRUPT);
    assert_false(object_get_ranges(fixture->store, "t/none", ranges, 3, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

/* Goal: many go at once, those that are not there as well. Method: delete three names of which two exist. */
static void test_delete_many(void **state)
{
    struct fixture *fixture = *state;
    static const char *const keys[] = { "t/a=1/x y", "t/none", "t/a=1/z" };
    struct seen seen = { 0 };
    struct err err = { 0 };
    put(fixture->store, keys[0], "0");
    put(fixture->store, keys[2], "2");
    put(fixture->store, "t/stays", "3");
    if (!object_delete_many(fixture->store, keys, 3, &err)) fail_msg("%s", err.text);
    assert_true(object_list(fixture->store, "t/", seen_add, &seen, &err));
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.keys[0], "t/stays");
}

/* Goal: a store that keeps its word is told to, and the probe leaves nothing; what it asked for is counted.
 * Method: probe, list, look at the counts. */
static void test_probe(void **state)
{
    struct fixture *fixture = *state;
    struct object_counts counts;
    struct seen seen = { 0 };
    struct err err = { 0 };
    if (!object_store_probe(fixture->store, &err)) fail_msg("%s", err.text);
    assert_true(object_list(fixture->store, "", seen_add, &seen, &err));
    assert_int_equal(seen.count, 0);
    object_counts(fixture->store, &counts);
    assert_int_equal(counts.of[OBJECT_COUNT_PUT], 2);
    assert_int_equal(counts.of[OBJECT_COUNT_GET], 1);
    assert_int_equal(counts.of[OBJECT_COUNT_DELETE], 1);
    assert_int_equal(counts.of[OBJECT_COUNT_LIST], 2);
    assert_int_equal(counts.of[OBJECT_COUNT_BYTES_READ], 5);
    assert_int_equal(counts.of[OBJECT_COUNT_FAILED], 0);
}

/* Goal: a URL opens the folder it names, and what cannot be opened says what can. Method: good and bad ones. */
static void test_url(void **state)
{
    struct fixture *fixture = *state;
    struct object_options options = { .disk = &disk_real };
    struct object_store *store;
    struct err err = { 0 };
    char url[128], dir[128];
    snprintf(url, sizeof url, "file://%s/new/store", fixture->dir);
    snprintf(dir, sizeof dir, "%s/new/store/", fixture->dir);
    put(fixture->store, "t/a", "one");
    const char *good[] = { url, dir };
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        if (!object_store_open_url(&store, good[i], &options, &err)) fail_msg("%s", err.text);
        assert_object(store, "t/a", "one");
        assert_string_equal(object_store_url(store), url);
        object_store_close(store);
    }
    static const char *const bad[] = { "file://host/folder", "gs://bucket", "file://", "", "s3://", "s3:///prefix" };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_false(object_store_open_url(&store, bad[i], &options, &err));
        assert_true(err.code == ERR_INPUT || err.code == ERR_UNSUPPORTED);
        assert_null(store);
    }
}

/* Goal: a finished local file becomes an object, also from another file system, and its old name is gone.
 * Method: a file beside the store, and one in /dev/shm. */
static void test_put_file(void **state)
{
    struct fixture *fixture = *state;
    char path[2][128];
    snprintf(path[0], sizeof path[0], "%s/local", fixture->dir);
    snprintf(path[1], sizeof path[1], "/dev/shm/mono_object_%d", (int)getpid());
    for (int i = 0; i < 2; i++) {
        struct err err = { 0 };
        FILE *file = fopen(path[i], "w");
        if (file == NULL && i == 1) continue; /* no /dev/shm here */
        assert_non_null(file);
        fprintf(file, "rows %d", i);
        fclose(file);
        char text[16];
        snprintf(text, sizeof text, "rows %d", i);
        if (!object_put_file(fixture->store, "t/date=1/part", path[i], &err)) fail_msg("%s", err.text);
        assert_object(fixture->store, "t/date=1/part", text);
        assert_int_equal(access(path[i], F_OK), -1);
        char local[256];
        assert_true(object_local_path(fixture->store, "t/date=1/part", local, sizeof local));
        assert_int_equal(access(local, R_OK), 0);
    }
    struct err err = { 0 };
    assert_false(object_put_file(fixture->store, "t/none", path[0], &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

/* Goal: a streamed object is there when finished and not before; a cancelled one leaves nothing.
 * Method: three pieces, looking before the end. */
static void test_writer(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    for (int finish = 0; finish < 2; finish++) {
        struct object_writer *writer;
        uint64_t bytes;
        if (!object_writer_open(fixture->store, "t/stream", &writer, &err)) fail_msg("%s", err.text);
        for (int i = 0; i < 3; i++) assert_true(object_writer_add(writer, BYTES("abc"), &err));
        assert_false(object_size(fixture->store, "t/stream", &bytes, &err));
        assert_int_equal(err.code, ERR_NOT_FOUND);
        if (finish) {
            if (!object_writer_finish(writer, &err)) fail_msg("%s", err.text);
            assert_object(fixture->store, "t/stream", "abcabcabc");
        } else {
            object_writer_cancel(writer);
        }
    }
    char command[160];
    snprintf(command, sizeof command, "test -z \"$(ls -A %s/new/store/.tmp)\"", fixture->dir);
    assert_int_equal(system(command), 0);
}

enum { RACERS = 4, RACES = 100 };
struct race {
    struct object_store *store;
    _Atomic uint32_t *wins;
    char name;
};

static void *race_run(void *ctx)
{
    struct race *race = ctx;
    for (int i = 0; i < RACES; i++) {
        char key[32];
        struct err err = { 0 };
        snprintf(key, sizeof key, "log/%08d.json", i);
        if (object_put_if_absent(race->store, key, bytes_from(&race->name, 1), &err)) {
            atomic_fetch_add(&race->wins[i], 1);
        } else if (err.code != ERR_EXISTS) {
            atomic_fetch_add(&race->wins[i], 100);
        }
    }
    return NULL;
}

/* Goal: of many who put a key if absent, one wins, whichever handle or thread it came by.
 * Method: four threads on two handles of one folder race for a hundred keys. */
static void test_put_if_absent_race(void **state)
{
    struct fixture *fixture = *state;
    struct object_store *second;
    struct err err = { 0 };
    char dir[128];
    snprintf(dir, sizeof dir, "%s/new/store", fixture->dir);
    assert_true(object_store_open_folder(&second, dir, &disk_real, &err));
    _Atomic uint32_t wins[RACES] = { 0 };
    struct race races[RACERS];
    pthread_t threads[RACERS];
    for (int i = 0; i < RACERS; i++) {
        races[i] = (struct race){ i % 2 ? second : fixture->store, wins, (char)('a' + i) };
        assert_int_equal(pthread_create(&threads[i], NULL, race_run, &races[i]), 0);
    }
    for (int i = 0; i < RACERS; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < RACES; i++) assert_int_equal(wins[i], 1);
    object_store_close(second);
}

/* A script of puts, as far as the power lasts; how many were answered is kept outside. */
struct script {
    uint32_t answered, tried;
};
enum { SCRIPT_STEPS = 9 };

static void step_key(uint32_t step, char key[64])
{
    snprintf(key, 64, "t/%s/date=%u/part-%u", step % 2 ? "_delta_log" : "project_id=1", step / 4, step);
}

static bool step_run(struct disk_sim *sim, struct object_store *store, uint32_t step, struct err *err)
{
    struct disk *disk = disk_sim_disk(sim);
    char key[64], text[2000];
    step_key(step, key);
    memset(text, 'a' + (int)step, sizeof text);
    struct bytes bytes = { (uint8_t *)text, sizeof text };
    if (step % 4 == 0) return object_put(store, key, bytes, err);
    if (step % 4 == 1) return object_put_if_absent(store, key, bytes, err);
    if (step % 4 == 3) {
        struct object_writer *writer;
        if (!object_writer_open(store, key, &writer, err)) return false;
        if (object_writer_add(writer, bytes, err)) return object_writer_finish(writer, err);
        object_writer_cancel(writer);
        return false;
    }
    struct disk_file *file;
    if (!disk->ops->open(disk, "/data/flush", DISK_WRITE | DISK_CREATE, &file, err)) return false;
    bool ok = disk->ops->pwrite(file, 0, &bytes, 1, err) && disk->ops->sync(file, err);
    disk->ops->close(file);
    return ok && object_put_file(store, key, "/data/flush", err);
}

static struct script script_run(struct disk_sim *sim)
{
    struct script script = { 0 };
    struct object_store *store;
    struct err err = { 0 };
    if (!object_store_open_folder(&store, "/data/tables", disk_sim_disk(sim), &err)) return script;
    for (; script.tried < SCRIPT_STEPS; script.tried++) {
        if (!step_run(sim, store, script.tried, &err)) {
            script.tried++;
            break;
        }
        script.answered++;
    }
    object_store_close(store);
    return script;
}

/* Every answered object is whole; one that was not answered is whole or absent. */
static void assert_after_crash(struct disk_sim *after, struct script script)
{
    struct object_store *store;
    struct err err = { 0 };
    if (!object_store_open_folder(&store, "/data/tables", disk_sim_disk(after), &err)) fail_msg("%s", err.text);
    for (uint32_t step = 0; step < script.tried; step++) {
        char key[64];
        struct buf buf;
        buf_init(&buf, 4096);
        step_key(step, key);
        err = (struct err){ 0 };
        bool found = object_get(store, key, 4096, &buf, &err);
        if (!found && (step < script.answered || err.code != ERR_NOT_FOUND)) fail_msg("step %u: %s", step, err.text);
        if (found) assert_int_equal(buf.len, 2000);
        for (size_t i = 0; found && i < buf.len; i++) assert_int_equal(buf.ptr[i], 'a' + step);
        buf_deinit(&buf);
    }
    object_store_close(store);
}

/* Goal: whenever the power goes, every answered put is there whole and no put is there in part.
 * Method: stop the disk after each number of operations, and look at several states that it may leave each time. */
static void test_power_cut_anywhere(void **state)
{
    (void)state;
    uint64_t operations = UINT64_MAX;
    for (uint64_t stop = 0; stop <= operations; stop++) {
        struct disk_sim *sim = disk_sim_create(512);
        if (operations != UINT64_MAX) disk_sim_stop_after(sim, stop);
        struct script script = script_run(sim);
        if (operations == UINT64_MAX) {
            assert_int_equal(script.answered, SCRIPT_STEPS);
            operations = disk_sim_operations(sim);
            stop = UINT64_MAX; /* from 0 next */
        }
        for (uint64_t seed = 0; seed < 12; seed++) {
            struct disk_sim *after = disk_sim_crash(sim, seed);
            assert_after_crash(after, script);
            disk_sim_destroy(after);
        }
        disk_sim_destroy(sim);
    }
    assert_true(operations > 5 * SCRIPT_STEPS);
}

/* Goal: a disk that fails a call gives an error, not a false answer, and the next put works.
 * Method: fail each kind of call once under a put_if_absent, then look and put again. */
static void test_disk_failures(void **state)
{
    (void)state;
    static const enum disk_sim_operation kinds[] = { DISK_SIM_OPEN, DISK_SIM_WRITE, DISK_SIM_SYNC, DISK_SIM_NAME,
                                                     DISK_SIM_SYNC_DIR };
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct disk_sim *sim = disk_sim_create(512);
        struct object_store *store;
        struct err err = { 0 };
        assert_true(object_store_open_folder(&store, "/tables", disk_sim_disk(sim), &err));
        assert_true(object_put(store, "log/0", BYTES("0"), &err));
        disk_sim_fail(sim, kinds[i], 1, 1, EIO);
        assert_false(object_put_if_absent(store, "log/1", BYTES("one"), &err));
        assert_int_equal(err.code, ERR_IO);
        err = (struct err){ 0 };
        bool again = object_put_if_absent(store, "log/1", BYTES("one"), &err);
        assert_true(again || err.code == ERR_EXISTS);
        assert_object(store, "log/1", "one");
        struct disk_sim *after = disk_sim_crash(sim, DISK_SIM_SEED_LOSE_ALL);
        object_store_close(store);
        assert_true(object_store_open_folder(&store, "/tables", disk_sim_disk(after), &err));
        assert_object(store, "log/1", "one");
        object_store_close(store);
        disk_sim_destroy(after);
        disk_sim_destroy(sim);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(test_put_get_delete, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list_from, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ranges, setup, teardown),
        cmocka_unit_test_setup_teardown(test_delete_many, setup, teardown),
        cmocka_unit_test_setup_teardown(test_probe, setup, teardown),
        cmocka_unit_test_setup_teardown(test_url, setup, teardown),
        cmocka_unit_test_setup_teardown(test_put_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_writer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_put_if_absent_race, setup, teardown),
        cmocka_unit_test(test_power_cut_anywhere),
        cmocka_unit_test(test_disk_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
