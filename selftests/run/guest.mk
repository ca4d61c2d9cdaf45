# SPDX-License-Identifier: GPL-2.0
#
# How programs are compiled that have guest code in them. It runs straight out
# of the program's image, with interrupts taken on the stack it uses and with no
# FPU state but the one that a test loads itself.

CFLAGS	:= -std=gnu11 -O2 -g -Wall -Wextra -Werror -D_GNU_SOURCE -pthread
CFLAGS	+= -fno-pie -mno-red-zone -mgeneral-regs-only -fno-stack-protector
CFLAGS	+= -fcf-protection=none -fno-builtin
LDFLAGS	:= -static -no-pie -pthread
