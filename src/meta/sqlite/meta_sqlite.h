/* meta_sqlite.h -- metadata in one SQLite file: WAL mode, synchronous=FULL, so that a commit survives a power cut. */
#pragma once
#include "meta/meta_store.h"
/* The file is made when missing, readable by its owner alone, and brought up to date (migrations, each checked). */
MUST_CHECK bool meta_sqlite_open(struct meta_store **store, const char *path, struct err *err);
