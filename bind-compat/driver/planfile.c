/* See planfile.h. */
#include "planfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sha256.h"

#define FORMAT 1
#define ALIGNMENT 8
#define MAX_TRIES 1000 /* of a word that changes while it is read; it changes some times a second */

struct header {
    char magic[8];
    uint32_t version;
    uint32_t section_count;
    uint64_t size;
    uint64_t serial;
};

struct section {
    uint32_t id;
    uint32_t item_size;
    uint64_t offset;
    uint64_t count;
};

_Static_assert(sizeof(struct header) == 32 && sizeof(struct section) == 24, "as in the file");

int open_regular(int directory, const char *name, struct trouble *trouble)
{
    /* Neither a symbolic link nor a pipe in the place of a file leads elsewhere or blocks. */
    int file = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat found;
    if (file < 0) {
        fail(trouble, "%s: %s", name, strerror(errno));
        return -1;
    }
    if (fstat(file, &found) != 0 || !S_ISREG(found.st_mode)) {
        fail(trouble, "%s: it is not a regular file", name);
        close(file);
        return -1;
    }
    return file;
}

long read_octets(int file, void *octets, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t count = pread(file, (uint8_t *)octets + done, size - done, (off_t)done);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return -1;
        if (count == 0)
            break;
        done += (size_t)count;
    }
    return (long)done;
}

/* The word is stored by one instruction, but nobody promises that a read copies it by one: the
 * octets may be of two states. Then some of the later one were there before a second read began,
 * which so finds all of them: two reads that agree are one state. */
bool read_word(int file, uint64_t offset, uint64_t *word)
{
    uint64_t before, after = 0;
    if (pread(file, &after, sizeof(after), (off_t)offset) != sizeof(after))
        return false;
    for (int tries = 0; tries < MAX_TRIES; tries++) {
        before = after;
        if (pread(file, &after, sizeof(after), (off_t)offset) != sizeof(after))
            return false;
        if (before == after) {
            *word = after;
            return true;
        }
    }
    return false;
}

static bool check_sections(const struct plan_file *file, const char *magic,
                           struct trouble *trouble)
{
    struct header header;
    if (file->size < sizeof(header))
        return fail(trouble, "%s: it is shorter than its header", file->name);
    memcpy(&header, file->octets, sizeof(header));
    if (memcmp(header.magic, magic, sizeof(header.magic)) != 0)
        return fail(trouble, "%s: it is no plan file of kind %s", file->name, magic);
    if (header.version != FORMAT)
        return fail(trouble, "%s: it has format %u, and this driver reads %d", file->name,
                    header.version, FORMAT);
    uint64_t room = (file->size - sizeof(header)) / sizeof(struct section);
    if (header.size != file->size || header.section_count > room)
        return fail(trouble, "%s: it is not as long as it says", file->name);
    const struct section *sections = (const void *)(file->octets + sizeof(header));
    for (uint32_t at = 0; at < header.section_count; at++) {
        struct section each = sections[at];
        uint64_t octets;
        bool is_outside = __builtin_mul_overflow(each.count, each.item_size, &octets)
                          || each.offset > file->size || octets > file->size - each.offset;
        if (is_outside || each.offset % ALIGNMENT)
            return fail(trouble, "%s: section %u lies outside the file", file->name, each.id);
        for (uint32_t other = 0; other < at; other++)
            if (sections[other].id == each.id)
                return fail(trouble, "%s: it has two sections %u", file->name, each.id);
    }
    return true;
}

static bool read_whole(int file, struct plan_file *loaded, struct trouble *trouble)
{
    struct stat found;
    if (fstat(file, &found) != 0 || (uint64_t)found.st_size != loaded->size || !loaded->size)
        return fail(trouble, "%s: it is not of the %zu octets that current says", loaded->name,
                    loaded->size);
    loaded->octets = malloc(loaded->size);
    if (!loaded->octets)
        return fail(trouble, "%s: no memory for its %zu octets", loaded->name, loaded->size);
    if (read_octets(file, loaded->octets, loaded->size) != (long)loaded->size)
        return fail(trouble, "%s: it cannot be read whole", loaded->name);
    return true;
}

static bool check_digest(const struct plan_file *file, const char *sha256, struct trouble *trouble)
{
    char digits[2 * SHA256_SIZE + 1];
    if (!*sha256)
        return true;
    sha256_hex(file->octets, file->size, digits);
    return strcmp(digits, sha256) == 0
           || fail(trouble, "%s: its digest is not the one that current names", file->name);
}

bool load_file(int file, const struct file_entry *entry, const char *magic,
               struct plan_file *loaded, struct trouble *trouble)
{
    *loaded = (struct plan_file){.size = entry->size, .name = entry->name};
    if (read_whole(file, loaded, trouble) && check_digest(loaded, entry->sha256, trouble)
        && check_sections(loaded, magic, trouble))
        return true;
    free_file(loaded);
    return false;
}

void free_file(struct plan_file *file)
{
    free(file->octets);
    file->octets = NULL;
}

const void *find_section(const struct plan_file *file, uint32_t id, uint32_t item_size,
                         uint64_t *count, struct trouble *trouble)
{
    const struct header *header = (const void *)file->octets;
    const struct section *sections = (const void *)(file->octets + sizeof(*header));
    for (uint32_t at = 0; at < header->section_count; at++) {
        if (sections[at].id != id || sections[at].item_size != item_size)
            continue;
        *count = sections[at].count;
        return file->octets + sections[at].offset;
    }
    fail(trouble, "%s: it lacks section %u with items of %u", file->name, id, item_size);
    return NULL;
}
