#include "timefusion/columns/columns.h"

#include "base/hash.h"
#include "timefusion/columns/text_store.h"

#include <stdlib.h>
#include <sys/random.h>

#define VALUES_MIN                16 /* first size of a column's arrays */
#define SLOTS_MIN                 64
#define DICTIONARY_MAX            65535 /* ids are 16 bits */
#define RESETS_WITHOUT_DICTIONARY 16
#define SCRATCH_BYTES_KEPT        (256 * 1024)
#define NO_ID                     UINT32_MAX
#define CACHE_LINE_BYTES          64
#define ALWAYS_INLINE             inline __attribute__((always_inline)) /* on the way of every value */

/* Texts seen and their ids. After the dictionary was given up, records still serves handles. */
struct dictionary {
    const uint8_t **records; /* by id */
    uint32_t count, cap;
    uint32_t slot_mask;
    uint32_t *slots; /* open addressing: upper half of the hash << 16 | id + 1, 0 is free; NULL until the first text */
};
/* A text put lately and its id: texts come in runs, those of lists at the same place. */
struct memo {
    const uint8_t *record; /* NULL: none */
    uint32_t id;
};
#define MEMOS 6
struct column {
    /* what each put touches stands in one cache line */
    uint16_t *rows;
    union {
        int64_t *ints;
        double *doubles;
        uint8_t *bools;
        uint16_t *ids;           /* by_dictionary */
        const uint8_t **records; /* texts without */
        void *any;
    } elements;
    uint32_t row_next; /* the row behind its last value; UINT32_MAX: not stored, takes none */
    uint32_t value_count, value_cap;
    enum columns_kind kind : 8;
    bool is_list, by_dictionary, is_narrow; /* narrow: of 32 bits */
    struct memo memos[MEMOS];               /* of texts, by place in a list */
    uint32_t element_count, element_cap;    /* of lists */
    uint32_t *starts;                       /* of lists */
    struct dictionary dictionary;
    struct text_store store;
    uint32_t resets_until_dictionary;
} __attribute__((aligned(CACHE_LINE_BYTES)));
static_assert(offsetof(struct column, memos[1]) <= CACHE_LINE_BYTES, "a put of one value touches one line here");
struct columns {
    const struct schema_table *table;
    uint32_t row_count;
    bool in_row;
    uint64_t hash_seed;
    size_t bytes; /* of arrays and dictionaries; text stores count their own */
    struct text_store reserved_store;
    uint8_t *reserved; /* where a text may be written, behind room for its length; NULL: none */
    size_t reserved_max;
    bool reserved_in_scratch;
    uint8_t *scratch;
    size_t scratch_bytes;
    uint32_t required_count;
    uint8_t required[SCHEMA_COLUMNS_MAX]; /* columns that each row must have */
    struct column columns[SCHEMA_COLUMNS_MAX];
};
static_assert(SCHEMA_COLUMNS_MAX <= UINT8_MAX + 1, "a column's index fits a byte");

/* ---- life ---- */

static enum columns_kind kind_of(enum schema_type type)
{
    switch (type) {
    case SCHEMA_TYPE_DATE:
    case SCHEMA_TYPE_TIMESTAMPTZ:
    case SCHEMA_TYPE_INTEGER:
    case SCHEMA_TYPE_BIGINT:
    case SCHEMA_TYPE_BIGINT_LIST: return COLUMNS_INT;
    case SCHEMA_TYPE_DOUBLE:
    case SCHEMA_TYPE_DOUBLE_LIST: return COLUMNS_DOUBLE;
    case SCHEMA_TYPE_BOOLEAN: return COLUMNS_BOOL;
    case SCHEMA_TYPE_UUID:
    case SCHEMA_TYPE_TEXT:
    case SCHEMA_TYPE_JSON:
    case SCHEMA_TYPE_TEXT_LIST: break;
    }
    return COLUMNS_TEXT;
}

static bool type_is_list(enum schema_type type)
{
    return type == SCHEMA_TYPE_TEXT_LIST || type == SCHEMA_TYPE_BIGINT_LIST || type == SCHEMA_TYPE_DOUBLE_LIST;
}

