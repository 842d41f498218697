/* error_names.h -- which errors a partition keeps apart: a flood of kinds must not become a flood of rows in the database.
 *
 *   fingerprint --error_names_keeps--> its own, while its service and its project have few of them that day
 *               else                   "(other)" of its service: error_names_other
 *   environment, release               themselves, while the project has few; else "(other)"
 *   user.id, else session.id --error_names_user--> keyed hash
 *
 * Learned anew after a restart, every day, and when there are ERROR_NAMES_MAX: what was kept then is kept again. A service's
 * limit is below the project's, so that a flood of one does not hide the others' errors.
 * Thread: one owner. Memory: 8 bytes a name, twice as much while the table grows; hashes under a random seed, no
 * texts; 64 KiB of users' hashes. */
#pragma once
#include "base/bytes.h"
#include "base/uuid.h"
#include "worker/otlp/otlp.h"

#define ERROR_SERVICE_MAX      1000 /* fingerprints of a service and day; of a partition, as all of these */
#define ERROR_PROJECT_MAX      10000
#define ERROR_SERVICES_MAX     1000 /* services of a project and day that have an "(other)" of their own */
#define ERROR_ENVIRONMENTS_MAX 64
#define ERROR_RELEASES_MAX     1000
#define ERROR_NAMES_MAX        200000

struct error_names;
/* secret: SECRET_BYTES, for the hashes of users (meta/secret.h); copied. */
struct error_names *error_names_create(const uint8_t *secret);
void error_names_destroy(struct error_names *names); /* NULL is fine */
/* As of now: a new day is begun. To be called before each record; request is borrowed until the next. */
void error_names_begin(struct error_names *names, int64_t now_unix_us, const struct otlp_request *request);

bool error_names_keeps(struct error_names *names, struct uuid project_id, struct bytes id, struct bytes service);
/* Of one that is not kept: what it counts under, *service: whose that is (empty: too many services). */
struct uuid error_names_other(struct error_names *names, struct uuid project_id, struct bytes *service);
struct bytes error_names_environment(struct error_names *names, struct uuid project_id, struct bytes environment);
struct bytes error_names_release(struct error_names *names, struct uuid project_id, struct bytes release);
/* From 0 on; the same in every process of the installation, another in another project. */
int64_t error_names_user(struct error_names *names, struct uuid project_id, struct bytes user_id,
                         struct bytes session_id);
/* service.namespace of a resource of the request, empty: none. */
struct bytes error_names_family(struct error_names *names, uint32_t resource);
