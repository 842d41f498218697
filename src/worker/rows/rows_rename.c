#include "worker/rows/rows_rename.h"

#include "worker/rows/rows_inside.h"

static const struct rename_value transports[] = { { "ip_tcp", "tcp" }, { "ip_udp", "udp" }, { NULL, NULL } };
static const struct rename_value families[] = { { "inet", "ipv4" }, { "inet6", "ipv6" }, { NULL, NULL } };
static const struct rename_value flavors[] = { { "2.0", "2" }, { "3.0", "3" }, { NULL, NULL } };
static const struct rename_value operations[] = { { "publish", "send" }, { "deliver", "process" }, { NULL, NULL } };
static const struct rename_value cpu_modes[] = { { "kernel", "system" }, { NULL, NULL } };
static const struct rename_value os_types[] = { { "z_os", "zos" }, { NULL, NULL } };
static const struct rename_value vcs_providers[] = { { "gittea", "gitea" }, { NULL, NULL } };
static const struct rename_value rpc_systems[] = { { "apache_dubbo", "dubbo" },
                                                   { "connect_rpc", "connectrpc" },
                                                   { NULL, NULL } };
static const struct rename_value output_types[] = { { "json_object", "json" },
                                                    { "json_schema", "json" },
                                                    { NULL, NULL } };
static const struct rename_value platforms[] = {
    { "azure_vm", "azure.vm" },
    { "azure_container_apps", "azure.container_apps" },
    { "azure_container_instances", "azure.container_instances" },
    { "azure_aks", "azure.aks" },
    { "azure_functions", "azure.functions" },
    { "azure_app_service", "azure.app_service" },
    { "azure_openshift", "azure.openshift" },
    { NULL, NULL },
};
static const struct rename_value ai_providers[] = {
    { "vertex_ai", "gcp.vertex_ai" },      { "gemini", "gcp.gemini" }, { "az.ai.inference", "azure.ai.inference" },
    { "az.ai.openai", "azure.ai.openai" }, { "xai", "x_ai" },          { NULL, NULL },
};
/* docs/non-normative/db-migration.md, "Database system name". Words that it calls removed stay: "other_sql" would say
 * less. */
static const struct rename_value databases[] = {
    { "adabas", "softwareag.adabas" },
    { "cache", "intersystems.cache" },
    { "cosmosdb", "azure.cosmosdb" },
    { "db2", "ibm.db2" },
    { "dynamodb", "aws.dynamodb" },
    { "firebird", "firebirdsql" },
    { "h2", "h2database" },
    { "hanadb", "sap.hana" },
    { "informix", "ibm.informix" },
    { "ingres", "actian.ingres" },
    { "intersystems_cache", "intersystems.cache" },
    { "maxdb", "sap.maxdb" },
    { "mssql", "microsoft.sql_server" },
    { "netezza", "ibm.netezza" },
    { "oracle", "oracle.db" },
    { "redshift", "aws.redshift" },
    { "spanner", "gcp.spanner" },
    { NULL, NULL },
};

#define TO(name)             .to = (name), .how = RENAME_PLAIN
#define TO_TEXT(name)        .to = (name), .how = RENAME_TEXT
#define TO_ONE(name, map)    .to = (name), .values = (map)
#define TO_TWO(h, name, two) .how = (h), .to = (name), .second = (two)
#define VALUES_OF(name, map) .to = (name), .how = RENAME_VALUE, .values = (map)

