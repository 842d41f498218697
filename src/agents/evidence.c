#include "agents/evidence.h"
#include "base/clock.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const uint64_t KEEP_NS = UINT64_C(20000000000);

void evidences_deinit(struct evidences *evidences)
{
    for (uint32_t e = 0; e < evidences->count; e++) yyjson_doc_free(evidences->items[e].doc);
    buf_deinit(&evidences->log);
}

void evidence_log(struct evidences *evidences, const char *fmt, ...)
{
    char line[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    /* A log that is full says no more; the run goes on. */
    if (!buf_printf(&evidences->log, "%s\n", line)) return;
}

bool evidence_may(struct evidences *evidences, struct err *err)
{
    uint64_t now = clock_mono_ns();
    if (atomic_load(evidences->stops)) return err_set(err, ERR_CANCELLED, "the process stops");
    if (now >= evidences->until_mono_ns) return err_set(err, ERR_QUOTA, "the run's time is used up");
    if (now - evidences->kept_mono_ns < KEEP_NS) return true;
    evidences->kept_mono_ns = now;
    return evidences->keep(evidences->keep_ctx, err);
}

static void answer_note(struct evidences *evidences, struct evidence *evidence)
{
    evidence->doc = yyjson_read((const char *)evidence->answer.ptr, evidence->answer.len, 0);
    evidence->root = yyjson_doc_get_root(evidence->doc);
    yyjson_val *problem = yyjson_obj_get(evidence->root, "detail");
    evidence_log(evidences, "%s %s %.*s: %s%s%zu bytes, %u ms", evidence->id, evidence->tool,
                 (int)(evidence->arguments.len < 200 ? evidence->arguments.len : 200),
                 (const char *)evidence->arguments.ptr, evidence->is_error ? "refused: " : "",
                 evidence->is_error && yyjson_is_str(problem) ? yyjson_get_str(problem) : "", evidence->answer.len,
                 evidence->ms);
}

bool evidence_get(struct evidences *evidences, const char *tool, yyjson_val *arguments, const struct evidence **got,
                  struct err *err)
{
    struct evidence *evidence = &evidences->items[evidences->count];
    struct buf out;
    struct err why = { 0 };
    uint64_t begin = clock_mono_ns();
    size_t len = 0;
    if (evidences->count >= evidences->queries_max || evidences->count == EVIDENCE_MAX)
        return err_set(err, ERR_QUOTA, "the run's %u queries are used up", evidences->queries_max);
    if (!evidence_may(evidences, err)) return false;
    buf_init(&out, EVIDENCE_BYTES_MAX + 4096);
    char *text = yyjson_val_write(arguments, 0, &len);
    *evidence =
        (struct evidence){ .id = arena_printf(evidences->arena, "E%u", evidences->count + 1),
                           .tool = arena_printf(evidences->arena, "%s", tool),
                           .arguments = arena_copy(evidences->arena, bytes_from(text, text == NULL ? 0 : len)) };
    free(text);
    if (!evidences->tools->call(evidences->tools->ctx, evidences->project_id, evidences->agent, tool, arguments, &out,
                                &evidence->is_error, &why)) {
        evidence->is_error = true;
        if (!buf_printf(&out, "%s", why.text)) out.len = 0;
    }
    evidence->answer = arena_copy(evidences->arena, buf_bytes(&out));
    evidence->ms = (uint32_t)((clock_mono_ns() - begin) / 1000000);
    buf_deinit(&out);
    evidences->count++;
    answer_note(evidences, evidence);
    *got = evidence;
    return true;
}

bool evidence_ask(struct evidences *evidences, const char *tool, const char *arguments, const struct evidence **got,
                  struct err *err)
{
    yyjson_doc *doc = yyjson_read(arguments, strlen(arguments), 0);
    bool ok = doc != NULL ? evidence_get(evidences, tool, yyjson_doc_get_root(doc), got, err)
                          : err_set(err, ERR_INTERNAL, "arguments of \"%s\" are no JSON", tool);
    yyjson_doc_free(doc);
    return ok;
}

const struct evidence *evidence_find(const struct evidences *evidences, struct bytes id)
{
    for (uint32_t e = 0; e < evidences->count; e++)
        if (bytes_equal(bytes_of_text(evidences->items[e].id), id)) return &evidences->items[e];
    return NULL;
}
