/* parquet_bench -- what a span of 20 attributes costs from values to a Parquet file: columns, sort, encode, zstd, write.
 * Rows as services send them: requests of 500 spans from 5 of 40 services; 60% HTTP, 25% database, 15% internal; ids,
 * times, sessions, paths and addresses new in each span. One line a figure: name value unit. */
#include "base/arena.h"
#include "base/disk.h"
#include "timefusion/parquet/parquet.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define ROWS_MADE    90000
#define REQUEST_ROWS 500
#define SERVICE_ROWS 100
#define SERVICES     40
#define PUTS_MAX     64

enum put_kind { PUT_TEXT, PUT_RESERVED, PUT_HANDLE, PUT_INT, PUT_LIST };
struct put {
    uint16_t column;
    uint16_t kind;
    uint32_t count;
    union {
        int64_t number;
        struct bytes text;
        const struct bytes *texts;
    } as;
};
struct row {
    int64_t timestamp_us;
    uint32_t put_count, resource; /* its handles are made once a group of rows */
    struct put *puts;
};
struct maker {
    struct arena arena;
    uint64_t random;
    struct put puts[PUTS_MAX];
    uint32_t put_count;
    struct bytes parts[16];
    uint32_t part_count;
};

static uint64_t random_next(struct maker *maker)
{
    maker->random ^= maker->random << 13;
    maker->random ^= maker->random >> 7;
    maker->random ^= maker->random << 17;
    return maker->random * 0x2545F4914F6CDD1Du;
}
static uint32_t below(struct maker *maker, uint32_t limit)
{
    return (uint32_t)((random_next(maker) >> 32) * limit >> 32);
}
#define TEXT(maker, ...) bytes_of_text(arena_printf(&(maker)->arena, __VA_ARGS__))
#define HEX16            "%016" PRIx64

static void text_put(struct maker *maker, uint32_t column, struct bytes text)
{
    maker->puts[maker->put_count++] = (struct put){ (uint16_t)column, PUT_TEXT, 0, { .text = text } };
}
static void int_put(struct maker *maker, uint32_t column, int64_t number)
{
    maker->puts[maker->put_count++] = (struct put){ (uint16_t)column, PUT_INT, 0, { .number = number } };
}
static void list_put(struct maker *maker, uint32_t column, const struct bytes *texts, uint32_t count)
{
    struct bytes *copy = arena_alloc(&maker->arena, count * sizeof *copy);
    memcpy(copy, texts, count * sizeof *copy);
    maker->puts[maker->put_count++] = (struct put){ (uint16_t)column, PUT_LIST, count, { .texts = copy } };
}
static void part_add(struct maker *maker, struct bytes part)
{
    maker->parts[maker->part_count++] = part;
}

static const char *const words[] = { "alpha",   "bravo", "cart",    "checkout", "user",  "order", "item",
                                     "price",   "list",  "detail",  "search",   "auth",  "login", "token",
                                     "refresh", "pay",   "invoice", "ship",     "stock", "quote", "geo",
                                     "map",     "feed",  "post",    "like",     "share" };
static const char *word(struct maker *maker)
{
    return words[below(maker, COUNT_OF(words))];
}
static const char *plan(struct maker *maker)
{
    static const char *const plans[] = { "free", "pro", "team", "enterprise" };
    return plans[below(maker, COUNT_OF(plans))];
}
static const char *service_name(struct maker *maker, uint32_t service)
{
    return arena_printf(&maker->arena, "%s-%s-svc-%02u", words[service * 7 % 26], words[service * 5 % 26], service);
}
/* 25 routes a service. */
static const char *route_of(struct maker *maker, uint32_t service, const char *id)
{
    uint32_t pick = service * 25 + below(maker, 25);
    return arena_printf(&maker->arena, "/api/v%u/%s/%s/%s", pick % 3 + 1, words[pick * 11 % 26], id,
                        words[pick * 17 % 23]);
}

