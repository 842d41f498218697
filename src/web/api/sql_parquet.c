#include "web/api/sql_parquet.h"
#include "base/arena.h"
#include "timefusion/parquet/page.h"
#include "timefusion/pgwire/pgtype.h"
#include <stdlib.h>

enum {
    GROUP_BYTES = 8 << 20,
    GROUP_ROWS_MAX = 1 << 20,
    ROW_BYTES_MAX = 32 << 20,
    LEAF_BYTES_MAX = GROUP_BYTES + 2 * ROW_BYTES_MAX, /* of one column in one group */
};

/* What was gathered of a column for the row group under way. */
struct leaf {
    enum query_type type; /* of its elements, when it is a list */
    bool is_list;
    uint32_t level_count, value_count;
    struct buf repetitions, definitions;    /* a byte an entry */
    struct buf integers, doubles, booleans; /* one of these by the type, or: */
    struct buf texts, heap;                 /* struct bytes each, with places in heap until the end of the group */
};

struct sql_parquet {
    uint32_t column_count, element_count;
    struct parquet_element *elements;
    struct leaf *leaves;
    struct parquet_file *file;
    uint32_t row_count, group_count;
    size_t bytes;
    struct arena arena;
};

/* ---- schema ---- */

static enum query_type element_of(enum query_type type)
{
    return (enum query_type)((unsigned)type & ~(unsigned)QUERY_TYPE_LIST);
}

static void leaf_type(enum query_type type, struct parquet_element *element)
{
    static const struct {
        enum parquet_type type;
        enum parquet_logical logical;
    } types[] = {
        [QUERY_TYPE_BOOL] = { PARQUET_TYPE_BOOLEAN, PARQUET_LOGICAL_NONE },
        [QUERY_TYPE_INT2] = { PARQUET_TYPE_INT32, PARQUET_LOGICAL_NONE },
        [QUERY_TYPE_INT4] = { PARQUET_TYPE_INT32, PARQUET_LOGICAL_NONE },
        [QUERY_TYPE_INT8] = { PARQUET_TYPE_INT64, PARQUET_LOGICAL_NONE },
        [QUERY_TYPE_FLOAT4] = { PARQUET_TYPE_FLOAT, PARQUET_LOGICAL_NONE },
        [QUERY_TYPE_FLOAT8] = { PARQUET_TYPE_DOUBLE, PARQUET_LOGICAL_NONE },
        [QUERY_TYPE_NUMERIC] = { PARQUET_TYPE_FIXED, PARQUET_LOGICAL_DECIMAL },
        [QUERY_TYPE_TEXT] = { PARQUET_TYPE_BYTE_ARRAY, PARQUET_LOGICAL_STRING },
        [QUERY_TYPE_BYTEA] = { PARQUET_TYPE_BYTE_ARRAY, PARQUET_LOGICAL_NONE },
        [QUERY_TYPE_UUID] = { PARQUET_TYPE_BYTE_ARRAY, PARQUET_LOGICAL_STRING },
        [QUERY_TYPE_JSONB] = { PARQUET_TYPE_BYTE_ARRAY, PARQUET_LOGICAL_JSON },
        [QUERY_TYPE_DATE] = { PARQUET_TYPE_INT32, PARQUET_LOGICAL_DATE },
        [QUERY_TYPE_TIME] = { PARQUET_TYPE_INT64, PARQUET_LOGICAL_TIME_US },
        [QUERY_TYPE_TIMESTAMP] = { PARQUET_TYPE_INT64, PARQUET_LOGICAL_LOCAL_TIMESTAMP_US },
        [QUERY_TYPE_TIMESTAMPTZ] = { PARQUET_TYPE_INT64, PARQUET_LOGICAL_TIMESTAMP_US },
        [QUERY_TYPE_INTERVAL] = { PARQUET_TYPE_BYTE_ARRAY, PARQUET_LOGICAL_STRING },
    };
    bool is_known = type != QUERY_TYPE_UNKNOWN && (size_t)type < COUNT_OF(types);
    element->type = is_known ? types[type].type : PARQUET_TYPE_BYTE_ARRAY;
    element->logical = is_known ? types[type].logical : PARQUET_LOGICAL_STRING;
}