static const struct rename renames[] = {
    /* HTTP, URLs, user agents. The registry now points http.*_content_length to the Content-Length header; the sizes
     * that 1.21 gave as their names have columns, and the header's type is a list of texts. */
    { "http.method", TO("http.request.method") },
    { "http.status_code", TO("http.response.status_code") },
    { "http.url", TO("url.full") },
    { "http.target", TO_TWO(RENAME_TARGET, "url.path", "url.query") },
    { "http.scheme", TO("url.scheme") },
    { "http.user_agent", TO("user_agent.original") },
    { "browser.user_agent", TO("user_agent.original") },
    { "http.flavor", TO_TWO(RENAME_FLAVOR, "network.protocol.version", "network.protocol.name"), .values = flavors },
    { "http.host", TO_TWO(RENAME_HOST, "server.address", "server.port") },
    { "http.server_name", TO("server.address") },
    { "http.client_ip", TO("client.address") },
    { "http.request_content_length", TO("http.request.body.size") },
    { "http.response_content_length", TO("http.response.body.size") },
    { "http.request_content_length_uncompressed", TO("http.request.body.size") },
    { "http.response_content_length_uncompressed", TO("http.response.body.size") },
    { "http.resend_count", TO("http.request.resend_count") },
    { "http.retry_count", TO("http.request.resend_count") },
    { "tls.client.server_name", TO("server.address") },

    /* network */
    { "net.peer.name", TO_TWO(RENAME_PEER, "server.address", "client.address") },
    { "net.peer.port", TO_TWO(RENAME_PEER, "server.port", "client.port") },
    { "net.host.name", TO("server.address") },
    { "net.host.port", TO("server.port") },
    { "net.peer.ip", TO("network.peer.address") },
    { "net.host.ip", TO("network.local.address") },
    { "net.sock.peer.addr", TO("network.peer.address") },
    { "net.sock.peer.port", TO("network.peer.port") },
    { "net.sock.host.addr", TO("network.local.address") },
    { "net.sock.host.port", TO("network.local.port") },
    { "client.socket.address", TO("network.peer.address") }, /* these four are of 1.21 alone */
    { "client.socket.port", TO("network.peer.port") },
    { "server.socket.address", TO_TWO(RENAME_PEER, "network.peer.address", "network.local.address") },
    { "server.socket.port", TO_TWO(RENAME_PEER, "network.peer.port", "network.local.port") },
    { "net.sock.family", TO_TWO(RENAME_FAMILY, "network.type", "network.transport"), .values = families },
    { "net.transport", TO_ONE("network.transport", transports) },
    { "net.protocol.name", TO("network.protocol.name") },
    { "net.protocol.version", TO("network.protocol.version") },
    { "net.app.protocol.name", TO("network.protocol.name") },
    { "net.app.protocol.version", TO("network.protocol.version") },
    { "net.host.connection.type", TO("network.connection.type") },
    { "net.host.connection.subtype", TO("network.connection.subtype") },
    { "net.host.carrier.name", TO("network.carrier.name") },
    { "net.host.carrier.mcc", TO("network.carrier.mcc") },
    { "net.host.carrier.mnc", TO("network.carrier.mnc") },
    { "net.host.carrier.icc", TO("network.carrier.icc") },
    { "peer.service", TO("service.peer.name") },

    /* databases */
    { "db.system", TO_ONE("db.system.name", databases) },
    { "db.statement", TO("db.query.text") },
    { "db.name", TO("db.namespace") },
    { "db.operation", TO("db.operation.name") },
    { "db.sql.table", TO("db.collection.name") },
    { "db.redis.database_index", TO_TEXT("db.namespace") },
    { "db.hbase.namespace", TO("db.namespace") },
    { "db.mongodb.collection", TO("db.collection.name") },
    { "db.cassandra.keyspace", TO("db.namespace") },
    { "db.cassandra.table", TO("db.collection.name") },
    { "db.cassandra.consistency_level", TO("cassandra.consistency.level") },
    { "db.cassandra.coordinator.dc", TO("cassandra.coordinator.dc") },
    { "db.cassandra.coordinator.id", TO("cassandra.coordinator.id") },
    { "db.cassandra.idempotence", TO("cassandra.query.idempotent") },
    { "db.cassandra.page_size", TO("cassandra.page.size") },
    { "db.cassandra.speculative_execution_count", TO("cassandra.speculative_execution.count") },
    { "db.cosmosdb.container", TO("db.collection.name") },
    { "db.cosmosdb.status_code", TO_TEXT("db.response.status_code") },
    { "db.cosmosdb.client_id", TO("azure.client.id") },
    { "db.cosmosdb.connection_mode", TO("azure.cosmosdb.connection.mode") },
    { "db.cosmosdb.consistency_level", TO("azure.cosmosdb.consistency.level") },
    { "db.cosmosdb.regions_contacted", TO("azure.cosmosdb.operation.contacted_regions") },
    { "db.cosmosdb.request_charge", TO("azure.cosmosdb.operation.request_charge") },
    { "db.cosmosdb.request_content_length", TO("azure.cosmosdb.request.body.size") },
    { "db.cosmosdb.sub_status_code", TO("azure.cosmosdb.response.sub_status_code") },
    { "db.elasticsearch.cluster.name", TO("db.namespace") },
    { "db.elasticsearch.node.name", TO("elasticsearch.node.name") },
    { "db.client.connections.pool.name", TO("db.client.connection.pool.name") },
    { "db.client.connections.state", TO("db.client.connection.state") },

    /* messaging */
    { "messaging.operation", TO_ONE("messaging.operation.type", operations), .is_spans_only = true },
    { "messaging.operation.type", VALUES_OF("messaging.operation.type", operations) },
    { "messaging.destination", TO("messaging.destination.name") },
    { "messaging.temp_destination", TO("messaging.destination.temporary") },
    { "messaging.message_id", TO("messaging.message.id") },
    { "messaging.conversation_id", TO("messaging.message.conversation_id") },
    { "messaging.message_payload_size_bytes", TO("messaging.message.body.size") },
    { "messaging.message.payload_size_bytes", TO("messaging.message.body.size") },
    { "messaging.protocol", TO("network.protocol.name") },
    { "messaging.protocol_version", TO("network.protocol.version") },
    { "messaging.client_id", TO("messaging.client.id") },
    { "messaging.consumer_id", TO("messaging.client.id") },
    { "messaging.kafka.client_id", TO("messaging.client.id") },
    { "messaging.rocketmq.client_id", TO("messaging.client.id") },
    { "messaging.kafka.message_key", TO("messaging.kafka.message.key") },
    { "messaging.kafka.message.offset", TO("messaging.kafka.offset") },
    { "messaging.kafka.tombstone", TO("messaging.kafka.message.tombstone") },
    { "messaging.kafka.partition", TO_TEXT("messaging.destination.partition.id") },
    { "messaging.kafka.destination.partition", TO_TEXT("messaging.destination.partition.id") },
    { "messaging.kafka.consumer_group", TO("messaging.consumer.group.name") },
    { "messaging.kafka.consumer.group", TO("messaging.consumer.group.name") },
    { "messaging.eventhubs.consumer.group", TO("messaging.consumer.group.name") },
    { "messaging.rocketmq.client_group", .to = "messaging.consumer.group.name", .how = RENAME_CONSUMER },
    { "messaging.rocketmq.message_type", TO("messaging.rocketmq.message.type") },
    { "messaging.rocketmq.message_tag", TO("messaging.rocketmq.message.tag") },
    { "messaging.rocketmq.message_keys", TO("messaging.rocketmq.message.keys") },
    { "messaging.rabbitmq.routing_key", TO("messaging.rabbitmq.destination.routing_key") },
    { "messaging.servicebus.destination.subscription_name", TO("messaging.destination.subscription.name") },

    /* RPC */
    { "rpc.system", TO_ONE("rpc.system.name", rpc_systems) },
    { "rpc.service", .to = "rpc.method", .how = RENAME_SERVICE, .is_spans_only = true },
    { "rpc.grpc.status_code", .to = "rpc.response.status_code", .how = RENAME_STATUS, .is_spans_only = true },
    { "rpc.connect_rpc.error_code", TO("rpc.response.status_code") },
    { "rpc.jsonrpc.error_code", TO_TEXT("rpc.response.status_code") },
    { "rpc.jsonrpc.request_id", TO("jsonrpc.request.id") },
    { "rpc.jsonrpc.version", TO("jsonrpc.protocol.version") },

    /* code, users, deployment, processes, hosts, clouds, containers */
    { "code.function", TO_TWO(RENAME_FUNCTION, "code.function.name", "code.namespace") },
    { "code.filepath", TO("code.file.path") },
    { "code.lineno", TO("code.line.number") },
    { "code.column", TO("code.column.number") },
    { "enduser.id", TO("user.id") }, /* so in 1.26; 1.31 took it back, but users are looked for by one name here */
    { "enduser.role", TO("user.roles") },
    { "deployment.environment", TO("deployment.environment.name") },
    { "telemetry.auto.version", TO("telemetry.distro.version") },
    { "otel.library.name", TO("otel.scope.name") },
    { "otel.library.version", TO("otel.scope.version") },
    { "os.type", VALUES_OF("os.type", os_types) },
    { "process.executable.build_id.profiling", TO("process.executable.build_id.htlhash") },
    { "process.context_switch_type", TO("process.context_switch.type") },
    { "process.paging.fault_type", TO("system.paging.fault.type") },
    { "process.cpu.state", TO_ONE("cpu.mode", cpu_modes) },
    { "container.cpu.state", TO_ONE("cpu.mode", cpu_modes) },
    { "system.cpu.state", TO_ONE("cpu.mode", cpu_modes) },
    { "cpu.mode", VALUES_OF("cpu.mode", cpu_modes) },
    { "system.cpu.logical_number", TO("cpu.logical_number") },
    { "system.network.state", TO("network.connection.state") },
    { "system.network.io.direction", TO("network.io.direction") },
    { "system.disk.io.direction", TO("disk.io.direction") },
    { "system.paging.type", TO("system.paging.fault.type") },
    { "system.process.status", TO("process.state") },
    { "system.processes.status", TO("process.state") },
    { "linux.memory.slab.state", TO("system.memory.linux.slab.state") },
    { "container.runtime", TO("container.runtime.name") },
    { "container.labels", TO("container.label") },
    { "k8s.pod.labels", TO("k8s.pod.label") },
    { "cloud.platform", VALUES_OF("cloud.platform", platforms) },
    { "cloud.zone", TO("cloud.availability_zone") },
    { "cloud.infrastructure_service", TO_ONE("cloud.platform", platforms) },
    { "az.namespace", TO("azure.resource_provider.namespace") },
    { "az.service_request_id", TO("azure.service.request.id") },
    { "faas.execution", TO("faas.invocation_id") },
    { "faas.id", TO("cloud.resource_id") },
    { "android.state", TO("android.app.state") },
    { "ios.state", TO("ios.app.state") },

    /* feature flags, generative AI, version control */
    { "feature_flag.provider_name", TO("feature_flag.provider.name") },
    { "feature_flag.variant", TO("feature_flag.result.variant") },
    { "feature_flag.evaluation.reason", TO("feature_flag.result.reason") },
    { "feature_flag.evaluation.error.message", TO("feature_flag.error.message") },
    { "gen_ai.system", TO_ONE("gen_ai.provider.name", ai_providers) },
    { "gen_ai.usage.prompt_tokens", TO("gen_ai.usage.input_tokens") },
    { "gen_ai.usage.completion_tokens", TO("gen_ai.usage.output_tokens") },
    { "gen_ai.openai.request.seed", TO("gen_ai.request.seed") },
    { "gen_ai.openai.request.response_format", TO_ONE("gen_ai.output.type", output_types) },
    { "gen_ai.openai.request.service_tier", TO("openai.request.service_tier") },
    { "gen_ai.openai.response.service_tier", TO("openai.response.service_tier") },
    { "gen_ai.openai.response.system_fingerprint", TO("openai.response.system_fingerprint") },
    { "vcs.repository.change.id", TO("vcs.change.id") },
    { "vcs.repository.change.title", TO("vcs.change.title") },
    { "vcs.repository.ref.name", TO("vcs.ref.head.name") },
    { "vcs.repository.ref.revision", TO("vcs.ref.head.revision") },
    { "vcs.repository.ref.type", TO("vcs.ref.head.type") },
    { "vcs.provider.name", VALUES_OF("vcs.provider.name", vcs_providers) },
};

