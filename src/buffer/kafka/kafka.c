#include "buffer/kafka/kafka.h"
#include "base/clock.h"
#include "buffer/kafka/kafka_client.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define PARTITIONS_DEFAULT 3u
#define RETENTION_DEFAULT  (7ull * 86400000)
#define PREFIX_BYTES_MAX   200u /* Kafka's topic names end at 249 */
#define MADE_WAIT_MS       10000u

static const char *const topic_words[KAFKA_TOPIC_COUNT] = { "telemetry", "retry.1", "retry.2", "retry.3", "parked" };
static const uint64_t retry_ms_default[KAFKA_RETRIES] = { 5000, 60000, 600000 };
/* The namespace of all names that become ids here. */
static const struct uuid name_space = { { 0x6f, 0x1a, 0x7c, 0x30, 0x9b, 0x2d, 0x5e, 0x84, 0x8a, 0x3f, 0x0c, 0x1d, 0x2e,
                                          0x3f, 0x4a, 0x5b } };

/* --- settings --- */

static bool security_check(const struct kafka_options *options, struct err *err)
{
    static const char *const kinds[] = { "plaintext", "ssl", "sasl_plaintext", "sasl_ssl" };
    static const char *const mechanisms[] = { "SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN" };
    bool is_kind = false, is_mechanism = false;
    const char *kind = options->security && options->security[0] ? options->security : "plaintext";
    const char *mechanism = options->sasl_mechanism && options->sasl_mechanism[0] ? options->sasl_mechanism : "PLAIN";
    for (size_t k = 0; k < COUNT_OF(kinds); k++) is_kind = is_kind || strcmp(kinds[k], kind) == 0;
    for (size_t m = 0; m < COUNT_OF(mechanisms); m++)
        is_mechanism = is_mechanism || strcmp(mechanisms[m], mechanism) == 0;
    if (!is_kind)
        return err_set(err, ERR_INPUT,
                       "--kafka-security-protocol is \"%s\"; it must be plaintext, ssl, sasl_plaintext or sasl_ssl",
                       kind);
    if (!is_mechanism)
        return err_set(err, ERR_INPUT,
                       "--kafka-sasl-mechanism is \"%s\"; it must be SCRAM-SHA-256, SCRAM-SHA-512 or PLAIN", mechanism);
    bool has_sasl = strncmp(kind, "sasl", 4) == 0;
    if (has_sasl && (!options->sasl_username || !options->sasl_username[0] || !options->sasl_password ||
                     !options->sasl_password[0]))
        return err_set(err, ERR_INPUT,
                       "--kafka-security-protocol %s needs --kafka-sasl-username, and the password in "
                       "MONOSCOPE_KAFKA_SASL_PASSWORD or the file of --kafka-sasl-password-file",
                       kind);
    if (!has_sasl && options->sasl_username && options->sasl_username[0])
        return err_set(
            err, ERR_INPUT,
            "--kafka-sasl-username without SASL: set --kafka-security-protocol to sasl_ssl or sasl_plaintext");
    return true;
}

static bool options_check(const struct kafka_options *options, struct err *err)
{
    assert(options->client_id != NULL && options->group != NULL && options->log != NULL);
    if (options->brokers == NULL || options->brokers[0] == '\0')
        return err_set(err, ERR_INPUT, "--kafka-brokers is empty; it must be host:port, several with commas between");
    const char *prefix = options->topic_prefix;
    size_t len = strlen(prefix);
    bool is_name = len > 0 && len <= PREFIX_BYTES_MAX;
    for (size_t i = 0; is_name && i < len; i++)
        is_name = strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", prefix[i]) != NULL;
    if (!is_name)
        return err_set(err, ERR_INPUT,
                       "--kafka-topic-prefix is \"%.40s\"; it must be 1 to %u letters, digits, dots, \"_\" and \"-\"",
                       prefix, PREFIX_BYTES_MAX);
    if (options->partitions > KAFKA_PARTITIONS_MAX)
        return err_set(err, ERR_INPUT, "--kafka-partitions is %u; at most %d", options->partitions,
                       KAFKA_PARTITIONS_MAX);
    return security_check(options, err);
}

static char *text_copy(const char *text)
{
    return mem_strdup(text != NULL ? text : "");
}

/* --- topics --- */

