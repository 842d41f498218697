/* Any bytes as a fingerprint's row and as its first event: they are refused or read, and what was read is written as it was. */
#include <stdlib.h>

#include "base/utf8.h"
#include "issues/row.h"
#include "issues/tell.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_row(struct bytes bytes)
{
    static struct group_row row;
    uint8_t written[ROW_BYTES_MAX];
    struct err err = { 0 };
    row = (struct group_row){ 0 };
    if (!row_read(bytes, &row, &err)) return;
    size_t len = row_write(&row, written);
    if (!bytes_equal(bytes_from(written, len), bytes)) abort();
}

static void check_line(struct bytes text, size_t bytes_max)
{
    if (text.len > bytes_max || !utf8_is_valid(text)) abort();
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < ' ' || text.ptr[i] == 0x7F) abort();
}

static void check_event(struct bytes json)
{
    struct arena arena;
    arena_init(&arena, 0);
    struct issue_new new = { .service = BYTES("shop"), .language = BYTES(""), .first_event = json };
    const struct error_event *event = tell_read(&arena, &new);
    for (int by = FINGERPRINT_BY_RULE; by <= FINGERPRINT_BY_PLACE; by++) {
        struct telling telling = tell_of(&arena, event, (enum fingerprint_by)by);
        check_line(telling.title, TELL_TITLE_BYTES);
        check_line(telling.message, TELL_MESSAGE_BYTES);
        check_line(telling.culprit, TELL_CULPRIT_BYTES);
        if (telling.title.len == 0) abort();
    }
    arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_row(bytes_from(data, size));
    check_event(bytes_from(data, size));
    return 0;
}
