#include "worker/replay/replay_ranges.h"

#include <inttypes.h>

#define SNAPSHOT   "snapshot"
#define LAST       "last"
#define UNNUMBERED "unnumbered"

bool replay_ranges_put(struct buf *text, const struct replay_range *range)
{
    return buf_printf(text, "%s%.*s %" PRId64 " %" PRId64 "%s%s%s", text->len > 0 ? "," : "", (int)range->recording.len,
                      (const char *)range->recording.ptr, range->from, range->to,
                      range->has_snapshot ? " " SNAPSHOT : "", range->is_last ? " " LAST : "",
                      range->is_unnumbered ? " " UNNUMBERED : "");
}

/* Up to the sign or the end, which are taken too. */
static struct bytes part_take(struct bytes *text, uint8_t sign)
{
    const uint8_t *end = text->len > 0 ? memchr(text->ptr, sign, text->len) : NULL;
    size_t len = end ? (size_t)(end - text->ptr) : text->len;
    struct bytes part = bytes_from(text->ptr, len);
    *text = end ? bytes_from(end + 1, text->len - len - 1) : (struct bytes){ 0 };
    return part;
}

static int64_t number_of(struct bytes digits)
{
    uint64_t number = 0;
    for (size_t i = 0; i < digits.len && digits.ptr[i] >= '0' && digits.ptr[i] <= '9'; i++)
        number = number * 10 + (uint64_t)(digits.ptr[i] - '0');
    return (int64_t)(number & (INT64_MAX >> 1)); /* one more can be added to what nobody wrote, too */
}

bool replay_ranges_next(struct bytes *rest, struct replay_range *range)
{
    if (rest->len == 0) return false;
    struct bytes text = part_take(rest, ',');
    *range = (struct replay_range){ .recording = part_take(&text, ' ') };
    range->from = number_of(part_take(&text, ' '));
    range->to = number_of(part_take(&text, ' '));
    while (text.len > 0) {
        struct bytes word = part_take(&text, ' ');
        range->has_snapshot |= bytes_equal(word, BYTES(SNAPSHOT));
        range->is_last |= bytes_equal(word, BYTES(LAST));
        range->is_unnumbered |= bytes_equal(word, BYTES(UNNUMBERED));
    }
    return true;
}

uint32_t replay_ranges_count(struct bytes text)
{
    uint32_t count = text.len > 0;
    for (size_t i = 0; i < text.len; i++) count += text.ptr[i] == ',';
    return count;
}
