/* $name in SQL: as long as before, other only where a name stands, never more parameters than there can be. */
#include "web/api/dashboard_content.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = { "service", "xx", "a1", "b2", "c3", "d4", "e5", "f6" };
    struct arena arena;
    arena_init(&arena, 0);
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *variables = yyjson_mut_arr(doc);
    for (size_t n = 0; n < COUNT_OF(names); n++)
        yyjson_mut_obj_add_str(doc, yyjson_mut_arr_add_obj(doc, variables), "name", names[n]);
    struct dashboard_sql sql = dashboard_sql_read(&arena, bytes_from(data, size), variables);
    if (sql.sql.len != size || sql.count > DASHBOARD_PARAMETERS_MAX) abort();
    for (size_t i = 0; i < size; i++) {
        if (sql.sql.ptr[i] == data[i]) continue;
        bool is_of_name = sql.sql.ptr[i] == ' ' || (sql.sql.ptr[i] >= '0' && sql.sql.ptr[i] <= '9');
        if (!is_of_name || i == 0) abort();
    }
    yyjson_mut_doc_free(doc);
    arena_deinit(&arena);
    return 0;
}