/* Spark and DuckDB want names that differ. */
static const char *name_own(struct sql_parquet *parquet, const char *const *names, uint32_t count, const char *wanted)
{
    const char *name = wanted[0] != '\0' ? wanted : "column";
    for (uint32_t number = 2;; number++) {
        bool is_taken = false;
        for (uint32_t n = 0; n < count; n++) is_taken = is_taken || strcmp(names[n], name) == 0;
        if (!is_taken) return name;
        name = arena_printf(&parquet->arena, "%s_%u", wanted[0] != '\0' ? wanted : "column", number);
    }
}

static void elements_make(struct sql_parquet *parquet, const struct query_column *columns,
                          const struct query_chunk *first)
{
    struct parquet_element *at = parquet->elements;
    const char **names = arena_calloc(&parquet->arena, parquet->column_count * sizeof *names);
    *at++ =
        (struct parquet_element){ .name = "schema", .type = PARQUET_TYPE_GROUP, .child_count = parquet->column_count };
    for (uint32_t c = 0; c < parquet->column_count; c++) {
        struct parquet_element leaf = { .repetition = PARQUET_OPTIONAL };
        names[c] = leaf.name = name_own(parquet, names, c, columns[c].name);
        leaf_type(parquet->leaves[c].type, &leaf);
        if (leaf.logical == PARQUET_LOGICAL_DECIMAL && first) leaf.child_count = query_chunk_scale(first, c);
        if (parquet->leaves[c].is_list) {
            *at++ = (struct parquet_element){ .name = leaf.name,
                                              .type = PARQUET_TYPE_GROUP,
                                              .repetition = PARQUET_OPTIONAL,
                                              .logical = PARQUET_LOGICAL_LIST,
                                              .child_count = 1 };
            *at++ = (struct parquet_element){
                .name = "list", .type = PARQUET_TYPE_GROUP, .repetition = PARQUET_REPEATED, .child_count = 1
            };
            leaf.name = "element";
        }
        *at++ = leaf;
    }
    parquet->element_count = (uint32_t)(at - parquet->elements);
}

/* All the buffers of a leaf: they are made, emptied and freed alike. */
static void leaf_each(struct leaf *leaf, void (*act)(struct buf *buf))
{
    struct buf *bufs[] = { &leaf->repetitions, &leaf->definitions, &leaf->integers, &leaf->doubles,
                           &leaf->booleans,    &leaf->texts,       &leaf->heap };
    for (size_t b = 0; b < COUNT_OF(bufs); b++) act(bufs[b]);
}

static void buf_begin(struct buf *buf)
{
    buf_init(buf, LEAF_BYTES_MAX);
}

static void buf_empty(struct buf *buf)
{
    buf->len = 0;
}

struct sql_parquet *sql_parquet_create(const struct query_column *columns, uint32_t column_count,
                                       const struct query_chunk *first)
{
    assert(column_count > 0);
    struct sql_parquet *parquet = mem_calloc(1, sizeof *parquet);
    arena_init(&parquet->arena, 0);
    parquet->column_count = column_count;
    parquet->elements = mem_calloc(1 + 3 * (size_t)column_count, sizeof *parquet->elements);
    parquet->leaves = mem_calloc(column_count, sizeof *parquet->leaves);
    for (uint32_t c = 0; c < column_count; c++) {
        parquet->leaves[c].type = element_of(columns[c].type);
        parquet->leaves[c].is_list = parquet->leaves[c].type != columns[c].type;
        leaf_each(&parquet->leaves[c], buf_begin);
    }
    elements_make(parquet, columns, first);
    parquet->file = parquet_file_create(parquet->elements, parquet->element_count, PARQUET_CODEC_ZSTD);
    return parquet;
}

