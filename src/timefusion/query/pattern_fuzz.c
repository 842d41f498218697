/* Any bytes as a pattern of to_char, to_number and to_timestamp, a newline, and what it is for. */
#include "timefusion/query/number_pattern.h"
#include "timefusion/query/time_pattern.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void refusal_check(bool ok, const struct err *err)
{
    if (ok != (err->code == ERR_OK) || (!ok && err->text[0] == '\0')) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 1024) return 0;
    const uint8_t *line = memchr(data, '\n', size);
    size_t len = line ? (size_t)(line - data) : size;
    struct bytes pattern = bytes_from(data, len), text = line ? bytes_from(line + 1, size - len - 1) : pattern;
    struct buf out;
    struct err err = { .code = ERR_OK };
    struct pattern_time time;
    int64_t at = 0;
    buf_init(&out, 65536);
    refusal_check(number_pattern_put(&out, text, pattern, &err), &err);
    err = (struct err){ .code = ERR_OK };
    refusal_check(number_pattern_take(&out, text, pattern, &err), &err);
    err = (struct err){ .code = ERR_OK };
    refusal_check(time_pattern_take(text, pattern, &at, &err), &err);
    for (size_t i = 0; i < text.len && i < 8; i++) at = (int64_t)((uint64_t)at << 8 | text.ptr[i]);
    if (at > -9000000000000000000 && at < 9000000000000000000) {
        pattern_time_of(&time, at);
        time.has_zone = true;
        time.offset_s = (int32_t)(at % 50000);
        err = (struct err){ .code = ERR_OK };
        refusal_check(time_pattern_put(&out, &time, pattern, &err), &err);
        pattern_time_of_interval(&time, (int32_t)(at % 1000000000), (int32_t)(at % 77777), at);
        err = (struct err){ .code = ERR_OK };
        refusal_check(time_pattern_put(&out, &time, pattern, &err), &err);
    }
    buf_deinit(&out);
    return 0;
}
