/* One line of a stack trace as a frame: told by its shape, not by what language the sender says it speaks. */
#include "errors/errors_inside.h"

uint32_t number_of(struct bytes digits)
{
    uint64_t number = 0;
    for (size_t i = 0; i < digits.len && number <= UINT32_MAX; i++) {
        if (!is_digit(digits.ptr[i])) return 0;
        number = number * 10 + (digits.ptr[i] - '0');
    }
    return number > UINT32_MAX ? UINT32_MAX : (uint32_t)number;
}

/* Digits behind a colon at the end; takes both off. */
static bool colon_number_take(struct bytes *text, uint32_t *number)
{
    size_t len = text->len;
    while (len > 0 && is_digit(text->ptr[len - 1])) len--;
    if (len == text->len || len == 0 || text->ptr[len - 1] != ':') return false;
    *number = number_of(bytes_skip(*text, len));
    text->len = len - 1;
    return true;
}

void place_split(struct bytes *file, uint32_t *line, uint32_t *column)
{
    uint32_t last = 0, first = 0;
    if (!colon_number_take(file, &last)) return;
    if (colon_number_take(file, &first)) {
        *line = first;
        *column = last;
    } else {
        *line = last;
    }
}

static void qualified_split(struct error_frame *frame, struct bytes name)
{
    const uint8_t *dot = bytes_find_last(name, '.');
    frame->function = name;
    if (dot == NULL || dot == name.ptr) return;
    if (dot[-1] == '.' && dot - 1 > name.ptr) dot--; /* .NET's "..ctor" */
    frame->module = bytes_between(name.ptr, dot);
    frame->function = bytes_between(dot + 1, bytes_end(name));
}

/* What a JVM has between the brackets: "Cart.java:42", "Native Method", "<generated>". */
static bool is_jvm_place(struct bytes inner)
{
    if (inner.len == 0) return false;
    if (bytes_equal(inner, BYTES("Native Method")) || bytes_begin(inner, BYTES("Unknown Source")) ||
        bytes_equal(inner, BYTES("<generated>")) || bytes_equal(inner, BYTES("SourceFile"))) {
        return true;
    }
    bool has_point = false;
    for (size_t i = 0; i < inner.len; i++) {
        uint8_t byte = inner.ptr[i];
        if (byte == ' ' || byte == ',' || byte == '(' || byte == '&') return false;
        has_point |= byte == '.' || byte == ':';
    }
    return has_point;
}

static enum error_language jvm_read(struct error_frame *frame, struct bytes name, struct bytes inner,
                                    enum error_language hint)
{
    qualified_split(frame, name);
    if (!bytes_equal(inner, BYTES("Native Method")) && !bytes_equal(inner, BYTES("<generated>"))) {
        struct bytes file = inner;
        place_split(&file, &frame->line, &frame->column);
        if (!bytes_equal(file, BYTES("Unknown Source"))) frame->file = file;
    }
    return hint == ERROR_LANGUAGE_PHP ? ERROR_LANGUAGE_PHP : ERROR_LANGUAGE_JAVA;
}

/* "Acme.Cart.Add(Int32 id) in /src/Cart.cs:line 42" */
static enum error_language dotnet_read(struct error_frame *frame, struct bytes rest, const uint8_t *open)
{
    struct bytes behind = bytes_between(open, bytes_end(rest));
    const uint8_t *in = bytes_find(behind, BYTES(") in ")), *line = NULL;
    qualified_split(frame, bytes_trim(bytes_between(rest.ptr, open)));
    if (in == NULL) return ERROR_LANGUAGE_DOTNET;
    struct bytes place = bytes_between(in + 5, bytes_end(rest));
    line = bytes_find(place, BYTES(":line "));
    if (line != NULL) {
        frame->line = number_of(bytes_between(line + 6, bytes_end(place)));
        place.len = (size_t)(line - place.ptr);
    }
    frame->file = place;
    return ERROR_LANGUAGE_DOTNET;
}

