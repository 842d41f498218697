/* threads: none */
/* Saved views and links: who sees them, how links end, what is kept of their tokens; on SQLite and on PostgreSQL. */
#include "meta/meta_fixture.h"

#include "base/clock.h"
#include "meta/meta.h"
#include "meta/saved_view.h"
#include "meta/share.h"
#include "meta/team.h"
#include "meta/user.h"

struct fixture {
    struct db_fixture *base;
    struct meta *meta;
    struct db *db;
    struct meta_project shop, lobby;
    struct user ann, bob;
    uint8_t secret[SECRET_BYTES];
};

struct people {
    struct fixture *fixture;
    struct user *user;
    enum access_role role;
};
static bool user_run(struct db_session *session, void *ctx, struct err *err)
{
    struct people *people = ctx;
    struct user_password password = { .hash = "x", .scram = "y" };
    return user_create(session, people->user, &password, err) &&
           member_set(session, people->fixture->shop.id, MEMBER_USER, people->user->id, people->role, err);
}

static void user_make(struct fixture *fixture, const char *email, enum access_role role, struct user *user)
{
    struct people people = { fixture, user, role };
    struct err err = { 0 };
    strcpy(user->email, email);
    if (!db_transaction(fixture->db, user_run, &people, &err)) fail_msg("%s", err.text);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct err err = { 0 };
    fixture->base = meta_fixture_open(state, &fixture->meta, &fixture->shop, &fixture->lobby);
    fixture->db = meta_db(fixture->meta);
    assert_true(secret_find(fixture->db, SHARE_SECRET, fixture->secret, &err));
    user_make(fixture, "ann@example.com", ROLE_EDITOR, &fixture->ann);
    user_make(fixture, "bob@example.com", ROLE_VIEWER, &fixture->bob);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    meta_close(fixture->meta);
    db_fixture_teardown(fixture->base);
    free(fixture);
    return 0;
}

/* Goal: what leads out of a project, or is no address, is not kept. */
static void test_addresses(void **state)
{
    (void)state;
    static const char *const good[] = { "explore", "explore?q=level:error&from=now-1h", "trace/4bf9?view=flame",
                                        "sql?q=%22a%22" };
    static const char *const bad[] = { "",
                                       "/explore",
                                       "../x",
                                       "//host/",
                                       "explore#x",
                                       "explore?q=<b>",
                                       "explore/",
                                       "explore//x",
                                       "a:b",
                                       "javascript:alert(1)",
                                       "explore?q=\n",
                                       "explore?q=\"",
                                       "expl\\ore",
                                       "Explore",
                                       "?q=1",
                                       "explore?q=\xC3\xA4" };
    struct err err = { 0 };
    for (size_t g = 0; g < COUNT_OF(good); g++)
        if (!saved_view_address_check(bytes_of_text(good[g]), &err)) fail_msg("%s: %s", good[g], err.text);
    for (size_t b = 0; b < COUNT_OF(bad); b++)
        if (saved_view_address_check(bytes_of_text(bad[b]), &err)) fail_msg("\"%s\" is taken", bad[b]);
    char *longest = mem_calloc(1, SAVED_VIEW_ADDRESS_BYTES + 1);
    memset(longest, 'a', SAVED_VIEW_ADDRESS_BYTES);
    assert_false(saved_view_address_check(bytes_of_text(longest), &err));
    longest[SAVED_VIEW_ADDRESS_BYTES - 1] = '\0';
    assert_true(saved_view_address_check(bytes_of_text(longest), &err));
    free(longest);
}

struct step {
    struct fixture *fixture;
    struct saved_view view;
    struct share share;
    struct uuid project_id, viewer, id;
    char token[SHARE_TOKEN_BYTES];
    bool is_on;
};
static enum err_code did(struct step *step, db_work_fn *run)
{
    return db_fixture_did(step->fixture->db, run, step);
}
static bool view_insert(struct db_session *session, void *ctx, struct err *err)
{
    struct step *step = ctx;
    return saved_view_insert(session, &step->view, err);
}
static bool view_find(struct db_session *session, void *ctx, struct err *err)
{
    struct step *step = ctx;
    return saved_view_find(session, step->project_id, step->viewer, step->id, &step->view, err);
}
static bool view_update(struct db_session *session, void *ctx, struct err *err)
{
    struct step *step = ctx;
    return saved_view_update(session, &step->view, err);
}
static bool view_delete(struct db_session *session, void *ctx, struct err *err)
{
    struct step *step = ctx;
    return saved_view_delete(session, step->project_id, step->id, err);
}
static bool ann_delete(struct db_session *session, void *ctx, struct err *err)
{
    struct step *step = ctx;
    return user_delete(session, step->fixture->ann.id, err);
}

