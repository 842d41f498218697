/* object_s3_multipart.c -- what is too large for one request: a file goes in parts side by side, read from the disk as they
 * are sent; a writer holds one part in memory. When anything fails the upload is given up, so that no part is left to be paid
 * for; what a kill leaves is the bucket's lifecycle rule to remove (docs/storage.md).
 *
 *   begin -> upload id -> parts, each with its CRC-32C -> end: the object is there, whole, replacing */
#include "timefusion/object/object_s3.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/crc32c.h"
#include "base/fail.h"
#include "base/xml.h"

enum {
    PIECE_BYTES = 256 * 1024, /* of a file, read for its sum */
    ETAG_BYTES = 128,
    END_TRIES_MAX = 4,
    END_BODY_BYTES_MAX = S3_PARTS_MAX * (ETAG_BYTES * 6 + 160),
};

struct part {
    char etag[ETAG_BYTES], crc[CRC32C_TEXT_BYTES];
};
struct upload {
    struct s3 *s3;
    const char *key; /* borrowed */
    char id[S3_UPLOAD_ID_BYTES];
    struct part *parts;
    uint32_t part_count, part_cap;
    uint64_t bytes;
};

static bool upload_begin(struct upload *upload, struct s3 *s3, const char *key, struct err *err)
{
    struct s3_batch batch;
    *upload = (struct upload){ .s3 = s3, .key = key };
    s3_batch_init(&batch, s3, 1);
    s3_batch_set(&batch, 0, S3_UPLOAD, "POST", key);
    s3_batch_query(&batch, 0, "uploads", "");
    s3_batch_header(&batch, 0, "x-amz-checksum-algorithm", "CRC32C");
    s3_batch_run(&batch);
    bool ok = s3_is_done(&batch.calls[0]) || s3_failed(&batch, 0, key, err);
    ok = ok && (s3_upload_id_parse(buf_bytes(&batch.calls[0].answer.body_answer), upload->id, err) ||
                err_within(err, "write \"%s\"", key));
    s3_batch_deinit(&batch);
    return ok;
}

/* Nothing is told: what the upload failed of counts, and the lifecycle rule is there for the rest. */
static void upload_abort(struct upload *upload)
{
    struct s3_batch batch;
    s3_batch_init(&batch, upload->s3, 1);
    s3_batch_set(&batch, 0, S3_ABORT, "DELETE", upload->key);
    s3_batch_query(&batch, 0, "uploadId", upload->id);
    batch.calls[0].cancel = NULL; /* also when the process is stopping, but then it has little time */
    bool is_stopping = upload->s3->cancel && atomic_load(upload->s3->cancel);
    batch.calls[0].attempts_max = is_stopping ? 1 : 3;
    batch.calls[0].total_ms_max = is_stopping ? 2000 : 0;
    s3_batch_run(&batch);
    s3_batch_deinit(&batch);
}

static void upload_deinit(struct upload *upload)
{
    free(upload->parts);
}

static struct part *part_add(struct upload *upload)
{
    if (upload->part_count == upload->part_cap) {
        upload->part_cap = upload->part_cap ? 2 * upload->part_cap : 16;
        upload->parts = mem_realloc(upload->parts, upload->part_cap * sizeof *upload->parts);
    }
    return &upload->parts[upload->part_count++];
}

static void part_request(struct s3_batch *batch, uint32_t i, const struct upload *upload, uint32_t number)
{
    char text[16];
    snprintf(text, sizeof text, "%" PRIu32, number);
    s3_batch_set(batch, i, S3_PUT, "PUT", upload->key);
    s3_batch_query(batch, i, "partNumber", text);
    s3_batch_query(batch, i, "uploadId", upload->id);
}

/* Sends what the batch holds and keeps what the end must name. */
static bool parts_send(struct upload *upload, struct s3_batch *batch, struct err *err)
{
    s3_batch_run(batch);
    for (uint32_t i = 0; i < batch->count; i++) {
        if (!s3_is_done(&batch->calls[i])) return s3_failed(batch, i, upload->key, err);
        struct bytes etag = http_exchange_header(&batch->calls[i].answer, "etag");
        if (etag.len == 0 || etag.len >= ETAG_BYTES)
            return err_set(err, ERR_PROTOCOL, "write \"%s\": the answer to a part has no ETag", upload->key);
        struct part *part = part_add(upload);
        memcpy(part->etag, etag.ptr, etag.len);
        part->etag[etag.len] = 0;
        memcpy(part->crc, batch->requests[i].crc, sizeof part->crc);
    }
    return true;
}

