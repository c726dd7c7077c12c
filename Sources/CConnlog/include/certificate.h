#pragma once

#include <stddef.h>
#include <stdint.h>

/// Looks at a certificate and its key, both PEM files, as a server would use them.
///
/// 0: `*from` and `*until` are the seconds since 1970 between which the first certificate holds. -1: `text` says in words
/// of OpenSSL's what is wrong with the certificate, -2: with the key, or with the two together.
int connlog_certificate_look(const char *_Nonnull certificate, const char *_Nonnull key, int64_t *_Nonnull from,
                             int64_t *_Nonnull until, char *_Nonnull text, size_t capacity);
