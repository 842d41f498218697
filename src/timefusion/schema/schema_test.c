#include "timefusion/schema/schema.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static int attribute(enum schema_table_id id, bool is_resource, const char *key)
{
    return schema_attribute_column(schema_table(id), is_resource, bytes_of_text(key));
}

/* Goal: every column is found by its name and by its attribute, and by nothing near them.
 * Method: look up each column's own texts, then the same with a byte more and a byte less. */
static void test_every_column_is_found(void **state)
{
    (void)state;
    for (int id = 0; id < SCHEMA_TABLE_COUNT; id++) {
        const struct schema_table *table = schema_table((enum schema_table_id)id);
        for (uint32_t i = 0; i < table->column_count; i++) {
            const struct schema_column *column = &table->columns[i];
            struct bytes name = bytes_of_text(column->name);
            assert_int_equal(schema_column_index(table, name), i);
            char longer[128] = "";
            memcpy(longer, column->name, name.len);
            longer[name.len] = 'x';
            assert_int_equal(schema_column_index(table, bytes_from(longer, name.len + 1)), -1);
            if (column->attribute[0] == '\0') continue;
            struct bytes key = bytes_of_text(column->attribute);
            assert_int_equal(schema_attribute_column(table, column->is_resource, key), i);
            assert_int_equal(schema_attribute_column(table, column->is_resource, bytes_from(key.ptr, key.len - 1)), -1);
        }
    }
    assert_int_equal(schema_column_index(schema_table(SCHEMA_METRICS), BYTES("")), -1);
}

/* Goal: column names stand for the attributes that schema.h says, the odd doubles too.
 * Method: a few of each kind by hand. */
static void test_attribute_names(void **state)
{
    (void)state;
    assert_int_equal(attribute(SCHEMA_LOGS_AND_SPANS, false, "http.request.method"),
                     LOGS_AND_SPANS_attributes___http___request___method);
    assert_int_equal(attribute(SCHEMA_LOGS_AND_SPANS, false, "http.request.method_original"),
                     LOGS_AND_SPANS_attributes___http___request___method_original);
    assert_int_equal(attribute(SCHEMA_LOGS_AND_SPANS, false, "network.local.address"),
                     LOGS_AND_SPANS_attributes___network___local__address);
    assert_int_equal(attribute(SCHEMA_LOGS_AND_SPANS, false, "log.record.original"),
                     LOGS_AND_SPANS_attributes___log__record___original);
    assert_int_equal(attribute(SCHEMA_LOGS_AND_SPANS, false, "user_agent.original"),
                     LOGS_AND_SPANS_attributes___user_agent___original);
    assert_int_equal(attribute(SCHEMA_LOGS_AND_SPANS, true, "user_agent.original"),
                     LOGS_AND_SPANS_resource___user_agent___original);
    assert_int_equal(attribute(SCHEMA_LOGS_AND_SPANS, true, "service.name"), LOGS_AND_SPANS_resource___service___name);
    assert_int_equal(attribute(SCHEMA_LOGS_AND_SPANS, false, "service.name"), -1);
    assert_int_equal(attribute(SCHEMA_LOGS_AND_SPANS, false, "http_request.method"), -1);
    assert_int_equal(attribute(SCHEMA_METRICS, true, "k8s.pod.name"), METRICS_resource___k8s___pod___name);
    assert_int_equal(attribute(SCHEMA_METRICS, false, "rpc.grpc.status_code"),
                     METRICS_attributes___rpc___grpc___status_code);
}

/* Goal: the columns every part needs are the right ones, and each type has SQL's name.
 * Method: compare names and types through the table. */
static void test_tables(void **state)
{
    (void)state;
    for (int id = 0; id < SCHEMA_TABLE_COUNT; id++) {
        const struct schema_table *table = schema_table((enum schema_table_id)id);
        assert_ptr_equal(schema_table_by_name(bytes_of_text(table->name)), table);
        assert_string_equal(table->columns[table->timestamp].name, "timestamp");
        assert_string_equal(table->columns[table->date].name, "date");
        assert_string_equal(table->columns[table->project_id].name, "project_id");
        assert_string_equal(table->columns[table->row_id].name, "id");
        assert_string_equal(table->columns[table->service_name].name, "resource___service___name");
        assert_true((table->columns[table->date].flags & SCHEMA_PARTITION) != 0);
        assert_false(schema_column_is_stored(&table->columns[table->project_id]));
        assert_true(schema_column_is_stored(&table->columns[table->row_id]));
        for (uint32_t i = 0; i < table->column_count; i++) {
            assert_true(strlen(schema_type_sql(table->columns[i].type)) > 0);
        }
    }
    assert_null(schema_table_by_name(BYTES("otel_logs")));
    assert_string_equal(schema_type_sql(SCHEMA_TYPE_JSON), "jsonb");
    assert_string_equal(schema_type_sql(SCHEMA_TYPE_DOUBLE_LIST), "double precision[]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_column_is_found),
        cmocka_unit_test(test_attribute_names),
        cmocka_unit_test(test_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