static bool names_add(void *ctx, const struct saved_view *view)
{
    strcat(ctx, view->name);
    strcat(ctx, " ");
    return true;
}
static void assert_list(struct fixture *fixture, struct uuid viewer, const struct saved_view_place *after,
                        uint32_t limit, const char *wanted)
{
    char names[256] = "";
    struct err err = { 0 };
    assert_true(saved_view_list(fixture->db, fixture->shop.id, viewer, after, limit, names_add, names, &err));
    assert_string_equal(names, wanted);
}

/* Goal: one sees one's own and what is shared, in one's project; a page goes on where the last ended; a user who is gone leaves
 * what was shared and nothing else. */
static void test_views(void **state)
{
    struct fixture *fixture = *state;
    const struct uuid nobody = { 0 };
    struct step *step = mem_calloc(1, sizeof *step);
    *step = (struct step){ .fixture = fixture, .project_id = fixture->shop.id, .viewer = fixture->ann.id };
    struct uuid secret_id = { 0 }, shared_id = { 0 };
    static const char *const names[] = { "b own", "a shared", "c shared" };
    for (size_t n = 0; n < COUNT_OF(names); n++) {
        step->view = (struct saved_view){ .project_id = fixture->shop.id,
                                          .owner_id = fixture->ann.id,
                                          .owner_name = "ann@example.com",
                                          .address = "explore?q=1",
                                          .is_shared = n > 0 };
        strcpy(step->view.name, names[n]);
        assert_int_equal(did(step, view_insert), ERR_OK);
        *(n == 0 ? &secret_id : &shared_id) = step->view.id;
    }
    assert_list(fixture, fixture->ann.id, NULL, 10, "a shared b own c shared ");
    assert_list(fixture, fixture->bob.id, NULL, 10, "a shared c shared ");
    assert_list(fixture, nobody, NULL, 10, "a shared c shared ");
    assert_list(fixture, fixture->ann.id, NULL, 1, "a shared ");
    struct saved_view_place after = { BYTES("b own"), secret_id };
    assert_list(fixture, fixture->ann.id, &after, 10, "c shared ");

    step->id = secret_id;
    assert_int_equal(did(step, view_find), ERR_OK);
    assert_string_equal(step->view.address, "explore?q=1");
    step->viewer = fixture->bob.id;
    assert_int_equal(did(step, view_find), ERR_NOT_FOUND);
    step->id = shared_id;
    assert_int_equal(did(step, view_find), ERR_OK);
    int64_t changed_us = step->view.changed_unix_us;
    strcpy(step->view.address, "explore?q=2");
    assert_int_equal(did(step, view_update), ERR_OK);
    assert_true(step->view.changed_unix_us > changed_us);
    assert_int_equal(did(step, view_find), ERR_OK);
    assert_string_equal(step->view.address, "explore?q=2");

    step->project_id = fixture->lobby.id; /* by the id from another project: not there */
    assert_int_equal(did(step, view_find), ERR_NOT_FOUND);
    assert_int_equal(did(step, view_delete), ERR_NOT_FOUND);
    step->project_id = fixture->shop.id;
    db_fixture_run(fixture->db, "UPDATE users SET is_instance_admin = 1 WHERE email = 'bob@example.com'");
    assert_int_equal(did(step, ann_delete), ERR_OK);
    assert_list(fixture, fixture->bob.id, NULL, 10, "a shared c shared ");
    assert_int_equal(db_fixture_number(fixture->db, "SELECT count(*) FROM saved_views"), 2);
    assert_int_equal(did(step, view_delete), ERR_OK);
    assert_int_equal(did(step, view_delete), ERR_NOT_FOUND);
    free(step);
}

static bool link_insert(struct db_session *session, void *ctx, struct err *err)
{
    struct step *step = ctx;
    return share_insert(session, step->fixture->secret, &step->share, step->token, err);
}
static bool link_revoke(struct db_session *session, void *ctx, struct err *err)
{
    struct step *step = ctx;
    return share_revoke(session, step->project_id, step->share.id, err);
}
static bool sharing_set(struct db_session *session, void *ctx, struct err *err)
{
    struct step *step = ctx;
    return share_set_on(session, step->project_id, step->is_on, err);
}

static enum err_code opened(struct step *step, const char *token, struct actor *actor)
{
    struct share *share = mem_calloc(1, sizeof *share);
    struct err err = { 0 };
    bool ok = share_find(step->fixture->db, step->fixture->secret, bytes_of_text(token), share, actor, &err);
    assert_true(ok == (err.code == ERR_OK));
    if (ok) assert_string_equal(share->address, step->share.address);
    if (!ok) assert_int_equal(actor->kind, ACTOR_NOBODY);
    free(share);
    return err.code;
}

