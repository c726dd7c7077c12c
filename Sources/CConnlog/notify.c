#define _GNU_SOURCE
#include "notify.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

int connlog_notify(const char *address, const char *text, size_t length) {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t size = strlen(address);
    if (size < 2 || size >= sizeof to.sun_path) {
        errno = size < 2 ? EINVAL : ENAMETOOLONG;
        return -1;
    }
    memcpy(to.sun_path, address, size);
    // An abstract name begins with a zero and ends with its length, without one more zero.
    if (address[0] == '@') to.sun_path[0] = 0;
    int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return -1;
    ssize_t sent;
    do
        sent = sendto(descriptor, text, length, MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&to,
                      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + (address[0] != '@')));
    while (sent < 0 && errno == EINTR);
    int error = errno;
    close(descriptor);
    errno = error;
    return sent < 0 ? -1 : 0;
}

int connlog_is_file(int descriptor, unsigned long long device, unsigned long long inode) {
    struct stat status;
    return fstat(descriptor, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}