static struct bytes http_put(struct maker *maker, uint32_t service, bool is_server, uint32_t code)
{
    static const char *const methods[] = { "GET", "GET", "GET", "POST", "PUT", "DELETE" };
    const char *method = methods[below(maker, COUNT_OF(methods))];
    uint64_t before = maker->random;
    const char *route = route_of(maker, service, "{id}");
    maker->random = before; /* the same route again */
    const char *path = route_of(maker, service, arena_printf(&maker->arena, "%012" PRIx64, random_next(maker) >> 16));
    maker->random += 77;
    text_put(maker, LOGS_AND_SPANS_name, TEXT(maker, "%s %s", method, route));
    text_put(maker, LOGS_AND_SPANS_attributes___http___request___method, TEXT(maker, "%s", method));
    text_put(maker, LOGS_AND_SPANS_attributes___http___response___status_code, TEXT(maker, "%u", code));
    text_put(maker, LOGS_AND_SPANS_attributes___url___path, bytes_of_text(path));
    text_put(maker, LOGS_AND_SPANS_attributes___url___scheme, BYTES("https"));
    text_put(maker, LOGS_AND_SPANS_attributes___url___query, TEXT(maker, "page=%u&sort=desc", 1 + below(maker, 50)));
    text_put(maker, LOGS_AND_SPANS_attributes___server___address,
             TEXT(maker, "%s.prod.svc.cluster.local", service_name(maker, service)));
    int_put(maker, LOGS_AND_SPANS_attributes___server___port, 8443);
    text_put(maker, LOGS_AND_SPANS_attributes___client___address,
             TEXT(maker, "10.%u.%u.%u", below(maker, 256), below(maker, 256), below(maker, 256)));
    text_put(
        maker, LOGS_AND_SPANS_attributes___user_agent___original,
        TEXT(maker,
             "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%u.0.0.0 Safari/537.36",
             100 + below(maker, 25)));
    text_put(maker, LOGS_AND_SPANS_attributes___network___protocol___version, BYTES("1.1"));
    text_put(maker, LOGS_AND_SPANS_attributes___network___peer___address,
             TEXT(maker, "10.1.%u.%u", below(maker, 256), below(maker, 256)));
    int_put(maker, LOGS_AND_SPANS_attributes___network___peer__port, 1024 + below(maker, 64512));
    int_put(maker, LOGS_AND_SPANS_attributes___http___request___body___size, below(maker, 4000));
    part_add(maker, is_server ? BYTES("kind;badge=>server") : BYTES("kind;badge=>client"));
    part_add(maker, TEXT(maker, "status;badge-%uxx=>%u", code / 100, code));
    part_add(maker, TEXT(maker, "method;badge=>%s", method));
    part_add(maker, TEXT(maker, "route;text=>%s", route));
    const char *flags = below(maker, 10) < 3 ? arena_printf(&maker->arena, ",\"feature.flags\":[\"%s\",\"%s\",\"%s\"]",
                                                            word(maker), word(maker), word(maker))
                                             : "";
    return TEXT(maker,
                "{\"http.route\":\"%s\",\"http.response.body.size\":%u,\"thread.id\":%u,"
                "\"thread.name\":\"http-nio-8443-exec-%u\",\"tenant.plan\":\"%s\"%s,",
                route, below(maker, 90000), below(maker, 200), below(maker, 200), plan(maker), flags);
}

