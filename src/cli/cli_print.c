#include "base/utf8.h"
#include "cli/cli_inside.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CELL_CHARACTERS_MAX = 60 };

struct cli_table {
    uint32_t columns;
    bool is_wide;
    char **cells;
    size_t count, cap;
};

/* Does a terminal obey it, or does it turn the line around? C0, DEL, C1, marks of direction. */
static bool is_harmful(const uint8_t *at, size_t left, size_t *len)
{
    *len = 1;
    if (*at < 0x20 || *at == 0x7F) return true;
    if (left >= 2 && at[0] == 0xC2 && at[1] < 0xA0) {
        *len = 2;
        return true;
    }
    bool is_general = left >= 3 && at[0] == 0xE2;
    bool turns =
        is_general && ((at[1] == 0x80 && ((at[2] >= 0x8E && at[2] <= 0x8F) || (at[2] >= 0xA8 && at[2] <= 0xAE))) ||
                       (at[1] == 0x81 && at[2] >= 0xA6 && at[2] <= 0xA9));
    if (turns) *len = 3;
    return turns;
}

/* A copy in which these are escapes, a line end is \n; at most characters_max characters (0: all), then "...". */
static char *made_safe(const char *text, size_t text_len, size_t characters_max)
{
    const uint8_t *at = (const uint8_t *)text, *end = at + text_len;
    char *out = mem_alloc(4 * text_len + 4), *to = out;
    size_t characters = 0;
    if (!utf8_is_valid(bytes_from(text, text_len))) {
        strcpy(out, text_len < 2 ? "?" : "???");
        return out;
    }
    while (at < end) {
        size_t len;
        if ((*at & 0xC0) != 0x80 && characters_max > 0 && ++characters > characters_max) {
            to += sprintf(to, "...");
            break;
        }
        if (*at == '\n' || *at == '\t') {
            to += sprintf(to, *at == '\n' ? "\\n" : "\\t");
            at++;
        } else if (is_harmful(at, (size_t)(end - at), &len)) {
            for (size_t i = 0; i < len; i++) to += sprintf(to, "\\x%02x", at[i]);
            at += len;
        } else {
            *to++ = (char)*at++;
        }
    }
    *to = '\0';
    return out;
}

void cli_print_safe(const char *text, size_t len)
{
    char *safe = made_safe(text, len, 0);
    fputs(safe, stdout);
    free(safe);
}

static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text != '\0'; text++) width += (*text & 0xC0) != 0x80;
    return width;
}

struct cli_table *cli_table_create(uint32_t columns, bool is_wide)
{
    struct cli_table *table = mem_calloc(1, sizeof *table);
    table->columns = columns;
    table->is_wide = is_wide;
    return table;
}

void cli_table_add(struct cli_table *table, const char *text, size_t len)
{
    if (table->count == table->cap) {
        table->cap = table->cap > 0 ? 2 * table->cap : 256;
        table->cells = mem_realloc(table->cells, table->cap * sizeof *table->cells);
    }
    table->cells[table->count++] = made_safe(text, len, table->is_wide ? 0 : CELL_CHARACTERS_MAX);
}

void cli_table_add_json(struct cli_table *table, yyjson_val *value)
{
    size_t len = 0;
    if (value == NULL || yyjson_is_null(value)) {
        cli_table_add(table, "", 0);
    } else if (yyjson_is_str(value)) {
        cli_table_add(table, yyjson_get_str(value), yyjson_get_len(value));
    } else {
        char *json = yyjson_val_write(value, 0, &len);
        cli_table_add(table, json != NULL ? json : "", len);
        free(json);
    }
}

void cli_table_print(struct cli_table *table)
{
    size_t *widths = mem_calloc(table->columns + 1, sizeof *widths);
    for (size_t c = 0; c < table->count; c++) {
        size_t width = width_of(table->cells[c]);
        if (width > widths[c % table->columns]) widths[c % table->columns] = width;
    }
    for (size_t c = 0; c < table->count; c++) {
        bool is_last = c % table->columns == table->columns - 1;
        size_t pad = is_last ? 0 : widths[c % table->columns] - width_of(table->cells[c]) + 2;
        printf("%s%*s%s", table->cells[c], (int)pad, "", is_last ? "\n" : "");
        free(table->cells[c]);
    }
    free(widths);
    free(table->cells);
    free(table);
}

void cli_print_json_line(yyjson_val *value)
{
    size_t len = 0;
    char *json = yyjson_val_write(value, 0, &len);
    if (json != NULL) printf("%s\n", json);
    free(json);
}
