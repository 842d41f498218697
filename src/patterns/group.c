#include "patterns/group.h"

#include <stdlib.h>

#include "base/hash.h"

/* Letters, digits and signs within a word: "/var/log/x", "worker-<*>", "a.b_c". Bytes over 127 are letters. */
static bool is_word_byte(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
           byte >= 128 || memchr("-_./<>*@$%+\\", byte, 12) != NULL;
}

/* "blk_<*>": a word of which a part is masked. */
static bool is_part_masked(const uint8_t *word, size_t len)
{
    return len > 3 && memmem(word, len, "<*>", 3) != NULL;
}

struct word {
    uint64_t hash;
    uint32_t from, len;
    bool has_letters;
};
/* A template, or what several have become. */
struct node {
    struct bytes text;
    uint64_t shape; /* signs between the words */
    struct word *words;
    uint32_t word_count;
    uint32_t parent; /* index of the node it went into; itself: it stands for those that did */
    uint32_t template;
    bool is_pattern; /* of several, with <*> where they differ */
};
struct grouping {
    struct arena *arena;
    struct node *nodes;
    uint32_t *live; /* of the shape at hand: nodes that stand for themselves */
    uint32_t live_count;
    struct entry {
        uint64_t rest, value;
        uint32_t node;
    } * entries;
    uint64_t wild;
};

static void words_read(struct grouping *grouping, struct node *node)
{
    struct word words[PATTERN_WORDS_MAX];
    uint8_t shape[PATTERN_WORDS_MAX * 4 + 8];
    uint32_t count = 0, shape_len = 0, shape_word = 0;
    const uint8_t *text = node->text.ptr;
    for (size_t at = 0; at < node->text.len;) {
        size_t from = at;
        bool is_last = count == PATTERN_WORDS_MAX - 1, has_letters = false;
        while (at < node->text.len && (is_last || is_word_byte(text[at]))) {
            has_letters |= (text[at] | 32) >= 'a' && (text[at] | 32) <= 'z';
            at++;
        }
        if (at == from) { /* runs of blanks are one: they pad what varies */
            bool is_padding = text[at] == ' ' && shape_len > 0 && shape[shape_len - 1] == ' ';
            if (shape_len < sizeof shape && !is_padding) shape[shape_len++] = text[at];
            at++;
            continue;
        }
        uint64_t hash = hash64_of(bytes_from(text + from, at - from));
        if (count > 0 && words[count - 1].hash == hash && is_part_masked(text + from, at - from)) {
            words[count - 1].len = (uint32_t)(at - words[count - 1].from); /* of a list how long it is varies */
            shape_len = shape_word;
            continue;
        }
        if (shape_len < sizeof shape) shape[shape_len++] = 'w';
        shape_word = shape_len;
        words[count++] = (struct word){ hash, (uint32_t)from, (uint32_t)(at - from), has_letters };
    }
    node->shape = hash64_of(bytes_from(shape, shape_len));
    node->word_count = count;
    node->words = arena_alloc(grouping->arena, count * sizeof *words);
    if (count > 0) memcpy(node->words, words, count * sizeof *words);
}

static int node_compare(const void *left, const void *right)
{
    const struct node *a = left, *b = right;
    if (a->shape != b->shape) return a->shape < b->shape ? -1 : 1;
    return bytes_compare(a->text, b->text);
}

static int entry_compare(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    if (a->rest != b->rest) return a->rest < b->rest ? -1 : 1;
    if (a->value != b->value) return a->value < b->value ? -1 : 1;
    return (a->node > b->node) - (a->node < b->node);
}

/* At least half of the words stay, and one of letters. */
static bool may_vary(const struct grouping *grouping, const struct node *node, const bool *varies)
{
    uint32_t kept = 0, with_letters = 0;
    for (uint32_t w = 0; w < node->word_count; w++) {
        if (varies[w]) continue;
        kept++;
        with_letters += node->words[w].hash != grouping->wild && node->words[w].has_letters;
    }
    return with_letters > 0 && 2 * kept >= node->word_count;
}

