// What is done with lines, with vectors of `VECTOR_BYTES` (16 or 32); `WAY` gives the functions their names. `each_kernel.h`
// includes this for each size.
#include "values_kernel.h"
#include "other_kernel.h"
#include "scan_kernel.h"
#include "pack_kernel.h"
#include "unpack_kernel.h"
