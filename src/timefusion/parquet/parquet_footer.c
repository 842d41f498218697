#include "timefusion/parquet/page.h"
#include "timefusion/parquet/table_elements.h"
#include "timefusion/parquet/thrift.h"

#include "base/arena.h"
#include "base/hash.h"

#include <math.h>
#include <stdlib.h>

#define TRAILER_BYTES    8 /* [4 bytes of length][PAR1] */
#define FOOTER_BYTES_MAX (64u * 1024 * 1024)
#define ELEMENTS_MAX     4096
#define GROUPS_MAX       4096 /* ours have at most PARQUET_ROW_GROUPS_MAX; each takes some 10 KB of memory here */
#define PATH_DEPTH_MAX   12
#define COLUMN_UNKNOWN   (-1)

static const char magic[4] = { 'P', 'A', 'R', '1' };

/* A leaf of the file's schema and the column of ours that it is. */
struct leaf {
    int32_t column; /* COLUMN_UNKNOWN: none of ours */
    bool has_definition_levels, has_repetition_levels;
};
struct footer_read {
    struct thrift_reader thrift;
    const struct schema_table *table;
    struct arena *arena; /* for what the footer keeps */
    struct leaf *leaves;
    uint32_t leaf_count;
    struct bytes *shreds;
    uint32_t shred_count;
    uint64_t present[(SCHEMA_COLUMNS_MAX + 63) / 64];
    struct parquet_row_group *groups;
    uint32_t group_count;
    int64_t row_count;
    struct err *err;
};

static bool corrupt(struct err *err, const char *why)
{
    return err_set(err, ERR_CORRUPT, "not a Parquet footer: %s", why);
}

/* ---- schema ---- */

struct element {
    struct bytes name;
    int64_t type, child_count, field_id; /* -1: not said */
    int64_t logical;                     /* field of the union; 0: none */
    int64_t repetition;
};

static void element_read(struct thrift_reader *thrift, struct element *element)
{
    struct thrift_field field = { .id = 0 };
    *element = (struct element){ .name = BYTES(""), .type = -1, .field_id = -1 };
    while (thrift_field_next(thrift, &field)) {
        switch (field.id) {
        case 1: element->type = thrift_read_int(thrift, field.type); break;
        case 3: element->repetition = thrift_read_int(thrift, field.type); break;
        case 4: element->name = thrift_read_binary(thrift, field.type); break;
        case 5: element->child_count = thrift_read_int(thrift, field.type); break;
        case 9: element->field_id = thrift_read_int(thrift, field.type); break;
        default: thrift_skip(thrift, field.type); break;
        }
    }
}

static int32_t column_find(const struct schema_table *table, const struct element *element)
{
    int64_t column = element->field_id > 0 ? element->field_id - 1 : schema_column_index(table, element->name);
    if (column < 0 || column >= table->column_count) return COLUMN_UNKNOWN;
    return schema_column_is_stored(&table->columns[column]) ? (int32_t)column : COLUMN_UNKNOWN;
}

/* A hidden column of ours, by its name. */
static void shred_note(struct footer_read *read, const struct element *element)
{
    size_t prefix = sizeof SHRED_PREFIX - 1;
    if (element->type != PARQUET_TYPE_BYTE_ARRAY || element->repetition != PARQUET_OPTIONAL || element->field_id > 0 ||
        element->name.len <= prefix || memcmp(element->name.ptr, SHRED_PREFIX, prefix) != 0 ||
        read->shred_count == SHRED_KEYS_MAX)
        return;
    struct bytes key = { element->name.ptr + prefix, element->name.len - prefix };
    if (!shred_key_is_plain(key)) return;
    if (read->shreds == NULL) read->shreds = arena_alloc(read->arena, SHRED_KEYS_MAX * sizeof *read->shreds);
    read->shreds[read->shred_count++] = arena_copy(read->arena, key);
}

/* Walks the tree in its depth-first order. A leaf belongs to the column of its ancestor right below the root; of a
 * column with several leaves, or with a leaf of another type than ours, nothing is known. */