static void v8_place(struct error_frame *frame, struct bytes place)
{
    bytes_take(&place, BYTES("address at "));    /* Hermes */
    if (bytes_take(&place, BYTES("eval at "))) { /* "eval at f (https://x/y.js:1:2), <anonymous>:1:1" */
        const uint8_t *open = bytes_find_byte(place, '('), *close = bytes_find_byte(place, ')');
        if (open != NULL && close > open) place = bytes_between(open + 1, close);
        bytes_take(&place, BYTES("eval at "));
    }
    place_split(&place, &frame->line, &frame->column);
    frame->file = place;
}

/* "Cart.add [as total] (/app/cart.js:1:2)", "/app/cart.js:1:2", "async Promise.all (index 0)" */
static bool v8_read(struct error_frame *frame, struct bytes rest)
{
    bytes_take(&rest, BYTES("async "));
    if (bytes_finish(rest, BYTES(" {"))) rest.len -= 2; /* Node prints members behind it */
    if (rest.len == 0) return false;
    const uint8_t *open = rest.ptr[rest.len - 1] == ')' ? bytes_find(rest, BYTES(" (")) : NULL;
    if (open != NULL) {
        frame->function = bytes_between(rest.ptr, open);
        v8_place(frame, bytes_between(open + 2, bytes_end(rest) - 1));
        return true;
    }
    v8_place(frame, rest);
    return frame->line > 0 || bytes_equal(rest, BYTES("<anonymous>"));
}

static enum error_language at_read(struct error_frame *frame, struct bytes rest, enum error_language hint)
{
    const uint8_t *open = bytes_find_byte(rest, '(');
    if (open == NULL || open == rest.ptr || open[-1] == ' ' || bytes_begin(rest, BYTES("async "))) {
        if (v8_read(frame, rest)) return ERROR_LANGUAGE_JAVASCRIPT;
        if (hint == ERROR_LANGUAGE_DOTNET && open == NULL) {
            qualified_split(frame, rest);
            return ERROR_LANGUAGE_DOTNET;
        }
        return ERROR_LANGUAGE_UNKNOWN;
    }
    struct bytes name = bytes_between(rest.ptr, open);
    if (bytes_find_byte(name, ' ') != NULL || bytes_hold(name, BYTES("://"))) { /* no name has those: V8's file */
        return v8_read(frame, rest) ? ERROR_LANGUAGE_JAVASCRIPT : ERROR_LANGUAGE_UNKNOWN;
    }
    const uint8_t *close = bytes_find_byte(bytes_between(open, bytes_end(rest)), ')');
    if (close == NULL) return ERROR_LANGUAGE_UNKNOWN;
    struct bytes inner = bytes_between(open + 1, close);
    if (hint != ERROR_LANGUAGE_DOTNET && is_jvm_place(inner)) return jvm_read(frame, name, inner, hint);
    return dotnet_read(frame, rest, open);
}

/* File "/app/cart.py", line 42, in add */
static enum error_language python_read(struct error_frame *frame, struct bytes rest)
{
    const uint8_t *quote = bytes_find(rest, BYTES("\", line "));
    if (quote == NULL) return ERROR_LANGUAGE_UNKNOWN;
    frame->file = bytes_between(rest.ptr, quote);
    struct bytes behind = bytes_between(quote + 8, bytes_end(rest));
    const uint8_t *in = bytes_find(behind, BYTES(", in "));
    frame->line = number_of(in == NULL ? behind : bytes_between(behind.ptr, in));
    frame->function = in == NULL ? BYTES("<module>") : bytes_between(in + 5, bytes_end(behind));
    return ERROR_LANGUAGE_PYTHON;
}

