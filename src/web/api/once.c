#include "web/api/once.h"
#include "base/clock.h"
#include "base/sha256.h"
#include "meta/db.h"
#include "web/api/api_inside.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const int64_t KEPT_US = 24 * 3600 * 1000000ll;
static const int64_t RUNNING_US = 120 * 1000000ll; /* longer than any handler takes */
enum { KEY_BYTES_MAX = 200, BODY_BYTES_MAX = 256 << 10 };

/* Who it was, and with which key: two callers' keys have nothing to do with each other. */
static struct bytes caller_of(const struct api_call *call)
{
    char id[UUID_TEXT_BYTES + 1];
    const struct actor *actor = call->actor;
    uuid_to_text(actor->kind == ACTOR_KEY ? actor->key_id : actor->user_id, id);
    return bytes_of_text(arena_printf(call->arena, "%s %s",
                                      actor->kind == ACTOR_KEY    ? "key"
                                      : actor->kind == ACTOR_USER ? "user"
                                                                  : "nobody",
                                      id));
}

/* Of all that makes it the same request. */
static void request_hash(const struct api_call *call, uint8_t hash[SHA256_BYTES])
{
    struct sha256 sha256;
    sha256_init(&sha256);
    sha256_add(&sha256, call->request->path);
    sha256_add(&sha256, BYTES("?"));
    sha256_add(&sha256, call->request->query);
    sha256_add(&sha256, BYTES("\n"));
    sha256_add(&sha256, call->request->body);
    sha256_end(&sha256, hash);
}

struct beginning {
    struct api_call *call;
    struct bytes caller, key;
    uint8_t hash[SHA256_BYTES];
    bool is_there, is_same;
    int64_t status, created_unix_us;
    struct bytes type, body;
};

static bool before_take(void *ctx, struct db_row *row, struct err *err)
{
    struct beginning *beginning = ctx;
    struct arena *arena = beginning->call->arena;
    (void)err;
    beginning->is_there = true;
    beginning->is_same = bytes_equal(db_row_bytes(row, 0), bytes_from(beginning->hash, SHA256_BYTES));
    beginning->status = db_row_integer(row, 1);
    beginning->type = arena_copy(arena, db_row_text(row, 2));
    beginning->body = arena_copy(arena, db_row_bytes(row, 3));
    beginning->created_unix_us = db_row_integer(row, 4);
    return true;
}

/* Old ones go, a row that was there is read, else ours is put. */
static bool begin_run(struct db_session *session, void *ctx, struct err *err)
{
    struct beginning *beginning = ctx;
    int64_t now_us = clock_unix_us();
    beginning->is_there = false;
    if (!db_run(session, "DELETE FROM api_once WHERE created_unix_us < $1", DB_VALUES(db_integer(now_us - KEPT_US)),
                NULL, NULL, NULL, err) ||
        !db_run(session,
                "SELECT request_hash, status, content_type, body, created_unix_us FROM api_once"
                " WHERE caller = $1 AND key = $2",
                DB_VALUES(db_text_bytes(beginning->caller), db_text_bytes(beginning->key)), before_take, beginning,
                NULL, err))
        return false;
    if (beginning->is_there) return true;
    return db_run(session,
                  "INSERT INTO api_once(caller, key, request_hash, status, content_type, body, created_unix_us)"
                  " VALUES($1, $2, $3, 0, '', $4, $5)",
                  DB_VALUES(db_text_bytes(beginning->caller), db_text_bytes(beginning->key),
                            db_bytes(bytes_from(beginning->hash, SHA256_BYTES)), db_bytes(BYTES("")),
                            db_integer(now_us)),
                  NULL, NULL, NULL, err);
}

static bool replay(struct api_call *call, const struct beginning *beginning, struct err *err)
{
    if (!beginning->is_same)
        return err_set(err, ERR_EXISTS, "this Idempotency-Key was used for another request: take a new one");
    if (beginning->status == 0 && clock_unix_us() - beginning->created_unix_us < RUNNING_US)
        return err_set(err, ERR_CONFLICT, "the same request is being done: ask again in a second");
    if (beginning->status == 0)
        return err_set(err, ERR_CONFLICT,
                       "whether this request was done before is not known, for the server stopped in the middle of it: "
                       "look, then take a new Idempotency-Key");
    api_header(call, "idempotency-replayed", BYTES("true"));
    char *type = bytes_to_text(beginning->type);
    api_answer_bytes(call, (int)beginning->status, type, beginning->body);
    free(type);
    return true;
}

