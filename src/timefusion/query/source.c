#include "timefusion/query/identity.h"
#include "timefusion/query/literal.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* What a reader of one stored table needs: expressions first, then the stored columns that they named. */
struct reader {
    const struct schema_table *schema;
    struct uuid project_id;
    struct column_set needed;
    struct buf *out;
    struct source_attributes attributes;
    const struct identity *identity; /* NULL: values as they were sent */
    struct column_set empty;         /* columns of attributes that no row of the files has */
    bool ok;
};

static void put(struct reader *reader, const char *text)
{
    reader->ok = reader->ok && buf_add(reader->out, text, strlen(text));
}

static void put_stored(struct reader *reader, uint32_t column)
{
    char name[16];
    assert(schema_column_is_stored(&reader->schema->columns[column]));
    snprintf(name, sizeof name, "s%u", column);
    column_set_add(&reader->needed, column);
    put(reader, name);
}

static const char *stored_duckdb(enum schema_type type)
{
    switch (type) {
    case SCHEMA_TYPE_UUID:
    case SCHEMA_TYPE_TEXT:
    case SCHEMA_TYPE_JSON: return "VARCHAR";
    default: return type_duckdb(type_of_schema(type));
    }
}

/* "{name}" in a template is the stored column of that name. */
static void put_template(struct reader *reader, const char *template)
{
    for (const char *at = template; *at;) {
        const char *open = strchr(at, '{');
        if (!open) {
            put(reader, at);
            return;
        }
        const char *close = strchr(open, '}');
        assert(close);
        reader->ok = reader->ok && buf_add(reader->out, at, (size_t)(open - at));
        int column = schema_column_index(reader->schema, bytes_from(open + 1, (size_t)(close - open) - 1));
        assert(column >= 0);
        put_stored(reader, (uint32_t)column);
        at = close + 1;
    }
}

/* The object of all attributes, or of all that a resource has: the stored remainder and the columns. */
static void put_set(struct reader *reader, uint32_t column, const char *function, const struct schema_table *without,
                    const char *more_keys, const char *more_values)
{
    const struct schema_table *schema = reader->schema;
    bool is_resource = strcmp(schema->columns[column].name, "resource") == 0, any = false;
    put(reader, function);
    put(reader, "('");
    for (int pass = 0; pass < 2; pass++) {
        if (pass == 1) {
            put(reader, any && more_keys[0] ? "\n" : "");
            put(reader, more_keys);
            put(reader, "', ");
            put_stored(reader, column);
        }
        any = false;
        for (uint32_t c = 0; c < schema->column_count; c++) {
            const struct schema_column *part = &schema->columns[c];
            if (part->attribute[0] == '\0' || part->is_resource != is_resource || !schema_column_is_stored(part))
                continue;
            if (without && schema_column_index(without, bytes_of_text(part->name)) >= 0) continue;
            if (column_set_has(&reader->empty, c)) continue;
            if (pass == 0) {
                put(reader, any ? "\n" : "");
                put(reader, part->attribute);
            } else {
                put(reader, ", ");
                put_stored(reader, c);
            }
            any = true;
        }
    }
    put_template(reader, more_values);
    put(reader, ")");
}

/* severity, context: the columns that begin with their name. */
static void put_parts(struct reader *reader, const char *name)
{
    size_t len = strlen(name);
    bool any = false;
    put(reader, "mono_object('");
    for (int pass = 0; pass < 2; pass++) {
        if (pass == 1) put(reader, "', CAST(NULL AS VARCHAR)");
        for (uint32_t c = 0; c < reader->schema->column_count; c++) {
            const char *part = reader->schema->columns[c].name;
            if (strncmp(part, name, len) != 0 || strncmp(part + len, "___", 3) != 0) continue;
            if (pass == 0) {
                put(reader, any ? "\n" : "");
                put(reader, part + len + 3);
            } else {
                put(reader, ", ");
                put_stored(reader, c);
            }
            any = true;
        }
    }
    put(reader, ")");
}

