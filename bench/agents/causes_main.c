/* agents_causes -- how often the cause of a fault in made-up companies (company.h) is the first, or one of the first three, of
 * what src/causes ranks; and what simpler rules give.
 *
 *   agents_causes --name aside --companies 12 [--gap 240] [--cases FILE]       prints "name value unit"
 *
 * Companies are those with the numbers 1 to --companies; of three the last is put aside: --name aside takes these, any other
 * name the two others. Each has two weeks to learn and one with faults.
 * A fault begins 4 to 6 hours after the one before, so that findings are of one; --gap 40: after 40 to 60 minutes, when others often still
 * go on.
 * A fault's findings are those of src/detect that open between its begin and 5 minutes behind its end, where it can be seen; the
 * first is explained, 2, 5 and 15 minutes later (and 5 minutes later the one that is next to the visitors), with all that is known by then. A cause is right when its place is the fault's, and, where a
 * release or an attribute is at fault, when it names that one too. Faults without a finding are counted apart: there is nothing to
 * explain. The rules order the services that have findings, and name releases and attributes as ours does:
 * by how far a finding is off (its z), and by when it began. */
#include "base/err.h"
#include "bench/agents/chance.h"
#include "bench/agents/company.h"
#include "causes/causes.h"
#include "detect/detect.h"
#include "difference/difference.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define MINUTE_US    INT64_C(60000000)
#define BEGIN_US     (INT64_C(4) * 86400000000) /* a Monday */
#define KEPT         128                        /* minutes of rows */
#define ROWS         (COMPANY_SERVICES + COMPANY_CALLS)
#define BEFORE       30
#define SYMPTOMS_MAX 200
#define LATER        4
#define METHODS      3
#define TRACES       400
#define ASKED        3 /* of how many places the rows are compared */

/* The last: of the finding that is farthest from the cause, next to the visitors. */
static const int later[LATER] = { 2, 5, 15, 5 };
static const char *const later_names[LATER] = { "_2min", "", "_15min", "_outermost" };
enum { USUAL = 1, OUTERMOST = 3 };
static const char *const method_names[METHODS] = { "ours", "largest", "earliest" };

struct open_finding {
    int service, opened, closed; /* minutes; closed 0: goes on */
    enum cause_trouble trouble;
    bool is_up;
    double z;
    int64_t begin_unix_us;
};
struct findings {
    struct open_finding *all;
    uint32_t count, cap;
};
struct score {
    uint32_t faults, found, right[METHODS][LATER][2]; /* first; of the first three */
    uint32_t kind_found[COMPANY_FAULT_KINDS], kind_right[COMPANY_FAULT_KINDS][2];
    uint32_t place_right, wrong_release, wrong_attribute;
};
struct run {
    struct company *company;
    const struct company_call *calls;
    const struct company_fault *faults;
    const struct company_release *releases;
    uint32_t call_count, fault_count, release_count;
    struct company_row (*kept)[ROWS]; /* KEPT minutes, around */
    struct findings findings;
    int minute;
    struct arena arena;
    struct cause_service services[COMPANY_SERVICES];
    struct cause_call told[2 * COMPANY_CALLS];
    struct cause_symptom symptoms[SYMPTOMS_MAX];
    struct cause_deploy deploys[200];
    struct cause_attribute attributes[ASKED * DIFFERENCE_FINDINGS_MAX];
    struct cause_input input;
    int from, onset; /* of the time before; of the trouble */
    FILE *cases;
    struct score *score;
};

static struct bytes name_of(int place)
{
    return place < 0 ? BYTES("") : bytes_of_text(company_place_name(place));
}

/* ---- what is known ---- */

static int bucket_compare(const void *a, const void *b)
{
    return ((const struct ddsketch_count *)a)->bucket - ((const struct ddsketch_count *)b)->bucket;
}

