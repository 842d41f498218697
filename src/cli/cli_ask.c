/* ask: a question in plain English; what it was read as, and by whom, goes to stderr, the rows to stdout. */
#include "cli/cli_inside.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of this machine: TZ, else where /etc/localtime points to. */
static const char *zone_of_machine(struct cli *cli)
{
    static const char folder[] = "zoneinfo/";
    const char *variable = getenv("TZ");
    char link[256];
    if (variable != NULL && variable[0] != '\0') return variable[0] == ':' ? variable + 1 : variable;
    ssize_t len = readlink("/etc/localtime", link, sizeof link - 1);
    if (len <= 0) return "UTC";
    link[len] = '\0';
    const char *name = strstr(link, folder);
    return name != NULL ? arena_printf(&cli->arena, "%s", name + strlen(folder)) : "UTC";
}

static const char *question_of(struct cli *cli)
{
    const char *question = "";
    for (uint32_t w = 0; w < cli->word_count; w++)
        question = arena_printf(&cli->arena, "%s%s%s", question, w > 0 ? " " : "", cli->words[w]);
    return question;
}

static char *body_of(struct cli *cli, const char *zone)
{
    yyjson_mut_doc *json = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(json);
    yyjson_mut_doc_set_root(json, root);
    yyjson_mut_obj_add_str(json, root, "question", question_of(cli));
    yyjson_mut_obj_add_str(json, root, "zone", zone);
    if (cli_option(cli, "model") != NULL) yyjson_mut_obj_add_str(json, root, "translator", "model");
    char *body = yyjson_mut_write(json, 0, NULL);
    yyjson_mut_doc_free(json);
    return body;
}

static void told(const char *before, yyjson_val *text)
{
    const char *at = yyjson_get_str(text);
    if (at == NULL) return;
    fputs(before, stderr);
    for (; *at != '\0'; at++) fputc((unsigned char)*at < ' ' || *at == 0x7F ? '?' : *at, stderr);
    fputc('\n', stderr);
}

/* What the language model had to do with it, if it was wanted. */
static void model_told(struct cli *cli, yyjson_val *root)
{
    yyjson_val *model = yyjson_obj_get(root, "model"), *tokens = yyjson_obj_get(model, "input_tokens");
    bool is_its = yyjson_equals_str(yyjson_obj_get(root, "translator"), "model");
    if (is_its) told("read by ", yyjson_obj_get(model, "name"));
    told(is_its ? "it says: " : "the model says: ", yyjson_obj_get(model, "note"));
    yyjson_val *why_not = yyjson_obj_get(model, "why_not");
    bool was_there = !yyjson_equals_str(why_not, "none") && !yyjson_equals_str(why_not, "off");
    if (was_there || cli_option(cli, "model") != NULL) told("not by the model: ", yyjson_obj_get(model, "problem"));
    if (tokens != NULL)
        fputs(arena_printf(&cli->arena, "%lld tokens, cost %g\n",
                           (long long)(yyjson_get_sint(tokens) +
                                       yyjson_get_sint(yyjson_obj_get(model, "output_tokens"))),
                           yyjson_get_num(yyjson_obj_get(model, "cost"))),
              stderr);
}

static int answer_print(struct cli *cli, yyjson_val *root)
{
    yyjson_val *row, *rows = yyjson_obj_get(root, "rows");
    size_t r, count;
    told("", yyjson_obj_get(root, "reading"));
    model_told(cli, root);
    if (!yyjson_get_bool(yyjson_obj_get(root, "understood"))) return CLI_REFUSED;
    if (cli_option(cli, "sql") != NULL) {
        told("", yyjson_obj_get(root, "sql"));
        yyjson_arr_foreach(yyjson_obj_get(root, "parameters"), r, count, row)
            told(arena_printf(&cli->arena, "  $%zu = ", r + 1), row);
    }
    if (cli->is_terminal && !cli->is_json) {
        cli_print_result(cli, root);
    } else {
        yyjson_arr_foreach(rows, r, count, row) cli_print_json_line(row);
    }
    if (yyjson_get_bool(yyjson_obj_get(root, "is_cut"))) fputs("(there are more)\n", stderr);
    return CLI_DONE;
}

int cli_question(int argc, char **argv)
{
    struct cli cli;
    struct cli_answer answer;
    int exit_code = CLI_USAGE;
    if (cli_open(&cli, argc, argv, "sql model") && cli_options_known(&cli, "zone sql model")) {
        const char *zone = cli_option(&cli, "zone"), *project = cli.word_count > 0 ? cli_project(&cli) : NULL;
        if (cli.word_count == 0) {
            cli_usage("ask QUESTION... [--zone Europe/Berlin] [--model] [--sql] [--json]");
        } else if (project == NULL) {
            exit_code = cli.failed;
        } else {
            char *body = body_of(&cli, zone != NULL ? zone : zone_of_machine(&cli));
            cli_ask(&cli, "POST", arena_printf(&cli.arena, "/projects/%s/ask", cli_encoded(&cli, project)), body, NULL,
                    &answer);
            exit_code = cli_answer_check(&answer);
            if (exit_code == CLI_DONE) exit_code = answer_print(&cli, yyjson_doc_get_root(answer.json));
            cli_answer_deinit(&answer);
            free(body);
        }
    }
    cli_close(&cli);
    return exit_code;
}
