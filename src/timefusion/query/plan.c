#include "timefusion/query/command.h"
#include "timefusion/query/literal.h"
#include "timefusion/query/translate.h"
#include "timefusion/query/wire.h"
#include <pg_query.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

/* The parser's trees are as deep as the text makes them (1+1+1+...), and libpg_query writes them out by recursion without a
 * check: so words and operators are counted first, and the work is done on a stack that fits that many levels. */
#define TOKENS_MAX  5000
#define TOKENS_FEW  150
#define STACK_BYTES (48u << 20)

/* Words, operators and brackets, those inside texts and comments as well: never too few. */
static uint32_t tokens_at_most(struct bytes sql)
{
    uint32_t count = 0;
    bool in_word = false;
    for (size_t i = 0; i < sql.len; i++) {
        uint8_t byte = sql.ptr[i];
        bool is_word = ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z') || (byte >= '0' && byte <= '9') || byte >= 0x80;
        bool is_space = byte == ' ' || byte == '\n' || byte == '\t' || byte == '\r' || byte == ',';
        count += is_word ? !in_word : !is_space;
        in_word = is_word;
    }
    return count;
}

/* By PostgreSQL's own lexer: what can nest; commas, literals and comments cannot. */
static bool tokens_counted(const char *text, uint32_t *count, struct err *err)
{
    PgQueryScanResult scan = pg_query_scan(text);
    bool ok = true;
    *count = 0;
    if (scan.error) {
        err_set(err, ERR_SYNTAX, "%s", scan.error->message);
        err->position = scan.error->cursorpos;
        ok = false;
    } else {
        PgQuery__ScanResult *tokens =
            pg_query__scan_result__unpack(NULL, scan.pbuf.len, (const uint8_t *)scan.pbuf.data);
        if (!tokens) ok = err_set(err, ERR_INTERNAL, "the lexer's tokens cannot be read");
        for (size_t i = 0; tokens && i < tokens->n_tokens; i++) {
            switch (tokens->tokens[i]->token) {
            case PG_QUERY__TOKEN__SCONST:
            case PG_QUERY__TOKEN__ICONST:
            case PG_QUERY__TOKEN__FCONST:
            case PG_QUERY__TOKEN__PARAM:
            case PG_QUERY__TOKEN__ASCII_44:
            case PG_QUERY__TOKEN__SQL_COMMENT:
            case PG_QUERY__TOKEN__C_COMMENT: break;
            default: ++*count;
            }
        }
        if (tokens) pg_query__scan_result__free_unpacked(tokens, NULL);
    }
    pg_query_free_scan_result(scan);
    return ok;
}

static bool parse_failed(struct err *err, const PgQueryError *error, struct bytes sql)
{
    err_set(err, ERR_SYNTAX, "%s", error->message);
    (void)sql;
    err->position = error->cursorpos; /* in characters already */
    return false;
}

/* SET, SHOW, RESET */

static const char *argument_text(struct translate *ctx, const PgQuery__Node *node)
{
    if (node->node_case == PG_QUERY__NODE__NODE_TYPE_CAST)
        return argument_text(ctx, node->type_cast->arg); /* SET TIME ZONE INTERVAL '...' */
    if (node->node_case != PG_QUERY__NODE__NODE_A_CONST) return NULL;
    const PgQuery__AConst *constant = node->a_const;
    switch (constant->val_case) {
    case PG_QUERY__A__CONST__VAL_SVAL: return constant->sval->sval;
    case PG_QUERY__A__CONST__VAL_IVAL: return arena_printf(ctx->arena, "%d", constant->ival->ival);
    case PG_QUERY__A__CONST__VAL_FVAL: return constant->fval->fval;
    case PG_QUERY__A__CONST__VAL_BOOLVAL: return constant->boolval->boolval ? "on" : "off";
    default: return NULL;
    }
}

