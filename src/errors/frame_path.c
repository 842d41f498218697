/* What stays of a file's path: its name and the folder it is in, without what a build or a deployment puts there. */
#include "errors/errors_inside.h"

#define HASH_BYTES_MIN 6

/* Classes of what a piece is made of. */
bool piece_is_hash(struct bytes piece)
{
    size_t digits = 0, lowers = 0, uppers = 0, hexes = 0, turns = 0;
    int last = 0;
    if (bytes_all_digits(piece)) return true;
    if (piece.len < HASH_BYTES_MIN) return false;
    for (size_t i = 0; i < piece.len; i++) {
        uint8_t byte = piece.ptr[i];
        int kind = is_digit(byte) ? 1 : is_lower(byte) ? 2 : is_upper(byte) ? 3 : 0;
        if (kind == 0) return false;
        digits += kind == 1;
        lowers += kind == 2;
        uppers += kind == 3;
        hexes += kind == 1 || (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F');
        turns += last != 0 && kind != last;
        last = kind;
    }
    if (hexes == piece.len && digits > 0 && (lowers == 0 || uppers == 0)) return true; /* 7f3a2b1c */
    if (piece.len >= 8 && digits > 0 && turns >= 3) return true;                       /* DbQ2xY9p */
    return piece.len >= 8 && digits > 0 && lowers > 0 && uppers > 0 && turns >= 2;
}

/* Folders where programs lie: they say where it was put, not what it is. */
static const char *const roots[] = {
    "",       ".",      "..",       "_next",  "app",     "apps",    "assets", "backend",   "bin",
    "build",  "bundle", "bundles",  "chunks", "client",  "code",    "cur",    "current",   "deploy",
    "dist",   "esm",    "frontend", "home",   "htdocs",  "html",    "js",     "lib",       "local",
    "main",   "opt",    "out",      "output", "private", "project", "public", "release",   "releases",
    "repo",   "root",   "scripts",  "server", "service", "site",    "src",    "srv",       "static",
    "target", "task",   "tmp",      "usr",    "var",     "web",     "work",   "workspace", "www",
};

static bool folder_is_root(struct bytes folder)
{
    if (word_is_of(roots, COUNT_OF(roots), folder) || piece_is_hash(folder)) return true;
    return folder.len > 0 && folder.ptr[folder.len - 1] == ':'; /* "C:" */
}

static const uint8_t *last_slash(struct bytes path)
{
    for (const uint8_t *at = bytes_end(path); at > path.ptr; at--) {
        if (at[-1] == '/' || at[-1] == '\\') return at - 1;
    }
    return NULL;
}

/* "main.7f3a2b1c.chunk.min.js" without what builds put there: "main". */
static void name_put(struct text_out *out, struct bytes name)
{
    static const char *const left_out[] = { "bundle", "chunk", "min", "prod", "production" };
    const uint8_t *start = out->at;
    while (name.len > 0) {
        size_t len = 0;
        while (len < name.len && name.ptr[len] != '.' && name.ptr[len] != '-' && name.ptr[len] != '~') len++;
        struct bytes piece = bytes_from(name.ptr, len);
        if (!piece_is_hash(piece) && !word_is_of(left_out, COUNT_OF(left_out), piece)) {
            if (out->at > start) text_put_byte(out, '.');
            text_put(out, piece);
        }
        name = bytes_skip(name, len < name.len ? len + 1 : len);
    }
    if (out->at == start) text_put(out, BYTES("<*>"));
}

static struct bytes url_path(struct bytes path)
{
    const uint8_t *query = bytes_find_byte(path, '?');
    if (query != NULL && query > path.ptr) path = bytes_between(path.ptr, query);
    const uint8_t *sign = bytes_find_byte(path, '#');
    if (sign != NULL && sign > path.ptr) path = bytes_between(path.ptr, sign);
    const uint8_t *scheme = bytes_find(path, BYTES("://"));
    if (scheme == NULL) return path;
    path = bytes_between(scheme + 3, bytes_end(path));
    const uint8_t *slash = bytes_find_byte(path, '/'); /* the host goes; of webpack it is the package */
    return slash == NULL ? bytes_from(path.ptr, 0) : bytes_between(slash, bytes_end(path));
}

static struct bytes extension_of(struct bytes name)
{
    const uint8_t *dot = bytes_find_last(name, '.');
    if (dot == NULL || dot == name.ptr || bytes_end(name) - dot > 6) return bytes_from(bytes_end(name), 0);
    return bytes_between(dot, bytes_end(name));
}

bool path_has_hash(struct bytes path)
{
    path = url_path(path);
    const uint8_t *slash = last_slash(path);
    struct bytes name = slash == NULL ? path : bytes_between(slash + 1, bytes_end(path));
    name.len -= extension_of(name).len;
    if (name.len == 0) return false;
    size_t start = 0;
    if (name.len == 0) return false;
    for (size_t i = 0; i <= name.len; i++) {
        if (i < name.len && name.ptr[i] != '.' && name.ptr[i] != '-' && name.ptr[i] != '_') continue;
        struct bytes piece = bytes_from(name.ptr + start, i - start);
        if (piece.len >= HASH_BYTES_MIN && piece_is_hash(piece)) return true;
        start = i + 1;
    }
    return false;
}

void path_put(struct text_out *out, struct bytes path, bool has_extension)
{
    path = url_path(path);
    if (path.len == 0) return;
    const uint8_t *slash = last_slash(path);
    struct bytes name = slash == NULL ? path : bytes_between(slash + 1, bytes_end(path));
    if (slash != NULL) {
        struct bytes above = bytes_between(path.ptr, slash);
        const uint8_t *before = last_slash(above);
        struct bytes folder = before == NULL ? above : bytes_between(before + 1, bytes_end(above));
        bool is_of_home = before != NULL && (bytes_finish(bytes_between(above.ptr, before), BYTES("/home")) ||
                                             bytes_finish(bytes_between(above.ptr, before), BYTES("/Users")));
        if (!folder_is_root(folder) && !is_of_home) {
            text_put(out, folder);
            text_put_byte(out, '/');
        }
    }
    struct bytes extension = extension_of(name);
    name.len -= extension.len;
    name_put(out, name);
    if (has_extension) text_put(out, extension);
}
