#include "app/watch.h"
#include "base/clock.h"
#include "buffer/buffer.h"
#include "ingest/ingest.h"
#include "ingest/redaction/redactor.h"
#include "ingest/tally.h"
#include "issues/grouper.h"
#include "llm/llm.h"
#include "meta/accounts.h"
#include "meta/db.h"
#include "meta/intake.h"
#include "meta/meta.h"
#include "meta/meter.h"
#include "net/admission.h"
#include "net/grpc.h"
#include "net/http.h"
#include "sourcemaps/sourcemaps.h"
#include "tail/tail.h"
#include "timefusion/cache/cache.h"
#include "timefusion/delta/delta.h"
#include "timefusion/maintenance/maintenance.h"
#include "timefusion/pgwire/pgwire.h"
#include "timefusion/segment/segment.h"
#include "timefusion/timefusion.h"
#include "web/api/api.h"
#include "worker/errors/errors.h"
#include "worker/member.h"
#include "worker/patterns/patterns.h"
#include "worker/replay/replay_join.h"
#include "worker/replay/replays.h"
#include "worker/rollup/rollup.h"
#include <stdio.h>
#include <stdlib.h>

#define OUT_OF_ROOM_NS 30000000000ull /* so long the log counts as not writable after the file system had no room */

void watch_init(struct watch *watch, const struct budget *budget, uint64_t log_disk_bytes)
{
    *watch = (struct watch){ .budget = budget, .log_disk_bytes = log_disk_bytes };
    pthread_mutex_init(&watch->lock, NULL);
}

void watch_deinit(struct watch *watch)
{
    pthread_mutex_destroy(&watch->lock);
}

void watch_set(struct watch *watch, enum watch_phase phase, const struct watch_parts *parts)
{
    pthread_mutex_lock(&watch->lock);
    watch->phase = phase;
    watch->parts = parts ? *parts : (struct watch_parts){ 0 };
    pthread_mutex_unlock(&watch->lock);
}

/* Why the log takes no requests now, or NULL. A file system without room is noticed by the requests it refuses; where a
 * load balancer sends none while we are not ready, time must pass for it. */
static const char *log_trouble(const struct buffer_stats *stats)
{
    if (stats->has_failed) return "the disk of the log failed: see wal.failed on stderr, then start again";
    if (stats->is_full) return "the log is full (--log-disk): waiting for the tables to take what it holds";
    uint64_t now_ns = clock_mono_ns();
    if (stats->out_of_room_mono_ns > 0 && now_ns - stats->out_of_room_mono_ns < OUT_OF_ROOM_NS)
        return "the file system of the log is full";
    return NULL;
}

static const char *buffer_trouble(const struct watch *watch, const struct buffer_stats *stats)
{
    if (!watch->parts.kafka) return log_trouble(stats);
    if (stats->has_failed)
        return "Kafka's client failed for good: see kafka.producer_failed on stderr, then start again";
    return stats->is_full ? "Kafka does not answer" : NULL;
}

/* -- metrics ---------------------------------------------------------------------------------------------------- */

static void memory_collect(const struct watch *watch, struct metric_set *set)
{
    const struct budget *budget = watch->budget;
    const struct {
        const char *part;
        uint64_t bytes;
    } limits[] = {
        { "process", budget->memory },          { "wire", budget->wire },       { "requests", budget->requests },
        { "columns", budget->columns },         { "query", budget->query },     { "footers", budget->footers },
        { "maintenance", budget->maintenance }, { "cache", budget->cache },     { "index", budget->index },
        { "fetched", budget->fetched },         { "rollups", budget->rollups }, { "patterns", budget->patterns },
        { "errors", budget->errors },           { "replays", budget->replays }, { "issues", budget->issues },
        { "source maps", budget->source_maps }
    };
    for (size_t l = 0; l < COUNT_OF(limits); l++)
        metric_add(set, METRIC_MEMORY_LIMIT, limits[l].bytes, METRIC_ATTRIBUTES({ "part", limits[l].part }));
    struct admission *admission = watch->parts.admission;
    if (!admission) return;
    metric_add(set, METRIC_MEMORY_USAGE, atomic_load(&admission->bytes), METRIC_ATTRIBUTES({ "part", "wire" }));
    metric_add(set, METRIC_UNREAD, atomic_load(&admission->refused), NULL);
}

static void connections_add(struct metric_set *set, const char *port, uint64_t open, uint64_t accepted,
                            uint64_t refused)
{
    metric_add(set, METRIC_CONNECTIONS, open, METRIC_ATTRIBUTES({ "port", port }));
    metric_add(set, METRIC_CONNECTIONS_ACCEPTED, accepted, METRIC_ATTRIBUTES({ "port", port }));
    metric_add(set, METRIC_CONNECTIONS_REFUSED, refused, METRIC_ATTRIBUTES({ "port", port }));
}

