#include "timefusion/query/any_case.h"
#include "timefusion/query/catalog.h"
#include "timefusion/query/translate.h"
#include <stdio.h>
#include <stdlib.h>

const char *type_word(const struct expr *value)
{
    return value->type == QUERY_TYPE_UNKNOWN ? "an unknown type" : type_name(value->type);
}

struct expr boolean(const char *sql, bool is_free)
{
    return (struct expr){ .sql = sql, .type = QUERY_TYPE_BOOL, .is_free = is_free };
}

const char *operator_name(struct translate *ctx, PgQuery__Node **name, size_t count, int location)
{
    if (count == 2) {
        const char *schema = node_text(name[0]);
        if (!schema || strcmp(schema, "pg_catalog") != 0) {
            fail_at(ctx, location, ERR_NO_FUNCTION, "operators of other schemas do not exist here");
            return NULL;
        }
    }
    const char *op = count > 0 ? node_text(name[count - 1]) : NULL;
    if (!op) fail_at(ctx, location, ERR_SYNTAX, "an operator is missing");
    return op;
}

bool operands_make(struct translate *ctx, struct scope *scope, const PgQuery__Node *l, const PgQuery__Node *r,
                   enum query_type want_l, enum query_type want_r, struct expr *left, struct expr *right)
{
    bool right_first = node_is_untyped(ctx, l) && !node_is_untyped(ctx, r);
    if (right_first) {
        *right = expr_make(ctx, scope, r, want_r);
        if (!right->sql) return false;
        *left = expr_make(ctx, scope, l, want_l != QUERY_TYPE_UNKNOWN ? want_l : right->type);
        return left->sql != NULL;
    }
    *left = expr_make(ctx, scope, l, want_l);
    if (!left->sql) return false;
    *right = expr_make(ctx, scope, r, want_r != QUERY_TYPE_UNKNOWN ? want_r : left->type);
    return right->sql != NULL;
}

static bool is_kind(const struct expr *value)
{
    return value->relation && value->relation->table >= 0 && value->relation->schema->id == SCHEMA_LOGS_AND_SPANS &&
           strcmp(value->relation->schema->columns[value->column].name, "kind") == 0;
}

/* Text that holds numbers compares with numbers as one; text that does not is no match. */
static void numbers_meet(struct translate *ctx, struct expr *left, struct expr *right)
{
    struct expr *text = left->type == QUERY_TYPE_TEXT && type_is_number(right->type)   ? left
                        : right->type == QUERY_TYPE_TEXT && type_is_number(left->type) ? right
                                                                                       : NULL;
    if (!text) return;
    enum query_type number = text == left ? right->type : left->type;
    text->type = type_is_integer(number) ? QUERY_TYPE_INT8 : QUERY_TYPE_FLOAT8;
    text->sql = arena_printf(ctx->arena, "TRY_CAST(%s AS %s)", text->sql, type_duckdb(text->type));
    text->relation = NULL;
}

bool can_compare(enum query_type a, enum query_type b)
{
    if (a == QUERY_TYPE_UNKNOWN || b == QUERY_TYPE_UNKNOWN || a == b) return true;
    if (type_is_list(a) != type_is_list(b)) return false;
    if (type_is_number(a) && type_is_number(b)) return true;
    if (type_is_oid(a) || type_is_oid(b))
        return (type_is_oid(a) || type_is_integer(a)) && (type_is_oid(b) || type_is_integer(b));
    bool a_is_time = a >= QUERY_TYPE_DATE && a <= QUERY_TYPE_TIMESTAMPTZ,
         b_is_time = b >= QUERY_TYPE_DATE && b <= QUERY_TYPE_TIMESTAMPTZ;
    if (a_is_time && b_is_time) return true;
    bool a_is_text = a == QUERY_TYPE_TEXT || a == QUERY_TYPE_UUID,
         b_is_text = b == QUERY_TYPE_TEXT || b == QUERY_TYPE_UUID;
    return (a_is_text && b_is_text) || (type_is_list(a) && can_compare(type_element(a), type_element(b)));
}

/* date_trunc(...) = a constant that is no whole unit: DuckDB 1.5.6 takes it for false, also where the time is NULL. */
static bool is_cut_time(const struct expr *cut, const struct expr *constant)
{
    return strncmp(cut->sql, "date_trunc(", 11) == 0 && !cut->is_free && constant->is_free;
}

static struct expr both_make(struct translate *ctx, const struct expr *left, const struct expr *right, const char *op,
                             const char *word, const char *other)
{
    return boolean(arena_printf(ctx->arena, "(%s %s %s %s %s %s %s)", left->sql, op, right->sql, word, left->sql, other,
                                right->sql),
                   false);
}

struct expr compare_make(struct translate *ctx, struct scope *scope, const PgQuery__AExpr *node, const char *op)
{
    struct expr left, right;
    if (!operands_make(ctx, scope, node->lexpr, node->rexpr, QUERY_TYPE_UNKNOWN, QUERY_TYPE_UNKNOWN, &left, &right))
        return (struct expr){ 0 };
    if ((op[0] == '=' || strcmp(op, "<>") == 0)) {
        if (is_kind(&left) && right.is_free)
            right.sql = arena_printf(ctx->arena, "lower(%s)", right.sql);
        else if (is_kind(&right) && left.is_free)
            left.sql = arena_printf(ctx->arena, "lower(%s)", left.sql);
    }
    if (left.type == QUERY_TYPE_JSONB && right.type == QUERY_TYPE_JSONB) { /* whatever the order of their keys */
        left.sql = arena_printf(ctx->arena, "mono_jsonb(%s)", left.sql);
        right.sql = arena_printf(ctx->arena, "mono_jsonb(%s)", right.sql);
    }
    numbers_meet(ctx, &left, &right);
    if (!can_compare(left.type, right.type))
        return fail_at(ctx, node->location, ERR_NO_FUNCTION, "operator does not exist: %s %s %s", type_word(&left), op,
                       type_word(&right));
    if (is_cut_time(&left, &right) || is_cut_time(&right, &left)) {
        if (op[0] == '=') return both_make(ctx, &left, &right, ">=", "AND", "<=");
        if (strcmp(op, "<>") == 0) return both_make(ctx, &left, &right, "<", "OR", ">");
    }
    return boolean(arena_printf(ctx->arena, "(%s %s %s)", left.sql, op, right.sql), left.is_free && right.is_free);
}

