#include "search/match.h"
#include "base/json.h"
#include "base/json_object.h"
#include "regex/regex.h"
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Texts that free words are looked for in: as search_sql.c has them. */
static const uint32_t places[] = { LOGS_AND_SPANS_name, LOGS_AND_SPANS_body, LOGS_AND_SPANS_status_message,
                                   LOGS_AND_SPANS_attributes___exception___message };

/* A node of the tree, with what can be made ready once for all rows. */
struct node {
    const struct search_node *of;
    struct node *left, *right;
    struct regex *pattern; /* words, in any case; NULL: none are looked for */
    struct bytes value;    /* without NUL, as no text of SQL has one */
    struct bytes *pieces;  /* of a pattern with "*": what stands between them */
    uint32_t piece_count;
};
struct search_match {
    struct arena arena;
    struct node *root;
};

/* ---- making it ---- */

static bool refuse(const struct search_node *node, struct search_problem *problem, const char *words)
{
    problem->from = node->from;
    problem->to = node->to;
    snprintf(problem->text, sizeof problem->text, "%.*s", (int)sizeof problem->text - 1, words);
    return false;
}

static struct bytes without_nul(struct arena *arena, struct bytes text)
{
    uint8_t *out = arena_alloc(arena, text.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] != '\0') out[len++] = text.ptr[i];
    return bytes_from(out, len);
}

/* "a*b\*" as the pieces "a" and "b*"; with is_inside anything may stand around the whole. */
static void pieces_make(struct arena *arena, struct node *node, bool is_inside)
{
    struct bytes value = node->of->value;
    struct bytes *pieces = arena_alloc(arena, (value.len + 3) * sizeof *pieces);
    uint8_t *text = arena_alloc(arena, value.len + 1), *begin = text;
    uint32_t count = 0;
    if (is_inside) pieces[count++] = bytes_from(text, 0);
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = value.ptr[i];
        bool is_escaped = c == '\\' && i + 1 < value.len;
        if (is_escaped) c = value.ptr[++i];
        if (c == '*' && !is_escaped) {
            pieces[count++] = bytes_from(begin, (size_t)(text - begin));
            begin = text;
        } else if (c != '\0') {
            *text++ = c;
        }
    }
    pieces[count++] = bytes_from(begin, (size_t)(text - begin));
    if (is_inside) pieces[count++] = bytes_from(text, 0);
    node->pieces = pieces;
    node->piece_count = count;
}

static bool words_make(struct search_match *match, struct node *node, struct search_problem *problem)
{
    struct err err = { 0 };
    struct bytes regex = search_regex(&match->arena, node->of);
    const char *text = arena_printf(&match->arena, "%.*s", (int)regex.len, (const char *)regex.ptr);
    return regex_create_any_case(&node->pattern, text, &err) || refuse(node->of, problem, err.text);
}

/* Do columns hold attributes whose names go on below this one? Then SQL makes an object of them. */
static bool is_group(struct bytes name)
{
    const struct schema_table *table = schema_table(SCHEMA_LOGS_AND_SPANS);
    for (uint32_t c = 0; c < table->column_count; c++) {
        const char *attribute = table->columns[c].attribute;
        if (strlen(attribute) > name.len && memcmp(attribute, name.ptr, name.len) == 0 && attribute[name.len] == '.')
            return true;
    }
    return false;
}

static bool term_make(struct search_match *match, struct node *node, struct search_problem *problem)
{
    const struct search_node *of = node->of;
    if (of->class == SEARCH_CLASS_ATTRIBUTE && is_group(of->name))
        return refuse(of, problem, "this names a group of attributes: while the tail is live, name one of them");
    if (of->column == (int)LOGS_AND_SPANS_attributes || of->column == (int)LOGS_AND_SPANS_resource)
        return refuse(of, problem, "all attributes at once cannot be watched live: name one of them");
    if (of->is_issue)
        return refuse(of, problem,
                      "issues are not known while the tail is live: name one of its errors, hashes:err:ID");
    if (of->test == SEARCH_HAS) return true;
    if (of->class == SEARCH_CLASS_JSON) return words_make(match, node, problem);
    if (of->test == SEARCH_LIKE) pieces_make(&match->arena, node, of->class == SEARCH_CLASS_LIST);
    return true;
}

