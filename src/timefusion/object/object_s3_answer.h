/* object_s3_answer.h -- what an S3 server says, out of its XML: bytes in, values out, nothing is sent here.
 *
 * Thread: values. Memory: keys and texts of one answer; bounded by the answer's own bound. Errors: ERR_PROTOCOL: no XML, or
 * not of the kind that was asked for. Only for the files of this folder.
 * Source: Amazon S3 API Reference, ListObjectsV2, DeleteObjects, CreateMultipartUpload, CompleteMultipartUpload, "Error
 * responses". */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

enum { S3_CODE_BYTES = 64, S3_MESSAGE_BYTES = 120, S3_UPLOAD_ID_BYTES = 2048 };

struct s3_error {
    char code[S3_CODE_BYTES]; /* "NoSuchKey"; empty: the body is no error */
    char message[S3_MESSAGE_BYTES];
    char region[S3_CODE_BYTES];      /* where the bucket is, when that is the trouble; else empty */
    char endpoint[S3_MESSAGE_BYTES]; /* likewise */
};
/* Of an answer that is not 2xx, or of a 200 to CompleteMultipartUpload. What cannot be read leaves it empty. */
void s3_error_parse(struct bytes body, struct s3_error *error);

/* One page of a listing; keys are decoded. False from entry ends it: *more becomes false. */
MUST_CHECK bool s3_page_parse(struct bytes body, bool *is_truncated,
                              bool (*entry)(void *ctx, const char *key, uint64_t bytes, int64_t modified_unix_us),
                              void *ctx, bool *more, struct err *err);
MUST_CHECK bool s3_upload_id_parse(struct bytes body, char id[S3_UPLOAD_ID_BYTES], struct err *err);
/* The first key that could not be deleted, as an error; code empty: all are gone. */
MUST_CHECK bool s3_deleted_parse(struct bytes body, struct s3_error *error, struct err *err);
/* "bytes 0-99/1234" */
MUST_CHECK bool s3_content_range_parse(struct bytes text, uint64_t *first, uint64_t *last, uint64_t *total);
/* "2026-11-26T21:00:00.000Z" */
MUST_CHECK bool s3_time_parse(struct bytes text, int64_t *unix_us);
