#include "aws/aws.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/random.h>

#include "aws/aws_credentials.h"
#include "aws/aws_source.h"
#include "aws/aws_text.h"
#include "base/clock.h"

#define ATTEMPTS_USUAL     8
#define PAUSE_MS_MIN       100u
#define PAUSE_MS_MAX       10000u
#define RETRY_AFTER_MS_MAX 60000u
#define CANCEL_LOOK_MS     100
#define CONNECT_MS_MAX     5000
#define IDLE_MS_MAX        20000
#define TOTAL_MS_MIN       60000
#define BYTES_PER_MS_MIN   64  /* a second more for each 64 KiB */
#define CLOCK_OFF_S        240 /* a server refuses from 15 minutes on, some from 5 */
#define URL_BYTES_MAX      (16u << 10)
#define HEADERS_MAX        32

struct aws {
    struct aws_surroundings around;
    struct aws_credentials *credentials;
    char *region;
    char *endpoint_of_profile;   /* endpoint_url of the profile, or NULL */
    _Atomic int64_t clock_off_s; /* what to add to our clock to have the servers' */
};

/* One call of a run. */
struct
try {
    struct aws_call *call;
    struct http_exchange *exchange; /* of this round */
    struct aws_identity *identity;  /* that signed it */
    struct aws_signed sign;
    char *url;
    struct http_client_header headers[HEADERS_MAX];
    char payload[SHA256_HEX_BYTES];
    int64_t signed_unix_s;
    uint64_t due_mono_ns; /* not before */
    bool has_ended;
    bool clock_was_set; /* once is enough */
    bool keys_were_new; /* likewise */
};

/* -- settings --------------------------------------------------------------------------------------------------- */

static const char *process_environment(void *ctx, const char *name)
{
    (void)ctx;
    return getenv(name);
}

