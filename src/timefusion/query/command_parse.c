#include "base/date.h"
#include "timefusion/query/command.h"
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define HISTORY_LIMIT     20
#define HISTORY_LIMIT_MAX 10000
#define RETAIN_HOURS_MAX  (100 * 366 * 24)

enum word_kind { WORD_END, WORD_NAME, WORD_NUMBER, WORD_TEXT, WORD_SIGN };
struct word {
    enum word_kind kind;
    struct bytes text; /* of names and texts: without their quotes */
    bool is_quoted;
};
struct words {
    struct bytes sql;
    size_t at;
    struct word now;
    size_t now_at; /* where it begins */
    struct err *err;
};

static void spaces_skip(struct words *words)
{
    struct bytes sql = words->sql;
    while (words->at < sql.len) {
        const uint8_t *at = sql.ptr + words->at;
        size_t left = sql.len - words->at;
        if (*at == ' ' || (*at >= '\t' && *at <= '\r')) {
            words->at++;
        } else if (left >= 2 && at[0] == '-' && at[1] == '-') {
            const uint8_t *end = memchr(at, '\n', left);
            words->at = end ? (size_t)(end - sql.ptr) + 1 : sql.len;
        } else if (left >= 2 && at[0] == '/' && at[1] == '*') {
            const uint8_t *end = memmem(at + 2, left - 2, "*/", 2);
            words->at = end ? (size_t)(end - sql.ptr) + 2 : sql.len;
        } else {
            return;
        }
    }
}

