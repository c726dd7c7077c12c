#define _GNU_SOURCE
#include "child.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

int connlog_socket_pair(int *first, int *second) {
    int both[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both) != 0) return -1;
    *first = both[0];
    *second = both[1];
    return 0;
}

static int prepare(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes, int inherited) {
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int failure = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
    if (!failure) failure = posix_spawn_file_actions_addopen(actions, 1, "/dev/null", O_WRONLY, 0);
    // If it is 3 already, this only takes away that it is closed on exec.
    if (!failure) failure = posix_spawn_file_actions_adddup2(actions, inherited, 3);
    if (!failure) failure = posix_spawn_file_actions_addclosefrom_np(actions, 4);
    if (!failure) failure = posix_spawnattr_setsigmask(attributes, &none);
    if (!failure) failure = posix_spawnattr_setsigdefault(attributes, &all);
    if (!failure) failure = posix_spawnattr_setpgroup(attributes, 0);
    if (!failure) {
        failure = posix_spawnattr_setflags(
            attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    }
    return failure;
}

int connlog_spawn(
    pid_t *pid, const char *program, char *const *arguments, char *const *environment, int inherited) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int failure = posix_spawn_file_actions_init(&actions);
    if (failure) return failure;
    failure = posix_spawnattr_init(&attributes);
    if (!failure) {
        failure = prepare(&actions, &attributes, inherited);
        if (!failure) failure = posix_spawn(pid, program, &actions, &attributes, arguments, environment);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return failure;
}

// Linux keeps both for each thread. Batch work interrupts nobody when it wakes up.
static void step_back(pid_t thread) {
    struct sched_param none = {0};
    sched_setscheduler(thread, SCHED_BATCH, &none);
    setpriority(PRIO_PROCESS, (id_t)thread, 19);
}

void connlog_step_back(void) {
    DIR *threads = opendir("/proc/self/task");
    if (threads) {
        struct dirent *entry;
        while ((entry = readdir(threads))) {
            int thread = atoi(entry->d_name);
            if (thread > 0) step_back(thread);
        }
        closedir(threads);
    } else {
        step_back(0);
    }
    int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (file < 0) return;
    ssize_t ignored = write(file, "800", 3);
    (void)ignored;
    close(file);
}
