#include "timefusion/query/jsonpath_tree.h"
#include <stdlib.h>

#define PARSE_DEPTH_MAX 64
#define NODES_MAX       1000
#define REGEX_BYTES_MAX 1000

struct parser {
    const char *at, *end;
    struct arena *arena;
    struct jsonpath *path;
    struct err *err;
    uint32_t depth, nodes;
};

static struct node *failed(struct parser *parser, const char *what)
{
    if (parser->err->code == ERR_OK)
        err_set(parser->err, ERR_SYNTAX, "syntax error in jsonpath: %s at \"%.*s\"", what,
                (int)(parser->end - parser->at < 20 ? parser->end - parser->at : 20), parser->at);
    return NULL;
}

static struct node *node_create(struct parser *parser, enum node_kind kind, struct node *left, struct node *right)
{
    if (++parser->nodes > NODES_MAX) return failed(parser, "too many parts");
    struct node *node = arena_calloc(parser->arena, sizeof *node);
    *node = (struct node){ .kind = kind, .left = left, .right = right };
    return node;
}

static void space_skip(struct parser *parser)
{
    while (parser->at < parser->end && strchr(" \t\r\n\f", *parser->at)) parser->at++;
}

static bool is_name(char byte)
{
    return ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z') || (byte >= '0' && byte <= '9') || byte == '_' ||
           (unsigned char)byte >= 0x80;
}

static bool take(struct parser *parser, const char *mark)
{
    size_t len = strlen(mark);
    space_skip(parser);
    if ((size_t)(parser->end - parser->at) < len || memcmp(parser->at, mark, len) != 0) return false;
    parser->at += len;
    return true;
}

/* A word of the language, not the beginning of a longer one. */
static bool take_word(struct parser *parser, const char *word)
{
    size_t len = strlen(word);
    space_skip(parser);
    if ((size_t)(parser->end - parser->at) < len || memcmp(parser->at, word, len) != 0) return false;
    if (parser->at + len < parser->end && is_name(parser->at[len])) return false;
    parser->at += len;
    return true;
}

/* "..." by yyjson, which knows all escapes. */
static bool text_take(struct parser *parser, struct bytes *text)
{
    space_skip(parser);
    const char *from = parser->at, *to = from;
    if (from >= parser->end || *from != '"') return false;
    for (to++; to < parser->end && *to != '"'; to++)
        if (*to == '\\') to++;
    if (to >= parser->end) return failed(parser, "a text does not end") != NULL;
    to++;
    yyjson_doc *doc = yyjson_read(from, (size_t)(to - from), 0);
    if (!doc || !yyjson_is_str(yyjson_doc_get_root(doc))) {
        yyjson_doc_free(doc);
        return failed(parser, "no text") != NULL;
    }
    yyjson_val *root = yyjson_doc_get_root(doc);
    *text = arena_copy(parser->arena, bytes_from(yyjson_get_str(root), yyjson_get_len(root)));
    yyjson_doc_free(doc);
    parser->at = to;
    return true;
}

static bool name_take(struct parser *parser, struct bytes *name)
{
    if (parser->at < parser->end && *parser->at == '"') return text_take(parser, name);
    const char *from = parser->at;
    while (parser->at < parser->end && is_name(*parser->at)) parser->at++;
    if (parser->at == from) return failed(parser, "a name is missing") != NULL;
    *name = arena_copy(parser->arena, bytes_from(from, (size_t)(parser->at - from)));
    return true;
}

static bool whole_take(struct parser *parser, uint32_t *number)
{
    space_skip(parser);
    if (take_word(parser, "last")) {
        *number = UINT32_MAX;
        return true;
    }
    uint32_t value = 0;
    const char *from = parser->at;
    while (parser->at < parser->end && *parser->at >= '0' && *parser->at <= '9' && value < 100000)
        value = value * 10 + (uint32_t)(*parser->at++ - '0');
    *number = value;
    return parser->at > from || failed(parser, "a whole number is missing") != NULL;
}

static struct node *either(struct parser *parser);    /* || */
static struct node *sum(struct parser *parser);       /* + - */
static struct node *predicate(struct parser *parser); /* ==, exists ... */

