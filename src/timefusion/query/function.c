#include "timefusion/query/catalog.h"
#include "timefusion/query/function_list.h"
#include "timefusion/query/gate_defect.h"
#include "timefusion/query/translate.h"
#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

static enum query_type type_of_letter(char letter)
{
    switch (letter) {
    case 't': return QUERY_TYPE_TEXT;
    case 'i': return QUERY_TYPE_INT4;
    case 'l': return QUERY_TYPE_INT8;
    case 'd': return QUERY_TYPE_FLOAT8;
    case 'n': return QUERY_TYPE_FLOAT8;
    case 'z': return QUERY_TYPE_TIMESTAMPTZ;
    case 's': return QUERY_TYPE_TIMESTAMP;
    case 'm': return QUERY_TYPE_NUMERIC;
    case 'v': return QUERY_TYPE_INTERVAL;
    case 'b': return QUERY_TYPE_BOOL;
    case 'j': return QUERY_TYPE_JSONB;
    case 'D': return QUERY_TYPE_DATE;
    case 'u': return QUERY_TYPE_UUID;
    case 'o': return QUERY_TYPE_OID;
    case 'c': return QUERY_TYPE_REGCLASS;
    case 'y': return QUERY_TYPE_REGTYPE;
    case 'p': return QUERY_TYPE_REGPROC;
    case 'h': return QUERY_TYPE_REGNAMESPACE;
    case 'r': return QUERY_TYPE_REGROLE;
    case 'T': return type_list_of(QUERY_TYPE_TEXT);
    case 'A': return type_list_of(QUERY_TYPE_TEXT);
    case 'I': return type_list_of(QUERY_TYPE_INT4);
    default: return QUERY_TYPE_UNKNOWN;
    }
}

/* %1 .. %9 and %* of the arguments; a template without them is a function's name. */
const char *function_fill(struct translate *ctx, const char *template, const struct expr *arguments, size_t count)
{
    bool has_slots = false, is_mark = template[0] == MARK_OPEN[0];
    for (const char *at = template; *at; at++)
        has_slots = has_slots || (*at == '%' && ((at[1] >= '1' && at[1] <= '9') || at[1] == '*'));
    if (!has_slots && (count == 0 ? strpbrk(template, "'0[(") != NULL || is_mark || strcmp(template, "false") == 0
                                  : strpbrk(template, "('[") != NULL))
        return template;
    struct buf buf;
    buf_init(&buf, 64 * (size_t)PLAN_SQL_BYTES_MAX);
    bool ok = true;
    if (!has_slots) {
        ok = buf_printf(&buf, "%s(", template);
        for (size_t i = 0; ok && i < count; i++) ok = buf_printf(&buf, "%s%s", i ? ", " : "", arguments[i].sql);
        ok = ok && buf_add(&buf, ")", 1);
    } else {
        for (const char *at = template; ok && *at; at++) {
            if (*at == '%' && at[1] >= '1' && at[1] <= '9') {
                size_t index = (size_t)(at[1] - '1');
                at++;
                ok = buf_printf(&buf, "%s", index < count ? arguments[index].sql : "NULL");
            } else {
                ok = buf_add(&buf, at, 1);
            }
        }
    }
    const char *sql = ok ? arena_printf(ctx->arena, "%.*s", (int)buf.len, (const char *)buf.ptr) : NULL;
    buf_deinit(&buf);
    if (!ok) fail_at(ctx, -1, ERR_TOO_LARGE, "the statement is too complex");
    return sql;
}

