/* What faults.c, fault_fields.c and gate.c share. */
#pragma once
#include "sim/wire/faults.h"
#include "sim/wire/wire_internal.h"

struct faults {
    struct wire *wire;
    struct fault **items;         /* by id; cleared ones too */
    size_t count, capacity, active;
    uint64_t last;
    struct fault_hook hook;       /* the cluster's */
};
/* The first question makes it: a wire without faults has none. */
void faults_free(struct faults *faults);

/* What hits this request of a client that has come in; counts, and tells the journal. *fault is valid as long as the request: NULL with FAULT_NONE. */
struct fault_verdict faults_ask(struct request *request, const struct fault **fault);

/* ---- fault_fields.c: requests and answers, seen through their tables ---- */
struct fault_place {              /* what a request, or a part of it, is about */
    const char *topic, *group;    /* NULL: none */
    int32_t partition;            /* -1: none */
};
/* The first place in it that the rule matches; false: there is none. */
bool fault_matches(const struct request *request, const struct fault_rule *rule, struct fault_place *place);
/* Before the handler: what is to be answered with the error is taken out of the request, and answered in request->injected. False: nothing is left of it for
 * the handler, request->out is the answer. */
bool fault_refuse(struct request *request, const struct fault_rule *rule);
/* Before the answer is sent: puts in what fault_refuse() left to be. */
void fault_finish_answer(struct request *request);
