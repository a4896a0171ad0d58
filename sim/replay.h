/* Inputs kept and played again: what came into a lab from outside - connections, requests, the firings of real clients' timers - each with its place
 * in the cluster's history (virtual time, and how many of its events had run). A lab opened with the same settings, seed and start that is
 * given the same inputs at the same places comes to the same files, byte for byte, without a network. */
#pragma once
#include "sim/sim.h"

struct recorder;
/* Begins to keep all inputs of a lab in memory; `most_bytes`: beyond it nothing more is kept and recorder_full() is true (0: 256 MB). */
struct recorder *recorder_new(struct lab *lab, size_t most_bytes);
void recorder_free(struct recorder *recorder);
bool recorder_full(const struct recorder *recorder);
size_t recorder_count(const struct recorder *recorder);     /* inputs kept */
/* The inputs so far, as bytes that replay_run() takes, of a recorder without a file; the caller's buffer. */
void recorder_save(const struct recorder *recorder, struct buffer *out);
/* From here on what was kept goes to a file, at each flush and whenever a megabyte waits; memory holds only the rest. */
enum err recorder_to_file(struct recorder *recorder, const char *path, struct reason *reason);
enum err recorder_flush(struct recorder *recorder, struct reason *reason);

/* What a recording says of the lab it was made in; `settings` is the caller's to end. */
enum err replay_options(struct bytes recording, struct lab_options *options, struct config_map *settings, struct reason *reason);
/* Feeds the inputs to a lab that was just opened with those options (and no network), then brings its clock to where the recording ended.
 * ERR_INVALID_REQUEST: the bytes are no recording, or it does not fit the lab. */
enum err replay_run(struct lab *lab, struct bytes recording, struct reason *reason);