static bool region_find(struct aws *aws, const struct aws_options *options, struct err *err)
{
    const char *set =
        options->region && options->region[0] ? options->region : aws_variable(&aws->around, "AWS_REGION");
    if (!set) set = aws_variable(&aws->around, "AWS_DEFAULT_REGION");
    aws->region = set ? mem_strdup(set) : aws_profile_value(&aws->around, "region");
    if (!aws->region && options->region_default) aws->region = mem_strdup(options->region_default);
    if (!aws->region) aws->region = aws_instance_region(&aws->around);
    if (!aws->region)
        return err_set(err, ERR_INPUT, "no AWS region: set AWS_REGION (or region in the profile of ~/.aws/config)");
    size_t len = strspn(aws->region, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_0123456789");
    if (aws->region[len] == '\0') return true;
    return err_set(err, ERR_INPUT, "\"%.60s\" is not an AWS region such as eu-central-1", aws->region);
}

bool aws_open(struct aws **out, const struct aws_options *options, struct err *err)
{
    struct aws *aws = mem_calloc(1, sizeof *aws);
    *out = NULL;
    aws->around =
        (struct aws_surroundings){ .client = options->client,
                                   .log = options->log,
                                   .environment = options->environment ? options->environment : process_environment,
                                   .environment_ctx = options->environment_ctx };
    atomic_init(&aws->clock_off_s, options->clock_off_s);
    aws->credentials = aws_credentials_create(&aws->around);
    if (!region_find(aws, options, err)) {
        aws_close(aws);
        return false;
    }
    aws_credentials_set_region(aws->credentials, aws->region);
    aws->endpoint_of_profile = aws_profile_value(&aws->around, "endpoint_url");
    *out = aws;
    return true;
}

void aws_close(struct aws *aws)
{
    if (!aws) return;
    aws_credentials_destroy(aws->credentials);
    free(aws->endpoint_of_profile);
    free(aws->region);
    free(aws);
}

const char *aws_region(const struct aws *aws)
{
    return aws->region;
}

const char *aws_endpoint(const struct aws *aws, const char *service)
{
    char name[64];
    snprintf(name, sizeof name, "AWS_ENDPOINT_URL_%s", service);
    const char *set = aws_variable(&aws->around, name);
    if (!set) set = aws_variable(&aws->around, "AWS_ENDPOINT_URL");
    return set ? set : aws->endpoint_of_profile;
}

bool aws_credentials_check(struct aws *aws, struct err *err)
{
    struct aws_identity *identity;
    bool ok = aws_identity_acquire(aws->credentials, &identity, err);
    aws_identity_release(identity);
    return ok;
}

/* -- one try ---------------------------------------------------------------------------------------------------- */

static uint64_t body_bytes(const struct http_client_body *body)
{
    return body->file ? body->file_bytes : body->bytes.len;
}

/* Without a slash at the end: people write one. */
static size_t host_url_len(const char *host_url)
{
    size_t len = strlen(host_url);
    while (len > 0 && host_url[len - 1] == '/') len--;
    return len;
}

/* "host:port" as it goes out: without the scheme's own port. */
static bool host_make(const char *host_url, char host[300], struct err *err)
{
    bool is_tls = strncmp(host_url, "https://", 8) == 0;
    if (!is_tls && strncmp(host_url, "http://", 7) != 0)
        return err_set(err, ERR_INPUT, "\"%.100s\" is not an address such as https://host", host_url);
    const char *from = host_url + (is_tls ? 8 : 7), *port = is_tls ? ":443" : ":80";
    size_t whole = host_url_len(host_url), port_len = strlen(port);
    size_t len = whole > (size_t)(from - host_url) ? whole - (size_t)(from - host_url) : 0;
    if (len > port_len && strcmp(from + len - port_len, port) == 0) len -= port_len;
    if (len == 0 || len >= 300 || memchr(from, '/', len))
        return err_set(err, ERR_INPUT, "\"%.100s\" is not just scheme, host and port", host_url);
    snprintf(host, 300, "%.*s", (int)len, from);
    return true;
}

static bool url_make(struct try *try, struct err *err)
{
    const struct aws_call *call = try->call;
    struct buf url;
    buf_init(&url, URL_BYTES_MAX);
    bool has_query = call->query && call->query[0];
    bool ok = buf_printf(&url, "%.*s%s%s%s", (int)host_url_len(call->host_url), call->host_url, call->path,
                         has_query ? "?" : "", has_query ? call->query : "") &&
              buf_add(&url, "", 1);
    if (!ok) {
        buf_deinit(&url);
        return err_set(err, ERR_TOO_LARGE, "a URL of more than %u bytes", URL_BYTES_MAX);
    }
    try->url = (char *)url.ptr;
    return true;
}

static void payload_hash(struct try *try)
{
    const struct aws_call *call = try->call;
    uint8_t digest[SHA256_BYTES];
    if (call->payload_is_unsigned || call->body.file) {
        snprintf(try->payload, sizeof try->payload, AWS_UNSIGNED_PAYLOAD);
        return;
    }
    sha256_of(call->body.bytes, digest);
    sha256_to_hex(digest, try->payload);
}

static bool header_put(struct try *try, uint32_t *count, const char *name, const char *value, struct err *err)
{
    if (*count == HEADERS_MAX - 1) return err_set(err, ERR_TOO_LARGE, "more than %d headers", HEADERS_MAX - 1);
    try->headers[(*count)++] = (struct http_client_header){ name, value };
    try->headers[*count] = (struct http_client_header){ 0 };
    return true;
}

/* Signs with the identity and the time of now; host is the caller's, for as long as the headers. */
static bool try_sign(struct aws *aws, struct try *try, const char *host, struct err *err)
{
    const struct aws_call *call = try->call;
    bool is_s3 = strcmp(call->service, "s3") == 0;
    uint32_t count = 0;
    try->signed_unix_s = clock_unix_us() / 1000000 + atomic_load(&aws->clock_off_s);
    if (!header_put(try, &count, "host", host, err)) return false;
    for (const struct http_client_header *header = call->headers; header && header->name; header++)
        if (!header_put(try, &count, header->name, header->value, err)) return false;
    struct aws_signing signing = { .keys = try->identity->keys,
                                   .region = aws->region,
                                   .service = call->service,
                                   .unix_s = try->signed_unix_s,
                                   .method = call->method,
                                   .path = call->path,
                                   .query = call->query,
                                   .headers = try->headers,
                                   .payload_sha256 = try->payload,
                                   .payload_header = is_s3,
                                   .path_is_normalized = !is_s3,
                                   .path_is_encoded_again = !is_s3 };
    if (!aws_sign(&try->sign, &signing, err)) return false;
    return header_put(try, &count, "x-amz-date", try->sign.date, err) &&
           (!is_s3 || header_put(try, &count, "x-amz-content-sha256", try->payload, err)) &&
           (!signing.keys.token || header_put(try, &count, "x-amz-security-token", signing.keys.token, err)) &&
           header_put(try, &count, "authorization", (char *)try->sign.authorization.ptr, err);
}

static void exchange_set_up(struct try *try, struct http_exchange *exchange)
{
    const struct aws_call *call = try->call;
    uint64_t bytes = body_bytes(&call->body) + call->answer_bytes_max;
    uint64_t total_ms = call->total_ms_max ? call->total_ms_max : TOTAL_MS_MIN + bytes / BYTES_PER_MS_MIN;
    try->exchange = exchange;
    *exchange = (struct http_exchange){ .method = call->method,
                                        .url = try->url,
                                        .headers = try->headers,
                                        .body = call->body,
                                        .connect_ms_max = CONNECT_MS_MAX,
                                        .idle_ms_max = IDLE_MS_MAX,
                                        .total_ms_max = total_ms < UINT32_MAX / 2 ? (uint32_t)total_ms : UINT32_MAX / 2,
                                        .into = call->into,
                                        .answer_bytes_max = call->answer_bytes_max,
                                        .cancel = call->cancel };
}

/* -- is another one worth it? ----------------------------------------------------------------------------------- */

static bool code_is_one_of(const char *code, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(code, *list) == 0) return true;
    return false;
}

