#include "worker/drafts.h"
#include "timefusion/parquet/parquet.h"
#include "timefusion/segment/segment.h"
#include "worker/written/written.h"
#include <pthread.h>
#include <stdlib.h>

#define SEAL_ROWS 24576 /* as a worker's row groups have */

struct day {
    enum schema_table_id table;
    int32_t day;
    struct columns *columns;
};

/* What makes the files of one batch at a time. */
struct maker {
    struct rows *rows;
    struct written *written;
    struct parquet_writer *writer;
    struct day *days;
    uint32_t day_count, day_cap;
    /* the batch under way */
    struct timefusion *timefusion;
    struct drafted *drafted;
    struct err *err;
};

struct drafts {
    struct timefusion *timefusion;
    struct rows_options rows;
    pthread_mutex_t lock; /* guards what follows */
    struct maker *idle;   /* NULL: it is at work, or there was none yet */
};

static struct maker *maker_create(const struct drafts *drafts)
{
    struct maker *maker = mem_calloc(1, sizeof *maker);
    maker->timefusion = drafts->timefusion;
    maker->rows = rows_create(&drafts->rows);
    maker->written = written_create();
    maker->writer = parquet_writer_create();
    return maker;
}

static void maker_destroy(struct maker *maker)
{
    if (!maker) return;
    rows_destroy(maker->rows);
    written_destroy(maker->written);
    parquet_writer_destroy(maker->writer);
    free(maker->days);
    free(maker);
}

struct drafts *drafts_create(struct timefusion *timefusion, const struct rows_options *rows)
{
    struct drafts *drafts = mem_calloc(1, sizeof *drafts);
    drafts->timefusion = timefusion;
    drafts->rows = *rows;
    pthread_mutex_init(&drafts->lock, NULL);
    return drafts;
}

void drafts_destroy(struct drafts *drafts)
{
    if (!drafts) return;
    maker_destroy(drafts->idle);
    pthread_mutex_destroy(&drafts->lock);
    free(drafts);
}

static struct maker *maker_take(struct drafts *drafts)
{
    pthread_mutex_lock(&drafts->lock);
    struct maker *maker = drafts->idle;
    drafts->idle = NULL;
    pthread_mutex_unlock(&drafts->lock);
    return maker ? maker : maker_create(drafts);
}

static void maker_give_back(struct drafts *drafts, struct maker *maker)
{
    pthread_mutex_lock(&drafts->lock);
    struct maker *spare = drafts->idle;
    drafts->idle = maker;
    pthread_mutex_unlock(&drafts->lock);
    maker_destroy(spare);
}

static void drafted_drop(struct drafted *drafted)
{
    for (uint32_t f = 0; f < drafted->count; f++) timefusion_file_release(drafted->files[f]);
    free(drafted->files);
    *drafted = (struct drafted){ 0 };
}

/* What is in the columns becomes a file, which no list has. */
static bool day_seal(struct maker *maker, struct day *day)
{
    const struct segment_range range = { 0 };
    struct drafted *drafted = &maker->drafted[day->table];
    struct bytes bytes;
    struct file *segment;
    uint32_t rows = columns_row_count(day->columns);
    if (rows == 0 || maker->err->code != ERR_OK) return maker->err->code == ERR_OK;
    if (!parquet_write(maker->writer, day->columns, 0, rows, PARQUET_CODEC_NONE, &bytes, maker->err) ||
        !segment_write(timefusion_segments(maker->timefusion), schema_table(day->table), day->day, bytes, range,
                       &segment, maker->err))
        return false;
    file_doom(segment);
    columns_reset(day->columns);
    drafted->files = mem_realloc(drafted->files, (drafted->count + 1) * sizeof(struct timefusion_file *));
    drafted->files[drafted->count++] = &segment->shown;
    return true;
}

static struct day *day_of(struct maker *maker, enum schema_table_id table, int32_t number)
{
    for (uint32_t d = 0; d < maker->day_count; d++)
        if (maker->days[d].table == table && maker->days[d].day == number) return &maker->days[d];
    if (maker->day_count == maker->day_cap) {
        maker->day_cap = maker->day_cap ? maker->day_cap * 2 : 8;
        maker->days = mem_realloc(maker->days, maker->day_cap * sizeof *maker->days);
    }
    struct day *day = &maker->days[maker->day_count++];
    *day = (struct day){ table, number, columns_create(schema_table(table)) };
    return day;
}

static struct columns *sink_columns(void *ctx, enum schema_table_id table, int32_t number)
{
    struct day *day = day_of(ctx, table, number);
    /* After a file that could not be written: the batch fails, and its rows go nowhere. */
    if (columns_row_count(day->columns) >= COLUMNS_ROWS_MAX) columns_reset(day->columns);
    return day->columns;
}

static bool sink_row_done(void *ctx, struct columns *columns)
{
    struct maker *maker = ctx;
    if (columns_row_count(columns) < SEAL_ROWS) return true;
    for (uint32_t d = 0; d < maker->day_count; d++)
        if (maker->days[d].columns == columns) (void)!day_seal(maker, &maker->days[d]);
    return false;
}

static void sink_given(void *ctx, const void *record, struct columns *columns)
{
    written_put(((struct maker *)ctx)->written, record, columns);
}

static bool maker_work(struct maker *maker, struct uuid project_id, struct bytes batch, int64_t received_unix_us)
{
    const struct rows_sink sink = {
        .columns = sink_columns, .row_done = sink_row_done, .given = sink_given, .ctx = maker
    };
    const struct otlp_request *request;
    if (!written_begin(maker->written, batch, received_unix_us, maker->err)) return false;
    while (maker->err->code == ERR_OK && written_next(maker->written, &request))
        rows_build(maker->rows, project_id, request, &sink);
    for (uint32_t d = 0; d < maker->day_count && maker->err->code == ERR_OK; d++)
        (void)!day_seal(maker, &maker->days[d]);
    return maker->err->code == ERR_OK;
}

bool drafts_make(struct drafts *drafts, struct uuid project_id, struct bytes batch, int64_t received_unix_us,
                 struct drafted drafted[SCHEMA_TABLE_COUNT], struct err *err)
{
    struct maker *maker = maker_take(drafts);
    memset(drafted, 0, SCHEMA_TABLE_COUNT * sizeof *drafted);
    *err = (struct err){ .code = ERR_OK };
    maker->drafted = drafted;
    maker->err = err;
    bool ok = maker_work(maker, project_id, batch, received_unix_us);
    for (uint32_t d = 0; d < maker->day_count; d++) columns_destroy(maker->days[d].columns);
    maker->day_count = 0;
    maker_give_back(drafts, maker);
    for (uint32_t id = 0; !ok && id < SCHEMA_TABLE_COUNT; id++) drafted_drop(&drafted[id]);
    return ok || err_within(err, "rows that the transaction holds");
}
