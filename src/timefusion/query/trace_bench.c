/* trace_bench -- a table of many files with known traces, and look-ups of them, for the story and `make bench BENCH=trace`.
 *
 *   trace_bench build URL PROJECT FILES TRACES GROUPS       each file: GROUPS row groups of TRACES traces, by flushes as ever
 *   trace_bench work  URL PROJECT FILES TRACES GROUPS       indexes what is not, as maintenance does
 *   trace_bench ask   URL PROJECT FILES TRACES GROUPS COUNT FROM    COUNT look-ups, one a file, from file FROM on
 *
 * Every tenth trace of a file goes on in the next file. `ask` prints of each look-up: requests to the store (GET, then LIST),
 * milliseconds, rows. URL: s3://bucket/prefix (AWS_* say where), file:///folder. */
#include "aws/aws.h"
#include "base/clock.h"
#include "net/http_client.h"
#include "timefusion/flush.h"
#include "timefusion/query/query.h"
#include "timefusion/segment/segment.h"
#include "timefusion/timefusion.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TRACE_ROWS     3u
#define FILES_A_FLUSH  50u
#define START_US       INT64_C(1763769600000000) /* 2025-11-22 00:00:00 UTC; a file a minute */
#define MINUTE_US      60000000
#define GOES_ON(trace) ((trace) % 10 == 9)

static const struct log bench_log = { .fd = 2, .level_min = LOG_WARN };

struct bench {
    char dir[40];
    struct http_client *client;
    struct aws *aws;
    struct object_store *store;
    struct timefusion *timefusion;
    struct uuid project;
    uint32_t file_count, trace_count, group_count;
};

static void must(bool ok, const struct err *err, const char *what)
{
    if (ok) return;
    fprintf(stderr, "trace_bench: %s: %s\n", what, err->text);
    exit(1);
}

static uint64_t trace_number(const struct bench *bench, uint32_t file, uint32_t group, uint32_t trace)
{
    return ((uint64_t)file * bench->group_count + group) * bench->trace_count + trace;
}

static struct bytes trace_text(uint64_t number, char text[40])
{
    int len = snprintf(text, 40, "%016" PRIx64 "%016" PRIx64, hash64_mix(number + 1, 0x9E3779B97F4A7C15u), number);
    return bytes_from(text, (size_t)len);
}

static void text_put(struct columns *columns, uint32_t column, const char *text)
{
    columns_put_text(columns, column, bytes_of_text(text));
}

static void row_put(struct columns *columns, int64_t time_us, uint64_t number, uint32_t row)
{
    char trace[40], text[80], id[UUID_TEXT_BYTES + 1], endpoint[24];
    columns_row_begin(columns, time_us);
    uuid_to_text(uuid_random(), id);
    text_put(columns, LOGS_AND_SPANS_id, id);
    snprintf(text, sizeof text, "%016" PRIx64, hash64_mix(number * 8 + row, 0xA0761D6478BD642Fu));
    text_put(columns, LOGS_AND_SPANS_context___span_id, text);
    snprintf(endpoint, sizeof endpoint, "%016" PRIx64, hash64_mix(number % 20, 0xE7037ED1A0B428DBu));
    struct bytes hashes[2] = { trace_text(number, trace), bytes_of_text(endpoint) };
    columns_put_text(columns, LOGS_AND_SPANS_context___trace_id, hashes[0]);
    columns_put_text_list(columns, LOGS_AND_SPANS_hashes, hashes, 2);
    snprintf(text, sizeof text, "GET /things/%u", (uint32_t)(number % 20));
    text_put(columns, LOGS_AND_SPANS_name, text);
    text_put(columns, LOGS_AND_SPANS_kind, row == 0 ? "server" : "client");
    text_put(columns, LOGS_AND_SPANS_status_code, "OK");
    text_put(columns, LOGS_AND_SPANS_resource___service___name, number % 3 ? "shop" : "pay");
    columns_put_int(columns, LOGS_AND_SPANS_duration, (int64_t)(number % 1000) * 1000);
    if (number % 3 == 0 && row == 0) { /* whose the trace is: the query resolves it for the other rows */
        snprintf(text, sizeof text, "user-%" PRIu64, number / 30);
        text_put(columns, LOGS_AND_SPANS_attributes___user___id, text);
        snprintf(text, sizeof text, "session-%" PRIu64, number / 9);
        text_put(columns, LOGS_AND_SPANS_attributes___session___id, text);
    }
    snprintf(text, sizeof text, "{\"order\":%" PRIu64 ",\"row\":%u}", number, row);
    text_put(columns, LOGS_AND_SPANS_attributes, text);
    text_put(columns, LOGS_AND_SPANS_resource, "{\"host.name\":\"box-1\"}");
    struct bytes summary = BYTES("route;neutral=>GET /things");
    columns_put_text_list(columns, LOGS_AND_SPANS_summary, &summary, 1);
    columns_row_end(columns);
}

