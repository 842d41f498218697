/* threads: none */
/* Source maps: look-ups equal to those of other readers, forms of maps, hostile ones. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"
#include "sourcemaps/map.h"

static struct bytes file_read(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) fail_msg("%s is not there", path);
    fseek(file, 0, SEEK_END);
    size_t len = (size_t)ftell(file);
    uint8_t *bytes = mem_alloc(len + 1);
    rewind(file);
    assert_int_equal(fread(bytes, 1, len, file), len);
    fclose(file);
    bytes[len] = '\0';
    return bytes_from(bytes, len);
}

static struct map_made made_of(struct bytes json, struct map *map)
{
    struct map_made made;
    struct err err = { 0 };
    if (!map_read(json, &made, &err)) fail_msg("%s", err.text);
    if (!map_open(map, buf_bytes(&made.compact), &err)) fail_msg("%s", err.text);
    return made;
}

static uint32_t places_check(const struct map *map, const char *places, const char *name)
{
    struct bytes text = file_read(places);
    uint32_t count = 0;
    for (char *save = NULL, *line = strtok_r((char *)(uintptr_t)text.ptr, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save), count++) {
        struct map_place place;
        unsigned at_line, at_column, source, source_line, source_column;
        char said[512] = "";
        int fields =
            sscanf(line, "%u %u %u %u %u %511[^\n]", &at_line, &at_column, &source, &source_line, &source_column, said);
        bool is_found = map_find(map, at_line, at_column, &place);
        if (fields < 6) {
            if (is_found) fail_msg("%s: \"%s\": found in source %u", name, line, place.source);
            continue;
        }
        char here[512];
        snprintf(here, sizeof here, "%.*s", (int)(place.name == MAP_NONE ? 1 : place.name_text.len),
                 place.name == MAP_NONE ? "-" : (const char *)place.name_text.ptr);
        if (!is_found || place.source != source || place.line != source_line || place.column != source_column ||
            strcmp(said, here) != 0)
            fail_msg("%s: \"%s\": found %d: %u %u %u %s", name, line, is_found, place.source, place.line, place.column,
                     here);
    }
    free((void *)(uintptr_t)text.ptr);
    return count;
}

/* Goal: every place of a bundle comes from where two other readers say it does.
 * Method: vectors of generate.js over maps of esbuild, terser, TypeScript, and of sections. Others: MONO_MAP_VECTORS. */
static void test_other_readers(void **state)
{
    (void)state;
    const char *dir_path = getenv("MONO_MAP_VECTORS");
    if (dir_path == NULL) dir_path = MONO_SOURCE_DIR "/src/sourcemaps/vectors";
    DIR *dir = opendir(dir_path);
    struct dirent *entry;
    uint32_t maps = 0;
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        size_t len = strlen(entry->d_name);
        char path[1024];
        if (len < 4 || strcmp(entry->d_name + len - 4, ".map") != 0) continue;
        snprintf(path, sizeof path, "%s/%s", dir_path, entry->d_name);
        struct bytes json = file_read(path);
        struct map map;
        uint64_t begin_ns = clock_mono_ns();
        struct map_made made = made_of(json, &map);
        uint64_t read_ns = clock_mono_ns() - begin_ns;
        snprintf(path, sizeof path, "%s/%.*s.places", dir_path, (int)len - 4, entry->d_name);
        uint32_t places = places_check(&map, path, entry->d_name);
        print_message(
            "%s: %u places equal; %zu bytes of JSON, compact %zu (%.1f a mapping of %u), sources %zu, %.0f ms\n",
            entry->d_name, places, json.len, made.compact.len,
            (double)(map.head.bytes - map.head.mappings_at + map.head.block_count * 12) / (map.head.mapping_count + 1),
            map.head.mapping_count, made.sources.len, (double)read_ns / 1e6);
        map_made_deinit(&made);
        free((void *)(uintptr_t)json.ptr);
        maps++;
    }
    closedir(dir);
    assert_true(maps > 0);
}