static void server_collect(struct metric_set *set, const char *port, const struct server_stats *stats)
{
    const struct {
        const char *type;
        uint64_t count;
    } failures[] = {
        { "tls_failed", stats->tls_failed },
        { "tls_missing", stats->tls_missing },
        { "tls_unexpected", stats->tls_unexpected },
        { "not_understood", stats->not_understood },
        { "cut_off", stats->cut_off },
    };
    connections_add(set, port, stats->connections, stats->connections_accepted, stats->connections_refused);
    metric_add(set, METRIC_CONNECTIONS_DRAINED, stats->connections_drained, METRIC_ATTRIBUTES({ "port", port }));
    for (size_t f = 0; f < COUNT_OF(failures); f++)
        metric_add(set, METRIC_CONNECTIONS_FAILED, failures[f].count,
                   METRIC_ATTRIBUTES({ "port", port }, { "error.type", failures[f].type }));
}

static void servers_collect(const struct watch *watch, struct metric_set *set)
{
    struct server_stats stats;
    if (watch->parts.grpc) {
        grpc_server_stats(watch->parts.grpc, &stats);
        server_collect(set, "otlp_grpc", &stats);
    }
    if (watch->parts.http) {
        http_server_stats(watch->parts.http, &stats);
        server_collect(set, "otlp_http", &stats);
    }
}

/* By name where it has one; a project that was removed keeps its id. */
static void project_label(const struct watch *watch, struct uuid id, char label[64])
{
    struct meta_project project;
    struct err missing = { 0 };
    if (uuid_equal(id, (struct uuid){ 0 })) {
        snprintf(label, 64, "(others)");
        return;
    }
    uuid_to_text(id, label);
    if (watch->parts.meta && meta_project_find(watch->parts.meta, bytes_of_text(label), &project, &missing))
        memcpy(label, project.name, sizeof project.name);
}

static void projects_collect(const struct watch *watch, struct metric_set *set)
{
    static const char *const signals[] = { "logs", "traces", "metrics", "replays" };
    struct tally_entry *entries;
    uint32_t count = ingest_projects(watch->parts.ingest, &entries);
    for (uint32_t e = 0; e < count; e++) {
        char label[64];
        project_label(watch, entries[e].project_id, label);
        for (uint32_t s = 0; s < COUNT_OF(signals); s++)
            if (entries[e].records[s] > 0)
                metric_add(set, METRIC_INGEST_RECORDS, entries[e].records[s],
                           METRIC_ATTRIBUTES({ "project", label }, { "signal", signals[s] }));
        metric_add(set, METRIC_INGEST_BYTES, entries[e].bytes, METRIC_ATTRIBUTES({ "project", label }));
    }
    free(entries);
}

static void ingest_collect(const struct watch *watch, struct metric_set *set)
{
    struct ingest_stats stats;
    if (!watch->parts.ingest) return;
    ingest_stats(watch->parts.ingest, &stats);
    metric_add(set, METRIC_INGEST_REQUESTS, stats.requests, NULL);
    for (uint32_t c = 0; c < ERR_CODE_COUNT; c++)
        if (stats.refused_by[c] > 0)
            metric_add(set, METRIC_INGEST_REFUSED, stats.refused_by[c],
                       METRIC_ATTRIBUTES({ "error.type", err_name((enum err_code)c) }));
    metric_add(set, METRIC_INGEST_REPEATS, stats.repeats, NULL);
    metric_add(set, METRIC_INGEST_REJECTED, stats.rejected, NULL);
    metric_add(set, METRIC_MEMORY_USAGE, stats.memory_bytes, METRIC_ATTRIBUTES({ "part", "requests" }));
    metric_add_histogram(set, METRIC_INGEST_DURATION, &stats.times);
    projects_collect(watch, set);
}

static void limits_collect(const struct watch *watch, struct metric_set *set)
{
    struct meter_stats meter;
    struct redactor_stats redaction;
    if (!watch->parts.meter || !watch->parts.redactor) return;
    meter_stats(watch->parts.meter, &meter);
    for (int l = 0; l < LIMIT_COUNT; l++)
        if (meter.refused[l] > 0)
            metric_add(set, METRIC_LIMIT_REFUSED, meter.refused[l],
                       METRIC_ATTRIBUTES({ "limit", limit_name((enum limit)l) }));
    metric_add(set, METRIC_USAGE_UNSAVED, meter.unsaved, NULL);
    if (watch->parts.intake) metric_add(set, METRIC_INTAKE_LOST, intake_lost(watch->parts.intake), NULL);
    redactor_stats(watch->parts.redactor, &redaction);
    metric_add(set, METRIC_REDACTION_REQUESTS, redaction.changed, METRIC_ATTRIBUTES({ "result", "changed" }));
    metric_add(set, METRIC_REDACTION_REQUESTS, redaction.requests - redaction.changed,
               METRIC_ATTRIBUTES({ "result", "unchanged" }));
    metric_add(set, METRIC_REDACTION_FOUND, redaction.found, NULL);
    metric_add(set, METRIC_REDACTION_UNKNOWN_FIELDS, redaction.unknown_fields, NULL);
}