static bool arguments_make(struct translate *ctx, struct scope *scope, const struct function *function,
                           const PgQuery__FuncCall *call, struct expr *arguments)
{
    size_t letters = strlen(function->arguments);
    for (size_t pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < call->n_args; i++) {
            if (arguments[i].sql) continue;
            char letter = letters == 0 ? 'a' : function->arguments[i < letters ? i : letters - 1];
            enum query_type want = type_of_letter(letter);
            if (letter == 'e' && arguments[0].sql && type_is_list(arguments[0].type))
                want = type_element(arguments[0].type);
            if (letter == '=' && arguments[0].sql) want = arguments[0].type;
            if (function->special == ENCODE && i == 0 && function->name[0] == 'e' &&
                node_is_untyped(ctx, call->args[0]))
                want = QUERY_TYPE_BYTEA;
            if (function->special == TIMEZONE && i == 0 && !node_is_untyped(ctx, call->args[0])) letter = 'a';
            if (function->special == SUBSTRING && letter == 'i' && i == 1 && call->n_args == 2 &&
                node_is_untyped(ctx, call->args[i]) && call->args[i]->node_case == PG_QUERY__NODE__NODE_A_CONST)
                want = QUERY_TYPE_TEXT; /* substring(x from 'pattern') */
            /* Anything: let the others say first. */
            if (pass == 0 && want == QUERY_TYPE_UNKNOWN && i > 0 && !arguments[0].sql &&
                node_is_untyped(ctx, call->args[i]))
                continue;
            if (want == QUERY_TYPE_UNKNOWN && letter == 'a' && function->special != TIME_BUCKET &&
                function->special != GAPFILL && node_is_untyped(ctx, call->args[i]))
                want = QUERY_TYPE_TEXT;
            arguments[i] = expr_make(ctx, scope, call->args[i], want);
            if (!arguments[i].sql) return false;
            enum query_type type = arguments[i].type;
            if (letter == 't' && type != QUERY_TYPE_TEXT) {
                if (function->special == SUBSTRING || function->special == LENGTH || function->special == CONCAT ||
                    type == QUERY_TYPE_UNKNOWN)
                    arguments[i] = expr_cast(ctx, arguments[i], QUERY_TYPE_TEXT);
                else if (type_is_list(type) || type == QUERY_TYPE_JSONB || type_is_number(type) ||
                         type == QUERY_TYPE_BOOL || (type >= QUERY_TYPE_DATE && type <= QUERY_TYPE_INTERVAL)) {
                    fail_at(ctx, call->location, ERR_NO_FUNCTION, "%s() takes text as argument %zu, not %s; cast it",
                            function->name, i + 1, type_name(type));
                    return false;
                } else {
                    arguments[i] = expr_cast(ctx, arguments[i], QUERY_TYPE_TEXT);
                }
            }
            bool is_bad =
                (letter == 'A' && type != QUERY_TYPE_UNKNOWN && !type_is_list(type)) ||
                (letter == 'n' && type != QUERY_TYPE_UNKNOWN && !type_is_number(type) && type != QUERY_TYPE_INTERVAL) ||
                (letter == 'd' && type != QUERY_TYPE_UNKNOWN && !type_is_number(type) && !type_is_list(type)) ||
                (letter == 'j' && type != QUERY_TYPE_JSONB && type != QUERY_TYPE_UNKNOWN) ||
                (letter == 'b' && type != QUERY_TYPE_BOOL && type != QUERY_TYPE_UNKNOWN) ||
                (strchr("ocyphr", letter) && !type_is_oid(type) && !type_is_integer(type) &&
                 type != QUERY_TYPE_UNKNOWN);
            if (is_bad) {
                fail_at(ctx, call->location, ERR_NO_FUNCTION, "%s() does not take %s as argument %zu", function->name,
                        type_name(type), i + 1);
                return false;
            }
        }
    }
    return true;
}

/* The session's setting of a name that is not known yet; NULL for one that there is not. */
static const char *settings_of(struct translate *ctx, const char *name)
{
    const char *sql = arena_printf(ctx->arena, "CASE lower(%s)", name);
    for (uint32_t s = 0; s < setting_count(); s++) {
        char lower[64];
        size_t len = strlen(setting_definition(s)->name);
        assert(len < sizeof lower);
        for (size_t i = 0; i <= len; i++) lower[i] = (char)tolower((unsigned char)setting_definition(s)->name[i]);
        sql = arena_printf(ctx->arena, "%s WHEN '%s' THEN %s", sql, lower, mark(ctx, 'S', s));
    }
    return arena_printf(ctx->arena, "%s END", sql);
}

/* The arguments of generate_series and what its rows are. */
static bool series_arguments(struct translate *ctx, struct scope *scope, const PgQuery__FuncCall *call,
                             struct expr arguments[3], enum query_type *type)
{
    struct expr *first = &arguments[0];
    *first = expr_make(ctx, scope, call->args[0],
                       node_is_untyped(ctx, call->args[1]) && call->n_args == 3 ? QUERY_TYPE_TIMESTAMPTZ
                                                                                : QUERY_TYPE_UNKNOWN);
    if (!first->sql) return false;
    arguments[1] = expr_make(ctx, scope, call->args[1], first->type);
    if (!arguments[1].sql) return false;
    if (first->is_untyped) *first = expr_make(ctx, scope, call->args[0], arguments[1].type);
    bool is_time = arguments[1].type >= QUERY_TYPE_DATE && arguments[1].type <= QUERY_TYPE_TIMESTAMPTZ;
    if (call->n_args == 3)
        arguments[2] = expr_make(ctx, scope, call->args[2], is_time ? QUERY_TYPE_INTERVAL : QUERY_TYPE_INT8);
    if (call->n_args == 3 && !arguments[2].sql) return false;

    *type = type_common(arguments[0].type, arguments[1].type);
    if (*type == QUERY_TYPE_DATE) *type = QUERY_TYPE_TIMESTAMPTZ;
    is_time = *type == QUERY_TYPE_TIMESTAMP || *type == QUERY_TYPE_TIMESTAMPTZ;
    if (is_time && arguments[2].type != QUERY_TYPE_INTERVAL)
        return fail_at(ctx, -1, ERR_NO_FUNCTION, "generate_series() of times needs an interval as step").sql;
    if (!is_time && !type_is_integer(*type))
        return fail_at(ctx, -1, ERR_NO_FUNCTION, "generate_series() takes whole numbers or times").sql;
    const char *name = is_time ? type_duckdb(*type) : "BIGINT";
    for (int i = 0; i < 2; i++) arguments[i].sql = arena_printf(ctx->arena, "CAST(%s AS %s)", arguments[i].sql, name);
    if (!is_time)
        arguments[2].sql = arena_printf(ctx->arena, "CAST(%s AS BIGINT)", call->n_args == 3 ? arguments[2].sql : "1");
    return true;
}

#define SERIES_LIST_MAX 100000

/* A series as a list. DuckDB makes it at once, maybe while it plans, and counts it nowhere: it is the end that fails when the
 * series is too long, so that the list is not begun. In FROM the series has no bound: there DuckDB hands out row by row. */
