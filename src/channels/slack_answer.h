/* slack_answer.h -- what Slack's Web API answers. Any bytes: what is no such answer is not ok. Thread: any. */
#pragma once
#include "base/bytes.h"

struct slack_answer {
    bool is_ok;
    bool is_temporary; /* later may work: ratelimited, internal_error ... */
    bool is_gone;      /* the message that was to be changed is not there any more */
    char error[80], channel[100], ts[100];
};
void slack_answer_read(struct bytes json, struct slack_answer *answer);
