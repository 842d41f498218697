/* bytes.h -- a borrowed view of bytes, and a buffer that grows up to a stated size.
 *
 * Thread: values; whoever holds one may use it.
 * Memory: struct bytes borrows; struct buf owns and is freed by buf_deinit. Running out of memory for
 *         a size below its maximum aborts; sizes from outside are checked against a limit before.
 * Errors: buf_reserve answers false when bytes_max would be passed; the buffer is then unchanged. */
#pragma once
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MUST_CHECK        __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define COUNT_OF(a)       (sizeof(a) / sizeof((a)[0]))
#define likely(x)         __builtin_expect(!!(x), 1)
#define unlikely(x)       __builtin_expect(!!(x), 0)

struct bytes {
    const uint8_t *ptr; /* never NUL-terminated */
    size_t len;
};

#define BYTES(literal) ((struct bytes){ (const uint8_t *)("" literal), sizeof(literal) - 1 })

static inline struct bytes bytes_from(const void *ptr, size_t len)
{
    return (struct bytes){ (const uint8_t *)ptr, len };
}
static inline struct bytes bytes_of_text(const char *text)
{
    return (struct bytes){ (const uint8_t *)text, strlen(text) };
}
static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}
/* The same of a secret: looks at every byte, so that the time says nothing of how much of it is right. */
static inline bool bytes_equal_secret(struct bytes a, struct bytes b)
{
    uint8_t difference = 0;
    if (a.len != b.len) return false;
    for (size_t i = 0; i < a.len; i++) difference |= (uint8_t)(a.ptr[i] ^ b.ptr[i]);
    return difference == 0;
}
/* As memcmp, then by length. */
static inline int bytes_compare(struct bytes a, struct bytes b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len == 0 ? 0 : memcmp(a.ptr, b.ptr, len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}
/* A NUL-terminated copy by malloc, the caller's to free. */
char *bytes_to_text(struct bytes bytes);

struct buf {
    uint8_t *ptr;
    size_t len, cap, bytes_max;
};

static inline void buf_init(struct buf *buf, size_t bytes_max)
{
    *buf = (struct buf){ .bytes_max = bytes_max };
}
void buf_deinit(struct buf *buf);
/* Makes room for more bytes after len. */
MUST_CHECK bool buf_reserve(struct buf *buf, size_t more);
MUST_CHECK bool buf_add(struct buf *buf, const void *ptr, size_t len);
/* printf at the end; the NUL that vsnprintf writes is not counted in len. */
MUST_CHECK bool buf_printf(struct buf *buf, const char *fmt, ...) PRINTF_LIKE(2, 3);
static inline struct bytes buf_bytes(const struct buf *buf)
{
    return (struct bytes){ buf->ptr, buf->len };
}

/* Heap memory that aborts with a message when there is none: for sizes already checked. */
void *mem_alloc(size_t bytes) __attribute__((malloc, returns_nonnull));
void *mem_calloc(size_t count, size_t bytes) __attribute__((malloc, returns_nonnull));
void *mem_realloc(void *ptr, size_t bytes) __attribute__((returns_nonnull));
char *mem_strdup(const char *text) __attribute__((malloc, returns_nonnull));
