#pragma once

#include <stddef.h>
#include <stdint.h>

/// The CRC32C (Castagnoli, reflected, polynomial 0x82f63b78) of `count` bytes, going on from `crc` (0 to begin).
uint32_t connlog_crc32c(uint32_t crc, const void *_Nonnull bytes, size_t count);