/* Families of keys: what stands behind the point is the sender's. */
static const struct {
    const char *from, *to;
} families_of_keys[] = {
    { "container.labels.", "container.label." },
    { "k8s.pod.labels.", "k8s.pod.label." },
    { "db.elasticsearch.path_parts.", "db.operation.parameter." },
    { "rpc.grpc.request.metadata.", "rpc.request.metadata." },
    { "rpc.grpc.response.metadata.", "rpc.response.metadata." },
    { "rpc.connect_rpc.request.metadata.", "rpc.request.metadata." },
    { "rpc.connect_rpc.response.metadata.", "rpc.response.metadata." },
};

const struct rename *rename_of(struct arena *arena, struct bytes key)
{
    if (key.len == 0) return NULL;
    /* New keys may come in floods: most are told apart by their first byte. */
    for (size_t i = 0; i < COUNT_OF(renames); i++) {
        if (renames[i].from[0] == (char)key.ptr[0] && bytes_equal(bytes_of_text(renames[i].from), key)) {
            return &renames[i];
        }
    }
    for (size_t i = 0; i < COUNT_OF(families_of_keys); i++) {
        struct bytes stem = bytes_of_text(families_of_keys[i].from);
        if (stem.ptr[0] != key.ptr[0] || key.len <= stem.len || memcmp(stem.ptr, key.ptr, stem.len) != 0) continue;
        if (memchr(key.ptr, '\0', key.len) != NULL) return NULL; /* names here end with one */
        struct rename *rename = arena_alloc(arena, sizeof *rename);
        *rename = (struct rename){ .from = families_of_keys[i].from, .how = RENAME_PLAIN };
        rename->to = arena_printf(arena, "%s%.*s", families_of_keys[i].to, (int)(key.len - stem.len),
                                  (const char *)key.ptr + stem.len);
        return rename;
    }
    return NULL;
}

