#include "app/key.h"

#include <stdio.h>
#include <stdlib.h>

#include "app/beside.h"
#include "base/clock.h"
#include "base/rfc3339.h"
#include "meta/meta.h"

static int usage(void)
{
    fprintf(stderr, "usage: monoscope key create PROJECT NAME [--scopes ingest,query,admin] [--expires 90d] [--browser "
                    "ORIGIN,...]\n"
                    "       monoscope key list PROJECT\n"
                    "       monoscope key revoke KEY_ID\n"
                    "       --scopes: ingest,query when it is not said; --ingest-only: --scopes ingest; --expires: m, "
                    "h or d from now\n"
                    "       all with [--data FOLDER] [--database URL]\n");
    return 2;
}

static bool scopes_read(const char *text, uint32_t *scopes, struct err *err)
{
    struct bytes rest = bytes_of_text(text);
    *scopes = 0;
    while (rest.len > 0) {
        const uint8_t *comma = memchr(rest.ptr, ',', rest.len);
        size_t len = comma == NULL ? rest.len : (size_t)(comma - rest.ptr);
        enum meta_scope scope;
        if (!meta_scope_read(bytes_from(rest.ptr, len), &scope)) break;
        *scopes |= scope;
        size_t step = comma == NULL ? len : len + 1;
        rest = bytes_from(rest.ptr + step, rest.len - step);
    }
    return (rest.len == 0 && *scopes != 0) ||
           err_set(err, ERR_INPUT, "--scopes is \"%.40s\"; it must be of ingest, query and admin, with commas between",
                   text);
}

/* "90d" from now. */
static bool expires_read(const char *text, int64_t *unix_us, struct err *err)
{
    static const int64_t minute_us = INT64_C(60000000), minutes_max = INT64_C(100) * 366 * 24 * 60;
    char *end;
    long number = strtol(text, &end, 10);
    int64_t unit = strcmp(end, "m") == 0 ? 1 : strcmp(end, "h") == 0 ? 60 : strcmp(end, "d") == 0 ? 24 * 60 : 0;
    if (text[0] < '0' || text[0] > '9' || unit == 0 || number <= 0 || number > minutes_max / unit)
        return err_set(err, ERR_INPUT, "--expires is \"%.40s\"; it must be a time from now such as 30m, 12h or 90d",
                       text);
    *unix_us = clock_unix_us() + number * unit * minute_us;
    return true;
}

/* What an option's value is: behind its =, or the next word. NULL: this is another option, or the value is missing. */
static const char *value_of(const char *name, int argc, char **argv, int *a)
{
    size_t len = strlen(name);
    if (strncmp(argv[*a], name, len) != 0) return NULL;
    if (argv[*a][len] == '=') return argv[*a] + len + 1;
    return argv[*a][len] == '\0' && *a + 1 < argc ? argv[++*a] : NULL;
}

/* Takes what limits a key out of argv; the rest are settings. */
static bool limits_take(int *argc, char **argv, struct meta_key_limits *limits, struct err *err)
{
    int kept = 0;
    for (int a = 0; a < *argc; a++) {
        const char *value;
        if (strcmp(argv[a], "--ingest-only") == 0) {
            limits->scopes = META_SCOPE_INGEST;
        } else if ((value = value_of("--browser", *argc, argv, &a)) != NULL) {
            limits->origins = value;
            if (value[0] == '\0') return err_set(err, ERR_INPUT, "--browser needs the origins of the pages");
        } else if ((value = value_of("--scopes", *argc, argv, &a)) != NULL) {
            if (!scopes_read(value, &limits->scopes, err)) return false;
        } else if ((value = value_of("--expires", *argc, argv, &a)) != NULL) {
            if (!expires_read(value, &limits->expires_unix_us, err)) return false;
        } else {
            argv[kept++] = argv[a];
        }
    }
    *argc = kept;
    return true;
}

static bool key_print(void *ctx, const struct meta_key *key)
{
    char id[UUID_TEXT_BYTES + 1], scopes[META_SCOPES_TEXT_BYTES], expires[RFC3339_BYTES] = "never expires";
    (void)ctx;
    uuid_to_text(key->id, id);
    meta_scopes_text(key->scopes, scopes);
    if (key->expires_unix_us != 0) rfc3339_write(key->expires_unix_us, expires);
    printf("%s  %-13s  %-18s  %-27s  %s%s%s%s\n", id, key->prefix[0] ? key->prefix : "mono_", scopes, expires,
           key->name, key->origins[0] ? "  browser key from " : "", key->origins,
           key->expires_unix_us != 0 && key->expires_unix_us <= clock_unix_us() ? "  (has expired)" : "");
    return true;
}

