#include "errors/fingerprint.h"
#include "errors/errors_inside.h"
#include "errors/known.h"
#include "errors/rules.h"

#define FRAMES_OF_KEY_MAX 48 /* distinct ones of an exception, the innermost */

/* What goes into a key: a row of parts, each with its length before it. */
struct parts {
    struct arena *arena;
    uint8_t *start, *at, *end;
};

static void part_add(struct parts *parts, struct bytes part)
{
    size_t need = sizeof(uint32_t) + part.len;
    if (need > (size_t)(parts->end - parts->at)) {
        size_t len = (size_t)(parts->at - parts->start), cap = 2 * (len + need) + 1024;
        uint8_t *start = arena_alloc(parts->arena, cap);
        if (len > 0) memcpy(start, parts->start, len);
        *parts = (struct parts){ parts->arena, start, start + len, start + cap };
    }
    uint32_t part_len = (uint32_t)part.len;
    memcpy(parts->at, &part_len, sizeof part_len);
    parts->at += sizeof part_len;
    if (part.len > 0) memcpy(parts->at, part.ptr, part.len);
    parts->at += part.len;
}

static struct hash128 parts_key(const struct parts *parts)
{
    return hash128_of(bytes_from(parts->start, (size_t)(parts->at - parts->start)));
}

/* Of a message whose stack tells the place, what stands in quotes is a value. */
static struct bytes quotes_mask(struct arena *arena, struct bytes template)
{
    uint8_t *out = arena_alloc(arena, template.len + 3), *at = out;
    const uint8_t *from = template.ptr, *end = bytes_end(template);
    while (from < end) {
        bool is_open = (*from == '"' || *from == '\'' || *from == '`') && (from == template.ptr || !is_alnum(from[-1]));
        const uint8_t *close = is_open ? memchr(from + 1, *from, (size_t)(end - from - 1)) : NULL;
        if (close == NULL || close - from < 4) { /* "''" and the like stay: there is no room for the mask */
            *at++ = *from++;
            continue;
        }
        *at++ = *from;
        memcpy(at, "<*>", 3);
        at += 3;
        *at++ = *close;
        from = close + 1;
    }
    return bytes_from(out, (size_t)(at - out));
}

/* Which frames of the event count. */
enum frames_used { FRAMES_IN_APP, FRAMES_ALL, FRAMES_NONE };
struct use {
    enum frames_used frames;
    bool has_templates; /* of all exceptions, not of generic types alone */
};

static struct use use_of(const struct error_event *event)
{
    uint32_t frame_count = 0, app_count = 0, strong_count = 0;
    for (uint32_t i = 0; i < event->exception_count; i++) {
        const struct error_exception *exception = &event->exceptions[i];
        if (exception->link == ERROR_LINK_SUPPRESSED) continue;
        frame_count += exception->frame_count;
        for (uint32_t k = 0; k < exception->frame_count; k++) {
            app_count += exception->frames[k].in_app;
            strong_count += exception->frames[k].in_app && !exception->frames[k].is_weak;
        }
    }
    if (frame_count == 0) return (struct use){ FRAMES_NONE, true };
    return (struct use){ app_count > 0 ? FRAMES_IN_APP : FRAMES_ALL, strong_count == 0 };
}

static bool frame_counts(const struct error_frame *frame, enum frames_used used)
{
    return used == FRAMES_ALL || (used == FRAMES_IN_APP && frame->in_app);
}

/* Frames that count, the innermost first, each text once: a recursion's depth says nothing. */
static uint32_t frames_pick(const struct error_exception *exception, enum frames_used used,
                            const struct error_frame *picked[FRAMES_OF_KEY_MAX])
{
    uint64_t hashes[FRAMES_OF_KEY_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < exception->frame_count && count < FRAMES_OF_KEY_MAX; i++) {
        const struct error_frame *frame = &exception->frames[i];
        if (!frame_counts(frame, used)) continue;
        uint64_t hash = hash64_key(frame->text, 0);
        bool is_new = true;
        for (uint32_t k = count; k > 0 && is_new; k--)
            is_new = hashes[k - 1] != hash || !bytes_equal(picked[k - 1]->text, frame->text);
        if (!is_new) continue;
        hashes[count] = hash;
        picked[count++] = frame;
    }
    return count;
}

