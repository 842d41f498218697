#include "app/config.h"
#include "base/budget.h"
#include "base/disk.h"
#include "meta/limit.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum setting_kind {
    SETTING_TEXT,
    SETTING_FILE,
    SETTING_PORT,
    SETTING_BYTES,
    SETTING_DURATION_MS,
    SETTING_COUNT,
    SETTING_MONEY, /* decimals of a currency that nobody names; kept in millionths */
    SETTING_SWITCH
};

struct setting {
    const char *name, *environment, *fallback;
    enum setting_kind kind;
    uint64_t min, max;
    size_t offset;
    const char *help;
};

#define AT(field) offsetof(struct config, field)
#define DAY_MS    86400000ull
#define MONEY_MAX 1000000000000ull /* a million of it */
static const struct setting settings[] = {
    { "role", "MONOSCOPE_ROLE", "all", SETTING_TEXT, 0, 0, AT(role),
      "what this process does: all, or some of ingest, worker, query with commas between them (then with Kafka)" },
    { "data", "MONOSCOPE_DATA", "./data", SETTING_TEXT, 0, 0, AT(data), "folder for log, tables and metadata" },
    { "database", "MONOSCOPE_DATABASE_URL", "", SETTING_TEXT, 0, 0, AT(database),
      "metadata: postgres://user@host/database or sqlite:///folder/file; none: meta.sqlite in the data folder" },
    { "database-grace", "MONOSCOPE_DATABASE_GRACE", "1h", SETTING_DURATION_MS, 0, DAY_MS * 30, AT(database_grace_ms),
      "how long keys that are known go on working while it is away, then senders are told to wait; 0s: for ever" },
    { "storage", "MONOSCOPE_STORAGE_URL", "", SETTING_TEXT, 0, 0, AT(storage),
      "where the tables are: s3://bucket/prefix or file:///folder; none: in the data folder" },
    { "storage-lock", "MONOSCOPE_STORAGE_LOCK", "", SETTING_TEXT, 0, 0, AT(storage_lock),
      "dynamodb:TABLE for a bucket that does not honour If-None-Match, or beside writers that lock by it" },
    { "s3-virtual-host", "MONOSCOPE_S3_VIRTUAL_HOST", "off", SETTING_SWITCH, 0, 0, AT(s3_virtual_host),
      "on: the bucket is part of the host's name at AWS_ENDPOINT_URL_S3, as it always is at AWS" },
    { "listen", "MONOSCOPE_LISTEN", "127.0.0.1", SETTING_TEXT, 0, 0, AT(listen),
      "address of all ports; 0.0.0.0 opens them to the network" },
    { "otlp-grpc-port", "MONOSCOPE_OTLP_GRPC_PORT", "4317", SETTING_PORT, 0, 65535, AT(otlp_grpc_port),
      "OTLP/gRPC; 0 takes a free one" },
    { "otlp-http-port", "MONOSCOPE_OTLP_HTTP_PORT", "4318", SETTING_PORT, 0, 65535, AT(otlp_http_port),
      "OTLP/HTTP; 0 takes a free one" },
    { "pg-port", "MONOSCOPE_PG_PORT", "5432", SETTING_PORT, 0, 65535, AT(pg_port),
      "SQL for any Postgres client; 0 takes a free one" },
    { "web-port", "MONOSCOPE_WEB_PORT", "8080", SETTING_PORT, 0, 65535, AT(web_port),
      "HTTP: the REST API, sign-in, /metrics, /healthz, /readyz; 0 takes a free one" },
    { "pg-connections", "MONOSCOPE_PG_CONNECTIONS", "100", SETTING_COUNT, 1, 10000, AT(pg_connections),
      "SQL connections at once" },
    { "memory", "MONOSCOPE_MEMORY", "1GiB", SETTING_BYTES, BUDGET_MEMORY_MIN, UINT64_MAX, AT(memory_bytes),
      "limit for the whole process; at least 256MiB" },
    { "log-disk", "MONOSCOPE_LOG_DISK", "8GiB", SETTING_BYTES, 256ull << 20, UINT64_MAX, AT(log_disk_bytes),
      "most the write-ahead log may hold, at least 256MiB; beyond it senders are told to wait" },
    { "cache-memory", "MONOSCOPE_CACHE_MEMORY", "512MiB", SETTING_BYTES, 0, UINT64_MAX, AT(cache_memory_bytes),
      "with tables in a bucket: most of their files kept in memory, never over a tenth of --memory; 0: none" },
    { "cache-disk", "MONOSCOPE_CACHE_DISK", "100GB", SETTING_BYTES, 0, UINT64_MAX, AT(cache_disk_bytes),
      "the same on the local disk, in the data folder; 0: none" },
    { "cache-ttl", "MONOSCOPE_CACHE_TTL", "7d", SETTING_DURATION_MS, 60000, 366ull * DAY_MS, AT(cache_ttl_ms),
      "how long what is not used stays there" },
    { "publish-interval", "MONOSCOPE_PUBLISH_INTERVAL", "250ms", SETTING_DURATION_MS, 10, 60000, AT(publish_ms),
      "how long a row may wait to be visible" },
    { "flush-interval", "MONOSCOPE_FLUSH_INTERVAL", "60s", SETTING_DURATION_MS, 100, 3600000, AT(flush_ms),
      "how often rows move into the Delta tables" },
    { "attribute-keys", "MONOSCOPE_ATTRIBUTE_KEYS", "100000", SETTING_COUNT, 100, 10000000, AT(attribute_keys),
      "distinct attribute keys kept apart in a project" },
    { "limit-requests", "MONOSCOPE_LIMIT_REQUESTS", "0", SETTING_COUNT, 0, LIMIT_VALUE_MAX, AT(limit_requests),
      "requests a second that a project may send to a process; 0: no limit. Of one project: its limits in the API" },
    { "limit-bytes", "MONOSCOPE_LIMIT_BYTES", "0", SETTING_BYTES, 0, LIMIT_VALUE_MAX, AT(limit_bytes),
      "the same in bytes a second, decompressed" },
    { "limit-events", "MONOSCOPE_LIMIT_EVENTS", "0", SETTING_COUNT, 0, LIMIT_VALUE_MAX, AT(limit_events),
      "the same in spans, log records and data points a second" },
    { "limit-bytes-day", "MONOSCOPE_LIMIT_BYTES_DAY", "0", SETTING_BYTES, 0, LIMIT_VALUE_MAX, AT(limit_bytes_day),
      "bytes a project may send in a day (UTC), to all processes together; 0: no limit" },
    { "limit-events-month", "MONOSCOPE_LIMIT_EVENTS_MONTH", "0", SETTING_COUNT, 0, LIMIT_VALUE_MAX,
      AT(limit_events_month), "spans, log records and data points of a project in a month; 0: no limit" },
    { "limit-queries", "MONOSCOPE_LIMIT_QUERIES", "0", SETTING_COUNT, 0, 10000, AT(limit_queries),
      "statements of a project that may be open in a process, with those that wait; 0: no limit" },
    { "limit-queries-running", "MONOSCOPE_LIMIT_QUERIES_RUNNING", "0", SETTING_COUNT, 0, 10000,
      AT(limit_queries_running),
      "of these, at work at once: others wait for their turn; 0: all --query-slots but one" },
    { "limit-query-time", "MONOSCOPE_LIMIT_QUERY_TIME", "0s", SETTING_DURATION_MS, 0, DAY_MS, AT(limit_query_ms),
      "of work for a statement, in whole seconds; 0: no limit" },
    { "limit-query-bytes", "MONOSCOPE_LIMIT_QUERY_BYTES", "0", SETTING_BYTES, 0, LIMIT_VALUE_MAX, AT(limit_query_bytes),
      "read of files by a statement; 0: no limit" },
    { "limit-query-rows", "MONOSCOPE_LIMIT_QUERY_ROWS", "0", SETTING_COUNT, 0, LIMIT_VALUE_MAX, AT(limit_query_rows),
      "of a statement's answer; 0: no limit" },
    { "query-slots", "MONOSCOPE_QUERY_SLOTS", "4", SETTING_COUNT, 1, 256, AT(query_slots),
      "statements of all projects at work at once; one project has at most all but one" },
    { "statement-literals", "MONOSCOPE_STATEMENT_LITERALS", "off", SETTING_SWITCH, 0, 0, AT(statement_literals),
      "on or off: the log of statements has them as they were written, with the values in them" },
    { "statement-log-days", "MONOSCOPE_STATEMENT_LOG_DAYS", "30", SETTING_COUNT, 0, 3650, AT(statement_log_days),
      "for which it is kept, a million of them at most; 0: there is none" },
    { "connection-age", "MONOSCOPE_CONNECTION_AGE", "30m", SETTING_DURATION_MS, 1000, 86400000, AT(connection_age_ms),
      "after which an OTLP client is asked to connect anew, so that a load balancer can spread them" },
    { "tls-cert", "MONOSCOPE_TLS_CERT", "", SETTING_FILE, 0, 0, AT(tls_cert),
      "certificate in PEM, with those between it and the root: OTLP and SQL speak TLS; SIGHUP reads it again" },
    { "tls-key", "MONOSCOPE_TLS_KEY", "", SETTING_FILE, 0, 0, AT(tls_key), "its key in PEM, without a password" },
    { "tls-client-ca", "MONOSCOPE_TLS_CLIENT_CA", "", SETTING_FILE, 0, 0, AT(tls_client_ca),
      "certificates in PEM: only clients that these have signed get in" },
    { "web-tls", "MONOSCOPE_WEB_TLS", "on", SETTING_SWITCH, 0, 0, AT(web_tls),
      "with --tls-cert the HTTP port speaks TLS too, without asking for clients' certificates; off: a proxy before it "
      "does" },
    { "public-url", "MONOSCOPE_PUBLIC_URL", "", SETTING_TEXT, 0, 0, AT(public_url),
      "the HTTP port as people's browsers reach it, such as https://mono.example.com" },
    { "admin-email", "MONOSCOPE_ADMIN_EMAIL", "admin@localhost", SETTING_TEXT, 0, 0, AT(admin_email),
      "of the admin that the first start makes; its password for one sign-in is printed once" },
    { "shares", "MONOSCOPE_SHARES", "on", SETTING_SWITCH, 0, 0, AT(shares),
      "on or off: links that show one range of a project's time to people without an account" },
    { "oidc-issuer", "MONOSCOPE_OIDC_ISSUER", "", SETTING_TEXT, 0, 0, AT(oidc_issuer),
      "sign in at this identity provider (OpenID Connect) too: its issuer, such as https://id.example.com/realms/x" },
    { "oidc-client-id", "MONOSCOPE_OIDC_CLIENT_ID", "", SETTING_TEXT, 0, 0, AT(oidc_client_id),
      "as the provider knows us; the secret is in the environment, MONOSCOPE_OIDC_CLIENT_SECRET, or in a file" },
    { "oidc-client-secret-file", "MONOSCOPE_OIDC_CLIENT_SECRET_FILE", "", SETTING_FILE, 0, 0,
      AT(oidc_client_secret_file), "the file, with nothing but the secret in its first line" },
    { "oidc-scopes", "MONOSCOPE_OIDC_SCOPES", "openid email profile", SETTING_TEXT, 0, 0, AT(oidc_scopes),
      "what is asked for; some providers want one more for groups" },
    { "oidc-groups-claim", "MONOSCOPE_OIDC_GROUPS_CLAIM", "groups", SETTING_TEXT, 0, 0, AT(oidc_groups_claim),
      "where the ID token has the groups" },
    { "oidc-roles", "MONOSCOPE_OIDC_ROLES", "", SETTING_TEXT, 0, 0, AT(oidc_roles),
      "what they are worth: GROUP=ROLE@PROJECT,GROUP=instance-admin,*=viewer@PROJECT; set anew at each sign-in" },
    { "oidc-trust-email", "MONOSCOPE_OIDC_TRUST_EMAIL", "off", SETTING_SWITCH, 0, 0, AT(oidc_trust_email),
      "on: e-mail addresses count as verified though the provider does not say so" },
    { "oidc-ca", "MONOSCOPE_OIDC_CA", "", SETTING_FILE, 0, 0, AT(oidc_ca),
      "certificates in PEM that the provider must be signed by; none: the system's" },
    { "log-level", "MONOSCOPE_LOG_LEVEL", "info", SETTING_TEXT, 0, 0, AT(log_level), "debug, info, warn or error" },
    { "retention", "MONOSCOPE_RETENTION", "0d", SETTING_DURATION_MS, 0, DAY_MS * 36500, AT(retention_ms),
      "whole days that rows are kept where `monoscope retention` says nothing; 0d: for ever" },
    { "maintenance", "MONOSCOPE_MAINTENANCE", "on", SETTING_SWITCH, 0, 0, AT(maintenance),
      "on or off: join small files, recode days that are over, drop what is past its retention, vacuum" },
    { "maintenance-interval", "MONOSCOPE_MAINTENANCE_INTERVAL", "30s", SETTING_DURATION_MS, 10, 3600000,
      AT(maintenance_ms), "how often it looks at the tables" },
    { "recode-after", "MONOSCOPE_RECODE_AFTER", "24h", SETTING_DURATION_MS, 0, DAY_MS * 365, AT(recode_after_ms),
      "after the end of a day its files are sorted and compressed better, once; 0s: never" },
    { "vacuum-interval", "MONOSCOPE_VACUUM_INTERVAL", "6h", SETTING_DURATION_MS, 0, DAY_MS * 30, AT(vacuum_ms),
      "how often files that nothing needs are deleted; 0s: never" },
    { "vacuum-keep", "MONOSCOPE_VACUUM_KEEP", "7d", SETTING_DURATION_MS, 0, DAY_MS * 36500, AT(vacuum_keep_ms),
      "how long they are kept; a table's delta.deletedFileRetentionDuration may say less" },
    { "rollups", "MONOSCOPE_ROLLUPS", "on", SETTING_SWITCH, 0, 0, AT(rollups),
      "on or off: count rows by minute and endpoint, list services, attributes, calls and metrics as they come" },
    { "rollups-minutes", "MONOSCOPE_ROLLUPS_MINUTES", "4d", SETTING_DURATION_MS, 3 * DAY_MS, DAY_MS * 36500,
      AT(rollups_minutes_ms),
      "how long counts by the minute are kept, at least 3d; older ones are asked for by the hour" },
    { "rollups-hours", "MONOSCOPE_ROLLUPS_HOURS", "400d", SETTING_DURATION_MS, 0, DAY_MS * 36500, AT(rollups_hours_ms),
      "the same by the hour; 0d: for ever" },
    { "rollups-days", "MONOSCOPE_ROLLUPS_DAYS", "0d", SETTING_DURATION_MS, 0, DAY_MS * 36500, AT(rollups_days_ms),
      "the same by the day; 0d: for ever" },
    { "rollups-attributes", "MONOSCOPE_ROLLUPS_ATTRIBUTES", "15d", SETTING_DURATION_MS, 0, DAY_MS * 36500,
      AT(rollups_attributes_ms),
      "how long keys and values of attributes are listed after their rows came; 0d: for ever" },
    { "patterns", "MONOSCOPE_PATTERNS", "on", SETTING_SWITCH, 0, 0, AT(patterns),
      "on or off: count log lines by what they say, list their patterns" },
    { "patterns-keep", "MONOSCOPE_PATTERNS_KEEP", "90d", SETTING_DURATION_MS, DAY_MS, DAY_MS * 36500,
      AT(patterns_keep_ms), "how long these counts are kept, by the hour, and what a pattern is known by" },
    { "replays-keep", "MONOSCOPE_REPLAYS_KEEP", "30d", SETTING_DURATION_MS, 0, DAY_MS * 36500, AT(replays_keep_ms),
      "how long recordings of sessions are kept after they ended; 0d: for ever" },
    { "replays-idle", "MONOSCOPE_REPLAYS_IDLE", "30m", SETTING_DURATION_MS, 1000, DAY_MS, AT(replays_idle_ms),
      "a session without data for so long counts as ended, and its segments are joined" },
    { "errors", "MONOSCOPE_ERRORS", "on", SETTING_SWITCH, 0, 0, AT(errors),
      "on or off: count errors by what they are, make issues of them" },
    { "errors-keep", "MONOSCOPE_ERRORS_KEEP", "90d", SETTING_DURATION_MS, DAY_MS, DAY_MS * 36500, AT(errors_keep_ms),
      "how long these counts are kept, by the hour, and what an error is known by" },
    { "embeddings", "MONOSCOPE_EMBEDDINGS", "local", SETTING_TEXT, 0, 0, AT(embeddings),
      "what groups errors by their words: local, a model in the process; off; or the URL of an API as OpenAI has it, "
      "such "
      "as https://api.example.com/v1, whose key is in the environment, MONOSCOPE_EMBEDDINGS_KEY" },
    { "embeddings-model", "MONOSCOPE_EMBEDDINGS_MODEL", "text-embedding-3-small", SETTING_TEXT, 0, 0,
      AT(embeddings_model), "of an API, its name for the model; another one has other likenesses" },
    { "telemetry", "MONOSCOPE_TELEMETRY", "on", SETTING_SWITCH, 0, 0, AT(telemetry),
      "on or off: keep the server's own metrics, logs and spans in project \"monoscope\"" },
    { "telemetry-interval", "MONOSCOPE_TELEMETRY_INTERVAL", "10s", SETTING_DURATION_MS, 100, 3600000, AT(telemetry_ms),
      "how often they are taken" },
    { "kafka-brokers", "MONOSCOPE_KAFKA_BROKERS", "", SETTING_TEXT, 0, 0, AT(kafka_brokers),
      "host:port,host:port: Kafka is the buffer, for more than one machine; none: our own log on disk" },
    { "worker-name", "MONOSCOPE_WORKER_NAME", "", SETTING_TEXT, 0, 0, AT(worker_name),
      "of a worker in Kafka's group, its own and the same after a restart; none: the host's and DATA/worker.id" },
    { "new-buffer", "MONOSCOPE_NEW_BUFFER", "off", SETTING_SWITCH, 0, 0, AT(new_buffer),
      "on, for one start: the tables go on with another log or topic than before; what it held and they lack is lost" },
    { "kafka-topic-prefix", "MONOSCOPE_KAFKA_TOPIC_PREFIX", "monoscope", SETTING_TEXT, 0, 0, AT(kafka_topic_prefix),
      "what the names of its topics and of the workers' group begin with" },
    { "kafka-partitions", "MONOSCOPE_KAFKA_PARTITIONS", "3", SETTING_COUNT, 1, 10000, AT(kafka_partitions),
      "of the telemetry topic when it is made: at most so many workers share the work" },
    { "kafka-replication", "MONOSCOPE_KAFKA_REPLICATION", "0", SETTING_COUNT, 0, 32767, AT(kafka_replication),
      "copies of a topic that is made; 0: the brokers' default. min.insync.replicas is theirs: set it to 2 with 3 "
      "copies" },
    { "kafka-retention", "MONOSCOPE_KAFKA_RETENTION", "7d", SETTING_DURATION_MS, 60000, DAY_MS * 36500,
      AT(kafka_retention_ms), "of topics that are made: how long workers may be away before records are lost" },
    { "kafka-delivery-timeout", "MONOSCOPE_KAFKA_DELIVERY_TIMEOUT", "10s", SETTING_DURATION_MS, 1000, 300000,
      AT(kafka_delivery_ms),
      "how long a request waits for Kafka's acknowledgement before its sender is told to come again" },
    { "kafka-session-timeout", "MONOSCOPE_KAFKA_SESSION_TIMEOUT", "10s", SETTING_DURATION_MS, 6000, 1800000,
      AT(kafka_session_ms), "silence after which a worker's partitions go to others" },
    { "kafka-retry-first", "MONOSCOPE_KAFKA_RETRY_FIRST", "5s", SETTING_DURATION_MS, 100, DAY_MS, AT(kafka_retry_ms[0]),
      "a record that cannot be stored is tried again after that" },
    { "kafka-retry-second", "MONOSCOPE_KAFKA_RETRY_SECOND", "60s", SETTING_DURATION_MS, 100, DAY_MS,
      AT(kafka_retry_ms[1]), "and again" },
    { "kafka-retry-third", "MONOSCOPE_KAFKA_RETRY_THIRD", "600s", SETTING_DURATION_MS, 100, DAY_MS,
      AT(kafka_retry_ms[2]), "and a last time; then it is parked: `monoscope parked list`" },
    { "kafka-security-protocol", "MONOSCOPE_KAFKA_SECURITY_PROTOCOL", "plaintext", SETTING_TEXT, 0, 0,
      AT(kafka_security), "plaintext, ssl, sasl_plaintext or sasl_ssl" },
    { "kafka-sasl-mechanism", "MONOSCOPE_KAFKA_SASL_MECHANISM", "SCRAM-SHA-512", SETTING_TEXT, 0, 0,
      AT(kafka_sasl_mechanism), "SCRAM-SHA-512, SCRAM-SHA-256 or PLAIN" },
    { "kafka-sasl-username", "MONOSCOPE_KAFKA_SASL_USERNAME", "", SETTING_TEXT, 0, 0, AT(kafka_sasl_username),
      "its password is in the environment, MONOSCOPE_KAFKA_SASL_PASSWORD, or in a file" },
    { "kafka-sasl-password-file", "MONOSCOPE_KAFKA_SASL_PASSWORD_FILE", "", SETTING_FILE, 0, 0,
      AT(kafka_sasl_password_file), "the file, with nothing but the password in its first line" },
    { "kafka-ca", "MONOSCOPE_KAFKA_CA", "", SETTING_FILE, 0, 0, AT(kafka_ca),
      "certificates in PEM that brokers must be signed by; none: the system's" },
    { "kafka-cert", "MONOSCOPE_KAFKA_CERT", "", SETTING_FILE, 0, 0, AT(kafka_cert),
      "our certificate for brokers that ask for one, in PEM" },
    { "kafka-key", "MONOSCOPE_KAFKA_KEY", "", SETTING_FILE, 0, 0, AT(kafka_key), "its key in PEM, without a password" },
    { "peer-port", "MONOSCOPE_PEER_PORT", "4319", SETTING_PORT, 0, 65535, AT(peer_port),
      "with Kafka, of a worker: where processes that answer SQL fetch its newest rows; 0 takes a free one" },
    { "peer-address", "MONOSCOPE_PEER_ADDRESS", "", SETTING_TEXT, 0, 0, AT(peer_address),
      "host, or host:port, that they reach it by; none: --listen, or the host's name when that is 0.0.0.0" },
    { "cluster-key", "MONOSCOPE_CLUSTER_KEY", "", SETTING_TEXT, 0, 0, AT(cluster_key),
      "what the processes of a cluster know one another by; none: one of the metadata that they share" },
    { "peer-ca", "MONOSCOPE_PEER_CA", "", SETTING_FILE, 0, 0, AT(peer_ca),
      "with --tls-cert the peer port has TLS too: certificates in PEM that workers' must be signed by; none: the "
      "system's" },
    { "peer-disk", "MONOSCOPE_PEER_DISK", "4GiB", SETTING_BYTES, 64ull << 20, UINT64_MAX, AT(peer_disk_bytes),
      "most that copies of workers' newest rows may hold in the data folder; beyond it new ones are missing for a "
      "while" },
    { "telemetry-endpoint", "MONOSCOPE_TELEMETRY_ENDPOINT", "", SETTING_TEXT, 0, 0, AT(telemetry_endpoint),
      "a second target for them: any OTLP/HTTP server, such as http://host:4318" },
    { "telemetry-headers", "MONOSCOPE_TELEMETRY_HEADERS", "", SETTING_TEXT, 0, 0, AT(telemetry_headers),
      "headers for it: name=value,name=value" },
    { "llm-url", "MONOSCOPE_LLM_URL", "", SETTING_TEXT, 0, 0, AT(llm_url),
      "a language model for all projects: OpenAI's API, such as http://localhost:11434/v1, or Anthropic's, ending with "
      "/messages" },
    { "llm-model", "MONOSCOPE_LLM_MODEL", "", SETTING_TEXT, 0, 0, AT(llm_model), "its name there" },
    { "llm-key-file", "MONOSCOPE_LLM_KEY_FILE", "", SETTING_FILE, 0, 0, AT(llm_key_file),
      "its key is in the environment, MONOSCOPE_LLM_KEY, or in this file's first line" },
    { "llm-ca", "MONOSCOPE_LLM_CA", "", SETTING_FILE, 0, 0, AT(llm_ca),
      "certificates in PEM that its server must be signed by; none: the system's" },
    { "llm-allow-private", "MONOSCOPE_LLM_ALLOW_PRIVATE", "off", SETTING_SWITCH, 0, 0, AT(llm_allow_private),
      "on: models that projects name may be in private networks, and on this machine" },
    { "smtp-url", "MONOSCOPE_SMTP_URL", "", SETTING_TEXT, 0, 0, AT(smtp_url),
      "the server of mail for all projects' channels: smtp://host:587, or smtps://host:465" },
    { "smtp-user", "MONOSCOPE_SMTP_USER", "", SETTING_TEXT, 0, 0, AT(smtp_user), "to sign in there; none: nobody" },
    { "smtp-password-file", "MONOSCOPE_SMTP_PASSWORD_FILE", "", SETTING_FILE, 0, 0, AT(smtp_password_file),
      "a file with the password in its first line; or MONOSCOPE_SMTP_PASSWORD" },
    { "smtp-from", "MONOSCOPE_SMTP_FROM", "", SETTING_TEXT, 0, 0, AT(smtp_from),
      "whom mail is from, such as mono@example.com" },
    { "smtp-tls", "MONOSCOPE_SMTP_TLS", "on", SETTING_SWITCH, 0, 0, AT(smtp_tls),
      "with smtp:// mail goes after STARTTLS alone; off: in the clear where the server has no TLS" },
    { "channels-allow-private", "MONOSCOPE_CHANNELS_ALLOW_PRIVATE", "off", SETTING_SWITCH, 0, 0,
      AT(channels_allow_private), "on: channels may lead into private networks, and to this machine" },
    { "channels-ca", "MONOSCOPE_CHANNELS_CA", "", SETTING_FILE, 0, 0, AT(channels_ca),
      "certificates in PEM that their servers must be signed by; none: the system's" },
    { "channels-give-up", "MONOSCOPE_CHANNELS_GIVE_UP", "24h", SETTING_DURATION_MS, 1000, DAY_MS * 30,
      AT(channels_give_up_ms), "how long a message is tried before it counts as failed" },
    { "llm-seal-secret-file", "MONOSCOPE_LLM_SEAL_SECRET_FILE", "", SETTING_FILE, 0, 0, AT(llm_seal_secret_file),
      "a secret beside the database's own, so that a copy of the database does not open projects' keys; or "
      "MONOSCOPE_LLM_SEAL_SECRET" },
    { "llm-input-price", "MONOSCOPE_LLM_INPUT_PRICE", "0", SETTING_MONEY, 0, MONEY_MAX, AT(llm_input_price_micros),
      "what a million tokens sent cost, such as 2.50; 0: not counted in money" },
    { "llm-output-price", "MONOSCOPE_LLM_OUTPUT_PRICE", "0", SETTING_MONEY, 0, MONEY_MAX, AT(llm_output_price_micros),
      "the same of tokens answered" },
    { "llm-tokens-day", "MONOSCOPE_LLM_TOKENS_DAY", "0", SETTING_COUNT, 0, LIMIT_VALUE_MAX, AT(llm_tokens_day),
      "tokens of a project at that model in a day (UTC); 0: no limit" },
    { "llm-tokens-month", "MONOSCOPE_LLM_TOKENS_MONTH", "0", SETTING_COUNT, 0, LIMIT_VALUE_MAX, AT(llm_tokens_month),
      "the same in a month" },
    { "llm-cost-day", "MONOSCOPE_LLM_COST_DAY", "0", SETTING_MONEY, 0, MONEY_MAX, AT(llm_cost_day_micros),
      "what a project's tokens there may cost in a day, by the prices; 0: no limit" },
    { "llm-cost-month", "MONOSCOPE_LLM_COST_MONTH", "0", SETTING_MONEY, 0, MONEY_MAX, AT(llm_cost_month_micros),
      "the same in a month" },
    { "llm-audit", "MONOSCOPE_LLM_AUDIT", "on", SETTING_SWITCH, 0, 0, AT(llm_audit),
      "on or off: keep prompts and answers for projects' admins, without secrets; a project may say otherwise" },
    { "llm-audit-keep", "MONOSCOPE_LLM_AUDIT_KEEP", "30d", SETTING_DURATION_MS, DAY_MS, DAY_MS * 36500,
      AT(llm_audit_keep_ms), "for how many days" },
    { "ask-model", "MONOSCOPE_ASK_MODEL", "on", SETTING_SWITCH, 0, 0, AT(ask_model),
      "on or off: questions in plain English that are not understood without a model may go to it, with names and "
      "example "
      "values of the project; a project may say otherwise" },
    { "ask-model-wait", "MONOSCOPE_ASK_MODEL_WAIT", "20s", SETTING_DURATION_MS, 1000, 120000, AT(ask_model_wait_ms),
      "how long a question waits for the model's answers" },
    { "source-maps-bytes", "MONOSCOPE_SOURCE_MAPS_BYTES", "4GiB", SETTING_BYTES, 0, UINT64_MAX, AT(source_maps_bytes),
      "most that a project's source maps may take, compressed; 0: no limit" },
    { "source-maps-count", "MONOSCOPE_SOURCE_MAPS_COUNT", "20000", SETTING_COUNT, 0, 1000000, AT(source_maps_count),
      "most source maps of a project; 0: no limit" },
    { "source-maps-unused", "MONOSCOPE_SOURCE_MAPS_UNUSED", "90d", SETTING_DURATION_MS, 0, DAY_MS * 36500,
      AT(source_maps_unused_ms), "source maps that no stack needed for so many days are deleted; 0d: never" },
    { "errors-judge", "MONOSCOPE_ERRORS_JUDGE", "off", SETTING_SWITCH, 0, 0, AT(errors_judge),
      "on: where it is doubtful whether two errors are one, the language model is asked; their texts go to it" },
    { "findings-model", "MONOSCOPE_FINDINGS_MODEL", "on", SETTING_SWITCH, 0, 0, AT(findings_model),
      "on: where there is a language model, it says in words what detection found; that and its likely causes go to "
      "it" },
    { "errors-judge-hour", "MONOSCOPE_ERRORS_JUDGE_HOUR", "60", SETTING_COUNT, 1, 100000, AT(errors_judge_hour),
      "at most so often in an hour, in a process" },
};

