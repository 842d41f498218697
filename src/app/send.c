#include "app/send.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "net/grpc_client.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

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
    fprintf(stderr, "usage: monoscope send [--address A] [--port P] --key K [--level info] [--service shell] TEXT\n");
    return 2;
}

int send_command(int argc, char **argv)
{
    const char *address = "127.0.0.1", *port = "4317", *key = getenv("MONOSCOPE_KEY"), *level_name = "info";
    const char *service = "shell", *text = NULL;
    for (int a = 0; a < argc; a++) {
        const char **option = !strcmp(argv[a], "--address")   ? &address
                              : !strcmp(argv[a], "--port")    ? &port
                              : !strcmp(argv[a], "--key")     ? &key
                              : !strcmp(argv[a], "--level")   ? &level_name
                              : !strcmp(argv[a], "--service") ? &service
                                                              : NULL;
        if (option && a + 1 < argc) {
            *option = argv[++a];
        } else if (!option && !text && argv[a][0] != '-') {
            text = argv[a];
        } else {
            return usage();
        }
    }
    const struct level *level = NULL;
    for (size_t l = 0; l < COUNT_OF(levels); l++)
        if (strcmp(levels[l].name, level_name) == 0) level = &levels[l];
    int port_number = atoi(port);
    if (!text || !key || !level || port_number <= 0 || port_number > 65535) return usage();
    if (strlen(text) > 64 * 1024 || strlen(service) > 1024 || !utf8_is_valid(bytes_of_text(text)) ||
        !utf8_is_valid(bytes_of_text(service))) {
        fprintf(stderr, "monoscope: the text must be UTF-8 of at most 64 KiB\n");
        return 2;
    }

    struct err err = { 0 };
    struct buf request;
    struct grpc_client *client;
    struct grpc_answer answer;
    char authorization[300];
    snprintf(authorization, sizeof authorization, "Bearer %s", key);
    buf_init(&request, 1 << 20);
    request_put(&request, level, service, text);
    struct grpc_call call = { .path = "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
                              .authorization = authorization,
                              .body = buf_bytes(&request) };
    bool ok = grpc_client_open(&client, address, (uint16_t)port_number, &err);
    if (ok) {
        ok = grpc_client_call(client, &call, 10000, &answer, &err);
        grpc_client_close(client);
    }
    buf_deinit(&request);
    if (!ok) {
        fprintf(stderr, "monoscope: could not send to %s:%d: %s\n", address, port_number, err.text);
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
