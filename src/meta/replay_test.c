/* Sessions that were recorded: what is stored of them is found, on SQLite and on PostgreSQL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include "meta/meta_fixture.h"

#include "base/clock.h"
#include "meta/replay_backend.h"

struct fixture {
    struct db_fixture *base;
    struct meta *meta;
    struct db *db;
    struct meta_project shop;
    struct arena arena;
    struct tap_move move;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct err err = { 0 };
    fixture->base = meta_fixture_open(state, &fixture->meta, &fixture->shop, NULL);
    fixture->db = meta_db(fixture->meta);
    arena_init(&fixture->arena, 0);
    fixture->move = (struct tap_move){ .tap = REPLAY_TAP, .app_id = "app", .owner = uuid_random() };
    if (!tap_position_take(fixture->db, REPLAY_TAP, "app", fixture->move.owner, clock_unix_us(),
                           &fixture->move.position, &err))
        fail_msg("%s", err.text);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    meta_close(fixture->meta);
    db_fixture_teardown(fixture->base);
    arena_deinit(&fixture->arena);
    free(fixture);
    return 0;
}

static struct replay_session session_of(struct fixture *fixture, const char *id)
{
    const struct bytes none = BYTES("");
    return (struct replay_session){ .project_id = fixture->shop.id,
                                    .id = bytes_of_text(id),
                                    .first_unix_us = 1000,
                                    .last_unix_us = 2000,
                                    .service = none,
                                    .version = none,
                                    .environment = none,
                                    .user_id = none,
                                    .user_name = none,
                                    .user_email = none,
                                    .user_agent = none,
                                    .landing_url = none,
                                    .traces = none,
                                    .event_count = 1 };
}

static void store(struct fixture *fixture, const struct replay_session *sessions, size_t count)
{
    struct err err = { 0 };
    fixture->move.before = fixture->move.position++;
    struct replay_changes changes = { .move = fixture->move, .sessions = sessions, .session_count = count };
    if (!replay_store(fixture->db, &changes, clock_unix_us(), &err)) fail_msg("%s", err.text);
}

/* The ids of those found, the latest first, with a blank behind each. */
static const char *listed(struct fixture *fixture, struct replay_filter filter)
{
    struct replay_session *sessions;
    struct err err = { 0 };
    uint32_t count;
    const char *text = "";
    struct bytes *const texts[] = { &filter.session, &filter.user, &filter.service, &filter.environment, &filter.text };
    for (size_t t = 0; t < COUNT_OF(texts); t++)
        if (texts[t]->len == 0) *texts[t] = BYTES("");
    filter.to_unix_us = INT64_MAX;
    filter.limit = 10;
    filter.after_id = BYTES("");
    if (!replay_list(fixture->db, fixture->shop.id, &filter, &fixture->arena, &sessions, &count, &err))
        fail_msg("%s", err.text);
    for (uint32_t s = 0; s < count; s++)
        text =
            arena_printf(&fixture->arena, "%s%.*s ", text, (int)sessions[s].id.len, (const char *)sessions[s].id.ptr);
    return text;
}

static int64_t pages_of(struct fixture *fixture, const char *id)
{
    struct replay_session session;
    struct replay_segment *segments;
    struct err err = { 0 };
    uint32_t count;
    if (!replay_read(fixture->db, fixture->shop.id, bytes_of_text(id), &fixture->arena, &session, &segments, &count,
                     &err))
        fail_msg("%s", err.text);
    return session.page_count;
}

static bool forget(struct db_session *session, void *ctx, struct err *err)
{
    struct fixture *fixture = ctx;
    return replay_forget(session, fixture->shop.id, BYTES("b"), err);
}

/* Goal: a session is found by any of its pages, whichever batch told them, and by none once it is deleted. */
static void test_pages(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    const struct bytes first[] = { BYTES("https://x.test/cart"), BYTES("https://x.test/100%") };
    const struct bytes later[] = { BYTES("https://x.test/cart"), BYTES("https://x.test/pay") };
    struct replay_session sessions[] = { session_of(fixture, "a"), session_of(fixture, "b") };
    sessions[1].urls = first, sessions[1].url_count = COUNT_OF(first);
    sessions[0].landing_url = BYTES("https://x.test/landing");
    store(fixture, sessions, 2);
    sessions[1].urls = later, sessions[1].url_count = COUNT_OF(later);
    store(fixture, &sessions[1], 1);
    assert_string_equal(listed(fixture, (struct replay_filter){ .text = BYTES("") }), "b a ");
    assert_string_equal(listed(fixture, (struct replay_filter){ .text = BYTES("landing") }), "a ");
    assert_string_equal(listed(fixture, (struct replay_filter){ .text = BYTES("test/cart") }), "b ");
    assert_string_equal(listed(fixture, (struct replay_filter){ .text = BYTES("/pay") }), "b ");
    assert_string_equal(listed(fixture, (struct replay_filter){ .text = BYTES("100%") }), "b ");
    assert_string_equal(listed(fixture, (struct replay_filter){ .text = BYTES("%pay") }), "");
    assert_int_equal(pages_of(fixture, "b"), 3); /* of a recorder that counts none */
    if (!db_transaction(fixture->db, forget, fixture, &err)) fail_msg("%s", err.text);
    assert_string_equal(listed(fixture, (struct replay_filter){ .text = BYTES("/pay") }), "");
    sessions[1].url_count = 0;
    store(fixture, &sessions[1], 1);
    assert_string_equal(listed(fixture, (struct replay_filter){ .text = BYTES("/pay") }), "");
}

