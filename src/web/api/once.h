/* once.h -- Idempotency-Key: a POST that is sent again, because its answer was lost, is done once.
 *
 *   first:  row (caller, key) --> handler --> answer kept with it for 24 h
 *   again:  same body: the kept answer, with idempotency-replayed: true; another body: 409; still running: 409, Retry-After
 *
 * A request that failed is forgotten: it may be sent again. Secrets (API_SECRET) are never kept: the replay says null.
 * When the process dies between the handler's commit and the kept answer, the outcome is unknown to us, too: 409 says so.
 * Thread: the call's. Errors: ERR_INPUT for a key that is none, ERR_CONFLICT as above, those of db. */
#pragma once
#include "web/api/api_call.h"

/* True with the call answered: it was done before. */
MUST_CHECK bool once_begin(struct api_call *call, struct err *err);
void once_end(struct api_call *call, int status, struct bytes body);
void once_forget(struct api_call *call);