static struct columns *group_columns(const struct bench *bench, uint32_t file, uint32_t group)
{
    struct columns *columns = columns_create(schema_table(SCHEMA_LOGS_AND_SPANS));
    int64_t time_us = START_US + (int64_t)file * MINUTE_US;
    for (uint32_t t = 0; t < bench->trace_count; t++)
        for (uint32_t r = 0; r < TRACE_ROWS; r++)
            row_put(columns, time_us + group * 1000 + t, trace_number(bench, file, group, t), r);
    for (uint32_t t = 0; file > 0 && t < bench->trace_count; t++)
        if (GOES_ON(t)) row_put(columns, time_us, trace_number(bench, file - 1, group, t), TRACE_ROWS);
    return columns;
}

static void file_seal(struct bench *bench, struct parquet_writer *writer, uint32_t file, struct owner *owner,
                      struct flush_group *group)
{
    struct err err = { .code = ERR_OK };
    *group = (struct flush_group){ .table = schema_table(SCHEMA_LOGS_AND_SPANS),
                                   .project_id = bench->project,
                                   .day = (int32_t)((START_US + (int64_t)file * MINUTE_US) / 86400000000) };
    group->sealed = mem_calloc(bench->group_count, sizeof(struct file *));
    for (uint32_t g = 0; g < bench->group_count; g++) {
        struct columns *columns = group_columns(bench, file, g);
        struct bytes bytes;
        struct segment_range range = { file, file + 1, owner };
        must(parquet_write(writer, columns, 0, columns_row_count(columns), PARQUET_CODEC_ZSTD, &bytes, &err) &&
                 segment_write(timefusion_segments(bench->timefusion), group->table, group->day, bytes, range,
                               &group->sealed[g], &err),
             &err, "segment");
        segments_swap(timefusion_segments(bench->timefusion), group->table->id, bench->project, NULL, 0,
                      &group->sealed[g], 1);
        columns_destroy(columns);
        group->sealed_count++;
    }
}

static void work(struct bench *bench)
{
    struct err err = { .code = ERR_OK };
    for (bool is_done = false; !is_done;)
        must(timefusion_index_work(bench->timefusion, SCHEMA_LOGS_AND_SPANS, bench->project, 16, &is_done, &err), &err,
             "index");
}

static void build(struct bench *bench)
{
    struct err err = { .code = ERR_OK };
    struct parquet_writer *writer = parquet_writer_create();
    struct owner *owner;
    struct flush_owner partition = { .app_id = "trace_bench/0", .txn = { -1, -1 } };
    struct owner_options options = { .app_id = "trace_bench/0", .stored = { -1, -1 } };
    must(owner_open(timefusion_segments(bench->timefusion), &options, &owner, &err), &err, "owner");
    for (uint32_t first = 0; first < bench->file_count; first += FILES_A_FLUSH) {
        struct flush flush = { .owner = &partition, .position = first + FILES_A_FLUSH };
        flush.groups = mem_calloc(FILES_A_FLUSH, sizeof *flush.groups);
        while (flush.group_count < FILES_A_FLUSH && first + flush.group_count < bench->file_count) {
            file_seal(bench, writer, first + flush.group_count, owner, &flush.groups[flush.group_count]);
            flush.group_count++;
        }
        must(flush_run(&flush, bench->timefusion, writer, &bench_log, &err), &err, "flush");
        flush_deinit(&flush);
        work(bench);
    }
    owner_close(timefusion_segments(bench->timefusion), owner);
    parquet_writer_destroy(writer);
}

