#include "meta/meta_inside.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/utf8.h"

enum { NAME_BYTES = sizeof((struct meta_project *)0)->name };

/* [a-z0-9][a-z0-9_-]{0,62}, and not an id: both are asked for in one place. */
static bool project_name_check(const char *name, struct err *err)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
    size_t len = strlen(name);
    struct uuid id;
    bool good = len > 0 && len < NAME_BYTES && strspn(name, allowed) == len && name[0] != '_' && name[0] != '-' &&
                !uuid_from_text(bytes_of_text(name), &id);
    if (good) return true;
    return err_set(err, ERR_INPUT,
                   "\"%.80s\" cannot be a project's name: it takes 1 to 63 of a-z 0-9 _ -, and begins with a "
                   "letter or digit",
                   name);
}

/* -- changes ---------------------------------------------------------------------------------------------------- */

static bool name_taken(const char *name, struct err *err)
{
    if (err->code != ERR_EXISTS) return false;
    return err_set(err, ERR_EXISTS, "there is already a project \"%s\"", name);
}

bool meta_project_insert(struct db_session *session, const char *name, struct meta_project *project, struct err *err)
{
    if (!project_name_check(name, err)) return false;
    *project = (struct meta_project){ .id = uuid_random() };
    strcpy(project->name, name);
    if (!db_run(session, "INSERT INTO projects(id, name, created_unix_ms) VALUES($1, $2, $3)",
                DB_VALUES(db_uuid(project->id), db_text(name), db_integer(clock_unix_us() / 1000)), NULL, NULL, NULL,
                err))
        return name_taken(name, err);
    return db_note_change(session, META_TOPIC, err);
}

static bool changed_one(int64_t changed, struct db_session *session, struct err *err)
{
    if (changed != 1) return err_set(err, ERR_NOT_FOUND, "there is no such project");
    return db_note_change(session, META_TOPIC, err);
}

bool meta_project_rename(struct db_session *session, struct uuid id, const char *name, struct err *err)
{
    int64_t changed;
    if (!project_name_check(name, err)) return false;
    if (!db_run(session, "UPDATE projects SET name = $2 WHERE id = $1 AND archived_unix_us IS NULL",
                DB_VALUES(db_uuid(id), db_text(name)), NULL, NULL, &changed, err))
        return name_taken(name, err);
    return changed_one(changed, session, err);
}

bool meta_project_archive(struct db_session *session, struct uuid id, struct err *err)
{
    int64_t changed;
    return db_run(session, "UPDATE projects SET archived_unix_us = $2 WHERE id = $1 AND archived_unix_us IS NULL",
                  DB_VALUES(db_uuid(id), db_integer(clock_unix_us())), NULL, NULL, &changed, err) &&
           changed_one(changed, session, err);
}

struct creation {
    const char *name;
    struct meta_project project;
    const struct meta_first_key *first_key; /* or NULL */
};

static bool create_run(struct db_session *session, void *ctx, struct err *err)
{
    struct creation *creation = ctx;
    const struct meta_first_key *first = creation->first_key;
    struct meta_key key;
    char secret[META_SECRET_BYTES];
    if (!meta_project_insert(session, creation->name, &creation->project, err)) return false;
    if (first == NULL) return true;
    bool ok = meta_key_insert(session, creation->project.id, first->name, &(struct meta_key_limits){ 0 }, &key, secret,
                              err) &&
              first->keep(first->ctx, secret, err);
    explicit_bzero(secret, sizeof secret);
    return ok;
}

bool meta_project_create(struct meta *meta, const char *name, struct meta_project *project, struct err *err)
{
    return meta_project_create_keyed(meta, name, NULL, project, err);
}

bool meta_project_create_keyed(struct meta *meta, const char *name, const struct meta_first_key *first_key,
                               struct meta_project *project, struct err *err)
{
    struct creation creation = { .name = name, .first_key = first_key };
    bool ok = meta_change(meta, create_run, &creation, err);
    if (ok) *project = creation.project;
    return ok;
}

/* -- look-ups --------------------------------------------------------------------------------------------------- */

static bool project_read(void *ctx, struct db_row *row, struct err *err)
{
    struct meta_project project = { .id = db_row_uuid(row, 0) };
    (void)err;
    db_row_text_copy(row, 1, project.name, sizeof project.name);
    project_keep(ctx, &project);
    return true;
}

bool projects_load(struct db *db, struct memory *memory, struct err *err)
{
    return db_read(db, "SELECT id, name FROM projects WHERE archived_unix_us IS NULL ORDER BY created_unix_ms, id",
                   DB_NO_VALUES, project_read, memory, err);
}

bool meta_project_find(struct meta *meta, struct bytes name_or_id, struct meta_project *project, struct err *err)
{
    struct uuid id;
    bool is_id = uuid_from_text(name_or_id, &id);
    pthread_rwlock_rdlock(&meta->lock);
    const struct meta_project *found =
        is_id ? project_by_id(&meta->memory, id) : project_by_name(&meta->memory, name_or_id);
    if (found) *project = *found;
    pthread_rwlock_unlock(&meta->lock);
    if (found) return true;
    int len = name_or_id.len < NAME_BYTES && utf8_is_valid(name_or_id) ? (int)name_or_id.len : 0;
    return err_set(err, ERR_NOT_FOUND, "there is no project \"%.*s\"", len, len ? (const char *)name_or_id.ptr : "");
}

bool meta_project_list(struct meta *meta, bool (*each)(void *ctx, const struct meta_project *project), void *ctx,
                       struct err *err)
{
    (void)err; /* answered from memory; a store asked each time may fail */
    pthread_rwlock_rdlock(&meta->lock);
    uint32_t count = meta->memory.project_count;
    struct meta_project *projects = mem_alloc((count + 1) * sizeof *projects);
    if (count > 0) memcpy(projects, meta->memory.projects, count * sizeof *projects);
    pthread_rwlock_unlock(&meta->lock);
    for (uint32_t i = 0; i < count && each(ctx, &projects[i]); i++) continue;
    free(projects);
    return true;
}
