/* Headers of a message as anybody may write them into our topics. Bytes: name, NUL, length, value, again and again.
 * What is taken is written and read again the same. */
#include "buffer/kafka/kafka_record.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kafka_header list[KAFKA_HEADERS_MAX] = { 0 };
    char *names[KAFKA_HEADERS_MAX];
    uint8_t *values[KAFKA_HEADERS_MAX];
    uint32_t count = 0;
    while (count < KAFKA_HEADERS_MAX && size > 0) {
        const uint8_t *end = memchr(data, 0, size);
        size_t name_len = end != NULL ? (size_t)(end - data) : size;
        names[count] = bytes_to_text(bytes_from(data, name_len));
        data += name_len + (end != NULL);
        size -= name_len + (end != NULL);
        size_t len = size > 0 ? data[0] : 0;
        if (size > 0) data++, size--;
        if (len > size) len = size;
        values[count] = mem_alloc(len); /* of its own: one byte too far is found */
        if (len > 0) memcpy(values[count], data, len);
        data += len;
        size -= len;
        list[count] = (struct kafka_header){ names[count], { values[count], len } };
        count++;
    }
    struct buffer_record record, again;
    struct kafka_passport passport, found;
    char origin[256], origin_again[256];
    struct err err = { 0 };
    if (kafka_record_read(list, count, &record, &passport, origin, &err) && passport.replayed_position == 0) {
        struct kafka_headers headers;
        if (origin[0] != '\0') passport.origin_topic = origin;
        kafka_record_write(&headers, &record, &passport);
        if (!kafka_record_read(headers.list, headers.count, &again, &found, origin_again, &err) ||
            again.signal != record.signal || again.encoding != record.encoding || again.format != record.format ||
            !hash128_equal(again.hash, record.hash) || again.received_unix_us != record.received_unix_us ||
            !uuid_equal(again.project_id, record.project_id) || found.retry.attempt != passport.retry.attempt ||
            strcmp(origin, origin_again) != 0)
            abort();
    }
    for (uint32_t i = 0; i < count; i++) {
        free(names[i]);
        free(values[i]);
    }
    return 0;
}
