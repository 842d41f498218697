/* config.h -- the settings: one list with name, environment variable, default and what it is for.
 *
 *   default < environment < command line; `monoscope help` prints the list.
 *
 * Thread: read once at start. Errors: ERR_INPUT names the setting, the value and what it may be. */
#pragma once
#include "base/err.h"
#include <stdint.h>

struct config {
    const char *role; /* roles.h */
    const char *data;
    bool new_buffer;
    const char *worker_name; /* empty: made of the host's name and DATA/worker.id */
    const char *database;    /* empty: DATA/meta.sqlite */
    uint64_t database_grace_ms;
    const char *storage, *storage_lock; /* empty: DATA/tables; none */
    bool s3_virtual_host;
    const char *listen;
    uint64_t otlp_grpc_port, otlp_http_port, pg_port, web_port;
    uint64_t memory_bytes;
    uint64_t log_disk_bytes;
    uint64_t cache_memory_bytes, cache_disk_bytes, cache_ttl_ms; /* before a bucket; 0 bytes: none */
    uint64_t flush_ms, publish_ms;
    uint64_t pg_connections;
    uint64_t attribute_keys;
    uint64_t limit_requests, limit_bytes, limit_events, limit_bytes_day, limit_events_month, limit_queries,
        limit_queries_running, limit_query_ms, limit_query_bytes, limit_query_rows; /* 0: none */
    uint64_t query_slots, statement_log_days;
    bool statement_literals;
    uint64_t connection_age_ms;
    const char *tls_cert, *tls_key, *tls_client_ca; /* NULL: none */
    bool web_tls;                                   /* with a certificate the HTTP port has TLS, too */
    const char *log_level;
    const char *public_url, *admin_email;
    bool shares;                                                        /* links for people without an account */
    const char *oidc_issuer, *oidc_client_id, *oidc_client_secret_file; /* issuer empty: no identity provider */
    const char *oidc_scopes, *oidc_groups_claim, *oidc_roles, *oidc_ca;
    bool oidc_trust_email;
    bool telemetry; /* the process's own, kept in project `monoscope` */
    uint64_t telemetry_ms;
    bool rollups;
    uint64_t rollups_minutes_ms, rollups_hours_ms, rollups_days_ms, rollups_attributes_ms; /* 0: for ever */
    bool patterns;
    uint64_t patterns_keep_ms;
    uint64_t replays_keep_ms; /* 0: for ever */
    uint64_t replays_idle_ms;
    bool errors;
    uint64_t errors_keep_ms;
    uint64_t source_maps_bytes, source_maps_count, source_maps_unused_ms; /* of a project; 0: no limit, for ever */
    const char *embeddings, *embeddings_model;
    bool maintenance;
    uint64_t maintenance_ms, vacuum_ms, vacuum_keep_ms, recode_after_ms;
    uint64_t retention_ms; /* where `monoscope retention` says nothing; 0: for ever */
    const char *kafka_brokers, *kafka_topic_prefix, *kafka_security, *kafka_sasl_mechanism, *kafka_sasl_username;
    const char *kafka_sasl_password_file, *kafka_ca, *kafka_cert, *kafka_key; /* brokers empty: our own log */
    uint64_t peer_port, peer_disk_bytes;
    const char *peer_address, *cluster_key; /* empty: found out; the metadata's */
    const char *peer_ca;                    /* NULL: the system's */
    uint64_t kafka_partitions, kafka_replication, kafka_retention_ms, kafka_delivery_ms, kafka_session_ms;
    uint64_t kafka_retry_ms[3];
    const char *llm_url, *llm_model; /* url empty: no language model for all projects */
    const char *llm_key_file, *llm_ca, *llm_seal_secret_file;
    bool llm_allow_private, llm_audit, ask_model;
    const char *smtp_url, *smtp_user, *smtp_password_file,
        *smtp_from; /* url empty: no server of mail for all projects */
    const char *channels_ca;
    bool smtp_tls, channels_allow_private;
    uint64_t channels_give_up_ms;
    uint64_t ask_model_wait_ms;
    uint64_t llm_input_price_micros, llm_output_price_micros, llm_cost_day_micros, llm_cost_month_micros;
    uint64_t llm_tokens_day, llm_tokens_month, llm_audit_keep_ms;
    bool findings_model; /* a language model says in words what detection found */
    bool errors_judge;   /* a language model is asked in the doubtful band */
    uint64_t errors_judge_hour;
    const char *telemetry_endpoint, *telemetry_headers; /* empty: none */
};
/* argv without the program and the command; unknown options are refused. Texts are borrowed from argv or environ. */
MUST_CHECK bool config_read(struct config *config, int argc, char *const *argv, struct err *err);
/* Where the metadata is: --database, or the file in the data folder. */
void config_database(const struct config *config, char *database, size_t database_bytes);
/* What must not stand on a command line: the file's first line, else the environment's; empty: neither. setting: "--llm-key-file". */
MUST_CHECK bool config_secret(const char *setting, const char *file, const char *environment, char *secret,
                              size_t secret_bytes, struct err *err);
void config_print_help(void);
