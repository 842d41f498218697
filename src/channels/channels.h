/* channels.h -- what a process needs to send: the seal of secrets, links to acknowledge by, the threads that send.
 *
 *   channels_open --channels_start--> [looks each second; takes what is due, a lease a row] --> [4 threads: one try each] --> rows
 *
 * Each try: a row of delivery_attempts before the first byte, the outcome after the last; a process that dies between the two leaves
 * the delivery to be tried again, marked uncertain. One message of a channel at a time, those of a thread in their order.
 * Thread: open and close one; the rest any. Errors: those of db. */
#pragma once
#include "channels/channel.h"
struct channels;
struct log;

struct channels_options {
    struct db *db;
    const struct log *log;
    const char *name;       /* of this process: what it held before its restart it has at once */
    const char *public_url; /* "" none is known: messages have no links */
    const char *seal_secret;
    bool allows_private;  /* addresses in private networks, and on this machine */
    const char *ca_file;  /* "" the system's certificates */
    const char *smtp_url; /* the operator's server of mail, "" none; it may be anywhere */
    const char *smtp_user, *smtp_password, *smtp_from;
    bool smtp_tls;      /* STARTTLS or nothing */
    int64_t give_up_us; /* 0: DELIVERY_GIVE_UP_US */
    /* Every five seconds, on the thread that looks: what puts messages as time goes by. NULL: nothing does. */
    bool (*tend)(struct db *db, int64_t now_unix_us, struct err *err);
};
MUST_CHECK bool channels_open(struct channels **channels, const struct channels_options *options, struct err *err);
/* Begins to send. */
void channels_start(struct channels *channels);
void channels_stop(struct channels *channels);  /* NULL is fine; what is on its way is given up, to be tried again */
void channels_close(struct channels *channels); /* NULL is fine */

const struct channel_seal *channels_seal(const struct channels *channels);
bool channels_has_mail(const struct channels *channels); /* the operator has a server of mail */

/* What a link to acknowledge an incident says; who has it may do that one thing, for a week. */
#define CHANNELS_ACK_BYTES 160
void channels_ack_make(const struct channels *channels, struct uuid project_id, int64_t incident, int64_t until_unix_us,
                       char token[CHANNELS_ACK_BYTES]);
MUST_CHECK bool channels_ack_read(const struct channels *channels, struct bytes token, int64_t now_unix_us,
                                  struct uuid *project_id, int64_t *incident);

struct channels_stats {
    uint64_t sent, failed, tried;
};
void channels_stats(const struct channels *channels, struct channels_stats *stats);