static struct cause_figures figures_of(struct run *run, int row, int from, int to)
{
    struct cause_figures figures = { 0 };
    struct ddsketch_count *buckets =
        arena_alloc(&run->arena, (size_t)(to - from + 1) * COMPANY_BUCKETS * sizeof *buckets);
    size_t count = 0;
    double time_ns = 0;
    for (int m = from; m < to; m++) {
        const struct company_row *at = &run->kept[m % KEPT][row];
        figures.rows += at->rows;
        figures.errors += at->errors;
        time_ns += at->mean_ns * at->rows;
        if (at->bucket_count > 0) memcpy(buckets + count, at->buckets, at->bucket_count * sizeof *buckets);
        count += at->bucket_count;
    }
    qsort(buckets, count, sizeof *buckets, bucket_compare);
    figures.mean_ns = count > 0 ? causes_mean_ns(buckets, count) : figures.rows > 0 ? time_ns / figures.rows : 0;
    figures.rows /= to - from;
    figures.errors /= to - from;
    return figures;
}

/* When what a caller sees changed: its errors if they rose, else its durations. */
static int64_t call_onset(struct run *run, int row, const struct cause_call *call)
{
    double values[KEPT], weights[KEPT];
    uint32_t count = 0;
    bool is_errors =
        call->since.errors / fmax(call->since.rows, 1) > call->before.errors / fmax(call->before.rows, 1) + 0.01;
    for (int m = run->from; m < run->minute && count < KEPT; m++) {
        const struct company_row *at = &run->kept[m % KEPT][row];
        values[count] = is_errors ? at->errors / fmax(at->rows, 1) : log(fmax(at->mean_ns, 1));
        weights[count++] = at->rows;
    }
    uint32_t at = causes_onset(values, weights, count);
    return at == 0 ? 0 : BEGIN_US + (run->from + (int64_t)at) * MINUTE_US;
}

static void symptoms_put(struct run *run, const struct open_finding *asked)
{
    run->input.symptom_count = 0;
    run->onset = (int)((asked->begin_unix_us - BEGIN_US) / MINUTE_US);
    for (uint32_t f = 0; f < run->findings.count; f++) {
        const struct open_finding *one = &run->findings.all[f];
        int begin = (int)((one->begin_unix_us - BEGIN_US) / MINUTE_US);
        bool is_trouble = one->trouble == CAUSE_VOLUME || one->is_up;
        if (one != asked && (one->closed > 0 || begin < run->onset - 20 || !is_trouble)) continue;
        if (run->input.symptom_count == SYMPTOMS_MAX) break;
        run->symptoms[run->input.symptom_count++] =
            (struct cause_symptom){ name_of(one->service), one->trouble,           one->is_up,
                                    one == asked,          fmin(20, fabs(one->z)), one->begin_unix_us };
    }
    int asked_onset = run->onset;
    for (uint32_t s = 0; s < run->input.symptom_count; s++) {
        int begin = (int)((run->symptoms[s].onset_unix_us - BEGIN_US) / MINUTE_US);
        if (begin < run->onset && begin >= asked_onset - (int)(CAUSES_TOGETHER_US / MINUTE_US)) run->onset = begin;
    }
    if (run->onset > run->minute - 2) run->onset = run->minute - 2;
    if (run->onset < run->minute - 60) run->onset = run->minute - 60;
    run->from = run->onset - BEFORE;
}

static struct cause_call *call_add(struct run *run, struct bytes source, enum cause_place source_kind,
                                   struct bytes target, enum cause_place target_kind)
{
    struct cause_call *call = &run->told[run->input.call_count++];
    *call = (struct cause_call){
        .source = source, .target = target, .source_kind = source_kind, .target_kind = target_kind
    };
    return call;
}

