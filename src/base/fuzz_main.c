/* fuzz_main.c -- runs a fuzz target without a fuzzer, so that every `make test` runs it, under gcc too.
 *
 *   thing_fuzz 20000 corpus/thing      every file of the folder, then 20,000 mutations of them
 *   thing_fuzz 0 crash-1234            one file: how a found crash is looked at
 *
 * The mutations are the same in every run: a failure here fails again. On a crash the signal handler writes the input to
 * crash-<target> in the current folder. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_BYTES_MAX = 64 * 1024, FILE_BYTES_MAX = 1024 * 1024, SEEDS_MAX = 4096 };

struct seed {
    uint8_t *ptr;
    size_t len;
    char name[256];
};

static struct seed seeds[SEEDS_MAX];
static size_t seed_count;

/* What the signal handler writes out. */
static const uint8_t *volatile current_ptr;
static volatile size_t current_len;
static char crash_name[300];

static void on_crash(int signal_number)
{
    int fd = open(crash_name, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
    if (fd != -1 && write(fd, current_ptr, current_len) == (ssize_t)current_len) {
        static const char words[] = "fuzz: the input that crashed is kept in ";
        ssize_t ignored = write(2, words, sizeof words - 1);
        ignored = write(2, crash_name, strlen(crash_name));
        ignored = write(2, "\n", 1);
        (void)ignored;
    }
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

/* splitmix64 */
static uint64_t random_next(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static size_t random_below(uint64_t *state, size_t limit)
{
    return limit == 0 ? 0 : (size_t)(random_next(state) % limit);
}

/* Each input in a block of its own exact size, so that AddressSanitizer sees a read past its end. */
static void try_input(const uint8_t *ptr, size_t len)
{
    uint8_t *copy = malloc(len == 0 ? 1 : len);
    if (copy == NULL) abort();
    if (len != 0) memcpy(copy, ptr, len);
    current_ptr = copy;
    current_len = len;
    LLVMFuzzerTestOneInput(copy, len);
    current_len = 0;
    current_ptr = NULL;
    free(copy);
}

static size_t mutate_once(uint8_t *bytes, size_t len, uint64_t *random)
{
    static const uint8_t telling[] = { 0x00, 0x01, 0x7f, 0x80, 0xff, 0xfe, '"', '\\', '{', '[', '\'', ';', 0xc0, 0x0a };
    size_t at = random_below(random, len);
    size_t room = INPUT_BYTES_MAX - len;
    switch (random_next(random) % 9) {
    case 0: /* a bit */
        if (len != 0) bytes[at] = (uint8_t)(bytes[at] ^ (1u << random_below(random, 8)));
        return len;
    case 1: /* a byte */
        if (len != 0) bytes[at] = (uint8_t)random_next(random);
        return len;
    case 2:
        if (len != 0) bytes[at] = telling[random_below(random, sizeof telling)];
        return len;
    case 3: /* cut the tail */ return at;
    case 4: { /* take a piece out */
        size_t piece = random_below(random, len - at < 64 ? len - at : 64);
        memmove(bytes + at, bytes + at + piece, len - at - piece);
        return len - piece;
    }
    case 5: { /* put a byte in, up to 16 times: runs, long varints, deep nesting */
        size_t piece = 1 + random_below(random, 16);
        if (piece > room) return len;
        memmove(bytes + at + piece, bytes + at, len - at);
        memset(bytes + at, telling[random_below(random, sizeof telling)], piece);
        return len + piece;
    }
    case 6: { /* say a piece twice */
        size_t piece = random_below(random, len - at < 256 ? len - at : 256);
        if (piece > room) return len;
        memmove(bytes + at + piece, bytes + at, len - at);
        return len + piece;
    }
    case 7: { /* a little more or less: lengths, tags, counts */
        if (len != 0) bytes[at] = (uint8_t)(bytes[at] + random_below(random, 9) - 4);
        return len;
    }
    default: { /* the head of this and the tail of another */
        const struct seed *other = &seeds[random_below(random, seed_count)];
        size_t from = random_below(random, other->len);
        size_t piece = other->len - from;
        if (piece > INPUT_BYTES_MAX - at) piece = INPUT_BYTES_MAX - at;
        if (piece != 0) memcpy(bytes + at, other->ptr + from, piece);
        return at + piece;
    }
    }
}

static void seed_read(const char *path, const char *name)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd == -1 || fstat(fd, &status) == -1) {
        fprintf(stderr, "fuzz: could not open \"%s\": %s\n", path, strerror(errno));
        exit(2);
    }
    if (status.st_size > FILE_BYTES_MAX || seed_count == SEEDS_MAX) {
        fprintf(stderr, "fuzz: \"%s\": corpus files have at most %d bytes, a corpus at most %d files\n", path,
                (int)FILE_BYTES_MAX, (int)SEEDS_MAX);
        exit(2);
    }
    struct seed *seed = &seeds[seed_count++];
    seed->len = (size_t)status.st_size;
    seed->ptr = malloc(seed->len == 0 ? 1 : seed->len);
    snprintf(seed->name, sizeof seed->name, "%s", name);
    if (seed->ptr == NULL || read(fd, seed->ptr, seed->len) != (ssize_t)seed->len) {
        fprintf(stderr, "fuzz: could not read \"%s\"\n", path);
        exit(2);
    }
    close(fd);
}

static int seed_compare(const void *a, const void *b)
{
    return strcmp(((const struct seed *)a)->name, ((const struct seed *)b)->name);
}

static void seeds_read(const char *path)
{
    struct stat status;
    if (stat(path, &status) == -1) {
        fprintf(stderr, "fuzz: no corpus at \"%s\": %s\n", path, strerror(errno));
        exit(2);
    }
    if (!S_ISDIR(status.st_mode)) {
        seed_read(path, path);
        return;
    }
    DIR *dir = opendir(path);
    if (dir == NULL) exit(2);
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char file[4096];
        if (entry->d_name[0] == '.') continue;
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        seed_read(file, entry->d_name);
    }
    closedir(dir);
    qsort(seeds, seed_count, sizeof seeds[0], seed_compare); /* a folder's order is the disk's whim */
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: %s mutations corpus-folder|file...\n", argv[0]);
        return 2;
    }
    const char *name = strrchr(argv[0], '/');
    snprintf(crash_name, sizeof crash_name, "crash-%s", name == NULL ? argv[0] : name + 1);
    signal(SIGABRT, on_crash);
