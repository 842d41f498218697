/* Answers of S3 servers: any bytes end in an error with words or in values that hold together. */
#include "timefusion/object/object_s3_answer.h"

#include <stdlib.h>

#include "timefusion/object/object.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool entry_check(void *ctx, const char *key, uint64_t bytes, int64_t modified_unix_us)
{
    (void)bytes;
    if (key[0] == 0 || strlen(key) > 3 * OBJECT_KEY_BYTES_MAX || modified_unix_us < 0) abort();
    return ++*(uint32_t *)ctx < 1000;
}

static void words_check(bool ok, const struct err *err)
{
    if (!ok && (err->code != ERR_PROTOCOL || err->text[0] == 0)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes body = bytes_from(data, size);
    struct s3_error error;
    struct err err = { 0 };
    uint64_t first, last, total;
    char id[S3_UPLOAD_ID_BYTES];
    uint32_t count = 0;
    int64_t unix_us;
    bool is_truncated, more;
    s3_error_parse(body, &error);
    bool ok = s3_page_parse(body, &is_truncated, entry_check, &count, &more, &err);
    words_check(ok, &err);
    ok = s3_upload_id_parse(body, id, &err);
    words_check(ok, &err);
    if (ok && id[0] == 0) abort();
    words_check(s3_deleted_parse(body, &error, &err), &err);
    if (s3_content_range_parse(body, &first, &last, &total) && (first > last || last >= total)) abort();
    if (s3_time_parse(body, &unix_us) && unix_us < 0) abort();
    return 0;
}
