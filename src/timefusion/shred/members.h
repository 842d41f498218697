/* members.h -- the members of a flat JSON object one after the other, as our own rows are written.
 *
 *   {"a":1,"b":"x\n","c":{"d":[]}}  -->  a 1, b "x\n" (is_whole false), c {"d":[]} (is_object, is_whole false)
 *
 * Thread: pure. Memory: none; all is borrowed. Errors: members_next says false at the end and where the text is not as we
 * write it (white space, names with escapes, cut): then is_odd, and only a reader of JSON knows. */
#pragma once
#include "base/bytes.h"

struct members {
    const uint8_t *at, *end;
    bool is_odd;
};
struct member {
    struct bytes key;
    struct bytes text; /* a string's content, another scalar's letters; when is_whole */
    bool is_whole;     /* text is the value as text; else it has escapes, or is a list or an object */
    bool is_string, is_object;
};
static inline void members_init(struct members *members, struct bytes object)
{
    members->at = object.ptr;
    members->end = object.ptr + object.len;
    members->is_odd = object.len < 2 || object.ptr[0] != '{';
    if (!members->is_odd) members->at++;
}
bool members_next(struct members *members, struct member *member);
