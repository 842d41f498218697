/* index_test.c -- the index over real files of ours, in a folder on a simulated disk. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/disk_sim.h"
#include "timefusion/index/index.h"
#include "timefusion/index/run.h"
#include "timefusion/parquet/chunk_texts.h"
#include "timefusion/parquet/parquet.h"

static const struct log test_log = { .fd = -1, .level_min = LOG_ERROR };

#define FILES_MAX  600
#define VALUES_MAX 64 /* of a row group */

/* A file as the test knows it: the traces and sessions in each row group. */
struct known_file {
    char key[96];
    uint32_t group_count;
    uint32_t trace_count[4];
    uint32_t traces[4][VALUES_MAX];
    bool is_gone;
};
struct fixture {
    struct disk_sim *sim;
    struct disk *disk;
    struct object_store *store;
    struct index *index;
    struct parquet_writer *writer;
    struct known_file *files;
    uint32_t file_count, trace_next;
    uint64_t random;
};
static const struct uuid project = { { 7, 1, 2, 3, 4, 5, 0x46, 7, 0x88, 9, 10, 11, 12, 13, 14, 15 } };

static uint32_t random_below(struct fixture *fixture, uint32_t end)
{
    fixture->random = fixture->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(fixture->random >> 33) % end;
}

static struct bytes trace_text(uint32_t trace, char text[40])
{
    int len = snprintf(text, 40, "%08x%016llx%08x", trace, (unsigned long long)trace * 0x9E3779B97F4A7C15u, ~trace);
    return bytes_from(text, (size_t)len);
}
/* Every tenth trace has a session; every trace's hashes hold the trace and an error that three traces share. */
static struct bytes session_text(uint32_t trace, char text[40])
{
    return bytes_from(text, (size_t)snprintf(text, 40, "session-%u", trace / 10));
}
static struct bytes error_text(uint32_t trace, char text[40])
{
    return bytes_from(text, (size_t)snprintf(text, 40, "err:%u", trace / 3));
}

static void put(struct columns *columns, uint32_t column, const char *text)
{
    columns_put_text(columns, column, bytes_of_text(text));
}

static void row_put(struct columns *columns, uint32_t row, uint32_t trace)
{
    char text[40], other[40];
    columns_row_begin(columns, 1700000000000000 + row);
    struct bytes hashes[2] = { trace_text(trace, text), error_text(trace, other) };
    columns_put_text(columns, LOGS_AND_SPANS_context___trace_id, hashes[0]);
    columns_put_text_list(columns, LOGS_AND_SPANS_hashes, hashes, 2);
    if (trace % 10 == 0) {
        char session[40];
        columns_put_text(columns, LOGS_AND_SPANS_attributes___session___id, session_text(trace, session));
    }
    put(columns, LOGS_AND_SPANS_id, "00000000-0000-4000-8000-000000000000");
    struct bytes summary = BYTES("a;b=>c");
    columns_put_text_list(columns, LOGS_AND_SPANS_summary, &summary, 1);
    columns_row_end(columns);
}

/* rows_each 1: more values than a dictionary pays for; more: few values, in a dictionary. */
static void group_write(struct fixture *fixture, struct known_file *file, uint32_t group, const char *path)
{
    struct columns *columns = columns_create(schema_table(SCHEMA_LOGS_AND_SPANS));
    struct err err = { .code = ERR_OK };
    struct bytes bytes;
    uint32_t count = 1 + random_below(fixture, VALUES_MAX - 1), rows_each = 1 + random_below(fixture, 4), row = 0;
    for (uint32_t t = 0; t < count; t++) {
        /* Some traces go on in other groups and files. */
        uint32_t trace = fixture->trace_next > 20 && random_below(fixture, 8) == 0
                             ? fixture->trace_next - 1 - random_below(fixture, 20)
                             : fixture->trace_next++;
        file->traces[group][file->trace_count[group]++] = trace;
        for (uint32_t r = 0; r < rows_each; r++) row_put(columns, row++, trace);
    }
    enum parquet_codec codec = random_below(fixture, 2) ? PARQUET_CODEC_ZSTD : PARQUET_CODEC_NONE;
    if (!parquet_write(fixture->writer, columns, 0, row, codec, &bytes, &err)) fail_msg("%s", err.text);
    struct disk_file *out;
    assert_true(fixture->disk->ops->open(fixture->disk, path, DISK_READ | DISK_WRITE | DISK_CREATE | DISK_TRUNCATE,
                                         &out, &err));
    assert_true(fixture->disk->ops->pwrite(out, 0, &bytes, 1, &err));
    fixture->disk->ops->close(out);
    columns_destroy(columns);
}