void sql_parquet_destroy(struct sql_parquet *parquet)
{
    if (parquet == NULL) return;
    parquet_file_destroy(parquet->file);
    for (uint32_t c = 0; c < parquet->column_count; c++) leaf_each(&parquet->leaves[c], buf_deinit);
    free(parquet->leaves);
    free(parquet->elements);
    arena_deinit(&parquet->arena);
    free(parquet);
}

/* ---- values ---- */

static bool too_large(struct err *err)
{
    return err_set(err, ERR_TOO_LARGE, "a row is larger than %d MiB", ROW_BYTES_MAX >> 20);
}

static bool text_add(struct leaf *leaf, struct bytes text)
{
    struct bytes place = { (const uint8_t *)(uintptr_t)leaf->heap.len, text.len };
    return buf_add(&leaf->heap, text.ptr, text.len) && buf_add(&leaf->texts, &place, sizeof place);
}

/* "-12.50" as the integer that it is without its point: two's complement, big end first. */
static bool decimal_add(struct leaf *leaf, struct bytes text, struct err *err)
{
    unsigned __int128 number = 0;
    uint8_t bytes[PARQUET_FIXED_BYTES];
    uint32_t digits = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') continue;
        number = number * 10 + (unsigned)(text.ptr[i] - '0');
        if (number > 0) digits++;
    }
    if (digits > PARQUET_DECIMAL_DIGITS)
        return err_set(err, ERR_INPUT, "a number of %u digits is none of Parquet's decimals: cast it to text or float8",
                       digits);
    if (text.len > 0 && text.ptr[0] == '-') number = -number;
    for (size_t i = sizeof bytes; i-- > 0; number >>= 8) bytes[i] = (uint8_t)number;
    return text_add(leaf, bytes_from(bytes, sizeof bytes)) || too_large(err);
}

static bool written_add(struct leaf *leaf, const struct query_chunk *chunk, uint32_t column, struct query_value value)
{
    struct buf text;
    buf_init(&text, 1 << 10);
    bool ok = pgtype_put_text(&text, chunk, column, &(struct query_column){ .type = leaf->type }, value) &&
              text_add(leaf, buf_bytes(&text));
    buf_deinit(&text);
    return ok;
}

static bool value_add(struct leaf *leaf, const struct query_chunk *chunk, uint32_t column, struct query_value value,
                      struct err *err)
{
    uint8_t boolean = value.boolean;
    bool ok = true;
    switch ((int)leaf->type) {
    case QUERY_TYPE_BOOL: ok = buf_add(&leaf->booleans, &boolean, 1); break;
    case QUERY_TYPE_INT2:
    case QUERY_TYPE_INT4:
    case QUERY_TYPE_INT8:
    case QUERY_TYPE_DATE:
    case QUERY_TYPE_TIME:
    case QUERY_TYPE_TIMESTAMP:
    case QUERY_TYPE_TIMESTAMPTZ: ok = buf_add(&leaf->integers, &value.integer, sizeof value.integer); break;
    case QUERY_TYPE_FLOAT4:
    case QUERY_TYPE_FLOAT8: ok = buf_add(&leaf->doubles, &value.number, sizeof value.number); break;
    case QUERY_TYPE_NUMERIC:
        if (!decimal_add(leaf, value.bytes, err)) return false;
        break;
    case QUERY_TYPE_OIDS:
    case QUERY_TYPE_UUID:
    case QUERY_TYPE_INTERVAL: ok = written_add(leaf, chunk, column, value); break;
    default: ok = text_add(leaf, value.bytes); break;
    }
    leaf->value_count += ok;
    return ok || too_large(err);
}

static bool entry_add(struct leaf *leaf, uint8_t repetition, uint8_t definition, struct err *err)
{
    leaf->level_count++;
    return (buf_add(&leaf->repetitions, &repetition, 1) && buf_add(&leaf->definitions, &definition, 1)) ||
           too_large(err);
}

