/* Old attribute names and values become current ones. */
#include "worker/rows/rows_fixture.h"

/* Goal: old names become current ones, unless the current one is there with another value. */
static void test_old_names(void **state)
{
    struct fixture *f = *state;
    sent_span(f, ATTRIBUTES(f, text_of("http.method", "PUT"), int_of("http.status_code", 503),
                            text_of("http.target", "/a/b?x=1"), text_of("http.url", "http://h/a/b?x=1"),
                            text_of("http.scheme", "http"), text_of("http.user_agent", "curl"),
                            text_of("http.flavor", "2.0"), text_of("net.peer.name", "10.0.0.9"),
                            int_of("net.peer.port", 4711), text_of("net.host.name", "shop"),
                            int_of("net.host.port", 80), text_of("net.sock.peer.addr", "10.0.0.1"),
                            text_of("net.transport", "ip_tcp"), text_of("enduser.id", "u1")));
    struct otlp_span *client =
        sent_span(f, ATTRIBUTES(f, text_of("db.system", "mysql"), text_of("db.statement", "SELECT 1"),
                                text_of("db.name", "shop"), text_of("db.operation", "SELECT"),
                                text_of("db.sql.table", "cart"), text_of("net.peer.name", "db1"),
                                text_of("code.function", "find"), text_of("code.namespace", "com.acme.Repo"),
                                text_of("code.filepath", "/a.c"), int_of("code.lineno", 7),
                                text_of("deployment.environment", "prod")));
    client->kind = 3;
    sent_span(f, ATTRIBUTES(f, text_of("http.request.method", "GET"), text_of("http.method", "GET"),
                            text_of("url.path", "/x"), text_of("http.target", "/y?q"),
                            text_of("http.host", "[::1]:8080")));
    sent_span(f, ATTRIBUTES(f, text_of("http.host", "shop.example"), text_of("code.namespace", "only")));
    build(f);
    const char *expected[][2] = { { "attributes___http___request___method", "PUT" },
                                  { "attributes___http___response___status_code", "503" },
                                  { "attributes___url___path", "/a/b" },
                                  { "attributes___url___query", "x=1" },
                                  { "attributes___url___full", "http://h/a/b?x=1" },
                                  { "attributes___url___scheme", "http" },
                                  { "attributes___user_agent___original", "curl" },
                                  { "attributes___network___protocol___version", "2" },
                                  { "attributes___client___address", "10.0.0.9" },
                                  { "attributes___client___port", "4711" },
                                  { "attributes___server___address", "shop" },
                                  { "attributes___server___port", "80" },
                                  { "attributes___network___peer___address", "10.0.0.1" },
                                  { "attributes___network___transport", "tcp" },
                                  { "attributes___user___id", "u1" },
                                  { "attributes", "{\"http.response.status_code\":503}" } };
    for (size_t i = 0; i < COUNT_OF(expected); i++) assert_cell(f, 0, expected[i][0], expected[i][1]);

    assert_cell(f, 1, "attributes___db___system___name", "mysql");
    assert_cell(f, 1, "attributes___db___query___text", "SELECT 1");
    assert_cell(f, 1, "attributes___db___namespace", "shop");
    assert_cell(f, 1, "attributes___db___operation___name", "SELECT");
    assert_cell(f, 1, "attributes___db___collection___name", "cart");
    assert_cell(f, 1, "attributes___server___address", "db1");
    assert_cell(f, 1, "attributes___code___function___name", "com.acme.Repo.find");
    assert_cell(f, 1, "attributes___code___file___path", "/a.c");
    assert_cell(f, 1, "attributes___code___line___number", "7");
    assert_cell(f, 1, "attributes", "{\"deployment.environment.name\":\"prod\"}");

    assert_cell(f, 2, "attributes___http___request___method", "GET");
    assert_cell(f, 2, "attributes___url___path", "/x");
    assert_cell_null(f, 2, "attributes___url___query");
    assert_cell(f, 2, "attributes___server___address", "[::1]");
    assert_cell(f, 2, "attributes___server___port", "8080");
    assert_cell(f, 2, "attributes", "{\"http.target\":\"/y?q\"}");
    assert_cell(f, 3, "attributes___server___address", "shop.example");
    assert_cell(f, 3, "attributes", "{\"code.namespace\":\"only\"}");
}

/* Goal: each way of renaming gives the current name and value. Method: one attribute a span, or two, and what is left
 * of them, columns and remainder together. */
