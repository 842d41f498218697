#include "meta/dashboard.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "meta/db.h"
#include "meta/db_rows.h"

enum { SLUG_TRIES_MAX = 1000 };

#define COLUMNS \
    "id, project_id, slug, title, description, panel_count, version, author, created_unix_us, changed_unix_us"

static bool is_of_slug(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool dashboard_slug_check(struct bytes slug, struct err *err)
{
    bool good = slug.len > 0 && slug.len < DASHBOARD_SLUG_BYTES && is_of_slug(slug.ptr[0]) &&
                is_of_slug(slug.ptr[slug.len - 1]);
    for (size_t i = 0; good && i < slug.len; i++) good = is_of_slug(slug.ptr[i]) || slug.ptr[i] == '-';
    return good ||
           err_set(err, ERR_INPUT, "a dashboard's slug has 1 to %d of a-z, 0-9 and -, which neither begins nor ends it",
                   DASHBOARD_SLUG_BYTES - 1);
}

void dashboard_slug_of(struct bytes title, char slug[DASHBOARD_SLUG_BYTES])
{
    size_t len = 0;
    for (size_t i = 0; i < title.len && len + 8 < DASHBOARD_SLUG_BYTES; i++) { /* room for a number */
        uint8_t c = title.ptr[i] >= 'A' && title.ptr[i] <= 'Z' ? (uint8_t)(title.ptr[i] + 32) : title.ptr[i];
        if (is_of_slug(c))
            slug[len++] = (char)c;
        else if (len > 0 && slug[len - 1] != '-')
            slug[len++] = '-';
    }
    while (len > 0 && slug[len - 1] == '-') len--;
    slug[len] = '\0';
    if (len == 0) snprintf(slug, DASHBOARD_SLUG_BYTES, "dashboard");
}

/* ---- the current ones ---- */

static bool no_dashboard(struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "there is no such dashboard");
}

static struct dashboard dashboard_of(struct db_row *row)
{
    return (struct dashboard){ .id = db_row_uuid(row, 0),
                               .project_id = db_row_uuid(row, 1),
                               .slug = db_row_text(row, 2),
                               .title = db_row_text(row, 3),
                               .description = db_row_text(row, 4),
                               .panel_count = (uint32_t)db_row_integer(row, 5),
                               .version = db_row_integer(row, 6),
                               .author = db_row_text(row, 7),
                               .created_unix_us = db_row_integer(row, 8),
                               .changed_unix_us = db_row_integer(row, 9) };
}

struct finding {
    struct arena *arena;
    struct dashboard *dashboard;
    bool is_there;
};
static bool found_take(void *ctx, struct db_row *row, struct err *err)
{
    struct finding *finding = ctx;
    struct dashboard *dashboard = finding->dashboard;
    (void)err;
    *dashboard = dashboard_of(row);
    dashboard->slug = db_text_keep(finding->arena, row, 2);
    dashboard->title = db_text_keep(finding->arena, row, 3);
    dashboard->description = db_text_keep(finding->arena, row, 4);
    dashboard->author = db_text_keep(finding->arena, row, 7);
    dashboard->content = db_text_keep(finding->arena, row, 10);
    finding->is_there = true;
    return true;
}

bool dashboard_find(struct db_session *session, struct arena *arena, struct uuid project_id, struct bytes slug,
                    struct dashboard *dashboard, struct err *err)
{
    struct finding finding = { .arena = arena, .dashboard = dashboard };
    return db_run(session, "SELECT " COLUMNS ", content FROM dashboards WHERE project_id = $1 AND slug = $2",
                  DB_VALUES(db_uuid(project_id), db_text_bytes(slug)), found_take, &finding, NULL, err) &&
           (finding.is_there || no_dashboard(err));
}

static bool version_store(struct db_session *session, const struct dashboard *dashboard, int64_t restored_version,
                          struct err *err)
{
    return db_run(session,
                  "INSERT INTO dashboard_versions(dashboard_id, version, title, panel_count, content, author,"
                  " restored_version, stored_unix_us) VALUES($1, $2, $3, $4, $5, $6, $7, $8)",
                  DB_VALUES(db_uuid(dashboard->id), db_integer(dashboard->version), db_text_bytes(dashboard->title),
                            db_integer(dashboard->panel_count), db_text_bytes(dashboard->content),
                            db_text_bytes(dashboard->author), db_integer(restored_version),
                            db_integer(dashboard->changed_unix_us)),
                  NULL, NULL, NULL, err) &&
           db_run(session, "DELETE FROM dashboard_versions WHERE dashboard_id = $1 AND version <= $2",
                  DB_VALUES(db_uuid(dashboard->id), db_integer(dashboard->version - DASHBOARD_VERSIONS_MAX)), NULL,
                  NULL, NULL, err);
}