static void llm_collect(const struct watch *watch, struct metric_set *set)
{
    struct llm_stats stats;
    if (!watch->parts.llm) return;
    llm_stats(watch->parts.llm, &stats);
    metric_add(set, METRIC_LLM_REQUESTS, stats.requests - stats.failures, METRIC_ATTRIBUTES({ "result", "answered" }));
    metric_add(set, METRIC_LLM_REQUESTS, stats.failures, METRIC_ATTRIBUTES({ "result", "failed" }));
    metric_add(set, METRIC_LLM_RETRIES, stats.retries, METRIC_ATTRIBUTES({ "reason", "failure" }));
    metric_add(set, METRIC_LLM_RETRIES, stats.schema_retries, METRIC_ATTRIBUTES({ "reason", "schema" }));
    metric_add(set, METRIC_LLM_REFUSED, stats.refused, NULL);
    metric_add(set, METRIC_LLM_TOKENS, stats.input_tokens, METRIC_ATTRIBUTES({ "type", "input" }));
    metric_add(set, METRIC_LLM_TOKENS, stats.output_tokens, METRIC_ATTRIBUTES({ "type", "output" }));
    metric_add_number(set, METRIC_LLM_COST, (double)stats.cost_micros / 1e6, NULL);
    metric_add(set, METRIC_LLM_RUNNING, stats.running, NULL);
    metric_add(set, METRIC_LLM_AUDIT_LOST, stats.audit_lost, NULL);
}

static void buffer_collect(const struct watch *watch, struct metric_set *set)
{
    struct buffer_stats stats;
    if (!watch->parts.buffer) return;
    buffer_stats(watch->parts.buffer, &stats);
    metric_add(set, METRIC_BUFFER_REQUESTS, stats.records, NULL);
    metric_add(set, METRIC_BUFFER_BYTES, stats.bytes, NULL);
    metric_add_histogram(set, METRIC_BUFFER_SYNC_DURATION, &stats.sync_times);
    metric_add(set, METRIC_BUFFER_PENDING, stats.pending_bytes, NULL);
    metric_add(set, METRIC_BUFFER_WRITABLE, buffer_trouble(watch, &stats) == NULL, NULL);
    if (watch->parts.kafka) return; /* it has no disk of ours */
    metric_add(set, METRIC_BUFFER_DISK_USAGE, stats.disk_bytes, NULL);
    metric_add(set, METRIC_BUFFER_DISK_LIMIT, watch->log_disk_bytes, NULL);
    metric_add(set, METRIC_BUFFER_UNRELEASED, stats.position_last - stats.position_released, NULL);
}

static void worker_collect(const struct watch *watch, struct metric_set *set)
{
    struct worker_stats stats;
    if (watch->parts.worker) {
        worker_stats(watch->parts.worker, &stats);
    } else if (watch->parts.member) {
        watch_member_collect(watch, set, &stats);
    } else {
        return;
    }
    metric_add(set, METRIC_WORKER_ROWS, stats.rows, NULL);
    metric_add(set, METRIC_WORKER_QUEUE, stats.queue_bytes, NULL);
    metric_add(set, METRIC_MEMORY_USAGE, stats.columns_bytes, METRIC_ATTRIBUTES({ "part", "columns" }));
    metric_add_histogram(set, METRIC_WORKER_VISIBLE_DURATION, &stats.visible);
    metric_add(set, METRIC_WORKER_DISK_FAILING, stats.is_disk_failing, NULL);
    metric_add_histogram(set, METRIC_FLUSH_DURATION, &stats.flush_times);
    metric_add(set, METRIC_FLUSH_FAILURES, stats.flush_failures, NULL);
}

