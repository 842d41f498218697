#include "meta/origin.h"

#include <ctype.h>
#include <stdio.h>

#define ALL "*"

static bool host_byte_is_good(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' || byte == '_';
}

static bool host_is_good(struct bytes host)
{
    const char *text = (const char *)host.ptr;
    if (host.len > 2 && text[0] == '[' && text[host.len - 1] == ']') { /* IPv6 */
        for (size_t i = 1; i + 1 < host.len; i++) {
            if (!isxdigit((unsigned char)text[i]) && text[i] != ':' && text[i] != '.') return false;
        }
        return true;
    }
    size_t from = host.len > 2 && text[0] == '*' && text[1] == '.' ? 2 : 0;
    if (host.len == from || host.len > 253 || text[from] == '.' || text[host.len - 1] == '.') return false;
    for (size_t i = from; i < host.len; i++) {
        if (!host_byte_is_good(text[i])) return false;
    }
    return true;
}

/* Of "host:port" in lower case; the port's length with its colon, 0 without one; -1 when it is none. */
static int port_len(struct bytes rest)
{
    size_t at = rest.len;
    while (at > 0 && rest.ptr[at - 1] >= '0' && rest.ptr[at - 1] <= '9') at--;
    if (at == 0 || rest.ptr[at - 1] != ':') return memchr(rest.ptr, ':', rest.len) && rest.ptr[0] != '[' ? -1 : 0;
    size_t digits = rest.len - at;
    if (rest.ptr[0] == '[' && at >= 2 && rest.ptr[at - 2] != ']') return 0; /* "[::1": the brackets' check refuses it */
    unsigned port = 0;
    for (size_t i = at; i < rest.len && digits <= 5; i++) port = port * 10 + (unsigned)(rest.ptr[i] - '0');
    return digits == 0 || digits > 5 || port == 0 || port > 65535 ? -1 : (int)digits + 1;
}

/* text in lower case; *len is cut where a default port begins. */
static bool origin_check(const char *text, size_t *len)
{
    if (*len == 1 && text[0] == ALL[0]) return true;
    size_t scheme_len = 0;
    while (scheme_len < *len && isalpha((unsigned char)text[scheme_len])) scheme_len++;
    while (scheme_len > 0 && scheme_len < *len &&
           (isalnum((unsigned char)text[scheme_len]) || text[scheme_len] == '-')) {
        scheme_len++; /* chrome-extension, capacitor, app: whatever a browser shell sends */
    }
    if (scheme_len == 0 || *len < scheme_len + 4 || memcmp(text + scheme_len, "://", 3) != 0) return false;
    struct bytes rest = bytes_from((const uint8_t *)text + scheme_len + 3, *len - scheme_len - 3);
    int port = port_len(rest);
    if (port < 0) return false;
    if (!host_is_good(bytes_from(rest.ptr, rest.len - (size_t)port))) return false;
    bool is_default =
        (scheme_len == 4 && memcmp(text, "http", 4) == 0 && port == 3 && memcmp(text + *len - 3, ":80", 3) == 0) ||
        (scheme_len == 5 && memcmp(text, "https", 5) == 0 && port == 4 && memcmp(text + *len - 4, ":443", 4) == 0);
    if (is_default) *len -= (size_t)port;
    return true;
}

/* The next one of the list: false at its end. */
static bool origin_next(const char **at, const char *separators, struct bytes *origin)
{
    *at += strspn(*at, separators);
    size_t len = strcspn(*at, separators);
    *origin = bytes_from(*at, len);
    *at += len;
    return len > 0;
}

static bool is_listed(const char *origins, struct bytes origin)
{
    struct bytes one;
    for (const char *at = origins; origin_next(&at, " ", &one);) {
        if (bytes_equal(one, origin)) return true;
    }
    return false;
}

bool origins_read(const char *text, char origins[ORIGINS_BYTES], struct err *err)
{
    size_t len = 0;
    struct bytes sent;
    origins[0] = '\0';
    for (const char *at = text; origin_next(&at, ", \t\r\n", &sent);) {
        char origin[ORIGINS_BYTES];
        size_t origin_len = sent.len;
        if (origin_len < sizeof origin) {
            for (size_t i = 0; i < origin_len; i++) origin[i] = (char)tolower(sent.ptr[i]);
        }
        if (origin_len >= sizeof origin || !origin_check(origin, &origin_len)) {
            return err_set(err, ERR_INPUT,
                           "\"%.*s\" is not the origin of a web page: write it as https://shop.example, "
                           "https://*.shop.example or http://localhost:3000, without a path; * allows every page",
                           sent.len < 80 ? (int)sent.len : 80, (const char *)sent.ptr);
        }
        if (is_listed(origins, bytes_from(origin, origin_len))) continue;
        if (len + 1 + origin_len >= ORIGINS_BYTES) {
            return err_set(err, ERR_TOO_LARGE, "the origins of one key take at most %d bytes: make a second key",
                           ORIGINS_BYTES - 1);
        }
        if (len > 0) origins[len++] = ' ';
        memcpy(origins + len, origin, origin_len);
        len += origin_len;
        origins[len] = '\0';
    }
    return true;
}

/* Host "*.shop.example" against "eu.shop.example". */
static bool is_below(struct bytes pattern, struct bytes origin)
{
    const uint8_t *star = memchr(pattern.ptr, '*', pattern.len);
    if (star == NULL || pattern.len == 1) return false;
    size_t head = (size_t)(star - pattern.ptr), tail = pattern.len - head - 1;
    if (origin.len <= head + tail || memcmp(origin.ptr, pattern.ptr, head) != 0 ||
        memcmp(origin.ptr + origin.len - tail, star + 1, tail) != 0)
        return false;
    for (size_t i = head; i < origin.len - tail; i++) {
        if (!host_byte_is_good((char)origin.ptr[i])) return false;
    }
    return true;
}

bool origins_hold(const char *origins, struct bytes origin)
{
    struct bytes one;
    char lower[ORIGINS_BYTES];
    if (origin.len == 0 || origin.len >= sizeof lower) return false;
    for (size_t i = 0; i < origin.len; i++) lower[i] = (char)tolower(origin.ptr[i]);
    struct bytes sent = bytes_from(lower, origin.len);
    for (const char *at = origins; origin_next(&at, " ", &one);) {
        if (bytes_equal(one, BYTES(ALL)) || bytes_equal(one, sent) || is_below(one, sent)) return true;
    }
    return false;
}
