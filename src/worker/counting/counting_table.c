#include "worker/counting/counting_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

enum { CAP_MIN = 256 };

void counting_table_add(struct counting_table *table, uint64_t hash, uint32_t number)
{
    if (table->used * 2 >= table->cap) {
        struct counting_table old = *table;
        table->cap = old.cap ? old.cap * 2 : CAP_MIN;
        table->slots = mem_calloc(table->cap, sizeof *table->slots);
        table->used = 0;
        for (uint32_t s = 0; s < old.cap; s++)
            if (old.slots[s].number != 0) counting_table_add(table, old.slots[s].hash, old.slots[s].number - 1);
        free(old.slots);
    }
    uint32_t at = (uint32_t)hash & (table->cap - 1);
    while (table->slots[at].number != 0) at = (at + 1) & (table->cap - 1);
    table->slots[at] = (struct counting_slot){ hash, number + 1 };
    table->used++;
}

uint32_t counting_table_find(const struct counting_table *table, uint64_t hash)
{
    if (table->cap == 0) return UINT32_MAX;
    for (uint32_t at = (uint32_t)hash & (table->cap - 1); table->slots[at].number != 0;
         at = (at + 1) & (table->cap - 1))
        if (table->slots[at].hash == hash) return table->slots[at].number - 1;
    return UINT32_MAX;
}

void counting_table_reset(struct counting_table *table)
{
    if (table->used > 0) memset(table->slots, 0, table->cap * sizeof *table->slots);
    table->used = 0;
}