struct columns *columns_create(const struct schema_table *table)
{
    assert(table->column_count <= SCHEMA_COLUMNS_MAX);
    struct columns *columns = aligned_alloc(CACHE_LINE_BYTES, sizeof *columns);
    if (columns == NULL) abort(); /* as mem_alloc would */
    memset(columns, 0, sizeof *columns);
    columns->table = table;
    if (getrandom(&columns->hash_seed, sizeof columns->hash_seed, GRND_NONBLOCK) == -1) {
        columns->hash_seed = (uint64_t)(uintptr_t)columns; /* worse, but dictionaries are bounded */
    }
    for (uint32_t i = 0; i < table->column_count; i++) {
        const struct schema_column *schema = &table->columns[i];
        struct column *column = &columns->columns[i];
        column->kind = kind_of(schema->type);
        column->is_list = type_is_list(schema->type);
        column->by_dictionary = column->kind == COLUMNS_TEXT;
        column->is_narrow = schema->type == SCHEMA_TYPE_INTEGER || schema->type == SCHEMA_TYPE_DATE;
        bool is_stored = schema_column_is_stored(schema);
        column->row_next = is_stored ? 0 : UINT32_MAX;
        if (is_stored && (schema->flags & SCHEMA_NOT_NULL) != 0) {
            columns->required[columns->required_count++] = (uint8_t)i;
        }
    }
    return columns;
}

static size_t element_bytes(const struct column *column)
{
    switch (column->kind) {
    case COLUMNS_INT: return sizeof(int64_t);
    case COLUMNS_DOUBLE: return sizeof(double);
    case COLUMNS_BOOL: return sizeof(uint8_t);
    case COLUMNS_TEXT: break;
    }
    return column->by_dictionary ? sizeof(uint16_t) : sizeof(const uint8_t *);
}

static size_t value_bytes(const struct column *column)
{
    return column->is_list ? sizeof(uint16_t) + sizeof(uint32_t) : sizeof(uint16_t);
}

static uint32_t elements_cap(const struct column *column)
{
    return column->is_list ? column->element_cap : column->value_cap;
}

static void arrays_free(struct columns *columns, struct column *column)
{
    columns->bytes -= column->value_cap * value_bytes(column) + elements_cap(column) * element_bytes(column);
    free(column->rows);
    free(column->starts);
    free(column->elements.any);
    column->rows = NULL;
    column->starts = NULL;
    column->elements.any = NULL;
    column->value_cap = column->element_cap = 0;
}

static void memos_forget(struct column *column)
{
    memset(column->memos, 0, sizeof column->memos);
}

static void slots_free(struct columns *columns, struct dictionary *dictionary)
{
    if (dictionary->slots != NULL) columns->bytes -= ((size_t)dictionary->slot_mask + 1) * sizeof *dictionary->slots;
    free(dictionary->slots);
    dictionary->slots = NULL;
    dictionary->slot_mask = 0;
}

static void dictionary_free(struct columns *columns, struct dictionary *dictionary)
{
    slots_free(columns, dictionary);
    columns->bytes -= dictionary->cap * sizeof *dictionary->records;
    free(dictionary->records);
    *dictionary = (struct dictionary){ .count = 0 };
}

void columns_destroy(struct columns *columns)
{
    if (columns == NULL) return;
    for (uint32_t i = 0; i < columns->table->column_count; i++) {
        struct column *column = &columns->columns[i];
        arrays_free(columns, column);
        dictionary_free(columns, &column->dictionary);
        text_store_deinit(&column->store);
    }
    assert(columns->bytes == 0);
    text_store_deinit(&columns->reserved_store);
    free(columns->scratch);
    free(columns);
}

