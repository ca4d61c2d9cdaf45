/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The machine that we run on: its CPU, its kernel's modules, and who holds VMX.
 */
#ifndef LVX_HOST_H
#define LVX_HOST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* What a test replaces: the folder above /proc and /sys, and the CPU. */
struct host {
	const char *root;
	void (*cpuid)(uint32_t leaf, uint32_t regs[4]);	/* EAX to EDX */
};

extern struct host host;

FILE *host_open(const char *path);
bool host_has_module(const char *name);
bool lvx_serves_kvm(void);
const char *host_free_vmx(void);

#endif
