/* rewrite_replay.c -- a walk over a batch of a replay, JSON, that writes it anew where something goes.
 *
 *   {"session": .., "user": {"email": ..}, "events": [{"type": 5, "data": {"tag": .., "payload": {..}}}, ..]}
 *     '- stays       '- told by people           '- rrweb's own: its texts are looked at    '- told by people
 *
 * What people told (all but the events; in them a payload, an element's attributes) has names that rules are about, with those of
 * the objects around them. What is rrweb's own has names and numbers that a player needs: they stay. */
#include "base/json_object.h"
#include "ingest/redaction/replay_walk.h"

#include <stdlib.h>

#define SNAPSHOT_EVERY_US (INT64_C(60) * 1000000) /* a page is asked for one at most */

static struct bytes bytes_of(yyjson_val *text)
{
    return yyjson_is_raw(text) ? bytes_from(yyjson_get_raw(text), yyjson_get_len(text)) : json_text(text);
}

static bool too_large(struct replay_walk *walk)
{
    return err_set(walk->err, ERR_TOO_LARGE,
                   "with what the project's redaction rules put into it the replay's batch is too large; send smaller "
                   "batches");
}

bool replay_too_deep(struct replay_walk *walk)
{
    return err_set(
        walk->err, ERR_INPUT,
        "a replay's batch is nested deeper than %d levels: the project's redaction rules cannot be applied to "
        "it",
        REPLAY_LEVELS_MAX);
}

/* walk->text stands there from now on. */
static void value_set(struct replay_walk *walk, yyjson_val *value)
{
    struct bytes kept = arena_copy(&walk->arena, buf_bytes(&walk->text));
    yyjson_set_strn(value, kept.len > 0 ? (const char *)kept.ptr : "", kept.len);
    walk->is_changed = true;
}

bool replay_value_replace(struct replay_walk *walk, yyjson_val *value, int8_t rule)
{
    walk->text.len = 0;
    walk->counts->found[rule]++;
    if (!replacement_add(walk->redaction, rule, bytes_of(value), &walk->text)) return too_large(walk);
    value_set(walk, value);
    return true;
}

static bool text_walk(struct replay_walk *walk, yyjson_val *value)
{
    struct bytes text = bytes_of(value);
    if (!text_look(walk->redaction, walk->scratch, text)) return true;
    for (uint32_t e = 0; e < walk->scratch->edit_count; e++) walk->counts->found[walk->scratch->edits[e].rule]++;
    walk->text.len = 0;
    if (!text_edit(walk->redaction, walk->scratch, text, &walk->text)) return too_large(walk);
    value_set(walk, value);
    return true;
}

/* A whole number that is a card's. */
static bool number_walk(struct replay_walk *walk, yyjson_val *value)
{
    int8_t rule = walk->redaction->built_in[REDACTION_CARDS];
    struct bytes digits = bytes_of(value);
    uint64_t number = 0;
    if (rule == NO_RULE || digits.len > 19) return true;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9') return true;
        number = number * 10 + (uint64_t)(digits.ptr[i] - '0');
    }
    return !card_is_number(number) || replay_value_replace(walk, value, rule);
}

/* Its own name, and that with the names around it: "user.email". */
static struct verdict member_verdict(struct replay_walk *walk, struct bytes name)
{
    struct verdict verdict = { NO_RULE, NO_RULE };
    char *path = walk->scratch->path;
    if (!walk->is_told) return verdict;
    bool is_nested = walk->path_len > 0, has_room = walk->path_len + name.len < NAME_BYTES_MAX;
    if (has_room) {
        if (is_nested) path[walk->path_len++] = '.';
        if (name.len > 0) memcpy(path + walk->path_len, name.ptr, name.len);
        walk->path_len += name.len;
        verdict = name_verdict(walk->redaction, walk->scratch, bytes_from(path, walk->path_len));
    }
    if (verdict.text == NO_RULE && (is_nested || !has_room))
        verdict = name_verdict(walk->redaction, walk->scratch, name);
    return verdict;
}

static bool value_walk(struct replay_walk *walk, yyjson_val *value, struct verdict verdict);

static bool member_walk(struct replay_walk *walk, yyjson_val *key, yyjson_val *value)
{
    bool was_told = walk->is_told;
    size_t path_len = walk->path_len;
    struct verdict verdict = member_verdict(walk, bytes_of(key));
    walk->is_told |=
        yyjson_is_obj(value) && (yyjson_equals_str(key, "payload") || yyjson_equals_str(key, "attributes"));
    bool ok = value_walk(walk, value, verdict) && (!was_told || text_walk(walk, key));
    walk->is_told = was_told;
    walk->path_len = path_len;
    return ok;
}

static bool object_walk(struct replay_walk *walk, yyjson_val *object)
{
    size_t index, count;
    yyjson_val *key, *value;
    if (!yyjson_is_obj(object)) return true;
    yyjson_obj_foreach(object, index, count, key, value)
    {
        if (!member_walk(walk, key, value)) return false;
    }
    return true;
}

