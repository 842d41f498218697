#include "base/base64.h"
#include "meta/password/scram.h"
#include "net/tls.h"
#include "timefusion/pgwire/pgtype.h"
#include "timefusion/pgwire/session_inside.h"
#include <stdlib.h>
#include <sys/random.h>

enum { SASL = 10, SASL_CONTINUE = 11, SASL_FINAL = 12 };
#define MECHANISM      "SCRAM-SHA-256"
#define MECHANISM_PLUS "SCRAM-SHA-256-PLUS"

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
static bool first_take(struct message *message, struct scram_channel *channel, struct bytes *first, struct err *err)
{
    struct bytes mechanism = message_text(message);
    uint32_t len = message_u32(message);
    channel->is_plus = channel->end_point.len > 0 && bytes_equal(mechanism, BYTES(MECHANISM_PLUS));
    if (!message->is_bad && !channel->is_plus && !bytes_equal(mechanism, BYTES(MECHANISM)))
        return err_set(err, ERR_PROTOCOL, "SASL mechanism \"%.*s\" was not offered; " MECHANISM " is",
                       (int)(mechanism.len < 40 ? mechanism.len : 40), (const char *)mechanism.ptr);
    *first = message_bytes(message, len);
    return message_end_check(message, err);
}

/* A list of texts; its end is a NUL of its own. */
static bool mechanisms_send(struct session *session, bool has_plus, struct err *err)
{
    static const char all[] = MECHANISM_PLUS "\0" MECHANISM "\0", plain[] = MECHANISM "\0";
    return sasl_send(session, SASL, has_plus ? bytes_from(all, sizeof all) : bytes_from(plain, sizeof plain), err);
}

/* The steps up to the proof, which server has then, unless refusal says what was wrong with it. False with err->code ERR_OK: the
 * client has left. */
static bool exchange(struct session *session, const struct scram_verifier *verifier, struct scram_server *server,
                     bool *has_left, struct err *refusal, struct err *err)
{
    struct message message;
    struct bytes data;
    bool has_come;
    char nonce[SCRAM_NONCE_BYTES + 1];
    uint8_t end_point[TLS_END_POINT_BYTES];
    const struct tls_session *tls = tcp_tls(session->tcp);
    struct scram_channel channel = { .end_point =
                                         bytes_from(end_point, tls ? tls_session_end_point(tls, end_point) : 0) };
    *has_left = true;
    if (!mechanisms_send(session, channel.end_point.len > 0, err) || !sasl_read(session, &message, &has_come, err))
        return false;
    if (!has_come) return true;
    *has_left = false;
    nonce_make(nonce);
    if (!first_take(&message, &channel, &data, refusal) ||
        !scram_server_first(server, verifier, &channel, data, nonce, refusal))
        return true;
    if (!sasl_send(session, SASL_CONTINUE, bytes_of_text(server->server_first), err) ||
        !sasl_read(session, &message, &has_come, err))
        return false;
    *has_left = !has_come;
    if (!has_come) return true;
    data = bytes_from(message.at, (size_t)(message.end - message.at));
    (void)!scram_server_proof(server, data, refusal);
    return true;
}

static bool answer(struct session *session, bool is_let_in, const struct scram_server *server,
                   const uint8_t server_key[SHA256_BYTES], const struct err *refusal, struct err *err)
{
    char final[64];
    if (!is_let_in) {
        session_send_fatal(session, err_sqlstate(refusal->code), refusal->text);
        return true;
    }
    scram_server_signature(server, server_key, final);
    return sasl_send(session, SASL_FINAL, bytes_of_text(final), err);
}

bool session_scram_person(struct session *session, const char *user, const char *database, struct pgwire_user *who,
                          bool *is_let_in, struct err *err)
{
    const struct pgwire_login *login = &session->options.server->login;
    struct scram_verifier verifier;
    struct scram_server server;
    struct err refusal = { 0 };
    char address[64];
    bool has_left;
    *is_let_in = false;
    tcp_peer(session->tcp, address, sizeof address);
    if (!login->person_begin(login->ctx, bytes_of_text(user), address, &verifier, &refusal)) {
        session_send_fatal(session, err_sqlstate(refusal.code), refusal.text);
        return true;
    }
    if (!exchange(session, &verifier, &server, &has_left, &refusal, err)) return false;
    if (has_left) return true; /* psql asks its user for the password then, and comes again */
    if (refusal.code == ERR_OK)
        *is_let_in = login->person_end(login->ctx, bytes_of_text(user), address,
                                       scram_server_is_right(&server, verifier.stored_key), bytes_of_text(database),
                                       who, &refusal);
    return answer(session, *is_let_in, &server, verifier.server_key, &refusal, err);
}

bool session_scram_key(struct session *session, const char *user, const struct scram_verifier *verifier,
                       struct pgwire_user *who, bool *is_let_in, struct err *err)
{
    const struct pgwire_login *login = &session->options.server->login;
    struct scram_server server;
    struct err refusal = { 0 };
    uint8_t server_key[SHA256_BYTES];
    bool has_left;
    *is_let_in = false;
    if (!exchange(session, verifier, &server, &has_left, &refusal, err)) return false;
    if (has_left) return true;
    if (refusal.code == ERR_OK)
        *is_let_in = login->key_end(login->ctx, bytes_of_text(user), &server, server_key, who, &refusal);
    return answer(session, *is_let_in, &server, server_key, &refusal, err);
}
