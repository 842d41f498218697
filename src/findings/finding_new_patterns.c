/* Log patterns that are new: those whose templates are all new. A template alone says little: where words vary, templates come every
 * hour, of a pattern that is known for long. */
#include "base/utf8.h"
#include "findings/finding_new_inside.h"
#include "meta/pattern.h"
#include "patterns/group.h"
#include <stdlib.h>

enum { ELEMENTS_MAX = 24, TEXTS_MAX = 6, TEXT_BYTES_MAX = 160, LEVEL_WARN = 4, LEVEL_ERROR = 5 };

/* A pattern of the service that is looked at. */
struct pattern {
    struct bytes text;
    int64_t rows[PATTERN_LEVELS], first_unix_us, last_unix_us;
    uint32_t level;              /* the highest that came often enough */
    bool is_old, is_told, is_up; /* up: errors that are worth telling people */
};

/* Rows of one service: they come together. known: of each the finding that tells of its template, or NULL. */
struct fresh_rows {
    const struct pattern_fresh *at;
    const struct new_known **known;
    uint32_t count;
};

static int64_t since_unix_us(const struct new_looking *looking)
{
    return looking->to_unix_us - NEW_WITHIN_US - NEW_REST_US; /* none is too old after the rest */
}

static const char *element_of(struct arena *arena, struct uuid id)
{
    char text[UUID_TEXT_BYTES + 1];
    uuid_to_text(id, text);
    return arena_printf(arena, "pat:%s", text);
}

static const struct new_known *known_of(struct new_looking *looking, const struct pattern_fresh *fresh)
{
    const struct new_known *known = looking->known.items;
    for (uint32_t k = 0; k < looking->known.count; k++) {
        struct bytes elements = known[k].subject.endpoint;
        if (known[k].kind != DETECT_NEW_PATTERN || !bytes_equal(known[k].subject.service, fresh->service)) continue;
        const char *element = element_of(&looking->arena, fresh->id);
        if (memmem(elements.ptr, elements.len, element, strlen(element)) != NULL) return &known[k];
    }
    return NULL;
}

/* ---- those that were told ---- */

static void told_end(struct new_looking *looking, struct fresh_rows rows)
{
    const struct new_known *known = looking->known.items;
    struct new_thing *things = arena_calloc(&looking->arena, (looking->known.count + 1) * sizeof *things);
    for (uint32_t r = 0; r < rows.count; r++) {
        if (!rows.known[r]) continue;
        struct new_thing *thing = &things[rows.known[r] - known];
        if (rows.at[r].last_unix_us > thing->last_unix_us) thing->last_unix_us = rows.at[r].last_unix_us;
        thing->rows += (double)rows.at[r].row_count;
        thing->is_up = rows.known[r]->is_up;
    }
    for (uint32_t k = 0; k < looking->known.count; k++)
        if (known[k].kind == DETECT_NEW_PATTERN && known[k].end_unix_us == 0)
            new_end(looking, &known[k], things[k].last_unix_us > 0 ? &things[k] : NULL);
}

/* ---- those that are new ---- */

static bool is_resting(const struct new_looking *looking, struct bytes service)
{
    const struct new_known *known = looking->known.items;
    for (uint32_t k = 0; k < looking->known.count; k++)
        if (known[k].kind == DETECT_NEW_PATTERN && known[k].found_unix_us >= looking->to_unix_us - NEW_REST_US &&
            bytes_equal(known[k].subject.service, service))
            return true;
    return false;
}

/* *level: the highest of which there are enough. */
static bool is_enough(const int64_t rows[PATTERN_LEVELS], uint32_t *level)
{
    int64_t others = 0;
    for (uint32_t l = 0; l < LEVEL_WARN; l++) others += rows[l];
    for (*level = PATTERN_LEVELS - 1; *level >= LEVEL_WARN; --*level)
        if (rows[*level] >= (*level >= LEVEL_ERROR ? NEW_LINES_ERROR_MIN : NEW_LINES_WARN_MIN)) return true;
    while (*level > 0 && rows[*level] == 0) --*level;
    return others >= NEW_LINES_MIN;
}