static const char *series_list(struct translate *ctx, const struct expr arguments[3], enum query_type type)
{
    bool is_time = !type_is_integer(type);
    const char *open = is_time ? "epoch(" : "CAST(", *end = is_time ? ")" : " AS DOUBLE)";
    const char *from = arguments[0].sql, *to = arguments[1].sql, *step = arguments[2].sql;
    const char *bound =
        arena_printf(ctx->arena,
                     "CASE WHEN abs(%s%s%s - %s%s%s) > %d * abs(%s%s%s) THEN CAST(error('generate_series() outside of "
                     "FROM has at most %d elements') AS %s) ELSE %s END",
                     open, to, end, open, from, end, SERIES_LIST_MAX, open, step, end, SERIES_LIST_MAX,
                     is_time ? type_duckdb(type) : "BIGINT", to);
    return arena_printf(ctx->arena, "CAST(generate_series(%s, %s, %s) AS %s[])", from, bound, step, type_duckdb(type));
}

/* The list whose elements are the rows. */
static const char *rows_list(struct translate *ctx, struct scope *scope, const struct function *function,
                             const PgQuery__FuncCall *call, enum query_type *type)
{
    struct expr arguments[FUNCTION_LISTS_MAX] = { 0 };
    if (strcmp(function->name, "generate_series") == 0)
        return series_arguments(ctx, scope, call, arguments, type) ? series_list(ctx, arguments, *type) : NULL;
    if (!arguments_make(ctx, scope, function, call, arguments)) return NULL;
    if (strcmp(function->name, "regexp_matches") == 0) {
        *type = QUERY_TYPE_UNKNOWN; /* a list of lists: no type of ours */
        return regexp_matches_list(ctx, arguments, call->n_args, call->location);
    }
    if (function->sql) {
        *type = type_of_letter(function->result);
        return function_fill(ctx, function->sql, arguments, call->n_args);
    }
    if (strcmp(function->name, "unnest") == 0) {
        if (call->n_args != 1)
            return fail_at(ctx, call->location, ERR_UNSUPPORTED, "unnest() of several arrays stands in FROM only").sql;
        *type = type_is_list(arguments[0].type) ? type_element(arguments[0].type) : QUERY_TYPE_UNKNOWN;
        return arguments[0].sql;
    }
    if (strcmp(function->name, "generate_subscripts") == 0) {
        *type = QUERY_TYPE_INT4;
        return arena_printf(ctx->arena, "CAST(range(1, CASE WHEN %s = 1 THEN len(%s) ELSE 0 END + 1) AS INTEGER[])",
                            arguments[1].sql, arguments[0].sql);
    }
    bool is_keys = strstr(function->name, "keys") != NULL, is_text = strstr(function->name, "_text") != NULL;
    *type = is_keys || is_text ? QUERY_TYPE_TEXT : QUERY_TYPE_JSONB;
    return arena_printf(ctx->arena, "%s(%s)",
                        is_keys   ? "mono_json_keys"
                        : is_text ? "mono_json_elements_text"
                                  : "mono_json_elements",
                        arguments[0].sql);
}

static const char *call_name(struct translate *ctx, const PgQuery__FuncCall *call)
{
    const char *schema = call->n_funcname > 1 ? node_text(call->funcname[call->n_funcname - 2]) : NULL;
    const char *name = call->n_funcname > 0 ? node_text(call->funcname[call->n_funcname - 1]) : NULL;
    bool is_helper = name && schema && strcmp(schema, "information_schema") == 0 && strncmp(name, "_pg_", 4) == 0;
    if (!name || call->n_funcname > 2 ||
        (schema && strcmp(schema, "pg_catalog") != 0 && strcmp(schema, "public") != 0 && !is_helper)) {
        fail_at(ctx, call->location, ERR_NO_FUNCTION, "functions of other schemas do not exist here");
        return NULL;
    }
    return name;
}

static const struct function *function_of(struct translate *ctx, const PgQuery__FuncCall *call)
{
    const char *name = call_name(ctx, call);
    if (!name) return NULL;
    const struct function *function = function_find(name);
    if (!function && GATE_DEFECT(FUNCTION)) {
        struct function *any = arena_calloc(ctx->arena, sizeof *any);
        *any = (struct function){
            .name = arena_printf(ctx->arena, "%s", name), .max = 255, .arguments = "a", .result = '?'
        };
        return any;
    }
    if (!function) {
        const char *hint = function_hint(name), *nearest = hint ? NULL : function_nearest(name);
        if (nearest) hint = arena_printf(ctx->arena, "the nearest by its name is %s()", nearest);
        struct expr failed =
            fail_at(ctx, call->location, ERR_NO_FUNCTION, "function %.60s() does not exist here", name);
        fail_hint(ctx, failed, "%s", hint ? hint : "docs/sql.md lists those that do");
        return NULL;
    }
    bool is_star = call->agg_star && strcmp(name, "count") == 0;
    if ((call->agg_star && !is_star) || call->func_variadic || call->n_args < function->min ||
        (call->n_args > function->max && function->max != 255) ||
        (strcmp(name, "count") == 0 && call->n_args == 0 && !is_star)) {
        fail_at(ctx, call->location, ERR_NO_FUNCTION, "function %s() does not take these arguments", name);
        return NULL;
    }
    return function;
}

