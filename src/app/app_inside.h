/* app_inside.h -- the process's struct, for the files that start its parts: app_meta.c, app_store.c, app_worker.c (log and
 * worker), app_query.c, app_ingest.c, app_telemetry.c (own metrics, the HTTP port), and app.c, which has the order.
 *
 * A part that is added gets its pointer here, a file app_NOUN.c with its start, one line in app_start (app.c) and one in
 * app_stop, and its counts by watch.h.
 *
 * Thread: the main thread opens and closes; what parts call back is said there. */
#pragma once
#include "app/app.h"
#include "app/buffers.h"
#include "app/locks.h"
#include "app/roles.h"
#include "app/services.h"
#include "app/store.h"
#include "app/watch.h"
#include "base/budget.h"
#include "base/span.h"
#include "base/uuid.h"
#include "buffer/parked.h"
#include "tail/tail.h"
#include "timefusion/pgwire/pgwire.h"
#include "worker/tap.h"
#include "worker/worker.h"
#include <pthread.h>

#define APP_OWN_PROJECT "monoscope" /* the process's own telemetry */

struct kafka_bounds;
/* FLUSH over Kafka: where each partition ended when it was asked for. */
struct app_flush {
    uint64_t ticket;
    uint32_t count;
    struct kafka_bounds *bounds;
};

/* A parked record on its way into our own log again; `state` is set by the log's thread, the rest is the main thread's. */
enum app_again_state { AGAIN_IDLE, AGAIN_UNDER_WAY, AGAIN_REFUSED, AGAIN_STORED, AGAIN_DROPPED };
struct app_again {
    _Atomic(enum app_again_state) state;
    struct parked_entry entry;
    struct inbound *inbound;
    bool is_stuck; /* said so once */
};

struct app {
    struct config config;
    uint32_t roles;
    struct budget budget;
    const struct log *log; /* own_log, for the parts */
    struct log own_log;    /* the caller's, and its events become telemetry */
    struct telemetry *telemetry;
    struct watch watch;
    struct web *web;
    struct api *api; /* what it answers under /api */
    struct span start_span;
    struct uuid own_project_id; /* all zero: own telemetry is not kept */
    uint64_t position_at_start; /* of the log's last record */
    struct meta *meta;
    struct accounts *accounts;
    uint8_t share_secret[32]; /* of links: meta/share.h */
    struct oidc *oidc;        /* NULL: no identity provider */
    struct meter *meter;
    struct statement_log *statement_log;
    struct intake *intake; /* counts of what comes, by key */
    struct redactor *redactor;
    struct channels *channels; /* how people are told */
    struct llm *llm;
    struct redaction *llm_secrets; /* what is not kept of prompts */
    struct rule_book *rule_book;   /* projects' rules of what is one error */
    struct app_limits *limits;     /* the thread of both */
    struct store store;
    struct locks locks; /* of its tables */
    struct timefusion *timefusion;
    struct cache *cache; /* NULL: none */
    struct maintenance *maintenance;
    struct buffer *buffer;
    struct worker_memory worker_memory;
    struct rollups *rollups;        /* NULL: none */
    struct tails *tails;            /* the live tail; NULL: neither worker nor query */
    struct sourcemaps *source_maps; /* NULL: neither worker nor query */
    struct patterns *patterns;      /* NULL: none */
    struct replays *replays;        /* the same */
    struct errors *errors;          /* NULL: none */
    struct issue_parts *issues;     /* NULL: none */
    struct agent_parts *agents;     /* NULL: none */
    struct watcher *watcher;        /* NULL: none */
    struct narrator *narrator;      /* NULL: none */
    struct tap_source taps[WORKER_TAPS_MAX];
    uint32_t tap_count;    /* for every worker */
    struct worker *worker; /* of our own log; NULL with Kafka */
    struct app_again again;
    struct kafka *kafka;                /* NULL: the buffer is our own log */
    struct member *member;              /* of its group; NULL without role worker */
    struct peer_server *peer_server;    /* of a worker with Kafka; NULL else */
    struct tls_context *peer_tls;       /* its; without the other ports' client authorities */
    char peer_address[128];             /* "host:port" that others reach it by */
    struct peers *peers;                /* the workers that we follow; NULL without role query, or without Kafka */
    _Atomic(struct member *) flushable; /* member, once peers may ask it */
    pthread_t kafka_look;
    bool kafka_look_runs;
    atomic_bool kafka_look_stops;
    struct query_engine *query;
    struct drafts *drafts;                       /* rows that its transactions hold */
    struct app_monitors *monitors;               /* NULL without role query */
    struct app_replay_backends *replay_backends; /* the same */
    struct pgwire_server *pgwire;
    struct ingest *ingest;
    struct loop *loop;
    struct tls_context *tls;     /* NULL: in the clear */
    struct tls_context *web_tls; /* the HTTP port's: browsers have no certificates of their own */
    struct admission *admission; /* of all intake ports */
    struct grpc_server *grpc;
    struct services services; /* of grpc */
    struct http_server *http;
    struct app_address address;
    bool replay_failed;
    struct err replay_err;
    pthread_mutex_t lock; /* guards what follows */
    bool failed;
    struct err failure;
    struct app_flush flushes[64];
    uint32_t flush_next;
};
/* DATA/name */
void app_path(const struct app *app, const char *name, char *path, size_t path_bytes);
/* Of --retention: where a project says nothing; 0: for ever. */
uint32_t app_days_kept(const struct config *config);
/* What is open so far may be looked at. */
void app_watch(struct app *app, enum watch_phase phase);

