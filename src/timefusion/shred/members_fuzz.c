/* members_fuzz -- JSON objects from anywhere: members stay within the text, and what is told to be a value is what SQL says. */
#include "base/json_object.h"
#include "timefusion/shred/members.h"

#include <assert.h>
#include <stdlib.h>

enum { INPUT_BYTES_MAX = 1 << 14, MEMBERS_MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Is its key the beginning of another one's path, or there already? Then what SQL says is not of this member alone. */
static bool is_entangled(const struct member *list, uint32_t count, uint32_t at)
{
    struct bytes key = list[at].key;
    if (key.len == 0 || memchr(key.ptr, '.', key.len)) return true;
    for (uint32_t m = 0; m < count; m++) {
        struct bytes other = list[m].key;
        if (m == at || other.len < key.len || memcmp(other.ptr, key.ptr, key.len) != 0) continue;
        if (other.len == key.len || other.ptr[key.len] == '.') return true;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct members members;
    struct member list[MEMBERS_MAX];
    uint32_t count = 0;
    if (size == 0 || size > INPUT_BYTES_MAX) return 0;
    struct bytes object = bytes_from(data, size);
    members_init(&members, object);
    while (count < MEMBERS_MAX && members_next(&members, &list[count])) {
        const struct member *member = &list[count++];
        if (member->key.ptr < data || member->key.ptr + member->key.len > data + size) abort();
        if (member->text.ptr < data || member->text.ptr + member->text.len > data + size) abort();
    }
    yyjson_doc *doc = members.is_odd || count == MEMBERS_MAX ? NULL : json_read_digits(object);
    if (!doc) return 0;
    for (uint32_t m = 0; m < count; m++) {
        struct buf text;
        if (!list[m].is_whole || is_entangled(list, count, m)) continue;
        buf_init(&text, SIZE_MAX / 4);
        bool is_null = !list[m].is_string && bytes_equal(list[m].text, BYTES("null"));
        bool has = json_attribute(object, list[m].key, true, &text);
        if (has == is_null || (has && !bytes_equal(buf_bytes(&text), list[m].text))) abort();
        buf_deinit(&text);
    }
    yyjson_doc_free(doc);
    return 0;
}
