/* What messages have in common. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "patterns/mask.h"

static void assert_template(const char *text, const char *wanted)
{
    uint8_t room[MASK_ROOM_BYTES];
    struct bytes got = mask_text(room, bytes_of_text(text));
    if (bytes_equal(got, bytes_of_text(wanted))) return;
    fail_msg("%s\n  is    %.*s\n  wants %s", text, (int)got.len, (const char *)got.ptr, wanted);
}

/* Goal: lines that well-known programs write fall into groups as a person would sort them, and no two groups are one.
 * Method: two lines each of nginx, Apache, PostgreSQL, MySQL, Redis, Kafka, Kubernetes, syslog, Spring, Hikari, the
 * JVM, Go, Prometheus, zap, gunicorn, uvicorn, Celery, .NET, Node, MongoDB, Rails, Lambda, Elasticsearch and Rust. */
static void test_lines_of_programs(void **state)
{
    (void)state;
    static const struct {
        const char *template, *lines[2];
    } groups[] = {
        { "<*> - - [<*> <*>] \"GET /api/v<*>/users/<*> HTTP/<*>\" <*> <*> \"-\" \"curl/<*>\"",
          { "10.0.0.1 - - [02/Jan/2026:03:04:05 +0000] \"GET /api/v1/users/42?page=2 HTTP/1.1\" 200 612 \"-\" "
            "\"curl/7.88.1\"",
            "192.168.100.27 - - [14/Dec/2025:23:59:59 +0100] \"GET /api/v1/users/9137 HTTP/1.1\" 200 18 \"-\" "
            "\"curl/8.5.0\"" } },
        { "<*> <*> [error] <*>#<*>: *<*> connect() failed (<*>: Connection refused) while connecting to upstream, "
          "client: <*>, server: shop.example, request: \"GET /cart HTTP/<*>\", upstream: \"http://<*>/cart\", host: "
          "\"shop.example\"",
          { "2026/01/02 03:04:05 [error] 31#31: *1234 connect() failed (111: Connection refused) while connecting to "
            "upstream, client: 10.1.2.3, server: shop.example, request: \"GET /cart HTTP/1.1\", upstream: "
            "\"http://10.9.8.7:8080/cart\", host: \"shop.example\"",
            "2025/11/30 23:14:15 [error] 7#7: *9 connect() failed (111: Connection refused) while connecting to "
            "upstream, client: 172.16.31.254, server: shop.example, request: \"GET /cart HTTP/1.1\", upstream: "
            "\"http://10.9.8.11:8080/cart\", host: \"shop.example\"" } },
        { "[<*> <*> <*>] [core:error] [pid <*>:tid <*>] [client <*>] File does not exist: "
          "/usr/local/apache<*>/htdocs/favicon.ico",
          { "[Fri Sep 09 10:42:29.902022 2011] [core:error] [pid 35708:tid 4328636416] [client 72.15.99.187] File does "
            "not exist: /usr/local/apache2/htdocs/favicon.ico",
            "[Mon Jan 12 00:01:02.000001 2026] [core:error] [pid 8:tid 140213] [client 10.0.0.1] File does not exist: "
            "/usr/local/apache2/htdocs/favicon.ico" } },
        { "<*> <*> UTC [<*>] ERROR:  duplicate key value violates unique constraint \"users_email_key\"",
          { "2026-01-02 03:04:05.123 UTC [4711] ERROR:  duplicate key value violates unique constraint "
            "\"users_email_key\"",
            "2025-12-31 23:59:59.999 UTC [88] ERROR:  duplicate key value violates unique constraint "
            "\"users_email_key\"" } },
        { "<*> <*> UTC [<*>] ERROR:  relation \"carts\" does not exist at character <*>",
          { "2026-01-02 03:04:05.123 UTC [4711] ERROR:  relation \"carts\" does not exist at character 15",
            "2026-01-02 04:05:06.001 UTC [12] ERROR:  relation \"carts\" does not exist at character 114" } },
        { "LOG:  checkpoint complete: wrote <*> buffers (<*>%); <*> WAL file(s) added, <*> removed, <*> recycled; "
          "write=<*> s, sync=<*> s, total=<*> s; sync files=<*>, longest=<*> s, average=<*> s; distance=<*> kB, "
          "estimate=<*> kB",
          { "LOG:  checkpoint complete: wrote 4213 buffers (25.7%); 0 WAL file(s) added, 0 removed, 3 recycled; "
            "write=29.951 s, sync=0.004 s, total=29.966 s; sync files=31, longest=0.002 s, average=0.001 s; "
            "distance=49152 kB, estimate=53127 kB",
            "LOG:  checkpoint complete: wrote 7 buffers (0.0%); 1 WAL file(s) added, 12 removed, 0 recycled; "
            "write=0.604 s, sync=0.021 s, total=1.2 s; sync files=5, longest=0.010 s, average=0.004 s; distance=27 kB, "
            "estimate=9 kB" } },
        { "LOG:  duration: <*> ms  statement: SELECT * FROM carts WHERE id = <*>",
          { "LOG:  duration: 1523.104 ms  statement: SELECT * FROM carts WHERE id = 42",
            "LOG:  duration: 12.3 ms  statement: SELECT * FROM carts WHERE id = 100017" } },
        { "FATAL:  password authentication failed for user \"app\"",
          { "FATAL:  password authentication failed for user \"app\"",
            "FATAL:  password authentication failed for user \"app\"" } },
        { "<*> <*> [Warning] [MY-<*>] [Server] IP address '<*>' could not be resolved: Name or service not known",
          { "2026-01-02T03:04:05.678901Z 12 [Warning] [MY-010055] [Server] IP address '10.1.2.3' could not be "
            "resolved: Name or service not known",
            "2025-10-11T00:00:00.000001Z 90417 [Warning] [MY-010055] [Server] IP address '172.31.255.1' could not be "
            "resolved: Name or service not known" } },
        { "<*>:M <*> <*> <*> * Background saving started by pid <*>",
          { "1:M 02 Jan 2026 03:04:05.678 * Background saving started by pid 1201",
            "1:M 15 Nov 2025 23:04:05.001 * Background saving started by pid 7" } },
        { "<*>:M <*> <*> <*> * DB saved on disk",
          { "1:M 02 Jan 2026 03:04:05.678 * DB saved on disk", "912:M 02 Feb 2026 13:04:05.678 * DB saved on disk" } },
        { "[<*> <*>] INFO [GroupCoordinator <*>]: Preparing to rebalance group shop-consumer in state "
          "PreparingRebalance with old generation <*> (__consumer_offsets-<*>) (reason: Adding new member consumer-<*> "
          "with group instance id None) (kafka.coordinator.group.GroupCoordinator)",
          { "[2026-01-02 03:04:05,678] INFO [GroupCoordinator 1]: Preparing to rebalance group shop-consumer in state "
            "PreparingRebalance with old generation 12 (__consumer_offsets-49) (reason: Adding new member "
            "consumer-1-2f6f8f62-4d8e-4a3c-9d8e-0a1b2c3d4e5f with group instance id None) "
            "(kafka.coordinator.group.GroupCoordinator)",
            "[2025-12-24 00:00:00,001] INFO [GroupCoordinator 3]: Preparing to rebalance group shop-consumer in state "
            "PreparingRebalance with old generation 7 (__consumer_offsets-3) (reason: Adding new member "
            "consumer-12-aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee with group instance id None) "
            "(kafka.coordinator.group.GroupCoordinator)" } },
        { "[<*> <*>] INFO [Log partition=orders-<*>, dir=/var/lib/kafka] Rolled new log segment at offset <*> in <*> "
          "ms. (kafka.log.Log)",
          { "[2026-01-02 03:04:05,678] INFO [Log partition=orders-0, dir=/var/lib/kafka] Rolled new log segment at "
            "offset 123456 in 3 ms. (kafka.log.Log)",
            "[2026-01-03 13:14:15,000] INFO [Log partition=orders-11, dir=/var/lib/kafka] Rolled new log segment at "
            "offset 9 in 121 ms. (kafka.log.Log)" } },
        { "I<*> <*> <*> controller.go:<*>] quota admission added evaluator for: replicasets.apps",
          { "I0102 03:04:05.678901       1 controller.go:615] quota admission added evaluator for: replicasets.apps",
            "I1224 23:59:59.000001      27 controller.go:615] quota admission added evaluator for: "
            "replicasets.apps" } },
        { "E<*> <*> <*> pod_workers.go:<*>] \"Error syncing pod, skipping\" err=\"failed to \\\"StartContainer\\\" for "
          "\\\"web\\\" with CrashLoopBackOff: \\\"back-off <*> restarting failed container=web "
          "pod=web-<*>_shop(<*>)\\\"\" pod=\"shop/web-<*>\"",
          { "E0102 03:04:05.678901    1234 pod_workers.go:1298] \"Error syncing pod, skipping\" err=\"failed to "
            "\\\"StartContainer\\\" for \\\"web\\\" with CrashLoopBackOff: \\\"back-off 5m0s restarting failed "
            "container=web pod=web-7d9f8b6c5d-x2x4z_shop(0a1b2c3d-4e5f-6a7b-8c9d-0e1f2a3b4c5d)\\\"\" "
            "pod=\"shop/web-7d9f8b6c5d-x2x4z\"",
            "E1130 13:14:15.000002      99 pod_workers.go:1298] \"Error syncing pod, skipping\" err=\"failed to "
            "\\\"StartContainer\\\" for \\\"web\\\" with CrashLoopBackOff: \\\"back-off 10s restarting failed "
            "container=web pod=web-6b9c7d5f48-bxqwz_shop(0fffffff-aaaa-bbbb-cccc-dddddddddddd)\\\"\" "
            "pod=\"shop/web-6b9c7d5f48-bxqwz\"" } },
        { "Successfully assigned shop/web-<*> to ip-<*>.ec<*>.internal",
          { "Successfully assigned shop/web-7d9f8b6c5d-x2x4z to ip-10-0-1-5.ec2.internal",
            "Successfully assigned shop/web-bcdfghjklm-x2x4z to ip-10-0-231-45.ec2.internal" } },
        { "Back-off restarting failed container web in pod web-<*>_shop(<*>)",
          { "Back-off restarting failed container web in pod "
            "web-7d9f8b6c5d-x2x4z_shop(0a1b2c3d-4e5f-6a7b-8c9d-0e1f2a3b4c5d)",
            "Back-off restarting failed container web in pod "
            "web-5c6d7f8g9h-zzzzz_shop(11111111-4e5f-6a7b-8c9d-0e1f2a3b4c5d)" } },
        { "Readiness probe failed: Get \"http://<*>/ready\": dial tcp <*>: connect: connection refused",
          { "Readiness probe failed: Get \"http://10.244.1.17:8080/ready\": dial tcp 10.244.1.17:8080: connect: "
            "connection refused",
            "Readiness probe failed: Get \"http://10.244.31.7:8080/ready\": dial tcp 10.244.31.7:8080: connect: "
            "connection refused" } },
        { "<*> <*> host<*> sshd[<*>]: Failed password for root from <*> port <*> ssh<*>",
          { "Jan  2 03:04:05 host1 sshd[1234]: Failed password for root from 203.0.113.7 port 51122 ssh2",
            "Dec 31 23:59:59 host12 sshd[98765]: Failed password for root from 198.51.100.1 port 22 ssh2" } },
        { "<*> <*> host<*> sshd[<*>]: Accepted publickey for deploy from <*> port <*> ssh<*>: RSA SHA<*>",
          { "Jan  2 03:04:05 host1 sshd[1234]: Accepted publickey for deploy from 2001:db8::1 port 51122 ssh2: RSA "
            "SHA256:3Jk2lmf8dQ",
            "Feb 12 13:04:05 host1 sshd[77]: Accepted publickey for deploy from fe80::1ff:fe23:4567:890a port 1 ssh2: "
            "RSA SHA256:9aB1cd2EfG" } },
        { "<*> <*> host<*> systemd[<*>]: Started Session <*> of user root.",
          { "Jan  2 03:04:05 host1 systemd[1]: Started Session 17 of user root.",
            "Mar 22 13:14:15 host1 systemd[1]: Started Session 4 of user root." } },
        { "<*> <*> host<*> kernel: [<*>] Out of memory: Killed process <*> (java) total-vm:<*>, anon-rss:<*>, "
          "file-rss:<*>, shmem-rss:<*>, UID:<*> pgtables:<*> oom_score_adj:<*>",
          { "Jan  2 03:04:05 host1 kernel: [12345.678901] Out of memory: Killed process 4711 (java) "
            "total-vm:8123456kB, anon-rss:4123456kB, file-rss:0kB, shmem-rss:0kB, UID:1000 pgtables:9000kB "
            "oom_score_adj:0",
            "Jan 12 13:04:05 host1 kernel: [5.000001] Out of memory: Killed process 9 (java) total-vm:1kB, "
            "anon-rss:2kB, file-rss:3kB, shmem-rss:4kB, UID:0 pgtables:5kB oom_score_adj:900" } },
        { "<*> <*> gw dhcpd: DHCPACK on <*> to <*> via eth<*>",
          { "Jan  2 03:04:05 gw dhcpd: DHCPACK on 10.0.0.17 to aa:bb:cc:dd:ee:01 via eth0",
            "Jan  2 03:04:06 gw dhcpd: DHCPACK on 10.0.0.231 to 00:16:3e:5e:6c:00 via eth1" } },
        { "<*> <*> INFO <*> --- [nio-<*>-exec-<*>] c.a.cart.CartController                  : Added item <*> to cart "
          "<*>",
          { "2026-01-02 03:04:05.678  INFO 1 --- [nio-8080-exec-7] c.a.cart.CartController                  : Added "
            "item 42 to cart 5f3a9c12e7",
            "2025-06-12 13:14:15.001  INFO 4711 --- [nio-8080-exec-10] c.a.cart.CartController                  : "
            "Added item 100 to cart 00aa11bb22" } },
        { "<*> [http-nio-<*>-exec-<*>] WARN  com.zaxxer.hikari.pool.ProxyLeakTask - Connection leak detection "
          "triggered for org.postgresql.jdbc.PgConnection@<*> on thread http-nio-<*>-exec-<*>, stack trace follows",
          { "03:04:05.678 [http-nio-8080-exec-3] WARN  com.zaxxer.hikari.pool.ProxyLeakTask - Connection leak "
            "detection triggered for org.postgresql.jdbc.PgConnection@6d06d69c on thread http-nio-8080-exec-3, stack "
            "trace follows",
            "13:14:15.001 [http-nio-8080-exec-12] WARN  com.zaxxer.hikari.pool.ProxyLeakTask - Connection leak "
            "detection triggered for org.postgresql.jdbc.PgConnection@deadbeef on thread http-nio-8080-exec-12, stack "
            "trace follows" } },
        { "HikariPool-<*> - Connection is not available, request timed out after <*>.",
          { "HikariPool-1 - Connection is not available, request timed out after 30000ms.",
            "HikariPool-2 - Connection is not available, request timed out after 5001ms." } },
        { "[GC pause (G<*> Evacuation Pause) (young) <*>-><*>(<*>), <*> secs]",
          { "[GC pause (G1 Evacuation Pause) (young) 512M->128M(2048M), 0.0123456 secs]",
            "[GC pause (G1 Evacuation Pause) (young) 61M->9M(256M), 0.1 secs]" } },
        { "java.net.SocketTimeoutException: Read timed out after <*> ms (attempt <*>)",
          { "java.net.SocketTimeoutException: Read timed out after 5000 ms (attempt 1/3)",
            "java.net.SocketTimeoutException: Read timed out after 30000 ms (attempt 3/3)" } },
        { "java.util.concurrent.RejectedExecutionException: Task java.util.concurrent.FutureTask@<*> rejected from "
          "java.util.concurrent.ThreadPoolExecutor@<*>[Running, pool size = <*>, active threads = <*>, queued tasks = "
          "<*>, completed tasks = <*>]",
          { "java.util.concurrent.RejectedExecutionException: Task java.util.concurrent.FutureTask@1b28cdfa rejected "
            "from java.util.concurrent.ThreadPoolExecutor@eed1f14[Running, pool size = 10, active threads = 10, queued "
            "tasks = 100, completed tasks = 123]",
            "java.util.concurrent.RejectedExecutionException: Task java.util.concurrent.FutureTask@7229724f rejected "
            "from java.util.concurrent.ThreadPoolExecutor@4c873330[Running, pool size = 8, active threads = 8, queued "
            "tasks = 7, completed tasks = 0]" } },
        { "http: panic serving <*>: runtime error: index out of range [<*>] with length <*>",
          { "http: panic serving 10.0.0.1:51122: runtime error: index out of range [5] with length 3",
            "http: panic serving 10.0.0.231:1: runtime error: index out of range [10] with length 10" } },
        { "<*> <*> http: TLS handshake error from <*>: EOF",
          { "2026/01/02 03:04:05 http: TLS handshake error from 10.0.0.1:51122: EOF",
            "2025/12/31 23:59:59 http: TLS handshake error from 192.168.1.12:80: EOF" } },
        { "level=info ts=<*> caller=compact.go:<*> component=tsdb msg=\"write block\" mint=<*> maxt=<*> ulid=<*> "
          "duration=<*>",
          { "level=info ts=2026-01-02T03:04:05.678Z caller=compact.go:519 component=tsdb msg=\"write block\" "
            "mint=1767225600000 maxt=1767232800000 ulid=01HKB6X9ZQ4Y3R2T1V0W5N8M7K duration=1.234567s",
            "level=info ts=2025-12-02T13:04:05.001Z caller=compact.go:519 component=tsdb msg=\"write block\" mint=1 "
            "maxt=2 ulid=01JABCDEFGHJKMNPQRSTVWXYZ9 duration=12ms" } },
        { "{\"level\":<*>,\"ts\":<*>,\"caller\":<*>,\"msg\":<*>,\"port\":<*>}",
          { "{\"level\":\"info\",\"ts\":1767225600.123,\"caller\":\"zap/"
            "main.go:12\",\"msg\":\"started\",\"port\":8080}",
            "{\"level\":\"warn\",\"ts\":17,\"caller\":\"a\",\"msg\":\"b\",\"port\":1}" } },
        { "[<*> <*> <*>] [<*>] [CRITICAL] WORKER TIMEOUT (pid:<*>)",
          { "[2026-01-02 03:04:05 +0000] [12] [CRITICAL] WORKER TIMEOUT (pid:34)",
            "[2025-01-02 13:04:05 +0200] [1] [CRITICAL] WORKER TIMEOUT (pid:7777)" } },
        { "INFO: <*> - \"GET /items/<*> HTTP/<*>\" <*> OK",
          { "INFO:     10.0.0.1:51122 - \"GET /items/42?q=x HTTP/1.1\" 200 OK",
            "INFO:     10.10.20.30:1 - \"GET /items/7 HTTP/1.1\" 200 OK" } },
        { "[<*> <*>: INFO/ForkPoolWorker-<*>] Task shop.tasks.send_mail[<*>] succeeded in <*>: None",
          { "[2026-01-02 03:04:05,678: INFO/ForkPoolWorker-3] Task "
            "shop.tasks.send_mail[2f6f8f62-4d8e-4a3c-9d8e-0a1b2c3d4e5f] succeeded in 0.123456s: None",
            "[2026-02-12 13:04:05,001: INFO/ForkPoolWorker-12] Task "
            "shop.tasks.send_mail[ffffffff-ffff-4fff-8fff-ffffffffffff] succeeded in 12.5s: None" } },
        { "Sent mail to <*> (<*> KB)",
          { "Sent mail to ann@example.com (12 KB)", "Sent mail to bob.smith+x1@mail.example.co.uk (3 KB)" } },
        { "info: Microsoft.Hosting.Lifetime[<*>] Now listening on: http://localhost:<*>",
          { "info: Microsoft.Hosting.Lifetime[14] Now listening on: http://localhost:5000",
            "info: Microsoft.Hosting.Lifetime[14] Now listening on: http://localhost:8080" } },
        { "Request finished HTTP/<*> GET http://localhost:<*>/api/cart/<*> - <*> - application/json <*>",
          { "Request finished HTTP/1.1 GET http://localhost:5000/api/cart/42 - 200 - application/json 12.3456ms",
            "Request finished HTTP/2 GET http://localhost:5000/api/cart/7 - 200 - application/json 1ms" } },
        { "Executed DbCommand (<*>) [Parameters=[@p<*>='?' (DbType = Int<*>)], CommandType='Text', "
          "CommandTimeout='<*>']",
          { "Executed DbCommand (12ms) [Parameters=[@p0='?' (DbType = Int32)], CommandType='Text', "
            "CommandTimeout='30']",
            "Executed DbCommand (1,024ms) [Parameters=[@p0='?' (DbType = Int32)], CommandType='Text', "
            "CommandTimeout='60']" } },
        { "GET /cart/<*> <*> <*> ms - <*>",
          { "GET /cart/42?full=1 200 12.345 ms - 612", "GET /cart/100017 200 0.5 ms - 7" } },
        { "Error: connect ECONNREFUSED <*>",
          { "Error: connect ECONNREFUSED 127.0.0.1:5432", "Error: connect ECONNREFUSED 10.96.0.10:5432" } },
        { "MongoServerError: E<*> duplicate key error collection: shop.users index: email_<*> dup key: { email: "
          "\"<*>\" }",
          { "MongoServerError: E11000 duplicate key error collection: shop.users index: email_1 dup key: { email: "
            "\"ann@example.com\" }",
            "MongoServerError: E11000 duplicate key error collection: shop.users index: email_1 dup key: { email: "
            "\"bob@example.org\" }" } },
        { "Started GET \"/carts/<*>\" for <*> at <*> <*> <*>",
          { "Started GET \"/carts/42\" for 10.0.0.1 at 2026-01-02 03:04:05 +0000",
            "Started GET \"/carts/7\" for 172.16.0.9 at 2025-12-31 23:59:59 +0100" } },
        { "Completed <*> OK in <*> (Views: <*> | ActiveRecord: <*> | Allocations: <*>)",
          { "Completed 200 OK in 12ms (Views: 3.4ms | ActiveRecord: 1.2ms | Allocations: 1234)",
            "Completed 200 OK in 1200ms (Views: 300.0ms | ActiveRecord: 1.2ms | Allocations: 9)" } },
        { "[mysqld] InnoDB: page_cleaner: <*> intended loop took <*>. The settings might not be optimal. (flushed=<*> "
          "and evicted=<*>, during the time.)",
          { "[mysqld] InnoDB: page_cleaner: 1000ms intended loop took 4567ms. The settings might not be optimal. "
            "(flushed=200 and evicted=0, during the time.)",
            "[mysqld] InnoDB: page_cleaner: 1000ms intended loop took 12000ms. The settings might not be optimal. "
            "(flushed=7 and evicted=12, during the time.)" } },
        { "Processing by CartsController#show as JSON",
          { "Processing by CartsController#show as JSON", "Processing by CartsController#show as JSON" } },
        { "START RequestId: <*> Version: $LATEST",
          { "START RequestId: 8f507cfc-1e11-4697-b07a-ac58fc914c95 Version: $LATEST",
            "START RequestId: 12345678-aaaa-4697-b07a-ac58fc914c95 Version: $LATEST" } },
        { "REPORT RequestId: <*>\tDuration: <*> ms\tBilled Duration: <*> ms\tMemory Size: <*> MB\tMax Memory Used: <*> "
          "MB\tInit Duration: <*> ms",
          { "REPORT RequestId: 8f507cfc-1234-4697-b07a-ac58fc914c95\tDuration: 15.74 ms\tBilled Duration: 16 "
            "ms\tMemory Size: 128 MB\tMax Memory Used: 56 MB\tInit Duration: 130.62 ms",
            "REPORT RequestId: aaaaaaaa-bbbb-4697-b07a-ac58fc914c95\tDuration: 1.0 ms\tBilled Duration: 1 ms\tMemory "
            "Size: 128 MB\tMax Memory Used: 57 MB\tInit Duration: 9.5 ms" } },
        { "[INFO] Compiled <*> modules in <*>",
          { "[\x1b"
            "[32mINFO\x1b"
            "[0m] Compiled 12 modules in 345ms",
            "[\x1b"
            "[1;32mINFO\x1b"
            "[0m] Compiled 1304 modules in 12.5s" } },
        { "retrying in <*> s, offsets [<*>]",
          { "retrying in -1 s, offsets [1, 2, 3]", "retrying in 30 s, offsets [4]" } },
        { "[<*>][WARN ][o.e.m.j.JvmGcMonitorService] [node-<*>] [gc][<*>] overhead, spent [<*>] collecting in the last "
          "[<*>]",
          { "[2026-01-02T03:04:05,678][WARN ][o.e.m.j.JvmGcMonitorService] [node-1] [gc][12345] overhead, spent [1.2s] "
            "collecting in the last [1.5s]",
            "[2025-01-12T13:04:05,001][WARN ][o.e.m.j.JvmGcMonitorService] [node-12] [gc][7] overhead, spent [700ms] "
            "collecting in the last [1s]" } },
        { "<*> ERROR consumer{group=shop partition=<*>}: rdkafka: fetch failed: broker <*> trace_id=<*> span_id=<*>",
          { "2026-01-02T03:04:05Z ERROR consumer{group=shop partition=3}: rdkafka: fetch failed: broker 10.0.0.1:9092 "
            "trace_id=0123456789abcdef0123456789abcdef span_id=00f067aa0ba902b7",
            "2025-12-31T23:59:59.123456+02:00 ERROR consumer{group=shop partition=11}: rdkafka: fetch failed: broker "
            "10.0.0.2:9092 trace_id=ffffffffffffffffffffffffffff0000 span_id=aaaaaaaaaaaaaaa1" } },
        { "thread 'main' panicked at src/main.rs:<*>: called `Option::unwrap()` on a `None` value",
          { "thread 'main' panicked at src/main.rs:12:5: called `Option::unwrap()` on a `None` value",
            "thread 'main' panicked at src/main.rs:120:17: called `Option::unwrap()` on a `None` value" } },
        { "Base<*>Decoder: illegal character in OAuth<*>Client token",
          { "Base64Decoder: illegal character in OAuth2Client token",
            "Base64Decoder: illegal character in OAuth2Client token" } },
    };
    for (size_t i = 0; i < COUNT_OF(groups); i++) {
        for (size_t line = 0; line < 2; line++) assert_template(groups[i].lines[line], groups[i].template);
        for (size_t other = 0; other < i; other++) {
            assert_string_not_equal(groups[i].template, groups[other].template);
        }
    }
}

