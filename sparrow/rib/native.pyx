# cython: language_level=3, boundscheck=True, wraparound=False
# cython: cdivision=True, initializedcheck=False
"""The fast twin of all that is done to each line and each row of a table.

Law: it gives what the pure code gives, or gives up a block of lines as odd and leaves
that to the pure code; nothing is read or written but behind a check of its bounds.
Start from `BlockReader` and `sweep`; `sparrow.sources.block` and
`sparrow.policy.intervals` define both.
"""

from cython cimport final
from cpython.array cimport array, clone
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_DecodeASCII
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset

from array import array as new_array

from sparrow.errors import InputError


cdef enum:
    SPECIAL = 1 << 16  # flags of a code, as in sparrow.policy.intervals
    WRAPPED = 1 << 17

cdef uint64_t FULL = ~(<uint64_t>0)

cdef array OCTETS = new_array("B")
cdef array HALVES = new_array("I")
cdef array WORDS = new_array("Q")

include "lines.pxi"
include "sweep.pxi"
include "listed.pxi"


# Rows.

def is_ascending(bytes networks not None, bytes lengths not None):
    """Tell whether packed rows are strictly ascending by (network, length)."""
    cdef Py_ssize_t count = PyBytes_GET_SIZE(lengths)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(networks) // count if count else 0
    cdef const char *network = PyBytes_AS_STRING(networks)
    cdef const uint8_t *length = <const uint8_t *>PyBytes_AS_STRING(lengths)
    cdef Py_ssize_t row
    cdef int order
    # size * count is at most the length of `networks`, whatever was given.
    for row in range(1, count):
        order = memcmp(network + size * (row - 1), network + size * row, size)
        if order > 0 or (order == 0 and length[row - 1] >= length[row]):
            return False
    return True


@final
cdef class Keys:
    """What the rows of a table are sorted by."""

    cdef bint is_v4
    cdef const uint32_t[::1] v4
    cdef const uint64_t[::1] highs
    cdef const uint64_t[::1] lows
    cdef const uint8_t[::1] lengths

    def __cinit__(self, table):
        self.lengths = table.lengths
        self.is_v4 = table.family == 4
        if self.is_v4:
            self.v4 = table.networks[0]
        else:
            self.highs, self.lows = table.networks

    cdef inline int compare(self, Py_ssize_t row, Keys other, Py_ssize_t other_row) except -2:
        """Give -1, 0 or 1: a row comes before a row of another table, is equal, comes behind."""
        if self.is_v4:
            if self.v4[row] != other.v4[other_row]:
                return -1 if self.v4[row] < other.v4[other_row] else 1
        else:
            if self.highs[row] != other.highs[other_row]:
                return -1 if self.highs[row] < other.highs[other_row] else 1
            if self.lows[row] != other.lows[other_row]:
                return -1 if self.lows[row] < other.lows[other_row] else 1
        return (self.lengths[row] > other.lengths[other_row]) - (
            self.lengths[row] < other.lengths[other_row]
        )


def settle(table not None):
    """Sort the rows of a `FamilyTable` that has at least one; of equal prefixes the last stays.

    Gives the row numbers that stay, in their order, as `array("I")`, and an `array("Q")`
    with the numbers of each row that goes (lower half) and of the next row with the same
    prefix (upper half). The twin of the sort in `sparrow.rib.snapshot`.
    """
    cdef Keys keys = Keys(table)
    cdef array order = sort_rows(keys)
    cdef uint32_t[::1] rows = order
    cdef Py_ssize_t count = rows.shape[0], stays = 0, place
    replaced = new_array("Q")
    for place in range(count):
        if place + 1 < count and keys.compare(rows[place], keys, rows[place + 1]) == 0:
            replaced.append(<uint64_t>rows[place + 1] << 32 | rows[place])
        else:
            rows[stays] = rows[place]
            stays += 1
    return order[:stays], replaced


