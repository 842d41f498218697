#include "cli/cli.h"
#include "cli/cli_inside.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *usage, *help;
} commands[] = {
    { "login", cli_login, "login [--url URL] [--email E]",
      "keeps a key, or signs in with a password, for the commands below" },
    { "logout", cli_logout, "logout", "forgets it" },
    { "sql", cli_sql, "sql [SQL | -]", "asks by SQL; --limit N, --timeout 30s, --format csv" },
    { "search", cli_search, "search [TEXT]",
      "logs and spans, newest first; --level, --service, --kind, --from, --limit ..." },
    { "ask", cli_question, "ask QUESTION...", "asks in plain English; --zone Europe/Berlin, --model, --sql" },
    { "detect", cli_detect, "detect [--from T] [--to T]",
      "what is unusual in a time that is over; --service, --learn_hours" },
    { "tail", cli_tail, "tail [TEXT]", "the same as they come" },
    { "api", cli_api, "api METHOD PATH [JSON]", "any request: api GET /projects" },
};

/* Of nouns, what is more than one request. */
static const struct {
    const char *noun, *verb;
    int (*run)(int argc, char **argv);
    const char *usage, *help;
} verbs[] = {
    { "source-maps", "upload", cli_source_maps_upload, "source-maps upload --url-prefix URL [--release R] FOLDER ...",
      "sends the maps of a folder's scripts" },
    { "monitors", "export", cli_monitors_get, "monitors export SLUG", "as YAML, to be kept in a file" },
    { "monitors", "apply", cli_monitors_apply, "monitors apply FILE ...", "makes or changes what each says" },
    { "dashboards", "get", cli_dashboards_get, "dashboards get SLUG", "as YAML, to be kept in a file" },
    { "dashboards", "apply", cli_dashboards_apply, "dashboards apply FILE ...",
      "makes them what the files say, YAML or JSON" },
};

bool cli_command(int argc, char **argv, int *exit_code)
{
    for (size_t c = 0; c < COUNT_OF(commands); c++) {
        if (strcmp(argv[0], commands[c].name) != 0) continue;
        *exit_code = commands[c].run(argc - 1, argv + 1);
        return true;
    }
    for (size_t v = 0; v < COUNT_OF(verbs); v++) {
        if (argc < 2 || strcmp(argv[0], verbs[v].noun) != 0 || strcmp(argv[1], verbs[v].verb) != 0) continue;
        *exit_code = verbs[v].run(argc - 2, argv + 2);
        return true;
    }
    *exit_code = cli_noun(argv[0], argc - 1, argv + 1);
    return *exit_code >= 0;
}

void cli_print_help(void)
{
    puts("\nby the REST API of a server, near or far (docs/cli.md):\n");
    for (size_t c = 0; c < COUNT_OF(commands); c++)
        printf("  monoscope %-34s %s\n", commands[c].usage, commands[c].help);
    cli_nouns_help();
    for (size_t v = 0; v < COUNT_OF(verbs); v++) printf("  monoscope %-34s %s\n", verbs[v].usage, verbs[v].help);
    puts("\n  all with --url URL, --key KEY (or MONOSCOPE_URL, MONOSCOPE_KEY), --project P, --ca FILE, --json, --wide");
}

int cli_usage(const char *text)
{
    fprintf(stderr, "usage: monoscope %s\n", text);
    return CLI_USAGE;
}

