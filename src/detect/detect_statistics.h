/* detect_statistics.h -- how unlikely a count is, and which of many unlikely ones to believe.
 *
 *   count, what was expected --signed root of the deviance--> z --/ dispersion, detect_normal_tail--> p
 *   p of all series of one run --detect_false_discovery--> the largest p to believe
 *
 * A count n with mean m has Poisson deviance 2 (n ln(n/m) - (n - m)); of x out of n with probability p the deviance is the
 * G statistic, 2 (x ln(x/np) + (n-x) ln((n-x)/n(1-p))). Its root, with the sign of the difference, is near to standard normal
 * (P. McCullagh, J. Nelder, Generalized Linear Models, 2nd ed. 1989, 2.4.3 and 6.2.1; 4.4.3 of binomials), far into the tails when
 * a half is taken off the difference for continuity (D. Peizer, J. Pratt, JASA 63, 1968). Counts of machines vary more than
 * Poisson's and binomials do; quasi-likelihood (same, chapter 9; R. Wedderburn, Biometrika 61, 1974) divides z by the root of the dispersion,
 * which is what a negative binomial whose variance is linear in its mean, and a beta-binomial, come to.
 * Thread: any. Memory: none. Errors: none; what is no number (NAN, below 0) gives z = 0, so p = 1. */
#pragma once
#include "base/bytes.h"

double detect_poisson_z(double count, double mean);
double detect_binomial_z(double hits, double count, double probability);
/* P(|Z| > |z|): both sides. */
double detect_normal_tail(double z);
/* Y. Benjamini, Y. Hochberg (J. R. Stat. Soc. B 57, 1995): of `tests` tests, those whose p is at most what this returns are
 * to be believed; the share of wrong ones among them is at most rate. p_values: the small ones are enough, sorted by this.
 * 0: none. */
double detect_false_discovery(double *p_values, size_t count, uint64_t tests, double rate);
/* The largest of sums of deviance over [from, count): since when counts differ from means by one factor (a generalised
 * likelihood ratio: G. Lorden, Ann. Math. Stat. 42, 1971; M. Basseville, I. Nikiforov, Detection of Abrupt Changes, 1993, 2.4.3).
 * sizes: of a binomial whose probabilities are means / sizes; NULL: Poisson. is_up: which side is looked at. */
size_t detect_change_point(const double *counts, const double *means, const double *sizes, size_t count, bool is_up);
