#include "timefusion/query/described.h"
#include "base/hash.h"
#include "timefusion/query/literal.h"
#include <stdlib.h>

static void columns_drop(struct described_columns *columns)
{
    free((void *)(uintptr_t)columns->key.ptr);
    free(columns->types);
    *columns = (struct described_columns){ 0 };
}

static struct described_columns *place_of(struct described *described, struct bytes key)
{
    return &described->at[hash64_of(key) % DESCRIBED_MAX];
}

void described_init(struct described *described)
{
    *described = (struct described){ 0 };
    pthread_mutex_init(&described->lock, NULL);
}

void described_deinit(struct described *described)
{
    for (uint32_t d = 0; d < DESCRIBED_MAX; d++) columns_drop(&described->at[d]);
    pthread_mutex_destroy(&described->lock);
}

/* The SQL with all times alike, and all texts that something is compared with: no type follows from these. */
void described_key(struct bytes sql, struct buf *key)
{
    static const char time[] = LITERAL_TIME_OPEN;
    bool ok = buf_reserve(key, sql.len + 1);
    for (size_t at = 0; ok && at < sql.len;) {
        uint8_t byte = sql.ptr[at];
        size_t end = at + 1;
        bool is_same = true;
        if (byte == '\'' || byte == '"') { /* to its end; within, a quote is doubled */
            while (end < sql.len && !(sql.ptr[end] == byte && (end + 1 == sql.len || sql.ptr[end + 1] != byte)))
                end += sql.ptr[end] == byte ? 2 : 1;
            end = end < sql.len ? end + 1 : sql.len;
            is_same = byte == '"' || at < 2 || memcmp(sql.ptr + at - 2, "= ", 2) != 0;
        } else if (byte == 'm' && sql.len - at >= sizeof time && memcmp(sql.ptr + at, time, sizeof time - 1) == 0) {
            ok = buf_add(key, "T", 1);
            at += sizeof time - 1;
            for (end = at; end < sql.len && (sql.ptr[end] == '-' || (sql.ptr[end] >= '0' && sql.ptr[end] <= '9'));
                 end++)
                continue;
            is_same = false;
        }
        ok = ok && (is_same ? buf_add(key, sql.ptr + at, end - at) : buf_add(key, "?", 1));
        at = end;
    }
    assert(ok); /* no longer than what it is made of */
}

bool described_find(struct described *described, struct bytes key, uint32_t count, enum query_type *types)
{
    struct described_columns *columns = place_of(described, key);
    pthread_mutex_lock(&described->lock);
    bool is_there = columns->key.len > 0 && columns->count == count && bytes_equal(columns->key, key);
    if (is_there) memcpy(types, columns->types, count * sizeof *types);
    pthread_mutex_unlock(&described->lock);
    return is_there;
}

void described_keep(struct described *described, struct bytes key, uint32_t count, const enum query_type *types)
{
    struct described_columns *columns = place_of(described, key);
    uint8_t *text = mem_alloc(key.len);
    struct described_columns made = { bytes_from(text, key.len), mem_alloc((count + 1) * sizeof *types), count };
    memcpy(text, key.ptr, key.len);
    memcpy(made.types, types, count * sizeof *types);
    pthread_mutex_lock(&described->lock);
    columns_drop(columns);
    *columns = made;
    pthread_mutex_unlock(&described->lock);
}
