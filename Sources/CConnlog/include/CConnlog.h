/// The C that Swift cannot say: variadic calls, macros, and a handful of vector kernels.
#pragma once

#include "kernels.h"
#include "pack.h"
#include "parameters.h"
#include "record.h"
#include "sockets.h"
#include "system.h"
#include "tls.h"
