#include "build.h"

__attribute__((weak)) const char *connlog_built_from(void) { return ""; }
