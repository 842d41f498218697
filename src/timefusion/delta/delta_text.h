/* delta_text.h -- the texts of a Delta log: dates, times, encoded paths, statistics, the schema. Private to this folder.
 *
 * Thread: pure functions. Memory: appended to the caller's buf.
 * Source: delta-io/delta PROTOCOL.md, "Partition Value Serialization", "Per-file Statistics", "Schema Serialization Format",
 * "Add File and Remove File" (paths are URIs, RFC 3986). */
#pragma once
#include "base/bytes.h"
#include "base/date.h"
#include "base/err.h"
#include "timefusion/parquet/parquet.h"
#include "timefusion/schema/schema.h"

#define DELTA_PATH_BYTES_MAX  900   /* decoded; with the table's prefix it is an object's key */
#define DELTA_STATS_TEXT_MAX  32    /* characters of a text's min and max */
#define DELTA_STATS_BYTES_MAX 8192  /* of ours */
#define DELTA_STATS_KEPT_MAX  65536 /* longer ones of other writers are not kept */

/* Appends with room made; false only when buf's greatest size is passed. */
MUST_CHECK bool delta_put_json_text(struct buf *buf, struct bytes text);
MUST_CHECK bool delta_put_path(struct buf *buf, const char *path); /* URI-encoded, then JSON-quoted */
MUST_CHECK bool delta_path_decode(const char *encoded, char path[DELTA_PATH_BYTES_MAX + 1]);

/* "2026-11-22T18:58:06.123Z"; false outside the years 0 to 9999. */
MUST_CHECK bool delta_time_text(int64_t unix_us, bool round_up, char text[32]);
/* Also other writers' forms: a space for T, no or up to nine digits of fraction, an offset. The greatest or the least
 * instant that the text can stand for: others cut what is finer than their last digit. */
MUST_CHECK bool delta_time_parse(const char *text, bool greatest, int64_t *unix_us);

/* "interval 30 days", "interval 1 week 12 hours": Spark's CalendarInterval, but for months and years; "interval" may miss. */
MUST_CHECK bool delta_interval_parse(const char *text, int64_t *ms);

/* {"numRecords":..,"minValues":{..},"maxValues":{..},"nullCount":{..}} as JSON (not quoted). */
MUST_CHECK bool delta_put_stats(struct buf *buf, const struct parquet_footer *footer);
/* "timestamp,duration,...": the columns that have bounds, as delta.dataSkippingStatsColumns wants them. */
MUST_CHECK bool delta_put_stats_columns(struct buf *buf, const struct schema_table *table);
/* The same text with the names of columns as two bytes each: a third of the memory. Any text comes back as it was. */
MUST_CHECK bool delta_stats_pack(struct buf *buf, const struct schema_table *table, struct bytes stats);
MUST_CHECK bool delta_stats_unpack(struct buf *buf, const struct schema_table *table, struct bytes packed);
/* The upper bound of a text cut to characters_max: not below any text that starts as it does. False: there is none. */
MUST_CHECK bool delta_text_upper(struct bytes text, uint32_t characters_max, struct buf *out);

/* The Spark schema (JSON) of a table of ours. */
MUST_CHECK bool delta_put_schema(struct buf *buf, const struct schema_table *table);
/* Can a writer of our table append to a Delta table with this schema? *merged gets, when *is_older, the schema with our
 * new columns behind its own. ERR_UNSUPPORTED with the column's name when not. */
MUST_CHECK bool delta_schema_check(const char *schema, const struct schema_table *table, bool *is_older,
                                   struct buf *merged, struct err *err);
