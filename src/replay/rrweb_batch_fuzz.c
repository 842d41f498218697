/* Any bytes as another recorder's batch: refused with words, or made one of ours, which has no number. */
#include "replay/replay_batch.h"
#include "replay/rrweb_batch.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct replay_batch batch;
    struct buf out;
    struct err err = { 0 }, none = { 0 };
    arena_init(&arena, 0);
    buf_init(&out, REPLAY_BATCH_BYTES_MAX);
    if (rrweb_batch_convert(bytes_from(data, size), bytes_from(data, size < 40 ? size : 40), &out, &err)) {
        if (replay_batch_read(buf_bytes(&out), &arena, &batch, &none) && (batch.is_numbered || batch.is_last)) abort();
    } else if (err.text[0] == '\0' || (err.code != ERR_INPUT && err.code != ERR_TOO_LARGE)) {
        abort();
    }
    buf_deinit(&out);
    arena_deinit(&arena);
    return 0;
}
