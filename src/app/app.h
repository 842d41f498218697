/* app.h -- the process: starts the parts in the order the data takes, stops them in reverse.
 *
 *   TLS's files -> disk -> web (metrics, health) -> meta -> store (timefusion) -> log (buffer) -> worker -> replay -> query
 *        -> pgwire -> ingest -> gRPC, HTTP -> API -> own telemetry
 *
 * Thread: start, wait and stop on the main thread. Errors: of the part that could not start, with what to do. */
#pragma once
#include "app/config.h"
#include "base/log.h"

struct app;
struct app_address {
    uint16_t otlp_grpc_port, otlp_http_port, pg_port, web_port;
    char project[64];
    char project_id[37];
    char key[64]; /* empty when the first key's file was removed */
    bool has_tls, has_web_tls;
    char admin_email[256], admin_password[32]; /* of the first start: to be shown once; else the password is empty */
    char tls_name[256]; /* that clients look for in the certificate: the host they connect to, or its first DNS name */
    uint64_t replayed_records;
    uint64_t start_ms;
};
MUST_CHECK bool app_start(struct app **app, const struct config *config, const struct log *log, struct err *err);
/* What is logged here becomes telemetry too. */
const struct log *app_log(const struct app *app);
void app_address(const struct app *app, struct app_address *address);
/* ERR_EXISTS for the name of the project that is the process's own. */
MUST_CHECK bool app_project_name_check(const char *name, struct err *err);
/* Once a second, from the main thread. */
void app_tick(struct app *app);
/* Reads certificate, key and clients' CA again, for connections from now on; what fails is logged and changes nothing. */
void app_reload(struct app *app);
/* A part failed for good (another owner commits our partition): the process should end with this error. */
bool app_has_failed(struct app *app, struct err *err);
/* Takes no more, answers what is in flight, stores what is waiting; at most 10 s: the log keeps the rest. */
void app_stop(struct app *app);
