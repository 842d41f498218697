/* Type modifiers: varchar(20), char(3), numeric(10,2), timestamp(3), and arrays of them.
 *
 *   TypeName --form_of_node--> struct query_form (on its way to RowDescription) --form_put--> SQL that cuts and rounds
 *
 * Source: PostgreSQL 15, src/backend/utils/adt: varchar.c, numeric.c, timestamp.c (AdjustTimestampForTypmod), date.c. */
#include "timefusion/query/catalog.h"
#include "timefusion/query/translate.h"
#include <string.h>

#define TEXT_MAX   10485760 /* MaxAttrSize */
#define DIGITS_MAX 38       /* of DuckDB's DECIMAL */
#define HEADER     4        /* VARHDRSZ, part of the modifiers of texts and numerics */
#define MICROS_MAX 6

static bool has_precision(enum query_type type)
{
    return type == QUERY_TYPE_TIME || type == QUERY_TYPE_TIMESTAMP || type == QUERY_TYPE_TIMESTAMPTZ;
}

static struct query_form form_of(enum query_text text, int modifier)
{
    return (struct query_form){ text, (uint32_t)modifier + 1 };
}

/* The numbers in the brackets; false: something else stands there. */
static bool numbers_of(struct translate *ctx, const PgQuery__TypeName *type, int numbers[2])
{
    if (type->n_typmods > 2) return fail_at(ctx, type->location, ERR_INPUT, "invalid type modifier").sql;
    for (size_t i = 0; i < type->n_typmods; i++) {
        const PgQuery__Node *node = type->typmods[i];
        if (node->node_case != PG_QUERY__NODE__NODE_A_CONST || node->a_const->val_case != PG_QUERY__A__CONST__VAL_IVAL)
            return fail_at(ctx, type->location, ERR_INPUT, "type modifiers must be simple constants").sql;
        numbers[i] = node->a_const->ival->ival;
    }
    return true;
}

static bool no_modifier(struct translate *ctx, const PgQuery__TypeName *type, enum query_type element)
{
    return type->n_typmods == 0 ||
           fail_at(ctx, type->location, ERR_SYNTAX, "type modifier is not allowed for type \"%s\"", type_name(element))
               .sql;
}

static bool text_form(struct translate *ctx, const PgQuery__TypeName *type, const int numbers[2],
                      struct query_form *form)
{
    const char *name = node_text(type->names[type->n_names - 1]);
    bool is_varchar = strcmp(name, "varchar") == 0, is_char = strcmp(name, "bpchar") == 0;
    if (!is_varchar && !is_char) return no_modifier(ctx, type, QUERY_TYPE_TEXT);
    form->text = is_varchar ? QUERY_TEXT_VARCHAR : QUERY_TEXT_BPCHAR;
    if (type->n_typmods == 0) return true;
    if (type->n_typmods != 1) return fail_at(ctx, type->location, ERR_INPUT, "invalid type modifier").sql;
    if (numbers[0] < 1)
        return fail_at(ctx, type->location, ERR_INPUT, "length for type %s must be at least 1",
                       is_varchar ? "varchar" : "char")
            .sql;
    if (numbers[0] > TEXT_MAX)
        return fail_at(ctx, type->location, ERR_INPUT, "length for type %s cannot exceed %d",
                       is_varchar ? "varchar" : "char", TEXT_MAX)
            .sql;
    *form = form_of(form->text, numbers[0] + HEADER);
    return true;
}

static bool numeric_form(struct translate *ctx, const PgQuery__TypeName *type, const int numbers[2],
                         struct query_form *form)
{
    int precision = numbers[0], scale = type->n_typmods == 2 ? numbers[1] : 0;
    if (type->n_typmods == 0) return true;
    if (precision < 1 || precision > DIGITS_MAX)
        return fail_at(ctx, type->location, ERR_INPUT, "numeric precision must be between 1 and %d", DIGITS_MAX).sql;
    if (scale < 0 || scale > precision)
        return fail_at(ctx, type->location, ERR_UNSUPPORTED, "numeric scale must be between 0 and its precision %d",
                       precision)
            .sql;
    *form = form_of(QUERY_TEXT, (precision << 16 | scale) + HEADER);
    return true;
}

bool form_of_node(struct translate *ctx, const PgQuery__TypeName *type, enum query_type found, struct query_form *form)
{
    int numbers[2] = { -1, -1 };
    enum query_type element = type_element(found);
    *form = (struct query_form){ 0 };
    if (element == QUERY_TYPE_INTERVAL || type_is_oid(element)) return true; /* its fields: expr.c */
    if (!numbers_of(ctx, type, numbers)) return false;
    if (element == QUERY_TYPE_TEXT) return text_form(ctx, type, numbers, form);
    if (element == QUERY_TYPE_NUMERIC) return numeric_form(ctx, type, numbers, form);
    if (type->n_typmods == 0) return true;
    if (!has_precision(element) || type->n_typmods != 1) return no_modifier(ctx, type, element);
    *form = form_of(QUERY_TEXT, numbers[0] > MICROS_MAX ? MICROS_MAX : numbers[0]);
    return true;
}

/* To the nearest of 10^-digits seconds, halves away from 2000-01-01, which PostgreSQL counts from. */
static const char *time_rounded(struct translate *ctx, const char *sql, enum query_type type, int digits)
{
    int step = 1;
    for (int d = digits; d < MICROS_MAX; d++) step *= 10;
    if (step == 1) return sql;
    if (type == QUERY_TYPE_TIME)
        return arena_printf(ctx->arena, "(TIME '00:00:00' + to_microseconds((epoch_us(%s) + %d) // %d * %d))", sql,
                            step / 2, step, step);
    const char *made = type == QUERY_TYPE_TIMESTAMP ? "make_timestamp" : "make_timestamptz";
    const char *us = arena_printf(ctx->arena,
                                  "(epoch_us(%s) - 946684800000000 + CASE WHEN epoch_us(%s) < 946684800000000 THEN %d "
                                  "ELSE %d END)",
                                  sql, sql, -(step / 2), step / 2); /* // cuts towards zero */
    return arena_printf(ctx->arena, "(CASE WHEN isfinite(%s) THEN %s(%s // %d * %d + 946684800000000) ELSE %s END)",
                        sql, made, us, step, step, sql);
}

static const char *element_put(struct translate *ctx, const char *sql, enum query_type type, struct query_form form)
{
    int modifier = (int)form.modifier - 1;
    if (form.text == QUERY_TEXT_VARCHAR) return arena_printf(ctx->arena, "left(%s, %d)", sql, modifier - HEADER);
    if (form.text == QUERY_TEXT_BPCHAR) /* blanks at its end count for nothing: they are added where it is shown */
        return arena_printf(ctx->arena, "rtrim(left(%s, %d), ' ')", sql, modifier - HEADER);
    if (type == QUERY_TYPE_NUMERIC)
        return arena_printf(ctx->arena, "CAST(%s AS DECIMAL(%d,%d))", sql, (modifier - HEADER) >> 16,
                            (modifier - HEADER) & 0xFFFF);
    return time_rounded(ctx, sql, type, modifier);
}

struct expr form_put(struct translate *ctx, struct expr value, struct query_form form)
{
    value.form = form;
    if (!value.sql || form.modifier == 0) return value;
    value.sql = type_is_list(value.type) ? arena_printf(ctx->arena, "list_transform(%s, lambda e: %s)", value.sql,
                                                        element_put(ctx, "e", type_element(value.type), form))
                                         : element_put(ctx, value.sql, value.type, form);
    value.literal = NULL;
    value.relation = NULL;
    value.micros = value.whole = NULL;
    return value;
}
