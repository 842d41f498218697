#include "app/metadata.h"
#include "app/beside.h"
#include "meta/transfer.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int usage(void)
{
    fprintf(stderr, "usage: monoscope meta copy --from URL --to URL     into an empty database, of either kind\n"
                    "       monoscope meta backup FILE                  of --database, or of the data folder\n"
                    "       monoscope meta restore FILE                 into an empty one\n"
                    "       monoscope meta check                        what is in it, and is it whole\n"
                    "       backup, restore and check with [--database URL] or [--data FOLDER]\n"
                    "       URL: postgres://user@host/database or sqlite:///folder/meta.sqlite\n");
    return 2;
}

/* Takes --name VALUE or --name=VALUE out of argv. */
static const char *option_take(int *argc, char **argv, const char *name)
{
    const char *value = NULL;
    size_t len = strlen(name);
    int kept = 0;
    for (int a = 0; a < *argc; a++) {
        if (strcmp(argv[a], name) == 0 && a + 1 < *argc) {
            value = argv[++a];
        } else if (strncmp(argv[a], name, len) == 0 && argv[a][len] == '=') {
            value = argv[a] + len + 1;
        } else {
            argv[kept++] = argv[a];
        }
    }
    *argc = kept;
    return value;
}

static void line_print(void *ctx, const char *text)
{
    (void)ctx;
    puts(text);
}

static int done(bool ok, const char *what, const struct transfer_counts *counts, const struct err *err)
{
    if (!ok) return beside_fail(err);
    printf("%s %" PRIu64 " rows of %" PRIu32 " tables\n", what, counts->rows, counts->tables);
    return 0;
}

static int copy(int argc, char **argv, const struct log *log)
{
    struct transfer_counts counts = { 0 };
    struct err err = { 0 };
    const char *from = option_take(&argc, argv, "--from"), *to = option_take(&argc, argv, "--to");
    if (from == NULL || to == NULL || argc > 0) return usage();
    return done(transfer_copy(from, to, log, &counts, &err), "copied", &counts, &err);
}

int metadata_command(int argc, char **argv)
{
    struct config config;
    struct log log = { .fd = 2, .level_min = LOG_ERROR };
    struct err err = { 0 };
    struct transfer_counts counts = { 0 };
    char database[2048];
    const char *command = argc > 0 ? argv[0] : "";
    if (strcmp(command, "copy") == 0) return copy(argc - 1, argv + 1, &log);
    bool backs_up = strcmp(command, "backup") == 0, restores = strcmp(command, "restore") == 0;
    int used = backs_up || restores ? 2 : 1;
    if ((!backs_up && !restores && strcmp(command, "check") != 0) || argc < used) return usage();
    if (!config_read(&config, argc - used, argv + used, &err)) return beside_fail(&err);
    config_database(&config, database, sizeof database);
    if (backs_up) return done(transfer_backup(database, argv[1], &log, &counts, &err), "backed up", &counts, &err);
    if (restores) return done(transfer_restore(argv[1], database, &log, &counts, &err), "restored", &counts, &err);
    return transfer_check(database, &log, line_print, NULL, &err) ? 0 : beside_fail(&err);
}
