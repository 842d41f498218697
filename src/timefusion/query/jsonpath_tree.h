/* jsonpath_tree.h -- a jsonpath as its parser leaves it, for jsonpath.c alone. A step's left is what it is a step from. */
#pragma once
#include "regex/regex.h"
#include "timefusion/query/jsonpath.h"

enum node_kind {
    NODE_ROOT, /* $ */
    NODE_CURRENT,
    NODE_VARIABLE,
    NODE_LAST,
    NODE_TEXT,
    NODE_NUMBER,
    NODE_TRUE,
    NODE_FALSE,
    NODE_NULL,
    NODE_MEMBER,
    NODE_ANY_MEMBER,
    NODE_LEVELS, /* .** */
    NODE_INDEX,  /* right: the ranges, joined by next; a range's left and right are its ends */
    NODE_ANY_INDEX,
    NODE_RANGE,
    NODE_FILTER, /* right: the predicate */
    NODE_METHOD,
    NODE_ADD, /* without left: a sign */
    NODE_SUBTRACT,
    NODE_MULTIPLY,
    NODE_DIVIDE,
    NODE_MODULO,
    NODE_EQUAL,
    NODE_NOT_EQUAL,
    NODE_LESS,
    NODE_LESS_EQUAL,
    NODE_GREATER,
    NODE_GREATER_EQUAL,
    NODE_STARTS_WITH,
    NODE_LIKE_REGEX,
    NODE_AND,
    NODE_OR,
    NODE_NOT,
    NODE_EXISTS,
    NODE_IS_UNKNOWN,
};
enum method { METHOD_TYPE, METHOD_SIZE, METHOD_DOUBLE, METHOD_CEILING, METHOD_FLOOR, METHOD_ABS };

struct node {
    enum node_kind kind;
    enum method method;
    struct node *left, *right, *next;
    struct bytes text; /* of a member, variable or text */
    double number;
    uint32_t from_level, to_level;
    struct regex *regex;
};
struct jsonpath {
    bool is_strict;
    struct node *top;
    struct node *regexes; /* joined by next: what jsonpath_free frees */
};

static inline bool node_is_predicate(const struct node *node)
{
    return node->kind >= NODE_EQUAL;
}
