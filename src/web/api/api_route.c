#include "web/api/api_route.h"
#include "web/api/handlers.h"

#define ROW(method, path, id, tag, permission, query, request, answer, status, flags, summary)    \
    {                                                                                             \
        API_##method, path,    #id,     tag,     PERMISSION_##permission, query, request, answer, \
        status,       (flags), summary, api_##id                                                  \
    },
const struct api_route api_routes[] = { ROUTES(ROW) };
const uint32_t api_route_count = COUNT_OF(api_routes);

static const char *const method_names[API_METHODS] = { "GET", "POST", "PUT", "PATCH", "DELETE" };

const char *api_method_name(enum api_method method)
{
    return method_names[method];
}

/* HEAD is asked as GET; net/http leaves the body out. API_METHODS: none of ours. */
static enum api_method method_of(struct bytes name)
{
    if (bytes_equal(name, BYTES("HEAD"))) return API_GET;
    enum api_method method = API_GET;
    while (method < API_METHODS && !bytes_equal(name, bytes_of_text(method_names[method]))) method++;
    return method;
}

static struct bytes segment_take(struct bytes *path)
{
    const uint8_t *slash = path->len == 0 ? NULL : memchr(path->ptr, '/', path->len);
    size_t len = slash == NULL ? path->len : (size_t)(slash - path->ptr);
    struct bytes segment = bytes_from(path->ptr, len);
    size_t skip = slash == NULL ? len : len + 1;
    *path = bytes_from(path->ptr + skip, path->len - skip);
    return segment;
}

static uint32_t slash_count(struct bytes path)
{
    uint32_t count = 0;
    for (size_t i = 0; i < path.len; i++) count += path.ptr[i] == '/';
    return count;
}

/* Segment by segment; an empty one matches no {name}. */
static bool path_matches(struct bytes template, struct bytes path, struct api_match *match)
{
    if (slash_count(template) != slash_count(path)) return false;
    match->value_count = 0;
    while (template.len > 0 || path.len > 0) {
        struct bytes wanted = segment_take(&template), is = segment_take(&path);
        if (wanted.len > 0 && wanted.ptr[0] == '{') {
            assert(match->value_count < API_PATH_VALUES_MAX);
            if (is.len == 0) return false;
            match->values[match->value_count++] = is;
        } else if (!bytes_equal(wanted, is)) {
            return false;
        }
    }
    return true;
}

/* "/users/me" is not "/users/{user}" although it fits both: the path with the fewest {names} is meant, for every method. */
bool api_route_find(struct bytes method_name, struct bytes path, struct api_match *match)
{
    enum api_method method = method_of(method_name);
    struct api_match fits;
    uint32_t names_min = API_PATH_VALUES_MAX + 1;
    *match = (struct api_match){ 0 };
    for (uint32_t r = 0; r < api_route_count; r++) {
        if (!path_matches(bytes_of_text(api_routes[r].path), path, &fits) || fits.value_count > names_min) continue;
        if (fits.value_count < names_min) *match = (struct api_match){ 0 };
        names_min = fits.value_count;
        match->allowed |= 1u << api_routes[r].method;
        if (api_routes[r].method != method) continue;
        memcpy(match->values, fits.values, sizeof fits.values);
        match->value_count = fits.value_count;
        match->route = &api_routes[r];
    }
    return match->route != NULL;
}
