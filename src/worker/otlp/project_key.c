/* project_key.c -- keys in resources, in the encoded bytes: what is kept of a request does not have them. */
#include "worker/otlp/otlp.h"
#include "worker/otlp/wire.h"

enum { HIDDEN = '*' };

/* The next length-delimited field of that number; false: there is no further one, or what follows is not protobuf. */
static bool field_next(struct wire *wire, uint32_t number, struct wire *inner)
{
    uint64_t tag;
    while (wire->at < wire->end && wire_varint(wire, &tag)) {
        if (tag == WIRE_LEN(number)) return wire_message(wire, inner);
        if (!wire_skip(wire, tag)) return false;
    }
    return false;
}

static void value_hide(struct wire value)
{
    struct wire text;
    while (field_next(&value, 1, &text)) memset((uint8_t *)(uintptr_t)text.at, HIDDEN, wire_left(&text));
}

/* KeyValue: the key may stand behind the value, or be sent twice. */
static void attribute_hide(struct wire pair)
{
    struct wire keys = pair, key, value;
    bool is_ours = false;
    while (field_next(&keys, 1, &key)) {
        is_ours |= bytes_equal(bytes_from(key.at, wire_left(&key)), BYTES(OTLP_PROJECT_KEY));
    }
    while (is_ours && field_next(&pair, 2, &value)) value_hide(value);
}

void otlp_hide_project_keys(uint8_t *body, size_t len)
{
    struct wire request = wire_of(bytes_from(body, len)), resources, resource, pair;
    while (field_next(&request, 1, &resources)) { /* ResourceLogs, ResourceSpans, ResourceMetrics */
        while (field_next(&resources, 1, &resource)) {
            while (field_next(&resource, 1, &pair)) attribute_hide(pair);
        }
    }
}
