#include "web/api/dashboard_content.h"
#include "search/search.h"
#include "web/api/api_inside.h"
#include "web/api/sql_run.h"
#include <stdarg.h>
#include <stdio.h>

enum { COLUMNS = 12, WIDTH = 6, HEIGHT = 7, Y_MAX = 2000, ID_BYTES = 33 };

struct making {
    struct api_call *call;
    yyjson_mut_val *variables, *panels; /* those that are kept */
    uint32_t checked_before;            /* panels that are known to be right */
    char *pointer;
    struct err *err;
};

static bool wrong(struct making *making, const char *pointer, const char *fmt, ...) PRINTF_LIKE(3, 4);
static bool wrong(struct making *making, const char *pointer, const char *fmt, ...)
{
    va_list args;
    snprintf(making->pointer, DASHBOARD_POINTER_BYTES, "%s", pointer);
    *making->err = (struct err){ .code = ERR_INPUT };
    va_start(args, fmt);
    vsnprintf(making->err->text, sizeof making->err->text, fmt, args);
    va_end(args);
    return false;
}

static const char *place_of(struct making *making, const char *list, size_t at, const char *rest)
{
    return arena_printf(making->call->arena, "/%s/%zu%s", list, at, rest);
}

static struct bytes text_of(yyjson_mut_val *object, const char *name)
{
    yyjson_mut_val *value = yyjson_mut_obj_get(object, name);
    return yyjson_mut_is_str(value) ? bytes_from(yyjson_mut_get_str(value), yyjson_mut_get_len(value))
                                    : (struct bytes){ 0 };
}

static int64_t int_of(yyjson_mut_val *object, const char *name)
{
    yyjson_mut_val *value = yyjson_mut_obj_get(object, name);
    return yyjson_mut_is_real(value) ? (int64_t)yyjson_mut_get_real(value) : yyjson_mut_get_sint(value);
}

/* The members of from that names has, in that order: what is kept looks the same whoever wrote it. */
static yyjson_mut_val *ordered(struct making *making, yyjson_mut_val *from, const char *const *names, size_t count)
{
    yyjson_mut_doc *json = making->call->json;
    yyjson_mut_val *into = yyjson_mut_obj(json);
    for (size_t n = 0; n < count; n++) {
        yyjson_mut_val *value = yyjson_mut_obj_get(from, names[n]);
        if (value != NULL) yyjson_mut_obj_add_val(json, into, names[n], yyjson_mut_val_mut_copy(json, value));
    }
    return into;
}
#define ORDERED(making, from, ...) \
    ordered(making, from, (const char *const[]){ __VA_ARGS__ }, COUNT_OF(((const char *const[]){ __VA_ARGS__ })))

static bool is_taken(yyjson_mut_val *list, const char *member, struct bytes name)
{
    yyjson_mut_val *one;
    size_t i, count;
    yyjson_mut_arr_foreach(list, i, count, one) if (bytes_equal(text_of(one, member), name)) return true;
    return false;
}

/* ---- variables ---- */

static bool variable_add(struct making *making, yyjson_mut_val *from, size_t at)
{
    struct bytes name = text_of(from, "name"), start = text_of(from, "default");
    yyjson_mut_val *values = yyjson_mut_obj_get(from, "values"), *one;
    size_t i, count;
    bool has_field = yyjson_mut_obj_get(from, "field") != NULL, is_listed = start.len == 0 || values == NULL;
    if (bytes_equal(name, BYTES("from")) || bytes_equal(name, BYTES("to")) || bytes_equal(name, BYTES("step")))
        return wrong(making, place_of(making, "variables", at, "/name"),
                     "$from, $to and $step are the page's time: the variable needs another name");
    if (is_taken(making->variables, "name", name))
        return wrong(making, place_of(making, "variables", at, "/name"), "another variable has this name");
    if (has_field == (values != NULL))
        return wrong(making, place_of(making, "variables", at, ""), "a variable has either a field or values");
    yyjson_mut_arr_foreach(values, i, count, one)
    {
        is_listed = is_listed || bytes_equal(start, bytes_from(yyjson_mut_get_str(one), yyjson_mut_get_len(one)));
    }
    if (!is_listed)
        return wrong(making, place_of(making, "variables", at, "/default"), "the default is none of its values");
    yyjson_mut_arr_append(making->variables, ORDERED(making, from, "name", "label", "field", "values", "default"));
    return true;
}

/* ---- places ---- */