/* f(a, name => b): as f(a, NULL, b) where name is the third. The call itself when no argument has a name; NULL: failed. */
static const PgQuery__FuncCall *call_by_place(struct translate *ctx, const PgQuery__FuncCall *call)
{
    static const struct {
        const char *function, *names[8];
    } named[] = {
        { "make_interval", { "years", "months", "weeks", "days", "hours", "mins", "secs" } },
        { "time_bucket", { "bucket_width", "ts", "timezone", "origin", "offset" } },
        { "time_bucket_gapfill", { "bucket_width", "ts", "timezone", "start", "finish" } },
        { "locf", { "value", "prev", "treat_null_as_missing" } },
        { "jsonb_path_exists", { "target", "path", "vars", "silent" } },
        { "jsonb_path_match", { "target", "path", "vars", "silent" } },
        { "jsonb_path_query", { "target", "path", "vars", "silent" } },
        { "jsonb_path_query_first", { "target", "path", "vars", "silent" } },
        { "jsonb_path_query_array", { "target", "path", "vars", "silent" } },
    };
    bool any = false;
    for (size_t i = 0; i < call->n_args; i++)
        any = any || call->args[i]->node_case == PG_QUERY__NODE__NODE_NAMED_ARG_EXPR;
    if (!any) return call;
    const char *name = call_name(ctx, call);
    if (!name) return NULL;
    const char *const *names = NULL;
    for (size_t i = 0; i < COUNT_OF(named); i++)
        if (strcmp(named[i].function, name) == 0) names = named[i].names;
    PgQuery__Node **places = arena_calloc(ctx->arena, 8 * sizeof *places);
    size_t count = 0;
    for (size_t i = 0; names && i < call->n_args && i < 8; i++) {
        const PgQuery__Node *node = call->args[i];
        size_t place = i;
        if (node->node_case == PG_QUERY__NODE__NODE_NAMED_ARG_EXPR) {
            for (place = 0; place < 8 && names[place]; place++)
                if (strcmp(names[place], node->named_arg_expr->name) == 0) break;
            if (place == 8 || !names[place] || places[place]) names = NULL;
            if (names) places[place] = node->named_arg_expr->arg;
        } else {
            places[place] = call->args[i];
        }
        if (names && place + 1 > count) count = place + 1;
    }
    if (!names) {
        fail_at(ctx, call->location, ERR_NO_FUNCTION, "function %.60s() has no argument of this name here", name);
        return NULL;
    }
    PgQuery__Node *null = arena_calloc(ctx->arena, sizeof *null);
    PgQuery__AConst *constant = arena_calloc(ctx->arena, sizeof *constant);
    pg_query__node__init(null);
    pg_query__a__const__init(constant);
    constant->isnull = true;
    null->node_case = PG_QUERY__NODE__NODE_A_CONST;
    null->a_const = constant;
    for (size_t i = 0; i < count; i++)
        if (!places[i]) places[i] = null;
    PgQuery__FuncCall *copy = arena_alloc(ctx->arena, sizeof *copy);
    *copy = *call;
    copy->args = places;
    copy->n_args = count;
    return copy;
}

/* count(t.*): of rows that there are, which an outer join may have none of. A row of nothing but NULL is taken for none. */
static struct expr row_count_make(struct translate *ctx, struct scope *scope, const PgQuery__FuncCall *call)
{
    const PgQuery__ColumnRef *ref = call->args[0]->column_ref;
    const char *alias = node_text(ref->fields[0]);
    const struct relation *relation = NULL;
    for (struct scope *level = scope; level && alias && !relation; level = level->outer)
        relation = scope_relation(level, alias);
    if (!relation)
        return fail_at(ctx, call->location, ERR_NO_TABLE, "missing FROM-clause entry for table \"%s\"",
                       alias ? alias : "");
    const char *any = "";
    if (relation->table >= 0)
        any = arena_printf(ctx->arena, "%s IS NOT NULL",
                           relation_expr(ctx, relation, (int)relation->schema->timestamp).sql);
    for (uint32_t c = 0; relation->table < 0 && c < relation->column_count; c++)
        any = arena_printf(ctx->arena, "%s%s%s IS NOT NULL", any, c ? " OR " : "",
                           relation_expr(ctx, relation, (int)c).sql);
    return (struct expr){ .sql = arena_printf(ctx->arena, "count(CASE WHEN %s THEN 1 END)", any[0] ? any : "true"),
                          .type = QUERY_TYPE_INT8 };
}

bool node_is_row(const PgQuery__Node *node)
{
    return node->node_case == PG_QUERY__NODE__NODE_COLUMN_REF && node->column_ref->n_fields == 2 &&
           node->column_ref->fields[1]->node_case == PG_QUERY__NODE__NODE_A_STAR;
}

