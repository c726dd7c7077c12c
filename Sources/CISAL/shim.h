#pragma once
#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>

/// Working memory of level 1, as ISA-L's own tool takes it; the macro is too much arithmetic for Swift.
static const uint32_t connlog_isal_level1_bytes = ISAL_DEF_LVL1_DEFAULT;