static bool schema_read(struct footer_read *read, enum thrift_type type)
{
    enum thrift_type element_type;
    uint32_t count = thrift_read_list(&read->thrift, type, &element_type);
    if (count < 1 || count > ELEMENTS_MAX || element_type != THRIFT_STRUCT) return corrupt(read->err, "schema");
    if (read->leaves != NULL) return corrupt(read->err, "two schemas");
    read->leaves = mem_calloc(count, sizeof *read->leaves);

    uint64_t children_left[PATH_DEPTH_MAX];
    uint32_t levels[PATH_DEPTH_MAX + 1]; /* 1 << enum parquet_repetition of each element on the way down */
    uint32_t depth = 0;
    int32_t column = COLUMN_UNKNOWN;
    for (uint32_t i = 0; i < count; i++) {
        struct element element;
        element_read(&read->thrift, &element);
        if (read->thrift.failed || element.repetition < 0 || element.repetition > PARQUET_REPEATED) {
            return corrupt(read->err, "schema is cut");
        }
        while (depth > 0 && children_left[depth - 1] == 0) depth--;
        if (i > 0 && depth == 0) return corrupt(read->err, "schema has two roots");
        if (depth > 0) children_left[depth - 1]--;
        if (depth == 1) column = column_find(read->table, &element);
        if (depth == 1 && column != COLUMN_UNKNOWN) read->present[column / 64] |= (uint64_t)1 << (column % 64);
        /* What lies on the way to a leaf: nothing above the root, so the root's own word does not count. */
        levels[depth] = i == 0 ? 0 : (depth > 0 ? levels[depth - 1] : 0) | 1u << element.repetition;
        if (element.child_count > 0 || i == 0) {
            if (element.child_count < 0 || element.child_count > ELEMENTS_MAX) return corrupt(read->err, "child count");
            if (depth == PATH_DEPTH_MAX) return corrupt(read->err, "schema is too deep");
            children_left[depth++] = (uint64_t)element.child_count;
            continue;
        }
        bool is_ours = column != COLUMN_UNKNOWN &&
                       element.type == (int64_t)table_leaf_type(read->table->columns[column].type) &&
                       (depth == 1) != table_type_is_list(read->table->columns[column].type);
        if (depth == 1 && column == COLUMN_UNKNOWN) shred_note(read, &element);
        read->leaves[read->leaf_count++] =
            (struct leaf){ .column = is_ours ? column : COLUMN_UNKNOWN,
                           .has_definition_levels = levels[depth] >> PARQUET_OPTIONAL != 0,
                           .has_repetition_levels = levels[depth] >> PARQUET_REPEATED != 0 };
    }
    while (depth > 0 && children_left[depth - 1] == 0) depth--;
    if (depth > 0) return corrupt(read->err, "schema lacks children");
    return true;
}

/* ---- row groups ---- */

struct statistics {
    struct bytes min, max;
    bool has_min, has_max, min_is_exact, max_is_exact;
    int64_t null_count; /* -1: not said */
};

static void statistics_read(struct thrift_reader *thrift, struct statistics *statistics)
{
    struct thrift_field field = { .id = 0 };
    *statistics = (struct statistics){ .null_count = -1 };
    while (thrift_field_next(thrift, &field)) {
        switch (field.id) {
        case 3: statistics->null_count = thrift_read_int(thrift, field.type); break;
        case 5:
            statistics->max = thrift_read_binary(thrift, field.type);
            statistics->has_max = true;
            break;
        case 6:
            statistics->min = thrift_read_binary(thrift, field.type);
            statistics->has_min = true;
            break;
        case 7: statistics->max_is_exact = thrift_read_bool(thrift, field.type); break;
        case 8: statistics->min_is_exact = thrift_read_bool(thrift, field.type); break;
        default: thrift_skip(thrift, field.type); break; /* 1 and 2, the old max and min, have no order for texts */
        }
    }
}

/* min and max in the column's type; false when the bytes are not of it. */
static bool bounds_fill(struct footer_read *read, enum schema_type type, const struct statistics *from,
                        struct parquet_column_stats *to)
{
    int32_t narrow[2];
    size_t bytes = 0;
    switch (table_leaf_type(type)) {
    case PARQUET_TYPE_BYTE_ARRAY:
        to->min.text = arena_copy(read->arena, from->min);
        to->max.text = arena_copy(read->arena, from->max);
        return bytes_compare(from->min, from->max) <= 0;
    case PARQUET_TYPE_BOOLEAN:
        bytes = 1;
        if (from->min.len != bytes || from->max.len != bytes) return false;
        to->min.integer = from->min.ptr[0] & 1;
        to->max.integer = from->max.ptr[0] & 1;
        break;
    case PARQUET_TYPE_INT32:
        bytes = sizeof narrow[0];
        if (from->min.len != bytes || from->max.len != bytes) return false;
        memcpy(&narrow[0], from->min.ptr, bytes);
        memcpy(&narrow[1], from->max.ptr, bytes);
        to->min.integer = narrow[0];
        to->max.integer = narrow[1];
        break;
    case PARQUET_TYPE_INT64:
        bytes = sizeof to->min.integer;
        if (from->min.len != bytes || from->max.len != bytes) return false;
        memcpy(&to->min.integer, from->min.ptr, bytes);
        memcpy(&to->max.integer, from->max.ptr, bytes);
        break;
    case PARQUET_TYPE_DOUBLE:
        bytes = sizeof to->min.number;
        if (from->min.len != bytes || from->max.len != bytes) return false;
        memcpy(&to->min.number, from->min.ptr, bytes);
        memcpy(&to->max.number, from->max.ptr, bytes);
        return to->min.number <= to->max.number; /* false for NaN */
    case PARQUET_TYPE_FLOAT:                     /* none of our tables' columns */
    case PARQUET_TYPE_FIXED:
    case PARQUET_TYPE_GROUP: return false;
    }
    return to->min.integer <= to->max.integer;
}

