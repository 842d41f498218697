/* The lock for stores without put-if-absent, against a table of items that keeps conditions as DynamoDB does.
 * (The real one, beside Spark and delta-rs: tests/story_s3_lock.py.) */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <yyjson.h>
#include <cmocka.h>

#include "aws/aws_test_server.h"
#include "base/clock.h"
#include "timefusion/delta/commit_store.h"
#include "timefusion/object/object_ops.h"

#define URI "s3://bucket/data/otel_metrics"

struct item {
    char name[32], temp[128], complete[8], expires[24], uri[64];
};
struct items {
    struct item list[512];
    uint32_t count;
    uint32_t drop_answer_of_put; /* the nth PutItem is done, and answered by 500 */
    bool has_table, may_create;
    atomic_int puts, queries;
};

static const char *text_at(yyjson_val *object, const char *pointer)
{
    const char *text = yyjson_get_str(yyjson_ptr_get(object, pointer));
    return text ? text : "";
}

static struct item *item_find(struct items *items, const char *uri, const char *name)
{
    for (uint32_t i = 0; i < items->count; i++)
        if (strcmp(items->list[i].uri, uri) == 0 && strcmp(items->list[i].name, name) == 0) return &items->list[i];
    return NULL;
}

static void item_answer(struct http_request *request, const char *group, const struct item *item)
{
    char json[512];
    bool is_list = strcmp(group, "Items") == 0;
    snprintf(json, sizeof json,
             item ? "{\"%s\":%s{\"tablePath\":{\"S\":\"%s\"},\"fileName\":{\"S\":\"%s\"},\"tempPath\":{\"S\":\"%s\"},"
                    "\"complete\":{\"S\":\"%s\"}}%s}"
             : is_list ? "{\"%s\":[]}"
                       : "{}",
             group, is_list ? "[" : "", item ? item->uri : "", item ? item->name : "", item ? item->temp : "",
             item ? item->complete : "", is_list ? "]" : "");
    aws_server_answer(request, 200, json, NULL, 0);
}

static void failure_answer(struct http_request *request, const char *type)
{
    char json[128];
    snprintf(json, sizeof json, "{\"__type\":\"com.amazonaws.dynamodb.v20120810#%s\",\"message\":\"no\"}", type);
    aws_server_answer(request, 400, json, NULL, 0);
}

static void put_item(struct items *items, yyjson_val *root, struct http_request *request)
{
    const char *uri = text_at(root, "/Item/tablePath/S"), *name = text_at(root, "/Item/fileName/S");
    if (strcmp(text_at(root, "/ConditionExpression"), "attribute_not_exists(fileName)") != 0)
        return failure_answer(request, "ValidationException");
    if (item_find(items, uri, name)) return failure_answer(request, "ConditionalCheckFailedException");
    struct item *item = &items->list[items->count++];
    snprintf(item->uri, sizeof item->uri, "%s", uri);
    snprintf(item->name, sizeof item->name, "%s", name);
    snprintf(item->temp, sizeof item->temp, "%s", text_at(root, "/Item/tempPath/S"));
    snprintf(item->complete, sizeof item->complete, "%s", text_at(root, "/Item/complete/S"));
    if ((uint32_t)atomic_fetch_add(&items->puts, 1) + 1 == items->drop_answer_of_put)
        return aws_server_answer(request, 500, "", NULL, 0);
    aws_server_answer(request, 200, "{}", NULL, 0);
}

static void update_item(struct items *items, yyjson_val *root, struct http_request *request)
{
    struct item *item = item_find(items, text_at(root, "/Key/tablePath/S"), text_at(root, "/Key/fileName/S"));
    if (strcmp(text_at(root, "/ConditionExpression"), "complete = :f") != 0)
        return failure_answer(request, "ValidationException");
    if (!item || strcmp(item->complete, "false") != 0)
        return failure_answer(request, "ConditionalCheckFailedException");
    snprintf(item->complete, sizeof item->complete, "%s", text_at(root, "/ExpressionAttributeValues/:c/S"));
    snprintf(item->expires, sizeof item->expires, "%s", text_at(root, "/ExpressionAttributeValues/:e/N"));
    aws_server_answer(request, 200, "{}", NULL, 0);
}

