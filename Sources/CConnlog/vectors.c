#include "vectors.h"
#include "kernels.h"

static int widest = 16;
static int limit = 32;

__attribute__((constructor)) static void find_widest(void) {
#ifdef CONNLOG_WIDE
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2")) widest = 32;
#endif
}

int connlog_vector_bytes(void) {
    int allowed = __atomic_load_n(&limit, __ATOMIC_RELAXED);
    return widest < allowed ? widest : allowed;
}

void connlog_limit_vectors(int bytes) { __atomic_store_n(&limit, bytes, __ATOMIC_RELAXED); }
