#pragma once

#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>

/// How many datagrams one call of `connlog_send_datagrams` can take.
enum { connlog_datagrams_max = 128 };

/// Sends datagrams on a connected socket in one system call: datagram i is `lengths[i]` bytes from `bytes + starts[i]`.
/// Returns how many were sent (at least one), or -1 and errno, which is about the first of them.
int connlog_send_datagrams(int socket, const uint8_t *_Nonnull bytes, const uint32_t *_Nonnull starts,
                           const uint32_t *_Nonnull lengths, int count);

/// setsockopt of an int; 0, or -1 and errno.
int connlog_set_option(int socket, int level, int name, int value);

/// How many more bytes the peer of a TCP socket would take, as it said last (TCP_INFO), or -1: kernels before 5.4 do not
/// tell.
int64_t connlog_peer_window(int socket);

/// The error that is pending on a socket (SO_ERROR), which this clears; 0 for none.
int connlog_pending_error(int socket);

/// Waits until a socket is ready for some of `events` (POLLIN, POLLOUT) or has failed, at most so many nanoseconds.
/// Returns what it is ready for; 0 when the time is over or a signal came; -1 and errno.
int connlog_wait(int socket, int events, int64_t nanoseconds);

/// How many sockets one call of `connlog_wait_for_many` can watch.
enum { connlog_waits_max = 16 };

/// Waits until one of `count` sockets can be written or has failed, at most so many nanoseconds.
/// Returns the place of the first such one; -1 when the time is over or a signal came; -2 and errno.
int connlog_wait_for_many(const int *_Nonnull sockets, int count, int64_t nanoseconds);

/// Connects to a local socket by its path, or for a datagram socket sets where it sends to. 0, or -1 and errno.
int connlog_connect_path(int socket, const char *_Nonnull path);

/// Reads an IP address as inet_pton does, without a mask, as the two halves of an IPv6 address; IPv4 as `::ffff:a.b.c.d`.
/// Returns whether it is one.
bool connlog_ip_address(const uint8_t *_Nonnull text, size_t length, uint64_t words[_Nonnull 2]);
