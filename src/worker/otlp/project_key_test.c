/* The key in a resource: taken out of the attributes, and overwritten in what is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "worker/otlp/inbound.h"
#include "worker/otlp/otlp_encode.h"

#define SECRET "mono_secret"

static void put_log(struct buf *scopes)
{
    struct buf log = message();
    put_fixed64(&log, 1, ENCODE_NOW_NS);
    put_attribute_text(&log, 6, "at-project-key", "not of a resource");
    put_message(scopes, 2, &log);
}

/* Takes resource. */
static void put_resource(struct buf *request, struct buf *resource, bool is_behind)
{
    struct buf resources = message(), scopes = message();
    put_log(&scopes);
    if (!is_behind) put_bytes(&resources, 1, resource->ptr, resource->len);
    put_message(&resources, 2, &scopes);
    if (is_behind) put_bytes(&resources, 1, resource->ptr, resource->len);
    put_message(request, 1, &resources);
    buf_deinit(resource);
}

static void decode(struct otlp_request *request, const struct buf *body)
{
    struct err err = { 0 };
    if (!otlp_decode(request, OTLP_LOGS, buf_bytes(body), ENCODE_NOW_US, &otlp_limits_default, &err))
        fail_msg("%s", err.text);
}

/* Goal: the attribute is found wherever it stands and taken out, whatever its type; the last text of several counts; a record's
 * attribute of that name is like any other.
 * Method: one resource of each kind, before its records and behind them. */
static void test_key_is_taken_out(void **state)
{
    (void)state;
    static const struct {
        const char *first, *second; /* "5": a number */
        const char *key;
    } cases[] = { { NULL, NULL, "" },      { SECRET, NULL, SECRET }, { "other", SECRET, SECRET },
                  { SECRET, "5", SECRET }, { "5", NULL, "" },        { "", NULL, "" } };
    struct otlp_request request;
    otlp_request_init(&request);
    for (size_t i = 0; i < 2 * COUNT_OF(cases); i++) {
        struct buf resource = message(), body = message(), plain = message();
        const char *const keys[] = { cases[i / 2].first, cases[i / 2].second };
        for (size_t k = 0; k < 2; k++) {
            if (keys[k] == NULL) continue;
            if (strcmp(keys[k], "5") == 0) {
                put_attribute_int(&resource, 1, "at-project-key", 5);
            } else {
                put_attribute_text(&resource, 1, "at-project-key", keys[k]);
            }
            if (k == 0) put_attribute_text(&resource, 1, "service.name", "shop");
        }
        put_attribute_text(&resource, 1, "at-project-keys", "kept");
        put_resource(&body, &resource, i % 2 == 1);
        put_resource(&body, &plain, i % 2 == 1);
        decode(&request, &body);
        assert_int_equal(request.resources.count, 2);
        const struct otlp_resource *first = &request.resources.at[0];
        assert_true(bytes_equal(first->project_key, bytes_of_text(cases[i / 2].key)));
        assert_int_equal(first->attributes.count, keys[0] != NULL ? 2 : 1);
        assert_int_equal(first->record_count, 1);
        assert_int_equal(request.resources.at[1].project_key.len, 0);
        assert_int_equal(request.may_have_keys, keys[0] != NULL);
        assert_int_equal(first->encoded.len + request.resources.at[1].encoded.len, body.len);
        assert_int_equal(request.logs.count, 2);
        for (uint32_t l = 0; l < 2; l++) {
            assert_int_equal(request.logs.at[l].attributes.count, 1);
            assert_true(
                bytes_equal(request.attributes.at[request.logs.at[l].attributes.first].key, BYTES("at-project-key")));
        }
        buf_deinit(&body);
    }
    otlp_request_deinit(&request);
}

/* Goal: no text of a key is left in the bytes, also where the decoder did not get to it, and they mean the same but for it.
 * Method: the value before its key, in two parts, as bytes of a text sent twice; a resource that is rejected before its key;
 * a body that is cut. */