static bool set_make(struct translate *ctx, const PgQuery__VariableSetStmt *stmt)
{
    struct plan *plan = ctx->plan;
    plan->tag =
        stmt->kind == PG_QUERY__VARIABLE_SET_KIND__VAR_RESET || stmt->kind == PG_QUERY__VARIABLE_SET_KIND__VAR_RESET_ALL
            ? "RESET"
            : "SET";
    plan->kind = PLAN_RESET;
    plan->setting = -1;
    if (stmt->kind == PG_QUERY__VARIABLE_SET_KIND__VAR_RESET_ALL) return true;
    /* SET [SESSION CHARACTERISTICS AS] TRANSACTION ...: there is one kind of transaction here. */
    if (stmt->kind == PG_QUERY__VARIABLE_SET_KIND__VAR_SET_MULTI) {
        plan->kind = PLAN_NOTHING;
        return true;
    }
    const char *name = stmt->name ? stmt->name : "";
    if (strcasecmp(name, "session_authorization") == 0 || strcasecmp(name, "role") == 0)
        return fail_at(ctx, -1, ERR_FORBIDDEN, "the role is the one of the credential").sql;
    plan->setting = setting_by_name(name);
    if (plan->setting < 0)
        return fail_at(ctx, -1, ERR_NOT_FOUND, "unrecognized configuration parameter \"%.60s\"", name).sql;
    if (setting_definition((uint32_t)plan->setting)->is_read_only)
        return fail_at(ctx, -1, ERR_INPUT, "parameter \"%.60s\" cannot be changed", name).sql;
    if (stmt->kind != PG_QUERY__VARIABLE_SET_KIND__VAR_SET_VALUE) return true; /* RESET x, SET x TO DEFAULT */
    const char *value = "";
    for (size_t i = 0; i < stmt->n_args; i++) {
        const char *text = argument_text(ctx, stmt->args[i]);
        if (!text) return fail_at(ctx, -1, ERR_UNSUPPORTED, "the value of \"%.60s\" must be a constant", name).sql;
        value = arena_printf(ctx->arena, "%s%s%s", value, i ? ", " : "", text);
    }
    plan->kind = PLAN_SET;
    plan->value = value;
    return true;
}

static bool show_make(struct translate *ctx, const PgQuery__VariableShowStmt *stmt)
{
    struct plan *plan = ctx->plan;
    plan->kind = PLAN_SHOW;
    plan->tag = "SHOW";
    const char *name = stmt->name ? stmt->name : "";
    bool is_all = strcasecmp(name, "all") == 0;
    plan->setting = is_all ? -1 : setting_by_name(name);
    if (!is_all && plan->setting < 0)
        return fail_at(ctx, -1, ERR_NOT_FOUND, "unrecognized configuration parameter \"%.60s\"", name).sql;
    plan->column_count = is_all ? 2 : 1;
    plan->columns = arena_calloc(ctx->arena, 2 * sizeof *plan->columns);
    if (is_all) {
        plan->columns[0] = (struct query_column){ .name = "name", .type = QUERY_TYPE_TEXT };
        plan->columns[1] = (struct query_column){ .name = "setting", .type = QUERY_TYPE_TEXT };
        const char *rows = "";
        for (uint32_t s = 0; s < setting_count(); s++)
            rows = arena_printf(ctx->arena, "%s%s('%s', %s)", rows, s ? ", " : "", setting_definition(s)->name,
                                mark(ctx, 'S', s));
        plan->sql = arena_printf(ctx->arena, "SELECT * FROM (VALUES %s) AS v(c1, c2)", rows);
    } else {
        plan->columns[0] =
            (struct query_column){ .name = setting_definition((uint32_t)plan->setting)->name, .type = QUERY_TYPE_TEXT };
        plan->sql = arena_printf(ctx->arena, "SELECT %s AS c1", mark(ctx, 'S', (uint32_t)plan->setting));
    }
    return true;
}

static bool transaction_make(struct translate *ctx, const PgQuery__TransactionStmt *stmt)
{
    struct plan *plan = ctx->plan;
    plan->kind = PLAN_NOTHING;
    plan->savepoint = arena_printf(ctx->arena, "%s", stmt->savepoint_name ? stmt->savepoint_name : "");
    switch (stmt->kind) {
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_BEGIN:
        plan->tag = "BEGIN";
        plan->transaction = QUERY_TRANSACTION_BEGIN;
        return true;
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_START:
        plan->tag = "START TRANSACTION";
        plan->transaction = QUERY_TRANSACTION_BEGIN;
        return true;
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_COMMIT:
        plan->tag = "COMMIT";
        plan->transaction = stmt->chain ? QUERY_TRANSACTION_CHAIN : QUERY_TRANSACTION_END;
        return true;
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_ROLLBACK:
        plan->tag = "ROLLBACK";
        plan->transaction = stmt->chain ? QUERY_TRANSACTION_CHAIN : QUERY_TRANSACTION_END;
        return true;
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_SAVEPOINT:
        plan->tag = "SAVEPOINT";
        plan->transaction = QUERY_TRANSACTION_SAVEPOINT;
        return true;
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_RELEASE:
        plan->tag = "RELEASE";
        plan->transaction = QUERY_TRANSACTION_RELEASE;
        return true;
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_ROLLBACK_TO:
        plan->tag = "ROLLBACK";
        plan->transaction = QUERY_TRANSACTION_ROLLBACK_TO;
        return true;
    default: return fail_at(ctx, -1, ERR_UNSUPPORTED, "two-phase commit is not supported").sql;
    }
}

