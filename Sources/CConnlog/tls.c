#define _GNU_SOURCE
#include "tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct connlog_tls {
    SSL_CTX *context;
    SSL *ssl;
    int socket;
    int error;        // errno of the last call on the socket
    int has_ended;    // the peer's FIN was read
    int was_asked;    // for our certificate
    int has_ticket;
    uint64_t written;
    connlog_tls_failure failure;
};

// MARK: The socket as OpenSSL sees it

static int socket_write(BIO *bio, const char *bytes, int length) {
    connlog_tls *session = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t count = send(session->socket, bytes, (size_t)length, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count >= 0) {
        session->written += (uint64_t)count;
        return (int)count;
    }
    session->error = errno;
    if (errno == EAGAIN || errno == EINTR) BIO_set_retry_write(bio);
    return -1;
}

static int socket_read(BIO *bio, char *bytes, int length) {
    connlog_tls *session = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t count = recv(session->socket, bytes, (size_t)length, MSG_DONTWAIT);
    if (count > 0) return (int)count;
    if (count == 0) {
        session->has_ended = 1;
        return 0;
    }
    session->error = errno;
    if (errno == EAGAIN || errno == EINTR) BIO_set_retry_read(bio);
    return -1;
}

static long socket_control(BIO *bio, int command, long number, void *pointer) {
    (void)number, (void)pointer;
    connlog_tls *session = BIO_get_data(bio);
    switch (command) {
    case BIO_CTRL_FLUSH: return 1;
    case BIO_CTRL_EOF: return session->has_ended;
    default: return 0;
    }
}

static BIO_METHOD *socket_method;

static void make_socket_method(void) {
    socket_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "connlog socket");
    if (!socket_method) return;
    BIO_meth_set_write(socket_method, socket_write);
    BIO_meth_set_read(socket_method, socket_read);
    BIO_meth_set_ctrl(socket_method, socket_control);
}

// MARK: What went wrong

static void set_failure(connlog_tls *session, int kind, long code, const char *text) {
    session->failure.kind = kind;
    session->failure.code = code;
    snprintf(session->failure.text, sizeof session->failure.text, "%s", text ? text : "");
}

/// Adds one name; what is not printable becomes a question mark.
static void add_name(char *text, size_t size, const char *name) {
    size_t used = strlen(text);
    snprintf(text + used, size - used, "%s%s", used ? ", " : "", name);
    for (char *next = text + used; *next; next++) {
        if (*next < ' ' || *next > '~') *next = '?';
    }
}

/// Whom a certificate is for: `siem.example.com, 192.0.2.7`; its subject when it says no more.
static void write_names(X509 *certificate, char *text, size_t size) {
    text[0] = 0;
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; names && i < sk_GENERAL_NAME_num(names); i++) {
        GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        char one[INET6_ADDRSTRLEN > 128 ? INET6_ADDRSTRLEN : 128];
        if (name->type == GEN_DNS) {
            snprintf(one, sizeof one, "%.*s", ASN1_STRING_length(name->d.dNSName),
                     (const char *)ASN1_STRING_get0_data(name->d.dNSName));
            add_name(text, size, one);
        } else if (name->type == GEN_IPADD) {
            int is_v4 = ASN1_STRING_length(name->d.iPAddress) == 4;
            if (!is_v4 && ASN1_STRING_length(name->d.iPAddress) != 16) continue;
            const void *bytes = ASN1_STRING_get0_data(name->d.iPAddress);
            if (inet_ntop(is_v4 ? AF_INET : AF_INET6, bytes, one, sizeof one)) add_name(text, size, one);
        }
    }
    GENERAL_NAMES_free(names);
    if (!text[0]) X509_NAME_oneline(X509_get_subject_name(certificate), text, (int)size);
}

static void write_time(const ASN1_TIME *time, char *text, size_t size) {
    struct tm parts;
    text[0] = 0;
    if (ASN1_TIME_to_tm(time, &parts)) strftime(text, size, "%Y-%m-%d %H:%M:%S UTC", &parts);
}

