#include "worker/otlp/otlp_json.h"
#include "worker/otlp/json_put.h"

static bool message_read(struct json *json, enum json_type type, const struct json_place *up);

/* ---- attributes, the bulk of it ---- */

static inline uint64_t load64(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, 8);
    return word;
}

#define STARTS_WITH(at, literal) (memcmp((at), (literal), sizeof(literal) - 1) == 0)
enum { SCALAR_BYTES_MAX = 11, SCALAR_NAME_MAX = 13, SCALAR_TEXT_MIN = 5 };

/* "intValue":1 and the like, from behind the first quote on; at least SCALAR_NAME_MAX and SCALAR_TEXT_MIN bytes are there. Its
 * end, and the AnyValue; NULL when it is of another kind or form. */
static const uint8_t *usual_scalar(const uint8_t *at, const uint8_t *end, uint8_t value[SCALAR_BYTES_MAX], size_t *len)
{
    uint64_t bits;
    if (STARTS_WITH(at, "intValue\":")) {
        at = digits_usual(at + 10, end, &bits);
        if (at == NULL) return NULL;
        value[0] = 3 << 3 | WIRE_VARINT_TYPE;
        *len = (size_t)(varint_put(value + 1, bits) - value);
        return at;
    }
    if (STARTS_WITH(at, "boolValue\":")) {
        bool is_true = STARTS_WITH(at + 11, "true");
        if (!is_true && !STARTS_WITH(at + 11, "false")) return NULL;
        value[0] = 2 << 3 | WIRE_VARINT_TYPE;
        value[1] = is_true;
        *len = 2;
        return at + 11 + (is_true ? 4 : 5);
    }
    if (STARTS_WITH(at, "doubleValue\":")) {
        struct json_number number;
        double real;
        const uint8_t *to = json_number_read(at + 13, end, &number);
        if (to == NULL || !json_number_double(&number, bytes_from(at + 13, (size_t)(to - at - 13)), &real)) return NULL;
        value[0] = 4 << 3 | WIRE_FIXED64_TYPE;
        memcpy(value + 1, &real, 8);
        *len = 9;
        return to;
    }
    return NULL;
}

/* A KeyValue up to its AnyValue, of which the length is known. */
static inline uint8_t *pair_head_put(const struct json *json, uint8_t *out, const struct json_field *field,
                                     struct bytes key, size_t value_len)
{
    size_t value_bytes = 1 + varint_bytes(value_len) + value_len;
    size_t key_bytes = key.len == 0 ? 0 : 1 + varint_bytes(key.len) + key.len;
    out = varint_put(tag_put(out, field, WIRE_LEN_TYPE), key_bytes + value_bytes);
    if (key.len > 0) {
        *out++ = 1 << 3 | WIRE_LEN_TYPE;
        out = varint_put(out, key.len);
        out = json_copy(json, out, key.ptr, key.len);
    }
    *out++ = 2 << 3 | WIRE_LEN_TYPE;
    return varint_put(out, value_len);
}

/* {"key":"K","value":{"stringValue":"V"}} and the like, as it is written without blanks and escapes. True: it was read; or
 * *is_usual is false and nothing was. */
static bool attribute_read_usual(struct json *json, const struct json_field *field, bool *is_usual)
{
    enum { HEADS_BYTES_MAX = 48 /* four tags and lengths, and an AnyValue that is no text */ };
    static const char head[] = "{\"key\":\"", middle[] = "\",\"value\":{\"";
    const uint8_t *at = json->at, *end = json->end;
    *is_usual = false;
    if (end - at < 48 || load64(at) != load64((const uint8_t *)head)) return true;
    const uint8_t *key_end = json_plain_end(at + 8, end);
    struct bytes key = bytes_from(at + 8, (size_t)(key_end - at - 8));
    if (end - key_end < (ptrdiff_t)sizeof middle + SCALAR_NAME_MAX + SCALAR_TEXT_MIN || !STARTS_WITH(key_end, middle))
        return true;
    at = key_end + sizeof middle - 1;
    if (STARTS_WITH(at, "stringValue\":\"")) {
        const uint8_t *text = at + 14;
        at = json_plain_end(text, end);
        if (end - at < 3 || !STARTS_WITH(at, "\"}}")) return true;
        size_t len = (size_t)(at - text);
        if (!json_room(json, key.len + len + HEADS_BYTES_MAX)) return false;
        uint8_t *out = pair_head_put(json, json->out, field, key, 1 + varint_bytes(len) + len);
        *out++ = 1 << 3 | WIRE_LEN_TYPE;
        json->out = json_copy(json, varint_put(out, len), text, len);
        at++;
    } else {
        uint8_t value[SCALAR_BYTES_MAX] = { 0 };
        size_t len = 0;
        at = usual_scalar(at, end, value, &len);
        if (at == NULL || end - at < 2 || !STARTS_WITH(at, "}}")) return true;
        if (!json_room(json, key.len + HEADS_BYTES_MAX)) return false;
        uint8_t *out = pair_head_put(json, json->out, field, key, len);
        memcpy(out, value, sizeof value); /* room is there, and a fixed size is faster */
        json->out = out + len;
    }
    json->at = at + 2;
    *is_usual = true;
    return true;
}

