/* dashboard_content.h -- what a dashboard has to be beyond its schema, and what of it is kept.
 *
 *   body {title, description, from, variables, panels} --dashboard_content_make--> content: the same, whole: every panel has an id and
 *                                                                                  a place; members in one order
 * Checked: names of variables, ids of panels, places on the grid, one source a panel that its kind can show, searches by the search
 * language, SQL by the gate: $from, $to, $step, $environment and $name are parameters of the statement there.
 * Thread: the call's. Memory: call->json, call->arena. Errors: ERR_INPUT with pointer ("/panels/0/source/sql"), of SQL with a position. */
#pragma once
#include "timefusion/query/query.h"
#include "web/api/api_call.h"

#define DASHBOARD_POINTER_BYTES 64
#define DASHBOARD_PANELS_MAX    60 /* as the schema has it: of one that panels are added to, too */

/* before: what was checked already (the content that a panel is added to); NULL: nothing. What stands in it is not asked again. */
MUST_CHECK bool dashboard_content_make(struct api_call *call, yyjson_mut_val *body, yyjson_mut_val *before,
                                       yyjson_mut_val **content, char pointer[DASHBOARD_POINTER_BYTES],
                                       struct err *err);
/* A statement with every $name that is from, to, step, with variables (NULL: of no page) environment, or a variable's as a parameter of as many characters, so that a place in it is
 * one in the text. Numbers go by the first use. In the arena. */
enum { DASHBOARD_VARIABLES_MAX = 16, DASHBOARD_PARAMETERS_MAX = DASHBOARD_VARIABLES_MAX + 4 };
struct dashboard_sql {
    struct bytes sql;
    enum query_type types[DASHBOARD_PARAMETERS_MAX]; /* unknown of the environment and a variable's */
    struct bytes names[DASHBOARD_PARAMETERS_MAX];    /* borrowed from the statement */
    uint32_t count;
};
struct dashboard_sql dashboard_sql_read(struct arena *arena, struct bytes sql, yyjson_mut_val *variables);