/// OpenSSL calls this for every certificate of the chain; ours to note what was wrong with the one that failed.
static int on_certificate(int is_good, X509_STORE_CTX *store) {
    if (is_good) return 1;
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    connlog_tls *session = SSL_get_app_data(ssl);
    X509 *certificate = X509_STORE_CTX_get_current_cert(store);
    int code = X509_STORE_CTX_get_error(store);
    set_failure(session, connlog_tls_by_certificate, code, X509_verify_cert_error_string(code));
    if (!certificate) return 0;
    connlog_tls_failure *failure = &session->failure;
    write_names(certificate, failure->names, sizeof failure->names);
    X509_NAME_oneline(X509_get_issuer_name(certificate), failure->issuer, sizeof failure->issuer);
    X509_NAME_oneline(X509_get_subject_name(certificate), failure->subject, sizeof failure->subject);
    write_time(X509_get0_notBefore(certificate), failure->good_from, sizeof failure->good_from);
    write_time(X509_get0_notAfter(certificate), failure->good_until, sizeof failure->good_until);
    return 0;
}

static void set_ssl_failure(connlog_tls *session) {
    unsigned long error = ERR_peek_error();
    int reason = ERR_GET_REASON(error);
    const char *text = ERR_reason_error_string(error);
    int is_ssl = ERR_GET_LIB(error) == ERR_LIB_SSL;
    if (is_ssl && reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
        // `on_certificate` knows more.
        if (session->failure.kind != connlog_tls_by_certificate) {
            set_failure(session, connlog_tls_by_certificate, SSL_get_verify_result(session->ssl), text);
        }
    } else if (is_ssl && reason >= SSL_AD_REASON_OFFSET) {
        set_failure(session, connlog_tls_by_alert, reason - SSL_AD_REASON_OFFSET, text);
    } else if (is_ssl && reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
        set_failure(session, connlog_tls_by_end, 0, text);
    } else {
        set_failure(session, connlog_tls_by_protocol, reason, text);
    }
}

/// What OpenSSL says about the return value of a step.
static int outcome(connlog_tls *session, int value) {
    switch (SSL_get_error(session->ssl, value)) {
    case SSL_ERROR_NONE: return connlog_tls_done;
    case SSL_ERROR_WANT_READ: return connlog_tls_wants_read;
    case SSL_ERROR_WANT_WRITE: return connlog_tls_wants_write;
    case SSL_ERROR_ZERO_RETURN: return connlog_tls_closed;
    case SSL_ERROR_SYSCALL:
        if (session->error && session->error != EAGAIN && session->error != EINTR) {
            set_failure(session, connlog_tls_by_system, session->error, strerror(session->error));
        } else {
            set_failure(session, connlog_tls_by_end, 0, "unexpected end");
        }
        return connlog_tls_failed;
    default: set_ssl_failure(session); return connlog_tls_failed;
    }
}

/// Every step begins like this: OpenSSL's queue of errors is the thread's, not the session's.
static void begin(connlog_tls *session) {
    ERR_clear_error();
    session->error = 0;
}

// MARK: Making a session

static int on_certificate_wanted(SSL *ssl, void *argument) {
    (void)ssl;
    ((connlog_tls *)argument)->was_asked = 1;
    return 1;
}

static int on_ticket(SSL *ssl, SSL_SESSION *ticket) {
    (void)ticket;
    ((connlog_tls *)SSL_get_app_data(ssl))->has_ticket = 1;
    return 0;
}

/// A key with a passphrase is refused instead of asked for at a terminal.
static int no_passphrase(char *text, int size, int is_written, void *argument) {
    (void)text, (void)size, (void)is_written, (void)argument;
    return -1;
}

static int prepare(connlog_tls *session) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_socket_method);
    SSL_CTX *context = session->context = SSL_CTX_new(TLS_client_method());
    BIO *bio = socket_method ? BIO_new(socket_method) : NULL;
    if (!context || !bio) {
        BIO_free(bio);
        return -1;
    }
    BIO_set_data(bio, session);
    BIO_set_init(bio, 1);
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    // RFC 9662 §4: ECDHE and AEAD only, AES-128-GCM with RSA among them. TLS 1.3 has nothing else.
    SSL_CTX_set_cipher_list(context, "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256:"
                                     "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES256-GCM-SHA384:"
                                     "ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-CHACHA20-POLY1305");
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    // Tickets are only a sign that the peer has accepted us: no session is taken up again, and so no early data sent
    // (RFC 9662 §5).
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, on_ticket);
    SSL_CTX_set_cert_cb(context, on_certificate_wanted, session);
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    session->ssl = SSL_new(context);
    if (!session->ssl) {
        BIO_free(bio);
        return -1;
    }
    SSL_set_app_data(session->ssl, session);
    SSL_set_bio(session->ssl, bio, bio);
    SSL_set_connect_state(session->ssl);
    return 0;
}

