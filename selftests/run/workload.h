/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Work of every kind for two vCPUs, whose outcome does not depend on time: what
 * the guest of migrate.c does. The host serves a device for it.
 */
#ifndef LVX_TEST_WORKLOAD_H
#define LVX_TEST_WORKLOAD_H

#include "lib.h"

/* How often each piece of work is done. */
#define ROUNDS		3

/* The host's device: memory, and a register that makes things happen. */
#define DEVICE		GPA_MMIO
#define COMMAND		(DEVICE + 0x100)
#define PORT		0x1230
enum command { EDGE, LEVEL_UP, LEVEL_DOWN, PIC_LINE, NMI, SEND_MSI };

#define GSI_EDGE	5
#define GSI_LEVEL	10
#define GSI_PIC		3
#define V_MSI		0x53

/* What is compared in the end. */
struct result {
	uint64_t alu, vec[4], x87, port, device, faults, registers;
	uint32_t self, edge, level, pic, nmi, msi, ipi, reply;
};

extern volatile struct result result;

/* On the host, before each run */
void workload_start(void);

/* The code of vCPU 0 and 1; the first one comes to an end. */
void g_main(void);
void g_second(void);

#endif
