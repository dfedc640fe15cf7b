"""Opening a plan: what is not as the specification says is refused, and says why."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from handmade import ALIAS_OWNER, SPECIAL, WEST, WRAPPED, Draft
from packets import NOW_S
from plandirs import write_current, write_file, write_generation, write_plan

from sparrow.plan.format import OUTCOMES_MAGIC, OutcomesSection, PlanError
from sparrow.plan.pure import answer
from sparrow.plan.reader import open_plan, parse_current
from sparrow.plan.watch import PlanSource

if TYPE_CHECKING:
    from collections.abc import Callable


# A sound plan.


def test_a_sound_plan_is_taken_whole(tmp_path: Path) -> None:
    draft = Draft()
    write_plan(tmp_path, draft.files(), 9)
    plan = open_plan(tmp_path)
    assert (9, 1, 3) == (plan.generation, len(plan.maps), len(plan.words))
    answers = plan.answers
    assert draft.nodes == [list(answers.node(number)) for number in range(6)]
    assert draft.tables == [list(answers.table(number)) for number in range(7)]
    assert draft.bodies == [list(answers.body(number)) for number in range(9)]
    assert draft.slots == [list(answers.slot(number)) for number in range(2)]
    assert draft.parts == [list(answers.part(number)) for number in range(4)]
    assert draft.policies == [list(answers.policy(number)) for number in range(2)]
    assert draft.fixups == list(answers.fixups)
    assert draft.name_slots == list(answers.name_slots)
    assert (b"ns1", (draft.secrets,)) == (answers.nsid, answers.secrets)
    assert ("east", "west") == answers.meta.sites
    assert 2 == plan.maps[0].class_count


def test_nothing_mapped_can_be_written_to(tmp_path: Path) -> None:
    write_plan(tmp_path, Draft().files())
    plan = open_plan(tmp_path)
    views = (plan.words, plan.answers.octets, plan.maps[0].v4_words)
    assert [True] * 3 == [view.readonly for view in views]


def test_a_map_that_both_generations_have_is_taken_over(tmp_path: Path) -> None:
    current = write_plan(tmp_path, Draft().files())
    old = open_plan(tmp_path)
    write_current(tmp_path, current | {"generation": 2})
    new = open_plan(tmp_path, old)
    assert new.maps[0] is old.maps[0]
    assert 2 == new.generation


# The file `current`.


def sound() -> dict[str, Any]:
    digest = {"sha256": "0" * 64}
    return {
        "format": 1,
        "generation": 7,
        "answers": {"file": "answers-7", "size": 1, **digest},
        "maps": [{"file": "map-5-0", "size": 2, **digest}],
        "outcomes": {"file": "outcomes-7", "size": 3},
    }


def changed(*path: str | int, to: Any) -> bytes:
    tree: Any = sound()
    place = tree
    for key in path[:-1]:
        place = place[key]
    if to is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return json.dumps(tree).encode()


WRONG_CURRENTS = {
    "empty": b"",
    "no JSON": b"{",
    "no UTF-8": b'{"format": "\xff"}',
    "no object": b"[]",
    "deep": b"[" * 100_000,
    "another format": changed("format", to=2),
    "format true": changed("format", to=True),
    "no format": changed("format", to=...),
    "one key more": changed("more", to=1),
    "key twice": b'{"format": 1, "format": 1}',
    "no generation": changed("generation", to=...),
    "negative generation": changed("generation", to=-1),
    "generation of 65 bits": changed("generation", to=2**64),
    "generation as text": changed("generation", to="7"),
    "generation as float": changed("generation", to=7.0),
    "maps no list": changed("maps", to={}),
    "no outcomes": changed("outcomes", to=None),
    "size true": changed("outcomes", "size", to=True),
    "digest of outcomes": changed("outcomes", "sha256", to="0" * 64),
    "no digest": changed("answers", "sha256", to=...),
    "short digest": changed("answers", "sha256", to="0" * 63),
    "digest in capitals": changed("answers", "sha256", to="A" * 64),
    "digest a number": changed("answers", "sha256", to=0),
    "path": changed("answers", "file", to="../answers-7"),
    "other kind": changed("answers", "file", to="map-5-0"),
    "name with newline": changed("answers", "file", to="answers-7\n"),
    "name in other digits": changed("answers", "file", to="answers-\u0667"),
    "name a number": changed("answers", "file", to=7),
    "map without number": changed("maps", 0, "file", to="map-5"),
}


@pytest.mark.parametrize("text", WRONG_CURRENTS.values(), ids=WRONG_CURRENTS)
def test_a_wrong_current_is_refused(text: bytes) -> None:
    with pytest.raises(PlanError, match="current"):
        parse_current(text)


def test_a_sound_current_is_read() -> None:
    found = parse_current(changed("generation", to=8))
    names = [each.name for each in (found.answers, *found.maps, found.outcomes)]
    assert (8, ["answers-7", "map-5-0", "outcomes-7"]) == (found.generation, names)


# Files.


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 8)


def flip(path: Path) -> None:
    octets = bytearray(path.read_bytes())
    octets[-1] ^= 1
    path.write_bytes(octets)


def link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


HARMS = [
    (truncate, "octets, and current says"),
    (flip, "digest"),
    (link, "a symbolic link, not a regular file"),
    (pipe, "a named pipe, not a regular file"),
    (folder, "Is a directory"),
    (Path.unlink, "No such file"),
]


@pytest.mark.parametrize("name", ["answers-1", "map-1-0", "outcomes-1"])
@pytest.mark.parametrize(("harm", "what"), HARMS)
def test_a_harmed_file_is_refused_by_name(
    tmp_path: Path, harm: Callable[[Path], None], what: str, name: str
) -> None:
    write_plan(tmp_path, Draft().files())
    harm(tmp_path / name)
    if harm is flip and name == "outcomes-1":
        assert open_plan(tmp_path)  # it has no digest
        return
    with pytest.raises(PlanError, match=f"{name}: .*{what}"):
        open_plan(tmp_path)


def test_a_directory_without_current_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="current: No such file"):
        open_plan(tmp_path)


@pytest.mark.parametrize("harm", [link, pipe, folder])
@pytest.mark.parametrize("name", ["current", "generation"])
def test_what_is_no_file_is_neither_followed_nor_waited_for(
    tmp_path: Path, harm: Callable[[Path], None], name: str
) -> None:
    write_plan(tmp_path, Draft().files())
    harm(tmp_path / name)
    with pytest.raises(PlanError, match=name):
        PlanSource(tmp_path)


def test_an_endless_current_is_refused(tmp_path: Path) -> None:
    write_plan(tmp_path, Draft().files())
    (tmp_path / "current").write_bytes(b" " * (2**20 + 1))
    with pytest.raises(PlanError, match="longer than"):
        open_plan(tmp_path)


def with_answers(directory: Path, change: Callable[[bytearray], None]) -> None:
    """Write the plan with its answers file changed, the digest being right."""
    current = write_plan(directory, Draft().files())
    octets = bytearray((directory / "answers-1").read_bytes())
    change(octets)
    write_current(
        directory, current | {"answers": write_file(directory, "answers-1", bytes(octets))}
    )


def patch(at: int, form: str, value: Any) -> Callable[[bytearray], None]:
    return lambda octets: struct.pack_into(form, octets, at, value)


FIRST_SECTION = 32
HEADS = {
    "another magic": (patch(0, "8s", b"SPRWMAP1"), "none of kind"),
    "version 2": (patch(8, "<I", 2), "has format 2"),
    "more sections": (patch(12, "<I", 2**32 - 1), "and says"),
    "another size": (patch(16, "<Q", 2**63), "and says"),
    "unknown section": (patch(FIRST_SECTION, "<I", 99), "lacks section 1 "),
    "two of one id": (patch(FIRST_SECTION, "<I", 2), "two sections"),
    "another item size": (patch(FIRST_SECTION + 4, "<I", 20), "lacks section 1 "),
    "odd offset": (patch(FIRST_SECTION + 8, "<Q", 1001), "outside"),
    "far offset": (patch(FIRST_SECTION + 8, "<Q", 2**64 - 8), "outside"),
    "many items": (patch(FIRST_SECTION + 16, "<Q", 2**61), "outside"),
    "two items": (patch(FIRST_SECTION + 16, "<Q", 2), "PARAMS"),
}


@pytest.mark.parametrize(("change", "what"), HEADS.values(), ids=HEADS)
def test_a_wrong_section_table_is_refused(
    tmp_path: Path, change: Callable[[bytearray], None], what: str
) -> None:
    with_answers(tmp_path, change)
    with pytest.raises(PlanError, match=f"answers-1: .*{what}"):
        open_plan(tmp_path)


def test_a_section_that_nobody_knows_is_ignored(tmp_path: Path) -> None:
    files = Draft().files()
    head = struct.pack("<8sIIQQ", OUTCOMES_MAGIC, 1, 2, 32 + 48 + 32, 1)
    table = struct.pack("<IIQQ", OutcomesSection.WORDS, 8, 80, 3)
    table += struct.pack("<IIQQ", 99, 5, 104, 1)
    content = head + table + bytes(24) + bytes(8)
    current = write_plan(tmp_path, files)
    (tmp_path / "outcomes-1").write_bytes(content)
    write_current(tmp_path, current | {"outcomes": {"file": "outcomes-1", "size": len(content)}})
    assert [0, 0, 0] == list(open_plan(tmp_path).words)


# Structures.


def assign(name: str, *path: Any) -> Callable[[Draft], None]:
    """Give a change of one field of a draft: the path to it, then its value."""

    def change(draft: Draft) -> None:
        place, keys = getattr(draft, name), path[:-1]
        if not keys:
            setattr(draft, name, path[-1])
            return
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = path[-1]

    return change


NODE_NAME, NODE_LENGTH, NODE_LABELS, NODE_ORIGIN, NODE_HERE, NODE_BELOW = 1, 2, 3, 4, 5, 6
WRONG = {
    "params: mask": (assign("params", 1, 7), "mask"),
    "params: depth": (assign("params", 2, 1), "deeper"),
    "params: no depth": (assign("params", 2, 128), "deepest"),
    "params: sites": (assign("params", 3, 3), "sites"),
    "params: services": (assign("params", 4, 2), "services"),
    "params: payload": (assign("params", 5, 65536), "payload"),
    "params: NSID": (assign("params", 6, 4), "NSID"),
    "slots: none empty": (assign("name_slots", list(range(1, 17))), "no empty slot"),
    "slots: no power of two": (
        lambda draft: (
            assign("name_slots", [*draft.name_slots, 0])(draft),
            assign("params", 1, 16)(draft),
        ),
        "power of two",
    ),
    "slots: a node that is not there": (
        lambda draft: assign("name_slots", draft.name_slots.index(5), 7)(draft),
        "each node once",
    ),
    "slots: a node twice": (
        lambda draft: assign("name_slots", draft.name_slots.index(5), 4)(draft),
        "each node once",
    ),
    "node: name outside": (assign("nodes", 1, NODE_NAME, 2**32 - 1), "outside NAMES"),
    "node: name too long": (assign("nodes", 4, NODE_LENGTH, 100), "outside NAMES"),
    "node: name cut": (assign("nodes", 1, NODE_LENGTH, 5), "a node has"),
    "node: name longer": (assign("nodes", 0, NODE_LENGTH, 13), "as long as it says"),
    "node: labels": (assign("nodes", 1, NODE_LABELS, 1), "as long as it says"),
    "node: capitals": (
        lambda draft: assign("names_octets", draft.names_octets.upper())(draft),
        "lower case",
    ),
    "node: zone": (assign("nodes", 0, NODE_ORIGIN, 2), "fewer labels"),
    "node: a DNAME for itself": (assign("nodes", 0, NODE_HERE, 6), "names below"),
    "node: here": (assign("nodes", 0, NODE_HERE, 7), "table that is not there"),
    "node: below": (assign("nodes", 0, NODE_BELOW, 2**32 - 1), "table that is not there"),
    "table: first entry": (assign("tables", 2, 0, 2**32 - 1), "outside"),
    "table: entries": (assign("tables", 4, 1, 3), "outside"),
    "table: default": (assign("tables", 0, 2, 9), "outside"),
    "table: order": (assign("entries", 0, 0, 28), "ascend by type"),
    "entry: body": (assign("entries", 0, 2, 9), "body that is not there"),
    "body: bytes": (assign("bodies", 0, 0, 2**32 - 1), "outside BYTES"),
    "body: length": (assign("bodies", 8, 1, 22), "outside BYTES"),
    "body: first fixup": (assign("bodies", 0, 2, 2**32 - 1), "outside FIXUPS"),
    "body: fixups": (assign("bodies", 5, 3, 6), "outside FIXUPS"),
    "body: selves": (assign("bodies", 4, 13, 2), "outside FIXUPS"),
    "body: rcode": (assign("bodies", 0, 4, 16), "rcode"),
    "body: flag": (assign("bodies", 0, 5, 16), "flag"),
    "body: records": (assign("bodies", 3, 6, 2), "room"),
    "body: no reference": (assign("bodies", 3, 9, 0), "reference"),
    "body: long reference": (assign("bodies", 3, 9, 256), "reference"),
    "body: short reference": (assign("bodies", 0, 9, 200), "backwards"),
    "fixup: at the end": (assign("fixups", 1, 13), "fixups"),
    "fixup: outside": (assign("fixups", 1, 14), "fixups"),
    "fixup: twice": (assign("fixups", 1, 0), "fixups"),
    "fixup: overlapping": (assign("fixups", 1, 1), "fixups"),
    "fixup: no pointer": (assign("fixups", 0, 2), "no pointer"),
    "fixup: forwards": (
        lambda draft: assign("octets", b"\xff\xff" + draft.octets[2:])(draft),
        "backwards",
    ),
    "fixup: whole question": (
        lambda draft: assign("octets", b"\xc0\x0c" + draft.octets[2:])(draft),
        "backwards",
    ),
    "fixup: before its node": (
        lambda draft: assign("octets", b"\xc0\x0d" + draft.octets[2:])(draft),
        "before the name of its node",
    ),
    "self: at the end": (assign("fixups", 7, 17), "do not ascend"),
    "self: no pointer": (assign("fixups", 7, 1), "pointer to the question"),
    "self: another pointer": (assign("fixups", 7, 16), "do not ascend"),
    "self: twice": (
        lambda draft: (
            assign("fixups", [*draft.fixups, 0])(draft),
            assign("bodies", 4, 13, 2)(draft),
        ),
        "do not ascend",
    ),
    "DNAME: a slot": (assign("bodies", 8, 5, 13), "more than that"),
    "DNAME: an rcode": (assign("bodies", 8, 4, 3), "more than that"),
    "DNAME: no answer": (assign("bodies", 8, 6, 0), "more than that"),
    "DNAME: authority": (assign("bodies", 8, 7, 1), "room|more than that"),
    "DNAME: target": (assign("bodies", 8, 11, 13), "owner of a DNAME"),
    "DNAME: no owner": (assign("bodies", 8, 3, 0), "owner of a DNAME"),
    "DNAME: two pointers": (assign("bodies", 8, 3, 2), "backwards|owner of a DNAME"),
    "DNAME: type": (
        lambda draft: assign("octets", draft.octets[:81] + b"\0\5" + draft.octets[83:])(draft),
        "no such record",
    ),
    "DNAME: length": (assign("bodies", 8, 1, 20), "no such record"),
    "DNAME: no name": (
        lambda draft: assign("octets", draft.octets[:91] + b"\xff" + draft.octets[92:])(draft),
        "a DNAME has",
    ),
    "DNAME: two names": (
        lambda draft: assign("octets", draft.octets[:91] + b"\6" + draft.octets[92:98] + b"\0\0")(
            draft
        ),
        "not one name",
    ),
    "slot: number": (assign("bodies", 1, 10, 2), "slot that is not there"),
    "slot: authority": (
        lambda draft: assign("bodies", 4, [*draft.bodies[4][:6], 0, 1, *draft.bodies[4][8:]])(
            draft
        ),
        "more than an answer section",
    ),
    "slot: owner": (assign("bodies", 4, 11, ALIAS_OWNER + 6), "owner"),
    "slot: owner before": (assign("bodies", 4, 11, 11), "owner"),
    "slot: owner before its node": (assign("bodies", 4, 11, 13), "before the name of its node"),
    "slot: type": (assign("slots", 0, 2, 16), "another type"),
    "slot: policy": (assign("slots", 0, 3, 2), "policy"),
    "slot: part": (assign("slots", 0, 4, 3), "outside PARTS"),
    "slot: far part": (assign("slots", 0, 4, 2**32 - 1), "outside PARTS"),
    "slot: part of the other family": (assign("slots", 0, 4, 2), "another family"),
    "slot: floor": (assign("slots", 0, 6, 61), "floor"),
    "slot: empty body": (assign("slots", 0, 5, 9), "body that is not there"),
    "slot: empty body with a DNAME": (assign("slots", 0, 5, 8), "or a DNAME"),
    "slot: empty body with a slot": (assign("slots", 0, 5, 1), "has a slot"),
    "part: rdata": (assign("parts", 0, 0, 2**32 - 1), "outside RDATA"),
    "part: count": (assign("parts", 3, 1, 2), "outside RDATA"),
    "part: size": (assign("parts", 0, 2, 5), "odd size"),
    "part: signature": (assign("parts", 0, 3, 29), "signature"),
    "policy: map": (assign("policies", 0, 0, 1), "map"),
    "policy: classes": (assign("policies", 0, 1, 1), "class"),
    "policy: no class": (assign("policies", 1, 1, 0), "no class"),
    "policy: outcomes": (assign("policies", 1, 2, 3), "outcomes"),
    "policy: far outcomes": (assign("policies", 1, 2, 2**32 - 1), "outcomes"),
    "outcomes: one less": (assign("words", [(0, 0, 0)] * 2), "outcomes"),
    "meta: no object": (assign("meta", []), "META"),
    "meta: no version": (assign("meta", {}), "META"),
    "meta: sites": (assign("meta", "sites", [{"name": "one"}] * 3), "other sites"),
    "meta: service": (assign("meta", "services", 0, "name", "other"), "service"),
    "meta: last resort": (assign("meta", "services", 0, "last_resort", "none"), "LastResort"),
    "meta: no static site": (assign("meta", "services", 0, "last_resort", "static"), "against"),
    "meta: a static site": (assign("meta", "services", 0, "static_site", 1), "against"),
    "meta: static site": (
        assign(
            *("meta", "services", 0),
            {"name": "default", "last_resort": "static", "static_site": 2, "ttl_min": 0},
        ),
        "static site that is not there",
    ),
    "meta: floor": (assign("meta", "services", 0, "ttl_min", -1), "number of 32 bits"),
    "meta: family": (assign("meta", "policies", 0, "family", 5), "family"),
    "meta: policy twice": (assign("meta", "policies", 1, "family", 4), "two policies"),
    "meta: site": (assign("meta", "policies", 0, "classes", [[0], [2]]), "site"),
    "meta: classes": (assign("meta", "policies", 0, "classes", [[0]]), "classes"),
    "meta: part": (assign("meta", "policies", 1, "first_part", 3), "outside PARTS"),
    "meta: part of the other family": (
        assign("meta", "policies", 1, "first_part", 0),
        "another family",
    ),
    "v4: empty": (assign("v4", []), "IPv4 map does not begin"),
    "v4: first": (assign("v4", 0, ("0.0.0.1", 0)), "does not begin"),
    "v4: order": (assign("v4", 1, ("30.0.0.0", 1)), "ascend"),
    "v4: start twice": (assign("v4", 1, ("0.0.0.0", 1)), "ascend"),
    "v4: neighbours": (assign("v4", 1, ("10.0.0.0", 0)), "one code"),
    "v4: class": (assign("v4", 1, ("10.0.0.0", 2)), "class that its policy has not"),
    "v4: special class": (assign("v4", 1, ("10.0.0.0", SPECIAL | 2)), "class that its policy"),
    "v4: wrapped": (assign("v4", 1, ("10.0.0.0", WRAPPED)), "code of the IPv4"),
    "v4: code": (assign("v4", 1, ("10.0.0.0", 2**31)), "code of the IPv4"),
    "v6: empty": (assign("v6", []), "IPv6 map does not begin"),
    "v6: order": (assign("v6", -1, ("2a10:0:0:1::", WEST)), "ascend"),
    "v6: code": (assign("v6", -1, ("fc00::", WRAPPED | 1)), "code of the IPv6"),
    "v6: wraps more": (assign("v6", -1, ("fc00::", WRAPPED)), "wrap"),
    "v6: wraps less": (assign("v6", 1, ("::ffff:0:0", 1)), "wrap"),
    "v6: wraps another": (assign("v6", 2, ("::1:0:0:1", 0)), "wrap"),
    "v4 index: an item": (lambda draft: spoil_index(draft, "v4_index"), "IPv4 map's index"),
    "v6 index: an item": (lambda draft: spoil_index(draft, "v6_index"), "IPv6 map's index"),
    "v4 index: short": (assign("v4_index", [0] * 9), "IPv4 map's index"),
}


def spoil_index(draft: Draft, name: str) -> None:
    setattr(draft, name, [0] * (2**18 + 1))


@pytest.mark.parametrize(("change", "what"), WRONG.values(), ids=WRONG)
def test_a_wrong_structure_is_refused(
    tmp_path: Path, change: Callable[[Draft], None], what: str
) -> None:
    draft = Draft()
    change(draft)
    write_plan(tmp_path, draft.files())
    with pytest.raises(PlanError, match=f"(answers|map)-1(-0)?: .*{what}"):
        open_plan(tmp_path)


# Generations.


def test_a_source_follows_the_generations(tmp_path: Path) -> None:
    write_plan(tmp_path, Draft().files(), 1)
    source = PlanSource(tmp_path)
    first = source.plan
    assert first is source.poll()
    write_plan(tmp_path, Draft().files(), 2)
    assert 2 == source.poll().generation
    assert first is not source.poll()
    assert (0, None) == (source.refused, source.last_refusal)


def test_maps_that_went_can_still_be_read(tmp_path: Path) -> None:
    write_plan(tmp_path, Draft().files(), 1)
    source = PlanSource(tmp_path)
    before = [(each, bytes(each.file.octets)) for each in source.plan.maps]
    assert before
    write_plan(tmp_path, Draft().files(), 2)
    assert 2 == source.poll().generation
    for path in tmp_path.glob("map-1-*"):
        path.unlink()
    assert [octets for _, octets in before] == [bytes(each.file.octets) for each, _ in before]


def test_a_source_keeps_what_it_has_where_the_new_is_refused(tmp_path: Path) -> None:
    write_plan(tmp_path, Draft().files(), 1)
    source = PlanSource(tmp_path)
    (tmp_path / "current").write_text("{}")
    assert 1 == source.poll().generation  # nobody said that there is news
    for generation in (2, 3):
        write_generation(tmp_path, generation)
        assert 1 == source.poll().generation
        assert 1 == source.poll().generation
    assert 2 == source.refused
    assert str(source.last_refusal).startswith("generation 3: current cannot be read")
    write_plan(tmp_path, Draft().files(), 4)
    assert (4, 2) == (source.poll().generation, source.refused)


def test_a_source_that_was_early_does_not_open_the_same_generation_again(tmp_path: Path) -> None:
    write_plan(tmp_path, Draft().files(), 2)
    write_generation(tmp_path, 1)
    source = PlanSource(tmp_path)
    plan = source.plan
    write_generation(tmp_path, 2)
    assert plan is source.poll()


def test_a_source_refuses_a_current_that_is_older_than_its_number(tmp_path: Path) -> None:
    write_plan(tmp_path, Draft().files(), 2)
    source = PlanSource(tmp_path)
    write_generation(tmp_path, 3)
    assert 2 == source.poll().generation
    assert "generation 3: current still has generation 2" == source.last_refusal


def test_a_plan_whose_files_are_gone_still_answers(tmp_path: Path) -> None:
    write_plan(tmp_path, Draft().files(), 1)
    source = PlanSource(tmp_path)
    for path in tmp_path.iterdir():
        path.unlink()
    assert answer(source.poll(), bytes(12), bytes(4), 1232, NOW_S) is not None


@pytest.mark.parametrize("content", [b"", b"SPRWGEN1", b"SPRWGEN2" + bytes(8), bytes(17)])
def test_a_wrong_generation_file_is_refused(tmp_path: Path, content: bytes) -> None:
    write_plan(tmp_path, Draft().files())
    (tmp_path / "generation").write_bytes(content)
    with pytest.raises(PlanError, match="generation"):
        PlanSource(tmp_path)