static bool content_fits(const struct dashboard *dashboard, struct err *err)
{
    return dashboard->content.len <= DASHBOARD_CONTENT_BYTES_MAX ||
           err_set(err, ERR_TOO_LARGE, "a dashboard has at most %u KiB", DASHBOARD_CONTENT_BYTES_MAX >> 10);
}

/* The title's slug, or that with the first number behind it that is free. */
static bool slug_choose(struct db_session *session, struct arena *arena, struct dashboard *dashboard, struct err *err)
{
    char base[DASHBOARD_SLUG_BYTES];
    dashboard_slug_of(dashboard->title, base);
    for (int number = 1; number <= SLUG_TRIES_MAX; number++) {
        int64_t count = 0;
        const char *slug = number == 1 ? arena_printf(arena, "%s", base) : arena_printf(arena, "%s-%d", base, number);
        if (!db_run(session, "SELECT count(*) FROM dashboards WHERE project_id = $1 AND slug = $2",
                    DB_VALUES(db_uuid(dashboard->project_id), db_text(slug)), db_take_integer, &count, NULL, err))
            return false;
        dashboard->slug = bytes_of_text(slug);
        if (count == 0) return true;
    }
    return err_set(err, ERR_EXISTS, "too many dashboards have this title: say a slug");
}

bool dashboard_insert(struct db_session *session, struct arena *arena, struct dashboard *dashboard, struct err *err)
{
    int64_t count = 0;
    if (!content_fits(dashboard, err) ||
        !db_run(session, "SELECT count(*) FROM dashboards WHERE project_id = $1",
                DB_VALUES(db_uuid(dashboard->project_id)), db_take_integer, &count, NULL, err))
        return false;
    if (count >= DASHBOARDS_MAX)
        return err_set(err, ERR_TOO_LARGE, "a project has at most %d dashboards", DASHBOARDS_MAX);
    if (dashboard->slug.len == 0 && !slug_choose(session, arena, dashboard, err)) return false;
    if (!dashboard_slug_check(dashboard->slug, err)) return false;
    dashboard->id = uuid_random();
    dashboard->version = 1;
    dashboard->created_unix_us = dashboard->changed_unix_us = clock_unix_us();
    return db_run(session,
                  "INSERT INTO dashboards(" COLUMNS ", content) VALUES($1, $2, $3, $4, $5, $6, 1, $7, $8, $8, $9)",
                  DB_VALUES(db_uuid(dashboard->id), db_uuid(dashboard->project_id), db_text_bytes(dashboard->slug),
                            db_text_bytes(dashboard->title), db_text_bytes(dashboard->description),
                            db_integer(dashboard->panel_count), db_text_bytes(dashboard->author),
                            db_integer(dashboard->created_unix_us), db_text_bytes(dashboard->content)),
                  NULL, NULL, NULL, err) &&
           version_store(session, dashboard, 0, err);
}

bool dashboard_update(struct db_session *session, struct dashboard *dashboard, int64_t restored_version,
                      struct err *err)
{
    int64_t changed = 0, now_us = clock_unix_us();
    if (!content_fits(dashboard, err)) return false;
    dashboard->version++;
    if (now_us <= dashboard->changed_unix_us) now_us = dashboard->changed_unix_us + 1; /* versions follow one another */
    dashboard->changed_unix_us = now_us;
    return db_run(session,
                  "UPDATE dashboards SET title = $2, description = $3, panel_count = $4, content = $5, version = $6,"
                  " author = $7, changed_unix_us = $8 WHERE id = $1",
                  DB_VALUES(db_uuid(dashboard->id), db_text_bytes(dashboard->title),
                            db_text_bytes(dashboard->description), db_integer(dashboard->panel_count),
                            db_text_bytes(dashboard->content), db_integer(dashboard->version),
                            db_text_bytes(dashboard->author), db_integer(now_us)),
                  NULL, NULL, &changed, err) &&
           (changed == 1 || no_dashboard(err)) && version_store(session, dashboard, restored_version, err);
}

