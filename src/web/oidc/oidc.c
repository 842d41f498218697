#include "web/oidc/oidc.h"
#include "base/base64.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/sha256.h"
#include "net/http_client.h"
#include "web/oidc/id_token.h"
#include <pthread.h>
#include <stdlib.h>

enum { ANSWER_BYTES_MAX = 512 << 10, RANDOM_BYTES = 32, RANDOM_TEXT = 43, CONNECT_MS = 5000, TOTAL_MS = 10000 };
#define SECOND_NS      1000000000ull
#define KEPT_NS        (3600 * SECOND_NS)
#define KEYS_AGAIN_NS  SECOND_NS
#define DISCOVERY_PATH "/.well-known/openid-configuration"

struct oidc {
    struct oidc_options options;
    char *issuer, *client_id, *client_secret, *redirect_uri, *scopes, *groups_claim;
    bool is_local; /* an issuer by http on this machine */
    struct http_client *client;
    pthread_mutex_t lock; /* guards what follows; held while it is fetched */
    yyjson_doc *description, *keys;
    uint64_t description_mono_ns, keys_mono_ns; /* when they were fetched */
};

/* -- where requests go ------------------------------------------------------------------------------------------- */

static bool begins_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_local_url(const char *url)
{
    static const char *const hosts[] = { "http://127.0.0.1", "http://localhost", "http://[::1]" };
    for (size_t h = 0; h < COUNT_OF(hosts); h++) {
        char after = begins_with(url, hosts[h]) ? url[strlen(hosts[h])] : 'x';
        if (after == '\0' || after == ':' || after == '/') return true;
    }
    return false;
}

static bool url_check(const struct oidc *oidc, const char *url, const char *what, struct err *err)
{
    if (!http_client_url_check(url, err)) return err_within(err, "%s", what);
    if (begins_with(url, "https://") || (oidc->is_local && is_local_url(url))) return true;
    return err_set(err, ERR_INPUT, "%s \"%.120s\" is not https", what, url);
}

bool oidc_open(struct oidc **out, const struct oidc_options *options, struct err *err)
{
    struct oidc *oidc = mem_calloc(1, sizeof *oidc);
    *out = NULL;
    oidc->options = *options;
    oidc->is_local = is_local_url(options->issuer);
    bool ok = url_check(oidc, options->issuer, "--oidc-issuer", err);
    if (ok && options->client_id[0] == '\0')
        ok = err_set(err, ERR_INPUT, "--oidc-issuer without --oidc-client-id (or MONOSCOPE_OIDC_CLIENT_ID)");
    if (!ok) {
        free(oidc);
        return false;
    }
    oidc->issuer = mem_strdup(options->issuer);
    oidc->client_id = mem_strdup(options->client_id);
    oidc->client_secret = mem_strdup(options->client_secret);
    oidc->redirect_uri = mem_strdup(options->redirect_uri);
    oidc->scopes = mem_strdup(options->scopes);
    oidc->groups_claim = mem_strdup(options->groups_claim);
    oidc->client = http_client_create(&(struct http_client_options){ .exchanges_max = 4, .ca_file = options->ca_file });
    pthread_mutex_init(&oidc->lock, NULL);
    *out = oidc;
    return true;
}

void oidc_close(struct oidc *oidc)
{
    if (!oidc) return;
    http_client_destroy(oidc->client);
    pthread_mutex_destroy(&oidc->lock);
    yyjson_doc_free(oidc->description);
    yyjson_doc_free(oidc->keys);
    char *const texts[] = { oidc->issuer,       oidc->client_id, oidc->client_secret,
                            oidc->redirect_uri, oidc->scopes,    oidc->groups_claim };
    for (size_t t = 0; t < COUNT_OF(texts); t++) free(texts[t]);
    free(oidc);
}

const char *oidc_issuer(const struct oidc *oidc)
{
    return oidc->issuer;
}

/* -- talking to the provider ------------------------------------------------------------------------------------- */

/* What kind of failure an endpoint's JSON names: "invalid_grant". Never a description: it may hold what was sent. */
static void refusal_note(const struct http_exchange *exchange, const char *what, struct err *err)
{
    struct bytes body = buf_bytes(&exchange->body_answer);
    yyjson_doc *doc = yyjson_read((const char *)body.ptr, body.len, 0);
    yyjson_val *code = yyjson_obj_get(yyjson_doc_get_root(doc), "error");
    err_set(err, exchange->status >= 500 ? ERR_IO : ERR_INPUT, "the identity provider's %s answered %d%s%.40s", what,
            exchange->status, yyjson_is_str(code) ? ": " : "", yyjson_is_str(code) ? yyjson_get_str(code) : "");
    yyjson_doc_free(doc);
}

