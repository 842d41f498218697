#include "search/search_inside.h"
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Texts that free words are looked for in. */
static const char *const places[] = { "name", "body::text", "status_message", "attributes___exception___message" };

void search_put(struct buf *out, const char *text)
{
    if (!buf_add(out, text, strlen(text))) abort(); /* sized for the worst that a bounded search makes */
}

static void put_bytes(struct buf *out, struct bytes bytes)
{
    if (!buf_add(out, bytes.ptr, bytes.len)) abort();
}

void search_put_literal(struct buf *out, struct bytes value)
{
    search_put(out, "'");
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] == '\'') search_put(out, "'");
        if (value.ptr[i] != '\0') put_bytes(out, bytes_from(value.ptr + i, 1)); /* no text of SQL has a NUL */
    }
    search_put(out, "'");
}

void search_put_like(struct buf *out, struct bytes value, bool is_inside)
{
    search_put(out, is_inside ? "'%" : "'");
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = value.ptr[i];
        bool is_escaped = c == '\\' && i + 1 < value.len;
        if (is_escaped) c = value.ptr[++i];
        if (c == '*' && !is_escaped) {
            search_put(out, "%");
            continue;
        }
        if (c == '%' || c == '_' || c == '\\') search_put(out, "\\");
        if (c == '\'') search_put(out, "'");
        if (c != '\0') put_bytes(out, bytes_from(&c, 1));
    }
    search_put(out, is_inside ? "%'" : "'");
}

struct bytes search_regex(struct arena *arena, const struct search_node *node)
{
    uint8_t *out = arena_alloc(arena, 2 * node->value.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < node->value.len; i++) {
        uint8_t c = node->value.ptr[i];
        bool is_escaped = node->test == SEARCH_LIKE && c == '\\' && i + 1 < node->value.len;
        if (is_escaped) c = node->value.ptr[++i];
        if (c == '\0') continue; /* no text of SQL has one */
        if (c == '*' && node->test == SEARCH_LIKE && !is_escaped) {
            out[len++] = '.';
        } else if (memchr("\\^$.|?*+()[]{}", c, 14)) {
            out[len++] = '\\';
        }
        out[len++] = c;
    }
    return bytes_from(out, len);
}

void search_put_regex(struct buf *out, const struct search_node *node)
{
    struct arena arena = { 0 };
    search_put_literal(out, search_regex(&arena, node));
    arena_deinit(&arena);
}

const char *search_operator(enum search_test test)
{
    switch (test) {
    case SEARCH_LESS: return " < ";
    case SEARCH_AT_MOST: return " <= ";
    case SEARCH_MORE: return " > ";
    case SEARCH_AT_LEAST: return " >= ";
    case SEARCH_IS:
    case SEARCH_LIKE:
    case SEARCH_HAS: break;
    }
    return " = ";
}

void search_put_number(struct buf *out, double number)
{
    char text[40];
    if (fabs(number) < 9e15 && number == floor(number)) {
        snprintf(text, sizeof text, "%.0f", number);
    } else {
        snprintf(text, sizeof text, "%.17g", number);
    }
    search_put(out, text);
}

/* The levels that an order takes in. */
static void put_levels(struct buf *out, const struct search_node *node)
{
    search_put(out, "level IN (");
    bool is_first = true;
    for (uint32_t level = 0; level < 6; level++) {
        bool fits = node->test == SEARCH_LESS       ? level < node->level
                    : node->test == SEARCH_AT_MOST  ? level <= node->level
                    : node->test == SEARCH_MORE     ? level > node->level
                    : node->test == SEARCH_AT_LEAST ? level >= node->level
                                                    : level == node->level;
        if (!fits) continue;
        search_put(out, is_first ? "'" : ", '");
        search_put(out, search_levels[level]);
        search_put(out, "'");
        is_first = false;
    }
    search_put(out, is_first ? "'')" : ")");
}

static void search_put_attribute(struct buf *out, struct bytes name)
{
    search_put(out, "coalesce(attributes->>");
    search_put_literal(out, name);
    search_put(out, ", resource->>");
    search_put_literal(out, name);
    search_put(out, ")");
}

void search_put_attribute_term(struct buf *out, const struct search_node *node)
{
    if (node->test == SEARCH_IS || node->test == SEARCH_LIKE || node->test == SEARCH_HAS) {
        search_put_attribute(out, node->name);
        if (node->test == SEARCH_HAS) {
            search_put(out, " IS NOT NULL");
        } else if (node->test == SEARCH_LIKE) {
            search_put(out, " LIKE ");
            search_put_like(out, node->value, false);
        } else {
            search_put(out, " = ");
            search_put_literal(out, node->value);
        }
        return;
    }
    search_put(out, "(CASE WHEN ");
    search_put_attribute(out, node->name);
    search_put(out, " ~ '^-?[0-9]+(\\.[0-9]+)?$' THEN ");
    search_put_attribute(out, node->name);
    search_put(out, "::double precision END)");
    search_put(out, search_operator(node->test));
    search_put_number(out, node->number);
}

/* Any of several elements; rarer ones by what the body says. */
static void put_values(struct buf *out, const char *column, const struct search_node *node)
{
    search_put(out, node->body_regex.len > 0 ? "((" : "(");
    search_put(out, column);
    search_put(out, " && ARRAY[");
    for (uint32_t v = 0; v < node->value_count; v++) {
        search_put(out, v > 0 ? ", " : "");
        search_put_literal(out, node->values[v]);
    }
    search_put(out, "])");
    if (node->body_regex.len == 0) return;
    search_put(out, " OR (kind = 'log' AND body::text ~ ");
    search_put_literal(out, node->body_regex);
    search_put(out, "))");
}

