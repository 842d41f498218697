/* render_inside.h -- what the renderers share: a JSON document with texts that are cut to their bounds. */
#pragma once
#include <yyjson.h>

#include "channels/render.h"

/* At most count_max characters, the last "…" when some are left out. In the document's memory. */
yyjson_mut_val *render_cut(yyjson_mut_doc *doc, struct bytes text, size_t count_max);
void render_put(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *name, struct bytes text, size_t count_max);
/* The document into out, and its end. */
MUST_CHECK bool render_end(yyjson_mut_doc *doc, struct buf *out, struct err *err);
/* "[critical] title", "[resolved] title" ... */
void render_title(const struct message *message, struct buf *out);
/* The first link that can be sent; empty: none. Into out. */
struct bytes render_first_url(const struct message *message, const struct render_context *context, struct buf *out);
/* RRGGBB of what it says: resolved is green, then by severity. */
uint32_t render_colour(const struct message *message);
