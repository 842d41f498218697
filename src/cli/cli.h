/* cli.h -- the commands that speak the REST API: login, sql, search, tail, projects, keys ...
 *
 *   --url, --key | MONOSCOPE_URL, MONOSCOPE_KEY | credentials of `monoscope login` --> which server, as whom
 *
 * Thread: main. Memory: an answer, up to CLI_ANSWER_BYTES_MAX. Errors: on stderr, and by the exit code. */
#pragma once
#include <stdbool.h>

enum cli_exit {
    CLI_DONE = 0,
    CLI_REFUSED = 1, /* the server does not do it, and says why */
    CLI_USAGE = 2,
    CLI_NOT_ALLOWED = 3, /* not signed in, or not allowed: 401, 403 */
    CLI_NOT_FOUND = 4,
    CLI_AWAY = 5, /* not reached, or busy: later may work */
};

/* Is it one of ours? Then *exit_code is its exit code. */
bool cli_command(int argc, char **argv, int *exit_code);
void cli_print_help(void);
/* The key and the host of the credentials that `monoscope login` keeps; false: there are none, or they are no API key's.
 * Each takes 256 bytes at most. */
bool cli_stored_key(char *key, char *host);
