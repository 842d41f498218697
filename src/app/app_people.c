/* Users: who may sign in on the HTTP port and on the SQL port, and the first of them. */
#include "app/app_inside.h"
#include "meta/accounts.h"
#include "meta/audit.h"
#include "meta/meta.h"
#include "web/oidc/oidc.h"
#include <stdio.h>
#include <stdlib.h>

#define SECRET_BYTES 1024

static bool oidc_start(struct app *app, struct err *err)
{
    const struct config *config = &app->config;
    char secret[SECRET_BYTES], redirect_uri[1024];
    const char *url = config->public_url;
    if (config->oidc_issuer[0] == '\0') return true;
    if (url[0] == '\0')
        return err_set(err, ERR_INPUT,
                       "--oidc-issuer without --public-url (or MONOSCOPE_PUBLIC_URL): the identity "
                       "provider sends people back to it");
    size_t len = strlen(url);
    while (len > 0 && url[len - 1] == '/') len--;
    if ((size_t)snprintf(redirect_uri, sizeof redirect_uri, "%.*s/sign-in/oidc/callback", (int)len, url) >=
        sizeof redirect_uri)
        return err_set(err, ERR_INPUT, "--public-url is too long");
    if (!config_secret("--oidc-client-secret-file", config->oidc_client_secret_file, "MONOSCOPE_OIDC_CLIENT_SECRET",
                       secret, sizeof secret, err))
        return false;
    struct oidc_options options = {
        .issuer = config->oidc_issuer,
        .client_id = config->oidc_client_id,
        .client_secret = secret,
        .redirect_uri = redirect_uri,
        .scopes = config->oidc_scopes,
        .groups_claim = config->oidc_groups_claim,
        .ca_file = config->oidc_ca,
        .trusts_email = config->oidc_trust_email,
        .log = app->log,
    };
    bool ok = oidc_open(&app->oidc, &options, err);
    explicit_bzero(secret, sizeof secret);
    return ok;
}

bool app_people_start(struct app *app, struct err *err)
{
    const struct config *config = &app->config;
    struct accounts_options options = {
        .db = meta_db(app->meta), .meta = app->meta, .oidc_roles = config->oidc_roles, .log = app->log
    };
    if (config->public_url[0] && strncmp(config->public_url, "https://", 8) != 0 &&
        strncmp(config->public_url, "http://", 7) != 0)
        return err_set(err, ERR_INPUT, "--public-url is \"%.120s\"; it must be like https://mono.example.com",
                       config->public_url);
    if (!accounts_open(&app->accounts, &options, err) || !oidc_start(app, err) ||
        !accounts_begin(app->accounts, config->admin_email, app->address.admin_password, err))
        return false;
    snprintf(app->address.admin_email, sizeof app->address.admin_email, "%s", config->admin_email);
    return true;
}

/* -- the SQL port ------------------------------------------------------------------------------------------------ */

bool app_person_begin(void *ctx, struct bytes user, const char *address, struct scram_verifier *verifier,
                      struct err *err)
{
    struct app *app = ctx;
    return accounts_sql_begin(app->accounts, user, address, verifier, err);
}

bool app_person_end(void *ctx, struct bytes user, const char *address, bool is_right, struct bytes database,
                    struct pgwire_user *who, struct err *err)
{
    struct app *app = ctx;
    struct accounts_sql sql;
    if (!accounts_sql_end(app->accounts, user, address, is_right, database, &sql, err)) return false;
    who->user_id = sql.user_id;
    who->project_id = sql.project_id;
    snprintf(who->name, sizeof who->name, "%.*s", (int)user.len, (const char *)user.ptr);
    if (!sql.can_write) strcpy(who->read_only_why, "your role in this project is viewer");
    return true;
}

bool app_sql_changes(void *ctx, const struct pgwire_user *who, const char *address, const char *statement,
                     struct err *err)
{
    struct app *app = ctx;
    const struct uuid none = { 0 };
    struct actor actor = { .kind = uuid_equal(who->user_id, none) ? ACTOR_KEY : ACTOR_USER,
                           .user_id = who->user_id,
                           .key_id = who->key_id,
                           .project_id = who->project_id };
    snprintf(actor.name, sizeof actor.name, "%s", who->name);
    snprintf(actor.address, sizeof actor.address, "%s", address);
    struct audit_event event = {
        .action = "sql.change", .object_kind = "statement", .object = statement, .project_id = &who->project_id
    };
    return audit_write_alone(meta_db(app->meta), &actor, &event, err);
}

bool app_login_still(void *ctx, const struct pgwire_user *who, struct err *err)
{
    struct app *app = ctx;
    const struct uuid none = { 0 };
    struct err why = { 0 };
    if (!meta_check_current(app->meta, err)) return false;
    if (uuid_equal(who->user_id, none))
        return meta_key_is_good(app->meta, who->key_id) ||
               err_set(err, ERR_UNAUTHENTICATED, "this API key was revoked, or has expired");
    const struct accounts_sql sql = { who->user_id, who->project_id, who->read_only_why[0] == '\0' };
    if (accounts_sql_still(app->accounts, &sql, &why)) return true;
    /* The database is away: who is in goes on, as API keys do; new ones have to wait. */
    if (why.code != ERR_UNAUTHENTICATED && why.code != ERR_FORBIDDEN && why.code != ERR_NOT_FOUND) return true;
    *err = why;
    return false;
}
