/* session_inside.h -- what the files of a session share: its state, sending, names, reading frames.
 *
 *   session.c        create, read, run, end
 *   session_messages.c  the messages of both protocols      session_portal.c       rows of a bound statement
 *   session_copy.c   COPY FROM STDIN
 *   session_wire.c   SQL's cursors, PREPARE and EXECUTE     session_transaction.c  BEGIN, COMMIT, savepoints
 *   session_login.c  startup packet, password, welcome
 *   session_scram.c  a user's password, or a key, by SCRAM
 *   session_names.c  prepared statements and portals by name
 *   session_send.c   messages to the client
 *   session_watch.c  what the process tells of each statement
 *
 * Thread: the session's own, but for what the lock guards. Not for other folders. */
#pragma once
#include "base/span.h"
#include "timefusion/pgwire/message.h"
#include "timefusion/pgwire/session.h"
#include "timefusion/query/query.h"
#include "timefusion/query/wire.h"
#include <pthread.h>
#include <stdatomic.h>

#define OUT_BYTES_SEND 65536u
#define OUT_BYTES_MAX  (1u << 30) /* one row with its lists; PostgreSQL's own limit of a field */
#define STARTUP_MS     60000
#define REPORTED_MAX   12

/* A statement as Parse left it; a portal keeps it alive when Close takes its name away. */
struct prepared {
    struct prepared *next;
    struct query_statement *statement; /* NULL: an empty query */
    uint32_t reference_count;
    char name[];
};
struct portal {
    struct portal *next;
    struct prepared *prepared;
    struct query_parameter *parameters; /* values are in `values` */
    struct buf values;
    uint32_t parameter_count;
    uint16_t *formats; /* of results; format_count 0: text, 1: all alike */
    uint16_t format_count;
    struct query_cursor *cursor;
    const struct query_chunk *chunk;
    uint32_t chunk_row;
    uint64_t row_count;
    uint32_t files_opened;
    bool is_done;
    bool is_cursor, is_binary; /* made by DECLARE */
    uint32_t depth;            /* savepoints that were there when it was made */
    struct portal *inner;      /* of EXECUTE: what it executes */
    char name[];
};

/* What becomes of rows. */
struct rows_shape {
    enum { ROWS_DATA, ROWS_COPY, ROWS_NONE } kind;
    const struct query_column *columns;
    uint32_t column_count;
    const uint16_t *formats; /* of ROWS_DATA */
    uint16_t format_count;
    const struct wire_copy *copy;
};

struct session {
    struct session_options options;
    struct tcp *tcp;
    struct buf in, out, scratch;
    size_t in_used; /* bytes of `in` that belong to messages already worked on */
    struct prepared *prepared;
    struct portal *portals;
    uint32_t named_count;
    char transaction; /* 'I' 'T' 'E' */
    bool skips_to_sync, has_left;
    char **savepoints; /* names, the oldest first */
    uint32_t savepoint_count;
    const char *sqlstate;         /* of the message's failure, where its err says less; NULL */
    char *reported[REPORTED_MAX]; /* what ParameterStatus told last */
    atomic_bool ends;
    uint32_t protocol;    /* that is spoken: 3.0 or 3.2; constant once query is there */
    pthread_mutex_t lock; /* guards what follows where another thread looks: session_cancel, session_who, session_end */
    struct query_session *query; /* set last, once logged in */
    struct pgwire_user who;
    char end_sqlstate[6], end_text[240]; /* when ends is set */
};

/* session_send.c: into session->out; what cannot fail asserts, for it is far below the buffer's limit. */
MUST_CHECK bool session_out_full(struct err *err);
MUST_CHECK bool session_out_send(struct session *session, struct err *err);
void session_send_plain(struct session *session, char type, const char *text);
struct session_words {
    const char *text, *hint; /* hint NULL or empty: none */
    int position;            /* in the SQL, in characters from 1; 0: nowhere */
};
void session_send_notice_or_error(struct session *session, char type, const char *severity, const char *sqlstate,
                                  const struct session_words *words);
void session_send_error(struct session *session, const struct err *err, const char *sqlstate);
void session_send_fatal(struct session *session, const char *sqlstate, const char *text);
void session_send_parameter(struct session *session, const char *name, const char *value);
MUST_CHECK bool session_send_ready(struct session *session, struct err *err);
uint16_t session_format_of(const uint16_t *formats, uint16_t count, uint32_t column);
/* NoData when there are no columns. */
MUST_CHECK bool session_send_row_description(struct session *session, const struct query_column *columns,
                                             uint32_t count, const uint16_t *formats, uint16_t format_count,
                                             struct err *err);
MUST_CHECK bool session_send_parameter_description(struct session *session, const struct query_statement *statement,
                                                   struct err *err);
MUST_CHECK bool session_send_data_row(struct session *session, const struct portal *from,
                                      const struct rows_shape *shape, struct err *err);