/* What the roll-ups know of a call: of one that lost its trace, or that nobody answers for, two halves. */
static void call_tell(struct run *run, uint32_t number)
{
    const struct company_call *call = &run->calls[number];
    int row = COMPANY_SERVICES + (int)number, target = call->target;
    struct bytes source = name_of(call->source), to = name_of(target);
    bool has_source = call->source >= 0 && company_sends(run->company, call->source),
         has_target = target < COMPANY_SERVICES && company_sends(run->company, target);
    enum cause_place kind = target < COMPANY_SERVICES ? has_target ? CAUSE_SERVICE : CAUSE_EXTERNAL
                            : target < COMPANY_SERVICES + COMPANY_DATABASES ? CAUSE_DATABASE
                                                                            : CAUSE_EXTERNAL;
    struct cause_call *told[2] = { NULL, NULL };
    if (call->is_queued) {
        struct bytes queue = bytes_of_text(arena_printf(&run->arena, "kafka/%s", company_place_name(target)));
        if (has_source) told[0] = call_add(run, source, CAUSE_SERVICE, queue, CAUSE_QUEUE);
        if (has_target) told[1] = call_add(run, queue, CAUSE_QUEUE, to, CAUSE_SERVICE);
    } else if (has_source && (call->seen == COMPANY_BY_NAME || !has_target)) {
        told[0] = call_add(run, source, CAUSE_SERVICE, to, kind);
    } else {
        const char *host = call->seen == COMPANY_BY_ADDRESS
                               ? arena_printf(&run->arena, "10.0.3.%u:8080", number)
                               : arena_printf(&run->arena, "%s.shop.svc:8080", company_place_name(target));
        if (has_source) told[0] = call_add(run, source, CAUSE_SERVICE, bytes_of_text(host), CAUSE_EXTERNAL);
        if (has_target) told[1] = call_add(run, BYTES(""), CAUSE_OUTSIDE, to, CAUSE_SERVICE);
    }
    for (int t = 0; t < 2; t++) {
        if (!told[t]) continue;
        told[t]->before = figures_of(run, row, run->from, run->onset);
        told[t]->since = figures_of(run, row, run->onset, run->minute);
        told[t]->onset_unix_us = call_onset(run, row, told[t]);
    }
}

static void input_put(struct run *run, const struct open_finding *asked)
{
    run->input = (struct cause_input){ .before_minutes = BEFORE, .onset_unix_us = asked->begin_unix_us };
    symptoms_put(run, asked);
    run->input.since_minutes = run->minute - run->onset;
    for (int s = 0; s < COMPANY_SERVICES; s++)
        if (company_sends(run->company, s))
            run->services[run->input.service_count++] =
                (struct cause_service){ name_of(s), figures_of(run, s, run->from, run->onset),
                                        figures_of(run, s, run->onset, run->minute) };
    for (uint32_t c = 0; c < run->call_count; c++) call_tell(run, c);
    run->input.deploy_count = 0;
    for (uint32_t r = 0; r < run->release_count && run->input.deploy_count < COUNT_OF(run->deploys); r++) {
        const struct company_release *release = &run->releases[r];
        if (release->minute < run->from - 30 || release->minute >= run->minute) continue;
        run->deploys[run->input.deploy_count++] =
            (struct cause_deploy){ name_of(release->service),
                                   bytes_of_text(arena_printf(&run->arena, "1.%d", release->version)),
                                   BEGIN_US + release->minute * MINUTE_US };
    }
    run->input.services = run->services;
    run->input.calls = run->told;
    run->input.symptoms = run->symptoms;
    run->input.deploys = run->deploys;
    run->input.attributes = run->attributes;
}

