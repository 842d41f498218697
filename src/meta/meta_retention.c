#include "meta/meta_inside.h"

#include <stdlib.h>

/* -- changes ---------------------------------------------------------------------------------------------------- */

bool meta_retention_put(struct db_session *session, const struct meta_retention *retention, struct err *err)
{
    if (retention->days > META_DAYS_MAX)
        return err_set(err, ERR_INPUT, "a retention is of at most %d days", META_DAYS_MAX);
    if (!db_run(session,
                "INSERT INTO retentions(project_id, table_name, days) VALUES($1, $2, $3)"
                " ON CONFLICT(project_id, table_name) DO UPDATE SET days = excluded.days",
                DB_VALUES(db_uuid(retention->project_id), db_text(retention->table), db_integer(retention->days)), NULL,
                NULL, NULL, err))
        return err->code == ERR_NOT_FOUND ? err_set(err, ERR_NOT_FOUND, "there is no such project") : false;
    return db_note_change(session, META_TOPIC, err);
}

bool meta_retention_remove(struct db_session *session, struct uuid project_id, const char *table, struct err *err)
{
    return db_run(session, "DELETE FROM retentions WHERE project_id = $1 AND table_name = $2",
                  DB_VALUES(db_uuid(project_id), db_text(table)), NULL, NULL, NULL, err) &&
           db_note_change(session, META_TOPIC, err);
}

static bool put_run(struct db_session *session, void *ctx, struct err *err)
{
    return meta_retention_put(session, ctx, err);
}

static bool remove_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct meta_retention *retention = ctx;
    return meta_retention_remove(session, retention->project_id, retention->table, err);
}

static bool retention_change(struct meta *meta, struct uuid project_id, const char *table, uint32_t days,
                             db_work_fn *work, struct err *err)
{
    struct meta_retention retention = { .project_id = project_id, .days = days };
    if (strlen(table) >= sizeof retention.table) return err_set(err, ERR_INPUT, "there is no table \"%.60s\"", table);
    strcpy(retention.table, table);
    return meta_change(meta, work, &retention, err);
}

bool meta_retention_set(struct meta *meta, struct uuid project_id, const char *table, uint32_t days, struct err *err)
{
    return retention_change(meta, project_id, table, days, put_run, err);
}

bool meta_retention_clear(struct meta *meta, struct uuid project_id, const char *table, struct err *err)
{
    return retention_change(meta, project_id, table, 0, remove_run, err);
}

/* -- look-ups --------------------------------------------------------------------------------------------------- */

static bool retention_read(void *ctx, struct db_row *row, struct err *err)
{
    struct meta_retention retention = { .project_id = db_row_uuid(row, 0) };
    int64_t days = db_row_integer(row, 2);
    (void)err;
    db_row_text_copy(row, 1, retention.table, sizeof retention.table);
    if (days < 0 || days > META_DAYS_MAX) row->is_bad = true;
    retention.days = (uint32_t)days;
    retention_keep(ctx, &retention);
    return true;
}

bool retentions_load(struct db *db, struct memory *memory, struct err *err)
{
    return db_read(db, "SELECT project_id, table_name, days FROM retentions ORDER BY project_id, table_name",
                   DB_NO_VALUES, retention_read, memory, err);
}

bool meta_retention_find(struct meta *meta, struct uuid project_id, const char *table, uint32_t *days)
{
    pthread_rwlock_rdlock(&meta->lock);
    const struct meta_retention *there = retention_at(&meta->memory, project_id, table);
    if (there) *days = there->days;
    pthread_rwlock_unlock(&meta->lock);
    return there != NULL;
}

void meta_retention_list(struct meta *meta, bool (*each)(void *ctx, const struct meta_retention *retention), void *ctx)
{
    pthread_rwlock_rdlock(&meta->lock);
    uint32_t count = meta->memory.retention_count;
    struct meta_retention *retentions = mem_alloc((count + 1) * sizeof *retentions);
    if (count > 0) memcpy(retentions, meta->memory.retentions, count * sizeof *retentions);
    pthread_rwlock_unlock(&meta->lock);
    for (uint32_t r = 0; r < count && each(ctx, &retentions[r]); r++) continue;
    free(retentions);
}
