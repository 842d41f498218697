/* What a source map costs to read and to keep, and a frame to resolve: "map_bench MAP ...", CPU of one thread. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sourcemaps/open_maps.h"
#include "sourcemaps/stack.h"

enum { STACKS = 20000, FRAMES = 10 };

static uint64_t cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static struct bytes file_read(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) exit(1);
    fseek(file, 0, SEEK_END);
    size_t len = (size_t)ftell(file);
    uint8_t *bytes = mem_alloc(len + 1);
    rewind(file);
    if (fread(bytes, 1, len, file) != len) exit(1);
    fclose(file);
    return bytes_from(bytes, len);
}

static const struct map *of_file(void *ctx, struct bytes file)
{
    (void)file;
    return ctx;
}

static void run(const char *path)
{
    struct bytes json = file_read(path);
    struct map_made made;
    struct map map;
    struct err err = { 0 };
    struct buf packed;
    struct arena arena;
    buf_init(&packed, SIZE_MAX / 4);
    arena_init(&arena, 0);
    uint64_t start_ns = cpu_ns();
    bool ok = map_read(json, &made, &err) && map_open(&map, buf_bytes(&made.compact), &err);
    uint64_t read_ns = cpu_ns() - start_ns;
    if (!ok || !open_maps_pack(buf_bytes(&made.compact), &packed, &err)) {
        fprintf(stderr, "%s: %s\n", path, err.text);
        exit(1);
    }
    uint32_t columns = 1; /* of the longest line's end, roughly: of the last block */
    memcpy(&columns, made.compact.ptr + map.head.blocks_at + (map.head.block_count - 1) * 12 + 4, 4);
    uint32_t line = 0;
    memcpy(&line, made.compact.ptr + map.head.blocks_at + (map.head.block_count - 1) * 12, 4);
    uint64_t seed = 1, frames = 0, resolve_ns = 0, find_ns = 0;
    for (uint32_t s = 0; s < STACKS; s++) {
        char text[4096];
        size_t len =
            (size_t)snprintf(text, sizeof text, "TypeError: Cannot read properties of undefined (reading 'x')\n");
        for (int f = 0; f < FRAMES; f++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            len += (size_t)snprintf(text + len, sizeof text - len,
                                    "    at t (https://www.example.com/assets/app.js:%u:%u)\n",
                                    line == 0 ? 1 : (uint32_t)(seed >> 40) % line + 1,
                                    (uint32_t)(seed >> 33) % (columns + 1) + 1);
        }
        struct bytes resolved;
        struct stack_counts counts;
        start_ns = cpu_ns();
        (void)stack_resolve(&arena, bytes_from(text, len), &(struct stack_maps){ of_file, &map }, &resolved, &counts);
        resolve_ns += cpu_ns() - start_ns;
        frames += counts.frames;
        arena_reset(&arena);
    }
    struct map_place place;
    start_ns = cpu_ns();
    for (uint32_t s = 0; s < STACKS * FRAMES; s++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        (void)map_find(&map, line == 0 ? 0 : (uint32_t)(seed >> 40) % line, (uint32_t)(seed >> 33) % (columns + 1),
                       &place);
    }
    find_ns = cpu_ns() - start_ns;
    printf("%s: %.2f MB of JSON, %u mappings, %u sources, %u functions\n", path, (double)json.len / 1e6,
           made.mapping_count, made.source_count, made.scope_count);
    printf("  read        %8.0f ms\n", (double)read_ns / 1e6);
    printf("  open        %8.2f MB, %.1f bytes a mapping of which %.1f are mappings\n", (double)made.compact.len / 1e6,
           (double)made.compact.len / (made.mapping_count + 1),
           (double)(map.head.bytes - map.head.mappings_at + map.head.block_count * 12) / (made.mapping_count + 1));
    printf("  kept        %8.2f MB, and %.2f of sources: %.0f%% of the JSON\n", (double)packed.len / 1e6,
           (double)made.sources.len / 1e6, 100.0 * (double)(packed.len + made.sources.len) / (double)json.len);
    printf("  a look-up   %8.0f ns\n", (double)find_ns / (STACKS * FRAMES));
    printf("  a frame     %8.0f ns of a stack of %d, of which %.0f%% were resolved\n",
           (double)resolve_ns / (STACKS * FRAMES), FRAMES, 100.0 * (double)frames / (STACKS * FRAMES));
    buf_deinit(&packed);
    arena_deinit(&arena);
    map_made_deinit(&made);
    free((void *)(uintptr_t)json.ptr);
}

int main(int argc, char **argv)
{
    for (int a = 1; a < argc; a++) run(argv[a]);
    return argc > 1 ? 0 : 2;
}