static void rollups_collect(const struct watch *watch, struct metric_set *set)
{
    struct rollups_stats stats;
    if (!watch->parts.rollups) return;
    rollups_stats(watch->parts.rollups, &stats);
    metric_add(set, METRIC_MEMORY_USAGE, stats.counting.bytes, METRIC_ATTRIBUTES({ "part", "rollups" }));
    metric_add_histogram(set, METRIC_ROLLUPS_STORE_DURATION, &stats.counting.store_times);
    metric_add(set, METRIC_ROLLUPS_FAILURES, stats.counting.store_failures, METRIC_ATTRIBUTES({ "step", "store" }));
    metric_add(set, METRIC_ROLLUPS_FAILURES, stats.job_failures, METRIC_ATTRIBUTES({ "step", "job" }));
    metric_add(set, METRIC_ROLLUPS_FAILING, stats.counting.is_storing_failing, NULL);
    metric_add(set, METRIC_ROLLUPS_SKIPPED, stats.counting.rows_skipped, NULL);
    metric_add(set, METRIC_ROLLUPS_DONE, stats.hours, METRIC_ATTRIBUTES({ "kind", "hours" }));
    metric_add(set, METRIC_ROLLUPS_DONE, stats.days, METRIC_ATTRIBUTES({ "kind", "days" }));
    metric_add(set, METRIC_ROLLUPS_DONE, stats.edges, METRIC_ATTRIBUTES({ "kind", "edges" }));
    metric_add(set, METRIC_ROLLUPS_DONE, stats.deleted, METRIC_ATTRIBUTES({ "kind", "deleted" }));
}

static void patterns_collect(const struct watch *watch, struct metric_set *set)
{
    struct counting_stats stats;
    if (!watch->parts.patterns) return;
    patterns_stats(watch->parts.patterns, &stats);
    metric_add(set, METRIC_MEMORY_USAGE, stats.bytes, METRIC_ATTRIBUTES({ "part", "patterns" }));
    metric_add_histogram(set, METRIC_PATTERNS_STORE_DURATION, &stats.store_times);
    metric_add(set, METRIC_PATTERNS_FAILURES, stats.store_failures, NULL);
    metric_add(set, METRIC_PATTERNS_FAILING, stats.is_storing_failing, NULL);
    metric_add(set, METRIC_PATTERNS_SKIPPED, stats.rows_skipped, NULL);
    metric_add(set, METRIC_PATTERNS_REST, stats.rows_rest, NULL);
}

static void replays_collect(const struct watch *watch, struct metric_set *set)
{
    struct counting_stats stats;
    if (!watch->parts.replays) return;
    struct replay_joiner_stats joins;
    replays_stats(watch->parts.replays, &stats, &joins);
    metric_add(set, METRIC_MEMORY_USAGE, stats.bytes, METRIC_ATTRIBUTES({ "part", "replays" }));
    metric_add_histogram(set, METRIC_REPLAYS_STORE_DURATION, &stats.store_times);
    metric_add(set, METRIC_REPLAYS_FAILURES, stats.store_failures, METRIC_ATTRIBUTES({ "step", "store" }));
    metric_add(set, METRIC_REPLAYS_FAILURES, joins.failures, METRIC_ATTRIBUTES({ "step", "join" }));
    metric_add(set, METRIC_REPLAYS_OBJECTS, joins.objects_read, METRIC_ATTRIBUTES({ "kind", "joined" }));
    metric_add(set, METRIC_REPLAYS_OBJECTS, joins.objects_written, METRIC_ATTRIBUTES({ "kind", "written" }));
    metric_add(set, METRIC_REPLAYS_OBJECTS, joins.swept, METRIC_ATTRIBUTES({ "kind", "swept" }));
    metric_add(set, METRIC_REPLAYS_FAILING, stats.is_storing_failing, NULL);
}

static void errors_collect(const struct watch *watch, struct metric_set *set)
{
    struct counting_stats stats;
    if (!watch->parts.errors) return;
    errors_stats(watch->parts.errors, &stats);
    metric_add(set, METRIC_MEMORY_USAGE, stats.bytes, METRIC_ATTRIBUTES({ "part", "errors" }));
    metric_add_histogram(set, METRIC_ERRORS_STORE_DURATION, &stats.store_times);
    metric_add(set, METRIC_ERRORS_FAILURES, stats.store_failures, NULL);
    metric_add(set, METRIC_ERRORS_FAILING, stats.is_storing_failing, NULL);
    metric_add(set, METRIC_ERRORS_SKIPPED, stats.rows_skipped, NULL);
    metric_add(set, METRIC_ERRORS_REST, stats.rows_rest, NULL);
}

