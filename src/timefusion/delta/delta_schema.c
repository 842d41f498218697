/* delta_schema.c -- our tables' columns as Delta knows them (a Spark schema in JSON), and whether a table still fits. */
#include <stdlib.h>
#include <yyjson.h>

#include "timefusion/delta/delta_text.h"

static const char *type_json(enum schema_type type)
{
    switch (type) {
    case SCHEMA_TYPE_DATE: return "\"date\"";
    case SCHEMA_TYPE_TIMESTAMPTZ: return "\"timestamp\"";
    case SCHEMA_TYPE_UUID:
    case SCHEMA_TYPE_TEXT:
    case SCHEMA_TYPE_JSON: return "\"string\"";
    case SCHEMA_TYPE_INTEGER: return "\"integer\"";
    case SCHEMA_TYPE_BIGINT: return "\"long\"";
    case SCHEMA_TYPE_DOUBLE: return "\"double\"";
    case SCHEMA_TYPE_BOOLEAN: return "\"boolean\"";
    case SCHEMA_TYPE_TEXT_LIST: return "{\"type\":\"array\",\"elementType\":\"string\",\"containsNull\":false}";
    case SCHEMA_TYPE_BIGINT_LIST: return "{\"type\":\"array\",\"elementType\":\"long\",\"containsNull\":false}";
    case SCHEMA_TYPE_DOUBLE_LIST: return "{\"type\":\"array\",\"elementType\":\"double\",\"containsNull\":false}";
    }
    return "\"string\"";
}

static bool column_put(struct buf *buf, const struct schema_column *column, bool *first)
{
    bool ok = (*first || buf_add(buf, ",", 1)) && buf_printf(buf, "{\"name\":") &&
              delta_put_json_text(buf, bytes_of_text(column->name)) &&
              buf_printf(buf, ",\"type\":%s,\"nullable\":%s,\"metadata\":{}}", type_json(column->type),
                         column->flags & SCHEMA_NOT_NULL ? "false" : "true");
    *first = false;
    return ok;
}

bool delta_put_schema(struct buf *buf, const struct schema_table *table)
{
    bool first = true;
    if (!buf_printf(buf, "{\"type\":\"struct\",\"fields\":[")) return false;
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (table->columns[i].flags & SCHEMA_DERIVED) continue;
        if (!column_put(buf, &table->columns[i], &first)) return false;
    }
    return buf_printf(buf, "]}");
}

static bool type_fits(yyjson_val *type, enum schema_type wanted)
{
    const char *json = type_json(wanted);
    if (json[0] == '"')
        return yyjson_is_str(type) && strncmp(json + 1, yyjson_get_str(type), yyjson_get_len(type)) == 0 &&
               strlen(json) == yyjson_get_len(type) + 2;
    const char *element = wanted == SCHEMA_TYPE_TEXT_LIST     ? "string"
                          : wanted == SCHEMA_TYPE_BIGINT_LIST ? "long"
                                                              : "double";
    return yyjson_equals_str(yyjson_obj_get(type, "type"), "array") &&
           yyjson_equals_str(yyjson_obj_get(type, "elementType"), element);
}

/* A field of the Delta schema against our column of that name. */
static bool field_check(yyjson_val *field, const struct schema_column *column, struct err *err)
{
    if (!type_fits(yyjson_obj_get(field, "type"), column->type))
        return err_set(err, ERR_UNSUPPORTED, "column \"%s\" of the Delta table is not %s", column->name,
                       type_json(column->type));
    if (yyjson_is_false(yyjson_obj_get(field, "nullable")) && !(column->flags & SCHEMA_NOT_NULL))
        return err_set(err, ERR_UNSUPPORTED, "column \"%s\" of the Delta table takes no nulls", column->name);
    yyjson_val *metadata = yyjson_obj_get(field, "metadata");
    if (yyjson_obj_get(metadata, "delta.invariants"))
        return err_set(err, ERR_UNSUPPORTED, "column \"%s\" of the Delta table has invariants", column->name);
    if (yyjson_obj_get(metadata, "delta.generationExpression"))
        return err_set(err, ERR_UNSUPPORTED, "column \"%s\" of the Delta table has generatedColumns", column->name);
    return true;
}

static yyjson_val *field_find(yyjson_val *fields, const char *name)
{
    size_t i, count;
    yyjson_val *field;
    yyjson_arr_foreach(fields, i, count, field)
    {
        if (yyjson_equals_str(yyjson_obj_get(field, "name"), name)) return field;
    }
    return NULL;
}

static bool fields_check(yyjson_val *fields, const struct schema_table *table, uint32_t *missing_count, struct err *err)
{
    *missing_count = 0;
    for (uint32_t i = 0; i < table->column_count; i++) {
        const struct schema_column *column = &table->columns[i];
        if (column->flags & SCHEMA_DERIVED) continue;
        yyjson_val *field = field_find(fields, column->name);
        if (field && !field_check(field, column, err)) return false;
        if (field) continue;
        if (column->flags & SCHEMA_NOT_NULL)
            return err_set(err, ERR_UNSUPPORTED, "the Delta table has no column \"%s\"", column->name);
        ++*missing_count;
    }
    /* Columns that a newer version or another writer added: our files answer null for them. */
    size_t at, count;
    yyjson_val *field;
    yyjson_arr_foreach(fields, at, count, field)
    {
        const char *name = yyjson_get_str(yyjson_obj_get(field, "name"));
        if (!name) return err_set(err, ERR_CORRUPT, "the Delta table's schema has a field without a name");
        int index = schema_column_index(table, bytes_of_text(name));
        if (index >= 0 && !(table->columns[index].flags & SCHEMA_DERIVED)) continue;
        if (yyjson_is_false(yyjson_obj_get(field, "nullable")))
            return err_set(err, ERR_UNSUPPORTED,
                           "column \"%.60s\" of the Delta table takes no nulls, and we do not have it", name);
    }
    return true;
}

bool delta_schema_check(const char *schema, const struct schema_table *table, bool *is_older, struct buf *merged,
                        struct err *err)
{
    *is_older = false;
    yyjson_doc *doc = yyjson_read(schema, strlen(schema), 0);
    yyjson_val *fields = yyjson_obj_get(yyjson_doc_get_root(doc), "fields");
    uint32_t missing_count = 0;
    bool ok = yyjson_is_arr(fields) || err_set(err, ERR_CORRUPT, "the Delta table's schema is not JSON with fields");
    ok = ok && fields_check(fields, table, &missing_count, err);
    if (ok && missing_count > 0) {
        *is_older = true;
        bool first = yyjson_arr_size(fields) == 0, room = buf_printf(merged, "{\"type\":\"struct\",\"fields\":[");
        size_t at, count;
        yyjson_val *field;
        yyjson_arr_foreach(fields, at, count, field)
        {
            size_t len = 0;
            char *text = yyjson_val_write(field, 0, &len);
            room = room && text && (at == 0 || buf_add(merged, ",", 1)) && buf_add(merged, text, len);
            free(text);
        }
        for (uint32_t i = 0; i < table->column_count; i++) {
            const struct schema_column *column = &table->columns[i];
            if ((column->flags & SCHEMA_DERIVED) || field_find(fields, column->name)) continue;
            room = room && column_put(merged, column, &first);
        }
        room = room && buf_printf(merged, "]}");
        ok = room || err_set(err, ERR_TOO_LARGE, "the Delta table's schema is too large");
    }
    yyjson_doc_free(doc);
    return ok;
}
