#include "timefusion/query/array_text.h"
#include <strings.h>

bool array_items_begin(struct array_items *items, struct bytes text, struct err *err)
{
    size_t at = 0, len = text.len;
    while (at < len && text.ptr[at] == ' ') at++;
    while (len > at && text.ptr[len - 1] == ' ') len--;
    *items = (struct array_items){ 0 };
    if (len - at < 2 || text.ptr[at] != '{' || text.ptr[len - 1] != '}')
        return err_set(err, ERR_VALUE, "malformed array literal: it must look like {a,b}");
    items->text = bytes_from(text.ptr, len - 1);
    items->at = at + 1;
    buf_init(&items->item, text.len + 1);
    return true;
}

void array_items_end(struct array_items *items)
{
    buf_deinit(&items->item);
}

static void put(struct array_items *items, uint8_t byte)
{
    bool ok = buf_add(&items->item, &byte, 1);
    assert(ok); /* no longer than the text */
    (void)ok;
}

static void blanks(struct array_items *items)
{
    while (items->at < items->text.len && items->text.ptr[items->at] == ' ') items->at++;
}

static bool quoted_take(struct array_items *items, struct err *err)
{
    struct bytes text = items->text;
    items->at++;
    while (items->at < text.len && text.ptr[items->at] != '"') {
        if (text.ptr[items->at] == '\\' && items->at + 1 < text.len) items->at++;
        put(items, text.ptr[items->at++]);
    }
    if (items->at >= text.len) return err_set(err, ERR_VALUE, "malformed array literal: a quote is not closed");
    items->at++;
    blanks(items);
    return true;
}

static bool plain_take(struct array_items *items, struct err *err)
{
    struct bytes text = items->text;
    while (items->at < text.len && text.ptr[items->at] != ',') {
        if (text.ptr[items->at] == '{') return err_set(err, ERR_UNSUPPORTED, "arrays have one dimension here");
        if (text.ptr[items->at] == '\\' && items->at + 1 < text.len) items->at++;
        put(items, text.ptr[items->at++]);
    }
    while (items->item.len > 0 && items->item.ptr[items->item.len - 1] == ' ') items->item.len--;
    return true;
}

bool array_items_next(struct array_items *items, struct bytes *item, bool *is_null, struct err *err)
{
    *is_null = false;
    blanks(items);
    if (items->at >= items->text.len) return false;
    if (items->is_begun) items->at++; /* the comma */
    blanks(items);
    items->is_begun = true;
    items->item.len = 0;
    bool is_quoted = items->at < items->text.len && items->text.ptr[items->at] == '"';
    if (!(is_quoted ? quoted_take(items, err) : plain_take(items, err))) return false;
    if (items->at < items->text.len && items->text.ptr[items->at] != ',')
        return err_set(err, ERR_VALUE, "malformed array literal");
    if (!is_quoted && items->item.len == 0)
        return err_set(err, ERR_VALUE, "malformed array literal: an element is missing");
    *is_null = !is_quoted && items->item.len == 4 && strncasecmp((const char *)items->item.ptr, "null", 4) == 0;
    *item = buf_bytes(&items->item);
    if (!item->ptr) item->ptr = (const uint8_t *)"";
    return true;
}
