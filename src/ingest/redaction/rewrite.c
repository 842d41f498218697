/* rewrite.c -- a walk over an OTLP message that writes it anew where something goes.
 *
 *   [tag len [tag len [ ... text ... ] ] ]     frames: the messages around the place where we are
 *
 * Nothing is written before the first edit; from then on what stands is copied up to each edit. A message's length is
 * written with its old size and set right when the message ends, so a body without a find costs a walk and no copy. */
#include <stdio.h>

#include "base/varint.h"
#include "ingest/redaction/inside.h"
#include "worker/otlp/wire.h"

enum {
    VALUES_DEEP_MAX = 40, /* deeper ones are masked; otlp_decode takes 32 */
    FRAMES_MAX = 8 + 3 * (VALUES_DEEP_MAX + 2),
};

struct frame {
    const uint8_t *len_at, *content, *end; /* in the body */
    size_t out_len_at;                     /* in out, once it is written */
};

struct walk {
    const struct redaction *redaction;
    struct redaction_scratch *scratch;
    struct redaction_counts *counts;
    struct buf *out;
    const uint8_t *pending; /* of the body: what is before it is in out or gone */
    struct frame frames[FRAMES_MAX];
    uint32_t depth, written; /* frames; of these are in out */
    uint32_t values_deep;
    size_t path_len;
    uint32_t pairs_deep; /* attributes around us */
    int8_t drop;         /* the innermost of them is to go, for this rule */
    bool is_lenient;
    bool is_too_large;
};

/* A place to come back to, as if nothing after it had been begun. */
struct mark {
    size_t out_len, path_len;
    const uint8_t *pending;
    uint32_t depth, written, values_deep, pairs_deep;
};

static struct mark mark_here(const struct walk *walk)
{
    return (struct mark){ walk->out->len, walk->path_len,    walk->pending,   walk->depth,
                          walk->written,  walk->values_deep, walk->pairs_deep };
}

static void mark_return(struct walk *walk, const struct mark *mark)
{
    walk->out->len = mark->out_len;
    walk->path_len = mark->path_len;
    walk->pending = mark->pending;
    walk->depth = mark->depth;
    walk->written = mark->written;
    walk->values_deep = mark->values_deep;
    walk->pairs_deep = mark->pairs_deep;
    walk->drop = NO_RULE;
}

/* ---- writing ---- */

static bool add(struct walk *walk, const void *ptr, size_t len)
{
    if (buf_add(walk->out, ptr, len)) return true;
    walk->is_too_large = true;
    return false;
}

static bool copy_to(struct walk *walk, const uint8_t *at)
{
    const uint8_t *from = walk->pending;
    walk->pending = at;
    return add(walk, from, (size_t)(at - from));
}

/* Room for a length like this one; *at says where. */
static bool length_begin(struct walk *walk, size_t like, size_t *at)
{
    static const uint8_t zeros[VARINT_BYTES_MAX];
    *at = walk->out->len;
    return add(walk, zeros, varint_bytes(like));
}

/* Sets it to what was written since. */
static bool length_end(struct walk *walk, size_t at, size_t like)
{
    uint8_t bytes[VARINT_BYTES_MAX] = { 0 };
    uint32_t reserved = varint_bytes(like);
    size_t len = walk->out->len - at - reserved;
    uint32_t needed = varint_bytes(len);
    if (needed > reserved && !add(walk, bytes, needed - reserved)) return false;
    if (needed != reserved) memmove(walk->out->ptr + at + needed, walk->out->ptr + at + reserved, len);
    walk->out->len = at + needed + len;
    varint_put(bytes, len);
    memcpy(walk->out->ptr + at, bytes, needed);
    return true;
}

static size_t frame_len(const struct frame *frame)
{
    return (size_t)(frame->end - frame->content);
}

/* An edit comes: the messages around it are begun. */
static bool frames_write(struct walk *walk)
{
    while (walk->written < walk->depth) {
        struct frame *frame = &walk->frames[walk->written];
        if (!copy_to(walk, frame->len_at) || !length_begin(walk, frame_len(frame), &frame->out_len_at)) return false;
        walk->pending = frame->content;
        walk->written++;
    }
    return true;
}

