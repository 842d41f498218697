/* oidc.h -- signing in at an identity provider: OpenID Connect, the authorization code flow with PKCE.
 *
 *   /sign-in/oidc --oidc_begin--> cookie (state, nonce, PKCE verifier) + redirect --> provider --> /sign-in/oidc/callback
 *   callback --oidc_end--> state = cookie's? --> token endpoint --> ID token (id_token.h) --> a person
 *
 * The provider's description and keys are fetched when they are needed first, and again after an hour, or when a token
 * names a key that is not among them (once a second at most). What a sign-in must remember is in the browser's cookie alone.
 * Where requests go is what the operator named (the issuer) and what its description names; https, but for an issuer on
 * this machine; redirects are not followed, answers are bounded.
 * Thread: any; calls block for at most 10 s a request. Memory: description and keys, 1 MiB at most.
 * Errors: ERR_IO the provider is away; ERR_INPUT the sign-in does not hold; ERR_CONFLICT it was begun elsewhere or too long ago.
 * Source: OpenID Connect Core 1.0 and Discovery 1.0; RFC 7636 (PKCE), RFC 9207 (iss). */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"
#include "meta/accounts.h"

struct oidc;
struct oidc_options {
    const char *issuer; /* "https://id.example.com/realms/x" */
    const char *client_id;
    const char *client_secret; /* empty: a public client, by PKCE alone */
    const char *redirect_uri;  /* of ours, as the provider knows it */
    const char *scopes;        /* "openid email profile" */
    const char *groups_claim;
    const char *ca_file; /* NULL: the system's certificates */
    bool trusts_email;
    const struct log *log;
};
/* Does not talk to the provider yet. ERR_INPUT names the setting that is wrong. */
MUST_CHECK bool oidc_open(struct oidc **oidc, const struct oidc_options *options, struct err *err);
void oidc_close(struct oidc *oidc); /* NULL is fine */
const char *oidc_issuer(const struct oidc *oidc);

#define OIDC_COOKIE_BYTES 1024
struct oidc_beginning {
    const char *url;                /* in the arena: where the browser is sent */
    char cookie[OIDC_COOKIE_BYTES]; /* what it brings back: letters, digits, - _ . */
};
#define OIDC_RETURN_BYTES_MAX 512
/* return_to: a path of ours to go on to. */
MUST_CHECK bool oidc_begin(struct oidc *oidc, struct arena *arena, struct bytes return_to,
                           struct oidc_beginning *beginning, struct err *err);

struct oidc_answer {
    struct bytes state, code, iss, error; /* of the callback's query; empty: absent */
    struct bytes cookie;
};
/* person and *return_to live in the arena. */
MUST_CHECK bool oidc_end(struct oidc *oidc, struct arena *arena, const struct oidc_answer *answer,
                         struct accounts_person *person, const char **return_to, struct err *err);
