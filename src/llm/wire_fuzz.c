/* Answers of models' servers in pieces: the first byte says which API and how long the pieces are. Whatever comes ends in an answer
 * or an error with words; in pieces it is the same as at once. */
#include "llm/wire.h"

#include <stdlib.h>

#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool run(enum wire_api api, struct bytes bytes, size_t piece, struct arena *arena, struct llm_answer *answer,
                struct err *err)
{
    struct wire_reader reader;
    wire_reader_init(&reader, api, NULL, NULL);
    for (size_t at = 0; at < bytes.len; at += piece) {
        size_t len = bytes.len - at < piece ? bytes.len - at : piece;
        if (!wire_reader_feed(&reader, bytes_from(bytes.ptr + at, len))) break;
    }
    bool ok = wire_reader_end(&reader, arena, answer, err);
    wire_reader_deinit(&reader);
    return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 2) return 0;
    enum wire_api api = data[0] & 1 ? WIRE_ANTHROPIC : WIRE_OPENAI;
    struct bytes bytes = bytes_from(data + 1, len - 1);
    struct llm_answer one = { 0 }, two = { 0 };
    struct err err = { 0 }, second = { 0 };
    struct arena arena;
    char words[WIRE_WORDS_BYTES];
    arena_init(&arena, 0);
    bool ok = run(api, bytes, bytes.len, &arena, &one, &err);
    if (run(api, bytes, 1 + (data[0] >> 1) % 16, &arena, &two, &second) != ok) abort();
    if (!ok && err.text[0] == '\0') abort();
    if (ok && (!bytes_equal(one.text, two.text) || one.call_count != two.call_count || one.stop != two.stop)) abort();
    if (ok && !utf8_is_valid(one.text)) abort();
    for (uint32_t c = 0; ok && c < one.call_count; c++) {
        yyjson_doc *doc = yyjson_read((const char *)one.calls[c].arguments.ptr, one.calls[c].arguments.len, 0);
        if (!yyjson_is_obj(yyjson_doc_get_root(doc)) || one.calls[c].id.len == 0 || one.calls[c].name.len == 0) abort();
        yyjson_doc_free(doc);
    }
    wire_words(bytes, words);
    arena_deinit(&arena);
    return 0;
}
