#include "aws/dynamo.h"

#include <stdio.h>

#include "aws/aws_credentials.h"

#define ANSWER_BYTES_MAX (1u << 20)
#define ASK_MS_MAX       10000

bool dynamo_ask(struct aws *aws, const char *operation, struct bytes json, const atomic_bool *cancel,
                struct buf *answer, char code[AWS_CODE_BYTES], struct err *err)
{
    char target[64], url[300];
    const char *endpoint = aws_endpoint(aws, "DYNAMODB");
    snprintf(target, sizeof target, "DynamoDB_20120810.%s", operation);
    snprintf(url, sizeof url, "https://dynamodb.%s.%s", aws_region(aws), aws_dns_suffix(aws_region(aws)));
    const struct http_client_header headers[] = { { "content-type", "application/x-amz-json-1.0" },
                                                  { "x-amz-target", target },
                                                  { 0 } };
    struct aws_call call = { .service = "dynamodb",
                             .method = "POST",
                             .host_url = endpoint ? endpoint : url,
                             .path = "/",
                             .headers = headers,
                             .body.bytes = json,
                             .answer_bytes_max = ANSWER_BYTES_MAX,
                             .total_ms_max = ASK_MS_MAX,
                             .cancel = cancel };
    aws_run(aws, &call, 1);
    bool ok = call.err.code == ERR_OK && call.answer.status == 200;
    if (!ok) aws_call_failed(&call, err, "DynamoDB %s", operation);
    snprintf(code, AWS_CODE_BYTES, "%s", call.code);
    *answer = call.answer.body_answer;
    call.answer.body_answer = (struct buf){ 0 };
    aws_call_deinit(&call);
    return ok;
}
