/* What messages say without what varies in them, and types that say nothing. */
#include "errors/errors_inside.h"
#include "patterns/mask.h"

static_assert(ERROR_TEMPLATE_BYTES_MAX >= MASK_BYTES_MAX, "a mask's text is a template");

struct bytes message_template(struct arena *arena, struct bytes message)
{
    uint8_t room[MASK_ROOM_BYTES];
    if (message.len == 0) return message;
    return arena_copy(arena, mask_text(room, bytes_trim(message)));
}

bool type_is_generic(struct bytes type)
{
    static const char *const generic[] = {
        /* sorted */
        "*errors.errorString",
        "*errors.fundamental",
        "*errors.joinError",
        "*errors.withMessage",
        "*errors.withStack",
        "*fmt.wrapError",
        "*fmt.wrapErrors",
        "AggregateError",
        "ApplicationException",
        "AssertionError",
        "BaseException",
        "Error",
        "ErrorException",
        "Exception",
        "ExceptionGroup",
        "InvalidOperationException",
        "NonError",
        "Object",
        "RuntimeError",
        "RuntimeException",
        "StandardError",
        "System.AggregateException",
        "System.ApplicationException",
        "System.Exception",
        "System.InvalidOperationException",
        "SystemError",
        "Throwable",
        "UnhandledRejection",
        "anyhow::Error",
        "error",
        "errors.errorString",
        "exception",
        "fatal error",
        "java.lang.AssertionError",
        "java.lang.Error",
        "java.lang.Exception",
        "java.lang.IllegalStateException",
        "java.lang.RuntimeException",
        "java.lang.Throwable",
        "java.util.concurrent.CompletionException",
        "java.util.concurrent.ExecutionException",
        "kotlin.Error",
        "kotlin.Exception",
        "panic",
        "string",
    };
    return type.len == 0 || word_is_of(generic, COUNT_OF(generic), type);
}
