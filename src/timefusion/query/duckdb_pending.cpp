// C++ since the C face has no stream without a prepared statement. Written against 1.5.6 (deps/bring pins it): what is made here is what
// duckdb_pending_prepared_streaming makes. No exception leaves a C function.
#include "timefusion/query/duckdb_pending.h"
#include "duckdb.hpp"
#include "duckdb/main/capi/capi_internal.hpp"

extern "C" duckdb_state duckdb_pending_sql(duckdb_connection connection, const char *sql,
                                           duckdb_pending_result *pending)
{
    auto wrapper = new duckdb::PendingStatementWrapper();
    wrapper->allow_streaming = true;
    try {
        wrapper->statement = reinterpret_cast<duckdb::Connection *>(connection)
                                 ->PendingQuery(sql, duckdb::QueryResultOutputType::ALLOW_STREAMING);
    } catch (std::exception &failure) {
        wrapper->statement = duckdb::make_uniq<duckdb::PendingQueryResult>(duckdb::ErrorData(failure));
    }
    *pending = reinterpret_cast<duckdb_pending_result>(wrapper);
    return wrapper->statement->HasError() ? DuckDBError : DuckDBSuccess;
}

extern "C" duckdb_error_type duckdb_pending_error_type(duckdb_pending_result pending)
{
    auto wrapper = reinterpret_cast<duckdb::PendingStatementWrapper *>(pending);
    return duckdb::ErrorTypeToC(wrapper->statement->GetErrorType());
}
