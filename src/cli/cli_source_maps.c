/* source-maps upload: finds the maps of scripts in a folder, and sends them. */
#include "cli/cli_inside.h"
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { TAIL_BYTES = 64 << 10, DATA_URL_HEAD = 200 };
#define MAP_BYTES_MAX (64ull << 20)

struct upload {
    struct cli *cli;
    const char *project, *release, *prefix;
    bool is_dry;
    uint64_t sent, failed, without;
    int exit_code;
};

static bool has_ending(const char *path, const char *ending)
{
    size_t len = strlen(path), ending_len = strlen(ending);
    return len > ending_len && strcmp(path + len - ending_len, ending) == 0;
}

static bool is_script(const char *path)
{
    return has_ending(path, ".js") || has_ending(path, ".mjs") || has_ending(path, ".cjs");
}

static int name_compare(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* ---- a script's map ---- */

/* A file, or its end, with a NUL behind; NULL: it cannot be read. */
static char *file_text(const char *path, uint64_t bytes_max, bool is_tail, size_t *len)
{
    FILE *file = fopen(path, "rb");
    long long bytes = -1;
    if (file != NULL && fseeko(file, 0, SEEK_END) == 0) bytes = ftello(file);
    if (bytes < 0 || (!is_tail && (uint64_t)bytes > bytes_max)) {
        if (file != NULL) fclose(file);
        return NULL;
    }
    long long from = (uint64_t)bytes > bytes_max ? bytes - (long long)bytes_max : 0;
    char *text = mem_alloc((size_t)(bytes - from) + 1);
    bool ok = fseeko(file, from, SEEK_SET) == 0;
    *len = ok ? fread(text, 1, (size_t)(bytes - from), file) : 0;
    text[*len] = '\0';
    fclose(file);
    return text;
}

/* The last "//# NAME=value" of a script; NULL: it has none. */
static const char *comment_of(struct cli *cli, const char *text, size_t len, const char *name)
{
    const char *found = NULL, *end = text + len;
    size_t name_len = strlen(name);
    for (const char *at = text; (at = memmem(at, (size_t)(end - at), name, name_len)) != NULL; at += name_len) {
        if (at - text >= 4 && (memcmp(at - 4, "//# ", 4) == 0 || memcmp(at - 4, "//@ ", 4) == 0)) found = at + name_len;
    }
    return found == NULL ? NULL : arena_printf(&cli->arena, "%.*s", (int)strcspn(found, " \t\r\n"), found);
}

static const char *folder_of(struct cli *cli, const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? "" : arena_printf(&cli->arena, "%.*s", (int)(slash + 1 - path), path);
}

/* By what the script says, else by its name; NULL: none is there. */
static const char *map_path(struct cli *cli, const char *script, const char *said)
{
    const char *beside = arena_printf(&cli->arena, "%s.map", script);
    struct stat stat_of;
    if (said != NULL && strstr(said, "://") == NULL && said[0] != '/') {
        size_t len = strcspn(said, "?#");
        const char *path = arena_printf(&cli->arena, "%s%.*s", folder_of(cli, script), (int)len, said);
        if (stat(path, &stat_of) == 0) return path;
    }
    return stat(beside, &stat_of) == 0 ? beside : NULL;
}

/* "data:application/json;base64,...": a map within the script. */
static char *data_decode(const char *url)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *comma = strchr(url, ',');
    if (comma == NULL || comma - url > DATA_URL_HEAD || memmem(url, (size_t)(comma - url), "base64", 6) == NULL)
        return NULL;
    char *out = mem_alloc(strlen(comma) + 1), *at = out;
    uint32_t bits = 0, count = 0;
    for (const char *c = comma + 1; *c != '\0' && *c != '='; c++) {
        const char *digit = strchr(alphabet, *c);
        if (digit == NULL) break;
        bits = bits << 6 | (uint32_t)(digit - alphabet);
        count += 6;
        if (count >= 8) {
            count -= 8;
            *at++ = (char)(bits >> count & 0xFF);
        }
    }
    *at = '\0';
    return out;
}

/* What the map knows of its debug id goes with it; what only the script knows is put in. */
static char *with_debug_id(struct cli *cli, char *json, const char *id)
{
    const char *brace = strchr(json, '{');
    if (id == NULL || brace == NULL || strstr(json, "\"debugId\"") != NULL || strstr(json, "\"debug_id\"") != NULL)
        return json;
    (void)cli;
    size_t head = (size_t)(brace + 1 - json), len = strlen(json) + strlen(id) + 32;
    char *out = mem_alloc(len);
    const char *rest = brace + 1 + strspn(brace + 1, " \t\r\n");
    snprintf(out, len, "%.*s\"debugId\":\"%s\"%s%s", (int)head, json, id, *rest == '}' ? "" : ",", rest);
    free(json);
    return out;
}

static int send_map(struct upload *upload, const char *script, char *json)
{
    struct cli *cli = upload->cli;
    struct cli_answer answer;
    const char *path = arena_printf(&cli->arena, "/projects/%s/source-maps?script=%s%s%s",
                                    cli_encoded(cli, upload->project), cli_encoded(cli, script),
                                    upload->release[0] != '\0' ? "&release=" : "", cli_encoded(cli, upload->release));
    cli_ask(cli, "POST", path, json, NULL, &answer);
    int exit_code = cli_answer_check(&answer);
    yyjson_val *root = yyjson_doc_get_root(answer.json);
    if (exit_code == CLI_DONE && cli->is_json) {
        cli_print_json_line(root);
    } else if (exit_code == CLI_DONE) {
        const char *id = yyjson_get_str(yyjson_obj_get(root, "debug_id"));
        printf("%s: %lld mappings, %lld sources%s, %lld of %lld bytes%s%s\n", script,
               (long long)yyjson_get_sint(yyjson_obj_get(root, "mappings")),
               (long long)yyjson_get_sint(yyjson_obj_get(root, "sources")),
               yyjson_get_bool(yyjson_obj_get(root, "has_sources")) ? "" : " without their texts",
               (long long)yyjson_get_sint(yyjson_obj_get(root, "stored_bytes")),
               (long long)yyjson_get_sint(yyjson_obj_get(root, "bytes")), id != NULL ? ", debug id " : "",
               id != NULL ? id : "");
    }
    cli_answer_deinit(&answer);
    return exit_code;
}

