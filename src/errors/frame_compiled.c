/* Go, .NET, Rust. */
#include "errors/errors_inside.h"

static const char *const go_standard[] = {
    "archive", "arena", "bufio",    "bytes",   "cmp",    "compress", "container", "context", "crypto",  "database",
    "debug",   "embed", "encoding", "errors",  "expvar", "flag",     "fmt",       "go",      "hash",    "html",
    "image",   "index", "internal", "io",      "iter",   "log",      "maps",      "math",    "mime",    "net",
    "os",      "path",  "plugin",   "reflect", "regexp", "runtime",  "slices",    "sort",    "strconv", "strings",
    "structs", "sync",  "syscall",  "testing", "text",   "time",     "unicode",   "unique",  "unsafe",  "weak",
};

static bool go_is_foreign(struct bytes module, struct bytes file)
{
    if (bytes_hold(file, BYTES("/pkg/mod/")) || bytes_hold(file, BYTES("/vendor/")) ||
        bytes_hold(file, BYTES("/go/src/")) ||
        bytes_find_byte(file, '@') != NULL) { /* "example.org/x@v1.2.3/x.go": built with -trimpath */
        return !bytes_hold(file, BYTES("/go/src/")) || !bytes_hold(module, BYTES(".")) ||
               bytes_hold(file, BYTES("/vendor/")) || bytes_hold(file, BYTES("/pkg/mod/"));
    }
    const uint8_t *slash = bytes_find_byte(module, '/');
    struct bytes first = slash == NULL ? module : bytes_between(module.ptr, slash);
    return module.len == 0 || word_is_of(go_standard, COUNT_OF(go_standard), first);
}

static bool go_is_closure(struct bytes text) /* ".func1", ".gowrap2", ".1" */
{
    if (!bytes_take(&text, BYTES(".func")) && !bytes_take(&text, BYTES(".gowrap")) &&
        !bytes_take(&text, BYTES(".deferwrap")))
        bytes_take(&text, BYTES("."));
    return text.len > 0 && is_digit(text.ptr[0]);
}

/* "(*Store[...]).Add.func1.2": "(*Store).Add"; "main.func1.(*cart).add.1", inlined: "(*cart).add" */
static void go_function_put(struct text_out *out, struct bytes function)
{
    const uint8_t *start = out->at;
    int depth = 0;
    bool is_closure = false;
    if (bytes_finish(function, BYTES("-fm"))) function.len -= 3;
    for (size_t i = 0; i < function.len; i++) {
        uint8_t byte = function.ptr[i];
        depth += byte == '[' ? 1 : 0;
        if (depth == 0 && byte == '.' && go_is_closure(bytes_skip(function, i))) {
            is_closure = true;
            while (i + 1 < function.len && function.ptr[i + 1] != '.') i++;
            continue;
        }
        if (is_closure && byte == '.' && depth == 0) { /* what was inlined into the closure */
            out->at = (uint8_t *)(uintptr_t)start;
            is_closure = false;
            continue;
        }
        if (depth == 0 && !is_closure) text_put_byte(out, byte);
        depth -= byte == ']' && depth > 0 ? 1 : 0;
    }
}

void frame_go(struct text_out *out, struct error_frame *frame)
{
    struct bytes module = frame->module;
    frame->in_app = !go_is_foreign(module, frame->file);
    const uint8_t *vendor = bytes_find(module, BYTES("/vendor/"));
    if (vendor != NULL) module = bytes_between(vendor + 8, bytes_end(module));
    const uint8_t *generic = bytes_find_byte(module, '['); /* its type's package stands within */
    if (generic != NULL) module = bytes_between(module.ptr, generic);
    for (size_t i = 0; i < module.len; i++) {
        if (module.ptr[i] == '%' && module.len - i > 2 && memcmp(module.ptr + i, "%2e", 3) == 0) {
            text_put_byte(out, '.');
            i += 2;
        } else {
            text_put_byte(out, module.ptr[i]);
        }
    }
    text_put_byte(out, '.');
    go_function_put(out, frame->function);
}

/* ---- .NET ---- */

