#include "telemetry/prometheus.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Runs of other characters become one _; a digit does not begin a name. */
static void name_clean(const char *from, char to[PROMETHEUS_NAME_BYTES])
{
    size_t len = 0;
    if (*from >= '0' && *from <= '9') to[len++] = '_';
    for (; *from && len < PROMETHEUS_NAME_BYTES - 1; from++) {
        bool is_kept = is_letter(*from) || (*from >= '0' && *from <= '9');
        if (is_kept) {
            to[len++] = *from;
        } else if (len == 0 || to[len - 1] != '_') {
            to[len++] = '_';
        }
    }
    to[len] = '\0';
}

static void suffix_add(char name[PROMETHEUS_NAME_BYTES], const char *suffix)
{
    size_t len = strlen(name), suffix_len = strlen(suffix);
    bool has_it = len >= suffix_len && strcmp(name + len - suffix_len, suffix) == 0;
    if (!has_it && len + suffix_len < PROMETHEUS_NAME_BYTES) memcpy(name + len, suffix, suffix_len + 1);
}

void prometheus_name(const struct metric_family *family, char name[PROMETHEUS_NAME_BYTES])
{
    name_clean(family->name, name);
    if (strcmp(family->unit, "s") == 0) suffix_add(name, "_seconds");
    if (strcmp(family->unit, "By") == 0) suffix_add(name, "_bytes");
    if (strcmp(family->unit, "1") == 0 && family->kind == METRIC_GAUGE) suffix_add(name, "_ratio");
    if (family->kind == METRIC_COUNTER) suffix_add(name, "_total");
}

/* \ and newline are escaped everywhere, " in labels. */
static bool put_escaped(struct buf *out, const char *text, bool is_label)
{
    for (; *text; text++) {
        bool ok;
        if (*text == '\n') {
            ok = buf_add(out, "\\n", 2);
        } else if (*text == '\\' || (is_label && *text == '"')) {
            ok = buf_add(out, "\\", 1) && buf_add(out, text, 1);
        } else {
            ok = buf_add(out, text, 1);
        }
        if (!ok) return false;
    }
    return true;
}

/* {a="1",b="2"}; le: one more label, or NULL. */
static bool put_labels(struct buf *out, const struct metric_attribute *attributes, uint32_t count, const char *le)
{
    if (count == 0 && !le) return true;
    if (!buf_add(out, "{", 1)) return false;
    for (uint32_t a = 0; a < count; a++) {
        char label[PROMETHEUS_NAME_BYTES];
        name_clean(attributes[a].key, label);
        if (!buf_printf(out, "%s%s=\"", a ? "," : "", label) || !put_escaped(out, attributes[a].value, true) ||
            !buf_add(out, "\"", 1))
            return false;
    }
    if (le && !buf_printf(out, "%sle=\"%s\"", count ? "," : "", le)) return false;
    return buf_add(out, "}", 1);
}

/* The shortest of two forms that reads back as the same number. */
static void number_text(double number, char text[32])
{
    if (isnan(number)) {
        snprintf(text, 32, "NaN");
    } else if (isinf(number)) {
        snprintf(text, 32, number > 0 ? "+Inf" : "-Inf");
    } else {
        snprintf(text, 32, "%.15g", number);
        if (strtod(text, NULL) != number) snprintf(text, 32, "%.17g", number);
    }
}

static bool put_histogram(struct buf *out, const char *name, const struct metric_point *point)
{
    const struct histogram_counts *counts = point->histogram;
    char number[32];
    uint64_t so_far = 0;
    for (uint32_t b = 0; b <= HISTOGRAM_BOUNDS; b++) {
        so_far += counts->counts[b];
        if (b < HISTOGRAM_BOUNDS) {
            number_text(histogram_bounds_s[b], number);
        } else {
            number_text(INFINITY, number);
        }
        if (!buf_printf(out, "%s_bucket", name) ||
            !put_labels(out, point->attributes, point->attribute_count, number) ||
            !buf_printf(out, " %" PRIu64 "\n", so_far))
            return false;
    }
    number_text(counts->sum_s, number);
    return buf_printf(out, "%s_sum", name) && put_labels(out, point->attributes, point->attribute_count, NULL) &&
           buf_printf(out, " %s\n%s_count", number, name) &&
           put_labels(out, point->attributes, point->attribute_count, NULL) &&
           buf_printf(out, " %" PRIu64 "\n", counts->count);
}

static bool put_point(struct buf *out, const char *name, const struct metric_point *point)
{
    if (point->histogram) return put_histogram(out, name, point);
    char number[32];
    if (point->is_integer) {
        snprintf(number, sizeof number, "%" PRIu64, point->integer);
    } else {
        number_text(point->number, number);
    }
    return buf_printf(out, "%s", name) && put_labels(out, point->attributes, point->attribute_count, NULL) &&
           buf_printf(out, " %s\n", number);
}

static bool put_head(struct buf *out, const char *name, const char *type, const char *help)
{
    return buf_printf(out, "# HELP %s ", name) && put_escaped(out, help, false) &&
           buf_printf(out, "\n# TYPE %s %s\n", name, type);
}

bool prometheus_write(const struct metric_set *set, const struct metric_attribute *resource, struct buf *out)
{
    static const char *const types[] = { "counter", "gauge", "gauge", "histogram" };
    uint32_t resource_count = 0;
    while (resource[resource_count].key) resource_count++;
    if (!put_head(out, "target_info", "gauge", "which process this is") || !buf_printf(out, "target_info") ||
        !put_labels(out, resource, resource_count, NULL) || !buf_printf(out, " 1\n"))
        return false;
    for (uint32_t id = 0; id < METRIC_COUNT; id++) {
        char name[PROMETHEUS_NAME_BYTES];
        if (!set->first[id]) continue;
        prometheus_name(&metric_families[id], name);
        if (!put_head(out, name, types[metric_families[id].kind], metric_families[id].description)) return false;
        for (const struct metric_point *point = set->first[id]; point; point = point->next)
            if (!put_point(out, name, point)) return false;
    }
    return true;
}
