#include "cli/cli_inside.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { SECRET_BYTES_MAX = 512 };

/* A line from the terminal without showing it, or from a pipe. False: nothing came. */
static bool secret_read(const char *prompt, char secret[SECRET_BYTES_MAX])
{
    struct termios before, quiet;
    bool is_terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &before) == 0;
    if (is_terminal) {
        quiet = before;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH,
                        &quiet); /* first: what is typed at the prompt must not be thrown away */
        fprintf(stderr, "%s: ", prompt);
    }
    bool ok = fgets(secret, SECRET_BYTES_MAX, stdin) != NULL;
    if (is_terminal) {
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        fputc('\n', stderr);
    }
    if (ok) secret[strcspn(secret, "\r\n")] = '\0';
    return ok && secret[0] != '\0';
}

/* A session's token for an e-mail and a password. */
static int sign_in(struct cli *cli, const char *email)
{
    char secret[SECRET_BYTES_MAX];
    struct cli_answer answer;
    size_t len = 0;
    if (!secret_read("password", secret))
        return cli_usage("login --email E [--url URL]      the password is asked for");
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "email", email);
    yyjson_mut_obj_add_str(doc, root, "password", secret);
    char *body = yyjson_mut_write(doc, 0, &len);
    cli->key = NULL;
    cli_ask(cli, "POST", "/sessions", body, NULL, &answer);
    explicit_bzero(secret, sizeof secret);
    if (body != NULL) explicit_bzero(body, len);
    free(body);
    yyjson_mut_doc_free(doc);
    int exit_code = cli_answer_check(&answer);
    if (exit_code == CLI_DONE) {
        const char *token = yyjson_get_str(yyjson_obj_get(yyjson_doc_get_root(answer.json), "token"));
        cli->key = token != NULL ? arena_printf(&cli->arena, "%s", token) : NULL;
        if (token == NULL) exit_code = cli_fail("the server's answer has no token");
    }
    cli_answer_deinit(&answer);
    return exit_code;
}

/* Does it open anything? Tells which projects. */
static int key_try(struct cli *cli)
{
    struct cli_answer answer;
    cli_ask(cli, "GET", "/projects?limit=100", NULL, NULL, &answer);
    int exit_code = cli_answer_check(&answer);
    if (exit_code == CLI_DONE) {
        yyjson_val *items = yyjson_obj_get(yyjson_doc_get_root(answer.json), "items");
        yyjson_val *first = yyjson_obj_get(yyjson_arr_get_first(items), "name");
        if (yyjson_arr_size(items) == 1 && cli->project == NULL)
            cli->project = arena_printf(&cli->arena, "%s", yyjson_get_str(first));
        fprintf(stderr, "signed in at %s; projects: %zu%s%s\n", cli->url, yyjson_arr_size(items),
                cli->project != NULL ? ", used when none is said: " : "", cli->project != NULL ? cli->project : "");
    }
    cli_answer_deinit(&answer);
    return exit_code;
}

int cli_login(int argc, char **argv)
{
    static const char usage[] =
        "login [--url URL] [--key KEY | --email E] [--project P] [--ca FILE]\n"
        "       without --key (or MONOSCOPE_KEY) and --email the key is asked for, or read from a pipe";
    struct cli cli;
    char secret[SECRET_BYTES_MAX];
    int exit_code = CLI_USAGE;
    if (cli_open(&cli, argc, argv, "") && cli_options_known(&cli, "email")) {
        const char *email = cli_option(&cli, "email"), *said = getenv("MONOSCOPE_KEY");
        bool is_said = said != NULL && said[0] != '\0';
        for (int a = 0; a < argc; a++) is_said = is_said || strncmp(argv[a], "--key", 5) == 0;
        if (!is_said) cli.key = NULL; /* what is kept is to be replaced */
        if (cli.word_count > 0) {
            exit_code = cli_usage(usage);
        } else if (email != NULL) {
            exit_code = sign_in(&cli, email);
        } else if (cli.key != NULL) {
            exit_code = CLI_DONE;
        } else if (secret_read("API key", secret)) {
            cli.key = arena_printf(&cli.arena, "%s", secret);
            explicit_bzero(secret, sizeof secret);
            exit_code = CLI_DONE;
        } else {
            exit_code = cli_usage(usage);
        }
        if (exit_code == CLI_DONE) exit_code = key_try(&cli);
        char *ca = cli.ca != NULL ? realpath(cli.ca, NULL) : NULL; /* used from other folders, too */
        if (exit_code == CLI_DONE && !cli_credentials_write(cli.url, cli.key, cli.project, ca)) exit_code = CLI_REFUSED;
        free(ca);
    }
    cli_close(&cli);
    return exit_code;
}

int cli_logout(int argc, char **argv)
{
    struct cli cli;
    int exit_code = CLI_USAGE;
    if (cli_open(&cli, argc, argv, "") && cli_options_known(&cli, "") && cli.word_count == 0) {
        struct cli_answer answer;
        if (cli.key != NULL && strncmp(cli.key, "mos_", 4) == 0) { /* a session ends, a key stays */
            cli_ask(&cli, "DELETE", "/sessions/this", NULL, NULL, &answer);
            cli_answer_deinit(&answer);
        }
        exit_code = cli_credentials_remove() ? CLI_DONE : cli_fail("could not remove the credentials");
    }
    cli_close(&cli);
    return exit_code;
}
