/* Channels as rows; their secrets sealed. */
#include "channels/channel.h"

#include <inttypes.h>
#include <stdio.h>
#include <yyjson.h>

#include "base/clock.h"
#include "meta/db_rows.h"
#include "net/seal.h"

static const char columns[] =
    "project_id, id, kind, name, is_on, settings, sealed, routes, author, created_unix_us, changed_unix_us, "
    "failed_unix_us, failed_why, sent_unix_us";

static void take(struct arena *arena, struct db_row *row, struct channel *channel)
{
    int64_t kind = db_row_integer(row, 2);
    *channel = (struct channel){
        .project_id = db_row_uuid(row, 0),
        .id = db_row_integer(row, 1),
        .kind = (enum channel_kind)kind,
        .name = db_text_keep(arena, row, 3),
        .is_on = db_row_boolean(row, 4),
        .settings = db_text_keep(arena, row, 5),
        .sealed = arena_copy(arena, db_row_bytes(row, 6)),
        .routes = db_text_keep(arena, row, 7),
        .author = db_text_keep(arena, row, 8),
        .created_unix_us = db_row_integer(row, 9),
        .changed_unix_us = db_row_integer(row, 10),
        .failed_unix_us = db_row_integer(row, 11),
        .failed_why = db_text_keep(arena, row, 12),
        .sent_unix_us = db_row_integer(row, 13),
    };
    if (kind < 0 || kind >= CHANNEL_KIND_COUNT) row->is_bad = true;
}

/* ---- secrets ---- */

/* The settings that say where it leads; the secrets are for that alone. */
static struct bytes address_of(struct arena *arena, struct bytes settings)
{
    static const char *const names[] = { "server", "user", "url", "api_url" };
    yyjson_doc *doc = yyjson_read((const char *)settings.ptr, settings.len, 0);
    struct buf buf;
    buf_init(&buf, CHANNEL_SETTINGS_BYTES_MAX);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const char *text = yyjson_get_str(yyjson_obj_get(yyjson_doc_get_root(doc), names[i]));
        if (!buf_printf(&buf, "\n%s", text != NULL ? text : "")) break;
    }
    struct bytes address = arena_copy(arena, buf_bytes(&buf));
    buf_deinit(&buf);
    yyjson_doc_free(doc);
    return address;
}

static struct bytes about(struct arena *arena, const struct channel *channel)
{
    char project[UUID_TEXT_BYTES + 1];
    struct bytes address = address_of(arena, channel->settings);
    uuid_to_text(channel->project_id, project);
    return bytes_of_text(arena_printf(arena, "%s %" PRId64 " %d%.*s", project, channel->id, (int)channel->kind,
                                      (int)address.len, (const char *)address.ptr));
}

static bool seal_write(struct db_session *session, const struct channel_seal *seal, struct channel *channel,
                       struct bytes secrets, struct err *err)
{
    struct arena arena = { 0 };
    uint8_t sealed[CHANNEL_SECRETS_BYTES_MAX + SEAL_MORE_BYTES];
    size_t len = 0;
    if (secrets.len > CHANNEL_SECRETS_BYTES_MAX) return err_set(err, ERR_TOO_LARGE, "the secrets are too long");
    if (secrets.len > 0) {
        seal_close(seal->key, about(&arena, channel), secrets, sealed);
        len = secrets.len + SEAL_MORE_BYTES;
    }
    arena_deinit(&arena);
    channel->sealed = len > 0 ? BYTES("?") : BYTES("");
    return db_run(session, "UPDATE channels SET sealed = $2 WHERE id = $1",
                  DB_VALUES(db_integer(channel->id), db_bytes(bytes_from(sealed, len))), NULL, NULL, NULL, err);
}

bool channel_open_secrets(const struct channel_seal *seal, const struct channel *channel,
                          uint8_t secrets[CHANNEL_SECRETS_BYTES_MAX], size_t *len, struct err *err)
{
    struct arena arena = { 0 };
    *len = 0;
    if (channel->sealed.len == 0) return true;
    if (channel->sealed.len > CHANNEL_SECRETS_BYTES_MAX)
        return err_set(err, ERR_CORRUPT, "the secrets of the channel are too long");
    bool ok = seal_open(seal->key, about(&arena, channel), channel->sealed, secrets, len, err);
    arena_deinit(&arena);
    return ok || err_within(err, "the secrets of channel \"%.*s\" (was the seal's secret changed? give them anew)",
                            (int)channel->name.len, (const char *)channel->name.ptr);
}

/* ---- rows ---- */

bool channel_insert(struct db_session *session, const struct channel_seal *seal, struct channel *channel,
                    struct bytes secrets, struct err *err)
{
    int64_t count = 0;
    if (!db_run(session, "SELECT count(*) FROM channels WHERE project_id = $1", DB_VALUES(db_uuid(channel->project_id)),
                db_take_integer, &count, NULL, err))
        return false;
    if (count >= CHANNELS_MAX) return err_set(err, ERR_TOO_LARGE, "a project has at most %d channels", CHANNELS_MAX);
    channel->created_unix_us = channel->changed_unix_us = clock_unix_us();
    if (!db_run(session,
                "INSERT INTO channels(project_id, kind, name, is_on, settings, sealed, routes, author, "
                "created_unix_us, changed_unix_us, failed_unix_us, failed_why, sent_unix_us) VALUES($1, $2, $3, $4, "
                "$5, $6, $7, $8, $9, $9, 0, '', 0) RETURNING id",
                DB_VALUES(db_uuid(channel->project_id), db_integer(channel->kind), db_text_bytes(channel->name),
                          db_boolean(channel->is_on), db_text_bytes(channel->settings), db_bytes(bytes_from("", 0)),
                          db_text_bytes(channel->routes), db_text_bytes(channel->author),
                          db_integer(channel->created_unix_us)),
                db_take_integer, &channel->id, NULL, err))
        return err->code == ERR_EXISTS ? err_set(err, ERR_EXISTS, "the project has a channel of that name") : false;
    return seal_write(session, seal, channel, secrets, err);
}

