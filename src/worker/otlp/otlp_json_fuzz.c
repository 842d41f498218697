/* Any bytes as OTLP/JSON of each signal: what is taken is protobuf that the decoder reads to its end, as what is refused is
 * told in words; no read past the end, nothing larger than the text can say. */
#include "worker/otlp/otlp_dump.h"
#include "worker/otlp/otlp_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode(enum otlp_signal signal, struct bytes protobuf, struct buf *text)
{
    struct otlp_limits limits = otlp_limits_default;
    struct otlp_request request;
    struct err err = { 0 };
    limits.attributes_max = 200; /* so that limits are met with small inputs */
    otlp_request_init(&request);
    text->len = 0;
    if (otlp_decode(&request, signal, protobuf, INT64_C(1763800000000000), &limits, &err)) {
        dump_request(text, &request);
    } else if (err.code != ERR_TOO_LARGE) {
        abort();
    }
    otlp_request_deinit(&request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const size_t limit = 1 << 18;
    struct buf protobuf, text;
    buf_init(&protobuf, limit + OTLP_JSON_SPARE_BYTES);
    buf_init(&text, (size_t)1 << 30);
    for (int signal = OTLP_LOGS; signal <= OTLP_METRICS; signal++) {
        struct err err = { 0 };
        if (otlp_json_to_protobuf((enum otlp_signal)signal, bytes_from(data, size), limit, &protobuf, &err)) {
            /* "0," may be eight bytes; padded lengths come with much text. */
            if (protobuf.len > limit || protobuf.len > 6 * size + 64) abort();
            decode((enum otlp_signal)signal, buf_bytes(&protobuf), &text);
        } else if (err.code == ERR_OK || err.text[0] == '\0') {
            abort();
        }
    }
    buf_deinit(&protobuf);
    buf_deinit(&text);
    return 0;
}
