#include "timefusion/object/object_s3.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/crc32c.h"

enum { PATH_BYTES_MAX = 8 * OBJECT_KEY_BYTES_MAX, QUERY_BYTES_MAX = 32 * 1024 };

static const struct verb {
    enum object_count count;
    const char *words, *right; /* of the policy */
} verbs[] = {
    [S3_GET] = { OBJECT_COUNT_GET, "read", "s3:GetObject" },
    [S3_HEAD] = { OBJECT_COUNT_HEAD, "read", "s3:GetObject" },
    [S3_PUT] = { OBJECT_COUNT_PUT, "write", "s3:PutObject" },
    [S3_DELETE] = { OBJECT_COUNT_DELETE, "delete", "s3:DeleteObject" },
    [S3_DELETE_MANY] = { OBJECT_COUNT_DELETE, "delete", "s3:DeleteObject" },
    [S3_LIST] = { OBJECT_COUNT_LIST, "list", "s3:ListBucket" },
    [S3_UPLOAD] = { OBJECT_COUNT_OTHER, "write", "s3:PutObject" },
    [S3_ABORT] = { OBJECT_COUNT_OTHER, "give up writing", "s3:AbortMultipartUpload" },
};

void s3_batch_init(struct s3_batch *batch, struct s3 *s3, uint32_t count)
{
    assert(count > 0);
    *batch = (struct s3_batch){ .s3 = s3,
                                .count = count,
                                .calls = mem_calloc(count, sizeof *batch->calls),
                                .requests = mem_calloc(count, sizeof *batch->requests) };
    for (uint32_t i = 0; i < count; i++) {
        buf_init(&batch->requests[i].path, PATH_BYTES_MAX);
        buf_init(&batch->requests[i].query, QUERY_BYTES_MAX);
    }
}

void s3_batch_deinit(struct s3_batch *batch)
{
    for (uint32_t i = 0; i < batch->count; i++) {
        aws_call_deinit(&batch->calls[i]);
        buf_deinit(&batch->requests[i].path);
        buf_deinit(&batch->requests[i].query);
    }
    free(batch->calls);
    free(batch->requests);
}

void s3_batch_set(struct s3_batch *batch, uint32_t i, enum s3_verb verb, const char *method, const char *key)
{
    struct s3 *s3 = batch->s3;
    struct s3_request *request = &batch->requests[i];
    request->verb = verb;
    /* Lengths were checked at opening and with the key: the buffer has room for each byte encoded as three. */
    bool ok = buf_add(&request->path, s3->path, strlen(s3->path)) && buf_add(&request->path, "/", 1);
    if (key)
        ok = ok && aws_path_encode(&request->path, bytes_of_text(s3->prefix)) &&
             aws_path_encode(&request->path, bytes_of_text(key));
    ok = ok && buf_add(&request->path, "", 1);
    assert(ok);
    (void)ok;
    batch->calls[i] = (struct aws_call){
        .service = "s3",
        .method = method,
        .host_url = s3->host_url,
        .path = (const char *)request->path.ptr,
        .headers = request->headers,
        .answer_bytes_max = S3_ANSWER_BYTES_MAX,
        .cancel = s3->cancel,
    };
}

void s3_batch_query(struct s3_batch *batch, uint32_t i, const char *name, const char *value)
{
    struct buf *query = &batch->requests[i].query;
    if (query->len > 0) query->ptr[query->len - 1] = '&'; /* over the NUL */
    bool ok = buf_printf(query, "%s=", name) && aws_query_encode(query, bytes_of_text(value)) && buf_add(query, "", 1);
    assert(ok); /* keys and tokens are far shorter than the limit */
    (void)ok;
    batch->calls[i].query = (const char *)query->ptr;
}

static bool is_checksum(const char *name)
{
    return strncmp(name, "x-amz-checksum-", strlen("x-amz-checksum-")) == 0;
}

void s3_batch_header(struct s3_batch *batch, uint32_t i, const char *name, const char *value)
{
    if (is_checksum(name) && atomic_load(&batch->s3->has_no_crc)) return;
    struct http_client_header *headers = batch->requests[i].headers;
    uint32_t at = 0;
    while (headers[at].name) at++;
    assert(at < S3_HEADERS_MAX);
    headers[at] = (struct http_client_header){ name, value };
}

void s3_batch_crc(struct s3_batch *batch, uint32_t i, uint32_t crc)
{
    if (atomic_load(&batch->s3->has_no_crc)) return;
    crc32c_text(crc, batch->requests[i].crc);
    s3_batch_header(batch, i, "x-amz-checksum-crc32c", batch->requests[i].crc);
}

void s3_batch_body(struct s3_batch *batch, uint32_t i, struct bytes bytes)
{
    batch->calls[i].body.bytes = bytes;
    batch->calls[i].payload_is_unsigned = bytes.len > S3_SIGNED_BYTES_MAX && !atomic_load(&batch->s3->has_no_crc);
    s3_batch_crc(batch, i, crc32c_add(0, bytes));
}

