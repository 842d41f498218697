/* query_fixture.h -- for tests and the bench: a store with known rows in real segment files, an engine, a session.
 *
 * Rows of spans and logs: file f, row r of ROWS; row number n = f * ROWS + r; timestamp START_US + n * STEP_US. From n follow
 * all values, so that a test can say what SQL must answer. */
#pragma once
#include "base/clock.h"
#include "timefusion/maintenance/file_builder.h"
#include "timefusion/query/query.h"
#include "timefusion/segment/segment.h"
#include "timefusion/timefusion.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FIXTURE_START_US 1763769600000000 /* 2025-11-22 00:00:00 UTC */
#define FIXTURE_DAY      20414
#ifndef FIXTURE_STEP_US
#define FIXTURE_STEP_US 60000000 /* a row a minute */
#endif

#ifndef FIXTURE_KEPT_ROWS_MIN
#define FIXTURE_KEPT_ROWS_MIN 0 /* the usual: files of tests are too small */
#endif

#ifndef FIXTURE_ROLLUPS
#define FIXTURE_ROLLUPS false /* roll-ups of files, made when the test says so */
#endif

#ifndef FIXTURE_MEMORY_BYTES
#define FIXTURE_MEMORY_BYTES (512u << 20)
#endif

struct fixture {
    char dir[64];
    struct object_store *store;
    struct timefusion *timefusion;
    struct query_engine *engine;
    struct query_session *session;
    struct uuid project, other_project;
    struct parquet_writer *writer;
    uint32_t file_rows, file_count, metric_files;
    struct owner *owner; /* of what a test publishes */
};

/* Of a partition that is only ever this process's. */
static inline struct owner *fixture_owner(struct timefusion *timefusion)
{
    struct err err = { .code = ERR_OK };
    struct owner *owner;
    struct owner_options options = { .app_id = "test/0", .stored = { -1, -1 } };
    if (!owner_open(timefusion_segments(timefusion), &options, &owner, &err)) abort();
    return owner;
}

static inline void fixture_check(bool ok, const struct err *err, const char *what)
{
    if (ok) return;
    fprintf(stderr, "%s: %s\n", what, err->text);
    abort();
}

static inline struct bytes fixture_text(char *room, size_t room_bytes, const char *fmt, uint64_t number)
{
    _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wformat-nonliteral\"") int len =
        snprintf(room, room_bytes, fmt, number);
    _Pragma("GCC diagnostic pop") return bytes_from(room, (size_t)len);
}

static inline void fixture_put(struct columns *columns, const char *name, struct bytes text)
{
    int column = schema_column_index(columns_table(columns), bytes_of_text(name));
    assert(column >= 0);
    columns_put_text(columns, (uint32_t)column, text);
}

static inline void fixture_int(struct columns *columns, const char *name, int64_t number)
{
    int column = schema_column_index(columns_table(columns), bytes_of_text(name));
    assert(column >= 0);
    columns_put_int(columns, (uint32_t)column, number);
}

static inline struct uuid fixture_id(uint64_t n)
{
    struct uuid uuid = { .bytes = { 0xA0 } };
    for (int i = 0; i < 8; i++) uuid.bytes[15 - i] = (uint8_t)(n >> (8 * i));
    return uuid;
}

