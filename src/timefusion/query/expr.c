#include "timefusion/query/catalog_own.h"
#include "timefusion/query/literal.h"
#include "timefusion/query/translate.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum query_type type_common(enum query_type a, enum query_type b)
{
    if (a == QUERY_TYPE_UNKNOWN || a == b) return b;
    if (b == QUERY_TYPE_UNKNOWN) return a;
    if (type_is_number(a) && type_is_number(b)) {
        if (a == QUERY_TYPE_NUMERIC) return b == QUERY_TYPE_FLOAT4 || b == QUERY_TYPE_FLOAT8 ? b : a;
        if (b == QUERY_TYPE_NUMERIC) return a == QUERY_TYPE_FLOAT4 || a == QUERY_TYPE_FLOAT8 ? a : b;
        return a > b ? a : b;
    }
    if ((type_is_oid(a) && (type_is_oid(b) || type_is_integer(b))) || (type_is_oid(b) && type_is_integer(a)))
        return QUERY_TYPE_OID;
    if (a >= QUERY_TYPE_DATE && a <= QUERY_TYPE_TIMESTAMPTZ && b >= QUERY_TYPE_DATE && b <= QUERY_TYPE_TIMESTAMPTZ)
        return a > b ? a : b;
    return QUERY_TYPE_UNKNOWN; /* DuckDB's description will tell */
}

static bool parameter_is_typed(const struct translate *ctx, int number)
{
    if (number < 1) return false;
    if ((uint32_t)number <= ctx->plan->parameter_count && ctx->is_typed[number - 1]) return true;
    return (uint32_t)number <= ctx->declared_count && ctx->declared[number - 1] != QUERY_TYPE_UNKNOWN;
}

bool node_is_untyped(struct translate *ctx, const PgQuery__Node *node)
{
    if (!node) return false;
    if (node->node_case == PG_QUERY__NODE__NODE_PARAM_REF) return !parameter_is_typed(ctx, node->param_ref->number);
    if (node->node_case != PG_QUERY__NODE__NODE_A_CONST) return false;
    return node->a_const->isnull || node->a_const->val_case == PG_QUERY__A__CONST__VAL_SVAL;
}

struct expr parameter_make(struct translate *ctx, const PgQuery__ParamRef *ref, enum query_type want)
{
    if (ref->number < 1 || ref->number > PLAN_PARAMETERS_MAX)
        return fail_at(ctx, ref->location, ERR_INPUT, "there is no parameter $%d", ref->number);
    uint32_t index = (uint32_t)ref->number - 1;
    if (index >= ctx->parameter_cap) {
        uint32_t cap = (index + 1) * 2;
        enum query_type *parameters = arena_calloc(ctx->arena, cap * sizeof *parameters);
        bool *is_typed = arena_calloc(ctx->arena, cap * sizeof *is_typed);
        if (ctx->parameter_cap > 0) {
            memcpy(parameters, ctx->plan->parameters, ctx->parameter_cap * sizeof *parameters);
            memcpy(is_typed, ctx->is_typed, ctx->parameter_cap * sizeof *is_typed);
        }
        ctx->plan->parameters = parameters;
        ctx->is_typed = is_typed;
        ctx->parameter_cap = cap;
    }
    if (index >= ctx->plan->parameter_count) ctx->plan->parameter_count = index + 1;
    if (!ctx->is_typed[index]) {
        enum query_type type = index < ctx->declared_count ? ctx->declared[index] : QUERY_TYPE_UNKNOWN;
        if (type == QUERY_TYPE_UNKNOWN) type = want;
        ctx->plan->parameters[index] = type;
        ctx->is_typed[index] = type != QUERY_TYPE_UNKNOWN;
    }
    return (struct expr){ .sql = mark(ctx, 'P', index + 1),
                          .type = ctx->plan->parameters[index],
                          .is_free = true,
                          .is_untyped = !ctx->is_typed[index] };
}

static struct expr literal_make(struct translate *ctx, const char *text, enum query_type want, int location)
{
    struct expr value = { .type = want, .is_free = true, .is_untyped = want == QUERY_TYPE_UNKNOWN, .literal = text };
    if ((want == QUERY_TYPE_TIMESTAMPTZ || want == QUERY_TYPE_TIMESTAMP || want == QUERY_TYPE_DATE)) {
        static const struct {
            const char *word;
            int days;
        } words[] = { { "now", 0 }, { "today", 0 }, { "yesterday", -1 }, { "tomorrow", 1 } };
        for (size_t i = 0; i < COUNT_OF(words); i++) {
            if (strcmp(words[i].word, text) != 0) continue;
            if (i == 0)
                value.sql = arena_printf(ctx->arena, "CAST(%s AS %s)", mark(ctx, 'N', 0), type_duckdb(want));
            else
                value.sql = arena_printf(ctx->arena, "CAST(CAST(%s AS DATE) + %d AS %s)", mark(ctx, 'N', 0),
                                         words[i].days, type_duckdb(want));
            return value;
        }
    }
    int64_t oid;
    if (want == QUERY_TYPE_REGCLASS && catalog_own_oid(ctx->temporaries, bytes_of_text(text), &oid)) {
        value.sql = arena_printf(ctx->arena, "CAST(%" PRId64 " AS BIGINT)", oid);
        return value;
    }
    struct buf buf;
    struct err err = { .code = ERR_OK };
    buf_init(&buf, 16 * (size_t)PLAN_SQL_BYTES_MAX);
    if (literal_put(&buf, bytes_of_text(text), want, &err)) {
        value.sql = arena_printf(ctx->arena, "%.*s", (int)buf.len, (const char *)buf.ptr);
    } else {
        fail_at(ctx, location, err.code, "%s", err.text);
    }
    buf_deinit(&buf);
    return value;
}

