#include "net/grpc_health.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "net/proto.h"

enum { RESPONSE_BYTES_MAX = 4096 };
enum status { STATUS_SERVING = 1, STATUS_NOT_SERVING = 2, STATUS_SERVICE_UNKNOWN = 3 };
enum { SERVICE_FIELD = 1, STATUS_FIELD = 1, STATUSES_FIELD = 1, KEY_FIELD = 1, VALUE_FIELD = 2 };

struct grpc_health {
    const char *const *services;
    uint32_t count;
    atomic_bool is_serving;
};

struct grpc_health *grpc_health_create(const char *const *services, uint32_t count)
{
    struct grpc_health *health = mem_calloc(1, sizeof *health);
    health->services = services;
    health->count = count;
    return health;
}

void grpc_health_set(struct grpc_health *health, bool is_serving)
{
    atomic_store(&health->is_serving, is_serving);
}

void grpc_health_destroy(struct grpc_health *health)
{
    free(health);
}

static enum status status_now(struct grpc_health *health)
{
    return atomic_load(&health->is_serving) ? STATUS_SERVING : STATUS_NOT_SERVING;
}

static bool is_known(const struct grpc_health *health, struct bytes service)
{
    if (service.len == 0) return true;
    for (uint32_t i = 0; i < health->count; i++) {
        if (bytes_equal(service, bytes_of_text(health->services[i]))) return true;
    }
    return false;
}

static void status_send(struct grpc_stream *stream, enum status status)
{
    const uint8_t message[] = { STATUS_FIELD << 3 | PROTO_VARINT, (uint8_t)status };
    grpc_stream_send(stream, bytes_from(message, sizeof message));
}

static void check(struct grpc_health *health, struct grpc_stream *stream, struct bytes service)
{
    struct err err = { 0 };
    if (is_known(health, service)) {
        status_send(stream, status_now(health));
        grpc_stream_finish(stream, NULL);
        return;
    }
    err_set(&err, ERR_NOT_FOUND, "unknown service \"%.*s\"", service.len < 100 ? (int)service.len : 100,
            (const char *)service.ptr);
    grpc_stream_finish(stream, &err);
}

/* number: what was told last. A name that is unknown stays so. */
static void watch(struct grpc_health *health, struct grpc_stream *stream, struct bytes service)
{
    if (stream->number != 0) return; /* a second message says nothing more */
    stream->number = is_known(health, service) ? (uint64_t)status_now(health) : STATUS_SERVICE_UNKNOWN;
    status_send(stream, (enum status)stream->number);
}

static bool entry_put(struct buf *out, const char *service, enum status status)
{
    uint8_t storage[256];
    const uint8_t value[] = { STATUS_FIELD << 3 | PROTO_VARINT, (uint8_t)status };
    struct buf entry = { .ptr = storage, .cap = sizeof storage, .bytes_max = sizeof storage };
    return proto_put_bytes(&entry, KEY_FIELD, bytes_of_text(service)) &&
           proto_put_bytes(&entry, VALUE_FIELD, bytes_from(value, sizeof value)) &&
           proto_put_bytes(out, STATUSES_FIELD, buf_bytes(&entry));
}

static void list(struct grpc_health *health, struct grpc_stream *stream)
{
    struct buf out;
    buf_init(&out, RESPONSE_BYTES_MAX);
    enum status status = status_now(health);
    bool fits = entry_put(&out, "", status);
    for (uint32_t i = 0; i < health->count; i++) fits = fits && entry_put(&out, health->services[i], status);
    assert(fits); /* the names are ours */
    grpc_stream_send(stream, buf_bytes(&out));
    grpc_stream_finish(stream, NULL);
    buf_deinit(&out);
}

static void message_on(void *ctx, struct grpc_stream *stream, struct bytes message)
{
    struct grpc_health *health = ctx;
    struct err err = { 0 };
    struct proto_field field;
    struct bytes rest = message;
    while (proto_next(&rest, &field)) {}
    if (rest.len > 0) {
        err_set(&err, ERR_INPUT, "cannot read the request: it is not protobuf");
        grpc_stream_finish(stream, &err);
    } else if (bytes_equal(stream->method, BYTES("Check"))) {
        check(health, stream, proto_find_bytes(message, SERVICE_FIELD));
    } else if (bytes_equal(stream->method, BYTES("Watch"))) {
        watch(health, stream, proto_find_bytes(message, SERVICE_FIELD));
    } else if (bytes_equal(stream->method, BYTES("List"))) {
        list(health, stream);
    } else {
        err_set(&err, ERR_UNSUPPORTED, "no such method; grpc.health.v1.Health has Check, List and Watch");
        grpc_stream_finish(stream, &err);
    }
}

static void half_closed_on(void *ctx, struct grpc_stream *stream)
{
    (void)ctx;
    struct err err = { 0 };
    if (stream->number != 0) return; /* Watch goes on */
    err_set(&err, ERR_UNSUPPORTED, "cannot take a call without a message");
    grpc_stream_finish(stream, &err); /* without effect on Check and List, which are finished */
}

static void tick_on(void *ctx, struct grpc_stream *stream)
{
    struct grpc_health *health = ctx;
    enum status status = status_now(health);
    if (stream->number == 0 || stream->number == STATUS_SERVICE_UNKNOWN || stream->number == (uint64_t)status) return;
    stream->number = status;
    status_send(stream, status);
}

struct grpc_service grpc_health_service(struct grpc_health *health)
{
    return (struct grpc_service){
        .name = "grpc.health.v1.Health",
        .message = message_on,
        .half_closed = half_closed_on,
        .tick = tick_on,
        .ctx = health,
    };
}
