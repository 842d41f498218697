/* Any bytes: numbers of the vocabulary between [CLS] and [SEP], no more than asked for; a text's head gives the head. */
#include "errors/wordpiece.h"
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct wordpiece *vocabulary(void)
{
    static struct wordpiece *wordpiece; /* of a small language: letters, some pieces, some of other scripts */
    if (wordpiece != NULL) return wordpiece;
    static const char text[] = "{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"[UNK]\":0,\"[CLS]\":1,\"[SEP]\":2,"
                               "\"a\":3,\"##a\":4,\"b\":5,\"##b\":6,"
                               "\"ab\":7,\"##ab\":8,\"time\":9,\"##out\":10,\".\":11,\"\u00df\":12,\"\u6570\":13,"
                               "\"\u0435\":14,\"##\u0435\":15}}}";
    char path[] = "/tmp/wordpiece_fuzz_XXXXXX";
    struct err err = { .code = ERR_OK };
    int fd = mkstemp(path);
    if (fd == -1 || write(fd, text, sizeof text - 1) != (ssize_t)(sizeof text - 1) ||
        !wordpiece_open(&wordpiece, path, &err))
        abort();
    close(fd);
    unlink(path);
    return wordpiece;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t ids[WORDPIECE_IDS_MAX], few[8];
    if (size > 4096) return 0;
    const struct wordpiece *wordpiece = vocabulary();
    size_t count = wordpiece_ids(wordpiece, bytes_from(data, size), ids, WORDPIECE_IDS_MAX);
    size_t few_count = wordpiece_ids(wordpiece, bytes_from(data, size), few, COUNT_OF(few));
    if (count < 2 || count > WORDPIECE_IDS_MAX || ids[0] != 1 || ids[count - 1] != 2) abort();
    for (size_t i = 1; i + 1 < count; i++) {
        if (ids[i] < 0 || ids[i] > 15 || ids[i] == 1 || ids[i] == 2) abort();
    }
    for (size_t i = 0; i + 1 < few_count; i++) {
        if (few[i] != ids[i]) abort();
    }
    return 0;
}
