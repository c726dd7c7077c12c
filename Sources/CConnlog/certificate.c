#define _GNU_SOURCE
#include "certificate.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <time.h>

static int seconds(const ASN1_TIME *time, int64_t *out) {
    struct tm parts;
    if (!time || !ASN1_TIME_to_tm(time, &parts)) return -1;
    *out = timegm(&parts);
    return 0;
}

/// Takes the reasons of OpenSSL off its list; the first is where it went wrong.
static void tell(char *text, size_t capacity) {
    unsigned long code = ERR_get_error();
    const char *reason = ERR_GET_LIB(code) == ERR_LIB_SYS ? NULL : ERR_reason_error_string(code);
    char whole[256];
    if (!reason) ERR_error_string_n(code, whole, sizeof whole);
    snprintf(text, capacity, "%s", reason ? reason : whole);
    ERR_clear_error();
}

/// Nobody is asked for a passphrase: a server has nobody to ask.
static int no_passphrase(char *buffer, int size, int is_writing, void *data) {
    (void)buffer, (void)size, (void)is_writing, (void)data;
    return 0;
}

int connlog_certificate_look(const char *certificate, const char *key, int64_t *from, int64_t *until, char *text,
                             size_t capacity) {
    ERR_clear_error();
    int outcome = -1;
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (!context) {
        tell(text, capacity);
        return -1;
    }
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    const X509 *first = NULL;
    if (SSL_CTX_use_certificate_chain_file(context, certificate) == 1) first = SSL_CTX_get0_certificate(context);
    if (first && seconds(X509_get0_notBefore(first), from) == 0 && seconds(X509_get0_notAfter(first), until) == 0) {
        outcome = SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1
                      && SSL_CTX_check_private_key(context) == 1
                  ? 0
                  : -2;
    }
    if (outcome != 0) tell(text, capacity);
    SSL_CTX_free(context);
    return outcome;
}
