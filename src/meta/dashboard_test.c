/* threads: none */
/* Dashboards and their versions: slugs, order, what is kept of what they were; on SQLite and on PostgreSQL. */
#include "meta/meta_fixture.h"

#include "meta/dashboard.h"

struct fixture {
    struct db_fixture *base;
    struct meta *meta;
    struct db *db;
    struct meta_project shop, lobby;
    struct arena arena;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->base = meta_fixture_open(state, &fixture->meta, &fixture->shop, &fixture->lobby);
    fixture->db = meta_db(fixture->meta);
    arena_init(&fixture->arena, 0);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    arena_deinit(&fixture->arena);
    meta_close(fixture->meta);
    db_fixture_teardown(fixture->base);
    free(fixture);
    return 0;
}

struct step {
    struct fixture *fixture;
    struct dashboard dashboard;
    struct dashboard_version version;
    struct uuid project_id;
    struct bytes slug;
    int64_t number;
};
static enum err_code did(struct step *step, db_work_fn *run)
{
    return db_fixture_did(step->fixture->db, run, step);
}
static bool insert(struct db_session *session, void *ctx, struct err *err)
{
    struct step *step = ctx;
    return dashboard_insert(session, &step->fixture->arena, &step->dashboard, err);
}
static bool find(struct db_session *session, void *ctx, struct err *err)
{
    struct step *step = ctx;
    return dashboard_find(session, &step->fixture->arena, step->project_id, step->slug, &step->dashboard, err);
}
static bool update(struct db_session *session, void *ctx, struct err *err)
{
    struct step *step = ctx;
    return dashboard_update(session, &step->dashboard, step->number, err);
}
static bool drop(struct db_session *session, void *ctx, struct err *err)
{
    struct step *step = ctx;
    return dashboard_delete(session, step->dashboard.id, err);
}
static bool version_find(struct db_session *session, void *ctx, struct err *err)
{
    struct step *step = ctx;
    return dashboard_version_find(session, &step->fixture->arena, step->dashboard.id, step->number, &step->version,
                                  err);
}

static struct step step_of(struct fixture *fixture, const char *title, const char *slug)
{
    return (struct step){ .fixture = fixture,
                          .project_id = fixture->shop.id,
                          .dashboard = { .project_id = fixture->shop.id,
                                         .slug = bytes_of_text(slug),
                                         .title = bytes_of_text(title),
                                         .description = BYTES(""),
                                         .content = BYTES("{\"panels\":[]}"),
                                         .author = BYTES("ann@example.com") } };
}

static void assert_text(struct bytes is, const char *wanted)
{
    if (!bytes_equal(is, bytes_of_text(wanted))) fail_msg("\"%.*s\" is not \"%s\"", (int)is.len, is.ptr, wanted);
}

static void test_slugs(void **state)
{
    static const char *const bad[] = { "", "-a", "a-", "A", "a b", "a/b", "\xC3\xA4", "a_b" };
    static const struct {
        const char *title, *slug;
    } titles[] = { { "HTTP: services (all)", "http-services-all" },
                   { "\xC3\x84", "dashboard" },
                   { " - ", "dashboard" },
                   { "7 days", "7-days" } };
    char slug[DASHBOARD_SLUG_BYTES], longest[200];
    struct err err = { 0 };
    (void)state;
    for (size_t b = 0; b < COUNT_OF(bad); b++) assert_false(dashboard_slug_check(bytes_of_text(bad[b]), &err));
    for (size_t t = 0; t < COUNT_OF(titles); t++) {
        dashboard_slug_of(bytes_of_text(titles[t].title), slug);
        assert_string_equal(slug, titles[t].slug);
        assert_true(dashboard_slug_check(bytes_of_text(slug), &err));
    }
    memset(longest, 'a', sizeof longest);
    dashboard_slug_of(bytes_from(longest, sizeof longest), slug);
    assert_true(strlen(slug) < DASHBOARD_SLUG_BYTES && dashboard_slug_check(bytes_of_text(slug), &err));
}

static bool slug_add(void *ctx, const struct dashboard *dashboard)
{
    char *names = ctx;
    snprintf(names + strlen(names), 100 - strlen(names), "%.*s ", (int)dashboard->slug.len, dashboard->slug.ptr);
    return true;
}