static void source_maps_collect(const struct watch *watch, struct metric_set *set)
{
    struct sourcemaps_stats stats;
    if (!watch->parts.source_maps) return;
    sourcemaps_stats(watch->parts.source_maps, &stats);
    metric_add(set, METRIC_MEMORY_USAGE, stats.open_bytes, METRIC_ATTRIBUTES({ "part", "source maps" }));
    metric_add(set, METRIC_SOURCE_MAPS, stats.maps, NULL);
    metric_add(set, METRIC_SOURCE_MAPS_OPEN, stats.open_maps, NULL);
    metric_add(set, METRIC_SOURCE_MAPS_STACKS, stats.stacks, NULL);
    metric_add(set, METRIC_SOURCE_MAPS_FRAMES, stats.frames, METRIC_ATTRIBUTES({ "result", "resolved" }));
    metric_add(set, METRIC_SOURCE_MAPS_FRAMES, stats.unmapped, METRIC_ATTRIBUTES({ "result", "unmapped" }));
    metric_add(set, METRIC_SOURCE_MAPS_LATE, stats.late, NULL);
    metric_add(set, METRIC_SOURCE_MAPS_FETCHES, stats.fetches - stats.fetch_failures,
               METRIC_ATTRIBUTES({ "result", "ok" }));
    metric_add(set, METRIC_SOURCE_MAPS_FETCHES, stats.fetch_failures, METRIC_ATTRIBUTES({ "result", "failed" }));
}

static void issues_collect(const struct watch *watch, struct metric_set *set)
{
    struct grouper_stats stats;
    if (!watch->parts.issues) return;
    grouper_stats(watch->parts.issues, &stats);
    metric_add(set, METRIC_MEMORY_USAGE, stats.bytes, METRIC_ATTRIBUTES({ "part", "issues" }));
    metric_add(set, METRIC_ISSUES_PROJECTS, stats.projects, NULL);
    metric_add(set, METRIC_ISSUES_FINGERPRINTS, stats.fingerprints, NULL);
    for (int by = 0; by < GROUP_BY_COUNT; by++)
        metric_add(set, METRIC_ISSUES_DECIDED, stats.decided[by], METRIC_ATTRIBUTES({ "by", group_by_names[by] }));
    for (int why = ISSUE_WHY_NONE + 1; why < ISSUE_WHY_COUNT_OF; why++)
        metric_add(set, METRIC_ISSUES_CHANGED, stats.changed[why], METRIC_ATTRIBUTES({ "why", issue_why_names[why] }));
    metric_add(set, METRIC_ISSUES_FULL, stats.full, NULL);
    metric_add(set, METRIC_ISSUES_CONFLICTS, stats.conflicts, NULL);
    metric_add(set, METRIC_ISSUES_FAILURES, stats.failures, METRIC_ATTRIBUTES({ "step", "look" }));
    metric_add(set, METRIC_ISSUES_FAILURES, stats.embedding_failures, METRIC_ATTRIBUTES({ "step", "embedding" }));
    metric_add(set, METRIC_ISSUES_FAILURES, stats.judge_failures, METRIC_ATTRIBUTES({ "step", "judge" }));
    metric_add(set, METRIC_ISSUES_FAILING, stats.is_failing, NULL);
    metric_add(set, METRIC_ISSUES_JUDGED, stats.judged_same, METRIC_ATTRIBUTES({ "answer", "same" }));
    metric_add(set, METRIC_ISSUES_JUDGED, stats.judged - stats.judged_same, METRIC_ATTRIBUTES({ "answer", "other" }));
    metric_add_histogram(set, METRIC_ISSUES_DECIDE_DURATION, &stats.decide_times);
}

static void tails_collect(const struct watch *watch, struct metric_set *set)
{
    struct tails_stats stats;
    if (!watch->parts.tails) return;
    tails_stats(watch->parts.tails, &stats);
    metric_add(set, METRIC_MEMORY_USAGE, stats.bytes, METRIC_ATTRIBUTES({ "part", "tails" }));
    metric_add(set, METRIC_TAILS, stats.tails, NULL);
    metric_add(set, METRIC_TAILS_ROWS, stats.matched, METRIC_ATTRIBUTES({ "outcome", "matched" }));
    metric_add(set, METRIC_TAILS_ROWS, stats.dropped, METRIC_ATTRIBUTES({ "outcome", "dropped" }));
    metric_add(set, METRIC_TAILS_ROWS, stats.skipped, METRIC_ATTRIBUTES({ "outcome", "skipped" }));
}

static void store_collect(const struct watch *watch, struct metric_set *set)
{
    struct segments_stats stats;
    if (!watch->parts.timefusion) return;
    segments_stats(timefusion_segments(watch->parts.timefusion), &stats);
    metric_add(set, METRIC_SEGMENTS, stats.segment_count, NULL);
    metric_add(set, METRIC_SEGMENTS_BYTES, stats.bytes, NULL);
    for (uint32_t t = 0; t < SCHEMA_TABLE_COUNT; t++) {
        enum schema_table_id table = (enum schema_table_id)t;
        struct delta_snapshot *snapshot = delta_snapshot_acquire(timefusion_delta(watch->parts.timefusion, table));
        const char *name = schema_table(table)->name;
        metric_add(set, METRIC_DELTA_VERSION, snapshot->version, METRIC_ATTRIBUTES({ "table", name }));
        metric_add(set, METRIC_DELTA_FILES, snapshot->file_count, METRIC_ATTRIBUTES({ "table", name }));
        delta_snapshot_release(snapshot);
    }
}