static void frame_enter(struct walk *walk, const uint8_t *len_at, struct wire content)
{
    assert(walk->depth < FRAMES_MAX);
    walk->frames[walk->depth++] = (struct frame){ .len_at = len_at, .content = content.at, .end = content.end };
}

static bool frame_leave(struct walk *walk)
{
    struct frame *frame = &walk->frames[--walk->depth];
    if (walk->written <= walk->depth) return true;
    walk->written = walk->depth;
    return copy_to(walk, frame->end) && length_end(walk, frame->out_len_at, frame_len(frame));
}

static bool cut(struct walk *walk, const uint8_t *from, const uint8_t *to)
{
    if (!frames_write(walk) || !copy_to(walk, from)) return false;
    walk->pending = to;
    return true;
}

/* ---- texts ---- */

static void count(struct walk *walk, int8_t rule)
{
    walk->counts->found[rule]++;
}

/* len_at: of the text's length in the body. may_drop: an attribute is around it that can go instead. */
static bool text_walk(struct walk *walk, const uint8_t *len_at, struct bytes text)
{
    const struct redaction *redaction = walk->redaction;
    if (!text_look(redaction, walk->scratch, text)) return true;
    for (uint32_t e = 0; e < walk->scratch->edit_count; e++) {
        int8_t rule = walk->scratch->edits[e].rule;
        if (redaction->rules[rule].does == REDACTION_DROP && walk->pairs_deep > 0) {
            walk->drop = rule;
            return true;
        }
    }
    for (uint32_t e = 0; e < walk->scratch->edit_count; e++) count(walk, walk->scratch->edits[e].rule);
    size_t at;
    if (!frames_write(walk) || !copy_to(walk, len_at) || !length_begin(walk, text.len, &at)) return false;
    walk->pending = text.ptr + text.len;
    if (!text_edit(redaction, walk->scratch, text, walk->out)) {
        walk->is_too_large = true;
        return false;
    }
    return length_end(walk, at, text.len);
}

/* Ids of a wrong length are texts of anyone's: the decoder refuses their records, but the body is kept. */
static bool id_walk(struct walk *walk, struct bytes id, size_t bytes_right)
{
    static const char stars[64] = "****************************************************************";
    if (id.len == 0 || id.len == bytes_right) return true;
    if (!frames_write(walk) || !copy_to(walk, id.ptr)) return false;
    for (size_t at = 0; at < id.len; at += sizeof stars) {
        if (!add(walk, stars, id.len - at < sizeof stars ? id.len - at : sizeof stars)) return false;
    }
    walk->pending = id.ptr + id.len;
    return true;
}

/* ---- values ---- */

/* Field 1 of an AnyValue with what the rule makes of value, NO_RULE: masked. */
static bool string_value_add(struct walk *walk, int8_t rule, struct bytes value)
{
    static const uint8_t tag = WIRE_LEN(1);
    size_t at;
    if (!add(walk, &tag, 1) || !length_begin(walk, 10, &at)) return false;
    if (rule == NO_RULE) return add(walk, "[redacted]", 10) && length_end(walk, at, 10);
    if (!replacement_add(walk->redaction, rule, value, walk->out)) {
        walk->is_too_large = true;
        return false;
    }
    return length_end(walk, at, 10);
}

/* The whole AnyValue, whose length is at len_at. */
static bool value_replace(struct walk *walk, const uint8_t *len_at, const uint8_t *end, int8_t rule, struct bytes value)
{
    size_t at;
    if (!frames_write(walk) || !copy_to(walk, len_at) || !length_begin(walk, 12, &at)) return false;
    walk->pending = end;
    if (rule != NO_RULE) count(walk, rule);
    return string_value_add(walk, rule, value) && length_end(walk, at, 12);
}

struct value_look {
    enum { VALUE_NONE, VALUE_TEXT, VALUE_NUMBER } kind;
    struct bytes text; /* what a keyed hash is of */
    char number[32];
};

