/* handlers.h -- the handlers of routes.h, declared. For the files that have one. */
#pragma once
#include "web/api/api_call.h"
#include "web/api/routes.h"

#define API_DECLARE(method, path, id, ...) void api_##id(struct api_call *call);
ROUTES(API_DECLARE)
#undef API_DECLARE
