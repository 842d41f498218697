#include "errors/wordpiece.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define VOCABULARY MONO_DEPS_DIR "/minilm/vocabulary/tokenizer.json"
#define VECTORS    MONO_SOURCE_DIR "/src/errors/vectors/wordpiece.tsv"
#define LINE_MAX_  65536

static size_t bytes_of_hex(const char *hex, size_t len, uint8_t *out)
{
    for (size_t i = 0; i + 1 < len; i += 2) {
        char pair[3] = { hex[i], hex[i + 1], '\0' };
        out[i / 2] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return len / 2;
}

/* Goal: the same numbers as the library that the model was made with.
 * Method: texts of many scripts, messages of errors and random mixtures, with what that library answered (wordpiece_reference.py). */
static void test_as_the_reference(void **state)
{
    struct wordpiece *wordpiece = NULL;
    struct err err = { .code = ERR_OK };
    (void)state;
    assert_true(wordpiece_open(&wordpiece, VOCABULARY, &err));
    FILE *file = fopen(VECTORS, "r");
    assert_non_null(file);
    static char line[LINE_MAX_];
    static uint8_t text[LINE_MAX_];
    size_t texts = 0;
    for (; fgets(line, sizeof line, file) != NULL; texts++) {
        char *tab = strchr(line, '\t');
        assert_non_null(tab);
        size_t len = bytes_of_hex(line, (size_t)(tab - line), text), count = 0;
        int64_t ids[WORDPIECE_IDS_MAX];
        size_t found = wordpiece_ids(wordpiece, bytes_from(text, len), ids, COUNT_OF(ids));
        for (char *at = tab + 1; *at != '\n' && *at != '\0'; count++) {
            int64_t wanted = strtol(at, &at, 10);
            if (count >= found || ids[count] != wanted) {
                fail_msg("text %zu, \"%.*s\": piece %zu is %ld, not %ld", texts, (int)len, (const char *)text, count,
                         count < found ? (long)ids[count] : -1L, (long)wanted);
            }
        }
        assert_int_equal(found, count);
    }
    fclose(file);
    assert_true(texts > 300);
    wordpiece_close(wordpiece);
}

/* Goal: no more than asked for, with its end. */
static void test_is_cut(void **state)
{
    struct wordpiece *wordpiece = NULL;
    struct err err = { .code = ERR_OK };
    int64_t ids[4] = { 0, 0, 0, 7 };
    (void)state;
    assert_true(wordpiece_open(&wordpiece, VOCABULARY, &err));
    assert_int_equal(wordpiece_ids(wordpiece, BYTES("payment gateway timeout"), ids, 3), 3);
    assert_int_equal(ids[0], 101);
    assert_int_equal(ids[2], 102);
    assert_int_equal(ids[3], 7);
    assert_int_equal(wordpiece_ids(wordpiece, BYTES(""), ids, 2), 2);
    wordpiece_close(wordpiece);
}

/* Goal: a file that is none is told by name. */
static void test_bad_vocabularies(void **state)
{
    static const char *const texts[] = { "",
                                         "{",
                                         "[]",
                                         "{\"model\":{\"type\":\"BPE\",\"vocab\":{}}}",
                                         "{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"a\":1}}}",
                                         "{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"\":1}}}" };
    struct wordpiece *wordpiece = NULL;
    struct err err = { .code = ERR_OK };
    (void)state;
    assert_false(wordpiece_open(&wordpiece, "/nowhere/tokenizer.json", &err));
    assert_non_null(strstr(err.text, "/nowhere/tokenizer.json"));
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        char path[] = "wordpiece_test_XXXXXX";
        int fd = mkstemp(path);
        assert_true(fd != -1);
        assert_int_equal(write(fd, texts[i], strlen(texts[i])), strlen(texts[i]));
        close(fd);
        assert_false(wordpiece_open(&wordpiece, path, &err));
        assert_null(wordpiece);
        assert_non_null(strstr(err.text, path));
        unlink(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_the_reference),
        cmocka_unit_test(test_is_cut),
        cmocka_unit_test(test_bad_vocabularies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