static struct bytes db_put(struct maker *maker)
{
    static const char *const operations[] = { "SELECT", "SELECT", "SELECT", "INSERT", "UPDATE" };
    const char *operation = operations[below(maker, COUNT_OF(operations))], *noun = word(maker);
    text_put(maker, LOGS_AND_SPANS_name, TEXT(maker, "%s %ss", operation, noun));
    text_put(maker, LOGS_AND_SPANS_attributes___db___system___name, BYTES("postgresql"));
    text_put(maker, LOGS_AND_SPANS_attributes___db___namespace, BYTES("main"));
    text_put(maker, LOGS_AND_SPANS_attributes___db___operation___name, TEXT(maker, "%s", operation));
    text_put(maker, LOGS_AND_SPANS_attributes___db___collection___name, TEXT(maker, "%ss", noun));
    text_put(
        maker, LOGS_AND_SPANS_attributes___db___query___text,
        TEXT(maker,
             "%s t.id, t.name, t.created_at, t.status FROM %ss t JOIN owners o ON o.id = t.owner_id WHERE t.id = $1 "
             "AND t.tenant_id = $2 AND t.deleted_at IS NULL ORDER BY t.created_at DESC LIMIT %u",
             operation, noun, 1 + below(maker, 100)));
    text_put(maker, LOGS_AND_SPANS_attributes___server___address, BYTES("pg-primary.prod"));
    int_put(maker, LOGS_AND_SPANS_attributes___server___port, 5432);
    text_put(maker, LOGS_AND_SPANS_attributes___network___peer___address, BYTES("10.0.3.17"));
    int_put(maker, LOGS_AND_SPANS_attributes___network___peer__port, 5432);
    text_put(maker, LOGS_AND_SPANS_attributes___code___function___name,
             TEXT(maker, "com.acme.repo.%sRepository.find", noun));
    int_put(maker, LOGS_AND_SPANS_attributes___code___line___number, 1 + below(maker, 900));
    part_add(maker, BYTES("kind;badge=>client"));
    part_add(maker, BYTES("db;badge=>postgresql"));
    part_add(maker, TEXT(maker, "query;text=>%s %ss", operation, noun));
    return TEXT(maker,
                "{\"db.response.returned_rows\":%u,\"thread.id\":%u,\"thread.name\":\"pool-2-thread-%u\","
                "\"db.client.connection.pool.name\":\"main-pool\",\"peer.service\":\"pg-primary\","
                "\"tenant.plan\":\"%s\",\"db.sampling.rate\":0.25,",
                below(maker, 100), below(maker, 200), below(maker, 64), plan(maker));
}

static struct bytes work_put(struct maker *maker)
{
    const char *noun = word(maker);
    text_put(maker, LOGS_AND_SPANS_name, TEXT(maker, "%s.process", noun));
    text_put(maker, LOGS_AND_SPANS_attributes___code___function___name,
             TEXT(maker, "com.acme.core.%sProcessor.process", noun));
    text_put(maker, LOGS_AND_SPANS_attributes___code___file___path,
             TEXT(maker, "/app/src/main/java/com/acme/core/%sProcessor.java", noun));
    int_put(maker, LOGS_AND_SPANS_attributes___code___line___number, 1 + below(maker, 900));
    part_add(maker, TEXT(maker, "name;text=>%s.process", noun));
    char custom[600];
    size_t len = 0;
    for (int i = 0; i < 7; i++) {
        len += (size_t)snprintf(custom + len, sizeof custom - len, "\"app.custom.%s.%d\":\"%s-%u\",", word(maker), i,
                                word(maker), 1 + below(maker, 500));
    }
    return TEXT(maker,
                "{\"thread.id\":%u,\"thread.name\":\"worker-%u\",\"cache.hit\":%s,\"cache.key\":\"k:" HEX16
                "\",\"job.queue\":\"default\",\"job.attempt\":%u,\"job.priority\":0.%u,\"tenant.plan\":\"%s\",%s",
                below(maker, 200), below(maker, 64), below(maker, 10) < 7 ? "true" : "false", random_next(maker),
                1 + below(maker, 3), below(maker, 1000000000), plan(maker), custom);
}

