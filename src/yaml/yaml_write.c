#include "base/utf8.h"
#include "yaml/yaml.h"
#include "yaml/yaml_inside.h"
#include <stdlib.h>
#include <yaml.h>

struct writer {
    yaml_emitter_t emitter;
    struct buf *out;
    yyjson_mut_doc *scratch; /* to see what a text would be without quotes */
    bool is_full;
    struct err *err;
};

static int out_add(void *ctx, unsigned char *bytes, size_t len)
{
    struct writer *writer = ctx;
    writer->is_full = writer->is_full || !buf_add(writer->out, bytes, len);
    return !writer->is_full;
}

static bool emit(struct writer *writer, yaml_event_t *event, int is_made)
{
    if (!is_made) abort(); /* no memory; all texts were looked at before */
    if (yaml_emitter_emit(&writer->emitter, event)) return true;
    return writer->is_full ? err_set(writer->err, ERR_TOO_LARGE, "the YAML is too long")
                           : err_set(writer->err, ERR_INPUT, "no YAML can be made of it: %s",
                                     writer->emitter.problem != NULL ? writer->emitter.problem : "unknown");
}

static bool scalar_put(struct writer *writer, struct bytes text, yaml_scalar_style_t style)
{
    yaml_event_t event;
    const yaml_char_t *bytes = text.len > 0 ? text.ptr : (const yaml_char_t *)"";
    int is_made =
        yaml_scalar_event_initialize(&event, NULL, NULL, (yaml_char_t *)(uintptr_t)bytes, (int)text.len, 1, 1, style);
    return emit(writer, &event, is_made);
}

/* Lines as lines where a block of them reads back as it was; in quotes what would be no text without. libyaml does the rest. */
static yaml_scalar_style_t style_of(struct writer *writer, struct bytes text)
{
    yyjson_mut_val *value;
    bool is_number, has_line = false, is_block = text.len > 0 && text.ptr[0] != '\n' && text.ptr[0] != ' ';
    for (size_t i = 0; i < text.len; i++) {
        bool ends_line = i + 1 == text.len || text.ptr[i + 1] == '\n';
        has_line = has_line || text.ptr[i] == '\n';
        if (text.ptr[i] == ' ' && ends_line) is_block = false;
        if ((text.ptr[i] < ' ' && text.ptr[i] != '\n') || text.ptr[i] >= 0x7F) is_block = false;
    }
    if (has_line) return is_block ? YAML_LITERAL_SCALAR_STYLE : YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    if (yaml_scalar_read(text, writer->scratch, &value, &is_number)) return YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    return YAML_PLAIN_SCALAR_STYLE;
}

static bool text_put(struct writer *writer, yyjson_mut_val *value)
{
    struct bytes text = bytes_from(yyjson_mut_get_str(value), yyjson_mut_get_len(value));
    if (!utf8_is_valid(text) || (text.len > 0 && memchr(text.ptr, '\0', text.len) != NULL))
        return err_set(writer->err, ERR_INPUT, "a text is UTF-8 without the character NUL");
    return scalar_put(writer, text, style_of(writer, text));
}

static bool number_put(struct writer *writer, yyjson_mut_val *value)
{
    size_t len;
    char *text = yyjson_mut_val_write(value, 0, &len);
    if (text == NULL) return err_set(writer->err, ERR_INPUT, "a number has no equal in JSON");
    bool ok = scalar_put(writer, bytes_from(text, len), YAML_PLAIN_SCALAR_STYLE);
    free(text);
    return ok;
}

static bool value_put(struct writer *writer, yyjson_mut_val *value, uint32_t depth);

static bool list_put(struct writer *writer, yyjson_mut_val *list, uint32_t depth)
{
    yaml_event_t event;
    yyjson_mut_val *one;
    size_t i, count;
    if (!emit(writer, &event, yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE)))
        return false;
    yyjson_mut_arr_foreach(list, i, count, one) if (!value_put(writer, one, depth)) return false;
    return emit(writer, &event, yaml_sequence_end_event_initialize(&event));
}

static bool mapping_put(struct writer *writer, yyjson_mut_val *mapping, uint32_t depth)
{
    yaml_event_t event;
    yyjson_mut_val *key, *one;
    size_t i, count;
    if (!emit(writer, &event, yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE)))
        return false;
    yyjson_mut_obj_foreach(mapping, i, count, key, one)
    {
        if (yyjson_mut_obj_getn(mapping, yyjson_mut_get_str(key), yyjson_mut_get_len(key)) != one)
            return err_set(writer->err, ERR_INPUT, "two values of one key");
        if (!text_put(writer, key) || !value_put(writer, one, depth)) return false;
    }
    return emit(writer, &event, yaml_mapping_end_event_initialize(&event));
}

static bool value_put(struct writer *writer, yyjson_mut_val *value, uint32_t depth)
{
    if (yyjson_mut_is_str(value)) return text_put(writer, value);
    if (yyjson_mut_is_ctn(value)) {
        if (depth == YAML_DEPTH_MAX) return err_set(writer->err, ERR_INPUT, "nested deeper than %d", YAML_DEPTH_MAX);
        return yyjson_mut_is_arr(value) ? list_put(writer, value, depth + 1) : mapping_put(writer, value, depth + 1);
    }
    return number_put(writer, value); /* null, true and false too */
}

bool yaml_write(yyjson_mut_val *value, struct buf *out, struct err *err)
{
    struct writer writer = { .out = out, .scratch = yyjson_mut_doc_new(NULL), .err = err };
    yaml_event_t event;
    if (!yaml_emitter_initialize(&writer.emitter)) abort(); /* no memory */
    yaml_emitter_set_output(&writer.emitter, out_add, &writer);
    yaml_emitter_set_unicode(&writer.emitter, 1);
    yaml_emitter_set_width(&writer.emitter, -1); /* no text is folded */
    bool ok = emit(&writer, &event, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING)) &&
              emit(&writer, &event, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1)) &&
              value_put(&writer, value, 0) && emit(&writer, &event, yaml_document_end_event_initialize(&event, 1)) &&
              emit(&writer, &event, yaml_stream_end_event_initialize(&event));
    yaml_emitter_delete(&writer.emitter);
    yyjson_mut_doc_free(writer.scratch);
    return ok;
}
