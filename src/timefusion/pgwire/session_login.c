#include "base/clock.h"
#include "net/tls.h"
#include "timefusion/pgwire/pgtype.h"
#include "timefusion/pgwire/session_inside.h"
#include <stdlib.h>

#define PROTOCOL_3_0   196608u
#define PROTOCOL_3_2   196610u /* there is no 3.1 */
#define REQUEST_CANCEL 80877102u
#define REQUEST_SSL    80877103u
#define REQUEST_GSS    80877104u

/* Options of the protocol begin with this; none is known. */
static bool is_protocol_option(const char *name)
{
    return strncmp(name, "_pq_.", 5) == 0;
}

/* NegotiateProtocolVersion, when the client asks for a later version than ours, or for options of it. */
static bool version_negotiate(struct session *session, uint32_t version, const struct buf *settings, struct err *err)
{
    size_t begin, at;
    uint32_t unknown = 0;
    session->protocol = version < PROTOCOL_3_2 ? version : PROTOCOL_3_2;
    for (at = 0; at < settings->len;) {
        const char *name = (const char *)settings->ptr + at, *value = name + strlen(name) + 1;
        unknown += is_protocol_option(name);
        at += strlen(name) + strlen(value) + 2;
    }
    if (version <= PROTOCOL_3_2 && unknown == 0) return true;
    bool ok = message_begin(&session->out, 'v', &begin) && pgtype_put_u32(&session->out, session->protocol) &&
              pgtype_put_u32(&session->out, unknown);
    for (at = 0; ok && at < settings->len;) {
        const char *name = (const char *)settings->ptr + at, *value = name + strlen(name) + 1;
        if (is_protocol_option(name)) ok = message_put_text(&session->out, name);
        at += strlen(name) + strlen(value) + 2;
    }
    if (!ok) return session_out_full(err);
    message_finish(&session->out, begin);
    return true;
}

static void tls_failed_tell(const struct session *session, const struct err *err)
{
    static const uint64_t TELL_NS_MIN = 60000000000;
    struct session_counters *counters = session->options.counters;
    uint64_t count = atomic_fetch_add(&counters->tls_failed, 1) + 1, now_ns = clock_mono_ns();
    uint64_t told_ns = atomic_load(&counters->tls_told_mono_ns);
    if (told_ns != 0 && now_ns - told_ns < TELL_NS_MIN) return;
    atomic_store(&counters->tls_told_mono_ns, now_ns);
    log_warn(session->options.server->log, "pgwire.tls_failed", log_text("why", err->text),
             log_number("count", (int64_t)count));
}

static bool hands_shake(struct session *session, struct err *err)
{
    if (tcp_start_tls(session->tcp, tls_session_accept(session->options.server->tls, "postgresql"), STARTUP_MS, err))
        return true;
    tls_failed_tell(session, err);
    return false;
}

/* TLS that begins at once (sslnegotiation=direct): its first byte is one that no startup packet has. The client must name the
 * protocol then, so that nobody can lead it here from another port. */
static bool tls_direct(struct session *session, bool *has_come, struct err *err)
{
    static const int HANDSHAKE = 0x16;
    int byte;
    if (!tcp_peek(session->tcp, &byte, STARTUP_MS, err)) return false;
    *has_come = byte >= 0;
    if (byte != HANDSHAKE) return true;
    if (session->options.server->tls == NULL) return err_set(err, ERR_PROTOCOL, "TLS, and there is no certificate");
    if (!hands_shake(session, err)) return false;
    return tls_session_has_alpn(tcp_tls(session->tcp)) ||
           err_set(err, ERR_PROTOCOL, "TLS without an SSLRequest must offer ALPN \"postgresql\"");
}