static bool status_may_pass(int status, const char *code)
{
    static const char *const throttling[] = { "Throttling",
                                              "ThrottlingException",
                                              "ThrottledException",
                                              "RequestThrottled",
                                              "RequestThrottledException",
                                              "SlowDown",
                                              "TooManyRequestsException",
                                              "ProvisionedThroughputExceededException",
                                              "RequestLimitExceeded",
                                              "BandwidthLimitExceeded",
                                              "LimitExceededException",
                                              "TransactionInProgressException",
                                              "PriorRequestNotComplete",
                                              "EC2ThrottledException",
                                              "RequestTimeout",
                                              "RequestTimeoutException",
                                              "InternalServerError",
                                              "BadDigest",
                                              NULL };
    return status == 429 || status == 500 || status == 502 || status == 503 || status == 504 ||
           (status >= 400 && status < 500 && code_is_one_of(code, throttling));
}

static bool keys_have_ended(int status, const char *code)
{
    static const char *const ended[] = { "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", NULL };
    return status >= 400 && status < 500 && code_is_one_of(code, ended);
}

/* The server's clock is far from the one that we signed by: take its. */
static bool clock_set(struct aws *aws, const struct try *try)
{
    static const char *const skewed[] = { "RequestTimeTooSkewed",
                                          "RequestExpired",
                                          "RequestInTheFuture",
                                          "InvalidSignatureException",
                                          "SignatureDoesNotMatch",
                                          "AuthFailure",
                                          NULL };
    const struct aws_call *call = try->call;
    int64_t theirs_s, off_s;
    if (try->clock_was_set || call->answer.status < 400 || call->answer.status >= 500) return false;
    if (call->answer.status != 403 && !code_is_one_of(call->code, skewed)) return false; /* HEAD has no code */
    if (!aws_http_date_parse(http_exchange_header(&call->answer, "date"), &theirs_s)) return false;
    off_s = theirs_s - try->signed_unix_s;
    if (off_s > -CLOCK_OFF_S && off_s < CLOCK_OFF_S) return false;
    /* set, not added to: others of the same run find the same */
    atomic_store(&aws->clock_off_s, theirs_s - clock_unix_us() / 1000000);
    log_warn(aws->around.log, "aws.clock_is_off", log_number("seconds", atomic_load(&aws->clock_off_s)));
    return true;
}

