#include "cli/cli_inside.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SQL_BYTES_MAX = 1000000 };

/* "30s", "500ms", "2m" in ms; 0: it is none. */
static uint64_t duration_ms(const char *text)
{
    char *end;
    unsigned long long number = strtoull(text, &end, 10);
    if (end == text || text[0] == '-' || number > 1000000) return 0;
    if (strcmp(end, "ms") == 0) return number;
    if (strcmp(end, "s") == 0) return number * 1000;
    return strcmp(end, "m") == 0 ? number * 60000 : 0;
}

static char *stdin_read(void)
{
    char *text = mem_alloc(SQL_BYTES_MAX + 1);
    size_t len = fread(text, 1, SQL_BYTES_MAX, stdin);
    text[len] = '\0';
    return text;
}

void cli_print_result(const struct cli *cli, yyjson_val *root)
{
    yyjson_val *columns = yyjson_obj_get(root, "columns"), *rows = yyjson_obj_get(root, "rows"), *column, *row, *cell;
    size_t c, r, count, row_count, cells;
    if (yyjson_arr_size(columns) > 0) {
        struct cli_table *table = cli_table_create((uint32_t)yyjson_arr_size(columns), cli->is_wide);
        yyjson_arr_foreach(columns, c, count, column) cli_table_add_json(table, yyjson_obj_get(column, "name"));
        yyjson_arr_foreach(rows, r, row_count, row) yyjson_arr_foreach(row, c, cells, cell)
            cli_table_add_json(table, cell);
        cli_table_print(table);
    }
}

static void table_print(const struct cli *cli, yyjson_val *root)
{
    cli_print_result(cli, root);
    fprintf(stderr, "(%s%s, %.1f ms)\n", yyjson_get_str(yyjson_obj_get(root, "tag")),
            yyjson_get_bool(yyjson_obj_get(root, "is_cut")) ? ", there are more: --limit" : "",
            yyjson_get_num(yyjson_obj_get(root, "duration_ms")));
}

/* What may be missing, and what broke off: behind the rows. */
static int tail_check(yyjson_val *root)
{
    static const char *const kinds[] = { "warnings", "notices" };
    yyjson_val *one;
    size_t i, count;
    for (size_t k = 0; k < COUNT_OF(kinds); k++)
        yyjson_arr_foreach(yyjson_obj_get(root, kinds[k]), i, count, one)
            fprintf(stderr, "%s: %s\n", k == 0 ? "WARNING" : "NOTICE", yyjson_get_str(one));
    yyjson_val *error = yyjson_obj_get(root, "error");
    if (error == NULL) return CLI_DONE;
    return cli_fail("the answer broke off: %s", yyjson_get_str(yyjson_obj_get(error, "detail")));
}

/* What goes into a file or a pipe: by its media type. NULL: a table, at a terminal. */
static bool accept_choose(struct cli *cli, const char **accept)
{
    static const struct {
        const char *name, *type;
    } formats[] = { { "csv", "text/csv" },
                    { "json", "application/json" },
                    { "ndjson", "application/x-ndjson" },
                    { "parquet", "application/vnd.apache.parquet" } };
    const char *format = cli_option(cli, "format");
    if (format == NULL) {
        *accept = cli->is_csv ? formats[0].type : cli->is_json || !cli->is_terminal ? formats[2].type : NULL;
        return true;
    }
    for (size_t f = 0; f < COUNT_OF(formats); f++) {
        if (strcmp(format, formats[f].name) != 0) continue;
        *accept = formats[f].type;
        if (f < 3 || !cli->is_terminal) return true;
        cli_fail("Parquet is for a file: > rows.parquet");
        return false;
    }
    cli_fail("--format is csv, json, ndjson or parquet");
    return false;
}

static bool piece_write(void *ctx, struct bytes piece)
{
    return fwrite(piece.ptr, 1, piece.len, ctx) == piece.len;
}

static int sql_run(struct cli *cli, const char *sql, uint64_t limit, uint64_t timeout_ms)
{
    const char *project = cli_project(cli), *accept;
    struct cli_answer answer;
    if (project == NULL) return cli->failed;
    if (!accept_choose(cli, &accept)) return CLI_USAGE;
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "sql", sql);
    yyjson_mut_obj_add_uint(doc, root, "limit", limit);
    yyjson_mut_obj_add_uint(doc, root, "timeout_ms", timeout_ms);
    char *body = yyjson_mut_write(doc, 0, NULL);
    yyjson_mut_doc_free(doc);
    if (body == NULL) return cli_fail("the SQL is not UTF-8");
    const char *path = arena_printf(&cli->arena, "/projects/%s/query", cli_encoded(cli, project));
    if (accept == NULL) {
        cli_ask(cli, "POST", path, body, NULL, &answer);
    } else {
        struct cli_stream stream = { .accept = accept,
                                     .body = body,
                                     .idle_ms_max = (uint32_t)timeout_ms + 10000,
                                     .piece = piece_write,
                                     .ctx = stdout };
        cli_ask_stream(cli, path, &stream, &answer);
    }
    free(body);
    int exit_code = cli_answer_check(&answer);
    if (exit_code == CLI_DONE && accept == NULL) table_print(cli, yyjson_doc_get_root(answer.json));
    if (exit_code == CLI_DONE && accept == NULL) exit_code = tail_check(yyjson_doc_get_root(answer.json));
    cli_answer_deinit(&answer);
    return exit_code;
}

int cli_sql(int argc, char **argv)
{
    static const char usage[] =
        "sql [SQL | -] [--project P] [--limit 10000] [--timeout 30s] [--format csv|json|ndjson|parquet] [--wide]";
    struct cli cli;
    int exit_code = CLI_USAGE;
    if (cli_open(&cli, argc, argv, "") && cli_options_known(&cli, "limit timeout format")) {
        const char *limit = cli_option(&cli, "limit"), *timeout = cli_option(&cli, "timeout");
        uint64_t timeout_ms = timeout != NULL ? duration_ms(timeout) : 30000;
        bool reads = cli.word_count == 0 || strcmp(cli.words[0], "-") == 0;
        if (cli.word_count > 1 || timeout_ms == 0 || (cli.word_count == 0 && isatty(STDIN_FILENO))) {
            exit_code = cli_usage(usage);
        } else {
            char *sql = reads ? stdin_read() : mem_strdup(cli.words[0]);
            exit_code = sql_run(&cli, sql, limit != NULL ? strtoull(limit, NULL, 10) : 10000, timeout_ms);
            free(sql);
        }
    }
    cli_close(&cli);
    return exit_code;
}
