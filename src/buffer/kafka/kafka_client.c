#include "buffer/kafka/kafka_client.h"
#include "base/clock.h"
#include "buffer/kafka/kafka_record.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const uint64_t COMPLAINT_LOG_NS = UINT64_C(10000000000);

enum err_code kafka_error_code(rd_kafka_resp_err_t code)
{
    switch (code) {
    case RD_KAFKA_RESP_ERR_NO_ERROR: return ERR_OK;
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR__SSL: return ERR_UNAUTHENTICATED;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED: return ERR_FORBIDDEN;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_ID:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION: return ERR_NOT_FOUND;
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE: return ERR_TOO_LARGE;
    case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
    case RD_KAFKA_RESP_ERR_FENCED_MEMBER_EPOCH:
    case RD_KAFKA_RESP_ERR_STALE_MEMBER_EPOCH:
    case RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
    case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH:
    case RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST:
    case RD_KAFKA_RESP_ERR__FENCED: return ERR_CONFLICT;
    case RD_KAFKA_RESP_ERR__QUEUE_FULL: return ERR_BUSY;
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
    case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
    case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION: return ERR_INPUT;
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE: return ERR_UNSUPPORTED;
    case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS: return ERR_EXISTS;
    default: return ERR_IO;
    }
}

static bool is_silence(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__TRANSPORT ||
           code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || code == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT ||
           code == RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE || code == RD_KAFKA_RESP_ERR__WAIT_COORD;
}

static bool fail(const struct kafka *kafka, struct err *err, rd_kafka_resp_err_t code, const char *what,
                 const char *theirs)
{
    struct kafka *mine = (struct kafka *)(uintptr_t)kafka;
    enum err_code ours = kafka_error_code(code);
    char trouble[KAFKA_TEXT_BYTES] = "";
    if (is_silence(code)) {
        pthread_mutex_lock(&mine->lock);
        memcpy(trouble, mine->trouble, sizeof trouble);
        enum err_code why = kafka_error_code(mine->trouble_code);
        if (why == ERR_UNAUTHENTICATED) ours = why;
        pthread_mutex_unlock(&mine->lock);
    }
    return err_set(err, ours, "%s: %s%s%s", what, theirs, trouble[0] ? "; " : "", trouble);
}

bool kafka_fail(const struct kafka *kafka, struct err *err, rd_kafka_resp_err_t code, const char *fmt, ...)
{
    char what[KAFKA_TEXT_BYTES];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    return fail(kafka, err, code, what, rd_kafka_err2str(code));
}

