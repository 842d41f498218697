/* What an HTTP/1.1 request costs the server: CPU of this process, with the client in another one. As grpc_bench.
 *
 *   http_bench [requests [bytes [connections]]]      5000 requests of 450,000 bytes, on 16 connections */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/admission.h"
#include "net/http.h"
#include "net/loop.h"
#include "net/tcp.h"

enum { CONNECTIONS_MAX = 256 };

struct plan {
    size_t requests, body_bytes, connections;
};

static void handler_call(void *ctx, struct http_request *request)
{
    uint64_t *bytes = ctx;
    *bytes += request->body.len;
    struct http_header type = { BYTES("Content-Type"), BYTES("application/x-protobuf") };
    http_answer(request, &(struct http_response){ 200, &type, 1, BYTES("") });
}

/* Each connection has one request under way: all of them are written, then all answers are read. */
static int client_main(uint16_t port, const struct plan *plan)
{
    static struct tcp *connections[CONNECTIONS_MAX];
    struct err err = { 0 };
    char in[4096];
    uint8_t *request = mem_alloc(plan->body_bytes + 500);
    int head_len = snprintf((char *)request, 500,
                            "POST /v1/traces HTTP/1.1\r\nHost: localhost:4318\r\nUser-Agent: OTel-Go\r\n"
                            "Content-Type: application/x-protobuf\r\nX-Api-Key: 0123456789abcdef0123456789abcdef\r\n"
                            "Content-Length: %zu\r\n\r\n",
                            plan->body_bytes);
    memset(request + head_len, 0, plan->body_bytes);
    for (size_t i = 0; i < plan->connections; i++) {
        if (!tcp_connect(&connections[i], "127.0.0.1", port, &err)) return 1;
    }
    for (size_t sent = 0; sent < plan->requests; sent += plan->connections) {
        for (size_t i = 0; i < plan->connections; i++) {
            if (!tcp_write(connections[i], bytes_from(request, (size_t)head_len + plan->body_bytes), &err)) return 1;
        }
        for (size_t i = 0; i < plan->connections; i++) {
            size_t len;
            if (!tcp_read(connections[i], in, sizeof in, &len, 10000, &err) || len < 12) return 1;
            if (memcmp(in, "HTTP/1.1 200", 12) != 0) return 1;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct plan plan = { argc > 1 ? (size_t)atol(argv[1]) : 5000, argc > 2 ? (size_t)atol(argv[2]) : 450000,
                         argc > 3 ? (size_t)atol(argv[3]) : 16 };
    if (plan.connections == 0 || plan.connections > CONNECTIONS_MAX) return 2;
    plan.requests -= plan.requests % plan.connections;
    int port_pipe[2];
    if (pipe(port_pipe) == -1) return 1;
    pid_t child = fork(); /* before there are threads */
    if (child == 0) {
        uint16_t port;
        if (read(port_pipe[0], &port, sizeof port) != sizeof port) _exit(1);
        _exit(client_main(port, &plan));
    }
    struct loop *loop;
    struct http_server *server;
    struct err err = { 0 };
    struct log log = { .fd = STDERR_FILENO, .level_min = LOG_INFO };
    uint64_t bytes = 0;
    struct admission *admission = admission_create(256 << 20);
    struct http_options options = { .address = "127.0.0.1",
                                    .body_bytes_max = 64 << 20,
                                    .admission = admission,
                                    .handler = { .call = handler_call, .ctx = &bytes },
                                    .log = &log };
    if (!loop_open(&loop, &err) || !http_server_open(&server, loop, &options, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    uint16_t port = http_server_port(server);
    uint64_t from_ns = clock_mono_ns(), cpu_from_ns = clock_cpu_ns();
    if (write(port_pipe[1], &port, sizeof port) != sizeof port) return 1;
    int status = 0;
    while (waitpid(child, &status, 0) == -1 && errno == EINTR) {}
    uint64_t wall_ns = clock_mono_ns() - from_ns, cpu_ns = clock_cpu_ns() - cpu_from_ns;
    loop_stop(loop);
    http_server_close(server);
    loop_close(loop);
    admission_release(admission);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("%zu requests of %zu bytes, %zu connections: %.0f requests/s, %.0f MB/s; a request costs %.1f us of CPU "
           "(%.1f of "
           "it in the kernel), %.2f GB/s a core; %ld page faults, %ld KB resident\n",
           plan.requests, plan.body_bytes, plan.connections, (double)plan.requests * 1e9 / (double)wall_ns,
           (double)bytes * 1e3 / (double)wall_ns, (double)cpu_ns / 1e3 / (double)plan.requests,
           ((double)usage.ru_stime.tv_sec * 1e6 + (double)usage.ru_stime.tv_usec) / (double)plan.requests,
           (double)bytes / (double)cpu_ns, usage.ru_minflt, usage.ru_maxrss);
    return status == 0 ? 0 : 1;
}
