/* A stored report as what channels show: the summary, its findings, tables, charts as PNG. */
#include "agents/report.h"
#include "ask/zone.h"
#include "base/json_object.h"
#include "chart/chart.h"
#include <math.h>
#include <stdio.h>

enum { BLOCKS_MAX = 64, IMAGES_MAX = 4, TABLE_ROWS = 10, FINDINGS_MAX = 20 };

struct making {
    struct arena *arena;
    struct bytes base;
    const struct zone *zone;
    struct message_block *blocks;
    uint32_t block_count;
    struct message_image *images;
    uint32_t image_count;
};

static struct bytes text_of(yyjson_val *object, const char *name, struct arena *arena)
{
    return arena_copy(arena, json_text(yyjson_obj_get(object, name)));
}

static struct message_block *block_new(struct making *making, enum message_block_kind kind, struct bytes text)
{
    struct message_block *spare;
    if (making->block_count == BLOCKS_MAX) { /* written and never read */
        spare = arena_calloc(making->arena, sizeof *spare);
        return spare;
    }
    struct message_block *block = &making->blocks[making->block_count++];
    *block = (struct message_block){ .kind = kind, .text = text };
    return block;
}

static struct bytes url_of(struct making *making, struct bytes path)
{
    if (path.len == 0) return path;
    return bytes_of_text(arena_printf(making->arena, "%.*s%.*s", (int)making->base.len, (const char *)making->base.ptr,
                                      (int)path.len, (const char *)path.ptr));
}

static void findings_put(struct making *making, yyjson_val *findings)
{
    size_t at, count;
    yyjson_val *finding;
    uint32_t rows = yyjson_arr_size(findings) < FINDINGS_MAX ? (uint32_t)yyjson_arr_size(findings) : FINDINGS_MAX;
    if (rows == 0) return;
    struct bytes *cells = arena_alloc(making->arena, (rows + 1) * 2 * sizeof *cells);
    struct bytes *urls = arena_calloc(making->arena, (rows + 1) * 2 * sizeof *urls);
    cells[0] = BYTES("Severity");
    cells[1] = BYTES("Finding");
    yyjson_arr_foreach(findings, at, count, finding)
    {
        if (at >= rows) break;
        cells[2 * at + 2] = text_of(finding, "severity", making->arena);
        cells[2 * at + 3] = text_of(finding, "text", making->arena);
        urls[2 * at + 3] = url_of(making, text_of(finding, "path", making->arena));
    }
    struct message_block *block = block_new(making, MESSAGE_TABLE, bytes_from("", 0));
    block->column_count = 2;
    block->row_count = rows + 1;
    block->cells = cells;
    block->urls = urls;
}

static void table_put(struct making *making, yyjson_val *section)
{
    yyjson_val *columns = yyjson_obj_get(section, "columns"), *rows = yyjson_obj_get(section, "rows"), *row, *cell;
    uint32_t width = (uint32_t)yyjson_arr_size(columns), height = (uint32_t)yyjson_arr_size(rows);
    size_t r, c, row_count, cell_count;
    if (width == 0 || height == 0) return;
    if (height > TABLE_ROWS) height = TABLE_ROWS;
    struct bytes *cells = arena_calloc(making->arena, (height + 1) * width * sizeof *cells);
    struct bytes *urls = arena_calloc(making->arena, (height + 1) * width * sizeof *urls);
    yyjson_arr_foreach(columns, c, cell_count, cell) cells[c] =
        arena_copy(making->arena, bytes_from(yyjson_get_str(cell), yyjson_get_len(cell)));
    yyjson_arr_foreach(rows, r, row_count, row)
    {
        if (r >= height) break;
        yyjson_val *path = yyjson_arr_get(yyjson_obj_get(section, "paths"), r);
        urls[(r + 1) * width] =
            url_of(making, arena_copy(making->arena, bytes_from(yyjson_get_str(path), yyjson_get_len(path))));
        yyjson_arr_foreach(row, c, cell_count, cell) if (c < width) cells[(r + 1) * width + c] =
            arena_copy(making->arena, bytes_from(yyjson_get_str(cell), yyjson_get_len(cell)));
    }
    block_new(making, MESSAGE_HEADING, text_of(section, "heading", making->arena));
    struct message_block *block = block_new(making, MESSAGE_TABLE, bytes_from("", 0));
    block->column_count = width;
    block->row_count = height + 1;
    block->cells = cells;
    block->urls = urls;
}

