/* XML of strangers: any bytes end in an error with words or in events that pair up. */
#include "base/xml.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = { 0 };
    struct xml xml;
    enum xml_event event;
    uint32_t depth = 0;
    xml_init(&xml, bytes_from(data, size));
    while ((event = xml_next(&xml, &err)) == XML_OPEN || event == XML_CLOSE) {
        if (event == XML_OPEN) depth++;
        if (depth == 0 || xml.depth != depth || xml.name.len == 0 || xml.text.len > XML_TEXT_BYTES_MAX) abort();
        if (event == XML_CLOSE) depth--;
    }
    if (event == XML_END && depth != 0) abort();
    if (event == XML_BAD && err.text[0] == 0) abort();
    xml_deinit(&xml);
    return 0;
}
