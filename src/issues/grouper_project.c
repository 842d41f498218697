/* A project that is held: read when it is taken, and kept in step with what people move. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/fail.h"
#include "issues/grouper_inside.h"
#include "issues/issue_state.h"
#include "issues/row.h"

enum { REFRESH_AT_ONCE = 50, REFRESH_ROUNDS_MAX = 20 };

void project_free(struct owned *owned)
{
    if (owned == NULL) return;
    group_index_destroy(owned->index);
    free(owned);
}

struct loading {
    struct group_index *index;
    uint32_t left_out, unreadable;
};
static bool row_load(void *ctx, const struct issue_row *kept, struct err *err)
{
    struct loading *loading = ctx;
    struct group_row *row = mem_alloc(sizeof *row);
    struct err unreadable = { 0 };
    (void)err;
    if (!row_of(kept, row, &unreadable)) { /* its group it keeps, and nothing is compared with it */
        loading->unreadable++;
        row->errors_version = 0;
    }
    loading->left_out += !group_load(loading->index, row);
    free(row);
    return true;
}

bool project_take(struct grouper *grouper, struct uuid project_id, int64_t now_unix_us, struct owned **out,
                  struct err *err)
{
    struct issue_lease lease;
    bool got;
    *out = NULL;
    if (!issue_owner_take(grouper->options.db, project_id, grouper->id, grouper->name, now_unix_us, &lease, &got, err))
        return false;
    if (!got) return true;
    uint64_t most = grouper->options.bytes_max / (GROUP_BYTES_PER_FINGERPRINT + EMBED_DIMENSIONS);
    struct group_options options = { .fingerprints_max = most > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uint32_t)most,
                                     .embedder = grouper->options.embedder };
    struct owned *owned = mem_calloc(1, sizeof *owned);
    owned->lease = lease;
    owned->index = group_index_create(&options);
    struct loading loading = { .index = owned->index };
    if (!issue_rows_read(grouper->options.db, project_id, -1, row_load, &loading, err)) {
        project_free(owned);
        return false;
    }
    char project[UUID_TEXT_BYTES + 1];
    uuid_to_text(project_id, project);
    log_debug(grouper->options.log, "issues.project_taken", log_text("project", project),
              log_number("fingerprints", group_index_count(owned->index)));
    if (loading.unreadable > 0 || loading.left_out > 0)
        log_warn(grouper->options.log, "issues.project_incomplete", log_text("project", project),
                 log_number("unreadable", loading.unreadable), log_number("without_room", loading.left_out),
                 log_text("then", "new errors are not compared with these"));
    *out = owned;
    return true;
}

static bool row_follow(void *ctx, const struct issue_row *kept, struct err *err)
{
    struct owned *owned = ctx;
    struct err unknown = { 0 };
    (void)err;
    /* One that there was no room for is not there: it will be read with the rest. */
    bool is_known = group_move(owned->index, row_key(kept->id), (uint64_t)kept->issue, NULL, &unknown);
    (void)is_known;
    return true;
}

bool project_follow(struct grouper *grouper, struct owned *owned, struct err *err)
{
    int64_t moves = owned->lease.moves;
    if (!issue_owner_look(grouper->options.db, &owned->lease, err)) return false;
    return owned->lease.moves == moves ||
           issue_rows_read(grouper->options.db, owned->lease.project_id, moves, row_follow, owned, err);
}

static void changes_tell(struct grouper *grouper, const struct owned *owned, const struct issue_refreshed *refreshed)
{
    uint32_t rises = refreshed->by_why[ISSUE_WHY_RISES], regressed = refreshed->by_why[ISSUE_WHY_EVENT];
    pthread_mutex_lock(&grouper->lock);
    for (int why = 0; why < ISSUE_WHY_COUNT_OF; why++) grouper->stats.changed[why] += refreshed->by_why[why];
    grouper->stats.refreshed += refreshed->issues;
    pthread_mutex_unlock(&grouper->lock);
    if (rises + regressed == 0) return;
    char project[UUID_TEXT_BYTES + 1];
    uuid_to_text(owned->lease.project_id, project);
    log_info(grouper->options.log, "issues.states_changed", log_text("project", project),
             log_number("escalating", rises), log_number("regressed", regressed));
}

bool project_refresh(struct grouper *grouper, struct owned *owned, bool *did, struct err *err)
{
    struct issue_refresh_options options = { .state = issue_state_of,
                                             .volume_min = ISSUE_VOLUME_MIN,
                                             .issues_max = REFRESH_AT_ONCE };
    for (int round = 0; round < REFRESH_ROUNDS_MAX; round++) {
        struct issue_refreshed refreshed;
        fail_point("issues.before_refresh");
        if (!issue_refresh(grouper->options.db, &owned->lease, &options, grouper_now(grouper), &refreshed, err))
            return false;
        fail_point("issues.after_refresh");
        changes_tell(grouper, owned, &refreshed);
        *did |= refreshed.issues > 0;
        if (refreshed.issues < REFRESH_AT_ONCE) return true;
    }
    return true;
}
