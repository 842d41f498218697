/* written_json.h -- JSON that SQL has written, as values and attributes of OTLP. Thread: one. Memory: the arena's. */
#pragma once
#include "base/arena.h"
#include "worker/otlp/otlp.h"

#define WRITTEN_DEPTH_MAX 32 /* as otlp_limits: what is deeper is a text */

/* Members of an object into the request's attributes; what is none has none. */
void written_attributes_add(struct otlp_request *request, struct arena *arena, struct bytes object);
/* What a body says: of a string its content, of all else its JSON. */
struct otlp_value written_body(struct arena *arena, struct bytes json);
/* [{"name":..., "attributes":{...}}] */
struct otlp_range written_events_add(struct otlp_request *request, struct arena *arena, struct bytes json);

/* Room for one more in one of the request's arrays. */
#define WRITTEN_ADD(array)                                                          \
    ({                                                                              \
        if ((array).count == (array).cap) {                                         \
            (array).cap = (array).cap ? (array).cap * 2 : 64;                       \
            (array).at = mem_realloc((array).at, (array).cap * sizeof *(array).at); \
        }                                                                           \
        memset(&(array).at[(array).count], 0, sizeof *(array).at);                  \
        &(array).at[(array).count++];                                               \
    })
