/* sourcemaps.h -- the source maps of all projects: taken in, kept in the object store, and applied to stacks as they come.
 *
 *   upload --sourcemaps_put--> map.h: compact form, sources apart --> object store: source_maps/PROJECT/ID.map, .sources
 *                                                                 --> meta/source_map.h: a row, valid 5 s from now
 *   worker --sourcemaps_stacks--> [ editions: which maps there are ] --> [ open maps, a budget ] --> the stack, resolved
 *   issue page --sourcemaps_context--> the lines around a place, from what the map says of its sources
 *
 * Pure: which map counts is a matter of the record (project, when it was received, release, file), so a replay resolves as
 * before. A map that cannot be had in SOURCEMAPS_WAIT_MS is left out, the stack stays as it was sent, and this is counted
 * (late): then a replay may know more than the rows do. So that it hardly happens maps are fetched when a process hears of
 * them, before they count; and a store that is slow is waited for once, not for each stack.
 * Thread: any; two of its own, one follows the metadata, one fetches, looks after what ends, and is who waits for the store.
 * Memory: open maps within bytes_max; an upload some multiple of its map, one at a time; 0.3 KB a map that is there.
 * Errors: ERR_INPUT no source map, or no name of a file; ERR_TOO_LARGE; ERR_BUSY another upload is worked on; ERR_NOT_FOUND;
 * those of db.h and object.h. */
#pragma once
#include "base/arena.h"
#include "base/log.h"
#include "meta/source_map.h"
#include "worker/rows/rows.h"
struct object_store;

#define SOURCEMAPS_UPLOAD_BYTES_MAX (64u << 20)
#define SOURCEMAPS_WAIT_MS          500

struct sourcemaps;
struct sourcemaps_options {
    struct db *db;
    struct object_store *objects; /* borrowed; NULL: this process has no store, and takes no maps */
    uint64_t bytes_max;           /* of open maps */
    struct source_map_limits limits;
    uint32_t unused_days_max; /* 0: for ever */
    bool resolves;            /* a worker: it follows, fetches and looks after what ends */
    const struct log *log;
};
MUST_CHECK bool sourcemaps_open(struct sourcemaps **maps, const struct sourcemaps_options *options, struct err *err);
void sourcemaps_close(struct sourcemaps *maps); /* NULL is fine; nobody may be resolving */

/* release empty: of any; file: "https://www.example.com/assets/app.js", "~/assets/app.js" of any host, or "/srv/app.js".
 * Takes the map in and fills *map; it counts once source_map_finish was called with it, in the caller's transaction. */
struct sourcemaps_upload {
    struct uuid project_id;
    struct bytes release, file, json;
    const char *by;
};
MUST_CHECK bool sourcemaps_put(struct sourcemaps *maps, const struct sourcemaps_upload *upload, struct source_map *map,
                               struct err *err);

/* For rows: how stacks are resolved. */
struct rows_stacks_source sourcemaps_stacks(struct sourcemaps *maps);

/* The lines around a place in a source, of a frame as it stands in a resolved stack. */
#define SOURCEMAPS_CONTEXT_LINES 5 /* before, and behind */
struct sourcemaps_line {
    uint32_t number;
    struct bytes text; /* without its end; a long one cut to SOURCEMAPS_LINE_BYTES_MAX around the column; UTF-8 */
};
#define SOURCEMAPS_LINE_BYTES_MAX 400
struct sourcemaps_context {
    struct sourcemaps_line lines[2 * SOURCEMAPS_CONTEXT_LINES + 1];
    uint32_t line_count;
    uint32_t at; /* which of them is the frame's */
    struct uuid map_id;
};
/* ask: the frame as it was sent (stacktrace_raw) says which map, its place there says which source and line. In the arena.
 * False with ERR_NOT_FOUND: no map, or one without sources. It waits for the object store: not on a thread of a loop. */
struct sourcemaps_place {
    struct uuid project_id;
    int64_t received_unix_us; /* or any time when the map was there */
    struct bytes release;     /* service.version */
    struct bytes debug_ids;   /* as the row has them, or empty */
    struct bytes file;        /* of the frame as it was sent: "https://www.example.com/assets/app-4f2.js" */
    uint32_t line, column;    /* from 1 */
};
MUST_CHECK bool sourcemaps_context(struct sourcemaps *maps, struct arena *arena, const struct sourcemaps_place *place,
                                   struct sourcemaps_context *context, struct err *err);

/* The same of a frame as it is resolved, where what was sent is not at hand: among the newest SOURCEMAPS_LOOK_MAX maps of the
 * release, the first one that has the source. file: as the resolved stack has it, "src/cart.ts"; column 0: not told. */
#define SOURCEMAPS_LOOK_MAX 16
MUST_CHECK bool sourcemaps_context_of_source(struct sourcemaps *maps, struct arena *arena,
                                             const struct sourcemaps_place *place, struct sourcemaps_context *context,
                                             struct err *err);

struct sourcemaps_stats {
    uint64_t stacks;   /* with a frame of a file that has a map */
    uint64_t frames;   /* resolved */
    uint64_t unmapped; /* frames whose map says nothing of their place */
    uint64_t late;     /* stacks left as they were sent: their map could not be had in time */
    uint64_t fetches, fetch_failures;
    uint64_t open_bytes;
    uint32_t open_maps, maps; /* maps: that there are, of all projects */
};
void sourcemaps_stats(struct sourcemaps *maps, struct sourcemaps_stats *stats);
