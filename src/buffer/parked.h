/* parked.h -- records that were acknowledged and cannot be stored: kept with the reason, listed, shown, sent on their way again.
 *
 *   own log:  DATA/parked/<id>.parked          worker --parked_write--> one file a record, parked_format below
 *             DATA/parked/again/<id>.parked    --parked_again_next--> the running server appends it to its log and drops it
 *   Kafka:    <prefix>.parked                  worker --kafka_move--> a message a record, its id is its position
 *             replayed: one transaction of the record into the first retry topic and a message "<id> is replayed"
 *
 * Ids:     "17" in Kafka, "00000000000000000017-<first 8 digits of its hash>" in a folder. Listed oldest first.
 * Replay:  the record gets a new hash, made of its old one and its id: it is no repeat of itself, and replaying it twice is.
 * Thread:  one at a time. Memory: one record.
 * Errors:  ERR_NOT_FOUND no such id; ERR_EXISTS it was replayed before; ERR_CORRUPT a file that is damaged, with its name;
 *          ERR_IO disk or cluster. */
#pragma once
#include "buffer/buffer.h"

struct parked_entry {
    char id[80];
    struct buffer_record record; /* as it was sent; position is that in its log or partition */
    uint32_t attempts;           /* how often it was tried again */
    int64_t parked_unix_us;
    char origin[200]; /* "log" or "<topic>/<partition>" */
    char reason[240];
    bool is_replayed; /* Kafka: its message stays until the topic's retention ends */
};
/* entry and the body in it are borrowed for the call. False ends the walk. */
typedef bool parked_fn(void *ctx, const struct parked_entry *entry);

struct disk;
struct kafka;
struct parked;
/* dir need not exist: then nothing is parked. */
MUST_CHECK bool parked_open_folder(struct parked **parked, const char *dir, struct disk *disk, struct err *err);
MUST_CHECK bool parked_open_kafka(struct parked **parked, struct kafka *kafka, struct err *err);
void parked_close(struct parked *parked); /* NULL is fine */

MUST_CHECK bool parked_list(struct parked *parked, parked_fn *found, void *ctx, struct err *err);
/* Calls found once. */
MUST_CHECK bool parked_show(struct parked *parked, const char *id, parked_fn *found, void *ctx, struct err *err);
/* Durably on its way when it returns. */
MUST_CHECK bool parked_replay(struct parked *parked, const char *id, struct err *err);

/* Of a folder, by the worker: durable when it returns. Makes dir. */
MUST_CHECK bool parked_write(const char *dir, struct disk *disk, const struct parked_entry *entry, struct err *err);
/* The next record that was replayed into a folder, for the server to append; *found false: none. Its body is the caller's to
 * free. Once it is durable: parked_again_drop. */
MUST_CHECK bool parked_again_next(const char *dir, struct disk *disk, struct parked_entry *entry, bool *found,
                                  struct err *err);
MUST_CHECK bool parked_again_drop(const char *dir, struct disk *disk, const char *id, struct err *err);
