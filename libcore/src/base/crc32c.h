/* base/crc32c.h: the checksum of files: CRC-32C (Castagnoli; polynomial 0x1EDC6F41, reflected, first and last
 * inverted), as in iSCSI (RFC 3720), ext4 and Btrfs. "123456789" gives 0xE3069283. Any thread. */
#ifndef HUSK_BASE_CRC32C_H
#define HUSK_BASE_CRC32C_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of some bytes; crc is that of the bytes before them, 0 if there are none. */
uint32_t husk__crc32c(uint32_t crc, const void *bytes, size_t length);

/* The same, one way or the other: by tables, or by the processor's instruction where it has one. For tests. */
uint32_t husk__crc32c_by_table(uint32_t crc, const void *bytes, size_t length);
bool husk__crc32c_has_instruction(void);

#endif