static void row_make(struct maker *maker, struct row *row, uint32_t index, uint64_t trace[2], uint64_t *parent,
                     uint32_t service)
{
    uint32_t kind = below(maker, 100), plain = below(maker, 17);
    bool is_error = below(maker, 100) < 3;
    uint32_t code = is_error ? 503 : plain < 12 ? 200 : 201 + plain;
    uint64_t span = random_next(maker), low = random_next(maker);
    double duration =
        exp(16.5 + 1.6 * sqrt(-2 * log((below(maker, 1000000) + 1) / 1000001.0)) * cos(below(maker, 6283) / 1e3));
    int64_t duration_ns = (int64_t)duration;
    maker->put_count = maker->part_count = 0;
    row->timestamp_us = 1763800000000000 + (int64_t)(index / REQUEST_ROWS) * 1000000 + below(maker, 1000000);
    struct bytes trace_text = TEXT(maker, HEX16 HEX16, trace[0], trace[1]);
    text_put(maker, LOGS_AND_SPANS_id,
             TEXT(maker, "%08x-%04x-5%03x-%04x-%012" PRIx64, (uint32_t)(span >> 32), (uint32_t)span & 0xffff,
                  (uint32_t)(low >> 52), ((uint32_t)(low >> 36) & 0x3fff) | 0x8000, (low * 3) >> 16));
    text_put(maker, LOGS_AND_SPANS_kind, kind < 40 ? BYTES("server") : kind < 85 ? BYTES("client") : BYTES("internal"));
    text_put(maker, LOGS_AND_SPANS_status_code, is_error ? BYTES("ERROR") : BYTES("UNSET"));
    int_put(maker, LOGS_AND_SPANS_duration, duration_ns);
    int_put(maker, LOGS_AND_SPANS_start_time, row->timestamp_us);
    int_put(maker, LOGS_AND_SPANS_end_time, row->timestamp_us + duration_ns / 1000);
    int_put(maker, LOGS_AND_SPANS_observed_timestamp, 1763800000000000 + (int64_t)(index / REQUEST_ROWS + 2) * 1000000);
    text_put(maker, LOGS_AND_SPANS_context___trace_id, trace_text);
    text_put(maker, LOGS_AND_SPANS_context___span_id, TEXT(maker, HEX16, span));
    if (*parent != 0) text_put(maker, LOGS_AND_SPANS_parent_id, TEXT(maker, HEX16, *parent));
    *parent = span;
    text_put(maker, LOGS_AND_SPANS_context___trace_flags, BYTES("01"));
    int_put(maker, LOGS_AND_SPANS_message_size_bytes, 700 + below(maker, 400));
    struct bytes json = kind < 60   ? http_put(maker, service, kind < 40, code)
                        : kind < 85 ? db_put(maker)
                                    : work_put(maker);
    text_put(maker, LOGS_AND_SPANS_attributes___user___id, TEXT(maker, "u_%u", 1 + below(maker, 200000)));
    text_put(maker, LOGS_AND_SPANS_attributes___session___id,
             TEXT(maker, HEX16 HEX16, random_next(maker), random_next(maker)));
    json =
        TEXT(maker, "%.*s\"otel.scope.name\":\"io.opentelemetry.tomcat-10.0\",\"otel.scope.version\":\"2.9.0-alpha\"}",
             (int)json.len, (const char *)json.ptr);
    text_put(maker, LOGS_AND_SPANS_attributes, json);
    maker->puts[maker->put_count - 1].kind = PUT_RESERVED;
    if (is_error) {
        text_put(maker, LOGS_AND_SPANS_status_message,
                 below(maker, 2) ? BYTES("upstream request timeout") : BYTES("internal error"));
        text_put(maker, LOGS_AND_SPANS_attributes___error___type, BYTES("java.net.SocketTimeoutException"));
        text_put(maker, LOGS_AND_SPANS_events,
                 TEXT(maker,
                      "[{\"name\":\"exception\",\"attributes\":{\"exception.type\":\"java.net.SocketTimeoutException\","
                      "\"exception.message\":\"Read timed out after %u ms\",\"exception.stacktrace\":\"java.net."
                      "SocketTimeoutException: Read timed out\\n\\tat com.acme.core.Foo.bar(Foo.java:%u)\"}}]",
                      below(maker, 30000), below(maker, 400)));
    }
    struct bytes hashes[2] = { trace_text,
                               TEXT(maker, "%08x-1111-5222-8333-%012x", service * 7919, below(maker, 25) * 104729) };
    list_put(maker, LOGS_AND_SPANS_hashes, hashes, kind < 40 ? 2 : 1);
    part_add(maker, duration_ns > 10000000
                        ? TEXT(maker, "duration;right=>%ums", (unsigned)(duration_ns / 1000000 / 10 * 10))
                        : TEXT(maker, "duration;right=>%.1fms", (double)duration_ns / 1e6));
    list_put(maker, LOGS_AND_SPANS_summary, maker->parts, maker->part_count);
    row->put_count = maker->put_count;
    row->puts = arena_alloc(&maker->arena, maker->put_count * sizeof *row->puts);
    memcpy(row->puts, maker->puts, maker->put_count * sizeof *row->puts);
}

