#include "timefusion/query/wire.h"
#include "timefusion/query/insert.h"
#include "timefusion/query/translate.h"
#include <pg_query.h>
#include <stdlib.h>
#include <strings.h>

static struct query_wire *wire_create(struct translate *ctx, enum wire_kind kind, const char *name, const char *tag)
{
    struct query_wire *wire = arena_calloc(ctx->arena, sizeof *wire);
    wire->kind = kind;
    wire->name = name && name[0] ? arena_printf(ctx->arena, "%s", name) : NULL;
    ctx->plan->wire = wire;
    ctx->plan->kind = PLAN_NOTHING;
    ctx->plan->tag = tag;
    return wire;
}

static bool select_inside(struct translate *ctx, const PgQuery__Node *query, const char *tag)
{
    if (!query || query->node_case != PG_QUERY__NODE__NODE_SELECT_STMT)
        return fail_at(ctx, -1, ERR_UNSUPPORTED, "%s is for SELECT", tag).sql;
    if (!statement_make(ctx, query)) return false;
    ctx->plan->tag = tag;
    return true;
}

/* -- COPY ... TO STDOUT ------------------------------------------------------------------------------------------- */

static const char *option_text(struct translate *ctx, const PgQuery__DefElem *option)
{
    const PgQuery__Node *arg = option->arg;
    if (!arg) return "";
    switch (arg->node_case) {
    case PG_QUERY__NODE__NODE_STRING: return arg->string->sval;
    case PG_QUERY__NODE__NODE_BOOLEAN: return arg->boolean->boolval ? "true" : "false";
    case PG_QUERY__NODE__NODE_INTEGER: return arena_printf(ctx->arena, "%d", arg->integer->ival);
    default: return NULL;
    }
}

static bool option_bool(struct translate *ctx, const PgQuery__DefElem *option, bool *yes)
{
    static const char *const words[] = { "true", "on", "1", "", "false", "off", "0" };
    const char *text = option_text(ctx, option);
    for (size_t w = 0; text && w < COUNT_OF(words); w++) {
        if (strcasecmp(text, words[w]) != 0) continue;
        *yes = w < 4;
        return true;
    }
    return fail_at(ctx, option->location, ERR_INPUT, "%s requires a Boolean value", option->defname).sql;
}

static bool option_char(struct translate *ctx, const PgQuery__DefElem *option, char *character)
{
    const char *text = option_text(ctx, option);
    if (!text || strlen(text) != 1 || text[0] == '\n' || text[0] == '\r')
        return fail_at(ctx, option->location, ERR_INPUT,
                       "COPY %s must be a single one-byte character that ends no line", option->defname)
            .sql;
    *character = text[0];
    return true;
}

/* FORCE_QUOTE *, or (a, b). */
static bool force_quote_read(struct translate *ctx, const PgQuery__DefElem *option, struct wire_copy *copy)
{
    const struct plan *plan = ctx->plan;
    const PgQuery__Node *arg = option->arg;
    if (arg && arg->node_case == PG_QUERY__NODE__NODE_A_STAR) {
        copy->quotes_all = true;
        return true;
    }
    if (!arg || arg->node_case != PG_QUERY__NODE__NODE_LIST)
        return fail_at(ctx, option->location, ERR_INPUT, "force_quote takes * or a list of columns").sql;
    bool *quotes = arena_calloc(ctx->arena, (plan->column_count + 1) * sizeof *quotes);
    for (size_t i = 0; i < arg->list->n_items; i++) {
        const char *name = node_text(arg->list->items[i]);
        bool is_known = false;
        for (uint32_t c = 0; name && c < plan->column_count; c++) {
            if (strcmp(plan->columns[c].name, name) != 0) continue;
            quotes[c] = is_known = true;
        }
        if (!is_known)
            return fail_at(ctx, option->location, ERR_NO_COLUMN, "column \"%.60s\" of FORCE_QUOTE is not copied",
                           name ? name : "?")
                .sql;
    }
    copy->quotes = quotes;
    return true;
}

struct copy_seen {
    bool delimiter, null, quote, escape, force_quote;
};