/* Answers an SSLRequest; on S shakes hands. */
static bool tls_start(struct session *session, struct err *err)
{
    struct tls_context *tls = session->options.server->tls;
    if (tls == NULL || tcp_has_tls(session->tcp)) return tcp_write(session->tcp, BYTES("N"), err);
    /* What was read already would count as if it had come inside TLS (CVE-2021-23214). */
    if (session->in.len > session->in_used) return err_set(err, ERR_PROTOCOL, "bytes in the clear after an SSLRequest");
    if (!tcp_write(session->tcp, BYTES("S"), err)) return false;
    return hands_shake(session, err);
}

static bool is_clear_allowed(const struct session *session)
{
    return session->options.server->tls == NULL || tcp_has_tls(session->tcp) || tcp_is_loopback(session->tcp);
}

/* Reads startup packets until there is a user; *user by malloc, NULL when the conversation ends here. What else the client
 * sets goes to settings: name, NUL, value, NUL. */
static bool startup_read(struct session *session, char **user, struct buf *settings, struct err *err)
{
    bool has_come;
    *user = NULL;
    if (!tls_direct(session, &has_come, err)) return false;
    for (int asked = 0; has_come && asked < 4; asked++) {
        size_t frame_bytes;
        if (!session_frame_read(session, false, STARTUP_MS, &frame_bytes, err)) return false;
        if (frame_bytes == 0) return true;
        struct message message = session_frame_take(session, false, frame_bytes);
        uint32_t code = message_u32(&message);
        if (code == REQUEST_SSL) {
            if (!tls_start(session, err)) return false;
            continue;
        }
        if (code == REQUEST_GSS) {
            if (!tcp_write(session->tcp, BYTES("N"), err)) return false;
            continue;
        }
        if (code == REQUEST_CANCEL) {
            struct session_cancel_key key = { .pid = message_u32(&message) };
            size_t left = (size_t)(message.end - message.at);
            if (message.is_bad || left > SESSION_SECRET_BYTES) return true; /* nobody reads an answer */
            key.secret_bytes = (uint32_t)left;
            memcpy(key.secret, message.at, left);
            session->options.cancel(session->options.ctx, key);
            return true;
        }
        if (code >> 16 != 3)
            return err_set(err, ERR_PROTOCOL, "protocol version %u.%u; 3.0 and 3.2 are spoken", code >> 16,
                           code & 0xffff);
        if (!is_clear_allowed(session)) {
            session_send_fatal(session, "28000", "this port asks for TLS: connect with sslmode=require or stricter");
            return true;
        }
        while (!message.is_bad && message.at < message.end && *message.at != 0) {
            struct bytes name = message_text(&message), value = message_text(&message);
            if (bytes_equal(name, BYTES("user"))) {
                if (!*user) *user = bytes_to_text(value);
            } else if (!buf_add(settings, name.ptr, name.len + 1) || !buf_add(settings, value.ptr, value.len + 1)) {
                abort(); /* no larger than the packet */
            }
        }
        if (message.is_bad || !*user) return err_set(err, ERR_PROTOCOL, "the startup packet names no user");
        return version_negotiate(session, code, settings, err);
    }
    return !has_come || err_set(err, ERR_PROTOCOL, "too many requests before the startup packet");
}

/* A key without a verifier is a bearer secret of which we keep a hash, so it comes as it is: on loopback, or inside TLS. */
static bool password_check(struct session *session, const char *user, struct pgwire_user *who, bool *is_let_in,
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
    *is_let_in = login->login(login->ctx, bytes_of_text(user), password, who, &refusal);
    if (!*is_let_in) session_send_fatal(session, err_sqlstate(refusal.code), refusal.text);
    return true;
}

static bool key_check(struct session *session, const char *user, struct pgwire_user *who, bool *is_let_in,
                      struct err *err)
{
    const struct pgwire_login *login = &session->options.server->login;
    struct scram_verifier verifier;
    if (login->key_begin && login->key_begin(login->ctx, bytes_of_text(user), &verifier))
        return session_scram_key(session, user, &verifier, who, is_let_in, err);
    return password_check(session, user, who, is_let_in, err);
}