static const PgQuery__FuncCall *call_named(const PgQuery__Node *node, const char *name)
{
    if (!node || node->node_case != PG_QUERY__NODE__NODE_FUNC_CALL || node->func_call->n_funcname == 0) return NULL;
    const char *own = node_text(node->func_call->funcname[node->func_call->n_funcname - 1]);
    return own && strcmp(own, name) == 0 ? node->func_call : NULL;
}

const char *text_constant(const PgQuery__Node *node)
{
    bool is_text = node && node->node_case == PG_QUERY__NODE__NODE_A_CONST && !node->a_const->isnull &&
                   node->a_const->val_case == PG_QUERY__A__CONST__VAL_SVAL;
    return is_text ? node->a_const->sval->sval : NULL;
}

/* x SIMILAR TO 'pattern' [ESCAPE 'c'] */
static struct expr similar_make(struct translate *ctx, struct scope *scope, const PgQuery__AExpr *node, const char *op)
{
    const PgQuery__FuncCall *call = call_named(node->rexpr, "similar_to_escape");
    const char *pattern = call && call->n_args > 0 ? text_constant(call->args[0]) : NULL;
    const char *escape = call && call->n_args > 1 ? text_constant(call->args[1]) : "\\";
    if (!pattern || !escape || strlen(escape) > 1)
        return fail_at(ctx, node->location, ERR_UNSUPPORTED,
                       "the pattern of SIMILAR TO must be a constant; use LIKE or ~");
    struct expr left = expr_text(ctx, scope, node->lexpr);
    if (!left.sql) return left;
    const char *regexp = similar_regexp(ctx, pattern, escape[0]);
    if (!regexp) return (struct expr){ 0 };
    return boolean(arena_printf(ctx->arena, "(%sregexp_matches(%s, %s))", op[0] == '!' ? "NOT " : "", left.sql, regexp),
                   left.is_free);
}

static bool word_is_sought(struct bytes text)
{
    struct any_case word;
    return any_case_init(&word, text);
}

static struct expr like_make(struct translate *ctx, struct scope *scope, const PgQuery__AExpr *node, const char *op)
{
    bool is_not = op[0] == '!', is_ilike = strchr(op, '*') != NULL;
    struct expr left = expr_text(ctx, scope, node->lexpr);
    if (!left.sql) return left;
    const char *word = is_ilike ? "ILIKE" : "LIKE", *negation = is_not ? "NOT " : "";
    const PgQuery__Node *pattern_node = node->rexpr;
    const PgQuery__FuncCall *escaped = call_named(pattern_node, "like_escape");
    if (escaped) { /* LIKE pattern ESCAPE 'c' */
        const char *escape = escaped->n_args == 2 ? text_constant(escaped->args[1]) : NULL;
        if (!escape || strlen(escape) > 1 || (unsigned char)escape[0] >= 0x80)
            return fail_at(ctx, node->location, ERR_INPUT, "ESCAPE needs one ASCII character as a constant");
        struct expr pattern = expr_text(ctx, scope, escaped->args[0]);
        if (!pattern.sql) return pattern;
        return boolean(arena_printf(ctx->arena, "(%s(%s %s %s%s%s))", negation, left.sql, word, pattern.sql,
                                    escape[0] ? " ESCAPE " : "",
                                    escape[0] ? quote_text(ctx, bytes_of_text(escape)) : ""),
                       left.is_free && pattern.is_free);
    }
    if (pattern_node->node_case == PG_QUERY__NODE__NODE_PARAM_REF) {
        struct expr pattern = parameter_make(ctx, pattern_node->param_ref, QUERY_TYPE_TEXT);
        if (!pattern.sql) return pattern;
        uint32_t number = (uint32_t)pattern_node->param_ref->number;
        if (pattern.type != QUERY_TYPE_TEXT)
            return fail_at(ctx, node->location, ERR_TYPE, "the pattern of %s must be text", word);
        if (is_ilike)
            return boolean(arena_printf(ctx->arena, "(%s%s%s%s)", negation, mark(ctx, 'i', number), left.sql,
                                        mark(ctx, 'I', number)),
                           left.is_free);
        return boolean(arena_printf(ctx->arena, "(%s(%s LIKE %s))", negation, left.sql, mark(ctx, 'L', number)),
                       left.is_free);
    }
    struct expr pattern = expr_text(ctx, scope, pattern_node);
    if (!pattern.sql) return pattern;
    bool is_free = left.is_free && pattern.is_free;
    /* ILIKE '%word%' costs three times what a regular expression does, and that three times what a search for the word. */
    if (is_ilike && pattern.literal) {
        struct bytes text = bytes_of_text(pattern.literal);
        bool is_plain = text.len > 2 && text.ptr[0] == '%' && text.ptr[text.len - 1] == '%';
        for (size_t i = 1; is_plain && i + 1 < text.len; i++)
            is_plain = text.ptr[i] < 0x80 && text.ptr[i] >= ' ' && !strchr("%_\\", text.ptr[i]);
        if (is_plain && word_is_sought(bytes_from(text.ptr + 1, text.len - 2)))
            return boolean(arena_printf(ctx->arena, "(%smono_has_word(%s, %s))", negation, left.sql,
                                        quote_text(ctx, bytes_from(text.ptr + 1, text.len - 2))),
                           is_free);
    }
    bool needs_escape = !pattern.literal || strchr(pattern.literal, '\\');
    return boolean(arena_printf(ctx->arena, "(%s(%s %s %s%s))", negation, left.sql, word, pattern.sql,
                                needs_escape ? " ESCAPE '\\'" : ""),
                   is_free);
}

