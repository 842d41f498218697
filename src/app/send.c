#include "app/send.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "cli/cli.h"
#include "net/grpc_client.h"
#include "net/tls.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { TIMEOUT_MS = 10000 };

static const struct level {
    const char *name;
    uint8_t number; /* OTLP SeverityNumber */
} levels[] = { { "trace", 1 }, { "debug", 5 }, { "info", 9 }, { "warn", 13 }, { "error", 17 }, { "fatal", 21 } };

/* The message is small and of one shape: fields are put back to front of their parents, lengths first known. */
static void field_put(struct buf *to, uint8_t tag, struct bytes value)
{
    uint8_t head[6] = { tag };
    size_t head_bytes = 1, len = value.len;
    for (; len >= 128; len >>= 7) head[head_bytes++] = (uint8_t)(len | 128);
    head[head_bytes++] = (uint8_t)len;
    if (!buf_add(to, head, head_bytes) || !buf_add(to, value.ptr, value.len)) abort(); /* bounded by the text's limit */
}

static void attribute_put(struct buf *to, const char *key, const char *text)
{
    struct buf value, attribute;
    buf_init(&value, 4096);
    buf_init(&attribute, 8192);
    field_put(&value, 0x0a, bytes_of_text(text));    /* AnyValue.string_value */
    field_put(&attribute, 0x0a, bytes_of_text(key)); /* KeyValue.key */
    field_put(&attribute, 0x12, buf_bytes(&value));  /* KeyValue.value */
    field_put(to, 0x0a, buf_bytes(&attribute));      /* Resource.attributes */
    buf_deinit(&value);
    buf_deinit(&attribute);
}

static void request_put(struct buf *request, const struct level *level, const char *service, const char *text)
{
    enum { STEPS = 5 };
    struct buf parts[STEPS];
    for (int p = 0; p < STEPS; p++) buf_init(&parts[p], 1 << 20);
    struct buf *body = &parts[0], *record = &parts[1], *scope = &parts[2], *resource = &parts[3], *logs = &parts[4];
    uint64_t now_ns = clock_unix_ns();
    uint8_t time[9] = { 0x09 }, severity[2] = { 0x10, level->number }; /* time_unix_nano, severity_number */
    memcpy(time + 1, &now_ns, 8);
    field_put(body, 0x0a, bytes_of_text(text));
    if (!buf_add(record, time, sizeof time) || !buf_add(record, severity, sizeof severity)) abort();
    field_put(record, 0x1a, bytes_of_text(level->name)); /* severity_text */
    field_put(record, 0x2a, buf_bytes(body));            /* body */
    field_put(scope, 0x12, buf_bytes(record));           /* ScopeLogs.log_records */
    attribute_put(resource, "service.name", service);
    field_put(logs, 0x0a, buf_bytes(resource)); /* ResourceLogs.resource */
    field_put(logs, 0x12, buf_bytes(scope));    /* ResourceLogs.scope_logs */
    field_put(request, 0x0a, buf_bytes(logs));  /* ExportLogsServiceRequest.resource_logs */
    for (int p = 0; p < STEPS; p++) buf_deinit(&parts[p]);
}

static int usage(void)
{
    fprintf(stderr,
            "usage: monoscope send [--address A] [--port P] [--key K] [--level info] [--service shell]\n"
            "                      [--tls [--ca FILE] [--server-name NAME] [--cert FILE --key-file FILE]] TEXT\n"
            "  --key          an API key; without it MONOSCOPE_KEY, else that of `monoscope login` and its server\n"
            "  --ca           certificates in PEM to trust; without it those that the system trusts\n"
            "  --server-name  looked for in the server's certificate; without it the address\n"
            "  --cert         a client's certificate in PEM, where the server asks for one\n");
    return 2;
}

struct send_options {
    const char *address, *port, *key, *level, *service, *text;
    bool has_tls;
    const char *ca, *server_name, *cert, *key_file;
};