static void index_collect(const struct watch *watch, struct metric_set *set)
{
    struct index_counts counts;
    if (!watch->parts.timefusion) return;
    index_counts(timefusion_index(watch->parts.timefusion), &counts);
    metric_add(set, METRIC_INDEX_LOOKUPS, counts.lookups, NULL);
    metric_add(set, METRIC_INDEX_FILES, counts.files_out, METRIC_ATTRIBUTES({ "result", "out" }));
    metric_add(set, METRIC_INDEX_FILES, counts.files_asked - counts.files_out, METRIC_ATTRIBUTES({ "result", "left" }));
    metric_add(set, METRIC_INDEX_FETCHES, counts.gets, NULL);
    metric_add(set, METRIC_INDEX_BYTES, counts.get_bytes, NULL);
    metric_add(set, METRIC_INDEX_RUNS, counts.runs, NULL);
    metric_add(set, METRIC_INDEX_PENDING, counts.pending_files, NULL);
    metric_add(set, METRIC_INDEX_WRITTEN, counts.runs_written, METRIC_ATTRIBUTES({ "kind", "written" }));
    metric_add(set, METRIC_INDEX_WRITTEN, counts.runs_merged, METRIC_ATTRIBUTES({ "kind", "merged" }));
    metric_add(set, METRIC_INDEX_WRITTEN, counts.runs_deleted, METRIC_ATTRIBUTES({ "kind", "deleted" }));
    metric_add(set, METRIC_INDEX_DAMAGED, counts.runs_damaged, NULL);
    metric_add(set, METRIC_MEMORY_USAGE, counts.memory_bytes, METRIC_ATTRIBUTES({ "part", "index" }));
}

static void cache_collect(const struct watch *watch, struct metric_set *set)
{
    struct cache_stats stats;
    if (!watch->parts.cache) return;
    cache_stats(watch->parts.cache, &stats);
    const struct {
        enum metric_id id;
        const char *name, *value;
        uint64_t count;
    } counts[] = {
        { METRIC_CACHE_REQUESTS, "result", "hit", stats.request_hits },
        { METRIC_CACHE_REQUESTS, "result", "miss", stats.requests - stats.request_hits },
        { METRIC_CACHE_BLOCKS, "source", "memory", stats.memory_hits },
        { METRIC_CACHE_BLOCKS, "source", "disk", stats.disk_hits },
        { METRIC_CACHE_BLOCKS, "source", "joined", stats.joins },
        { METRIC_CACHE_BLOCKS, "source", "store", stats.misses },
        { METRIC_CACHE_BYTES, "kind", "asked", stats.bytes_asked },
        { METRIC_CACHE_BYTES, "kind", "fetched", stats.bytes_fetched },
        { METRIC_CACHE_BYTES, "kind", "warmed", stats.bytes_warmed },
        { METRIC_CACHE_BYTES, "kind", "disk_written", stats.disk_bytes_written },
        { METRIC_CACHE_REMOVED, "reason", "memory_full", stats.memory_evictions },
        { METRIC_CACHE_REMOVED, "reason", "disk_full", stats.disk_evictions },
        { METRIC_CACHE_REMOVED, "reason", "unused", stats.expired },
        { METRIC_CACHE_REMOVED, "reason", "deleted", stats.dropped },
        { METRIC_CACHE_USAGE, "tier", "memory", stats.memory_bytes },
        { METRIC_CACHE_USAGE, "tier", "disk", stats.disk_bytes },
        { METRIC_CACHE_LIMIT, "tier", "memory", stats.memory_bytes_max },
        { METRIC_CACHE_LIMIT, "tier", "disk", stats.disk_bytes_max },
    };
    for (size_t c = 0; c < COUNT_OF(counts); c++)
        metric_add(set, counts[c].id, counts[c].count, METRIC_ATTRIBUTES({ counts[c].name, counts[c].value }));
    metric_add(set, METRIC_MEMORY_USAGE, stats.memory_bytes, METRIC_ATTRIBUTES({ "part", "cache" }));
    metric_add(set, METRIC_CACHE_FETCHES, stats.fetches, NULL);
    metric_add(set, METRIC_CACHE_FETCH_FAILURES, stats.fetch_failures, NULL);
    metric_add(set, METRIC_CACHE_REFUSED, stats.refused, NULL);
    metric_add(set, METRIC_CACHE_CORRUPT, stats.corrupt, NULL);
    metric_add(set, METRIC_CACHE_DISK_FAILURES, stats.disk_failures, NULL);
    metric_add_histogram(set, METRIC_CACHE_FETCH_DURATION, &stats.fetch_times);
    metric_add_histogram(set, METRIC_CACHE_DISK_DURATION, &stats.disk_read_times);
}