const char *regexp_word(struct translate *ctx, const char *regexp)
{
    char *word = arena_alloc(ctx->arena, strlen(regexp) + 1), *out = word;
    for (const char *at = regexp; *at; at++) {
        if (*at == '\\') {
            at++;
            bool is_mark = *at > ' ' && *at < 0x7F && !((*at | 0x20) >= 'a' && (*at | 0x20) <= 'z') &&
                           !(*at >= '0' && *at <= '9') && *at != '_';
            if (!is_mark) return NULL;
        } else if (strchr(".^$*+?()[]{}|", *at)) {
            return NULL;
        }
        *out++ = *at;
    }
    *out = '\0';
    return word_is_sought(bytes_of_text(word)) ? word : NULL;
}

static struct expr regexp_make(struct translate *ctx, struct scope *scope, const PgQuery__AExpr *node, const char *op)
{
    struct expr left = expr_text(ctx, scope, node->lexpr);
    if (!left.sql) return left;
    struct expr right = expr_text(ctx, scope, node->rexpr);
    if (!right.sql) return right;
    const char *word = strchr(op, '*') && right.literal ? regexp_word(ctx, right.literal) : NULL;
    if (word)
        return boolean(arena_printf(ctx->arena, "(%smono_has_word(%s, %s))", op[0] == '!' ? "NOT " : "", left.sql,
                                    quote_text(ctx, bytes_of_text(word))),
                       left.is_free);
    return boolean(arena_printf(ctx->arena, "(%sregexp_matches(%s, %s%s))", op[0] == '!' ? "NOT " : "", left.sql,
                                right.sql, strchr(op, '*') ? ", 'i'" : ""),
                   left.is_free && right.is_free);
}

static enum query_type arithmetic_type(const char *op, enum query_type a, enum query_type b)
{
    bool a_is_moment = a == QUERY_TYPE_TIMESTAMP || a == QUERY_TYPE_TIMESTAMPTZ,
         b_is_moment = b == QUERY_TYPE_TIMESTAMP || b == QUERY_TYPE_TIMESTAMPTZ;
    if (a == QUERY_TYPE_INTERVAL && (type_is_number(b) || b == QUERY_TYPE_INTERVAL)) return QUERY_TYPE_INTERVAL;
    if (b == QUERY_TYPE_INTERVAL && type_is_number(a)) return QUERY_TYPE_INTERVAL;
    if (a_is_moment && b_is_moment && *op == '-') return QUERY_TYPE_INTERVAL;
    if (a_is_moment && b == QUERY_TYPE_INTERVAL) return a;
    if (b_is_moment && a == QUERY_TYPE_INTERVAL) return b;
    if (a == QUERY_TYPE_DATE && b == QUERY_TYPE_DATE && *op == '-') return QUERY_TYPE_INT4;
    if ((a == QUERY_TYPE_DATE && b == QUERY_TYPE_INTERVAL) || (b == QUERY_TYPE_DATE && a == QUERY_TYPE_INTERVAL))
        return QUERY_TYPE_TIMESTAMP;
    if (a == QUERY_TYPE_DATE && type_is_integer(b)) return QUERY_TYPE_DATE;
    if (b == QUERY_TYPE_DATE && type_is_integer(a) && *op == '+') return QUERY_TYPE_DATE;
    if ((a == QUERY_TYPE_DATE && b == QUERY_TYPE_TIME) || (b == QUERY_TYPE_DATE && a == QUERY_TYPE_TIME))
        return QUERY_TYPE_TIMESTAMP;
    if (a == QUERY_TYPE_TIME && b == QUERY_TYPE_INTERVAL) return a;
    if (type_is_number(a) && type_is_number(b)) {
        enum query_type type = type_common(a, b);
        if (type == QUERY_TYPE_FLOAT4 && a != b) type = QUERY_TYPE_FLOAT8;
        return type;
    }
    return QUERY_TYPE_UNKNOWN;
}

