/* The rules of otlp.h for spans, logs and the parts all signals share; metrics: otlp_metrics_test.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "worker/otlp/otlp.h"
#include "worker/otlp/otlp_encode.h"

static const uint8_t trace_id[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };
static const uint8_t span_id[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
static const uint8_t zeros[16];

struct decoded {
    struct otlp_request request;
    struct buf body;
    struct err err;
    bool ok;
};

/* Takes body. */
static struct decoded decode_with(enum otlp_signal signal, struct buf body, const struct otlp_limits *limits)
{
    struct decoded decoded = { .body = body };
    otlp_request_init(&decoded.request);
    decoded.ok = otlp_decode(&decoded.request, signal, buf_bytes(&body), ENCODE_NOW_US, limits, &decoded.err);
    return decoded;
}

/* Takes records. */
static struct decoded decode_records(enum otlp_signal signal, struct buf records)
{
    return decode_with(signal, request_around(&records), &otlp_limits_default);
}

static void done(struct decoded *decoded)
{
    otlp_request_deinit(&decoded->request);
    buf_deinit(&decoded->body);
}

static struct buf span_start(void)
{
    struct buf span = message();
    put_bytes(&span, 1, trace_id, 16);
    put_bytes(&span, 2, span_id, 8);
    put_fixed64(&span, 7, ENCODE_NOW_NS);
    return span;
}

/* One good span before and one behind, so that what is lost is only the one in the middle. Takes span. */
static struct decoded decode_between(struct buf span)
{
    struct buf records = message(), good = span_start();
    put_attribute_int(&good, 9, "k", 1);
    put_message(&records, 2, &good);
    put_message(&records, 2, &span);
    good = span_start();
    put_attribute_int(&good, 9, "k", 2);
    put_message(&records, 2, &good);
    return decode_records(OTLP_TRACES, records);
}

static void expect_rejected(struct buf span, const char *reason)
{
    struct decoded decoded = decode_between(span);
    if (!decoded.ok) fail_msg("%s", decoded.err.text);
    assert_int_equal(decoded.request.rejected_count, 1);
    assert_string_equal(decoded.request.rejected_reason, reason);
    assert_int_equal(decoded.request.spans.count, 2);
    assert_int_equal(decoded.request.attributes.count, 3); /* the resource's and two */
    assert_int_equal(decoded.request.events.count, 0);
    assert_int_equal(decoded.request.links.count, 0);
    const struct otlp_span *last = &decoded.request.spans.at[1];
    assert_int_equal(decoded.request.attributes.at[last->attributes.first].value.integer, 2);
    done(&decoded);
}

static void expect_malformed(enum otlp_signal signal, struct buf records, const char *text)
{
    struct decoded decoded = decode_records(signal, records);
    assert_false(decoded.ok);
    assert_int_equal(decoded.err.code, ERR_INPUT);
    assert_string_equal(decoded.err.text, text);
    assert_int_equal(otlp_record_count(&decoded.request), 0);
    assert_int_equal(decoded.request.attributes.count, 0);
    done(&decoded);
}

static struct otlp_range only_span_attributes(const struct decoded *decoded)
{
    assert_true(decoded->ok);
    assert_int_equal(decoded->request.spans.count, 1);
    return decoded->request.spans.at[0].attributes;
}

#define PLACE "resource_spans[0].scope_spans[0].spans[1]: "

/* Goal: an empty body, and one with empty messages all the way, are requests without records.
 * Method: zero bytes; then each level empty. */
static void test_empty(void **state)
{
    (void)state;
    struct decoded decoded = decode_with(OTLP_LOGS, message(), &otlp_limits_default);
    assert_true(decoded.ok);
    assert_int_equal(otlp_record_count(&decoded.request), 0);
    done(&decoded);

    struct buf records = message();
    decoded = decode_records(OTLP_METRICS, records);
    assert_true(decoded.ok);
    assert_int_equal(otlp_record_count(&decoded.request), 0);
    assert_int_equal(decoded.request.resources.count, 1);
    assert_int_equal(decoded.request.scopes.count, 1);
    done(&decoded);
}

/* Goal: slices point into the body, not to copies.
 * Method: the name of a span lies between the body's ends. */
