/* redaction.h -- what the two files about redaction share. Thread: the call's. */
#pragma once
#include "meta/redaction_rule.h"
#include <yyjson.h>

/* What a body says of a rule, right by its schema, replaces what is there. */
void redaction_rule_of_json(yyjson_val *from, struct redaction_rule *rule);
