/* What masking a line and grouping templates cost; and how well lines of a labelled file are sorted.
 *
 *   patterns_bench                   ns a line of CPU
 *   patterns_bench FILE.tsv ...      each line "event\tmessage": grouping accuracy and pairwise F1 of each file */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "patterns/group.h"
#include "patterns/mask.h"

static const char *const lines[] = {
    "2026-01-02 03:04:05.678  INFO 4711 --- [nio-8080-exec-7] c.a.cart.CartController : Added item 42 to cart "
    "5f3a9c12e7",
    "10.0.0.1 - - [02/Jan/2026:03:04:05 +0000] \"GET /api/v1/users/42?page=2 HTTP/1.1\" 200 612 \"-\" \"curl/7.88.1\"",
    "Failed password for invalid user admin from 203.0.113.7 port 51122 ssh2, session closed by the remote host now",
    "PacketResponder 1 for block blk_38865049064139660 terminating, dst: /10.251.42.84:50010 src: /10.251.43.210:40",
    "connection to the payment service was refused, trying again with the next one of the list of its known addresses",
    "{\"level\":\"info\",\"ts\":1767225600.123,\"caller\":\"zap/main.go:12\",\"msg\":\"request "
    "served\",\"port\":8080,\"ms\":12}",
};

static void cost_print(void)
{
    enum { ROUNDS = 200000 };
    uint8_t room[MASK_ROOM_BYTES];
    size_t bytes = 0;
    uint64_t begin_ns = clock_cpu_ns(), sink = 0;
    for (uint32_t i = 0; i < ROUNDS * COUNT_OF(lines); i++) {
        struct bytes line = bytes_of_text(lines[i % COUNT_OF(lines)]);
        bytes += line.len;
        sink += mask_text(room, line).len;
    }
    double ns = (double)(clock_cpu_ns() - begin_ns) / (ROUNDS * COUNT_OF(lines));
    printf("patterns_mask_ns %.0f ns (CPU, a line of %zu bytes; %" PRIu64 ")\n", ns, bytes / (ROUNDS * COUNT_OF(lines)),
           sink & 1);

    enum { TEMPLATES = 2000 };
    struct arena arena;
    struct bytes templates[TEMPLATES];
    arena_init(&arena, 0);
    for (uint32_t t = 0; t < TEMPLATES; t++)
        templates[t] =
            bytes_of_text(arena_printf(&arena,
                                       t % 2 ? "user name%c%c%c opened the page /x/%c%c of <*>"
                                             : "step %c%c%c of the work %c%c is done in <*>",
                                       'a' + t % 26, 'a' + t / 26 % 26, 'a' + t / 676, 'a' + t % 7, 'a' + t % 5));
    struct pattern_groups groups;
    begin_ns = clock_cpu_ns();
    patterns_group(&arena, templates, TEMPLATES, &groups);
    printf("patterns_group_us %.1f us (CPU, a template, of %d into %u)\n",
           (double)(clock_cpu_ns() - begin_ns) / 1000 / TEMPLATES, TEMPLATES, groups.count);
    arena_deinit(&arena);
}

struct line {
    uint64_t event, template;
    uint32_t template_number, group;
};
static int by_template(const void *left, const void *right)
{
    const struct line *a = left, *b = right;
    return (a->template > b->template) - (a->template <b->template);
}
static int by_event(const void *left, const void *right)
{
    const struct line *a = left, *b = right;
    if (a->event != b->event) return a->event < b->event ? -1 : 1;
    return (a->group > b->group) - (a->group < b->group);
}
static double pairs(uint64_t n)
{
    return (double)n * (double)(n - 1) / 2;
}

/* Grouping accuracy (Zhu et al., "Tools and Benchmarks for Automated Log Parsing", 2019): lines of events whose lines are
 * exactly those of one group. */
