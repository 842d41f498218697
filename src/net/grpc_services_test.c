/* The services that net has itself: health checks and reflection, message by message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "net/grpc_health.h"
#include "net/grpc_pair.h"
#include "net/grpc_reflection.h"
#include "net/proto.h"

/* Goal: Check tells the state of the server and of each service; Watch tells each change, also the last before a drain;
 * List tells all. Method: the messages as protobuf has them, through a session. */
static void test_health(void **state)
{
    (void)state;
    static const char *const names[] = { "a.B", "c.D" };
    struct grpc_health *health = grpc_health_create(names, COUNT_OF(names));
    struct grpc_service service = grpc_health_service(health);
    struct pair pair;
    pair_open(&pair, &service);
    static const struct {
        const char *path;
        struct bytes message, answer;
        int grpc_status;
    } rules[] = {
        { "/grpc.health.v1.Health/Check", BYTES("\0\0\0\0\0"), BYTES("\0\0\0\0\2\x08\2"), 0 },
        { "/grpc.health.v1.Health/Check", BYTES("\0\0\0\0\5\x0A\3a.B"), BYTES("\0\0\0\0\2\x08\2"), 0 },
        { "/grpc.health.v1.Health/Check", BYTES("\0\0\0\0\5\x0A\3a.C"), BYTES(""), 5 },
        { "/grpc.health.v1.Health/Check", BYTES("\0\0\0\0\5\x0A\4a.C"), BYTES(""), 3 },
        { "/grpc.health.v1.Health/Check", BYTES(""), BYTES(""), 12 },
        { "/grpc.health.v1.Health/Ask", BYTES("\0\0\0\0\0"), BYTES(""), 12 },
        { "/grpc.health.v1.Health/List", BYTES("\0\0\0\0\0"),
          BYTES("\0\0\0\0\x1e"
                "\x0A\6\x0A\0\x12\2\x08\2"
                "\x0A\x09\x0A\3a.B\x12\2\x08\2"
                "\x0A\x09\x0A\3c.D\x12\2\x08\2"),
          0 },
    };
    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        struct reply reply = { 0 };
        call_begin(&pair.client, &reply, rules[i].path, rules[i].message, NULL);
        pair_turn(&pair);
        if (reply.grpc_status != rules[i].grpc_status)
            fail_msg("rule %zu: %d, %s", i, reply.grpc_status, reply.message);
        assert_body(&reply, rules[i].answer);
    }
    struct reply known = { 0 }, unknown = { 0 };
    call_begin(&pair.client, &known, "/grpc.health.v1.Health/Watch", BYTES("\0\0\0\0\5\x0A\3c.D"), NULL);
    call_begin(&pair.client, &unknown, "/grpc.health.v1.Health/Watch", BYTES("\0\0\0\0\5\x0A\3e.F"), NULL);
    pair_turn(&pair);
    assert_body(&known, BYTES("\0\0\0\0\2\x08\2"));
    assert_body(&unknown, BYTES("\0\0\0\0\2\x08\3"));
    pair_second(&pair, 3);
    assert_int_equal(known.body_len, 0);
    grpc_health_set(health, true);
    pair_second(&pair, 2);
    assert_body(&known, BYTES("\0\0\0\0\2\x08\1"));
    grpc_health_set(health, false);
    grpc_session_drain(pair.session, true, pair.now_mono_ns);
    pair_turn(&pair);
    assert_body(&known, BYTES("\0\0\0\0\2\x08\2"));
    assert_body(&unknown, BYTES(""));
    assert_int_equal(known.grpc_status, 14);
    pair_close(&pair);
    grpc_health_destroy(health);
}

/* ---- reflection ---- */

#define FIELD(number, length) (number << 3 | 2), length
/* a.p: package a, imports b.p and c.p; message M { f; message N { g } }, enum E { V }, service S { m }, extension x.
 * b.p: package b.c, imports c.p; message M.   c.p: no package, service T. */
static const uint8_t file_a[] = {
    FIELD(1, 3), 'a',         '.',         'p',         FIELD(2, 1), 'a',          FIELD(3, 3), 'b', '.',
    'p',         FIELD(3, 3), 'c',         '.',         'p',         FIELD(4, 18), FIELD(1, 1), 'M', FIELD(2, 3),
    FIELD(1, 1), 'f',         FIELD(3, 8), FIELD(1, 1), 'N',         FIELD(2, 3),  FIELD(1, 1), 'g', FIELD(5, 8),
    FIELD(1, 1), 'E',         FIELD(2, 3), FIELD(1, 1), 'V',         FIELD(6, 8),  FIELD(1, 1), 'S', FIELD(2, 3),
    FIELD(1, 1), 'm',         FIELD(7, 3), FIELD(1, 1), 'x',
};
static const uint8_t file_b[] = {
    FIELD(1, 3), 'b', '.', 'p', FIELD(2, 3), 'b', '.', 'c', FIELD(3, 3), 'c', '.', 'p', FIELD(4, 3), FIELD(1, 1), 'M',
};
static const uint8_t file_c[] = { FIELD(1, 3), 'c', '.', 'p', FIELD(6, 3), FIELD(1, 1), 'T' };

static void set_add(struct buf *set, const uint8_t *file, size_t len)
{
    assert_true(proto_put_bytes(set, 1, bytes_from(file, len)));
}

static void message_add(struct buf *out, uint32_t field, const char *text)
{
    uint8_t storage[100];
    struct buf message = { .ptr = storage, .cap = sizeof storage, .bytes_max = sizeof storage };
    assert_true(proto_put_bytes(&message, field, bytes_of_text(text)));
    const uint8_t prefix[5] = { 0, 0, 0, 0, (uint8_t)message.len };
    assert_true(buf_add(out, prefix, sizeof prefix) && buf_add(out, message.ptr, message.len));
}

