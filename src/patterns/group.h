/* group.h -- which templates are one pattern: those that differ in words that vary.
 *
 *   "user ann opened <*>"                       "user <*> opened <*>"   ann, bob, carl, dora vary
 *   "user bob opened <*>"   --patterns_group-->
 *   "job <*> is done"                           "job <*> is done"
 *
 * As Drain (He et al., "Drain: An Online Log Parsing Approach with Fixed Depth Tree", ICWS 2017) does: messages of
 * different shape (count of words, signs between them) never meet; of one shape those come together that have most words
 * in common, and where they differ stands <*>. Unlike Drain, whose tree depends on which line came first, this is a
 * function of the set: a word varies when enough different ones were seen in its place (PATTERN_VALUES), with the rest
 * of the message as it is. Two or three words in a place are kept apart ("login", "logout"), as people would.
 * The order of the templates does not matter, and a template added brings patterns together, seldom apart.
 * Bounds: half of a pattern's words stay, one of them with letters. Time: about 10 us a template; of a shape with more
 * than PATTERN_SHAPE_MAX templates that nothing brings together, those behind it are compared no further.
 * Thread: any. Memory: the arena's, about 1.5 KB a template of 20 words. Errors: none; templates are any bytes. */
#pragma once
#include "base/arena.h"
#include "base/bytes.h"

#define PATTERN_VALUES      4 /* different words in a place, the rest being equal */
#define PATTERN_PAIR_VALUES 6 /* in each of several places that vary together */
#define PATTERN_SHAPE_MAX   1024
#define PATTERN_WORDS_MAX   64 /* what is behind them counts as one */

struct pattern_groups {
    uint32_t *group_of;  /* of each template, 0 to count - 1 */
    struct bytes *texts; /* of each group: of one template as it is; of several with <*> where they differ */
    uint32_t *sizes;     /* templates of each */
    uint32_t count;
};
/* Templates of one service; equal ones may come twice. Groups are numbered in the order of their texts. */
void patterns_group(struct arena *arena, const struct bytes *templates, uint32_t count, struct pattern_groups *groups);

/* Does the template fit the text of a group: equal but where that has the word <*>? */
bool pattern_fits(struct bytes text, struct bytes template);