/* SET name = value, as the client could send it later; what is refused is a warning, for drivers set more than we know. */
static void setting_apply(struct session *session, const char *name, const char *value)
{
    struct buf sql;
    struct err err = { 0 };
    struct query_statement *statement = NULL;
    struct query_cursor *cursor = NULL;
    const struct query_chunk *chunk;
    bool ok = name[0] != '\0' &&
              name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789.")] == '\0';
    buf_init(&sql, 4 * STARTUP_BYTES_MAX);
    if (!ok) err_set(&err, ERR_INPUT, "\"%.60s\" is not the name of a parameter", name);
    ok = ok && buf_printf(&sql, "SET %s = '", name);
    for (const char *c = value; ok && *c; c++) ok = (*c != '\'' || buf_add(&sql, "'", 1)) && buf_add(&sql, c, 1);
    ok = ok && buf_printf(&sql, "'") && query_prepare(session->query, buf_bytes(&sql), NULL, 0, &statement, &err) &&
         query_execute(statement, NULL, 0, &cursor, &err) && query_fetch(cursor, &chunk, &err);
    if (cursor) query_cursor_close(cursor);
    if (statement) query_statement_close(statement);
    buf_deinit(&sql);
    if (!ok)
        session_send_notice_or_error(session, 'N', "WARNING", err_sqlstate(err.code),
                                     &(struct session_words){ err.text, err.hint, 0 });
}

/* libpq's `options`: "-c name=value" and "--name=value", blanks and backslashes escaped by a backslash. Changes text. */
static void options_apply(struct session *session, char *text)
{
    bool is_setting = false;
    while (*text) {
        char *word = text, *to = text;
        for (; *text && *text != ' '; text++) {
            if (*text == '\\' && text[1]) text++;
            *to++ = *text;
        }
        if (*text) text++;
        *to = '\0';
        if (strcmp(word, "-c") == 0) {
            is_setting = true;
            continue;
        }
        bool is_long = strncmp(word, "--", 2) == 0, is_short = strncmp(word, "-c", 2) == 0;
        char *name = is_setting            ? word
                     : is_long || is_short ? word + 2
                                           : NULL,
             *equals = name ? strchr(name, '=') : NULL;
        is_setting = false;
        if (!equals) continue;
        *equals = '\0';
        setting_apply(session, name, equals + 1);
    }
}

static void settings_apply(struct session *session, struct buf *settings)
{
    for (size_t at = 0; at < settings->len;) {
        char *name = (char *)settings->ptr + at, *value = name + strlen(name) + 1;
        at += strlen(name) + strlen(value) + 2;
        if (strcmp(name, "database") == 0 || strcmp(name, "replication") == 0 || is_protocol_option(name)) continue;
        if (strcmp(name, "options") == 0) {
            options_apply(session, value);
        } else {
            setting_apply(session, name, value);
        }
    }
}

/* Of what the client sent at start; empty: it did not. */
static const char *setting_of(const struct buf *settings, const char *wanted)
{
    for (size_t at = 0; at < settings->len;) {
        const char *name = (const char *)settings->ptr + at, *value = name + strlen(name) + 1;
        if (strcmp(name, wanted) == 0) return value;
        at += strlen(name) + strlen(value) + 2;
    }
    return "";
}

static uint32_t session_secret_bytes(const struct session *session)
{
    return session->protocol >= PROTOCOL_3_2 ? SESSION_SECRET_BYTES : 4;
}

bool session_key_is(struct session *session, const struct session_cancel_key *key)
{
    pthread_mutex_lock(&session->lock);
    bool is_known = session->query != NULL;
    uint32_t secret_bytes = session_secret_bytes(session);
    pthread_mutex_unlock(&session->lock);
    return is_known && bytes_equal_secret(bytes_from(session->options.key.secret, secret_bytes),
                                          bytes_from(key->secret, key->secret_bytes));
}

