#include "worker/errors/error_names.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/sha256.h"
#include "meta/error.h"
#include "meta/secret.h"

#define USER_BYTES  512 /* of a longer id these */
#define USERS_KNOWN 4096

enum name_of { NAME_FINGERPRINT, NAME_OF_SERVICE, NAME_SERVICE, NAME_ENVIRONMENT, NAME_RELEASE };
struct tally {
    uint64_t key; /* 0: free */
    uint32_t count;
};
/* Hashes made last: one costs 2 us. */
struct user_known {
    uint64_t key; /* 0: none */
    int64_t hash;
};
struct error_names {
    uint8_t secret[SECRET_BYTES];
    struct user_known users[USERS_KNOWN];
    uint64_t *seen; /* open addressing; 0: free */
    uint32_t seen_cap, seen_count;
    struct tally *tallies;
    uint32_t tally_cap, tally_count;
    uint64_t seed; /* strangers cannot choose what falls together */
    int64_t day_us;
    const struct otlp_request *request;
    uint32_t family_resource;
    struct bytes family;
};

struct error_names *error_names_create(const uint8_t *secret)
{
    struct error_names *names = mem_calloc(1, sizeof *names);
    struct uuid random = uuid_random();
    memcpy(&names->seed, random.bytes, sizeof names->seed);
    memcpy(names->secret, secret, sizeof names->secret);
    return names;
}

void error_names_destroy(struct error_names *names)
{
    if (names == NULL) return;
    free(names->seen);
    free(names->tallies);
    free(names);
}

static void names_reset(struct error_names *names)
{
    if (names->seen_count > 0) memset(names->seen, 0, names->seen_cap * sizeof *names->seen);
    if (names->tally_count > 0) memset(names->tallies, 0, names->tally_cap * sizeof *names->tallies);
    names->seen_count = names->tally_count = 0;
}

void error_names_begin(struct error_names *names, int64_t now_unix_us, const struct otlp_request *request)
{
    int64_t day_us = now_unix_us - now_unix_us % ERROR_DAY_US;
    if (day_us != names->day_us || names->seen_count > ERROR_NAMES_MAX || names->tally_count > ERROR_NAMES_MAX)
        names_reset(names);
    names->day_us = day_us;
    names->request = request;
    names->family_resource = UINT32_MAX;
}

static uint64_t key_of(const struct error_names *names, struct uuid project_id, enum name_of of, struct bytes name)
{
    uint64_t key = hash64_mix(hash64_key(name, names->seed) ^ (uint64_t)of,
                              hash64_key(bytes_from(project_id.bytes, sizeof project_id.bytes), names->seed));
    return key | 1;
}

static bool seen_find(const struct error_names *names, uint64_t key)
{
    if (names->seen_cap == 0) return false;
    for (uint64_t at = key >> 32;; at++) {
        uint64_t there = names->seen[at & (names->seen_cap - 1)];
        if (there == key) return true;
        if (there == 0) return false;
    }
}

static void seen_put(struct error_names *names, uint64_t key)
{
    uint64_t at = key >> 32;
    while (names->seen[at & (names->seen_cap - 1)] != 0) at++;
    names->seen[at & (names->seen_cap - 1)] = key;
}

static void seen_add(struct error_names *names, uint64_t key)
{
    if (names->seen_count * 2 >= names->seen_cap) {
        uint64_t *old = names->seen;
        uint32_t old_cap = names->seen_cap;
        names->seen_cap = old_cap ? old_cap * 2 : 1024;
        names->seen = mem_calloc(names->seen_cap, sizeof *names->seen);
        for (uint32_t s = 0; s < old_cap; s++)
            if (old[s] != 0) seen_put(names, old[s]);
        free(old);
    }
    seen_put(names, key);
    names->seen_count++;
}

static struct tally *tally_at(struct error_names *names, uint64_t key)
{
    for (uint64_t at = key >> 32;; at++) {
        struct tally *tally = &names->tallies[at & (names->tally_cap - 1)];
        if (tally->key == key || tally->key == 0) return tally;
    }
}

static struct tally *tally_of(struct error_names *names, uint64_t key)
{
    if (names->tally_count * 2 >= names->tally_cap) {
        struct tally *old = names->tallies;
        uint32_t old_cap = names->tally_cap;
        names->tally_cap = old_cap ? old_cap * 2 : 64;
        names->tallies = mem_calloc(names->tally_cap, sizeof *names->tallies);
        for (uint32_t t = 0; t < old_cap; t++)
            if (old[t].key != 0) *tally_at(names, old[t].key) = old[t];
        free(old);
    }
    struct tally *tally = tally_at(names, key);
    if (tally->key == 0) {
        tally->key = key;
        names->tally_count++;
    }
    return tally;
}

