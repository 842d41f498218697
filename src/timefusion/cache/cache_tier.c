#include "timefusion/cache/cache_tier.h"
#include "base/hash.h"
#include <stdlib.h>

enum { USES_MAX = 3, GHOST_WAYS = 4, SMALL_SHARE = 10 /* a tenth */ };

/* One that left: part of its id, and when, counted in leavings. A bucket's oldest way makes room. */
struct cache_ghost {
    uint32_t mark, clock;
};

static uint32_t power_of_two(uint64_t least)
{
    uint64_t power = 16;
    while (power < least) power *= 2;
    assert(power <= UINT32_MAX);
    return (uint32_t)power;
}

void cache_tier_init(struct cache_tier *tier, uint32_t slot_count, uint32_t ghost_count, enum cache_policy policy)
{
    static const struct cache_list empty = { CACHE_SLOT_NONE, CACHE_SLOT_NONE, 0 };
    uint32_t heads = power_of_two(slot_count), ghosts = power_of_two(ghost_count);
    *tier = (struct cache_tier){ .slot_count = slot_count,
                                 .entries = mem_calloc(slot_count ? slot_count : 1, sizeof *tier->entries),
                                 .heads = mem_alloc(heads * sizeof *tier->heads),
                                 .head_mask = heads - 1,
                                 .free = empty,
                                 .small = empty,
                                 .main = empty,
                                 .ghosts = mem_calloc(ghosts, sizeof *tier->ghosts),
                                 .ghost_mask = ghosts - 1,
                                 .ghost_count = ghost_count,
                                 .policy = policy };
    memset(tier->heads, 0xFF, heads * sizeof *tier->heads);
}

void cache_tier_deinit(struct cache_tier *tier)
{
    free(tier->entries);
    free(tier->heads);
    free(tier->ghosts);
}

uint64_t cache_tier_bytes(const struct cache_tier *tier)
{
    return tier->slots_begun * sizeof *tier->entries + (tier->head_mask + 1ull) * sizeof *tier->heads +
           (tier->ghost_mask + 1ull) * sizeof *tier->ghosts;
}

uint64_t cache_tier_bytes_max(uint64_t slot_count)
{
    return slot_count * sizeof(struct cache_entry) +
           power_of_two(slot_count) * (sizeof(uint32_t) + sizeof(struct cache_ghost));
}

/* -- ghosts ----------------------------------------------------------------------------------------------------- */

static struct cache_ghost *ghost_bucket(struct cache_tier *tier, uint64_t id)
{
    return &tier->ghosts[(id >> 32) & tier->ghost_mask & ~(GHOST_WAYS - 1u)];
}

static uint32_t ghost_mark(uint64_t id)
{
    return (uint32_t)id | 1; /* 0 is an empty way */
}

static void ghost_add(struct cache_tier *tier, uint64_t id)
{
    struct cache_ghost *bucket = ghost_bucket(tier, id), *oldest = bucket;
    uint32_t clock = ++tier->ghost_clock;
    for (uint32_t w = 0; w < GHOST_WAYS; w++) {
        if (bucket[w].mark == 0 || bucket[w].mark == ghost_mark(id)) {
            oldest = &bucket[w];
            break;
        }
        if (clock - bucket[w].clock > clock - oldest->clock) oldest = &bucket[w];
    }
    *oldest = (struct cache_ghost){ ghost_mark(id), clock };
}

/* Answers whether it left lately, and forgets that. */
static bool ghost_take(struct cache_tier *tier, uint64_t id)
{
    struct cache_ghost *bucket = ghost_bucket(tier, id);
    for (uint32_t w = 0; w < GHOST_WAYS; w++) {
        if (bucket[w].mark != ghost_mark(id)) continue;
        bool is_late = tier->ghost_clock - bucket[w].clock > tier->ghost_count;
        bucket[w].mark = 0;
        return !is_late;
    }
    return false;
}

/* -- lists and table -------------------------------------------------------------------------------------------- */

static struct cache_list *list_of(struct cache_tier *tier, uint8_t place)
{
    return place == CACHE_PLACE_SMALL ? &tier->small : place == CACHE_PLACE_MAIN ? &tier->main : &tier->free;
}

static void list_add(struct cache_tier *tier, uint32_t slot, uint8_t place)
{
    struct cache_list *list = list_of(tier, place);
    struct cache_entry *entry = &tier->entries[slot];
    entry->place = place;
    entry->prev = CACHE_SLOT_NONE;
    entry->next = list->head;
    if (list->head == CACHE_SLOT_NONE) {
        list->tail = slot;
    } else {
        tier->entries[list->head].prev = slot;
    }
    list->head = slot;
    list->pages += entry->pages;
}

static void list_add_last(struct cache_tier *tier, uint32_t slot, uint8_t place)
{
    struct cache_list *list = list_of(tier, place);
    struct cache_entry *entry = &tier->entries[slot];
    if (list->tail == CACHE_SLOT_NONE) {
        list_add(tier, slot, place);
        return;
    }
    entry->place = place;
    entry->next = CACHE_SLOT_NONE;
    entry->prev = list->tail;
    tier->entries[list->tail].next = slot;
    list->tail = slot;
    list->pages += entry->pages;
}