static struct expr arithmetic_make(struct translate *ctx, struct scope *scope, const PgQuery__AExpr *node,
                                   const char *op)
{
    struct expr left, right;
    if (!node->lexpr) { /* a sign */
        if (*op != '-' && *op != '+')
            return fail_at(ctx, node->location, ERR_NO_FUNCTION, "operator %s is not supported", op);
        right = expr_make(ctx, scope, node->rexpr, QUERY_TYPE_UNKNOWN);
        if (!right.sql) return right;
        return (struct expr){ .sql = arena_printf(ctx->arena, "(%s %s)", op, right.sql),
                              .type = right.type,
                              .is_free = right.is_free };
    }
    /* What is added to a time is an interval; what is taken from one too, unless it is a time. */
    bool left_untyped = node_is_untyped(ctx, node->lexpr), right_untyped = node_is_untyped(ctx, node->rexpr);
    if (right_untyped && !left_untyped) {
        left = expr_make(ctx, scope, node->lexpr, QUERY_TYPE_UNKNOWN);
        if (!left.sql) return left;
        bool is_time = left.type >= QUERY_TYPE_DATE && left.type <= QUERY_TYPE_TIMESTAMPTZ;
        right = expr_make(ctx, scope, node->rexpr, is_time ? QUERY_TYPE_INTERVAL : left.type);
        if (!right.sql) return right;
    } else if (left_untyped && !right_untyped) {
        right = expr_make(ctx, scope, node->rexpr, QUERY_TYPE_UNKNOWN);
        if (!right.sql) return right;
        enum query_type want = right.type == QUERY_TYPE_INTERVAL ? QUERY_TYPE_TIMESTAMPTZ : right.type;
        left = expr_make(ctx, scope, node->lexpr, want);
        if (!left.sql) return left;
    } else if (!operands_make(ctx, scope, node->lexpr, node->rexpr, QUERY_TYPE_UNKNOWN, QUERY_TYPE_UNKNOWN, &left,
                              &right)) {
        return (struct expr){ 0 };
    }
    if (left.type == QUERY_TYPE_JSONB && *op == '-' && op[1] == '\0') return json_delete_make(ctx, scope, node, op);
    if (left.type == QUERY_TYPE_JSONB || right.type == QUERY_TYPE_JSONB || left.type == QUERY_TYPE_TEXT ||
        right.type == QUERY_TYPE_TEXT)
        return fail_at(ctx, node->location, ERR_NO_FUNCTION,
                       "operator does not exist: %s %s %s; cast text to a number first", type_word(&left), op,
                       type_word(&right));
    struct expr value = { .type = arithmetic_type(op, left.type, right.type),
                          .is_free = left.is_free && right.is_free };
    if (*op == '/' && !(type_is_integer(left.type) && type_is_integer(right.type)) &&
        value.type != QUERY_TYPE_INTERVAL) {
        /* integer_division is for integers only */
        value.sql = arena_printf(ctx->arena, "(%s / CAST(%s AS DOUBLE))", left.sql, right.sql);
        value.type = QUERY_TYPE_FLOAT8;
        if (left.type == QUERY_TYPE_UNKNOWN || right.type == QUERY_TYPE_UNKNOWN) {
            value.sql = arena_printf(ctx->arena, "(%s / %s)", left.sql, right.sql);
            value.type = QUERY_TYPE_UNKNOWN;
        }
        return value;
    }
    if (*op == '/' && left.type == QUERY_TYPE_INTERVAL) {
        value.sql = arena_printf(ctx->arena, "(%s * (1.0::DOUBLE / CAST(%s AS DOUBLE)))", left.sql, right.sql);
        return value;
    }
    if (*op == '^') {
        value.sql = arena_printf(ctx->arena, "power(CAST(%s AS DOUBLE), CAST(%s AS DOUBLE))", left.sql, right.sql);
        value.type = QUERY_TYPE_FLOAT8;
    } else if (*op == '<' && type_is_integer(value.type)) { /* DuckDB does not shift what is below zero */
        value.sql = arena_printf(ctx->arena, "CAST(CAST(%s AS BIGINT) * (CAST(1 AS BIGINT) << %s) AS %s)", left.sql,
                                 right.sql, type_duckdb(left.type));
        value.type = left.type;
    } else if (*op == '#') {
        value.sql = arena_printf(ctx->arena, "xor(%s, %s)", left.sql, right.sql);
    } else {
        value.sql = arena_printf(ctx->arena, "(%s %s %s)", left.sql, op, right.sql);
        if (value.type == QUERY_TYPE_FLOAT8 && left.type != QUERY_TYPE_FLOAT8 && right.type != QUERY_TYPE_FLOAT8)
            value.sql = arena_printf(ctx->arena, "(CAST(%s AS DOUBLE) %s CAST(%s AS DOUBLE))", left.sql, op, right.sql);
        if (left.type == QUERY_TYPE_DATE && right.type == QUERY_TYPE_DATE)
            value.sql = arena_printf(ctx->arena, "CAST(%s AS INTEGER)", value.sql);
        if (*op == '*' && left.micros && right.literal && strcmp(right.literal, "1000000") == 0)
            value.whole = left.micros; /* (extract(epoch from x) * 1000000)::bigint */
    }
    return value;
}

static enum query_type joined_with(enum query_type type)
{
    return type_is_list(type) || type == QUERY_TYPE_JSONB ? type : QUERY_TYPE_TEXT;
}

