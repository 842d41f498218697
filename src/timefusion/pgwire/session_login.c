#include "timefusion/pgwire/pgtype.h"
#include "timefusion/pgwire/session_inside.h"
#include <stdlib.h>

#define PROTOCOL_3_0   196608u
#define REQUEST_CANCEL 80877102u
#define REQUEST_SSL    80877103u
#define REQUEST_GSS    80877104u

static bool version_negotiate(struct session *session, uint32_t version, struct err *err)
{
    size_t at;
    if (version == PROTOCOL_3_0) return true;
    bool ok = message_begin(&session->out, 'v', &at) && pgtype_put_u32(&session->out, PROTOCOL_3_0) &&
              pgtype_put_u32(&session->out, 0);
    if (!ok) return session_out_full(err);
    message_finish(&session->out, at);
    return true;
}

/* Reads startup packets until there is a user; *user by malloc, NULL when the conversation ends here. */
static bool startup_read(struct session *session, char **user, struct err *err)
{
    *user = NULL;
    for (int asked = 0; asked < 4; asked++) {
        size_t frame_bytes;
        if (!session_frame_read(session, false, STARTUP_MS, &frame_bytes, err)) return false;
        if (frame_bytes == 0) return true;
        struct message message = session_frame_take(session, false, frame_bytes);
        uint32_t code = message_u32(&message);
        if (code == REQUEST_SSL || code == REQUEST_GSS) {
            if (!tcp_write(session->tcp, BYTES("N"), err)) return false;
            continue;
        }
        if (code == REQUEST_CANCEL) {
            struct session_cancel_key key = { .pid = message_u32(&message) };
            key.secret = message_u32(&message);
            if (!message.is_bad) session->options.cancel(session->options.ctx, key);
            return true;
        }
        if (code >> 16 != 3)
            return err_set(err, ERR_PROTOCOL, "protocol version %u.%u; 3.0 is spoken", code >> 16, code & 0xffff);
        while (!message.is_bad && message.at < message.end && *message.at != 0) {
            struct bytes name = message_text(&message), value = message_text(&message);
            if (!bytes_equal(name, BYTES("user")) || *user) continue;
            *user = bytes_to_text(value);
        }
        if (message.is_bad || !*user) return err_set(err, ERR_PROTOCOL, "the startup packet names no user");
        return version_negotiate(session, code, err);
    }
    return err_set(err, ERR_PROTOCOL, "too many requests before the startup packet");
}

/* The key is a bearer secret of which we keep a hash, so it must come in the clear: on loopback, or inside TLS. */
static bool password_check(struct session *session, const char *user, struct uuid *project_id, bool *is_let_in,
                           struct err *err)
{
    size_t at, frame_bytes;
    struct err refusal = { 0 };
    *is_let_in = false;
    if (!message_begin(&session->out, 'R', &at) || !pgtype_put_u32(&session->out, 3)) return session_out_full(err);
    message_finish(&session->out, at);
    if (!session_out_send(session, err) || !session_frame_read(session, true, STARTUP_MS, &frame_bytes, err))
        return false;
    if (frame_bytes == 0) return true;
    struct message message = session_frame_take(session, true, frame_bytes);
    struct bytes password = message_text(&message);
    if (message.type != 'p' || !message_end_check(&message, &refusal)) {
        session_send_fatal(session, "08P01", "a password message was expected");
        return true;
    }
    const struct pgwire_login *login = &session->options.server->login;
    *is_let_in = login->login(login->ctx, bytes_of_text(user), password, project_id, &refusal);
    if (!*is_let_in) session_send_fatal(session, err_sqlstate(refusal.code), refusal.text);
    return true;
}

static bool welcome(struct session *session, struct err *err)
{
    static const char *const parameters[][2] = {
        { "server_version", "15.8" },
        { "server_encoding", "UTF8" },
        { "client_encoding", "UTF8" },
        { "DateStyle", "ISO, MDY" },
        { "TimeZone", "UTC" },
        { "IntervalStyle", "postgres" },
        { "integer_datetimes", "on" },
        { "is_superuser", "off" },
        { "standard_conforming_strings", "on" },
        { "default_transaction_read_only", "on" },
    };
    size_t at;
    bool ok = message_begin(&session->out, 'R', &at) && pgtype_put_u32(&session->out, 0);
    if (!ok) return session_out_full(err);
    message_finish(&session->out, at);
    for (size_t p = 0; p < COUNT_OF(parameters); p++)
        session_send_parameter(session, parameters[p][0], parameters[p][1]);
    ok = message_begin(&session->out, 'K', &at) && pgtype_put_u32(&session->out, session->options.key.pid) &&
         pgtype_put_u32(&session->out, session->options.key.secret);
    if (!ok) return session_out_full(err);
    message_finish(&session->out, at);
    return session_send_ready(session, err);
}

bool session_login(struct session *session, bool *is_let_in, struct err *err)
{
    char *user = NULL;
    struct uuid project_id;
    *is_let_in = false;
    bool ok = startup_read(session, &user, err);
    if (ok && user) ok = password_check(session, user, &project_id, is_let_in, err);
    if (ok && *is_let_in) {
        struct query_session *query;
        ok = query_session_open(&query, session->options.server->engine, project_id, user, err);
        pthread_mutex_lock(&session->lock);
        session->query = ok ? query : NULL;
        pthread_mutex_unlock(&session->lock);
        ok = ok && welcome(session, err);
    }
    free(user);
    return ok;
}
