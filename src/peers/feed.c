#include "peers/feed.h"
#include "base/hash.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define HEAD_LINE "monoscope-peer 1"

void feed_hash(struct bytes bytes, char digits[FEED_HASH_DIGITS + 1])
{
    snprintf(digits, FEED_HASH_DIGITS + 1, "%016" PRIx64, hash64_of(bytes));
}

/* ---- written ---- */

static bool owner_write(struct buf *out, const struct segments_owner *it)
{
    bool ok = buf_printf(out, "owner %s %" PRIu64 " %" PRIu64 " %s", it->owner->app_id, it->owner->epoch, it->visible,
                         it->is_open ? "open" : "closed");
    for (uint32_t t = 0; ok && t < SCHEMA_TABLE_COUNT; t++)
        ok = buf_printf(out, " %s:%" PRId64, schema_table((enum schema_table_id)t)->name, it->stored[t]);
    return ok && buf_add(out, "\n", 1);
}

/* With its bytes when it is small and they can be had; else it is fetched, and whoever fetches it meets the error. */
static bool entry_write(struct buf *out, const struct segments_entry *entry, uint32_t owner, size_t *room)
{
    struct timefusion_file *shown = &entry->file->shown;
    struct err ignored = { 0 };
    char project[UUID_TEXT_BYTES + 1], hash[FEED_HASH_DIGITS + 1] = "-";
    uint8_t *content = NULL;
    size_t len = 0;
    uuid_to_text(entry->project_id, project);
    if (shown->bytes <= FEED_CONTENT_BYTES_MAX && shown->bytes <= *room) {
        content = mem_alloc((size_t)shown->bytes);
        if (timefusion_file_read(shown, 0, content, (size_t)shown->bytes, &ignored)) {
            len = (size_t)shown->bytes;
            feed_hash(bytes_from(content, len), hash);
        }
    }
    bool ok = buf_printf(out, "segment %" PRIu64 " %u %s %s %d %" PRIu64 " %" PRIu64 " %" PRIu64 " %zu %s\n", shown->id,
                         owner, entry->file->table->name, project, shown->day, shown->position_low,
                         shown->position_high, shown->bytes, len, hash) &&
              (len == 0 || (buf_add(out, content, len) && buf_add(out, "\n", 1)));
    *room -= len;
    free(content);
    return ok;
}

static uint32_t owner_place(const struct segments_changes *changes, const struct owner *owner)
{
    uint32_t place = 0;
    while (place < changes->owner_count && changes->owners[place].owner != owner) place++;
    return place;
}

bool feed_write(struct buf *out, const struct segments_changes *changes, struct err *err)
{
    char list[UUID_TEXT_BYTES + 1];
    size_t room = FEED_CONTENTS_MAX;
    uuid_to_text(changes->list_id, list);
    bool ok = buf_printf(out, HEAD_LINE "\nlist %s %" PRIu64 " %s\n", list, changes->number,
                         changes->is_full ? "full" : "since");
    for (uint32_t o = 0; ok && o < changes->owner_count; o++) ok = owner_write(out, &changes->owners[o]);
    for (uint32_t r = 0; ok && r < changes->removed_count; r++)
        ok = buf_printf(out, "removed %" PRIu64 "\n", changes->removed[r]);
    for (uint32_t e = 0; ok && e < changes->entry_count; e++) {
        const struct segments_entry *entry = &changes->entries[e];
        uint32_t owner = owner_place(changes, entry->file->owner);
        if (owner < changes->owner_count) ok = entry_write(out, entry, owner, &room); /* else it is being dropped */
    }
    ok = ok && buf_printf(out, "end\n");
    return ok || err_set(err, ERR_TOO_LARGE, "the list of segments is larger than %zu bytes", out->bytes_max);
}

/* ---- read ---- */

struct reader {
    struct bytes left;
    struct bytes line; /* the one at hand, without its end: words are taken from its front */
    uint32_t line_number;
    uint32_t owner_cap, segment_cap, removed_cap;
    struct feed *feed;
};

static bool wrong(const struct reader *reader, struct err *err, const char *what)
{
    return err_set(err, ERR_PROTOCOL, "line %u of a peer's answer: %s", reader->line_number, what);
}

static bool line_next(struct reader *reader)
{
    const uint8_t *end = reader->left.len == 0 ? NULL : memchr(reader->left.ptr, '\n', reader->left.len);
    if (!end) return false;
    reader->line = bytes_from(reader->left.ptr, (size_t)(end - reader->left.ptr));
    reader->left = bytes_from(end + 1, reader->left.len - reader->line.len - 1);
    reader->line_number++;
    return true;
}