static struct expr concatenate_make(struct translate *ctx, struct scope *scope, const PgQuery__AExpr *node)
{
    struct expr left = { 0 }, right = { 0 };
    bool left_untyped = node_is_untyped(ctx, node->lexpr), right_untyped = node_is_untyped(ctx, node->rexpr);
    if (!left_untyped && !(left = expr_make(ctx, scope, node->lexpr, QUERY_TYPE_UNKNOWN)).sql) return left;
    if (!right_untyped && !(right = expr_make(ctx, scope, node->rexpr, QUERY_TYPE_UNKNOWN)).sql) return right;
    if (left_untyped && !(left = expr_make(ctx, scope, node->lexpr, joined_with(right.type))).sql) return left;
    if (right_untyped && !(right = expr_make(ctx, scope, node->rexpr, joined_with(left.type))).sql) return right;
    if (type_is_list(left.type) || type_is_list(right.type)) {
        enum query_type type = type_is_list(left.type) ? left.type : right.type;
        const char *l = type_is_list(left.type) ? left.sql : arena_printf(ctx->arena, "[%s]", left.sql);
        const char *r = type_is_list(right.type) ? right.sql : arena_printf(ctx->arena, "[%s]", right.sql);
        const char *both = arena_printf(ctx->arena, "list_concat(%s, %s)", l, r);
        if (type_is_list(left.type) && type_is_list(right.type) && !left.literal && !right.literal)
            both = arena_printf(ctx->arena, "CASE WHEN %s IS NOT NULL OR %s IS NOT NULL THEN %s END", l, r, both);
        return (struct expr){ .sql = arena_printf(ctx->arena, "(%s)", both),
                              .type = type,
                              .is_free = left.is_free && right.is_free };
    }
    if (left.type == QUERY_TYPE_JSONB && right.type == QUERY_TYPE_JSONB)
        return (struct expr){ .sql = arena_printf(ctx->arena, "mono_jsonb_concat(%s, %s)", left.sql, right.sql),
                              .type = QUERY_TYPE_JSONB,
                              .is_free = left.is_free && right.is_free };
    left = expr_cast(ctx, left, QUERY_TYPE_TEXT);
    right = expr_cast(ctx, right, QUERY_TYPE_TEXT);
    return (struct expr){ .sql = arena_printf(ctx->arena, "(%s || %s)", left.sql, right.sql),
                          .type = QUERY_TYPE_TEXT,
                          .is_free = left.is_free && right.is_free };
}

/* x op ANY (array): for each element of any array. */
static struct expr each_make(struct translate *ctx, struct scope *scope, const PgQuery__AExpr *node, const char *op)
{
    static const char *const comparisons[] = { "=", "<>", "<", "<=", ">", ">=" };
    bool is_any = node->kind == PG_QUERY__A__EXPR__KIND__AEXPR_OP_ANY, is_not = op[0] == '!' && op[1] == '~';
    const char *bare = is_not ? op + 1 : strcmp(op, "!=") == 0 ? "<>" : op, *one = NULL;
    bool is_like = strncmp(bare, "~~", 2) == 0, is_regexp = !is_like && bare[0] == '~';
    struct expr item = expr_make(ctx, scope, node->lexpr, QUERY_TYPE_UNKNOWN);
    if (!item.sql) return item;
    if (item.is_untyped && !(item = expr_make(ctx, scope, node->lexpr, QUERY_TYPE_TEXT)).sql) return item;
    if ((is_like || is_regexp) && item.type != QUERY_TYPE_TEXT) item = expr_cast(ctx, item, QUERY_TYPE_TEXT);
    enum query_type want = item.type == QUERY_TYPE_UNKNOWN || type_is_list(item.type) ? QUERY_TYPE_TEXT : item.type;
    struct expr list = expr_make(ctx, scope, node->rexpr, type_list_of(want));
    if (!list.sql) return list;
    if (!type_is_list(list.type))
        return fail_at(ctx, node->location, ERR_TYPE, "op ANY/ALL (array) requires array on right side");
    op = bare;
    if (is_like)
        one = arena_printf(ctx->arena, "(%s %s e ESCAPE '\\')", item.sql, bare[2] == '*' ? "ILIKE" : "LIKE");
    else if (is_regexp)
        one = arena_printf(ctx->arena, "regexp_matches(%s, e%s)", item.sql, bare[1] == '*' ? ", 'i'" : "");
    else if (IS_ONE_OF(comparisons) && can_compare(item.type, type_element(list.type)))
        one = arena_printf(ctx->arena, "(%s %s e)", item.sql, bare);
    else
        return fail_at(ctx, node->location, ERR_NO_FUNCTION, "operator does not exist: %s %s %s", type_word(&item),
                       bare, type_name(type_element(list.type)));
    const char *each =
        arena_printf(ctx->arena, "list_transform(%s, lambda e: %s%s)", list.sql, is_not ? "NOT " : "", one);
    return boolean(
        arena_printf(ctx->arena,
                     "(CASE WHEN %s IS NULL THEN NULL WHEN list_contains(%s, %s) THEN %s WHEN len(list_filter(%s, "
                     "lambda e: e IS NULL)) > 0 THEN NULL ELSE %s END)",
                     list.sql, each, is_any ? "true" : "false", is_any ? "true" : "false", each,
                     is_any ? "false" : "true"),
        item.is_free && list.is_free);
}

