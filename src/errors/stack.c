/* A stack trace's lines: which exception each belongs to, whatever the language's order and marks.
 *
 *   line --> frame of the exception at hand | header of a new one | part of its message | nothing
 *
 * Exceptions are drafts until the end: languages that print the root cause first (Python, PHP) are turned round then. */
#include "errors/errors_inside.h"

#define FRAMES_OF_ONE_MAX 100  /* of an exception, while it is read */
#define LINE_BYTES_MAX    2048 /* of a line, as a frame; messages have their own limit */
#define DRAFTS_NONE       UINT32_MAX

struct draft {
    struct error_exception exception;
    struct error_frame *frames;
    uint32_t parent; /* .NET: whose frames come behind this one's */
    bool has_header;
    bool is_header_open; /* lines that are no frames go on with the message */
    bool is_held;        /* by an aggregate, or a cause of one that is */
};

struct reader {
    struct arena *arena;
    enum error_language hint, language;
    struct draft drafts[ERROR_EXCEPTIONS_MAX];
    uint32_t draft_count, at;
    uint32_t frames_free; /* of the event */

    /* frames of the draft at hand: a ring when the innermost come last */
    struct error_frame frames[FRAMES_OF_ONE_MAX];
    uint32_t frame_count; /* seen; those past the limit are left out */

    bool is_python;      /* within a traceback: innermost last, header behind */
    bool is_group;       /* ... of an exception group */
    bool is_root_first;  /* the one read last is what was reported */
    bool is_go_done;     /* another goroutine has begun */
    bool is_rust_causes; /* anyhow's list of them */
    bool is_python_header_read;
    bool is_in_errors; /* Node's [errors]: [ */
    enum error_link link_next;
    struct bytes before; /* the line above */
    struct bytes php_file;
    uint32_t php_line;
};

/* ---- drafts ---- */

static struct draft *draft_at(struct reader *reader)
{
    return &reader->drafts[reader->at];
}

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

/* The frames read become the draft's, innermost first. */
static void frames_keep(struct reader *reader)
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

static struct draft *draft_begin(struct reader *reader, enum error_link link)
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

static void header_set(struct draft *draft, struct bytes line)
{
    struct header header = header_split(line);
    draft->exception.type = header.type;
    draft->exception.message = header.message;
    draft->has_header = draft->is_header_open = true;
}

/* .NET of old has its whole chain in the first line: "A: x ---> B: y". */
static void header_chain(struct reader *reader, struct draft *draft, struct bytes line)
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

static void message_go_on(struct draft *draft, struct bytes line)
{
    struct bytes *message = &draft->exception.message;
    if (line.len == 0) return;
    if (message->len == 0) {
        *message = line;
    } else if (bytes_end(line) > message->ptr && message->len < ERROR_MESSAGE_BYTES_MAX) {
        *message = bytes_between(message->ptr, bytes_end(line));
    }
}

static void frame_add(struct reader *reader, const struct error_frame *frame)
{
    struct draft *draft = draft_at(reader);
    draft->is_header_open = false;
    if (reader->frame_count < FRAMES_OF_ONE_MAX || reader->is_python) {
        reader->frames[reader->frame_count % FRAMES_OF_ONE_MAX] = *frame;
    }
    reader->frame_count++;
}

/* ---- headers ---- */

static bool is_type_byte(uint8_t byte)
{
    return is_alnum(byte) || (byte > ' ' && strchr("_.$:\\/-`*@<>[],", byte) != NULL);
}

static bool is_type(struct bytes text)
{
    if (text.len == 0 || text.len > 256 || is_digit(text.ptr[0]) || text.ptr[0] == '-' || text.ptr[0] == '/' ||
        text.ptr[0] == '.' || text.ptr[0] == '[' || text.ptr[0] == '<')
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_type_byte(text.ptr[i])) return false;
    }
    return true;
}

/* A name alone is a type when it looks like no word of a sentence. */
static bool is_type_alone(struct bytes text)
{
    if (!is_type(text)) return false;
    return bytes_finish(text, BYTES("Error")) || bytes_finish(text, BYTES("Exception")) ||
           bytes_finish(text, BYTES("Fault")) || bytes_finish(text, BYTES("Interrupt")) ||
           bytes_finish(text, BYTES("Exit")) || bytes_finish(text, BYTES("Iteration")) ||
           (bytes_find_byte(text, '.') != NULL && is_alnum(text.ptr[text.len - 1]) &&
            bytes_find_byte(text, '/') == NULL);
}

