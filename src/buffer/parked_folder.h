/* parked_folder.h -- parked records as files; others include buffer/parked.h.
 *
 *   monoscope: 1
 *   signal: traces            headers as in buffer/kafka/kafka_record.h, one a line
 *   ...
 *   body: 812 0123...cdef     its bytes and their hash: a torn file is told from a whole one
 *                             an empty line
 *   <the body as it came>
 *
 * A file of an older version, <position>.otlp, is a body alone. */
#pragma once
#include "buffer/parked.h"

MUST_CHECK bool parked_folder_list(const char *dir, struct disk *disk, parked_fn *found, void *ctx, struct err *err);
MUST_CHECK bool parked_folder_show(const char *dir, struct disk *disk, const char *id, parked_fn *found, void *ctx,
                                   struct err *err);
MUST_CHECK bool parked_folder_replay(const char *dir, struct disk *disk, const char *id, struct err *err);
/* entry borrows from content. ERR_CORRUPT. */
MUST_CHECK bool parked_file_read(struct bytes content, struct parked_entry *entry, struct err *err);
MUST_CHECK bool parked_position_read(const char *id, uint64_t *position);
