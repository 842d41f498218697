/* call.h -- what a call's path and headers say. Pure functions. Thread: any. Memory: results point into the arguments. */
#pragma once
#include "base/err.h"
#include "worker/otlp/otlp.h"

/* ERR_UNSUPPORTED names the three services when it is none of them. */
MUST_CHECK bool call_signal(struct bytes path, enum otlp_signal *signal, struct err *err);
/* "Bearer KEY" of authorization (the scheme in any case), else x-api-key; empty when there is none. */
struct bytes call_key(struct bytes authorization, struct bytes x_api_key);
