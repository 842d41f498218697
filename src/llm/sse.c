#include "llm/sse.h"

void sse_init(struct sse *sse, bool (*event)(void *ctx, struct bytes data, struct err *err), void *ctx)
{
    *sse = (struct sse){ .event = event, .ctx = ctx };
    buf_init(&sse->line, SSE_EVENT_BYTES_MAX);
    buf_init(&sse->data, SSE_EVENT_BYTES_MAX);
}

void sse_deinit(struct sse *sse)
{
    buf_deinit(&sse->line);
    buf_deinit(&sse->data);
}

static bool too_long(struct err *err)
{
    return err_set(err, ERR_TOO_LARGE, "an event of the answer has more than %u bytes", SSE_EVENT_BYTES_MAX);
}

static bool event_end(struct sse *sse, struct err *err)
{
    bool ok = !sse->has_data || sse->event(sse->ctx, buf_bytes(&sse->data), err);
    sse->data.len = 0;
    sse->has_data = false;
    return ok;
}

static bool line_end(struct sse *sse, struct err *err)
{
    struct bytes line = buf_bytes(&sse->line);
    sse->line.len = 0;
    if (!sse->has_begun && line.len >= 3 && memcmp(line.ptr, "\xEF\xBB\xBF", 3) == 0)
        line = bytes_from(line.ptr + 3, line.len - 3);
    sse->has_begun = true;
    if (line.len == 0) return event_end(sse, err);
    if (line.len < 4 || memcmp(line.ptr, "data", 4) != 0 || (line.len > 4 && line.ptr[4] != ':')) return true;
    size_t skip = line.len == 4 ? 4 : line.len > 5 && line.ptr[5] == ' ' ? 6 : 5;
    if (sse->has_data && !buf_add(&sse->data, "\n", 1)) return too_long(err);
    sse->has_data = true;
    return buf_add(&sse->data, line.ptr + skip, line.len - skip) || too_long(err);
}

bool sse_feed(struct sse *sse, struct bytes bytes, struct err *err)
{
    for (size_t at = 0; at < bytes.len;) {
        if (sse->was_cr && bytes.ptr[at] == '\n') at++; /* the second half of \r\n */
        sse->was_cr = false;
        size_t end = at;
        while (end < bytes.len && bytes.ptr[end] != '\n' && bytes.ptr[end] != '\r') end++;
        if (end > at && !buf_add(&sse->line, bytes.ptr + at, end - at)) return too_long(err);
        if (end == bytes.len) break;
        sse->was_cr = bytes.ptr[end] == '\r';
        at = end + 1;
        if (!line_end(sse, err)) return false;
    }
    return true;
}
