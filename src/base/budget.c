#include "base/budget.h"
#include <assert.h>

/* One message of the greatest size must fit, or no sender could ever be served. */
#define WIRE_MIN (68ull << 20)
/* What nobody is given: code and tables of the libraries (DuckDB's are 40 MiB), stacks, what the allocator holds back. */
#define PROCESS_BYTES (56ull << 20)

struct budget budget_share(uint64_t memory)
{
    assert(memory >= BUDGET_MEMORY_MIN);
    uint64_t shared = memory - PROCESS_BYTES, wire = shared / 100 * 8;
    return (struct budget){
        .memory = memory,
        .wire = wire > WIRE_MIN ? wire : WIRE_MIN,
        .requests = shared / 100 * 10,
        .columns = shared / 100 * 20,
        .query = shared / 100 * 26,
        .footers = shared / 100 * 5,
        .maintenance = shared / 100 * 5,
        .index = shared / 100,
        .fetched = shared / 100 * 2,
        .rollups = shared / 100 * 3,
        .patterns = shared / 100 * 2,
        .errors = shared / 100 * 2,
        .replays = shared / 100 * 2,
        .issues = shared / 100 * 12,
        .tails = shared / 100,
        .source_maps = shared / 100,
    };
}

void budget_give_cache(struct budget *budget, uint64_t bytes_max)
{
    uint64_t tenth = (budget->memory - PROCESS_BYTES) / 10;
    budget->cache = bytes_max < tenth ? bytes_max : tenth;
    budget->query -= budget->cache / 10 * 7;
    budget->columns -= budget->cache / 10 * 3;
}