/* Nodes first to last of entries become the first one, with <*> where varies says. */
static void merge(struct grouping *grouping, const struct entry *entries, uint32_t count, const bool *varies)
{
    uint32_t into = entries[0].node;
    for (uint32_t e = 1; e < count; e++)
        if (entries[e].node < into) into = entries[e].node;
    for (uint32_t e = 0; e < count; e++) grouping->nodes[entries[e].node].parent = into;
    struct node *node = &grouping->nodes[into];
    for (uint32_t w = 0; w < node->word_count; w++) {
        if (varies[w]) {
            node->words[w].hash = grouping->wild;
            node->is_pattern = true;
        }
    }
}

static void live_compact(struct grouping *grouping)
{
    uint32_t kept = 0;
    for (uint32_t n = 0; n < grouping->live_count; n++)
        if (grouping->nodes[grouping->live[n]].parent == grouping->live[n]) grouping->live[kept++] = grouping->live[n];
    grouping->live_count = kept;
}

static uint64_t word_part(const struct node *node, uint32_t w)
{
    return hash64_mix(node->words[w].hash ^ (w + 1) * UINT64_C(0x9E3779B97F4A7C15), UINT64_C(0xE7037ED1A0B428DB));
}

/* One word varies and the rest is equal. True: some came together. */
static bool place_merge(struct grouping *grouping, uint32_t place)
{
    bool has_merged = false;
    for (uint32_t n = 0; n < grouping->live_count; n++) {
        const struct node *node = &grouping->nodes[grouping->live[n]];
        uint64_t rest = 0;
        for (uint32_t w = 0; w < node->word_count; w++)
            if (w != place) rest ^= word_part(node, w);
        grouping->entries[n] = (struct entry){ rest, node->words[place].hash, grouping->live[n] };
    }
    qsort(grouping->entries, grouping->live_count, sizeof *grouping->entries, entry_compare);
    bool varies[PATTERN_WORDS_MAX] = { 0 };
    varies[place] = true;
    for (uint32_t from = 0, to; from < grouping->live_count; from = to) {
        const struct entry *first = &grouping->entries[from];
        uint32_t values = 0;
        bool has_wild = false;
        for (to = from; to < grouping->live_count && grouping->entries[to].rest == first->rest; to++) {
            const struct entry *entry = &grouping->entries[to];
            values += to == from || entry->value != entry[-1].value;
            has_wild |= entry->value == grouping->wild;
        }
        /* What is a value of its own kind in this place says that words are, too. */
        bool is_enough = values >= PATTERN_VALUES || (has_wild && values >= 2) || (values == 1 && to - from > 1);
        if (!is_enough || (values > 1 && !may_vary(grouping, &grouping->nodes[first->node], varies))) continue;
        bool none[PATTERN_WORDS_MAX] = { 0 };
        merge(grouping, first, to - from, values > 1 ? varies : none);
        has_merged = true;
    }
    if (has_merged) live_compact(grouping);
    return has_merged;
}

/* -- several words vary together -------------------------------------------------------------------------------- */

static uint32_t root_of(uint32_t *parents, uint32_t n)
{
    while (parents[n] != n) n = parents[n] = parents[parents[n]];
    return n;
}

static bool is_like(const struct grouping *grouping, const struct node *a, const struct node *b)
{
    uint32_t equal = 0, letters = 0, allowed = a->word_count * 2 / 5, different = 0;
    for (uint32_t w = 0; w < a->word_count; w++) {
        if (a->words[w].hash == b->words[w].hash) {
            equal++;
            letters += a->words[w].hash != grouping->wild && a->words[w].has_letters;
        } else if (++different > allowed) {
            return false;
        }
    }
    return letters > 0 && letters >= different;
}

static uint32_t values_at(const struct grouping *grouping, const uint32_t *members, uint32_t count, uint32_t place,
                          bool *has_wild)
{
    uint64_t seen[PATTERN_PAIR_VALUES];
    uint32_t values = 0;
    *has_wild = false;
    for (uint32_t m = 0; m < count && values < PATTERN_PAIR_VALUES; m++) {
        uint64_t hash = grouping->nodes[members[m]].words[place].hash;
        bool is_new = true;
        *has_wild |= hash == grouping->wild;
        for (uint32_t v = 0; is_new && v < values; v++) is_new = seen[v] != hash;
        if (is_new) seen[values++] = hash;
    }
    return values;
}

