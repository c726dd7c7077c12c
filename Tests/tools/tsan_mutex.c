// Lets ThreadSanitizer see that a Swift `Mutex` was waited for.
//
// The quick way of Mutex.withLock is compiled into the program, so the sanitizer sees it. When the lock is taken, the
// standard library waits in _MutexHandle._lockSlow, which is not instrumented: without this, whatever two threads do
// one after the other under a lock that was contended looks like a race. Loaded with LD_PRELOAD by Tests/sanitize.sh.
//
//     clang -shared -fPIC -O1 -o tsan_mutex.so Tests/tools/tsan_mutex.c -ldl
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>

#define LOCK_SLOW "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"

typedef void __attribute__((swiftcall)) lock_function(uint32_t, __attribute__((swift_context)) void *);

extern void __tsan_acquire(void *) __attribute__((weak));

__attribute__((swiftcall)) void lock_slow(uint32_t, __attribute__((swift_context)) void *) __asm__(LOCK_SLOW);

__attribute__((swiftcall)) void lock_slow(uint32_t self_id, __attribute__((swift_context)) void *handle) {
    static lock_function *real;
    if (!real) real = (lock_function *)dlsym(RTLD_NEXT, LOCK_SLOW);
    real(self_id, handle);
    // Unlocking begins with an exchange in the program itself, which is the other half of this.
    if (__tsan_acquire) __tsan_acquire(handle);
}
