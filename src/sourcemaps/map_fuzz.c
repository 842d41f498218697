/* Source maps of strangers: any bytes as a map, as a compact form, as a source, and as a stack. */
#include <stdlib.h>

#include "sourcemaps/scopes.h"
#include "sourcemaps/stack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct map *of_file(void *ctx, struct bytes file)
{
    return file.len > 0 && file.ptr[0] == 'x' ? NULL : ctx;
}

static void asked(const struct map *map, struct bytes text)
{
    struct arena arena;
    struct bytes resolved;
    struct stack_counts counts;
    struct map_place place;
    arena_init(&arena, 0);
    for (uint32_t line = 0; line < 4; line++) {
        for (uint32_t column = 0; column < 200; column += 7) {
            if (!map_find(map, line, column, &place)) continue;
            assert(place.source < map->head.source_count);
        }
    }
    (void)map_find(map, UINT32_MAX, UINT32_MAX, &place);
    if (stack_resolve(&arena, text, &(struct stack_maps){ of_file, (void *)(uintptr_t)map }, &resolved, &counts))
        assert(resolved.len > 0 && counts.frames > 0);
    arena_deinit(&arena);
}

static void scopes_check(struct bytes text)
{
    struct arena arena;
    struct scopes scopes;
    arena_init(&arena, 0);
    scopes_read(&arena, text, &scopes);
    for (uint32_t s = 0; s < scopes.count; s++) { /* in their order, each within what is around it */
        const struct scope *scope = &scopes.at[s];
        assert(scope->parent == SCOPE_NONE || scope->parent < s);
        assert(s == 0 || scopes.at[s - 1].line < scope->line ||
               (scopes.at[s - 1].line == scope->line && scopes.at[s - 1].column <= scope->column));
    }
    arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = bytes_from(data, size);
    struct map_made made;
    struct map map;
    struct err err = { 0 };
    if (map_read(text, &made, &err)) {
        bool ok = map_open(&map, buf_bytes(&made.compact), &err);
        assert(ok);
        asked(&map, text);
    }
    map_made_deinit(&made);
    if (map_open(&map, text, &err)) asked(&map, text);
    scopes_check(text);
    return 0;
}
