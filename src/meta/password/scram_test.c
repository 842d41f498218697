/* SCRAM-SHA-256 against the example of RFC 7677, and what is not right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/base64.h"
#include "meta/password/scram.h"

#define NONCE "%hvYDpWUa2RaTCAfuxFIlj)h" /* 24 characters, of ours */
static const char client_first[] = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";

/* The example's verifier: password "pencil", 4,096 rounds. */
static struct scram_verifier example(void)
{
    struct scram_verifier verifier;
    uint8_t salt[24];
    size_t salt_len;
    assert_true(base64_read(BYTES("W22ZaJ0SNY7soEsUEjb6gQ=="), BASE64_PADDED, salt, &salt_len));
    scram_verifier_make(BYTES("pencil"), 4096, salt, &verifier);
    return verifier;
}

/* The client's half, as RFC 5802, 3 has it: its last message. */
static void client_final_make(const char *password, const struct scram_server *server, char text[4096])
{
    struct scram_verifier mine;
    uint8_t salted[32], client_key[32], stored[32], signature[32], step[32], first[20];
    char auth[4096], bare[2048], proof[64];
    memcpy(first, server->verifier.salt, 16);
    memcpy(first + 16, "\0\0\0\1", 4);
    hmac_sha256(bytes_of_text(password), bytes_from(first, 20), step);
    memcpy(salted, step, 32);
    for (uint32_t r = 1; r < server->verifier.rounds; r++) {
        hmac_sha256(bytes_of_text(password), bytes_from(step, 32), step);
        for (int i = 0; i < 32; i++) salted[i] ^= step[i];
    }
    hmac_sha256(bytes_from(salted, 32), BYTES("Client Key"), client_key);
    sha256_of(bytes_from(client_key, 32), stored);
    scram_verifier_make(bytes_of_text(password), server->verifier.rounds, server->verifier.salt, &mine);
    assert_memory_equal(mine.stored_key, stored, 32); /* the fast way gives what the plain one does */
    snprintf(bare, sizeof bare, "c=%s,r=%s", server->binding, server->nonce);
    snprintf(auth, sizeof auth, "%s,%s,%s", server->first_bare, server->server_first, bare);
    hmac_sha256(bytes_from(stored, 32), bytes_of_text(auth), signature);
    for (int i = 0; i < 32; i++) client_key[i] ^= signature[i];
    *base64_put((uint8_t *)proof, bytes_from(client_key, 32), true) = '\0';
    snprintf(text, 4096, "%s,p=%s", bare, proof);
}