struct bytes rename_value(const struct rename *rename, struct bytes text)
{
    if (rename->values == NULL) return text;
    for (const struct rename_value *value = rename->values; value->from != NULL; value++) {
        if (bytes_equal(text, bytes_of_text(value->from))) return bytes_of_text(value->to);
    }
    return text;
}

/* ---- a record's attributes ---- */

static inline bool record_has(const struct rows *rows, const struct key *key)
{
    return key->record == rows->record_number;
}

static bool values_equal(const struct otlp_value *a, const struct otlp_value *b)
{
    if (a->type != b->type) return false;
    switch (a->type) {
    case OTLP_EMPTY: return true;
    case OTLP_BOOL: return a->boolean == b->boolean;
    case OTLP_INT: return a->integer == b->integer;
    case OTLP_DOUBLE: return memcmp(&a->number, &b->number, sizeof a->number) == 0;
    default: return bytes_equal(a->bytes, b->bytes);
    }
}

/* Whether the value may go, or already stands, under the name: then it need not stay under an old one. */
static bool name_takes(const struct rows *rows, const struct key *key, const struct otlp_value *value)
{
    return !record_has(rows, key) || values_equal(rows->slots[key->slot].value, value);
}

static void name_give(struct rows *rows, struct key *key, const struct otlp_value *value)
{
    if (record_has(rows, key)) return;
    key->record = rows->record_number;
    key->slot = rows->slot_count;
    rows->slots[rows->slot_count++] = (struct slot){ .key = key, .value = value };
}

