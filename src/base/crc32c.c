#include "base/crc32c.h"
#include "base/base64.h"
#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#endif

/* The reflected polynomial's remainders of four bits. */
static const uint32_t nibbles[16] = {
    0x00000000, 0x105EC76F, 0x20BD8EDE, 0x30E349B1, 0x417B1DBC, 0x5125DAD3, 0x61C69362, 0x7198540D,
    0x82F63B78, 0x92A8FC17, 0xA24BB5A6, 0xB21572C9, 0xC38D26C4, 0xD3D3E1AB, 0xE330A81A, 0xF36E6F75,
};

static uint32_t add_by_table(uint32_t crc, const uint8_t *ptr, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        crc ^= ptr[i];
        crc = crc >> 4 ^ nibbles[crc & 15];
        crc = crc >> 4 ^ nibbles[crc & 15];
    }
    return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t add_by_cpu(uint32_t crc, const uint8_t *ptr, size_t len)
{
    uint64_t wide = crc;
    for (; len >= 8; ptr += 8, len -= 8) {
        uint64_t word;
        memcpy(&word, ptr, 8);
        wide = _mm_crc32_u64(wide, word);
    }
    crc = (uint32_t)wide;
    for (; len > 0; ptr++, len--) crc = _mm_crc32_u8(crc, *ptr);
    return crc;
}
#define CPU_CAN __builtin_cpu_supports("sse4.2")
#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
static uint32_t add_by_cpu(uint32_t crc, const uint8_t *ptr, size_t len)
{
    for (; len >= 8; ptr += 8, len -= 8) {
        uint64_t word;
        memcpy(&word, ptr, 8);
        crc = __crc32cd(crc, word);
    }
    for (; len > 0; ptr++, len--) crc = __crc32cb(crc, *ptr);
    return crc;
}
#define CPU_CAN true
#else
#define add_by_cpu add_by_table
#define CPU_CAN    false
#endif

uint32_t crc32c_add(uint32_t crc, struct bytes bytes)
{
    if (bytes.len == 0) return crc;
    return ~(CPU_CAN ? add_by_cpu(~crc, bytes.ptr, bytes.len) : add_by_table(~crc, bytes.ptr, bytes.len));
}

void crc32c_text(uint32_t crc, char text[CRC32C_TEXT_BYTES])
{
    const uint8_t bytes[] = { (uint8_t)(crc >> 24), (uint8_t)(crc >> 16), (uint8_t)(crc >> 8), (uint8_t)crc };
    *base64_put((uint8_t *)text, bytes_from(bytes, sizeof bytes), true) = 0;
}