/* Goal: the whole conversation of RFC 7677, 3. Its server nonce is shorter than ours: it is put in by hand. */
static void test_example(void **state)
{
    (void)state;
    struct scram_verifier verifier = example();
    struct scram_server server;
    struct err err = { 0 };
    char final[64];
    bool is_right;
    assert_true(scram_server_first(&server, &verifier, NULL, bytes_of_text(client_first), NONCE, &err));
    assert_string_equal(server.server_first, "r=rOprNGfwEbeRWgbNEkqO" NONCE ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
    strcpy(server.nonce, "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0");
    strcpy(server.server_first,
           "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
    static const char last[] = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                               "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
    assert_true(scram_server_final(&server, bytes_of_text(last), &is_right, final, &err));
    assert_true(is_right);
    assert_string_equal(final, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

/* Goal: the right password is right with either binding flag and with extensions; another, or nobody's, never is. */
static void test_passwords(void **state)
{
    (void)state;
    struct scram_verifier verifier = example(), nobody;
    struct scram_server server;
    struct err err = { 0 };
    char last[4096], final[64];
    bool is_right;
    static const char *const firsts[] = { "n,,n=,r=abc", "y,,n=x,r=abc", "n,,n=,r=abc,x=later" };
    for (size_t f = 0; f < COUNT_OF(firsts); f++) {
        assert_true(scram_server_first(&server, &verifier, NULL, bytes_of_text(firsts[f]), NONCE, &err));
        client_final_make("pencil", &server, last);
        assert_true(scram_server_final(&server, bytes_of_text(last), &is_right, final, &err) && is_right);
        client_final_make("pencils", &server, last);
        assert_true(scram_server_final(&server, bytes_of_text(last), &is_right, final, &err) && !is_right);
    }
    scram_verifier_of_nobody(BYTES("secret"), BYTES("a@example.com"), &nobody);
    nobody.rounds = 2;
    assert_true(scram_server_first(&server, &nobody, NULL, bytes_of_text(client_first), NONCE, &err));
    client_final_make("pencil", &server, last);
    assert_true(scram_server_final(&server, bytes_of_text(last), &is_right, final, &err) && !is_right);
}

/* Goal: a proof made for one certificate is none for another, and nobody can talk a client out of the binding. Method: the same
 * exchange with the right hash and with a wrong one; the flags that do not go with what was offered. */
static void test_channel_binding(void **state)
{
    (void)state;
    struct scram_verifier verifier = example();
    struct scram_server server;
    struct err err = { 0 };
    char last[4096], final[64], kept[SCRAM_BINDING_MAX];
    bool is_right;
    static const char bound[] = "p=tls-server-end-point,,n=,r=abc";
    struct scram_channel channel = { .end_point = BYTES("0123456789abcdef0123456789abcdef"), .is_plus = true };
    assert_true(scram_server_first(&server, &verifier, &channel, bytes_of_text(bound), NONCE, &err));
    client_final_make("pencil", &server, last);
    assert_true(scram_server_final(&server, bytes_of_text(last), &is_right, final, &err) && is_right);
    strcpy(kept, server.binding);
    channel.end_point = BYTES("0123456789abcdef0123456789abcdeX");
    assert_true(scram_server_first(&server, &verifier, &channel, bytes_of_text(bound), NONCE, &err));
    assert_string_not_equal(server.binding, kept);
    assert_false(scram_server_final(&server, bytes_of_text(last), &is_right, final, &err));
    assert_false(scram_server_first(&server, &verifier, &channel, BYTES("n,,n=,r=abc"), NONCE, &err));
    assert_false(scram_server_first(&server, &verifier, &channel, BYTES("p=tls-unique,,n=,r=abc"), NONCE, &err));
    channel.is_plus = false;
    assert_false(scram_server_first(&server, &verifier, &channel, BYTES("y,,n=,r=abc"), NONCE, &err));
    assert_false(scram_server_first(&server, &verifier, &channel, bytes_of_text(bound), NONCE, &err));
    assert_true(scram_server_first(&server, &verifier, &channel, BYTES("n,,n=,r=abc"), NONCE, &err));
}

/* Goal: what is not SCRAM is refused in words. */
static void test_refusals(void **state)
{
    (void)state;
    struct scram_verifier verifier = example();
    struct scram_server server;
    struct err err = { 0 };
    char final[64], long_one[2000], last[4096];
    bool is_right;
    memset(long_one, 'a', sizeof long_one - 1);
    long_one[sizeof long_one - 1] = '\0';
    memcpy(long_one, "n,,n=,r=", 8);
    const char *const firsts[] = { "",
                                   "n",
                                   "n,",
                                   "n,,",
                                   "n,,r=a",
                                   "n,,n=,r=",
                                   "x,,n=,r=a",
                                   "p=tls-unique,,n=,r=a",
                                   "n,a=root,n=,r=a",
                                   "n,,m=x,n=,r=a",
                                   "n,,n=,r=a\x01",
                                   long_one };
    for (size_t f = 0; f < COUNT_OF(firsts); f++) {
        assert_false(scram_server_first(&server, &verifier, NULL, bytes_of_text(firsts[f]), NONCE, &err));
        assert_int_equal(err.code, ERR_PROTOCOL);
    }
    assert_true(scram_server_first(&server, &verifier, NULL, bytes_of_text(client_first), NONCE, &err));
    snprintf(last, sizeof last, "c=biws,r=%s,p=%s", server.nonce, long_one);
    const char *const finals[] = { "",
                                   "c=biws",
                                   "c=biws,r=x,p=AAAA",
                                   "c=eSws,r=rOprNGfwEbeRWgbNEkqO" NONCE ",p=AAAA",
                                   "c=biws,r=rOprNGfwEbeRWgbNEkqO" NONCE,
                                   "c=biws,r=rOprNGfwEbeRWgbNEkqO" NONCE ",p=AAAA",
                                   "c=biws,r=rOprNGfwEbeRWgbNEkqO" NONCE ",p=!",
                                   last };
    for (size_t f = 0; f < COUNT_OF(finals); f++) {
        assert_false(scram_server_final(&server, bytes_of_text(finals[f]), &is_right, final, &err));
        assert_false(is_right);
    }
}

/* Goal: a verifier is read back from its text, which is PostgreSQL's; what is none is told. */
static void test_text(void **state)
{
    (void)state;
    struct scram_verifier verifier = example(), back;
    struct err err = { 0 };
    char text[SCRAM_TEXT_BYTES];
    scram_verifier_to_text(&verifier, text);
    assert_string_equal(text,
                        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
                        "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=");
    assert_true(scram_verifier_from_text(bytes_of_text(text), &back, &err));
    assert_memory_equal(&back, &verifier, sizeof back);
    for (size_t cut = 0; cut < strlen(text); cut++)
        assert_false(scram_verifier_from_text(bytes_from(text, cut), &back, &err));
    scram_verifier_make(bytes_of_text("pencil"), SCRAM_ROUNDS, verifier.salt, &verifier);
    scram_verifier_to_text(&verifier, text);
    assert_true(scram_verifier_from_text(bytes_of_text(text), &back, &err) && back.rounds == SCRAM_ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_example),  cmocka_unit_test(test_passwords), cmocka_unit_test(test_channel_binding),
        cmocka_unit_test(test_refusals), cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
