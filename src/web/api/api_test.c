/* The table of routes and its schemas hold together; values are checked as JSON Schema says; times and cursors read back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rfc3339.h"
#include "web/api/api_inside.h"

static struct schemas *all_schemas(void)
{
    struct schemas *schemas;
    struct err err = { 0 };
    if (!schemas_open(&schemas, &err)) fail_msg("%s", err.text);
    return schemas;
}

static void parameter_is_there(const struct schemas *schemas, const struct api_route *route, struct bytes name,
                               const char *in)
{
    yyjson_val *parameter = schemas_parameter(schemas, name);
    if (parameter == NULL)
        fail_msg("%s: parameter \"%.*s\" is in no schemas/NOUN.json", route->id, (int)name.len, (const char *)name.ptr);
    if (!yyjson_equals_str(yyjson_obj_get(parameter, "in"), in))
        fail_msg("%s: parameter \"%.*s\" is not in the %s", route->id, (int)name.len, (const char *)name.ptr, in);
    assert_true(yyjson_is_obj(yyjson_obj_get(parameter, "schema")));
}

static void names_are_there(const struct schemas *schemas, const struct api_route *route)
{
    for (const char *open = strchr(route->path, '{'); open != NULL; open = strchr(open + 1, '{'))
        parameter_is_there(schemas, route, bytes_from(open + 1, strcspn(open + 1, "}")), "path");
    const char *name = route->query;
    for (size_t len; *name != '\0'; name += len + strspn(name + len, " ")) {
        len = strcspn(name, " ");
        if (len > 0) parameter_is_there(schemas, route, bytes_from(name, len), "query");
    }
    if (route->request[0] != '\0' && schemas_find(schemas, route->request) == NULL)
        fail_msg("%s: its body's schema \"%s\" is not there", route->id, route->request);
    if (route->answer[0] != '\0' && schemas_find(schemas, route->answer) == NULL)
        fail_msg("%s: its answer's schema \"%s\" is not there", route->id, route->answer);
}

/* Goal: every line of routes.h names what is there, and two lines never mean the same. */
static void test_routes_are_whole(void **state)
{
    (void)state;
    struct schemas *schemas = all_schemas();
    for (uint32_t r = 0; r < api_route_count; r++) {
        const struct api_route *route = &api_routes[r];
        if (route->flags & API_PAGE) continue;
        names_are_there(schemas, route);
        if (strncmp(route->path, "/api/v1/", 8) != 0) fail_msg("%s is not under /api/v1", route->id);
        if (permission_rule(route->permission)->reach == REACH_PROJECT && !strstr(route->path, "{project}"))
            fail_msg("%s: its permission is about a project, its path has none", route->id);
        if ((route->status == 204) != (route->answer[0] == '\0')) fail_msg("%s: 204 has no answer", route->id);
        if ((route->flags & API_ONCE) && route->method != API_POST) fail_msg("%s: API_ONCE is for POST", route->id);
        for (uint32_t o = 0; o < r; o++) {
            if (strcmp(api_routes[o].id, route->id) == 0) fail_msg("%s is there twice", route->id);
            if (strcmp(api_routes[o].path, route->path) == 0 && api_routes[o].method == route->method)
                fail_msg("%s and %s have one path", api_routes[o].id, route->id);
        }
    }
    schemas_close(schemas);
}

static void refs_resolve(yyjson_val *root, yyjson_val *value)
{
    yyjson_val *key, *one;
    size_t i, count;
    const char *ref = yyjson_get_str(yyjson_obj_get(value, "$ref"));
    if (ref != NULL && yyjson_ptr_get(root, ref + 1) == NULL) fail_msg("%s leads nowhere", ref);
    yyjson_arr_foreach(value, i, count, one) refs_resolve(root, one);
    yyjson_obj_foreach(value, i, count, key, one) refs_resolve(root, one);
}

/* Goal: the document is JSON, every $ref leads somewhere, every route that is no page is in it. */
static void test_document(void **state)
{
    (void)state;
    struct schemas *schemas = all_schemas();
    struct buf text;
    struct err err = { 0 };
    size_t operations = 0, routes = 0, i, count;
    buf_init(&text, 16 << 20);
    assert_true(openapi_make(schemas, "1", &text, &err));
    yyjson_doc *doc = yyjson_read((const char *)text.ptr, text.len, 0);
    assert_non_null(doc);
    yyjson_val *root = yyjson_doc_get_root(doc), *path, *methods;
    refs_resolve(root, root);
    yyjson_obj_foreach(yyjson_obj_get(root, "paths"), i, count, path, methods) operations += yyjson_obj_size(methods);
    for (uint32_t r = 0; r < api_route_count; r++) routes += !(api_routes[r].flags & API_PAGE);
    assert_int_equal(operations, routes);
    yyjson_doc_free(doc);
    buf_deinit(&text);
    schemas_close(schemas);
}

