/* A worker process and a query process, as far as segments go: what the one lists the other sees, once, and keeps.
 *
 * Both have a timefusion of their own on one object store, as they have it on one bucket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "net/http_client.h"
#include "net/tls.h"
#include "net/tls_files.h"
#include "peers/feed.h"
#include "peers/peer_server.h"
#include "peers/peers.h"
#include "peers/peers_fixture.h"
#include "timefusion/flush.h"

#define TABLE  SCHEMA_METRICS
#define APP_ID "monoscope/11111111-2222-4333-8444-555555555555/0"
#define KEY    "of the cluster"
enum { WAIT_S = 30 };

/* A process that stores partition 0 for a while. */
struct worker {
    struct timefusion *timefusion;
    struct peer_server *server;
    char address[PEERS_ADDRESS_BYTES];
    struct owner *owner;
    struct flush_owner partition;
    uint64_t position;
    _Atomic uint64_t flushed; /* what peers_flush asked for */
    atomic_bool is_slow;      /* a flush ends in a timeout */
};
struct fixture {
    char dir[64];
    struct object_store *store;
    struct parquet_writer *writer;
    struct uuid project;
    struct worker workers[2];
    struct timefusion *timefusion; /* of the query process */
    struct peers *peers;
    struct tls_context *tls; /* NULL: in the clear */
    char ca_file[80];
    pthread_mutex_t lock; /* guards what members tells */
    char address[PEERS_ADDRESS_BYTES];
    bool members_fail, is_stable;
};

static bool on_flush(void *ctx, const char *app_id, uint64_t position, uint32_t timeout_ms, struct err *err)
{
    struct worker *worker = ctx;
    (void)timeout_ms;
    if (strcmp(app_id, APP_ID) != 0 || worker->owner == NULL) return err_set(err, ERR_NOT_FOUND, "it is not ours");
    if (atomic_load(&worker->is_slow)) return err_set(err, ERR_TIMEOUT, "not yet");
    atomic_store(&worker->flushed, position);
    return true;
}

static void worker_begin(struct fixture *fixture, uint32_t number)
{
    struct worker *worker = &fixture->workers[number];
    struct err err = { 0 };
    char name[16];
    snprintf(name, sizeof name, "worker%u", number);
    worker->timefusion = peers_timefusion_open(fixture->dir, fixture->store, name);
    struct peer_server_options options = { .address = "127.0.0.1",
                                           .tls = fixture->tls,
                                           .key = KEY,
                                           .timefusion = worker->timefusion,
                                           .flush = on_flush,
                                           .ctx = worker,
                                           .log = &quiet };
    if (!peer_server_open(&worker->server, &options, &err)) fail_msg("%s", err.text);
    snprintf(worker->address, sizeof worker->address, "127.0.0.1:%u", peer_server_port(worker->server));
}

/* Takes the partition over, as the worker of a process that was given it. */
static void worker_own(struct worker *worker)
{
    struct err err = { 0 };
    worker->partition = (struct flush_owner){ .app_id = APP_ID };
    if (!flush_fence(worker->timefusion, &worker->partition, 1, &err)) fail_msg("%s", err.text);
    struct owner_options options = { .app_id = APP_ID, .epoch = worker->partition.epoch };
    memcpy(options.stored, worker->partition.txn, sizeof options.stored);
    assert_true(owner_open(timefusion_segments(worker->timefusion), &options, &worker->owner, &err));
    worker->position = worker->partition.txn[TABLE] < 0 ? 0 : (uint64_t)worker->partition.txn[TABLE];
}

static void worker_end(struct worker *worker)
{
    if (!worker->timefusion) return;
    peer_server_close(worker->server);
    owner_close(timefusion_segments(worker->timefusion), worker->owner);
    timefusion_close(worker->timefusion);
    *worker = (struct worker){ 0 };
}

static void row_put(struct columns *columns, int64_t row, size_t text_bytes)
{
    const struct schema_table *table = columns_table(columns);
    char *text = mem_alloc(text_bytes);
    uint64_t random = (uint64_t)row * 0x9E3779B97F4A7C15u + 1;
    for (size_t b = 0; b < text_bytes; b++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        text[b] = (char)('a' + (random >> 33) % 26);
    }
    (void)columns_row_begin(columns, row);
    for (uint32_t c = 0; c < table->column_count; c++) {
        const struct schema_column *column = &table->columns[c];
        if (!schema_column_is_stored(column) || (column->flags & SCHEMA_NOT_NULL) == 0 || c == table->timestamp)
            continue;
        if (column->type == SCHEMA_TYPE_UUID) {
            columns_put_text(columns, c, BYTES("00000000-0000-4000-8000-000000000000"));
        } else if (column->type == SCHEMA_TYPE_TEXT) {
            columns_put_text(columns, c, bytes_from(text, text_bytes));
        } else {
            columns_put_int(columns, c, row);
        }
    }
    columns_row_end(columns);
    free(text);
}

