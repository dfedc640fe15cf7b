# Maps laid over each other, and sites put in order for what comes of it; a part of native.pyx.

from libc.math cimport isnan


@final
cdef class Starts:
    """The first addresses of intervals, of either family."""

    cdef bint is_v4
    cdef const uint32_t[::1] v4
    cdef const uint64_t[::1] highs
    cdef const uint64_t[::1] lows
    cdef Py_ssize_t count

    def __cinit__(self, tuple columns not None):
        self.is_v4 = len(columns) == 1
        if self.is_v4:
            (self.v4,) = columns
            self.count = self.v4.shape[0]
        else:
            self.highs, self.lows = columns
            self.count = self.highs.shape[0]
            if self.lows.shape[0] != self.count:
                raise ValueError("each start has one lower word")

    cdef inline int compare(self, Py_ssize_t place, Starts other, Py_ssize_t at) except -2:
        """Give -1, 0 or 1: a start is below, equal to or above one of other intervals."""
        if self.is_v4:
            return (self.v4[place] > other.v4[at]) - (self.v4[place] < other.v4[at])
        if self.highs[place] != other.highs[at]:
            return -1 if self.highs[place] < other.highs[at] else 1
        return (self.lows[place] > other.lows[at]) - (self.lows[place] < other.lows[at])


