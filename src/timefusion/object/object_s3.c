/* object_s3.c -- the store as a bucket, or a prefix of one: an object's key is the prefix and ours.
 *
 * A put is one request with the CRC-32C of what it holds, which the server checks; a whole get is checked against the one the
 * server kept. put_if_absent says If-None-Match: * and compares when a try of ours may have won without our hearing of it.
 * Ranges are fetched side by side, long ones in pieces; sizes are never asked for but by object_size. Only what may work
 * later is tried again, by aws_run. */
#include "timefusion/object/object_s3.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/crc32c.h"
#include "base/uuid.h"
#include "base/xml.h"

enum {
    CONFLICT_TRIES_MAX = 8, /* of a put that met another one of the same key: each waits up to 50 ms longer */
    DELETE_MANY_MAX = 1000, /* keys of one request: S3's limit */
    DELETE_BODY_BYTES_MAX = DELETE_MANY_MAX * (OBJECT_KEY_BYTES_MAX * 5 + 64),
};

/* -- putting ---------------------------------------------------------------------------------------------------- */

bool s3_put(struct object_store *store, const char *key, struct bytes bytes, struct err *err)
{
    struct s3_batch batch;
    s3_batch_init(&batch, s3_of(store), 1);
    s3_batch_set(&batch, 0, S3_PUT, "PUT", key);
    s3_batch_body(&batch, 0, bytes);
    s3_batch_run(&batch);
    bool ok = s3_is_done(&batch.calls[0]) || s3_failed(&batch, 0, key, err);
    s3_batch_deinit(&batch);
    return ok;
}

static bool s3_get(struct object_store *store, const char *key, size_t len_max, struct buf *out, struct err *err);

/* After a try of ours was not answered: does the key hold our bytes? */
static bool is_ours(struct s3 *s3, const char *key, struct bytes bytes, bool *ours, struct err *err)
{
    struct buf there;
    buf_init(&there, bytes.len + 1);
    bool ok = s3_get(&s3->store, key, bytes.len + 1, &there, err);
    *ours = ok && bytes_equal(buf_bytes(&there), bytes);
    if (!ok && err->code == ERR_TOO_LARGE) {
        *err = (struct err){ 0 };
        ok = true;
    }
    buf_deinit(&there);
    return ok;
}

enum put_end { PUT_DONE, PUT_EXISTS, PUT_MEETS_ANOTHER, PUT_FAILED };

static enum put_end put_if_absent_once(struct s3 *s3, const char *key, struct bytes bytes, bool *may_be_ours,
                                       struct err *err)
{
    struct s3_batch batch;
    enum put_end end = PUT_DONE;
    s3_batch_init(&batch, s3, 1);
    s3_batch_set(&batch, 0, S3_PUT, "PUT", key);
    s3_batch_header(&batch, 0, "if-none-match", "*");
    s3_batch_body(&batch, 0, bytes);
    s3_batch_run(&batch);
    const struct aws_call *call = &batch.calls[0];
    if (call->attempts > 1) *may_be_ours = true;
    if (!s3_is_done(call)) {
        end = PUT_FAILED;
        if (call->err.code == ERR_OK && call->answer.status == 412) end = PUT_EXISTS;
        if (call->err.code == ERR_OK && call->answer.status == 409) end = PUT_MEETS_ANOTHER;
        if (end != PUT_EXISTS) s3_failed(&batch, 0, key, err);
    }
    s3_batch_deinit(&batch);
    return end;
}

static bool s3_put_if_absent(struct object_store *store, const char *key, struct bytes bytes, struct err *err)
{
    struct s3 *s3 = s3_of(store);
    bool may_be_ours = false, ours = false;
    enum put_end end;
    for (uint32_t attempt = 1;; attempt++) {
        end = put_if_absent_once(s3, key, bytes, &may_be_ours, err);
        if (end != PUT_MEETS_ANOTHER || attempt == CONFLICT_TRIES_MAX) break;
        object_tally(store, OBJECT_COUNT_RETRY, 1);
        *err = (struct err){ 0 };
        clock_sleep_ms(uuid_random().bytes[0] % (attempt * 50));
    }
    if (end == PUT_DONE) return true;
    if (end != PUT_EXISTS) return false;
    if (may_be_ours && !is_ours(s3, key, bytes, &ours, err)) return err_within(err, "put \"%s\"", key);
    return ours || err_set(err, ERR_EXISTS, "object \"%s\" is already there", key);
}

