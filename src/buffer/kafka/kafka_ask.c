#include "base/clock.h"
#include "buffer/kafka/kafka.h"
#include "buffer/kafka/kafka_client.h"
#include <stdio.h>
#include <stdlib.h>

#define UNSTABLE_MS 20
#define LEADERS_MS  100

/* --- are the topics still the same --- */

bool kafka_check(struct kafka *kafka, struct err *err)
{
    struct kafka_topic_now now[KAFKA_TOPIC_COUNT];
    if (!kafka_topics_look(kafka, now, err)) return false;
    for (int t = 0; t < KAFKA_TOPIC_COUNT; t++) {
        const struct kafka_topic_state *was = &kafka->topics[t];
        if (!now[t].exists)
            return err_set(
                err, ERR_NOT_FOUND,
                "Kafka's topic \"%s\" is gone: what was in it and not yet stored is lost; a restart makes a new "
                "one, which is another buffer",
                was->name);
        if (strcmp(now[t].id, was->id) != 0)
            return err_set(err, ERR_CONFLICT,
                           "Kafka's topic \"%s\" was deleted and made again (its id was %s and is %s): restart, it is "
                           "another buffer",
                           was->name, was->id, now[t].id);
        if (now[t].partition_count != was->partition_count)
            return err_set(
                err, ERR_CONFLICT,
                "Kafka's topic \"%s\" has %u partitions now, it had %u: start again, all processes of this cluster",
                was->name, now[t].partition_count, was->partition_count);
    }
    return true;
}

/* --- how far partitions reach --- */

struct offsets_asked {
    rd_kafka_topic_partition_list_t *list;
};
static void ask_offsets(void *ctx, rd_kafka_t *client, rd_kafka_AdminOptions_t *options, rd_kafka_queue_t *queue)
{
    struct offsets_asked *asked = ctx;
    rd_kafka_ListOffsets(client, asked->list, options, queue);
}

static rd_kafka_topic_partition_list_t *list_of(const struct kafka *kafka, const struct kafka_bounds *bounds,
                                                uint32_t count, int64_t offset)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (uint32_t i = 0; i < count; i++)
        rd_kafka_topic_partition_list_add(list, kafka->topics[bounds[i].partition.topic].name,
                                          (int32_t)bounds[i].partition.number)
            ->offset = offset;
    return list;
}

static struct kafka_bounds *bounds_find(const struct kafka *kafka, struct kafka_bounds *bounds, uint32_t count,
                                        const rd_kafka_topic_partition_t *at)
{
    enum kafka_topic topic = kafka_topic_of(kafka, at->topic);
    for (uint32_t i = 0; i < count; i++)
        if (bounds[i].partition.topic == topic && bounds[i].partition.number == (uint32_t)at->partition)
            return &bounds[i];
    return NULL;
}

/* What a broker answers while it is not yet, or no longer, who leads the partition, or we do not know that it is. */
static bool is_about_leaders(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH || code == RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH ||
           code == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION || code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ||
           code == RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE || code == RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE;
}

/* *again: who leads is to be asked anew, and then this. */
static bool offsets_ask_once(const struct kafka *kafka, struct kafka_bounds *bounds, uint32_t count, int64_t which,
                             bool *again, struct err *err)
{
    *again = false;
    struct offsets_asked asked = { list_of(kafka, bounds, count, which) };
    rd_kafka_event_t *event = kafka_ask(kafka, RD_KAFKA_ADMIN_OP_LISTOFFSETS, ask_offsets, &asked,
                                        "could not ask Kafka how far its partitions reach", err);
    rd_kafka_topic_partition_list_destroy(asked.list);
    if (event == NULL) return false;
    size_t found;
    const rd_kafka_ListOffsetsResultInfo_t **infos =
        rd_kafka_ListOffsets_result_infos(rd_kafka_event_ListOffsets_result(event), &found);
    bool ok = true;
    for (size_t i = 0; ok && i < found; i++) {
        const rd_kafka_topic_partition_t *at = rd_kafka_ListOffsetsResultInfo_topic_partition(infos[i]);
        struct kafka_bounds *bound = bounds_find(kafka, bounds, count, at);
        if (at->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            *again = is_about_leaders(at->err);
            ok = kafka_fail(kafka, err, at->err, "could not ask Kafka how far partition %s/%d reaches", at->topic,
                            (int)at->partition);
        } else if (bound != NULL && at->offset >= 0) {
            if (which == RD_KAFKA_OFFSET_SPEC_EARLIEST)
                bound->position_first = (uint64_t)at->offset + 1;
            else
                bound->position_last = (uint64_t)at->offset;
        }
    }
    rd_kafka_event_destroy(event);
    return ok;
}