static struct expr body_make(struct translate *ctx, struct scope *scope, const struct function *function,
                             const PgQuery__FuncCall *call)
{
    struct expr *arguments = arena_calloc(ctx->arena, (call->n_args + 1) * sizeof *arguments);
    if (call->n_args == 1 && !call->agg_distinct && strcmp(function->name, "count") == 0 && node_is_row(call->args[0]))
        return row_count_make(ctx, scope, call);
    if (function->special == APPROX_PERCENTILE) return approx_percentile_make(ctx, scope, call);
    if (function->special == ROWS) {
        enum query_type type;
        if (scope) scope->has_rows_function = true;
        const char *list = rows_list(ctx, scope, function, call, &type);
        return (struct expr){ .sql = list ? arena_printf(ctx->arena, "unnest(%s)", list) : NULL, .type = type };
    }
    if (!arguments_make(ctx, scope, function, call, arguments)) return (struct expr){ 0 };
    size_t count = call->n_args;
    struct expr value = { .is_free = function->kind == SCALAR };
    for (size_t i = 0; i < count; i++) value.is_free = value.is_free && arguments[i].is_free;
    switch (function->result) {
    case '=': value.type = count > 0 ? arguments[0].type : QUERY_TYPE_UNKNOWN; break;
    case '2': value.type = count > 1 ? arguments[1].type : QUERY_TYPE_UNKNOWN; break;
    case 'L':
        value.type = count > 0 && arguments[0].type != QUERY_TYPE_UNKNOWN && !type_is_list(arguments[0].type)
                         ? type_list_of(arguments[0].type)
                         : QUERY_TYPE_UNKNOWN;
        break;
    default: value.type = type_of_letter(function->result);
    }
    const char *order = "";
    if (call->n_agg_order > 0 && !call->agg_within_group) {
        if (function->kind != AGGREGATE)
            return fail_at(ctx, call->location, ERR_SYNTAX, "ORDER BY inside %s() is for aggregates", function->name);
        order = expr_order_by(ctx, scope, call->agg_order, call->n_agg_order);
        if (!order) return (struct expr){ 0 };
        order = arena_printf(ctx->arena, " ORDER BY %s", order);
    }
    /* What is told apart was sorted in PostgreSQL. */
    if (call->agg_distinct && !order[0] && (function->special == STRING_AGG || function->special == ARRAY_AGG))
        order = arena_printf(ctx->arena, " ORDER BY %s", arguments[0].sql);
    const char *distinct = call->agg_distinct ? "DISTINCT " : "";
    const char *target = function->sql ? function->sql : function->name;
    struct called called = { function, call, arguments, count, value, distinct, order };
    enum query_type first = count > 0 ? arguments[0].type : QUERY_TYPE_UNKNOWN;
    switch (function->special) {
    case TIME_BUCKET: return time_bucket_make(ctx, function, arguments, count);
    case DATE_TRUNC:
        value.type = arguments[1].type == QUERY_TYPE_DATE ? QUERY_TYPE_TIMESTAMPTZ : arguments[1].type;
        if (arguments[1].type == QUERY_TYPE_DATE) arguments[1] = expr_cast(ctx, arguments[1], QUERY_TYPE_TIMESTAMPTZ);
        if (count == 3)
            value.sql = arena_printf(ctx->arena, "timezone(%s, date_trunc(%s, timezone(%s, %s)))", arguments[2].sql,
                                     arguments[0].sql, arguments[2].sql, arguments[1].sql);
        else
            value.sql = arena_printf(ctx->arena, "date_trunc(%s, %s)", arguments[0].sql, arguments[1].sql);
        return value;
    case EXTRACT: return date_field_make(ctx, function, arguments, call->location);
    case TO_CHAR:
    case TO_TIME:
    case TO_NUMBER:
    case PAD:
    case OVERLAY:
    case FORMAT:
    case CONCAT:
    case SUBSTRING:
    case REGEXP_REPLACE:
    case REGEXP_MATCH:
    case ARRAY_TO_STRING: return text_function_make(ctx, &called);
    case JSON_AGG:
    case JSON_OBJECT_AGG:
    case JSON_OBJECT:
    case JSON_OBJECT_OF_LISTS:
    case JSON_ARRAY:
    case TO_JSON:
    case JSON_PATH: return json_function_make(ctx, &called);
    case GAPFILL: return gapfill_call_make(ctx, scope, &called);
    case MAKE_INTERVAL: return interval_function_make(ctx, &called);
    case ROUND:
    case LOG:
    case SIGN:
    case TO_HEX:
    case SAME_TYPE: return number_function_make(ctx, &called);
    case JSON_EACH: return fail_at(ctx, call->location, ERR_UNSUPPORTED, "%s() stands in FROM only", function->name);
    case PERCENTILE_AGG:
        value.sql = arena_printf(ctx->arena, "list(CAST(%s AS DOUBLE))", arguments[0].sql);
        value.type = type_list_of(QUERY_TYPE_FLOAT8);
        return value;
    case PERCENTILE_ROLLUP:
        if (first != type_list_of(QUERY_TYPE_FLOAT8) && first != QUERY_TYPE_UNKNOWN)
            return fail_at(ctx, call->location, ERR_UNSUPPORTED, "rollup() is for what percentile_agg() gives");
        value.sql = arena_printf(ctx->arena, "list(%s)", arguments[0].sql);
        value.type = type_list_of(QUERY_TYPE_FLOAT8);
        return value;
    case APPROX_DISTINCT: { /* hyperloglog(size, x): ours has one size */
        const struct expr *counted = &arguments[count - 1];
        if (call->over) { /* as for approx_percentile: ours are not for windows */
            value.sql = arena_printf(ctx->arena, "count(DISTINCT %s)", counted->sql);
            return value;
        }
        value.sql =
            counted->type == QUERY_TYPE_TEXT
                ? arena_printf(ctx->arena, "mono_distinct(mono_sketch(%s))", counted->sql)
                : arena_printf(ctx->arena, "mono_distinct(mono_sketch_of(CASE WHEN %s IS NOT NULL THEN hash(%s) END))",
                               counted->sql, counted->sql);
        return value;
    }
    case COUNT_NULLS: {
        const char *sum = "";
        for (size_t i = 0; i < count; i++)
            sum = arena_printf(ctx->arena, "%s%sCAST((%s IS %sNULL) AS INTEGER)", sum, i ? " + " : "", arguments[i].sql,
                               strcmp(function->name, "num_nulls") == 0 ? "" : "NOT ");
        value.sql = arena_printf(ctx->arena, "CAST(%s AS INTEGER)", sum);
        return value;
    }
    case AGE:
        value.sql = count == 2 ? arena_printf(ctx->arena, "age(%s, %s)", arguments[0].sql, arguments[1].sql)
                               : arena_printf(ctx->arena, "age(date_trunc('day', %s), %s)", mark(ctx, 'N', 0),
                                              arguments[0].sql);
        return value;
    case TIMEZONE:
        value.type = arguments[1].type == QUERY_TYPE_TIMESTAMPTZ ? QUERY_TYPE_TIMESTAMP : QUERY_TYPE_TIMESTAMPTZ;
        if (arguments[0].type == QUERY_TYPE_INTERVAL)
            value.sql = arguments[1].type == QUERY_TYPE_TIMESTAMPTZ
                            ? arena_printf(ctx->arena, "(make_timestamp(epoch_us(%s)) + %s)", arguments[1].sql,
                                           arguments[0].sql)
                            : arena_printf(ctx->arena, "make_timestamptz(epoch_us(CAST(%s AS TIMESTAMP) - %s))",
                                           arguments[1].sql, arguments[0].sql);
        else
            value.sql = arena_printf(ctx->arena, "timezone(%s, %s)", arguments[0].sql, arguments[1].sql);
        return value;
    case MAY: {
        const char *right = arguments[count - 1].sql;
        value.sql =
            arena_printf(ctx->arena, "regexp_matches(%s, '^ *(select|usage|connect|execute)( *,.*)?$', 'i')", right);
        return value;
    }
    case SET_CONFIG:
        /* asyncpg turns jit off before it asks for types. There is none, so it is off before and after. */
        if (!arguments[0].literal || strcmp(arguments[0].literal, "jit") != 0 || !arguments[1].literal ||
            strcmp(arguments[1].literal, "off") != 0)
            return fail_at(ctx, call->location, ERR_FORBIDDEN, "set_config() changes no settings here; use SET");
        value.sql = "'off'";
        return value;
    case EXPAND_ARRAY:
        value.sql = function_fill(ctx, target, arguments, count);
        value.type = QUERY_TYPE_UNKNOWN;
        return value;
    case LENGTH: value.sql = arena_printf(ctx->arena, "CAST(length(%s) AS INTEGER)", arguments[0].sql); return value;
    case ENCODE: {
        const char *format = arguments[1].literal;
        bool is_hex = format && strcmp(format, "hex") == 0, is_decode = function->name[0] == 'd';
        if (!format || (!is_hex && strcmp(format, "base64") != 0))
            return fail_at(ctx, call->location, ERR_UNSUPPORTED, "%s() knows 'hex' and 'base64'", function->name);
        const char *blob = first == QUERY_TYPE_TEXT || first == QUERY_TYPE_UNKNOWN
                               ? arena_printf(ctx->arena, "encode(%s)", arguments[0].sql)
                               : arguments[0].sql;
        if (is_decode)
            value.sql = arena_printf(ctx->arena, "%s(%s)", is_hex ? "unhex" : "from_base64", arguments[0].sql);
        else
            value.sql = arena_printf(ctx->arena, is_hex ? "lower(hex(%s))" : "to_base64(%s)", blob);
        if (is_decode) value.type = QUERY_TYPE_BYTEA;
        return value;
    }
    case SUM:
        if (first == QUERY_TYPE_INTERVAL)
            value.type = QUERY_TYPE_INTERVAL;
        else if (first == QUERY_TYPE_INT2 || first == QUERY_TYPE_INT4)
            value.type = QUERY_TYPE_INT8;
        else if (first == QUERY_TYPE_INT8)
            value.type = QUERY_TYPE_NUMERIC;
        else if (first == QUERY_TYPE_FLOAT4 || first == QUERY_TYPE_FLOAT8)
            value.type = first;
        else if (first != QUERY_TYPE_NUMERIC && first != QUERY_TYPE_UNKNOWN)
            return fail_at(ctx, call->location, ERR_NO_FUNCTION, "sum() takes numbers, not %s", type_name(first));
        break;
    case AVG:
        if (first == QUERY_TYPE_INTERVAL)
            value.type = QUERY_TYPE_INTERVAL;
        else if (!type_is_number(first) && first != QUERY_TYPE_UNKNOWN)
            return fail_at(ctx, call->location, ERR_NO_FUNCTION, "avg() takes numbers, not %s", type_name(first));
        break;
    case PERCENTILE:
    case MODE: return percentile_make(ctx, scope, function, call, arguments);
    case STRING_AGG:
        value.sql =
            arena_printf(ctx->arena, "string_agg(%s%s, %s%s)", distinct, arguments[0].sql, arguments[1].sql, order);
        return value;
    case BACKEND: ctx->plan->reads_activity = true; break;
    case SETTING: {
        if (!arguments[0].literal) {
            value.sql = settings_of(ctx, arguments[0].sql);
            return value;
        }
        int setting = setting_by_name(arguments[0].literal);
        if (setting < 0 && count == 2)
            return (struct expr){ .sql = "CAST(NULL AS VARCHAR)", .type = QUERY_TYPE_TEXT, .is_free = true };
        if (setting < 0) return fail_at(ctx, call->location, ERR_NOT_FOUND, "unrecognized configuration parameter");
        value.sql = mark(ctx, 'S', (uint32_t)setting);
        return value;
    }
    default: break;
    }
    if (function->kind == AGGREGATE) {
        const char *name = function->sql ? function->sql : function->name;
        if (call->agg_star)
            value.sql = "count(*)";
        else {
            value.sql = arena_printf(ctx->arena, "%s(%s", name, distinct);
            for (size_t i = 0; i < count; i++)
                value.sql = arena_printf(ctx->arena, "%s%s%s", value.sql, i ? ", " : "", arguments[i].sql);
            value.sql = arena_printf(ctx->arena, "%s%s)", value.sql, order);
        }
        return value;
    }
    value.sql = function_fill(ctx, target, arguments, count);
    return value;
}