void s3_batch_range(struct s3_batch *batch, uint32_t i, uint64_t offset, size_t len)
{
    struct s3_request *request = &batch->requests[i];
    snprintf(request->range, sizeof request->range, "bytes=%" PRIu64 "-%" PRIu64, offset, offset + len - 1);
    s3_batch_header(batch, i, "range", request->range);
}

/* Takes the checksum's header away from a request; false: it had none. */
static bool crc_drop(struct s3_request *request)
{
    bool had = false;
    uint32_t kept = 0;
    for (uint32_t h = 0; request->headers[h].name; h++) {
        struct http_client_header header = request->headers[h];
        had = had || is_checksum(header.name);
        request->headers[h] = (struct http_client_header){ 0 };
        if (!is_checksum(header.name)) request->headers[kept++] = header;
    }
    request->crc[0] = 0;
    return had;
}

static void call_count(const struct s3_batch *batch, uint32_t i)
{
    struct object_store *store = &batch->s3->store;
    const struct aws_call *call = &batch->calls[i];
    enum s3_verb verb = batch->requests[i].verb;
    object_tally(store, verbs[verb].count, call->attempts);
    if (call->attempts > 1) object_tally(store, OBJECT_COUNT_RETRY, call->attempts - 1);
    if (!s3_is_done(call)) return;
    if (verb == S3_GET) object_tally(store, OBJECT_COUNT_BYTES_READ, call->answer.answer_len);
    if (verb == S3_PUT)
        object_tally(store, OBJECT_COUNT_BYTES_WRITTEN, call->body.file ? call->body.file_bytes : call->body.bytes.len);
}

void s3_batch_run(struct s3_batch *batch)
{
    aws_run(batch->s3->aws, batch->calls, batch->count);
    for (uint32_t i = 0; i < batch->count; i++) {
        struct aws_call *call = &batch->calls[i];
        call_count(batch, i);
        if (call->err.code != ERR_OK || call->answer.status != 501 || !crc_drop(&batch->requests[i])) continue;
        atomic_store(&batch->s3->has_no_crc, true);
        call->payload_is_unsigned = call->body.file != NULL; /* now the hash of the signature is what covers it */
        aws_call_deinit(call);
        call->answer = (struct http_exchange){ 0 };
        call->code[0] = 0;
        aws_run(batch->s3->aws, call, 1);
        call_count(batch, i);
    }
}

/* -- what an error means ------------------------------------------------------------------------------------------ */

enum trouble {
    TROUBLE_OTHER,
    TROUBLE_NO_OBJECT,
    TROUBLE_NO_BUCKET,
    TROUBLE_FORBIDDEN,
    TROUBLE_KEY,
    TROUBLE_SECRET,
    TROUBLE_TOKEN,
    TROUBLE_CLOCK,
    TROUBLE_REGION,
    TROUBLE_DAMAGED,
    TROUBLE_UNSUPPORTED,
    TROUBLE_TOO_LARGE,
    TROUBLE_NAME,
};

static enum trouble trouble_of(const char *code, int status, const struct s3_error *error)
{
    static const struct {
        const char *code;
        enum trouble trouble;
    } known[] = {
        { "NoSuchKey", TROUBLE_NO_OBJECT },
        { "NoSuchBucket", TROUBLE_NO_BUCKET },
        { "AccessDenied", TROUBLE_FORBIDDEN },
        { "AllAccessDisabled", TROUBLE_FORBIDDEN },
        { "AccountProblem", TROUBLE_FORBIDDEN },
        { "InvalidAccessKeyId", TROUBLE_KEY },
        { "SignatureDoesNotMatch", TROUBLE_SECRET },
        { "ExpiredToken", TROUBLE_TOKEN },
        { "InvalidToken", TROUBLE_TOKEN },
        { "TokenRefreshRequired", TROUBLE_TOKEN },
        { "RequestTimeTooSkewed", TROUBLE_CLOCK },
        { "RequestExpired", TROUBLE_CLOCK },
        { "AuthorizationHeaderMalformed", TROUBLE_REGION },
        { "PermanentRedirect", TROUBLE_REGION },
        { "TemporaryRedirect", TROUBLE_REGION },
        { "InvalidRegion", TROUBLE_REGION },
        { "BadDigest", TROUBLE_DAMAGED },
        { "InvalidDigest", TROUBLE_DAMAGED },
        { "XAmzContentSHA256Mismatch", TROUBLE_DAMAGED },
        { "XAmzContentChecksumMismatch", TROUBLE_DAMAGED },
        { "NotImplemented", TROUBLE_UNSUPPORTED },
        { "EntityTooLarge", TROUBLE_TOO_LARGE },
        { "InvalidBucketName", TROUBLE_NAME },
    };
    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (strcmp(code, known[i].code) == 0) return known[i].trouble;
    if (error->region[0] != 0 || status == 301 || status == 307) return TROUBLE_REGION;
    if (code[0] == 0 && status == 404) return TROUBLE_NO_OBJECT; /* of HEAD, which has no body */
    if (status == 401 || status == 403) return TROUBLE_FORBIDDEN;
    if (status == 501) return TROUBLE_UNSUPPORTED;
    return TROUBLE_OTHER;
}

