#pragma once

#include <stddef.h>

/// Sends one datagram to a local socket: by its path, or by a name in Linux's abstract space when it begins with '@'.
/// Never waits. 0, or -1 and errno.
int connlog_notify(const char *_Nonnull address, const char *_Nonnull text, size_t length);

/// Whether a descriptor is the file with this device and inode.
int connlog_is_file(int descriptor, unsigned long long device, unsigned long long inode);