enum { LIST_NULL, LIST_EMPTY, ELEMENT_NULL, ELEMENT };

static bool list_add(struct leaf *leaf, const struct query_chunk *chunk, uint32_t column, struct query_value list,
                     struct err *err)
{
    if (list.is_null || list.list.count == 0) return entry_add(leaf, 0, list.is_null ? LIST_NULL : LIST_EMPTY, err);
    for (uint32_t e = 0; e < list.list.count; e++) {
        struct query_value value = query_chunk_element(chunk, column, list.list.offset + e);
        if (!entry_add(leaf, e > 0, value.is_null ? ELEMENT_NULL : ELEMENT, err)) return false;
        if (!value.is_null && !value_add(leaf, chunk, column, value, err)) return false;
    }
    return true;
}

static size_t leaf_bytes(const struct leaf *leaf)
{
    return leaf->repetitions.len + leaf->definitions.len + leaf->integers.len + leaf->doubles.len + leaf->booleans.len +
           leaf->texts.len + leaf->heap.len;
}

/* ---- row groups ---- */

static bool group_end(struct sql_parquet *parquet, struct err *err)
{
    if (parquet->group_count++ == PARQUET_FILE_GROUPS_MAX)
        return err_set(err, ERR_TOO_LARGE, "a Parquet file of more than %d row groups", PARQUET_FILE_GROUPS_MAX);
    for (uint32_t c = 0; c < parquet->column_count; c++) {
        struct leaf *leaf = &parquet->leaves[c];
        struct bytes *texts = (struct bytes *)(void *)leaf->texts.ptr;
        for (size_t t = 0; t < leaf->texts.len / sizeof *texts; t++)
            texts[t].ptr = leaf->heap.ptr + (uintptr_t)texts[t].ptr;
        struct parquet_leaf values = {
            .repetition_levels = leaf->repetitions.ptr,
            .definition_levels = leaf->definitions.ptr,
            .level_count = leaf->level_count,
            .value_count = leaf->value_count,
            .texts = texts,
            .integers = (const int64_t *)(const void *)leaf->integers.ptr,
            .doubles = (const double *)(const void *)leaf->doubles.ptr,
            .booleans = leaf->booleans.ptr,
        };
        if (!parquet_file_column(parquet->file, &values, err)) return false;
        leaf_each(leaf, buf_empty);
        leaf->level_count = leaf->value_count = 0;
    }
    parquet_file_row_group_end(parquet->file, parquet->row_count);
    parquet->row_count = 0;
    parquet->bytes = 0;
    return true;
}

bool sql_parquet_add(struct sql_parquet *parquet, const struct query_chunk *chunk, uint32_t row, struct err *err)
{
    size_t bytes = 0;
    for (uint32_t c = 0; c < parquet->column_count; c++) {
        struct leaf *leaf = &parquet->leaves[c];
        struct query_value value = query_chunk_value(chunk, c, row);
        if (leaf->is_list ? !list_add(leaf, chunk, c, value, err)
                          : !entry_add(leaf, 0, !value.is_null, err) ||
                                (!value.is_null && !value_add(leaf, chunk, c, value, err)))
            return false;
        bytes += leaf_bytes(leaf);
    }
    if (bytes - parquet->bytes > ROW_BYTES_MAX) return too_large(err);
    parquet->bytes = bytes;
    parquet->row_count++;
    return (bytes < GROUP_BYTES && parquet->row_count < GROUP_ROWS_MAX) || group_end(parquet, err);
}

struct bytes sql_parquet_take(struct sql_parquet *parquet)
{
    return parquet_file_take(parquet->file);
}

bool sql_parquet_end(struct sql_parquet *parquet, struct bytes *rest, struct err *err)
{
    return (parquet->row_count == 0 || group_end(parquet, err)) && parquet_file_end(parquet->file, rest, err);
}
