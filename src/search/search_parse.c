/* The search language, read by recursive descent:
 *
 *   any     = all { OR all }
 *   all     = unary { [AND] unary }
 *   unary   = { NOT | "-" } ( "(" any ")" | term | text )
 *   term    = name ":" ( value | ( ">" | ">=" | "<" | "<=" | "=" | "!=" ) value | value ".." value | "(" value { [OR] value } ")" )
 *   value   = word | "quoted"                  a "*" in it is a wildcard; alone: there is a value */
#include "search/search_inside.h"
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

const struct search_name search_names[] = {
#define N(short_name, name) { short_name, name },
#include "search/search_names.inc"
#undef N
    { NULL, NULL },
};
const char *const search_levels[6] = { "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL" };

#define ISSUE_DIGITS_MAX 12
#define PATTERN_ID_BYTES 36 /* a UUID, as text */

struct reader {
    struct arena *arena;
    const uint8_t *begin, *at, *end;
    uint32_t depth, terms;
    struct search_problem *problem;
};

static uint32_t place_of(const struct reader *reader, const uint8_t *at)
{
    return (uint32_t)(at - reader->begin);
}

static bool problem_at(struct reader *reader, const uint8_t *from, const uint8_t *to, const char *text)
{
    reader->problem->from = place_of(reader, from);
    reader->problem->to = place_of(reader, to > from ? to : from);
    snprintf(reader->problem->text, sizeof reader->problem->text, "%s", text);
    return false;
}

static void skip_blanks(struct reader *reader)
{
    while (reader->at < reader->end && isspace(*reader->at)) reader->at++;
}

/* A word ends at a blank or a bracket; what stands before a colon is a name. */
static bool ends_word(uint8_t c)
{
    return isspace(c) || c == '(' || c == ')' || c == '"';
}

static bool is_keyword(const struct reader *reader, const char *keyword)
{
    size_t len = strlen(keyword);
    return (size_t)(reader->end - reader->at) >= len && memcmp(reader->at, keyword, len) == 0 &&
           (reader->at + len == reader->end || ends_word(reader->at[len]));
}

static struct search_node *node_make(struct reader *reader, enum search_kind kind, const uint8_t *from)
{
    struct search_node *node = arena_calloc(reader->arena, sizeof *node);
    node->kind = kind;
    node->column = -1;
    node->from = place_of(reader, from);
    node->to = place_of(reader, reader->at);
    return node;
}

static struct search_node *node_join(struct reader *reader, enum search_kind kind, struct search_node *left,
                                     struct search_node *right)
{
    struct search_node *node = node_make(reader, kind, reader->begin + left->from);
    node->left = left;
    node->right = right;
    return node;
}

/* A word or "words". is_like: it has a "*" that is none of its characters. */
static bool value_read(struct reader *reader, bool ends_at_dots, struct bytes *value, bool *is_like)
{
    const uint8_t *from = reader->at;
    uint8_t *out = arena_alloc(reader->arena, 2 * (size_t)(reader->end - reader->at) + 2);
    size_t len = 0;
    bool is_quoted = reader->at < reader->end && *reader->at == '"', is_closed = !is_quoted;
    *is_like = false;
    if (is_quoted) reader->at++;
    while (reader->at < reader->end) {
        uint8_t c = *reader->at;
        if (is_quoted && c == '"') {
            reader->at++;
            is_closed = true;
            break;
        }
        if (!is_quoted && ends_word(c)) break;
        if (!is_quoted && ends_at_dots && c == '.' && reader->at + 1 < reader->end && reader->at[1] == '.') break;
        reader->at++;
        if (c == '\\' && reader->at < reader->end) {
            c = *reader->at++;
            if (c == '*' || c == '\\') out[len++] = '\\';
        } else if (c == '*' && !is_quoted) {
            *is_like = true;
        } else if (c == '*') {
            out[len++] = '\\';
        }
        out[len++] = c;
    }
    if (!is_closed)
        return problem_at(reader, from, reader->end, "a quote is opened and not closed: add a \" at its end");
    *value = bytes_from(out, len);
    if (!is_quoted && len == 0) return problem_at(reader, from, from + 1, "a value is missing here");
    return true;
}