struct box {
    int64_t x, y, w, h;
};
static struct box box_of(yyjson_mut_val *panel)
{
    yyjson_mut_val *place = yyjson_mut_obj_get(panel, "at");
    return (struct box){ int_of(place, "x"), int_of(place, "y"), int_of(place, "w"), int_of(place, "h") };
}

static bool is_free(struct making *making, struct box box)
{
    yyjson_mut_val *one;
    size_t i, count;
    yyjson_mut_arr_foreach(making->panels, i, count, one)
    {
        struct box other = box_of(one);
        if (box.x < other.x + other.w && other.x < box.x + box.w && box.y < other.y + other.h &&
            other.y < box.y + box.h)
            return false;
    }
    return true;
}

/* The first place that is free, line by line; below all where there is none. */
static void place_make(struct making *making, yyjson_mut_val *panel)
{
    yyjson_mut_doc *json = making->call->json;
    struct box box = { 0, 0, WIDTH, HEIGHT };
    yyjson_mut_val *one;
    size_t i, count;
    int64_t bottom = 0;
    yyjson_mut_arr_foreach(making->panels, i, count, one)
    {
        struct box other = box_of(one);
        if (other.y + other.h > bottom) bottom = other.y + other.h;
    }
    for (; box.y < bottom && !is_free(making, box); box.y++) {
        for (box.x = 0; box.x + WIDTH <= COLUMNS && !is_free(making, box);) box.x++;
        if (box.x + WIDTH <= COLUMNS) break;
        box.x = 0;
    }
    if (box.y > Y_MAX) box.y = Y_MAX;
    yyjson_mut_val *place = yyjson_mut_obj_add_obj(json, panel, "at");
    yyjson_mut_obj_add_sint(json, place, "x", box.x);
    yyjson_mut_obj_add_sint(json, place, "y", box.y);
    yyjson_mut_obj_add_sint(json, place, "w", box.w);
    yyjson_mut_obj_add_sint(json, place, "h", box.h);
}

/* ---- panels ---- */

static bool search_check(struct making *making, struct bytes state, const char *pointer)
{
    struct search_node *root;
    struct search_problem problem;
    struct bytes q = { 0 };
    bool is_sql = false;
    while (state.len > 0) {
        const uint8_t *next = memchr(state.ptr, '&', state.len);
        struct bytes one = bytes_from(state.ptr, next == NULL ? state.len : (size_t)(next - state.ptr)), text;
        state = next == NULL ? (struct bytes){ 0 } : bytes_from(next + 1, state.len - one.len - 1);
        if (!percent_decode(making->call->arena, one, true, &text))
            return wrong(making, pointer, "it is no query of an address: percent-encoded UTF-8");
        if (text.len > 2 && memcmp(text.ptr, "q=", 2) == 0) q = bytes_from(text.ptr + 2, text.len - 2);
        is_sql = is_sql || bytes_equal(text, BYTES("sql=1"));
    }
    if (is_sql || q.len == 0 || memchr(q.ptr, '$', q.len) != NULL) return true; /* known when the values are */
    return search_parse(making->call->arena, q, &root, &problem) || wrong(making, pointer, "q: %s", problem.text);
}

/* A process that does not answer queries takes SQL as it is: the panel says what is wrong with it where it is asked. */
static bool sql_is_right(struct making *making, struct bytes text, const char *pointer)
{
    struct dashboard_sql sql = dashboard_sql_read(making->call->arena, text, making->variables);
    struct err err = { 0 };
    if (making->call->parts->query == NULL) return true;
    if (sql_check(making->call, sql.sql, sql.types, sql.count, &err)) return true;
    if (err.code == ERR_UNSUPPORTED || err.code == ERR_FORBIDDEN) err.code = ERR_INPUT; /* of this text, for anyone */
    snprintf(making->pointer, DASHBOARD_POINTER_BYTES, "%s", pointer);
    *making->err = err;
    return false;
}

static bool kind_shows(struct making *making, yyjson_mut_val *panel, const char *source, const char *pointer)
{
    struct bytes kind = text_of(panel, "kind");
    bool is_markdown = strcmp(source, "markdown") == 0;
    if (is_markdown != bytes_equal(kind, BYTES("markdown")))
        return wrong(making, pointer, "markdown is shown by the kind markdown, and nothing else by that");
    if (bytes_equal(kind, BYTES("heat")) && strcmp(source, "ask") == 0)
        return wrong(making, pointer, "a question is not answered by a heat map");
    if (bytes_equal(kind, BYTES("rows")) && strcmp(source, "metric") == 0)
        return wrong(making, pointer, "a metric has no rows: it has points over time");
    return true;
}