struct opened {
    struct disk *disk;
    struct disk_file *file;
};

static bool opened_read(void *ctx, uint64_t offset, void *ptr, size_t len, struct err *err)
{
    struct opened *opened = ctx;
    size_t got = 0;
    return opened->disk->ops->pread(opened->file, offset, ptr, len, &got, err) &&
           (got == len || err_set(err, ERR_CORRUPT, "short"));
}

/* Writes a file of some row groups and tells the index of it. */
static void file_add(struct fixture *fixture)
{
    struct known_file *file = &fixture->files[fixture->file_count];
    struct parquet_input inputs[4];
    struct err err = { .code = ERR_OK };
    memset(file, 0, sizeof *file);
    snprintf(file->key, sizeof file->key, "otel_logs_and_spans/part-%u.parquet", fixture->file_count++);
    file->group_count = 1 + random_below(fixture, 4);
    for (uint32_t g = 0; g < file->group_count; g++) {
        char path[40];
        snprintf(path, sizeof path, "/tmp/group%u", g);
        group_write(fixture, file, g, path);
        struct disk_stat stat;
        assert_true(fixture->disk->ops->open(fixture->disk, path, DISK_READ, &inputs[g].file, &err));
        assert_true(fixture->disk->ops->stat(inputs[g].file, &stat, &err));
        inputs[g].bytes = stat.bytes;
    }
    struct opened opened = { .disk = fixture->disk };
    struct index_source source = { .read = opened_read, .ctx = &opened };
    struct parquet_footer *footer;
    struct index_values *values;
    assert_true(fixture->disk->ops->open(fixture->disk, "/tmp/joined",
                                         DISK_READ | DISK_WRITE | DISK_CREATE | DISK_TRUNCATE, &opened.file, &err));
    if (!parquet_join(fixture->disk, inputs, file->group_count, schema_table(SCHEMA_LOGS_AND_SPANS), opened.file, false,
                      &source.bytes, &footer, &err))
        fail_msg("%s", err.text);
    if (!index_values_read(&values, schema_table(SCHEMA_LOGS_AND_SPANS), &source, &err)) fail_msg("%s", err.text);
    index_note(fixture->index, schema_table(SCHEMA_LOGS_AND_SPANS), project, file->key, values);
    fixture->disk->ops->close(opened.file);
    for (uint32_t g = 0; g < file->group_count; g++) fixture->disk->ops->close(inputs[g].file);
    parquet_footer_destroy(footer);
}

static struct index *index_open(struct fixture *fixture, uint32_t pending_files)
{
    struct index_options options = { .store = fixture->store,
                                     .disk = fixture->disk,
                                     .tmp_dir = "/tmp",
                                     .pending_files = pending_files,
                                     .log = &test_log };
    return index_create(&options);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct err err = { .code = ERR_OK };
    fixture->sim = disk_sim_create(512);
    fixture->disk = disk_sim_disk(fixture->sim);
    assert_true(fixture->disk->ops->mkdir(fixture->disk, "/tmp", &err));
    if (!object_store_open_folder(&fixture->store, "/store", fixture->disk, &err)) fail_msg("%s", err.text);
    fixture->index = index_open(fixture, 3);
    fixture->writer = parquet_writer_create();
    fixture->files = calloc(FILES_MAX, sizeof *fixture->files);
    fixture->random = 42;
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    index_close(fixture->index);
    object_store_close(fixture->store);
    disk_sim_destroy(fixture->sim);
    parquet_writer_destroy(fixture->writer);
    free(fixture->files);
    free(fixture);
    return 0;
}

/* ---- asking ---- */

enum kind { KIND_TRACE, KIND_SESSION, KIND_ERROR };

static bool trace_has(enum kind kind, uint32_t trace, uint32_t wanted)
{
    switch (kind) {
    case KIND_TRACE: return trace == wanted;
    case KIND_SESSION: return trace % 10 == 0 && trace / 10 == wanted / 10;
    case KIND_ERROR: return trace / 3 == wanted / 3;
    }
    return false;
}

