/* budget.h -- one memory limit, shared out: every part gets its bytes from this table and stays under them.
 *
 *   --memory 1 GiB - 56 MiB for the process itself
 *       --budget_share--> bodies coming in 8%, requests 10%, columns 20%, queries 26%, footers 5%, maintenance 5%,
 *                      index 1%, fetched ahead 2%, roll-ups 3%, log patterns 2%, errors 2%, replays 2%,
 *                      issues 12%, live tails 1%, source maps 1%; the rest: encoders
 *       before a bucket --budget_give_cache--> cache 10%: 7 of them from queries, 3 from columns
 *
 * Thread: a value. Units: bytes. */
#pragma once
#include <stdint.h>

struct budget {
    uint64_t memory;      /* all of it */
    uint64_t wire;        /* bodies on their way in */
    uint64_t requests;    /* inflated, decoded, waiting for the log or the worker; a single one may be larger */
    uint64_t columns;     /* rows not yet sealed */
    uint64_t query;       /* DuckDB's limit */
    uint64_t footers;     /* of Delta files, kept for pruning */
    uint64_t maintenance; /* one unit's rows and buffers */
    uint64_t index;       /* of a table's files: what is known of its runs */
    uint64_t fetched;     /* of files, ahead of the queries that read them */
    uint64_t rollups;     /* counts not yet in the database */
    uint64_t patterns;    /* the same of log patterns */
    uint64_t errors;      /* the same of errors, with their events */
    uint64_t replays;     /* batches not yet in the object store */
    uint64_t issues;      /* what new errors are compared with */
    uint64_t tails;       /* rows for those who watch */
    uint64_t source_maps; /* that are open */
    uint64_t cache;       /* of a bucket's objects; 0 while there is none */
};
#define BUDGET_MEMORY_MIN (256ull << 20)
struct budget budget_share(uint64_t memory);
/* Makes room for a cache of up to bytes_max. */
void budget_give_cache(struct budget *budget, uint64_t bytes_max);