/* A column as clients see it, over the stored ones of the same table. */
static void put_column(struct reader *reader, uint32_t column)
{
    const struct schema_table *schema = reader->schema;
    const char *name = schema->columns[column].name;
    char text[UUID_TEXT_BYTES + 1];
    int field = reader->identity ? identity_field(schema, column) : -1;
    if (field >= 0 && (reader->identity->present & 1u << field)) {
        reader->ok = reader->ok && identity_value_put(reader->out, reader->identity, field);
    } else if (column == schema->project_id) {
        uuid_to_text(reader->project_id, text);
        put(reader, "CAST('");
        put(reader, text);
        put(reader, "' AS UUID)");
    } else if (column == schema->date) { /* accepted times are after 1970 */
        put(reader, "(DATE '1970-01-01' + CAST(epoch_us(");
        put_stored(reader, schema->timestamp);
        put(reader, ") // 86400000000 AS INTEGER))");
    } else if (strcmp(name, "attributes") == 0 || strcmp(name, "resource") == 0) {
        put_set(reader, column, "mono_object", NULL, "", "");
    } else if (!schema_column_is_stored(&schema->columns[column])) {
        put_parts(reader, name);
    } else if (schema->columns[column].type == SCHEMA_TYPE_UUID) {
        put(reader, "CAST(");
        put_stored(reader, column);
        put(reader, " AS UUID)");
    } else {
        put_stored(reader, column);
    }
}

/* A metric's point as a row of otel_logs_and_spans (schema.md, "telemetry"). Columns not here have the same name in both
 * tables, or are NULL. */
static const struct {
    const char *column, *template;
} point_columns[] = {
    { "name", "{metric_name}" },
    { "kind", "'metric'" },
    { "observed_timestamp", "{ingested_at}" },
    { "start_time", "{start_timestamp}" },
    { "body", "mono_object('type\nunit\nvalue\ntemporality\nis_monotonic\ncount\nsum\nmin\nmax\nbucket_"
              "counts\nexplicit_bounds\nscale\nzero_count\nzero_threshold\n"
              "positive_offset\npositive_buckets\nnegative_offset\nnegative_buckets\nquantiles\nquantile_values', "
              "CAST(NULL AS VARCHAR), {metric_type}, {metric_unit}, {value}, "
              "{aggregation_temporality}, {is_monotonic}, {distribution_count}, {distribution_sum}, "
              "{distribution_min}, {distribution_max}, to_json({hist_bucket_counts}), "
              "to_json({hist_explicit_bounds}), {exp_hist_scale}, {exp_hist_zero_count}, {exp_hist_zero_threshold}, "
              "{exp_hist_pos_offset}, to_json({exp_hist_pos_buckets}), "
              "{exp_hist_neg_offset}, to_json({exp_hist_neg_buckets}), to_json({summary_quantiles}), "
              "to_json({summary_values}))" },
    { "summary", "['metric;neutral=>' || {metric_name}, 'value;neutral=>' || coalesce(CAST({value} AS VARCHAR), '') || "
                 "' ' || {metric_unit}]" },
};
#define POINT_KEYS   "metric.type\nmetric.unit"
#define POINT_VALUES ", {metric_type}, {metric_unit}"

static void put_point_column(struct reader *reader, const struct schema_table *shown, uint32_t column,
                             bool is_stored_form)
{
    const struct schema_column *want = &shown->columns[column];
    for (size_t i = 0; i < COUNT_OF(point_columns); i++) {
        if (strcmp(point_columns[i].column, want->name) != 0) continue;
        put_template(reader, point_columns[i].template);
        return;
    }
    int own = schema_column_index(reader->schema, bytes_of_text(want->name));
    bool is_attributes = strcmp(want->name, "attributes") == 0;
    if (own < 0) {
        put(reader, "CAST(NULL AS ");
        put(reader, is_stored_form ? stored_duckdb(want->type) : type_duckdb(type_of_schema(want->type)));
        put(reader, ")");
    } else if (is_attributes || strcmp(want->name, "resource") == 0) {
        put_set(reader, (uint32_t)own, is_stored_form ? "mono_flat" : "mono_object", is_stored_form ? shown : NULL,
                is_attributes ? POINT_KEYS : "", is_attributes ? POINT_VALUES : "");
    } else if (is_stored_form) {
        put_stored(reader, (uint32_t)own);
    } else {
        bool is_other = reader->schema->columns[own].type != want->type;
        put(reader, is_other ? "CAST(" : "");
        put_column(reader, (uint32_t)own);
        put(reader, is_other ? " AS " : "");
        put(reader, is_other ? type_duckdb(type_of_schema(want->type)) : "");
        put(reader, is_other ? ")" : "");
    }
}

