/* embed.h -- tier 2: what a short text means, as numbers: texts of one meaning point in one direction.
 *
 *   text --wordpiece.h--> ids --MiniLM through ONNX Runtime--> a vector for each --mean, length 1--> EMBED_DIMENSIONS numbers
 *
 * The model is all-MiniLM-L6-v2 with int8 weights, in the process: nothing leaves it. `struct embedder` is the face that
 * others have too (an API behind src/net): whoever groups knows no more than that.
 * ONNX Runtime is opened by name when the first text comes, so a process that never embeds pays nothing for it; where it, the
 * model or the vocabulary is missing, every call says which file is, and what brings it.
 * Time: 2 to 6 ms of one core for EMBED_IDS_MAX pieces; opening 0.2 s. Memory: EMBED_BYTES once open, half as much again
 * while it opens, none after rest. Thread: one owner.
 * Errors: ERR_UNSUPPORTED what is missing, ERR_INTERNAL what the library says; an answer to opening is kept until a rest.
 * Sources: N. Reimers, I. Gurevych, "Sentence-BERT" (2019); W. Wang and others, "MiniLM" (2020). */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

#define EMBED_DIMENSIONS 384
#define EMBED_IDS_MAX    64
#define EMBED_BYTES      (100u << 20)

struct embedder {
    /* The vector has length 1. */
    bool (*embed)(void *context, struct bytes text, float vector[EMBED_DIMENSIONS], struct err *err);
    void *context;
    void (*rest)(void *context); /* nothing will be asked for a while: memory may go until then; NULL: there is none */
};

struct embed_options { /* NULL: where deps/bring puts them */
    const char *library, *model, *vocabulary;
};
struct embed_model;
struct embed_model *embed_model_create(const struct embed_options *options); /* opens nothing yet */
void embed_model_destroy(struct embed_model *model);                         /* NULL is fine */
struct embedder embed_model_face(struct embed_model *model);
/* Opens now what the first text would open. */
MUST_CHECK bool embed_model_open(struct embed_model *model, struct err *err);

/* The cosine of two vectors of length 1, and the same of what is kept: a byte each. */
double embed_cosine(const float *a, const float *b);
void embed_pack(int8_t packed[EMBED_DIMENSIONS], const float vector[EMBED_DIMENSIONS]);
double embed_packed_cosine(const int8_t *a, const int8_t *b);
