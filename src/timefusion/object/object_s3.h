/* object_s3.h -- the store as a bucket: what its files share.
 *
 *   object_s3.c            whole objects, ranges, sizes, deleting, listing
 *   object_s3_multipart.c  what is too large for one request: files, writers
 *   object_s3_call.c       a batch of requests: their URLs, sending, counting, and what an error means
 *   object_s3_answer.c     XML
 *
 * Thread: any; nothing is written after opening but the counts and has_no_crc. Only for the files of this folder. */
#pragma once
#include "aws/aws.h"
#include "timefusion/object/object_ops.h"
#include "timefusion/object/object_s3_answer.h"

enum {
    S3_SIDE_BY_SIDE_MAX = 32, /* requests of one call at once: a limit for the memory, and a mercy for the server */
    S3_PIECE_BYTES = 8 * 1024 * 1024,  /* of a range: longer ones are fetched in pieces, side by side */
    S3_PART_BYTES = 16 * 1024 * 1024,  /* of a file; from there on in parts */
    S3_WRITER_BYTES = 8 * 1024 * 1024, /* of a writer, which holds one in memory; S3 wants 5 MiB at least */
    S3_PARTS_MAX = 10000,
    S3_PARTS_AT_ONCE = 4,
    S3_SIGNED_BYTES_MAX = 64 * 1024, /* longer bodies are covered by their CRC-32C alone, not hashed a second time */
    S3_ANSWER_BYTES_MAX = 8 * 1024 * 1024,
    S3_HEADERS_MAX = 4,
};

struct s3 {
    struct object_store store;
    struct aws *aws;
    struct disk *disk;
    const atomic_bool *cancel;
    char *url;      /* "s3://bucket/prefix" */
    char *bucket;   /* "bucket" */
    char *prefix;   /* "prefix/", or "" */
    char *endpoint; /* for people: "http://host:9000" */
    char *host_url; /* requests go there: the endpoint, or with the bucket before it */
    char *path;     /* what comes before "/key": "/bucket", or "" */
    /* The server has refused a request for its x-amz-checksum-... header (s3proxy): no request has one any more. */
    atomic_bool has_no_crc;
};
static inline struct s3 *s3_of(struct object_store *store)
{
    return (struct s3 *)store;
}

/* -- a batch of requests ------------------------------------------------------------------------------------------ */

/* What a request does, for the counts and for the words when it may not. */
enum s3_verb { S3_GET, S3_HEAD, S3_PUT, S3_DELETE, S3_DELETE_MANY, S3_LIST, S3_UPLOAD, S3_ABORT };

struct s3_request {
    enum s3_verb verb;
    struct buf path, query;
    struct http_client_header headers[S3_HEADERS_MAX + 1];
    char range[64], crc[12]; /* crc empty: has_no_crc */
};
struct s3_batch {
    struct s3 *s3;
    uint32_t count;
    struct aws_call *calls; /* count of them, as aws_run wants them */
    struct s3_request *requests;
};
void s3_batch_init(struct s3_batch *batch, struct s3 *s3, uint32_t count);
void s3_batch_deinit(struct s3_batch *batch);
/* key NULL: the bucket itself. method and what is given to the others below is borrowed. */
void s3_batch_set(struct s3_batch *batch, uint32_t i, enum s3_verb verb, const char *method, const char *key);
/* "name=value", the value encoded here. */
void s3_batch_query(struct s3_batch *batch, uint32_t i, const char *name, const char *value);
void s3_batch_header(struct s3_batch *batch, uint32_t i, const char *name, const char *value);
void s3_batch_body(struct s3_batch *batch, uint32_t i, struct bytes bytes);
void s3_batch_crc(struct s3_batch *batch, uint32_t i, uint32_t crc); /* x-amz-checksum-crc32c */
void s3_batch_range(struct s3_batch *batch, uint32_t i, uint64_t offset, size_t len);
/* Sends and counts them; what is refused for its checksum alone is sent again without. */
void s3_batch_run(struct s3_batch *batch);
static inline bool s3_is_done(const struct aws_call *call)
{
    return call->err.code == ERR_OK && call->answer.status >= 200 && call->answer.status < 300;
}
/* Why request i is not done, with what to do; always false. */
bool s3_failed(const struct s3_batch *batch, uint32_t i, const char *key, struct err *err);
/* The same of an error that came in the body of a 200. */
bool s3_refused(const struct s3_batch *batch, uint32_t i, const char *key, const struct s3_error *error,
                struct err *err);

/* -- object_s3_multipart.c ---------------------------------------------------------------------------------------- */

MUST_CHECK bool s3_put_file(struct object_store *store, const char *key, const char *path, struct err *err);
MUST_CHECK bool s3_put_files(struct object_store *store, const struct object_file *files, uint32_t count,
                             struct err *err);
MUST_CHECK bool s3_writer_open(struct object_store *store, const char *key, struct object_writer **writer,
                               struct err *err);

/* -- object_s3.c -------------------------------------------------------------------------------------------------- */

MUST_CHECK bool object_store_open_s3(struct object_store **store, const char *url, const struct object_options *options,
                                     struct err *err);
MUST_CHECK bool s3_put(struct object_store *store, const char *key, struct bytes bytes, struct err *err);
MUST_CHECK bool s3_size(struct s3 *s3, const char *key, uint64_t *bytes, struct err *err);
