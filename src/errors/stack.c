/* A stack trace's lines: which exception each belongs to, whatever the language's order and marks.
 *
 *   line --> frame of the exception at hand | header of a new one | part of its message | nothing
 *
 * Exceptions are drafts until the end: languages that print the root cause first (Python, PHP) are turned round then. */
#include "errors/stack_inside.h"

#define LINE_BYTES_MAX 2048 /* of a line, as a frame; messages have their own limit */

/* ---- drafts ---- */

/* Go: what stands above the last panic are the handlers that ran behind it. */
static uint32_t go_handlers_count(const struct error_frame *frames, uint32_t count)
{
    for (uint32_t i = count; i > 0; i--) {
        const struct error_frame *frame = &frames[i - 1];
        bool is_panic = frame->module.len == 0 && bytes_equal(frame->function, BYTES("panic"));
        bool is_gopanic =
            bytes_equal(frame->module, BYTES("runtime")) &&
            (bytes_equal(frame->function, BYTES("gopanic")) || bytes_equal(frame->function, BYTES("sigpanic")));
        if (is_panic || is_gopanic) return i;
    }
    return 0;
}

void frames_keep(struct reader *reader)
{
    uint32_t seen = reader->frame_count, kept = seen < FRAMES_OF_ONE_MAX ? seen : FRAMES_OF_ONE_MAX, skip = 0;
    struct draft *draft = draft_at(reader);
    reader->frame_count = 0;
    if (seen == 0 || draft->exception.frame_count > 0) return; /* one draft has one stack */
    if (reader->language == ERROR_LANGUAGE_GO) skip = go_handlers_count(reader->frames, kept);
    uint32_t share =
        (reader->frames_free + 1) / 2 < FRAMES_OF_ONE_MAX ? (reader->frames_free + 1) / 2 : FRAMES_OF_ONE_MAX;
    uint32_t count = kept - skip < share ? kept - skip : share;
    struct error_frame *frames = arena_alloc(reader->arena, count * sizeof *frames);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t from = reader->is_python ? (seen - 1 - i) % FRAMES_OF_ONE_MAX : skip + i;
        frames[i] = reader->frames[from];
    }
    draft->frames = frames;
    draft->exception.frames = frames;
    draft->exception.frame_count = count;
    draft->exception.frames_left_out = seen - skip - count;
    reader->frames_free -= count;
}

struct draft *draft_begin(struct reader *reader, enum error_link link)
{
    if (reader->draft_count > 0) frames_keep(reader);
    uint32_t parent = reader->draft_count > 0 ? reader->at : DRAFTS_NONE;
    if (reader->draft_count < ERROR_EXCEPTIONS_MAX) reader->draft_count++;
    reader->at = reader->draft_count - 1; /* past the limit the last is written over: the root cause */
    if (parent == reader->at) parent = reader->drafts[reader->at].parent;
    struct draft *draft = draft_at(reader);
    *draft = (struct draft){ .exception = { .link = link }, .parent = parent, .is_held = link == ERROR_LINK_INNER };
    if (reader->is_group && reader->link_next == ERROR_LINK_INNER) draft->is_held = true;
    return draft;
}

void header_set(struct draft *draft, struct bytes line)
{
    struct header header = header_split(line);
    draft->exception.type = header.type;
    draft->exception.message = header.message;
    draft->has_header = draft->is_header_open = true;
}

void header_chain(struct reader *reader, struct draft *draft, struct bytes line)
{
    const uint8_t *arrow;
    while ((arrow = bytes_find(line, BYTES(" ---> "))) != NULL) {
        struct bytes rest = bytes_between(arrow + 6, bytes_end(line));
        header_set(draft, bytes_between(line.ptr, arrow));
        draft = draft_begin(reader, ERROR_LINK_CAUSE);
        line = rest;
    }
    header_set(draft, line);
}

void message_go_on(struct draft *draft, struct bytes line)
{
    struct bytes *message = &draft->exception.message;
    if (line.len == 0) return;
    if (message->len == 0) {
        *message = line;
    } else if (bytes_end(line) > message->ptr && message->len < ERROR_MESSAGE_BYTES_MAX) {
        *message = bytes_between(message->ptr, bytes_end(line));
    }
}

