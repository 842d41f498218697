/* threads: none */
/* Redaction of replays: what rules find in a batch goes, wherever it stands; what a player needs stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ingest/redaction/redaction.h"

static const uint8_t key[REDACTION_KEY_BYTES] = "a key of thirty-two bytes, fixed";

/* What is kept of the batch under the rules, by malloc in a buf; as it came when nothing was found. */
static struct buf rewritten(const struct redaction_rule *rules, uint32_t rule_count, const char *batch, uint64_t *found)
{
    struct redaction *redaction;
    struct redaction_scratch *scratch = redaction_scratch_create();
    struct redaction_counts counts = { 0 };
    struct err err = { 0 };
    struct buf out;
    bool is_changed;
    buf_init(&out, 1 << 20);
    if (!redaction_create(&redaction, rules, rule_count, key, &err) ||
        !redaction_rewrite_replay(redaction, scratch, bytes_of_text(batch), &out, &is_changed, &counts, &err))
        fail_msg("%s", err.text);
    *found = 0;
    for (uint32_t r = 0; r < rule_count; r++) *found += counts.found[r];
    assert_true(is_changed == (out.len > 0) && is_changed == (*found > 0));
    if (!is_changed) assert_true(buf_add(&out, batch, strlen(batch)));
    redaction_scratch_destroy(scratch);
    redaction_release(redaction);
    return out;
}

static void check(const struct redaction_rule *rules, uint32_t rule_count, const char *batch, const char *wanted)
{
    uint64_t found;
    struct buf kept = rewritten(rules, rule_count, batch, &found);
    if (!bytes_equal(buf_bytes(&kept), bytes_of_text(wanted)))
        fail_msg("of %s\nis kept %.*s\nwanted  %s", batch, (int)kept.len, (const char *)kept.ptr, wanted);
    buf_deinit(&kept);
}

#define RULE(f, p, d)                                                 \
    {                                                                 \
        .name = p, .finds = f, .pattern = p, .does = d, .is_on = true \
    }
#define IDS "\"session\":\"sesame\",\"tab\":\"sesame\",\"recording\":\"sesame\",\"sequence\":4111111111111111"

/* Goal: a word is in no text of a batch, wherever it stands, and in its ids still. */
static void test_every_place(void **state)
{
    (void)state;
    static const struct redaction_rule rules[] = { RULE(REDACTION_VALUE, "(?i)sesame", REDACTION_MASK) };
    static const char batch[] =
        "{" IDS ",\"service\":{\"name\":\"sesame\"},\"user\":{\"id\":\"Sesame 1\"},\"userAgent\":\"x "
        "sesame\",\"more\":[\"sesame\"],"
        "\"events\":[{\"type\":4,\"timestamp\":1790000000000.50,\"data\":{\"href\":\"https://x.test/?q=sesame\"}},"
        "{\"type\":2,\"timestamp\":1,\"data\":{\"node\":{\"id\":1,\"childNodes\":[{\"type\":2,\"tagName\":\"p\","
        "\"attributes\":"
        "{\"title\":\"sesame\",\"data-sesame\":\"1\",\"rr_width\":7},\"childNodes\":[{\"type\":3,\"textContent\":"
        "\"open \\u0053esame\"}]}]}}},"
        "{\"type\":3,\"timestamp\":1,\"data\":{\"source\":0,\"texts\":[{\"id\":9,\"value\":\"sesame\"}],\"attributes\":"
        "[{\"id\":9,"
        "\"attributes\":{\"alt\":\"sesame\"}}]}},{\"type\":3,\"timestamp\":1,\"data\":{\"source\":5,\"text\":"
        "\"sesame\",\"id\":3}},"
        "{\"type\":5,\"timestamp\":1,\"data\":{\"tag\":\"sesame\",\"payload\":{\"sesame\":{\"deep\":[[\"sesame\"]]}}}}]"
        "}";
    uint64_t found;
    struct buf kept = rewritten(rules, COUNT_OF(rules), batch, &found);
    assert_int_equal(found, 14);
    assert_true(buf_add(&kept, "", 1));
    const char *rest = (const char *)kept.ptr + sizeof IDS;
    assert_true(memcmp(kept.ptr, "{" IDS, sizeof IDS) == 0);
    if (strcasestr(rest, "sesame")) fail_msg("%s", rest);
    assert_non_null(strstr(rest, "\"timestamp\":1790000000000.50"));
    assert_non_null(strstr(rest, "\"rr_width\":7"));
    buf_deinit(&kept);
}

