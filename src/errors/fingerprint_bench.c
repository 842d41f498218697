/* What CPU an error costs: read and fingerprinted, of each stack trace in src/errors/stacks; "fingerprint_bench [FOLDER]". */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "errors/fingerprint.h"

#define TEXT_BYTES_MAX (1u << 20)
#define BENCH_NS       100000000u

static uint64_t cpu_ns(void) /* the machine may have others at work */
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static double ns_of(struct arena *arena, struct bytes text, uint32_t *frames, uint64_t *sum)
{
    struct error_source source = { .service = BYTES("cart"), .stacktrace = text };
    uint64_t start_ns = cpu_ns(), now_ns = start_ns, count = 0;
    while (now_ns - start_ns < BENCH_NS) {
        for (int i = 0; i < 32; i++, count++) {
            const struct error_event *event = error_event_read(arena, &source);
            *sum += fingerprint_of(arena, event, NULL).key.lo;
            *frames = 0;
            for (uint32_t k = 0; k < event->exception_count; k++) *frames += event->exceptions[k].frame_count;
            arena_reset(arena);
        }
        now_ns = cpu_ns();
    }
    return (double)(now_ns - start_ns) / (double)count;
}

int main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : "src/errors/stacks";
    DIR *dir = opendir(folder);
    char *text = malloc(TEXT_BYTES_MAX), path[512];
    struct arena arena;
    uint64_t sum = 0, files = 0;
    double total_ns = 0, worst_ns = 0;
    if (dir == NULL || text == NULL) return fprintf(stderr, "no folder \"%s\"\n", folder), 1;
    arena_init(&arena, 256u << 10);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (strstr(entry->d_name, ".txt") == NULL) continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        FILE *file = fopen(path, "rb");
        if (file == NULL) continue;
        size_t len = fread(text, 1, TEXT_BYTES_MAX, file);
        fclose(file);
        uint32_t frames = 0;
        double ns = ns_of(&arena, bytes_from(text, len), &frames, &sum);
        printf("# %-22s %6zu bytes %3u frames %8.0f ns\n", entry->d_name, len, frames, ns);
        total_ns += ns;
        files++;
        if (ns > worst_ns) worst_ns = ns;
    }
    closedir(dir);
    arena_deinit(&arena);
    free(text);
    if (files == 0) return 1;
    printf("error_fingerprint %.2f us\nerror_fingerprint_worst %.2f us\n", total_ns / (double)files / 1000,
           worst_ns / 1000);
    return sum == 0;
}
