#include "base/budget.h"

struct budget budget_share(uint64_t memory)
{
    return (struct budget){
        .memory = memory,
        .requests = memory / 100 * 20,
        .columns = memory / 100 * 25,
        .query = memory / 100 * 35,
        .footers = memory / 100 * 5,
    };
}