/* The aggregate that puts an aggregate's parts together, NULL: there is none. */
static const char *fold_of(const char *name)
{
    if (strcmp(name, "count") == 0 || strcmp(name, "sum") == 0) return "sum";
    if (strcmp(name, "min") == 0) return "min";
    return strcmp(name, "max") == 0 ? "max" : NULL;
}

/* What stands around an aggregate, its FILTER and OVER. */
static void around(struct translate *ctx, const struct function *function, uint32_t pick, const char **open,
                   const char **close)
{
    *open = *close = "";
    if (pick > 0) {
        *open = "list_extract(";
        *close = arena_printf(ctx->arena, ", %u)", pick);
        return;
    }
    switch (function->special) {
    case JSON_AGG: *open = "mono_jsonb(CAST(to_json(", *close = ") AS VARCHAR))"; break;
    case JSON_OBJECT_AGG: *open = "mono_jsonb('{' || ", *close = " || '}')"; break;
    case PERCENTILE_AGG: *open = "list_sort(list_filter(", *close = ", lambda e: e IS NOT NULL))"; break;
    case PERCENTILE_ROLLUP: *open = "list_sort(flatten(", *close = "))"; break;
    default: break;
    }
}

/* FILTER of the call; approx_percentile has it where its aggregate is written. */
static PgQuery__Node *filter_of(const struct function *function, const PgQuery__FuncCall *call)
{
    if (function->special == APPROX_PERCENTILE && !call->agg_filter) return call->args[1]->func_call->agg_filter;
    return call->agg_filter;
}

