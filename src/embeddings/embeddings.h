/* embeddings.h -- the embedder that a setting names.
 *
 *   off    none: grouping by meaning is left out
 *   local  the model in the process (errors/embed.h)
 *   URL    an API as OpenAI has it: POST URL/embeddings {"model": ..., "input": ...} --> {"data": [{"embedding": [...]}]}
 *
 * What an API answers has its own number of dimensions: up to EMBED_DIMENSIONS it is used as it is, more are folded into as
 * many by signs that hang on the place alone (K. Weinberger and others, "Feature Hashing", 2009), which keeps cosines to a few
 * hundredths. Another model has other cosines: directions of different embedders are never compared, so changing it is a new start.
 * Thread: one owner. Memory: none that grows. Time: of an API up to 5 s a call.
 * Errors: ERR_INPUT the setting; of a call ERR_IO what the API said or did not, and for API_REST_MS after that at once. */
#pragma once
#include "errors/embed.h"

struct http_client;
struct embeddings_options {
    const char *setting;        /* off, local or a URL */
    const char *model;          /* of an API, its name for it; NULL: text-embedding-3-small */
    const char *key;            /* of an API, sent as bearer; NULL: none */
    struct http_client *client; /* of an API; outlives this */
};
struct embeddings;
MUST_CHECK bool embeddings_open(struct embeddings **embeddings, const struct embeddings_options *options,
                                struct err *err);
void embeddings_close(struct embeddings *embeddings); /* NULL is fine */
/* embed is NULL when it is off. Lives as long as the embeddings. */
struct embedder embeddings_face(struct embeddings *embeddings);
