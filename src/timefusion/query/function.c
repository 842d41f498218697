#include "timefusion/query/catalog.h"
#include "timefusion/query/function_list.h"
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
    default: return QUERY_TYPE_UNKNOWN;
    }
}

/* %1 .. %9 and %* of the arguments; a template without them is a function's name. */
static const char *fill(struct translate *ctx, const char *template, const struct expr *arguments, size_t count)
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
            /* Anything: let the others say first. */
            if (pass == 0 && want == QUERY_TYPE_UNKNOWN && i > 0 && !arguments[0].sql &&
                node_is_untyped(ctx, call->args[i]))
                continue;
            if (want == QUERY_TYPE_UNKNOWN && letter == 'a' && function->special == PLAIN &&
                node_is_untyped(ctx, call->args[i]))
                want = QUERY_TYPE_TEXT;
            arguments[i] = expr_make(ctx, scope, call->args[i], want);
            if (!arguments[i].sql) return false;
            enum query_type type = arguments[i].type;
            if (letter == 't' && type != QUERY_TYPE_TEXT) {
                if (function->special == SUBSTRING || function->special == LENGTH ||
                    strcmp(function->name, "concat_ws") == 0 || type == QUERY_TYPE_UNKNOWN)
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

/* As an argument of a JSON constructor: JSON text must not become a string in it. */
static const char *json_argument(struct translate *ctx, const struct expr *value)
{
    return value->type == QUERY_TYPE_JSONB ? arena_printf(ctx->arena, "CAST(%s AS JSON)", value->sql) : value->sql;
}

static const char *json_arguments(struct translate *ctx, const struct expr *arguments, size_t count, bool has_keys)
{
    const char *sql = "";
    for (size_t i = 0; i < count; i++) {
        const char *value = has_keys && i % 2 == 0 ? arena_printf(ctx->arena, "CAST(%s AS VARCHAR)", arguments[i].sql)
                                                   : json_argument(ctx, &arguments[i]);
        sql = arena_printf(ctx->arena, "%s%s%s", sql, i ? ", " : "", value);
    }
    return sql;
}

/* Whole numbers are compared as such, which is much cheaper than as doubles; between two of them DuckDB gives a double. */
static const char *percentile_over(struct translate *ctx, struct expr value)
{
    return type_is_integer(value.type) ? value.sql : arena_printf(ctx->arena, "CAST(%s AS DOUBLE)", value.sql);
}

static struct expr percentile_make(struct translate *ctx, struct scope *scope, const struct function *function,
                                   const PgQuery__FuncCall *call, struct expr *arguments)
{
    if (!call->agg_within_group || call->n_agg_order != 1)
        return fail_at(ctx, call->location, ERR_SYNTAX, "%s() needs WITHIN GROUP (ORDER BY x)", function->name);
    const PgQuery__SortBy *sort = call->agg_order[0]->sort_by;
    struct expr value = expr_make(ctx, scope, sort->node, QUERY_TYPE_FLOAT8);
    if (!value.sql) return value;
    bool is_descending = sort->sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_DESC;
    if (function->special == MODE)
        return (struct expr){ .sql = arena_printf(ctx->arena, "mode(%s)", value.sql), .type = value.type };
    if (!arguments[0].is_free)
        return fail_at(ctx, call->location, ERR_UNSUPPORTED, "the fraction of %s() must be a constant", function->name);
    bool is_cont = strcmp(function->name, "percentile_cont") == 0, is_list = type_is_list(arguments[0].type);
    bool is_time = value.type >= QUERY_TYPE_DATE && value.type <= QUERY_TYPE_INTERVAL;
    if (value.type == QUERY_TYPE_INTERVAL)
        return fail_at(ctx, call->location, ERR_UNSUPPORTED,
                       "percentiles of intervals are not supported; use extract(epoch from x)");
    const char *fraction = arena_printf(ctx->arena, "CAST(%s AS DOUBLE%s)", arguments[0].sql, is_list ? "[]" : "");
    const char *over = is_cont && !is_time ? percentile_over(ctx, value) : value.sql;
    enum query_type type = is_cont && !is_time ? QUERY_TYPE_FLOAT8 : value.type;
    return (struct expr){ .sql = arena_printf(ctx->arena, "quantile_%s(%s, %s%s%s)", is_cont ? "cont" : "disc", over,
                                              fraction, is_descending ? " ORDER BY " : "",
                                              is_descending ? arena_printf(ctx->arena, "%s DESC", over) : ""),
                          .type = is_list && type != QUERY_TYPE_UNKNOWN ? type_list_of(type) : type };
}

/* approx_percentile(q, percentile_agg(x)): exact here, and faster than DuckDB's approximate one. */
static struct expr approx_percentile_make(struct translate *ctx, struct scope *scope, const PgQuery__FuncCall *call)
{
    const PgQuery__Node *inner = call->args[1];
    const char *name = inner->node_case == PG_QUERY__NODE__NODE_FUNC_CALL && inner->func_call->n_funcname > 0
                           ? node_text(inner->func_call->funcname[inner->func_call->n_funcname - 1])
                           : NULL;
    if (!name || strcmp(name, "percentile_agg") != 0 || inner->func_call->n_args != 1 || inner->func_call->over ||
        inner->func_call->agg_distinct || inner->func_call->n_agg_order > 0 ||
        (inner->func_call->agg_filter && call->agg_filter))
        return fail_at(ctx, call->location, ERR_UNSUPPORTED,
                       "approx_percentile() is supported as approx_percentile(q, percentile_agg(x) [FILTER (...)])");
    struct expr fraction = expr_make(ctx, scope, call->args[0], QUERY_TYPE_FLOAT8);
    if (!fraction.sql) return fraction;
    if (!fraction.is_free)
        return fail_at(ctx, call->location, ERR_UNSUPPORTED, "the fraction of approx_percentile() must be a constant");
    scope->in_aggregate = true;
    struct expr value = expr_make(ctx, scope, inner->func_call->args[0], QUERY_TYPE_FLOAT8);
    scope->in_aggregate = false;
    if (!value.sql) return value;
    return (struct expr){ .sql = arena_printf(ctx->arena, "quantile_cont(%s, CAST(%s AS DOUBLE))",
                                              percentile_over(ctx, value), fraction.sql),
                          .type = QUERY_TYPE_FLOAT8 };
}

/* Patterns of to_char for times, as strftime has them; what it lacks is refused. */
static struct expr to_char_make(struct translate *ctx, struct expr *arguments, int location)
{
    static const struct {
        const char *from, *to;
    } patterns[] = { { "YYYY", "%Y" }, { "YY", "%y" },  { "MM", "%m" }, { "DD", "%d" },  { "HH24", "%H" },
                     { "HH12", "%I" }, { "HH", "%I" },  { "MI", "%M" }, { "SS", "%S" },  { "US", "%f" },
                     { "MS", "%g" },   { "AM", "%p" },  { "PM", "%p" }, { "Mon", "%b" }, { "Month", "%B" },
                     { "Dy", "%a" },   { "DDD", "%j" }, { "TZ", "%Z" } };
    enum query_type type = arguments[0].type;
    if (type < QUERY_TYPE_DATE || type > QUERY_TYPE_TIMESTAMPTZ || type == QUERY_TYPE_TIME)
        return fail_at(ctx, location, ERR_UNSUPPORTED,
                       "to_char() is supported for times only; use round() and a cast for numbers");
    if (!arguments[1].literal)
        return fail_at(ctx, location, ERR_UNSUPPORTED, "to_char() needs its pattern as a constant");
    char out[256], *to = out;
    for (const char *at = arguments[1].literal; *at && to < out + sizeof out - 8;) {
        size_t best = SIZE_MAX;
        for (size_t i = 0; i < COUNT_OF(patterns); i++)
            if (strncmp(at, patterns[i].from, strlen(patterns[i].from)) == 0 &&
                (best == SIZE_MAX || strlen(patterns[i].from) > strlen(patterns[best].from)))
                best = i;
        if (best != SIZE_MAX) {
            to = stpcpy(to, patterns[best].to);
            at += strlen(patterns[best].from);
        } else if (*at == '"') {
            for (at++; *at && *at != '"' && to < out + sizeof out - 8; at++) *to++ = *at;
            if (*at) at++;
        } else if ((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z')) {
            if (*at != 'T')
                return fail_at(ctx, location, ERR_UNSUPPORTED, "to_char() pattern \"%.20s\" is not supported", at);
            *to++ = *at++;
        } else {
            if (*at == '%') *to++ = '%';
            *to++ = *at++;
        }
    }
    return (struct expr){ .sql = arena_printf(ctx->arena, "strftime(%s, %s)", arguments[0].sql,
                                              quote_text(ctx, bytes_from(out, (size_t)(to - out)))),
                          .type = QUERY_TYPE_TEXT,
                          .is_free = arguments[0].is_free };
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
    struct expr arguments[3] = { 0 };
    if (strcmp(function->name, "generate_series") == 0)
        return series_arguments(ctx, scope, call, arguments, type) ? series_list(ctx, arguments, *type) : NULL;
    if (!arguments_make(ctx, scope, function, call, arguments)) return NULL;
    if (strcmp(function->name, "unnest") == 0) {
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
    if (!function) {
        const char *hint = function_hint(name);
        fail_at(ctx, call->location, ERR_NO_FUNCTION, "function %.60s() does not exist here; %s", name,
                hint ? hint : "docs/sql.md lists those that do");
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

static struct expr body_make(struct translate *ctx, struct scope *scope, const struct function *function,
                             const PgQuery__FuncCall *call)
{
    struct expr *arguments = arena_calloc(ctx->arena, (call->n_args + 1) * sizeof *arguments);
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
    const char *distinct = call->agg_distinct ? "DISTINCT " : "";
    const char *target = function->sql ? function->sql : function->name;
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
    case TO_CHAR: return to_char_make(ctx, arguments, call->location);
    case AGE:
        value.sql = count == 2 ? arena_printf(ctx->arena, "age(%s, %s)", arguments[0].sql, arguments[1].sql)
                               : arena_printf(ctx->arena, "age(date_trunc('day', %s), %s)", mark(ctx, 'N', 0),
                                              arguments[0].sql);
        return value;
    case TIMEZONE:
        if (arguments[0].type == QUERY_TYPE_INTERVAL)
            return fail_at(ctx, call->location, ERR_UNSUPPORTED, "AT TIME ZONE needs the name of a zone");
        value.type = arguments[1].type == QUERY_TYPE_TIMESTAMPTZ ? QUERY_TYPE_TIMESTAMP : QUERY_TYPE_TIMESTAMPTZ;
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
        value.sql = fill(ctx, target, arguments, count);
        value.type = QUERY_TYPE_UNKNOWN;
        return value;
    case LENGTH: value.sql = arena_printf(ctx->arena, "CAST(length(%s) AS INTEGER)", arguments[0].sql); return value;
    case SUBSTRING:
        if (count == 2 && call->args[1]->node_case == PG_QUERY__NODE__NODE_A_CONST &&
            arguments[1].type == QUERY_TYPE_TEXT)
            return fail_at(ctx, call->location, ERR_UNSUPPORTED,
                           "substring(x from pattern) is not supported; use regexp_substr()");
        /* A start before the text takes from the length, as in SQL; DuckDB would count from the end. */
        if (count == 2)
            value.sql = arena_printf(ctx->arena, "substring(%s, greatest(%s, 1))", arguments[0].sql, arguments[1].sql);
        else
            value.sql = arena_printf(ctx->arena, "substring(%s, greatest(%s, 1), greatest(%s + least(%s, 1) - 1, 0))",
                                     arguments[0].sql, arguments[1].sql, arguments[2].sql, arguments[1].sql);
        return value;
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
    case REGEXP_REPLACE:
        if (count == 4 && !arguments[3].literal)
            return fail_at(ctx, call->location, ERR_UNSUPPORTED, "the flags of regexp_replace() must be a constant");
        value.sql = fill(ctx, target, arguments, count);
        return value;
    case ROUND:
        if (count == 2)
            value.type = QUERY_TYPE_UNKNOWN;
        else if (type_is_integer(first))
            value.type = QUERY_TYPE_FLOAT8;
        else if (first == QUERY_TYPE_NUMERIC || first == QUERY_TYPE_UNKNOWN)
            value.type = QUERY_TYPE_UNKNOWN;
        if (type_is_integer(first)) arguments[0] = expr_cast(ctx, arguments[0], QUERY_TYPE_FLOAT8);
        if (count == 2 && !arguments[1].is_free)
            return fail_at(ctx, call->location, ERR_UNSUPPORTED, "the digits of round() must be a constant");
        if (strcmp(function->name, "round") == 0 && count == 1 && value.type == QUERY_TYPE_FLOAT8)
            value.sql = arena_printf(ctx->arena, "round_even(%s, 0)", arguments[0].sql);
        else
            value.sql = fill(ctx, target, arguments, count);
        return value;
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
    case JSON_AGG:
        value.sql = arena_printf(ctx->arena, "CAST(to_json(array_agg(%s%s%s)) AS VARCHAR)", distinct,
                                 json_argument(ctx, &arguments[0]), order);
        if (call->over || call->agg_filter)
            return fail_at(ctx, call->location, ERR_UNSUPPORTED,
                           "%s() with FILTER or OVER is not supported; use array_agg()", function->name);
        return value;
    case JSON_OBJECT:
        if (count % 2)
            return fail_at(ctx, call->location, ERR_INPUT, "%s() needs pairs of key and value", function->name);
        value.sql =
            arena_printf(ctx->arena, "CAST(json_object(%s) AS VARCHAR)", json_arguments(ctx, arguments, count, true));
        return value;
    case JSON_ARRAY:
        value.sql =
            arena_printf(ctx->arena, "CAST(json_array(%s) AS VARCHAR)", json_arguments(ctx, arguments, count, false));
        return value;
    case TO_JSON:
        value.sql = arena_printf(ctx->arena, "CAST(to_json(%s) AS VARCHAR)", json_argument(ctx, &arguments[0]));
        return value;
    case JSON_PATH: {
        bool is_text = strstr(function->name, "_text") != NULL;
        value.sql = arena_printf(ctx->arena, "mono_json_path%s(%s, [", is_text ? "_text" : "", arguments[0].sql);
        for (size_t i = 1; i < count; i++)
            value.sql =
                arena_printf(ctx->arena, "%s%sCAST(%s AS VARCHAR)", value.sql, i > 1 ? ", " : "", arguments[i].sql);
        value.sql = arena_printf(ctx->arena, "%s])", value.sql);
        return value;
    }
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
    value.sql = fill(ctx, target, arguments, count);
    return value;
}

/* The aggregate that puts an aggregate's parts together, NULL: there is none. */
static const char *fold_of(const char *name)
{
    if (strcmp(name, "count") == 0 || strcmp(name, "sum") == 0) return "sum";
    if (strcmp(name, "min") == 0) return "min";
    return strcmp(name, "max") == 0 ? "max" : NULL;
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
    const struct function *function = function_of(ctx, call);
    if (!function) return (struct expr){ 0 };
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
    value.sql = arena_printf(ctx->arena, "%s%s%s", value.sql, filter, over);
    if (function->special == SUM && value.type == QUERY_TYPE_INT8)
        value.sql = arena_printf(ctx->arena, "CAST(%s AS BIGINT)", value.sql);
    if (strcmp(function->name, "ntile") == 0) value.sql = arena_printf(ctx->arena, "CAST(%s AS INTEGER)", value.sql);
    if (!call->over && !call->agg_distinct && call->n_agg_order == 0) {
        value.fold = fold_of(function->name);
        value.fold_sql = value.sql;
    }
    return value;
}

bool function_rows(struct translate *ctx, struct scope *scope, const PgQuery__FuncCall *call, bool ordinality,
                   const char **sql, struct output *columns, uint32_t *column_count)
{
    const struct function *function = function_of(ctx, call);
    if (!function) return false;
    if (function->kind != SCALAR) {
        fail_at(ctx, call->location, ERR_SYNTAX, "aggregate functions are not allowed in FROM");
        return false;
    }
    enum query_type type;
    const char *list = NULL, *rows = NULL;
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
