/* difference.h -- what sets some rows apart from the rest: attributes and their values, ranked.
 *
 *   difference_row(is_in) { difference_value(name, text) for each attribute of the row } ... --> difference_rank --> findings
 *
 * Of each value of an attribute: in = its share of the selected rows, out = its share of the others, and
 *
 *   score = (in - out) * (1 - out / in)     0 to 1, of values that the selection has more often
 *
 * The first factor is how much more of the selection has it (difference of proportions), so that a value of a few rows does
 * not win by being unique; the second is the attributable fraction among the exposed (M. L. Levin, Acta Unio Int. Cancr. 9,
 * 1953; 1 - 1/risk ratio), so that what is common everywhere does not win by its size. Support and risk ratio as the two sides
 * of an explanation: P. Bailis et al., MacroBase (SIGMOD 2017); F. Abuzaid et al., DIFF (VLDB 2018).
 * A finding is told only when chance does not explain it: the log-likelihood ratio G of its 2x2 table (T. Dunning, Comput.
 * Linguist. 19(1), 1993) is at least 2 ln(tests / 0.01): P(chi-square of 1 degree > x) < exp(-x / 2), and all that was
 * looked at counts as tests (Bonferroni). And when its score is DIFFERENCE_SCORE_MIN, in DIFFERENCE_IN_MIN rows.
 *
 * Numbers of more than DIFFERENCE_NUMBERS_MAX different values are cut at 20 quantiles; the best run of them is the finding.
 * Findings whose rows are the same (Jaccard 0.9) are a group: of the best of them the others are told as its companions.
 * Thread: one owner. Memory: at most about 60 MB, with all limits met; texts are copied, cut at DIFFERENCE_TEXT_BYTES_MAX.
 * Errors: none; past a limit values are left out, and is_cut says so. */
#pragma once
#include "base/bytes.h"

#define DIFFERENCE_ROWS_MAX       100000
#define DIFFERENCE_ATTRIBUTES_MAX 4000
#define DIFFERENCE_VALUES_MAX     (256u << 10) /* of all attributes together */
#define DIFFERENCE_PAIRS_MAX      (4u << 20)   /* values of all rows together */
#define DIFFERENCE_TEXT_BYTES_MAX 256
#define DIFFERENCE_NUMBERS_MAX    50
#define DIFFERENCE_FINDINGS_MAX   60
#define DIFFERENCE_SCORE_MIN      0.03
#define DIFFERENCE_IN_MIN         3

enum difference_kind { DIFFERENCE_IS, DIFFERENCE_BETWEEN, DIFFERENCE_ABSENT };
struct difference_finding {
    enum difference_kind kind;
    struct bytes name, text; /* text: of IS */
    double low, high;        /* of BETWEEN: both belong to it */
    uint32_t in_count, out_count;
    double in_share, out_share, score, g;
    uint32_t leader; /* the place of its group's best in the list: its own when it is that */
};
struct difference_answer {
    const struct difference_finding *findings; /* groups by their best's score, each best followed by its companions */
    uint32_t finding_count;
    uint32_t in_rows, out_rows, attribute_count, test_count;
    bool is_cut; /* a limit was met: some values were not looked at */
};

struct difference;
struct difference *difference_create(void);
void difference_destroy(struct difference *difference); /* NULL is fine */
/* Begins the next row; its attributes follow. False: there is no room for more rows. */
bool difference_row(struct difference *difference, bool is_in);
/* One attribute of the row; the same name twice in a row counts twice. number: NULL when it is none. */
void difference_value(struct difference *difference, struct bytes name, struct bytes text, const double *number);
/* Once, after all rows. *answer is borrowed from difference. */
void difference_rank(struct difference *difference, struct difference_answer *answer);
