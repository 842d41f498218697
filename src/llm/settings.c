#include "llm/settings.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "llm/llm_inside.h"
#include "meta/db.h"
#include "net/http_client.h"

/* What a key is sealed for: the project and the URL, apart by a byte that neither has. */
static size_t about_make(const struct uuid project_id, const char *url, char about[LLM_URL_BYTES + UUID_TEXT_BYTES + 2])
{
    uuid_to_text(project_id, about);
    return (size_t)snprintf(about + UUID_TEXT_BYTES, LLM_URL_BYTES + 2, "\n%s", url) + UUID_TEXT_BYTES;
}

struct stored {
    struct llm_settings *settings;
    uint8_t sealed[LLM_KEY_BYTES + SEAL_MORE_BYTES];
    size_t sealed_len;
};

static bool row_read(void *ctx, struct db_row *row, struct err *err)
{
    struct stored *stored = ctx;
    struct llm_settings *settings = stored->settings;
    struct bytes sealed = db_row_bytes(row, 3);
    int64_t audit = db_row_integer(row, 10), ask = db_row_integer(row, 13);
    if (sealed.len > sizeof stored->sealed || audit < 0 || audit > LLM_SAY_OFF || ask < 0 || ask > LLM_SAY_OFF)
        return err_set(err, ERR_CORRUPT, "the metadata has settings of a model that cannot be");
    settings->is_there = true;
    settings->is_on = db_row_boolean(row, 0);
    db_row_text_copy(row, 1, settings->url, sizeof settings->url);
    db_row_text_copy(row, 2, settings->model, sizeof settings->model);
    if (sealed.len > 0) memcpy(stored->sealed, sealed.ptr, sealed.len);
    stored->sealed_len = sealed.len;
    settings->has_key = sealed.len > 0;
    settings->input_price_micros = db_row_integer(row, 4);
    settings->output_price_micros = db_row_integer(row, 5);
    settings->tokens_day = db_row_integer(row, 6);
    settings->tokens_month = db_row_integer(row, 7);
    settings->cost_day_micros = db_row_integer(row, 8);
    settings->cost_month_micros = db_row_integer(row, 9);
    settings->audit = (enum llm_say)audit;
    settings->audit_days = (uint32_t)db_row_integer(row, 11);
    settings->changed_unix_us = db_row_integer(row, 12);
    settings->ask = (enum llm_say)ask;
    return true;
}

static const char select_sql[] =
    "SELECT is_on, url, model, key_sealed, input_price_micros, output_price_micros, tokens_day, tokens_month,"
    " cost_day_micros, cost_month_micros, audit, audit_days, changed_unix_us, ask FROM llm_settings WHERE project_id = "
    "$1";

static void stored_init(struct stored *stored, struct llm_settings *settings, struct uuid project_id)
{
    *settings = (struct llm_settings){ .project_id = project_id, .is_on = true };
    stored->settings = settings;
    stored->sealed_len = 0;
}

bool llm_settings_find(struct llm *llm, struct uuid project_id, struct llm_settings *settings, struct err *err)
{
    struct stored stored;
    stored_init(&stored, settings, project_id);
    return db_read(llm->options.db, select_sql, DB_VALUES(db_uuid(project_id)), row_read, &stored, err);
}

/* Addresses come from people: one form, without a user or anything that is not sent. */
static bool url_check(const char *url, struct err *err)
{
    if (!http_client_url_check(url, err)) return false;
    const char *host = strstr(url, "://") + 3;
    size_t host_len = strcspn(host, "/?");
    if (memchr(host, '@', host_len) != NULL || strpbrk(url, "#?\\") != NULL)
        return err_set(err, ERR_INPUT, "the model's URL may have no user, no query and no fragment");
    for (const char *at = url; *at != '\0'; at++)
        if (*at <= ' ' || *at > '~') return err_set(err, ERR_INPUT, "the model's URL has a character that no URL has");
    return true;
}

