/* threads: none */
/* Whatever is asked and however a plan is edited: what is run is a SELECT with parameters. */
#include "web/api/ask_guard_fixture.h"

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
