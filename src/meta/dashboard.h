/* dashboard.h -- a project's dashboards, and what each of them was before.
 *
 *   content (JSON) --dashboard_insert, dashboard_update--> dashboards        the current one, by (project, slug)
 *                                            '-----------> dashboard_versions   version 1, 2, 3 ... the newest DASHBOARD_VERSIONS_MAX
 *
 * What stands in content is web/api/dashboard_content.h's; here it is a text. A slug is the name in addresses and files: it stays when
 * the title changes. A version once stored never changes; a restored one is stored anew, as the next version.
 * Thread: any. Memory: texts of what is found are the arena's. Errors: ERR_NOT_FOUND, ERR_EXISTS for the slug, ERR_TOO_LARGE; those
 * of db. */
#pragma once
#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/uuid.h"
struct db;
struct db_session;

#define DASHBOARDS_MAX              500 /* of a project */
#define DASHBOARD_VERSIONS_MAX      100 /* of a dashboard: the oldest go */
#define DASHBOARD_CONTENT_BYTES_MAX (512u << 10)
#define DASHBOARD_SLUG_BYTES        64

struct dashboard {
    struct uuid id, project_id;
    struct bytes slug, title, description;
    struct bytes content; /* empty in lists */
    uint32_t panel_count;
    int64_t version; /* from 1 */
    struct bytes author;
    int64_t created_unix_us, changed_unix_us;
};
/* "http-services": 1 to 63 of a-z, 0-9 and "-", which neither begins nor ends it. */
MUST_CHECK bool dashboard_slug_check(struct bytes slug, struct err *err);
/* What a title gives: "HTTP: Dienste" is "http-dienste"; "dashboard" where nothing is left of it. */
void dashboard_slug_of(struct bytes title, char slug[DASHBOARD_SLUG_BYTES]);

/* Sets id, version and times. An empty slug: the title's, with a number behind it where that is taken. Writes version 1. */
MUST_CHECK bool dashboard_insert(struct db_session *session, struct arena *arena, struct dashboard *dashboard,
                                 struct err *err);
MUST_CHECK bool dashboard_find(struct db_session *session, struct arena *arena, struct uuid project_id,
                               struct bytes slug, struct dashboard *dashboard, struct err *err);
/* Of one that was found in this session: title, description, content, panel_count, author become the next version.
 * restored_version: what it is made of, or 0. */
MUST_CHECK bool dashboard_update(struct db_session *session, struct dashboard *dashboard, int64_t restored_version,
                                 struct err *err);
MUST_CHECK bool dashboard_delete(struct db_session *session, struct uuid id, struct err *err);
/* By title and slug, behind the one of these (NULL: from the first); each answers false to stop. Texts are borrowed. */
struct dashboard_place {
    struct bytes title, slug;
};
MUST_CHECK bool dashboard_list(struct db *db, struct uuid project_id, const struct dashboard_place *after,
                               uint32_t limit, bool (*each)(void *ctx, const struct dashboard *dashboard), void *ctx,
                               struct err *err);

struct dashboard_version {
    int64_t version, restored_version, stored_unix_us;
    struct bytes title, author;
    struct bytes content; /* empty in lists */
    uint32_t panel_count;
};
/* Newest first, those below before. Texts are borrowed. */
MUST_CHECK bool dashboard_version_list(struct db *db, struct uuid dashboard_id, int64_t before, uint32_t limit,
                                       bool (*each)(void *ctx, const struct dashboard_version *version), void *ctx,
                                       struct err *err);
MUST_CHECK bool dashboard_version_find(struct db_session *session, struct arena *arena, struct uuid dashboard_id,
                                       int64_t number, struct dashboard_version *version, struct err *err);
