#include "timefusion/schema/schema.h"

#include "base/hash.h"

#define SLOT_COUNT          512 /* at most a quarter full: a look-up ends after one or two steps */
#define ATTRIBUTE_BYTES_MAX 64
static_assert(SLOT_COUNT >= 4 * SCHEMA_COLUMNS_MAX, "keep the tables sparse");
static_assert(LOGS_AND_SPANS_COLUMN_COUNT <= SCHEMA_COLUMNS_MAX, "one array of marks serves any table");
static_assert(METRICS_COLUMN_COUNT <= SCHEMA_COLUMNS_MAX, "one array of marks serves any table");

#define COLUMN(column_name, column_type, column_flags) { #column_name, column_type, column_flags, "", false },
static struct schema_column logs_and_spans_columns[] = { LOGS_AND_SPANS_COLUMNS(COLUMN) };
static struct schema_column metrics_columns[] = { METRICS_COLUMNS(COLUMN) };
#undef COLUMN

static const struct schema_table tables[SCHEMA_TABLE_COUNT] = {
    [SCHEMA_LOGS_AND_SPANS] = {
        .id = SCHEMA_LOGS_AND_SPANS,
        .name = "otel_logs_and_spans",
        .columns = logs_and_spans_columns,
        .column_count = LOGS_AND_SPANS_COLUMN_COUNT,
        .timestamp = LOGS_AND_SPANS_timestamp,
        .date = LOGS_AND_SPANS_date,
        .project_id = LOGS_AND_SPANS_project_id,
        .row_id = LOGS_AND_SPANS_id,
        .service_name = LOGS_AND_SPANS_resource___service___name,
    },
    [SCHEMA_METRICS] = {
        .id = SCHEMA_METRICS,
        .name = "otel_metrics",
        .columns = metrics_columns,
        .column_count = METRICS_COLUMN_COUNT,
        .timestamp = METRICS_timestamp,
        .date = METRICS_date,
        .project_id = METRICS_project_id,
        .row_id = METRICS_id,
        .service_name = METRICS_resource___service___name,
    },
};

/* Look-up tables from text to column, open addressing; filled once, before main. */
struct slot {
    struct bytes key;
    int16_t column; /* key.ptr == NULL: free */
};
enum key_kind { KEY_NAME, KEY_ATTRIBUTE, KEY_RESOURCE, KEY_KIND_COUNT };
static struct slot slots[SCHEMA_TABLE_COUNT][KEY_KIND_COUNT][SLOT_COUNT];
static char attribute_texts[SCHEMA_TABLE_COUNT][SCHEMA_COLUMNS_MAX][ATTRIBUTE_BYTES_MAX];

/* Length, head, middle and tail tell the keys of our constant tables apart; a stranger's key can only miss. */
static uint32_t key_slot(struct bytes key)
{
    if (key.len <= 16) return (uint32_t)hash64_key(key, 0) % SLOT_COUNT;
    uint64_t head, middle, tail;
    memcpy(&head, key.ptr, sizeof head);
    memcpy(&middle, key.ptr + key.len / 2 - 4, sizeof middle);
    memcpy(&tail, key.ptr + key.len - 8, sizeof tail);
    return (uint32_t)hash64_mix(head ^ (middle << 1) ^ 0x9E3779B97F4A7C15u, tail ^ key.len) % SLOT_COUNT;
}

static int slot_find(const struct slot *table, struct bytes key)
{
    for (uint32_t at = key_slot(key);; at = (at + 1) % SLOT_COUNT) {
        if (table[at].key.ptr == NULL) return -1;
        if (bytes_equal(table[at].key, key)) return table[at].column;
    }
}

static void slot_add(struct slot *table, struct bytes key, uint32_t column)
{
    uint32_t at = key_slot(key);
    while (table[at].key.ptr != NULL) at = (at + 1) % SLOT_COUNT;
    table[at] = (struct slot){ key, (int16_t)column };
}

/* "http___request___method" to "http.request.method": runs of two or three underscores are dots. */
static void attribute_spell(char *out, const char *name)
{
    char *end = out + ATTRIBUTE_BYTES_MAX - 1;
    while (*name != '\0') {
        size_t run = strspn(name, "_");
        assert(out < end);
        if (run >= 2) {
            *out++ = '.';
            name += run;
        } else {
            *out++ = *name++;
        }
    }
    *out = '\0';
}

static void table_fill(const struct schema_table *table, struct schema_column *columns)
{
    static const char of_resource[] = "resource___", of_record[] = "attributes___";
    for (uint32_t i = 0; i < table->column_count; i++) {
        struct schema_column *column = &columns[i];
        slot_add(slots[table->id][KEY_NAME], bytes_of_text(column->name), i);
        bool is_resource = strncmp(column->name, of_resource, sizeof of_resource - 1) == 0;
        if (!is_resource && strncmp(column->name, of_record, sizeof of_record - 1) != 0) continue;
        char *text = attribute_texts[table->id][i];
        attribute_spell(text, column->name + (is_resource ? sizeof of_resource : sizeof of_record) - 1);
        column->attribute = text;
        column->is_resource = is_resource;
        slot_add(slots[table->id][is_resource ? KEY_RESOURCE : KEY_ATTRIBUTE], bytes_of_text(text), i);
    }
}

__attribute__((constructor)) static void tables_fill(void)
{
    table_fill(&tables[SCHEMA_LOGS_AND_SPANS], logs_and_spans_columns);
    table_fill(&tables[SCHEMA_METRICS], metrics_columns);
}

const struct schema_table *schema_table(enum schema_table_id id)
{
    assert(id < SCHEMA_TABLE_COUNT);
    return &tables[id];
}

const struct schema_table *schema_table_by_name(struct bytes name)
{
    for (uint32_t i = 0; i < SCHEMA_TABLE_COUNT; i++) {
        if (bytes_equal(name, bytes_of_text(tables[i].name))) return &tables[i];
    }
    return NULL;
}

int schema_column_index(const struct schema_table *table, struct bytes name)
{
    return slot_find(slots[table->id][KEY_NAME], name);
}

int schema_attribute_column(const struct schema_table *table, bool is_resource, struct bytes key)
{
    return slot_find(slots[table->id][is_resource ? KEY_RESOURCE : KEY_ATTRIBUTE], key);
}

const char *schema_type_sql(enum schema_type type)
{
    switch (type) {
    case SCHEMA_TYPE_DATE: return "date";
    case SCHEMA_TYPE_TIMESTAMPTZ: return "timestamptz";
    case SCHEMA_TYPE_UUID: return "uuid";
    case SCHEMA_TYPE_TEXT: return "text";
    case SCHEMA_TYPE_JSON: return "jsonb";
    case SCHEMA_TYPE_INTEGER: return "integer";
    case SCHEMA_TYPE_BIGINT: return "bigint";
    case SCHEMA_TYPE_DOUBLE: return "double precision";
    case SCHEMA_TYPE_BOOLEAN: return "boolean";
    case SCHEMA_TYPE_TEXT_LIST: return "text[]";
    case SCHEMA_TYPE_BIGINT_LIST: return "bigint[]";
    case SCHEMA_TYPE_DOUBLE_LIST: return "double precision[]";
    }
    assert(!"no such type");
    return "";
}
