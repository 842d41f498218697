/* The texts that credentials and errors are read from: ini files, STS's XML, JSON credentials, dates, error bodies.
 * The first byte picks the reader. */
#include <stdlib.h>

#include "aws/aws_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void grant_check(const struct aws_grant *grant)
{
    const char *id = aws_grant_text(grant, grant->id), *secret = aws_grant_text(grant, grant->secret);
    const char *token = aws_grant_text(grant, grant->token);
    if (!id[0] || !secret[0] || (token && (!token[0] || strpbrk(token, " \r\n"))) || strpbrk(id, " \r\n")) abort();
}

static void ini_read(struct bytes text)
{
    struct bytes value;
    struct aws_grant grant;
    (void)aws_ini_has_section(text, "profile team");
    if (aws_ini_value(text, "default", "aws_access_key_id", &value)) {
        if (value.ptr < text.ptr || value.ptr + value.len > text.ptr + text.len) abort();
        aws_grant_init(&grant);
        if (aws_grant_from_texts(&grant, value, value, value)) grant_check(&grant);
        aws_grant_deinit(&grant);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    struct bytes text = bytes_from(data + 1, size - 1);
    struct aws_grant grant;
    int64_t unix_s;
    char code[16], message[20];
    aws_grant_init(&grant);
    switch (data[0] % 6) {
    case 0: ini_read(text); break;
    case 1:
        if (aws_grant_from_xml(&grant, text)) grant_check(&grant);
        break;
    case 2:
        if (aws_grant_from_json(&grant, text)) grant_check(&grant);
        break;
    case 3: (void)aws_time_parse(text, &unix_s); break;
    case 4: (void)aws_http_date_parse(text, &unix_s); break;
    default:
        aws_error_read(text, code, sizeof code, message, sizeof message);
        if (strlen(code) >= sizeof code || strlen(message) >= sizeof message) abort();
    }
    aws_grant_deinit(&grant);
    return 0;
}
