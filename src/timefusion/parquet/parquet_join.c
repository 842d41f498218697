#include "timefusion/parquet/hidden.h"
#include "timefusion/parquet/page.h"
#include "timefusion/parquet/table_elements.h"

#include <stdlib.h>
#include <unistd.h>

#define MAGIC_BYTES      4
#define TRAILER_BYTES    8 /* [4 bytes of length][PAR1] */
#define TAIL_BYTES_FIRST (16 * 1024)
#define COPY_BYTES       (256 * 1024)
#define FOOTER_BYTES_MAX (64u * 1024 * 1024)
#define INPUTS_MAX       4096

static const char magic[MAGIC_BYTES] = { 'P', 'A', 'R', '1' };

/* One input: the bytes of its footer, and where in them the parts stand that the new one needs. */
struct input {
    uint8_t *tail;
    struct bytes schema, orders; /* list header and elements */
    struct bytes groups;         /* elements only */
    uint32_t group_count;
    int64_t row_count;
    uint64_t data_bytes; /* between the first PAR1 and the footer */
    int64_t shift;       /* how far its pages move */
    struct hidden hidden;
};
struct join {
    struct disk *disk;
    const struct parquet_input *files;
    struct input *inputs;
    uint32_t input_count;
    struct hidden hidden; /* columns that all inputs have */
    uint32_t leaf_count;  /* the table's */
    struct buf footer;    /* the new one, under way */
    struct err *err;
};

static bool corrupt(struct err *err, const char *why)
{
    return err_set(err, ERR_CORRUPT, "not a Parquet footer: %s", why);
}

/* ---- reading the inputs ---- */

static bool pread_exact(struct join *join, struct disk_file *file, uint64_t offset, uint8_t *ptr, size_t bytes)
{
    size_t done = 0;
    while (done < bytes) {
        size_t len = 0;
        if (!join->disk->ops->pread(file, offset + done, ptr + done, bytes - done, &len, join->err)) return false;
        if (len == 0) return corrupt(join->err, "the file is shorter than it was");
        done += len;
    }
    return true;
}

static bool footer_parse(struct input *input, struct bytes footer, struct err *err)
{
    struct thrift_reader thrift;
    struct thrift_field field = { .id = 0 };
    thrift_reader_init(&thrift, footer);
    input->row_count = -1;
    while (thrift_field_next(&thrift, &field)) {
        const uint8_t *from = thrift.at;
        enum thrift_type element;
        switch (field.id) {
        case 3: input->row_count = thrift_read_int(&thrift, field.type); break;
        case 4:
            input->group_count = thrift_read_list(&thrift, field.type, &element);
            if (thrift.failed || (input->group_count > 0 && element != THRIFT_STRUCT))
                return corrupt(err, "row groups");
            from = thrift.at;
            for (uint32_t i = 0; i < input->group_count && !thrift.failed; i++) thrift_skip_element(&thrift, element);
            input->groups = bytes_from(from, (size_t)(thrift.at - from));
            break;
        case 5: return err_set(err, ERR_UNSUPPORTED, "cannot join a Parquet file with key-value metadata");
        case 8: return err_set(err, ERR_UNSUPPORTED, "cannot join an encrypted Parquet file");
        default:
            thrift_skip(&thrift, field.type);
            if (field.id == 2) input->schema = bytes_from(from, (size_t)(thrift.at - from));
            if (field.id == 7) input->orders = bytes_from(from, (size_t)(thrift.at - from));
            break;
        }
    }
    if (thrift.failed || thrift.at != thrift.end || input->row_count < 0) return corrupt(err, "cut or garbled");
    return true;
}

