/* otlp_encode.h -- a small protobuf encoder for tests, fuzz seeds and benches. Not for the program.
 *
 *   struct buf span; buf_init(&span, ENCODE_BYTES_MAX);
 *   put_text(&span, 5, "GET /"); put_fixed64(&span, 7, t); put_message(&scope_spans, 2, &span);   (frees span)
 *
 * Field by field and in any order, so that a test can write what no SDK would. */
#pragma once
#include "base/bytes.h"

#include <stdio.h>
#include <stdlib.h>

#define ENCODE_BYTES_MAX ((size_t)256 << 20)

static inline void put_raw(struct buf *out, const void *ptr, size_t len)
{
    if (!buf_add(out, ptr, len)) abort();
}
static inline void put_varint_raw(struct buf *out, uint64_t value)
{
    uint8_t bytes[10];
    size_t len = 0;
    do {
        bytes[len] = (uint8_t)((value & 0x7F) | (value > 0x7F ? 0x80 : 0));
        len++;
        value >>= 7;
    } while (value != 0);
    put_raw(out, bytes, len);
}
static inline void put_tag(struct buf *out, uint32_t field, uint32_t type)
{
    put_varint_raw(out, (uint64_t)field << 3 | type);
}
static inline void put_varint(struct buf *out, uint32_t field, uint64_t value)
{
    put_tag(out, field, 0);
    put_varint_raw(out, value);
}
static inline void put_sint32(struct buf *out, uint32_t field, int32_t value)
{
    put_varint(out, field, (uint32_t)value << 1 ^ (value < 0 ? UINT32_MAX : 0));
}
static inline void put_fixed64(struct buf *out, uint32_t field, uint64_t value)
{
    put_tag(out, field, 1);
    put_raw(out, &value, 8);
}
static inline void put_fixed32(struct buf *out, uint32_t field, uint32_t value)
{
    put_tag(out, field, 5);
    put_raw(out, &value, 4);
}
static inline void put_double(struct buf *out, uint32_t field, double value)
{
    put_tag(out, field, 1);
    put_raw(out, &value, 8);
}
static inline void put_bytes(struct buf *out, uint32_t field, const void *ptr, size_t len)
{
    put_tag(out, field, 2);
    put_varint_raw(out, len);
    put_raw(out, ptr, len);
}
static inline void put_text(struct buf *out, uint32_t field, const char *text)
{
    put_bytes(out, field, text, strlen(text));
}
/* Takes the inner message. */
static inline void put_message(struct buf *out, uint32_t field, struct buf *inner)
{
    put_bytes(out, field, inner->ptr, inner->len);
    buf_deinit(inner);
}
static inline struct buf message(void)
{
    struct buf buf;
    buf_init(&buf, ENCODE_BYTES_MAX);
    return buf;
}

/* KeyValue with an AnyValue under field. */
static inline void put_attribute(struct buf *out, uint32_t field, const char *key, struct buf *value)
{
    struct buf pair = message();
    put_text(&pair, 1, key);
    put_message(&pair, 2, value);
    put_message(out, field, &pair);
}
static inline void put_attribute_text(struct buf *out, uint32_t field, const char *key, const char *text)
{
    struct buf value = message();
    put_text(&value, 1, text);
    put_attribute(out, field, key, &value);
}
static inline void put_attribute_int(struct buf *out, uint32_t field, const char *key, int64_t number)
{
    struct buf value = message();
    put_varint(&value, 3, (uint64_t)number);
    put_attribute(out, field, key, &value);
}
static inline void put_attribute_double(struct buf *out, uint32_t field, const char *key, double number)
{
    struct buf value = message();
    put_double(&value, 4, number);
    put_attribute(out, field, key, &value);
}
static inline void put_attribute_bool(struct buf *out, uint32_t field, const char *key, bool is_true)
{
    struct buf value = message();
    put_varint(&value, 2, is_true);
    put_attribute(out, field, key, &value);
}

