/* Attributes asked of files that have hidden columns for them, of files that have not, and of files older than a column. */
#include "timefusion/query/query_fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#ifdef __SANITIZE_ADDRESS__ /* many times as slow: the release build asks all */
enum { STATEMENTS = 60 };
#else
enum { STATEMENTS = 200 };
#endif
enum { ROWS = 150, KINDS = 4, OLD_COLUMNS = LOGS_AND_SPANS_attributes___http___route };

static uint64_t random_state = 11;
static uint32_t below(uint32_t n)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33) % n;
}

/* What is sent of a row: its remainder when no file has a column for it. */
static void attributes_make(char *out, char *route, char *size)
{
    static const char *const tiers[] = { "\"gold\"", "\"silver\"", "\"it's\"", "\"br\\nonze\"", "7",
                                         "true",     "null",       "[1,2]",    "{\"x\":1}" };
    static const char *const routes[] = { "\"/cart\"", "\"/pay/{id}\"", "404", "1.5", "[\"/a\"]", "\"x\\\"y\"" };
    route[0] = size[0] = '\0';
    strcpy(out, "{");
    if (below(4)) sprintf(out, "{\"cart.tier\":%s", tiers[below(below(3) ? 3 : COUNT_OF(tiers))]);
    if (below(3) == 0) sprintf(out + strlen(out), "%s\"shop.feature\":\"f%u\"", out[1] ? "," : "", below(3));
    if (below(6) == 0) sprintf(out + strlen(out), "%s\"shop.feature.sub\":%u", out[1] ? "," : "", below(3));
    if (below(9) == 0) sprintf(out + strlen(out), "%s\"shop\":{\"feature\":\"nested\"}", out[1] ? "," : "");
    if (below(3)) sprintf(out + strlen(out), "%s\"order\":\"%u\"", out[1] ? "," : "", below(100000));
    if (below(3)) strcpy(route, routes[below(below(3) ? 2 : COUNT_OF(routes))]);
    if (below(2)) sprintf(size, below(4) ? "%u" : "\"%u\"", below(2000));
    strcat(out, "}");
}

/* As ingest writes it for this schema: what its column can hold goes there, what it cannot stays in the remainder too. */
static void row_put(struct columns *columns, uint64_t n, bool is_old, const char *attributes, const char *route,
                    const char *size)
{
    char text[1024], id[UUID_TEXT_BYTES + 1];
    struct bytes summary = BYTES("s");
    bool route_fits = route[0] == '"' && !strchr(route, '\\');
    columns_row_begin(columns, FIXTURE_START_US + (int64_t)n * FIXTURE_STEP_US);
    uuid_to_text(fixture_id(n), id);
    columns_put_text(columns, LOGS_AND_SPANS_id, bytes_of_text(id));
    columns_put_text(columns, LOGS_AND_SPANS_kind, BYTES("server"));
    columns_put_text(columns, LOGS_AND_SPANS_resource___service___name, bytes_of_text(n % 2 ? "cart" : "pay"));
    columns_put_text_list(columns, LOGS_AND_SPANS_summary, &summary, 1);
    if (!is_old && route[0] == '"') {
        if (route_fits)
            columns_put_text(columns, LOGS_AND_SPANS_attributes___http___route,
                             bytes_from(route + 1, strlen(route) - 2));
        else
            columns_put_text(columns, LOGS_AND_SPANS_attributes___http___route, BYTES("x\"y"));
    } else if (!is_old && strcmp(route, "404") == 0) {
        columns_put_text(columns, LOGS_AND_SPANS_attributes___http___route, BYTES("404"));
    }
    if (!is_old && size[0])
        columns_put_int(columns, LOGS_AND_SPANS_attributes___http___response___body___size,
                        atoll(size[0] == '"' ? size + 1 : size));
    strcpy(text, attributes);
    text[strlen(text) - 1] = '\0';
    if (route[0] && (is_old || route[0] != '"'))
        sprintf(text + strlen(text), "%s\"http.route\":%s", text[1] ? "," : "", route);
    if (size[0] && (is_old || size[0] == '"'))
        sprintf(text + strlen(text), "%s\"http.response.body.size\":%s", text[1] ? "," : "", size);
    strcat(text, "}");
    if (text[1] != '}') columns_put_text(columns, LOGS_AND_SPANS_attributes, bytes_of_text(text));
    columns_row_end(columns);
}

