/* Which selects can be answered from cubes (cube.h). Of such a select the plan has it as it was written; its aggregates stand
 * in it as marks, which are rendered either over rows, or over a relation that has a line for each row and for each group of
 * rows of a cube: t_n rows, t_c of them with a duration, t_s their sum, t_l and t_h the least and the greatest.
 *
 *   count(*)                  -> sum(t_n)            sum(duration) -> sum(t_s)
 *   approx_percentile of duration -> of t_d, rows in steps
 *   approx_count_distinct(user)  -> of t_u<its column>, sketches
 *   log_step(duration)           -> of t_d under the duration's name
 *   count(x), x of the keys   -> sum(t_n) FILTER     min(x), count(DISTINCT x): as they are, for a group counts as one row
 *
 * All else that the select names must be a key of the cubes, or a time in steps of whole minutes. In doubt it is none. */
#include "timefusion/query/cube.h"
#include "timefusion/query/translate.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- aggregates ---- */

static const char *aggregate_mark(struct translate *ctx, const char *plain, const char *cubed)
{
    struct plan *plan = ctx->plan;
    for (uint32_t a = 0; a < plan->aggregate_count; a++)
        if (strcmp(plan->aggregates[a].plain, plain) == 0) return mark(ctx, 'A', a);
    if (plan->aggregate_count == plan->aggregate_cap) {
        uint32_t cap = plan->aggregate_cap ? 2 * plan->aggregate_cap : 8;
        struct plan_aggregate *more = arena_alloc(ctx->arena, cap * sizeof *more);
        if (plan->aggregate_count > 0) memcpy(more, plan->aggregates, plan->aggregate_count * sizeof *more);
        plan->aggregates = more;
        plan->aggregate_cap = cap;
    }
    plan->aggregates[plan->aggregate_count] = (struct plan_aggregate){ plain, cubed };
    return mark(ctx, 'A', plan->aggregate_count++);
}

static bool is_duration(const struct expr *value, const struct relation *relation)
{
    return value->relation == relation && strcmp(relation->schema->columns[value->column].name, CUBE_MEASURE) == 0;
}

static const char *measure_put(struct translate *ctx, const char *name, uint32_t id, const char *filter)
{
    struct arena *arena = ctx->arena;
    if (strcmp(name, "sum") == 0) return arena_printf(arena, "sum(r%u.t_s)%s", id, filter);
    if (strcmp(name, "min") == 0) return arena_printf(arena, "min(r%u.t_l)%s", id, filter);
    if (strcmp(name, "max") == 0) return arena_printf(arena, "max(r%u.t_h)%s", id, filter);
    if (strcmp(name, "count") == 0)
        return arena_printf(arena, "CAST(coalesce(sum(r%u.t_c)%s, 0) AS BIGINT)", id, filter);
    if (strcmp(name, "avg") == 0)
        return arena_printf(arena, "(CAST(sum(r%u.t_s)%s AS DOUBLE) / sum(r%u.t_c)%s)", id, filter, id, filter);
    return NULL;
}

/* list_extract(mono_percentiles(r1.k<duration>, CAST(1 AS BIGINT), [...]) ... (function_percentile.c), of steps and their rows. */
#define STEPPED "list_extract(mono_percentiles("
static const char *stepped_put(struct translate *ctx, const char *plain, uint32_t id)
{
    const char *rest = strstr(plain, ", CAST(1 AS BIGINT), ");
    assert(rest);
    return arena_printf(ctx->arena, STEPPED "r%u.t_d, r%u.t_n, %s", id, id, rest + strlen(", CAST(1 AS BIGINT), "));
}

/* mono_distinct(mono_sketch(r1.k<column>)), of sketches; any other value: as it is, for a group counts as one row. */
#define DISTINCT "mono_distinct("
static const char *distinct_put(struct translate *ctx, const struct relation *relation, const char *plain,
                                const char *filter)
{
    unsigned id, column;
    int end = 0;
    if (sscanf(plain, DISTINCT "mono_sketch(r%u.k%u))%n", &id, &column, &end) != 2 || end == 0 || id != relation->id ||
        strcmp(plain + end, filter) != 0 || !cube_has_sketch(relation->schema->columns[column].name))
        return plain;
    return arena_printf(ctx->arena, DISTINCT "r%u.t_u%u)%s", id, column, filter);
}

static bool is_one_of_values(const char *name) /* the same of a value however often it comes */
{
    return strcmp(name, "min") == 0 || strcmp(name, "max") == 0 || strcmp(name, "bool_and") == 0 ||
           strcmp(name, "bool_or") == 0 || strcmp(name, "every") == 0;
}

