/* The rules of access.h: each permission x each kind of actor, and the table that docs/accounts.md shows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "meta/access.h"

static enum err_code decided(const struct actor *actor, enum permission permission, enum access_role role)
{
    struct err err = { 0 };
    bool may = access_decide(actor, permission, role, &err);
    assert_true(may == (err.code == ERR_OK));
    return err.code;
}

/* Goal: nobody gets in but where it is public; a role counts from its lowest on; a role of none is 404, never 403. */
static void test_users(void **state)
{
    (void)state;
    struct actor nobody = { .kind = ACTOR_NOBODY }, user = { .kind = ACTOR_USER }, once = user, root = user;
    struct actor cli = actor_operator();
    once.must_change_password = once.is_instance_admin = root.is_instance_admin = true;
    for (enum permission p = 0; p < PERMISSION_COUNT; p++) {
        const struct permission_rule *rule = permission_rule(p);
        bool is_public = rule->reach == REACH_PUBLIC;
        assert_int_equal(decided(&nobody, p, ROLE_NONE), is_public ? ERR_OK : ERR_UNAUTHENTICATED);
        assert_int_equal(decided(&root, p, ROLE_INSTANCE_ADMIN), ERR_OK);
        assert_int_equal(decided(&cli, p, ROLE_INSTANCE_ADMIN), rule->reach == REACH_USER ? ERR_FORBIDDEN : ERR_OK);
        assert_int_equal(decided(&once, p, ROLE_INSTANCE_ADMIN),
                         is_public || p == PERMISSION_PASSWORD ? ERR_OK : ERR_FORBIDDEN);
        for (enum access_role role = ROLE_NONE; role <= ROLE_OWNER; role++) {
            enum err_code expected = rule->reach == REACH_INSTANCE  ? ERR_FORBIDDEN
                                     : rule->reach != REACH_PROJECT ? ERR_OK
                                     : role == ROLE_NONE            ? ERR_NOT_FOUND
                                     : role < rule->role_min        ? ERR_FORBIDDEN
                                                                    : ERR_OK;
            assert_int_equal(decided(&user, p, role), expected);
        }
    }
}

/* Goal: a key does what its scopes say in its project, nothing of a user's or the instance's, and sees no other project. */
static void test_keys(void **state)
{
    (void)state;
    for (uint32_t scopes = 1; scopes <= META_SCOPES_ALL; scopes++) {
        struct actor key = { .kind = ACTOR_KEY, .scopes = scopes };
        for (enum permission p = 0; p < PERMISSION_COUNT; p++) {
            const struct permission_rule *rule = permission_rule(p);
            bool is_project = rule->reach == REACH_PROJECT;
            bool is_open = rule->reach == REACH_PUBLIC || rule->reach == REACH_ANYONE;
            enum err_code own = is_open || (is_project && (rule->key_scopes & scopes)) ? ERR_OK : ERR_FORBIDDEN;
            assert_int_equal(decided(&key, p, ROLE_VIEWER), own);
            if (is_project) assert_int_equal(decided(&key, p, ROLE_NONE), ERR_NOT_FOUND);
        }
    }
}

/* Goal: a link opens reading in its project; what else there is of it is refused, other projects are not there. */
static void test_shares(void **state)
{
    (void)state;
    struct actor share = { .kind = ACTOR_SHARE };
    for (enum permission p = 0; p < PERMISSION_COUNT; p++) {
        const struct permission_rule *rule = permission_rule(p);
        bool is_open = rule->reach == REACH_PUBLIC || rule->reach == REACH_ANYONE;
        assert_int_equal(decided(&share, p, ROLE_VIEWER), is_open || p == PERMISSION_QUERY ? ERR_OK : ERR_FORBIDDEN);
        if (rule->reach == REACH_PROJECT) assert_int_equal(decided(&share, p, ROLE_NONE), ERR_NOT_FOUND);
    }
}

static const char *reach_text(const struct permission_rule *rule, char text[32])
{
    static const char *const reaches[] = { [REACH_PUBLIC] = "nobody in particular",
                                           [REACH_ANYONE] = "who is known",
                                           [REACH_USER] = "a user",
                                           [REACH_INSTANCE] = "instance admin" };
    if (rule->reach != REACH_PROJECT) return reaches[rule->reach];
    snprintf(text, 32, "%s", role_name(rule->role_min));
    return text;
}

/* Goal: docs/accounts.md has the table of permissions as the code has it. */
static void test_document(void **state)
{
    (void)state;
    static char page[65536];
    FILE *file = fopen(MONO_SOURCE_DIR "/docs/accounts.md", "r");
    assert_non_null(file);
    page[fread(page, 1, sizeof page - 1, file)] = '\0';
    fclose(file);
    for (enum permission p = 0; p < PERMISSION_COUNT; p++) {
        const struct permission_rule *rule = permission_rule(p);
        char line[256], role[32], scopes[64] = "";
        static const char *const names[] = { "ingest", "query", "admin" };
        for (int s = 0; s < 3; s++)
            if (rule->key_scopes & 1u << s)
                snprintf(scopes + strlen(scopes), sizeof scopes - strlen(scopes), "%s%s", scopes[0] ? ", " : "",
                         names[s]);
        bool is_open = rule->reach == REACH_PUBLIC || rule->reach == REACH_ANYONE;
        snprintf(line, sizeof line, "| `%s` | %s | %s | %s |", rule->name, rule->text, reach_text(rule, role),
                 is_open     ? "any"
                 : scopes[0] ? scopes
                             : "none");
        if (!strstr(page, line)) fail_msg("docs/accounts.md lacks the line\n%s", line);
    }
}

static void test_roles(void **state)
{
    (void)state;
    enum access_role role;
    struct err err = { 0 };
    for (enum access_role r = ROLE_VIEWER; r <= ROLE_OWNER; r++)
        assert_true(role_from_name(bytes_of_text(role_name(r)), &role, &err) && role == r);
    static const char *const none[] = { "", "none", "instance admin", "Viewer", "viewer ", "root" };
    for (size_t n = 0; n < COUNT_OF(none); n++) assert_false(role_from_name(bytes_of_text(none[n]), &role, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_users),    cmocka_unit_test(test_keys),  cmocka_unit_test(test_shares),
        cmocka_unit_test(test_document), cmocka_unit_test(test_roles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
