/* Segments of sessions become few, by two joiners at once, on SQLite and on PostgreSQL: each batch is there once, as it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include "meta/meta_fixture.h"

#include "base/clock.h"
#include "base/disk.h"
#include "timefusion/object/object.h"
#include "worker/replay/replay_join.h"
#include "worker/replay/replay_ranges.h"
#include "worker/replay/replay_segments.h"
#include "worker/replay/replay_unpack.h"

enum { SESSIONS = 12, FLUSHES = 9, BATCHES = 4 };
#define IDLE_US INT64_C(300000)

struct fixture {
    struct db_fixture *base;
    struct meta *meta;
    struct db *db;
    struct meta_project shop;
    char dir[64];
    struct object_store *objects;
    struct arena arena;
    struct uuid owner;
    uint64_t position;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct err err = { 0 };
    fixture->base = meta_fixture_open(state, &fixture->meta, &fixture->shop, NULL);
    fixture->db = meta_db(fixture->meta);
    strcpy(fixture->dir, "/tmp/mono_replays_XXXXXX");
    assert_non_null(mkdtemp(fixture->dir));
    if (!object_store_open_folder(&fixture->objects, fixture->dir, &disk_real, &err)) fail_msg("%s", err.text);
    arena_init(&fixture->arena, 0);
    fixture->owner = uuid_random();
    if (!tap_position_take(fixture->db, REPLAY_TAP, "app", fixture->owner, clock_unix_us(), &fixture->position, &err))
        fail_msg("%s", err.text);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    char command[128];
    object_store_close(fixture->objects);
    meta_close(fixture->meta);
    db_fixture_teardown(fixture->base);
    arena_deinit(&fixture->arena);
    snprintf(command, sizeof command, "rm -rf %s", fixture->dir);
    assert_int_equal(system(command), 0);
    free(fixture);
    return 0;
}

static void batch_add(struct fixture *fixture, struct replay_delta *delta, int session, int sequence)
{
    struct bytes body = bytes_of_text(arena_printf(
        &fixture->arena,
        "{\"session\":\"s%d\",\"tab\":\"t%d\",\"recording\":\"r\",\"sequence\":%d,\"events\":[{\"type\":%d,"
        "\"timestamp\":%lld,\"data\":{\"source\":2,\"type\":2}}]}",
        session, sequence % 2, sequence / 2, sequence / 2 == 0 ? 2 : 3, 1790000000000LL + sequence));
    replay_delta_add(delta, fixture->shop.id, body);
}

static const struct replay_names nobody;

/* One batch of each flush comes with the next one again. */
static void flush(struct fixture *fixture, int number)
{
    struct err err = { 0 };
    struct replay_delta *delta = replay_delta_create();
    struct replay_changes changes = { .move = { .tap = REPLAY_TAP,
                                                .app_id = "app",
                                                .owner = fixture->owner,
                                                .before = fixture->position,
                                                .position = fixture->position + 1 } };
    for (int s = 0; s < SESSIONS; s++) {
        for (int b = 0; b < BATCHES; b++) batch_add(fixture, delta, s, number * BATCHES + b);
        if (number > 0) batch_add(fixture, delta, s, number * BATCHES - 1);
    }
    if (!replay_segments_write(fixture->objects, delta, &nobody, &fixture->arena, &changes, &err) ||
        !replay_store(fixture->db, &changes, clock_unix_us(), &err))
        fail_msg("%s", err.text);
    fixture->position++;
    replay_delta_destroy(delta);
}

static bool line_count(void *ctx, struct bytes batch, struct err *err)
{
    (void)batch, (void)err;
    ++*(int *)ctx;
    return true;
}

static int lines_of(struct fixture *fixture, struct bytes session, struct bytes name)
{
    struct buf packed;
    struct err err = { 0 };
    int count = 0;
    buf_init(&packed, 1 << 20);
    if (!object_get(fixture->objects, replay_key(&fixture->arena, fixture->shop.id, session, name), 1 << 20, &packed,
                    &err) ||
        !replay_unpack(buf_bytes(&packed), line_count, &count, &err))
        fail_msg("%s", err.text);
    buf_deinit(&packed);
    return count;
}