struct expr function_make(struct translate *ctx, struct scope *scope, const PgQuery__FuncCall *call,
                          enum query_type want)
{
    (void)want;
    ctx->call_count++;
    call = call_by_place(ctx, call);
    const struct function *function = call ? function_of(ctx, call) : NULL;
    if (!function) return (struct expr){ 0 };
    if (function->special == APPROX_PERCENTILE && !digest_call(call->args[1]) && !call->over && !call->agg_filter)
        return digest_percentile_make(ctx, scope, call);
    if (function->special == APPROX_PERCENTILE &&
        (!digest_call(call->args[1]) || (call->agg_filter && digest_call(call->args[1])->agg_filter)))
        return fail_at(ctx, call->location, ERR_UNSUPPORTED,
                       "approx_percentile() is supported as approx_percentile(q, percentile_agg(x) [FILTER (...)])");
    if (function->kind == SCALAR) {
        if (call->over || call->agg_filter || call->agg_distinct || call->n_agg_order > 0)
            return fail_at(ctx, call->location, ERR_SYNTAX, "%s() is not an aggregate or window function",
                           function->name);
        return body_make(ctx, scope, function, call);
    }
    if (function->kind == WINDOW && !call->over)
        return fail_at(ctx, call->location, ERR_SYNTAX, "window function %s() requires an OVER clause", function->name);
    if (!scope->allows_aggregate)
        return fail_at(ctx, call->location, ERR_SYNTAX, "%s functions are not allowed here",
                       call->over ? "window" : "aggregate");
    if (!call->over) {
        if (scope->in_aggregate)
            return fail_at(ctx, call->location, ERR_SYNTAX, "aggregate function calls cannot be nested");
        scope->has_aggregate = true;
    } else {
        scope->has_window = true;
    }
    bool was_in = scope->in_aggregate;
    scope->in_aggregate = !call->over || was_in;
    struct expr value = body_make(ctx, scope, function, call);
    const char *filter = "";
    PgQuery__Node *filtered = value.sql ? filter_of(function, call) : NULL;
    if (filtered) {
        struct expr condition = expr_make(ctx, scope, filtered, QUERY_TYPE_BOOL);
        if (!condition.sql)
            value.sql = NULL;
        else
            filter = arena_printf(ctx->arena, " FILTER (WHERE %s)", condition.sql);
    }
    scope->in_aggregate = was_in;
    if (!value.sql) return value;
    value.is_free = false;
    value.relation = NULL;
    const char *over = "";
    if (call->over) {
        over = window_make(ctx, scope, call->over);
        if (!over) return (struct expr){ 0 };
        over = arena_printf(ctx->arena, " OVER %s", over);
    }
    const char *open, *close;
    around(ctx, function, value.pick, &open, &close);
    value.sql = arena_printf(ctx->arena, "%s%s%s%s%s", open, value.sql, filter, over, close);
    if (function->special == SUM && value.type == QUERY_TYPE_INT8)
        value.sql = arena_printf(ctx->arena, "CAST(%s AS BIGINT)", value.sql);
    if (!call->over) value.sql = cube_aggregate(ctx, scope, call, function->name, filter, value.sql);
    if (strcmp(function->name, "ntile") == 0) value.sql = arena_printf(ctx->arena, "CAST(%s AS INTEGER)", value.sql);
    if (!call->over && !call->agg_distinct && call->n_agg_order == 0) {
        value.fold = fold_of(function->name);
        value.fold_sql = value.sql;
    }
    return value;
}