static uint64_t groups_with(const struct known_file *file, enum kind kind, uint32_t wanted)
{
    uint64_t groups = 0;
    for (uint32_t g = 0; g < file->group_count; g++)
        for (uint32_t t = 0; t < file->trace_count[g]; t++)
            if (trace_has(kind, file->traces[g][t], wanted)) groups |= (uint64_t)1 << g;
    return groups;
}

struct tally {
    uint64_t asked, out, wrong;
};

/* Every file that holds it keeps those groups. Counts files ruled out, and those kept for nothing. */
static void ask(struct fixture *fixture, enum kind kind, uint32_t wanted, struct tally *tally)
{
    static const uint32_t columns[] = { LOGS_AND_SPANS_context___trace_id, LOGS_AND_SPANS_attributes___session___id,
                                        LOGS_AND_SPANS_hashes };
    char text[40];
    struct bytes value = kind == KIND_TRACE     ? trace_text(wanted, text)
                         : kind == KIND_SESSION ? session_text(wanted, text)
                                                : error_text(wanted, text);
    struct index_question question = { .table = schema_table(SCHEMA_LOGS_AND_SPANS),
                                       .project_id = project,
                                       .column = columns[kind],
                                       .values = &value,
                                       .value_count = 1,
                                       .is_all = kind == KIND_ERROR };
    struct index_file *files = calloc(fixture->file_count + 1, sizeof *files);
    for (uint32_t f = 0; f < fixture->file_count; f++)
        files[f] = (struct index_file){ index_file_hash(fixture->files[f].key), INDEX_GROUPS_ANY };
    (void)index_lookup(fixture->index, &question, files, fixture->file_count);
    for (uint32_t f = 0; f < fixture->file_count; f++) {
        uint64_t groups = groups_with(&fixture->files[f], kind, wanted);
        if (!fixture->files[f].is_gone) assert_int_equal(files[f].groups & groups, groups);
        tally->asked++;
        tally->out += files[f].groups == 0;
        tally->wrong += files[f].groups != 0 && groups == 0;
    }
    free(files);
}

static void ask_some(struct fixture *fixture, uint32_t step, struct tally *tally)
{
    for (uint32_t trace = 0; trace < fixture->trace_next + 50; trace += step) {
        ask(fixture, KIND_TRACE, trace, tally);
        ask(fixture, KIND_SESSION, trace, tally);
        ask(fixture, KIND_ERROR, trace, tally);
    }
}

static void work(struct fixture *fixture)
{
    struct hash128 live[FILES_MAX];
    struct err err = { .code = ERR_OK };
    struct index_upkeep upkeep = { .table = schema_table(SCHEMA_LOGS_AND_SPANS),
                                   .project_id = project,
                                   .live_mono_ns = clock_mono_ns(),
                                   .live = live };
    for (uint32_t f = 0; f < fixture->file_count; f++)
        if (!fixture->files[f].is_gone) live[upkeep.live_count++] = index_file_hash(fixture->files[f].key);
    qsort(live, upkeep.live_count, sizeof *live, index_hash_order);
    do {
        if (!index_work(fixture->index, &upkeep, &err)) fail_msg("%s", err.text);
    } while (!upkeep.is_done);
}

static void index_reopen(struct fixture *fixture)
{
    index_close(fixture->index);
    fixture->index = index_open(fixture, 3);
}

/* Goal: no look-up ever rules out a row group that holds the value, and nearly all others are ruled out.
 * Method: files with known traces, sessions and errors; ask for all, with runs pending, written, merged, read anew. */
static void test_holds_what_files_hold(void **state)
{
    struct fixture *fixture = *state;
    struct tally tally = { 0 };
    for (uint32_t f = 0; f < 100; f++) {
        file_add(fixture);
        if (f % 25 == 24) ask_some(fixture, 31, &tally);
        if (f % 10 == 9) work(fixture);
    }
    ask_some(fixture, 3, &tally);
    work(fixture);
    ask_some(fixture, 7, &tally);
    assert_int_equal(tally.wrong, 0);
    assert_true(tally.out > tally.asked * 9 / 10);
    index_sync(fixture->index, UINT64_MAX);
    index_reopen(fixture);
    tally = (struct tally){ 0 };
    ask_some(fixture, 5, &tally);
    assert_int_equal(tally.wrong, 0);
    assert_true(tally.out > tally.asked * 9 / 10);
}

static uint64_t gets(struct fixture *fixture)
{
    struct object_counts counts;
    object_counts(fixture->store, &counts);
    return counts.of[OBJECT_COUNT_GET];
}

