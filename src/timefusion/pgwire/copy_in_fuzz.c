/* Any bytes as COPY's data, in pieces of any size: taken apart the same however they are cut, and never more fields than there
 * are columns. The first bytes choose the format, its options and where it is cut. */
#include "base/hash.h"
#include "timefusion/pgwire/copy_in.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define COLUMNS 3u

static bool row_hash(void *ctx, const struct query_field *fields, struct err *err)
{
    struct buf *seen = ctx;
    (void)err;
    for (uint32_t c = 0; c < COLUMNS; c++) {
        uint64_t parts[3] = { fields[c].is_null, fields[c].value.len, 0 };
        if (!fields[c].is_null) parts[2] = hash64_of(fields[c].value);
        if (!buf_add(seen, parts, sizeof parts)) abort();
    }
    return true;
}

/* How it ended, and all rows before that. */
static enum err_code run(const struct wire_copy *copy, struct bytes data, size_t piece, struct buf *seen)
{
    static const char *const names[COLUMNS] = { "a", "b", "c" };
    struct copy_in_options options = {
        .copy = copy, .names = names, .column_count = COLUMNS, .row = row_hash, .ctx = seen
    };
    struct copy_in in;
    struct err err = { 0 };
    bool ok = true;
    copy_in_init(&in, &options);
    for (size_t at = 0; ok && at < data.len; at += piece)
        ok = copy_in_feed(&in, bytes_from(data.ptr + at, data.len - at < piece ? data.len - at : piece), &err);
    ok = ok && copy_in_end(&in, &err);
    if (ok != (err.code == ERR_OK)) abort();
    copy_in_deinit(&in);
    return err.code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char delimiters[] = ",\t|;", escapes[] = "\"'\\";
    static const enum wire_format formats[] = { WIRE_TEXT, WIRE_CSV, WIRE_BINARY };
    if (size < 3) return 0;
    struct wire_copy copy = { .format = formats[data[0] % 3],
                              .has_header = data[0] & 4,
                              .delimiter = delimiters[data[0] / 8 % 4],
                              .quote = '"',
                              .escape = escapes[data[1] % 3],
                              .null = data[1] & 8 ? "" : "\\N" };
    copy.matches_header = copy.has_header && data[0] & 64;
    struct bytes bytes = bytes_from(data + 3, size - 3);
    struct buf whole, cut;
    buf_init(&whole, 64u << 20);
    buf_init(&cut, 64u << 20);
    enum err_code code = run(&copy, bytes, bytes.len + 1, &whole);
    enum err_code cut_code = run(&copy, bytes, data[2] % 7 + 1, &cut);
    if (code != cut_code || !bytes_equal(buf_bytes(&whole), buf_bytes(&cut))) abort();
    buf_deinit(&whole);
    buf_deinit(&cut);
    return 0;
}
