#include "meta/password/scram.h"
#include "base/base64.h"
#include <stdio.h>

/* HMAC with a key that is used many times: both pads are eaten once. */
struct hmac {
    struct sha256 inner, outer;
};

static void hmac_begin(struct hmac *hmac, struct bytes key)
{
    uint8_t pad[64] = { 0 }, block[64];
    if (key.len > sizeof pad) {
        sha256_of(key, pad);
    } else if (key.len > 0) {
        memcpy(pad, key.ptr, key.len);
    }
    for (size_t i = 0; i < sizeof pad; i++) block[i] = pad[i] ^ 0x36;
    sha256_init(&hmac->inner);
    sha256_add(&hmac->inner, bytes_from(block, sizeof block));
    for (size_t i = 0; i < sizeof pad; i++) block[i] = pad[i] ^ 0x5C;
    sha256_init(&hmac->outer);
    sha256_add(&hmac->outer, bytes_from(block, sizeof block));
}

static void hmac_of(const struct hmac *hmac, struct bytes bytes, uint8_t mac[SHA256_BYTES])
{
    struct sha256 inner = hmac->inner, outer = hmac->outer;
    sha256_add(&inner, bytes);
    sha256_end(&inner, mac);
    sha256_add(&outer, bytes_from(mac, SHA256_BYTES));
    sha256_end(&outer, mac);
}

/* Hi() of RFC 5802: PBKDF2 of one block. */
static void salted_password(struct bytes password, const uint8_t salt[SCRAM_SALT_BYTES], uint32_t rounds,
                            uint8_t salted[SHA256_BYTES])
{
    struct hmac hmac;
    uint8_t first[SCRAM_SALT_BYTES + 4], step[SHA256_BYTES];
    memcpy(first, salt, SCRAM_SALT_BYTES);
    memcpy(first + SCRAM_SALT_BYTES, "\0\0\0\1", 4);
    hmac_begin(&hmac, password);
    hmac_of(&hmac, bytes_from(first, sizeof first), step);
    memcpy(salted, step, SHA256_BYTES);
    for (uint32_t round = 1; round < rounds; round++) {
        hmac_of(&hmac, bytes_from(step, sizeof step), step);
        for (int i = 0; i < SHA256_BYTES; i++) salted[i] ^= step[i];
    }
}

void scram_verifier_make(struct bytes password, uint32_t rounds, const uint8_t salt[SCRAM_SALT_BYTES],
                         struct scram_verifier *verifier)
{
    uint8_t salted[SHA256_BYTES], client_key[SHA256_BYTES];
    verifier->rounds = rounds;
    memcpy(verifier->salt, salt, SCRAM_SALT_BYTES);
    salted_password(password, salt, rounds, salted);
    hmac_sha256(bytes_from(salted, sizeof salted), BYTES("Client Key"), client_key);
    sha256_of(bytes_from(client_key, sizeof client_key), verifier->stored_key);
    hmac_sha256(bytes_from(salted, sizeof salted), BYTES("Server Key"), verifier->server_key);
}

void scram_verifier_of_nobody(struct bytes secret, struct bytes user, struct scram_verifier *verifier)
{
    uint8_t mac[SHA256_BYTES];
    *verifier = (struct scram_verifier){ .rounds = SCRAM_ROUNDS };
    hmac_sha256(secret, user, mac);
    memcpy(verifier->salt, mac, SCRAM_SALT_BYTES);
    sha256_of(bytes_from(mac, sizeof mac), verifier->stored_key); /* whose client key nobody knows */
    hmac_sha256(bytes_from(mac, sizeof mac), user, verifier->server_key);
}

/* -- text: "SCRAM-SHA-256$rounds:salt$stored key:server key" ------------------------------------------------------ */

static void base64_text(const void *bytes, size_t len, char *text)
{
    *base64_put((uint8_t *)text, bytes_from(bytes, len), true) = '\0';
}

void scram_verifier_to_text(const struct scram_verifier *verifier, char text[SCRAM_TEXT_BYTES])
{
    char salt[32], stored[64], server[64];
    base64_text(verifier->salt, SCRAM_SALT_BYTES, salt);
    base64_text(verifier->stored_key, SHA256_BYTES, stored);
    base64_text(verifier->server_key, SHA256_BYTES, server);
    snprintf(text, SCRAM_TEXT_BYTES, "SCRAM-SHA-256$%u:%s$%s:%s", verifier->rounds, salt, stored, server);
}

/* Takes up to the mark from *rest, which goes on after it; the whole rest for a mark of 0. */
static bool part_take(struct bytes *rest, char mark, struct bytes *part)
{
    const uint8_t *end = mark && rest->len > 0 ? memchr(rest->ptr, mark, rest->len) : rest->ptr + rest->len;
    if (!end) return false;
    *part = bytes_from(rest->ptr, (size_t)(end - rest->ptr));
    size_t used = part->len + (mark ? 1 : 0);
    if (used > rest->len) return false;
    *rest = bytes_from(rest->ptr + used, rest->len - used);
    return true;
}

