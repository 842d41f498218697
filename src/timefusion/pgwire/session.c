#include "timefusion/pgwire/session_inside.h"
#include <stdio.h>
#include <stdlib.h>

struct session *session_create(struct tcp *tcp, const struct session_options *options)
{
    struct session *session = mem_calloc(1, sizeof *session);
    session->options = *options;
    session->tcp = tcp;
    session->transaction = 'I';
    buf_init(&session->in, MESSAGE_BYTES_MAX + 65536);
    buf_init(&session->out, OUT_BYTES_MAX);
    buf_init(&session->scratch, OUT_BYTES_MAX);
    atomic_init(&session->ends, false);
    pthread_mutex_init(&session->lock, NULL);
    return session;
}

/* --- reading --- */

/* The next frame, whole, in `in` from in_used on. *frame_bytes 0: the client has left. */
bool session_frame_read(struct session *session, bool has_type, int timeout_ms, size_t *frame_bytes, struct err *err)
{
    for (;;) {
        struct bytes have = bytes_from(session->in.ptr + session->in_used, session->in.len - session->in_used);
        if (!message_frame(have, has_type, frame_bytes, err)) return false;
        if (*frame_bytes > 0 && have.len >= *frame_bytes) return true;
        if (session->in_used > 0) {
            memmove(session->in.ptr, session->in.ptr + session->in_used, have.len);
            session->in.len = have.len;
            session->in_used = 0;
        }
        size_t want = *frame_bytes > have.len ? *frame_bytes - have.len : 0, len;
        if (want > 1u << 20) want = 1u << 20; /* memory follows what has come, not what is promised */
        if (!buf_reserve(&session->in, want > 8192 ? want : 8192))
            return err_set(err, ERR_TOO_LARGE, "message larger than the buffer");
        if (!tcp_read(session->tcp, session->in.ptr + session->in.len, session->in.cap - session->in.len, &len,
                      timeout_ms, err))
            return false;
        *frame_bytes = 0;
        if (len == 0) return true;
        session->in.len += len;
    }
}

struct message session_frame_take(struct session *session, bool has_type, size_t frame_bytes)
{
    const uint8_t *frame = session->in.ptr + session->in_used;
    size_t head = 4u + has_type;
    session->in_used += frame_bytes;
    return message_of(has_type ? frame[0] : 0, bytes_from(frame + head, frame_bytes - head));
}

static void in_shrink(struct session *session)
{
    if (session->in_used != session->in.len || session->in.cap <= 1u << 20) return;
    buf_deinit(&session->in);
    buf_init(&session->in, MESSAGE_BYTES_MAX + 65536);
    session->in_used = 0;
}

/* --- the conversation --- */

/* FATAL, for silence that was too long. */
static void silence_answer(struct session *session, bool is_over)
{
    if (is_over) {
        session_send_fatal(session, "25P04", "terminating connection due to transaction timeout");
    } else if (session->transaction != 'I') {
        session_send_fatal(session, "25P03", "terminating connection due to idle-in-transaction timeout");
    } else {
        session_send_fatal(session, "57P05", "terminating connection due to idle-session timeout");
    }
}

static bool next_message(struct session *session, bool *has_come, struct err *err)
{
    size_t frame_bytes;
    bool is_over;
    int64_t idle_ms = query_session_idle_ms(session->query, &is_over);
    *has_come = false;
    if (!session_frame_read(session, true, idle_ms == 0 || idle_ms > INT32_MAX ? -1 : (int)idle_ms, &frame_bytes,
                            err)) {
        if (err->code == ERR_TIMEOUT && !atomic_load(&session->ends)) silence_answer(session, is_over);
        return false;
    }
    if (frame_bytes == 0 || atomic_load(&session->ends)) return true;
    *has_come = true;
    struct message message = session_frame_take(session, true, frame_bytes);
    return session_message_work(session, &message, err);
}

static void end_answer(struct session *session)
{
    pthread_mutex_lock(&session->lock);
    char sqlstate[6], text[sizeof session->end_text];
    memcpy(sqlstate, session->end_sqlstate, sizeof sqlstate);
    memcpy(text, session->end_text, sizeof text);
    pthread_mutex_unlock(&session->lock);
    session_send_fatal(session, sqlstate, text);
}

void session_run(struct session *session)
{
    struct err err = { 0 };
    bool is_let_in, has_come = true;
    bool ok = session_login(session, &is_let_in, &err);
    while (ok && is_let_in && has_come && !session->has_left && !atomic_load(&session->ends)) {
        ok = next_message(session, &has_come, &err);
        in_shrink(session);
    }
    if (session->has_left) return;
    if (atomic_load(&session->ends)) {
        end_answer(session);
    } else if (!ok && (err.code == ERR_PROTOCOL || err.code == ERR_TOO_LARGE || err.code == ERR_TIMEOUT)) {
        session_send_fatal(session, err_sqlstate(err.code), err.text);
    }
}

/* --- from other threads --- */

bool session_who(struct session *session, struct pgwire_user *who)
{
    pthread_mutex_lock(&session->lock);
    bool is_in = session->query != NULL && !atomic_load(&session->ends);
    if (is_in) *who = session->who;
    pthread_mutex_unlock(&session->lock);
    return is_in;
}

void session_cancel(struct session *session)
{
    pthread_mutex_lock(&session->lock);
    if (session->query) query_cancel(session->query);
    pthread_mutex_unlock(&session->lock);
}

void session_end(struct session *session, const char *sqlstate, const char *text)
{
    pthread_mutex_lock(&session->lock);
    if (!atomic_load(&session->ends)) {
        snprintf(session->end_sqlstate, sizeof session->end_sqlstate, "%s", sqlstate);
        snprintf(session->end_text, sizeof session->end_text, "%s", text);
    }
    atomic_store(&session->ends, true);
    if (session->query) query_cancel(session->query);
    pthread_mutex_unlock(&session->lock);
}

void session_destroy(struct session *session)
{
    transaction_end(session, NULL);
    portals_forget_but(session, NULL);
    while (session->prepared) prepared_forget(session, bytes_of_text(session->prepared->name));
    pthread_mutex_lock(&session->lock);
    struct query_session *query = session->query;
    session->query = NULL;
    pthread_mutex_unlock(&session->lock);
    if (query) query_session_close(query);
    for (size_t p = 0; p < REPORTED_MAX; p++) free(session->reported[p]);
    free(session->savepoints);
    buf_deinit(&session->in);
    buf_deinit(&session->out);
    buf_deinit(&session->scratch);
    pthread_mutex_destroy(&session->lock);
    free(session);
}
