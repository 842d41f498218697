/* Every kind of store, by the same tests: a folder, or, when MONO_TEST_STORAGE is s3://bucket/prefix, the bucket of a real server
 * that AWS_* tell of (tests/story_object_store.py runs it so). What only a folder has is in object_folder_test.c. */
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "aws/aws.h"
#include "base/uuid.h"
#include "timefusion/object/object.h"

struct fixture {
    char dir[64], url[512];
    struct http_client *client;
    struct aws *aws;
    struct object_options options;
    struct object_store *store;
    bool is_bucket;
};

static void aws_begin(struct fixture *fixture)
{
    struct err err = { 0 };
    fixture->client = http_client_create(NULL);
    struct aws_options options = { .client = fixture->client };
    if (!aws_open(&fixture->aws, &options, &err)) fail_msg("%s", err.text);
    fixture->options.aws = fixture->aws;
    fixture->options.endpoint = aws_endpoint(fixture->aws, "S3");
    fixture->options.is_virtual_host = getenv("MONO_TEST_VIRTUAL_HOST") != NULL;
    fixture->is_bucket = true;
}

/* Each test has a folder, or a prefix of the bucket, of its own. */
static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    const char *bucket = getenv("MONO_TEST_STORAGE");
    struct err err = { 0 };
    strcpy(fixture->dir, "/tmp/mono_object_XXXXXX");
    assert_non_null(mkdtemp(fixture->dir));
    fixture->options.disk = &disk_real;
    if (bucket && bucket[0]) {
        char id[UUID_TEXT_BYTES + 1];
        uuid_to_text(uuid_random(), id);
        snprintf(fixture->url, sizeof fixture->url, "%s/object test=1/%s", bucket, id);
        aws_begin(fixture);
    } else {
        snprintf(fixture->url, sizeof fixture->url, "file://%s/new/store", fixture->dir);
    }
    if (!object_store_open_url(&fixture->store, fixture->url, &fixture->options, &err)) fail_msg("%s", err.text);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    char command[128];
    object_store_close(fixture->store);
    aws_close(fixture->aws);
    http_client_destroy(fixture->client);
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

    assert_true(object_delete(store, "t/log/0.json", &err));
    assert_true(object_delete(store, "t/log/0.json", &err));
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
    assert_int_equal(counts.of[OBJECT_COUNT_HEAD], fixture->is_bucket ? 0 : 1); /* a folder's are fstat(2) */
    assert_int_equal(counts.of[OBJECT_COUNT_DELETE], 1);
    assert_int_equal(counts.of[OBJECT_COUNT_LIST], 2);
    assert_int_equal(counts.of[OBJECT_COUNT_BYTES_READ], 5);
    assert_int_equal(counts.of[OBJECT_COUNT_RETRY], 0);
    assert_int_equal(counts.of[OBJECT_COUNT_FAILED], 0);
}

/* Goal: a URL opens what it names, with or without a "/" at its end, and what cannot be opened says what can.
 * Method: good and bad ones. */
static void test_url(void **state)
{
    struct fixture *fixture = *state;
    struct object_store *store;
    struct err err = { 0 };
    char slash[600];
    snprintf(slash, sizeof slash, "%s/", fixture->url);
    put(fixture->store, "t/a", "one");
    const char *good[] = { fixture->url, slash };
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        if (!object_store_open_url(&store, good[i], &fixture->options, &err)) fail_msg("%s", err.text);
        assert_object(store, "t/a", "one");
        assert_string_equal(object_store_url(store), fixture->url);
        object_store_close(store);
    }
    static const char *const bad[] = {
        "file://host/folder", "gs://bucket",  "file://",       "", "s3://", "s3:///prefix",
        "s3://x/../y",        "s3://a?b=c/d", "s3://bucket/.."
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_false(object_store_open_url(&store, bad[i], &fixture->options, &err));
        assert_true(err.code == ERR_INPUT || err.code == ERR_UNSUPPORTED);
        assert_null(store);
    }
}

enum { PAGES_KEYS = 1100, PAGES_THREADS = 4 };
struct pages {
    struct object_store *store;
    uint32_t first, count;
};

static void page_key(uint32_t i, char key[64])
{
    snprintf(key, 64, "pages/date=1/%05u &<\xc3\xa9>+%%", i);
}

static void *pages_put(void *ctx)
{
    struct pages *pages = ctx;
    for (uint32_t i = pages->first; i < pages->count; i += PAGES_THREADS) {
        char key[64];
        struct err err = { 0 };
        page_key(i, key);
        if (!object_put(pages->store, key, BYTES("x"), &err)) return mem_strdup(err.text);
    }
    return NULL;
}

