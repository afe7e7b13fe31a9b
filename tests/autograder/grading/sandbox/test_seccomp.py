"""The filter of system calls, run as the kernel would run it, for both machines."""

from __future__ import annotations

import errno
import struct

import pytest

from autograder.grading.sandbox.seccomp import program
from course.errors import CourseError

X86, ARM = ("x86_64", 0xC000003E), ("aarch64", 0xC00000B7)
ALLOWED, KILLED = 0x7FFF0000, 0x80000000


def verdict(machine: tuple[str, int], number: int, *arguments: int, audit: int | None = None) -> int:
    """What the filter returns for a call; see the kernel's Documentation/networking/filter.rst."""
    code = program(machine[0])
    steps = [struct.unpack_from("=HBBI", code, at) for at in range(0, len(code), 8)]
    data = struct.pack("=IIQ6Q", number, audit or machine[1], 0, *arguments, *[0] * (6 - len(arguments)))
    at = value = 0
    while True:
        kind, if_true, if_false, operand = steps[at]
        at += 1
        if kind == 0x06:
            return int(operand)
        if kind == 0x20:
            (value,) = struct.unpack_from("=I", data, operand)
        else:
            holds = {0x15: value == operand, 0x35: value >= operand, 0x45: bool(value & operand)}[kind]
            at += if_true if holds else if_false


def refused(number: int) -> int:
    return 0x00050000 | number


@pytest.mark.parametrize("machine", [X86, ARM])
def test_what_programs_need_is_allowed(machine: tuple[str, int]) -> None:
    clone, ioctl, socket = (56, 16, 41) if machine == X86 else (220, 29, 198)
    write, execve = (1, 59) if machine == X86 else (64, 221)
    assert verdict(machine, write, 1) == verdict(machine, execve) == ALLOWED
    threads, child = 0x003D0F00, 0x01200011  # what the C library asks for
    assert verdict(machine, clone, threads) == verdict(machine, clone, child) == ALLOWED
    assert verdict(machine, ioctl, 0, 0x5401) == ALLOWED  # isatty
    assert {verdict(machine, socket, family) for family in (1, 2, 10, 16)} == {ALLOWED}


@pytest.mark.parametrize("machine", [X86, ARM])
def test_what_gets_round_a_limit_is_refused(machine: tuple[str, int]) -> None:
    clone, ioctl, socket = (56, 16, 41) if machine == X86 else (220, 29, 198)
    numbers = (272, 319, 101, 165, 321) if machine == X86 else (97, 279, 117, 40, 280)
    assert {verdict(machine, number) for number in numbers} == {refused(errno.EPERM)}
    assert verdict(machine, 435) == refused(errno.ENOSYS)
    for bit in (17, 25, 26, 27, 28, 29, 30):
        assert verdict(machine, clone, 1 << bit | 17) == refused(errno.EPERM)
    for request in (0x5412, 0x541C):  # characters for a terminal, and for a console
        assert verdict(machine, ioctl, 0, request) == refused(errno.EPERM)
    assert verdict(machine, socket, 40) == refused(errno.EAFNOSUPPORT)


def test_other_tables_of_calls_are_no_way_round() -> None:
    assert verdict(X86, 0x40000000 | 272) == refused(errno.EPERM)  # x32
    assert verdict(X86, 310, audit=0x40000003) == KILLED  # i386
    assert verdict(ARM, 97, audit=0x40000028) == KILLED  # 32 bits


def test_an_unknown_machine_has_no_filter() -> None:
    with pytest.raises(CourseError, match="riscv64: grade on x86-64 or aarch64"):
        program("riscv64")
