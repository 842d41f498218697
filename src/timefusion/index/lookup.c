#include "base/clock.h"
#include "timefusion/index/shelf.h"
#include "timefusion/index/values.h"

#include <stdlib.h>

#define VALUES_MAX    64u /* of a list; longer ones are left to the footers */
#define READS_MAX     64u /* of one run */
#define VALUE_PAGES   16u /* a value that stands in more of a run's pages is in most of its files: nothing to be won */
#define LIST_AGE_NS   UINT64_C(30000000000)
#define UNCOVERED_FEW 4u
#define LISTINGS_MAX  3 /* of one look-up, that met runs which others had merged */

/* One run that covers some of the files. */
struct asked {
    struct run *run;
    int column;       /* its number in the run */
    uint64_t *groups; /* by file of the run: the answer so far */
    uint64_t *hits;   /* of one value */
    struct shelf_read *reads;
    uint32_t read_count;
    bool is_known; /* false: it cannot answer */
};
struct place { /* of one of the caller's files */
    uint32_t asked, file;
};
#define UNCOVERED UINT32_MAX

struct lookup {
    struct index *index;
    struct shelf *shelf;
    const struct index_question *question;
    uint64_t hashes[VALUES_MAX];
    struct asked *asked;
    uint32_t asked_count;
    struct place *places;
};

static int column_of(const struct run *run, uint64_t column_hash)
{
    for (uint32_t c = 0; c < run->column_count; c++)
        if (run->columns[c] == column_hash) return (int)c;
    return -1;
}

static uint32_t asked_of(struct lookup *lookup, struct run *run, uint64_t column_hash)
{
    for (uint32_t a = 0; a < lookup->asked_count; a++)
        if (lookup->asked[a].run == run) return a;
    lookup->asked = mem_realloc(lookup->asked, (lookup->asked_count + 1) * sizeof *lookup->asked);
    lookup->asked[lookup->asked_count] =
        (struct asked){ .run = run_acquire(run), .column = column_of(run, column_hash), .is_known = true };
    return lookup->asked_count++;
}

/* Where each file's answer will stand. Gives how many files no run covers. Takes the shelf's lock. */
static uint32_t places_make(struct lookup *lookup, const struct index_file *files, uint32_t count)
{
    uint64_t column_hash = values_column_hash(lookup->question->table, lookup->question->column);
    struct run *last = NULL;
    uint32_t last_asked = 0, uncovered = 0;
    pthread_mutex_lock(&lookup->shelf->lock);
    lookup->shelf->used_mono_ns = clock_mono_ns();
    for (uint32_t f = 0; f < count; f++) {
        lookup->places[f].asked = UNCOVERED;
        if (files[f].groups == 0) continue;
        struct run *run = shelf_find(lookup->index, lookup->shelf, files[f].hash, &lookup->places[f].file);
        if (!run) {
            uncovered++;
            continue;
        }
        if (run != last) last_asked = asked_of(lookup, run, column_hash);
        last = run;
        int column = lookup->asked[last_asked].column;
        if (column >= 0 && run->files[lookup->places[f].file].columns >> column & 1)
            lookup->places[f].asked = last_asked;
    }
    pthread_mutex_unlock(&lookup->shelf->lock);
    return uncovered;
}

static void asked_forget(struct lookup *lookup)
{
    for (uint32_t a = 0; a < lookup->asked_count; a++) {
        struct asked *asked = &lookup->asked[a];
        for (uint32_t r = 0; r < asked->read_count; r++) free(asked->reads[r].into);
        free(asked->reads);
        free(asked->groups);
        free(asked->hits);
        run_release(asked->run);
    }
    free(lookup->asked);
    lookup->asked = NULL;
    lookup->asked_count = 0;
}

