/* Owners of a partition follow one another: what a query sees of it grows, whatever happens in whichever order.
 *
 * Row n is the row of the record at position n, with the timestamp n: a segment says by its times which rows it has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/disk.h"
#include "timefusion/segment/changes.h"

enum { ROWS_MAX = 400, OWNERS_MAX = 6, SMALL_MAX = 24, COPIES_MAX = 4096 };
#define TABLE  SCHEMA_METRICS
#define APP_ID "monoscope/test/0"

/* ---- an owner in its process: what src/worker does with records ---- */

struct writer {
    struct segments *segments; /* of its process */
    struct owner *owner;
    uint64_t epoch;
    bool is_alive;
    uint64_t hold;                             /* no cut below it; UINT64_MAX: not told yet */
    uint64_t position, published, columns_low; /* taken; visible; of the rows not yet cut */
    struct file *small[SMALL_MAX];             /* of the rows in columns */
    uint32_t small_count;
    /* the flush under way */
    bool is_flushing, is_sealed, is_committed;
    uint64_t cut, cut_low, cut_published;
    struct file *cut_files[SMALL_MAX];
    uint32_t cut_count;
};

/* ---- the process that is asked ---- */

struct copy {
    uint64_t id;
    struct file *file;
};
struct follower {
    struct uuid list_id;
    uint64_t number;
    struct owner *owners[OWNERS_MAX + 1]; /* by epoch */
    struct copy copies[COPIES_MAX];
    uint32_t count;
};

struct world {
    char dir[64];
    struct parquet_writer *writer;
    struct segments *processes[OWNERS_MAX + 1]; /* 0: the one that is asked */
    struct writer writers[OWNERS_MAX + 1];
    uint32_t writer_count;
    int64_t txn, txn_known;      /* of the table; as the one that is asked knows it */
    uint64_t epoch, epoch_known; /* of the fence */
    bool is_stale;               /* the one that is asked has not looked at the table for too long: it takes nothing */
    uint64_t end;                /* of the partition in Kafka */
    struct follower followers[OWNERS_MAX + 1];
    bool seen[ROWS_MAX + 1];
    uint32_t random;
    struct uuid project;
};

static uint32_t random_below(struct world *world, uint32_t bound)
{
    world->random = world->random * 1664525 + 1013904223;
    return (world->random >> 8) % bound;
}

static void world_open(struct world *world, uint32_t seed)
{
    *world = (struct world){ .txn = -1, .txn_known = -1, .random = seed, .writer = parquet_writer_create() };
    world->project.bytes[15] = 7;
    snprintf(world->dir, sizeof world->dir, "/tmp/mono_owner_XXXXXX");
    assert_non_null(mkdtemp(world->dir));
    for (uint32_t p = 0; p <= OWNERS_MAX; p++) {
        struct err err = { 0 };
        char dir[96];
        snprintf(dir, sizeof dir, "%s/%u", world->dir, p);
        assert_true(segments_open(&world->processes[p], dir, &disk_real, &err));
    }
}

static void writer_kill(struct writer *writer)
{
    if (!writer->is_alive) return;
    for (uint32_t s = 0; s < writer->small_count; s++) file_release(writer->small[s]);
    for (uint32_t s = 0; s < writer->cut_count; s++) file_release(writer->cut_files[s]);
    owner_close(writer->segments, writer->owner);
    writer->is_alive = false;
}

static void world_close(struct world *world)
{
    for (uint32_t w = 1; w <= world->writer_count; w++) writer_kill(&world->writers[w]);
    for (uint32_t f = 0; f <= OWNERS_MAX; f++) {
        struct follower *follower = &world->followers[f];
        for (uint32_t c = 0; c < follower->count; c++) file_release(follower->copies[c].file);
        for (uint32_t o = 0; o <= OWNERS_MAX; o++) owner_close(world->processes[0], follower->owners[o]);
    }
    for (uint32_t p = 0; p <= OWNERS_MAX; p++) segments_close(world->processes[p]);
    parquet_writer_destroy(world->writer);
    char command[96];
    snprintf(command, sizeof command, "rm -rf %s", world->dir);
    assert_int_equal(system(command), 0);
}