/* below: the script's path in the folder. */
static void script_take(struct upload *upload, const char *path, const char *below)
{
    struct cli *cli = upload->cli;
    size_t len;
    char *text = file_text(path, TAIL_BYTES, true, &len), *json = NULL;
    const char *said = text == NULL ? NULL : comment_of(cli, text, len, "sourceMappingURL=");
    const char *id = text == NULL ? NULL : comment_of(cli, text, len, "debugId=");
    free(text);
    const char *map = map_path(cli, path, said), *script = arena_printf(&cli->arena, "%s%s", upload->prefix, below);
    if (map != NULL) {
        json = file_text(map, MAP_BYTES_MAX, false, &len);
        if (json == NULL) cli_fail("cannot read \"%s\", or it has more than 64 MiB", map);
        if (json == NULL) upload->failed++;
    } else {
        char *whole = said != NULL || len == TAIL_BYTES ? file_text(path, MAP_BYTES_MAX * 2, false, &len) : NULL;
        const char *data = whole == NULL ? NULL : comment_of(cli, whole, len, "sourceMappingURL=data:");
        json = data == NULL ? NULL : data_decode(data);
        free(whole);
        if (json == NULL) {
            upload->without++;
            if (!cli->is_json) printf("%s: no map\n", below);
        }
    }
    if (json == NULL) return;
    json = with_debug_id(cli, json, id);
    if (upload->is_dry) {
        printf("%s: would send %s\n", script, map != NULL ? map : "the map within it");
        upload->sent++;
    } else {
        int exit_code = send_map(upload, script, json);
        if (exit_code == CLI_DONE) upload->sent++;
        if (exit_code != CLI_DONE) upload->failed++, upload->exit_code = exit_code;
    }
    free(json);
}

/* A folder with all in it, or one script. */
static void folder_take(struct upload *upload, const char *folder)
{
    size_t len = strlen(folder);
    while (len > 1 && folder[len - 1] == '/') len--;
    char *plain = arena_printf(&upload->cli->arena, "%.*s", (int)len, folder);
    FTS *walk = fts_open((char *[]){ plain, NULL }, FTS_PHYSICAL | FTS_NOCHDIR, name_compare);
    FTSENT *entry;
    while (walk != NULL && (entry = fts_read(walk)) != NULL) {
        bool is_stopped = upload->exit_code == CLI_NOT_ALLOWED || upload->exit_code == CLI_AWAY;
        if (is_stopped) break;
        if (entry->fts_info == FTS_D && strcmp(entry->fts_name, "node_modules") == 0) fts_set(walk, entry, FTS_SKIP);
        if (entry->fts_info == FTS_NS || entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR) {
            upload->exit_code = cli_fail("cannot read \"%s\": %s", entry->fts_path, strerror(entry->fts_errno));
            upload->failed++;
        }
        if (entry->fts_info != FTS_F || !is_script(entry->fts_name)) continue;
        const char *below = entry->fts_level == 0 ? entry->fts_name : entry->fts_path + len + (plain[len - 1] != '/');
        script_take(upload, entry->fts_path, below);
    }
    if (walk != NULL) fts_close(walk);
}

int cli_source_maps_upload(int argc, char **argv)
{
    static const char usage[] = "source-maps upload --url-prefix URL [--release R] [--dry-run] FOLDER ...";
    struct cli cli;
    int exit_code = CLI_USAGE;
    if (cli_open(&cli, argc, argv, "dry-run") && cli_options_known(&cli, "release url-prefix dry-run")) {
        const char *prefix = cli_option(&cli, "url-prefix"), *release = cli_option(&cli, "release");
        struct upload upload = { .cli = &cli,
                                 .release = release != NULL ? release : "",
                                 .is_dry = cli_option(&cli, "dry-run") != NULL };
        if (prefix == NULL || prefix[0] == '\0' || cli.word_count == 0) {
            exit_code = cli_usage(usage);
        } else if (!upload.is_dry && (upload.project = cli_project(&cli)) == NULL) {
            exit_code = cli.failed;
        } else {
            bool has_slash = prefix[strlen(prefix) - 1] == '/';
            upload.prefix = has_slash ? prefix : arena_printf(&cli.arena, "%s/", prefix);
            for (uint32_t w = 0; w < cli.word_count; w++) folder_take(&upload, cli.words[w]);
            if (!cli.is_json)
                printf("%llu source maps %s, %llu scripts without one, %llu failed\n", (unsigned long long)upload.sent,
                       upload.is_dry ? "found" : "sent", (unsigned long long)upload.without,
                       (unsigned long long)upload.failed);
            exit_code = upload.exit_code != CLI_DONE ? upload.exit_code : upload.failed > 0 ? CLI_REFUSED : CLI_DONE;
            if (exit_code == CLI_DONE && upload.sent == 0)
                exit_code = cli_fail("there is no source map in what was named: does the bundler write any?");
        }
    }
    cli_close(&cli);
    return exit_code;
}