static bool offsets_ask(const struct kafka *kafka, struct kafka_bounds *bounds, uint32_t count, int64_t which,
                        struct err *err)
{
    uint64_t end_ns = clock_mono_ns() + KAFKA_CALL_MS * UINT64_C(1000000);
    bool again;
    while (!offsets_ask_once(kafka, bounds, count, which, &again, err)) {
        const struct rd_kafka_metadata *found;
        if (!again || clock_mono_ns() >= end_ns) return false;
        clock_sleep_ms(LEADERS_MS);
        if (rd_kafka_metadata(kafka->client, 1, NULL, &found, KAFKA_CALL_MS) == RD_KAFKA_RESP_ERR_NO_ERROR)
            rd_kafka_metadata_destroy(found);
    }
    return true;
}

/* The group's offsets into the list. By the client's own group, as a consumer asks: the admin call for it crashes in
 * librdkafka 2.15.1 when the coordinator moves while it is under way. An owner that died in the middle of a move: its
 * transaction must be over before we know; the brokers finish one a moment after they have said so. */
static bool committed_ask(const struct kafka *kafka, rd_kafka_topic_partition_list_t *list, struct err *err)
{
    uint64_t end_ns = clock_mono_ns() + KAFKA_CALL_MS * UINT64_C(1000000);
    for (;;) {
        rd_kafka_resp_err_t code = rd_kafka_committed(kafka->client, list, KAFKA_CALL_MS);
        for (int i = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && i < list->cnt; i++) code = list->elems[i].err;
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return true;
        rd_kafka_poll(kafka->client, 0); /* its complaints */
        if (code != RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT || clock_mono_ns() >= end_ns)
            return kafka_fail(kafka, err, code, "could not ask Kafka how far group \"%s\" has come", kafka->group);
        clock_sleep_ms(UNSTABLE_MS);
    }
}

bool kafka_bounds(struct kafka *kafka, struct kafka_bounds *bounds, uint32_t count, struct err *err)
{
    if (count == 0) return true;
    for (uint32_t i = 0; i < count; i++) bounds[i] = (struct kafka_bounds){ .partition = bounds[i].partition };
    rd_kafka_topic_partition_list_t *list = list_of(kafka, bounds, count, RD_KAFKA_OFFSET_INVALID);
    bool ok = committed_ask(kafka, list, err);
    for (int i = 0; ok && i < list->cnt; i++) {
        struct kafka_bounds *bound = bounds_find(kafka, bounds, count, &list->elems[i]);
        if (bound == NULL || list->elems[i].offset < 0) continue;
        bound->has_committed = true;
        bound->position_committed = (uint64_t)list->elems[i].offset;
    }
    rd_kafka_topic_partition_list_destroy(list);
    /* The end last: what was committed before is not beyond it. */
    return ok && offsets_ask(kafka, bounds, count, RD_KAFKA_OFFSET_SPEC_EARLIEST, err) &&
           offsets_ask(kafka, bounds, count, RD_KAFKA_OFFSET_SPEC_LATEST, err);
}

bool kafka_committed(const struct kafka *kafka, struct kafka_partition partition, int64_t *offset, char **metadata,
                     struct err *err)
{
    struct kafka_bounds bounds = { .partition = partition };
    *offset = -1;
    *metadata = NULL;
    rd_kafka_topic_partition_list_t *list = list_of(kafka, &bounds, 1, RD_KAFKA_OFFSET_INVALID);
    bool ok = committed_ask(kafka, list, err);
    const rd_kafka_topic_partition_t *at = &list->elems[0];
    if (ok && at->offset >= 0) {
        *offset = at->offset;
        if (at->metadata != NULL && at->metadata_size > 0)
            *metadata = bytes_to_text(bytes_from(at->metadata, at->metadata_size));
    }
    rd_kafka_topic_partition_list_destroy(list);
    return ok;
}

/* --- members --- */

static void text_take(char *into, size_t bytes, const char *text)
{
    snprintf(into, bytes, "%s", text != NULL ? text : "");
}

/* Big-endian, of what a broker hands on from another client: nothing is believed. */
static bool number_take(struct bytes *from, size_t size, uint32_t *number)
{
    *number = 0;
    if (from->len < size) return false;
    for (size_t i = 0; i < size; i++) *number = *number << 8 | from->ptr[i];
    *from = bytes_from(from->ptr + size, from->len - size);
    return true;
}

