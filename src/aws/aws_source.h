/* aws_source.h -- the places that credentials come from; only for the files of this folder.
 *
 * Each answers FOUND and the grant, ABSENT (not set up here), or BROKEN (set up, but of no use: err says why).
 * Thread: any. Memory: the grant's. */
#pragma once
#include "aws/aws_credentials.h"
#include "aws/aws_text.h"

enum aws_source_answer { AWS_SOURCE_FOUND, AWS_SOURCE_ABSENT, AWS_SOURCE_BROKEN };
enum aws_source_answer aws_source_environment(const struct aws_surroundings *around, struct aws_grant *grant,
                                              struct err *err);
enum aws_source_answer aws_source_web_identity(const struct aws_surroundings *around, const char *region,
                                               struct aws_grant *grant, struct err *err);
enum aws_source_answer aws_source_files(const struct aws_surroundings *around, struct aws_grant *grant,
                                        struct err *err);
enum aws_source_answer aws_source_container(const struct aws_surroundings *around, struct aws_grant *grant,
                                            struct err *err);
enum aws_source_answer aws_source_instance(const struct aws_surroundings *around, struct aws_grant *grant,
                                           struct err *err);
/* A variable that is set and not empty; NULL otherwise. */
const char *aws_variable(const struct aws_surroundings *around, const char *name);
/* The whole file, at most 1 MiB; false: it cannot be read, errno says why. */
bool aws_file_read(const char *path, struct buf *text);