/* -- reading ---------------------------------------------------------------------------------------------------- */

/* Of an object put in parts the server keeps a sum of the parts' sums ("...-3"): nothing to check the whole by. */
static bool crc_check(const struct aws_call *call, const char *key, struct err *err)
{
    struct bytes wanted = http_exchange_header(&call->answer, "x-amz-checksum-crc32c");
    char text[CRC32C_TEXT_BYTES];
    if (wanted.len != sizeof text - 1) return true;
    crc32c_text(crc32c_add(0, buf_bytes(&call->answer.body_answer)), text);
    return memcmp(wanted.ptr, text, wanted.len) == 0 ||
           err_set(err, ERR_CORRUPT, "object \"%s\" came with other bytes than were put: its CRC-32C differs", key);
}

static bool s3_get(struct object_store *store, const char *key, size_t len_max, struct buf *out, struct err *err)
{
    struct s3_batch batch;
    s3_batch_init(&batch, s3_of(store), 1);
    s3_batch_set(&batch, 0, S3_GET, "GET", key);
    s3_batch_header(&batch, 0, "x-amz-checksum-mode", "ENABLED");
    batch.calls[0].answer_bytes_max = len_max;
    s3_batch_run(&batch);
    const struct aws_call *call = &batch.calls[0];
    struct bytes body = buf_bytes(&call->answer.body_answer);
    bool ok = true;
    if (call->err.code == ERR_TOO_LARGE) {
        ok = err_set(err, ERR_TOO_LARGE, "object \"%s\" has more than the %zu bytes that are taken", key, len_max);
    } else if (!s3_is_done(call)) {
        ok = s3_failed(&batch, 0, key, err);
    } else if (!crc_check(call, key, err)) {
        ok = false;
    } else if (!buf_add(out, body.ptr, body.len)) {
        ok = err_set(err, ERR_TOO_LARGE, "object \"%s\" of %zu bytes has no room in its buffer", key, body.len);
    }
    s3_batch_deinit(&batch);
    return ok;
}

/* Exactly what was asked for came, or why not. With len: the object may end before, *len are there. */
static bool piece_check(const struct s3_batch *batch, uint32_t i, const char *key, const struct object_range *piece,
                        size_t *len, struct err *err)
{
    const struct aws_call *call = &batch->calls[i];
    uint64_t first = 0, last = 0, total = 0;
    bool is_behind = call->err.code == ERR_OK && call->answer.status == 416;
    if (len) *len = 0;
    if (is_behind && len) return true;
    if (is_behind) return err_set(err, ERR_CORRUPT, "object \"%s\" ends before byte %" PRIu64, key, piece->offset);
    if (call->err.code == ERR_TOO_LARGE || (s3_is_done(call) && call->answer.status != 206))
        return err_set(err, ERR_UNSUPPORTED, "%s sends whole objects when asked for a range", batch->s3->endpoint);
    if (!s3_is_done(call)) return s3_failed(batch, i, key, err);
    struct bytes range = http_exchange_header(&call->answer, "content-range");
    if (!s3_content_range_parse(range, &first, &last, &total) || first != piece->offset ||
        call->answer.answer_len != last - first + 1)
        return err_set(err, ERR_PROTOCOL, "object \"%s\": bytes \"%.*s\" came, %zu from %" PRIu64 " were asked for",
                       key, (int)(range.len < 60 ? range.len : 60), (const char *)range.ptr, piece->len, piece->offset);
    if (len) *len = call->answer.answer_len;
    if (call->answer.answer_len == piece->len || (len && last + 1 == total)) return true;
    return err_set(err, ERR_CORRUPT, "object \"%s\" ends at byte %" PRIu64 ", wanted %zu bytes from %" PRIu64, key,
                   total, piece->len, piece->offset);
}

/* lens: NULL, or one a piece: then they may be shorter at the object's end. */
static bool pieces_get(struct s3 *s3, const char *key, const struct object_range *pieces, uint32_t count, size_t *lens,
                       struct err *err)
{
    struct s3_batch batch;
    bool ok = true;
    if (count == 0) return true;
    s3_batch_init(&batch, s3, count);
    for (uint32_t i = 0; i < count; i++) {
        s3_batch_set(&batch, i, S3_GET, "GET", key);
        s3_batch_range(&batch, i, pieces[i].offset, pieces[i].len);
        batch.calls[i].into = pieces[i].into;
        batch.calls[i].answer_bytes_max = pieces[i].len;
    }
    s3_batch_run(&batch);
    for (uint32_t i = 0; ok && i < count; i++)
        ok = piece_check(&batch, i, key, &pieces[i], lens ? &lens[i] : NULL, err);
    s3_batch_deinit(&batch);
    return ok;
}