/* A JSON object; *doc to yyjson_doc_free. */
static bool ask(struct oidc *oidc, const char *what, struct http_exchange *exchange, yyjson_doc **doc, struct err *err)
{
    *doc = NULL;
    exchange->connect_ms_max = CONNECT_MS;
    exchange->total_ms_max = TOTAL_MS;
    exchange->answer_bytes_max = ANSWER_BYTES_MAX;
    http_client_run(oidc->client, exchange, 1);
    if (exchange->err.code != ERR_OK) {
        err_set(err, ERR_IO, "could not reach the identity provider's %s: %.120s", what, exchange->err.text);
    } else if (exchange->status != 200) {
        refusal_note(exchange, what, err);
    } else {
        struct bytes body = buf_bytes(&exchange->body_answer);
        *doc = yyjson_read((const char *)body.ptr, body.len, 0);
        if (!yyjson_is_obj(yyjson_doc_get_root(*doc))) {
            yyjson_doc_free(*doc);
            *doc = NULL;
            err_set(err, ERR_IO, "the identity provider's %s is no JSON object", what);
        }
    }
    http_exchange_deinit(exchange);
    return *doc != NULL;
}

static bool fetch(struct oidc *oidc, const char *url, const char *what, yyjson_doc **doc, struct err *err)
{
    const struct http_client_header headers[] = { { "Accept", "application/json" }, { NULL, NULL } };
    struct http_exchange exchange = { .method = "GET", .url = url, .headers = headers };
    *doc = NULL;
    return url_check(oidc, url, what, err) && ask(oidc, what, &exchange, doc, err);
}

static const char *endpoint(const struct oidc *oidc, const char *name)
{
    yyjson_val *value = yyjson_obj_get(yyjson_doc_get_root(oidc->description), name);
    return yyjson_is_str(value) ? yyjson_get_str(value) : "";
}

/* Under the lock. */
static bool description_need(struct oidc *oidc, struct err *err)
{
    char url[1024];
    yyjson_doc *doc;
    uint64_t now_ns = clock_mono_ns();
    if (oidc->description && now_ns - oidc->description_mono_ns < KEPT_NS) return true;
    size_t len = strlen(oidc->issuer);
    if (len > 0 && oidc->issuer[len - 1] == '/') len--;
    if ((size_t)snprintf(url, sizeof url, "%.*s" DISCOVERY_PATH, (int)len, oidc->issuer) >= sizeof url)
        return err_set(err, ERR_INPUT, "--oidc-issuer is too long");
    if (!fetch(oidc, url, "description", &doc, err)) return false;
    yyjson_val *issuer = yyjson_obj_get(yyjson_doc_get_root(doc), "issuer");
    if (!yyjson_equals_str(issuer, oidc->issuer)) {
        yyjson_doc_free(doc);
        return err_set(err, ERR_INPUT,
                       "the identity provider calls itself another issuer than --oidc-issuer \"%.120s\"", oidc->issuer);
    }
    yyjson_doc_free(oidc->description);
    oidc->description = doc;
    oidc->description_mono_ns = now_ns;
    return true;
}

/* Under the lock. again: a token named a key that is not among them. */
static bool keys_need(struct oidc *oidc, bool again, struct err *err)
{
    yyjson_doc *doc;
    uint64_t now_ns = clock_mono_ns();
    if (oidc->keys && now_ns - oidc->keys_mono_ns < (again ? KEYS_AGAIN_NS : KEPT_NS)) return true;
    if (!fetch(oidc, endpoint(oidc, "jwks_uri"), "key set", &doc, err)) return false;
    yyjson_doc_free(oidc->keys);
    oidc->keys = doc;
    oidc->keys_mono_ns = now_ns;
    return true;
}

/* -- texts ------------------------------------------------------------------------------------------------------- */

static void random_text(char text[RANDOM_TEXT + 1])
{
    uint8_t bytes[RANDOM_BYTES];
    random_fill(bytes, sizeof bytes);
    *base64_put((uint8_t *)text, bytes_from(bytes, sizeof bytes), false) = '\0';
    for (char *c = text; *c; c++) *c = (char)(*c == '+' ? '-' : *c == '/' ? '_' : *c);
}