/* What is no pattern has its escapes taken away. */
static struct bytes plain(struct reader *reader, struct bytes value)
{
    uint8_t *out = arena_alloc(reader->arena, value.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] == '\\' && i + 1 < value.len) i++;
        out[len++] = value.ptr[i];
    }
    return bytes_from(out, len);
}

static bool number_read(struct bytes text, double *number)
{
    char copy[64], *end;
    if (text.len == 0 || text.len >= sizeof copy || isspace(text.ptr[0])) return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    if (strpbrk(copy, "xXnNpP")) return false; /* no hexadecimal, no NaN */
    errno = 0;
    *number = strtod(copy, &end);
    return end == copy + text.len && isfinite(*number);
}

/* "1.5s" as nanoseconds; without a unit they are milliseconds, which people mean. */
static bool duration_read(struct bytes text, double *ns)
{
    static const struct {
        const char *unit;
        double ns;
    } units[] = { { "ns", 1 },  { "us", 1e3 }, { "\xC2\xB5s", 1e3 }, { "ms", 1e6 },
                  { "s", 1e9 }, { "m", 60e9 }, { "h", 3600e9 } };
    size_t digits = 0;
    while (digits < text.len && (isdigit(text.ptr[digits]) || text.ptr[digits] == '.')) digits++;
    struct bytes unit = bytes_from(text.ptr + digits, text.len - digits);
    if (!number_read(bytes_from(text.ptr, digits), ns)) return false;
    if (unit.len == 0) {
        *ns *= 1e6;
        return true;
    }
    for (size_t u = 0; u < COUNT_OF(units); u++) {
        if (!bytes_equal(unit, bytes_of_text(units[u].unit))) continue;
        *ns *= units[u].ns;
        return true;
    }
    return false;
}

static bool text_is(struct bytes text, const char *other)
{
    return text.len == strlen(other) && strncasecmp((const char *)text.ptr, other, text.len) == 0;
}

static struct bytes in_case(struct reader *reader, struct bytes text, int (*change)(int c))
{
    uint8_t *out = arena_alloc(reader->arena, text.len + 1);
    for (size_t i = 0; i < text.len; i++) out[i] = (uint8_t)change(text.ptr[i]);
    return bytes_from(out, text.len);
}

