/* The view: the cluster at a glance, drawn on a grid. It only looks; keys call the same commands as the prompt. */
#pragma once
#include "shell/session.h"
#include "shell/view/grid.h"

struct view {
    struct lab *lab;
    enum lang lang;
    char *topic;                   /* the partition in the middle; NULL: the first there is */
    int32_t partition;
    int pane;                      /* index into the panes of panes.def */
    int first_segment;             /* scrolled: first row of the segment list; -1 follows the end */
    const char *prompt;            /* what stands on the prompt row; NULL: the hint that ':' opens it */
    const char *idle_prompt;       /* the prompt that a line would stand behind */
    int prompt_cursor;             /* column in it; -1: no cursor */
    struct text output;            /* of the last command typed here: shown over the journal */
    char *title;                   /* the command that printed it; NULL: none */
    int output_scroll;
    bool running;                  /* it still prints: Esc and Ctrl-C end it */
    struct text progress;          /* how far it is, where it says so */
    struct samples *samples;       /* pane_metrics.c's: what was seen while the view was open */
};
void view_init(struct view *view, struct lab *lab);
void view_done(struct view *view);
void view_draw(struct view *view, struct grid *grid);
/* The next or previous partition (by = +1, -1) in order of topic and number; topics of Kafka's own come last. */
void view_select(struct view *view, int by);
void view_choose(struct view *view, const char *topic, int32_t partition);

/* Opens the pane of this key, or the how manieth ('1' to '9'); false: there is none. */
bool view_open_pane(struct view *view, int key);
int view_pane_count(void);
/* What happened, newest below, between two rows; wanted NULL: all that is shown elsewhere. */
void view_journal(struct view *view, struct grid *grid, int top, int bottom, int column, bool (*wanted)(const struct entry *entry));

/* A pane fills the rows between header and prompt. */
struct pane {
    const char *name, *title;
    int key;                       /* opens it: 'r' */
    void (*draw)(struct view *view, struct grid *grid, int top, int bottom);
    const char *next;              /* what `n` goes to: a word of the command next; NULL: the next change of files */
    void (*why)(const struct view *view, struct text *line);   /* what `w` asks; NULL: why TOPIC-P */
};
const struct pane *view_pane(const struct view *view);
void view_why_replication(const struct view *view, struct text *line);   /* `why` of panes that show brokers: who leads, who is in sync */
#define PANE(name_) extern const struct pane pane_##name_;
#include "shell/view/panes.def"
#undef PANE
