/* rows_id.h -- ids of rows: UUIDv5 over length-prefixed parts, the same after every replay.
 *
 *   id = UUIDv5(6f1a7c30-9b2d-5e84-8a3f-0c1d2e3f4a5b, part part part ...)
 *   part = length: 4 bytes, big endian | that many bytes
 *   a number is a part of 8 bytes, big endian (two's complement); a text its UTF-8; an id its bytes; nothing: length 0
 *
 *   attributes are one part: for each, in the order of the keys' bytes, of equal keys in the order sent,
 *     key length: 4 | key | value
 *   value = type tag: 1 byte, then
 *     0 empty | 1 text, 7 bytes: length: 4, bytes | 2 bool: 1 byte | 3 int: 8 | 4 double: 8, its IEEE bits
 *     5 array: count: 4, values | 6 kvlist: count: 4, then key length: 4, key, value each, in the order sent
 *
 * Thread: any, a value each. Test vectors: rows_test.c. */
#pragma once
#include "base/arena.h"
#include "base/uuid.h"
#include "worker/otlp/otlp.h"

struct id_name {
    struct sha1 sha1;
};
void id_name_init(struct id_name *name, struct uuid project_id); /* the namespace, and the first part */
void id_name_add(struct id_name *name, struct bytes part);
void id_name_add_number(struct id_name *name, uint64_t number);
struct uuid id_name_end(struct id_name *name);

/* The encoded form above, in the arena. */
struct bytes id_encode_value(struct arena *arena, const struct otlp_value *value);
struct bytes id_encode_attributes(struct arena *arena, const struct otlp_attribute *attributes, uint32_t count);

/* Which of several equal names in one request a record is: 0, 1, 2 ... A name is known by its id with ordinal 0. */
struct ids {
    uint32_t *table; /* 1 + place in seen; 0: free */
    struct id_seen {
        struct uuid id;
        uint32_t count;
    } * seen;
    uint32_t table_cap, seen_count, seen_cap;
};
void ids_begin(struct ids *ids, uint32_t record_count);
uint32_t ids_ordinal(struct ids *ids, struct uuid id);
void ids_deinit(struct ids *ids);

/* Lower-case hex; 2 * len characters. */
void hex_put(uint8_t *at, const uint8_t *bytes, size_t len);
void id_text_put(uint8_t *at, struct uuid id); /* 36 characters */