static bool explain_make(struct translate *ctx, const PgQuery__ExplainStmt *stmt)
{
    for (size_t i = 0; i < stmt->n_options; i++) {
        const PgQuery__DefElem *option =
            stmt->options[i]->node_case == PG_QUERY__NODE__NODE_DEF_ELEM ? stmt->options[i]->def_elem : NULL;
        if (!option) continue;
        const char *value = option->arg ? node_text(option->arg) : NULL;
        if (strcmp(option->defname, "analyze") == 0)
            ctx->plan->is_analyze = !value || (strcmp(value, "false") != 0 && strcmp(value, "off") != 0);
        if (strcmp(option->defname, "format") == 0 && value && strcasecmp(value, "text") != 0)
            return fail_at(ctx, option->location, ERR_UNSUPPORTED, "EXPLAIN answers in FORMAT TEXT only").sql;
    }
    if (!stmt->query || stmt->query->node_case != PG_QUERY__NODE__NODE_SELECT_STMT)
        return fail_at(ctx, -1, ERR_UNSUPPORTED, "EXPLAIN is for SELECT").sql;
    if (!statement_make(ctx, stmt->query)) return false;
    ctx->plan->kind = PLAN_EXPLAIN;
    ctx->plan->tag = "EXPLAIN";
    ctx->plan->column_count = 1;
    ctx->plan->columns = arena_calloc(ctx->arena, sizeof *ctx->plan->columns);
    ctx->plan->columns[0] = (struct query_column){ .name = "QUERY PLAN", .type = QUERY_TYPE_TEXT };
    return true;
}

/* PLANS and SEQUENCES have nothing to do here. */
static bool discard_make(struct translate *ctx, const PgQuery__DiscardStmt *stmt)
{
    static const struct query_wire all = { .kind = WIRE_DISCARD };
    struct plan *plan = ctx->plan;
    if (stmt->target == PG_QUERY__DISCARD_MODE__DISCARD_TEMP) return temporary_discard_make(ctx);
    bool is_all = stmt->target == PG_QUERY__DISCARD_MODE__DISCARD_ALL;
    plan->kind = is_all ? PLAN_RESET : PLAN_NOTHING;
    plan->setting = -1;
    plan->tag = is_all                                                  ? "DISCARD ALL"
                : stmt->target == PG_QUERY__DISCARD_MODE__DISCARD_PLANS ? "DISCARD PLANS"
                                                                        : "DISCARD SEQUENCES";
    if (is_all) plan->wire = &all;
    return true;
}