static bool has_shred(const struct parquet_footer *footer, const char *key)
{
    for (uint32_t k = 0; k < footer->shred_count; k++)
        if (bytes_equal(footer->shreds[k], bytes_of_text(key))) return true;
    return false;
}

/* The same rows, a kind of file each: plain, old, with hidden columns, and joined of row groups with other hidden columns. */
static void files_make(struct fixture *fixture, struct uuid project, bool are_plain)
{
    struct schema_table old = *schema_table(SCHEMA_LOGS_AND_SPANS);
    old.column_count = OLD_COLUMNS;
    struct shreds *shreds = shreds_create(), *fewer = shreds_create();
    struct parquet_writer *writer = parquet_writer_create();
    struct err err = { 0 };
    random_state = 11;
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        bool is_old = !are_plain && kind == 1;
        struct parquet_input inputs[2];
        struct columns *columns = columns_create(is_old ? &old : schema_table(SCHEMA_LOGS_AND_SPANS));
        struct file *segment;
        struct bytes bytes;
        char path[160];
        for (uint32_t half = 0; half < 2; half++) {
            columns_reset(columns);
            for (uint32_t r = 0; r < ROWS; r++) {
                char attributes[800], route[40], size[20];
                attributes_make(attributes, route, size);
                row_put(columns, (uint64_t)(kind * 2 + half) * ROWS + r, is_old, attributes, route, size);
            }
            bool ok = are_plain || kind < 2
                          ? parquet_write(writer, columns, 0, ROWS, PARQUET_CODEC_ZSTD, &bytes, &err)
                          : parquet_write_shredded(writer, columns, 0, ROWS, PARQUET_CODEC_ZSTD,
                                                   kind == 3 && half == 1 ? fewer : shreds, project, &bytes, &err);
            fixture_check(ok, &err, "write");
            if (!are_plain && kind == 3) {
                snprintf(path, sizeof path, "%s/half%u", fixture->dir, half);
                fixture_check(disk_real.ops->open(&disk_real, path, DISK_READ | DISK_WRITE | DISK_CREATE,
                                                  &inputs[half].file, &err) &&
                                  disk_real.ops->pwrite(inputs[half].file, 0, &bytes, 1, &err),
                              &err, "half");
                inputs[half].bytes = bytes.len;
                if (half == 0) { /* of what the other half chooses, one is refused here */
                    shreds_choose(fewer, project, columns, 0, ROWS, &(struct shred_keys){ 0 });
                    shreds_refuse(fewer, project, schema_table(SCHEMA_LOGS_AND_SPANS), "shop.feature");
                    continue;
                }
                struct parquet_footer *footer;
                struct disk_file *out;
                uint64_t joined;
                snprintf(path, sizeof path, "%s/joined", fixture->dir);
                fixture_check(disk_real.ops->open(&disk_real, path, DISK_READ | DISK_WRITE | DISK_CREATE, &out, &err) &&
                                  parquet_join(&disk_real, inputs, 2, schema_table(SCHEMA_LOGS_AND_SPANS), out, false,
                                               &joined, &footer, &err),
                              &err, "join");
                assert_int_equal(footer->row_group_count, 2);
                assert_true(has_shred(footer, "cart.tier"));
                assert_false(has_shred(footer, "shop.feature"));
                static uint8_t whole[1 << 20];
                size_t len;
                assert_true(joined < sizeof whole);
                fixture_check(disk_real.ops->pread(out, 0, whole, joined, &len, &err), &err, "read");
                bytes = bytes_from(whole, len);
                parquet_footer_destroy(footer);
                disk_real.ops->close(out);
                for (uint32_t i = 0; i < 2; i++) disk_real.ops->close(inputs[i].file);
            }
            struct segment_range range = { kind * 2 + half, kind * 2 + half + 1, fixture->owner };
            fixture_check(segment_write(timefusion_segments(fixture->timefusion), schema_table(SCHEMA_LOGS_AND_SPANS),
                                        (int32_t)(FIXTURE_START_US / 86400000000), bytes, range, &segment, &err),
                          &err, "segment");
            if (!are_plain && kind >= 2) assert_true(has_shred(segment->footer, "cart.tier"));
            if (is_old) assert_int_equal(segment->footer->present[1] & ~(((uint64_t)1 << (OLD_COLUMNS - 64)) - 1), 0);
            segments_swap(timefusion_segments(fixture->timefusion), SCHEMA_LOGS_AND_SPANS, project, NULL, 0, &segment,
                          1);
            file_release(segment);
        }
        columns_destroy(columns);
    }
    parquet_writer_destroy(writer);
    shreds_destroy(shreds);
    shreds_destroy(fewer);
}