/* The rows of the next `count` records, one each, become a segment, which is listed in place of out's. The caller's. */
static struct file *worker_list(struct fixture *fixture, struct worker *worker, uint32_t count, size_t text_bytes)
{
    struct err err = { 0 };
    struct bytes bytes;
    struct file *segment;
    struct columns *columns = columns_create(schema_table(TABLE));
    for (uint32_t row = 1; row <= count; row++) row_put(columns, (int64_t)(worker->position + row), text_bytes);
    assert_true(parquet_write(fixture->writer, columns, 0, count, PARQUET_CODEC_NONE, &bytes, &err));
    columns_destroy(columns);
    struct segment_range range = { worker->position, worker->position + count, worker->owner };
    struct segments *segments = timefusion_segments(worker->timefusion);
    if (!segment_write(segments, schema_table(TABLE), 0, bytes, range, &segment, &err)) fail_msg("%s", err.text);
    segments_swap(segments, TABLE, fixture->project, NULL, 0, &segment, 1);
    worker->position += count;
    owner_visible(segments, worker->owner, worker->position);
    return segment;
}

/* All of these go to Delta. */
static bool worker_store(struct fixture *fixture, struct worker *worker, struct file **segments, uint32_t count)
{
    struct err err = { 0 };
    struct flush flush = { .owner = &worker->partition, .position = worker->position, .group_count = 1 };
    flush.groups = mem_calloc(1, sizeof *flush.groups);
    flush.groups[0] = (struct flush_group){ .table = schema_table(TABLE),
                                            .project_id = fixture->project,
                                            .sealed = mem_alloc(count * sizeof(struct file *)),
                                            .sealed_count = count };
    memcpy(flush.groups[0].sealed, segments, count * sizeof(struct file *));
    bool ok = flush_run(&flush, worker->timefusion, fixture->writer, &quiet, &err);
    flush_deinit(&flush);
    return ok;
}

static bool on_members(void *ctx, struct peers_members *members, struct err *err)
{
    struct fixture *fixture = ctx;
    pthread_mutex_lock(&fixture->lock);
    bool ok = !fixture->members_fail;
    members->partitions = mem_calloc(1, sizeof *members->partitions);
    members->count = 1;
    members->is_stable = fixture->is_stable;
    snprintf(members->partitions[0].name, sizeof members->partitions[0].name, "monoscope.telemetry/0");
    snprintf(members->partitions[0].app_id, sizeof members->partitions[0].app_id, APP_ID);
    memcpy(members->partitions[0].address, fixture->address, sizeof fixture->address);
    pthread_mutex_unlock(&fixture->lock);
    return ok || err_set(err, ERR_IO, "no broker answers");
}

static void members_tell(struct fixture *fixture, const char *address)
{
    pthread_mutex_lock(&fixture->lock);
    snprintf(fixture->address, sizeof fixture->address, "%s", address);
    pthread_mutex_unlock(&fixture->lock);
}

static void peers_begin(struct fixture *fixture, const char *key, uint64_t disk_bytes_max)
{
    struct err err = { 0 };
    struct peers_options options = { .timefusion = fixture->timefusion,
                                     .members = on_members,
                                     .ctx = fixture,
                                     .key = key,
                                     .has_tls = fixture->tls != NULL,
                                     .ca_file = fixture->ca_file[0] != '\0' ? fixture->ca_file : NULL,
                                     .disk_bytes_max = disk_bytes_max,
                                     .footer_bytes_max = 64 << 20,
                                     .log = &quiet };
    assert_true(peers_open(&fixture->peers, &options, &err));
}

static int setup(void **state)
{
    struct fixture *fixture = mem_calloc(1, sizeof *fixture);
    struct err err = { 0 };
    char tables[80];
    snprintf(fixture->dir, sizeof fixture->dir, "/tmp/mono_peers_XXXXXX");
    if (!mkdtemp(fixture->dir)) return -1;
    snprintf(tables, sizeof tables, "%s/tables", fixture->dir);
    if (!object_store_open_folder(&fixture->store, tables, &disk_real, &err)) return -1;
    fixture->writer = parquet_writer_create();
    fixture->project.bytes[15] = 7;
    fixture->is_stable = true;
    pthread_mutex_init(&fixture->lock, NULL);
    fixture->timefusion = peers_timefusion_open(fixture->dir, fixture->store, "query");
    worker_begin(fixture, 0);
    worker_own(&fixture->workers[0]);
    members_tell(fixture, fixture->workers[0].address);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    char command[96];
    peers_close(fixture->peers);
    worker_end(&fixture->workers[0]);
    worker_end(&fixture->workers[1]);
    tls_context_close(fixture->tls);
    timefusion_close(fixture->timefusion);
    parquet_writer_destroy(fixture->writer);
    object_store_close(fixture->store);
    pthread_mutex_destroy(&fixture->lock);
    snprintf(command, sizeof command, "rm -rf %s", fixture->dir);
    int failed = system(command);
    free(fixture);
    return failed;
}

