/* cors.h -- what a browser must be told before it lets a web page send to us, and read our answer.
 *
 *   OPTIONS /v1/traces        the preflight: no key in it, so it is allowed to every page that any browser key allows
 *   Origin: https://shop      204 + Access-Control-Allow-Origin, -Methods, -Headers, -Max-Age; another page: 403
 *   POST /v1/traces           with its key, which must allow that page: http_intake.c
 *
 * Pure functions. Thread: any. Memory: headers point into the request and into constants.
 * Source: Fetch standard, "CORS protocol"; Private Network Access. */
#pragma once
#include "net/http.h"

#define CORS_HEADERS_MAX 7

/* A browser asks whether a page may send. */
bool cors_is_preflight(const struct http_request *request);
/* Headers for the answer to a preflight of an origin that is known. Returns how many. */
uint32_t cors_preflight_headers(const struct http_request *request, struct http_header headers[CORS_HEADERS_MAX]);
/* Headers for any other answer: is_known lets the page read it. Returns how many. */
uint32_t cors_answer_headers(const struct http_request *request, bool is_known,
                             struct http_header headers[CORS_HEADERS_MAX]);
