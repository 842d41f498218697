#include "worker/rows/rows_id.h"

#include <stdlib.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

static const struct uuid name_space = { { 0x6f, 0x1a, 0x7c, 0x30, 0x9b, 0x2d, 0x5e, 0x84, 0x8a, 0x3f, 0x0c, 0x1d, 0x2e,
                                          0x3f, 0x4a, 0x5b } };

static inline uint8_t *u32_put(uint8_t *at, uint32_t number)
{
    number = __builtin_bswap32(number);
    memcpy(at, &number, 4);
    return at + 4;
}
static inline uint8_t *u64_put(uint8_t *at, uint64_t number)
{
    number = __builtin_bswap64(number);
    memcpy(at, &number, 8);
    return at + 8;
}
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the stores above swap");

void id_name_init(struct id_name *name, struct uuid project_id)
{
    sha1_init(&name->sha1);
    sha1_add(&name->sha1, name_space.bytes, sizeof name_space.bytes);
    id_name_add(name, bytes_from(project_id.bytes, sizeof project_id.bytes));
}

void id_name_add(struct id_name *name, struct bytes part)
{
    assert(part.len <= UINT32_MAX); /* of a request of at most 64 MiB */
    uint8_t head[4 + 60];
    u32_put(head, (uint32_t)part.len);
    if (part.len <= 60) { /* the usual case: one step */
        if (part.len > 0) memcpy(head + 4, part.ptr, part.len);
        sha1_add(&name->sha1, head, 4 + part.len);
        return;
    }
    sha1_add(&name->sha1, head, 4);
    sha1_add(&name->sha1, part.ptr, part.len);
}

void id_name_add_number(struct id_name *name, uint64_t number)
{
    uint8_t part[12];
    u64_put(u32_put(part, 8), number);
    sha1_add(&name->sha1, part, sizeof part);
}

struct uuid id_name_end(struct id_name *name)
{
    uint8_t digest[20];
    sha1_end(&name->sha1, digest);
    return uuid_from_sha1(digest);
}

/* Greatest size of a value: an entry of an array or list takes at least 2 bytes of the request, its form here has at
 * most 4 (key length) + 1 + 8; 8 for each encoded byte is more. */
static size_t value_bytes_max(const struct otlp_value *value)
{
    switch (value->type) {
    case OTLP_TEXT:
    case OTLP_BYTES: return 5 + value->bytes.len;
    case OTLP_ARRAY:
    case OTLP_KVLIST: return 5 + 8 * value->bytes.len;
    default: return 9;
    }
}

static uint8_t *text_put(uint8_t *at, struct bytes text)
{
    at = u32_put(at, (uint32_t)text.len);
    if (text.len > 0) memcpy(at, text.ptr, text.len);
    return at + text.len;
}

static uint8_t *value_put(uint8_t *at, const struct otlp_value *value)
{
    static const uint8_t tags[] = { [OTLP_EMPTY] = 0,  [OTLP_TEXT] = 1,  [OTLP_BOOL] = 2,   [OTLP_INT] = 3,
                                    [OTLP_DOUBLE] = 4, [OTLP_ARRAY] = 5, [OTLP_KVLIST] = 6, [OTLP_BYTES] = 7 };
    *at++ = tags[value->type];
    switch (value->type) {
    case OTLP_EMPTY: return at;
    case OTLP_TEXT:
    case OTLP_BYTES: return text_put(at, value->bytes);
    case OTLP_BOOL: *at++ = value->boolean ? 1 : 0; return at;
    case OTLP_INT: return u64_put(at, (uint64_t)value->integer);
    case OTLP_DOUBLE: {
        uint64_t bits;
        memcpy(&bits, &value->number, 8);
        return u64_put(at, bits);
    }
    case OTLP_ARRAY:
    case OTLP_KVLIST: break;
    }
    struct otlp_value_reader reader;
    struct otlp_attribute entry;
    uint8_t *count_at = at;
    uint32_t count = 0;
    at += 4;
    otlp_value_reader_init(&reader, value);
    for (; otlp_value_reader_next(&reader, &entry); count++) {
        if (value->type == OTLP_KVLIST) at = text_put(at, entry.key);
        at = value_put(at, &entry.value);
    }
    u32_put(count_at, count);
    return at;
}

struct bytes id_encode_value(struct arena *arena, const struct otlp_value *value)
{
    uint8_t *start = arena_alloc(arena, value_bytes_max(value));
    return bytes_from(start, (size_t)(value_put(start, value) - start));
}

static int order_by_key(const void *a, const void *b)
{
    const struct otlp_attribute *left = *(const struct otlp_attribute *const *)a;
    const struct otlp_attribute *right = *(const struct otlp_attribute *const *)b;
    int order = bytes_compare(left->key, right->key);
    return order != 0 ? order : (left > right) - (left < right); /* both of one array: the order sent */
}