static struct bytes word_next(struct reader *reader)
{
    const uint8_t *space = reader->line.len == 0 ? NULL : memchr(reader->line.ptr, ' ', reader->line.len);
    size_t len = space ? (size_t)(space - reader->line.ptr) : reader->line.len;
    struct bytes word = bytes_from(reader->line.ptr, len);
    reader->line = bytes_from(reader->line.ptr + len + (space != NULL), reader->line.len - len - (space != NULL));
    return word;
}

/* Digits alone, of a number that fits. */
static bool number_of(struct bytes word, uint64_t max, uint64_t *number)
{
    *number = 0;
    for (size_t d = 0; d < word.len; d++) {
        uint8_t digit = (uint8_t)(word.ptr[d] - '0');
        if (digit > 9 || __builtin_mul_overflow(*number, 10u, number) || __builtin_add_overflow(*number, digit, number))
            return false;
    }
    return word.len > 0 && *number <= max;
}

static bool number_next(struct reader *reader, uint64_t max, uint64_t *number)
{
    return number_of(word_next(reader), max, number);
}

/* Larger by one; the array doubles. */
static void *array_more(void *array, uint32_t count, uint32_t *cap, size_t item_bytes)
{
    if (count < *cap) return array;
    *cap = *cap ? *cap * 2 : 16;
    return mem_realloc(array, *cap * item_bytes);
}

static bool list_read(struct reader *reader, struct err *err)
{
    struct feed *feed = reader->feed;
    bool ok = uuid_from_text(word_next(reader), &feed->list_id) && number_next(reader, INT64_MAX, &feed->number);
    struct bytes kind = word_next(reader);
    feed->is_full = bytes_equal(kind, BYTES("full"));
    if (!ok || feed->number == 0 || (!feed->is_full && !bytes_equal(kind, BYTES("since"))))
        return wrong(reader, err, "it is not a list's id, number and kind");
    return true;
}

static int table_of(struct bytes name)
{
    const struct schema_table *table = schema_table_by_name(name);
    return table ? (int)table->id : -1;
}

/* "otel_metrics:640"; a table that we do not know is of a later version. */
static bool stored_read(struct bytes word, struct feed_owner *owner)
{
    const uint8_t *colon = word.len == 0 ? NULL : memchr(word.ptr, ':', word.len);
    uint64_t number;
    if (!colon) return false;
    int table = table_of(bytes_from(word.ptr, (size_t)(colon - word.ptr)));
    struct bytes text = bytes_from(colon + 1, word.len - (size_t)(colon + 1 - word.ptr));
    if (bytes_equal(text, BYTES("-1"))) {
        if (table >= 0) owner->stored[table] = -1;
        return true;
    }
    if (!number_of(text, INT64_MAX, &number)) return false;
    if (table >= 0) owner->stored[table] = (int64_t)number;
    return true;
}

static bool app_id_read(struct bytes word, struct feed_owner *owner)
{
    if (word.len == 0 || word.len >= sizeof owner->app_id) return false;
    for (size_t c = 0; c < word.len; c++)
        if (word.ptr[c] <= ' ' || word.ptr[c] > '~') return false;
    memcpy(owner->app_id, word.ptr, word.len);
    return true;
}

static bool owner_read(struct reader *reader, struct err *err)
{
    struct feed *feed = reader->feed;
    struct feed_owner owner = { 0 };
    bool ok = app_id_read(word_next(reader), &owner) && number_next(reader, INT64_MAX, &owner.epoch) &&
              number_next(reader, INT64_MAX, &owner.visible);
    struct bytes state = word_next(reader);
    owner.is_open = bytes_equal(state, BYTES("open"));
    if (!ok || owner.epoch == 0 || (!owner.is_open && !bytes_equal(state, BYTES("closed"))))
        return wrong(reader, err, "it is not an owner's partition, epoch, position and state");
    for (uint32_t t = 0; t < SCHEMA_TABLE_COUNT; t++) owner.stored[t] = -1;
    while (reader->line.len > 0)
        if (!stored_read(word_next(reader), &owner)) return wrong(reader, err, "it is not a table and a position");
    for (uint32_t o = 0; o < feed->owner_count; o++)
        if (feed->owners[o].epoch == owner.epoch && strcmp(feed->owners[o].app_id, owner.app_id) == 0)
            return wrong(reader, err, "this owner is there twice");
    if (feed->owner_count == FEED_OWNERS_MAX) return wrong(reader, err, "there are too many owners");
    feed->owners = array_more(feed->owners, feed->owner_count, &reader->owner_cap, sizeof *feed->owners);
    feed->owners[feed->owner_count++] = owner;
    return true;
}

