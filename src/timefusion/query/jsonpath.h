/* jsonpath.h -- PostgreSQL's jsonpath ("$.items[*] ? (@.price > 10).name") over a JSON value.
 *
 *   text --jsonpath_parse--> path --jsonpath_run--> items: values of the document, or made ones (numbers, texts, truths)
 *
 * lax and strict; .key ."key" .* .**{n to m} [*] [n] [n to last]; ? (...) with == != < <= > >= && || ! exists() starts with
 * like_regex "..." flag "i", is unknown; + - * / %; type() size() double() ceiling() floor() abs(); $name of vars. Numbers are
 * reckoned as doubles. There is no datetime() and no keyvalue().
 * Thread: any. Memory: the arena's, bounded by JSONPATH_STEPS_MAX; a path with like_regex holds a compiled pattern until
 * jsonpath_free. Errors: ERR_SYNTAX the path is none; ERR_VALUE it does not fit the document (strict, or 1 + "a"). */
#pragma once
#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"
#include <yyjson.h>

#define JSONPATH_BYTES_MAX 4096
#define JSONPATH_STEPS_MAX 1000000

struct jsonpath;
struct jsonpath_item {
    enum { JSONPATH_JSON, JSONPATH_NUMBER, JSONPATH_TEXT, JSONPATH_TRUTH, JSONPATH_NULL } kind;
    yyjson_val *json; /* of the document: of a number the digits may be raw */
    double number;
    struct bytes text;
    bool truth;
};
struct jsonpath_items {
    struct jsonpath_item *at;
    size_t count, cap;
};

/* The path lives in the arena, and borrows nothing. */
MUST_CHECK bool jsonpath_parse(struct jsonpath **path, struct bytes text, struct arena *arena, struct err *err);
void jsonpath_free(struct jsonpath *path); /* NULL is fine */
/* vars: an object for $name, or NULL. */
MUST_CHECK bool jsonpath_run(const struct jsonpath *path, yyjson_val *document, yyjson_val *vars, struct arena *arena,
                             struct jsonpath_items *items, struct err *err);