/* Notes the pages that the values need, each range once. */
static void reads_plan(struct lookup *lookup, struct asked *asked)
{
    struct run *run = asked->run;
    if (run->entries) return;
    asked->reads = mem_calloc(READS_MAX, sizeof *asked->reads);
    for (uint32_t v = 0; v < lookup->question->value_count && asked->is_known; v++) {
        uint32_t first, count, r = 0;
        run_pages_of(run, lookup->hashes[v], &first, &count);
        if (count == 0) continue;
        uint64_t offset = (uint64_t)first * RUN_PAGE_BYTES;
        size_t len = (size_t)(count - 1) * RUN_PAGE_BYTES + run_page_bytes(run, first + count - 1);
        while (r < asked->read_count && (asked->reads[r].offset != offset || asked->reads[r].len != len)) r++;
        if (r < asked->read_count) continue;
        asked->is_known = count <= VALUE_PAGES && asked->read_count < READS_MAX;
        if (asked->is_known)
            asked->reads[asked->read_count++] =
                (struct shelf_read){ .key = run->key, .offset = offset, .len = len, .into = mem_alloc(len) };
    }
}

/* All runs' pages side by side. */
static void reads_run(struct lookup *lookup)
{
    uint32_t total = 0, at = 0;
    uint64_t bytes = 0;
    for (uint32_t a = 0; a < lookup->asked_count; a++)
        total += lookup->asked[a].is_known ? lookup->asked[a].read_count : 0;
    if (total == 0) return;
    struct shelf_read *reads = mem_alloc(total * sizeof *reads);
    for (uint32_t a = 0; a < lookup->asked_count; a++)
        for (uint32_t r = 0; lookup->asked[a].is_known && r < lookup->asked[a].read_count; r++) {
            reads[at++] = lookup->asked[a].reads[r];
            bytes += lookup->asked[a].reads[r].len;
        }
    shelf_reads(lookup->index, reads, total);
    at = 0;
    for (uint32_t a = 0; a < lookup->asked_count; a++)
        for (uint32_t r = 0; lookup->asked[a].is_known && r < lookup->asked[a].read_count; r++)
            lookup->asked[a].reads[r] = reads[at++];
    free(reads);
    atomic_fetch_add(&lookup->index->gets, total);
    atomic_fetch_add(&lookup->index->get_bytes, bytes);
}

/* True when every page read is what the run says it is. */
static bool reads_check(struct asked *asked, struct err *err)
{
    for (uint32_t r = 0; r < asked->read_count; r++) {
        const struct shelf_read *read = &asked->reads[r];
        if (!read->ok) {
            *err = read->err;
            return false;
        }
        uint32_t page = (uint32_t)(read->offset / RUN_PAGE_BYTES);
        for (size_t done = 0; done < read->len; page++) {
            size_t bytes = run_page_bytes(asked->run, page);
            if (!run_page_is_good(asked->run, page, bytes_from(read->into + done, bytes)))
                return err_set(err, ERR_CORRUPT, "the checksum of page %u is wrong", page);
            done += bytes;
        }
    }
    return true;
}

static void value_hits(struct asked *asked, uint64_t hash)
{
    const struct run *run = asked->run;
    uint32_t first, count;
    memset(asked->hits, 0, run->file_count * sizeof *asked->hits);
    if (run->entries) {
        run_hits(run, run->entries, run->entry_count, hash, asked->hits);
        return;
    }
    run_pages_of(run, hash, &first, &count);
    for (uint32_t r = 0; count > 0 && r < asked->read_count; r++)
        if (asked->reads[r].offset == (uint64_t)first * RUN_PAGE_BYTES)
            run_hits(run, (const uint64_t *)(const void *)asked->reads[r].into, asked->reads[r].len / sizeof(uint64_t),
                     hash, asked->hits);
}

static void asked_answer(struct lookup *lookup, struct asked *asked)
{
    const struct index_question *question = lookup->question;
    uint32_t files = asked->run->file_count;
    asked->hits = mem_alloc(files * sizeof *asked->hits);
    asked->groups = mem_alloc(files * sizeof *asked->groups);
    memset(asked->groups, question->is_all ? 0xFF : 0, files * sizeof *asked->groups);
    for (uint32_t v = 0; v < question->value_count; v++) {
        value_hits(asked, lookup->hashes[v]);
        for (uint32_t f = 0; f < files; f++) {
            if (question->is_all)
                asked->groups[f] &= asked->hits[f];
            else
                asked->groups[f] |= asked->hits[f];
        }
    }
}

