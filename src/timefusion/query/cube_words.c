/* Which row groups of a file can hold a text: made of its dictionaries and pages, asked before they are read. */
#include "timefusion/parquet/chunk_texts.h"
#include "timefusion/query/cube.h"
#include "timefusion/query/engine.h"
#include "timefusion/query/kept.h"
#include "timefusion/query/translate.h"
#include "timefusion/query/words.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- making ---- */

struct taking {
    struct words words;
    uint32_t group;
};

static void text_take(void *ctx, struct bytes text)
{
    struct taking *taking = ctx;
    words_add(&taking->words, taking->group, text);
}

static bool file_read(void *file, uint64_t offset, void *ptr, size_t len, struct err *err)
{
    return timefusion_file_read(file, offset, ptr, len, err);
}

bool cube_words_make(struct cubes *cubes, const struct cube_name *name, struct timefusion_file *file, bool *is_made,
                     struct err *err)
{
    const struct parquet_footer *footer;
    struct err why = { 0 };
    struct taking taking;
    struct chunk_texts texts;
    struct cube_name told = *name;
    uint32_t column_count;
    const uint32_t *columns = condition_words_columns(&column_count);
    bool ok = timefusion_file_footer(file, &footer, &why) && footer->row_group_count > 0;
    words_init(&taking.words, ok ? footer->row_group_count : 1);
    chunk_texts_init(&texts);
    for (taking.group = 0; ok && taking.group < footer->row_group_count; taking.group++)
        for (uint32_t c = 0; ok && c < column_count; c++)
            if (footer->present[columns[c] / 64] >> (columns[c] % 64) & 1)
                ok = chunk_texts_read(&texts, file_read, file, &footer->row_groups[taking.group].columns[columns[c]],
                                      text_take, &taking, &why);
    chunk_texts_deinit(&texts);
    told.rows = ok ? file->row_count : 0;
    *is_made = ok;
    ok = cube_put(cubes, &told, ok ? words_bytes(&taking.words) : (struct bytes){ 0 }, err);
    words_deinit(&taking.words);
    return ok;
}

/* ---- asking ---- */

static bool fd_read(void *ctx, uint64_t offset, void *ptr, size_t len)
{
    const int *fd = ctx;
    ssize_t got;
    do got = pread(*fd, ptr, len, (off_t)offset);
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)len;
}

/* UINT64_MAX: any. */
static uint64_t groups_of(struct query_cursor *cursor, struct timefusion_file *file, const struct plan_words *words)
{
    struct cubes *cubes = cursor->session->engine->cubes;
    bool is_missing;
    struct cube *cube = cube_words_hold(cubes, timefusion_file_hash(file), &is_missing);
    if (!cube) {
        if (is_missing) cube_want(cubes, cursor->session->project_id);
        return UINT64_MAX;
    }
    uint64_t groups = 0;
    int fd = open(cube->path, O_RDONLY | O_CLOEXEC);
    for (uint32_t t = 0; fd >= 0 && t < words->count; t++) {
        uint32_t places[WORDS_RUNS_MAX], count = words_runs(words->texts[t], places);
        groups |= words_groups(fd_read, &fd, cube->bytes, places, count);
    }
    if (fd < 0)
        groups = UINT64_MAX;
    else
        close(fd);
    cube_unhold(cubes, cube);
    return groups;
}

void cube_words_narrow(struct query_cursor *cursor, const struct plan_table *table, struct pruned *files)
{
    enum plan_kind kind = cursor->plan->kind;
    if (table->words_count == 0 || (kind != PLAN_SELECT && kind != PLAN_EXPLAIN) || !cubes_are_on(cursor->session))
        return;
    uint32_t kept = 0;
    uint64_t *groups = arena_alloc(&cursor->arena, (files->count + 1) * sizeof *groups);
    for (uint32_t f = 0; f < files->count; f++) {
        uint64_t left = files->groups ? files->groups[f] : INDEX_GROUPS_ANY;
        bool is_large = kept_is_large(cursor, files->files[f]);
        for (uint32_t w = 0; is_large && w < table->words_count && left != 0; w++)
            left &= groups_of(cursor, files->files[f], &table->words[w]);
        if (left == 0) continue;
        groups[kept] = left;
        files->files[kept++] = files->files[f];
    }
    files->groups = groups;
    files->count = kept;
}
