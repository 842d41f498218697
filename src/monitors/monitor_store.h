/* monitor_store.h -- monitors in the metadata: what they are, what their groups are in, what happened (migrations 0090, 0091, 0099).
 *
 * monitor_claim is why several processes ask each question once: who has a monitor's lease evaluates it. It is no more than that: what
 * a process does that was suspended past its lease is refused all the same, for
 * monitor_round_store is the one place where a state changes: the levels, the events and the signals to the incidents are one
 * transaction, which asks whether the monitor is still the version that was evaluated, and evaluated up to the same moment. So an
 * evaluation counts once, however many processes make it and wherever they die.
 * Thread: any. Memory: texts of what is found are the arena's. Errors: ERR_NOT_FOUND; ERR_EXISTS for the slug; ERR_CONFLICT: another
 * has evaluated or changed it; those of db. */
#pragma once
#include "base/uuid.h"
#include "meta/db.h"
#include "monitors/monitor_round.h"

#define MONITORS_MAX           1000 /* of a project */
#define MONITOR_VERSIONS_MAX   50
#define MONITOR_EVENTS_KEPT_US (INT64_C(90) * 86400 * 1000000)

struct monitor_stored {
    struct uuid id, project_id;
    struct bytes slug, title, content;
    bool is_on;
    int64_t version;
    struct bytes author;
    int64_t created_unix_us, changed_unix_us, evaluated_unix_us, broken_unix_us, muted_until_unix_us;
    struct bytes broken_why;
    /* Of lists: the worst level of its groups, and how many are not ok. */
    enum monitor_level level;
    uint32_t groups, groups_ill;
};
/* Sets id, version 1 and times. An empty slug: the title's. */
MUST_CHECK bool monitor_insert(struct db_session *session, struct arena *arena, struct monitor_stored *stored,
                               int64_t now_us, struct err *err);
MUST_CHECK bool monitor_find(struct db_session *session, struct arena *arena, struct uuid project_id, struct bytes slug,
                             struct monitor_stored *stored, struct err *err);
/* title, content, is_on, author become the next version. keeps_state: what is asked and its condition are the same; else what goes on
 * has ended, and the groups begin anew. */
MUST_CHECK bool monitor_update(struct db_session *session, struct arena *arena, struct monitor_stored *stored,
                               bool keeps_state, int64_t now_us, struct err *err);
/* What goes on has ended by that. */
MUST_CHECK bool monitor_delete(struct db_session *session, struct arena *arena, const struct monitor_stored *stored,
                               int64_t now_us, struct err *err);
/* Until then nobody is told; 0: from now on again. What goes on is put anew to the incidents. */
MUST_CHECK bool monitor_mute(struct db_session *session, struct arena *arena, struct monitor_stored *stored,
                             int64_t until_us, int64_t now_us, struct err *err);
/* By slug, behind after (empty: from the first). *list and its texts are the arena's. */
MUST_CHECK bool monitor_list(struct db *db, struct arena *arena, struct uuid project_id, struct bytes after,
                             uint32_t limit, struct monitor_stored **list, uint32_t *count, struct err *err);
/* Those that are on, the one that was evaluated longest ago first; with their content. */
MUST_CHECK bool monitor_list_on(struct db *db, struct arena *arena, struct uuid project_id,
                                struct monitor_stored **list, uint32_t *count, struct err *err);

/* The groups, into an empty table whose arena is set. */
MUST_CHECK bool monitor_table_read(struct db *db, struct uuid monitor_id, struct monitor_table *table, struct err *err);
/* The caller's for MONITOR_LEASE_US. *got false: another has it, has evaluated it, or it was changed. What a process of that name had
 * before it ended is its own at once. */
#define MONITOR_LEASE_US INT64_C(60000000)
MUST_CHECK bool monitor_claim(struct db *db, const struct monitor_stored *stored, const char *owner, int64_t now_us,
                              bool *got, struct err *err);
/* After monitor_round: table's groups and events become the monitor's, and at_us its evaluated_unix_us. *told: signals put.
 * lease_us: the caller has it until then, for another moment; 0: anyone may have it. */
MUST_CHECK bool monitor_round_store(struct db *db, const struct monitor_stored *stored, const struct monitor *monitor,
                                    const struct monitor_table *table, int64_t at_us, int64_t now_us, int64_t lease_us,
                                    uint32_t *told, struct err *err);
/* It cannot be evaluated, because ...: since now unless it could not be before. Told to the incidents after MONITOR_BROKEN_TELL_US.
 * Another process may try. */
#define MONITOR_BROKEN_TELL_US INT64_C(180000000)
MUST_CHECK bool monitor_broken_store(struct db *db, const struct monitor_stored *stored, const struct monitor *monitor,
                                     const char *why, int64_t now_us, struct err *err);

struct monitor_happened {
    int64_t id, at_unix_us, begun_unix_us;
    struct bytes group;
    enum monitor_level from, to;
    double value, compared;
    bool has_value, is_quiet;
};
/* Newest first, those below before. Texts are borrowed; each answers false to stop. */
MUST_CHECK bool monitor_events(struct db *db, struct uuid monitor_id, int64_t before, uint32_t limit,
                               bool (*each)(void *ctx, const struct monitor_happened *event), void *ctx,
                               struct err *err);

struct monitor_version {
    int64_t version, stored_unix_us;
    struct bytes author, content;
};
MUST_CHECK bool monitor_versions(struct db *db, struct uuid monitor_id, int64_t before, uint32_t limit,
                                 bool (*each)(void *ctx, const struct monitor_version *version), void *ctx,
                                 struct err *err);
