/* New fingerprints to issues: read, decided in memory, written in one transaction. */
#include <inttypes.h>

#include "base/clock.h"
#include "base/fail.h"
#include "issues/grouper_inside.h"
#include "issues/row.h"
#include "issues/tell.h"

static void embedding_tell(struct grouper *grouper, const struct group_decision *decision)
{
    bool failed = decision->meaning_error.code != ERR_OK;
    if (failed && !grouper->is_embedding_told)
        log_warn(grouper->options.log, "issues.embedding_failed", log_text("err", decision->meaning_error.text),
                 log_text("then", "errors are grouped by their stacks alone"));
    if (failed || decision->has_meaning) grouper->is_embedding_told = failed;
}

static void stats_add(struct grouper *grouper, const struct group_decision *decision)
{
    pthread_mutex_lock(&grouper->lock);
    grouper->stats.decided[decision->by]++;
    grouper->stats.embedding_failures += decision->meaning_error.code != ERR_OK;
    grouper->stats.full += decision->is_full;
    pthread_mutex_unlock(&grouper->lock);
    if (decision->is_full && !grouper->is_full_told) {
        log_warn(grouper->options.log, "issues.index_full",
                 log_text("then", "further kinds of errors are issues of their own; give more --memory"));
        grouper->is_full_told = true;
    }
}

struct asked {
    const struct error_event *event;
    struct fingerprint fingerprint;
    struct group_question question;
    struct group_decision decision;
};

static struct asked *ask(struct grouper *grouper, struct owned *owned, const struct issue_new *new)
{
    struct asked *asked = arena_calloc(&grouper->arena, sizeof *asked);
    asked->event = tell_read(&grouper->arena, new);
    asked->fingerprint = (struct fingerprint){ .key = row_key(new->id), .by = (enum fingerprint_by) new->made_by };
    asked->question =
        (struct group_question){ .event = asked->event,
                                 .fingerprint = &asked->fingerprint,
                                 .family = new->family.len > 0 ? new->family : group_family(new->service) };
    asked->decision = group_find(owned->index, &asked->question);
    embedding_tell(grouper, &asked->decision);
    return asked;
}

static void decided_make(struct grouper *grouper, struct owned *owned, const struct issue_new *new, struct asked *asked,
                         struct bytes judge, int64_t *number_next, struct issue_decided *decided)
{
    struct group_row *row = arena_calloc(&grouper->arena, sizeof *row);
    uint8_t *bytes = arena_alloc(&grouper->arena, ROW_BYTES_MAX);
    struct telling telling = tell_of(&grouper->arena, asked->event, asked->fingerprint.by);
    uint64_t group = group_add(owned->index, &asked->question, &asked->decision, (uint64_t)*number_next, row);
    if (asked->decision.by == GROUP_BY_NEW && group == (uint64_t)*number_next) ++*number_next;
    *decided = (struct issue_decided){ .title = telling.title,
                                       .message = telling.message,
                                       .culprit = telling.culprit,
                                       .category = telling.category,
                                       .known_id = telling.known_id,
                                       .service = new->service,
                                       .language = new->language.len > 0
                                                       ? new->language
                                                       : bytes_of_text(error_language_names[asked->event->language]),
                                       .judge = judge,
                                       .first_unix_us = new->first_unix_us };
    row_keep(row, &decided->row, bytes);
}

bool project_decide(struct grouper *grouper, struct owned *owned, bool *did, bool *more, struct err *err)
{
    struct issue_new *fingerprints;
    struct issue_decided decided[DECIDE_AT_ONCE];
    uint32_t count, done = 0;
    int64_t number_next = owned->lease.number_next, begin_unix_us = grouper_now(grouper), now_unix_us = begin_unix_us;
    arena_reset(&grouper->arena);
    if (!issue_new_read(grouper->options.db, owned->lease.project_id, DECIDE_AT_ONCE, &grouper->arena, &fingerprints,
                        &count, err))
        return false;
    *more = count == DECIDE_AT_ONCE;
    if (count == 0) return true;
    for (; done < count && now_unix_us - begin_unix_us < DECIDE_US; done++, now_unix_us = grouper_now(grouper)) {
        const struct issue_new *new = &fingerprints[done];
        struct bytes judge = BYTES("");
        uint64_t begin_ns = clock_mono_ns();
        struct asked *asked = ask(grouper, owned, new);
        if (judge_wants(grouper, owned, &asked->decision, now_unix_us)) {
            if (grouper->judge_questions == 0) break; /* the next look asks on, in this order */
            if (judge_ask(grouper, owned, asked->event, &asked->decision, now_unix_us, &judge))
                group_accept(&asked->decision);
        }
        if (asked->decision.has_meaning) grouper->embedded_unix_us = now_unix_us;
        decided_make(grouper, owned, new, asked, judge, &number_next, &decided[done]);
        histogram_add_ns(&grouper->decide_times, clock_mono_ns() - begin_ns);
        stats_add(grouper, &asked->decision);
    }
    if (done < count) *more = grouper->judge_questions > 0;
    if (done == 0) return true;
    *did = true;
    fail_point("issues.before_decide");
    if (!issue_decide(grouper->options.db, &owned->lease, decided, done, number_next, now_unix_us, err)) return false;
    fail_point("issues.after_decide");
    return true;
}