static uint32_t random_below(uint32_t bound)
{
    uint32_t number;
    while (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number) continue;
    return number % bound;
}

/* Full jitter: any time up to 100 ms, 200 ms ... 10 s; at least what the server asks for. */
static uint64_t pause_ns(const struct aws_call *call)
{
    uint32_t doublings = call->attempts - 1 < 7 ? call->attempts - 1 : 7;
    uint32_t bound_ms = PAUSE_MS_MIN << doublings < PAUSE_MS_MAX ? PAUSE_MS_MIN << doublings : PAUSE_MS_MAX;
    uint32_t asked_ms =
        call->answer.retry_after_ms < RETRY_AFTER_MS_MAX ? call->answer.retry_after_ms : RETRY_AFTER_MS_MAX;
    return (asked_ms + random_below(bound_ms + 1)) * 1000000ull;
}

/* The tries are used up, the last answer is one that might have passed. */
static void give_up(struct aws_call *call)
{
    char code[AWS_CODE_BYTES], message[100];
    if (call->answer.err.code != ERR_OK) {
        call->err = call->answer.err;
    } else {
        aws_error_read(buf_bytes(&call->answer.body_answer), code, sizeof code, message, sizeof message);
        err_set(&call->err, ERR_IO, "\"%.60s\" answers %d %s %s", call->host_url, call->answer.status, code, message);
    }
    if (call->attempts > 1 && call->err.code != ERR_CANCELLED) err_within(&call->err, "after %u tries", call->attempts);
}

/* Looks at what came: the end, or once more. */
static void try_judge(struct aws *aws, struct try *try)
{
    struct aws_call *call = try->call;
    char message[8];
    uint32_t attempts_max = call->attempts_max ? call->attempts_max : ATTEMPTS_USUAL;
    call->answer = *try->exchange;
    call->code[0] = '\0';
    call->attempts++;
    try->due_mono_ns = 0;
    try->has_ended = true;
    int status = call->answer.status;
    if (call->answer.err.code == ERR_OK && (status < 200 || status >= 300))
        aws_error_read(buf_bytes(&call->answer.body_answer), call->code, sizeof call->code, message, sizeof message);
    bool may_pass = call->answer.err.code == ERR_IO || status_may_pass(status, call->code);
    if (keys_have_ended(status, call->code) && !try->keys_were_new) {
        aws_identity_reject(aws->credentials, try->identity);
        try->keys_were_new = true;
        try->has_ended = false;
    } else if (clock_set(aws, try)) {
        try->clock_was_set = true;
        try->has_ended = false;
    } else if (may_pass && call->attempts < attempts_max) {
        try->due_mono_ns = clock_mono_ns() + pause_ns(call);
        try->has_ended = false;
    } else if (may_pass || call->answer.err.code != ERR_OK) {
        give_up(call);
    }
    if (!try->has_ended) http_exchange_deinit(&call->answer);
}

/* -- a run ------------------------------------------------------------------------------------------------------ */

static void try_fail(struct try *try, const struct err *err)
{
    try->call->err = *err;
    try->has_ended = true;
}

/* Signs it for this round. */
static bool try_begin(struct aws *aws, struct try *try, char host[300])
{
    struct err err = { 0 };
    if (aws_identity_acquire(aws->credentials, &try->identity, &err) && host_make(try->call->host_url, host, &err) &&
        try_sign(aws, try, host, &err))
        return true;
    aws_signed_deinit(&try->sign);
    aws_identity_release(try->identity);
    try->identity = NULL;
    try_fail(try, &err);
    return false;
}

