/* issues.h -- what the handlers of issues share.
 *
 *   {issue}, from, to --> number, range --meta/issue.h--> issue_json
 *   an event as meta/error.h keeps it --error_event_of--> error_event --error_event_json--> exceptions with their frames
 *
 * Thread: the call's. Memory: the call's. Texts of telemetry are texts of the answer: nothing is done to them but that they
 * become UTF-8. */
#pragma once
#include "errors/fingerprint.h"
#include "errors/known.h"
#include "meta/issue.h"
#include "web/api/api_call.h"

#define ISSUES_STEPS 30 /* of a list's and a page's counts over time, at most */

/* {issue}. False: it is none, and the client was told 404. */
MUST_CHECK bool issues_number(struct api_call *call, int64_t *number);
/* from, to: the last 24 hours when they are not said. False: the client was told what is wrong. */
MUST_CHECK bool issues_range(struct api_call *call, struct count_range *range);
yyjson_mut_val *issues_json(struct api_call *call, const struct issue_listed *listed, const struct count_range *range);
/* What people change of an issue: its ETag is made of it, for counts move by themselves. */
yyjson_mut_val *issues_tag(struct api_call *call, const struct issue *issue);

/* Who has a role in the project: "me", a user's e-mail or id, a team's id, "team:NAME"; "nobody" is nobody. False: the client
 * was told that pointer is wrong. */
MUST_CHECK bool issues_assignee(struct api_call *call, const char *pointer, struct bytes text, struct uuid *user_id,
                                struct uuid *team_id);

/* ---- events ---- */

struct issues_event {
    struct error_source source;
    const struct error_event *event;
    struct bytes release, environment, trace_id, session_id, user_id;
    int64_t at_unix_us, left_out; /* bytes of the stack trace */
};
/* kept: JSON, as meta/error.h has it. False: there is none. */
MUST_CHECK bool issues_event_read(struct api_call *call, struct bytes kept, struct issues_event *event);
/* event NULL: null. */
yyjson_mut_val *issues_event_json(struct api_call *call, const struct issues_event *event, struct uuid fingerprint_id);
/* Of an entry of errors/known.tsv, or null. */
yyjson_mut_val *issues_known_json(struct api_call *call, const struct known *known);
const struct known *issues_known_find(struct bytes id);
/* The id that rows and the metadata have for it. */
struct uuid issues_fingerprint_id(const struct api_call *call, const struct fingerprint *fingerprint);
