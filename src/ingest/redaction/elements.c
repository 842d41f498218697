/* elements.c -- rules about elements of a page: what a matching element and all below it hold is taken out of a recording.
 *
 *   snapshot  data.node: a tree --selectors--> nodes under a rule, noted by their numbers
 *   change    adds: nodes with a parent's number; texts, attributes, inputs: a number each --elements_rule-->
 *
 * Taken out: texts, what was typed, and the attributes that show or tell something. What a player needs of an element stays. While
 * nothing is known of a recording's nodes (element_memory.h) all that changes is taken out: by the first rule.
 * Source of the shapes: @rrweb/types 2, eventWithTime, mutationData, inputData; rrweb-snapshot, serializedNode. */
#include "base/json_object.h"
#include "ingest/redaction/replay_walk.h"
#include "replay/replay_mask.h"

enum { FULL_SNAPSHOT = 2, INCREMENTAL = 3, SOURCE_MUTATION = 0, SOURCE_INPUT = 5 };
enum { NODE_ELEMENT = 2, NODE_TEXT = 3, NODE_CDATA = 4, NODE_COMMENT = 5 };

static const uint32_t NUMBER_NONE = UINT32_MAX;

/* Numbers are read as they are written. */
static uint32_t number_of(yyjson_val *object, const char *name)
{
    yyjson_val *value = yyjson_obj_get(object, name);
    const char *digits = yyjson_get_raw(value);
    uint64_t number = 0;
    if (!yyjson_is_raw(value) || yyjson_get_len(value) > 9) return NUMBER_NONE;
    for (size_t i = 0; i < yyjson_get_len(value); i++) {
        if (digits[i] < '0' || digits[i] > '9') return NUMBER_NONE;
        number = number * 10 + (uint64_t)(digits[i] - '0');
    }
    return (uint32_t)number;
}

/* ---- what goes ---- */

static bool is_blank(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] != ' ' && text.ptr[i] != '\n' && text.ptr[i] != '\t' && text.ptr[i] != '\r') return false;
    return true;
}

static bool text_take(struct replay_walk *walk, yyjson_val *object, const char *name, int8_t rule)
{
    yyjson_val *value = yyjson_obj_get(object, name);
    return !yyjson_is_str(value) || is_blank(json_text(value)) || replay_value_replace(walk, value, rule);
}

static bool attributes_take(struct replay_walk *walk, yyjson_val *attributes, int8_t rule)
{
    size_t index, count;
    yyjson_val *key, *value;
    if (!yyjson_is_obj(attributes)) return true;
    yyjson_obj_foreach(attributes, index, count, key, value)
    {
        if (yyjson_is_str(value) && yyjson_get_len(value) > 0 && replay_attribute_tells(json_text(key)) &&
            !replay_value_replace(walk, value, rule))
            return false;
    }
    return true;
}

/* ---- which ---- */

static int8_t rule_matching(const struct redaction *redaction, yyjson_val *node)
{
    yyjson_val *attributes = yyjson_obj_get(node, "attributes");
    struct bytes tag = json_text(yyjson_obj_get(node, "tagName"));
    for (uint32_t s = 0; s < redaction->selector_count; s++)
        if (selector_matches(redaction->selectors[s], tag, attributes)) return redaction->selector_rules[s];
    return NO_RULE;
}

/* Of a node that is named by its number alone. */
static int8_t rule_of(const struct replay_walk *walk, struct elements *elements, uint32_t id)
{
    int32_t rule = elements_rule(elements, id);
    if (rule >= 0) return (int8_t)rule;
    if (elements->is_known) return NO_RULE;
    elements->is_blind = true;
    return walk->redaction->selector_rules[0];
}

