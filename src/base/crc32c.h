/* crc32c.h -- the checksum that S3 keeps with an object: CRC-32C (Castagnoli).
 *
 *   crc = 0; crc = crc32c_add(crc, part); ...; crc32c_text(crc, header)  --> "x-amz-checksum-crc32c: 4waSgw=="
 *
 * Finds damage, not malice. By the instruction of the CPU where it has one, else by a table.
 * Thread: any. Source: RFC 3720, B.4; S3 User Guide, "Checking object integrity". */
#pragma once
#include "base/bytes.h"

/* Of nothing: 0. */
uint32_t crc32c_add(uint32_t crc, struct bytes bytes);
#define CRC32C_TEXT_BYTES 9
/* Big endian, in base64. */
void crc32c_text(uint32_t crc, char text[CRC32C_TEXT_BYTES]);