/* Arrays and slots that the last rows filled well are kept: the next rows will need them. */
static void column_reset(struct columns *columns, struct column *column)
{
    struct dictionary *dictionary = &column->dictionary;
    if (column->value_count < column->value_cap / 4 ||
        (column->is_list && column->element_count < column->element_cap / 4)) {
        arrays_free(columns, column);
    }
    if (dictionary->count < dictionary->slot_mask / 8) {
        dictionary_free(columns, dictionary);
    } else if (dictionary->slots != NULL) {
        memset(dictionary->slots, 0, ((size_t)dictionary->slot_mask + 1) * sizeof *dictionary->slots);
    }
    dictionary->count = 0;
    memos_forget(column);
    text_store_reset(&column->store);
    if (column->row_next != UINT32_MAX) column->row_next = 0;
    column->value_count = column->element_count = 0;
    if (column->resets_until_dictionary > 0 && --column->resets_until_dictionary == 0) {
        arrays_free(columns, column); /* elements change their size */
        column->by_dictionary = true;
    }
}

static void reservation_drop(struct columns *columns)
{
    columns->reserved = NULL;
    if (columns->scratch_bytes > SCRATCH_BYTES_KEPT) {
        free(columns->scratch);
        columns->scratch = NULL;
        columns->scratch_bytes = 0;
    }
}

void columns_reset(struct columns *columns)
{
    assert(!columns->in_row);
    for (uint32_t i = 0; i < columns->table->column_count; i++) column_reset(columns, &columns->columns[i]);
    reservation_drop(columns);
    text_store_reset(&columns->reserved_store);
    columns->row_count = 0;
}

void columns_trim(struct columns *columns)
{
    assert(columns->row_count == 0);
    assert(!columns->in_row);
    for (uint32_t i = 0; i < columns->table->column_count; i++) {
        struct column *column = &columns->columns[i];
        arrays_free(columns, column);
        dictionary_free(columns, &column->dictionary);
        memos_forget(column);
        column->value_count = column->element_count = 0;
        text_store_deinit(&column->store);
    }
    reservation_drop(columns);
    text_store_deinit(&columns->reserved_store);
    free(columns->scratch);
    columns->scratch = NULL;
    columns->scratch_bytes = 0;
}

const struct schema_table *columns_table(const struct columns *columns)
{
    return columns->table;
}

uint32_t columns_row_count(const struct columns *columns)
{
    return columns->row_count;
}

size_t columns_bytes(const struct columns *columns)
{
    size_t bytes = sizeof *columns + columns->bytes + columns->scratch_bytes + columns->reserved_store.bytes;
    for (uint32_t i = 0; i < columns->table->column_count; i++) bytes += columns->columns[i].store.bytes;
    return bytes;
}

int64_t columns_timestamp_min_us(const struct columns *columns, uint32_t from, uint32_t to)
{
    const int64_t *timestamps = columns->columns[columns->table->timestamp].elements.ints;
    assert(from < to && to <= columns->row_count);
    int64_t min = timestamps[from];
    for (uint32_t i = from + 1; i < to; i++) min = timestamps[i] < min ? timestamps[i] : min;
    return min;
}

int64_t columns_timestamp_max_us(const struct columns *columns, uint32_t from, uint32_t to)
{
    const int64_t *timestamps = columns->columns[columns->table->timestamp].elements.ints;
    assert(from < to && to <= columns->row_count);
    int64_t max = timestamps[from];
    for (uint32_t i = from + 1; i < to; i++) max = timestamps[i] > max ? timestamps[i] : max;
    return max;
}

/* ---- arrays ---- */

static void *array_grow(struct columns *columns, void *array, uint32_t cap, uint32_t cap_new, size_t bytes)
{
    columns->bytes += (size_t)(cap_new - cap) * bytes;
    return mem_realloc(array, cap_new * bytes);
}

static void elements_grow(struct columns *columns, struct column *column, uint32_t count_min)
{
    uint32_t cap = column->element_cap < VALUES_MIN ? VALUES_MIN : column->element_cap * 2;
    while (cap < count_min) cap *= 2;
    column->elements.any = array_grow(columns, column->elements.any, column->element_cap, cap, element_bytes(column));
    column->element_cap = cap;
}

