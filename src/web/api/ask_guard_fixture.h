/* ask_guard_fixture.h -- a project whose names are attacks, and what may be run of a plan; for the tests of the guard. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "timefusion/query/plan.h"
#include "web/api/ask_plan.h"
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) /* many times as slow: the release build asks all */
enum { ROUNDS = 1000 };
#else
enum { ROUNDS = 10000 };
#endif

/* What has been used against builders of SQL, and what this gate refuses; none of it may reach the text of a statement. */
static const char *const attacks[] = {
    "'; DELETE FROM otel_logs_and_spans; --",
    "' OR '1'='1",
    "x' UNION SELECT * FROM otel_metrics --",
    "\"; VACUUM; --",
    "$1",
    "$99",
    "$$x$$",
    "\\'; FLUSH",
    "read_parquet('/etc/passwd')",
    "pg_read_file('/etc/passwd')",
    "project_id = '00000000-0000-4000-8000-000000000000'",
    "lower(upper(md5(repeat('a', 1000000))))",
    "copy otel_logs_and_spans to '/tmp/x'",
    "information_schema.tables",
    "set_config('project', 'other', false)",
    "\x01P1\x02",
    "%' ESCAPE '%",
    "E'\\x27'",
    "U&'\\0027'",
    "/* */",
    "--",
    "); SELECT 1",
    "attributes->>'x' = 'y'",
    "\xE2\x80\xAE"
    "drop",
    "0x27",
    "1e999",
    "NULL",
    "true",
    "other-tenant",
    "\xC2\xA0OR\xC2\xA0"
    "1=1",
    "{{7*7}}",
};
static const char *const words[] = {
    "requests", "errors", "logs",    "traces",      "queries",  "users",     "of",      "web",    "payments",
    "by",       "route",  "service", "per",         "hour",     "yesterday", "today",   "last",   "7",
    "days",     "p95",    "average", "top",         "5",        "slowest",   "with",    "status", "500",
    "where",    "user",   "region",  "containing",  "compared", "the",       "day",     "before", "not",
    "staging",  "how",    "many",    "error",       "rate",     "chart",     "and",     "or",     "level",
    "is",       "over",   "1s",      "order.items", "version",  "1.5.0",     "between", "2",      "4",
    "pm",       "since",  "Monday",  "message",     "host",     "database",  "failed",
};

struct world {
    struct arena arena;
    struct zone *zone;
    uint64_t seed;
    struct bytes services[6];
    struct ask_field attributes[4];
    struct ask_value values[8];
    struct ask_catalog catalog;
    struct bytes hostile[16]; /* what may stand in no statement */
    uint32_t hostile_count;
    uint32_t understood, refused, edited;
};

static inline uint32_t draw(struct world *world, uint32_t below)
{
    world->seed = world->seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(world->seed >> 33) % below;
}

/* An attack, a piece of one, or two, with a mark that no word of ours has. */
static inline struct bytes hostile_text(struct world *world)
{
    const char *a = attacks[draw(world, COUNT_OF(attacks))], *b = attacks[draw(world, COUNT_OF(attacks))];
    const char *text = draw(world, 3) == 0 ? arena_printf(&world->arena, "zq%u%s%s", draw(world, 1000), a, b)
                                           : arena_printf(&world->arena, "zq%u%s", draw(world, 1000), a);
    struct bytes made = bytes_of_text(text);
    if (world->hostile_count < COUNT_OF(world->hostile)) world->hostile[world->hostile_count++] = made;
    return made;
}

static inline void world_make(struct world *world)
{
    arena_reset(&world->arena);
    world->hostile_count = 0;
    world->services[0] = BYTES("web");
    world->services[1] = BYTES("payments");
    for (int s = 2; s < 6; s++) world->services[s] = hostile_text(world);
    world->attributes[0] = (struct ask_field){ ASK_FIELD_ATTRIBUTE, BYTES("cloud.region") };
    world->attributes[1] = (struct ask_field){ ASK_FIELD_ATTRIBUTE, BYTES("order.items") };
    world->attributes[2] =
        (struct ask_field){ ASK_FIELD_RESOURCE, BYTES("or1=1.union-select_--") }; /* plain, and no SQL */
    world->attributes[2].key = BYTES("or-1.union--select__drop");
    world->attributes[3] = (struct ask_field){ ASK_FIELD_ATTRIBUTE, BYTES("project_id") };
    static const enum ask_field_id ids[] = { ASK_FIELD_ENVIRONMENT, ASK_FIELD_VERSION,  ASK_FIELD_ROUTE, ASK_FIELD_HOST,
                                             ASK_FIELD_EXCEPTION,   ASK_FIELD_DATABASE, ASK_FIELD_USER };
    for (uint32_t v = 0; v < 7; v++) world->values[v] = (struct ask_value){ { .id = ids[v] }, hostile_text(world) };
    world->values[7] = (struct ask_value){ world->attributes[draw(world, 4)], hostile_text(world) };
    world->catalog = (struct ask_catalog){ world->services, 6, world->attributes, 4, world->values, 8 };
}