/* The ill rows of a service since then beside its others, as the difference view compares them. */
static void attributes_put(struct run *run, int service)
{
    static const char *const names[COMPANY_ATTRIBUTES] = { "host.name", "tenant.id", "http.route" };
    struct difference *difference = difference_create();
    struct difference_answer answer;
    for (int n = 0; n < 2 * TRACES; n++) {
        struct company_trace trace;
        int is_ill = n % 2, minute = run->onset + n / 2 % (run->minute - run->onset);
        char text[40];
        if (!company_trace(run->company, service, minute, is_ill, &trace) || !difference_row(difference, is_ill))
            continue;
        for (int a = 0; a < COMPANY_ATTRIBUTES; a++) {
            snprintf(text, sizeof text, "v%d", trace.values[a]);
            difference_value(difference, bytes_of_text(names[a]), bytes_of_text(text), NULL);
        }
        snprintf(text, sizeof text, "1.%d", trace.version);
        difference_value(difference, BYTES("service.version"), bytes_of_text(text), NULL);
        snprintf(text, sizeof text, "region-%d", trace.region);
        difference_value(difference, BYTES("cloud.region"), bytes_of_text(text), NULL);
        snprintf(text, sizeof text, "agent-%d", trace.agent);
        difference_value(difference, BYTES("user_agent.name"), bytes_of_text(text), NULL);
    }
    difference_rank(difference, &answer);
    for (uint32_t f = 0; f < answer.finding_count && run->input.attribute_count < COUNT_OF(run->attributes); f++) {
        const struct difference_finding *found = &answer.findings[f];
        if (found->kind != DIFFERENCE_IS) continue;
        run->attributes[run->input.attribute_count++] = (struct cause_attribute){ name_of(service),
                                                                                  arena_copy(&run->arena, found->name),
                                                                                  arena_copy(&run->arena, found->text),
                                                                                  found->in_share,
                                                                                  found->out_share,
                                                                                  found->score };
    }
    difference_destroy(difference);
}

/* ---- is it right ---- */

static bool is_right(const struct run *run, const struct company_fault *fault, const struct cause *cause,
                     bool is_place_enough)
{
    static const char *const names[COMPANY_ATTRIBUTES] = { "host.name", "tenant.id", "http.route" };
    char text[40];
    if (!bytes_equal(cause->place, name_of(fault->place))) return false;
    if (is_place_enough) return true;
    if (fault->release >= 0) {
        snprintf(text, sizeof text, "1.%d", run->releases[fault->release].version);
        return cause->deploy && bytes_equal(cause->deploy->version, bytes_of_text(text));
    }
    if (fault->kind != COMPANY_ATTRIBUTE_ERRORS && fault->kind != COMPANY_ATTRIBUTE_SLOW) return true;
    snprintf(text, sizeof text, "v%d", fault->value);
    return cause->attribute && bytes_equal(cause->attribute->name, bytes_of_text(names[fault->attribute])) &&
           bytes_equal(cause->attribute->value, bytes_of_text(text));
}

static int place_of(struct bytes name)
{
    for (int p = 0; p < COMPANY_PLACES; p++)
        if (bytes_equal(name, name_of(p))) return p;
    return -1;
}

/* The services with findings by a rule, with releases and attributes as ours names them of one place alone. */
static uint32_t rule_rank(struct run *run, int method, struct cause *causes)
{
    uint32_t count = 0;
    double values[COMPANY_SERVICES];
    for (uint32_t s = 0; s < run->input.symptom_count; s++) {
        const struct cause_symptom *symptom = &run->symptoms[s];
        double value = method == 1 ? symptom->weight : -(double)symptom->onset_unix_us;
        uint32_t at = 0;
        while (at < count && !bytes_equal(causes[at].place, symptom->service)) at++;
        if (at == count) {
            causes[count++] = (struct cause){ .place = symptom->service };
            values[at] = value;
        }
        values[at] = fmax(values[at], value);
    }
    for (uint32_t i = 1; i < count; i++)
        for (uint32_t j = i; j > 0 && values[j] > values[j - 1]; j--) {
            struct cause cause = causes[j];
            double value = values[j];
            causes[j] = causes[j - 1];
            values[j] = values[j - 1];
            causes[j - 1] = cause;
            values[j - 1] = value;
        }
    if (count > 3) count = 3;
    run->input.attribute_count = 0;
    for (uint32_t c = 0; c < count; c++) attributes_put(run, place_of(causes[c].place));
    for (uint32_t c = 0; c < count; c++) {
        struct cause_input alone = run->input;
        struct cause_symptom symptom = { causes[c].place, CAUSE_ERRORS, true, true, 1, run->input.onset_unix_us };
        const struct cause *named;
        uint32_t named_count;
        alone.symptoms = &symptom;
        alone.symptom_count = 1;
        alone.call_count = 0;
        causes_rank(&alone, &run->arena, &named, &named_count);
        if (named_count > 0) causes[c] = named[0];
    }
    return count;
}

