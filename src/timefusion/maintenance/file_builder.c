#include "timefusion/maintenance/file_builder.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/fail.h"
#include "timefusion/file.h"
#include "timefusion/flush.h"
#include "timefusion/maintenance/plan.h"

#define COLD_ZSTD_LEVEL 9 /* 5% smaller than 1 for twice the CPU, once */

/* A row group, as a file of its own in tmp. */
struct part {
    char *path;
    uint64_t bytes;
};
struct file_builder {
    struct file_builder_options options;
    struct disk *disk;
    struct parquet_writer *writer;
    struct part parts[PARQUET_ROW_GROUPS_MAX];
    uint32_t part_count;
    uint64_t part_bytes, row_count;
    struct delta_add *adds;
    struct index_values **values; /* by add; NULL: to be indexed later */
    uint32_t add_count, add_cap;
};

struct file_builder *file_builder_create(const struct file_builder_options *options)
{
    struct file_builder *builder = mem_calloc(1, sizeof *builder);
    builder->options = *options;
    builder->disk = timefusion_disk(options->timefusion);
    builder->writer = parquet_writer_create();
    parquet_writer_set_level(builder->writer, options->is_cold ? COLD_ZSTD_LEVEL : PARQUET_ZSTD_LEVEL);
    return builder;
}

uint64_t file_builder_row_count(const struct file_builder *builder)
{
    return builder->row_count;
}

static void unlink_quietly(struct file_builder *builder, const char *path)
{
    struct err ignored = { 0 }; /* tmp is emptied at the next start */
    (void)!builder->disk->ops->unlink(builder->disk, path, &ignored);
}

static void tmp_path(struct file_builder *builder, struct uuid id, const char *ending, char path[1024])
{
    char text[UUID_TEXT_BYTES + 1];
    uuid_to_text(id, text);
    snprintf(path, 1024, "%s/%s%s", timefusion_tmp_dir(builder->options.timefusion), text, ending);
}

void file_builder_path(struct uuid project_id, int32_t day, struct uuid file_id, bool is_cold, char path[160])
{
    delta_file_path(project_id, day, file_id, path);
    if (is_cold) memcpy(strrchr(path, '/') + 1, "cold", 4); /* for "part" */
}

bool file_builder_is_cold(const char *path)
{
    const char *name = strrchr(path, '/');
    return strncmp(name ? name + 1 : path, "cold-", 5) == 0;
}

static void parts_drop(struct file_builder *builder)
{
    for (uint32_t p = 0; p < builder->part_count; p++) {
        unlink_quietly(builder, builder->parts[p].path);
        free(builder->parts[p].path);
    }
    builder->part_count = 0;
    builder->part_bytes = 0;
}

static bool part_write(struct file_builder *builder, const char *path, struct bytes bytes, struct err *err)
{
    struct disk_file *file;
    if (!builder->disk->ops->open(builder->disk, path, DISK_WRITE | DISK_CREATE | DISK_EXCLUSIVE, &file, err))
        return false;
    bool ok = builder->disk->ops->pwrite(file, 0, &bytes, 1, err);
    builder->disk->ops->close(file);
    if (!ok) unlink_quietly(builder, path);
    return ok;
}

static bool parts_join(struct file_builder *builder, const char *path, uint64_t *bytes, struct parquet_footer **footer,
                       struct index_values **values, struct err *err)
{
    struct parquet_input inputs[PARQUET_ROW_GROUPS_MAX];
    struct disk_file *out;
    uint32_t open_count = 0;
    bool ok =
        builder->disk->ops->open(builder->disk, path, DISK_READ | DISK_WRITE | DISK_CREATE | DISK_EXCLUSIVE, &out, err);
    if (!ok) return false;
    for (; ok && open_count < builder->part_count; open_count += ok) {
        inputs[open_count].bytes = builder->parts[open_count].bytes;
        ok = builder->disk->ops->open(builder->disk, builder->parts[open_count].path, DISK_READ,
                                      &inputs[open_count].file, err);
    }
    ok = ok && parquet_join(builder->disk, inputs, open_count, builder->options.table, out, true, bytes, footer, err);
    for (uint32_t i = 0; i < open_count; i++) builder->disk->ops->close(inputs[i].file);
    *values = ok ? index_values_read_local(builder->disk, out, *bytes, builder->options.table) : NULL;
    builder->disk->ops->close(out);
    if (!ok) unlink_quietly(builder, path);
    return ok;
}

