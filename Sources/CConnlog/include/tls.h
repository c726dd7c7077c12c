#pragma once

#include <stddef.h>
#include <stdint.h>

/// The client's side of a TLS session over a connected, non-blocking socket, by OpenSSL. Used by one thread at a time.
///
/// It writes with MSG_NOSIGNAL, and counts the bytes that it hands to the socket, so that the caller can hold
/// the kernel's acknowledgements against them.
typedef struct connlog_tls connlog_tls;

/// What a step of a session came to.
enum {
    connlog_tls_done = 0,
    /// Again, once the socket can be read or written.
    connlog_tls_wants_read = 1,
    connlog_tls_wants_write = 2,
    /// The peer has said that nothing more comes (close_notify).
    connlog_tls_closed = 3,
    /// See `connlog_tls_failed_how`.
    connlog_tls_failed = 4,
};

/// Where a failure came from.
enum {
    connlog_tls_by_system = 1,      ///< code: errno
    connlog_tls_by_end = 2,         ///< the peer closed without close_notify
    connlog_tls_by_certificate = 3, ///< code: X509_V_ERR_...; the peer's certificate was not accepted
    connlog_tls_by_alert = 4,       ///< code: the alert's number; the peer did not like something
    connlog_tls_by_protocol = 5,    ///< what the peer says is not TLS, or not a TLS that we speak
    connlog_tls_by_file = 6,        ///< a file of ours cannot be used
};

typedef struct {
    int kind;
    long code;
    /// OpenSSL's words, and about a certificate: whom it is for, who has signed it, how long it is good.
    char text[200], names[300], issuer[200], subject[200], good_from[40], good_until[40];
} connlog_tls_failure;

/// Never NULL but when memory is out.
connlog_tls *_Nullable connlog_tls_new(int socket);
void connlog_tls_free(connlog_tls *_Nonnull session);

/// What went wrong last.
const connlog_tls_failure *_Nonnull connlog_tls_failed_how(const connlog_tls *_Nonnull session);

/// Whom to trust: a PEM file, or NULL for the system's authorities. 0, or -1.
int connlog_tls_trust(connlog_tls *_Nonnull session, const char *_Nullable file);
/// Our certificate, with its chain, and its key, both PEM. 0, or -1.
int connlog_tls_identify(connlog_tls *_Nonnull session, const char *_Nonnull certificate, const char *_Nonnull key);
/// Whom the certificate must be for, and whether that is checked. 0, or -1. Call it last before the handshake.
int connlog_tls_expect(connlog_tls *_Nonnull session, const char *_Nonnull host, int is_address, int verifies);

int connlog_tls_handshake(connlog_tls *_Nonnull session);
/// Writes some of `length` (> 0) bytes; `*written` says how many of them are done with. With the same bytes again
/// after `wants`.
int connlog_tls_write(connlog_tls *_Nonnull session, const void *_Nonnull bytes, size_t length,
                      size_t *_Nonnull written);
int connlog_tls_read(connlog_tls *_Nonnull session, void *_Nonnull bytes, size_t length, size_t *_Nonnull count);
/// Says that nothing more comes (close_notify).
int connlog_tls_shutdown(connlog_tls *_Nonnull session);

/// Bytes that the socket has taken, the handshake's included.
uint64_t connlog_tls_bytes_written(const connlog_tls *_Nonnull session);
/// Whether the peer has asked for our certificate.
int connlog_tls_was_asked(const connlog_tls *_Nonnull session);
/// Whether the peer must have checked what it asked for: always true for TLS 1.2; with 1.3 once it has sent a ticket.
int connlog_tls_was_accepted(const connlog_tls *_Nonnull session);
/// `TLSv1.3`
const char *_Nonnull connlog_tls_version(const connlog_tls *_Nonnull session);
/// `TLS_AES_256_GCM_SHA384`
const char *_Nonnull connlog_tls_cipher(const connlog_tls *_Nonnull session);
/// The hash of the peer's certificate by SHA-1 (20 bytes) or SHA-256 (32 bytes). The number of bytes, or 0.
int connlog_tls_fingerprint(const connlog_tls *_Nonnull session, int is_sha256, uint8_t *_Nonnull digest);
