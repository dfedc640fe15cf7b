/* The file `current` of a plan directory: which files make the present generation.
 *
 * Law: it has the keys that docs/plan-format.md shows and no others, each once; a file's name
 * leads out of no directory. Start from `load_current`.
 */
#ifndef SPARROW_CURRENT_H
#define SPARROW_CURRENT_H

#include "planfile.h"

struct current {
    uint64_t generation;
    struct file_entry answers;
    struct file_entry outcomes;
    struct file_entry *maps;
    size_t map_count;
};

/* Read `current`. What was read is to be freed all the same. */
bool load_current(int directory, struct current *current, struct trouble *trouble);

void free_current(struct current *current);

#endif