/* Every fourth row is a log, the others are spans. */
static inline void fixture_row(struct columns *columns, uint64_t n)
{
    static const char *const services[] = { "cart", "checkout", "payment" };
    static const char *const routes[] = { "/cart", "/cart/add", "/pay" };
    char text[512], id[UUID_TEXT_BYTES + 1];
    bool is_log = n % 4 == 3;
    columns_row_begin(columns, FIXTURE_START_US + (int64_t)n * FIXTURE_STEP_US);
    uuid_to_text(fixture_id(n), id);
    fixture_put(columns, "id", bytes_of_text(id));
    fixture_put(columns, "name", fixture_text(text, sizeof text, "operation %" PRIu64, n % 10));
    fixture_put(columns, "kind", bytes_of_text(is_log ? "log" : n % 2 ? "client" : "server"));
    fixture_put(columns, "resource___service___name", bytes_of_text(services[n % 3]));
    fixture_put(columns, "context___trace_id", fixture_text(text, sizeof text, "%032" PRIx64, n / 5));
    fixture_put(columns, "context___span_id", fixture_text(text, sizeof text, "%016" PRIx64, n));
    if (is_log) {
        fixture_put(columns, "level", bytes_of_text(n % 8 == 7 ? "ERROR" : "INFO"));
        fixture_put(columns, "severity___severity_text", bytes_of_text(n % 8 == 7 ? "error" : "info"));
        fixture_int(columns, "severity___severity_number", n % 8 == 7 ? 17 : 9);
        fixture_put(columns, "body",
                    fixture_text(text, sizeof text, "\"message %" PRIu64 " it's 100%% \\\"done\\\"\"", n));
    } else {
        fixture_int(columns, "duration", (int64_t)(n * 1000));
        fixture_put(columns, "status_code", bytes_of_text(n % 7 == 0 ? "ERROR" : "OK"));
        fixture_put(columns, "attributes___http___response___status_code", bytes_of_text(n % 7 == 0 ? "500" : "200"));
        fixture_put(columns, "attributes___http___request___method", bytes_of_text(n % 2 ? "POST" : "GET"));
    }
#ifdef FIXTURE_USER /* has the row a user? */
    if (FIXTURE_USER(n))
        fixture_put(columns, "attributes___user___id", fixture_text(text, sizeof text, "u%" PRIu64, n % 5000));
    if (n % 10 == 0)
        fixture_put(columns, "attributes___session___id", fixture_text(text, sizeof text, "s%" PRIu64, n / 30));
#endif
    struct bytes remainder = fixture_text(text, sizeof text, "{\"n\":%" PRIu64 "}", n);
    if (n % 3 == 0) {
        int len =
            snprintf(text, sizeof text,
                     "{\"http.route\":\"%s\",\"n\":%" PRIu64 ",\"ok\":true,\"a\":1,\"a.b\":2,\"deep.er.list\":[1,2,3]}",
                     routes[n % 9 / 3], n);
        remainder = bytes_from(text, (size_t)len);
    }
    fixture_put(columns, "attributes", remainder);
    fixture_put(columns, "resource", bytes_of_text("{\"host.name\":\"box-1\"}"));
    char hash[64];
    struct bytes hashes[2] = { fixture_text(hash, sizeof hash, "err:%" PRIu64, n % 50), BYTES("pat:all") };
    columns_put_text_list(columns, (uint32_t)schema_column_index(columns_table(columns), BYTES("hashes")), hashes, 2);
    struct bytes summary[1] = { BYTES("kind;neutral=>row") };
    columns_put_text_list(columns, (uint32_t)schema_column_index(columns_table(columns), BYTES("summary")), summary, 1);
    columns_row_end(columns);
}

static inline void fixture_point(struct columns *columns, uint64_t n)
{
    char text[128], id[UUID_TEXT_BYTES + 1];
    columns_row_begin(columns, FIXTURE_START_US + (int64_t)n * FIXTURE_STEP_US);
    uuid_to_text(fixture_id(1u << 20 | n), id);
    fixture_int(columns, "ingested_at", FIXTURE_START_US);
    fixture_put(columns, "id", bytes_of_text(id));
    uuid_to_text(fixture_id(n % 4), id);
    fixture_put(columns, "series_id", bytes_of_text(id));
    fixture_put(columns, "metric_name", fixture_text(text, sizeof text, "metric.%" PRIu64, n % 4));
    fixture_put(columns, "metric_unit", BYTES("ms"));
    fixture_put(columns, "metric_type", BYTES("gauge"));
    fixture_int(columns, "flags", 0);
    fixture_int(columns, "dropped_attributes_count", 0);
    fixture_int(columns, "message_size_bytes", 100);
    fixture_put(columns, "resource___service___name", BYTES("cart"));
    fixture_put(columns, "resource___host___name", BYTES("box-2"));
    fixture_put(columns, "attributes___http___route", BYTES("/metric"));
    fixture_put(columns, "attributes", BYTES("{\"zone\":\"a\"}"));
    columns_put_double(columns, METRICS_value, (double)n / 2);
    columns_row_end(columns);
}