static void explain(struct run *run, const struct company_fault *fault, const struct open_finding *asked, int when)
{
    const struct cause *causes;
    uint32_t count;
    struct cause ruled[COMPANY_SERVICES];
    struct score *score = run->score;
    arena_reset(&run->arena);
    input_put(run, asked);
    causes_rank(&run->input, &run->arena, &causes, &count);
    for (uint32_t c = 0; c < count && c < ASKED; c++) {
        int place = place_of(causes[c].place);
        if (place >= 0 && place < COMPANY_SERVICES && company_sends(run->company, place)) attributes_put(run, place);
    }
    causes_rank(&run->input, &run->arena, &causes, &count);
    for (int method = 0; method < METHODS; method++) {
        if (method > 0) count = rule_rank(run, method, ruled);
        const struct cause *all = method > 0 ? ruled : causes;
        for (uint32_t c = 0; c < count && c < 3; c++) {
            if (!is_right(run, fault, &all[c], false)) continue;
            score->right[method][when][1]++;
            score->right[method][when][0] += c == 0;
            if (method == 0 && when == USUAL) {
                score->kind_right[fault->kind][0] += c == 0;
                score->kind_right[fault->kind][1]++;
            }
            break;
        }
        if (method > 0 || when != USUAL || count == 0) continue;
        bool is_of_attribute = fault->kind == COMPANY_ATTRIBUTE_ERRORS || fault->kind == COMPANY_ATTRIBUTE_SLOW;
        score->place_right += is_right(run, fault, &all[0], true);
        score->wrong_release += all[0].deploy && !(fault->release >= 0 && is_right(run, fault, &all[0], false));
        score->wrong_attribute += all[0].attribute && !is_of_attribute && fault->release < 0;
        if (!run->cases) continue;
        fprintf(run->cases, "%s %s at %s minute %d size %.2f asked %.*s trouble %d opened +%d%s\n",
                is_right(run, fault, &all[0], false)  ? "right"
                : is_right(run, fault, &all[0], true) ? "place"
                                                      : "wrong",
                company_fault_names[fault->kind], company_place_name(fault->place), fault->begin, fault->size,
                (int)name_of(asked->service).len, (const char *)name_of(asked->service).ptr, (int)asked->trouble,
                asked->opened - fault->begin, fault->attribute == COMPANY_TENANT && is_of_attribute ? " tenant" : "");
        for (uint32_t s = 0; s < run->input.symptom_count; s++)
            fprintf(run->cases, "    symptom %.*s %d %d at %+d weight %.0f\n", (int)run->symptoms[s].service.len,
                    (const char *)run->symptoms[s].service.ptr, (int)run->symptoms[s].trouble, run->symptoms[s].is_up,
                    (int)((run->symptoms[s].onset_unix_us - BEGIN_US) / MINUTE_US) - fault->begin,
                    run->symptoms[s].weight);
        for (uint32_t c = 0; c < count && c < 4; c++) {
            fprintf(run->cases, "  %.2f %s\n", all[c].score, cause_line(&run->arena, &all[c]));
            for (uint32_t e = 0; e < all[c].evidence_count; e++)
                fprintf(run->cases, "       %s\n", all[c].evidence[e].text);
        }
    }
}

/* ---- a company ---- */

