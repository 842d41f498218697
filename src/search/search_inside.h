/* search_inside.h -- pieces of conditions, for the files that write them: search_sql.c of logs and spans, search_metrics.c of points.
 * Memory: into a buffer that is sized for the worst that a bounded search makes; past it they abort. */
#pragma once
#include "search/search.h"

#define SEARCH_SQL_BYTES_MAX (64 * SEARCH_BYTES_MAX + 1024 * SEARCH_TERMS_MAX + SEARCH_VALUES_BYTES_MAX)

void search_put(struct buf *out, const char *text);
void search_put_literal(struct buf *out, struct bytes value);
/* "a*b" as LIKE's 'a%b'; what LIKE would take for its own is escaped. */
void search_put_like(struct buf *out, struct bytes value, bool is_inside);
void search_put_regex(struct buf *out, const struct search_node *node); /* for ~*: several times as fast as ILIKE */
void search_put_number(struct buf *out, double number);
/* A term of an attribute that has no column: among the row's, else the resource's. */
void search_put_attribute_term(struct buf *out, const struct search_node *node);
const char *search_operator(enum search_test test); /* " < " */
/* By node->name: which column, which class. */
void search_name_resolve(struct search_node *node);
