#include "net/loop.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "net/loop_uv.h"

struct loop_task {
    struct loop_task *next;
    void (*fn)(void *ctx);
    void *ctx;
};

struct loop {
    uv_loop_t uv;
    uv_async_t wake;
    uv_thread_t joinable;
    pthread_t thread; /* set by the thread itself before loop_open returns */
    uv_sem_t is_started;
    bool is_running;      /* the owner's view: started and not yet joined */
    pthread_mutex_t lock; /* guards the rest */
    struct loop_task *first, **last;
    bool is_stopping;
};

/* What was posted up to now; what these tasks post themselves comes next turn. */
static bool tasks_run(struct loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    struct loop_task *task = loop->first;
    loop->first = NULL;
    loop->last = &loop->first;
    bool is_stopping = loop->is_stopping;
    pthread_mutex_unlock(&loop->lock);
    while (task != NULL) {
        struct loop_task *next = task->next;
        task->fn(task->ctx);
        free(task);
        task = next;
    }
    return is_stopping;
}

static void wake_on(uv_async_t *wake)
{
    struct loop *loop = wake->data;
    if (tasks_run(loop)) uv_stop(&loop->uv);
}

static void thread_main(void *arg)
{
    struct loop *loop = arg;
    /* Signals are for the main thread; SIGPIPE, which a write to a peer that left would raise here, for nobody. */
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    loop->thread = pthread_self();
    pthread_setname_np(loop->thread, "loop");
    uv_sem_post(&loop->is_started);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
}

bool loop_open(struct loop **out, struct err *err)
{
    *out = NULL;
    struct loop *loop = mem_calloc(1, sizeof *loop);
    loop->last = &loop->first;
    int failed = uv_loop_init(&loop->uv);
    if (failed != 0) {
        free(loop);
        return err_set(err, ERR_IO, "could not make an event loop: %s", uv_strerror(failed));
    }
    pthread_mutex_init(&loop->lock, NULL);
    uv_sem_init(&loop->is_started, 0);
    failed = uv_async_init(&loop->uv, &loop->wake, wake_on);
    if (failed != 0) {
        err_set(err, ERR_IO, "could not make an event loop's wake-up: %s", uv_strerror(failed));
        goto fail;
    }
    loop->wake.data = loop;
    failed = uv_thread_create(&loop->joinable, thread_main, loop);
    if (failed != 0) {
        err_set(err, ERR_IO, "could not start an event loop's thread: %s", uv_strerror(failed));
        uv_close((uv_handle_t *)&loop->wake, NULL);
        uv_run(&loop->uv, UV_RUN_DEFAULT);
        goto fail;
    }
    uv_sem_wait(&loop->is_started);
    loop->is_running = true;
    *out = loop;
    return true;
fail:
    uv_loop_close(&loop->uv);
    uv_sem_destroy(&loop->is_started);
    pthread_mutex_destroy(&loop->lock);
    free(loop);
    return false;
}

void loop_post(struct loop *loop, void (*fn)(void *ctx), void *ctx)
{
    struct loop_task *task = mem_alloc(sizeof *task);
    *task = (struct loop_task){ NULL, fn, ctx };
    pthread_mutex_lock(&loop->lock);
    bool was_empty = loop->first == NULL;
    *loop->last = task;
    loop->last = &task->next;
    /* Under the lock, so that the handle cannot be closed in between. It only writes to an eventfd. */
    if (was_empty) uv_async_send(&loop->wake);
    pthread_mutex_unlock(&loop->lock);
}

void loop_stop(struct loop *loop)
{
    if (loop == NULL || !loop->is_running) return;
    assert(!loop_is_here(loop));
    pthread_mutex_lock(&loop->lock);
    loop->is_stopping = true;
    uv_async_send(&loop->wake);
    pthread_mutex_unlock(&loop->lock);
    uv_thread_join(&loop->joinable);
    loop->is_running = false;
}

void loop_close(struct loop *loop)
{
    if (loop == NULL) return;
    loop_stop(loop);
    uv_close((uv_handle_t *)&loop->wake, NULL);
    loop_turn(loop);
    (void)tasks_run(loop); /* posted after the last turn; their contexts must not leak */
    int failed = uv_loop_close(&loop->uv);
    assert(failed == 0); /* else something that lived on the loop was not closed before it */
    uv_sem_destroy(&loop->is_started);
    pthread_mutex_destroy(&loop->lock);
    free(loop);
}

uv_loop_t *loop_uv(struct loop *loop)
{
    return &loop->uv;
}

bool loop_is_here(const struct loop *loop)
{
    return pthread_equal(loop->thread, pthread_self());
}

struct loop_wait {
    void (*fn)(void *ctx);
    void *ctx;
    uv_sem_t is_done;
};

static void call_run(void *ctx)
{
    struct loop_wait *wait = ctx;
    wait->fn(wait->ctx);
    uv_sem_post(&wait->is_done);
}

void loop_call(struct loop *loop, void (*fn)(void *ctx), void *ctx)
{
    if (!loop->is_running) {
        fn(ctx);
        return;
    }
    assert(!loop_is_here(loop));
    struct loop_wait wait = { .fn = fn, .ctx = ctx };
    uv_sem_init(&wait.is_done, 0);
    loop_post(loop, call_run, &wait);
    uv_sem_wait(&wait.is_done);
    uv_sem_destroy(&wait.is_done);
}

void loop_turn(struct loop *loop)
{
    assert(!loop->is_running);
    (void)tasks_run(loop);
    uv_run(&loop->uv, UV_RUN_NOWAIT);
}
