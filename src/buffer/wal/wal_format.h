/* wal_format.h -- the bytes of the log on disk. All numbers little-endian; checksums are XXH3 64.
 *
 * <first position, 20 digits>.wal                   header page, records, zeros up to the reserved size
 *     0   8  magic "MONOWAL1"                       a record: 8-byte aligned
 *     8   4  version 1                                  0   4  magic "WREC"
 *    12   4  0                                          4   4  bytes of the body
 *    16  16  id of the log                              8   8  position
 *    32   8  position of the first record              16   8  durable: the log was known safe up to this position
 *    40   8  salt, random: seeds the records'                  when the record was written
 *            header checksums                          24   8  received, microseconds since 1970
 *    48   8  created, microseconds since 1970          32  16  hash of the request (low half, high half)
 *    56   8  checksum of bytes 0 to 55                 48  16  project
 *    64      zeros up to 4096                          64  16  key
 *  4096      records                                   80   1  signal    81 1 encoding   82 1 format   83 5 zeros
 *                                                      88   8  checksum of the body
 * released: two slots, at 0 and 4096,                  96   8  checksum of bytes 0 to 95, seeded with the salt
 * written in turn; the valid one with the             104      body; zeros up to the next multiple of 8
 * greater number counts
 *     0   8  magic "MONOREL1"                       <first position>.hashes: requests of a log file that is gone
 *     8  16  id of the log                              0   8  magic "MONOHSH1"
 *    24   8  number of the write                        8  16  id of the log
 *    32   8  released position                         24   8  first position of that log file
 *    40   8  durable position                          32   8  count
 *    48   8  checksum of bytes 0 to 47                 40   8  newest received time
 *                                                      48   8  checksum of the entries
 * id: the log's id as text and a newline               56   8  checksum of bytes 0 to 55
 * lock: empty, held by flock                           64      entries: hash 16, received 8
 *
 * Why `durable`: a power cut may keep a later write and lose an earlier one, so a hole before a good record is a
 * legal torn tail when both were of one unsynced batch, and damage when the hole was durable already. A record behind
 * the hole whose `durable` is at or past it tells which.
 * Why the salt: a client chooses the bytes of a body; without the salt, which never leaves the disk, it could put
 * there what looks like a record of ours.
 * Thread: any; plain functions over bytes. */
#pragma once
#include "base/hash.h"
#include "base/uuid.h"

#define WAL_VERSION                1u
#define WAL_SEGMENT_HEADER_BYTES   4096u
#define WAL_RECORD_HEADER_BYTES    104u
#define WAL_RECORD_ALIGN           8u
#define WAL_RELEASED_SLOT_BYTES    56u
#define WAL_RELEASED_SLOT_DISTANCE 4096u
#define WAL_HASHES_HEADER_BYTES    64u
#define WAL_HASHES_ENTRY_BYTES     24u

struct wal_segment_header {
    uint32_t version; /* written as WAL_VERSION; a reader must look at it before the rest of the file */
    struct uuid log_id;
    uint64_t first;
    uint64_t salt;
    int64_t created_unix_us;
};
void wal_segment_header_write(uint8_t bytes[WAL_SEGMENT_HEADER_BYTES], const struct wal_segment_header *header);
/* false: not a header, or damaged. */
MUST_CHECK bool wal_segment_header_read(const uint8_t bytes[WAL_SEGMENT_HEADER_BYTES],
                                        struct wal_segment_header *header);

struct wal_record_header {
    uint64_t position, durable;
    int64_t received_unix_us;
    struct hash128 hash;
    struct uuid project_id, key_id;
    uint64_t body_checksum;
    uint32_t body_bytes;
    uint8_t signal, encoding, format;
};
void wal_record_header_write(uint8_t bytes[WAL_RECORD_HEADER_BYTES], const struct wal_record_header *header,
                             uint64_t salt);
/* false: no record of a log file with that salt begins here. */
MUST_CHECK bool wal_record_header_read(const uint8_t bytes[WAL_RECORD_HEADER_BYTES], uint64_t salt,
                                       struct wal_record_header *header);
/* Only the magic: a quick look before wal_record_header_read. */
bool wal_record_may_begin(const uint8_t bytes[4]);
uint64_t wal_body_checksum(struct bytes body);

static inline uint64_t wal_align(uint64_t offset)
{
    return (offset + WAL_RECORD_ALIGN - 1) & ~(uint64_t)(WAL_RECORD_ALIGN - 1);
}

struct wal_released_slot {
    struct uuid log_id;
    uint64_t number, released, durable;
};
void wal_released_slot_write(uint8_t bytes[WAL_RELEASED_SLOT_BYTES], const struct wal_released_slot *slot);
MUST_CHECK bool wal_released_slot_read(const uint8_t bytes[WAL_RELEASED_SLOT_BYTES], struct wal_released_slot *slot);

struct wal_hashes_header {
    struct uuid log_id;
    uint64_t first, count;
    int64_t newest_unix_us;
    uint64_t entries_checksum;
};
void wal_hashes_header_write(uint8_t bytes[WAL_HASHES_HEADER_BYTES], const struct wal_hashes_header *header);
MUST_CHECK bool wal_hashes_header_read(const uint8_t bytes[WAL_HASHES_HEADER_BYTES], struct wal_hashes_header *header);
void wal_hashes_entry_write(uint8_t bytes[WAL_HASHES_ENTRY_BYTES], struct hash128 hash, int64_t received_unix_us);
void wal_hashes_entry_read(const uint8_t bytes[WAL_HASHES_ENTRY_BYTES], struct hash128 *hash,
                           int64_t *received_unix_us);