static bool removed_read(struct reader *reader, struct err *err)
{
    struct feed *feed = reader->feed;
    uint64_t id;
    if (!number_next(reader, INT64_MAX, &id)) return wrong(reader, err, "it is not the id of a segment");
    feed->removed = array_more(feed->removed, feed->removed_count, &reader->removed_cap, sizeof *feed->removed);
    feed->removed[feed->removed_count++] = id;
    return true;
}

/* The bytes after the line; and that they are those that were sent. */
static bool content_read(struct reader *reader, size_t len, struct bytes hash, struct feed_segment *segment,
                         struct err *err)
{
    char digits[FEED_HASH_DIGITS + 1];
    if (len == 0) return true;
    if (reader->left.len <= len || reader->left.ptr[len] != '\n')
        return wrong(reader, err, "the segment's bytes are not all there");
    segment->content = bytes_from(reader->left.ptr, len);
    reader->left = bytes_from(reader->left.ptr + len + 1, reader->left.len - len - 1);
    feed_hash(segment->content, digits);
    return bytes_equal(hash, bytes_of_text(digits)) || wrong(reader, err, "the segment's bytes have another hash");
}

static bool segment_read(struct reader *reader, struct err *err)
{
    struct feed *feed = reader->feed;
    struct feed_segment segment = { 0 };
    uint64_t owner, day, len;
    bool ok = number_next(reader, INT64_MAX, &segment.id) && number_next(reader, UINT32_MAX, &owner);
    int table = table_of(word_next(reader));
    ok = ok && uuid_from_text(word_next(reader), &segment.project_id);
    struct bytes day_word = word_next(reader);
    bool is_before_1970 = day_word.len > 0 && day_word.ptr[0] == '-';
    if (is_before_1970) day_word = bytes_from(day_word.ptr + 1, day_word.len - 1);
    ok = ok && number_of(day_word, INT32_MAX, &day) && number_next(reader, INT64_MAX, &segment.low) &&
         number_next(reader, INT64_MAX, &segment.high) && number_next(reader, 1ull << 40, &segment.bytes) &&
         number_next(reader, FEED_CONTENT_BYTES_MAX, &len);
    struct bytes hash = word_next(reader);
    if (!ok || owner >= feed->owner_count || segment.low >= segment.high || segment.bytes == 0 ||
        (len != 0 && len != segment.bytes))
        return wrong(reader, err, "it is not a segment's id, owner, table, project, day, positions and bytes");
    if (!content_read(reader, (size_t)len, hash, &segment, err)) return false;
    if (table < 0) return true;
    segment.table = (enum schema_table_id)table;
    segment.owner = (uint32_t)owner;
    segment.day = is_before_1970 ? -(int32_t)day : (int32_t)day;
    feed->segments = array_more(feed->segments, feed->segment_count, &reader->segment_cap, sizeof *feed->segments);
    feed->segments[feed->segment_count++] = segment;
    return true;
}

static bool lines_read(struct reader *reader, struct err *err)
{
    static const struct {
        struct bytes word;
        bool (*read)(struct reader *reader, struct err *err);
    } kinds[] = {
        { { (const uint8_t *)"owner", 5 }, owner_read },
        { { (const uint8_t *)"removed", 7 }, removed_read },
        { { (const uint8_t *)"segment", 7 }, segment_read },
    };
    if (!line_next(reader) || !bytes_equal(reader->line, BYTES(HEAD_LINE)))
        return wrong(reader, err, "it does not begin with \"" HEAD_LINE "\": is that a monoscope of another version?");
    if (!line_next(reader) || !bytes_equal(word_next(reader), BYTES("list")))
        return wrong(reader, err, "it does not say of which list it is");
    if (!list_read(reader, err)) return false;
    while (line_next(reader)) {
        struct bytes word = word_next(reader);
        if (bytes_equal(word, BYTES("end")))
            return reader->left.len == 0 || wrong(reader, err, "something comes after the end");
        for (size_t k = 0; k < COUNT_OF(kinds); k++)
            if (bytes_equal(word, kinds[k].word) && !kinds[k].read(reader, err)) return false;
    }
    return wrong(reader, err, "it ends before the end");
}

bool feed_read(struct bytes text, struct feed *feed, struct err *err)
{
    struct reader reader = { .left = text, .feed = feed };
    *feed = (struct feed){ 0 };
    if (lines_read(&reader, err)) return true;
    feed_deinit(feed);
    return false;
}

void feed_deinit(struct feed *feed)
{
    free(feed->owners);
    free(feed->segments);
    free(feed->removed);
    *feed = (struct feed){ 0 };
}