/* Goal: each rule of the mask, and what it must leave alone. */
static void test_rules(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        { "", "" },
        { "no digits here", "no digits here" },
        { "1", "<*>" },
        { "-1 and +2.5e-9 and 0x1F and 50%", "<*> and <*> and <*> and <*>%" },
        { "1,234,567 of 10/20", "<*> of <*>" },
        { "offsets [1, 2, 3] and (4)", "offsets [<*>] and (<*>)" },
        { "1 2 3", "<*> <*> <*>" },
        { "a-1 b_2 c.3", "a-<*> b_<*> c.<*>" },
        { "sha256 utf-8 http2 Base64Decoder", "sha<*> utf-<*> http<*> Base<*>Decoder" },
        { "id a1b2c3 and cus_8fj3kd92", "id <*> and cus_<*>" },
        { "commit deadbee1 and cafe12", "commit <*> and cafe<*>" },
        { "at abcdef12-abcd-abcd-abcd-abcdefabcdef.", "at <*>." },
        { "at abcdefab-abcd-4bcd-abcd-abcdefabcdef.", "at <*>." },
        { "at abcdefab-abcd-abcd-abcd-abcdefabcde", "at abcdefab-abcd-abcd-abcd-abcdefabcde" },
        { "to ::1 and fe80::1 and 1:2:3:4:5:6:7:8", "to <*> and <*> and <*>" },
        { "std::a1::b and ab:cd:ef:01:23:45", "std::a<*>::b and <*>" },
        { "see Foo::Bar2::baz", "see Foo::Bar<*>::baz" },
        { "mail to <ann+2@mail.example.com>, bob@example.org.", "mail to <<*>>, <*>." },
        { "@2 and root@host and Cart@6d06d69c and Cart@abcdef", "@<*> and root@host and Cart@<*> and Cart@<*>" },
        { "GET /a?b=c&d=2 and \"/x/7?q\" really?", "GET /a and \"/x/<*>\" really?" },
        { "what? yes", "what? yes" },
        { "Mon, 02 Jan 2026 and 2026-Jan-02 and May 5", "<*> <*> and <*> and <*>" },
        { "Marc 5 and MAY 5 and Summer 5", "Marc <*> and MAY <*> and Summer <*>" },
        { "web-7d9f8b6c5d-x2x4z web-bcdfghjkm-x2x4z web-7d9f8b6c5d-bcdfg", "web-<*> web-<*> web-<*>" },
        { "fluentd-x2x4z and tail-https", "fluentd-<*> and tail-https" },
        { "   7 and     8   end", " <*> and <*> end" },
        { "gr\xc3\xb6\xc3\x9f"
          "e5 \xe6\x97\xa5"
          "12\xe6\x9c\x88",
          "gr\xc3\xb6\xc3\x9f"
          "e<*> \xe6\x97\xa5<*>\xe6\x9c\x88" },
        { "\x1b[31mred\x1b[0m \x1b", "red " },
        { "{\"a\":1,\"b\":{\"c\":[1,\"x\",true]},\"d\\\"e\" : null}",
          "{\"a\":<*>,\"b\":{\"c\":[<*>]},\"d\\\"e\":<*>}" },
        { "{not an object 5}", "{not an object <*>}" },
        { "{}", "{}" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) assert_template(cases[i][0], cases[i][1]);
}

/* Goal: a template has its limit, wherever values stand. Method: long texts that differ in the length of an early
 * number. */
static void test_long_texts(void **state)
{
    (void)state;
    static char texts[2][200000];
    uint8_t rooms[2][MASK_ROOM_BYTES];
    for (int i = 0; i < 2; i++) {
        size_t len = (size_t)snprintf(texts[i], sizeof texts[i], i == 0 ? "user 1 " : "user 1234567890 ");
        while (len < sizeof texts[i] - 20) len += (size_t)snprintf(texts[i] + len, 20, "word %d, ", i * 99999);
    }
    struct bytes first = mask_text(rooms[0], bytes_of_text(texts[0]));
    struct bytes other = mask_text(rooms[1], bytes_of_text(texts[1]));
    assert_int_equal(first.len, MASK_BYTES_MAX);
    assert_true(bytes_equal(first, other));
    memset(texts[0], '7', sizeof texts[0] - 1);
    assert_template(texts[0], "<*>");
    memset(texts[0], '?', sizeof texts[0] - 1);
    assert_int_equal(mask_text(rooms[0], bytes_of_text(texts[0])).len, MASK_BYTES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_of_programs),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_long_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