void header_look_again(struct draft *draft)
{
    struct bytes message = draft->exception.message;
    if (draft->exception.type.len > 0 || message.len > ERROR_MESSAGE_BYTES_MAX) return;
    const uint8_t *newline;
    while ((newline = bytes_find_byte(message, '\n')) != NULL) {
        message = bytes_between(newline + 1, bytes_end(message));
        newline = bytes_find_byte(message, '\n');
        struct header header = header_split(newline == NULL ? message : bytes_between(message.ptr, newline));
        if (!type_is_alone(header.type)) continue;
        draft->exception.type = header.type;
        draft->exception.message =
            bytes_between(header.message.len > 0 ? header.message.ptr : bytes_end(message), bytes_end(message));
        return;
    }
}

static void frame_add(struct reader *reader, const struct error_frame *frame)
{
    struct draft *draft = draft_at(reader);
    if (draft->is_header_open) header_look_again(draft);
    draft->is_header_open = false;
    if (reader->frame_count < FRAMES_OF_ONE_MAX || reader->is_python) {
        reader->frames[reader->frame_count % FRAMES_OF_ONE_MAX] = *frame;
    }
    reader->frame_count++;
}

/* PHP says of a call where it stands; a frame is where its function was at that time: the place of the line above. */
static void php_frame_add(struct reader *reader, struct error_frame *frame)
{
    struct bytes file = frame->file;
    uint32_t line = frame->line;
    frame->file = reader->php_file;
    frame->line = reader->php_line;
    reader->php_file = file;
    reader->php_line = line;
    frame_add(reader, frame);
}

/* ---- a line ---- */

/* What stands behind the frames of a Ruby line: "app.rb:1:in `add': no such cart (KeyError)". */
static void ruby_header(struct reader *reader, struct bytes line)
{
    const uint8_t *colon = bytes_find(line, BYTES("': "));
    if (colon == NULL) return;
    struct bytes message = bytes_between(colon + 3, bytes_end(line));
    struct draft *draft = draft_at(reader);
    if (reader->frame_count > 0 || draft->exception.frame_count > 0) draft = draft_begin(reader, ERROR_LINK_CAUSE);
    const uint8_t *open = message.len > 0 && message.ptr[message.len - 1] == ')' ? bytes_find_last(message, '(') : NULL;
    draft->exception.message = message;
    draft->has_header = true;
    if (open == NULL || !type_is_plausible(bytes_between(open + 1, bytes_end(message) - 1))) return;
    draft->exception.type = bytes_between(open + 1, bytes_end(message) - 1);
    draft->exception.message = bytes_trim(bytes_between(message.ptr, open));
}

static void other_line(struct reader *reader, struct bytes line)
{
    if (reader->draft_count == 0) {
        header_chain(reader, draft_begin(reader, ERROR_LINK_FIRST), line);
        return;
    }
    struct draft *draft = draft_at(reader);
    if (draft->is_header_open) {
        message_go_on(draft, line);
    } else if (reader->is_in_errors) {
        if (line.ptr[0] == ']') reader->is_in_errors = false;
        struct header header = header_split(line);
        if (bytes_finish(header.type, BYTES("Error")) && bytes_find_byte(header.type, ':') == NULL) {
            header_set(draft_begin(reader, ERROR_LINK_INNER), line);
        }
    } else if (!draft->has_header && reader->frame_count == 0) {
        header_set(draft, line);
    }
}

static bool frame_line(struct reader *reader, struct bytes raw, struct bytes line)
{
    struct error_frame frame;
    if (reader->frame_count > 0 && reader->language == ERROR_LANGUAGE_RUST && bytes_begin(line, BYTES("at "))) {
        struct error_frame *last = &reader->frames[(reader->frame_count - 1) % FRAMES_OF_ONE_MAX];
        if (reader->frame_count > FRAMES_OF_ONE_MAX || last->file.len > 0) return true;
        last->file = bytes_skip(line, 3);
        place_split(&last->file, &last->line, &last->column);
        return true;
    }
    enum error_language language = stack_line_read(&frame, raw, line, reader->before, reader->hint);
    if (language == ERROR_LANGUAGE_UNKNOWN) return false;
    if (reader->draft_count == 0) draft_begin(reader, ERROR_LINK_FIRST);
    if (reader->is_python != (language == ERROR_LANGUAGE_PYTHON)) {
        if (reader->is_python) return false;
        reader->is_python = true; /* a traceback without its first line */
        reader->is_python_header_read = draft_at(reader)->has_header;
    }
    if (reader->language == ERROR_LANGUAGE_UNKNOWN) reader->language = language;
    if (language == ERROR_LANGUAGE_RUBY) ruby_header(reader, line);
    if (language == ERROR_LANGUAGE_PHP && line.ptr[0] == '#') {
        if (draft_at(reader)->is_header_open) php_place_take(reader, draft_at(reader));
        php_frame_add(reader, &frame);
    } else if (language == ERROR_LANGUAGE_GO) {
        struct bytes *message = &draft_at(reader)->exception.message;
        if (draft_at(reader)->is_header_open && bytes_end(*message) == bytes_end(reader->before)) {
            *message =
                bytes_from(message->ptr, (size_t)(reader->before.ptr - message->ptr)); /* the function is not its */
            while (message->len > 0 && message->ptr[message->len - 1] <= ' ') message->len--;
        }
        if (!bytes_begin(frame.function, BYTES("created by ")) && !bytes_begin(frame.module, BYTES("created by "))) {
            frame_add(reader, &frame);
        }
    } else {
        frame_add(reader, &frame);
    }
    return true;
}