bool llm_settings_check(const struct llm_settings *settings, const struct bytes *key, const char **member,
                        struct err *err)
{
    bool has_url = settings->url[0] != '\0', has_key = key != NULL && key->len > 0;
    *member = "url";
    if (!has_url && settings->model[0] != '\0')
        return err_set(err, ERR_INPUT,
                       "a model of the project's own needs a URL: the server's key is for the server's model");
    if (!has_url && has_key) return err_set(err, ERR_INPUT, "a key needs the URL that it is for");
    if (has_url && !url_check(settings->url, err)) return false;
    *member = "model";
    if (has_url && settings->model[0] == '\0') return err_set(err, ERR_INPUT, "a URL needs the name of a model there");
    *member = "key";
    for (size_t i = 0; has_key && i < key->len; i++)
        if (key->ptr[i] <= ' ' || key->ptr[i] > '~')
            return err_set(err, ERR_INPUT, "the key has a character that no key has");
    return !has_key || key->len < LLM_KEY_BYTES ||
           err_set(err, ERR_INPUT, "a key has at most %d characters", LLM_KEY_BYTES - 1);
}

static void key_seal(struct llm *llm, const struct llm_settings *settings, struct bytes key, struct stored *stored)
{
    char about[LLM_URL_BYTES + UUID_TEXT_BYTES + 2];
    size_t len = about_make(settings->project_id, settings->url, about);
    stored->sealed_len = 0;
    if (key.len == 0) return;
    seal_close(llm->seal_key, bytes_from(about, len), key, stored->sealed);
    stored->sealed_len = key.len + SEAL_MORE_BYTES;
}

bool llm_settings_put(struct llm *llm, struct db_session *session, struct llm_settings *settings,
                      const struct bytes *key, struct err *err)
{
    struct llm_settings before;
    struct stored stored;
    const char *member;
    if (!llm_settings_check(settings, key, &member, err)) return false;
    stored_init(&stored, &before, settings->project_id);
    if (!db_run(session, select_sql, DB_VALUES(db_uuid(settings->project_id)), row_read, &stored, NULL, err))
        return false;
    if (key != NULL) {
        key_seal(llm, settings, *key, &stored);
    } else if (strcmp(before.url, settings->url) != 0) {
        stored.sealed_len = 0;
    }
    settings->is_there = true;
    settings->has_key = stored.sealed_len > 0;
    settings->changed_unix_us = clock_unix_us();
    return db_run(
        session,
        "INSERT INTO llm_settings(project_id, is_on, url, model, key_sealed, input_price_micros, output_price_micros,"
        " tokens_day, tokens_month, cost_day_micros, cost_month_micros, audit, audit_days, changed_unix_us, ask)"
        " VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT(project_id) DO UPDATE "
        "SET"
        " is_on = excluded.is_on, url = excluded.url, model = excluded.model, key_sealed = excluded.key_sealed,"
        " input_price_micros = excluded.input_price_micros, output_price_micros = excluded.output_price_micros,"
        " tokens_day = excluded.tokens_day, tokens_month = excluded.tokens_month,"
        " cost_day_micros = excluded.cost_day_micros, cost_month_micros = excluded.cost_month_micros,"
        " audit = excluded.audit, audit_days = excluded.audit_days, changed_unix_us = excluded.changed_unix_us,"
        " ask = excluded.ask",
        DB_VALUES(db_uuid(settings->project_id), db_boolean(settings->is_on), db_text(settings->url),
                  db_text(settings->model), db_bytes(bytes_from(stored.sealed, stored.sealed_len)),
                  db_integer(settings->input_price_micros), db_integer(settings->output_price_micros),
                  db_integer(settings->tokens_day), db_integer(settings->tokens_month),
                  db_integer(settings->cost_day_micros), db_integer(settings->cost_month_micros),
                  db_integer(settings->audit), db_integer(settings->audit_days), db_integer(settings->changed_unix_us),
                  db_integer(settings->ask)),
        NULL, NULL, NULL, err);
}

bool llm_settings_remove(struct db_session *session, struct uuid project_id, struct err *err)
{
    return db_run(session, "DELETE FROM llm_settings WHERE project_id = $1", DB_VALUES(db_uuid(project_id)), NULL, NULL,
                  NULL, err);
}

/* ---- what counts ---- */

static void host_of(const char *url, char host[128])
{
    const char *from = strstr(url, "://");
    from = from == NULL ? url : from + 3;
    snprintf(host, 128, "%.*s", (int)strcspn(from, "/?#"), from);
}

