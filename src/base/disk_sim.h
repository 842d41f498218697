/* disk_sim.h -- a disk in memory that remembers what was not yet synced, so that a test can take the power away.
 *
 *   code under test --struct disk--> disk_sim --disk_sim_crash(seed)--> another disk_sim: what a power cut may leave
 *
 * What is durable: file data and size by sync of the file; names (create, rename, link, unlink, mkdir) by sync_dir of
 * their folder, and by nothing else. Of everything later a crash keeps any subset: each sector of each write, each
 * change of size, each change of a name by itself; a sector may also be torn (its first bytes new, the rest old).
 * What a failed sync covered stays readable, is kept or lost at random, and no later sync makes it durable.
 * Thread: locked inside. Memory: all of it on the heap, freed by disk_sim_destroy. For tests only. */
#pragma once
#include "base/disk.h"

struct disk_sim;

enum disk_sim_operation {
    DISK_SIM_OPEN,  /* counted when it creates the file */
    DISK_SIM_WRITE, /* an injected failure writes half of the bytes first */
    DISK_SIM_READ,
    DISK_SIM_SIZE, /* reserve, truncate */
    DISK_SIM_SYNC,
    DISK_SIM_NAME, /* rename, link, unlink, mkdir */
    DISK_SIM_SYNC_DIR,
    DISK_SIM_OPERATION_COUNT
};

#define DISK_SIM_SEED_LOSE_ALL   0u /* nothing unsynced survives */
#define DISK_SIM_SEED_KEEP_ALL   1u /* all of it does (as after kill -9) */
#define DISK_SIM_SEED_NAMES_ONLY 2u /* names and sizes, no data */
#define DISK_SIM_SEED_DATA_ONLY  3u /* data and sizes, no names */

struct disk_sim *disk_sim_create(uint32_t sector_bytes); /* 512 or 4096; the unit that survives a crash by itself */
void disk_sim_destroy(struct disk_sim *sim);             /* NULL is fine; its files must be closed */
struct disk *disk_sim_disk(struct disk_sim *sim);

/* One of the states a power cut now may leave; the caller's, to disk_sim_destroy. sim stays as it is. */
struct disk_sim *disk_sim_crash(struct disk_sim *sim, uint64_t seed);
/* The power goes after that many more changing operations (all but reads): from then on every call fails. */
void disk_sim_stop_after(struct disk_sim *sim, uint64_t operations);
/* Changing operations so far. */
uint64_t disk_sim_operations(struct disk_sim *sim);
uint64_t disk_sim_count(struct disk_sim *sim, enum disk_sim_operation operation);
/* The nth call of that kind from now (1: the next), and times - 1 after it, fail with os_errno. */
void disk_sim_fail(struct disk_sim *sim, enum disk_sim_operation operation, uint32_t nth, uint32_t times, int os_errno);
/* What disk_ops.room answers from now on. */
void disk_sim_set_room(struct disk_sim *sim, uint64_t bytes);
/* While held, sync waits: a test can let appends gather behind it. */
void disk_sim_hold_syncs(struct disk_sim *sim, bool hold);
/* Waits until that many syncs have been begun since the disk was made (also held ones). */
void disk_sim_wait_syncs(struct disk_sim *sim, uint64_t count);
/* For bit flips: the bytes that a reader sees now, or NULL. Valid until the next write to that file. */
uint8_t *disk_sim_bytes(struct disk_sim *sim, const char *path, uint64_t *len);