struct topics_asked {
    const char **names;
};
static void ask_topics(void *ctx, rd_kafka_t *client, rd_kafka_AdminOptions_t *options, rd_kafka_queue_t *queue)
{
    struct topics_asked *asked = ctx;
    rd_kafka_TopicCollection_t *names = rd_kafka_TopicCollection_of_topic_names(asked->names, KAFKA_TOPIC_COUNT);
    rd_kafka_DescribeTopics(client, names, options, queue);
    rd_kafka_TopicCollection_destroy(names);
}

static bool topic_take(const struct kafka *kafka, const rd_kafka_TopicDescription_t *described,
                       struct kafka_topic_now now[KAFKA_TOPIC_COUNT], struct err *err)
{
    const char *name = rd_kafka_TopicDescription_name(described);
    enum kafka_topic topic = kafka_topic_of(kafka, name);
    const rd_kafka_error_t *error = rd_kafka_TopicDescription_error(described);
    rd_kafka_resp_err_t code = error == NULL ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_error_code(error);
    if (topic == KAFKA_TOPIC_COUNT) return true;
    if (kafka_error_code(code) == ERR_NOT_FOUND) return true;
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return kafka_fail(kafka, err, code, "Kafka's topic \"%s\"", name);
    size_t count;
    rd_kafka_TopicDescription_partitions(described, &count);
    const rd_kafka_Uuid_t *id = rd_kafka_TopicDescription_topic_id(described);
    if (id == NULL || (rd_kafka_Uuid_most_significant_bits(id) == 0 && rd_kafka_Uuid_least_significant_bits(id) == 0))
        return err_set(err, ERR_UNSUPPORTED,
                       "these Kafka brokers do not tell the ids of topics: they must be of version 2.8 or newer");
    if (count > KAFKA_PARTITIONS_MAX)
        return err_set(err, ERR_UNSUPPORTED, "Kafka's topic \"%s\" has %zu partitions; at most %d are supported", name,
                       count, KAFKA_PARTITIONS_MAX);
    now[topic].exists = true;
    now[topic].partition_count = (uint32_t)count;
    snprintf(now[topic].id, sizeof now[topic].id, "%s", rd_kafka_Uuid_base64str(id));
    return true;
}

bool kafka_topics_look(const struct kafka *kafka, struct kafka_topic_now now[KAFKA_TOPIC_COUNT], struct err *err)
{
    const char *names[KAFKA_TOPIC_COUNT];
    memset(now, 0, KAFKA_TOPIC_COUNT * sizeof *now);
    for (int t = 0; t < KAFKA_TOPIC_COUNT; t++) names[t] = kafka->topics[t].name;
    struct topics_asked asked = { names };
    rd_kafka_event_t *event = kafka_ask(kafka, RD_KAFKA_ADMIN_OP_DESCRIBETOPICS, ask_topics, &asked,
                                        "could not ask Kafka for its topics", err);
    if (event == NULL) return false;
    size_t count;
    const rd_kafka_TopicDescription_t **described =
        rd_kafka_DescribeTopics_result_topics(rd_kafka_event_DescribeTopics_result(event), &count);
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) ok = topic_take(kafka, described[i], now, err);
    rd_kafka_event_destroy(event);
    return ok;
}

struct topics_wanted {
    rd_kafka_NewTopic_t *topics[KAFKA_TOPIC_COUNT];
    size_t count;
};
static void ask_create(void *ctx, rd_kafka_t *client, rd_kafka_AdminOptions_t *options, rd_kafka_queue_t *queue)
{
    struct topics_wanted *wanted = ctx;
    rd_kafka_CreateTopics(client, wanted->topics, wanted->count, options, queue);
}

static rd_kafka_NewTopic_t *topic_new(const struct kafka *kafka, enum kafka_topic topic)
{
    char why[KAFKA_TEXT_BYTES], bytes[32], retention[32];
    int partitions = topic == KAFKA_TELEMETRY ? (int)kafka->partitions : 1;
    rd_kafka_NewTopic_t *wanted =
        rd_kafka_NewTopic_new(kafka->topics[topic].name, partitions, kafka->replication > 0 ? kafka->replication : -1,
                              why, sizeof why);
    snprintf(bytes, sizeof bytes, "%u", KAFKA_MESSAGE_BYTES);
    snprintf(retention, sizeof retention, "%" PRIu64, kafka->retention_ms);
    rd_kafka_NewTopic_set_config(wanted, "max.message.bytes", bytes);
    /* What is parked waits for a person. */
    rd_kafka_NewTopic_set_config(wanted, "retention.ms", topic == KAFKA_PARKED ? "-1" : retention);
    rd_kafka_NewTopic_set_config(wanted, "cleanup.policy", "delete");
    return wanted;
}