/* What an AnyValue is; the last field stands. False: it is not protobuf. */
static bool value_look(struct wire value, struct value_look *look)
{
    uint64_t tag, integer = 0;
    double real;
    bool is_read = true;
    look->kind = VALUE_NONE;
    while (is_read && value.at < value.end && wire_varint(&value, &tag)) {
        switch (tag) {
        case WIRE_LEN(1):
        case WIRE_LEN(5):
        case WIRE_LEN(6):
        case WIRE_LEN(7):
            look->kind = VALUE_TEXT;
            is_read = wire_bytes(&value, &look->text);
            break;
        case WIRE_VARINT(2):
        case WIRE_VARINT(3):
            look->kind = VALUE_NUMBER;
            is_read = wire_varint(&value, &integer);
            snprintf(look->number, sizeof look->number, "%lld", (long long)(int64_t)integer);
            look->text = bytes_of_text(look->number);
            break;
        case WIRE_FIXED64(4):
            look->kind = VALUE_NUMBER;
            is_read = wire_double(&value, &real);
            if (!is_read) break;
            snprintf(look->number, sizeof look->number, "%.17g", real);
            look->text = bytes_of_text(look->number);
            break;
        default: is_read = wire_skip(&value, tag);
        }
    }
    return is_read && value.at == value.end;
}

static bool message_walk(struct walk *walk, enum json_type type, struct wire wire);

/* A whole number that is a card's becomes a text; field: where its tag begins. */
static bool number_walk(struct walk *walk, const uint8_t *field, const uint8_t *end, uint64_t number)
{
    int8_t rule = walk->redaction->built_in[REDACTION_CARDS];
    char text[24];
    if (rule == NO_RULE || !card_is_number(number)) return true;
    if (walk->redaction->rules[rule].does == REDACTION_DROP && walk->pairs_deep > 0) {
        walk->drop = rule;
        return true;
    }
    snprintf(text, sizeof text, "%llu", (unsigned long long)number);
    count(walk, rule);
    return cut(walk, field, end) && string_value_add(walk, rule, bytes_of_text(text));
}

static bool any_value_walk(struct walk *walk, const uint8_t *len_at, struct wire wire)
{
    if (walk->values_deep == VALUES_DEEP_MAX)
        return value_replace(walk, len_at, wire.end, NO_RULE, (struct bytes){ 0 });
    walk->values_deep++;
    frame_enter(walk, len_at, wire);
    bool ok = message_walk(walk, JSON_ANY_VALUE, wire) && frame_leave(walk);
    walk->values_deep--;
    return ok;
}

/* ---- attributes ---- */

/* The name with those of the lists around it: "user.password" of {"user":{"password":..}}; its own alone when that is too
 * long. */
static struct bytes path_add(struct walk *walk, struct bytes key)
{
    char *path = walk->scratch->path;
    if (walk->path_len + key.len + 1 > NAME_BYTES_MAX) return key;
    if (walk->path_len > 0) path[walk->path_len++] = '.';
    if (key.len > 0) memcpy(path + walk->path_len, key.ptr, key.len);
    return bytes_from(path, walk->path_len += key.len);
}

/* The key may stand behind the value or be sent twice: the last one names it. False: not protobuf. */
static bool key_find(struct wire pair, struct bytes *key)
{
    uint64_t tag;
    *key = (struct bytes){ 0 };
    while (pair.at < pair.end) {
        if (!wire_varint(&pair, &tag)) return false;
        if (tag == WIRE_LEN(1) ? !wire_bytes(&pair, key) : !wire_skip(&pair, tag)) return false;
        /* The usual one has its key first, then its value, and no more. */
        if (tag == WIRE_LEN(1) && pair.at < pair.end && *pair.at == WIRE_LEN(2)) {
            struct wire rest = pair, value;
            if (wire_varint(&rest, &tag) && wire_message(&rest, &value) && rest.at == rest.end) return true;
        }
    }
    return true;
}

