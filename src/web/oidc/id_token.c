#include "web/oidc/id_token.h"
#include "base/base64.h"
#include "base/utf8.h"
#include "net/signature.h"

enum { LEEWAY_S = 60, AGE_S_MAX = 3600 };

struct part {
    struct bytes text, bytes; /* as sent; decoded */
};

static bool part_take(struct arena *arena, struct bytes *rest, bool is_last, struct part *part)
{
    const uint8_t *dot = rest->len > 0 ? memchr(rest->ptr, '.', rest->len) : NULL;
    if (is_last != (dot == NULL)) return false;
    size_t len = dot ? (size_t)(dot - rest->ptr) : rest->len;
    part->text = bytes_from(rest->ptr, len);
    uint8_t *decoded = arena_alloc(arena, len + 4);
    size_t decoded_len;
    if (!base64_read(part->text, BASE64_URL, decoded, &decoded_len)) return false;
    part->bytes = bytes_from(decoded, decoded_len);
    if (dot) *rest = bytes_from(dot + 1, rest->len - len - 1);
    return true;
}

static yyjson_val *text_of(yyjson_val *object, const char *name)
{
    yyjson_val *value = yyjson_obj_get(object, name);
    return yyjson_is_str(value) ? value : NULL;
}

static bool equals(yyjson_val *value, const char *text)
{
    return value && yyjson_equals_strn(value, text, strlen(text));
}

/* A number of a key, or no bytes. */
static struct bytes number_of(struct arena *arena, yyjson_val *key, const char *name)
{
    yyjson_val *value = text_of(key, name);
    size_t len;
    if (!value || yyjson_get_len(value) > 2048) return (struct bytes){ 0 };
    uint8_t *bytes = arena_alloc(arena, yyjson_get_len(value) + 4);
    struct bytes text = bytes_from(yyjson_get_str(value), yyjson_get_len(value));
    return base64_read(text, BASE64_URL, bytes, &len) ? bytes_from(bytes, len) : (struct bytes){ 0 };
}

/* The key that signed: by its id; a token without one is of the only key that could have. */
static yyjson_val *key_find(yyjson_val *keys, yyjson_val *kid, enum signature_kind kind)
{
    yyjson_val *key, *found = NULL;
    size_t i, count;
    yyjson_arr_foreach(keys, i, count, key)
    {
        bool is_ec = equals(text_of(key, "kty"), "EC") && equals(text_of(key, "crv"), "P-256");
        bool is_kind = kind == SIGNATURE_ES256 ? is_ec : equals(text_of(key, "kty"), "RSA");
        yyjson_val *alg = text_of(key, "alg"), *use = text_of(key, "use");
        if (!is_kind || (use && !equals(use, "sig"))) continue;
        if (alg && !equals(alg, kind == SIGNATURE_ES256 ? "ES256" : "RS256")) continue;
        if (kid) {
            if (yyjson_equals(text_of(key, "kid"), kid)) return key;
            continue;
        }
        if (found) return NULL;
        found = key;
    }
    return found;
}

static bool signature_holds(struct arena *arena, const struct part parts[3], struct bytes signed_bytes,
                            yyjson_val *header, yyjson_val *keys, bool *knows_key, struct err *err)
{
    yyjson_val *alg = text_of(header, "alg");
    struct signature_key key = { .kind = equals(alg, "ES256") ? SIGNATURE_ES256 : SIGNATURE_RS256 };
    bool is_right;
    if (!equals(alg, "ES256") && !equals(alg, "RS256"))
        return err_set(err, ERR_INPUT, "an ID token must be signed by RS256 or ES256");
    if (yyjson_obj_get(header, "crit")) return err_set(err, ERR_INPUT, "an ID token asks for an unknown extension");
    yyjson_val *from = key_find(keys, text_of(header, "kid"), key.kind);
    *knows_key = from != NULL;
    if (!from) return err_set(err, ERR_INPUT, "an ID token is signed with a key that the provider does not show");
    key.n = number_of(arena, from, "n");
    key.e = number_of(arena, from, "e");
    key.x = number_of(arena, from, "x");
    key.y = number_of(arena, from, "y");
    if (!signature_check(&key, signed_bytes, parts[2].bytes, &is_right, err)) return false;
    return is_right || err_set(err, ERR_INPUT, "the signature of an ID token does not hold");
}

static bool audience_is(yyjson_val *claims, const char *client_id)
{
    yyjson_val *audience = yyjson_obj_get(claims, "aud"), *azp = yyjson_obj_get(claims, "azp"), *one;
    size_t i, count;
    bool is_there = false;
    if (azp && !equals(text_of(claims, "azp"), client_id)) return false;
    if (yyjson_is_str(audience)) return equals(audience, client_id);
    yyjson_arr_foreach(audience, i, count, one) is_there = is_there || (yyjson_is_str(one) && equals(one, client_id));
    return is_there && (yyjson_arr_size(audience) == 1 || azp != NULL);
}

/* Seconds since 1970; false: absent, or no sensible number. */
static bool time_of(yyjson_val *claims, const char *name, int64_t *unix_s)
{
    yyjson_val *value = yyjson_obj_get(claims, name);
    double number = yyjson_is_num(value) ? yyjson_get_num(value) : -1;
    if (!(number >= 0 && number < 1e12)) return false;
    *unix_s = (int64_t)number;
    return true;
}

