#include "app/watch.h"
#include "worker/member.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void partition_collect(const struct watch *watch, struct metric_set *set,
                              const struct member_partition *partition)
{
    char number[12];
    const char *topic = kafka_topic_name(watch->parts.kafka, partition->partition.topic);
    uint64_t last = partition->position_last, stored = partition->position;
    snprintf(number, sizeof number, "%" PRIu32, partition->partition.number);
    metric_add(set, METRIC_KAFKA_LAG, last > stored ? last - stored : 0,
               METRIC_ATTRIBUTES({ "topic", topic }, { "partition", number }));
    if (partition->epoch > 0)
        metric_add(set, METRIC_KAFKA_EPOCH, partition->epoch,
                   METRIC_ATTRIBUTES({ "topic", topic }, { "partition", number }));
}

void watch_member_collect(const struct watch *watch, struct metric_set *set, struct worker_stats *sum)
{
    struct member *member = watch->parts.member;
    struct member_stats stats;
    uint32_t count = member_partitions(member, NULL, 0), owned[KAFKA_TOPIC_COUNT] = { 0 };
    struct member_partition *partitions = mem_calloc(count + 1, sizeof *partitions);
    uint32_t now = member_partitions(member, partitions, count);
    for (uint32_t p = 0; p < count && p < now; p++) {
        owned[partitions[p].partition.topic]++;
        partition_collect(watch, set, &partitions[p]);
    }
    free(partitions);
    for (uint32_t t = 0; t < KAFKA_PARKED; t++)
        metric_add(set, METRIC_KAFKA_PARTITIONS, owned[t],
                   METRIC_ATTRIBUTES({ "topic", kafka_topic_name(watch->parts.kafka, (enum kafka_topic)t) }));
    member_stats(member, &stats);
    metric_add(set, METRIC_KAFKA_TAKEN, stats.taken_over, NULL);
    metric_add(set, METRIC_KAFKA_FENCED, stats.fenced, NULL);
    metric_add(set, METRIC_KAFKA_REBALANCES, stats.group.rebalances, NULL);
    metric_add(set, METRIC_KAFKA_REPEATS, stats.repeats, NULL);
    metric_add(set, METRIC_KAFKA_RETRIED, stats.retried, NULL);
    metric_add(set, METRIC_KAFKA_PARKED, stats.parked, NULL);
    metric_add(set, METRIC_KAFKA_LOST, stats.records_lost, NULL);
    metric_add(set, METRIC_KAFKA_AWAY, stats.group.is_away, NULL);
    *sum = stats.workers;
}