#define JSON_OF(mappings)                                                                                      \
    "{\"version\":3,\"sources\":[\"../src/./a.ts\",null],\"names\":[\"total\",\"caf\\u00e9 \\ud83d\\ude00\"]," \
    "\"mappings\":\"" mappings "\"}"

static void place_check(const char *json, uint32_t line, uint32_t column, const char *expected)
{
    struct map map;
    struct map_place place;
    char here[256] = "-";
    struct map_made made = made_of(bytes_of_text(json), &map);
    if (map_find(&map, line, column, &place))
        snprintf(here, sizeof here, "%.*s:%u:%u %.*s", (int)place.source_text.len, (const char *)place.source_text.ptr,
                 place.line, place.column, (int)place.name_text.len, (const char *)place.name_text.ptr);
    map_made_deinit(&made);
    if (strcmp(here, expected) != 0) fail_msg("%s, not %s: %s at %u:%u", here, expected, json, line, column);
}

/* Goal: each part of the format counts as ECMA-426 has it. Method: small maps by hand. */
static void test_forms(void **state)
{
    (void)state;
    place_check(JSON_OF("EAECA"), 0, 1, "-"); /* before the first */
    place_check(JSON_OF("EAECA"), 0, 2, "src/a.ts:2:1 total");
    place_check(JSON_OF("EAECA"), 0, 99, "src/a.ts:2:1 total");
    place_check(JSON_OF("EAECA"), 1, 0, "-"); /* another line */
    place_check(JSON_OF("EAECC"), 0, 2, "src/a.ts:2:1 caf\xC3\xA9 \xF0\x9F\x98\x80");
    place_check(JSON_OF("EAEC,E"), 0, 4, "-"); /* nothing is known from there on */
    place_check(JSON_OF("EAEC,EACA"), 0, 5, "src/a.ts:3:1 ");
    place_check(JSON_OF(";;EAEC;AACA"), 3, 0, "src/a.ts:3:1 ");
    place_check(JSON_OF("ECAA"), 0, 2, "(unknown):0:0 ");     /* a source without a name */
    place_check(JSON_OF("KAEC,FACA"), 0, 3, "src/a.ts:3:1 "); /* not in their order */
    place_check(JSON_OF("KAEC,FACA"), 0, 5, "src/a.ts:2:1 ");
    place_check(JSON_OF("EAEC,AACA"), 0, 2, "src/a.ts:2:1 "); /* two for one column: the first */
    place_check(JSON_OF("EEEC"), 0, 2, "-");                  /* a source that there is none of */
    place_check(")]}'\n" JSON_OF("EAECA"), 0, 2, "src/a.ts:2:1 total");
    place_check("\xEF\xBB\xBF" JSON_OF("EAECA"), 0, 2, "src/a.ts:2:1 total");
    place_check("{\"mappings\":\"AAAA\",\"sources\":[\"./src/a.js\"],\"sourceRoot\":\"webpack://shop/\"}", 0, 0,
                "webpack://shop/src/a.js:0:0 ");
    place_check("{\"mappings\":\"AAAA\",\"sources\":[\"webpack://shop/./src/../b.js\"],\"sourceRoot\":\"/x\"}", 0, 0,
                "webpack://shop/b.js:0:0 ");
    place_check(
        "{\"sections\":[{\"offset\":{\"line\":1,\"column\":5},\"map\":{\"version\":3,\"mappings\":\"AAAA;AACA\","
        "\"sources\":[\"a\"]}},{\"map\":{\"mappings\":\"AAAAA\",\"sources\":[\"b\"],\"names\":[\"n\"]},\"offset\":"
        "{\"column\":3,\"line\":2}}]}",
        2, 4, "b:0:0 n");
    place_check(
        "{\"sections\":[{\"offset\":{\"line\":1,\"column\":5},\"map\":{\"version\":3,\"mappings\":\"AAAA;AACA\","
        "\"sources\":[\"a\"]}},{\"map\":{\"mappings\":\"AAAAA\",\"sources\":[\"b\"],\"names\":[\"n\"]},\"offset\":"
        "{\"column\":3,\"line\":2}}]}",
        2, 2, "a:1:0 ");
}

