#define _GNU_SOURCE
#include "sockets.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>

int connlog_send_datagrams(int socket, const uint8_t *bytes, const uint32_t *starts, const uint32_t *lengths,
                           int count) {
    struct mmsghdr messages[connlog_datagrams_max];
    struct iovec parts[connlog_datagrams_max];
    if (count > connlog_datagrams_max) count = connlog_datagrams_max;
    for (int i = 0; i < count; i++) {
        parts[i] = (struct iovec){.iov_base = (void *)(bytes + starts[i]), .iov_len = lengths[i]};
        messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &parts[i], .msg_iovlen = 1}};
    }
    int sent;
    do sent = sendmmsg(socket, messages, (unsigned)count, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    return sent;
}

int connlog_set_option(int socket, int level, int name, int value) {
    return setsockopt(socket, level, name, &value, sizeof value);
}

int64_t connlog_peer_window(int socket) {
    struct tcp_info info;
    socklen_t size = sizeof info;
    if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return -1;
    return size >= offsetof(struct tcp_info, tcpi_snd_wnd) + sizeof info.tcpi_snd_wnd ? (int64_t)info.tcpi_snd_wnd : -1;
}

int connlog_pending_error(int socket) {
    int error = 0;
    socklen_t size = sizeof error;
    return getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

int connlog_wait(int socket, int events, int64_t nanoseconds) {
    struct pollfd entry = {.fd = socket, .events = (short)events};
    struct timespec limit = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
    int count = ppoll(&entry, 1, &limit, NULL);
    if (count < 0) return errno == EINTR ? 0 : -1;
    return count > 0 ? entry.revents : 0;
}

int connlog_wait_for_many(const int *sockets, int count, int64_t nanoseconds) {
    struct pollfd entries[connlog_waits_max];
    if (count > connlog_waits_max) count = connlog_waits_max;
    for (int i = 0; i < count; i++) entries[i] = (struct pollfd){.fd = sockets[i], .events = POLLOUT};
    struct timespec limit = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
    int ready = ppoll(entries, (nfds_t)count, &limit, NULL);
    if (ready < 0) return errno == EINTR ? -1 : -2;
    for (int i = 0; i < count; i++) {
        if (entries[i].revents) return i;
    }
    return -1;
}

int connlog_connect_path(int socket, const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    if (length >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, path, length);
    return connect(socket, (struct sockaddr *)&address, sizeof address);
}

bool connlog_ip_address(const uint8_t *text, size_t length, uint64_t words[2]) {
    char copy[INET6_ADDRSTRLEN];
    if (length >= sizeof copy || memchr(text, 0, length)) return false;
    memcpy(copy, text, length);
    copy[length] = 0;
    uint64_t bytes[2] = {0, htobe64(0xffff00000000)};
    bool is_v6 = memchr(text, ':', length);
    if (inet_pton(is_v6 ? AF_INET6 : AF_INET, copy, is_v6 ? (void *)bytes : (char *)bytes + 12) != 1) return false;
    words[0] = be64toh(bytes[0]);
    words[1] = be64toh(bytes[1]);
    return true;
}
