#include "app/roles.h"
#include <string.h>

bool roles_read(const char *text, uint32_t *roles, struct err *err)
{
    static const struct {
        const char *name;
        uint32_t roles;
    } names[] = { { "all", ROLE_ALL }, { "ingest", ROLE_INGEST }, { "worker", ROLE_WORKER }, { "query", ROLE_QUERY } };
    *roles = 0;
    for (const char *at = text;; at++) {
        size_t len = strcspn(at, ",");
        uint32_t found = 0;
        for (size_t n = 0; n < COUNT_OF(names); n++)
            if (strlen(names[n].name) == len && memcmp(names[n].name, at, len) == 0) found = names[n].roles;
        if (found == 0)
            return err_set(err, ERR_INPUT,
                           "--role (or MONOSCOPE_ROLE) is \"%.80s\"; it must be all, or some of ingest, worker, query "
                           "with commas between them",
                           text);
        *roles |= found;
        at += len;
        if (*at == '\0') return true;
    }
}