/* The key of the current name (0), or of rename's second (1). */
static struct key *target_of(struct rows *rows, struct key *key, int which)
{
    if (key->targets[which] == NULL) {
        key->targets[which] = keys_find(&rows->keys, which == 0 ? key->rename->to : key->rename->second);
    }
    return key->targets[which];
}

static const struct otlp_value *text_value(struct rows *rows, struct bytes text)
{
    struct otlp_value *value = arena_alloc(&rows->record_arena, sizeof *value);
    *value = (struct otlp_value){ .type = OTLP_TEXT, .bytes = text };
    return value;
}

static const struct otlp_value *joined_value(struct rows *rows, struct bytes before, char between, struct bytes behind)
{
    uint8_t *text = arena_alloc(&rows->record_arena, before.len + 1 + behind.len);
    uint8_t *at = json_put_bytes(text, before);
    *at++ = (uint8_t)between;
    at = json_put_bytes(at, behind);
    return text_value(rows, bytes_from(text, (size_t)(at - text)));
}

/* "/path?query#fragment": both parts must be free or equal, else the old attribute stays. */
static bool target_rename(struct rows *rows, struct key *key, struct bytes target)
{
    const uint8_t *mark = target.len == 0 ? NULL : memchr(target.ptr, '?', target.len);
    size_t path_len = mark == NULL ? target.len : (size_t)(mark - target.ptr);
    const struct otlp_value *path = text_value(rows, bytes_from(target.ptr, path_len));
    const struct otlp_value *query =
        mark == NULL ? NULL : text_value(rows, bytes_from(mark + 1, target.len - path_len - 1));
    if (!name_takes(rows, target_of(rows, key, 0), path)) return false;
    if (query != NULL && !name_takes(rows, target_of(rows, key, 1), query)) return false;
    name_give(rows, target_of(rows, key, 0), path);
    if (query != NULL) name_give(rows, target_of(rows, key, 1), query);
    return true;
}

