#include "errors/rules.h"
#include "base/glob.h"
#include "errors/errors_inside.h"
#include "errors/known.h"

#define RULE_FIELDS(X)      \
    X(TYPE, "type")         \
    X(MESSAGE, "message")   \
    X(FUNCTION, "function") \
    X(MODULE, "module")     \
    X(PATH, "path")         \
    X(APP, "app")           \
    X(SERVICE, "service")   \
    X(LANGUAGE, "language") \
    X(DEFAULT, "default")
enum rule_field {
#define X(name, text) FIELD_##name,
    RULE_FIELDS(X)
#undef X
        FIELD_COUNT,
    FIELD_WORD = FIELD_COUNT /* a part that is itself */
};
static const char *const field_names[] = {
#define X(name, text) text,
    RULE_FIELDS(X)
#undef X
};

struct matcher {
    enum rule_field field;
    bool is_not;
    struct bytes glob;
};
struct part {
    enum rule_field field;
    struct bytes word;
};
struct rule {
    uint32_t line, matcher_count, part_count;
    struct matcher matchers[RULE_MATCHERS_MAX];
    struct part parts[RULE_PARTS_MAX];
};
struct fingerprint_rules {
    uint32_t count;
    struct rule *rules;
};

/* ---- reading ---- */

struct rule_reader {
    struct arena *arena;
    struct err *err;
    struct bytes rest; /* of the line */
    uint32_t line;
};

static bool refuse(struct rule_reader *reader, const char *what)
{
    return err_set(reader->err, ERR_INPUT, "line %u: %s", reader->line, what);
}

static enum rule_field field_of(struct bytes name)
{
    for (int i = 0; i < FIELD_COUNT; i++) {
        if (bytes_equal(name, bytes_of_text(field_names[i]))) return (enum rule_field)i;
    }
    if (bytes_equal(name, BYTES("error.type"))) return FIELD_TYPE; /* as other trackers call them */
    if (bytes_equal(name, BYTES("error.value"))) return FIELD_MESSAGE;
    if (bytes_equal(name, BYTES("stack.function"))) return FIELD_FUNCTION;
    if (bytes_equal(name, BYTES("stack.module"))) return FIELD_MODULE;
    if (bytes_equal(name, BYTES("stack.abs_path")) || bytes_equal(name, BYTES("stack.filename"))) return FIELD_PATH;
    return FIELD_COUNT;
}

/* A word up to a blank (or a comma), or "what stands in quotes", with \" and \\. */
static bool value_take(struct rule_reader *reader, bool ends_at_comma, struct bytes *value)
{
    struct bytes rest = reader->rest;
    size_t len = 0, at = 0;
    if (rest.len > 0 && rest.ptr[0] == '"') {
        uint8_t *text = arena_alloc(reader->arena, rest.len);
        for (at = 1; at < rest.len && rest.ptr[at] != '"'; at++) {
            if (rest.ptr[at] == '\\' && at + 1 < rest.len) at++;
            text[len++] = rest.ptr[at];
        }
        if (at >= rest.len) return refuse(reader, "a quote is not closed");
        *value = bytes_from(text, len);
        reader->rest = bytes_skip(rest, at + 1);
    } else {
        while (at < rest.len && !is_blank(rest.ptr[at]) && !(ends_at_comma && rest.ptr[at] == ',')) at++;
        *value = bytes_from(rest.ptr, at);
        reader->rest = bytes_skip(rest, at);
    }
    if (value->len > RULE_VALUE_BYTES_MAX) return refuse(reader, "a value is too long");
    return true;
}