static void put_term(struct buf *out, const struct search_node *node)
{
    const char *column = node->column < 0 ? "" : schema_table(SCHEMA_LOGS_AND_SPANS)->columns[node->column].name;
    if (node->class == SEARCH_CLASS_EXCEPTION) {
        search_put(out, "(errors IS NOT NULL OR attributes___exception___type IS NOT NULL)");
        return;
    }
    if (node->class == SEARCH_CLASS_ATTRIBUTE) {
        search_put_attribute_term(out, node);
        return;
    }
    if (node->test == SEARCH_HAS) {
        search_put(out, column);
        search_put(out, " IS NOT NULL");
        return;
    }
    switch (node->class) {
    case SEARCH_CLASS_LEVEL: put_levels(out, node); return;
    case SEARCH_CLASS_LIST:
        if (node->test == SEARCH_LIKE) {
            search_put(out, "array_to_string(");
            search_put(out, column);
            search_put(out, ", ' ') LIKE ");
            search_put_like(out, node->value, true);
        } else if (node->value_count > 0) {
            put_values(out, column, node);
        } else {
            search_put_literal(out, node->value);
            search_put(out, " = ANY(");
            search_put(out, column);
            search_put(out, ")");
        }
        return;
    case SEARCH_CLASS_JSON:
        search_put(out, column);
        search_put(out, "::text ~* ");
        search_put_regex(out, node);
        return;
    case SEARCH_CLASS_BOOLEAN:
        search_put(out, column);
        search_put(out, node->value.ptr[0] == 't' || node->value.ptr[0] == 'T' ? " = true" : " = false");
        return;
    case SEARCH_CLASS_LOWER:
        if (strcmp(column, "kind") == 0 && node->test == SEARCH_IS && bytes_equal(node->value, BYTES("span"))) {
            search_put(out, "kind <> 'log'");
            return;
        }
        break;
    default: break;
    }
    search_put(out, column);
    if (node->test == SEARCH_LIKE) {
        search_put(out, " LIKE ");
        search_put_like(out, node->value, false);
        return;
    }
    search_put(out, search_operator(node->test));
    bool is_number = node->class == SEARCH_CLASS_NUMBER || node->class == SEARCH_CLASS_DURATION ||
                     (node->class == SEARCH_CLASS_DIGITS && node->test != SEARCH_IS);
    if (is_number) {
        search_put_number(out, node->number);
    } else {
        search_put_literal(out, node->value);
    }
}

static void put_node(struct buf *out, const struct search_node *node)
{
    switch (node->kind) {
    case SEARCH_ALL: return;
    case SEARCH_AND:
    case SEARCH_OR:
        search_put(out, "(");
        put_node(out, node->left);
        search_put(out, node->kind == SEARCH_AND ? " AND " : " OR ");
        put_node(out, node->right);
        search_put(out, ")");
        return;
    case SEARCH_NOT: /* a row without the field does not have the value: NULL is not true */
        search_put(out, "(");
        put_node(out, node->left);
        search_put(out, ") IS NOT TRUE");
        return;
    case SEARCH_TEXT:
        search_put(out, "(");
        for (size_t p = 0; p < COUNT_OF(places); p++) {
            search_put(out, p > 0 ? " OR " : "");
            search_put(out, places[p]);
            search_put(out, " ~* ");
            search_put_regex(out, node);
        }
        search_put(out, ")");
        return;
    case SEARCH_TERM: put_term(out, node); return;
    }
}

struct bytes search_sql(struct arena *arena, const struct search_node *root)
{
    struct buf out;
    buf_init(&out, SEARCH_SQL_BYTES_MAX);
    put_node(&out, root);
    struct bytes sql = arena_copy(arena, buf_bytes(&out));
    buf_deinit(&out);
    return sql;
}

struct bytes search_literal(struct arena *arena, struct bytes text)
{
    struct buf out;
    buf_init(&out, 2 * text.len + 2);
    search_put_literal(&out, text);
    struct bytes sql = arena_copy(arena, buf_bytes(&out));
    buf_deinit(&out);
    return sql;
}

struct bytes search_field(struct arena *arena, struct bytes name, bool *is_number)
{
    struct search_node node = { .kind = SEARCH_TERM, .name = name, .column = -1 };
    struct buf out;
    search_name_resolve(&node);
    *is_number = node.class == SEARCH_CLASS_NUMBER || node.class == SEARCH_CLASS_DURATION;
    if (node.column >= 0) {
        const char *column = schema_table(SCHEMA_LOGS_AND_SPANS)->columns[node.column].name;
        bool is_text = *is_number || node.class == SEARCH_CLASS_TEXT || node.class == SEARCH_CLASS_UPPER ||
                       node.class == SEARCH_CLASS_LOWER || node.class == SEARCH_CLASS_LEVEL ||
                       node.class == SEARCH_CLASS_DIGITS;
        return bytes_of_text(arena_printf(arena, is_text ? "%s" : "%s::text", column));
    }
    buf_init(&out, SEARCH_SQL_BYTES_MAX);
    search_put_attribute(&out, node.name);
    struct bytes sql = arena_copy(arena, buf_bytes(&out));
    buf_deinit(&out);
    return sql;
}