static const struct unit {
    const char *name;
    enum setting_kind kind;
    uint64_t factor;
} units[] = {
    { "", SETTING_BYTES, 1 },
    { "B", SETTING_BYTES, 1 },
    { "KiB", SETTING_BYTES, 1ull << 10 },
    { "MiB", SETTING_BYTES, 1ull << 20 },
    { "GiB", SETTING_BYTES, 1ull << 30 },
    { "TiB", SETTING_BYTES, 1ull << 40 },
    { "KB", SETTING_BYTES, 1000ull },
    { "MB", SETTING_BYTES, 1000ull * 1000 },
    { "GB", SETTING_BYTES, 1000ull * 1000 * 1000 },
    { "TB", SETTING_BYTES, 1000ull * 1000 * 1000 * 1000 },
    { "ms", SETTING_DURATION_MS, 1 },
    { "s", SETTING_DURATION_MS, 1000 },
    { "m", SETTING_DURATION_MS, 60000 },
    { "h", SETTING_DURATION_MS, 3600000 },
    { "d", SETTING_DURATION_MS, DAY_MS },
    { "", SETTING_PORT, 1 },
    { "", SETTING_COUNT, 1 },
};

static const char *kind_example(enum setting_kind kind)
{
    switch (kind) {
    case SETTING_BYTES: return "a size such as 512MiB or 2GiB";
    case SETTING_DURATION_MS: return "a time such as 250ms, 10s, 1m or 2d";
    case SETTING_PORT: return "a port, 0 to 65535";
    case SETTING_COUNT: return "a whole number";
    case SETTING_MONEY: return "a number such as 2.50";
    case SETTING_SWITCH: return "on or off";
    case SETTING_TEXT:
    case SETTING_FILE: break;
    }
    return "a text";
}

