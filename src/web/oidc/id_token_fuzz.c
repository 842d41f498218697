/* A token, and the same bytes as the claims of one: whatever is taken has a subject, and texts that are lines. */
#include "web/oidc/id_token.h"
#include <stdlib.h>

static const char keys_text[] =
    "[{\"kty\":\"RSA\",\"kid\":\"a\",\"n\":\"AQAB\",\"e\":\"AQAB\"},{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
    "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct id_token_check check = { .issuer = "https://id.example.com",
                                          .client_id = "monoscope",
                                          .nonce = "n-0S6_WzA2Mj",
                                          .groups_claim = "groups",
                                          .now_unix_s = 1800000000 };
    struct accounts_person person;
    struct err err = { 0 };
    struct arena arena;
    bool knows_key;
    yyjson_doc *keys = yyjson_read(keys_text, sizeof keys_text - 1, 0);
    arena_init(&arena, 0);
    if (id_token_read(&arena, bytes_from(data, size), yyjson_doc_get_root(keys), &check, &person, &knows_key, &err))
        abort();
    if (id_token_claims(&arena, bytes_from(data, size), &check, &person, &err)) {
        if (person.subject[0] == '\0' || strchr(person.email, '\n') || person.group_count > ID_TOKEN_GROUPS_MAX)
            abort();
        for (uint32_t g = 0; g < person.group_count; g++)
            if (person.groups[g][0] == '\0') abort();
    }
    arena_deinit(&arena);
    yyjson_doc_free(keys);
    return 0;
}
