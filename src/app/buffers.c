#include "app/buffers.h"
#include "base/disk.h"
#include "buffer/buffer.h"
#include "timefusion/flush.h"
#include "timefusion/timefusion.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MARK_BYTES 64 /* "kafka " and an id */

/* What the tables know of buffers. */
struct known {
    bool ours; /* they know this one */
    char other[FLUSH_APP_ID_BYTES];
    uint64_t other_position;
};

static void known_read(struct timefusion *timefusion, struct uuid buffer_id, struct known *known)
{
    char ours[FLUSH_APP_ID_BYTES];
    *known = (struct known){ 0 };
    flush_app_id(buffer_id, 0, ours);
    size_t prefix = strlen("monoscope/") + UUID_TEXT_BYTES + 1;
    for (uint32_t t = 0; t < SCHEMA_TABLE_COUNT; t++) {
        struct delta_snapshot *snapshot = delta_snapshot_acquire(timefusion_delta(timefusion, (enum schema_table_id)t));
        for (uint32_t i = 0; i < snapshot->txn_count; i++) {
            const struct delta_txn *txn = &snapshot->txns[i];
            if (strncmp(txn->app_id, ours, prefix) == 0) {
                known->ours = true;
            } else if (strncmp(txn->app_id, "monoscope/", 10) == 0 && strlen(txn->app_id) > prefix &&
                       strchr(txn->app_id + prefix, '/') == NULL && txn->version >= known->other_position) {
                snprintf(known->other, sizeof known->other, "%s", txn->app_id);
                known->other_position = txn->version;
            }
        }
        delta_snapshot_release(snapshot);
    }
}

static bool mark_read(const char *data, char mark[MARK_BYTES])
{
    char path[1024];
    struct disk_file *file;
    struct err ignored = { 0 };
    size_t len = 0;
    mark[0] = '\0';
    snprintf(path, sizeof path, "%s/buffer.id", data);
    if (!disk_real.ops->open(&disk_real, path, DISK_READ, &file, &ignored)) return false;
    if (disk_real.ops->pread(file, 0, mark, MARK_BYTES - 1, &len, &ignored)) mark[len] = '\0';
    disk_real.ops->close(file);
    mark[strcspn(mark, "\r\n")] = '\0';
    return mark[0] != '\0';
}

static bool mark_write(const char *data, const char *mark, struct err *err)
{
    char path[1024], line[MARK_BYTES + 1];
    struct disk_file *file;
    snprintf(path, sizeof path, "%s/buffer.id", data);
    snprintf(line, sizeof line, "%s\n", mark);
    if (!disk_real.ops->open(&disk_real, path, DISK_WRITE | DISK_CREATE | DISK_TRUNCATE, &file, err)) return false;
    struct bytes text = bytes_of_text(line);
    bool ok = disk_real.ops->pwrite(file, 0, &text, 1, err) && disk_real.ops->sync(file, err);
    disk_real.ops->close(file);
    return ok && disk_real.ops->sync_dir(&disk_real, data, err);
}

static void mark_of(const char *kind, struct uuid id, char mark[MARK_BYTES])
{
    char text[UUID_TEXT_BYTES + 1];
    uuid_to_text(id, text);
    snprintf(mark, MARK_BYTES, "%s %s", kind, text);
}

/* Remembered only when it is another: a start costs no write. */
static bool mark_keep(const struct buffers_options *options, const char *before, const char *mark, struct err *err)
{
    if (strcmp(before, mark) == 0) return true;
    if (options->new_buffer)
        log_warn(options->log, "buffer.new", log_text("before", before[0] ? before : "unknown"), log_text("now", mark));
    return mark_write(options->data, mark, err);
}

/* A log that ends below what a table already holds from it is not the log the table was fed from. */
static bool log_reaches_tables(const struct buffers_options *options, struct buffer *buffer, struct err *err)
{
    struct flush_owner owner = { 0 };
    flush_app_id(buffer_id(buffer), 0, owner.app_id);
    flush_owner_read(options->timefusion, &owner);
    for (uint32_t t = 0; t < SCHEMA_TABLE_COUNT; t++)
        if (owner.txn[t] >= 0 && (uint64_t)owner.txn[t] > buffer_position_last(buffer))
            return err_set(err, ERR_CORRUPT,
                           "table \"%s\" holds records up to %" PRId64
                           " of the log in \"%s/log\", which ends at %" PRIu64
                           ": it was restored from an older copy; move it away and start with --new-buffer on",
                           schema_table(t)->name, owner.txn[t], options->data, buffer_position_last(buffer));
    return true;
}

