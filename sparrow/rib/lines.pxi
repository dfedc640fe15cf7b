# Lines of route files, read a block at a time; a part of native.pyx.

cdef extern from "arpa/inet.h" nogil:
    const int AF_INET6
    int inet_pton(int family, const char *text, void *address)


cdef enum:
    V6_TEXT = 45        # characters of the longest text of an IPv6 address
    SHORTEST_LINE = 7   # octets of `::/0 1` and a newline
    FIRST_SLOTS = 1024  # of a hash table; a power of two

cdef uint64_t SPREAD = 0x9E3779B97F4A7C15U  # 2^64 / golden ratio: Fibonacci hashing


cdef struct cursor:
    const uint8_t *at
    const uint8_t *end


cdef inline int look(const cursor *text) noexcept nogil:
    """Give the next octet, -1 at the end."""
    return text.at[0] if text.at < text.end else -1


cdef inline bint skip_blanks(cursor *text) noexcept nogil:
    """Step over blanks and tabs; tell whether there was one."""
    cdef const uint8_t *start = text.at
    while text.at < text.end and (text.at[0] == c" " or text.at[0] == c"\t"):
        text.at += 1
    return text.at > start


cdef inline int64_t read_number(cursor *text, int digits, int64_t most) noexcept nogil:
    """Read a decimal number without leading zeros, -1 if there is none up to `most`."""
    cdef const uint8_t *start = text.at
    cdef int64_t value = 0
    while text.at < text.end and c"0" <= text.at[0] <= c"9":
        if text.at - start == digits or (text.at > start and value == 0):
            return -1
        value = value * 10 + (text.at[0] - c"0")
        text.at += 1
    return value if text.at > start and value <= most else -1


cdef inline bint read_v4(cursor *text, uint8_t *network) noexcept nogil:
    cdef int64_t octet
    cdef int place
    for place in range(4):
        if place:
            if look(text) != c".":
                return False
            text.at += 1
        octet = read_number(text, 3, 255)
        if octet < 0:
            return False
        network[place] = <uint8_t>octet
    return True


cdef inline bint is_of_v6(uint8_t octet) noexcept nogil:
    return (
        c"0" <= octet <= c":" or c"a" <= octet <= c"f" or c"A" <= octet <= c"F" or octet == c"."
    )


cdef inline bint begins_with_v6(cursor text) noexcept nogil:
    skip_blanks(&text)
    while text.at < text.end and is_of_v6(text.at[0]) and text.at[0] != c":":
        text.at += 1
    return look(&text) == c":"


cdef inline bint read_v6(cursor *text, uint8_t *network) noexcept nogil:
    cdef char word[V6_TEXT + 1]
    cdef int length = 0
    while text.at < text.end and is_of_v6(text.at[0]):
        if length == V6_TEXT:
            return False
        word[length] = <char>text.at[0]
        length += 1
        text.at += 1
    word[length] = 0
    return inet_pton(AF_INET6, word, network) == 1


cdef inline bint has_host_bits(const uint8_t *network, int size, int length) noexcept nogil:
    """Tell whether a bit behind the first `length` of a network of `size` octets is set."""
    cdef int place = length >> 3
    if place < size and network[place] & (0xFF >> (length & 7)):
        return True
    for place in range(place + 1, size):
        if network[place]:
            return True
    return False


cdef inline bint read_prefix(
    cursor *text, uint8_t *network, uint8_t *length, int size, bint is_pfx2as
) noexcept nogil:
    """Read `address/length` or `address length`, and the blanks around it."""
    cdef int64_t number
    skip_blanks(text)
    if not (read_v4(text, network) if size == 4 else read_v6(text, network)):
        return False
    if is_pfx2as:
        if not skip_blanks(text):
            return False
    elif look(text) == c"/":
        text.at += 1
    else:
        return False
    number = read_number(text, 3, 8 * size)
    if number < 0 or has_host_bits(network, size, <int>number) or not skip_blanks(text):
        return False
    length[0] = <uint8_t>number
    return True


cdef inline bint skip_end(cursor *text) noexcept nogil:
    """Step over the end of a line and blanks before it; tell whether one is here."""
    skip_blanks(text)
    if look(text) == c"\r":
        text.at += 1
    if look(text) != c"\n":
        return False
    text.at += 1
    return True


cdef object take_text(cursor *text, bint is_pfx2as):
    """Read the route up to the end of the line as text, None where it holds anything odd."""
    cdef const uint8_t *start = text.at
    cdef const uint8_t *stop
    while text.at < text.end and (0x20 <= text.at[0] <= 0x7E or text.at[0] == c"\t"):
        if text.at[0] == c"#" or (is_pfx2as and (text.at[0] == c" " or text.at[0] == c"\t")):
            break
        text.at += 1
    stop = text.at
    if not skip_end(text):
        return None
    while stop > start and ((stop - 1)[0] == c" " or (stop - 1)[0] == c"\t"):
        stop -= 1
    return PyUnicode_DecodeASCII(<const char *>start, stop - start, NULL) if stop > start else None