static struct bytes header_unwrap(struct bytes line)
{
    static const struct {
        const char *text;
    } heads[] = { { "Unhandled exception. " },
                  { "Unhandled Exception: " },
                  { "PHP Fatal error:  " },
                  { "Fatal error: " },
                  { "error: " },
                  { "Uncaught (in promise) " },
                  { "Uncaught exception: " },
                  { "Uncaught " },
                  { "[cause]: " },
                  { "Unhandled rejection " },
                  { "caused by: " },
                  { "Caused by: " } };
    line = bytes_trim(line);
    if (bytes_begin(line, BYTES("Exception in thread \""))) {
        const uint8_t *quote = bytes_find(bytes_skip(line, 21), BYTES("\" "));
        if (quote != NULL) line = bytes_between(quote + 2, bytes_end(line));
    }
    for (size_t i = 0; i < COUNT_OF(heads); i++) bytes_take(&line, bytes_of_text(heads[i].text));
    if (bytes_finish(line, BYTES(" {"))) line.len -= 2;
    if (bytes_begin(line, BYTES("[")) && bytes_finish(line, BYTES("]")))
        line = bytes_from(line.ptr + 1, line.len - 2); /* Node */
    return line;
}

struct header header_split(struct bytes line)
{
    struct header header = { 0 };
    line = header_unwrap(line);
    if (is_type_alone(line)) return (struct header){ .type = line };
    struct bytes head = line;
    const uint8_t *colon = NULL;
    if (line.len > 300) head.len = 300;
    colon = bytes_find(head, BYTES(": "));
    if (colon == NULL && line.len > 1 && line.ptr[line.len - 1] == ':') colon = bytes_end(line) - 1; /* "Error:" */
    if (colon == NULL) return (struct header){ .message = line };
    struct bytes type = bytes_between(line.ptr, colon);
    if (type.len > 2 &&
        (type.ptr[type.len - 1] == ')' || type.ptr[type.len - 1] == ']')) { /* "SocketException (111)" */
        const uint8_t *open = bytes_find(type, BYTES(" ("));
        if (open == NULL) open = bytes_find(type, BYTES(" ["));
        if (open != NULL && is_type(bytes_between(type.ptr, open))) {
            if (colon == bytes_end(line) - 1) { /* Rails: "RecordNotFound (no such cart):" */
                return (struct header){ bytes_between(line.ptr, open), bytes_between(open + 2, colon - 1) };
            }
            type = bytes_between(type.ptr, open);
        }
    }
    if (!is_type(type)) return (struct header){ .message = line };
    header.type = type;
    header.message =
        colon + 2 <= bytes_end(line) ? bytes_trim(bytes_between(colon + 1, bytes_end(line))) : bytes_from(line.ptr, 0);
    return header;
}

/* ---- lines of one language ---- */

/* "| " and "+-" before the lines of an exception group. */
static struct bytes group_unwrap(struct bytes raw)
{
    struct bytes line = raw;
    while (line.len > 0 && line.ptr[0] == ' ') line = bytes_skip(line, 1);
    if (line.len < 2 || (line.ptr[0] != '|' && line.ptr[0] != '+')) return raw;
    line = bytes_skip(line, 1);
    bytes_take(&line, BYTES(" "));
    return line;
}

static void traceback_begin(struct reader *reader)
{
    enum error_link link = reader->link_next;
    struct draft *draft = reader->draft_count > 0 ? draft_at(reader) : NULL;
    bool is_empty =
        draft != NULL && !reader->is_python && reader->frame_count == 0 && draft->exception.frame_count == 0;
    if (draft == NULL || !is_empty) {
        draft_begin(reader, link);
    } else { /* what a logger said before */
        *draft = (struct draft){ .exception = { .link = link }, .parent = DRAFTS_NONE };
    }
    reader->is_python = reader->is_root_first = true;
    reader->is_python_header_read = false;
    if (link != ERROR_LINK_INNER) reader->link_next = ERROR_LINK_DURING;
}

/* True: the line is dealt with. raw: without the marks of a group. */
static bool python_line(struct reader *reader, struct bytes raw, struct bytes line)
{
    if (bytes_finish(line, BYTES("Traceback (most recent call last):"))) {
        if (bytes_hold(line, BYTES("Exception Group"))) reader->is_group = true;
        traceback_begin(reader);
        return true;
    }
    if (!reader->is_python) return false;
    if (reader->is_group && bytes_begin(line, BYTES("-+--"))) line = bytes_skip(line, 2);
    if (reader->is_group && bytes_begin(line, BYTES("---"))) { /* "---------------- 1 ----------------" */
        reader->link_next = ERROR_LINK_INNER;
        return true;
    }
    struct draft *draft = draft_at(reader);
    if (bytes_begin(line, BYTES("During handling of the above exception"))) {
        draft->exception.link = ERROR_LINK_DURING;
        draft->is_header_open = false;
        return true;
    }
    if (bytes_begin(line, BYTES("The above exception was the direct cause"))) {
        draft->exception.link = ERROR_LINK_CAUSE;
        draft->is_header_open = false;
        return true;
    }
    if (reader->is_python_header_read) {
        if (draft->is_header_open) message_go_on(draft, line);
        return true;
    }
    if (raw.len > 0 && !is_blank(raw.ptr[0])) {
        header_set(draft, line);
        if (draft->exception.type.len == 0 && is_type(line)) { /* a class of any name, without a message */
            draft->exception.type = line;
            draft->exception.message.len = 0;
        }
        reader->is_python_header_read = true;
    }
    return true; /* lines of source */
}