/* "#0 /app/Cart.php(42): Cart->add(7)": where the call stands and what is called; stack.c moves the places. */
static enum error_language php_read(struct error_frame *frame, struct bytes line)
{
    size_t len = 1;
    while (len < line.len && is_digit(line.ptr[len])) len++;
    if (len == 1 || len == line.len || line.ptr[len] != ' ') return ERROR_LANGUAGE_UNKNOWN;
    struct bytes rest = bytes_trim(bytes_skip(line, len));
    if (bytes_equal(rest, BYTES("{main}"))) {
        frame->function = rest;
        return ERROR_LANGUAGE_PHP;
    }
    const uint8_t *colon = bytes_find(rest, BYTES("): "));
    struct bytes called;
    if (bytes_begin(rest, BYTES("[internal function]: "))) {
        called = bytes_skip(rest, 21);
    } else if (colon != NULL) {
        struct bytes place = bytes_between(rest.ptr, colon);
        const uint8_t *open = bytes_find_last(place, '(');
        if (open == NULL) return ERROR_LANGUAGE_UNKNOWN;
        frame->line = number_of(bytes_between(open + 1, bytes_end(place)));
        frame->file = bytes_between(place.ptr, open);
        called = bytes_between(colon + 3, bytes_end(rest));
    } else {
        return ERROR_LANGUAGE_UNKNOWN;
    }
    if (bytes_begin(called, BYTES("{closure:"))) { /* "{closure:App\X::y():12}(...)": brackets within */
        const uint8_t *close = bytes_find_byte(called, '}');
        if (close != NULL) called = bytes_between(called.ptr, close + 1);
    } else {
        const uint8_t *open = bytes_find_byte(called, '(');
        if (open != NULL) called = bytes_between(called.ptr, open);
    }
    frame->function = called;
    return ERROR_LANGUAGE_PHP;
}

/* "\t/app/cart.go:42 +0x1d", behind a line with the function */
static enum error_language go_read(struct error_frame *frame, struct bytes line, struct bytes before)
{
    const uint8_t *space = bytes_find(line, BYTES(" +0x"));
    struct bytes file = space == NULL ? line : bytes_between(line.ptr, space);
    struct bytes function = bytes_trim(before);
    place_split(&file, &frame->line, &frame->column);
    if (frame->line == 0 || !bytes_finish(file, BYTES(".go")) || function.len == 0) return ERROR_LANGUAGE_UNKNOWN;
    if (function.ptr[function.len - 1] == ')') { /* arguments; "(*cart)" stands before a point */
        const uint8_t *at = bytes_end(function);
        for (int depth = 0; at > function.ptr; at--) {
            depth += at[-1] == ')' ? 1 : at[-1] == '(' ? -1 : 0;
            if (depth == 0) break;
        }
        if (at > function.ptr) function = bytes_between(function.ptr, at - 1);
    }
    const uint8_t *in = bytes_find(function, BYTES(" in goroutine "));
    if (in != NULL) function = bytes_between(function.ptr, in);
    if (bytes_find_byte(function, ' ') != NULL && !bytes_begin(function, BYTES("created by "))) {
        return ERROR_LANGUAGE_UNKNOWN;
    }
    frame->file = file;
    const uint8_t *slash = bytes_find_last(function, '/');
    struct bytes last = slash == NULL ? function : bytes_between(slash, bytes_end(function));
    const uint8_t *dot = bytes_find_byte(last, '.');
    frame->function = function;
    if (dot != NULL) {
        frame->module = bytes_between(function.ptr, dot);
        frame->function = bytes_between(dot + 1, bytes_end(function));
    }
    return ERROR_LANGUAGE_GO;
}

/* "from /app/cart.rb:42:in `add'"; what follows the quote is the exception's: header. */
static enum error_language ruby_read(struct error_frame *frame, struct bytes line)
{
    const uint8_t *in = bytes_find(line, BYTES(":in `"));
    if (in == NULL) in = bytes_find(line, BYTES(":in '"));
    if (in == NULL) return ERROR_LANGUAGE_UNKNOWN;
    struct bytes place = bytes_between(line.ptr, in);
    if (place.len > 2 && is_digit(place.ptr[0])) { /* "3: from ..." */
        size_t len = 1;
        while (len < place.len && is_digit(place.ptr[len])) len++;
        struct bytes rest = bytes_skip(place, len);
        if (bytes_take(&rest, BYTES(": "))) place = rest;
    }
    bytes_take(&place, BYTES("from "));
    place_split(&place, &frame->line, &frame->column);
    if (frame->line == 0) return ERROR_LANGUAGE_UNKNOWN;
    struct bytes behind = bytes_between(in + 5, bytes_end(line));
    const uint8_t *quote = bytes_find_byte(behind, '\'');
    if (quote == NULL) return ERROR_LANGUAGE_UNKNOWN;
    frame->file = place;
    frame->function = bytes_between(behind.ptr, quote);
    return ERROR_LANGUAGE_RUBY;
}