/* "example.com:8080", "[::1]:8080", "example.com". */
static bool host_rename(struct rows *rows, struct key *key, struct bytes host)
{
    size_t digits = 0;
    int64_t port = 0;
    while (digits < host.len && digits < 6) {
        uint8_t digit = host.ptr[host.len - 1 - digits];
        if (digit < '0' || digit > '9') break;
        digits++;
    }
    bool has_port = digits > 0 && digits < 6 && digits + 1 < host.len && host.ptr[host.len - 1 - digits] == ':';
    struct bytes address = host;
    if (has_port) {
        for (size_t i = host.len - digits; i < host.len; i++) port = port * 10 + (host.ptr[i] - '0');
        address.len = host.len - digits - 1;
        /* An IPv6 address without brackets is not an address and a port. */
        if (address.ptr[address.len - 1] != ']' && memchr(address.ptr, ':', address.len) != NULL) {
            has_port = false;
            address = host;
        }
    }
    const struct otlp_value *value = text_value(rows, address);
    if (!name_takes(rows, target_of(rows, key, 0), value)) return false;
    name_give(rows, target_of(rows, key, 0), value);
    if (has_port) {
        struct otlp_value *number = arena_alloc(&rows->record_arena, sizeof *number);
        *number = (struct otlp_value){ .type = OTLP_INT, .integer = port };
        name_give(rows, target_of(rows, key, 1), number);
    }
    return true;
}

/* code.function with its code.namespace before it; both are then done with. */
static bool function_rename(struct rows *rows, struct key *key, const struct otlp_value *function)
{
    struct key *space_key = target_of(rows, key, 1);
    struct slot *space = record_has(rows, space_key) ? &rows->slots[space_key->slot] : NULL;
    if (space != NULL && space->value->type == OTLP_TEXT && function->type == OTLP_TEXT) {
        function = joined_value(rows, space->value->bytes, '.', function->bytes);
    } else {
        space = NULL;
    }
    if (!name_takes(rows, target_of(rows, key, 0), function)) return false;
    name_give(rows, target_of(rows, key, 0), function);
    if (space != NULL) space->key = NULL;
    return true;
}

/* rpc.service is done with once rpc.method names the method in full: "acme.Cart" and "Add" become "acme.Cart/Add". */
static bool service_rename(struct rows *rows, struct key *key, const struct otlp_value *service)
{
    struct key *method_key = target_of(rows, key, 0);
    if (!record_has(rows, method_key) || service->type != OTLP_TEXT) return false;
    struct slot *slot = &rows->slots[method_key->slot];
    if (slot->value->type != OTLP_TEXT) return false;
    struct bytes method = slot->value->bytes, name = service->bytes;
    if (method.len == 0 || name.len == 0) return false;
    if (method.len > name.len && method.ptr[name.len] == '/' && memcmp(method.ptr, name.ptr, name.len) == 0) {
        return true;
    }
    if (memchr(method.ptr, '/', method.len) != NULL) return false;
    slot->value = joined_value(rows, name, '/', method);
    return true;
}

