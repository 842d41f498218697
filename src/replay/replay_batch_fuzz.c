/* Any bytes as a batch of a replay: taken with all that is promised, or refused with words. */
#include "replay/replay_batch.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct replay_batch batch;
    struct err err = { 0 };
    arena_init(&arena, 0);
    if (replay_batch_read(bytes_from(data, size), &arena, &batch, &err)) {
        if (!replay_id_is_valid(batch.session) || !replay_id_is_valid(batch.tab) ||
            !replay_id_is_valid(batch.recording))
            abort();
        if (batch.event_count == 0 || batch.first_unix_ms > batch.last_unix_ms || batch.sequence < 0) abort();
        if (memchr(batch.url.ptr, '\0', batch.url.len) || batch.url.len > REPLAY_TEXT_BYTES_MAX) abort();
        uint8_t *line = malloc(size);
        memcpy(line, data, size);
        replay_batch_line(line, size);
        struct replay_batch again;
        if (memchr(line, '\n', size) || !replay_batch_read(bytes_from(line, size), &arena, &again, &err)) abort();
        if (again.event_count != batch.event_count || again.last_unix_ms != batch.last_unix_ms) abort();
        free(line);
    } else if (err.text[0] == '\0' || (err.code != ERR_INPUT && err.code != ERR_TOO_LARGE)) {
        abort();
    }
    arena_deinit(&arena);
    return 0;
}