static bool number_read(struct bytes text, uint32_t *number)
{
    *number = 0;
    if (text.len == 0 || text.len > 8) return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') return false;
        *number = *number * 10 + (uint32_t)(text.ptr[i] - '0');
    }
    return true;
}

static bool base64_exact(struct bytes text, uint8_t *bytes, size_t len)
{
    uint8_t read[SHA256_BYTES + 3];
    size_t read_len;
    if (text.len > 44 || !base64_read(text, BASE64_PADDED, read, &read_len) || read_len != len) return false;
    memcpy(bytes, read, len);
    return true;
}

bool scram_verifier_from_text(struct bytes text, struct scram_verifier *verifier, struct err *err)
{
    struct bytes name, rounds, salt, stored, server;
    if (part_take(&text, '$', &name) && bytes_equal(name, BYTES("SCRAM-SHA-256")) && part_take(&text, ':', &rounds) &&
        part_take(&text, '$', &salt) && part_take(&text, ':', &stored) && part_take(&text, 0, &server) &&
        number_read(rounds, &verifier->rounds) && verifier->rounds > 0 &&
        base64_exact(salt, verifier->salt, SCRAM_SALT_BYTES) &&
        base64_exact(stored, verifier->stored_key, SHA256_BYTES) &&
        base64_exact(server, verifier->server_key, SHA256_BYTES))
        return true;
    return err_set(err, ERR_CORRUPT, "a kept SCRAM verifier is none");
}

/* -- the exchange ------------------------------------------------------------------------------------------------ */

static bool printable(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < 0x21 || text.ptr[i] > 0x7E || text.ptr[i] == ',') return false;
    return text.len > 0;
}

/* "r=..." of rest up to the next comma, or all of it when that is the last part. */
static bool attribute_take(struct bytes *rest, char name, bool is_last, struct bytes *value)
{
    struct bytes part;
    if (!part_take(rest, is_last ? 0 : ',', &part) || part.len < 2 || part.ptr[0] != (uint8_t)name ||
        part.ptr[1] != '=')
        return false;
    *value = bytes_from(part.ptr + 2, part.len - 2);
    return true;
}

/* The channel binding flag of the header, and what the client must repeat of it. */
static bool binding_read(struct scram_server *server, struct bytes flag, const struct scram_channel *channel,
                         struct err *err)
{
    static const char bound[] = "p=tls-server-end-point";
    bool is_offered = channel && channel->end_point.len > 0, is_plus = channel && channel->is_plus;
    if (flag.len > 1 && flag.ptr[0] == 'p' && !is_plus)
        return err_set(err, ERR_PROTOCOL,
                       "SCRAM channel binding without SCRAM-SHA-256-PLUS: connect with channel_binding=prefer");
    if (is_plus) {
        uint8_t data[sizeof bound + 1 + 64];
        if (!bytes_equal(flag, bytes_of_text(bound)))
            return err_set(err, ERR_PROTOCOL, "SCRAM-SHA-256-PLUS binds to tls-server-end-point");
        assert(is_offered && channel->end_point.len <= 64);
        memcpy(data, bound, sizeof bound - 1);
        memcpy(data + sizeof bound - 1, ",,", 2);
        memcpy(data + sizeof bound + 1, channel->end_point.ptr, channel->end_point.len);
        base64_text(data, sizeof bound + 1 + channel->end_point.len, server->binding);
        return true;
    }
    bool wants_binding = bytes_equal(flag, BYTES("y")); /* it could, and was told that we cannot */
    if (wants_binding && is_offered)
        return err_set(err, ERR_PROTOCOL, "somebody took SCRAM-SHA-256-PLUS out of what was offered");
    if (!wants_binding && !bytes_equal(flag, BYTES("n")))
        return err_set(err, ERR_PROTOCOL, "the first SCRAM message has no channel binding flag");
    memcpy(server->binding, wants_binding ? "eSws" : "biws", 5); /* "y,," and "n,," in base64 */
    return true;
}

