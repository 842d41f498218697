/* metric.h -- what the process counts, as one list: pulled from the parts into a set, written out as Prometheus text or OTLP.
 *
 *   parts' *_stats() --> struct metric_set --prometheus_write--> GET /metrics
 *                                         '--otlp_metrics_write--> project `monoscope`, a second target
 *
 * A new figure is one line in METRIC_LIST, one metric_add_* where its part is asked (app/watch.c), one row in docs/self.md.
 * Names are OpenTelemetry's where it has one, else monoscope.<part>.<noun>; units are UCUM as OTLP has them.
 * Thread: a set is its owner's. Memory: attributes are copied into the set. */
#pragma once
#include "base/arena.h"
#include "base/histogram.h"

/* A counter grows; a gauge is how much there is; an updown is a gauge whose series may be summed. */
enum metric_kind { METRIC_COUNTER, METRIC_UPDOWN, METRIC_GAUGE, METRIC_HISTOGRAM };

#define METRIC_LIST(X)                                                                                                \
    X(PROCESS_CPU_TIME, METRIC_COUNTER, "process.cpu.time", "s", "CPU time used, by cpu.mode")                        \
    X(PROCESS_MEMORY_USAGE, METRIC_UPDOWN, "process.memory.usage", "By", "memory the process holds (RSS)")            \
    X(PROCESS_MEMORY_ANONYMOUS, METRIC_UPDOWN, "monoscope.process.memory.anonymous", "By",                            \
      "of it what the kernel cannot take back")                                                                       \
    X(PROCESS_FILES, METRIC_UPDOWN, "process.unix.file_descriptor.count", "{file_descriptor}",                        \
      "open file descriptors")                                                                                        \
    X(PROCESS_THREADS, METRIC_UPDOWN, "process.thread.count", "{thread}", "threads")                                  \
    X(PROCESS_UPTIME, METRIC_GAUGE, "process.uptime", "s", "since the start")                                         \
    X(MEMORY_LIMIT, METRIC_GAUGE, "monoscope.memory.limit", "By", "share of --memory, by part; process: all of it")   \
    X(MEMORY_USAGE, METRIC_GAUGE, "monoscope.memory.usage", "By", "what is used of a part's share now")               \
    X(CONNECTIONS, METRIC_UPDOWN, "monoscope.server.connections", "{connection}", "open connections, by port")        \
    X(CONNECTIONS_ACCEPTED, METRIC_COUNTER, "monoscope.server.connections.accepted", "{connection}",                  \
      "connections taken, by port")                                                                                   \
    X(CONNECTIONS_REFUSED, METRIC_COUNTER, "monoscope.server.connections.refused", "{connection}",                    \
      "connections turned away because there were too many, by port")                                                 \
    X(CONNECTIONS_DRAINED, METRIC_COUNTER, "monoscope.server.connections.drained", "{connection}",                    \
      "connections asked to come anew, for their age or idle, by port")                                               \
    X(CONNECTIONS_FAILED, METRIC_COUNTER, "monoscope.server.connections.failed", "{connection}",                      \
      "connections without a word of the port's protocol, by port and error.type")                                    \
    X(INGEST_REQUESTS, METRIC_COUNTER, "monoscope.ingest.requests", "{request}", "OTLP requests that came")           \
    X(INGEST_REFUSED, METRIC_COUNTER, "monoscope.ingest.refused", "{request}",                                        \
      "OTLP requests answered with an error, by error.type")                                                          \
    X(UNREAD, METRIC_COUNTER, "monoscope.server.unread", "{request}",                                                 \
      "requests refused unread: no room for their bodies")                                                            \
    X(INGEST_REPEATS, METRIC_COUNTER, "monoscope.ingest.repeats", "{request}",                                        \
      "OTLP requests that were stored before and not again")                                                          \
    X(INGEST_RECORDS, METRIC_COUNTER, "monoscope.ingest.records", "{record}",                                         \
      "spans, log records and data points stored, by project and signal")                                             \
    X(INGEST_REJECTED, METRIC_COUNTER, "monoscope.ingest.rejected", "{record}",                                       \
      "records left out of requests that were taken (partial_success)")                                               \
    X(INGEST_BYTES, METRIC_COUNTER, "monoscope.ingest.size", "By", "bytes of stored requests, inflated, by project")  \
    X(INGEST_DURATION, METRIC_HISTOGRAM, "monoscope.ingest.duration", "s",                                            \
      "from a request to the answer that says it is safe")                                                            \
    X(LIMIT_REFUSED, METRIC_COUNTER, "monoscope.limit.refused", "{request}",                                          \
      "requests and queries over a limit of their project or key, by limit")                                          \
    X(USAGE_UNSAVED, METRIC_GAUGE, "monoscope.usage.unsaved", "{subject}",                                            \
      "projects and keys whose counts are not in the metadata yet")                                                   \
    X(INTAKE_LOST, METRIC_COUNTER, "monoscope.intake.lost", "{count}",                                                \
      "counts of the intake, by key and minute, without room while the database was away")                            \
    X(REDACTION_REQUESTS, METRIC_COUNTER, "monoscope.redaction.requests", "{request}",                                \
      "requests of projects with redaction rules, by result: changed, unchanged")                                     \
    X(REDACTION_FOUND, METRIC_COUNTER, "monoscope.redaction.found", "{find}", "what their rules found")               \
    X(REDACTION_UNKNOWN_FIELDS, METRIC_COUNTER, "monoscope.redaction.unknown_fields", "{field}",                      \
      "fields that OTLP does not have, left out of such requests")                                                    \
    X(BUFFER_REQUESTS, METRIC_COUNTER, "monoscope.buffer.requests", "{request}",                                      \
      "requests written to the log, own telemetry among them")                                                        \
    X(BUFFER_BYTES, METRIC_COUNTER, "monoscope.buffer.size", "By", "bytes of them as they came")                      \
    X(BUFFER_SYNC_DURATION, METRIC_HISTOGRAM, "monoscope.buffer.sync.duration", "s", "one sync of the log to disk")   \
    X(BUFFER_DISK_USAGE, METRIC_GAUGE, "monoscope.buffer.disk.usage", "By", "of the log's files")                     \
    X(BUFFER_DISK_LIMIT, METRIC_GAUGE, "monoscope.buffer.disk.limit", "By", "--log-disk")                             \
    X(BUFFER_PENDING, METRIC_GAUGE, "monoscope.buffer.pending", "By", "waiting for the disk")                         \
    X(BUFFER_UNRELEASED, METRIC_GAUGE, "monoscope.buffer.unreleased", "{request}",                                    \
      "safe in the log and not yet in the tables")                                                                    \
    X(BUFFER_WRITABLE, METRIC_GAUGE, "monoscope.buffer.writable", "{state}", "1: the log takes requests")             \
    X(WORKER_ROWS, METRIC_COUNTER, "monoscope.worker.rows", "{row}", "rows made, replayed and own ones among them")   \
    X(WORKER_QUEUE, METRIC_GAUGE, "monoscope.worker.queue", "By", "requests waiting to become rows")                  \
    X(WORKER_VISIBLE_DURATION, METRIC_HISTOGRAM, "monoscope.worker.visible.duration", "s",                            \
      "from a request's arrival until its rows can be asked for: the oldest of each published segment")               \
    X(WORKER_DISK_FAILING, METRIC_GAUGE, "monoscope.worker.disk.failing", "{state}",                                  \
      "1: segments cannot be written, rows stay in memory and in the log")                                            \
    X(ROLLUPS_STORE_DURATION, METRIC_HISTOGRAM, "monoscope.rollups.store.duration", "s",                              \
      "one cut of a partition's counts into the database of the metadata")                                            \
    X(ROLLUPS_FAILURES, METRIC_COUNTER, "monoscope.rollups.failures", "{failure}", "that are tried again, by step")   \
    X(ROLLUPS_FAILING, METRIC_GAUGE, "monoscope.rollups.failing", "{state}",                                          \
      "1: counts cannot be stored, they wait in memory and their records in the log")                                 \
    X(ROLLUPS_SKIPPED, METRIC_COUNTER, "monoscope.rollups.skipped", "{row}", "rows too old to be counted")            \
    X(ROLLUPS_DONE, METRIC_COUNTER, "monoscope.rollups.done", "{item}",                                               \
      "by kind: hours and days rolled up, edges found of calls that came apart, rows deleted at their age")           \
    X(REPLAYS_STORE_DURATION, METRIC_HISTOGRAM, "monoscope.replays.store.duration", "s",                              \
      "one cut's batches of replays into the object store and the metadata")                                          \
    X(REPLAYS_FAILURES, METRIC_COUNTER, "monoscope.replays.failures", "{failure}", "by step, tried again")            \
    X(REPLAYS_OBJECTS, METRIC_COUNTER, "monoscope.replays.objects", "{object}", "by kind: joined, written, swept")    \
    X(REPLAYS_FAILING, METRIC_GAUGE, "monoscope.replays.failing", "{state}",                                          \
      "1: replays wait in memory, their records in the log")                                                          \
    X(PATTERNS_STORE_DURATION, METRIC_HISTOGRAM, "monoscope.patterns.store.duration", "s",                            \
      "one cut of a partition's counts of log patterns into the database of the metadata")                            \
    X(PATTERNS_FAILURES, METRIC_COUNTER, "monoscope.patterns.failures", "{failure}", "of storing, tried again")       \
    X(PATTERNS_FAILING, METRIC_GAUGE, "monoscope.patterns.failing", "{state}",                                        \
      "1: counts cannot be stored, they wait in memory and their records in the log")                                 \
    X(PATTERNS_SKIPPED, METRIC_COUNTER, "monoscope.patterns.skipped", "{row}", "log lines too old to be counted")     \
    X(PATTERNS_REST, METRIC_COUNTER, "monoscope.patterns.rest", "{row}",                                              \
      "log lines counted under the rest of a pattern, or of their service")                                           \
    X(ERRORS_STORE_DURATION, METRIC_HISTOGRAM, "monoscope.errors.store.duration", "s",                                \
      "one cut of a partition's counts of errors, with their events, into the database of the metadata")              \
    X(ERRORS_FAILURES, METRIC_COUNTER, "monoscope.errors.failures", "{failure}", "of storing, tried again")           \
    X(ERRORS_FAILING, METRIC_GAUGE, "monoscope.errors.failing", "{state}",                                            \
      "1: counts cannot be stored, they wait in memory and their records in the log")                                 \
    X(ERRORS_SKIPPED, METRIC_COUNTER, "monoscope.errors.skipped", "{row}", "with errors, too old to be counted")      \
    X(ERRORS_REST, METRIC_COUNTER, "monoscope.errors.rest", "{error}",                                                \
      "counted under (other): of more kinds than are kept apart")                                                     \
    X(SOURCE_MAPS, METRIC_GAUGE, "monoscope.source_maps", "{map}", "that this process knows of, of all projects")     \
    X(SOURCE_MAPS_OPEN, METRIC_GAUGE, "monoscope.source_maps.open", "{map}", "in memory")                             \
    X(SOURCE_MAPS_STACKS, METRIC_COUNTER, "monoscope.source_maps.stacks", "{stack}", "with a file that has a map")    \
    X(SOURCE_MAPS_FRAMES, METRIC_COUNTER, "monoscope.source_maps.frames", "{frame}", "of such files, by result")      \
    X(SOURCE_MAPS_LATE, METRIC_COUNTER, "monoscope.source_maps.late", "{stack}",                                      \
      "left as they were sent: a map could not be had in time")                                                       \
    X(SOURCE_MAPS_FETCHES, METRIC_COUNTER, "monoscope.source_maps.fetches", "{map}", "from the store, by result")     \
    X(ISSUES_PROJECTS, METRIC_GAUGE, "monoscope.issues.projects", "{project}", "whose errors we group now")           \
    X(ISSUES_FINGERPRINTS, METRIC_GAUGE, "monoscope.issues.fingerprints", "{fingerprint}", "of them, in memory")      \
    X(ISSUES_DECIDED, METRIC_COUNTER, "monoscope.issues.decided", "{fingerprint}",                                    \
      "put into issues, by how: new, stack, meaning, judge; fingerprint: known from before")                          \
    X(ISSUES_DECIDE_DURATION, METRIC_HISTOGRAM, "monoscope.issues.decide.duration", "s",                              \
      "reading, embedding and comparing one of them")                                                                 \
    X(ISSUES_CHANGED, METRIC_COUNTER, "monoscope.issues.changed", "{issue}", "states, by themselves, by why")         \
    X(ISSUES_FULL, METRIC_COUNTER, "monoscope.issues.full", "{fingerprint}",                                          \
      "put into issues of their own for want of memory")                                                              \
    X(ISSUES_CONFLICTS, METRIC_COUNTER, "monoscope.issues.conflicts", "{transaction}",                                \
      "refused: another process has the project, or people had moved something")                                      \
    X(ISSUES_FAILURES, METRIC_COUNTER, "monoscope.issues.failures", "{failure}", "that are tried again, by step")     \
    X(ISSUES_FAILING, METRIC_GAUGE, "monoscope.issues.failing", "{state}", "1: new errors have no issue for now")     \
    X(ISSUES_JUDGED, METRIC_COUNTER, "monoscope.issues.judged", "{pair}", "a model was asked about, by answer")       \
    X(TAILS, METRIC_GAUGE, "monoscope.tails", "{tail}", "live tails that are watched, or were left just now")         \
    X(TAILS_ROWS, METRIC_COUNTER, "monoscope.tails.rows", "{row}",                                                    \
      "by outcome: matched, of them dropped for who reads too slowly, and skipped: not compared for want of time")    \
    X(KAFKA_PARTITIONS, METRIC_GAUGE, "monoscope.kafka.partitions", "{partition}", "ours now, by topic")              \
    X(KAFKA_LAG, METRIC_GAUGE, "monoscope.kafka.lag", "{request}",                                                    \
      "acknowledged and not yet in the tables, by topic and partition; told by who has it")                           \
    X(KAFKA_EPOCH, METRIC_GAUGE, "monoscope.kafka.epoch", "{owner}",                                                  \
      "our number among the owners of a partition so far, by topic and partition")                                    \
    X(KAFKA_TAKEN, METRIC_COUNTER, "monoscope.kafka.partitions.taken", "{partition}", "partitions taken over")        \
    X(KAFKA_FENCED, METRIC_COUNTER, "monoscope.kafka.partitions.fenced", "{partition}",                               \
      "partitions that another had taken over while we held them")                                                    \
    X(KAFKA_REBALANCES, METRIC_COUNTER, "monoscope.kafka.rebalances", "{rebalance}",                                  \
      "times that the group gave or took partitions")                                                                 \
    X(KAFKA_REPEATS, METRIC_COUNTER, "monoscope.kafka.repeats", "{request}",                                          \
      "requests that had come within the last 10 minutes and were passed over")                                       \
    X(KAFKA_RETRIED, METRIC_COUNTER, "monoscope.kafka.retried", "{request}",                                          \
      "requests that could not be stored and went to a retry topic")                                                  \
    X(KAFKA_PARKED, METRIC_COUNTER, "monoscope.kafka.parked", "{request}",                                            \
      "requests that could not be stored at all: `monoscope parked list`")                                            \
    X(KAFKA_LOST, METRIC_COUNTER, "monoscope.kafka.lost", "{request}",                                                \
      "requests that the topic's retention removed before they were stored")                                          \
    X(KAFKA_AWAY, METRIC_GAUGE, "monoscope.kafka.away", "{state}", "1: no broker answers")                            \
    X(SEGMENTS, METRIC_GAUGE, "monoscope.segments.count", "{segment}", "files of rows not yet in the tables")         \
    X(SEGMENTS_BYTES, METRIC_GAUGE, "monoscope.segments.usage", "By", "of these files")                               \
    X(FLUSH_DURATION, METRIC_HISTOGRAM, "monoscope.flush.duration", "s", "one flush into the tables")                 \
    X(FLUSH_FAILURES, METRIC_COUNTER, "monoscope.flush.failures", "{failure}",                                        \
      "flushes that failed and are tried again")                                                                      \
    X(DELTA_VERSION, METRIC_GAUGE, "monoscope.delta.version", "{commit}", "newest version of a table")                \
    X(DELTA_FILES, METRIC_GAUGE, "monoscope.delta.files", "{file}", "live files of a table")                          \
    X(STORE_REQUESTS, METRIC_COUNTER, "monoscope.store.requests", "{request}",                                        \
      "to the folder or bucket of the tables, by kind")                                                               \
    X(STORE_RETRIES, METRIC_COUNTER, "monoscope.store.retries", "{request}", "of these: sent once more")              \
    X(STORE_FAILURES, METRIC_COUNTER, "monoscope.store.failures", "{failure}",                                        \
      "that ended in an error other than that something is or is not there")                                          \
    X(STORE_BYTES, METRIC_COUNTER, "monoscope.store.size", "By", "by direction: read, written")                       \
    X(CACHE_REQUESTS, METRIC_COUNTER, "monoscope.cache.requests", "{request}",                                        \
      "reads of a bucket's files, by result; hit: it cost no GET")                                                    \
    X(CACHE_BLOCKS, METRIC_COUNTER, "monoscope.cache.blocks", "{block}",                                              \
      "blocks read, by source; joined: another read was fetching it")                                                 \
    X(CACHE_BYTES, METRIC_COUNTER, "monoscope.cache.size", "By",                                                      \
      "by kind: asked for, fetched from the bucket, warmed by own writes, written to disk")                           \
    X(CACHE_FETCHES, METRIC_COUNTER, "monoscope.cache.fetches", "{request}", "GETs of the cache")                     \
    X(CACHE_FETCH_FAILURES, METRIC_COUNTER, "monoscope.cache.fetch.failures", "{failure}",                            \
      "reads that the bucket failed")                                                                                 \
    X(CACHE_FETCH_DURATION, METRIC_HISTOGRAM, "monoscope.cache.fetch.duration", "s",                                  \
      "of GETs that were sent together")                                                                              \
    X(CACHE_DISK_DURATION, METRIC_HISTOGRAM, "monoscope.cache.disk.duration", "s", "one block from the local disk")   \
    X(CACHE_REMOVED, METRIC_COUNTER, "monoscope.cache.removed", "{block}",                                            \
      "by reason: memory_full, disk_full, unused for --cache-ttl, deleted")                                           \
    X(CACHE_REFUSED, METRIC_COUNTER, "monoscope.cache.refused", "{block}",                                            \
      "not taken to disk, which is full, slow or failing")                                                            \
    X(CACHE_CORRUPT, METRIC_COUNTER, "monoscope.cache.corrupt", "{block}",                                            \
      "whose checksum on disk was wrong; fetched again")                                                              \
    X(CACHE_DISK_FAILURES, METRIC_COUNTER, "monoscope.cache.disk.failures", "{failure}", "of the cache's disk")       \
    X(CACHE_USAGE, METRIC_GAUGE, "monoscope.cache.usage", "By", "held now, by tier")                                  \
    X(CACHE_LIMIT, METRIC_GAUGE, "monoscope.cache.limit", "By", "most that may be held, by tier")                     \
    X(INDEX_LOOKUPS, METRIC_COUNTER, "monoscope.index.lookups", "{lookup}",                                           \
      "of values in the index of a table's files")                                                                    \
    X(INDEX_FILES, METRIC_COUNTER, "monoscope.index.files", "{file}", "asked about, by result: out, left")            \
    X(INDEX_FETCHES, METRIC_COUNTER, "monoscope.index.fetches", "{request}", "GETs of its pages")                     \
    X(INDEX_BYTES, METRIC_COUNTER, "monoscope.index.size", "By", "of these pages")                                    \
    X(INDEX_RUNS, METRIC_GAUGE, "monoscope.index.runs", "{run}",                                                      \
      "known now, of projects that were asked for or written")                                                        \
    X(INDEX_PENDING, METRIC_GAUGE, "monoscope.index.pending", "{file}", "noted and not yet in a run")                 \
    X(INDEX_WRITTEN, METRIC_COUNTER, "monoscope.index.changes", "{run}",                                              \
      "runs written, merged into others, deleted, by kind")                                                           \
    X(INDEX_DAMAGED, METRIC_COUNTER, "monoscope.index.damaged", "{run}",                                              \
      "whose checksum was wrong or that could not be read")                                                           \
    X(MAINTENANCE_UNITS, METRIC_COUNTER, "monoscope.maintenance.units", "{unit}", "pieces of work done, by kind")     \
    X(MAINTENANCE_FAILURES, METRIC_COUNTER, "monoscope.maintenance.failures", "{failure}",                            \
      "pieces that failed and are tried again, by kind")                                                              \
    X(MAINTENANCE_CONFLICTS, METRIC_COUNTER, "monoscope.maintenance.conflicts", "{conflict}",                         \
      "pieces dropped because another writer was faster, by kind")                                                    \
    X(MAINTENANCE_FILES, METRIC_COUNTER, "monoscope.maintenance.files", "{file}",                                     \
      "files taken out of the tables and put in, by kind and direction")                                              \
    X(MAINTENANCE_BYTES, METRIC_COUNTER, "monoscope.maintenance.size", "By", "of these files")                        \
    X(MAINTENANCE_TIME, METRIC_COUNTER, "monoscope.maintenance.time", "s", "spent on it, by kind")                    \
    X(MAINTENANCE_PENDING, METRIC_GAUGE, "monoscope.maintenance.pending", "{partition}",                              \
      "days of projects that the last look found something to do in, by kind")                                        \
    X(MAINTENANCE_WAITING, METRIC_GAUGE, "monoscope.maintenance.waiting", "{state}",                                  \
      "1: it waits for the intake to catch up")                                                                       \
    X(PEERS, METRIC_GAUGE, "monoscope.peers", "{peer}", "workers that are followed, by state: answering, away")       \
    X(PEERS_UNSEEN, METRIC_GAUGE, "monoscope.peers.unseen", "{partition}",                                            \
      "whose newest rows queries lack, by reason")                                                                    \
    X(PEERS_COPIES, METRIC_GAUGE, "monoscope.peers.copies", "{segment}", "of workers, kept until Delta has them")     \
    X(PEERS_COPIES_BYTES, METRIC_GAUGE, "monoscope.peers.copies.usage", "By", "they hold on disk")                    \
    X(PEERS_COPIED, METRIC_COUNTER, "monoscope.peers.copied", "{segment}", "copied from workers")                     \
    X(PEERS_COPIED_BYTES, METRIC_COUNTER, "monoscope.peers.copied.size", "By", "of these")                            \
    X(PEERS_FAILURES, METRIC_COUNTER, "monoscope.peers.failures", "{request}", "that a worker did not answer well")   \
    X(PEERS_FULL, METRIC_GAUGE, "monoscope.peers.full", "1", "1: nothing new is copied (--peer-disk)")                \
    X(PEERS_SERVED, METRIC_COUNTER, "monoscope.peers.served", "{request}",                                            \
      "of other processes for our segments, by result: answered, refused")                                            \
    X(PEERS_SERVED_BYTES, METRIC_COUNTER, "monoscope.peers.served.size", "By", "handed out to them")                  \
    X(SQL_STATEMENTS, METRIC_COUNTER, "monoscope.sql.statements", "{statement}", "SQL statements run")                \
    X(SQL_FAILED, METRIC_COUNTER, "monoscope.sql.failed", "{statement}", "of them those that ended with an error")    \
    X(SQL_ROWS, METRIC_COUNTER, "monoscope.sql.rows", "{row}", "rows sent to SQL clients")                            \
    X(SQL_DURATION, METRIC_HISTOGRAM, "monoscope.sql.duration", "s", "of a statement, with sending its rows")         \
    X(SIGN_INS, METRIC_COUNTER, "monoscope.sign_ins", "{attempt}",                                                    \
      "people signing in by web, API and SQL, by outcome: let_in, refused, throttled")                                \
    X(API_REQUESTS, METRIC_COUNTER, "monoscope.api.requests", "{request}", "answered by the REST API, by status")     \
    X(API_DURATION, METRIC_HISTOGRAM, "monoscope.api.duration", "s", "of a request, with sending its answer")         \
    X(API_RUNNING, METRIC_UPDOWN, "monoscope.api.running", "{request}", "requests that are being answered")           \
    X(API_WAITING, METRIC_UPDOWN, "monoscope.api.waiting", "{request}", "requests that wait for a thread")            \
    X(METADATA_AWAY, METRIC_GAUGE, "monoscope.metadata.away", "{database}", "1 while its database cannot be reached") \
    X(METADATA_CONNECTIONS, METRIC_GAUGE, "monoscope.metadata.connections", "{connection}", "open to its database")   \
    X(METADATA_TRANSACTIONS, METRIC_COUNTER, "monoscope.metadata.transactions", "{transaction}", "begun")             \
    X(METADATA_REPEATED, METRIC_COUNTER, "monoscope.metadata.repeated", "{transaction}",                              \
      "done again after a lost race or a broken connection")                                                          \
    X(METADATA_FAILED, METRIC_COUNTER, "monoscope.metadata.failed", "{call}", "changes and reads that failed")        \
    X(LLM_REQUESTS, METRIC_COUNTER, "monoscope.llm.requests", "{request}", "questions to language models, by result") \
    X(LLM_RETRIES, METRIC_COUNTER, "monoscope.llm.retries", "{request}", "asked again, by reason: failure, schema")   \
    X(LLM_REFUSED, METRIC_COUNTER, "monoscope.llm.refused", "{request}", "questions over a budget")                   \
    X(LLM_TOKENS, METRIC_COUNTER, "monoscope.llm.tokens", "{token}", "tokens used, by type: input, output")           \
    X(LLM_COST, METRIC_COUNTER, "monoscope.llm.cost", "{currency}", "what they cost by the prices that are set")      \
    X(LLM_RUNNING, METRIC_UPDOWN, "monoscope.llm.running", "{request}", "questions that wait for an answer")          \
    X(LLM_AUDIT_LOST, METRIC_COUNTER, "monoscope.llm.audit.lost", "{row}",                                            \
      "prompts and answers that could not be kept")                                                                   \
    X(PROJECTS, METRIC_GAUGE, "monoscope.projects", "{project}", "projects there are")                                \
    X(TELEMETRY_RECORDS, METRIC_COUNTER, "monoscope.telemetry.records", "{record}",                                   \
      "own records stored in project monoscope, by signal")                                                           \
    X(TELEMETRY_DROPPED, METRIC_COUNTER, "monoscope.telemetry.dropped", "{record}",                                   \
      "own records that found no room, by target and signal")                                                         \
    X(TELEMETRY_EXPORTS, METRIC_COUNTER, "monoscope.telemetry.exports", "{request}",                                  \
      "requests that the second target took")                                                                         \
    X(TELEMETRY_EXPORT_FAILURES, METRIC_COUNTER, "monoscope.telemetry.export.failures", "{request}",                  \
      "tries that it did not take")

