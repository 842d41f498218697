/* The taps of the partition: which of them a record is for, and up to where all have it. */
#include "base/clock.h"
#include "worker/worker_inside.h"

bool worker_taps_open(struct worker *worker, struct err *err)
{
    assert(worker->options.tap_count <= WORKER_TAPS_MAX);
    for (uint32_t t = 0; t < worker->options.tap_count; t++) {
        const struct tap_source *source = &worker->options.taps[t];
        if (!source->open(source->ctx, worker->partition.app_id, &worker->taps[t], err)) return false;
        worker->tap_count++;
    }
    return true;
}

void worker_taps_close(struct worker *worker)
{
    while (worker->tap_count > 0) {
        struct tap *tap = worker->taps[--worker->tap_count];
        tap->ops->close(tap);
    }
}

bool worker_taps_lack(const struct worker *worker, uint64_t position)
{
    for (uint32_t t = 0; t < worker->tap_count; t++)
        if (position > worker->taps[t]->ops->position(worker->taps[t])) return true;
    return false;
}

static void wants_add(struct worker_listening *listening)
{
    listening->wants_attributes = false;
    for (uint32_t t = 0; t < listening->tap_count; t++)
        listening->wants_attributes |= listening->taps[t]->wants_attributes;
}

void worker_taps_begin(struct worker *worker, struct worker_listening *listening, uint64_t position,
                       struct uuid project_id, const struct otlp_request *request)
{
    listening->tap_count = 0;
    for (uint32_t t = 0; t < worker->tap_count; t++) {
        struct tap *tap = worker->taps[t];
        if (position <= tap->ops->position(tap)) continue;
        tap->ops->record_begin(tap, position, project_id, request);
        if (!tap->takes_no_rows) listening->taps[listening->tap_count++] = tap;
    }
    wants_add(listening);
}

void worker_taps_row(struct worker_listening *listening, const struct rows_row *row)
{
    for (uint32_t t = 0; t < listening->tap_count; t++) listening->taps[t]->ops->row(listening->taps[t], row);
    wants_add(listening);
}

void worker_taps_cut(struct worker *worker, uint64_t position)
{
    for (uint32_t t = 0; t < worker->tap_count; t++) worker->taps[t]->ops->cut(worker->taps[t], position);
}

bool worker_taps_want_cut(const struct worker *worker)
{
    for (uint32_t t = 0; t < worker->tap_count; t++)
        if (worker->taps[t]->ops->wants_cut(worker->taps[t])) return true;
    return false;
}

bool worker_taps_have_room(const struct worker *worker)
{
    for (uint32_t t = 0; t < worker->tap_count; t++)
        if (!worker->taps[t]->ops->has_room(worker->taps[t])) return false;
    return true;
}

bool worker_taps_store(struct worker *worker, uint64_t *position, struct err *err)
{
    *position = worker->position_stored;
    for (uint32_t t = 0; t < worker->tap_count; t++) {
        struct err tap_err = { 0 };
        struct tap *tap = worker->taps[t];
        if (!tap->ops->store(tap, &tap_err) && tap_err.code == ERR_CONFLICT) {
            *err = tap_err;
            return false;
        }
        uint64_t reached = tap->ops->position(tap);
        if (reached < *position) *position = reached;
    }
    return true;
}