/* Goal: a slug is one project's; where the title's is taken another is found; lists are by title, and go on where they ended. */
static void test_made_and_listed(void **state)
{
    struct fixture *fixture = *state;
    struct step first = step_of(fixture, "Web", ""), second = step_of(fixture, "Web", ""),
                named = step_of(fixture, "All", "all"), other = step_of(fixture, "Web", "web");
    struct err err = { 0 };
    char names[100] = "";
    assert_int_equal(did(&first, insert), ERR_OK);
    assert_text(first.dashboard.slug, "web");
    assert_int_equal(did(&second, insert), ERR_OK);
    assert_text(second.dashboard.slug, "web-2");
    assert_int_equal(did(&named, insert), ERR_OK);
    assert_int_equal(did(&named, insert), ERR_EXISTS);
    other.dashboard.project_id = fixture->lobby.id;
    assert_int_equal(did(&other, insert), ERR_OK);
    assert_true(dashboard_list(fixture->db, fixture->shop.id, NULL, 10, slug_add, names, &err));
    assert_string_equal(names, "all web web-2 ");
    struct dashboard_place after = { BYTES("Web"), BYTES("web") };
    names[0] = '\0';
    assert_true(dashboard_list(fixture->db, fixture->shop.id, &after, 10, slug_add, names, &err));
    assert_string_equal(names, "web-2 ");
    other.slug = BYTES("all"); /* of the other project */
    other.project_id = fixture->lobby.id;
    assert_int_equal(did(&other, find), ERR_NOT_FOUND);
}

static bool number_add(void *ctx, const struct dashboard_version *version)
{
    int64_t *sum = ctx;
    *sum = *sum * 10 + version->version;
    return true;
}

/* Goal: what it was can be had again, as it was; the oldest versions go, and all of them with the dashboard. */
static void test_versions(void **state)
{
    struct fixture *fixture = *state;
    struct step step = step_of(fixture, "Web", "web");
    struct err err = { 0 };
    int64_t numbers = 0;
    assert_int_equal(did(&step, insert), ERR_OK);
    step.dashboard.title = BYTES("Other");
    step.dashboard.content = BYTES("{\"panels\":[1]}");
    step.dashboard.author = BYTES("bob@example.com");
    assert_int_equal(did(&step, update), ERR_OK);
    step.slug = BYTES("web");
    assert_int_equal(did(&step, find), ERR_OK);
    assert_text(step.dashboard.title, "Other");
    assert_text(step.dashboard.author, "bob@example.com");
    assert_int_equal(step.dashboard.version, 2);
    assert_true(step.dashboard.changed_unix_us > step.dashboard.created_unix_us);
    step.number = 1;
    assert_int_equal(did(&step, version_find), ERR_OK);
    assert_text(step.version.title, "Web");
    assert_text(step.version.content, "{\"panels\":[]}");
    assert_text(step.version.author, "ann@example.com");
    assert_true(dashboard_version_list(fixture->db, step.dashboard.id, INT64_MAX, 10, number_add, &numbers, &err));
    assert_int_equal(numbers, 21);
    for (int again = 0; again < DASHBOARD_VERSIONS_MAX; again++) assert_int_equal(did(&step, update), ERR_OK);
    step.number = 2;
    assert_int_equal(did(&step, version_find), ERR_NOT_FOUND);
    step.number = 3;
    assert_int_equal(did(&step, version_find), ERR_OK);
    assert_int_equal(step.version.restored_version, 1);
    assert_int_equal(db_fixture_number(fixture->db, "SELECT count(*) FROM dashboard_versions"), DASHBOARD_VERSIONS_MAX);
    assert_int_equal(did(&step, drop), ERR_OK);
    assert_int_equal(did(&step, drop), ERR_NOT_FOUND);
    assert_int_equal(did(&step, find), ERR_NOT_FOUND);
    assert_int_equal(db_fixture_number(fixture->db, "SELECT count(*) FROM dashboard_versions"), 0);
}

/* Goal: no project grows without end. */
static void test_bounds(void **state)
{
    struct fixture *fixture = *state;
    struct step step = step_of(fixture, "Web", "web");
    char *long_one = mem_calloc(1, DASHBOARD_CONTENT_BYTES_MAX + 1);
    memset(long_one, ' ', DASHBOARD_CONTENT_BYTES_MAX + 1);
    step.dashboard.content = bytes_from(long_one, DASHBOARD_CONTENT_BYTES_MAX + 1);
    assert_int_equal(did(&step, insert), ERR_TOO_LARGE);
    step.dashboard.content = bytes_from(long_one, DASHBOARD_CONTENT_BYTES_MAX);
    assert_int_equal(did(&step, insert), ERR_OK);
    step.dashboard.content = bytes_from(long_one, DASHBOARD_CONTENT_BYTES_MAX + 1);
    assert_int_equal(did(&step, update), ERR_TOO_LARGE);
    free(long_one);
    for (int more = 1; more < DASHBOARDS_MAX; more++) {
        struct step other = step_of(fixture, "x", arena_printf(&fixture->arena, "x%d", more));
        assert_int_equal(did(&other, insert), ERR_OK);
    }
    step = step_of(fixture, "One too many", "");
    assert_int_equal(did(&step, insert), ERR_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slugs),
        DB_BOTH(test_made_and_listed, setup, teardown),
        DB_BOTH(test_versions, setup, teardown),
        DB_BOTH(test_bounds, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
