/* finding_causes.h -- what a finding most likely comes from: read, ranked, and as it is stored with the finding.
 *
 *   roll-ups, findings, issues (a statement each) --finding_causes_read--> one reading, of one project and moment
 *   releases (SQL, by face) ----------------------'        '--finding_causes_rank--> causes/causes.h --> JSON, one line
 *                                                           '--the first places' ill rows (difference, by face)
 *
 * A reading serves all findings that began within CAUSES_TOGETHER_US of it. What the face does not answer is left out: the rest
 * stands.
 * Content: {"from", "since", "to" (RFC 3339), "causes": [{"place", "kind", "trouble", "score", "since", "release": {"version", "first_seen"},
 * "attribute": {"name", "value", "in", "out"}, "issue": {"number", "title"}, "evidence": [{"kind", "text"}]}]}; since, release, attribute,
 * issue: null when there is none.
 * Thread: one owner of a reading. Memory: its arena's. Errors: those of db.h and rollup_flows.h. */
#pragma once
#include "causes/causes.h"
#include "findings/finding.h"
#include <yyjson.h>

/* Who reads rows: tools run_sql and difference, as a credential of the project's own. */
struct finding_face {
    bool (*call)(void *ctx, struct uuid project_id, const char *who, const char *tool, yyjson_val *arguments,
                 struct buf *out, bool *is_error, struct err *err);
    void *ctx;
};

/* What is to be explained; of one that is stored or is about to be. */
struct finding_asked {
    enum detect_kind kind;
    bool is_up;
    struct bytes service, row_kind;
    double z;
    int64_t begin_unix_us;
};
struct finding_asked finding_asked_of(const struct finding *finding); /* its texts are borrowed */
struct finding_causes;
/* to_unix_us: up to which all minutes have come. face: NULL: rows are not asked. */
MUST_CHECK bool finding_causes_read(struct db *db, const struct finding_face *face, struct uuid project_id,
                                    int64_t begin_unix_us, int64_t to_unix_us, struct arena *arena,
                                    struct finding_causes **causes, struct err *err);
/* Does it serve a finding that began then? */
bool finding_causes_serves(const struct finding_causes *causes, int64_t begin_unix_us);
/* One that is not stored yet is a symptom, too. */
void finding_causes_add(struct finding_causes *causes, const struct finding_asked *found);
/* asks_rows: the ill rows of the first places are compared with their others; each place once in a reading. False: there is
 * nothing to tell. */
bool finding_causes_rank(struct finding_causes *causes, const struct finding_asked *asked, bool asks_rows,
                         struct finding_explained *explained);