static void findings_take(struct run *run, const struct detect_finding *found, size_t count)
{
    struct findings *findings = &run->findings;
    for (size_t f = 0; f < count; f++) {
        const struct detect_finding *at = &found[f];
        enum cause_trouble trouble = at->kind == DETECT_ERROR_RATE ? CAUSE_ERRORS
                                     : at->kind == DETECT_LATENCY  ? CAUSE_LATENCY
                                                                   : CAUSE_VOLUME;
        if (at->series == DETECT_ALL) continue;
        if (at->change == DETECT_CLOSED || at->change == DETECT_ACCEPTED) {
            for (uint32_t i = 0; i < findings->count; i++)
                if (findings->all[i].service == (int)at->series && findings->all[i].trouble == trouble &&
                    findings->all[i].closed == 0)
                    findings->all[i].closed = run->minute;
        } else if (at->change == DETECT_OPENED) {
            if (findings->count == findings->cap) {
                findings->cap = findings->cap ? 2 * findings->cap : 256;
                findings->all = mem_realloc(findings->all, findings->cap * sizeof *findings->all);
            }
            findings->all[findings->count++] =
                (struct open_finding){ (int)at->series, run->minute, 0, trouble, at->is_up, at->z, at->begin_unix_us };
        }
    }
}

/* Can the fault be seen there: at what calls it, directly or not, and of other numbers of calls at what it calls, too? */
static bool is_affected(const struct run *run, const struct company_fault *fault, int service)
{
    bool seen[COMPANY_PLACES] = { false }, is_down = fault->kind >= COMPANY_VISITORS;
    seen[fault->place] = true;
    for (int turn = 0; turn <= is_down;
         turn++) /* down first, then up from all of it: what is overloaded is seen above, too */
        for (int again = 0; again < COMPANY_PLACES; again++)
            for (uint32_t c = 0; c < run->call_count; c++) {
                int source = run->calls[c].source, target = run->calls[c].target;
                if (source < 0) continue;
                if (is_down && turn == 0)
                    seen[target] = seen[target] || seen[source];
                else
                    seen[source] = seen[source] || seen[target];
            }
    return seen[service];
}

static bool is_of_fault(const struct run *run, const struct company_fault *fault, const struct open_finding *one)
{
    int began = (int)((one->begin_unix_us - BEGIN_US) / MINUTE_US);
    return one->opened > fault->begin && one->opened <= fault->end + 5 && began >= fault->begin - 3 &&
           (one->trouble == CAUSE_VOLUME || one->is_up) && is_affected(run, fault, one->service);
}

static const struct open_finding *first_finding(const struct run *run, const struct company_fault *fault)
{
    for (uint32_t f = 0; f < run->findings.count; f++)
        if (is_of_fault(run, fault, &run->findings.all[f])) return &run->findings.all[f];
    return NULL;
}

/* Services are numbered from the visitors on. */
static const struct open_finding *outermost_finding(const struct run *run, const struct company_fault *fault)
{
    const struct open_finding *outermost = NULL;
    for (uint32_t f = 0; f < run->findings.count; f++) {
        const struct open_finding *one = &run->findings.all[f];
        if (is_of_fault(run, fault, one) && (!outermost || one->service < outermost->service)) outermost = one;
    }
    return outermost;
}

