/* cli_inside.h -- what the commands share. Thread: main. */
#pragma once
#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"
#include "cli/cli.h"
#include "net/http_client.h"
#include <yyjson.h>

#define CLI_ANSWER_BYTES_MAX (1ull << 30)
enum { CLI_WORDS_MAX = 16, CLI_OPTIONS_MAX = 32 };

struct cli_option {
    const char *name, *value; /* without "--"; value NULL: a switch */
};
struct cli {
    const char *url, *key, *project, *ca; /* NULL: not said */
    bool is_json, is_csv, is_wide;
    const char *words[CLI_WORDS_MAX]; /* behind the command */
    uint32_t word_count;
    struct cli_option options[CLI_OPTIONS_MAX]; /* the command's own */
    uint32_t option_count;
    bool is_terminal; /* stdout is */
    struct http_client *client;
    struct arena arena;
    int failed; /* the exit code of what cli_project could not do */
};
/* False: told on stderr. switches: names of options without a value, blank-separated. */
MUST_CHECK bool cli_open(struct cli *cli, int argc, char **argv, const char *switches);
void cli_close(struct cli *cli);
const char *cli_option(const struct cli *cli, const char *name); /* NULL: absent; "" for a switch */
/* All options were one of these (blank-separated)? False: told. */
MUST_CHECK bool cli_options_known(const struct cli *cli, const char *names);
int cli_usage(const char *text);
int cli_fail(const char *fmt, ...) PRINTF_LIKE(1, 2); /* CLI_REFUSED */
/* The project of --project, of the credentials, or the key's own; NULL: told, and cli->failed is the exit code. */
const char *cli_project(struct cli *cli);

/* credentials.json */
MUST_CHECK bool cli_credentials_read(struct cli *cli);
MUST_CHECK bool cli_credentials_write(const char *url, const char *token, const char *project, const char *ca);
MUST_CHECK bool cli_credentials_remove(void);

/* One request to /api/v1<path>. body: JSON, or NULL. accept NULL: JSON. *status 0: not reached, and told. */
struct cli_answer {
    int status;
    struct buf bytes;
    yyjson_doc *json; /* NULL: it is none */
};
void cli_ask(struct cli *cli, const char *method, const char *path, const char *body, const char *accept,
             struct cli_answer *answer);
/* The same of a stream that may never end: a 2xx answer goes to piece as it comes, on another thread; false ends it. */
struct cli_stream {
    const char *accept;
    const char *body;     /* JSON, sent by POST; NULL: GET */
    uint32_t idle_ms_max; /* 0: 30 s */
    bool (*piece)(void *ctx, struct bytes bytes);
    void *ctx;
};
void cli_ask_stream(struct cli *cli, const char *path, const struct cli_stream *stream, struct cli_answer *answer);
void cli_answer_deinit(struct cli_answer *answer);
/* CLI_DONE for 2xx; else tells on stderr what the answer's problem says. */
int cli_answer_check(const struct cli_answer *answer);
/* Percent-encoded, for a path or a query. */
const char *cli_encoded(struct cli *cli, const char *text);

/* Tables for people: cells are text, made safe for a terminal. */
struct cli_table;
struct cli_table *cli_table_create(uint32_t columns, bool is_wide);
void cli_table_add(struct cli_table *table, const char *text, size_t len); /* row by row; the first are the heads */
void cli_table_add_json(struct cli_table *table, yyjson_val *value);       /* a text as it is, null as nothing */
void cli_table_print(struct cli_table *table);                             /* and frees it */
void cli_print_json_line(yyjson_val *value);
/* Bytes of text without what a terminal would obey. */
void cli_print_safe(const char *text, size_t len);

/* A log or a span: as a line for a person, as JSON into a pipe. */
void cli_print_row(const struct cli *cli, yyjson_val *row);
#define CLI_ROW_FILTERS "level service kind status trace_id"

/* Columns and rows of an answer, as a table. */
void cli_print_result(const struct cli *cli, yyjson_val *root);

int cli_login(int argc, char **argv);
int cli_logout(int argc, char **argv);
int cli_sql(int argc, char **argv);
int cli_search(int argc, char **argv);
int cli_tail(int argc, char **argv);
int cli_question(int argc, char **argv); /* ask */
int cli_detect(int argc, char **argv);
int cli_api(int argc, char **argv);
int cli_source_maps_upload(int argc, char **argv);
int cli_dashboards_get(int argc, char **argv);
int cli_dashboards_apply(int argc, char **argv);
int cli_monitors_get(int argc, char **argv);
int cli_monitors_apply(int argc, char **argv);
/* A noun of the table; -1: none of that name. */
int cli_noun(const char *noun, int argc, char **argv);
void cli_nouns_help(void);
