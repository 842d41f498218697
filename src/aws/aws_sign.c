#include "aws/aws_sign.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#define HEADERS_MAX    64
#define TEXT_BYTES_MAX (64u << 10)

struct header {
    const char *name, *value;
};
/* All that is signed: the caller's, and those that signing adds; sorted by lower-case name. */
struct headers {
    struct header list[HEADERS_MAX];
    uint32_t count;
};

/* -- percent ---------------------------------------------------------------------------------------------------- */

static bool is_plain(uint8_t byte)
{
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') ||
           byte == '-' || byte == '.' || byte == '_' || byte == '~';
}

static bool encode(struct buf *out, struct bytes text, uint8_t kept)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = text.ptr[i];
        const char escaped[3] = { '%', digits[byte >> 4], digits[byte & 15] };
        bool is_kept = is_plain(byte) || (kept && byte == kept);
        if (!buf_add(out, is_kept ? (const char *)&byte : escaped, is_kept ? 1 : 3)) return false;
    }
    return true;
}

bool aws_path_encode(struct buf *out, struct bytes text)
{
    return encode(out, text, '/');
}

bool aws_query_encode(struct buf *out, struct bytes text)
{
    return encode(out, text, 0);
}

/* -- the canonical request -------------------------------------------------------------------------------------- */

/* RFC 3986, 5.2.4, and "//" is "/": what is left stands in path, which is changed. */
static struct bytes path_normalize(char *path)
{
    size_t len = 0;
    bool ends_in_folder = true;
    for (char *part = path; *part;) {
        size_t part_len = strcspn(part, "/");
        char *next = part + part_len + (part[part_len] == '/');
        bool is_dot = part_len == 0 || (part_len == 1 && part[0] == '.');
        bool is_up = part_len == 2 && part[0] == '.' && part[1] == '.';
        ends_in_folder = next != part + part_len || is_dot || is_up;
        if (is_up) {
            while (len > 0 && path[--len] != '/') continue;
        } else if (!is_dot) {
            path[len++] = '/'; /* never past part: each part has a "/" before it */
            memmove(path + len, part, part_len);
            len += part_len;
        }
        part = next;
    }
    if (ends_in_folder || len == 0) path[len++] = '/';
    return bytes_from(path, len);
}

static bool path_add(struct buf *out, const struct aws_signing *signing)
{
    assert(signing->path[0] == '/');
    char *path = mem_strdup(signing->path);
    struct bytes left = bytes_of_text(path);
    if (signing->path_is_normalized) left = path_normalize(path);
    bool ok = signing->path_is_encoded_again ? aws_path_encode(out, left) : buf_add(out, left.ptr, left.len);
    free(path);
    return ok;
}

static int parameter_compare(const void *a, const void *b)
{
    const struct bytes *left = a, *right = b;
    const uint8_t *left_end = memchr(left->ptr, '=', left->len), *right_end = memchr(right->ptr, '=', right->len);
    struct bytes left_name = { left->ptr, left_end ? (size_t)(left_end - left->ptr) : left->len };
    struct bytes right_name = { right->ptr, right_end ? (size_t)(right_end - right->ptr) : right->len };
    int order = bytes_compare(left_name, right_name);
    return order != 0 ? order : bytes_compare(*left, *right);
}

/* Sorted by name, then value; each with its "=". */
static bool query_add(struct buf *out, const char *query)
{
    if (!query || !query[0]) return true;
    uint32_t count = 1;
    bool ok = true;
    for (const char *at = query; *at; at++) count += *at == '&';
    struct bytes *parameters = mem_calloc(count, sizeof *parameters);
    count = 0;
    for (const char *at = query; *at;) {
        size_t len = strcspn(at, "&");
        if (len > 0) parameters[count++] = bytes_from(at, len);
        at += len + (at[len] == '&');
    }
    qsort(parameters, count, sizeof *parameters, parameter_compare);
    for (uint32_t i = 0; i < count && ok; i++) {
        struct bytes one = parameters[i];
        ok = (i == 0 || buf_add(out, "&", 1)) && buf_add(out, one.ptr, one.len) &&
             (memchr(one.ptr, '=', one.len) || buf_add(out, "=", 1));
    }
    free(parameters);
    return ok;
}