static void link_make(struct step *step)
{
    step->share = (struct share){ .project_id = step->project_id,
                                  .owner_id = step->fixture->ann.id,
                                  .owner_name = "ann@example.com",
                                  .title = "a view",
                                  .address = "explore?q=1",
                                  .from_unix_us = 1000,
                                  .to_unix_us = 2000,
                                  .expires_unix_us = clock_unix_us() + 60 * 1000000ll };
    assert_int_equal(did(step, link_insert), ERR_OK);
}

static bool count_links(void *ctx, const struct share *share)
{
    (void)share;
    ++*(int *)ctx;
    return true;
}

/* Goal: a link opens what it says until it expires, is revoked, or its maker may not share; nothing of the token is kept. */
static void test_links(void **state)
{
    struct fixture *fixture = *state;
    struct step *step = mem_calloc(1, sizeof *step);
    struct actor actor;
    struct err err = { 0 };
    char token[SHARE_TOKEN_BYTES];
    *step = (struct step){ .fixture = fixture, .project_id = fixture->shop.id };
    link_make(step);
    assert_true(share_is_token(bytes_of_text(step->token)));
    assert_int_equal(opened(step, step->token, &actor), ERR_OK);
    assert_int_equal(actor.kind, ACTOR_SHARE);
    assert_true(uuid_equal(actor.project_id, fixture->shop.id) && actor.from_unix_us == 1000 &&
                actor.to_unix_us == 2000);
    assert_string_equal(actor.name, "ann@example.com");
    enum access_role role;
    assert_true(access_role_of(fixture->db, &actor, fixture->lobby.id, &role, &err) && role == ROLE_NONE);

    /* Another token, and the HMAC by another secret. */
    strcpy(token, step->token);
    token[20] = token[20] == 'A' ? 'B' : 'A';
    assert_int_equal(opened(step, token, &actor), ERR_UNAUTHENTICATED);
    assert_int_equal(opened(step, "mol_", &actor), ERR_UNAUTHENTICATED);
    fixture->secret[0] ^= 1;
    assert_int_equal(opened(step, step->token, &actor), ERR_UNAUTHENTICATED);
    fixture->secret[0] ^= 1;

    /* Expired; as it was; switched off; as it was; its maker disabled, made a viewer. */
    db_fixture_run(fixture->db, "UPDATE share_links SET expires_unix_us = 1");
    assert_int_equal(opened(step, step->token, &actor), ERR_UNAUTHENTICATED);
    db_fixture_run(fixture->db, "UPDATE share_links SET expires_unix_us = 9000000000000000");
    assert_int_equal(opened(step, step->token, &actor), ERR_OK);
    assert_int_equal(did(step, sharing_set), ERR_OK);
    assert_int_equal(did(step, sharing_set), ERR_OK);
    assert_int_equal(opened(step, step->token, &actor), ERR_FORBIDDEN);
    strcpy(token, step->token);
    assert_int_equal(did(step, link_insert), ERR_FORBIDDEN);
    step->is_on = true;
    assert_int_equal(did(step, sharing_set), ERR_OK);
    assert_int_equal(opened(step, token, &actor), ERR_OK);
    db_fixture_run(fixture->db, "UPDATE users SET disabled_unix_us = 1 WHERE email = 'ann@example.com'");
    assert_int_equal(opened(step, token, &actor), ERR_UNAUTHENTICATED);
    db_fixture_run(fixture->db, "UPDATE users SET disabled_unix_us = NULL WHERE email = 'ann@example.com'");
    db_fixture_run(fixture->db, "UPDATE project_members SET role = 1");
    assert_int_equal(opened(step, token, &actor), ERR_UNAUTHENTICATED);
    db_fixture_run(fixture->db, "UPDATE project_members SET role = 2");
    assert_int_equal(opened(step, token, &actor), ERR_OK);

    int count = 0;
    link_make(step);
    assert_true(share_list(fixture->db, fixture->shop.id, NULL, 10, count_links, &count, &err));
    assert_int_equal(count, 2);
    step->project_id = fixture->lobby.id;
    assert_int_equal(did(step, link_revoke), ERR_NOT_FOUND);
    step->project_id = fixture->shop.id;
    assert_int_equal(did(step, link_revoke), ERR_OK);
    assert_int_equal(opened(step, step->token, &actor), ERR_UNAUTHENTICATED);
    assert_int_equal(opened(step, token, &actor), ERR_OK);
    db_fixture_run(fixture->db, "UPDATE users SET is_instance_admin = 1 WHERE email = 'bob@example.com'");
    assert_int_equal(did(step, ann_delete), ERR_OK);
    assert_int_equal(opened(step, token, &actor), ERR_UNAUTHENTICATED);
    free(step);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        DB_BOTH(test_views, setup, teardown),
        DB_BOTH(test_links, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