@final
cdef class BlockReader:
    """Reads the blocks of one file; the twin of `sparrow.sources.block.PureReader`."""

    cdef object _numbers
    cdef bint _is_pfx2as
    cdef Py_ssize_t _max_line
    # A hash table from AS number to route number, for routes that are one plain number:
    # the AS number in the upper half of a slot, the route number + 1 in the lower.
    cdef uint64_t[::1] _slots
    cdef int _shift
    cdef Py_ssize_t _room

    def __cinit__(self, numbers, *, bint is_pfx2as, Py_ssize_t max_line):
        """Give up lines of more than `max_line` octets."""
        self._numbers = numbers
        self._is_pfx2as = is_pfx2as
        self._max_line = max_line
        self._open_slots(FIRST_SLOTS)

    def read(self, bytes block not None):
        """Give the rows of whole lines, all of one family; None if any line is odd."""
        cdef cursor text
        text.at = <const uint8_t *>PyBytes_AS_STRING(block)
        text.end = text.at + PyBytes_GET_SIZE(block)
        cdef int size = 16 if begins_with_v6(text) else 4
        cdef Py_ssize_t room = PyBytes_GET_SIZE(block) // SHORTEST_LINE
        cdef Py_ssize_t row = 0
        cdef array networks = clone(OCTETS, size * room, False)
        cdef array lengths = clone(OCTETS, room, False)
        cdef array routes = clone(HALVES, room, False)
        cdef uint8_t length
        cdef uint8_t network[16]
        cdef const uint8_t *start
        cdef int64_t number
        while text.at < text.end:
            start = text.at
            if not read_prefix(&text, network, &length, size, self._is_pfx2as):
                return None
            number = self._number_route(&text)
            if number < 0 or text.at - start > self._max_line:
                return None
            if row == room:
                raise AssertionError("a line was shorter than any line is")
            memcpy(networks.data.as_uchars + size * row, network, size)
            lengths.data.as_uchars[row] = length
            routes.data.as_uints[row] = <uint32_t>number
            row += 1
        return (
            4 if size == 4 else 6,
            PyBytes_FromStringAndSize(networks.data.as_chars, size * row),
            PyBytes_FromStringAndSize(lengths.data.as_chars, row),
            routes[:row],
        )

    cdef int64_t _number_route(self, cursor *text) except -2:
        """Read the route of a line and the line's end; -1 where either is odd."""
        cdef cursor ahead = text[0]
        cdef int64_t asn = read_number(&ahead, 10, 0xFFFFFFFF)
        if asn >= 0 and skip_end(&ahead):
            text[0] = ahead
            return self._number_asn(<uint64_t>asn)
        route = take_text(text, self._is_pfx2as)
        return -1 if route is None else self._ask(route)

    cdef int64_t _ask(self, route) except -2:
        """Number a route given as text; -1 where it is refused."""
        cdef uint32_t number
        try:
            number = self._numbers[route]
        except InputError:
            return -1
        return number

    cdef int64_t _number_asn(self, uint64_t asn) except -2:
        """Number the route that is one AS number."""
        cdef uint64_t place = (asn * SPREAD) >> self._shift
        cdef uint64_t slot = self._slots[<Py_ssize_t>place]
        while <uint32_t>slot and slot >> 32 != asn:
            place = (place + 1) & <uint64_t>(self._slots.shape[0] - 1)
            slot = self._slots[<Py_ssize_t>place]
        if <uint32_t>slot:
            return <int64_t>(<uint32_t>slot) - 1
        cdef uint32_t number = self._numbers.number_origin(asn)
        if number < 0xFFFFFFFF:
            self._slots[<Py_ssize_t>place] = asn << 32 | (<uint64_t>number + 1)
            self._room -= 1
            if self._room == 0:
                self._grow()
        return number

    cdef int _open_slots(self, Py_ssize_t count) except -1:
        self._slots = clone(WORDS, count, True)
        self._room = count // 4 * 3
        self._shift = 64
        while count > 1:
            count >>= 1
            self._shift -= 1
        return 0

    cdef int _grow(self) except -1:
        cdef uint64_t[::1] before = self._slots
        cdef Py_ssize_t old
        cdef uint64_t place
        self._open_slots(2 * before.shape[0])
        for old in range(before.shape[0]):
            if <uint32_t>before[old] == 0:
                continue
            place = ((before[old] >> 32) * SPREAD) >> self._shift
            while <uint32_t>self._slots[<Py_ssize_t>place]:
                place = (place + 1) & <uint64_t>(self._slots.shape[0] - 1)
            self._slots[<Py_ssize_t>place] = before[old]
            self._room -= 1
        return 0
