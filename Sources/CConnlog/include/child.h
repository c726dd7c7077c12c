#pragma once

#include <sys/types.h>

/// Two connected stream sockets of this machine, closed on exec; -1 and errno when there are none to be had.
int connlog_socket_pair(int *_Nonnull first, int *_Nonnull second);

/// Starts a program in a process group of its own, with `inherited` as descriptor 3, standard error shared, standard
/// input and output at /dev/null, no other descriptor, and every signal as a new program has it.
///
/// - Returns: 0, or why it could not be started.
int connlog_spawn(
    pid_t *_Nonnull pid, const char *_Nonnull program, char *_Nullable const *_Nonnull arguments,
    char *_Nullable const *_Nonnull environment, int inherited);

/// Lets all threads of this process that there are now, and those that they start, run only when others leave time, and
/// makes it the first that the kernel ends when memory runs out. What fails of it is left as it is.
void connlog_step_back(void);
