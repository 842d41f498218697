#include "web/api/once.h"