bool kafka_fail_error(const struct kafka *kafka, struct err *err, rd_kafka_error_t *error, const char *what)
{
    fail(kafka, err, rd_kafka_error_code(error), what, rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    return false;
}

void kafka_complain(const struct kafka *kafka, rd_kafka_resp_err_t code, const char *text)
{
    struct kafka *mine = (struct kafka *)(uintptr_t)kafka;
    uint64_t now_ns = clock_mono_ns();
    pthread_mutex_lock(&mine->lock);
    /* That all brokers are down says less than what was said before it: why. */
    if (code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
        snprintf(mine->trouble, sizeof mine->trouble, "%s", text);
        mine->trouble_code = code;
    }
    bool is_due = mine->logged_mono_ns == 0 || now_ns - mine->logged_mono_ns > COMPLAINT_LOG_NS;
    uint64_t unlogged = mine->unlogged;
    mine->unlogged = is_due ? 0 : unlogged + 1;
    if (is_due) mine->logged_mono_ns = now_ns;
    pthread_mutex_unlock(&mine->lock);
    if (is_due)
        log_warn(kafka->log, "kafka.trouble", log_text("code", rd_kafka_err2name(code)), log_text("text", text),
                 log_number("others_since_the_last", (int64_t)unlogged));
}

/* librdkafka's own words are dropped: what matters comes as an error event too, on a thread of ours. This is called on its
 * threads, and one of them may still speak when rd_kafka_destroy has returned: nothing of ours may be touched here. */
static void on_log(const rd_kafka_t *client, int level, const char *facility, const char *text)
{
    (void)client;
    (void)level;
    (void)facility;
    (void)text;
}

static void on_error(rd_kafka_t *client, int code, const char *text, void *opaque)
{
    (void)client;
    kafka_complain(opaque, (rd_kafka_resp_err_t)code, text);
}

static bool setting_give(rd_kafka_conf_t *conf, const char *name, const char *value, struct err *err)
{
    char why[KAFKA_TEXT_BYTES];
    if (value == NULL || value[0] == '\0') return true;
    return rd_kafka_conf_set(conf, name, value, why, sizeof why) == RD_KAFKA_CONF_OK ||
           err_set(err, ERR_INPUT, "Kafka's client does not take its setting \"%s\": %s", name,
                   strcmp(name, "sasl.password") == 0 ? "" : why);
}

bool kafka_client_open(const struct kafka *kafka, rd_kafka_type_t type, const struct kafka_setting *settings,
                       uint32_t count, int events, rd_kafka_t **client, struct err *err)
{
    *client = NULL;
    const struct kafka_setting common[] = {
        { "bootstrap.servers", kafka->brokers },
        { "client.id", kafka->client_id },
        { "security.protocol", kafka->security },
        { "sasl.mechanism", strncmp(kafka->security, "sasl", 4) == 0 ? kafka->sasl_mechanism : "" },
        { "sasl.username", kafka->sasl_username },
        { "sasl.password", kafka->sasl_password },
        { "ssl.ca.location", kafka->ca_file },
        { "ssl.certificate.location", kafka->cert_file },
        { "ssl.key.location", kafka->key_file },
        { "allow.auto.create.topics", "false" },
        { "enable.metrics.push", "false" }, /* nothing is told to anybody that no setting names */
        { "socket.keepalive.enable", "true" },
        { "reconnect.backoff.max.ms", "2000" },
        { "retry.backoff.max.ms", "500" },
        { "topic.metadata.refresh.interval.ms", "30000" },
        { "log.connection.close", "false" },
    };
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    bool ok = true;
    for (uint32_t i = 0; ok && i < COUNT_OF(common); i++) ok = setting_give(conf, common[i].name, common[i].value, err);
    for (uint32_t i = 0; ok && i < count; i++) ok = setting_give(conf, settings[i].name, settings[i].value, err);
    char why[KAFKA_TEXT_BYTES];
    if (ok) {
        rd_kafka_conf_set_opaque(conf, (void *)(uintptr_t)kafka);
        rd_kafka_conf_set_log_cb(conf, on_log);
        if (!(events & RD_KAFKA_EVENT_ERROR)) rd_kafka_conf_set_error_cb(conf, on_error);
        rd_kafka_conf_set_events(conf, events);
        *client = rd_kafka_new(type, conf, why, sizeof why);
        if (*client == NULL) err_set(err, ERR_INPUT, "Kafka's client does not start: %s", why);
    }
    if (*client == NULL) rd_kafka_conf_destroy(conf);
    return *client != NULL;
}

rd_kafka_event_t *kafka_ask(const struct kafka *kafka, rd_kafka_admin_op_t kind, kafka_ask_fn *ask, void *ctx,
                            const char *what, struct err *err)
{
    char why[KAFKA_TEXT_BYTES];
    rd_kafka_queue_t *queue = rd_kafka_queue_new(kafka->client);
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(kafka->client, kind);
    rd_kafka_AdminOptions_set_request_timeout(options, KAFKA_CALL_MS, why, sizeof why);
    ask(ctx, kafka->client, options, queue);
    /* It answers by itself when its time is over. */
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, KAFKA_CALL_MS + 5000);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_poll(kafka->client, 0); /* its complaints */
    rd_kafka_resp_err_t code = event == NULL ? RD_KAFKA_RESP_ERR__TIMED_OUT : rd_kafka_event_error(event);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        const char *theirs = event == NULL ? rd_kafka_err2str(code) : rd_kafka_event_error_string(event);
        fail(kafka, err, code, what, theirs);
        if (event != NULL) rd_kafka_event_destroy(event);
        event = NULL;
    }
    rd_kafka_queue_destroy(queue);
    if (event != NULL) atomic_store(&((struct kafka *)(uintptr_t)kafka)->answered_mono_ns, clock_mono_ns());
    return event;
}

rd_kafka_error_t *kafka_produce(rd_kafka_t *client, const char *topic, const struct kafka_headers *headers,
                                struct hash128 hash, struct bytes body)
{
    uint8_t key[KAFKA_HASH_BYTES];
    kafka_hash_write(key, hash);
    rd_kafka_headers_t *list = rd_kafka_headers_new(headers->count);
    for (uint32_t i = 0; i < headers->count; i++)
        rd_kafka_header_add(list, headers->list[i].name, -1, headers->list[i].value.ptr,
                            (ssize_t)headers->list[i].value.len);
    const rd_kafka_vu_t parts[] = {
        { .vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = topic },
        { .vtype = RD_KAFKA_VTYPE_KEY, .u.mem = { key, sizeof key } },
        { .vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = { (void *)(uintptr_t)body.ptr, body.len } },
        { .vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = list },
        { .vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY },
    };
    rd_kafka_error_t *error = rd_kafka_produceva(client, parts, COUNT_OF(parts));
    if (error != NULL) rd_kafka_headers_destroy(list);
    return error;
}

bool kafka_transactions_open(const struct kafka *kafka, const char *name, rd_kafka_t **client, struct err *err)
{
    char id[2 * KAFKA_TEXT_BYTES], message[32], transaction[32];
    snprintf(id, sizeof id, "%s.%s", kafka->group, name);
    snprintf(message, sizeof message, "%u", KAFKA_MESSAGE_BYTES);
    snprintf(transaction, sizeof transaction, "%d", KAFKA_TRANSACTION_MS);
    const struct kafka_setting settings[] = {
        { "transactional.id", id },           { "transaction.timeout.ms", transaction },
        { "message.max.bytes", message },     { "message.timeout.ms", transaction },
        { "socket.timeout.ms", transaction }, { "linger.ms", "1" },
    };
    return kafka_client_open(kafka, RD_KAFKA_PRODUCER, settings, COUNT_OF(settings), 0, client, err);
}

rd_kafka_error_t *kafka_transaction_commit(rd_kafka_t *client)
{
    rd_kafka_error_t *error = rd_kafka_commit_transaction(client, KAFKA_TRANSACTION_MS);
    for (int again = 0; again < 2 && error != NULL && rd_kafka_error_is_retriable(error); again++) {
        rd_kafka_error_destroy(error);
        error = rd_kafka_commit_transaction(client, KAFKA_TRANSACTION_MS);
    }
    return error;
}
