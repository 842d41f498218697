/* dashboards and monitors get, apply: as files, beside one's code. */
#include "cli/cli_inside.h"
#include "yaml/yaml.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct kept { /* what is kept in files */
    const char *noun, *one;
};
static const struct kept dashboards = { "dashboards", "a dashboard is a mapping: title, panels ..." };
static const struct kept monitors = { "monitors", "a monitor is a mapping: title, query, condition ..." };

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

static const char *path_of(struct cli *cli, const struct kept *kept, const char *project, const char *slug)
{
    return arena_printf(&cli->arena, "/projects/%s/%s/%s", cli_encoded(cli, project), kept->noun,
                        cli_encoded(cli, slug));
}

static void applied_print(const char *slug, yyjson_val *made)
{
    yyjson_val *panels = yyjson_obj_get(made, "panels");
    printf("%s: version %lld", slug, (long long)yyjson_get_sint(yyjson_obj_get(made, "version")));
    if (panels != NULL) printf(", %zu panels", yyjson_arr_size(panels));
    printf("\n");
}

static int apply(struct cli *cli, const struct kept *kept, const char *project, const char *path)
{
    struct err err = { 0 };
    struct bytes text;
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = NULL;
    int exit_code = CLI_REFUSED;
    if (!file_read(cli, path, &text)) {
        yyjson_mut_doc_free(doc);
        return CLI_REFUSED;
    }
    if (!yaml_read(text, doc, &root, &err)) { /* JSON is YAML, too */
        cli_fail("%s: %s", path, err.text);
    } else if (!yyjson_mut_is_obj(root)) {
        cli_fail("%s: %s", path, kept->one);
    } else {
        const char *said = yyjson_mut_get_str(yyjson_mut_obj_get(root, "slug"));
        const char *slug = said != NULL ? said : slug_of_file(cli, path);
        char *body = yyjson_mut_val_write(root, 0, NULL);
        struct cli_answer answer;
        if (cli_option(cli, "dry-run") != NULL) {
            printf("%s: would be applied as %s\n", path, slug);
            exit_code = CLI_DONE;
        } else {
            cli_ask(cli, "PUT", path_of(cli, kept, project, slug), body, NULL, &answer);
            exit_code = cli_answer_check(&answer);
            yyjson_val *made = yyjson_doc_get_root(answer.json);
            if (exit_code == CLI_DONE && cli->is_json)
                cli_print_json_line(made);
            else if (exit_code == CLI_DONE)
                applied_print(slug, made);
            cli_answer_deinit(&answer);
        }
        free(body);
    }
    yyjson_mut_doc_free(doc);
    return exit_code;
}

static int files_apply(int argc, char **argv, const struct kept *kept)
{
    struct cli cli;
    int exit_code = CLI_USAGE;
    if (cli_open(&cli, argc, argv, "dry-run") && cli_options_known(&cli, "dry-run")) {
        const char *project;
        if (cli.word_count == 0) {
            exit_code = cli_usage(
                arena_printf(&cli.arena, "%s apply [--dry-run] FILE ...     YAML or JSON; -: from a pipe", kept->noun));
        } else if ((project = cli_project(&cli)) == NULL) {
            exit_code = cli.failed;
        } else {
            exit_code = CLI_DONE;
            for (uint32_t w = 0; w < cli.word_count && exit_code == CLI_DONE; w++)
                exit_code = apply(&cli, kept, project, cli.words[w]);
        }
    }
    cli_close(&cli);
    return exit_code;
}

static int file_get(int argc, char **argv, const struct kept *kept)
{
    struct cli cli;
    int exit_code = CLI_USAGE;
    if (cli_open(&cli, argc, argv, "") && cli_options_known(&cli, "")) {
        const char *project;
        struct cli_answer answer;
        if (cli.word_count != 1) {
            exit_code =
                cli_usage(arena_printf(&cli.arena, "%s get SLUG [--json]     as YAML, to be kept in a file and applied",
                                       kept->noun));
        } else if ((project = cli_project(&cli)) == NULL) {
            exit_code = cli.failed;
        } else {
            cli_ask(&cli, "GET", path_of(&cli, kept, project, cli.words[0]), NULL,
                    cli.is_json ? NULL : "application/yaml", &answer);
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

int cli_dashboards_get(int argc, char **argv)
{
    return file_get(argc, argv, &dashboards);
}
int cli_dashboards_apply(int argc, char **argv)
{
    return files_apply(argc, argv, &dashboards);
}
int cli_monitors_get(int argc, char **argv)
{
    return file_get(argc, argv, &monitors);
}
int cli_monitors_apply(int argc, char **argv)
{
    return files_apply(argc, argv, &monitors);
}