/* "add@https://shop.example/main.js:1:2", "add@[native code]", and a URL alone */
static enum error_language gecko_read(struct error_frame *frame, struct bytes line)
{
    const uint8_t *sign = bytes_find_byte(line, '@');
    struct bytes file = line;
    if (sign != NULL && !bytes_begin(line, BYTES("http"))) {
        file = bytes_between(sign + 1, bytes_end(line));
        frame->function = bytes_between(line.ptr, sign);
        if (bytes_find_byte(frame->function, ' ') != NULL && !bytes_finish(frame->function, BYTES(" code"))) {
            frame->function.len = 0;
            return ERROR_LANGUAGE_UNKNOWN;
        }
    }
    if (bytes_equal(file, BYTES("[native code]"))) {
        frame->file = file;
        return ERROR_LANGUAGE_JAVASCRIPT;
    }
    place_split(&file, &frame->line, &frame->column);
    bool is_url = bytes_hold(file, BYTES("://"));
    if (frame->line > 0 && bytes_find_byte(file, ' ') == NULL &&
        (is_url || (sign != NULL && file.len > 0 &&
                    (file.ptr[0] == '/' || bytes_hold(file, BYTES(".js")) || bytes_hold(file, BYTES(".bundle")))))) {
        frame->file = file;
        return ERROR_LANGUAGE_JAVASCRIPT;
    }
    return ERROR_LANGUAGE_UNKNOWN;
}

/* "12: shop::cart::add"; its file stands in the next line. */
static enum error_language rust_read(struct error_frame *frame, struct bytes line, enum error_language hint)
{
    size_t len = 0;
    while (len < line.len && len < 5 && is_digit(line.ptr[len])) len++;
    struct bytes rest = bytes_skip(line, len);
    if (!bytes_take(&rest, BYTES(":"))) return ERROR_LANGUAGE_UNKNOWN;
    rest = bytes_trim(rest);
    if (bytes_begin(rest, BYTES("0x"))) { /* "0x5581 - shop::add" */
        const uint8_t *dash = bytes_find(rest, BYTES(" - "));
        if (dash == NULL) return ERROR_LANGUAGE_UNKNOWN;
        rest = bytes_between(dash + 3, bytes_end(rest));
    }
    if (rest.len == 0 || is_digit(rest.ptr[0])) return ERROR_LANGUAGE_UNKNOWN;
    if (!bytes_hold(rest, BYTES("::")) && (hint != ERROR_LANGUAGE_RUST || bytes_find_byte(rest, ' ') != NULL)) {
        return ERROR_LANGUAGE_UNKNOWN;
    }
    frame->function = rest;
    return ERROR_LANGUAGE_RUST;
}

enum error_language stack_line_read(struct error_frame *frame, struct bytes raw, struct bytes line, struct bytes before,
                                    enum error_language hint)
{
    enum error_language language = ERROR_LANGUAGE_UNKNOWN;
    *frame = (struct error_frame){ 0 };
    if (line.len < 4) return language;
    if (line.ptr[0] == 'a' && line.ptr[1] == 't' && line.ptr[2] == ' ') {
        language = at_read(frame, bytes_skip(line, 3), hint);
    } else if (line.ptr[0] == 'F' && bytes_begin(line, BYTES("File \""))) {
        language = python_read(frame, bytes_skip(line, 6));
    } else if (line.ptr[0] == '#') {
        language = php_read(frame, line);
    } else if (raw.ptr[0] == '\t' && before.len > 0 && bytes_hold(line, BYTES(".go:"))) {
        language = go_read(frame, line, before);
    }
    if (language == ERROR_LANGUAGE_UNKNOWN && line.ptr[0] != '#') {
        *frame = (struct error_frame){ 0 };
        language = ruby_read(frame, line);
        if (language == ERROR_LANGUAGE_UNKNOWN && is_digit(line.ptr[0])) language = rust_read(frame, line, hint);
        if (language == ERROR_LANGUAGE_UNKNOWN && raw.ptr[0] != ' ') language = gecko_read(frame, line);
    }
    return language;
}
