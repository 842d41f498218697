/* The queues of a tier, without bytes: who stays, who goes, and that no slot is lost on the way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/hash.h"
#include "timefusion/cache/cache_tier.h"

enum { SLOTS = 100 };

static uint64_t id_of(uint64_t number)
{
    return hash64_mix(number + 1, 0x9E3779B97F4A7C15u);
}

/* As the cache does: a use, or the block comes. */
static bool use(struct cache_tier *tier, uint64_t number, uint32_t now_s)
{
    uint32_t slot = cache_tier_find(tier, id_of(number));
    if (slot != CACHE_SLOT_NONE) {
        cache_tier_touch(tier, slot, now_s);
        return true;
    }
    slot = cache_tier_take(tier, 1, SLOTS);
    assert_int_not_equal(slot, CACHE_SLOT_NONE);
    cache_tier_publish(tier, slot, id_of(number), now_s);
    return false;
}

static uint32_t count_there(const struct cache_tier *tier, uint64_t from, uint64_t to)
{
    uint32_t count = 0;
    for (uint64_t n = from; n < to; n++) count += cache_tier_find(tier, id_of(n)) != CACHE_SLOT_NONE;
    return count;
}

/* Goal: a scan of any length leaves what is used more than once where it is. Method: 60 hot blocks in a tier of 100, then
 * scans of 1,000 others, whose blocks are each met several times within seconds; the same under LRU loses all. */
static void test_scan_passes_through(void **state)
{
    static const enum cache_policy policies[] = { CACHE_POLICY_DEFAULT, CACHE_POLICY_LRU };
    (void)state;
    for (uint32_t p = 0; p < 2; p++) {
        struct cache_tier tier;
        uint32_t now_s = 1000;
        cache_tier_init(&tier, SLOTS, SLOTS, policies[p]);
        for (uint32_t round = 0; round < 4; round++, now_s += 60)
            for (uint64_t n = 0; n < 60; n++) use(&tier, n, now_s);
        for (uint64_t n = 1000; n < 2000; n++)
            for (uint32_t again = 0; again < 4; again++) use(&tier, n, now_s + (uint32_t)(n - 1000) / 20 + again);
        assert_int_equal(count_there(&tier, 0, 60), policies[p] == CACHE_POLICY_DEFAULT ? 60 : 0);
        cache_tier_deinit(&tier);
    }
}

static void test_what_comes_back_is_known(void **state)
{
    struct cache_tier tier;
    (void)state;
    cache_tier_init(&tier, SLOTS, SLOTS, CACHE_POLICY_DEFAULT);
    for (uint64_t n = 0; n < 150; n++) use(&tier, n, 1000);
    assert_int_equal(count_there(&tier, 0, 50), 0); /* the first ones left, unused */
    assert_false(use(&tier, 10, 1100));
    uint32_t slot = cache_tier_find(&tier, id_of(10));
    assert_int_equal(tier.entries[slot].place, CACHE_PLACE_MAIN);
    for (uint64_t n = 200; n < 500; n++) use(&tier, n, 1100);
    assert_true(use(&tier, 10, 1200));  /* and outlives what was met once */
    assert_false(use(&tier, 49, 1200)); /* forgotten meanwhile */
    assert_int_equal(tier.entries[cache_tier_find(&tier, id_of(49))].place, CACHE_PLACE_SMALL);
    cache_tier_deinit(&tier);
}

static void test_pinned_stay(void **state)
{
    struct cache_tier tier;
    (void)state;
    cache_tier_init(&tier, SLOTS, SLOTS, CACHE_POLICY_DEFAULT);
    for (uint64_t n = 0; n < SLOTS; n++) use(&tier, n, 1000);
    for (uint64_t n = 0; n < SLOTS; n++) cache_tier_pin(&tier, cache_tier_find(&tier, id_of(n)));
    assert_int_equal(cache_tier_take(&tier, 1, SLOTS), CACHE_SLOT_NONE);
    uint32_t pinned = cache_tier_find(&tier, id_of(7));
    cache_tier_remove(&tier, pinned);
    assert_int_equal(cache_tier_find(&tier, id_of(7)), CACHE_SLOT_NONE);
    assert_int_equal(cache_tier_take(&tier, 1, SLOTS), CACHE_SLOT_NONE); /* somebody still reads it */
    assert_false(cache_tier_withdraw(&tier, 0, 10));
    cache_tier_unpin(&tier, pinned);
    assert_int_equal(cache_tier_take(&tier, 1, SLOTS), pinned);
    cache_tier_deinit(&tier);
}

