/* delta_history.c -- what the last commits said of themselves: their commitInfo, newest first. */
#include <inttypes.h>
#include <stdlib.h>
#include <yyjson.h>

#include "timefusion/delta/delta_fetch.h"

static const char *text_of(yyjson_val *object, const char *key)
{
    return yyjson_get_str(yyjson_obj_get(object, key));
}

static int64_t number_of(yyjson_val *object, const char *key)
{
    yyjson_val *value = yyjson_obj_get(object, key);
    bool fits = yyjson_is_uint(value) && yyjson_get_uint(value) <= INT64_MAX;
    return fits ? (int64_t)yyjson_get_uint(value) : -1;
}

/* A member that is an object, as JSON; the caller's to free. */
static char *object_of(yyjson_val *object, const char *key)
{
    yyjson_val *value = yyjson_obj_get(object, key);
    return yyjson_is_obj(value) ? yyjson_val_write(value, 0, NULL) : NULL;
}

struct teller {
    uint64_t version;
    bool (*entry)(void *ctx, const struct delta_history_entry *entry);
    void *ctx;
    bool is_told, goes_on;
};

static bool line_look(void *ctx, struct bytes line, struct err *err)
{
    struct teller *teller = ctx;
    (void)err;
    if (teller->is_told || memmem(line.ptr, line.len, "\"commitInfo\"", 12) == NULL) return true;
    yyjson_doc *doc = yyjson_read((const char *)line.ptr, line.len, 0);
    yyjson_val *info = yyjson_obj_get(yyjson_doc_get_root(doc), "commitInfo");
    if (yyjson_is_obj(info)) {
        char *parameters = object_of(info, "operationParameters"), *metrics = object_of(info, "operationMetrics");
        struct delta_history_entry entry = {
            .version = teller->version,
            .timestamp_unix_ms = number_of(info, "timestamp"),
            .read_version = number_of(info, "readVersion"),
            .operation = text_of(info, "operation"),
            .parameters_json = parameters,
            .metrics_json = metrics,
            .engine = text_of(info, "engineInfo") ? text_of(info, "engineInfo") : text_of(info, "clientVersion"),
            .is_blind_append = yyjson_is_true(yyjson_obj_get(info, "isBlindAppend")),
        };
        teller->is_told = true;
        teller->goes_on = teller->entry(teller->ctx, &entry);
        free(parameters);
        free(metrics);
    }
    yyjson_doc_free(doc);
    return true;
}

/* A commit that says nothing of itself is an entry too: with its version alone. */
static bool commit_tell(struct teller *teller, uint64_t version, struct bytes lines)
{
    struct err ignored = { 0 };
    teller->version = version;
    teller->is_told = false;
    (void)!delta_lines_walk(lines, line_look, teller, &ignored);
    if (!teller->is_told)
        teller->goes_on =
            teller->entry(teller->ctx, &(struct delta_history_entry){
                                           .version = version, .timestamp_unix_ms = -1, .read_version = -1 });
    return teller->goes_on;
}

bool delta_history(struct delta_table *table, uint32_t limit,
                   bool (*entry)(void *ctx, const struct delta_history_entry *entry), void *ctx, struct err *err)
{
    struct teller teller = { .entry = entry, .ctx = ctx };
    pthread_mutex_lock(&table->lock);
    uint64_t end = table->version + 1;
    pthread_mutex_unlock(&table->lock);
    bool ok = true, goes_on = true;
    while (ok && goes_on && limit > 0 && end > 0) {
        struct delta_fetched fetched[DELTA_FETCH_MAX];
        uint32_t count = limit < DELTA_FETCH_MAX ? limit : DELTA_FETCH_MAX;
        if (count > end) count = (uint32_t)end;
        delta_fetch(table, end - count, count, fetched);
        for (uint32_t i = count; ok && goes_on && i-- > 0;) {
            if (fetched[i].err.code == ERR_NOT_FOUND) { /* cleaned away, and so is all that is older */
                goes_on = false;
            } else if (fetched[i].err.code != ERR_OK) {
                *err = fetched[i].err;
                ok = false;
            } else {
                goes_on = commit_tell(&teller, end - count + i, buf_bytes(&fetched[i].lines));
            }
        }
        delta_fetched_deinit(fetched, count);
        end -= count;
        limit -= count;
    }
    return ok || err_within(err, "history of Delta table \"%s\"", table->prefix);
}