enum metric_id {
#define X(id, kind, name, unit, description) METRIC_##id,
    METRIC_LIST(X)
#undef X
        METRIC_COUNT
};
struct metric_family {
    enum metric_kind kind;
    const char *name, *unit, *description;
};
extern const struct metric_family metric_families[METRIC_COUNT];

#define METRIC_ATTRIBUTES_MAX 3
struct metric_attribute {
    const char *key, *value;
};
struct metric_point {          /* a series' value now */
    struct metric_point *next; /* of the same family */
    uint32_t attribute_count;
    struct metric_attribute attributes[METRIC_ATTRIBUTES_MAX];
    bool is_integer;
    bool is_skipped; /* otlp_write_metrics leaves it out */
    uint64_t integer;
    double number;
    struct histogram_counts *histogram; /* of a histogram */
};
struct metric_set {
    struct arena arena;
    struct metric_point *first[METRIC_COUNT], *last[METRIC_COUNT];
    uint32_t point_count;
};
void metric_set_init(struct metric_set *set);
void metric_set_deinit(struct metric_set *set);
/* attributes end with a key of NULL; NULL: none. METRIC_ATTRIBUTES({ "signal", "logs" }) makes such a list. */
void metric_add(struct metric_set *set, enum metric_id id, uint64_t value, const struct metric_attribute *attributes);
void metric_add_number(struct metric_set *set, enum metric_id id, double value,
                       const struct metric_attribute *attributes);
void metric_add_histogram(struct metric_set *set, enum metric_id id, const struct histogram_counts *counts);
/* Marks the points that are in `before` with the same attributes and value as skipped; how many are not. */
uint32_t metric_set_skip_same(struct metric_set *set, const struct metric_set *before);
#define METRIC_ATTRIBUTES(...) ((const struct metric_attribute[]){ __VA_ARGS__, { 0 } })
