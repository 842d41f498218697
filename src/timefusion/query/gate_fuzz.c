/* Any text as SQL: it is refused, or becomes a template that holds no byte of its own making (fuzzed without DuckDB). */
#include "timefusion/query/plan.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every mark is closed, and names a parameter, table, setting or fold that there is. */
static void marks_check(const struct plan *plan, const char *template, uint32_t fold_count)
{
    for (const char *at = template; at && (at = strchr(at, MARK_OPEN[0]));) {
        char *end;
        unsigned long number = strtoul(at + 2, &end, 10);
        if (*end != MARK_CLOSE[0] || !strchr("PLiITNSUBCKAQ", at[1])) abort();
        if (strchr("PLiI", at[1]) && (number < 1 || number > plan->parameter_count)) abort();
        if (at[1] == 'T' && number >= plan->table_count) abort();
        if (at[1] == 'S' && number >= setting_count()) abort();
        if (at[1] == 'K' && number >= fold_count) abort();
        if (at[1] == 'A' && number >= plan->aggregate_count) abort();
        if (at[1] == 'Q' && number >= plan->cube_count) abort();
        at = end;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct plan *plan;
    struct err err = { .code = ERR_OK };
    struct bytes statements[8];
    uint32_t count;
    if (size > 4096) return 0;
    if (!query_split(bytes_from(data, size), statements, COUNT_OF(statements), &count, &err) && err.code == ERR_OK)
        abort();
    err = (struct err){ .code = ERR_OK };
    if (!plan_make(&plan, bytes_from(data, size), NULL, 0, NULL, &err)) {
        if (err.code == ERR_OK || err.text[0] == '\0') abort(); /* a refusal says why */
        return 0;
    }
    marks_check(plan, plan->sql, plan->fold_count);
    for (uint32_t f = 0; f < plan->fold_count; f++) { /* what stands for a mark K holds none */
        const struct plan_fold *fold = &plan->folds[f];
        const char *const templates[] = { fold->whole, fold->part, fold->now, fold->head, fold->tail };
        for (size_t t = 0; t < COUNT_OF(templates); t++) marks_check(plan, templates[t], 0);
        if (fold->table >= plan->table_count) abort();
    }
    for (uint32_t a = 0; a < plan->aggregate_count; a++) {
        marks_check(plan, plan->aggregates[a].plain, 0);
        marks_check(plan, plan->aggregates[a].cubed, 0);
    }
    for (uint32_t t = 0; t < plan->cube_count; t++) {
        const struct plan_cube *cube = &plan->cubes[t];
        marks_check(plan, cube->whole, 0);
        marks_check(plan, cube->otherwise, plan->fold_count);
        if (cube->table >= plan->table_count || cube->fold >= (int)plan->fold_count) abort();
    }
    plan_release(plan);
    return 0;
}
