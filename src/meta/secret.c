#include "meta/secret.h"

#include <sys/random.h>

#include "base/clock.h"
#include "meta/db.h"

struct taking {
    const char *name;
    uint8_t *secret;
    bool is_found;
};

static bool secret_read(void *ctx, struct db_row *row, struct err *err)
{
    struct taking *taking = ctx;
    struct bytes value = db_row_bytes(row, 0);
    if (value.len != SECRET_BYTES) return err_set(err, ERR_CORRUPT, "secret \"%s\" has a wrong length", taking->name);
    memcpy(taking->secret, value.ptr, SECRET_BYTES);
    taking->is_found = true;
    return true;
}

bool secret_take(struct db_session *session, const char *name, uint8_t secret[SECRET_BYTES], struct err *err)
{
    static const char select[] = "SELECT value FROM secrets WHERE name = $1";
    struct taking taking = { .name = name, .secret = secret };
    if (!db_run(session, select, DB_VALUES(db_text(name)), secret_read, &taking, NULL, err)) return false;
    if (taking.is_found) return true;
    uint8_t made[SECRET_BYTES];
    if (getrandom(made, sizeof made, 0) != sizeof made) return err_os(err, "could not get random bytes");
    /* Another process may be doing the same: the first one's stays, and is read. */
    return db_run(session,
                  "INSERT INTO secrets(name, value, created_unix_us) VALUES($1, $2, $3) ON CONFLICT(name) DO NOTHING",
                  DB_VALUES(db_text(name), db_bytes(bytes_from(made, sizeof made)), db_integer(clock_unix_us())), NULL,
                  NULL, NULL, err) &&
           db_run(session, select, DB_VALUES(db_text(name)), secret_read, &taking, NULL, err) &&
           (taking.is_found || err_set(err, ERR_CORRUPT, "secret \"%s\" could not be kept", name));
}

static bool take_run(struct db_session *session, void *ctx, struct err *err)
{
    struct taking *taking = ctx;
    return secret_take(session, taking->name, taking->secret, err);
}

bool secret_find(struct db *db, const char *name, uint8_t secret[SECRET_BYTES], struct err *err)
{
    struct taking taking = { .name = name, .secret = secret };
    if (!db_read(db, "SELECT value FROM secrets WHERE name = $1", DB_VALUES(db_text(name)), secret_read, &taking, err))
        return false;
    return taking.is_found || db_transaction(db, take_run, &taking, err);
}
