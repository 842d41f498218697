/* Known errors of frameworks and transports: the table, its cases, and what only looks like one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "errors/fingerprint.h"
#include "errors/known.h"

static const char *found(const char *type, const char *message)
{
    struct arena arena;
    arena_init(&arena, 0);
    struct error_source source = { .type = bytes_of_text(type), .message = bytes_of_text(message) };
    const struct known *known = known_find(error_event_read(&arena, &source));
    arena_deinit(&arena);
    return known == NULL ? "-" : known->id;
}

static FILE *source_open(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/src/errors/%s", MONO_SOURCE_DIR, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    return file;
}

static void line_end(char *line)
{
    line[strcspn(line, "\n")] = '\0';
}

/* Goal: every entry is found by what real programs send, and look-alikes are none. Method: known_cases.tsv. */
static void test_cases(void **state)
{
    (void)state;
    char line[4096];
    FILE *file = source_open("known_cases.tsv");
    bool *is_tried = calloc(known_count, sizeof *is_tried);
    assert_non_null(is_tried);
    while (fgets(line, sizeof line, file) != NULL) {
        if (line[0] == '#') continue;
        line_end(line);
        char *type = strchr(line, '\t');
        assert_non_null(type);
        *type++ = '\0';
        char *message = strchr(type, '\t');
        if (message == NULL)
            message = type + strlen(type); /* it says nothing */
        else
            *message++ = '\0';
        const char *got = found(type, message);
        if (strcmp(got, line) != 0) fail_msg("%s: %s\n  is    %s\n  wants %s", type, message, got, line);
        for (uint32_t i = 0; i < known_count; i++) is_tried[i] |= strcmp(known_all[i].id, line) == 0;
    }
    fclose(file);
    for (uint32_t i = 0; i < known_count; i++) {
        if (!is_tried[i]) fail_msg("%s has no case", known_all[i].id);
    }
    assert_true(known_count >= 100);
    free(is_tried);
}

/* Goal: a type is compared whole, and words within a sentence do not count. Method: of each case with a type that says
 * something, the type with a tail; of each, its words in a sentence of a validator. */
static void test_look_alikes(void **state)
{
    (void)state;
    char line[4096], text[4300];
    FILE *file = source_open("known_cases.tsv");
    while (fgets(line, sizeof line, file) != NULL) {
        if (line[0] == '#' || line[0] == '-') continue;
        line_end(line);
        char *type = strchr(line, '\t') + 1, *message = strchr(type, '\t');
        if (message == NULL)
            message = type + strlen(type);
        else
            *message++ = '\0';
        snprintf(text, sizeof text, "%sOfCart", type);
        if (type[0] != '\0' && strcmp(found(text, message), "-") != 0) fail_msg("%s: %s is none", text, message);
        snprintf(text, sizeof text, "the name \"%s %s\" is taken", type, message);
        if (strcmp(found("ValidationError", text), "-") != 0) fail_msg("ValidationError: %s is none", text);
        if (strstr(message, "rpc error: code = ") != NULL) continue; /* wherever it stands nobody else writes so */
        if (strcmp(found("Error", text), "-") != 0) fail_msg("Error: %s is %s", text, found("Error", text));
    }
    fclose(file);
}

/* Goal: a type that says nothing is asked for its root cause, and none else is. */
static void test_causes(void **state)
{
    (void)state;
    static const struct {
        const char *stack, *id;
    } cases[] = {
        { "java.lang.RuntimeException: no cart\n\tat com.acme.A.a(A.java:1)\nCaused by: com.acme.X: x\n\tat "
          "com.acme.A.b(A.java:2)\n"
          "Caused by: java.net.ConnectException: Connection refused\n\tat com.acme.A.c(A.java:3)\n",
          "connection-refused" },
        { "com.acme.CartException: no cart\n\tat com.acme.A.a(A.java:1)\nCaused by: java.net.ConnectException: x\n\tat "
          "com.acme.A.c(A.java:3)\n",
          "-" },
        { "java.lang.RuntimeException: no cart\n\tat com.acme.A.a(A.java:1)\n\tSuppressed: java.net.ConnectException: "
          "x\n",
          "-" },
        { "Error: connect ECONNREFUSED 127.0.0.1:1\n    at TCPConnectWrap.afterConnect [as oncomplete] "
          "(node:net:1607:16)\n",
          "connection-refused-said" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct arena arena;
        arena_init(&arena, 0);
        struct error_source source = { .stacktrace = bytes_of_text(cases[i].stack) };
        const struct known *known = known_find(error_event_read(&arena, &source));
        assert_string_equal(known == NULL ? "-" : known->id, cases[i].id);
        arena_deinit(&arena);
    }
}

/* Goal: ids are there once, and each has a category and a meaning that ends as a sentence does. */
static void test_table(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < known_count; i++) {
        assert_true(strlen(known_all[i].category) > 2);
        size_t len = strlen(known_all[i].meaning);
        assert_true(len > 10 && known_all[i].meaning[len - 1] == '.');
        for (uint32_t k = 0; k < i; k++) assert_string_not_equal(known_all[i].id, known_all[k].id);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_look_alikes),
        cmocka_unit_test(test_causes),
        cmocka_unit_test(test_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
