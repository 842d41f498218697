#include "web/api/ask_catalog.h"
#include "meta/rollup_read.h"

enum { NAMES_MAX = 3000, KEYS_MAX = 500, VALUES = 30 };
static const int64_t DAY_US = 24 * 3600 * 1000000ll, CATALOG_US = 15 * 24 * 3600 * 1000000ll,
                     NAMES_US = 60 * 24 * 3600 * 1000000ll;

static void value_add(struct ask_value *values, struct ask_catalog *catalog, struct ask_field field, struct bytes text)
{
    if (text.len == 0 || text.len > ASK_VALUE_BYTES_MAX || catalog->value_count == NAMES_MAX + KEYS_MAX * VALUES)
        return;
    values[catalog->value_count++] = (struct ask_value){ .field = field, .text = text };
}

static bool has_attribute(const struct ask_catalog *catalog, struct bytes key)
{
    for (uint32_t a = 0; a < catalog->attribute_count; a++)
        if (bytes_equal(catalog->attributes[a].key, key)) return true;
    return false;
}

static bool has_value(const struct ask_catalog *catalog, uint32_t from, struct ask_field field, struct bytes text)
{
    for (uint32_t v = from; v < catalog->value_count; v++)
        if (catalog->values[v].field.id == field.id && bytes_equal(catalog->values[v].text, text)) return true;
    return false;
}

/* Attributes of spans and logs are one; what SQL cannot name plainly is not asked for by name. */
static void attributes_add(struct ask_catalog *catalog, const struct rollup_attribute_item *items, uint32_t count,
                           struct ask_field *fields, struct ask_value *values)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct rollup_attribute_item *item = &items[i];
        bool is_resource = bytes_equal(item->place, BYTES("resource"));
        if (bytes_equal(item->place, BYTES("metric")) || !ask_key_is_plain(item->key)) continue;
        struct ask_field field = ask_field_of_key(is_resource, item->key);
        if (field.id >= ASK_FIELD_ATTRIBUTE && !has_attribute(catalog, item->key))
            fields[catalog->attribute_count++] = field;
        uint32_t from = catalog->value_count; /* of other keys there may be the same ones: they are of other fields */
        if (field.id == ASK_FIELD_SERVICE || field.id == ASK_FIELD_STATUS) continue;
        for (uint32_t v = 0; v < item->value_count; v++)
            if (field.id >= ASK_FIELD_ATTRIBUTE ? !has_value(catalog, from, field, item->values[v].value)
                                                : !has_value(catalog, 0, field, item->values[v].value))
                value_add(values, catalog, field, item->values[v].value);
    }
}

bool ask_catalog_read(struct api_call *call, int64_t now_us, struct ask_catalog *catalog, struct err *err)
{
    struct db *db = call->parts->db;
    *catalog = (struct ask_catalog){ 0 };
    struct rollup_range range = { .project_id = call->project.id,
                                  .from_unix_us = now_us - CATALOG_US,
                                  .to_unix_us = now_us + DAY_US };
    struct rollup_page page = { .is_first = true, .limit = KEYS_MAX };
    struct rollup_attribute_item *items;
    struct bytes *services, *routes;
    uint32_t routes_count, count;
    if (!rollup_names_read(db, call->project.id, now_us - NAMES_US, false, NAMES_MAX, call->arena, &services,
                           &catalog->service_count, err) ||
        !rollup_names_read(db, call->project.id, now_us - NAMES_US, true, NAMES_MAX, call->arena, &routes,
                           &routes_count, err) ||
        !rollup_attributes_read(db, &range, BYTES(""), &page, VALUES, call->arena, &items, &count, err))
        return false;
    struct ask_value *values = arena_alloc(call->arena, (NAMES_MAX + KEYS_MAX * VALUES) * sizeof *values);
    struct ask_field *fields = arena_alloc(call->arena, (count + 1) * sizeof *fields);
    catalog->services = services;
    catalog->attributes = fields;
    catalog->values = values;
    for (uint32_t r = 0; r < routes_count; r++)
        value_add(values, catalog, (struct ask_field){ .id = ASK_FIELD_ROUTE }, routes[r]);
    attributes_add(catalog, items, count, fields, values);
    return true;
}