static void objects_collect(const struct watch *watch, struct metric_set *set)
{
    struct object_counts counts;
    if (!watch->parts.store) return;
    object_counts(watch->parts.store, &counts);
    for (uint32_t c = OBJECT_COUNT_GET; c < OBJECT_COUNT_RETRY; c++)
        metric_add(set, METRIC_STORE_REQUESTS, counts.of[c],
                   METRIC_ATTRIBUTES({ "kind", object_count_name((enum object_count)c) }));
    metric_add(set, METRIC_STORE_RETRIES, counts.of[OBJECT_COUNT_RETRY], NULL);
    metric_add(set, METRIC_STORE_FAILURES, counts.of[OBJECT_COUNT_FAILED], NULL);
    metric_add(set, METRIC_STORE_BYTES, counts.of[OBJECT_COUNT_BYTES_READ], METRIC_ATTRIBUTES({ "direction", "read" }));
    metric_add(set, METRIC_STORE_BYTES, counts.of[OBJECT_COUNT_BYTES_WRITTEN],
               METRIC_ATTRIBUTES({ "direction", "written" }));
}

static void maintenance_collect(const struct watch *watch, struct metric_set *set)
{
    struct maintenance_stats stats;
    if (!watch->parts.maintenance) return;
    maintenance_stats(watch->parts.maintenance, &stats);
    metric_add(set, METRIC_MAINTENANCE_WAITING, stats.is_waiting, NULL);
    for (uint32_t k = 0; k < MAINTENANCE_KIND_COUNT; k++) {
        const struct maintenance_counts *counts = &stats.kinds[k];
        const char *kind = maintenance_kind_name((enum maintenance_kind)k);
        metric_add(set, METRIC_MAINTENANCE_UNITS, counts->units, METRIC_ATTRIBUTES({ "kind", kind }));
        metric_add(set, METRIC_MAINTENANCE_FAILURES, counts->failed, METRIC_ATTRIBUTES({ "kind", kind }));
        metric_add(set, METRIC_MAINTENANCE_CONFLICTS, counts->conflicts, METRIC_ATTRIBUTES({ "kind", kind }));
        metric_add(set, METRIC_MAINTENANCE_PENDING, counts->pending, METRIC_ATTRIBUTES({ "kind", kind }));
        metric_add_number(set, METRIC_MAINTENANCE_TIME, (double)counts->busy_ns / 1e9,
                          METRIC_ATTRIBUTES({ "kind", kind }));
        metric_add(set, METRIC_MAINTENANCE_FILES, counts->files_in,
                   METRIC_ATTRIBUTES({ "kind", kind }, { "direction", "removed" }));
        metric_add(set, METRIC_MAINTENANCE_FILES, counts->files_out,
                   METRIC_ATTRIBUTES({ "kind", kind }, { "direction", "added" }));
        metric_add(set, METRIC_MAINTENANCE_BYTES, counts->bytes_in,
                   METRIC_ATTRIBUTES({ "kind", kind }, { "direction", "removed" }));
        metric_add(set, METRIC_MAINTENANCE_BYTES, counts->bytes_out,
                   METRIC_ATTRIBUTES({ "kind", kind }, { "direction", "added" }));
    }
}

static void sql_collect(const struct watch *watch, struct metric_set *set)
{
    struct pgwire_stats stats;
    if (!watch->parts.pgwire) return;
    pgwire_server_stats(watch->parts.pgwire, &stats);
    metric_add(set, METRIC_SQL_STATEMENTS, stats.statements, NULL);
    metric_add(set, METRIC_SQL_FAILED, stats.failed, NULL);
    metric_add(set, METRIC_SQL_ROWS, stats.rows, NULL);
    metric_add_histogram(set, METRIC_SQL_DURATION, &stats.times);
    connections_add(set, "sql", stats.connections, stats.accepted, stats.turned_away);
    metric_add(set, METRIC_CONNECTIONS_FAILED, stats.tls_failed,
               METRIC_ATTRIBUTES({ "port", "sql" }, { "error.type", "tls_failed" }));
}