bool once_begin(struct api_call *call, struct err *err)
{
    struct bytes key = api_request_header(call, "idempotency-key");
    struct beginning beginning = { .call = call, .key = key };
    if (!(call->route->flags & API_ONCE) || key.len == 0) return true;
    if (key.len > KEY_BYTES_MAX)
        return err_set(err, ERR_INPUT, "an Idempotency-Key has at most %d bytes", KEY_BYTES_MAX);
    for (size_t i = 0; i < key.len; i++)
        if (key.ptr[i] <= ' ' || key.ptr[i] > '~')
            return err_set(err, ERR_INPUT, "an Idempotency-Key is printable ASCII without blanks");
    beginning.caller = caller_of(call);
    request_hash(call, beginning.hash);
    if (!db_transaction(call->parts->db, begin_run, &beginning, err)) return false;
    if (beginning.is_there) return replay(call, &beginning, err);
    call->inside->is_once = true;
    call->inside->once_key = key;
    return true;
}

/* A secret is shown once: what is kept of the answer has null in its place. */
static struct bytes without_secrets(struct api_call *call, struct bytes body)
{
    static const char *const names[] = { "secret", "password", "token", "key" };
    yyjson_doc *doc = yyjson_read((const char *)body.ptr, body.len, 0);
    yyjson_mut_doc *copy = yyjson_doc_mut_copy(doc, NULL);
    yyjson_mut_val *root = yyjson_mut_doc_get_root(copy);
    for (size_t n = 0; n < COUNT_OF(names); n++) {
        yyjson_mut_val *value = yyjson_mut_obj_get(root, names[n]);
        if (yyjson_mut_is_str(value)) yyjson_mut_set_null(value);
    }
    size_t len = 0;
    char *text = root == NULL ? NULL : yyjson_mut_write(copy, 0, &len);
    struct bytes out = arena_copy(call->arena, bytes_from(text, len));
    free(text);
    yyjson_mut_doc_free(copy);
    yyjson_doc_free(doc);
    return out;
}

struct ending {
    struct bytes caller, key, type, body;
    int64_t status; /* 0: forgotten */
};

static bool end_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct ending *ending = ctx;
    if (ending->status == 0)
        return db_run(session, "DELETE FROM api_once WHERE caller = $1 AND key = $2",
                      DB_VALUES(db_text_bytes(ending->caller), db_text_bytes(ending->key)), NULL, NULL, NULL, err);
    return db_run(session,
                  "UPDATE api_once SET status = $3, content_type = $4, body = $5 WHERE caller = $1 AND key = $2",
                  DB_VALUES(db_text_bytes(ending->caller), db_text_bytes(ending->key), db_integer(ending->status),
                            db_text_bytes(ending->type), db_bytes(ending->body)),
                  NULL, NULL, NULL, err);
}

/* What was done stays done when this fails: a repeat then hears that the outcome is not known. */
static void end_write(struct api_call *call, struct ending *ending)
{
    struct err err = { 0 };
    call->inside->is_once = false;
    ending->caller = caller_of(call);
    ending->key = call->inside->once_key;
    if (!db_transaction(call->parts->db, end_run, ending, &err))
        log_warn(call->parts->log, "api.answer_not_kept", log_text("route", call->route->id),
                 log_text("err", err.text));
}

void once_end(struct api_call *call, int status, struct bytes body)
{
    struct ending ending = { .status = status, .body = body };
    if (!call->inside->is_once) return;
    if (status >= 300) {
        once_forget(call);
        return;
    }
    for (uint32_t h = 0; h < call->inside->header_count; h++)
        if (bytes_equal(call->inside->headers[h].name, BYTES("content-type")))
            ending.type = call->inside->headers[h].value;
    if (call->route->flags & API_SECRET) ending.body = without_secrets(call, body);
    if (ending.body.len > BODY_BYTES_MAX) ending.body = (struct bytes){ 0 };
    if (ending.body.len == 0) ending.body = BYTES("");
    end_write(call, &ending);
}

void once_forget(struct api_call *call)
{
    struct ending ending = { 0 };
    if (call->inside->is_once) end_write(call, &ending);
}
