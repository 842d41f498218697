/* maintenance_fixture.h -- for tests and the bench: a store in a folder of its own, files of known rows put into it.
 *
 * Row n of a project's day has an id made of n, and the time START of the day + n seconds (modulo a day). */
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "timefusion/flush.h"
#include "timefusion/maintenance/file_builder.h"
#include "timefusion/maintenance/maintenance.h"
#include "timefusion/timefusion.h"

#define FIXTURE_TABLE  SCHEMA_LOGS_AND_SPANS
#define FIXTURE_DAY_US (24 * 3600 * INT64_C(1000000))

struct maintenance_fixture {
    char dir[64];
    struct object_store *store;
    struct timefusion *timefusion;
    struct parquet_writer *writer;
    struct columns *columns;
    struct uuid project;
    struct log log;
};

static inline void fixture_must(bool ok, const struct err *err, const char *what)
{
    if (ok) return;
    fprintf(stderr, "%s: %s\n", what, err->text);
    abort();
}

static inline void fixture_timefusion_open(struct maintenance_fixture *fixture)
{
    struct err err = { 0 };
    struct timefusion_options options = {
        .dir = fixture->dir,
        .store = fixture->store,
        .disk = &disk_real,
        .footer_bytes_max = 8 << 20,
        .log = &fixture->log,
    };
    fixture_must(timefusion_open(&fixture->timefusion, &options, &err), &err, "open");
}

/* disk: of the store; another struct than disk_real makes it one that is not local. */
static inline void fixture_init_on(struct maintenance_fixture *fixture, struct disk *disk)
{
    struct err err = { 0 };
    char path[96];
    *fixture = (struct maintenance_fixture){ .log = { .fd = 2, .level_min = LOG_ERROR } };
    strcpy(fixture->dir, "/tmp/mono_maintenance_XXXXXX");
    if (mkdtemp(fixture->dir) == NULL) abort();
    snprintf(path, sizeof path, "%s/tables", fixture->dir);
    fixture_must(object_store_open_folder(&fixture->store, path, disk, &err), &err, "store");
    fixture->project = uuid_random();
    fixture->writer = parquet_writer_create();
    fixture->columns = columns_create(schema_table(FIXTURE_TABLE));
    fixture_timefusion_open(fixture);
}

static inline void fixture_init(struct maintenance_fixture *fixture)
{
    fixture_init_on(fixture, &disk_real);
}

static inline void fixture_deinit(struct maintenance_fixture *fixture)
{
    char command[96];
    timefusion_close(fixture->timefusion);
    object_store_close(fixture->store);
    parquet_writer_destroy(fixture->writer);
    columns_destroy(fixture->columns);
    snprintf(command, sizeof command, "rm -rf %s", fixture->dir);
    if (system(command) != 0) abort();
}

static inline void fixture_text(struct columns *columns, const char *name, const char *text)
{
    int column = schema_column_index(columns_table(columns), bytes_of_text(name));
    assert(column >= 0);
    columns_put_text(columns, (uint32_t)column, bytes_of_text(text));
}

