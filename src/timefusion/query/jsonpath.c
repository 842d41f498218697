#include "timefusion/query/jsonpath.h"
#include "timefusion/query/jsonpath_tree.h"
#include <math.h>
#include <stdlib.h>

/* What is true, false, or not known: a predicate over what does not fit it is not known, and no error. */
enum truth { TRUTH_NO, TRUTH_YES, TRUTH_UNKNOWN };

struct run {
    const struct jsonpath *path;
    yyjson_val *root, *vars;
    struct arena *arena;
    struct err *err;
    uint32_t steps, depth;
    int64_t last; /* of the array whose index is reckoned */
};
#define RUN_DEPTH_MAX 200

static bool run_add(struct run *run, struct jsonpath_items *items, struct jsonpath_item item)
{
    if (++run->steps > JSONPATH_STEPS_MAX)
        return err_set(run->err, ERR_TOO_LARGE, "the jsonpath takes more than %d steps", JSONPATH_STEPS_MAX);
    if (items->count == items->cap) {
        size_t cap = items->cap ? items->cap * 2 : 8;
        struct jsonpath_item *at = arena_alloc(run->arena, cap * sizeof *at);
        if (items->count > 0) memcpy(at, items->at, items->count * sizeof *at);
        items->at = at;
        items->cap = cap;
    }
    items->at[items->count++] = item;
    return true;
}

/* A value of the document as an item that says what it is. */
static struct jsonpath_item item_of(yyjson_val *json)
{
    struct jsonpath_item item = { .kind = JSONPATH_JSON, .json = json };
    if (yyjson_is_raw(json)) {
        char digits[64] = { 0 };
        size_t len = yyjson_get_len(json);
        memcpy(digits, yyjson_get_raw(json), len < sizeof digits ? len : sizeof digits - 1);
        item.kind = JSONPATH_NUMBER;
        item.number = strtod(digits, NULL);
    } else if (yyjson_is_num(json)) {
        item.kind = JSONPATH_NUMBER;
        item.number = yyjson_get_num(json);
    } else if (yyjson_is_str(json)) {
        item.kind = JSONPATH_TEXT;
        item.text = bytes_from(yyjson_get_str(json), yyjson_get_len(json));
    } else if (yyjson_is_bool(json)) {
        item.kind = JSONPATH_TRUTH;
        item.truth = yyjson_get_bool(json);
    } else if (yyjson_is_null(json)) {
        item.kind = JSONPATH_NULL;
    }
    return item;
}

static bool item_is_array(const struct jsonpath_item *item)
{
    return item->kind == JSONPATH_JSON && yyjson_is_arr(item->json);
}

static bool run_path(struct run *run, const struct node *node, const struct jsonpath_item *current,
                     struct jsonpath_items *out);
static bool run_truth(struct run *run, const struct node *node, const struct jsonpath_item *current, enum truth *truth);

/* Array elements in place of arrays, one level: what lax does before members, filters and comparisons. */
static bool unwrap(struct run *run, const struct jsonpath_items *in, struct jsonpath_items *out)
{
    for (size_t i = 0; i < in->count; i++) {
        if (!item_is_array(&in->at[i])) {
            if (!run_add(run, out, in->at[i])) return false;
            continue;
        }
        yyjson_arr_iter iter = yyjson_arr_iter_with(in->at[i].json);
        for (yyjson_val *value; (value = yyjson_arr_iter_next(&iter));)
            if (!run_add(run, out, item_of(value))) return false;
    }
    return true;
}

static int order_of(double a, double b)
{
    return a < b ? -1 : a > b ? 1 : 0;
}

static enum truth compare(enum node_kind op, const struct jsonpath_item *a, const struct jsonpath_item *b)
{
    int order;
    if (a->kind != b->kind) {
        /* null differs from all else; all other pairs of kinds do not compare */
        if (a->kind != JSONPATH_NULL && b->kind != JSONPATH_NULL) return TRUTH_UNKNOWN;
        return op == NODE_NOT_EQUAL ? TRUTH_YES : TRUTH_NO;
    }
    switch (a->kind) {
    case JSONPATH_NUMBER: order = order_of(a->number, b->number); break;
    case JSONPATH_TEXT: order = bytes_compare(a->text, b->text); break;
    case JSONPATH_TRUTH: order = (int)a->truth - (int)b->truth; break;
    case JSONPATH_NULL: order = 0; break;
    default: return TRUTH_UNKNOWN;
    }
    bool is = op == NODE_EQUAL        ? order == 0
              : op == NODE_NOT_EQUAL  ? order != 0
              : op == NODE_LESS       ? order < 0
              : op == NODE_LESS_EQUAL ? order <= 0
              : op == NODE_GREATER    ? order > 0
                                      : order >= 0;
    return is ? TRUTH_YES : TRUTH_NO;
}

