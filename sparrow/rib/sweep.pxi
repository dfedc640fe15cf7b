# The sweep of a table into intervals; a part of native.pyx.
#
# Every address is 128 bits in two words; one of IPv4 stands in the top 32. A
# block is known by its last address, as the first behind it may be outside the family.

cdef enum:
    MOST_OPEN = 192     # blocks open at once: lengths 0 to 128, and the marked ones
    MARK_ORDINARY = 0   # kinds of marked blocks, as in sparrow.policy.intervals
    MARK_SPECIAL = 1
    MARK_WRAPPED = 2


cdef struct wide:
    uint64_t high
    uint64_t low


cdef inline bint is_below(wide left, wide right) noexcept nogil:
    return left.high < right.high or (left.high == right.high and left.low < right.low)


cdef inline wide last_of(wide network, int length) noexcept nogil:
    cdef wide last
    last.high = network.high | (FULL >> length if length < 64 else 0)
    last.low = network.low | (
        FULL if length <= 64 else FULL >> (length - 64) if length < 128 else 0
    )
    return last


cdef inline wide step_up(wide address) noexcept nogil:
    cdef wide following
    following.low = address.low + 1
    following.high = address.high + (1 if following.low == 0 else 0)
    return following


cdef struct mark:
    wide network
    int length
    int kind


@final
cdef class Sweep:
    """The blocks that are open at the present address, shortest first, and the map so far."""

    cdef wide lasts[MOST_OPEN]
    cdef uint32_t open_codes[MOST_OPEN]
    cdef int open_count
    cdef uint64_t[::1] highs
    cdef uint64_t[::1] lows
    cdef uint32_t[::1] codes
    cdef Py_ssize_t count

    def __cinit__(self, Py_ssize_t room, uint32_t default):
        """Make room for `room` boundaries; `default` is the code of the whole family."""
        cdef wide zero
        zero.high = zero.low = 0
        self.highs = clone(WORDS, room, False)
        self.lows = clone(WORDS, room, False)
        self.codes = clone(HALVES, room, False)
        self.open_block(zero, 0, default)

    cdef inline int add(self, wide start, uint32_t code) except -1:
        """Begin an interval; one that changes nothing is left out."""
        cdef Py_ssize_t last = self.count - 1
        if last >= 0 and self.highs[last] == start.high and self.lows[last] == start.low:
            # A longer prefix at the same address takes the place of the shorter.
            self.count = last
            last -= 1
        if last < 0 or self.codes[last] != code:
            self.highs[self.count] = start.high
            self.lows[self.count] = start.low
            self.codes[self.count] = code
            self.count += 1
        return 0

    cdef inline int open_block(self, wide network, int length, uint32_t code) except -1:
        if self.open_count == MOST_OPEN:
            raise ValueError("the rows are not sorted, or have bits behind their lengths")
        self.lasts[self.open_count] = last_of(network, length)
        self.open_codes[self.open_count] = code
        self.open_count += 1
        return self.add(network, code)

    cdef inline int push(self, wide network, int length, uint32_t code) except -1:
        """Open the block `network/length`, closing those that ended before it."""
        self.close(network)
        return self.open_block(network, length, code)

    cdef inline int close(self, wide network) except -1:
        """Close every block that ends before `network`."""
        cdef wide last
        # The family itself ends before nothing, so it stays open.
        while self.open_count > 1 and is_below(self.lasts[self.open_count - 1], network):
            last = self.lasts[self.open_count - 1]
            self.open_count -= 1
            if is_below(last, self.lasts[self.open_count - 1]):
                self.add(step_up(last), self.open_codes[self.open_count - 1])
        return 0

    cdef int push_mark(self, mark block) except -1:
        """Open a marked block. A row of the same block is pushed behind it, and hides it."""
        cdef uint32_t around
        self.close(block.network)
        around = self.open_codes[self.open_count - 1] & ~<uint32_t>SPECIAL
        if block.kind == MARK_SPECIAL:
            around |= SPECIAL
        elif block.kind == MARK_WRAPPED:
            around = WRAPPED
        return self.open_block(block.network, block.length, around)


