/* Who listens on a TCP port of this machine, as far as /proc tells. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "java (process 4711)"; false: it can't be seen from here. */
bool port_owner(int32_t port, char *out, size_t size);
