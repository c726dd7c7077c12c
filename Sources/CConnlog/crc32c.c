// CRC32C by ISA-L, which takes the instructions that the processor has.
#include "crc32c.h"

#include <isa-l/crc.h>

uint32_t connlog_crc32c(uint32_t crc, const void *bytes, size_t count) {
    const int most = 1 << 30;
    // ISA-L only reads; its parameter is older than `const`. It leaves inverting to whoever calls.
    unsigned char *p = (unsigned char *)bytes;
    crc = ~crc;
    while (count > 0) {
        int part = count < (size_t)most ? (int)count : most;
        crc = crc32_iscsi(p, part, crc);
        p += part;
        count -= (size_t)part;
    }
    return ~crc;
}
