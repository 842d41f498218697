#include "app/parked.h"
#include "app/app_kafka.h"
#include "app/beside.h"
#include "base/date.h"
#include "base/disk.h"
#include "buffer/kafka/kafka.h"
#include "buffer/parked.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const signals[] = { "?", "logs", "traces", "metrics", "replay" };
static const char *const encodings[] = { "identity", "gzip", "zstd", "deflate" };
static const char *const formats[] = { "protobuf", "json" };

static int usage(void)
{
    fprintf(stderr,
            "usage: monoscope parked list [--json]           what was acknowledged and cannot be stored\n"
            "       monoscope parked show ID [--body]        all that is known of one; --body: its bytes alone\n"
            "       monoscope parked replay ID... | all      sends them on their way again\n"
            "       all with [--data FOLDER], or --kafka-brokers and what else the server has\n");
    return 2;
}

static void time_text(int64_t unix_us, char text[40])
{
    int64_t second = unix_us / 1000000, day = second / 86400, left = second % 86400;
    char date[16];
    if (unix_us <= 0 || day > INT32_MAX) {
        snprintf(text, 40, "?");
        return;
    }
    date_text((int32_t)day, date);
    snprintf(text, 40, "%sT%02d:%02d:%02dZ", date, (int)(left / 3600), (int)(left / 60 % 60), (int)(left % 60));
}

static void text_print_json(const char *text)
{
    putchar('"');
    for (const char *at = text; *at != '\0'; at++) {
        unsigned char c = (unsigned char)*at;
        if (c == '"' || c == '\\') {
            printf("\\%c", c);
        } else if (c < ' ') {
            printf("\\u%04x", c);
        } else {
            putchar(c);
        }
    }
    putchar('"');
}

struct listing {
    bool as_json, with_body;
    uint64_t count;
    char (*ids)[80]; /* of what is still to be replayed */
    uint32_t id_count;
};

static bool entry_print_json(const struct parked_entry *entry)
{
    char project[UUID_TEXT_BYTES + 1], at[40], received[40];
    uuid_to_text(entry->record.project_id, project);
    time_text(entry->parked_unix_us, at);
    time_text(entry->record.received_unix_us, received);
    printf(
        "{\"id\":\"%s\",\"parked\":\"%s\",\"received\":\"%s\",\"signal\":\"%s\",\"encoding\":\"%s\",\"format\":\"%s\","
        "\"project\":\"%s\",\"bytes\":%zu,\"attempts\":%" PRIu32 ",\"origin\":\"%s\",\"position\":%" PRIu64
        ",\"replayed\":%s,\"reason\":",
        entry->id, at, received, signals[entry->record.signal], encodings[entry->record.encoding],
        formats[entry->record.format], project, entry->record.body.len, entry->attempts, entry->origin,
        entry->record.position, entry->is_replayed ? "true" : "false");
    text_print_json(entry->reason);
    printf("}\n");
    return true;
}

static bool entry_list(void *ctx, const struct parked_entry *entry)
{
    struct listing *listing = ctx;
    char project[UUID_TEXT_BYTES + 1], at[40];
    if (listing->as_json) return entry_print_json(entry);
    if (listing->count++ == 0)
        printf("%-30s %-20s %-8s %-36s %9s %5s  %s\n", "ID", "PARKED", "SIGNAL", "PROJECT", "BYTES", "TRIES", "REASON");
    uuid_to_text(entry->record.project_id, project);
    time_text(entry->parked_unix_us, at);
    printf("%-30s %-20s %-8s %-36s %9zu %5" PRIu32 "  %s%s\n", entry->id, at, signals[entry->record.signal], project,
           entry->record.body.len, entry->attempts + 1, entry->is_replayed ? "(replayed) " : "", entry->reason);
    return true;
}

