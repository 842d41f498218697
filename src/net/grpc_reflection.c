#include "net/grpc_reflection.h"

#include <stdio.h>
#include <stdlib.h>

#include "net/proto.h"

enum { FILES_MAX = 64, RESPONSE_BYTES_MAX = 512 << 10, SYMBOL_BYTES_MAX = 1024 };
/* Field numbers. */
enum { SET_FILE = 1 };
enum {
    FILE_NAME = 1,
    FILE_PACKAGE = 2,
    FILE_DEPENDENCY = 3,
    FILE_MESSAGE = 4,
    FILE_ENUM = 5,
    FILE_SERVICE = 6,
    FILE_EXTENSION = 7
};
enum { MESSAGE_FIELD = 2, MESSAGE_NESTED = 3, MESSAGE_ENUM = 4, MESSAGE_EXTENSION = 6, MESSAGE_ONEOF = 8 };
enum { ANY_NAME = 1, ENUM_VALUE = 2, SERVICE_METHOD = 2 };
enum { ASK_HOST = 1, ASK_FILE = 3, ASK_SYMBOL = 4, ASK_EXTENSION = 5, ASK_NUMBERS = 6, ASK_LIST = 7 };
enum { SAY_HOST = 1, SAY_REQUEST = 2, SAY_FILES = 4, SAY_NUMBERS = 5, SAY_LIST = 6, SAY_ERROR = 7 };

enum kind { KIND_NONE, KIND_FILE, KIND_MESSAGE, KIND_ENUM, KIND_SERVICE, KIND_LEAF };

struct grpc_reflection {
    struct bytes files[FILES_MAX]; /* each a FileDescriptorProto */
    uint32_t file_count;
};

bool grpc_reflection_create(struct grpc_reflection **out, struct bytes descriptor_set, struct err *err)
{
    struct grpc_reflection *reflection = mem_calloc(1, sizeof *reflection);
    struct proto_field field;
    *out = NULL;
    while (reflection->file_count < FILES_MAX && proto_next(&descriptor_set, &field)) {
        if (field.number == SET_FILE && field.wire == PROTO_BYTES)
            reflection->files[reflection->file_count++] = field.bytes;
    }
    if (descriptor_set.len > 0 || reflection->file_count == 0) {
        free(reflection);
        return err_set(err, ERR_CORRUPT, "the descriptor set is malformed, or has more than %d files", FILES_MAX);
    }
    *out = reflection;
    return true;
}

void grpc_reflection_destroy(struct grpc_reflection *reflection)
{
    free(reflection);
}

/* ---- names ---- */

/* What a field of a descriptor declares. */
static enum kind kind_of(enum kind inside, uint32_t field)
{
    switch (inside) {
    case KIND_FILE:
        if (field == FILE_MESSAGE) return KIND_MESSAGE;
        if (field == FILE_ENUM) return KIND_ENUM;
        if (field == FILE_SERVICE) return KIND_SERVICE;
        return field == FILE_EXTENSION ? KIND_LEAF : KIND_NONE;
    case KIND_MESSAGE:
        if (field == MESSAGE_NESTED) return KIND_MESSAGE;
        if (field == MESSAGE_ENUM) return KIND_ENUM;
        return field == MESSAGE_FIELD || field == MESSAGE_EXTENSION || field == MESSAGE_ONEOF ? KIND_LEAF : KIND_NONE;
    case KIND_ENUM: return field == ENUM_VALUE ? KIND_LEAF : KIND_NONE;
    case KIND_SERVICE: return field == SERVICE_METHOD ? KIND_LEAF : KIND_NONE;
    case KIND_NONE:
    case KIND_LEAF: break;
    }
    return KIND_NONE;
}

/* "a.b.c" after "a": "b.c". */
static bool name_take(struct bytes *symbol, struct bytes name)
{
    if (name.len == 0 || symbol->len <= name.len || memcmp(symbol->ptr, name.ptr, name.len) != 0) return false;
    if (symbol->ptr[name.len] != '.') return false;
    *symbol = bytes_from(symbol->ptr + name.len + 1, symbol->len - name.len - 1);
    return true;
}