static void id_check(const char *member, const char *expected)
{
    char json[256], text[UUID_TEXT_BYTES + 1];
    struct map map;
    snprintf(json, sizeof json, "{\"mappings\":\"\",\"sources\":[],%s}", member);
    struct map_made made = made_of(bytes_of_text(json), &map);
    uuid_to_text(made.debug_id, text);
    assert_string_equal(text, expected);
    map_made_deinit(&made);
}
static void test_debug_id(void **state)
{
    (void)state;
    id_check("\"debugId\":\"85314830-023F-4CF1-A267-535F4E37BB17\"", "85314830-023f-4cf1-a267-535f4e37bb17");
    id_check("\"debug_id\":\"85314830-023f-4cf1-a267-535f4e37bb17\"", "85314830-023f-4cf1-a267-535f4e37bb17");
    id_check("\"debugId\":\"none\"", "00000000-0000-0000-0000-000000000000");
}

static void wrong_check(const char *json, enum err_code code, const char *part)
{
    struct map_made made;
    struct err err = { 0 };
    assert_false(map_read(bytes_of_text(json), &made, &err));
    assert_int_equal(err.code, code);
    if (strstr(err.text, part) == NULL) fail_msg("\"%s\" does not say \"%s\"", err.text, part);
    map_made_deinit(&made);
}

/* Goal: what is no source map is refused, with what is wrong. */
static void test_wrong(void **state)
{
    (void)state;
    wrong_check("", ERR_INPUT, "a value is missing");
    wrong_check("console.log(1)", ERR_INPUT, "it is no object");
    wrong_check("{\"a\":1}", ERR_INPUT, "no mappings");
    wrong_check("{\"mappings\":\"A\",\"sources\":{}}", ERR_INPUT, "sources is no list");
    wrong_check("{\"version\":2,\"mappings\":\"\"}", ERR_INPUT, "version");
    wrong_check(JSON_OF("AA"), ERR_INPUT, "byte 0");
    wrong_check(JSON_OF("AAAA,!"), ERR_INPUT, "byte 5");
    wrong_check(JSON_OF("gggggggggg"), ERR_INPUT, "byte 0");
    wrong_check(JSON_OF("D"), ERR_INPUT, "column is -1");
    wrong_check("{\"mappings\":\"AAAA", ERR_INPUT, "does not end");
    wrong_check("{\"mappings\" \"\"}", ERR_INPUT, "colon");
    wrong_check("{\"sections\":[{\"offset\":{\"line\":0},\"url\":\"a.map\"}]}", ERR_INPUT, "URL");
    wrong_check("\xFF{}", ERR_INPUT, "UTF-8");
}

static struct bytes filled(const char *head, const char *piece, const char *tail, size_t bytes)
{
    char *text = mem_alloc(bytes + 64);
    size_t len = strlen(head), piece_len = strlen(piece);
    memcpy(text, head, len);
    while (len + piece_len + strlen(tail) < bytes) {
        memcpy(text + len, piece, piece_len);
        len += piece_len;
    }
    memcpy(text + len, tail, strlen(tail));
    return bytes_from(text, len + strlen(tail));
}