#ifndef __SANITIZE_ADDRESS__ /* its own handler tells more, and ends in abort() with abort_on_error=1 */
    signal(SIGSEGV, on_crash);
    signal(SIGBUS, on_crash);
    signal(SIGFPE, on_crash);
#endif

    unsigned long mutations = strtoul(argv[1], NULL, 10);
    for (int i = 2; i < argc; i++) seeds_read(argv[i]);
    if (seed_count == 0) {
        fprintf(stderr, "fuzz: the corpus is empty\n");
        return 2;
    }
    try_input(NULL, 0);
    for (size_t i = 0; i < seed_count; i++) try_input(seeds[i].ptr, seeds[i].len);

    static uint8_t bytes[INPUT_BYTES_MAX];
    uint64_t random = 1;
    for (unsigned long i = 0; i < mutations; i++) {
        const struct seed *seed = &seeds[i % seed_count];
        size_t len = seed->len < INPUT_BYTES_MAX ? seed->len : INPUT_BYTES_MAX;
        memcpy(bytes, seed->ptr, len);
        for (size_t times = 1 + random_below(&random, 6); times > 0; times--) len = mutate_once(bytes, len, &random);
        try_input(bytes, len);
    }
    printf("fuzz: %zu files, %lu mutations\n", seed_count, mutations);
    for (size_t i = 0; i < seed_count; i++) free(seeds[i].ptr);
    return 0;
}
