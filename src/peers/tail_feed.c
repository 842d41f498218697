#include "peers/tail_feed.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { HEAD_BYTES_MAX = 256 };

/* The first line as a text of C; false: there is none, or it is too long. */
static bool head_read(struct bytes text, char head[HEAD_BYTES_MAX], struct bytes *rest)
{
    const uint8_t *end = text.len > 0 ? memchr(text.ptr, '\n', text.len) : NULL;
    size_t len = end ? (size_t)(end - text.ptr) : 0;
    if (!end || len >= HEAD_BYTES_MAX || memchr(text.ptr, '\0', len)) return false;
    memcpy(head, text.ptr, len);
    head[len] = '\0';
    *rest = bytes_from(end + 1, text.len - len - 1);
    return true;
}

/* sscanf takes more than we write: what was read, written anew, must be the same. */
static bool is_written(struct buf *written, struct bytes text)
{
    bool is_same = written->len <= text.len && memcmp(written->ptr, text.ptr, written->len) == 0;
    buf_deinit(written);
    return is_same;
}

static bool ask_head_write(struct buf *out, const struct tail_feed_ask *ask)
{
    char id[UUID_TEXT_BYTES + 1], project[UUID_TEXT_BYTES + 1];
    uuid_to_text(ask->id, id);
    uuid_to_text(ask->ask.project_id, project);
    return buf_printf(out, "monoscope-tail 1 %s %s %" PRIu64 " %" PRIu64 " %zu %zu %zu\n", id, project, ask->began,
                      ask->next, ask->ask.search.len, ask->ask.environment.len, ask->ask.columns.len);
}

bool tail_feed_ask_write(struct buf *out, const struct tail_feed_ask *ask)
{
    const struct bytes texts[] = { ask->ask.search, ask->ask.environment, ask->ask.columns };
    bool ok = ask_head_write(out, ask);
    for (size_t t = 0; ok && t < COUNT_OF(texts); t++) ok = buf_add(out, texts[t].ptr, texts[t].len);
    return ok;
}

bool tail_feed_ask_read(struct bytes text, struct tail_feed_ask *ask, struct err *err)
{
    char head[HEAD_BYTES_MAX], id[UUID_TEXT_BYTES + 1], project[UUID_TEXT_BYTES + 1];
    struct bytes rest;
    size_t lens[3];
    struct buf written;
    *ask = (struct tail_feed_ask){ 0 };
    if (!head_read(text, head, &rest) ||
        sscanf(head, "monoscope-tail 1 %36s %36s %" SCNu64 " %" SCNu64 " %5zu %5zu %5zu", id, project, &ask->began,
               &ask->next, &lens[0], &lens[1], &lens[2]) != 7 ||
        !uuid_from_text(bytes_of_text(id), &ask->id) || !uuid_from_text(bytes_of_text(project), &ask->ask.project_id) ||
        lens[0] > rest.len || lens[1] > rest.len || lens[2] > rest.len || /* sscanf takes "-9", too */
        lens[0] + lens[1] + lens[2] != rest.len)
        return err_set(err, ERR_PROTOCOL, "a tail is asked for as tail_feed.h says");
    ask->ask.search = bytes_from(rest.ptr, lens[0]);
    ask->ask.environment = bytes_from(rest.ptr + lens[0], lens[1]);
    ask->ask.columns = bytes_from(rest.ptr + lens[0] + lens[1], lens[2]);
    buf_init(&written, HEAD_BYTES_MAX);
    bool ok = ask_head_write(&written, ask);
    return (is_written(&written, text) && ok) || err_set(err, ERR_PROTOCOL, "a tail is asked for as tail_feed.h says");
}

bool tail_feed_answer_write(struct buf *out, const struct tail_feed_answer *answer)
{
    return buf_printf(out, "monoscope-tail 1 %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", answer->began,
                      answer->next, answer->dropped, answer->skipped);
}

bool tail_feed_answer_read(struct bytes text, struct tail_feed_answer *answer, struct bytes *rows, struct err *err)
{
    char head[HEAD_BYTES_MAX];
    struct buf written;
    if (!head_read(text, head, rows) || sscanf(head, "monoscope-tail 1 %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64,
                                               &answer->began, &answer->next, &answer->dropped, &answer->skipped) != 4)
        return err_set(err, ERR_PROTOCOL, "the worker's answer is none of a tail");
    buf_init(&written, HEAD_BYTES_MAX);
    bool ok = tail_feed_answer_write(&written, answer);
    return (is_written(&written, text) && ok) || err_set(err, ERR_PROTOCOL, "the worker's answer is none of a tail");
}
