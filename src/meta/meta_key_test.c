/* threads: none */
/* Keys: scopes, the end of their time, when they were used, keys of before, and what is kept of a secret. On both databases. */
#include "base/clock.h"
#include "base/sha256.h"
#include "meta/db_fixture.h"
#include "meta/db_rows.h"
#include "meta/meta.h"
#include "meta/password/scram.h"
#include "meta/secret.h"

struct fixture {
    struct db_fixture *base;
    struct meta *meta;
    struct meta_project project;
};

static void reopen(struct fixture *fixture)
{
    struct err err = { 0 };
    meta_close(fixture->meta);
    if (!meta_open(&fixture->meta, fixture->base->url, &db_fixture_log, &err)) fail_msg("%s", err.text);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct err err = { 0 };
    fixture->base = db_fixture_setup(state);
    reopen(fixture);
    if (!meta_project_create(fixture->meta, "shop", &fixture->project, &err)) fail_msg("%s", err.text);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    meta_close(fixture->meta);
    db_fixture_teardown(fixture->base);
    free(fixture);
    return 0;
}

static struct meta_key key_make(struct fixture *fixture, const struct meta_key_limits *limits,
                                char secret[META_SECRET_BYTES])
{
    struct meta_key key;
    struct err err = { 0 };
    if (!meta_key_create_limited(fixture->meta, fixture->project.id, "k", limits, &key, secret, &err))
        fail_msg("%s", err.text);
    return key;
}

static bool hash_read(void *ctx, struct db_row *row, struct err *err)
{
    (void)err;
    struct bytes hash = db_row_bytes(row, 0);
    assert_int_equal(hash.len, SHA256_BYTES);
    memcpy(ctx, hash.ptr, SHA256_BYTES);
    return true;
}

/* Goal: scopes are kept, and those that cannot be are refused. */
static void test_scopes(void **state)
{
    struct fixture *fixture = *state;
    char secret[META_SECRET_BYTES], text[META_SCOPES_TEXT_BYTES];
    struct meta_key found;
    struct err err = { 0 };
    for (uint32_t scopes = 1; scopes <= META_SCOPES_ALL; scopes++) {
        (void)key_make(fixture, &(struct meta_key_limits){ .scopes = scopes }, secret);
        reopen(fixture);
        assert_true(meta_key_find(fixture->meta, bytes_of_text(secret), &found));
        assert_int_equal(found.scopes, scopes);
    }
    meta_scopes_text(META_SCOPES_ALL, text);
    assert_string_equal(text, "ingest,query,admin");
    struct meta_key_limits bad[] = { { .scopes = 8 },
                                     { .scopes = META_SCOPE_QUERY, .origins = "https://a.example" },
                                     { .expires_unix_us = 1 } };
    for (size_t b = 0; b < COUNT_OF(bad); b++) {
        assert_false(meta_key_create_limited(fixture->meta, fixture->project.id, "k", &bad[b], &found, secret, &err));
        assert_int_equal(err.code, ERR_INPUT);
        assert_string_equal(secret, "");
    }
}

/* Goal: a key ends by itself at its time. */
static void test_expiry(void **state)
{
    struct fixture *fixture = *state;
    char secret[META_SECRET_BYTES];
    struct meta_key found;
    int64_t end_us = clock_unix_us() + 300000;
    struct meta_key key = key_make(fixture, &(struct meta_key_limits){ .expires_unix_us = end_us }, secret);
    if (meta_key_find(fixture->meta, bytes_of_text(secret), &found)) { /* else this machine is very slow */
        assert_int_equal(found.expires_unix_us, end_us);
    }
    while (clock_unix_us() <= end_us) clock_sleep_ms(10);
    assert_false(meta_key_find(fixture->meta, bytes_of_text(secret), &found));
    assert_false(meta_key_is_good(fixture->meta, key.id));
}

static bool is_kept(const void *ctx, const uint8_t stored_key[32])
{
    return memcmp(ctx, stored_key, 32) == 0;
}

/* Goal: all keys of a project have its salt and each a verifier of its own, made of its secret, which finds that key alone; one
 * that was revoked is not found; a key of before makes the project ask for keys as they are; who is not there has a salt. */
static void test_proofs(void **state)
{
    struct fixture *fixture = *state;
    char secrets[2][META_SECRET_BYTES];
    struct meta_key keys[2], found;
    struct scram_verifier verifiers[2];
    uint8_t salt[SCRAM_SALT_BYTES], again[SCRAM_SALT_BYTES], server_key[32];
    struct err err = { 0 };
    struct bytes name = bytes_of_text(fixture->project.name);
    for (int k = 0; k < 2; k++) keys[k] = key_make(fixture, &(struct meta_key_limits){ 0 }, secrets[k]);
    reopen(fixture);
    assert_true(meta_key_salt(fixture->meta, name, salt));
    for (int k = 0; k < 2; k++) {
        scram_verifier_make(bytes_of_text(secrets[k]), META_KEY_ROUNDS, salt, &verifiers[k]);
        assert_true(meta_key_find_proved(fixture->meta, name, is_kept, verifiers[k].stored_key, &found, server_key));
        assert_true(uuid_equal(found.id, keys[k].id));
        assert_memory_equal(server_key, verifiers[k].server_key, 32);
    }
    assert_memory_not_equal(verifiers[0].stored_key, verifiers[1].stored_key, 32);
    assert_false(
        meta_key_find_proved(fixture->meta, BYTES("nobody"), is_kept, verifiers[0].stored_key, &found, server_key));
    assert_true(meta_key_revoke(fixture->meta, keys[0].id, &err));
    assert_false(meta_key_find_proved(fixture->meta, name, is_kept, verifiers[0].stored_key, &found, server_key));
    assert_true(meta_key_salt(fixture->meta, BYTES("nobody"), salt) &&
                meta_key_salt(fixture->meta, BYTES("nobody"), again));
    assert_memory_equal(salt, again, sizeof salt);
    db_fixture_run(meta_db(fixture->meta), "UPDATE keys SET scram = NULL");
    reopen(fixture);
    assert_false(meta_key_salt(fixture->meta, name, salt));
    assert_true(meta_key_find(fixture->meta, bytes_of_text(secrets[1]), &found));
}

