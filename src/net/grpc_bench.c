/* What a call costs the server: CPU of this process, with the client in another one.
 *
 *   grpc_bench [calls [bytes [streams [tls]]]]      5000 calls of 450,000 bytes, 16 at once, in the clear */
#include <errno.h>
#include <inttypes.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/admission.h"
#include "net/grpc.h"
#include "net/loop.h"
#include "net/tcp.h"
#include "net/tls.h"
#include "net/tls_files.h"

struct plan {
    size_t calls, message_bytes, streams;
    bool has_tls;
    char ca[60], cert[60], key[60];
};

static void handler_call(void *ctx, struct grpc_request *request)
{
    uint64_t *bytes = ctx;
    *bytes += request->body.len;
    grpc_answer(request, NULL, BYTES(""), 0);
}

struct sender {
    const struct plan *plan;
    const uint8_t *message; /* with its prefix */
    size_t begun, ended, failed;
};

struct stream {
    size_t sent;
};

static ssize_t message_read(nghttp2_session *http, int32_t stream_id, uint8_t *out, size_t max, uint32_t *flags,
                            nghttp2_data_source *source, void *ctx)
{
    (void)http, (void)stream_id;
    struct sender *sender = ctx;
    struct stream *stream = source->ptr;
    size_t len = sender->plan->message_bytes + 5 - stream->sent;
    if (len > max) len = max;
    memcpy(out, sender->message + stream->sent, len);
    stream->sent += len;
    if (stream->sent == sender->plan->message_bytes + 5) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)len;
}

static ssize_t chunk_choose(nghttp2_session *http, uint8_t type, int32_t stream_id, int32_t connection_window,
                            int32_t stream_window, uint32_t frame_max, void *ctx)
{
    (void)http, (void)type, (void)stream_id, (void)frame_max, (void)ctx;
    int32_t len = stream_window < connection_window ? stream_window : connection_window;
    return len < 16384 ? len : 16384; /* what most clients send */
}

static void call_begin(nghttp2_session *http, struct sender *sender)
{
#define HEADER(name, value) { (uint8_t *)name, (uint8_t *)value, sizeof name - 1, sizeof value - 1, 0 }
    nghttp2_nv headers[] = {
        HEADER(":method", "POST"),
        HEADER(":scheme", "http"),
        HEADER(":path", "/opentelemetry.proto.collector.trace.v1.TraceService/Export"),
        HEADER(":authority", "localhost"),
        HEADER("content-type", "application/grpc"),
        HEADER("te", "trailers"),
        HEADER("x-api-key", "0123456789abcdef0123456789abcdef"),
    };
    struct stream *stream = mem_calloc(1, sizeof *stream);
    nghttp2_data_provider body = { .source.ptr = stream, .read_callback = message_read };
    sender->begun++;
    if (nghttp2_submit_request(http, NULL, headers, COUNT_OF(headers), &body, stream) < 0) abort();
}

static int stream_closed_on(nghttp2_session *http, int32_t stream_id, uint32_t error_code, void *ctx)
{
    struct sender *sender = ctx;
    free(nghttp2_session_get_stream_user_data(http, stream_id));
    sender->ended++;
    sender->failed += error_code != NGHTTP2_NO_ERROR;
    if (sender->begun < sender->plan->calls) call_begin(http, sender);
    return 0;
}

static bool client_tls_start(struct tcp *tcp, const struct plan *plan, struct err *err)
{
    struct tls_context *context; /* lives as long as the process */
    return tls_context_open_client(&context, plan->ca, NULL, NULL, err) &&
           tcp_start_tls(tcp, tls_session_connect(context, "127.0.0.1", "h2"), 10000, err);
}

static void files_make(struct plan *plan, char *dir)
{
    struct tls_authority authority;
    if (mkdtemp(dir) == NULL) abort();
    snprintf(plan->ca, sizeof plan->ca, "%s/ca.crt", dir);
    snprintf(plan->cert, sizeof plan->cert, "%s/server.crt", dir);
    snprintf(plan->key, sizeof plan->key, "%s/server.key", dir);
    tls_authority_init(&authority, dir, "ca");
    tls_authority_sign(&authority, dir, "server", (struct tls_wish){ 0 });
    tls_authority_deinit(&authority);
}