/* What a query of the query process sees; each row once, or the test fails. */
static uint64_t rows_seen(struct fixture *fixture, char warning[400])
{
    struct err err = { 0 };
    struct timefusion_snapshot *snapshot;
    uint64_t rows = 0, high = 0;
    assert_true(timefusion_snapshot_acquire(fixture->timefusion, TABLE, fixture->project, &snapshot, &err));
    for (uint32_t f = 0; f < snapshot->file_count; f++) {
        uint64_t count;
        if (!timefusion_file_rows(snapshot->files[f], &count, &err)) fail_msg("%s", err.text);
        rows += count;
        if (snapshot->files[f]->timestamp_max_us > (int64_t)high) high = (uint64_t)snapshot->files[f]->timestamp_max_us;
    }
    if (rows > high) fail_msg("%d rows, the last one is %d", (int)rows, (int)high);
    if (warning) snprintf(warning, 400, "%s", snapshot->warning_count > 0 ? snapshot->warnings[0] : "");
    timefusion_snapshot_release(snapshot);
    return rows;
}

/* Until there are as many; on the way never fewer than before. */
static void rows_wait(struct fixture *fixture, uint64_t rows)
{
    uint64_t until_ns = clock_mono_ns() + WAIT_S * 1000000000ull, before = 0, seen;
    while ((seen = rows_seen(fixture, NULL)) != rows && clock_mono_ns() < until_ns) {
        if (seen < before) fail_msg("%d rows after %d", (int)seen, (int)before);
        before = seen;
        clock_sleep_ms(2);
    }
    assert_int_equal(seen, rows);
}

static void warning_wait(struct fixture *fixture, const char *part)
{
    char warning[400];
    uint64_t until_ns = clock_mono_ns() + WAIT_S * 1000000000ull;
    for (;;) {
        (void)rows_seen(fixture, warning);
        if (part[0] == '\0' ? warning[0] == '\0' : strstr(warning, part) != NULL) return;
        if (clock_mono_ns() > until_ns) fail_msg("\"%s\" is not in \"%s\"", part, warning);
        clock_sleep_ms(5);
    }
}

/* Goal: rows are seen as they are listed, large segments too, and once and for all while they are joined and stored.
 * Method: small and large segments, a join, two flushes; the query process asks all the time. */
static void test_rows_are_seen_and_stay(void **state)
{
    struct fixture *fixture = *state;
    struct worker *worker = &fixture->workers[0];
    struct err err = { 0 };
    peers_begin(fixture, KEY, 1 << 30);
    struct file *parts[2] = { worker_list(fixture, worker, 10, 8), worker_list(fixture, worker, 5, 8) };
    rows_wait(fixture, 15);
    warning_wait(fixture, "");
    struct file *joined;
    assert_true(segment_join(timefusion_segments(worker->timefusion), parts, 2, &joined, &err));
    segments_swap(timefusion_segments(worker->timefusion), TABLE, fixture->project, parts, 2, &joined, 1);
    file_release(parts[0]);
    file_release(parts[1]);
    struct file *large = worker_list(fixture, worker, 100, 40000); /* by pieces */
    assert_true(large->shown.bytes > 2 * FEED_CONTENT_BYTES_MAX);
    rows_wait(fixture, 115);
    assert_true(worker_store(fixture, worker, (struct file *[]){ joined, large }, 2));
    for (uint32_t i = 0; i < 200; i++) {
        assert_int_equal(rows_seen(fixture, NULL), 115);
        clock_sleep_ms(1);
    }
    struct file *more = worker_list(fixture, worker, 1, 8);
    rows_wait(fixture, 116);
    struct peers_stats stats;
    uint64_t until_ns = clock_mono_ns() + WAIT_S * 1000000000ull;
    do {
        peers_stats(fixture->peers, &stats);
        clock_sleep_ms(5);
    } while (stats.copies != 1 && clock_mono_ns() < until_ns);
    assert_int_equal(stats.copies, 1); /* what Delta holds has no copy any more */
    assert_int_equal(stats.peers, 1);
    assert_true(stats.copied >= 4 && stats.has_members && stats.has_answered && !stats.is_full);
    file_release(more);
}