/* The usual three levels around records (field 2 of scope_*): a resource with service.name, a scope with a name. */
static inline struct buf request_around(struct buf *records)
{
    struct buf scope = message(), scope_list = message(), resource = message(), resource_list = message();
    struct buf request = message();
    put_text(&scope, 1, "lib");
    put_text(&scope, 2, "1.0");
    put_message(&scope_list, 1, &scope);
    put_raw(&scope_list, records->ptr, records->len);
    buf_deinit(records);
    put_attribute_text(&resource, 1, "service.name", "shop");
    put_message(&resource_list, 1, &resource);
    put_message(&resource_list, 2, &scope_list);
    put_message(&request, 1, &resource_list);
    return request;
}

#define ENCODE_NOW_US INT64_C(1763800000000000) /* 2025-11-22 */
#define ENCODE_NOW_NS ((uint64_t)ENCODE_NOW_US * 1000)

static inline uint64_t encode_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* A span of an HTTP server as an SDK sends it: 20 attributes, about 0.9 KB, five values new in each. */
static inline void put_usual_span(struct buf *out, uint64_t *random)
{
    static const char *const routes[] = { "/cart", "/cart/{id}/items", "/checkout", "/product/{sku}", "/login" };
    static const char *const methods[] = { "GET", "POST", "PUT", "DELETE" };
    struct buf span = message(), status = message();
    char text[160];
    uint64_t ids[3] = { encode_random(random), encode_random(random), encode_random(random) };
    uint64_t number = encode_random(random), start = ENCODE_NOW_NS + number % 1000000000;
    const char *route = routes[number % 5];
    put_bytes(&span, 1, ids, 16);
    put_bytes(&span, 2, &ids[2], 8);
    put_bytes(&span, 4, &ids[1], 8);
    snprintf(text, sizeof text, "%s %s", methods[number % 4], route);
    put_text(&span, 5, text);
    put_varint(&span, 6, 2);
    put_fixed64(&span, 7, start);
    put_fixed64(&span, 8, start + number % 100000000);
    put_attribute_text(&span, 9, "http.request.method", methods[number % 4]);
    put_attribute_text(&span, 9, "http.route", route);
    put_attribute_int(&span, 9, "http.response.status_code", 200 + (int64_t)(number % 3) * 100);
    put_attribute_text(&span, 9, "url.scheme", "https");
    snprintf(text, sizeof text, "/cart/%llu/items", (unsigned long long)(number % 1000003));
    put_attribute_text(&span, 9, "url.path", text);
    put_attribute_text(&span, 9, "server.address", "shop.example.com");
    put_attribute_int(&span, 9, "server.port", 443);
    snprintf(text, sizeof text, "10.%u.%u.%u", (unsigned)(number >> 8 & 255), (unsigned)(number >> 16 & 255),
             (unsigned)(number >> 24 & 255));
    put_attribute_text(&span, 9, "client.address", text);
    put_attribute_int(&span, 9, "client.port", 1024 + (int64_t)(number % 60000));
    put_attribute_text(&span, 9, "network.protocol.name", "http");
    put_attribute_text(&span, 9, "network.protocol.version", "1.1");
    put_attribute_text(&span, 9, "user_agent.original", "Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0");
    snprintf(text, sizeof text, "user-%llu", (unsigned long long)(number % 100000));
    put_attribute_text(&span, 9, "user.id", text);
    snprintf(text, sizeof text, "%016llx", (unsigned long long)encode_random(random));
    put_attribute_text(&span, 9, "session.id", text);
    put_attribute_text(&span, 9, "db.system.name", "postgresql");
    put_attribute_text(&span, 9, "db.query.text",
                       "SELECT id, sku, quantity FROM cart_items WHERE cart_id = $1 ORDER BY id");
    put_attribute_int(&span, 9, "http.response.body.size", (int64_t)(number % 100000));
    put_attribute_double(&span, 9, "app.cart.total", (double)(number % 100000) / 100);
    put_attribute_bool(&span, 9, "app.cart.is_new", number % 2 == 0);
    put_attribute_text(&span, 9, "thread.name", "worker-7");
    put_varint(&status, 3, number % 10 == 0 ? 2 : 0);
    put_message(&span, 15, &status);
    put_fixed32(&span, 16, 257);
    put_message(out, 2, &span);
}