/* Several lists side by side, the shorter ones filled up with NULL: unnest(a, b), jsonb_each(x). */
static bool lists_rows(struct translate *ctx, struct scope *scope, const struct function *function,
                       const PgQuery__FuncCall *call, bool ordinality, const char **sql, struct output *columns,
                       uint32_t *column_count)
{
    struct expr arguments[FUNCTION_LISTS_MAX] = { 0 };
    bool is_each = function->special == JSON_EACH, is_text = strstr(function->name, "_text") != NULL;
    if (!arguments_make(ctx, scope, function, call, arguments)) return false;
    uint32_t count = is_each ? 2 : (uint32_t)call->n_args;
    const char *select = "", *longest = "";
    for (uint32_t i = 0; i < count; i++) {
        enum query_type type = arguments[is_each ? 0 : i].type;
        const char *list =
            !is_each ? arguments[i].sql
            : i == 0 ? arena_printf(ctx->arena, "mono_json_keys(%s)", arguments[0].sql)
                     : arena_printf(ctx->arena, "mono_json_values%s(%s)", is_text ? "_text" : "", arguments[0].sql);
        columns[i].name = !is_each ? function->name : i == 0 ? "key" : "value";
        columns[i].type = !is_each            ? type_is_list(type) ? type_element(type) : QUERY_TYPE_UNKNOWN
                          : i == 0 || is_text ? QUERY_TYPE_TEXT
                                              : QUERY_TYPE_JSONB;
        select = arena_printf(ctx->arena, "%s%sunnest(%s) AS c%u", select, i ? ", " : "", list, i + 1);
        longest = arena_printf(ctx->arena, "%s%scoalesce(len(%s), 0)", longest, i ? ", " : "", list);
    }
    if (ordinality) {
        columns[count] = (struct output){ .name = "ordinality", .type = QUERY_TYPE_INT8 };
        select = arena_printf(ctx->arena, "%s, unnest(range(1, greatest(%s) + 1)) AS c%u", select, longest, count + 1);
    }
    *column_count = count + ordinality;
    *sql = arena_printf(ctx->arena, "(SELECT %s)", select);
    return true;
}

bool function_rows(struct translate *ctx, struct scope *scope, const PgQuery__FuncCall *call, bool ordinality,
                   const char **sql, struct output *columns, uint32_t *column_count)
{
    call = call_by_place(ctx, call);
    const struct function *function = call ? function_of(ctx, call) : NULL;
    if (!function) return false;
    if (function->kind != SCALAR) {
        fail_at(ctx, call->location, ERR_SYNTAX, "aggregate functions are not allowed in FROM");
        return false;
    }
    enum query_type type;
    const char *list = NULL, *rows = NULL;
    if ((strcmp(function->name, "unnest") == 0 && call->n_args > 1) || function->special == JSON_EACH)
        return lists_rows(ctx, scope, function, call, ordinality, sql, columns, column_count);
    if (strcmp(function->name, "generate_series") == 0 && !ordinality) {
        struct expr arguments[3] = { 0 };
        if (!series_arguments(ctx, scope, call, arguments, &type)) return false;
        rows = arena_printf(ctx->arena, "(SELECT CAST(generate_series AS %s) AS c1 FROM generate_series(%s, %s, %s))",
                            type_duckdb(type), arguments[0].sql, arguments[1].sql, arguments[2].sql);
    } else if (function->special == ROWS) {
        list = rows_list(ctx, scope, function, call, &type);
        if (!list) return false;
    } else if (function->special == KEYWORDS) {
        list = function->sql;
        type = QUERY_TYPE_TEXT;
    } else { /* a function of one value: one row */
        struct expr value = body_make(ctx, scope, function, call);
        if (!value.sql) return false;
        type = value.type;
        list = arena_printf(ctx->arena, "[%s]", value.sql);
    }
    columns[0] = (struct output){ .name = function->special == KEYWORDS ? "word" : function->name, .type = type };
    columns[1] = (struct output){ .name = "ordinality", .type = QUERY_TYPE_INT8 };
    *column_count = ordinality ? 2 : 1;
    if (ordinality) {
        rows = arena_printf(ctx->arena, "(SELECT unnest(%s) AS c1, unnest(range(1, len(%s) + 1)) AS c2)", list, list);
    } else if (rows == NULL) {
        rows = arena_printf(ctx->arena, "(SELECT unnest(%s) AS c1)", list);
    }
    *sql = rows;
    return true;
}