static bool s3_get_ranges(struct object_store *store, const char *key, const struct object_range *ranges,
                          uint32_t count, struct err *err)
{
    struct object_range pieces[S3_SIDE_BY_SIDE_MAX];
    uint32_t piece_count = 0;
    for (uint32_t r = 0; r < count; r++) {
        for (size_t done = 0; done < ranges[r].len;) {
            size_t len = ranges[r].len - done < S3_PIECE_BYTES ? ranges[r].len - done : S3_PIECE_BYTES;
            pieces[piece_count++] =
                (struct object_range){ ranges[r].offset + done, len, (uint8_t *)ranges[r].into + done };
            done += len;
            if (piece_count < S3_SIDE_BY_SIDE_MAX) continue;
            if (!pieces_get(s3_of(store), key, pieces, piece_count, NULL, err)) return false;
            piece_count = 0;
        }
    }
    return pieces_get(s3_of(store), key, pieces, piece_count, NULL, err);
}

bool s3_size(struct s3 *s3, const char *key, uint64_t *bytes, struct err *err)
{
    struct s3_batch batch;
    s3_batch_init(&batch, s3, 1);
    s3_batch_set(&batch, 0, S3_HEAD, "HEAD", key);
    s3_batch_run(&batch);
    bool ok = s3_is_done(&batch.calls[0]) || s3_failed(&batch, 0, key, err);
    if (ok) {
        struct bytes length = http_exchange_header(&batch.calls[0].answer, "content-length");
        char text[24] = "", *end = text;
        if (length.len > 0 && length.len < sizeof text) memcpy(text, length.ptr, length.len);
        *bytes = strtoull(text, &end, 10);
        ok = (end != text && *end == 0) || err_set(err, ERR_PROTOCOL, "the size of \"%s\" is not told", key);
    }
    s3_batch_deinit(&batch);
    return ok;
}

struct s3_reader {
    struct object_reader reader;
    struct s3 *s3;
    char key[];
};

static bool reader_pread(struct object_reader *object_reader, uint64_t offset, void *ptr, size_t max, size_t *len,
                         struct err *err)
{
    struct s3_reader *reader = (struct s3_reader *)object_reader;
    *len = 0;
    while (*len < max) {
        struct object_range pieces[S3_SIDE_BY_SIDE_MAX];
        size_t lens[S3_SIDE_BY_SIDE_MAX], asked = 0, got = 0;
        uint32_t count = 0;
        for (size_t done = *len; done < max && count < S3_SIDE_BY_SIDE_MAX; done += pieces[count++].len) {
            size_t piece_len = max - done < S3_PIECE_BYTES ? max - done : S3_PIECE_BYTES;
            pieces[count] = (struct object_range){ offset + done, piece_len, (uint8_t *)ptr + done };
            asked += piece_len;
        }
        if (!pieces_get(reader->s3, reader->key, pieces, count, lens, err)) return false;
        for (uint32_t i = 0; i < count; i++) got += lens[i]; /* behind a short one there are none */
        *len += got;
        if (got < asked) break;
    }
    return true;
}

static bool reader_size(struct object_reader *object_reader, uint64_t *bytes, struct err *err)
{
    struct s3_reader *reader = (struct s3_reader *)object_reader;
    return s3_size(reader->s3, reader->key, bytes, err);
}

static void reader_close(struct object_reader *reader)
{
    free(reader);
}

static const struct object_reader_ops reader_ops = { .pread = reader_pread,
                                                     .size = reader_size,
                                                     .close = reader_close };

static bool s3_reader_open(struct object_store *store, const char *key, struct object_reader **out, struct err *err)
{
    (void)err;
    size_t key_bytes = strlen(key) + 1;
    struct s3_reader *reader = mem_alloc(sizeof *reader + key_bytes);
    *reader = (struct s3_reader){ .reader.ops = &reader_ops, .s3 = s3_of(store) };
    memcpy(reader->key, key, key_bytes);
    *out = &reader->reader;
    return true;
}

/* -- deleting --------------------------------------------------------------------------------------------------- */

