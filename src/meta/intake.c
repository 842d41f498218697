#include "meta/intake.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "meta/intake_inside.h"

static const struct uuid none;

/* ---- tables of what is not saved: open addressing, an item of all zeros at `used` is free ---- */

void intake_pending_init(struct intake_pending *pending)
{
    *pending = (struct intake_pending){ 0 };
}

void intake_pending_deinit(struct intake_pending *pending)
{
    free(pending->counts.items);
    free(pending->reasons.items);
    free(pending->senders.items);
    free(pending->visible.items);
    *pending = (struct intake_pending){ 0 };
}

static void *item_at(const struct intake_table *table, size_t item_bytes, uint32_t at)
{
    return (uint8_t *)table->items + item_bytes * at;
}

/* Every item begins with a struct intake_head. Its place, or the free one where it belongs; cap > 0. */
static struct intake_head *place_of(const struct intake_table *table, size_t item_bytes, uint64_t hash,
                                    bool (*is_same)(const void *item, const void *wanted), const void *wanted)
{
    uint32_t at = (uint32_t)hash & (table->cap - 1);
    for (;;) {
        struct intake_head *head = item_at(table, item_bytes, at);
        if (!head->is_used || (head->hash == hash && is_same(head, wanted))) return head;
        at = (at + 1) & (table->cap - 1);
    }
}

static bool is_nothing(const void *item, const void *wanted)
{
    (void)item;
    (void)wanted;
    return false;
}

static void table_grow(struct intake_table *table, size_t item_bytes)
{
    struct intake_table old = *table;
    table->cap = old.cap == 0 ? 32 : old.cap * 2;
    table->items = mem_calloc(table->cap, item_bytes);
    for (uint32_t i = 0; i < old.cap; i++) {
        const struct intake_head *head = item_at(&old, item_bytes, i);
        if (head->is_used) memcpy(place_of(table, item_bytes, head->hash, is_nothing, NULL), head, item_bytes);
    }
    free(old.items);
}

/* The item that is like `wanted`, made of it when there is none; NULL: there is no room. */
static void *item_of(struct intake_table *table, size_t item_bytes, uint32_t count_max, const void *wanted,
                     uint64_t hash, bool (*is_same)(const void *item, const void *wanted), bool *is_new)
{
    if ((table->count + 1) * 2 > table->cap) table_grow(table, item_bytes);
    struct intake_head *head = place_of(table, item_bytes, hash, is_same, wanted);
    *is_new = !head->is_used;
    if (!*is_new) return head;
    if (table->count == count_max) return NULL;
    memcpy(head, wanted, item_bytes);
    head->is_used = true;
    head->hash = hash;
    table->count++;
    return head;
}

static uint64_t place_hash(const struct intake_place *place)
{
    return hash64_of(bytes_from(place, sizeof *place));
}

