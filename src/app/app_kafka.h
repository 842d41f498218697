/* app_kafka.h -- Kafka as the settings say it, for the roles and for commands beside them.
 *
 *   config, MONOSCOPE_KAFKA_SASL_PASSWORD --app_kafka_open--> struct kafka
 *
 * Thread: the caller's. Memory: the password is wiped once Kafka's client has it.
 * Errors: as kafka_open; ERR_IO the file of the password cannot be read. */
#pragma once
#include "app/config.h"
#include "base/log.h"

struct kafka;
/* client_id: "monoscope-ingest", "monoscope-worker/<peer address>", ... Not without --kafka-brokers. */
MUST_CHECK bool app_kafka_open(struct kafka **kafka, const struct config *config, const char *client_id,
                               const struct log *log, struct err *err);