/* Goal: rows of a worker that died stay; that it does not answer, or that there is none, is a warning that names the
 * partition; the next worker is taken when it has come as far. */
static void test_next_worker_is_taken_when_it_has_come_as_far(void **state)
{
    struct fixture *fixture = *state;
    peers_begin(fixture, KEY, 1 << 30);
    file_release(worker_list(fixture, &fixture->workers[0], 20, 8));
    rows_wait(fixture, 20);
    worker_end(&fixture->workers[0]);
    warning_wait(fixture, "of partition \"monoscope.telemetry/0\" does not answer");
    members_tell(fixture, "");
    warning_wait(fixture, "partition \"monoscope.telemetry/0\" has no worker");
    assert_int_equal(rows_seen(fixture, NULL), 20);
    worker_begin(fixture, 1);
    worker_own(&fixture->workers[1]);
    file_release(worker_list(fixture, &fixture->workers[1], 12, 8));
    members_tell(fixture, fixture->workers[1].address);
    warning_wait(fixture, "is taking over partition \"monoscope.telemetry/0\"");
    assert_int_equal(rows_seen(fixture, NULL), 20);
    file_release(worker_list(fixture, &fixture->workers[1], 13, 8));
    rows_wait(fixture, 25);
    warning_wait(fixture, "");
    /* While a group is unsettled nobody may be told as the owner: the last one is. */
    pthread_mutex_lock(&fixture->lock);
    fixture->is_stable = false;
    fixture->address[0] = '\0';
    pthread_mutex_unlock(&fixture->lock);
    clock_sleep_ms(1500);
    warning_wait(fixture, "");
    assert_int_equal(rows_seen(fixture, NULL), 25);
}

/* Goal: with TLS a worker must show a certificate of an authority that is trusted, for the name it is reached by.
 * Method: the wrong authority, then the right one. */
static void test_tls(void **state)
{
    struct fixture *fixture = *state;
    struct tls_authority authority, other;
    struct err err = { 0 };
    char cert[80], key[80];
    tls_authority_init(&authority, fixture->dir, "ca");
    tls_authority_init(&other, fixture->dir, "other");
    tls_authority_sign(&authority, fixture->dir, "server", (struct tls_wish){ 0 });
    snprintf(cert, sizeof cert, "%s/server.crt", fixture->dir);
    snprintf(key, sizeof key, "%s/server.key", fixture->dir);
    assert_true(tls_context_open(&fixture->tls, &(struct tls_files){ .cert = cert, .key = key }, &quiet, &err));
    worker_begin(fixture, 1);
    worker_own(&fixture->workers[1]);
    file_release(worker_list(fixture, &fixture->workers[1], 7, 8));
    members_tell(fixture, fixture->workers[1].address);
    snprintf(fixture->ca_file, sizeof fixture->ca_file, "%s/other.crt", fixture->dir);
    peers_begin(fixture, KEY, 1 << 30);
    warning_wait(fixture, "does not answer: ");
    assert_int_equal(rows_seen(fixture, NULL), 0);
    peers_close(fixture->peers);
    snprintf(fixture->ca_file, sizeof fixture->ca_file, "%s/ca.crt", fixture->dir);
    peers_begin(fixture, KEY, 1 << 30);
    rows_wait(fixture, 7);
    warning_wait(fixture, "");
    tls_authority_deinit(&authority);
    tls_authority_deinit(&other);
}

/* Goal: without the cluster's key nothing is handed out, and that is said. */
static void test_wrong_key_gets_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct peer_server_stats stats;
    file_release(worker_list(fixture, &fixture->workers[0], 20, 8));
    peers_begin(fixture, KEY " no", 1 << 30);
    warning_wait(fixture, "does not answer: it answers 401");
    assert_int_equal(rows_seen(fixture, NULL), 0);
    peer_server_stats(fixture->workers[0].server, &stats);
    assert_true(stats.refused > 0 && stats.refused == stats.requests && stats.bytes == 0);
}

/* Goal: at its limit nothing new is copied, which is said; what is there stays; it goes on when Delta has taken over. */
static void test_full_is_said_and_passes(void **state)
{
    struct fixture *fixture = *state;
    struct worker *worker = &fixture->workers[0];
    struct file *first = worker_list(fixture, worker, 2, 40000);
    peers_begin(fixture, KEY, first->shown.bytes * 3 / 2);
    rows_wait(fixture, 2);
    struct file *second = worker_list(fixture, worker, 2, 40000);
    warning_wait(fixture, "(--peer-disk)");
    assert_int_equal(rows_seen(fixture, NULL), 2);
    assert_true(worker_store(fixture, worker, (struct file *[]){ first, second }, 2));
    rows_wait(fixture, 4);
    file_release(worker_list(fixture, worker, 1, 8));
    rows_wait(fixture, 5);
    warning_wait(fixture, "");
}