static void row_put(struct columns *columns, int64_t row)
{
    const struct schema_table *table = columns_table(columns);
    (void)columns_row_begin(columns, row);
    for (uint32_t c = 0; c < table->column_count; c++) {
        const struct schema_column *column = &table->columns[c];
        if (!schema_column_is_stored(column) || (column->flags & SCHEMA_NOT_NULL) == 0 || c == table->timestamp)
            continue;
        if (column->type == SCHEMA_TYPE_UUID) {
            columns_put_text(columns, c, BYTES("00000000-0000-4000-8000-000000000000"));
        } else if (column->type == SCHEMA_TYPE_TEXT) {
            columns_put_text(columns, c, BYTES("x"));
        } else {
            columns_put_int(columns, c, row);
        }
    }
    columns_row_end(columns);
}

/* A segment of rows (from, to], whose records the owner says are (low, to]. */
static struct file *segment_make(struct world *world, struct writer *writer, uint64_t from, uint64_t to, uint64_t low)
{
    struct err err = { 0 };
    struct bytes bytes;
    struct file *segment;
    struct columns *columns = columns_create(schema_table(TABLE));
    for (uint64_t row = from + 1; row <= to; row++) {
        row_put(columns, (int64_t)row);
    }
    assert_true(parquet_write(world->writer, columns, 0, (uint32_t)(to - from), PARQUET_CODEC_NONE, &bytes, &err));
    struct segment_range range = { low, to, writer->owner };
    if (!segment_write(writer->segments, schema_table(TABLE), 0, bytes, range, &segment, &err))
        fail_msg("%s", err.text);
    columns_destroy(columns);
    return segment;
}

static void writer_begin(struct world *world, struct segments *segments)
{
    struct err err = { 0 };
    struct writer *writer = &world->writers[++world->writer_count];
    uint64_t stored = world->txn < 0 ? 0 : (uint64_t)world->txn;
    world->epoch++; /* the fence */
    struct owner_options options = { .app_id = APP_ID, .epoch = world->epoch, .stored = { -1, world->txn } };
    *writer = (struct writer){ .segments = segments,
                               .hold = UINT64_MAX,
                               .epoch = world->epoch,
                               .is_alive = true,
                               .position = stored,
                               .published = stored,
                               .columns_low = stored };
    assert_true(owner_open(segments, &options, &writer->owner, &err));
}

/* At the table. An owner of this process that is followed ends there. */
static void look(struct world *world)
{
    world->txn_known = world->txn;
    world->epoch_known = world->epoch;
    world->is_stale = false;
    for (uint32_t w = 1; w <= world->writer_count; w++)
        if (world->writers[w].segments == world->processes[0] && world->writers[w].epoch < world->epoch)
            writer_kill(&world->writers[w]);
}

/* OWNER_SETTLE_MS after its fence. */
static void writer_settle(struct world *world, struct writer *writer)
{
    writer->hold = world->end;
    if (world->epoch_known < writer->epoch) world->is_stale = true;
}

static void writer_publish(struct world *world, struct writer *writer)
{
    if (writer->position == writer->published || writer->small_count == SMALL_MAX) return;
    struct file *segment = segment_make(world, writer, writer->published, writer->position, writer->columns_low);
    segments_swap(writer->segments, TABLE, world->project, NULL, 0, &segment, 1);
    writer->small[writer->small_count++] = segment;
    writer->published = writer->position;
    if (!writer->is_flushing || writer->is_sealed || writer->cut_published == writer->cut)
        owner_visible(writer->segments, writer->owner, writer->published);
}