static struct expr any_make(struct translate *ctx, struct scope *scope, const PgQuery__AExpr *node, const char *op)
{
    bool is_any = node->kind == PG_QUERY__A__EXPR__KIND__AEXPR_OP_ANY;
    bool is_equal = is_any && strcmp(op, "=") == 0, is_unequal = !is_any && strcmp(op, "<>") == 0;
    const PgQuery__Node *list_node = node->rexpr;
    if (!is_equal && !is_unequal) {
        /* x LIKE ANY (ARRAY['a%','b%']): one by one */
        if (list_node->node_case != PG_QUERY__NODE__NODE_A_ARRAY_EXPR) return each_make(ctx, scope, node, op);
        const char *sql = NULL;
        bool is_free = true;
        for (size_t i = 0; i < list_node->a_array_expr->n_elements; i++) {
            PgQuery__AExpr one = *node;
            one.kind = strchr(op, '~') && !strchr(op, '!') && strstr(op, "~~") ? PG_QUERY__A__EXPR__KIND__AEXPR_LIKE
                                                                               : PG_QUERY__A__EXPR__KIND__AEXPR_OP;
            if (strstr(op, "~~")) one.kind = PG_QUERY__A__EXPR__KIND__AEXPR_LIKE;
            one.rexpr = list_node->a_array_expr->elements[i];
            PgQuery__Node wrapper = PG_QUERY__NODE__INIT;
            wrapper.node_case = PG_QUERY__NODE__NODE_A_EXPR;
            wrapper.a_expr = &one;
            struct expr value = expr_make(ctx, scope, &wrapper, QUERY_TYPE_UNKNOWN);
            if (!value.sql) return value;
            is_free = is_free && value.is_free;
            sql = sql ? arena_printf(ctx->arena, "%s %s %s", sql, is_any ? "OR" : "AND", value.sql) : value.sql;
        }
        return boolean(sql ? arena_printf(ctx->arena, "(%s)", sql) : is_any ? "false" : "true", is_free);
    }
    struct expr item, list;
    if (node_is_untyped(ctx, node->lexpr) && !node_is_untyped(ctx, list_node)) {
        list = expr_make(ctx, scope, list_node, QUERY_TYPE_UNKNOWN);
        if (!list.sql) return list;
        item =
            expr_make(ctx, scope, node->lexpr, type_is_list(list.type) ? type_element(list.type) : QUERY_TYPE_UNKNOWN);
        if (!item.sql) return item;
    } else {
        item = expr_make(ctx, scope, node->lexpr, QUERY_TYPE_UNKNOWN);
        if (!item.sql) return item;
        enum query_type want = type_is_list(item.type)           ? QUERY_TYPE_UNKNOWN
                               : item.type == QUERY_TYPE_UNKNOWN ? QUERY_TYPE_TEXT
                                                                 : item.type;
        list = expr_make(ctx, scope, list_node, type_list_of(want));
        if (!list.sql) return list;
    }
    if (list.type != QUERY_TYPE_UNKNOWN && !type_is_list(list.type))
        return fail_at(ctx, node->location, ERR_TYPE, "op ANY/ALL (array) requires array on right side");
    if (list.type != QUERY_TYPE_UNKNOWN && type_element(list.type) != QUERY_TYPE_UNKNOWN &&
        !can_compare(item.type, type_element(list.type))) {
        if (item.type != QUERY_TYPE_TEXT || !type_is_integer(type_element(list.type)))
            return fail_at(ctx, node->location, ERR_NO_FUNCTION, "operator does not exist: %s = %s", type_word(&item),
                           type_name(type_element(list.type)));
        item.sql = arena_printf(ctx->arena, "TRY_CAST(%s AS BIGINT)", item.sql);
    }
    if (is_kind(&item) && list.is_free)
        list.sql = arena_printf(ctx->arena, "list_transform(%s, lambda e: lower(e))", list.sql);
    if (item.type == QUERY_TYPE_UUID && type_element(list.type) == QUERY_TYPE_TEXT)
        list.sql = arena_printf(ctx->arena, "CAST(%s AS UUID[])", list.sql);
    /* DuckDB finds nothing in a list that is NULL; SQL does not know. */
    bool may_be_null = list_node->node_case != PG_QUERY__NODE__NODE_A_ARRAY_EXPR;
    const char *found = arena_printf(ctx->arena, "list_contains(%s, %s)", list.sql, item.sql);
    /* A column's elements are never NULL. */
    if (!list.relation && may_hold_null(list_node))
        found = arena_printf(
            ctx->arena,
            "(CASE WHEN %s THEN true WHEN len(list_filter(%s, lambda e: e IS NULL)) > 0 THEN NULL ELSE %s END)", found,
            list.sql, found);
    if (may_be_null && !item.literal) /* of nothing at all nothing is equal, not even NULL */
        found = arena_printf(ctx->arena, "(CASE WHEN len(%s) = 0 THEN false ELSE %s END)", list.sql, found);
    if (may_be_null) found = arena_printf(ctx->arena, "(CASE WHEN %s IS NOT NULL THEN %s END)", list.sql, found);
    return boolean(is_any ? found : arena_printf(ctx->arena, "(NOT %s)", found), item.is_free && list.is_free);
}

/* Columns of a handful of values, which no file is chosen by within itself. Of these a list's function is asked once for each
 * entry of a page's dictionary; IN becomes ORs, each of which compares the text of every row. */
static bool is_of_few_values(const struct expr *value)
{
    static const char *const names[] = { "kind", "level", "status_code" };
    if (!value->relation || value->relation->table < 0 || value->column < 0) return false;
    const char *name = value->relation->schema->columns[value->column].name;
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (strcmp(names[i], name) == 0) return true;
    return false;
}