/* Goal: a flush finds the owner of the moment, waits for it, and says who has not done it in time. */
static void test_flush_finds_the_owner(void **state)
{
    struct fixture *fixture = *state;
    struct worker *first = &fixture->workers[0], *second = &fixture->workers[1];
    struct err err = { 0 };
    const struct peers_goal goal = { APP_ID, 42 };
    peers_begin(fixture, KEY, 1 << 30);
    warning_wait(fixture, "");
    if (!peers_flush(fixture->peers, &goal, 1, 20000, &err)) fail_msg("%s", err.text);
    assert_int_equal(atomic_load(&first->flushed), 42);
    atomic_store(&first->is_slow, true);
    assert_false(peers_flush(fixture->peers, &goal, 1, 300, &err));
    assert_int_equal(err.code, ERR_TIMEOUT);
    assert_non_null(strstr(err.text, first->address));
    worker_begin(fixture, 1);
    worker_own(second);
    members_tell(fixture, second->address);
    err = (struct err){ 0 };
    if (!peers_flush(fixture->peers, &(struct peers_goal){ APP_ID, 50 }, 1, 20000, &err)) fail_msg("%s", err.text);
    assert_int_equal(atomic_load(&second->flushed), 50);
    assert_true(peers_flush(fixture->peers, NULL, 0, 0, &err));
}

/* Goal: Kafka that does not answer is a warning, not an error, and what is followed is followed on. */
static void test_members_that_are_not_told(void **state)
{
    struct fixture *fixture = *state;
    fixture->members_fail = true;
    peers_begin(fixture, KEY, 1 << 30);
    warning_wait(fixture, "is not known, some may be missing: no broker answers");
    pthread_mutex_lock(&fixture->lock);
    fixture->members_fail = false;
    pthread_mutex_unlock(&fixture->lock);
    warning_wait(fixture, "");
}

/* Goal: what is not asked for well is told so, and nothing else happens. */
static void test_requests_that_make_no_sense(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *method, *target;
        int status;
    } rows[] = {
        { "GET", "/", 404 },
        { "GET", "/peer/v1/changes/", 404 },
        { "POST", "/peer/v1/changes", 404 },
        { "GET", "/peer/v1/changes?since=x&list=y&wait=z", 200 },
        { "GET", "/peer/v1/segment/", 400 },
        { "GET", "/peer/v1/segment/1", 400 },
        { "GET", "/peer/v1/segment/1?offset=0&bytes=99999999", 400 },
        { "GET", "/peer/v1/segment/18446744073709551616?offset=0&bytes=1", 400 },
        { "GET", "/peer/v1/segment/77777?offset=0&bytes=1", 404 },
        { "GET", "/peer/v1/segment/1?offset=9223372036854775807&bytes=1", 404 },
        { "POST", "/peer/v1/flush", 400 },
        { "POST", "/peer/v1/flush?app_id=a&position=-1&wait=1", 400 },
        { "POST", "/peer/v1/flush?app_id=a&position=1&wait=1", 404 },
    };
    struct http_client *client = http_client_create(NULL);
    const struct http_client_header headers[] = { { "authorization", "bearer  " KEY }, { 0 } };
    for (size_t r = 0; r < COUNT_OF(rows); r++) {
        char url[300];
        snprintf(url, sizeof url, "http://%s%s", fixture->workers[0].address, rows[r].target);
        struct http_exchange exchange = { .method = rows[r].method,
                                          .url = url,
                                          .headers = headers,
                                          .total_ms_max = WAIT_S * 1000,
                                          .answer_bytes_max = 1 << 20 };
        http_client_run(client, &exchange, 1);
        if (exchange.status != rows[r].status) fail_msg("%s: %d %s", url, exchange.status, exchange.err.text);
        http_exchange_deinit(&exchange);
    }
    http_client_destroy(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rows_are_seen_and_stay, setup, teardown),
        cmocka_unit_test_setup_teardown(test_next_worker_is_taken_when_it_has_come_as_far, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tls, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_key_gets_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_is_said_and_passes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_flush_finds_the_owner, setup, teardown),
        cmocka_unit_test_setup_teardown(test_members_that_are_not_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_requests_that_make_no_sense, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