const char *cube_aggregate(struct translate *ctx, struct scope *scope, const PgQuery__FuncCall *call, const char *name,
                           const char *filter, const char *plain)
{
    const struct relation *relation = scope->relation_count == 1 ? scope->relations[0] : NULL;
    if (!relation || relation->table < 0 || relation->schema->id != SCHEMA_LOGS_AND_SPANS) return plain;
    bool is_ordered = call->n_agg_order > 0 || call->agg_within_group;
    if (call->agg_star)
        return aggregate_mark(ctx, plain,
                              arena_printf(ctx->arena, "CAST(coalesce(sum(r%u.t_n)%s, 0) AS BIGINT)", relation->id,
                                           filter));
    if (strncmp(plain, STEPPED, strlen(STEPPED)) == 0)
        return aggregate_mark(ctx, plain, stepped_put(ctx, plain, relation->id));
    if (strncmp(plain, DISTINCT, strlen(DISTINCT)) == 0)
        return aggregate_mark(ctx, plain, distinct_put(ctx, relation, plain, filter));
    if (call->n_args != 1 || is_ordered || node_is_row(call->args[0])) return aggregate_mark(ctx, plain, NULL);
    if (call->agg_distinct) return aggregate_mark(ctx, plain, strcmp(name, "count") == 0 ? plain : NULL);
    bool was_in = scope->in_aggregate;
    scope->in_aggregate = true;
    struct expr value = expr_make(ctx, scope, call->args[0], QUERY_TYPE_UNKNOWN);
    scope->in_aggregate = was_in;
    if (!value.sql) return plain; /* told */
    if (is_duration(&value, relation)) {
        if (strcmp(name, "avg") == 0) /* by the same division from either */
            plain = arena_printf(ctx->arena, "(CAST(sum(%s)%s AS DOUBLE) / count(%s)%s)", value.sql, filter, value.sql,
                                 filter);
        return aggregate_mark(ctx, plain, measure_put(ctx, name, relation->id, filter));
    }
    if (is_one_of_values(name)) return aggregate_mark(ctx, plain, plain);
    if (strcmp(name, "count") != 0) return aggregate_mark(ctx, plain, NULL);
    const char *rest = filter[0] ? filter + strlen(" FILTER (WHERE ") : ""; /* condition and closing parenthesis */
    return aggregate_mark(
        ctx, plain,
        filter[0]
            ? arena_printf(ctx->arena,
                           "CAST(coalesce(sum(r%u.t_n) FILTER (WHERE (%s) IS NOT NULL AND (%s), 0) AS BIGINT)",
                           relation->id, value.sql, rest)
            : arena_printf(ctx->arena, "CAST(coalesce(sum(r%u.t_n) FILTER (WHERE (%s) IS NOT NULL), 0) AS BIGINT)",
                           relation->id, value.sql));
}

/* ---- what a select names ---- */

struct scan {
    const struct plan *plan;
    const struct relation *relation;
    struct plan_cube *cube;
};

static bool ends_with(const char *begin, const char *end, const char *text)
{
    size_t len = strlen(text);
    return (size_t)(end - begin) >= len && memcmp(end - len, text, len) == 0;
}

/* A whole number of minutes at *at; behind it close. *step_us becomes what divides it too. */
static bool minutes_take(const char **at, const char *open, const char *close, bool may_be_none, int64_t *step_us)
{
    if (strncmp(*at, open, strlen(open)) != 0) return false;
    char *end;
    long long number = strtoll(*at + strlen(open), &end, 10);
    if (number % CUBE_MINUTE_US != 0 || (number <= 0 && !may_be_none) || strncmp(end, close, strlen(close)) != 0)
        return false;
    *at = end + strlen(close);
    for (int64_t rest = number < 0 ? -number : number; rest != 0;) { /* what divides both */
        int64_t next = *step_us % rest;
        *step_us = rest;
        rest = next;
    }
    return true;
}

/* Is a time, named at [from, to) of sql, only asked in steps that begin at whole minutes? By the forms that operator.c and
 * function_time.c write. */
static bool is_by_minutes(const char *sql, const char *from, const char *to, int64_t *step_us)
{
    static const char *const units[] = { "minute", "hour", "day", "week", "month", "quarter", "year" };
    if (ends_with(sql, from, "mono_bucket("))
        return minutes_take(&to, ", CAST(", " AS BIGINT)", true, step_us) &&
               minutes_take(&to, ", CAST(", " AS BIGINT))", false, step_us);
    if (ends_with(sql, from, "(epoch_us(") && (minutes_take(&to, ") / CAST(", " AS BIGINT))", false, step_us) ||
                                               minutes_take(&to, ") / ", ")", false, step_us)))
        return true;
    for (size_t u = 0; u < COUNT_OF(units); u++) {
        char open[40];
        snprintf(open, sizeof open, "date_trunc('%s', ", units[u]);
        if (!ends_with(sql, from, open) || *to != ')') continue;
        *step_us = CUBE_MINUTE_US; /* zones are not whole hours from UTC */
        return true;
    }
    return false;
}

