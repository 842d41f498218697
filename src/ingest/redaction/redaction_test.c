/* threads: none */
/* Redaction: what rules find and what stands there then, in every place a request has, and that nothing else changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ingest/redaction/redaction.h"
#include "worker/otlp/otlp_dump.h"
#include "worker/otlp/otlp_encode.h"

static const uint8_t key[REDACTION_KEY_BYTES] = "a key of thirty-two bytes, fixed";

static struct redaction_rule rule(enum redaction_finds finds, const char *pattern, enum redaction_does does)
{
    struct redaction_rule made = { .finds = finds, .does = does, .is_on = true };
    snprintf(made.name, sizeof made.name, "%s %s", redaction_does_names[does], redaction_finds_names[finds]);
    snprintf(made.pattern, sizeof made.pattern, "%s", pattern);
    return made;
}

static struct redaction *rules_of(const struct redaction_rule *rules, uint32_t count)
{
    struct redaction *redaction;
    struct err err = { 0 };
    if (!redaction_create(&redaction, rules, count, key, &err)) fail_msg("%s", err.text);
    return redaction;
}

/* Takes request; gives what is kept of it, by malloc in a buf. */
static struct buf rewritten(const struct redaction *redaction, enum otlp_signal signal, struct buf *request,
                            struct redaction_counts *counts)
{
    struct redaction_scratch *scratch = redaction_scratch_create();
    struct redaction_counts own = { 0 };
    struct err err = { 0 };
    struct buf out;
    bool is_changed;
    buf_init(&out, ENCODE_BYTES_MAX);
    if (!redaction_rewrite(redaction, scratch, signal, buf_bytes(request), false, &out, &is_changed,
                           counts ? counts : &own, &err))
        fail_msg("%s", err.text);
    redaction_scratch_destroy(scratch);
    if (is_changed) {
        buf_deinit(request);
        return out;
    }
    assert_int_equal(out.len, 0);
    buf_deinit(&out);
    return *request;
}

/* A log's body as it is kept. */
static void check_text(const struct redaction *redaction, const char *text, const char *wanted)
{
    struct buf log = message(), body = message(), records = message();
    put_fixed64(&log, 1, ENCODE_NOW_NS);
    put_text(&body, 1, text);
    put_message(&log, 5, &body);
    put_message(&records, 2, &log);
    struct buf request = request_around(&records);
    struct buf kept = rewritten(redaction, OTLP_LOGS, &request, NULL);
    struct otlp_request decoded;
    struct err err = { 0 };
    otlp_request_init(&decoded);
    if (!otlp_decode(&decoded, OTLP_LOGS, buf_bytes(&kept), ENCODE_NOW_US, &otlp_limits_default, &err))
        fail_msg("%s", err.text);
    assert_int_equal(decoded.logs.count, 1);
    struct bytes found = decoded.logs.at[0].body.bytes;
    if (!bytes_equal(found, bytes_of_text(wanted)))
        fail_msg("of \"%s\" is kept \"%.*s\", wanted \"%s\"", text, (int)found.len, (const char *)found.ptr, wanted);
    otlp_request_deinit(&decoded);
    buf_deinit(&kept);
}

#define R "[redacted]"

