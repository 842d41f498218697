/* Any bytes: a condition, or a problem whose place is in the text. Quotes of the condition are paired: nothing leaves them. */
#include "search/search.h"
#include <stdlib.h>

static void quotes_check(struct bytes sql)
{
    bool is_inside = false;
    for (size_t i = 0; i < sql.len; i++) is_inside ^= sql.ptr[i] == '\'';
    if (is_inside) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = { 0 };
    struct search_node *root;
    struct search_problem problem;
    if (size > SEARCH_BYTES_MAX + 16) return 0;
    if (search_parse(&arena, bytes_from(data, size), &root, &problem)) {
        struct bytes sql = search_sql(&arena, root);
        quotes_check(sql);
        if (search_metrics_sql(&arena, root, &sql, &problem)) {
            quotes_check(sql);
        } else if (problem.from > problem.to || problem.to > size || problem.text[0] == '\0') {
            abort();
        }
    } else if (problem.from > problem.to || problem.to > size + 1 || problem.text[0] == '\0') {
        abort();
    }
    arena_deinit(&arena);
    return 0;
}
