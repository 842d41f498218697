/* rewriter.h -- rows of Parquet files of any writer, in an order, as struct columns: what DuckDB can do and we cannot.
 *
 *   maintenance --rewriter->run(files, order)--> [DuckDB reads and sorts] --sink: columns of a row group each--> file_builder
 *
 * Filled in by timefusion/query, as the checkpoint reader is. The sum of the rows given is that of the files, or it is an
 * error: a file that is missing or damaged fails the whole.
 * Thread: the caller's, one run at a time. Memory: memory_bytes_max, what is over it goes to the disk.
 * Errors: ERR_CANCELLED within a second or two of cancel; ERR_UNSUPPORTED for a column that does not fit ours, by name;
 *         what the sink answered. */
#pragma once
#include <stdatomic.h>

#include "base/err.h"
#include "timefusion/columns/columns.h"
#include "timefusion/timefusion.h"

enum rewriter_order {
    REWRITER_AS_STORED,      /* file by file */
    REWRITER_BY_HOUR_SERVICE /* (hour of timestamp, service, timestamp) */
};
struct rewriter_work {
    struct timefusion_snapshot *snapshot; /* holds the files; the caller's */
    struct timefusion_file *const *files; /* of snapshot; one day */
    uint32_t file_count;
    enum rewriter_order order;
    uint32_t rows_max; /* of one columns: a row group */
    uint64_t memory_bytes_max;
    const atomic_bool *cancel;
    /* Takes rows in that order, at most rows_max; borrowed for the call. False ends the run. */
    bool (*sink)(void *ctx, struct columns *columns, struct err *err);
    void *ctx;
};
struct rewriter {
    bool (*run)(void *ctx, const struct rewriter_work *work, struct err *err); /* NULL: there is none */
    void *ctx;
};
