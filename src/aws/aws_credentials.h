/* aws_credentials.h -- where keys come from, and new ones before the old ones end.
 *
 *   environment | web identity (STS) | shared files | container endpoint | instance metadata --first that is there--> keys
 *
 * A place that is set up but does not answer ends the search with its error: the next one's keys would be a surprise.
 * Keys that end are fetched anew five minutes before, by one thread while the others go on with the old ones.
 * Thread: any. Memory: an identity is counted; its texts are wiped when the last user lets go.
 * Errors: ERR_FORBIDDEN: none found, with what was tried; ERR_IO: a place does not answer.
 * Source: AWS SDKs and Tools Reference Guide; "Use IMDS" (EC2); "Task IAM role" (ECS); STS API Reference. */
#pragma once
#include "aws/aws_sign.h"
#include "base/log.h"
#include "net/http_client.h"
#include <stdatomic.h>

struct aws_identity {
    atomic_uint users;
    struct aws_keys keys;
    int64_t expires_unix_s; /* INT64_MAX: never */
    void *texts;            /* private */
    size_t texts_bytes;
};

struct aws_credentials;
struct aws_surroundings { /* what credentials and region are looked for in; borrowed */
    struct http_client *client;
    const struct log *log;
    const char *(*environment)(void *ctx, const char *name);
    void *environment_ctx;
};
struct aws_credentials *aws_credentials_create(const struct aws_surroundings *surroundings);
void aws_credentials_destroy(struct aws_credentials *credentials); /* NULL is fine */
/* Region for STS, once it is known. */
void aws_credentials_set_region(struct aws_credentials *credentials, const char *region);
/* *identity is the caller's until aws_identity_release. Blocks when there is none that holds. */
MUST_CHECK bool aws_identity_acquire(struct aws_credentials *credentials, struct aws_identity **identity,
                                     struct err *err);
void aws_identity_release(struct aws_identity *identity);
/* A server says this one has ended: the next acquire fetches, if it is still the one in use. */
void aws_identity_reject(struct aws_credentials *credentials, const struct aws_identity *identity);

/* A value of the profile's section in ~/.aws/config; NULL: not set. To free(). */
char *aws_profile_value(const struct aws_surroundings *surroundings, const char *key);
/* The region that the instance is in; NULL: no instance, or its metadata is off. To free(). */
char *aws_instance_region(const struct aws_surroundings *surroundings);
/* "amazonaws.com", in China "amazonaws.com.cn". */
const char *aws_dns_suffix(const char *region);
