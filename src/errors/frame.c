/* What stays of a frame over builds and deployments, and whether it is of the program itself. */
#include "errors/errors_inside.h"

/* Bounds of the entries of a sorted table that a text can begin with, by its first byte, would save little: 8 steps. */
static size_t table_behind(const char *const *sorted, size_t count, struct bytes text) /* first entry above the text */
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (bytes_compare(bytes_of_text(sorted[middle]), text) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool prefix_is_of(const char *const *sorted, size_t count, struct bytes text)
{
    size_t behind = table_behind(sorted, count, text);
    return behind > 0 && bytes_begin(text, bytes_of_text(sorted[behind - 1]));
}

bool word_is_of(const char *const *sorted, size_t count, struct bytes text)
{
    size_t behind = table_behind(sorted, count, text);
    return behind > 0 && bytes_equal(text, bytes_of_text(sorted[behind - 1]));
}

void frame_finish(struct arena *arena, struct error_frame *frame, enum error_language language)
{
    uint8_t room[ERROR_TEXT_BYTES_MAX];
    struct text_out out = { room, room + sizeof room };
    switch (language) {
    case ERROR_LANGUAGE_JAVA: frame_java(&out, frame); break;
    case ERROR_LANGUAGE_PYTHON: frame_python(&out, frame); break;
    case ERROR_LANGUAGE_JAVASCRIPT: frame_javascript(&out, frame); break;
    case ERROR_LANGUAGE_GO: frame_go(&out, frame); break;
    case ERROR_LANGUAGE_DOTNET: frame_dotnet(&out, frame); break;
    case ERROR_LANGUAGE_RUBY: frame_ruby(&out, frame); break;
    case ERROR_LANGUAGE_PHP: frame_php(&out, frame); break;
    case ERROR_LANGUAGE_RUST: frame_rust(&out, frame); break;
    default: text_put(&out, frame->function);
    }
    if (out.at == room) text_put_byte(&out, '?');
    frame->text = arena_copy(arena, bytes_between(room, out.at));
}
