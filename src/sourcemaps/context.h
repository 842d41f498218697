/* context.h -- lines of a source, from the object that holds a map's sources (map.h). For sourcemaps.c alone.
 * Thread: any. Memory: the arena's. Errors: ERR_NOT_FOUND the map has no text of it; those of object.h; ERR_CORRUPT. */
#pragma once
#include "sourcemaps/map.h"
#include "sourcemaps/sourcemaps.h"

MUST_CHECK bool context_source(struct object_store *objects, struct arena *arena, const char *key, uint32_t source,
                               struct bytes *text, struct err *err);
/* line, column: from 0. False: the text has no such line. */
MUST_CHECK bool context_lines(struct bytes text, uint32_t line, uint32_t column, struct sourcemaps_context *context);