#define RESOURCE_PUTS 9
static void resource_make(struct maker *maker, uint32_t service, struct put puts[RESOURCE_PUTS])
{
    static const char *const languages[] = { "java", "go", "python", "nodejs" };
    const char *name = service_name(maker, service),
               *pod = arena_printf(&maker->arena, "%s-%010x-%05x", name, service * 104729, below(maker, 5) * 7919);
    const struct put made[RESOURCE_PUTS] = {
        { LOGS_AND_SPANS_resource___service___name, PUT_HANDLE, 0, { .text = bytes_of_text(name) } },
        { LOGS_AND_SPANS_resource___service___version, PUT_HANDLE, 0, { .text = TEXT(maker, "1.%u.3", service % 9) } },
        { LOGS_AND_SPANS_resource___service___namespace, PUT_HANDLE, 0, { .text = BYTES("prod") } },
        { LOGS_AND_SPANS_resource___service___instance___id, PUT_HANDLE, 0, { .text = TEXT(maker, "%s-1", pod) } },
        { LOGS_AND_SPANS_resource___deployment___environment___name, PUT_HANDLE, 0, { .text = BYTES("production") } },
        { LOGS_AND_SPANS_resource___telemetry___sdk___name, PUT_HANDLE, 0, { .text = BYTES("opentelemetry") } },
        { LOGS_AND_SPANS_resource___telemetry___sdk___language,
          PUT_HANDLE,
          0,
          { .text = TEXT(maker, "%s", languages[below(maker, 4)]) } },
        { LOGS_AND_SPANS_resource___telemetry___sdk___version, PUT_HANDLE, 0, { .text = BYTES("1.38.0") } },
        { LOGS_AND_SPANS_resource,
          PUT_HANDLE,
          0,
          { .text = TEXT(maker,
                         "{\"k8s.pod.name\":\"%s\",\"k8s.namespace.name\":\"prod\",\"k8s.node.name\":\"ip-10-0-%u-%u."
                         "ec2.internal\","
                         "\"k8s.deployment.name\":\"%s\",\"host.name\":\"ip-10-0-%u-%u\",\"cloud.region\":\"us-east-"
                         "1\",\"process.pid\":%u}",
                         pod, below(maker, 10), below(maker, 250), name, below(maker, 10), below(maker, 250),
                         below(maker, 40000)) } },
    };
    memcpy(puts, made, sizeof made);
}

static double cpu_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

struct bench {
    struct row *rows;
    struct put (*resources)[RESOURCE_PUTS];
    uint32_t row_next;
};

/* Values come out of a request that was just decoded: they are in the cache. */
static uint64_t rows_touch(const struct bench *bench, uint32_t count)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct row *row = &bench->rows[(bench->row_next + i) % ROWS_MADE];
        for (uint32_t k = 0; k < row->put_count; k++) {
            const struct put *put = &row->puts[k];
            uint32_t texts = put->kind == PUT_LIST ? put->count : put->kind == PUT_INT ? 0 : 1;
            for (uint32_t t = 0; t < texts; t++) {
                struct bytes text = put->kind == PUT_LIST ? put->as.texts[t] : put->as.text;
                for (size_t at = 0; at < text.len; at += 64) sum += text.ptr[at];
            }
        }
    }
    return sum;
}

static void columns_fill(struct bench *bench, struct columns *columns, uint32_t count)
{
    uint32_t handles[RESOURCE_PUTS] = { 0 };
    uint32_t resource = UINT32_MAX;
    for (uint32_t i = 0; i < count; i++) {
        const struct row *row = &bench->rows[bench->row_next];
        bench->row_next = bench->row_next + 1 < ROWS_MADE ? bench->row_next + 1 : 0;
        const struct put *common = bench->resources[row->resource];
        if (row->resource != resource) {
            resource = row->resource;
            for (uint32_t k = 0; k < RESOURCE_PUTS; k++) {
                handles[k] = columns_text_handle(columns, common[k].column, common[k].as.text);
            }
        }
        columns_row_begin(columns, row->timestamp_us);
        for (uint32_t k = 0; k < row->put_count; k++) {
            const struct put *put = &row->puts[k];
            if (put->kind == PUT_TEXT) {
                columns_put_text(columns, put->column, put->as.text);
            } else if (put->kind == PUT_INT) {
                columns_put_int(columns, put->column, put->as.number);
            } else if (put->kind == PUT_LIST) {
                columns_put_text_list(columns, put->column, put->as.texts, put->count);
            } else {
                memcpy(columns_text_reserve(columns, 2500), put->as.text.ptr, put->as.text.len);
                columns_put_text_reserved(columns, put->column, put->as.text.len);
            }
        }
        for (uint32_t k = 0; k < RESOURCE_PUTS; k++) columns_put_text_handle(columns, common[k].column, handles[k]);
        columns_row_end(columns);
    }
}