static struct replay_joiner *joiner_open(struct fixture *fixture)
{
    struct replay_joiner *joiner;
    struct err err = { 0 };
    struct replay_joiner_options options = {
        .db = fixture->db, .objects = fixture->objects, .idle_us = IDLE_US, .log = &db_fixture_log
    };
    if (!replay_joiner_start(&joiner, &options, &err)) fail_msg("%s", err.text);
    return joiner;
}

static bool object_count(void *ctx, const char *key, uint64_t bytes, int64_t modified_unix_us)
{
    (void)key, (void)bytes, (void)modified_unix_us;
    ++*(int *)ctx;
    return true;
}

static int objects_of(struct fixture *fixture)
{
    struct err err = { 0 };
    int count = 0;
    if (!object_list(fixture->objects, "replay/", object_count, &count, &err)) fail_msg("%s", err.text);
    return count;
}

static void session_check(struct fixture *fixture, int number)
{
    struct replay_session session;
    struct replay_segment *segments;
    struct err err = { 0 };
    uint32_t count;
    struct bytes id = bytes_of_text(arena_printf(&fixture->arena, "s%d", number));
    if (!replay_read(fixture->db, fixture->shop.id, id, &fixture->arena, &session, &segments, &count, &err))
        fail_msg("%s", err.text);
    assert_true(session.is_complete);
    assert_int_equal(count, 2); /* a tab each */
    assert_int_equal(session.event_count, FLUSHES * BATCHES);
    assert_int_equal(session.click_count, FLUSHES * BATCHES - 2); /* all but the snapshots */
    assert_int_equal(session.byte_count, segments[0].byte_count + segments[1].byte_count);
    for (uint32_t s = 0; s < count; s++) {
        struct bytes rest = segments[s].ranges;
        struct replay_range range;
        assert_true(replay_ranges_next(&rest, &range) && rest.len == 0 && range.has_snapshot);
        assert_int_equal(range.from, 0);
        assert_int_equal(range.to, FLUSHES * BATCHES / 2 - 1);
        assert_int_equal(lines_of(fixture, id, segments[s].name), FLUSHES * BATCHES / 2);
    }
}

static void wait_for(struct fixture *fixture, struct replay_joiner *const joiners[2], uint64_t completed, int objects)
{
    struct replay_joiner_stats one, other;
    for (int tries = 0; tries < 1500; tries++) {
        replay_joiner_stats(joiners[0], &one);
        replay_joiner_stats(joiners[1], &other);
        assert_int_equal(one.failures + other.failures, 0);
        if (one.completed + other.completed >= completed && objects_of(fixture) == objects) return;
        usleep(20000);
    }
    fail_msg("%d sessions are complete, there are %d objects", (int)(one.completed + other.completed),
             objects_of(fixture));
}

/* Goal: what two joiners make of many flushes is one object a tab, with each batch once; what was joined goes. */
static void test_two(void **state)
{
    struct fixture *fixture = *state;
    for (int f = 0; f < FLUSHES; f++) flush(fixture, f);
    assert_int_equal(objects_of(fixture), FLUSHES * SESSIONS * 2);
    struct replay_joiner *const joiners[2] = { joiner_open(fixture), joiner_open(fixture) };
    wait_for(fixture, joiners, SESSIONS, SESSIONS * 2);
    for (int s = 0; s < SESSIONS; s++) session_check(fixture, s);
    for (size_t j = 0; j < COUNT_OF(joiners); j++) replay_joiner_stop(joiners[j]);
}

