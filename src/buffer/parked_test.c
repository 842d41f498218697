/* Parked records in a folder: written, listed, shown, replayed; damage is told. */
#include "base/disk.h"
#include "base/disk_sim.h"
#include "base/hash.h"
#include "buffer/parked.h"
#include "buffer/parked_folder.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define DIR "/data/parked"

struct fixture {
    struct disk_sim *sim;
    struct disk *disk;
    struct parked *parked;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct err err = { 0 };
    fixture->sim = disk_sim_create(4096);
    fixture->disk = disk_sim_disk(fixture->sim);
    assert_true(fixture->disk->ops->mkdir(fixture->disk, "/data", &err));
    assert_true(parked_open_folder(&fixture->parked, DIR, fixture->disk, &err));
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    parked_close(fixture->parked);
    disk_sim_destroy(fixture->sim);
    free(fixture);
    return 0;
}

static struct parked_entry entry_make(uint64_t position, const char *body)
{
    struct parked_entry entry = { .record = { .position = position,
                                              .signal = BUFFER_SIGNAL_METRICS,
                                              .encoding = BUFFER_ENCODING_ZSTD,
                                              .format = BUFFER_FORMAT_JSON,
                                              .project_id = { { 1, 2, 3 } },
                                              .key_id = { { 4, 5, 6 } },
                                              .hash = { .hi = 0xabcdef0123456789, .lo = position },
                                              .received_unix_us = 1795744063000001,
                                              .body = bytes_of_text(body) },
                                  .attempts = 3,
                                  .parked_unix_us = 1795744069000001 };
    snprintf(entry.reason, sizeof entry.reason, "no row:\nit is empty");
    return entry;
}

static void write_some(struct fixture *fixture, uint64_t position, const char *body)
{
    struct err err = { 0 };
    struct parked_entry entry = entry_make(position, body);
    if (!parked_write(DIR, fixture->disk, &entry, &err)) fail_msg("%s", err.text);
}

struct listing {
    uint32_t count;
    struct parked_entry last;
    char bodies[200];
};
static bool listing_take(void *ctx, const struct parked_entry *entry)
{
    struct listing *listing = ctx;
    listing->count++;
    listing->last = *entry;
    size_t used = strlen(listing->bodies);
    snprintf(listing->bodies + used, sizeof listing->bodies - used, "[%.*s]", (int)entry->record.body.len,
             (const char *)entry->record.body.ptr);
    return true;
}

static struct listing list_all(struct fixture *fixture)
{
    struct listing listing = { 0 };
    struct err err = { 0 };
    if (!parked_list(fixture->parked, listing_take, &listing, &err)) fail_msg("%s", err.text);
    return listing;
}

