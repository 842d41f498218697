/* watch.h -- looks at the parts for whoever asks how they are: their counts for the metrics, their readiness for /readyz.
 *
 *   app gives its parts as they open, and takes all of them back before it closes the first
 *   telemetry, web --watch_collect, watch_ready--> each part's *_stats()
 *
 * Thread: any; a lock keeps a part from closing while it is asked. */
#pragma once
#include "base/budget.h"
#include "telemetry/metric.h"
#include "web/web.h"
#include <pthread.h>

enum watch_phase { WATCH_STARTING, WATCH_REPLAYING, WATCH_RUNNING, WATCH_STOPPING };
struct watch_parts { /* NULL: not open */
    struct meta *meta;
    struct meter *meter;
    struct intake *intake;
    struct redactor *redactor;
    struct llm *llm;
    struct object_store *store;
    struct timefusion *timefusion;
    struct cache *cache;
    struct maintenance *maintenance;
    struct buffer *buffer;
    struct rollups *rollups;
    struct patterns *patterns;
    struct errors *errors;
    struct replays *replays;
    struct grouper *issues;
    struct tails *tails;
    struct sourcemaps *source_maps;
    struct worker *worker; /* of our own log */
    struct kafka *kafka;   /* else the buffer is Kafka, and the workers are the member's */
    struct member *member;
    struct peers *peers;
    struct peer_server *peer_server;
    struct pgwire_server *pgwire;
    struct ingest *ingest;
    struct admission *admission;
    struct grpc_server *grpc;
    struct http_server *http;
    struct api *api;
    struct accounts *accounts;
};
struct watch {
    const struct budget *budget;
    uint64_t log_disk_bytes;
    pthread_mutex_t lock; /* guards the rest */
    enum watch_phase phase;
    struct watch_parts parts;
};
void watch_init(struct watch *watch, const struct budget *budget, uint64_t log_disk_bytes);
void watch_deinit(struct watch *watch);
/* parts NULL: takes them all back; nobody looks at them any more when this returns. */
void watch_set(struct watch *watch, enum watch_phase phase, const struct watch_parts *parts);
/* For watch_collect, under its lock: what a member of Kafka's group counts; *sum: its workers together. */
struct worker_stats;
void watch_member_collect(const struct watch *watch, struct metric_set *set, struct worker_stats *sum);
void watch_peers_collect(const struct watch *watch, struct metric_set *set);
void watch_peers_ready(const struct watch *watch, struct web_readiness *readiness);
/* As struct telemetry_options and struct web_options want them; ctx is the struct watch. */
void watch_collect(void *ctx, struct metric_set *set);
void watch_ready(void *ctx, struct web_readiness *readiness);
