/* "Type: message" as languages, runtimes and loggers write it. */
#include "errors/stack_inside.h"

static bool is_type_byte(uint8_t byte)
{
    return is_alnum(byte) || (byte > ' ' && strchr("_.$:\\/-`*@<>[],", byte) != NULL);
}

bool type_is_plausible(struct bytes text)
{
    if (text.len == 0 || text.len > 256 || is_digit(text.ptr[0]) || text.ptr[0] == '-' || text.ptr[0] == '/' ||
        text.ptr[0] == '.' || text.ptr[0] == '[' || text.ptr[0] == '<')
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_type_byte(text.ptr[i])) return false;
    }
    return true;
}

bool type_is_alone(struct bytes text)
{
    if (!type_is_plausible(text)) return false;
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
    if (type_is_alone(line)) return (struct header){ .type = line };
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
        if (open != NULL && type_is_plausible(bytes_between(type.ptr, open))) {
            if (colon == bytes_end(line) - 1) { /* Rails: "RecordNotFound (no such cart):" */
                return (struct header){ bytes_between(line.ptr, open), bytes_between(open + 2, colon - 1) };
            }
            type = bytes_between(type.ptr, open);
        }
    }
    if (!type_is_plausible(type)) return (struct header){ .message = line };
    header.type = type;
    header.message =
        colon + 2 <= bytes_end(line) ? bytes_trim(bytes_between(colon + 1, bytes_end(line))) : bytes_from(line.ptr, 0);
    return header;
}
