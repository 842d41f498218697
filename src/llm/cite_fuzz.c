/* Any text against any evidence: it ends, and what is said in the evidence's own words is in it. */
#include "llm/cite.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char why[CITE_WHY_BYTES];
    const uint8_t *end = size == 0 ? NULL : memchr(data, '\n', size);
    struct bytes text = bytes_from(data, end == NULL ? size : (size_t)(end - data));
    struct bytes source = end == NULL ? bytes_from(NULL, 0) : bytes_from(end + 1, size - text.len - 1);
    bool is_there = cite_check(text, &source, 1, why);
    if (is_there == (why[0] != '\0')) abort();
    return 0;
}
