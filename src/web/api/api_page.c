#include "web/api/api_page.h"
#include "base/base64.h"
#include "web/api/api_inside.h"
#include <inttypes.h>
#include <stdlib.h>

enum { CURSOR_BYTES_MAX = 2048 };

/* base64url without padding; false: it is none. */
static bool base64url_read(struct arena *arena, struct bytes text, struct bytes *out)
{
    uint8_t *to = arena_alloc(arena, text.len);
    size_t len = 0;
    uint32_t group = 0, bits = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        uint32_t digit;
        if (c >= 'A' && c <= 'Z')
            digit = c - 'A';
        else if (c >= 'a' && c <= 'z')
            digit = c - 'a' + 26u;
        else if (c >= '0' && c <= '9')
            digit = c - '0' + 52u;
        else if (c == '-')
            digit = 62;
        else if (c == '_')
            digit = 63;
        else
            return false;
        group = group << 6 | digit;
        bits += 6;
        if (bits < 8) continue;
        bits -= 8;
        to[len++] = (uint8_t)(group >> bits);
    }
    *out = bytes_from(to, len);
    return true;
}

/* ["project_list","a name","an id"] */
bool cursor_read(struct arena *arena, const char *route_id, uint32_t keys, struct bytes cursor, struct bytes *after)
{
    struct bytes json;
    if (cursor.len > CURSOR_BYTES_MAX || !base64url_read(arena, cursor, &json)) return false;
    yyjson_doc *doc = yyjson_read((const char *)json.ptr, json.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc), *one;
    size_t i, count;
    bool ok = yyjson_is_arr(root) && yyjson_arr_size(root) == keys + 1 &&
              yyjson_equals_str(yyjson_arr_get_first(root), route_id);
    yyjson_arr_foreach(root, i, count, one)
    {
        if (!ok) break;
        ok = yyjson_is_str(one) && strlen(yyjson_get_str(one)) == yyjson_get_len(one);
        if (ok && i > 0) after[i - 1] = arena_copy(arena, bytes_from(yyjson_get_str(one), yyjson_get_len(one)));
    }
    yyjson_doc_free(doc);
    return ok;
}

bool api_page_wrong(struct api_call *call)
{
    api_fail_at(call, "?cursor", "it is no cursor of this list: take it from next_cursor, or leave it out");
    return false;
}

bool api_page_read(struct api_call *call, uint32_t keys, struct api_page *page)
{
    struct bytes cursor = api_query(call, "cursor");
    assert(keys <= API_PAGE_KEYS_MAX && (call->route->flags & API_PAGED));
    *page = (struct api_page){ .limit = (uint32_t)api_query_int(call, "limit", API_PAGE_LIMIT),
                               .keys = keys,
                               .is_first = cursor.len == 0,
                               .call = call,
                               .items = yyjson_mut_arr(call->json) };
    if (page->is_first || cursor_read(call->arena, call->route->id, keys, cursor, page->after)) return true;
    return api_page_wrong(call);
}

struct bytes api_page_number(struct api_call *call, int64_t number)
{
    return bytes_of_text(arena_printf(call->arena, "%" PRId64, number));
}

bool api_page_number_read(struct bytes key, int64_t *number)
{
    char copy[24], *end;
    if (key.len == 0 || key.len >= sizeof copy) return false;
    memcpy(copy, key.ptr, key.len);
    copy[key.len] = '\0';
    *number = strtoll(copy, &end, 10);
    return end == copy + key.len;
}

int64_t api_page_before(const struct api_page *page)
{
    if (page->is_first) return 0;
    const char *text =
        arena_printf(page->call->arena, "%.*s", (int)page->after[0].len, (const char *)page->after[0].ptr);
    int64_t before = strtoll(text, NULL, 10);
    return before > 0 ? before : 1;
}

bool api_page_place(const struct api_page *page, int64_t *number, struct uuid *id)
{
    if (page->is_first || (api_page_number_read(page->after[0], number) && uuid_from_text(page->after[1], id)))
        return true;
    return api_page_wrong(page->call);
}

bool api_page_add(struct api_page *page, yyjson_mut_val *item, const struct bytes *keys)
{
    if (page->count == page->limit) {
        page->has_more = true;
        return false;
    }
    page->count++;
    yyjson_mut_arr_append(page->items, item);
    for (uint32_t k = 0; k < page->keys; k++) page->last[k] = arena_copy(page->call->arena, keys[k]);
    return true;
}

void api_page_end(struct api_page *page)
{
    page->limit = page->count;
}

static void next_put(struct api_page *page, yyjson_mut_val *answer)
{
    struct api_call *call = page->call;
    yyjson_mut_val *cursor = yyjson_mut_arr(call->json);
    size_t len;
    yyjson_mut_arr_add_str(call->json, cursor, call->route->id);
    for (uint32_t k = 0; k < page->keys; k++)
        yyjson_mut_arr_add_strncpy(call->json, cursor, (const char *)page->last[k].ptr, page->last[k].len);
    char *json = yyjson_mut_val_write(cursor, 0, &len);
    if (json == NULL) return; /* keys are UTF-8 */
    uint8_t *text = arena_alloc(call->arena, len * 4 / 3 + 8), *end = base64_put(text, bytes_from(json, len), false);
    for (uint8_t *c = text; c < end; c++) *c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
    yyjson_mut_obj_add_strncpy(call->json, answer, "next_cursor", (const char *)text, (size_t)(end - text));
    free(json);
}

void api_page_answer(struct api_call *call, struct api_page *page)
{
    yyjson_mut_val *answer = yyjson_mut_obj(call->json);
    yyjson_mut_obj_add_val(call->json, answer, "items", page->items);
    if (page->has_more) next_put(page, answer);
    api_answer(call, answer);
}