static bool is_empty(const struct parquet_footer *footer, uint32_t column)
{
    if (!footer || !(footer->present[column / 64] >> (column % 64) & 1)) return false;
    const struct parquet_column_stats *stats = &footer->file_columns[column];
    return stats->has_null_count && stats->null_count == stats->value_count;
}

static bool is_empty_in_all(const struct source_files *files, uint32_t column)
{
    bool is = files->footers && files->count > 0;
    for (uint32_t f = 0; is && f < files->count; f++) is = is_empty(files->footers[f], column);
    return is;
}

/* Columns that are NULL in all rows of the files: DuckDB would read each of their values, and ask it what the statement asks. Of a list
 * NULL and one of no elements are counted alike. */
static struct column_set nulls_of(const struct schema_table *schema, const struct source_files *files,
                                  const struct column_set *needed)
{
    struct column_set nulls = { 0 };
    for (uint32_t c = 0; c < schema->column_count; c++)
        if (column_set_has(needed, c) && !type_is_list(type_of_schema(schema->columns[c].type)) &&
            is_empty_in_all(files, c))
            column_set_add(&nulls, c);
    return nulls;
}

/* What of the wanted columns a file has: files of one shape are read together. */
struct shape {
    struct column_set missing; /* attributes' columns of schemas younger than the file */
    uint32_t hidden;           /* bit by attribute: as a column */
};
static_assert(PLAN_ATTRIBUTES_MAX <= 32, "an attribute is a bit");

static struct shape shape_of(const struct schema_table *schema, const struct column_set *needed,
                             const struct source_attributes *attributes, const struct parquet_footer *footer)
{
    struct shape shape = { .hidden = 0 };
    if (!footer) return shape;
    for (uint32_t c = 0; c < schema->column_count; c++)
        if (column_set_has(needed, c) && schema->columns[c].attribute[0] != '\0' &&
            !(footer->present[c / 64] >> (c % 64) & 1))
            column_set_add(&shape.missing, c);
    for (uint32_t a = 0; attributes && a < attributes->count; a++)
        for (uint32_t k = 0; k < footer->shred_count; k++)
            if (bytes_equal(footer->shreds[k], bytes_of_text(attributes->paths[a]))) shape.hidden |= 1u << a;
    return shape;
}

static bool shapes_are_equal(const struct shape *a, const struct shape *b)
{
    return a->hidden == b->hidden && memcmp(&a->missing, &b->missing, sizeof a->missing) == 0;
}

static uint32_t base_of(const struct schema_table *schema, bool is_resource)
{
    int base = schema_column_index(schema, is_resource ? BYTES("resource") : BYTES("attributes"));
    assert(base >= 0);
    return (uint32_t)base;
}

#define NOWHERE "-nowhere" /* behind a column's name: no file has such a one */