static struct expr constant_make(struct translate *ctx, const PgQuery__AConst *constant, enum query_type want)
{
    if (constant->isnull) {
        const char *sql = want == QUERY_TYPE_UNKNOWN || want == QUERY_TYPE_NUMERIC
                              ? "NULL"
                              : arena_printf(ctx->arena, "CAST(NULL AS %s)", type_duckdb(want));
        return (struct expr){ .sql = sql, .type = want, .is_free = true, .is_untyped = want == QUERY_TYPE_UNKNOWN };
    }
    struct expr value = { .is_free = true };
    switch (constant->val_case) {
    case PG_QUERY__A__CONST__VAL_IVAL:
        value.type = QUERY_TYPE_INT4;
        value.sql = value.literal = arena_printf(ctx->arena, "%d", constant->ival->ival);
        return value;
    case PG_QUERY__A__CONST__VAL_FVAL: {
        const char *text = constant->fval->fval;
        size_t sign = text[0] == '-', digits = sign + strspn(text + sign, "0123456789");
        size_t all = strspn(text, "0123456789.eE+-");
        if (text[all] != '\0')
            return fail_at(ctx, constant->location, ERR_SYNTAX, "number \"%.40s\" is not understood", text);
        /* Whole numbers over int4 come as floats. */
        char *end;
        value.type = text[digits] != '\0' || strlen(text) > 18 ? QUERY_TYPE_NUMERIC : QUERY_TYPE_INT8;
        if (strpbrk(text, "eE")) value.type = QUERY_TYPE_FLOAT8;
        (void)strtod(text, &end);
        if (strlen(text) > 38)
            value.sql = arena_printf(ctx->arena, "CAST('%s' AS DOUBLE)", text), value.type = QUERY_TYPE_FLOAT8;
        else
            value.sql = arena_printf(ctx->arena, "%s", text);
        value.literal = value.sql;
        return value;
    }
    case PG_QUERY__A__CONST__VAL_BOOLVAL:
        value.type = QUERY_TYPE_BOOL;
        value.sql = constant->boolval->boolval ? "true" : "false";
        return value;
    case PG_QUERY__A__CONST__VAL_SVAL:
        return literal_make(ctx, arena_printf(ctx->arena, "%s", constant->sval->sval), want, constant->location);
    default: return fail_at(ctx, constant->location, ERR_UNSUPPORTED, "bit strings are not supported");
    }
}

const char *interval_sql(struct translate *ctx, struct bytes text)
{
    int32_t months, days;
    int64_t micros;
    if (!interval_parse(text, &months, &days, &micros)) return NULL;
    return arena_printf(ctx->arena, "CAST('%d months %d days %lld microseconds' AS INTERVAL)", months, days,
                        (long long)micros);
}

static struct expr logic_make(struct translate *ctx, struct scope *scope, const PgQuery__BoolExpr *node)
{
    const char *word = node->boolop == PG_QUERY__BOOL_EXPR_TYPE__OR_EXPR ? " OR " : " AND ";
    bool is_free = true;
    struct buf buf;
    buf_init(&buf, 64 * (size_t)PLAN_SQL_BYTES_MAX);
    bool ok = buf_add(&buf, "(", 1);
    if (node->boolop == PG_QUERY__BOOL_EXPR_TYPE__NOT_EXPR) ok = ok && buf_add(&buf, "NOT ", 4);
    struct expr failed = { 0 };
    for (size_t i = 0; ok && i < node->n_args; i++) {
        struct expr value = expr_make(ctx, scope, node->args[i], QUERY_TYPE_BOOL);
        if (!value.sql) goto done;
        if (value.type != QUERY_TYPE_BOOL && value.type != QUERY_TYPE_UNKNOWN) {
            failed = fail_at(ctx, node->location, ERR_TYPE, "argument of %s must be type boolean, not type %s",
                             node->boolop == PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR  ? "AND"
                             : node->boolop == PG_QUERY__BOOL_EXPR_TYPE__OR_EXPR ? "OR"
                                                                                 : "NOT",
                             type_word(&value));
            goto done;
        }
        is_free = is_free && value.is_free;
        ok = buf_printf(&buf, "%s%s", i ? word : "", value.sql);
    }
    ok = ok && buf_add(&buf, ")", 1);
    failed = ok ? boolean(arena_printf(ctx->arena, "%.*s", (int)buf.len, (const char *)buf.ptr), is_free)
                : fail_at(ctx, node->location, ERR_TOO_LARGE, "the condition is too long");
done:
    buf_deinit(&buf);
    return failed;
}

