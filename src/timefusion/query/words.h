/* words.h -- which row groups of a file can hold a text: by the runs of four bytes that stand in their texts.
 *
 *   texts of row groups --words_add--> a byte or more for each run, a bit for each row group --words_bytes--> a file's (below)
 *   "quetzalcoatl" --words_runs--> quet uetz etza ... coat oatl --words_groups--> row groups that have all of them
 *
 * Never leaves out a row group that holds the text, in whatever case; runs share places, so that it may leave in others.
 * Letters are folded as any_case.h folds them, and further: what any folding of Unicode makes an ASCII letter is that letter.
 * All else that is not ASCII ends a run, in what is sought too.
 *
 *   0  "MONOWRD1"   8  row groups (4)   12  width in bytes (4)   16  WORDS_PLACES times width: bits, row group 0 the lowest
 *
 * Little endian. A file of more than 64 row groups has 64 bits, the last for all the rest.
 * Thread: one owner. Memory: WORDS_PLACES times width, 256 KiB for eight row groups. Errors: none; bytes that are no such file hold all.
 * Source: n-gram indexes as of Cox, "Regular Expression Matching with a Trigram Index" (2012). */
#pragma once
#include "base/bytes.h"

#define WORDS_PLACES     (1u << 18)
#define WORDS_HEAD_BYTES 16
#define WORDS_RUNS_MAX   16

struct words {
    uint32_t group_count, width;
    uint8_t *bytes; /* with the head */
};
void words_init(struct words *words, uint32_t group_count);
void words_deinit(struct words *words);
void words_add(struct words *words, uint32_t group, struct bytes text);
struct bytes words_bytes(const struct words *words); /* borrowed */

/* Places of the runs of a text of ASCII; none: it is too short, and says nothing. */
uint32_t words_runs(struct bytes text, uint32_t places[WORDS_RUNS_MAX]);
/* The longest text that whatever matches a pattern of LIKE must hold; borrowed from storage, of pattern.len bytes. */
struct bytes words_of_like(struct bytes pattern, char *storage);

/* Bits of row groups that may hold a text of these runs, as in struct pruned; read gives bytes of the file. */
uint64_t words_groups(bool (*read)(void *ctx, uint64_t offset, void *ptr, size_t len), void *ctx, uint64_t bytes,
                      const uint32_t *places, uint32_t count);