/* ---- messages ---- */

/* A message field or an element of a list of them. */
static bool message_value(struct json *json, const struct json_field *field, const struct json_place *place)
{
    enum json_type type = (enum json_type)field->of;
    bool is_list_value = type == JSON_ARRAY_VALUE || type == JSON_KEY_VALUE_LIST;
    if (type == JSON_KEY_VALUE) {
        bool is_usual;
        if (!attribute_read_usual(json, field, &is_usual)) return false;
        if (likely(is_usual)) return true;
    }
    if (!json_room(json, NUMBER_ROOM)) return false;
    json->out = tag_put(json->out, field, WIRE_LEN_TYPE);
    struct length length = length_open(json, json->length_bytes[type]);
    bool ok;
    if (is_list_value && json->values_deep == JSON_VALUES_DEEP) {
        ok = json_skip_value(json);
    } else {
        json->values_deep += is_list_value;
        ok = message_read(json, type, place);
        json->values_deep -= is_list_value;
    }
    if (!ok || !length_close(json, &length)) return false;
    if (length.bytes < LENGTH_BYTES_MAX) json->length_bytes[type] = (uint8_t)length.bytes;
    return true;
}

static bool element_read(struct json *json, const struct json_field *field, const struct json_place *place)
{
    if (field->kind == JSON_MESSAGE) {
        if (unlikely(json_peek(json) == 'n') && field->of == JSON_ANY_VALUE) { /* an empty value */
            if (!json_room(json, NUMBER_ROOM)) return false;
            json->out = tag_put(json->out, field, WIRE_LEN_TYPE);
            *json->out++ = 0;
            return json_word(json, "null");
        }
        return message_value(json, field, place);
    }
    return field->kind == JSON_TEXT ? json_field_text(json, field, true) : json_element_number(json, field);
}

static bool elements_read(struct json *json, const struct json_field *field, struct json_place *place)
{
    for (place->index = 0;; place->index++) {
        json_blanks(json);
        if (!element_read(json, field, place)) return false;
        json_blanks(json);
        uint8_t next = json_peek(json);
        if (next != ',' && next != ']') return json_fail_found(json, "',' or ']'");
        json->at++;
        if (next == ']') return true;
    }
}

/* Numbers are packed: one field with all of them. */
static bool list_read(struct json *json, const struct json_field *field, struct json_place *place)
{
    if (json_peek(json) != '[') return json_fail_found(json, "a list");
    json->at++;
    json_blanks(json);
    if (json_peek(json) == ']') {
        json->at++;
        return true;
    }
    if (field->kind == JSON_MESSAGE || field->kind == JSON_TEXT) return elements_read(json, field, place);
    if (!json_room(json, NUMBER_ROOM)) return false;
    json->out = tag_put(json->out, field, WIRE_LEN_TYPE);
    struct length length = length_open(json, 1);
    return elements_read(json, field, place) && length_close(json, &length);
}

/* is_again: the field was there before, so that a value of 0 must be written to take the other's place. */
static bool field_read(struct json *json, const struct json_field *field, struct json_place *place, bool is_again)
{
    bool is_kept = field->has_presence || is_again;
    if (field->is_repeated) return list_read(json, field, place);
    switch (field->kind) {
    case JSON_MESSAGE: return message_value(json, field, place);
    case JSON_TEXT: return json_field_text(json, field, is_kept);
    case JSON_TRACE_ID: return json_field_id(json, field, 16, is_kept);
    case JSON_SPAN_ID: return json_field_id(json, field, 8, is_kept);
    case JSON_BASE64: return json_field_base64(json, field);
    default: return json_field_number(json, field, is_kept);
    }
}

/* The index of the field of that name; count when there is none. Fields mostly come in the table's order, so the search
 * begins at next. */