enum query_type type_of_node(struct translate *ctx, const PgQuery__TypeName *type, int *precision, int *scale)
{
    *precision = *scale = -1;
    const char *name = type->n_names > 0 ? node_text(type->names[type->n_names - 1]) : NULL;
    const char *schema = type->n_names > 1 ? node_text(type->names[type->n_names - 2]) : NULL;
    bool is_known = !schema || strcmp(schema, "pg_catalog") == 0 || strcmp(schema, "information_schema") == 0;
    if (!name || !is_known || type->setof || type->pct_type) {
        fail_at(ctx, type->location, ERR_NOT_FOUND, "this type does not exist here");
        return QUERY_TYPE_UNKNOWN;
    }
    enum query_type found = type_by_name(name);
    if (found == QUERY_TYPE_UNKNOWN) {
        fail_at(ctx, type->location, ERR_NOT_FOUND, "type \"%.60s\" does not exist here", name);
        return QUERY_TYPE_UNKNOWN;
    }
    int numbers[2] = { -1, -1 };
    for (size_t i = 0; i < type->n_typmods && i < 2; i++)
        if (type->typmods[i]->node_case == PG_QUERY__NODE__NODE_A_CONST &&
            type->typmods[i]->a_const->val_case == PG_QUERY__A__CONST__VAL_IVAL)
            numbers[i] = type->typmods[i]->a_const->ival->ival;
    *precision = numbers[0];
    *scale = numbers[1];
    if (type->n_array_bounds > 1 || (type->n_array_bounds == 1 && type_is_list(found))) {
        fail_at(ctx, type->location, ERR_UNSUPPORTED, "arrays have one dimension here");
        return QUERY_TYPE_UNKNOWN;
    }
    return type->n_array_bounds == 1 ? type_list_of(found) : found;
}

/* To and from numbers of the catalog, whose names are looked up. */
static struct expr catalog_cast(struct translate *ctx, struct expr value, enum query_type type)
{
    static const char letters[] = { [QUERY_TYPE_REGCLASS] = 'c',
                                    [QUERY_TYPE_REGTYPE] = 't',
                                    [QUERY_TYPE_REGPROC] = 'p',
                                    [QUERY_TYPE_REGNAMESPACE] = 'n',
                                    [QUERY_TYPE_REGROLE] = 'r' };
    struct expr cast = { .type = type, .is_free = value.is_free };
    bool is_textual = value.type == QUERY_TYPE_TEXT || value.type == QUERY_TYPE_UNKNOWN;
    if (type == QUERY_TYPE_TEXT && value.type > QUERY_TYPE_OID && type_is_oid(value.type))
        cast.sql = arena_printf(ctx->arena, "mono_catalog_name(%s, '%c', %s)", value.sql, letters[value.type],
                                mark(ctx, 'D', 0));
    else if (is_textual && type > QUERY_TYPE_OID && type_is_oid(type))
        cast.sql = arena_printf(ctx->arena, "mono_catalog_oid('%c', CAST(%s AS VARCHAR), %s)", letters[type], value.sql,
                                mark(ctx, 'D', 0));
    else
        cast.sql = arena_printf(ctx->arena, "CAST(%s AS %s)", value.sql, type_duckdb(type));
    return cast;
}

/* As PostgreSQL shows it; most types DuckDB shows so too. */
static const char *text_of(struct translate *ctx, struct expr value)
{
    switch (value.type) {
    case QUERY_TYPE_FLOAT8: return arena_printf(ctx->arena, "mono_float_text(%s)", value.sql);
    case QUERY_TYPE_INTERVAL: return arena_printf(ctx->arena, "mono_interval_text(%s)", value.sql);
    case QUERY_TYPE_BYTEA: return arena_printf(ctx->arena, "('\\x' || lower(hex(%s)))", value.sql);
    default: break;
    }
    if (!type_is_list(value.type)) return arena_printf(ctx->arena, "CAST(%s AS VARCHAR)", value.sql);
    enum query_type type = type_element(value.type);
    const char *element = type == QUERY_TYPE_BOOL ? "CASE WHEN e THEN 't' WHEN NOT e THEN 'f' END"
                                                  : text_of(ctx, (struct expr){ .sql = "e", .type = type });
    return arena_printf(ctx->arena, "mono_array_text(list_transform(%s, lambda e: %s))", value.sql, element);
}

struct expr expr_cast(struct translate *ctx, struct expr value, enum query_type type)
{
    if (!value.sql || (value.type == type && !value.is_untyped)) return value;
    struct expr cast = { .type = type, .is_free = value.is_free };
    if (type_is_oid(type) || type_is_oid(value.type)) return catalog_cast(ctx, value, type);
    bool is_textual = value.type == QUERY_TYPE_TEXT || value.type == QUERY_TYPE_UNKNOWN;
    if (type == QUERY_TYPE_JSONB) {
        cast.sql = is_textual ? arena_printf(ctx->arena, "mono_jsonb(%s)", value.sql)
                              : arena_printf(ctx->arena, "mono_jsonb(CAST(to_json(%s) AS VARCHAR))", value.sql);
    } else if (type == QUERY_TYPE_TEXT) {
        cast.sql = text_of(ctx, value);
    } else if (type == QUERY_TYPE_NUMERIC && type_is_integer(value.type)) { /* no digits behind the point */
        cast.sql = arena_printf(ctx->arena, "CAST(%s AS DECIMAL(19,0))", value.sql);
    } else if (type == QUERY_TYPE_TIME && value.type == QUERY_TYPE_TIMESTAMPTZ) {
        cast.sql = arena_printf(ctx->arena, "CAST(CAST(%s AS TIMESTAMP) AS TIME)", value.sql);
    } else if (type == QUERY_TYPE_INT8 && value.whole) {
        cast.sql = value.whole;
    } else {
        cast.sql = arena_printf(ctx->arena, "CAST(%s AS %s)", value.sql, type_duckdb(type));
    }
    return cast;
}