static void test_ways_of_renaming(void **state)
{
    struct fixture *f = *state;
    const struct {
        uint32_t kind;
        struct otlp_attribute sent[2];
        const char *column, *text, *remainder;
    } cases[] = {
        { 3, { text_of("peer.service", "pay") }, "attributes___service___peer___name", "pay", NULL },
        { 3, { text_of("db.system", "mssql") }, "attributes___db___system___name", "microsoft.sql_server", NULL },
        { 3, { text_of("db.system", "redshift") }, "attributes___db___system___name", "aws.redshift", NULL },
        { 3, { text_of("db.system", "postgresql") }, "attributes___db___system___name", "postgresql", NULL },
        { 3, { int_of("db.redis.database_index", 15) }, "attributes___db___namespace", "15", NULL },
        { 3, { int_of("db.cosmosdb.status_code", 429) }, "attributes___db___response___status_code", "429", NULL },
        { 3,
          { text_of("db.elasticsearch.path_parts.index", "i") },
          NULL,
          NULL,
          "{\"db.operation.parameter.index\":\"i\"}" },
        { 3, { text_of("db.elasticsearch.path_parts.", "i") }, NULL, NULL, "{\"db.elasticsearch.path_parts.\":\"i\"}" },
        { 1,
          { text_of("k8s.pod.labels.app", "x"), text_of("k8s.pod.labels.tier", "y") },
          NULL,
          NULL,
          "{\"k8s.pod.label.app\":\"x\",\"k8s.pod.label.tier\":\"y\"}" },
        { 2,
          { text_of("rpc.service", "acme.Cart"), text_of("rpc.method", "Add") },
          "attributes___rpc___method",
          "acme.Cart/Add",
          NULL },
        { 2,
          { text_of("rpc.method", "acme.Cart/Add"), text_of("rpc.service", "acme.Cart") },
          "attributes___rpc___method",
          "acme.Cart/Add",
          NULL },
        { 2, { text_of("rpc.service", "acme.Cart") }, NULL, NULL, "{\"rpc.service\":\"acme.Cart\"}" },
        { 2,
          { text_of("rpc.service", "acme.Cart"), text_of("rpc.method", "other/Add") },
          "attributes___rpc___method",
          "other/Add",
          "{\"rpc.service\":\"acme.Cart\"}" },
        { 2,
          { text_of("rpc.service", ""), text_of("rpc.method", "/Add") },
          "attributes___rpc___method",
          "/Add",
          "{\"rpc.service\":\"\"}" },
        { 3, { int_of("rpc.grpc.status_code", 14) }, "attributes___rpc___response___status_code", "UNAVAILABLE", NULL },
        { 3, { int_of("rpc.grpc.status_code", 99) }, "attributes___rpc___response___status_code", "99", NULL },
        { 3,
          { int_of("rpc.jsonrpc.error_code", -32602) },
          "attributes___rpc___response___status_code",
          "-32602",
          NULL },
        { 3, { text_of("rpc.system", "apache_dubbo") }, "attributes___rpc___system___name", "dubbo", NULL },
        { 3, { text_of("net.sock.family", "inet6") }, "attributes___network___type", "ipv6", NULL },
        { 2, { text_of("server.socket.address", "::1") }, "attributes___network___local__address", "::1", NULL },
        { 3, { text_of("server.socket.address", "::1") }, "attributes___network___peer___address", "::1", NULL },
        { 3, { text_of("net.sock.family", "unix") }, "attributes___network___transport", "unix", NULL },
        { 3, { text_of("http.flavor", "QUIC") }, "attributes___network___protocol___name", "quic", NULL },
        { 3, { text_of("http.flavor", "1.1") }, "attributes___network___protocol___version", "1.1", NULL },
        { 4, { text_of("messaging.operation", "publish") }, "attributes___messaging___operation___type", "send", NULL },
        { 4,
          { text_of("messaging.operation.type", "publish"), text_of("messaging.operation", "publish") },
          "attributes___messaging___operation___type",
          "send",
          NULL },
        { 4,
          { int_of("messaging.kafka.destination.partition", 3) },
          NULL,
          NULL,
          "{\"messaging.destination.partition.id\":\"3\"}" },
        { 4,
          { text_of("messaging.rocketmq.client_group", "g") },
          NULL,
          NULL,
          "{\"messaging.rocketmq.client_group\":\"g\"}" },
        { 5,
          { text_of("messaging.rocketmq.client_group", "g") },
          "attributes___messaging___consumer___group___name",
          "g",
          NULL },
        { 3,
          { text_of("gen_ai.system", "az.ai.openai"), int_of("gen_ai.usage.prompt_tokens", 7) },
          "attributes___gen_ai___provider___name",
          "azure.ai.openai",
          "{\"gen_ai.usage.input_tokens\":7}" },
        { 1,
          { text_of("cloud.platform", "azure_aks"), text_of("os.type", "linux") },
          NULL,
          NULL,
          "{\"cloud.platform\":\"azure.aks\",\"os.type\":\"linux\"}" },
        { 1,
          { text_of("state", "idle"), text_of("pool.name", "p") },
          NULL,
          NULL,
          "{\"state\":\"idle\",\"pool.name\":\"p\"}" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        sent_span(f, sent_attributes(f, cases[i].sent, cases[i].sent[1].key.len > 0 ? 2 : 1))->kind = cases[i].kind;
    }
    build(f);
    for (uint32_t i = 0; i < COUNT_OF(cases); i++) {
        if (cases[i].column != NULL) assert_cell(f, i, cases[i].column, cases[i].text);
        if (cases[i].remainder == NULL) {
            assert_cell_null(f, i, "attributes");
        } else {
            assert_cell(f, i, "attributes", cases[i].remainder);
        }
    }
}

/* Goal: otel_metrics has columns for three old names, which stay; all others are renamed there too. */
static void test_old_names_of_metrics(void **state)
{
    struct fixture *f = *state;
    sent_point(f, OTLP_GAUGE,
               ATTRIBUTES(f, text_of("messaging.operation", "publish"), text_of("rpc.service", "acme.Cart"),
                          text_of("rpc.method", "Add"), int_of("rpc.grpc.status_code", 5),
                          int_of("http.status_code", 200), text_of("db.system", "mssql"),
                          text_of("system.cpu.state", "kernel")));
    build(f);
    assert_cell(f, 0, "attributes___messaging___operation", "publish");
    assert_cell(f, 0, "attributes___rpc___service", "acme.Cart");
    assert_cell(f, 0, "attributes___rpc___method", "Add");
    assert_cell(f, 0, "attributes___rpc___grpc___status_code", "5");
    assert_cell(f, 0, "attributes___http___response___status_code", "200");
    assert_cell(f, 0, "attributes___db___system___name", "microsoft.sql_server");
    assert_cell(f, 0, "attributes", "{\"cpu.mode\":\"system\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_old_names),
        TEST(test_ways_of_renaming),
        TEST(test_old_names_of_metrics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