static bool node_make(struct search_match *match, const struct search_node *of, struct node **out,
                      struct search_problem *problem)
{
    struct node *node = arena_calloc(&match->arena, sizeof *node);
    *out = node; /* also of a half-made tree all is found again */
    node->of = of;
    node->value = without_nul(&match->arena, of->value);
    if (of->left && !node_make(match, of->left, &node->left, problem)) return false;
    if (of->right && !node_make(match, of->right, &node->right, problem)) return false;
    if (of->kind == SEARCH_TEXT) return words_make(match, node, problem);
    return of->kind != SEARCH_TERM || term_make(match, node, problem);
}

static void node_free(struct node *node)
{
    if (!node) return;
    node_free(node->left);
    node_free(node->right);
    regex_destroy(node->pattern);
}

bool search_match_create(struct search_match **out, struct bytes text, struct search_problem *problem)
{
    struct search_match *match = mem_calloc(1, sizeof *match);
    struct search_node *root;
    arena_init(&match->arena, 4096);
    if (search_parse(&match->arena, arena_copy(&match->arena, text), &root, problem) &&
        node_make(match, root, &match->root, problem)) {
        *out = match;
        return true;
    }
    search_match_destroy(match);
    *out = NULL;
    return false;
}

void search_match_destroy(struct search_match *match)
{
    if (!match) return;
    node_free(match->root);
    arena_deinit(&match->arena);
    free(match);
}

/* ---- a row ---- */

void search_row_init(struct search_row *row, const struct columns *columns, struct uuid project_id)
{
    *row = (struct search_row){ .columns = columns, .project_id = project_id };
    buf_init(&row->scratch, SIZE_MAX / 4);
}

void search_row_deinit(struct search_row *row)
{
    buf_deinit(&row->scratch);
}

/* The place of the last row's value; false: it has none. */
static bool value_at(const struct search_row *row, uint32_t column, struct columns_view *view, uint32_t *at)
{
    columns_view(row->columns, column, view);
    *at = view->value_count - 1;
    return view->value_count > 0 && view->rows[*at] == columns_row_count(row->columns) - 1;
}

static struct bytes element_text(const struct columns_view *view, uint32_t element)
{
    const uint8_t *record = view->records ? view->records[element] : view->dictionary[view->ids[element]];
    uint32_t len;
    memcpy(&len, record, sizeof len);
    return bytes_from(record + sizeof len, len);
}

bool search_row_text(const struct search_row *row, uint32_t column, struct bytes *text)
{
    struct columns_view view;
    uint32_t at;
    if (!value_at(row, column, &view, &at) || view.kind != COLUMNS_TEXT || view.is_list) return false;
    *text = element_text(&view, at);
    return true;
}

bool search_row_int(const struct search_row *row, uint32_t column, int64_t *number)
{
    struct columns_view view;
    uint32_t at;
    if (!value_at(row, column, &view, &at) || view.kind != COLUMNS_INT || view.is_list) return false;
    *number = view.ints[at];
    return true;
}

bool search_row_bool(const struct search_row *row, uint32_t column, bool *value)
{
    struct columns_view view;
    uint32_t at;
    if (!value_at(row, column, &view, &at) || view.kind != COLUMNS_BOOL) return false;
    *value = view.bools[at] != 0;
    return true;
}

uint32_t search_row_texts(const struct search_row *row, uint32_t column, struct bytes *texts, uint32_t max)
{
    struct columns_view view;
    uint32_t at, count = 0;
    if (!value_at(row, column, &view, &at) || view.kind != COLUMNS_TEXT || !view.is_list) return 0;
    for (uint32_t e = view.starts[at]; e < view.element_count && count < max; e++)
        texts[count++] = element_text(&view, e);
    return count;
}

