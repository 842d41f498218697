#include "errors/wordpiece.h"

#include "base/arena.h"
#include "base/hash.h"
#include "errors/wordpiece_inside.h"
#include <stdio.h>
#include <stdlib.h>
#include <yyjson.h>

#define SLOTS           (1u << 17) /* of four times as many as the vocabulary has words */
#define WORDS_MAX       (SLOTS / 2)
#define PIECE_BYTES_MAX 128
#define WORD_BYTES_MAX  (WORDPIECE_WORD_CHARS_MAX * 4)
#define HANGUL_FIRST    0xAC00u
#define HANGUL_LAST     0xD7A3u
#define BAD_CHARACTER   0xFFFDu

struct entry {
    const char *text;
    uint32_t len, id;
};
struct wordpiece {
    struct arena arena;
    struct entry slots[SLOTS];
    uint32_t unknown, begin, end;
};

/* A word being made, and where its pieces go. */
struct splitter {
    const struct wordpiece *wordpiece;
    int64_t *ids;
    size_t count, ids_max; /* without [SEP] */
    uint8_t word[WORD_BYTES_MAX];
    uint32_t len, chars; /* chars counts on past the limit */
};

static const struct entry *find(const struct wordpiece *wordpiece, const uint8_t *text, size_t len)
{
    uint64_t at = hash64_of(bytes_from(text, len));
    for (;; at++) {
        const struct entry *entry = &wordpiece->slots[at & (SLOTS - 1)];
        if (entry->text == NULL) return NULL;
        if (entry->len == len && memcmp(entry->text, text, len) == 0) return entry;
    }
}

static bool put(struct wordpiece *wordpiece, const char *text, size_t len, uint64_t id, struct err *err)
{
    struct bytes kept = arena_copy(&wordpiece->arena, bytes_from(text, len));
    uint64_t at = hash64_of(kept);
    if (len == 0 || len > PIECE_BYTES_MAX * 4 || id > UINT32_MAX) {
        return err_set(err, ERR_CORRUPT, "vocabulary has a word of %zu bytes with number %llu", len,
                       (unsigned long long)id);
    }
    while (wordpiece->slots[at & (SLOTS - 1)].text != NULL) at++;
    wordpiece->slots[at & (SLOTS - 1)] = (struct entry){ (const char *)kept.ptr, (uint32_t)len, (uint32_t)id };
    return true;
}

static bool special(const struct wordpiece *wordpiece, const char *name, uint32_t *id, struct err *err)
{
    const struct entry *entry = find(wordpiece, (const uint8_t *)name, strlen(name));
    if (entry == NULL) return err_set(err, ERR_CORRUPT, "vocabulary has no \"%s\"", name);
    *id = entry->id;
    return true;
}

static bool vocabulary_read(struct wordpiece *wordpiece, yyjson_doc *doc, struct err *err)
{
    yyjson_val *model = yyjson_obj_get(yyjson_doc_get_root(doc), "model"), *key;
    yyjson_val *vocabulary = yyjson_obj_get(model, "vocab");
    const char *type = yyjson_get_str(yyjson_obj_get(model, "type"));
    if (type == NULL || strcmp(type, "WordPiece") != 0 || !yyjson_is_obj(vocabulary)) {
        return err_set(err, ERR_CORRUPT, "it has no model of type WordPiece");
    }
    if (yyjson_obj_size(vocabulary) > WORDS_MAX) return err_set(err, ERR_CORRUPT, "more than %u words", WORDS_MAX);
    yyjson_obj_iter at = yyjson_obj_iter_with(vocabulary);
    while ((key = yyjson_obj_iter_next(&at)) != NULL) {
        if (!put(wordpiece, yyjson_get_str(key), yyjson_get_len(key), yyjson_get_uint(yyjson_obj_iter_get_val(key)),
                 err))
            return false;
    }
    return special(wordpiece, "[UNK]", &wordpiece->unknown, err) &&
           special(wordpiece, "[CLS]", &wordpiece->begin, err) && special(wordpiece, "[SEP]", &wordpiece->end, err);
}

bool wordpiece_open(struct wordpiece **wordpiece, const char *path, struct err *err)
{
    yyjson_read_err why;
    *wordpiece = NULL;
    yyjson_doc *doc = yyjson_read_file(path, 0, NULL, &why);
    if (doc == NULL) return err_set(err, ERR_IO, "could not read vocabulary \"%s\": %s", path, why.msg);
    struct wordpiece *made = mem_calloc(1, sizeof *made);
    bool is_read = vocabulary_read(made, doc, err);
    yyjson_doc_free(doc);
    if (!is_read) {
        wordpiece_close(made);
        return err_within(err, "vocabulary \"%s\"", path);
    }
    *wordpiece = made;
    return true;
}

void wordpiece_close(struct wordpiece *wordpiece)
{
    if (wordpiece == NULL) return;
    arena_deinit(&wordpiece->arena);
    free(wordpiece);
}

static void id_put(struct splitter *splitter, uint32_t id)
{
    if (splitter->count < splitter->ids_max) splitter->ids[splitter->count++] = id;
}

/* The longest piece that the word begins with, then of what is left with "##" before it; unknown when a rest is none. */
static void word_end(struct splitter *splitter)
{
    uint32_t ids[WORDPIECE_WORD_CHARS_MAX], count = 0, at = 0, len = splitter->len;
    bool is_known = splitter->chars <= WORDPIECE_WORD_CHARS_MAX;
    while (is_known && at < len) {
        uint8_t piece[WORD_BYTES_MAX + 2] = { '#', '#' };
        uint32_t head = at == 0 ? 0 : 2, take = len - at;
        memcpy(piece + head, splitter->word + at, take);
        const struct entry *entry = NULL;
        while (take > 0 && (entry = find(splitter->wordpiece, piece, head + take)) == NULL) {
            do take--; /* a whole character */
            while (take > 0 && (piece[head + take] & 0xC0) == 0x80);
        }
        is_known = entry != NULL;
        if (is_known) ids[count++] = entry->id;
        at += take;
    }
    if (!is_known) id_put(splitter, splitter->wordpiece->unknown);
    for (uint32_t i = 0; is_known && i < count; i++) id_put(splitter, ids[i]);
    splitter->len = splitter->chars = 0;
}