static inline uint32_t field_find(const struct json_message *message, struct bytes name, uint32_t next)
{
    for (uint32_t i = next; i < message->count; i++) {
        if (bytes_equal(message->fields[i].name, name)) return i;
    }
    for (uint32_t i = 0; i < next; i++) {
        if (bytes_equal(message->fields[i].name, name)) return i;
    }
    for (uint32_t i = 0; i < message->count; i++) {
        if (bytes_equal(message->fields[i].snake, name)) return i;
    }
    return message->count;
}

/* "name": and the blanks around it. */
static inline bool name_read(struct json *json, struct bytes *name)
{
    if (!json_string(json, name, "a field's name in quotes")) return false;
    json_blanks(json);
    if (json_peek(json) != ':') return json_fail_found(json, "':'");
    json->at++;
    json_blanks(json);
    return true;
}

/* An object, as the fields of a message; without the message's own length. */
static bool message_read(struct json *json, enum json_type type, const struct json_place *up)
{
    const struct json_message *message = &json_messages[type];
    struct json_place place = { .up = up };
    uint32_t next = 0, seen = 0;
    if (json_peek(json) != '{') return json_fail_found(json, "an object");
    json->at++;
    json_blanks(json);
    if (json_peek(json) == '}') {
        json->at++;
        return true;
    }
    for (;;) {
        struct bytes name;
        if (!name_read(json, &name)) return false;
        uint32_t i = field_find(message, name, next);
        if (unlikely(i == message->count)) {
            if (!json_skip_value(json)) return false;
        } else if (unlikely(json_peek(json) == 'n')) {
            if (!json_word(json, "null")) return false;
        } else {
            place.field = &message->fields[i];
            json->place = &place;
            if (!field_read(json, place.field, &place, (seen >> i & 1) != 0)) return false;
            json->place = up;
            seen |= UINT32_C(1) << i;
            next = i + 1;
        }
        json_blanks(json);
        uint8_t separator = json_peek(json);
        if (separator != ',' && separator != '}') return json_fail_found(json, "',' or '}'");
        json->at++;
        if (separator == '}') return true;
        json_blanks(json);
    }
}

static bool request_read(struct json *json, enum otlp_signal signal)
{
    static const enum json_type types[] = {
        [OTLP_LOGS] = JSON_LOGS_REQUEST,
        [OTLP_TRACES] = JSON_TRACES_REQUEST,
        [OTLP_METRICS] = JSON_METRICS_REQUEST,
    };
    if (json->end - json->at >= 3 && memcmp(json->at, "\xEF\xBB\xBF", 3) == 0) json->at += 3; /* a byte order mark */
    json_blanks(json);
    if (json->at == json->end) return json_fail(json, "the body is empty; an empty request is {}");
    if (*json->at != '{') return json_fail_found(json, "an object");
    if (!message_read(json, types[signal], NULL)) return false;
    json_blanks(json);
    if (json->at != json->end) return json_fail(json, "something follows the end of the request");
    return true;
}

bool otlp_json_to_protobuf(enum otlp_signal signal, struct bytes text, size_t bytes_max, struct buf *out,
                           struct err *err)
{
    static const uint8_t nothing[1];
    assert(signal >= OTLP_LOGS && signal <= OTLP_METRICS);
    assert(out->bytes_max == bytes_max + OTLP_JSON_SPARE_BYTES);
    out->len = 0;
    const uint8_t *begin = text.len == 0 ? nothing : text.ptr;
    struct json json = { .begin = begin, .at = begin, .end = begin + text.len, .buf = out, .err = err };
    memset(json.length_bytes, 1, sizeof json.length_bytes);
    json.length_bytes[JSON_SPAN] = json.length_bytes[JSON_LOG_RECORD] = json.length_bytes[JSON_METRIC] = 2;
    for (enum json_type type = JSON_RESOURCE_LOGS; type <= JSON_SCOPE_METRICS; type++) {
        json.length_bytes[type] = (uint8_t)varint_bytes(text.len / 2);
    }
    /* Usually half of the text and a little. */
    size_t guess = text.len / 2 + text.len / 8;
    bool has_room = buf_reserve(out, (guess < bytes_max ? guess : bytes_max) + JSON_SPARE + NUMBER_ROOM);
    assert(has_room);
    json.out = out->ptr;
    json.out_end = out->ptr + out->cap - JSON_SPARE;
    if (!request_read(&json, signal)) {
        out->len = 0;
        return false;
    }
    out->len = (size_t)(json.out - out->ptr);
    if (out->len <= bytes_max) return true;
    out->len = 0;
    return err_set(err, ERR_TOO_LARGE, "the request is larger than %zu MiB as protobuf; send smaller batches",
                   bytes_max >> 20);
}
