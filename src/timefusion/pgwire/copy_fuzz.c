/* Any text as a value of COPY, with any delimiter, quote and escape: what a reader makes of it is the text again, and it stays
 * within its field. The first bytes choose the options. */
#include "timefusion/pgwire/copy.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* CopyReadAttributesText of one field. */
static bool text_read(struct bytes field, char delimiter, struct buf *out)
{
    static const char letters[] = "bfnrtv", controls[] = "\b\f\n\r\t\v";
    for (size_t i = 0; i < field.len; i++) {
        char c = (char)field.ptr[i];
        if (c == delimiter || c == '\n' || c == '\r') return false; /* the field would have ended */
        if (c == '\\') {
            if (++i == field.len) return false;
            c = (char)field.ptr[i];
            const char *at = c ? strchr(letters, c) : NULL;
            if (at) c = controls[at - letters];
        }
        if (!buf_add(out, &c, 1)) return false;
    }
    return true;
}

/* CopyReadAttributesCSV of one field. */
static bool csv_read(struct bytes field, const struct wire_copy *copy, struct buf *out)
{
    size_t i = 0;
    bool is_quoted = field.len > 0 && (char)field.ptr[0] == copy->quote;
    for (i = is_quoted; i < field.len; i++) {
        char c = (char)field.ptr[i];
        if (!is_quoted && (c == copy->delimiter || c == '\n' || c == '\r' || c == copy->quote)) return false;
        if (is_quoted && c == copy->escape && i + 1 < field.len &&
            ((char)field.ptr[i + 1] == copy->escape || (char)field.ptr[i + 1] == copy->quote)) {
            c = (char)field.ptr[++i];
        } else if (is_quoted && c == copy->quote) {
            return i + 1 == field.len;
        }
        if (!buf_add(out, &c, 1)) return false;
    }
    return !is_quoted;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char delimiters[] = ",\t|;: @", quotes[] = "\"'`^", escapes[] = "\"'\\^";
    if (size < 3 || size > 4096) return 0;
    struct wire_copy copy = { .format = data[0] & 1 ? WIRE_CSV : WIRE_TEXT,
                              .delimiter = delimiters[data[0] / 2 % (sizeof delimiters - 1)],
                              .quote = quotes[data[1] % (sizeof quotes - 1)],
                              .escape = escapes[data[1] / 4 % (sizeof escapes - 1)],
                              .null = data[2] & 1 ? "" : "nix" };
    struct bytes text = bytes_from(data + 3, size - 3);
    struct buf field, back;
    buf_init(&field, 1u << 20);
    buf_init(&back, 1u << 20);
    bool is_csv = copy.format == WIRE_CSV, ok;
    if (!(is_csv ? copy_csv_put(&field, &copy, text, data[2] & 2, data[2] & 4) : copy_text_put(&field, &copy, text)))
        abort();
    ok = is_csv ? csv_read(buf_bytes(&field), &copy, &back) : text_read(buf_bytes(&field), copy.delimiter, &back);
    if (!ok || !bytes_equal(buf_bytes(&back), text)) abort();
    if (is_csv && bytes_equal(buf_bytes(&field), bytes_of_text(copy.null))) abort(); /* it would be NULL */
    buf_deinit(&field);
    buf_deinit(&back);
    return 0;
}
