#include "net/seal.h"

#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "base/random.h"

#define VERSION     1
#define NONCE_BYTES 12
#define TAG_BYTES   16
static_assert(SEAL_MORE_BYTES == 1 + NONCE_BYTES + TAG_BYTES, "the header says so");

void seal_close(const uint8_t key[SEAL_KEY_BYTES], struct bytes about, struct bytes bytes, uint8_t *sealed)
{
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    uint8_t *nonce = sealed + 1, *text = nonce + NONCE_BYTES, *tag = text + bytes.len;
    int len = 0;
    assert(bytes.len <= INT_MAX && about.len <= INT_MAX);
    sealed[0] = VERSION;
    random_fill(nonce, NONCE_BYTES);
    bool ok = cipher != NULL && EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, key, nonce) == 1 &&
              EVP_EncryptUpdate(cipher, NULL, &len, about.ptr, (int)about.len) == 1 &&
              EVP_EncryptUpdate(cipher, text, &len, bytes.ptr, (int)bytes.len) == 1 &&
              EVP_EncryptFinal_ex(cipher, text + len, &len) == 1 &&
              EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, tag) == 1;
    EVP_CIPHER_CTX_free(cipher);
    if (!ok) abort(); /* no memory, or a library without AES */
}

bool seal_open(const uint8_t key[SEAL_KEY_BYTES], struct bytes about, struct bytes sealed, uint8_t *bytes, size_t *len,
               struct err *err)
{
    int got = 0, more = 0;
    *len = 0;
    if (sealed.len < SEAL_MORE_BYTES || sealed.len > INT_MAX || sealed.ptr[0] != VERSION)
        return err_set(err, ERR_CORRUPT, "what is sealed has no form that is known");
    const uint8_t *nonce = sealed.ptr + 1, *text = nonce + NONCE_BYTES;
    size_t text_len = sealed.len - SEAL_MORE_BYTES;
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    if (cipher == NULL) abort(); /* no memory */
    bool ok = EVP_DecryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, key, nonce) == 1 &&
              EVP_DecryptUpdate(cipher, NULL, &got, about.ptr, (int)about.len) == 1 &&
              EVP_DecryptUpdate(cipher, bytes, &got, text, (int)text_len) == 1 &&
              EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, (void *)(uintptr_t)(text + text_len)) == 1 &&
              EVP_DecryptFinal_ex(cipher, bytes + got, &more) == 1;
    EVP_CIPHER_CTX_free(cipher);
    if (!ok) {
        explicit_bzero(bytes, text_len);
        return err_set(err, ERR_CORRUPT, "what is sealed was not sealed with this key, or was changed");
    }
    *len = (size_t)got + (size_t)more;
    return true;
}
