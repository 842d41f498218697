/* What a signed call costs: the signature alone, calls in turn and side by side, and bytes of large answers. The server is
 * in another process, on loopback, so that CPU is the caller's alone.
 *
 *   aws_bench [calls]      20000 */
#include <inttypes.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aws/aws_test_server.h"
#include "base/clock.h"

#define LARGE_BYTES (8u << 20)

static uint8_t large[LARGE_BYTES];

static void on_request(void *ctx, struct http_request *request)
{
    (void)ctx;
    bool is_large = request->path.len == 6; /* "/large" */
    struct http_response response = { .status = 200, .body = bytes_from(large, is_large ? LARGE_BYTES : 100) };
    http_answer(request, &response);
}

static double cpu_s(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void figure(const char *name, double value, const char *unit)
{
    printf("%s %.2f %s\n", name, value, unit);
}

static void sign_measure(uint32_t count)
{
    static const struct http_client_header headers[] = { { "host", "bucket.s3.eu-west-1.amazonaws.com" },
                                                         { "range", "bytes=1000000-1999999" },
                                                         { 0 } };
    struct aws_signing signing = { .keys = { "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", NULL },
                                   .region = "eu-west-1",
                                   .service = "s3",
                                   .unix_s = 1440938160,
                                   .method = "GET",
                                   .path = "/otel_logs_and_spans/project_id%3D1/date%3D2026-11-26/part-1.parquet",
                                   .headers = headers,
                                   .payload_sha256 = AWS_UNSIGNED_PAYLOAD,
                                   .payload_header = true };
    double start = cpu_s();
    for (uint32_t i = 0; i < count; i++) {
        struct aws_signed out;
        struct err err = { 0 };
        if (!aws_sign(&out, &signing, &err)) abort();
        aws_signed_deinit(&out);
    }
    figure("aws_sign_us", (cpu_s() - start) * 1e6 / count, "us");
}

/* Calls of one size, so many side by side. */
static void calls_measure(struct aws *aws, const char *url, uint32_t count, uint32_t side_by_side, bool is_large)
{
    struct aws_call *calls = mem_calloc(side_by_side, sizeof *calls);
    size_t bytes = is_large ? LARGE_BYTES : 100;
    uint8_t *into = mem_alloc(bytes * side_by_side);
    double cpu = cpu_s(), wall = (double)clock_mono_ns() / 1e9;
    char name[64];
    for (uint32_t done = 0; done < count; done += side_by_side) {
        for (uint32_t i = 0; i < side_by_side; i++)
            calls[i] = (struct aws_call){ .service = "s3",
                                          .method = "GET",
                                          .host_url = url,
                                          .path = is_large ? "/large" : "/bucket/small",
                                          .into = into + i * bytes,
                                          .answer_bytes_max = bytes };
        aws_run(aws, calls, side_by_side);
        for (uint32_t i = 0; i < side_by_side; i++) {
            if (calls[i].err.code != ERR_OK || calls[i].answer.answer_len != bytes) abort();
            aws_call_deinit(&calls[i]);
        }
    }
    cpu = cpu_s() - cpu;
    wall = (double)clock_mono_ns() / 1e9 - wall;
    if (is_large) {
        snprintf(name, sizeof name, "aws_get_large_%u", side_by_side);
        figure(name, (double)bytes * count / wall / 1e6, "MB/s");
        snprintf(name, sizeof name, "aws_get_large_%u_cpu", side_by_side);
        figure(name, cpu * 1e9 / ((double)bytes * count), "ns/byte");
    } else {
        snprintf(name, sizeof name, "aws_get_small_%u", side_by_side);
        figure(name, wall * 1e6 / count, "us/call");
        snprintf(name, sizeof name, "aws_get_small_%u_cpu", side_by_side);
        figure(name, cpu * 1e6 / count, "us/call");
    }
    free(into);
    free(calls);
}

/* The child: serves until its parent closes the pipe. */
static void serve(int url_fd, int end_fd)
{
    struct aws_server server;
    char end;
    aws_server_open(&server, on_request);
    if (write(url_fd, server.url, sizeof server.url) != sizeof server.url) abort();
    while (read(end_fd, &end, 1) > 0) continue;
    aws_server_close(&server);
}

int main(int argc, char **argv)
{
    uint32_t count = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 20000;
    int url_pipe[2], end_pipe[2];
    char url[64];
    if (pipe(url_pipe) != 0 || pipe(end_pipe) != 0) return 1;
    pid_t child = fork();
    if (child == 0) {
        close(end_pipe[1]);
        serve(url_pipe[1], end_pipe[0]);
        return 0;
    }
    close(end_pipe[0]);
    if (read(url_pipe[0], url, sizeof url) != sizeof url) return 1;
    struct aws_server around = { .client = http_client_create(NULL) };
    aws_server_set(&around, "AWS_ACCESS_KEY_ID", "id");
    aws_server_set(&around, "AWS_SECRET_ACCESS_KEY", "secret");
    struct aws *aws;
    struct err err = { 0 };
    struct aws_options options = { .client = around.client,
                                   .log = &aws_quiet,
                                   .region = "r-1",
                                   .environment = aws_server_environment,
                                   .environment_ctx = &around };
    if (!aws_open(&aws, &options, &err)) return 1;
    sign_measure(count);
    calls_measure(aws, url, count, 1, false);
    calls_measure(aws, url, count, 8, false);
    calls_measure(aws, url, count, 32, false);
    calls_measure(aws, url, 64, 1, true);
    calls_measure(aws, url, 64, 4, true);
    aws_close(aws);
    http_client_destroy(around.client);
    close(end_pipe[1]);
    waitpid(child, NULL, 0);
    return 0;
}
