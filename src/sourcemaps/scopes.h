/* scopes.h -- the functions of a JavaScript or TypeScript source: where each begins and ends, and what it is called.
 *
 *   source text --scopes_read--> function around each place: "total", "Cart.add", "new Cart" ...   sorted by where they begin
 *
 * A map says what a bundle's name was, but not which function a place is in; a source says that. Read are words, brackets,
 * strings, templates, regular expressions and comments: enough for functions, methods, arrow functions and classes, with the
 * names that V8 gives them (what they are assigned to). Types, decorators, JSX and what is not finished yet are passed over:
 * a text that is no program gives few scopes, or wrong ones, never an error.
 * Time: linear. Memory: the arena's; at most SCOPES_MAX functions, SCOPES_DEEP deep; further ones are left out. Thread: any. */
#pragma once
#include "base/arena.h"

#define SCOPES_MAX  (1u << 16) /* of one source */
#define SCOPES_DEEP 256
#define SCOPE_NONE  UINT32_MAX

struct scope {
    uint32_t line, column, end_line,
        end_column;    /* from 0; columns in UTF-16 code units, as maps count; the end is behind it */
    uint32_t parent;   /* SCOPE_NONE: none */
    struct bytes name; /* empty: it has none */
};
struct scopes {
    struct scope *at;
    uint32_t count;
};
void scopes_read(struct arena *arena, struct bytes source, struct scopes *scopes);