static void ask_one(struct bench *bench, struct query_session *session, uint32_t file)
{
    struct err err = { .code = ERR_OK };
    struct object_counts before, after;
    struct query_statement *statement;
    struct query_cursor *cursor;
    const struct query_chunk *chunk;
    char sql[160], trace[40];
    uint32_t rows = 0, considered, opened, t = (file * 7u) % bench->trace_count, g = file % bench->group_count;
    struct bytes text = trace_text(trace_number(bench, file, g, t), trace);
    snprintf(sql, sizeof sql, "SELECT * FROM otel_logs_and_spans WHERE context___trace_id = '%.*s'", (int)text.len,
             (const char *)text.ptr);
    object_counts(bench->store, &before);
    uint64_t begin_ns = clock_mono_ns();
    must(query_prepare(session, bytes_of_text(sql), NULL, 0, &statement, &err), &err, "prepare");
    must(query_execute(statement, NULL, 0, &cursor, &err), &err, "execute");
    for (;;) {
        must(query_fetch(cursor, &chunk, &err), &err, "fetch");
        if (!chunk) break;
        rows += query_chunk_rows(chunk);
    }
    uint64_t ns = clock_mono_ns() - begin_ns;
    object_counts(bench->store, &after);
    query_cursor_files(cursor, &considered, &opened);
    query_cursor_close(cursor);
    query_statement_close(statement);
    printf("%" PRIu64 " %" PRIu64 " %.1f %u\n", after.of[OBJECT_COUNT_GET] - before.of[OBJECT_COUNT_GET],
           after.of[OBJECT_COUNT_LIST] - before.of[OBJECT_COUNT_LIST], (double)ns / 1e6, rows);
    uint32_t wanted = TRACE_ROWS + (GOES_ON(t) && file + 1 < bench->file_count);
    if (rows != wanted) {
        fprintf(stderr, "trace_bench: %u rows of trace %s, not %u\n", rows, trace, wanted);
        exit(1);
    }
}

static void ask(struct bench *bench, uint32_t count, uint32_t from)
{
    struct err err = { .code = ERR_OK };
    struct query_engine *engine;
    struct query_session *session;
    char temp[64];
    snprintf(temp, sizeof temp, "%s/temp", bench->dir);
    struct query_options options = { .timefusion = bench->timefusion,
                                     .memory_bytes_max = 512u << 20,
                                     .threads = 2,
                                     .temp_dir = temp,
                                     .log = &bench_log };
    must(query_engine_open(&engine, &options, &err), &err, "engine");
    must(query_session_open(&session, engine, bench->project, "bench", &err), &err, "session");
    uint32_t step = bench->file_count / count | 1;
    for (uint32_t i = 0; i < count; i++) ask_one(bench, session, (from + i * step) % bench->file_count);
    query_session_close(session);
    query_engine_close(engine);
}

static void bench_open(struct bench *bench, const char *url)
{
    struct err err = { .code = ERR_OK };
    struct object_options options = { .disk = &disk_real };
    snprintf(bench->dir, sizeof bench->dir, "/tmp/trace_bench_XXXXXX");
    must(mkdtemp(bench->dir) != NULL, &err, "mkdtemp");
    if (strncmp(url, "s3://", 5) == 0) {
        bench->client = http_client_create(NULL);
        must(aws_open(&bench->aws, &(struct aws_options){ .client = bench->client, .log = &bench_log }, &err), &err,
             "aws");
        options.aws = bench->aws;
        options.endpoint = aws_endpoint(bench->aws, "S3");
    }
    must(object_store_open_url(&bench->store, url, &options, &err), &err, "store");
    struct timefusion_options timefusion = { .dir = bench->dir,
                                             .store = bench->store,
                                             .disk = &disk_real,
                                             .checkpoint_reader = query_checkpoint_reader(),
                                             .footer_bytes_max = 8u << 20,
                                             .log = &bench_log };
    must(timefusion_open(&bench->timefusion, &timefusion, &err), &err, "tables");
}

static void bench_close(struct bench *bench)
{
    char command[80];
    timefusion_close(bench->timefusion);
    object_store_close(bench->store);
    aws_close(bench->aws);
    http_client_destroy(bench->client);
    snprintf(command, sizeof command, "rm -rf '%s'", bench->dir);
    if (system(command) != 0) fprintf(stderr, "trace_bench: could not remove %s\n", bench->dir);
}

int main(int argc, char **argv)
{
    struct bench bench = { 0 };
    bool builds = argc == 7 && strcmp(argv[1], "build") == 0, works = argc == 7 && strcmp(argv[1], "work") == 0,
         asks = argc == 9 && strcmp(argv[1], "ask") == 0;
    if ((!builds && !works && !asks) || !uuid_from_text(bytes_of_text(argv[3]), &bench.project)) {
        fprintf(stderr, "trace_bench build|work|ask URL PROJECT FILES TRACES GROUPS [COUNT FROM]\n");
        return 2;
    }
    bench.file_count = (uint32_t)strtoul(argv[4], NULL, 10);
    bench.trace_count = (uint32_t)strtoul(argv[5], NULL, 10);
    bench.group_count = (uint32_t)strtoul(argv[6], NULL, 10);
    bench_open(&bench, argv[2]);
    if (builds)
        build(&bench);
    else if (works)
        work(&bench);
    else
        ask(&bench, (uint32_t)strtoul(argv[7], NULL, 10), (uint32_t)strtoul(argv[8], NULL, 10));
    bench_close(&bench);
    return 0;
}