/* Which column, which class. */
void search_name_resolve(struct search_node *node)
{
    const struct schema_table *table = schema_table(SCHEMA_LOGS_AND_SPANS);
    node->is_pattern = bytes_equal(node->name, BYTES("pattern"));
    node->is_issue = bytes_equal(node->name, BYTES("issue"));
    for (const struct search_name *one = search_names; one->short_name; one++)
        if (bytes_equal(node->name, bytes_of_text(one->short_name))) node->name = bytes_of_text(one->name);
    static const struct {
        const char *name, *column;
    } plain_columns[] = { { "trace_id", "context___trace_id" },
                          { "span_id", "context___span_id" },
                          { "status", "status_code" } };
    struct bytes column = node->name;
    for (size_t c = 0; c < COUNT_OF(plain_columns); c++)
        if (bytes_equal(column, bytes_of_text(plain_columns[c].name))) column = bytes_of_text(plain_columns[c].column);
    node->column = schema_column_index(table, column);
    if (node->column < 0) node->column = schema_attribute_column(table, false, node->name);
    if (node->column < 0) node->column = schema_attribute_column(table, true, node->name);
    if (node->column < 0) {
        node->class = SEARCH_CLASS_ATTRIBUTE;
        return;
    }
    const struct schema_column *found = &table->columns[node->column];
    switch (found->type) {
    case SCHEMA_TYPE_INTEGER:
    case SCHEMA_TYPE_BIGINT:
    case SCHEMA_TYPE_DOUBLE: node->class = SEARCH_CLASS_NUMBER; break;
    case SCHEMA_TYPE_BOOLEAN: node->class = SEARCH_CLASS_BOOLEAN; break;
    case SCHEMA_TYPE_DATE:
    case SCHEMA_TYPE_TIMESTAMPTZ: node->class = SEARCH_CLASS_TIME; break;
    case SCHEMA_TYPE_JSON: node->class = SEARCH_CLASS_JSON; break;
    case SCHEMA_TYPE_TEXT_LIST:
    case SCHEMA_TYPE_BIGINT_LIST:
    case SCHEMA_TYPE_DOUBLE_LIST: node->class = SEARCH_CLASS_LIST; break;
    case SCHEMA_TYPE_UUID: node->class = SEARCH_CLASS_LOWER; break;
    case SCHEMA_TYPE_TEXT: node->class = SEARCH_CLASS_TEXT; break;
    }
    static const struct {
        const char *column;
        enum search_class class;
    } special[] = { { "duration", SEARCH_CLASS_DURATION },
                    { "level", SEARCH_CLASS_LEVEL },
                    { "status_code", SEARCH_CLASS_UPPER },
                    { "kind", SEARCH_CLASS_LOWER },
                    { "context___trace_id", SEARCH_CLASS_LOWER },
                    { "context___span_id", SEARCH_CLASS_LOWER },
                    { "parent_id", SEARCH_CLASS_LOWER },
                    { "attributes___http___response___status_code", SEARCH_CLASS_DIGITS },
                    { "attributes___db___response___status_code", SEARCH_CLASS_DIGITS } };
    for (size_t s = 0; s < COUNT_OF(special); s++)
        if (strcmp(special[s].column, found->name) == 0) node->class = special[s].class;
}

/* "status:500" means the answer's, "status:error" the span's. */
static void status_resolve(struct search_node *node, struct bytes value)
{
    if (!bytes_equal(node->name, BYTES("status")) || value.len == 0) return;
    if (!isdigit(value.ptr[0])) return;
    node->name = BYTES("http.response.status_code");
    search_name_resolve(node);
}

static bool is_ordered(enum search_test test)
{
    return test == SEARCH_LESS || test == SEARCH_AT_MOST || test == SEARCH_MORE || test == SEARCH_AT_LEAST;
}

/* "issue:12" and "issue:#12": a number, which becomes what no row has among its hashes. */
static bool issue_read(struct reader *reader, struct search_node *node)
{
    struct bytes digits = node->value;
    if (digits.len > 0 && digits.ptr[0] == '#') digits = bytes_from(digits.ptr + 1, digits.len - 1);
    bool ok = node->test == SEARCH_IS && digits.len > 0 && digits.len <= ISSUE_DIGITS_MAX && digits.ptr[0] != '0';
    for (size_t i = 0; ok && i < digits.len; i++) ok = isdigit(digits.ptr[i]);
    if (!ok) return false;
    node->value = bytes_of_text(arena_printf(reader->arena, "issue:%.*s", (int)digits.len, (const char *)digits.ptr));
    return true;
}