bool dashboard_delete(struct db_session *session, struct uuid id, struct err *err)
{
    int64_t changed = 0;
    return db_run(session, "DELETE FROM dashboards WHERE id = $1", DB_VALUES(db_uuid(id)), NULL, NULL, &changed, err) &&
           (changed == 1 || no_dashboard(err));
}

struct listing {
    bool (*each)(void *ctx, const struct dashboard *dashboard);
    bool (*each_version)(void *ctx, const struct dashboard_version *version);
    void *ctx;
    bool is_over;
};
static bool listed_take(void *ctx, struct db_row *row, struct err *err)
{
    struct listing *listing = ctx;
    struct dashboard dashboard = dashboard_of(row);
    (void)err;
    if (!listing->is_over && !row->is_bad) listing->is_over = !listing->each(listing->ctx, &dashboard);
    return true;
}

bool dashboard_list(struct db *db, struct uuid project_id, const struct dashboard_place *after, uint32_t limit,
                    bool (*each)(void *ctx, const struct dashboard *dashboard), void *ctx, struct err *err)
{
    const struct dashboard_place first = { BYTES(""), BYTES("") };
    struct listing listing = { .each = each, .ctx = ctx };
    if (after == NULL) after = &first;
    return db_read(db,
                   "SELECT " COLUMNS " FROM dashboards WHERE project_id = $1 AND (title, slug) > ($2, $3)"
                   " ORDER BY title, slug LIMIT $4",
                   DB_VALUES(db_uuid(project_id), db_text_bytes(after->title), db_text_bytes(after->slug),
                             db_integer(limit)),
                   listed_take, &listing, err);
}

/* ---- what they were ---- */

static struct dashboard_version version_of(struct db_row *row)
{
    return (struct dashboard_version){ .version = db_row_integer(row, 0),
                                       .title = db_row_text(row, 1),
                                       .panel_count = (uint32_t)db_row_integer(row, 2),
                                       .author = db_row_text(row, 3),
                                       .restored_version = db_row_integer(row, 4),
                                       .stored_unix_us = db_row_integer(row, 5) };
}
#define VERSION_COLUMNS "version, title, panel_count, author, restored_version, stored_unix_us"

static bool version_take(void *ctx, struct db_row *row, struct err *err)
{
    struct listing *listing = ctx;
    struct dashboard_version version = version_of(row);
    (void)err;
    if (!listing->is_over && !row->is_bad) listing->is_over = !listing->each_version(listing->ctx, &version);
    return true;
}

bool dashboard_version_list(struct db *db, struct uuid dashboard_id, int64_t before, uint32_t limit,
                            bool (*each)(void *ctx, const struct dashboard_version *version), void *ctx,
                            struct err *err)
{
    struct listing listing = { .each_version = each, .ctx = ctx };
    return db_read(db,
                   "SELECT " VERSION_COLUMNS " FROM dashboard_versions WHERE dashboard_id = $1 AND version < $2"
                   " ORDER BY version DESC LIMIT $3",
                   DB_VALUES(db_uuid(dashboard_id), db_integer(before), db_integer(limit)), version_take, &listing,
                   err);
}

struct version_finding {
    struct arena *arena;
    struct dashboard_version *version;
};
static bool version_found(void *ctx, struct db_row *row, struct err *err)
{
    struct version_finding *finding = ctx;
    (void)err;
    *finding->version = version_of(row);
    finding->version->title = db_text_keep(finding->arena, row, 1);
    finding->version->author = db_text_keep(finding->arena, row, 3);
    finding->version->content = db_text_keep(finding->arena, row, 6);
    return true;
}

bool dashboard_version_find(struct db_session *session, struct arena *arena, struct uuid dashboard_id, int64_t number,
                            struct dashboard_version *version, struct err *err)
{
    struct version_finding finding = { arena, version };
    *version = (struct dashboard_version){ 0 };
    return db_run(session,
                  "SELECT " VERSION_COLUMNS
                  ", content FROM dashboard_versions WHERE dashboard_id = $1 AND version = $2",
                  DB_VALUES(db_uuid(dashboard_id), db_integer(number)), version_found, &finding, NULL, err) &&
           (version->version != 0 ||
            err_set(err, ERR_NOT_FOUND, "there is no version %" PRId64 " of this dashboard: the newest %d are kept",
                    number, DASHBOARD_VERSIONS_MAX));
}