struct page_check {
    uint32_t next, stop_at;
};

static bool pages_entry(void *ctx, const char *key, uint64_t bytes, int64_t modified_unix_us)
{
    struct page_check *check = ctx;
    char wanted[64];
    (void)modified_unix_us;
    page_key(check->next, wanted);
    assert_string_equal(key, wanted);
    assert_int_equal(bytes, 1);
    return ++check->next != check->stop_at;
}

/* Goal: listings of more than a page (1,000 keys) lack nothing, whatever characters the keys have, and many go at once.
 * Method: 1,100 keys, listed from the beginning, from a middle and to a stop behind the first page, then all deleted. */
static void test_pages(void **state)
{
    struct fixture *fixture = *state;
    uint32_t count = fixture->is_bucket ? PAGES_KEYS : 100; /* a folder has no pages, and a put costs it two syncs */
    struct err err = { 0 };
    pthread_t threads[PAGES_THREADS];
    struct pages pages[PAGES_THREADS];
    static char names[PAGES_KEYS][64];
    const char *keys[PAGES_KEYS];
    for (uint32_t i = 0; i < PAGES_THREADS; i++) {
        pages[i] = (struct pages){ fixture->store, i, count };
        assert_int_equal(pthread_create(&threads[i], NULL, pages_put, &pages[i]), 0);
    }
    for (uint32_t i = 0; i < PAGES_THREADS; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        if (failed) fail_msg("%s", (char *)failed);
    }
    const struct page_check checks[] = { { 0, 0 }, { 50, 0 }, { 0, count - 50 }, { count, 0 } };
    for (size_t i = 0; i < COUNT_OF(checks); i++) {
        struct page_check check = checks[i];
        char after[64] = "";
        if (check.next > 0) page_key(check.next - 1, after);
        if (!object_list_from(fixture->store, "pages/", after, pages_entry, &check, &err)) fail_msg("%s", err.text);
        assert_int_equal(check.next, check.stop_at ? check.stop_at : count);
    }
    for (uint32_t i = 0; i < count; i++) {
        page_key(i, names[i]);
        keys[i] = names[i];
    }
    struct seen seen = { 0 };
    if (!object_delete_many(fixture->store, keys, count, &err)) fail_msg("%s", err.text);
    assert_true(object_list(fixture->store, "", seen_add, &seen, &err));
    assert_int_equal(seen.count, 0);
}

/* Bytes whose place can be told from their values. */
static void pattern(uint64_t offset, uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) bytes[i] = (uint8_t)((offset + i) * 2654435761u >> 13);
}

/* The object holds the pattern: whole, and in ranges of which some cross the borders of parts and pieces. */
static void assert_pattern(struct object_store *store, const char *key, size_t len)
{
    struct err err = { 0 };
    struct object_counts before, after;
    uint64_t bytes = 0;
    uint8_t *read = malloc(len), *wanted = malloc(len), tail[100], middle[5000];
    pattern(0, wanted, len);
    if (!object_size(store, key, &bytes, &err)) fail_msg("%s", err.text);
    assert_int_equal(bytes, len);
    struct object_range ranges[] = { { len - sizeof tail, sizeof tail, tail },
                                     { len / 2, sizeof middle, middle },
                                     { 0, len, read } };
    object_counts(store, &before);
    if (!object_get_ranges(store, key, ranges, COUNT_OF(ranges), &err)) fail_msg("%s", err.text);
    object_counts(store, &after);
    assert_memory_equal(tail, wanted + len - sizeof tail, sizeof tail);
    assert_memory_equal(middle, wanted + len / 2, sizeof middle);
    assert_memory_equal(read, wanted, len);
    assert_int_equal(after.of[OBJECT_COUNT_HEAD], before.of[OBJECT_COUNT_HEAD]);
    assert_int_equal(after.of[OBJECT_COUNT_BYTES_READ] - before.of[OBJECT_COUNT_BYTES_READ],
                     len + sizeof tail + sizeof middle);
    free(read);
    free(wanted);
}

/* Goal: a finished local file becomes an object, and its old name is gone, whatever its size.
 * Method: empty, small, at the border of one request, and in several parts. */