/* Goal: credentials are found by the names before them, in every way that texts have names, and words about them stay. */
static void test_credentials(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        { "GET /login?user=ann&password=hunter2&next=%2F", "GET /login?user=ann&password=" R "&next=%2F" },
        { "https://x.test/?api_key=abc#frag", "https://x.test/?api_key=" R "#frag" },
        { "{\"user\":\"ann\",\"password\":\"hun\\\"ter2\",\"n\":1}",
          "{\"user\":\"ann\",\"password\":\"" R "\",\"n\":1}" },
        { "{\"pin\": 1234, \"b\": 2}", "{\"pin\": \"" R "\", \"b\": 2}" },
        { "{\"password\": null, \"secret\": true}", "{\"password\": null, \"secret\": true}" },
        { "{\"credentials\": {\"user\": \"a\", \"x\": [1, \"}\"]}, \"b\": 2}",
          "{\"credentials\": \"" R "\", \"b\": 2}" },
        { "{\\\"password\\\":\\\"hunter2\\\",\\\"b\\\":1}", "{\\\"password\\\":\\\"" R "\\\",\\\"b\\\":1}" },
        { "Authorization: Digest username=\"x\", y", "Authorization: " R "\"x\", y" },
        { "authorization=Bearer abcdef next", "authorization=" R " next" },
        { "Cookie: a=b; c=d\r\nAccept: x", "Cookie: " R "\r\nAccept: x" },
        { "postgres://bob:s3cret@db:5432/x", "postgres://bob:" R "@db:5432/x" },
        { "clone https://ghtoken@github.com/x", "clone https://" R "@github.com/x" },
        { "dbPassword = 'a b c' and more", "dbPassword = '" R "' and more" },
        { "PGPASSWORD=x psql", "PGPASSWORD=" R " psql" },
        { "'secret' => 'x'", "'secret' => '" R "'" },
        { "token_count=12 input_tokens=5 secret_name=db session.id=7",
          "token_count=12 input_tokens=5 secret_name=db session.id=7" },
        { "nextPageToken=abc token_type=bearer", "nextPageToken=abc token_type=bearer" },
        { "time 12:34:56 at http://a.test:80/x?q=1", "time 12:34:56 at http://a.test:80/x?q=1" },
        { "password=", "password=" },
        { "password=\"open", "password=\"" R },
        { "", "" },
    };
    struct redaction_rule built_in = rule(REDACTION_BUILT_IN, "credentials", REDACTION_MASK);
    struct redaction *redaction = rules_of(&built_in, 1);
    for (size_t c = 0; c < COUNT_OF(cases); c++) check_text(redaction, cases[c][0], cases[c][1]);
    redaction_release(redaction);
}

/* Goal: tokens, cards and mail addresses are known by their looks; what only resembles them stays. */
static void test_looks(void **state)
{
    (void)state;
#define A36 "abcdefghijklmnopqrstuvwxyz0123456789"
    static const char *const cases[][2] = {
        { "key AKIAIOSFODNN7EXAMPLE.", "key " R "." },
        { "ghp_" A36 " x", R " x" },
        { "xghp_" A36, "xghp_" A36 },
        { "ghp_short", "ghp_short" },
        { "jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl!", "jwt " R "!" },
        { "eyJhbGciOiJIUzI1NiJ9 eyJ.eyJ.x", "eyJhbGciOiJIUzI1NiJ9 eyJ.eyJ.x" },
        { "h Bearer 0123456789abcdef, x", "h Bearer " R ", x" },
        { "uses basic authentication here", "uses basic authentication here" },
        { "a -----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nb", "a " R "\nb" },
        { "-----BEGIN PRIVATE KEY-----\ncut", R },
        { "-----BEGIN CERTIFICATE-----\nok", "-----BEGIN CERTIFICATE-----\nok" },
        { "4111111111111111", R },
        { "pay 4111 1111 1111 1111 12/27", "pay " R " 12/27" },
        { "pay 4111-1111-1111-1111.", "pay " R "." },
        { "amex 3782 822463 10005", "amex " R },
        { "4111111111111112", "4111111111111112" },
        { "a4111111111111111 0.4111111111111111 41111111111111111",
          "a4111111111111111 0.4111111111111111 41111111111111111" },
        { "1763800000000000000 550e8400-e29b-41d4-a716-446655440000",
          "1763800000000000000 550e8400-e29b-41d4-a716-446655440000" },
        { "mail ann.b+c@mail.example.com, or @x or a@b", "mail " R ", or @x or a@b" },
    };
    const struct redaction_rule rules[] = { rule(REDACTION_BUILT_IN, "tokens", REDACTION_MASK),
                                            rule(REDACTION_BUILT_IN, "cards", REDACTION_MASK),
                                            rule(REDACTION_BUILT_IN, "emails", REDACTION_MASK) };
    struct redaction *redaction = rules_of(rules, COUNT_OF(rules));
    for (size_t c = 0; c < COUNT_OF(cases); c++) check_text(redaction, cases[c][0], cases[c][1]);
    redaction_release(redaction);
}