static void company_run(int number, int gap, struct score *score, FILE *cases)
{
    struct run run = { .company = company_create((uint64_t)number * 7 + 3, 1, gap), .cases = cases, .score = score };
    struct detect *detect = detect_create(NULL);
    int end = COMPANY_WARM + 10080;
    run.call_count = company_calls(run.company, &run.calls);
    run.fault_count = company_faults(run.company, &run.faults);
    run.release_count = company_releases(run.company, &run.releases);
    run.kept = mem_calloc(KEPT, sizeof *run.kept);
    arena_init(&run.arena, 1 << 20);
    for (int s = 0; s < COMPANY_SERVICES; s++) detect_series_add(detect);
    for (int minute = 0; minute < end; minute++) {
        const struct company_row *rows = company_minute(run.company);
        const struct detect_finding *found;
        memcpy(run.kept[minute % KEPT], rows, (COMPANY_SERVICES + run.call_count) * sizeof *rows);
        detect_minute_begin(detect, BEGIN_US + minute * MINUTE_US);
        for (uint32_t s = 0; s < COMPANY_SERVICES; s++)
            if (rows[s].rows > 0 && company_sends(run.company, (int)s))
                detect_put(detect, s, (int64_t)rows[s].rows, (int64_t)rows[s].errors, rows[s].buckets,
                           rows[s].bucket_count);
        size_t count = detect_minute_end(detect, &found);
        run.minute = minute + 1;
        findings_take(&run, found, count);
        for (uint32_t f = 0; f < run.fault_count; f++) {
            const struct company_fault *fault = &run.faults[f];
            if (run.minute < fault->begin || run.minute > fault->end + 25) continue;
            const struct open_finding *asked = first_finding(&run, fault);
            for (int when = 0; asked && when < LATER; when++)
                if (run.minute == asked->opened + later[when])
                    explain(&run, fault, when == OUTERMOST ? outermost_finding(&run, fault) : asked, when);
        }
    }
    for (uint32_t f = 0; f < run.fault_count; f++) {
        bool is_found = first_finding(&run, &run.faults[f]) != NULL;
        score->faults++;
        score->found += is_found;
        score->kind_found[run.faults[f].kind] += is_found;
    }
    free(run.findings.all);
    free(run.kept);
    arena_deinit(&run.arena);
    detect_destroy(detect);
    company_destroy(run.company);
}

static void print(const char *name, const struct score *score)
{
    double found = fmax(1, score->found);
    printf("rca_faults_%s %u 1\nrca_faults_%s_with_finding %u 1\n", name, score->faults, name, score->found);
    for (int method = 0; method < METHODS; method++)
        for (int when = 0; when < LATER; when++) {
            char suffix[60];
            snprintf(suffix, sizeof suffix, "%s%s%s", method > 0 ? "_" : "", method > 0 ? method_names[method] : "",
                     later_names[when]);
            printf("rca_top1_percent_%s%s %.1f %%\n", name, suffix, 100 * score->right[method][when][0] / found);
            printf("rca_top3_percent_%s%s %.1f %%\n", name, suffix, 100 * score->right[method][when][1] / found);
        }
    printf("rca_place_top1_percent_%s %.1f %%\n", name, 100 * score->place_right / found);
    printf("rca_release_named_wrongly_percent_%s %.1f %%\n", name, 100 * score->wrong_release / found);
    printf("rca_attribute_named_wrongly_percent_%s %.1f %%\n", name, 100 * score->wrong_attribute / found);
    for (int k = 0; k < COMPANY_FAULT_KINDS; k++)
        if (score->kind_found[k] > 0)
            printf("rca_top1_percent_%s_%s %.1f %%\nrca_top3_percent_%s_%s %.1f %%\nrca_faults_%s_%s %u 1\n", name,
                   company_fault_names[k], 100.0 * score->kind_right[k][0] / score->kind_found[k], name,
                   company_fault_names[k], 100.0 * score->kind_right[k][1] / score->kind_found[k], name,
                   company_fault_names[k], score->kind_found[k]);
}

int main(int argc, char **argv)
{
    const char *name = "tuned", *cases = NULL;
    int companies = 12, gap = 240;
    struct score score = { 0 };
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--name") == 0) name = argv[i + 1];
        if (strcmp(argv[i], "--companies") == 0) companies = atoi(argv[i + 1]);
        if (strcmp(argv[i], "--gap") == 0) gap = atoi(argv[i + 1]);
        if (strcmp(argv[i], "--cases") == 0) cases = argv[i + 1];
    }
    FILE *out = cases ? fopen(cases, "w") : NULL;
    if (companies < 1 || gap < 10 || companies > 1000 || (cases && !out)) return 1;
    for (int c = 1; c <= companies; c++)
        if ((c % 3 == 0) == (strcmp(name, "aside") == 0)) company_run(c, gap, &score, out);
    print(name, &score);
    if (out) fclose(out);
    return 0;
}
