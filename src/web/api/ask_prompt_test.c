/* What a language model is told, and what of its answer is taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "web/api/ask_prompt.h"
#include "web/api/ask_reply.h"
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define NOW_US 1793111820000000 /* 2026-10-27 14:37 UTC, two days after Berlin's clocks went back */
enum { MANY = 3000, BYTES_MAX = 512 << 10, REQUEST_BYTES = 64 << 10 };

struct world {
    struct arena arena;
    struct zone *zone;
    struct buf system, prompt;
};

static bool holds(const struct buf *text, const char *part)
{
    return memmem(text->ptr, text->len, part, strlen(part)) != NULL;
}

/* Finds one secret, as the finders of redaction do: the rest of the text stays. */
static bool redact(void *ctx, struct bytes text, struct buf *out)
{
    static const char secret[] = "hunter2";
    (void)ctx;
    while (text.len > 0) {
        const uint8_t *at = memmem(text.ptr, text.len, secret, sizeof secret - 1);
        size_t before = at == NULL ? text.len : (size_t)(at - text.ptr), skip = at == NULL ? 0 : sizeof secret - 1;
        if (!buf_add(out, text.ptr, before) || (skip > 0 && !buf_add(out, "[secret]", 8))) return false;
        text = bytes_from(text.ptr + before + skip, text.len - before - skip);
    }
    return true;
}

static void make(struct world *world, const char *question, const struct ask_catalog *catalog)
{
    struct err err = { 0 };
    const struct ask_prompt of = {
        .question = bytes_of_text(question), .zone = world->zone, .now_us = NOW_US, .catalog = catalog, .redact = redact
    };
    world->system.len = world->prompt.len = 0;
    if (!ask_prompt_make(&world->arena, &of, &world->system, &world->prompt, &err)) fail_msg("%s", err.text);
}

/* Goal: the model can say which instants "yesterday" is, also where a day has 25 hours. */
static void test_times(void **state)
{
    struct world *world = *state;
    const struct ask_catalog none = { 0 };
    make(world, "errors yesterday", &none);
    assert_true(
        holds(&world->prompt, "Now: 2026-10-27T14:37:00Z\nZone: Europe/Berlin\nThere it is 2026-10-27 15:37+01:00\n"));
    assert_true(holds(&world->prompt, "Tue 2026-10-27 today: 2026-10-26T23:00:00Z\n"));
    assert_true(holds(&world->prompt, "Mon 2026-10-26 yesterday: 2026-10-25T23:00:00Z\n"));
    assert_true(holds(&world->prompt, "Sun 2026-10-25: 2026-10-24T22:00:00Z\n"));
    assert_true(holds(&world->prompt, "Thu 2026-10-01 this month: 2026-09-30T22:00:00Z\n"));
    assert_true(holds(&world->prompt, "Tue 2026-09-01 last month: 2026-08-31T22:00:00Z\n"));
}

/* Goal: of what is too much that goes first which the question may mean, and the whole stays small. */
static void test_much_is_cut(void **state)
{
    struct world *world = *state;
    struct bytes *services = arena_calloc(&world->arena, MANY * sizeof *services);
    struct ask_field *attributes = arena_calloc(&world->arena, MANY * sizeof *attributes);
    struct ask_value *values = arena_calloc(&world->arena, MANY * sizeof *values);
    for (uint32_t i = 0; i < MANY; i++) {
        services[i] =
            bytes_of_text(arena_printf(&world->arena, "service-number-%u%s", i, i == MANY - 1 ? "-Checkout" : ""));
        attributes[i] =
            (struct ask_field){ ASK_FIELD_ATTRIBUTE, bytes_of_text(arena_printf(&world->arena, "some.key.%u%s", i,
                                                                                i == MANY - 2 ? ".colour" : "")) };
        values[i] = (struct ask_value){ attributes[i % 100], bytes_of_text(arena_printf(&world->arena, "%070u", i)) };
    }
    const struct ask_catalog catalog = { services, MANY, attributes, MANY, values, MANY };
    make(world, "how is checkout by colour doing", &catalog);
    assert_true(holds(&world->prompt, "[\"service-number-2999-Checkout\",\"service-number-0\""));
    assert_true(holds(&world->prompt, "\"attribute:some.key.2998.colour\":"));
    assert_false(holds(&world->prompt, "service-number-300\"") || holds(&world->prompt, "some.key.200\""));
    assert_true(world->system.len + world->prompt.len < REQUEST_BYTES);
}

