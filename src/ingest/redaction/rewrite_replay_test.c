/* threads: none */
/* Redaction of replays: what rules find in a batch goes, wherever it stands; what a player needs stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ingest/redaction/element_memory.h"
#include "ingest/redaction/redaction.h"

static const uint8_t key[REDACTION_KEY_BYTES] = "a key of thirty-two bytes, fixed";

/* What is kept of the batch under the rules, by malloc in a buf; as it came when nothing was found. */
static struct buf rewritten(const struct redaction_rule *rules, uint32_t rule_count, const char *batch, uint64_t *found)
{
    struct redaction *redaction;
    struct redaction_scratch *scratch = redaction_scratch_create();
    struct redaction_counts counts = { 0 };
    struct err err = { 0 };
    struct redacted_replay out;
    buf_init(&out.body, 1 << 20);
    if (!redaction_create(&redaction, rules, rule_count, key, &err) ||
        !redaction_rewrite_replay(redaction, scratch, NULL, bytes_of_text(batch), 0, &out, &counts, &err))
        fail_msg("%s", err.text);
    *found = 0;
    for (uint32_t r = 0; r < rule_count; r++) *found += counts.found[r];
    assert_true(out.is_changed == (out.body.len > 0) && out.is_changed == (*found > 0));
    if (!out.is_changed) assert_true(buf_add(&out.body, batch, strlen(batch)));
    redaction_scratch_destroy(scratch);
    redaction_release(redaction);
    return out.body;
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
    struct redacted_replay out;
    struct buf deep;
    buf_init(&deep, 1 << 20);
    buf_init(&out.body, 1 << 20);
    assert_true(buf_add(&deep, "{\"events\":", 10));
    for (int n = 0; n < 10000; n++) assert_true(buf_add(&deep, "[", 1));
    for (int n = 0; n < 10000; n++) assert_true(buf_add(&deep, "]", 1));
    assert_true(buf_add(&deep, "}", 1));
    assert_true(redaction_create(&redaction, rules, COUNT_OF(rules), key, &err));
    assert_false(redaction_rewrite_replay(redaction, scratch, NULL, buf_bytes(&deep), 0, &out, &counts, &err));
    assert_int_equal(err.code, ERR_INPUT);
    buf_deinit(&deep);
    buf_deinit(&out.body);
    redaction_scratch_destroy(scratch);
    redaction_release(redaction);
}

/* ---- elements ---- */

struct page {
    struct redaction *redaction;
    struct redaction_scratch *scratch;
    struct element_memory *memory;
    struct redacted_replay out;
    int64_t now_unix_us;
};

static void page_open(struct page *page, const struct redaction_rule *rules, uint32_t rule_count)
{
    struct err err = { 0 };
    *page = (struct page){ .scratch = redaction_scratch_create(),
                           .memory = element_memory_create(100),
                           .now_unix_us = INT64_C(1790000000000000) };
    buf_init(&page->out.body, 1 << 20);
    if (!redaction_create(&page->redaction, rules, rule_count, key, &err)) fail_msg("%s", err.text);
}

static void page_close(struct page *page)
{
    buf_deinit(&page->out.body);
    element_memory_destroy(page->memory);
    redaction_scratch_destroy(page->scratch);
    redaction_release(page->redaction);
}

/* What is kept of the events of a batch; sequence -1: it has none. */
static const char *sent(struct page *page, int sequence, const char *events)
{
    static char batch[8192], number[40];
    struct redaction_counts counts = { 0 };
    struct err err = { 0 };
    snprintf(number, sizeof number, sequence < 0 ? "" : ",\"sequence\":%d", sequence);
    snprintf(batch, sizeof batch, "{\"session\":\"s\",\"tab\":\"t\",\"recording\":\"r\"%s,\"events\":[%s]}", number,
             events);
    page->now_unix_us += 61000000; /* so that it may be asked again */
    if (!redaction_rewrite_replay(page->redaction, page->scratch, page->memory, bytes_of_text(batch), page->now_unix_us,
                                  &page->out, &counts, &err))
        fail_msg("%s", err.text);
    if (!page->out.is_changed) assert_true(buf_add(&page->out.body, batch, strlen(batch)));
    assert_true(buf_add(&page->out.body, "", 1));
    return (const char *)page->out.body.ptr;
}