/* Goal: regular expressions: all matches, of several rules in one text, kept, cut, hashed; those that cannot be are
 * refused in words. */
static void test_patterns(void **state)
{
    (void)state;
    const struct redaction_rule rules[] = { rule(REDACTION_VALUE, "ACME-[0-9]{4}", REDACTION_MASK),
                                            rule(REDACTION_VALUE, "(?i)drop me ?", REDACTION_DROP),
                                            rule(REDACTION_VALUE, "user-[a-z]+", REDACTION_HASH) };
    struct redaction *redaction = rules_of(rules, COUNT_OF(rules));
    check_text(redaction, "ACME-1234 and ACME-99999 ACME-12", R " and " R "9 ACME-12");
    check_text(redaction, "a Drop Me b", "a b");
    check_text(redaction, "user-ann", "hmac:f8af6d56f271d046");
    redaction_release(redaction);
    static const char *const bad[] = { "(", "a*", "x{1001}{1001}", "(?=a)", "\\1", "" };
    for (size_t b = 0; b < COUNT_OF(bad); b++) {
        struct err err = { 0 };
        struct redaction_rule one = rule(REDACTION_VALUE, bad[b], REDACTION_MASK);
        assert_false(redaction_create(&redaction, &one, 1, key, &err));
        assert_int_equal(err.code, ERR_INPUT);
        assert_non_null(strstr(err.text, one.name));
    }
}

static void put_attributes_everywhere(struct buf *span)
{
    struct buf event = message(), link = message(), status = message();
    uint8_t ids[24] = { 1 };
    put_bytes(span, 1, ids, 16);
    put_bytes(span, 2, ids, 8);
    put_text(span, 3, "vendor=sesame");
    put_text(span, 5, "GET sesame");
    put_fixed64(span, 7, ENCODE_NOW_NS);
    put_attribute_text(span, 9, "a", "sesame");
    put_fixed64(&event, 1, ENCODE_NOW_NS);
    put_text(&event, 2, "sesame");
    put_attribute_text(&event, 3, "exception.message", "no sesame here");
    put_attribute_text(&event, 3, "exception.stacktrace", "at sesame\n at b");
    put_message(span, 11, &event);
    put_bytes(&link, 1, ids, 16);
    put_bytes(&link, 2, ids, 8);
    put_text(&link, 3, "sesame");
    put_attribute_text(&link, 4, "sesame", "x");
    put_message(span, 13, &link);
    put_text(&status, 2, "sesame");
    put_message(span, 15, &status);
    put_text(span, 99, "sesame, in a field that nobody has");
    put_bytes(span, 4, "sesame", 6); /* an id of a wrong length */
}

/* Goal: there is no place in a request where a secret stays. Method: the word stands in all of them; then the bytes are
 * searched for it. */
static void test_every_place(void **state)
{
    (void)state;
    const struct redaction_rule rules[] = { rule(REDACTION_VALUE, "sesame", REDACTION_MASK) };
    struct redaction *redaction = rules_of(rules, 1);
    struct redaction_counts counts = { 0 };
    struct buf span = message(), records = message(), value = message(), list = message(), inner = message();
    put_attributes_everywhere(&span);
    put_text(&inner, 1, "x sesame x");
    put_message(&list, 1, &inner);
    put_message(&value, 5, &list);
    put_attribute(&span, 9, "in.list", &value);
    value = message();
    put_bytes(&value, 7, "\xff sesame", 8);
    put_attribute(&span, 9, "in.bytes", &value);
    put_message(&records, 2, &span);
    put_text(&records, 3, "https://sesame/");
    struct buf request = request_around(&records);
    assert_non_null(memmem(request.ptr, request.len, "sesame", 6));
    struct buf kept = rewritten(redaction, OTLP_TRACES, &request, &counts);
    assert_null(memmem(kept.ptr, kept.len, "sesame", 6));
    assert_int_equal(counts.unknown_fields, 1);
    assert_int_equal(counts.found[0], 12);
    redaction_release(redaction);
    buf_deinit(&kept);
}

