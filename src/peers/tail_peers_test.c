/* A live tail of a query process whose rows come by way of two workers: each row once, in the worker's order, and every loss
 * counted, also when a worker ends and another begins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "peers/peer_server.h"
#include "peers/peers.h"
#include "peers/peers_fixture.h"
#include "tail/tail.h"
#include "timefusion/columns/columns.h"

#define KEY "of the cluster"
enum { WORKERS = 2, WAIT_S = 30 };
static const struct uuid shop = { { 1 } };

struct worker {
    struct timefusion *timefusion;
    struct peer_server *server;
    struct tails *tails;
    struct columns *columns;
    char address[PEERS_ADDRESS_BYTES];
};
struct fixture {
    char dir[64];
    struct object_store *store;
    struct worker workers[WORKERS];
    struct timefusion *timefusion; /* of the query process */
    struct peers *peers;
    struct tails *tails;
};

static void worker_begin(struct fixture *fixture, uint32_t number, uint16_t port)
{
    struct worker *worker = &fixture->workers[number];
    struct err err = { 0 };
    /* The least there is: 64 KiB a ring. Nothing is skipped, however slow a sanitizer makes it. */
    worker->tails = tails_create(&(struct tails_options){ .bytes_max = 1, .matching_percent = 1000 });
    struct peer_server_options options = { .address = "127.0.0.1",
                                           .port = port,
                                           .key = KEY,
                                           .timefusion = worker->timefusion,
                                           .tails = worker->tails,
                                           .log = &quiet };
    if (!peer_server_open(&worker->server, &options, &err)) fail_msg("%s", err.text);
    snprintf(worker->address, sizeof worker->address, "127.0.0.1:%u", peer_server_port(worker->server));
}

static void worker_end(struct worker *worker)
{
    peer_server_close(worker->server);
    tails_destroy(worker->tails);
}

static bool on_members(void *ctx, struct peers_members *members, struct err *err)
{
    struct fixture *fixture = ctx;
    (void)err;
    members->partitions = mem_calloc(WORKERS, sizeof *members->partitions);
    members->count = WORKERS;
    members->is_stable = true;
    for (uint32_t w = 0; w < WORKERS; w++) {
        snprintf(members->partitions[w].name, sizeof members->partitions[w].name, "monoscope.telemetry/%u", w);
        snprintf(members->partitions[w].app_id, sizeof members->partitions[w].app_id, "monoscope/test/%u", w);
        memcpy(members->partitions[w].address, fixture->workers[w].address, PEERS_ADDRESS_BYTES);
    }
    return true;
}

static int setup(void **state)
{
    struct fixture *fixture = mem_calloc(1, sizeof *fixture);
    struct err err = { 0 };
    char tables[80], name[16];
    snprintf(fixture->dir, sizeof fixture->dir, "/tmp/mono_tail_XXXXXX");
    if (!mkdtemp(fixture->dir)) return -1;
    snprintf(tables, sizeof tables, "%s/tables", fixture->dir);
    if (!object_store_open_folder(&fixture->store, tables, &disk_real, &err)) return -1;
    fixture->timefusion = peers_timefusion_open(fixture->dir, fixture->store, "query");
    fixture->tails = tails_create(&(struct tails_options){ .bytes_max = 64 << 20 });
    for (uint32_t w = 0; w < WORKERS; w++) {
        snprintf(name, sizeof name, "worker%u", w);
        fixture->workers[w].timefusion = peers_timefusion_open(fixture->dir, fixture->store, name);
        fixture->workers[w].columns = columns_create(schema_table(SCHEMA_LOGS_AND_SPANS));
        worker_begin(fixture, w, 0);
    }
    struct peers_options options = { .timefusion = fixture->timefusion,
                                     .members = on_members,
                                     .ctx = fixture,
                                     .key = KEY,
                                     .disk_bytes_max = 1 << 20,
                                     .footer_bytes_max = 1 << 20,
                                     .log = &quiet };
    assert_true(peers_open(&fixture->peers, &options, &err));
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    char command[96];
    peers_close(fixture->peers);
    for (uint32_t w = 0; w < WORKERS; w++) {
        worker_end(&fixture->workers[w]);
        columns_destroy(fixture->workers[w].columns);
        timefusion_close(fixture->workers[w].timefusion);
    }
    tails_destroy(fixture->tails);
    timefusion_close(fixture->timefusion);
    object_store_close(fixture->store);
    snprintf(command, sizeof command, "rm -rf %s", fixture->dir);
    int failed = system(command);
    free(fixture);
    return failed;
}