/* Small ones become one. */
static void writer_merge(struct world *world, struct writer *writer)
{
    if (writer->small_count < 2) return;
    uint32_t kept = random_below(world, writer->small_count - 1);
    uint64_t from = (uint64_t)writer->small[kept]->shown.timestamp_min_us - 1;
    struct file *merged = segment_make(world, writer, from, writer->published, writer->columns_low);
    segments_swap(writer->segments, TABLE, world->project, &writer->small[kept], writer->small_count - kept, &merged,
                  1);
    for (uint32_t s = kept; s < writer->small_count; s++) file_release(writer->small[s]);
    writer->small[kept] = merged;
    writer->small_count = kept + 1;
}

/* One step of a flush: cut, seal, commit, drop. A commit of an owner that another has followed is refused for ever. */
static void writer_flush(struct world *world, struct writer *writer)
{
    if (!writer->is_flushing) {
        if (writer->position == writer->columns_low || writer->position < writer->hold) return;
        writer->is_flushing = true;
        writer->is_sealed = writer->is_committed = false;
        writer->cut = writer->position;
        writer->cut_low = writer->columns_low;
        writer->cut_published = writer->published;
        memcpy(writer->cut_files, writer->small, sizeof writer->small);
        writer->cut_count = writer->small_count;
        writer->small_count = 0;
        writer->published = writer->columns_low = writer->position;
    } else if (!writer->is_sealed) {
        struct file *sealed = segment_make(world, writer, writer->cut_low, writer->cut, writer->cut_low);
        segments_swap(writer->segments, TABLE, world->project, writer->cut_files, writer->cut_count, &sealed, 1);
        for (uint32_t s = 0; s < writer->cut_count; s++) file_release(writer->cut_files[s]);
        writer->cut_files[0] = sealed;
        writer->cut_count = 1;
        writer->is_sealed = true;
        owner_visible(writer->segments, writer->owner, writer->published);
    } else if (!writer->is_committed) {
        if (writer->epoch != world->epoch) return;
        world->txn = (int64_t)writer->cut;
        if (writer->segments == world->processes[0]) look(world);
        writer->is_committed = true;
    } else {
        segments_swap(writer->segments, TABLE, world->project, writer->cut_files, writer->cut_count, NULL, 0);
        for (uint32_t s = 0; s < writer->cut_count; s++) file_release(writer->cut_files[s]);
        writer->cut_count = 0;
        writer->is_flushing = false;
    }
}

static struct delta_snapshot delta_at(struct delta_txn txns[2], int64_t version, uint64_t epoch)
{
    uint32_t count = 0;
    if (version >= 0) txns[count++] = (struct delta_txn){ .app_id = APP_ID, .version = (uint64_t)version };
    txns[count++] = (struct delta_txn){ .app_id = APP_ID "/owner", .version = epoch };
    return (struct delta_snapshot){ .txns = txns, .txn_count = count };
}

static bool original_read(void *ctx, uint64_t offset, void *ptr, size_t len, struct err *err)
{
    return timefusion_file_read(ctx, offset, ptr, len, err);
}

static bool is_among(const struct segments_changes *changes, uint64_t id)
{
    for (uint32_t e = 0; e < changes->entry_count; e++)
        if (changes->entries[e].file->shown.id == id) return true;
    return false;
}

