#define _GNU_SOURCE
#include "process.h"

#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int argument_count;
static char **arguments;

// glibc calls constructors with what main gets, before anything can have changed the environment.
__attribute__((constructor)) static void keep_arguments(int count, char **values) {
    argument_count = count;
    arguments = values;
}

int connlog_argument_count(void) { return arguments ? argument_count : 0; }

const char *connlog_argument(int index) {
    return index >= 0 && index < connlog_argument_count() ? arguments[index] : 0;
}

static void hold_descriptors(void) {
    for (int descriptor = 0; descriptor <= 2; descriptor++) {
        if (fcntl(descriptor, F_GETFD) >= 0 || errno != EBADF) continue;
        // The lowest free one is taken. Opened the wrong way, input and output fail when they are used.
        int opened = open("/dev/null", descriptor == 1 ? O_RDONLY : O_WRONLY);
        if (opened > descriptor) close(opened);
    }
}

static void say(const char *text) {
    ssize_t written = write(2, text, strlen(text));
    (void)written;
}

static void crashed(int number) {
    // Should the next lines hang, the process ends all the same.
    signal(SIGALRM, SIG_DFL);
    alarm(2);
    char line[] = "\nconnlog: crashed by signal 00; these lines say where, for a report:\n";
    char *digits = strstr(line, "00");
    digits[0] = (char)('0' + number / 10 % 10);
    digits[1] = (char)('0' + number % 10);
    say(line);
    void *frames[64];
    backtrace_symbols_fd(frames, backtrace(frames, 64), 2);
    // SA_RESETHAND has brought back what ends a process.
    raise(number);
}

static void handle_crashes(void) {
    signal(SIGQUIT, SIG_DFL);
    // The first call loads a library, which a crash is no time for.
    void *frame[1];
    backtrace(frame, 1);
    static char stack[64 * 1024];
    stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&other, 0);
    struct sigaction action = {.sa_handler = crashed, .sa_flags = SA_RESETHAND | SA_NODEFER | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    const int signals[] = {SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE, SIGABRT};
    for (size_t index = 0; index < sizeof signals / sizeof *signals; index++) sigaction(signals[index], &action, 0);
}

// libdispatch gives each of its threads a niceness of its own where it may, and so would take back that the server's process
// leaves time to others. Of this program nobody needs to be put before others. Threads made later have what this one has.
static void drop_right_to_precedence(void) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct rights[2] = {{0, 0, 0}, {0, 0, 0}};
    if (syscall(SYS_capget, &header, rights) != 0) return;
    // A sandbox that gives none may also end whoever asks to change them.
    if (!(rights[CAP_TO_INDEX(CAP_SYS_NICE)].permitted & CAP_TO_MASK(CAP_SYS_NICE))) return;
    rights[CAP_TO_INDEX(CAP_SYS_NICE)].effective &= ~CAP_TO_MASK(CAP_SYS_NICE);
    rights[CAP_TO_INDEX(CAP_SYS_NICE)].permitted &= ~CAP_TO_MASK(CAP_SYS_NICE);
    rights[CAP_TO_INDEX(CAP_SYS_NICE)].inheritable &= ~CAP_TO_MASK(CAP_SYS_NICE);
    syscall(SYS_capset, &header, rights);
}

void connlog_prepare_process(void) {
    hold_descriptors();
    umask(0077);
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    // Some core handlers do not look at the limit.
    prctl(PR_SET_DUMPABLE, 0);
    drop_right_to_precedence();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    if (!getenv("SWIFT_BACKTRACE")) handle_crashes();
}
