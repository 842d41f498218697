#include "app/beside.h"
#include <stdio.h>

int beside_fail(const struct err *err)
{
    fprintf(stderr, "monoscope: %s\n", err->text);
    return 1;
}

bool beside_meta_open(struct meta **meta, const struct config *config, const struct log *log, struct err *err)
{
    char database[2048];
    config_database(config, database, sizeof database);
    return meta_open(meta, database, log, err);
}