MUST_CHECK bool session_send_copy_begin(struct session *session, const struct rows_shape *shape, struct err *err);
MUST_CHECK bool session_send_copy_row(struct session *session, const struct portal *from,
                                      const struct rows_shape *shape, struct err *err);
MUST_CHECK bool session_send_copy_end(struct session *session, const struct portal *from,
                                      const struct rows_shape *shape, struct err *err);
/* CommandComplete. tag NULL: the statement's, with the portal's count of rows. */
void session_send_complete(struct session *session, const struct portal *portal, const char *tag);
/* ParameterStatus of what is not as it was told last; at first all. */
void session_send_changed_parameters(struct session *session);

/* session_portal.c. Row counts go up by what was sent; rows_max UINT64_MAX: all. */
MUST_CHECK bool portal_open(struct session *session, struct portal *portal, struct err *err);
MUST_CHECK bool portal_rows(struct session *session, struct portal *from, const struct rows_shape *shape,
                            uint64_t rows_max, uint64_t *row_count, struct err *err);
/* Then PortalSuspended or CommandComplete. */
MUST_CHECK bool portal_run(struct session *session, struct portal *portal, uint64_t rows_max, struct err *err);
/* Of the rows that the client will see of a statement. */
uint32_t session_columns(struct session *session, const struct query_statement *statement,
                         const struct query_column **columns);
/* A more exact SQLSTATE than err's; false always. */
bool session_fail(struct session *session, const char *sqlstate);
const char *session_sqlstate(const struct session *session, const struct err *err);

/* session_transaction.c */
MUST_CHECK bool transaction_allows(struct session *session, const struct query_statement *statement, struct err *err);
MUST_CHECK bool transaction_run(struct session *session, struct portal *portal, struct err *err);
void transaction_end(struct session *session,
                     const struct portal *but); /* if there is one; all portals go but that one */

/* session_copy.c: COPY ... FROM STDIN, until the client has done, or it failed. */
MUST_CHECK bool copy_in_run(struct session *session, struct portal *portal, const struct query_wire *wire,
                            struct err *err);

/* session_wire.c */
MUST_CHECK bool wire_run(struct session *session, struct portal *portal, const struct query_wire *wire,
                         uint64_t rows_max, struct err *err);
MUST_CHECK bool wire_discard(struct session *session, struct portal *portal, struct err *err);

/* session_messages.c */
MUST_CHECK bool session_message_work(struct session *session, struct message *message, struct err *err);
void session_answer_failure(struct session *session, const struct err *failure);

/* session_watch.c: around the work on a statement; failure NULL: it went well. */
struct watch {
    struct span span;
    uint64_t begin_mono_ns, row_count; /* rows that the portal had sent before */
};
void watch_begin(struct watch *watch, const struct session *session, const struct portal *portal);
/* statement, portal: NULL when it did not come that far. */
void watch_end(const struct watch *watch, struct session *session, const struct query_statement *statement,
               const struct portal *portal, const char *sqlstate);

/* session_names.c */
void prepared_release(struct prepared *prepared);
struct prepared *prepared_create(struct bytes name, struct query_statement *statement);
struct prepared *prepared_find(struct session *session, struct bytes name);
void prepared_forget(struct session *session, struct bytes name);
void portal_destroy(struct portal *portal);
struct portal *portal_find(struct session *session, struct bytes name);
void portal_forget(struct session *session, struct bytes name);
MUST_CHECK bool names_have_room(struct session *session, struct err *err);
void prepared_keep(struct session *session, struct prepared *prepared); /* takes it */
void prepared_forget_named(struct session *session);
struct portal *portal_create(struct bytes name, struct prepared *prepared); /* holds prepared */
void portal_keep(struct session *session, struct portal *portal);           /* takes it */
void portals_forget_but(struct session *session, const struct portal *but); /* NULL: all */
void portals_forget_above(struct session *session, uint32_t depth);         /* made after that savepoint */
void portals_lift(struct session *session, uint32_t depth);                 /* those above are of that depth now */
void cursors_forget(struct session *session);

/* session.c: the next frame, whole, in session->in; *frame_bytes 0: the client has left. */
MUST_CHECK bool session_frame_read(struct session *session, bool has_type, int timeout_ms, size_t *frame_bytes,
                                   struct err *err);
struct message session_frame_take(struct session *session, bool has_type, size_t frame_bytes);

/* session_scram.c: as password_check of session_login.c. database may be empty. */
MUST_CHECK bool session_scram_person(struct session *session, const char *user, const char *database,
                                     struct pgwire_user *who, bool *is_let_in, struct err *err);
/* verifier: of all keys of the project, by its salt and rounds. */
MUST_CHECK bool session_scram_key(struct session *session, const char *user, const struct scram_verifier *verifier,
                                  struct pgwire_user *who, bool *is_let_in, struct err *err);

/* session_login.c: false when the connection failed; a refusal was answered and leaves *is_let_in false. */
MUST_CHECK bool session_login(struct session *session, bool *is_let_in, struct err *err);
