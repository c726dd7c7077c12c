#include "build.h"

#define TEXT_OF(word) #word
#define TEXT(macro) TEXT_OF(macro)

#ifdef CONNLOG_COMMIT
const char *connlog_built_from(void) { return TEXT(CONNLOG_COMMIT); }
#else
const char *connlog_built_from(void) { return ""; }
#endif
