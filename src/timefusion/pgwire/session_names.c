#include "timefusion/pgwire/session_inside.h"
#include <stdlib.h>

#define NAMED_MAX 1000u

bool names_have_room(struct session *session, struct err *err)
{
    if (session->named_count < NAMED_MAX) return true;
    return err_set(err, ERR_TOO_LARGE, "more than %u prepared statements and portals are open; close some", NAMED_MAX);
}

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

void prepared_keep(struct session *session, struct prepared *prepared)
{
    prepared->next = session->prepared;
    session->prepared = prepared;
    session->named_count++;
}

void prepared_forget_named(struct session *session)
{
    for (struct prepared *p = session->prepared, *next; p; p = next) {
        next = p->next;
        if (p->name[0] != '\0') prepared_forget(session, bytes_of_text(p->name));
    }
}

struct portal *portal_create(struct bytes name, struct prepared *prepared)
{
    struct portal *portal = mem_calloc(1, sizeof *portal + name.len + 1);
    memcpy(portal->name, name.ptr, name.len);
    portal->prepared = prepared;
    prepared->reference_count++;
    buf_init(&portal->values, 1);
    return portal;
}

void portal_keep(struct session *session, struct portal *portal)
{
    portal->depth = session->savepoint_count;
    portal->next = session->portals;
    session->portals = portal;
    session->named_count++;
}

void portal_destroy(struct portal *portal)
{
    if (portal->inner) portal_destroy(portal->inner);
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

static void portals_filter(struct session *session, bool (*goes)(const struct portal *portal, const void *ctx),
                           const void *ctx)
{
    for (struct portal **at = &session->portals; *at;) {
        struct portal *portal = *at;
        if (!goes(portal, ctx)) {
            at = &portal->next;
            continue;
        }
        *at = portal->next;
        session->named_count--;
        portal_destroy(portal);
    }
}

static bool is_other(const struct portal *portal, const void *but)
{
    return portal != but;
}

void portals_forget_but(struct session *session, const struct portal *but)
{
    portals_filter(session, is_other, but);
}

static bool is_above(const struct portal *portal, const void *depth)
{
    return portal->is_cursor && portal->depth > *(const uint32_t *)depth;
}

void portals_forget_above(struct session *session, uint32_t depth)
{
    portals_filter(session, is_above, &depth);
}

void portals_lift(struct session *session, uint32_t depth)
{
    for (struct portal *portal = session->portals; portal; portal = portal->next)
        if (portal->depth > depth) portal->depth = depth;
}

static bool is_cursor(const struct portal *portal, const void *ctx)
{
    (void)ctx;
    return portal->is_cursor;
}

void cursors_forget(struct session *session)
{
    portals_filter(session, is_cursor, NULL);
}