/* Goal: secrets, people, and what is no short line of text stay here. */
static void test_what_stays(void **state)
{
    struct world *world = *state;
    const struct bytes services[] = { BYTES("web"), BYTES("two\nlines"), BYTES("bad \xFF utf") };
    const struct ask_field attributes[] = { { ASK_FIELD_ATTRIBUTE, BYTES("app.config") },
                                            { ASK_FIELD_ATTRIBUTE, BYTES("customer.name") } };
    char *long_text = arena_alloc(&world->arena, 200);
    memset(long_text, 'y', 200);
    const struct ask_value values[] = { { { .id = ASK_FIELD_USER }, BYTES("ada") },
                                        { { .id = ASK_FIELD_HOST }, BYTES("web-1") },
                                        { { .id = ASK_FIELD_HOST }, bytes_from(long_text, 200) },
                                        { attributes[0], BYTES("plain") },
                                        { attributes[0], BYTES("plain") },
                                        { attributes[0], BYTES("password hunter2") },
                                        { attributes[1], BYTES("Lovelace") } };
    const struct ask_catalog catalog = { services, 3, attributes, 2, values, COUNT_OF(values) };
    make(world, "errors today", &catalog);
    assert_true(holds(&world->prompt, "[\"web\"]") && holds(&world->prompt, "\"host\":[\"web-1\"]"));
    assert_true(holds(&world->prompt, "\"attribute:app.config\":[\"plain\"],\"attribute:customer.name\":[]"));
    static const char *const gone[] = { "hunter2", "password", "Lovelace", "ada", "lines", "utf", "yyyy", "[secret]" };
    for (size_t g = 0; g < COUNT_OF(gone); g++)
        if (holds(&world->prompt, gone[g])) fail_msg("%s is in the prompt", gone[g]);
}

#define PLAN(filters, more)                                                                                       \
    "{\"of\":\"logs\",\"filters\":[" filters "],\"parts\":[],\"measures\":[],\"groups\":[],\"groups_are_there\":" \
    "false,\"step\":\"none\",\"from\":\"2026-10-26T00:00:00Z\",\"to\":\"2026-10-27T00:00:00Z\",\"before\":null,"  \
    "\"order\":\"newest\",\"limit\":100,\"display\":\"rows\",\"time_was_said\":true," more "}"
#define REPLY(filters, more) \
    "{\"can_answer\":true,\"is_follow_up\":true,\"note\":\"n\",\"plan\":" PLAN(filters, more) "}"
#define FILTER(field, test, value) "{\"field\":\"" field "\",\"test\":\"" test "\",\"values\":[\"" value "\"]}"
#define BERLIN                     "\"zone\":\"Europe/Berlin\""

/* Goal: a plan that fits the project is taken, as the project spells it; else the reason says what to mend. */
static void test_replies(void **state)
{
    static const struct {
        const char *json, *why; /* why NULL: it is taken */
    } replies[] = {
        { REPLY(FILTER("service", "is", "WEB"), BERLIN), NULL },
        { REPLY(FILTER("service", "is", "wev"), BERLIN), "there is no service \"wev\"" },
        { REPLY(FILTER("service", "contains", "we"), BERLIN), NULL },
        { REPLY(FILTER("attribute:cloud.region", "is", "eu"), BERLIN), NULL },
        { REPLY(FILTER("attribute:cloud.planet", "is", "eu"), BERLIN), "there is no attribute \"cloud.planet\"" },
        { REPLY(FILTER("resource:cloud.region", "is", "eu"), BERLIN), "there is no resource \"cloud.region\"" },
        { REPLY(FILTER("message", "contains", "https://shop.test/cart"), BERLIN), NULL }, /* the question has it */
        { REPLY(FILTER("message", "contains", "https://evil.test/"), BERLIN), "has a link" },
        { REPLY(FILTER("message", "contains", "<b>"), BERLIN), "has a link, markup" },
        { REPLY("", "\"zone\":\"Mars/Olympus\""), "no such time zone" },
        { REPLY("", "\"zone\":\"../etc/passwd\""), "no such time zone" },
        { REPLY(FILTER("duration", "more", "1s"), BERLIN), "is compared with a number" },
        { REPLY(FILTER("level", "more", "1"), BERLIN), "has no order" },
        { "{\"can_answer\":true,\"note\":\"\",\"plan\":null}", "there is no plan" },
        { "{\"can_answer\":\"yes\"}", "can_answer is true or false" },
        { "SELECT 1", "no JSON" },
        { "[]", "can_answer is true or false" },
    };
    struct world *world = *state;
    const struct bytes services[] = { BYTES("web") };
    const struct ask_field attributes[] = { { ASK_FIELD_ATTRIBUTE, BYTES("cloud.region") } };
    const struct ask_catalog catalog = { services, 1, attributes, 1, NULL, 0 };
    const struct ask_reply_world known = { BYTES("logs with https://shop.test/cart"), &catalog, NULL };
    struct ask_reply *reply = arena_calloc(&world->arena, sizeof *reply);
    for (size_t r = 0; r < COUNT_OF(replies); r++) {
        struct err err = { 0 };
        bool ok = ask_reply_read(&world->arena, bytes_of_text(replies[r].json), &known, reply, &err);
        if (ok != (replies[r].why == NULL) || (!ok && strstr(err.text, replies[r].why) == NULL))
            fail_msg("%s: %s", replies[r].json, err.text);
        if (r == 0) assert_true(bytes_equal(reply->plan.filters[0].values[0], services[0]));
        assert_false(reply->is_follow_up); /* nothing was before */
    }
}