struct key_change {
    struct uuid project_id, key_id;
    const char *name;
    const struct meta_key_limits *limits;
    struct meta_key key;
    char secret[META_SECRET_BYTES], id[UUID_TEXT_BYTES + 1];
};
static bool create_run(struct db_session *session, void *ctx, struct err *err)
{
    struct key_change *change = ctx;
    if (!meta_key_insert(session, change->project_id, change->name, change->limits, &change->key, change->secret, err))
        return false;
    uuid_to_text(change->key.id, change->id);
    return true;
}
static bool revoke_run(struct db_session *session, void *ctx, struct err *err)
{
    struct key_change *change = ctx;
    return meta_key_end(session, NULL, change->key_id, err);
}

static bool key_revoke(struct meta *meta, struct uuid key_id, struct err *err)
{
    struct key_change change = { .key_id = key_id };
    struct audit_event event = { .action = "key.revoke", .object_kind = "key", .object = change.id };
    uuid_to_text(key_id, change.id);
    return beside_change(meta, revoke_run, &change, &event, err);
}

static bool key_create(struct meta *meta, const char *project_name, const char *name,
                       const struct meta_key_limits *limits, struct err *err)
{
    struct meta_project project;
    char text[RFC3339_BYTES], scopes[META_SCOPES_TEXT_BYTES];
    if (!meta_project_find(meta, bytes_of_text(project_name), &project, err)) return false;
    struct key_change change = { .project_id = project.id, .name = name, .limits = limits };
    struct audit_event event = {
        .action = "key.create", .object_kind = "key", .object = change.id, .project_id = &change.project_id
    };
    if (!beside_change(meta, create_run, &change, &event, err)) return false;
    const struct meta_key key = change.key;
    meta_scopes_text(key.scopes, scopes);
    printf("key id   %s\nAPI key  %s   (shown once)\nscopes   %s\n", change.id, change.secret, scopes);
    if (key.origins[0]) printf("for      sending from pages of %s\n", key.origins);
    if (key.expires_unix_us != 0) {
        rfc3339_write(key.expires_unix_us, text);
        printf("expires  %s\n", text);
    }
    explicit_bzero(change.secret, sizeof change.secret);
    return true;
}

static bool key_list(struct meta *meta, const char *project_name, struct err *err)
{
    struct meta_project project;
    if (!meta_project_find(meta, bytes_of_text(project_name), &project, err)) return false;
    meta_key_list(meta, project.id, key_print, NULL);
    return true;
}

/* key create PROJECT NAME | key list PROJECT | key revoke KEY_ID */
int key_command(int argc, char **argv)
{
    struct meta_key_limits limits = { 0 };
    struct err err = { 0 };
    if (!limits_take(&argc, argv, &limits, &err)) return beside_fail(&err);
    const char *command = argc > 0 ? argv[0] : "";
    bool creates = strcmp(command, "create") == 0, lists = strcmp(command, "list") == 0;
    int used = creates ? 3 : 2;
    struct config config;
    struct log log = { .fd = 2, .level_min = LOG_WARN };
    struct meta *meta;
    struct uuid key_id = { 0 };
    if (argc < used || (!creates && !lists && strcmp(command, "revoke") != 0)) return usage();
    if (!creates && !lists && !uuid_from_text(bytes_of_text(argv[1]), &key_id)) {
        fprintf(stderr, "monoscope: \"%s\" is not a key's id (printed by `key create` and `key list`)\n", argv[1]);
        return 2;
    }
    if (!config_read(&config, argc - used, argv + used, &err) || !beside_meta_open(&meta, &config, &log, &err))
        return beside_fail(&err);
    bool ok = creates ? key_create(meta, argv[1], argv[2], &limits, &err)
              : lists ? key_list(meta, argv[1], &err)
                      : key_revoke(meta, key_id, &err);
    meta_close(meta);
    return ok ? 0 : beside_fail(&err);
}