static void test_key_is_overwritten(void **state)
{
    (void)state;
    struct buf body = message(), resource = message(), pair = message(), value = message(), text = message();
    put_text(&value, 1, SECRET);
    put_text(&text, 1, SECRET);
    put_message(&pair, 2, &value);
    put_text(&pair, 1, "at-project-key");
    put_message(&pair, 2, &text);
    put_message(&resource, 1, &pair);
    put_resource(&body, &resource, false);
    resource = message();
    put_attribute_text(&resource, 1, "bad \xFF", "x");
    put_attribute_text(&resource, 1, "at-project-key", SECRET);
    put_resource(&body, &resource, true);
    resource = message();
    put_attribute_text(&resource, 1, "other", SECRET "s are not for others");
    put_resource(&body, &resource, false);

    struct otlp_request request;
    otlp_request_init(&request);
    decode(&request, &body);
    assert_true(request.may_have_keys);
    assert_int_equal(request.logs.count, 2);
    assert_int_equal(request.rejected_count, 1);
    struct buf cut = message();
    put_raw(&cut, body.ptr, body.len - 3);
    otlp_hide_project_keys(cut.ptr, cut.len);
    otlp_hide_project_keys(body.ptr, body.len);
    assert_memory_equal(cut.ptr, body.ptr, cut.len);
    const uint8_t *left = memmem(body.ptr, body.len, SECRET, sizeof SECRET - 1);
    assert_non_null(left);
    assert_memory_equal(left, SECRET "s are", sizeof SECRET + 4);
    assert_null(memmem(left + 1, body.len - (size_t)(left + 1 - body.ptr), SECRET, sizeof SECRET - 1));
    decode(&request, &body);
    assert_int_equal(request.logs.count, 2);
    assert_true(bytes_equal(request.resources.at[0].project_key, BYTES("***********")));
    otlp_request_deinit(&request);
    buf_deinit(&body);
    buf_deinit(&cut);
}

/* Goal: what the log gets is protobuf without keys, whatever came, and reads the same after a restart.
 * Method: JSON as it is and compressed; then from a record of the log. */
static void test_inbound_without_keys(void **state)
{
    (void)state;
    static const char json[] =
        "{\"resourceLogs\":[{\"resource\":{\"attributes\":[{\"key\":\"at-project-key\",\"value\":{"
        "\"stringValue\":\"" SECRET "\"}}]},\"scopeLogs\":[{\"logRecords\":[{\"timeUnixNano\":"
        "\"1763800000000000000\",\"body\":{\"stringValue\":\"hello\"}}]}]}]}";
    struct inbound_pool *pool = inbound_pool_create(1 << 20, 1 << 20);
    struct inflater *inflater = inflater_create();
    struct inbound *inbound, *again;
    struct err err = { 0 };
    uint8_t *wire = mem_alloc(sizeof json);
    memcpy(wire, json, sizeof json - 1);
    assert_true(inbound_create(pool, bytes_from(wire, sizeof json - 1), BUFFER_ENCODING_IDENTITY, BUFFER_FORMAT_JSON,
                               &inbound, &err));
    assert_true(inbound_inflate(inbound, inflater, INFLATE_BYTES_MAX, &err));
    assert_true(inbound_decode(inbound, OTLP_LOGS, ENCODE_NOW_US, &err));
    assert_true(bytes_equal(inbound_body(inbound), bytes_from(json, sizeof json - 1)));
    assert_int_equal(inbound_format(inbound), BUFFER_FORMAT_JSON);
    inbound_hide_keys(inbound);
    assert_int_equal(inbound_format(inbound), BUFFER_FORMAT_PROTOBUF);
    struct bytes kept = inbound_wire(inbound);
    assert_null(memmem(kept.ptr, kept.len, "secret", 6));
    assert_int_equal(inbound_request(inbound)->logs.count, 1);
    assert_true(bytes_equal(inbound_request(inbound)->logs.at[0].body.bytes, BYTES("hello")));
    assert_true(inbound_pool_bytes(pool) == inbound_bytes(inbound));
    struct buffer_record record = {
        .position = 1,
        .signal = BUFFER_SIGNAL_LOGS,
        .encoding = inbound_encoding(inbound),
        .format = inbound_format(inbound),
        .received_unix_us = ENCODE_NOW_US,
        .body = kept,
    };
    assert_true(inbound_from_record(&record, &again, &err));
    assert_int_equal(inbound_request(again)->logs.count, 1);
    assert_int_equal(inbound_request(again)->attributes.count, 0);
    inbound_release(again);
    inbound_drop_wire(inbound);
    assert_true(bytes_equal(inbound_request(inbound)->logs.at[0].body.bytes, BYTES("hello")));
    inbound_release(inbound);
    assert_int_equal(inbound_pool_bytes(pool), 0);

    record.format = BUFFER_FORMAT_JSON; /* JSON in the log is read too */
    record.body = bytes_from(json, sizeof json - 1);
    assert_true(inbound_from_record(&record, &again, &err));
    assert_true(bytes_equal(inbound_request(again)->logs.at[0].body.bytes, BYTES("hello")));
    assert_int_equal(inbound_request(again)->attributes.count, 0);
    inbound_release(again);
    inflater_destroy(inflater);
    inbound_pool_release(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key_is_taken_out),
        cmocka_unit_test(test_key_is_overwritten),
        cmocka_unit_test(test_inbound_without_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