static bool node_walk(struct replay_walk *walk, struct elements *elements, yyjson_val *node, int8_t rule)
{
    uint32_t type = number_of(node, "type"), id = number_of(node, "id");
    size_t index, count;
    yyjson_val *child;
    if (walk->levels == REPLAY_LEVELS_MAX) return replay_too_deep(walk);
    if (rule == NO_RULE) rule = (int8_t)elements_rule(elements, id); /* moved from where it was noted */
    if (rule == NO_RULE && type == NODE_ELEMENT) rule = rule_matching(walk->redaction, node);
    if (rule != NO_RULE) {
        if (id != NUMBER_NONE) elements_add(elements, id, rule);
        if (type >= NODE_TEXT && type <= NODE_COMMENT && !text_take(walk, node, "textContent", rule)) return false;
        if (!attributes_take(walk, yyjson_obj_get(node, "attributes"), rule)) return false;
    }
    bool ok = true;
    walk->levels++;
    yyjson_arr_foreach(yyjson_obj_get(node, "childNodes"), index, count, child)
    {
        ok = ok && node_walk(walk, elements, child, rule);
    }
    walk->levels--;
    return ok;
}

/* ---- changes ---- */

/* A node may stand before its parent: those are looked at again once the parents are noted. */
static bool adds_walk(struct replay_walk *walk, struct elements *elements, yyjson_val *adds)
{
    size_t index, count;
    yyjson_val *add;
    for (uint32_t known = UINT32_MAX; known != elements->count;) {
        bool is_first = known == UINT32_MAX;
        known = elements->count;
        yyjson_arr_foreach(adds, index, count, add)
        {
            yyjson_val *node = yyjson_obj_get(add, "node");
            if (!is_first && elements_rule(elements, number_of(node, "id")) >= 0) continue;
            if (!node_walk(walk, elements, node, rule_of(walk, elements, number_of(add, "parentId")))) return false;
        }
    }
    return true;
}

/* An element that becomes one of those by a change: what is below it is not known by its number. */
static void attributes_note(struct replay_walk *walk, struct elements *elements, uint32_t id, yyjson_val *attributes)
{
    for (uint32_t s = 0; s < walk->redaction->selector_count; s++) {
        if (!selector_may_match(walk->redaction->selectors[s], attributes)) continue;
        if (id != NUMBER_NONE) elements_add(elements, id, walk->redaction->selector_rules[s]);
        elements->is_known = false;
        elements->is_blind = true;
        return;
    }
}

static bool mutation_walk(struct replay_walk *walk, struct elements *elements, yyjson_val *data)
{
    size_t index, count;
    yyjson_val *one;
    if (!adds_walk(walk, elements, yyjson_obj_get(data, "adds"))) return false;
    yyjson_arr_foreach(yyjson_obj_get(data, "attributes"), index, count, one)
    {
        uint32_t id = number_of(one, "id");
        yyjson_val *attributes = yyjson_obj_get(one, "attributes");
        if (elements_rule(elements, id) < 0) attributes_note(walk, elements, id, attributes);
        int8_t rule = rule_of(walk, elements, id);
        if (rule != NO_RULE && !attributes_take(walk, attributes, rule)) return false;
    }
    yyjson_arr_foreach(yyjson_obj_get(data, "texts"), index, count, one)
    {
        int8_t rule = rule_of(walk, elements, number_of(one, "id"));
        if (rule != NO_RULE && !text_take(walk, one, "value", rule)) return false;
    }
    return true;
}

static bool event_walk(struct replay_walk *walk, struct elements *elements, yyjson_val *event)
{
    yyjson_val *data = yyjson_obj_get(event, "data");
    uint32_t type = number_of(event, "type"), source = number_of(data, "source");
    if (type == FULL_SNAPSHOT) {
        elements_begin(elements);
        return node_walk(walk, elements, yyjson_obj_get(data, "node"), NO_RULE);
    }
    if (type != INCREMENTAL) return true;
    if (source == SOURCE_MUTATION) return mutation_walk(walk, elements, data);
    if (source != SOURCE_INPUT) return true;
    int8_t rule = rule_of(walk, elements, number_of(data, "id"));
    return rule == NO_RULE || text_take(walk, data, "text", rule);
}

bool elements_walk(struct replay_walk *walk, struct elements *elements, yyjson_val *events)
{
    size_t index, count;
    yyjson_val *event;
    yyjson_arr_foreach(events, index, count, event)
    {
        if (!event_walk(walk, elements, event)) return false;
    }
    return true;
}