bool search_row_attribute(struct search_row *row, struct bytes name, struct bytes *text)
{
    static const uint32_t columns[] = { LOGS_AND_SPANS_attributes, LOGS_AND_SPANS_resource };
    for (size_t c = 0; c < COUNT_OF(columns); c++) {
        struct bytes object;
        row->scratch.len = 0;
        if (!search_row_text(row, columns[c], &object) || !json_attribute(object, name, true, &row->scratch)) continue;
        *text = buf_bytes(&row->scratch);
        return true;
    }
    return false;
}

/* ---- does it fit? ---- */

static bool begins_with(struct bytes text, struct bytes begin)
{
    return text.len >= begin.len && (begin.len == 0 || memcmp(text.ptr, begin.ptr, begin.len) == 0);
}

/* Piece by piece, each at the first place behind the one before: linear. */
static bool like_fits(const struct node *node, struct bytes text)
{
    struct bytes first = node->pieces[0], last = node->pieces[node->piece_count - 1];
    if (text.ptr == NULL) text = BYTES(""); /* nothing is counted from NULL, not even 0 */
    if (node->piece_count == 1) return bytes_equal(text, first);
    if (!begins_with(text, first)) return false;
    text = bytes_from(text.ptr + first.len, text.len - first.len);
    for (uint32_t p = 1; p + 1 < node->piece_count; p++) {
        struct bytes piece = node->pieces[p];
        if (piece.len == 0) continue;
        if (text.len == 0) return false;
        const uint8_t *at = memmem(text.ptr, text.len, piece.ptr, piece.len);
        if (!at) return false;
        text = bytes_from(at + piece.len, text.len - (size_t)(at - text.ptr) - piece.len);
    }
    return text.len >= last.len && begins_with(bytes_from(text.ptr + text.len - last.len, last.len), last);
}

static bool order_fits(enum search_test test, long double value, long double wanted)
{
    switch (test) {
    case SEARCH_LESS: return value < wanted;
    case SEARCH_AT_MOST: return value <= wanted;
    case SEARCH_MORE: return value > wanted;
    case SEARCH_AT_LEAST: return value >= wanted;
    case SEARCH_IS:
    case SEARCH_LIKE:
    case SEARCH_HAS: break;
    }
    return value == wanted;
}

/* [-+]digits[.digits][e[-+]digits]; without an exponent and a plus when is_plain. */
static bool number_read(struct bytes text, bool is_plain, double *number)
{
    char copy[400], *end;
    size_t at = 0, digits = 0;
    if (text.len == 0 || text.len >= sizeof copy) return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    if (copy[at] == '-' || (copy[at] == '+' && !is_plain)) at++;
    for (; isdigit((unsigned char)copy[at]); at++) digits++;
    if (is_plain && digits == 0) return false;
    if (copy[at] == '.') {
        size_t before = ++at;
        for (; isdigit((unsigned char)copy[at]); at++) digits++;
        if (is_plain && at == before) return false;
    }
    if (digits == 0) return false;
    if (!is_plain && (copy[at] == 'e' || copy[at] == 'E')) {
        at++;
        if (copy[at] == '-' || copy[at] == '+') at++;
        if (!isdigit((unsigned char)copy[at])) return false;
        while (isdigit((unsigned char)copy[at])) at++;
    }
    if (at != text.len) return false;
    *number = strtod(copy, &end);
    return true;
}

/* TRY_CAST of a text to the type that the number has it compared with. */
static bool digits_fit(const struct search_node *of, struct bytes text)
{
    double value;
    while (text.len > 0 && isspace(text.ptr[0])) text = bytes_from(text.ptr + 1, text.len - 1);
    while (text.len > 0 && isspace(text.ptr[text.len - 1])) text.len--;
    if (!number_read(text, false, &value)) return false;
    if (of->number == floor(of->number)) {
        value = round(value);
        if (fabs(value) >= 9.2e18) return false;
    }
    return order_fits(of->test, (long double)value, (long double)of->number);
}

