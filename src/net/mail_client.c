#include "net/mail_client.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/address.h"

struct mailing {
    struct mail_exchange *exchange;
    size_t sent;
    bool was_kept_in; /* an address that is not public was not connected to */
};

static pthread_once_t library_once = PTHREAD_ONCE_INIT;
static void library_begin(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) abort(); /* no memory */
}

static size_t on_send(char *ptr, size_t size, size_t count, void *ctx)
{
    struct mailing *mailing = ctx;
    struct bytes mail = mailing->exchange->mail;
    size_t left = mail.len - mailing->sent, len = size * count < left ? size * count : left;
    if (len > 0) memcpy(ptr, mail.ptr + mailing->sent, len);
    mailing->sent += len;
    return len;
}

static curl_socket_t on_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct mailing *mailing = ctx;
    (void)purpose;
    if (mailing->exchange->is_public_only && !address_is_public(&address->addr)) {
        mailing->was_kept_in = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static int on_progress(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const struct mailing *mailing = ctx;
    (void)a, (void)b, (void)c, (void)d;
    return mailing->exchange->cancel != NULL && atomic_load(mailing->exchange->cancel);
}

static void failure_tell(struct mailing *mailing, CURLcode failed, const char *words)
{
    struct mail_exchange *exchange = mailing->exchange;
    const char *text = words[0] != '\0' ? words : curl_easy_strerror(failed);
    if (failed == CURLE_ABORTED_BY_CALLBACK) {
        err_set(&exchange->err, ERR_CANCELLED, "the mail was given up");
    } else if (mailing->was_kept_in && failed == CURLE_COULDNT_CONNECT) {
        err_set(&exchange->err, ERR_FORBIDDEN, "\"%.100s\" is not at a public address", exchange->url);
    } else if (failed == CURLE_LOGIN_DENIED || exchange->status >= 500) {
        err_set(&exchange->err, ERR_INPUT, "the server of mail \"%.100s\" refuses: %s", exchange->url, text);
    } else {
        err_set(&exchange->err, ERR_IO, "could not send mail to \"%.100s\": %s", exchange->url, text);
    }
}

void mail_send(struct mail_exchange *exchange)
{
    struct mailing mailing = { .exchange = exchange };
    struct curl_slist *to = NULL;
    char words[CURL_ERROR_SIZE] = "", url[600], from[300];
    long status = 0;
    pthread_once(&library_once, library_begin);
    CURL *curl = curl_easy_init();
    if (curl == NULL) abort(); /* no memory */
    for (const char *const *one = exchange->to; *one != NULL; one++) {
        char address[300];
        snprintf(address, sizeof address, "<%s>", *one);
        to = curl_slist_append(to, address);
    }
    exchange->err = (struct err){ 0 };
    snprintf(from, sizeof from, "<%s>", exchange->from);
    snprintf(url, sizeof url, "%s/%s", exchange->url, exchange->hello);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_USE_SSL, exchange->needs_tls ? (long)CURLUSESSL_ALL : (long)CURLUSESSL_TRY);
    if (exchange->ca_file != NULL) curl_easy_setopt(curl, CURLOPT_CAINFO, exchange->ca_file);
    if (exchange->user != NULL) curl_easy_setopt(curl, CURLOPT_USERNAME, exchange->user);
    if (exchange->password != NULL) curl_easy_setopt(curl, CURLOPT_PASSWORD, exchange->password);
    curl_easy_setopt(curl, CURLOPT_MAIL_FROM, from);
    curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, to);
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_send);
    curl_easy_setopt(curl, CURLOPT_READDATA, &mailing);
    curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)exchange->mail.len);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, on_socket);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, &mailing);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &mailing);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)exchange->connect_ms_max);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)exchange->total_ms_max);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, words);
    CURLcode failed = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    exchange->status = (int)status;
    if (failed != CURLE_OK) failure_tell(&mailing, failed, words);
    curl_slist_free_all(to);
    curl_easy_cleanup(curl);
}