static bool delete_each(struct s3 *s3, const char *const *keys, uint32_t count, struct err *err)
{
    struct s3_batch batch;
    bool ok = true;
    s3_batch_init(&batch, s3, count);
    for (uint32_t i = 0; i < count; i++) s3_batch_set(&batch, i, S3_DELETE, "DELETE", keys[i]);
    s3_batch_run(&batch);
    for (uint32_t i = 0; ok && i < count; i++) {
        if (s3_is_done(&batch.calls[i]) || s3_failed(&batch, i, keys[i], err)) continue;
        ok = err->code == ERR_NOT_FOUND;
        if (ok) *err = (struct err){ 0 };
    }
    s3_batch_deinit(&batch);
    return ok;
}

static bool s3_erase(struct object_store *store, const char *key, struct err *err)
{
    return delete_each(s3_of(store), &key, 1, err);
}

static struct buf delete_body(const struct s3 *s3, const char *const *keys, uint32_t count)
{
    struct buf body;
    buf_init(&body, DELETE_BODY_BYTES_MAX);
    bool ok = buf_printf(&body, "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>");
    for (uint32_t i = 0; i < count; i++)
        ok = ok && buf_printf(&body, "<Object><Key>") && xml_put_text(&body, bytes_of_text(s3->prefix)) &&
             xml_put_text(&body, bytes_of_text(keys[i])) && buf_printf(&body, "</Key></Object>");
    ok = ok && buf_printf(&body, "</Delete>");
    assert(ok); /* the limit is that of the longest keys */
    (void)ok;
    return body;
}

/* One request for up to a thousand. *taken: the server knows how; not every one does, nor by a CRC-32C. */
static bool delete_together(struct s3 *s3, const char *const *keys, uint32_t count, bool *taken, struct err *err)
{
    struct s3_batch batch;
    struct s3_error error = { 0 };
    struct buf body = delete_body(s3, keys, count);
    s3_batch_init(&batch, s3, 1);
    s3_batch_set(&batch, 0, S3_DELETE_MANY, "POST", NULL);
    s3_batch_query(&batch, 0, "delete", "");
    s3_batch_body(&batch, 0, buf_bytes(&body));
    s3_batch_run(&batch);
    const struct aws_call *call = &batch.calls[0];
    bool ok = true;
    *taken = call->err.code != ERR_OK || (call->answer.status != 400 && call->answer.status != 501);
    if (!*taken) {
        ok = true;
    } else if (!s3_is_done(call)) {
        ok = s3_failed(&batch, 0, keys[0], err);
    } else if (!s3_deleted_parse(buf_bytes(&call->answer.body_answer), &error, err)) {
        ok = err_within(err, "delete \"%s\" and others", keys[0]);
    } else if (error.code[0] != 0) {
        ok = s3_refused(&batch, 0, keys[0], &error, err);
    }
    s3_batch_deinit(&batch);
    buf_deinit(&body);
    return ok;
}

static bool s3_erase_many(struct object_store *store, const char *const *keys, uint32_t count, struct err *err)
{
    struct s3 *s3 = s3_of(store);
    bool together = count > 1;
    for (uint32_t done = 0; done < count;) {
        uint32_t most = together ? DELETE_MANY_MAX : S3_SIDE_BY_SIDE_MAX;
        uint32_t some = count - done < most ? count - done : most;
        if (!together) {
            if (!delete_each(s3, keys + done, some, err)) return false;
        } else if (!delete_together(s3, keys + done, some, &together, err)) {
            return false;
        } else if (!together) {
            continue; /* the same ones again, one by one */
        }
        done += some;
    }
    return true;
}

/* -- listing ---------------------------------------------------------------------------------------------------- */

/* Each page begins behind the last key of the one before. S3 has tokens for that as well, but not every server's are right
 * (those of s3proxy are encoded once too often), and a key is never wrong. */
struct listing {
    const struct s3 *s3;
    bool (*entry)(void *ctx, const char *key, uint64_t bytes, int64_t modified_unix_us);
    void *ctx;
    const char *prefix;
    char last[3 * OBJECT_KEY_BYTES_MAX + 1]; /* with the store's prefix */
    bool is_unordered;
};

