/* ~/.config/monoscope/credentials.json: {"url": ..., "token": ..., "project": ..., "ca": ...}, readable by its owner alone. */
#include "cli/cli_inside.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 16 << 10 };

static bool path_make(char *path, size_t path_bytes, bool is_folder)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME"),
               *file = is_folder ? "" : "/credentials.json";
    int len = -1;
    if (config != NULL && config[0] == '/') {
        len = snprintf(path, path_bytes, "%s/monoscope%s", config, file);
    } else if (home != NULL && home[0] == '/') {
        len = snprintf(path, path_bytes, "%s/.config/monoscope%s", home, file);
    }
    return len > 0 && (size_t)len < path_bytes;
}

static const char *kept(struct cli *cli, yyjson_val *root, const char *name)
{
    const char *text = yyjson_get_str(yyjson_obj_get(root, name));
    return text == NULL || text[0] == '\0' ? NULL : arena_printf(&cli->arena, "%s", text);
}

/* False: no file. */
static bool file_read(char *text, size_t *len, const char **why)
{
    char path[1024];
    struct stat stat;
    *why = NULL;
    if (!path_make(path, sizeof path, false)) return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd == -1) return false;
    ssize_t got = read(fd, text, FILE_BYTES_MAX);
    if (fstat(fd, &stat) == 0 && (stat.st_mode & 077) != 0)
        *why =
            "its credentials can be read by others: chmod 600 ~/.config/monoscope/credentials.json, and take a new key";
    close(fd);
    *len = got < 0 ? 0 : (size_t)got;
    return true;
}

bool cli_credentials_read(struct cli *cli)
{
    char *text = mem_alloc(FILE_BYTES_MAX);
    const char *why;
    size_t len;
    bool is_said = cli->url != NULL && cli->key != NULL, ok = true;
    if (!is_said && file_read(text, &len, &why)) {
        yyjson_doc *doc = yyjson_read(text, len, 0);
        yyjson_val *root = yyjson_doc_get_root(doc);
        if (doc == NULL) why = "its credentials are no JSON: `monoscope login` writes them anew";
        if (why != NULL) cli_fail("%s", why);
        ok = why == NULL;
        /* A key is only for the server that it was given for. */
        const char *url = ok ? kept(cli, root, "url") : NULL;
        if (url != NULL && (cli->url == NULL || strcmp(cli->url, url) == 0)) {
            cli->url = url;
            if (cli->key == NULL) {
                cli->key = kept(cli, root, "token");
                if (cli->project == NULL) cli->project = kept(cli, root, "project");
            }
            if (cli->ca == NULL) cli->ca = kept(cli, root, "ca");
        }
        yyjson_doc_free(doc);
    }
    free(text);
    return ok;
}

static bool folders_make(void)
{
    char path[1024];
    if (!path_make(path, sizeof path, true)) return false;
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0700); /* most are there */
        *slash = '/';
    }
    return mkdir(path, 0700) == 0 || errno == EEXIST;
}

/* Beside the old one, then in its place: never half a file. */
bool cli_credentials_write(const char *url, const char *token, const char *project, const char *ca)
{
    char path[1024], beside[1040];
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    size_t len = 0;
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "url", url);
    yyjson_mut_obj_add_str(doc, root, "token", token);
    yyjson_mut_obj_add_str(doc, root, "project", project != NULL ? project : "");
    yyjson_mut_obj_add_str(doc, root, "ca", ca != NULL ? ca : "");
    char *text = yyjson_mut_write(doc, YYJSON_WRITE_PRETTY, &len);
    bool ok = text != NULL && folders_make() && path_make(path, sizeof path, false);
    if (ok) {
        snprintf(beside, sizeof beside, "%s.new", path);
        (void)unlink(beside);
        int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        ok = fd != -1 && write(fd, text, len) == (ssize_t)len && fsync(fd) == 0;
        if (fd != -1) close(fd);
        ok = ok && rename(beside, path) == 0;
    }
    if (!ok) cli_fail("could not write ~/.config/monoscope/credentials.json: %s", strerror(errno));
    free(text);
    yyjson_mut_doc_free(doc);
    return ok;
}

bool cli_credentials_remove(void)
{
    char path[1024];
    return path_make(path, sizeof path, false) && (unlink(path) == 0 || errno == ENOENT);
}

bool cli_stored_key(char *key, char *host)
{
    struct cli cli = { 0 };
    bool ok = cli_credentials_read(&cli) && cli.key != NULL && strncmp(cli.key, "mono_", 5) == 0 && cli.url != NULL;
    const char *begin = ok ? strstr(cli.url, "://") : NULL;
    ok = ok && begin != NULL && strlen(cli.key) < 256;
    if (ok) {
        size_t len = strcspn(begin + 3, ":/");
        ok = len > 0 && len < 256;
        if (ok) snprintf(host, 256, "%.*s", (int)len, begin + 3);
        if (ok) snprintf(key, 256, "%s", cli.key);
    }
    arena_deinit(&cli.arena);
    return ok;
}
