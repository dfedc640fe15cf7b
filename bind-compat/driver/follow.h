/* The present generation of a plan directory, followed as generations come.
 *
 * Law: who looks up always has a whole generation, and takes no lock for it; one that is refused
 * changes nothing and is told of once. A thread of our own opens and checks what comes, so that
 * no query waits for that. BIND's log is written by BIND's threads alone: what the thread has to
 * tell it leaves as news, which the next look-up writes. Start from `follow_plan`.
 */
#ifndef SPARROW_FOLLOW_H
#define SPARROW_FOLLOW_H

#include "generation.h"

struct follower;

struct news {
    int level; /* of BIND's log */
    char text[768];
};

/* Open a plan directory and begin to follow it; without a plan that can be taken, news say why.
 * NULL and the trouble where there is no memory or no thread. `options` outlive it. */
struct follower *follow_plan(const struct options *options, struct trouble *trouble);

/* End it; nobody may be between `enter_plan` and `leave_plan`. */
void end_following(struct follower *follower);

/* Give the present generation, or NULL; it stays until `leave_plan` with the same `phase`. */
const struct generation *enter_plan(struct follower *follower, unsigned *phase);
void leave_plan(struct follower *follower, unsigned phase);

/* Take the oldest news; false for none. */
bool take_news(struct follower *follower, struct news *news);

/* Say in which ways a generation does not fit the options, each by one call; whether it fits. */
bool check_fit(const struct options *options, const struct generation *generation,
               tell_error *tell, const void *whom);

#endif