static const char *const terms[] = { "attributes->>'cart.tier'",
                                     "attributes->>'shop.feature'",
                                     "attributes->>'shop'",
                                     "attributes->'cart'->>'tier'",
                                     "attributes->>'order'",
                                     "attributes->>'http.route'",
                                     "attributes___http___route",
                                     "attributes___http___response___body___size::text",
                                     "attributes->>'http.response.body.size'",
                                     "coalesce(attributes->>'cart.tier', resource->>'cart.tier')",
                                     "resource___service___name" };
static const char *const conditions[] = { "true",
                                          "attributes->>'cart.tier' = 'gold'",
                                          "attributes->>'cart.tier' IN ('silver', '7', 'it''s')",
                                          "attributes->>'cart.tier' IS NULL",
                                          "attributes->>'shop.feature' LIKE '%1%'",
                                          "attributes @> '{\"cart\":{\"tier\":\"gold\"}}'",
                                          "attributes ? 'cart'",
                                          "attributes___http___route = '/cart'",
                                          "attributes___http___route IS NOT NULL",
                                          "attributes___http___response___body___size > 1000",
                                          "attributes->>'http.route' = '404'",
                                          "(attributes->>'cart.tier' = 'gold' OR attributes->>'order' > '5')" };

static void statement_make(char *sql)
{
    const char *first = terms[below(COUNT_OF(terms))], *second = terms[below(COUNT_OF(terms))];
    const char *condition = conditions[below(COUNT_OF(conditions))], *other = conditions[below(COUNT_OF(conditions))];
    if (below(3) == 0)
        sprintf(sql, "SELECT id, %s, %s FROM otel_logs_and_spans WHERE %s AND %s ORDER BY timestamp %s LIMIT %u", first,
                second, condition, other, below(2) ? "DESC" : "ASC", 1 + below(ROWS));
    else
        sprintf(sql,
                "SELECT %s AS a, %s AS b, count(*), min(timestamp), count(DISTINCT attributes->>'order') FROM "
                "otel_logs_and_spans WHERE %s AND %s GROUP BY 1, 2 ORDER BY 1 NULLS FIRST, 2 NULLS FIRST",
                first, second, condition, other);
}

/* Goal: an answer does not show which files have columns for what is asked: hidden, none, or too old for one of the table's.
 * Method: the same random rows once in plain files of today's schema, once in files of all kinds; random selects by ->>, @>, ?
 * and column over both; and whole rows. */
static void test_files_of_all_kinds(void **state)
{
    (void)state;
    struct fixture fixture;
    struct query_session *plain;
    struct err err;
    struct buf expected, answer;
    uint32_t with_rows = 0;
    fixture_open(&fixture, 0, 0);
    struct uuid all = fixture.project, reference;
    assert_true(uuid_from_text(BYTES("77777777-2222-4333-8444-555555555555"), &reference));
    files_make(&fixture, reference, true);
    files_make(&fixture, all, false);
    assert_true(query_session_open(&plain, fixture.engine, reference, "tester", &err));
    buf_init(&expected, 16u << 20);
    buf_init(&answer, 16u << 20);
    random_state = 99;
    for (uint32_t s = 0; s < STATEMENTS; s++) {
        char sql[2000] =
            "SELECT id, attributes, attributes___http___route, attributes___http___response___body___size, "
            "attributes->'cart'->'tier' FROM otel_logs_and_spans ORDER BY timestamp";
        if (s > 0) statement_make(sql);
        if (!fixture_run(plain, sql, NULL, 0, &expected, NULL, &err)) fail_msg("%s: %s", sql, err.text);
        if (!fixture_run(fixture.session, sql, NULL, 0, &answer, NULL, &err)) fail_msg("%s: %s", sql, err.text);
        if (strcmp((const char *)expected.ptr, (const char *)answer.ptr) != 0)
            fail_msg("%s\nplain:\n%s\nof all kinds:\n%s", sql, (const char *)expected.ptr, (const char *)answer.ptr);
        with_rows += expected.len > 0;
    }
    assert_in_range(with_rows, STATEMENTS / 2, STATEMENTS);
    buf_deinit(&expected);
    buf_deinit(&answer);
    query_session_close(plain);
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_files_of_all_kinds) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
