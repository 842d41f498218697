/* collect_inside.h -- what the files of collect.h share. Thread: the run's. */
#pragma once
#include "agents/collect.h"

/* JSON's text with from and to of the range, and more members: ",\"limit\":50". */
const char *collect_arguments(const struct collecting *collecting, const char *more);
/* One SELECT; $1 from, $2 to, $3 before. {scope}: conditions on services and environment. */
MUST_CHECK bool collect_sql(struct collecting *collecting, const char *sql, uint32_t limit, const struct evidence **got,
                            struct err *err);
bool collect_has_service(const struct agent *agent, const char *service);
/* A note of a tool that failed; false: it did not. */
bool collect_failed(struct collecting *collecting, const char *heading, const struct evidence *evidence);
struct bytes collect_number(struct arena *arena, double number);  /* "4812", "12.5" */
struct bytes collect_percent(struct arena *arena, double part);   /* "6.5%" */
struct bytes collect_ms(struct arena *arena, double nanoseconds); /* "120.4 ms" */
struct bytes collect_text(struct arena *arena, yyjson_val *value);

MUST_CHECK bool collect_services(struct collecting *collecting, struct err *err);
MUST_CHECK bool collect_endpoints(struct collecting *collecting, struct err *err);
MUST_CHECK bool collect_issues(struct collecting *collecting, struct err *err);
MUST_CHECK bool collect_patterns(struct collecting *collecting, struct err *err);
MUST_CHECK bool collect_findings(struct collecting *collecting, struct err *err);
MUST_CHECK bool collect_database(struct collecting *collecting, struct err *err);
MUST_CHECK bool collect_deploys(struct collecting *collecting, struct err *err);