static struct expr in_make(struct translate *ctx, struct scope *scope, const PgQuery__AExpr *node, const char *op)
{
    if (!node->rexpr || node->rexpr->node_case != PG_QUERY__NODE__NODE_LIST)
        return fail_at(ctx, node->location, ERR_UNSUPPORTED, "this form of IN is not supported");
    const PgQuery__List *list = node->rexpr->list;
    if (node->lexpr && node->lexpr->node_case == PG_QUERY__NODE__NODE_ROW_EXPR)
        return row_in_make(ctx, scope, node, op[0] == '<');
    enum query_type want = QUERY_TYPE_UNKNOWN;
    if (node_is_untyped(ctx, node->lexpr)) {
        for (size_t i = 0; i < list->n_items && want == QUERY_TYPE_UNKNOWN; i++) {
            if (node_is_untyped(ctx, list->items[i])) continue;
            struct expr item = expr_make(ctx, scope, list->items[i], QUERY_TYPE_UNKNOWN);
            if (!item.sql) return item;
            want = item.type;
        }
    }
    struct expr left = expr_make(ctx, scope, node->lexpr, want);
    if (!left.sql) return left;
    bool is_free = left.is_free, is_number = false;
    bool is_listed = op[0] != '<' && list->n_items > 1 && is_of_few_values(&left);
    struct buf buf;
    buf_init(&buf, 64 * (size_t)PLAN_SQL_BYTES_MAX);
    struct expr failed = { 0 };
    for (size_t i = 0; i < list->n_items; i++) {
        struct expr item = expr_make(ctx, scope, list->items[i], left.type);
        if (!item.sql) goto done;
        if (left.type == QUERY_TYPE_TEXT && type_is_number(item.type))
            is_number = true;
        else if (!can_compare(left.type, item.type)) {
            failed = fail_at(ctx, node->location, ERR_NO_FUNCTION, "operator does not exist: %s = %s", type_word(&left),
                             type_word(&item));
            goto done;
        }
        bool is_folded = is_kind(&left) && item.is_free;
        is_free = is_free && item.is_free;
        is_listed = is_listed && item.literal && !is_number; /* NULL is no literal */
        if (!buf_printf(&buf, "%s%s%s%s", i ? ", " : "", is_folded ? "lower(" : "", item.sql, is_folded ? ")" : "")) {
            failed = fail_at(ctx, node->location, ERR_TOO_LARGE, "the IN list is too long");
            goto done;
        }
    }
    if (is_listed) {
        failed = boolean(arena_printf(ctx->arena, "list_contains([%.*s], %s)", (int)buf.len, (const char *)buf.ptr,
                                      left.sql),
                         is_free);
        goto done;
    }
    const char *left_sql = is_number ? arena_printf(ctx->arena, "TRY_CAST(%s AS BIGINT)", left.sql) : left.sql;
    failed = boolean(arena_printf(ctx->arena, "(%s %s (%.*s))", left_sql, op[0] == '<' ? "NOT IN" : "IN", (int)buf.len,
                                  (const char *)buf.ptr),
                     is_free);
done:
    buf_deinit(&buf);
    return failed;
}

static struct expr between_make(struct translate *ctx, struct scope *scope, const PgQuery__AExpr *node)
{
    if (!node->rexpr || node->rexpr->node_case != PG_QUERY__NODE__NODE_LIST || node->rexpr->list->n_items != 2)
        return fail_at(ctx, node->location, ERR_SYNTAX, "BETWEEN needs two bounds");
    bool is_not = node->kind == PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN;
    const char *sides[2];
    bool is_free = true;
    for (int i = 0; i < 2; i++) {
        struct expr left, right;
        if (!operands_make(ctx, scope, node->lexpr, node->rexpr->list->items[i], QUERY_TYPE_UNKNOWN, QUERY_TYPE_UNKNOWN,
                           &left, &right))
            return (struct expr){ 0 };
        numbers_meet(ctx, &left, &right);
        if (!can_compare(left.type, right.type))
            return fail_at(ctx, node->location, ERR_NO_FUNCTION, "operator does not exist: %s %s %s", type_word(&left),
                           i ? "<=" : ">=", type_word(&right));
        is_free = is_free && left.is_free && right.is_free;
        sides[i] = arena_printf(ctx->arena, "%s %s %s", left.sql, i ? "<=" : ">=", right.sql);
    }
    return boolean(arena_printf(ctx->arena, "(%s(%s AND %s))", is_not ? "NOT " : "", sides[0], sides[1]), is_free);
}

/* The bounds in either order. */
static struct expr between_symmetric_make(struct translate *ctx, struct scope *scope, const PgQuery__AExpr *node)
{
    if (!node->rexpr || node->rexpr->node_case != PG_QUERY__NODE__NODE_LIST || node->rexpr->list->n_items != 2)
        return fail_at(ctx, node->location, ERR_SYNTAX, "BETWEEN needs two bounds");
    PgQuery__AExpr one = *node;
    PgQuery__List list = *node->rexpr->list;
    PgQuery__Node *items[2] = { list.items[0], list.items[1] }, *swapped[2] = { items[1], items[0] };
    PgQuery__Node wrapper = *node->rexpr;
    struct expr sides[2];
    for (int i = 0; i < 2; i++) {
        list.items = i ? swapped : items;
        wrapper.list = &list;
        one.kind = PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN;
        one.rexpr = &wrapper;
        sides[i] = between_make(ctx, scope, &one);
        if (!sides[i].sql) return sides[i];
    }
    bool is_not = node->kind == PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM;
    return boolean(arena_printf(ctx->arena, "(%s(%s OR %s))", is_not ? "NOT " : "", sides[0].sql, sides[1].sql),
                   sides[0].is_free && sides[1].is_free);
}

/* @ -5, |/ 4, ||/ 27, ~ 5 */
static struct expr prefix_make(struct translate *ctx, struct scope *scope, const PgQuery__AExpr *node, const char *op)
{
    struct expr value = expr_make(ctx, scope, node->rexpr, QUERY_TYPE_FLOAT8);
    if (!value.sql) return value;
    bool is_bits = op[0] == '~';
    if (value.type != QUERY_TYPE_UNKNOWN && (is_bits ? !type_is_integer(value.type) : !type_is_number(value.type)))
        return fail_at(ctx, node->location, ERR_NO_FUNCTION, "operator does not exist: %s %s", op, type_word(&value));
    const char *function = op[0] == '@' ? "abs" : is_bits ? "~" : strcmp(op, "|/") == 0 ? "sqrt" : "cbrt";
    if (is_bits && value.type != QUERY_TYPE_UNKNOWN) /* a NULL that DuckDB has folded has no type any more */
        value.sql = arena_printf(ctx->arena, "CAST(%s AS %s)", value.sql, type_duckdb(value.type));
    return (struct expr){ .sql = arena_printf(ctx->arena, "(%s(%s))", function, value.sql),
                          .type = op[0] == '@' || is_bits ? value.type : QUERY_TYPE_FLOAT8,
                          .is_free = value.is_free };
}