/* The value as its class has it. */
static bool term_value(struct reader *reader, struct search_node *node, struct bytes value, bool is_like,
                       const uint8_t *from)
{
    status_resolve(node, value);
    bool is_any = is_like && value.len == 1;
    if (is_any && is_ordered(node->test))
        return problem_at(reader, from, reader->at, "an order needs a value: such as duration:>1s");
    if (is_any) {
        node->test = SEARCH_HAS;
        return true;
    }
    if (is_like && is_ordered(node->test))
        return problem_at(reader, from, reader->at, "a \"*\" cannot be in an order; quote it to mean the character");
    node->value = is_like ? value : plain(reader, value);
    if (is_like) node->test = SEARCH_LIKE;
    if (node->is_pattern && node->value.len == PATTERN_ID_BYTES) {
        uint8_t *element = arena_alloc(reader->arena, 4 + PATTERN_ID_BYTES);
        memcpy(element, "pat:", 4);
        memcpy(element + 4, node->value.ptr, PATTERN_ID_BYTES);
        node->value = bytes_from(element, 4 + PATTERN_ID_BYTES);
    }
    if (node->is_issue && !issue_read(reader, node))
        return problem_at(reader, from, reader->at, "an issue's number belongs here: issue:12");
    switch (node->class) {
    case SEARCH_CLASS_NUMBER:
    case SEARCH_CLASS_DIGITS:
        if (!is_like && !number_read(node->value, &node->number) &&
            (node->class == SEARCH_CLASS_NUMBER || is_ordered(node->test)))
            return problem_at(reader, from, reader->at, "a number belongs here");
        if (is_like && node->class == SEARCH_CLASS_NUMBER)
            return problem_at(reader, from, reader->at,
                              "a number belongs here: an order such as >=500, or a range such as 500..599");
        break;
    case SEARCH_CLASS_DURATION:
        if (is_like || !duration_read(node->value, &node->number))
            return problem_at(reader, from, reader->at, "a length of time belongs here: 200ms, 1.5s, 2m");
        break;
    case SEARCH_CLASS_LEVEL:
        for (node->level = 0; node->level < 6; node->level++)
            if (text_is(node->value, search_levels[node->level])) break;
        if (text_is(node->value, "warning")) node->level = 3;
        if (text_is(node->value, "critical")) node->level = 5;
        if (node->level == 6 || is_like)
            return problem_at(reader, from, reader->at,
                              "a level belongs here: trace, debug, info, warn, error or fatal");
        break;
    case SEARCH_CLASS_BOOLEAN:
        if (!text_is(node->value, "true") && !text_is(node->value, "false"))
            return problem_at(reader, from, reader->at, "true or false belongs here");
        break;
    case SEARCH_CLASS_TIME:
        return problem_at(reader, from, reader->at, "times are chosen by the range, not in the search");
    case SEARCH_CLASS_LOWER: node->value = in_case(reader, node->value, tolower); break;
    case SEARCH_CLASS_UPPER: node->value = in_case(reader, node->value, toupper); break;
    case SEARCH_CLASS_ATTRIBUTE:
        if (is_ordered(node->test) && !number_read(node->value, &node->number))
            return problem_at(reader, from, reader->at, "an order of attributes needs a number");
        break;
    case SEARCH_CLASS_TEXT:
    case SEARCH_CLASS_JSON:
    case SEARCH_CLASS_LIST:
    case SEARCH_CLASS_EXCEPTION: break;
    }
    if (is_ordered(node->test) &&
        (node->class == SEARCH_CLASS_BOOLEAN || node->class == SEARCH_CLASS_JSON || node->class == SEARCH_CLASS_LIST ||
         node->class == SEARCH_CLASS_LOWER || node->class == SEARCH_CLASS_UPPER))
        return problem_at(reader, from, reader->at, "this field has no order: name one value");
    return true;
}

static bool operator_read(struct reader *reader, enum search_test *test, bool *is_not)
{
    static const struct {
        const char *text;
        enum search_test test;
        bool is_not;
    } operators[] = { { ">=", SEARCH_AT_LEAST, false }, { "<=", SEARCH_AT_MOST, false }, { "!=", SEARCH_IS, true },
                      { ">", SEARCH_MORE, false },      { "<", SEARCH_LESS, false },     { "=", SEARCH_IS, false } };
    *test = SEARCH_IS;
    *is_not = false;
    for (size_t o = 0; o < COUNT_OF(operators); o++) {
        size_t len = strlen(operators[o].text);
        if ((size_t)(reader->end - reader->at) < len || memcmp(reader->at, operators[o].text, len) != 0) continue;
        reader->at += len;
        *test = operators[o].test;
        *is_not = operators[o].is_not;
        return true;
    }
    return true;
}

static struct search_node *term_make(struct reader *reader, struct bytes name, enum search_test test,
                                     const uint8_t *from)
{
    struct search_node *node = node_make(reader, SEARCH_TERM, from);
    node->name = name;
    node->test = test;
    search_name_resolve(node);
    return node;
}