static bool levels_hold(const struct search_node *of, struct bytes level)
{
    for (uint32_t l = 0; l < COUNT_OF(search_levels); l++)
        if (bytes_equal(level, bytes_of_text(search_levels[l]))) return order_fits(of->test, l, of->level);
    return false;
}

static bool text_fits(const struct node *node, struct bytes text)
{
    const struct search_node *of = node->of;
    switch (of->test) {
    case SEARCH_HAS: return true;
    case SEARCH_IS: return bytes_equal(text, node->value);
    case SEARCH_LIKE: return like_fits(node, text);
    default: return order_fits(of->test, bytes_compare(text, node->value), 0);
    }
}

static bool attribute_fits(const struct node *node, struct search_row *row)
{
    const struct search_node *of = node->of;
    struct bytes text;
    double number;
    if (!search_row_attribute(row, of->name, &text)) return false;
    if (of->test == SEARCH_IS || of->test == SEARCH_LIKE || of->test == SEARCH_HAS) return text_fits(node, text);
    return number_read(text, true, &number) && order_fits(of->test, (long double)number, (long double)of->number);
}

static bool list_fits(const struct node *node, struct search_row *row)
{
    enum { ELEMENTS_MAX = 1024 };
    struct bytes texts[ELEMENTS_MAX];
    uint32_t count = search_row_texts(row, (uint32_t)node->of->column, texts, ELEMENTS_MAX);
    struct columns_view view;
    uint32_t at;
    if (node->of->test == SEARCH_HAS) return value_at(row, (uint32_t)node->of->column, &view, &at);
    if (node->of->test == SEARCH_IS) {
        for (uint32_t t = 0; t < count; t++)
            if (bytes_equal(texts[t], node->value)) return true;
        return false;
    }
    struct buf *joined = &row->scratch;
    joined->len = 0;
    for (uint32_t t = 0; t < count; t++)
        if ((t > 0 && !buf_add(joined, " ", 1)) || !buf_add(joined, texts[t].ptr, texts[t].len)) abort();
    return count > 0 && like_fits(node, buf_bytes(joined));
}

/* severity and context: the object of the columns that begin with their name, as SQL makes it: keys in order. */
static bool parts_text(struct search_row *row, const char *name, struct bytes *text)
{
    const struct schema_table *table = schema_table(SCHEMA_LOGS_AND_SPANS);
    uint32_t columns[16], count = 0;
    size_t len = strlen(name);
    for (uint32_t c = 0; c < table->column_count; c++) {
        if (strncmp(table->columns[c].name, name, len) != 0 || strncmp(table->columns[c].name + len, "___", 3) != 0)
            continue;
        uint32_t at = count++;
        assert(count <= COUNT_OF(columns));
        for (; at > 0 && strcmp(table->columns[c].name, table->columns[columns[at - 1]].name) < 0; at--)
            columns[at] = columns[at - 1];
        columns[at] = c;
    }
    struct buf *out = &row->scratch;
    out->len = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct bytes value = { 0 }, key = bytes_of_text(table->columns[columns[i]].name + len + 3);
        int64_t number = 0;
        bool truth = false, is_int = search_row_int(row, columns[i], &number),
             is_bool = !is_int && search_row_bool(row, columns[i], &truth);
        if (!is_int && !is_bool && !search_row_text(row, columns[i], &value)) continue;
        if (!buf_reserve(out, json_text_bytes_max(key.len) + json_text_bytes_max(value.len) + JSON_NUMBER_BYTES_MAX))
            abort();
        uint8_t *to = out->ptr + out->len;
        *to++ = out->len == 0 ? '{' : ',';
        to = json_put_text(to, key);
        *to++ = ':';
        to = is_int    ? json_put_int(to, number)
             : is_bool ? json_put_raw(to, truth ? BYTES("true") : BYTES("false"))
                       : json_put_text(to, value);
        out->len = (size_t)(to - out->ptr);
    }
    if (out->len == 0) return false;
    if (!buf_add(out, "}", 1)) abort();
    *text = buf_bytes(out);
    return true;
}

