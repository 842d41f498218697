/* Random bytes into a gRPC connection without a socket.
 *
 * The first byte says: bit 0 put the client's preface and SETTINGS before; bit 1 feed in small steps;
 * bit 2 keep the calls and answer after the connection has ended; bit 3 drain at once, not in two steps. */
#include <stdlib.h>

#include "net/grpc_health.h"
#include "net/grpc_reflection.h"
#include "net/grpc_session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void call_answer(struct grpc_request *request)
{
    struct err err = { .code = ERR_OK };
    if (request->body.len % 3 == 1) err_set(&err, ERR_BUSY, "could not: %zu", request->body.len);
    if (request->body.len % 3 == 2) err_set(&err, ERR_INPUT, "cannot: %.*s", 20, "\xFF%\n");
    uint32_t sum = 0;
    for (size_t i = 0; i < request->body.len; i++) sum += request->body.ptr[i]; /* ASan sees what is not ours */
    for (size_t i = 0; i < request->path.len; i++) sum += request->path.ptr[i];
    grpc_call_set_answer(request, &err, request->body, sum);
    (void)grpc_call_apply(request);
}

/* A FileDescriptorSet of a file "a.p", package a, imports b.p; message M { f; message N }, enum E { V }, service S { m }. */
static const uint8_t descriptor_set[] = { 0x0A, 0x30, 0x0A, 0x03, 'a',  '.',  'p',  0x12, 0x01, 'a',  0x1A, 0x03, 'b',
                                          '.',  'p',  0x22, 0x0D, 0x0A, 0x01, 'M',  0x12, 0x03, 0x0A, 0x01, 'f',  0x1A,
                                          0x03, 0x0A, 0x01, 'N',  0x2A, 0x08, 0x0A, 0x01, 'E',  0x12, 0x03, 0x0A, 0x01,
                                          'V',  0x32, 0x08, 0x0A, 0x01, 'S',  0x12, 0x03, 0x0A, 0x01, 'm' };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct bytes start = BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0");
    if (size == 0) return 0;
    uint8_t mode = data[0];
    struct admission *admission = admission_create(64 << 10);
    static const char *const names[] = { "a.S" };
    struct err err = { 0 };
    struct grpc_reflection *reflection;
    if (!grpc_reflection_create(&reflection, bytes_from(descriptor_set, sizeof descriptor_set), &err)) abort();
    struct grpc_health *health = grpc_health_create(names, COUNT_OF(names));
    struct grpc_service services[] = { grpc_health_service(health), grpc_reflection_service(reflection) };
    struct grpc_options options = {
        .message_bytes_max = 16 << 10,
        .streams_max = 8,
        .services = services,
        .service_count = COUNT_OF(services),
    };
    struct grpc_session *session = grpc_session_create(admission, &options, NULL, 0);
    struct grpc_request *kept[16];
    size_t kept_count = 0, step_max = (mode & 2) != 0 ? 7 : size;
    uint8_t out[100];
    uint64_t now_mono_ns = 0;

    if ((mode & 1) != 0) grpc_session_feed(session, start, now_mono_ns);
    for (size_t at = 1; at < size;) {
        size_t step = size - at < step_max ? size - at : step_max;
        now_mono_ns += 1000000000;
        grpc_health_set(health, (at & 1) != 0);
        grpc_session_feed(session, bytes_from(data + at, step), now_mono_ns);
        at += step;
        struct grpc_request *request;
        while ((request = grpc_session_next(session)) != NULL) {
            if ((mode & 4) != 0 && kept_count < COUNT_OF(kept)) {
                kept[kept_count++] = request;
            } else {
                call_answer(request);
            }
        }
        while (grpc_session_fill(session, out, sizeof out) > 0) {}
        grpc_session_tick(session, now_mono_ns);
        (void)grpc_session_is_choked(session);
        if (grpc_session_is_over(session)) break;
        if (at > size / 2) grpc_session_drain(session, (mode & 8) != 0, now_mono_ns);
    }
    grpc_session_destroy(session);
    while (kept_count > 0) call_answer(kept[--kept_count]);
    if (admission->bytes != 0 || admission->requests != 0) abort();
    grpc_health_destroy(health);
    grpc_reflection_destroy(reflection);
    admission_release(admission);
    return 0;
}