static bool terms_count(struct reader *reader, const uint8_t *from)
{
    return ++reader->terms <= SEARCH_TERMS_MAX || problem_at(reader, from, reader->at, "the search has too many terms");
}

/* value, or value..value */
static bool one_value(struct reader *reader, struct bytes name, const uint8_t *from, struct search_node **out)
{
    const uint8_t *value_from = reader->at;
    enum search_test test;
    bool is_not, is_like;
    struct bytes value;
    if (!operator_read(reader, &test, &is_not) || !value_read(reader, true, &value, &is_like) ||
        !terms_count(reader, from))
        return false;
    bool is_range = reader->end - reader->at >= 2 && reader->at[0] == '.' && reader->at[1] == '.';
    if (is_range && (test != SEARCH_IS || is_not || is_like))
        return problem_at(reader, value_from, reader->at, "a range is two values: 200..299");
    struct search_node *node = term_make(reader, name, is_range ? SEARCH_AT_LEAST : test, from);
    if (!term_value(reader, node, value, is_like, value_from)) return false;
    if (is_range) {
        reader->at += 2;
        const uint8_t *to_from = reader->at;
        struct search_node *to = term_make(reader, name, SEARCH_AT_MOST, from);
        if (!value_read(reader, false, &value, &is_like) || !term_value(reader, to, value, is_like, to_from))
            return false;
        node = node_join(reader, SEARCH_AND, node, to);
    }
    node->to = place_of(reader, reader->at);
    *out = is_not ? node_join(reader, SEARCH_NOT, node, NULL) : node;
    return true;
}

static bool value_list(struct reader *reader, struct bytes name, const uint8_t *from, struct search_node **out)
{
    const uint8_t *bracket = reader->at++;
    *out = NULL;
    for (;;) {
        skip_blanks(reader);
        if (reader->at == reader->end)
            return problem_at(reader, bracket, reader->end, "a bracket is opened and not closed: add a ) at its end");
        if (*reader->at == ')') break;
        if (is_keyword(reader, "OR")) {
            reader->at += 2;
            continue;
        }
        struct search_node *one;
        if (!one_value(reader, name, from, &one)) return false;
        *out = *out ? node_join(reader, SEARCH_OR, *out, one) : one;
    }
    reader->at++;
    return *out || problem_at(reader, bracket, reader->at, "there is no value between the brackets");
}

static bool has_read(struct reader *reader, const uint8_t *from, struct search_node **out)
{
    struct bytes value;
    bool is_like;
    if (!value_read(reader, false, &value, &is_like) || !terms_count(reader, from)) return false;
    *out = term_make(reader, plain(reader, value), SEARCH_HAS, from);
    if (bytes_equal((*out)->name, BYTES("exception"))) (*out)->class = SEARCH_CLASS_EXCEPTION;
    return true;
}

/* The name before a colon, when there is one: letters, digits and what OpenTelemetry's names have. */
static bool name_read(struct reader *reader, struct bytes *name)
{
    const uint8_t *at = reader->at;
    while (at < reader->end &&
           (isalnum(*at) || *at == '_' || *at == '.' || *at == '-' || *at == '/' || *at == '@' || *at >= 0x80))
        at++;
    if (at == reader->at || at == reader->end || *at != ':' || (at + 2 < reader->end && at[1] == '/' && at[2] == '/'))
        return false;
    *name = bytes_from(reader->at, (size_t)(at - reader->at));
    reader->at = at + 1;
    return true;
}

static bool any_read(struct reader *reader, struct search_node **out);

