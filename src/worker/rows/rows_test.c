/* What all rows share: ids, days, keys. */
#include "worker/rows/rows_fixture.h"

/* Goal: the same request makes the same rows, with another rows and after other requests; equal records get ids of
 * their own; a field more makes another id. Method: every signal, built twice. */
static void test_replay_is_equal(void **state)
{
    struct fixture *f = *state;
    const char *id_names[] = { "id", "id", "id" };
    for (int signal = 0; signal < 3; signal++) {
        struct otlp_request *r = &f->request;
        r->spans.count = r->logs.count = r->points.count = r->metrics.count = r->attributes.count = 0;
        for (int i = 0; i < 4; i++) {
            struct otlp_range attributes = ATTRIBUTES(f, text_of("b", "2"), text_of("a", i == 3 ? "other" : "1"));
            if (signal == 0) {
                r->signal = OTLP_TRACES;
                struct otlp_span *span = sent_span(f, attributes);
                if (i == 3) span->span_id = BYTES("\xaa\xbb\xcc\xdd\x00\x11\x22\x34");
            } else if (signal == 1) {
                sent_log(f, attributes);
            } else {
                sent_point(f, OTLP_GAUGE, attributes);
            }
        }
        struct fixture other = { .rows = rows_create(&(struct rows_options){ 0 }),
                                 .request = f->request,
                                 .project = f->project,
                                 .rows_of_each_max = UINT32_MAX };
        for (uint32_t i = 0; i < f->columns_count; i++) columns_destroy(f->columns[i]);
        f->columns_count = 0;
        build(f);
        build(f);
        build(&other);
        const struct schema_table *table = f->columns[0]->table;
        for (uint32_t row = 0; row < 4; row++) {
            for (uint32_t column = 0; column < table->column_count; column++) {
                const char *name = table->columns[column].name, *first = cell(f, row, name);
                const char *again = cell(f, row + 4, name), *elsewhere = cell(&other, row, name);
                assert_true((first == NULL) == (again == NULL) && (first == NULL) == (elsewhere == NULL));
                if (first == NULL) continue;
                assert_string_equal(first, again);
                assert_string_equal(first, elsewhere);
            }
            for (uint32_t before = 0; before < row; before++) {
                assert_string_not_equal(cell(f, row, id_names[signal]), cell(f, before, id_names[signal]));
            }
        }
        if (signal == 2) {
            assert_string_equal(cell(f, 0, "series_id"), cell(f, 1, "series_id"));
            assert_string_not_equal(cell(f, 0, "series_id"), cell(f, 3, "series_id"));
        }
        for (uint32_t i = 0; i < other.columns_count; i++) columns_destroy(other.columns[i]);
        rows_destroy(other.rows);
    }
}

/* Goal: ids are those of docs/rows.md, made there by another program. Method: its test vectors. */
static void test_id_vectors(void **state)
{
    struct fixture *f = *state;
    f->request.resources.at[0].attributes = ATTRIBUTES(f, text_of("service.name", "cart"));
    f->request.resources.count = f->request.scopes.count = 2;
    f->request.scopes.at[0] = (struct otlp_scope){ .name = BYTES("lib"), .version = BYTES("1.0") };
    f->request.scopes.at[1].resource = 1; /* of no attributes, no name */
    struct otlp_range attributes =
        ATTRIBUTES(f, int_of("z", 1), text_of("a", "x"), double_of("m", 2.5), bool_of("b", true));
    struct otlp_range http =
        ATTRIBUTES(f, text_of("http.request.method", "GET"), text_of("http.route", "/user/{id}/cart"));
    sent_span(f, http);
    sent_span(f, attributes);
    build(f);
    assert_cell(f, 0, "id", "8ae992d9-9b71-5a8e-a24f-d86f5bd750a0");
    assert_cell(f, 1, "id", "3b1262af-e095-5e40-b87f-25b483be9f2a"); /* ordinal 1 */
    assert_cell(f, 0, "hashes", "0123456789abcdef0123456789abcdef|1ee15ccb-7104-538a-8d29-26b9860a827e");

    f->request.spans.count = 0;
    for (int i = 0; i < 2; i++) {
        struct otlp_log *log = sent_log(f, attributes);
        log->severity_number = 9;
        log->severity_text = BYTES("INFO");
        log->body = body_of("paid");
        log->trace_id = BYTES("\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef");
        log->span_id = BYTES("\xaa\xbb\xcc\xdd\x00\x11\x22\x33");
    }
    struct otlp_log *bare = sent_log(f, (struct otlp_range){ 0 });
    bare->scope = 1;
    bare->observed_unix_ns = 0;
    build(f);
    assert_cell(f, 2, "id", "9fcd8244-cc54-5e57-be31-fca7f2be4b26");
    assert_cell(f, 3, "id", "123e80cf-9d1c-5b11-900f-ee3c7e85022a");
    assert_cell(f, 4, "id", "df638e35-ad40-5401-9526-03eaa42e3657");

    f->request.logs.count = 0;
    sent_point(f, OTLP_HISTOGRAM, attributes);
    build(f);
    assert_string_equal(cell_in(f->columns[1], 0, "series_id"), "087d1099-f491-58b9-86f3-bf242b431414");
    assert_string_equal(cell_in(f->columns[1], 0, "id"), "ec9fdff0-6388-531a-8283-975136605f30");
}