static void chunk_place(struct parquet_column_stats *stats, const struct leaf *leaf, int64_t codec, int64_t offset,
                        int64_t bytes)
{
    if (codec < 0 || codec > UINT8_MAX || offset <= 0 || bytes <= 0) return;
    stats->codec = (uint8_t)codec;
    stats->chunk_offset = (uint64_t)offset;
    stats->chunk_bytes = (uint64_t)bytes;
    stats->has_definition_levels = leaf->has_definition_levels;
    stats->has_repetition_levels = leaf->has_repetition_levels;
}

static void chunk_metadata_read(struct footer_read *read, struct parquet_column_stats *stats, const struct leaf *leaf)
{
    struct thrift_reader *thrift = &read->thrift;
    struct thrift_field field = { .id = 0 };
    struct statistics statistics = { .null_count = -1 };
    int64_t values = 0, bloom_offset = 0, bloom_bytes = 0, codec = 0, bytes = 0, data = 0, dictionary = 0;
    while (thrift_field_next(thrift, &field)) {
        switch (field.id) {
        case 4: codec = thrift_read_int(thrift, field.type); break;
        case 5: values = thrift_read_int(thrift, field.type); break;
        case 7: bytes = thrift_read_int(thrift, field.type); break;
        case 9: data = thrift_read_int(thrift, field.type); break;
        case 11: dictionary = thrift_read_int(thrift, field.type); break;
        case 12:
            if (field.type != THRIFT_STRUCT) thrift->failed = true;
            statistics_read(thrift, &statistics);
            break;
        case 14: bloom_offset = thrift_read_int(thrift, field.type); break;
        case 15: bloom_bytes = thrift_read_int(thrift, field.type); break;
        default: thrift_skip(thrift, field.type); break;
        }
    }
    if (thrift->failed || stats == NULL) return;
    if (values < 0 || statistics.null_count > values) {
        thrift->failed = true;
        return;
    }
    stats->value_count = (uint64_t)values;
    stats->has_null_count = statistics.null_count >= 0;
    stats->null_count = stats->has_null_count ? (uint64_t)statistics.null_count : 0;
    chunk_place(stats, leaf, codec, dictionary > 0 && dictionary < data ? dictionary : data, bytes);
    enum schema_type type = read->table->columns[leaf->column].type;
    stats->has_min_max = statistics.has_min && statistics.has_max && bounds_fill(read, type, &statistics, stats);
    bool is_text = table_leaf_type(type) == PARQUET_TYPE_BYTE_ARRAY; /* only texts are ever cut */
    stats->min_is_exact = stats->has_min_max && (!is_text || statistics.min_is_exact);
    stats->max_is_exact = stats->has_min_max && (!is_text || statistics.max_is_exact);
    if (bloom_offset > 0 && bloom_bytes > 0 && bloom_bytes <= UINT32_MAX) {
        stats->bloom_offset = (uint64_t)bloom_offset;
        stats->bloom_bytes = (uint32_t)bloom_bytes;
    }
}

static void chunk_read(struct footer_read *read, struct parquet_column_stats *stats, const struct leaf *leaf)
{
    struct thrift_field field = { .id = 0 };
    while (thrift_field_next(&read->thrift, &field)) {
        if (field.id == 3 && field.type == THRIFT_STRUCT) {
            chunk_metadata_read(read, stats, leaf);
        } else if (field.id == 1 || field.id == 8 || field.id == 9) {
            read->thrift.failed = true; /* in another file, or encrypted */
        } else {
            thrift_skip(&read->thrift, field.type);
        }
    }
}