cdef array sort_rows(Keys keys):
    """Merge the ascending runs that are there: tables are published sorted, so they are few."""
    cdef Py_ssize_t count = keys.lengths.shape[0], row, run
    cdef array order = clone(HALVES, count, False)
    cdef array spare = clone(HALVES, count, False)
    cdef uint32_t[::1] rows = order
    cdef list bounds = [0]
    for row in range(count):
        rows[row] = <uint32_t>row
        if row and keys.compare(row - 1, keys, row) > 0:
            bounds.append(row)
    while len(bounds) > 1:
        bounds += [count, count]
        for run in range(0, len(bounds) - 2, 2):
            merge(keys, order, spare, (bounds[run], bounds[run + 1], bounds[run + 2]))
        order, spare = spare, order
        bounds = bounds[: len(bounds) - 2 : 2]
    return order


cdef int merge(Keys keys, uint32_t[::1] rows, uint32_t[::1] out, tuple bounds) except -1:
    """Merge two runs that touch; of equal rows those of the first run come first."""
    cdef Py_ssize_t left, middle, stop, right, place
    left, middle, stop = bounds
    right = middle
    for place in range(left, stop):
        if left < middle and (right == stop or keys.compare(rows[left], keys, rows[right]) <= 0):
            out[place] = rows[left]
            left += 1
        else:
            out[place] = rows[right]
            right += 1
    return 0


ctypedef fused word:
    uint32_t
    uint64_t


ctypedef fused item:
    uint8_t
    uint32_t
    uint64_t


def pick(item[::1] column, const uint32_t[::1] rows):
    """Give the items of these rows as an array of the same type."""
    cdef array template = OCTETS if item is uint8_t else HALVES if item is uint32_t else WORDS
    cdef array picked = clone(template, rows.shape[0], False)
    cdef item[::1] out = picked
    cdef Py_ssize_t place
    for place in range(rows.shape[0]):
        out[place] = column[rows[place]]
    return picked


def diff(old not None, new not None, const uint32_t[::1] numbers):
    """Give the rows of `old` that went, and those of `new` that came or have another route.

    Both are a `FamilyTable` of one family, both results `array("I")`; `numbers` has the
    old number of each new route. The twin of the comparison in `sparrow.rib.delta`.
    """
    if old.family != new.family:
        raise ValueError("tables of two families have nothing in common")
    cdef Keys before = Keys(old), after = Keys(new)
    cdef const uint32_t[::1] old_routes = old.routes
    cdef const uint32_t[::1] new_routes = new.routes
    cdef Py_ssize_t old_count = before.lengths.shape[0], new_count = after.lengths.shape[0]
    cdef array gone = clone(HALVES, old_count, False)
    cdef array come = clone(HALVES, new_count, False)
    cdef uint32_t[::1] went = gone
    cdef uint32_t[::1] came = come
    cdef Py_ssize_t old_row = 0, new_row = 0, went_count = 0, came_count = 0
    cdef int order
    while old_row < old_count or new_row < new_count:
        if old_row == old_count:
            order = 1
        elif new_row == new_count:
            order = -1
        else:
            order = before.compare(old_row, after, new_row)
        if order < 0:
            went[went_count] = <uint32_t>old_row
            went_count += 1
        elif order > 0 or old_routes[old_row] != numbers[new_routes[new_row]]:
            came[came_count] = <uint32_t>new_row
            came_count += 1
        old_row += order <= 0
        new_row += order >= 0
    return gone[:went_count], come[:came_count]


