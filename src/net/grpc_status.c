#include "net/grpc_status.h"

#include "base/base64.h"
#include "base/varint.h"

size_t grpc_message_encode(const char *text, char out[GRPC_MESSAGE_BYTES_MAX])
{
    static const char digits[] = "0123456789ABCDEF";
    size_t len = 0;
    for (; *text != '\0'; text++) {
        assert(len + 3 <= GRPC_MESSAGE_BYTES_MAX);
        uint8_t byte = (uint8_t)*text;
        if (byte >= 0x20 && byte <= 0x7E && byte != '%') {
            out[len++] = (char)byte;
            continue;
        }
        out[len++] = '%';
        out[len++] = digits[byte >> 4];
        out[len++] = digits[byte & 15];
    }
    return len;
}

static uint8_t *field_put_bytes(uint8_t *at, uint32_t field, const void *ptr, size_t len)
{
    at = varint_put(at, (uint64_t)field << 3 | 2);
    at = varint_put(at, len);
    memcpy(at, ptr, len);
    return at + len;
}

static uint8_t *field_put_number(uint8_t *at, uint32_t field, uint64_t number)
{
    if (number == 0) return at; /* proto3 leaves the default out */
    at = varint_put(at, (uint64_t)field << 3);
    return varint_put(at, number);
}

size_t grpc_retry_details_encode(int status, const char *text, uint32_t retry_delay_ms,
                                 char out[GRPC_DETAILS_BYTES_MAX])
{
    static const char type_url[] = "type.googleapis.com/google.rpc.RetryInfo";
    uint8_t duration[16], retry_info[20], any[80], message[GRPC_DETAILS_BYTES_MAX * 3 / 4];
    static_assert(sizeof(((struct err *)0)->text) + sizeof any + 16 < sizeof message, "a Status fits");

    uint8_t *end = field_put_number(duration, 1, retry_delay_ms / 1000);         /* Duration.seconds */
    end = field_put_number(end, 2, (uint64_t)(retry_delay_ms % 1000) * 1000000); /* Duration.nanos */
    size_t duration_len = (size_t)(end - duration);
    end = field_put_bytes(retry_info, 1, duration, duration_len); /* RetryInfo.retry_delay */
    size_t retry_info_len = (size_t)(end - retry_info);
    end = field_put_bytes(any, 1, type_url, sizeof type_url - 1); /* Any.type_url */
    end = field_put_bytes(end, 2, retry_info, retry_info_len);    /* Any.value */
    size_t any_len = (size_t)(end - any);
    end = field_put_number(message, 1, (uint64_t)status);                                /* Status.code */
    end = field_put_bytes(end, 2, text, strnlen(text, sizeof(((struct err *)0)->text))); /* Status.message */
    end = field_put_bytes(end, 3, any, any_len);                                         /* Status.details */
    uint8_t *out_end = base64_put((uint8_t *)out, bytes_from(message, (size_t)(end - message)), false);
    return (size_t)(out_end - (uint8_t *)out);
}
