/* db_sqlite.h -- metadata in one SQLite file: WAL mode, synchronous=FULL, so that a commit survives a power cut.
 *
 * The file is made when missing, readable by its owner alone. Values of DB_UUID are texts of 36 characters.
 * Source: sqlite.org/c3ref, sqlite.org/wal.html. */
#pragma once
#include "meta/db_backend.h"
extern const struct db_backend db_sqlite;