/* A side of a predicate. What cannot be reckoned makes the predicate unknown: *failed. */
static bool side(struct run *run, const struct node *node, const struct jsonpath_item *current,
                 struct jsonpath_items *out, bool *failed)
{
    struct jsonpath_items found = { 0 };
    *failed = false;
    if (!run_path(run, node, current, &found)) {
        if (run->err->code != ERR_VALUE) return false;
        *run->err = (struct err){ .code = ERR_OK };
        *failed = true;
        return true;
    }
    if (run->path->is_strict) {
        *out = found;
        return true;
    }
    return unwrap(run, &found, out);
}

static bool run_compare(struct run *run, const struct node *node, const struct jsonpath_item *current,
                        enum truth *truth)
{
    struct jsonpath_items left = { 0 }, right = { 0 };
    bool left_failed, right_failed = false;
    if (!side(run, node->left, current, &left, &left_failed)) return false;
    if (node->right && !side(run, node->right, current, &right, &right_failed)) return false;
    *truth = TRUTH_UNKNOWN;
    if (left_failed || right_failed) return true;
    bool any = false, any_unknown = false;
    struct jsonpath_item none = { .kind = JSONPATH_NULL };
    size_t right_count = node->right ? right.count : 1;
    for (size_t i = 0; i < left.count; i++) {
        for (size_t j = 0; j < right_count; j++) {
            const struct jsonpath_item *a = &left.at[i], *b = node->right ? &right.at[j] : &none;
            enum truth one = TRUTH_UNKNOWN;
            if (++run->steps > JSONPATH_STEPS_MAX)
                return err_set(run->err, ERR_TOO_LARGE, "the jsonpath takes more than %d steps", JSONPATH_STEPS_MAX);
            if (node->kind == NODE_LIKE_REGEX) {
                if (a->kind == JSONPATH_TEXT) one = regex_holds(node->regex, a->text) ? TRUTH_YES : TRUTH_NO;
            } else if (node->kind == NODE_STARTS_WITH) {
                if (a->kind == JSONPATH_TEXT && b->kind == JSONPATH_TEXT)
                    one = a->text.len >= b->text.len && memcmp(a->text.ptr, b->text.ptr, b->text.len) == 0 ? TRUTH_YES
                                                                                                           : TRUTH_NO;
            } else {
                one = compare(node->kind, a, b);
            }
            any = any || one == TRUTH_YES;
            any_unknown = any_unknown || one == TRUTH_UNKNOWN;
        }
    }
    /* lax stops at the first match; strict looks at all */
    *truth = any && !(run->path->is_strict && any_unknown) ? TRUTH_YES : any_unknown ? TRUTH_UNKNOWN : TRUTH_NO;
    return true;
}

static bool truth_of(struct run *run, const struct node *node, const struct jsonpath_item *current, enum truth *truth)
{
    enum truth left, right;
    switch (node->kind) {
    case NODE_AND:
    case NODE_OR: {
        enum truth decisive = node->kind == NODE_OR ? TRUTH_YES : TRUTH_NO;
        if (!run_truth(run, node->left, current, &left) || !run_truth(run, node->right, current, &right)) return false;
        *truth = left == decisive || right == decisive             ? decisive
                 : left == TRUTH_UNKNOWN || right == TRUTH_UNKNOWN ? TRUTH_UNKNOWN
                 : decisive == TRUTH_YES                           ? TRUTH_NO
                                                                   : TRUTH_YES;
        return true;
    }
    case NODE_NOT:
        if (!run_truth(run, node->left, current, &left)) return false;
        *truth = left == TRUTH_UNKNOWN ? TRUTH_UNKNOWN : left == TRUTH_YES ? TRUTH_NO : TRUTH_YES;
        return true;
    case NODE_IS_UNKNOWN:
        if (!run_truth(run, node->left, current, &left)) return false;
        *truth = left == TRUTH_UNKNOWN ? TRUTH_YES : TRUTH_NO;
        return true;
    case NODE_EXISTS: {
        struct jsonpath_items found = { 0 };
        bool failed;
        if (!run_path(run, node->left, current, &found)) {
            failed = run->err->code == ERR_VALUE;
            if (!failed) return false;
            *run->err = (struct err){ .code = ERR_OK };
            *truth = TRUTH_UNKNOWN;
            return true;
        }
        *truth = found.count > 0 ? TRUTH_YES : TRUTH_NO;
        return true;
    }
    default: return run_compare(run, node, current, truth);
    }
}