/* What others put beside ours and could not be ours ("folder/") is passed over. */
static bool listing_entry(void *ctx, const char *full, uint64_t bytes, int64_t modified_unix_us)
{
    struct listing *listing = ctx;
    size_t prefix_len = strlen(listing->s3->prefix);
    if (strcmp(full, listing->last) <= 0) { /* who looks for the end of a log must be able to rely on it */
        listing->is_unordered = true;
        return false;
    }
    snprintf(listing->last, sizeof listing->last, "%s", full);
    const char *key = full + prefix_len;
    if (strncmp(full, listing->s3->prefix, prefix_len) != 0 || !object_key_is_valid(key) ||
        strncmp(key, listing->prefix, strlen(listing->prefix)) != 0)
        return true;
    return listing->entry(listing->ctx, key, bytes, modified_unix_us);
}

static bool page_get(struct s3 *s3, struct listing *listing, bool *is_truncated, bool *more, struct err *err)
{
    struct s3_batch batch;
    char prefix[2 * OBJECT_KEY_BYTES_MAX + 2];
    snprintf(prefix, sizeof prefix, "%s%s", s3->prefix, listing->prefix);
    s3_batch_init(&batch, s3, 1);
    s3_batch_set(&batch, 0, S3_LIST, "GET", NULL);
    s3_batch_query(&batch, 0, "list-type", "2");
    s3_batch_query(&batch, 0, "encoding-type", "url");
    s3_batch_query(&batch, 0, "prefix", prefix);
    if (listing->last[0] != 0) s3_batch_query(&batch, 0, "start-after", listing->last);
    s3_batch_run(&batch);
    const struct aws_call *call = &batch.calls[0];
    bool ok = s3_is_done(call) || s3_failed(&batch, 0, listing->prefix, err);
    ok = ok && s3_page_parse(buf_bytes(&call->answer.body_answer), is_truncated, listing_entry, listing, more, err);
    s3_batch_deinit(&batch);
    return ok;
}

static bool s3_list(struct object_store *store, const char *prefix, const char *start_after,
                    bool (*entry)(void *ctx, const char *key, uint64_t bytes, int64_t modified_unix_us), void *ctx,
                    struct err *err)
{
    struct s3 *s3 = s3_of(store);
    struct listing *listing = mem_alloc(sizeof *listing);
    *listing = (struct listing){ .s3 = s3, .entry = entry, .ctx = ctx, .prefix = prefix };
    if (start_after[0] != 0) snprintf(listing->last, sizeof listing->last, "%s%s", s3->prefix, start_after);
    char before[sizeof listing->last];
    bool ok, more = true, is_truncated = false;
    do {
        memcpy(before, listing->last, sizeof before);
        ok = page_get(s3, listing, &is_truncated, &more, err);
        if (ok && is_truncated && more && strcmp(before, listing->last) == 0)
            ok = err_set(err, ERR_PROTOCOL, "%s says that there is more and does not tell what", s3->endpoint);
    } while (ok && more && is_truncated);
    if (ok && listing->is_unordered)
        ok = err_set(err, ERR_UNSUPPORTED, "%s lists bucket \"%s\" out of order (a directory bucket?): use another",
                     s3->endpoint, s3->bucket);
    free(listing);
    return ok || err_within(err, "list \"%s\"", prefix);
}

/* -- life ------------------------------------------------------------------------------------------------------- */

static const char *s3_url(struct object_store *store)
{
    return s3_of(store)->url;
}

static void s3_close(struct object_store *store)
{
    struct s3 *s3 = s3_of(store);
    free(s3->url);
    free(s3->bucket);
    free(s3->prefix);
    free(s3->endpoint);
    free(s3->host_url);
    free(s3->path);
    free(s3);
}

static const struct object_ops s3_ops = {
    .close = s3_close,
    .url = s3_url,
    .put_if_absent = s3_put_if_absent,
    .put = s3_put,
    .put_file = s3_put_file,
    .put_files = s3_put_files,
    .erase = s3_erase,
    .erase_many = s3_erase_many,
    .list = s3_list,
    .get = s3_get,
    .get_ranges = s3_get_ranges,
    .reader_open = s3_reader_open,
    .writer_open = s3_writer_open,
};