/* The lower of two, 0 being none. */
static int64_t lower(int64_t a, int64_t b)
{
    return a == 0 ? b : b == 0 || a < b ? a : b;
}

static bool says(enum llm_say say, bool fallback)
{
    return say == LLM_SAY_DEFAULT ? fallback : say == LLM_SAY_ON;
}

static bool own_key_open(struct llm *llm, const struct stored *stored, struct llm_model *model, struct err *err)
{
    char about[LLM_URL_BYTES + UUID_TEXT_BYTES + 2];
    uint8_t key[LLM_KEY_BYTES + SEAL_MORE_BYTES];
    size_t key_len, len = about_make(stored->settings->project_id, stored->settings->url, about);
    if (stored->sealed_len == 0) return true;
    if (!seal_open(llm->seal_key, bytes_from(about, len), bytes_from(stored->sealed, stored->sealed_len), key, &key_len,
                   err))
        return err_within(err,
                          "the key of the project's model (was --llm-seal-secret-file changed? give the key anew)");
    snprintf(model->key, sizeof model->key, "%.*s", (int)key_len, (const char *)key);
    explicit_bzero(key, sizeof key);
    return true;
}

bool llm_model_find(struct llm *llm, struct uuid project_id, struct llm_model *model, struct err *err)
{
    const struct llm_options *options = &llm->options;
    struct llm_settings settings;
    struct stored stored;
    *model = (struct llm_model){ 0 };
    stored_init(&stored, &settings, project_id);
    if (!db_read(options->db, select_sql, DB_VALUES(db_uuid(project_id)), row_read, &stored, err)) return false;
    bool is_own = settings.url[0] != '\0';
    if (!settings.is_on) return err_set(err, ERR_UNSUPPORTED, "language models are switched off for this project");
    if (!is_own && options->url == NULL)
        return err_set(err, ERR_UNSUPPORTED,
                       "no language model is set up: --llm-url for all projects, or the project's own");
    model->payer = is_own ? LLM_PAYER_PROJECT : LLM_PAYER_SERVER;
    model->client = is_own ? llm->foreign : llm->own;
    model->audit = says(settings.audit, options->audit);
    model->may_ask = says(settings.ask, options->ask);
    model->budget = (struct llm_budget){ settings.tokens_day, settings.tokens_month, settings.cost_day_micros,
                                         settings.cost_month_micros };
    snprintf(model->url, sizeof model->url, "%s", is_own ? settings.url : options->url);
    snprintf(model->model, sizeof model->model, "%s", is_own ? settings.model : options->model);
    host_of(model->url, model->host);
    model->input_price_micros = is_own ? settings.input_price_micros : options->input_price_micros;
    model->output_price_micros = is_own ? settings.output_price_micros : options->output_price_micros;
    if (is_own) return own_key_open(llm, &stored, model, err);
    if (options->key != NULL) snprintf(model->key, sizeof model->key, "%s", options->key);
    model->budget.tokens_day = lower(model->budget.tokens_day, options->tokens_day);
    model->budget.tokens_month = lower(model->budget.tokens_month, options->tokens_month);
    model->budget.cost_day_micros = lower(model->budget.cost_day_micros, options->cost_day_micros);
    model->budget.cost_month_micros = lower(model->budget.cost_month_micros, options->cost_month_micros);
    return true;
}

void llm_model_end(struct llm_model *model)
{
    explicit_bzero(model->key, sizeof model->key);
}

bool llm_in_use(struct llm *llm, struct uuid project_id, struct llm_in_use *in_use, struct err *err)
{
    struct llm_model model;
    struct err why = { 0 };
    *in_use = (struct llm_in_use){ 0 };
    in_use->is_there = llm_model_find(llm, project_id, &model, &why);
    in_use->payer = model.payer;
    in_use->budget = model.budget;
    in_use->is_kept = model.audit;
    in_use->may_ask = model.may_ask;
    snprintf(in_use->model, sizeof in_use->model, "%s", model.model);
    snprintf(in_use->host, sizeof in_use->host, "%s", model.host);
    snprintf(in_use->problem, sizeof in_use->problem, "%s", why.text);
    llm_model_end(&model);
    if (in_use->is_there || why.code == ERR_UNSUPPORTED || why.code == ERR_CORRUPT) return true;
    *err = why;
    return false;
}