static void list_remove(struct cache_tier *tier, uint32_t slot)
{
    struct cache_entry *entry = &tier->entries[slot];
    struct cache_list *list = list_of(tier, entry->place);
    if (entry->prev == CACHE_SLOT_NONE) {
        list->head = entry->next;
    } else {
        tier->entries[entry->prev].next = entry->next;
    }
    if (entry->next == CACHE_SLOT_NONE) {
        list->tail = entry->prev;
    } else {
        tier->entries[entry->next].prev = entry->prev;
    }
    list->pages -= entry->pages;
}

static uint32_t *head_of(const struct cache_tier *tier, uint64_t id)
{
    return &tier->heads[id & tier->head_mask];
}

static void table_add(struct cache_tier *tier, uint32_t slot)
{
    uint32_t *head = head_of(tier, tier->entries[slot].id);
    tier->entries[slot].chain = *head;
    *head = slot;
}

static void table_remove(struct cache_tier *tier, uint32_t slot)
{
    uint32_t *at = head_of(tier, tier->entries[slot].id);
    while (*at != slot) at = &tier->entries[*at].chain;
    *at = tier->entries[slot].chain;
}

uint32_t cache_tier_find(const struct cache_tier *tier, uint64_t id)
{
    uint32_t slot = *head_of(tier, id);
    while (slot != CACHE_SLOT_NONE && tier->entries[slot].id != id) slot = tier->entries[slot].chain;
    return slot;
}

/* -- coming and going ------------------------------------------------------------------------------------------- */

static void slot_free(struct cache_tier *tier, uint32_t slot)
{
    struct cache_entry *entry = &tier->entries[slot];
    assert(entry->pins == 0);
    tier->pages_used -= entry->pages;
    if (!tier->on_free) {
        entry->pages = 0;
    } else if (tier->free.pages + entry->pages > tier->idle_pages_max) {
        tier->on_free(tier->ctx, slot);
        entry->pages = 0;
    }
    if (entry->pages > 0) { /* taken first */
        list_add(tier, slot, CACHE_PLACE_FREE);
    } else {
        list_add_last(tier, slot, CACHE_PLACE_FREE);
    }
}

void cache_tier_remove(struct cache_tier *tier, uint32_t slot)
{
    struct cache_entry *entry = &tier->entries[slot];
    if (entry->place == CACHE_PLACE_GOING) return;
    if (entry->place == CACHE_PLACE_HELD) {
        assert(entry->pins == 1);
        entry->pins = 0;
    } else {
        assert(entry->place == CACHE_PLACE_SMALL || entry->place == CACHE_PLACE_MAIN);
        table_remove(tier, slot);
        list_remove(tier, slot);
    }
    entry->place = CACHE_PLACE_GOING;
    if (entry->pins == 0) slot_free(tier, slot);
}

void cache_tier_unpin(struct cache_tier *tier, uint32_t slot)
{
    struct cache_entry *entry = &tier->entries[slot];
    assert(entry->pins > 0);
    if (--entry->pins == 0 && entry->place == CACHE_PLACE_GOING) slot_free(tier, slot);
}

bool cache_tier_touch(struct cache_tier *tier, uint32_t slot, uint32_t now_s)
{
    struct cache_entry *entry = &tier->entries[slot];
    if (tier->policy == CACHE_POLICY_LRU) {
        list_remove(tier, slot);
        list_add(tier, slot, CACHE_PLACE_MAIN);
    }
    /* A clock that was put back must not stop the counting. */
    if (now_s - entry->touched_s < CACHE_TOGETHER_S) return false;
    entry->touched_s = now_s;
    if (entry->uses < USES_MAX) entry->uses++;
    return true;
}

/* The one that goes next: off small or main, not freed yet. NONE: all are pinned. */
static uint32_t victim_find(struct cache_tier *tier)
{
    uint64_t pages = tier->small.pages + tier->main.pages;
    uint32_t pinned = 0;
    while (pinned <= tier->slot_count) {
        bool from_small = tier->small.tail != CACHE_SLOT_NONE &&
                          (tier->small.pages * SMALL_SHARE >= pages || tier->main.tail == CACHE_SLOT_NONE);
        uint32_t slot = from_small ? tier->small.tail : tier->main.tail;
        if (slot == CACHE_SLOT_NONE) return slot;
        struct cache_entry *entry = &tier->entries[slot];
        if (entry->pins == 0 && (entry->uses == 0 || tier->policy == CACHE_POLICY_LRU)) {
            if (from_small) ghost_add(tier, entry->id);
            return slot;
        }
        list_remove(tier, slot);
        if (entry->uses == 0) {
            pinned++;
            list_add(tier, slot, entry->place);
        } else { /* out of small it starts anew: what it did there has brought it to main */
            entry->uses = from_small ? 0 : (uint8_t)(entry->uses - 1);
            list_add(tier, slot, CACHE_PLACE_MAIN);
        }
        if (tier->policy == CACHE_POLICY_LRU) pinned++;
    }
    return CACHE_SLOT_NONE;
}

