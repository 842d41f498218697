/* saved_view.h -- views that people keep: an address below a project's path, under a name.
 *
 *   "explore?q=level:error&from=now-1h"  --saved_view_insert-->  its owner's alone, or shared with the project
 *
 * Who may see one is asked here (its owner, or all who may read the project when it is shared); who may change one is the
 * caller's to ask (saved_view.owner_id). A view of a key has no owner; one of a user who is gone neither: it stays when it is shared.
 * Thread: any. Errors: ERR_NOT_FOUND, also for one of another project or another person; ERR_INPUT; those of db. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/uuid.h"
struct db;
struct db_session;

#define SAVED_VIEW_NAME_BYTES    128
#define SAVED_VIEW_ADDRESS_BYTES 8192
#define SAVED_VIEWS_MAX          2000 /* of a project */

struct saved_view {
    struct uuid id, project_id;
    struct uuid owner_id; /* zero: none */
    char owner_name[256];
    char name[SAVED_VIEW_NAME_BYTES];
    char address[SAVED_VIEW_ADDRESS_BYTES];
    bool is_shared;
    int64_t created_unix_us, changed_unix_us;
};
/* Below a project: a path of the UI with its query, of the characters that addresses have; nothing that leads elsewhere. */
MUST_CHECK bool saved_view_address_check(struct bytes address, struct err *err);
/* Name and address. */
MUST_CHECK bool saved_view_check(const struct saved_view *view, struct err *err);

/* Sets id and times. ERR_TOO_LARGE over SAVED_VIEWS_MAX. */
MUST_CHECK bool saved_view_insert(struct db_session *session, struct saved_view *view, struct err *err);
/* viewer: who asks, zero: nobody in particular, who sees shared ones. */
MUST_CHECK bool saved_view_find(struct db_session *session, struct uuid project_id, struct uuid viewer, struct uuid id,
                                struct saved_view *view, struct err *err);
/* Those that viewer may see, by name and id, behind the one of these (NULL: from the first); each answers false to stop. */
struct saved_view_place {
    struct bytes name;
    struct uuid id;
};
MUST_CHECK bool saved_view_list(struct db *db, struct uuid project_id, struct uuid viewer,
                                const struct saved_view_place *after, uint32_t limit,
                                bool (*each)(void *ctx, const struct saved_view *view), void *ctx, struct err *err);
/* Name, address, is_shared; sets the time. */
MUST_CHECK bool saved_view_update(struct db_session *session, struct saved_view *view, struct err *err);
MUST_CHECK bool saved_view_delete(struct db_session *session, struct uuid project_id, struct uuid id, struct err *err);
/* Those of a user who goes that nobody else sees. */
MUST_CHECK bool saved_view_forget(struct db_session *session, struct uuid user_id, struct err *err);
