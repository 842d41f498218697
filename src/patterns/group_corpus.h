/* group_corpus.h -- messages as well-known programs write them, with {what varies}: for tests and benches. Written by hand for
 * this purpose, after the formats' documentation; the label of a line is the line of this list that made it. */
#pragma once
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

struct corpus_event {
    const char *program, *message;
};
static const struct corpus_event corpus_events[] = {
    { "hdfs", "Receiving block blk_{n} src: /{ip}:{n} dest: /{ip}:{n}" },
    { "hdfs", "PacketResponder {n} for block blk_{n} terminating" },
    { "hdfs", "BLOCK* NameSystem.addStoredBlock: blockMap updated: {ip}:{n} is added to blk_{n} size {n}" },
    { "hdfs", "Deleting block blk_{n} file /data/dfs/current/subdir{n}/blk_{n}" },
    { "openssh", "Failed password for invalid user {user} from {ip} port {n} ssh2" },
    { "openssh", "Failed password for root from {ip} port {n} ssh2" },
    { "openssh", "Accepted publickey for {user} from {ip} port {n} ssh2: ED25519 SHA256:{hash}" },
    { "openssh", "pam_unix(sshd:session): session opened for user {user}(uid={n}) by (uid=0)" },
    { "openssh", "Received disconnect from {ip} port {n}:11: Bye Bye [preauth]" },
    { "nginx", "{ip} - {user} [{clf}] \"GET /static/{file} HTTP/1.1\" 200 {n} \"-\" \"curl/8.5.0\"" },
    { "nginx", "{slashed} [error] {n}#{n}: *{n} open() \"/usr/share/nginx/html/{file}\" failed (2: No such file or "
               "directory), client: {ip}, server: shop.example, request: \"GET /{file} HTTP/1.1\"" },
    { "nginx", "{slashed} [warn] {n}#{n}: *{n} an upstream response is buffered to a temporary file "
               "/var/cache/nginx/proxy_temp/{n}/{n} while reading upstream, client: {ip}" },
    { "spring", "{iso}  INFO {n} --- [nio-8080-exec-{n}] c.a.shop.OrderService : Order {uuid} of customer {mail} was "
                "placed in {n} ms" },
    { "spring", "{iso}  WARN {n} --- [nio-8080-exec-{n}] c.a.shop.StockClient : Item {word} is short in the store "
                "{word}" },
    { "spring",
      "{iso} ERROR {n} --- [scheduling-{n}] o.s.s.s.TaskUtils$LoggingErrorHandler : Unexpected error occurred "
      "in scheduled task {word}" },
    { "spring", "Started ShopApplication in {n}.{n} seconds (process running for {n}.{n})" },
    { "django", "[{clf}] \"POST /cart/{n}/items/ HTTP/1.1\" 201 {n}" },
    { "django", "Not Found: /{word}/{file}" },
    { "django", "Forbidden (CSRF token missing or incorrect.): /accounts/{word}/" },
    { "django", "Task shop.tasks.{word}[{uuid}] received by the worker" },
    { "slog", "{iso} INFO request served method=GET path=/api/{word} status=200 bytes={n} took={ms}" },
    { "slog", "{iso} ERROR payment refused user={user} order={n} reason=\"card was declined\"" },
    { "slog", "{iso} WARN retrying call peer={host}:{n} attempt={n} after={ms}" },
    { "slog", "{iso} DEBUG cache miss key={word} shard={n} of the store" },
    { "syslog", "{sys} {host} systemd[1]: Started Session {n} of User {user}." },
    { "syslog", "{sys} {host} CRON[{n}]: ({user}) CMD (/usr/local/bin/{word} --quiet)" },
    { "syslog", "{sys} {host} kernel: [{n}.{n}] eth0: link is up at {n} Mbps, full duplex" },
    { "syslog", "{sys} {host} dhclient[{n}]: DHCPACK of {ip} from {ip}" },
    { "postgres", "{iso} UTC [{n}] ERROR:  duplicate key value violates unique constraint \"{word}_key\"" },
    { "postgres", "{iso} UTC [{n}] LOG:  duration: {n}.{n} ms  statement: SELECT * FROM {word} WHERE id = {n}" },
    { "postgres", "{iso} UTC [{n}] FATAL:  password authentication failed for user \"{user}\"" },
    { "kafka",
      "[{iso}] INFO [GroupCoordinator {n}]: Member {word}-{uuid} in group {word} has left, removing it from the "
      "group (kafka.coordinator.group.GroupCoordinator)" },
    { "kubernetes", "Successfully assigned shop/{word}-7d9f8b6c5d-x2x4z to {host}" },
    { "kubernetes", "Back-off restarting failed container {word} in pod {word}-7d9f8b6c5d-x2x4z_shop({uuid})" },
    { "json", "{\"event\":\"paid\",\"amount\":{n},\"user\":\"{user}\"}" },
    { "redis", "{n}:M {sys}.{n} * Background saving started by pid {n}" },
    { "express", "Error: connect ECONNREFUSED {ip}:{n}" },
    { "express", "POST /login 401 {n}.{n} ms - {n}" },
    { "rails", "Started GET \"/carts/{n}\" for {ip} at {iso}" },
    { "rails", "Completed 200 OK in {ms} (Views: {ms} | ActiveRecord: {ms} | Allocations: {n})" },
    { "windows", "The Windows Filtering Platform has permitted a connection of {word} to {ip} on port {n}" },
};

