/* What stands between exceptions: the words and signs of each language, and of Node and loggers. */
#include "errors/stack_inside.h"

/* "| " and "+-" before the lines of an exception group. */
struct bytes group_unwrap(struct bytes raw)
{
    struct bytes line = raw;
    while (line.len > 0 && line.ptr[0] == ' ') line = bytes_skip(line, 1);
    if (line.len == 0 || (line.ptr[0] != '|' && line.ptr[0] != '+')) return raw;
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
bool python_line(struct reader *reader, struct bytes raw, struct bytes line)
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
        if (draft->exception.type.len == 0 && type_is_plausible(line)) { /* a class of any name, without a message */
            draft->exception.type = line;
            draft->exception.message.len = 0;
        }
        reader->is_python_header_read = true;
    }
    return true; /* lines of source */
}

bool go_line(struct reader *reader, struct bytes line)
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
bool rust_line(struct reader *reader, struct bytes line)
{
    if (bytes_begin(line, BYTES("stack backtrace:")) || bytes_begin(line, BYTES("Stack backtrace:"))) {
        reader->hint = ERROR_LANGUAGE_RUST;
        if (reader->is_rust_causes) reader->at = 0; /* it is of the error, not of its last cause */
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
void php_place_take(struct reader *reader, struct draft *draft)
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

/* Marks that stand between exceptions; true: the line is dealt with. */
bool mark_line(struct reader *reader, struct bytes line)
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
        if (draft != NULL && draft->is_header_open) { /* once each: the message may be long */
            header_look_again(draft);
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