/* Goal: an attribute goes by its name alone, nested or not, whatever it holds; its neighbours stay as they are. */
static void test_names(void **state)
{
    (void)state;
    const struct redaction_rule rules[] = { rule(REDACTION_ATTRIBUTE, "user.*", REDACTION_DROP),
                                            rule(REDACTION_ATTRIBUTE, "Plan", REDACTION_MASK),
                                            rule(REDACTION_ATTRIBUTE, "customer", REDACTION_HASH),
                                            rule(REDACTION_BUILT_IN, "cards", REDACTION_DROP) };
    struct redaction *redaction = rules_of(rules, COUNT_OF(rules));
    struct redaction_counts counts = { 0 };
    struct buf log = message(), records = message(), nested = message(), value = message();
    put_fixed64(&log, 1, ENCODE_NOW_NS);
    put_attribute_text(&log, 6, "keep", "one");
    put_attribute_text(&log, 6, "user.name", "ann");
    put_attribute_int(&log, 6, "plan", 7);
    put_attribute_int(&log, 6, "customer", 12345);
    put_attribute_int(&log, 6, "card", INT64_C(4111111111111111));
    put_attribute_double(&log, 6, "card.too", 4111111111111111.0);
    put_attribute_text(&nested, 1, "name", "bob");
    put_attribute_text(&nested, 1, "plan", "gold");
    put_message(&value, 6, &nested);
    put_attribute(&log, 6, "user", &value); /* user.name and user.plan of it */
    put_attribute_bool(&log, 6, "keep.too", true);
    put_message(&records, 2, &log);
    struct buf request = request_around(&records);
    struct buf kept = rewritten(redaction, OTLP_LOGS, &request, &counts);
    struct otlp_request decoded;
    struct err err = { 0 };
    otlp_request_init(&decoded);
    if (!otlp_decode(&decoded, OTLP_LOGS, buf_bytes(&kept), ENCODE_NOW_US, &otlp_limits_default, &err))
        fail_msg("%s", err.text);
    const struct otlp_range range = decoded.logs.at[0].attributes;
    const struct otlp_attribute *at = decoded.attributes.at + range.first;
    assert_int_equal(range.count, 5);
    assert_true(bytes_equal(at[0].key, BYTES("keep")) && bytes_equal(at[0].value.bytes, BYTES("one")));
    assert_true(bytes_equal(at[1].key, BYTES("plan")) && bytes_equal(at[1].value.bytes, BYTES(R)));
    assert_true(bytes_equal(at[2].key, BYTES("customer")) && at[2].value.bytes.len == 21);
    assert_true(bytes_equal(at[3].key, BYTES("user")) && at[3].value.type == OTLP_KVLIST && at[3].value.bytes.len == 0);
    assert_true(bytes_equal(at[4].key, BYTES("keep.too")) && at[4].value.boolean);
    assert_int_equal(counts.found[0], 3);
    assert_int_equal(counts.found[1], 1);
    assert_int_equal(counts.found[2], 1);
    assert_int_equal(counts.found[3], 2);
    otlp_request_deinit(&decoded);
    redaction_release(redaction);
    buf_deinit(&kept);
}

/* Goal: what no rule is about stays byte for byte, and lengths that grow over a size of their own are right.
 * Method: usual spans; then values of every length with a find in them, read back by the decoder. */
static void test_lengths(void **state)
{
    (void)state;
    const struct redaction_rule rules[] = { rule(REDACTION_VALUE, "Z", REDACTION_HASH) };
    struct redaction *redaction = rules_of(rules, 1);
    uint64_t random = 7;
    struct buf records = message();
    for (int i = 0; i < 50; i++) put_usual_span(&records, &random);
    struct buf request = request_around(&records), copy = message();
    put_raw(&copy, request.ptr, request.len);
    struct buf kept = rewritten(redaction, OTLP_TRACES, &request, NULL);
    assert_true(bytes_equal(buf_bytes(&kept), buf_bytes(&copy)));
    buf_deinit(&kept);
    buf_deinit(&copy);
    char text[400], wanted[400];
    for (size_t len = 1; len < 300; len++) {
        memset(text, 'a', len);
        text[len / 2] = 'Z';
        text[len] = '\0';
        snprintf(wanted, sizeof wanted, "%.*shmac:aa556a0ccd8e6e2a%s", (int)(len / 2), text, text + len / 2 + 1);
        struct buf log = message(), body = message();
        check_text(redaction, text, wanted);
        buf_deinit(&log);
        buf_deinit(&body);
    }
    redaction_release(redaction);
}