static bool welcome(struct session *session, const char *user, struct buf *settings, struct err *err)
{
    size_t at;
    bool ok = message_begin(&session->out, 'R', &at) && pgtype_put_u32(&session->out, 0);
    if (!ok) return session_out_full(err);
    message_finish(&session->out, at);
    settings_apply(session, settings); /* warnings may come from here on */
    session_send_changed_parameters(session);
    session_send_parameter(session, "session_authorization", user);
    ok = message_begin(&session->out, 'K', &at) && pgtype_put_u32(&session->out, session->options.key.pid) &&
         buf_add(&session->out, session->options.key.secret, session_secret_bytes(session));
    if (!ok) return session_out_full(err);
    message_finish(&session->out, at);
    return session_send_ready(session, err);
}

/* It would ask for locks, sequences and what else a copy needs, and fail in words that help nobody. */
static bool is_dump(const char *application)
{
    return application && (strcmp(application, "pg_dump") == 0 || strcmp(application, "pg_dumpall") == 0);
}

/* While its statement waits: the client is to know now. When it does not read, or has gone, others notice. */
static void on_told(void *ctx, const char *notice)
{
    struct session *session = ctx;
    struct err ignored = { 0 };
    session_send_notice_or_error(session, 'N', "NOTICE", "00000", &(struct session_words){ .text = notice });
    (void)!session_out_send(session, &ignored);
}

static void client_set(struct session *session, struct query_session *query, const struct pgwire_user *who)
{
    static const struct uuid none = { 0 };
    char address[64];
    bool is_person = !uuid_equal(who->user_id, none);
    tcp_peer(session->tcp, address, sizeof address);
    query_session_set_client(query, &(struct query_client){ .pid = session->options.key.pid,
                                                            .address = address,
                                                            .terminate = session->options.terminate,
                                                            .ctx = session->options.ctx,
                                                            .actor_kind = is_person ? "user" : "key",
                                                            .actor_id = is_person ? who->user_id : who->key_id,
                                                            .actor_name = who->name,
                                                            .via = "sql",
                                                            .told = on_told,
                                                            .told_ctx = session });
}

bool session_login(struct session *session, bool *is_let_in, struct err *err)
{
    char *user = NULL;
    struct buf settings;
    struct pgwire_user who = { 0 };
    *is_let_in = false;
    buf_init(&settings, 2 * STARTUP_BYTES_MAX);
    bool ok = startup_read(session, &user, &settings, err);
    bool is_person = user && strchr(user, '@') != NULL && session->options.server->login.person_begin != NULL;
    if (ok && user && is_person)
        ok = session_scram_person(session, user, setting_of(&settings, "database"), &who, is_let_in, err);
    if (ok && user && !is_person) ok = key_check(session, user, &who, is_let_in, err);
    if (ok && *is_let_in && is_dump(setting_of(&settings, "application_name"))) {
        *is_let_in = false;
        session_send_fatal(session, "0A000",
                           "pg_dump cannot copy this database: its tables are Parquet files of a Delta "
                           "table, which any reader opens, and SELECT or COPY gives parts of them");
    }
    if (ok && *is_let_in) {
        struct query_session *query;
        ok = query_session_open(&query, session->options.server->engine, who.project_id, user, err);
        if (ok) query_session_set_operator(query, who.is_operator);
        if (ok) query_session_set_wire(query);
        if (ok) client_set(session, query, &who);
        if (ok) query_session_set_key(query, who.key_id);
        if (ok && who.read_only_why[0]) query_session_set_read_only(query, who.read_only_why);
        pthread_mutex_lock(&session->lock);
        session->who = who;
        session->query = ok ? query : NULL;
        pthread_mutex_unlock(&session->lock);
        ok = ok && welcome(session, user, &settings, err);
    }
    buf_deinit(&settings);
    free(user);
    return ok;
}