/* What has gathered becomes a file of the store. */
static bool file_end(struct file_builder *builder, struct err *err)
{
    const struct file_builder_options *options = &builder->options;
    struct uuid id = uuid_by_time();
    struct parquet_footer *footer = NULL;
    struct index_values *values;
    uint64_t bytes = 0;
    char path[160], key[FILE_KEY_BYTES], tmp[1024];
    if (builder->part_count == 0) return true;
    file_builder_path(options->project_id, options->day, id, options->is_cold, path);
    file_key(options->table, path, key);
    tmp_path(builder, id, ".parquet", tmp);
    if (!parts_join(builder, tmp, &bytes, &footer, &values, err)) return false;
    fail_point("maintenance.after_build");
    if (!object_put_file(timefusion_store(options->timefusion), key, tmp, err)) {
        unlink_quietly(builder, tmp);
        parquet_footer_destroy(footer);
        index_values_destroy(values);
        return false;
    }
    parts_drop(builder);
    if (builder->add_count == builder->add_cap) {
        builder->add_cap = builder->add_cap ? builder->add_cap * 2 : 4;
        builder->adds = mem_realloc(builder->adds, builder->add_cap * sizeof *builder->adds);
        builder->values = mem_realloc(builder->values, builder->add_cap * sizeof(struct index_values *));
    }
    builder->values[builder->add_count] = values;
    builder->adds[builder->add_count++] = (struct delta_add){ .path = mem_strdup(path),
                                                              .project_id = options->project_id,
                                                              .day = options->day,
                                                              .bytes = bytes,
                                                              .footer = footer };
    return true;
}

bool file_builder_add(struct file_builder *builder, struct columns *columns, struct err *err)
{
    struct bytes bytes;
    char path[1024];
    uint32_t rows = columns_row_count(columns);
    if (rows == 0) return true;
    if (!parquet_write_shredded(builder->writer, columns, 0, rows, PARQUET_CODEC_ZSTD,
                                timefusion_shreds(builder->options.timefusion), builder->options.project_id, &bytes,
                                err))
        return false;
    bool is_full = builder->part_count == PARQUET_ROW_GROUPS_MAX ||
                   (builder->part_count > 0 && builder->part_bytes + bytes.len > PLAN_FILE_BYTES_MAX);
    if (is_full && !file_end(builder, err)) return false;
    tmp_path(builder, uuid_random(), ".group", path);
    if (!part_write(builder, path, bytes, err)) return false;
    builder->parts[builder->part_count++] = (struct part){ mem_strdup(path), bytes.len };
    builder->part_bytes += bytes.len;
    builder->row_count += rows;
    return true;
}

bool file_builder_finish(struct file_builder *builder, const struct delta_add **adds, uint32_t *add_count,
                         struct err *err)
{
    if (!file_end(builder, err)) return false;
    *adds = builder->adds;
    *add_count = builder->add_count;
    return true;
}

void file_builder_close(struct file_builder *builder, bool keep_files)
{
    if (!builder) return;
    parts_drop(builder);
    for (uint32_t a = 0; a < builder->add_count; a++) {
        struct delta_add *add = &builder->adds[a];
        struct err ignored = { 0 }; /* vacuum finds it */
        char key[FILE_KEY_BYTES];
        file_key(builder->options.table, add->path, key);
        if (!keep_files) (void)!object_delete(timefusion_store(builder->options.timefusion), key, &ignored);
        if (keep_files) /* if it was not committed after all, the index forgets it again */
            index_note(timefusion_index(builder->options.timefusion), builder->options.table,
                       builder->options.project_id, key, builder->values[a]);
        else
            index_values_destroy(builder->values[a]);
        parquet_footer_destroy((struct parquet_footer *)add->footer);
        free((char *)add->path);
    }
    free(builder->adds);
    free(builder->values);
    parquet_writer_destroy(builder->writer);
    free(builder);
}