MUST_CHECK bool app_telemetry_open(struct app *app, const struct log *log, struct err *err);
MUST_CHECK bool app_web_start(struct app *app, struct err *err);
MUST_CHECK bool app_meta_start(struct app *app, struct err *err);
/* Limits, usage, redaction rules, rules of errors. */
MUST_CHECK bool app_limits_start(struct app *app, struct err *err);
void app_limits_stop(struct app *app);                           /* what was counted is saved */
MUST_CHECK bool app_llm_start(struct app *app, struct err *err); /* before the thread of limits, which sweeps */
void app_llm_stop(struct app *app);
MUST_CHECK bool app_channels_start(struct app *app, struct err *err);        /* before the API */
MUST_CHECK bool app_monitors_start(struct app *app, struct err *err);        /* after queries and channels */
void app_monitors_stop(struct app *app);                                     /* before queries end */
MUST_CHECK bool app_replay_backends_start(struct app *app, struct err *err); /* after queries */
void app_replay_backends_stop(struct app *app);                              /* before queries end */
MUST_CHECK bool app_store_start(struct app *app, struct err *err);
MUST_CHECK bool app_maintenance_open(struct app *app, struct err *err);
MUST_CHECK bool app_rollups_start(struct app *app, struct err *err);     /* before workers */
MUST_CHECK bool app_source_maps_start(struct app *app, struct err *err); /* before workers and the API */
uint32_t app_upload_bytes_max(const struct app *app);                    /* of a source map */
void app_patterns_start(struct app *app);                                /* the same */
MUST_CHECK bool app_replays_start(struct app *app, struct err *err);     /* the same; after the store */
MUST_CHECK bool app_errors_start(struct app *app, struct err *err);      /* the same */
MUST_CHECK bool app_issues_start(struct app *app, struct err *err);      /* after workers */
void app_issues_stop(struct app *app);
struct grouper *app_issues_grouper(const struct app *app); /* NULL: none */
MUST_CHECK bool app_findings_start(struct app *app, struct err *err);
void app_findings_cancel(struct app *app);
void app_findings_stop(struct app *app);                            /* before the metadata goes */
MUST_CHECK bool app_agents_start(struct app *app, struct err *err); /* after the API, which reads for them */
void app_agents_cancel(struct app *app);                            /* before the API stops */
void app_agents_stop(struct app *app);                              /* and when its statements have ended */
#define APP_NAME_BYTES 160
/* Of this process among those that share the metadata: the same after a restart. */
MUST_CHECK bool app_worker_name(const struct app *app, char name[APP_NAME_BYTES], struct err *err);
MUST_CHECK bool app_worker_start(struct app *app, struct err *err); /* our own log too */
MUST_CHECK bool app_kafka_start(struct app *app, struct err *err);  /* and what goes into it */
MUST_CHECK bool app_member_start(struct app *app, struct err *err);
MUST_CHECK bool app_query_start(struct app *app, struct err *err);
MUST_CHECK bool app_ingest_start(struct app *app, struct err *err); /* and its ports */
MUST_CHECK bool app_people_start(struct app *app, struct err *err);
MUST_CHECK bool app_api_start(struct app *app, struct err *err);

/* The process cannot go on: app_has_failed says so from now on. Any thread. */
void app_fail(struct app *app, const struct err *err);
struct buffers_options app_buffers_options(const struct app *app);
/* What the workers of a log and of Kafka's partitions have in common. */
struct worker_options app_worker_options(struct app *app);

/* ---- records of our own log that cannot be stored ---- */
struct api_parked;
/* What is parked of one project, for the API; of our own log. ctx: the app. */
MUST_CHECK bool app_parked_each(void *ctx, struct uuid project_id, void (*each)(void *to, const struct api_parked *one),
                                void *to, struct err *err);
MUST_CHECK bool app_park(struct app *app, const struct worker_failed *failed, struct err *err);
void app_again_tick(struct app *app);   /* each second: what `monoscope parked replay` asked for */
void app_again_settle(struct app *app); /* waits for the log's answer, at most 2 s */
void app_again_close(struct app *app);

/* ---- other processes: with Kafka ---- */
#define APP_CLUSTER_KEY_BYTES 256
MUST_CHECK bool app_peers_serve(struct app *app,
                                struct err *err); /* role worker; before Kafka, which is told the address */
MUST_CHECK bool app_peers_follow(struct app *app, struct err *err); /* role query */

/* ---- Kafka ---- */
/* "monoscope-worker/<address for peers>" and the like: what kafka_members tells of us. */
void app_client_id(const struct app *app, char *client_id, size_t client_id_bytes);
/* One of the group does what is to be done once: who has the first partition. */
bool app_member_leads(struct app *app);
/* As query_hooks.flush. */
MUST_CHECK bool app_kafka_flush(struct app *app, uint64_t *ticket, uint32_t timeout_ms, struct err *err);
MUST_CHECK bool app_kafka_look(struct app *app, struct err *err); /* starts a thread that does, if there is Kafka */
void app_kafka_look_stop(struct app *app);
void app_kafka_close(struct app *app);

/* Ends the ports: calls in flight are answered, later ones meet a closed door. */
void app_ports_close(struct app *app, uint64_t begin_ns);
/* What was taken is put into the tables, for at most 5 s. */
void app_rows_store(struct app *app);

/* Of pgwire.h, struct pgwire_login: users and logins that last. */
MUST_CHECK bool app_person_begin(void *ctx, struct bytes user, const char *address, struct scram_verifier *verifier,
                                 struct err *err);
MUST_CHECK bool app_person_end(void *ctx, struct bytes user, const char *address, bool is_right, struct bytes database,
                               struct pgwire_user *who, struct err *err);
MUST_CHECK bool app_sql_changes(void *ctx, const struct pgwire_user *who, const char *address, const char *statement,
                                struct err *err);
MUST_CHECK bool app_login_still(void *ctx, const struct pgwire_user *who, struct err *err);
