/* The tap in a real worker, with real tables and databases: what is stored when, and what holds up what. */
#include "worker/counting/counting_fixture.h"
#include "worker/errors/errors.h"

#define SPANS 40

/* SPANS spans of a service; each fourth has an exception: of two kinds whose messages differ in a number, of one user in ten. */
static struct buf record_body(uint64_t position, const char *service)
{
    struct buf request = message(), resource_spans = message(), scope_spans = message(), resource = message();
    put_attribute_text(&resource, 1, "service.name", service);
    put_attribute_text(&resource, 1, "service.namespace", "shop");
    put_attribute_text(&resource, 1, "service.version", "1.2");
    put_attribute_text(&resource, 1, "deployment.environment.name", "production");
    put_message(&resource_spans, 1, &resource);
    for (uint32_t s = 0; s < SPANS; s++) {
        struct buf span = message();
        uint8_t ids[16] = { 1, (uint8_t)position, (uint8_t)s };
        put_bytes(&span, 1, ids, 16);
        put_bytes(&span, 2, ids, 8);
        put_text(&span, 5, "GET /cart");
        put_fixed64(&span, 7, 1795744800000000000u + position * 1000000 + s * 1000);
        put_fixed64(&span, 8, 1795744800000000000u + position * 1000000 + s * 1000 + 500);
        if (s % 4 == 0) {
            struct buf event = message();
            char text[100], user[20];
            put_fixed64(&event, 1, 1795744800000000000u + position * 1000000 + s * 1000);
            put_text(&event, 2, "exception");
            snprintf(text, sizeof text, "order %lu of %u was lost", position, s);
            put_attribute_text(&event, 3, "exception.type", s % 8 == 0 ? "shop.Lost" : "shop.Late");
            put_attribute_text(&event, 3, "exception.message", text);
            put_attribute_text(&event, 3, "exception.stacktrace",
                               "shop.Lost: gone\n\tat com.acme.Cart.pay(Cart.java:12)");
            put_message(&span, 11, &event);
            snprintf(user, sizeof user, "user%lu", position % 10);
            put_attribute_text(&span, 9, "user.id", user);
        }
        put_message(&scope_spans, 2, &span);
    }
    put_message(&resource_spans, 2, &scope_spans);
    put_message(&request, 1, &resource_spans);
    return request;
}

static void errors_check(struct db *db, uint64_t records)
{
    static const char *const sums[] = { "row_count) AS bigint) FROM error_minutes",
                                        "row_count) AS bigint) FROM error_hours",
                                        "row_count) AS bigint) FROM error_releases",
                                        "total_count) AS bigint) FROM error_fingerprints" };
    for (size_t s = 0; s < COUNT_OF(sums); s++) {
        char sql[200];
        snprintf(sql, sizeof sql, "SELECT CAST(SUM(%s", sums[s]);
        assert_int_equal(db_fixture_number(db, sql), records * SPANS / 4);
    }
    assert_int_equal(db_fixture_number(db,
                                       "SELECT COUNT(*) FROM error_fingerprints WHERE family = 'shop' AND service = "
                                       "'cart' AND issue = 0 AND is_changed = 1"),
                     2);
    assert_int_equal(db_fixture_number(db, "SELECT COUNT(*) FROM error_users"), 2 * 10);
    assert_int_equal(db_fixture_number(db,
                                       "SELECT COUNT(*) FROM error_releases WHERE release = '1.2' AND environment = "
                                       "'production'"),
                     2);
    assert_int_equal(db_fixture_number(db, "SELECT COUNT(*) FROM error_fingerprints WHERE first_event LIKE "
                                           "'%\"message\":\"order 1 of %'"),
                     2);
}

static void *taps_open(struct db *db, uint64_t bytes_max, struct tap_source *source)
{
    struct errors_options options = {
        .db = db, .bytes_max = bytes_max, .keep = { .rows_table = "otel_logs_and_spans" }, .log = &db_fixture_log
    };
    struct errors *errors;
    struct err err = { 0 };
    if (!errors_open(&errors, &options, &err)) fail_msg("%s", err.text);
    *source = errors_source(errors);
    return errors;
}

static void taps_stats(void *taps, struct counting_stats *stats)
{
    errors_stats(taps, stats);
}

static void taps_close(void *taps)
{
    errors_close(taps);
}

static const struct counting_kind kind = {
    .signal = BUFFER_SIGNAL_TRACES,
    .rows = SPANS,
    .body = record_body,
    .open = taps_open,
    .stats = taps_stats,
    .close = taps_close,
    .counted_check = errors_check,
    .hidden = "error_minutes",
    .tables = { "tap_positions", "error_fingerprints", "error_minutes", "error_hours", "error_releases",
                "error_users" },
};

static int setup(void **state)
{
    return counting_setup(state, &kind);
}

int main(void)
{
    const struct CMUnitTest tests[] = { DB_BOTH(test_stored_with_the_flush, setup, counting_teardown) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