static void send(struct worker *worker, const char *service, uint32_t number)
{
    char name[40];
    struct columns *columns = worker->columns;
    void *record = tails_begin(worker->tails, shop);
    snprintf(name, sizeof name, "row %u", number);
    columns_row_begin(columns, 1767225600000000);
    columns_put_text(columns, LOGS_AND_SPANS_id, BYTES("00000000-0000-0000-0000-000000000001"));
    columns_put_text(columns, LOGS_AND_SPANS_resource___service___name, bytes_of_text(service));
    columns_put_text(columns, LOGS_AND_SPANS_name, bytes_of_text(name));
    columns_put_text_list(columns, LOGS_AND_SPANS_summary, NULL, 0);
    columns_row_end(columns);
    if (!record) return;
    tails_row(record, columns);
    tails_end(record);
}

/* Asks until both workers have a tail for it. */
static void workers_meet(struct fixture *fixture, struct tail *tail)
{
    uint64_t until_ns = clock_mono_ns() + WAIT_S * 1000000000ull;
    for (uint32_t met = 0; met < WORKERS && clock_mono_ns() < until_ns;) {
        peers_tail(fixture->peers, tail);
        met = 0;
        for (uint32_t w = 0; w < WORKERS; w++) {
            struct tails_stats stats;
            tails_stats(fixture->workers[w].tails, &stats);
            met += stats.tails;
        }
        clock_sleep_ms(5);
    }
}

static uint64_t rows_read(struct tail_reader *reader, struct buf *out)
{
    struct tail_batch batch;
    uint64_t rows = 0;
    out->len = 0;
    do {
        assert_true(tail_read(reader, '\n', out, 1 << 20, &batch));
        assert_int_equal(batch.dropped, 0);
        rows += batch.rows;
    } while (batch.rows > 0);
    if (!buf_add(out, "", 1)) abort();
    return rows;
}

static void test_rows_of_workers(void **state)
{
    struct fixture *fixture = *state;
    struct tail_ask ask = { .project_id = shop, .search = BYTES("service:cart") };
    struct tail_reader reader;
    struct tail_problem problem;
    struct tail_counts counts;
    struct err err = { 0 };
    struct buf out;
    buf_init(&out, 64 << 20);
    assert_true(tails_open(fixture->tails, &ask, &reader, &problem, &err));
    workers_meet(fixture, reader.tail);
    for (uint32_t n = 0; n < 10; n++) send(&fixture->workers[n % 2], n < 8 ? "cart" : "pay", n);
    peers_tail(fixture->peers, reader.tail);
    assert_int_equal(rows_read(&reader, &out), 8);
    assert_non_null(strstr((char *)out.ptr, "row 0"));
    assert_non_null(strstr((char *)out.ptr, "row 7"));
    peers_tail(fixture->peers, reader.tail);
    assert_int_equal(rows_read(&reader, &out), 0);

    /* A worker's ring is too small: what is lost there is counted here. */
    for (uint32_t n = 0; n < 3000; n++) send(&fixture->workers[0], "cart", n);
    for (uint32_t turn = 0; turn < 20; turn++) peers_tail(fixture->peers, reader.tail);
    uint64_t rows = rows_read(&reader, &out);
    tail_counts(reader.tail, &counts);
    assert_true(rows > 100 && rows < 3000 && strstr((char *)out.ptr, "row 2999"));
    assert_int_equal(counts.matched, 8 + rows + counts.dropped);
    assert_int_equal(counts.matched + counts.skipped, 3008);

    /* A worker ends; on its port another begins, whose numbers are others. */
    uint16_t port = peer_server_port(fixture->workers[1].server);
    worker_end(&fixture->workers[1]);
    peers_tail(fixture->peers, reader.tail);
    worker_begin(fixture, 1, port);
    uint64_t until_ns = clock_mono_ns() + WAIT_S * 1000000000ull;
    struct tails_stats stats = { 0 };
    while (stats.tails == 0 && clock_mono_ns() < until_ns) {
        peers_tail(fixture->peers, reader.tail);
        tails_stats(fixture->workers[1].tails, &stats);
        clock_sleep_ms(20);
    }
    send(&fixture->workers[1], "cart", 5000);
    peers_tail(fixture->peers, reader.tail);
    assert_int_equal(rows_read(&reader, &out), 1);
    assert_non_null(strstr((char *)out.ptr, "row 5000"));
    tail_leave(&reader);
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rows_of_workers, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