/* Goal: words of a model can do nothing; a model that declines is not in error. */
static void test_words_are_plain(void **state)
{
    struct world *world = *state;
    const struct ask_catalog none = { 0 };
    const struct ask_reply_world known = { BYTES("x"), &none, NULL };
    struct ask_reply *reply = arena_calloc(&world->arena, sizeof *reply);
    struct err err = { 0 };
    assert_true(
        ask_reply_read(&world->arena,
                       BYTES("{\"can_answer\":false,\"note\":\"See\\n[here](https://evil.test/?q=1) <b>now</b>\"}"),
                       &known, reply, &err));
    assert_false(reply->can_answer);
    assert_true(bytes_equal(reply->note, BYTES("See here now")));
}

/* Goal: the schema is one that our check and strict servers take: all members required, none more, no $ref, no word that they lack. */
static void test_schema(void **state)
{
    static const char *const absent[] = {
        "$ref", "\"format\"", "maxLength", "minLength", "\"examples\"", "\"default\""
    };
    struct world *world = *state;
    struct schemas *schemas;
    struct err err = { 0 };
    char pointer[JSON_POINTER_BYTES];
    assert_true(schemas_open(&schemas, &err));
    const char *text = ask_reply_schema(&world->arena, schemas);
    yyjson_doc *schema = yyjson_read(text, strlen(text), 0);
    if (!json_schema_is_known(yyjson_doc_get_root(schema), "answer", NULL, &err)) fail_msg("%s", err.text);
    for (size_t a = 0; a < COUNT_OF(absent); a++) assert_null(strstr(text, absent[a]));
    const char *good = REPLY(FILTER("service", "is", "web"), BERLIN), *lacks = "{\"can_answer\":true,\"note\":\"\"}";
    yyjson_doc *one = yyjson_read(good, strlen(good), 0), *two = yyjson_read(lacks, strlen(lacks), 0);
    if (!json_schema_check(yyjson_doc_get_root(schema), yyjson_doc_get_root(one), NULL, pointer, &err))
        fail_msg("%s: %s", pointer, err.text);
    assert_false(json_schema_check(yyjson_doc_get_root(schema), yyjson_doc_get_root(two), NULL, pointer, &err));
    yyjson_val *properties = yyjson_obj_get(yyjson_doc_get_root(schema), "properties");
    properties = yyjson_obj_get(yyjson_obj_get(properties, "plan"), "properties");
    yyjson_val *measure = yyjson_obj_get(yyjson_obj_get(properties, "measures"), "items");
    assert_int_equal(yyjson_arr_size(yyjson_obj_get(measure, "required")), 3);
    yyjson_doc_free(one);
    yyjson_doc_free(two);
    yyjson_doc_free(schema);
    schemas_close(schemas);
}

static int begin(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    struct err err = { 0 };
    buf_init(&world->system, BYTES_MAX);
    buf_init(&world->prompt, BYTES_MAX);
    *state = world;
    return zone_open(&world->zone, BYTES("Europe/Berlin"), &err) ? 0 : -1;
}

static int end(void **state)
{
    struct world *world = *state;
    buf_deinit(&world->system);
    buf_deinit(&world->prompt);
    zone_close(world->zone);
    arena_deinit(&world->arena);
    free(world);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_times),           cmocka_unit_test(test_much_is_cut),
                                        cmocka_unit_test(test_what_stays),      cmocka_unit_test(test_replies),
                                        cmocka_unit_test(test_words_are_plain), cmocka_unit_test(test_schema) };
    return cmocka_run_group_tests(tests, begin, end);
}