/* Goal: time grows with the text and no faster, whatever the text is. Method: texts made against each matcher, doubled:
 * the work is bounded, so this ends; under a quadratic matcher it would take minutes. */
static void test_hostile_texts(void **state)
{
    (void)state;
    const struct redaction_rule rules[] = { rule(REDACTION_BUILT_IN, "credentials", REDACTION_MASK),
                                            rule(REDACTION_BUILT_IN, "tokens", REDACTION_MASK),
                                            rule(REDACTION_BUILT_IN, "cards", REDACTION_MASK),
                                            rule(REDACTION_BUILT_IN, "emails", REDACTION_MASK),
                                            rule(REDACTION_VALUE, "(a+)+b|c.*d.*e", REDACTION_MASK) };
    static const char *const pieces[] = { "eyJ-",
                                          "password=\"",
                                          "{\"secret\":[",
                                          "-----BEGIN PRIVATE KEY-----",
                                          "a@",
                                          "4111 ",
                                          "a",
                                          "c",
                                          "://a:",
                                          "token:\\\\\\\"",
                                          "=",
                                          "Cookie:",
                                          "sk-",
                                          "eyJaaaaaaaaaa.",
                                          "\\\"pin\\\":",
                                          "bearer " };
    struct redaction *redaction = rules_of(rules, COUNT_OF(rules));
    struct redaction_scratch *scratch = redaction_scratch_create();
    for (size_t p = 0; p < COUNT_OF(pieces); p++) {
        struct buf log = message(), body = message(), text = message(), records = message(), out;
        struct redaction_counts counts = { 0 };
        struct err err = { 0 };
        bool is_changed;
        while (text.len < 2 << 20) put_raw(&text, pieces[p], strlen(pieces[p]));
        put_message(&body, 1, &text);
        put_message(&log, 5, &body);
        put_message(&records, 2, &log);
        struct buf request = request_around(&records);
        buf_init(&out, ENCODE_BYTES_MAX);
        assert_true(redaction_rewrite(redaction, scratch, OTLP_LOGS, buf_bytes(&request), false, &out, &is_changed,
                                      &counts, &err));
        buf_deinit(&request);
        buf_deinit(&out);
    }
    redaction_scratch_destroy(scratch);
    redaction_release(redaction);
}

/* Goal: bytes that are no request are refused, and so is what grows over the limit. */
static void test_refused(void **state)
{
    (void)state;
    const struct redaction_rule rules[] = { rule(REDACTION_ATTRIBUTE, "*", REDACTION_HASH) };
    struct redaction *redaction = rules_of(rules, 1);
    struct redaction_scratch *scratch = redaction_scratch_create();
    struct redaction_counts counts = { 0 };
    struct err err = { 0 };
    struct buf out, records = message(), log = message();
    bool is_changed;
    buf_init(&out, 300);
    assert_false(redaction_rewrite(redaction, scratch, OTLP_LOGS, BYTES("\x0a\x05\x01"), false, &out, &is_changed,
                                   &counts, &err));
    assert_int_equal(err.code, ERR_INPUT);
    for (int i = 0; i < 20; i++) put_attribute_text(&log, 6, "k", "v");
    put_message(&records, 2, &log);
    struct buf request = request_around(&records);
    assert_false(
        redaction_rewrite(redaction, scratch, OTLP_LOGS, buf_bytes(&request), false, &out, &is_changed, &counts, &err));
    assert_int_equal(err.code, ERR_TOO_LARGE);
    buf_deinit(&request);
    buf_deinit(&out);
    redaction_scratch_destroy(scratch);
    redaction_release(redaction);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_credentials),   cmocka_unit_test(test_looks),   cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_every_place),   cmocka_unit_test(test_names),   cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_hostile_texts), cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
