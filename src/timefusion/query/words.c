#include "timefusion/query/words.h"
#include <stdlib.h>
#include <string.h>

enum { GROUPS_MAX = 64, WIDTH_MAX = 8, RUN = 4 };
static const char magic[8] = "MONOWRD1";

static uint32_t width_of(uint32_t group_count)
{
    uint32_t width = 1;
    while (width < WIDTH_MAX && width * 8 < group_count) width *= 2;
    return width;
}

static void u32_put(uint8_t *at, uint32_t number)
{
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)(number >> (8 * i));
}

static uint32_t u32_take(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

void words_init(struct words *words, uint32_t group_count)
{
    words->group_count = group_count;
    words->width = width_of(group_count);
    words->bytes = mem_calloc(WORDS_HEAD_BYTES + (size_t)WORDS_PLACES * words->width, 1);
    memcpy(words->bytes, magic, sizeof magic);
    u32_put(words->bytes + 8, group_count);
    u32_put(words->bytes + 12, words->width);
}

void words_deinit(struct words *words)
{
    free(words->bytes);
}

struct bytes words_bytes(const struct words *words)
{
    return bytes_from(words->bytes, WORDS_HEAD_BYTES + (size_t)WORDS_PLACES * words->width);
}

static uint32_t place_of(uint32_t run)
{
    return run * 2654435761u >> 14;
}
static_assert(WORDS_PLACES == 1u << (32 - 14), "the upper bits");

/* The ASCII letter, folded, that stands at *at, which moves behind it; 0: something else does. */
static uint8_t letter_take(const uint8_t **at, const uint8_t *end)
{
    static const struct {
        uint8_t bytes[3], len, letter;
    } others[] = {
        { { 0xC5, 0xBF }, 2, 's' },       /* long s */
        { { 0xE2, 0x84, 0xAA }, 3, 'k' }, /* the sign of Kelvin */
        { { 0xC4, 0xB0 }, 2, 'i' },       /* with a dot, as a capital */
        { { 0xC4, 0xB1 }, 2, 'i' },       /* without one */
    };
    uint8_t byte = **at;
    if (byte < 0x80) {
        ++*at;
        return byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte;
    }
    for (size_t o = 0; o < COUNT_OF(others); o++) {
        if (end - *at < others[o].len || memcmp(*at, others[o].bytes, others[o].len) != 0) continue;
        *at += others[o].len;
        return others[o].letter;
    }
    ++*at;
    return 0;
}

void words_add(struct words *words, uint32_t group, struct bytes text)
{
    uint32_t run = 0, len = 0;
    uint8_t *bits = words->bytes + WORDS_HEAD_BYTES + (group < GROUPS_MAX ? group : GROUPS_MAX - 1) / 8;
    uint8_t bit = (uint8_t)(1u << (group < GROUPS_MAX ? group : GROUPS_MAX - 1) % 8);
    for (const uint8_t *at = text.ptr, *end = text.ptr + text.len; at < end;) {
        uint8_t letter = letter_take(&at, end);
        run = run << 8 | letter;
        len = letter == 0 ? 0 : len + 1;
        if (len >= RUN) bits[(size_t)place_of(run) * words->width] |= bit;
    }
}

uint32_t words_runs(struct bytes text, uint32_t places[WORDS_RUNS_MAX])
{
    uint32_t run = 0, len = 0, count = 0;
    for (size_t i = 0; i < text.len && count < WORDS_RUNS_MAX; i++) {
        uint8_t byte = text.ptr[i];
        bool is_letter = byte > 0 && byte < 0x80;
        run = run << 8 | (byte >= 'A' && byte <= 'Z' ? byte | 0x20u : byte);
        len = is_letter ? len + 1 : 0;
        if (len >= RUN) places[count++] = place_of(run);
    }
    return count;
}

struct bytes words_of_like(struct bytes pattern, char *storage)
{
    struct bytes best = { 0 };
    size_t used = 0, from = 0;
    for (size_t i = 0; i <= pattern.len; i++) {
        bool is_end = i == pattern.len || pattern.ptr[i] == '%' || pattern.ptr[i] == '_';
        if (is_end) {
            if (used - from > best.len) best = bytes_from(storage + from, used - from);
            from = used;
            continue;
        }
        if (pattern.ptr[i] == '\\' && ++i == pattern.len) return (struct bytes){ 0 }; /* nothing is escaped: an error */
        storage[used++] = (char)pattern.ptr[i];
    }
    return best;
}

uint64_t words_groups(bool (*read)(void *ctx, uint64_t offset, void *ptr, size_t len), void *ctx, uint64_t bytes,
                      const uint32_t *places, uint32_t count)
{
    uint8_t head[WORDS_HEAD_BYTES];
    if (bytes < sizeof head || !read(ctx, 0, head, sizeof head) || memcmp(head, magic, sizeof magic) != 0)
        return UINT64_MAX;
    uint32_t group_count = u32_take(head + 8), width = u32_take(head + 12);
    if (width != width_of(group_count) || bytes != WORDS_HEAD_BYTES + (uint64_t)WORDS_PLACES * width) return UINT64_MAX;
    uint64_t all = group_count >= GROUPS_MAX ? UINT64_MAX : (UINT64_C(1) << group_count) - 1, groups = all;
    for (uint32_t p = 0; p < count && groups != 0; p++) {
        uint8_t raw[WIDTH_MAX] = { 0 };
        uint64_t bits = 0;
        if (!read(ctx, WORDS_HEAD_BYTES + (uint64_t)places[p] * width, raw, width)) return UINT64_MAX;
        for (uint32_t b = 0; b < width; b++) bits |= (uint64_t)raw[b] << (8 * b);
        groups &= bits;
    }
    return groups == all ? UINT64_MAX : groups;
}