static struct verdict pair_verdict(struct walk *walk, struct bytes key)
{
    struct verdict verdict = { NO_RULE, NO_RULE };
    if (!walk->redaction->has_names) return verdict;
    bool is_nested = walk->path_len > 0;
    struct bytes path = is_nested ? path_add(walk, key) : key;
    verdict = name_verdict(walk->redaction, walk->scratch, path);
    if (is_nested && verdict.text == NO_RULE) verdict = name_verdict(walk->redaction, walk->scratch, key);
    if (!is_nested) (void)path_add(walk, key);
    return verdict;
}

/* The value of an attribute whose name a rule is about. */
static bool named_value_walk(struct walk *walk, const uint8_t *len_at, struct wire value, struct verdict verdict)
{
    struct value_look look;
    if (!value_look(value, &look)) return false;
    int8_t rule = look.kind == VALUE_TEXT ? verdict.text : verdict.number;
    if (look.kind == VALUE_NONE || rule == NO_RULE) return any_value_walk(walk, len_at, value);
    if (walk->redaction->rules[rule].does == REDACTION_DROP) {
        walk->drop = rule;
        return true;
    }
    return value_replace(walk, len_at, value.end, rule, look.text);
}

static bool pair_fields_walk(struct walk *walk, struct wire pair, struct verdict verdict)
{
    while (pair.at < pair.end && walk->drop == NO_RULE) {
        const uint8_t *field = pair.at, *len_at;
        uint64_t tag;
        struct wire value;
        struct bytes key;
        if (!wire_varint(&pair, &tag)) return false;
        len_at = pair.at;
        if (tag == WIRE_LEN(1)) {
            if (!wire_bytes(&pair, &key) || !text_walk(walk, len_at, key)) return false;
        } else if (tag == WIRE_LEN(2)) {
            if (!wire_message(&pair, &value)) return false;
            if (verdict.text != NO_RULE ? !named_value_walk(walk, len_at, value, verdict)
                                        : !any_value_walk(walk, len_at, value))
                return false;
        } else {
            if (!wire_skip(&pair, tag) || !cut(walk, field, pair.at)) return false;
            walk->counts->unknown_fields++;
        }
    }
    return true;
}

/* field: where the attribute's own tag begins in the message around it. */
static bool pair_walk(struct walk *walk, const uint8_t *field, const uint8_t *len_at, struct wire pair)
{
    const struct mark mark = mark_here(walk);
    struct bytes key;
    if (!key_find(pair, &key)) return false;
    struct verdict verdict = pair_verdict(walk, key);
    walk->pairs_deep++;
    frame_enter(walk, len_at, pair);
    bool ok = pair_fields_walk(walk, pair, verdict);
    walk->pairs_deep--;
    walk->path_len = mark.path_len;
    if (!ok || walk->drop == NO_RULE) return ok && frame_leave(walk);
    count(walk, walk->drop);
    mark_return(walk, &mark);
    return cut(walk, field, pair.end);
}

/* ---- messages ---- */

static bool message_field_walk(struct walk *walk, enum json_type type, const uint8_t *field, const uint8_t *len_at,
                               struct wire inner)
{
    if (type == JSON_KEY_VALUE) return pair_walk(walk, field, len_at, inner);
    if (type == JSON_ANY_VALUE) return any_value_walk(walk, len_at, inner);
    frame_enter(walk, len_at, inner);
    return message_walk(walk, type, inner) && frame_leave(walk);
}