static void char_put(struct splitter *splitter, uint32_t c)
{
    if (++splitter->chars > WORDPIECE_WORD_CHARS_MAX) return;
    uint8_t *out = splitter->word + splitter->len;
    if (c < 0x80) {
        out[0] = (uint8_t)c;
        splitter->len += 1;
    } else if (c < 0x800) {
        out[0] = (uint8_t)(0xC0 | c >> 6), out[1] = (uint8_t)(0x80 | (c & 0x3F));
        splitter->len += 2;
    } else if (c < 0x10000) {
        out[0] = (uint8_t)(0xE0 | c >> 12), out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3F)),
        out[2] = (uint8_t)(0x80 | (c & 0x3F));
        splitter->len += 3;
    } else {
        out[0] = (uint8_t)(0xF0 | c >> 18), out[1] = (uint8_t)(0x80 | (c >> 12 & 0x3F));
        out[2] = (uint8_t)(0x80 | (c >> 6 & 0x3F)), out[3] = (uint8_t)(0x80 | (c & 0x3F));
        splitter->len += 4;
    }
}

/* One character of UTF-8; a byte that begins none is one bad character. */
static uint32_t char_next(const uint8_t **at, const uint8_t *end)
{
    const uint8_t *p = *at;
    size_t len = p[0] < 0x80                   ? 1
                 : p[0] >= 0xC2 && p[0] < 0xE0 ? 2
                 : (p[0] & 0xF0) == 0xE0       ? 3
                 : p[0] >= 0xF0 && p[0] < 0xF5 ? 4
                                               : 0;
    uint32_t c = len == 1 ? p[0] : len == 2 ? p[0] & 0x1F : len == 3 ? p[0] & 0x0F : p[0] & 0x07;
    bool is_good = len > 0 && (size_t)(end - p) >= len;
    for (size_t i = 1; is_good && i < len; i++) {
        is_good = (p[i] & 0xC0) == 0x80;
        c = c << 6 | (p[i] & 0x3F);
    }
    is_good =
        is_good && (len < 3 || c >= (len == 3 ? 0x800u : 0x10000u)) && (c < 0xD800 || c > 0xDFFF) && c <= 0x10FFFF;
    *at += is_good ? len : 1;
    return is_good ? c : BAD_CHARACTER;
}

static enum wordpiece_class class_of(uint32_t c)
{
    if (c < 128) {
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r') return WORDPIECE_SPACE;
        if (c < ' ' || c == 127) return WORDPIECE_GONE;
        bool is_word = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        return is_word ? WORDPIECE_LETTER : WORDPIECE_ALONE;
    }
    if (c == BAD_CHARACTER) return WORDPIECE_GONE;
    size_t low = 0, high = wordpiece_range_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (wordpiece_ranges[middle].to < c)
            low = middle + 1;
        else
            high = middle;
    }
    bool is_in = low < wordpiece_range_count && wordpiece_ranges[low].from <= c;
    return is_in ? wordpiece_ranges[low].class : WORDPIECE_LETTER;
}

/* Small and without accents. */
static void char_plain_put(struct splitter *splitter, uint32_t c)
{
    if (c < 128) {
        char_put(splitter, c >= 'A' && c <= 'Z' ? c + 32 : c);
        return;
    }
    if (c >= HANGUL_FIRST && c <= HANGUL_LAST) { /* Unicode 3.12: a syllable is two or three letters */
        uint32_t index = c - HANGUL_FIRST;
        char_put(splitter, 0x1100 + index / 588);
        char_put(splitter, 0x1161 + index % 588 / 28);
        if (index % 28 != 0) char_put(splitter, 0x11A7 + index % 28);
        return;
    }
    size_t low = 0, high = wordpiece_map_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (wordpiece_maps[middle].from < c)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == wordpiece_map_count || wordpiece_maps[low].from != c) {
        char_put(splitter, c);
        return;
    }
    for (size_t i = 0; i < 3 && wordpiece_maps[low].to[i] != 0; i++) char_put(splitter, wordpiece_maps[low].to[i]);
}

size_t wordpiece_ids(const struct wordpiece *wordpiece, struct bytes text, int64_t *ids, size_t ids_max)
{
    assert(ids_max >= 2 && ids_max <= WORDPIECE_IDS_MAX);
    struct splitter splitter = { .wordpiece = wordpiece, .ids = ids, .ids_max = ids_max - 1 };
    id_put(&splitter, wordpiece->begin);
    const uint8_t *at = text.ptr, *end = text.ptr + text.len;
    while (at < end && splitter.count < splitter.ids_max) {
        uint32_t c = char_next(&at, end);
        switch (class_of(c)) {
        case WORDPIECE_GONE: break;
        case WORDPIECE_SPACE:
            if (splitter.chars > 0) word_end(&splitter);
            break;
        case WORDPIECE_ALONE:
            if (splitter.chars > 0) word_end(&splitter);
            char_plain_put(&splitter, c);
            word_end(&splitter);
            break;
        case WORDPIECE_LETTER: char_plain_put(&splitter, c); break;
        }
    }
    if (splitter.chars > 0) word_end(&splitter);
    ids[splitter.count] = wordpiece->end;
    return splitter.count + 1;
}
