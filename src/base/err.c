#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/utf8.h"

/* vsnprintf cuts at a byte; the text goes into JSON and gRPC messages, so cut at a character. */
static void text_set(char *text, size_t text_bytes, const char *fmt, va_list args)
{
    int len = vsnprintf(text, text_bytes, fmt, args);
    assert(len >= 0); /* the format is ours */
    if ((size_t)len >= text_bytes) {
        text[utf8_cut(bytes_from(text, text_bytes - 1), text_bytes - 1)] = '\0';
    }
}

bool err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
    assert(code > ERR_OK && code < ERR_CODE_COUNT);
    /* Aside first: the arguments may point into err->text. */
    char text[sizeof err->text];
    va_list args;
    va_start(args, fmt);
    text_set(text, sizeof text, fmt, args);
    va_end(args);
    *err = (struct err){ .code = code };
    memcpy(err->text, text, sizeof text);
    return false;
}

bool err_os(struct err *err, const char *fmt, ...)
{
    int os_errno = errno;
    char what[sizeof err->text];
    va_list args;
    va_start(args, fmt);
    text_set(what, sizeof what, fmt, args);
    va_end(args);

    char words_room[80];
    const char *words = strerror_r(os_errno, words_room, sizeof words_room); /* the GNU one */
    err_set(err, ERR_IO, "%s: %s", what, words);
    err->os_errno = os_errno;
    errno = os_errno;
    return false;
}

bool err_within(struct err *err, const char *fmt, ...)
{
    assert(err->code != ERR_OK);
    char context[sizeof err->text];
    va_list args;
    va_start(args, fmt);
    text_set(context, sizeof context, fmt, args);
    va_end(args);

    struct err inner = *err;
    err_set(err, inner.code, "%s: %s", context, inner.text);
    err->os_errno = inner.os_errno;
    err->position = inner.position;
    memcpy(err->hint, inner.hint, sizeof err->hint);
    return false;
}

bool err_hint(struct err *err, const char *fmt, ...)
{
    assert(err->code != ERR_OK);
    char hint[sizeof err->hint]; /* aside first, as in err_set */
    va_list args;
    va_start(args, fmt);
    text_set(hint, sizeof hint, fmt, args);
    va_end(args);
    memcpy(err->hint, hint, sizeof hint);
    return false;
}

static const struct {
    int grpc, http;
    const char *sqlstate;
    bool is_retryable;
    const char *name;
} codes[ERR_CODE_COUNT] = {
#define X(name, grpc, http, sqlstate, retry) [name] = { grpc, http, sqlstate, retry, #name },
    ERR_CODES(X)
#undef X
};

int err_grpc_status(enum err_code code)
{
    assert(code < ERR_CODE_COUNT);
    return codes[code].grpc;
}

int err_http_status(enum err_code code)
{
    assert(code < ERR_CODE_COUNT);
    return codes[code].http;
}

const char *err_sqlstate(enum err_code code)
{
    assert(code < ERR_CODE_COUNT);
    return codes[code].sqlstate;
}

bool err_is_retryable(enum err_code code)
{
    assert(code < ERR_CODE_COUNT);
    return codes[code].is_retryable;
}

const char *err_name(enum err_code code)
{
    assert(code < ERR_CODE_COUNT);
    return codes[code].name;
}