static struct node *regex_make(struct parser *parser, struct node *left)
{
    struct bytes pattern, flags = { 0 };
    if (!text_take(parser, &pattern)) return failed(parser, "like_regex needs a text");
    if (take_word(parser, "flag") && !text_take(parser, &flags)) return failed(parser, "flag needs a text");
    bool is_quoted = false, ignores_case = false;
    for (size_t i = 0; i < flags.len; i++) {
        ignores_case = ignores_case || flags.ptr[i] == 'i';
        is_quoted = is_quoted || flags.ptr[i] == 'q';
        if (!strchr("iqs", flags.ptr[i])) return failed(parser, "like_regex knows the flags i, q and s");
    }
    if (pattern.len > REGEX_BYTES_MAX || (pattern.len > 0 && memchr(pattern.ptr, '\0', pattern.len)))
        return failed(parser, "the pattern of like_regex is too long");
    char *text = arena_alloc(parser->arena, 2 * pattern.len + 16), *to = stpcpy(text, ignores_case ? "(?i:" : "(?-i:");
    for (size_t i = 0; i < pattern.len; i++) {
        if (is_quoted && strchr("\\^$.[]|()*+?{}", pattern.ptr[i])) *to++ = '\\';
        *to++ = (char)pattern.ptr[i];
    }
    stpcpy(to, ")");
    struct node *node = node_create(parser, NODE_LIKE_REGEX, left, NULL);
    struct err err = { .code = ERR_OK };
    if (!node) return NULL;
    if (!regex_create_any_case(&node->regex, text, &err))
        return failed(parser, "like_regex does not understand the pattern");
    node->next = parser->path->regexes;
    parser->path->regexes = node;
    return node;
}

static struct node *ranges(struct parser *parser, struct node *left)
{
    struct node *index = node_create(parser, NODE_INDEX, left, NULL), **tail = index ? &index->right : NULL;
    do {
        if (!index) return NULL;
        struct node *from = sum(parser), *to = NULL;
        if (!from) return NULL;
        if (take_word(parser, "to") && !(to = sum(parser))) return NULL;
        struct node *range = node_create(parser, NODE_RANGE, from, to);
        if (!range) return NULL;
        *tail = range;
        tail = &range->next;
    } while (take(parser, ","));
    return take(parser, "]") ? index : failed(parser, "] is missing");
}

static struct node *member(struct parser *parser, struct node *left)
{
    static const char *const methods[] = { "type", "size", "double", "ceiling", "floor", "abs" };
    if (take(parser, "**")) {
        struct node *levels = node_create(parser, NODE_LEVELS, left, NULL);
        if (!levels) return NULL;
        levels->to_level = UINT32_MAX;
        if (take(parser, "{")) {
            if (!whole_take(parser, &levels->from_level)) return NULL;
            levels->to_level = levels->from_level;
            if (take_word(parser, "to") && !whole_take(parser, &levels->to_level)) return NULL;
            if (!take(parser, "}")) return failed(parser, "} is missing");
        }
        return levels;
    }
    if (take(parser, "*")) return node_create(parser, NODE_ANY_MEMBER, left, NULL);
    struct bytes name;
    space_skip(parser);
    bool is_quoted = parser->at < parser->end && *parser->at == '"';
    if (!name_take(parser, &name)) return NULL;
    if (!is_quoted && take(parser, "(")) {
        if (!take(parser, ")")) return failed(parser, ") is missing");
        for (size_t i = 0; i < COUNT_OF(methods); i++) {
            if (!bytes_equal(name, bytes_of_text(methods[i]))) continue;
            struct node *method = node_create(parser, NODE_METHOD, left, NULL);
            if (method) method->method = (enum method)i;
            return method;
        }
        return failed(parser, "there are the methods type, size, double, ceiling, floor and abs");
    }
    struct node *node = node_create(parser, NODE_MEMBER, left, NULL);
    if (node) node->text = name;
    return node;
}

static struct node *steps(struct parser *parser, struct node *node)
{
    while (node) {
        if (take(parser, ".")) {
            node = member(parser, node);
        } else if (take(parser, "[")) {
            if (take(parser, "*"))
                node = take(parser, "]") ? node_create(parser, NODE_ANY_INDEX, node, NULL)
                                         : failed(parser, "] is missing");
            else
                node = ranges(parser, node);
        } else if (take(parser, "?")) {
            struct node *filter = take(parser, "(") ? either(parser) : failed(parser, "( is missing");
            if (!filter) return NULL;
            if (!node_is_predicate(filter)) return failed(parser, "a filter needs a condition");
            if (!take(parser, ")")) return failed(parser, ") is missing");
            node = node_create(parser, NODE_FILTER, node, filter);
        } else {
            return node;
        }
    }
    return NULL;
}