/* A span as senders have them: some twenty values; ids that do not repeat, texts that follow from the service. */
static inline void fixture_row(struct columns *columns, int32_t day, uint64_t n)
{
    static const char *const services[] = { "cart", "checkout", "payment", "search", "frontend" };
    static const char *const routes[] = { "/cart", "/cart/add", "/pay", "/search", "/product/{id}" };
    char text[256];
    uint64_t mixed = hash64_mix(n + 1, 0x9E3779B97F4A7C15u), more = hash64_mix(n + 1, 0xD6E8FEB86659FD93u);
    uint32_t service = (uint32_t)(mixed % 5), route = (uint32_t)((service + mixed / 5 % 2) % 5);
    struct bytes summary[1] = { BYTES("kind;neutral=>row") };
    columns_row_begin(columns, day * FIXTURE_DAY_US + (int64_t)(n % 86400) * 1000000 + (int64_t)(mixed % 1000000));
    snprintf(text, sizeof text, "%08x-%04x-4000-8000-%012llx", (uint32_t)mixed, (uint32_t)(mixed >> 48),
             (unsigned long long)(more >> 16));
    fixture_text(columns, "id", text);
    fixture_text(columns, "name", routes[route]);
    fixture_text(columns, "kind", n % 2 ? "client" : "server");
    fixture_text(columns, "resource___service___name", services[service]);
    uint64_t trace = hash64_mix(n / 8 + 1, 0xA0761D6478BD642Fu);
    snprintf(text, sizeof text, "%016llx%016llx", (unsigned long long)trace,
             (unsigned long long)hash64_mix(trace, 0xE7037ED1A0B428DBu));
    fixture_text(columns, "context___trace_id", text);
    snprintf(text, sizeof text, "%016llx", (unsigned long long)more);
    fixture_text(columns, "context___span_id", text);
    fixture_text(columns, "status_code", mixed % 50 == 0 ? "ERROR" : "OK");
    fixture_text(columns, "attributes___http___request___method", route % 2 ? "POST" : "GET");
    fixture_text(columns, "attributes___http___response___status_code", mixed % 50 == 0 ? "500" : "200");
    snprintf(text, sizeof text, "{\"host.name\":\"box-%u\",\"k8s.pod.name\":\"%s-7d9f%u\"}", service % 3,
             services[service], (uint32_t)(mixed / 10 % 4));
    fixture_text(columns, "resource", text);
    snprintf(text, sizeof text, "{\"user.tier\":\"%s\",\"%s.items\":%llu}", mixed % 3 ? "gold" : "free",
             services[service], (unsigned long long)(more % 40));
    fixture_text(columns, "attributes", text);
    int column = schema_column_index(columns_table(columns), BYTES("duration"));
    columns_put_int(columns, (uint32_t)column, (int64_t)((service + 1) * 1000000 + (more >> 44)));
    columns_put_text_list(columns, (uint32_t)schema_column_index(columns_table(columns), BYTES("summary")), summary, 1);
    columns_row_end(columns);
}

/* Rows [from, to) as a Parquet file of one row group; borrowed until the next. */
static inline struct bytes fixture_bytes(struct maintenance_fixture *fixture, int32_t day, uint64_t from, uint64_t to)
{
    struct err err = { 0 };
    struct bytes bytes;
    columns_reset(fixture->columns);
    for (uint64_t n = from; n < to; n++) fixture_row(fixture->columns, day, n);
    fixture_must(parquet_write(fixture->writer, fixture->columns, 0, (uint32_t)(to - from), PARQUET_CODEC_ZSTD, &bytes,
                               &err),
                 &err, "encode");
    return bytes;
}

/* A file in the store and in the table. */
static inline void fixture_commit(struct maintenance_fixture *fixture, struct uuid project, int32_t day,
                                  struct bytes bytes)
{
    const struct schema_table *table = schema_table(FIXTURE_TABLE);
    struct err err = { 0 };
    struct parquet_footer *footer;
    char path[160], key[256];
    size_t need;
    uint64_t version;
    delta_file_path(project, day, uuid_by_time(), path);
    snprintf(key, sizeof key, "%s/%s", table->name, path);
    fixture_must(object_put(fixture->store, key, bytes, &err), &err, "put");
    fixture_must(parquet_footer_read(bytes, bytes.len, table, &footer, &need, &err), &err, "footer");
    struct delta_add add = { path, project, day, bytes.len, footer };
    struct delta_change change = { .adds = &add, .add_count = 1, .data_change = true };
    fixture_must(delta_commit(timefusion_delta(fixture->timefusion, FIXTURE_TABLE), &change, &version, &err), &err,
                 "commit");
    parquet_footer_destroy(footer);
}

static inline void fixture_add(struct maintenance_fixture *fixture, int32_t day, uint64_t from, uint64_t to)
{
    fixture_commit(fixture, fixture->project, day, fixture_bytes(fixture, day, from, to));
}
