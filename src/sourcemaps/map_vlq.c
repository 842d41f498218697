/* "AAAA,IAAM;AACN": base 64 of five bits a digit, the lowest first; a map writes differences. ECMA-426, "Mappings". */
#include "sourcemaps/map_inside.h"
#include <stdlib.h>

#define PLACE_MAX INT64_C(0x7FFFFFFE)

static const int8_t digits[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
};

/* One number; NULL: none is there, or it is longer than 32 bits. */
static const uint8_t *number_take(const uint8_t *at, const uint8_t *end, int64_t *number)
{
    uint64_t value = 0;
    for (uint32_t shift = 0; at < end && shift <= 30; shift += 5) {
        int digit = digits[*at] - 1;
        if (digit < 0) return NULL;
        at++;
        value |= (uint64_t)(digit & 31) << shift;
        if ((digit & 32) == 0) {
            *number = value & 1 ? -(int64_t)(value >> 1) : (int64_t)(value >> 1);
            return at;
        }
    }
    return NULL;
}

static bool room_make(struct map_reading *reading, struct bytes text, struct err *err)
{
    uint64_t count = 0;
    bool is_begun = false;
    for (size_t i = 0; i < text.len; i++) {
        bool is_between = text.ptr[i] == ',' || text.ptr[i] == ';';
        count += !is_between && !is_begun;
        is_begun = !is_between;
    }
    count += reading->mapping_count;
    if (count > MAP_MAPPINGS_MAX)
        return err_set(err, ERR_TOO_LARGE, "the map has more than %u mappings", MAP_MAPPINGS_MAX);
    if (count > reading->mapping_room) {
        reading->mapping_room = (uint32_t)count;
        reading->mappings = mem_realloc(reading->mappings, count * sizeof *reading->mappings);
    }
    return true;
}

/* Differences of a mapping's fields: column, source, line, column, name. */
static const uint8_t *fields_take(const uint8_t *at, const uint8_t *end, int64_t fields[5], uint32_t *count)
{
    *count = 0;
    while (at < end && *at != ',' && *at != ';') {
        int64_t number;
        at = number_take(at, end, &number);
        if (at == NULL) return NULL;
        if (*count < 5) fields[(*count)++] = number; /* further ones are for versions to come */
    }
    return at;
}

bool vlq_read(struct map_reading *reading, const struct vlq_part *part, struct err *err)
{
    const uint8_t *at = part->text.ptr, *end = part->text.len == 0 ? at : at + part->text.len;
    int64_t line = 0, column = 0, source = 0, source_line = 0, source_column = 0, name = 0;
    if (!room_make(reading, part->text, err)) return false;
    while (at < end) {
        int64_t fields[5] = { 0 };
        uint32_t count;
        if (*at == ';') {
            line++;
            column = 0;
            at++;
            continue;
        }
        if (*at == ',') {
            at++;
            continue;
        }
        const uint8_t *next = fields_take(at, end, fields, &count);
        if (next == NULL || count == 2 || count == 3)
            return err_set(err, ERR_INPUT, "mappings: byte %zu: this is no mapping", (size_t)(at - part->text.ptr));
        column += fields[0];
        source += fields[1];
        source_line += fields[2];
        source_column += fields[3];
        if (count == 5) name += fields[4];
        if (column < 0 || column > PLACE_MAX)
            return err_set(err, ERR_INPUT, "mappings: byte %zu: the column is %lld", (size_t)(at - part->text.ptr),
                           (long long)column);
        at = next;
        int64_t at_line = line + part->line, at_column = column + (line == 0 ? part->column : 0);
        if (at_line > part->stop_line || (at_line == part->stop_line && at_column >= part->stop_column)) continue;
        if (at_line > PLACE_MAX || at_column > PLACE_MAX) continue;
        /* A place that cannot be is none: the mapping says that nothing is known. */
        bool has_source = count >= 4 && source >= 0 && source < part->source_count && source_line >= 0 &&
                          source_line <= PLACE_MAX && source_column >= 0 && source_column <= PLACE_MAX;
        bool has_name = has_source && count == 5 && name >= 0 && name < part->name_count;
        reading->mappings[reading->mapping_count++] = (struct mapping){
            .line = (uint32_t)at_line,
            .column = (uint32_t)at_column,
            .source = has_source ? part->source_first + (uint32_t)source : MAP_NONE,
            .source_line = has_source ? (uint32_t)source_line : 0,
            .source_column = has_source ? (uint32_t)source_column : 0,
            .name = has_name ? part->name_first + (uint32_t)name : MAP_NONE,
        };
    }
    return true;
}