/* "java.lang.NullPointerException: ..." as the message of what wraps it says nothing of its own; an aggregate's says what
 * it holds. */
static bool message_is_of_cause(const struct error_event *event, uint32_t index)
{
    struct bytes type = event->exceptions[index].type;
    if (bytes_hold(type, BYTES("AggregateE")) || bytes_finish(type, BYTES("ExceptionGroup"))) return true;
    if (index + 1 >= event->exception_count) return false;
    const struct error_exception *cause = &event->exceptions[index + 1];
    return cause->type.len > 0 && bytes_begin(event->exceptions[index].message, cause->type);
}

static bool template_counts(const struct error_event *event, uint32_t index, struct use use)
{
    const struct error_exception *exception = &event->exceptions[index];
    if (exception->template.len == 0) return false;
    if (use.frames == FRAMES_NONE) return true;
    return (use.has_templates || exception->is_generic) && !message_is_of_cause(event, index);
}

static struct bytes message_used(struct arena *arena, const struct error_exception *exception, struct use use)
{
    return use.has_templates ? exception->template : quotes_mask(arena, exception->template);
}

static struct hash128 exception_key(struct arena *arena, const struct error_event *event, uint32_t index,
                                    struct use use)
{
    const struct error_exception *exception = &event->exceptions[index];
    const struct error_frame *picked[FRAMES_OF_KEY_MAX];
    struct parts parts = { .arena = arena };
    part_add(&parts, exception->type);
    uint32_t count = use.frames == FRAMES_NONE ? 0 : frames_pick(exception, use.frames, picked);
    for (uint32_t i = 0; i < count; i++) part_add(&parts, picked[i]->text);
    if (template_counts(event, index, use)) {
        part_add(&parts, BYTES("message"));
        part_add(&parts, message_used(arena, exception, use));
    }
    return parts_key(&parts);
}

static void version_add(struct parts *parts, struct bytes kind)
{
    static const uint8_t version = ERRORS_VERSION;
    part_add(parts, bytes_from(&version, 1));
    part_add(parts, kind);
}

/* Types, frames, templates and place: what the event itself tells. */
static struct fingerprint default_of(struct arena *arena, const struct error_event *event)
{
    struct use use = use_of(event);
    struct parts parts = { .arena = arena };
    struct hash128 keys[ERROR_EXCEPTIONS_MAX];
    uint32_t key_count = 0;
    version_add(&parts, BYTES("error"));
    part_add(&parts, event->service);
    for (uint32_t i = 0; i < event->exception_count; i++) {
        if (event->exceptions[i].link == ERROR_LINK_SUPPRESSED) continue;
        struct hash128 key = exception_key(arena, event, i, use);
        bool is_new = true; /* one that an aggregate holds ten times is there once */
        for (uint32_t k = 0; k < key_count; k++) is_new &= !hash128_equal(keys[k], key);
        if (!is_new) continue;
        keys[key_count++] = key;
        part_add(&parts, bytes_from(&key, sizeof key));
    }
    part_add(&parts, event->place);
    const struct error_exception *first = &event->exceptions[0];
    bool is_said = use.frames != FRAMES_NONE || first->type.len > 0 || first->template.len > 0;
    return (struct fingerprint){ .key = parts_key(&parts),
                                 .by = !is_said                    ? FINGERPRINT_BY_PLACE
                                       : use.frames == FRAMES_NONE ? FINGERPRINT_BY_MESSAGE
                                                                   : FINGERPRINT_BY_STACK };
}

