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

/* Finds the project, or makes it with a first key beside the data. */
static bool project_begin(struct app *app, const char *name, const char *key_file, struct meta_project *project,
                          struct err *err)
{
    char path[1024], secret[META_SECRET_BYTES];
    struct meta_key key;
    struct err missing = { 0 };
    if (meta_project_find(app->meta, bytes_of_text(name), project, &missing)) return true;
    if (missing.code != ERR_NOT_FOUND) {
        *err = missing;
        return false;
    }
    app_path(app, key_file, path, sizeof path);
    return meta_project_create(app->meta, name, project, err) &&
           meta_key_create(app->meta, project->id, "first key", &key, secret, err) && key_file_write(path, secret, err);
}

bool app_meta_start(struct app *app, struct err *err)
{
    char path[1024];
    struct meta_project project, own;
    app_path(app, "meta.sqlite", path, sizeof path);
    if (!meta_open(&app->meta, path, app->log, err) || !project_begin(app, DEFAULT_PROJECT, KEY_FILE, &project, err))
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
