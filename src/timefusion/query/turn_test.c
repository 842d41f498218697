/* Whose turn it is, with threads that come in a stated order. */
#include "base/clock.h"
#include "timefusion/query/turn.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define MANY 20

static const struct uuid a = { { 1 } }, b = { { 2 } }, c = { { 3 } };

struct world {
    struct turns *turns;
    atomic_int order;
};
struct comer {
    struct world *world;
    struct uuid project;
    uint32_t running_max;
    int place; /* in which it was served */
    atomic_bool gives_up;
    bool ok;
    pthread_t thread;
};

static bool wait_on(void *ctx, uint32_t at_work, uint32_t before, struct err *err)
{
    struct comer *comer = ctx;
    (void)at_work;
    (void)before;
    return !atomic_load(&comer->gives_up) || err_set(err, ERR_CANCELLED, "it is not wanted any more");
}

static void *come(void *arg)
{
    struct comer *comer = arg;
    struct err err = { 0 };
    struct turn_wanted wanted = { comer->project, comer->running_max, wait_on, comer };
    comer->ok = turn_take(comer->world->turns, &wanted, &err);
    comer->place = atomic_fetch_add(&comer->world->order, 1);
    if (comer->ok) turn_give(comer->world->turns, comer->project);
    return NULL;
}

static void waits(struct world *world, uint32_t count)
{
    struct turns_state state;
    for (int i = 0; i < 5000; i++) {
        turns_state(world->turns, &state);
        if (state.waiting == count) return;
        clock_sleep_ms(1);
    }
    fail_msg("%u wait, not %u", state.waiting, count);
}

static void take(struct world *world, struct uuid project)
{
    struct err err = { 0 };
    struct turn_wanted wanted = { project, 0, NULL, NULL };
    assert_true(turn_take(world->turns, &wanted, &err)); /* at once: else wait is called */
}

static void start(struct comer *comer, struct world *world, struct uuid project)
{
    *comer = (struct comer){ .world = world, .project = project };
    assert_int_equal(pthread_create(&comer->thread, NULL, come, comer), 0);
}

/* Goal: one that comes after twenty of another project is served before nineteen of them; within a project the order is kept;
 * one who gives up is passed over. Method: two slots, both taken by others; a queue in a known order; then one slot is free. */
static void test_order(void **state)
{
    (void)state;
    struct world world = { .turns = turns_create(2) };
    struct comer many[MANY], one;
    take(&world, c);
    take(&world, a);
    for (uint32_t i = 0; i < MANY; i++) {
        start(&many[i], &world, a);
        waits(&world, i + 1);
    }
    start(&one, &world, b);
    waits(&world, MANY + 1);
    atomic_store(&many[1].gives_up, true);
    pthread_join(many[1].thread, NULL);
    assert_false(many[1].ok);
    turn_give(world.turns, c); /* a has one at work already, the most it may have of two: b goes */
    pthread_join(one.thread, NULL);
    assert_true(one.ok && one.place == 1);
    turn_give(world.turns, a);
    for (uint32_t i = 0; i < MANY; i++)
        if (i != 1) pthread_join(many[i].thread, NULL);
    for (int i = 0, place = 2; i < MANY; i++)
        if (i != 1) assert_int_equal(many[i].place, place++);
    struct turns_state end;
    turns_state(world.turns, &end);
    assert_true(end.at_work == 0 && end.waiting == 0);
    turns_destroy(world.turns);
}

/* Goal: a project that all slots but one are given to leaves that one to others; one of its own that waits is told how many are
 * before it. Method: four slots, three taken. */
static bool told_once(void *ctx, uint32_t at_work, uint32_t before, struct err *err)
{
    *(uint32_t *)ctx = 100 * at_work + before;
    return err_set(err, ERR_CANCELLED, "enough");
}

static void test_one_is_left(void **state)
{
    (void)state;
    struct world world = { .turns = turns_create(4) };
    struct err err = { 0 };
    uint32_t told = 0;
    for (int i = 0; i < 3; i++) take(&world, a);
    assert_false(turn_take(world.turns, &(struct turn_wanted){ a, 0, told_once, &told }, &err));
    assert_int_equal(told, 300);
    take(&world, b);
    turn_give(world.turns, b);
    assert_false(turn_take(world.turns, &(struct turn_wanted){ a, 2, told_once, &told }, &err));
    for (int i = 0; i < 3; i++) turn_give(world.turns, a);
    take(&world, a);
    assert_false(turn_take(world.turns, &(struct turn_wanted){ a, 1, told_once, &told }, &err)); /* its own limit */
    turn_give(world.turns, a);
    turns_destroy(world.turns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_one_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
