#include "telemetry/process.h"
#include "base/clock.h"
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

static double seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

/* "VmRSS:     1234 kB" */
static void status_collect(struct metric_set *set)
{
    static const struct {
        const char *name;
        enum metric_id id;
        uint32_t factor;
    } wanted[] = { { "VmRSS:", METRIC_PROCESS_MEMORY_USAGE, 1024 },
                   { "RssAnon:", METRIC_PROCESS_MEMORY_ANONYMOUS, 1024 },
                   { "Threads:", METRIC_PROCESS_THREADS, 1 } };
    FILE *file = fopen("/proc/self/status", "re");
    char line[256];
    if (!file) return;
    while (fgets(line, sizeof line, file)) {
        for (size_t w = 0; w < COUNT_OF(wanted); w++) {
            size_t len = strlen(wanted[w].name);
            if (strncmp(line, wanted[w].name, len) == 0)
                metric_add(set, wanted[w].id, strtoull(line + len, NULL, 10) * wanted[w].factor, NULL);
        }
    }
    (void)fclose(file);
}

static void files_collect(struct metric_set *set)
{
    DIR *dir = opendir("/proc/self/fd");
    uint64_t count = 0;
    if (!dir) return;
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) count += entry->d_name[0] != '.';
    closedir(dir);
    metric_add(set, METRIC_PROCESS_FILES, count - 1, NULL); /* without the folder just opened */
}

void process_collect(struct metric_set *set, uint64_t start_mono_ns)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        metric_add_number(set, METRIC_PROCESS_CPU_TIME, seconds(usage.ru_utime),
                          METRIC_ATTRIBUTES({ "cpu.mode", "user" }));
        metric_add_number(set, METRIC_PROCESS_CPU_TIME, seconds(usage.ru_stime),
                          METRIC_ATTRIBUTES({ "cpu.mode", "system" }));
    }
    status_collect(set);
    files_collect(set);
    metric_add_number(set, METRIC_PROCESS_UPTIME, (double)(clock_mono_ns() - start_mono_ns) / 1e9, NULL);
}