/* It came often enough for its level; what are errors, though seldom, waits for the end of its first hour. */
static bool is_due(const struct new_looking *looking, struct pattern *pattern)
{
    struct new_thing errors = { .first_unix_us = pattern->first_unix_us, .last_unix_us = pattern->last_unix_us };
    if (pattern->first_unix_us >= looking->to_unix_us || !is_enough(pattern->rows, &pattern->level)) return false;
    if (pattern->level < LEVEL_ERROR) return true;
    for (uint32_t l = LEVEL_ERROR; l < PATTERN_LEVELS; l++) errors.rows += (double)pattern->rows[l];
    bool is_late = new_is_late(looking, &errors);
    pattern->is_up = !is_late && new_is_up(&errors);
    return pattern->is_up || is_late;
}

/* Where all that is new of the service is too little, there is no need to look which templates are one pattern. */
static bool is_promising(const struct new_looking *looking, struct fresh_rows rows)
{
    int64_t sums[PATTERN_LEVELS] = { 0 };
    uint32_t level;
    for (uint32_t r = 0; r < rows.count; r++)
        if (!rows.known[r] && rows.at[r].first_unix_us >= since_unix_us(looking))
            sums[rows.at[r].level] += rows.at[r].row_count;
    return is_enough(sums, &level);
}

static int by_id(const void *left, const void *right)
{
    return memcmp(((const struct pattern_seen *)left)->id.bytes, ((const struct pattern_seen *)right)->id.bytes,
                  sizeof(struct uuid));
}

static int by_weight(const void *left, const void *right)
{
    const struct pattern *a = *(const struct pattern *const *)left, *b = *(const struct pattern *const *)right;
    if (a->is_up != b->is_up) return a->is_up ? -1 : 1;
    if (a->level != b->level) return a->level > b->level ? -1 : 1;
    int64_t rows = 0;
    for (uint32_t l = 0; l < PATTERN_LEVELS; l++) rows += a->rows[l] - b->rows[l];
    return rows != 0 ? (rows > 0 ? -1 : 1) : bytes_compare(a->text, b->text);
}

static const char *text_of(struct arena *arena, struct bytes text)
{
    size_t len = utf8_cut(text, TEXT_BYTES_MAX);
    char *out = arena_printf(arena, "%.*s%s", (int)len, (const char *)text.ptr, len < text.len ? "…" : "");
    for (char *c = out; *c; c++)
        if ((unsigned char)*c < ' ') *c = ' ';
    return out;
}

/* One finding of as many patterns as it has room for; each has at least its first template in it. The others are in the next one. */
static void patterns_open(struct new_looking *looking, struct fresh_rows rows, const struct pattern *const *pattern_of,
                          const struct pattern *const *chosen, uint32_t count)
{
    struct arena *arena = &looking->arena;
    const char *elements = "", *texts = "";
    struct new_thing thing = { .first_unix_us = INT64_MAX };
    uint32_t element_count = 0;
    if (count > ELEMENTS_MAX) count = ELEMENTS_MAX;
    for (uint32_t c = 0; c < count; c++) {
        uint32_t room = ELEMENTS_MAX - element_count - (count - 1 - c); /* one for each behind it */
        for (uint32_t r = 0; r < rows.count && room > 0; r++) {
            if (pattern_of[r] != chosen[c] || (r > 0 && uuid_equal(rows.at[r].id, rows.at[r - 1].id))) continue;
            elements =
                arena_printf(arena, "%s%s%s", elements, element_count > 0 ? " " : "", element_of(arena, rows.at[r].id));
            element_count++;
            room--;
        }
        if (c < TEXTS_MAX)
            texts = arena_printf(arena, "%s%s%s", texts, c > 0 ? "\n" : "", text_of(arena, chosen[c]->text));
        for (uint32_t l = 0; l < PATTERN_LEVELS; l++) thing.rows += (double)chosen[c]->rows[l];
        thing.is_up |= chosen[c]->is_up;
        if (chosen[c]->first_unix_us < thing.first_unix_us) thing.first_unix_us = chosen[c]->first_unix_us;
        if (chosen[c]->last_unix_us > thing.last_unix_us) thing.last_unix_us = chosen[c]->last_unix_us;
    }
    thing.effect = count;
    const struct watch_subject subject = { .service = rows.at[0].service,
                                           .endpoint = bytes_of_text(elements),
                                           .method = bytes_of_text(pattern_levels[chosen[0]->level]),
                                           .route = bytes_of_text(texts),
                                           .kind = NEW_PATTERN_ROW_KIND };
    new_open(looking, DETECT_NEW_PATTERN, &subject, &thing);
}