static bool matcher_take(struct rule_reader *reader, struct rule *rule)
{
    if (rule->matcher_count == RULE_MATCHERS_MAX) return refuse(reader, "too many matchers");
    struct matcher *matcher = &rule->matchers[rule->matcher_count++];
    matcher->is_not = bytes_take(&reader->rest, BYTES("!"));
    const uint8_t *colon = bytes_find_byte(reader->rest, ':');
    if (colon == NULL) return refuse(reader, "a matcher is written name:value");
    matcher->field = field_of(bytes_between(reader->rest.ptr, colon));
    if (matcher->field == FIELD_COUNT || matcher->field == FIELD_DEFAULT) {
        return refuse(reader, "a matcher is of type, message, function, module, path, app, service or language");
    }
    reader->rest = bytes_between(colon + 1, bytes_end(reader->rest));
    if (!value_take(reader, false, &matcher->glob)) return false;
    if (matcher->glob.len == 0) return refuse(reader, "a matcher has no value");
    return true;
}

static bool part_take(struct rule_reader *reader, struct rule *rule)
{
    if (rule->part_count == RULE_PARTS_MAX) return refuse(reader, "too many parts behind \"->\"");
    struct part *part = &rule->parts[rule->part_count++];
    if (bytes_take(&reader->rest, BYTES("{{"))) {
        const uint8_t *close = bytes_find(reader->rest, BYTES("}}"));
        if (close == NULL) return refuse(reader, "\"{{\" is not closed");
        part->field = field_of(bytes_trim(bytes_between(reader->rest.ptr, close)));
        if (part->field == FIELD_COUNT || part->field == FIELD_APP)
            return refuse(reader, "no such value between {{ and }}");
        reader->rest = bytes_between(close + 2, bytes_end(reader->rest));
        return true;
    }
    part->field = FIELD_WORD;
    if (!value_take(reader, true, &part->word)) return false;
    return part->word.len > 0 || refuse(reader, "an empty part behind \"->\"");
}

static bool rule_read(struct rule_reader *reader, struct rule *rule)
{
    rule->line = reader->line;
    while (!bytes_take(&reader->rest, BYTES("->"))) {
        if (reader->rest.len == 0) return refuse(reader, "\"->\" and what the fingerprint is are missing");
        if (!matcher_take(reader, rule)) return false;
        reader->rest = bytes_trim(reader->rest);
    }
    if (rule->matcher_count == 0) return refuse(reader, "a rule without a matcher would hold for all errors");
    for (;;) {
        while (reader->rest.len > 0 && (is_blank(reader->rest.ptr[0]) || reader->rest.ptr[0] == ',')) {
            reader->rest = bytes_skip(reader->rest, 1);
        }
        if (reader->rest.len == 0) break;
        if (!part_take(reader, rule)) return false;
    }
    return rule->part_count > 0 || refuse(reader, "nothing stands behind \"->\"");
}

bool rules_parse(struct arena *arena, struct bytes text, const struct fingerprint_rules **rules_out, struct err *err)
{
    struct rule_reader reader = { .arena = arena, .err = err };
    struct fingerprint_rules *rules = arena_calloc(arena, sizeof *rules);
    *rules_out = NULL;
    if (text.len > RULES_BYTES_MAX) return err_set(err, ERR_TOO_LARGE, "rules of more than %u bytes", RULES_BYTES_MAX);
    rules->rules = arena_alloc(arena, RULES_MAX * sizeof *rules->rules);
    for (const uint8_t *at = text.ptr, *end = bytes_end(text); at < end;) {
        const uint8_t *newline = memchr(at, '\n', (size_t)(end - at)), *stop = newline == NULL ? end : newline;
        reader.rest = bytes_trim(bytes_between(at, stop));
        reader.line++;
        at = newline == NULL ? end : newline + 1;
        if (reader.rest.len == 0 || reader.rest.ptr[0] == '#') continue;
        if (rules->count == RULES_MAX) return refuse(&reader, "too many rules");
        struct rule *rule = &rules->rules[rules->count++];
        *rule = (struct rule){ 0 };
        if (!rule_read(&reader, rule)) return false;
    }
    *rules_out = rules;
    return true;
}

/* ---- matching ---- */

