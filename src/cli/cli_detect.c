/* detect: what detection finds in a time that is over. */
#include "cli/cli_inside.h"
#include <stdio.h>
#include <string.h>

static const char *const columns[] = { "found_at", "severity", "since", "ended_at", "title" };

static void table_print(const struct cli *cli, yyjson_val *items)
{
    struct cli_table *table = cli_table_create(COUNT_OF(columns), cli->is_wide);
    size_t at, max;
    yyjson_val *item;
    for (size_t c = 0; c < COUNT_OF(columns); c++) cli_table_add(table, columns[c], strlen(columns[c]));
    yyjson_arr_foreach(items, at, max, item)
    {
        for (size_t c = 0; c < COUNT_OF(columns); c++) {
            yyjson_val *value = yyjson_obj_get(item, columns[c]);
            bool is_time = yyjson_get_len(value) == 27 && strstr("found_at since ended_at", columns[c]) != NULL;
            if (is_time)
                cli_table_add(table, yyjson_get_str(value), 16); /* to the minute */
            else
                cli_table_add_json(table, value);
        }
    }
    cli_table_print(table);
}

/* How far it came goes to stderr: stdout has findings alone. */
static int print(const struct cli *cli, yyjson_val *root)
{
    yyjson_val *items = yyjson_obj_get(root, "items"), *item;
    const char *reached = yyjson_get_str(yyjson_obj_get(root, "reached")),
               *learned = yyjson_get_str(yyjson_obj_get(root, "learned_from"));
    size_t at, max;
    if (cli->is_terminal && !cli->is_json && yyjson_arr_size(items) > 0) {
        table_print(cli, items);
    } else {
        yyjson_arr_foreach(items, at, max, item) cli_print_json_line(item);
    }
    fprintf(stderr, "%zu findings; %lld series, what is usual learned from %.16s on, looked at up to %.16s\n",
            yyjson_arr_size(items), (long long)yyjson_get_sint(yyjson_obj_get(root, "series")), learned ? learned : "?",
            reached ? reached : "?");
    if (!yyjson_get_bool(yyjson_obj_get(root, "is_cut"))) return CLI_DONE;
    return cli_fail(
        "it took longer than a minute: what comes behind that is not looked at. Ask for a shorter range, or "
        "learn from less: --learn_hours 48");
}

int cli_detect(int argc, char **argv)
{
    static const char *const options[] = { "from", "to", "service", "learn_hours" };
    struct cli cli;
    struct cli_answer answer;
    int exit_code = CLI_USAGE;
    if (cli_open(&cli, argc, argv, "") && cli_options_known(&cli, "from to service learn_hours")) {
        const char *project = cli.word_count == 0 ? cli_project(&cli) : NULL;
        if (cli.word_count > 0) {
            cli_usage("detect [--from now-24h] [--to now] [--service S] [--learn_hours 192] [--json]");
        } else if (project == NULL) {
            exit_code = cli.failed;
        } else {
            const char *path = arena_printf(&cli.arena, "/projects/%s/detection?", cli_encoded(&cli, project));
            for (size_t o = 0; o < COUNT_OF(options); o++) {
                const char *value = cli_option(&cli, options[o]);
                if (value != NULL)
                    path = arena_printf(&cli.arena, "%s%s=%s&", path, options[o], cli_encoded(&cli, value));
            }
            cli_ask(&cli, "GET", path, NULL, NULL, &answer);
            exit_code = cli_answer_check(&answer);
            if (exit_code == CLI_DONE) exit_code = print(&cli, yyjson_doc_get_root(answer.json));
            cli_answer_deinit(&answer);
        }
    }
    cli_close(&cli);
    return exit_code;
}