/* Elements have the name of their list. */
static bool list_walk(struct replay_walk *walk, yyjson_val *list, struct verdict verdict)
{
    size_t index, count;
    yyjson_val *value;
    yyjson_arr_foreach(list, index, count, value)
    {
        if (!value_walk(walk, value, verdict)) return false;
    }
    return true;
}

static bool value_walk(struct replay_walk *walk, yyjson_val *value, struct verdict verdict)
{
    if (yyjson_is_str(value))
        return verdict.text != NO_RULE ? replay_value_replace(walk, value, verdict.text) : text_walk(walk, value);
    if (yyjson_is_raw(value)) {
        if (!walk->is_told) return true;
        return verdict.number != NO_RULE ? replay_value_replace(walk, value, verdict.number) : number_walk(walk, value);
    }
    if (!yyjson_is_ctn(value)) return true;
    if (walk->levels == REPLAY_LEVELS_MAX) return replay_too_deep(walk);
    walk->levels++;
    bool ok = yyjson_is_obj(value) ? object_walk(walk, value) : list_walk(walk, value, verdict);
    walk->levels--;
    return ok;
}

static bool root_walk(struct replay_walk *walk, yyjson_val *root)
{
    static const char *const ids[] = { "session", "tab", "recording" };
    size_t index, count;
    yyjson_val *key, *value;
    yyjson_obj_foreach(root, index, count, key, value)
    {
        bool stays = false;
        for (size_t i = 0; i < COUNT_OF(ids) && !stays; i++)
            stays = yyjson_equals_str(key, ids[i]) && value == yyjson_obj_get(root, ids[i]);
        walk->is_told = !yyjson_equals_str(key, "events") && !yyjson_equals_str(key, "sequence");
        if (!stays && !member_walk(walk, key, value)) return false;
    }
    return true;
}

/* False: its reader refuses it. */
static bool name_read(const struct replay_walk *walk, yyjson_val *root, struct recording_name *name)
{
    yyjson_val *sequence = yyjson_obj_get(root, "sequence");
    struct bytes digits = yyjson_is_raw(sequence) ? bytes_of(sequence) : BYTES("");
    *name = (struct recording_name){ .project_id = walk->redaction->rules[0].project_id,
                                     .session = bytes_of(yyjson_obj_get(root, "session")),
                                     .tab = bytes_of(yyjson_obj_get(root, "tab")),
                                     .recording = bytes_of(yyjson_obj_get(root, "recording")),
                                     .sequence = digits.len > 0 && digits.len < 19 ? 0 : -1 };
    for (size_t i = 0; i < digits.len && name->sequence >= 0; i++)
        name->sequence = digits.ptr[i] >= '0' && digits.ptr[i] <= '9' ? name->sequence * 10 + digits.ptr[i] - '0' : -1;
    return name->session.len > 0 && name->recording.len > 0;
}

static bool elements_look(struct replay_walk *walk, struct element_memory *memory, yyjson_val *root,
                          int64_t now_unix_us, bool *wants_snapshot)
{
    struct recording_name name;
    struct elements elements;
    if (walk->redaction->selector_count == 0 || !name_read(walk, root, &name)) return true;
    element_memory_take(memory, &name, walk->redaction->selectors_hash, &elements);
    bool ok = elements_walk(walk, &elements, yyjson_obj_get(root, "events"));
    *wants_snapshot =
        elements.is_blind && name.sequence >= 0 && now_unix_us - elements.asked_unix_us >= SNAPSHOT_EVERY_US;
    if (*wants_snapshot) elements.asked_unix_us = now_unix_us;
    if (!ok) elements.is_known = false;
    element_memory_put(memory, &name, &elements);
    return ok;
}

bool redaction_rewrite_replay(const struct redaction *redaction, struct redaction_scratch *scratch,
                              struct element_memory *memory, struct bytes body, int64_t now_unix_us,
                              struct redacted_replay *out, struct redaction_counts *counts, struct err *err)
{
    struct replay_walk walk = { .redaction = redaction, .scratch = scratch, .counts = counts, .err = err };
    yyjson_doc *doc = yyjson_read((const char *)body.ptr, body.len, YYJSON_READ_NUMBER_AS_RAW);
    yyjson_val *root = yyjson_doc_get_root(doc);
    out->body.len = 0;
    out->is_changed = out->wants_snapshot = false;
    arena_init(&walk.arena, 0);
    buf_init(&walk.text, out->body.bytes_max);
    bool ok = !yyjson_is_obj(root) ||
              (elements_look(&walk, memory, root, now_unix_us, &out->wants_snapshot) && root_walk(&walk, root));
    if (ok && walk.is_changed) {
        size_t len = 0;
        char *text = yyjson_val_write(root, 0, &len);
        ok = text ? buf_add(&out->body, text, len) || too_large(&walk)
                  : err_set(err, ERR_INPUT, "the replay's batch cannot be written without what rules found in it");
        free(text);
        out->is_changed = ok;
    }
    buf_deinit(&walk.text);
    arena_deinit(&walk.arena);
    yyjson_doc_free(doc);
    return ok;
}
