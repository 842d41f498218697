/* mem.c -- heap memory that aborts when there is none, and the buffer that grows to a limit. */
#include "base/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const size_t BUF_BYTES_MIN = 64;

/* Not a log line: making one could allocate. */
static _Noreturn void memory_is_out(void)
{
    static const char text[] = "fatal: out of memory\n";
    ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
    (void)written; /* we end either way */
    abort();
}

void *mem_alloc(size_t bytes)
{
    void *ptr = malloc(bytes == 0 ? 1 : bytes);
    if (ptr == NULL) memory_is_out();
    return ptr;
}

void *mem_calloc(size_t count, size_t bytes)
{
    void *ptr = count == 0 || bytes == 0 ? calloc(1, 1) : calloc(count, bytes);
    if (ptr == NULL) memory_is_out();
    return ptr;
}

void *mem_realloc(void *ptr, size_t bytes)
{
    void *moved = realloc(ptr, bytes == 0 ? 1 : bytes);
    if (moved == NULL) memory_is_out();
    return moved;
}

char *mem_strdup(const char *text)
{
    return bytes_to_text(bytes_of_text(text));
}

char *bytes_to_text(struct bytes bytes)
{
    char *text = mem_alloc(bytes.len + 1);
    if (bytes.len > 0) memcpy(text, bytes.ptr, bytes.len);
    text[bytes.len] = '\0';
    return text;
}

void buf_deinit(struct buf *buf)
{
    free(buf->ptr);
    *buf = (struct buf){ .bytes_max = buf->bytes_max };
}

bool buf_reserve(struct buf *buf, size_t more)
{
    assert(buf->len <= buf->cap);
    if (more <= buf->cap - buf->len) return true;
    if (buf->len > buf->bytes_max || more > buf->bytes_max - buf->len) return false;

    size_t need = buf->len + more;
    size_t cap = buf->cap < BUF_BYTES_MIN ? BUF_BYTES_MIN : buf->cap;
    /* Twice as much, near the end half of what is left: one byte at a time must not copy it all each time. */
    while (cap < need) cap = cap < buf->bytes_max / 2 ? cap * 2 : cap + (buf->bytes_max - cap + 1) / 2;
    if (cap > buf->bytes_max) cap = buf->bytes_max;
    buf->ptr = mem_realloc(buf->ptr, cap);
    buf->cap = cap;
    return true;
}

bool buf_add(struct buf *buf, const void *ptr, size_t len)
{
    if (len == 0) return true;
    if (!buf_reserve(buf, len)) return false;
    memcpy(buf->ptr + buf->len, ptr, len);
    buf->len += len;
    return true;
}

bool buf_printf(struct buf *buf, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    size_t room = buf->cap - buf->len;
    int len = vsnprintf(room > 0 ? (char *)buf->ptr + buf->len : NULL, room, fmt, args);
    va_end(args);
    assert(len >= 0); /* the format is ours */

    bool fits = (size_t)len < room;
    if (!fits && buf_reserve(buf, (size_t)len + 1)) {
        vsnprintf((char *)buf->ptr + buf->len, (size_t)len + 1, fmt, again);
        fits = true;
    }
    va_end(again);
    if (fits) buf->len += (size_t)len;
    return fits;
}