static bool is_letter(uint8_t byte)
{
    return ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z') || byte == '_';
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

/* The next word becomes words->now. Quotes within quotes are of no use here: a name or date has none. */
static void word_next(struct words *words)
{
    spaces_skip(words);
    struct bytes sql = words->sql;
    words->now_at = words->at;
    words->now = (struct word){ .kind = WORD_END };
    if (words->at == sql.len) return;
    const uint8_t *at = sql.ptr + words->at;
    size_t left = sql.len - words->at, len = 1;
    if (*at == '"' || *at == '\'') {
        const uint8_t *end = memchr(at + 1, *at, left - 1);
        size_t inner = end ? (size_t)(end - at) - 1 : left - 1;
        words->now = (struct word){ *at == '"' ? WORD_NAME : WORD_TEXT, bytes_from(at + 1, inner), .is_quoted = true };
        words->at += inner + (end ? 2 : 1);
        return;
    }
    words->now.kind = is_letter(*at) ? WORD_NAME : is_digit(*at) ? WORD_NUMBER : WORD_SIGN;
    if (words->now.kind == WORD_NAME)
        while (len < left && (is_letter(at[len]) || is_digit(at[len]))) len++;
    if (words->now.kind == WORD_NUMBER)
        while (len < left && is_digit(at[len])) len++;
    if (words->now.kind == WORD_SIGN && (*at == '<' || *at == '>') && left > 1 && at[1] == '=') len = 2;
    words->now.text = bytes_from(at, len);
    words->at += len;
}

static bool word_is(const struct words *words, const char *text)
{
    const struct word *now = &words->now;
    return (now->kind == WORD_NAME || now->kind == WORD_SIGN) && !now->is_quoted && now->text.len == strlen(text) &&
           strncasecmp((const char *)now->text.ptr, text, now->text.len) == 0;
}

/* Goes on behind the word when it is there. */
static bool word_take(struct words *words, const char *text)
{
    if (!word_is(words, text)) return false;
    word_next(words);
    return true;
}

/* false always; the position counts characters, from 1. */
static bool not_understood(struct words *words, const char *wanted)
{
    const struct bytes near = words->now.text;
    if (words->now.kind == WORD_END)
        err_set(words->err, ERR_SYNTAX, "syntax error at end of input; %s", wanted);
    else
        err_set(words->err, ERR_SYNTAX, "syntax error at or near \"%.*s\"; %s", (int)(near.len < 40 ? near.len : 40),
                (const char *)near.ptr, wanted);
    int position = 1;
    for (size_t i = 0; i < words->now_at; i++) position += (words->sql.ptr[i] & 0xC0) != 0x80;
    words->err->position = position;
    return false;
}

static bool word_need(struct words *words, const char *text)
{
    char wanted[64];
    if (word_take(words, text)) return true;
    snprintf(wanted, sizeof wanted, "%s is wanted here", text);
    return not_understood(words, wanted);
}

static bool number_take(struct words *words, uint64_t max, uint64_t *number)
{
    *number = 0;
    bool ok = words->now.kind == WORD_NUMBER && words->now.text.len <= 18;
    for (size_t i = 0; ok && i < words->now.text.len; i++) *number = *number * 10 + words->now.text.ptr[i] - '0';
    if (!ok || *number > max) return not_understood(words, "a number in its bounds is wanted here");
    word_next(words);
    return true;
}

static bool table_take(struct words *words, struct command *command)
{
    if (word_is(words, "public")) {
        struct words ahead = *words;
        word_next(&ahead);
        if (word_take(&ahead, ".")) *words = ahead;
    }
    if (words->now.kind != WORD_NAME) return not_understood(words, "the name of a table is wanted here");
    command->table = schema_table_by_name(words->now.text);
    if (!command->table) {
        not_understood(words, "");
        struct bytes name = words->now.text;
        words->err->code = ERR_NO_TABLE;
        snprintf(words->err->text, sizeof words->err->text,
                 "table \"%.*s\" does not exist; there are otel_logs_and_spans and otel_metrics",
                 (int)(name.len < 60 ? name.len : 60), (const char *)name.ptr);
        return false;
    }
    word_next(words);
    return true;
}

static bool date_word_take(struct words *words, int32_t *day)
{
    (void)word_take(words, "date"); /* DATE '2026-11-22' */
    struct bytes text = words->now.text;
    char copy[11] = "";
    if (words->now.kind == WORD_TEXT && text.len == 10) memcpy(copy, text.ptr, 10);
    if (!date_parse(copy, day)) return not_understood(words, "a date such as '2026-11-22' is wanted here");
    word_next(words);
    return true;
}

/* date = x, date >= x AND date < y, date BETWEEN x AND y */
static bool where_take(struct words *words, struct command *command)
{
    do {
        int32_t day;
        if (!word_need(words, "date")) return false;
        bool is_equal = word_is(words, "="), is_least = word_is(words, ">="), is_most = word_is(words, "<="),
             is_above = word_is(words, ">"), is_below = word_is(words, "<"), is_between = word_is(words, "between");
        if (!is_equal && !is_least && !is_most && !is_above && !is_below && !is_between)
            return not_understood(words, "date is compared by =, <, <=, >, >= or BETWEEN");
        word_next(words);
        if (!date_word_take(words, &day)) return false;
        int32_t first = is_equal || is_least || is_between ? day : is_above ? day + 1 : INT32_MIN;
        int32_t last = is_equal || is_most ? day : is_below ? day - 1 : INT32_MAX;
        if (is_between && (!word_need(words, "and") || !date_word_take(words, &last))) return false;
        if (first > command->day_first) command->day_first = first;
        if (last < command->day_last) command->day_last = last;
    } while (word_take(words, "and"));
    return true;
}

static bool optimize_read(struct words *words, struct command *command)
{
    command->kind = COMMAND_OPTIMIZE;
    return table_take(words, command) && (!word_take(words, "where") || where_take(words, command));
}

static bool vacuum_read(struct words *words, struct command *command)
{
    uint64_t hours = 0;
    command->kind = COMMAND_VACUUM;
    if (!table_take(words, command)) return false;
    if (word_take(words, "retain")) {
        if (!number_take(words, RETAIN_HOURS_MAX, &hours) || !word_need(words, "hours")) return false;
        command->retain_hours = (int64_t)hours;
    }
    if (word_take(words, "dry")) {
        command->is_dry_run = true;
        return word_need(words, "run");
    }
    return true;
}

static bool history_read(struct words *words, struct command *command)
{
    uint64_t limit = HISTORY_LIMIT;
    command->kind = COMMAND_HISTORY;
    if (!word_need(words, "history") || !table_take(words, command)) return false;
    if (word_take(words, "limit") && !number_take(words, HISTORY_LIMIT_MAX, &limit)) return false;
    command->limit = (uint32_t)limit;
    return true;
}

static bool flush_read(struct words *words, struct command *command)
{
    (void)words;
    command->kind = COMMAND_FLUSH;
    return true;
}

static const struct {
    const char *word, *tag;
    bool (*read)(struct words *words, struct command *command);
} commands[] = {
    { "flush", "FLUSH", flush_read },     { "optimize", "OPTIMIZE", optimize_read },
    { "vacuum", "VACUUM", vacuum_read },  { "describe", "DESCRIBE", history_read },
    { "desc", "DESCRIBE", history_read },
};

bool command_is(struct bytes sql)
{
    struct words words = { .sql = sql };
    word_next(&words);
    for (size_t c = 0; c < COUNT_OF(commands); c++)
        if (word_is(&words, commands[c].word)) return true;
    return false;
}

static const struct query_column optimize_columns[] = {
    { .name = "table", .type = QUERY_TYPE_TEXT },         { .name = "units", .type = QUERY_TYPE_INT8 },
    { .name = "files_removed", .type = QUERY_TYPE_INT8 }, { .name = "files_added", .type = QUERY_TYPE_INT8 },
    { .name = "bytes_removed", .type = QUERY_TYPE_INT8 }, { .name = "bytes_added", .type = QUERY_TYPE_INT8 },
    { .name = "rows_written", .type = QUERY_TYPE_INT8 },  { .name = "conflicts", .type = QUERY_TYPE_INT8 },
};
static const struct query_column vacuum_columns[] = {
    { .name = "table", .type = QUERY_TYPE_TEXT },
    { .name = "files_deleted", .type = QUERY_TYPE_INT8 },
    { .name = "bytes_deleted", .type = QUERY_TYPE_INT8 },
    { .name = "is_dry_run", .type = QUERY_TYPE_BOOL },
};
static const struct query_column history_columns[] = {
    { .name = "version", .type = QUERY_TYPE_INT8 },
    { .name = "timestamp", .type = QUERY_TYPE_TIMESTAMPTZ },
    { .name = "operation", .type = QUERY_TYPE_TEXT },
    { .name = "operation_parameters", .type = QUERY_TYPE_JSONB },
    { .name = "operation_metrics", .type = QUERY_TYPE_JSONB },
    { .name = "engine_info", .type = QUERY_TYPE_TEXT },
};

static void columns_set(struct plan *plan, const struct query_column *columns, uint32_t count)
{
    plan->columns = arena_calloc(&plan->arena, count * sizeof *columns);
    memcpy(plan->columns, columns, count * sizeof *columns);
    plan->column_count = count;
}

bool command_make(struct plan *plan, struct bytes sql, struct err *err)
{
    struct words words = { .sql = sql, .err = err };
    struct command *command = arena_calloc(&plan->arena, sizeof *command);
    *command = (struct command){ .day_first = INT32_MIN, .day_last = INT32_MAX, .retain_hours = -1 };
    plan->kind = PLAN_COMMAND;
    plan->command = command;
    word_next(&words);
    for (size_t c = 0; c < COUNT_OF(commands); c++) {
        if (!word_take(&words, commands[c].word)) continue;
        plan->tag = commands[c].tag;
        if (!commands[c].read(&words, command)) return false;
        break;
    }
    assert(plan->tag); /* command_is */
    while (word_take(&words, ";")) continue;
    if (words.now.kind != WORD_END) return not_understood(&words, "the statement should end here");
    switch (command->kind) {
    case COMMAND_FLUSH: break;
    case COMMAND_OPTIMIZE: columns_set(plan, optimize_columns, COUNT_OF(optimize_columns)); break;
    case COMMAND_VACUUM: columns_set(plan, vacuum_columns, COUNT_OF(vacuum_columns)); break;
    case COMMAND_HISTORY: columns_set(plan, history_columns, COUNT_OF(history_columns)); break;
    }
    return true;
}
