/* Inputs kept and played again: what came into a lab from outside - connections, requests, the firings of real clients' timers, pauses, orders - each with its
 * place in the cluster's history (virtual time, and how many of its events had run). A lab opened with the same settings, seed and start that is given the
 * same inputs at the same places comes to the same files, byte for byte, without a network.
 *
 * What clients send is kept as it came, produced records too: a reference into the log would end with the segment, and what retention took is just what
 * one goes back for. So a recording has a cap (256 MB), beyond which nothing more is kept: the past can then be seen up to that moment. */
#pragma once
#include "sim/sim.h"

struct recorder;
/* Begins to keep all inputs of a lab, in memory; lab_close() ends it, if nobody did before. `most_bytes`: beyond it nothing more is kept and recorder_full() is true (0: 256 MB). */
struct recorder *recorder_new(struct lab *lab, size_t most_bytes);
void recorder_free(struct recorder *recorder);
bool recorder_full(const struct recorder *recorder);
size_t recorder_count(const struct recorder *recorder);     /* inputs kept */
size_t recorder_bytes(const struct recorder *recorder);
size_t recorder_most_bytes(const struct recorder *recorder);
int64_t recorder_end_us(const struct recorder *recorder);   /* the moment up to which it reaches: the lab's now, unless it is full */
/* The inputs so far, as bytes that replay_run() takes, of a recorder without a file; the caller's buffer. */
void recorder_save(const struct recorder *recorder, struct buffer *out);
/* From here on what was kept goes to a file, at each flush and whenever a megabyte waits; memory holds only the rest. */
enum err recorder_to_file(struct recorder *recorder, const char *path, struct reason *reason);
enum err recorder_flush(struct recorder *recorder, struct reason *reason);
/* What the lab is told by hand: an entry of the journal that comes from outside (pause, speed), and the clients' wall timers moved on. NULL: nobody keeps it. */
void recorder_note(struct recorder *recorder, const struct entry *entry);
void recorder_advance(struct recorder *recorder, int64_t us);
void recorder_order(struct recorder *recorder, const char *words); /* sim/order.h */

/* What a recording says of the lab it was made in; `settings` is the caller's to end. */
enum err replay_options(struct bytes recording, struct lab_options *options, struct config_map *settings, struct reason *reason);
/* Feeds the inputs to a lab that was just opened with those options (and no network), then brings its clock to where the recording ended.
 * ERR_INVALID_REQUEST: the bytes are no recording, or it does not fit the lab. */
enum err replay_run(struct lab *lab, struct bytes recording, struct reason *reason);

/* ---- the past: a second lab, in memory and without a network, that is moved forward through what was ----
 * It stands at the recording's beginning when it is opened; lab_run_slice() and lab_step() of its lab go on as far as the recording does, never beyond.
 * Who looks at it may read: its connections leave no trace (wire.h: a guest), and what would change something is refused. */
struct past;
/* Of a lab that lives: it may be followed up to the present. `base`: the copy of the files with which the recording begins; NULL: it begins with none.
 * `loop`: for the clocks of clients that read there; NULL: none will. */
enum err past_open_live(struct past **out, const struct recorder *recorder, const char *base, uv_loop_t *loop, struct reason *reason);
enum err past_open_file(struct past **out, const char *path, const char *base, uv_loop_t *loop, struct reason *reason);
void past_close(struct past *past);
const char *past_path(const struct past *past);              /* of a file; NULL: of a lab that lives */
const char *past_base(const struct past *past);
/* What a file reaches over, without playing it. */
struct recording_span { int64_t from_us, end_us; uint64_t first_entry, last_entry; bool based; };   /* last_entry 0: not known */
enum err recording_look(const char *path, struct recording_span *out, struct reason *reason);
struct lab *past_lab(const struct past *past);
int64_t past_from_us(const struct past *past);               /* its first moment */
bool past_at_end(struct past *past);                         /* there is nothing more to play, at present */
uint64_t past_inputs(const struct past *past);               /* given to it so far */
/* Exactly where it stands: the moment, the events and inputs that were. */
struct past_place { int64_t at_us; uint64_t events, inputs; };
struct past_place past_place(const struct past *past);
struct past_place recorder_place(const struct recorder *recorder);   /* the present */
/* On to that place, for at most `most_us`; true: it is there, or past_error() says why not. */
bool past_run_to(struct past *past, const struct past_place *place, int64_t most_us);
enum err past_error(const struct past *past, struct reason *reason); /* it can't go on: the recording is damaged, or does not fit */
/* At a file's end: the lab came to what was recorded there (the journal's count, the state of chance). */
bool past_as_recorded(const struct past *past);

/* ---- branches: a past that becomes a lab of its own ----
 * Of a recorder, or (NULL) of a file. It is played into a folder of its own (NULL: a transient one) and keeps its inputs from the beginning, so that one can look back beyond the moment at which
 * it parted. past_run_to() brings it to that moment; past_close() gives up. */
struct branch_source { const struct recorder *recorder; const char *path, *base, *made_with; };   /* made_with: lab_made_with() of the first; NULL */
enum err branch_begin(struct past **out, const struct branch_source *source, const char *dir, struct reason *reason);
/* From here on it lives: its clients of before are gone, members of groups stay for their session's time; it listens as `net` says (listen, port,
 * listen_address, advertised_host). `past` is gone in any case; *out is the lab, also where it can't listen. */
enum err branch_live(struct past *past, uv_loop_t *loop, const struct lab_options *net, struct lab **out, struct reason *reason);
