/* Which keys of a project are shredded. A sample of each large write is looked at; what repeats is added for good. */
#include "timefusion/shred/shred.h"
#include "base/hash.h"
#include "timefusion/shred/members.h"
#include <pthread.h>
#include <stdlib.h>

#define SAMPLE_ROWS     512
#define SAMPLE_KEYS     128
#define KEY_ROWS_MIN    16 /* of the sample that must have it ... */
#define KEY_SHARE_MIN   64 /* ... and one row of this many */
#define ROWS_A_VALUE    4  /* a value must come so often on the average */
#define VALUE_BYTES_MAX 128
#define BITMAP_WORDS    16
#define REFUSED_MAX     64 /* beyond that nothing is added: keys change their nature too often */

struct choice {
    struct uuid project_id;
    enum schema_table_id table;
    uint64_t used_tick;
    struct shred_keys keys;
    uint64_t refused[REFUSED_MAX]; /* hashes */
    uint32_t refused_count;
};
struct shreds {
    pthread_mutex_t lock; /* guards all below */
    struct choice **choices;
    uint32_t count;
    uint64_t tick;
};

/* What a sample holds of one key. */
struct counted {
    struct bytes key;
    uint32_t row_count;
    size_t bytes;
    uint64_t values[BITMAP_WORDS]; /* a bit for each hash of a value */
};
struct sample {
    struct counted counted[SAMPLE_KEYS];
    uint32_t count, row_count;
};

