#include "timefusion/query/translate.h"
#include <stdio.h>

#define KEYS_MAX 16

/* The table column that a name means, when that is plain: marks nothing as read. */
static struct relation *table_column(struct scope *scope, const PgQuery__ColumnRef *ref, int *column)
{
    const char *name = ref->n_fields > 0 ? node_text(ref->fields[ref->n_fields - 1]) : NULL;
    const char *alias = ref->n_fields == 2 ? node_text(ref->fields[0]) : NULL;
    if (!name || ref->n_fields > 2 || (ref->n_fields == 2 && !alias)) return NULL;
    for (struct scope *level = scope; level; level = level->outer) {
        struct relation *found = NULL;
        for (uint32_t i = 0; i < level->relation_count; i++) {
            if (alias && strcmp(level->relations[i]->alias, alias) != 0) continue;
            int at = relation_column(level->relations[i], name);
            if (at < 0) continue;
            if (found) return NULL; /* ambiguous: the usual way says so */
            found = level->relations[i];
            *column = at;
        }
        if (found) return found->table >= 0 && level->merged_count == 0 ? found : NULL;
    }
    return NULL;
}

static const char *constant_key(const PgQuery__Node *node)
{
    if (!node || node->node_case != PG_QUERY__NODE__NODE_A_CONST || node->a_const->isnull ||
        node->a_const->val_case != PG_QUERY__A__CONST__VAL_SVAL)
        return NULL;
    return node->a_const->sval->sval;
}

static const char *arrow(const PgQuery__AExpr *expr)
{
    const char *op =
        expr->kind == PG_QUERY__A__EXPR__KIND__AEXPR_OP && expr->n_name == 1 ? node_text(expr->name[0]) : NULL;
    return op && (strcmp(op, "->") == 0 || strcmp(op, "->>") == 0) ? op : NULL;
}

static const char *as_json(struct translate *ctx, struct expr value)
{
    return arena_printf(ctx->arena, "CAST(to_json(%s) AS VARCHAR)", value.sql);
}

/* context -> 'trace_id' is the column context___trace_id; likewise severity. */
static bool part_make(struct translate *ctx, const struct relation *relation, const char *base, const char *key,
                      bool is_text, struct expr *value)
{
    char name[128];
    snprintf(name, sizeof name, "%s___%s", base, key);
    int column = schema_column_index(relation->schema, bytes_of_text(name));
    if (column < 0) {
        value->sql = "CAST(NULL AS VARCHAR)";
        return true;
    }
    struct expr part = relation_expr(ctx, relation, column);
    value->sql = !is_text                       ? as_json(ctx, part)
                 : part.type == QUERY_TYPE_TEXT ? part.sql
                                                : arena_printf(ctx->arena, "CAST(%s AS VARCHAR)", part.sql);
    if (is_text && part.type == QUERY_TYPE_TEXT) { /* the column itself: pruned as such */
        value->relation = relation;
        value->column = column;
    }
    return true;
}

/* attributes -> 'a' -> 'b' or attributes -> 'a.b': from the column that holds it, from the remainder's key, or, when other
 * attributes begin with it, from the part of the whole set. */
bool attribute_make(struct translate *ctx, struct scope *scope, const PgQuery__AExpr *expr, struct expr *value)
{
    const char *op = arrow(expr);
    const char *keys[KEYS_MAX];
    uint32_t count = 0;
    if (!op) return false;
    bool is_text = op[2] == '>';
    const PgQuery__Node *base = NULL;
    for (const PgQuery__AExpr *step = expr;;) {
        const char *key = constant_key(step->rexpr);
        if (!key || key[0] == '\0' || count == KEYS_MAX ||
            (count > 0 && strcmp(arrow(step) ? arrow(step) : "", "->") != 0))
            return false;
        keys[count++] = key;
        base = step->lexpr;
        if (!base || base->node_case != PG_QUERY__NODE__NODE_A_EXPR) break;
        step = base->a_expr;
    }
    if (!base || base->node_case != PG_QUERY__NODE__NODE_COLUMN_REF) return false;
    int column = -1;
    struct relation *relation = table_column(scope, base->column_ref, &column);
    if (!relation) return false;
    const struct schema_table *schema = relation->schema;
    const char *name = schema->columns[column].name;
    *value = (struct expr){ .type = is_text ? QUERY_TYPE_TEXT : QUERY_TYPE_JSONB };
    if (strcmp(name, "context") == 0 || strcmp(name, "severity") == 0)
        return count == 1 && part_make(ctx, relation, name, keys[0], is_text, value);
    bool is_resource = strcmp(name, "resource") == 0;
    if (!is_resource && strcmp(name, "attributes") != 0) return false;

    const char *path = keys[count - 1];
    for (uint32_t i = count - 1; i-- > 0;) path = arena_printf(ctx->arena, "%s.%s", path, keys[i]);
    size_t path_len = strlen(path);
    int own = schema_attribute_column(schema, is_resource, bytes_of_text(path));
    uint32_t below = 0;
    for (uint32_t c = 0; c < schema->column_count; c++) {
        const struct schema_column *other = &schema->columns[c];
        below += other->attribute[0] != '\0' && other->is_resource == is_resource &&
                 strncmp(other->attribute, path, path_len) == 0 && other->attribute[path_len] == '.';
    }
    if (below == 0 && own < 0 && is_text && !is_resource) {
        value->sql = relation_attribute(ctx, relation, path);
        if (value->sql) return true;
    }
    struct expr remainder = relation_stored(ctx, relation, column);
    const char *quoted = quote_text(ctx, bytes_of_text(path));
    if (below == 0) {
        value->sql =
            arena_printf(ctx->arena, "mono_attribute%s(%s, %s)", is_text ? "_text" : "", remainder.sql, quoted);
        if (own >= 0) {
            struct expr part = relation_sent(ctx, relation, own);
            if (is_text)
                value->sql = arena_printf(ctx->arena, "coalesce(CAST(%s AS VARCHAR), %s)", part.sql, value->sql);
            else
                value->sql = arena_printf(ctx->arena, "coalesce(%s, %s)", value->sql,
                                          as_json(ctx, part)); /* the remainder has the type that came */
        }
        return true;
    }
    const char *names = "", *values = "";
    for (uint32_t c = 0; c < schema->column_count; c++) {
        const struct schema_column *other = &schema->columns[c];
        bool is_part = other->attribute[0] != '\0' && other->is_resource == is_resource &&
                       strncmp(other->attribute, path, path_len) == 0 &&
                       (other->attribute[path_len] == '.' || other->attribute[path_len] == '\0');
        if (!is_part) continue;
        names = arena_printf(ctx->arena, "%s%s%s", names, names[0] ? "\n" : "", other->attribute);
        values = arena_printf(ctx->arena, "%s, %s", values, relation_sent(ctx, relation, (int)c).sql);
    }
    value->sql = arena_printf(ctx->arena, "mono_attribute%s(mono_flat('%s', %s%s), %s)", is_text ? "_text" : "", names,
                              remainder.sql, values, quoted);
    return true;
}
