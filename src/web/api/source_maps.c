/* Source maps of a project: uploads, lists, deletions (sourcemaps/sourcemaps.h). */
#include "net/http.h"
#include "sourcemaps/sourcemaps.h"
#include "web/api/api_page.h"
#include "web/api/handlers.h"
#include "web/api/people.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static yyjson_mut_val *map_json(struct api_call *call, const struct source_map *map)
{
    yyjson_mut_val *object = yyjson_mut_obj(call->json);
    api_put_uuid(call, object, "id", map->id);
    api_put_text(call, object, "script", bytes_of_text(map->file));
    api_put_text(call, object, "release", bytes_of_text(map->release));
    if (uuid_equal(map->debug_id, (struct uuid){ 0 })) {
        yyjson_mut_obj_add_null(call->json, object, "debug_id");
    } else {
        api_put_uuid(call, object, "debug_id", map->debug_id);
    }
    yyjson_mut_obj_add_sint(call->json, object, "bytes", map->bytes);
    yyjson_mut_obj_add_sint(call->json, object, "stored_bytes", map->stored_bytes);
    yyjson_mut_obj_add_sint(call->json, object, "mappings", map->mapping_count);
    yyjson_mut_obj_add_sint(call->json, object, "sources", map->source_count);
    yyjson_mut_obj_add_bool(call->json, object, "has_sources", map->has_sources);
    api_put_text(call, object, "uploaded_by", bytes_of_text(map->uploaded_by));
    api_put_time(call, object, "uploaded_at", map->uploaded_unix_us);
    api_put_time(call, object, "valid_from", map->valid_from_unix_us);
    api_put_time(call, object, "used_at", map->used_unix_us);
    return object;
}

struct listing {
    struct api_call *call;
    struct api_page *page;
};
static bool map_add(void *ctx, const struct source_map *map)
{
    struct listing *listing = ctx;
    char id[UUID_TEXT_BYTES + 1];
    const struct bytes number = api_page_number(listing->call, map->uploaded_unix_us);
    uuid_to_text(map->id, id);
    const struct bytes keys[] = { number, bytes_of_text(id) };
    return api_page_add(listing->page, map_json(listing->call, map), keys);
}

void api_source_map_list(struct api_call *call)
{
    struct api_page page;
    struct listing listing = { call, &page };
    struct err err = { 0 };
    if (!api_page_read(call, 2, &page)) return;
    struct source_map_filter filter = { .release = api_query(call, "release"),
                                        .file = api_query(call, "script"),
                                        .limit = page.limit + 1 };
    if (!api_page_place(&page, &filter.after_unix_us, &filter.after_id)) return;
    if (source_map_list(call->parts->db, call->project.id, &filter, map_add, &listing, &err)) {
        api_page_answer(call, &page);
    } else {
        api_fail(call, &err);
    }
}

static bool finish_run(struct db_session *session, void *ctx, struct err *err)
{
    return source_map_finish(session, ctx, err);
}

void api_source_map_upload(struct api_call *call)
{
    struct source_map *map = arena_calloc(call->arena, sizeof *map);
    struct err err = { 0 };
    struct sourcemaps_upload upload = { .project_id = call->project.id,
                                        .release = api_query(call, "release"),
                                        .file = api_query(call, "script"),
                                        .json = call->request->body,
                                        .by = call->actor->name };
    if (call->parts->source_maps == NULL) {
        api_fail_with(call, ERR_UNSUPPORTED, "this process has no object store: ask one with role worker or query");
        return;
    }
    if (upload.file.len == 0) {
        api_fail_at(call, "?script", "which one is it of? https://www.example.com/assets/app.js, or ~/assets/app.js");
        return;
    }
    if (!sourcemaps_put(call->parts->source_maps, &upload, map, &err)) {
        api_fail(call, &err);
        return;
    }
    yyjson_mut_val *details = yyjson_mut_obj(call->json);
    api_put_text(call, details, "script", upload.file);
    api_put_text(call, details, "release", upload.release);
    char id[UUID_TEXT_BYTES + 1];
    uuid_to_text(map->id, id);
    struct people_change change = { finish_run,
                                    map,
                                    { .action = "source_map.upload",
                                      .object_kind = "source_map",
                                      .object = id,
                                      .project_id = &call->project.id,
                                      .details = people_details(call, details) } };
    if (people_transaction(call, &change)) api_answer(call, map_json(call, map));
}

struct deleting {
    struct uuid project_id, id;
};
static bool delete_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct deleting *deleting = ctx;
    return source_map_delete(session, deleting->project_id, deleting->id, err);
}

void api_source_map_delete(struct api_call *call)
{
    struct deleting deleting = { .project_id = call->project.id };
    if (!api_path_uuid(call, "map", &deleting.id)) return;
    char id[UUID_TEXT_BYTES + 1];
    uuid_to_text(deleting.id, id);
    struct people_change change = { delete_run,
                                    &deleting,
                                    { .action = "source_map.delete",
                                      .object_kind = "source_map",
                                      .object = id,
                                      .project_id = &call->project.id,
                                      .details = BYTES("") } };
    if (people_transaction(call, &change)) api_answer_none(call);
}