static const char *const dotnet_foreign[] = {
    "Akka.",           "Amazon.",
    "AspNetCore.",     "AutoMapper.",
    "Autofac.",        "Azure.",
    "Castle.",         "Confluent.",
    "Dapper.",         "FluentValidation.",
    "GraphQL.",        "Grpc.",
    "Hangfire.",       "HotChocolate.",
    "IdentityModel.",  "IdentityServer4.",
    "Internal.",       "MassTransit.",
    "MediatR.",        "Microsoft.",
    "MongoDB.",        "MySql.",
    "MySqlConnector.", "NHibernate.",
    "NLog.",           "NUnit.",
    "Newtonsoft.",     "Npgsql.",
    "OpenTelemetry.",  "Oracle.",
    "Polly.",          "Quartz.",
    "RabbitMQ.",       "Refit.",
    "RestSharp.",      "Serilog.",
    "ServiceStack.",   "StackExchange.",
    "Swashbuckle.",    "System.",
    "Xunit.",          "log4net.",
};

/* "<AddAsync>d__5": AddAsync; "<>c__DisplayClass3_0": nothing; "<Add>b__0": Add; "<Add>g__Total|3_0": Add.Total */
static void dotnet_piece_put(struct text_out *out, struct bytes piece)
{
    size_t opens = 0;
    while (opens < piece.len && piece.ptr[opens] == '<') opens++;
    if (opens == 0) {
        const uint8_t *tick = bytes_find_byte(piece, '`'), *bracket = bytes_find_byte(piece, '[');
        if (bracket > piece.ptr) piece = bytes_between(piece.ptr, bracket);
        if (tick > piece.ptr && tick < bytes_end(piece)) piece = bytes_between(piece.ptr, tick);
        const uint8_t *digits = bytes_end(piece); /* "lambda_method123" */
        if (bytes_begin(piece, BYTES("lambda_method"))) digits = piece.ptr + 13;
        if (out->at[-1] != '.') text_put_byte(out, '.');
        text_put(out, bytes_between(piece.ptr, digits));
        return;
    }
    const uint8_t *close = bytes_find_byte(piece, '>');
    if (close == NULL) return;
    struct bytes name = bytes_between(piece.ptr + opens, close), kind = bytes_between(close + 1, bytes_end(piece));
    if (name.len == 0) return; /* "<>c" */
    if (out->at[-1] != '.') text_put_byte(out, '.');
    text_put(out, name);
    if (bytes_take(&kind, BYTES("g__"))) {
        const uint8_t *bar = bytes_find_byte(kind, '|');
        text_put_byte(out, '.');
        text_put(out, bar == NULL ? kind : bytes_between(kind.ptr, bar));
    }
}

void frame_dotnet(struct text_out *out, struct error_frame *frame)
{
    struct bytes rest = frame->module;
    const uint8_t *start = out->at;
    bool is_machine = false;
    frame->in_app = rest.len > 0 && !prefix_is_of(dotnet_foreign, COUNT_OF(dotnet_foreign), rest);
    text_put_byte(out, '.'); /* taken off below: pieces look at what is before them */
    while (rest.len > 0) {
        size_t len = 0;
        for (int depth = 0; len < rest.len && (depth > 0 || (rest.ptr[len] != '.' && rest.ptr[len] != '+')); len++) {
            depth += rest.ptr[len] == '<' || rest.ptr[len] == '['   ? 1
                     : rest.ptr[len] == '>' || rest.ptr[len] == ']' ? -1
                                                                    : 0;
        }
        struct bytes piece = bytes_from(rest.ptr, len);
        is_machine = len > 0 && piece.ptr[0] == '<' && bytes_hold(piece, BYTES(">d"));
        if (len > 0) dotnet_piece_put(out, piece);
        rest = bytes_skip(rest, len < rest.len ? len + 1 : len);
    }
    if (!is_machine || !bytes_equal(frame->function, BYTES("MoveNext"))) dotnet_piece_put(out, frame->function);
    size_t len = (size_t)(out->at - start) - 1;
    memmove(out->at - len - 1, out->at - len, len);
    out->at--;
}