bool statement_make(struct translate *ctx, const PgQuery__Node *node)
{
    struct plan *plan = ctx->plan;
    switch (node->node_case) {
    case PG_QUERY__NODE__NODE_SELECT_STMT: {
        struct output *columns;
        uint32_t count;
        if (node->select_stmt->into_clause) return temporary_into_make(ctx, node->select_stmt);
        plan->kind = PLAN_SELECT;
        plan->tag = "SELECT";
        plan->sql = select_make(ctx, NULL, node->select_stmt, &columns, &count);
        if (!plan->sql) return false;
        plan->column_count = count;
        plan->columns = arena_calloc(ctx->arena, (count + 1) * sizeof *plan->columns);
        plan->is_known = true;
        for (uint32_t i = 0; i < count; i++) plan->is_known = plan->is_known && columns[i].is_stored;
        for (uint32_t i = 0; i < count; i++)
            plan->columns[i] = (struct query_column){ columns[i].name, columns[i].type, columns[i].form };
        return true;
    }
    case PG_QUERY__NODE__NODE_EXPLAIN_STMT: return explain_make(ctx, node->explain_stmt);
    case PG_QUERY__NODE__NODE_VARIABLE_SET_STMT: return set_make(ctx, node->variable_set_stmt);
    case PG_QUERY__NODE__NODE_VARIABLE_SHOW_STMT: return show_make(ctx, node->variable_show_stmt);
    case PG_QUERY__NODE__NODE_TRANSACTION_STMT: return transaction_make(ctx, node->transaction_stmt);
    case PG_QUERY__NODE__NODE_DISCARD_STMT: return discard_make(ctx, node->discard_stmt);
    case PG_QUERY__NODE__NODE_COPY_STMT:
    case PG_QUERY__NODE__NODE_DECLARE_CURSOR_STMT:
    case PG_QUERY__NODE__NODE_FETCH_STMT:
    case PG_QUERY__NODE__NODE_CLOSE_PORTAL_STMT:
    case PG_QUERY__NODE__NODE_PREPARE_STMT:
    case PG_QUERY__NODE__NODE_EXECUTE_STMT:
    case PG_QUERY__NODE__NODE_DEALLOCATE_STMT: return wire_make(ctx, node);
    case PG_QUERY__NODE__NODE_DELETE_STMT: return delete_make(ctx, node->delete_stmt);
    case PG_QUERY__NODE__NODE_UPDATE_STMT: return update_make(ctx, node->update_stmt);
    case PG_QUERY__NODE__NODE_INSERT_STMT: return insert_make(ctx, node->insert_stmt);
    case PG_QUERY__NODE__NODE_TRUNCATE_STMT: return temporary_truncate_make(ctx, node->truncate_stmt);
    case PG_QUERY__NODE__NODE_CREATE_STMT: return temporary_create_make(ctx, node->create_stmt);
    case PG_QUERY__NODE__NODE_CREATE_TABLE_AS_STMT: return temporary_create_as_make(ctx, node->create_table_as_stmt);
    case PG_QUERY__NODE__NODE_DROP_STMT: return temporary_drop_make(ctx, node->drop_stmt);
    default:
        return fail_at(ctx, -1, ERR_FORBIDDEN,
                       "this statement is not permitted; SELECT, INSERT, UPDATE, DELETE, COPY, EXPLAIN, temporary "
                       "tables, SET, SHOW and transactions are")
            .sql;
    }
}

static char *shape_of(const char *text)
{
    PgQueryNormalizeResult normal = pg_query_normalize(text);
    char *shape = normal.error || !normal.normalized_query ? NULL : mem_strdup(normal.normalized_query);
    pg_query_free_normalize_result(normal);
    return shape;
}

/* The work of plan_make, on its own stack. */
struct job {
    struct bytes sql;
    char *text; /* of sql, NUL-terminated */
    const enum query_type *declared;
    uint32_t declared_count;
    const struct temporaries *temporaries;
    struct plan *plan;
    struct err *err;
    bool ok;
};

static void tree_translate(struct job *job, const PgQuery__ParseResult *tree)
{
    struct plan *plan = job->plan;
    struct translate ctx = { .arena = &plan->arena,
                             .err = job->err,
                             .sql = job->sql,
                             .plan = plan,
                             .temporaries = job->temporaries,
                             .declared = job->declared,
                             .declared_count = job->declared_count };
    if (tree->n_stmts == 0) {
        plan->kind = PLAN_EMPTY;
        plan->tag = "";
        job->ok = true;
        return;
    }
    if (tree->n_stmts > 1) {
        err_set(job->err, ERR_SYNTAX, "cannot insert multiple commands into a prepared statement");
        return;
    }
    plan->tables = arena_calloc(&plan->arena, PLAN_TABLES_MAX * sizeof *plan->tables);
    job->ok = statement_make(&ctx, tree->stmts[0]->stmt) && job->err->code == ERR_OK;
    if (!job->ok) {
        if (job->err->code == ERR_OK) err_set(job->err, ERR_UNSUPPORTED, "this statement is not supported");
        return;
    }
    plan->relation_count = ctx.relation_count;
    plan->is_known = plan->is_known && ctx.call_count == 0;
    for (uint32_t i = 0; i < plan->parameter_count; i++) /* nobody said what it is */
        if (plan->parameters[i] == QUERY_TYPE_UNKNOWN)
            plan->parameters[i] =
                i < job->declared_count && job->declared[i] != QUERY_TYPE_UNKNOWN ? job->declared[i] : QUERY_TYPE_TEXT;
    for (uint32_t t = 0; t < plan->table_count; t++) plan->tables[t].condition_cap = 0;
}