static void file_score(const char *path, bool is_verbose, double *accuracy_sum, double *f1_sum)
{
    FILE *file = fopen(path, "r");
    struct arena arena;
    struct line *all = NULL;
    struct bytes *templates = NULL;
    char *text = NULL;
    size_t cap = 0, count = 0, kinds = 0;
    ssize_t len;
    if (file == NULL) exit(2);
    arena_init(&arena, 0);
    while ((len = getline(&text, &cap, file)) > 0) {
        char *tab = memchr(text, '\t', (size_t)len);
        if (tab == NULL) continue;
        uint8_t room[MASK_ROOM_BYTES];
        all = mem_realloc(all, (count + 1) * sizeof *all);
        templates = mem_realloc(templates, (count + 1) * sizeof *templates);
        size_t end = (size_t)len - (text[len - 1] == '\n');
        templates[count] = arena_copy(&arena, mask_text(room, bytes_from(tab + 1, end - (size_t)(tab + 1 - text))));
        all[count] = (struct line){ .event = hash64_of(bytes_from(text, (size_t)(tab - text))),
                                    .template = hash64_of(templates[count]),
                                    .template_number = (uint32_t)count };
        count++;
    }
    fclose(file);
    struct bytes *of_kind = mem_alloc((count + 1) * sizeof *of_kind);
    qsort(all, count, sizeof *all, by_template);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || all[i].template != all[i - 1].template) of_kind[kinds++] = templates[all[i].template_number];
        all[i].group = (uint32_t)kinds - 1;
    }
    struct pattern_groups groups;
    uint64_t begin_ns = clock_cpu_ns();
    patterns_group(&arena, of_kind, (uint32_t)kinds, &groups);
    double ms = (double)(clock_cpu_ns() - begin_ns) / 1e6;
    for (size_t i = 0; i < count; i++) all[i].group = groups.group_of[all[i].group];
    uint64_t *group_sizes = calloc(groups.count + 1, sizeof *group_sizes);
    for (size_t i = 0; i < count; i++) group_sizes[all[i].group]++;
    qsort(all, count, sizeof *all, by_event);
    uint64_t right = 0, events = 0;
    double of_events = 0, of_groups = 0, of_both = 0;
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from; to < count && all[to].event == all[from].event; to++) {}
        of_events += pairs(to - from);
        events++;
        if (all[from].group == all[to - 1].group && group_sizes[all[from].group] == to - from) right += to - from;
        for (size_t a = from, b; a < to; a = b) {
            for (b = a; b < to && all[b].group == all[a].group; b++) {}
            of_both += pairs(b - a);
        }
    }
    for (uint32_t g = 0; g < groups.count; g++) of_groups += pairs(group_sizes[g]);
    if (is_verbose) {
        qsort(all, count, sizeof *all, by_event);
        for (size_t from = 0, to; from < count; from = to) {
            for (to = from; to < count && all[to].event == all[from].event; to++) {}
            if (all[from].group == all[to - 1].group && group_sizes[all[from].group] == to - from) continue;
            printf("  event of %zu lines:\n", to - from);
            uint32_t shown = 0;
            for (size_t i = from; i < to && shown < 6; i++)
                if (i == from || all[i].group != all[i - 1].group) {
                    struct bytes group = groups.texts[all[i].group];
                    printf("    %4" PRIu64 " lines in all: %.*s\n", group_sizes[all[i].group], (int)group.len,
                           (const char *)group.ptr);
                    shown++;
                }
        }
    }
    double precision = of_groups > 0 ? of_both / of_groups : 1, recall = of_events > 0 ? of_both / of_events : 1;
    double f1 = precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0;
    const char *slash = strrchr(path, '/');
    printf("%-28s lines %5zu events %4" PRIu64
           " templates %4zu patterns %4u  GA %.3f  pairs P %.3f R %.3f F1 %.3f  %.1f ms\n",
           slash ? slash + 1 : path, count, events, kinds, groups.count, (double)right / (double)count, precision,
           recall, f1, ms);
    *accuracy_sum += (double)right / (double)count;
    *f1_sum += f1;
    free(group_sizes);
    free(of_kind);
    free(all);
    free(templates);
    free(text);
    arena_deinit(&arena);
}

int main(int argc, char **argv)
{
    double accuracy = 0, f1 = 0;
    bool is_verbose = argc > 1 && strcmp(argv[1], "-v") == 0;
    int first = is_verbose ? 2 : 1;
    if (argc <= first) cost_print();
    for (int i = first; i < argc; i++) file_score(argv[i], is_verbose, &accuracy, &f1);
    if (argc > first)
        printf("patterns_accuracy %.3f\npatterns_f1 %.3f\n", accuracy / (argc - first), f1 / (argc - first));
    return 0;
}
