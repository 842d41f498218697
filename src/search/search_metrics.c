/* The same language over points of metrics: what has a column there, else attributes. */
#include <stdio.h>
#include <stdlib.h>

#include "search/search_inside.h"

/* What a name is called in otel_metrics; -1: an attribute without a column. */
static int column_of(struct bytes name)
{
    static const struct {
        const char *name, *column;
    } own[] = { { "name", "metric_name" }, { "unit", "metric_unit" }, { "type", "metric_type" } };
    const struct schema_table *table = schema_table(SCHEMA_METRICS);
    for (const struct search_name *one = search_names; one->short_name; one++)
        if (bytes_equal(name, bytes_of_text(one->short_name))) name = bytes_of_text(one->name);
    for (size_t o = 0; o < COUNT_OF(own); o++)
        if (bytes_equal(name, bytes_of_text(own[o].name))) name = bytes_of_text(own[o].column);
    int column = schema_column_index(table, name);
    if (column < 0) column = schema_attribute_column(table, false, name);
    return column < 0 ? schema_attribute_column(table, true, name) : column;
}

static bool is_text(int column)
{
    return schema_table(SCHEMA_METRICS)->columns[column].type == SCHEMA_TYPE_TEXT;
}

static bool is_integer(int column)
{
    return schema_table(SCHEMA_METRICS)->columns[column].type == SCHEMA_TYPE_INTEGER;
}

struct bytes search_metrics_field(struct arena *arena, struct bytes name)
{
    struct buf out;
    int column = column_of(name);
    for (const struct search_name *one = search_names; one->short_name; one++)
        if (bytes_equal(name, bytes_of_text(one->short_name))) name = bytes_of_text(one->name);
    buf_init(&out, SEARCH_SQL_BYTES_MAX);
    if (column >= 0 && (is_text(column) || is_integer(column))) {
        search_put(&out, schema_table(SCHEMA_METRICS)->columns[column].name);
        if (!is_text(column)) search_put(&out, "::text");
    } else {
        search_put(&out, "coalesce(attributes->>");
        search_put_literal(&out, name);
        search_put(&out, ", resource->>");
        search_put_literal(&out, name);
        search_put(&out, ")");
    }
    struct bytes sql = arena_copy(arena, buf_bytes(&out));
    buf_deinit(&out);
    return sql;
}

/* Of a column of text or of whole numbers. */
static void put_column_term(struct buf *out, const struct search_node *node, int column)
{
    bool is_order = node->test != SEARCH_IS && node->test != SEARCH_LIKE && node->test != SEARCH_HAS;
    search_put(out, schema_table(SCHEMA_METRICS)->columns[column].name);
    if (node->test == SEARCH_HAS) {
        search_put(out, " IS NOT NULL");
        return;
    }
    if (!is_text(column) && !is_order) search_put(out, "::text"); /* "abc" is no number, and no mistake either */
    if (node->test == SEARCH_LIKE) {
        search_put(out, " LIKE ");
        search_put_like(out, node->value, false);
        return;
    }
    search_put(out, search_operator(node->test));
    if (is_order && !is_text(column)) {
        search_put_number(out, node->number);
    } else {
        search_put_literal(out, node->value);
    }
}

/* A field that only logs and spans have, such as duration or level. */
static bool is_foreign(const struct search_node *node)
{
    if (node->class == SEARCH_CLASS_EXCEPTION) return true;
    if (node->column < 0) return false;
    return schema_table(SCHEMA_LOGS_AND_SPANS)->columns[node->column].attribute[0] == '\0' && column_of(node->name) < 0;
}

static bool put_term(struct buf *out, const struct search_node *node, struct search_problem *problem)
{
    int column = column_of(node->name);
    if (is_foreign(node) || (column >= 0 && !is_text(column) && !is_integer(column))) {
        *problem = (struct search_problem){ .from = node->from, .to = node->to };
        snprintf(problem->text, sizeof problem->text,
                 "points of metrics are not found by %.*s: use service, env or an attribute",
                 (int)(node->name.len < 60 ? node->name.len : 60), (const char *)node->name.ptr);
        return false;
    }
    if (column < 0) {
        search_put_attribute_term(out, node);
    } else {
        put_column_term(out, node, column);
    }
    return true;
}

static bool put_node(struct buf *out, const struct search_node *node, struct search_problem *problem)
{
    switch (node->kind) {
    case SEARCH_ALL: return true;
    case SEARCH_AND:
    case SEARCH_OR:
        search_put(out, "(");
        if (!put_node(out, node->left, problem)) return false;
        search_put(out, node->kind == SEARCH_AND ? " AND " : " OR ");
        if (!put_node(out, node->right, problem)) return false;
        search_put(out, ")");
        return true;
    case SEARCH_NOT:
        search_put(out, "(");
        if (!put_node(out, node->left, problem)) return false;
        search_put(out, ") IS NOT TRUE");
        return true;
    case SEARCH_TEXT:
        search_put(out, "(attributes::text ~* ");
        search_put_regex(out, node);
        search_put(out, " OR resource::text ~* ");
        search_put_regex(out, node);
        search_put(out, ")");
        return true;
    case SEARCH_TERM: return put_term(out, node, problem);
    }
    return true;
}

bool search_metrics_sql(struct arena *arena, const struct search_node *root, struct bytes *sql,
                        struct search_problem *problem)
{
    struct buf out;
    buf_init(&out, SEARCH_SQL_BYTES_MAX);
    bool ok = put_node(&out, root, problem);
    *sql = ok ? arena_copy(arena, buf_bytes(&out)) : (struct bytes){ 0 };
    buf_deinit(&out);
    return ok;
}
