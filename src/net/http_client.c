#include "net/http_client.h"
#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

struct http_client {
    CURL *curl;
};
struct transfer {
    struct http_client_answer *answer;
    size_t text_len;
    const atomic_bool *cancel;
};

static pthread_once_t library_once = PTHREAD_ONCE_INIT;

static void library_begin(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) abort(); /* no memory */
}

struct http_client *http_client_create(void)
{
    struct http_client *client = mem_calloc(1, sizeof *client);
    pthread_once(&library_once, library_begin);
    client->curl = curl_easy_init();
    if (!client->curl) abort(); /* no memory */
    return client;
}

void http_client_destroy(struct http_client *client)
{
    if (!client) return;
    curl_easy_cleanup(client->curl);
    free(client);
}

bool http_client_url_check(const char *url, struct err *err)
{
    CURLU *parts = curl_url();
    char *scheme = NULL, *host = NULL;
    if (!parts) abort();
    CURLUcode failed = curl_url_set(parts, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME);
    if (!failed) failed = curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0);
    if (!failed) failed = curl_url_get(parts, CURLUPART_HOST, &host, 0);
    bool ok = !failed && host[0] && (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(parts);
    return ok || err_set(err, ERR_INPUT, "\"%.100s\" is not an address such as http://host:4318 or https://host", url);
}

static size_t on_body(char *ptr, size_t size, size_t count, void *ctx)
{
    struct transfer *transfer = ctx;
    size_t len = size * count, room = sizeof transfer->answer->text - 1 - transfer->text_len;
    size_t kept = len < room ? len : room;
    memcpy(transfer->answer->text + transfer->text_len, ptr, kept);
    transfer->text_len += kept;
    transfer->answer->text[transfer->text_len] = '\0';
    return len; /* the rest is read and forgotten, so that the connection stays usable */
}

static int on_progress(void *ctx, curl_off_t down_all, curl_off_t down, curl_off_t up_all, curl_off_t up)
{
    const struct transfer *transfer = ctx;
    (void)down_all, (void)down, (void)up_all, (void)up;
    return transfer->cancel && atomic_load(transfer->cancel);
}

static struct curl_slist *headers_make(const struct http_client_header *headers)
{
    struct curl_slist *list = curl_slist_append(NULL, "Expect:"); /* no waiting for 100 Continue */
    for (; headers && headers->name; headers++) {
        struct buf line;
        buf_init(&line, 1 << 20);
        if (!buf_printf(&line, "%s: %s", headers->name, headers->value)) abort();
        list = curl_slist_append(list, (const char *)line.ptr);
        buf_deinit(&line);
    }
    if (!list) abort();
    return list;
}

static void set_up(CURL *curl, const struct http_client_request *request, struct transfer *transfer,
                   struct curl_slist *headers, char *words)
{
    curl_easy_reset(curl); /* keeps the connection */
    curl_easy_setopt(curl, CURLOPT_URL, request->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body.len ? (const char *)request->body.ptr : "");
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)request->connect_ms_max);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)request->total_ms_max);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, transfer);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, words);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "monoscope/" MONO_VERSION);
}

bool http_client_send(struct http_client *client, const struct http_client_request *request,
                      struct http_client_answer *answer, struct err *err)
{
    struct transfer transfer = { .answer = answer, .cancel = request->cancel };
    struct curl_slist *headers = headers_make(request->headers);
    char words[CURL_ERROR_SIZE] = "";
    long status = 0;
    curl_off_t retry_s = 0;
    answer->status = 0;
    answer->retry_after_ms = 0;
    answer->text[0] = '\0';
    set_up(client->curl, request, &transfer, headers, words);
    CURLcode failed = curl_easy_perform(client->curl);
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(client->curl, CURLINFO_RETRY_AFTER, &retry_s);
    curl_slist_free_all(headers);
    if (failed == CURLE_ABORTED_BY_CALLBACK) return err_set(err, ERR_CANCELLED, "the request was given up");
    if (failed != CURLE_OK)
        return err_set(err, ERR_IO, "could not send to \"%.100s\": %s", request->url,
                       words[0] ? words : curl_easy_strerror(failed));
    answer->status = (int)status;
    answer->retry_after_ms = retry_s > 0 && retry_s < 86400 ? (uint32_t)retry_s * 1000 : 0;
    return true;
}
