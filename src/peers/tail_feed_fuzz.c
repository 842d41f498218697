/* Any bytes as what is asked and as what is answered: what is read is written the same again. */
#include "peers/tail_feed.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = bytes_from(data, size), rows;
    struct tail_feed_ask ask;
    struct tail_feed_answer answer;
    struct err err = { 0 };
    struct buf out;
    buf_init(&out, size + 1);
    if (tail_feed_ask_read(text, &ask, &err) &&
        (!tail_feed_ask_write(&out, &ask) || !bytes_equal(buf_bytes(&out), text)))
        abort();
    out.len = 0;
    if (tail_feed_answer_read(text, &answer, &rows, &err) &&
        (!tail_feed_answer_write(&out, &answer) || out.len + rows.len != size))
        abort();
    buf_deinit(&out);
    return 0;
}