#define SNAPSHOT                                                                                                      \
    "{\"type\":2,\"timestamp\":1,\"data\":{\"node\":{\"type\":0,\"id\":1,\"childNodes\":[{\"type\":2,\"id\":2,"       \
    "\"tagName\":\"body\",\"attributes\":{},"                                                                         \
    "\"childNodes\":[{\"type\":2,\"id\":3,\"tagName\":\"div\",\"attributes\":{\"class\":\"chat\",\"title\":\"sesame " \
    "1\",\"style\":\"color: red\"},"                                                                                  \
    "\"childNodes\":[{\"type\":3,\"id\":4,\"textContent\":\"\\n "                                                     \
    "\"},{\"type\":2,\"id\":5,\"tagName\":\"p\",\"attributes\":{},\"childNodes\":["                                   \
    "{\"type\":3,\"id\":6,\"textContent\":\"sesame "                                                                  \
    "2\"}]}]},{\"type\":2,\"id\":7,\"tagName\":\"p\",\"attributes\":{\"title\":\"open 1\"},\"childNodes\":["          \
    "{\"type\":3,\"id\":8,\"textContent\":\"open 2\"}]}]}]}}}"
#define CHANGE(more) "{\"type\":3,\"timestamp\":1,\"data\":{\"source\":0," more "}}"
#define ADD(parent, id, attributes, inside)                                                                     \
    "{\"parentId\":" parent ",\"node\":{\"type\":2,\"id\":" id ",\"tagName\":\"b\",\"attributes\":{" attributes \
    "},\"childNodes\":[" inside "]}}"
#define TEXT(parent, id, text) \
    "{\"parentId\":" parent ",\"node\":{\"type\":3,\"id\":" id ",\"textContent\":\"" text "\"}}"

static void has(const char *kept, uint32_t open_count)
{
    uint32_t count = 0;
    if (strstr(kept, "sesame")) fail_msg("kept: %s", kept);
    for (const char *at = kept; (at = strstr(at, "open")); at++) count++;
    if (count != open_count) fail_msg("%u are left, wanted %u: %s", count, open_count, kept);
}

static const struct redaction_rule chat[] = { RULE(REDACTION_ELEMENT, ".chat", REDACTION_MASK) };

/* Goal: what is in an element is gone from the snapshot and from what comes later, by number alone; all else stays. */
static void test_elements(void **state)
{
    (void)state;
    struct page page;
    page_open(&page, chat, COUNT_OF(chat));
    const char *kept = sent(&page, 0, SNAPSHOT);
    has(kept, 2);
    assert_non_null(strstr(kept, "\"color: red\""));
    assert_non_null(strstr(kept, "\"\\n \"")); /* blanks tell nothing */
    has(sent(&page, 1, CHANGE("\"texts\":[{\"id\":6,\"value\":\"sesame\"},{\"id\":8,\"value\":\"open\"}]")), 1);
    has(sent(&page, 2,
             "{\"type\":3,\"timestamp\":1,\"data\":{\"source\":5,\"id\":5,\"text\":\"sesame\"}},"
             "{\"type\":3,\"timestamp\":1,\"data\":{\"source\":5,\"id\":7,\"text\":\"open\"}}"),
        1);
    has(sent(&page, 3,
             CHANGE("\"attributes\":[{\"id\":5,\"attributes\":{\"alt\":\"sesame\"}},{\"id\":7,\"attributes\":{\"alt\":"
                    "\"open\"}}]")),
        1);
    /* added: below one, itself one, before its parent, below what was added */
    has(sent(&page, 4,
             CHANGE("\"adds\":[" TEXT("20", "21", "sesame") "," ADD("5", "20", "\"title\":\"sesame\"", "") "," ADD(
                 "2", "22", "\"class\":\"a chat\"",
                 "{\"type\":3,\"id\":23,\"textContent\":\"sesame\"}") "," ADD("2", "24", "\"title\":\"open\"",
                                                                              "{\"type\":3,\"id\":25,\"textContent\":"
                                                                              "\"open\"}") "]")),
        2);
    has(sent(&page, 5,
             CHANGE("\"texts\":[{\"id\":21,\"value\":\"sesame\"},{\"id\":23,\"value\":\"sesame\"},{\"id\":25,\"value\":"
                    "\"open\"}]")),
        1);
    /* moved out of it */
    has(sent(&page, 6, CHANGE("\"adds\":[" TEXT("7", "6", "sesame") "]")), 0);
    assert_false(page.out.wants_snapshot);
    /* sent again */
    has(sent(&page, 5, CHANGE("\"texts\":[{\"id\":21,\"value\":\"sesame\"},{\"id\":25,\"value\":\"open\"}]")), 1);
    page_close(&page);
}

