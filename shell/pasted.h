/* What people paste that is no line of a shell: Python, installing, a layout left on. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/* Does this line (up to its end) read as Python? */
bool pasted_python(const char *line);
/* The end of the block of Python that begins at `at`. */
const char *pasted_python_end(const char *at);
/* Why a command is not needed here (wget, docker, kafka-server-start ...); NULL: it may be. `bang`: the user asked for the system's. */
const char *pasted_not_needed(char *const *argv, int argc, bool bang);
/* Where in argv one of Kafka's tools stands behind sudo, sh, docker exec ...; 0: as it is. */
int pasted_wrapped(char *const *argv, int argc);
/* Does this line go on with SQL from the line before? */
bool pasted_sql_goes_on(const char *line);
