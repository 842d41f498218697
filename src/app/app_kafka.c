#include "app/app_kafka.h"
#include "base/disk.h"
#include "buffer/kafka/kafka.h"
#include <stdio.h>
#include <stdlib.h>

#define PASSWORD_BYTES 1024

static bool password_read(const struct config *config, char password[PASSWORD_BYTES], struct err *err)
{
    const char *given = getenv("MONOSCOPE_KAFKA_SASL_PASSWORD");
    size_t len = 0;
    struct disk_file *file;
    if (config->kafka_sasl_password_file == NULL) {
        snprintf(password, PASSWORD_BYTES, "%s", given != NULL ? given : "");
        return true;
    }
    if (!disk_real.ops->open(&disk_real, config->kafka_sasl_password_file, DISK_READ, &file, err))
        return err_within(err, "--kafka-sasl-password-file");
    bool ok = disk_real.ops->pread(file, 0, password, PASSWORD_BYTES - 1, &len, err);
    disk_real.ops->close(file);
    password[ok ? len : 0] = '\0';
    password[strcspn(password, "\r\n")] = '\0';
    return ok;
}

bool app_kafka_open(struct kafka **kafka, const struct config *config, const char *client_id, const struct log *log,
                    struct err *err)
{
    char group[300], password[PASSWORD_BYTES];
    *kafka = NULL;
    if (!password_read(config, password, err)) return false;
    snprintf(group, sizeof group, "%s.workers", config->kafka_topic_prefix);
    struct kafka_options options = {
        .brokers = config->kafka_brokers,
        .client_id = client_id,
        .group = group,
        .topic_prefix = config->kafka_topic_prefix,
        .partitions = (uint32_t)config->kafka_partitions,
        .replication = (int32_t)config->kafka_replication,
        .retention_ms = config->kafka_retention_ms,
        .retry_ms = { config->kafka_retry_ms[0], config->kafka_retry_ms[1], config->kafka_retry_ms[2] },
        .security = config->kafka_security,
        .sasl_mechanism = config->kafka_sasl_mechanism,
        .sasl_username = config->kafka_sasl_username,
        .sasl_password = password,
        .ca_file = config->kafka_ca,
        .cert_file = config->kafka_cert,
        .key_file = config->kafka_key,
        .log = log,
    };
    bool ok = kafka_open(kafka, &options, err);
    explicit_bzero(password, sizeof password);
    return ok || err_within(err, "Kafka");
}