def lay_over(below not None, above not None):
    """Give the rows that stay when a `FamilyTable` is laid over another, as `array("I")`.

    Rows of `below` are counted from 0 and those of `above` behind them; of equal prefixes
    the one of `above` stays. The twin of the merge in `sparrow.rib.overlay`.
    """
    if below.family != above.family:
        raise ValueError("tables of two families have nothing in common")
    cdef Keys low = Keys(below), high = Keys(above)
    cdef Py_ssize_t low_count = low.lengths.shape[0], high_count = high.lengths.shape[0]
    cdef array merged = clone(HALVES, low_count + high_count, False)
    cdef uint32_t[::1] rows = merged
    cdef Py_ssize_t low_row = 0, high_row = 0, count = 0
    cdef int order
    while low_row < low_count or high_row < high_count:
        if low_row == low_count:
            order = 1
        elif high_row == high_count:
            order = -1
        else:
            order = low.compare(low_row, high, high_row)
        rows[count] = <uint32_t>(low_row if order < 0 else low_count + high_row)
        count += 1
        low_row += order <= 0
        high_row += order >= 0
    return merged[:count]


# Intervals.

def project(tuple starts not None, const uint32_t[::1] codes, by_class not None):
    """Replace the class numbers of intervals, and join neighbours that become equal.

    Takes and gives starts as `sweep` does, and codes. The twin of `Intervals.project`.
    """
    cdef const uint32_t[::1] classes = take_numbers(by_class)
    cdef array kept = clone(HALVES, codes.shape[0], False)
    cdef array projected = clone(HALVES, codes.shape[0], False)
    cdef uint32_t[::1] rows = kept
    cdef uint32_t[::1] out = projected
    cdef Py_ssize_t place, count = 0
    cdef uint32_t code
    for place in range(codes.shape[0]):
        code = codes[place]
        if not code & WRAPPED:
            code = classes[code & (SPECIAL - 1)] | (code & SPECIAL)
        if count == 0 or out[count - 1] != code:
            rows[count] = <uint32_t>place
            out[count] = code
            count += 1
    return tuple([pick(column, kept[:count]) for column in starts]), projected[:count]


def build_index(const word[::1] starts, uint64_t first, int shift, Py_ssize_t items):
    """Give for each block `first + (b << shift)` the number of starts below it, `items` in all.

    `starts` ascend. The twin of the index in `sparrow.plan.maps`.
    """
    cdef array index = clone(HALVES, items, False)
    cdef uint32_t[::1] out = index
    cdef Py_ssize_t place, filled = 0
    cdef uint64_t block
    for place in range(starts.shape[0]):
        if starts[place] < first:
            continue
        # No start lay in the blocks from here to this one's, which begins it.
        block = (starts[place] - first) >> shift
        while filled < items and <uint64_t>filled <= block:
            out[filled] = <uint32_t>place
            filled += 1
    for filled in range(filled, items):
        out[filled] = <uint32_t>starts.shape[0]
    return index


def ascends(const word[::1] starts, const uint64_t[::1] lows=None):
    """Tell whether starts strictly ascend; `lows` are their lower words, where they have any."""
    cdef Py_ssize_t place
    if lows is not None and lows.shape[0] != starts.shape[0]:
        raise ValueError("each start has one lower word")
    for place in range(1, starts.shape[0]):
        if starts[place - 1] > starts[place]:
            return False
        if starts[place - 1] == starts[place]:
            if lows is None or lows[place - 1] >= lows[place]:
                return False
    return True


def neighbours_differ(const uint32_t[::1] codes):
    """Tell whether no two neighbours are equal."""
    cdef Py_ssize_t place
    for place in range(1, codes.shape[0]):
        if codes[place - 1] == codes[place]:
            return False
    return True


def list_distinct(const uint32_t[::1] codes):
    """Give the set of codes."""
    cdef array seen = clone(OCTETS, 1 << 18, True)  # as many as there are classes and flags
    cdef uint8_t[::1] marks = seen
    cdef set found = set()
    cdef Py_ssize_t place
    cdef uint32_t code
    for place in range(codes.shape[0]):
        code = codes[place]
        if code >= <uint32_t>marks.shape[0]:
            found.add(code)
        elif not marks[code]:
            marks[code] = 1
            found.add(code)
    return found


# Maps over each other.

include "cells.pxi"
