/* Any bytes as each encoding: bounded by the limit, errors in words. */
#include <stdlib.h>

#include "worker/otlp/inflate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const size_t limit = 100000;
    struct inflater *inflater = inflater_create();
    for (int encoding = BUFFER_ENCODING_GZIP; encoding <= BUFFER_ENCODING_DEFLATE; encoding++) {
        struct buf out;
        struct err err = { 0 };
        buf_init(&out, limit + 1);
        bool ok = inflate_body(inflater, (enum buffer_encoding)encoding, bytes_from(data, size), limit, &out, &err);
        if (ok ? out.len > limit : err.code == ERR_OK) abort();
        if (inflate_guess((enum buffer_encoding)encoding, bytes_from(data, size), limit) > limit) abort();
        buf_deinit(&out);
    }
    inflater_destroy(inflater);
    return 0;
}
