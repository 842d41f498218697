/* meta.h -- projects and keys, who sends and asks what, and how long their rows are kept.
 *
 *   change --> struct db (db.h: SQLite or PostgreSQL) --meta_refresh--> [ maps in memory ] <-- look-ups
 *
 * A key is "mono_" + 8 characters, its prefix, by which people know it + "_" + 44 of base58 (256 bits); only its HMAC with a
 * secret of this installation (secret.h) is kept. Keys of before, "mono_" + 40 (232 bits) kept as SHA-256, go on working.
 * Lookups are answered from memory. A usual key sends and asks; scopes say less or more. A browser key sends only, and names
 * the pages it may be used from, for everyone can read it in the page's source. One that has expired is not found.
 * Changes come in two forms: with struct meta, in a transaction of their own and seen by the next look-up; with a session,
 * as part of the caller's transaction (with its entry in the audit log), who then calls meta_refresh.
 * Thread: any. Errors: ERR_EXISTS, ERR_NOT_FOUND, and those of db.h: ERR_BUSY while the database is away. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/log.h"
#include "base/uuid.h"
#include "meta/origin.h"
struct db;
struct db_session;
struct meta;
struct meta_project {
    struct uuid id;
    char name[64]; /* [a-z0-9][a-z0-9_-]{0,62}, unique */
};
/* What a key may do; a set of them. */
enum meta_scope {
    META_SCOPE_INGEST = 1, /* send */
    META_SCOPE_QUERY = 2,  /* ask: SQL, search, and what the API lets a viewer read */
    META_SCOPE_ADMIN = 4,  /* change what belongs to the project: keys, limits, redaction, retention, members */
};
#define META_SCOPES_ALL   7u
#define META_PREFIX_BYTES 16
struct meta_key {
    struct uuid id;
    struct uuid project_id;
    char name[64];
    char prefix[META_PREFIX_BYTES]; /* "mono_4Fg8Kp2Q": how the key begins, for lists; empty for keys of before */
    uint32_t scopes;                /* of enum meta_scope; never 0 */
    int64_t created_unix_us;
    int64_t expires_unix_us;     /* 0: never */
    char origins[ORIGINS_BYTES]; /* origin.h; empty: not a browser key */
};
struct meta_key_limits {
    uint32_t scopes; /* 0: ingest and query */
    const char
        *origins; /* as origins_read takes them; empty or NULL: not a browser key. Else its scope is ingest alone */
    int64_t expires_unix_us; /* 0: never */
};
#define META_SECRET_BYTES 64
/* database: a URL or a path, as db_open takes it. */
MUST_CHECK bool meta_open(struct meta **meta, const char *database, const struct log *log, struct err *err);
void meta_close(struct meta *meta);
struct db *meta_db(struct meta *meta);
#define META_CLUSTER_KEY_BYTES 65
/* What processes that share this metadata know one another by, where no --cluster-key was set. */
void meta_cluster_key(const struct meta *meta, char key[META_CLUSTER_KEY_BYTES]);
/* Takes in what another process, or a session, has changed; cheap when nothing: one query. Off the event loops: it waits for
 * the database. On false all stays as it was. */
MUST_CHECK bool meta_refresh(struct meta *meta, struct err *err);
/* A thread of its own does that four times a second, until meta_close. What is in memory may be used for grace_ms after the
 * database was last asked (0: for ever). */
MUST_CHECK bool meta_follow(struct meta *meta, uint64_t grace_ms, struct err *err);
/* False: the database has been away for longer than that, and keys may have been revoked that memory still knows. Whoever
 * lets somebody in by a key asks this too, and answers ERR_BUSY. */
bool meta_is_current(const struct meta *meta);
/* The same with that answer. */
MUST_CHECK bool meta_check_current(const struct meta *meta, struct err *err);
MUST_CHECK bool meta_project_create(struct meta *meta, const char *name, struct meta_project *project, struct err *err);
/* With a first key in the same transaction. keep is told its secret before that ends, so that a project is not made whose
 * key nobody has; it may be called again with another. */
struct meta_first_key {
    const char *name;
    bool (*keep)(void *ctx, const char *secret, struct err *err);
    void *ctx;
};
MUST_CHECK bool meta_project_create_keyed(struct meta *meta, const char *name, const struct meta_first_key *first_key,
                                          struct meta_project *project, struct err *err);
MUST_CHECK bool meta_project_insert(struct db_session *session, const char *name, struct meta_project *project,
                                    struct err *err);
MUST_CHECK bool meta_project_rename(struct db_session *session, struct uuid id, const char *name, struct err *err);
/* It is not found any more and its keys open nothing; its name stays taken and its rows stay where they are. */
MUST_CHECK bool meta_project_archive(struct db_session *session, struct uuid id, struct err *err);
MUST_CHECK bool meta_project_find(struct meta *meta, struct bytes name_or_id, struct meta_project *project,
                                  struct err *err);
MUST_CHECK bool meta_project_list(struct meta *meta, bool (*each)(void *ctx, const struct meta_project *project),
                                  void *ctx, struct err *err);
