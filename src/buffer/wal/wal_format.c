#include "buffer/wal/wal_format.h"
#define XXH_INLINE_ALL
#include <xxhash.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the log's numbers are copied as they are");

#define SEGMENT_MAGIC  "MONOWAL1"
#define RECORD_MAGIC   0x43455257u /* "WREC" */
#define RELEASED_MAGIC "MONOREL1"
#define HASHES_MAGIC   "MONOHSH1"

static void put32(uint8_t *at, uint32_t number)
{
    memcpy(at, &number, sizeof number);
}

static void put64(uint8_t *at, uint64_t number)
{
    memcpy(at, &number, sizeof number);
}

static uint32_t get32(const uint8_t *at)
{
    uint32_t number;
    memcpy(&number, at, sizeof number);
    return number;
}

static uint64_t get64(const uint8_t *at)
{
    uint64_t number;
    memcpy(&number, at, sizeof number);
    return number;
}

void wal_segment_header_write(uint8_t bytes[WAL_SEGMENT_HEADER_BYTES], const struct wal_segment_header *header)
{
    memset(bytes, 0, WAL_SEGMENT_HEADER_BYTES);
    memcpy(bytes, SEGMENT_MAGIC, 8);
    put32(bytes + 8, WAL_VERSION);
    memcpy(bytes + 16, header->log_id.bytes, 16);
    put64(bytes + 32, header->first);
    put64(bytes + 40, header->salt);
    put64(bytes + 48, (uint64_t)header->created_unix_us);
    put64(bytes + 56, XXH3_64bits(bytes, 56));
}

bool wal_segment_header_read(const uint8_t bytes[WAL_SEGMENT_HEADER_BYTES], struct wal_segment_header *header)
{
    if (memcmp(bytes, SEGMENT_MAGIC, 8) != 0 || get64(bytes + 56) != XXH3_64bits(bytes, 56)) return false;
    *header = (struct wal_segment_header){
        .version = get32(bytes + 8),
        .first = get64(bytes + 32),
        .salt = get64(bytes + 40),
        .created_unix_us = (int64_t)get64(bytes + 48),
    };
    memcpy(header->log_id.bytes, bytes + 16, 16);
    return true;
}

void wal_record_header_write(uint8_t bytes[WAL_RECORD_HEADER_BYTES], const struct wal_record_header *header,
                             uint64_t salt)
{
    put32(bytes, RECORD_MAGIC);
    put32(bytes + 4, header->body_bytes);
    put64(bytes + 8, header->position);
    put64(bytes + 16, header->durable);
    put64(bytes + 24, (uint64_t)header->received_unix_us);
    put64(bytes + 32, header->hash.lo);
    put64(bytes + 40, header->hash.hi);
    memcpy(bytes + 48, header->project_id.bytes, 16);
    memcpy(bytes + 64, header->key_id.bytes, 16);
    put64(bytes + 80, 0);
    bytes[80] = header->signal;
    bytes[81] = header->encoding;
    bytes[82] = header->format;
    put64(bytes + 88, header->body_checksum);
    put64(bytes + 96, XXH3_64bits_withSeed(bytes, 96, salt));
}

bool wal_record_may_begin(const uint8_t bytes[4])
{
    return get32(bytes) == RECORD_MAGIC;
}

bool wal_record_header_read(const uint8_t bytes[WAL_RECORD_HEADER_BYTES], uint64_t salt,
                            struct wal_record_header *header)
{
    if (!wal_record_may_begin(bytes) || get64(bytes + 96) != XXH3_64bits_withSeed(bytes, 96, salt)) return false;
    *header = (struct wal_record_header){
        .body_bytes = get32(bytes + 4),
        .position = get64(bytes + 8),
        .durable = get64(bytes + 16),
        .received_unix_us = (int64_t)get64(bytes + 24),
        .hash = { .lo = get64(bytes + 32), .hi = get64(bytes + 40) },
        .signal = bytes[80],
        .encoding = bytes[81],
        .format = bytes[82],
        .body_checksum = get64(bytes + 88),
    };
    memcpy(header->project_id.bytes, bytes + 48, 16);
    memcpy(header->key_id.bytes, bytes + 64, 16);
    return true;
}

uint64_t wal_body_checksum(struct bytes body)
{
    return XXH3_64bits(body.ptr, body.len);
}

void wal_released_slot_write(uint8_t bytes[WAL_RELEASED_SLOT_BYTES], const struct wal_released_slot *slot)
{
    memcpy(bytes, RELEASED_MAGIC, 8);
    memcpy(bytes + 8, slot->log_id.bytes, 16);
    put64(bytes + 24, slot->number);
    put64(bytes + 32, slot->released);
    put64(bytes + 40, slot->durable);
    put64(bytes + 48, XXH3_64bits(bytes, 48));
}

bool wal_released_slot_read(const uint8_t bytes[WAL_RELEASED_SLOT_BYTES], struct wal_released_slot *slot)
{
    if (memcmp(bytes, RELEASED_MAGIC, 8) != 0 || get64(bytes + 48) != XXH3_64bits(bytes, 48)) return false;
    memcpy(slot->log_id.bytes, bytes + 8, 16);
    slot->number = get64(bytes + 24);
    slot->released = get64(bytes + 32);
    slot->durable = get64(bytes + 40);
    return true;
}

void wal_hashes_header_write(uint8_t bytes[WAL_HASHES_HEADER_BYTES], const struct wal_hashes_header *header)
{
    memcpy(bytes, HASHES_MAGIC, 8);
    memcpy(bytes + 8, header->log_id.bytes, 16);
    put64(bytes + 24, header->first);
    put64(bytes + 32, header->count);
    put64(bytes + 40, (uint64_t)header->newest_unix_us);
    put64(bytes + 48, header->entries_checksum);
    put64(bytes + 56, XXH3_64bits(bytes, 56));
}

bool wal_hashes_header_read(const uint8_t bytes[WAL_HASHES_HEADER_BYTES], struct wal_hashes_header *header)
{
    if (memcmp(bytes, HASHES_MAGIC, 8) != 0 || get64(bytes + 56) != XXH3_64bits(bytes, 56)) return false;
    memcpy(header->log_id.bytes, bytes + 8, 16);
    header->first = get64(bytes + 24);
    header->count = get64(bytes + 32);
    header->newest_unix_us = (int64_t)get64(bytes + 40);
    header->entries_checksum = get64(bytes + 48);
    return true;
}

void wal_hashes_entry_write(uint8_t bytes[WAL_HASHES_ENTRY_BYTES], struct hash128 hash, int64_t received_unix_us)
{
    put64(bytes, hash.lo);
    put64(bytes + 8, hash.hi);
    put64(bytes + 16, (uint64_t)received_unix_us);
}

void wal_hashes_entry_read(const uint8_t bytes[WAL_HASHES_ENTRY_BYTES], struct hash128 *hash, int64_t *received_unix_us)
{
    hash->lo = get64(bytes);
    hash->hi = get64(bytes + 8);
    *received_unix_us = (int64_t)get64(bytes + 16);
}
