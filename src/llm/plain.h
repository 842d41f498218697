/* plain.h -- what a model said, as text that can do nothing: no link, no image, no HTML, nothing that hides.
 *
 *   "See [here](https://evil/?q=secret) ![](https://evil/a.png) <b>now</b>" --llm_plain--> "See here now"
 *
 * Markdown's links, images, reference definitions and autolinks lose their addresses and keep their words; tags and comments of
 * HTML go (the content of script and style too), entities are read first so that they hide none; addresses with a scheme and
 * www. become "‹link removed›"; control characters, marks of text direction, zero-width and tag characters go. Emphasis, lists,
 * headings and code stay as the characters they are: who shows it shows text.
 * What comes out put in again comes out the same.
 * Thread: any. Memory: out, at most three times the text. Errors: ERR_TOO_LARGE when out is full. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
MUST_CHECK bool llm_plain(struct bytes text, struct buf *out, struct err *err);
/* Is it so already? */
bool llm_is_plain(struct bytes text);