static bool copy_option(struct translate *ctx, const PgQuery__DefElem *option, struct wire_copy *copy,
                        struct copy_seen *seen)
{
    const char *name = option->defname, *text;
    if (strcmp(name, "format") == 0) return true; /* read before */
    if (strcmp(name, "header") == 0) {
        const char *word = option_text(ctx, option);
        copy->matches_header = copy->has_header = ctx->plan->insert && word && strcasecmp(word, "match") == 0;
        return copy->has_header || option_bool(ctx, option, &copy->has_header);
    }
    if (strcmp(name, "delimiter") == 0) {
        seen->delimiter = true;
        return option_char(ctx, option, &copy->delimiter);
    }
    if (strcmp(name, "quote") == 0) {
        seen->quote = true;
        return option_char(ctx, option, &copy->quote);
    }
    if (strcmp(name, "escape") == 0) {
        seen->escape = true;
        return option_char(ctx, option, &copy->escape);
    }
    if (strcmp(name, "force_quote") == 0) {
        seen->force_quote = true;
        return force_quote_read(ctx, option, copy);
    }
    text = option_text(ctx, option);
    if (strcmp(name, "null") == 0) {
        if (!text || strpbrk(text, "\r\n"))
            return fail_at(ctx, option->location, ERR_INPUT, "COPY null cannot hold the end of a line").sql;
        seen->null = true;
        copy->null = arena_printf(ctx->arena, "%s", text);
        return true;
    }
    if (strcmp(name, "encoding") == 0) {
        if (text && (strcasecmp(text, "utf8") == 0 || strcasecmp(text, "utf-8") == 0)) return true;
        return fail_at(ctx, option->location, ERR_UNSUPPORTED, "COPY is in UTF8").sql;
    }
    if (strcmp(name, "freeze") == 0 || strcmp(name, "force_null") == 0 || strcmp(name, "force_not_null") == 0)
        return fail_at(ctx, option->location, ERR_UNSUPPORTED, "COPY %s is not supported", name).sql;
    return fail_at(ctx, option->location, ERR_SYNTAX, "option \"%.60s\" not recognized", name).sql;
}

static bool copy_format(struct translate *ctx, const PgQuery__CopyStmt *stmt, struct wire_copy *copy)
{
    *copy = (struct wire_copy){ .format = WIRE_TEXT, .delimiter = '\t', .null = "\\N" };
    for (size_t i = 0; i < stmt->n_options; i++) {
        const PgQuery__DefElem *option = stmt->options[i]->def_elem;
        if (stmt->options[i]->node_case != PG_QUERY__NODE__NODE_DEF_ELEM || strcmp(option->defname, "format") != 0)
            continue;
        const char *text = option_text(ctx, option);
        if (text && strcmp(text, "csv") == 0) {
            *copy =
                (struct wire_copy){ .format = WIRE_CSV, .delimiter = ',', .quote = '"', .escape = '\0', .null = "" };
        } else if (text && strcmp(text, "binary") == 0) {
            copy->format = WIRE_BINARY;
        } else if (!text || strcmp(text, "text") != 0) {
            return fail_at(ctx, option->location, ERR_INPUT, "COPY format \"%.60s\" not recognized", text ? text : "")
                .sql;
        }
    }
    return true;
}

static bool copy_options(struct translate *ctx, const PgQuery__CopyStmt *stmt, struct wire_copy *copy)
{
    struct copy_seen seen = { 0 };
    if (!copy_format(ctx, stmt, copy)) return false;
    for (size_t i = 0; i < stmt->n_options; i++)
        if (stmt->options[i]->node_case == PG_QUERY__NODE__NODE_DEF_ELEM &&
            !copy_option(ctx, stmt->options[i]->def_elem, copy, &seen))
            return false;
    if (copy->escape == '\0') copy->escape = copy->quote;
    if (copy->format == WIRE_BINARY && (seen.delimiter || seen.null || copy->has_header))
        return fail_at(ctx, -1, ERR_SYNTAX, "cannot specify DELIMITER, NULL or HEADER in BINARY mode").sql;
    if (copy->format != WIRE_CSV && (seen.quote || seen.escape || seen.force_quote))
        return fail_at(ctx, -1, ERR_UNSUPPORTED, "COPY QUOTE, ESCAPE and FORCE_QUOTE are available only in CSV mode")
            .sql;
    if (copy->format == WIRE_TEXT && strchr("\\.abcdefghijklmnopqrstuvwxyz0123456789", copy->delimiter))
        return fail_at(ctx, -1, ERR_INPUT, "COPY delimiter cannot be \"%c\"", copy->delimiter).sql;
    if (copy->format == WIRE_CSV && copy->delimiter == copy->quote)
        return fail_at(ctx, -1, ERR_INPUT, "COPY delimiter and quote must be different").sql;
    if (strchr(copy->null, copy->delimiter))
        return fail_at(ctx, -1, ERR_INPUT, "COPY delimiter must not appear in the NULL specification").sql;
    if (copy->format == WIRE_CSV && strchr(copy->null, copy->quote))
        return fail_at(ctx, -1, ERR_INPUT, "CSV quote character must not appear in the NULL specification").sql;
    return true;
}