static struct buf end_body(const struct upload *upload)
{
    struct buf body;
    buf_init(&body, END_BODY_BYTES_MAX);
    bool ok = buf_printf(&body, "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
    for (uint32_t i = 0; i < upload->part_count; i++) {
        const struct part *part = &upload->parts[i];
        ok = ok && buf_printf(&body, "<Part><PartNumber>%" PRIu32 "</PartNumber><ETag>", i + 1) &&
             xml_put_text(&body, bytes_of_text(part->etag)) && buf_printf(&body, "</ETag>");
        if (part->crc[0] != 0) ok = ok && buf_printf(&body, "<ChecksumCRC32C>%s</ChecksumCRC32C>", part->crc);
        ok = ok && buf_printf(&body, "</Part>");
    }
    ok = ok && buf_printf(&body, "</CompleteMultipartUpload>");
    assert(ok); /* the limit is that of the most parts */
    (void)ok;
    return body;
}

/* An end whose answer was lost ended it: the upload is gone, and the object is there in our size. */
static bool ended_before(struct upload *upload)
{
    struct err ignored = { 0 };
    uint64_t bytes = 0;
    return s3_size(upload->s3, upload->key, &bytes, &ignored) && bytes == upload->bytes;
}

enum upload_end { END_DONE, END_AGAIN, END_FAILED };

/* A 200 may hold an error: S3 begins to answer before it knows how it ends. */
static enum upload_end end_once(struct upload *upload, struct bytes body, bool *may_have_ended, struct err *err)
{
    struct s3_batch batch;
    struct s3_error error = { 0 };
    s3_batch_init(&batch, upload->s3, 1);
    s3_batch_set(&batch, 0, S3_UPLOAD, "POST", upload->key);
    s3_batch_query(&batch, 0, "uploadId", upload->id);
    batch.calls[0].body.bytes = body;
    s3_batch_run(&batch);
    const struct aws_call *call = &batch.calls[0];
    enum upload_end end = END_DONE;
    if (call->attempts > 1) *may_have_ended = true;
    if (s3_is_done(call)) s3_error_parse(buf_bytes(&call->answer.body_answer), &error);
    if (!s3_is_done(call)) {
        bool is_gone = call->err.code == ERR_OK && strcmp(call->code, "NoSuchUpload") == 0;
        end = is_gone && *may_have_ended && ended_before(upload) ? END_DONE : END_FAILED;
        if (end == END_FAILED) s3_failed(&batch, 0, upload->key, err);
    } else if (error.code[0] != 0) {
        bool may_help = strcmp(error.code, "InternalError") == 0 || strcmp(error.code, "SlowDown") == 0 ||
                        strcmp(error.code, "ServiceUnavailable") == 0;
        *may_have_ended = true;
        s3_refused(&batch, 0, upload->key, &error, err);
        end = may_help ? END_AGAIN : END_FAILED;
    }
    s3_batch_deinit(&batch);
    return end;
}

static bool upload_end(struct upload *upload, struct err *err)
{
    struct buf body = end_body(upload);
    bool may_have_ended = false;
    enum upload_end end = END_AGAIN;
    for (uint32_t attempt = 0; attempt < END_TRIES_MAX && end == END_AGAIN; attempt++) {
        if (attempt > 0) {
            object_tally(&upload->s3->store, OBJECT_COUNT_RETRY, 1);
            clock_sleep_ms(100u << attempt);
        }
        *err = (struct err){ 0 };
        end = end_once(upload, buf_bytes(&body), &may_have_ended, err);
    }
    buf_deinit(&body);
    return end == END_DONE;
}

/* -- files ------------------------------------------------------------------------------------------------------ */

static bool file_crc(struct disk *disk, struct disk_file *file, uint64_t offset, uint64_t len, uint32_t *crc,
                     struct err *err)
{
    uint8_t *piece = mem_alloc(PIECE_BYTES);
    bool ok = true;
    *crc = 0;
    for (uint64_t end = offset + len; ok && offset < end;) {
        size_t want = end - offset < PIECE_BYTES ? (size_t)(end - offset) : PIECE_BYTES, got = 0;
        ok = disk->ops->pread(file, offset, piece, want, &got, err);
        if (ok && got < want) ok = err_set(err, ERR_CORRUPT, "a file became shorter while it was read");
        *crc = crc32c_add(*crc, bytes_from(piece, got));
        offset += got;
    }
    free(piece);
    return ok;
}

static bool body_of_file(struct s3_batch *batch, uint32_t i, struct disk_file *file, uint64_t offset, uint64_t len,
                         struct err *err)
{
    struct disk *disk = batch->s3->disk;
    uint32_t crc;
    if (!file_crc(disk, file, offset, len, &crc, err)) return false;
    batch->calls[i].body =
        (struct http_client_body){ .disk = disk, .file = file, .file_offset = offset, .file_bytes = len };
    batch->calls[i].payload_is_unsigned = true;
    s3_batch_crc(batch, i, crc);
    return true;
}

/* The next few parts of the file. */
static bool file_parts_send(struct upload *upload, struct disk_file *file, uint64_t bytes, uint64_t part_bytes,
                            struct err *err)
{
    uint64_t left = (bytes - upload->bytes + part_bytes - 1) / part_bytes;
    uint32_t count = left < S3_PARTS_AT_ONCE ? (uint32_t)left : S3_PARTS_AT_ONCE;
    struct s3_batch batch;
    bool ok = true;
    s3_batch_init(&batch, upload->s3, count);
    for (uint32_t i = 0; ok && i < count; i++) {
        uint64_t len = bytes - upload->bytes < part_bytes ? bytes - upload->bytes : part_bytes;
        part_request(&batch, i, upload, upload->part_count + i + 1);
        ok = body_of_file(&batch, i, file, upload->bytes, len, err);
        upload->bytes += len;
    }
    ok = ok && parts_send(upload, &batch, err);
    s3_batch_deinit(&batch);
    return ok;
}

static bool file_put_parts(struct s3 *s3, const char *key, struct disk_file *file, uint64_t bytes, struct err *err)
{
    uint64_t part_bytes = S3_PART_BYTES;
    while (bytes / part_bytes >= S3_PARTS_MAX) part_bytes *= 2;
    struct upload upload;
    if (!upload_begin(&upload, s3, key, err)) return false;
    bool ok = true;
    while (ok && upload.bytes < bytes) {
        ok = file_parts_send(&upload, file, bytes, part_bytes, err);
        fail_point("object.after_parts");
    }
    ok = ok && upload_end(&upload, err);
    if (!ok) upload_abort(&upload);
    upload_deinit(&upload);
    return ok;
}

/* A file on its way: small ones wait for the others to go together. */
struct file_put {
    const struct object_file *file;
    struct disk_file *open;
    uint64_t bytes;
};

static bool file_open(struct s3 *s3, const struct object_file *file, struct file_put *put, struct err *err)
{
    struct disk_stat stat;
    *put = (struct file_put){ .file = file };
    if (!s3->disk->ops->open(s3->disk, file->path, DISK_READ, &put->open, err))
        return err_within(err, "put \"%s\"", file->key);
    if (!s3->disk->ops->stat(put->open, &stat, err)) {
        s3->disk->ops->close(put->open);
        return err_within(err, "put \"%s\"", file->key);
    }
    put->bytes = stat.bytes;
    return true;
}

static void file_done(struct s3 *s3, const struct file_put *put, bool ok)
{
    struct err ignored = { 0 }; /* a file that stays is removed at the next start, with all of its folder */
    s3->disk->ops->close(put->open);
    if (ok) (void)!s3->disk->ops->unlink(s3->disk, put->file->path, &ignored);
}

/* Side by side, one request each. */
static bool files_put_whole(struct s3 *s3, const struct file_put *puts, uint32_t count, struct err *err)
{
    struct s3_batch batch;
    bool ok = true;
    if (count == 0) return true;
    s3_batch_init(&batch, s3, count);
    for (uint32_t i = 0; ok && i < count; i++) {
        s3_batch_set(&batch, i, S3_PUT, "PUT", puts[i].file->key);
        if (puts[i].bytes > 0)
            ok = body_of_file(&batch, i, puts[i].open, 0, puts[i].bytes, err);
        else
            s3_batch_body(&batch, i, (struct bytes){ 0 });
    }
    if (ok) s3_batch_run(&batch);
    bool are_sent = ok;
    for (uint32_t i = 0; i < count; i++) {
        bool is_put = are_sent && s3_is_done(&batch.calls[i]);
        if (ok && !is_put) ok = s3_failed(&batch, i, puts[i].file->key, err);
        file_done(s3, &puts[i], is_put);
    }
    s3_batch_deinit(&batch);
    return ok;
}

bool s3_put_files(struct object_store *store, const struct object_file *files, uint32_t count, struct err *err)
{
    struct s3 *s3 = s3_of(store);
    struct file_put puts[S3_SIDE_BY_SIDE_MAX], put;
    uint32_t waiting = 0;
    bool ok = true;
    for (uint32_t i = 0; ok && i < count; i++) {
        ok = file_open(s3, &files[i], &put, err);
        if (ok && put.bytes > S3_PART_BYTES) {
            ok = file_put_parts(s3, files[i].key, put.open, put.bytes, err);
            file_done(s3, &put, ok);
        } else if (ok) {
            puts[waiting++] = put;
        }
        if (ok && waiting < S3_SIDE_BY_SIDE_MAX) continue;
        if (ok)
            ok = files_put_whole(s3, puts, waiting, err);
        else
            for (uint32_t w = 0; w < waiting; w++) file_done(s3, &puts[w], false);
        waiting = 0;
    }
    return ok && files_put_whole(s3, puts, waiting, err);
}

bool s3_put_file(struct object_store *store, const char *key, const char *path, struct err *err)
{
    return s3_put_files(store, &(struct object_file){ key, path }, 1, err);
}

/* -- writers ---------------------------------------------------------------------------------------------------- */

struct s3_writer {
    struct object_writer writer;
    struct s3 *s3;
    char *key;
    struct buf part;
    bool has_begun;
    struct upload upload;
};

static void writer_free(struct s3_writer *writer)
{
    if (writer->has_begun) upload_deinit(&writer->upload);
    buf_deinit(&writer->part);
    free(writer->key);
    free(writer);
}

/* Sends what is held as a part. */
static bool writer_send(struct s3_writer *writer, struct err *err)
{
    struct upload *upload = &writer->upload;
    struct s3_batch batch;
    if (!writer->has_begun && !upload_begin(upload, writer->s3, writer->key, err)) return false;
    writer->has_begun = true;
    if (upload->part_count == S3_PARTS_MAX)
        return err_set(err, ERR_TOO_LARGE, "object \"%s\" has more than %" PRIu64 " bytes", writer->key, upload->bytes);
    s3_batch_init(&batch, writer->s3, 1);
    part_request(&batch, 0, upload, upload->part_count + 1);
    s3_batch_body(&batch, 0, buf_bytes(&writer->part));
    bool ok = parts_send(upload, &batch, err);
    s3_batch_deinit(&batch);
    upload->bytes += writer->part.len;
    writer->part.len = 0;
    fail_point("object.after_parts");
    return ok;
}

static bool s3_writer_add(struct object_writer *object_writer, struct bytes bytes, struct err *err)
{
    struct s3_writer *writer = (struct s3_writer *)object_writer;
    while (bytes.len > 0) {
        size_t room = S3_WRITER_BYTES - writer->part.len, len = bytes.len < room ? bytes.len : room;
        bool ok = buf_add(&writer->part, bytes.ptr, len);
        assert(ok);
        (void)ok;
        bytes = bytes_from(bytes.ptr + len, bytes.len - len);
        if (writer->part.len == S3_WRITER_BYTES && !writer_send(writer, err)) return false;
    }
    return true;
}

static void s3_writer_cancel(struct object_writer *object_writer)
{
    struct s3_writer *writer = (struct s3_writer *)object_writer;
    if (writer->has_begun) upload_abort(&writer->upload);
    writer_free(writer);
}

static bool s3_writer_finish(struct object_writer *object_writer, struct err *err)
{
    struct s3_writer *writer = (struct s3_writer *)object_writer;
    if (!writer->has_begun) { /* all of it is here */
        bool put = s3_put(&writer->s3->store, writer->key, buf_bytes(&writer->part), err);
        writer_free(writer);
        return put;
    }
    bool ok = (writer->part.len == 0 || writer_send(writer, err)) && upload_end(&writer->upload, err);
    if (!ok) {
        s3_writer_cancel(object_writer);
        return false;
    }
    writer_free(writer);
    return true;
}

static const struct object_writer_ops writer_ops = { .add = s3_writer_add,
                                                     .finish = s3_writer_finish,
                                                     .cancel = s3_writer_cancel };

bool s3_writer_open(struct object_store *store, const char *key, struct object_writer **out, struct err *err)
{
    (void)err;
    struct s3_writer *writer = mem_calloc(1, sizeof *writer);
    writer->writer.ops = &writer_ops;
    writer->s3 = s3_of(store);
    writer->key = mem_strdup(key);
    buf_init(&writer->part, S3_WRITER_BYTES);
    *out = &writer->writer;
    return true;
}
