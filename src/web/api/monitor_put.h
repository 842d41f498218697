/* monitor_put.h -- what answers of monitors have in common. Thread: the caller's. Errors: as monitor_statement_make. */
#pragma once
#include "monitors/monitors.h"
#include "web/api/api_call.h"

void monitor_put_event(struct api_call *call, yyjson_mut_val *object, struct bytes group,
                       const struct monitor_event *event);
/* Can it be asked? What the definition cannot tell by itself: the search, the statement. False: pointer says where. */
MUST_CHECK bool monitor_query_check(struct api_call *call, const struct monitor *monitor,
                                    char pointer[MONITOR_POINTER_BYTES], struct err *err);