/* Goal: a session with ever new pages does not grow for ever. */
static void test_many_pages(void **state)
{
    struct fixture *fixture = *state;
    struct replay_session session = session_of(fixture, "a");
    struct bytes urls[50];
    session.urls = urls, session.url_count = COUNT_OF(urls);
    for (int n = 0; n < 300; n++) {
        urls[n % 50] = bytes_of_text(arena_printf(&fixture->arena, "/%d", n));
        if (n % 50 == 49) store(fixture, &session, 1);
    }
    assert_int_equal(pages_of(fixture, "a"), REPLAY_SESSION_URLS_MAX);
    session.page_count = 300;
    store(fixture, &session, 1);
    assert_int_equal(pages_of(fixture, "a"), 300); /* those that it tells, where it does */
}

static const char *due_of(struct fixture *fixture, int64_t now_unix_us)
{
    const struct replay_backend_options options = { now_unix_us, 1000, 5000, 10 };
    struct replay_backend_due *due;
    struct err err = { 0 };
    uint32_t count;
    const char *text = "";
    if (!replay_backend_due(fixture->db, &options, &fixture->arena, &due, &count, &err)) fail_msg("%s", err.text);
    for (uint32_t d = 0; d < count; d++)
        text =
            arena_printf(&fixture->arena, "%s%.*s(%.*s) ", text, (int)due[d].session_id.len,
                         (const char *)due[d].session_id.ptr, (int)due[d].traces.len, (const char *)due[d].traces.ptr);
    return text;
}

static void looked(struct fixture *fixture, const char *id, int64_t at_unix_us, struct bytes services)
{
    const struct replay_backend_due due = { .project_id = fixture->shop.id, .session_id = bytes_of_text(id) };
    const struct replay_backend found = { at_unix_us, 7, 2, services, BYTES("t1 t2 ") };
    struct err err = { 0 };
    if (!replay_backend_store(fixture->db, &due, &found, 1, &err)) fail_msg("%s", err.text);
}

/* Goal: a session is looked at while it goes on and once more after that; who asks for a service finds the page's and those behind it. */
static void test_backend(void **state)
{
    struct fixture *fixture = *state;
    struct replay_session session = session_of(fixture, "a");
    int64_t now = clock_unix_us();
    session.service = BYTES("page");
    session.traces = BYTES("t1 ");
    store(fixture, &session, 1);
    session.traces = BYTES("t2 ");
    store(fixture, &session, 1);
    assert_string_equal(due_of(fixture, now + 1000000), "a(t1 t2 ) ");
    looked(fixture, "a", now - 500, BYTES("\npay\n100%\n"));
    assert_string_equal(due_of(fixture, now), ""); /* a moment ago */
    assert_string_equal(due_of(fixture, now + 1000), "a(t1 t2 ) ");
    looked(fixture, "a", now + 60000000, BYTES("\npay\n100%\n")); /* long after the last that was heard of it */
    assert_string_equal(due_of(fixture, now + 90000000), "");
    assert_string_equal(listed(fixture, (struct replay_filter){ .service = BYTES("page") }), "a ");
    assert_string_equal(listed(fixture, (struct replay_filter){ .service = BYTES("pay") }), "a ");
    assert_string_equal(listed(fixture, (struct replay_filter){ .service = BYTES("100%") }), "a ");
    static const char *const others[] = { "pa", "ay", "%" };
    for (size_t o = 0; o < COUNT_OF(others); o++)
        assert_string_equal(listed(fixture, (struct replay_filter){ .service = bytes_of_text(others[o]) }), "");
    looked(fixture, "gone", now, BYTES(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = { DB_BOTH(test_pages, setup, teardown), DB_BOTH(test_many_pages, setup, teardown),
                                        DB_BOTH(test_backend, setup, teardown) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
