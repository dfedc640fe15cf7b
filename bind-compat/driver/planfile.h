/* A file of a plan directory, in memory, and its table of sections.
 *
 * Law: files are read into memory of our own and not mapped, so that whatever becomes of them
 * later, a fault (SIGBUS) cannot end BIND. No section reaches outside its file.
 * docs/plan-format.md has the layout. Start from `load_file`.
 */
#ifndef SPARROW_PLANFILE_H
#define SPARROW_PLANFILE_H

#include <stddef.h>
#include <stdint.h>

#include "trouble.h"

/* What `current` says of a file. */
struct file_entry {
    char name[64];
    char sha256[65]; /* empty for the outcomes, which change */
    uint64_t size;
};

struct plan_file {
    uint8_t *octets;
    size_t size;
    const char *name;
};

/* Open a regular file of a directory; -1 and the trouble for none. */
int open_regular(int directory, const char *name, struct trouble *trouble);

/* Read up to `size` octets from the file's start, fewer where it ends before; -1 for an error. */
long read_octets(int file, void *octets, size_t size);

/* Read the 64-bit word at an offset, which somebody may be storing just now. */
bool read_word(int file, uint64_t offset, uint64_t *word);

/* Read an open file whole, check its size, digest, magic and section table. */
bool load_file(int file, const struct file_entry *entry, const char *magic,
               struct plan_file *loaded, struct trouble *trouble);

void free_file(struct plan_file *file);

/* Give the items of a section that has to be there, and their number. NULL and the trouble where
 * it is not. */
const void *find_section(const struct plan_file *file, uint32_t id, uint32_t item_size,
                         uint64_t *count, struct trouble *trouble);

#endif