/* Goal: a look-up costs few requests however many files there are, also the first one.
 * Method: count the store's reads of look-ups in an index opened anew. */
static void test_look_up_is_few_gets(void **state)
{
    struct fixture *fixture = *state;
    struct tally tally = { 0 };
    struct index_counts counts;
    for (uint32_t f = 0; f < 600; f++) {
        file_add(fixture);
        if (f % 20 == 0) work(fixture);
    }
    index_sync(fixture->index, UINT64_MAX);
    work(fixture);
    index_reopen(fixture);
    uint64_t before = gets(fixture);
    ask(fixture, KIND_TRACE, 1234, &tally);
    index_counts(fixture->index, &counts);
    assert_in_range(counts.runs, 1, 5); /* 36,000 entries: log8 of them */
    assert_in_range(gets(fixture) - before, 1, 2 * counts.runs);
    before = gets(fixture);
    ask(fixture, KIND_TRACE, 4321, &tally);
    assert_in_range(gets(fixture) - before, 0, 3); /* small runs are in memory */
    assert_true(tally.out > tally.asked * 9 / 10);
    assert_int_equal(counts.runs_damaged, 0);
}

/* Goal: files that are gone leave the runs, and a run of none but such goes as a whole.
 * Method: declare most files gone, do the work, see that the run written last knows few files. */
static void test_forgets_files_that_are_gone(void **state)
{
    struct fixture *fixture = *state;
    struct tally tally = { 0 };
    for (uint32_t f = 0; f < 60; f++) file_add(fixture);
    index_sync(fixture->index, UINT64_MAX);
    work(fixture);
    for (uint32_t f = 0; f < 50; f++) fixture->files[f].is_gone = true;
    for (uint32_t f = 0; f < 6; f++) file_add(fixture);
    index_sync(fixture->index, UINT64_MAX);
    work(fixture);
    const struct schema_table *table = schema_table(SCHEMA_LOGS_AND_SPANS);
    for (uint32_t f = 0; f < fixture->file_count; f++)
        assert_int_equal(index_covers(fixture->index, table, project, index_file_hash(fixture->files[f].key)),
                         !fixture->files[f].is_gone);
    for (uint32_t f = 0; f < fixture->file_count; f++) fixture->files[f].is_gone = true;
    work(fixture);
    struct index_counts counts;
    index_counts(fixture->index, &counts);
    assert_int_equal(counts.runs, 0);
    ask_some(fixture, 50, &tally);
    assert_int_equal(tally.out, 0);
}

/* ---- threads ---- */

struct asker {
    struct fixture seen; /* the same index and files; those up to known_count do not change any more */
    _Atomic uint32_t *known_count;
    atomic_bool *stops;
    uint32_t number;
};

static void *ask_until_stopped(void *ctx)
{
    struct asker *asker = ctx;
    uint32_t trace = asker->number;
    while (!atomic_load(asker->stops)) {
        struct tally tally = { 0 };
        asker->seen.file_count = atomic_load(asker->known_count);
        ask(&asker->seen, (enum kind)(trace % 3), trace, &tally);
        trace = (trace + 7) % 2000;
    }
    return NULL;
}

/* Goal: look-ups beside notes, merges and other processes' deletions of runs never rule out a file that holds the value.
 * Method: three threads ask while one notes files and merges; a second index on the same store merges as well. */
static void test_threads(void **state)
{
    struct fixture *fixture = *state;
    struct fixture other = *fixture; /* as another process: it knows what is in the store */
    _Atomic uint32_t known_count = 0;
    atomic_bool stops = false;
    pthread_t threads[3];
    struct asker askers[3];
    other.index = index_open(fixture, 3);
    for (uint32_t t = 0; t < COUNT_OF(threads); t++) {
        askers[t] = (struct asker){ *fixture, &known_count, &stops, t };
        assert_int_equal(pthread_create(&threads[t], NULL, ask_until_stopped, &askers[t]), 0);
    }
    for (uint32_t f = 0; f < 120; f++) {
        struct tally tally = { 0 };
        file_add(fixture);
        atomic_store(&known_count, fixture->file_count);
        other.file_count = fixture->file_count;
        if (f % 10 == 9) work(f % 20 == 9 ? fixture : &other);
        if (f % 30 == 0) ask(&other, KIND_TRACE, f, &tally);
    }
    atomic_store(&stops, true);
    for (uint32_t t = 0; t < COUNT_OF(threads); t++) pthread_join(threads[t], NULL);
    index_close(other.index);
}

