#include "findings/finding_account.h"
#include "meta/db_rows.h"

enum { DUE_MAX = 200 };
static const int64_t HOUR_US = INT64_C(3600000000);

bool finding_account_wish(struct db_session *session, const struct finding *finding, int64_t now_unix_us,
                          struct err *err)
{
    return db_run(session,
                  "INSERT INTO finding_accounts(project_id, number, wished_unix_us, asked_unix_us, model, content, "
                  "why) VALUES($1, $2, $3, 0, '', '', '') ON CONFLICT(project_id, number) DO NOTHING",
                  DB_VALUES(db_uuid(finding->project_id), db_integer(finding->number), db_integer(now_unix_us)), NULL,
                  NULL, NULL, err);
}

static bool wish_row(void *ctx, struct db_row *row, struct err *err)
{
    struct finding_wish *wish = db_rows_add(ctx, sizeof *wish);
    (void)err;
    *wish = (struct finding_wish){ db_row_uuid(row, 0), db_row_integer(row, 1) };
    return true;
}

bool finding_account_due(struct db *db, int64_t now_unix_us, struct arena *arena, struct finding_wish **wishes,
                         uint32_t *count, struct err *err)
{
    struct db_rows rows = { .arena = arena };
    if (!db_read(db,
                 "SELECT project_id, number FROM finding_accounts WHERE asked_unix_us = 0 AND wished_unix_us >= $1 "
                 "ORDER BY wished_unix_us, number LIMIT $2",
                 DB_VALUES(db_integer(now_unix_us - ACCOUNT_WAIT_US), db_integer(DUE_MAX)), wish_row, &rows, err))
        return false;
    *wishes = rows.items;
    *count = rows.count;
    return true;
}

struct taking {
    const struct finding_wish *wish;
    int64_t now_unix_us, changed;
};

/* By the clock of whoever asks; an hour of it is near enough. */
static bool take_run(struct db_session *session, void *ctx, struct err *err)
{
    struct taking *taking = ctx;
    taking->changed = 0;
    return db_run(session,
                  "UPDATE finding_accounts SET asked_unix_us = $3 WHERE project_id = $1 AND number = $2 AND "
                  "asked_unix_us = 0 AND EXISTS(SELECT 1 FROM findings f WHERE f.project_id = $1 AND f.number = $2 AND "
                  "f.end_unix_us = 0) AND (SELECT COUNT(*) FROM finding_accounts a WHERE a.project_id = $1 AND "
                  "a.asked_unix_us > $4) < $5",
                  DB_VALUES(db_uuid(taking->wish->project_id), db_integer(taking->wish->number),
                            db_integer(taking->now_unix_us), db_integer(taking->now_unix_us - HOUR_US),
                            db_integer(ACCOUNT_HOUR_MAX)),
                  NULL, NULL, &taking->changed, err);
}

bool finding_account_take(struct db *db, const struct finding_wish *wish, int64_t now_unix_us, bool *got,
                          struct err *err)
{
    struct taking taking = { wish, now_unix_us, 0 };
    *got = db_transaction(db, take_run, &taking, err) && taking.changed > 0;
    return err->code == ERR_OK;
}

struct putting {
    const struct finding_wish *wish;
    struct bytes content;
    const char *model, *why;
};

static bool put_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct putting *putting = ctx;
    return db_run(session,
                  "UPDATE finding_accounts SET content = $3, model = $4, why = $5 WHERE project_id = $1 AND number = "
                  "$2",
                  DB_VALUES(db_uuid(putting->wish->project_id), db_integer(putting->wish->number),
                            db_text_bytes(putting->content), db_text(putting->model), db_text(putting->why)),
                  NULL, NULL, NULL, err);
}

bool finding_account_put(struct db *db, const struct finding_wish *wish, struct bytes content, const char *model,
                         const char *why, struct err *err)
{
    struct putting putting = { wish, content, model, why };
    return db_transaction(db, put_run, &putting, err);
}

struct finding_read {
    struct arena *arena;
    struct finding_account *account;
};
static bool account_row(void *ctx, struct db_row *row, struct err *err)
{
    struct finding_read *read = ctx;
    (void)err;
    *read->account = (struct finding_account){ db_text_keep(read->arena, row, 0), db_text_keep(read->arena, row, 1),
                                               db_row_integer(row, 2) };
    return true;
}

bool finding_account_find(struct db *db, struct uuid project_id, int64_t number, struct arena *arena,
                          struct finding_account *account, struct err *err)
{
    struct finding_read read = { arena, account };
    *account = (struct finding_account){ BYTES(""), BYTES(""), 0 };
    return db_read(db,
                   "SELECT content, model, asked_unix_us FROM finding_accounts WHERE project_id = $1 AND number = $2",
                   DB_VALUES(db_uuid(project_id), db_integer(number)), account_row, &read, err);
}
