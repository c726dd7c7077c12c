/// The C that Swift cannot say: variadic calls, macros, and a handful of vector kernels.
#pragma once

#include "ascii.h"
#include "child.h"
#include "crc32c.h"
#include "find.h"
#include "folded_id.h"
#include "packed_time.h"
#include "packed_uuid.h"
#include "parameters.h"
#include "plain_string.h"
#include "process.h"
#include "record.h"
#include "sockets.h"
#include "syslog_text.h"
#include "system.h"
#include "tls.h"
#include "vector_limit.h"
