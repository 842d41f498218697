/* api_page.h -- lists a page at a time, by key: stable while rows come and go, and equally fast on every page.
 *
 *   struct api_page page;
 *   if (!api_page_read(call, 2, &page)) return;                   // told: the cursor is none of ours
 *   ... WHERE (name, id) > ($1, $2) ORDER BY name, id LIMIT $3    // page.after[0], [1]; empty on the first page
 *   for each row: if (!api_page_add(&page, item, (struct bytes[]){ name, id })) break;
 *   api_page_answer(call, &page);
 *
 * Ask for page.limit + 1 rows: the one too many tells that there is a next page. A cursor names the route and the last row's
 * keys, as text; it is a place, not a right: what may be seen is checked anew on every page.
 * Thread: the call's. */
#pragma once
#include "web/api/api_call.h"

enum { API_PAGE_KEYS_MAX = 3, API_PAGE_LIMIT_MAX = 1000, API_PAGE_LIMIT = 100 };
struct api_page {
    uint32_t limit;
    uint32_t keys;
    bool is_first;
    struct bytes after[API_PAGE_KEYS_MAX];
    /* inside */
    struct api_call *call;
    yyjson_mut_val *items;
    uint32_t count;
    bool has_more;
    struct bytes last[API_PAGE_KEYS_MAX];
};
MUST_CHECK bool api_page_read(struct api_call *call, uint32_t keys, struct api_page *page);
/* The keys of its cursor are none of this list: the client is told. Always false. */
bool api_page_wrong(struct api_call *call);
/* A number as the key of a page, and back: false, it is none. */
struct bytes api_page_number(struct api_call *call, int64_t number);
MUST_CHECK bool api_page_number_read(struct bytes key, int64_t *number);
/* Of a list whose one key is a number, the newest first: the number before which the page begins; 0: on the first page. Whatever a
 * cursor has there, it is a place. */
int64_t api_page_before(const struct api_page *page);
/* The place behind which the page begins, of lists whose keys are a number and an id; of the first page neither is set. False:
 * the client was told. */
MUST_CHECK bool api_page_place(const struct api_page *page, int64_t *number, struct uuid *id);
/* False when the page was full: item is left out, there is a next page. Keys are copied. */
bool api_page_add(struct api_page *page, yyjson_mut_val *item, const struct bytes *keys);
/* Large enough as it is: the next item is left out, however few there are. */
void api_page_end(struct api_page *page);
void api_page_answer(struct api_call *call, struct api_page *page);