static bool chart_put(struct making *making, yyjson_val *section, struct err *err)
{
    struct chart_series series[CHART_SERIES_MAX];
    yyjson_val *all = yyjson_obj_get(section, "series"), *one, *value;
    struct chart chart = { .title = text_of(section, "heading", making->arena),
                           .unit = text_of(section, "unit", making->arena),
                           .kind =
                               yyjson_equals_str(yyjson_obj_get(section, "form"), "bars") ? CHART_BARS : CHART_LINES,
                           .from_unix_us = yyjson_get_sint(yyjson_obj_get(section, "from_unix_us")),
                           .step_us = yyjson_get_sint(yyjson_obj_get(section, "step_us")),
                           .series = series,
                           .zone = making->zone };
    size_t s, v, count, value_count;
    yyjson_arr_foreach(all, s, count, one)
    {
        yyjson_val *values = yyjson_obj_get(one, "values");
        size_t steps = yyjson_arr_size(values);
        if (s >= CHART_SERIES_MAX || (s > 0 && steps != chart.step_count)) break;
        double *numbers = arena_alloc(making->arena, (steps + 1) * sizeof *numbers);
        yyjson_arr_foreach(values, v, value_count, value) numbers[v] =
            yyjson_is_num(value) ? yyjson_get_num(value) : NAN;
        chart.step_count = (uint32_t)steps;
        series[s] = (struct chart_series){ text_of(one, "name", making->arena), numbers };
        chart.series_count++;
    }
    if (making->image_count == IMAGES_MAX || chart.series_count == 0 || chart.step_count == 0) return true;
    struct message_image *image = &making->images[making->image_count];
    if (!chart_png(&chart, making->arena, &image->png, err)) return false;
    image->id = bytes_of_text(arena_printf(making->arena, "chart%u", ++making->image_count));
    image->alt = chart.title;
    block_new(making, MESSAGE_IMAGE, image->id);
    return true;
}

static bool sections_put(struct making *making, yyjson_val *sections, struct err *err)
{
    size_t at, count;
    yyjson_val *section;
    yyjson_arr_foreach(sections, at, count, section)
    {
        yyjson_val *kind = yyjson_obj_get(section, "kind");
        if (yyjson_equals_str(kind, "table")) table_put(making, section);
        if (yyjson_equals_str(kind, "chart") && !chart_put(making, section, err)) return false;
    }
    return true;
}

bool report_message(const struct agent_report *report, struct bytes base, const struct zone *zone, struct arena *arena,
                    struct message *message, struct err *err)
{
    yyjson_doc *doc = yyjson_read((const char *)report->content.ptr, report->content.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc);
    struct making making = { .arena = arena,
                             .base = base,
                             .zone = zone,
                             .blocks = arena_alloc(arena, BLOCKS_MAX * sizeof *making.blocks),
                             .images = arena_calloc(arena, IMAGES_MAX * sizeof *making.images) };
    struct message_link *link = arena_alloc(arena, sizeof *link);
    block_new(&making, MESSAGE_TEXT, text_of(root, "summary", arena));
    findings_put(&making, yyjson_obj_get(root, "findings"));
    bool ok = sections_put(&making, yyjson_obj_get(root, "sections"), err);
    yyjson_doc_free(doc);
    *link = (struct message_link){ BYTES("The whole report, with its evidence"),
                                   url_of(&making,
                                          bytes_of_text(arena_printf(arena, "reports/%lld", (long long)report->id))) };
    *message = (struct message){ .act = MESSAGE_REPORT,
                                 .severity = report->severity,
                                 .title = report->title,
                                 .blocks = making.blocks,
                                 .block_count = making.block_count,
                                 .links = link,
                                 .link_count = 1,
                                 .images = making.images,
                                 .image_count = making.image_count };
    return ok;
}
