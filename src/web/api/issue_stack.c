/* An event of an error as it is shown: what was kept of it, its stack read into exceptions and frames. */
#include "errors/known.h"
#include "sourcemaps/sourcemaps.h"
#include "web/api/issues.h"
#include "worker/rows/rows.h"

enum { CONTEXTS_MAX = 10 }; /* frames of an event with the lines around them: each is a read of the store */

static struct bytes member(struct api_call *call, yyjson_val *object, const char *name)
{
    yyjson_val *value = yyjson_obj_get(object, name);
    if (!yyjson_is_str(value)) return (struct bytes){ (const uint8_t *)"", 0 };
    return arena_copy(call->arena, bytes_from(yyjson_get_str(value), yyjson_get_len(value)));
}

bool issues_event_read(struct api_call *call, struct bytes kept, struct issues_event *event)
{
    yyjson_doc *doc = kept.len > 0 ? yyjson_read((const char *)kept.ptr, kept.len, 0) : NULL;
    yyjson_val *from = yyjson_doc_get_root(doc);
    bool ok = yyjson_is_obj(from);
    if (ok) {
        *event = (struct issues_event){ .source = { .language = member(call, from, "language"),
                                                    .service = member(call, from, "service"),
                                                    .type = member(call, from, "type"),
                                                    .message = member(call, from, "message"),
                                                    .stacktrace = member(call, from, "stacktrace"),
                                                    .place = member(call, from, "place") },
                                        .release = member(call, from, "release"),
                                        .environment = member(call, from, "environment"),
                                        .trace_id = member(call, from, "trace_id"),
                                        .session_id = member(call, from, "session_id"),
                                        .user_id = member(call, from, "user_id"),
                                        .at_unix_us = yyjson_get_sint(yyjson_obj_get(from, "timestamp")),
                                        .left_out = yyjson_get_sint(yyjson_obj_get(from, "stacktrace_left_out")) };
        event->event = error_event_read(call->arena, &event->source);
    }
    yyjson_doc_free(doc);
    return ok;
}

static void number_or_null_put(struct api_call *call, yyjson_mut_val *object, const char *name, uint32_t number)
{
    if (number > 0)
        yyjson_mut_obj_add_uint(call->json, object, name, number);
    else
        yyjson_mut_obj_add_null(call->json, object, name);
}

/* The source around a frame, where a source map has it. */
static void context_put(struct api_call *call, yyjson_mut_val *put, const struct issues_event *event,
                        const struct error_frame *frame)
{
    struct sourcemaps_context context;
    struct err ignored = { 0 };
    struct sourcemaps_place place = { .project_id = call->project.id,
                                      .received_unix_us = event->at_unix_us,
                                      .release = event->release,
                                      .file = frame->file,
                                      .line = frame->line,
                                      .column = frame->column };
    if (!sourcemaps_context_of_source(call->parts->source_maps, call->arena, &place, &context, &ignored)) return;
    yyjson_mut_val *object = yyjson_mut_obj_add_obj(call->json, put, "context");
    yyjson_mut_obj_add_uint(call->json, object, "line", context.lines[0].number);
    yyjson_mut_val *lines = yyjson_mut_obj_add_arr(call->json, object, "lines");
    for (uint32_t l = 0; l < context.line_count; l++)
        yyjson_mut_arr_add_strncpy(call->json, lines, (const char *)context.lines[l].text.ptr,
                                   context.lines[l].text.len);
}