/* Goal: an object that is damaged or gone stays as it is told, and the others are joined without it. */
static void test_unreadable(void **state)
{
    struct fixture *fixture = *state;
    struct replay_session session;
    struct replay_segment *segments;
    struct err err = { 0 };
    uint32_t count;
    for (int f = 0; f < FLUSHES; f++) flush(fixture, f);
    if (!replay_read(fixture->db, fixture->shop.id, BYTES("s0"), &fixture->arena, &session, &segments, &count, &err))
        fail_msg("%s", err.text);
    const char *damaged = replay_key(&fixture->arena, fixture->shop.id, BYTES("s0"), segments[1].name);
    const char *gone = replay_key(&fixture->arena, fixture->shop.id, BYTES("s0"), segments[4].name);
    assert_true(object_put(fixture->objects, damaged, BYTES("no gzip"), &err) &&
                object_delete(fixture->objects, gone, &err));
    struct replay_joiner *const joiners[2] = { joiner_open(fixture), joiner_open(fixture) };
    wait_for(fixture, joiners, SESSIONS, SESSIONS * 2 + 1); /* the damaged one beside */
    for (int s = 1; s < SESSIONS; s++) session_check(fixture, s);
    if (!replay_read(fixture->db, fixture->shop.id, BYTES("s0"), &fixture->arena, &session, &segments, &count, &err))
        fail_msg("%s", err.text);
    assert_int_equal(count, 4);
    for (size_t j = 0; j < COUNT_OF(joiners); j++) replay_joiner_stop(joiners[j]);
}

static bool line_keep(void *ctx, struct bytes batch, struct err *err)
{
    (void)err;
    return buf_add(ctx, batch.ptr, batch.len) && buf_add(ctx, "\n", 1);
}

/* Goal: batches without numbers are in the order of their times; one that came twice is there once, two of one moment are both. */
static void test_unnumbered(void **state)
{
    struct fixture *fixture = *state;
    static const char *const batches[] = { "790,\"is\":\"c\"", "780,\"is\":\"b\"", "780,\"is\":\"a\"",
                                           "770,\"is\":\"0\"", "780,\"is\":\"b\"" };
    struct replay_delta *delta = replay_delta_create();
    struct replay_segment segment;
    struct replay_session twice = { 0 };
    struct err err = { 0 };
    struct buf packed, lines;
    for (size_t b = 0; b < COUNT_OF(batches); b++)
        replay_delta_add(delta, fixture->shop.id,
                         bytes_of_text(arena_printf(&fixture->arena,
                                                    "{\"session\":\"s\",\"tab\":\"t\",\"recording\":\"r\",\"events\":"
                                                    "[{\"type\":2,\"timestamp\":1790000000%s}]}",
                                                    batches[b])));
    if (!replay_segment_join(fixture->objects, delta, 5, "all", &fixture->arena, &segment, &twice, &err))
        fail_msg("%s", err.text);
    assert_int_equal(segment.event_count, 4);
    assert_int_equal(twice.event_count, 1);
    assert_true(bytes_equal(segment.ranges, BYTES("r 1790000000770 1790000000790 snapshot unnumbered")));
    buf_init(&packed, 1 << 20);
    buf_init(&lines, 1 << 20);
    assert_true(object_get(fixture->objects, replay_key(&fixture->arena, fixture->shop.id, BYTES("s"), segment.name),
                           1 << 20, &packed, &err) &&
                replay_unpack(buf_bytes(&packed), line_keep, &lines, &err) && buf_add(&lines, "", 1));
    const char *text = (const char *)lines.ptr,
               *at[] = { strstr(text, "\"0\""), strstr(text, "\"a\""), strstr(text, "\"b\""), strstr(text, "\"c\"") };
    assert_true(at[0] && at[0] < at[1] && at[0] < at[2] && at[1] < at[3] && at[2] < at[3]);
    assert_null(strstr(at[2] + 1, "\"b\""));
    buf_deinit(&packed);
    buf_deinit(&lines);
    replay_delta_destroy(delta);
}

/* Two sessions' next batches are stored, as by a tap that knows these names. */
static void two_flush(struct fixture *fixture, int sequence, const struct replay_names *kept_out)
{
    struct err err = { 0 };
    struct replay_delta *delta = replay_delta_create();
    struct replay_changes changes = { .move = { .tap = REPLAY_TAP,
                                                .app_id = "app",
                                                .owner = fixture->owner,
                                                .before = fixture->position,
                                                .position = fixture->position + 1 } };
    batch_add(fixture, delta, 101, sequence);
    if (sequence != 4) batch_add(fixture, delta, 102, sequence);
    if (!replay_segments_write(fixture->objects, delta, kept_out, &fixture->arena, &changes, &err) ||
        !replay_store(fixture->db, &changes, clock_unix_us(), &err))
        fail_msg("%s", err.text);
    fixture->position++;
    replay_delta_destroy(delta);
}

