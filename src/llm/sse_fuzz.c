/* Server-sent events: the same events whether the bytes come at once or one by one. */
#include "llm/sse.h"

#include <stdlib.h>

#include "base/hash.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct seen {
    uint64_t hash;
    uint32_t count;
};

static bool event(void *ctx, struct bytes bytes, struct err *err)
{
    struct seen *seen = ctx;
    seen->hash = hash64_key(bytes, seen->hash);
    seen->count++;
    return seen->count < 1000 || err_set(err, ERR_TOO_LARGE, "enough");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct seen whole = { 0 }, pieces = { 0 };
    struct sse sse;
    struct err err = { 0 };
    sse_init(&sse, event, &whole);
    bool ok = sse_feed(&sse, bytes_from(data, len), &err);
    sse_deinit(&sse);
    sse_init(&sse, event, &pieces);
    bool ok_pieces = true;
    for (size_t i = 0; i < len && ok_pieces; i++) ok_pieces = sse_feed(&sse, bytes_from(data + i, 1), &err);
    sse_deinit(&sse);
    if (ok != ok_pieces || whole.hash != pieces.hash || whole.count != pieces.count) abort();
    return 0;
}