static bool input_read(struct join *join, uint32_t index)
{
    const struct parquet_input *file = &join->files[index];
    struct input *input = &join->inputs[index];
    if (file->bytes < MAGIC_BYTES + TRAILER_BYTES) return corrupt(join->err, "the file is too short");
    size_t tail_bytes = file->bytes < TAIL_BYTES_FIRST ? (size_t)file->bytes : TAIL_BYTES_FIRST;
    input->tail = mem_alloc(tail_bytes);
    if (!pread_exact(join, file->file, file->bytes - tail_bytes, input->tail, tail_bytes)) return false;

    uint32_t bytes;
    const uint8_t *trailer = input->tail + tail_bytes - TRAILER_BYTES;
    memcpy(&bytes, trailer, sizeof bytes);
    if (memcmp(trailer + sizeof bytes, magic, sizeof magic) != 0) return corrupt(join->err, "it does not end in PAR1");
    if (bytes > file->bytes - MAGIC_BYTES - TRAILER_BYTES) return corrupt(join->err, "it is longer than the file");
    if (bytes > FOOTER_BYTES_MAX) return err_set(join->err, ERR_TOO_LARGE, "Parquet footer of %u bytes", bytes);
    uint64_t footer_offset = file->bytes - TRAILER_BYTES - bytes;
    if (bytes > tail_bytes - TRAILER_BYTES) {
        free(input->tail);
        tail_bytes = (size_t)bytes + TRAILER_BYTES;
        input->tail = mem_alloc(tail_bytes);
        if (!pread_exact(join, file->file, footer_offset, input->tail, tail_bytes)) return false;
    }
    input->data_bytes = footer_offset - MAGIC_BYTES;
    return footer_parse(input, bytes_from(input->tail + tail_bytes - TRAILER_BYTES - bytes, bytes), join->err);
}

/* ---- the new footer ---- */

/* Copies all of a struct's bytes but the values it is told to change. */
struct copier {
    struct thrift_reader in;
    struct thrift_writer out;
    const uint8_t *copied; /* all before it stands in out */
    const struct input *input;
    const struct hidden *hidden; /* of the new file */
    uint32_t leaf_count;
    int16_t ordinal;
};

static void copy_up_to_here(struct copier *copier)
{
    thrift_raw(&copier->out, bytes_from(copier->copied, (size_t)(copier->in.at - copier->copied)));
    copier->copied = copier->in.at;
}

static void number_replace(struct copier *copier, int64_t number)
{
    uint8_t bytes[10];
    uint8_t *end = thrift_varint(bytes, thrift_zigzag(number));
    thrift_raw(&copier->out, bytes_from(bytes, (size_t)(end - bytes)));
    copier->copied = copier->in.at;
}

/* An offset in the old file: it must lie in its data. 0 says there is none. */
static void offset_rebase(struct copier *copier, enum thrift_type type)
{
    copy_up_to_here(copier);
    int64_t offset = thrift_read_int(&copier->in, type);
    if (copier->in.failed) return;
    if (offset < 0 ||
        (offset > 0 && (offset < MAGIC_BYTES || (uint64_t)offset - MAGIC_BYTES >= copier->input->data_bytes))) {
        copier->in.failed = true;
        return;
    }
    number_replace(copier, offset == 0 ? 0 : offset + copier->input->shift);
}

static void metadata_copy(struct copier *copier)
{
    struct thrift_field field = { .id = 0 };
    while (thrift_field_next(&copier->in, &field)) {
        /* data page, index page, dictionary page, bloom filter */
        if (field.id == 9 || field.id == 10 || field.id == 11 || field.id == 14) {
            offset_rebase(copier, field.type);
        } else {
            thrift_skip(&copier->in, field.type);
        }
    }
}

static void chunk_copy(struct copier *copier)
{
    struct thrift_field field = { .id = 0 };
    while (thrift_field_next(&copier->in, &field)) {
        if (field.id == 2) {
            offset_rebase(copier, field.type);
        } else if (field.id == 3 && field.type == THRIFT_STRUCT) {
            metadata_copy(copier);
        } else {
            /* In another file; page index, whose offsets stand outside the footer; encryption: none is ours. */
            copier->in.failed = true;
        }
    }
}

/* One chunk a leaf. Of a hidden column that the new file does not have only the pages remain, which nobody finds. */
static void chunks_copy(struct copier *copier, enum thrift_type type)
{
    enum thrift_type element;
    copy_up_to_here(copier);
    uint32_t count = thrift_read_list(&copier->in, type, &element);
    if (element != THRIFT_STRUCT || count != copier->leaf_count + copier->input->hidden.count) copier->in.failed = true;
    if (copier->in.failed) return;
    thrift_list(&copier->out, THRIFT_STRUCT, copier->leaf_count + copier->hidden->count);
    copier->copied = copier->in.at;
    for (uint32_t i = 0; i < count && !copier->in.failed; i++) {
        if (i < copier->leaf_count || hidden_has(copier->hidden, copier->input->hidden.keys[i - copier->leaf_count])) {
            chunk_copy(copier);
            continue;
        }
        copy_up_to_here(copier);
        thrift_skip_element(&copier->in, element);
        copier->copied = copier->in.at;
    }
}