static void test_route_find(void **state)
{
    (void)state;
    struct api_match match;
    assert_true(api_route_find(BYTES("GET"), BYTES("/api/v1/projects/a%20b"), &match));
    assert_string_equal(match.route->id, "project_get");
    assert_true(bytes_equal(match.values[0], BYTES("a%20b")));
    assert_true(api_route_find(BYTES("HEAD"), BYTES("/api/v1/health"), &match));
    assert_false(api_route_find(BYTES("PUT"), BYTES("/api/v1/health"), &match));
    assert_int_equal(match.allowed, 1 << API_GET);
    assert_true(api_route_find(BYTES("GET"), BYTES("/api/v1/users/me"), &match));
    assert_string_equal(match.route->id, "user_me");
    assert_int_equal(match.value_count, 0);
    assert_false(api_route_find(BYTES("DELETE"), BYTES("/api/v1/users/me"), &match)); /* not of {user} "me" */
    assert_int_equal(match.allowed, 1 << API_GET);
    static const char *const nothing[] = { "",
                                           "/",
                                           "/api/v1",
                                           "/api/v1/",
                                           "/api/v1/health/",
                                           "/api/v1/projects/",
                                           "//api/v1/health",
                                           "/api/v1/projects//query",
                                           "/api/v1/Health" };
    for (size_t n = 0; n < COUNT_OF(nothing); n++) {
        assert_false(api_route_find(BYTES("GET"), bytes_of_text(nothing[n]), &match));
        assert_int_equal(match.allowed, 0);
    }
}

static const struct checked {
    const char *schema, *value;
    const char *pointer; /* NULL: it is right */
} checked[] = {
    { "{\"type\":\"object\"}", "{\"a\":1}", NULL },
    { "{\"type\":\"object\"}", "[]", "" },
    { "{\"type\":[\"string\",\"null\"]}", "null", NULL },
    { "{\"type\":[\"string\",\"null\"]}", "1", "" },
    { "{\"type\":\"integer\"}", "1.0", NULL },
    { "{\"type\":\"integer\"}", "1.5", "" },
    { "{\"type\":\"integer\",\"minimum\":1,\"maximum\":3}", "4", "" },
    { "{\"type\":\"integer\",\"minimum\":1,\"maximum\":3}", "0", "" },
    { "{\"type\":\"integer\",\"minimum\":1,\"maximum\":3}", "3", NULL },
    { "{\"type\":\"number\"}", "1e300", NULL },
    { "{\"type\":\"boolean\"}", "\"true\"", "" },
    { "{\"enum\":[\"a\",\"b\"]}", "\"b\"", NULL },
    { "{\"enum\":[\"a\",\"b\"]}", "\"c\"", "" },
    { "{\"type\":\"string\",\"maxLength\":2}", "\"\xC3\xA9\xC3\xA9\"", NULL }, /* characters, not bytes */
    { "{\"type\":\"string\",\"maxLength\":2}", "\"abc\"", "" },
    { "{\"type\":\"string\",\"minLength\":1}", "\"\"", "" },
    { "{\"type\":\"string\",\"pattern\":\"^[a-z]+$\"}", "\"abc\"", NULL },
    { "{\"type\":\"string\",\"pattern\":\"^[a-z]+$\"}", "\"abc1\"", "" },
    { "{\"type\":\"string\",\"pattern\":\"^[a-z]+$\"}", "\"abc\\u0000\"", "" },
    { "{\"type\":\"string\",\"format\":\"uuid\"}", "\"1c97c16b-ad91-4ae7-a292-bc1638e77c42\"", NULL },
    { "{\"type\":\"string\",\"format\":\"uuid\"}", "\"1c97c16b\"", "" },
    { "{\"type\":\"string\",\"format\":\"date-time\"}", "\"2026-02-28T00:00:00Z\"", NULL },
    { "{\"type\":\"string\",\"format\":\"date-time\"}", "\"2026-02-30T00:00:00Z\"", "" },
    { "{\"type\":\"array\",\"items\":{\"type\":\"integer\"},\"maxItems\":2}", "[1,\"x\"]", "/1" },
    { "{\"type\":\"array\",\"items\":{\"type\":\"integer\"},\"maxItems\":2}", "[1,2,3]", "" },
    { "{\"type\":\"object\",\"required\":[\"a\"]}", "{\"b\":1}", "" },
    { "{\"properties\":{\"a\":{\"type\":\"integer\"}},\"additionalProperties\":false}", "{\"b\":1}", "/b" },
    { "{\"properties\":{\"a\":{\"type\":\"integer\"}},\"additionalProperties\":false}", "{\"a\":1,\"a\":2}", "/a" },
    { "{\"properties\":{\"a\":{\"properties\":{\"b\":{\"type\":\"null\"}}}}}", "{\"a\":{\"b\":0}}", "/a/b" },
    { "{\"additionalProperties\":{\"type\":\"integer\"}}", "{\"x\":1,\"y\":\"\"}", "/y" },
    { "{\"$ref\":\"#/components/schemas/ProjectName\"}", "\"shop\"", NULL },
    { "{\"$ref\":\"#/components/schemas/ProjectName\"}", "\"Shop\"", "" },
};