/* Rows [from, from + rows) of the test's own making, row n at START_US + n * STEP_US. */
static inline void fixture_publish_rows(struct fixture *fixture, struct uuid project, enum schema_table_id table,
                                        uint64_t from, uint32_t rows, uint64_t position,
                                        void (*row)(struct columns *columns, uint64_t n))
{
    /* A file holds rows of one day. */
    for (uint32_t done = 0; done < rows;) {
        struct columns *columns = columns_create(schema_table(table));
        int64_t day = (FIXTURE_START_US + (int64_t)(from + done) * FIXTURE_STEP_US) / 86400000000;
        for (; done < rows && (FIXTURE_START_US + (int64_t)(from + done) * FIXTURE_STEP_US) / 86400000000 == day;
             done++)
            row(columns, from + done);
        struct err err = { .code = ERR_OK };
        struct bytes bytes;
        struct file *segment;
        fixture_check(parquet_write(fixture->writer, columns, 0, columns_row_count(columns), PARQUET_CODEC_ZSTD, &bytes,
                                    &err),
                      &err, "write");
        struct segment_range range = { position, position + 1, fixture->owner };
        fixture_check(segment_write(timefusion_segments(fixture->timefusion), schema_table(table), (int32_t)day, bytes,
                                    range, &segment, &err),
                      &err, "segment");
        segments_swap(timefusion_segments(fixture->timefusion), table, project, NULL, 0, &segment, 1);
        file_release(segment);
        columns_destroy(columns);
    }
}

static inline void fixture_publish(struct fixture *fixture, struct uuid project, enum schema_table_id table,
                                   uint64_t from, uint32_t rows, uint64_t position)
{
    fixture_publish_rows(fixture, project, table, from, rows, position,
                         table == SCHEMA_METRICS ? fixture_point : fixture_row);
}

/* Rows [from, from + rows) in the Delta table, a file for each of `files`; days by the rows' times. */
static inline void fixture_store(struct fixture *fixture, struct uuid project, enum schema_table_id id, uint64_t from,
                                 uint32_t rows, bool is_cold)
{
    struct err err = { 0 };
    for (uint32_t done = 0; done < rows;) {
        struct columns *columns = columns_create(schema_table(id));
        int64_t day = (FIXTURE_START_US + (int64_t)(from + done) * FIXTURE_STEP_US) / 86400000000;
        for (; done < rows && (FIXTURE_START_US + (int64_t)(from + done) * FIXTURE_STEP_US) / 86400000000 == day;
             done++) {
            if (id == SCHEMA_METRICS)
                fixture_point(columns, from + done);
            else
                fixture_row(columns, from + done);
        }
        struct file_builder *builder =
            file_builder_create(&(struct file_builder_options){ .timefusion = fixture->timefusion,
                                                                .table = schema_table(id),
                                                                .project_id = project,
                                                                .day = (int32_t)day,
                                                                .is_cold = is_cold });
        struct delta_change change = { .data_change = true };
        uint64_t version;
        fixture_check(file_builder_add(builder, columns, &err) &&
                          file_builder_finish(builder, &change.adds, &change.add_count, &err) &&
                          delta_commit(timefusion_delta(fixture->timefusion, id), &change, &version, &err),
                      &err, "store");
        file_builder_close(builder, true);
        columns_destroy(columns);
    }
}

/* What a test publishes as segments stays so; what it stores is in the table already. */
static inline bool fixture_flush(void *ctx, uint64_t *ticket, uint32_t timeout_ms, struct err *err)
{
    (void)ctx;
    (void)ticket;
    (void)timeout_ms;
    (void)err;
    return true;
}

