/* Any bytes as errors: what is kept of them is text that databases take, and the same in any order.
 * Each error: a byte of its kind, one of its time, then service, type, message, stack, environment and user, each up to a NUL. */
#include <stdlib.h>

#include "base/utf8.h"
#include "worker/errors/error_delta.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ERRORS_MAX = 64, PARTS = 6 };
static const uint8_t secret[32] = { 2 };

struct given {
    uint8_t kind;
    int64_t at_us;
    struct bytes parts[PARTS];
};

static struct bytes part_take(struct bytes *rest)
{
    const uint8_t *nul = rest->len == 0 ? NULL : memchr(rest->ptr, 0, rest->len);
    size_t len = nul == NULL ? rest->len : (size_t)(nul - rest->ptr);
    struct bytes part = bytes_from(rest->ptr, len);
    size_t used = nul == NULL ? len : len + 1;
    *rest = bytes_from(rest->ptr + used, rest->len - used);
    return part;
}

static uint32_t errors_read(struct bytes rest, struct given *given)
{
    uint32_t count = 0;
    while (rest.len > 2 && count < ERRORS_MAX) {
        struct given *one = &given[count++];
        one->kind = rest.ptr[0] % 4;
        one->at_us = rest.ptr[1] % 8 * INT64_C(30000000);
        rest = bytes_from(rest.ptr + 2, rest.len - 2);
        for (int p = 0; p < PARTS; p++) one->parts[p] = part_take(&rest);
    }
    return count;
}

static void given_add(struct error_delta *delta, struct error_names *names, const struct given *given)
{
    char element[4 + UUID_TEXT_BYTES + 1] = "err:";
    uuid_to_text((struct uuid){ { given->kind } }, element + 4);
    struct rows_error error = { .hash = bytes_from(element, 4 + UUID_TEXT_BYTES),
                                .by = FINGERPRINT_BY_STACK,
                                .source = { .service = given->parts[0],
                                            .type = given->parts[1],
                                            .message = given->parts[2],
                                            .stacktrace = given->parts[3] } };
    struct rows_row row = { .kind = ROWS_LOG,
                            .timestamp_us = given->at_us,
                            .errors = &error,
                            .error_count = 1,
                            .environment = given->parts[4],
                            .release = given->parts[4],
                            .user_id = given->parts[5] };
    error_delta_row(delta, names, (struct uuid){ { 7 } }, &row, 0);
}

static void text_check(struct bytes text)
{
    if (!utf8_is_valid(text) || (text.len > 0 && memchr(text.ptr, 0, text.len) != NULL)) abort();
}

static const struct error_counted *counted_find(const struct error_changes *changes, struct uuid id)
{
    for (size_t f = 0; f < changes->fingerprint_count; f++)
        if (uuid_equal(changes->fingerprints[f].id, id)) return &changes->fingerprints[f];
    abort();
}

static void same_check(const struct error_changes *changes, const struct error_changes *others)
{
    if (changes->fingerprint_count != others->fingerprint_count || changes->count_count != others->count_count ||
        changes->release_count != others->release_count || changes->user_count != others->user_count)
        abort();
    for (size_t f = 0; f < changes->fingerprint_count; f++) {
        const struct error_counted *one = &changes->fingerprints[f], *other = counted_find(others, one->id);
        if (!bytes_equal(one->first_event, other->first_event) || !bytes_equal(one->last_event, other->last_event) ||
            !bytes_equal(one->service, other->service) || !bytes_equal(one->language, other->language) ||
            one->row_count != other->row_count || one->last_unix_us != other->last_unix_us)
            abort();
        text_check(one->first_event);
        text_check(one->last_event);
        text_check(one->service);
        text_check(one->language);
    }
    for (size_t c = 0; c < changes->count_count; c++) text_check(changes->counts[c].environment);
    for (size_t r = 0; r < changes->release_count; r++) text_check(changes->releases[r].release);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct given given[ERRORS_MAX];
    struct error_delta *whole = error_delta_create(), *half = error_delta_create(), *rest = error_delta_create();
    struct error_names *names = error_names_create(secret);
    struct error_changes changes = { 0 }, others = { 0 };
    uint32_t count = size > 0 ? errors_read(bytes_from(data, size), given) : 0;
    error_names_begin(names, 0, NULL);
    for (uint32_t g = 0; g < count; g++) {
        given_add(whole, names, &given[g]);
        given_add(g % 2 ? half : rest, names, &given[count - 1 - g]);
    }
    error_delta_merge(half, rest);
    error_delta_changes(whole, &changes);
    error_delta_changes(half, &others);
    same_check(&changes, &others);
    error_names_destroy(names);
    error_delta_destroy(whole);
    error_delta_destroy(half);
    error_delta_destroy(rest);
    return 0;
}
