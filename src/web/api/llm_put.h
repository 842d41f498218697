/* llm_put.h -- money, budgets and what is used of them, as answers have them. Thread: any. Errors: those of db. */
#pragma once
#include "llm/usage.h"
#include "web/api/api_call.h"

void llm_put_money(struct api_call *call, yyjson_mut_val *object, const char *name, int64_t micros);
void llm_put_budget(struct api_call *call, yyjson_mut_val *object, const struct llm_budget *budget);
/* "used": of the project at whose model it is, today and in this month. */
MUST_CHECK bool llm_put_used(struct api_call *call, yyjson_mut_val *object, enum llm_payer payer, struct err *err);