static void latest_item(struct items *items, yyjson_val *root, struct http_request *request)
{
    const struct item *latest = NULL;
    atomic_fetch_add(&items->queries, 1);
    for (uint32_t i = 0; i < items->count; i++) {
        const struct item *item = &items->list[i];
        if (strcmp(item->uri, text_at(root, "/ExpressionAttributeValues/:t/S")) != 0) continue;
        if (!latest || strcmp(item->name, latest->name) > 0) latest = item;
    }
    item_answer(request, "Items", latest);
}

static void table_answer(struct items *items, bool creates, struct http_request *request)
{
    if (!creates && !items->has_table) return failure_answer(request, "ResourceNotFoundException");
    if (creates && !items->may_create) return failure_answer(request, "AccessDeniedException");
    items->has_table = true;
    aws_server_answer(request, 200,
                      "{\"Table\":{\"TableStatus\":\"ACTIVE\",\"KeySchema\":[{\"AttributeName\":\"tablePath\","
                      "\"KeyType\":\"HASH\"},{\"AttributeName\":\"fileName\",\"KeyType\":\"RANGE\"}]}}",
                      NULL, 0);
}

static void on_request(void *ctx, struct http_request *request)
{
    struct items *items = ((struct aws_server *)ctx)->ctx;
    struct bytes target = http_request_header(request, "x-amz-target");
    char operation[64];
    snprintf(operation, sizeof operation, "%.*s", (int)target.len, (const char *)target.ptr);
    const char *name = strchr(operation, '.') ? strchr(operation, '.') + 1 : "";
    yyjson_doc *doc = yyjson_read((const char *)request->body.ptr, request->body.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc);
    if (strcmp(name, "PutItem") == 0) {
        put_item(items, root, request);
    } else if (strcmp(name, "UpdateItem") == 0) {
        update_item(items, root, request);
    } else if (strcmp(name, "Query") == 0) {
        latest_item(items, root, request);
    } else if (strcmp(name, "GetItem") == 0) {
        item_answer(request, "Item",
                    item_find(items, text_at(root, "/Key/tablePath/S"), text_at(root, "/Key/fileName/S")));
    } else if (strcmp(name, "DescribeTable") == 0 || strcmp(name, "CreateTable") == 0) {
        table_answer(items, name[0] == 'C', request);
    } else {
        aws_server_answer(request, 200, "{}", NULL, 0);
    }
    yyjson_doc_free(doc);
}

struct fixture {
    struct aws_server server;
    struct items items;
    struct aws *aws;
    struct object_store *store;
    struct commit_store *commits;
};

static void commits_open(struct fixture *fixture, struct commit_store **commits)
{
    struct err err = { 0 };
    struct commit_store_options options = { .store = fixture->store,
                                            .aws = fixture->aws,
                                            .lock_table = "delta_log",
                                            .prefix = "otel_metrics",
                                            .table_uri = URI,
                                            .log = &aws_quiet };
    if (!commit_store_open_dynamodb(commits, &options, &err)) fail_msg("%s", err.text);
}

static int setup(void **state)
{
    struct fixture *fixture = mem_calloc(1, sizeof *fixture);
    struct err err = { 0 };
    char path[128];
    aws_server_open(&fixture->server, on_request);
    fixture->server.ctx = &fixture->items;
    fixture->items.may_create = true;
    aws_server_set(&fixture->server, "AWS_ACCESS_KEY_ID", "id");
    aws_server_set(&fixture->server, "AWS_SECRET_ACCESS_KEY", "secret");
    aws_server_set(&fixture->server, "AWS_REGION", "r-1");
    aws_server_set(&fixture->server, "AWS_ENDPOINT_URL_DYNAMODB", fixture->server.url);
    struct aws_options options = { .client = fixture->server.client,
                                   .log = &aws_quiet,
                                   .environment = aws_server_environment,
                                   .environment_ctx = &fixture->server };
    snprintf(path, sizeof path, "%s/store", fixture->server.dir);
    if (!aws_open(&fixture->aws, &options, &err) || !object_store_open_folder(&fixture->store, path, &disk_real, &err))
        return -1;
    commits_open(fixture, &fixture->commits);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    char command[128];
    commit_store_close(fixture->commits);
    object_store_close(fixture->store);
    aws_close(fixture->aws);
    snprintf(command, sizeof command, "rm -rf %s/store", fixture->server.dir);
    if (system(command) != 0) return -1;
    aws_server_close(&fixture->server);
    free(fixture);
    return 0;
}

