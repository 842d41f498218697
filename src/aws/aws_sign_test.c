/* The signature, against AWS's published test suite (vectors/sigv4.txt) and the examples of S3's own documentation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "aws/aws_sign.h"
#include "base/disk.h"

#define VECTORS_PATH MONO_SOURCE_DIR "/src/aws/vectors/sigv4.txt"

struct vector {
    const char *name, *flags, *token, *request, *canonical, *to_sign, *authorization;
};

static char *file_read(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = mem_calloc(1, 1 << 20);
    assert_non_null(file);
    assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
    fclose(file);
    text[strlen(text) - 1] = '\0'; /* the last line's end */
    return text;
}

/* Cuts the text in place. Answers where the next vector begins, NULL after the last. */
static char *vector_cut(char *at, struct vector *vector)
{
    char *next = strstr(at, "\n@@ ");
    if (next) *next++ = '\0';
    *vector = (struct vector){ .name = at + 3, .flags = "" };
    char *line = strchr(at, '\n');
    *line++ = '\0';
    char *space = strchr(vector->name, ' ');
    if (space) *space = '\0', vector->flags = space + 1;
    while (line) {
        char *part = line, *part_end = strstr(line, "\n@ ");
        if (part_end) *part_end++ = '\0';
        line = part_end;
        char *text = strchr(part, '\n');
        *text++ = '\0';
        if (strcmp(part, "@ token") == 0) vector->token = text;
        if (strcmp(part, "@ request") == 0) vector->request = text;
        if (strcmp(part, "@ canonical") == 0) vector->canonical = text;
        if (strcmp(part, "@ to_sign") == 0) vector->to_sign = text;
        if (strcmp(part, "@ authorization") == 0) vector->authorization = text;
        if (strcmp(part, "@ timestamp") == 0) assert_string_equal(text, "2015-08-30T12:36:00Z");
    }
    return next;
}

/* What a client does to a URL that a person typed: all that is not URL is encoded. */
static char *url_encode(const char *text)
{
    struct buf out;
    buf_init(&out, 1 << 16);
    for (; *text; text++) {
        struct bytes one = bytes_from(text, 1);
        bool is_url = strchr("/%=&?", *text) != NULL;
        assert_true(is_url ? buf_add(&out, text, 1) : aws_query_encode(&out, one));
    }
    assert_true(buf_add(&out, "", 1));
    return (char *)out.ptr;
}

struct request {
    char *method, *path, *query;
    const char *body;
    struct http_client_header headers[16];
};

static void request_cut(struct request *request, const char *from)
{
    char *text = mem_strdup(from), *body = strstr(text, "\n\n"), *target, *end, *question;
    uint32_t count = 0;
    *request = (struct request){ .method = text, .body = "" };
    if (body) *body = '\0', request->body = body + 2;
    target = strchr(text, ' ');
    *target++ = '\0';
    end = strstr(target, " HTTP/1.1");
    *end = '\0';
    question = strchr(target, '?');
    if (question) *question++ = '\0';
    request->path = url_encode(target);
    request->query = question ? url_encode(question) : NULL;
    for (char *line = strchr(end + 1, '\n'); line;) {
        char *header = line + 1, *colon = strchr(header, ':');
        *line = '\0';
        line = strchr(header, '\n');
        while (line && line[1] == ' ') line = strchr(line + 1, '\n'); /* a folded value */
        *colon = '\0';
        if (strcasecmp(header, "x-amz-date") == 0) continue; /* ours to add */
        assert_true(count < COUNT_OF(request->headers) - 1);
        request->headers[count++] = (struct http_client_header){ header, colon + 1 };
    }
}

static void request_free(struct request *request)
{
    free(request->method);
    free(request->path);
    free(request->query);
}

static void assert_text(struct buf *buf, const char *wanted, const char *name)
{
    size_t len = buf->len > 0 && buf->ptr[buf->len - 1] == '\0' ? buf->len - 1 : buf->len;
    if (!bytes_equal(bytes_from(buf->ptr, len), bytes_of_text(wanted)))
        fail_msg("%s: signed\n%.*s\nwanted\n%s", name, (int)len, (const char *)buf->ptr, wanted);
}

