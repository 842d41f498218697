/* dashboards get, apply: as files, beside one's code. */
#include "cli/cli_inside.h"
#include "yaml/yaml.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A file, or stdin; the arena's. False: told. */
static bool file_read(struct cli *cli, const char *path, struct bytes *text)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    if (file == NULL) {
        cli_fail("cannot read \"%s\"", path);
        return false;
    }
    uint8_t *bytes = arena_alloc(&cli->arena, YAML_BYTES_MAX + 1);
    size_t len = fread(bytes, 1, YAML_BYTES_MAX + 1, file);
    bool ok = ferror(file) == 0 && len <= YAML_BYTES_MAX;
    if (file != stdin) fclose(file);
    if (!ok) cli_fail("cannot read \"%s\", or it has more than %d KiB", path, YAML_BYTES_MAX >> 10);
    *text = bytes_from(bytes, len);
    return ok;
}

/* "boards/web.yaml" is "web". */
static const char *slug_of_file(struct cli *cli, const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash == NULL ? path : slash + 1;
    return arena_printf(&cli->arena, "%.*s", (int)strcspn(name, "."), name);
}

static const char *path_of(struct cli *cli, const char *project, const char *slug)
{
    return arena_printf(&cli->arena, "/projects/%s/dashboards/%s", cli_encoded(cli, project), cli_encoded(cli, slug));
}

static int apply(struct cli *cli, const char *project, const char *path)
{
    struct err err = { 0 };
    struct bytes text;
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *dashboard = NULL;
    int exit_code = CLI_REFUSED;
    if (!file_read(cli, path, &text)) {
        yyjson_mut_doc_free(doc);
        return CLI_REFUSED;
    }
    if (!yaml_read(text, doc, &dashboard, &err)) { /* JSON is YAML, too */
        cli_fail("%s: %s", path, err.text);
    } else if (!yyjson_mut_is_obj(dashboard)) {
        cli_fail("%s: a dashboard is a mapping: title, panels ...", path);
    } else {
        const char *said = yyjson_mut_get_str(yyjson_mut_obj_get(dashboard, "slug"));
        const char *slug = said != NULL ? said : slug_of_file(cli, path);
        char *body = yyjson_mut_val_write(dashboard, 0, NULL);
        struct cli_answer answer;
        if (cli_option(cli, "dry-run") != NULL) {
            printf("%s: would be applied as %s\n", path, slug);
            exit_code = CLI_DONE;
        } else {
            cli_ask(cli, "PUT", path_of(cli, project, slug), body, NULL, &answer);
            exit_code = cli_answer_check(&answer);
            yyjson_val *root = yyjson_doc_get_root(answer.json);
            if (exit_code == CLI_DONE && cli->is_json)
                cli_print_json_line(root);
            else if (exit_code == CLI_DONE)
                printf("%s: version %lld, %zu panels\n", slug,
                       (long long)yyjson_get_sint(yyjson_obj_get(root, "version")),
                       yyjson_arr_size(yyjson_obj_get(root, "panels")));
            cli_answer_deinit(&answer);
        }
        free(body);
    }
    yyjson_mut_doc_free(doc);
    return exit_code;
}

int cli_dashboards_apply(int argc, char **argv)
{
    struct cli cli;
    int exit_code = CLI_USAGE;
    if (cli_open(&cli, argc, argv, "dry-run") && cli_options_known(&cli, "dry-run")) {
        const char *project;
        if (cli.word_count == 0) {
            exit_code = cli_usage("dashboards apply [--dry-run] FILE ...     YAML or JSON; -: from a pipe");
        } else if ((project = cli_project(&cli)) == NULL) {
            exit_code = cli.failed;
        } else {
            exit_code = CLI_DONE;
            for (uint32_t w = 0; w < cli.word_count && exit_code == CLI_DONE; w++)
                exit_code = apply(&cli, project, cli.words[w]);
        }
    }
    cli_close(&cli);
    return exit_code;
}

int cli_dashboards_get(int argc, char **argv)
{
    struct cli cli;
    int exit_code = CLI_USAGE;
    if (cli_open(&cli, argc, argv, "") && cli_options_known(&cli, "")) {
        const char *project;
        struct cli_answer answer;
        if (cli.word_count != 1) {
            exit_code = cli_usage("dashboards get SLUG [--json]     as YAML, to be kept in a file and applied");
        } else if ((project = cli_project(&cli)) == NULL) {
            exit_code = cli.failed;
        } else {
            cli_ask(&cli, "GET", path_of(&cli, project, cli.words[0]), NULL, cli.is_json ? NULL : "application/yaml",
                    &answer);
            exit_code = cli_answer_check(&answer);
            if (exit_code == CLI_DONE && cli.is_json)
                cli_print_json_line(yyjson_doc_get_root(answer.json));
            else if (exit_code == CLI_DONE)
                fwrite(answer.bytes.ptr, 1, answer.bytes.len, stdout); /* no control characters: YAML escapes them */
            cli_answer_deinit(&answer);
        }
    }
    cli_close(&cli);
    return exit_code;
}
