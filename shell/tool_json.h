/* The JSON files that Kafka's tools take, with what Jackson says of values of the wrong kind. */
#pragma once
#include "shell/json.h"
#include "shell/tool_options.h"

/* A whole file, in the arena. False: java.io.IOException "Unable to read file ...", with its cause. */
bool tool_read_file(struct arena *arena, const char *path, const char **out, struct trouble *trouble);
/* What Jackson says of a text that json_parse() takes for none. */
bool tool_json_invalid(const char *text, struct trouble *trouble);

/* False: com.fasterxml.jackson.databind.JsonMappingException. */
bool tool_json_object(const struct json *value, struct trouble *trouble);
bool tool_json_array(const struct json *value, struct trouble *trouble);
bool tool_json_member(const struct json *item, const char *name, const struct json **out, struct trouble *trouble);
bool tool_json_text(const struct json *value, const char **out, struct trouble *trouble);
bool tool_json_i32(const struct json *value, int32_t *out, struct trouble *trouble);
bool tool_json_i64(const struct json *value, int64_t *out, struct trouble *trouble);
