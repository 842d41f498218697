#include "app/watch.h"
#include "peers/peer_server.h"
#include "peers/peers.h"

void watch_peers_collect(const struct watch *watch, struct metric_set *set)
{
    if (watch->parts.peers) {
        struct peers_stats stats;
        peers_stats(watch->parts.peers, &stats);
        metric_add(set, METRIC_PEERS, stats.peers - stats.peers_away, METRIC_ATTRIBUTES({ "state", "answering" }));
        metric_add(set, METRIC_PEERS, stats.peers_away, METRIC_ATTRIBUTES({ "state", "away" }));
        metric_add(set, METRIC_PEERS_UNSEEN, stats.partitions_without_worker,
                   METRIC_ATTRIBUTES({ "reason", "no_worker" }));
        metric_add(set, METRIC_PEERS_UNSEEN, stats.partitions_away, METRIC_ATTRIBUTES({ "reason", "worker_away" }));
        metric_add(set, METRIC_PEERS_UNSEEN, stats.partitions_behind, METRIC_ATTRIBUTES({ "reason", "worker_behind" }));
        metric_add(set, METRIC_PEERS_COPIES, stats.copies, NULL);
        metric_add(set, METRIC_PEERS_COPIES_BYTES, stats.copy_bytes, NULL);
        metric_add(set, METRIC_PEERS_COPIED, stats.copied, NULL);
        metric_add(set, METRIC_PEERS_COPIED_BYTES, stats.copied_bytes, NULL);
        metric_add(set, METRIC_PEERS_FAILURES, stats.copy_failures, NULL);
        metric_add(set, METRIC_PEERS_FULL, stats.is_full, NULL);
    }
    if (watch->parts.peer_server) {
        struct peer_server_stats stats;
        peer_server_stats(watch->parts.peer_server, &stats);
        metric_add(set, METRIC_PEERS_SERVED, stats.requests - stats.refused,
                   METRIC_ATTRIBUTES({ "result", "answered" }));
        metric_add(set, METRIC_PEERS_SERVED, stats.refused, METRIC_ATTRIBUTES({ "result", "refused" }));
        metric_add(set, METRIC_PEERS_SERVED_BYTES, stats.bytes, NULL);
    }
}

void watch_peers_ready(const struct watch *watch, struct web_readiness *readiness)
{
    struct peers_stats stats;
    if (!watch->parts.peers) return;
    peers_stats(watch->parts.peers, &stats);
    web_part_add(readiness, "peers", stats.has_answered,
                 stats.has_members ? "not every worker has been asked for its newest rows yet"
                                   : "Kafka does not say which workers there are");
}
