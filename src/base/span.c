#include "base/span.h"
#include "base/clock.h"
#include <sys/random.h>

static bool is_listened_to(const struct log *log)
{
    return log != NULL && log->sink != NULL && log->sink->span != NULL;
}

static void random_fill(void *ptr, size_t len)
{
    /* Up to 256 bytes come whole or not at all (getrandom(2)). */
    if (getrandom(ptr, len, 0) != (ssize_t)len) memset(ptr, 0xA5, len);
}

void span_begin(struct span *span, const struct log *log, const struct span *parent, enum span_kind kind,
                const char *name)
{
    *span = (struct span){ 0 };
    if (!is_listened_to(log)) return;
    uint64_t random[3];
    random_fill(random, sizeof random);
    span->name = name;
    span->kind = kind;
    if (parent != NULL && parent->name != NULL) {
        span->trace_id = parent->trace_id;
        span->parent_id = parent->id;
    } else {
        memcpy(span->trace_id.bytes, &random[1], sizeof span->trace_id.bytes);
    }
    span->id = random[0] | 1; /* never 0 */
    span->begin_unix_ns = clock_unix_ns();
    span->begin_mono_ns = clock_mono_ns();
}

void span_end(const struct span *span, const struct log *log, const char *failure, const struct log_field *fields)
{
    if (span->name == NULL || !is_listened_to(log)) return;
    log->sink->span(log->sink->ctx, span, clock_mono_ns() - span->begin_mono_ns, failure, fields);
}
