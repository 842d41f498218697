/* world.h -- weeks of a made-up company, minute by minute: services of many sizes with their endpoints, and faults put into
 * them whose time and size are known.
 *
 *   seed, weeks --world_create--> services, faults --world_minute--> rows, errors, durations of each series
 *
 * A service: mean rows a minute log-uniform from 2 to 6,000; by day and week (people's traffic, constant, hourly bursts, a
 * nightly job), growth, noise of minutes (over-dispersed) and of hours (autocorrelated), 1 to 4 endpoints; errors and
 * latencies (log-normal, a Pareto tail) that vary by the hour and with load. Deploys: two minutes of dip, three of slowness, a
 * small change for good. Short bursts of errors, a minute or two without rows, gaps of all services, holidays, services that are new.
 * The same seed makes the same world on every machine with the same libm. Thread: one. Memory: some 60 MB. */
#pragma once
#include "base/ddsketch.h"

#define WORLD_SERVICES  200
#define WORLD_ENDPOINTS 4
#define WORLD_BINS      21
#define WORLD_WARM      3 /* weeks before the first that counts */
#define WORLD_WEEK      10080

enum fault_kind {
    FAULT_SPIKE,
    FAULT_DROP,
    FAULT_SILENCE,
    FAULT_ERROR_STEP,
    FAULT_ERROR_RAMP,
    FAULT_ERROR_ENDPOINT,
    FAULT_LATENCY_STEP,
    FAULT_LATENCY_ENDPOINT,
    FAULT_LATENCY_DRIFT,
    FAULT_KINDS
};
extern const char *const fault_names[FAULT_KINDS];
enum family { FAMILY_VOLUME, FAMILY_ERRORS, FAMILY_LATENCY, FAMILIES };

struct fault {
    enum fault_kind kind;
    enum family family;
    int service, endpoint; /* -1: all of it */
    int begin, end;        /* minutes */
    int reached;           /* when it has the size that is asked for */
    double size;           /* factor of rows or durations; points of errors, as a share */
    double rows;           /* a minute, usual of what it is about */
    int is_asked;          /* at least x2 or /2, 2 points, p95 +50%, 10 minutes, and 60 rows a minute */
};
struct world_series {
    int service, endpoint; /* -1: the service */
};
struct world_row {
    int64_t rows, errors;
    uint32_t bucket_count;
    struct ddsketch_count buckets[WORLD_BINS * WORLD_ENDPOINTS];
};

struct world;
/* Evaluated weeks after the WORLD_WARM ones; of three the middle one has faults. */
struct world *world_create(uint64_t seed, int weeks);
void world_destroy(struct world *world);
int world_is_faulty_week(int week); /* of the evaluated ones */
uint32_t world_series(const struct world *world, const struct world_series **series);
uint32_t world_faults(const struct world *world, const struct fault **faults);
int world_is_gap(const struct world *world, int minute); /* of all services; also some minutes behind it */
/* The next minute, of all series; a series that is not there yet has rows -1. */
const struct world_row *world_minute(struct world *world);
