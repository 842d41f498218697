#include "timefusion/object/object_s3_answer.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/date.h"
#include "base/hex.h"
#include "base/xml.h"
#include "timefusion/object/object.h"

static void text_copy(char *out, size_t out_bytes, struct bytes text)
{
    size_t len = text.len < out_bytes - 1 ? text.len : out_bytes - 1;
    for (size_t i = 0; i < len; i++) out[i] = text.ptr[i] < ' ' ? ' ' : (char)text.ptr[i];
    out[len] = 0;
}

/* -- errors ----------------------------------------------------------------------------------------------------- */

static void error_field(const struct xml *xml, struct s3_error *error)
{
    if (xml_name_is(xml, "Code")) text_copy(error->code, sizeof error->code, xml->text);
    if (xml_name_is(xml, "Message")) text_copy(error->message, sizeof error->message, xml->text);
    if (xml_name_is(xml, "Region")) text_copy(error->region, sizeof error->region, xml->text);
    if (xml_name_is(xml, "Endpoint")) text_copy(error->endpoint, sizeof error->endpoint, xml->text);
}

void s3_error_parse(struct bytes body, struct s3_error *error)
{
    struct xml xml;
    enum xml_event event;
    struct err ignored = { 0 };
    bool is_error = false;
    *error = (struct s3_error){ 0 };
    xml_init(&xml, body);
    while ((event = xml_next(&xml, &ignored)) == XML_OPEN || event == XML_CLOSE) {
        if (event == XML_OPEN && xml.depth == 1) is_error = xml_name_is(&xml, "Error");
        if (event == XML_CLOSE && xml.depth == 2 && is_error) error_field(&xml, error);
    }
    xml_deinit(&xml);
    if (event == XML_BAD) *error = (struct s3_error){ 0 };
}

/* -- listings --------------------------------------------------------------------------------------------------- */

/* What encoding-type=url did: "%2F" and, for a space, "+". False: not such a text, or too long. */
static bool url_decode(struct bytes text, char *out, size_t out_bytes)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (c == '+') {
            c = ' ';
        } else if (c == '%') {
            if (text.len - i < 3) return false;
            int high = hex_digit(text.ptr[i + 1]), low = hex_digit(text.ptr[i + 2]);
            if (high < 0 || low < 0) return false;
            c = (uint8_t)(high << 4 | low);
            i += 2;
        }
        if (c == 0 || len + 1 >= out_bytes) return false;
        out[len++] = (char)c;
    }
    out[len] = 0;
    return true;
}

static bool digits_read(struct bytes text, size_t *at, size_t count_max, uint64_t *number)
{
    size_t from = *at;
    *number = 0;
    for (; *at < text.len && *at - from < count_max && (uint8_t)(text.ptr[*at] - '0') < 10; ++*at) {
        uint64_t digit = (uint64_t)(text.ptr[*at] - '0');
        if (*number > (UINT64_MAX - digit) / 10) return false;
        *number = *number * 10 + digit;
    }
    return *at > from;
}

static bool number_parse(struct bytes text, uint64_t *number)
{
    size_t at = 0;
    return digits_read(text, &at, 20, number) && at == text.len;
}

static bool char_is(struct bytes text, size_t *at, char c)
{
    return *at < text.len && text.ptr[(*at)++] == (uint8_t)c;
}

bool s3_time_parse(struct bytes text, int64_t *unix_us)
{
    static const char between[] = "--T::";
    static const uint64_t max[] = { 9999, 12, 31, 23, 59, 60 };
    uint64_t parts[6], fraction = 0;
    size_t at = 0;
    for (size_t i = 0; i < 6; i++) {
        size_t from = at, width = i == 0 ? 4 : 2;
        if (!digits_read(text, &at, width, &parts[i]) || at - from != width || parts[i] > max[i]) return false;
        if (i < 5 && !char_is(text, &at, between[i])) return false;
    }
    if (parts[0] < 1970 || parts[1] == 0 || parts[2] == 0) return false;
    if (at < text.len && text.ptr[at] == '.') {
        size_t from = ++at;
        if (!digits_read(text, &at, 9, &fraction)) return false;
        for (size_t digits = at - from; digits < 6; digits++) fraction *= 10;
        for (size_t digits = at - from; digits > 6; digits--) fraction /= 10;
    }
    if (!char_is(text, &at, 'Z') || at != text.len) return false;
    int64_t days = date_days((int64_t)parts[0], (uint32_t)parts[1], (uint32_t)parts[2]);
    *unix_us = ((days * 24 + (int64_t)parts[3]) * 60 + (int64_t)parts[4]) * 60000000 + (int64_t)parts[5] * 1000000 +
               (int64_t)fraction;
    return true;
}

struct page_entry {
    char key[3 * OBJECT_KEY_BYTES_MAX +
             1]; /* as it came, then decoded: it is known only at the end how it was encoded */
    uint64_t bytes;
    int64_t modified_unix_us;
    bool has_key, has_bytes, has_modified;
};

static bool entry_field(const struct xml *xml, struct page_entry *entry)
{
    if (xml_name_is(xml, "Key")) {
        entry->has_key = xml->text.len > 0 && xml->text.len < sizeof entry->key;
        if (!entry->has_key) return false;
        memcpy(entry->key, xml->text.ptr, xml->text.len);
        entry->key[xml->text.len] = 0;
    } else if (xml_name_is(xml, "Size")) {
        return entry->has_bytes = number_parse(xml->text, &entry->bytes);
    } else if (xml_name_is(xml, "LastModified")) {
        return entry->has_modified = s3_time_parse(xml->text, &entry->modified_unix_us);
    }
    return true;
}

