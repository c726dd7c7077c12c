#include "vectors.h"
#include "vector_limit.h"

int connlog_vectors = 16;
static int widest = 16;

__attribute__((constructor)) static void find_widest(void) {
#ifdef CONNLOG_WIDE
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2")) widest = 32;
#endif
    connlog_limit_vectors(widest);
}

void connlog_limit_vectors(int bytes) {
    __atomic_store_n(&connlog_vectors, bytes < widest ? bytes : widest, __ATOMIC_RELAXED);
}