/* Of INTERVAL '2' DAY: the fields' mask, as PostgreSQL's parser leaves it; NULL: several, or none. */
static const char *interval_unit(int mask)
{
    static const struct {
        int mask;
        const char *unit;
    } units[] = { { 1 << 2, "year" },  { 1 << 1, "month" },   { 1 << 3, "day" },
                  { 1 << 10, "hour" }, { 1 << 11, "minute" }, { 1 << 12, "second" } };
    for (size_t i = 0; i < COUNT_OF(units); i++)
        if (units[i].mask == mask) return units[i].unit;
    return NULL;
}

static struct expr cast_value(struct translate *ctx, struct scope *scope, const PgQuery__TypeCast *node,
                              enum query_type type, int precision)
{
    bool was_literal =
        node->arg && node->arg->node_case == PG_QUERY__NODE__NODE_A_CONST && node_is_untyped(ctx, node->arg);
    const char *unit = was_literal && type == QUERY_TYPE_INTERVAL ? interval_unit(precision) : NULL;
    struct expr value = { 0 };
    if (unit && !node->arg->a_const->isnull) { /* interval '2' day */
        const char *text = node->arg->a_const->sval->sval;
        if (strspn(text, "+-0123456789. ") == strlen(text)) {
            const char *sql = interval_sql(ctx, bytes_of_text(arena_printf(ctx->arena, "%s %s", text, unit)));
            if (sql) return (struct expr){ .sql = sql, .type = type, .is_free = true };
        }
    }
    value = expr_make(ctx, scope, node->arg, node_is_untyped(ctx, node->arg) ? type : QUERY_TYPE_UNKNOWN);
    if (!value.sql) return value;
    if (was_literal && node->arg->a_const->isnull) {
        value.sql = arena_printf(ctx->arena, "CAST(NULL AS %s)", type_duckdb(type));
        return value;
    }
    if (type == QUERY_TYPE_NUMERIC && precision < 0 && value.literal) { /* with the digits it has */
        const char *point = strchr(value.literal, '.');
        size_t digits = point ? strspn(point + 1, "0123456789") : 0;
        if (digits <= 20 && strspn(value.literal, "-0123456789.") == strlen(value.literal)) {
            value.sql = arena_printf(ctx->arena, "CAST(%s AS DECIMAL(38,%zu))",
                                     quote_text(ctx, bytes_of_text(value.literal)), digits);
            value.type = QUERY_TYPE_NUMERIC;
            return value;
        }
    }
    if (was_literal && type == QUERY_TYPE_JSONB && value.literal) {
        value.sql = arena_printf(ctx->arena, "mono_jsonb(%s)", value.sql);
        value.literal = NULL;
        return value;
    }
    if (type == QUERY_TYPE_NUMERIC && precision > 0) { /* all its digits are there for form_put */
        if (value.literal) value.sql = quote_text(ctx, bytes_of_text(value.literal));
        if (value.literal || value.type == QUERY_TYPE_TEXT || type_is_integer(value.type)) value.type = type;
        value.is_untyped = false;
    }
    value = expr_cast(ctx, value, type);
    value.relation = NULL;
    return value;
}

static struct expr cast_make(struct translate *ctx, struct scope *scope, const PgQuery__TypeCast *node)
{
    int precision, scale;
    struct query_form form;
    enum query_type type = type_of_node(ctx, node->type_name, &precision, &scale);
    if (type == QUERY_TYPE_UNKNOWN || !form_of_node(ctx, node->type_name, type, &form)) return (struct expr){ 0 };
    return form_put(ctx, cast_value(ctx, scope, node, type, precision), form);
}

struct expr expr_text(struct translate *ctx, struct scope *scope, const PgQuery__Node *node)
{
    struct expr value = expr_make(ctx, scope, node, QUERY_TYPE_TEXT);
    if (!value.sql || value.type == QUERY_TYPE_TEXT) return value;
    return expr_cast(ctx, value, QUERY_TYPE_TEXT);
}

/* "a, b, c" */
static const char *join_sql(struct translate *ctx, const struct expr *values, size_t count)
{
    size_t bytes = 1;
    for (size_t i = 0; i < count; i++) bytes += strlen(values[i].sql) + 2;
    char *sql = arena_alloc(ctx->arena, bytes), *at = sql;
    *at = '\0';
    for (size_t i = 0; i < count; i++) at = stpcpy(stpcpy(at, i ? ", " : ""), values[i].sql);
    return sql;
}

const char *expr_list(struct translate *ctx, struct scope *scope, PgQuery__Node **nodes, size_t count,
                      enum query_type want, bool *is_free)
{
    struct expr *values = arena_calloc(ctx->arena, (count + 1) * sizeof *values);
    for (size_t i = 0; i < count; i++) {
        values[i] = expr_make(ctx, scope, nodes[i], want);
        if (!values[i].sql) return NULL;
        *is_free = *is_free && values[i].is_free;
    }
    return join_sql(ctx, values, count);
}