static void *job_run(void *arg)
{
    struct job *job = arg;
    PgQueryProtobufParseResult parsed = pg_query_parse_protobuf(job->text);
    if (parsed.error) {
        job->ok = parse_failed(job->err, parsed.error, job->sql);
    } else {
        PgQuery__ParseResult *tree =
            pg_query__parse_result__unpack(NULL, parsed.parse_tree.len, (const uint8_t *)parsed.parse_tree.data);
        if (tree) {
            tree_translate(job, tree);
            pg_query__parse_result__free_unpacked(tree, NULL);
        } else {
            job->ok = err_set(job->err, ERR_INTERNAL, "the parser's tree cannot be read");
        }
    }
    pg_query_free_protobuf_parse_result(parsed);
    return NULL;
}

/* Few words nest little: their trees fit on the stack of the thread that asks. */
static bool on_big_stack(void *(*run)(void *), void *arg, struct bytes sql, struct err *err)
{
    pthread_attr_t attributes;
    pthread_t thread;
    if (tokens_at_most(sql) <= TOKENS_FEW) {
        run(arg);
        return true;
    }
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    int code = pthread_create(&thread, &attributes, run, arg);
    pthread_attr_destroy(&attributes);
    if (code != 0) return err_set(err, ERR_BUSY, "could not start a thread to parse SQL");
    pthread_join(thread, NULL);
    return true;
}

struct shape_job {
    char *text, *shape;
};

static void *shape_run(void *arg)
{
    struct shape_job *job = arg;
    job->shape = shape_of(job->text);
    return NULL;
}

static bool text_check(struct bytes sql, struct err *err)
{
    if (sql.len > PLAN_SQL_BYTES_MAX)
        return err_set(err, ERR_TOO_LARGE, "the statement is longer than %u bytes", PLAN_SQL_BYTES_MAX);
    if (sql.len > 0 && memchr(sql.ptr, '\0', sql.len))
        return err_set(err, ERR_INPUT, "SQL text cannot hold a zero byte");
    if (tokens_at_most(sql) <= TOKENS_MAX) return true;
    char *text = bytes_to_text(sql);
    uint32_t count;
    bool ok = tokens_counted(text, &count, err);
    free(text);
    if (ok && count > TOKENS_MAX)
        return err_set(err, ERR_TOO_LARGE, "the statement has more than %d words and operators", TOKENS_MAX);
    return ok;
}

char *plan_shape(struct bytes sql)
{
    struct err ignored = { 0 };
    if (!text_check(sql, &ignored)) return NULL;
    struct shape_job job = { .text = bytes_to_text(sql) };
    if (!on_big_stack(shape_run, &job, sql, &ignored)) job.shape = NULL;
    free(job.text);
    return job.shape;
}

const char *plan_shape_of(const struct plan *plan)
{
    struct plan *own = (struct plan *)(uintptr_t)plan; /* plans do not change, but for what is remembered of them */
    char *shape = atomic_load(&own->shape), *none = NULL;
    if (shape) return shape;
    shape = plan->kind == PLAN_COMMAND ? NULL : plan_shape(plan->text);
    if (!shape) shape = mem_strdup("");
    if (atomic_compare_exchange_strong(&own->shape, &none, shape)) return shape;
    free(shape); /* another was faster */
    return none;
}

bool plan_make(struct plan **out, struct bytes sql, const enum query_type *declared, uint32_t declared_count,
               const struct temporaries *temporaries, struct err *err)
{
    *out = NULL;
    if (!text_check(sql, err)) return false;
    struct plan *plan = mem_calloc(1, sizeof *plan);
    atomic_init(&plan->reference_count, 1);
    arena_init(&plan->arena, 16 * 1024);
    plan->text = arena_copy(&plan->arena, sql);
    *err = (struct err){ .code = ERR_OK };
    bool ok;
    if (command_is(sql)) {
        ok = command_make(plan, sql, err);
    } else {
        struct job job = { .sql = sql,
                           .text = bytes_to_text(sql),
                           .declared = declared,
                           .declared_count = declared_count,
                           .temporaries = temporaries,
                           .plan = plan,
                           .err = err };
        ok = on_big_stack(job_run, &job, sql, err) && job.ok;
        free(job.text);
    }
    if (!ok) {
        plan_release(plan);
        return false;
    }
    *out = plan;
    return true;
}

