/* hyperloglog.h -- how many different values there are, from few bytes that can be joined: of 16,384 registers, standard error 0.81%.
 *
 *   value --hash64_of--> hyperloglog_add --> sketch --hyperloglog_put--> bytes --hyperloglog_join--> another sketch --> hyperloglog_count
 *
 * Of a hash of 64 bits the first 26 are a place, and the rank is how far the first one of the other 38 is (1 to 38, 39: none).
 * Few places stand in a list with their ranks: as many as there are values, but for one in 70,000 or so. Beyond HYPERLOGLOG_FEW_MAX of them
 * each goes to the register that the first 14 bits name, which keeps the greatest rank in the other 50 (1 to 51). Which of the
 * two a sketch is depends on its values alone, so the same values give the same sketch, however they were joined.
 *
 *   bytes of a list            01, then for each place in rising order, 4 bytes, little-endian: place << 6 | rank
 *   bytes of registers         02, then 16,384 bytes, each a register; not packed: what writes them to a disk compresses better
 *
 * Thread: one at a time. Memory: 24 bytes, some 8 a value as a list, then 16 KiB.
 * Sources: Flajolet, Fusy, Gandouet, Meunier, "HyperLogLog" (2007); Heule, Nunkesser, Hall, "HyperLogLog in Practice" (2013), of
 * which the list is; Ertl, "New cardinality estimation algorithms for HyperLogLog sketches" (2017), algorithm 6: the count. */
#pragma once
#include "base/bytes.h"

#define HYPERLOGLOG_BITS      14
#define HYPERLOGLOG_REGISTERS (1u << HYPERLOGLOG_BITS)
#define HYPERLOGLOG_FEW_MAX   3072
#define HYPERLOGLOG_BYTES_MAX (1 + HYPERLOGLOG_REGISTERS)
#define HYPERLOGLOG_ONE_BYTES 5 /* of one value */

struct hyperloglog { /* zero: empty */
    uint32_t *few;   /* by place, open addressing; 0: free */
    uint8_t *registers;
    uint32_t few_count, few_cap;
};

void hyperloglog_deinit(struct hyperloglog *sketch);
void hyperloglog_add(struct hyperloglog *sketch, uint64_t hash);
/* All values of the other, which stays as it is. */
void hyperloglog_merge(struct hyperloglog *sketch, const struct hyperloglog *other);
/* The same of bytes. false: they are none of ours, and the sketch is as it was. */
MUST_CHECK bool hyperloglog_join(struct hyperloglog *sketch, struct bytes bytes);
uint64_t hyperloglog_count(const struct hyperloglog *sketch);
/* out: HYPERLOGLOG_BYTES_MAX. Gives how many bytes were written. */
size_t hyperloglog_put(const struct hyperloglog *sketch, uint8_t *out);
/* The bytes of a sketch of one value. */
void hyperloglog_one_put(uint64_t hash, uint8_t out[HYPERLOGLOG_ONE_BYTES]);