/* The type all of them can have: of those that have one; the others take it. */
static bool same_type_make(struct translate *ctx, struct scope *scope, PgQuery__Node **nodes, size_t count,
                           enum query_type want, bool texts_count, struct expr *values, enum query_type *type)
{
    enum query_type common = QUERY_TYPE_UNKNOWN;
    bool is_known = true;
    for (size_t i = 0; i < count; i++) {
        if (node_is_untyped(ctx, nodes[i])) continue;
        values[i] = expr_make(ctx, scope, nodes[i], QUERY_TYPE_UNKNOWN);
        if (!values[i].sql) return false;
        if (values[i].type == QUERY_TYPE_UNKNOWN) is_known = false;
        enum query_type next = type_common(common, values[i].type);
        bool is_text = values[i].type == QUERY_TYPE_TEXT;
        if (texts_count && common != QUERY_TYPE_UNKNOWN && next == QUERY_TYPE_UNKNOWN &&
            ((is_text && type_is_number(common)) || (common == QUERY_TYPE_TEXT && type_is_number(values[i].type)))) {
            common = is_text ? common : values[i].type; /* coalesce(text, 0): the number in the text */
            continue;
        }
        if (common != QUERY_TYPE_UNKNOWN && next == QUERY_TYPE_UNKNOWN) {
            if (values[i].type != QUERY_TYPE_UNKNOWN) {
                fail_at(ctx, -1, ERR_TYPE, "types %s and %s cannot be matched", type_name(common),
                        type_name(values[i].type));
                return false;
            }
        } else {
            common = next;
        }
    }
    if (common == QUERY_TYPE_UNKNOWN) common = want != QUERY_TYPE_UNKNOWN ? want : QUERY_TYPE_TEXT;
    for (size_t i = 0; i < count; i++) {
        if (values[i].sql) continue;
        values[i] = expr_make(ctx, scope, nodes[i], common);
        if (!values[i].sql) return false;
        if (values[i].type != common && values[i].type != QUERY_TYPE_UNKNOWN)
            common = type_common(common, values[i].type);
    }
    for (size_t i = 0; i < count; i++) {
        if (!texts_count || values[i].type != QUERY_TYPE_TEXT || !type_is_number(common)) continue;
        values[i].sql = arena_printf(ctx->arena, "TRY_CAST(%s AS %s)", values[i].sql,
                                     type_is_integer(common) ? "BIGINT" : "DOUBLE");
        values[i].type = type_is_integer(common) ? QUERY_TYPE_INT8 : QUERY_TYPE_FLOAT8;
        values[i].relation = NULL;
        common = type_common(common, values[i].type);
    }
    *type = is_known ? common : QUERY_TYPE_UNKNOWN;
    return true;
}

static struct expr call_of_same(struct translate *ctx, struct scope *scope, const char *function, PgQuery__Node **nodes,
                                size_t count, enum query_type want)
{
    struct expr *values = arena_calloc(ctx->arena, (count + 1) * sizeof *values), result = { .is_free = true };
    if (!same_type_make(ctx, scope, nodes, count, want, strcmp(function, "coalesce") == 0, values, &result.type))
        return (struct expr){ 0 };
    for (size_t i = 0; i < count; i++) result.is_free = result.is_free && values[i].is_free;
    const char *sql = join_sql(ctx, values, count);
    bool is_array = function[0] == '[';
    result.sql = is_array ? arena_printf(ctx->arena, "[%s]", sql) : arena_printf(ctx->arena, "%s(%s)", function, sql);
    if (is_array && count == 0)
        result.sql = arena_printf(ctx->arena, "CAST([] AS %s)", type_duckdb(type_list_of(result.type)));
    return result;
}

static struct expr case_make(struct translate *ctx, struct scope *scope, const PgQuery__CaseExpr *node,
                             enum query_type want)
{
    size_t count = node->n_args;
    PgQuery__Node **results = arena_calloc(ctx->arena, (count + 1) * sizeof *results);
    for (size_t i = 0; i < count; i++) results[i] = node->args[i]->case_when->result;
    size_t result_count = count;
    if (node->defresult) results[result_count++] = node->defresult;
    struct expr *values = arena_calloc(ctx->arena, (count + 1) * sizeof *values), result = { .is_free = true };
    if (!same_type_make(ctx, scope, results, result_count, want, false, values, &result.type))
        return (struct expr){ 0 };
    const char *sql = "CASE";
    for (size_t i = 0; i < count; i++) {
        struct expr when;
        if (node->arg) { /* CASE a WHEN b: as a = b, so that types meet in the same way */
            PgQuery__AExpr equal = PG_QUERY__A__EXPR__INIT;
            equal.kind = PG_QUERY__A__EXPR__KIND__AEXPR_OP;
            equal.lexpr = node->arg;
            equal.rexpr = node->args[i]->case_when->expr;
            equal.location = node->location;
            when = compare_make(ctx, scope, &equal, "=");
        } else {
            when = expr_make(ctx, scope, node->args[i]->case_when->expr, QUERY_TYPE_BOOL);
        }
        if (!when.sql) return when;
        result.is_free = result.is_free && when.is_free && values[i].is_free;
        sql = arena_printf(ctx->arena, "%s WHEN %s THEN %s", sql, when.sql, values[i].sql);
    }
    if (node->defresult) {
        result.is_free = result.is_free && values[count].is_free;
        sql = arena_printf(ctx->arena, "%s ELSE %s", sql, values[count].sql);
    }
    result.sql = arena_printf(ctx->arena, "(%s END)", sql);
    return result;
}

