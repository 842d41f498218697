/* main.c -- the command line: run, and small commands beside a running server. */
#include "app/app.h"
#include "app/beside.h"
#include "app/key.h"
#include "app/metadata.h"
#include "app/parked.h"
#include "app/retention.h"
#include "app/send.h"
#include "app/user.h"
#include "cli/cli.h"
#include "meta/meta.h"
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define VERSION MONO_VERSION

static bool log_level_read(const char *name, enum log_level *level, struct err *err)
{
    static const char *const names[] = { "debug", "info", "warn", "error" };
    for (size_t l = 0; l < COUNT_OF(names); l++) {
        if (strcmp(names[l], name) != 0) continue;
        *level = (enum log_level)l;
        return true;
    }
    return err_set(err, ERR_INPUT, "--log-level is \"%s\"; it must be debug, info, warn or error", name);
}

/* What `monoscope send` needs to trust a server with TLS. */
static void print_tls_options(const struct config *config, const struct app_address *at, const char *host)
{
    printf("--tls --ca %s ", config->tls_cert);
    if (at->tls_name[0] && strcmp(at->tls_name, host) != 0) printf("--server-name %s ", at->tls_name);
    if (config->tls_client_ca) printf("--cert CLIENT.crt --key-file CLIENT.key ");
}

static void print_sending(const struct config *config, const struct app_address *at, const char *key,
                          const char *scheme, const char *name)
{
    printf("Send a first event:\n");
    printf("  build/release/monoscope send --port %u --key %s ", at->otlp_grpc_port, key);
    if (at->has_tls) print_tls_options(config, at, "127.0.0.1");
    printf("\"hello from my shell\"\n\n");
    printf("Your own app (any OpenTelemetry SDK):\n");
    printf("  export OTEL_EXPORTER_OTLP_ENDPOINT=%s://%s:%u OTEL_EXPORTER_OTLP_PROTOCOL=grpc "
           "OTEL_EXPORTER_OTLP_HEADERS=\"authorization=Bearer %s\"",
           scheme, name, at->otlp_grpc_port, key);
    if (at->has_tls) printf(" OTEL_EXPORTER_OTLP_CERTIFICATE=%s", config->tls_cert);
    printf("\n\n");
}

static void print_asking(const struct app_address *at, const char *key, const char *host)
{
    printf("Query it:\n");
    printf("  PGPASSWORD=%s psql -h %s -p %u -U %s -d monoscope -c \"SELECT timestamp, level, body FROM "
           "otel_logs_and_spans "
           "ORDER BY timestamp DESC LIMIT 10\"\n\n",
           key, host, at->pg_port, at->project);
}

static void print_welcome(const struct config *config, const struct app_address *at)
{
    const char *host = strcmp(config->listen, "0.0.0.0") == 0 ? "127.0.0.1" : config->listen;
    const char *key = at->key[0] ? at->key : "YOUR_KEY", *scheme = at->has_tls ? "https" : "http";
    const char *name = at->tls_name[0] ? at->tls_name : host; /* the certificate must have it */
    bool takes = at->otlp_grpc_port != 0, answers = at->pg_port != 0;
    printf("monoscope %s is ready after %" PRIu64 " ms; data in %s\n\n", VERSION, at->start_ms, config->data);
    if (takes) printf("  OTLP/gRPC  %s://%s:%u\n", scheme, name, at->otlp_grpc_port);
    if (takes) printf("  OTLP/HTTP  %s://%s:%u\n", scheme, name, at->otlp_http_port);
    if (answers)
        printf("  SQL        %s:%u (any Postgres client%s)\n", host, at->pg_port, at->has_tls ? ", with TLS" : "");
    printf("  HTTP       http%s://%s:%u/api/v1, /metrics, /healthz, /readyz\n", at->has_web_tls ? "s" : "",
           at->has_web_tls ? name : host, at->web_port);
    if (at->admin_password[0])
        printf("  admin      %s, password %s (for one sign-in, at http%s://%s:%u/sign-in)\n", at->admin_email,
               at->admin_password, at->has_web_tls ? "s" : "", at->has_web_tls ? name : host, at->web_port);
    printf("  project    %s (%s)\n", at->project, at->project_id);
    printf("  API key    %s\n\n", key);
    if (takes) print_sending(config, at, key, scheme, name);
    if (answers) print_asking(at, key, host);
    printf("Stop with Ctrl-C; the data stays.\n");
    fflush(stdout);
}

/* SIGHUP says two things: read the settings' files again, or the terminal that we were started on is gone. */
static bool has_hung_up(bool began_on_terminal)
{
    return began_on_terminal && !isatty(STDIN_FILENO);
}

static int wait_for_end(struct app *app, const sigset_t *signals, struct err *err)
{
    bool began_on_terminal = isatty(STDIN_FILENO);
    for (;;) {
        struct timespec second = { .tv_sec = 1 };
        int signal = sigtimedwait(signals, NULL, &second);
        if (signal == SIGTERM || signal == SIGINT) return 0;
        if (signal == SIGHUP && has_hung_up(began_on_terminal)) return 0;
        if (signal == SIGHUP) app_reload(app);
        app_tick(app);
        if (app_has_failed(app, err)) return 1;
    }
}