static struct expr starts_make(struct translate *ctx, struct scope *scope, const PgQuery__AExpr *node)
{
    struct expr left = expr_text(ctx, scope, node->lexpr);
    if (!left.sql) return left;
    struct expr right = expr_text(ctx, scope, node->rexpr);
    if (!right.sql) return right;
    return boolean(arena_printf(ctx->arena, "starts_with(%s, %s)", left.sql, right.sql), left.is_free && right.is_free);
}

struct expr operator_make(struct translate *ctx, struct scope *scope, const PgQuery__AExpr *node, enum query_type want)
{
    (void)want;
    const char *op = operator_name(ctx, node->name, node->n_name, node->location);
    if (!op) return (struct expr){ 0 };
    struct expr left, right;
    switch (node->kind) {
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP: break;
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ANY:
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ALL: return any_make(ctx, scope, node, op);
    case PG_QUERY__A__EXPR__KIND__AEXPR_DISTINCT:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_DISTINCT:
        if (node->lexpr && node->lexpr->node_case == PG_QUERY__NODE__NODE_ROW_EXPR)
            return row_compare_make(ctx, scope, node, "=");
        if (!operands_make(ctx, scope, node->lexpr, node->rexpr, QUERY_TYPE_UNKNOWN, QUERY_TYPE_UNKNOWN, &left, &right))
            return (struct expr){ 0 };
        numbers_meet(ctx, &left, &right);
        return boolean(arena_printf(ctx->arena, "(%s IS %sDISTINCT FROM %s)", left.sql,
                                    node->kind == PG_QUERY__A__EXPR__KIND__AEXPR_DISTINCT ? "" : "NOT ", right.sql),
                       left.is_free && right.is_free);
    case PG_QUERY__A__EXPR__KIND__AEXPR_NULLIF:
        if (!operands_make(ctx, scope, node->lexpr, node->rexpr, QUERY_TYPE_UNKNOWN, QUERY_TYPE_UNKNOWN, &left, &right))
            return (struct expr){ 0 };
        return (struct expr){ .sql = arena_printf(ctx->arena, "nullif(%s, %s)", left.sql, right.sql),
                              .type = left.type,
                              .is_free = left.is_free && right.is_free };
    case PG_QUERY__A__EXPR__KIND__AEXPR_IN: return in_make(ctx, scope, node, op);
    case PG_QUERY__A__EXPR__KIND__AEXPR_LIKE:
    case PG_QUERY__A__EXPR__KIND__AEXPR_ILIKE: return like_make(ctx, scope, node, op);
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN: return between_make(ctx, scope, node);
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN_SYM:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM: return between_symmetric_make(ctx, scope, node);
    case PG_QUERY__A__EXPR__KIND__AEXPR_SIMILAR: return similar_make(ctx, scope, node, op);
    default: return fail_at(ctx, node->location, ERR_UNSUPPORTED, "this operator is not supported");
    }
    static const char *const comparisons[] = { "=", "<>", "<", "<=", ">", ">=" };
    static const char *const arithmetics[] = { "+", "-", "*", "/", "%", "^", "&", "|", "#", "<<", ">>" };
    static const char *const prefixes[] = { "@", "|/", "||/", "~" };
    static const char *const jsons[] = { "->", "->>", "#>", "#>>" };
    static const char *const containments[] = { "@>", "<@", "&&", "?", "?|", "?&" };
    static const char *const regexps[] = { "~", "~*", "!~", "!~*" };
    static const char *const likes[] = { "~~", "~~*", "!~~", "!~~*" };
    if (node->rexpr && !node->lexpr && IS_ONE_OF(prefixes)) return prefix_make(ctx, scope, node, op);
    if (node->rexpr && IS_ONE_OF(arithmetics)) return arithmetic_make(ctx, scope, node, op);
    if (node->lexpr && node->rexpr) {
        if (strcmp(op, "!=") == 0) op = "<>";
        if (IS_ONE_OF(comparisons) && node->lexpr->node_case == PG_QUERY__NODE__NODE_ROW_EXPR)
            return row_compare_make(ctx, scope, node, op);
        if (IS_ONE_OF(comparisons)) return compare_make(ctx, scope, node, op);
        if (strcmp(op, "^@") == 0) return starts_make(ctx, scope, node);
        if (strcmp(op, "@?") == 0 || strcmp(op, "@@") == 0) return jsonpath_make(ctx, scope, node, op);
        if (strcmp(op, "#-") == 0) return json_delete_make(ctx, scope, node, op);
        if (strcmp(op, "||") == 0) return concatenate_make(ctx, scope, node);
        if (IS_ONE_OF(jsons)) return json_make(ctx, scope, node, op);
        if (IS_ONE_OF(containments)) return contains_make(ctx, scope, node, op);
        if (IS_ONE_OF(regexps)) return regexp_make(ctx, scope, node, op);
        if (IS_ONE_OF(likes)) return like_make(ctx, scope, node, op);
    }
    return fail_at(ctx, node->location, ERR_NO_FUNCTION, "operator %.20s is not supported", op);
}