/* ConsumerProtocolAssignment: version, then topics (name, partitions), then what is the assignor's. */
bool kafka_assignment_read(struct bytes text, void (*found)(void *ctx, struct bytes topic, uint32_t number), void *ctx)
{
    uint32_t version, topic_count, name_bytes, count, number;
    if (!number_take(&text, 2, &version) || !number_take(&text, 4, &topic_count)) return false;
    for (uint32_t t = 0; t < topic_count; t++) {
        if (!number_take(&text, 2, &name_bytes) || text.len < name_bytes) return false;
        struct bytes name = bytes_from(text.ptr, name_bytes);
        text = bytes_from(text.ptr + name_bytes, text.len - name_bytes);
        if (!number_take(&text, 4, &count)) return false;
        for (uint32_t p = 0; p < count; p++) {
            if (!number_take(&text, 4, &number)) return false;
            if (number <= INT32_MAX) found(ctx, name, number);
        }
    }
    return true;
}

static void assigned_take(void *ctx, struct bytes topic, uint32_t number)
{
    char *name = bytes_to_text(topic);
    rd_kafka_topic_partition_list_add(ctx, name, (int32_t)number);
    free(name);
}

static void member_take(const struct kafka *kafka, const struct rd_kafka_group_member_info *described,
                        struct kafka_member *member)
{
    text_take(member->client_id, sizeof member->client_id, described->client_id);
    text_take(member->host, sizeof member->host, described->client_host);
    if (described->member_assignment_size <= 0) return; /* a rebalance is under way */
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(16);
    (void)!kafka_assignment_read(bytes_from(described->member_assignment, (size_t)described->member_assignment_size),
                                 assigned_take, list);
    rd_kafka_topic_partition_list_t *whole = kafka_group_expand(kafka, list);
    member->partitions = mem_calloc((size_t)whole->cnt + 1, sizeof *member->partitions);
    for (int i = 0; i < whole->cnt; i++)
        if (kafka_topic_of(kafka, whole->elems[i].topic) != KAFKA_TOPIC_COUNT)
            member->partitions[member->partition_count++] =
                (struct kafka_partition){ kafka_topic_of(kafka, whole->elems[i].topic),
                                          (uint32_t)whole->elems[i].partition };
    rd_kafka_topic_partition_list_destroy(whole);
    rd_kafka_topic_partition_list_destroy(list);
}

/* By the call that asks each broker: that of the admin API asks the coordinator, and crashes in librdkafka 2.15.1 when that one
 * moves meanwhile (an assertion of rd_kafka_admin_coord_request). */
bool kafka_members(struct kafka *kafka, struct kafka_members *members, struct err *err)
{
    const struct rd_kafka_group_list *list = NULL;
    *members = (struct kafka_members){ .is_stable = true }; /* a group of nobody is one too */
    rd_kafka_resp_err_t code = rd_kafka_list_groups(kafka->client, kafka->group, &list, KAFKA_CALL_MS);
    rd_kafka_poll(kafka->client, 0); /* its complaints */
    if (code == RD_KAFKA_RESP_ERR__PARTIAL && list != NULL && list->group_cnt > 0) code = RD_KAFKA_RESP_ERR_NO_ERROR;
    for (int g = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && g < list->group_cnt; g++) {
        const struct rd_kafka_group_info *group = &list->groups[g];
        if (strcmp(group->group, kafka->group) != 0 || strcmp(group->state, "Dead") == 0) continue;
        code = group->err;
        members->is_stable = strcmp(group->state, "Stable") == 0 || strcmp(group->state, "Empty") == 0;
        if (group->member_cnt <= 0 || members->members != NULL) continue;
        members->members = mem_calloc((size_t)group->member_cnt, sizeof *members->members);
        members->count = (uint32_t)group->member_cnt;
        for (int m = 0; m < group->member_cnt; m++) member_take(kafka, &group->members[m], &members->members[m]);
    }
    if (list != NULL) rd_kafka_group_list_destroy(list);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return true;
    kafka_members_deinit(members);
    return kafka_fail(kafka, err, code, "could not ask Kafka for the members of group \"%s\"", kafka->group);
}

void kafka_members_deinit(struct kafka_members *members)
{
    for (uint32_t i = 0; i < members->count; i++) free(members->members[i].partitions);
    free(members->members);
    *members = (struct kafka_members){ 0 };
}
