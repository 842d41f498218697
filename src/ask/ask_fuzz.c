/* Any bytes as a question, with a catalog that holds what is dangerous in SQL: a plan whose SQL holds no value, or a reason. The
 * first byte chooses whether a plan before is the context. */
#include "ask/ask.h"
#include <ctype.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct bytes services[] = { BYTES("web"), BYTES("payments"),
                                         BYTES("x'; DROP TABLE otel_logs_and_spans; --"), BYTES("\xFF\xFE") };
static const struct ask_field attributes[] = { { ASK_FIELD_ATTRIBUTE, BYTES("cloud.region") },
                                               { ASK_FIELD_RESOURCE, BYTES("host.type") } };
static const struct ask_value values[] = {
    { { ASK_FIELD_ENVIRONMENT, { 0 } }, BYTES("staging") },
    { { ASK_FIELD_ROUTE, { 0 } }, BYTES("/orders/{id}") },
    { { ASK_FIELD_ATTRIBUTE, BYTES("cloud.region") }, BYTES("ap'south") },
    { { ASK_FIELD_EXCEPTION, { 0 } }, BYTES("Type Error$1") },
};

/* Quotes are paired, and every parameter that is named is there. */
static void sql_check(const struct ask_sql *sql)
{
    bool is_inside = false;
    for (size_t i = 0; i < sql->sql.len; i++) {
        uint8_t c = sql->sql.ptr[i];
        is_inside ^= c == '\'';
        if (c < ' ' || c > '~' || (c == ';' && !is_inside)) abort();
        if (c != '$' || is_inside) continue;
        unsigned number = 0;
        for (size_t d = i + 1; d < sql->sql.len && isdigit(sql->sql.ptr[d]); d++)
            number = number * 10 + sql->sql.ptr[d] - '0';
        if (number < 1 || number > sql->parameter_count) abort();
    }
    if (is_inside) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct ask_catalog catalog = { services, COUNT_OF(services), attributes, COUNT_OF(attributes),
                                                values,   COUNT_OF(values) };
    struct arena arena = { 0 };
    struct err err = { 0 };
    struct zone *zone;
    struct ask_sql sql;
    if (size < 1 || size > ASK_QUESTION_BYTES_MAX + 10) return 0;
    if (!zone_open(&zone, BYTES("+02:00"), &err)) abort();
    struct ask_understood *first = arena_calloc(&arena, sizeof *first), *second = arena_calloc(&arena, sizeof *second);
    struct ask_question question = { .zone = zone, .now_us = 1793111820000000, .catalog = &catalog };
    question.text =
        data[0] % 3 == 0 ? BYTES("requests of web by route today") : BYTES("traces with errors of web yesterday");
    ask_understand(&arena, &question, first);
    if (!first->is_understood) abort();
    if (data[0] % 3 != 2) question.context = &first->plan;
    question.text = bytes_from(data + 1, size - 1);
    ask_understand(&arena, &question, second);
    if (second->is_understood != (second->trouble_count == 0)) abort();
    for (uint32_t t = 0; t < second->trouble_count; t++)
        if (second->troubles[t].from > second->troubles[t].to || second->troubles[t].to > size ||
            second->troubles[t].text[0] == '\0')
            abort();
    for (uint32_t u = 0; u < second->use_count; u++)
        if (second->uses[u].from > second->uses[u].to || second->uses[u].to > size) abort();
    if (second->is_understood) {
        struct ask_chip chips[64];
        bool is_made = ask_sql(&arena, &second->plan, zone, &sql, &err);
        if (is_made) sql_check(&sql);
        if (!is_made && err.text[0] == '\0') abort();
        if (ask_reading(&arena, &second->plan, zone).len == 0 || ask_chips(&arena, &second->plan, zone, chips) == 0)
            abort();
    }
    zone_close(zone);
    arena_deinit(&arena);
    return 0;
}