/* Goal: what is kept of a secret is its HMAC and nothing that can be made without the installation's secret; a key of
 * before, kept as SHA-256, goes on working; the one's hash is never the other's key. */
static void test_hashes(void **state)
{
    struct fixture *fixture = *state;
    char secret[META_SECRET_BYTES];
    const struct bytes before = BYTES("mono_1111111111111111111111111111111111111111");
    uint8_t kept[SHA256_BYTES], wanted[SHA256_BYTES], key_secret[SECRET_BYTES];
    struct meta_key key = key_make(fixture, &(struct meta_key_limits){ 0 }, secret), found;
    struct db *db = meta_db(fixture->meta);
    struct err err = { 0 };
    assert_true(
        db_read(db, "SELECT secret_hash FROM keys WHERE id = $1", DB_VALUES(db_uuid(key.id)), hash_read, kept, &err));
    assert_true(secret_find(db, "keys", key_secret, &err));
    hmac_sha256(bytes_from(key_secret, sizeof key_secret), bytes_of_text(secret), wanted);
    assert_memory_equal(kept, wanted, SHA256_BYTES);
    sha256_of(bytes_of_text(secret), wanted);
    assert_memory_not_equal(kept, wanted, SHA256_BYTES);

    assert_false(meta_key_find(fixture->meta, before, &found));
    sha256_of(before, wanted);
    char sql[400], hex[SHA256_HEX_BYTES], id[UUID_TEXT_BYTES + 1], project[UUID_TEXT_BYTES + 1];
    sha256_to_hex(wanted, hex);
    uuid_to_text(uuid_random(), id);
    uuid_to_text(fixture->project.id, project);
    snprintf(
        sql, sizeof sql,
        "INSERT INTO keys(id, project_id, name, secret_hash, created_unix_ms) VALUES('%s', '%s', 'before', %s%s', 1)",
        id, project, fixture->base->kind == DB_SQLITE ? "x'" : "'\\x", hex);
    (void)db_fixture_run(db, sql);
    reopen(fixture);
    assert_true(meta_key_find(fixture->meta, before, &found));
    assert_int_equal(found.scopes, META_SCOPE_INGEST | META_SCOPE_QUERY);
    assert_string_equal(found.prefix, "");
}

/* Goal: the time of the last use is written once a minute at most, and not by the look-up. */
static void test_uses(void **state)
{
    struct fixture *fixture = *state;
    char secret[META_SECRET_BYTES];
    struct meta_key key = key_make(fixture, &(struct meta_key_limits){ 0 }, secret), found;
    struct db *db = meta_db(fixture->meta);
    struct err err = { 0 };
    int64_t used_us = 0, again_us = 0, begin_us = clock_unix_us();
    const char *sql = "SELECT used_unix_us FROM key_uses WHERE key_id = $1";
    assert_true(meta_key_uses_save(fixture->meta, &err));
    assert_true(db_read(db, sql, DB_VALUES(db_uuid(key.id)), db_take_integer, &used_us, &err));
    assert_int_equal(used_us, 0);
    for (int round = 0; round < 3; round++) {
        assert_true(meta_key_find(fixture->meta, bytes_of_text(secret), &found));
        assert_true(meta_key_uses_save(fixture->meta, &err));
        assert_true(db_read(db, sql, DB_VALUES(db_uuid(key.id)), db_take_integer, &again_us, &err));
        if (round == 0) used_us = again_us;
        assert_true(again_us >= begin_us && again_us == used_us);
    }
}

/* Goal: two processes that ask for a secret first, both get one, the same. */
static void test_secret(void **state)
{
    struct fixture *fixture = *state;
    struct meta *other;
    struct err err = { 0 };
    uint8_t a[SECRET_BYTES], b[SECRET_BYTES], c[SECRET_BYTES];
    assert_true(meta_open(&other, fixture->base->url, &db_fixture_log, &err));
    assert_true(secret_find(meta_db(fixture->meta), "a", a, &err));
    assert_true(secret_find(meta_db(other), "a", b, &err));
    assert_true(secret_find(meta_db(other), "c", c, &err));
    assert_memory_equal(a, b, SECRET_BYTES);
    assert_memory_not_equal(a, c, SECRET_BYTES);
    meta_close(other);
}

int main(void)
{
#define WITH_META(test) DB_BOTH(test, setup, teardown)
    const struct CMUnitTest tests[] = { WITH_META(test_scopes), WITH_META(test_expiry), WITH_META(test_hashes),
                                        WITH_META(test_uses),   WITH_META(test_proofs), WITH_META(test_secret) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
