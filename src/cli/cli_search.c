/* search: rows of before. */
#include "cli/cli_inside.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT_DEFAULT = 100, PAGE = 1000 };

/* "2026-11-27T02:00:00.123Z  ERROR  checkout  payment failed" */
static void line_print(yyjson_val *item)
{
    static const char *const fields[] = { "timestamp", "level", "service", "name" };
    for (size_t f = 0; f < COUNT_OF(fields); f++) {
        yyjson_val *value = yyjson_obj_get(item, fields[f]);
        if (f == 1 && !yyjson_is_str(value)) value = yyjson_obj_get(item, "kind");
        if (!yyjson_is_str(value)) continue;
        cli_print_safe(yyjson_get_str(value), f == 0 && yyjson_get_len(value) == 27 ? 23 : yyjson_get_len(value));
        fputs("  ", stdout);
    }
    yyjson_val *body = yyjson_obj_get(item, "body"), *duration = yyjson_obj_get(item, "duration_ns");
    if (yyjson_is_str(body)) {
        cli_print_safe(yyjson_get_str(body), yyjson_get_len(body));
    } else if (body != NULL && !yyjson_is_null(body)) {
        char *json = yyjson_val_write(body, 0, NULL);
        if (json != NULL) cli_print_safe(json, strlen(json));
        free(json);
    }
    if (yyjson_is_num(duration)) printf("%.3f ms", yyjson_get_num(duration) / 1e6);
    yyjson_val *status = yyjson_obj_get(item, "status");
    if (yyjson_equals_str(status, "ERROR")) fputs("  ERROR", stdout);
    fputc('\n', stdout);
}

void cli_print_row(const struct cli *cli, yyjson_val *item)
{
    if (cli->is_json || !cli->is_terminal)
        cli_print_json_line(item);
    else
        line_print(item);
}

/* "/projects/shop/search?q=...&level=error"; NULL: told. */
static const char *search_path(struct cli *cli)
{
    static const char *const filters[] = { "level", "service", "kind", "status", "trace_id" };
    const char *project = cli_project(cli);
    if (project == NULL) return NULL;
    const char *path = arena_printf(&cli->arena, "/projects/%s/search?", cli_encoded(cli, project));
    if (cli->word_count > 0) path = arena_printf(&cli->arena, "%sq=%s&", path, cli_encoded(cli, cli->words[0]));
    for (size_t f = 0; f < COUNT_OF(filters); f++) {
        const char *value = cli_option(cli, filters[f]);
        if (value != NULL) path = arena_printf(&cli->arena, "%s%s=%s&", path, filters[f], cli_encoded(cli, value));
    }
    return path;
}

int cli_search(int argc, char **argv)
{
    struct cli cli;
    int exit_code = CLI_USAGE;
    const char *path = NULL, *cursor = "";
    if (cli_open(&cli, argc, argv, "") && cli_options_known(&cli, CLI_ROW_FILTERS " from to limit")) {
        const char *limit_text = cli_option(&cli, "limit"), *from = cli_option(&cli, "from"),
                   *to = cli_option(&cli, "to");
        uint64_t limit = limit_text != NULL ? strtoull(limit_text, NULL, 10) : LIMIT_DEFAULT, count = 0;
        if (cli.word_count > 1 || limit == 0) {
            cli_usage(
                "search [TEXT] [--level L] [--service S] [--kind K] [--status S] [--trace_id T] [--from T] [--to T] "
                "[--limit 100] [--json]");
        } else if ((path = search_path(&cli)) == NULL) {
            exit_code = cli.failed;
        } else {
            if (from != NULL) path = arena_printf(&cli.arena, "%sfrom=%s&", path, cli_encoded(&cli, from));
            if (to != NULL) path = arena_printf(&cli.arena, "%sto=%s&", path, cli_encoded(&cli, to));
            exit_code = CLI_DONE;
        }
        while (exit_code == CLI_DONE && path != NULL && cursor != NULL && count < limit) {
            struct cli_answer answer;
            uint64_t more = limit - count < PAGE ? limit - count : PAGE;
            cli_ask(&cli, "GET",
                    arena_printf(&cli.arena, "%slimit=%llu%s%s", path, (unsigned long long)more,
                                 cursor[0] != '\0' ? "&cursor=" : "", cursor),
                    NULL, NULL, &answer);
            exit_code = cli_answer_check(&answer);
            yyjson_val *root = yyjson_doc_get_root(answer.json), *item;
            size_t i, items = 0;
            yyjson_arr_foreach(yyjson_obj_get(root, "items"), i, items, item) cli_print_row(&cli, item);
            count += items;
            const char *next = yyjson_get_str(yyjson_obj_get(root, "next_cursor"));
            cursor = next != NULL ? cli_encoded(&cli, next) : NULL;
            cli_answer_deinit(&answer);
        }
    }
    cli_close(&cli);
    return exit_code;
}
