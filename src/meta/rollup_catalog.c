/* Attributes with their values, and metric names. */
#include <stdlib.h>

#include "meta/db_rows.h"
#include "meta/rollup_read.h"

/* ---- attributes ---- */

struct attributes_read {
    struct arena *arena;
    struct rollup_attribute_item *items;
    uint32_t count, cap, at, value_limit;
};

static bool attribute_row(void *ctx, struct db_row *row, struct err *err)
{
    struct attributes_read *read = ctx;
    (void)err;
    if (read->count == read->cap) return true;
    read->items[read->count++] = (struct rollup_attribute_item){ .place = db_text_keep(read->arena, row, 0),
                                                                 .key = db_text_keep(read->arena, row, 1),
                                                                 .type = db_text_keep(read->arena, row, 2),
                                                                 .row_count = db_row_integer(row, 3),
                                                                 .last_unix_us = db_row_integer(row, 4) };
    return true;
}

static int attribute_compare(const struct rollup_attribute_item *item, struct db_row *row)
{
    int order = bytes_compare(item->place, db_row_text(row, 0));
    return order ? order : bytes_compare(item->key, db_row_text(row, 1));
}

static bool value_row(void *ctx, struct db_row *row, struct err *err)
{
    struct attributes_read *read = ctx;
    (void)err;
    while (read->at < read->count && attribute_compare(&read->items[read->at], row) < 0) read->at++;
    if (read->at == read->count || attribute_compare(&read->items[read->at], row) != 0) return true;
    struct rollup_attribute_item *item = &read->items[read->at];
    if (!item->values) item->values = arena_alloc(read->arena, read->value_limit * sizeof *item->values);
    if (item->value_count < read->value_limit)
        item->values[item->value_count++] =
            (struct rollup_value){ db_text_keep(read->arena, row, 2), db_row_integer(row, 3) };
    return true;
}

#define ATTRIBUTES_OF_DAYS "project_id = $1 AND day_unix_us >= $2 AND day_unix_us < $3 AND ($4 = '' OR place = $4)"

bool rollup_attributes_read(struct db *db, const struct rollup_range *range, struct bytes place,
                            const struct rollup_page *page, uint32_t value_limit, struct arena *arena,
                            struct rollup_attribute_item **items, uint32_t *count, struct err *err)
{
    struct attributes_read read = { .arena = arena, .cap = page->limit, .value_limit = value_limit };
    int64_t from = range->from_unix_us - range->from_unix_us % ROLLUP_DAY_US;
    struct bytes nothing = { (const uint8_t *)"", 0 };
    read.items = arena_calloc(arena, page->limit * sizeof *read.items);
    if (!db_read(
            db,
            "SELECT place, key, MAX(type), CAST(SUM(row_count) AS bigint), MAX(last_unix_us) FROM rollup_attributes "
            "WHERE " ATTRIBUTES_OF_DAYS " AND ($5 = 1 OR (place, key) > ($6, $7)) GROUP BY place, key "
            "ORDER BY place, key LIMIT $8",
            DB_VALUES(db_uuid(range->project_id), db_integer(from), db_integer(range->to_unix_us), db_text_bytes(place),
                      db_integer(page->is_first), db_text_bytes(page->is_first ? nothing : page->after[0]),
                      db_text_bytes(page->is_first ? nothing : page->after[1]), db_integer(page->limit)),
            attribute_row, &read, err))
        return false;
    *items = read.items;
    *count = read.count;
    if (read.count == 0 || value_limit == 0) return true;
    const struct rollup_attribute_item *first = &read.items[0], *last = &read.items[read.count - 1];
    return db_read(db,
                   "SELECT place, key, value, CAST(SUM(row_count) AS bigint) AS row_count FROM rollup_attribute_values "
                   "WHERE " ATTRIBUTES_OF_DAYS " AND (place, key) >= ($5, $6) AND (place, key) <= ($7, $8) "
                   "GROUP BY place, key, value ORDER BY place, key, row_count DESC, value",
                   DB_VALUES(db_uuid(range->project_id), db_integer(from), db_integer(range->to_unix_us),
                             db_text_bytes(place), db_text_bytes(first->place), db_text_bytes(first->key),
                             db_text_bytes(last->place), db_text_bytes(last->key)),
                   value_row, &read, err);
}

/* ---- metrics ---- */

struct metrics_read {
    struct arena *arena;
    struct rollup_metric_item *items;
    uint32_t count, cap;
};

