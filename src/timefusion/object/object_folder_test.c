/* What only the store as a folder has: other file systems, failing disks, power cuts. The rest is in object_test.c. */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/disk_sim.h"
#include "timefusion/object/object.h"

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

static void remove_dir(const char *dir)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    assert_int_equal(system(command), 0);
}

/* Goal: a finished local file becomes an object, also from another file system, its old name is gone, nothing is left in
 * .tmp, an open reader outlives its name. Method: a file beside the store, and one in /dev/shm. */
static void test_local_files(void **state)
{
    (void)state;
    char dir[64] = "/tmp/mono_object_XXXXXX", store_dir[128], path[2][128], command[160], piece[4];
    struct object_store *store;
    struct object_reader *reader;
    struct err err = { 0 };
    assert_non_null(mkdtemp(dir));
    snprintf(store_dir, sizeof store_dir, "%s/new/store/", dir);
    if (!object_store_open_folder(&store, store_dir, &disk_real, &err)) fail_msg("%s", err.text);
    snprintf(path[0], sizeof path[0], "%s/local", dir);
    snprintf(path[1], sizeof path[1], "/dev/shm/mono_object_%d", (int)getpid());
    for (int i = 0; i < 2; i++) {
        FILE *file = fopen(path[i], "w");
        if (file == NULL && i == 1) continue; /* no /dev/shm here */
        assert_non_null(file);
        fprintf(file, "rows %d", i);
        fclose(file);
        char text[16], local[256];
        snprintf(text, sizeof text, "rows %d", i);
        if (!object_put_file(store, "t/date=1/part", path[i], &err)) fail_msg("%s", err.text);
        assert_object(store, "t/date=1/part", text);
        assert_int_equal(access(path[i], F_OK), -1);
        assert_true(object_local_path(store, "t/date=1/part", local, sizeof local));
        assert_int_equal(access(local, R_OK), 0);
    }
    assert_true(object_reader_open(store, "t/date=1/part", &reader, &err));
    assert_true(object_delete(store, "t/date=1/part", &err));
    assert_true(object_reader_pread(reader, 0, piece, 4, &err));
    assert_memory_equal(piece, "rows", 4);
    object_reader_close(reader);
    struct object_writer *writer;
    assert_true(object_writer_open(store, "t/stream", &writer, &err));
    assert_true(object_writer_add(writer, BYTES("abc"), &err));
    object_writer_cancel(writer);
    snprintf(command, sizeof command, "test -z \"$(ls -A %s/new/store/.tmp)\"", dir);
    assert_int_equal(system(command), 0);
    object_store_close(store);
    remove_dir(dir);
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

enum { TIDIERS = 4, TIDY_ROUNDS = 60 };
struct tidier {
    struct object_store *store;
    char key[32];
    struct err err;
};

static void *tidier_run(void *ctx)
{
    struct tidier *tidier = ctx;
    bool ok = true;
    for (int i = 0; ok && i < TIDY_ROUNDS; i++) {
        ok = i % 2 ? object_put(tidier->store, tidier->key, BYTES("x"), &tidier->err)
                   : object_put_if_absent(tidier->store, tidier->key, BYTES("x"), &tidier->err);
        ok = ok && object_delete(tidier->store, tidier->key, &tidier->err);
    }
    return ok ? NULL : tidier;
}

/* Goal: a folder goes with its last object, and a put that comes at that moment works all the same.
 * Method: four threads on two handles put and delete in the same two folders. */
static void test_empty_folders_go(void **state)
{
    (void)state;
    char dir[64] = "/tmp/mono_object_XXXXXX", path[128];
    struct object_store *stores[2];
    struct tidier tidiers[TIDIERS];
    pthread_t threads[TIDIERS];
    struct err err = { 0 };
    assert_non_null(mkdtemp(dir));
    for (int s = 0; s < 2; s++)
        if (!object_store_open_folder(&stores[s], dir, &disk_real, &err)) fail_msg("%s", err.text);
    for (int t = 0; t < TIDIERS; t++) {
        tidiers[t] = (struct tidier){ .store = stores[t % 2] };
        snprintf(tidiers[t].key, sizeof tidiers[t].key, "t/p=1/d=%d/%d", t / 2, t);
        assert_int_equal(pthread_create(&threads[t], NULL, tidier_run, &tidiers[t]), 0);
    }
    for (int t = 0; t < TIDIERS; t++) {
        void *failed;
        pthread_join(threads[t], &failed);
        if (failed) fail_msg("%s", tidiers[t].err.text);
    }
    snprintf(path, sizeof path, "%s/t", dir);
    assert_int_equal(access(path, F_OK), -1);
    if (!object_put(stores[0], "t/p=1/d=0/again", BYTES("again"), &err)) fail_msg("%s", err.text);
    assert_object(stores[1], "t/p=1/d=0/again", "again");
    assert_true(object_delete(stores[1], "t/p=1/d=0/other", &err)); /* not there; nor is the folder empty */
    assert_object(stores[1], "t/p=1/d=0/again", "again");
    for (int s = 0; s < 2; s++) object_store_close(stores[s]);
    remove_dir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_local_files),
        cmocka_unit_test(test_power_cut_anywhere),
        cmocka_unit_test(test_disk_failures),
        cmocka_unit_test(test_empty_folders_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