static const char *base64url_of(struct arena *arena, struct bytes bytes)
{
    uint8_t *text = arena_alloc(arena, bytes.len / 3 * 4 + 8);
    *base64_put(text, bytes, false) = '\0';
    for (uint8_t *c = text; *c; c++) *c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
    return (const char *)text;
}

/* application/x-www-form-urlencoded; a blank is %20, which every reader takes. */
static const char *form_text(struct arena *arena, struct bytes text)
{
    static const char hex[] = "0123456789ABCDEF";
    char *out = arena_alloc(arena, 3 * text.len + 1), *at = out;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                        c == '.' || c == '_' || c == '~';
        if (is_plain) {
            *at++ = (char)c;
        } else {
            *at++ = '%';
            *at++ = hex[c >> 4];
            *at++ = hex[c & 15];
        }
    }
    *at = '\0';
    return out;
}

static const char *form(struct arena *arena, const char *text)
{
    return form_text(arena, bytes_of_text(text));
}

/* -- the flow ---------------------------------------------------------------------------------------------------- */

bool oidc_begin(struct oidc *oidc, struct arena *arena, struct bytes return_to, struct oidc_beginning *beginning,
                struct err *err)
{
    char state[RANDOM_TEXT + 1], nonce[RANDOM_TEXT + 1], verifier[RANDOM_TEXT + 1];
    uint8_t challenge[SHA256_BYTES];
    if (return_to.len > OIDC_RETURN_BYTES_MAX) return_to.len = 0;
    random_text(state);
    random_text(nonce);
    random_text(verifier);
    sha256_of(bytes_of_text(verifier), challenge);
    pthread_mutex_lock(&oidc->lock);
    const char *where =
        description_need(oidc, err) ? arena_printf(arena, "%s", endpoint(oidc, "authorization_endpoint")) : NULL;
    pthread_mutex_unlock(&oidc->lock);
    if (!where || !url_check(oidc, where, "authorization endpoint", err)) return false;
    beginning->url =
        arena_printf(arena,
                     "%s%cresponse_type=code&client_id=%s&redirect_uri=%s&scope=%s&state=%s&nonce=%s&code_challenge=%s"
                     "&code_challenge_method=S256",
                     where, strchr(where, '?') ? '&' : '?', form(arena, oidc->client_id),
                     form(arena, oidc->redirect_uri), form(arena, oidc->scopes), state, nonce,
                     base64url_of(arena, bytes_from(challenge, sizeof challenge)));
    int len = snprintf(beginning->cookie, sizeof beginning->cookie, "%s.%s.%s.%s", state, nonce, verifier,
                       base64url_of(arena, return_to));
    assert(len > 0 && (size_t)len < sizeof beginning->cookie);
    return true;
}

struct remembered {
    const char *state, *nonce, *verifier, *return_to;
};
static bool cookie_read(struct arena *arena, struct bytes cookie, struct remembered *remembered)
{
    const char **const texts[] = { &remembered->state, &remembered->nonce, &remembered->verifier };
    uint8_t *path;
    size_t path_len;
    if (cookie.len >= OIDC_COOKIE_BYTES || cookie.len < 3 * (RANDOM_TEXT + 1)) return false;
    for (size_t t = 0; t < COUNT_OF(texts); t++) {
        *texts[t] = arena_printf(arena, "%.*s", RANDOM_TEXT, (const char *)cookie.ptr);
        if (cookie.ptr[RANDOM_TEXT] != '.') return false;
        cookie = bytes_from(cookie.ptr + RANDOM_TEXT + 1, cookie.len - RANDOM_TEXT - 1);
    }
    path = arena_alloc(arena, cookie.len + 4);
    if (!base64_read(cookie, BASE64_URL, path, &path_len)) return false;
    path[path_len] = '\0';
    remembered->return_to = (const char *)path;
    return true;
}

/* By HTTP Basic, which every provider has to take; in the body where its description has that alone. */
static bool takes_basic(const struct oidc *oidc)
{
    yyjson_val *methods =
        yyjson_obj_get(yyjson_doc_get_root(oidc->description), "token_endpoint_auth_methods_supported");
    yyjson_val *method;
    size_t i, count;
    if (!yyjson_is_arr(methods)) return true;
    yyjson_arr_foreach(methods, i, count, method) if (yyjson_equals_str(method, "client_secret_basic")) return true;
    return false;
}

