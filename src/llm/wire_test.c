/* Both shapes of the wire: what is sent, and what is made of answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "llm/wire.h"

static const struct llm_tool tools[] = { { "run_sql", "Runs SQL.",
                                           "{\"type\":\"object\",\"properties\":{\"sql\":{\"type\":\"string\"}}}" } };
static const char schema[] =
    "{\"type\":\"object\",\"properties\":{\"same\":{\"type\":\"boolean\"}},\"required\":[\"same\"]}";

/* A conversation with a call, its two results and what follows. */
static struct llm_request conversation(void)
{
    static const struct llm_call calls[] = { { { (const uint8_t *)"c1", 2 },
                                               { (const uint8_t *)"run_sql", 7 },
                                               { (const uint8_t *)"{\"sql\":\"SELECT 1\"}", 18 } } };
    static const struct llm_message messages[] = {
        { .role = LLM_USER, .text = { (const uint8_t *)"how many?", 9 } },
        { .role = LLM_ASSISTANT, .calls = calls, .call_count = 1 },
        { .role = LLM_TOOL,
          .text = { (const uint8_t *)"no \xFF table", 10 },
          .call_id = { (const uint8_t *)"c1", 2 },
          .is_error = true },
        { .role = LLM_USER, .text = { (const uint8_t *)"try again", 9 } },
    };
    return (struct llm_request){ .purpose = "test",
                                 .system = BYTES("be brief"),
                                 .messages = messages,
                                 .message_count = 4,
                                 .tools = tools,
                                 .tool_count = 1,
                                 .temperature = -1,
                                 .output_tokens_max = 50 };
}

static char *request_text(enum wire_api api, uint32_t quirks, const struct llm_request *request)
{
    struct buf body;
    struct err err = { 0 };
    buf_init(&body, SIZE_MAX);
    if (!wire_request(api, quirks, "m", request, &body, &err)) fail_msg("%s", err.text);
    char *text = bytes_to_text(buf_bytes(&body));
    buf_deinit(&body);
    return text;
}

/* Goal: a conversation is written as each API wants it. Method: the whole bodies, compared by hand with the references. */
static void test_requests(void **state)
{
    struct llm_request request = conversation();
    (void)state;
    char *text = request_text(WIRE_OPENAI, 0, &request);
    assert_string_equal(text,
                        "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"be "
                        "brief\"},{\"role\":\"user\",\"content\":\"how many?\"},"
                        "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\","
                        "\"function\":{\"name\":\"run_sql\","
                        "\"arguments\":\"{\\\"sql\\\":\\\"SELECT "
                        "1\\\"}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"no ? table\"},"
                        "{\"role\":\"user\",\"content\":\"try "
                        "again\"}],\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"run_sql\","
                        "\"description\":\"Runs "
                        "SQL.\",\"parameters\":{\"type\":\"object\",\"properties\":{\"sql\":{\"type\":\"string\"}}}}}],"
                        "\"max_tokens\":50,\"stream\":false}");
    free(text);
    text = request_text(WIRE_ANTHROPIC, 0, &request);
    assert_string_equal(
        text,
        "{\"model\":\"m\",\"max_tokens\":50,\"system\":\"be "
        "brief\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
        "\"text\":\"how "
        "many?\"}]},{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"c1\",\"name\":\"run_sql\","
        "\"input\":{\"sql\":\"SELECT "
        "1\"}}]},{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"c1\","
        "\"content\":\"no ? table\",\"is_error\":true},{\"type\":\"text\",\"text\":\"try "
        "again\"}]}],\"tools\":[{\"name\":\"run_sql\","
        "\"description\":\"Runs "
        "SQL.\",\"input_schema\":{\"type\":\"object\",\"properties\":{\"sql\":{\"type\":\"string\"}}}}],"
        "\"stream\":false}");
    free(text);
}

static bool piece_taken(void *ctx, struct bytes piece)
{
    (void)ctx;
    (void)piece;
    return true;
}

/* Goal: each quirk changes what it is for and nothing else, and is learned from a refusal that names it, step by step.
 * Method: refusals as servers word them; what the body then has and has not. */
