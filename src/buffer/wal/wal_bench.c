/* What an acknowledged request costs in the log, on a real disk: wal_bench [folder] (default: the current one).
 *
 * Figures: CPU of this process per request (checksum, queue, write, sync, answer), requests and bytes a second, and
 * requests per sync, for bodies of 2 KB and of 450 KB, with one client at a time and with many. */
#include "base/clock.h"
#include "base/disk.h"
#include "buffer/buffer.h"
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct log quiet = { .fd = 2, .level_min = LOG_WARN };

struct clients {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint32_t in_flight, done;
    uint64_t position;
};

static void clients_done(void *ctx, const struct err *err, bool repeated)
{
    struct clients *clients = ctx;
    if (err != NULL || repeated) {
        fprintf(stderr, "wal_bench: %s\n", err ? err->text : "a repeat");
        exit(1);
    }
    pthread_mutex_lock(&clients->lock);
    clients->in_flight--;
    clients->done++;
    pthread_cond_signal(&clients->changed);
    pthread_mutex_unlock(&clients->lock);
}

static void clients_record(void *ctx, const struct buffer_record *record, void *request)
{
    struct clients *clients = ctx;
    (void)request;
    clients->position = record->position; /* only the log's thread comes here */
}

static void fail(const struct err *err)
{
    fprintf(stderr, "wal_bench: %s\n", err->text);
    exit(1);
}

static void folder_remove(const char *dir)
{
    DIR *found = opendir(dir);
    if (found == NULL) return;
    for (struct dirent *entry; (entry = readdir(found)) != NULL;) {
        char path[700];
        snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
        if (entry->d_name[0] != '.') unlink(path);
    }
    closedir(found);
    rmdir(dir);
}

static void measure(const char *parent, const char *name, size_t body_bytes, uint32_t requests, uint32_t in_flight_max)
{
    char dir[400]; /* longer ones are cut and then not found */
    snprintf(dir, sizeof dir, "%s/wal-bench-XXXXXX", parent);
    if (mkdtemp(dir) == NULL) {
        perror("wal_bench: mkdtemp");
        exit(1);
    }
    struct clients clients = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };
    struct buffer_options options = {
        .dir = dir,
        .segment_bytes = 64u << 20,
        .disk_bytes_max = UINT64_C(8) << 30,
        .pending_bytes_max = 256u << 20,
        .record_bytes_max = 64u << 20,
        .disk = &disk_real,
        .sink = { clients_record, &clients },
        .log = &quiet,
    };
    struct buffer *buffer;
    struct err err;
    if (!buffer_open(&buffer, &options, &err) || !buffer_start(buffer, &err)) fail(&err);
    enum { BODIES = 16 }; /* as many as fit no cache: a body comes from the network, not from L2 */
    uint8_t *bodies = malloc(BODIES * body_bytes);
    if (bodies == NULL) exit(1);
    for (size_t i = 0; i < BODIES * body_bytes; i++) bodies[i] = (uint8_t)(i * 2654435761u >> 13);

    uint64_t cpu_ns = clock_cpu_ns(), wall_ns = clock_mono_ns();
    for (uint32_t i = 0; i < requests; i++) {
        pthread_mutex_lock(&clients.lock);
        while (clients.in_flight >= in_flight_max) pthread_cond_wait(&clients.changed, &clients.lock);
        clients.in_flight++;
        pthread_mutex_unlock(&clients.lock);
        struct buffer_record record = {
            .signal = BUFFER_SIGNAL_TRACES,
            .hash = { i, i * UINT64_C(0x9E3779B97F4A7C15) },
            .received_unix_us = clock_unix_us(),
            .body = bytes_from(bodies + i % BODIES * body_bytes, body_bytes),
        };
        if (!buffer_append(buffer, &record, &clients, clients_done, &clients, &err)) fail(&err);
    }
    pthread_mutex_lock(&clients.lock);
    while (clients.done < requests) pthread_cond_wait(&clients.changed, &clients.lock);
    pthread_mutex_unlock(&clients.lock);
    cpu_ns = clock_cpu_ns() - cpu_ns;
    wall_ns = clock_mono_ns() - wall_ns;
    struct buffer_stats stats;
    buffer_stats(buffer, &stats);
    double seconds = (double)wall_ns / 1e9;
    printf("wal_%s_cpu_us_per_request %.2f us\n", name, (double)cpu_ns / 1e3 / requests);
    printf("wal_%s_requests_per_s %.0f 1/s\n", name, requests / seconds);
    printf("wal_%s_mb_per_s %.1f MB/s\n", name, (double)requests * (double)body_bytes / 1e6 / seconds);
    printf("wal_%s_requests_per_sync %.2f 1\n", name, (double)requests / (double)stats.syncs);
    buffer_close(buffer);

    uint64_t start_ns = clock_mono_ns();
    if (!buffer_open(&buffer, &options, &err) || !buffer_start(buffer, &err)) fail(&err);
    printf("wal_%s_replay_mb_per_s %.0f MB/s\n", name,
           (double)requests * (double)body_bytes / 1e6 / ((double)(clock_mono_ns() - start_ns) / 1e9));
    buffer_close(buffer);
    free(bodies);
    folder_remove(dir);
}

int main(int argc, char **argv)
{
    const char *parent = argc > 1 ? argv[1] : ".";
    measure(parent, "2kb_1", 2048, 1000, 1);
    measure(parent, "2kb_64", 2048, 40000, 64);
    measure(parent, "450kb_1", 450000, 500, 1);
    measure(parent, "450kb_16", 450000, 2000, 16);
    return 0;
}
