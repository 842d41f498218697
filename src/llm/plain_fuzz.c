/* Answers of models: whatever they are, what is shown holds no link, image or tag, and nothing new comes of it. */
#include "llm/plain.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct buf once, twice;
    struct err err = { 0 };
    if (len > 4096) return 0;
    buf_init(&once, SIZE_MAX);
    buf_init(&twice, SIZE_MAX);
    if (!llm_plain(bytes_from(data, len), &once, &err) || !llm_plain(buf_bytes(&once), &twice, &err)) abort();
    struct bytes text = buf_bytes(&once);
    if (!bytes_equal(text, buf_bytes(&twice)) || !utf8_is_valid(text)) abort();
    for (size_t i = 0; i + 1 < text.len; i++) {
        if (text.ptr[i] == '<' && (isalpha(text.ptr[i + 1]) || strchr("/!?", text.ptr[i + 1]) != NULL)) abort();
        if (text.ptr[i] == ']' && text.ptr[i + 1] == '(') abort();
        if (i + 2 < text.len && memcmp(text.ptr + i, "://", 3) == 0) abort();
    }
    buf_deinit(&once);
    buf_deinit(&twice);
    return 0;
}