@final
cdef class PairNumbers:
    """Numbers pairs of codes in the order in which they come: a table of open addresses."""

    cdef array pairs
    cdef array slots
    cdef uint64_t[::1] kept
    cdef uint32_t[::1] numbers
    cdef uint64_t mask
    cdef Py_ssize_t count

    def __cinit__(self):
        self.resize(1024)

    cdef int resize(self, Py_ssize_t slots) except -1:
        """Make room for half as many pairs as there are slots."""
        cdef array pairs = clone(WORDS, slots // 2, False)
        cdef uint64_t[::1] kept = pairs
        cdef Py_ssize_t number
        for number in range(self.count):
            kept[number] = self.kept[number]
        self.pairs, self.kept = pairs, kept
        self.slots = clone(HALVES, slots, True)
        self.numbers = self.slots
        self.mask = slots - 1
        for number in range(self.count):
            self.numbers[self.find_slot(self.kept[number])] = <uint32_t>(number + 1)
        return 0

    cdef inline Py_ssize_t find_slot(self, uint64_t pair) except -1:
        """Give the slot of a pair, or the free one where it belongs."""
        cdef uint64_t place = pair * <uint64_t>0x9E3779B97F4A7C15
        place = (place ^ place >> 32) & self.mask
        while self.numbers[place] and self.kept[self.numbers[place] - 1] != pair:
            place = place + 1 & self.mask
        return place

    cdef inline int64_t number(self, uint64_t pair) except -1:
        """Give the number of a pair, which is the next one where it is new."""
        cdef Py_ssize_t slot = self.find_slot(pair)
        if self.numbers[slot]:
            return self.numbers[slot] - 1
        if 2 * self.count >= self.numbers.shape[0]:
            self.resize(4 * self.count)
            slot = self.find_slot(pair)
        self.kept[self.count] = pair
        self.count += 1
        self.numbers[slot] = <uint32_t>self.count
        return self.count - 1


def combine(tuple starts not None, const uint32_t[::1] codes,
            tuple other_starts not None, const uint32_t[::1] other_codes):
    """Lay two maps of one family over each other.

    Gives starts and codes of the intervals in which neither changes, where a code is the
    number of a pair of codes; and the pairs, `array("Q")`, the first map's code in the upper
    half, in the order in which they come. Both maps begin at the first address. The twin of
    `sparrow.policy.atlas.combine`.
    """
    cdef Starts ours = Starts(starts), theirs = Starts(other_starts)
    if ours.is_v4 != theirs.is_v4:
        raise ValueError("maps of two families have nothing in common")
    if not ours.count or not theirs.count:
        raise ValueError("a map has at least one interval")
    if ours.count != codes.shape[0] or theirs.count != other_codes.shape[0]:
        raise ValueError("each start has one code")
    cdef Py_ssize_t room = ours.count + theirs.count
    cdef array kept = clone(HALVES, room, False)
    cdef array given = clone(HALVES, room, False)
    cdef uint32_t[::1] rows = kept
    cdef uint32_t[::1] out = given
    cdef Py_ssize_t at = 0, other = 0, count = 0, row = 0
    cdef PairNumbers known = PairNumbers()
    cdef uint64_t pair, last = 0
    cdef int order
    while True:
        pair = (<uint64_t>codes[at]) << 32 | other_codes[other]
        if count == 0 or pair != last:
            # A row below the count of ours is one of ours; the others lie behind them.
            rows[count] = <uint32_t>row
            out[count] = <uint32_t>known.number(pair)
            last = pair
            count += 1
        if at + 1 == ours.count and other + 1 == theirs.count:
            break
        if at + 1 == ours.count:
            order = 1
        elif other + 1 == theirs.count:
            order = -1
        else:
            order = ours.compare(at + 1, theirs, other + 1)
        at += order <= 0
        other += order >= 0
        row = at if order <= 0 else ours.count + other
    joined = tuple([
        pick_either(column, other_column, kept[:count])
        for column, other_column in zip(starts, other_starts)
    ])
    return joined, given[:count], known.pairs[:known.count]


def pick_either(word[::1] column, word[::1] other, const uint32_t[::1] rows):
    """Give the items of these rows of two columns, one behind the other."""
    cdef array picked = clone(HALVES if word is uint32_t else WORDS, rows.shape[0], False)
    cdef word[::1] out = picked
    cdef Py_ssize_t place, count = column.shape[0]
    for place in range(rows.shape[0]):
        out[place] = column[rows[place]] if rows[place] < count else other[rows[place] - count]
    return picked


def relabel(tuple starts not None, const uint32_t[::1] codes, by_code not None):
    """Replace every code of intervals by `by_code[code]`, and join neighbours that become equal.

    Takes and gives starts as `sweep` does, and codes. The twin of `Intervals.relabel`.
    """
    cdef const uint32_t[::1] labels = take_numbers(by_code)
    cdef array kept = clone(HALVES, codes.shape[0], False)
    cdef array given = clone(HALVES, codes.shape[0], False)
    cdef uint32_t[::1] rows = kept
    cdef uint32_t[::1] out = given
    cdef Py_ssize_t place, count = 0
    cdef uint32_t label
    for place in range(codes.shape[0]):
        label = labels[codes[place]]
        if count == 0 or out[count - 1] != label:
            rows[count] = <uint32_t>place
            out[count] = label
            count += 1
    return tuple([pick(column, kept[:count]) for column in starts]), given[:count]


def code_rows(tuple starts not None, const uint32_t[::1] codes, table not None):
    """Give for each row of a `FamilyTable` the code of its first address, as `array("I")`."""
    cdef Starts map_starts = Starts(starts)
    cdef Starts rows = Starts(table.networks)
    if map_starts.is_v4 != rows.is_v4 or map_starts.count != codes.shape[0]:
        raise ValueError("the map and the table are not of one family")
    cdef array found = clone(HALVES, rows.count, False)
    cdef uint32_t[::1] out = found
    cdef Py_ssize_t row, place = 0
    for row in range(rows.count):
        while place + 1 < map_starts.count and map_starts.compare(place + 1, rows, row) <= 0:
            place += 1
        out[row] = codes[place]
    return found


# The order of sites.

cdef enum:
    BLOCK = 1024            # cells that are looked at together
    ROOT = 0xFFFFFFFF       # stands before the first place of an order

cdef array FIGURES = new_array("d")


@final
cdef class Ranker:
    """Puts sites in order, cell by cell, as `sparrow.policy.ranking` defines it.

    Sites are counted among those that take part, `steps` in the order in which they count.
    """

    cdef Py_ssize_t sites
    cdef Py_ssize_t steps
    cdef double[::1] margins
    cdef double[::1] figures    # by step, site and cell of a block
    cdef uint8_t[::1] groups    # by site and cell of a block
    cdef uint8_t[::1] is_left
    cdef uint8_t[::1] is_placed
    cdef PairNumbers orders

    def __cinit__(self, Py_ssize_t sites, list margins not None):
        self.sites, self.steps = sites, len(margins)
        self.margins = new_array("d", margins) if margins else new_array("d", (0.0,))
        self.figures = clone(FIGURES, max(self.steps, 1) * sites * BLOCK, True)
        self.groups = clone(OCTETS, sites * BLOCK, True)
        self.is_left = clone(OCTETS, sites, True)
        self.is_placed = clone(OCTETS, sites, True)
        self.orders = PairNumbers()

    cdef int gather(self, Py_ssize_t place, source, Py_ssize_t start, Py_ssize_t count) except -1:
        """Take the figures of one step and site where there are none yet."""
        cdef const uint32_t[::1] column = source.column
        cdef const double[::1] table = source.figures
        cdef Py_ssize_t cell
        cdef double[::1] out = self.figures
        for cell in range(count):
            if isnan(out[place + cell]):
                out[place + cell] = table[column[start + cell]]
        return 0

    cdef int clear(self, Py_ssize_t place, Py_ssize_t count) except -1:
        cdef double[::1] out = self.figures
        cdef Py_ssize_t cell
        for cell in range(count):
            out[place + cell] = float("nan")
        return 0

    cdef int group(self, Py_ssize_t site, source, Py_ssize_t start, Py_ssize_t count) except -1:
        """Take the group of one site: who is in a lower one comes first."""
        cdef uint8_t base = source.base
        cdef const uint32_t[::1] column
        cdef const uint8_t[::1] table
        cdef Py_ssize_t cell
        if source.column is None:
            for cell in range(count):
                self.groups[site * BLOCK + cell] = base + 1
            return 0
        column, table = source.column, source.is_routed
        for cell in range(count):
            self.groups[site * BLOCK + cell] = base + (0 if table[column[start + cell]] else 1)
        return 0

    cdef bint has_route(self, Py_ssize_t cell) except -1:
        """Tell whether any site has a route; the groups of those that have are even."""
        cdef Py_ssize_t site
        for site in range(self.sites):
            if not self.groups[site * BLOCK + cell] & 1:
                return True
        return False

    cdef int stand(self, Py_ssize_t cell) except -1:
        """Let those stand for a place who are in the lowest group that has any left."""
        cdef uint8_t lowest = 255, found
        cdef Py_ssize_t site
        for site in range(self.sites):
            found = self.groups[site * BLOCK + cell]
            if not self.is_placed[site] and found < lowest:
                lowest = found
        for site in range(self.sites):
            found = self.groups[site * BLOCK + cell]
            self.is_left[site] = not self.is_placed[site] and found == lowest
        return 0

    cdef int compare(self, Py_ssize_t step, Py_ssize_t cell) except -1:
        """Put out whoever one step puts out; give how many are left."""
        cdef Py_ssize_t site, place, left = 0
        cdef double lowest = float("inf")
        cdef bint has_any = False
        for site in range(self.sites):
            place = (step * self.sites + site) * BLOCK + cell
            if self.is_left[site] and not isnan(self.figures[place]):
                has_any = True
                if self.figures[place] < lowest:
                    lowest = self.figures[place]
        lowest += self.margins[step]
        for site in range(self.sites):
            place = (step * self.sites + site) * BLOCK + cell
            if has_any and self.is_left[site] and self.figures[place] > lowest:
                self.is_left[site] = 0
            left += self.is_left[site]
        return <int>left

    cdef Py_ssize_t find_winner(self, Py_ssize_t cell) except -1:
        cdef Py_ssize_t step, site
        for step in range(self.steps):
            if self.compare(step, cell) == 1:
                break
        for site in range(self.sites):
            if self.is_left[site]:
                return site
        raise ValueError("nobody stands for a place")


def rank_cells(Py_ssize_t cells, list sites not None, list steps not None, int depth):
    """Rank sites for every cell.

    `sites` has an object for each with `base` (2 where it comes last, else 0), and `column`
    and `is_routed`: codes by cell, and by code whether the site has a route; a column of
    None where it has none anywhere. `steps` are pairs of a margin and, for each site, a list
    of sources: `column`, codes by cell, and `figures`, by code, where NaN is unknown; the
    first one that knows counts.

    Gives by cell the number of an order; the orders, `array("Q")`, the number of the order
    without its last place in the upper half, or 2**32 - 1, and in the lower half the place
    in `sites` of that last one; and by cell whether any of the sites has a route,
    `array("B")`. The twin of `sparrow.policy.ranking.rank_some`.
    """
    cdef Ranker run = Ranker(len(sites), [margin for margin, _ in steps])
    cdef array given = clone(HALVES, cells, False)
    cdef array routed = clone(OCTETS, cells, False)
    cdef uint32_t[::1] out = given
    cdef uint8_t[::1] is_routed = routed
    cdef Py_ssize_t start, count, cell, site, step, place
    cdef uint64_t order
    for start in range(0, cells, BLOCK):
        count = min(<Py_ssize_t>BLOCK, cells - start)
        for site in range(run.sites):
            run.group(site, sites[site], start, count)
            for step in range(run.steps):
                place = (step * run.sites + site) * BLOCK
                run.clear(place, count)
                for source in steps[step][1][site]:
                    run.gather(place, source, start, count)
        for cell in range(count):
            order = ROOT
            for site in range(run.sites):
                run.is_placed[site] = 0
            for place in range(min(<Py_ssize_t>depth, run.sites)):
                run.stand(cell)
                site = run.find_winner(cell)
                run.is_placed[site] = 1
                order = run.orders.number(order << 32 | <uint64_t>site)
            is_routed[start + cell] = run.has_route(cell)
            out[start + cell] = <uint32_t>order
    return given, run.orders.pairs[:run.orders.count], routed