/* Goal: nothing parked is an empty list, and what is parked comes oldest first with all that was known of it. */
static void test_list_and_show(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    assert_int_equal(list_all(fixture).count, 0);
    write_some(fixture, 12, "twelve\n\nlines");
    write_some(fixture, 7, "seven");
    struct listing listing = list_all(fixture);
    assert_int_equal(listing.count, 2);
    assert_string_equal(listing.bodies, "[seven][twelve\n\nlines]");
    assert_string_equal(listing.last.id, "00000000000000000012-abcdef01");
    assert_string_equal(listing.last.reason, "no row: it is empty");
    assert_string_equal(listing.last.origin, "log");

    struct listing shown = { 0 };
    assert_true(parked_show(fixture->parked, "00000000000000000012-abcdef01", listing_take, &shown, &err));
    struct parked_entry made = entry_make(12, "");
    assert_int_equal(shown.count, 1);
    assert_int_equal(shown.last.record.position, 12);
    assert_int_equal(shown.last.record.signal, made.record.signal);
    assert_int_equal(shown.last.record.encoding, made.record.encoding);
    assert_int_equal(shown.last.record.format, made.record.format);
    assert_true(uuid_equal(shown.last.record.project_id, made.record.project_id));
    assert_true(uuid_equal(shown.last.record.key_id, made.record.key_id));
    assert_true(hash128_equal(shown.last.record.hash, made.record.hash));
    assert_int_equal(shown.last.record.received_unix_us, made.record.received_unix_us);
    assert_int_equal(shown.last.attempts, 3);
    assert_int_equal(shown.last.parked_unix_us, made.parked_unix_us);
    assert_false(parked_show(fixture->parked, "nothing", listing_take, &shown, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

/* Goal: a replayed record waits for the server under a hash of its own, once, and survives a power cut; then it is gone. */
static void test_replay(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    struct parked_entry next;
    bool found;
    assert_true(parked_again_next(DIR, fixture->disk, &next, &found, &err));
    assert_false(found);
    write_some(fixture, 12, "twelve");
    assert_false(parked_replay(fixture->parked, "nothing", &err));
    assert_true(parked_replay(fixture->parked, "00000000000000000012-abcdef01", &err));
    assert_int_equal(list_all(fixture).count, 0);
    assert_false(parked_replay(fixture->parked, "00000000000000000012-abcdef01", &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);

    struct hash128 first = { 0, 0 };
    for (int again = 0; again < 2; again++) {
        if (!parked_again_next(DIR, fixture->disk, &next, &found, &err)) fail_msg("%s", err.text);
        assert_true(found);
        assert_true(bytes_equal(next.record.body, BYTES("twelve")));
        assert_false(hash128_equal(next.record.hash, entry_make(12, "").record.hash));
        assert_true(again == 0 || hash128_equal(next.record.hash, first));
        first = next.record.hash;
        free((void *)(uintptr_t)next.record.body.ptr);
    }
    assert_true(parked_again_drop(DIR, fixture->disk, next.id, &err));
    assert_true(parked_again_next(DIR, fixture->disk, &next, &found, &err));
    assert_false(found);
}

/* Goal: a file that is cut anywhere, or has a flipped bit, is damaged and never a wrong record. Method: every cut and every
 * byte of a small one. */
static void test_damage(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    static uint8_t content[4096];
    size_t len;
    struct disk_file *file;
    write_some(fixture, 12, "twelve");
    assert_true(
        fixture->disk->ops->open(fixture->disk, DIR "/00000000000000000012-abcdef01.parked", DISK_READ, &file, &err));
    assert_true(fixture->disk->ops->pread(file, 0, content, sizeof content, &len, &err));
    fixture->disk->ops->close(file);
    struct parked_entry entry;
    assert_true(parked_file_read(bytes_from(content, len), &entry, &err));
    for (size_t cut = 0; cut < len; cut++) {
        assert_false(parked_file_read(bytes_from(content, cut), &entry, &err));
        assert_int_equal(err.code, ERR_CORRUPT);
    }
    for (size_t at = len - 6; at < len; at++) { /* of the body */
        content[at] ^= 1;
        assert_false(parked_file_read(bytes_from(content, len), &entry, &err));
        content[at] ^= 1;
    }
}

/* Goal: what older versions parked is shown as far as it is known, and not replayed. */
static void test_old_file(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    struct disk_file *file;
    struct bytes body = BYTES("old");
    assert_true(fixture->disk->ops->mkdir(fixture->disk, DIR, &err));
    assert_true(fixture->disk->ops->open(fixture->disk, DIR "/00000000000000000003.otlp", DISK_WRITE | DISK_CREATE,
                                         &file, &err));
    assert_true(fixture->disk->ops->pwrite(file, 0, &body, 1, &err));
    fixture->disk->ops->close(file);
    struct listing listing = list_all(fixture);
    assert_int_equal(listing.count, 1);
    assert_string_equal(listing.bodies, "[old]");
    assert_string_equal(listing.last.id, "00000000000000000003");
    assert_false(parked_replay(fixture->parked, "00000000000000000003", &err));
    assert_int_equal(err.code, ERR_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_list_and_show, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_replay, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_damage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_old_file, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