/* SELECT columns FROM table, as a tree of our own. */
static bool copy_table(struct translate *ctx, const PgQuery__CopyStmt *stmt)
{
    size_t count = stmt->n_attlist ? stmt->n_attlist : 1;
    PgQuery__SelectStmt select = PG_QUERY__SELECT_STMT__INIT;
    PgQuery__Node query = PG_QUERY__NODE__INIT, from = PG_QUERY__NODE__INIT, *from_list[] = { &from };
    PgQuery__AStar star = PG_QUERY__A__STAR__INIT;
    PgQuery__Node star_node = PG_QUERY__NODE__INIT, **targets = arena_alloc(ctx->arena, count * sizeof *targets);
    star_node.node_case = PG_QUERY__NODE__NODE_A_STAR;
    star_node.a_star = &star;
    for (size_t i = 0; i < count; i++) {
        struct target {
            PgQuery__Node node, value, *fields[1];
            PgQuery__ResTarget target;
            PgQuery__ColumnRef column;
        } *target = arena_calloc(ctx->arena, sizeof *target);
        pg_query__node__init(&target->node);
        pg_query__node__init(&target->value);
        pg_query__res_target__init(&target->target);
        pg_query__column_ref__init(&target->column);
        target->fields[0] = stmt->n_attlist ? stmt->attlist[i] : &star_node;
        target->column.n_fields = 1;
        target->column.fields = target->fields;
        target->value.node_case = PG_QUERY__NODE__NODE_COLUMN_REF;
        target->value.column_ref = &target->column;
        target->target.val = &target->value;
        target->node.node_case = PG_QUERY__NODE__NODE_RES_TARGET;
        target->node.res_target = &target->target;
        targets[i] = &target->node;
    }
    from.node_case = PG_QUERY__NODE__NODE_RANGE_VAR;
    from.range_var = stmt->relation;
    select.n_target_list = count;
    select.target_list = targets;
    select.n_from_clause = 1;
    select.from_clause = from_list;
    select.op = PG_QUERY__SET_OPERATION__SETOP_NONE;
    select.limit_option = PG_QUERY__LIMIT_OPTION__LIMIT_OPTION_DEFAULT;
    query.node_case = PG_QUERY__NODE__NODE_SELECT_STMT;
    query.select_stmt = &select;
    return select_inside(ctx, &query, "COPY");
}

/* The names of what is sent, for messages and for a header. */
static bool copy_from_make(struct translate *ctx, const PgQuery__CopyStmt *stmt)
{
    struct plan *plan = ctx->plan;
    if (stmt->is_program || (stmt->filename && stmt->filename[0]))
        return fail_at(ctx, -1, ERR_FORBIDDEN, "COPY from a file or a program is not permitted; COPY ... FROM STDIN is")
            .sql;
    if (stmt->where_clause)
        return fail_at(ctx, -1, ERR_UNSUPPORTED, "WHERE is not supported in COPY FROM; choose the rows before").sql;
    struct query_wire *wire = wire_create(ctx, WIRE_COPY_IN, NULL, "COPY");
    const struct temporary *own = temporary_named(ctx, stmt->relation);
    if (own) return temporary_copy_make(ctx, own, stmt) && copy_options(ctx, stmt, &wire->copy);
    plan->kind = PLAN_INSERT;
    plan->insert = insert_target_make(ctx, stmt->relation, stmt->attlist, stmt->n_attlist);
    if (!plan->insert) return false;
    plan->column_count = plan->insert->count;
    plan->columns = arena_calloc(ctx->arena, (plan->column_count + 1) * sizeof *plan->columns);
    for (uint32_t c = 0; c < plan->column_count; c++) {
        const struct schema_column *column = &plan->insert->table->columns[plan->insert->columns[c]];
        plan->columns[c] = (struct query_column){ .name = column->name, .type = type_of_schema(column->type) };
    }
    return copy_options(ctx, stmt, &wire->copy);
}

static bool copy_make(struct translate *ctx, const PgQuery__CopyStmt *stmt)
{
    if (stmt->is_from) return copy_from_make(ctx, stmt);
    if (stmt->is_program || (stmt->filename && stmt->filename[0]))
        return fail_at(ctx, -1, ERR_FORBIDDEN, "COPY to a file or a program is not permitted; COPY ... TO STDOUT is")
            .sql;
    bool ok = stmt->relation ? copy_table(ctx, stmt) : select_inside(ctx, stmt->query, "COPY");
    if (!ok) return false;
    struct query_wire *wire = wire_create(ctx, WIRE_COPY, NULL, "COPY");
    ctx->plan->kind = PLAN_SELECT;
    return copy_options(ctx, stmt, &wire->copy);
}

