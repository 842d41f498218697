/* ask_catalog.h -- what the roll-ups know of a project, for questions: services, routes, attributes with their frequent values.
 *
 *   roll-ups: names of 60 days, attributes of 15 --ask_catalog_read--> struct ask_catalog (ask/ask.h)
 *
 * Thread: any. Memory: the call's arena; 3,000 names, 500 keys with 30 values. Errors: those of db. */
#pragma once
#include "ask/ask.h"
#include "web/api/api_call.h"

MUST_CHECK bool ask_catalog_read(struct api_call *call, int64_t now_us, struct ask_catalog *catalog, struct err *err);