/* Rows come by name and service; the newest row of a name says what it is. */
static bool metric_row(void *ctx, struct db_row *row, struct err *err)
{
    struct metrics_read *read = ctx;
    struct bytes name = db_row_text(row, 0), *services;
    struct rollup_metric_item *item = read->count > 0 ? &read->items[read->count - 1] : NULL;
    (void)err;
    if (!item || !bytes_equal(item->name, name)) {
        if (read->count == read->cap) return true;
        item = &read->items[read->count++];
        *item = (struct rollup_metric_item){ .name = arena_copy(read->arena, name),
                                             .first_unix_us = INT64_MAX,
                                             .last_unix_us = INT64_MIN };
    }
    int64_t first = db_row_integer(row, 8), last = db_row_integer(row, 9);
    item->row_count += db_row_integer(row, 7);
    if (first < item->first_unix_us) item->first_unix_us = first;
    if (last > item->last_unix_us) {
        item->last_unix_us = last;
        item->type = db_text_keep(read->arena, row, 2);
        item->unit = db_text_keep(read->arena, row, 3);
        item->description = db_text_keep(read->arena, row, 4);
        item->temporality = db_text_keep(read->arena, row, 5);
        item->is_monotonic = db_row_boolean(row, 6);
    }
    if ((item->service_count & (item->service_count - 1)) == 0) { /* room in powers of two */
        services = arena_alloc(read->arena, (item->service_count ? 2 * item->service_count : 1) * sizeof *services);
        if (item->service_count > 0) memcpy(services, item->services, item->service_count * sizeof *services);
        item->services = services;
    }
    item->services[item->service_count++] = db_text_keep(read->arena, row, 1);
    return true;
}

bool rollup_metrics_read(struct db *db, const struct rollup_range *range, const struct rollup_page *page,
                         struct arena *arena, struct rollup_metric_item **items, uint32_t *count, struct err *err)
{
    struct metrics_read read = { .arena = arena, .cap = page->limit };
    struct bytes nothing = { (const uint8_t *)"", 0 };
    read.items = arena_alloc(arena, page->limit * sizeof *read.items);
    *items = read.items;
    bool ok =
        db_read(db,
                "SELECT name, service, type, unit, description, temporality, is_monotonic, row_count, first_unix_us, "
                "last_unix_us "
                "FROM rollup_metrics WHERE project_id = $1 AND name IN (SELECT DISTINCT name FROM rollup_metrics WHERE "
                "project_id = $1 AND last_unix_us >= $2 AND first_unix_us < $3 AND ($4 = '' OR service = $4) AND "
                "($5 = 1 OR name > $6) ORDER BY name LIMIT $7) AND ($4 = '' OR service = $4) ORDER BY name, service",
                DB_VALUES(db_uuid(range->project_id), db_integer(range->from_unix_us), db_integer(range->to_unix_us),
                          db_text_bytes(page->service), db_integer(page->is_first),
                          db_text_bytes(page->is_first ? nothing : page->after[0]), db_integer(page->limit)),
                metric_row, &read, err);
    *count = read.count;
    return ok;
}

/* ---- names ---- */

struct names_read {
    struct arena *arena;
    struct bytes *names;
    uint32_t count, cap;
};
static bool name_row(void *ctx, struct db_row *row, struct err *err)
{
    struct names_read *read = ctx;
    (void)err;
    if (read->count < read->cap) read->names[read->count++] = db_text_keep(read->arena, row, 0);
    return true;
}

bool rollup_names_read(struct db *db, struct uuid project_id, int64_t since_unix_us, bool is_route, uint32_t limit,
                       struct arena *arena, struct bytes **names, uint32_t *count, struct err *err)
{
    struct names_read read = { .arena = arena, .cap = limit };
    read.names = arena_alloc(arena, limit * sizeof *read.names);
    bool ok =
        db_read(db,
                is_route ? "SELECT DISTINCT route FROM rollup_series WHERE project_id = $1 AND kind <> 'edge' AND "
                           "last_unix_us >= $2 AND route <> '' ORDER BY route LIMIT $3"
                         : "SELECT DISTINCT service FROM rollup_series WHERE project_id = $1 AND kind <> 'edge' AND "
                           "last_unix_us >= $2 AND service <> '' ORDER BY service LIMIT $3",
                DB_VALUES(db_uuid(project_id), db_integer(since_unix_us), db_integer(limit)), name_row, &read, err);
    *names = read.names;
    *count = read.count;
    return ok;
}