static bool first_read(struct scram_server *server, const struct scram_channel *channel, struct bytes client_first,
                       struct bytes *nonce, struct err *err)
{
    struct bytes rest = client_first, flag, authzid, user, bare;
    if (client_first.len >= SCRAM_BYTES_MAX - SCRAM_NONCE_BYTES - 128 ||
        memchr(client_first.ptr, '\0', client_first.len) != NULL)
        return err_set(err, ERR_PROTOCOL, "the first SCRAM message is too long, or no text");
    if (!part_take(&rest, ',', &flag) || !part_take(&rest, ',', &authzid))
        return err_set(err, ERR_PROTOCOL, "the first SCRAM message has no header");
    if (!binding_read(server, flag, channel, err)) return false;
    if (authzid.len > 0) return err_set(err, ERR_PROTOCOL, "SCRAM for another user's identity is not supported");
    bare = rest;
    if (bare.len > 2 && bare.ptr[0] == 'm' && bare.ptr[1] == '=')
        return err_set(err, ERR_PROTOCOL, "the first SCRAM message asks for an extension that is not known");
    if (!attribute_take(&rest, 'n', false, &user))
        return err_set(err, ERR_PROTOCOL, "the first SCRAM message names no user");
    const uint8_t *comma = rest.len > 0 ? memchr(rest.ptr, ',', rest.len) : NULL; /* extensions may follow: not ours */
    if (!attribute_take(&rest, 'r', comma == NULL, nonce) || !printable(*nonce))
        return err_set(err, ERR_PROTOCOL, "the first SCRAM message has no nonce");
    memcpy(server->first_bare, bare.ptr, bare.len);
    server->first_bare[bare.len] = '\0';
    return true;
}

bool scram_server_first(struct scram_server *server, const struct scram_verifier *verifier,
                        const struct scram_channel *channel, struct bytes client_first,
                        const char nonce[SCRAM_NONCE_BYTES + 1], struct err *err)
{
    struct bytes client_nonce;
    char salt[32];
    memset(server, 0, sizeof *server);
    server->verifier = *verifier;
    if (!first_read(server, channel, client_first, &client_nonce, err)) return false;
    snprintf(server->nonce, sizeof server->nonce, "%.*s%.*s", (int)client_nonce.len, (const char *)client_nonce.ptr,
             SCRAM_NONCE_BYTES, nonce);
    base64_text(verifier->salt, SCRAM_SALT_BYTES, salt);
    int len = snprintf(server->server_first, sizeof server->server_first, "r=%s,s=%s,i=%u", server->nonce, salt,
                       verifier->rounds);
    assert(len > 0 && (size_t)len < sizeof server->server_first);
    return true;
}

bool scram_server_proof(struct scram_server *server, struct bytes client_final, struct err *err)
{
    struct bytes rest = client_final, binding, nonce, proof_text;
    if (client_final.len >= SCRAM_BYTES_MAX || memchr(client_final.ptr, '\0', client_final.len) != NULL)
        return err_set(err, ERR_PROTOCOL, "the last SCRAM message is too long, or no text");
    if (!attribute_take(&rest, 'c', false, &binding) || !bytes_equal(binding, bytes_of_text(server->binding)))
        return err_set(err, ERR_PROTOCOL, "the last SCRAM message does not repeat the channel binding");
    if (!attribute_take(&rest, 'r', false, &nonce) || !bytes_equal(nonce, bytes_of_text(server->nonce)))
        return err_set(err, ERR_PROTOCOL, "the last SCRAM message does not repeat the nonce");
    while (rest.len > 2 && rest.ptr[0] != 'p' && part_take(&rest, ',', &proof_text)) {} /* extensions */
    size_t without_proof = client_final.len - rest.len;
    if (!attribute_take(&rest, 'p', true, &proof_text) || !base64_exact(proof_text, server->proof, SHA256_BYTES))
        return err_set(err, ERR_PROTOCOL, "the last SCRAM message has no proof");
    int len = snprintf(server->auth, sizeof server->auth, "%s,%s,%.*s", server->first_bare, server->server_first,
                       (int)(without_proof - 1), (const char *)client_final.ptr);
    assert(len > 0 && (size_t)len < sizeof server->auth);
    return true;
}

bool scram_server_is_right(const struct scram_server *server, const uint8_t stored_key[SHA256_BYTES])
{
    uint8_t client_key[SHA256_BYTES], stored[SHA256_BYTES];
    hmac_sha256(bytes_from(stored_key, SHA256_BYTES), bytes_of_text(server->auth), client_key);
    for (int i = 0; i < SHA256_BYTES; i++) client_key[i] ^= server->proof[i];
    sha256_of(bytes_from(client_key, sizeof client_key), stored);
    return bytes_equal_secret(bytes_from(stored, SHA256_BYTES), bytes_from(stored_key, SHA256_BYTES));
}

void scram_server_signature(const struct scram_server *server, const uint8_t server_key[SHA256_BYTES], char final[64])
{
    uint8_t signature[SHA256_BYTES];
    hmac_sha256(bytes_from(server_key, SHA256_BYTES), bytes_of_text(server->auth), signature);
    memcpy(final, "v=", 2);
    base64_text(signature, sizeof signature, final + 2);
}

bool scram_server_final(struct scram_server *server, struct bytes client_final, bool *is_right, char final[64],
                        struct err *err)
{
    *is_right = false;
    if (!scram_server_proof(server, client_final, err)) return false;
    *is_right = scram_server_is_right(server, server->verifier.stored_key);
    scram_server_signature(server, server->verifier.server_key, final);
    return true;
}
