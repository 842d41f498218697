/* rows_rename.h -- attribute names that the semantic conventions have given up, and what they are called now.
 *
 *   key text --rename_of--> NULL: current | struct rename: from, to, what becomes of the value
 *
 * Source: OpenTelemetry semantic conventions 1.44.0: the renames of all versions in its schema file, the `deprecated`
 * notes of its registry, and the migration guides (docs/non-normative) for values. Names that are only discouraged,
 * without a successor, stay as they are; so do names that mean something else outside of one metric ("state",
 * "pool.name"). tests/story_old_names.py walks the notes of the Python package and fails when one is missing here.
 * Thread: any (constant), but for rename_of's answers in an arena: its owner's. */
#pragma once
#include "base/arena.h"

/* What becomes of an attribute with an old name. */
enum rename_how {
    RENAME_PLAIN,    /* the value goes under the new name */
    RENAME_TEXT,     /* the same; an integer becomes its digits */
    RENAME_VALUE,    /* the name is current, but some of its values have new words */
    RENAME_PEER,     /* second (client.*, or the local side) on server and consumer spans */
    RENAME_TARGET,   /* "/path?query": the query goes under second */
    RENAME_HOST,     /* "host:port": the port goes under second */
    RENAME_FAMILY,   /* "inet6" becomes "ipv6"; "unix" is a transport: second */
    RENAME_FLAVOR,   /* "2.0" becomes "2"; "QUIC" is a protocol's name: second */
    RENAME_FUNCTION, /* the value of second (code.namespace) is put before it, with a point */
    RENAME_SERVICE,  /* put before the value of to (rpc.method), with a slash */
    RENAME_STATUS,   /* a gRPC status becomes its word: 14 "UNAVAILABLE" */
    RENAME_CONSUMER, /* on consumer spans only */
};
struct rename_value { /* a list of them ends with from NULL */
    const char *from, *to;
};
struct rename {
    const char *from, *to, *second;
    enum rename_how how;
    bool is_spans_only; /* in otel_metrics the old name has a column and stays */
    const struct rename_value *values;
};

/* NULL: the name is current. Of keys in a family ("k8s.pod.labels.app") the answer is made in the arena. */
const struct rename *rename_of(struct arena *arena, struct bytes key);
/* The current word of a value, or the same bytes. */
struct bytes rename_value(const struct rename *rename, struct bytes text);