static struct expr sublink_make(struct translate *ctx, struct scope *scope, const PgQuery__SubLink *node,
                                enum query_type want)
{
    (void)want;
    struct output *columns;
    uint32_t column_count;
    if (!node->subselect || node->subselect->node_case != PG_QUERY__NODE__NODE_SELECT_STMT)
        return fail_at(ctx, node->location, ERR_UNSUPPORTED, "only SELECT can stand in a subquery");
    const char *sql = select_make(ctx, scope, node->subselect->select_stmt, &columns, &column_count);
    if (!sql) return (struct expr){ 0 };
    if (node->sub_link_type == PG_QUERY__SUB_LINK_TYPE__EXISTS_SUBLINK)
        return boolean(arena_printf(ctx->arena, "(EXISTS (%s))", sql), false);
    bool is_row = node->sub_link_type == PG_QUERY__SUB_LINK_TYPE__ANY_SUBLINK && node->n_oper_name == 0 &&
                  node->testexpr && node->testexpr->node_case == PG_QUERY__NODE__NODE_ROW_EXPR;
    if (is_row) { /* (a, b) IN (SELECT x, y ...) */
        bool is_free = true;
        const PgQuery__RowExpr *row = node->testexpr->row_expr;
        if (row->n_args != column_count)
            return fail_at(ctx, node->location, ERR_SYNTAX, "subquery has not as many columns as the row value");
        const char *left = expr_list(ctx, scope, row->args, row->n_args, QUERY_TYPE_UNKNOWN, &is_free), *right = "";
        if (!left) return (struct expr){ 0 };
        for (uint32_t c = 0; c < column_count; c++)
            right = arena_printf(ctx->arena, "%s%sc%u", right, c ? ", " : "", c + 1);
        return boolean(arena_printf(ctx->arena, "(row(%s) IN (SELECT row(%s) FROM (%s) AS r%u))", left, right, sql,
                                    ++ctx->relation_count),
                       false);
    }
    if (column_count != 1) return fail_at(ctx, node->location, ERR_SYNTAX, "subquery must return only one column");
    enum query_type type = columns[0].type;
    switch (node->sub_link_type) {
    case PG_QUERY__SUB_LINK_TYPE__EXPR_SUBLINK:
        return (struct expr){ .sql = arena_printf(ctx->arena, "(%s)", sql), .type = type };
    case PG_QUERY__SUB_LINK_TYPE__ARRAY_SUBLINK:
        return (struct expr){ .sql = arena_printf(ctx->arena, "(ARRAY(%s))", sql),
                              .type = type == QUERY_TYPE_UNKNOWN || type_is_list(type) ? QUERY_TYPE_UNKNOWN
                                                                                       : type_list_of(type) };
    case PG_QUERY__SUB_LINK_TYPE__ANY_SUBLINK:
    case PG_QUERY__SUB_LINK_TYPE__ALL_SUBLINK: {
        const char *op =
            node->n_oper_name > 0 ? operator_name(ctx, node->oper_name, node->n_oper_name, node->location) : "=";
        if (!op) return (struct expr){ 0 };
        static const char *const comparisons[] = { "=", "<>", "<", "<=", ">", ">=" };
        if (!IS_ONE_OF(comparisons))
            return fail_at(ctx, node->location, ERR_UNSUPPORTED, "operator %.20s with ANY or ALL is not supported", op);
        struct expr left = expr_make(ctx, scope, node->testexpr, type);
        if (!left.sql) return left;
        if (!can_compare(left.type, type))
            return fail_at(ctx, node->location, ERR_NO_FUNCTION, "operator does not exist: %s %s %s", type_word(&left),
                           op, type_name(type));
        if (node->n_oper_name == 0) return boolean(arena_printf(ctx->arena, "(%s IN (%s))", left.sql, sql), false);
        return boolean(arena_printf(ctx->arena, "(%s %s %s (%s))", left.sql, op,
                                    node->sub_link_type == PG_QUERY__SUB_LINK_TYPE__ANY_SUBLINK ? "ANY" : "ALL", sql),
                       false);
    }
    default: return fail_at(ctx, node->location, ERR_UNSUPPORTED, "this form of subquery is not supported");
    }
}

/* Of what information_schema._pg_expandarray() and aclexplode() give: the only composites there are. */
static struct expr field_make(struct translate *ctx, struct expr value, const char *name)
{
    static const struct {
        const char *name;
        enum query_type type;
    } fields[] = { { "x", QUERY_TYPE_UNKNOWN },           { "n", QUERY_TYPE_INT4 },
                   { "grantor", QUERY_TYPE_OID },         { "grantee", QUERY_TYPE_OID },
                   { "privilege_type", QUERY_TYPE_TEXT }, { "is_grantable", QUERY_TYPE_BOOL } };
    for (size_t f = 0; f < COUNT_OF(fields) && value.type == QUERY_TYPE_UNKNOWN; f++)
        if (strcmp(fields[f].name, name) == 0)
            return (struct expr){ .sql = arena_printf(ctx->arena, "struct_extract(%s, '%s')", value.sql, name),
                                  .type = fields[f].type };
    return fail_at(ctx, -1, ERR_UNSUPPORTED, "there is no field \"%.60s\"; use -> for jsonb", name);
}