#define CHANGE_UNKNOWN \
    CHANGE("\"texts\":[{\"id\":6,\"value\":\"sesame\"},{\"id\":8,\"value\":\"sesame, for all we know\"}]")
#define CHANGE_KNOWN CHANGE("\"texts\":[{\"id\":6,\"value\":\"sesame\"},{\"id\":8,\"value\":\"open\"}]")

/* Goal: while nothing is known of a page's elements all changes go, and a snapshot is asked for; with it all is well. */
static void test_unknown(void **state)
{
    (void)state;
    struct page page;
    page_open(&page, chat, COUNT_OF(chat));
    has(sent(&page, 7, CHANGE_UNKNOWN), 0); /* the process is new */
    assert_true(page.out.wants_snapshot);
    has(sent(&page, 8, SNAPSHOT "," CHANGE_KNOWN), 3);
    assert_false(page.out.wants_snapshot);
    has(sent(&page, 9, CHANGE_KNOWN), 1);
    has(sent(&page, 11, CHANGE_UNKNOWN), 0); /* one is missing */
    has(sent(&page, 10, CHANGE_UNKNOWN), 0);
    assert_true(page.out.wants_snapshot);
    has(sent(&page, 12, SNAPSHOT), 2);
    /* one becomes such an element: what is below it is not known */
    has(sent(
            &page, 13,
            CHANGE(
                "\"attributes\":[{\"id\":7,\"attributes\":{\"class\":\"chat\",\"title\":\"sesame\"}}]") "," CHANGE_UNKNOWN),
        0);
    assert_true(page.out.wants_snapshot);
    has(sent(&page, 14, CHANGE_UNKNOWN), 0);
    has(sent(&page, 15, SNAPSHOT), 2);
    has(sent(&page, -1, CHANGE_UNKNOWN), 0); /* without numbers each stands alone */
    assert_false(page.out.wants_snapshot);
    has(sent(&page, -1, SNAPSHOT "," CHANGE_KNOWN), 3);
    page_close(&page);
}

/* Goal: a page with more nodes than can be remembered is one of which nothing is known. */
static void test_many(void **state)
{
    (void)state;
    struct element_memory *memory = element_memory_create(4);
    struct elements elements;
    struct recording_name name = { .session = BYTES("s"), .tab = BYTES("t"), .recording = BYTES("r"), .sequence = 0 };
    element_memory_take(memory, &name, 1, &elements);
    elements_begin(&elements);
    for (uint32_t n = ELEMENTS_NODES_MAX; n > 0; n--) elements_add(&elements, n * 2, (int32_t)n % 3);
    assert_true(elements.is_known && elements_rule(&elements, 8) == 4 % 3 && elements_rule(&elements, 7) == -1);
    element_memory_put(memory, &name, &elements);
    name.sequence = 1;
    element_memory_take(memory, &name, 1, &elements);
    assert_true(elements.is_known && elements.count == ELEMENTS_NODES_MAX);
    elements_add(&elements, 1, 0);
    assert_false(elements.is_known);
    element_memory_put(memory, &name, &elements);
    name.sequence = 2;
    element_memory_take(memory, &name, 2, &elements); /* other rules */
    assert_false(elements.is_known);
    element_memory_put(memory, &name, &elements);
    for (int n = 0; n < 100; n++) { /* the oldest are forgotten */
        char id[16];
        snprintf(id, sizeof id, "s%d", n);
        name.session = bytes_of_text(id);
        element_memory_take(memory, &name, 1, &elements);
        for (uint32_t i = 0; i < 100; i++) elements_add(&elements, i, 0);
        element_memory_put(memory, &name, &elements);
    }
    element_memory_destroy(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_place), cmocka_unit_test(test_names),   cmocka_unit_test(test_odd),
        cmocka_unit_test(test_elements),    cmocka_unit_test(test_unknown), cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
