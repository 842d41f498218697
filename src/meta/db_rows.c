#include "meta/db_rows.h"

enum { CAP_MIN = 32 };

void *db_rows_add(struct db_rows *rows, size_t item_bytes)
{
    if (rows->count == rows->cap) {
        uint32_t cap = rows->cap ? rows->cap * 2 : CAP_MIN;
        void *items = arena_calloc(rows->arena, cap * item_bytes);
        if (rows->count > 0) memcpy(items, rows->items, rows->count * item_bytes);
        rows->items = items;
        rows->cap = cap;
    }
    return (uint8_t *)rows->items + rows->count++ * item_bytes;
}

struct bytes db_text_keep(struct arena *arena, struct db_row *row, size_t at)
{
    struct bytes text = db_row_text(row, at);
    return text.len > 0 ? arena_copy(arena, text) : (struct bytes){ (const uint8_t *)"", 0 };
}

bool db_take_integer(void *integer, struct db_row *row, struct err *err)
{
    (void)err;
    *(int64_t *)integer = db_row_integer(row, 0);
    return true;
}
