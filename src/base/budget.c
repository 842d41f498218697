#include "base/budget.h"

/* One message of the greatest size must fit, or no sender could ever be served. */
#define REQUESTS_MIN (68ull << 20)

struct budget budget_share(uint64_t memory)
{
    uint64_t requests = memory / 100 * 20;
    return (struct budget){
        .memory = memory,
        .requests = requests > REQUESTS_MIN ? requests : REQUESTS_MIN,
        .columns = memory / 100 * 25,
        .query = memory / 100 * 35,
        .footers = memory / 100 * 5,
    };
}
