/* Maps as uploads and workers see them: which counts when, what a store that hangs or lost its bytes does, limits, what ends; on
 * SQLite and on PostgreSQL. */
#include <pthread.h>
#include <sys/stat.h>

#include "meta/meta_fixture.h"

#include "base/clock.h"
#include "base/disk.h"
#include "meta/meta.h"
#include "sourcemaps/open_maps.h"
#include "sourcemaps/sourcemaps.h"
#include "timefusion/object/object.h"

#define SENT "TypeError: x\n    at t (https://www.example.com/assets/app.js:1:11)"

struct fixture {
    struct db_fixture *base;
    struct meta *meta;
    struct db *db;
    struct meta_project shop, lobby;
    char dir[64];
    struct object_store *objects;
    struct sourcemaps *maps;
    struct arena arena;
};

static void maps_open(struct fixture *fixture, struct source_map_limits limits)
{
    struct err err = { 0 };
    struct sourcemaps_options options = { .db = fixture->db,
                                          .objects = fixture->objects,
                                          .bytes_max = 1 << 20,
                                          .limits = limits,
                                          .resolves = true,
                                          .log = &db_fixture_log };
    sourcemaps_close(fixture->maps);
    if (!sourcemaps_open(&fixture->maps, &options, &err)) fail_msg("%s", err.text);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct err err = { 0 };
    fixture->base = meta_fixture_open(state, &fixture->meta, &fixture->shop, &fixture->lobby);
    fixture->db = meta_db(fixture->meta);
    strcpy(fixture->dir, "/tmp/mono_sourcemaps_XXXXXX");
    assert_non_null(mkdtemp(fixture->dir));
    if (!object_store_open_folder(&fixture->objects, fixture->dir, &disk_real, &err)) fail_msg("%s", err.text);
    arena_init(&fixture->arena, 0);
    maps_open(fixture, (struct source_map_limits){ 0 });
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    char command[128];
    sourcemaps_close(fixture->maps);
    object_store_close(fixture->objects);
    meta_close(fixture->meta);
    db_fixture_teardown(fixture->base);
    arena_deinit(&fixture->arena);
    snprintf(command, sizeof command, "rm -rf %s", fixture->dir);
    assert_int_equal(system(command), 0);
    free(fixture);
    return 0;
}

static bool finish_run(struct db_session *session, void *ctx, struct err *err)
{
    return source_map_finish(session, ctx, err);
}

/* A map that says that all comes from a source of that name. */
static bool put_try(struct fixture *fixture, const char *release, const char *file, const char *source,
                    const char *debug_id, struct source_map *map, struct err *err)
{
    char json[400];
    snprintf(
        json, sizeof json,
        "{\"version\":3,\"sources\":[\"%s\"],\"mappings\":\"AAAA\",\"sourcesContent\":[\"let a;\\nb();\\n\"]%s%s%s}",
        source, debug_id != NULL ? ",\"debugId\":\"" : "", debug_id != NULL ? debug_id : "",
        debug_id != NULL ? "\"" : "");
    struct sourcemaps_upload upload = { .project_id = fixture->shop.id,
                                        .release = bytes_of_text(release),
                                        .file = bytes_of_text(file),
                                        .json = bytes_of_text(json),
                                        .by = "ann" };
    return sourcemaps_put(fixture->maps, &upload, map, err) && db_transaction(fixture->db, finish_run, map, err);
}
static struct source_map put(struct fixture *fixture, const char *release, const char *file, const char *source,
                             const char *debug_id)
{
    struct source_map map;
    struct err err = { 0 };
    if (!put_try(fixture, release, file, source, debug_id, &map, &err)) fail_msg("%s", err.text);
    return map;
}

struct ask {
    const struct meta_project *project;
    int64_t at_unix_us;
    const char *release, *debug_ids, *sent;
};
/* "" where the stack stays as it was sent; else what comes behind "at ". */
static const char *resolved(struct fixture *fixture, struct ask ask)
{
    struct rows_stacks_source source = sourcemaps_stacks(fixture->maps);
    struct bytes text;
    struct rows_stack stack = { .project_id = ask.project != NULL ? ask.project->id : fixture->shop.id,
                                .received_unix_us = ask.at_unix_us,
                                .release = bytes_of_text(ask.release != NULL ? ask.release : ""),
                                .debug_ids = bytes_of_text(ask.debug_ids != NULL ? ask.debug_ids : ""),
                                .text = bytes_of_text(ask.sent != NULL ? ask.sent : SENT) };
    if (!source.resolve(source.ctx, &fixture->arena, &stack, &text)) return "";
    const uint8_t *at = memmem(text.ptr, text.len, "at ", 3);
    return arena_printf(&fixture->arena, "%.*s", (int)(text.ptr + text.len - at - 3), (const char *)(at + 3));
}

