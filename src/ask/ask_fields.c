/* Words that name fields and values: what is always there, and what the catalog has. */
#include "ask/ask_inside.h"
#include <ctype.h>

/* In any number of words; the plural behind it. */
static const struct {
    const char *one, *many;
    enum ask_field_id id;
} field_words[] = {
    { "service|microservice", "services|microservices", ASK_FIELD_SERVICE },
    { "environment|env|stage", "environments|envs|stages", ASK_FIELD_ENVIRONMENT },
    { "service version", "service versions", ASK_FIELD_VERSION },
    { "version|release", "versions|releases", ASK_FIELD_VERSION },
    { "log? level|severity", "log? levels|severities", ASK_FIELD_LEVEL },
    { "route|endpoint|path|url|page", "routes|endpoints|paths|urls|pages", ASK_FIELD_ROUTE },
    { "http? method|verb", "http? methods|verbs", ASK_FIELD_METHOD },
    { "http? response? status code", "http? response? status codes", ASK_FIELD_STATUS },
    { "http? status|code", "http? statuses|codes", ASK_FIELD_STATUS },
    { "response code", "response codes", ASK_FIELD_STATUS },
    { "user email|address", "user emails", ASK_FIELD_EMAIL },
    { "user|person|visitor|customer", "users|people|persons|visitors|customers", ASK_FIELD_USER },
    { "session", "sessions", ASK_FIELD_SESSION },
    { "host|machine|instance|node", "hosts|machines|instances|nodes", ASK_FIELD_HOST },
    { "database|db", "databases|dbs", ASK_FIELD_DATABASE },
    { "table|collection", "tables|collections", ASK_FIELD_TABLE },
    { "operation|command", "operations|commands", ASK_FIELD_OPERATION },
    { "exception type", "exception types", ASK_FIELD_EXCEPTION },
    { "error? message|text", "error? messages|texts", ASK_FIELD_MESSAGE },
    { "log message", "log messages", ASK_FIELD_MESSAGE },
    { "span name", "span names", ASK_FIELD_NAME },
};
/* An attribute of one of these keys is the field. */
static const struct {
    const char *key;
    enum ask_field_id id;
} known_keys[] = {
    { "service.name", ASK_FIELD_SERVICE },
    { "deployment.environment.name", ASK_FIELD_ENVIRONMENT },
    { "deployment.environment", ASK_FIELD_ENVIRONMENT },
    { "service.version", ASK_FIELD_VERSION },
    { "http.route", ASK_FIELD_ROUTE },
    { "http.request.method", ASK_FIELD_METHOD },
    { "http.response.status_code", ASK_FIELD_STATUS },
    { "user.id", ASK_FIELD_USER },
    { "user.email", ASK_FIELD_EMAIL },
    { "session.id", ASK_FIELD_SESSION },
    { "host.name", ASK_FIELD_HOST },
    { "db.system.name", ASK_FIELD_DATABASE },
    { "db.namespace", ASK_FIELD_NAMESPACE },
    { "db.collection.name", ASK_FIELD_TABLE },
    { "db.operation.name", ASK_FIELD_OPERATION },
    { "exception.type", ASK_FIELD_EXCEPTION },
};

struct ask_field ask_field_of_key(bool is_resource, struct bytes key)
{
    for (size_t k = 0; k < COUNT_OF(known_keys); k++)
        if (bytes_equal(key, bytes_of_text(known_keys[k].key))) return (struct ask_field){ .id = known_keys[k].id };
    return (struct ask_field){ .id = is_resource ? ASK_FIELD_RESOURCE : ASK_FIELD_ATTRIBUTE, .key = key };
}

/* The parts of "order.coupon" one word each: 0 words: not so. */
static uint32_t key_spelled(const struct ask_words *words, uint32_t at, struct bytes key, bool *is_plural)
{
    uint32_t count = 0;
    *is_plural = false;
    for (size_t from = 0; from <= key.len; count++) {
        size_t end = from;
        while (end < key.len && key.ptr[end] != '.' && key.ptr[end] != '_' && key.ptr[end] != '-') end++;
        if (at + count >= words->count || words->tokens[at + count].is_used || words->tokens[at + count].is_quoted)
            return 0;
        struct bytes word = words->tokens[at + count].lower, part = bytes_from(key.ptr + from, end - from);
        bool is_last = end >= key.len;
        if (is_last && word.len == part.len + 1 && word.ptr[part.len] == 's') {
            word.len--;
            *is_plural = true;
        }
        if (!ask_same(word, part)) return 0;
        from = end + 1;
    }
    return count;
}