static void __attribute__((noinline)) values_grow(struct columns *columns, struct column *column)
{
    uint32_t old = column->value_cap, cap = old < VALUES_MIN ? VALUES_MIN : old * 2;
    column->rows = array_grow(columns, column->rows, old, cap, sizeof *column->rows);
    if (column->is_list) {
        column->starts = array_grow(columns, column->starts, old, cap, sizeof *column->starts);
    } else {
        column->elements.any = array_grow(columns, column->elements.any, old, cap, element_bytes(column));
    }
    column->value_cap = cap;
}

/* Begins a value in this row; false when the column takes none: it is not stored, or has one. */
static ALWAYS_INLINE bool value_begin(struct columns *columns, struct column *column)
{
    assert(columns->in_row);
    if (unlikely(column->row_next > columns->row_count)) return false;
    if (unlikely(column->value_count == column->value_cap)) values_grow(columns, column);
    column->rows[column->value_count] = (uint16_t)columns->row_count;
    column->row_next = columns->row_count + 1;
    return true;
}

static inline struct column *column_of(struct columns *columns, uint32_t column, enum columns_kind kind, bool is_list)
{
    assert(column < columns->table->column_count);
    struct column *found = &columns->columns[column];
    assert(found->kind == kind && found->is_list == is_list);
    return found;
}

/* Begins a list of count elements; returns where the first one goes, or NO_ID. */
static uint32_t list_begin(struct columns *columns, struct column *column, uint32_t count)
{
    if (!value_begin(columns, column)) return NO_ID;
    uint32_t start = column->element_count;
    assert(count <= INT32_MAX - start);
    column->starts[column->value_count++] = start;
    if (start + count > column->element_cap) elements_grow(columns, column, start + count);
    return start;
}

/* ---- dictionaries ---- */

static inline uint64_t load64(const uint8_t *from)
{
    uint64_t word;
    memcpy(&word, from, sizeof word);
    return word;
}

static ALWAYS_INLINE bool text_is(const uint8_t *record, struct bytes text)
{
    if (text_record_len(record) != text.len) return false;
    const uint8_t *a = record + sizeof(uint32_t), *b = text.ptr;
    size_t len = text.len;
    if (len > 32) return memcmp(a, b, len) == 0;
    if (len >= 16) {
        return ((load64(a) ^ load64(b)) | (load64(a + 8) ^ load64(b + 8)) |
                (load64(a + len - 16) ^ load64(b + len - 16)) | (load64(a + len - 8) ^ load64(b + len - 8))) == 0;
    }
    if (len >= 8) return ((load64(a) ^ load64(b)) | (load64(a + len - 8) ^ load64(b + len - 8))) == 0;
    for (size_t i = 0; i < len; i++) {
        if (a[i] != b[i]) return false;
    }
    return true;
}

/* Every byte counts: strangers choose the texts. Up to 64 bytes without a call. */
static ALWAYS_INLINE uint64_t text_hash(struct bytes text, uint64_t seed)
{
    if (text.len <= 16 || text.len > 64) return hash64_key(text, seed);
    const uint8_t *head = text.ptr, *tail = text.ptr + text.len - 16;
    uint64_t hash = hash64_mix(load64(head) ^ seed, load64(head + 8) ^ 0xE7037ED1A0B428DBu) ^
                    hash64_mix(load64(tail) ^ seed ^ 0x8EBC6AF09C88C6E3u, load64(tail + 8) ^ 0x589965CC75374CC3u);
    if (text.len > 32) {
        hash ^= hash64_mix(load64(head + 16) ^ seed ^ 0x1D8E4E27C47D124Fu, load64(head + 24) ^ 0xEB44ACCAB455D165u) ^
                hash64_mix(load64(tail - 16) ^ seed ^ 0x9E3779B97F4A7C15u, load64(tail - 8) ^ 0xA0761D6478BD642Fu);
    }
    return hash64_mix(hash ^ text.len, 0xA0761D6478BD642Fu);
}