static struct node *number(struct parser *parser)
{
    char text[40] = { 0 }, *end;
    size_t len = 0;
    while (parser->at + len < parser->end && len < sizeof text - 1 && strchr("0123456789.eE", parser->at[len]) &&
           !(parser->at[len] == '.' && parser->at + len + 1 < parser->end &&
             !(parser->at[len + 1] >= '0' && parser->at[len + 1] <= '9'))) {
        bool is_exponent = (parser->at[len] | 0x20) == 'e';
        text[len] = parser->at[len];
        len++;
        if (is_exponent && parser->at + len < parser->end && len < sizeof text - 1 && strchr("+-", parser->at[len])) {
            text[len] = parser->at[len];
            len++;
        }
    }
    double value = strtod(text, &end);
    if (len == 0 || *end != '\0') return failed(parser, "no number");
    parser->at += len;
    struct node *node = node_create(parser, NODE_NUMBER, NULL, NULL);
    if (node) node->number = value;
    return node;
}

static struct node *primary(struct parser *parser)
{
    static const struct {
        const char *word;
        enum node_kind kind;
    } words[] = { { "true", NODE_TRUE }, { "false", NODE_FALSE }, { "null", NODE_NULL }, { "last", NODE_LAST } };
    struct node *node;
    space_skip(parser);
    if (parser->at >= parser->end) return failed(parser, "something is missing");
    if (*parser->at == '"') {
        node = node_create(parser, NODE_TEXT, NULL, NULL);
        return node && text_take(parser, &node->text) ? node : NULL;
    }
    if ((*parser->at >= '0' && *parser->at <= '9') || *parser->at == '.') return number(parser);
    if (take(parser, "@")) return node_create(parser, NODE_CURRENT, NULL, NULL);
    if (take(parser, "$")) {
        if (parser->at >= parser->end || !(is_name(*parser->at) || *parser->at == '"'))
            return node_create(parser, NODE_ROOT, NULL, NULL);
        node = node_create(parser, NODE_VARIABLE, NULL, NULL);
        return node && name_take(parser, &node->text) ? node : NULL;
    }
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (take_word(parser, words[i].word)) return node_create(parser, words[i].kind, NULL, NULL);
    if (take(parser, "(")) {
        node = either(parser);
        if (node && !take(parser, ")")) return failed(parser, ") is missing");
        return node;
    }
    return failed(parser, "this is not understood");
}

static struct node *sign(struct parser *parser)
{
    if (++parser->depth > PARSE_DEPTH_MAX) return failed(parser, "nested too deeply");
    struct node *node, *zero;
    if (take(parser, "-")) {
        node = sign(parser);
        zero = node ? node_create(parser, NODE_SUBTRACT, NULL, node) : NULL;
        node = zero;
    } else if (take(parser, "+")) {
        node = sign(parser);
        node = node ? node_create(parser, NODE_ADD, NULL, node) : NULL;
    } else {
        node = steps(parser, primary(parser));
    }
    parser->depth--;
    return node;
}

static struct node *product(struct parser *parser)
{
    struct node *node = sign(parser);
    while (node) {
        enum node_kind kind;
        if (take(parser, "*"))
            kind = NODE_MULTIPLY;
        else if (take(parser, "/"))
            kind = NODE_DIVIDE;
        else if (take(parser, "%"))
            kind = NODE_MODULO;
        else
            break;
        struct node *right = sign(parser);
        node = right ? node_create(parser, kind, node, right) : NULL;
    }
    return node;
}

static struct node *sum(struct parser *parser)
{
    struct node *node = product(parser);
    while (node) {
        enum node_kind kind;
        if (take(parser, "+"))
            kind = NODE_ADD;
        else if (take(parser, "-"))
            kind = NODE_SUBTRACT;
        else
            break;
        struct node *right = product(parser);
        node = right ? node_create(parser, kind, node, right) : NULL;
    }
    return node;
}

