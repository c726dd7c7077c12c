#define _GNU_SOURCE
#include "system.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>

const int connlog_O_CLOEXEC = O_CLOEXEC;
const int connlog_O_NOFOLLOW = O_NOFOLLOW;

void connlog_error_text(int error, char *out, size_t capacity) {
    const char *text = strerrordesc_np(error);
    strncpy(out, text ? text : "Unknown error", capacity - 1);
    out[capacity - 1] = 0;
}

void connlog_name_thread(const char *name) {
    char cut[16];
    strncpy(cut, name, 15);
    cut[15] = 0;
    pthread_setname_np(pthread_self(), cut);
}

int connlog_unacknowledged_bytes(int socket) {
    int bytes = 0;
    return ioctl(socket, SIOCOUTQ, &bytes) == 0 ? bytes : -1;
}