static bool options_read(struct send_options *options, int argc, char **argv)
{
    const struct {
        const char *name, **value;
    } names[] = {
        { "--address", &options->address },
        { "--port", &options->port },
        { "--key", &options->key },
        { "--level", &options->level },
        { "--service", &options->service },
        { "--ca", &options->ca },
        { "--cert", &options->cert },
        { "--key-file", &options->key_file },
        { "--server-name", &options->server_name },
    };
    for (int a = 0; a < argc; a++) {
        const char **value = NULL;
        for (size_t n = 0; n < COUNT_OF(names); n++)
            if (strcmp(names[n].name, argv[a]) == 0) value = names[n].value;
        if (value != NULL && a + 1 < argc) {
            *value = argv[++a];
        } else if (strcmp(argv[a], "--tls") == 0) {
            options->has_tls = true;
        } else if (value == NULL && options->text == NULL && argv[a][0] != '-') {
            options->text = argv[a];
        } else {
            return false;
        }
    }
    bool has_files = options->ca || options->server_name || options->cert || options->key_file;
    return options->text && options->key && (options->has_tls || !has_files) && !options->cert == !options->key_file;
}

static bool client_open(struct grpc_client **client, const struct send_options *options, uint16_t port,
                        struct tls_context **tls, struct err *err)
{
    *tls = NULL;
    if (!options->has_tls) return grpc_client_open(client, options->address, port, err);
    const char *name = options->server_name ? options->server_name : options->address;
    return tls_context_open_client(tls, options->ca, options->cert, options->key_file, err) &&
           grpc_client_open_tls(client, options->address, port, *tls, name, TIMEOUT_MS, err);
}

static bool send(const struct send_options *options, uint16_t port, struct bytes request, struct grpc_answer *answer,
                 struct err *err)
{
    struct grpc_client *client;
    struct tls_context *tls;
    char authorization[300];
    snprintf(authorization, sizeof authorization, "Bearer %s", options->key);
    struct grpc_call call = { .path = "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
                              .authorization = authorization,
                              .body = request };
    bool ok = client_open(&client, options, port, &tls, err);
    if (ok) {
        ok = grpc_client_call(client, &call, TIMEOUT_MS, answer, err);
        grpc_client_close(client);
    }
    tls_context_close(tls);
    return ok;
}

int send_command(int argc, char **argv)
{
    struct send_options options = { .address = "127.0.0.1", .port = "4317", .level = "info", .service = "shell" };
    char stored_key[256], stored_host[256];
    options.key = getenv("MONOSCOPE_KEY");
    if (options.key == NULL && cli_stored_key(stored_key, stored_host)) {
        options.key = stored_key;
        options.address = stored_host;
    }
    if (!options_read(&options, argc, argv)) return usage();
    const struct level *level = NULL;
    for (size_t l = 0; l < COUNT_OF(levels); l++)
        if (strcmp(levels[l].name, options.level) == 0) level = &levels[l];
    int port = atoi(options.port);
    if (!level || port <= 0 || port > 65535) return usage();
    if (strlen(options.text) > 64 * 1024 || strlen(options.service) > 1024 ||
        !utf8_is_valid(bytes_of_text(options.text)) || !utf8_is_valid(bytes_of_text(options.service))) {
        fprintf(stderr, "monoscope: the text must be UTF-8 of at most 64 KiB\n");
        return 2;
    }

    struct err err = { 0 };
    struct buf request;
    struct grpc_answer answer;
    buf_init(&request, 1 << 20);
    request_put(&request, level, options.service, options.text);
    bool ok = send(&options, (uint16_t)port, buf_bytes(&request), &answer, &err);
    buf_deinit(&request);
    if (!ok) {
        const char *hint = !options.has_tls && err.os_errno == 0 ? "; if that port has TLS: --tls --ca FILE" : "";
        fprintf(stderr, "monoscope: could not send to %s:%d: %s%s\n", options.address, port, err.text, hint);
        return 1;
    }
    buf_deinit(&answer.message);
    if (answer.status != 0) {
        fprintf(stderr, "monoscope: the server refused (gRPC status %d): %s\n", answer.status, answer.text);
        return 1;
    }
    printf("acknowledged: it is on disk, and visible to SQL within a second\n");
    return 0;
}