static bool service_look(struct new_looking *looking, struct fresh_rows rows, struct err *err)
{
    struct arena *arena = &looking->arena;
    struct pattern_seen *seen;
    struct pattern_groups groups;
    uint32_t seen_count, count = 0;
    int64_t since = since_unix_us(looking), first = INT64_MAX;
    if (!pattern_templates_read(looking->db, looking->project_id, rows.at[0].service, arena, &seen, &seen_count, err))
        return false;
    if (seen_count > 1) qsort(seen, seen_count, sizeof *seen, by_id);
    struct bytes *templates = arena_alloc(arena, (seen_count + 1) * sizeof *templates);
    for (uint32_t s = 0; s < seen_count; s++) {
        templates[s] = seen[s].template;
        if (seen[s].first_unix_us < first) first = seen[s].first_unix_us;
    }
    if (first > looking->to_unix_us - NEW_KNOWN_US) return true; /* its lines are sorted since today */
    patterns_group(arena, templates, seen_count, &groups);
    struct pattern *patterns = arena_calloc(arena, (groups.count + 1) * sizeof *patterns);
    for (uint32_t g = 0; g < groups.count; g++) {
        patterns[g].text = groups.texts[g];
        patterns[g].first_unix_us = INT64_MAX;
    }
    for (uint32_t s = 0; s < seen_count; s++)
        if (seen[s].first_unix_us < since) patterns[groups.group_of[s]].is_old = true;
    const struct pattern **pattern_of = arena_calloc(arena, rows.count * sizeof *pattern_of);
    for (uint32_t r = 0; r < rows.count; r++) {
        const struct pattern_fresh *fresh = &rows.at[r];
        const struct pattern_seen key = { .id = fresh->id };
        const struct pattern_seen *its = bsearch(&key, seen, seen_count, sizeof *seen, by_id);
        if (!its) continue;
        struct pattern *pattern = &patterns[groups.group_of[its - seen]];
        pattern_of[r] = pattern;
        pattern->is_told |= rows.known[r] != NULL;
        pattern->rows[fresh->level] += fresh->row_count;
        if (fresh->first_unix_us < pattern->first_unix_us) pattern->first_unix_us = fresh->first_unix_us;
        if (fresh->last_unix_us > pattern->last_unix_us) pattern->last_unix_us = fresh->last_unix_us;
    }
    const struct pattern **chosen = arena_alloc(arena, (groups.count + 1) * sizeof *chosen);
    for (uint32_t g = 0; g < groups.count; g++) {
        struct pattern *pattern = &patterns[g];
        if (!pattern->is_old && !pattern->is_told && is_due(looking, pattern)) chosen[count++] = pattern;
    }
    if (count == 0) return true;
    if (count > 1) qsort(chosen, count, sizeof *chosen, by_weight);
    patterns_open(looking, rows, pattern_of, chosen, count);
    return true;
}

bool new_patterns_look(struct new_looking *looking, struct err *err)
{
    struct pattern_fresh *fresh;
    uint32_t count;
    if (!pattern_fresh_read(looking->db, looking->project_id, new_since_unix_us(looking),
                            looking->to_unix_us - NEW_KNOWN_US, since_unix_us(looking), &looking->arena, &fresh, &count,
                            err))
        return false;
    const struct new_known **known = arena_calloc(&looking->arena, (count + 1) * sizeof *known);
    for (uint32_t f = 0; f < count; f++) known[f] = known_of(looking, &fresh[f]);
    told_end(looking, (struct fresh_rows){ fresh, known, count });
    for (uint32_t from = 0, to; from < count; from = to) {
        for (to = from; to < count && bytes_equal(fresh[to].service, fresh[from].service);) to++;
        const struct fresh_rows rows = { &fresh[from], &known[from], to - from };
        if (!is_resting(looking, rows.at[0].service) && is_promising(looking, rows) &&
            !service_look(looking, rows, err))
            return false;
    }
    return true;
}
