/* embed_onnx.h -- the few functions of ONNX Runtime's C API that embed.c calls, by their places in its table.
 *
 * The table (OrtApi) only ever grows at its end, so a place is for ever; every library from 1.11 on has the version asked for
 * here. Opened by dlopen, it needs no header of the library's to be brought for a build.
 * Source: onnxruntime_c_api.h, "struct OrtApiBase", "struct OrtApi". MIT: Microsoft Corporation. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define ONNX_API_VERSION 11

typedef void onnx_function(void);
struct onnx_base {
    onnx_function *const *(*get_api)(uint32_t version);
    const char *(*version)(void);
};
typedef const struct onnx_base *(*onnx_get_base)(void);

enum onnx_slot {
    ONNX_GetErrorMessage = 2,
    ONNX_CreateEnv = 3,
    ONNX_CreateSession = 7,
    ONNX_Run = 9,
    ONNX_CreateSessionOptions = 10,
    ONNX_SetSessionGraphOptimizationLevel = 23,
    ONNX_SetIntraOpNumThreads = 24,
    ONNX_SetInterOpNumThreads = 25,
    ONNX_CreateTensorWithDataAsOrtValue = 49,
    ONNX_GetTensorMutableData = 51,
    ONNX_CreateCpuMemoryInfo = 69,
    ONNX_ReleaseEnv = 92,
    ONNX_ReleaseStatus = 93,
    ONNX_ReleaseMemoryInfo = 94,
    ONNX_ReleaseSession = 95,
    ONNX_ReleaseValue = 96,
    ONNX_ReleaseSessionOptions = 100,
};
enum { ONNX_LOG_ERROR = 3, ONNX_OPTIMIZE_ALL = 99, ONNX_DEVICE_ALLOCATOR = 0, ONNX_MEMORY_DEFAULT = 0, ONNX_INT64 = 7 };

/* Each answers a status: NULL when all is well. Objects of the library are void here. */
typedef void *(*onnx_create_env)(int level, const char *name, void **env);
typedef void *(*onnx_create_options)(void **options);
typedef void *(*onnx_set_number)(void *options, int number);
typedef void *(*onnx_create_session)(const void *env, const char *path, const void *options, void **session);
typedef void *(*onnx_create_memory)(int allocator, int type, void **memory);
typedef void *(*onnx_create_tensor)(const void *memory, void *data, size_t bytes, const int64_t *shape,
                                    size_t shape_count, int type, void **value);
typedef void *(*onnx_run)(void *session, const void *options, const char *const *names, const void *const *inputs,
                          size_t input_count, const char *const *output_names, size_t output_count, void **outputs);
typedef void *(*onnx_get_data)(void *value, void **data);
