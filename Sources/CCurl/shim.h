#include <curl/curl.h>

// libcurl's setters take what follows the option as `...`, which Swift does not call: one function for each type.

static inline CURLcode weir_curl_set_number(CURL *handle, CURLoption option, long value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode weir_curl_set_size(CURL *handle, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(handle, option, value);
}

/// libcurl copies the text, but for that of CURLOPT_POSTFIELDS.
static inline CURLcode weir_curl_set_text(CURL *handle, CURLoption option, const char *value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode weir_curl_set_pointer(CURL *handle, CURLoption option, const void *value) {
    return curl_easy_setopt(handle, option, value);
}

typedef size_t (*weir_curl_sink)(char *bytes, size_t size, size_t count, void *context);

static inline CURLcode weir_curl_set_sink(CURL *handle, CURLoption option, weir_curl_sink sink) {
    return curl_easy_setopt(handle, option, sink);
}

static inline CURLcode weir_curl_get_number(CURL *handle, CURLINFO info, long *value) {
    return curl_easy_getinfo(handle, info, value);
}

/// 1 and the result where a transfer has ended, 0 where none has.
static inline int weir_curl_ended(CURLM *multi, CURLcode *result) {
    int left = 0;
    for (CURLMsg *message = curl_multi_info_read(multi, &left); message; message = curl_multi_info_read(multi, &left)) {
        if (message->msg == CURLMSG_DONE) {
            *result = message->data.result;
            return 1;
        }
    }
    return 0;
}
