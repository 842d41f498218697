/* causes.h -- where trouble began: services and what they call, the likeliest first, each with what speaks for it. No I/O, no model.
 *
 *   services, calls: before | since      symptoms (findings)      deploys, issues, attributes that set ill rows apart
 *        '------------------ a walk over the service map ----------------'   '--raise what they are of--> causes_rank --> causes
 *
 * The walk begins at the symptoms. At a place it is there for one trouble, and goes on by what explains that:
 *
 *   errors, slowness   to what the place calls, by how much of its further errors (of its further time) is of those calls, as far
 *                      as the other side has errors (is slow, is silent) itself and did not begin later
 *   more, fewer calls  to its callers, by their part of the change; a caller that calls more often than its own requests grew is
 *                      where it ends, or where it goes on for that caller's errors
 *   overload           slowness or errors where calls grew by half: on as more calls
 *
 * and what nothing explains stays. Where it ends, and how much of it, is the score: an absorbing random walk, with excess errors
 * and time as weights. After MonitorRank (M. Kim, R. Sumbaly, S. Shah, SIGMETRICS 2013) and MicroRCA (L. Wu et al., NOMS 2020), which
 * take correlations. A release shortly before, an issue that is new or rose, an attribute that sets the ill rows apart multiply it.
 * Scores add up to 1. The constants and how good it is: docs/causes.md, bench/RESULTS.md.
 *
 * Units: figures a minute, durations ns, times unix microseconds (0: not known). Thread: any. Memory: the caller's arena; texts of
 * the input are borrowed. Errors: none; past a limit places and calls are left out. */
#pragma once
#include "base/arena.h"
#include "base/ddsketch.h"

#define CAUSES_PLACES_MAX  3000
#define CAUSES_CALLS_MAX   20000
#define CAUSES_MAX         10                  /* of an answer */
#define CAUSES_BEFORE_US   INT64_C(1800000000) /* a release counts when it came so long before, */
#define CAUSES_TOGETHER_US INT64_C(360000000)  /* findings that began so near to each other are taken as one trouble */
#define CAUSES_AFTER_US    INT64_C(180000000)  /* or as much later: onsets are known within some minutes */

enum cause_trouble { CAUSE_VOLUME, CAUSE_ERRORS, CAUSE_LATENCY, CAUSE_TROUBLES };
enum cause_place { CAUSE_SERVICE, CAUSE_DATABASE, CAUSE_QUEUE, CAUSE_EXTERNAL, CAUSE_OUTSIDE, CAUSE_PLACES };
extern const char
    *const cause_place_names[CAUSE_PLACES]; /* as the roll-ups have them; OUTSIDE: callers that send nothing */

struct cause_figures {
    double rows, errors; /* a minute */
    double mean_ns;      /* of the 98 quickest of a hundred, so that one slow row is no trouble; 0: not known */
};
struct cause_service {
    struct bytes name;
    struct cause_figures before, since; /* what it serves */
};
/* As the caller sees them. */
struct cause_call {
    struct bytes source, target;
    enum cause_place source_kind, target_kind;
    struct cause_figures before, since;
    int64_t onset_unix_us;
};
struct cause_symptom {
    struct bytes service; /* empty: all of them; tells nothing of where */
    enum cause_trouble trouble;
    bool is_up, is_asked; /* is_asked: the finding that is to be explained */
    double weight;        /* how far it is off: z or so; of all together their parts count */
    int64_t onset_unix_us;
};
struct cause_deploy {
    struct bytes service, version;
    int64_t first_unix_us;
};
struct cause_issue {
    struct bytes service, title;
    int64_t number;
    double before, since; /* events a minute */
};
/* Of the service's ill rows a share `in` has it, of its others `out`; score: difference/difference.h's. */
struct cause_attribute {
    struct bytes service, name, value;
    double in, out, score;
};
struct cause_input {
    double before_minutes, since_minutes;
    int64_t onset_unix_us; /* of what is to be explained */
    const struct cause_service *services;
    const struct cause_call *calls;
    const struct cause_symptom *symptoms;
    const struct cause_deploy *deploys;
    const struct cause_issue *issues;
    const struct cause_attribute *attributes;
    uint32_t service_count, call_count, symptom_count, deploy_count, issue_count, attribute_count;
};

struct cause_evidence {
    const char *kind; /* trouble, release, attribute, issue, calls, spread */
    const char *text;
};
struct cause {
    struct bytes place;
    enum cause_place kind;
    enum cause_trouble trouble; /* for which most of it ended there */
    double score;
    int64_t onset_unix_us;
    const struct cause_deploy *deploy; /* NULL: none, as the two below */
    const struct cause_attribute *attribute;
    const struct cause_issue *issue;
    const struct cause_evidence *evidence;
    uint32_t evidence_count;
};
/* At most CAUSES_MAX; none when there are no symptoms of a service. */
void causes_rank(const struct cause_input *input, struct arena *arena, const struct cause **causes, uint32_t *count);
/* One line: "release 2.1 of payments (since 10:02, errors 12% instead of 0.8%)". */
const char *cause_line(struct arena *arena, const struct cause *cause);

/* Of the 98 quickest of a hundred; 0: there are none. The buckets in rising order. */
double causes_mean_ns(const struct ddsketch_count *buckets, size_t count);
/* The first index of the part that differs most from the one before it: where two levels explain most of the weighted squares.
 * 0: there is no such place. */
uint32_t causes_onset(const double *values, const double *weights, uint32_t count);