static bool source_check(struct making *making, yyjson_mut_val *panel, size_t at)
{
    static const char *const sources[] = { "search", "sql", "metric", "ask", "markdown" };
    yyjson_mut_val *source = yyjson_mut_obj_get(panel, "source");
    const char *name = NULL, *within;
    for (size_t s = 0; s < COUNT_OF(sources); s++)
        if (yyjson_mut_obj_get(source, sources[s]) != NULL) name = sources[s];
    if (yyjson_mut_obj_size(source) != 1)
        return wrong(making, place_of(making, "panels", at, "/source"),
                     "it has one of search, sql, metric, ask and markdown");
    if (!kind_shows(making, panel, name, place_of(making, "panels", at, "/kind"))) return false;
    within = place_of(making, "panels", at, arena_printf(making->call->arena, "/source/%s", name));
    if (strcmp(name, "search") == 0) return search_check(making, text_of(source, name), within);
    return strcmp(name, "sql") != 0 || sql_is_right(making, text_of(source, name), within);
}

static void id_make(struct making *making, yyjson_mut_val *panels, yyjson_mut_val *panel)
{
    char id[ID_BYTES];
    for (uint32_t number = 1; text_of(panel, "id").len == 0; number++) {
        int len = snprintf(id, sizeof id, "p%u", number);
        struct bytes name = bytes_from(id, (size_t)len);
        if (is_taken(panels, "id", name) || is_taken(making->panels, "id", name)) continue;
        yyjson_mut_obj_add_strncpy(making->call->json, panel, "id", id, name.len);
    }
}

/* panels: all that are told, so that an id that is made is none of theirs. */
static bool panel_add(struct making *making, yyjson_mut_val *panels, yyjson_mut_val *from, size_t at)
{
    yyjson_mut_val *panel = yyjson_mut_val_mut_copy(making->call->json, from);
    struct box box = box_of(panel);
    if (text_of(panel, "id").len > 0 && is_taken(making->panels, "id", text_of(panel, "id")))
        return wrong(making, place_of(making, "panels", at, "/id"), "another panel of the dashboard has this id");
    if (box.x + box.w > COLUMNS)
        return wrong(making, place_of(making, "panels", at, "/at"), "x and w together go over the %d columns", COLUMNS);
    if (at >= making->checked_before && !source_check(making, panel, at)) return false;
    id_make(making, panels, panel);
    if (yyjson_mut_obj_get(panel, "at") == NULL) place_make(making, panel);
    yyjson_mut_arr_append(making->panels, ORDERED(making, panel, "id", "title", "kind", "source", "unit", "at"));
    return true;
}

bool dashboard_content_make(struct api_call *call, yyjson_mut_val *body, yyjson_mut_val *before,
                            yyjson_mut_val **content, char pointer[DASHBOARD_POINTER_BYTES], struct err *err)
{
    struct making making = { .call = call,
                             .variables = yyjson_mut_arr(call->json),
                             .panels = yyjson_mut_arr(call->json),
                             .checked_before = (uint32_t)yyjson_mut_arr_size(yyjson_mut_obj_get(before, "panels")),
                             .pointer = pointer,
                             .err = err };
    yyjson_mut_val *panels = yyjson_mut_obj_get(body, "panels"), *one;
    size_t i, count;
    pointer[0] = '\0';
    if (yyjson_mut_arr_size(panels) > DASHBOARD_PANELS_MAX)
        return wrong(&making, "/panels", "a dashboard has at most %d panels", DASHBOARD_PANELS_MAX);
    yyjson_mut_arr_foreach(yyjson_mut_obj_get(body, "variables"), i, count, one)
    {
        if (!variable_add(&making, one, i)) return false;
    }
    yyjson_mut_arr_foreach(panels, i, count, one)
    {
        if (!panel_add(&making, panels, one, i)) return false;
    }
    *content = ORDERED(&making, body, "title", "description", "from");
    if (yyjson_mut_obj_get(*content, "description") == NULL)
        yyjson_mut_obj_add_str(call->json, *content, "description", "");
    yyjson_mut_obj_add_val(call->json, *content, "variables", making.variables);
    yyjson_mut_obj_add_val(call->json, *content, "panels", making.panels);
    return true;
}