/* -- cursors ------------------------------------------------------------------------------------------------------ */

static bool declare_make(struct translate *ctx, const PgQuery__DeclareCursorStmt *stmt)
{
    enum { BINARY = 1, SCROLL = 2, HOLD = 0x20 }; /* PostgreSQL's parsenodes.h, CURSOR_OPT_ */
    if (stmt->options & HOLD)
        return fail_at(ctx, -1, ERR_UNSUPPORTED,
                       "WITH HOLD is not supported: a cursor ends with its transaction, which keeps one snapshot until "
                       "then")
            .sql;
    if (stmt->options & SCROLL)
        return fail_at(ctx, -1, ERR_UNSUPPORTED, "cursors go forward only; leave SCROLL out").sql;
    if (!select_inside(ctx, stmt->query, "DECLARE CURSOR")) return false;
    struct query_wire *wire = wire_create(ctx, WIRE_DECLARE, stmt->portalname, "DECLARE CURSOR");
    ctx->plan->kind = PLAN_SELECT;
    wire->is_binary = (stmt->options & BINARY) != 0;
    return true;
}

static bool fetch_make(struct translate *ctx, const PgQuery__FetchStmt *stmt)
{
    static const int64_t ALL = INT64_MAX; /* FETCH_ALL: the parser's LONG_MAX */
    struct query_wire *wire = wire_create(ctx, WIRE_FETCH, stmt->portalname, stmt->ismove ? "MOVE" : "FETCH");
    wire->is_move = stmt->ismove;
    if (stmt->direction != PG_QUERY__FETCH_DIRECTION__FETCH_FORWARD || stmt->how_many < 1)
        return fail_at(ctx, -1, ERR_UNSUPPORTED, "cursors go forward only: FETCH NEXT, FETCH n, FETCH ALL").sql;
    wire->row_count = stmt->how_many == ALL ? UINT64_MAX : (uint64_t)stmt->how_many;
    return true;
}

/* -- PREPARE, EXECUTE --------------------------------------------------------------------------------------------- */

/* The statement is what stands after the first AS outside brackets. */
static bool prepare_text(struct translate *ctx, struct query_wire *wire)
{
    char *text = bytes_to_text(ctx->sql);
    PgQueryScanResult scan = pg_query_scan(text);
    PgQuery__ScanResult *tokens =
        scan.error ? NULL : pg_query__scan_result__unpack(NULL, scan.pbuf.len, (const uint8_t *)scan.pbuf.data);
    int depth = 0;
    size_t from = 0;
    for (size_t i = 0; tokens && from == 0 && i < tokens->n_tokens; i++) {
        const PgQuery__ScanToken *token = tokens->tokens[i];
        if (token->token == PG_QUERY__TOKEN__ASCII_40) depth++;
        if (token->token == PG_QUERY__TOKEN__ASCII_41) depth--;
        if (token->token == PG_QUERY__TOKEN__AS && depth == 0) from = (size_t)token->end;
    }
    if (tokens) pg_query__scan_result__free_unpacked(tokens, NULL);
    pg_query_free_scan_result(scan);
    if (from > 0 && from <= ctx->sql.len) {
        const char *copy = arena_printf(ctx->arena, "%s", text + from);
        wire->sql = bytes_of_text(copy);
        while (wire->sql.len > 0 && wire->sql.ptr[wire->sql.len - 1] == ';') wire->sql.len--;
        for (size_t i = 0; i < from; i++) wire->sql_at += (text[i] & 0xC0) != 0x80;
    }
    free(text);
    return from > 0 || fail_at(ctx, -1, ERR_SYNTAX, "PREPARE name AS statement").sql;
}

static bool prepare_make(struct translate *ctx, const PgQuery__PrepareStmt *stmt)
{
    struct query_wire *wire = wire_create(ctx, WIRE_PREPARE, stmt->name, "PREPARE");
    enum query_type *types = arena_calloc(ctx->arena, (stmt->n_argtypes + 1) * sizeof *types);
    wire->types = types;
    for (size_t i = 0; i < stmt->n_argtypes; i++) {
        int precision, scale;
        types[wire->count++] = type_of_node(ctx, stmt->argtypes[i]->type_name, &precision, &scale);
        if (types[i] == QUERY_TYPE_UNKNOWN && ctx->err->code != ERR_OK) return false;
    }
    return prepare_text(ctx, wire);
}