static bool region_failed(const struct s3 *s3, const struct s3_error *error, struct err *err)
{
    const char *ours = aws_region(s3->aws);
    if (error->region[0] != 0 && strcmp(error->region, ours) != 0)
        return err_set(err, ERR_INPUT, "bucket \"%s\" is in region %s, not %s: set AWS_REGION=%s", s3->bucket,
                       error->region, ours, error->region);
    if (error->endpoint[0] != 0)
        return err_set(err, ERR_INPUT,
                       "bucket \"%s\" is to be asked for at %s: set AWS_REGION to its region, or "
                       "AWS_ENDPOINT_URL_S3",
                       s3->bucket, error->endpoint);
    return err_set(err, ERR_INPUT, "bucket \"%s\" is not in region %s: set AWS_REGION to its region (%.80s)",
                   s3->bucket, ours, error->message);
}

static bool words_set(const struct s3 *s3, enum s3_verb verb, enum trouble trouble, const char *code, int status,
                      const struct s3_error *error, const char *key, struct err *err)
{
    const char *to_do = verbs[verb].words;
    switch (trouble) {
    case TROUBLE_NO_OBJECT: return err_set(err, ERR_NOT_FOUND, "there is no object \"%s\"", key);
    case TROUBLE_NO_BUCKET:
        return err_set(err, ERR_INPUT, "there is no bucket \"%s\" at %s: make it, or name another in --storage",
                       s3->bucket, s3->endpoint);
    case TROUBLE_FORBIDDEN:
        return err_set(err, ERR_FORBIDDEN,
                       "these credentials may not %s %s: their policy must allow %s on arn:aws:s3:::%s%s", to_do,
                       s3->url, verbs[verb].right, s3->bucket, verb == S3_LIST ? "" : "/*");
    case TROUBLE_KEY:
        return err_set(err, ERR_UNAUTHENTICATED,
                       "%s does not know the access key: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
                       s3->endpoint);
    case TROUBLE_SECRET:
        return err_set(err, ERR_UNAUTHENTICATED,
                       "the secret is not that of the access key, says %s: set AWS_SECRET_ACCESS_KEY", s3->endpoint);
    case TROUBLE_TOKEN:
        return err_set(err, ERR_UNAUTHENTICATED, "the session token is over or wrong (%s): set AWS_SESSION_TOKEN anew",
                       code);
    case TROUBLE_CLOCK:
        return err_set(err, ERR_INPUT, "the clock of this machine is too far from that of %s: set it (NTP)",
                       s3->endpoint);
    case TROUBLE_REGION: return region_failed(s3, error, err);
    case TROUBLE_DAMAGED:
        return err_set(err, ERR_IO, "could not %s \"%s\": it was damaged on its way (%s)", to_do, key, code);
    case TROUBLE_UNSUPPORTED:
        return err_set(err, ERR_UNSUPPORTED, "%s cannot %s \"%.60s\" as asked: %s", s3->endpoint, to_do, key,
                       error->message[0] ? error->message : "not implemented");
    case TROUBLE_TOO_LARGE:
        return err_set(err, ERR_TOO_LARGE, "%s takes no object as large as \"%s\"", s3->endpoint, key);
    case TROUBLE_NAME:
        return err_set(err, ERR_INPUT, "\"%s\" cannot be the name of a bucket: name another in --storage", s3->bucket);
    case TROUBLE_OTHER: break;
    }
    if (code[0] == 0)
        return err_set(err, ERR_IO, "could not %s \"%s\": status %d from %s; is that an S3 server?", to_do, key, status,
                       s3->endpoint);
    return err_set(err, ERR_IO, "could not %s \"%s\": %s, %s", to_do, key, code, error->message);
}

bool s3_refused(const struct s3_batch *batch, uint32_t i, const char *key, const struct s3_error *error,
                struct err *err)
{
    enum trouble trouble = trouble_of(error->code, 200, error);
    return words_set(batch->s3, batch->requests[i].verb, trouble, error->code, 200, error, key, err);
}

bool s3_failed(const struct s3_batch *batch, uint32_t i, const char *key, struct err *err)
{
    const struct aws_call *call = &batch->calls[i];
    enum s3_verb verb = batch->requests[i].verb;
    struct s3_error error;
    if (call->err.code != ERR_OK) {
        *err = call->err; /* it names the URL, and so the key */
        return false;
    }
    s3_error_parse(buf_bytes(&call->answer.body_answer), &error);
    struct bytes region = http_exchange_header(&call->answer, "x-amz-bucket-region");
    if (error.region[0] == 0 && region.len > 0 && call->answer.status / 100 == 3)
        snprintf(error.region, sizeof error.region, "%.*s", (int)region.len, (const char *)region.ptr);
    /* HEAD has no body: a 400 with a region is the answer to a wrong one. */
    if (call->answer.status == 400 && call->code[0] == 0 && region.len > 0)
        snprintf(error.region, sizeof error.region, "%.*s", (int)region.len, (const char *)region.ptr);
    const char *code = call->code[0] ? call->code : error.code;
    enum trouble trouble = trouble_of(code, call->answer.status, &error);
    return words_set(batch->s3, verb, trouble, code, call->answer.status, &error, key, err);
}