static void refused_log(const struct buffers_options *options, const struct known *known, const char *before,
                        const char *now)
{
    log_error(options->log, "buffer.refused", log_text("tables_know", known->other[0] ? known->other : "no other"),
              log_number("up_to", (int64_t)known->other_position), log_text("before", before[0] ? before : "unknown"),
              log_text("now", now));
}

bool buffers_check_log(const struct buffers_options *options, struct buffer *buffer, struct err *err)
{
    char before[MARK_BYTES], mark[MARK_BYTES];
    struct known known;
    mark_of("log", buffer_id(buffer), mark);
    known_read(options->timefusion, buffer_id(buffer), &known);
    bool has_before = mark_read(options->data, before);
    bool is_other = has_before ? strcmp(before, mark) != 0
                               : buffer_position_last(buffer) == 0 && !known.ours && known.other[0] != '\0' &&
                                     options->has_own_tables;
    if (is_other && !options->new_buffer) {
        refused_log(options, &known, before, mark);
        if (strncmp(before, "kafka ", 6) == 0)
            return err_set(
                err, ERR_CONFLICT,
                "the tables were fed from Kafka until now: start with --kafka-brokers to go on with it, or with "
                "--new-buffer on to begin with a log of this machine's; what they lack of Kafka stays there");
        return err_set(
            err, ERR_CONFLICT,
            "the log in \"%s/log\" is not the one the tables were fed from: if that was deleted, what it held "
            "and they lack is lost; put it back, or begin with this one: --new-buffer on",
            options->data);
    }
    return log_reaches_tables(options, buffer, err) && mark_keep(options, before, mark, err);
}

static void nothing_taken(void *ctx, const struct buffer_record *record, void *request)
{
    (void)ctx, (void)record, (void)request;
}

static void nothing_listed(void *ctx, const char *name, bool is_dir)
{
    (void)ctx, (void)name, (void)is_dir;
}

/* Requests that only the log has: they would wait there for ever. */
static bool log_is_stored(const struct buffers_options *options, struct err *err)
{
    char dir[1024];
    struct err missing = { 0 };
    snprintf(dir, sizeof dir, "%s/log", options->data);
    if (!disk_real.ops->list(&disk_real, dir, nothing_listed, NULL, &missing)) {
        if (missing.code != ERR_NOT_FOUND) *err = missing;
        return missing.code == ERR_NOT_FOUND;
    }
    struct buffer *buffer;
    struct buffer_options log = {
        .dir = dir,
        .segment_bytes = 64ull << 20,
        .disk_bytes_max = UINT64_C(1) << 50,
        .pending_bytes_max = 1 << 20,
        .record_bytes_max = 65u << 20,
        .disk = &disk_real,
        .sink = { .record = nothing_taken },
        .log = options->log,
    };
    if (!buffer_open(&buffer, &log, err)) return err_within(err, "the log of before, in \"%s\"", dir);
    uint64_t left = buffer_position_last(buffer) - buffer_position_released(buffer);
    buffer_close(buffer);
    return left == 0 || err_set(err, ERR_CONFLICT,
                                "the log in \"%s\" holds %" PRIu64
                                " requests that the tables lack: start once without --kafka-brokers "
                                "and stop, which stores them",
                                dir, left);
}

bool buffers_check_kafka(const struct buffers_options *options, struct uuid buffer_id, const char *topic,
                         struct err *err)
{
    char before[MARK_BYTES], mark[MARK_BYTES];
    struct known known;
    mark_of("kafka", buffer_id, mark);
    known_read(options->timefusion, buffer_id, &known);
    (void)!mark_read(options->data, before);
    if (!log_is_stored(options, err)) return false;
    /* A topic that this process was allowed before need not have brought a row since. */
    bool is_other = !known.ours && known.other[0] != '\0' && strcmp(before, mark) != 0;
    if (is_other && !options->new_buffer) {
        refused_log(options, &known, before, mark);
        return err_set(
            err, ERR_CONFLICT,
            "the tables know another buffer, and not topic \"%.80s\" as it is now: if it was deleted and made "
            "again, what it held and they lack is lost; to go on with it, start with --new-buffer on",
            topic);
    }
    return mark_keep(options, before, mark, err);
}