/* Gives the count of files whose run answered. */
static uint32_t files_answer(struct lookup *lookup, struct index_file *files, uint32_t count)
{
    uint32_t covered = 0, out = 0;
    for (uint32_t f = 0; f < count; f++) {
        const struct place *place = &lookup->places[f];
        if (place->asked == UNCOVERED || !lookup->asked[place->asked].is_known) continue;
        covered++;
        files[f].groups &= lookup->asked[place->asked].groups[place->file];
        out += files[f].groups == 0;
    }
    atomic_fetch_add(&lookup->index->files_asked, covered);
    atomic_fetch_add(&lookup->index->files_out, out);
    return covered;
}

/* False when a run proved to be gone: the list is out of date. */
static bool ask(struct lookup *lookup)
{
    bool is_current = true;
    for (uint32_t a = 0; a < lookup->asked_count; a++) reads_plan(lookup, &lookup->asked[a]);
    reads_run(lookup);
    for (uint32_t a = 0; a < lookup->asked_count; a++) {
        struct asked *asked = &lookup->asked[a];
        struct err err = { .code = ERR_OK };
        if (!asked->is_known) continue;
        asked->is_known = reads_check(asked, &err);
        if (asked->is_known) {
            asked_answer(lookup, asked);
        } else {
            shelf_drop_bad(lookup->index, lookup->shelf, asked->run, &err);
            is_current = is_current && err.code != ERR_NOT_FOUND;
        }
    }
    return is_current;
}

static void list_when_due(struct lookup *lookup, struct index_file *files, uint32_t count)
{
    struct shelf *shelf = lookup->shelf;
    uint64_t now_mono_ns = clock_mono_ns();
    shelf_list(lookup->index, shelf, 0);
    uint32_t uncovered = places_make(lookup, files, count);
    if (uncovered <= UNCOVERED_FEW) return;
    asked_forget(lookup);
    shelf_list(lookup->index, shelf, now_mono_ns > LIST_AGE_NS ? now_mono_ns - LIST_AGE_NS : 0);
    places_make(lookup, files, count);
}

bool index_lookup(struct index *index, const struct index_question *question, struct index_file *files,
                  uint32_t file_count)
{
    const uint32_t *columns;
    uint32_t column_count = index_columns(question->table, &columns), column = 0;
    while (column < column_count && columns[column] != question->column) column++;
    if (column == column_count || question->value_count == 0 || question->value_count > VALUES_MAX) return false;

    struct lookup lookup = { .index = index,
                             .shelf = shelf_get(index, question->table, question->project_id),
                             .question = question,
                             .places = mem_alloc(file_count * sizeof *lookup.places) };
    for (uint32_t v = 0; v < question->value_count; v++) lookup.hashes[v] = run_hash(question->values[v]);
    atomic_fetch_add(&index->lookups, 1);
    list_when_due(&lookup, files, file_count);
    /* With the list as it is now; what is still missing then stays unknown. */
    for (int tries = 0; !ask(&lookup) && tries < LISTINGS_MAX; tries++) {
        asked_forget(&lookup);
        shelf_list(index, lookup.shelf, clock_mono_ns());
        places_make(&lookup, files, file_count);
    }
    uint32_t covered = files_answer(&lookup, files, file_count);
    asked_forget(&lookup);
    free(lookup.places);
    if (atomic_load(&index->memory) > index->options.memory_bytes_max) shelf_trim(index, lookup.shelf);
    return covered > 0;
}

bool index_covers(struct index *index, const struct schema_table *table, struct uuid project_id, struct hash128 file)
{
    struct shelf *shelf = shelf_get(index, table, project_id);
    uint32_t number;
    shelf_list(index, shelf, 0);
    pthread_mutex_lock(&shelf->lock);
    bool is_covered = shelf_find(index, shelf, file, &number) != NULL;
    pthread_mutex_unlock(&shelf->lock);
    return is_covered;
}