static bool frame_matches(const struct matcher *matcher, const struct error_frame *frame)
{
    switch (matcher->field) {
    case FIELD_FUNCTION:
        return glob_match(matcher->glob, frame->function, false) || glob_match(matcher->glob, frame->text, false);
    case FIELD_MODULE: return glob_match(matcher->glob, frame->module, false);
    default: return glob_match(matcher->glob, frame->file, false);
    }
}

static bool matcher_holds(const struct matcher *matcher, const struct error_event *event)
{
    if (matcher->field == FIELD_SERVICE) return glob_match(matcher->glob, event->service, true);
    if (matcher->field == FIELD_LANGUAGE) {
        return glob_match(matcher->glob, bytes_of_text(error_language_names[event->language]), true);
    }
    if (matcher->field == FIELD_APP) {
        const struct error_exception *first = &event->exceptions[0];
        bool is_app = first->frame_count > 0 && first->frames[0].in_app;
        return glob_match(matcher->glob, is_app ? BYTES("yes") : BYTES("no"), true);
    }
    for (uint32_t i = 0; i < event->exception_count; i++) {
        const struct error_exception *exception = &event->exceptions[i];
        if (matcher->field == FIELD_TYPE && glob_match(matcher->glob, exception->type, true)) return true;
        if (matcher->field == FIELD_MESSAGE) {
            struct bytes message = exception->message;
            if (message.len > ERROR_MESSAGE_BYTES_MAX) message.len = ERROR_MESSAGE_BYTES_MAX;
            if (glob_match(matcher->glob, message, true)) return true;
        }
        if (matcher->field == FIELD_TYPE || matcher->field == FIELD_MESSAGE) continue;
        for (uint32_t k = 0; k < exception->frame_count; k++) {
            if (frame_matches(matcher, &exception->frames[k])) return true;
        }
    }
    return false;
}

/* The innermost frame in app, else the innermost, of what was reported; NULL: it has none. */
static const struct error_frame *frame_of(const struct error_event *event)
{
    for (uint32_t i = 0; i < event->exception_count; i++) {
        const struct error_exception *exception = &event->exceptions[i];
        for (uint32_t k = 0; k < exception->frame_count; k++) {
            if (exception->frames[k].in_app) return &exception->frames[k];
        }
    }
    return event->exceptions[0].frame_count > 0 ? &event->exceptions[0].frames[0] : NULL;
}

static struct bytes part_of(struct arena *arena, const struct part *part, const struct error_event *event,
                            const struct fingerprint *base)
{
    static const struct error_frame none = { 0 };
    const struct error_frame *frame = frame_of(event);
    if (frame == NULL) frame = &none;
    switch (part->field) {
    case FIELD_DEFAULT: return arena_copy(arena, bytes_from(&base->key, sizeof base->key));
    case FIELD_TYPE: return event->exceptions[0].type;
    case FIELD_MESSAGE: return event->exceptions[0].template;
    case FIELD_FUNCTION: return frame->function;
    case FIELD_MODULE: return frame->module;
    case FIELD_PATH: return frame->file;
    case FIELD_SERVICE: return event->service;
    case FIELD_LANGUAGE: return bytes_of_text(error_language_names[event->language]);
    default: return part->word;
    }
}

bool rules_match(struct arena *arena, const struct fingerprint_rules *rules, const struct error_event *event,
                 const struct fingerprint *base, struct rule_match *match)
{
    for (uint32_t i = 0; i < rules->count; i++) {
        const struct rule *rule = &rules->rules[i];
        bool holds = true;
        for (uint32_t k = 0; k < rule->matcher_count && holds; k++) {
            holds = matcher_holds(&rule->matchers[k], event) != rule->matchers[k].is_not;
        }
        if (!holds) continue;
        *match = (struct rule_match){ .line = rule->line, .part_count = rule->part_count };
        for (uint32_t k = 0; k < rule->part_count; k++) match->parts[k] = part_of(arena, &rule->parts[k], event, base);
        return true;
    }
    return false;
}