static void measure(struct bench *bench, uint32_t rows, enum parquet_codec codec, struct shreds *shreds,
                    const char *keep)
{
    struct columns *columns = columns_create(schema_table(SCHEMA_LOGS_AND_SPANS));
    struct parquet_writer *writer = parquet_writer_create();
    struct err err = { .code = ERR_OK };
    const struct disk_ops *ops = disk_real.ops;
    char path[128];
    struct disk_file *out;
    snprintf(path, sizeof path, "%s/parquet_bench.%d", keep != NULL ? keep : "/tmp", (int)getpid());
    if (keep != NULL)
        snprintf(path, sizeof path, "%s/bench_%u_%s.parquet", keep, rows,
                 shreds                        ? "shredded"
                 : codec == PARQUET_CODEC_ZSTD ? "zstd"
                                               : "none");
    if (!ops->open(&disk_real, path, DISK_READ | DISK_WRITE | DISK_CREATE | DISK_TRUNCATE, &out, &err)) goto fail;

    uint32_t rounds = 600000 / rows, warm = rounds / 4 + 2;
    double build = 0, write = 0, save = 0, bytes = 0, best = INFINITY;
    uint64_t touched = 0;
    size_t held = 0;
    for (uint32_t round = 0; round < rounds + warm; round++) {
        struct bytes file;
        columns_reset(columns);
        double build_now = 0;
        for (uint32_t done = 0; done < rows; done += SERVICE_ROWS) {
            touched += rows_touch(bench, SERVICE_ROWS);
            double start = cpu_us();
            columns_fill(bench, columns, SERVICE_ROWS);
            build_now += cpu_us() - start;
        }
        held = columns_bytes(columns);
        double built = cpu_us();
        if (shreds ? !parquet_write_shredded(writer, columns, 0, rows, codec, shreds, (struct uuid){ 0 }, &file, &err)
                   : !parquet_write(writer, columns, 0, rows, codec, &file, &err))
            goto fail;
        double written = cpu_us();
        if (!ops->pwrite(out, 0, &file, 1, &err)) goto fail;
        double saved = cpu_us();
        if (round == rounds + warm - 1 && !ops->truncate(out, file.len, &err)) goto fail;
        if (round < warm) continue;
        build += build_now;
        write += written - built;
        save += saved - written;
        bytes += (double)file.len;
        if (build_now + saved - built < best) best = build_now + saved - built;
    }
    double total = (double)rounds * rows;
    const char *name = shreds ? "shredded" : codec == PARQUET_CODEC_ZSTD ? "zstd" : "none";
    printf("parquet_%s_%u_build_us_per_row %.3f us\n", name, rows, build / total);
    printf("parquet_%s_%u_encode_us_per_row %.3f us\n", name, rows, write / total);
    printf("parquet_%s_%u_write_us_per_row %.3f us\n", name, rows, save / total);
    printf("parquet_%s_%u_us_per_row %.3f us\n", name, rows, (build + write + save) / total);
    printf("parquet_%s_%u_best_us_per_row %.3f us\n", name, rows, best / rows);
    printf("parquet_%s_%u_encode_us_per_file %.1f us\n", name, rows, write / rounds);
    printf("parquet_%s_%u_bytes_per_row %.1f bytes\n", name, rows, bytes / total);
    printf("columns_%u_held_bytes_per_row %.1f bytes\n", rows, (double)held / rows);
    if (touched == 0) printf("nothing was touched\n"); /* the sum is used, so that it is made */
    ops->close(out);
    if (keep == NULL) unlink(path);
    columns_destroy(columns);
    parquet_writer_destroy(writer);
    return;
fail:
    fprintf(stderr, "%s\n", err.text);
    exit(1);
}

