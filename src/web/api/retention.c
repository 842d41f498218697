/* How long a project's tables keep their rows. */
#include "meta/audit.h"
#include "meta/db.h"
#include "timefusion/schema/schema.h"
#include "web/api/handlers.h"
#include <inttypes.h>
#include <stdio.h>

static yyjson_mut_val *table_json(struct api_call *call, const char *table)
{
    yyjson_mut_val *object = yyjson_mut_obj(call->json);
    uint32_t days = 0;
    bool is_said = meta_retention_find(call->parts->meta, call->project.id, table, &days);
    yyjson_mut_obj_add_str(call->json, object, "table", table);
    yyjson_mut_obj_add_uint(call->json, object, "days", is_said ? days : call->parts->retention_days_default);
    yyjson_mut_obj_add_bool(call->json, object, "is_default", !is_said);
    return object;
}

void api_retention_get(struct api_call *call)
{
    yyjson_mut_val *answer = yyjson_mut_obj(call->json), *tables = yyjson_mut_arr(call->json);
    for (uint32_t t = 0; t < SCHEMA_TABLE_COUNT; t++)
        yyjson_mut_arr_append(tables, table_json(call, schema_table((enum schema_table_id)t)->name));
    yyjson_mut_obj_add_val(call->json, answer, "tables", tables);
    api_answer(call, answer);
}

struct setting {
    struct api_call *call;
    const char *table;
    uint32_t days;
    bool is_cleared;
};

static bool set_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct setting *setting = ctx;
    const struct api_call *call = setting->call;
    char details[160];
    struct meta_retention retention = { .project_id = call->project.id, .days = setting->days };
    snprintf(retention.table, sizeof retention.table, "%s", setting->table);
    bool ok = setting->is_cleared ? meta_retention_remove(session, call->project.id, setting->table, err)
                                  : meta_retention_put(session, &retention, err);
    int len = setting->is_cleared ? snprintf(details, sizeof details, "{}")
                                  : snprintf(details, sizeof details, "{\"days\":%" PRIu32 "}", setting->days);
    struct audit_event event = { .action = setting->is_cleared ? "retention.clear" : "retention.set",
                                 .object_kind = "table",
                                 .object = setting->table,
                                 .project_id = &call->project.id,
                                 .details = bytes_from(details, (size_t)len) };
    return ok && audit_write(session, call->actor, &event, err);
}

/* False: it was answered. */
static bool setting_make(struct setting *setting)
{
    struct api_call *call = setting->call;
    struct err err = { 0 };
    struct bytes name = api_path(call, "table");
    for (uint32_t t = 0; t < SCHEMA_TABLE_COUNT; t++)
        if (bytes_equal(bytes_of_text(schema_table((enum schema_table_id)t)->name), name))
            setting->table = schema_table((enum schema_table_id)t)->name;
    if (setting->table == NULL) {
        api_fail_with(call, ERR_NOT_FOUND, "there is no table of that name; there are %s and %s",
                      schema_table((enum schema_table_id)0)->name, schema_table((enum schema_table_id)1)->name);
        return false;
    }
    if (!db_transaction(call->parts->db, set_run, setting, &err)) {
        api_fail(call, &err);
        return false;
    }
    if (!meta_refresh(call->parts->meta, &err))
        log_warn(call->parts->log, "meta.refresh_failed", log_text("err", err.text));
    return true;
}

void api_retention_set(struct api_call *call)
{
    struct setting setting = { .call = call, .days = (uint32_t)api_body_int(call, "days", 0) };
    if (setting_make(&setting)) api_answer(call, table_json(call, setting.table));
}

void api_retention_clear(struct api_call *call)
{
    struct setting setting = { .call = call, .is_cleared = true };
    if (setting_make(&setting)) api_answer_none(call);
}
