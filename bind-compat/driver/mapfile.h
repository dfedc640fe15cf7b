/* An address map of a plan, checked to the last item.
 *
 * Law: what passes can be looked up (sparrow/plan/map.h) with any address without a further
 * check. The definition is sparrow.plan.verifymap. Start from `check_map`.
 */
#ifndef SPARROW_MAPFILE_H
#define SPARROW_MAPFILE_H

#include "map.h"
#include "planfile.h"

struct map_file {
    struct file_entry entry;
    struct plan_file file;
    struct map map;       /* leads into `file` */
    uint32_t class_count; /* one more than the highest class in it */
    unsigned holders;     /* generations that have it; the thread that opens plans counts */
};

/* Check a loaded map file and set its views and class count. */
bool check_map(struct map_file *found, struct trouble *trouble);

#endif
