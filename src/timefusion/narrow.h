/* narrow.h -- a snapshot's files and the index: what was asked once for a statement is not asked again. Private.
 *
 * Thread: any; a lock inside, not held while the index is asked. Memory: 9 bytes a file for each question. */
#pragma once
#include "timefusion/index/index.h"

struct narrow;
struct narrow *narrow_create(struct index *index);
void narrow_destroy(struct narrow *narrow); /* NULL is fine */
