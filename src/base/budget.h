/* budget.h -- one memory limit, shared out: every part gets its bytes from this table and stays under them.
 *
 *   --memory 1 GiB --budget_share--> requests in flight 20%, columns 25%, queries 35%, footers 5%; the rest is the
 *                                    process itself, stacks, buffers of the allocator
 *
 * Thread: a value. Units: bytes. */
#pragma once
#include <stdint.h>

struct budget {
    uint64_t memory;   /* all of it */
    uint64_t requests; /* bodies on the wire, inflated, decoded, waiting for the log or the worker */
    uint64_t columns;  /* rows not yet sealed */
    uint64_t query;    /* DuckDB's limit */
    uint64_t footers;  /* of Delta files, kept for pruning */
};
#define BUDGET_MEMORY_MIN (256ull << 20)
struct budget budget_share(uint64_t memory);
