#include "app/beside.h"
#include <stdio.h>

int beside_fail(const struct err *err)
{
    fprintf(stderr, "monoscope: %s\n", err->text);
    return 1;
}

bool beside_meta_open(struct meta **meta, const struct config *config, const struct log *log, struct err *err)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/meta.sqlite", config->data);
    return meta_open(meta, path, log, err);
}
