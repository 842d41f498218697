/* db_postgres.h -- metadata in PostgreSQL 15 or newer, by libpq.
 *
 * A URL as libpq takes it: several hosts (the one that takes writes is used), sslmode, passfile and so on; PGPASSWORD and
 * the other PG* variables count too. Statements are prepared, so a pooler between must pool by session.
 * Values travel in binary; answers come as text, row by row. No answer in time (network gone) ends the connection.
 * Source: PostgreSQL 15, chapter 34 (libpq), appendix A (SQLSTATE). */
#pragma once
#include "meta/db_backend.h"
extern const struct db_backend db_postgres;
