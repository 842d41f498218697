#include "timefusion/query/identity.h"
#include "timefusion/query/literal.h"
#include "timefusion/query/translate.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct expr fail_at(struct translate *ctx, int location, enum err_code code, const char *fmt, ...)
{
    struct expr failed = { 0 };
    if (ctx->err->code != ERR_OK) return failed; /* the first one is the one to tell */
    char text[sizeof ctx->err->text];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    err_set(ctx->err, code, "%s", text);
    if (location >= 0 && (size_t)location <= ctx->sql.len) {
        int position = 1;
        for (int i = 0; i < location; i++) position += (ctx->sql.ptr[i] & 0xC0) != 0x80; /* characters, not bytes */
        ctx->err->position = position;
    }
    return failed;
}

struct expr fail_hint(struct translate *ctx, struct expr failed, const char *fmt, ...)
{
    char hint[sizeof ctx->err->hint];
    va_list args;
    if (!ctx->err->hint[0]) {
        va_start(args, fmt);
        vsnprintf(hint, sizeof hint, fmt, args);
        va_end(args);
        err_hint(ctx->err, "%s", hint);
    }
    return failed;
}

const char *quote_text(struct translate *ctx, struct bytes text)
{
    struct buf buf;
    buf_init(&buf, 16 * (size_t)PLAN_SQL_BYTES_MAX); /* texts are bounded by the statement's */
    bool ok = literal_quote(&buf, text);
    assert(ok);
    const char *quoted = arena_printf(ctx->arena, "%.*s", (int)buf.len, (const char *)buf.ptr);
    buf_deinit(&buf);
    return quoted;
}

const char *mark(struct translate *ctx, char letter, uint32_t number)
{
    return arena_printf(ctx->arena, MARK_OPEN "%c%u" MARK_CLOSE, letter, number);
}

const char *node_text(const PgQuery__Node *node)
{
    return node && node->node_case == PG_QUERY__NODE__NODE_STRING ? node->string->sval : NULL;
}

struct relation *relation_create(struct translate *ctx, struct scope *scope, const char *alias)
{
    if (scope->relation_count == PLAN_TABLES_MAX) {
        fail_at(ctx, -1, ERR_TOO_LARGE, "more than %d tables in one FROM", PLAN_TABLES_MAX);
        return NULL;
    }
    if (alias && scope_relation(scope, alias)) {
        fail_at(ctx, -1, ERR_INPUT, "table name \"%s\" specified more than once", alias);
        return NULL;
    }
    struct relation *relation = arena_calloc(ctx->arena, sizeof *relation);
    relation->alias = alias ? (const char *)arena_copy(ctx->arena, bytes_from(alias, strlen(alias) + 1)).ptr : "";
    relation->id = ++ctx->relation_count;
    relation->table = -1;
    scope->relations[scope->relation_count++] = relation;
    return relation;
}

struct relation *scope_relation(const struct scope *scope, const char *alias)
{
    for (uint32_t i = 0; i < scope->relation_count; i++)
        if (scope->relations[i]->alias[0] != '\0' && strcmp(scope->relations[i]->alias, alias) == 0)
            return scope->relations[i];
    return NULL;
}

uint32_t relation_column_count(const struct relation *relation)
{
    return relation->table >= 0 ? relation->schema->column_count : relation->column_count;
}

const char *relation_column_name(const struct relation *relation, int column)
{
    if ((uint32_t)column < relation->rename_count) return relation->renames[column];
    return relation->table >= 0 ? relation->schema->columns[column].name : relation->columns[column].name;
}

int relation_column(const struct relation *relation, const char *name)
{
    if (relation->table >= 0 && relation->rename_count == 0)
        return schema_column_index(relation->schema, bytes_of_text(name));
    uint32_t count = relation_column_count(relation);
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(relation_column_name(relation, (int)i), name) == 0) return (int)i;
    return -1;
}

struct expr relation_expr(struct translate *ctx, const struct relation *relation, int column)
{
    struct expr value = { .relation = relation, .column = column };
    if (relation->table >= 0) {
        column_set_add(&ctx->plan->tables[relation->table].seen, (uint32_t)column);
        value.type = type_of_schema(relation->schema->columns[column].type);
        ctx->identity_uses += identity_field(relation->schema, (uint32_t)column) >= 0;
        value.sql = arena_printf(ctx->arena, "r%u.k%d", relation->id, column);
    } else {
        value.type = relation->columns[column].type;
        value.form = relation->columns[column].form;
        value.sql = relation->called ? arena_printf(ctx->arena, "%s.c%d", relation->called, column + 1)
                                     : arena_printf(ctx->arena, "r%u.c%d", relation->id, column + 1);
    }
    return value;
}

struct expr relation_stored(struct translate *ctx, const struct relation *relation, int column)
{
    assert(relation->table >= 0 && schema_column_is_stored(&relation->schema->columns[column]));
    column_set_add(&ctx->plan->tables[relation->table].stored, (uint32_t)column);
    return (struct expr){ .sql = arena_printf(ctx->arena, "r%u.x%d", relation->id, column), .type = QUERY_TYPE_TEXT };
}

const char *relation_attribute(struct translate *ctx, const struct relation *relation, const char *path)
{
    struct plan_table *table = &ctx->plan->tables[relation->table];
    uint32_t n = 0;
    if (!shred_key_is_plain(bytes_of_text(path))) return NULL;
    while (n < table->attribute_count && strcmp(table->attributes[n], path) != 0) n++;
    if (n == PLAN_ATTRIBUTES_MAX) return NULL;
    if (n == table->attribute_count)
        table->attributes[table->attribute_count++] =
            (const char *)arena_copy(ctx->arena, bytes_from(path, strlen(path) + 1)).ptr;
    return arena_printf(ctx->arena, "r%u.h%u", relation->id, n);
}

