#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make help.

cat <<'EOF'
lvx: a hypervisor for Linux, run and tested in an emulated machine with VMX.
Nothing is installed but packages by 'make deps'; all that is made goes to build/.

  make deps          install with apt what is missing, and say what (Debian 12
                     and 13; elsewhere a list of what to install)
  make               build/6.1/lvx.ko, build/6.12/lvx.ko and the launcher, build/lvx
  make modules       only the modules         make launcher   only the launcher
  make run           a Debian guest on lvx in the emulated machine, at your terminal
  make lab           a shell in the emulated machine, with everything at hand
  make check         all tests; the last line is "N passed, N failed, N skipped"
  make check-clients QEMU's guests on lvx, KVM's selftests; last line as above
  make check-fresh   the README's commands and the packages on a fresh Debian 12
                     and a fresh Debian 13, each in a chroot
  make check-debug   kselftests in a kernel with KASAN, lockdep and kmemleak
  make check-fuzz    200,000 random ioctls in the same kernel; SEED=N, CALLS=N
                     (builds that kernel once: more than ten minutes)
  make check-kvm-selftests
                     the kernel's KVM selftests on KVM and on lvx; writes
                     Documentation/kvm-selftests.rst
  make bench         ticks per exit, lvx beside KVM
  make bench-accesses
                     accesses to VMCS and MSRs per exit, lvx beside KVM
  make deb           Debian packages lvx and lvx-dkms, in build/deb
  make clean         remove what was built    make distclean  and the kernels, too

Options, as in 'make run HOST=6.12 CPUS=2':
  HOST=6.1|6.12      kernel of the emulated host            (run, lab, bench)
  GUEST=6.1|6.12     kernel of the guest                    (run)
  CPUS=N CPU=MODEL   emulated CPUs; their model as Bochs names it, such as
                     corei7_skylake_x (default) or corei7_sandy_bridge_2600k
  EMULATOR=own|distribution
                     the lab's own build of Bochs, or the distribution's
  MEMORY=MIB         memory of the emulated machine
  TIME=SECONDS       limit in real time                     (check, bench)
  NATIVE=1           use this machine's own VMX, and root   (run)
  JOBS="unit style"  only these jobs; "all": clients, too   (check)
  TESTS="state_test" only these tests                       (check-kvm-selftests)
  FRESH=bookworm     only this distribution                 (check-fresh)
  FOR=fresh|deb      what check-fresh or deb need besides   (deps)
  KDIR=FOLDER        build the module for that kernel only  (modules)

The emulated machine takes about half a minute to boot. Its first serial port
is your terminal; Ctrl-\ leaves it at any time.
EOF
