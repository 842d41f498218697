/* tail: rows as they come, over the live tail's server-sent events (docs/tail.md). After a break it goes on where it was. */
#include "base/clock.h"
#include "cli/cli_inside.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVENT_BYTES_MAX = 8 << 20, AGAIN_MS = 1000, AWAY_S_MAX = 60 };

struct tailing {
    struct cli *cli;
    struct buf text; /* what has come of the next event */
    char last_id[80];
    uint64_t heard_ns;
    bool has_ended; /* the server said that no more comes */
};

static void rows_print(const struct cli *cli, yyjson_val *rows)
{
    yyjson_val *row;
    size_t i, count;
    yyjson_arr_foreach(rows, i, count, row) cli_print_row(cli, row);
    fflush(stdout);
}

static void event_take(struct tailing *tailing, struct bytes name, struct bytes data)
{
    yyjson_doc *doc = yyjson_read((const char *)data.ptr, data.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc);
    const char *reason = yyjson_get_str(yyjson_obj_get(root, "reason"));
    if (bytes_equal(name, BYTES("rows"))) {
        rows_print(tailing->cli, yyjson_obj_get(root, "rows"));
    } else if (bytes_equal(name, BYTES("dropped"))) {
        fprintf(stderr, "monoscope: %llu rows came faster than they could be shown: filter, or ask by search\n",
                (unsigned long long)yyjson_get_uint(yyjson_obj_get(root, "count")));
    } else if (bytes_equal(name, BYTES("end"))) {
        tailing->has_ended = true;
        fprintf(stderr, "monoscope: %s\n", reason != NULL ? reason : "the server ended the stream");
    }
    yyjson_doc_free(doc);
}

/* "name: value" lines of one event. */
static void event_read(struct tailing *tailing, struct bytes text)
{
    struct bytes name = { 0 }, data = { 0 };
    while (text.len > 0) {
        const uint8_t *end = memchr(text.ptr, '\n', text.len);
        struct bytes line = bytes_from(text.ptr, end != NULL ? (size_t)(end - text.ptr) : text.len);
        text = bytes_from(text.ptr + line.len + (end != NULL), text.len - line.len - (end != NULL));
        if (line.len > 7 && memcmp(line.ptr, "event: ", 7) == 0) name = bytes_from(line.ptr + 7, line.len - 7);
        if (line.len > 6 && memcmp(line.ptr, "data: ", 6) == 0) data = bytes_from(line.ptr + 6, line.len - 6);
        if (line.len > 4 && memcmp(line.ptr, "id: ", 4) == 0)
            snprintf(tailing->last_id, sizeof tailing->last_id, "%.*s", (int)line.len - 4, (const char *)line.ptr + 4);
    }
    if (data.len > 0) event_take(tailing, name, data);
}

static bool on_piece(void *ctx, struct bytes piece)
{
    struct tailing *tailing = ctx;
    struct buf *text = &tailing->text;
    if (!buf_add(text, piece.ptr, piece.len)) return false;
    tailing->heard_ns = clock_mono_ns();
    size_t done = 0;
    for (const uint8_t *end; (end = memmem(text->ptr + done, text->len - done, "\n\n", 2)) != NULL;) {
        event_read(tailing, bytes_from(text->ptr + done, (size_t)(end - text->ptr) - done));
        done = (size_t)(end - text->ptr) + 2;
    }
    memmove(text->ptr, text->ptr + done, text->len - done);
    text->len -= done;
    return true; /* after an end the server closes it */
}

static const char *quoted(struct cli *cli, const char *text)
{
    char *out = arena_alloc(&cli->arena, 2 * strlen(text) + 3), *at = out;
    *at++ = '"';
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') *at++ = '\\';
        *at++ = *text;
    }
    *at++ = '"';
    *at = '\0';
    return out;
}

/* The words and the filters as one search. */
static const char *search_text(struct cli *cli)
{
    static const struct {
        const char *option, *field;
    } filters[] = { { "level", "level" },
                    { "service", "service" },
                    { "kind", "kind" },
                    { "status", "status" },
                    { "trace_id", "trace" } };
    bool has_filter = false;
    for (size_t f = 0; f < COUNT_OF(filters); f++) has_filter |= cli_option(cli, filters[f].option) != NULL;
    const char *text = cli->word_count > 0 ? cli->words[0] : "";
    if (has_filter && text[0] != '\0') text = arena_printf(&cli->arena, "(%s)", text);
    for (size_t f = 0; f < COUNT_OF(filters); f++) {
        const char *value = cli_option(cli, filters[f].option);
        if (value == NULL) continue;
        text = arena_printf(&cli->arena, "%s%s%s:%s", text, text[0] != '\0' ? " " : "", filters[f].field,
                            quoted(cli, value));
    }
    return text;
}

/* Until the stream ends, and once more after a break. */
static int tail_run(struct cli *cli, const char *path)
{
    struct tailing tailing = { .cli = cli, .heard_ns = clock_mono_ns() };
    struct cli_stream stream = { .accept = "text/event-stream", .piece = on_piece, .ctx = &tailing };
    int exit_code = CLI_DONE;
    buf_init(&tailing.text, EVENT_BYTES_MAX);
    while (!tailing.has_ended) {
        struct cli_answer answer;
        const char *again = tailing.last_id[0] != '\0' ? "last_event_id=" : "";
        tailing.text.len = 0;
        cli_ask_stream(cli, arena_printf(&cli->arena, "%s%s%s", path, again, tailing.last_id), &stream, &answer);
        exit_code = cli_answer_check(&answer);
        cli_answer_deinit(&answer);
        if (exit_code != CLI_DONE && exit_code != CLI_AWAY) break;
        if (clock_mono_ns() - tailing.heard_ns > AWAY_S_MAX * 1000000000ull) break;
        if (!tailing.has_ended) clock_sleep_ms(AGAIN_MS);
    }
    buf_deinit(&tailing.text);
    return tailing.has_ended ? CLI_NOT_ALLOWED : exit_code;
}

int cli_tail(int argc, char **argv)
{
    struct cli cli;
    int exit_code = CLI_USAGE;
    if (cli_open(&cli, argc, argv, "") && cli_options_known(&cli, CLI_ROW_FILTERS " env")) {
        const char *project;
        if (cli.word_count > 1) {
            cli_usage(
                "tail [SEARCH] [--level L] [--service S] [--kind K] [--status S] [--trace_id T] [--env E] [--json]");
        } else if ((project = cli_project(&cli)) == NULL) {
            exit_code = cli.failed;
        } else {
            const char *path = arena_printf(&cli.arena, "/projects/%s/tail?", cli_encoded(&cli, project)),
                       *text = search_text(&cli), *env = cli_option(&cli, "env");
            if (text[0] != '\0') path = arena_printf(&cli.arena, "%sq=%s&", path, cli_encoded(&cli, text));
            if (env != NULL) path = arena_printf(&cli.arena, "%senv=%s&", path, cli_encoded(&cli, env));
            exit_code = tail_run(&cli, path);
        }
    }
    cli_close(&cli);
    return exit_code;
}
