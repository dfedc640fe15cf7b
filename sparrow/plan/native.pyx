# cython: language_level=3, boundscheck=False, wraparound=False
"""The fast twin: answers from a mapped plan, and the UDP loop around that.

Law: this module translates between Python's values and the C of its headers, and does
nothing else: `answer.h` has the answers, `loop.h` the loop. Start from `Responder` and
`UdpLoop`; `sparrow.plan.pure` and `sparrow.plan.pureloop` define both.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyObject, PyTypeObject
from cpython.ref cimport Py_INCREF
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free

import os
from types import MemberDescriptorType

from sparrow.plan.pure import MISS, Answered
from sparrow.plan.udp import Missed


cdef enum:
    BLOCK = 64  # words of a block of counters (docs/counters.md)


cdef extern from "loop.h" nogil:
    const uint32_t NOWHERE
    const int MIN_PAYLOAD
    const int TCP_LIMIT

    enum verdict:
        ANSWERED
        MISSED
        SILENT

    struct map_file "map":
        const uint64_t *v4_words
        const uint32_t *v4_index
        const uint64_t *v6_high
        const uint64_t *v6_low
        const uint32_t *v6_codes
        const uint32_t *v6_index
        uint32_t v4_count
        uint32_t v6_count

    struct node:
        pass
    struct table:
        pass
    struct entry:
        pass
    struct body:
        pass
    struct slot:
        pass
    struct part:
        pass
    struct policy:
        pass

    struct plan_files "plan":
        uint64_t seed
        uint32_t mask
        uint32_t deepest
        uint32_t site_count
        uint32_t payload
        uint32_t nsid_length
        uint32_t secret_count
        bint has_nsid
        const uint32_t *name_slots
        const node *nodes
        const uint8_t *names
        const table *tables
        const entry *entries
        const body *bodies
        const uint8_t *bytes
        const uint16_t *fixups
        const slot *slots
        const part *parts
        const uint8_t *rdata
        const policy *policies
        const uint8_t *nsid
        const uint8_t *secrets
        const map_file *maps
        const uint64_t *words

    struct query_parts "query":
        const uint8_t *subnet

    struct exchange:
        const uint8_t *packet
        const uint8_t *source
        uint8_t *out
        uint32_t length
        uint32_t limit
        uint8_t source_length
        int verdict
        uint32_t out_length
        uint32_t site
        uint32_t policy
        uint32_t class_number
        uint8_t rcode
        query_parts query

    void answer_batch(const plan_files *, exchange *, uint32_t count, uint32_t now_s)

    struct miss:
        uint32_t length
        uint32_t name_length
        uint32_t control_length
        uint32_t source_length
        uint8_t source[16]
        uint8_t name[28]
        uint8_t control[40]
        uint8_t packet[4096]

    struct miss_ring "ring":
        pass

    struct serving:
        const plan_files *plan
        uint64_t *tallies
        uint64_t generation

    struct udp_loop:
        int fd
        const uint64_t *generation
        int notice_fd
        uint64_t served
        miss_ring ring

    struct span:
        const void *octets
        size_t length

    udp_loop *open_loop(int fd, bint has_pktinfo, uint64_t *counts, uint32_t ring_size)
    void close_loop(udp_loop *)
    int run_loop(udp_loop *)
    void stop_loop(udp_loop *)
    void set_serving(udp_loop *, serving *)
    bint is_serving(const udp_loop *, const serving *)
    const miss *peek_miss(miss_ring *)
    void release_miss(miss_ring *)
    void await_miss(miss_ring *, int timeout_ms)
    int send_reply(int fd, span name, span control, span wire)


cdef const void *address_of(object view) except? NULL:
    """Give where the octets of a view are; they stay there as long as the view lives."""
    cdef Py_buffer buffer
    PyObject_GetBuffer(view, &buffer, PyBUF_SIMPLE)
    cdef const void *address = buffer.buf
    PyBuffer_Release(&buffer)
    return address


cdef class Responder:
    """Answers packets from one plan. Immutable; any thread may use it."""

    cdef readonly object plan
    cdef plan_files files
    cdef map_file *maps
    cdef list views
    cdef bytes secrets
    cdef bytes nsid

    def __cinit__(self, plan):
        """Take a plan that `sparrow.plan.reader` has verified."""
        answers = plan.answers
        self.plan = plan
        # Views of our own, so that nobody unmaps a file by releasing his.
        self.views = [memoryview(plan.words), memoryview(answers.file.octets)]
        self.views += [memoryview(each.file.octets) for each in plan.maps]
        self.secrets = b"".join(answers.secrets)
        self.nsid = answers.nsid or b""
        self._set_maps(plan.maps)
        self._set_numbers(answers)
        self._set_sections(answers)
        self.files.words = <const uint64_t *>address_of(plan.words)

    def __dealloc__(self):
        free(self.maps)

    cdef _set_maps(self, maps):
        self.maps = <map_file *>calloc(len(maps) or 1, sizeof(map_file))
        if self.maps == NULL:
            raise MemoryError
        for number, each in enumerate(maps):
            self._set_map(&self.maps[<int>number], each)
        self.files.maps = self.maps

    cdef _set_map(self, map_file *target, each):
        target.v4_words = <const uint64_t *>address_of(each.v4_words)
        target.v4_index = <const uint32_t *>address_of(each.v4_index)
        target.v6_high = <const uint64_t *>address_of(each.v6_high)
        target.v6_low = <const uint64_t *>address_of(each.v6_low)
        target.v6_codes = <const uint32_t *>address_of(each.v6_codes)
        target.v6_index = <const uint32_t *>address_of(each.v6_index)
        target.v4_count = len(each.v4_words)
        target.v6_count = len(each.v6_high)

    cdef _set_numbers(self, answers):
        params = answers.params
        self.files.seed = params.hash_seed
        self.files.mask = params.slot_mask
        self.files.deepest = params.deepest
        self.files.site_count = params.site_count
        self.files.payload = params.payload
        self.files.has_nsid = answers.nsid is not None
        self.files.nsid_length = len(self.nsid)
        self.files.nsid = <const uint8_t *>PyBytes_AS_STRING(self.nsid)
        self.files.secret_count = len(answers.secrets)
        self.files.secrets = <const uint8_t *>PyBytes_AS_STRING(self.secrets)

    cdef _set_sections(self, answers):
        self.files.name_slots = <const uint32_t *>address_of(answers.name_slots)
        self.files.nodes = <const node *>address_of(answers.nodes)
        self.files.names = <const uint8_t *>address_of(answers.names)
        self.files.tables = <const table *>address_of(answers.tables)
        self.files.entries = <const entry *>address_of(answers.entries)
        self.files.bodies = <const body *>address_of(answers.bodies)
        self.files.bytes = <const uint8_t *>address_of(answers.octets)
        self.files.fixups = <const uint16_t *>address_of(answers.fixups)
        self.files.slots = <const slot *>address_of(answers.slots)
        self.files.parts = <const part *>address_of(answers.parts)
        self.files.rdata = <const uint8_t *>address_of(answers.rdata)
        self.files.policies = <const policy *>address_of(answers.policies)

    def answer(self, bytes packet not None, bytes source not None, uint32_t limit, int64_t now_s):
        """Answer a packet; see `sparrow.plan.pure.answer`."""
        cdef uint8_t out[65535]
        cdef exchange one
        if len(source) not in (4, 16) or not MIN_PAYLOAD <= limit <= TCP_LIMIT:
            raise ValueError("the source is no address, or the limit none of DNS")
        one.packet = <const uint8_t *>PyBytes_AS_STRING(packet)
        one.length = <uint32_t>PyBytes_GET_SIZE(packet)
        one.source = <const uint8_t *>PyBytes_AS_STRING(source)
        one.source_length = <uint8_t>PyBytes_GET_SIZE(source)
        one.limit = limit
        one.out = out
        answer_batch(&self.files, &one, 1, <uint32_t>now_s)
        if one.verdict == SILENT:
            return None
        return MISS if one.verdict == MISSED else answered(&one)


cdef extern from "Python.h":
    ctypedef struct PyMemberDef:
        Py_ssize_t offset

    ctypedef struct PyMemberDescrObject:
        PyMemberDef *d_member


cdef Py_ssize_t offset_of(str field) except -1:
    """Give where the slot of a field lies in an `Answered`."""
    slot = Answered.__dict__[field]
    if not isinstance(slot, MemberDescriptorType):
        raise TypeError(f"{field} is no slot")
    return (<PyMemberDescrObject *>slot).d_member.offset


cdef tuple NOTHING = ()
cdef Py_ssize_t WIRE = offset_of("wire")
cdef Py_ssize_t RCODE = offset_of("rcode")
cdef Py_ssize_t POLICY = offset_of("policy")
cdef Py_ssize_t CLASS_NUMBER = offset_of("class_number")
cdef Py_ssize_t SITE = offset_of("site")
cdef Py_ssize_t HAS_SUBNET = offset_of("has_subnet")


cdef object answered(const exchange *one):
    """Give what became of an answered packet.

    The slots of the frozen class are set where they lie: its constructor takes three times
    as long as the answer.
    """
    cdef object result = (<PyTypeObject *>Answered).tp_new(Answered, <PyObject *>NOTHING, NULL)
    cdef bint has_policy = one.policy != NOWHERE
    fill(result, WIRE, PyBytes_FromStringAndSize(<const char *>one.out, one.out_length))
    fill(result, RCODE, one.rcode)
    fill(result, POLICY, one.policy if has_policy else None)
    fill(result, CLASS_NUMBER, one.class_number if has_policy else None)
    fill(result, SITE, one.site if one.site != NOWHERE else None)
    fill(result, HAS_SUBNET, one.query.subnet != NULL)
    return result


cdef inline void fill(object result, Py_ssize_t offset, object value) noexcept:
    """Set a slot that is still empty."""
    Py_INCREF(value)
    (<PyObject **>(<char *><void *>result + offset))[0] = <PyObject *>value


cdef class _Serving:
    """A plan as a loop serves it, and what keeps its memory."""

    cdef serving c
    cdef Responder responder
    cdef uint64_t[::1] tallies


cdef class UdpLoop:
    """Serves one UDP socket on the thread that calls `serve`; see `sparrow.plan.pureloop`."""

    cdef udp_loop *loop
    cdef list served
    cdef uint64_t[::1] counts
    cdef const uint64_t[::1] number

    def __cinit__(self, endpoint, generations=None):
        """Take a `sparrow.plan.udp.Endpoint` and `Generations`; the caller closes the socket."""
        cdef Py_ssize_t base = endpoint.base
        self.served = []
        self.counts = endpoint.counts
        if not 0 <= base <= len(self.counts) - BLOCK:
            raise ValueError("the block of counters lies outside its memory")
        self.loop = open_loop(
            endpoint.fd, endpoint.has_pktinfo, &self.counts[base], endpoint.ring_size
        )
        if self.loop == NULL:
            raise MemoryError("the system has no room for a loop")
        if generations is not None:
            self.number = generations.number
            self.loop.generation = &self.number[0]
            self.loop.notice_fd = generations.notice_fd

    def __dealloc__(self):
        close_loop(self.loop)

    def publish(self, Responder responder not None, tallies=None, Py_ssize_t base=0):
        """Serve from another plan from the next batch on; from any thread."""
        cdef _Serving one = _Serving()
        cdef Py_ssize_t needed = responder.files.site_count + len(responder.plan.words)
        one.responder = responder
        one.c.plan = &responder.files
        one.c.generation = responder.plan.generation
        if tallies is not None:
            one.tallies = tallies
            if not 0 <= base <= len(one.tallies) - needed:
                raise ValueError("the tallies of the plan lie outside their memory")
            one.c.tallies = &one.tallies[base] if needed else NULL
        self.served.append(one)
        set_serving(self.loop, &one.c)
        self.served = [each for each in self.served if self._holds(each)]

    cdef bint _holds(self, _Serving one):
        return is_serving(self.loop, &one.c)

    @property
    def generation(self):
        """Number of the generation that the last batch met; 0 before the first."""
        return self.loop.served

    def serve(self):
        """Serve until `stop`, then answer what waits in the socket."""
        cdef int error
        if not self.served:
            raise ValueError("there is no plan to serve")
        with nogil:
            error = run_loop(self.loop)
        if error:
            raise OSError(error, os.strerror(error))

    def stop(self):
        """Have `serve` return; from any thread."""
        stop_loop(self.loop)

    def take_miss(self, double timeout_s):
        """Give the oldest miss, waiting for one; None where there was none in time."""
        cdef const miss *found = peek_miss(&self.loop.ring)
        cdef int timeout_ms = <int>(timeout_s * 1000)
        if found == NULL:
            with nogil:
                await_miss(&self.loop.ring, timeout_ms)
            found = peek_miss(&self.loop.ring)
        if found == NULL:
            return None
        packet = found.packet[:found.length]
        way_back = (found.name[:found.name_length], found.control[:found.control_length])
        source = found.source[:found.source_length]
        release_miss(&self.loop.ring)
        return Missed(packet, source, way_back)

    def send_miss(self, missed, bytes wire not None):
        """Send the answer to a miss; False where the system does not take it."""
        name, control = missed.way_back
        return send_reply(self.loop.fd, span_of(name), span_of(control), span_of(wire)) == 0


cdef span span_of(bytes octets) noexcept:
    """Give where octets are; they stay there as long as their object lives."""
    return span(<const void *>PyBytes_AS_STRING(octets), <size_t>PyBytes_GET_SIZE(octets))