static struct bytes grpc_status_word(int64_t status)
{
    static const char *const words[] = {
        "OK",        "CANCELLED",       "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
        "NOT_FOUND", "ALREADY_EXISTS",  "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
        "ABORTED",   "OUT_OF_RANGE",    "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
        "DATA_LOSS", "UNAUTHENTICATED",
    };
    if (status < 0 || status >= (int64_t)COUNT_OF(words)) return (struct bytes){ 0 };
    return bytes_of_text(words[status]);
}

static const struct otlp_value *integer_as_text(struct rows *rows, const struct otlp_value *value)
{
    uint8_t *text = arena_alloc(&rows->record_arena, JSON_NUMBER_BYTES_MAX);
    return text_value(rows, bytes_from(text, (size_t)(json_put_int(text, value->integer) - text)));
}

static const struct otlp_value *value_current(struct rows *rows, const struct rename *rename,
                                              const struct otlp_value *value)
{
    if (value->type == OTLP_TEXT) {
        struct bytes mapped = rename_value(rename, value->bytes);
        return mapped.ptr == value->bytes.ptr ? value : text_value(rows, mapped);
    }
    if (value->type != OTLP_INT) return value;
    if (rename->how == RENAME_STATUS) {
        struct bytes word = grpc_status_word(value->integer);
        if (word.len > 0) return text_value(rows, word);
    }
    if (rename->how == RENAME_TEXT || rename->how == RENAME_STATUS) return integer_as_text(rows, value);
    return value;
}

/* What of the value belongs under rename's second: a transport among families, a protocol's name among versions. */
static struct bytes second_of(enum rename_how how, struct bytes text)
{
    if (how == RENAME_FAMILY && bytes_equal(text, BYTES("unix"))) return BYTES("unix");
    if (how == RENAME_FLAVOR && bytes_equal(text, BYTES("QUIC"))) return BYTES("quic");
    if (how == RENAME_FLAVOR && bytes_equal(text, BYTES("SPDY"))) return BYTES("spdy");
    return (struct bytes){ 0 };
}

/* Whether the value of an old name now stands under the current one. */
static bool slot_rename(struct rows *rows, struct key *key, const struct otlp_value *value, uint32_t span_kind)
{
    enum rename_how how = key->rename->how;
    bool is_text = value->type == OTLP_TEXT, is_server = span_kind == 2 || span_kind == 5; /* SERVER, CONSUMER */
    if (key->rename->is_spans_only && rows->table == SCHEMA_METRICS) return false;
    if (how == RENAME_CONSUMER && span_kind != 5) return false;
    if (how == RENAME_TARGET && is_text) return target_rename(rows, key, value->bytes);
    if (how == RENAME_HOST && is_text) return host_rename(rows, key, value->bytes);
    if (how == RENAME_FUNCTION) return function_rename(rows, key, value);
    if (how == RENAME_SERVICE) return service_rename(rows, key, value);
    struct key *to = target_of(rows, key, how == RENAME_PEER && is_server ? 1 : 0);
    struct bytes second = is_text ? second_of(how, value->bytes) : (struct bytes){ 0 };
    if (second.len > 0) {
        to = target_of(rows, key, 1);
        value = text_value(rows, second);
    } else {
        value = value_current(rows, key->rename, value);
    }
    if (!name_takes(rows, to, value)) return false;
    name_give(rows, to, value);
    return true;
}

void rows_slots_rename(struct rows *rows, uint32_t span_kind)
{
    uint32_t sent_count = rows->slot_count;
    for (uint32_t i = 0; i < sent_count; i++) { /* first, so that an old name meets the current word */
        struct slot *slot = &rows->slots[i];
        if (slot->key->rename != NULL && slot->key->rename->how == RENAME_VALUE) {
            slot->value = value_current(rows, slot->key->rename, slot->value);
        }
    }
    for (uint32_t i = 0; i < sent_count; i++) {
        struct slot slot = rows->slots[i];
        if (slot.key == NULL || slot.key->rename == NULL || slot.key->rename->how == RENAME_VALUE) continue;
        if (slot_rename(rows, slot.key, slot.value, span_kind)) rows->slots[i].key = NULL;
    }
}
