/* names.c -- whose name is it that a rule is about: globs, and the words that credentials are called by. */
#include "ingest/redaction/inside.h"

#include "base/glob.h"
#include "base/hash.h"

/* ---- words ---- */

enum { WORDS_MAX = 24, WORD_BYTES_MAX = 32 };
struct words {
    char at[WORDS_MAX][WORD_BYTES_MAX]; /* lower case */
    uint32_t count;
};

static bool is_letter(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

/* "http.request.header.X-Api-Key" and "xApiKey": http request header x api key. Digits belong to the word before them;
 * of a long name the last words are kept. */
static void words_of(struct bytes name, struct words *words)
{
    *words = (struct words){ 0 };
    uint32_t len = 0;
    for (size_t i = 0; i < name.len; i++) {
        uint8_t byte = name.ptr[i];
        bool is_upper = byte >= 'A' && byte <= 'Z';
        bool is_in = is_letter(byte) || (byte >= '0' && byte <= '9') || byte >= 0x80;
        /* camelCase, and the last capital of "APIKey" */
        bool begins =
            is_upper && i > 0 &&
            ((name.ptr[i - 1] >= 'a' && name.ptr[i - 1] <= 'z') ||
             (i + 1 < name.len && name.ptr[i + 1] >= 'a' && name.ptr[i + 1] <= 'z' && is_letter(name.ptr[i - 1])));
        if ((!is_in || begins) && len > 0) {
            words->count++;
            len = 0;
        }
        if (!is_in) continue;
        if (words->count == WORDS_MAX) {
            memmove(words->at[0], words->at[1], sizeof words->at - sizeof words->at[0]);
            memset(words->at[--words->count], 0, WORD_BYTES_MAX);
        }
        if (len < WORD_BYTES_MAX - 1) words->at[words->count][len++] = (char)glob_lower(byte);
    }
    if (len > 0) words->count++;
}

static bool is_one_of(const char *word, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(word, list[i]) == 0) return true;
    }
    return false;
}
#define IS_ONE_OF(word, list) is_one_of((word), (list), COUNT_OF(list))

static bool ends_with(const char *word, const char *end)
{
    size_t len = strlen(word), end_len = strlen(end);
    return len >= end_len && strcmp(word + len - end_len, end) == 0;
}

/* Two words that are a credential together: "api key". */
static bool is_pair(const char *first, const char *second)
{
    static const char *const keys[] = { "api",     "access",       "private", "secret", "signing", "encryption",
                                        "auth",    "subscription", "account", "shared", "master",  "ssh",
                                        "license", "session",      "client",  "service" };
    static const char *const codes[] = { "security", "verification", "auth", "pin" };
    if (strcmp(second, "key") == 0 && IS_ONE_OF(first, keys)) return true;
    if (strcmp(second, "code") == 0 && IS_ONE_OF(first, codes)) return true;
    if (strcmp(second, "signature") == 0 && (strcmp(first, "amz") == 0 || strcmp(first, "goog") == 0)) return true;
    return strcmp(second, "phrase") == 0 && strcmp(first, "pass") == 0;
}

/* 0 no, 1 a text of it is one, 2 a number of it too. */
static int credential_look(struct bytes name)
{
    static const char *const strong[] = { "passwd", "pwd", "pswd", "passcode", "pass", "pin", "otp",
                                          "totp",   "cvv", "cvv2", "cvc",      "cvc2", "ssn" };
    static const char *const weak[] = { "authorization", "cookie", "cookies", "credential", "credentials",
                                        "jwt",           "bearer", "sig",     "secrets",    "passwords" };
    /* What is told about a credential, and is none: "token_count", "secret.name". */
    static const char *const harmless[] = {
        "count",   "counts", "type",   "types",   "name",    "length",    "size", "limit", "usage",    "expiry", "ttl",
        "expires", "policy", "status", "version", "enabled", "algorithm", "age",  "id",    "required", "valid"
    };
    static const char *const pagers[] = { "page", "continuation", "sync", "cancellation", "next", "start" };
    struct words words;
    words_of(name, &words);
    if (words.count == 0 || IS_ONE_OF(words.at[words.count - 1], harmless)) return 0;
    int found = 0;
    for (uint32_t w = 0; w < words.count && found < 2; w++) {
        const char *word = words.at[w], *before = w > 0 ? words.at[w - 1] : "";
        if (IS_ONE_OF(word, strong) || ends_with(word, "password") || ends_with(word, "passphrase")) {
            found = 2;
        } else if (IS_ONE_OF(word, weak) || ends_with(word, "secret") || ends_with(word, "apikey") ||
                   ends_with(word, "secretkey") || ends_with(word, "accesskey") || ends_with(word, "privatekey") ||
                   is_pair(before, word) || (ends_with(word, "token") && !IS_ONE_OF(before, pagers))) {
            found = 1;
        }
    }
    return found;
}

/* ---- verdicts ---- */

static struct verdict verdict_make(const struct redaction *redaction, struct bytes name)
{
    struct verdict verdict = { NO_RULE, NO_RULE };
    int credential = -1;
    for (uint32_t r = 0; r < redaction->rule_count && verdict.number == NO_RULE; r++) {
        const struct redaction_rule *rule = &redaction->rules[r];
        bool is_text = false, is_number = false;
        if (!rule->is_on) continue;
        if (rule->finds == REDACTION_ATTRIBUTE) {
            is_text = is_number = glob_match(bytes_of_text(rule->pattern), name, true);
        } else if (redaction->built_in[REDACTION_CREDENTIALS] == (int)r) {
            if (credential < 0) credential = credential_look(name);
            is_text = credential > 0;
            is_number = credential == 2;
        }
        if (is_text && verdict.text == NO_RULE) verdict.text = (int8_t)r;
        if (is_number) verdict.number = (int8_t)r;
    }
    return verdict;
}

struct verdict name_verdict(const struct redaction *redaction, struct redaction_scratch *scratch, struct bytes name)
{
    if (!redaction->has_names || name.len == 0) return (struct verdict){ NO_RULE, NO_RULE };
    if (name.len > NAME_BYTES_MAX) name = bytes_from(name.ptr + name.len - NAME_BYTES_MAX, NAME_BYTES_MAX);
    /* 64 bits of a hash with a random seed stand for the name: no one can choose a twin. */
    uint64_t hash = hash64_key(name, redaction->seed) | 1;
    uint32_t slot = (uint32_t)(hash >> 32) & (NAMES_KEPT - 1);
    if (scratch->names[slot].hash != hash) {
        scratch->names[slot].hash = hash;
        scratch->names[slot].verdict = verdict_make(redaction, name);
    }
    return scratch->names[slot].verdict;
}
