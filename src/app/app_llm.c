/* Language models: the server's by the settings, projects' by theirs; what is kept of prompts goes through the redaction of secrets. */
#include "app/app_inside.h"
#include "base/random.h"
#include "ingest/redaction/redaction.h"
#include "llm/llm.h"
#include "meta/meta.h"
#include <stdio.h>

#define SECRET_BYTES 512
#define DAY_MS       86400000ull

/* Whatever a project's own rules say: its telemetry went through those already, but people's questions did not. */
static bool secrets_open(struct app *app, struct err *err)
{
    struct redaction_rule rules[REDACTION_BUILT_IN_COUNT] = { 0 };
    uint8_t key[REDACTION_KEY_BYTES];
    for (int r = 0; r < REDACTION_BUILT_IN_COUNT; r++) {
        rules[r].finds = REDACTION_BUILT_IN;
        rules[r].does = REDACTION_MASK;
        rules[r].is_on = true;
        snprintf(rules[r].name, sizeof rules[r].name, "%s", redaction_built_in_names[r]);
        snprintf(rules[r].pattern, sizeof rules[r].pattern, "%s", redaction_built_in_names[r]);
    }
    random_fill(key, sizeof key);
    return redaction_create(&app->llm_secrets, rules, COUNT_OF(rules), key, err);
}

static bool redact(void *ctx, struct bytes text, struct buf *out)
{
    const struct app *app = ctx;
    struct redaction_scratch *scratch = redaction_scratch_create();
    struct err err = { 0 };
    bool ok = redaction_text(app->llm_secrets, scratch, text, out, &err);
    redaction_scratch_destroy(scratch);
    return ok;
}

bool app_llm_start(struct app *app, struct err *err)
{
    const struct config *config = &app->config;
    char key[SECRET_BYTES], seal_secret[SECRET_BYTES];
    struct llm_options options = { .db = meta_db(app->meta),
                                   .log = app->log,
                                   .url = config->llm_url,
                                   .model = config->llm_model,
                                   .key = key,
                                   .ca_file = config->llm_ca,
                                   .seal_secret = seal_secret,
                                   .allows_private = config->llm_allow_private,
                                   .input_price_micros = (int64_t)config->llm_input_price_micros,
                                   .output_price_micros = (int64_t)config->llm_output_price_micros,
                                   .tokens_day = (int64_t)config->llm_tokens_day,
                                   .tokens_month = (int64_t)config->llm_tokens_month,
                                   .cost_day_micros = (int64_t)config->llm_cost_day_micros,
                                   .cost_month_micros = (int64_t)config->llm_cost_month_micros,
                                   .audit = config->llm_audit,
                                   .audit_days = (uint32_t)(config->llm_audit_keep_ms / DAY_MS),
                                   .ask = config->ask_model,
                                   .redact = redact,
                                   .redact_ctx = app };
    bool ok = config_secret("--llm-key-file", config->llm_key_file, "MONOSCOPE_LLM_KEY", key, sizeof key, err) &&
              config_secret("--llm-seal-secret-file", config->llm_seal_secret_file, "MONOSCOPE_LLM_SEAL_SECRET",
                            seal_secret, sizeof seal_secret, err) &&
              secrets_open(app, err) && llm_open(&app->llm, &options, err);
    explicit_bzero(key, sizeof key);
    explicit_bzero(seal_secret, sizeof seal_secret);
    return ok || err_within(err, "language models");
}

void app_llm_stop(struct app *app)
{
    llm_close(app->llm);
    redaction_release(app->llm_secrets);
    app->llm = NULL;
    app->llm_secrets = NULL;
}