static struct expr indirection_make(struct translate *ctx, struct scope *scope, const PgQuery__AIndirection *node)
{
    struct expr value = expr_make(ctx, scope, node->arg, QUERY_TYPE_UNKNOWN);
    for (size_t i = 0; value.sql && i < node->n_indirection; i++) {
        const PgQuery__Node *step = node->indirection[i];
        if (node_text(step)) {
            value = field_make(ctx, value, node_text(step));
            continue;
        }
        if (step->node_case != PG_QUERY__NODE__NODE_A_INDICES || !type_is_list(value.type))
            return fail_at(ctx, -1, ERR_UNSUPPORTED, "[...] is for arrays; use -> for jsonb");
        struct expr low = { .sql = "1", .is_free = true }, high = low;
        if (step->a_indices->lidx) low = expr_make(ctx, scope, step->a_indices->lidx, QUERY_TYPE_INT4);
        if (!low.sql) return low;
        if (step->a_indices->uidx) high = expr_make(ctx, scope, step->a_indices->uidx, QUERY_TYPE_INT4);
        if (!high.sql) return high;
        if (step->a_indices->is_slice) {
            const char *upper = step->a_indices->uidx ? high.sql : arena_printf(ctx->arena, "len(%s)", value.sql);
            value = (struct expr){ .sql = arena_printf(ctx->arena, "list_slice(%s, greatest(%s, 1), %s)", value.sql,
                                                       low.sql, upper),
                                   .type = value.type,
                                   .is_free = value.is_free && low.is_free && high.is_free };
        } else { /* an index below one is out of the array, not from its end */
            value = (struct expr){ .sql = arena_printf(ctx->arena, "list_extract(%s, CASE WHEN %s > 0 THEN %s END)",
                                                       value.sql, high.sql, high.sql),
                                   .type = type_element(value.type),
                                   .is_free = value.is_free && high.is_free };
        }
    }
    return value;
}

static struct expr value_function_make(struct translate *ctx, const PgQuery__SQLValueFunction *node)
{
    const char *now = mark(ctx, 'N', 0);
    switch (node->op) {
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIMESTAMP:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIMESTAMP_N:
        return (struct expr){ .sql = now, .type = QUERY_TYPE_TIMESTAMPTZ, .is_free = true };
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_DATE:
        return (struct expr){ .sql = arena_printf(ctx->arena, "CAST(%s AS DATE)", now),
                              .type = QUERY_TYPE_DATE,
                              .is_free = true };
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIMESTAMP:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIMESTAMP_N:
        return (struct expr){ .sql = arena_printf(ctx->arena, "CAST(%s AS TIMESTAMP)", now),
                              .type = QUERY_TYPE_TIMESTAMP,
                              .is_free = true };
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIME:
        return (struct expr){ .sql = arena_printf(ctx->arena, "CAST(CAST(%s AS TIMESTAMP) AS TIME)", now),
                              .type = QUERY_TYPE_TIME,
                              .is_free = true };
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_ROLE:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_USER:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_USER:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_SESSION_USER:
        return (struct expr){ .sql = mark(ctx, 'U', 0), .type = QUERY_TYPE_TEXT, .is_free = true };
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_CATALOG:
        return (struct expr){ .sql = "'monoscope'", .type = QUERY_TYPE_TEXT, .is_free = true };
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_SCHEMA:
        return (struct expr){ .sql = "'public'", .type = QUERY_TYPE_TEXT, .is_free = true };
    default:
        return fail_at(ctx, node->location, ERR_UNSUPPORTED, "this function is not supported; use current_timestamp");
    }
}

static struct expr truth_make(struct translate *ctx, struct scope *scope, const PgQuery__BooleanTest *node)
{
    static const char *const words[] = { "",        "IS TRUE",    "IS NOT TRUE", "IS FALSE", "IS NOT FALSE",
                                         "IS NULL", "IS NOT NULL" };
    struct expr value = expr_make(ctx, scope, node->arg, QUERY_TYPE_BOOL);
    if (!value.sql || (unsigned)node->booltesttype >= COUNT_OF(words)) return value;
    return boolean(arena_printf(ctx->arena, "(%s %s)", value.sql, words[node->booltesttype]), value.is_free);
}

