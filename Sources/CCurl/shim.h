#pragma once
#include <curl/curl.h>

// libcurl's setters and getters are variadic, which Swift cannot call: one typed function per type.

static inline CURLcode connlog_curl_set_long(CURL *_Nonnull handle, CURLoption option, long value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode connlog_curl_set_offset(CURL *_Nonnull handle, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode connlog_curl_set_text(CURL *_Nonnull handle, CURLoption option, const char *_Nullable value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode connlog_curl_set_pointer(CURL *_Nonnull handle, CURLoption option, void *_Nullable value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode connlog_curl_set_list(CURL *_Nonnull handle, CURLoption option,
                                             struct curl_slist *_Nullable value) {
    return curl_easy_setopt(handle, option, value);
}

/// For CURLOPT_READFUNCTION, CURLOPT_WRITEFUNCTION and CURLOPT_HEADERFUNCTION.
typedef size_t (*connlog_curl_transfer)(char *_Nullable bytes, size_t size, size_t count, void *_Nullable context);

static inline CURLcode connlog_curl_set_transfer(CURL *_Nonnull handle, CURLoption option,
                                                 connlog_curl_transfer _Nonnull function) {
    return curl_easy_setopt(handle, option, function);
}

/// For CURLOPT_SEEKFUNCTION.
typedef int (*connlog_curl_seek)(void *_Nullable context, curl_off_t offset, int origin);

static inline CURLcode connlog_curl_set_seek(CURL *_Nonnull handle, connlog_curl_seek _Nonnull function) {
    return curl_easy_setopt(handle, CURLOPT_SEEKFUNCTION, function);
}

static inline long connlog_curl_get_long(CURL *_Nonnull handle, CURLINFO info) {
    long value = 0;
    curl_easy_getinfo(handle, info, &value);
    return value;
}

static inline curl_off_t connlog_curl_get_offset(CURL *_Nonnull handle, CURLINFO info) {
    curl_off_t value = 0;
    curl_easy_getinfo(handle, info, &value);
    return value;
}

static inline void *_Nullable connlog_curl_get_private(CURL *_Nonnull handle) {
    char *value = NULL;
    curl_easy_getinfo(handle, CURLINFO_PRIVATE, &value);
    return value;
}

static inline CURLMcode connlog_curl_multi_set_long(CURLM *_Nonnull handle, CURLMoption option, long value) {
    return curl_multi_setopt(handle, option, value);
}

static inline CURLcode connlog_curl_message_result(const CURLMsg *_Nonnull message) { return message->data.result; }

/// Only these two, and no redirect to any other.
static inline void connlog_curl_allow_http_only(CURL *_Nonnull handle) {
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}

/// Certificates are read again for every new connection, so that a renewed file is seen.
static inline void connlog_curl_read_certificates_again(CURL *_Nonnull handle) {
#if LIBCURL_VERSION_NUM >= 0x075700
    curl_easy_setopt(handle, CURLOPT_CA_CACHE_TIMEOUT, 0L);
#else
    (void)handle;
#endif
}

/// curl's cast macro hides these behind an enum value and a pointer.
static inline CURLcode connlog_curl_global_init(void) { return curl_global_init(CURL_GLOBAL_DEFAULT); }
