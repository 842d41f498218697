/* Any texts as templates: every one is in a group, groups are numbered by their texts, and the order of the templates
 * changes nothing. */
#include <stdlib.h>

#include "patterns/group.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { COUNT_MAX = 200 };
    struct bytes texts[COUNT_MAX], backwards[COUNT_MAX];
    struct pattern_groups groups, again;
    struct arena arena;
    uint32_t count = 0;
    arena_init(&arena, 0);
    for (size_t at = 0; at < size && count < COUNT_MAX;) { /* a line each */
        const uint8_t *end = memchr(data + at, '\n', size - at);
        size_t len = end == NULL ? size - at : (size_t)(end - data) - at;
        texts[count++] = arena_copy(&arena, bytes_from(data + at, len));
        at += len + 1;
    }
    for (uint32_t t = 0; t < count; t++) backwards[count - 1 - t] = texts[t];
    patterns_group(&arena, texts, count, &groups);
    patterns_group(&arena, backwards, count, &again);
    if (groups.count != again.count || groups.count > count || (count > 0 && groups.count == 0)) abort();
    uint32_t members = 0;
    for (uint32_t g = 0; g < groups.count; g++) {
        if (g > 0 && bytes_compare(groups.texts[g - 1], groups.texts[g]) > 0) abort();
        if (!bytes_equal(groups.texts[g], again.texts[g]) || groups.sizes[g] != again.sizes[g]) abort();
        members += groups.sizes[g];
    }
    if (members != count) abort();
    for (uint32_t t = 0; t < count; t++) {
        struct bytes text = groups.texts[groups.group_of[t]];
        if (groups.group_of[t] >= groups.count || !bytes_equal(text, again.texts[again.group_of[count - 1 - t]]))
            abort();
        (void)pattern_fits(text, texts[t]);
    }
    arena_deinit(&arena);
    return 0;
}
