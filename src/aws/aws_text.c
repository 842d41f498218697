#include "aws/aws_text.h"
#include "base/json_object.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <yyjson.h>

#define GRANT_BYTES_MAX (64u << 10)

/* -- ini -------------------------------------------------------------------------------------------------------- */

static struct bytes trimmed(struct bytes text)
{
    while (text.len > 0 && (text.ptr[0] == ' ' || text.ptr[0] == '\t')) text = bytes_from(text.ptr + 1, text.len - 1);
    while (text.len > 0 &&
           (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t' || text.ptr[text.len - 1] == '\r'))
        text.len--;
    return text;
}

/* Cuts the next line off. */
static bool line_next(struct bytes *text, struct bytes *line)
{
    if (text->len == 0) return false;
    const uint8_t *end = memchr(text->ptr, '\n', text->len);
    size_t len = end ? (size_t)(end - text->ptr) : text->len, used = end ? len + 1 : len;
    *line = bytes_from(text->ptr, len);
    *text = bytes_from(text->ptr + used, text->len - used);
    return true;
}

/* "[profile  x]" is section "profile x". */
static bool section_is(struct bytes line, const char *section)
{
    const uint8_t *end = memchr(line.ptr, ']', line.len);
    if (!end) return false;
    struct bytes name = trimmed(bytes_from(line.ptr + 1, (size_t)(end - line.ptr) - 1));
    size_t wanted = strlen(section), at = 0;
    for (size_t i = 0; i < name.len; i++) {
        bool is_blank = name.ptr[i] == ' ' || name.ptr[i] == '\t';
        if (is_blank && i > 0 && (name.ptr[i - 1] == ' ' || name.ptr[i - 1] == '\t')) continue;
        if (at >= wanted || section[at] != (is_blank ? ' ' : (char)name.ptr[i])) return false;
        at++;
    }
    return at == wanted;
}

bool aws_ini_has_section(struct bytes text, const char *section)
{
    for (struct bytes line; line_next(&text, &line);) {
        line = trimmed(line);
        if (line.len > 1 && line.ptr[0] == '[' && section_is(line, section)) return true;
    }
    return false;
}

bool aws_ini_value(struct bytes text, const char *section, const char *key, struct bytes *value)
{
    bool is_inside = false, is_found = false;
    size_t key_len = strlen(key);
    for (struct bytes raw, line; line_next(&text, &raw);) {
        line = trimmed(raw);
        if (line.len == 0 || line.ptr[0] == '#' || line.ptr[0] == ';') continue;
        if (line.ptr[0] == '[') {
            is_inside = section_is(line, section);
            continue;
        }
        bool is_nested = raw.ptr[0] == ' ' || raw.ptr[0] == '\t'; /* settings of a service: "s3 =", then its own */
        const uint8_t *equals = memchr(line.ptr, '=', line.len);
        if (!is_inside || is_nested || !equals) continue;
        struct bytes name = trimmed(bytes_from(line.ptr, (size_t)(equals - line.ptr)));
        if (name.len != key_len || strncasecmp((const char *)name.ptr, key, key_len) != 0) continue;
        *value = trimmed(bytes_from(equals + 1, line.len - (size_t)(equals - line.ptr) - 1));
        is_found = true;
    }
    return is_found;
}

/* -- XML -------------------------------------------------------------------------------------------------------- */

static bool utf8_add(struct buf *out, unsigned long code)
{
    uint8_t bytes[4];
    size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    if (code == 0 || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return false;
    for (size_t i = len; i-- > 1; code >>= 6) bytes[i] = (uint8_t)(0x80 | (code & 0x3F));
    static const uint8_t leads[] = { 0, 0, 0xC0, 0xE0, 0xF0 };
    bytes[0] = (uint8_t)(leads[len] | code);
    return buf_add(out, bytes, len);
}

static bool entity_add(struct buf *out, struct bytes name)
{
    static const struct {
        const char *name, *text;
    } named[] = { { "amp", "&" }, { "lt", "<" }, { "gt", ">" }, { "quot", "\"" }, { "apos", "'" } };
    char number[12];
    for (size_t i = 0; i < COUNT_OF(named); i++)
        if (bytes_equal(name, bytes_of_text(named[i].name))) return buf_add(out, named[i].text, 1);
    if (name.len < 2 || name.len >= sizeof number || name.ptr[0] != '#') return false;
    memcpy(number, name.ptr + 1, name.len - 1);
    number[name.len - 1] = '\0';
    bool is_hex = number[0] == 'x';
    char *end = NULL;
    unsigned long code = strtoul(number + is_hex, &end, is_hex ? 16 : 10);
    return *end == '\0' && end > number + is_hex && utf8_add(out, code);
}

static bool unescaped_add(struct buf *out, struct bytes text)
{
    for (size_t at = 0; at < text.len;) {
        const uint8_t *start = text.ptr + at, *mark = memchr(start, '&', text.len - at);
        size_t plain = mark ? (size_t)(mark - start) : text.len - at;
        if (!buf_add(out, start, plain)) return false;
        if (!mark) return true;
        size_t left = text.len - at - plain;
        const uint8_t *end = memchr(mark, ';', left < 12 ? left : 12);
        if (!end || !entity_add(out, bytes_from(mark + 1, (size_t)(end - mark) - 1))) return false;
        at += plain + (size_t)(end - mark) + 1;
    }
    return true;
}

bool aws_xml_value(struct bytes xml, const char *name, struct buf *out)
{
    char open[64], close[64];
    if ((size_t)snprintf(open, sizeof open, "<%s>", name) >= sizeof open) return false;
    snprintf(close, sizeof close, "</%s>", name);
    const uint8_t *start = xml.len > 0 ? memmem(xml.ptr, xml.len, open, strlen(open)) : NULL;
    if (!start) return false;
    start += strlen(open);
    size_t left = xml.len - (size_t)(start - xml.ptr);
    const uint8_t *end = memmem(start, left, close, strlen(close));
    return end && unescaped_add(out, bytes_from(start, (size_t)(end - start)));
}

/* -- credentials ------------------------------------------------------------------------------------------------ */

void aws_grant_init(struct aws_grant *grant)
{
    *grant = (struct aws_grant){ .token = SIZE_MAX, .expires_unix_s = INT64_MAX };
    buf_init(&grant->text, GRANT_BYTES_MAX);
}

void aws_grant_deinit(struct aws_grant *grant)
{
    if (grant->text.ptr) explicit_bzero(grant->text.ptr, grant->text.cap);
    buf_deinit(&grant->text);
}

const char *aws_grant_text(const struct aws_grant *grant, size_t offset)
{
    return offset == SIZE_MAX ? NULL : (const char *)grant->text.ptr + offset;
}

/* They become headers: what would end one early is no key. */
static bool is_key_text(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= ' ' || text.ptr[i] >= 0x7F) return false;
    return text.len > 0;
}

static bool text_take(struct aws_grant *grant, struct bytes text, size_t *offset)
{
    *offset = grant->text.len;
    return is_key_text(text) && buf_add(&grant->text, text.ptr, text.len) && buf_add(&grant->text, "", 1);
}

bool aws_grant_from_texts(struct aws_grant *grant, struct bytes id, struct bytes secret, struct bytes token)
{
    if (!text_take(grant, id, &grant->id) || !text_take(grant, secret, &grant->secret)) return false;
    return token.len == 0 || text_take(grant, token, &grant->token);
}

static bool xml_text_take(struct aws_grant *grant, struct bytes xml, const char *name, size_t *offset)
{
    struct buf text;
    buf_init(&text, GRANT_BYTES_MAX);
    bool ok = aws_xml_value(xml, name, &text) && text_take(grant, buf_bytes(&text), offset);
    if (text.ptr) explicit_bzero(text.ptr, text.cap);
    buf_deinit(&text);
    return ok;
}

bool aws_grant_from_xml(struct aws_grant *grant, struct bytes xml)
{
    size_t expires;
    return xml_text_take(grant, xml, "AccessKeyId", &grant->id) &&
           xml_text_take(grant, xml, "SecretAccessKey", &grant->secret) &&
           xml_text_take(grant, xml, "SessionToken", &grant->token) &&
           xml_text_take(grant, xml, "Expiration", &expires) &&
           aws_time_parse(bytes_of_text(aws_grant_text(grant, expires)), &grant->expires_unix_s);
}

bool aws_grant_from_json(struct aws_grant *grant, struct bytes json)
{
    yyjson_doc *doc = yyjson_read((const char *)json.ptr, json.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc);
    struct bytes expires = json_text(yyjson_obj_get(root, "Expiration")),
                 code = json_text(yyjson_obj_get(root, "Code"));
    bool is_fine = code.len == 0 || bytes_equal(code, BYTES("Success"));
    bool ok = is_fine && yyjson_is_obj(root) &&
              aws_grant_from_texts(grant, json_text(yyjson_obj_get(root, "AccessKeyId")),
                                   json_text(yyjson_obj_get(root, "SecretAccessKey")),
                                   json_text(yyjson_obj_get(root, "Token"))) &&
              (expires.len == 0 || aws_time_parse(expires, &grant->expires_unix_s));
    yyjson_doc_free(doc);
    return ok;
}

/* -- times ------------------------------------------------------------------------------------------------------ */

static bool time_read(struct bytes text, const char *form, int64_t *unix_s)
{
    char copy[40];
    struct tm parts = { 0 };
    if (text.len >= sizeof copy || memchr(text.ptr ? text.ptr : (const uint8_t *)"", '\0', text.len)) return false;
    snprintf(copy, sizeof copy, "%.*s", (int)text.len, (const char *)text.ptr);
    const char *end = strptime(copy, form, &parts);
    if (!end || parts.tm_year < 70 || parts.tm_year > 8000) return false;
    if (*end == '.') end += 1 + strspn(end + 1, "0123456789");
    if (strcmp(end, "Z") != 0 && strcmp(end, " GMT") != 0) return false;
    *unix_s = (int64_t)timegm(&parts);
    return true;
}

bool aws_time_parse(struct bytes text, int64_t *unix_s)
{
    return time_read(text, "%Y-%m-%dT%H:%M:%S", unix_s);
}

/* "%a" and "%b" are English: the process never calls setlocale. */
bool aws_http_date_parse(struct bytes text, int64_t *unix_s)
{
    return time_read(text, "%a, %d %b %Y %H:%M:%S", unix_s);
}

/* -- errors ----------------------------------------------------------------------------------------------------- */

static void text_put(char *out, size_t bytes, struct bytes text)
{
    size_t len = text.len < bytes - 1 ? text.len : bytes - 1;
    for (size_t i = 0; i < len; i++) out[i] = text.ptr[i] >= ' ' && text.ptr[i] < 0x7F ? (char)text.ptr[i] : '?';
    out[len] = '\0';
}

/* "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException", with a URL behind ":" at times. */
static struct bytes type_name(struct bytes type)
{
    const uint8_t *hash = type.len > 0 ? memrchr(type.ptr, '#', type.len) : NULL;
    if (hash) type = bytes_from(hash + 1, type.len - (size_t)(hash - type.ptr) - 1);
    const uint8_t *colon = type.len > 0 ? memchr(type.ptr, ':', type.len) : NULL;
    if (colon) type.len = (size_t)(colon - type.ptr);
    return type;
}

static void json_error_read(struct bytes body, char *code, size_t code_bytes, char *message, size_t message_bytes)
{
    yyjson_doc *doc = yyjson_read((const char *)body.ptr, body.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc);
    struct bytes type = json_text(yyjson_obj_get(root, "__type")), words = json_text(yyjson_obj_get(root, "message"));
    if (type.len == 0) type = json_text(yyjson_obj_get(root, "code"));
    if (words.len == 0) words = json_text(yyjson_obj_get(root, "Message"));
    text_put(code, code_bytes, type_name(type));
    text_put(message, message_bytes, words);
    yyjson_doc_free(doc);
}

void aws_error_read(struct bytes body, char *code, size_t code_bytes, char *message, size_t message_bytes)
{
    struct buf text;
    code[0] = message[0] = '\0';
    if (body.len == 0) return;
    if (body.ptr[0] == '{') {
        json_error_read(body, code, code_bytes, message, message_bytes);
        return;
    }
    buf_init(&text, 64u << 10);
    if (aws_xml_value(body, "Code", &text)) text_put(code, code_bytes, buf_bytes(&text));
    text.len = 0;
    if (aws_xml_value(body, "Message", &text)) text_put(message, message_bytes, buf_bytes(&text));
    buf_deinit(&text);
}
