/* Errors become issues: the owner's thread, and what it compares words with. */
#include "app/app_inside.h"
#include "embeddings/embeddings.h"
#include "issues/grouper.h"
#include "issues/judge_llm.h"
#include "meta/meta.h"
#include "net/http_client.h"

#include <stdlib.h>

struct issue_parts {
    struct http_client *client; /* of an embedding API; NULL: none */
    struct embeddings *embeddings;
    struct judge_llm *judge; /* NULL: --errors-judge off */
    struct grouper *grouper;
};

static bool embeddings_start(struct app *app, struct issue_parts *parts, struct err *err)
{
    struct embeddings_options options = { .setting = app->config.embeddings,
                                          .model = app->config.embeddings_model,
                                          .key = getenv("MONOSCOPE_EMBEDDINGS_KEY") };
    if (strncmp(options.setting, "http", 4) == 0)
        options.client = parts->client = http_client_create(&(struct http_client_options){ .exchanges_max = 1 });
    return embeddings_open(&parts->embeddings, &options, err) || err_within(err, "--embeddings");
}

bool app_issues_start(struct app *app, struct err *err)
{
    char name[APP_NAME_BYTES];
    struct issue_parts *parts = mem_calloc(1, sizeof *parts);
    app->issues = parts;
    if (!app_worker_name(app, name, err) || !embeddings_start(app, parts, err)) return false;
    struct grouper_options options = { .db = meta_db(app->meta),
                                       .name = name,
                                       .embedder = embeddings_face(parts->embeddings),
                                       .bytes_max = app->budget.issues,
                                       .log = app->log };
    if (app->config.errors_judge) {
        parts->judge = judge_llm_create(
            &(struct judge_llm_options){ .llm = app->llm, .per_hour = (uint32_t)app->config.errors_judge_hour });
        options.judge = judge_llm_face(parts->judge);
    }
    parts->grouper = grouper_create(&options);
    return grouper_start(parts->grouper, err);
}

struct grouper *app_issues_grouper(const struct app *app)
{
    return app->issues != NULL ? app->issues->grouper : NULL;
}

void app_issues_stop(struct app *app)
{
    struct issue_parts *parts = app->issues;
    if (parts == NULL) return;
    judge_llm_cancel(parts->judge);
    grouper_close(parts->grouper);
    judge_llm_destroy(parts->judge);
    embeddings_close(parts->embeddings);
    http_client_destroy(parts->client);
    free(parts);
    app->issues = NULL;
}
