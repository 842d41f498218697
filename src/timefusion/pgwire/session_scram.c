#include "base/base64.h"
#include "meta/password/scram.h"
#include "timefusion/pgwire/pgtype.h"
#include "timefusion/pgwire/session_inside.h"
#include <stdlib.h>
#include <sys/random.h>

enum { SASL = 10, SASL_CONTINUE = 11, SASL_FINAL = 12 };
#define MECHANISM "SCRAM-SHA-256"

static bool sasl_send(struct session *session, uint32_t step, struct bytes data, struct err *err)
{
    size_t at;
    if (!message_begin(&session->out, 'R', &at) || !pgtype_put_u32(&session->out, step) ||
        !buf_add(&session->out, data.ptr, data.len))
        return session_out_full(err);
    message_finish(&session->out, at);
    return session_out_send(session, err);
}

/* The client's next message; *has_come false when the conversation is over. */
static bool sasl_read(struct session *session, struct message *message, bool *has_come, struct err *err)
{
    size_t frame_bytes;
    *has_come = false;
    if (!session_frame_read(session, true, STARTUP_MS, &frame_bytes, err)) return false;
    if (frame_bytes == 0) return true;
    *message = session_frame_take(session, true, frame_bytes);
    *has_come = message->type == 'p';
    if (!*has_come) session_send_fatal(session, "08P01", "a SASL message was expected");
    return true;
}

static void nonce_make(char nonce[SCRAM_NONCE_BYTES + 1])
{
    uint8_t random[SCRAM_NONCE_BYTES / 4 * 3];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) abort();
    *base64_put((uint8_t *)nonce, bytes_from(random, sizeof random), true) = '\0';
}

/* SASLInitialResponse: the mechanism, a length, the client's first message. */
static bool first_take(struct message *message, struct bytes *first, struct err *err)
{
    struct bytes mechanism = message_text(message);
    uint32_t len = message_u32(message);
    if (!message->is_bad && !bytes_equal(mechanism, BYTES(MECHANISM)))
        return err_set(err, ERR_PROTOCOL, "SASL mechanism \"%.*s\" was not offered; " MECHANISM " is",
                       (int)(mechanism.len < 40 ? mechanism.len : 40), (const char *)mechanism.ptr);
    *first = message_bytes(message, len);
    return message_end_check(message, err);
}

/* The three steps. is_right: the client knows the password. False with err->code ERR_OK: it has left. */
static bool exchange(struct session *session, const struct scram_verifier *verifier, bool *is_right, char final[64],
                     bool *has_left, struct err *refusal, struct err *err)
{
    struct scram_server server;
    struct message message;
    struct bytes data;
    bool has_come;
    char nonce[SCRAM_NONCE_BYTES + 1];
    static const char offered[] = MECHANISM "\0"; /* a list: its end is a NUL of its own */
    *has_left = true;
    if (!sasl_send(session, SASL, bytes_from(offered, sizeof offered), err) ||
        !sasl_read(session, &message, &has_come, err))
        return false;
    if (!has_come) return true;
    *has_left = false;
    nonce_make(nonce);
    if (!first_take(&message, &data, refusal) || !scram_server_first(&server, verifier, data, nonce, refusal))
        return true;
    if (!sasl_send(session, SASL_CONTINUE, bytes_of_text(server.server_first), err) ||
        !sasl_read(session, &message, &has_come, err))
        return false;
    *has_left = !has_come;
    if (!has_come) return true;
    data = bytes_from(message.at, (size_t)(message.end - message.at));
    (void)!scram_server_final(&server, data, is_right, final, refusal);
    return true;
}

bool session_scram(struct session *session, const char *user, const char *database, struct pgwire_user *who,
                   bool *is_let_in, struct err *err)
{
    const struct pgwire_login *login = &session->options.server->login;
    struct scram_verifier verifier;
    struct err refusal = { 0 };
    char address[64], final[64];
    bool is_right = false, has_left;
    *is_let_in = false;
    tcp_peer(session->tcp, address, sizeof address);
    if (!login->person_begin(login->ctx, bytes_of_text(user), address, &verifier, &refusal)) {
        session_send_fatal(session, err_sqlstate(refusal.code), refusal.text);
        return true;
    }
    if (!exchange(session, &verifier, &is_right, final, &has_left, &refusal, err)) return false;
    if (has_left) return true; /* psql asks its user for the password then, and comes again */
    if (refusal.code == ERR_OK)
        *is_let_in = login->person_end(login->ctx, bytes_of_text(user), address, is_right, bytes_of_text(database), who,
                                       &refusal);
    if (*is_let_in) return sasl_send(session, SASL_FINAL, bytes_of_text(final), err);
    session_send_fatal(session, err_sqlstate(refusal.code), refusal.text);
    return true;
}
