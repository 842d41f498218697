/* app.h -- the process: starts the parts in the order the data takes, stops them in reverse.
 *
 *   disk -> meta -> store (timefusion) -> log (buffer) -> worker -> replay -> query -> pgwire -> ingest -> gRPC, HTTP
 *
 * Thread: start, wait and stop on the main thread. Errors: of the part that could not start, with what to do. */
#pragma once
#include "app/config.h"
#include "base/log.h"

struct app;
struct app_address {
    uint16_t otlp_grpc_port, otlp_http_port, pg_port;
    char project[64];
    char project_id[37];
    char key[64]; /* empty when the first key's file was removed */
    uint64_t replayed_records;
    uint64_t start_ms;
};
MUST_CHECK bool app_start(struct app **app, const struct config *config, const struct log *log, struct err *err);
void app_address(const struct app *app, struct app_address *address);
/* Once a second, from the main thread: keys that `monoscope key` made or revoked beside us. */
void app_tick(struct app *app);
/* A part failed for good (another owner commits our partition): the process should end with this error. */
bool app_has_failed(struct app *app, struct err *err);
/* Takes no more, answers what is in flight, stores what is waiting; at most 10 s: the log keeps the rest. */
void app_stop(struct app *app);