/* Goal: our signature is AWS's. Method: each vector of the suite, its canonical request and string to sign included. */
static void test_published_vectors(void **state)
{
    (void)state;
    char *text = file_read(VECTORS_PATH), *at = strstr(text, "\n@@ ") + 1;
    uint32_t count = 0;
    for (struct vector vector; at; count++) {
        struct request request;
        struct aws_signed out;
        struct err err = { 0 };
        uint8_t digest[SHA256_BYTES];
        char hex[SHA256_HEX_BYTES];
        at = vector_cut(at, &vector);
        request_cut(&request, vector.request);
        sha256_of(bytes_of_text(request.body), digest);
        sha256_to_hex(digest, hex);
        struct aws_signing signing = { .keys = { "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", NULL },
                                       .region = "us-east-1",
                                       .service = "service",
                                       .unix_s = 1440938160,
                                       .method = request.method,
                                       .path = request.path,
                                       .query = request.query,
                                       .headers = request.headers,
                                       .payload_sha256 = hex,
                                       .payload_header = strstr(vector.flags, "sign_body") != NULL,
                                       .path_is_normalized = strstr(vector.flags, "normalize") != NULL };
        if (!strstr(vector.flags, "omit_session_token")) signing.keys.token = vector.token;
        if (!aws_sign(&out, &signing, &err)) fail_msg("%s: %s", vector.name, err.text);
        assert_text(&out.canonical, vector.canonical, vector.name);
        assert_text(&out.to_sign, vector.to_sign, vector.name);
        assert_text(&out.authorization, vector.authorization, vector.name);
        assert_string_equal(out.date, "20150830T123600Z");
        aws_signed_deinit(&out);
        request_free(&request);
    }
    assert_int_equal(count, 38);
    free(text);
}

/* Goal: S3's own rules hold. Method: the examples of the S3 API Reference, "Signature calculations: transferring payload
 * in a single chunk": a ranged GET, a PUT, a query without value, a listing. */
static void test_s3_examples(void **state)
{
    (void)state;
#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    static const struct {
        const char *method, *path, *query, *payload;
        struct http_client_header headers[5];
        const char *signature;
    } rows[] = {
        { "GET",
          "/test.txt",
          NULL,
          EMPTY,
          { { "Host", "examplebucket.s3.amazonaws.com" }, { "Range", "bytes=0-9" } },
          "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41" },
        { "PUT",
          "/test%24file.text",
          NULL,
          "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
          { { "Host", "examplebucket.s3.amazonaws.com" },
            { "Date", "Fri, 24 May 2013 00:00:00 GMT" },
            { "x-amz-storage-class", "REDUCED_REDUNDANCY" } },
          "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd" },
        { "GET",
          "/",
          "lifecycle",
          EMPTY,
          { { "Host", "examplebucket.s3.amazonaws.com" } },
          "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543" },
        { "GET",
          "/",
          "prefix=J&max-keys=2",
          EMPTY,
          { { "Host", "examplebucket.s3.amazonaws.com" } },
          "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7" },
    };
    for (size_t r = 0; r < COUNT_OF(rows); r++) {
        struct aws_signed out;
        struct err err = { 0 };
        struct aws_signing signing = { .keys = { "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                                                 NULL },
                                       .region = "us-east-1",
                                       .service = "s3",
                                       .unix_s = 1369353600,
                                       .method = rows[r].method,
                                       .path = rows[r].path,
                                       .query = rows[r].query,
                                       .headers = rows[r].headers,
                                       .payload_sha256 = rows[r].payload,
                                       .payload_header = true };
        assert_true(aws_sign(&out, &signing, &err));
        const char *signature = strstr((char *)out.authorization.ptr, "Signature=");
        assert_non_null(signature);
        assert_string_equal(signature + strlen("Signature="), rows[r].signature);
        aws_signed_deinit(&out);
    }
}

/* Goal: services other than S3 get the path encoded once more. Method: the canonical path that AWS's Rust SDK has among
 * its vectors (double-url-encode, double-encode-path). */
static void test_path_encoded_again(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        { "/test/@connections/JBDvjfGEIAMCERw%3D", "POST\n/test/%40connections/JBDvjfGEIAMCERw%253D\n" },
        { "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-west-2%3A892717189312%3Afunction%3Amy-rusty-fun/invocations",
          "POST\n/2015-03-31/functions/"
          "arn%253Aaws%253Alambda%253Aus-west-2%253A892717189312%253Afunction%253Amy-rusty-fun/invocations\n" },
    };
    for (size_t r = 0; r < COUNT_OF(rows); r++) {
        struct aws_signed out;
        struct err err = { 0 };
        struct aws_signing signing = { .keys = { "id", "secret", NULL },
                                       .region = "r",
                                       .service = "lambda",
                                       .method = "POST",
                                       .path = rows[r][0],
                                       .payload_sha256 = EMPTY,
                                       .path_is_normalized = true,
                                       .path_is_encoded_again = true };
        assert_true(aws_sign(&out, &signing, &err));
        assert_memory_equal(out.canonical.ptr, rows[r][1], strlen(rows[r][1]));
        aws_signed_deinit(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_vectors),
        cmocka_unit_test(test_s3_examples),
        cmocka_unit_test(test_path_encoded_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