/* Is the name one of those that are kept, of which a project has at most count_max? */
static bool name_keeps(struct error_names *names, struct uuid project_id, enum name_of of, struct bytes name,
                       uint32_t count_max)
{
    uint64_t key = key_of(names, project_id, of, name);
    if (seen_find(names, key)) return true;
    struct tally *tally = tally_of(names, key_of(names, project_id, of, BYTES("")));
    if (tally->count >= count_max) return false;
    tally->count++;
    seen_add(names, key);
    return true;
}

bool error_names_keeps(struct error_names *names, struct uuid project_id, struct bytes id, struct bytes service)
{
    uint64_t key = key_of(names, project_id, NAME_FINGERPRINT, id);
    if (seen_find(names, key)) return true;
    uint64_t service_key = key_of(names, project_id, NAME_OF_SERVICE, service);
    if (tally_of(names, service_key)->count >= ERROR_SERVICE_MAX) return false;
    if (!name_keeps(names, project_id, NAME_FINGERPRINT, id, ERROR_PROJECT_MAX)) return false;
    tally_of(names, service_key)->count++;
    return true;
}

struct uuid error_names_other(struct error_names *names, struct uuid project_id, struct bytes *service)
{
    uint8_t name[sizeof ERROR_OTHER + 256];
    if (service->len > 256 || !name_keeps(names, project_id, NAME_SERVICE, *service, ERROR_SERVICES_MAX))
        *service = (struct bytes){ (const uint8_t *)"", 0 };
    memcpy(name, ERROR_OTHER, sizeof ERROR_OTHER);
    if (service->len > 0) memcpy(name + sizeof ERROR_OTHER, service->ptr, service->len);
    return uuid_of_name(project_id, bytes_from(name, sizeof ERROR_OTHER + service->len));
}

struct bytes error_names_environment(struct error_names *names, struct uuid project_id, struct bytes environment)
{
    if (environment.len == 0 || name_keeps(names, project_id, NAME_ENVIRONMENT, environment, ERROR_ENVIRONMENTS_MAX))
        return environment;
    return BYTES(ERROR_OTHER);
}

struct bytes error_names_release(struct error_names *names, struct uuid project_id, struct bytes release)
{
    if (release.len == 0 || name_keeps(names, project_id, NAME_RELEASE, release, ERROR_RELEASES_MAX)) return release;
    return BYTES(ERROR_OTHER);
}

int64_t error_names_user(struct error_names *names, struct uuid project_id, struct bytes user_id,
                         struct bytes session_id)
{
    uint8_t told[sizeof project_id.bytes + 1 + USER_BYTES], mac[SHA256_BYTES];
    struct bytes who = user_id.len > 0 ? user_id : session_id;
    uint64_t hash;
    if (who.len > USER_BYTES) who.len = USER_BYTES;
    memcpy(told, project_id.bytes, sizeof project_id.bytes);
    told[sizeof project_id.bytes] = user_id.len > 0 ? 'u' : 's';
    if (who.len > 0) memcpy(told + sizeof project_id.bytes + 1, who.ptr, who.len);
    struct bytes all = bytes_from(told, sizeof project_id.bytes + 1 + who.len);
    uint64_t key = hash64_key(all, names->seed) | 1;
    struct user_known *known = &names->users[key >> 1 & (USERS_KNOWN - 1)];
    if (known->key == key) return known->hash;
    hmac_sha256(bytes_from(names->secret, sizeof names->secret), all, mac);
    memcpy(&hash, mac, sizeof hash);
    *known = (struct user_known){ key, (int64_t)(hash >> 1) };
    return known->hash;
}

struct bytes error_names_family(struct error_names *names, uint32_t resource)
{
    if (names->family_resource == resource) return names->family;
    names->family_resource = resource;
    names->family = (struct bytes){ (const uint8_t *)"", 0 };
    if (names->request == NULL || resource >= names->request->resources.count) return names->family;
    struct otlp_range range = names->request->resources.at[resource].attributes;
    for (uint32_t a = 0; a < range.count; a++) {
        const struct otlp_attribute *attribute = &names->request->attributes.at[range.first + a];
        if (attribute->value.type == OTLP_TEXT && bytes_equal(attribute->key, BYTES("service.namespace")))
            names->family = attribute->value.bytes;
    }
    return names->family;
}
