/* buffer.h -- the durable queue between ingest and worker: what is acknowledged is in here.
 *
 *   ingest --buffer_append--> [one writer thread: write many, fsync once] --done(ok)--> the client's answer
 *                                              '--sink.record, in position order--> worker
 *   worker/flush --buffer_release(position)--> the log before it may go
 *
 * Two ways stand behind it: buffer/wal, our own log on disk, and buffer/kafka, a topic of a Kafka cluster. buffer_open
 * makes the first, kafka_producer_open (buffer/kafka/kafka_producer.h) the second: there records come back by a consumer
 * group (kafka_group.h), not by the sink, which gets each stored request back only to let go of it.
 *
 * Words:  position = number of a record in its partition, from 1, without gaps (Kafka: offset + 1; in topics that are
 *         written in transactions, which are the retry topics, with gaps). Released = every table and tap that had
 *         records up to it has them durably.
 * Order:  sink.record gets each record once in this process, in position order, after it is durable.
 *         done of a record is called before its sink.record, never the other way round.
 * Repeats: a request whose hash was seen in the last 10 minutes is not stored again: its done gets
 *         repeated = true (after the first one's fsync, when that is in flight) and sink never sees it.
 *         The memory of hashes survives restarts (rebuilt from the log's tail). Kafka: a repeat is stored like any other
 *         and goes to the same partition, whose worker finds it.
 * Thread: append and release from any; done and sink run on the buffer's own thread and must not block long.
 *         buffer_release syncs a file: not from done or sink. Nobody may append or release once close is called.
 * Memory: bounded by pending_bytes_max; over it append answers ERR_BUSY. Hashes: 24 to 32 bytes a request of the last
 *         10 minutes, at most 2 million requests, older ones first out.
 *         Kafka: acknowledged by all in-sync replicas is durable.
 * Errors: ERR_BUSY queue or disk bound reached, or another process has it open; ERR_IO the file system is full (later
 *         may work) or the disk failed (takes no more until reopened; release goes on); ERR_CORRUPT what was safe is
 *         damaged or missing, with file and byte; ERR_UNSUPPORTED written by a newer version. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/histogram.h"
#include "base/log.h"
#include "base/uuid.h"

enum buffer_signal {
    BUFFER_SIGNAL_LOGS = 1,
    BUFFER_SIGNAL_TRACES = 2,
    BUFFER_SIGNAL_METRICS = 3,
    BUFFER_SIGNAL_REPLAY = 4,
    BUFFER_SIGNAL_ROWS = 5, /* of SQL, of any table: timefusion/batch */
    BUFFER_SIGNAL_LAST = BUFFER_SIGNAL_ROWS
};
enum buffer_encoding {
    BUFFER_ENCODING_IDENTITY = 0,
    BUFFER_ENCODING_GZIP = 1,
    BUFFER_ENCODING_ZSTD = 2,
    BUFFER_ENCODING_DEFLATE = 3
};
enum buffer_format { BUFFER_FORMAT_PROTOBUF = 0, BUFFER_FORMAT_JSON = 1 };

struct buffer_record {
    uint64_t position; /* given by the buffer */
    enum buffer_signal signal;
    enum buffer_encoding encoding;
    enum buffer_format format;
    struct uuid project_id;
    struct uuid key_id;
    struct hash128 hash; /* over (project, signal, decompressed body) */
    int64_t received_unix_us;
    struct bytes body; /* as it came */
};

/* Called once for each append that returned true; err NULL when stored (or repeated). Takes ctx. */
typedef void buffer_done_fn(void *ctx, const struct err *err, bool repeated);

struct buffer_sink {
    /* request is what the appender passed as `request`, or NULL when the record comes from replay at start. The sink
     * takes it. record is borrowed for the call; its body is the appender's, so it lives as long as request keeps it,
     * and on replay as long as the call. */
    void (*record)(void *ctx, const struct buffer_record *record, void *request);
    void *ctx;
};

struct buffer_options {
    const char *dir;            /* must exist; held by an exclusive flock */
    uint64_t segment_bytes;     /* of a log file; 64 MiB */
    uint64_t disk_bytes_max;    /* of all log files; over it appends answer ERR_BUSY. At least one of segment_bytes and
                                  * one that holds a record of record_bytes_max */
    uint64_t pending_bytes_max; /* appended and not yet durable; a single larger record is taken when nothing waits */
    uint32_t record_bytes_max;  /* ERR_TOO_LARGE over it */
    struct disk *disk;          /* base/disk.h: the real one, or a test's */
    struct buffer_sink sink;
    const struct log *log;
};

