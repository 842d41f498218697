#include "issues/tell.h"

#include <inttypes.h>
#include <yyjson.h>

#include "base/utf8.h"
#include "errors/group.h"
#include "errors/known.h"
#include "issues/row.h"

static struct bytes member(struct arena *arena, yyjson_val *object, const char *name)
{
    yyjson_val *value = yyjson_obj_get(object, name);
    struct bytes text = { (const uint8_t *)"", 0 };
    if (yyjson_is_str(value) && yyjson_get_len(value) > 0)
        text = arena_copy(arena, bytes_from(yyjson_get_str(value), yyjson_get_len(value)));
    return text;
}

const struct error_event *tell_read(struct arena *arena, const struct issue_new *fingerprint)
{
    yyjson_doc *doc = yyjson_read((const char *)fingerprint->first_event.ptr, fingerprint->first_event.len, 0);
    yyjson_val *event = yyjson_doc_get_root(doc);
    struct error_source source = { .language = fingerprint->language,
                                   .service = fingerprint->service,
                                   .type = member(arena, event, "type"),
                                   .message = member(arena, event, "message"),
                                   .stacktrace = member(arena, event, "stacktrace"),
                                   .place = member(arena, event, "place") };
    yyjson_doc_free(doc);
    return error_event_read(arena, &source);
}

/* One line for people: a cut character, which a template may end with, and control characters go. */
static struct bytes line_of(struct arena *arena, struct bytes text, size_t bytes_max)
{
    while (text.len > 0 && text.len <= bytes_max + 4 && !utf8_is_valid(text) && text.len > bytes_max - 4) text.len--;
    if (text.len > bytes_max) text.len = utf8_cut(text, bytes_max);
    for (int cut = 0; cut < 4 && text.len > 0 && !utf8_is_valid(text); cut++) text.len--;
    if (!utf8_is_valid(text)) text.len = 0;
    uint8_t *line = arena_alloc(arena, text.len + 1);
    for (size_t i = 0; i < text.len; i++) line[i] = text.ptr[i] < ' ' || text.ptr[i] == 0x7F ? ' ' : text.ptr[i];
    return bytes_from(line, text.len);
}

static struct bytes base_name(struct bytes path)
{
    for (size_t i = path.len; i-- > 0;)
        if (path.ptr[i] == '/' || path.ptr[i] == '\\') return bytes_from(path.ptr + i + 1, path.len - i - 1);
    return path;
}

static struct bytes frame_tell(struct arena *arena, const struct error_frame *frame)
{
    struct bytes file = base_name(frame->file);
    bool has_module = frame->module.len > 0 && frame->function.len > 0;
    return bytes_of_text(arena_printf(arena, "%.*s%s%.*s%s%.*s%s", (int)frame->module.len, frame->module.ptr,
                                      has_module ? "." : "", (int)frame->function.len, frame->function.ptr,
                                      file.len > 0 ? " (" : "", (int)file.len, file.ptr, file.len > 0 ? ")" : ""));
}

static struct bytes culprit_of(struct arena *arena, const struct error_event *event)
{
    const struct error_exception *root = similar_root(event);
    for (uint32_t f = 0; f < root->frame_count; f++)
        if (root->frames[f].in_app) return frame_tell(arena, &root->frames[f]);
    for (uint32_t e = 0; e < event->exception_count; e++)
        for (uint32_t f = 0; f < event->exceptions[e].frame_count; f++)
            if (event->exceptions[e].frames[f].in_app) return frame_tell(arena, &event->exceptions[e].frames[f]);
    return root->frame_count > 0 ? frame_tell(arena, &root->frames[0]) : event->place;
}

struct telling tell_of(struct arena *arena, const struct error_event *event, enum fingerprint_by made_by)
{
    const struct error_exception *reported = &event->exceptions[0];
    const struct known *known = made_by == FINGERPRINT_BY_KNOWN ? known_find(event) : NULL;
    struct bytes title = reported->type, message = reported->template;
    if (title.len == 0) title = message.len > 0 ? message : event->place;
    if (title.len == 0 && known != NULL) title = bytes_of_text(known->category);
    if (message.len == 0 && known != NULL) message = bytes_of_text(known->meaning);
    struct telling telling = { .title = line_of(arena, title, TELL_TITLE_BYTES),
                               .message = line_of(arena, message, TELL_MESSAGE_BYTES),
                               .culprit = line_of(arena, culprit_of(arena, event), TELL_CULPRIT_BYTES),
                               .category = BYTES(""),
                               .known_id = BYTES("") };
    if (telling.title.len == 0) telling.title = BYTES("error");
    if (known != NULL) {
        telling.category = bytes_of_text(known->category);
        telling.known_id = bytes_of_text(known->id);
    }
    return telling;
}

struct bytes tell_why(struct arena *arena, const struct issue_fingerprint *fingerprint)
{
    struct group_decision decision = { .by = fingerprint->decided_by < GROUP_BY_COUNT
                                                 ? (enum group_by)fingerprint->decided_by
                                                 : GROUP_BY_NEW,
                                       .score = (float)fingerprint->score,
                                       .threshold = (float)fingerprint->threshold,
                                       .with = row_key(fingerprint->like_id) };
    char like[UUID_TEXT_BYTES + 1];
    /* The index knows a fingerprint by the bytes of its id, people by its text. */
    uuid_to_text(fingerprint->like_id, like);
    struct bytes why = group_why_like(arena, &decision, like);
    if (!fingerprint->is_pinned) return why;
    return bytes_of_text(arena_printf(arena, "a person moved it here from #%" PRId64 "; when it came: %.*s",
                                      fingerprint->moved_from, (int)why.len, why.ptr));
}
