#include "worker/patterns/pattern_names.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/hash.h"
#include "meta/pattern.h"
#include "patterns/group.h"
#include "worker/rows/rows.h"

#define DAY_US INT64_C(86400000000)

struct service {
    struct uuid project_id;
    struct bytes name;
    uint32_t project; /* index */
    struct bytes *kept;
    uint32_t kept_count, kept_cap;
    uint32_t group_at; /* when it has so many they are grouped again */
    struct bytes *patterns;
    struct uuid *pattern_ids;
    uint32_t pattern_count;
    struct uuid other_id;
};
struct project {
    struct uuid id;
    uint32_t kept_count, service_count;
};
struct pattern_names {
    struct arena arena;
    struct service *services;
    struct project *projects;
    uint32_t service_count, service_cap, project_count, project_cap;
    struct uuid *ids; /* kept ones: open addressing; all zeros: free */
    uint32_t id_count, id_cap;
    uint64_t seed;
    int64_t day_us;
};

struct pattern_names *pattern_names_create(void)
{
    struct pattern_names *names = mem_calloc(1, sizeof *names);
    struct uuid random = uuid_random();
    arena_init(&names->arena, 0);
    memcpy(&names->seed, random.bytes, sizeof names->seed);
    return names;
}

static void names_reset(struct pattern_names *names)
{
    for (uint32_t s = 0; s < names->service_count; s++) free(names->services[s].kept);
    names->service_count = names->project_count = names->id_count = 0;
    if (names->id_cap > 0) memset(names->ids, 0, names->id_cap * sizeof *names->ids);
    arena_reset(&names->arena);
}

void pattern_names_destroy(struct pattern_names *names)
{
    if (names == NULL) return;
    names_reset(names);
    free(names->services);
    free(names->projects);
    free(names->ids);
    arena_deinit(&names->arena);
    free(names);
}

void pattern_names_begin(struct pattern_names *names, int64_t now_unix_us)
{
    int64_t day_us = now_unix_us - now_unix_us % DAY_US;
    if (day_us == names->day_us && names->arena.bytes <= PATTERN_NAMES_BYTES_MAX) return;
    names->day_us = day_us;
    names_reset(names);
}

/* Where the id is, or goes. */
static struct uuid *id_at(struct pattern_names *names, struct uuid id)
{
    uint64_t hash = hash64_key(bytes_from(id.bytes, sizeof id.bytes), names->seed);
    for (;; hash++) {
        struct uuid *at = &names->ids[hash & (names->id_cap - 1)];
        if (uuid_equal(*at, id) || uuid_equal(*at, (struct uuid){ { 0 } })) return at;
    }
}

static void id_keep(struct pattern_names *names, struct uuid id)
{
    if (names->id_count * 2 >= names->id_cap) {
        struct uuid *old = names->ids;
        uint32_t old_cap = names->id_cap;
        names->id_cap = old_cap ? old_cap * 2 : 1024;
        names->ids = mem_calloc(names->id_cap, sizeof *names->ids);
        for (uint32_t i = 0; i < old_cap; i++)
            if (!uuid_equal(old[i], (struct uuid){ { 0 } })) *id_at(names, old[i]) = old[i];
        free(old);
    }
    *id_at(names, id) = id;
    names->id_count++;
}

static uint32_t project_find(struct pattern_names *names, struct uuid id)
{
    for (uint32_t p = 0; p < names->project_count; p++)
        if (uuid_equal(names->projects[p].id, id)) return p;
    if (names->project_count == names->project_cap) {
        names->project_cap = names->project_cap ? names->project_cap * 2 : 16;
        names->projects = mem_realloc(names->projects, names->project_cap * sizeof *names->projects);
    }
    names->projects[names->project_count] = (struct project){ .id = id };
    return names->project_count++;
}

/* NULL: the project has too many. Only for templates that are not kept: of each a few. */
static struct service *service_find(struct pattern_names *names, uint32_t project, struct bytes name)
{
    for (uint32_t s = 0; s < names->service_count; s++)
        if (names->services[s].project == project && bytes_equal(names->services[s].name, name))
            return &names->services[s];
    if (names->projects[project].service_count == PATTERN_SERVICES_MAX) return NULL;
    names->projects[project].service_count++;
    if (names->service_count == names->service_cap) {
        names->service_cap = names->service_cap ? names->service_cap * 2 : 16;
        names->services = mem_realloc(names->services, names->service_cap * sizeof *names->services);
    }
    struct service *service = &names->services[names->service_count++];
    struct uuid project_id = names->projects[project].id;
    *service = (struct service){ .project_id = project_id,
                                 .name = arena_copy(&names->arena, name),
                                 .project = project,
                                 .group_at = PATTERN_FREE,
                                 .other_id = rows_pattern_id(project_id, name, BYTES(PATTERN_OTHER)) };
    return service;
}

/* Patterns of what is kept, as readers will find them. */
static void service_group(struct pattern_names *names, struct service *service)
{
    struct arena arena;
    struct pattern_groups groups;
    arena_init(&arena, 0);
    patterns_group(&arena, service->kept, service->kept_count, &groups);
    service->pattern_count = 0;
    service->patterns = arena_alloc(&names->arena, groups.count * sizeof *service->patterns);
    service->pattern_ids = arena_alloc(&names->arena, groups.count * sizeof *service->pattern_ids);
    for (uint32_t g = 0; g < groups.count; g++) {
        if (groups.sizes[g] < PATTERN_MEMBERS_MIN) continue;
        service->patterns[service->pattern_count] = arena_copy(&names->arena, groups.texts[g]);
        service->pattern_ids[service->pattern_count++] =
            rows_pattern_id(service->project_id, service->name, groups.texts[g]);
    }
    arena_deinit(&arena);
    service->group_at = service->kept_count + service->kept_count / 4;
}

struct pattern_name pattern_names_find(struct pattern_names *names, struct uuid project_id, struct uuid id,
                                       struct bytes service_name, struct bytes template)
{
    struct pattern_name name = { .id = id, .service = service_name, .template = template };
    if (names->id_cap > 0 && uuid_equal(*id_at(names, id), id)) return name;
    uint32_t project = project_find(names, project_id);
    struct service *service = service_find(names, project, service_name);
    name.is_rest = true;
    if (service == NULL) {
        name.service = (struct bytes){ (const uint8_t *)"", 0 };
        name.template = BYTES(PATTERN_OTHER);
        name.id = rows_pattern_id(project_id, name.service, name.template);
        return name;
    }
    for (uint32_t p = 0; p < service->pattern_count; p++) {
        if (!pattern_fits(service->patterns[p], template)) continue;
        name.template = service->patterns[p];
        name.id = service->pattern_ids[p];
        return name;
    }
    if (service->kept_count >= PATTERN_SERVICE_MAX || names->projects[project].kept_count >= PATTERN_PROJECT_MAX) {
        name.template = BYTES(PATTERN_OTHER);
        name.id = service->other_id;
        return name;
    }
    if (service->kept_count == service->kept_cap) {
        service->kept_cap = service->kept_cap ? service->kept_cap * 2 : 16;
        service->kept = mem_realloc(service->kept, service->kept_cap * sizeof *service->kept);
    }
    service->kept[service->kept_count++] = arena_copy(&names->arena, template);
    names->projects[project].kept_count++;
    id_keep(names, id);
    if (service->kept_count >= service->group_at) service_group(names, service);
    name.is_rest = false;
    return name;
}