/* file_count files of file_rows spans and logs, half as many of metrics, and one file of another project. */
static inline void fixture_open(struct fixture *fixture, uint32_t file_count, uint32_t file_rows)
{
    struct err err = { .code = ERR_OK };
    *fixture = (struct fixture){ .dir = "/tmp/query_test_XXXXXX",
                                 .file_count = file_count,
                                 .file_rows = file_rows,
                                 .metric_files = file_count / 2 };
    fixture_check(mkdtemp(fixture->dir) != NULL, &err, "mkdtemp");
    fixture_check(uuid_from_text(BYTES("11111111-2222-4333-8444-555555555555"), &fixture->project), &err, "uuid");
    fixture_check(uuid_from_text(BYTES("99999999-2222-4333-8444-555555555555"), &fixture->other_project), &err, "uuid");
    char path[128], local[128], temp[128], rollups[128];
    snprintf(path, sizeof path, "%s/store", fixture->dir);
    snprintf(local, sizeof local, "%s/local", fixture->dir);
    snprintf(temp, sizeof temp, "%s/temp", fixture->dir);
    snprintf(rollups, sizeof rollups, "%s/rollups", fixture->dir);
    fixture_check(object_store_open_folder(&fixture->store, path, &disk_real, &err), &err, "store");
    static const struct log log = { .fd = 2, .level_min = LOG_ERROR };
    fixture_check(disk_real.ops->mkdir(&disk_real, local, &err), &err, "mkdir");
    struct timefusion_options options = { .dir = local,
                                          .store = fixture->store,
                                          .disk = &disk_real,
                                          .checkpoint_reader = query_checkpoint_reader(),
                                          .footer_bytes_max = 8u << 20,
                                          .log = &log };
    fixture_check(timefusion_open(&fixture->timefusion, &options, &err), &err, "timefusion");
    fixture->owner = fixture_owner(fixture->timefusion);
    fixture->writer = parquet_writer_create();
    for (uint32_t f = 0; f < file_count; f++)
        fixture_publish(fixture, fixture->project, SCHEMA_LOGS_AND_SPANS, (uint64_t)f * file_rows, file_rows, f);
    for (uint32_t f = 0; f < fixture->metric_files; f++)
        fixture_publish(fixture, fixture->project, SCHEMA_METRICS, (uint64_t)f * file_rows, file_rows, f);
    fixture_publish(fixture, fixture->other_project, SCHEMA_LOGS_AND_SPANS, 0, 10, 0);
    struct query_options query = { .timefusion = fixture->timefusion,
                                   .hooks = { .flush = fixture_flush },
                                   .memory_bytes_max = FIXTURE_MEMORY_BYTES,
                                   .threads = 2,
                                   .kept_file_rows_min = FIXTURE_KEPT_ROWS_MIN,
                                   .temp_dir = mem_strdup(temp),
                                   .rollup_dir = FIXTURE_ROLLUPS ? rollups : NULL,
                                   .cubes_by_hand = true,
                                   .log = &log };
    fixture_check(query_engine_open(&fixture->engine, &query, &err), &err, "engine");
    free((void *)(uintptr_t)query.temp_dir);
    fixture_check(query_session_open(&fixture->session, fixture->engine, fixture->project, "tester", &err), &err,
                  "session");
}

static inline void fixture_close(struct fixture *fixture)
{
    query_session_close(fixture->session);
    query_engine_close(fixture->engine);
    parquet_writer_destroy(fixture->writer);
    owner_close(timefusion_segments(fixture->timefusion), fixture->owner);
    timefusion_close(fixture->timefusion);
    object_store_close(fixture->store);
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", fixture->dir);
    if (system(command) != 0) fprintf(stderr, "could not remove %s\n", fixture->dir);
}

/* For cmocka: a fixture of two files of 50 rows. */
static inline int fixture_setup(void **state)
{
    struct fixture *fixture = mem_calloc(1, sizeof *fixture);
    fixture_open(fixture, 2, 50);
    *state = fixture;
    return 0;
}

