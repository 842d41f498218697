/* llm_inside.h -- what the files of this folder share. Not for other folders. */
#pragma once
#include "llm/audit.h"
#include "llm/llm.h"
#include "llm/settings.h"
#include "llm/usage.h"
#include "llm/wire.h"
#include "net/seal.h"
#include <pthread.h>
#include <stdatomic.h>

struct http_client;

#define QUIRKS_KEPT 64
/* What a server was found not to take; by its URL and model. */
struct llm_quirks {
    uint64_t hash; /* 0: empty */
    uint32_t quirks;
};

struct llm {
    struct llm_options options;        /* texts are copies */
    struct http_client *own, *foreign; /* the server's URL; those of projects */
    uint8_t seal_key[SEAL_KEY_BYTES];
    _Atomic uint64_t requests, failures, retries, schema_retries, refused, input_tokens, output_tokens, cost_micros,
        audit_lost;
    _Atomic uint32_t sweeps;
    _Atomic uint32_t running;
    pthread_mutex_t lock; /* guards quirks */
    struct llm_quirks quirks[QUIRKS_KEPT];
};

/* What counts for one project now. The key is in the clear: to be wiped by llm_model_end. */
struct llm_model {
    enum llm_payer payer;
    char url[LLM_URL_BYTES], model[LLM_MODEL_BYTES], host[128];
    char key[LLM_KEY_BYTES]; /* empty: none */
    struct http_client *client;
    int64_t input_price_micros, output_price_micros;
    struct llm_budget budget;
    bool audit, may_ask;
};
/* ERR_UNSUPPORTED: none is set up, or the project wants none. */
MUST_CHECK bool llm_model_find(struct llm *llm, struct uuid project_id, struct llm_model *model, struct err *err);
void llm_model_end(struct llm_model *model);

uint32_t llm_quirks_find(struct llm *llm, const struct llm_model *model);
void llm_quirks_keep(struct llm *llm, const struct llm_model *model, uint32_t quirks);

/* One question to the model, with its budget and its further tries; attempt.c. */
struct llm_attempt {
    uint32_t tries, first_ms;
    uint64_t input_tokens, output_tokens; /* used, estimated where not told */
    int64_t cost_micros;
};
MUST_CHECK bool llm_attempt(struct llm *llm, const struct llm_model *model, const struct llm_request *request,
                            uint64_t until_mono_ns, struct arena *arena, struct llm_answer *answer,
                            struct llm_attempt *attempt, struct err *err);
/* Keeps prompt and answer, if that is on; record.c. */
void llm_record(struct llm *llm, const struct llm_model *model, const struct llm_request *request,
                const struct llm_answer *answer, const struct err *failure);