static char *text_of(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static char *text_of(const char *fmt, ...)
{
    char *text;
    va_list args;
    va_start(args, fmt);
    int len = vasprintf(&text, fmt, args);
    va_end(args);
    if (len < 0) abort();
    return text;
}

/* Letters, digits, "-", "." and "_": more than S3 gives today, less than what could change a URL. */
static bool bucket_is_valid(struct bytes bucket)
{
    if (bucket.len < 3 || bucket.len > 63) return false;
    for (size_t i = 0; i < bucket.len; i++) {
        uint8_t c = bucket.ptr[i];
        bool is_inner = c == '-' || c == '.' || c == '_';
        if (is_inner && (i == 0 || i + 1 == bucket.len)) return false;
        if (!is_inner && (uint8_t)((c | 0x20) - 'a') >= 26 && (uint8_t)(c - '0') >= 10) return false;
    }
    return true;
}

/* AWS's own names for a bucket carry it in the host, unless it has dots, which its certificate does not cover. */
static void aws_address(struct s3 *s3)
{
    const char *region = aws_region(s3->aws);
    const char *suffix = strncmp(region, "cn-", 3) == 0 ? "amazonaws.com.cn" : "amazonaws.com";
    bool is_in_host = strchr(s3->bucket, '.') == NULL;
    s3->endpoint = text_of("https://s3.%s.%s", region, suffix);
    s3->host_url = is_in_host ? text_of("https://%s.s3.%s.%s", s3->bucket, region, suffix) : mem_strdup(s3->endpoint);
    s3->path = is_in_host ? mem_strdup("") : text_of("/%s", s3->bucket);
}

/* "http://host:9000/base": what comes behind the host stands before the bucket. */
static bool endpoint_address(struct s3 *s3, const char *endpoint, bool is_virtual_host, struct err *err)
{
    if (!http_client_url_check(endpoint, err)) return err_within(err, "AWS_ENDPOINT_URL_S3");
    const char *host = strstr(endpoint, "://") + 3;
    size_t host_len = strcspn(host, "/"), len = strlen(endpoint);
    while (len > 0 && endpoint[len - 1] == '/') len--;
    size_t base_at = (size_t)(host - endpoint) + host_len;
    const char *base = base_at < len ? endpoint + base_at : "";
    int base_len = base_at < len ? (int)(len - base_at) : 0;
    if (is_virtual_host && ((uint8_t)(host[0] - '0') < 10 || host[0] == '['))
        return err_set(err, ERR_INPUT,
                       "MONOSCOPE_S3_VIRTUAL_HOST=on needs the name of a host in \"%.100s\", not an address", endpoint);
    s3->endpoint = text_of("%.*s", (int)len, endpoint);
    if (is_virtual_host) {
        s3->host_url = text_of("%.*s%s.%.*s", (int)(host - endpoint), endpoint, s3->bucket, (int)host_len, host);
        s3->path = text_of("%.*s", base_len, base);
    } else {
        s3->host_url = text_of("%.*s", (int)base_at, endpoint);
        s3->path = text_of("%.*s/%s", base_len, base, s3->bucket);
    }
    return true;
}

bool object_store_open_s3(struct object_store **store, const char *url, const struct object_options *options,
                          struct err *err)
{
    const char *name = url + strlen("s3://");
    struct bytes bucket = bytes_from(name, strcspn(name, "/"));
    const char *prefix = name + bucket.len + strspn(name + bucket.len, "/");
    size_t prefix_len = strlen(prefix);
    while (prefix_len > 0 && prefix[prefix_len - 1] == '/') prefix_len--;
    *store = NULL;
    if (!bucket_is_valid(bucket))
        return err_set(err, ERR_INPUT, "\"%.150s\" names no bucket: it must be s3://bucket or s3://bucket/prefix", url);
    if (options->aws == NULL) return err_set(err, ERR_INPUT, "\"%.150s\" cannot be opened: no credentials", url);

    struct s3 *s3 = mem_calloc(1, sizeof *s3);
    *s3 = (struct s3){ .store.ops = &s3_ops, .aws = options->aws, .disk = options->disk, .cancel = options->cancel };
    s3->bucket = bytes_to_text(bucket);
    s3->prefix = text_of("%.*s%s", (int)prefix_len, prefix, prefix_len > 0 ? "/" : "");
    s3->url = text_of("s3://%s%s%.*s", s3->bucket, prefix_len > 0 ? "/" : "", (int)prefix_len, prefix);
    char *key = bytes_to_text(bytes_from(prefix, prefix_len));
    bool ok = prefix_len == 0 || object_key_is_valid(key) ||
              err_set(err, ERR_INPUT, "\"%.100s\" cannot be a prefix in \"%.100s\"", key, url);
    free(key);
    if (ok && options->endpoint) {
        ok = endpoint_address(s3, options->endpoint, options->is_virtual_host, err);
    } else if (ok) {
        aws_address(s3);
    }
    if (!ok) {
        s3_close(&s3->store);
        return false;
    }
    *store = &s3->store;
    return true;
}