/* Goal: 16 MB of anything end soon: taken or refused. Method: what costs most of each part. */
static void test_hostile(void **state)
{
    (void)state;
    static const char *const forms[][3] = {
        { "{\"sources\":[\"a\"],\"mappings\":\"", "A,", "\"}" },
        { "{\"sources\":[\"a\"],\"mappings\":\"", ";", "\"}" },
        { "{\"sources\":[\"a\"],\"mappings\":\"", "+AAA,/AAA,", "\"}" },
        { "{\"sources\":[\"a\"],\"mappings\":\"", "CACA,", "\"}" },
        { "{\"mappings\":\"\",\"sources\":[", "\"\",", "\"\"]}" },
        { "{\"mappings\":\"\",\"names\":[", "\"a\",", "\"\"]}" },
        { "{\"mappings\":\"\",\"x\":", "[", "" },
        { "{\"mappings\":\"\",\"x\":\"", "\\\\\\\"", "\"}" },
        { "{\"mappings\":\"\",\"sources\":[\"a\"],\"sourcesContent\":[\"", "(a=>{", "\"]}" },
        { "{\"mappings\":\"\",\"sources\":[\"", "../", "\"]}" },
        { "{\"sections\":[", "{},", "{}]}" },
        { "{\"sections\":[{\"map\":", "{\"sections\":[{\"map\":", "" },
    };
    for (size_t f = 0; f < COUNT_OF(forms); f++) {
        struct bytes json = filled(forms[f][0], forms[f][1], forms[f][2], 16u << 20);
        struct map_made made;
        struct err err = { 0 };
        uint64_t begin_ns = clock_mono_ns();
        bool ok = map_read(json, &made, &err);
        print_message("%s: %s, %.0f ms\n", forms[f][1], ok ? "taken" : err.text,
                      (double)(clock_mono_ns() - begin_ns) / 1e6);
        if (!ok) assert_true(err.code == ERR_INPUT || err.code == ERR_TOO_LARGE);
        map_made_deinit(&made);
        free((void *)(uintptr_t)json.ptr);
    }
}

/* Goal: a compact form with any byte changed, or cut anywhere, is refused or answers something; texts of sources come back. */
static void test_compact_of_others(void **state)
{
    (void)state;
    static const char json[] =
        "{\"sources\":[\"a.js\"],\"names\":[\"n\"],\"mappings\":\"AAAAA,CACAA;AACA\",\"sourcesContent\":["
        "\"function total(x) {\\n  return x.y;\\n}\\n\"]}";
    struct map map;
    struct map_made made = made_of(bytes_of_text(json), &map);
    struct map_place place;
    struct err err = { 0 };
    assert_true(map_find(&map, 0, 1, &place));
    assert_true(place.has_function);
    assert_true(bytes_equal(place.function_text, BYTES("total")));
    uint8_t text[64];
    struct map_source_at at = map_source_at(made.sources.ptr + MAP_SOURCES_HEAD_BYTES);
    assert_int_equal(at.bytes, 36);
    assert_true(map_source_unpack(bytes_from(made.sources.ptr + at.at, at.packed_bytes), text, at.bytes, &err));
    assert_memory_equal(text, "function total(x) {\n  return x.y;\n}\n", 36);
    for (size_t byte = 0; byte < made.compact.len; byte++) {
        uint8_t *copy = mem_alloc(made.compact.len); /* the sanitizer sees its end */
        memcpy(copy, made.compact.ptr, made.compact.len);
        for (int flip = 0; flip < 3; flip++) {
            copy[byte] = (uint8_t)(made.compact.ptr[byte] ^ (uint8_t[]){ 1, 0x80, 0xFF }[flip]);
            if (!map_open(&map, bytes_from(copy, made.compact.len), &err)) continue;
            for (uint32_t line = 0; line < 3; line++) (void)map_find(&map, line, 1, &place);
        }
        free(copy);
        assert_false(map_open(&map, bytes_from(made.compact.ptr, byte), &err));
    }
    map_made_deinit(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_forms),         cmocka_unit_test(test_debug_id),
                                        cmocka_unit_test(test_wrong),         cmocka_unit_test(test_compact_of_others),
                                        cmocka_unit_test(test_other_readers), cmocka_unit_test(test_hostile) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