/* What src/peers does with an answer, without the wire. */
static void follow(struct world *world, uint32_t process)
{
    struct follower *follower = &world->followers[process];
    struct segments *segments = world->processes[0];
    if (world->is_stale) return;
    struct segments_changes changes;
    struct err err = { 0 };
    uint64_t since = random_below(world, 20) == 0 ? 0 : follower->number; /* now and then: the whole list */
    segments_changes(world->processes[process], follower->list_id, since, &changes);
    struct copies_owner *owners = mem_calloc(changes.owner_count + 1, sizeof *owners);
    struct segments_entry *added = mem_calloc(changes.entry_count + 1, sizeof *added);
    struct file **removed = mem_calloc(follower->count + 1, sizeof(struct file *));
    struct delta_txn txns[2];
    struct delta_snapshot delta = delta_at(txns, world->txn_known, world->epoch_known);
    struct delta_snapshot *deltas[SCHEMA_TABLE_COUNT] = { &delta, &delta };
    struct copies_batch batch = { .deltas = deltas, .owners = owners, .added = added, .removed = removed };
    for (uint32_t o = 0; o < changes.owner_count; o++) {
        const struct segments_owner *told = &changes.owners[o];
        struct owner **owner = &follower->owners[told->owner->epoch];
        struct owner_options options = { .app_id = APP_ID, .epoch = told->owner->epoch, .is_copy = true };
        memcpy(options.stored, told->stored, sizeof options.stored);
        if (!*owner) assert_true(owner_open(segments, &options, owner, &err));
        struct copies_owner *it = &owners[batch.owner_count++];
        *it = (struct copies_owner){ .owner = *owner, .visible = told->visible };
        memcpy(it->stored, told->stored, sizeof it->stored);
    }
    uint32_t kept = 0;
    for (uint32_t c = 0; c < follower->count; c++) {
        bool is_gone = changes.is_full && !is_among(&changes, follower->copies[c].id);
        for (uint32_t r = 0; !changes.is_full && r < changes.removed_count; r++)
            is_gone = is_gone || changes.removed[r] == follower->copies[c].id;
        if (is_gone) {
            removed[batch.removed_count++] = follower->copies[c].file;
        } else {
            follower->copies[kept++] = follower->copies[c];
        }
    }
    follower->count = kept;
    for (uint32_t e = 0; e < changes.entry_count; e++) {
        struct file *file = changes.entries[e].file;
        bool is_known = false;
        for (uint32_t c = 0; c < follower->count; c++) is_known = is_known || follower->copies[c].id == file->shown.id;
        if (is_known) continue;
        struct segment_original original = { .table = file->table,
                                             .day = file->shown.day,
                                             .bytes = file->shown.bytes,
                                             .position_low = file->shown.position_low,
                                             .position_high = file->shown.position_high,
                                             .read = original_read,
                                             .ctx = &file->shown };
        struct file *copy;
        if (!segment_copy(segments, &original, follower->owners[file->owner->epoch], &copy, &err))
            fail_msg("%s", err.text);
        added[batch.added_count++] = (struct segments_entry){ copy, changes.entries[e].project_id };
        assert_true(follower->count < COPIES_MAX);
        follower->copies[follower->count++] = (struct copy){ file->shown.id, copy };
    }
    copies_apply(segments, &batch);
    for (uint32_t r = 0; r < batch.removed_count; r++) file_release(removed[r]);
    follower->number = changes.number;
    follower->list_id = changes.list_id;
    segments_changes_deinit(&changes);
    free(owners);
    free(added);
    free(removed);
}

/* Every row that was seen is seen, and none twice. */
static void ask(struct world *world)
{
    struct owners_view view;
    struct file **files;
    struct delta_txn txns[2];
    bool rows[ROWS_MAX + 1] = { false };
    uint32_t count = segments_list(world->processes[0], TABLE, world->project, &files, &view);
    if (random_below(world, 3) == 0) look(world); /* after the list was taken */
    struct delta_snapshot delta = delta_at(txns, world->txn_known, world->epoch_known);
    owners_choose(world->processes[0], TABLE, &delta, files, count, &view);
    for (int64_t row = 1; row <= world->txn_known; row++) rows[row] = true;
    for (uint32_t f = 0; f < count; f++) {
        const struct timefusion_file *shown = &files[f]->shown;
        if (owners_view_has(&view, files[f])) {
            for (int64_t row = shown->timestamp_min_us; row <= shown->timestamp_max_us; row++) {
                if (rows[row]) fail_msg("row %d twice", (int)row);
                rows[row] = true;
            }
        }
        file_release(files[f]);
    }
    free(files);
    owners_view_deinit(&view);
    for (uint32_t row = 1; row <= ROWS_MAX; row++) {
        if (world->seen[row] && !rows[row]) fail_msg("row %u is seen no more", row);
        world->seen[row] = rows[row];
    }
}