/* Another process may make them at the same time. */
static bool topics_create(const struct kafka *kafka, const struct kafka_topic_now now[KAFKA_TOPIC_COUNT],
                          struct err *err)
{
    struct topics_wanted wanted = { .count = 0 };
    for (enum kafka_topic t = 0; t < KAFKA_TOPIC_COUNT; t++)
        if (!now[t].exists) wanted.topics[wanted.count++] = topic_new(kafka, t);
    rd_kafka_event_t *event =
        kafka_ask(kafka, RD_KAFKA_ADMIN_OP_CREATETOPICS, ask_create, &wanted, "could not make Kafka's topics", err);
    bool ok = event != NULL;
    size_t count = 0;
    const rd_kafka_topic_result_t **made = NULL;
    if (ok) made = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    for (size_t i = 0; ok && i < count; i++) {
        rd_kafka_resp_err_t code = rd_kafka_topic_result_error(made[i]);
        const char *name = rd_kafka_topic_result_name(made[i]), *why = rd_kafka_topic_result_error_string(made[i]);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
            log_info(kafka->log, "kafka.topic_made", log_text("topic", name));
        else if (code != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
            ok = err_set(err, kafka_error_code(code), "could not make Kafka's topic \"%s\": %s%s", name,
                         why != NULL ? why : rd_kafka_err2str(code),
                         kafka_error_code(code) == ERR_FORBIDDEN ? "; make it by hand, or allow it to this user" : "");
    }
    if (event != NULL) rd_kafka_event_destroy(event);
    rd_kafka_NewTopic_destroy_array(wanted.topics, wanted.count);
    return ok;
}

static bool is_whole(const struct kafka_topic_now now[KAFKA_TOPIC_COUNT])
{
    for (int t = 0; t < KAFKA_TOPIC_COUNT; t++)
        if (!now[t].exists) return false;
    return true;
}

static bool topics_open(struct kafka *kafka, struct err *err)
{
    struct kafka_topic_now now[KAFKA_TOPIC_COUNT];
    if (!kafka_topics_look(kafka, now, err)) return false;
    if (!is_whole(now) && !topics_create(kafka, now, err)) return false;
    /* A broker that is asked may not have heard of them yet. */
    for (uint32_t ms = 0; !is_whole(now); ms += 50) {
        if (ms > MADE_WAIT_MS)
            return err_set(err, ERR_IO, "Kafka made its topics and does not show them after %u s", MADE_WAIT_MS / 1000);
        clock_sleep_ms(50);
        if (!kafka_topics_look(kafka, now, err)) return false;
    }
    for (int t = 0; t < KAFKA_TOPIC_COUNT; t++) {
        struct kafka_topic_state *topic = &kafka->topics[t];
        char name[3 * KAFKA_TEXT_BYTES];
        memcpy(topic->id, now[t].id, sizeof topic->id);
        topic->partition_count = now[t].partition_count;
        snprintf(name, sizeof name, "kafka/%s/%s", kafka->cluster_id, topic->id);
        topic->buffer_id = uuid_of_name(name_space, bytes_of_text(name));
    }
    return true;
}

/* --- life --- */

static bool cluster_meet(struct kafka *kafka, struct err *err)
{
    const rd_kafka_metadata_t *metadata;
    rd_kafka_resp_err_t code = rd_kafka_metadata(kafka->client, 0, NULL, &metadata, KAFKA_CALL_MS);
    rd_kafka_poll(kafka->client, 0);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_fail(kafka, err, code, "could not reach Kafka at %.100s", kafka->brokers);
    rd_kafka_metadata_destroy(metadata);
    char *id = rd_kafka_clusterid(kafka->client, KAFKA_CALL_MS);
    if (id == NULL) return err_set(err, ERR_IO, "Kafka at %.100s does not tell its cluster's id", kafka->brokers);
    kafka->cluster_id = mem_strdup(id);
    rd_kafka_mem_free(kafka->client, id);
    return true;
}

bool kafka_open(struct kafka **out, const struct kafka_options *options, struct err *err)
{
    *out = NULL;
    if (!options_check(options, err)) return false;
    struct kafka *kafka = mem_calloc(1, sizeof *kafka);
    const char *mechanism = options->sasl_mechanism;
    pthread_mutex_init(&kafka->lock, NULL);
    kafka->log = options->log;
    kafka->brokers = text_copy(options->brokers);
    kafka->client_id = text_copy(options->client_id);
    kafka->group = text_copy(options->group);
    kafka->security = text_copy(options->security && options->security[0] ? options->security : "plaintext");
    kafka->sasl_mechanism = text_copy(mechanism && mechanism[0] ? mechanism : "SCRAM-SHA-512");
    kafka->sasl_username = text_copy(options->sasl_username);
    kafka->sasl_password = text_copy(options->sasl_password);
    kafka->ca_file = text_copy(options->ca_file);
    kafka->cert_file = text_copy(options->cert_file);
    kafka->key_file = text_copy(options->key_file);
    kafka->partitions = options->partitions > 0 ? options->partitions : PARTITIONS_DEFAULT;
    kafka->replication = options->replication;
    kafka->retention_ms = options->retention_ms > 0 ? options->retention_ms : RETENTION_DEFAULT;
    for (int r = 0; r < KAFKA_RETRIES; r++)
        kafka->retry_ms[r] = options->retry_ms[r] > 0 ? options->retry_ms[r] : retry_ms_default[r];
    for (int t = 0; t < KAFKA_TOPIC_COUNT; t++) {
        char name[PREFIX_BYTES_MAX + 32];
        snprintf(name, sizeof name, "%s.%s", options->topic_prefix, topic_words[t]);
        kafka->topics[t].name = text_copy(name);
    }
    /* A consumer that consumes nothing: when a group's coordinator moves, librdkafka asks for it anew on behalf of the client's
     * own group, and reads a null pointer when there is none (2.15.1, rd_kafka_handle_OffsetFetch). */
    const struct kafka_setting settings[] = { { "group.id", kafka->group }, { "enable.auto.commit", "false" } };
    bool ok = kafka_client_open(kafka, RD_KAFKA_CONSUMER, settings, COUNT_OF(settings), 0, &kafka->client, err) &&
              cluster_meet(kafka, err) && topics_open(kafka, err);
    if (!ok) {
        kafka_close(kafka);
        return false;
    }
    log_info(kafka->log, "kafka.opened", log_text("brokers", kafka->brokers), log_text("cluster", kafka->cluster_id),
             log_text("topic", kafka->topics[KAFKA_TELEMETRY].name),
             log_text("topic_id", kafka->topics[KAFKA_TELEMETRY].id),
             log_number("partitions", kafka->topics[KAFKA_TELEMETRY].partition_count));
    *out = kafka;
    return true;
}

void kafka_close(struct kafka *kafka)
{
    if (kafka == NULL) return;
    if (kafka->client != NULL) rd_kafka_destroy(kafka->client);
    char *const texts[] = { kafka->brokers,        kafka->client_id,     kafka->group,   kafka->security,
                            kafka->sasl_mechanism, kafka->sasl_username, kafka->ca_file, kafka->cert_file,
                            kafka->key_file,       kafka->cluster_id };
    for (size_t i = 0; i < COUNT_OF(texts); i++) free(texts[i]);
    explicit_bzero(kafka->sasl_password, strlen(kafka->sasl_password));
    free(kafka->sasl_password);
    for (int t = 0; t < KAFKA_TOPIC_COUNT; t++) free(kafka->topics[t].name);
    pthread_mutex_destroy(&kafka->lock);
    free(kafka);
}

/* --- what was learnt --- */

struct uuid kafka_buffer_id(const struct kafka *kafka, enum kafka_topic topic)
{
    return kafka->topics[topic].buffer_id;
}

uint32_t kafka_partition_count(const struct kafka *kafka, enum kafka_topic topic)
{
    return kafka->topics[topic].partition_count;
}

const char *kafka_topic_name(const struct kafka *kafka, enum kafka_topic topic)
{
    return kafka->topics[topic].name;
}

const char *kafka_cluster_id(const struct kafka *kafka)
{
    return kafka->cluster_id;
}

uint64_t kafka_retry_ms(const struct kafka *kafka, uint32_t attempt)
{
    assert(attempt >= 1 && attempt <= KAFKA_RETRIES);
    return kafka->retry_ms[attempt - 1];
}

enum kafka_topic kafka_topic_of(const struct kafka *kafka, const char *name)
{
    enum kafka_topic topic = KAFKA_TELEMETRY;
    while (topic < KAFKA_TOPIC_COUNT && strcmp(kafka->topics[topic].name, name) != 0) topic++;
    return topic;
}
