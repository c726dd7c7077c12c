// What is done with lines, with vectors of `VECTOR_BYTES` (16 or 32); `WAY` gives the functions their names. `each_way.h`
// includes this for each size.
#include "values_way.h"
#include "other_way.h"
#include "scan_way.h"
#include "pack_way.h"
#include "unpack_way.h"
