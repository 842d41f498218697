/* $from, $to, $step, $environment and $name in the SQL of a panel. What PostgreSQL's scanner takes for a text, a name or a comment is left alone. */
#include "web/api/dashboard_content.h"
#include <stdio.h>

struct reader {
    struct bytes sql;
    yyjson_mut_val *variables;
    uint8_t *out;
    struct dashboard_sql *into;
};

static bool is_name_byte(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}
static bool is_word_byte(uint8_t c)
{
    return is_name_byte(c) || (c >= 'A' && c <= 'Z') || c == '$' || c >= 0x80;
}

static uint8_t at(const struct reader *reader, size_t place)
{
    return place < reader->sql.len ? reader->sql.ptr[place] : '\0';
}

/* Behind the quote that ends what begins at place; a backslash counts in E'...' alone. */
static size_t quoted_end(const struct reader *reader, size_t place, bool has_backslash)
{
    uint8_t quote = at(reader, place);
    for (place++; place < reader->sql.len; place++) {
        if (has_backslash && at(reader, place) == '\\')
            place++;
        else if (at(reader, place) == quote)
            return place + 1; /* a doubled one begins another text at once: the same to us */
    }
    return reader->sql.len;
}

static size_t comment_end(const struct reader *reader, size_t place)
{
    uint32_t depth = 0;
    for (; place < reader->sql.len; place++) {
        bool opens = at(reader, place) == '/' && at(reader, place + 1) == '*';
        bool closes = at(reader, place) == '*' && at(reader, place + 1) == '/';
        if (!opens && !closes) continue;
        place++;
        if (opens) depth++;
        if (closes && --depth == 0) return place + 1;
    }
    return reader->sql.len;
}

static bool type_of(const struct reader *reader, struct bytes name, enum query_type *type)
{
    yyjson_mut_val *one;
    size_t i, count;
    *type = bytes_equal(name, BYTES("step")) ? QUERY_TYPE_INTERVAL : QUERY_TYPE_TIMESTAMPTZ;
    if (bytes_equal(name, BYTES("from")) || bytes_equal(name, BYTES("to")) || bytes_equal(name, BYTES("step")))
        return true;
    *type = QUERY_TYPE_UNKNOWN;
    if (reader->variables && bytes_equal(name, BYTES("environment"))) return true; /* a page has one */
    yyjson_mut_arr_foreach(reader->variables, i, count, one)
    {
        yyjson_mut_val *other = yyjson_mut_obj_get(one, "name");
        if (bytes_equal(name, bytes_from(yyjson_mut_get_str(other), yyjson_mut_get_len(other)))) return true;
    }
    return false;
}

/* "$service" becomes "$2      ". Answers where it ends. */
static size_t name_take(struct reader *reader, size_t place)
{
    struct dashboard_sql *into = reader->into;
    size_t end = place + 1;
    uint32_t number = 0;
    char text[8];
    enum query_type type;
    while (is_name_byte(at(reader, end))) end++;
    struct bytes name = bytes_from(reader->sql.ptr + place + 1, end - place - 1);
    if (name.len < 2 || is_word_byte(at(reader, end)) || !type_of(reader, name, &type)) return end;
    while (number < into->count && !bytes_equal(into->names[number], name)) number++;
    if (number == DASHBOARD_PARAMETERS_MAX) return end; /* more than there can be names */
    if (number == into->count) {
        into->names[number] = name;
        into->types[into->count++] = type;
    }
    int len = snprintf(text, sizeof text, "$%u", number + 1);
    assert(len > 0 && (size_t)len <= end - place); /* a name has two characters, a number too */
    memset(reader->out + place, ' ', end - place);
    memcpy(reader->out + place, text, (size_t)len);
    return end;
}

struct dashboard_sql dashboard_sql_read(struct arena *arena, struct bytes sql, yyjson_mut_val *variables)
{
    struct dashboard_sql into = { 0 };
    struct reader reader = { .sql = sql, .variables = variables, .into = &into };
    struct bytes copy = arena_copy(arena, sql);
    reader.out = (uint8_t *)(uintptr_t)copy.ptr;
    for (size_t place = 0; place < sql.len;) {
        uint8_t c = sql.ptr[place], before = place > 0 ? sql.ptr[place - 1] : ' ';
        if (c == '\'' || c == '"') {
            bool is_e = (before == 'e' || before == 'E') && (place < 2 || !is_word_byte(sql.ptr[place - 2]));
            place = quoted_end(&reader, place, c == '\'' && is_e);
        } else if (c == '-' && at(&reader, place + 1) == '-') {
            while (place < sql.len && sql.ptr[place] != '\n') place++;
        } else if (c == '/' && at(&reader, place + 1) == '*') {
            place = comment_end(&reader, place);
        } else if (c == '$' && !is_word_byte(before)) {
            place = name_take(&reader, place);
        } else {
            place++;
        }
    }
    into.sql = copy;
    return into;
}
