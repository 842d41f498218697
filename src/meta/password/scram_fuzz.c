/* Two messages of a client, split at the first NUL, and a kept verifier's text: nothing is ever right by chance. */
#include "meta/password/scram.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scram_verifier verifier, read;
    struct scram_server server;
    struct err err = { 0 };
    bool is_right = false;
    char final[64];
    const uint8_t *split = size > 0 ? memchr(data, '\0', size) : NULL;
    size_t first_len = split ? (size_t)(split - data) : size;
    scram_verifier_of_nobody(BYTES("secret"), BYTES("user"), &verifier);
    if (scram_server_first(&server, &verifier, NULL, bytes_from(data, first_len), "abcdefghijklmnopqrstuvwx", &err) &&
        split && scram_server_final(&server, bytes_from(split + 1, size - first_len - 1), &is_right, final, &err) &&
        is_right)
        abort();
    if (scram_verifier_from_text(bytes_from(data, size), &read, &err)) {
        char text[SCRAM_TEXT_BYTES];
        scram_verifier_to_text(&read, text);
        if (!scram_verifier_from_text(bytes_of_text(text), &verifier, &err) ||
            memcmp(&read, &verifier, sizeof read) != 0)
            abort();
    }
    return 0;
}