/* ---- damage ---- */

struct keys {
    char keys[64][RUN_KEY_BYTES];
    uint32_t count;
};

static bool key_take(void *ctx, const char *key, uint64_t bytes, int64_t modified_unix_us)
{
    struct keys *keys = ctx;
    (void)bytes, (void)modified_unix_us;
    snprintf(keys->keys[keys->count++], RUN_KEY_BYTES, "%s", key);
    return keys->count < COUNT_OF(keys->keys);
}

static void runs_list(struct fixture *fixture, struct keys *keys)
{
    struct err err = { .code = ERR_OK };
    keys->count = 0;
    assert_true(object_list(fixture->store, "otel_logs_and_spans/_monoscope/", key_take, keys, &err));
}

/* Goal: a run that is damaged, torn or gone costs time and no rows.
 * Method: harm the largest run's bytes at many places, before and after its meta was read; ask. */
static void test_damage_costs_no_rows(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { .code = ERR_OK };
    struct keys keys;
    struct buf good;
    for (uint32_t f = 0; f < 300; f++) file_add(fixture);
    index_sync(fixture->index, UINT64_MAX);
    work(fixture);
    runs_list(fixture, &keys);
    buf_init(&good, 64u << 20);
    uint32_t largest = 0;
    uint64_t bytes_max = 0;
    for (uint32_t k = 0; k < keys.count; k++) {
        uint64_t bytes;
        assert_true(object_size(fixture->store, keys.keys[k], &bytes, &err));
        if (bytes > bytes_max) largest = k;
        bytes_max = bytes > bytes_max ? bytes : bytes_max;
    }
    assert_true(object_get(fixture->store, keys.keys[largest], 64u << 20, &good, &err));
    assert_true(good.len > 128 * 1024); /* its pages are read when asked for */
    uint64_t damaged = 0;
    for (uint32_t round = 0; round < 40; round++) {
        struct tally tally = { 0 };
        struct index_counts counts;
        size_t at = random_below(fixture, (uint32_t)good.len);
        uint8_t flip = (uint8_t)(1 + random_below(fixture, 255));
        index_reopen(fixture);
        if (round % 2 == 1) ask(fixture, KIND_TRACE, 1, &tally); /* its meta is known, then */
        good.ptr[at] ^= flip;
        struct bytes harmed = bytes_from(good.ptr, round % 5 == 4 ? at : good.len);
        assert_true(object_put(fixture->store, keys.keys[largest], harmed, &err));
        if (round % 10 == 9) assert_true(object_delete(fixture->store, keys.keys[largest], &err));
        good.ptr[at] ^= flip;
        for (uint32_t trace = round; trace < fixture->trace_next; trace += fixture->trace_next / 40)
            ask(fixture, KIND_TRACE, trace, &tally);
        index_counts(fixture->index, &counts);
        damaged += counts.runs_damaged;
    }
    assert_true(damaged > 5); /* it was noticed */
    buf_deinit(&good);
}

/* ---- snappy ---- */

static void test_snappy(void **state)
{
    (void)state;
    static const uint8_t packed[] = {
        13, 3 << 2, 'a', 'b', 'c', 'd', (9 - 4) << 2 | 1, 4
    }; /* abcd, then 9 bytes from 4 back */
    uint8_t out[16];
    assert_true(chunk_snappy_unpack(bytes_from(packed, sizeof packed), 13, out));
    assert_memory_equal(out, "abcdabcdabcda", 13);
    for (size_t len = 0; len < sizeof packed; len++)
        assert_false(chunk_snappy_unpack(bytes_from(packed, len), 13, out));
    static const uint8_t before_start[] = { 4, 0, 'a', 2 << 2 | 2, 2, 0 };
    assert_false(chunk_snappy_unpack(bytes_from(before_start, sizeof before_start), 4, out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_holds_what_files_hold, setup, teardown),
        cmocka_unit_test_setup_teardown(test_look_up_is_few_gets, setup, teardown),
        cmocka_unit_test_setup_teardown(test_forgets_files_that_are_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_threads, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damage_costs_no_rows, setup, teardown),
        cmocka_unit_test(test_snappy),
    };
    return cmocka_run_group_tests_name("index", tests, NULL, NULL);
}