static void test_nothing_is_copied(void **state)
{
    (void)state;
    struct buf records = message(), span = span_start();
    put_text(&span, 5, "GET /cart");
    put_message(&records, 2, &span);
    struct decoded decoded = decode_records(OTLP_TRACES, records);
    assert_true(decoded.ok);
    struct bytes name = decoded.request.spans.at[0].name;
    assert_true(bytes_equal(name, BYTES("GET /cart")));
    assert_true(name.ptr > decoded.body.ptr && name.ptr + name.len <= decoded.body.ptr + decoded.body.len);
    assert_int_equal(decoded.request.spans.at[0].bytes, 18 + 10 + 9 + 11);
    done(&decoded);
}

/* Goal: a span without good ids or time is left out, told with its place, and nothing of it stays behind.
 * Method: one bad thing at a time between two good spans; the bad one has attributes, events and links too. */
static void test_bad_spans_are_rejected_alone(void **state)
{
    (void)state;
    struct {
        size_t trace_len, id_len, parent_len;
        const uint8_t *trace, *id;
        uint64_t start_unix_ns;
        const char *reason;
    } cases[] = {
        { 15, 8, 0, trace_id, span_id, ENCODE_NOW_NS, PLACE "trace_id has 15 bytes, not 16" },
        { 0, 8, 0, trace_id, span_id, ENCODE_NOW_NS, PLACE "trace_id is missing or all zero" },
        { 16, 8, 0, zeros, span_id, ENCODE_NOW_NS, PLACE "trace_id is missing or all zero" },
        { 16, 9, 0, trace_id, trace_id, ENCODE_NOW_NS, PLACE "span_id has 9 bytes, not 8" },
        { 16, 8, 0, trace_id, zeros, ENCODE_NOW_NS, PLACE "span_id is missing or all zero" },
        { 16, 0, 0, trace_id, span_id, ENCODE_NOW_NS, PLACE "span_id is missing or all zero" },
        { 16, 8, 7, trace_id, span_id, ENCODE_NOW_NS, PLACE "parent_span_id has 7 bytes, not 8" },
        { 16, 8, 0, trace_id, span_id, 0,
          PLACE "start_time_unix_nano 0 is before the year 2000 (it counts nanoseconds since 1970)" },
        { 16, 8, 0, trace_id, span_id, UINT64_C(946684799999999999),
          PLACE "start_time_unix_nano 946684799999999999 is before the year 2000 (it counts nanoseconds since 1970)" },
        { 16, 8, 0, trace_id, span_id, ENCODE_NOW_NS + UINT64_C(172800000000001),
          PLACE "start_time_unix_nano 1763972800000000001 is more than 48 h in the future" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf span = message(), event = message(), link = message();
        put_attribute_text(&event, 3, "e", "1");
        put_message(&span, 11, &event);
        put_bytes(&link, 1, trace_id, 16);
        put_message(&span, 13, &link);
        put_attribute_text(&span, 9, "lost", "yes");
        put_bytes(&span, 1, cases[i].trace, cases[i].trace_len);
        put_bytes(&span, 2, cases[i].id, cases[i].id_len);
        put_bytes(&span, 4, span_id, cases[i].parent_len);
        put_fixed64(&span, 7, cases[i].start_unix_ns);
        expect_rejected(span, cases[i].reason);
    }
}

/* Goal: the edges of the time window are inside it, an end before the start is kept as sent, an all-zero parent is none.
 * Method: spans at exactly 2000-01-01 and now + 48 h. */
static void test_span_edges_are_taken(void **state)
{
    (void)state;
    const uint64_t times[] = { UINT64_C(946684800000000000), ENCODE_NOW_NS + UINT64_C(172800000000000) };
    struct buf records = message();
    for (size_t i = 0; i < COUNT_OF(times); i++) {
        struct buf span = message();
        put_bytes(&span, 1, trace_id, 16);
        put_bytes(&span, 2, span_id, 8);
        put_bytes(&span, 4, zeros, 8);
        put_fixed64(&span, 7, times[i]);
        put_fixed64(&span, 8, 5);
        put_message(&records, 2, &span);
    }
    struct decoded decoded = decode_records(OTLP_TRACES, records);
    assert_true(decoded.ok);
    assert_int_equal(decoded.request.rejected_count, 0);
    assert_int_equal(decoded.request.spans.count, 2);
    assert_int_equal(decoded.request.spans.at[1].end_unix_ns, 5);
    assert_int_equal(decoded.request.spans.at[1].parent_span_id.len, 0);
    done(&decoded);
}

/* Goal: text that is not UTF-8 costs its record only, and the reason names where it is.
 * Method: the same bad bytes in every text field of a span and of its children. */
static void test_bad_text_is_rejected_with_its_name(void **state)
{
    (void)state;
    static const char bad[] = "caf\xE9 au lait";
    struct buf span = span_start(), inner, value;
    put_text(&span, 5, bad);
    expect_rejected(span, PLACE "name is not valid UTF-8");

    span = span_start();
    put_text(&span, 3, bad);
    expect_rejected(span, PLACE "trace_state is not valid UTF-8");

    span = span_start();
    put_attribute_text(&span, 9, "drink", bad);
    expect_rejected(span, PLACE "attribute \"drink\" is not valid UTF-8");

    span = span_start();
    put_attribute_text(&span, 9, bad, "x");
    expect_rejected(span, PLACE "an attribute key is not valid UTF-8");

    span = span_start();
    put_attribute_int(&span, 9, bad, 5);
    expect_rejected(span, PLACE "an attribute key is not valid UTF-8");

    span = span_start(), inner = message(), value = message();
    put_text(&inner, 1, bad); /* a text inside an array */
    put_message(&value, 1, &inner);
    inner = message();
    put_message(&inner, 5, &value);
    put_attribute(&span, 9, "list", &inner);
    expect_rejected(span, PLACE "attribute \"list\" is not valid UTF-8");

    span = span_start(), value = message(), inner = message();
    put_attribute_int(&inner, 1, bad, 1); /* a key inside a list of pairs */
    put_message(&value, 6, &inner);
    put_attribute(&span, 9, "map", &value);
    expect_rejected(span, PLACE "attribute \"map\" has a key inside that is not valid UTF-8");

    span = span_start(), inner = message();
    put_text(&inner, 2, bad);
    put_message(&span, 11, &inner);
    expect_rejected(span, PLACE "an event's name is not valid UTF-8");

    span = span_start(), inner = message();
    put_bytes(&inner, 1, trace_id, 3);
    put_message(&span, 13, &inner);
    expect_rejected(span, PLACE "a link's trace_id has 3 bytes, not 16");

    span = span_start(), inner = message();
    put_text(&inner, 2, bad);
    put_message(&span, 15, &inner);
    expect_rejected(span, PLACE "status.message is not valid UTF-8");
}

/* Goal: bytes values hold any bytes; text beyond ASCII is taken, of every length around the steps of the check.
 * Method: texts of 0 to 200 bytes that end in a two-byte letter, and one with a lone byte at every place. */
static void test_utf8_of_every_length(void **state)
{
    (void)state;
    char text[256];
    for (size_t len = 0; len < 200; len++) {
        struct buf records = message(), span = span_start(), value = message();
        memset(text, 'a', len);
        memcpy(text + len, "\xC3\xA9", 3);
        put_attribute_text(&span, 9, "t", text);
        put_bytes(&value, 7, "\xFF\xFE\x00", 3);
        put_attribute(&span, 9, "y", &value);
        put_message(&records, 2, &span);
        struct decoded decoded = decode_records(OTLP_TRACES, records);
        struct otlp_range range = only_span_attributes(&decoded);
        assert_int_equal(range.count, 2);
        const struct otlp_attribute *at = &decoded.request.attributes.at[range.first];
        assert_int_equal(at[0].value.type, OTLP_TEXT);
        assert_int_equal(at[0].value.bytes.len, len + 2);
        assert_int_equal(at[1].value.type, OTLP_BYTES);
        assert_true(bytes_equal(at[1].value.bytes, BYTES("\xFF\xFE\0")));
        done(&decoded);
    }
    for (size_t at = 0; at < 200; at++) {
        struct buf span = span_start();
        memset(text, 'a', 200);
        text[200] = '\0';
        text[at] = '\x80';
        put_attribute_text(&span, 9, "t", text + at / 2); /* other lengths too */
        expect_rejected(span, PLACE "attribute \"t\" is not valid UTF-8");
    }
}

/* Goal: 10,000 attributes, an attribute of 1 MB and 100 links are taken whole; more attributes than the limit are not.
 * Method: one span of each. */
static void test_large_records(void **state)
{
    (void)state;
    char key[32];
    struct buf records = message(), span = span_start();
    char *large = mem_alloc(1000001);
    memset(large, 'x', 1000000);
    large[1000000] = '\0';
    for (int i = 0; i < 10000; i++) {
        snprintf(key, sizeof key, "key.%d", i);
        put_attribute_int(&span, 9, key, i);
    }
    put_attribute_text(&span, 9, "large", large);
    for (int i = 0; i < 100; i++) {
        struct buf link = message();
        put_bytes(&link, 1, trace_id, 16);
        put_bytes(&link, 2, span_id, 8);
        put_fixed32(&link, 6, (uint32_t)i);
        put_message(&span, 13, &link);
    }
    put_message(&records, 2, &span);
    struct decoded decoded = decode_records(OTLP_TRACES, records);
    struct otlp_range range = only_span_attributes(&decoded);
    assert_int_equal(range.count, 10001);
    for (uint32_t i = 0; i < 10000; i++) {
        assert_int_equal(decoded.request.attributes.at[range.first + i].value.integer, i);
    }
    assert_int_equal(decoded.request.attributes.at[range.first + 10000].value.bytes.len, 1000000);
    assert_int_equal(decoded.request.spans.at[0].links.count, 100);
    assert_int_equal(decoded.request.links.at[99].flags, 99);
    done(&decoded);
    free(large);

    span = span_start();
    for (int i = 0; i < 16385; i++) put_attribute_int(&span, 9, "k", i);
    expect_rejected(span, PLACE "has more than 16384 attributes");
}

static struct buf nested(int depth)
{
    struct buf value = message();
    put_text(&value, 1, "deep");
    for (int i = 0; i < depth; i++) {
        struct buf list = message(), outer = message();
        if (i % 2 == 0) {
            put_message(&list, 1, &value);
            put_message(&outer, 5, &list);
        } else {
            put_attribute(&list, 1, "k", &value);
            put_message(&outer, 6, &list);
        }
        value = outer;
    }
    return value;
}

/* Goal: values nested 32 deep are taken and walked; deeper ones, even by tens of thousands, cost their record only.
 * Method: lists in pairs in lists, at the limit, one over it, and as a bomb. */
static void test_depth(void **state)
{
    (void)state;
    struct buf records = message(), span = span_start(), value = nested(32);
    put_attribute(&span, 9, "nest", &value);
    put_message(&records, 2, &span);
    struct decoded decoded = decode_records(OTLP_TRACES, records);
    struct otlp_range range = only_span_attributes(&decoded);
    struct otlp_value at = decoded.request.attributes.at[range.first].value;
    int depth = 0;
    while (at.type == OTLP_ARRAY || at.type == OTLP_KVLIST) {
        struct otlp_value_reader reader;
        struct otlp_attribute entry;
        otlp_value_reader_init(&reader, &at);
        assert_true(otlp_value_reader_next(&reader, &entry));
        assert_true(bytes_equal(entry.key, at.type == OTLP_KVLIST ? BYTES("k") : BYTES("")));
        struct otlp_value inner = entry.value;
        assert_false(otlp_value_reader_next(&reader, &entry));
        at = inner;
        depth++;
    }
    assert_int_equal(depth, 32);
    assert_true(bytes_equal(at.bytes, BYTES("deep")));
    done(&decoded);

    span = span_start(), value = nested(33);
    put_attribute(&span, 9, "nest", &value);
    expect_rejected(span, PLACE "attribute \"nest\" is nested too deep");
    span = span_start(), value = nested(5000);
    put_attribute(&span, 9, "nest", &value);
    expect_rejected(span, PLACE "attribute \"nest\" is nested too deep");
}

/* Goal: a resource or scope that cannot be taken takes all records under it along, and no others; every one is counted.
 * Method: two resources; the first has a bad attribute, sent after its spans; the second has two scopes, one bad. */
static void test_bad_resource_and_scope_take_all_below(void **state)
{
    (void)state;
    struct buf request = message();
    for (int i = 0; i < 2; i++) {
        struct buf of = message();
        for (int j = 0; j < 2; j++) {
            struct buf inside = message(), scope = message(), span;
            for (int k = 0; k < 3; k++) {
                span = span_start();
                put_attribute_int(&span, 9, "n", 100 * i + 10 * j + k);
                put_message(&inside, 2, &span);
            }
            put_text(&scope, 1, i == 1 && j == 0 ? "\xFF" : "fine");
            put_message(&inside, 1, &scope); /* behind its spans */
            put_message(&of, 2, &inside);
        }
        struct buf resource = message();
        put_attribute_text(&resource, 1, "first", "ok");
        put_attribute_text(&resource, 1, "second", i == 0 ? "\xC0\x80" : "ok");
        put_message(&of, 1, &resource);
        put_message(&request, 1, &of);
    }
    struct decoded decoded = decode_with(OTLP_TRACES, request, &otlp_limits_default);
    assert_true(decoded.ok);
    assert_int_equal(decoded.request.rejected_count, 9);
    assert_string_equal(decoded.request.rejected_reason, "resource_spans[0]: attribute \"second\" is not valid UTF-8");
    assert_int_equal(decoded.request.spans.count, 3);
    for (uint32_t i = 0; i < 3; i++) {
        const struct otlp_span *span = &decoded.request.spans.at[i];
        const struct otlp_scope *scope = &decoded.request.scopes.at[span->scope];
        assert_int_equal(decoded.request.attributes.at[span->attributes.first].value.integer, 110 + i);
        assert_true(bytes_equal(scope->name, BYTES("fine")));
        assert_int_equal(decoded.request.resources.at[scope->resource].attributes.count, 2);
    }
    done(&decoded);
}

/* Goal: a singular message sent in parts is merged: resource and scope attributes add up, the last scalar stands.
 * Method: the resource before and after the scopes, the scope around its span, the status twice. */
static void test_parts_are_merged(void **state)
{
    (void)state;
    struct buf request = message(), of = message(), inside = message(), part, span = span_start();
    part = message();
    put_text(&part, 1, "early");
    put_attribute_int(&part, 3, "a", 1);
    put_message(&inside, 1, &part);
    part = message();
    put_varint(&part, 3, 2);
    put_message(&span, 15, &part);
    part = message();
    put_text(&part, 2, "boom");
    put_message(&span, 15, &part);
    put_attribute_int(&span, 9, "s", 1);
    put_message(&inside, 2, &span);
    part = message();
    put_text(&part, 1, "late");
    put_attribute_int(&part, 3, "b", 2);
    put_message(&inside, 1, &part);
    part = message();
    put_attribute_int(&part, 1, "r1", 1);
    put_message(&of, 1, &part);
    put_message(&of, 2, &inside);
    part = message();
    put_attribute_int(&part, 1, "r2", 2);
    put_message(&of, 1, &part);
    put_text(&of, 3, "https://x/1");
    put_message(&request, 1, &of);
    struct decoded decoded = decode_with(OTLP_TRACES, request, &otlp_limits_default);
    assert_int_equal(only_span_attributes(&decoded).count, 1);
    const struct otlp_span *seen = &decoded.request.spans.at[0];
    assert_int_equal(seen->status_code, 2);
    assert_true(bytes_equal(seen->status_message, BYTES("boom")));
    const struct otlp_scope *scope = &decoded.request.scopes.at[seen->scope];
    assert_true(bytes_equal(scope->name, BYTES("late")));
    assert_int_equal(scope->attributes.count, 2);
    assert_true(bytes_equal(decoded.request.attributes.at[scope->attributes.first + 1].key, BYTES("b")));
    const struct otlp_resource *resource = &decoded.request.resources.at[scope->resource];
    assert_int_equal(resource->attributes.count, 2);
    assert_true(bytes_equal(decoded.request.attributes.at[resource->attributes.first + 1].key, BYTES("r2")));
    assert_true(bytes_equal(resource->schema_url, BYTES("https://x/1")));
    done(&decoded);
}

/* Goal: of a value's members the last one sent stands, across parts too; two lists for one value cost the record.
 * Method: int then text; text then an empty part; array then text; array twice. */
static void test_value_members(void **state)
{
    (void)state;
    struct buf records = message(), span = span_start(), pair, value;
    value = message();
    put_varint(&value, 3, 7);
    put_text(&value, 1, "last");
    put_attribute(&span, 9, "a", &value);
    pair = message(), value = message();
    put_text(&value, 1, "stays");
    put_message(&pair, 2, &value);
    value = message();
    put_message(&pair, 2, &value);
    put_text(&pair, 1, "b"); /* the key behind the value */
    put_message(&span, 9, &pair);
    value = message();
    put_bytes(&value, 5, "", 0);
    put_text(&value, 1, "text");
    put_attribute(&span, 9, "c", &value);
    pair = message();
    put_text(&pair, 1, "d"); /* no value at all */
    put_message(&span, 9, &pair);
    put_message(&records, 2, &span);
    struct decoded decoded = decode_records(OTLP_TRACES, records);
    struct otlp_range range = only_span_attributes(&decoded);
    const struct otlp_attribute *at = &decoded.request.attributes.at[range.first];
    assert_int_equal(range.count, 4);
    assert_true(bytes_equal(at[0].value.bytes, BYTES("last")));
    assert_true(bytes_equal(at[1].key, BYTES("b")) && bytes_equal(at[1].value.bytes, BYTES("stays")));
    assert_int_equal(at[2].value.type, OTLP_TEXT);
    assert_int_equal(at[3].value.type, OTLP_EMPTY);
    done(&decoded);

    span = span_start(), value = message();
    put_bytes(&value, 5, "", 0);
    put_bytes(&value, 5, "", 0);
    put_attribute(&span, 9, "twice", &value);
    expect_rejected(span, PLACE "attribute \"twice\" has two lists for one value");
}

/* Goal: unknown fields and known ones of another wire type are stepped over, at every level.
 * Method: each wire type under field 99 everywhere, and the span's known fields with wrong types. */
static void test_unknown_fields_are_skipped(void **state)
{
    (void)state;
    struct buf levels[4]; /* request, resource_spans, scope_spans, span */
    for (int i = 0; i < 4; i++) {
        levels[i] = message();
        put_varint(&levels[i], 99, UINT64_MAX);
        put_fixed64(&levels[i], 99, 1);
        put_text(&levels[i], 99, "skip me");
        put_fixed32(&levels[i], 536870911, 1); /* the largest number there is */
    }
    struct buf *span = &levels[3];
    put_varint(span, 1, 1);
    put_fixed64(span, 2, 1);
    put_varint(span, 5, 300);
    put_text(span, 6, "kind");
    put_varint(span, 7, 5);
    put_fixed32(span, 9, 1);
    put_fixed64(span, 11, 1);
    put_varint(span, 15, 1);
    put_varint(span, 16, 9);
    put_bytes(span, 1, trace_id, 16);
    put_bytes(span, 2, span_id, 8);
    put_fixed64(span, 7, ENCODE_NOW_NS);
    put_message(&levels[2], 2, &levels[3]);
    put_message(&levels[1], 2, &levels[2]);
    put_message(&levels[0], 1, &levels[1]);
    struct decoded decoded = decode_with(OTLP_TRACES, levels[0], &otlp_limits_default);
    assert_int_equal(only_span_attributes(&decoded).count, 0);
    const struct otlp_span *seen = &decoded.request.spans.at[0];
    assert_int_equal(seen->start_unix_ns, ENCODE_NOW_NS);
    assert_int_equal(seen->kind, 0);
    assert_int_equal(seen->flags, 0);
    assert_int_equal(seen->name.len, 0);
    done(&decoded);
}

/* Goal: bytes that are not protobuf refuse the whole request, with the place, and nothing is taken.
 * Method: a length past the end, a varint without end, a group, field 0, wire types 6 and 7, a cut number. */
static void test_malformed_is_refused_with_its_place(void **state)
{
    (void)state;
    static const struct {
        struct bytes bytes;
        const char *reason;
    } cases[] = {
        { { (const uint8_t *)"\x2A\x7F", 2 }, "not well-formed protobuf (cut short, or a length past its end)" },
        { { (const uint8_t *)"\x2A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", 11 },
          "not well-formed protobuf (cut short, or a length past its end)" },
        { { (const uint8_t *)"\x30\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", 12 },
          "not well-formed protobuf (cut short, or a length past its end)" },
        { { (const uint8_t *)"\x9B\x06\x9C\x06", 4 }, "a group (wire type 3 or 4), which OTLP does not use" },
        { { (const uint8_t *)"\x02\x00", 2 }, "a field number that protobuf does not have" },
        { { (const uint8_t *)"\x80\x80\x80\x80\x80\x01", 6 }, "a field number that protobuf does not have" },
        { { (const uint8_t *)"\x2E", 1 }, "a wire type that protobuf does not have" },
        { { (const uint8_t *)"\x2F", 1 }, "a wire type that protobuf does not have" },
        { { (const uint8_t *)"\x39\x01\x02\x03", 4 },
          "not well-formed protobuf (cut short, or a length past its end)" },
        { { (const uint8_t *)"\x85\x01\x01", 3 }, "not well-formed protobuf (cut short, or a length past its end)" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf records = message(), good = span_start(), span = span_start();
        char text[240];
        put_message(&records, 2, &good);
        put_raw(&span, cases[i].bytes.ptr, cases[i].bytes.len);
        put_message(&records, 2, &span);
        snprintf(text, sizeof text, PLACE "%s", cases[i].reason);
        expect_malformed(OTLP_TRACES, records, text);
    }
}

/* Goal: numbers are read as protobuf writes them, long forms included.
 * Method: a kind of five bytes, a negative severity of ten, a varint with superfluous zeros, flags. */
static void test_numbers(void **state)
{
    (void)state;
    struct buf records = message(), span = span_start();
    put_varint(&span, 6, 4000000000u);
    put_raw(&span, "\x50\x85\x80\x80\x00", 5);    /* dropped_attributes_count 5, in four bytes */
    put_varint(&span, 12, UINT64_C(0x100000007)); /* the low half counts */
    put_fixed32(&span, 16, 0x301);
    put_message(&records, 2, &span);
    struct decoded decoded = decode_records(OTLP_TRACES, records);
    assert_int_equal(only_span_attributes(&decoded).count, 0);
    assert_int_equal(decoded.request.spans.at[0].kind, 4000000000u);
    assert_int_equal(decoded.request.spans.at[0].dropped_attributes_count, 5);
    assert_int_equal(decoded.request.spans.at[0].dropped_events_count, 7);
    assert_int_equal(decoded.request.spans.at[0].flags, 0x301);
    done(&decoded);

    struct buf log = message();
    records = message();
    put_varint(&log, 2, (uint64_t)-3);
    put_message(&records, 2, &log);
    decoded = decode_records(OTLP_LOGS, records);
    assert_true(decoded.ok);
    assert_int_equal(decoded.request.logs.at[0].severity_number, -3);
    done(&decoded);
}

/* Goal: a log's time is the sent, else the observed, else the received one, and only that one must be in range; ids are
 * optional but must be whole.
 * Method: one log of each, between good ones counted. */
static void test_log_rules(void **state)
{
    (void)state;
    static const struct {
        uint64_t time, observed;
        size_t trace_len, id_len;
        bool taken;
    } cases[] = {
        { 0, 0, 0, 0, true },
        { 0, ENCODE_NOW_NS, 16, 8, true },
        { ENCODE_NOW_NS, 1, 16, 0, true },
        { 1, ENCODE_NOW_NS, 0, 0, false },
        { 0, 1, 0, 0, false },
        { ENCODE_NOW_NS + UINT64_C(200000000000000), 0, 0, 0, false },
        { ENCODE_NOW_NS, 0, 15, 0, false },
        { ENCODE_NOW_NS, 0, 0, 7, false },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf records = message(), log = message(), value = message();
        put_fixed64(&log, 1, cases[i].time);
        put_fixed64(&log, 11, cases[i].observed);
        put_bytes(&log, 9, trace_id, cases[i].trace_len);
        put_bytes(&log, 10, span_id, cases[i].id_len);
        put_text(&value, 1, "hello");
        put_message(&log, 5, &value);
        put_message(&records, 2, &log);
        struct decoded decoded = decode_records(OTLP_LOGS, records);
        assert_true(decoded.ok);
        assert_int_equal(decoded.request.logs.count, cases[i].taken ? 1 : 0);
        assert_int_equal(decoded.request.rejected_count, cases[i].taken ? 0 : 1);
        if (cases[i].taken) {
            assert_int_equal(decoded.request.logs.at[0].time_unix_ns, cases[i].time);
            assert_int_equal(decoded.request.logs.at[0].observed_unix_ns, cases[i].observed);
            assert_true(bytes_equal(decoded.request.logs.at[0].body.bytes, BYTES("hello")));
        }
        done(&decoded);
    }
}

/* Goal: a request has records of at most 40 days; those of further days are left out, whatever their order.
 * Method: 50 days, each twice, in turn. */
static void test_days(void **state)
{
    (void)state;
    struct buf records = message();
    for (int turn = 0; turn < 2; turn++) {
        for (uint64_t day = 0; day < 50; day++) {
            struct buf log = message();
            put_fixed64(&log, 1, ENCODE_NOW_NS - day * UINT64_C(86400000000000));
            put_message(&records, 2, &log);
        }
    }
    struct decoded decoded = decode_records(OTLP_LOGS, records);
    assert_true(decoded.ok);
    assert_int_equal(decoded.request.logs.count, 80);
    assert_int_equal(decoded.request.rejected_count, 20);
    assert_string_equal(decoded.request.rejected_reason,
                        "resource_logs[0].scope_logs[0].log_records[40]: is of one more "
                        "UTC day than the 40 that one request may have");
    done(&decoded);
}

/* Goal: records and memory of a request are bounded: over the limits the whole of it is refused as too large.
 * Method: small limits; then a body of the smallest possible parts against a limit of 1 MiB. */
static void test_limits_of_a_request(void **state)
{
    (void)state;
    struct otlp_limits limits = otlp_limits_default;
    limits.records_max = 10;
    for (int count = 10; count <= 11; count++) {
        struct buf records = message(), log = message();
        for (int i = 0; i < count; i++) put_message(&records, 2, &log);
        struct decoded decoded = decode_with(OTLP_LOGS, request_around(&records), &limits);
        assert_int_equal(decoded.ok, count == 10);
        if (count == 11) assert_int_equal(decoded.err.code, ERR_TOO_LARGE);
        assert_int_equal(otlp_record_count(&decoded.request), count == 10 ? 10 : 0);
        done(&decoded);
    }
    limits = otlp_limits_default;
    limits.decoded_bytes_max = 1 << 20;
    struct buf records = message();
    for (int i = 0; i < 1000; i++) {
        struct buf span = span_start(), nothing = message();
        for (int j = 0; j < 100; j++) put_message(&span, 9, &nothing);
        put_message(&records, 2, &span);
    }
    struct decoded decoded = decode_with(OTLP_TRACES, request_around(&records), &limits);
    assert_false(decoded.ok);
    assert_int_equal(decoded.err.code, ERR_TOO_LARGE);
    assert_true(otlp_request_bytes(&decoded.request) <= 1 << 20);
    done(&decoded);
}

/* Goal: a request value can be used again and again, after failures too, without growing.
 * Method: the same two bodies, a bad one between them, one hundred times. */
static void test_used_again(void **state)
{
    (void)state;
    struct buf records = message();
    uint64_t random = 1;
    struct otlp_request request;
    size_t bytes = 0;
    for (int i = 0; i < 50; i++) put_usual_span(&records, &random);
    struct buf body = request_around(&records);
    otlp_request_init(&request);
    for (int i = 0; i < 100; i++) {
        struct err err = { 0 };
        assert_true(otlp_decode(&request, OTLP_TRACES, buf_bytes(&body), ENCODE_NOW_US, &otlp_limits_default, &err));
        assert_int_equal(request.spans.count, 50);
        assert_int_equal(request.attributes.count, 50 * 20 + 1);
        if (i == 0) bytes = otlp_request_bytes(&request);
        assert_int_equal(otlp_request_bytes(&request), bytes);
        assert_false(otlp_decode(&request, OTLP_TRACES, bytes_from(body.ptr, body.len - 1), ENCODE_NOW_US,
                                 &otlp_limits_default, &err));
        assert_int_equal(request.spans.count, 0);
    }
    otlp_request_deinit(&request);
    buf_deinit(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_nothing_is_copied),
        cmocka_unit_test(test_bad_spans_are_rejected_alone),
        cmocka_unit_test(test_span_edges_are_taken),
        cmocka_unit_test(test_bad_text_is_rejected_with_its_name),
        cmocka_unit_test(test_utf8_of_every_length),
        cmocka_unit_test(test_large_records),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_bad_resource_and_scope_take_all_below),
        cmocka_unit_test(test_parts_are_merged),
        cmocka_unit_test(test_value_members),
        cmocka_unit_test(test_unknown_fields_are_skipped),
        cmocka_unit_test(test_malformed_is_refused_with_its_place),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_log_rules),
        cmocka_unit_test(test_days),
        cmocka_unit_test(test_limits_of_a_request),
        cmocka_unit_test(test_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