static bool go_line(struct reader *reader, struct bytes line)
{
    if (bytes_begin(line, BYTES("goroutine ")) && line.ptr[line.len - 1] == ':') {
        if (reader->frame_count > 0) reader->is_go_done = true;
        if (reader->draft_count == 0) draft_begin(reader, ERROR_LINK_FIRST);
        draft_at(reader)->is_header_open = false;
        reader->language = ERROR_LANGUAGE_GO;
        return true;
    }
    const uint8_t *serving = bytes_find(line, BYTES("http: panic serving "));
    if (serving != NULL) { /* "http: panic serving 10.0.0.1:51122: runtime error: ..." */
        const uint8_t *colon = bytes_find(bytes_between(serving + 20, bytes_end(line)), BYTES(": "));
        if (colon != NULL) line = bytes_between(colon - 5, bytes_end(line));
    }
    bool is_panic = bytes_begin(line, BYTES("panic: ")) || serving != NULL,
         is_fatal = bytes_begin(line, BYTES("fatal error: "));
    if ((!is_panic && !is_fatal) || reader->frame_count > 0) return false;
    struct draft *draft = reader->draft_count == 0 ? draft_begin(reader, ERROR_LINK_FIRST) : draft_at(reader);
    if (draft->has_header && bytes_equal(draft->exception.type, BYTES("panic"))) return true; /* raised again */
    struct bytes message = bytes_skip(line, is_panic ? 7 : 13);
    const uint8_t *recovered = bytes_find(message, BYTES(" [recovered"));
    if (recovered != NULL) message = bytes_between(message.ptr, recovered);
    draft->exception.type = is_panic ? BYTES("panic") : BYTES("fatal error");
    if (bytes_take(&message, BYTES("runtime error: "))) draft->exception.type = BYTES("runtime error");
    draft->exception.message = message;
    draft->has_header = true;
    draft->is_header_open = false;
    reader->language = ERROR_LANGUAGE_GO;
    return true;
}

/* "thread 'main' panicked at src/main.rs:2:5:" with the message behind, or before Rust 1.73 in quotes within. */
static bool rust_line(struct reader *reader, struct bytes line)
{
    if (bytes_begin(line, BYTES("stack backtrace:")) || bytes_begin(line, BYTES("Stack backtrace:"))) {
        reader->hint = ERROR_LANGUAGE_RUST;
        reader->is_rust_causes = false;
        if (reader->draft_count > 0) draft_at(reader)->is_header_open = false;
        return true;
    }
    const uint8_t *at = bytes_begin(line, BYTES("thread '")) ? bytes_find(line, BYTES("' panicked at ")) : NULL;
    if (at == NULL && bytes_begin(line, BYTES("thread '"))) { /* "thread 'main' (4711) panicked at": Rust 1.91 */
        at = bytes_find(line, BYTES(") panicked at "));
    }
    if (at != NULL) {
        struct draft *draft = reader->draft_count == 0 || reader->frame_count > 0
                                  ? draft_begin(reader, ERROR_LINK_FIRST)
                                  : draft_at(reader);
        struct bytes place = bytes_between(at + 14, bytes_end(line));
        draft->exception.type = BYTES("panic");
        draft->exception.message = bytes_from(line.ptr, 0);
        draft->has_header = draft->is_header_open = true;
        if (bytes_take(&place, BYTES("'"))) {
            const uint8_t *quote = bytes_find_last(place, '\'');
            if (quote != NULL) draft->exception.message = bytes_between(place.ptr, quote);
            draft->is_header_open = false;
        }
        reader->language = reader->hint = ERROR_LANGUAGE_RUST;
        return true;
    }
    if (bytes_equal(line, BYTES("Caused by:"))) {
        reader->is_rust_causes = true;
        return true;
    }
    if (!reader->is_rust_causes) return false;
    size_t digits = 0;
    while (digits < line.len && is_digit(line.ptr[digits])) digits++;
    struct bytes text = bytes_skip(line, digits);
    if (line.len == 0) return true;
    if (digits > 0) bytes_take(&text, BYTES(": "));
    struct draft *draft = draft_begin(reader, ERROR_LINK_CAUSE);
    draft->exception.message = text;
    draft->has_header = true;
    return true;
}