/* Servers write EncodingType before or after the entries; some leave it out and encode nothing. */
static bool page_head(struct bytes body, bool *is_truncated, bool *is_encoded, struct err *err)
{
    struct xml xml;
    enum xml_event event;
    bool is_listing = false;
    *is_truncated = *is_encoded = false;
    xml_init(&xml, body);
    while ((event = xml_next(&xml, err)) == XML_OPEN || event == XML_CLOSE) {
        if (event == XML_OPEN && xml.depth == 1) is_listing = xml_name_is(&xml, "ListBucketResult");
        if (event == XML_OPEN || xml.depth != 2) continue;
        if (xml_name_is(&xml, "IsTruncated")) *is_truncated = bytes_equal(xml.text, BYTES("true"));
        if (xml_name_is(&xml, "EncodingType")) *is_encoded = bytes_equal(xml.text, BYTES("url"));
    }
    xml_deinit(&xml);
    if (event == XML_BAD) return false;
    return is_listing || err_set(err, ERR_PROTOCOL, "the answer is not a page of a listing");
}

static bool entry_finish(struct page_entry *entry, bool is_encoded, struct err *err)
{
    struct bytes raw = bytes_of_text(entry->key);
    char decoded[sizeof entry->key];
    if (!entry->has_key || !entry->has_bytes || !entry->has_modified)
        return err_set(err, ERR_PROTOCOL, "an entry of the listing lacks its key, size or time");
    if (!is_encoded) return true;
    if (!url_decode(raw, decoded, sizeof decoded))
        return err_set(err, ERR_PROTOCOL, "the listing holds a key that cannot be decoded");
    memcpy(entry->key, decoded, sizeof decoded);
    return true;
}

bool s3_page_parse(struct bytes body, bool *is_truncated,
                   bool (*entry_fn)(void *ctx, const char *key, uint64_t bytes, int64_t modified_unix_us), void *ctx,
                   bool *more, struct err *err)
{
    bool is_encoded;
    if (!page_head(body, is_truncated, &is_encoded, err)) return false;
    struct page_entry *entry = mem_calloc(1, sizeof *entry);
    struct xml xml;
    enum xml_event event;
    bool ok = true, is_entry = false;
    *more = true;
    xml_init(&xml, body);
    while (ok && *more && ((event = xml_next(&xml, err)) == XML_OPEN || event == XML_CLOSE)) {
        if (event == XML_OPEN && xml.depth == 2) {
            is_entry = xml_name_is(&xml, "Contents");
            entry->has_key = entry->has_bytes = entry->has_modified = false;
        } else if (event == XML_CLOSE && is_entry && xml.depth == 3) {
            ok = entry_field(&xml, entry) || err_set(err, ERR_PROTOCOL, "an entry of the listing cannot be read");
        } else if (event == XML_CLOSE && is_entry && xml.depth == 2) {
            is_entry = false;
            ok = entry_finish(entry, is_encoded, err);
            if (ok) *more = entry_fn(ctx, entry->key, entry->bytes, entry->modified_unix_us);
        }
    }
    xml_deinit(&xml);
    free(entry);
    return ok;
}

/* -- the others ------------------------------------------------------------------------------------------------- */

bool s3_upload_id_parse(struct bytes body, char id[S3_UPLOAD_ID_BYTES], struct err *err)
{
    struct xml xml;
    enum xml_event event;
    id[0] = 0;
    xml_init(&xml, body);
    while ((event = xml_next(&xml, err)) == XML_OPEN || event == XML_CLOSE) {
        if (event == XML_CLOSE && xml.depth == 2 && xml_name_is(&xml, "UploadId") && xml.text.len < S3_UPLOAD_ID_BYTES)
            text_copy(id, S3_UPLOAD_ID_BYTES, xml.text);
    }
    xml_deinit(&xml);
    if (event == XML_BAD) return false;
    return id[0] != 0 || err_set(err, ERR_PROTOCOL, "the answer names no upload");
}

bool s3_deleted_parse(struct bytes body, struct s3_error *error, struct err *err)
{
    struct xml xml;
    enum xml_event event;
    struct s3_error one = { 0 };
    bool is_result = false, is_error = false;
    *error = (struct s3_error){ 0 };
    xml_init(&xml, body);
    while ((event = xml_next(&xml, err)) == XML_OPEN || event == XML_CLOSE) {
        if (event == XML_OPEN && xml.depth == 1) is_result = xml_name_is(&xml, "DeleteResult");
        if (event == XML_OPEN && xml.depth == 2) {
            is_error = xml_name_is(&xml, "Error");
            one = (struct s3_error){ 0 };
        }
        if (event == XML_CLOSE && xml.depth == 3 && is_error) error_field(&xml, &one);
        if (event == XML_CLOSE && xml.depth == 2 && is_error && strcmp(one.code, "NoSuchKey") != 0 &&
            error->code[0] == 0) {
            *error = one;
            if (error->code[0] == 0) memcpy(error->code, "Unknown", sizeof "Unknown");
        }
    }
    xml_deinit(&xml);
    if (event == XML_BAD) return false;
    return is_result || err_set(err, ERR_PROTOCOL, "the answer does not tell what was deleted");
}

bool s3_content_range_parse(struct bytes text, uint64_t *first, uint64_t *last, uint64_t *total)
{
    static const char unit[] = "bytes ";
    size_t at = sizeof unit - 1;
    if (text.len < at || memcmp(text.ptr, unit, at) != 0) return false;
    return digits_read(text, &at, 20, first) && char_is(text, &at, '-') && digits_read(text, &at, 20, last) &&
           char_is(text, &at, '/') && digits_read(text, &at, 20, total) && at == text.len && *first <= *last &&
           *last < *total;
}
