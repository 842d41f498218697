#include "timefusion/shred/members.h"

static bool odd(struct members *members)
{
    members->is_odd = true;
    return false;
}

/* Behind the string whose content begins at `at`; NULL: it does not end. */
static const uint8_t *string_end(const uint8_t *at, const uint8_t *end, bool *has_escape)
{
    const uint8_t *quote = memchr(at, '"', (size_t)(end - at));
    if (quote && !memchr(at, '\\', (size_t)(quote - at))) return quote + 1;
    *has_escape = true;
    for (; at < end; at++) {
        if (*at == '\\')
            at++;
        else if (*at == '"')
            return at + 1;
    }
    return NULL;
}

/* Behind the list or object that begins at `at`. */
static const uint8_t *nest_end(const uint8_t *at, const uint8_t *end)
{
    bool ignored = false;
    for (uint32_t depth = 0; at && at < end;) {
        uint8_t byte = *at++;
        if (byte == '"')
            at = string_end(at, end, &ignored);
        else if (byte == '{' || byte == '[')
            depth++;
        else if ((byte == '}' || byte == ']') && --depth == 0)
            return at;
    }
    return NULL;
}

bool members_next(struct members *members, struct member *member)
{
    const uint8_t *at = members->at, *end = members->end;
    if (members->is_odd) return false;
    if (at < end && *at == '}') return at + 1 == end ? false : odd(members);
    if (at >= end || *at != '"') return odd(members);
    const uint8_t *key = ++at;
    bool has_escape = false;
    at = string_end(at, end, &has_escape);
    if (!at || has_escape || at >= end || *at != ':') return odd(members);
    member->key = bytes_from(key, (size_t)(at - key) - 1);
    if (++at >= end) return odd(members);
    const uint8_t *value = at;
    member->is_string = *at == '"';
    member->is_object = *at == '{';
    if (member->is_string) {
        at = string_end(at + 1, end, &has_escape);
        if (!at) return odd(members);
        member->is_whole = !has_escape;
        member->text = bytes_from(value + 1, (size_t)(at - value) - 2);
    } else if (member->is_object || *at == '[') {
        at = nest_end(at, end);
        if (!at) return odd(members);
        member->is_whole = false;
        member->text = bytes_from(value, (size_t)(at - value));
    } else {
        while (at < end && *at != ',' && *at != '}' && *at > ' ') at++;
        if (at == value || at == end || *at <= ' ') return odd(members);
        member->is_whole = true;
        member->text = bytes_from(value, (size_t)(at - value));
    }
    if (at >= end) return odd(members);
    if (*at == ',') {
        if (++at >= end || *at != '"') return odd(members);
    } else if (*at != '}') {
        return odd(members);
    }
    members->at = at;
    return true;
}