cdef array take_numbers(numbers):
    """Give a sequence of numbers as `array("I")`."""
    return numbers if isinstance(numbers, new_array) and numbers.typecode == "I" else new_array(
        "I", numbers
    )


cdef mark take_mark(tuple given, int bits):
    cdef mark taken
    network, length, kind = given
    network <<= 128 - bits
    taken.network.high = network >> 64
    taken.network.low = network & FULL
    taken.length = length
    taken.kind = kind
    return taken


def sweep(table not None, by_route not None, uint32_t default, list marks not None):
    """Sweep a `FamilyTable`; give the starts and codes of the intervals.

    `by_route` has the code of each route, `marks` are (network, length, kind), ascending.
    The starts are a tuple of columns: one `array("I")` for IPv4, for IPv6 two `array("Q")`,
    the upper 64 bits and the lower. The twin of `sparrow.policy.intervals.sweep`.
    """
    cdef const uint32_t[::1] codes = take_numbers(by_route)
    cdef bint is_v4 = table.family == 4
    cdef const uint8_t[::1] lengths = table.lengths
    cdef const uint32_t[::1] routes = table.routes
    cdef const uint32_t[::1] v4 = table.networks[0] if is_v4 else None
    cdef const uint64_t[::1] highs = None if is_v4 else table.networks[0]
    cdef const uint64_t[::1] lows = None if is_v4 else table.networks[1]
    cdef Py_ssize_t count = lengths.shape[0], row
    cdef Sweep run = Sweep(2 * (count + len(marks)) + 2, default)
    cdef wide network, wrapped_last
    cdef bint is_wrapped = False
    cdef Py_ssize_t place = 0, mark_count = len(marks)
    cdef mark ahead
    if mark_count:
        ahead = take_mark(marks[0], 32 if is_v4 else 128)
    for row in range(count):
        network.high = (<uint64_t>v4[row]) << 32 if is_v4 else highs[row]
        network.low = 0 if is_v4 else lows[row]
        while place < mark_count and not is_behind(&ahead, network, lengths[row]):
            run.push_mark(ahead)
            if ahead.kind == MARK_WRAPPED:
                wrapped_last, is_wrapped = last_of(ahead.network, ahead.length), True
            place += 1
            if place < mark_count:
                ahead = take_mark(marks[place], 32 if is_v4 else 128)
        if not is_wrapped or is_below(wrapped_last, network):
            run.push(network, lengths[row], codes[routes[row]])
    while place < mark_count:
        run.push_mark(take_mark(marks[place], 32 if is_v4 else 128))
        place += 1
    network.high, network.low = FULL, FULL
    run.close(network)
    return finish(run, is_v4)


cdef inline bint is_behind(const mark *block, wide network, int length) noexcept nogil:
    """Tell whether a marked block comes after `network/length`."""
    return is_below(network, block.network) or (
        not is_below(block.network, network) and length < block.length
    )


cdef tuple finish(Sweep run, bint is_v4):
    cdef array codes = clone(HALVES, run.count, False)
    cdef array starts, lows
    cdef uint32_t[::1] out_codes = codes
    cdef uint32_t[::1] out_starts
    cdef uint64_t[::1] out_highs
    cdef uint64_t[::1] out_lows
    cdef Py_ssize_t place
    for place in range(run.count):
        out_codes[place] = run.codes[place]
    if not is_v4:
        starts, lows = clone(WORDS, run.count, False), clone(WORDS, run.count, False)
        out_highs, out_lows = starts, lows
        for place in range(run.count):
            out_highs[place] = run.highs[place]
            out_lows[place] = run.lows[place]
        return (starts, lows), codes
    starts = clone(HALVES, run.count, False)
    out_starts = starts
    for place in range(run.count):
        out_starts[place] = <uint32_t>(run.highs[place] >> 32)
    return (starts,), codes
