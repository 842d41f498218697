/* Real handshakes of tls.h's two sides, in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <openssl/ssl.h>
#include <cmocka.h>

#include "net/tls.h"
#include "net/tls_files.h"

struct fixture {
    char dir[60];
    char ca[80], cert[80], key[80], client_cert[80], client_key[80], other_ca[80], stranger_cert[80], stranger_key[80];
    struct tls_authority authority, other;
    struct log log;
    int log_pipe[2];
};

static void path_in(const struct fixture *fixture, char out[80], const char *name)
{
    snprintf(out, 80, "%s/%s", fixture->dir, name);
}

static int fixture_open(void **state)
{
    struct fixture *fixture = mem_calloc(1, sizeof *fixture);
    snprintf(fixture->dir, sizeof fixture->dir, "/tmp/tls_test.XXXXXX");
    assert_non_null(mkdtemp(fixture->dir));
    tls_authority_init(&fixture->authority, fixture->dir, "ca");
    tls_authority_init(&fixture->other, fixture->dir, "other");
    tls_authority_sign(&fixture->authority, fixture->dir, "server", (struct tls_wish){ 0 });
    tls_authority_sign(&fixture->authority, fixture->dir, "client", (struct tls_wish){ .names = "DNS:a.client" });
    tls_authority_sign(&fixture->other, fixture->dir, "stranger", (struct tls_wish){ 0 });
    path_in(fixture, fixture->ca, "ca.crt");
    path_in(fixture, fixture->other_ca, "other.crt");
    path_in(fixture, fixture->cert, "server.crt");
    path_in(fixture, fixture->key, "server.key");
    path_in(fixture, fixture->client_cert, "client.crt");
    path_in(fixture, fixture->client_key, "client.key");
    path_in(fixture, fixture->stranger_cert, "stranger.crt");
    path_in(fixture, fixture->stranger_key, "stranger.key");
    assert_int_equal(pipe(fixture->log_pipe), 0);
    fixture->log = (struct log){ .fd = fixture->log_pipe[1], .level_min = LOG_INFO };
    *state = fixture;
    return 0;
}

static int fixture_close(void **state)
{
    struct fixture *fixture = *state;
    char command[100];
    tls_authority_deinit(&fixture->authority);
    tls_authority_deinit(&fixture->other);
    close(fixture->log_pipe[0]);
    close(fixture->log_pipe[1]);
    snprintf(command, sizeof command, "rm -r %s", fixture->dir);
    assert_int_equal(system(command), 0);
    free(fixture);
    return 0;
}

/* What was logged since the last look. */
static void log_read(struct fixture *fixture, char *out, size_t out_bytes)
{
    assert_int_equal(write(fixture->log_pipe[1], "\n", 1), 1); /* so that there is something */
    ssize_t len = read(fixture->log_pipe[0], out, out_bytes - 1);
    assert_true(len > 0);
    out[len] = '\0';
}

static struct tls_context *server_open(struct fixture *fixture, const char *client_ca)
{
    struct tls_context *context;
    struct err err = { 0 };
    struct tls_files files = { fixture->cert, fixture->key, client_ca };
    if (!tls_context_open(&context, &files, &fixture->log, &err)) fail_msg("%s", err.text);
    return context;
}

static struct tls_context *client_open(const char *ca, const char *cert, const char *key)
{
    struct tls_context *context;
    struct err err = { 0 };
    if (!tls_context_open_client(&context, ca, cert, key, &err)) fail_msg("%s", err.text);
    return context;
}

/* ---- a client and a server, and what passes between them ---- */

struct pair {
    struct tls_session *client, *server;
    struct err client_err, server_err; /* ERR_OK: none */
    struct buf client_got, server_got;
    size_t step; /* the wire gives that many bytes at once; 0: all */
};

static void pair_open(struct pair *pair, struct tls_context *client, struct tls_context *server, const char *host,
                      const char *client_alpn, const char *server_alpn)
{
    *pair = (struct pair){ 0 };
    pair->client = tls_session_connect(client, host, client_alpn);
    pair->server = tls_session_accept(server, server_alpn);
    buf_init(&pair->client_got, 1 << 24);
    buf_init(&pair->server_got, 1 << 24);
}