static bool counts_same(const void *item, const void *wanted)
{
    const struct intake_counts *a = item, *b = wanted;
    return memcmp(&a->place, &b->place, sizeof a->place) == 0;
}
static bool reason_same(const void *item, const void *wanted)
{
    const struct intake_reason *a = item, *b = wanted;
    return memcmp(&a->place, &b->place, sizeof a->place) == 0 && strcmp(a->code, b->code) == 0;
}
static bool sender_same(const void *item, const void *wanted)
{
    const struct intake_sender *a = item, *b = wanted;
    return memcmp(&a->place, &b->place, sizeof a->place) == 0 && strcmp(a->agent, b->agent) == 0 &&
           strcmp(a->sdk, b->sdk) == 0;
}
static bool visible_same(const void *item, const void *wanted)
{
    const struct intake_shown *a = item, *b = wanted;
    return memcmp(&a->place, &b->place, sizeof a->place) == 0 && strcmp(a->table, b->table) == 0;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Adds what one item counted to another of the same place: of a request, or of a save that failed. */
void intake_add_counts(struct intake_pending *pending, const struct intake_counts *more)
{
    bool is_new;
    struct intake_counts *counts = item_of(&pending->counts, sizeof *more, INTAKE_COUNTS_MAX, more,
                                           place_hash(&more->place), counts_same, &is_new);
    if (counts == NULL) pending->lost++;
    if (counts == NULL || is_new) return;
    for (int c = 0; c < INTAKE_COUNT; c++) counts->at[c] += more->at[c];
    if (more->at[INTAKE_LAG_COUNT] > 0) {
        bool had = counts->at[INTAKE_LAG_COUNT] > more->at[INTAKE_LAG_COUNT];
        counts->lag_max_us = had ? larger(counts->lag_max_us, more->lag_max_us) : more->lag_max_us;
        counts->lag_min_us = had && counts->lag_min_us < more->lag_min_us ? counts->lag_min_us : more->lag_min_us;
    }
    counts->seen_unix_us = larger(counts->seen_unix_us, more->seen_unix_us);
    counts->accepted_unix_us = larger(counts->accepted_unix_us, more->accepted_unix_us);
}

void intake_add_reason(struct intake_pending *pending, const struct intake_reason *more)
{
    bool is_new;
    uint64_t hash = place_hash(&more->place) ^ hash64_of(bytes_of_text(more->code));
    struct intake_reason *reason =
        item_of(&pending->reasons, sizeof *more, INTAKE_REASONS_MAX, more, hash, reason_same, &is_new);
    if (reason == NULL) pending->lost++;
    if (reason == NULL || is_new) return;
    reason->happened += more->happened;
    if (more->seen_unix_us < reason->seen_unix_us) return;
    reason->seen_unix_us = more->seen_unix_us;
    memcpy(reason->example, more->example, sizeof reason->example);
}

void intake_add_sender(struct intake_pending *pending, const struct intake_sender *more)
{
    bool is_new;
    uint64_t hash =
        place_hash(&more->place) ^ hash64_of(bytes_of_text(more->agent)) ^ (hash64_of(bytes_of_text(more->sdk)) * 3);
    struct intake_sender *sender =
        item_of(&pending->senders, sizeof *more, INTAKE_SENDERS_MAX, more, hash, sender_same, &is_new);
    if (sender == NULL || is_new) return;
    sender->requests += more->requests;
    sender->seen_unix_us = larger(sender->seen_unix_us, more->seen_unix_us);
}

void intake_add_shown(struct intake_pending *pending, const struct intake_shown *more)
{
    bool is_new;
    uint64_t hash = place_hash(&more->place) ^ hash64_of(bytes_of_text(more->table));
    struct intake_shown *shown =
        item_of(&pending->visible, sizeof *more, INTAKE_COUNTS_MAX, more, hash, visible_same, &is_new);
    if (shown == NULL) pending->lost++;
    if (shown == NULL || is_new) return;
    shown->lag_count += more->lag_count;
    shown->lag_sum_us += more->lag_sum_us;
    shown->lag_max_us = larger(shown->lag_max_us, more->lag_max_us);
    shown->visible_unix_us = larger(shown->visible_unix_us, more->visible_unix_us);
}

/* ---- notes ---- */

static void place_set(struct intake_place *place, const struct intake_who *who, int64_t now_us)
{
    memset(place, 0, sizeof *place); /* it is compared and hashed as bytes */
    place->project_id = who->project_id;
    place->key_id = who->key_id;
    place->signal = who->signal;
    place->minute = now_us / INTAKE_MINUTE_US;
}

/* What a stranger said, cut within no character; what is no text becomes question marks. */
static void text_keep(struct bytes text, char *into, size_t into_bytes)
{
    size_t len = text.len < into_bytes - 1 ? text.len : into_bytes - 1;
    while (len < text.len && len > 0 && (text.ptr[len] & 0xC0) == 0x80) len--;
    bool is_text = utf8_is_valid(bytes_from(text.ptr, len));
    for (size_t i = 0; i < len; i++) {
        uint8_t one = text.ptr[i];
        into[i] = (char)(one < ' ' || one == 0x7F || (one >= 0x80 && !is_text) ? '?' : one);
    }
    into[len] = '\0';
}

static void reason_note(struct intake *intake, const struct intake_place *place, const char *code, uint64_t happened,
                        struct bytes words, int64_t now_us)
{
    struct intake_reason reason = { .place = *place, .happened = happened, .seen_unix_us = now_us };
    snprintf(reason.code, sizeof reason.code, "%s", code);
    text_keep(words, reason.example, sizeof reason.example);
    intake_add_reason(&intake->pending, &reason);
}

/* Its minute does not matter to a sender. */
static void sender_note(struct intake *intake, const struct intake_place *place, struct bytes agent, struct bytes sdk,
                        int64_t now_us)
{
    struct intake_sender sender = { .place = *place, .requests = 1, .seen_unix_us = now_us };
    sender.place.minute = 0;
    text_keep(agent, sender.agent, sizeof sender.agent);
    text_keep(sdk, sender.sdk, sizeof sender.sdk);
    intake_add_sender(&intake->pending, &sender);
}

void intake_take(struct intake *intake, const struct intake_who *who, const struct intake_taken *taken)
{
    int64_t now_us = clock_unix_us();
    struct intake_counts counts = { .seen_unix_us = now_us, .accepted_unix_us = now_us };
    place_set(&counts.place, who, now_us);
    counts.at[INTAKE_REQUESTS] = 1;
    counts.at[INTAKE_REPEATS] = taken->is_repeat;
    counts.at[INTAKE_PARTIALS] = taken->rejected > 0;
    counts.at[INTAKE_REJECTED] = (int64_t)taken->rejected;
    if (!taken->is_repeat) {
        counts.at[INTAKE_RECORDS] = (int64_t)taken->records;
        counts.at[INTAKE_BYTES] = (int64_t)taken->bytes;
        if (taken->has_lag) {
            counts.at[INTAKE_LAG_COUNT] = 1;
            counts.at[INTAKE_LAG_SUM] = counts.lag_max_us = counts.lag_min_us = taken->lag_us;
        }
    }
    pthread_mutex_lock(&intake->lock);
    intake_add_counts(&intake->pending, &counts);
    if (taken->rejected > 0)
        reason_note(intake, &counts.place, INTAKE_PARTIAL, taken->rejected, bytes_of_text(taken->reason), now_us);
    sender_note(intake, &counts.place, taken->agent, taken->sdk, now_us);
    pthread_mutex_unlock(&intake->lock);
}

void intake_refuse(struct intake *intake, const struct intake_who *who, const struct err *why, struct bytes agent)
{
    int64_t now_us = clock_unix_us();
    struct intake_counts counts = { .seen_unix_us = now_us };
    place_set(&counts.place, who, now_us);
    counts.at[INTAKE_REFUSED] = 1;
    pthread_mutex_lock(&intake->lock);
    intake_add_counts(&intake->pending, &counts);
    reason_note(intake, &counts.place, err_name(why->code), 1, bytes_of_text(why->text), now_us);
    if (!uuid_equal(who->project_id, none)) sender_note(intake, &counts.place, agent, (struct bytes){ 0 }, now_us);
    pthread_mutex_unlock(&intake->lock);
}

void intake_visible(struct intake *intake, struct uuid project_id, const char *table, int64_t received_unix_us)
{
    int64_t now_us = clock_unix_us();
    struct intake_shown shown = { .lag_count = 1, .visible_unix_us = now_us };
    place_set(&shown.place, &(struct intake_who){ .project_id = project_id }, now_us);
    shown.lag_sum_us = shown.lag_max_us = larger(0, now_us - received_unix_us);
    snprintf(shown.table, sizeof shown.table, "%s", table);
    pthread_mutex_lock(&intake->lock);
    intake_add_shown(&intake->pending, &shown);
    pthread_mutex_unlock(&intake->lock);
}

uint64_t intake_lost(struct intake *intake)
{
    pthread_mutex_lock(&intake->lock);
    uint64_t lost = intake->pending.lost;
    pthread_mutex_unlock(&intake->lock);
    return lost;
}

/* ---- life ---- */

bool intake_open(struct intake **out, struct db *db, struct err *err)
{
    (void)err;
    struct intake *intake = mem_calloc(1, sizeof *intake);
    intake->db = db;
    pthread_mutex_init(&intake->lock, NULL);
    *out = intake;
    return true;
}

void intake_close(struct intake *intake)
{
    if (intake == NULL) return;
    intake_pending_deinit(&intake->pending);
    pthread_mutex_destroy(&intake->lock);
    free(intake);
}
