#include "errors/errors_inside.h"

const char *const error_language_names[ERROR_LANGUAGE_COUNT] = {
#define X(name, text) text,
    ERROR_LANGUAGES(X)
#undef X
};

/* telemetry.sdk.language */
static enum error_language language_of(struct bytes name)
{
    static const struct {
        const char *name;
        enum error_language language;
    } others[] = { { "nodejs", ERROR_LANGUAGE_JAVASCRIPT }, { "webjs", ERROR_LANGUAGE_JAVASCRIPT },
                   { "kotlin", ERROR_LANGUAGE_JAVA },       { "scala", ERROR_LANGUAGE_JAVA },
                   { "android", ERROR_LANGUAGE_JAVA },      { "csharp", ERROR_LANGUAGE_DOTNET } };
    if (name.len == 0) return ERROR_LANGUAGE_UNKNOWN;
    for (int i = 1; i < ERROR_LANGUAGE_COUNT; i++) {
        if (bytes_equal(name, bytes_of_text(error_language_names[i]))) return (enum error_language)i;
    }
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        if (bytes_equal(name, bytes_of_text(others[i].name))) return others[i].language;
    }
    return ERROR_LANGUAGE_UNKNOWN;
}

/* Cuts what a generated class or an object's address puts behind a type: "Cart$NotFound$1", "Error@6d06d69c". */
static struct bytes type_trim(struct bytes type)
{
    type = bytes_trim(type);
    for (;;) {
        size_t len = type.len;
        while (len > 0 && is_digit(type.ptr[len - 1])) len--;
        if (len == type.len || len < 2 || type.ptr[len - 1] != '$') return type;
        type.len = len - 1;
    }
}

/* Ruby: what is written in C stands where it was called. */
static void ruby_natives_mark(struct error_frame *frames, uint32_t count)
{
    for (uint32_t i = 0; i + 1 < count; i++) {
        const struct error_frame *outer = &frames[i + 1];
        if (frames[i].line == outer->line && bytes_equal(frames[i].file, outer->file) &&
            !bytes_hold(frames[i].function, BYTES(" in "))) {
            frames[i].in_app = false;
        }
    }
}

const struct error_event *error_event_read(struct arena *arena, const struct error_source *source)
{
    struct error_event *event = arena_calloc(arena, sizeof *event);
    struct stack stack = { 0 };
    event->language = language_of(source->language);
    event->service = source->service;
    event->place = message_template(arena, source->place);
    if (source->stacktrace.len > 0) stack_read(arena, source->stacktrace, event->language, &stack);
    if (stack.exception_count == 0) {
        stack.exceptions = arena_calloc(arena, sizeof *stack.exceptions);
        stack.exception_count = 1;
    }
    if (stack.language != ERROR_LANGUAGE_UNKNOWN) event->language = stack.language;
    struct error_exception *first = &stack.exceptions[0];
    if (source->type.len > 0) first->type = source->type;
    if (source->message.len > 0) first->message = source->message;
    for (uint32_t i = 0; i < stack.exception_count; i++) {
        struct error_exception *exception = &stack.exceptions[i];
        struct error_frame *frames = (struct error_frame *)(uintptr_t)exception->frames; /* ours until here */
        exception->type = type_trim(exception->type);
        exception->template = message_template(arena, exception->message);
        exception->is_generic = type_is_generic(exception->type);
        for (uint32_t k = 0; k < exception->frame_count; k++) frame_finish(arena, &frames[k], event->language);
        if (event->language == ERROR_LANGUAGE_RUBY) ruby_natives_mark(frames, exception->frame_count);
    }
    event->exceptions = stack.exceptions;
    event->exception_count = stack.exception_count;
    return event;
}
