"""A filter of system calls that no hand-in needs and that get round a limit or into the kernel's corners.

A namespace of one's own, for example, brings a tmpfs of any size; a ``memfd`` and System V's shared memory
hold memory that no limit of a process counts. Refused calls fail with ``EPERM``; ``clone3`` fails with
``ENOSYS``, because its flags cannot be looked at, and the C library then takes ``clone``.

Sources: seccomp(2); the kernel's Documentation/userspace-api/seccomp_filter.rst; the numbers are of its
arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h (aarch64).
"""

from __future__ import annotations

import errno
import platform
import struct

from course.errors import CourseError

# name → number on x86-64, number on aarch64
_REFUSED = {
    "acct": (163, 89),
    "add_key": (248, 217),
    "bpf": (321, 280),
    "chroot": (161, 51),
    "delete_module": (176, 106),
    "finit_module": (313, 273),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "init_module": (175, 105),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "kcmp": (312, 272),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "msgget": (68, 186),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "pidfd_getfd": (438, 438),
    "pivot_root": (155, 41),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "semget": (64, 190),
    "setns": (308, 268),
    "shmget": (29, 194),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
}
_CLONE, _CLONE3, _IOCTL, _SOCKET = (56, 220), (435, 435), (16, 29), (41, 198)
# sched.h: mount, cgroup, uts, ipc, user, pid, network. CLONE_NEWTIME is a bit of clone's signal number.
_NAMESPACES = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000
_TERMINAL = (0x5412, 0x541C)  # TIOCSTI and TIOCLINUX put characters into a terminal's input
# Families whose sockets stay within the sandbox's network: local, IPv4, IPv6, netlink. AF_VSOCK, for one,
# knows no network namespaces, and leads from a virtual machine to its host.
_FAMILIES = (1, 2, 10, 16)

_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_X32 = 0x40000000  # x86-64's second table of system calls

# linux/bpf_common.h and linux/seccomp.h
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER, _MACHINE, _FIRST, _SECOND = 0, 4, 16, 24  # offsets in struct seccomp_data; of arguments the low half


def program(machine: str = platform.machine()) -> bytes:
    """The filter, as an array of ``struct sock_filter``.

    Args:
        machine: what ``platform.machine`` says.

    Raises:
        CourseError: a machine whose numbers of system calls are not known here.
    """
    if machine not in _MACHINES:
        raise CourseError(f"no filter of system calls for {machine}: grade on x86-64 or aarch64")
    column, audit = _MACHINES[machine]
    steps = [_step(_LOAD, _MACHINE), *_where(_EQUAL, audit, [], otherwise=[_step(_RETURN, _KILL)])]
    steps += [_step(_LOAD, _NUMBER)]
    if machine == "x86_64":
        steps += _where(_AT_LEAST, _X32, [_refuse(errno.EPERM)])
    for numbers in _REFUSED.values():
        steps += _where(_EQUAL, numbers[column], [_refuse(errno.EPERM)])
    steps += _where(_EQUAL, _CLONE3[column], [_refuse(errno.ENOSYS)])
    allow = _step(_RETURN, _ALLOW)
    clone = [_step(_LOAD, _FIRST), *_where(_ANY_BIT, _NAMESPACES, [_refuse(errno.EPERM)]), allow]
    ioctl = [_step(_LOAD, _SECOND)]
    for request in _TERMINAL:
        ioctl += _where(_EQUAL, request, [_refuse(errno.EPERM)])
    socket = [_step(_LOAD, _FIRST)]
    for family in _FAMILIES:
        socket += _where(_EQUAL, family, [allow])
    steps += _where(_EQUAL, _CLONE[column], clone)
    steps += _where(_EQUAL, _IOCTL[column], [*ioctl, allow])
    steps += _where(_EQUAL, _SOCKET[column], [*socket, _refuse(errno.EAFNOSUPPORT)])
    return b"".join([*steps, allow])


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _refuse(number: int) -> bytes:
    return _step(_RETURN, _ERRNO | number)


def _where(code: int, value: int, then: list[bytes], otherwise: list[bytes] | None = None) -> list[bytes]:
    """Steps for one outcome of a comparison, or steps for the other."""
    if otherwise is not None:
        return [_step(code, value, if_true=len(otherwise)), *otherwise, *then]
    return [_step(code, value, if_false=len(then)), *then]
