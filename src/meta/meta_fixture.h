/* meta_fixture.h -- for tests: the metadata of two projects, shop and lobby, in a database of either kind.
 *
 *   fixture->base = meta_fixture_open(state, &fixture->meta, &fixture->shop, &fixture->lobby);      then meta_close, and
 *   db_fixture_teardown(fixture->base) */
#pragma once
#include "meta/db_fixture.h"
#include "meta/meta.h"

/* lobby NULL: one project. */
static inline struct db_fixture *meta_fixture_open(void **state, struct meta **meta, struct meta_project *shop,
                                                   struct meta_project *lobby)
{
    struct err err = { 0 };
    struct db_fixture *base = db_fixture_setup(state);
    if (!meta_open(meta, base->url, &db_fixture_log, &err)) fail_msg("%s", err.text);
    assert_true(meta_project_create(*meta, "shop", shop, &err));
    if (lobby != NULL) assert_true(meta_project_create(*meta, "lobby", lobby, &err));
    return base;
}
