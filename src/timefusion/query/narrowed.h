/* narrowed.h -- files as a statement reads them: of a large one only the row groups that the index has left.
 *
 *   pruned files --narrowed_add--> a snapshot of the file system: "g<groups>-<name>", the file's own bytes under a footer that
 *                                  names few row groups, and the other files as they are
 *
 * DuckDB opens, and asks the bloom of, every row group that a footer names: sixty requests for one row group. The name begins
 * otherwise for each set of row groups, since DuckDB keeps footers by name.
 * Thread: narrowed_add the session's; reads any. Memory: the footers; the files are held until the last handle is closed. */
#pragma once
#include "timefusion/query/duckdb_fs.h"
#include "timefusion/query/prune.h"

/* Is there a file of which not all row groups are wanted? */
bool narrowed_is_worth(const struct pruned *files);
/* Adds the snapshot under id, to be dropped by duckdb_fs_drop. names: by file, in the arena. */
void narrowed_add(struct duckdb_fs *fs, uint64_t id, const struct pruned *files, struct arena *arena,
                  const char **names);