static inline struct bytes question_make(struct world *world)
{
    /* Half of them in forms that are understood, so that their values come as far as they can. */
    static const char *const forms[] = { "requests with \"%s\" per hour today",
                                         "errors of user \"%s\" by service yesterday",
                                         "top 5 routes of host \"%s\" last week",
                                         "traces with message \"%s\" today",
                                         "p95 by route for session \"%s\"",
                                         "logs containing \"%s\" and \"x\" this week",
                                         "how many requests of version \"%s\" yesterday compared with the day before" };
    if (draw(world, 2) == 0) {
        const char *value = (const char *)world->hostile[draw(world, world->hostile_count)].ptr;
        return bytes_of_text(arena_printf(&world->arena, forms[draw(world, COUNT_OF(forms))], value));
    }
    const char *text = "";
    uint32_t count = 2 + draw(world, 9);
    for (uint32_t w = 0; w < count; w++) {
        uint32_t kind = draw(world, 10);
        struct bytes value = kind < 2 ? world->hostile[draw(world, world->hostile_count)] : (struct bytes){ 0 };
        if (kind == 0) {
            text = arena_printf(&world->arena, "%s \"%.*s\"", text, (int)value.len, (const char *)value.ptr);
        } else if (kind == 1) {
            text = arena_printf(&world->arena, "%s %.*s", text, (int)value.len, (const char *)value.ptr);
        } else if (kind == 2) {
            text = arena_printf(&world->arena, "%s user \"%s\"", text, attacks[draw(world, COUNT_OF(attacks))]);
        } else {
            text = arena_printf(&world->arena, "%s %s", text, words[draw(world, COUNT_OF(words))]);
        }
    }
    return bytes_of_text(text);
}

static inline bool holds(struct bytes text, struct bytes part)
{
    return memmem(text.ptr, text.len, part.ptr, part.len) != NULL;
}

/* NULL: it passes the gate as a SELECT of the one table that takes all its parameters, and holds nothing that came from outside. */
static inline const char *sql_problem(const struct world *world, struct bytes sql, uint32_t parameter_count,
                                      struct err *err)
{
    struct plan *gate;
    const char *problem = NULL;
    if (!plan_make(&gate, sql, NULL, 0, NULL, err)) return "the gate refuses it";
    if (gate->kind != PLAN_SELECT) problem = "it is no SELECT";
    if (gate->parameter_count != parameter_count) problem = "its parameters are not those that are given";
    if (gate->table_count < 1) problem = "it is of no table";
    for (uint32_t g = 0; g < gate->table_count; g++)
        if (gate->tables[g].source != PLAN_LOGS_AND_SPANS) problem = "it is of another table";
    plan_release(gate);
    if (holds(sql, BYTES("zq")) || holds(sql, BYTES(";"))) problem = "it has a text from outside";
    for (uint32_t h = 0; h < world->hostile_count; h++)
        if (holds(sql, world->hostile[h])) problem = "it has a text from outside";
    for (uint32_t a = 0; a < 4; a++) /* short ones are words of SQL themselves */
        if (holds(sql, bytes_of_text(attacks[a]))) problem = "it has an attack";
    return problem;
}

static inline void sql_check(struct world *world, const struct ask_plan *plan, struct bytes question)
{
    struct ask_sql sql;
    struct err err = { 0 };
    if (!ask_sql(&world->arena, plan, world->zone, &sql, &err))
        fail_msg("%.*s: a checked plan has no SQL: %s", (int)question.len, question.ptr, err.text);
    const char *problem = sql_problem(world, sql.sql, sql.parameter_count, &err);
    if (problem != NULL)
        fail_msg("%.*s: %.*s: %s %s", (int)question.len, question.ptr, (int)sql.sql.len, sql.sql.ptr, problem,
                 err.text);
}

static inline int guard_make(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    struct err err = { 0 };
    world->seed = 67;
    *state = world;
    return zone_open(&world->zone, BYTES("Europe/Berlin"), &err) ? 0 : -1;
}

static inline int guard_end(void **state)
{
    struct world *world = *state;
    zone_close(world->zone);
    arena_deinit(&world->arena);
    free(world);
    return 0;
}
