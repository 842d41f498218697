/* transfer.h -- all metadata from one place to another: what `monoscope meta copy | backup | restore | check` do.
 *
 *   database --snapshot--+                         +--one transaction--> empty database
 *                        +--> struct transfer_sink +
 *   file ----checked-----+    (tables, rows)       +--whole or not at all--> file
 *
 * A copy is of one moment, and has every row of every table; the target gets the schema that the source has, then the rows,
 * then the migrations that this program has more. A target with rows in it is refused. The two databases may be of
 * different kinds: a value goes over as what its column is there.
 *
 * The file is text, a line a row, so that people and scripts can read it; hashes of keys and passwords and
 * the server's own secrets are in it, no keys and no passwords. Made with mode 0600.
 *
 *   {"monoscope":"metadata","format":1,"migrations":[[1,"projects_and_keys","0e1b..."],...]}
 *   {"table":"projects","columns":["id","name",...],"types":["uuid","text",...]}
 *   ["6f1a7c30-...","default",1764208800000,null]
 *   {"rows":1234,"sha256":"of all bytes before this line"}
 *
 * Types: integer, real (a number, or "NaN", "Infinity", "-Infinity"), text, bytes (hexadecimal), uuid.
 * Thread: one. Memory: a row, and up to 256 of them on the way into a database. Errors: ERR_EXISTS the target is not empty,
 * the file is there; ERR_CORRUPT the file is cut or changed; ERR_UNSUPPORTED of a newer version; those of db.h. */
#pragma once
#include "meta/db.h"

struct transfer_counts {
    uint32_t tables;
    uint64_t rows;
};
MUST_CHECK bool transfer_copy(const char *from_url, const char *to_url, const struct log *log,
                              struct transfer_counts *counts, struct err *err);
MUST_CHECK bool transfer_backup(const char *url, const char *path, const struct log *log,
                                struct transfer_counts *counts, struct err *err);
MUST_CHECK bool transfer_restore(const char *path, const char *url, const struct log *log,
                                 struct transfer_counts *counts, struct err *err);

/* Looks at a database and changes nothing: line by line what it is, false with err when it is not as it should be. */
MUST_CHECK bool transfer_check(const char *url, const struct log *log, void (*line)(void *ctx, const char *text),
                               void *ctx, struct err *err);
