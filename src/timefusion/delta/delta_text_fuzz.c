/* Names, paths, times and durations of strangers: what is taken makes sense and comes back as it was. */
#include <stdlib.h>

#include "timefusion/delta/delta_action.h"
#include "timefusion/delta/delta_listing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
    if (!ok) abort();
}

static void name_check(const char *text)
{
    struct delta_log_name name = delta_log_name_parse(text);
    if (name.kind == DELTA_LOG_OTHER) return;
    check(name.version < INT64_MAX && name.first <= name.version && name.part <= name.part_count);
    if (name.kind != DELTA_LOG_CHECKPOINT) return;
    struct delta_table table = { .prefix = (char[]){ "t" } };
    char key[DELTA_KEY_BYTES];
    delta_checkpoint_key(&table, &name, name.part, key);
    check(strcmp(key + strlen("t/_delta_log/"), text) == 0);
}

static void path_check(const char *text)
{
    char path[DELTA_PATH_BYTES_MAX + 1], back[DELTA_PATH_BYTES_MAX + 1];
    struct buf encoded;
    if (!delta_path_decode(text, path)) return;
    buf_init(&encoded, 3 * DELTA_PATH_BYTES_MAX + 3);
    check(delta_put_path(&encoded, path));
    encoded.ptr[encoded.len - 1] = 0; /* the closing quote */
    check(delta_path_decode((const char *)encoded.ptr + 1, back) && strcmp(path, back) == 0);
    buf_deinit(&encoded);
}

static void time_check(const char *text)
{
    int64_t least, greatest, ms;
    int32_t day;
    char back[16];
    bool is_time = delta_time_parse(text, false, &least);
    check(is_time == delta_time_parse(text, true, &greatest));
    if (is_time) check(least <= greatest);
    if (delta_interval_parse(text, &ms)) check(ms >= 0);
    if (!date_parse(text, &day)) return;
    date_text(day, back);
    check(strcmp(text, back) == 0);
}

/* By columns the same text means what it means as JSON. */
static void add_check(struct bytes text)
{
    struct delta_action action;
    struct err err = { 0 };
    struct delta_checkpoint_add add = { .path = text, .project_id = text, .date = text, .stats = text, .bytes = 1 };
    if (!delta_action_of_add(&add, NULL, &action, &err)) check(err.code != ERR_OK && err.text[0] != 0);
    err = (struct err){ 0 };
    add.project_id = BYTES("11111111-2222-4333-8444-555555555555");
    add.date = BYTES("2026-11-22");
    if (!delta_action_of_add(&add, NULL, &action, &err)) return;
    check(action.kind == DELTA_ACTION_ADD && object_key_is_valid(action.path));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 4096) return 0;
    char *text = bytes_to_text(bytes_from(data, size));
    name_check(text);
    path_check(text);
    time_check(text);
    add_check(bytes_from(data, size));
    free(text);
    return 0;
}