static uint32_t key_word(const struct ask_reading_state *state, uint32_t at, struct bytes key, bool *is_plural)
{
    const struct ask_token *token = &state->words.tokens[at];
    *is_plural = false;
    if (token->is_used || token->is_quoted) return 0;
    if (ask_same(token->text, key)) return 1;
    return key_spelled(&state->words, at, key, is_plural);
}

/* "region" of cloud.region, where no other key ends so. */
static uint32_t last_part_word(const struct ask_reading_state *state, uint32_t at, struct ask_field *field,
                               bool *is_plural)
{
    const struct ask_catalog *catalog = state->question->catalog;
    uint32_t found = 0, count = 0;
    for (uint32_t a = 0; a < catalog->attribute_count; a++) {
        struct bytes key = catalog->attributes[a].key;
        size_t from = key.len;
        bool many;
        while (from > 0 && key.ptr[from - 1] != '.') from--;
        if (from == 0 || key.len - from < 3) continue;
        uint32_t taken = key_spelled(&state->words, at, bytes_from(key.ptr + from, key.len - from), &many);
        if (taken == 0) continue;
        found++;
        count = taken;
        *is_plural = many;
        *field = catalog->attributes[a];
    }
    return found == 1 ? count : 0;
}

uint32_t ask_field_word(const struct ask_reading_state *state, uint32_t at, struct ask_field *field, bool *is_plural)
{
    const struct ask_catalog *catalog = state->question->catalog;
    uint32_t best = 0, count;
    bool many;
    if (at >= state->words.count) return 0;
    for (size_t f = 0; f < COUNT_OF(field_words); f++) {
        if ((count = ask_phrase(&state->words, at, field_words[f].many)) > best) {
            best = count;
            *is_plural = true;
            *field = (struct ask_field){ .id = field_words[f].id };
        }
        if ((count = ask_phrase(&state->words, at, field_words[f].one)) > best) {
            best = count;
            *is_plural = false;
            *field = (struct ask_field){ .id = field_words[f].id };
        }
    }
    for (size_t k = 0; k < COUNT_OF(known_keys); k++)
        if ((count = key_word(state, at, bytes_of_text(known_keys[k].key), &many)) > best) {
            best = count;
            *is_plural = many;
            *field = (struct ask_field){ .id = known_keys[k].id };
        }
    for (uint32_t a = 0; a < catalog->attribute_count; a++)
        if ((count = key_word(state, at, catalog->attributes[a].key, &many)) > best) {
            best = count;
            *is_plural = many;
            *field = catalog->attributes[a];
        }
    return best > 0 ? best : last_part_word(state, at, field, is_plural);
}

/* ---- values ---- */

/* The value's words one after another, however they were cut; or the whole of what is in quotes. */
static uint32_t text_word(const struct ask_words *words, uint32_t at, struct bytes value, bool is_name)
{
    if (at >= words->count || words->tokens[at].is_used) return 0;
    if (ask_same(words->tokens[at].text, value)) return 1;
    struct bytes word = words->tokens[at].text;
    if (is_name && word.len == value.len + 1 && word.ptr[value.len] == 's' &&
        ask_same(bytes_from(word.ptr, value.len), value))
        return 1; /* TypeErrors */
    if (words->tokens[at].is_quoted || memchr(value.ptr, ' ', value.len) == NULL) return 0;
    uint32_t count = 0;
    for (size_t from = 0; from < value.len; count++) {
        size_t end = from;
        while (end < value.len && value.ptr[end] != ' ') end++;
        if (at + count >= words->count || words->tokens[at + count].is_used || words->tokens[at + count].is_quoted ||
            !ask_same(words->tokens[at + count].text, bytes_from(value.ptr + from, end - from)))
            return 0;
        from = end + 1;
    }
    return count;
}

/* Asked for without its field, a value is first of these. */
static int rank(const struct ask_field *field)
{
    switch (field->id) {
    case ASK_FIELD_SERVICE: return 0;
    case ASK_FIELD_ENVIRONMENT: return 1;
    case ASK_FIELD_ROUTE: return 2;
    case ASK_FIELD_DATABASE: return 3;
    case ASK_FIELD_NAMESPACE: return 4;
    case ASK_FIELD_METHOD: return 5;
    default: return 9;
    }
}