static bool number_read(const struct setting *setting, const char *value, uint64_t *number, struct err *err)
{
    char *end;
    errno = 0;
    unsigned long long digits = strtoull(value, &end, 10);
    bool ok = errno == 0 && end != value && value[0] >= '0' && value[0] <= '9';
    const struct unit *unit = NULL;
    for (size_t u = 0; ok && u < COUNT_OF(units); u++)
        if (units[u].kind == setting->kind && strcmp(units[u].name, end) == 0) unit = &units[u];
    ok = ok && unit && !__builtin_mul_overflow((uint64_t)digits, unit->factor, number) && *number >= setting->min &&
         *number <= setting->max;
    if (!ok)
        return err_set(err, ERR_INPUT, "--%s (or %s) is \"%s\"; it must be %s, and in its bounds: %s", setting->name,
                       setting->environment, value, kind_example(setting->kind), setting->help);
    return true;
}

/* Up to six decimals, exactly: no double is between. */
static bool money_read(const struct setting *setting, const char *value, uint64_t *micros, struct err *err)
{
    uint64_t digits = 0, decimals = 0;
    bool has_point = false, ok = value[0] >= '0' && value[0] <= '9';
    for (const char *at = value; ok && *at != '\0'; at++) {
        if (*at == '.') {
            ok = !has_point && at[1] != '\0';
            has_point = true;
            continue;
        }
        decimals += has_point;
        ok = *at >= '0' && *at <= '9' && decimals <= 6 && digits <= MONEY_MAX;
        if (ok) digits = digits * 10 + (uint64_t)(*at - '0');
    }
    for (; ok && decimals < 6; decimals++) ok = !__builtin_mul_overflow(digits, 10, &digits);
    ok = ok && digits >= setting->min && digits <= setting->max;
    *micros = digits;
    return ok || err_set(err, ERR_INPUT, "--%s (or %s) is \"%s\"; it must be %s: %s", setting->name,
                         setting->environment, value, kind_example(setting->kind), setting->help);
}