static inline uint32_t corpus_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33);
}

/* What stands for {kind}. Words and names have letters alone: no mask sees that they vary. */
static inline size_t corpus_value(char *to, size_t room, struct bytes kind, uint64_t *state)
{
    static const char
        *const starts[] = { "al", "bor", "ca", "dom", "el", "fin", "gar", "hul", "ir", "jon", "kel", "lum" },
               *const ends[] = { "ano", "bert", "cia", "dine", "elle", "fay", "gor", "hana", "ina", "jo", "ka", "lis" };
    uint32_t a = corpus_random(state), b = corpus_random(state), c = corpus_random(state);
    const char *start = starts[a % COUNT_OF(starts)], *end = ends[b % COUNT_OF(ends)];
#define IS(text) bytes_equal(kind, BYTES(text))
    int len = 0;
    if (IS("n")) len = snprintf(to, room, "%u", a % (b % 5 == 0 ? 10 : 100000));
    if (IS("ip")) len = snprintf(to, room, "10.%u.%u.%u", a % 256, b % 256, c % 256);
    if (IS("ms")) len = snprintf(to, room, a % 2 ? "%ums" : "%u.5s", b % 900 + 1);
    if (IS("uuid"))
        len = snprintf(to, room, "%08x-%04x-4%03x-9%03x-%08x%04x", a, b & 0xffff, c & 0xfff, a & 0xfff, b, c & 0xffff);
    if (IS("hash")) len = snprintf(to, room, "%xQ%xz%xK%x", a, b, c, a ^ b);
    if (IS("iso"))
        len = snprintf(to, room, "2026-%02u-%02u %02u:%02u:%02u.%03u", a % 12 + 1, a % 28 + 1, b % 24, b % 60, c % 60,
                       c % 1000);
    if (IS("clf")) len = snprintf(to, room, "%02u/Nov/2026:%02u:%02u:%02u +0000", a % 28 + 1, b % 24, b % 60, c % 60);
    if (IS("slashed"))
        len = snprintf(to, room, "2026/%02u/%02u %02u:%02u:%02u", a % 12 + 1, a % 28 + 1, b % 24, b % 60, c % 60);
    if (IS("sys")) len = snprintf(to, room, "Nov %2u %02u:%02u:%02u", a % 28 + 1, b % 24, b % 60, c % 60);
    if (IS("user") || IS("word")) len = snprintf(to, room, "%s%s", start, end);
    if (IS("host")) len = snprintf(to, room, "%s.shop.internal", end);
    if (IS("file")) len = snprintf(to, room, "%s/%s.css", start, end);
    if (IS("mail")) len = snprintf(to, room, "%s@%s.example", start, end);
#undef IS
    return len > 0 ? (size_t)len : 0;
}

static inline size_t corpus_line(char *to, size_t room, const struct corpus_event *event, uint64_t *state)
{
    size_t len = 0;
    for (const char *at = event->message; *at != '\0' && len + 64 < room;) {
        const char *close = *at == '{' ? strchr(at, '}') : NULL;
        size_t written =
            close == NULL ? 0 : corpus_value(to + len, room - len, bytes_from(at + 1, (size_t)(close - at - 1)), state);
        if (written == 0) {
            to[len++] = *at++;
        } else {
            len += written;
            at = close + 1;
        }
    }
    to[len] = '\0';
    return len;
}