/* Goal: ids do not depend on the order of attributes, and do on the project. */
static void test_log_id(void **state)
{
    struct fixture *f = *state;
    sent_log(f, ATTRIBUTES(f, text_of("a", "1"), text_of("b", "2")));
    build(f);
    f->request.logs.count = 0;
    sent_log(f, ATTRIBUTES(f, text_of("b", "2"), text_of("a", "1")));
    build(f);
    f->project.bytes[3]++;
    build(f);
    assert_string_equal(cell(f, 0, "id"), cell(f, 1, "id"));
    assert_string_not_equal(cell(f, 0, "id"), cell(f, 2, "id"));
}

/* Goal: rows go to the columns of their day, and to fresh ones when the sink says that the last are full, with words
 * and resource whole in each. Method: two rows each, days alternating. */
static void test_days_and_full_columns(void **state)
{
    struct fixture *f = *state;
    f->rows_of_each_max = 2;
    f->request.resources.at[0].attributes = ATTRIBUTES(f, text_of("service.name", "cart"));
    for (uint32_t i = 0; i < 8; i++) {
        sent_span(f, (struct otlp_range){ 0 })->start_unix_ns = T0_NS - (i % 2) * 86400000000000u;
    }
    build(f);
    assert_int_equal(f->columns_count, 4);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(f->columns[i]->row_count, 2);
        for (uint32_t row = 0; row < 2; row++) {
            assert_int_equal(f->columns[i]->timestamps[row] / 86400000000, f->days[i]);
            assert_string_equal(cell_in(f->columns[i], row, "resource___service___name"), "cart");
            assert_string_equal(cell_in(f->columns[i], row, "kind"), "server");
        }
    }
    f->request.spans.count = 1;
    uint32_t asked_before = f->asked_count;
    sent_span(f, (struct otlp_range){ 0 });
    build(f);
    assert_int_equal(f->asked_count, asked_before + 1); /* not for each row */
}

/* Goal: a project names at most attribute_keys_max keys; further ones keep their values in one member, and keys known
 * before, keys with columns and other projects go on as ever. */
static void test_attribute_keys_max(void **state)
{
    struct fixture *f = *state; /* of three keys */
    sent_span(f, ATTRIBUTES(f, text_of("a", "1"), text_of("b", "2"), text_of("c", "3"), text_of("d", "4"),
                            text_of("user.id", "u"), text_of("e", "5")));
    sent_span(f, ATTRIBUTES(f, text_of("d", "6"), text_of("b", "7")));
    sent_span(f, ATTRIBUTES(f, int_of("f", 8)));
    build(f);
    assert_cell(f, 0, "attributes",
                "{\"a\":\"1\",\"b\":\"2\",\"c\":\"3\",\"monoscope.attributes_overflow\":{\"d\":\"4\",\"e\":\"5\"}}");
    assert_cell(f, 0, "attributes___user___id", "u");
    assert_cell(f, 1, "attributes", "{\"b\":\"7\",\"monoscope.attributes_overflow\":{\"d\":\"6\"}}");
    assert_cell(f, 2, "attributes", "{\"monoscope.attributes_overflow\":{\"f\":8}}");
    f->project.bytes[0]++;
    build(f);
    assert_cell(f, 5, "attributes", "{\"monoscope.attributes_overflow\":{\"f\":8}}");
    f->project.bytes[0]++;
    f->request.spans.at[0] = f->request.spans.at[2];
    f->request.spans.count = 1;
    build(f);
    assert_cell(f, 6, "attributes", "{\"f\":8}");
}

static uint32_t keys_of(void *ctx, struct uuid project_id)
{
    (void)project_id;
    return *(uint32_t *)ctx;
}

/* Goal: a project may have another number of keys than all, and it may change while rows are made. */
static void test_attribute_keys_of_a_project(void **state)
{
    struct fixture *f = *state;
    uint32_t most = 1;
    rows_destroy(f->rows);
    f->rows =
        rows_create(&(struct rows_options){ .attribute_keys_max = 3, .attribute_keys_of = keys_of, .ctx = &most });
    sent_span(f, ATTRIBUTES(f, text_of("a", "1"), text_of("b", "2")));
    build(f);
    assert_cell(f, 0, "attributes", "{\"a\":\"1\",\"monoscope.attributes_overflow\":{\"b\":\"2\"}}");
    most = 2;
    build(f);
    assert_cell(f, 1, "attributes", "{\"a\":\"1\",\"b\":\"2\"}");
}

/* Goal: more keys than are remembered do no harm. Method: 40,000 keys over 100 requests, a known one in each. */
static void test_keys_are_forgotten(void **state)
{
    struct fixture *f = *state;
    char(*keys)[16] = mem_calloc(400, sizeof *keys);
    for (uint32_t request = 0; request < 100; request++) {
        f->request.attributes.count = f->request.spans.count = 0;
        struct otlp_range range = { 0, 401 };
        for (uint32_t i = 0; i < 400; i++) {
            snprintf(keys[i], sizeof *keys, "key.%u", request * 400 + i);
            struct otlp_attribute attribute = int_of(keys[i], i);
            sent_attributes(f, &attribute, 1);
        }
        ATTRIBUTES(f, text_of("user.id", "u"));
        sent_span(f, range);
        build(f);
        char last[40];
        snprintf(last, sizeof last, "\"key.%u\":399}", request * 400 + 399);
        assert_cell(f, request, "attributes___user___id", "u");
        assert_non_null(strstr(cell(f, request, "attributes"), last));
    }
    free(keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_replay_is_equal),
        TEST(test_id_vectors),
        TEST(test_log_id),
        TEST(test_days_and_full_columns),
        cmocka_unit_test_setup_teardown(test_attribute_keys_max, setup_few_keys, teardown),
        cmocka_unit_test_setup_teardown(test_attribute_keys_of_a_project, setup_few_keys, teardown),
        TEST(test_keys_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