connlog_tls *connlog_tls_new(int socket) {
    connlog_tls *session = calloc(1, sizeof *session);
    if (!session) return NULL;
    session->socket = socket;
    begin(session);
    if (prepare(session) != 0) {
        connlog_tls_free(session);
        return NULL;
    }
    return session;
}

void connlog_tls_free(connlog_tls *session) {
    SSL_free(session->ssl);
    SSL_CTX_free(session->context);
    free(session);
}

static int file_outcome(connlog_tls *session, int is_good) {
    if (is_good) return 0;
    unsigned long error = ERR_peek_error();
    const char *text = ERR_reason_error_string(error);
    // A system error has no words of OpenSSL's own.
    if (!text && ERR_SYSTEM_ERROR(error)) text = strerror(ERR_GET_REASON(error));
    set_failure(session, connlog_tls_by_file, ERR_GET_REASON(error), text);
    return -1;
}

int connlog_tls_trust(connlog_tls *session, const char *file) {
    begin(session);
    // As libcurl has it: whoever names an authority below a root, or the certificate itself, means that one.
    X509_VERIFY_PARAM_set_flags(SSL_get0_param(session->ssl), X509_V_FLAG_PARTIAL_CHAIN);
    int is_good = file ? SSL_CTX_load_verify_locations(session->context, file, NULL)
                       : SSL_CTX_set_default_verify_paths(session->context);
    return file_outcome(session, is_good == 1);
}

int connlog_tls_identify(connlog_tls *session, const char *certificate, const char *key) {
    begin(session);
    int is_good = SSL_use_certificate_chain_file(session->ssl, certificate) == 1 &&
                  SSL_use_PrivateKey_file(session->ssl, key, SSL_FILETYPE_PEM) == 1 &&
                  SSL_check_private_key(session->ssl) == 1;
    return file_outcome(session, is_good);
}

int connlog_tls_expect(connlog_tls *session, const char *host, int is_address, int verifies) {
    begin(session);
    // RFC 6066 §3: no address stands in a server name indication.
    if (!is_address && SSL_set_tlsext_host_name(session->ssl, host) != 1) return file_outcome(session, 0);
    SSL_set_verify(session->ssl, verifies ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, verifies ? on_certificate : NULL);
    if (!verifies) return 0;
    SSL_set_hostflags(session->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    int is_good = is_address ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session->ssl), host)
                             : SSL_set1_host(session->ssl, host);
    return file_outcome(session, is_good == 1);
}

// MARK: Using it

int connlog_tls_handshake(connlog_tls *session) {
    begin(session);
    return outcome(session, SSL_do_handshake(session->ssl));
}

int connlog_tls_write(connlog_tls *session, const void *bytes, size_t length, size_t *written) {
    begin(session);
    *written = 0;
    return outcome(session, SSL_write_ex(session->ssl, bytes, length, written));
}

int connlog_tls_read(connlog_tls *session, void *bytes, size_t length, size_t *count) {
    begin(session);
    *count = 0;
    return outcome(session, SSL_read_ex(session->ssl, bytes, length, count));
}

int connlog_tls_shutdown(connlog_tls *session) {
    begin(session);
    // 0 says that ours is out and the peer's is still to come.
    int value = SSL_shutdown(session->ssl);
    return value >= 0 ? connlog_tls_done : outcome(session, value);
}

const connlog_tls_failure *connlog_tls_failed_how(const connlog_tls *session) { return &session->failure; }

uint64_t connlog_tls_bytes_written(const connlog_tls *session) { return session->written; }

int connlog_tls_was_asked(const connlog_tls *session) { return session->was_asked; }

int connlog_tls_was_accepted(const connlog_tls *session) {
    return SSL_version(session->ssl) < TLS1_3_VERSION || session->has_ticket;
}

const char *connlog_tls_version(const connlog_tls *session) { return SSL_get_version(session->ssl); }

const char *connlog_tls_cipher(const connlog_tls *session) { return SSL_get_cipher_name(session->ssl); }

int connlog_tls_fingerprint(const connlog_tls *session, int is_sha256, uint8_t *digest) {
    X509 *certificate = SSL_get1_peer_certificate(session->ssl);
    unsigned length = 0;
    if (certificate && !X509_digest(certificate, is_sha256 ? EVP_sha256() : EVP_sha1(), digest, &length)) length = 0;
    X509_free(certificate);
    return (int)length;
}
