/* Any bytes as a definition: it is read or refused with a place; what was read has windows that can be asked and texts to fill. */
#include <stdlib.h>

#include "base/utf8.h"
#include "monitors/monitor_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct monitor monitor;
    struct err err = { 0 };
    char pointer[MONITOR_POINTER_BYTES];
    yyjson_doc *doc = yyjson_read((const char *)data, size, 0);
    if (doc == NULL) return 0;
    arena_init(&arena, 0);
    if (monitor_read(&monitor, yyjson_doc_get_root(doc), &arena, pointer, &err)) {
        struct monitor_event event = { .to = MONITOR_ALERT, .value = 1, .has_value = true };
        struct bytes group = BYTES("cart"), text;
        if (monitor.every_us < 60000000 || monitor.window_us < 60000000) abort();
        for (int64_t hour = 0; hour < 24 * 8; hour += 5)
            (void)monitor_is_quiet(&monitor, (INT64_C(1774742400) + hour * 3600) * 1000000);
        text = monitor_text_fill(&arena, monitor.message, &monitor, group, &event);
        if (!utf8_is_valid(text) && utf8_is_valid(monitor.message) && text.len < MONITOR_BYTES_MAX) abort();
        (void)monitor_text_usual(&arena, &monitor, group, &event);
        monitor_close(&monitor);
    } else if (err.code != ERR_INPUT || err.text[0] == '\0') {
        abort();
    }
    arena_deinit(&arena);
    yyjson_doc_free(doc);
    return 0;
}
