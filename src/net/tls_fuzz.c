/* Bytes of anybody into a TLS server session.
 *
 * The first byte says: bit 0 feed in small steps; bit 1 the port asks for ALPN "h2"; bit 2 it asks for clients'
 * certificates; bit 3 and no other above bit 1: shake hands with a real client first, send the bytes through it,
 * then as they are. That costs as much as 20 others: OpenSSL works, whom the fuzzer does not see. */
#include <stdlib.h>

#include "net/tls.h"
#include "net/tls_files.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_BYTES_MAX = 16 << 10 };

static struct {
    struct tls_context *plain, *strict, *client;
} contexts;

static void contexts_open(void)
{
    static const struct log quiet = { .fd = 2, .level_min = LOG_ERROR };
    char dir[] = "/tmp/tls_fuzz.XXXXXX", ca[60], cert[60], key[60];
    struct tls_authority authority;
    struct err err = { 0 };
    if (mkdtemp(dir) == NULL) abort();
    snprintf(ca, sizeof ca, "%s/ca.crt", dir);
    snprintf(cert, sizeof cert, "%s/server.crt", dir);
    snprintf(key, sizeof key, "%s/server.key", dir);
    tls_authority_init(&authority, dir, "ca");
    tls_authority_sign(&authority, dir, "server", (struct tls_wish){ 0 });
    tls_authority_deinit(&authority);
    struct tls_files files = { cert, key, NULL }, strict = { cert, key, ca };
    bool ok = tls_context_open(&contexts.plain, &files, &quiet, &err) &&
              tls_context_open(&contexts.strict, &strict, &quiet, &err) &&
              tls_context_open_client(&contexts.client, ca, cert, key, &err);
    if (!ok || unlink(ca) == -1 || unlink(cert) == -1 || unlink(key) == -1 || rmdir(dir) == -1) abort();
}

/* Reads all there is; false when the session is broken. */
static bool drain(struct tls_session *session, struct buf *got)
{
    uint8_t in[3000];
    size_t len;
    struct err err = { 0 };
    do {
        if (!tls_session_read(session, in, sizeof in, &len, &err)) {
            if (err.code != ERR_PROTOCOL || err.text[0] == '\0') abort();
            return false;
        }
        if (got != NULL && !buf_add(got, in, len)) abort();
    } while (len > 0);
    if (!tls_session_is_hungry(session)) abort();
    return true;
}

static void pass(struct tls_session *from, struct tls_session *to, struct buf *got)
{
    uint8_t bytes[5000];
    size_t len;
    while ((len = tls_session_fill(from, bytes, sizeof bytes)) > 0) {
        tls_session_feed(to, bytes_from(bytes, len));
        if (!drain(to, got)) abort();
    }
}

static void shake_hands(struct tls_session *server, struct bytes bytes)
{
    struct tls_session *client = tls_session_connect(contexts.client, "localhost", "h2");
    struct err err = { 0 };
    struct buf got;
    buf_init(&got, 2 * INPUT_BYTES_MAX);
    if (!drain(client, NULL)) abort();
    for (int round = 0; round < 3; round++) {
        pass(client, server, NULL);
        pass(server, client, NULL);
    }
    if (!tls_session_is_ready(client) || !tls_session_is_ready(server)) abort();
    if (!tls_session_write(client, bytes, &err)) abort();
    pass(client, server, &got);
    if (!bytes_equal(buf_bytes(&got), bytes)) abort();
    buf_deinit(&got);
    tls_session_destroy(client);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    if (contexts.plain == NULL) contexts_open();
    uint8_t mode = data[0];
    struct bytes bytes = { data + 1, size - 1 < INPUT_BYTES_MAX ? size - 1 : INPUT_BYTES_MAX };
    struct tls_session *session =
        tls_session_accept((mode & 4) != 0 ? contexts.strict : contexts.plain, (mode & 2) != 0 ? "h2" : NULL);
    if (mode >> 2 == 2) shake_hands(session, bytes);
    size_t step_max = (mode & 1) != 0 ? 1 + bytes.len / 50 : bytes.len;
    uint8_t out[1000];
    bool is_whole = true;
    while (is_whole && bytes.len > 0) {
        size_t step = bytes.len < step_max ? bytes.len : step_max;
        tls_session_feed(session, bytes_from(bytes.ptr, step));
        is_whole = drain(session, NULL);
        bytes.ptr += step;
        bytes.len -= step;
        while (tls_session_fill(session, out, sizeof out) > 0) {}
    }
    tls_session_end(session);
    while (tls_session_fill(session, out, sizeof out) > 0) {}
    if (tls_session_unsent(session) != 0) abort();
    tls_session_destroy(session);
    return 0;
}