/* Copies of one file joined, as segments are. */
static void measure_join(struct bench *bench, uint32_t rows, uint32_t files, const char *keep)
{
    struct columns *columns = columns_create(schema_table(SCHEMA_LOGS_AND_SPANS));
    struct parquet_writer *writer = parquet_writer_create();
    struct err err = { .code = ERR_OK };
    const struct disk_ops *ops = disk_real.ops;
    const int flags = DISK_READ | DISK_WRITE | DISK_CREATE | DISK_TRUNCATE;
    char in_path[128], out_path[128];
    struct disk_file *in, *out;
    struct bytes file;
    snprintf(in_path, sizeof in_path, "/tmp/parquet_bench_in.%d", (int)getpid());
    snprintf(out_path, sizeof out_path, "/tmp/parquet_bench_out.%d", (int)getpid());
    if (keep != NULL) snprintf(out_path, sizeof out_path, "%s/bench_join_%u.parquet", keep, rows);
    columns_fill(bench, columns, rows);
    if (!ops->open(&disk_real, in_path, flags, &in, &err) || !ops->open(&disk_real, out_path, flags, &out, &err) ||
        !parquet_write(writer, columns, 0, rows, PARQUET_CODEC_ZSTD, &file, &err) ||
        !ops->pwrite(in, 0, &file, 1, &err)) {
        goto fail;
    }
    struct parquet_input inputs[PARQUET_ROW_GROUPS_MAX];
    for (uint32_t i = 0; i < files; i++) inputs[i] = (struct parquet_input){ in, file.len };
    double best = INFINITY;
    for (int round = 0; round < 12; round++) {
        uint64_t bytes;
        struct parquet_footer *footer;
        double start = cpu_us();
        if (!parquet_join(&disk_real, inputs, files, schema_table(SCHEMA_LOGS_AND_SPANS), out, false, &bytes, &footer,
                          &err)) {
            goto fail;
        }
        parquet_footer_destroy(footer);
        double took = cpu_us() - start;
        if (took < best) best = took;
    }
    printf("parquet_join_%u_ns_per_row %.1f ns\n", rows, best * 1e3 / ((double)rows * files));
    printf("parquet_join_%u_us_per_file %.1f us\n", rows, best / files);
    ops->close(in);
    ops->close(out);
    unlink(in_path);
    if (keep == NULL) unlink(out_path);
    columns_destroy(columns);
    parquet_writer_destroy(writer);
    return;
fail:
    fprintf(stderr, "%s\n", err.text);
    exit(1);
}

int main(int argc, char **argv)
{
    struct maker maker = { .random = 88172645463325252u };
    struct bench bench = { .rows = mem_calloc(ROWS_MADE, sizeof *bench.rows) };
    bench.resources = mem_calloc(ROWS_MADE / SERVICE_ROWS, sizeof *bench.resources);
    uint64_t trace[2] = { 0, 0 }, parent = 0;
    uint32_t service = 0;
    for (uint32_t i = 0; i < ROWS_MADE; i++) {
        if (i % SERVICE_ROWS == 0) {
            service = below(&maker, SERVICES);
            resource_make(&maker, service, bench.resources[i / SERVICE_ROWS]);
        }
        if (i % SERVICE_ROWS == 0 || below(&maker, 100) < 12) {
            trace[0] = random_next(&maker);
            trace[1] = random_next(&maker);
            parent = 0;
        }
        bench.rows[i].resource = i / SERVICE_ROWS;
        row_make(&maker, &bench.rows[i], i, trace, &parent, service);
    }
    const char *keep = argc > 1 ? argv[1] : NULL; /* a folder for the files, to look at with other tools */
    measure(&bench, 30000, PARQUET_CODEC_ZSTD, NULL, keep);
    if (argc > 2) return 0; /* for a profile of the usual case */
    struct shreds *shreds = shreds_create();
    measure(&bench, 30000, PARQUET_CODEC_ZSTD, shreds, keep);
    shreds_destroy(shreds);
    measure(&bench, 24000, PARQUET_CODEC_ZSTD, NULL, keep);
    measure(&bench, 2000, PARQUET_CODEC_ZSTD, NULL, keep);
    measure(&bench, 200, PARQUET_CODEC_ZSTD, NULL, keep);
    measure(&bench, 200, PARQUET_CODEC_NONE, NULL, keep);
    measure_join(&bench, 30000, 16, keep);
    measure_join(&bench, 2000, 32, keep);
    measure_join(&bench, 200, 64, keep);
    arena_deinit(&maker.arena);
    free(bench.rows);
    free(bench.resources);
    return 0;
}