static void group_copy(struct copier *copier)
{
    struct thrift_field field = { .id = 0 };
    while (thrift_field_next(&copier->in, &field)) {
        if (field.id == 1) {
            chunks_copy(copier, field.type);
        } else if (field.id == 5) {
            offset_rebase(copier, field.type);
        } else if (field.id == 7) {
            copy_up_to_here(copier);
            if (field.type != THRIFT_I16) copier->in.failed = true;
            thrift_skip(&copier->in, field.type);
            number_replace(copier, copier->ordinal);
        } else {
            thrift_skip(&copier->in, field.type);
        }
    }
}

static bool groups_copy(struct join *join, struct thrift_writer *thrift)
{
    int16_t ordinal = 0;
    for (uint32_t i = 0; i < join->input_count; i++) {
        const struct input *input = &join->inputs[i];
        struct copier copier = { .out = *thrift,
                                 .copied = input->groups.ptr,
                                 .input = input,
                                 .hidden = &join->hidden,
                                 .leaf_count = join->leaf_count };
        thrift_reader_init(&copier.in, input->groups);
        for (uint32_t k = 0; k < input->group_count && !copier.in.failed; k++) {
            copier.ordinal = ordinal++;
            group_copy(&copier);
        }
        if (copier.in.failed || copier.in.at != copier.in.end) return corrupt(join->err, "row group of a file to join");
        copy_up_to_here(&copier);
        *thrift = copier.out;
    }
    return true;
}

/* ---- checks, then copying ---- */

/* Only files whose rows mean the same may stand behind one schema. */
static bool inputs_check(struct join *join, const struct schema_table *table)
{
    uint32_t group_count = 0;
    bool is_same = true;
    join->leaf_count = hidden_leaf_count(table);
    for (uint32_t i = 0; i < join->input_count; i++) {
        struct input *input = &join->inputs[i];
        is_same = is_same && hidden_read(input->schema, input->orders, table, &input->hidden);
        if (i == 0)
            join->hidden = input->hidden;
        else
            hidden_meet(&join->hidden, &input->hidden);
        group_count += input->group_count;
    }
    if (!is_same) return err_set(join->err, ERR_INPUT, "cannot join Parquet files of different schemas");
    if (group_count > PARQUET_ROW_GROUPS_MAX) {
        return err_set(join->err, ERR_TOO_LARGE, "cannot join %u row groups into one file, only %d", group_count,
                       PARQUET_ROW_GROUPS_MAX);
    }
    return true;
}

bool parquet_is_joinable(struct bytes footer, uint64_t file_bytes, const struct schema_table *table)
{
    struct err ignored = { 0 };
    struct input input = { .data_bytes = file_bytes - MAGIC_BYTES - TRAILER_BYTES - footer.len };
    struct join join = { .inputs = &input, .input_count = 1, .err = &ignored };
    struct thrift_writer thrift;
    buf_init(&join.footer, FOOTER_BYTES_MAX);
    thrift_writer_init(&thrift, &join.footer);
    bool is_joinable = file_bytes >= MAGIC_BYTES + TRAILER_BYTES + footer.len &&
                       footer_parse(&input, footer, &ignored) && inputs_check(&join, table) &&
                       groups_copy(&join, &thrift) && !thrift.failed;
    buf_deinit(&join.footer);
    return is_joinable;
}

static bool footer_make(struct join *join, const struct schema_table *table)
{
    struct thrift_writer thrift;
    struct bytes schema, orders;
    struct buf made;
    int64_t row_count = 0;
    uint32_t group_count = 0;
    for (uint32_t i = 0; i < join->input_count; i++) {
        group_count += join->inputs[i].group_count;
        if (__builtin_add_overflow(row_count, join->inputs[i].row_count, &row_count))
            return corrupt(join->err, "row count");
    }
    thrift_writer_init(&thrift, &join->footer);
    thrift_put_i32(&thrift, 1, 2); /* version */
    buf_init(&made, FOOTER_BYTES_MAX);
    hidden_schema_make(table, &join->hidden, &made, &schema, &orders);
    thrift_put_raw(&thrift, 2, THRIFT_LIST, schema);
    thrift_put_i64(&thrift, 3, row_count);
    thrift_put_list(&thrift, 4, THRIFT_STRUCT, group_count);
    if (!groups_copy(join, &thrift)) {
        buf_deinit(&made);
        return false;
    }
    thrift_put_binary(&thrift, 6, parquet_created_by);
    thrift_put_raw(&thrift, 7, THRIFT_LIST, orders);
    thrift_struct_end(&thrift);
    buf_deinit(&made);
    uint32_t bytes = (uint32_t)join->footer.len;
    if (thrift.failed || !buf_add(&join->footer, &bytes, sizeof bytes) ||
        !buf_add(&join->footer, magic, sizeof magic)) {
        return err_set(join->err, ERR_TOO_LARGE, "footer of a joined Parquet file");
    }
    return true;
}