static bool entry_show(void *ctx, const struct parked_entry *entry)
{
    const struct listing *listing = ctx;
    char text[UUID_TEXT_BYTES + 1], at[40];
    if (listing->as_json) return entry_print_json(entry);
    if (listing->with_body) {
        fwrite(entry->record.body.ptr, 1, entry->record.body.len, stdout);
        return true;
    }
    printf("id        %s\n", entry->id);
    time_text(entry->parked_unix_us, at);
    printf("parked    %s after %" PRIu32 " tries\n", at, entry->attempts + 1);
    printf("reason    %s\n", entry->reason);
    printf("replayed  %s\n", entry->is_replayed ? "yes" : "no");
    time_text(entry->record.received_unix_us, at);
    printf("received  %s\n", at);
    printf("origin    %s, position %" PRIu64 "\n", entry->origin, entry->record.position);
    uuid_to_text(entry->record.project_id, text);
    printf("project   %s\n", text);
    uuid_to_text(entry->record.key_id, text);
    printf("key       %s\n", text);
    printf("signal    %s, %s, %s\n", signals[entry->record.signal], formats[entry->record.format],
           encodings[entry->record.encoding]);
    printf("body      %zu bytes (parked show %s --body)\n", entry->record.body.len, entry->id);
    return true;
}

static bool entry_collect(void *ctx, const struct parked_entry *entry)
{
    struct listing *listing = ctx;
    if (entry->is_replayed) return true;
    listing->ids = mem_realloc(listing->ids, (listing->id_count + 1) * sizeof *listing->ids);
    memcpy(listing->ids[listing->id_count++], entry->id, sizeof entry->id);
    return true;
}

/* Goes on after one that cannot be replayed, and tells of it. */
static bool replay(struct parked *parked, char *const *ids, int count, struct err *err)
{
    struct listing listing = { 0 };
    bool all = count == 1 && strcmp(ids[0], "all") == 0, ok = true;
    if (all && !parked_list(parked, entry_collect, &listing, err)) return false;
    uint32_t total = all ? listing.id_count : (uint32_t)count;
    for (uint32_t i = 0; i < total; i++) {
        const char *id = all ? listing.ids[i] : ids[i];
        struct err why = { 0 };
        if (parked_replay(parked, id, &why)) {
            printf("%s is on its way again\n", id);
        } else {
            if (!ok) fprintf(stderr, "monoscope: %s\n", err->text);
            *err = why;
            err_within(err, "\"%s\"", id);
            ok = false;
        }
    }
    if (all && total == 0) printf("nothing is parked\n");
    free(listing.ids);
    return ok;
}

/* Switches of these commands, out of argv; the rest are settings. */
static void switches_take(int *argc, char **argv, struct listing *listing)
{
    int kept = 0;
    for (int a = 0; a < *argc; a++) {
        if (strcmp(argv[a], "--json") == 0) {
            listing->as_json = true;
        } else if (strcmp(argv[a], "--body") == 0) {
            listing->with_body = true;
        } else {
            argv[kept++] = argv[a];
        }
    }
    *argc = kept;
}

static bool parked_reach(struct parked **parked, struct kafka **kafka, const struct config *config,
                         const struct log *log, struct err *err)
{
    char dir[1024];
    snprintf(dir, sizeof dir, "%s/parked", config->data);
    if (config->kafka_brokers[0] == '\0') return parked_open_folder(parked, dir, &disk_real, err);
    return app_kafka_open(kafka, config, "monoscope-parked", log, err) && parked_open_kafka(parked, *kafka, err);
}

int parked_command(int argc, char **argv)
{
    struct listing listing = { 0 };
    struct config config;
    struct log log = { .fd = 2, .level_min = LOG_ERROR };
    struct err err = { 0 };
    struct kafka *kafka = NULL;
    struct parked *parked = NULL;
    switches_take(&argc, argv, &listing);
    const char *command = argc > 0 ? argv[0] : "";
    int used = 1;
    while (used < argc && strncmp(argv[used], "--", 2) != 0) used++;
    bool lists = strcmp(command, "list") == 0 && used == 1, shows = strcmp(command, "show") == 0 && used == 2;
    if (!lists && !shows && (strcmp(command, "replay") != 0 || used < 2)) return usage();
    bool ok =
        config_read(&config, argc - used, argv + used, &err) && parked_reach(&parked, &kafka, &config, &log, &err);
    if (ok && lists) {
        ok = parked_list(parked, entry_list, &listing, &err);
        if (ok && listing.count == 0 && !listing.as_json) printf("nothing is parked\n");
    } else if (ok && shows) {
        ok = parked_show(parked, argv[1], entry_show, &listing, &err);
    } else if (ok) {
        ok = replay(parked, argv + 1, used - 1, &err);
    }
    parked_close(parked);
    kafka_close(kafka);
    return ok ? 0 : beside_fail(&err);
}
