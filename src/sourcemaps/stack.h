/* stack.h -- the frames of a JavaScript stack trace replaced by where they come from, line by line; all else stays.
 *
 *   "    at t (https://www.example.com/app.js:1:2043)"  -->  "    at Cart.total (src/cart.ts:12:9)"
 *
 * Read are the frames of V8, SpiderMonkey, JavaScriptCore and Hermes, as errors/ reads them. A frame's function is:
 *   1. the one around its place in the source, where the map has the source's text: what no minifier can hide
 *   2. else what the caller calls it by: the name that the map has for the caller's place, when the caller is resolved too
 *   3. else the property's name that the engine saw ("t.total": minifiers keep those), or a name too long for a minifier's
 * Thread: any. Memory: the arena's, some multiple of the text. Time: linear, and a look-up a frame, of STACK_FRAMES_MAX. */
#pragma once
#include "base/arena.h"
#include "sourcemaps/map.h"

#define STACK_FRAMES_MAX 256

struct stack_maps {
    /* The map of a file as it stands in the stack, held until all is done; NULL: it has none. */
    const struct map *(*of_file)(void *ctx, struct bytes file);
    void *ctx;
};
struct stack_counts {
    uint32_t frames;   /* resolved */
    uint32_t unmapped; /* of a file that has a map, which says nothing of the place */
};
/* False: no frame was resolved; *resolved is as it was. */
bool stack_resolve(struct arena *arena, struct bytes text, const struct stack_maps *maps, struct bytes *resolved,
                   struct stack_counts *counts);
