/* yaml_inside.h -- what reading and writing agree on. */
#pragma once
#include "base/bytes.h"
#include <yyjson.h>

/* What a scalar without quotes is: null, true, false or a number; false: a text. Of infinities and NaN *is_number alone is set. */
bool yaml_scalar_read(struct bytes text, yyjson_mut_doc *doc, yyjson_mut_val **value, bool *is_number);