static void assert_commit(struct fixture *fixture, uint64_t version, const char *wanted)
{
    char key[128];
    struct err err = { 0 };
    struct buf bytes;
    snprintf(key, sizeof key, "otel_metrics/_delta_log/%020llu.json", (unsigned long long)version);
    buf_init(&bytes, 1 << 20);
    if (!object_get(fixture->store, key, 1 << 20, &bytes, &err)) fail_msg("%s", err.text);
    assert_true(bytes_equal(buf_bytes(&bytes), bytes_of_text(wanted)));
    buf_deinit(&bytes);
}

static bool count_key(void *ctx, const char *key, uint64_t bytes, int64_t modified_unix_us)
{
    (void)bytes, (void)modified_unix_us;
    if (strstr(key, "/.tmp/")) ++*(uint32_t *)ctx;
    return true;
}

static uint32_t temp_count(struct fixture *fixture)
{
    uint32_t count = 0;
    struct err err = { 0 };
    assert_true(object_list(fixture->store, "otel_metrics/_delta_log/", count_key, &count, &err));
    return count;
}

/* Goal: a version is committed once; its item is what Delta's own store writes; nothing is left in .tmp. */
static void test_commits(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    assert_string_equal(commit_store_mode(fixture->commits), "dynamodb:delta_log " URI);
    assert_string_equal(commit_store_mode(NULL), "put-if-absent");
    assert_true(commit_store_put(fixture->commits, 0, BYTES("zero"), &err));
    assert_true(commit_store_put(fixture->commits, 1, BYTES("one"), &err));
    assert_false(commit_store_put(fixture->commits, 1, BYTES("other"), &err));
    assert_int_equal(err.code, ERR_EXISTS);
    assert_commit(fixture, 0, "zero");
    assert_commit(fixture, 1, "one");
    assert_int_equal(temp_count(fixture), 0);
    assert_int_equal(fixture->items.count, 2);
    const struct item *item = &fixture->items.list[1];
    assert_string_equal(item->uri, URI);
    assert_string_equal(item->name, "00000000000000000001.json");
    assert_memory_equal(item->temp, ".tmp/00000000000000000001.json.", 31);
    assert_int_equal(strlen(item->temp), 31 + 36);
    assert_string_equal(item->complete, "true");
    int64_t left_s = strtoll(item->expires, NULL, 10) - clock_unix_us() / 1000000;
    assert_in_range(left_s, 86400 - 60, 86400);
}

/* Goal: a hole is never made. Method: version 3 of a table that has 0; entries of a table that is gone. */
static void test_refusals(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    assert_true(commit_store_put(fixture->commits, 0, BYTES("zero"), &err));
    assert_false(commit_store_put(fixture->commits, 3, BYTES("three"), &err));
    assert_int_equal(err.code, ERR_CORRUPT);
    assert_true(object_delete(fixture->store, "otel_metrics/_delta_log/00000000000000000000.json", &err));
    assert_false(commit_store_put(fixture->commits, 0, BYTES("anew"), &err));
    assert_int_equal(err.code, ERR_CORRUPT);
    assert_non_null(strstr(err.text, "older table"));

    fixture->items.has_table = fixture->items.may_create = false;
    struct commit_store *denied;
    struct commit_store_options options = { .store = fixture->store,
                                            .aws = fixture->aws,
                                            .lock_table = "delta_log",
                                            .prefix = "otel_metrics",
                                            .table_uri = URI,
                                            .log = &aws_quiet };
    assert_false(commit_store_open_dynamodb(&denied, &options, &err));
    assert_int_equal(err.code, ERR_FORBIDDEN);
    assert_non_null(strstr(err.text, "dynamodb:CreateTable"));
}

/* What another writer left: an item, its temp file, perhaps N.json. */
static void half_done_make(struct fixture *fixture, uint64_t version, const char *temp, const char *bytes)
{
    struct err err = { 0 };
    char key[192];
    struct item *item = &fixture->items.list[fixture->items.count++];
    snprintf(item->uri, sizeof item->uri, URI);
    snprintf(item->name, sizeof item->name, "%020llu.json", (unsigned long long)version);
    snprintf(item->temp, sizeof item->temp, "%s", temp);
    snprintf(item->complete, sizeof item->complete, "false");
    snprintf(key, sizeof key, "otel_metrics/_delta_log/%s", temp);
    if (bytes) assert_true(object_put(fixture->store, key, bytes_of_text(bytes), &err));
}

