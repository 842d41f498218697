/* A watch as bytes: how far it has come, its series by their numbers, and what is usual for each. */
#include "detect/rollups/watch_inside.h"

#define MAGIC     UINT32_C(0x3157574d) /* "MWW1" */
#define KINDS_MAX 16
#define TEXT_MAX  65535

static bool number_put(struct buf *out, uint64_t number, size_t bytes)
{
    uint8_t raw[8];
    for (size_t i = 0; i < bytes; i++) raw[i] = (uint8_t)(number >> (8 * i));
    return buf_add(out, raw, bytes);
}

static bool text_put(struct buf *out, struct bytes text)
{
    size_t len = text.len > TEXT_MAX ? TEXT_MAX : text.len;
    return number_put(out, len, 2) && buf_add(out, text.ptr, len);
}

static int ids_compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

bool watch_write(const struct watch *watch, struct buf *out)
{
    uint32_t count = detect_series_count(watch->detect), ignored = 0;
    int64_t *ids = mem_calloc(count + 1u, sizeof *ids);
    for (uint32_t s = 0; s < watch->slot_count; s++) {
        const struct slot *slot = &watch->slots[s];
        if (slot->number == WATCH_IGNORED) ignored++;
        if (slot->number != 0 && slot->number != WATCH_IGNORED) ids[slot->number - 1] = slot->id;
    }
    bool ok = number_put(out, MAGIC, 4) && number_put(out, (uint64_t)watch->next_unix_us, 8) &&
              number_put(out, count, 4) && number_put(out, watch->total_count, 4) && number_put(out, ignored, 4);
    for (uint32_t n = 0; ok && n < count; n++) {
        const struct watched *watched = &watch->watched[n];
        const struct watch_subject *subject = &watched->subject;
        struct buf state;
        buf_init(&state, DETECT_STATE_BYTES);
        detect_series_write(watch->detect, n, &state);
        ok = number_put(out, watched->is_total, 1) && number_put(out, watched->total, 4) &&
             number_put(out, (uint64_t)ids[n], 8) && text_put(out, subject->service) &&
             text_put(out, subject->endpoint) && text_put(out, subject->method) && text_put(out, subject->route) &&
             text_put(out, bytes_of_text(subject->kind)) && text_put(out, buf_bytes(&state));
        buf_deinit(&state);
    }
    int64_t *others = mem_calloc(ignored + 1u, sizeof *others);
    uint32_t at = 0;
    for (uint32_t s = 0; s < watch->slot_count; s++)
        if (watch->slots[s].number == WATCH_IGNORED) others[at++] = watch->slots[s].id;
    qsort(others, ignored, sizeof *others, ids_compare);
    for (uint32_t i = 0; ok && i < ignored; i++) ok = number_put(out, (uint64_t)others[i], 8);
    free(others);
    free(ids);
    return ok;
}

struct reader {
    const uint8_t *at, *end;
    bool is_bad;
};
static uint64_t number_take(struct reader *reader, size_t bytes)
{
    uint64_t number = 0;
    if ((size_t)(reader->end - reader->at) < bytes) {
        reader->is_bad = true;
        reader->at = reader->end;
        return 0;
    }
    for (size_t i = 0; i < bytes; i++) number |= (uint64_t)reader->at[i] << (8 * i);
    reader->at += bytes;
    return number;
}

static struct bytes text_take(struct reader *reader)
{
    size_t len = (size_t)number_take(reader, 2);
    if ((size_t)(reader->end - reader->at) < len) {
        reader->is_bad = true;
        len = 0;
    }
    struct bytes text = bytes_from(reader->at, len);
    reader->at += len;
    return text;
}

/* One series; its total is told by number and may come later. */
static bool series_take(struct watch *watch, struct reader *reader, uint32_t totals, struct err *err)
{
    bool is_total = number_take(reader, 1) == 1;
    uint32_t total = (uint32_t)number_take(reader, 4);
    int64_t id = (int64_t)number_take(reader, 8);
    struct watch_subject subject;
    struct bytes *const texts[] = { &subject.service, &subject.endpoint, &subject.method, &subject.route };
    for (size_t t = 0; t < COUNT_OF(texts); t++) *texts[t] = watch_kept(watch, text_take(reader));
    struct bytes kind = text_take(reader), state = text_take(reader);
    subject.kind = arena_printf(&watch->names, "%.*s", (int)kind.len, (const char *)kind.ptr);
    if (reader->is_bad || (total >= totals && total != WATCH_IGNORED) || (is_total && total >= totals) ||
        watch_slot_of(watch, id, is_total) != 0)
        return false;
    uint32_t number = watch_series_add(watch, &subject, id, is_total);
    watch->watched[number].is_total = is_total;
    watch->watched[number].total = total;
    if (is_total) {
        if (watch->totals[total].watched != WATCH_IGNORED) return false;
        watch->totals[total].watched = number;
    } else if (total != WATCH_IGNORED) {
        watch->totals[total].members++;
    }
    return detect_series_read(watch->detect, number, state, err);
}

bool watch_read(struct watch *watch, struct bytes bytes, int64_t oldest_unix_us, struct err *err)
{
    struct reader reader = { bytes.ptr, bytes.ptr + bytes.len, false };
    bool is_ours = number_take(&reader, 4) == MAGIC;
    int64_t next = (int64_t)number_take(&reader, 8);
    uint32_t count = (uint32_t)number_take(&reader, 4), totals = (uint32_t)number_take(&reader, 4),
             ignored = (uint32_t)number_take(&reader, 4);
    bool ok = is_ours && !reader.is_bad && count <= WATCH_SERIES_MAX + 1 && totals <= count &&
              ignored <= bytes.len / 8 && next >= 0 && next % ROLLUP_MINUTE_US == 0;
    if (ok) watch_totals_make(watch, totals);
    for (uint32_t n = 0; ok && n < count; n++) ok = series_take(watch, &reader, totals, err);
    for (uint32_t t = 0; ok && t < totals; t++) ok = watch->totals[t].watched != WATCH_IGNORED;
    for (uint32_t i = 0; ok && i < ignored; i++) watch_ignore(watch, (int64_t)number_take(&reader, 8));
    if (!ok || reader.is_bad || reader.at != reader.end)
        return err_set(err, ERR_CORRUPT, "what is usual of a project cannot be read");
    watch->next_unix_us = next < oldest_unix_us ? oldest_unix_us - oldest_unix_us % ROLLUP_MINUTE_US : next;
    return true;
}