/* Slots keep half a hash only, so growing takes the hashes anew: once a text on average. */
static void slots_grow(struct columns *columns, struct dictionary *dictionary)
{
    uint32_t old = dictionary->slots == NULL ? 0 : dictionary->slot_mask + 1;
    uint32_t count = old == 0 ? SLOTS_MIN : old * 2;
    free(dictionary->slots);
    dictionary->slots = mem_calloc(count, sizeof *dictionary->slots);
    dictionary->slot_mask = count - 1;
    columns->bytes += (size_t)(count - old) * sizeof *dictionary->slots;
    for (uint32_t id = 0; id < dictionary->count; id++) {
        const uint8_t *record = dictionary->records[id];
        uint64_t hash = text_hash(bytes_from(record + sizeof(uint32_t), text_record_len(record)), columns->hash_seed);
        uint32_t at = (uint32_t)hash & dictionary->slot_mask;
        while (dictionary->slots[at] != 0) at = (at + 1) & dictionary->slot_mask;
        dictionary->slots[at] = (uint32_t)(hash >> 48) << 16 | (id + 1);
    }
}

static uint32_t dictionary_append(struct columns *columns, struct dictionary *dictionary, const uint8_t *record)
{
    if (dictionary->count == dictionary->cap) {
        uint32_t cap = dictionary->cap == 0 ? VALUES_MIN : dictionary->cap * 2;
        dictionary->records = array_grow(columns, dictionary->records, dictionary->cap, cap, sizeof record);
        dictionary->cap = cap;
    }
    dictionary->records[dictionary->count] = record;
    return dictionary->count++;
}

/* Is one more distinct text worth it? Ids cost hashing and a page of their own; few repeats do not pay for them. */
static bool dictionary_pays(const struct column *column, uint32_t values)
{
    uint32_t distinct = column->dictionary.count;
    if (distinct < 512) return true;
    if (distinct >= DICTIONARY_MAX) return false;
    if (values >= 1024 && distinct > values / 5 * 3) return false;
    return column->is_list || distinct < 6000 || distinct <= values / 4;
}

static void dictionary_give_up(struct columns *columns, struct column *column, uint32_t count)
{
    uint32_t cap = elements_cap(column);
    const uint8_t **records = mem_alloc(cap * sizeof *records);
    for (uint32_t i = 0; i < count; i++) records[i] = column->dictionary.records[column->elements.ids[i]];
    columns->bytes += cap * (sizeof *records - sizeof *column->elements.ids);
    free(column->elements.ids);
    column->elements.records = records;
    column->by_dictionary = false;
    column->resets_until_dictionary = RESETS_WITHOUT_DICTIONARY;
    slots_free(columns, &column->dictionary);
}

/* A text that has no slot yet: its id, or NO_ID when the dictionary is given up. count: elements that the column has. */
static uint32_t __attribute__((noinline))
dictionary_add(struct columns *columns, struct column *column, uint32_t count, struct bytes text, const uint8_t *record)
{
    struct dictionary *dictionary = &column->dictionary;
    if (!dictionary_pays(column, count)) {
        dictionary_give_up(columns, column, count);
        return NO_ID;
    }
    uint32_t id =
        dictionary_append(columns, dictionary, record != NULL ? record : text_store_add(&column->store, text));
    if (dictionary->count * 2 > dictionary->slot_mask) {
        slots_grow(columns, dictionary); /* takes the new one in */
        return id;
    }
    uint64_t hash = text_hash(text, columns->hash_seed);
    uint32_t at = (uint32_t)hash & dictionary->slot_mask;
    while (dictionary->slots[at] != 0) at = (at + 1) & dictionary->slot_mask;
    dictionary->slots[at] = (uint32_t)(hash >> 48) << 16 | (id + 1);
    return id;
}

/* The id of text, a new one with record as its bytes (NULL: copied); NO_ID when the dictionary was given up. */
static ALWAYS_INLINE uint32_t dictionary_id(struct columns *columns, struct column *column, uint32_t count,
                                            struct bytes text, const uint8_t *record)
{
    struct dictionary *dictionary = &column->dictionary;
    if (unlikely(dictionary->slots == NULL)) slots_grow(columns, dictionary);
    uint64_t hash = text_hash(text, columns->hash_seed);
    uint32_t slot;
    for (uint32_t at = (uint32_t)hash & dictionary->slot_mask; (slot = dictionary->slots[at]) != 0;
         at = (at + 1) & dictionary->slot_mask) {
        if (slot >> 16 != hash >> 48) continue;
        uint32_t id = (slot & UINT16_MAX) - 1;
        if (likely(text_is(dictionary->records[id], text))) return id;
    }
    return dictionary_add(columns, column, count, text, record);
}

