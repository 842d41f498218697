/* Signatures by the published examples, and wrong in each way; what the two services send, and what is about something else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "channels/inbound.h"

/* The example of Slack's documentation of 2024, by its own figures. */
#define SLACK_SECRET "8f742231b10e8888abcd99yyyzzz85a5"
#define SLACK_BODY                                                                                                \
    "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=" \
    "foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2F"  \
    "hooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015."   \
    "47445629121.803a0bc887a14d10d2c447fce8b6703c"
#define SLACK_SIGNATURE "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
#define SLACK_SECONDS   "1531420618"
#define SLACK_US        (INT64_C(1531420618) * 1000000)

static bool checks(enum channel_kind kind, struct inbound_head head, struct bytes body, struct bytes secret,
                   int64_t now_us, const char *says)
{
    struct err err = { 0 };
    bool ok = inbound_check(kind, &head, body, secret, now_us, &err);
    if (!ok && (says == NULL || strstr(err.text, says) == NULL)) fail_msg("%s", err.text);
    if (!ok) assert_int_equal(err.code, ERR_UNAUTHENTICATED);
    return ok;
}

static void test_slack_signature(void **state)
{
    const struct inbound_head fine = { .slack_timestamp = BYTES(SLACK_SECONDS),
                                       .slack_signature = BYTES(SLACK_SIGNATURE) };
    const struct bytes body = BYTES(SLACK_BODY), secret = BYTES(SLACK_SECRET);
    struct inbound_head wrong;
    char signature[] = SLACK_SIGNATURE;
    (void)state;
    assert_true(checks(CHANNEL_SLACK, fine, body, secret, SLACK_US, NULL));
    assert_true(checks(CHANNEL_SLACK_TOKEN, fine, body, secret, SLACK_US + INBOUND_TOLERANCE_US, NULL));
    assert_true(checks(CHANNEL_SLACK, fine, body, secret, SLACK_US - INBOUND_TOLERANCE_US, NULL));
    assert_false(checks(CHANNEL_SLACK, fine, body, secret, SLACK_US + INBOUND_TOLERANCE_US + 1, "five minutes"));
    assert_false(checks(CHANNEL_SLACK, fine, body, secret, SLACK_US - INBOUND_TOLERANCE_US - 1, "five minutes"));
    assert_false(checks(CHANNEL_SLACK, fine, BYTES(SLACK_BODY "&x"), secret, SLACK_US, "signing_secret"));
    assert_false(checks(CHANNEL_SLACK, fine, body, BYTES("another"), SLACK_US, "signing_secret"));
    assert_false(checks(CHANNEL_SLACK, fine, body, BYTES(""), SLACK_US, "has no signing_secret"));
    for (size_t i = 0; i < sizeof signature - 1; i++) { /* each character counts */
        wrong = fine;
        wrong.slack_signature = bytes_of_text(signature);
        signature[i] ^= 1;
        assert_false(checks(CHANNEL_SLACK, wrong, body, secret, SLACK_US, "signing_secret"));
        signature[i] ^= 1;
        wrong.slack_signature.len = i;
        assert_false(checks(CHANNEL_SLACK, wrong, body, secret, SLACK_US, i == 0 ? "no x-slack" : "signing_secret"));
    }
    wrong = fine;
    wrong.slack_timestamp = BYTES("");
    assert_false(checks(CHANNEL_SLACK, wrong, body, secret, SLACK_US, "no x-slack-signature"));
    static const char *const numbers[] = { "-1531420618", "1531420618 ", "9999999999999999999999", "now" };
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        wrong.slack_timestamp = bytes_of_text(numbers[i]);
        assert_false(checks(CHANNEL_SLACK, wrong, body, secret, SLACK_US, "no number"));
    }
    wrong.slack_timestamp = BYTES("1531420619"); /* it is signed, too */
    assert_false(checks(CHANNEL_SLACK, wrong, body, secret, SLACK_US, "signing_secret"));
}

