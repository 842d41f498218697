/* roles.h -- which parts of the server a process is.
 *
 *   ingest   OTLP in, into Kafka                       scales by processes
 *   worker   a member of Kafka's group: rows, segments, Delta; looks after the tables     scales by partitions
 *   query    SQL, the API's searches, pages            scales by processes
 *   all      the three of them in one process; the only one that needs no Kafka
 *
 * Thread: a value. Errors: ERR_INPUT names the setting and what it may be. */
#pragma once
#include "base/err.h"

enum role { ROLE_INGEST = 1, ROLE_WORKER = 2, ROLE_QUERY = 4, ROLE_ALL = 7 };
/* text: "all", or roles with commas between them. */
MUST_CHECK bool roles_read(const char *text, uint32_t *roles, struct err *err);