static bool primary_read(struct reader *reader, struct search_node **out)
{
    const uint8_t *from = reader->at;
    struct bytes name, value;
    bool is_like;
    if (*reader->at == '(') {
        reader->at++;
        if (!any_read(reader, out)) return false;
        skip_blanks(reader);
        if (reader->at == reader->end || *reader->at != ')')
            return problem_at(reader, from, reader->end, "a bracket is opened and not closed: add a ) at its end");
        reader->at++;
        return true;
    }
    if (name_read(reader, &name)) {
        if (reader->at == reader->end || isspace(*reader->at))
            return problem_at(reader, from, reader->at, "a value is missing behind the colon; * means any");
        if (bytes_equal(name, BYTES("has"))) return has_read(reader, from, out);
        return *reader->at == '(' ? value_list(reader, name, from, out) : one_value(reader, name, from, out);
    }
    if (!value_read(reader, false, &value, &is_like) || !terms_count(reader, from)) return false;
    *out = node_make(reader, SEARCH_TEXT, from);
    (*out)->test = is_like ? SEARCH_LIKE : SEARCH_IS;
    (*out)->value = is_like ? value : plain(reader, value);
    if ((*out)->value.len == 0) return problem_at(reader, from, reader->at, "there is nothing between the quotes");
    return true;
}

static bool unary_read(struct reader *reader, struct search_node **out)
{
    const uint8_t *from = reader->at;
    bool is_not = false;
    for (;;) {
        if (*reader->at == '-') {
            reader->at++;
        } else if (is_keyword(reader, "NOT")) {
            reader->at += 3;
            skip_blanks(reader);
        } else {
            break;
        }
        is_not = !is_not;
        if (reader->at == reader->end || isspace(*reader->at) || *reader->at == ')')
            return problem_at(reader, from, reader->at, "what is not wanted is missing here");
    }
    if (!primary_read(reader, out)) return false;
    if (is_not) *out = node_join(reader, SEARCH_NOT, *out, NULL);
    return true;
}

static bool all_read(struct reader *reader, struct search_node **out)
{
    *out = NULL;
    for (;;) {
        skip_blanks(reader);
        if (reader->at == reader->end || *reader->at == ')' || is_keyword(reader, "OR")) break;
        if (is_keyword(reader, "AND")) {
            if (!*out) return problem_at(reader, reader->at, reader->at + 3, "something is missing before AND");
            reader->at += 3;
            skip_blanks(reader);
            if (reader->at == reader->end || *reader->at == ')' || is_keyword(reader, "OR") ||
                is_keyword(reader, "AND"))
                return problem_at(reader, reader->at - 1, reader->at, "something is missing behind AND");
        }
        struct search_node *one;
        if (!unary_read(reader, &one)) return false;
        *out = *out ? node_join(reader, SEARCH_AND, *out, one) : one;
    }
    return *out || problem_at(reader, reader->at, reader->at < reader->end ? reader->at + 1 : reader->at,
                              "a term is missing here");
}

static bool any_read(struct reader *reader, struct search_node **out)
{
    if (++reader->depth > SEARCH_DEPTH_MAX)
        return problem_at(reader, reader->at, reader->at, "brackets are nested too deep");
    if (!all_read(reader, out)) return false;
    for (;;) {
        skip_blanks(reader);
        if (reader->at == reader->end || !is_keyword(reader, "OR")) break;
        reader->at += 2;
        struct search_node *right;
        if (!all_read(reader, &right)) return false;
        *out = node_join(reader, SEARCH_OR, *out, right);
    }
    reader->depth--;
    return true;
}

bool search_parse(struct arena *arena, struct bytes text, struct search_node **root, struct search_problem *problem)
{
    struct reader reader = {
        .arena = arena, .begin = text.ptr, .at = text.ptr, .end = text.ptr + text.len, .problem = problem
    };
    *problem = (struct search_problem){ 0 };
    if (text.len > SEARCH_BYTES_MAX) return problem_at(&reader, reader.begin, reader.begin, "the search is too long");
    skip_blanks(&reader);
    if (reader.at == reader.end) {
        *root = node_make(&reader, SEARCH_ALL, reader.begin);
        return true;
    }
    if (!any_read(&reader, root)) return false;
    return reader.at == reader.end || problem_at(&reader, reader.at, reader.at + 1, "this bracket closes none");
}