static void trim(struct world *world, uint32_t process)
{
    struct delta_txn txns[2];
    struct delta_snapshot delta = delta_at(txns, process == 0 ? world->txn_known : world->txn, world->epoch);
    struct delta_snapshot *deltas[SCHEMA_TABLE_COUNT] = { &delta, &delta };
    segments_trim(world->processes[process], deltas);
}

static void writer_step(struct world *world, struct writer *writer)
{
    if (!writer->is_alive || (world->is_stale && writer->segments == world->processes[0])) return;
    switch (random_below(world, 9)) {
    case 0:
    case 1:
    case 2: {
        uint64_t position = writer->position + 1 + random_below(world, 5);
        if (position <= ROWS_MAX) writer->position = position;
        if (writer->position > world->end) world->end = writer->position;
        break;
    }
    case 3:
    case 4: writer_publish(world, writer); break;
    case 5: writer_merge(world, writer); break;
    case 6:
        if (writer->hold == UINT64_MAX) writer_settle(world, writer);
        break;
    default: writer_flush(world, writer);
    }
}

/* In each process at most one; number 0's process is the one that is asked, and holds its segments itself. */
static void owner_begin(struct world *world)
{
    if (world->writer_count == OWNERS_MAX) return;
    /* Some die first, some live on for a while and do not know. */
    for (uint32_t w = 1; w <= world->writer_count; w++)
        if (random_below(world, 2) == 0) writer_kill(&world->writers[w]);
    uint32_t process = random_below(world, 3) == 0 ? 0 : world->writer_count + 1;
    for (uint32_t w = 1; w <= world->writer_count && process == 0; w++)
        if (world->writers[w].segments == world->processes[0]) writer_kill(&world->writers[w]);
    writer_begin(world, world->processes[process]);
}

/* Goal: rows that were seen stay seen, none is seen twice: through handovers, deaths, owners that do not know that they
 * are followed, late answers, tables that are known late.
 * Method: 300 random lives of up to six owners, each step one of theirs, of the followers', of the table's, or a query. */
static void test_rows_stay_whatever_happens(void **state)
{
    (void)state;
    struct world *world = mem_alloc(sizeof *world);
    uint32_t worlds = getenv("MONO_FULL") ? 3000 : 300, complete = 0;
    for (uint32_t seed = 1; seed <= worlds; seed++) {
        world_open(world, seed);
        writer_begin(world, world->processes[random_below(world, 2)]);
        for (uint32_t step = 0; step < 600; step++) {
            uint32_t what = random_below(world, 100);
            if (what < 60) {
                writer_step(world, &world->writers[1 + random_below(world, world->writer_count)]);
            } else if (what < 75) {
                follow(world, 1 + random_below(world, OWNERS_MAX));
            } else if (what < 78) {
                look(world);
            } else if (what < 80) {
                trim(world, random_below(world, OWNERS_MAX + 1));
            } else if (what < 82) {
                owner_begin(world);
            } else {
                ask(world);
            }
        }
        /* The last owner goes on alone: in the end everything is seen. */
        struct writer *last = &world->writers[world->writer_count];
        if (last->is_alive && last->position < ROWS_MAX) {
            look(world);
            last->position = ROWS_MAX;
            for (uint32_t step = 0; step < 4 && last->is_flushing; step++) writer_flush(world, last);
            if (last->small_count == SMALL_MAX) writer_merge(world, last);
            writer_publish(world, last);
            look(world);
            for (uint32_t p = 1; p <= OWNERS_MAX; p++) follow(world, p);
            ask(world);
            for (uint32_t row = 1; row <= ROWS_MAX; row++)
                if (!world->seen[row]) fail_msg("world %u: row %u is never seen", seed, row);
            complete++;
        }
        world_close(world);
    }
    assert_in_range(complete, worlds / 2, worlds);
    free(world);
}

/* Goal: the newer owner is taken only when it has come as far, or Delta has; and then what the older one lists later is
 * nobody's. */
