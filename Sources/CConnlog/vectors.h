#pragma once

/// Some kernels are there twice: with vectors of 16 bytes, which every x86-64 has (other machines take the plain loops),
/// and with 32 for those that have AVX2, which nearly all servers of the last ten years have. Measured: a seventh fewer
/// instructions for an event on its way.
#if defined(__x86_64__) && defined(__clang__)
#include <immintrin.h>
#define CONNLOG_WIDE __attribute__((target("avx2,bmi,bmi2")))
#endif

#define ALWAYS static inline __attribute__((always_inline))

/// 32 where the processor has AVX2, unless `connlog_limit_vectors` says otherwise; else 16.
extern int connlog_vectors;

static inline int connlog_vector_bytes(void) { return __atomic_load_n(&connlog_vectors, __ATOMIC_RELAXED); }