static bool run_truth(struct run *run, const struct node *node, const struct jsonpath_item *current, enum truth *truth)
{
    if (++run->depth > RUN_DEPTH_MAX) return err_set(run->err, ERR_TOO_LARGE, "the jsonpath is nested too deeply");
    bool ok = truth_of(run, node, current, truth);
    run->depth--;
    return ok;
}

static bool one_number(struct run *run, const struct node *node, const struct jsonpath_item *current, double *number)
{
    struct jsonpath_items found = { 0 }, flat = { 0 };
    if (!run_path(run, node, current, &found) || !unwrap(run, &found, &flat)) return false;
    if (flat.count != 1 || flat.at[0].kind != JSONPATH_NUMBER)
        return err_set(run->err, ERR_VALUE, "an operand of a jsonpath operator is not a single number");
    *number = flat.at[0].number;
    return true;
}

static bool run_arithmetic(struct run *run, const struct node *node, const struct jsonpath_item *current,
                           struct jsonpath_items *out)
{
    double left = 0, right;
    if (node->left && !one_number(run, node->left, current, &left)) return false;
    if (!one_number(run, node->right, current, &right)) return false;
    if ((node->kind == NODE_DIVIDE || node->kind == NODE_MODULO) && !(right < 0) && !(right > 0))
        return err_set(run->err, ERR_VALUE, "division by zero in a jsonpath");
    double value = node->kind == NODE_ADD        ? left + right
                   : node->kind == NODE_SUBTRACT ? left - right
                   : node->kind == NODE_MULTIPLY ? left * right
                   : node->kind == NODE_DIVIDE   ? left / right
                                                 : fmod(left, right);
    return run_add(run, out, (struct jsonpath_item){ .kind = JSONPATH_NUMBER, .number = value });
}

static bool run_method(struct run *run, const struct node *node, const struct jsonpath_items *base,
                       struct jsonpath_items *out)
{
    static const char *const names[] = { "object", "number", "string", "boolean", "null" };
    struct jsonpath_items flat = { 0 };
    bool takes_arrays = node->method == METHOD_TYPE || node->method == METHOD_SIZE;
    if (!takes_arrays && !run->path->is_strict && !unwrap(run, base, &flat)) return false;
    const struct jsonpath_items *in = takes_arrays || run->path->is_strict ? base : &flat;
    for (size_t i = 0; i < in->count; i++) {
        const struct jsonpath_item *item = &in->at[i];
        struct jsonpath_item made = { .kind = JSONPATH_NUMBER };
        switch (node->method) {
        case METHOD_TYPE:
            made.kind = JSONPATH_TEXT;
            made.text = bytes_of_text(item_is_array(item) ? "array" : names[item->kind]);
            break;
        case METHOD_SIZE:
            if (!item_is_array(item) && run->path->is_strict)
                return err_set(run->err, ERR_VALUE, "jsonpath method .size() is for arrays");
            made.number = item_is_array(item) ? (double)yyjson_arr_size(item->json) : 1;
            break;
        case METHOD_DOUBLE:
            if (item->kind == JSONPATH_TEXT && item->text.len > 0 && item->text.len < 64) {
                char text[64] = { 0 }, *end;
                memcpy(text, item->text.ptr, item->text.len);
                made.number = strtod(text, &end);
                if (*end == '\0' && isfinite(made.number)) break;
            }
            made.number = item->number;
            if (item->kind == JSONPATH_NUMBER) break;
            return err_set(run->err, ERR_VALUE, "jsonpath method .double() is for numbers and texts of numbers");
        default:
            if (item->kind != JSONPATH_NUMBER)
                return err_set(run->err, ERR_VALUE, "jsonpath methods of numbers are for numbers");
            made.number = node->method == METHOD_CEILING ? ceil(item->number)
                          : node->method == METHOD_FLOOR ? floor(item->number)
                                                         : fabs(item->number);
        }
        if (!run_add(run, out, made)) return false;
    }
    return true;
}