/* The files of an answer by their first letter, "abc"; the names of a list, joined by a space; "error 5"; "numbers b.c.M". */
static void answer_print(struct bytes answer, char *out, size_t out_bytes)
{
    struct proto_field field, part;
    size_t at = 0;
    out[0] = '\0';
    while (proto_next(&answer, &field)) {
        struct bytes inner = field.bytes;
        if (field.number < 4) continue; /* the host, and the request once more */
        if (field.number == 5) at += (size_t)snprintf(out + at, out_bytes - at, "numbers ");
        while (proto_next(&inner, &part)) {
            struct bytes name = field.number == 5 ? part.bytes : proto_find_bytes(part.bytes, 1);
            if (field.number == 7 && part.number == 1) snprintf(out, out_bytes, "error %u", (unsigned)part.value);
            if (field.number == 4) name.len = 1;
            if (field.number != 7)
                at += (size_t)snprintf(out + at, out_bytes - at, "%.*s%s", (int)name.len, (const char *)name.ptr,
                                       field.number == 6 ? " " : "");
        }
        assert_int_equal(inner.len, 0);
    }
    assert_int_equal(answer.len, 0);
}

/* Goal: whatever has a name is found, in the file that declares it, with all that file needs and each but once; what is not
 * there is told, and the call goes on. Method: every kind of question, in one call. */
static void test_reflection(void **state)
{
    (void)state;
    enum { FILE_NAME = 3, SYMBOL = 4, EXTENSION = 5, NUMBERS = 6, LIST = 7 };
    static const struct {
        uint32_t field;
        const char *text, *answer;
    } questions[] = {
        { LIST, "", "a.S T " },
        { FILE_NAME, "a.p", "abc" },
        { FILE_NAME, "b.p", "bc" },
        { FILE_NAME, "c.p", "c" },
        { FILE_NAME, "d.p", "error 5" },
        { FILE_NAME, "", "error 5" },
        { SYMBOL, "a.M", "abc" },
        { SYMBOL, ".a.M", "abc" },
        { SYMBOL, "a.M.f", "abc" },
        { SYMBOL, "a.M.N", "abc" },
        { SYMBOL, "a.M.N.g", "abc" },
        { SYMBOL, "a.E", "abc" },
        { SYMBOL, "a.V", "abc" },
        { SYMBOL, "a.S.m", "abc" },
        { SYMBOL, "a.x", "abc" },
        { SYMBOL, "b.c.M", "bc" },
        { SYMBOL, "T", "c" },
        { SYMBOL, "a", "error 5" },
        { SYMBOL, "a.", "error 5" },
        { SYMBOL, "a.M.", "error 5" },
        { SYMBOL, "a.M.f.f", "error 5" },
        { SYMBOL, "M", "error 5" },
        { SYMBOL, "b.M", "error 5" },
        { EXTENSION, "a.M", "error 5" },
        { NUMBERS, "b.c.M", "numbers b.c.M" },
        { NUMBERS, "b.c.N", "error 5" },
        { 1, "host", "error 3" },
    };
    struct buf set, asked;
    struct err err = { 0 };
    struct grpc_reflection *reflection;
    buf_init(&set, 1000);
    buf_init(&asked, 10000);
    set_add(&set, file_a, sizeof file_a);
    set_add(&set, file_b, sizeof file_b);
    set_add(&set, file_c, sizeof file_c);
    assert_true(grpc_reflection_create(&reflection, buf_bytes(&set), &err));
    struct grpc_service service = grpc_reflection_service(reflection);
    struct pair pair;
    pair_open(&pair, &service);
    for (size_t i = 0; i < COUNT_OF(questions); i++) message_add(&asked, questions[i].field, questions[i].text);
    struct reply reply = { 0 };
    call_begin(&pair.client, &reply, "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", buf_bytes(&asked),
               NULL);
    pair_turn(&pair);
    assert_int_equal(reply.grpc_status, 0);
    size_t at = 0;
    for (size_t i = 0; i < COUNT_OF(questions); i++) {
        char text[100];
        assert_true(reply.body_len - at >= 5);
        size_t len = (size_t)reply.body[at + 3] << 8 | reply.body[at + 4];
        answer_print(bytes_from(reply.body + at + 5, len), text, sizeof text);
        if (strcmp(text, questions[i].answer) != 0)
            fail_msg("%u \"%s\": %s", questions[i].field, questions[i].text, text);
        at += 5 + len;
    }
    assert_int_equal(at, reply.body_len);
    free(reply.body);
    struct reply broken = { .is_left_open = true };
    call_begin(&pair.client, &broken, "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
               BYTES("\0\0\0\0\2\x22\x09"), NULL);
    pair_turn(&pair);
    assert_int_equal(broken.grpc_status, 3);
    pair_close(&pair);
    grpc_reflection_destroy(reflection);
    buf_deinit(&set);
    buf_deinit(&asked);
}

/* Goal: what is no descriptor set is refused at start. Method: none, a cut one, another wire type. */
static void test_reflection_of_nothing(void **state)
{
    (void)state;
    const struct bytes wrong[] = { BYTES(""),
                                   BYTES("\x0A\x05"
                                         "ab"),
                                   BYTES("\x0F") };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct grpc_reflection *reflection;
        struct err err = { 0 };
        assert_false(grpc_reflection_create(&reflection, wrong[i], &err));
        assert_null(reflection);
        assert_int_equal(err.code, ERR_CORRUPT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_health),
        cmocka_unit_test(test_reflection),
        cmocka_unit_test(test_reflection_of_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