static void line_read(struct reader *reader, struct bytes raw)
{
    if (raw.len > LINE_BYTES_MAX) raw.len = LINE_BYTES_MAX;
    if (reader->is_group) raw = group_unwrap(raw);
    struct bytes line = bytes_trim(raw);
    if (line.len == 0) {
        reader->before = line;
        return;
    }
    bool is_dealt_with = !reader->is_rust_causes && frame_line(reader, raw, line);
    if (!is_dealt_with) {
        is_dealt_with = python_line(reader, raw, line) || go_line(reader, line) || rust_line(reader, line) ||
                        mark_line(reader, line);
    }
    if (!is_dealt_with) other_line(reader, line);
    reader->before = line;
}

static void lines_read(struct reader *reader, struct bytes text)
{
    const uint8_t *at = text.ptr, *end = bytes_end(text);
    while (at < end && !reader->is_go_done) {
        const uint8_t *newline = memchr(at, '\n', (size_t)(end - at)), *stop = newline == NULL ? end : newline;
        line_read(reader, bytes_between(at, stop));
        at = newline == NULL ? end : newline + 1;
    }
}

/* What was reported first, then its causes; what an aggregate holds comes behind it. */
static void drafts_order(struct reader *reader, struct stack *stack)
{
    uint32_t count = reader->draft_count, out = 0;
    struct error_exception *exceptions = arena_alloc(reader->arena, count * sizeof *exceptions);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t from = reader->is_root_first ? count - 1 - i : i;
        if (reader->is_root_first && reader->drafts[from].is_held) continue;
        exceptions[out++] = reader->drafts[from].exception;
    }
    for (uint32_t i = 0; out < count; i++) {
        if (reader->drafts[i].is_held) exceptions[out++] = reader->drafts[i].exception;
    }
    for (uint32_t i = 0; i < count; i++) { /* two panics one behind the other */
        if (i == 0)
            exceptions[i].link = ERROR_LINK_FIRST;
        else if (exceptions[i].link == ERROR_LINK_FIRST)
            exceptions[i].link = ERROR_LINK_DURING;
    }
    stack->exceptions = exceptions;
    stack->exception_count = count;
    stack->language = reader->language;
}

void stack_read(struct arena *arena, struct bytes text, enum error_language hint, struct stack *stack)
{
    struct reader reader;
    reader.arena = arena; /* the frames need no zeros */
    memset(&reader.hint, 0, offsetof(struct reader, drafts) - offsetof(struct reader, hint));
    memset(&reader.draft_count, 0, offsetof(struct reader, frames) - offsetof(struct reader, draft_count));
    memset(&reader.frame_count, 0, sizeof reader - offsetof(struct reader, frame_count));
    reader.hint = hint;
    reader.frames_free = ERROR_FRAMES_MAX;
    reader.link_next = ERROR_LINK_DURING;
    if (text.len <= ERROR_STACK_BYTES_MAX) {
        lines_read(&reader, text);
    } else {
        lines_read(&reader, bytes_from(text.ptr, ERROR_STACK_BYTES_MAX / 2));
        reader.before.len = 0;
        lines_read(&reader, bytes_from(bytes_end(text) - ERROR_STACK_BYTES_MAX / 2, ERROR_STACK_BYTES_MAX / 2));
    }
    if (reader.draft_count > 0) frames_keep(&reader);
    drafts_order(&reader, stack);
}