static void pair_close(struct pair *pair)
{
    tls_session_destroy(pair->client);
    tls_session_destroy(pair->server);
    buf_deinit(&pair->client_got);
    buf_deinit(&pair->server_got);
}

static void session_read(struct tls_session *session, struct buf *got, struct err *err)
{
    uint8_t in[5000];
    size_t len;
    do {
        if (!tls_session_read(session, in, sizeof in, &len, err)) return;
        assert_true(buf_add(got, in, len));
    } while (len > 0);
    assert_true(tls_session_is_hungry(session));
}

static bool wire(struct pair *pair, struct tls_session *from, struct tls_session *to, struct buf *got, struct err *err)
{
    uint8_t bytes[65536];
    size_t len = tls_session_fill(from, bytes, pair->step != 0 ? pair->step : sizeof bytes);
    if (len == 0) return false;
    tls_session_feed(to, bytes_from(bytes, len));
    session_read(to, got, err);
    return true;
}

/* Until neither side has anything to send. */
static void pair_run(struct pair *pair)
{
    bool is_busy = true;
    session_read(pair->client, &pair->client_got, &pair->client_err); /* its hello */
    while (is_busy) {
        is_busy = wire(pair, pair->client, pair->server, &pair->server_got, &pair->server_err);
        is_busy |= wire(pair, pair->server, pair->client, &pair->client_got, &pair->client_err);
    }
}

static void assert_pair_ready(struct pair *pair)
{
    pair_run(pair);
    if (pair->client_err.code != ERR_OK) fail_msg("client: %s", pair->client_err.text);
    if (pair->server_err.code != ERR_OK) fail_msg("server: %s", pair->server_err.text);
    assert_true(tls_session_is_ready(pair->client));
    assert_true(tls_session_is_ready(pair->server));
}

static void assert_error(const struct err *err, const char *part)
{
    assert_int_not_equal(err->code, ERR_OK);
    if (strstr(err->text, part) == NULL) fail_msg("\"%s\" does not say \"%s\"", err->text, part);
}

static void say(struct tls_session *session, struct bytes bytes)
{
    struct err err = { 0 };
    if (!tls_session_write(session, bytes, &err)) fail_msg("%s", err.text);
}

/* ---- the tests ---- */

/* Goal: both sides hear each other, whatever the size and however the wire cuts it; the end is told.
 * Method: 1 MB each way, by single bytes (a short one), in 1,000s and whole; by name, IPv4 and IPv6. */
static void test_talk(void **state)
{
    struct fixture *fixture = *state;
    struct tls_context *server = server_open(fixture, NULL), *client = client_open(fixture->ca, NULL, NULL);
    static const struct {
        size_t step, bytes;
        const char *host;
    } rounds[] = { { 0, 1000000, "localhost" }, { 1000, 1000000, "127.0.0.1" }, { 1, 3000, "::1" } };
    uint8_t *payload = mem_alloc(1000000);
    for (size_t i = 0; i < 1000000; i++) payload[i] = (uint8_t)(i * 31 ^ i >> 9);
    for (size_t i = 0; i < COUNT_OF(rounds); i++) {
        struct pair pair;
        struct bytes bytes = { payload, rounds[i].bytes };
        pair_open(&pair, client, server, rounds[i].host, "h2", "h2");
        pair.step = rounds[i].step;
        assert_pair_ready(&pair);
        say(pair.client, bytes);
        say(pair.server, bytes);
        pair_run(&pair);
        assert_true(bytes_equal(buf_bytes(&pair.server_got), bytes));
        assert_true(bytes_equal(buf_bytes(&pair.client_got), bytes));
        assert_false(tls_session_has_ended(pair.client));
        tls_session_end(pair.server);
        pair_run(&pair);
        assert_true(tls_session_has_ended(pair.client));
        assert_int_equal(pair.client_err.code, ERR_OK);
        pair_close(&pair);
    }
    free(payload);
    tls_context_close(client);
    tls_context_close(server);
}