struct bytes id_encode_attributes(struct arena *arena, const struct otlp_attribute *attributes, uint32_t count)
{
    if (count == 0) return (struct bytes){ 0 };
    const struct otlp_attribute **sorted = arena_alloc(arena, count * sizeof *sorted);
    size_t bytes_max = 0;
    bool is_sorted = true;
    for (uint32_t i = 0; i < count; i++) {
        sorted[i] = &attributes[i];
        bytes_max += 4 + attributes[i].key.len + value_bytes_max(&attributes[i].value);
        if (i > 0 && bytes_compare(attributes[i - 1].key, attributes[i].key) > 0) is_sorted = false;
    }
    if (!is_sorted && count <= 32) {
        for (uint32_t i = 1; i < count; i++) {
            const struct otlp_attribute *moved = sorted[i];
            uint32_t at = i;
            for (; at > 0 && bytes_compare(sorted[at - 1]->key, moved->key) > 0; at--) sorted[at] = sorted[at - 1];
            sorted[at] = moved;
        }
    } else if (!is_sorted) {
        qsort(sorted, count, sizeof *sorted, order_by_key);
    }
    uint8_t *start = arena_alloc(arena, bytes_max);
    uint8_t *at = start;
    for (uint32_t i = 0; i < count; i++) at = value_put(text_put(at, sorted[i]->key), &sorted[i]->value);
    assert((size_t)(at - start) <= bytes_max);
    return bytes_from(start, (size_t)(at - start));
}

void ids_begin(struct ids *ids, uint32_t record_count)
{
    uint32_t table_cap = 64;
    while (table_cap < record_count * 2ull && table_cap < 1u << 30) table_cap *= 2;
    /* Grown for a large request and given back by the next small one. */
    if (table_cap > ids->table_cap || (ids->table_cap > 8192 && table_cap <= 8192)) {
        ids_deinit(ids);
        ids->table_cap = table_cap;
        ids->table = mem_calloc(table_cap, sizeof *ids->table);
        ids->seen_cap = table_cap / 2;
        ids->seen = mem_alloc(ids->seen_cap * sizeof *ids->seen);
    } else if (ids->seen_count > 0) {
        memset(ids->table, 0, ids->table_cap * sizeof *ids->table);
    }
    ids->seen_count = 0;
}

uint32_t ids_ordinal(struct ids *ids, struct uuid id)
{
    uint32_t at;
    memcpy(&at, id.bytes, 4); /* of a SHA-1: any bits do */
    for (at &= ids->table_cap - 1; ids->table[at] != 0; at = (at + 1) & (ids->table_cap - 1)) {
        struct id_seen *seen = &ids->seen[ids->table[at] - 1];
        if (uuid_equal(seen->id, id)) return seen->count++;
    }
    assert(ids->seen_count < ids->seen_cap);
    ids->seen[ids->seen_count] = (struct id_seen){ .id = id, .count = 1 };
    ids->table[at] = ++ids->seen_count;
    return 0;
}

void ids_deinit(struct ids *ids)
{
    free(ids->table);
    free(ids->seen);
    *ids = (struct ids){ 0 };
}

#ifdef __SSE2__
/* Eight bytes to sixteen digits: nibbles apart, '0' added, and 'a' - '0' - 10 more above nine. */
static inline void hex_put_8(uint8_t *at, const uint8_t *bytes)
{
    __m128i both = _mm_loadl_epi64((const __m128i *)bytes);
    __m128i high = _mm_and_si128(_mm_srli_epi16(both, 4), _mm_set1_epi8(15));
    __m128i low = _mm_and_si128(both, _mm_set1_epi8(15));
    __m128i digits = _mm_unpacklo_epi8(high, low);
    __m128i letters = _mm_and_si128(_mm_cmpgt_epi8(digits, _mm_set1_epi8(9)), _mm_set1_epi8('a' - '0' - 10));
    _mm_storeu_si128((__m128i *)at, _mm_add_epi8(_mm_add_epi8(digits, _mm_set1_epi8('0')), letters));
}
#endif

void hex_put(uint8_t *at, const uint8_t *bytes, size_t len)
{
#ifdef __SSE2__
    for (; len >= 8; len -= 8, bytes += 8, at += 16) hex_put_8(at, bytes);
#endif
    for (; len > 0; len--, bytes++) {
        *at++ = (uint8_t) "0123456789abcdef"[*bytes >> 4];
        *at++ = (uint8_t) "0123456789abcdef"[*bytes & 15];
    }
}

void id_text_put(uint8_t *at, struct uuid id)
{
    uint8_t hex[32];
    hex_put(hex, id.bytes, 16);
    memcpy(at, hex, 8);
    at[8] = '-';
    memcpy(at + 9, hex + 8, 4);
    at[13] = '-';
    memcpy(at + 14, hex + 12, 4);
    at[18] = '-';
    memcpy(at + 19, hex + 16, 4);
    at[23] = '-';
    memcpy(at + 24, hex + 20, 12);
}