static bool setting_store(struct config *config, const struct setting *setting, const char *value, struct err *err)
{
    char *field = (char *)config + setting->offset;
    if (setting->kind == SETTING_SWITCH) {
        bool is_on = strcmp(value, "on") == 0;
        *(bool *)(void *)field = is_on;
        return is_on || strcmp(value, "off") == 0 ||
               err_set(err, ERR_INPUT, "--%s (or %s) is \"%s\"; it must be on or off", setting->name,
                       setting->environment, value);
    }
    if (setting->kind == SETTING_TEXT) {
        if (value[0] == '\0' && setting->fallback[0] != '\0')
            return err_set(err, ERR_INPUT, "--%s is empty: %s", setting->name, setting->help);
        *(const char **)(void *)field = value;
        return true;
    }
    if (setting->kind == SETTING_FILE) {
        *(const char **)(void *)field = value[0] == '\0' ? NULL : value;
        return true;
    }
    if (setting->kind == SETTING_MONEY) return money_read(setting, value, (uint64_t *)(void *)field, err);
    return number_read(setting, value, (uint64_t *)(void *)field, err);
}

static const struct setting *setting_find(const char *name, size_t len)
{
    for (size_t s = 0; s < COUNT_OF(settings); s++)
        if (strlen(settings[s].name) == len && memcmp(settings[s].name, name, len) == 0) return &settings[s];
    return NULL;
}