static void test_quirks(void **state)
{
    struct llm_request request = conversation();
    request.schema = schema;
    request.temperature = 0;
    request.tool_choice = LLM_TOOLS_NEEDED;
    static const struct {
        const char *refusal, *gone, *there;
        uint32_t quirk;
    } steps[] = {
        { "{\"error\":{\"message\":\"Unsupported parameter: 'max_tokens' is not supported with this model. Use "
          "'max_completion_tokens' instead.\"}}",
          "\"max_tokens\"", "\"max_completion_tokens\":50", WIRE_COMPLETION_TOKENS },
        { "{\"error\":{\"message\":\"Unsupported value: 'temperature' does not support 0 with this model.\"}}",
          "\"temperature\"", "\"model\"", WIRE_NO_TEMPERATURE },
        { "{\"error\":{\"message\":\"tool_choice is not supported\"}}", "\"tool_choice\"", "\"tools\"",
          WIRE_NO_TOOL_CHOICE },
        { "{\"error\":{\"message\":\"Invalid schema for response_format 'answer'\"}}", "\"strict\"", "\"json_schema\"",
          WIRE_NO_STRICT },
        { "{\"detail\":\"response_format type json_schema is not available\"}", "\"json_schema\"", "\"json_object\"",
          WIRE_NO_SCHEMA },
        { "{\"error\":\"response_format: unknown field\"}", "response_format", "It must fit this JSON Schema",
          WIRE_NO_JSON },
    };
    uint32_t quirks = 0;
    (void)state;
    for (size_t s = 0; s < COUNT_OF(steps); s++) {
        char *text = request_text(WIRE_OPENAI, quirks, &request);
        assert_non_null(strstr(text, steps[s].gone));
        free(text);
        uint32_t learned = wire_learn(WIRE_OPENAI, quirks, &request, bytes_of_text(steps[s].refusal));
        assert_int_equal(learned, quirks | steps[s].quirk);
        quirks = learned;
        text = request_text(WIRE_OPENAI, quirks, &request);
        assert_null(strstr(text, steps[s].gone));
        assert_non_null(strstr(text, steps[s].there));
        free(text);
        assert_int_equal(wire_learn(WIRE_OPENAI, quirks, &request,
                                    BYTES("{\"error\":{\"message\":\"no such model\"}}")),
                         quirks);
    }
    for (size_t s = 0; s < COUNT_OF(steps); s++) /* nothing is learned twice, so it ends */
        assert_int_equal(wire_learn(WIRE_OPENAI, quirks, &request, bytes_of_text(steps[s].refusal)), quirks);
    request.stream = piece_taken;
    assert_int_equal(wire_learn(WIRE_OPENAI, 0, &request, BYTES("unknown field stream_options")),
                     WIRE_NO_STREAM_OPTIONS);
    char *text = request_text(WIRE_ANTHROPIC, 0, &request);
    assert_non_null(strstr(text, "\"tool_choice\":{\"type\":\"any\"}"));
    assert_non_null(strstr(text, "{\"name\":\"answer\",\"description\":\"Gives the answer.\",\"input_schema\":{"));
    free(text);
}

#define S "data: {\"model\":\"gpt-x\",\"choices\":[{\"index\":0,\"delta\":"
#define E "}]}\n\n"
/* Goal: one answer comes out of each form it may have: whole, streamed, with calls in pieces, whole calls, repeated heads, without
 * ids or usage; what is none is said to be, and what is cut is told apart.
 * Method: recorded forms of OpenAI, Ollama, llama.cpp, vLLM and Anthropic, fed in pieces of 1, 7 and all bytes. */
