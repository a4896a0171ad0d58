/* Which Apache Kafka is played. `any` is 4.3 in every decision, only wider in the versions it accepts and in limits that guard
 * production alone (segment.bytes from 14). */
#pragma once
#include <stdbool.h>

enum release { RELEASE_ANY, RELEASE_27, RELEASE_43 };
static inline bool release_is_27(enum release release) { return release == RELEASE_27; } /* else it decides as 4.3 */
const char *release_name(enum release release); /* "any", "2.7", "4.3" */
bool release_parse(const char *text, enum release *out); /* also "2.7.0", "4.3.0" */
