/* db_rows.h -- what a SELECT's rows are collected into: an array in an arena, and texts beside it; or one number.
 *
 *   struct db_rows rows = { .arena = arena };      db_read(db, sql, values, each_row, &rows, err)
 *   each_row: struct thing *thing = db_rows_add(&rows, sizeof *thing); thing->name = db_text_keep(arena, row, 0);
 *
 * Thread: one owner. Memory: the arena's; the array moves when it grows. Errors: none. */
#pragma once
#include "base/arena.h"
#include "meta/db.h"

struct db_rows {
    struct arena *arena;
    void *items;
    uint32_t count, cap;
};
/* The next item, all zero. */
void *db_rows_add(struct db_rows *rows, size_t item_bytes);
/* A copy of the row's text; of NULL an empty one. */
struct bytes db_text_keep(struct arena *arena, struct db_row *row, size_t at);
/* As a row function: the first column into an int64_t, of a count or an id. Without rows it stays as it is. */
bool db_take_integer(void *integer, struct db_row *row, struct err *err);