/* Descriptors nest as deep as the symbol has names. */
static bool declares(struct bytes descriptor, enum kind kind, struct bytes symbol)
{
    struct proto_field field;
    while (proto_next(&descriptor, &field)) {
        enum kind found = field.wire == PROTO_BYTES ? kind_of(kind, field.number) : KIND_NONE;
        if (found == KIND_NONE) continue;
        struct bytes name = proto_find_bytes(field.bytes, ANY_NAME), rest = symbol;
        if (bytes_equal(name, symbol)) return true;
        /* An enum's values are named beside it, as in C. */
        bool is_inside = found == KIND_ENUM || (found != KIND_LEAF && name_take(&rest, name));
        if (is_inside && declares(field.bytes, found, rest)) return true;
    }
    return false;
}

static bool file_declares(struct bytes file, struct bytes symbol)
{
    struct bytes package = proto_find_bytes(file, FILE_PACKAGE);
    if (package.len > 0 && !name_take(&symbol, package)) return false;
    return declares(file, KIND_FILE, symbol);
}

static uint32_t file_by_name(const struct grpc_reflection *reflection, struct bytes name)
{
    uint32_t i = 0;
    while (i < reflection->file_count && !bytes_equal(proto_find_bytes(reflection->files[i], FILE_NAME), name)) i++;
    return i;
}

static uint32_t file_by_symbol(const struct grpc_reflection *reflection, struct bytes symbol)
{
    uint32_t i = 0;
    while (i < reflection->file_count && !file_declares(reflection->files[i], symbol)) i++;
    return i;
}

/* ---- answers ---- */

static bool say_error(struct buf *out, enum err_code code, const char *text)
{
    uint8_t storage[256];
    struct buf error = { .ptr = storage, .cap = sizeof storage, .bytes_max = sizeof storage };
    return proto_put_number(&error, 1, (uint64_t)err_grpc_status(code)) &&
           proto_put_bytes(&error, 2, bytes_of_text(text)) && proto_put_bytes(out, SAY_ERROR, buf_bytes(&error));
}

/* The file and, once each, all that it needs. */
static bool files_put(const struct grpc_reflection *reflection, struct buf *files, uint32_t file, uint64_t *seen)
{
    if ((*seen & UINT64_C(1) << file) != 0) return true;
    *seen |= UINT64_C(1) << file;
    if (!proto_put_bytes(files, 1, reflection->files[file])) return false;
    struct bytes rest = reflection->files[file];
    struct proto_field field;
    while (proto_next(&rest, &field)) {
        if (field.number != FILE_DEPENDENCY || field.wire != PROTO_BYTES) continue;
        uint32_t needed = file_by_name(reflection, field.bytes);
        if (needed < reflection->file_count && !files_put(reflection, files, needed, seen)) return false;
    }
    return true;
}

static bool say_files(const struct grpc_reflection *reflection, struct buf *out, uint32_t file)
{
    static_assert(FILES_MAX <= 64, "seen has a bit for each");
    if (file == reflection->file_count) return say_error(out, ERR_NOT_FOUND, "there is no such file or symbol here");
    struct buf files;
    uint64_t seen = 0;
    buf_init(&files, RESPONSE_BYTES_MAX);
    bool fits = files_put(reflection, &files, file, &seen) && proto_put_bytes(out, SAY_FILES, buf_bytes(&files));
    buf_deinit(&files);
    return fits;
}

static bool service_put(struct buf *list, struct bytes package, struct bytes name)
{
    char text[SYMBOL_BYTES_MAX];
    uint8_t storage[SYMBOL_BYTES_MAX + 16];
    struct buf service = { .ptr = storage, .cap = sizeof storage, .bytes_max = sizeof storage };
    int len = snprintf(text, sizeof text, "%.*s%s%.*s", (int)package.len, (const char *)package.ptr,
                       package.len > 0 ? "." : "", (int)name.len, (const char *)name.ptr);
    return len < (int)sizeof text && proto_put_bytes(&service, 1, bytes_from(text, (size_t)len)) &&
           proto_put_bytes(list, 1, buf_bytes(&service));
}

