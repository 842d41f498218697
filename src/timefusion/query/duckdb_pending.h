/* duckdb_pending.h -- a statement as a pending stream, planned once.
 *
 *   duckdb_pending_sql -> duckdb_pending_execute_task ... -> duckdb_execute_pending -> chunks
 *
 * DuckDB's C face makes a stream of a prepared statement alone, and plans one that reads files a second time when it is executed
 * (its table functions "always require a rebind"). Thread: the connection's. */
#pragma once
#include <duckdb.h>
#ifdef __cplusplus
extern "C" {
#endif

/* DuckDBError: duckdb_pending_error(*pending) says why. In either case duckdb_destroy_pending afterwards. */
duckdb_state duckdb_pending_sql(duckdb_connection connection, const char *sql, duckdb_pending_result *pending);
/* Of what duckdb_pending_error says. */
duckdb_error_type duckdb_pending_error_type(duckdb_pending_result pending);

#ifdef __cplusplus
}
#endif