static bool group_read(struct footer_read *read, struct parquet_row_group *group)
{
    struct thrift_reader *thrift = &read->thrift;
    struct thrift_field field = { .id = 0 };
    int64_t rows = -1, offset = 0, bytes = 0;
    group->columns = arena_calloc(read->arena, read->table->column_count * sizeof *group->columns);
    while (thrift_field_next(thrift, &field)) {
        enum thrift_type element;
        switch (field.id) {
        case 1: {
            uint32_t count = thrift_read_list(thrift, field.type, &element);
            if (thrift->failed || element != THRIFT_STRUCT || count != read->leaf_count) {
                return corrupt(read->err, "a row group has not one chunk a column");
            }
            for (uint32_t i = 0; i < count && !thrift->failed; i++) {
                const struct leaf *leaf = &read->leaves[i];
                chunk_read(read, leaf->column == COLUMN_UNKNOWN ? NULL : &group->columns[leaf->column], leaf);
            }
            break;
        }
        case 3: rows = thrift_read_int(thrift, field.type); break;
        case 5: offset = thrift_read_int(thrift, field.type); break;
        case 6: bytes = thrift_read_int(thrift, field.type); break;
        default: thrift_skip(thrift, field.type); break;
        }
    }
    if (thrift->failed || rows < 0 || offset < 0 || bytes < 0) return corrupt(read->err, "row group");
    group->row_count = (uint64_t)rows;
    group->offset = (uint64_t)offset;
    group->bytes = (uint64_t)bytes;
    return true;
}

static bool groups_read(struct footer_read *read, enum thrift_type type)
{
    enum thrift_type element;
    uint32_t count = thrift_read_list(&read->thrift, type, &element);
    if (read->thrift.failed || (count > 0 && element != THRIFT_STRUCT)) return corrupt(read->err, "row groups");
    if (read->leaves == NULL) return corrupt(read->err, "row groups before the schema");
    if (read->groups != NULL) return corrupt(read->err, "two lists of row groups");
    if (count > GROUPS_MAX) return err_set(read->err, ERR_TOO_LARGE, "Parquet file of %u row groups", count);
    read->groups = arena_calloc(read->arena, (count + 1) * sizeof *read->groups);
    for (uint32_t i = 0; i < count; i++) {
        if (!group_read(read, &read->groups[i])) return false;
    }
    read->group_count = count;
    return true;
}

static bool file_metadata_read(struct footer_read *read)
{
    struct thrift_field field = { .id = 0 };
    read->row_count = -1;
    while (thrift_field_next(&read->thrift, &field)) {
        switch (field.id) {
        case 2:
            if (!schema_read(read, field.type)) return false;
            break;
        case 3: read->row_count = thrift_read_int(&read->thrift, field.type); break;
        case 4:
            if (!groups_read(read, field.type)) return false;
            break;
        case 8: return err_set(read->err, ERR_UNSUPPORTED, "Parquet encryption");
        default: thrift_skip(&read->thrift, field.type); break;
        }
    }
    if (read->thrift.failed) return corrupt(read->err, "cut or garbled");
    if (read->thrift.at != read->thrift.end) return corrupt(read->err, "bytes behind its end");
    if (read->groups == NULL || read->row_count < 0) return corrupt(read->err, "no row groups or row count");
    return true;
}

/* ---- the whole ---- */

/* A struct parquet_footer and its memory. */
struct footer_owner {
    struct parquet_footer footer; /* first: parquet_footer_destroy gets its address */
    struct arena arena;
};

static void column_merge(struct parquet_column_stats *into, const struct parquet_column_stats *group,
                         enum schema_type type)
{
    bool is_first = into->value_count == 0, is_empty = group->null_count == group->value_count;
    bool had_values = into->null_count < into->value_count;
    into->has_null_count = group->has_null_count && (is_first || into->has_null_count);
    into->value_count += group->value_count;
    into->null_count += group->null_count;
    if (is_empty && !is_first) return; /* without values it has no bounds, and needs none */
    if (is_first || !had_values) {
        into->has_min_max = group->has_min_max;
        into->min = group->min;
        into->max = group->max;
        into->min_is_exact = group->min_is_exact;
        into->max_is_exact = group->max_is_exact;
        return;
    }
    into->has_min_max = into->has_min_max && group->has_min_max;
    if (!into->has_min_max) return;
    bool less, greater;
    switch (table_leaf_type(type)) {
    case PARQUET_TYPE_BYTE_ARRAY:
        less = bytes_compare(group->min.text, into->min.text) < 0;
        greater = bytes_compare(group->max.text, into->max.text) > 0;
        break;
    case PARQUET_TYPE_DOUBLE:
        less = group->min.number < into->min.number;
        greater = group->max.number > into->max.number;
        break;
    default:
        less = group->min.integer < into->min.integer;
        greater = group->max.integer > into->max.integer;
        break;
    }
    if (less) {
        into->min = group->min;
        into->min_is_exact = group->min_is_exact;
    }
    if (greater) {
        into->max = group->max;
        into->max_is_exact = group->max_is_exact;
    }
}