static bool is_given_up(const struct aws_call *call)
{
    return call->cancel && atomic_load(call->cancel);
}

/* Waits until one of them is due. False: all have ended. */
static bool round_wait(struct try *tries, uint32_t count)
{
    for (;;) {
        uint64_t now_ns = clock_mono_ns(), next_ns = UINT64_MAX;
        for (uint32_t i = 0; i < count; i++) {
            if (!tries[i].has_ended && is_given_up(tries[i].call))
                try_fail(&tries[i], &(struct err){ .code = ERR_CANCELLED, .text = "the request was given up" });
            if (!tries[i].has_ended && tries[i].due_mono_ns < next_ns) next_ns = tries[i].due_mono_ns;
        }
        if (next_ns == UINT64_MAX) return false;
        if (next_ns <= now_ns) return true;
        uint64_t wait_ms = (next_ns - now_ns) / 1000000 + 1;
        clock_sleep_ms(wait_ms < CANCEL_LOOK_MS ? (uint32_t)wait_ms : CANCEL_LOOK_MS);
    }
}

/* All that are due, side by side. */
static void round_run(struct aws *aws, struct try *tries, uint32_t count)
{
    struct http_exchange *exchanges = mem_calloc(count, sizeof *exchanges);
    char(*hosts)[300] = mem_calloc(count, sizeof *hosts);
    uint64_t now_ns = clock_mono_ns();
    uint32_t due_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        tries[i].exchange = NULL;
        if (tries[i].has_ended || tries[i].due_mono_ns > now_ns) continue;
        if (try_begin(aws, &tries[i], hosts[due_count])) exchange_set_up(&tries[i], &exchanges[due_count++]);
    }
    http_client_run(aws->around.client, exchanges, due_count);
    for (uint32_t i = 0; i < count; i++) {
        if (!tries[i].exchange) continue;
        try_judge(aws, &tries[i]);
        explicit_bzero(tries[i].headers, sizeof tries[i].headers);
        aws_signed_deinit(&tries[i].sign);
        aws_identity_release(tries[i].identity);
        tries[i].identity = NULL;
    }
    free(hosts);
    free(exchanges);
}

void aws_run(struct aws *aws, struct aws_call *calls, uint32_t count)
{
    struct try *tries = mem_calloc(count, sizeof *tries);
    for (uint32_t i = 0; i < count; i++) {
        struct err err = { 0 };
        calls[i].err = (struct err){ 0 };
        calls[i].answer = (struct http_exchange){ 0 };
        calls[i].attempts = 0;
        calls[i].code[0] = '\0';
        tries[i].call = &calls[i];
        if (!url_make(&tries[i], &err)) {
            try_fail(&tries[i], &err);
            continue;
        }
        payload_hash(&tries[i]);
    }
    while (round_wait(tries, count)) round_run(aws, tries, count);
    for (uint32_t i = 0; i < count; i++) free(tries[i].url);
    free(tries);
}

bool aws_call_failed(const struct aws_call *call, struct err *err, const char *fmt, ...)
{
    char what[160], code[AWS_CODE_BYTES], message[120];
    int status = call->answer.status;
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    if (call->err.code != ERR_OK) {
        *err = call->err;
        return err_within(err, "%s", what);
    }
    aws_error_read(buf_bytes(&call->answer.body_answer), code, sizeof code, message, sizeof message);
    enum err_code kind = status == 404                    ? ERR_NOT_FOUND
                         : status == 401 || status == 403 ? ERR_FORBIDDEN
                         : status == 412                  ? ERR_EXISTS
                         : status == 409                  ? ERR_CONFLICT
                         : status >= 300 && status < 500  ? ERR_INPUT
                                                          : ERR_IO;
    return err_set(err, kind, "%s: \"%.60s\" answers %d %s %s", what, call->host_url, status, code, message);
}

void aws_call_deinit(struct aws_call *call)
{
    http_exchange_deinit(&call->answer);
}
