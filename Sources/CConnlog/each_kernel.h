// Includes `WAY_FILE`, whose functions are named by `WAY`, for vectors of 16 bytes and, where there may be AVX2, of 32.
#define VECTOR_BYTES 16
#define WAY(name) name##_16
#include WAY_FILE
#undef VECTOR_BYTES
#undef WAY

#ifdef CONNLOG_WIDE
#define VECTOR_BYTES 32
#define WAY(name) name##_32
#pragma clang attribute push(CONNLOG_WIDE, apply_to = function)
#include WAY_FILE
#pragma clang attribute pop
#define EITHER(name, ...) (connlog_vector_bytes() == 32 ? name##_32(__VA_ARGS__) : name##_16(__VA_ARGS__))
#else
#define EITHER(name, ...) name##_16(__VA_ARGS__)
#endif
