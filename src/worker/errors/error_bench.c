/* What the tap of errors costs: a row without one, an error that is known, one of a flood, storing what a minute brings. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "meta/tap_position.h"
#include "worker/errors/error_delta.h"

enum { KINDS = 500, ROWS = 20000000, ERRORS = 1000000, FLOOD = 200000, MINUTES = 20, STACK_BYTES = 3000, USERS = 5000 };
static const struct uuid project = { { 7 } };
static const uint8_t secret[32] = { 1 };
static uint8_t stack[STACK_BYTES];

struct known {
    char element[4 + UUID_TEXT_BYTES + 1];
};

static void known_make(struct known *one, uint32_t n)
{
    struct uuid id = { { 9, (uint8_t)n, (uint8_t)(n >> 8), (uint8_t)(n >> 16) } };
    memcpy(one->element, "err:", 4);
    uuid_to_text(id, one->element + 4);
}

static void error_add(struct error_delta *delta, struct error_names *names, const struct known *one, int64_t at_us,
                      struct bytes user)
{
    struct rows_error error = { .hash = bytes_from(one->element, 4 + UUID_TEXT_BYTES),
                                .by = FINGERPRINT_BY_STACK,
                                .source = { .language = BYTES("java"),
                                            .service = BYTES("bench"),
                                            .type = BYTES("com.acme.shop.CartException"),
                                            .message = BYTES("cart 17 of user 4711 is gone, after 3 tries"),
                                            .stacktrace = bytes_from(stack, STACK_BYTES) } };
    struct rows_row row = { .kind = ROWS_SERVER,
                            .timestamp_us = at_us,
                            .errors = &error,
                            .error_count = 1,
                            .release = BYTES("1.4.2"),
                            .environment = BYTES("production"),
                            .user_id = user,
                            .trace_id = BYTES("0af7651916cd43dd8448eb211c80319c") };
    error_delta_row(delta, names, project, &row, 0);
}

static void fail(const struct err *err)
{
    fprintf(stderr, "%s\n", err->text);
    exit(1);
}

static void store_measure(struct error_delta *delta, struct error_names *names, const struct known *known)
{
    static const struct log log = { .fd = 2, .level_min = LOG_ERROR };
    char dir[] = "/tmp/mono_bench_XXXXXX", path[64], command[80], user[20];
    struct db *db;
    struct err err = { 0 };
    struct uuid owner = uuid_random();
    uint64_t position, spent_ns = 0;
    if (mkdtemp(dir) == NULL) exit(1);
    snprintf(path, sizeof path, "%s/meta.sqlite", dir);
    if (!db_open(&db, &(struct db_options){ .url = path, .log = &log }, &err) ||
        !tap_position_take(db, ERROR_TAP, "bench", owner, clock_unix_us(), &position, &err))
        fail(&err);
    for (uint32_t minute = 0; minute < MINUTES; minute++) {
        for (uint32_t n = 0; n < KINDS * 4; n++) {
            struct bytes whose = bytes_from(user, (size_t)snprintf(user, sizeof user, "user%u", n * 7919u % USERS));
            error_add(delta, names, &known[n % KINDS], clock_unix_us() + minute * ERROR_MINUTE_US, whose);
        }
        struct error_changes changes = {
            .app_id = "bench", .owner = owner, .position_before = minute, .position = minute + 1
        };
        uint64_t begin_ns = clock_cpu_ns();
        error_delta_changes(delta, &changes);
        if (!error_store(db, &changes, clock_unix_us(), &err)) fail(&err);
        spent_ns += clock_cpu_ns() - begin_ns;
        error_delta_reset(delta);
    }
    printf("errors_store_ms %.1f ms (CPU, a minute of %d kinds with events of %d bytes and %d users, into SQLite)\n",
           (double)spent_ns / 1e6 / MINUTES, KINDS, STACK_BYTES, KINDS * 4);
    db_close(db);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    if (system(command) != 0) exit(1);
}

static void rows_measure(struct error_delta *delta, struct error_names *names)
{
    struct rows_row row = { .kind = ROWS_SERVER, .timestamp_us = 1 };
    uint64_t begin_ns = clock_cpu_ns();
    for (uint32_t n = 0; n < ROWS; n++) {
        __asm__ volatile("" : : "r"(&row) : "memory"); /* as if it were another row */
        error_delta_row(delta, names, project, &row, 0);
    }
    printf("errors_row_ns %.1f ns (CPU, a row without an error)\n", (double)(clock_cpu_ns() - begin_ns) / ROWS);
}

static void known_measure(struct error_delta *delta, struct error_names *names, const struct known *known,
                          bool has_user)
{
    int64_t now_us = clock_unix_us();
    char user[20];
    uint64_t begin_ns = clock_cpu_ns();
    for (uint32_t n = 0; n < ERRORS; n++) {
        struct bytes whose = { 0 };
        if (has_user) whose = bytes_from(user, (size_t)snprintf(user, sizeof user, "user%u", n * 7919u % USERS));
        error_add(delta, names, &known[n * 2654435761u % KINDS], now_us + n, whose);
    }
    printf("%s %.0f ns (CPU, an error of a known kind with a stack of %d bytes%s; %zu KiB)\n",
           has_user ? "errors_count_user_ns" : "errors_count_ns", (double)(clock_cpu_ns() - begin_ns) / ERRORS,
           STACK_BYTES, has_user ? " and a user" : "", error_delta_bytes(delta) >> 10);
    error_delta_reset(delta);
}

int main(void)
{
    struct error_delta *delta = error_delta_create();
    struct error_names *names = error_names_create(secret);
    struct known *known = malloc(KINDS * sizeof *known), *flood = malloc(FLOOD * sizeof *flood);
    memset(stack, 'a', sizeof stack);
    error_names_begin(names, clock_unix_us(), NULL);
    for (uint32_t n = 0; n < KINDS; n++) known_make(&known[n], n);
    for (uint32_t n = 0; n < FLOOD; n++) known_make(&flood[n], KINDS + n);
    rows_measure(delta, names);
    known_measure(delta, names, known, false);
    known_measure(delta, names, known, true);
    store_measure(delta, names, known);

    int64_t now_us = clock_unix_us();
    uint64_t begin_ns = clock_cpu_ns();
    for (uint32_t n = 0; n < FLOOD; n++) error_add(delta, names, &flood[n], now_us, (struct bytes){ 0 });
    printf("errors_flood_ns %.0f ns (CPU, an error of a kind that was never there, %d of them; %zu KiB)\n",
           (double)(clock_cpu_ns() - begin_ns) / FLOOD, FLOOD, error_delta_bytes(delta) >> 10);
    error_names_destroy(names);
    error_delta_destroy(delta);
    free(known);
    free(flood);
    return 0;
}