/* Puts text as element `at`, which there is room for. record: its bytes are in place already, or NULL. True when
 * record is now in use. */
static ALWAYS_INLINE bool text_put(struct columns *columns, struct column *column, uint32_t at, struct memo *memo,
                                   struct bytes text, const uint8_t *record)
{
    if (column->by_dictionary) {
        if (memo->record != NULL && text_is(memo->record, text)) {
            column->elements.ids[at] = (uint16_t)memo->id;
            return false;
        }
        uint32_t id = dictionary_id(columns, column, at, text, record);
        if (likely(id != NO_ID)) {
            column->elements.ids[at] = (uint16_t)id;
            *memo = (struct memo){ column->dictionary.records[id], id };
            return record != NULL && memo->record == record;
        }
    }
    column->elements.records[at] = record != NULL ? record : text_store_add(&column->store, text);
    return true;
}

/* ---- rows ---- */

uint32_t columns_row_begin(struct columns *columns, int64_t timestamp_us)
{
    assert(!columns->in_row);
    assert(columns->row_count < COLUMNS_ROWS_MAX);
    columns->in_row = true;
    columns_put_int(columns, columns->table->timestamp, timestamp_us);
    return columns->row_count;
}

void columns_put_int(struct columns *columns, uint32_t column, int64_t number)
{
    struct column *into = column_of(columns, column, COLUMNS_INT, false);
    if (!value_begin(columns, into)) return;
    assert(!into->is_narrow || number == (int32_t)number);
    into->elements.ints[into->value_count++] = number;
}

void columns_put_double(struct columns *columns, uint32_t column, double number)
{
    struct column *into = column_of(columns, column, COLUMNS_DOUBLE, false);
    if (!value_begin(columns, into)) return;
    into->elements.doubles[into->value_count++] = number;
}

void columns_put_bool(struct columns *columns, uint32_t column, bool value)
{
    struct column *into = column_of(columns, column, COLUMNS_BOOL, false);
    if (!value_begin(columns, into)) return;
    into->elements.bools[into->value_count++] = value;
}

void columns_put_text(struct columns *columns, uint32_t column, struct bytes text)
{
    struct column *into = column_of(columns, column, COLUMNS_TEXT, false);
    if (!value_begin(columns, into)) return;
    text_put(columns, into, into->value_count, &into->memos[0], text, NULL);
    into->value_count++;
}

void columns_put_text_list(struct columns *columns, uint32_t column, const struct bytes *texts, uint32_t count)
{
    struct column *into = column_of(columns, column, COLUMNS_TEXT, true);
    uint32_t start = list_begin(columns, into, count);
    if (start == NO_ID) return;
    for (uint32_t i = 0; i < count; i++) {
        text_put(columns, into, start + i, &into->memos[i < MEMOS ? i : MEMOS - 1], texts[i], NULL);
    }
    into->element_count = start + count;
}

void columns_put_int_list(struct columns *columns, uint32_t column, const uint64_t *numbers, uint32_t count)
{
    struct column *into = column_of(columns, column, COLUMNS_INT, true);
    uint32_t start = list_begin(columns, into, count);
    if (start == NO_ID) return;
    if (count > 0) memcpy(into->elements.ints + start, numbers, count * sizeof *numbers);
    into->element_count = start + count;
}

void columns_put_double_list(struct columns *columns, uint32_t column, const double *numbers, uint32_t count)
{
    struct column *into = column_of(columns, column, COLUMNS_DOUBLE, true);
    uint32_t start = list_begin(columns, into, count);
    if (start == NO_ID) return;
    if (count > 0) memcpy(into->elements.doubles + start, numbers, count * sizeof *numbers);
    into->element_count = start + count;
}

