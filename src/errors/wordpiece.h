/* wordpiece.h -- a text as the numbers of word pieces that BERT's uncased models read.
 *
 *   "Gateway timeout: café"  -->  101 [CLS], 11909 gateway, 2051 time, ##5833 out, 1024 :, 7668 cafe, 102 [SEP]
 *
 * Normalised (control characters and accents gone, letters small), split at blanks and around punctuation and CJK, and each
 * word cut into the longest pieces that the vocabulary has. Text is text: "[CLS]" in it is three words.
 * The vocabulary is a tokenizer.json of the "tokenizers" library (model.type WordPiece).
 * Any bytes are fine: what is not UTF-8 is U+FFFD, as that library reads it. Thread: any, once open. Time: linear.
 * Memory: 1.5 MB once open; wordpiece_ids takes none. Source: the model's tokenizer.json; Y. Wu and others, 2016. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

#define WORDPIECE_IDS_MAX        128
#define WORDPIECE_WORD_CHARS_MAX 100 /* a longer word is unknown */

struct wordpiece;
MUST_CHECK bool wordpiece_open(struct wordpiece **wordpiece, const char *path, struct err *err);
void wordpiece_close(struct wordpiece *wordpiece); /* NULL is fine */
/* ids: at most ids_max (2 to WORDPIECE_IDS_MAX), the first [CLS] and the last [SEP]; answers their count. */
size_t wordpiece_ids(const struct wordpiece *wordpiece, struct bytes text, int64_t *ids, size_t ids_max);
