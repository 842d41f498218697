/* aws_text.h -- the texts that tell credentials and errors: ini files, XML and JSON answers, times. No sockets, no files.
 *
 * Thread: any. Memory: what is found goes into the caller's buf, or is borrowed from the text.
 * Errors: nothing is asserted of the text: what cannot be read is not found.
 * Source: AWS SDKs and Tools Reference Guide, "Shared config and credentials files"; STS API Reference. */
#pragma once
#include "base/bytes.h"

/* Is there such a section, or a value of key in it? "[default]", "key = value", comments from "#" or ";" at a line's begin.
 * Names are compared as they are, keys in any case; the last one of a name counts. */
bool aws_ini_has_section(struct bytes text, const char *section);
bool aws_ini_value(struct bytes text, const char *section, const char *key, struct bytes *value);

/* The text of the first element <name>, its entities resolved, appended. False: no such element, or out is full. */
bool aws_xml_value(struct bytes xml, const char *name, struct buf *out);

/* Temporary credentials as texts in one buf, NUL-terminated: offsets into it. */
struct aws_grant {
    struct buf text;
    size_t id, secret, token; /* token: SIZE_MAX when there is none */
    int64_t expires_unix_s;   /* INT64_MAX: never */
};
void aws_grant_init(struct aws_grant *grant);
void aws_grant_deinit(struct aws_grant *grant);                           /* wipes it */
const char *aws_grant_text(const struct aws_grant *grant, size_t offset); /* SIZE_MAX: NULL */
/* The answer of STS (AssumeRoleWithWebIdentityResponse). */
MUST_CHECK bool aws_grant_from_xml(struct aws_grant *grant, struct bytes xml);
/* {"AccessKeyId", "SecretAccessKey", "Token", "Expiration"}: container endpoint and instance metadata. */
MUST_CHECK bool aws_grant_from_json(struct aws_grant *grant, struct bytes json);
/* From texts as they are; token NULL: none. */
MUST_CHECK bool aws_grant_from_texts(struct aws_grant *grant, struct bytes id, struct bytes secret, struct bytes token);

/* "2026-11-26T21:00:00Z", with or without a fraction. */
bool aws_time_parse(struct bytes text, int64_t *unix_s);
/* "Thu, 26 Nov 2026 21:00:00 GMT": the Date of an answer. */
bool aws_http_date_parse(struct bytes text, int64_t *unix_s);

/* What an answer that is not 2xx says: S3's and STS's XML (<Code>, <Message>), DynamoDB's JSON (__type, message). Both are
 * NUL-terminated, cut, "" when not told; what cannot be printed is "?". */
void aws_error_read(struct bytes body, char *code, size_t code_bytes, char *message, size_t message_bytes);
