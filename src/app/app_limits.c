/* Limits, usage, redaction rules and the rules of errors: opened, and kept in step with the database by a thread of their own. */
#include "app/app_inside.h"

#include <errno.h>
#include <stdlib.h>

#include "base/ticker.h"
#include "ingest/redaction/redactor.h"
#include "llm/llm.h"
#include "meta/intake.h"
#include "meta/meta.h"
#include "meta/meter.h"
#include "meta/statement_log.h"
#include "worker/rules/rule_book.h"

enum {
    LOOK_MS = 250,     /* how soon a change made elsewhere counts here */
    WRITE_LOOKS = 4,   /* of these: statements are written every second */
    SAVE_LOOKS = 12,   /* of these: usage and finds are saved every 3 s */
    SWEEP_LOOKS = 240, /* and once a minute what models were asked goes when its time is over */
};

struct app_limits {
    pthread_t thread;
    struct ticker ticker;
    bool was_saved; /* the last time, and it went well; the thread's, then the stopper's */
};

/* Said once, until it is otherwise; that the database is away is told by its pool. */
static void failure_say(struct app *app, bool ok, const struct err *err, bool *is_said)
{
    if (!ok && !*is_said && err->code != ERR_BUSY) log_warn(app->log, "limits.failed", log_text("err", err->text));
    *is_said = !ok;
}

static bool save(struct app *app, struct err *err)
{
    return statement_log_save(app->statement_log, err) && meter_save(app->meter, err) &&
           redactor_save(app->redactor, err) && meta_key_uses_save(app->meta, err) && intake_save(app->intake, err);
}

static void *limits_thread(void *ctx)
{
    struct app *app = ctx;
    struct app_limits *limits = app->limits;
    bool is_said = false;
    pthread_setname_np(pthread_self(), "limits");
    for (uint32_t look = 1; ticker_rest(&limits->ticker, LOOK_MS); look++) {
        struct err err = { 0 };
        bool ok = meter_refresh(app->meter, &err) && redactor_refresh(app->redactor, &err) &&
                  rule_book_refresh(app->rule_book, &err);
        if (look % WRITE_LOOKS == 0) ok = ok && statement_log_save(app->statement_log, &err);
        if (look % SWEEP_LOOKS == 1) ok = ok && llm_sweep(app->llm, &err);
        if (look % SAVE_LOOKS == 0) limits->was_saved = ok = ok && save(app, &err);
        failure_say(app, ok, &err, &is_said);
    }
    return NULL;
}

static bool thread_start(struct app *app, struct err *err)
{
    struct app_limits *limits = mem_calloc(1, sizeof *limits);
    ticker_init(&limits->ticker);
    limits->was_saved = true;
    app->limits = limits;
    errno = pthread_create(&limits->thread, NULL, limits_thread, app);
    if (errno == 0) return true;
    ticker_deinit(&limits->ticker);
    free(limits);
    app->limits = NULL;
    return err_os(err, "could not start the thread of limits");
}

bool app_limits_start(struct app *app, struct err *err)
{
    const struct config *config = &app->config;
    struct meter_options options = {
        .db = meta_db(app->meta),
        .defaults = { .at = { [LIMIT_REQUESTS_PER_SECOND] = config->limit_requests,
                              [LIMIT_BYTES_PER_SECOND] = config->limit_bytes,
                              [LIMIT_EVENTS_PER_SECOND] = config->limit_events,
                              [LIMIT_BYTES_PER_DAY] = config->limit_bytes_day,
                              [LIMIT_EVENTS_PER_MONTH] = config->limit_events_month,
                              [LIMIT_QUERIES] = config->limit_queries,
                              [LIMIT_QUERIES_RUNNING] = config->limit_queries_running,
                              [LIMIT_QUERY_SECONDS] = config->limit_query_ms / 1000,
                              [LIMIT_QUERY_BYTES] = config->limit_query_bytes,
                              [LIMIT_QUERY_ROWS] = config->limit_query_rows,
                              [LIMIT_ATTRIBUTE_KEYS] = config->attribute_keys } },
    };
    app->statement_log = statement_log_create(&(struct statement_log_options){
        .db = meta_db(app->meta), .days = (uint32_t)config->statement_log_days, .log = app->log });
    return meter_open(&app->meter, &options, err) && intake_open(&app->intake, meta_db(app->meta), err) &&
           redactor_open(&app->redactor, meta_db(app->meta), app->log, err) &&
           rule_book_open(&app->rule_book, meta_db(app->meta), app->log, err) && thread_start(app, err);
}

void app_limits_stop(struct app *app)
{
    struct app_limits *limits = app->limits;
    if (limits != NULL) {
        struct err err = { 0 };
        ticker_stop(&limits->ticker);
        pthread_join(limits->thread, NULL);
        /* A database that is away must not keep us. */
        if (limits->was_saved && !save(app, &err)) log_warn(app->log, "limits.save_failed", log_text("err", err.text));
        ticker_deinit(&limits->ticker);
        free(limits);
        app->limits = NULL;
    }
    rule_book_close(app->rule_book);
    redactor_close(app->redactor);
    meter_close(app->meter);
    statement_log_destroy(app->statement_log);
    intake_close(app->intake);
    app->intake = NULL;
    app->rule_book = NULL;
    app->redactor = NULL;
    app->meter = NULL;
}