/* Members of one likeness: apart by the words of which there are few, together by those that vary. */
static bool likeness_merge(struct grouping *grouping, const uint32_t *members, uint32_t count)
{
    const struct node *first = &grouping->nodes[members[0]];
    bool varies[PATTERN_WORDS_MAX] = { 0 }, has_merged = false;
    uint32_t places = 0;
    for (uint32_t w = 0; w < first->word_count; w++) {
        bool has_wild;
        uint32_t values = values_at(grouping, members, count, w, &has_wild);
        varies[w] = values >= PATTERN_PAIR_VALUES;
        places += varies[w];
    }
    if (places == 0) return false;
    for (uint32_t m = 0; m < count; m++) {
        const struct node *node = &grouping->nodes[members[m]];
        uint64_t rest = 0, value = 0;
        for (uint32_t w = 0; w < node->word_count; w++) {
            if (varies[w])
                value ^= word_part(node, w);
            else
                rest ^= word_part(node, w);
        }
        grouping->entries[m] = (struct entry){ rest, value, members[m] };
    }
    qsort(grouping->entries, count, sizeof *grouping->entries, entry_compare);
    for (uint32_t from = 0, to; from < count; from = to) {
        for (to = from; to < count && grouping->entries[to].rest == grouping->entries[from].rest; to++) {}
        if (to - from < PATTERN_VALUES || !may_vary(grouping, &grouping->nodes[grouping->entries[from].node], varies))
            continue;
        merge(grouping, &grouping->entries[from], to - from, varies);
        has_merged = true;
    }
    return has_merged;
}

static bool together_merge(struct grouping *grouping)
{
    uint32_t count = grouping->live_count < PATTERN_SHAPE_MAX ? grouping->live_count : PATTERN_SHAPE_MAX;
    uint32_t parents[PATTERN_SHAPE_MAX], members[PATTERN_SHAPE_MAX];
    bool has_merged = false;
    if (count < PATTERN_PAIR_VALUES) return false;
    for (uint32_t n = 0; n < count; n++) parents[n] = n;
    for (uint32_t a = 0; a < count; a++) {
        for (uint32_t b = a + 1; b < count; b++) {
            if (!is_like(grouping, &grouping->nodes[grouping->live[a]], &grouping->nodes[grouping->live[b]])) continue;
            uint32_t of_a = root_of(parents, a), of_b = root_of(parents, b);
            parents[of_a > of_b ? of_a : of_b] = of_a > of_b ? of_b : of_a;
        }
    }
    for (uint32_t root = 0; root < count; root++) {
        uint32_t size = 0;
        if (root_of(parents, root) != root) continue;
        for (uint32_t n = root; n < count; n++)
            if (root_of(parents, n) == root) members[size++] = grouping->live[n];
        if (size >= PATTERN_VALUES) has_merged |= likeness_merge(grouping, members, size);
    }
    if (has_merged) live_compact(grouping);
    return has_merged;
}

/* What fits a pattern is of it, however few values it has. */
static bool fitting_merge(struct grouping *grouping)
{
    bool has_merged = false;
    for (uint32_t p = 0; p < grouping->live_count; p++) {
        const struct node *pattern = &grouping->nodes[grouping->live[p]];
        if (!pattern->is_pattern || pattern->parent != grouping->live[p]) continue;
        for (uint32_t n = 0; n < grouping->live_count; n++) {
            struct node *node = &grouping->nodes[grouping->live[n]];
            bool fits = n != p && node->parent == grouping->live[n];
            for (uint32_t w = 0; fits && w < node->word_count; w++)
                fits = pattern->words[w].hash == grouping->wild || pattern->words[w].hash == node->words[w].hash;
            if (!fits) continue;
            node->parent = grouping->live[p];
            has_merged = true;
        }
    }
    if (has_merged) live_compact(grouping);
    return has_merged;
}

/* -- all -------------------------------------------------------------------------------------------------------- */

static void shape_group(struct grouping *grouping, uint32_t from, uint32_t to)
{
    uint32_t words = grouping->nodes[from].word_count;
    grouping->live_count = 0;
    for (uint32_t n = from; n < to; n++) grouping->live[grouping->live_count++] = n;
    for (bool again = true; again && grouping->live_count > 1;) {
        again = false;
        for (uint32_t place = 0; place < words && grouping->live_count > 1; place++)
            again |= place_merge(grouping, place);
        if (!again && grouping->live_count > 1) again = together_merge(grouping);
        if (!again && grouping->live_count > 1) again = fitting_merge(grouping);
    }
}

