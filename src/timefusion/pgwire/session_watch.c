#include "base/clock.h"
#include "timefusion/pgwire/session_inside.h"

void watch_begin(struct watch *watch, const struct session *session, const struct portal *portal)
{
    watch->begin_mono_ns = clock_mono_ns();
    watch->row_count = portal ? portal->row_count : 0;
    span_begin(&watch->span, session->options.server->log, NULL, SPAN_SERVER, "SQL");
}

/* "SELECT 12" without the number. */
static void operation_of(const struct query_statement *statement, char operation[64])
{
    query_statement_tag(statement, 0, operation);
    size_t len = strlen(operation);
    while (len > 0 && (operation[len - 1] == ' ' || (operation[len - 1] >= '0' && operation[len - 1] <= '9'))) len--;
    operation[len] = '\0';
}

void watch_end(const struct watch *watch, struct session *session, const struct query_statement *statement,
               const struct portal *portal, const char *sqlstate)
{
    struct session_counters *counters = session->options.counters;
    uint64_t rows = portal ? portal->row_count - watch->row_count : 0;
    atomic_fetch_add(&counters->statements, 1);
    atomic_fetch_add(&counters->rows, rows);
    if (sqlstate) atomic_fetch_add(&counters->failed, 1);
    histogram_add_ns(&counters->times, clock_mono_ns() - watch->begin_mono_ns);
    if (!watch->span.name) return;

    char operation[64] = "", project_id[UUID_TEXT_BYTES + 1];
    struct span span = watch->span;
    if (statement) operation_of(statement, operation);
    if (operation[0]) span.name = operation;
    uuid_to_text(session->who.project_id, project_id);
    const struct log_field fields[] = {
        log_text("db.system.name", "postgresql"),
        log_text("monoscope.project.id", project_id),
        log_number("db.response.returned_rows", (int64_t)rows),
        log_number("monoscope.files.opened", portal ? portal->files_opened : 0),
        log_text(operation[0] ? "db.operation.name" : NULL, operation),
        log_text(NULL, NULL),
    };
    span_end(&span, session->options.server->log, sqlstate, fields);
}
