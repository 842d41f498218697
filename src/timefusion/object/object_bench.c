/* object_bench URL: what a store's calls cost; a folder, or an S3 server that AWS_* tell of. One line a figure. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "aws/aws.h"
#include "base/clock.h"
#include "timefusion/object/object.h"

enum { SMALL = 200, SMALL_BYTES = 2000, FILES = 64, FILE_BYTES = 1 << 20, LARGE_BYTES = 128 << 20, LIST_ROUNDS = 20 };

static void must(bool ok, const struct err *err)
{
    if (ok) return;
    fprintf(stderr, "object_bench: %s\n", err->text);
    exit(1);
}

static double ms_since(uint64_t from_ns)
{
    return (double)(clock_mono_ns() - from_ns) / 1e6;
}

/* One after the other: what a commit costs, and reading one. */
static void small_objects(struct object_store *store)
{
    struct err err = { 0 };
    uint8_t bytes[SMALL_BYTES];
    char key[64];
    struct buf out;
    memset(bytes, 'x', sizeof bytes);
    uint64_t from_ns = clock_mono_ns();
    for (int i = 0; i < SMALL; i++) {
        snprintf(key, sizeof key, "small/%05d.json", i);
        must(object_put_if_absent(store, key, bytes_from(bytes, sizeof bytes), &err), &err);
    }
    printf("object_put_if_absent_ms %.2f ms\n", ms_since(from_ns) / SMALL);
    buf_init(&out, SMALL_BYTES);
    from_ns = clock_mono_ns();
    for (int i = 0; i < SMALL; i++) {
        snprintf(key, sizeof key, "small/%05d.json", i);
        out.len = 0;
        must(object_get(store, key, SMALL_BYTES, &out, &err), &err);
    }
    printf("object_get_ms %.2f ms\n", ms_since(from_ns) / SMALL);
    buf_deinit(&out);
}

static bool list_entry(void *ctx, const char *key, uint64_t bytes, int64_t modified_unix_us)
{
    (void)key, (void)bytes, (void)modified_unix_us;
    ++*(uint32_t *)ctx;
    return true;
}

static void listing(struct object_store *store)
{
    struct err err = { 0 };
    uint32_t count = 0;
    uint64_t from_ns = clock_mono_ns();
    for (int i = 0; i < LIST_ROUNDS; i++) must(object_list(store, "small/", list_entry, &count, &err), &err);
    printf("object_list_ms %.2f ms\n", ms_since(from_ns) / LIST_ROUNDS);
}

static void file_make(const char *path, size_t len)
{
    uint8_t *bytes = malloc(len);
    for (size_t i = 0; i < len; i++) bytes[i] = (uint8_t)(i * 2654435761u >> 13);
    FILE *file = fopen(path, "w");
    if (!file || fwrite(bytes, 1, len, file) != len || fclose(file) != 0) exit(1);
    free(bytes);
}

/* As a flush does it: together. */
static void files_put(struct object_store *store, const char *dir)
{
    struct err err = { 0 };
    static char keys[FILES][64], paths[FILES][256];
    struct object_file files[FILES];
    for (int i = 0; i < FILES; i++) {
        snprintf(keys[i], sizeof keys[i], "files/date=2026-11-26/%05d.parquet", i);
        snprintf(paths[i], sizeof paths[i], "%s/file-%d", dir, i);
        files[i] = (struct object_file){ keys[i], paths[i] };
        file_make(paths[i], FILE_BYTES);
    }
    uint64_t from_ns = clock_mono_ns();
    must(object_put_files(store, files, FILES, &err), &err);
    printf("object_put_files_ms %.2f ms\n", ms_since(from_ns) / FILES);
}

static void large_object(struct object_store *store, const char *dir)
{
    struct err err = { 0 };
    char path[256];
    uint8_t *read = malloc(LARGE_BYTES);
    snprintf(path, sizeof path, "%s/large", dir);
    file_make(path, LARGE_BYTES);
    uint64_t from_ns = clock_mono_ns();
    must(object_put_file(store, "large.parquet", path, &err), &err);
    printf("object_put_large_mb_s %.0f MB/s\n", LARGE_BYTES / 1e3 / ms_since(from_ns));
    memset(read, 0, LARGE_BYTES);
    from_ns = clock_mono_ns();
    must(object_get_range(store, "large.parquet", 0, read, LARGE_BYTES, &err), &err);
    printf("object_read_large_mb_s %.0f MB/s\n", LARGE_BYTES / 1e3 / ms_since(from_ns));
    free(read);
}

int main(int argc, char **argv)
{
    struct err err = { 0 };
    char dir[] = "/tmp/mono_object_bench_XXXXXX";
    struct object_options options = { .disk = &disk_real };
    struct http_client *client = http_client_create(NULL);
    struct object_store *store;
    if (argc != 2 || !mkdtemp(dir)) return 2;
    if (strncmp(argv[1], "s3:", 3) == 0) {
        must(aws_open(&options.aws, &(struct aws_options){ .client = client }, &err), &err);
        options.endpoint = aws_endpoint(options.aws, "S3");
    }
    must(object_store_open_url(&store, argv[1], &options, &err), &err);
    small_objects(store);
    listing(store);
    files_put(store, dir);
    large_object(store, dir);
    object_store_close(store);
    aws_close(options.aws);
    http_client_destroy(client);
    rmdir(dir);
    return 0;
}