static struct bytes text_make(struct grouping *grouping, const struct node *node)
{
    uint8_t *to = arena_alloc(grouping->arena, node->text.len + 3 * (size_t)node->word_count), *at = to;
    uint32_t copied = 0;
    for (uint32_t w = 0; w < node->word_count; w++) {
        const struct word *word = &node->words[w];
        memcpy(at, node->text.ptr + copied, word->from - copied);
        at += word->from - copied;
        bool is_wild = word->hash == grouping->wild;
        memcpy(at, is_wild ? (const uint8_t *)"<*>" : node->text.ptr + word->from, is_wild ? 3 : word->len);
        at += is_wild ? 3 : word->len;
        copied = word->from + word->len;
    }
    if (node->text.len > copied) memcpy(at, node->text.ptr + copied, node->text.len - copied);
    at += node->text.len - copied;
    return bytes_from(to, (size_t)(at - to));
}

struct named {
    struct bytes text;
    uint32_t node;
};
static int named_compare(const void *left, const void *right)
{
    const struct named *a = left, *b = right;
    int order = bytes_compare(a->text, b->text);
    return order != 0 ? order : (a->node > b->node) - (a->node < b->node);
}

void patterns_group(struct arena *arena, const struct bytes *templates, uint32_t count, struct pattern_groups *groups)
{
    struct grouping grouping = { .arena = arena, .wild = hash64_of(BYTES("<*>")) };
    *groups = (struct pattern_groups){ 0 };
    if (count == 0) return;
    grouping.nodes = arena_alloc(arena, count * sizeof *grouping.nodes);
    grouping.live = arena_alloc(arena, count * sizeof *grouping.live);
    grouping.entries = arena_alloc(arena, count * sizeof *grouping.entries);
    for (uint32_t t = 0; t < count; t++) {
        grouping.nodes[t] = (struct node){ .text = templates[t], .template = t };
        words_read(&grouping, &grouping.nodes[t]);
    }
    qsort(grouping.nodes, count, sizeof *grouping.nodes, node_compare); /* the order they came in is gone */
    for (uint32_t n = 0; n < count; n++) grouping.nodes[n].parent = n;
    for (uint32_t from = 0, to; from < count; from = to) {
        for (to = from + 1; to < count && grouping.nodes[to].shape == grouping.nodes[from].shape; to++) {}
        shape_group(&grouping, from, to);
    }
    struct named *named = arena_alloc(arena, count * sizeof *named);
    for (uint32_t n = 0; n < count; n++) {
        if (grouping.nodes[n].parent == n)
            named[groups->count++] = (struct named){ text_make(&grouping, &grouping.nodes[n]), n };
    }
    qsort(named, groups->count, sizeof *named, named_compare);
    groups->group_of = arena_alloc(arena, count * sizeof *groups->group_of);
    groups->texts = arena_alloc(arena, groups->count * sizeof *groups->texts);
    groups->sizes = arena_calloc(arena, groups->count * sizeof *groups->sizes);
    uint32_t *number = arena_alloc(arena, count * sizeof *number);
    for (uint32_t g = 0; g < groups->count; g++) {
        groups->texts[g] = named[g].text;
        number[named[g].node] = g;
    }
    for (uint32_t n = 0; n < count; n++) {
        uint32_t of = n;
        while (grouping.nodes[of].parent != of) of = grouping.nodes[of].parent;
        groups->group_of[grouping.nodes[n].template] = number[of];
        groups->sizes[number[of]]++;
    }
}

bool pattern_fits(struct bytes text, struct bytes template)
{
    size_t t = 0, p = 0;
    while (p < text.len) {
        bool is_start = p == 0 || !is_word_byte(text.ptr[p - 1]);
        bool is_wild = is_start && text.len - p >= 3 && memcmp(text.ptr + p, "<*>", 3) == 0 &&
                       (text.len - p == 3 || !is_word_byte(text.ptr[p + 3]));
        if (!is_wild) {
            if (t == template.len || template.ptr[t] != text.ptr[p]) return false;
            t++;
            p++;
            continue;
        }
        size_t from = t;
        while (t < template.len && is_word_byte(template.ptr[t])) t++;
        if (t == from) return false;
        p += 3;
    }
    return t == template.len;
}