static bool say_list(const struct grpc_reflection *reflection, struct buf *out)
{
    struct buf list;
    bool fits = true;
    buf_init(&list, RESPONSE_BYTES_MAX);
    for (uint32_t i = 0; i < reflection->file_count; i++) {
        struct bytes rest = reflection->files[i], package = proto_find_bytes(rest, FILE_PACKAGE);
        struct proto_field field;
        while (fits && proto_next(&rest, &field)) {
            if (field.number == FILE_SERVICE && field.wire == PROTO_BYTES)
                fits = service_put(&list, package, proto_find_bytes(field.bytes, ANY_NAME));
        }
    }
    fits = fits && proto_put_bytes(out, SAY_LIST, buf_bytes(&list));
    buf_deinit(&list);
    return fits;
}

/* We have messages without extensions. */
static bool say_numbers(const struct grpc_reflection *reflection, struct buf *out, struct bytes type)
{
    uint8_t storage[SYMBOL_BYTES_MAX + 16];
    struct buf numbers = { .ptr = storage, .cap = sizeof storage, .bytes_max = sizeof storage };
    if (file_by_symbol(reflection, type) == reflection->file_count)
        return say_error(out, ERR_NOT_FOUND, "there is no such message here");
    return proto_put_bytes(&numbers, 1, type) && proto_put_bytes(out, SAY_NUMBERS, buf_bytes(&numbers));
}

static struct bytes without_dot(struct bytes symbol)
{
    return symbol.len > 0 && symbol.ptr[0] == '.' ? bytes_from(symbol.ptr + 1, symbol.len - 1) : symbol;
}

static bool say(const struct grpc_reflection *reflection, struct buf *out, const struct proto_field *question)
{
    switch (question->number) {
    case ASK_FILE: return say_files(reflection, out, file_by_name(reflection, question->bytes));
    case ASK_SYMBOL: return say_files(reflection, out, file_by_symbol(reflection, without_dot(question->bytes)));
    case ASK_EXTENSION: return say_error(out, ERR_NOT_FOUND, "there are no extensions here");
    case ASK_NUMBERS: return say_numbers(reflection, out, without_dot(question->bytes));
    case ASK_LIST: return say_list(reflection, out);
    default: return say_error(out, ERR_INPUT, "cannot tell what is asked for");
    }
}

static void message_on(void *ctx, struct grpc_stream *stream, struct bytes message)
{
    const struct grpc_reflection *reflection = ctx;
    struct err err = { 0 };
    struct proto_field field, question = { 0 };
    struct bytes rest = message;
    while (proto_next(&rest, &field)) {
        if (field.number >= ASK_FILE && field.number <= ASK_LIST && field.wire == PROTO_BYTES) question = field;
    }
    if (rest.len > 0 || message.len > SYMBOL_BYTES_MAX) {
        err_set(&err, ERR_INPUT, "cannot read the request: it is not protobuf, or has more than %d bytes",
                SYMBOL_BYTES_MAX);
        grpc_stream_finish(stream, &err);
        return;
    }
    struct buf out;
    buf_init(&out, RESPONSE_BYTES_MAX);
    if (proto_put_bytes(&out, SAY_HOST, proto_find_bytes(message, ASK_HOST)) &&
        proto_put_bytes(&out, SAY_REQUEST, message) && say(reflection, &out, &question)) {
        grpc_stream_send(stream, buf_bytes(&out));
    } else {
        err_set(&err, ERR_INTERNAL, "cannot answer: the descriptors are too large");
        grpc_stream_finish(stream, &err);
    }
    buf_deinit(&out);
}

static void half_closed_on(void *ctx, struct grpc_stream *stream)
{
    (void)ctx;
    grpc_stream_finish(stream, NULL);
}

static struct grpc_service service(struct grpc_reflection *reflection, const char *name)
{
    return (
        struct grpc_service){ .name = name, .message = message_on, .half_closed = half_closed_on, .ctx = reflection };
}

struct grpc_service grpc_reflection_service(struct grpc_reflection *reflection)
{
    return service(reflection, "grpc.reflection.v1.ServerReflection");
}

struct grpc_service grpc_reflection_service_alpha(struct grpc_reflection *reflection)
{
    return service(reflection, "grpc.reflection.v1alpha.ServerReflection");
}
