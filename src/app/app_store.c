#include "app/app_inside.h"
#include "base/disk.h"
#include "meta/meta.h"
#include "timefusion/cache/cache.h"
#include "timefusion/maintenance/maintenance.h"
#include "timefusion/query/query.h"
#include "timefusion/timefusion.h"
#include "worker/member.h"

#define DISK_RESERVE_BYTES (1ull << 30)

/* Only before a bucket: a folder's bytes are in the kernel's cache already. What the log may still need of the disk stays
 * free. */
static bool cache_start(struct app *app, struct err *err)
{
    const struct config *config = &app->config;
    char path[1024];
    if (!app->store.aws) return true;
    if (config->cache_memory_bytes == 0 && config->cache_disk_bytes == 0) return true;
    budget_give_cache(&app->budget, config->cache_memory_bytes);
    app_path(app, "cache", path, sizeof path);
    struct cache_options options = {
        .dir = path,
        .scope = object_store_url(app->store.objects),
        .memory_bytes = app->budget.cache,
        .disk_bytes = config->cache_disk_bytes,
        .disk_reserve_bytes = config->log_disk_bytes + DISK_RESERVE_BYTES,
        .ttl_s = config->cache_ttl_ms / 1000,
        .disk = &disk_real,
        .log = app->log,
    };
    if (!cache_open(&app->cache, &options, err)) return err_within(err, "cache");
    app->store.objects = object_store_open_cached(app->store.objects, app->cache);
    return true;
}

bool app_store_start(struct app *app, struct err *err)
{
    if (!store_open(&app->store, &app->config, app->log, err) || !cache_start(app, err) ||
        !locks_open(&app->locks, &app->store, app->log, err))
        return false;
    struct timefusion_options options = {
        .dir = app->config.data,
        .store = app->store.objects,
        .disk = &disk_real,
        .checkpoint_reader = query_checkpoint_reader(),
        .commit_stores = app->locks.stores,
        .commit_modes = app->locks.modes,
        .refresh_ms = 1000,
        .footer_bytes_max = app->budget.footers,
        .index_bytes_max = app->budget.index,
        .fetch_bytes_max = app->budget.fetched,
        .log = app->log,
    };
    return timefusion_open(&app->timefusion, &options, err);
}

uint32_t app_days_kept(const struct config *config)
{
    const uint64_t day_ms = 86400000;
    return (uint32_t)((config->retention_ms + day_ms - 1) / day_ms);
}

static uint32_t days_kept(void *ctx, struct uuid project_id, enum schema_table_id table)
{
    struct app *app = ctx;
    uint32_t days;
    if (meta_retention_find(app->meta, project_id, schema_table(table)->name, &days)) return days;
    return app_days_kept(&app->config);
}

/* Requests that wait to become rows: the worker needs the machine. Of several workers one looks after the tables. */
static bool intake_is_behind(void *ctx)
{
    struct app *app = ctx;
    if (app->kafka) {
        struct member_stats member;
        if (!app_member_leads(app)) return true;
        member_stats(app->member, &member);
        return member.workers.queue_bytes > app->budget.requests / 8 || member.workers.is_disk_failing;
    }
    struct worker_stats stats;
    worker_stats(app->worker, &stats);
    return stats.queue_bytes > app->budget.requests / 8 || stats.is_disk_failing;
}

bool app_maintenance_open(struct app *app, struct err *err)
{
    const struct config *config = &app->config;
    struct maintenance_options options = {
        .timefusion = app->timefusion,
        .is_on = config->maintenance,
        .interval_ms = (uint32_t)config->maintenance_ms,
        .vacuum_every_ms = config->vacuum_ms,
        .vacuum_keep_ms = (int64_t)config->vacuum_keep_ms,
        .recode_after_ms = config->recode_after_ms,
        .memory_bytes_max = app->budget.maintenance,
        .days_kept = days_kept,
        .is_behind = intake_is_behind,
        .ctx = app,
        .log = app->log,
    };
    return maintenance_open(&app->maintenance, &options, err);
}