/* secret: the key itself, to be shown once. */
MUST_CHECK bool meta_key_create(struct meta *meta, struct uuid project_id, const char *name, struct meta_key *key,
                                char secret[META_SECRET_BYTES], struct err *err);
MUST_CHECK bool meta_key_create_limited(struct meta *meta, struct uuid project_id, const char *name,
                                        const struct meta_key_limits *limits, struct meta_key *key,
                                        char secret[META_SECRET_BYTES], struct err *err);
MUST_CHECK bool meta_key_insert(struct db_session *session, struct uuid project_id, const char *name,
                                const struct meta_key_limits *limits, struct meta_key *key,
                                char secret[META_SECRET_BYTES], struct err *err);
/* The project's keys that are not revoked, oldest first. */
void meta_key_list(struct meta *meta, struct uuid project_id, bool (*each)(void *ctx, const struct meta_key *key),
                   void *ctx);
/* A page of them from the database, with when they were last used (0: never seen); after: created_unix_us and id of the last
 * one of the page before, NULL: from the first. each answers false to stop. */
struct meta_key_info {
    struct meta_key key;
    int64_t used_unix_us;
};
MUST_CHECK bool meta_key_page(struct db *db, struct uuid project_id, const struct meta_key *after, uint32_t count_max,
                              bool (*each)(void *ctx, const struct meta_key_info *info), void *ctx, struct err *err);
/* One of them; ERR_NOT_FOUND when it is revoked, or another project's. */
MUST_CHECK bool meta_key_get(struct db *db, struct uuid project_id, struct uuid key_id, struct meta_key_info *info,
                             struct err *err);
MUST_CHECK bool meta_key_revoke(struct meta *meta, struct uuid key_id, struct err *err);
/* The same, in a session. project_id: it must be that one's, and not revoked yet (ERR_NOT_FOUND); NULL: any. */
MUST_CHECK bool meta_key_end(struct db_session *session, const struct uuid *project_id, struct uuid key_id,
                             struct err *err);
/* Memory only; false when unknown, revoked or expired. Time does not depend on how much of the key is right. */
bool meta_key_find(struct meta *meta, struct bytes secret, struct meta_key *key);
/* One that opens nothing any more, revoked or expired: whom to tell that it is still used. Memory only. */
bool meta_key_find_ended(struct meta *meta, struct bytes secret, struct meta_key *key);
/* Signing in to the SQL port by SCRAM-SHA-256 (password/scram.h), where a key does not travel. All keys of a project have one
 * salt, made of the project's id, for a client hears of the salt before it says which key it has; each has its own verifier,
 * made when the key is, for only then its secret is known. Few rounds do: nobody guesses 256 bits. Memory only. */
#define META_KEY_ROUNDS 4096
/* project: name or id. One that is not there has a salt as well, the same each time. False: a key of it that may ask is from
 * before there were verifiers (or there is none that may), so it must come as it is. */
bool meta_key_salt(struct meta *meta, struct bytes project, uint8_t salt[16]);
/* The good key of the project whose verifier the proof is for, by is_right; server_key is that one's. */
bool meta_key_find_proved(struct meta *meta, struct bytes project,
                          bool (*is_right)(const void *ctx, const uint8_t stored_key[32]), const void *ctx,
                          struct meta_key *key, uint8_t server_key[32]);
/* Is a key that was found before still good? For connections that last. Memory only. */
bool meta_key_is_good(struct meta *meta, struct uuid key_id);
/* Writes when keys were last used, each at most once a minute. To be called now and then, off the event loops. */
MUST_CHECK bool meta_key_uses_save(struct meta *meta, struct err *err);
/* "ingest", "query", "admin"; false: there is none of that name. */
bool meta_scope_read(struct bytes name, enum meta_scope *scope);
const char *meta_scope_name(enum meta_scope scope);
/* "ingest,query" of a set of scopes. */
#define META_SCOPES_TEXT_BYTES 32
void meta_scopes_text(uint32_t scopes, char text[META_SCOPES_TEXT_BYTES]);
/* May this page use any browser key at all? For a preflight request, which carries no key. Memory only. */
bool meta_origin_is_known(struct meta *meta, struct bytes origin);

/* How long a project's table keeps its rows, where that was said; else the server's own setting counts. */
#define META_DAYS_MAX 36500
struct meta_retention {
    struct uuid project_id;
    char table[64];
    uint32_t days; /* 0: for ever, whatever the server's setting */
};
/* table: its name; that there is one is the caller's to know. days at most META_DAYS_MAX. */
MUST_CHECK bool meta_retention_set(struct meta *meta, struct uuid project_id, const char *table, uint32_t days,
                                   struct err *err);
MUST_CHECK bool meta_retention_clear(struct meta *meta, struct uuid project_id, const char *table, struct err *err);
MUST_CHECK bool meta_retention_put(struct db_session *session, const struct meta_retention *retention, struct err *err);
MUST_CHECK bool meta_retention_remove(struct db_session *session, struct uuid project_id, const char *table,
                                      struct err *err);
/* Memory only; false: nothing was said. */
bool meta_retention_find(struct meta *meta, struct uuid project_id, const char *table, uint32_t *days);
void meta_retention_list(struct meta *meta, bool (*each)(void *ctx, const struct meta_retention *retention), void *ctx);