/* What only the whole file shows: sums, and that all lies inside it. */
static bool footer_check(const struct footer_read *read, uint64_t data_end, struct err *err)
{
    uint64_t rows = 0;
    for (uint32_t i = 0; i < read->group_count; i++) {
        const struct parquet_row_group *group = &read->groups[i];
        if (group->row_count > (uint64_t)read->row_count - rows) return corrupt(err, "row counts do not add up");
        rows += group->row_count;
        if (group->offset > data_end || group->bytes > data_end - group->offset) {
            return corrupt(err, "a row group lies outside the file");
        }
        for (uint32_t k = 0; k < read->table->column_count; k++) {
            const struct parquet_column_stats *column = &group->columns[k];
            if (column->chunk_offset > data_end || column->chunk_bytes > data_end - column->chunk_offset) {
                return corrupt(err, "a column chunk lies outside the file");
            }
            if (column->bloom_bytes == 0) continue;
            if (column->bloom_offset > data_end || column->bloom_bytes > data_end - column->bloom_offset) {
                return corrupt(err, "a bloom filter lies outside the file");
            }
        }
    }
    return rows == (uint64_t)read->row_count || corrupt(err, "row counts do not add up");
}

static void footer_fill(struct parquet_footer *footer, const struct footer_read *read)
{
    footer->table = read->table;
    footer->row_count = (uint64_t)read->row_count;
    footer->row_groups = read->groups;
    footer->row_group_count = read->group_count;
    memcpy(footer->present, read->present, sizeof footer->present);
    footer->shreds = read->shreds;
    footer->shred_count = read->shred_count;
    footer->file_columns = arena_calloc(read->arena, read->table->column_count * sizeof *footer->file_columns);
    for (uint32_t i = 0; i < read->group_count; i++) {
        for (uint32_t k = 0; k < read->table->column_count; k++) {
            column_merge(&footer->file_columns[k], &read->groups[i].columns[k], read->table->columns[k].type);
        }
    }
}

bool parquet_footer_read(struct bytes tail, uint64_t file_bytes, const struct schema_table *table,
                         struct parquet_footer **footer, size_t *need, struct err *err)
{
    *footer = NULL;
    *need = 0;
    err->code = ERR_OK;
    if (file_bytes < sizeof magic + TRAILER_BYTES) return corrupt(err, "the file is too short");
    if (tail.len < TRAILER_BYTES) {
        *need = TRAILER_BYTES;
        return false;
    }
    const uint8_t *end = tail.ptr + tail.len;
    uint32_t bytes;
    memcpy(&bytes, end - TRAILER_BYTES, sizeof bytes);
    if (memcmp(end - sizeof magic, magic, sizeof magic) != 0) return corrupt(err, "the file does not end in PAR1");
    if (bytes > file_bytes - sizeof magic - TRAILER_BYTES) return corrupt(err, "it is longer than the file");
    if (bytes > FOOTER_BYTES_MAX) return err_set(err, ERR_TOO_LARGE, "Parquet footer of %u bytes", bytes);
    if (tail.len - TRAILER_BYTES < bytes) {
        *need = (size_t)bytes + TRAILER_BYTES;
        return false;
    }
    struct footer_owner *owner = mem_calloc(1, sizeof *owner);
    arena_init(&owner->arena, 0);
    struct footer_read read = { .table = table, .arena = &owner->arena, .err = err };
    struct bytes raw = { end - TRAILER_BYTES - bytes, bytes };
    thrift_reader_init(&read.thrift, raw);
    bool is_good = file_metadata_read(&read) && footer_check(&read, file_bytes - TRAILER_BYTES - bytes, err);
    free(read.leaves);
    if (!is_good) {
        parquet_footer_destroy(&owner->footer);
        return false;
    }
    footer_fill(&owner->footer, &read);
    owner->footer.file_bytes = file_bytes;
    owner->footer.footer_bytes = bytes;
    owner->footer.footer_hash = hash64_of(raw);
    *footer = &owner->footer;
    return true;
}

void parquet_footer_destroy(struct parquet_footer *footer)
{
    if (footer == NULL) return;
    struct footer_owner *owner = (struct footer_owner *)footer;
    arena_deinit(&owner->arena);
    free(owner);
}
