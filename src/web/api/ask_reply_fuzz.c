/* Any bytes as a language model's answer to a question: a plan that has SQL, words and chips, and is the same when it is written and read
 * again; or a reason. Words are plain, whatever it says. */
#include "llm/plain.h"
#include "web/api/ask_plan.h"
#include "web/api/ask_reply.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct bytes services[] = { BYTES("web"), BYTES("payments"),
                                         BYTES("x'; DROP TABLE otel_logs_and_spans; --") };
static const struct ask_field attributes[] = { { ASK_FIELD_ATTRIBUTE, BYTES("cloud.region") },
                                               { ASK_FIELD_RESOURCE, BYTES("host.type") } };
static const struct ask_value values[] = { { { ASK_FIELD_ROUTE, { 0 } }, BYTES("/orders/{id}") },
                                           { { ASK_FIELD_MESSAGE, { 0 } }, BYTES("see <a href=x>") } };

static void plain_check(struct bytes text)
{
    struct buf plain;
    struct err err = { 0 };
    buf_init(&plain, SIZE_MAX);
    if (!llm_plain(text, &plain, &err) || !bytes_equal(text, buf_bytes(&plain))) abort();
    buf_deinit(&plain);
}

static void plan_check(struct arena *arena, const struct ask_plan *plan)
{
    struct zone *zone = NULL;
    struct ask_sql sql, again_sql;
    struct ask_chip chips[64];
    struct err err = { 0 };
    struct ask_plan *again = arena_calloc(arena, sizeof *again);
    yyjson_mut_doc *json = yyjson_mut_doc_new(NULL);
    yyjson_mut_doc_set_root(json, ask_plan_json(json, plan));
    yyjson_doc *doc = yyjson_mut_doc_imut_copy(json, NULL);
    if (!zone_open(&zone, plan->zone, &err) || !ask_sql(arena, plan, zone, &sql, &err)) abort();
    if (ask_reading(arena, plan, zone).len == 0 || ask_chips(arena, plan, zone, chips) == 0) abort();
    if (!ask_plan_read(arena, yyjson_doc_get_root(doc), again, &err) || !ask_sql(arena, again, zone, &again_sql, &err))
        abort();
    if (!bytes_equal(sql.sql, again_sql.sql) || sql.parameter_count != again_sql.parameter_count) abort();
    yyjson_doc_free(doc);
    yyjson_mut_doc_free(json);
    zone_close(zone);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct ask_catalog catalog = { services, COUNT_OF(services), attributes, COUNT_OF(attributes),
                                                values,   COUNT_OF(values) };
    struct arena arena = { 0 };
    struct err err = { 0 };
    struct ask_reply *reply = arena_calloc(&arena, sizeof *reply);
    const struct ask_reply_world world = { BYTES("logs with <b> of web"), &catalog, NULL };
    bool ok = ask_reply_read(&arena, bytes_from(data, size), &world, reply, &err);
    if (!ok && (err.code != ERR_INPUT || err.text[0] == '\0')) abort();
    plain_check(reply->note);
    plain_check(bytes_of_text(err.text));
    if (ok && reply->can_answer) plan_check(&arena, &reply->plan);
    arena_deinit(&arena);
    return 0;
}
