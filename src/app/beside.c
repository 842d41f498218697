#include "app/beside.h"
#include "meta/access.h"
#include <stdio.h>

int beside_fail(const struct err *err)
{
    fprintf(stderr, "monoscope: %s\n", err->text);
    return 1;
}

bool beside_meta_open(struct meta **meta, const struct config *config, const struct log *log, struct err *err)
{
    char database[2048];
    config_database(config, database, sizeof database);
    return meta_open(meta, database, log, err);
}

struct beside_work {
    db_work_fn *run;
    void *ctx;
    const struct audit_event *event;
};
static bool work_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct beside_work *work = ctx;
    struct actor actor = actor_operator();
    return work->run(session, work->ctx, err) && audit_write(session, &actor, work->event, err);
}

bool beside_change(struct meta *meta, db_work_fn *run, void *ctx, const struct audit_event *event, struct err *err)
{
    struct beside_work work = { run, ctx, event };
    return db_transaction(meta_db(meta), work_run, &work, err);
}