/* A field that OTLP has, of the type it should have; else *is_known is false and it is to be stepped over. */
static bool field_walk(struct walk *walk, const struct field *known, enum json_type type, uint64_t tag,
                       const uint8_t *at_field, struct wire *wire, bool *is_known)
{
    const uint8_t *len_at = wire->at;
    struct bytes bytes;
    struct wire inner;
    uint64_t number;
    uint32_t wire_type = tag & 7;
    *is_known = true;
    switch (known->kind) {
    case FIELD_TEXT:
        if (wire_type != 2) break;
        return wire_bytes(wire, &bytes) && text_walk(walk, len_at, bytes);
    case FIELD_ID:
        if (wire_type != 2) break;
        return wire_bytes(wire, &bytes) && id_walk(walk, bytes, known->of);
    case FIELD_MESSAGE:
        if (wire_type != 2) break;
        return wire_message(wire, &inner) &&
               message_field_walk(walk, (enum json_type)known->of, at_field, len_at, inner);
    case FIELD_VARINT:
    case FIELD_FOUR:
    case FIELD_EIGHT:
        if (wire_type == 2 && known->is_repeated) return wire_skip(wire, tag);
        if (wire_type != (known->kind == FIELD_VARINT ? 0 : known->kind == FIELD_FOUR ? 5 : 1)) break;
        if (type != JSON_ANY_VALUE || tag == WIRE_VARINT(2)) return wire_skip(wire, tag);
        if (tag == WIRE_VARINT(3)) return wire_varint(wire, &number) && number_walk(walk, at_field, wire->at, number);
        double real;
        if (!wire_double(wire, &real)) return false;
        return !(real >= 1e12 && real < 9e18) || number_walk(walk, at_field, wire->at, (uint64_t)real);
    default: break;
    }
    *is_known = false;
    return true;
}

/* One field, from its tag on. */
static bool any_field_walk(struct walk *walk, enum json_type type, struct wire *wire)
{
    static const struct field unknown = { .kind = FIELD_UNKNOWN };
    const uint8_t *at_field = wire->at;
    uint64_t tag;
    bool is_known;
    if (!wire_varint(wire, &tag)) return false;
    const struct field *known = tag >> 3 <= FIELD_NUMBER_MAX ? &walk->redaction->fields[type][tag >> 3] : &unknown;
    if (!field_walk(walk, known, type, tag, at_field, wire, &is_known)) return false;
    if (is_known) return true;
    walk->counts->unknown_fields++;
    return wire_skip(wire, tag) && cut(walk, at_field, wire->at);
}

static bool message_walk(struct walk *walk, enum json_type type, struct wire wire)
{
    while (wire.at < wire.end && walk->drop == NO_RULE) {
        const struct mark mark = mark_here(walk);
        const uint8_t *at_field = wire.at;
        if (any_field_walk(walk, type, &wire)) continue;
        if (!walk->is_lenient || walk->is_too_large) return false;
        mark_return(walk, &mark);
        return cut(walk, at_field, wire.end);
    }
    return true;
}

bool redaction_rewrite(const struct redaction *redaction, struct redaction_scratch *scratch, enum otlp_signal signal,
                       struct bytes body, bool is_lenient, struct buf *out, bool *is_changed,
                       struct redaction_counts *counts, struct err *err)
{
    static const enum json_type types[] = {
        [OTLP_LOGS] = JSON_LOGS_REQUEST, [OTLP_TRACES] = JSON_TRACES_REQUEST, [OTLP_METRICS] = JSON_METRICS_REQUEST
    };
    assert(signal >= OTLP_LOGS && signal <= OTLP_METRICS);
    struct wire wire = wire_of(body);
    struct walk walk = {
        .redaction = redaction,
        .scratch = scratch,
        .counts = counts,
        .out = out,
        .pending = wire.at,
        .drop = NO_RULE,
        .is_lenient = is_lenient,
    };
    out->len = 0;
    *is_changed = false;
    bool ok = message_walk(&walk, types[signal], wire);
    assert(!ok || (walk.depth == 0 && walk.written == 0 && walk.drop == NO_RULE));
    bool has_edits = walk.pending != wire.at || out->len > 0;
    if (ok && has_edits) ok = copy_to(&walk, wire.end);
    if (!ok && walk.is_too_large)
        return err_set(err, ERR_TOO_LARGE,
                       "with what the project's redaction rules put into it the request is larger than %zu MiB; send "
                       "smaller batches",
                       out->bytes_max >> 20);
    if (!ok) return err_set(err, ERR_INPUT, "the request is not valid protobuf of this signal");
    *is_changed = has_edits;
    return true;
}
