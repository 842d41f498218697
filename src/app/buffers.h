/* buffers.h -- is this the buffer that the tables were fed from? What another one held and the tables lack would be lost without
 * a word, and positions that begin anew would be taken for known ones.
 *
 *   the tables' txn "monoscope/<buffer id>/<partition>", DATA/buffer.id: "log <id>" or "kafka <id>" of the last start
 *
 * Rule:   a log must be the one of DATA/buffer.id; without that file, one with nothing in it is refused beside tables in the
 *         data folder that know another. A topic must be known to the tables, or they know no buffer at all. Other servers may
 *         feed tables in a bucket from logs of their own: what they leave there is no reason.
 *         --new-buffer on takes another one from here on; a start that went well is remembered.
 *
 * Thread: at start. Errors: ERR_CONFLICT, with what to do; ERR_CORRUPT a log that ends before the tables' position. */
#pragma once
#include "base/err.h"
#include "base/log.h"
#include "base/uuid.h"

struct buffer;
struct timefusion;

struct buffers_options {
    struct timefusion *timefusion;
    const char *data;    /* the folder */
    bool has_own_tables; /* they are in the data folder */
    bool new_buffer;     /* as the setting says */
    const struct log *log;
};
/* Our own log, opened and not started. */
MUST_CHECK bool buffers_check_log(const struct buffers_options *options, struct buffer *buffer, struct err *err);
/* A topic of Kafka; buffer_id as kafka_buffer_id gives it. Also refuses while our own log in the data folder holds requests
 * that are in no table yet. */
MUST_CHECK bool buffers_check_kafka(const struct buffers_options *options, struct uuid buffer_id, const char *topic,
                                    struct err *err);