static uint32_t segments_of(struct fixture *fixture, const char *session)
{
    struct replay_segment *segments;
    struct err err = { 0 };
    uint32_t count;
    if (!replay_segments_read(fixture->db, fixture->shop.id, bytes_of_text(session), &fixture->arena, &segments, &count,
                              &err))
        fail_msg("%s", err.text);
    return count;
}

static uint32_t returned(struct fixture *fixture, struct replay_session **sessions)
{
    struct err err = { 0 };
    uint32_t count;
    if (!replay_returned(fixture->db, 10, &fixture->arena, sessions, &count, &err)) fail_msg("%s", err.text);
    return count;
}

static bool object_any(void *ctx, const char *key, uint64_t bytes, int64_t modified_unix_us)
{
    (void)key, (void)bytes, (void)modified_unix_us;
    *(bool *)ctx = true;
    return true;
}

/* Goal: what comes of a session after somebody asked to delete it is not kept; what was being stored meanwhile is found. */
static void test_kept_out(void **state)
{
    struct fixture *fixture = *state;
    struct replay_names names;
    struct replay_session *sessions;
    struct err err = { 0 };
    bool is_there = false;
    two_flush(fixture, 0, &nobody);
    assert_int_equal(segments_of(fixture, "s101"), 1);
    if (!replay_session_delete(fixture->objects, fixture->db, fixture->shop.id, BYTES("s101"), true, &err) ||
        !replay_session_delete(fixture->objects, fixture->db, fixture->shop.id, BYTES("s101"), true, &err) ||
        !replay_kept_out(fixture->db, &fixture->arena, &names, &err))
        fail_msg("%s", err.text);
    assert_int_equal(names.count, 1);
    assert_true(replay_is_kept_out(&names, fixture->shop.id, BYTES("s101")));
    assert_false(replay_is_kept_out(&names, fixture->shop.id, BYTES("s10")));
    assert_false(replay_is_kept_out(&names, uuid_random(), BYTES("s101")));
    two_flush(fixture, 2, &names);
    two_flush(fixture, 4, &names); /* of nobody else */
    assert_int_equal(segments_of(fixture, "s101"), 0);
    assert_int_equal(segments_of(fixture, "s102"), 2);
    if (!object_list(fixture->objects, replay_prefix(&fixture->arena, fixture->shop.id, BYTES("s101")), object_any,
                     &is_there, &err))
        fail_msg("%s", err.text);
    assert_false(is_there);
    assert_int_equal(returned(fixture, &sessions), 0);
    two_flush(fixture, 6, &nobody); /* by who has read the names before */
    assert_int_equal(returned(fixture, &sessions), 1);
    assert_true(bytes_equal(sessions[0].id, BYTES("s101")));
    if (!replay_session_delete(fixture->objects, fixture->db, sessions[0].project_id, sessions[0].id, false, &err) ||
        !replay_kept_out_expire(fixture->db, clock_unix_us(), &err) ||
        !replay_kept_out(fixture->db, &fixture->arena, &names, &err))
        fail_msg("%s", err.text);
    assert_int_equal(returned(fixture, &sessions), 0);
    assert_int_equal(names.count, 1);
    if (!replay_kept_out_expire(fixture->db, clock_unix_us() + REPLAY_KEPT_OUT_US + 1000000, &err) ||
        !replay_kept_out(fixture->db, &fixture->arena, &names, &err))
        fail_msg("%s", err.text);
    assert_int_equal(names.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { DB_BOTH(test_two, setup, teardown), DB_BOTH(test_unreadable, setup, teardown),
                                        DB_BOTH(test_unnumbered, setup, teardown),
                                        DB_BOTH(test_kept_out, setup, teardown) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