/* The code for an ID token. *doc holds it. */
static bool code_exchange(struct oidc *oidc, struct arena *arena, struct bytes code, const char *verifier,
                          yyjson_doc **doc, struct err *err)
{
    *doc = NULL;
    pthread_mutex_lock(&oidc->lock);
    bool ok = description_need(oidc, err), is_basic = ok && takes_basic(oidc);
    const char *url = ok ? arena_printf(arena, "%s", endpoint(oidc, "token_endpoint")) : "";
    pthread_mutex_unlock(&oidc->lock);
    if (!ok || !url_check(oidc, url, "token endpoint", err)) return false;
    const char *body = arena_printf(arena, "grant_type=authorization_code&code=%s&redirect_uri=%s&code_verifier=%s",
                                    form_text(arena, code), form(arena, oidc->redirect_uri), verifier);
    const char *id = form(arena, oidc->client_id), *secret = form(arena, oidc->client_secret);
    struct http_client_header headers[4] = { { "Accept", "application/json" },
                                             { "Content-Type", "application/x-www-form-urlencoded" } };
    if (oidc->client_secret[0] == '\0') {
        body = arena_printf(arena, "%s&client_id=%s", body, id);
    } else if (is_basic) {
        const char *pair = arena_printf(arena, "%s:%s", id, secret);
        uint8_t *basic = arena_alloc(arena, strlen(pair) / 3 * 4 + 8);
        *base64_put(basic, bytes_of_text(pair), true) = '\0';
        headers[2] = (struct http_client_header){ "Authorization", arena_printf(arena, "Basic %s", (char *)basic) };
    } else {
        body = arena_printf(arena, "%s&client_id=%s&client_secret=%s", body, id, secret);
    }
    struct http_exchange exchange = {
        .method = "POST", .url = url, .headers = headers, .body.bytes = bytes_of_text(body)
    };
    return ask(oidc, "token endpoint", &exchange, doc, err);
}

static bool person_read(struct oidc *oidc, struct arena *arena, struct bytes token, const char *nonce,
                        struct accounts_person *person, struct err *err)
{
    struct id_token_check check = { .issuer = oidc->issuer,
                                    .client_id = oidc->client_id,
                                    .nonce = nonce,
                                    .groups_claim = oidc->groups_claim,
                                    .now_unix_s = clock_unix_us() / 1000000,
                                    .trusts_email = oidc->options.trusts_email };
    bool knows_key = true, ok = false;
    pthread_mutex_lock(&oidc->lock);
    for (int tries = 0; tries < 2 && !ok; tries++) {
        if (tries == 1 && knows_key) break; /* it was something else */
        if (tries == 1) *err = (struct err){ 0 };
        if (!keys_need(oidc, tries == 1, err)) break;
        yyjson_val *keys = yyjson_obj_get(yyjson_doc_get_root(oidc->keys), "keys");
        ok = id_token_read(arena, token, keys, &check, person, &knows_key, err);
    }
    pthread_mutex_unlock(&oidc->lock);
    return ok;
}

bool oidc_end(struct oidc *oidc, struct arena *arena, const struct oidc_answer *answer, struct accounts_person *person,
              const char **return_to, struct err *err)
{
    struct remembered remembered;
    yyjson_doc *doc;
    *return_to = "";
    memset(person, 0, sizeof *person);
    if (!cookie_read(arena, answer->cookie, &remembered) ||
        !bytes_equal_secret(answer->state, bytes_of_text(remembered.state)))
        return err_set(err, ERR_CONFLICT, "this sign-in was begun in another browser, or more than 10 minutes ago");
    *return_to = remembered.return_to;
    if (answer->iss.len > 0 && !bytes_equal(answer->iss, bytes_of_text(oidc->issuer)))
        return err_set(err, ERR_INPUT, "another identity provider answered");
    if (answer->error.len > 0)
        return err_set(err, ERR_FORBIDDEN, "the identity provider refused: %.*s",
                       (int)(answer->error.len < 60 ? answer->error.len : 60), (const char *)answer->error.ptr);
    if (answer->code.len == 0 || answer->code.len > 4096)
        return err_set(err, ERR_INPUT, "the identity provider sent no code");
    if (!code_exchange(oidc, arena, answer->code, remembered.verifier, &doc, err)) return false;
    yyjson_val *token = yyjson_obj_get(yyjson_doc_get_root(doc), "id_token");
    bool ok = yyjson_is_str(token) ? person_read(oidc, arena, bytes_from(yyjson_get_str(token), yyjson_get_len(token)),
                                                 remembered.nonce, person, err)
                                   : err_set(err, ERR_INPUT, "the identity provider sent no ID token");
    yyjson_doc_free(doc);
    return ok;
}