bool shred_key_is_plain(struct bytes key)
{
    if (key.len == 0 || key.len > SHRED_KEY_BYTES_MAX) return false;
    for (size_t i = 0; i < key.len; i++) {
        uint8_t byte = key.ptr[i];
        if (!((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
              byte == '.' || byte == '_' || byte == '-'))
            return false;
    }
    return true;
}

struct shreds *shreds_create(void)
{
    struct shreds *shreds = mem_calloc(1, sizeof *shreds);
    pthread_mutex_init(&shreds->lock, NULL);
    return shreds;
}

void shreds_destroy(struct shreds *shreds)
{
    if (!shreds) return;
    for (uint32_t c = 0; c < shreds->count; c++) free(shreds->choices[c]);
    free(shreds->choices);
    pthread_mutex_destroy(&shreds->lock);
    free(shreds);
}

/* Under the lock. */
static struct choice *choice_of(struct shreds *shreds, struct uuid project_id, enum schema_table_id table)
{
    struct choice *oldest = NULL;
    for (uint32_t c = 0; c < shreds->count; c++) {
        struct choice *choice = shreds->choices[c];
        if (choice->table == table && uuid_equal(choice->project_id, project_id)) {
            choice->used_tick = ++shreds->tick;
            return choice;
        }
        if (!oldest || choice->used_tick < oldest->used_tick) oldest = choice;
    }
    if (shreds->count < SHRED_PROJECTS_MAX) {
        shreds->choices = mem_realloc(shreds->choices, (shreds->count + 1) * sizeof *shreds->choices);
        oldest = shreds->choices[shreds->count++] = mem_alloc(sizeof *oldest);
    }
    *oldest = (struct choice){ .project_id = project_id, .table = table, .used_tick = ++shreds->tick };
    return oldest;
}

/* ---- what repeats ---- */

static void member_count(struct sample *sample, const struct member *member)
{
    struct counted *counted = NULL;
    for (uint32_t i = 0; i < sample->count && !counted; i++)
        if (bytes_equal(sample->counted[i].key, member->key)) counted = &sample->counted[i];
    if (!counted) {
        if (sample->count == SAMPLE_KEYS || !shred_key_is_plain(member->key)) return;
        counted = &sample->counted[sample->count++];
        *counted = (struct counted){ .key = member->key };
    }
    uint64_t hash = hash64_of(member->text) % (BITMAP_WORDS * 64);
    counted->values[hash / 64] |= (uint64_t)1 << (hash % 64);
    counted->row_count++;
    counted->bytes += member->text.len;
}

static void sample_take(struct sample *sample, const struct columns *columns, uint32_t from, uint32_t to)
{
    struct columns_view view;
    columns_view(columns, (uint32_t)schema_column_index(columns_table(columns), BYTES(SHRED_BASE)), &view);
    uint32_t first = 0, end;
    while (first < view.value_count && view.rows[first] < from) first++;
    for (end = first; end < view.value_count && view.rows[end] < to;) end++;
    uint32_t step = (end - first) / SAMPLE_ROWS + 1;
    sample->row_count = (to - from) / step;
    for (uint32_t i = first; i < end; i += step) {
        const uint8_t *record = view.records ? view.records[i] : view.dictionary[view.ids[i]];
        struct members members;
        struct member member;
        uint32_t len;
        memcpy(&len, record, sizeof len);
        members_init(&members, bytes_from(record + sizeof len, len));
        while (members_next(&members, &member))
            if (member.is_whole) member_count(sample, &member);
    }
}

/* A key with a column has its values there; of one that other attributes' keys go on from, SQL asks otherwise. */
static bool has_column(const struct schema_table *table, struct bytes key)
{
    for (uint32_t c = 0; c < table->column_count; c++) {
        const struct schema_column *column = &table->columns[c];
        struct bytes own = bytes_of_text(column->attribute);
        if (own.len == 0 || column->is_resource || own.len < key.len || memcmp(own.ptr, key.ptr, key.len) != 0)
            continue;
        if (own.len == key.len || own.ptr[key.len] == '.') return true;
    }
    return false;
}

static bool repeats(const struct sample *sample, const struct counted *counted)
{
    uint32_t distinct = 0;
    for (uint32_t w = 0; w < BITMAP_WORDS; w++) distinct += (uint32_t)__builtin_popcountll(counted->values[w]);
    return counted->row_count >= KEY_ROWS_MIN && counted->row_count >= sample->row_count / KEY_SHARE_MIN &&
           distinct * ROWS_A_VALUE <= counted->row_count && counted->bytes / counted->row_count <= VALUE_BYTES_MAX;
}

static int frequent_first(const void *a, const void *b)
{
    const struct counted *left = a, *right = b;
    if (left->row_count != right->row_count) return left->row_count > right->row_count ? -1 : 1;
    return bytes_compare(left->key, right->key);
}

static bool is_refused(const struct choice *choice, struct bytes key)
{
    uint64_t hash = hash64_of(key);
    for (uint32_t r = 0; r < choice->refused_count; r++)
        if (choice->refused[r] == hash) return true;
    return choice->refused_count == REFUSED_MAX;
}

static void key_add(struct choice *choice, struct bytes key)
{
    struct shred_keys *keys = &choice->keys;
    char text[SHRED_KEY_BYTES_MAX + 1] = { 0 };
    memcpy(text, key.ptr, key.len);
    uint32_t at = 0;
    while (at < keys->count && strcmp(keys->texts[at], text) < 0) at++;
    if (at < keys->count && strcmp(keys->texts[at], text) == 0) return;
    memmove(keys->texts[at + 1], keys->texts[at], (keys->count - at) * sizeof keys->texts[0]);
    memcpy(keys->texts[at], text, sizeof text);
    keys->count++;
}

void shreds_choose(struct shreds *shreds, struct uuid project_id, const struct columns *columns, uint32_t from,
                   uint32_t to, struct shred_keys *keys)
{
    const struct schema_table *table = columns_table(columns);
    struct sample *sample = NULL;
    pthread_mutex_lock(&shreds->lock);
    bool has_room = choice_of(shreds, project_id, table->id)->keys.count < SHRED_KEYS_MAX;
    pthread_mutex_unlock(&shreds->lock);
    if (has_room && to - from >= KEY_ROWS_MIN) {
        sample = mem_calloc(1, sizeof *sample);
        sample_take(sample, columns, from, to);
        qsort(sample->counted, sample->count, sizeof *sample->counted, frequent_first);
    }
    pthread_mutex_lock(&shreds->lock);
    struct choice *choice = choice_of(shreds, project_id, table->id);
    for (uint32_t i = 0; sample && i < sample->count && choice->keys.count < SHRED_KEYS_MAX; i++) {
        struct bytes key = sample->counted[i].key;
        if (repeats(sample, &sample->counted[i]) && !has_column(table, key) && !is_refused(choice, key))
            key_add(choice, key);
    }
    *keys = choice->keys;
    pthread_mutex_unlock(&shreds->lock);
    free(sample);
}

void shreds_refuse(struct shreds *shreds, struct uuid project_id, const struct schema_table *table, const char *key)
{
    pthread_mutex_lock(&shreds->lock);
    struct choice *choice = choice_of(shreds, project_id, table->id);
    struct shred_keys *keys = &choice->keys;
    for (uint32_t k = 0; k < keys->count; k++) {
        if (strcmp(keys->texts[k], key) != 0) continue;
        memmove(keys->texts[k], keys->texts[k + 1], (keys->count - k - 1) * sizeof keys->texts[0]);
        keys->count--;
        if (choice->refused_count < REFUSED_MAX)
            choice->refused[choice->refused_count++] = hash64_of(bytes_of_text(key));
        break;
    }
    pthread_mutex_unlock(&shreds->lock);
}