static void api_collect(const struct watch *watch, struct metric_set *set)
{
    static const char *const classes[] = { NULL, NULL, "2xx", "3xx", "4xx", "5xx" };
    struct api_stats stats;
    struct histogram_counts durations;
    if (!watch->parts.api) return;
    api_stats(watch->parts.api, &stats);
    for (size_t c = 2; c < COUNT_OF(classes); c++)
        metric_add(set, METRIC_API_REQUESTS, stats.answers[c], METRIC_ATTRIBUTES({ "status", classes[c] }));
    histogram_read(api_durations(watch->parts.api), &durations);
    metric_add_histogram(set, METRIC_API_DURATION, &durations);
    metric_add(set, METRIC_API_RUNNING, stats.running, NULL);
    metric_add(set, METRIC_API_WAITING, stats.waiting, NULL);
}

static void accounts_collect(const struct watch *watch, struct metric_set *set)
{
    if (!watch->parts.accounts) return;
    struct accounts_counters *counters = accounts_counters(watch->parts.accounts);
    metric_add(set, METRIC_SIGN_INS, atomic_load(&counters->signed_in), METRIC_ATTRIBUTES({ "outcome", "let_in" }));
    metric_add(set, METRIC_SIGN_INS, atomic_load(&counters->refused), METRIC_ATTRIBUTES({ "outcome", "refused" }));
    metric_add(set, METRIC_SIGN_INS, atomic_load(&counters->throttled), METRIC_ATTRIBUTES({ "outcome", "throttled" }));
}

static bool project_count(void *ctx, const struct meta_project *project)
{
    (void)project;
    ++*(uint64_t *)ctx;
    return true;
}

static void meta_collect(const struct watch *watch, struct metric_set *set)
{
    uint64_t count = 0;
    struct err err = { 0 };
    if (watch->parts.meta && meta_project_list(watch->parts.meta, project_count, &count, &err))
        metric_add(set, METRIC_PROJECTS, count, NULL);
    if (watch->parts.meta == NULL) return;
    struct db_stats stats;
    db_stats(meta_db(watch->parts.meta), &stats);
    metric_add(set, METRIC_METADATA_AWAY, stats.is_away, NULL);
    metric_add(set, METRIC_METADATA_CONNECTIONS, stats.connections, NULL);
    metric_add(set, METRIC_METADATA_TRANSACTIONS, stats.transactions, NULL);
    metric_add(set, METRIC_METADATA_REPEATED, stats.again, NULL);
    metric_add(set, METRIC_METADATA_FAILED, stats.failures, NULL);
}

void watch_collect(void *ctx, struct metric_set *set)
{
    struct watch *watch = ctx;
    pthread_mutex_lock(&watch->lock);
    memory_collect(watch, set);
    servers_collect(watch, set);
    ingest_collect(watch, set);
    limits_collect(watch, set);
    llm_collect(watch, set);
    buffer_collect(watch, set);
    worker_collect(watch, set);
    rollups_collect(watch, set);
    patterns_collect(watch, set);
    errors_collect(watch, set);
    replays_collect(watch, set);
    issues_collect(watch, set);
    source_maps_collect(watch, set);
    tails_collect(watch, set);
    store_collect(watch, set);
    objects_collect(watch, set);
    index_collect(watch, set);
    cache_collect(watch, set);
    maintenance_collect(watch, set);
    sql_collect(watch, set);
    api_collect(watch, set);
    accounts_collect(watch, set);
    watch_peers_collect(watch, set);
    meta_collect(watch, set);
    pthread_mutex_unlock(&watch->lock);
}

/* -- readiness -------------------------------------------------------------------------------------------------- */

void watch_ready(void *ctx, struct web_readiness *readiness)
{
    struct watch *watch = ctx;
    pthread_mutex_lock(&watch->lock);
    bool has_started = watch->phase == WATCH_RUNNING || watch->phase == WATCH_STOPPING;
    web_part_add(readiness, "start", has_started,
                 watch->phase == WATCH_REPLAYING ? "what the log holds is being made visible" : "parts are opening");
    const char *trouble = "not open";
    if (watch->parts.buffer) {
        struct buffer_stats stats;
        buffer_stats(watch->parts.buffer, &stats);
        trouble = buffer_trouble(watch, &stats);
    }
    web_part_add(readiness, watch->parts.kafka ? "kafka" : "log", trouble == NULL, trouble);
    if (watch->parts.meta)
        web_part_add(readiness, "metadata", meta_is_current(watch->parts.meta),
                     "its database has been away for longer than --database-grace");
    watch_peers_ready(watch, readiness);
    web_part_add(readiness, "intake", watch->phase == WATCH_RUNNING,
                 watch->phase == WATCH_STOPPING ? "the server is stopping" : "the ports are not open yet");
    pthread_mutex_unlock(&watch->lock);
}
