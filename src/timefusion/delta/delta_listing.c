#include "timefusion/delta/delta_listing.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { VERSION_DIGITS = 20, PART_DIGITS = 10, CHECKPOINT_PARTS_MAX = 10000 };

static bool number_take(const char **at, uint32_t digits, uint64_t *number)
{
    *number = 0;
    for (uint32_t i = 0; i < digits; i++) {
        if ((*at)[i] < '0' || (*at)[i] > '9') return false;
        uint64_t digit = (uint64_t)((*at)[i] - '0');
        if (*number > (UINT64_MAX - digit) / 10) return false;
        *number = *number * 10 + digit;
    }
    *at += digits;
    return true;
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);
    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* What follows ".checkpoint.". */
static void checkpoint_parse(const char *at, struct delta_log_name *name)
{
    uint64_t part = 0, part_count = 0;
    const char *rest = at;
    if (strcmp(at, "parquet") == 0) {
        name->kind = DELTA_LOG_CHECKPOINT;
    } else if (number_take(&rest, PART_DIGITS, &part) && *rest == '.') {
        rest++;
        if (!number_take(&rest, PART_DIGITS, &part_count) || strcmp(rest, ".parquet") != 0) return;
        if (part == 0 || part > part_count || part_count > CHECKPOINT_PARTS_MAX) return;
        name->kind = DELTA_LOG_CHECKPOINT;
        name->part = (uint32_t)part;
        name->part_count = (uint32_t)part_count;
    } else if (ends_with(at, ".parquet") || ends_with(at, ".json")) {
        name->kind = DELTA_LOG_CHECKPOINT_V2;
    }
}

struct delta_log_name delta_log_name_parse(const char *text)
{
    struct delta_log_name name = { .kind = DELTA_LOG_OTHER };
    const char *at = text;
    if (!number_take(&at, VERSION_DIGITS, &name.version) || name.version >= INT64_MAX) return name;
    if (strcmp(at, ".json") == 0) {
        name.kind = DELTA_LOG_COMMIT;
    } else if (strcmp(at, ".crc") == 0) {
        name.kind = DELTA_LOG_CHECKSUM;
    } else if (strncmp(at, ".checkpoint.", 12) == 0) {
        checkpoint_parse(at + 12, &name);
    } else if (*at++ == '.') {
        uint64_t last;
        if (number_take(&at, VERSION_DIGITS, &last) && strcmp(at, ".compacted.json") == 0 && last >= name.version &&
            last < INT64_MAX) {
            name.kind = DELTA_LOG_COMPACTED;
            name.first = name.version;
            name.version = last;
        }
    }
    return name;
}

static bool entry_take(void *ctx, const char *key, uint64_t bytes, int64_t modified_unix_us)
{
    struct delta_listing *listing = ctx;
    (void)bytes;
    const char *text = key + listing->folder_len;
    if (*text > '9') return false; /* behind all versions */
    struct delta_log_name name = delta_log_name_parse(text);
    if (name.kind == DELTA_LOG_OTHER) return true;
    listing->commit_count += name.kind == DELTA_LOG_COMMIT;
    listing->checkpoint_count += name.kind == DELTA_LOG_CHECKPOINT;
    listing->has_v2 = listing->has_v2 || name.kind == DELTA_LOG_CHECKPOINT_V2;
    if (listing->count == listing->cap) {
        listing->cap = listing->cap ? listing->cap * 2 : 256;
        listing->entries = mem_realloc(listing->entries, listing->cap * sizeof *listing->entries);
    }
    listing->entries[listing->count++] = (struct delta_log_entry){ name, modified_unix_us };
    return true;
}

bool delta_listing_read(struct delta_table *table, uint64_t from, struct delta_listing *listing, struct err *err)
{
    char prefix[DELTA_KEY_BYTES], start_after[DELTA_KEY_BYTES] = "";
    int folder_len = snprintf(prefix, sizeof prefix, "%s/_delta_log/", table->prefix);
    *listing = (struct delta_listing){ .folder_len = (size_t)folder_len };
    if (from != DELTA_VERSION_NONE)
        snprintf(start_after, sizeof start_after, "%s/_delta_log/%020" PRIu64, table->prefix, from);
    return object_list_from(table->options.store, prefix, start_after, entry_take, listing, err);
}

void delta_listing_deinit(struct delta_listing *listing)
{
    free(listing->entries);
    *listing = (struct delta_listing){ 0 };
}

bool delta_listing_checkpoint_ends(const struct delta_listing *listing, size_t at)
{
    const struct delta_log_name *last = &listing->entries[at].name;
    if (last->kind != DELTA_LOG_CHECKPOINT || last->part != last->part_count) return false;
    if (last->part_count == 0) return true;
    if (at + 1 < last->part_count) return false;
    for (uint32_t part = 1; part <= last->part_count; part++) {
        const struct delta_log_name *piece = &listing->entries[at + part - last->part_count].name;
        if (piece->kind != DELTA_LOG_CHECKPOINT || piece->version != last->version || piece->part != part ||
            piece->part_count != last->part_count)
            return false;
    }
    return true;
}

void delta_checkpoint_key(const struct delta_table *table, const struct delta_log_name *name, uint32_t part,
                          char key[DELTA_KEY_BYTES])
{
    if (name->part_count == 0) {
        snprintf(key, DELTA_KEY_BYTES, "%s/_delta_log/%020" PRIu64 ".checkpoint.parquet", table->prefix, name->version);
    } else {
        snprintf(key, DELTA_KEY_BYTES, "%s/_delta_log/%020" PRIu64 ".checkpoint.%010u.%010u.parquet", table->prefix,
                 name->version, part, name->part_count);
    }
}