/* Goal: a half-done commit is finished by a reader, by the writer of the next version, by one that wants the same version;
 * with the temp names of Spark and of delta-rs. Names that lead out of the log are refused. */
static void test_half_done(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    struct commit_store *other;
    assert_true(commit_store_put(fixture->commits, 0, BYTES("zero"), &err));
    half_done_make(fixture, 1, ".tmp/00000000000000000001.json.4b6a", "spark's");
    commits_open(fixture, &other);
    assert_true(commit_store_recover(other, &err));
    assert_commit(fixture, 1, "spark's");
    assert_string_equal(fixture->items.list[1].complete, "true");

    half_done_make(fixture, 2, "_commit_0a1b.json.tmp", "delta-rs's");
    assert_true(commit_store_put(fixture->commits, 3, BYTES("three"), &err));
    assert_commit(fixture, 2, "delta-rs's");
    assert_string_equal(fixture->items.list[2].complete, "true");

    half_done_make(fixture, 4, ".tmp/00000000000000000004.json.77", "theirs");
    assert_false(commit_store_put(fixture->commits, 4, BYTES("ours"), &err));
    assert_int_equal(err.code, ERR_EXISTS);
    assert_commit(fixture, 4, "theirs");
    assert_string_equal(fixture->items.list[4].complete, "true");
    commit_store_close(other);

    static const char *const bad[] = { "../../secrets", "/etc/passwd", "a//b", ".tmp" };
    for (size_t b = 0; b < COUNT_OF(bad); b++) {
        half_done_make(fixture, 5 + b, bad[b], NULL);
        commits_open(fixture, &other);
        assert_false(commit_store_recover(other, &err));
        assert_int_equal(err.code, ERR_CORRUPT);
        commit_store_close(other);
    }
}

/* Goal: a PutItem that was done and whose answer was lost is our commit, not another's. */
static void test_lost_answer(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    fixture->items.drop_answer_of_put = 1;
    assert_true(commit_store_put(fixture->commits, 0, BYTES("zero"), &err));
    assert_commit(fixture, 0, "zero");
    assert_int_equal(fixture->items.count, 1);
}

/* Goal: wherever a writer dies, what it began is either not there or finished by the next. Method: a child that is killed
 * at each point in turn; then another one opens and commits. */
static void test_killed(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    static const struct {
        const char *point;
        bool is_in;
    } rows[] = { { "commit_store.after_temp", false },
                 { "commit_store.after_entry", true },
                 { "commit_store.after_copy", true } };
    uint64_t version = 0;
    assert_true(commit_store_put(fixture->commits, version++, BYTES("zero"), &err));
    for (size_t r = 0; r < COUNT_OF(rows); r++) {
        char text[32], command[512];
        snprintf(command, sizeof command, "MONOSCOPE_FAIL_POINT=%s:1 /proc/%d/exe --put %s %s/store %llu >/dev/null",
                 rows[r].point, getpid(), fixture->server.url, fixture->server.dir, (unsigned long long)version);
        int status = system(command);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 128 + SIGKILL);
        struct commit_store *next;
        commits_open(fixture, &next);
        assert_true(commit_store_recover(next, &err));
        snprintf(text, sizeof text, "child %llu", (unsigned long long)version);
        if (rows[r].is_in) assert_commit(fixture, version++, text);
        assert_true(commit_store_put(next, version, bytes_of_text("parent"), &err));
        assert_commit(fixture, version++, "parent");
        commit_store_close(next);
    }
    for (uint32_t i = 0; i < fixture->items.count; i++) assert_string_equal(fixture->items.list[i].complete, "true");
}

/* A store in which a stranger puts the version between our look and our put. */
static struct object_ops stranger_ops;
static const struct object_ops *real_ops;

static bool stranger_put_if_absent(struct object_store *store, const char *key, struct bytes bytes, struct err *err)
{
    if (strstr(key, "/00000000000000000001.json")) {
        struct err ignored = { 0 };
        (void)real_ops->put_if_absent(store, key, BYTES("stranger's"), &ignored);
    }
    return real_ops->put_if_absent(store, key, bytes, err);
}

/* Goal: a writer that does not use the lock costs nobody a commit where the store honours If-None-Match: it keeps its
 * version, ours is told so and goes into the next. */