static bool claims_check(yyjson_val *claims, const struct id_token_check *check, struct err *err)
{
    int64_t expires, issued, not_before;
    if (!equals(text_of(claims, "iss"), check->issuer))
        return err_set(err, ERR_INPUT, "an ID token is of another issuer");
    if (!audience_is(claims, check->client_id)) return err_set(err, ERR_INPUT, "an ID token is for another client");
    if (!time_of(claims, "exp", &expires) || expires + LEEWAY_S <= check->now_unix_s)
        return err_set(err, ERR_INPUT, "an ID token has expired: are the clocks right?");
    if (!time_of(claims, "iat", &issued) || issued > check->now_unix_s + LEEWAY_S ||
        issued + AGE_S_MAX < check->now_unix_s)
        return err_set(err, ERR_INPUT, "an ID token was not issued just now: are the clocks right?");
    if (yyjson_obj_get(claims, "nbf") &&
        (!time_of(claims, "nbf", &not_before) || not_before > check->now_unix_s + LEEWAY_S))
        return err_set(err, ERR_INPUT, "an ID token is not valid yet: are the clocks right?");
    if (!equals(text_of(claims, "nonce"), check->nonce))
        return err_set(err, ERR_INPUT, "an ID token answers another sign-in");
    return true;
}

/* Copied; empty when absent, too long, or not a line of text. */
static const char *line_of(struct arena *arena, yyjson_val *value, size_t len_max)
{
    if (!yyjson_is_str(value)) return "";
    struct bytes text = bytes_from(yyjson_get_str(value), yyjson_get_len(value));
    if (text.len > len_max || !utf8_is_valid(text)) return "";
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < ' ' || text.ptr[i] == 0x7F) return "";
    return arena_printf(arena, "%.*s", (int)text.len, (const char *)text.ptr);
}

static void groups_take(struct arena *arena, yyjson_val *claim, struct accounts_person *person)
{
    yyjson_val *one;
    size_t i, count = yyjson_is_arr(claim) ? yyjson_arr_size(claim) : 1;
    if (count > ID_TOKEN_GROUPS_MAX) count = ID_TOKEN_GROUPS_MAX;
    const char **groups = arena_calloc(arena, (count + 1) * sizeof *groups);
    person->groups = groups;
    person->group_count = 0;
    if (yyjson_is_str(claim)) {
        groups[0] = line_of(arena, claim, ACCOUNTS_GROUP_BYTES - 1);
        person->group_count = groups[0][0] != '\0';
    }
    size_t size;
    yyjson_arr_foreach(claim, i, size, one)
    {
        if (person->group_count == count) break;
        const char *group = line_of(arena, one, ACCOUNTS_GROUP_BYTES - 1);
        if (group[0]) groups[person->group_count++] = group;
    }
}

static bool person_take(struct arena *arena, yyjson_val *claims, const struct id_token_check *check,
                        struct accounts_person *person, struct err *err)
{
    yyjson_val *verified = yyjson_obj_get(claims, "email_verified");
    *person = (struct accounts_person){
        .issuer = check->issuer,
        .subject = line_of(arena, yyjson_obj_get(claims, "sub"), 255),
        .email = line_of(arena, yyjson_obj_get(claims, "email"), 254),
        .name = line_of(arena, yyjson_obj_get(claims, "name"), 127),
        .is_email_verified =
            yyjson_is_true(verified) || equals(text_of(claims, "email_verified"), "true") || check->trusts_email,
    };
    groups_take(arena, yyjson_obj_get(claims, check->groups_claim), person);
    return person->subject[0] != '\0' || err_set(err, ERR_INPUT, "an ID token names no subject");
}

bool id_token_claims(struct arena *arena, struct bytes json, const struct id_token_check *check,
                     struct accounts_person *person, struct err *err)
{
    yyjson_doc *doc = yyjson_read((const char *)json.ptr, json.len, 0);
    yyjson_val *claims = yyjson_doc_get_root(doc);
    bool ok = yyjson_is_obj(claims) || err_set(err, ERR_INPUT, "what the identity provider sent as ID token is none");
    ok = ok && claims_check(claims, check, err) && person_take(arena, claims, check, person, err);
    yyjson_doc_free(doc);
    return ok;
}

bool id_token_read(struct arena *arena, struct bytes token, yyjson_val *keys, const struct id_token_check *check,
                   struct accounts_person *person, bool *knows_key, struct err *err)
{
    struct part parts[3];
    struct bytes rest = token;
    *knows_key = true;
    memset(person, 0, sizeof *person);
    if (token.len > ID_TOKEN_BYTES_MAX) return err_set(err, ERR_INPUT, "an ID token is too long");
    for (int p = 0; p < 3; p++)
        if (!part_take(arena, &rest, p == 2, &parts[p]))
            return err_set(err, ERR_INPUT, "what the identity provider sent as ID token is none");
    struct bytes signed_bytes = bytes_from(token.ptr, (size_t)(parts[1].text.ptr + parts[1].text.len - token.ptr));
    yyjson_doc *header = yyjson_read((const char *)parts[0].bytes.ptr, parts[0].bytes.len, 0);
    bool ok = yyjson_is_obj(yyjson_doc_get_root(header)) ||
              err_set(err, ERR_INPUT, "what the identity provider sent as ID token is none");
    ok = ok && signature_holds(arena, parts, signed_bytes, yyjson_doc_get_root(header), keys, knows_key, err) &&
         id_token_claims(arena, parts[1].bytes, check, person, err);
    yyjson_doc_free(header);
    return ok;
}