static void wait_known(struct fixture *fixture, uint32_t count)
{
    struct sourcemaps_stats stats = { 0 };
    for (int i = 0; i < 6000; i++) {
        sourcemaps_stats(fixture->maps, &stats);
        if (stats.maps == count) return;
        usleep(10000);
    }
    fail_msg("%u maps are known, not %u", stats.maps, count);
}

#define S 1000000ll

static bool delete_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct source_map *map = ctx;
    return source_map_delete(session, map->project_id, map->id, err);
}

/* Goal: what was received at a time has the map of that time, also when it is asked again later: before it was valid none, then
 * it, then what came in its place, then none. */
static void test_times(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    struct source_map first = put(fixture, "1", "~/assets/app.js", "first.js", NULL);
    struct source_map second = put(fixture, "1", "~/assets/app.js", "second.js", NULL);
    wait_known(fixture, 2);
    assert_true(first.valid_from_unix_us >= first.uploaded_unix_us + 5 * S);
    assert_string_equal(resolved(fixture, (struct ask){ .at_unix_us = first.valid_from_unix_us - 1, .release = "1" }),
                        "");
    if (first.valid_from_unix_us < second.valid_from_unix_us)
        assert_string_equal(resolved(fixture, (struct ask){ .at_unix_us = first.valid_from_unix_us, .release = "1" }),
                            "first.js:1:1");
    int64_t later = second.valid_from_unix_us + 3600 * S;
    assert_string_equal(resolved(fixture, (struct ask){ .at_unix_us = later, .release = "1" }), "second.js:1:1");
    assert_string_equal(resolved(fixture,
                                 (struct ask){ .project = &fixture->lobby, .at_unix_us = later, .release = "1" }),
                        "");
    int64_t deleted_us = clock_unix_us();
    assert_true(db_transaction(fixture->db, delete_run, &second, &err));
    assert_false(db_transaction(fixture->db, delete_run, &second, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    for (int i = 0; i < 6000 && resolved(fixture, (struct ask){ .at_unix_us = later, .release = "1" })[0] != '\0'; i++)
        usleep(10000);
    assert_string_equal(resolved(fixture, (struct ask){ .at_unix_us = later, .release = "1" }), "");
    if (second.valid_from_unix_us < deleted_us + 5 * S)
        assert_string_equal(resolved(fixture, (struct ask){ .at_unix_us = second.valid_from_unix_us, .release = "1" }),
                            "second.js:1:1");
}

/* Goal: of several maps the one for the debug id, else of the release, else of any release; of the host before any host. */
static void test_which(void **state)
{
    struct fixture *fixture = *state;
    static const char id[] = "85314830-023f-4cf1-a267-535f4e37bb17", url[] = "https://www.example.com/assets/app.js";
    char lines[200], others[200];
    put(fixture, "", "~/assets/app.js", "any.js", NULL);
    put(fixture, "2", "~/assets/app.js", "two.js", NULL);
    put(fixture, "2", "https://www.example.com/assets/app.js", "host.js", NULL);
    put(fixture, "2", "https://other.example.com/assets/app.js", "other.js", NULL);
    struct source_map last = put(fixture, "9", "/elsewhere.js", "by-id.js", id);
    wait_known(fixture, 5);
    int64_t at = last.valid_from_unix_us + S;
    snprintf(lines, sizeof lines, "https://x/y.js 00000000-0000-4000-8000-000000000001\n%s %s", url, id);
    snprintf(others, sizeof others, "https://x/y.js %s", id);
    assert_string_equal(resolved(fixture, (struct ask){ .at_unix_us = at, .release = "1" }), "any.js:1:1");
    assert_string_equal(resolved(fixture, (struct ask){ .at_unix_us = at, .release = "2" }), "host.js:1:1");
    assert_string_equal(resolved(fixture, (struct ask){ .at_unix_us = at,
                                                        .release = "2",
                                                        .sent = "    at t (https://x/assets/app.js:1:1)" }),
                        "two.js:1:1");
    assert_string_equal(resolved(fixture, (struct ask){ .at_unix_us = at }), "host.js:1:1");
    assert_string_equal(resolved(fixture, (struct ask){ .at_unix_us = at, .release = "1", .debug_ids = id }),
                        "by-id.js:1:1");
    assert_string_equal(resolved(fixture, (struct ask){ .at_unix_us = at, .release = "1", .debug_ids = lines }),
                        "by-id.js:1:1");
    assert_string_equal(resolved(fixture, (struct ask){ .at_unix_us = at, .release = "1", .debug_ids = others }),
                        "any.js:1:1");

    struct sourcemaps_context context;
    struct err err = { 0 };
    struct sourcemaps_place place = {
        .project_id = fixture->shop.id, .received_unix_us = at, .file = bytes_of_text(url), .line = 1, .column = 1
    };
    if (!sourcemaps_context(fixture->maps, &fixture->arena, &place, &context, &err)) fail_msg("%s", err.text);
    assert_int_equal(context.line_count, 3);
    assert_true(bytes_equal(context.lines[1].text, BYTES("b();")));
    place.file = BYTES("https://www.example.com/none.js");
    assert_false(sourcemaps_context(fixture->maps, &fixture->arena, &place, &context, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

/* Goal: a store that hangs makes a worker wait once, one that lost the bytes not at all; both are counted as late, and the
 * stack stays as it was sent. Method: in the place of the object a pipe that nobody writes to; nothing. */
static void test_late(void **state)
{
    struct fixture *fixture = *state;
    struct sourcemaps_stats stats;
    char key[OPEN_MAPS_KEY_BYTES], path[512];
    struct source_map map = put(fixture, "1", "~/assets/app.js", "first.js", NULL);
    open_maps_key(map.project_id, map.id, "map", key);
    assert_true(object_local_path(fixture->objects, key, path, sizeof path));
    maps_open(fixture, (struct source_map_limits){ 0 }); /* it is not fetched ahead */
    assert_int_equal(unlink(path), 0);
    struct ask ask = { .at_unix_us = map.valid_from_unix_us, .release = "1" };
    assert_string_equal(resolved(fixture, ask), "");
    assert_string_equal(resolved(fixture, ask), ""); /* from memory: it is not asked for again so soon */
    sourcemaps_stats(fixture->maps, &stats);
    assert_int_equal(stats.late, 2);
    assert_int_equal(stats.fetches, 1);
    assert_int_equal(stats.fetch_failures, 1);

    assert_int_equal(mkfifo(path, 0600), 0);
    maps_open(fixture, (struct source_map_limits){ 0 });
    uint64_t begin_ns = clock_mono_ns();
    assert_string_equal(resolved(fixture, ask), "");
    uint64_t waited_ns = clock_mono_ns() - begin_ns;
    for (int i = 0; i < 50; i++) assert_string_equal(resolved(fixture, ask), ""); /* 25 s, if each waited */
    uint64_t all_ns = clock_mono_ns() - begin_ns;
    sourcemaps_stats(fixture->maps, &stats);
    assert_int_equal(stats.late, 51);
    print_message("waited %.0f ms, then %.1f ms for 50\n", (double)waited_ns / 1e6, (double)(all_ns - waited_ns) / 1e6);
    FILE *writer = fopen(path, "w"); /* lets the reader go */
    assert_non_null(writer);
    fclose(writer);
}

/* Goal: limits of a project are kept and say which setting they are; what is replaced does not count. */
static void test_limits(void **state)
{
    struct fixture *fixture = *state;
    struct source_map map;
    struct err err = { 0 };
    maps_open(fixture, (struct source_map_limits){ .count_max = 2, .bytes_max = 1000 });
    put(fixture, "1", "~/a.js", "a", NULL);
    put(fixture, "1", "~/b.js", "b", NULL);
    put(fixture, "1", "~/b.js", "b", NULL);
    assert_false(put_try(fixture, "1", "~/c.js", "c", NULL, &map, &err));
    assert_int_equal(err.code, ERR_TOO_LARGE);
    assert_non_null(strstr(err.text, "--source-maps-count"));
    maps_open(fixture, (struct source_map_limits){ .bytes_max = 200 });
    assert_false(put_try(fixture, "1", "~/c.js", "c", NULL, &map, &err));
    assert_non_null(strstr(err.text, "--source-maps-bytes"));
    assert_false(put_try(fixture, "1", "https://www.example.com", "c", NULL, &map, &err));
    assert_int_equal(err.code, ERR_INPUT);
}

struct found {
    uint32_t count;
    struct uuid ids[8];
};
static bool found_take(void *ctx, const struct source_map *map)
{
    struct found *found = ctx;
    found->ids[found->count++] = map->id;
    return found->count < 8;
}
static uint32_t doomed(struct fixture *fixture, int64_t now_unix_us, struct found *found)
{
    struct err err = { 0 };
    *found = (struct found){ 0 };
    if (!source_map_doomed(fixture->db, now_unix_us, 8, found_take, found, &err)) fail_msg("%s", err.text);
    return found->count;
}

/* Goal: maps that nobody uses end, bytes go an hour after a map ended and not before, an upload that was never finished goes
 * too; lists show what counts, a page at a time. */
static void test_ends(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    struct found found;
    int64_t count, day = 86400 * S, now = clock_unix_us();
    struct source_map used = put(fixture, "1", "~/used.js", "a", NULL),
                      unused = put(fixture, "1", "~/unused.js", "b", NULL);
    struct source_map broken = { .project_id = fixture->shop.id, .file = "~/broken.js", .path = "/broken.js" };
    assert_true(source_map_begin(fixture->db, &broken, &(struct source_map_limits){ 0 }, &err));
    assert_true(source_map_used(fixture->db, &used.id, 1, now + 60 * day, &err));
    struct source_map_filter filter = { .limit = 1 };
    found = (struct found){ 0 };
    assert_true(source_map_list(fixture->db, fixture->shop.id, &filter, found_take, &found, &err));
    assert_int_equal(found.count, 1);
    assert_true(uuid_equal(found.ids[0], unused.id));
    filter = (struct source_map_filter){ .limit = 9, .after_unix_us = unused.uploaded_unix_us, .after_id = unused.id };
    found = (struct found){ 0 };
    assert_true(source_map_list(fixture->db, fixture->shop.id, &filter, found_take, &found, &err));
    assert_int_equal(found.count, 1);
    filter = (struct source_map_filter){ .limit = 9, .file = BYTES("unus"), .release = BYTES("1") };
    found = (struct found){ 0 };
    assert_true(source_map_list(fixture->db, fixture->shop.id, &filter, found_take, &found, &err));
    assert_int_equal(found.count, 1);

    assert_int_equal(doomed(fixture, now + 1800 * S, &found), 0);
    assert_int_equal(doomed(fixture, now + 3660 * S, &found), 1); /* the unfinished one */
    assert_true(uuid_equal(found.ids[0], broken.id));
    assert_true(source_map_forget(fixture->db, found.ids, 1, &err));
    assert_true(source_map_expire(fixture->db, now + 30 * day, &count, &err));
    assert_int_equal(count, 1);
    assert_int_equal(doomed(fixture, now + 1800 * S, &found), 0);
    assert_int_equal(doomed(fixture, now + 3660 * S, &found), 1);
    assert_true(uuid_equal(found.ids[0], unused.id));
    assert_false(db_transaction(fixture->db, finish_run, &broken, &err));
    assert_int_equal(err.code, ERR_CONFLICT);
}

/* Goal: workers resolve while maps come and go, and never see half of either. Method: four threads against uploads. */
static void *resolver_main(void *ctx)
{
    struct fixture mine = *(struct fixture *)ctx;
    arena_init(&mine.arena, 0);
    for (int i = 0; i < 300; i++) {
        const char *text = resolved(&mine, (struct ask){ .at_unix_us = INT64_MAX / 2, .release = "1" });
        if (text[0] != '\0' && strncmp(text, "source", 6) != 0) abort();
        arena_reset(&mine.arena);
    }
    arena_deinit(&mine.arena);
    return NULL;
}
static void test_together(void **state)
{
    struct fixture *fixture = *state;
    pthread_t threads[4];
    for (size_t t = 0; t < COUNT_OF(threads); t++)
        assert_int_equal(pthread_create(&threads[t], NULL, resolver_main, fixture), 0);
    for (int i = 0; i < 8; i++) {
        char name[32];
        snprintf(name, sizeof name, "source%d.js", i);
        put(fixture, "1", "~/assets/app.js", name, NULL);
    }
    for (size_t t = 0; t < COUNT_OF(threads); t++) pthread_join(threads[t], NULL);
}

#define TEST(test) DB_BOTH(test, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_times),    TEST(test_which),
        TEST(test_limits),   TEST(test_ends),
        TEST(test_together), cmocka_unit_test_prestate_setup_teardown(test_late, setup, teardown, &db_fixture_kinds[0])
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