static bool column_take(struct scan *scan, const char *sql, const char *from, const char *to, uint32_t column)
{
    const struct schema_table *schema = scan->relation->schema;
    if (column == schema->timestamp) {
        if (scan->cube->step_us == 0) scan->cube->step_us = CUBE_QUARTER_US;
        return is_by_minutes(sql, from, to, &scan->cube->step_us);
    }
    if (strcmp(schema->columns[column].name, CUBE_MEASURE) == 0) {
        static const char null[] = " IS NOT NULL";
        bool is_stepped = ends_with(sql, from, "mono_log_step(CAST(") && strncmp(to, " AS BIGINT))", 12) == 0;
        if (!is_stepped && strncmp(to, null, sizeof null - 1) != 0) return false;
        return scan->cube->has_steps = scan->cube->names_steps = true;
    }
    if (!cube_has_key(schema->columns[column].name)) return false;
    column_set_add(&scan->cube->keys, column);
    return true;
}

/* r<id>.k<column>, r<id>.t_<letter>, r<id>.t_u<column>; of the select's relation alone. */
static bool name_take(struct scan *scan, const char *sql, const char **at)
{
    const char *from = *at;
    char *end;
    unsigned long id = strtoul(from + 1, &end, 10);
    if (*end != '.') {
        *at = end;
        return true;
    }
    if (id != scan->relation->id) return false;
    if (end[1] == 't' && end[2] == '_') {
        scan->cube->has_steps = scan->cube->has_steps || end[3] == 'd';
        scan->cube->has_measure = scan->cube->has_measure || !strchr("ndu", end[3]);
        if (end[3] == 'u') column_set_add(&scan->cube->sketches, (uint32_t)strtoul(end + 4, NULL, 10));
        *at = end + 4;
        return true;
    }
    if (end[1] != 'k' || !isdigit((unsigned char)end[2])) return false;
    unsigned long column = strtoul(end + 2, &end, 10);
    *at = end;
    return column < scan->relation->schema->column_count && column_take(scan, sql, from, end, (uint32_t)column);
}

/* Is all that the template names, aggregates over cubes, known to them? Texts in quotes name nothing. */
static bool is_known(struct scan *scan, const char *sql)
{
    for (const char *at = sql; *at;) {
        bool is_word = at > sql && (isalnum((unsigned char)at[-1]) || at[-1] == '_');
        if (*at == '\'') {
            for (at++; *at && !(at[0] == '\'' && at[1] != '\''); at++) at += at[0] == '\'';
            at += *at == '\'';
        } else if (*at == MARK_OPEN[0]) {
            char *end;
            unsigned long number = strtoul(at + 2, &end, 10);
            if (at[1] == 'A' &&
                (!scan->plan->aggregates[number].cubed || !is_known(scan, scan->plan->aggregates[number].cubed)))
                return false;
            if (!strchr("PLiINSUBA", at[1])) return false;
            at = end + 1;
        } else if (!is_word && *at == 'r' && isdigit((unsigned char)at[1])) {
            if (!name_take(scan, sql, &at)) return false;
        } else if (!is_word && (strncmp(at, "random", 6) == 0 || strncmp(at, "uuid", 4) == 0 ||
                                strncmp(at, "gen_random", 10) == 0)) {
            return false; /* another for each row */
        } else {
            at++;
        }
    }
    return true;
}

static const char *piece(struct translate *ctx, const struct text *text, size_t from, size_t to)
{
    return arena_printf(ctx->arena, "%.*s", (int)(to - from), (const char *)text->buf.ptr + from);
}

int cube_note(struct translate *ctx, struct scope *scope, const PgQuery__SelectStmt *select, size_t begin,
              const size_t ends[4], const struct text *text)
{
    struct plan *plan = ctx->plan;
    if (ctx->err->code != ERR_OK || !text->buf.ptr || !fold_is_alone(scope) || scope->has_rows_function ||
        select->n_from_clause != 1 || plan->cube_count == PLAN_CUBES_MAX)
        return -1;
    bool has_groups = scope->has_aggregate || select->n_group_clause > 0;
    const struct relation *relation = scope->relations[0];
    uint32_t table = (uint32_t)relation->table;
    if (!has_groups || relation->schema->id != SCHEMA_LOGS_AND_SPANS || plan->tables[table].source == PLAN_METRICS)
        return -1;
    const char *rest = select->where_clause ? fold_rest(ctx, scope, select->where_clause) : "";
    if (!rest) return -1;
    struct plan_cube *cube = &plan->cubes[plan->cube_count];
    *cube = (struct plan_cube){ .table = table, .fold = -1 };
    struct scan scan = { plan, relation, cube };
    const char *const pieces[] = { rest, piece(ctx, text, begin, ends[0]), piece(ctx, text, ends[2], text->buf.len) };
    for (size_t i = 0; i < COUNT_OF(pieces); i++)
        if (!is_known(&scan, pieces[i])) return -1;
    cube->whole = piece(ctx, text, begin, text->buf.len);
    return (int)plan->cube_count++;
}
