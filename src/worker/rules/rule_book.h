/* rule_book.h -- the rules of all projects, for workers: those that counted when a record was received.
 *
 *   error_rules --rule_book_refresh--> an edition: versions by project and time --rule_book_source--> rows_rules_source
 *
 * A process asks for changes four times a second, and a version is valid 5 s after it was stored: so every worker knows it
 * before the first record that it is for, and a replay asks for the record's own time again.
 * A text that cannot be read (a newer program's) counts as a version without rules, and is told once in the log.
 * Thread: any; rule_book_refresh waits for the database and is one thread's. Memory: the texts', as long as they are kept.
 * Errors: those of db.h. */
#pragma once
#include "base/log.h"
#include "worker/rows/rows.h"
struct db;

struct rule_book;
MUST_CHECK bool rule_book_open(struct rule_book **book, struct db *db, const struct log *log, struct err *err);
void rule_book_close(struct rule_book *book); /* NULL is fine; nothing of it may be held */
MUST_CHECK bool rule_book_refresh(struct rule_book *book, struct err *err);
struct rows_rules_source rule_book_source(struct rule_book *book);
struct rule_book_stats {
    uint32_t projects, versions; /* with rules */
    uint32_t unreadable;
};
void rule_book_stats(struct rule_book *book, struct rule_book_stats *stats);
