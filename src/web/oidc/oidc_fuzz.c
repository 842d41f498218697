/* The cookie that a browser brings back from the identity provider, with the state it names and no code: it is read and
 * refused, without a word to the provider; as it is made, it is read back. */
#include "web/oidc/oidc.h"
#include <stdlib.h>

static struct oidc *oidc;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct accounts_person person;
    struct err err = { 0 };
    const char *to;
    const struct oidc_options options = { .issuer = "http://127.0.0.1:1",
                                          .client_id = "x",
                                          .client_secret = "",
                                          .redirect_uri = "http://127.0.0.1:2/",
                                          .scopes = "openid",
                                          .groups_claim = "groups" };
    if (!oidc && !oidc_open(&oidc, &options, &err)) abort();
    arena_init(&arena, 0);
    struct oidc_answer answer = { .cookie = bytes_from(data, size), .state = bytes_from(data, size < 43 ? size : 43) };
    if (oidc_end(oidc, &arena, &answer, &person, &to, &err) || person.subject != NULL) abort();
    if (err.code == ERR_INPUT && strlen(to) > OIDC_COOKIE_BYTES) abort(); /* it was read, and lacks a code */
    arena_deinit(&arena);
    return 0;
}
