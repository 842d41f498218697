/* match.h -- does a row fit a search? Without SQL, for rows on their way in (the live tail).
 *
 *   "service:payments timeout" --search_match_create--> struct search_match --search_match_row(last row of columns)--> yes, no
 *
 * It means what search_sql means to the query engine: match_sql_test.c (in app/) compares the two on random rows. Words are looked
 * for by RE2 as DuckDB does, attributes are found by json_object.h as SQL's are. Two differences, both by design:
 *   - user.* and session.id that other spans of the trace brought (docs/identity.md) are not known yet: a row is matched as sent;
 *   - what SQL makes of many columns together (all of `attributes` or `resource`, a group such as `http`) is refused, with its
 *     place: the attribute is to be named.
 * Thread: a match is constant, any; a row belongs to one thread. Memory: some KB a match, up to 1 MiB for each word that is looked
 * for; of a row its scratch. Cost: linear in the text of the row, for each term. */
#pragma once
#include "base/err.h"
#include "base/uuid.h"
#include "search/search.h"
#include "timefusion/columns/columns.h"

struct search_match;
/* text is copied. False: *problem says what is wrong, and where. */
MUST_CHECK bool search_match_create(struct search_match **match, struct bytes text, struct search_problem *problem);
void search_match_destroy(struct search_match *match); /* NULL is fine */

/* A row of otel_logs_and_spans: the last of its columns. */
struct search_row {
    const struct columns *columns;
    struct uuid project_id;
    struct buf scratch; /* made by search_row_init, used again for each row */
};
void search_row_init(struct search_row *row, const struct columns *columns, struct uuid project_id);
void search_row_deinit(struct search_row *row);
bool search_match_row(const struct search_match *match, struct search_row *row);

/* Its values, for who shows it. False: there is none. */
MUST_CHECK bool search_row_text(const struct search_row *row, uint32_t column,
                                struct bytes *text); /* TEXT, JSON, UUID */
MUST_CHECK bool search_row_int(const struct search_row *row, uint32_t column, int64_t *number);
MUST_CHECK bool search_row_bool(const struct search_row *row, uint32_t column, bool *value);
/* Elements of a list of texts, up to max. */
uint32_t search_row_texts(const struct search_row *row, uint32_t column, struct bytes *texts, uint32_t max);
/* Of what has no column: among the attributes, else in the resource, in row->scratch. */
MUST_CHECK bool search_row_attribute(struct search_row *row, struct bytes name, struct bytes *text);
