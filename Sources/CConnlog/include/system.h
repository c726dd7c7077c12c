#pragma once

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// Constants of glibc that only `_GNU_SOURCE` shows.
extern const int connlog_O_CLOEXEC;
extern const int connlog_O_NOFOLLOW;

/// The text of an errno value, in English, written to `out`.
void connlog_error_text(int error, char *_Nonnull out, size_t capacity);

/// Names the calling thread, for `top -H` and core files; at most 15 characters are kept.
void connlog_name_thread(const char *_Nonnull name);

/// Bytes written to a TCP socket that the peer's kernel has not acknowledged yet (SIOCOUTQ), or -1 and errno.
int connlog_unacknowledged_bytes(int socket);

/// Renames without replacing: -1 and EEXIST when the new name is taken, EINVAL where the file system cannot do it.
int connlog_rename_new(const char *_Nonnull from, const char *_Nonnull to);

/// Lets writes to a descriptor wait again; -1 and errno when that fails.
int connlog_clear_nonblocking(int descriptor);
/// How many characters stand in a line of a terminal, and how many lines are seen; -1 and errno for what is no terminal.
int connlog_terminal_size(int descriptor, int *_Nonnull columns, int *_Nonnull lines);
/// What kind of file system a path lies on, as linux/magic.h numbers them; 0 when that cannot be told.
long connlog_file_system_kind(const char *_Nonnull path);
