#include "meta/password/password.h"
#include "base/random.h"
#include "base/utf8.h"
#include <argon2.h>
#include <pthread.h>
#include <stdlib.h>

enum { MEMORY_KIB = 19456, PASSES = 2, LANES = 1, SALT_BYTES = 16, HASH_BYTES = 32, DISTINCT_MIN = 5 };

struct password_gate {
    pthread_mutex_t lock;
    pthread_cond_t left;
    uint32_t inside, waiting;
};

struct password_gate *password_gate_create(void)
{
    struct password_gate *gate = mem_calloc(1, sizeof *gate);
    pthread_mutex_init(&gate->lock, NULL);
    pthread_cond_init(&gate->left, NULL);
    return gate;
}

void password_gate_destroy(struct password_gate *gate)
{
    if (!gate) return;
    assert(gate->inside == 0);
    pthread_cond_destroy(&gate->left);
    pthread_mutex_destroy(&gate->lock);
    free(gate);
}

static bool gate_enter(struct password_gate *gate, struct err *err)
{
    pthread_mutex_lock(&gate->lock);
    bool has_room = gate->inside < PASSWORDS_AT_ONCE || gate->waiting < PASSWORDS_WAITING;
    if (has_room) {
        gate->waiting++;
        while (gate->inside == PASSWORDS_AT_ONCE) pthread_cond_wait(&gate->left, &gate->lock);
        gate->waiting--;
        gate->inside++;
    }
    pthread_mutex_unlock(&gate->lock);
    return has_room || err_set(err, ERR_BUSY, "too many people sign in at once: try again in a moment");
}

static void gate_leave(struct password_gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->inside--;
    pthread_cond_signal(&gate->left);
    pthread_mutex_unlock(&gate->lock);
}

bool password_check(struct bytes password, const char *email, struct err *err)
{
    bool seen[256] = { false };
    uint32_t distinct = 0;
    if (password.len < PASSWORD_BYTES_MIN || password.len > PASSWORD_BYTES_MAX)
        return err_set(err, ERR_INPUT, "a password has %d to %d bytes", PASSWORD_BYTES_MIN, PASSWORD_BYTES_MAX);
    if (!utf8_is_valid(password)) return err_set(err, ERR_INPUT, "a password must be UTF-8");
    for (size_t i = 0; i < password.len; i++) {
        if (password.ptr[i] < ' ' || password.ptr[i] == 0x7F)
            return err_set(err, ERR_INPUT, "a password has no control characters");
        distinct += !seen[password.ptr[i]];
        seen[password.ptr[i]] = true;
    }
    if (distinct < DISTINCT_MIN)
        return err_set(err, ERR_INPUT, "a password has at least %d different characters", DISTINCT_MIN);
    if (email && bytes_equal(password, bytes_of_text(email)))
        return err_set(err, ERR_INPUT, "a password is not the e-mail address");
    return true;
}

void password_once(char password[PASSWORD_ONCE_BYTES])
{
    static const char letters[] = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"; /* none that look alike */
    enum { LETTERS = sizeof letters - 1, FAIR = 256 / LETTERS * LETTERS };
    static_assert(LETTERS == 31, "as password.h says");
    for (uint32_t at = 0; at < PASSWORD_ONCE_BYTES - 1;) {
        uint8_t byte;
        if (at % 6 == 5) {
            password[at++] = '-';
            continue;
        }
        random_fill(&byte, 1);
        if (byte < FAIR) password[at++] = letters[byte % LETTERS];
    }
    password[PASSWORD_ONCE_BYTES - 1] = '\0';
}

bool password_hash(struct password_gate *gate, struct bytes password, char hash[PASSWORD_HASH_BYTES], struct err *err)
{
    uint8_t salt[SALT_BYTES];
    if (!gate_enter(gate, err)) return false;
    random_fill(salt, sizeof salt);
    int code = argon2id_hash_encoded(PASSES, MEMORY_KIB, LANES, password.ptr, password.len, salt, sizeof salt,
                                     HASH_BYTES, hash, PASSWORD_HASH_BYTES);
    gate_leave(gate);
    return code == ARGON2_OK || err_set(err, ERR_BUSY, "could not hash the password: %s", argon2_error_message(code));
}

bool password_verify(struct password_gate *gate, const char *hash, struct bytes password, bool *is_right,
                     struct err *err)
{
    static const char nobody[] = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGhhcyB0aGlzIQ$"
                                 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    *is_right = false;
    if (password.len > PASSWORD_BYTES_MAX) return true; /* never one of ours */
    if (!gate_enter(gate, err)) return false;
    int code = argon2id_verify(hash ? hash : nobody, password.ptr, password.len);
    gate_leave(gate);
    if (code != ARGON2_OK && code != ARGON2_VERIFY_MISMATCH)
        return err_set(err, code == ARGON2_MEMORY_ALLOCATION_ERROR ? ERR_BUSY : ERR_CORRUPT,
                       "could not check the password: %s", argon2_error_message(code));
    *is_right = hash != NULL && code == ARGON2_OK;
    return true;
}
