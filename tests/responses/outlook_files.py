"""A writer of Outlook's own format (.msg): compound files (MS-CFB) with a message's properties (MS-OXMSG)."""

import struct
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

Tree = dict[str, "bytes | Tree"]

_SECTOR, _SMALL, _CUTOFF = 512, 64, 4096
_END, _FREE, _FAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
MEETING = bytes.fromhex("90dad86e0b451b1098da00aa003f1305")
APPOINTMENT = bytes.fromhex("0220060000000000c000000000000046")

#: A property: its number, and a text, octets, a number or a moment.
Value = str | bytes | int | datetime


def compound(tree: Tree) -> bytes:
    """Return a compound file of version 3 with these storages and streams."""
    entries: list[list[object]] = [["Root Entry", 5, _FREE, _FREE, 0, 0]]
    small, big = bytearray(), bytearray()
    small_fat: list[int] = []
    fat: list[int] = []

    def chain(table: list[int], data: bytes, size: int, store: bytearray) -> int:
        if not data:
            return _END
        first, count = len(table), -(-len(data) // size)
        table.extend([*range(first + 1, first + count), _END])
        store.extend(data.ljust(count * size, b"\0"))
        return first

    def add(parent: int, children: Tree) -> None:
        before = None
        for name, value in children.items():
            number = len(entries)
            if isinstance(value, dict):
                entries.append([name, 1, _FREE, _FREE, 0, 0])
                add(number, value)
            elif len(value) < _CUTOFF:
                entries.append([name, 2, _FREE, _FREE, chain(small_fat, value, _SMALL, small), len(value)])
            else:
                entries.append([name, 2, _FREE, _FREE, chain(fat, value, _SECTOR, big), len(value)])
            if before is None:
                entries[parent][3] = number
            else:
                entries[before][2] = number
            before = number

    add(0, tree)
    entries[0][4:] = [chain(fat, bytes(small), _SECTOR, big), len(small)]
    small_table = b"".join(struct.pack("<I", each) for each in small_fat)
    small_at = chain(fat, small_table.ljust(-(-len(small_table) // _SECTOR) * _SECTOR, b"\xff"), _SECTOR, big)
    directory = b"".join(_entry(*each) for each in entries)  # type: ignore[arg-type]
    directory_at = chain(fat, directory, _SECTOR, big)
    sectors = 1
    while sectors * 128 < len(fat) + sectors:
        sectors += 1
    first = len(fat)
    fat += [_FAT] * sectors
    header = struct.pack(
        "<8s16xHHHHH6xIIIIIIIII",
        *(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, 9, 6, 0, sectors, directory_at, 0, _CUTOFF),
        *(small_at, -(-len(small_table) // _SECTOR), _END, 0),
    )
    places = [*range(first, first + sectors), *[_FREE] * (109 - sectors)]
    table = b"".join(struct.pack("<I", each) for each in fat).ljust(sectors * _SECTOR, b"\xff")
    return header + struct.pack("<109I", *places) + bytes(big) + table


def _entry(name: str, kind: int, right: int, child: int, start: int, size: int) -> bytes:
    encoded = name.encode("utf-16-le") + b"\0\0"
    return struct.pack("<64sHBBIII16xI8x8xIQ", encoded, len(encoded), kind, 1, _FREE, right, child, 0, start, size)


def storage(header: int, properties: Mapping[int, Value]) -> Tree:
    """Return a storage with these properties; ``header`` is the length of its header (MS-OXMSG §2.4)."""
    tree: Tree = {}
    fixed = bytearray(b"\0" * header)
    for number, value in properties.items():
        if isinstance(value, str):
            tree[f"__substg1.0_{number:04X}001F"] = value.encode("utf-16-le")
        elif isinstance(value, bytes):
            tree[f"__substg1.0_{number:04X}0102"] = value
        elif isinstance(value, datetime):
            ticks = (value.astimezone(UTC) - datetime(1601, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 10
            fixed += struct.pack("<HHIQ", 0x0040, number, 6, ticks)
        else:
            fixed += struct.pack("<HHIQ", 0x0003, number, 6, value)
    tree["__properties_version1.0"] = bytes(fixed)
    return tree


def msg(
    properties: Mapping[int, Value],
    named: Mapping[tuple[bytes, int], Value] | None = None,
    recipients: Sequence[Mapping[int, Value]] = (),
    attachments: Sequence[Tree] = (),
) -> bytes:
    """Return a message as a file; ``named``: its named properties, by their set and number."""
    names = dict(named or {})
    sets = list(dict.fromkeys(group for group, _number in names))
    entries = b"".join(
        struct.pack("<IHH", number, (sets.index(group) + 3) << 1, index) for index, (group, number) in enumerate(names)
    )
    known = {0x8000 + index: value for index, value in enumerate(names.values())}
    tree = storage(32, {**properties, **known})
    tree["__nameid_version1.0"] = {
        "__substg1.0_00020102": b"".join(sets),
        "__substg1.0_00030102": entries,
        "__substg1.0_00040102": b"",
    }
    for number, each in enumerate(recipients):
        tree[f"__recip_version1.0_#{number:08X}"] = storage(8, each)
    for number, attached in enumerate(attachments):
        tree[f"__attach_version1.0_#{number:08X}"] = attached
    return compound(tree)


def attached_message(properties: Mapping[int, Value]) -> Tree:
    """Return an attachment that is a message."""
    return {**storage(8, {0x3705: 5}), "__substg1.0_3701000D": storage(24, properties)}


def attached_file(kind: str, name: str, data: bytes) -> Tree:
    """Return an attachment that is a file of this type."""
    return storage(8, {0x3705: 1, 0x370E: kind, 0x3707: name, 0x3701: data})


def object_id(uid: str) -> bytes:
    """Return a global object id with the UID of an entry of another program (MS-OXCICAL §2.1.3.1.1.20.26)."""
    data = b"vCal-Uid\x01\0\0\0" + uid.encode() + b"\0"
    return bytes.fromhex("040000008200e00074c5b7101a82e008") + b"\0" * 20 + struct.pack("<I", len(data)) + data