static void test_writer_without_lock(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    assert_true(commit_store_put(fixture->commits, 0, BYTES("zero"), &err));
    real_ops = fixture->store->ops;
    stranger_ops = *real_ops;
    stranger_ops.put_if_absent = stranger_put_if_absent;
    fixture->store->ops = &stranger_ops;
    assert_false(commit_store_put(fixture->commits, 1, BYTES("ours"), &err));
    assert_int_equal(err.code, ERR_EXISTS);
    assert_commit(fixture, 1, "stranger's");
    err = (struct err){ 0 };
    assert_true(commit_store_put(fixture->commits, 2, BYTES("ours"), &err));
    assert_commit(fixture, 2, "ours");
    fixture->store->ops = real_ops;
    for (uint32_t i = 0; i < fixture->items.count; i++) assert_string_equal(fixture->items.list[i].complete, "true");
}

enum { WRITERS = 4, COMMITS_EACH = 12 };
struct writer {
    pthread_t thread;
    struct fixture *fixture;
    uint32_t id, won;
    struct err err;
};

static void *write_some(void *arg)
{
    struct writer *writer = arg;
    struct commit_store *commits;
    uint64_t version = 0;
    commits_open(writer->fixture, &commits);
    while (writer->won < COMMITS_EACH && writer->err.code == ERR_OK) {
        char text[32];
        struct err err = { 0 };
        snprintf(text, sizeof text, "%u/%u", writer->id, writer->won);
        if (commit_store_put(commits, version, bytes_of_text(text), &err)) {
            writer->won++;
        } else if (err.code != ERR_EXISTS) {
            writer->err = err;
        }
        version++;
    }
    commit_store_close(commits);
    return NULL;
}

/* Goal: of writers that want the same version exactly one has it, and the log has no hole. */
static void test_race(void **state)
{
    struct fixture *fixture = *state;
    struct writer writers[WRITERS] = { 0 };
    struct err err = { 0 };
    for (uint32_t w = 0; w < WRITERS; w++) {
        writers[w].fixture = fixture;
        writers[w].id = w;
        assert_int_equal(pthread_create(&writers[w].thread, NULL, write_some, &writers[w]), 0);
    }
    for (uint32_t w = 0; w < WRITERS; w++) pthread_join(writers[w].thread, NULL);
    for (uint32_t w = 0; w < WRITERS; w++)
        if (writers[w].err.code != ERR_OK) fail_msg("%s", writers[w].err.text);
    uint32_t seen[WRITERS] = { 0 };
    for (uint32_t v = 0; v < WRITERS * COMMITS_EACH; v++) {
        char key[128], text[32];
        uint32_t writer, number;
        struct buf bytes;
        snprintf(key, sizeof key, "otel_metrics/_delta_log/%020u.json", v);
        buf_init(&bytes, 1 << 10);
        if (!object_get(fixture->store, key, 1 << 10, &bytes, &err)) fail_msg("%s", err.text);
        snprintf(text, sizeof text, "%.*s", (int)bytes.len, (char *)bytes.ptr);
        assert_int_equal(sscanf(text, "%u/%u", &writer, &number), 2);
        assert_int_equal(number, seen[writer]++);
        buf_deinit(&bytes);
    }
    assert_int_equal(fixture->items.count, WRITERS * COMMITS_EACH);
}

/* The child of test_killed. */
static int put_once(const char *url, const char *dir, const char *version)
{
    struct aws_server around = { 0 };
    struct fixture fixture = { 0 };
    struct err err = { 0 };
    char text[32];
    around.client = http_client_create(NULL);
    aws_server_set(&around, "AWS_ACCESS_KEY_ID", "id");
    aws_server_set(&around, "AWS_SECRET_ACCESS_KEY", "secret");
    aws_server_set(&around, "AWS_REGION", "r-1");
    aws_server_set(&around, "AWS_ENDPOINT_URL_DYNAMODB", url);
    struct aws_options options = {
        .client = around.client, .log = &aws_quiet, .environment = aws_server_environment, .environment_ctx = &around
    };
    if (!aws_open(&fixture.aws, &options, &err) || !object_store_open_folder(&fixture.store, dir, &disk_real, &err))
        return 2;
    commits_open(&fixture, &fixture.commits);
    snprintf(text, sizeof text, "child %s", version);
    return commit_store_put(fixture.commits, strtoull(version, NULL, 10), bytes_of_text(text), &err) ? 0 : 3;
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "--put") == 0) return put_once(argv[2], argv[3], argv[4]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_commits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_half_done, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lost_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_killed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_writer_without_lock, setup, teardown),
        cmocka_unit_test_setup_teardown(test_race, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