void cache_tier_trim(struct cache_tier *tier, uint64_t pages_max)
{
    while (tier->pages_used > pages_max) {
        uint32_t slot = victim_find(tier);
        if (slot == CACHE_SLOT_NONE) return;
        tier->evictions++;
        cache_tier_remove(tier, slot);
    }
}

static uint32_t slot_free_find(struct cache_tier *tier)
{
    while (tier->free.head == CACHE_SLOT_NONE && tier->slots_begun < tier->slot_count) {
        uint32_t slot = tier->slots_begun++;
        if (tier->entries[slot].place == CACHE_PLACE_FREE) return slot;
    }
    uint32_t slot = tier->free.head;
    if (slot != CACHE_SLOT_NONE) list_remove(tier, slot);
    return slot;
}

uint32_t cache_tier_take(struct cache_tier *tier, uint32_t pages, uint64_t pages_max)
{
    assert(pages > 0 && pages <= UINT16_MAX);
    if (pages > pages_max) return CACHE_SLOT_NONE;
    cache_tier_trim(tier, pages_max - pages);
    if (tier->pages_used + pages > pages_max) return CACHE_SLOT_NONE;
    uint32_t slot = slot_free_find(tier);
    if (slot == CACHE_SLOT_NONE) {
        uint32_t victim = victim_find(tier);
        if (victim == CACHE_SLOT_NONE) return victim;
        tier->evictions++;
        cache_tier_remove(tier, victim);
        slot = slot_free_find(tier);
    }
    if (tier->entries[slot].pages > pages) tier->on_free(tier->ctx, slot); /* its last owner was larger */
    tier->entries[slot] = (struct cache_entry){ .place = CACHE_PLACE_HELD, .pages = (uint16_t)pages, .pins = 1 };
    tier->pages_used += pages;
    return slot;
}

void cache_tier_publish(struct cache_tier *tier, uint32_t slot, uint64_t id, uint32_t now_s)
{
    struct cache_entry *entry = &tier->entries[slot];
    assert(entry->place == CACHE_PLACE_HELD && entry->pins == 1);
    uint32_t older = cache_tier_find(tier, id);
    if (older != CACHE_SLOT_NONE) cache_tier_remove(tier, older);
    entry->id = id;
    entry->touched_s = now_s;
    entry->pins = 0;
    bool is_known = tier->policy == CACHE_POLICY_LRU || ghost_take(tier, id);
    list_add(tier, slot, is_known ? CACHE_PLACE_MAIN : CACHE_PLACE_SMALL);
    table_add(tier, slot);
}

void cache_tier_restore(struct cache_tier *tier, uint32_t slot, uint64_t id, uint32_t pages, uint32_t touched_s,
                        bool was_used)
{
    while (tier->slots_begun <= slot) {
        uint32_t begun = tier->slots_begun++;
        if (tier->entries[begun].place == CACHE_PLACE_FREE) list_add(tier, begun, CACHE_PLACE_FREE);
    }
    assert(tier->entries[slot].place == CACHE_PLACE_FREE && cache_tier_find(tier, id) == CACHE_SLOT_NONE);
    list_remove(tier, slot);
    tier->entries[slot] = (struct cache_entry){ .id = id, .touched_s = touched_s, .pages = (uint16_t)pages };
    tier->pages_used += pages;
    bool is_main = was_used || tier->policy == CACHE_POLICY_LRU;
    if (was_used) tier->entries[slot].uses = 1;
    list_add(tier, slot, is_main ? CACHE_PLACE_MAIN : CACHE_PLACE_SMALL);
    table_add(tier, slot);
}

bool cache_tier_withdraw(struct cache_tier *tier, uint32_t first, uint32_t count)
{
    assert(first <= tier->slot_count && count <= tier->slot_count - first);
    for (uint32_t slot = first; slot < first + count; slot++)
        if (tier->entries[slot].pins > 0) return false;
    for (uint32_t slot = first; slot < first + count; slot++) {
        struct cache_entry *entry = &tier->entries[slot];
        if (entry->place == CACHE_PLACE_AWAY) continue;
        if (entry->place != CACHE_PLACE_FREE) {
            tier->evictions++;
            cache_tier_remove(tier, slot);
        }
        if (slot < tier->slots_begun) list_remove(tier, slot);
        entry->place = CACHE_PLACE_AWAY;
    }
    return true;
}

void cache_tier_return(struct cache_tier *tier, uint32_t first, uint32_t count)
{
    for (uint32_t slot = first; slot < first + count; slot++) {
        if (tier->entries[slot].place != CACHE_PLACE_AWAY) continue;
        tier->entries[slot].place = CACHE_PLACE_FREE;
        if (slot < tier->slots_begun) list_add(tier, slot, CACHE_PLACE_FREE);
    }
}
