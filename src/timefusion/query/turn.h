/* turn.h -- whose turn it is: statements of all projects share few slots, and no project can keep another's waiting.
 *
 *   statement --turn_take--> a slot is free and it is its project's turn --> work (DuckDB) --turn_give--> the next one
 *                   '--> waits: of the projects that do, the one that has the fewest at work goes first, then the one that was
 *                        served longest ago; within a project whoever came first
 *
 * A slot is held while DuckDB works, not while a client reads slowly: each fetch takes a turn of its own. One project never has
 * all slots, so that another's light statement finds one free.
 * Thread: any; one lock, held for some hundred instructions. Memory: 100 bytes a project and statement that wait. */
#pragma once
#include "base/err.h"
#include "base/uuid.h"

struct turns;
struct turns *turns_create(uint32_t slots); /* at least 1 */
void turns_destroy(struct turns *turns);    /* nobody waits or works; NULL is fine */

struct turn_wanted {
    struct uuid project_id;
    uint32_t running_max; /* of the project at once; 0: as many as there are but one */
    /* Asked from time to time while it waits, on its own thread: false with err set ends it. at_work, before: how many of the
     * project are at work, and how many of it wait before this one. */
    bool (*wait)(void *ctx, uint32_t at_work, uint32_t before, struct err *err);
    void *ctx;
};
MUST_CHECK bool turn_take(struct turns *turns, const struct turn_wanted *wanted, struct err *err);
void turn_give(struct turns *turns, struct uuid project_id);
struct turns_state {
    uint32_t slots, at_work, waiting;
};
void turns_state(struct turns *turns, struct turns_state *state);