struct buffer_stats {
    uint64_t records, bytes, repeats, syncs, files, disk_bytes;
    uint64_t pending_bytes; /* appended and not yet durable */
    uint64_t position_last, position_released;
    uint64_t out_of_room_mono_ns; /* when the file system last had no room; 0: it has */
    bool has_failed;              /* takes no more until reopened */
    bool is_full;                 /* disk_bytes_max leaves no room for a usual request; Kafka: it does not answer */
    struct histogram_counts sync_times; /* Kafka: from the append to the acknowledgement */
};

struct buffer; /* below */
/* One of the two ways. */
struct buffer_ops {
    struct uuid (*id)(struct buffer *buffer);
    uint64_t (*position_released)(struct buffer *buffer);
    uint64_t (*position_last)(struct buffer *buffer);
    bool (*start)(struct buffer *buffer, struct err *err);
    bool (*append)(struct buffer *buffer, const struct buffer_record *record, void *request, buffer_done_fn *done,
                   void *ctx, struct err *err);
    bool (*release)(struct buffer *buffer, uint64_t position, struct err *err);
    bool (*roll)(struct buffer *buffer, struct err *err);
    void (*stats)(struct buffer *buffer, struct buffer_stats *stats);
    void (*close)(struct buffer *buffer);
};
struct buffer {
    const struct buffer_ops *ops;
};

/* Opens or creates the log on disk and cuts a torn tail. Nothing is delivered before buffer_start. On failure *buffer is
 * NULL. */
MUST_CHECK bool buffer_open(struct buffer **buffer, const struct buffer_options *options, struct err *err);

/* Names the log for ever: Delta's txn appId is "monoscope/<id>/<partition>". Kafka: of the cluster's id and the topic's. */
static inline struct uuid buffer_id(struct buffer *buffer)
{
    return buffer->ops->id(buffer);
}
/* Kafka: 0, as it has many partitions; see kafka_bounds. */
static inline uint64_t buffer_position_released(struct buffer *buffer)
{
    return buffer->ops->position_released(buffer);
}
/* The last durable one. Kafka: 0, likewise. */
static inline uint64_t buffer_position_last(struct buffer *buffer)
{
    return buffer->ops->position_last(buffer);
}
/* Delivers every record after the released position to the sink (request NULL), on the calling thread, then starts
 * the writer thread; appends before it answer ERR_BUSY. Kafka: delivers nothing. */
MUST_CHECK static inline bool buffer_start(struct buffer *buffer, struct err *err)
{
    return buffer->ops->start(buffer, err);
}
/* Copies *record, but not the body: that and everything behind ctx and request must live until done. After a done with
 * an error or with repeated = true the request is the appender's again; otherwise sink.record takes it next, and the
 * body must live until then. On false done is not called. */
MUST_CHECK static inline bool buffer_append(struct buffer *buffer, const struct buffer_record *record, void *request,
                                            buffer_done_fn *done, void *ctx, struct err *err)
{
    return buffer->ops->append(buffer, record, request, done, ctx, err);
}
/* Durably remembers that records up to position are needed no more; log files all of whose records are released go
 * (their hashes of the last 10 minutes are kept in a small side file), the current one stays. Going back does nothing;
 * a position past the last durable one is ERR_INTERNAL. Kafka: ERR_UNSUPPORTED; kafka_group_commit is per partition. */
MUST_CHECK static inline bool buffer_release(struct buffer *buffer, uint64_t position, struct err *err)
{
    return buffer->ops->release(buffer, position, err);
}
/* The next record begins a new log file, so that a release up to the last position of now lets every older file go: for
 * what must not stay on the disk. Waits for the writer thread: not from done or sink. False: there was no room for a new
 * file (ERR_BUSY, ERR_IO), all is as it was. Kafka: does nothing; a record stays until its topic's retention ends. */
MUST_CHECK static inline bool buffer_roll(struct buffer *buffer, struct err *err)
{
    return buffer->ops->roll(buffer, err);
}
static inline void buffer_stats(struct buffer *buffer, struct buffer_stats *stats)
{
    buffer->ops->stats(buffer, stats);
}
/* Finishes what was appended, syncs, stops the thread. NULL is fine. */
static inline void buffer_close(struct buffer *buffer)
{
    if (buffer != NULL) buffer->ops->close(buffer);
}
