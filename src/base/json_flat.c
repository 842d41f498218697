#include "base/json_flat.h"
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define NEEDLE_BYTES_MAX 128

static bool is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* In a name as it is, whatever wrote it, and never next to a quote that ends a string. */
static bool is_plain(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
           byte == '.' || byte == '_' || byte == '-' || byte == '$' || byte == '@' || byte == '#' || byte == '+' ||
           byte == '*';
}

/* An object within comes after a colon, a comma or a bracket; the { of "/carts/{id}" does not. */
static bool has_object(const uint8_t *at, const uint8_t *end)
{
    for (const uint8_t *brace = at; (brace = memchr(brace, '{', (size_t)(end - brace))) != NULL; brace++)
        if (is_space(brace[-1]) || brace[-1] == ':' || brace[-1] == ',' || brace[-1] == '[') return true;
    return false;
}

/* Where the needle stands in [at, end), or NULL. Looked for by its first two bytes and its last together: in a text of many
 * quotes each alone is everywhere. len: 2 at least. */
static const uint8_t *needle_find(const uint8_t *at, const uint8_t *end, const uint8_t *needle, size_t len)
{
#ifdef __SSE2__
    const __m128i first = _mm_set1_epi8((char)needle[0]), second = _mm_set1_epi8((char)needle[1]),
                  last = _mm_set1_epi8((char)needle[len - 1]);
    for (; end - at >= (ptrdiff_t)(len + 15); at += 16) {
        __m128i a = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)at), first),
                b = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)(at + 1)), second),
                c = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)(at + len - 1)), last);
        unsigned hits = (unsigned)_mm_movemask_epi8(_mm_and_si128(_mm_and_si128(a, b), c));
        for (; hits != 0; hits &= hits - 1) {
            const uint8_t *hit = at + __builtin_ctz(hits);
            if (memcmp(hit, needle, len) == 0) return hit;
        }
    }
#endif
    for (; end - at >= (ptrdiff_t)len; at++)
        if (at[0] == needle[0] && memcmp(at, needle, len) == 0) return at;
    return NULL;
}

/* The value that begins at `at`. */
static enum json_flat value_take(const uint8_t *at, const uint8_t *end, struct bytes *value, bool *is_string)
{
    while (at < end && is_space(*at)) at++;
    if (at == end || *at == '[' || *at == '{') return JSON_FLAT_UNSURE;
    *is_string = *at == '"';
    if (*is_string) {
        at++;
        const uint8_t *close = memchr(at, '"', (size_t)(end - at));
        if (!close || (close > at && memchr(at, '\\', (size_t)(close - at)))) return JSON_FLAT_UNSURE;
        *value = bytes_from(at, (size_t)(close - at));
        return JSON_FLAT_FOUND;
    }
    const uint8_t *stop = at;
    while (stop < end && *stop != ',' && *stop != '}' && !is_space(*stop)) stop++;
    if (stop == at || stop == end) return JSON_FLAT_UNSURE;
    *value = bytes_from(at, (size_t)(stop - at));
    return JSON_FLAT_FOUND;
}

/* A quote that does not follow a backslash begins or ends a string. One that ends a string is not followed by a name, so
 * behind the needle's quote a string begins; when it ends where the path does and a colon comes, it is a member's name, and as
 * no object began before it, a member of this one. Of two members of one name, written alike, the first counts, as it does
 * for a reader of the whole. */
enum json_flat json_flat_find(struct bytes object, struct bytes path, struct bytes *value, bool *is_string)
{
    uint8_t needle[NEEDLE_BYTES_MAX] = { '"' };
    if (object.len == 0) return JSON_FLAT_NONE;
    const uint8_t *at = object.ptr, *end = object.ptr + object.len;
    if (path.len == 0 || path.len + 1 > sizeof needle) return JSON_FLAT_UNSURE;
    for (size_t i = 0; i < path.len; i++)
        if (!is_plain(path.ptr[i])) return JSON_FLAT_UNSURE;
    while (at < end && is_space(*at)) at++;
    if (at == end || *at != '{') return JSON_FLAT_UNSURE;
    const uint8_t *inside = ++at;
    memcpy(needle + 1, path.ptr, path.len);
    for (; (at = needle_find(at, end, needle, path.len + 1)) != NULL; at++) {
        const uint8_t *behind = at + path.len + 1;
        if (at[-1] == '\\') continue; /* within a string */
        if (behind == end) return JSON_FLAT_UNSURE;
        if (*behind == '.') return JSON_FLAT_UNSURE; /* keys that go on below the path: an object of them */
        if (*behind == '\\') return JSON_FLAT_UNSURE;
        if (*behind != '"') continue; /* a longer name, or text */
        for (behind++; behind < end && is_space(*behind); behind++) {}
        if (behind == end) return JSON_FLAT_UNSURE;
        if (*behind != ':') continue; /* a string's value */
        return has_object(inside, at) ? JSON_FLAT_UNSURE : value_take(behind + 1, end, value, is_string);
    }
    if (memchr(path.ptr, '.', path.len) && has_object(inside, end))
        return JSON_FLAT_UNSURE; /* in one of a shorter name */
    return memchr(object.ptr, '\\', object.len) ? JSON_FLAT_UNSURE : JSON_FLAT_NONE;
}