static struct node *predicate(struct parser *parser)
{
    static const struct {
        const char *mark;
        enum node_kind kind;
    } marks[] = { { "==", NODE_EQUAL },      { "!=", NODE_NOT_EQUAL }, { "<>", NODE_NOT_EQUAL },
                  { "<=", NODE_LESS_EQUAL }, { "<", NODE_LESS },       { ">=", NODE_GREATER_EQUAL },
                  { ">", NODE_GREATER } };
    struct node *node, *right;
    if (take(parser, "!")) {
        if (++parser->depth > PARSE_DEPTH_MAX) return failed(parser, "nested too deeply");
        node = predicate(parser);
        parser->depth--;
        if (node && !node_is_predicate(node)) return failed(parser, "! needs a condition");
        return node ? node_create(parser, NODE_NOT, node, NULL) : NULL;
    }
    if (take_word(parser, "exists")) {
        if (!take(parser, "(")) return failed(parser, "( is missing");
        node = sum(parser);
        if (node && !take(parser, ")")) return failed(parser, ") is missing");
        return node ? node_create(parser, NODE_EXISTS, node, NULL) : NULL;
    }
    node = sum(parser);
    if (!node) return NULL;
    if (node_is_predicate(node)) {
        if (take_word(parser, "is")) {
            if (!take_word(parser, "unknown")) return failed(parser, "unknown is missing");
            return node_create(parser, NODE_IS_UNKNOWN, node, NULL);
        }
        return node;
    }
    for (size_t i = 0; i < COUNT_OF(marks); i++) {
        if (!take(parser, marks[i].mark)) continue;
        right = sum(parser);
        return right ? node_create(parser, marks[i].kind, node, right) : NULL;
    }
    if (take_word(parser, "starts")) {
        if (!take_word(parser, "with")) return failed(parser, "with is missing");
        right = primary(parser);
        return right ? node_create(parser, NODE_STARTS_WITH, node, right) : NULL;
    }
    if (take_word(parser, "like_regex")) return regex_make(parser, node);
    return node;
}

static struct node *both(struct parser *parser)
{
    struct node *node = predicate(parser);
    while (node && take(parser, "&&")) {
        struct node *right = predicate(parser);
        if (!right) return NULL;
        if (!node_is_predicate(node) || !node_is_predicate(right)) return failed(parser, "&& needs conditions");
        node = node_create(parser, NODE_AND, node, right);
    }
    return node;
}

static struct node *either(struct parser *parser)
{
    if (++parser->depth > PARSE_DEPTH_MAX) return failed(parser, "nested too deeply");
    struct node *node = both(parser);
    while (node && take(parser, "||")) {
        struct node *right = both(parser);
        if (!right) return NULL;
        if (!node_is_predicate(node) || !node_is_predicate(right)) return failed(parser, "|| needs conditions");
        node = node_create(parser, NODE_OR, node, right);
    }
    parser->depth--;
    return node;
}

bool jsonpath_parse(struct jsonpath **out, struct bytes text, struct arena *arena, struct err *err)
{
    struct jsonpath *path = arena_calloc(arena, sizeof *path);
    struct parser parser = { .at = text.len ? (const char *)text.ptr : "", .arena = arena, .path = path, .err = err };
    parser.end = parser.at + text.len;
    *out = NULL;
    *err = (struct err){ .code = ERR_OK };
    if (text.len > JSONPATH_BYTES_MAX)
        return err_set(err, ERR_TOO_LARGE, "a jsonpath has at most %d bytes", JSONPATH_BYTES_MAX);
    if (take_word(&parser, "strict"))
        path->is_strict = true;
    else
        take_word(&parser, "lax");
    path->top = either(&parser);
    space_skip(&parser);
    if (path->top && parser.at < parser.end) path->top = failed(&parser, "this is not understood");
    if (!path->top) {
        if (err->code == ERR_OK) err_set(err, ERR_SYNTAX, "syntax error in jsonpath");
        jsonpath_free(path);
        return false;
    }
    *out = path;
    return true;
}

void jsonpath_free(struct jsonpath *path)
{
    for (struct node *node = path ? path->regexes : NULL; node; node = node->next) {
        regex_destroy(node->regex);
        node->regex = NULL;
    }
    if (path) path->regexes = NULL;
}