static void test_put_file(void **state)
{
    struct fixture *fixture = *state;
    static const size_t sizes[] = { 12003, 16 << 20, (16 << 20) + 1, 70 << 20 };
    char path[128];
    uint64_t bytes = 1;
    snprintf(path, sizeof path, "%s/local", fixture->dir);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct err err = { 0 };
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        uint8_t *content = malloc(sizes[i]);
        pattern(0, content, sizes[i]);
        assert_int_equal(fwrite(content, 1, sizes[i], file), sizes[i]);
        free(content);
        fclose(file);
        if (!object_put_file(fixture->store, "t/date=1/part", path, &err)) fail_msg("%s", err.text);
        assert_pattern(fixture->store, "t/date=1/part", sizes[i]);
        assert_int_equal(access(path, F_OK), -1);
    }
    struct err err = { 0 };
    fclose(fopen(path, "w"));
    if (!object_put_file(fixture->store, "t/empty", path, &err)) fail_msg("%s", err.text);
    assert_true(object_size(fixture->store, "t/empty", &bytes, &err));
    assert_int_equal(bytes, 0);
    assert_object(fixture->store, "t/empty", "");
    assert_false(object_put_file(fixture->store, "t/none", path, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

/* Goal: several files go together, the large ones among them too; one that is missing fails them, and the others may be there.
 * Method: more files than go side by side, each of its own size; then one without its file. */
static void test_put_files(void **state)
{
    struct fixture *fixture = *state;
    enum { FILES = 40 };
    char keys[FILES][32], paths[FILES][128];
    struct object_file files[FILES];
    struct err err = { 0 };
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < FILES; i++) {
            size_t len = i == 7 ? (16u << 20) + 100 : 12000 + i;
            uint8_t *content = malloc(len);
            snprintf(keys[i], sizeof keys[i], "t/date=1/part-%u", i);
            snprintf(paths[i], sizeof paths[i], "%s/local-%u", fixture->dir, i);
            files[i] = (struct object_file){ keys[i], paths[i] };
            pattern(0, content, len);
            FILE *file = fopen(paths[i], "w");
            assert_int_equal(fwrite(content, 1, len, file), len);
            fclose(file);
            free(content);
        }
        if (round == 1) unlink(paths[35]);
        bool ok = object_put_files(fixture->store, files, FILES, &err);
        if (round == 0 && !ok) fail_msg("%s", err.text);
        for (uint32_t i = 0; round == 0 && i < FILES; i++) {
            assert_pattern(fixture->store, keys[i], i == 7 ? (16u << 20) + 100 : 12000 + i);
            assert_int_equal(access(paths[i], F_OK), -1);
        }
        assert_true(ok == (round == 0));
    }
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

/* Goal: what is written piece by piece is there once finished, also when it takes several parts.
 * Method: 20 MB in pieces of odd lengths. */
static void test_large_writer(void **state)
{
    struct fixture *fixture = *state;
    enum { LEN = 20 << 20, PIECE = 300007 };
    struct err err = { 0 };
    struct object_writer *writer;
    uint8_t *piece = malloc(PIECE);
    uint64_t bytes;
    for (int finish = 0; finish < 2; finish++) {
        if (!object_writer_open(fixture->store, "t/large", &writer, &err)) fail_msg("%s", err.text);
        for (size_t done = 0; done < LEN;) {
            size_t len = LEN - done < PIECE ? LEN - done : PIECE;
            pattern(done, piece, len);
            if (!object_writer_add(writer, bytes_from(piece, len), &err)) fail_msg("%s", err.text);
            done += len;
        }
        assert_false(object_size(fixture->store, "t/large", &bytes, &err));
        assert_int_equal(err.code, ERR_NOT_FOUND);
        if (!finish) object_writer_cancel(writer);
        if (finish && !object_writer_finish(writer, &err)) fail_msg("%s", err.text);
    }
    assert_pattern(fixture->store, "t/large", LEN);
    free(piece);
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
 * Method: four threads on two handles of one store race for a hundred keys. */
static void test_put_if_absent_race(void **state)
{
    struct fixture *fixture = *state;
    struct object_store *second;
    struct err err = { 0 };
    assert_true(object_store_open_url(&second, fixture->url, &fixture->options, &err));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(test_put_get_delete, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list_from, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pages, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ranges, setup, teardown),
        cmocka_unit_test_setup_teardown(test_delete_many, setup, teardown),
        cmocka_unit_test_setup_teardown(test_probe, setup, teardown),
        cmocka_unit_test_setup_teardown(test_url, setup, teardown),
        cmocka_unit_test_setup_teardown(test_put_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_put_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_writer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_large_writer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_put_if_absent_race, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
