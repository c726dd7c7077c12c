// Lets ThreadSanitizer see that a Swift `Mutex` was waited for.
//
// The quick ways of Mutex.withLock are compiled into the program, so the sanitizer sees them. When somebody else has the
// lock, or waits for it, the standard library goes through the kernel in _MutexHandle._lockSlow and _unlockSlow, which
// are not instrumented: without this, whatever two threads do one after the other under a contended lock looks like a
// race. Loaded with LD_PRELOAD by Tests/sanitize.sh.
//
//     clang -shared -fPIC -O1 -o tsan_mutex.so Tests/tools/tsan_mutex.c -ldl
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>

#define LOCK_SLOW "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK_SLOW "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"
#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *

typedef void SWIFT lock_function(uint32_t, SELF);
typedef void SWIFT unlock_function(SELF);

extern void __tsan_acquire(void *) __attribute__((weak));
extern void __tsan_release(void *) __attribute__((weak));

SWIFT void lock_slow(uint32_t thread, SELF handle) __asm__(LOCK_SLOW);
SWIFT void unlock_slow(SELF handle) __asm__(UNLOCK_SLOW);

SWIFT void lock_slow(uint32_t thread, SELF handle) {
    static lock_function *real;
    if (!real) real = (lock_function *)dlsym(RTLD_NEXT, LOCK_SLOW);
    real(thread, handle);
    if (__tsan_acquire) __tsan_acquire(handle);
}

SWIFT void unlock_slow(SELF handle) {
    static unlock_function *real;
    if (!real) real = (unlock_function *)dlsym(RTLD_NEXT, UNLOCK_SLOW);
    if (__tsan_release) __tsan_release(handle);
    real(handle);
}
