#include "telemetry/lines.h"
#include <inttypes.h>

static bool put_clean(struct buf *out, const char *text)
{
    for (; *text; text++) {
        char byte = *text == '|' || (unsigned char)*text < ' ' ? ' ' : *text;
        if (!buf_add(out, &byte, 1)) return false;
    }
    return true;
}

/* "monoscope.memory.usage" -> "memory|usage"; "process.uptime" -> "process|uptime" */
static bool put_name(struct buf *out, const char *name)
{
    static const char own[] = "monoscope.";
    if (strncmp(name, own, sizeof own - 1) == 0) name += sizeof own - 1;
    size_t component_len = strcspn(name, ".");
    const char *key = name[component_len] == '.' ? name + component_len + 1 : "count"; /* monoscope.projects */
    return buf_add(out, name, component_len) && buf_printf(out, "|%s", key);
}

static bool put_key(struct buf *out, const char *name, const char *suffix, const struct metric_point *point)
{
    if (!put_name(out, name) || !buf_printf(out, "%s", suffix)) return false;
    if (point->attribute_count == 0) return true;
    for (uint32_t a = 0; a < point->attribute_count; a++)
        if (!buf_printf(out, "%s%s=", a ? "," : "{", point->attributes[a].key) ||
            !put_clean(out, point->attributes[a].value))
            return false;
    return buf_add(out, "}", 1);
}

static bool put_end(struct buf *out, const char *unit, const char *description)
{
    return buf_printf(out, "|%s|", unit) && put_clean(out, description) && buf_add(out, "\n", 1);
}

static bool put_point(struct buf *out, const struct metric_family *family, const struct metric_point *point)
{
    if (point->histogram)
        return put_key(out, family->name, ".count", point) && buf_printf(out, "|%" PRIu64, point->histogram->count) &&
               put_end(out, "1", family->description) && put_key(out, family->name, ".sum", point) &&
               buf_printf(out, "|%.9g", point->histogram->sum_s) && put_end(out, family->unit, family->description);
    return put_key(out, family->name, "", point) &&
           (point->is_integer ? buf_printf(out, "|%" PRIu64, point->integer)
                              : buf_printf(out, "|%.15g", point->number)) &&
           put_end(out, family->unit, family->description);
}

bool lines_write(const struct metric_set *set, struct buf *out)
{
    for (uint32_t id = 0; id < METRIC_COUNT; id++)
        for (const struct metric_point *point = set->first[id]; point; point = point->next)
            if (!put_point(out, &metric_families[id], point)) return false;
    return true;
}