struct plan *plan_acquire(struct plan *plan)
{
    atomic_fetch_add(&plan->reference_count, 1);
    return plan;
}

void plan_release(struct plan *plan)
{
    if (!plan || atomic_fetch_sub(&plan->reference_count, 1) > 1) return;
    arena_deinit(&plan->arena);
    free(atomic_load(&plan->shape));
    free(plan);
}

struct split_job {
    char *text;
    struct bytes sql, *statements;
    uint32_t max, count;
    struct err *err;
    bool ok;
};

static void split_add(struct split_job *job, size_t at, size_t end, bool *has_command)
{
    struct bytes statement = bytes_from(job->sql.ptr + at, end - at);
    *has_command = *has_command || command_is(statement);
    if (job->count < job->max) job->statements[job->count] = statement;
    job->count++;
}

/* By the lexer's semicolons, for a text with a command among its statements, which the parser does not know; the others
 * are parsed when their turn comes. false: there is no command. */
static bool split_by_tokens(struct split_job *job)
{
    PgQueryScanResult scan = pg_query_scan(job->text);
    PgQuery__ScanResult *tokens =
        scan.error ? NULL : pg_query__scan_result__unpack(NULL, scan.pbuf.len, (const uint8_t *)scan.pbuf.data);
    bool has_command = false, is_empty = true;
    size_t from = 0;
    job->count = 0;
    for (size_t i = 0; tokens && i < tokens->n_tokens; i++) {
        const PgQuery__ScanToken *token = tokens->tokens[i];
        bool is_end = token->token == PG_QUERY__TOKEN__ASCII_59;
        if (is_end && !is_empty) split_add(job, from, (size_t)token->start, &has_command);
        if (is_end) from = (size_t)token->end;
        bool is_comment = token->token == PG_QUERY__TOKEN__SQL_COMMENT || token->token == PG_QUERY__TOKEN__C_COMMENT;
        is_empty = is_end || (is_empty && is_comment);
    }
    if (tokens && !is_empty) split_add(job, from, job->sql.len, &has_command);
    if (tokens) pg_query__scan_result__free_unpacked(tokens, NULL);
    pg_query_free_scan_result(scan);
    if (!has_command) job->count = 0;
    return has_command;
}

static void *split_run(void *arg)
{
    struct split_job *job = arg;
    PgQuerySplitResult split = pg_query_split_with_parser(job->text);
    if (split.error) {
        job->ok = split_by_tokens(job) || parse_failed(job->err, split.error, job->sql);
    } else {
        for (int i = 0; i < split.n_stmts; i++) {
            size_t at = (size_t)split.stmts[i]->stmt_location, len = (size_t)split.stmts[i]->stmt_len;
            if (at > job->sql.len) at = job->sql.len;
            if (len == 0 || len > job->sql.len - at) len = job->sql.len - at;
            if (job->count < job->max) job->statements[job->count] = bytes_from(job->sql.ptr + at, len);
            job->count++;
        }
        job->ok = true;
    }
    if (job->count > job->max) job->ok = err_set(job->err, ERR_TOO_LARGE, "more than %u statements at once", job->max);
    pg_query_free_split_result(split);
    return NULL;
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* One statement for sure: it begins with a word, and there is no semicolon but at its end. It is parsed once then. */
static bool is_single(struct bytes sql, struct bytes *statement)
{
    size_t begin = 0, end = sql.len;
    while (begin < end && is_blank(sql.ptr[begin])) begin++;
    while (end > begin && is_blank(sql.ptr[end - 1])) end--;
    if (end > begin && sql.ptr[end - 1] == ';') end--;
    if (begin == end || (sql.ptr[begin] | 0x20) < 'a' || (sql.ptr[begin] | 0x20) > 'z') return false;
    *statement = bytes_from(sql.ptr, end);
    return !memchr(sql.ptr, ';', end);
}

bool query_split(struct bytes sql, struct bytes *statements, uint32_t max, uint32_t *count, struct err *err)
{
    *count = 0;
    if (!text_check(sql, err)) return false;
    if (max > 0 && is_single(sql, &statements[0])) {
        *count = 1;
        return true;
    }
    struct split_job job = { .text = bytes_to_text(sql), .sql = sql, .statements = statements, .max = max, .err = err };
    bool ok = on_big_stack(split_run, &job, sql, err) && job.ok;
    free(job.text);
    *count = ok ? job.count : 0;
    return ok;
}