bool channel_is_moved(const struct channel *before, const struct channel *channel)
{
    struct arena arena = { 0 };
    bool is_moved = !bytes_equal(address_of(&arena, before->settings), address_of(&arena, channel->settings));
    arena_deinit(&arena);
    return is_moved;
}

bool channel_update(struct db_session *session, const struct channel_seal *seal, const struct channel *before,
                    struct channel *channel, struct bytes secrets, struct err *err)
{
    bool is_moved = channel_is_moved(before, channel);
    channel->changed_unix_us = clock_unix_us();
    if (!db_run(session,
                "UPDATE channels SET name = $2, is_on = $3, settings = $4, routes = $5, changed_unix_us = $6, "
                "failed_unix_us = 0, failed_why = '' WHERE id = $1",
                DB_VALUES(db_integer(channel->id), db_text_bytes(channel->name), db_boolean(channel->is_on),
                          db_text_bytes(channel->settings), db_text_bytes(channel->routes),
                          db_integer(channel->changed_unix_us)),
                NULL, NULL, NULL, err))
        return err->code == ERR_EXISTS ? err_set(err, ERR_EXISTS, "the project has a channel of that name") : false;
    channel->failed_unix_us = 0;
    channel->failed_why = BYTES("");
    if (secrets.len > 0) return seal_write(session, seal, channel, secrets, err);
    return !is_moved || seal_write(session, seal, channel, BYTES(""), err);
}

struct one {
    struct arena *arena;
    struct channel *channel;
    bool is_there;
};
static bool one_row(void *ctx, struct db_row *row, struct err *err)
{
    struct one *one = ctx;
    (void)err;
    take(one->arena, row, one->channel);
    one->is_there = true;
    return true;
}

bool channel_find(struct db_session *session, struct arena *arena, struct uuid project_id, int64_t id,
                  struct channel *channel, struct err *err)
{
    struct one one = { arena, channel, false };
    const char *sql = arena_printf(arena, "SELECT %s FROM channels WHERE id = $1 AND project_id = $2", columns);
    if (!db_run(session, sql, DB_VALUES(db_integer(id), db_uuid(project_id)), one_row, &one, NULL, err)) return false;
    return one.is_there || err_set(err, ERR_NOT_FOUND, "the project has no such channel");
}

bool channel_delete(struct db_session *session, struct uuid project_id, int64_t id, struct err *err)
{
    int64_t changed = 0;
    return db_run(session, "DELETE FROM channels WHERE id = $1 AND project_id = $2",
                  DB_VALUES(db_integer(id), db_uuid(project_id)), NULL, NULL, &changed, err) &&
           (changed == 1 || err_set(err, ERR_NOT_FOUND, "the project has no such channel"));
}

struct listing {
    struct arena *arena;
    bool (*each)(void *ctx, const struct channel *channel);
    void *ctx;
    bool is_done;
};
static bool list_row(void *ctx, struct db_row *row, struct err *err)
{
    struct listing *listing = ctx;
    struct channel channel;
    (void)err;
    if (listing->is_done) return true;
    take(listing->arena, row, &channel);
    listing->is_done = !row->is_bad && !listing->each(listing->ctx, &channel);
    return true;
}

bool channel_list(struct db *db, struct arena *arena, struct uuid project_id, int64_t after, uint32_t limit,
                  bool (*each)(void *ctx, const struct channel *channel), void *ctx, struct err *err)
{
    struct listing listing = { arena, each, ctx, false };
    const char *sql =
        arena_printf(arena, "SELECT %s FROM channels WHERE project_id = $1 AND id > $2 ORDER BY id LIMIT $3", columns);
    return db_read(db, sql, DB_VALUES(db_uuid(project_id), db_integer(after), db_integer(limit)), list_row, &listing,
                   err);
}

/* ---- for people ---- */

static struct bytes host_of(struct arena *arena, const char *url)
{
    const char *host = url != NULL ? strstr(url, "://") : NULL;
    host = host != NULL ? host + 3 : "";
    return arena_copy(arena, bytes_from(host, strcspn(host, "/?")));
}

struct bytes channel_place(struct arena *arena, const struct channel *channel)
{
    yyjson_doc *doc = yyjson_read((const char *)channel->settings.ptr, channel->settings.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc), *to = yyjson_obj_get(root, "to");
    const char *first = yyjson_get_str(yyjson_arr_get_first(to));
    const char *url = yyjson_get_str(yyjson_obj_get(root, "url"));
    const char *room = yyjson_get_str(yyjson_obj_get(root, "channel"));
    struct bytes place = BYTES("");
    if (channel->kind == CHANNEL_EMAIL && first != NULL && yyjson_arr_size(to) > 1)
        place = bytes_of_text(arena_printf(arena, "%s and %zu more", first, yyjson_arr_size(to) - 1));
    else if (channel->kind == CHANNEL_EMAIL && first != NULL)
        place = arena_copy(arena, bytes_of_text(first));
    else if (channel->kind == CHANNEL_SLACK_TOKEN && room != NULL)
        place = arena_copy(arena, bytes_of_text(room));
    else if (channel->kind == CHANNEL_WEBHOOK)
        place = host_of(arena, url);
    yyjson_doc_free(doc);
    return place;
}