static void test_newer_owner_is_taken_when_it_has_come_as_far(void **state)
{
    (void)state;
    struct world *world = mem_alloc(sizeof *world);
    world_open(world, 1);
    struct writer *first = &world->writers[1], *second = &world->writers[2];
    struct segments_stats stats;
    writer_begin(world, world->processes[0]);
    first->position = 10;
    writer_publish(world, first);
    ask(world);
    assert_true(world->seen[10]);
    writer_begin(world, world->processes[2]);
    second->position = 9;
    writer_publish(world, second);
    follow(world, 2);
    ask(world); /* still the first one's: row 10 would be missing */
    trim(world, 0);
    segments_stats(world->processes[0], &stats);
    assert_int_equal(stats.segment_count, 2);
    assert_int_equal(stats.copy_count, 1);
    second->position = 12;
    writer_publish(world, second);
    follow(world, 2);
    ask(world);
    assert_true(world->seen[12]);
    trim(world, 0);
    first->position = 20;
    writer_publish(world, first);
    ask(world);
    assert_false(world->seen[20]);
    trim(world, 0);
    segments_stats(world->processes[0], &stats);
    assert_int_equal(stats.segment_count, 2);
    assert_int_equal(stats.copy_count, 2);
    world_close(world);
    free(world);
}

/* Goal: a peer's copies outlive its list until the table as it is known here has their rows. */
static void test_copies_stay_until_the_table_is_known_to_have_them(void **state)
{
    (void)state;
    struct world *world = mem_alloc(sizeof *world);
    world_open(world, 1);
    writer_begin(world, world->processes[1]);
    struct writer *writer = &world->writers[1];
    writer->position = 10;
    writer_publish(world, writer);
    follow(world, 1);
    ask(world);
    writer_settle(world, writer);
    for (uint32_t step = 0; step < 4; step++) writer_flush(world, writer);
    assert_int_equal(world->txn, 10);
    world->is_stale = false;
    world->random = 1; /* `ask` must not look at the table meanwhile */
    follow(world, 1);
    struct segments_stats stats;
    segments_stats(world->processes[0], &stats);
    assert_int_equal(stats.copy_count, 1);
    look(world);
    ask(world);
    trim(world, 0);
    segments_stats(world->processes[0], &stats);
    assert_int_equal(stats.copy_count, 0);
    assert_true(world->seen[10]);
    world_close(world);
    free(world);
}

/* Goal: an owner that cuts inside of an older one's segment all the same is taken at once: rows come late, none is there twice.
 * Without an owner to take the segment is not seen. */
static void test_cut_inside_of_a_segment_takes_the_newer_owner(void **state)
{
    (void)state;
    struct world *world = mem_alloc(sizeof *world);
    world_open(world, 1);
    struct writer *first = &world->writers[1], *second = &world->writers[2];
    writer_begin(world, world->processes[1]);
    first->position = 10;
    writer_publish(world, first);
    follow(world, 1);
    ask(world);
    assert_true(world->seen[10]);
    writer_begin(world, world->processes[2]);
    second->position = 5;
    second->hold = 0; /* it must, and does not wait */
    for (uint32_t step = 0; step < 4; step++) writer_flush(world, second);
    assert_int_equal(world->txn, 5);
    look(world);
    memset(world->seen, 0, sizeof world->seen);
    ask(world); /* the newer owner is not known yet */
    assert_true(world->seen[5] && !world->seen[6]);
    second->position = 7;
    writer_publish(world, second);
    follow(world, 2);
    ask(world);
    assert_true(world->seen[7] && !world->seen[8]);
    second->position = 12;
    writer_publish(world, second);
    follow(world, 2);
    ask(world);
    assert_true(world->seen[12]);
    world_close(world);
    free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_newer_owner_is_taken_when_it_has_come_as_far),
        cmocka_unit_test(test_copies_stay_until_the_table_is_known_to_have_them),
        cmocka_unit_test(test_cut_inside_of_a_segment_takes_the_newer_owner),
        cmocka_unit_test(test_rows_stay_whatever_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