/* Files of one shape: their columns as s<column>, their hidden ones as h<n>. */
static bool read_put(struct buf *out, const struct schema_table *schema, const struct source_files *files,
                     const struct shape *shapes, const struct shape *shape, const struct column_set *needed,
                     const struct source_attributes *attributes)
{
    struct column_set read = *needed, nulls = nulls_of(schema, files, needed);
    bool ok = buf_printf(out, "read_parquet(["), any = false;
    for (uint32_t f = 0; ok && f < files->count; f++) {
        if (!shapes_are_equal(&shapes[f], shape)) continue;
        ok = buf_printf(out, "%s'mono://%llu/%s'", any ? "," : "", (unsigned long long)files->snapshot_id,
                        files->names[f]);
        any = true;
    }
    for (uint32_t c = 0; c < schema->column_count; c++)
        if (column_set_has(&shape->missing, c)) column_set_add(&read, base_of(schema, schema->columns[c].is_resource));
    uint32_t wanted = attributes ? attributes->count : 0;
    for (uint32_t a = 0; a < wanted; a++)
        if (!(shape->hidden >> a & 1)) column_set_add(&read, base_of(schema, false));
    /* By name, not by field id: files that another Delta writer made anew have no ids, and would read as NULLs unseen. As one text, which
     * takes DuckDB 30 us less a column than an expression for each to bind; paths of attributes may have any character, and stand in one. */
    bool is_text = shape->hidden == 0;
    ok = ok && buf_printf(out, is_text ? "], schema=CAST('{" : "], schema=MAP{");
    any = false;
    for (uint32_t c = 0; ok && c < schema->column_count; c++) {
        if (!column_set_has(&read, c) || column_set_has(&shape->missing, c)) continue;
        ok = buf_printf(out,
                        is_text ? "%s%s%s={name: s%u, type: \"%s\", default_value: NULL}"
                                : "%s'%s%s': {name: 's%u', type: '%s', default_value: NULL}",
                        any ? ", " : "", schema->columns[c].name, column_set_has(&nulls, c) ? NOWHERE : "", c,
                        stored_duckdb(schema->columns[c].type));
        any = true;
    }
    for (uint32_t a = 0; ok && a < wanted; a++) {
        if (!(shape->hidden >> a & 1)) continue;
        ok = buf_printf(out, "%s'" SHRED_PREFIX "%s': {name: 'h%u', type: 'VARCHAR', default_value: NULL}",
                        any ? ", " : "", attributes->paths[a], a);
        any = true;
    }
    return ok &&
           buf_printf(out, is_text
                               ? "}' AS MAP(VARCHAR, STRUCT(name VARCHAR, \"type\" VARCHAR, default_value VARCHAR))))"
                               : "})");
}

/* A column that the file is too old for, out of its JSON by the rule of rows (docs/rows.md): scalars of the column's type. */
static bool missing_put(struct buf *out, const struct schema_table *schema, uint32_t column)
{
    const struct schema_column *of = &schema->columns[column];
    uint32_t base = base_of(schema, of->is_resource);
    if (of->type == SCHEMA_TYPE_TEXT)
        return buf_printf(out,
                          "CASE WHEN regexp_matches(mono_attribute(s%u, '%s'), '^(\"|-?[0-9]+$|true$|false$)') THEN "
                          "mono_attribute_text(s%u, '%s') END AS s%u",
                          base, of->attribute, base, of->attribute, column);
    return buf_printf(out,
                      "CASE WHEN regexp_matches(mono_attribute_text(s%u, '%s'), '^-?[0-9]+$') THEN "
                      "TRY_CAST(mono_attribute_text(s%u, '%s') AS %s) END AS s%u",
                      base, of->attribute, base, of->attribute, stored_duckdb(of->type), column);
}

/* The same columns of files of any shape. */
static bool shape_put(struct buf *out, const struct schema_table *schema, const struct source_files *files,
                      const struct shape *shapes, const struct shape *shape, const struct column_set *needed,
                      const struct source_attributes *attributes)
{
    bool ok = buf_printf(out, "SELECT filename");
    for (uint32_t c = 0; ok && c < schema->column_count; c++) {
        if (!column_set_has(needed, c)) continue;
        ok = buf_printf(out, ", ");
        ok = ok && (column_set_has(&shape->missing, c) ? missing_put(out, schema, c) : buf_printf(out, "s%u", c));
    }
    for (uint32_t a = 0; ok && attributes && a < attributes->count; a++)
        ok = shape->hidden >> a & 1 ? buf_printf(out, ", h%u", a)
                                    : buf_printf(out, ", mono_attribute_text(s%u, '%s') AS h%u", base_of(schema, false),
                                                 attributes->paths[a], a);
    return ok && buf_printf(out, " FROM ") && read_put(out, schema, files, shapes, shape, needed, attributes);
}

