/* ID tokens that another library signed (vectors/make.py): the good ones, and each way to be wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "web/oidc/id_token.h"

static const struct id_token_check check = { .issuer = "https://id.example.com",
                                             .client_id = "monoscope",
                                             .nonce = "n-0S6_WzA2Mj",
                                             .groups_claim = "groups",
                                             .now_unix_s = 1800000000 };

static void person_check(const struct accounts_person *person)
{
    assert_string_equal(person->issuer, "https://id.example.com");
    assert_string_equal(person->subject, "248289761001");
    assert_string_equal(person->email, "jane@example.com");
    assert_string_equal(person->name, "Jane D\xC3\xB6"
                                      "e");
    assert_true(person->is_email_verified);
    assert_int_equal(person->group_count, 2);
    assert_string_equal(person->groups[0], "sre");
    assert_string_equal(person->groups[1], "on call");
}

/* Goal: every token of the file is taken, or refused in the words beside it. */
static void test_tokens(void **state)
{
    (void)state;
    static char line[ID_TOKEN_BYTES_MAX];
    struct arena arena;
    yyjson_doc *keys = yyjson_read_file(MONO_SOURCE_DIR "/src/web/oidc/vectors/keys.json", 0, NULL, NULL);
    FILE *file = fopen(MONO_SOURCE_DIR "/src/web/oidc/vectors/tokens.txt", "r");
    uint32_t good = 0, bad = 0;
    assert_true(keys && file);
    arena_init(&arena, 0);
    while (fgets(line, sizeof line, file)) {
        struct accounts_person person;
        struct err err = { 0 };
        bool knows_key;
        char *tab = strchr(line, '\t');
        assert_non_null(tab);
        *tab = '\0';
        tab[1 + strcspn(tab + 1, "\n")] = '\0';
        bool ok =
            id_token_read(&arena, bytes_of_text(tab + 1), yyjson_doc_get_root(keys), &check, &person, &knows_key, &err);
        if (ok != (strcmp(line, "ok") == 0) || (!ok && !strstr(err.text, line)))
            fail_msg("%s: %s %s", line, err.text, tab + 1);
        if (ok) person_check(&person);
        assert_int_equal(!knows_key, strcmp(line, "does not show") == 0);
        good += ok;
        bad += !ok;
        arena_reset(&arena);
    }
    assert_true(good == 6 && bad > 35);
    struct accounts_person person;
    struct err err = { 0 };
    bool knows_key;
    assert_false(id_token_read(&arena, BYTES(""), yyjson_doc_get_root(keys), &check, &person, &knows_key, &err));
    fclose(file);
    yyjson_doc_free(keys);
    arena_deinit(&arena);
}

/* Goal: claims that providers write in other ways: one group as a text, email_verified as a text or not at all. */
static void test_claims(void **state)
{
    (void)state;
#define BEGIN                                                                                                        \
    "{\"iss\":\"https://id.example.com\",\"aud\":\"monoscope\",\"sub\":\"1\",\"exp\":1800000300,\"iat\":1800000000," \
    "\"nonce\":\"n-0S6_WzA2Mj\""
    struct arena arena;
    struct accounts_person person;
    struct err err = { 0 };
    struct id_token_check trusting = check;
    trusting.trusts_email = true;
    arena_init(&arena, 0);
    assert_true(id_token_claims(&arena, BYTES(BEGIN ",\"groups\":\"sre\",\"email_verified\":\"true\"}"), &check,
                                &person, &err));
    assert_true(person.group_count == 1 && strcmp(person.groups[0], "sre") == 0 && person.is_email_verified);
    assert_true(id_token_claims(&arena, BYTES(BEGIN ",\"email_verified\":1,\"email\":7,\"groups\":{}}"), &check,
                                &person, &err));
    assert_true(person.group_count == 0 && !person.is_email_verified && person.email[0] == '\0');
    assert_true(id_token_claims(&arena, BYTES(BEGIN "}"), &trusting, &person, &err) && person.is_email_verified);
    assert_false(id_token_claims(&arena, BYTES(BEGIN), &check, &person, &err));
    assert_false(id_token_claims(&arena, BYTES("null"), &check, &person, &err));
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_tokens), cmocka_unit_test(test_claims) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