/* Goal: a client trusts only whom it was told to trust, and only for the name it asked for; each side says what is wrong.
 * Method: another authority, another name, another address. */
static void test_client_checks(void **state)
{
    struct fixture *fixture = *state;
    struct tls_context *server = server_open(fixture, NULL);
    const struct {
        const char *ca, *host, *client_text, *server_text;
    } cases[] = {
        { fixture->other_ca, "localhost", "unable to get local issuer certificate", "does not trust who signed" },
        { fixture->ca, "example.org", "hostname mismatch", "does not accept our certificate" },
        { fixture->ca, "10.0.0.1", "IP address mismatch", "does not accept our certificate" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct tls_context *client = client_open(cases[i].ca, NULL, NULL);
        struct pair pair;
        pair_open(&pair, client, server, cases[i].host, "h2", "h2");
        pair_run(&pair);
        assert_error(&pair.client_err, cases[i].client_text);
        assert_error(&pair.server_err, cases[i].server_text);
        assert_false(tls_session_is_ready(pair.server));
        pair_close(&pair);
        tls_context_close(client);
    }
    tls_context_close(server);
}

/* Goal: with a clients' CA only clients that it has signed get in. Method: its client, one without a certificate, one of
 * another authority, one whose certificate is expired. */
static void test_client_certificates(void **state)
{
    struct fixture *fixture = *state;
    char old_cert[80], old_key[80];
    path_in(fixture, old_cert, "old.crt");
    path_in(fixture, old_key, "old.key");
    tls_authority_sign(&fixture->authority, fixture->dir, "old",
                       (struct tls_wish){ .from_s = -7200, .until_s = -3600 });
    struct tls_context *server = server_open(fixture, fixture->ca);
    const struct {
        const char *cert, *key, *server_text;
    } cases[] = {
        { fixture->client_cert, fixture->client_key, NULL },
        { NULL, NULL, "sent no certificate" },
        { fixture->stranger_cert, fixture->stranger_key, "unable to get local issuer certificate" },
        { old_cert, old_key, "certificate has expired" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct tls_context *client = client_open(fixture->ca, cases[i].cert, cases[i].key);
        struct pair pair;
        pair_open(&pair, client, server, "localhost", "h2", "h2");
        pair_run(&pair);
        if (cases[i].server_text == NULL) {
            assert_pair_ready(&pair);
        } else {
            assert_error(&pair.server_err, cases[i].server_text);
            assert_int_not_equal(pair.client_err.code, ERR_OK); /* it hears of it */
            assert_int_equal(pair.server_got.len, 0);
        }
        pair_close(&pair);
        tls_context_close(client);
    }
    tls_context_close(server);
}

/* Goal: a port takes those who want to speak what it speaks, and those who do not say (RFC 7301, 3.2). */
static void test_alpn(void **state)
{
    struct fixture *fixture = *state;
    struct tls_context *server = server_open(fixture, NULL), *client = client_open(fixture->ca, NULL, NULL);
    const struct {
        const char *client, *server;
        bool is_taken;
    } cases[] = {
        { "h2", "h2", true }, { NULL, "h2", true },   { "http/1.1", "h2", false },  { "h2", "http/1.1", false },
        { "h", "h2", false }, { "h22", "h2", false }, { "postgresql", NULL, true }, { "http/1.1", "http/1.1", true },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct pair pair;
        pair_open(&pair, client, server, "localhost", cases[i].client, cases[i].server);
        if (cases[i].is_taken) {
            assert_pair_ready(&pair);
        } else {
            pair_run(&pair);
            assert_error(&pair.server_err, "offers other protocols than");
            assert_error(&pair.client_err, "does not speak our protocol");
        }
        pair_close(&pair);
    }
    tls_context_close(client);
    tls_context_close(server);
}

/* Goal: TLS 1.1 and older are refused, in words. Method: OpenSSL's own client, made to offer 1.1 alone. */
static void test_old_tls(void **state)
{
    struct fixture *fixture = *state;
    struct tls_context *server = server_open(fixture, NULL);
    struct tls_session *session = tls_session_accept(server, "h2");
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_security_level(context, 0);
    assert_int_equal(SSL_CTX_set_min_proto_version(context, TLS1_VERSION), 1);
    assert_int_equal(SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION), 1);
    SSL *client = SSL_new(context);
    BIO *out = BIO_new(BIO_s_mem());
    SSL_set_bio(client, BIO_new(BIO_s_mem()), out);
    assert_int_equal(SSL_connect(client), -1);
    uint8_t hello[2000], in[100];
    int hello_len = BIO_read(out, hello, sizeof hello);
    assert_true(hello_len > 0);
    size_t len;
    struct err err = { 0 };
    tls_session_feed(session, bytes_from(hello, (size_t)hello_len));
    assert_false(tls_session_read(session, in, sizeof in, &len, &err));
    assert_error(&err, "1.2 is the least");
    assert_true(tls_session_unsent(session) > 0); /* the alert */
    SSL_free(client);
    SSL_CTX_free(context);
    tls_session_destroy(session);
    tls_context_close(server);
}

/* Goal: bytes that are not TLS end a session, before and after the handshake, and never twice otherwise. */
static void test_garbage(void **state)
{
    struct fixture *fixture = *state;
    struct tls_context *server = server_open(fixture, NULL), *client = client_open(fixture->ca, NULL, NULL);
    uint8_t in[100], garbage[300];
    size_t len;
    for (size_t i = 0; i < sizeof garbage; i++) garbage[i] = (uint8_t)(i * 7 + 1);
    struct tls_session *session = tls_session_accept(server, "h2");
    for (int i = 0; i < 2; i++) {
        struct err err = { 0 };
        tls_session_feed(session, bytes_from(garbage, sizeof garbage));
        assert_false(tls_session_read(session, in, sizeof in, &len, &err));
        assert_int_equal(err.code, ERR_PROTOCOL);
        assert_true(tls_session_is_hungry(session));
    }
    tls_session_destroy(session);

    struct pair pair;
    pair_open(&pair, client, server, "localhost", "h2", "h2");
    assert_pair_ready(&pair);
    garbage[0] = 23; /* a record of application data, by its head */
    garbage[1] = garbage[2] = 3;
    garbage[3] = 0;
    garbage[4] = 100;
    tls_session_feed(pair.server, bytes_from(garbage, sizeof garbage));
    assert_false(tls_session_read(pair.server, in, sizeof in, &len, &pair.server_err));
    assert_false(tls_session_is_ready(pair.server));
    assert_false(tls_session_write(pair.server, BYTES("x"), &pair.server_err));
    pair_close(&pair);
    tls_context_close(client);
    tls_context_close(server);
}

/* Goal: after a reload new sessions show the new certificate, and those that were there go on; a reload that fails
 * changes nothing and says what is wrong with which file. */
static void test_reload(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    char command[400];
    struct tls_context *server = server_open(fixture, NULL), *client = client_open(fixture->ca, NULL, NULL);
    struct tls_context *other_client = client_open(fixture->other_ca, NULL, NULL);
    struct pair before, after, fresh;
    pair_open(&before, client, server, "localhost", "h2", "h2");
    assert_pair_ready(&before);

    /* The key of one and the certificate of the other. */
    snprintf(command, sizeof command, "cp %s %s", fixture->stranger_cert, fixture->cert);
    assert_int_equal(system(command), 0);
    assert_false(tls_context_reload(server, &err));
    assert_error(&err, "does not belong to the certificate");
    assert_error(&err, fixture->key);
    pair_open(&after, client, server, "localhost", "h2", "h2");
    assert_pair_ready(&after); /* with the old ones */
    pair_close(&after);

    snprintf(command, sizeof command, "cp %s %s", fixture->stranger_key, fixture->key);
    assert_int_equal(system(command), 0);
    if (!tls_context_reload(server, &err)) fail_msg("%s", err.text);
    pair_open(&fresh, other_client, server, "localhost", "h2", "h2");
    assert_pair_ready(&fresh);
    pair_close(&fresh);
    say(before.client, BYTES("still"));
    say(before.server, BYTES("here"));
    pair_run(&before);
    assert_true(bytes_equal(buf_bytes(&before.server_got), BYTES("still")));
    assert_true(bytes_equal(buf_bytes(&before.client_got), BYTES("here")));
    pair_close(&before);
    tls_context_close(client);
    tls_context_close(other_client);
    tls_context_close(server);
}

/* Goal: each thing that can be wrong with the files is told by the file's name and in words. */
static void test_wrong_files(void **state)
{
    struct fixture *fixture = *state;
    char missing[80], empty[80], locked[80], command[400];
    path_in(fixture, missing, "missing.pem");
    path_in(fixture, empty, "empty.pem");
    path_in(fixture, locked, "locked.pem");
    tls_pem_write(empty, NULL, NULL);
    FILE *file = fopen(locked, "we");
    assert_non_null(file);
    assert_int_equal(PEM_write_PrivateKey(file, fixture->other.key, EVP_aes_128_cbc(), (const uint8_t *)"secret", 6,
                                          NULL, NULL),
                     1);
    fclose(file);
    const struct {
        struct tls_files files;
        const char *name, *text;
    } cases[] = {
        { { missing, fixture->key, NULL }, missing, "No such file" },
        { { fixture->cert, missing, NULL }, missing, "No such file" },
        { { fixture->cert, fixture->key, missing }, missing, "No such file" },
        { { empty, fixture->key, NULL }, empty, "cannot use the certificate" },
        { { fixture->key, fixture->key, NULL }, fixture->key, "cannot use the certificate" },
        { { fixture->cert, empty, NULL }, empty, "cannot read a key in PEM" },
        { { fixture->cert, fixture->cert, NULL }, fixture->cert, "cannot read a key in PEM" },
        { { fixture->cert, fixture->stranger_key, NULL }, fixture->stranger_key, "does not belong to the certificate" },
        { { fixture->cert, locked, NULL }, locked, "has a password" },
        { { fixture->cert, fixture->key, empty }, empty, "cannot read certificates in PEM" },
        { { fixture->cert, fixture->key, fixture->key }, fixture->key, "cannot read certificates in PEM" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct tls_context *context;
        struct err err = { 0 };
        assert_false(tls_context_open(&context, &cases[i].files, &fixture->log, &err));
        assert_int_equal(err.code, ERR_INPUT);
        assert_error(&err, cases[i].name);
        assert_error(&err, cases[i].text);
        assert_null(context);
        assert_false(tls_context_open_client(&context, missing, NULL, NULL, &err));
        assert_error(&err, "No such file");
    }
    snprintf(command, sizeof command, "cat %s >> %s", fixture->ca, fixture->cert); /* a chain is fine */
    assert_int_equal(system(command), 0);
    tls_context_close(server_open(fixture, fixture->other_ca));
}

/* Goal: a certificate that is out of its time is used, and the log warns. */
static void test_out_of_time(void **state)
{
    struct fixture *fixture = *state;
    char text[4000];
    tls_context_close(server_open(fixture, NULL));
    log_read(fixture, text, sizeof text);
    assert_non_null(strstr(text, "tls.loaded"));
    assert_null(strstr(text, "WARN"));
    tls_authority_sign(&fixture->authority, fixture->dir, "server",
                       (struct tls_wish){ .from_s = -7200, .until_s = -3600 });
    tls_context_close(server_open(fixture, NULL));
    log_read(fixture, text, sizeof text);
    assert_non_null(strstr(text, "tls.certificate_expired"));
    tls_authority_sign(&fixture->authority, fixture->dir, "server", (struct tls_wish){ .from_s = 3600 });
    tls_context_close(server_open(fixture, NULL));
    log_read(fixture, text, sizeof text);
    assert_non_null(strstr(text, "tls.certificate_not_yet_valid"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)
    const struct CMUnitTest tests[] = {
        TEST(test_talk),   TEST(test_client_checks), TEST(test_client_certificates),
        TEST(test_alpn),   TEST(test_old_tls),       TEST(test_garbage),
        TEST(test_reload), TEST(test_wrong_files),   TEST(test_out_of_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