/* ---- Rust ---- */

static const char *const rust_foreign[] = {
    "_main",       "_start",     "actix",       "alloc",
    "anyhow",      "async_std",  "async_trait", "axum",
    "axum_core",   "backtrace",  "bytes",       "clap",
    "clone",       "color_eyre", "core",        "crossbeam",
    "diesel",      "eyre",       "futures",     "h2",
    "http",        "hyper",      "log",         "mio",
    "native_tls",  "once_cell",  "openssl",     "parking_lot",
    "pin_project", "reqwest",    "rocket",      "rust_begin_unwind",
    "rustls",      "serde",      "sqlx",        "start_thread",
    "std",         "thiserror",  "tokio",       "tonic",
    "tower",       "tracing",    "warp",
};
static const char *const rust_families[] = { "__libc_",    "__pthread", "__rust", "__scrt", "actix_",
                                             "crossbeam_", "futures_",  "hyper_", "rayon",  "rust_panic",
                                             "serde_",     "sqlx_",     "tokio_", "tower_", "tracing_" };

/* The crate of "<shop::Cart as core::fmt::Display>::fmt" is shop's. */
static struct bytes rust_crate(struct bytes name)
{
    while (name.len > 0) {
        if (name.ptr[0] == '<' || name.ptr[0] == '&' || name.ptr[0] == '*' || name.ptr[0] == ' ')
            name = bytes_skip(name, 1);
        else if (!bytes_take(&name, BYTES("dyn ")) && !bytes_take(&name, BYTES("mut ")) &&
                 !bytes_take(&name, BYTES("impl ")))
            break;
    }
    size_t len = 0;
    while (len < name.len && (is_alnum(name.ptr[len]) || name.ptr[len] == '_')) len++;
    return bytes_from(name.ptr, len);
}

void frame_rust(struct text_out *out, struct error_frame *frame)
{
    struct bytes name = frame->function, file = frame->file, crate = rust_crate(name);
    const uint8_t *start = out->at;
    bool is_foreign = bytes_begin(file, BYTES("/rustc/")) || bytes_hold(file, BYTES("/.cargo/registry/")) ||
                      bytes_hold(file, BYTES("/.cargo/git/")) || bytes_hold(file, BYTES("/registry/src/"));
    bool is_c_main = bytes_equal(name, BYTES("main"));
    frame->in_app = !is_foreign && !is_c_main && !word_is_of(rust_foreign, COUNT_OF(rust_foreign), crate) &&
                    !prefix_is_of(rust_families, COUNT_OF(rust_families), crate) && bytes_hold(name, BYTES("::"));
    /* Trait impls of the standard library over the program's types are called by it: what is told is the program's. */
    if (bytes_begin(name, BYTES("<")) && crate.len <= 1)
        frame->in_app = false; /* "<T as core::convert::Into<U>>::into" */
    for (size_t i = 0; i < name.len; i++) {
        struct bytes rest = bytes_skip(name, i);
        if (rest.len == 19 && bytes_begin(rest, BYTES("::h")) && piece_is_hash(bytes_skip(rest, 3))) break;
        if (bytes_begin(rest, BYTES("::{{")) || bytes_begin(rest, BYTES("::{closure")) ||
            bytes_begin(rest, BYTES("::{async"))) {
            const uint8_t *close = bytes_find_byte(rest, '}');
            if (close == NULL) break;
            i += (size_t)(close - rest.ptr);
            while (i + 1 < name.len && name.ptr[i + 1] == '}') i++;
            continue;
        }
        if (i > 0 && bytes_begin(rest, BYTES("::<"))) { /* "Vec::<i32>": what it is made for */
            int depth = 0;
            size_t k = 2;
            for (; k < rest.len; k++) {
                depth += rest.ptr[k] == '<' ? 1 : rest.ptr[k] == '>' && rest.ptr[k - 1] != '-' ? -1 : 0;
                if (depth == 0) break;
            }
            i += k;
            continue;
        }
        text_put_byte(out, name.ptr[i]);
    }
    if (out->at == start) text_put(out, name);
}
