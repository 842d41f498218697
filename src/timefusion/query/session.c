#include "base/clock.h"
#include "timefusion/query/command.h"
#include "timefusion/query/cursor.h"
#include "timefusion/query/wire.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define FLUSH_SLICE_MS 200 /* between looks whether the client still wants it */

static bool timezone_check(struct query_session *session, const char **value, struct err *err)
{
    const char *zone = *value;
    if (strcasecmp(zone, "default") == 0 || strcasecmp(zone, "local") == 0 || strcmp(zone, "Z") == 0 ||
        strcasecmp(zone, "utc") == 0)
        zone = "UTC";
    size_t len = strlen(zone);
    if (len == 0 || len > 60 ||
        strspn(zone, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_/+-:") != len)
        return err_set(err, ERR_INPUT, "invalid value for parameter \"TimeZone\": \"%.60s\"", *value);
    struct lane *lane;
    if (!lane_acquire(session, &lane, err)) return false;
    char sql[100];
    snprintf(sql, sizeof sql, "SET SESSION TimeZone='%s'", zone);
    bool ok = engine_query(lane->connection, sql, NULL, err);
    if (ok) {
        free(lane->timezone);
        lane->timezone = mem_strdup(zone);
    }
    lane_release(session, lane);
    *value = zone;
    return ok || err_set(err, ERR_INPUT, "invalid value for parameter \"TimeZone\": \"%.60s\"", *value);
}

/* "5000", "5s", "1 min": milliseconds when it has no unit. -1: not a time. */
static int64_t milliseconds(const char *text)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = { { "", 1 }, { "ms", 1 }, { "s", 1000 }, { "min", 60000 }, { "h", 3600000 }, { "d", 86400000 } };
    char *end;
    long long number = strtoll(text, &end, 10);
    while (*end == ' ') end++;
    if (end == text || number < 0 || number > INT32_MAX) return -1;
    for (size_t i = 0; i < COUNT_OF(units); i++)
        if (strcmp(units[i].unit, end) == 0) return number * units[i].ms;
    return -1;
}

int64_t session_timeout_ms(const struct query_session *session, enum setting setting)
{
    const char *value = session->settings[setting];
    return milliseconds(value ? value : setting_definition((uint32_t)setting)->default_value);
}

static bool is_timeout(int setting)
{
    return setting == SETTING_STATEMENT_TIMEOUT || setting == SETTING_IDLE_SESSION_TIMEOUT ||
           setting == SETTING_IDLE_IN_TRANSACTION_TIMEOUT || setting == SETTING_TRANSACTION_TIMEOUT;
}

bool session_set(struct query_session *session, int setting, const char *value, struct err *err)
{
    assert(setting >= 0 && (uint32_t)setting < setting_count());
    const char *name = setting_definition((uint32_t)setting)->name;
    if (setting == SETTING_TIMEZONE && !timezone_check(session, &value, err)) return false;
    if (is_timeout(setting) && milliseconds(value) < 0)
        return err_set(err, ERR_INPUT, "invalid value for parameter \"%s\": \"%.60s\"", name, value);
    if ((setting == SETTING_KEPT_PARTS || setting == SETTING_ROLLUPS) && strcmp(value, "on") != 0 &&
        strcmp(value, "off") != 0)
        return err_set(err, ERR_INPUT, "\"%s\" is on or off", name);
    if (strcmp(name, "client_encoding") == 0) {
        if (strcasecmp(value, "utf8") != 0 && strcasecmp(value, "utf-8") != 0 && strcasecmp(value, "unicode") != 0 &&
            strcasecmp(value, "sql_ascii") != 0)
            return err_set(err, ERR_UNSUPPORTED, "client_encoding is UTF8 here");
        value = "UTF8";
    }
    if (strlen(value) > 1000) return err_set(err, ERR_INPUT, "the value of \"%s\" is too long", name);
    char *copy = mem_strdup(value);
    free(session->settings[setting]);
    session->settings[setting] = copy;
    return true;
}

void session_reset(struct query_session *session, int setting)
{
    for (uint32_t i = 0; i < setting_count(); i++) {
        if (setting >= 0 && (uint32_t)setting != i) continue;
        free(session->settings[i]);
        session->settings[i] = NULL;
    }
}

void query_session_set_operator(struct query_session *session, bool is_operator)
{
    session->is_operator = is_operator;
}

void query_session_set_read_only(struct query_session *session, const char *why)
{
    free(session->read_only_why);
    session->read_only_why = why ? mem_strdup(why) : NULL;
}

void query_session_set_key(struct query_session *session, struct uuid key_id)
{
    session->key_id = key_id;
}

void query_session_set_wire(struct query_session *session)
{
    session->has_wire = true;
}

void query_session_set_times(struct query_session *session, int64_t from_us, int64_t to_us)
{
    assert((from_us == 0 && to_us == 0) || (from_us > 0 && from_us < to_us));
    session->from_us = from_us;
    session->last_us = to_us > 0 ? to_us - 1 : 0;
}

/* What tells of rows of other times: files and rows that were looked at, what was done to the tables. */
static bool is_beyond_times(const struct plan *plan)
{
    return plan->kind == PLAN_EXPLAIN || plan->kind == PLAN_COMMAND || plan->kind == PLAN_DELETE ||
           plan->kind == PLAN_UPDATE || plan->insert != NULL || plan->reads_stats || plan->reads_activity;
}

static bool is_change(const struct plan *plan)
{
    if (plan->kind == PLAN_DELETE || plan->kind == PLAN_UPDATE) return true;
    return plan->kind == PLAN_COMMAND && plan->command->kind != COMMAND_HISTORY && plan->command->kind != COMMAND_FLUSH;
}

bool session_flush(struct query_session *session, uint32_t ms_max, struct err *err)
{
    const struct query_hooks *hooks = &session->engine->options.hooks;
    uint64_t ticket = 0, begin_ns = clock_mono_ns();
    if (!hooks->flush) return err_set(err, ERR_UNSUPPORTED, "this process takes no rows in; ask one that does");
    while (!hooks->flush(hooks->ctx, &ticket, FLUSH_SLICE_MS, err)) {
        if (err->code != ERR_TIMEOUT) return false;
        *err = (struct err){ .code = ERR_OK };
        if (session_is_stopped(session, err)) return false;
        if (ms_max > 0 && clock_mono_ns() - begin_ns > ms_max * UINT64_C(1000000))
            return err_set(err, ERR_BUSY, "rows that came before are not in the table after %u s; try again",
                           ms_max / 1000);
    }
    return true;
}

bool query_prepare(struct query_session *session, struct bytes sql, const enum query_type *declared,
                   uint32_t declared_count, struct query_statement **out, struct err *err)
{
    struct plan *plan;
    uint64_t begun_mono_ns = clock_mono_ns(), begun_thread_ns = clock_thread_ns();
    *out = NULL;
    if (declared_count > PLAN_PARAMETERS_MAX) return err_set(err, ERR_INPUT, "too many parameters");
    *err = (struct err){ .code = ERR_OK };
    if (!engine_plan(session, sql, declared, declared_count, &plan, err)) {
        activity_refused(session, sql, begun_mono_ns, err);
        return false;
    }
    if (plan->wire && !session->has_wire) {
        err_set(err, ERR_FORBIDDEN, "%s is for connections of the PostgreSQL protocol; use SELECT", plan->tag);
        plan_release(plan);
        return false;
    }
    if (plan->kind == PLAN_TEMPORARY && !session->has_wire) {
        err_set(err, ERR_FORBIDDEN, "temporary tables are for connections of the PostgreSQL protocol; use WITH");
        plan_release(plan);
        return false;
    }
    struct query_statement *statement = mem_calloc(1, sizeof *statement);
    statement->session = session;
    statement->plan = plan;
    statement->planning = (struct planning){ clock_mono_ns() - begun_mono_ns, clock_thread_ns() - begun_thread_ns };
    *out = statement;
    return true;
}

void query_statement_close(struct query_statement *statement)
{
    if (!statement) return;
    plan_release(statement->plan);
    plan_release(statement->described);
    free(statement);
}

uint32_t query_statement_parameters(const struct query_statement *statement, const enum query_type **types)
{
    *types = statement->plan->parameters;
    return statement->plan->parameter_count;
}

uint32_t query_statement_columns(const struct query_statement *statement, const struct query_column **columns)
{
    const struct query_wire *wire = statement->plan->wire;
    *columns = statement->plan->columns;
    return wire && (wire->kind == WIRE_COPY || wire->kind == WIRE_COPY_IN || wire->kind == WIRE_DECLARE)
               ? 0
               : statement->plan->column_count;
}

uint32_t query_statement_row_columns(const struct query_statement *statement, const struct query_column **columns)
{
    *columns = statement->plan->columns;
    return statement->plan->column_count;
}

const struct query_wire *query_statement_wire(const struct query_statement *statement)
{
    return statement->plan->wire;
}

void query_statement_tag(const struct query_statement *statement, uint64_t row_count, char tag[64])
{
    enum plan_kind kind = statement->plan->kind;
    const struct query_wire *wire = statement->plan->wire;
    bool has_count = kind == PLAN_SELECT || kind == PLAN_DELETE || kind == PLAN_UPDATE;
    if (wire) has_count = wire->kind == WIRE_COPY || wire->kind == WIRE_COPY_IN || wire->kind == WIRE_FETCH;
    bool is_own = kind == PLAN_TEMPORARY;
    has_count =
        has_count ||
        (is_own && (statement->plan->temporary->has_rows || statement->plan->temporary->act == TEMPORARY_WRITE));
    bool is_insert = kind == PLAN_INSERT || (is_own && strcmp(statement->plan->tag, "INSERT") == 0);
    if (is_insert && !wire) /* the 0 is what was an oid once */
        snprintf(tag, 64, "INSERT 0 %" PRIu64, row_count);
    else if (has_count)
        snprintf(tag, 64, "%s %" PRIu64, statement->plan->tag, row_count);
    else
        snprintf(tag, 64, "%s", statement->plan->tag);
}

enum query_transaction query_statement_transaction(const struct query_statement *statement)
{
    return statement->plan->transaction;
}

const char *query_statement_savepoint(const struct query_statement *statement)
{
    return statement->plan->savepoint;
}

bool query_statement_is_final(const struct query_statement *statement)
{
    return statement->plan->kind == PLAN_DELETE || statement->plan->kind == PLAN_UPDATE;
}

bool query_statement_writes(const struct query_statement *statement)
{
    const struct plan_temporary *temporary = statement->plan->temporary;
    return statement->plan->insert || (temporary && temporary->act == TEMPORARY_WRITE);
}

bool query_statement_changes(const struct query_statement *statement)
{
    return is_change(statement->plan);
}

bool statement_is_permitted(const struct query_statement *statement, struct err *err)
{
    const char *why = statement->session->read_only_why;
    if (why && (is_change(statement->plan) || statement->plan->insert))
        return err_set(err, ERR_FORBIDDEN, "%s is not permitted: %s", statement->plan->tag, why);
    if (statement->session->last_us != 0 && is_beyond_times(statement->plan))
        return err_set(err, ERR_FORBIDDEN, "%s is not permitted: only rows of one range of time may be read",
                       statement->plan->tag);
    return true;
}

/* A temporary table was dropped since, and there is another of its name, it may be: the statement is planned anew. What the
 * client was told of its columns must hold. */
static bool plan_again(struct query_statement *statement, struct err *err)
{
    struct plan *plan = statement->plan, *next;
    const uint64_t *numbers;
    struct arena arena;
    arena_init(&arena, 256);
    bool is_there = temporary_numbers(statement->session, plan, &arena, &numbers);
    arena_deinit(&arena);
    if (is_there) return true;
    if (!engine_plan(statement->session, plan->text, plan->parameters, plan->parameter_count, &next, err)) return false;
    bool is_same = next->column_count == plan->column_count && next->parameter_count == plan->parameter_count;
    for (uint32_t c = 0; is_same && c < plan->column_count; c++)
        is_same = next->columns[c].type == plan->columns[c].type;
    if (!is_same) {
        plan_release(next);
        return err_set(err, ERR_UNSUPPORTED, "cached plan must not change result type");
    }
    if (statement->described)
        plan_release(plan);
    else
        statement->described = plan; /* names and types that somebody holds */
    statement->plan = next;
    return true;
}

bool query_execute(struct query_statement *statement, const struct query_parameter *parameters, uint32_t count,
                   struct query_cursor **cursor, struct err *err)
{
    *cursor = NULL;
    if (!statement_is_permitted(statement, err) || !plan_again(statement, err)) return false;
    return cursor_open(statement->session, statement->plan, statement->planning, parameters, count, cursor, err);
}
