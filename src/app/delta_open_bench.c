/* A large table, made and opened cold.
 *
 *   delta_open_bench make DIR FILES COMMITS   a table in DIR/otel_logs_and_spans, the last checkpoint as far back as it can be
 *   delta_open_bench open DIR|s3://...        opens it: one line a figure (S3: the usual AWS_* environment) */
#include "aws/aws.h"
#include "net/http_client.h"
#include "timefusion/delta/delta_bench_table.h"
#include "timefusion/query/query.h"

enum { FILES_PER_COMMIT_OF_CHECKPOINT = 500 }; /* delta_commit.c: how rare checkpoints of a large table are */

static void table_make(const char *dir, uint32_t file_count, uint32_t commit_count)
{
    struct err err = { 0 };
    struct object_store *store;
    struct delta_table *table;
    struct disk_ops ops;
    struct disk disk = bench_disk(&ops);
    must(object_store_open_folder(&store, dir, &disk, &err), &err);
    const struct schema_table *schema = schema_table(SCHEMA_LOGS_AND_SPANS);
    struct delta_options options = { .store = store, .prefix = schema->name, .table = schema, .log = &bench_log };
    must(delta_open(&table, &options, &err), &err);
    uint32_t behind = file_count / FILES_PER_COMMIT_OF_CHECKPOINT - 1, per_commit = file_count / commit_count;
    bench_commit(table, (commit_count - behind) * per_commit, per_commit);
    must(delta_checkpoint_write(table, &err), &err);
    bench_commit(table, behind * per_commit, per_commit);
    printf("delta_made_version %u\ndelta_made_behind %u\n", (uint32_t)table->version, behind);
    delta_close(table);
    object_store_close(store);
}

static void table_open(const char *url)
{
    struct err err = { 0 };
    struct object_store *store;
    struct delta_table *table;
    const struct schema_table *schema = schema_table(SCHEMA_LOGS_AND_SPANS);
    struct http_client *client = http_client_create(NULL);
    struct aws *aws = NULL;
    struct object_options where = { .disk = &disk_real };
    if (strncmp(url, "s3:", 3) == 0) {
        must(aws_open(&aws, &(struct aws_options){ .client = client, .log = &bench_log }, &err), &err);
        where.aws = aws;
        where.endpoint = aws_endpoint(aws, "S3");
    }
    must(object_store_open_url(&store, url, &where, &err), &err);
    struct delta_options options = { .store = store,
                                     .prefix = schema->name,
                                     .table = schema,
                                     .checkpoint_reader = query_checkpoint_reader(),
                                     .log = &bench_log };
    uint64_t from_ns = clock_mono_ns(), cpu_ns = clock_cpu_ns();
    must(delta_open(&table, &options, &err), &err);
    printf("delta_open_cold_ms %.1f ms\n", seconds_since(from_ns) * 1e3);
    printf("delta_open_cold_cpu_ms %.1f ms\n", (double)(clock_cpu_ns() - cpu_ns) / 1e6);
    struct delta_snapshot *snapshot = delta_snapshot_acquire(table);
    printf("delta_open_files %u\ndelta_open_version %u\n", snapshot->file_count, (uint32_t)snapshot->version);
    delta_snapshot_release(snapshot);
    printf("delta_open_rss_mb %.1f MB\n", (double)bench_status_kb("VmRSS") / 1024);
    printf("delta_open_rss_peak_mb %.1f MB\n", (double)bench_status_kb("VmHWM") / 1024);
    struct object_counts counts;
    object_counts(store, &counts);
    for (enum object_count count = 0; count < OBJECT_COUNTS; count++)
        if (counts.of[count] > 0)
            printf("delta_open_%s %llu\n", object_count_name(count), (unsigned long long)counts.of[count]);
    delta_close(table);
    object_store_close(store);
    aws_close(aws);
    http_client_destroy(client);
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "make") == 0) {
        table_make(argv[2], (uint32_t)atoi(argv[3]), (uint32_t)atoi(argv[4]));
    } else if (argc == 3 && strcmp(argv[1], "open") == 0) {
        table_open(argv[2]);
    } else {
        fprintf(stderr, "delta_open_bench make DIR FILES COMMITS | open DIR|URL\n");
        return 2;
    }
    return 0;
}
