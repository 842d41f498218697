/* Any search over a row of any texts: the search up to the first newline; the rest is the row, a text a line. Nothing is read
 * beyond its end, and a search and its opposite never both fit, nor both fail. */
#include "base/utf8.h"
#include "search/match.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct bytes line_take(struct bytes *rest)
{
    const uint8_t *end = rest->len > 0 ? memchr(rest->ptr, '\n', rest->len) : NULL;
    struct bytes line = bytes_from(rest->ptr, end ? (size_t)(end - rest->ptr) : rest->len);
    *rest = bytes_from(rest->ptr + line.len + (end != NULL), rest->len - line.len - (end != NULL));
    return line;
}

static void row_add(struct columns *columns, struct bytes rest)
{
    static const uint32_t texts[] = {
        LOGS_AND_SPANS_name,       LOGS_AND_SPANS_body,
        LOGS_AND_SPANS_attributes, LOGS_AND_SPANS_resource,
        LOGS_AND_SPANS_level,      LOGS_AND_SPANS_attributes___http___response___status_code,
        LOGS_AND_SPANS_kind,       LOGS_AND_SPANS_severity___severity_text
    };
    columns_row_begin(columns, 1);
    columns_put_text(columns, LOGS_AND_SPANS_id, BYTES("00000000-0000-0000-0000-000000000001"));
    for (size_t t = 0; t < COUNT_OF(texts) && rest.len > 0; t++) {
        struct bytes line = line_take(&rest);
        if (utf8_is_valid(line)) columns_put_text(columns, texts[t], line);
    }
    struct bytes all = utf8_is_valid(rest) ? rest : BYTES("");
    columns_put_int(columns, LOGS_AND_SPANS_duration, (int64_t)rest.len * 1000000);
    columns_put_text_list(columns, LOGS_AND_SPANS_summary, &all, 1);
    columns_row_end(columns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes rest = bytes_from(data, size), text = line_take(&rest);
    struct search_match *match, *opposite;
    struct search_problem problem;
    struct buf turned;
    if (size > 8192 || !search_match_create(&match, text, &problem)) return 0;
    struct columns *columns = columns_create(schema_table(SCHEMA_LOGS_AND_SPANS));
    struct search_row row;
    row_add(columns, rest);
    search_row_init(&row, columns, (struct uuid){ 0 });
    bool fits = search_match_row(match, &row);
    buf_init(&turned, SEARCH_BYTES_MAX);
    if (buf_printf(&turned, "-(") && buf_add(&turned, text.ptr, text.len) && buf_add(&turned, ")", 1) &&
        search_match_create(&opposite, buf_bytes(&turned), &problem)) {
        if (search_match_row(opposite, &row) == fits) abort();
        search_match_destroy(opposite);
    }
    buf_deinit(&turned);
    search_match_destroy(match);
    search_row_deinit(&row);
    columns_destroy(columns);
    return 0;
}
