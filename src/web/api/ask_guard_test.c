/* Whatever is asked and however a plan is edited: what is run is a SELECT with parameters. */
#include "web/api/ask_guard_fixture.h"
/* threads: none */
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

static uint32_t draw(struct world *world, uint32_t below)
{
    world->seed = world->seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(world->seed >> 33) % below;
}

/* An attack, a piece of one, or two, with a mark that no word of ours has. */
static struct bytes hostile_text(struct world *world)
{
    const char *a = attacks[draw(world, COUNT_OF(attacks))], *b = attacks[draw(world, COUNT_OF(attacks))];
    const char *text = draw(world, 3) == 0 ? arena_printf(&world->arena, "zq%u%s%s", draw(world, 1000), a, b)
                                           : arena_printf(&world->arena, "zq%u%s", draw(world, 1000), a);
    struct bytes made = bytes_of_text(text);
    if (world->hostile_count < COUNT_OF(world->hostile)) world->hostile[world->hostile_count++] = made;
    return made;
}

static void world_make(struct world *world)
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

static struct bytes question_make(struct world *world)
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

/* Of a plan as JSON, some texts replaced: values, fields, keys, names of kinds, times, zones. */
static yyjson_doc *edited(struct world *world, const struct ask_plan *plan)
{
    yyjson_mut_doc *json = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = ask_plan_json(json, plan);
    yyjson_mut_doc_set_root(json, root);
    static const char *const names[] = { "of", "step", "from", "to", "order", "display", "zone" };
    struct bytes text = hostile_text(world);
    const char *attack = (const char *)text.ptr;
    yyjson_mut_val *filters = yyjson_mut_obj_get(root, "filters"), *filter = yyjson_mut_arr_add_obj(json, filters);
    switch (draw(world, 5)) {
    case 0:
        yyjson_mut_obj_put(root, yyjson_mut_str(json, names[draw(world, COUNT_OF(names))]),
                           yyjson_mut_strcpy(json, attack));
        break;
    case 1:
        yyjson_mut_arr_add_strcpy(json, yyjson_mut_obj_get(root, "groups"),
                                  arena_printf(&world->arena, "attribute:k%s", attack + 2));
        break;
    case 2:
        yyjson_mut_obj_put(root, yyjson_mut_str(json, "limit"),
                           yyjson_mut_sint(json, (int64_t)draw(world, 4000) - 2000));
        break;
    default: break; /* the filter alone */
    }
    static const char *const fields[] = { "service",
                                          "message",
                                          "user",
                                          "route",
                                          "duration",
                                          "status",
                                          "attribute:cloud.region",
                                          "resource:host.name",
                                          "project_id",
                                          "attribute:x'y" };
    yyjson_mut_obj_add_str(json, filter, "field", fields[draw(world, COUNT_OF(fields))]);
    yyjson_mut_obj_add_str(json, filter, "test", ask_test_names[draw(world, 2) == 0 ? ASK_IS : draw(world, ASK_TESTS)]);
    yyjson_mut_val *values = yyjson_mut_obj_add_arr(json, filter, "values");
    for (uint32_t v = draw(world, 4); v > 0; v--)
        yyjson_mut_arr_add_strcpy(json, values, (const char *)hostile_text(world).ptr);
    yyjson_doc *doc = yyjson_mut_doc_imut_copy(json, NULL);
    yyjson_mut_doc_free(json);
    return doc;
}

/* Goal: whatever is asked, whatever the catalog's names are, however a plan is edited: what is run is a SELECT with parameters, and no text
 * from outside is in it.
 * Method: rounds of a fixed seed: a catalog of attacks, a question of words and attacks, and half of the time its plan edited. */
static void test_nothing_gets_through(void **state)
{
    struct world *world = *state;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct err err = { 0 };
        world_make(world);
        struct ask_understood *understood = arena_calloc(&world->arena, sizeof *understood);
        struct ask_question question = {
            .text = question_make(world), .zone = world->zone, .now_us = 1793111820000000, .catalog = &world->catalog
        };
        ask_understand(&world->arena, &question, understood);
        if (!understood->is_understood)
            question.text = BYTES("requests of web by route today"),
            ask_understand(&world->arena, &question, understood);
        else
            world->understood++;
        assert_true(understood->is_understood);
        sql_check(world, &understood->plan, question.text);
        if (round % 2 == 0) continue;
        yyjson_doc *doc = edited(world, &understood->plan);
        struct ask_plan plan;
        if (ask_plan_read(&world->arena, yyjson_doc_get_root(doc), &plan, &err)) {
            world->edited++;
            sql_check(world, &plan, question.text);
        } else {
            world->refused++;
            assert_int_equal(err.code, ERR_INPUT);
        }
        yyjson_doc_free(doc);
    }
    printf("%u of %d questions understood, %u plans edited, %u refused\n", world->understood, ROUNDS, world->edited,
           world->refused);
    assert_true(world->understood > ROUNDS / 20 && world->edited > ROUNDS / 20 &&
                world->refused > ROUNDS / 20); /* none is what all are */
}

/* Goal: a plan written as JSON and read again is the same plan. */
static void test_round_trip(void **state)
{
    static const char *const questions[] = { "p50, p95 and p99 by route for web yesterday",
                                             "traces with errors in payments and duration over 1s today",
                                             "errors by service yesterday compared with the day before",
                                             "requests per day last week",
                                             "top 5 users by errors this week",
                                             "logs with \"a'b\" today",
                                             "requests with order.items over 4 not from \"x\"" };
    struct world *world = *state;
    world_make(world);
    for (size_t q = 0; q < COUNT_OF(questions) - 1; q++) {
        struct err err = { 0 };
        struct ask_plan plan;
        struct ask_understood *understood = arena_calloc(&world->arena, sizeof *understood);
        struct ask_question question = { .text = bytes_of_text(questions[q]),
                                         .zone = world->zone,
                                         .now_us = 1793111820000000,
                                         .catalog = &world->catalog };
        ask_understand(&world->arena, &question, understood);
        if (!understood->is_understood) fail_msg("%s: %s", questions[q], understood->troubles[0].text);
        yyjson_mut_doc *json = yyjson_mut_doc_new(NULL);
        yyjson_mut_doc_set_root(json, ask_plan_json(json, &understood->plan));
        yyjson_doc *doc = yyjson_mut_doc_imut_copy(json, NULL);
        if (!ask_plan_read(&world->arena, yyjson_doc_get_root(doc), &plan, &err))
            fail_msg("%s: %s", questions[q], err.text);
        struct ask_sql a, b;
        assert_true(ask_sql(&world->arena, &understood->plan, world->zone, &a, &err) &&
                    ask_sql(&world->arena, &plan, world->zone, &b, &err));
        assert_true(bytes_equal(a.sql, b.sql));
        assert_int_equal(a.parameter_count, b.parameter_count);
        for (uint32_t p = 0; p < a.parameter_count; p++) assert_true(bytes_equal(a.parameters[p], b.parameters[p]));
        yyjson_doc_free(doc);
        yyjson_mut_doc_free(json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_nothing_gets_through),
                                        cmocka_unit_test(test_round_trip) };
    return cmocka_run_group_tests(tests, guard_make, guard_end);
}
