/* book.h -- which maps there are, for whoever resolves: an edition is all of them, as they were read at a time.
 *
 *   source_map_each --book_refresh--> edition, by project and path; by debug id --book_find--> the map for a file, or none
 *
 * For a file of a stack, as the browser names it, the one that was valid when the record was received, and of these:
 *   1. that of its debug id, where the sender told it
 *   2. that of its path: of its release before one of any release (a sender without a release takes any), of its host
 *      before one of any host ("~/"), the newest
 * Thread: book_find on an edition that is held: any. book_refresh waits for the database and is one thread's.
 * Memory: an edition, 0.3 KB a map. Errors: those of db.h. */
#pragma once
#include "base/arena.h"
#include "meta/source_map.h"

struct book_map { /* of an edition */
    struct uuid id, project_id, debug_id;
    struct bytes release, host, path;
    int64_t valid_from_unix_us, deleted_unix_us;
};
struct edition;
struct book;
MUST_CHECK bool book_open(struct book **book, struct db *db, struct err *err);
void book_close(struct book *book); /* NULL is fine */
/* Reads anew when something has changed. news: called for each map that was not in the edition before; NULL: nobody asks. */
MUST_CHECK bool book_refresh(struct book *book, void (*news)(void *ctx, const struct book_map *map), void *ctx,
                             struct err *err);
struct edition *book_hold(struct book *book); /* NULL: there are no maps at all */
void book_release(struct edition *edition);   /* NULL is fine */
uint32_t book_count(struct book *book);

struct book_ask {
    struct uuid project_id;
    int64_t received_unix_us;
    struct bytes release;
    struct bytes debug_ids; /* what the sender told: "DEBUG-ID", or lines "URL DEBUG-ID" */
};
bool book_has_project(const struct edition *edition, struct uuid project_id);
const struct book_map *book_find(const struct edition *edition, const struct book_ask *ask, struct bytes file);

/* The maps that were valid then, of the release or of any (release empty: all), the newest first; at most maps_max. */
uint32_t book_of_release(const struct edition *edition, const struct book_ask *ask, const struct book_map **maps,
                         uint32_t maps_max);

/* "https://www.example.com/assets/app.js?v=2": host and path; "~/assets/app.js": the path alone, of any host. What has no
 * scheme is a path. Backslashes become slashes, query and fragment go. False: there is no path, or it does not fit. */
#define BOOK_FILE_BYTES SOURCE_MAP_FILE_BYTES
struct book_file {
    char host[BOOK_FILE_BYTES], path[BOOK_FILE_BYTES];
};
MUST_CHECK bool book_file_split(struct bytes file, struct book_file *split);
