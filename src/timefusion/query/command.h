/* command.h -- statements for whoever looks after the tables, in the words of Delta Lake's SQL.
 *
 *   FLUSH                                                     what was acknowledged goes into the tables now
 *   OPTIMIZE table [WHERE date ...]                           joins small files
 *   VACUUM table [RETAIN n HOURS] [DRY RUN]                   deletes files that no version needs any more
 *   DESCRIBE HISTORY table [LIMIT n]                          the table's commits, newest first
 *
 * PostgreSQL's grammar has none of them as they are written, so they are read here, from the text's words. They work on the
 * session's project; an operator's on all (query.h).
 * Thread: the session's. Memory: the plan's arena, the cursor's.
 * Source: docs.delta.io, "Table utility commands". */
#pragma once
#include "timefusion/query/plan.h"

enum command_kind { COMMAND_FLUSH, COMMAND_OPTIMIZE, COMMAND_VACUUM, COMMAND_HISTORY };
struct command {
    enum command_kind kind;
    const struct schema_table *table; /* NULL: of FLUSH */
    int32_t day_first, day_last;      /* INT32_MIN, INT32_MAX: any */
    int64_t retain_hours;             /* -1: as the table has it */
    bool is_dry_run;
    uint32_t limit; /* of DESCRIBE HISTORY */
};
/* Does the text begin with the word of a command? Then it is not PostgreSQL's to parse. */
bool command_is(struct bytes sql);
/* A plan of the whole text. err->position is set where the text is not understood. */
MUST_CHECK bool command_make(struct plan *plan, struct bytes sql, struct err *err);

struct query_cursor;
/* Does it; the rows of its answer are the cursor's from then on. */
MUST_CHECK bool command_run(struct query_cursor *cursor, struct err *err);
