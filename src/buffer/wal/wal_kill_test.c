/* kill -9 at every named point of the log, on a real disk: this program runs itself as the one to be killed. */
#include "base/disk.h"
#include "buffer/buffer.h"
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
/* cmocka needs some of the above */
#include <cmocka.h>

#define BODY_BYTES 700u

static const struct log quiet = { .fd = -1, .level_min = LOG_ERROR + 1 };

struct news { /* child to parent, one write(2) each */
    uint32_t acknowledged, released;
};

struct replay {
    uint64_t position_first, position_last;
    bool sound;
};

static void body_fill(uint64_t number, uint8_t body[BODY_BYTES])
{
    for (size_t i = 0; i < BODY_BYTES; i++) body[i] = (uint8_t)(number * 31 + i * 7);
}

static void replay_record(void *ctx, const struct buffer_record *record, void *request)
{
    struct replay *replay = ctx;
    uint8_t body[BODY_BYTES];
    if (request != NULL) return;
    body_fill(record->hash.lo, body);
    if (replay->position_first == 0)
        replay->position_first = record->position;
    else if (record->position != replay->position_last + 1)
        replay->sound = false;
    replay->position_last = record->position;
    if (record->hash.lo != record->position || !bytes_equal(record->body, bytes_from(body, BODY_BYTES)))
        replay->sound = false;
}

static bool log_open(const char *dir, struct replay *replay, struct buffer **buffer, struct err *err)
{
    *replay = (struct replay){ .sound = true };
    struct buffer_options options = {
        .dir = dir,
        .segment_bytes = 16384,
        .disk_bytes_max = 1 << 20,
        .pending_bytes_max = 1 << 20,
        .record_bytes_max = 4096,
        .disk = &disk_real,
        .sink = { replay_record, replay },
        .log = &quiet,
    };
    if (!buffer_open(buffer, &options, err)) return false;
    if (buffer_start(*buffer, err)) return true;
    buffer_close(*buffer);
    return false;
}

struct answer {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint32_t stored;
};

static void answer_done(void *ctx, const struct err *err, bool repeated)
{
    struct answer *answer = ctx;
    if (err != NULL || repeated) _exit(3);
    pthread_mutex_lock(&answer->lock);
    answer->stored++;
    pthread_cond_signal(&answer->changed);
    pthread_mutex_unlock(&answer->lock);
}

/* Appends in threes, tells the parent what was acknowledged, releases every tenth round; until it is killed. */
static int child(const char *dir)
{
    struct replay replay;
    struct buffer *buffer;
    struct err err;
    if (!log_open(dir, &replay, &buffer, &err)) return 4;
    struct answer answer = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };
    static uint8_t bodies[3][BODY_BYTES];
    struct news news = { 0 };
    for (uint32_t number = 1; number < 300;) {
        for (int i = 0; i < 3; i++, number++) {
            body_fill(number, bodies[i]);
            struct buffer_record record = {
                .signal = BUFFER_SIGNAL_LOGS,
                .hash = { number, 1 },
                .received_unix_us = 1700000000000000 + number,
                .body = bytes_from(bodies[i], BODY_BYTES),
            };
            if (!buffer_append(buffer, &record, bodies[i], answer_done, &answer, &err)) return 5;
        }
        pthread_mutex_lock(&answer.lock);
        while (answer.stored < number - 1) pthread_cond_wait(&answer.changed, &answer.lock);
        pthread_mutex_unlock(&answer.lock);
        news.acknowledged = number - 1;
        if (write(STDOUT_FILENO, &news, sizeof news) != sizeof news) return 6;
        if (number % 30 == 1) {
            if (!buffer_release(buffer, number - 5, &err)) return 7;
            news.released = number - 5;
            if (write(STDOUT_FILENO, &news, sizeof news) != sizeof news) return 6;
        }
    }
    return 0; /* without close: the point was never passed that often */
}

static void folder_remove(const char *dir)
{
    DIR *found = opendir(dir);
    assert_non_null(found);
    for (struct dirent *entry; (entry = readdir(found)) != NULL;) {
        char path[600];
        snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
        if (entry->d_name[0] != '.') unlink(path);
    }
    closedir(found);
    rmdir(dir);
}

static struct news run_until_killed(const char *dir, const char *point)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        setenv("MONOSCOPE_FAIL_POINT", point, 1);
        execl("/proc/self/exe", "wal_kill_test", "child", dir, (char *)NULL);
        _exit(8);
    }
    close(ends[1]);
    struct news news = { 0 }, next;
    while (read(ends[0], &next, sizeof next) == sizeof next) news = next;
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) fail_msg("%s: was not killed (status %d)", point, status);
    return news;
}

/* Goal: a server killed at any named point keeps what it acknowledged, and the next one opens its log.
 * Method: for each point and several passes of it, run until killed, then open and compare with what it told us. */
static void test_kill_at_every_point(void **state)
{
    (void)state;
    static const char *const points[] = {
        "wal.before_write:1",   "wal.before_write:7",   "wal.after_write:1",    "wal.after_write:40",
        "wal.before_sync:2",    "wal.before_sync:23",   "wal.after_sync:1",     "wal.after_sync:33",
        "wal.before_done:1",    "wal.before_done:50",   "wal.segment_create:1", "wal.segment_create:3",
        "wal.before_release:1", "wal.before_release:4", "wal.after_release:1",  "wal.after_release:3",
        "wal.before_trim:1",    "wal.before_trim:2",
    };
    for (size_t i = 0; i < COUNT_OF(points); i++) {
        char dir[] = "wal-kill-XXXXXX";
        assert_non_null(mkdtemp(dir));
        struct news news = run_until_killed(dir, points[i]);
        struct replay replay;
        struct buffer *buffer;
        struct err err;
        if (!log_open(dir, &replay, &buffer, &err)) fail_msg("%s: %s", points[i], err.text);
        uint64_t released = buffer_position_released(buffer), last = buffer_position_last(buffer);
        assert_true(replay.sound);
        assert_true(last >= news.acknowledged && last <= news.acknowledged + 3);
        assert_true(released == news.released ||
                    released == news.acknowledged - 4); /* told, or killed before it could tell */
        if (last > released) {
            assert_int_equal(replay.position_first, released + 1);
            assert_int_equal(replay.position_last, last);
        }
        buffer_close(buffer);
        folder_remove(dir);
    }
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "child") == 0) return child(argv[2]);
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_kill_at_every_point) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