/* A constant as a parameter's text; NULL: it is none. */
static const char *constant_text(struct translate *ctx, const PgQuery__Node *node, bool *is_null)
{
    *is_null = false;
    if (node->node_case == PG_QUERY__NODE__NODE_TYPE_CAST) return constant_text(ctx, node->type_cast->arg, is_null);
    if (node->node_case == PG_QUERY__NODE__NODE_A_ARRAY_EXPR) {
        const char *text = "{";
        for (size_t i = 0; i < node->a_array_expr->n_elements; i++) {
            bool item_is_null;
            const char *item = constant_text(ctx, node->a_array_expr->elements[i], &item_is_null);
            if (!item) return NULL;
            text = arena_printf(ctx->arena, "%s%s", text, i ? "," : "");
            if (item_is_null) {
                text = arena_printf(ctx->arena, "%sNULL", text);
                continue;
            }
            char *quoted = arena_alloc(ctx->arena, 2 * strlen(item) + 1), *to = quoted;
            for (; *item; item++) {
                if (*item == '"' || *item == '\\') *to++ = '\\';
                *to++ = *item;
            }
            *to = '\0';
            text = arena_printf(ctx->arena, "%s\"%s\"", text, quoted);
        }
        return arena_printf(ctx->arena, "%s}", text);
    }
    if (node->node_case != PG_QUERY__NODE__NODE_A_CONST) return NULL;
    const PgQuery__AConst *constant = node->a_const;
    *is_null = constant->isnull;
    if (constant->isnull) return "";
    switch (constant->val_case) {
    case PG_QUERY__A__CONST__VAL_SVAL: return arena_printf(ctx->arena, "%s", constant->sval->sval);
    case PG_QUERY__A__CONST__VAL_IVAL: return arena_printf(ctx->arena, "%d", constant->ival->ival);
    case PG_QUERY__A__CONST__VAL_FVAL: return arena_printf(ctx->arena, "%s", constant->fval->fval);
    case PG_QUERY__A__CONST__VAL_BOOLVAL: return constant->boolval->boolval ? "true" : "false";
    default: return NULL;
    }
}

static bool execute_make(struct translate *ctx, const PgQuery__ExecuteStmt *stmt)
{
    struct query_wire *wire = wire_create(ctx, WIRE_EXECUTE, stmt->name, "EXECUTE");
    struct query_parameter *parameters = arena_calloc(ctx->arena, (stmt->n_params + 1) * sizeof *parameters);
    wire->parameters = parameters;
    for (size_t i = 0; i < stmt->n_params; i++) {
        bool is_null;
        const char *text = constant_text(ctx, stmt->params[i], &is_null);
        if (!text)
            return fail_at(ctx, -1, ERR_UNSUPPORTED,
                           "EXECUTE takes constants: value %zu is none; bind it by the protocol instead", i + 1)
                .sql;
        parameters[wire->count++] = (struct query_parameter){ .value = bytes_of_text(text), .is_null = is_null };
    }
    return true;
}

bool wire_make(struct translate *ctx, const PgQuery__Node *node)
{
    const char *name;
    switch (node->node_case) {
    case PG_QUERY__NODE__NODE_COPY_STMT: return copy_make(ctx, node->copy_stmt);
    case PG_QUERY__NODE__NODE_DECLARE_CURSOR_STMT: return declare_make(ctx, node->declare_cursor_stmt);
    case PG_QUERY__NODE__NODE_FETCH_STMT: return fetch_make(ctx, node->fetch_stmt);
    case PG_QUERY__NODE__NODE_CLOSE_PORTAL_STMT:
        name = node->close_portal_stmt->portalname;
        (void)wire_create(ctx, WIRE_CLOSE, name, name && name[0] ? "CLOSE CURSOR" : "CLOSE CURSOR ALL");
        return true;
    case PG_QUERY__NODE__NODE_PREPARE_STMT: return prepare_make(ctx, node->prepare_stmt);
    case PG_QUERY__NODE__NODE_EXECUTE_STMT: return execute_make(ctx, node->execute_stmt);
    case PG_QUERY__NODE__NODE_DEALLOCATE_STMT:
        name = node->deallocate_stmt->name;
        (void)wire_create(ctx, WIRE_DEALLOCATE, name, name && name[0] ? "DEALLOCATE" : "DEALLOCATE ALL");
        return true;
    default: abort(); /* statement_make sends no others */
    }
}