/* Goal: names count in what people told, with those around them; rrweb's names and numbers stay. */
static void test_names(void **state)
{
    (void)state;
    static const struct redaction_rule rules[] = { RULE(REDACTION_ATTRIBUTE, "user.email", REDACTION_HASH),
                                                   RULE(REDACTION_ATTRIBUTE, "internal.*", REDACTION_DROP),
                                                   RULE(REDACTION_ATTRIBUTE, "id", REDACTION_MASK),
                                                   RULE(REDACTION_ATTRIBUTE, "type", REDACTION_MASK),
                                                   RULE(REDACTION_BUILT_IN, "credentials", REDACTION_MASK),
                                                   RULE(REDACTION_BUILT_IN, "cards", REDACTION_MASK) };
    check(rules, COUNT_OF(rules),
          "{" IDS
          ",\"user\":{\"id\":42,\"email\":\"a@x.test\"},\"events\":[{\"type\":3,\"timestamp\":1,\"data\":{\"id\":7,"
          "\"attributes\":[{\"id\":9,\"attributes\":{\"id\":\"x\",\"value\":\"y\"}}]}},{\"type\":5,\"timestamp\":1,"
          "\"data\":{\"payload\":"
          "{\"internal\":{\"a\":{\"b\":\"secret\"}},\"pin\":1234,\"headers\":{\"Authorization\":[\"k\"]},\"n\":"
          "4111111111111111,\"m\":12}}}]}",
          "{" IDS ",\"user\":{\"id\":\"[redacted]\",\"email\":\"hmac:a674ecf37a33dbd9\"},\"events\":[{\"type\":3,"
          "\"timestamp\":1,\"data\":{\"id\":7,"
          "\"attributes\":[{\"id\":9,\"attributes\":{\"id\":\"[redacted]\",\"value\":\"y\"}}]}},{\"type\":5,"
          "\"timestamp\":1,\"data\":{\"payload\":"
          "{\"internal\":{\"a\":{\"b\":\"\"}},\"pin\":\"[redacted]\",\"headers\":{\"Authorization\":[\"[redacted]\"]},"
          "\"n\":\"[redacted]\",\"m\":12}}}]}");
}

/* Goal: what has no find is not touched, nor what is no batch; what nobody could look through is refused. */
static void test_odd(void **state)
{
    (void)state;
    static const struct redaction_rule rules[] = { RULE(REDACTION_VALUE, "sesame", REDACTION_MASK) };
    static const char *const same[] = { "", "{", "[\"sesame\"]", "{ " IDS " , \"events\": [1.50e1, null, true] }" };
    for (size_t s = 0; s < COUNT_OF(same); s++) check(rules, COUNT_OF(rules), same[s], same[s]);
    struct redaction *redaction;
    struct redaction_scratch *scratch = redaction_scratch_create();
    struct redaction_counts counts = { 0 };
    struct err err = { 0 };
    struct buf deep, out;
    bool is_changed;
    buf_init(&deep, 1 << 20);
    buf_init(&out, 1 << 20);
    assert_true(buf_add(&deep, "{\"events\":", 10));
    for (int n = 0; n < 10000; n++) assert_true(buf_add(&deep, "[", 1));
    for (int n = 0; n < 10000; n++) assert_true(buf_add(&deep, "]", 1));
    assert_true(buf_add(&deep, "}", 1));
    assert_true(redaction_create(&redaction, rules, COUNT_OF(rules), key, &err));
    assert_false(redaction_rewrite_replay(redaction, scratch, buf_bytes(&deep), &out, &is_changed, &counts, &err));
    assert_int_equal(err.code, ERR_INPUT);
    buf_deinit(&deep);
    buf_deinit(&out);
    redaction_scratch_destroy(scratch);
    redaction_release(redaction);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_place),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_odd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