/* echo -n '{"event":{}}' | openssl dgst -sha256 -hmac pd-secret */
#define PAGERDUTY_BODY "{\"event\":{}}"
#define PAGERDUTY_MAC  "77fb999cdab1e010c5ae57458638a56696f56610cdadede6c7ceb94c77843e0b"
static void test_pagerduty_signature(void **state)
{
    static const struct {
        const char *header, *says; /* says NULL: it is taken */
    } cases[] = {
        { "v1=" PAGERDUTY_MAC, NULL },
        { "v1=0000,v1=" PAGERDUTY_MAC, NULL },
        { "v1=" PAGERDUTY_MAC ", v1=0000", NULL },
        { "", "no x-pagerduty-signature" },
        { PAGERDUTY_MAC, "webhook_secret" },
        { "v0=" PAGERDUTY_MAC, "webhook_secret" },
        { "v1=" PAGERDUTY_MAC "0", "webhook_secret" },
        { "v1=,,,", "webhook_secret" },
    };
    (void)state;
    for (size_t c = 0; c < COUNT_OF(cases); c++) {
        struct inbound_head head = { .pagerduty_signature = bytes_of_text(cases[c].header) };
        assert_int_equal(checks(CHANNEL_PAGERDUTY, head, BYTES(PAGERDUTY_BODY), BYTES("pd-secret"), 0, cases[c].says),
                         cases[c].says == NULL);
        assert_false(checks(CHANNEL_PAGERDUTY, head, BYTES("{\"event\":{} }"), BYTES("pd-secret"), 0, ""));
        assert_false(checks(CHANNEL_PAGERDUTY, head, BYTES(PAGERDUTY_BODY), BYTES("pd-secrets"), 0, ""));
    }
    struct err err = { 0 };
    assert_false(inbound_check(CHANNEL_EMAIL, &(struct inbound_head){ 0 }, BYTES(""), BYTES("x"), 0, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

#define ID  "0190a3c0-0000-7000-8000-000000000001"
#define KEY "monoscope:" ID ":incident-7-2"

static void test_keys(void **state)
{
    static const char *const wrong[] = { "",
                                         "monoscope:",
                                         KEY "x",
                                         KEY "-1",
                                         "monoscope:" ID ":incident-0-1",
                                         "monoscope:" ID ":incident-1-0",
                                         "monoscope:" ID ":incident-1",
                                         "monoscope:" ID ":incident--1-2",
                                         "monoscope:" ID ":report-1-2",
                                         "mono:" ID ":incident-1-2",
                                         "monoscope:0190a3c0-zzzz-7000-8000-000000000001:incident-1-2",
                                         "monoscope:" ID ":incident-99999999999999999999-1" };
    struct inbound inbound;
    struct arena arena;
    (void)state;
    arena_init(&arena, 0);
    assert_true(inbound_key_read(BYTES(KEY), &inbound));
    assert_int_equal(inbound.number, 7);
    assert_int_equal(inbound.episode, 2);
    assert_string_equal(inbound_key(&arena, inbound.project_id, BYTES("incident-7-2")), KEY);
    for (size_t w = 0; w < COUNT_OF(wrong); w++) assert_false(inbound_key_read(bytes_of_text(wrong[w]), &inbound));
    arena_deinit(&arena);
}

static void test_what_is_said(void **state)
{
#define BUTTON(id, value)          "{\"action_id\":\"" id "\",\"value\":\"" value "\",\"type\":\"button\"}"
#define SLACK(type, user, actions) "{\"type\":\"" type "\",\"user\":{" user "},\"actions\":[" actions "]}"
#define PAGER(type, agent, key) \
    "{\"event\":{\"event_type\":\"" type "\",\"agent\":" agent ",\"data\":{\"incident_key\":" key "}}}"
    static const struct {
        enum channel_kind kind;
        const char *json;
        enum inbound_act act;
        const char *who;
    } cases[] = {
        { CHANNEL_SLACK, SLACK("block_actions", "\"name\":\"ann\"", BUTTON("monoscope_acknowledge", KEY)),
          INBOUND_ACKNOWLEDGE, "ann (Slack)" },
        { CHANNEL_SLACK_TOKEN,
          SLACK("block_actions", "\"id\":\"U1\"", BUTTON("open", "x") "," BUTTON("monoscope_resolve", KEY)),
          INBOUND_RESOLVE, "U1 (Slack)" },
        { CHANNEL_SLACK, SLACK("block_actions", "\"name\":\"a\\nb\"", BUTTON("monoscope_resolve", KEY)),
          INBOUND_RESOLVE, "a b (Slack)" },
        { CHANNEL_SLACK, SLACK("block_actions", "", BUTTON("monoscope_resolve", KEY)), INBOUND_RESOLVE,
          "somebody (Slack)" },
        { CHANNEL_SLACK, SLACK("view_submission", "\"name\":\"ann\"", BUTTON("monoscope_resolve", KEY)),
          INBOUND_NOTHING, NULL },
        { CHANNEL_SLACK, SLACK("block_actions", "", BUTTON("monoscope_resolve", "other")), INBOUND_NOTHING, NULL },
        { CHANNEL_SLACK, SLACK("block_actions", "", BUTTON("delete", KEY)), INBOUND_NOTHING, NULL },
        { CHANNEL_SLACK, "{}", INBOUND_NOTHING, NULL },
        { CHANNEL_SLACK, PAGER("incident.resolved", "null", "\"" KEY "\""), INBOUND_NOTHING, NULL },
        { CHANNEL_PAGERDUTY, PAGER("incident.acknowledged", "{\"summary\":\"Ann E\"}", "\"" KEY "\""),
          INBOUND_ACKNOWLEDGE, "Ann E (PagerDuty)" },
        { CHANNEL_PAGERDUTY, PAGER("incident.resolved", "null", "\"" KEY "\""), INBOUND_RESOLVE,
          "somebody (PagerDuty)" },
        { CHANNEL_PAGERDUTY, PAGER("incident.reopened", "null", "\"" KEY "\""), INBOUND_NOTHING, NULL },
        { CHANNEL_PAGERDUTY, PAGER("pagey.ping", "null", "null"), INBOUND_NOTHING, NULL },
        { CHANNEL_PAGERDUTY, PAGER("incident.resolved", "null", "\"of another tool\""), INBOUND_NOTHING, NULL },
        { CHANNEL_PAGERDUTY, PAGER("incident.resolved", "null", "17"), INBOUND_NOTHING, NULL },
        { CHANNEL_PAGERDUTY, "{\"event\":[]}", INBOUND_NOTHING, NULL },
    };
    struct arena arena;
    struct err err = { 0 };
    (void)state;
    arena_init(&arena, 0);
    for (size_t c = 0; c < COUNT_OF(cases); c++) {
        struct inbound inbound;
        assert_true(inbound_read(cases[c].kind, bytes_of_text(cases[c].json), &arena, &inbound, &err));
        assert_int_equal(inbound.act, cases[c].act);
        assert_int_equal(inbound.number, cases[c].who ? 7 : 0);
        if (cases[c].who) assert_true(bytes_equal(inbound.who, bytes_of_text(cases[c].who)));
    }
    static const char *const wrong[] = { "", "[]", "7", "{", "payload" };
    for (size_t w = 0; w < COUNT_OF(wrong); w++) {
        struct inbound inbound;
        assert_false(inbound_read(CHANNEL_SLACK, bytes_of_text(wrong[w]), &arena, &inbound, &err));
        assert_int_equal(err.code, ERR_INPUT);
    }
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_slack_signature),
                                        cmocka_unit_test(test_pagerduty_signature), cmocka_unit_test(test_keys),
                                        cmocka_unit_test(test_what_is_said) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