static int command_run(int argc, char **argv)
{
    struct config config;
    struct log log = { .fd = 2, .level_min = LOG_INFO };
    struct err err = { 0 };
    struct app *app;
    if (!config_read(&config, argc, argv, &err) || !log_level_read(config.log_level, &log.level_min, &err))
        return beside_fail(&err);

    /* Blocked before any thread starts, so that only the main thread takes them; a client that goes away is no signal. */
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    /* Few heaps, and big pieces go back to the system: the memory limit counts what the process holds, not what it uses. */
    mallopt(M_ARENA_MAX, 4);
    mallopt(M_TRIM_THRESHOLD, 16 << 20);
    mallopt(M_MMAP_THRESHOLD, 1 << 20);

    if (!app_start(&app, &config, &log, &err)) return beside_fail(&err);
    struct app_address at;
    app_address(app, &at);
    log_info(app_log(app), "app.ready", log_text("version", VERSION), log_number("otlp_grpc_port", at.otlp_grpc_port),
             log_number("otlp_http_port", at.otlp_http_port), log_number("pg_port", at.pg_port),
             log_number("web_port", at.web_port), log_text("project", at.project_id),
             log_number("replayed_records", (int64_t)at.replayed_records),
             log_number("start_ms", (int64_t)at.start_ms));
    print_welcome(&config, &at);
    int status = wait_for_end(app, &signals, &err);
    if (status != 0) beside_fail(&err);
    app_stop(app);
    return status;
}

static bool project_print(void *ctx, const struct meta_project *project)
{
    char id[UUID_TEXT_BYTES + 1];
    (void)ctx;
    uuid_to_text(project->id, id);
    printf("%s  %s\n", id, project->name);
    return true;
}

struct project_change {
    const char *name;
    struct meta_project project;
};
static bool project_create_run(struct db_session *session, void *ctx, struct err *err)
{
    struct project_change *change = ctx;
    return meta_project_insert(session, change->name, &change->project, err);
}

static bool project_create(struct meta *meta, const char *name, struct meta_project *project, struct err *err)
{
    struct project_change change = { .name = name };
    struct audit_event event = {
        .action = "project.create", .object_kind = "project", .object = name, .project_id = &change.project.id
    };
    if (!app_project_name_check(name, err) || !beside_change(meta, project_create_run, &change, &event, err))
        return false;
    *project = change.project;
    return true;
}

/* project list | project create NAME */
static int command_project(int argc, char **argv)
{
    bool creates = argc >= 2 && strcmp(argv[0], "create") == 0, lists = argc >= 1 && strcmp(argv[0], "list") == 0;
    int used = creates ? 2 : 1;
    struct config config;
    struct log log = { .fd = 2, .level_min = LOG_WARN };
    struct err err = { 0 };
    struct meta *meta;
    struct meta_project project;
    if (!creates && !lists) {
        fprintf(stderr, "usage: monoscope project list | create NAME [--data FOLDER]\n");
        return 2;
    }
    if (!config_read(&config, argc - used, argv + used, &err) || !beside_meta_open(&meta, &config, &log, &err))
        return beside_fail(&err);
    bool ok =
        creates ? project_create(meta, argv[1], &project, &err) : meta_project_list(meta, project_print, NULL, &err);
    if (ok && creates) project_print(NULL, &project);
    meta_close(meta);
    return ok ? 0 : beside_fail(&err);
}

static int command_help(void)
{
    printf("monoscope %s -- logs, traces and metrics in, SQL out\n\n"
           "  monoscope run [options]                        start the server\n"
           "  monoscope send [--port P] [--key K] [--tls --ca FILE] TEXT  send one log record\n"
           "  monoscope project list | create NAME           projects of a data folder\n"
           "  monoscope key create PROJECT NAME [--scopes ingest,query,admin] [--expires 90d] [--browser ORIGINS]\n"
           "  monoscope key list PROJECT | revoke ID\n"
           "  monoscope retention set PROJECT TABLE 30d | list | clear PROJECT TABLE\n"
           "  monoscope parked list | show ID [--body] | replay ID... | replay all\n"
           "  monoscope user list | create EMAIL [--admin] | password EMAIL | admin EMAIL\n"
           "  monoscope meta copy --from URL --to URL | backup FILE | restore FILE | check\n"
           "  monoscope version | help\n",
           VERSION);
    cli_print_help();
    puts("\noptions of run:\n");
    config_print_help();
    return 0;
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "help";
    if (strcmp(command, "run") == 0) return command_run(argc - 2, argv + 2);
    if (strcmp(command, "send") == 0) return send_command(argc - 2, argv + 2);
    if (strcmp(command, "project") == 0) return command_project(argc - 2, argv + 2);
    if (strcmp(command, "key") == 0) return key_command(argc - 2, argv + 2);
    if (strcmp(command, "retention") == 0) return retention_command(argc - 2, argv + 2);
    if (strcmp(command, "parked") == 0) return parked_command(argc - 2, argv + 2);
    if (strcmp(command, "user") == 0) return user_command(argc - 2, argv + 2);
    if (strcmp(command, "meta") == 0) return metadata_command(argc - 2, argv + 2);
    if (strcmp(command, "help") == 0 || strcmp(command, "--help") == 0) return command_help();
    if (strcmp(command, "version") == 0 || strcmp(command, "--version") == 0) {
        printf("monoscope %s\n", VERSION);
        return 0;
    }
    int exit_code;
    if (cli_command(argc - 1, argv + 1, &exit_code)) return exit_code;
    fprintf(stderr, "monoscope: unknown command \"%s\"; `monoscope help` lists them\n", command);
    return 2;
}