struct expr relation_sent(struct translate *ctx, const struct relation *relation, int column)
{
    return identity_field(relation->schema, (uint32_t)column) >= 0 ? relation_stored(ctx, relation, column)
                                                                   : relation_expr(ctx, relation, column);
}

static struct expr level_column(struct translate *ctx, const struct scope *level, const char *name, int location,
                                bool *found)
{
    struct expr value = { 0 };
    *found = true;
    for (uint32_t m = 0; m < level->merged_count; m++)
        if (strcmp(level->merged[m].name, name) == 0)
            return (struct expr){ .sql = level->merged[m].sql, .type = level->merged[m].type };
    uint32_t matches = 0;
    for (uint32_t i = 0; i < level->relation_count; i++) {
        int column = relation_column(level->relations[i], name);
        if (column < 0) continue;
        if (matches++ > 0) return fail_at(ctx, location, ERR_INPUT, "column reference \"%s\" is ambiguous", name);
        value = relation_expr(ctx, level->relations[i], column);
    }
    *found = matches > 0;
    return value;
}

int text_distance(const char *a, const char *b)
{
    enum { MAX = 64 };
    size_t a_len = strlen(a), b_len = strlen(b);
    if (a_len >= MAX || b_len >= MAX) return MAX;
    int row[MAX + 1];
    for (size_t j = 0; j <= b_len; j++) row[j] = (int)j;
    for (size_t i = 1; i <= a_len; i++) {
        int diagonal = row[0];
        row[0] = (int)i;
        for (size_t j = 1; j <= b_len; j++) {
            int change = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            int least = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
            row[j] = change < least ? change : least;
        }
    }
    return row[b_len];
}

/* "http.route" and "http_route" are what people type first: look for the column of that attribute, then for a near name. */
static const char *column_hint(const struct scope *scope, const char *name)
{
    const char *best = NULL;
    int best_distance = (int)strlen(name) / 3 + 1;
    for (const struct scope *level = scope; level; level = level->outer) {
        for (uint32_t i = 0; i < level->relation_count; i++) {
            const struct relation *relation = level->relations[i];
            for (uint32_t c = 0; c < relation_column_count(relation); c++) {
                const char *candidate = relation_column_name(relation, (int)c);
                if (relation->table >= 0 && strcmp(relation->schema->columns[c].attribute, name) == 0) return candidate;
                int d = text_distance(name, candidate);
                if (d < best_distance) best = candidate, best_distance = d;
            }
        }
    }
    return best;
}

struct expr scope_column(struct translate *ctx, struct scope *scope, const PgQuery__ColumnRef *ref)
{
    const char *names[4];
    size_t count = ref->n_fields;
    if (count == 0 || count > 4) return fail_at(ctx, ref->location, ERR_SYNTAX, "improper qualified name");
    for (size_t i = 0; i < count; i++) {
        names[i] = node_text(ref->fields[i]);
        if (!names[i])
            return fail_at(ctx, ref->location, ERR_UNSUPPORTED, "\"*\" is not supported here; name the columns");
    }
    const char *name = names[count - 1];
    if (count == 1) {
        for (struct scope *level = scope; level; level = level->outer) {
            bool found;
            struct expr value = level_column(ctx, level, name, ref->location, &found);
            if (found) return value;
        }
        for (struct scope *level = scope; level; level = level->outer)
            if (scope_relation(level, name))
                return fail_at(ctx, ref->location, ERR_UNSUPPORTED,
                               "whole rows are not supported as a value; name the columns of \"%s\"", name);
        const char *hint = column_hint(scope, name);
        struct expr failed = fail_at(ctx, ref->location, ERR_NO_COLUMN, "column \"%s\" does not exist", name);
        return hint ? fail_hint(ctx, failed, "perhaps you mean \"%s\"", hint) : failed;
    }
    static const char *const schemas[] = { "public", "pg_catalog", "information_schema" };
    bool is_schema = count < 3;
    for (size_t i = 0; !is_schema && i < COUNT_OF(schemas); i++) is_schema = strcmp(names[count - 3], schemas[i]) == 0;
    if (!is_schema)
        return fail_at(ctx, ref->location, ERR_NO_TABLE, "schema \"%s\" has no tables here", names[count - 3]);
    const char *alias = names[count - 2];
    for (struct scope *level = scope; level; level = level->outer) {
        struct relation *relation = scope_relation(level, alias);
        if (!relation) continue;
        int column = relation_column(relation, name);
        if (column >= 0) return relation_expr(ctx, relation, column);
        const char *hint = column_hint(level, name);
        struct expr failed = fail_at(ctx, ref->location, ERR_NO_COLUMN, "column %s.%s does not exist", alias, name);
        return hint ? fail_hint(ctx, failed, "perhaps you mean \"%s\"", hint) : failed;
    }
    return fail_at(ctx, ref->location, ERR_NO_TABLE, "missing FROM-clause entry for table \"%s\"", alias);
}

void text_init(struct text *text, struct translate *ctx)
{
    text->ctx = ctx;
    buf_init(&text->buf, 128 * (size_t)PLAN_SQL_BYTES_MAX);
}

void text_put(struct text *text, const char *piece)
{
    if (!buf_add(&text->buf, piece, strlen(piece)))
        fail_at(text->ctx, -1, ERR_TOO_LARGE, "the statement is too complex");
}

const char *text_end(struct text *text)
{
    const char *sql = text->ctx->err->code == ERR_OK
                          ? arena_printf(text->ctx->arena, "%.*s", (int)text->buf.len, (const char *)text->buf.ptr)
                          : NULL;
    buf_deinit(&text->buf);
    return sql;
}