bool source_files_put(struct buf *out, const struct schema_table *schema, const struct source_files *files,
                      const struct column_set *needed, const struct source_attributes *attributes)
{
    static const struct shape whole = { .hidden = 0 };
    struct shape *shapes = mem_alloc(files->count * sizeof *shapes);
    uint32_t wanted = attributes ? attributes->count : 0, put = 0;
    uint32_t all = wanted == 32 ? UINT32_MAX : (1u << wanted) - 1;
    bool is_plain = true, ok = true;
    assert(files->count > 0);
    for (uint32_t f = 0; f < files->count; f++) {
        shapes[f] = shape_of(schema, needed, attributes, files->footers ? files->footers[f] : NULL);
        is_plain = is_plain && shapes[f].hidden == all &&
                   memcmp(&shapes[f].missing, &whole.missing, sizeof whole.missing) == 0;
    }
    if (is_plain) {
        ok = read_put(out, schema, files, shapes, &shapes[0], needed, attributes);
        free(shapes);
        return ok;
    }
    ok = buf_printf(out, "(");
    for (uint32_t f = 0; ok && f < files->count; f++) {
        bool is_new = true;
        for (uint32_t g = 0; g < f && is_new; g++) is_new = !shapes_are_equal(&shapes[g], &shapes[f]);
        if (!is_new) continue;
        ok = (put++ == 0 || buf_printf(out, " UNION ALL ")) &&
             shape_put(out, schema, files, shapes, &shapes[f], needed, attributes);
    }
    free(shapes);
    return ok && buf_printf(out, ")");
}

/* No files: the columns of the right types, and no row. */
static void put_nothing(struct reader *reader)
{
    bool any = false;
    put(reader, "(SELECT ");
    for (uint32_t c = 0; reader->ok && c < reader->schema->column_count; c++) {
        if (!column_set_has(&reader->needed, c)) continue;
        reader->ok = buf_printf(reader->out, "%sCAST(NULL AS %s) AS s%u", any ? ", " : "",
                                stored_duckdb(reader->schema->columns[c].type), c);
        any = true;
    }
    for (uint32_t a = 0; reader->ok && a < reader->attributes.count; a++) {
        reader->ok = buf_printf(reader->out, "%sCAST(NULL AS VARCHAR) AS h%u", any ? ", " : "", a);
        any = true;
    }
    put(reader, " WHERE false)");
}

static void put_word(struct reader *reader, bool *any)
{
    put(reader, *any ? " AND " : " WHERE ");
    *any = true;
}

/* Conditions on stored columns as they are, so that statistics and blooms are asked. */
static void put_rows(struct reader *reader, const struct source_rows *rows)
{
    uint32_t timestamp = reader->schema->timestamp;
    bool any = false;
    if (rows->id_count > 0) {
        put_word(reader, &any);
        reader->ok = reader->ok && buf_printf(reader->out, "s%u IN (", reader->schema->row_id);
        for (uint32_t i = 0; reader->ok && i < rows->id_count; i++)
            reader->ok = buf_printf(reader->out, "%s'%s'", i ? ", " : "", rows->ids[i]);
        put(reader, ")");
    }
    if (rows->from_us != 0) {
        put_word(reader, &any);
        reader->ok = reader->ok && buf_printf(reader->out, "s%u >= " LITERAL_TIME, timestamp, rows->from_us);
    }
    if (rows->to_us != 0) {
        put_word(reader, &any);
        reader->ok = reader->ok && buf_printf(reader->out, "s%u <= " LITERAL_TIME, timestamp, rows->to_us);
    }
}

static void put_also(struct reader *reader, enum source_also also, bool *any)
{
    if (also == SOURCE_ALSO_FILE) {
        put(reader, *any ? ", filename AS f" : "filename AS f");
        *any = true;
    }
    for (uint32_t c = 0; also == SOURCE_ALSO_STORED && c < reader->schema->column_count; c++) {
        if (!schema_column_is_stored(&reader->schema->columns[c])) continue;
        put(reader, *any ? ", " : "");
        put_stored(reader, c);
        reader->ok = reader->ok && buf_printf(reader->out, " AS y%u", c);
        *any = true;
    }
}

/* Senders use few of the attributes that have columns. The others stay out of the objects of all of them: DuckDB plans, opens and
 * asks each. Whose a row is may come from other rows. */