uint32_t columns_text_handle(struct columns *columns, uint32_t column, struct bytes text)
{
    struct column *of = column_of(columns, column, COLUMNS_TEXT, false);
    if (of->row_next == UINT32_MAX) return 0; /* not stored */
    if (of->by_dictionary) {
        uint32_t id = dictionary_id(columns, of, of->value_count, text, NULL);
        if (id != NO_ID) return id;
    }
    struct dictionary *dictionary = &of->dictionary;
    if (dictionary->count > 0 && text_is(dictionary->records[dictionary->count - 1], text))
        return dictionary->count - 1;
    return dictionary_append(columns, dictionary, text_store_add(&of->store, text));
}

void columns_put_text_handle(struct columns *columns, uint32_t column, uint32_t handle)
{
    struct column *into = column_of(columns, column, COLUMNS_TEXT, false);
    if (!value_begin(columns, into)) return;
    assert(handle < into->dictionary.count);
    uint32_t at = into->value_count++;
    if (into->by_dictionary) {
        into->elements.ids[at] = (uint16_t)handle;
    } else {
        into->elements.records[at] = into->dictionary.records[handle];
    }
}

uint8_t *columns_text_reserve(struct columns *columns, size_t len_max)
{
    assert(len_max <= INT32_MAX);
    columns->reserved_max = len_max;
    columns->reserved_in_scratch = len_max > TEXT_STORE_SMALL_MAX;
    if (!columns->reserved_in_scratch) {
        columns->reserved = text_store_room(&columns->reserved_store, sizeof(uint32_t) + len_max) + sizeof(uint32_t);
        return columns->reserved;
    }
    if (len_max > columns->scratch_bytes) {
        free(columns->scratch);
        columns->scratch = mem_alloc(len_max);
        columns->scratch_bytes = len_max;
    }
    columns->reserved = columns->scratch;
    return columns->reserved;
}

void columns_put_text_reserved(struct columns *columns, uint32_t column, size_t len)
{
    struct column *into = column_of(columns, column, COLUMNS_TEXT, false);
    assert(columns->reserved != NULL);
    assert(len <= columns->reserved_max);
    struct bytes text = { columns->reserved, len };
    if (!value_begin(columns, into)) return;
    if (columns->reserved_in_scratch) {
        text_put(columns, into, into->value_count, &into->memos[0], text, NULL);
    } else {
        uint32_t record_len = (uint32_t)len;
        uint8_t *record = columns->reserved - sizeof record_len;
        memcpy(record, &record_len, sizeof record_len);
        bool is_kept = text_put(columns, into, into->value_count, &into->memos[0], text, record);
        if (is_kept) columns->reserved_store.at = columns->reserved + len;
    }
    into->value_count++;
    reservation_drop(columns);
}

void columns_row_end(struct columns *columns)
{
    assert(columns->in_row);
    for (uint32_t i = 0; i < columns->required_count; i++) {
        assert(columns->columns[columns->required[i]].row_next == columns->row_count + 1);
    }
    columns->row_count++;
    columns->in_row = false;
}

void columns_view(const struct columns *columns, uint32_t column, struct columns_view *view)
{
    assert(column < columns->table->column_count);
    const struct column *from = &columns->columns[column];
    *view = (struct columns_view){
        .kind = from->kind,
        .is_list = from->is_list,
        .value_count = from->value_count,
        .element_count = from->is_list ? from->element_count : from->value_count,
        .rows = from->rows,
        .starts = from->starts,
    };
    switch (from->kind) {
    case COLUMNS_INT: view->ints = from->elements.ints; break;
    case COLUMNS_DOUBLE: view->doubles = from->elements.doubles; break;
    case COLUMNS_BOOL: view->bools = from->elements.bools; break;
    case COLUMNS_TEXT:
        if (from->by_dictionary) {
            view->ids = from->elements.ids;
            view->dictionary = from->dictionary.records;
            view->dictionary_count = from->dictionary.count;
        } else {
            view->records = from->elements.records;
        }
        break;
    }
}