int cli_fail(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fputs("monoscope: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    return CLI_REFUSED;
}

static bool is_among(const char *names, const char *name, size_t len)
{
    for (size_t l; *names != '\0'; names += l + strspn(names + l, " ")) {
        l = strcspn(names, " ");
        if (l == len && strncmp(names, name, len) == 0) return true;
    }
    return false;
}

static bool option_take(struct cli *cli, const char *name, size_t len, const char *value)
{
    const struct {
        const char *name, **to;
    } ours[] = { { "url", &cli->url }, { "key", &cli->key }, { "project", &cli->project }, { "ca", &cli->ca } };
    for (size_t o = 0; o < COUNT_OF(ours); o++) {
        if (strlen(ours[o].name) != len || strncmp(ours[o].name, name, len) != 0) continue;
        *ours[o].to = value;
        return true;
    }
    if (cli->option_count == CLI_OPTIONS_MAX) {
        cli_fail("there are too many options");
        return false;
    }
    char *copy = arena_alloc(&cli->arena, len + 1);
    memcpy(copy, name, len);
    copy[len] = '\0';
    cli->options[cli->option_count++] = (struct cli_option){ copy, value };
    return true;
}

static bool arguments_read(struct cli *cli, int argc, char **argv, const char *switches)
{
    bool is_over = false;
    for (int a = 0; a < argc; a++) {
        const char *word = argv[a];
        if (is_over || strncmp(word, "--", 2) != 0) {
            if (cli->word_count == CLI_WORDS_MAX) {
                cli_fail("there are too many words");
                return false;
            }
            cli->words[cli->word_count++] = word;
            continue;
        }
        const char *name = word + 2, *equals = strchr(name, '='), *value = "";
        size_t len = equals != NULL ? (size_t)(equals - name) : strlen(name);
        is_over = len == 0;
        if (is_over) continue;
        if (equals == NULL && is_among("json csv wide", name, len)) {
            cli->is_json = cli->is_json || name[0] == 'j';
            cli->is_csv = cli->is_csv || name[0] == 'c';
            cli->is_wide = cli->is_wide || name[0] == 'w';
            continue;
        }
        if (equals != NULL) {
            value = equals + 1;
        } else if (!is_among(switches, name, len)) {
            if (a + 1 == argc) {
                cli_fail("--%.*s needs a value", (int)len, name);
                return false;
            }
            value = argv[++a];
        }
        if (!option_take(cli, name, len, value)) return false;
    }
    return true;
}

bool cli_open(struct cli *cli, int argc, char **argv, const char *switches)
{
    *cli = (struct cli){ .is_terminal = isatty(STDOUT_FILENO) };
    arena_init(&cli->arena, 0);
    if (!arguments_read(cli, argc, argv, switches)) return false;
    const char *url = getenv("MONOSCOPE_URL"), *key = getenv("MONOSCOPE_KEY");
    if (cli->url == NULL && url != NULL && url[0] != '\0') cli->url = url;
    if (cli->key == NULL && key != NULL && key[0] != '\0') cli->key = key;
    if (!cli_credentials_read(cli)) return false;
    if (cli->url == NULL) cli->url = "http://127.0.0.1:8080";
    cli->client = http_client_create(&(struct http_client_options){ .exchanges_max = 2, .ca_file = cli->ca });
    return true;
}

void cli_close(struct cli *cli)
{
    http_client_destroy(cli->client);
    arena_deinit(&cli->arena);
}

const char *cli_option(const struct cli *cli, const char *name)
{
    for (uint32_t o = 0; o < cli->option_count; o++)
        if (strcmp(cli->options[o].name, name) == 0) return cli->options[o].value;
    return NULL;
}

bool cli_options_known(const struct cli *cli, const char *names)
{
    for (uint32_t o = 0; o < cli->option_count; o++) {
        const char *name = cli->options[o].name;
        if (is_among(names, name, strlen(name))) continue;
        fprintf(stderr, "monoscope: there is no option --%s here", name);
        fprintf(stderr, names[0] != '\0' ? "; there are: %s\n" : "\n", names);
        return false;
    }
    return true;
}

const char *cli_project(struct cli *cli)
{
    struct cli_answer answer;
    const char *name = NULL;
    if (cli->project != NULL) return cli->project;
    cli_ask(cli, "GET", "/projects?limit=2", NULL, NULL, &answer);
    cli->failed = cli_answer_check(&answer);
    if (cli->failed == CLI_DONE) {
        yyjson_val *items = yyjson_obj_get(yyjson_doc_get_root(answer.json), "items");
        name = yyjson_get_str(yyjson_obj_get(yyjson_arr_get_first(items), "name"));
        if (yyjson_arr_size(items) > 1) name = NULL;
        if (name != NULL) name = cli->project = arena_printf(&cli->arena, "%s", name);
        if (name == NULL) cli->failed = cli_fail("which project? --project NAME; `monoscope projects list` lists them");
    }
    cli_answer_deinit(&answer);
    return name;
}
