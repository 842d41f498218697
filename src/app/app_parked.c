/* Records of our own log that cannot be stored: parked in a folder, and taken from it again when a person says so
 * (monoscope parked replay). With Kafka they are in topics: worker/member.c. */
#include "app/app_inside.h"
#include "base/clock.h"
#include "base/disk.h"
#include "buffer/parked.h"
#include "web/api/api.h"
#include "worker/otlp/inbound.h"
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static void parked_dir(const struct app *app, char dir[1024])
{
    app_path(app, "parked", dir, 1024);
}

static bool entry_park(struct app *app, struct parked_entry *entry, struct err *err)
{
    char dir[1024], project[UUID_TEXT_BYTES + 1];
    parked_dir(app, dir);
    uuid_to_text(entry->record.project_id, project);
    entry->parked_unix_us = clock_unix_us();
    log_error(app->log, "worker.record_parked", log_text("project", project), log_text("err", entry->reason),
              log_text("then", "monoscope parked list"));
    return parked_write(dir, &disk_real, entry, err);
}

bool app_park(struct app *app, const struct worker_failed *failed, struct err *err)
{
    struct parked_entry entry = { .record = failed->record };
    snprintf(entry.reason, sizeof entry.reason, "%s", failed->reason);
    return entry_park(app, &entry, err);
}

/* On the log's thread. What is stored is the sink's, which comes next. */
static void again_done(void *ctx, const struct err *err, bool is_repeat)
{
    struct app_again *again = ctx;
    bool is_failed = err != NULL && err->code != ERR_OK;
    if (is_failed || is_repeat) inbound_release(again->inbound);
    atomic_store(&again->state, is_failed ? AGAIN_REFUSED : AGAIN_STORED);
}

static void again_drop(struct app *app)
{
    char dir[1024];
    struct err err = { 0 };
    parked_dir(app, dir);
    if (!parked_again_drop(dir, &disk_real, app->again.entry.id, &err))
        log_warn(app->log, "parked.drop_failed", log_text("id", app->again.entry.id), log_text("err", err.text));
}

static void again_end(struct app *app)
{
    free((void *)(uintptr_t)app->again.entry.record.body.ptr);
    app->again.entry = (struct parked_entry){ 0 };
    atomic_store(&app->again.state, AGAIN_IDLE);
}

struct parked_walk {
    struct uuid project_id;
    void (*each)(void *to, const struct api_parked *one);
    void *to;
};

static bool parked_found(void *ctx, const struct parked_entry *entry)
{
    const struct parked_walk *walk = ctx;
    if (!uuid_equal(entry->record.project_id, walk->project_id)) return true;
    const struct api_parked one = { .id = entry->id,
                                    .reason = entry->reason,
                                    .signal = (uint32_t)entry->record.signal,
                                    .received_unix_us = entry->record.received_unix_us,
                                    .parked_unix_us = entry->parked_unix_us,
                                    .attempts = entry->attempts,
                                    .bytes = entry->record.body.len };
    walk->each(walk->to, &one);
    return true;
}

bool app_parked_each(void *ctx, struct uuid project_id, void (*each)(void *to, const struct api_parked *one), void *to,
                     struct err *err)
{
    struct parked_walk walk = { project_id, each, to };
    struct parked *parked;
    char dir[1024];
    parked_dir(ctx, dir);
    if (!parked_open_folder(&parked, dir, &disk_real, err)) return false;
    bool ok = parked_list(parked, parked_found, &walk, err);
    parked_close(parked);
    return ok;
}

/* It goes into the log like a request; one that still cannot be read is parked anew, with today's reason. */
static void again_begin(struct app *app)
{
    struct app_again *again = &app->again;
    char dir[1024];
    bool found;
    struct err err = { 0 };
    parked_dir(app, dir);
    if (!parked_again_next(dir, &disk_real, &again->entry, &found, &err)) {
        if (!again->is_stuck) log_warn(app->log, "parked.replay_failed", log_text("err", err.text));
        again->is_stuck = true;
        return;
    }
    again->is_stuck = false;
    if (!found) return;
    if (!inbound_from_record(&again->entry.record, &again->inbound, &err)) {
        again->entry.attempts++;
        snprintf(again->entry.reason, sizeof again->entry.reason, "%s", err.text);
        if (entry_park(app, &again->entry, &err)) again_drop(app);
        again_end(app);
        return;
    }
    atomic_store(&again->state, AGAIN_UNDER_WAY);
    if (buffer_append(app->buffer, &again->entry.record, again->inbound, again_done, again, &err)) return;
    inbound_release(again->inbound); /* the log is full: in a second again */
    again_end(app);
}

/* A kill between the log's answer and the drop sends it once more, with the same hash: a repeat. */
void app_again_tick(struct app *app)
{
    if (app->worker == NULL || app->buffer == NULL) return;
    switch (atomic_load(&app->again.state)) {
    case AGAIN_IDLE: again_begin(app); break;
    case AGAIN_UNDER_WAY: break;
    case AGAIN_REFUSED: again_end(app); break;
    case AGAIN_STORED:
        again_drop(app);
        atomic_store(&app->again.state, AGAIN_DROPPED); /* the sink may still have the body in its hands */
        break;
    case AGAIN_DROPPED: again_end(app); break;
    }
}

void app_again_settle(struct app *app)
{
    for (uint32_t ms = 0; atomic_load(&app->again.state) == AGAIN_UNDER_WAY && ms < 2000; ms++) clock_sleep_ms(1);
}

void app_again_close(struct app *app)
{
    free((void *)(uintptr_t)app->again.entry.record.body.ptr);
    app->again.entry.record.body = (struct bytes){ 0 };
}
