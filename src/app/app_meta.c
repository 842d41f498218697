#include "app/app_inside.h"
#include "base/disk.h"
#include "meta/meta.h"
#include <stdio.h>

#define DEFAULT_PROJECT "default"
#define KEY_FILE        "default.key"
#define OWN_KEY_FILE    "monoscope.key"

void app_path(const struct app *app, const char *name, char *path, size_t path_bytes)
{
    snprintf(path, path_bytes, "%s/%s", app->config.data, name);
}

/* The first key is kept beside the data, readable by its owner alone, so that `make run` can print it again. */
static bool key_file_write(const char *path, const char *secret, struct err *err)
{
    struct disk_file *file;
    if (!disk_real.ops->open(&disk_real, path, DISK_WRITE | DISK_CREATE | DISK_TRUNCATE, &file, err)) return false;
    struct bytes bytes = bytes_of_text(secret);
    bool ok = disk_real.ops->pwrite(file, 0, &bytes, 1, err) && disk_real.ops->sync(file, err);
    disk_real.ops->close(file);
    return ok;
}

static void key_file_read(const char *path, char *secret, size_t secret_bytes)
{
    struct disk_file *file;
    struct err ignored = { 0 };
    size_t len = 0;
    secret[0] = '\0';
    if (!disk_real.ops->open(&disk_real, path, DISK_READ, &file, &ignored)) return;
    if (disk_real.ops->pread(file, 0, secret, secret_bytes - 1, &len, &ignored)) secret[len] = '\0';
    disk_real.ops->close(file);
    secret[strcspn(secret, "\r\n")] = '\0';
}

static bool key_file_keep(void *ctx, const char *secret, struct err *err)
{
    return key_file_write(ctx, secret, err);
}

/* Finds the project, or makes it with a first key beside the data: the file is written before both are committed. Another
 * process may make it at the same moment; then the key is beside its data. */
static bool project_begin(struct app *app, const char *name, const char *key_file, struct meta_project *project,
                          struct err *err)
{
    char path[1024];
    struct err missing = { 0 };
    if (meta_project_find(app->meta, bytes_of_text(name), project, &missing)) return true;
    app_path(app, key_file, path, sizeof path);
    struct meta_first_key first_key = { "first key", key_file_keep, path };
    if (meta_project_create_keyed(app->meta, name, &first_key, project, err)) return true;
    if (err->code != ERR_EXISTS) return false;
    *err = (struct err){ 0 };
    return meta_refresh(app->meta, err) && meta_project_find(app->meta, bytes_of_text(name), project, err);
}

bool app_meta_start(struct app *app, struct err *err)
{
    char database[2048], path[1024];
    struct meta_project project, own;
    config_database(&app->config, database, sizeof database);
    if (!meta_open(&app->meta, database, app->log, err) ||
        !meta_follow(app->meta, app->config.database_grace_ms, err) ||
        !project_begin(app, DEFAULT_PROJECT, KEY_FILE, &project, err))
        return false;
    if (app->config.telemetry) {
        if (!project_begin(app, APP_OWN_PROJECT, OWN_KEY_FILE, &own, err)) return false;
        app->own_project_id = own.id;
    }
    app_path(app, KEY_FILE, path, sizeof path);
    key_file_read(path, app->address.key, sizeof app->address.key);
    snprintf(app->address.project, sizeof app->address.project, "%s", project.name);
    uuid_to_text(project.id, app->address.project_id);
    return true;
}

bool app_project_name_check(const char *name, struct err *err)
{
    return strcmp(name, APP_OWN_PROJECT) != 0 ||
           err_set(err, ERR_EXISTS, "project \"%s\" is the server's own: it is made at a start with --telemetry on",
                   name);
}
