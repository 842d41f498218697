/* What a peer answers, whoever it is: what was read holds what it must, and reads the same once more. */
#include <stdlib.h>

#include "peers/feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct feed feed;
    struct err err = { 0 };
    if (!feed_read(bytes_from(data, size), &feed, &err)) {
        if (err.code != ERR_PROTOCOL || err.text[0] == '\0' || feed.owners || feed.segments || feed.removed) abort();
        return 0;
    }
    if (feed.number == 0) abort();
    for (uint32_t o = 0; o < feed.owner_count; o++) {
        const struct feed_owner *owner = &feed.owners[o];
        if (owner->epoch == 0 || owner->app_id[0] == '\0' || strlen(owner->app_id) >= OWNER_APP_ID_BYTES) abort();
        for (uint32_t t = 0; t < SCHEMA_TABLE_COUNT; t++)
            if (owner->stored[t] < -1) abort();
    }
    for (uint32_t s = 0; s < feed.segment_count; s++) {
        const struct feed_segment *segment = &feed.segments[s];
        if (segment->owner >= feed.owner_count || segment->low >= segment->high || segment->bytes == 0) abort();
        if (segment->table >= SCHEMA_TABLE_COUNT) abort();
        if (segment->content.len == 0) continue;
        if (segment->content.len != segment->bytes) abort();
        if (segment->content.ptr < data || segment->content.ptr + segment->content.len > data + size) abort();
    }
    feed_deinit(&feed);
    return 0;
}
