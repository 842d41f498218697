/* dynamo.h -- one operation of DynamoDB: JSON out, JSON in.
 *
 * Thread: any. Memory: the answer, at most 1 MiB.
 * Errors: as aws_call_failed; code has the service's name for it ("ConditionalCheckFailedException"), or "".
 * Source: Amazon DynamoDB API Reference, "Low-level API" (version 20120810). */
#pragma once
#include "aws/aws.h"

/* operation: "PutItem"; cancel: NULL or as in http_exchange; answer: the caller's to deinit, also on
 * failure. */
MUST_CHECK bool dynamo_ask(struct aws *aws, const char *operation, struct bytes json, const atomic_bool *cancel,
                           struct buf *answer, char code[AWS_CODE_BYTES], struct err *err);