/* "Exception: no such cart in /app/Cart.php:42"; the place is the innermost frame's. */
static void php_place_take(struct reader *reader, struct draft *draft)
{
    struct bytes message = draft->exception.message;
    const uint8_t *in = NULL;
    for (const uint8_t *at = message.ptr;
         (at = bytes_find(bytes_between(at, bytes_end(message)), BYTES(" in "))) != NULL; at++)
        in = at;
    if (in == NULL) return;
    struct bytes place = bytes_between(in + 4, bytes_end(message));
    uint32_t line = 0, column = 0;
    place_split(&place, &line, &column);
    if (line == 0 || !(bytes_hold(place, BYTES(".php")) || bytes_find_byte(place, '/') != NULL)) return;
    reader->php_file = place;
    reader->php_line = line;
    draft->exception.message = bytes_between(message.ptr, in);
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

/* Marks that stand between exceptions; true: the line is dealt with. */
static bool mark_line(struct reader *reader, struct bytes line)
{
    struct bytes rest = line;
    struct draft *draft = reader->draft_count > 0 ? draft_at(reader) : NULL;
    switch (line.ptr[0]) {
    case 'C':
    case 'c':
        if (!bytes_begin(line, BYTES("Caused by: ")) && !bytes_begin(line, BYTES("caused by: "))) return false;
        header_set(draft_begin(reader, draft == NULL ? ERROR_LINK_FIRST : ERROR_LINK_CAUSE), bytes_skip(line, 11));
        return true;
    case 'W':
        if (!bytes_take(&rest, BYTES("Wrapped by: "))) return false;
        if (draft != NULL) draft->exception.link = ERROR_LINK_CAUSE;
        reader->is_root_first = true;
        header_set(draft_begin(reader, ERROR_LINK_FIRST), rest);
        return true;
    case 'S':
        if (bytes_take(&rest, BYTES("Suppressed: "))) {
            header_set(draft_begin(reader, ERROR_LINK_SUPPRESSED), rest);
            return true;
        }
        if (!bytes_equal(line, BYTES("Stack trace:"))) return false;
        if (draft != NULL) {
            draft->is_header_open = false;
            php_place_take(reader, draft);
            reader->language = ERROR_LANGUAGE_PHP;
        }
        return true;
    case 'N':
        if (reader->language != ERROR_LANGUAGE_PHP || !bytes_take(&rest, BYTES("Next "))) return false;
        if (draft != NULL) draft->exception.link = ERROR_LINK_CAUSE;
        reader->is_root_first = true;
        header_set(draft_begin(reader, ERROR_LINK_FIRST), rest);
        return true;
    case '-':
        if (bytes_take(&rest, BYTES("---> "))) {
            bool is_inner = bytes_begin(rest, BYTES("(Inner Exception #"));
            const uint8_t *close = is_inner ? bytes_find_byte(rest, ')') : NULL;
            if (close != NULL) rest = bytes_trim(bytes_between(close + 1, bytes_end(rest)));
            if (bytes_finish(rest, BYTES("<---"))) rest.len -= 4;
            header_chain(reader, draft_begin(reader, is_inner ? ERROR_LINK_INNER : ERROR_LINK_CAUSE), rest);
            return true;
        }
        if (bytes_begin(line, BYTES("--- End of inner exception stack trace ---"))) {
            frames_keep(reader);
            if (draft != NULL && draft->parent != DRAFTS_NONE) reader->at = draft->parent;
            return true;
        }
        return bytes_begin(line, BYTES("--- End of stack trace")) || bytes_begin(line, BYTES("-----"));
    case '[':
        if (bytes_take(&rest, BYTES("[cause]: "))) {
            header_set(draft_begin(reader, ERROR_LINK_CAUSE), rest);
            return true;
        }
        if (!bytes_begin(line, BYTES("[errors]: ["))) return bytes_begin(line, BYTES("[CIRCULAR REFERENCE"));
        reader->is_in_errors = true;
        if (draft != NULL) draft->is_header_open = false;
        return true;
    case '.':
        return bytes_begin(line, BYTES("... ")) && draft != NULL && (reader->frame_count > 0 || draft->has_header);
    case '^': /* below the line of source that Node and Ruby show */
        for (size_t i = 0; i < line.len; i++) {
            if (line.ptr[i] != '^' && line.ptr[i] != '~') return false;
        }
        if (draft != NULL && reader->frame_count == 0 && reader->draft_count == 1) reader->draft_count = 0;
        return true;
    default: return false;
    }
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
    if (open == NULL || !is_type(bytes_between(open + 1, bytes_end(message) - 1))) return;
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
    if (count > 0) exceptions[0].link = ERROR_LINK_FIRST;
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
