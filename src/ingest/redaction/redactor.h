/* redactor.h -- the redaction rules of all projects, ready for ingest, and what they found.
 *
 *   redaction_rules --redactor_refresh--> struct redaction a project --redactor_take--> ingest
 *   redaction_finds <--redactor_save------ finds by rule <--redactor_count-----------------'
 *
 * A process asks for changes several times a second, so a rule counts everywhere within that. A project whose rules cannot
 * be read takes nothing in until they can: redactor_take says so, for keeping what was to go would be worse.
 * Thread: any; redactor_refresh and redactor_save wait for the database and are one thread's. Errors: those of db. */
#pragma once
#include "base/log.h"
#include "ingest/redaction/redaction.h"
struct db;
struct redactor;

MUST_CHECK bool redactor_open(struct redactor **redactor, struct db *db, const struct log *log, struct err *err);
void redactor_close(struct redactor *redactor); /* NULL is fine; finds that were not saved are lost */
MUST_CHECK bool redactor_refresh(struct redactor *redactor, struct err *err);
MUST_CHECK bool redactor_save(struct redactor *redactor, struct err *err);
/* *redaction NULL: the project has no rules. Else it is the caller's, to release. ERR_BUSY: they cannot be read. */
MUST_CHECK bool redactor_take(struct redactor *redactor, struct uuid project_id, struct redaction **redaction,
                              struct err *err);
/* Of one request. */
void redactor_count(struct redactor *redactor, const struct redaction *redaction,
                    const struct redaction_counts *counts);
/* The key of the project's keyed hashes. */
void redactor_key(const struct redactor *redactor, struct uuid project_id, uint8_t key[REDACTION_KEY_BYTES]);
/* What is known of recordings' elements, for redaction_rewrite_replay. */
struct element_memory *redactor_elements(const struct redactor *redactor);
struct redactor_stats {
    uint64_t requests, changed; /* looked at; written anew */
    uint64_t found, unknown_fields;
    uint32_t projects; /* with rules */
};
void redactor_stats(struct redactor *redactor, struct redactor_stats *stats);
