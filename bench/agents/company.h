/* company.h -- a made-up company whose services call each other, minute by minute, and faults whose cause is known.
 *
 *   seed --company_create--> services in layers, databases and hosts outside, who calls whom; faults
 *        --company_minute--> what each service and each call had in that minute: rows, errors, durations
 *
 * What goes wrong at a place is seen by its callers as far as they need it: an error of a call fails the request, or does not; a
 * slow call makes it slow, or passes its time limit and becomes an error; some try again; what fails is not called for any further.
 * More visitors than a service has room for make it slow. Some calls go by a queue, and nobody waits for them.
 * Not all is seen, as in companies that are not made up: some services send no spans, some calls lose their trace, so that their
 * other side is known by a host's name or an address alone. Beside the faults: releases that do no harm, short bursts of errors
 * anywhere, noise of minutes and hours, days and weekends.
 * The same seed makes the same company on every machine with the same libm. Thread: one. Memory: some 20 MB. */
#pragma once
#include "base/ddsketch.h"

#define COMPANY_SERVICES  40
#define COMPANY_PLACES    52 /* and behind them what is only called: databases first */
#define COMPANY_DATABASES 6
#define COMPANY_CALLS     200
#define COMPANY_BUCKETS   24
#define COMPANY_FAULTS    400
#define COMPANY_WARM      (14 * 1440) /* minutes before the first fault */

enum company_fault_kind {
    COMPANY_ERRORS, /* at a service, of no cause that is seen */
    COMPANY_SLOW,
    COMPANY_RELEASE_ERRORS, /* of a release */
    COMPANY_RELEASE_SLOW,
    COMPANY_ATTRIBUTE_ERRORS, /* of one host, tenant or route */
    COMPANY_ATTRIBUTE_SLOW,
    COMPANY_SILENCE, /* it is gone */
    COMPANY_DATABASE_SLOW,
    COMPANY_OUTSIDE_FAILS, /* a host that others run */
    COMPANY_VISITORS,      /* many more of them */
    COMPANY_CALLS_MORE,    /* a release calls another service several times as often */
    COMPANY_CALLS_FEWER,   /* or hardly ever */
    COMPANY_FAULT_KINDS
};
extern const char *const company_fault_names[COMPANY_FAULT_KINDS];

enum company_attribute { COMPANY_HOST, COMPANY_TENANT, COMPANY_ROUTE, COMPANY_ATTRIBUTES };
struct company_fault {
    enum company_fault_kind kind;
    int place;                        /* where it is */
    int begin, end;                   /* minutes */
    double size;                      /* share of errors, factor of time or calls */
    int call;                         /* that it changes; -1 */
    int release;                      /* that it is of; -1 */
    int ramp;                         /* minutes in which it grows */
    enum company_attribute attribute; /* of the two kinds of attributes: of rows with this value, that are */
    int value;
    double share; /* such a share of all */
};
struct company_release {
    int service, version, minute;
    double share_first; /* of the rows that have it, for the first 15 minutes */
};
enum company_seen {
    COMPANY_BY_NAME,
    COMPANY_BY_HOST,
    COMPANY_BY_ADDRESS
}; /* as what a caller's span names its other side */
struct company_call {
    int source, target; /* source -1: from outside */
    double often;       /* a request */
    enum company_seen seen;
    bool is_queued;
};
struct company_row {
    double rows, errors, mean_ns; /* mean: of calls; services have buckets */
    struct ddsketch_count buckets[COMPANY_BUCKETS];
    uint32_t bucket_count;
};

struct company;
/* weeks: evaluated ones; a fault begins gap to 1.5 gap minutes after the one before. */
struct company *company_create(uint64_t seed, int weeks, int gap);
void company_destroy(struct company *company);
const char *company_place_name(int place);
bool company_sends(const struct company *company, int service); /* spans of its own */
uint32_t company_calls(const struct company *company, const struct company_call **calls);
uint32_t company_faults(const struct company *company, const struct company_fault **faults);
uint32_t company_releases(const struct company *company, const struct company_release **releases);
/* The next minute: COMPANY_SERVICES rows of services, then one of each call. */
const struct company_row *company_minute(struct company *company);

/* Rows of a service in that minute, as traces show them: ill ones and others, with their attributes. False: it has no such row. */
struct company_trace {
    int values[COMPANY_ATTRIBUTES], version, region, agent;
};
int company_trace(struct company *company, int service, int minute, int is_ill, struct company_trace *trace);
