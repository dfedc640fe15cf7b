# The walk through a row of a table that GoBGP lists; a part of native.pyx.
#
# Wire types and varints are those of protobuf (protobuf.dev, "Encoding"); the numbers of
# fields are those of `sparrow.feeds.gobgpwire`. A message that is odd in any way, such as
# a field of another type than expected, ends the walk, and the pure decoder judges it.

cdef enum:
    TAG_BITS = 28           # of tags and sizes: four octets
    VALUE_BITS = 63         # of values: nine octets
    VARINT = 0
    FIXED64 = 1
    OCTETS_FOLLOW = 2
    FIXED32 = 5
    AS_PATH = 2             # type of the attribute (RFC 4271 section 4.3)
    EXTENDED_LENGTH = 0x10  # flag of an attribute


cdef struct span:
    const uint8_t *at
    const uint8_t *stop


cdef struct field:
    uint64_t number
    int kind
    uint64_t value  # of a varint
    span inside     # of octets


cdef struct listed:
    bint is_best
    span nlri
    span path


cdef bint read_varint(span *rest, uint64_t *value, int bits) noexcept nogil:
    """Take a varint of at most `bits` bits off `rest`; False where it is longer or cut off."""
    cdef int shift
    cdef uint8_t octet
    value[0] = 0
    for shift in range(0, bits, 7):
        if rest.at == rest.stop:
            return False
        octet = rest.at[0]
        rest.at += 1
        value[0] |= <uint64_t>(octet & 0x7F) << shift
        if not octet & 0x80:
            return True
    return False


cdef bint read_field(span *rest, field *found) noexcept nogil:
    """Take the next field off `rest`; False where it is odd."""
    cdef uint64_t tag, size = 0
    if not read_varint(rest, &tag, TAG_BITS):
        return False
    found.number = tag >> 3
    found.kind = tag & 7
    if found.number == 0:
        return False
    if found.kind == VARINT:
        return read_varint(rest, &found.value, VALUE_BITS)
    if found.kind == OCTETS_FOLLOW:
        if not read_varint(rest, &size, TAG_BITS):
            return False
    elif found.kind == FIXED64 or found.kind == FIXED32:
        size = 8 if found.kind == FIXED64 else 4
    else:
        return False
    if size > <uint64_t>(rest.stop - rest.at):
        return False
    found.inside.at = rest.at
    rest.at += size
    found.inside.stop = rest.at
    return True


cdef bint is_ascii(span text) noexcept nogil:
    while text.at < text.stop:
        if text.at[0] & 0x80:
            return False
        text.at += 1
    return True


cdef bint read_attribute(span octets, listed *path) noexcept nogil:
    """Note the value of the first AS_PATH; False where an attribute has no header."""
    cdef Py_ssize_t header
    if path.path.at != NULL:
        return True
    if octets.stop - octets.at < 2:
        return False
    if octets.at[1] == AS_PATH:
        header = 4 if octets.at[0] & EXTENDED_LENGTH else 3
        if octets.stop - octets.at <= header:
            return False
        path.path.at = octets.at + header
        path.path.stop = octets.stop
    return True


cdef bint read_path(span rest, listed *path) noexcept nogil:
    cdef field found
    path.is_best = False
    path.nlri.at = path.nlri.stop = path.path.at = path.path.stop = NULL
    while rest.at < rest.stop:
        if not read_field(&rest, &found):
            return False
        if found.number == 4:
            if found.kind != VARINT:
                return False
            path.is_best = found.value != 0
        elif found.number == 20 or found.number == 21:
            if found.kind != OCTETS_FOLLOW:
                return False
            if found.number == 20:
                path.nlri = found.inside
            elif not read_attribute(found.inside, path):
                return False
    return True


cdef bint read_destination(span rest, listed *chosen, bint is_any) noexcept nogil:
    """Find the first path that counts, and walk through all of them."""
    cdef field found
    cdef listed path
    while rest.at < rest.stop:
        if not read_field(&rest, &found):
            return False
        if found.number > 2:
            continue
        if found.kind != OCTETS_FOLLOW:
            return False
        if found.number == 1:
            if not is_ascii(found.inside):
                return False
            continue
        if not read_path(found.inside, &path):
            return False
        if chosen.nlri.at == NULL and (path.is_best or is_any):
            if path.nlri.at == NULL or path.path.at == NULL:
                return False
            chosen[0] = path
    return chosen.nlri.at != NULL


def find_listed(bytes message not None, int size, *, bint is_any):
    """Give packed network, length and AS_PATH of the path of a listed row that counts.

    `size` is that of an address in octets; with `is_any` the first path counts, and the
    best one otherwise. None where that is left to the pure code, which is
    `sparrow.feeds.gobgppaths.PathDecoder`.
    """
    cdef span rest
    cdef field found
    cdef listed chosen
    cdef Py_ssize_t octets
    cdef uint8_t length
    cdef uint8_t network[16]
    rest.at = <const uint8_t *>PyBytes_AS_STRING(message)
    rest.stop = rest.at + PyBytes_GET_SIZE(message)
    chosen.is_best = False
    chosen.nlri.at = chosen.nlri.stop = chosen.path.at = chosen.path.stop = NULL
    # Two destinations would be merged into one by protobuf, so they are odd.
    if not read_field(&rest, &found) or found.number != 1 or found.kind != OCTETS_FOLLOW:
        return None
    if rest.at != rest.stop or not read_destination(found.inside, &chosen, is_any):
        return None
    octets = chosen.nlri.stop - chosen.nlri.at - 1
    if octets < 0 or size > 16:
        return None
    length = chosen.nlri.at[0]
    if length > 8 * size or octets != (length + 7) // 8:
        return None
    memset(network, 0, 16)
    memcpy(network, chosen.nlri.at + 1, octets)
    if length & 7:
        network[octets - 1] &= 0xFF << (8 - (length & 7)) & 0xFF
    return (
        PyBytes_FromStringAndSize(<char *>network, size),
        length,
        PyBytes_FromStringAndSize(<char *>chosen.path.at, chosen.path.stop - chosen.path.at),
    )
