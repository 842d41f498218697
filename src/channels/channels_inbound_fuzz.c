/* Any bytes as what Slack and PagerDuty send: what is read names an incident by a key that is written the same, and says who in a line;
 * as a signature, none fits. */
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "channels/inbound.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum channel_kind kinds[] = { CHANNEL_SLACK, CHANNEL_PAGERDUTY };
    struct bytes bytes = bytes_from(data, size);
    struct arena arena;
    arena_init(&arena, 0);
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        struct err err = { 0 };
        struct inbound inbound, again;
        const struct inbound_head heads[] = { { bytes, BYTES("v0=00"), bytes }, { BYTES("1790000000"), bytes, bytes } };
        for (size_t h = 0; h < COUNT_OF(heads); h++)
            if (inbound_check(kinds[k], &heads[h], bytes, BYTES("secret"), INT64_C(1790000000) * 1000000, &err))
                abort();
        if (!inbound_read(kinds[k], bytes, &arena, &inbound, &err) || inbound.act == INBOUND_NOTHING) continue;
        const char *thread =
            arena_printf(&arena, "incident-%lld-%lld", (long long)inbound.number, (long long)inbound.episode);
        if (!inbound_key_read(bytes_of_text(inbound_key(&arena, inbound.project_id, bytes_of_text(thread))), &again) ||
            again.number != inbound.number || again.episode != inbound.episode ||
            !uuid_equal(again.project_id, inbound.project_id))
            abort();
        if (inbound.who.len == 0 || inbound.who.len > INBOUND_WHO_BYTES_MAX + 20 || !utf8_is_valid(inbound.who) ||
            memchr(inbound.who.ptr, '\n', inbound.who.len) != NULL)
            abort();
    }
    arena_deinit(&arena);
    return 0;
}