static inline int fixture_teardown(void **state)
{
    fixture_close(*state);
    free(*state);
    return 0;
}

/* A value as psql would show it, near enough for tests. */
static inline void fixture_show(struct buf *out, const struct query_chunk *chunk, uint32_t column,
                                struct query_value value, enum query_type type)
{
    bool ok = true;
    char text[UUID_TEXT_BYTES + 1];
    if (value.is_null) {
        ok = buf_printf(out, "NULL");
    } else if (type & QUERY_TYPE_LIST) {
        ok = buf_add(out, "{", 1);
        for (uint32_t i = 0; ok && i < value.list.count; i++) {
            if (i > 0) ok = buf_add(out, ",", 1);
            fixture_show(out, chunk, column, query_chunk_element(chunk, column, value.list.offset + i),
                         (enum query_type)((unsigned)type & ~(unsigned)QUERY_TYPE_LIST));
        }
        ok = ok && buf_add(out, "}", 1);
    } else {
        switch (type) {
        case QUERY_TYPE_BOOL: ok = buf_printf(out, "%s", value.boolean ? "t" : "f"); break;
        case QUERY_TYPE_FLOAT4:
        case QUERY_TYPE_FLOAT8: ok = buf_printf(out, "%g", value.number); break;
        case QUERY_TYPE_TEXT:
        case QUERY_TYPE_JSONB:
        case QUERY_TYPE_BYTEA:
        case QUERY_TYPE_NUMERIC: ok = buf_add(out, value.bytes.ptr, value.bytes.len); break;
        case QUERY_TYPE_UUID:
            uuid_to_text(value.uuid, text);
            ok = buf_printf(out, "%s", text);
            break;
        case QUERY_TYPE_INTERVAL:
            ok = buf_printf(out, "%dm%dd%" PRId64 "us", value.interval.months, value.interval.days,
                            value.interval.micros);
            break;
        default: ok = buf_printf(out, "%" PRId64, value.integer);
        }
    }
    fixture_check(ok, &(struct err){ .text = "too long" }, "show");
}

/* Runs and shows all rows: "a|b\nc|d\n". false: err. */
static inline bool fixture_run(struct query_session *session, const char *sql, const struct query_parameter *parameters,
                               uint32_t count, struct buf *out, uint32_t *files_opened, struct err *err)
{
    struct query_statement *statement;
    struct query_cursor *cursor;
    *err = (struct err){ .code = ERR_OK };
    out->len = 0;
    if (!query_prepare(session, bytes_of_text(sql), NULL, 0, &statement, err)) return false;
    bool ok = query_execute(statement, parameters, count, &cursor, err);
    if (ok) {
        const struct query_column *columns;
        uint32_t column_count = query_statement_columns(statement, &columns), considered;
        if (files_opened) query_cursor_files(cursor, &considered, files_opened);
        for (;;) {
            const struct query_chunk *chunk;
            ok = query_fetch(cursor, &chunk, err);
            if (!ok || !chunk) break;
            for (uint32_t r = 0; r < query_chunk_rows(chunk); r++) {
                for (uint32_t c = 0; c < column_count; c++) {
                    if (c > 0) ok = buf_add(out, "|", 1);
                    fixture_show(out, chunk, c, query_chunk_value(chunk, c, r), columns[c].type);
                }
                ok = ok && buf_add(out, "\n", 1);
            }
        }
        query_cursor_close(cursor);
    }
    query_statement_close(statement);
    ok = ok && buf_add(out, "", 1);
    if (ok) out->len--;
    return ok;
}
/* What must work. */
static inline void fixture_must(struct query_session *session, const char *sql, struct buf *out, uint32_t *files_opened)
{
    struct err err;
    fixture_check(fixture_run(session, sql, NULL, 0, out, files_opened, &err), &err, sql);
}
static inline void fixture_set(struct query_session *session, const char *sql)
{
    struct buf out;
    buf_init(&out, 100);
    fixture_must(session, sql, &out, NULL);
    buf_deinit(&out);
}
