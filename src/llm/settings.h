/* settings.h -- what one project says of its language model, as it is stored (migrations 0064, 0068) and as it counts.
 *
 *   llm_settings --settings_find--> struct llm_settings --'- the server's (llm_options) -' --> struct llm_model
 *
 * A project either uses the server's model, with the server's key, or names its own by URL and model, with a key of its own:
 * the server's key never goes to an address that a project chose. A key is sealed for its project and URL: with another URL it
 * is gone, so that who may change the URL but does not know the key cannot have it sent elsewhere.
 * Thread: any. Errors: ERR_INPUT says what is wrong with a setting; those of db. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/uuid.h"
#include "llm/usage.h"
struct db_session;
struct llm;

#define LLM_URL_BYTES   512
#define LLM_MODEL_BYTES 128
#define LLM_KEY_BYTES   512

enum llm_say { LLM_SAY_DEFAULT, LLM_SAY_ON, LLM_SAY_OFF };
struct llm_settings {
    struct uuid project_id;
    bool is_there;                                   /* false: nothing was said, all below is as the server has it */
    bool is_on;                                      /* false: no model is asked for this project */
    char url[LLM_URL_BYTES], model[LLM_MODEL_BYTES]; /* empty: the server's */
    bool has_key;
    int64_t input_price_micros, output_price_micros;                      /* of its own model, a million tokens */
    int64_t tokens_day, tokens_month, cost_day_micros, cost_month_micros; /* 0: none of its own */
    enum llm_say audit;
    uint32_t audit_days; /* 0: the server's */
    enum llm_say ask;    /* may questions in plain English go to it */
    int64_t changed_unix_us;
};
MUST_CHECK bool llm_settings_find(struct llm *llm, struct uuid project_id, struct llm_settings *settings,
                                  struct err *err);
/* ERR_INPUT: *member is the one of the API's body that is wrong. llm_settings_put checks the same. */
MUST_CHECK bool llm_settings_check(const struct llm_settings *settings, const struct bytes *key, const char **member,
                                   struct err *err);
/* Inside the caller's transaction. key: NULL keeps the one that is there, if the URL is the same; empty: none from now on.
 * settings->has_key and changed_unix_us are set. */
MUST_CHECK bool llm_settings_put(struct llm *llm, struct db_session *session, struct llm_settings *settings,
                                 const struct bytes *key, struct err *err);
MUST_CHECK bool llm_settings_remove(struct db_session *session, struct uuid project_id, struct err *err);
/* What counts for the project now. */
struct llm_in_use {
    bool is_there;
    enum llm_payer payer;
    char model[LLM_MODEL_BYTES], host[128]; /* empty: none */
    struct llm_budget budget;
    bool is_kept;      /* prompts and answers */
    bool may_ask;      /* questions in plain English may go to it */
    char problem[240]; /* without one: why */
};
MUST_CHECK bool llm_in_use(struct llm *llm, struct uuid project_id, struct llm_in_use *in_use, struct err *err);