static struct expr node_make(struct translate *ctx, struct scope *scope, const PgQuery__Node *node,
                             enum query_type want)
{
    struct expr value;
    switch (node->node_case) {
    case PG_QUERY__NODE__NODE_A_CONST: return constant_make(ctx, node->a_const, want);
    case PG_QUERY__NODE__NODE_PARAM_REF: return parameter_make(ctx, node->param_ref, want);
    case PG_QUERY__NODE__NODE_COLUMN_REF: return scope_column(ctx, scope, node->column_ref);
    case PG_QUERY__NODE__NODE_A_EXPR: return operator_make(ctx, scope, node->a_expr, want);
    case PG_QUERY__NODE__NODE_BOOL_EXPR: return logic_make(ctx, scope, node->bool_expr);
    case PG_QUERY__NODE__NODE_FUNC_CALL: return function_make(ctx, scope, node->func_call, want);
    case PG_QUERY__NODE__NODE_TYPE_CAST: return cast_make(ctx, scope, node->type_cast);
    case PG_QUERY__NODE__NODE_CASE_EXPR: return case_make(ctx, scope, node->case_expr, want);
    case PG_QUERY__NODE__NODE_COALESCE_EXPR:
        return call_of_same(ctx, scope, "coalesce", node->coalesce_expr->args, node->coalesce_expr->n_args, want);
    case PG_QUERY__NODE__NODE_MIN_MAX_EXPR:
        return call_of_same(ctx, scope,
                            node->min_max_expr->op == PG_QUERY__MIN_MAX_OP__IS_GREATEST ? "greatest" : "least",
                            node->min_max_expr->args, node->min_max_expr->n_args, want);
    case PG_QUERY__NODE__NODE_A_ARRAY_EXPR:
        value = call_of_same(ctx, scope, "[", node->a_array_expr->elements, node->a_array_expr->n_elements,
                             type_is_list(want) ? type_element(want) : QUERY_TYPE_UNKNOWN);
        if (type_is_list(value.type))
            return fail_at(ctx, node->a_array_expr->location, ERR_UNSUPPORTED, "arrays have one dimension here");
        if (value.type != QUERY_TYPE_UNKNOWN) value.type = type_list_of(value.type);
        return value;
    case PG_QUERY__NODE__NODE_SUB_LINK: return sublink_make(ctx, scope, node->sub_link, want);
    case PG_QUERY__NODE__NODE_A_INDIRECTION: return indirection_make(ctx, scope, node->a_indirection);
    case PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION: return value_function_make(ctx, node->sqlvalue_function);
    case PG_QUERY__NODE__NODE_BOOLEAN_TEST: return truth_make(ctx, scope, node->boolean_test);
    case PG_QUERY__NODE__NODE_NULL_TEST:
        value = expr_make(ctx, scope, node->null_test->arg, QUERY_TYPE_UNKNOWN);
        if (!value.sql) return value;
        return boolean(arena_printf(ctx->arena, "(%s IS %sNULL)", value.sql,
                                    node->null_test->nulltesttype == PG_QUERY__NULL_TEST_TYPE__IS_NOT_NULL ? "NOT "
                                                                                                           : ""),
                       value.is_free);
    case PG_QUERY__NODE__NODE_COLLATE_CLAUSE: {
        const char *name = node->collate_clause->n_collname > 0
                               ? node_text(node->collate_clause->collname[node->collate_clause->n_collname - 1])
                               : NULL;
        if (!name || (strcmp(name, "C") != 0 && strcmp(name, "default") != 0 && strcmp(name, "POSIX") != 0))
            return fail_at(ctx, node->collate_clause->location, ERR_UNSUPPORTED,
                           "collations other than \"C\" are not supported");
        return expr_make(ctx, scope, node->collate_clause->arg, want);
    }
    case PG_QUERY__NODE__NODE_GROUPING_FUNC: {
        bool is_free = true;
        const char *list =
            expr_list(ctx, scope, node->grouping_func->args, node->grouping_func->n_args, QUERY_TYPE_UNKNOWN, &is_free);
        if (!list) return (struct expr){ 0 };
        return (struct expr){ .sql = arena_printf(ctx->arena, "CAST(GROUPING(%s) AS INTEGER)", list),
                              .type = QUERY_TYPE_INT4 };
    }
    case PG_QUERY__NODE__NODE_ROW_EXPR:
        return fail_at(ctx, node->row_expr->location, ERR_UNSUPPORTED,
                       "row values are not supported; compare column by column");
    case PG_QUERY__NODE__NODE_SET_TO_DEFAULT: return fail_at(ctx, -1, ERR_UNSUPPORTED, "DEFAULT is not supported here");
    default: return fail_at(ctx, -1, ERR_UNSUPPORTED, "this expression is not supported");
    }
}

struct expr expr_make(struct translate *ctx, struct scope *scope, const PgQuery__Node *node, enum query_type want)
{
    if (!node) return fail_at(ctx, -1, ERR_SYNTAX, "an expression is missing");
    if (++ctx->depth > TRANSLATE_DEPTH_MAX)
        return fail_at(ctx, -1, ERR_TOO_LARGE, "the statement is nested too deeply");
    struct expr value = node_make(ctx, scope, node, want);
    ctx->depth--;
    if (ctx->arena->bytes > 256u << 20) return fail_at(ctx, -1, ERR_TOO_LARGE, "the statement is too complex");
    return value;
}

const char *expr_order_by(struct translate *ctx, struct scope *scope, PgQuery__Node **nodes, size_t count)
{
    const char *sql = "";
    for (size_t i = 0; i < count; i++) {
        if (nodes[i]->node_case != PG_QUERY__NODE__NODE_SORT_BY)
            return fail_at(ctx, -1, ERR_SYNTAX, "ORDER BY is not understood").sql;
        const PgQuery__SortBy *sort = nodes[i]->sort_by;
        if (sort->sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_USING)
            return fail_at(ctx, sort->location, ERR_UNSUPPORTED, "ORDER BY ... USING is not supported").sql;
        struct expr value = expr_make(ctx, scope, sort->node, QUERY_TYPE_UNKNOWN);
        if (!value.sql) return NULL;
        sql = arena_printf(ctx->arena, "%s%s%s%s%s", sql, i ? ", " : "", value.sql,
                           sort->sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_DESC ? " DESC" : "",
                           sort->sortby_nulls == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_FIRST  ? " NULLS FIRST"
                           : sort->sortby_nulls == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_LAST ? " NULLS LAST"
                                                                                              : "");
    }
    return sql;
}
