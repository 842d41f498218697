#include "aws/aws_credentials.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/aws_source.h"
#include "base/clock.h"

#define EARLY_S    300 /* keys are fetched anew so long before they end */
#define AGAIN_S    30  /* after a fetch that failed while the old ones hold */
#define TOO_LATE_S 5   /* keys that end so soon are not used any more */

struct aws_credentials {
    struct aws_surroundings around;
    char *region;

    pthread_mutex_t lock; /* guards the rest; not held while fetching */
    pthread_cond_t fetched;
    struct aws_identity *identity;
    bool is_fetching;
    bool is_rejected;     /* a server does not take identity any more */
    int64_t fetch_unix_s; /* not before, while the old ones hold */
    uint64_t round;       /* of fetches, ended ones */
    struct err err;       /* of the last one */
};

struct aws_credentials *aws_credentials_create(const struct aws_surroundings *surroundings)
{
    struct aws_credentials *credentials = mem_calloc(1, sizeof *credentials);
    credentials->around = *surroundings;
    pthread_mutex_init(&credentials->lock, NULL);
    pthread_cond_init(&credentials->fetched, NULL);
    return credentials;
}

void aws_credentials_set_region(struct aws_credentials *credentials, const char *region)
{
    assert(!credentials->region);
    credentials->region = mem_strdup(region);
}

void aws_identity_release(struct aws_identity *identity)
{
    if (!identity || atomic_fetch_sub(&identity->users, 1) != 1) return;
    explicit_bzero(identity->texts, identity->texts_bytes);
    free(identity->texts);
    free(identity);
}

void aws_credentials_destroy(struct aws_credentials *credentials)
{
    if (!credentials) return;
    aws_identity_release(credentials->identity);
    pthread_cond_destroy(&credentials->fetched);
    pthread_mutex_destroy(&credentials->lock);
    free(credentials->region);
    free(credentials);
}

/* Takes the grant's texts. */
static struct aws_identity *identity_make(struct aws_grant *grant)
{
    struct aws_identity *identity = mem_calloc(1, sizeof *identity);
    atomic_init(&identity->users, 1);
    identity->keys = (struct aws_keys){ aws_grant_text(grant, grant->id), aws_grant_text(grant, grant->secret),
                                        aws_grant_text(grant, grant->token) };
    identity->expires_unix_s = grant->expires_unix_s;
    identity->texts = grant->text.ptr;
    identity->texts_bytes = grant->text.cap;
    grant->text = (struct buf){ 0 };
    return identity;
}

static enum aws_source_answer source_ask(const struct aws_credentials *credentials, uint32_t source,
                                         struct aws_grant *grant, struct err *err)
{
    const struct aws_surroundings *around = &credentials->around;
    switch (source) {
    case 0: return aws_source_environment(around, grant, err);
    case 1: return aws_source_web_identity(around, credentials->region, grant, err);
    case 2: return aws_source_files(around, grant, err);
    case 3: return aws_source_container(around, grant, err);
    default: return aws_source_instance(around, grant, err);
    }
}

/* NULL: none, err says what was tried. */
static struct aws_identity *identity_fetch(const struct aws_credentials *credentials, struct err *err)
{
    struct aws_identity *identity = NULL;
    struct aws_grant grant;
    enum aws_source_answer answer = AWS_SOURCE_ABSENT;
    for (uint32_t source = 0; source < 5 && answer == AWS_SOURCE_ABSENT; source++) {
        aws_grant_init(&grant);
        answer = source_ask(credentials, source, &grant, err);
        if (answer == AWS_SOURCE_FOUND) identity = identity_make(&grant);
        aws_grant_deinit(&grant);
    }
    if (answer == AWS_SOURCE_BROKEN) err_within(err, "no AWS credentials");
    if (answer != AWS_SOURCE_ABSENT) return identity;
    char instance[100];
    snprintf(instance, sizeof instance, "%.99s", err->text);
    err_set(err, ERR_FORBIDDEN,
            "no AWS credentials: none in AWS_ACCESS_KEY_ID, AWS_WEB_IDENTITY_TOKEN_FILE, ~/.aws, "
            "AWS_CONTAINER_CREDENTIALS_FULL_URI; instance metadata: %s",
            instance);
    return NULL;
}

static bool identity_holds(const struct aws_credentials *credentials, int64_t now_s)
{
    const struct aws_identity *identity = credentials->identity;
    return identity && !credentials->is_rejected && identity->expires_unix_s - TOO_LATE_S > now_s;
}

static bool fetch_is_due(const struct aws_credentials *credentials, int64_t now_s)
{
    const struct aws_identity *identity = credentials->identity;
    if (!identity_holds(credentials, now_s)) return true;
    return identity->expires_unix_s - EARLY_S <= now_s && credentials->fetch_unix_s <= now_s;
}

/* Under the lock, which is let go while it fetches. */
static void fetch(struct aws_credentials *credentials)
{
    struct err err = { 0 };
    credentials->is_fetching = true;
    pthread_mutex_unlock(&credentials->lock);
    struct aws_identity *identity = identity_fetch(credentials, &err);
    int64_t now_s = clock_unix_us() / 1000000;
    pthread_mutex_lock(&credentials->lock);
    if (identity) {
        aws_identity_release(credentials->identity);
        credentials->identity = identity;
        credentials->is_rejected = false;
    } else if (identity_holds(credentials, now_s)) {
        log_warn(credentials->around.log, "aws.credentials_not_renewed", log_text("err", err.text));
    }
    credentials->fetch_unix_s = now_s + AGAIN_S;
    credentials->err = err;
    credentials->is_fetching = false;
    credentials->round++;
    pthread_cond_broadcast(&credentials->fetched);
}

bool aws_identity_acquire(struct aws_credentials *credentials, struct aws_identity **out, struct err *err)
{
    int64_t now_s = clock_unix_us() / 1000000;
    *out = NULL;
    pthread_mutex_lock(&credentials->lock);
    if (fetch_is_due(credentials, now_s)) {
        uint64_t round = credentials->round;
        if (!credentials->is_fetching) {
            fetch(credentials);
        } else {
            while (!identity_holds(credentials, now_s) && credentials->round == round)
                pthread_cond_wait(&credentials->fetched, &credentials->lock);
        }
    }
    bool ok = identity_holds(credentials, now_s);
    if (ok) {
        *out = credentials->identity;
        atomic_fetch_add(&credentials->identity->users, 1);
    } else if (credentials->err.code != ERR_OK) {
        *err = credentials->err;
    } else {
        err_set(err, ERR_FORBIDDEN, "the AWS credentials that were found have ended already");
    }
    pthread_mutex_unlock(&credentials->lock);
    return ok;
}

void aws_identity_reject(struct aws_credentials *credentials, const struct aws_identity *identity)
{
    pthread_mutex_lock(&credentials->lock);
    if (credentials->identity == identity) credentials->is_rejected = true;
    pthread_mutex_unlock(&credentials->lock);
}