static void exception_put(struct api_call *call, yyjson_mut_val *list, const struct issues_event *event,
                          const struct error_exception *exception, uint32_t *contexts_left)
{
    static const char *const links[] = { "first", "cause", "during", "inner", "suppressed" };
    static_assert(COUNT_OF(links) == ERROR_LINK_SUPPRESSED + 1, "each link has its word");
    yyjson_mut_val *object = yyjson_mut_arr_add_obj(call->json, list);
    yyjson_mut_obj_add_str(call->json, object, "link", links[exception->link]);
    api_put_text(call, object, "type", exception->type);
    api_put_text(call, object, "message", exception->message);
    yyjson_mut_val *frames = yyjson_mut_obj_add_arr(call->json, object, "frames");
    for (uint32_t f = 0; f < exception->frame_count; f++) {
        const struct error_frame *frame = &exception->frames[f];
        yyjson_mut_val *put = yyjson_mut_arr_add_obj(call->json, frames);
        api_put_text(call, put, "module", frame->module);
        api_put_text(call, put, "function", frame->function);
        api_put_text(call, put, "file", frame->file);
        number_or_null_put(call, put, "line", frame->line);
        number_or_null_put(call, put, "column", frame->column);
        yyjson_mut_obj_add_bool(call->json, put, "in_app", frame->in_app);
        bool may_have_map = call->parts->source_maps != NULL && event->event->language == ERROR_LANGUAGE_JAVASCRIPT;
        if (may_have_map && frame->in_app && frame->line > 0 && *contexts_left > 0) {
            --*contexts_left;
            context_put(call, put, event, frame);
        }
    }
    yyjson_mut_obj_add_uint(call->json, object, "frames_left_out", exception->frames_left_out);
}

yyjson_mut_val *issues_event_json(struct api_call *call, const struct issues_event *event, struct uuid fingerprint_id)
{
    if (event == NULL) return yyjson_mut_null(call->json);
    const struct error_event *read = event->event;
    const struct error_exception *reported = &read->exceptions[0];
    uint32_t contexts_left = CONTEXTS_MAX;
    yyjson_mut_val *object = yyjson_mut_obj(call->json);
    api_put_uuid(call, object, "fingerprint", fingerprint_id);
    api_put_time(call, object, "timestamp", event->at_unix_us);
    api_put_text(call, object, "type", event->source.type.len > 0 ? event->source.type : reported->type);
    api_put_text(call, object, "message", event->source.message.len > 0 ? event->source.message : reported->message);
    api_put_text(call, object, "service", event->source.service);
    yyjson_mut_obj_add_str(call->json, object, "language", error_language_names[read->language]);
    api_put_text(call, object, "place", event->source.place);
    api_put_text_or_null(call, object, "release", event->release);
    api_put_text_or_null(call, object, "environment", event->environment);
    api_put_text_or_null(call, object, "trace_id", event->trace_id);
    api_put_text_or_null(call, object, "session_id", event->session_id);
    api_put_text_or_null(call, object, "user_id", event->user_id);
    yyjson_mut_val *exceptions = yyjson_mut_obj_add_arr(call->json, object, "exceptions");
    for (uint32_t e = 0; e < read->exception_count; e++) {
        exception_put(call, exceptions, event, &read->exceptions[e], &contexts_left);
    }
    api_put_text(call, object, "stacktrace", event->source.stacktrace);
    yyjson_mut_obj_add_sint(call->json, object, "stacktrace_left_out", event->left_out);
    return object;
}

const struct known *issues_known_find(struct bytes id)
{
    for (uint32_t k = 0; id.len > 0 && k < known_count; k++)
        if (bytes_equal(id, bytes_of_text(known_all[k].id))) return &known_all[k];
    return NULL;
}

yyjson_mut_val *issues_known_json(struct api_call *call, const struct known *known)
{
    if (known == NULL) return yyjson_mut_null(call->json);
    yyjson_mut_val *object = yyjson_mut_obj(call->json);
    yyjson_mut_obj_add_str(call->json, object, "id", known->id);
    yyjson_mut_obj_add_str(call->json, object, "category", known->category);
    yyjson_mut_obj_add_str(call->json, object, "meaning", known->meaning);
    return object;
}

struct uuid issues_fingerprint_id(const struct api_call *call, const struct fingerprint *fingerprint)
{
    return rows_error_id(call->project.id, fingerprint->key);
}