static void test_answers(void **state)
{
    static const struct {
        enum wire_api api;
        const char *bytes, *text, *calls;
        enum llm_stop stop;
        int input, output; /* -1: not told */
        const char *failure;
    } rows[] = {
        { WIRE_OPENAI,
          "{\"model\":\"gpt-x\",\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"4\"},\"finish_reason\":"
          "\"stop\"}],"
          "\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":1}}",
          "4", "", LLM_STOP_END, 9, 1, NULL },
        { WIRE_OPENAI,
          " \n{\"choices\":[{\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\",\"text\":"
          "\"b\"}]}}]}",
          "ab", "", LLM_STOP_END, -1, -1, NULL },
        { WIRE_OPENAI,
          "{\"choices\":[{\"message\":{\"content\":null,\"refusal\":\"I will not.\"},\"finish_reason\":\"stop\"}]}",
          "I will not.", "", LLM_STOP_REFUSED, -1, -1, NULL },
        { WIRE_OPENAI, "{\"choices\":[{\"message\":{\"content\":\"x\"},\"finish_reason\":\"length\"}]}", "x", "",
          LLM_STOP_LENGTH, -1, -1, NULL },
        { WIRE_OPENAI,
          S "{\"role\":\"assistant\",\"content\":\"\"}" E S "{\"content\":\"Hel\"}" E ": ping\n\n" S
            "{\"content\":\"lo\"},\"finish_reason\":\"stop\"" E
            "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n",
          "Hello", "", LLM_STOP_END, 5, 2, NULL },
        { WIRE_OPENAI, S "{\"content\":\"Hi\"},\"finish_reason\":\"stop\"" E, "Hi", "", LLM_STOP_END, -1, -1,
          NULL }, /* no [DONE] */
        { WIRE_OPENAI,
          S "{\"tool_calls\":[{\"index\":0,\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"run_sql\","
            "\"arguments\":\"\"}}]}" E S
            "{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"sql\\\":\"}}]}" E S
            "{\"tool_calls\":[{\"index\":1,\"id\":\"c2\",\"function\":{\"name\":\"now\",\"arguments\":\"\"}}]}" E S
            "{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"1}\"}}]},\"finish_reason\":\"tool_calls\"" E
            "data: [DONE]\n\n",
          "", "c1 run_sql {\"sql\":1};c2 now {};", LLM_STOP_TOOLS, -1, -1, NULL },
        /* Ollama: whole calls, all of index 0; vLLM: the head in every piece; a server that names no call, with an object */
        { WIRE_OPENAI,
          S "{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"x\\\":1}\"}},"
            "{\"index\":0,\"id\":\"b\",\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}]},\"finish_reason\":"
            "\"stop\"" E,
          "", "a f {\"x\":1};b g {};", LLM_STOP_TOOLS, -1, -1, NULL },
        { WIRE_OPENAI,
          S "{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{\"}}]}" E S
            "{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"}\"}}]},\"finish_"
            "reason\":\"tool_calls\"" E,
          "", "a f {};", LLM_STOP_TOOLS, -1, -1, NULL },
        { WIRE_OPENAI,
          "{\"choices\":[{\"message\":{\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":{\"x\":[1]}}}]},"
          "\"finish_reason\":\"stop\"}]}",
          "", "call_1 f {\"x\":[1]};", LLM_STOP_TOOLS, -1, -1, NULL },
        { WIRE_ANTHROPIC,
          "{\"type\":\"message\",\"model\":\"c\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"hm\"},{\"type\":"
          "\"text\",\"text\":\"4\"}],\"stop_reason\":\"end_turn\","
          "\"usage\":{\"input_tokens\":9,\"cache_read_input_tokens\":90,\"output_tokens\":1}}",
          "4", "", LLM_STOP_END, 99, 1, NULL },
        { WIRE_ANTHROPIC,
          "event: message_start\ndata: "
          "{\"type\":\"message_start\",\"message\":{\"model\":\"c\",\"usage\":{\"input_tokens\":7,\"output_tokens\":1}}"
          "}\n\n"
          "event: ping\ndata: {\"type\":\"ping\"}\n\n"
          "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n"
          "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Let "
          "me\"}}\n\n"
          "data: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
          "data: "
          "{\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"tool_use\",\"id\":\"t1\","
          "\"name\":\"run_sql\",\"input\":{}}}\n\n"
          "data: "
          "{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{"
          "\\\"sql\\\":\"}}\n\n"
          "data: "
          "{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"2}"
          "\"}}\n\n"
          "data: "
          "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"},\"usage\":{\"output_tokens\":12}}\n\n"
          "data: {\"type\":\"message_stop\"}\n\n",
          "Let me", "t1 run_sql {\"sql\":2};", LLM_STOP_TOOLS, 7, 12, NULL },
        { WIRE_ANTHROPIC,
          "{\"content\":[{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"answer\",\"input\":{\"same\":true}}],\"stop_"
          "reason\":\"tool_use\"}",
          "", "t answer {\"same\":true};", LLM_STOP_TOOLS, -1, -1, NULL },
        { WIRE_ANTHROPIC,
          "data: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n", NULL,
          NULL, 0, 0, 529, "Overloaded" },
        { WIRE_OPENAI, "{\"error\":{\"message\":\"slow\\n down\",\"code\":429}}", NULL, NULL, 0, 0, 429, "slow  down" },
        { WIRE_OPENAI, "", NULL, NULL, 0, 0, -1, "it is empty" },
        { WIRE_OPENAI, "{\"choices\":[{\"mess", NULL, NULL, 0, 0, -1, "it is cut" },
        { WIRE_OPENAI, "{\"choices\":!", NULL, NULL, 0, 0, 0, "it is no JSON" },
        { WIRE_OPENAI, "{\"choices\":[]}", NULL, NULL, 0, 0, 0, "it has no message" },
        { WIRE_OPENAI, "<html>502</html>", NULL, NULL, 0, 0, -1, "it is cut" },
        { WIRE_OPENAI, S "{\"content\":\"Hel\"}" E, NULL, NULL, 0, 0, -1, "it is cut" },
        { WIRE_OPENAI, "data: [1]\n\n", NULL, NULL, 0, 0, 0, "an event is no JSON object" },
        { WIRE_OPENAI,
          "{\"choices\":[{\"message\":{\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":\"[1]\"}}]}}]}",
          NULL, NULL, 0, 0, 0, "no JSON object" },
        { WIRE_OPENAI,
          "{\"choices\":[{\"message\":{\"tool_calls\":[{\"function\":{\"name\":\"a b\",\"arguments\":\"{}\"}}]}}]}",
          NULL, NULL, 0, 0, 0, "no name" },
        { WIRE_ANTHROPIC,
          "data: "
          "{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":"
          "\"x\"}}\n\n",
          NULL, NULL, 0, 0, 0, "before their call" },
    };
    (void)state;
    for (size_t r = 0; r < COUNT_OF(rows) * 3; r++) {
        size_t row = r / 3, len = strlen(rows[row].bytes), piece = r % 3 == 0 ? 1 : r % 3 == 1 ? 7 : len + 1;
        struct wire_reader reader;
        struct llm_answer answer = { 0 };
        struct err err = { 0 };
        struct arena arena;
        char calls[200] = "";
        arena_init(&arena, 0);
        wire_reader_init(&reader, rows[row].api, NULL, NULL);
        for (size_t at = 0; at < len; at += piece)
            if (!wire_reader_feed(&reader, bytes_from(rows[row].bytes + at, len - at < piece ? len - at : piece)))
                break;
        bool ok = wire_reader_end(&reader, &arena, &answer, &err);
        if (ok != (rows[row].failure == NULL)) fail_msg("row %zu: %s", row, err.text);
        if (!ok) {
            if (strstr(err.text, rows[row].failure) == NULL) fail_msg("row %zu: %s", row, err.text);
            assert_int_equal(reader.is_cut, rows[row].output == -1);
            assert_int_equal(reader.status, rows[row].output > 0 ? rows[row].output : 0);
        } else {
            for (uint32_t c = 0; c < answer.call_count; c++)
                snprintf(calls + strlen(calls), sizeof calls - strlen(calls), "%.*s %.*s %.*s;",
                         (int)answer.calls[c].id.len, (const char *)answer.calls[c].id.ptr,
                         (int)answer.calls[c].name.len, (const char *)answer.calls[c].name.ptr,
                         (int)answer.calls[c].arguments.len, (const char *)answer.calls[c].arguments.ptr);
            if (!bytes_equal(answer.text, bytes_of_text(rows[row].text)))
                fail_msg("row %zu: %.*s", row, (int)answer.text.len, (const char *)answer.text.ptr);
            assert_string_equal(calls, rows[row].calls);
            assert_int_equal(answer.stop, rows[row].stop);
            assert_int_equal(answer.is_estimated, rows[row].input < 0);
            if (rows[row].input >= 0) assert_int_equal(answer.input_tokens, rows[row].input);
            if (rows[row].output >= 0) assert_int_equal(answer.output_tokens, rows[row].output);
        }
        wire_reader_deinit(&reader);
        arena_deinit(&arena);
    }
}

/* Goal: the URL says which API it is. Method: URLs as people write them. */
static void test_urls(void **state)
{
    char full[WIRE_URL_BYTES];
    (void)state;
    assert_int_equal(wire_url("http://localhost:11434/v1", full), WIRE_OPENAI);
    assert_string_equal(full, "http://localhost:11434/v1/chat/completions");
    assert_int_equal(wire_url("https://host/v1/chat/completions/", full), WIRE_OPENAI);
    assert_string_equal(full, "https://host/v1/chat/completions");
    assert_int_equal(wire_url("https://host/v1/messages", full), WIRE_ANTHROPIC);
    assert_string_equal(full, "https://host/v1/messages");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_requests), cmocka_unit_test(test_quirks),
                                        cmocka_unit_test(test_answers), cmocka_unit_test(test_urls) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