struct fingerprint fingerprint_of(struct arena *arena, const struct error_event *event,
                                  const struct fingerprint_rules *rules)
{
    const struct known *known = known_find(event);
    struct fingerprint fingerprint;
    if (known != NULL) {
        struct parts parts = { .arena = arena };
        version_add(&parts, BYTES("known"));
        part_add(&parts, bytes_of_text(known->id));
        part_add(&parts, known->is_of_project ? BYTES("") : event->service);
        fingerprint = (struct fingerprint){ .key = parts_key(&parts), .by = FINGERPRINT_BY_KNOWN, .known = known };
    } else {
        fingerprint = default_of(arena, event);
    }
    struct rule_match match;
    if (rules == NULL || !rules_match(arena, rules, event, &fingerprint, &match)) return fingerprint;
    struct parts parts = { .arena = arena };
    version_add(&parts, BYTES("rule"));
    for (uint32_t i = 0; i < match.part_count; i++) part_add(&parts, match.parts[i]);
    return (struct fingerprint){
        .key = parts_key(&parts), .by = FINGERPRINT_BY_RULE, .known = fingerprint.known, .rule_line = match.line
    };
}

/* ---- why ---- */

static void line_add(struct buf *buf, const char *word, struct bytes text)
{
    bool is_added = buf_printf(buf, "%s  ", word);
    for (size_t i = 0; i < text.len && i < 200 && is_added; i++) { /* a line is a line, whatever was sent */
        uint8_t byte = text.ptr[i] < ' ' ? ' ' : text.ptr[i];
        is_added = buf_add(buf, &byte, 1);
    }
    if (is_added) is_added = buf_add(buf, "\n", 1);
    (void)is_added; /* past WHY_BYTES_MAX the rest is left out */
}

#define WHY_BYTES_MAX 16384

static void why_exception(struct buf *buf, struct arena *arena, const struct error_event *event, uint32_t index,
                          struct use use)
{
    static const char *const links[] = { "reported", "cause", "during", "one of", "suppressed" };
    const struct error_exception *exception = &event->exceptions[index];
    const struct error_frame *picked[FRAMES_OF_KEY_MAX];
    if (exception->link == ERROR_LINK_SUPPRESSED) {
        line_add(buf, "not used: suppressed", exception->type);
        return;
    }
    line_add(buf, links[exception->link], exception->type.len > 0 ? exception->type : BYTES("(no type)"));
    uint32_t count = use.frames == FRAMES_NONE ? 0 : frames_pick(exception, use.frames, picked);
    for (uint32_t i = 0; i < count; i++)
        line_add(buf, use.frames == FRAMES_ALL ? "  frame" : "  frame in app", picked[i]->text);
    if (template_counts(event, index, use)) {
        line_add(buf, "  message", message_used(arena, exception, use));
    } else if (exception->template.len > 0) {
        line_add(buf, "  not used: message", exception->template);
    }
    uint32_t other_count = exception->frame_count + exception->frames_left_out - count;
    if (other_count > 0) {
        line_add(buf, "  not used: frames",
                 bytes_of_text(arena_printf(arena, "%u of libraries, or repeated", other_count)));
    }
}

struct bytes fingerprint_why(struct arena *arena, const struct error_event *event,
                             const struct fingerprint *fingerprint)
{
    static const char *const by[] = { "a rule of the project", "a known error", "the stack", "the message",
                                      "the place" };
    struct buf buf;
    buf_init(&buf, WHY_BYTES_MAX);
    line_add(&buf, "by", bytes_of_text(by[fingerprint->by]));
    line_add(&buf, "version", bytes_of_text(arena_printf(arena, "%d", ERRORS_VERSION)));
    if (fingerprint->by == FINGERPRINT_BY_RULE) {
        line_add(&buf, "rule in line", bytes_of_text(arena_printf(arena, "%u", fingerprint->rule_line)));
    }
    if (fingerprint->known != NULL) {
        line_add(&buf, "known as", bytes_of_text(fingerprint->known->id));
        line_add(&buf, "category", bytes_of_text(fingerprint->known->category));
        line_add(&buf, "means", bytes_of_text(fingerprint->known->meaning));
    }
    if (fingerprint->known == NULL || !fingerprint->known->is_of_project) line_add(&buf, "service", event->service);
    if (fingerprint->known == NULL) {
        struct use use = use_of(event);
        for (uint32_t i = 0; i < event->exception_count; i++) why_exception(&buf, arena, event, i, use);
        if (event->place.len > 0) line_add(&buf, "place", event->place);
    }
    struct bytes why = arena_copy(arena, buf_bytes(&buf));
    buf_deinit(&buf);
    return why;
}