/* .** : the value and all below it, of the levels asked for. */
static bool run_levels(struct run *run, yyjson_val *value, uint32_t level, const struct node *node,
                       struct jsonpath_items *out)
{
    if (level > RUN_DEPTH_MAX) return err_set(run->err, ERR_TOO_LARGE, "the document is nested too deeply");
    if (level >= node->from_level && level <= node->to_level && !run_add(run, out, item_of(value))) return false;
    if (level >= node->to_level) return true;
    if (yyjson_is_obj(value)) {
        yyjson_obj_iter iter = yyjson_obj_iter_with(value);
        for (yyjson_val *key; (key = yyjson_obj_iter_next(&iter));)
            if (!run_levels(run, yyjson_obj_iter_get_val(key), level + 1, node, out)) return false;
    } else if (yyjson_is_arr(value)) {
        yyjson_arr_iter iter = yyjson_arr_iter_with(value);
        for (yyjson_val *item; (item = yyjson_arr_iter_next(&iter));)
            if (!run_levels(run, item, level + 1, node, out)) return false;
    }
    return true;
}

static bool run_members(struct run *run, const struct node *node, const struct jsonpath_items *base,
                        struct jsonpath_items *out)
{
    struct jsonpath_items flat = { 0 };
    if (!run->path->is_strict && !unwrap(run, base, &flat)) return false;
    const struct jsonpath_items *in = run->path->is_strict ? base : &flat;
    for (size_t i = 0; i < in->count; i++) {
        yyjson_val *json = in->at[i].kind == JSONPATH_JSON ? in->at[i].json : NULL;
        if (!yyjson_is_obj(json)) {
            if (run->path->is_strict) return err_set(run->err, ERR_VALUE, "a jsonpath member is asked of no object");
            continue;
        }
        if (node->kind == NODE_ANY_MEMBER) {
            yyjson_obj_iter iter = yyjson_obj_iter_with(json);
            for (yyjson_val *key; (key = yyjson_obj_iter_next(&iter));)
                if (!run_add(run, out, item_of(yyjson_obj_iter_get_val(key)))) return false;
            continue;
        }
        yyjson_val *member = yyjson_obj_getn(json, (const char *)node->text.ptr, node->text.len);
        if (member) {
            if (!run_add(run, out, item_of(member))) return false;
        } else if (run->path->is_strict) {
            return err_set(run->err, ERR_VALUE, "JSON object does not contain key \"%.*s\"",
                           (int)(node->text.len < 60 ? node->text.len : 60), (const char *)node->text.ptr);
        }
    }
    return true;
}

static bool run_indices(struct run *run, const struct node *node, const struct jsonpath_item *current,
                        const struct jsonpath_items *base, struct jsonpath_items *out)
{
    for (size_t i = 0; i < base->count; i++) {
        const struct jsonpath_item *item = &base->at[i];
        bool is_array = item_is_array(item);
        if (!is_array && run->path->is_strict)
            return err_set(run->err, ERR_VALUE, "a jsonpath index is asked of no array");
        int64_t count = is_array ? (int64_t)yyjson_arr_size(item->json) : 1, last = run->last;
        if (node->kind == NODE_ANY_INDEX) {
            struct jsonpath_items one = { .at = &base->at[i], .count = 1, .cap = 1 };
            if (!unwrap(run, &one, out)) return false;
            continue;
        }
        for (const struct node *range = node->right; range; range = range->next) {
            double from, to;
            run->last = count - 1;
            bool ok = one_number(run, range->left, current, &from);
            to = from;
            if (ok && range->right) ok = one_number(run, range->right, current, &to);
            run->last = last;
            if (!ok) return false;
            if (!(from > -1e9 && from < 1e9 && to > -1e9 && to < 1e9))
                return err_set(run->err, ERR_VALUE, "a jsonpath index is out of the integers' range");
            int64_t low = (int64_t)from, high = (int64_t)to;
            if (run->path->is_strict && (low < 0 || low > high || high >= count))
                return err_set(run->err, ERR_VALUE, "a jsonpath index is out of bounds");
            if (low < 0) low = 0;
            if (high >= count) high = count - 1;
            for (int64_t at = low; at <= high; at++)
                if (!run_add(run, out, is_array ? item_of(yyjson_arr_get(item->json, (size_t)at)) : *item))
                    return false;
        }
    }
    return true;
}