/* Goal: right values pass, wrong ones are told where. */
static void test_values_are_checked(void **state)
{
    (void)state;
    struct schemas *schemas = all_schemas();
    for (size_t c = 0; c < COUNT_OF(checked); c++) {
        yyjson_doc *schema = yyjson_read(checked[c].schema, strlen(checked[c].schema), 0);
        yyjson_doc *value = yyjson_read(checked[c].value, strlen(checked[c].value), 0);
        char pointer[SCHEMA_POINTER_BYTES];
        struct err err = { 0 };
        assert_non_null(schema);
        assert_non_null(value);
        bool ok = schema_check(schemas, yyjson_doc_get_root(schema), yyjson_doc_get_root(value), pointer, &err);
        if (ok != (checked[c].pointer == NULL))
            fail_msg("%s against %s: %s", checked[c].value, checked[c].schema, err.text);
        if (!ok) assert_string_equal(pointer, checked[c].pointer);
        if (!ok) assert_int_equal(err.code, ERR_INPUT);
        yyjson_doc_free(schema);
        yyjson_doc_free(value);
    }
    schemas_close(schemas);
}

static void test_times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t unix_us;
    } right[] = { { "1970-01-01T00:00:00Z", 0 },
                  { "2026-11-27T02:00:00.123456Z", 1795744800123456 },
                  { "2026-11-27T03:30:00.1234569+01:30", 1795744800123456 },
                  { "2026-11-27 02:00:00z", 1795744800000000 },
                  { "1969-12-31T23:59:59.5Z", -500000 },
                  { "now", 5000000 },
                  { "now-4s", 1000000 } };
    static const char *const wrong[] = { "",
                                         "2026",
                                         "2026-11-27",
                                         "2026-11-27T02:00:00",
                                         "2026-13-01T00:00:00Z",
                                         "2026-00-01T00:00:00Z",
                                         "2026-11-31T00:00:00Z",
                                         "2026-11-27T24:00:00Z",
                                         "2026-11-27T02:00:00.Z",
                                         "2026-11-27T02:00:00Zx",
                                         "2026-11-27T02:00:00+1:00",
                                         "now-",
                                         "now-1",
                                         "now-1y",
                                         "now+1s",
                                         "now-9999999s" };
    int64_t unix_us;
    char text[RFC3339_BYTES];
    for (size_t r = 0; r < COUNT_OF(right); r++) {
        assert_true(rfc3339_read_relative(bytes_of_text(right[r].text), 5000000, &unix_us));
        assert_int_equal(unix_us, right[r].unix_us);
        rfc3339_write(unix_us, text);
        assert_true(rfc3339_read(bytes_of_text(text), &unix_us));
        assert_int_equal(unix_us, right[r].unix_us);
    }
    for (size_t w = 0; w < COUNT_OF(wrong); w++)
        if (rfc3339_read_relative(bytes_of_text(wrong[w]), 0, &unix_us)) fail_msg("\"%s\" is no time", wrong[w]);
}

static void test_percent_decoding(void **state)
{
    (void)state;
    struct arena arena = { 0 };
    struct bytes out;
    assert_true(percent_decode(&arena, BYTES("a%20b+c%C3%A9"), true, &out));
    assert_true(bytes_equal(out, BYTES("a b c\xC3\xA9")));
    assert_true(percent_decode(&arena, BYTES("a+b"), false, &out));
    assert_true(bytes_equal(out, BYTES("a+b")));
    static const char *const wrong[] = { "%", "%2", "%zz", "%00", "%FF", "a%2" };
    for (size_t w = 0; w < COUNT_OF(wrong); w++)
        assert_false(percent_decode(&arena, bytes_of_text(wrong[w]), true, &out));
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_routes_are_whole),
        cmocka_unit_test(test_document),
        cmocka_unit_test(test_route_find),
        cmocka_unit_test(test_values_are_checked),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_percent_decoding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
