/* Issues end with their fingerprints, which meta/error.h throws away when they are past their time. */
#include "meta/db_rows.h"
#include "meta/issue_inside.h"

#define A_ROUND "1000"
#define FINGERPRINTS                                                                                       \
    "FROM issue_fingerprints p WHERE NOT EXISTS (SELECT 1 FROM error_fingerprints f WHERE f.project_id = " \
    "p.project_id AND f.id = p.fingerprint_id)"
/* Which numbers old links name is kept as long as what they were merged into. */
#define ISSUES                                                                                                  \
    "FROM issues i WHERE NOT EXISTS (SELECT 1 FROM issue_fingerprints p WHERE p.project_id = i.project_id AND " \
    "(p.issue = i.number OR p.issue = i.merged_into))"
#define ACTIVITY                                                                                            \
    "FROM issue_activity a WHERE NOT EXISTS (SELECT 1 FROM issues i WHERE i.project_id = a.project_id AND " \
    "i.number = a.issue)"

struct expiring {
    int64_t fingerprints, issues, activity;
};
static bool expire_run(struct db_session *session, void *ctx, struct err *err)
{
    struct expiring *expiring = ctx;
    *expiring = (struct expiring){ 0 };
    return db_run(session,
                  "DELETE FROM issue_fingerprints WHERE (project_id, fingerprint_id) IN (SELECT p.project_id, "
                  "p.fingerprint_id " FINGERPRINTS " LIMIT " A_ROUND ")",
                  DB_NO_VALUES, NULL, NULL, &expiring->fingerprints, err) &&
           db_run(session,
                  "DELETE FROM issues WHERE (project_id, number) IN (SELECT i.project_id, i.number " ISSUES
                  " LIMIT " A_ROUND ")",
                  DB_NO_VALUES, NULL, NULL, &expiring->issues, err) &&
           db_run(session,
                  "DELETE FROM issue_activity WHERE (project_id, issue, at_unix_us, id) IN (SELECT a.project_id, "
                  "a.issue, a.at_unix_us, a.id " ACTIVITY " LIMIT " A_ROUND ")",
                  DB_NO_VALUES, NULL, NULL, &expiring->activity, err);
}

/* Looking is reading, and keeps nobody from writing: most times there is nothing. */
bool issue_expire(struct db *db, uint64_t *deleted, struct err *err)
{
    struct expiring expiring = { 0 };
    int64_t found = 0;
    *deleted = 0;
    if (!db_read(db,
                 "SELECT CASE WHEN EXISTS (SELECT 1 " FINGERPRINTS ") OR EXISTS (SELECT 1 " ISSUES
                 ") OR EXISTS (SELECT 1 " ACTIVITY ") THEN 1 ELSE 0 END",
                 DB_NO_VALUES, db_take_integer, &found, err))
        return false;
    if (found == 0) return true;
    if (!db_transaction(db, expire_run, &expiring, err)) return false;
    *deleted = (uint64_t)(expiring.fingerprints + expiring.issues + expiring.activity);
    return true;
}