static struct column_set empty_of(const struct schema_table *schema, const struct source_files *files)
{
    struct column_set empty = { 0 };
    for (uint32_t c = 0; c < schema->column_count; c++) {
        const struct schema_column *column = &schema->columns[c];
        if (column->attribute[0] != '\0' && schema_column_is_stored(column) && identity_field(schema, c) < 0 &&
            is_empty_in_all(files, c))
            column_set_add(&empty, c);
    }
    return empty;
}

static bool half_put(struct buf *out, const struct plan_table *table, const struct schema_table *schema,
                     struct uuid project_id, const struct source_files *files, const struct source_rows *rows)
{
    struct reader reader = {
        .schema = schema, .project_id = project_id, .out = out, .ok = true, .empty = empty_of(schema, files)
    };
    char text[240];
    bool any = false, is_point = schema != table->schema;
    if (files->count > 0 && schema->id == SCHEMA_LOGS_AND_SPANS) reader.identity = rows->identity;
    put(&reader, "SELECT ");
    for (uint32_t c = 0; c < table->schema->column_count; c++) {
        for (int form = 0; form < 2; form++) {
            if (!column_set_has(form ? &table->stored : &table->seen, c)) continue;
            put(&reader, any ? ", " : "");
            if (is_point)
                put_point_column(&reader, table->schema, c, form == 1);
            else if (form == 1)
                put_stored(&reader, c);
            else
                put_column(&reader, c);
            snprintf(text, sizeof text, " AS %c%u", form ? 'x' : 'k', c);
            put(&reader, text);
            any = true;
        }
    }
    for (uint32_t a = 0; a < table->attribute_count; a++) {
        put(&reader, any ? ", " : "");
        if (is_point) {
            put(&reader, "mono_attribute_text(");
            put_point_column(&reader, table->schema, base_of(table->schema, false), true);
            reader.ok = reader.ok && buf_printf(out, ", '%s') AS h%u", table->attributes[a], a);
        } else {
            reader.ok = reader.ok && buf_printf(out, "h%u", a);
        }
        any = true;
    }
    if (!is_point)
        reader.attributes = (struct source_attributes){ .paths = table->attributes, .count = table->attribute_count };
    put_also(&reader, rows->also, &any);
    if (!any) put(&reader, "1 AS k");
    if (rows->id_count > 0) column_set_add(&reader.needed, schema->row_id);
    if (rows->from_us != 0 || rows->to_us != 0) column_set_add(&reader.needed, schema->timestamp);
    if (reader.identity) identity_needed(reader.identity, &reader.needed);
    bool has_needed = false;
    for (uint32_t c = 0; c < schema->column_count; c++) has_needed = has_needed || column_set_has(&reader.needed, c);
    if (!has_needed) column_set_add(&reader.needed, schema->timestamp);
    put(&reader, " FROM ");
    if (files->count == 0) {
        put_nothing(&reader);
        return reader.ok;
    }
    if (reader.identity)
        reader.ok = reader.ok && identity_from_put(out, reader.identity, files, &reader.needed, &reader.attributes);
    else
        reader.ok = reader.ok && source_files_put(out, schema, files, &reader.needed, &reader.attributes);
    put_rows(&reader, rows);
    return reader.ok;
}

bool source_put(struct buf *out, const struct plan_table *table, struct uuid project_id,
                const struct source_files *logs, const struct source_files *metrics, const struct source_rows *rows)
{
    const struct schema_table *first =
        table->source == PLAN_METRICS ? schema_table(SCHEMA_METRICS) : schema_table(SCHEMA_LOGS_AND_SPANS);
    const struct source_files *first_files = table->source == PLAN_METRICS ? metrics : logs;
    bool has_points = table->source != PLAN_METRICS && metrics->count > 0;
    bool only_points = has_points && first_files->count == 0;
    if (!buf_add(out, "(", 1)) return false;
    if (!only_points && !half_put(out, table, first, project_id, first_files, rows)) return false;
    if (has_points && !only_points && !buf_printf(out, " UNION ALL ")) return false;
    if (has_points && !half_put(out, table, schema_table(SCHEMA_METRICS), project_id, metrics, rows)) return false;
    return buf_add(out, ")", 1);
}
