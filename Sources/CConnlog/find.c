#define _GNU_SOURCE
#include "find.h"

#include <string.h>

ptrdiff_t connlog_find(const void *bytes, size_t count, const void *text, size_t length) {
    const char *found = memmem(bytes, count, text, length);
    return found ? found - (const char *)bytes : -1;
}
