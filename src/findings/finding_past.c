#include "findings/finding_past.h"
#include "base/clock.h"

static const int64_t MINUTE_US = INT64_C(60000000);

/* As it was found, for its weight. */
struct seen {
    struct detect_finding found;
    struct watch_subject subject;
    bool has_subject, is_over;
    struct finding finding;
};
struct looking {
    const struct finding_past_range *range;
    struct arena *arena;
    struct uuid project_id;
    struct db_rows seen; /* of struct seen */
};

static struct bytes text_keep(struct arena *arena, struct bytes text)
{
    return text.len > 0 ? arena_copy(arena, text) : BYTES("");
}

static struct seen *seen_find(struct looking *looking, const struct finding *finding)
{
    struct seen *seen = looking->seen.items;
    for (uint32_t s = looking->seen.count; s-- > 0;) {
        const struct finding *other = &seen[s].finding;
        if (!seen[s].is_over && finding_measure(other->kind) == finding_measure(finding->kind) &&
            bytes_equal(other->service, finding->service) && bytes_equal(other->endpoint, finding->endpoint) &&
            bytes_equal(other->row_kind, finding->row_kind))
            return &seen[s];
    }
    return NULL;
}

static void found(void *ctx, const struct detect_finding *found, const struct watch_subject *subject)
{
    struct looking *looking = ctx;
    struct arena *arena = looking->arena;
    struct finding finding;
    struct bytes service = looking->range->service;
    if (service.len > 0 && !(subject && bytes_equal(subject->service, service))) return;
    finding_make(&finding, looking->project_id, found, subject);
    struct seen *seen = found->change == DETECT_OPENED ? NULL : seen_find(looking, &finding);
    if (seen) {
        seen->is_over = finding.end_unix_us > 0;
        seen->finding.end_unix_us = finding.end_unix_us;
        seen->finding.is_accepted = finding.is_accepted;
        seen->finding.kind = finding.kind;
        return;
    }
    seen = db_rows_add(&looking->seen, sizeof *seen);
    *seen = (struct seen){ .found = *found, .has_subject = subject != NULL, .is_over = finding.end_unix_us > 0 };
    if (subject)
        seen->subject = (struct watch_subject){ text_keep(arena, subject->service), text_keep(arena, subject->endpoint),
                                                text_keep(arena, subject->method), text_keep(arena, subject->route),
                                                arena_printf(arena, "%s", subject->kind) };
    finding_make(&seen->finding, looking->project_id, found, subject ? &seen->subject : NULL);
}

struct weighing {
    struct looking *looking;
    struct finding_past *past;
};
static bool weigh_run(struct db_session *session, void *ctx, struct err *err)
{
    struct weighing *weighing = ctx;
    struct looking *looking = weighing->looking;
    struct seen *seen = looking->seen.items;
    weighing->past->findings = (struct db_rows){ .arena = looking->arena };
    for (uint32_t s = 0; s < looking->seen.count; s++) {
        struct finding *finding = &seen[s].finding;
        if (finding->found_unix_us >= looking->range->to_unix_us ||
            (finding->end_unix_us > 0 && finding->end_unix_us <= looking->range->from_unix_us))
            continue;
        if (!finding_weight_read(session, looking->project_id, &seen[s].found,
                                 seen[s].has_subject ? &seen[s].subject : NULL, &finding->weight, err))
            return false;
        finding->severity = finding_severity(&seen[s].found, &finding->weight);
        struct finding *out = db_rows_add(&weighing->past->findings, sizeof *out);
        *out = *finding;
        out->number = weighing->past->findings.count;
    }
    return true;
}

bool finding_past_look(struct db *db, struct uuid project_id, const struct finding_past_range *range,
                       struct arena *arena, struct finding_past *past, struct err *err)
{
    struct looking looking = { .range = range, .arena = arena, .project_id = project_id, .seen = { .arena = arena } };
    struct weighing weighing = { &looking, past };
    struct watch *watch = watch_create(project_id, range->from_unix_us - range->learn_us, NULL);
    uint64_t begin_ns = clock_mono_ns();
    int64_t to_us = range->to_unix_us - range->to_unix_us % MINUTE_US;
    bool ok = true;
    while (ok && watch_next_unix_us(watch) < to_us &&
           (int64_t)((clock_mono_ns() - begin_ns) / 1000) < range->budget_us &&
           (!range->goes_on || range->goes_on(range->ctx))) {
        int64_t piece_us = watch_next_unix_us(watch) + WATCH_PIECE_MINUTES * MINUTE_US;
        ok = watch_run(watch, db, piece_us < to_us ? piece_us : to_us, found, &looking, err);
    }
    *past = (struct finding_past){ .reached_unix_us = watch_next_unix_us(watch), .series = watch_series_count(watch) };
    if (past->reached_unix_us >= to_us) past->reached_unix_us = range->to_unix_us;
    watch_destroy(watch);
    return ok && db_snapshot(db, weigh_run, &weighing, err);
}