/* "database ledger" may be the system's name or the database's own. */
static bool is_of(const struct ask_field *wanted, const struct ask_field *field)
{
    return wanted == NULL || ask_field_equal(wanted, field) ||
           (wanted->id == ASK_FIELD_DATABASE && field->id == ASK_FIELD_NAMESPACE);
}

static bool asks_for_queries(const struct ask_words *words)
{
    for (uint32_t i = 0; i < words->count; i++)
        if (ask_same(words->tokens[i].lower, BYTES("query")) || ask_same(words->tokens[i].lower, BYTES("queries")))
            return true;
    return false;
}

uint32_t ask_value_word(const struct ask_reading_state *state, uint32_t at, const struct ask_field *of,
                        struct ask_field *field, struct bytes *value, bool *is_ambiguous)
{
    const struct ask_catalog *catalog = state->question->catalog;
    const struct ask_field service = { .id = ASK_FIELD_SERVICE };
    uint32_t best = 0, count;
    int best_rank = 100;
    *is_ambiguous = false;
    if (is_of(of, &service))
        for (uint32_t s = 0; s < catalog->service_count; s++)
            if ((count = text_word(&state->words, at, catalog->services[s], false)) > best) {
                best = count;
                best_rank = 0;
                *field = service;
                *value = catalog->services[s];
            }
    for (uint32_t v = 0; v < catalog->value_count; v++) {
        const struct ask_value *one = &catalog->values[v];
        bool is_of_queries = one->field.id == ASK_FIELD_TABLE || one->field.id == ASK_FIELD_OPERATION;
        if (!is_of(of, &one->field) || (of == NULL && is_of_queries && !asks_for_queries(&state->words)))
            continue; /* "charges" are more than a table */
        count = text_word(&state->words, at, one->text, one->field.id == ASK_FIELD_EXCEPTION);
        if (count < best || count == 0) continue;
        int its_rank = rank(&one->field);
        if (count == best && its_rank > best_rank) continue;
        *is_ambiguous = count == best && its_rank == best_rank && !ask_field_equal(field, &one->field);
        best = count;
        best_rank = its_rank;
        *field = one->field;
        *value = one->text;
    }
    return best;
}

/* ---- what may be meant ---- */

static void suggestion_add(struct ask_trouble *trouble, struct bytes text)
{
    for (uint32_t s = 0; s < trouble->suggestion_count; s++)
        if (bytes_equal(trouble->suggestions[s], text)) return;
    if (trouble->suggestion_count < ASK_SUGGESTIONS_MAX) trouble->suggestions[trouble->suggestion_count++] = text;
}

static bool is_near(struct bytes typed, struct bytes name)
{
    if (ask_same(typed, name)) return false; /* known, and not what is wrong */
    uint32_t limit = typed.len < 4 ? 0 : typed.len < 8 ? 1 : 2;
    return limit > 0 && name.len >= 3 && ask_distance(typed, name, limit + (name.len >= 8)) <= limit + (name.len >= 8);
}

void ask_suggest(const struct ask_reading_state *state, const struct ask_token *token, struct ask_trouble *trouble)
{
    static const char *const names[] = { "requests",  "errors",   "traces",   "queries",    "services", "routes",
                                         "users",     "sessions", "warnings", "logs",       "slowest",  "average",
                                         "yesterday", "versions", "duration", "environment" };
    const struct ask_catalog *catalog = state->question->catalog;
    for (uint32_t s = 0; s < catalog->service_count; s++)
        if (is_near(token->text, catalog->services[s])) suggestion_add(trouble, catalog->services[s]);
    for (uint32_t v = 0; v < catalog->value_count; v++)
        if (is_near(token->text, catalog->values[v].text)) suggestion_add(trouble, catalog->values[v].text);
    for (uint32_t a = 0; a < catalog->attribute_count; a++)
        if (is_near(token->text, catalog->attributes[a].key)) suggestion_add(trouble, catalog->attributes[a].key);
    for (size_t n = 0; n < COUNT_OF(names); n++)
        if (is_near(token->text, bytes_of_text(names[n]))) suggestion_add(trouble, bytes_of_text(names[n]));
}
