/* Python, Ruby, PHP. */
#include "errors/errors_inside.h"

static bool holds_any(struct bytes text, const char *const *parts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes_hold(text, bytes_of_text(parts[i]))) return true;
    }
    return false;
}

void frame_python(struct text_out *out, struct error_frame *frame)
{
    static const char *const parts[] = { "/site-packages/",   "/dist-packages/", "/lib/python", "/lib64/python",
                                         "\\site-packages\\", "\\lib\\",         "\\Lib\\",     "/lib-dynload/" };
    struct bytes file = frame->file, function = frame->function;
    frame->in_app = file.len > 0 && file.ptr[0] != '<' && !holds_any(file, parts, COUNT_OF(parts));
    if (bytes_finish(function, BYTES("comp>")) || bytes_equal(function, BYTES("<genexpr>"))) {
        frame->in_app = false; /* since 3.12 the function they stand in is the frame */
    }
    const uint8_t *dot = bytes_find_last(function, '.'); /* 3.11 and later may say "Cart.add.<locals>.inner" */
    if (dot != NULL && dot + 1 < bytes_end(function)) function = bytes_between(dot + 1, bytes_end(function));
    if (file.len > 0 && file.ptr[0] == '<') {
        text_put(out, file);
    } else {
        path_put(out, file, true);
    }
    text_put_byte(out, ':');
    text_put(out, function);
}

/* "block (2 levels) in Cart#add", "rescue in add": add */
static struct bytes ruby_name(struct bytes function)
{
    const uint8_t *in;
    while ((in = bytes_find(function, BYTES(" in "))) != NULL) function = bytes_between(in + 4, bytes_end(function));
    const uint8_t *sign = bytes_find_last(function, '#');
    if (sign == NULL && bytes_find_byte(function, '<') == NULL) sign = bytes_find_last(function, '.');
    if (sign != NULL && sign + 1 < bytes_end(function)) function = bytes_between(sign + 1, bytes_end(function));
    if (bytes_equal(function, BYTES("<top (required)>"))) return BYTES("<main>");
    if (bytes_begin(function, BYTES("_app_views_"))) return BYTES("<view>"); /* Rails: a compiled template's name */
    return function;
}

/* Rails shortens paths of gems: "activerecord (7.0.4) lib/active_record/core.rb". */
static bool ruby_is_of_gem(struct bytes file)
{
    const uint8_t *open = bytes_find(file, BYTES(" ("));
    return open != NULL && bytes_end(file) - open > 3 && is_digit(open[2]);
}

void frame_ruby(struct text_out *out, struct error_frame *frame)
{
    static const char *const parts[] = { "/gems/",      "/lib/ruby/", "<internal:", "/rubies/", "/vendor/bundle/",
                                         "/bin/bundle", "/bin/rails", "/bin/rake",  "/bin/puma" };
    frame->in_app = !holds_any(frame->file, parts, COUNT_OF(parts)) && frame->file.len > 0 &&
                    frame->file.ptr[0] != '(' && !ruby_is_of_gem(frame->file);
    path_put(out, frame->file, true);
    text_put_byte(out, ':');
    text_put(out, ruby_name(frame->function));
}

void frame_php(struct text_out *out, struct error_frame *frame)
{
    static const char *const parts[] = { "/vendor/", "\\vendor\\", "phar://" };
    struct bytes function = frame->function;
    bool is_closure = bytes_hold(function, BYTES("{closure"));
    frame->in_app = frame->file.len > 0 && !holds_any(frame->file, parts, COUNT_OF(parts));
    if (frame->module.len > 0) { /* written as Java's: OpenTelemetry's formatter */
        text_put(out, frame->module);
        text_put(out, BYTES("::"));
        text_put(out, is_closure ? BYTES("{closure}") : function);
        return;
    }
    const uint8_t *nul = bytes_find(function, BYTES("@anonymous"));
    const uint8_t *arrow = bytes_find(function, BYTES("->"));
    if (arrow == NULL) arrow = bytes_find(function, BYTES("::"));
    if (is_closure || arrow == NULL) {
        path_put(out, frame->file, true);
        text_put_byte(out, ':');
        text_put(out, is_closure ? BYTES("{closure}") : function);
        return;
    }
    text_put(out,
             nul != NULL && nul < arrow ? bytes_between(function.ptr, nul + 10) : bytes_between(function.ptr, arrow));
    text_put(out, BYTES("::"));
    text_put(out, bytes_between(arrow + 2, bytes_end(function)));
}
