#include "errors/embed.h"

#include "errors/embed_onnx.h"
#include "errors/wordpiece.h"
#include <dlfcn.h>
#include <malloc.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#ifndef MONO_DEPS_DIR
#define MONO_DEPS_DIR ".deps"
#endif
#define LIBRARY    MONO_DEPS_DIR "/onnxruntime/libonnxruntime.so.1"
#define MODEL      MONO_DEPS_DIR "/minilm/model/model.onnx"
#define VOCABULARY MONO_DEPS_DIR "/minilm/vocabulary/tokenizer.json"
#define PACK_ONE   127.0

enum { INPUTS = 3 };
static const char *const input_names[INPUTS] = { "input_ids", "attention_mask", "token_type_ids" };
static const char *const output_name = "last_hidden_state";

struct embed_model {
    struct embed_options options;
    bool is_asked, is_open;
    struct err why; /* it is not open */
    void *library;
    onnx_function *const *api;
    void *env, *session, *memory;
    struct wordpiece *wordpiece;
};

/* Calls the API's function of that slot; it answers a status, NULL when all is well. */
#define ONNX(model, name, type, ...) ((type)(void *)(model)->api[ONNX_##name])(__VA_ARGS__)

static bool is_well(const struct embed_model *model, void *status, struct err *err)
{
    if (status == NULL) return true;
    err_set(err, ERR_INTERNAL, "ONNX Runtime: %s", ONNX(model, GetErrorMessage, const char *(*)(const void *), status));
    ONNX(model, ReleaseStatus, void (*)(void *), status);
    return false;
}

static void release(const struct embed_model *model, enum onnx_slot slot, void *what)
{
    if (what != NULL) ((void (*)(void *))(void *)model->api[slot])(what);
}

static bool is_there(const char *what, const char *path, struct err *err)
{
    if (access(path, R_OK) == 0) return true;
    return err_set(err, ERR_UNSUPPORTED, "%s is not at \"%s\": `deps/bring` brings it, or start with --embeddings off",
                   what, path);
}

static bool session_open(struct embed_model *model, struct err *err)
{
    void *options = NULL;
    bool is_done =
        is_well(model, ONNX(model, CreateEnv, onnx_create_env, ONNX_LOG_ERROR, "monoscope", &model->env), err) &&
        is_well(model, ONNX(model, CreateSessionOptions, onnx_create_options, &options), err) &&
        is_well(model, ONNX(model, SetIntraOpNumThreads, onnx_set_number, options, 1), err) &&
        is_well(model, ONNX(model, SetInterOpNumThreads, onnx_set_number, options, 1), err) &&
        is_well(model, ONNX(model, SetSessionGraphOptimizationLevel, onnx_set_number, options, ONNX_OPTIMIZE_ALL),
                err) &&
        is_well(model,
                ONNX(model, CreateSession, onnx_create_session, model->env, model->options.model, options,
                     &model->session),
                err) &&
        is_well(model,
                ONNX(model, CreateCpuMemoryInfo, onnx_create_memory, ONNX_DEVICE_ALLOCATOR, ONNX_MEMORY_DEFAULT,
                     &model->memory),
                err);
    release(model, ONNX_ReleaseSessionOptions, options);
    return is_done;
}

static bool library_open(struct embed_model *model, struct err *err)
{
    const struct embed_options *options = &model->options;
    if (!is_there("ONNX Runtime", options->library, err) || !is_there("the embedding model", options->model, err) ||
        !is_there("its vocabulary", options->vocabulary, err))
        return false;
    model->library = dlopen(options->library, RTLD_NOW | RTLD_LOCAL);
    if (model->library == NULL) return err_set(err, ERR_UNSUPPORTED, "ONNX Runtime cannot be loaded: %s", dlerror());
    onnx_get_base base = (onnx_get_base)dlsym(model->library, "OrtGetApiBase");
    if (base == NULL) return err_set(err, ERR_UNSUPPORTED, "\"%s\" is no ONNX Runtime", options->library);
    model->api = base()->get_api(ONNX_API_VERSION);
    if (model->api == NULL) {
        return err_set(err, ERR_UNSUPPORTED, "ONNX Runtime %s is too old: it has no API of version %d",
                       base()->version(), ONNX_API_VERSION);
    }
    return wordpiece_open(&model->wordpiece, options->vocabulary, err) && session_open(model, err);
}

bool embed_model_open(struct embed_model *model, struct err *err)
{
    if (!model->is_asked) {
        model->is_asked = true;
        model->is_open = library_open(model, &model->why);
        malloc_trim(0); /* what opening took and gave back: half of what stays */
    }
    if (!model->is_open) *err = model->why;
    return model->is_open;
}

