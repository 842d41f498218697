/* Which texts a row must hold to pass: of `body::text ~* 'timeout' OR name ILIKE '%timeout%'` and the like, that words.h can judge
 * row groups by. In doubt it is none. */
#include "timefusion/query/translate.h"
#include "timefusion/query/words.h"

static const uint32_t columns[] = { LOGS_AND_SPANS_name, LOGS_AND_SPANS_body, LOGS_AND_SPANS_status_message,
                                    LOGS_AND_SPANS_attributes___exception___message };

const uint32_t *condition_words_columns(uint32_t *count)
{
    *count = COUNT_OF(columns);
    return columns;
}

struct noting {
    struct translate *ctx;
    struct scope *scope;
    uint32_t from, to; /* relations that are asked for */
    struct relation *relation;
    struct plan_words words;
};

/* x of x::text */
static const PgQuery__Node *cast_open(const PgQuery__Node *node)
{
    if (!node || node->node_case != PG_QUERY__NODE__NODE_TYPE_CAST) return node;
    const PgQuery__TypeName *type = node->type_cast->type_name;
    const char *name = type && type->n_names > 0 && type->n_array_bounds == 0 && type->n_typmods == 0
                           ? node_text(type->names[type->n_names - 1])
                           : NULL;
    return name && strcmp(name, "text") == 0 ? node->type_cast->arg : NULL;
}

static bool column_is_known(struct noting *noting, const PgQuery__Node *node)
{
    int column;
    struct relation *relation = condition_column(noting->ctx, noting->scope, cast_open(node), &column);
    if (!relation || relation->schema->id != SCHEMA_LOGS_AND_SPANS ||
        (noting->relation && noting->relation != relation))
        return false;
    noting->relation = relation;
    bool is_known = false;
    for (size_t c = 0; c < COUNT_OF(columns); c++) is_known = is_known || columns[c] == (uint32_t)column;
    return is_known && condition_is_wanted(noting->scope, relation, noting->from, noting->to);
}

static bool text_add(struct noting *noting, struct bytes text)
{
    uint32_t places[WORDS_RUNS_MAX];
    struct plan_words *words = &noting->words;
    if (words->count == PLAN_WORDS_MAX || words_runs(text, places) == 0) return false;
    words->texts[words->count++] = arena_copy(noting->ctx->arena, text);
    return true;
}

static bool match_add(struct noting *noting, const PgQuery__AExpr *expr)
{
    const char *op = expr->n_name > 0 ? node_text(expr->name[expr->n_name - 1]) : NULL;
    const char *pattern = text_constant(expr->rexpr);
    if (!op || !pattern || op[0] != '~' || !column_is_known(noting, expr->lexpr)) return false;
    if (strncmp(op, "~~", 2) == 0) {
        char *storage = arena_alloc(noting->ctx->arena, strlen(pattern) + 1);
        return text_add(noting, words_of_like(bytes_of_text(pattern), storage));
    }
    const char *word = regexp_word(noting->ctx, pattern);
    return word && text_add(noting, bytes_of_text(word));
}

/* The node's alternatives; false: one of them is of another kind. */
static bool alternatives_add(struct noting *noting, const PgQuery__Node *node)
{
    if (node->node_case == PG_QUERY__NODE__NODE_A_EXPR) return match_add(noting, node->a_expr);
    if (node->node_case != PG_QUERY__NODE__NODE_BOOL_EXPR ||
        node->bool_expr->boolop != PG_QUERY__BOOL_EXPR_TYPE__OR_EXPR)
        return false;
    for (size_t i = 0; i < node->bool_expr->n_args; i++)
        if (!alternatives_add(noting, node->bool_expr->args[i])) return false;
    return true;
}

void condition_words_add(struct translate *ctx, struct scope *scope, const PgQuery__Node *node, uint32_t from,
                         uint32_t to)
{
    struct bytes texts[PLAN_WORDS_MAX];
    struct noting noting = { .ctx = ctx, .scope = scope, .from = from, .to = to, .words = { .texts = texts } };
    uint32_t table_count = ctx->plan->table_count;
    bool is_known = alternatives_add(&noting, node);
    ctx->plan->table_count = table_count;
    if (!is_known || noting.words.count == 0) return;
    struct plan_table *table = &ctx->plan->tables[noting.relation->table];
    if (table->words_count == COUNT_OF(table->words)) return;
    struct plan_words *words = &table->words[table->words_count++];
    *words = (struct plan_words){ arena_alloc(ctx->arena, noting.words.count * sizeof *texts), noting.words.count };
    memcpy(words->texts, texts, noting.words.count * sizeof *texts);
}