/* By the kernel, without passing through our memory. False, with nothing or a part copied: the rest by hand. */
static bool copy_in_kernel(int from_fd, int to_fd, uint64_t *from, uint64_t *to, uint64_t *bytes)
{
    if (from_fd == -1 || to_fd == -1) return false;
    while (*bytes > 0) {
        off_t in = (off_t)*from, out = (off_t)*to;
        ssize_t copied = copy_file_range(from_fd, &in, to_fd, &out, (size_t)*bytes, 0);
        if (copied <= 0) return false; /* other file systems, or none that can: EXDEV, EINVAL, ENOSYS ... */
        *from += (uint64_t)copied;
        *to += (uint64_t)copied;
        *bytes -= (uint64_t)copied;
    }
    return true;
}

static bool data_copy(struct join *join, uint32_t index, struct disk_file *out, uint64_t to)
{
    const struct disk_ops *ops = join->disk->ops;
    struct disk_file *file = join->files[index].file;
    uint64_t from = MAGIC_BYTES, bytes = join->inputs[index].data_bytes;
    if (copy_in_kernel(ops->fd(file), ops->fd(out), &from, &to, &bytes)) return true;

    uint8_t *piece = mem_alloc(COPY_BYTES);
    bool is_good = true;
    while (is_good && bytes > 0) {
        size_t len = bytes < COPY_BYTES ? (size_t)bytes : COPY_BYTES;
        struct bytes part = { piece, len };
        is_good = pread_exact(join, file, from, piece, len) && ops->pwrite(out, to, &part, 1, join->err);
        from += len;
        to += len;
        bytes -= len;
    }
    free(piece);
    return is_good;
}

static bool file_write(struct join *join, struct disk_file *out, bool sync, uint64_t footer_offset)
{
    const struct disk_ops *ops = join->disk->ops;
    struct bytes head = { (const uint8_t *)magic, sizeof magic }, footer = buf_bytes(&join->footer);
    if (!ops->pwrite(out, 0, &head, 1, join->err)) return false;
    for (uint32_t i = 0; i < join->input_count; i++) {
        if (!data_copy(join, i, out, (uint64_t)(join->inputs[i].shift + MAGIC_BYTES))) return false;
    }
    if (!ops->pwrite(out, footer_offset, &footer, 1, join->err)) return false;
    return !sync || ops->sync(out, join->err);
}

bool parquet_join(struct disk *disk, const struct parquet_input *inputs, uint32_t input_count,
                  const struct schema_table *table, struct disk_file *out, bool sync, uint64_t *bytes,
                  struct parquet_footer **footer, struct err *err)
{
    assert(input_count > 0);
    *footer = NULL;
    if (input_count > INPUTS_MAX)
        return err_set(err, ERR_TOO_LARGE, "cannot join %u Parquet files at once", input_count);
    struct join join = {
        .disk = disk,
        .files = inputs,
        .inputs = mem_calloc(input_count, sizeof *join.inputs),
        .input_count = input_count,
        .err = err,
    };
    buf_init(&join.footer, FOOTER_BYTES_MAX);

    bool is_good = true;
    uint64_t at = MAGIC_BYTES;
    for (uint32_t i = 0; i < input_count && is_good; i++) {
        is_good = input_read(&join, i);
        join.inputs[i].shift = (int64_t)at - MAGIC_BYTES;
        at += join.inputs[i].data_bytes;
    }
    is_good = is_good && inputs_check(&join, table) && footer_make(&join, table);
    *bytes = at + join.footer.len;
    size_t need;
    is_good = is_good && parquet_footer_read(buf_bytes(&join.footer), *bytes, table, footer, &need, err) &&
              file_write(&join, out, sync, at);
    if (!is_good) {
        parquet_footer_destroy(*footer);
        *footer = NULL;
    }
    for (uint32_t i = 0; i < input_count; i++) free(join.inputs[i].tail);
    free(join.inputs);
    buf_deinit(&join.footer);
    return is_good;
}