bool config_read(struct config *config, int argc, char *const *argv, struct err *err)
{
    *config = (struct config){ 0 };
    for (size_t s = 0; s < COUNT_OF(settings); s++) {
        const char *value = getenv(settings[s].environment);
        if (!setting_store(config, &settings[s], value ? value : settings[s].fallback, err)) return false;
    }
    for (int a = 0; a < argc; a++) {
        const char *name = argv[a];
        if (strncmp(name, "--", 2) != 0)
            return err_set(err, ERR_INPUT, "\"%s\" is not an option; `monoscope help` lists them", name);
        name += 2;
        const char *equals = strchr(name, '=');
        size_t len = equals ? (size_t)(equals - name) : strlen(name);
        const struct setting *setting = setting_find(name, len);
        if (!setting) return err_set(err, ERR_INPUT, "unknown option \"%s\"; `monoscope help` lists them", argv[a]);
        if (!equals && a + 1 == argc)
            return err_set(err, ERR_INPUT, "option \"%s\" needs a value: %s", argv[a], setting->help);
        if (!setting_store(config, setting, equals ? equals + 1 : argv[++a], err)) return false;
    }
    return true;
}

void config_database(const struct config *config, char *database, size_t database_bytes)
{
    if (config->database[0] != '\0') {
        snprintf(database, database_bytes, "%s", config->database);
    } else {
        snprintf(database, database_bytes, "%s/meta.sqlite", config->data);
    }
}

bool config_secret(const char *setting, const char *file, const char *environment, char *secret, size_t secret_bytes,
                   struct err *err)
{
    const char *given = getenv(environment);
    struct disk_file *opened;
    size_t len = 0;
    snprintf(secret, secret_bytes, "%s", given != NULL ? given : "");
    if (file == NULL) return true;
    if (!disk_real.ops->open(&disk_real, file, DISK_READ, &opened, err)) return err_within(err, "%s", setting);
    bool ok = disk_real.ops->pread(opened, 0, secret, secret_bytes - 1, &len, err);
    disk_real.ops->close(opened);
    secret[ok ? len : 0] = '\0';
    secret[strcspn(secret, "\r\n")] = '\0';
    return ok;
}

void config_print_help(void)
{
    for (size_t s = 0; s < COUNT_OF(settings); s++)
        printf("  --%-18s %s (%s, default %s)\n", settings[s].name, settings[s].help, settings[s].environment,
               settings[s].fallback[0] ? settings[s].fallback : "none");
    puts("\n  A bucket is reached by the usual AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, "
         "AWS_PROFILE,\n"
         "  AWS_REGION, AWS_ENDPOINT_URL_S3 ..., or by the role of the machine: docs/storage.md.");
}