static bool has_value(struct search_row *row, uint32_t column)
{
    const struct schema_column *of = &schema_table(SCHEMA_LOGS_AND_SPANS)->columns[column];
    struct columns_view view;
    struct bytes text;
    uint32_t at;
    if (of->flags & SCHEMA_PARTITION) return true;
    if (of->flags & SCHEMA_DERIVED) return parts_text(row, of->name, &text);
    return value_at(row, column, &view, &at);
}

/* A text column, or one that SQL shows as a text. */
static bool column_text(struct search_row *row, uint32_t column, struct bytes *text)
{
    const struct schema_column *of = &schema_table(SCHEMA_LOGS_AND_SPANS)->columns[column];
    if (column == (uint32_t)LOGS_AND_SPANS_project_id) {
        char id[UUID_TEXT_BYTES + 1];
        uuid_to_text(row->project_id, id);
        row->scratch.len = 0;
        if (!buf_add(&row->scratch, id, UUID_TEXT_BYTES)) abort();
        *text = buf_bytes(&row->scratch);
        return true;
    }
    if (of->flags & SCHEMA_DERIVED) return parts_text(row, of->name, text);
    return search_row_text(row, column, text);
}

static bool term_fits(const struct node *node, struct search_row *row)
{
    const struct search_node *of = node->of;
    uint32_t column = (uint32_t)of->column;
    struct bytes text;
    int64_t number;
    bool truth;
    switch (of->class) {
    case SEARCH_CLASS_EXCEPTION:
        return has_value(row, LOGS_AND_SPANS_errors) || has_value(row, LOGS_AND_SPANS_attributes___exception___type);
    case SEARCH_CLASS_ATTRIBUTE: return attribute_fits(node, row);
    case SEARCH_CLASS_LIST: return list_fits(node, row);
    default: break;
    }
    if (of->test == SEARCH_HAS) return has_value(row, column);
    switch (of->class) {
    case SEARCH_CLASS_LEVEL: return search_row_text(row, column, &text) && levels_hold(of, text);
    case SEARCH_CLASS_NUMBER:
    case SEARCH_CLASS_DURATION:
        return search_row_int(row, column, &number) && order_fits(of->test, number, (long double)of->number);
    case SEARCH_CLASS_BOOLEAN:
        return search_row_bool(row, column, &truth) && truth == (of->value.ptr[0] == 't' || of->value.ptr[0] == 'T');
    case SEARCH_CLASS_JSON: return column_text(row, column, &text) && regex_holds(node->pattern, text);
    case SEARCH_CLASS_DIGITS:
        if (of->test != SEARCH_IS && of->test != SEARCH_LIKE)
            return search_row_text(row, column, &text) && digits_fit(of, text);
        break;
    case SEARCH_CLASS_LOWER:
        if (column == (uint32_t)LOGS_AND_SPANS_kind && of->test == SEARCH_IS && bytes_equal(of->value, BYTES("span")))
            return search_row_text(row, column, &text) && !bytes_equal(text, BYTES("log"));
        break;
    default: break;
    }
    return column_text(row, column, &text) && text_fits(node, text);
}

static bool words_fit(const struct node *node, const struct search_row *row)
{
    struct bytes text;
    for (size_t p = 0; p < COUNT_OF(places); p++)
        if (search_row_text(row, places[p], &text) && regex_holds(node->pattern, text)) return true;
    return false;
}

/* Of SQL's three truths only TRUE lets a row through, and NOT is IS NOT TRUE: two are enough. */
static bool node_fits(const struct node *node, struct search_row *row)
{
    switch (node->of->kind) {
    case SEARCH_ALL: return true;
    case SEARCH_AND: return node_fits(node->left, row) && node_fits(node->right, row);
    case SEARCH_OR: return node_fits(node->left, row) || node_fits(node->right, row);
    case SEARCH_NOT: return !node_fits(node->left, row);
    case SEARCH_TEXT: return words_fit(node, row);
    case SEARCH_TERM: return term_fits(node, row);
    }
    return false;
}

bool search_match_row(const struct search_match *match, struct search_row *row)
{
    return node_fits(match->root, row);
}