static bool header_name_add(struct buf *out, const char *name)
{
    for (; *name; name++) {
        char lower = *name >= 'A' && *name <= 'Z' ? (char)(*name + 32) : *name;
        if (!buf_add(out, &lower, 1)) return false;
    }
    return true;
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

/* Without blanks around, with one blank for each run of them. */
static bool header_value_add(struct buf *out, const char *value)
{
    bool has_begun = false;
    while (is_blank(*value)) value++;
    while (*value) {
        size_t len = 0;
        while (value[len] && !is_blank(value[len])) len++;
        if ((has_begun && !buf_add(out, " ", 1)) || !buf_add(out, value, len)) return false;
        has_begun = true;
        value += len;
        while (is_blank(*value)) value++;
    }
    return true;
}

/* Sorted in, behind those of the same name. */
static bool header_insert(struct headers *headers, const char *name, const char *value, struct err *err)
{
    uint32_t at = headers->count;
    if (at == HEADERS_MAX) return err_set(err, ERR_TOO_LARGE, "more than %d headers to sign", HEADERS_MAX);
    for (; at > 0 && strcasecmp(headers->list[at - 1].name, name) > 0; at--) headers->list[at] = headers->list[at - 1];
    headers->list[at] = (struct header){ name, value };
    headers->count++;
    return true;
}

static bool headers_collect(struct headers *headers, const struct aws_signing *signing, const char *date,
                            struct err *err)
{
    headers->count = 0;
    for (const struct http_client_header *header = signing->headers; header && header->name; header++)
        if (!header_insert(headers, header->name, header->value, err)) return false;
    if (signing->payload_header && !header_insert(headers, "x-amz-content-sha256", signing->payload_sha256, err))
        return false;
    if (signing->keys.token && !header_insert(headers, "x-amz-security-token", signing->keys.token, err)) return false;
    return header_insert(headers, "x-amz-date", date, err);
}

static bool is_first_of_name(const struct headers *headers, uint32_t i)
{
    return i == 0 || strcasecmp(headers->list[i - 1].name, headers->list[i].name) != 0;
}

/* "name:value\n", values of one name joined by ",". */
static bool headers_add(struct buf *out, const struct headers *headers)
{
    for (uint32_t i = 0; i < headers->count; i++) {
        bool is_first = is_first_of_name(headers, i);
        if (is_first && !((i == 0 || buf_add(out, "\n", 1)) && header_name_add(out, headers->list[i].name)))
            return false;
        if (!buf_add(out, is_first ? ":" : ",", 1) || !header_value_add(out, headers->list[i].value)) return false;
    }
    return buf_add(out, "\n", 1);
}

static bool names_add(struct buf *out, const struct headers *headers)
{
    for (uint32_t i = 0; i < headers->count; i++) {
        if (!is_first_of_name(headers, i)) continue;
        if ((i > 0 && !buf_add(out, ";", 1)) || !header_name_add(out, headers->list[i].name)) return false;
    }
    return true;
}

static bool canonical_make(struct buf *out, const struct aws_signing *signing, const struct headers *headers)
{
    return buf_printf(out, "%s\n", signing->method) && path_add(out, signing) && buf_add(out, "\n", 1) &&
           query_add(out, signing->query) && buf_add(out, "\n", 1) && headers_add(out, headers) &&
           buf_add(out, "\n", 1) && names_add(out, headers) && buf_printf(out, "\n%s", signing->payload_sha256);
}

/* -- signing ---------------------------------------------------------------------------------------------------- */

static void key_derive(const struct aws_signing *signing, const char *day, uint8_t key[SHA256_BYTES])
{
    const char *const parts[] = { day, signing->region, signing->service, "aws4_request" };
    size_t len = strlen(signing->keys.secret) + 4;
    char *secret = mem_alloc(len + 1);
    snprintf(secret, len + 1, "AWS4%s", signing->keys.secret);
    struct bytes from = bytes_from(secret, len);
    for (uint32_t i = 0; i < COUNT_OF(parts); i++) {
        hmac_sha256(from, bytes_of_text(parts[i]), key);
        from = bytes_from(key, SHA256_BYTES);
    }
    explicit_bzero(secret, len);
    free(secret);
}

static bool signature_make(struct aws_signed *out, const struct aws_signing *signing, const struct headers *headers)
{
    uint8_t digest[SHA256_BYTES], key[SHA256_BYTES];
    char hex[SHA256_HEX_BYTES], day[9];
    snprintf(day, sizeof day, "%.8s", out->date);
    if (!canonical_make(&out->canonical, signing, headers)) return false;
    sha256_of(buf_bytes(&out->canonical), digest);
    sha256_to_hex(digest, hex);
    if (!buf_printf(&out->to_sign, "AWS4-HMAC-SHA256\n%s\n%s/%s/%s/aws4_request\n%s", out->date, day, signing->region,
                    signing->service, hex))
        return false;
    key_derive(signing, day, key);
    hmac_sha256(bytes_from(key, sizeof key), buf_bytes(&out->to_sign), digest);
    explicit_bzero(key, sizeof key);
    sha256_to_hex(digest, hex);
    return buf_printf(&out->authorization,
                      "AWS4-HMAC-SHA256 Credential=%s/%s/%s/%s/aws4_request, SignedHeaders=", signing->keys.id, day,
                      signing->region, signing->service) &&
           names_add(&out->authorization, headers) && buf_printf(&out->authorization, ", Signature=%s", hex) &&
           buf_add(&out->authorization, "", 1);
}

bool aws_sign(struct aws_signed *out, const struct aws_signing *signing, struct err *err)
{
    struct headers headers;
    struct tm parts;
    time_t now = (time_t)signing->unix_s;
    buf_init(&out->canonical, TEXT_BYTES_MAX);
    buf_init(&out->to_sign, TEXT_BYTES_MAX);
    buf_init(&out->authorization, TEXT_BYTES_MAX);
    if (!gmtime_r(&now, &parts) || strftime(out->date, sizeof out->date, "%Y%m%dT%H%M%SZ", &parts) == 0)
        return err_set(err, ERR_INTERNAL, "no date for second %" PRId64, signing->unix_s);
    if (!headers_collect(&headers, signing, out->date, err)) return false;
    return signature_make(out, signing, &headers) ||
           err_set(err, ERR_TOO_LARGE, "headers, path and query to sign have more than %u bytes", TEXT_BYTES_MAX);
}

void aws_signed_deinit(struct aws_signed *out)
{
    buf_deinit(&out->canonical);
    buf_deinit(&out->to_sign);
    buf_deinit(&out->authorization);
}