static int client_main(uint16_t port, const struct plan *plan)
{
    struct tcp *tcp;
    struct err err = { 0 };
    uint8_t *message = mem_calloc(1, plan->message_bytes + 5), in[65536];
    for (int i = 0; i < 4; i++) message[1 + i] = (uint8_t)(plan->message_bytes >> (24 - 8 * i));
    struct sender sender = { .plan = plan, .message = message };
    nghttp2_session_callbacks *callbacks;
    nghttp2_session *http;
    if (!tcp_connect(&tcp, "127.0.0.1", port, &err)) return 1;
    if (plan->has_tls && !client_tls_start(tcp, plan, &err)) return 1;
    if (nghttp2_session_callbacks_new(&callbacks) != 0) return 1;
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, stream_closed_on);
    nghttp2_session_callbacks_set_data_source_read_length_callback(callbacks, chunk_choose);
    if (nghttp2_session_client_new(&http, callbacks, &sender) != 0) return 1;
    if (nghttp2_submit_settings(http, 0, NULL, 0) != 0) return 1;
    while (sender.begun < plan->streams && sender.begun < plan->calls) call_begin(http, &sender);
    while (sender.ended < plan->calls) {
        const uint8_t *out;
        ssize_t out_len;
        while ((out_len = nghttp2_session_mem_send(http, &out)) > 0) {
            if (!tcp_write(tcp, bytes_from(out, (size_t)out_len), &err)) return 1;
        }
        size_t len;
        if (!tcp_read(tcp, in, sizeof in, &len, 10000, &err) || len == 0) return 1;
        if (nghttp2_session_mem_recv(http, in, len) < 0) return 1;
    }
    return sender.failed == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct plan plan = { .calls = argc > 1 ? (size_t)atol(argv[1]) : 5000,
                         .message_bytes = argc > 2 ? (size_t)atol(argv[2]) : 450000,
                         .streams = argc > 3 ? (size_t)atol(argv[3]) : 16,
                         .has_tls = argc > 4 };
    char dir[] = "/tmp/grpc_bench.XXXXXX";
    int port_pipe[2];
    if (plan.has_tls) files_make(&plan, dir);
    if (pipe(port_pipe) == -1) return 1;
    pid_t child = fork(); /* before there are threads */
    if (child == 0) {
        uint16_t port;
        if (read(port_pipe[0], &port, sizeof port) != sizeof port) _exit(1);
        _exit(client_main(port, &plan));
    }
    struct loop *loop;
    struct grpc_server *server;
    struct err err = { 0 };
    struct tls_context *tls = NULL;
    struct log log = { .fd = STDERR_FILENO, .level_min = LOG_WARN };
    uint64_t bytes = 0;
    struct admission *admission = admission_create(256 << 20);
    struct grpc_options options = { .address = "127.0.0.1",
                                    .message_bytes_max = 64 << 20,
                                    .admission = admission,
                                    .streams_max = 256,
                                    .handler = { handler_call, &bytes },
                                    .log = &log };
    struct tls_files files = { plan.cert, plan.key, NULL };
    if (plan.has_tls && !tls_context_open(&tls, &files, &log, &err)) abort();
    options.tls = tls;
    if (!loop_open(&loop, &err) || !grpc_server_open(&server, loop, &options, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    uint16_t port = grpc_server_port(server);
    uint64_t from_ns = clock_mono_ns(), cpu_from_ns = clock_cpu_ns();
    if (write(port_pipe[1], &port, sizeof port) != sizeof port) return 1;
    int status = 0;
    while (waitpid(child, &status, 0) == -1 && errno == EINTR) {}
    uint64_t wall_ns = clock_mono_ns() - from_ns, cpu_ns = clock_cpu_ns() - cpu_from_ns;
    loop_stop(loop);
    grpc_server_close(server);
    loop_close(loop);
    admission_release(admission);
    tls_context_close(tls);
    if (plan.has_tls && (unlink(plan.ca) | unlink(plan.cert) | unlink(plan.key) | rmdir(dir)) != 0) return 1;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("%zu calls of %zu bytes, %zu at once%s: %.0f calls/s, %.0f MB/s; a call costs %.1f us of CPU (%.1f of it in "
           "the "
           "kernel), %.2f GB/s a core; %ld page faults, %ld KB resident\n",
           plan.calls, plan.message_bytes, plan.streams, plan.has_tls ? ", TLS" : "",
           (double)plan.calls * 1e9 / (double)wall_ns, (double)bytes * 1e3 / (double)wall_ns,
           (double)cpu_ns / 1e3 / (double)plan.calls,
           ((double)usage.ru_stime.tv_sec * 1e6 + (double)usage.ru_stime.tv_usec) / (double)plan.calls,
           (double)bytes / (double)cpu_ns, usage.ru_minflt, usage.ru_maxrss);
    return status == 0 ? 0 : 1;
}
