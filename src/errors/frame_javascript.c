/* Node, Deno, Bun and browsers: V8, SpiderMonkey, JavaScriptCore, Hermes. */
#include "errors/errors_inside.h"

#define MINIFIED_COLUMN_MIN 250 /* people write shorter lines */
#define MINIFIED_NAME_MAX   3

static const char *const core_files[] = {
    /* of Node before 15, which had no "node:" */
    "_http_agent.js",
    "_http_client.js",
    "_http_common.js",
    "_http_incoming.js",
    "_http_outgoing.js",
    "_http_server.js",
    "_stream_duplex.js",
    "_stream_readable.js",
    "_stream_transform.js",
    "_stream_writable.js",
    "_tls_common.js",
    "_tls_wrap.js",
    "assert.js",
    "bootstrap_node.js",
    "buffer.js",
    "child_process.js",
    "cluster.js",
    "crypto.js",
    "dgram.js",
    "dns.js",
    "domain.js",
    "events.js",
    "fs.js",
    "http.js",
    "https.js",
    "module.js",
    "net.js",
    "readline.js",
    "stream.js",
    "timers.js",
    "tls.js",
    "url.js",
    "vm.js",
    "zlib.js",
};
static const char *const foreign_parts[] = {
    "node_modules",     "/webpack/bootstrap", "webpack/runtime",  "(webpack)",     "cdn.jsdelivr.net", "unpkg.com",
    "cdnjs.cloudflare", "googletagmanager",   "google-analytics", "-extension://", "/deno_std",        "deno.land/",
};
static const char *const foreign_names[] = { "vendor", "polyfill", "framework-",    "react-dom", "react.production",
                                             "jquery", "zone.js",  "chunk-vendors", "runtime~",  "webpack-" };

static bool is_foreign(struct bytes file)
{
    if (file.len == 0 || file.ptr[0] == '<' || file.ptr[0] == '[') return true; /* "<anonymous>", "[native code]" */
    if (bytes_begin(file, BYTES("node:")) || bytes_begin(file, BYTES("internal/")) ||
        bytes_begin(file, BYTES("index ")) || bytes_begin(file, BYTES("native")) || bytes_begin(file, BYTES("ext:")) ||
        bytes_begin(file, BYTES("wasm:")) || word_is_of(core_files, COUNT_OF(core_files), file)) {
        return true;
    }
    for (size_t i = 0; i < COUNT_OF(foreign_parts); i++) {
        if (bytes_hold(file, bytes_of_text(foreign_parts[i]))) return true;
    }
    const uint8_t *slash = bytes_find_last(file, '/');
    struct bytes name = slash == NULL ? file : bytes_between(slash + 1, bytes_end(file));
    for (size_t i = 0; i < COUNT_OF(foreign_names); i++) {
        if (bytes_begin(name, bytes_of_text(foreign_names[i]))) return true;
    }
    return false;
}

/* What all engines call it: "Cart.add [as total]", "async*add", "new Cart", "cart/add/<": add; empty: no name. */
static struct bytes name_of(struct bytes function)
{
    const uint8_t *as = bytes_find(function, BYTES(" [as "));
    if (as != NULL) function = bytes_between(function.ptr, as);
    bytes_take(&function, BYTES("async "));
    const uint8_t *star = bytes_find_last(function, '*'); /* "async*add", "EventListener.handleEvent*init" */
    if (star != NULL) function = bytes_between(star + 1, bytes_end(function));
    bytes_take(&function, BYTES("new "));
    if (bytes_finish(function, BYTES("<")) || bytes_finish(function, BYTES("<anonymous>")) ||
        bytes_finish(function, BYTES(" code")) || bytes_equal(function, BYTES("anonymous")) ||
        bytes_equal(function, BYTES("eval"))) {
        return bytes_from(function.ptr, 0);
    }
    const uint8_t *dot = bytes_find_last(function, '.'), *slash = bytes_find_last(function, '/');
    if (slash > dot) dot = slash;
    if (dot != NULL) function = bytes_between(dot + 1, bytes_end(function));
    bytes_take(&function, BYTES("#"));
    return function;
}

void frame_javascript(struct text_out *out, struct error_frame *frame)
{
    struct bytes file = frame->file, name = name_of(frame->function);
    const uint8_t *modules = bytes_find(file, BYTES("node_modules/"));
    frame->in_app = !is_foreign(file);
    bool is_minified = frame->column >= MINIFIED_COLUMN_MIN || bytes_hold(file, BYTES(".min.")) ||
                       (name.len <= MINIFIED_NAME_MAX && path_has_hash(file));
    if (is_minified && name.len <= MINIFIED_NAME_MAX) name.len = 0;
    frame->is_weak = name.len == 0 && (is_minified || !frame->in_app);
    if (modules != NULL) { /* "node_modules/express/lib/router": of which package */
        struct bytes package = bytes_between(modules + 13, bytes_end(file));
        const uint8_t *inner;
        while ((inner = bytes_find(package, BYTES("node_modules/"))) != NULL) {
            package = bytes_between(inner + 13, bytes_end(package));
        }
        const uint8_t *slash = bytes_find_byte(package, '/');
        if (slash != NULL && package.ptr[0] == '@')
            slash = bytes_find_byte(bytes_between(slash + 1, bytes_end(package)), '/');
        text_put(out, slash == NULL ? package : bytes_between(package.ptr, slash + 1));
    }
    bool is_nowhere = file.len == 0 || file.ptr[0] == '<' || file.ptr[0] == '[' || bytes_begin(file, BYTES("index "));
    if (!is_nowhere) path_put(out, file, false);
    text_put_byte(out, ':');
    text_put(out, name.len == 0 ? BYTES("?") : name);
}