struct embed_model *embed_model_create(const struct embed_options *options)
{
    struct embed_model *model = mem_calloc(1, sizeof *model);
    model->options = *options;
    if (model->options.library == NULL) model->options.library = LIBRARY;
    if (model->options.model == NULL) model->options.model = MODEL;
    if (model->options.vocabulary == NULL) model->options.vocabulary = VOCABULARY;
    return model;
}

/* As it was before the first text. The library stays: its threads' data outlive a dlclose. */
static void rest(void *context)
{
    struct embed_model *model = context;
    if (!model->is_asked) return;
    if (model->api != NULL) {
        release(model, ONNX_ReleaseMemoryInfo, model->memory);
        release(model, ONNX_ReleaseSession, model->session);
        release(model, ONNX_ReleaseEnv, model->env);
    }
    wordpiece_close(model->wordpiece);
    *model = (struct embed_model){ .options = model->options };
    malloc_trim(0);
}

void embed_model_destroy(struct embed_model *model)
{
    if (model == NULL) return;
    rest(model);
    free(model);
}

/* The mean of the pieces' vectors, its length made 1. */
static void pool(float vector[EMBED_DIMENSIONS], const float *hidden, size_t count)
{
    memset(vector, 0, EMBED_DIMENSIONS * sizeof vector[0]);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < EMBED_DIMENSIONS; k++) vector[k] += hidden[i * EMBED_DIMENSIONS + k];
    }
    double length = 0;
    for (size_t k = 0; k < EMBED_DIMENSIONS; k++) length += (double)vector[k] * vector[k];
    float scale = length > 0 ? (float)(1 / sqrt(length)) : 0;
    for (size_t k = 0; k < EMBED_DIMENSIONS; k++) vector[k] *= scale;
}

static bool embed(void *context, struct bytes text, float vector[EMBED_DIMENSIONS], struct err *err)
{
    struct embed_model *model = context;
    if (!embed_model_open(model, err)) return false;
    int64_t values[INPUTS][EMBED_IDS_MAX] = { 0 };
    size_t count = wordpiece_ids(model->wordpiece, text, values[0], EMBED_IDS_MAX);
    for (size_t i = 0; i < count; i++) values[1][i] = 1;
    int64_t shape[2] = { 1, (int64_t)count };
    void *inputs[INPUTS] = { NULL }, *output = NULL;
    float *hidden = NULL;
    bool is_done = true;
    for (size_t i = 0; i < INPUTS && is_done; i++) {
        void *status = ONNX(model, CreateTensorWithDataAsOrtValue, onnx_create_tensor, model->memory, values[i],
                            count * sizeof values[i][0], shape, 2, ONNX_INT64, &inputs[i]);
        is_done = is_well(model, status, err);
    }
    is_done = is_done && is_well(model,
                                 ONNX(model, Run, onnx_run, model->session, NULL, input_names,
                                      (const void *const *)inputs, INPUTS, &output_name, 1, &output),
                                 err);
    is_done =
        is_done && is_well(model, ONNX(model, GetTensorMutableData, onnx_get_data, output, (void **)&hidden), err);
    if (is_done) pool(vector, hidden, count);
    release(model, ONNX_ReleaseValue, output);
    for (size_t i = 0; i < INPUTS; i++) release(model, ONNX_ReleaseValue, inputs[i]);
    return is_done;
}

struct embedder embed_model_face(struct embed_model *model)
{
    return (struct embedder){ embed, model, rest };
}

double embed_cosine(const float *a, const float *b)
{
    double sum = 0;
    for (size_t k = 0; k < EMBED_DIMENSIONS; k++) sum += (double)a[k] * b[k];
    return sum;
}

void embed_pack(int8_t packed[EMBED_DIMENSIONS], const float vector[EMBED_DIMENSIONS])
{
    float most = 1e-9f;
    for (size_t k = 0; k < EMBED_DIMENSIONS; k++) most = fmaxf(most, fabsf(vector[k]));
    for (size_t k = 0; k < EMBED_DIMENSIONS; k++) packed[k] = (int8_t)lrintf(vector[k] / most * (float)PACK_ONE);
}

double embed_packed_cosine(const int8_t *a, const int8_t *b)
{
    int32_t sum = 0, a_length = 0, b_length = 0;
    for (size_t k = 0; k < EMBED_DIMENSIONS; k++) {
        sum += a[k] * b[k];
        a_length += a[k] * a[k];
        b_length += b[k] * b[k];
    }
    return a_length == 0 || b_length == 0 ? 0 : sum / sqrt((double)a_length * b_length);
}