/* The sums that the tier keeps are those of its entries. */
static void tier_check(const struct cache_tier *tier, uint64_t pages_max)
{
    uint64_t used = 0, small = 0, main = 0, free_slots = 0, listed = 0;
    for (uint32_t s = 0; s < tier->slots_begun; s++) {
        const struct cache_entry *entry = &tier->entries[s];
        bool is_away = entry->place == CACHE_PLACE_AWAY, is_free = entry->place == CACHE_PLACE_FREE;
        if (!is_away && !is_free) used += entry->pages;
        free_slots += is_free;
        if (entry->place == CACHE_PLACE_SMALL) small += entry->pages;
        if (entry->place == CACHE_PLACE_MAIN) main += entry->pages;
        if (entry->place == CACHE_PLACE_SMALL || entry->place == CACHE_PLACE_MAIN)
            assert_int_equal(cache_tier_find(tier, entry->id), s);
    }
    for (uint32_t s = tier->free.head; s != CACHE_SLOT_NONE; s = tier->entries[s].next) listed++;
    assert_int_equal(tier->pages_used, used);
    assert_int_equal(tier->small.pages, small);
    assert_int_equal(tier->main.pages, main);
    assert_int_equal(listed, free_slots);
    assert_true(used <= pages_max);
}

static void on_free(void *ctx, uint32_t slot)
{
    (void)slot;
    ++*(uint32_t *)ctx;
}

/* Goal: no slot and no page is lost or counted twice. Method: random calls of all kinds, the sums looked at in between. */
static void test_books_are_right(void **state)
{
    struct cache_tier tier;
    uint64_t seed = 3;
    uint32_t held[SLOTS], held_count = 0, freed = 0;
    (void)state;
    cache_tier_init(&tier, SLOTS, SLOTS, CACHE_POLICY_DEFAULT);
    tier.on_free = on_free;
    tier.ctx = &freed;
    tier.idle_pages_max = 6;
    for (uint32_t step = 0; step < 40000; step++) {
        uint64_t draw = hash64_mix(++seed, 0xA0761D6478BD642Fu), number = draw >> 8 & 127;
        uint32_t slot = cache_tier_find(&tier, id_of(number)), now_s = 1000 + step / 8;
        switch (draw % 8) {
        case 0:
        case 1:
        case 2:
            slot = cache_tier_take(&tier, 1 + (uint32_t)(draw >> 20) % 5, 150);
            if (slot == CACHE_SLOT_NONE) break;
            if (draw >> 40 & 1)
                cache_tier_publish(&tier, slot, id_of(number), now_s);
            else
                cache_tier_remove(&tier, slot);
            break;
        case 3:
            if (slot == CACHE_SLOT_NONE || held_count == 20) break;
            cache_tier_pin(&tier, slot);
            held[held_count++] = slot;
            break;
        case 4:
            if (held_count > 0) cache_tier_unpin(&tier, held[--held_count]);
            break;
        case 5:
            if (slot != CACHE_SLOT_NONE) cache_tier_remove(&tier, slot);
            break;
        case 6: {
            uint32_t first = (uint32_t)(number % 10) * 10;
            if (cache_tier_withdraw(&tier, first, 10) && draw >> 40 & 3) cache_tier_return(&tier, first, 10);
            break;
        }
        default:
            if (slot != CACHE_SLOT_NONE) cache_tier_touch(&tier, slot, now_s);
            cache_tier_return(&tier, (uint32_t)(number % 10) * 10, 10);
        }
        if (step % 16 == 0) tier_check(&tier, 150);
    }
    while (held_count > 0) cache_tier_unpin(&tier, held[--held_count]);
    tier_check(&tier, 150);
    assert_true(freed > 100 && tier.evictions > 100);
    cache_tier_deinit(&tier);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scan_passes_through),
        cmocka_unit_test(test_what_comes_back_is_known),
        cmocka_unit_test(test_pinned_stay),
        cmocka_unit_test(test_books_are_right),
    };
    return cmocka_run_group_tests_name("cache_tier", tests, NULL, NULL);
}
