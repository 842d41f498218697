#include "app/retention.h"
#include "app/beside.h"
#include "timefusion/schema/schema.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int usage(void)
{
    fprintf(stderr,
            "usage: monoscope retention set PROJECT TABLE DAYS     DAYS: 30d, or forever; TABLE: a name, or all\n"
            "       monoscope retention list\n"
            "       monoscope retention clear PROJECT TABLE        --retention counts again\n"
            "       all with [--data FOLDER]\n");
    return 2;
}

/* "30d" or "forever". */
static bool days_read(const char *text, uint32_t *days, struct err *err)
{
    char *end;
    unsigned long number = strtoul(text, &end, 10);
    *days = 0;
    if (strcmp(text, "forever") == 0) return true;
    if (text[0] < '0' || text[0] > '9' || strcmp(end, "d") != 0 || number == 0 || number > META_DAYS_MAX)
        return err_set(err, ERR_INPUT, "\"%.40s\" is no retention: whole days, 1d to %dd, or forever", text,
                       META_DAYS_MAX);
    *days = (uint32_t)number;
    return true;
}

static void days_print(uint32_t days)
{
    if (days == 0) {
        printf("forever\n");
    } else {
        printf("%" PRIu32 "d\n", days);
    }
}

struct retention_change {
    struct meta_retention retention;
    bool sets;
};
static bool retention_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct retention_change *change = ctx;
    return change->sets ? meta_retention_put(session, &change->retention, err)
                        : meta_retention_remove(session, change->retention.project_id, change->retention.table, err);
}

static bool table_change(struct meta *meta, const struct meta_project *project, const char *table, const uint32_t *days,
                         struct err *err)
{
    char details[64];
    struct retention_change change = { .retention = { .project_id = project->id, .days = days ? *days : 0 },
                                       .sets = days != NULL };
    snprintf(change.retention.table, sizeof change.retention.table, "%s", table);
    int len =
        days ? snprintf(details, sizeof details, "{\"days\":%u}", *days) : snprintf(details, sizeof details, "{}");
    struct audit_event event = { .action = days ? "retention.set" : "retention.clear",
                                 .object_kind = "table",
                                 .object = table,
                                 .project_id = &project->id,
                                 .details = bytes_from(details, (size_t)len) };
    return beside_change(meta, retention_run, &change, &event, err);
}

/* For each table of that name, or all. */
static bool tables_change(struct meta *meta, const struct meta_project *project, const char *name, const uint32_t *days,
                          struct err *err)
{
    uint32_t found = 0;
    for (uint32_t t = 0; t < SCHEMA_TABLE_COUNT; t++) {
        const char *table = schema_table((enum schema_table_id)t)->name;
        if (strcmp(name, "all") != 0 && strcmp(name, table) != 0) continue;
        found++;
        if (!table_change(meta, project, table, days, err)) return false;
        printf("%s  %s  ", project->name, table);
        if (days) {
            days_print(*days);
        } else {
            printf("as --retention says\n");
        }
    }
    if (found > 0) return true;
    return err_set(err, ERR_NO_TABLE, "there is no table \"%.60s\"; there are %s, %s, and all for both", name,
                   schema_table((enum schema_table_id)0)->name, schema_table((enum schema_table_id)1)->name);
}

static bool retention_print(void *ctx, const struct meta_retention *retention)
{
    struct meta_project project = { .name = "(removed)" };
    struct err ignored = { 0 };
    char id[UUID_TEXT_BYTES + 1];
    uuid_to_text(retention->project_id, id);
    (void)!meta_project_find(ctx, bytes_of_text(id), &project, &ignored);
    printf("%s  %s  ", project.name, retention->table);
    days_print(retention->days);
    return true;
}

static bool run(struct meta *meta, char **argv, struct err *err)
{
    struct meta_project project;
    uint32_t days = 0;
    bool sets = strcmp(argv[0], "set") == 0;
    if (strcmp(argv[0], "list") == 0) {
        meta_retention_list(meta, retention_print, meta);
        return true;
    }
    return (!sets || days_read(argv[3], &days, err)) &&
           meta_project_find(meta, bytes_of_text(argv[1]), &project, err) &&
           tables_change(meta, &project, argv[2], sets ? &days : NULL, err);
}

int retention_command(int argc, char **argv)
{
    static const struct {
        const char *name;
        int used;
    } commands[] = { { "set", 4 }, { "list", 1 }, { "clear", 3 } };
    struct config config;
    struct log log = { .fd = 2, .level_min = LOG_WARN };
    struct err err = { 0 };
    struct meta *meta;
    int used = 0;
    for (size_t c = 0; argc > 0 && c < COUNT_OF(commands); c++)
        if (strcmp(argv[0], commands[c].name) == 0) used = commands[c].used;
    if (used == 0 || argc < used) return usage();
    if (!config_read(&config, argc - used, argv + used, &err)) return beside_fail(&err);
    if (!beside_meta_open(&meta, &config, &log, &err)) return beside_fail(&err);
    bool ok = run(meta, argv, &err);
    meta_close(meta);
    return ok ? 0 : beside_fail(&err);
}
