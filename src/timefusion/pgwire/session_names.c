#include "timefusion/pgwire/session_inside.h"
#include <stdlib.h>

void prepared_release(struct prepared *prepared)
{
    if (!prepared || --prepared->reference_count > 0) return;
    if (prepared->statement) query_statement_close(prepared->statement);
    free(prepared);
}

struct prepared *prepared_create(struct bytes name, struct query_statement *statement)
{
    struct prepared *prepared = mem_calloc(1, sizeof *prepared + name.len + 1);
    prepared->statement = statement;
    prepared->reference_count = 1;
    memcpy(prepared->name, name.ptr, name.len);
    return prepared;
}

struct prepared *prepared_find(struct session *session, struct bytes name)
{
    for (struct prepared *p = session->prepared; p; p = p->next)
        if (bytes_equal(bytes_of_text(p->name), name)) return p;
    return NULL;
}

void prepared_forget(struct session *session, struct bytes name)
{
    for (struct prepared **at = &session->prepared; *at; at = &(*at)->next) {
        if (!bytes_equal(bytes_of_text((*at)->name), name)) continue;
        struct prepared *found = *at;
        *at = found->next;
        session->named_count--;
        prepared_release(found);
        return;
    }
}

void portal_destroy(struct portal *portal)
{
    if (portal->cursor) query_cursor_close(portal->cursor);
    prepared_release(portal->prepared);
    buf_deinit(&portal->values);
    free(portal->parameters);
    free(portal->formats);
    free(portal);
}

struct portal *portal_find(struct session *session, struct bytes name)
{
    for (struct portal *p = session->portals; p; p = p->next)
        if (bytes_equal(bytes_of_text(p->name), name)) return p;
    return NULL;
}

void portal_forget(struct session *session, struct bytes name)
{
    for (struct portal **at = &session->portals; *at; at = &(*at)->next) {
        if (!bytes_equal(bytes_of_text((*at)->name), name)) continue;
        struct portal *found = *at;
        *at = found->next;
        session->named_count--;
        portal_destroy(found);
        return;
    }
}

void portals_forget_all(struct session *session)
{
    while (session->portals) portal_forget(session, bytes_of_text(session->portals->name));
}