static bool run_filter(struct run *run, const struct node *node, const struct jsonpath_items *base,
                       struct jsonpath_items *out)
{
    struct jsonpath_items flat = { 0 };
    if (!run->path->is_strict && !unwrap(run, base, &flat)) return false;
    const struct jsonpath_items *in = run->path->is_strict ? base : &flat;
    for (size_t i = 0; i < in->count; i++) {
        enum truth truth;
        if (!run_truth(run, node->right, &in->at[i], &truth)) return false;
        if (truth == TRUTH_YES && !run_add(run, out, in->at[i])) return false;
    }
    return true;
}

static bool path_of(struct run *run, const struct node *node, const struct jsonpath_item *current,
                    struct jsonpath_items *out)
{
    struct jsonpath_items base = { 0 };
    struct jsonpath_item item = { .kind = JSONPATH_NULL };
    enum truth truth;
    switch (node->kind) {
    case NODE_ROOT: return run_add(run, out, item_of(run->root));
    case NODE_CURRENT: return run_add(run, out, *current);
    case NODE_VARIABLE: {
        yyjson_val *value = yyjson_obj_getn(run->vars, (const char *)node->text.ptr, node->text.len);
        if (!value)
            return err_set(run->err, ERR_INPUT, "could not find jsonpath variable \"%.*s\"",
                           (int)(node->text.len < 60 ? node->text.len : 60), (const char *)node->text.ptr);
        return run_add(run, out, item_of(value));
    }
    case NODE_LAST:
        return run_add(run, out, (struct jsonpath_item){ .kind = JSONPATH_NUMBER, .number = (double)run->last });
    case NODE_TEXT: return run_add(run, out, (struct jsonpath_item){ .kind = JSONPATH_TEXT, .text = node->text });
    case NODE_NUMBER:
        return run_add(run, out, (struct jsonpath_item){ .kind = JSONPATH_NUMBER, .number = node->number });
    case NODE_TRUE:
    case NODE_FALSE:
        return run_add(run, out, (struct jsonpath_item){ .kind = JSONPATH_TRUTH, .truth = node->kind == NODE_TRUE });
    case NODE_NULL: return run_add(run, out, item);
    case NODE_ADD:
    case NODE_SUBTRACT:
    case NODE_MULTIPLY:
    case NODE_DIVIDE:
    case NODE_MODULO: return run_arithmetic(run, node, current, out);
    case NODE_MEMBER:
    case NODE_ANY_MEMBER: return run_path(run, node->left, current, &base) && run_members(run, node, &base, out);
    case NODE_INDEX:
    case NODE_ANY_INDEX:
        return run_path(run, node->left, current, &base) && run_indices(run, node, current, &base, out);
    case NODE_FILTER: return run_path(run, node->left, current, &base) && run_filter(run, node, &base, out);
    case NODE_METHOD: return run_path(run, node->left, current, &base) && run_method(run, node, &base, out);
    case NODE_LEVELS:
        if (!run_path(run, node->left, current, &base)) return false;
        for (size_t i = 0; i < base.count; i++) {
            if (base.at[i].json ? !run_levels(run, base.at[i].json, 0, node, out)
                                : node->from_level == 0 && !run_add(run, out, base.at[i]))
                return false;
        }
        return true;
    default: /* a predicate as a value */
        if (!run_truth(run, node, current, &truth)) return false;
        if (truth == TRUTH_UNKNOWN) return run_add(run, out, item);
        return run_add(run, out, (struct jsonpath_item){ .kind = JSONPATH_TRUTH, .truth = truth == TRUTH_YES });
    }
}

static bool run_path(struct run *run, const struct node *node, const struct jsonpath_item *current,
                     struct jsonpath_items *out)
{
    if (++run->depth > RUN_DEPTH_MAX) return err_set(run->err, ERR_TOO_LARGE, "the jsonpath is nested too deeply");
    bool ok = path_of(run, node, current, out);
    run->depth--;
    return ok;
}

bool jsonpath_run(const struct jsonpath *path, yyjson_val *document, yyjson_val *vars, struct arena *arena,
                  struct jsonpath_items *items, struct err *err)
{
    struct run run = { .path = path, .root = document, .vars = vars, .arena = arena, .err = err };
    struct jsonpath_item root = item_of(document);
    *items = (struct jsonpath_items){ 0 };
    return run_path(&run, path->top, &root, items);
}
