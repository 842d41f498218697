#include "buffer/parked.h"
#include "buffer/kafka/kafka_parked.h"
#include "buffer/parked_folder.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct parked {
    char *dir; /* NULL: Kafka */
    struct disk *disk;
    struct kafka *kafka;
};

bool parked_open_folder(struct parked **parked, const char *dir, struct disk *disk, struct err *err)
{
    (void)err;
    *parked = mem_calloc(1, sizeof **parked);
    **parked = (struct parked){ .dir = mem_strdup(dir), .disk = disk };
    return true;
}

bool parked_open_kafka(struct parked **parked, struct kafka *kafka, struct err *err)
{
    (void)err;
    *parked = mem_calloc(1, sizeof **parked);
    **parked = (struct parked){ .kafka = kafka };
    return true;
}

void parked_close(struct parked *parked)
{
    if (parked == NULL) return;
    free(parked->dir);
    free(parked);
}

/* --- Kafka --- */

struct kafka_listing {
    struct kafka *kafka;
    const struct kafka_replayed *replayed;
    parked_fn *found;
    void *ctx;
    bool is_found;
};

static bool kafka_tell(void *ctx, const struct kafka_walked *walked)
{
    struct kafka_listing *listing = ctx;
    if (walked->is_ours && walked->passport.replayed_position != 0) return true;
    struct parked_entry entry = { .record = walked->record,
                                  .attempts = walked->passport.retry.attempt,
                                  .parked_unix_us = walked->passport.parked_unix_us,
                                  .is_replayed = kafka_is_replayed(listing->replayed, walked->record.position) };
    snprintf(entry.id, sizeof entry.id, "%" PRIu64, walked->record.position);
    entry.record.position = walked->passport.retry.origin_position;
    if (walked->is_ours) {
        snprintf(entry.origin, sizeof entry.origin, "%s/%u",
                 kafka_topic_name(listing->kafka, walked->passport.retry.origin.topic),
                 walked->passport.retry.origin.number);
        snprintf(entry.reason, sizeof entry.reason, "%s", walked->passport.retry.reason);
    } else {
        snprintf(entry.reason, sizeof entry.reason, "no worker put it here: %.200s", walked->why->text);
    }
    listing->is_found = true;
    return listing->found(listing->ctx, &entry);
}

/* id NULL: all. */
static bool kafka_list(struct parked *parked, const char *id, parked_fn *found, void *ctx, struct err *err)
{
    struct kafka_replayed replayed;
    uint64_t position = 0;
    if (id != NULL && !parked_position_read(id, &position))
        return err_set(err, ERR_NOT_FOUND, "there is no parked record \"%s\": ids are numbers here", id);
    if (!kafka_parked_read(parked->kafka, &replayed, err)) return false;
    struct kafka_listing listing = { parked->kafka, &replayed, found, ctx, false };
    bool is_in = id == NULL || (position >= replayed.position_first && position <= replayed.position_last);
    bool ok = !is_in || kafka_parked_walk(parked->kafka, id != NULL ? position : replayed.position_first,
                                          id != NULL ? position : replayed.position_last, kafka_tell, &listing, err);
    kafka_replayed_deinit(&replayed);
    return ok &&
           (id == NULL || listing.is_found || err_set(err, ERR_NOT_FOUND, "there is no parked record \"%s\"", id));
}

/* --- both --- */

bool parked_list(struct parked *parked, parked_fn *found, void *ctx, struct err *err)
{
    return parked->dir != NULL ? parked_folder_list(parked->dir, parked->disk, found, ctx, err)
                               : kafka_list(parked, NULL, found, ctx, err);
}

bool parked_show(struct parked *parked, const char *id, parked_fn *found, void *ctx, struct err *err)
{
    return parked->dir != NULL ? parked_folder_show(parked->dir, parked->disk, id, found, ctx, err)
                               : kafka_list(parked, id, found, ctx, err);
}

bool parked_replay(struct parked *parked, const char *id, struct err *err)
{
    uint64_t position;
    if (parked->dir != NULL) return parked_folder_replay(parked->dir, parked->disk, id, err);
    if (!parked_position_read(id, &position))
        return err_set(err, ERR_NOT_FOUND, "there is no parked record \"%s\": ids are numbers here", id);
    return kafka_parked_replay(parked->kafka, position, err);
}
