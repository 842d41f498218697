#include "timefusion/object/object_s3.h"

bool object_store_open_url(struct object_store **store, const char *url, const struct object_options *options,
                           struct err *err)
{
    *store = NULL;
    if (strncmp(url, "file://", 7) == 0) {
        if (url[7] != '/')
            return err_set(err, ERR_INPUT, "\"%.150s\" names a host; a folder is file:///folder, with three slashes",
                           url);
        return object_store_open_folder(store, url + 7, options->disk, err);
    }
    if (strncmp(url, "s3://", 5) == 0) return object_store_open_s3(store, url, options, err);
    if (strstr(url, "://"))
        return err_set(err, ERR_UNSUPPORTED,
                       "\"%.150s\" is of a kind that is not known: s3://bucket/prefix or file:///folder", url);
    return object_store_open_folder(store, url, options->disk, err);
}
