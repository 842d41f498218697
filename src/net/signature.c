#include "net/signature.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <stdlib.h>

enum { RSA_BITS_MIN = 2048, RSA_BYTES_MAX = 1024, EXPONENT_BYTES_MAX = 8, P256_BYTES = 32 };

static bool no_key(struct err *err, const char *why)
{
    ERR_clear_error();
    return err_set(err, ERR_INPUT, "the key of a signature is none: %s", why);
}

static bool key_from(const char *type, OSSL_PARAM_BLD *build, EVP_PKEY **key)
{
    OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    *key = NULL;
    bool ok = parameters && ctx && EVP_PKEY_fromdata_init(ctx) == 1 &&
              EVP_PKEY_fromdata(ctx, key, EVP_PKEY_PUBLIC_KEY, parameters) == 1;
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(parameters);
    return ok;
}

static bool rsa_key(const struct signature_key *from, EVP_PKEY **key, struct err *err)
{
    *key = NULL;
    if (from->n.len > RSA_BYTES_MAX || from->e.len == 0 || from->e.len > EXPONENT_BYTES_MAX)
        return no_key(err, "its numbers are too long");
    BIGNUM *n = BN_bin2bn(from->n.ptr, (int)from->n.len, NULL), *e = BN_bin2bn(from->e.ptr, (int)from->e.len, NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    bool is_long = n && BN_num_bits(n) >= RSA_BITS_MIN;
    bool ok = is_long && e && build && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
              OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1 && key_from("RSA", build, key);
    OSSL_PARAM_BLD_free(build);
    BN_free(n);
    BN_free(e);
    return ok || no_key(err, is_long ? "not an RSA key" : "an RSA key under 2,048 bits");
}

static bool ec_key(const struct signature_key *from, EVP_PKEY **key, struct err *err)
{
    uint8_t point[1 + 2 * P256_BYTES] = { 4 }; /* uncompressed */
    *key = NULL;
    if (from->x.len != P256_BYTES || from->y.len != P256_BYTES) return no_key(err, "not a point of P-256");
    memcpy(point + 1, from->x.ptr, P256_BYTES);
    memcpy(point + 1 + P256_BYTES, from->y.ptr, P256_BYTES);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    bool ok = build && OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) == 1 &&
              OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point) == 1 &&
              key_from("EC", build, key);
    OSSL_PARAM_BLD_free(build);
    return ok || no_key(err, "not a point of P-256");
}

/* r and s as OpenSSL wants them: DER. *der by malloc of OpenSSL, to OPENSSL_free. */
static int ec_signature_der(struct bytes signature, unsigned char **der)
{
    *der = NULL;
    if (signature.len != 2 * P256_BYTES) return -1;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature.ptr, P256_BYTES, NULL),
           *s = BN_bin2bn(signature.ptr + P256_BYTES, P256_BYTES, NULL);
    int len = -1;
    if (pair && r && s && ECDSA_SIG_set0(pair, r, s) == 1) {
        len = i2d_ECDSA_SIG(pair, der);
    } else {
        BN_free(r);
        BN_free(s);
    }
    ECDSA_SIG_free(pair);
    return len;
}

bool signature_check(const struct signature_key *key, struct bytes message, struct bytes signature, bool *is_right,
                     struct err *err)
{
    EVP_PKEY *public;
    unsigned char *der = NULL;
    *is_right = false;
    bool is_ec = key->kind == SIGNATURE_ES256;
    if (!(is_ec ? ec_key(key, &public, err) : rsa_key(key, &public, err))) return false;
    if (is_ec) {
        int len = ec_signature_der(signature, &der);
        signature = bytes_from(der, len > 0 ? (size_t)len : 0);
    }
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    /* PKCS #1 v1.5 is what an RSA key does by itself. */
    *is_right = ctx && signature.len > 0 && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, public) == 1 &&
                EVP_DigestVerify(ctx, signature.ptr, signature.len, message.ptr, message.len) == 1;
    ERR_clear_error(); /* what was wrong must not be read by a TLS session of this thread */
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(public);
    OPENSSL_free(der);
    return true;
}
